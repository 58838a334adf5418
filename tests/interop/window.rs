//! Getting Started, from nothing to the first connection: the window is driven by the words on it,
//! and the file it saves is the one that the stock client uses.

use std::sync::Arc;

use gatehouse::control::{Console, Face, Follow, Remote};
use tokio::runtime::Runtime;

use crate::{
    certificates::EasyRsa,
    gateway::{Gateway, Mode},
    lab::{GATEWAY_IN_SUBNET, INTERNET_HOST, Lab, PUBLIC, SUBNET, TARGET},
    site::{BRIEF, PATIENT, Site},
    stock::StockClient,
    support::{
        getting_started::{Answers, Certificates, walk_through},
        window::Window,
    },
};

#[test]
fn the_file_that_getting_started_saves_lets_the_first_client_through() {
    first_client(Mode::Tun, Certificates::Make, true);
}

#[test]
fn the_same_goes_for_files_of_easy_rsa_without_root_and_over_tcp() {
    let made = EasyRsa::shared();
    let server = made.identity("server");
    let brought = Certificates::Bring {
        ca: made.ca(),
        ca_key: made.ca_key(),
        server: server.certificate,
        server_key: server.key,
    };
    first_client(Mode::UserSpace, brought, false);
}

fn first_client(mode: Mode, certificates: Certificates, internet: bool) {
    let Some(lab) = Lab::build() else { return };
    let _site = Site::open(&lab.target, TARGET);
    let _internet = Site::open(&lab.router, INTERNET_HOST);
    let gateway = Gateway::start(&lab, mode);
    let runtime = Runtime::new().expect("the system gives threads");
    let remote = Remote::attach(&gateway.data_dir, Face::Window, Follow::Views);
    let remote = runtime.block_on(remote).expect("root may attach");
    let mut window = Window::open(Arc::new(remote) as Arc<dyn Console>, runtime.handle());

    let answers = Answers {
        certificates,
        endpoint: "staff".to_owned(),
        public_address: PUBLIC.to_string(),
        range: None,
        transport: if mode == Mode::Tun { "UDP" } else { "TCP" },
        port: Some(1194),
        network: SUBNET.to_owned(),
        internet,
        client: "alice".to_owned(),
        file: lab.path("alice.ovpn"),
    };
    let file = walk_through(&mut window, &answers);
    window.wait_for("Waiting for the first connection");

    let here = lab.client();
    let mut client = StockClient::start_with_file(&lab, &here, &file, &[]);
    client.wait_connected();
    window.wait_for("alice is connected");
    let page = PATIENT.page(&here, TARGET).expect("the target answers");
    assert_eq!(page, format!("welcome, {GATEWAY_IN_SUBNET}\n"));
    if internet {
        let page = PATIENT.page(&here, INTERNET_HOST);
        assert_eq!(page.expect("it answers"), format!("welcome, {PUBLIC}\n"));
    } else {
        let page = BRIEF.page(&here, INTERNET_HOST);
        assert!(page.is_err(), "it was left out: {page:?}");
    }
}
