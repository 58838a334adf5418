//! With everything authorized, the gateway's own machine stays closed.

use std::{fs, net::Ipv4Addr, time::Duration};

use crate::{
    gateway::{Gateway, Mode, SetUp},
    lab::{GATEWAY_IN_SUBNET, INTERNET_HOST, Lab, METADATA, Namespace, PUBLIC, SUBNET, TARGET},
    site::{PATIENT, Site, Visit},
    stock::{StockClient, TUNNEL},
};

#[test]
fn no_address_of_the_gateway_is_reached_by_tun() {
    no_address_of_the_gateway_is_reached(Mode::Tun);
}

#[test]
fn no_address_of_the_gateway_is_reached_in_user_space() {
    no_address_of_the_gateway_is_reached(Mode::UserSpace);
}

fn no_address_of_the_gateway_is_reached(mode: Mode) {
    let Some(lab) = Lab::build() else { return };
    let here = lab.client();
    lab.gateway.ip(&format!("address add {METADATA}/32 dev lo"));
    let loopback = [Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 9, 9, 9)];
    let own = [GATEWAY_IN_SUBNET, PUBLIC, METADATA];
    // Services of the gateway's machine, where a client would find them.
    let services: Vec<(Ipv4Addr, Site)> = loopback
        .into_iter()
        .chain(own)
        .map(|address| (address, Site::open(&lab.gateway, address)))
        .collect();
    for (address, _) in &services {
        PATIENT.page(&lab.gateway, *address).expect("it is there");
        PATIENT.echo(&lab.gateway, *address).expect("it is there");
    }
    let _target = Site::open(&lab.target, TARGET);
    let _internet = Site::open(&lab.router, INTERNET_HOST);

    let mut gateway = Gateway::start(&lab, mode);
    let SetUp {
        endpoint,
        subnet,
        profile,
    } = gateway.set_up("udp", &[]);
    gateway.create_route(&endpoint, "0.0.0.0/0", &subnet);
    gateway.authorize(&endpoint, "0.0.0.0/0");
    gateway.authorize(&endpoint, SUBNET);
    let _client = StockClient::connect(&lab, &here, &profile, &[]);

    // The way is open: what is not the gateway's own is reached through the same tunnel.
    takes_answers_from_loopback(&here);
    reached(&here, TARGET);
    reached(&here, INTERNET_HOST);
    let before: Vec<u32> = services.iter().map(|(_, site)| site.visits()).collect();
    let mut closed: Vec<Ipv4Addr> = services.iter().map(|(address, _)| *address).collect();
    closed.push(Ipv4Addr::new(10, 200, 0, 1)); // where OpenVPN servers have themselves
    for address in closed {
        let sent = packets_sent(&here);
        assert!(BY_TUNNEL.page(&here, address).is_err(), "{address} answers");
        assert!(BY_TUNNEL.echo(&here, address).is_err(), "{address} answers");
        assert!(packets_sent(&here) >= sent + 2, "{address} was not asked");
    }
    // What was sent before this has been dealt with.
    reached(&here, TARGET);
    for ((address, site), before) in services.iter().zip(before) {
        assert_eq!(site.visits(), before, "{address} was reached");
    }
}

/// The client's own routes would lead to its own loopback, and past the tunnel to the gateway.
const BY_TUNNEL: Visit = Visit {
    patience: Duration::from_millis(700),
    device: Some(TUNNEL),
};

fn reached(here: &Namespace, address: Ipv4Addr) {
    let patient = Visit {
        device: Some(TUNNEL),
        ..PATIENT
    };
    patient.page(here, address).expect("it is reached");
    patient.echo(here, address).expect("it is reached");
}

/// Else the client itself would drop what a careless gateway's loopback answered.
fn takes_answers_from_loopback(here: &Namespace) {
    here.sysctl(&format!("net/ipv4/conf/{TUNNEL}/route_localnet"), "1");
}

/// Packets that have left by the client's tunnel.
fn packets_sent(here: &Namespace) -> u64 {
    let table = here.enter(|| fs::read_to_string("/proc/thread-self/net/dev"));
    let table = table.expect("it is readable");
    let line = table
        .lines()
        .find_map(|line| line.trim().strip_prefix(TUNNEL)?.strip_prefix(':'));
    // Eight columns of receiving come first: bytes, packets, errors …
    let sent = line.and_then(|line| line.split_whitespace().nth(9));
    sent.and_then(|sent| sent.parse().ok())
        .expect("the tunnel is in the table")
}
