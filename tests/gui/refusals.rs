//! What the window refuses, the command line refuses with AWS's code: one check, in the service.
//! Each case is typed into the window and given to the command line on the same data directory;
//! the window must show the very sentence that the command line prints.

use std::{fs, process::Command};

use gatehouse::model::{
    Answer, Command as Request, Snapshot, View,
    command::{CreateRoute, ExportCertificate, ModifySettings},
};
use serde_json::Value;

use crate::{guide::free_port, site::Site, support::window::Window};

/// A mistake, as both make it.
struct Mistake {
    /// What opens the dialog, from the endpoint's tab.
    opens: &'static str,
    /// What is typed, by the fields' labels.
    typed: Vec<(&'static str, String)>,
    /// What is chosen before that, by pressing.
    chosen: Vec<String>,
    /// The button that sends it.
    verb: &'static str,
    /// The same as a command line.
    line: String,
    /// AWS's code for it.
    code: &'static str,
}

impl Mistake {
    fn route(site: &Site, of: &str, destination: &str, code: &'static str) -> Self {
        let subnet = &site.subnets[0].id;
        Self {
            opens: "Create Route",
            typed: vec![("Route destination", destination.to_owned())],
            chosen: vec!["Target network".to_owned(), subnet.to_string()],
            verb: "Create Route",
            line: format!(
                "ec2 create-client-vpn-route {of} --target-vpc-subnet-id {subnet} \
                 --destination-cidr-block {destination}"
            ),
            code,
        }
    }

    fn rule(of: &str, network: &str, code: &'static str) -> Self {
        Self {
            opens: "Authorize ingress",
            typed: vec![("Destination network to enable access", network.to_owned())],
            chosen: Vec::new(),
            verb: "Authorize ingress",
            line: format!(
                "ec2 authorize-client-vpn-ingress {of} --authorize-all-groups \
                 --target-network-cidr {network}"
            ),
            code,
        }
    }

    /// An endpoint that is wrong in one field, which the window and the command line name so.
    fn endpoint(site: &Site, field: (&'static str, &str), value: &str) -> Self {
        let port = free_port().to_string();
        let mut typed = vec![
            ("Client IPv4 CIDR", "10.210.0.0/22".to_owned()),
            ("Port", port.clone()),
        ];
        typed.retain(|(label, _)| *label != field.0);
        typed.push((field.0, value.to_owned()));
        let mut options = vec![
            ("--client-cidr-block", "10.210.0.0/22".to_owned()),
            ("--vpn-port", port),
        ];
        options.retain(|(option, _)| *option != field.1);
        options.push((field.1, value.to_owned()));
        let options: Vec<String> = options.iter().map(|(o, v)| format!("{o} {v}")).collect();
        let (server, ca) = (&site.server, &site.authority);
        Self {
            opens: "Create Client VPN Endpoint",
            typed,
            chosen: Vec::new(),
            verb: "Create Client VPN Endpoint",
            line: format!(
                "ec2 create-client-vpn-endpoint --server-certificate-arn {server} \
                 --authentication-options Type=certificate-authentication,\
                 MutualAuthentication={{ClientRootCertificateChainArn={ca}}} \
                 --connection-log-options Enabled=false {}",
                options.join(" ")
            ),
            code: "InvalidParameterValue",
        }
    }
}

impl Mistake {
    fn is_limit(&self) -> bool {
        self.code.ends_with("LimitExceeded")
    }
}

/// The refusal of a command line on the same data directory.
fn refused(site: &Site, line: &str) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_gatehouse"))
        .arg("--data-dir")
        .arg(site.home.dir.path().join("data"))
        .args(line.split_whitespace())
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(1), "{line}: {output:?}");
    let said: Value = serde_json::from_slice(&output.stderr).expect("a refusal is JSON");
    said["Error"].clone()
}

fn make(window: &mut Window, mistake: &Mistake) {
    window.press(mistake.opens);
    for choice in &mistake.chosen {
        window.press_containing(choice);
    }
    for (label, text) in &mistake.typed {
        window.fill(label, text);
    }
    window.press(mistake.verb);
}

/// All that is configured.
fn configured(view: &View) -> Snapshot {
    let mut snapshot = (*view.snapshot).clone();
    snapshot.seq = 0;
    snapshot
}

fn expect_same(site: &mut Site, tab: &str, mistakes: &[Mistake]) {
    let before = configured(&site.home.window.view());
    for mistake in mistakes {
        let refusal = refused(site, &mistake.line);
        assert_eq!(refusal["Code"], mistake.code, "{}: {refusal}", mistake.line);
        let sentence = refusal["Message"].as_str().expect("a sentence").to_owned();
        site.choose(tab);
        let window = &mut site.home.window;
        make(window, mistake);
        window.wait_for(&sentence);
        match mistake.is_limit() {
            true => window.wait_for("Raise the limit…"),
            // What is wrong is where it can be mended.
            false => {
                let (label, text) = mistake.typed.last().expect("something is wrong");
                window.wait("the focus at the first error", |window| {
                    window.field(label).is_some_and(|it| it.is_focused())
                });
                assert_eq!(window.value(label), *text, "nothing typed is lost");
            }
        }
        window.press("Cancel");
        if window.has("Discard") {
            window.press("Discard");
        }
    }
    assert_eq!(
        configured(&site.home.window.view()),
        before,
        "nothing has changed"
    );
}

#[test]
fn wrong_endpoints_are_refused_alike() {
    let (mut site, _) = Site::open();
    let range = ("Client IPv4 CIDR", "--client-cidr-block");
    let long = "é".repeat(256);
    let mistakes = [
        Mistake::endpoint(&site, range, "10.210.0.1/22"),
        Mistake::endpoint(&site, range, "10.210.0.0/24"),
        Mistake::endpoint(&site, range, "10.0.0.0/8"),
        Mistake::endpoint(&site, range, "10.210.0.0"),
        Mistake::endpoint(&site, range, "東京"),
        Mistake::endpoint(&site, ("First DNS server", "--dns-servers"), "10.0.0.300"),
        Mistake::endpoint(&site, ("Description", "--description"), &long),
    ];
    expect_same(&mut site, "Summary", &mistakes);
}

#[test]
fn a_description_of_255_characters_in_any_script_is_taken() {
    let mut site = Site::new();
    let description = "説".repeat(255);
    let window = &mut site.home.window;
    window.go("Client VPN Endpoints");
    window.press("Create Client VPN Endpoint");
    window.fill("Client IPv4 CIDR", "10.200.0.0/22");
    window.fill("Port", &free_port().to_string());
    window.fill("Description", &description);
    window.press("Create Client VPN Endpoint");
    window.wait_for("Client VPN endpoint created");
    let snapshot = window.view().snapshot.clone();
    let endpoint = snapshot.endpoints.values().next().expect("it was made");
    assert_eq!(endpoint.description, description);
}

#[test]
fn wrong_rules_are_refused_alike() {
    let (mut site, endpoint) = Site::open();
    let of = format!("--client-vpn-endpoint-id {endpoint}");
    let mistakes = [
        Mistake::rule(&of, "10.0.0.1/16", "InvalidParameterValue"),
        Mistake::rule(&of, "10.0.0.0/33", "InvalidParameterValue"),
        Mistake::rule(&of, "das.Büro", "InvalidParameterValue"),
        Mistake::rule(
            &of,
            "10.0.0.0/16",
            "InvalidClientVpnDuplicateAuthorizationRule",
        ),
    ];
    expect_same(&mut site, "Authorization", &mistakes);
}

#[test]
fn limits_are_refused_alike_and_can_be_raised_on_the_spot() {
    let (mut site, endpoint) = Site::open();
    let of = format!("--client-vpn-endpoint-id {endpoint}");
    let limits = ModifySettings {
        max_endpoints: Some(1),
        max_rules: Some(1),
        max_routes: Some(1),
        ..ModifySettings::default()
    };
    site.home.call(Request::ModifySettings(limits));
    site.home.call(Request::CreateClientVpnRoute(CreateRoute {
        client_vpn_endpoint_id: endpoint.to_string(),
        target_vpc_subnet_id: site.subnets[0].id.to_string(),
        destination_cidr_block: "192.0.2.0/24".to_owned(),
        ..CreateRoute::default()
    }));
    site.settle();
    let mut one_more = Mistake::endpoint(
        &site,
        ("Client IPv4 CIDR", "--client-cidr-block"),
        "10.210.0.0/22",
    );
    one_more.code = "ClientVpnEndpointLimitExceeded";
    expect_same(&mut site, "Summary", &[one_more]);
    let rule = "ClientVpnAuthorizationRuleLimitExceeded";
    let rule = Mistake::rule(&of, "10.7.0.0/16", rule);
    expect_same(&mut site, "Authorization", &[rule]);
    let route = Mistake::route(&site, &of, "198.51.100.0/24", "ClientVpnRouteLimitExceeded");
    expect_same(&mut site, "Route Table", &[route]);
}

#[test]
fn a_key_of_another_certificate_is_refused_alike_at_its_field() {
    let mut site = Site::new();
    let export = |arn: &str| {
        let export = ExportCertificate {
            certificate_arn: arn.to_owned(),
            with_private_key: true,
        };
        match site.home.call(Request::ExportCertificate(export)) {
            Answer::Exported(out) => out,
            other => panic!("nothing was exported: {other:?}"),
        }
    };
    let (server, authority) = (export(&site.server), export(&site.authority));
    let key = authority.private_key_pem.expect("the key was asked for");
    let folder = site.home.dir.path().to_owned();
    let (certificate, wrong) = (folder.join("server.crt"), folder.join("other.key"));
    fs::write(&certificate, server.certificate_pem).expect("it can be written");
    fs::write(&wrong, key.expose()).expect("it can be written");
    let line = format!(
        "acm import-certificate --certificate fileb://{} --private-key fileb://{}",
        certificate.display(),
        wrong.display()
    );
    let refusal = refused(&site, &line);
    assert_eq!(refusal["Code"], "ValidationException", "{refusal}");
    assert_eq!(refusal["Field"], "PrivateKey", "{refusal}");
    let sentence = refusal["Message"].as_str().expect("a sentence").to_owned();
    let before = configured(&site.home.window.view());
    let window = &mut site.home.window;
    window.go("Certificates");
    window.press("Import…");
    window.open_file("Choose certificate file…", &certificate);
    window.open_file("Choose key file…", &wrong);
    // It is said as soon as both are there, before anything is sent.
    window.wait_for(&sentence);
    window.press("Import");
    window.wait("the focus at the key", |window| {
        let field = window.field("Private key");
        field.is_some_and(|it| it.is_focused())
    });
    assert_eq!(configured(&site.home.window.view()), before);
}

#[test]
fn wrong_routes_are_refused_alike() {
    let (mut site, endpoint) = Site::open();
    let of = format!("--client-vpn-endpoint-id {endpoint}");
    let mistakes = [
        Mistake::route(&site, &of, "192.0.2.1/24", "InvalidParameterValue"),
        Mistake::route(&site, &of, "192.0.2.0/24/24", "InvalidParameterValue"),
        Mistake::route(&site, &of, "10.200.0.0/24", "InvalidParameterValue"),
        Mistake::route(&site, &of, "10.0.0.0/16", "InvalidClientVpnDuplicateRoute"),
    ];
    expect_same(&mut site, "Route Table", &mistakes);
}
