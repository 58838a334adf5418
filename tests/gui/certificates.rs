//! The certificate store.

use std::{fs, os::unix::fs::PermissionsExt as _};

use egui_kittest::kittest::{NodeT as _, Queryable as _};
use gatehouse::model::{
    Answer, CertificateUse, Command, KeyType,
    command::{CreateCertificateAuthority, IssueCertificate},
};

use crate::home::Home;

fn with_authority() -> (Home, String) {
    let home = Home::new();
    let answer = home.call(Command::CreateCertificateAuthority(
        CreateCertificateAuthority {
            common_name: "Example VPN CA".to_owned(),
            key_type: KeyType::EcdsaP256,
        },
    ));
    let Answer::CertificateArn(arn) = answer else {
        panic!("another answer");
    };
    (home, arn.to_string())
}

fn issue(home: &Home, authority: &str, name: &str) {
    home.call(Command::IssueCertificate(IssueCertificate {
        ca_arn: authority.to_owned(),
        usage: CertificateUse::Client,
        common_name: name.to_owned(),
        key_type: KeyType::EcdsaP256,
        validity_days: None,
        alternative_names: Vec::new(),
    }));
}

#[test]
fn an_authority_is_made_and_a_certificate_issued_from_it() {
    let mut home = Home::new();
    let window = &mut home.window;
    window.go("Certificates");
    window.press("Create certificate authority…");
    window.fill("Name", "Example VPN CA");
    window.press("Create");
    window.wait_for("Example VPN CA created");
    window.press("Issue certificate…");
    window.fill("Name", "a.lindqvist");
    window.press("Issue");
    window.wait_for("a.lindqvist issued");
    let snapshot = window.view().snapshot.clone();
    let client = snapshot
        .certificates
        .values()
        .find(|c| c.title() == "a.lindqvist")
        .expect("it was issued");
    assert_eq!(client.usage, CertificateUse::Client);
    assert!(client.has_private_key);
}

#[test]
fn a_name_that_lacks_is_said_at_its_field() {
    let mut home = Home::new();
    let window = &mut home.window;
    window.go("Certificates");
    window.press("Create certificate authority…");
    window.press("Create");
    window.wait_for("Name is needed, for example Example VPN CA");
    assert!(window.harness.get_by_label("Name").is_focused());
    assert!(window.view().snapshot.certificates.is_empty());
    window.fill("Name", "A");
    assert!(
        !window.says("Name is needed"),
        "the error leaves as the field changes"
    );
}

#[test]
fn what_is_no_certificate_is_refused_at_the_field_it_was_pasted_into() {
    let mut home = Home::new();
    let window = &mut home.window;
    window.go("Certificates");
    window.press("Import…");
    window.fill("Certificate", "not a certificate");
    window.press("Import");
    window.wait("an error at the field", |window| {
        let field = window.harness.get_by_label("Certificate");
        field.accesskit_node().data().invalid().is_some()
    });
    assert_eq!(window.value("Certificate"), "not a certificate");
    assert!(window.view().snapshot.certificates.is_empty());
}

#[test]
fn an_authority_in_use_is_not_deleted_and_its_users_are_named() {
    let (mut home, authority) = with_authority();
    issue(&home, &authority, "a.lindqvist");
    let window = &mut home.window;
    window.go("Certificates");
    window.wait_for("a.lindqvist, Client");
    window.press("Example VPN CA, Certificate authority");
    window.press("Delete…");
    window.fill("Type Example VPN CA to confirm", "Example VPN CA");
    window.press("Delete certificate");
    window.wait_for("still used by the certificate a.lindqvist");
    assert_eq!(window.view().snapshot.certificates.len(), 2);
}

#[test]
fn a_certificate_that_nobody_uses_is_deleted() {
    let (mut home, authority) = with_authority();
    issue(&home, &authority, "a.lindqvist");
    let window = &mut home.window;
    window.go("Certificates");
    window.press("a.lindqvist, Client");
    window.press("Delete…");
    window.press("Delete certificate");
    window.wait_for("a.lindqvist deleted");
    assert_eq!(window.view().snapshot.certificates.len(), 1);
}

#[test]
fn the_key_is_exported_only_when_asked_for_and_for_its_owners_eyes_only() {
    let (mut home, authority) = with_authority();
    issue(&home, &authority, "a.lindqvist");
    let (plain, secret) = (home.dir.path().join("a.pem"), home.dir.path().join("b.pem"));
    let window = &mut home.window;
    window.go("Certificates");
    window.press("a.lindqvist, Client");
    window.files.next_target(&plain);
    window.press("Export…");
    window.press("Export…");
    window.wait_for("Saved");
    assert!(
        !fs::read_to_string(&plain)
            .expect("it is there")
            .contains("PRIVATE KEY")
    );

    window.files.next_target(&secret);
    window.press("Export…");
    window.press_containing("With the private key");
    window.wait_for("Whoever has this file can act as its owner");
    window.press("Export…");
    window.wait("the second file", |_| secret.exists());
    assert!(
        fs::read_to_string(&secret)
            .expect("it is there")
            .contains("PRIVATE KEY")
    );
    let mode = fs::metadata(&secret)
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn the_selection_stays_with_its_certificate_when_rows_move() {
    let (mut home, authority) = with_authority();
    issue(&home, &authority, "m.moreau");
    home.window.go("Certificates");
    home.window.press("m.moreau, Client");
    home.window.wait_for("Close panel");
    issue(&home, &authority, "a.lindqvist");
    let window = &mut home.window;
    window.wait_for("a.lindqvist, Client");
    let selected = |window: &crate::support::window::Window, label: &str| {
        let row = window.harness.get_by_label(label);
        row.accesskit_node().data().is_selected() == Some(true)
    };
    assert!(selected(window, "m.moreau, Client"));
    assert!(!selected(window, "a.lindqvist, Client"));
}
