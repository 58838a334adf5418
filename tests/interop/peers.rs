//! The lab judged before it judges: Debian's own server passes what the gateway has to pass.

use std::{fs, time::Duration};

use crate::{
    certificates::{CLIENT_1, EasyRsa},
    lab::{GATEWAY_IN_SUBNET, INTERNET_HOST, Lab, NEIGHBOUR, PUBLIC, TARGET, run},
    process::Running,
    site::{BRIEF, PATIENT, Site, blob_digest},
    stock::StockClient,
};

#[test]
fn a_stock_server_with_nat_lets_the_stock_client_reach_the_target() {
    let Some(lab) = Lab::build() else { return };
    let certificates = EasyRsa::shared();
    let client = lab.client();
    let site = Site::open(&lab.target, TARGET);
    let neighbour = Site::open(&lab.target, NEIGHBOUR);
    let internet = Site::open(&lab.router, INTERNET_HOST);

    let server = certificates.identity("server");
    let config = format!(
        "dev tun\nproto udp\nport 1194\nserver 10.200.0.0 255.255.252.0\ntopology subnet\n\
         ca {ca}\ncert {cert}\nkey {key}\ndh none\n\
         push \"redirect-gateway def1\"\nverb 3\n",
        ca = certificates.ca().display(),
        cert = server.certificate.display(),
        key = server.key.display(),
    );
    let file = lab.path("server.conf");
    fs::write(&file, config).expect("the lab's directory is ours");
    let mut command = lab.gateway.command("openvpn");
    command.arg("--config").arg(&file);
    let mut stock = Running::start("openvpn server", &mut command, lab.path("server.log"));
    stock.wait_for("Initialization Sequence Completed", Duration::from_secs(20));
    run(lab.gateway.command("nft").arg(
        "add table ip nat\n\
         add chain ip nat post { type nat hook postrouting priority 100; }\n\
         add rule ip nat post ip saddr 10.200.0.0/22 masquerade",
    ));

    let profile = format!(
        "client\ndev tun\nproto udp\nremote {PUBLIC} 1194\nnobind\nremote-cert-tls server\nverb 3\n<ca>\n{}</ca>\n",
        fs::read_to_string(certificates.ca()).expect("easy-rsa wrote it")
    );
    let profile = certificates.identity(CLIENT_1).appended_to(&profile);
    assert!(
        BRIEF.page(&client, TARGET).is_err(),
        "reachable without a tunnel"
    );
    let connected = StockClient::connect(&lab, &client, &profile, &[]);

    assert!(BRIEF.page(&client, TARGET).is_err(), "forwarding is off");
    lab.gateway.sysctl("net/ipv4/ip_forward", "1");
    let page = PATIENT.page(&client, TARGET).expect("the target answers");
    assert_eq!(page, format!("welcome, {GATEWAY_IN_SUBNET}\n"));
    let page = PATIENT
        .page(&client, INTERNET_HOST)
        .expect("the internet answers");
    assert_eq!(page, format!("welcome, {PUBLIC}\n"));
    PATIENT.echo(&client, TARGET).expect("a datagram returns");
    let digest = PATIENT
        .digest(&client, TARGET, "/blob")
        .expect("it arrives");
    assert_eq!(digest, blob_digest());
    assert_eq!(neighbour.visits(), 0);
    assert!(site.visits() >= 3 && internet.visits() == 1);
    assert_eq!(connected.restarts(), 0);
}
