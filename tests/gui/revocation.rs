//! Client certificate revocation lists: imported from an authority elsewhere, exported, generated
//! and revoked into, with the sessions that end.

use std::{fs, time::Duration};

use egui_kittest::kittest::{NodeT as _, Queryable as _};
use gatehouse::{
    control::client::{Client, Profile},
    model::{
        Answer, Certificate, CertificateArn, Command, Connection, ConnectionState, EndpointId,
        KeyType, RevocationListOrigin, RevocationReason,
        command::{
            Bytes, CertificateName, CreateCertificateAuthority, ExportCertificate,
            ExportClientConfiguration, GenerateRevocationList, ImportCertificate,
            RevokeCertificate,
        },
    },
};

use crate::{home::Home, lists, site::Site, support::window::Window};

const LIST: &str = "Certificate revocation list";

/// The authority of a site where its key is too: what it revokes there is not known here.
struct Elsewhere {
    home: Home,
    authority: String,
}

impl Elsewhere {
    fn of(site: &Site) -> Self {
        let home = Home::new();
        let authority = moved(&site.home, &home, &site.authority, true);
        Self { home, authority }
    }

    /// Revokes a certificate of the site there, and gives the list.
    fn revoke(&self, site: &Site, arn: &str) -> String {
        let certificate_arn = moved(&site.home, &self.home, arn, false);
        self.home
            .call(Command::RevokeCertificate(RevokeCertificate {
                certificate_arn,
                reason: RevocationReason::KeyCompromise,
            }));
        self.list()
    }

    fn generate(&self) -> String {
        let command = GenerateRevocationList {
            ca_arn: self.authority.clone(),
            validity_days: None,
        };
        self.home.call(Command::GenerateRevocationList(command));
        self.list()
    }

    fn list(&self) -> String {
        let name = CertificateName {
            certificate_arn: self.authority.clone(),
        };
        match self.home.call(Command::ExportRevocationList(name)) {
            Answer::ExportedRevocationList(list) => list.pem,
            other => panic!("no list: {other:?}"),
        }
    }
}

/// Copies a certificate from one installation to another.
fn moved(from: &Home, to: &Home, arn: &str, with_private_key: bool) -> String {
    let export = ExportCertificate {
        certificate_arn: arn.to_owned(),
        with_private_key,
    };
    let Answer::Exported(out) = from.call(Command::ExportCertificate(export)) else {
        panic!("nothing was exported");
    };
    let import = ImportCertificate {
        certificate: Bytes(out.certificate_pem.into_bytes()),
        private_key: out.private_key_pem,
        certificate_chain: None,
        certificate_arn: None,
    };
    match to.call(Command::ImportCertificate(import)) {
        Answer::CertificateArn(arn) => arn.to_string(),
        other => panic!("nothing was imported: {other:?}"),
    }
}

fn named(window: &Window, name: &str) -> Certificate {
    let view = window.view();
    let mut all = view.snapshot.certificates.values();
    let found = all.find(|it| it.title() == name).expect("it is there");
    Certificate::clone(found)
}

/// A session of the client a.lindqvist.
fn connected(site: &Site, endpoint: &EndpointId) -> Client {
    let command = ExportClientConfiguration {
        client_vpn_endpoint_id: endpoint.to_string(),
        client_certificate_arn: Some(named(&site.home.window, "a.lindqvist").arn.to_string()),
    };
    let answer = site
        .home
        .call(Command::ExportClientVpnClientConfiguration(command));
    let Answer::ClientConfiguration(file) = answer else {
        panic!("no configuration: {answer:?}");
    };
    let text = String::from_utf8_lossy(file.text.expose());
    let mut profile = Profile::parse(&text).expect("it is one of ours");
    for remote in &mut profile.remotes {
        remote.host = "127.0.0.1".to_owned();
    }
    let client = Client::connect(&profile, Duration::from_secs(20), |_, _| ());
    let client = site.home.runtime().block_on(client);
    client.expect("the gateway lets it in")
}

fn live(window: &Window) -> Option<Connection> {
    let view = window.view();
    let mut all = view.live.connections.iter();
    all.find(|it| it.state == ConnectionState::Active).cloned()
}

fn has_ended(window: &Window) -> bool {
    let view = window.view();
    view.live.connections.iter().any(|it| it.ended_at.is_some()) && live(window).is_none()
}

/// Actions, Import Client Certificate CRL, as the guide has it.
fn open_import(site: &mut Site) {
    site.choose("Summary");
    let window = &mut site.home.window;
    window.press("Actions");
    window.press("Import Client Certificate CRL…");
    window.wait_for("Import Client Certificate CRL into corp");
}

fn may_import(window: &Window) -> bool {
    let button = window.harness.get_by_label("Import CRL");
    !button.accesskit_node().is_disabled()
}

#[test]
fn a_list_is_imported() {
    let (mut site, endpoint) = Site::open();
    let client = named(&site.home.window, "a.lindqvist").arn;
    let list = Elsewhere::of(&site).revoke(&site, client.as_str());
    let session = connected(&site, &endpoint);
    let file = site.home.dir.path().join("crl.pem");
    fs::write(&file, list).expect("it can be written");
    open_import(&mut site);
    let window = &mut site.home.window;
    assert!(!may_import(window), "nothing was read yet");
    window.files.next_source(&file);
    window.press("Choose CRL file…");
    window.wait_for("It revokes 1 certificate more than now");
    window.wait_for("Sessions it ends");
    window.wait_for("a.lindqvist, cvpn-connection-");
    window.wait_for("a.lindqvist, since");
    assert!(live(window).is_some(), "it was only looked at");
    window.press("Import CRL");
    window.wait_for("Client certificate revocation list of corp imported");
    window.wait("the session has ended", has_ended);
    let snapshot = window.view().snapshot.clone();
    let list = &snapshot.revocation_lists[&endpoint];
    assert_eq!(list.origin, RevocationListOrigin::Imported);
    assert_eq!(list.entries, 1);
    window.wait_for("1 entry, until");
    site.home.runtime().block_on(session.leave());
}

#[test]
fn an_older_list_is_imported_only_once_that_is_said_to_be_meant() {
    let (mut site, endpoint) = Site::open();
    let elsewhere = Elsewhere::of(&site);
    let older = elsewhere.generate();
    let client = named(&site.home.window, "a.lindqvist").arn;
    let newer = elsewhere.revoke(&site, client.as_str());
    open_import(&mut site);
    let window = &mut site.home.window;
    window.fill(LIST, &newer);
    window.press("Import CRL");
    window.wait_for("Client certificate revocation list of corp imported");
    open_import(&mut site);
    let window = &mut site.home.window;
    window.fill(LIST, &older);
    window.wait_for("The list is older than the present one");
    window.wait_for("It takes 1 certificate off the list");
    assert!(!may_import(window));
    window.press_containing("Import the older list");
    window.press("Import CRL");
    window.wait("the older list is there", |window| {
        window.view().snapshot.revocation_lists[&endpoint].entries == 0
    });
}

/// The list of an authority of that name whose key is elsewhere.
fn list_of_another(name: &str) -> String {
    let home = Home::new();
    let made = home.call(Command::CreateCertificateAuthority(
        CreateCertificateAuthority {
            common_name: name.to_owned(),
            key_type: KeyType::EcdsaP256,
        },
    ));
    let Answer::CertificateArn(arn) = made else {
        panic!("no authority: {made:?}");
    };
    let authority = arn.to_string();
    Elsewhere { home, authority }.generate()
}

/// A list that the site's authority made, and that is over.
fn expired_list(site: &Site) -> String {
    let export = ExportCertificate {
        certificate_arn: site.authority.clone(),
        with_private_key: true,
    };
    let Answer::Exported(out) = site.home.call(Command::ExportCertificate(export)) else {
        panic!("nothing was exported");
    };
    let key = out.private_key_pem.expect("the key was asked for");
    let key = String::from_utf8(key.expose().to_vec()).expect("PEM is text");
    lists::expired(&out.certificate_pem, key)
}

#[test]
fn what_is_no_list_of_the_endpoints_authority_or_is_over_is_said_and_cannot_be_imported() {
    let (mut site, endpoint) = Site::open();
    let other = "was issued by \"CN=Another CA\"; a list of \"CN=Example VPN CA\" is needed";
    let wrong = [
        ("not a list".to_owned(), "cannot be read as PEM or DER"),
        (list_of_another("Another CA"), other),
        // The name alone makes no authority.
        (
            list_of_another("Example VPN CA"),
            "but that authority's key did not sign it",
        ),
        (expired_list(&site), "The revocation list expired at"),
    ];
    open_import(&mut site);
    let window = &mut site.home.window;
    for (list, said) in &wrong {
        window.fill(LIST, list);
        window.wait_for(said);
        assert!(!may_import(window), "{said}");
        let kept = window.value(LIST);
        assert_eq!(kept.trim(), list.trim(), "nothing typed is lost");
    }
    let snapshot = window.view().snapshot.clone();
    assert!(!snapshot.revocation_lists.contains_key(&endpoint));
}

#[test]
fn a_list_is_exported() {
    let (mut site, _) = Site::open();
    let client = named(&site.home.window, "a.lindqvist").arn;
    let list = Elsewhere::of(&site).revoke(&site, client.as_str());
    open_import(&mut site);
    let file = site.home.dir.path().join("exported.pem");
    let window = &mut site.home.window;
    window.fill(LIST, &list);
    window.press("Import CRL");
    window.wait_for("Client certificate revocation list of corp imported");
    window.press("Actions");
    window.press("Export Client Certificate CRL…");
    window.wait_for("1 entry");
    window.files.next_target(&file);
    window.press("Export CRL…");
    window.wait_for("Saved ");
    let text = fs::read_to_string(file).expect("it was saved");
    assert_eq!(text.trim(), list.trim());
}

#[test]
fn a_list_is_generated() {
    let (mut site, endpoint) = Site::open();
    let authority: CertificateArn = site.authority.parse().expect("it is one");
    let window = &mut site.home.window;
    window.go("Certificates");
    window.press("Example VPN CA, Certificate authority");
    window.press("CRL");
    window.press("Generate CRL…");
    window.wait_for("The new list is in force at once at corp");
    window.fill("Validity in days", "0");
    window.press("Generate CRL");
    window.wait_for("A list holds for 1 to 3650 days");
    window.fill("Validity in days", "30");
    window.press("Generate CRL");
    window.wait_for("CRL of Example VPN CA generated");
    let snapshot = window.view().snapshot.clone();
    let list = &snapshot.authority_lists[&authority];
    assert_eq!(
        snapshot.revocation_lists[&endpoint].fingerprint,
        list.fingerprint
    );
    window.wait_for("0 entries, until");
}

#[test]
fn a_certificate_is_revoked_and_its_session_ends() {
    let (mut site, endpoint) = Site::open();
    let session = connected(&site, &endpoint);
    let window = &mut site.home.window;
    window.wait("a session", |window| live(window).is_some());
    window.go("Certificates");
    window.press("a.lindqvist, Client");
    window.press("Revoke…");
    window.wait_for("Sessions that end");
    window.wait_for("a.lindqvist, cvpn-connection-");
    window.press("Reason");
    window.press("Somebody else may have the key");
    window.press("Revoke");
    window.wait_for("a.lindqvist revoked");
    window.wait("the session has ended", has_ended);
    let revoked = named(window, "a.lindqvist").revoked.expect("it is revoked");
    assert_eq!(revoked.reason, RevocationReason::KeyCompromise);
    let snapshot = window.view().snapshot.clone();
    let list = &snapshot.revocation_lists[&endpoint];
    assert_eq!(list.origin, RevocationListOrigin::Generated);
    assert!(!window.has("Revoke…"), "a revoked certificate stays so");
    site.home.runtime().block_on(session.leave());
}
