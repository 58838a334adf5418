//! Who may come in: every certificate of the CA, and nobody else under the same name.

use crate::{
    certificates::{CLIENT_1, CLIENT_2, EasyRsa},
    gateway::{EndpointPlan, Gateway, Mode, text},
    lab::{Lab, TARGET},
    process::until,
    site::{PATIENT, Site},
    stock::StockClient,
};

#[test]
fn a_second_certificate_of_the_ca_enters_and_its_name_from_another_ca_does_not() {
    let Some(lab) = Lab::build() else { return };
    let _site = Site::open(&lab.target, TARGET);
    let made = EasyRsa::shared();
    let stranger = EasyRsa::make("server", &[CLIENT_1]);

    let mut gateway = Gateway::start(&lab, Mode::UserSpace);
    let subnet = gateway.create_networks();
    let server = made.identity("server");
    let server = gateway.import(&server.certificate, &server.key, &made.ca());
    let mut endpoints = Vec::new();
    for (transport, client_cidr) in [("udp", "10.200.0.0/22"), ("tcp", "10.204.0.0/22")] {
        let endpoint = gateway.create_endpoint(&EndpointPlan {
            client_cidr,
            server_certificate: &server,
            client_ca: &server,
            transport,
            port: 1194,
            subnet: &subnet,
            options: &[],
        });
        gateway.authorize(&endpoint, &format!("{TARGET}/32"));
        endpoints.push(endpoint);
    }

    for endpoint in &endpoints {
        let profile = gateway.export(endpoint, None);
        for name in [CLIENT_1, CLIENT_2] {
            let here = lab.client();
            let profile = made.identity(name).appended_to(&profile);
            let _client = StockClient::connect(&lab, &here, &profile, &[]);
            PATIENT.page(&here, TARGET).expect("the target answers");
        }

        let here = lab.client();
        let profile = stranger.identity(CLIENT_1).appended_to(&profile);
        let mut client = StockClient::start(&lab, &here, &profile, &["--connect-retry-max", "1"]);
        client.wait_refused();

        // The record says who was turned away, and why.
        let attempt = until(std::time::Duration::from_secs(5), || {
            let answer = gateway.tell(&["attempts", "--client-vpn-endpoint-id", &endpoint.id]);
            answer["ConnectionAttempts"].get(0).cloned()
        })
        .expect("the attempt is recorded");
        assert!(!text(&attempt["Reason"]).is_empty(), "{attempt}");
    }
}
