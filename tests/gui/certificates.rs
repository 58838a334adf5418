//! The certificate store.

use std::{fs, os::unix::fs::PermissionsExt as _};

use egui_kittest::kittest::{NodeT as _, Queryable as _};
use gatehouse::model::{
    Answer, CertificateUse, Command, KeyType,
    command::{
        AuthenticationOption, CreateCertificateAuthority, CreateClientVpnEndpoint,
        ExportCertificate, IssueCertificate,
    },
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
    window.wait_for("Saved ");
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

#[test]
fn a_server_certificate_has_the_validity_and_names_that_were_typed() {
    let (mut home, _) = with_authority();
    let window = &mut home.window;
    window.go("Certificates");
    window.press("Issue certificate…");
    window.press("Server");
    window.fill("Name", "vpn.example.com");
    window.fill("Other names", "vpn2.example.com, 192.0.2.10");
    window.fill("Validity in days", "many");
    window.press("Issue");
    window.wait_for("many is no number of days");
    window.fill("Validity in days", "9999");
    window.press("Issue");
    window.wait_for("A validity of 9999 days is not possible");
    window.fill("Validity in days", "90");
    window.press("Issue");
    window.wait_for("vpn.example.com issued");
    let snapshot = window.view().snapshot.clone();
    let mut all = snapshot.certificates.values();
    let server = all.find(|c| c.usage == CertificateUse::Server);
    let server = server.expect("it was issued");
    assert_eq!(
        server.alternative_names,
        ["vpn.example.com", "vpn2.example.com", "192.0.2.10"]
    );
}

#[test]
fn a_renewed_certificate_keeps_its_place_in_the_list() {
    let (mut home, authority) = with_authority();
    issue(&home, &authority, "a.lindqvist");
    let window = &mut home.window;
    window.go("Certificates");
    window.press("a.lindqvist, Client");
    let old = client(window);
    window.press("Renew…");
    window.wait_for("The old certificate stays valid until it expires, unless it is revoked");
    window.press("Renew");
    window.wait_for("a.lindqvist renewed");
    let new = client(window);
    assert_eq!(new.arn, old.arn);
    assert_ne!(new.serial, old.serial);
}

fn client(
    window: &crate::support::window::Window,
) -> std::sync::Arc<gatehouse::model::Certificate> {
    let view = window.view();
    let mut all = view.snapshot.certificates.values();
    let client = all.find(|c| c.usage == CertificateUse::Client);
    client.expect("it was issued").clone()
}

#[test]
fn a_list_of_names_is_judged_line_by_line_and_issued_as_a_whole() {
    let (mut home, _) = with_authority();
    let list = home.dir.path().join("names.txt");
    fs::write(&list, "a.lindqvist\nm.moreau\na.lindqvist\n").expect("it can be written");
    let window = &mut home.window;
    window.go("Certificates");
    window.press("Issue for many…");
    window.files.next_source(&list);
    window.press("Open a list…");
    window.wait_for("Line 3 repeats the name of line 1");
    window.fill("Names", "a.lindqvist\nm.moreau\nÅsa Öberg");
    window.wait_for("3 certificates will be issued");
    window.press("Issue");
    window.wait_for("Åsa Öberg: issued");
    window.press("Close");
    let view = window.view();
    let clients = view.snapshot.certificates.values();
    let clients = clients.filter(|c| c.usage == CertificateUse::Client);
    assert_eq!(clients.count(), 3);
}

#[test]
fn a_certificate_is_put_in_the_place_of_another() {
    let (mut home, authority) = with_authority();
    issue(&home, &authority, "a.lindqvist");
    issue(&home, &authority, "m.moreau");
    let exported = home.dir.path().join("m.pem");
    let window = &mut home.window;
    window.go("Certificates");
    window.press("m.moreau, Client");
    window.files.next_target(&exported);
    window.press("Export…");
    window.press("Export…");
    window.wait_for("Saved ");
    let text = fs::read_to_string(&exported).expect("it was saved");
    let own = text.split_inclusive("-----END CERTIFICATE-----\n").next();
    window.press("a.lindqvist, Client");
    window.press("Replace…");
    window.fill("Certificate", own.expect("it holds a certificate"));
    window.press("Import");
    window.wait_for("Certificate imported");
    let view = window.view();
    let all = view.snapshot.certificates.values();
    let names: Vec<_> = all.filter(|c| c.title() == "m.moreau").collect();
    assert_eq!(names.len(), 2);
    assert_eq!(names[0].fingerprint, names[1].fingerprint);
}

#[test]
fn what_nears_its_end_is_said_in_the_list_the_navigation_and_the_status_bar() {
    let (mut home, authority) = with_authority();
    home.call(Command::IssueCertificate(IssueCertificate {
        ca_arn: authority,
        usage: CertificateUse::Client,
        common_name: "a.lindqvist".to_owned(),
        key_type: KeyType::EcdsaP256,
        validity_days: Some(13),
        alternative_names: Vec::new(),
    }));
    let window = &mut home.window;
    // The bar moves no more once the gateway runs.
    window.wait_for("User-space, no root");
    window.wait_for("1 expiry notice");
    window.press("1 expiry notice");
    window.wait_for("The client certificate a.lindqvist expires in 1");
    // The banner leads to the cure.
    window.press("Renew…");
    window.fill("Validity in days", "365");
    window.press("Renew");
    window.wait_for("a.lindqvist renewed");
    window.wait("the notice to go", |window| !window.says("expiry notice"));
}

#[test]
fn each_name_of_a_list_has_a_client_configuration_of_its_own_for_its_owners_eyes_only() {
    let (mut home, authority) = with_authority();
    let server = home.call(Command::IssueCertificate(IssueCertificate {
        ca_arn: authority.clone(),
        usage: CertificateUse::Server,
        common_name: "vpn.example.com".to_owned(),
        key_type: KeyType::EcdsaP256,
        validity_days: None,
        alternative_names: Vec::new(),
    }));
    let Answer::CertificateArn(server) = server else {
        panic!("another answer");
    };
    home.call(Command::CreateClientVpnEndpoint(CreateClientVpnEndpoint {
        client_cidr_block: "10.0.0.0/22".to_owned(),
        server_certificate_arn: server.to_string(),
        authentication_options: vec![AuthenticationOption {
            kind: "certificate-authentication".to_owned(),
            client_root_certificate_chain_arn: Some(authority),
        }],
        connection_log_enabled: Some(false),
        ..CreateClientVpnEndpoint::default()
    }));
    let folder = home.dir.path().join("profiles");
    fs::create_dir(&folder).expect("it can be made");
    let window = &mut home.window;
    window.go("Certificates");
    window.press("Issue for many…");
    window.fill("Names", "a.lindqvist\nm.moreau");
    window.press("Client configurations");
    window.press_containing("For cvpn-endpoint-");
    window.files.next_folder(&folder);
    window.press("Issue");
    window.wait_for("m.moreau: ");
    for name in ["a.lindqvist.ovpn", "m.moreau.ovpn"] {
        let path = folder.join(name);
        let text = fs::read_to_string(&path).expect("it was written");
        assert!(text.contains("PRIVATE KEY"));
        let mode = fs::metadata(&path).expect("it is there").permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
    }
    // What is there is not replaced, and nothing more is issued.
    window.press("Close");
    let issued = window.view().snapshot.certificates.len();
    window.press("Issue for many…");
    window.fill("Names", "a.lindqvist");
    window.press("Client configurations");
    window.press_containing("For cvpn-endpoint-");
    window.files.next_folder(&folder);
    window.press("Issue");
    window.wait_for("is there already. Choose another folder");
    assert_eq!(window.view().snapshot.certificates.len(), issued);
}

/// A request as `openssl req` makes it, and its key.
fn request(name: &str) -> (String, rcgen::KeyPair) {
    let key = rcgen::KeyPair::generate().expect("a key");
    let mut asked = rcgen::CertificateParams::new(vec!["vpn2.example.com".to_owned()]);
    let asked = asked.as_mut().expect("a host name");
    let name_of = rcgen::DnType::CommonName;
    asked.distinguished_name.push(name_of, name);
    let made = asked.serialize_request(&key).expect("it can be signed");
    (made.pem().expect("PEM"), key)
}

#[test]
fn a_request_is_looked_at_signed_and_handed_out() {
    let (mut home, _) = with_authority();
    let (text, _) = request("vpn.example.com");
    let (file, saved) = (home.dir.path().join("a.csr"), home.dir.path().join("a.crt"));
    fs::write(&file, &text).expect("it can be written");
    let window = &mut home.window;
    window.go("Certificates");
    window.press("More");
    window.press("Sign a certificate request…");
    window.fill("Certificate request", "not a request");
    window.wait_for("The certificate request has no -----BEGIN CERTIFICATE REQUEST----- line");
    window.files.next_source(&file);
    window.press("Choose request file…");
    window.wait_for("EC_prime256v1");
    window.wait_for("A client is known by its name alone");
    window.press("Server");
    window.wait_for("vpn2.example.com");
    window.fill("Name", &"x".repeat(65));
    window.press("Sign");
    window.wait_for("is longer than 64 characters");
    window.fill("Name", "");
    window.press("Sign");
    window.wait_for("Hand it to whoever asked for vpn.example.com");
    window.files.next_target(&saved);
    window.press("Save certificate…");
    window.wait_for("Saved ");
    let pem = fs::read_to_string(&saved).expect("it was saved");
    assert_eq!(pem.matches("-----BEGIN CERTIFICATE-----").count(), 2);
    window.press("Copy certificate");
    window.press("Close");
    let view = window.view();
    let mut all = view.snapshot.certificates.values();
    let server = all.find(|c| c.usage == CertificateUse::Server);
    let server = server.expect("it is in the store");
    assert!(!server.has_private_key);
    assert!(pem.starts_with(&server.certificate_pem));

    // Its key is not here, so there is none to be exported.
    window.press("vpn.example.com, Server");
    window.press("Export…");
    window.wait_for("Export vpn.example.com");
    let with_key = window.harness.get_by_label("With the private key");
    assert!(with_key.accesskit_node().is_disabled());
}

#[test]
fn an_authority_is_renewed_and_keeps_its_key() {
    let (mut home, authority) = with_authority();
    issue(&home, &authority, "a.lindqvist");
    let window = &mut home.window;
    window.go("Certificates");
    window.press("Example VPN CA, Certificate authority");
    window.press("Renew…");
    window.wait_for("It keeps its key and its ARN");
    window.fill("Validity in days", "3000");
    window.press("Renew");
    window.wait_for("Example VPN CA renewed");
    let view = window.view();
    let client = client(window);
    let ca = &view.snapshot.certificates[client.issued_by.as_ref().expect("it is here")];
    assert_eq!(client.chain_pem, ca.certificate_pem);
    assert!(ca.has_private_key);
}

#[test]
fn an_easy_rsa_folder_is_imported_and_each_file_is_spoken_of() {
    let (home, authority) = with_authority();
    issue(&home, &authority, "a.lindqvist");
    let folder = home.dir.path().join("pki");
    for below in ["issued", "private"] {
        fs::create_dir_all(folder.join(below)).expect("it can be made");
    }
    let write = |name: &str, text: &[u8]| {
        fs::write(folder.join(name), text).expect("it can be written");
    };
    let export = |home: &Home, arn: &str| {
        let answer = home.call(Command::ExportCertificate(ExportCertificate {
            certificate_arn: arn.to_owned(),
            with_private_key: true,
        }));
        match answer {
            Answer::Exported(it) => it,
            other => panic!("{other:?}"),
        }
    };
    let arn = client(&home.window).arn.to_string();
    let (ca, leaf) = (export(&home, &authority), export(&home, &arn));
    write("ca.crt", ca.certificate_pem.as_bytes());
    write("issued/a.crt", leaf.certificate_pem.as_bytes());
    let key = leaf.private_key_pem.expect("it is there");
    write("private/a.key", key.expose());
    write("issued/b.crt", b"garbage");

    let mut other = Home::new();
    let window = &mut other.window;
    window.go("Certificates");
    window.press("More");
    window.press("Import an easy-rsa folder…");
    window.press("Import");
    window.wait_for("Folder is needed");
    window.fill("Folder", "pki");
    window.press("Import");
    window.wait_for("pki is not a whole path");
    window.fill(
        "Folder",
        &home.dir.path().join("nowhere").display().to_string(),
    );
    window.press("Import");
    window.wait_for("cannot be read");
    window.files.next_folder(&folder);
    window.press("Choose folder…");
    window.wait("the path", |window| window.value("Folder").ends_with("pki"));
    window.press("Import");
    window.wait_for("2 imported, 1 passed over, 0 revoked");
    window.wait_for("issued/b.crt: The certificate has no -----BEGIN CERTIFICATE-----");
    window.wait_for("issued/a.crt: imported");
    window.press("Close");
    let view = window.view();
    let of = |title: &str| {
        let mut all = view.snapshot.certificates.values();
        all.find(|it| it.title() == title)
            .expect("it is here")
            .clone()
    };
    assert!(of("a.lindqvist").has_private_key);
    assert_eq!(
        of("a.lindqvist").issued_by,
        Some(of("Example VPN CA").arn.clone())
    );
}

#[test]
fn several_certificates_are_deleted_at_once() {
    let (mut home, authority) = with_authority();
    for name in ["a.lindqvist", "m.moreau", "z.last"] {
        issue(&home, &authority, name);
    }
    let window = &mut home.window;
    window.go("Certificates");
    window.press("a.lindqvist, Client");
    window.press("Close panel");
    window.press("Select m.moreau");
    window.press("Delete 2 certificates…");
    window.wait_for("a.lindqvist, m.moreau");
    window.press("Delete 2 certificates");
    window.wait("both to go", |window| {
        window.view().snapshot.certificates.len() == 2
    });
}
