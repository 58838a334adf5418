//! The guide's scenarios, done by the program's own offers and judged by packets.

use std::net::Ipv4Addr;

use crate::{
    gateway::{Gateway, Mode, SetUp, text},
    lab::{INTERNET_HOST, Lab, NEIGHBOUR, Namespace, TARGET},
    site::{BRIEF, PATIENT, Site},
    stock::StockClient,
};

const PEER: Ipv4Addr = Ipv4Addr::new(10, 78, 1, 10);
const OFFICE: Ipv4Addr = Ipv4Addr::new(192, 168, 77, 10);

#[test]
fn every_scenario_is_completed_by_what_it_offers_by_tun() {
    every_scenario_is_completed_by_what_it_offers(Mode::Tun);
}

#[test]
fn every_scenario_is_completed_by_what_it_offers_in_user_space() {
    every_scenario_is_completed_by_what_it_offers(Mode::UserSpace);
}

fn every_scenario_is_completed_by_what_it_offers(mode: Mode) {
    let Some(lab) = Lab::build() else { return };
    let here = lab.client();
    let peer = lab.beside(1, "10.78.1.1/24", "10.78.1.10/24");
    let office = lab.beside(2, "192.168.77.1/24", "192.168.77.10/24");
    let _sites = [
        Site::open(&lab.target, TARGET),
        Site::open(&lab.target, NEIGHBOUR),
        Site::open(&lab.router, INTERNET_HOST),
        Site::open(&peer, PEER),
        Site::open(&office, OFFICE),
    ];
    let mut gateway = Gateway::start(&lab, mode);
    let set_up = bare(&mut gateway);
    let guide = Guide {
        gateway: &gateway,
        endpoint: &set_up.endpoint.id,
        here: &here,
    };
    let client = StockClient::connect(&lab, &here, &set_up.profile, &[]);

    guide.opens("vpc", &[], TARGET);
    let vpc = gateway.ec2("create-vpc --cidr-block 10.78.0.0/16");
    let vpc = text(&vpc["Vpc"]["VpcId"]);
    guide.opens("peered-vpc", &["--peer-vpc-id", &vpc], PEER);
    let net = "192.168.77.0/24";
    guide.opens("on-premises", &["--destination-cidr-block", net], OFFICE);
    guide.opens("internet", &[], INTERNET_HOST);

    // Only VPN clients, then anybody but VPN clients.
    let resource = gateway.ec2(&format!(
        "create-network-interface --subnet-id {} --private-ip-address {TARGET}",
        set_up.subnet
    ));
    let resource = text(&resource["NetworkInterface"]["NetworkInterfaceId"]);
    let only = ["--network-interface-id", resource.as_str()];
    guide.completes("restrict-resources", &only);
    PATIENT.page(&here, TARGET).expect("VPN clients are let in");
    guide.completes("restrict-resources", &[&only[..], &["--keep-out"]].concat());
    assert!(
        BRIEF.page(&here, TARGET).is_err(),
        "it is closed to clients"
    );
    PATIENT.page(&here, NEIGHBOUR).expect("others stay open");
    assert_eq!(client.restarts(), 0);
}

/// An endpoint with a target network and nothing else.
fn bare(gateway: &mut Gateway<'_>) -> SetUp {
    let set_up = gateway.set_up("udp", &[]);
    let internet = gateway.ec2("describe-internet-gateways");
    let internet = &internet["InternetGateways"][0];
    gateway.ec2(&format!(
        "detach-internet-gateway --internet-gateway-id {} --vpc-id {}",
        text(&internet["InternetGatewayId"]),
        text(&internet["Attachments"][0]["VpcId"]),
    ));
    gateway.ec2_settled(&format!(
        "revoke-client-vpn-ingress --client-vpn-endpoint-id {} --target-network-cidr {TARGET}/32 \
         --revoke-all-groups",
        set_up.endpoint.id
    ));
    set_up
}

/// One endpoint's scenarios.
struct Guide<'a> {
    gateway: &'a Gateway<'a>,
    endpoint: &'a str,
    here: &'a Namespace,
}

impl Guide<'_> {
    /// A scenario that opens the way to `address`.
    fn opens(&self, scenario: &str, more: &[&str], address: Ipv4Addr) {
        assert!(BRIEF.page(self.here, address).is_err(), "{scenario}: open");
        self.completes(scenario, more);
        PATIENT
            .page(self.here, address)
            .unwrap_or_else(|error| panic!("{scenario}: {error}"));
    }

    fn completes(&self, scenario: &str, more: &[&str]) {
        let mut words = vec!["scenario", "--client-vpn-endpoint-id", self.endpoint];
        words.extend(["--name", scenario]);
        words.extend(more);
        let before = self.gateway.tell(&words);
        assert!(!done(&before), "{before}");
        words.push("--apply");
        // What takes something away is offered, and left to be done by hand: it ends short of that.
        drop(self.gateway.ask(&words));
        words.pop();
        let mut after = self.gateway.tell(&words);
        for _ in 0..BY_HAND {
            let lines = offered(&after);
            if lines.is_empty() {
                break;
            }
            for line in lines {
                self.by_hand(&line);
            }
            after = self.gateway.tell(&words);
        }
        assert!(done(&after), "{after}");
        self.gateway.tell(&["status", "--wait"]);
    }

    /// Carries out a line as it is offered, which names the data directory itself.
    fn by_hand(&self, line: &str) {
        let line = line.replacen("gatehouse", "\"$PROGRAM\"", 1);
        let output = self.gateway.shell(&line).output();
        let output = output.expect("a shell can be started");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {said}");
    }
}

/// Most rounds by hand in one scenario.
const BY_HAND: usize = 4;

/// The command lines that are offered.
fn offered(scenario: &serde_json::Value) -> Vec<String> {
    let steps = scenario["Steps"].as_array().expect("a list of steps");
    let lines = steps.iter().filter_map(|step| step["Commands"].as_array());
    lines.flatten().map(text).collect()
}

fn done(scenario: &serde_json::Value) -> bool {
    let steps = scenario["Steps"].as_array().expect("a list of steps");
    assert!(!steps.is_empty(), "{scenario}");
    steps.iter().all(|step| step["Done"] == true)
}
