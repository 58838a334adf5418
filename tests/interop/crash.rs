//! `kill -9` at any instant: nothing that was acknowledged is lost, nothing that was set up stays.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use rustix::process::Signal;

use crate::{
    gateway::{Endpoint, Gateway, Mode, SetUp, text},
    lab::{Lab, TARGET},
    site::{PATIENT, Site},
    stock::StockClient,
};

const ROUNDS: u32 = 20;

#[test]
fn what_was_acknowledged_survives_and_what_was_set_up_is_undone() {
    let Some(lab) = Lab::build() else { return };
    let _site = Site::open(&lab.target, TARGET);
    lab.gateway.load_conntrack();
    let before = lab.gateway.host_state();
    assert_eq!(changes(&before, &lab.gateway.host_state()), "");
    let mut random = Random::seeded();

    let mut gateway = Gateway::start(&lab, Mode::Tun);
    let SetUp {
        endpoint, profile, ..
    } = gateway.set_up("udp", &[]);
    assert_ne!(changes(&before, &lab.gateway.host_state()), "");

    let mut acknowledged = Rules::new();
    for round in 0..ROUNDS {
        // Some kills fall into the start, some into commands, some into a handshake.
        let here = lab.client();
        let _client = round
            .is_multiple_of(4)
            .then(|| StockClient::start(&lab, &here, &profile, &[]));
        let life = Duration::from_millis(random.below(1_200));
        let killed = AtomicBool::new(false);
        thread::scope(|scope| {
            let commands = scope.spawn(|| change_rules(&gateway, &endpoint, round, &killed));
            thread::sleep(life); // the instant is the test's subject
            let running = gateway.running.as_ref().expect("it was started");
            running.signal(Signal::KILL);
            killed.store(true, Ordering::Relaxed);
            acknowledged.extend(commands.join().expect("commands do not panic"));
        });
        gateway.kill();
        gateway.serve();
        if round.is_multiple_of(3) {
            gateway.settle();
        }
    }

    gateway.settle();
    let present = rules(&gateway, &endpoint);
    let mut known = 0;
    for (cidr, expected) in acknowledged {
        if let Some(expected) = expected {
            known += 1;
            let found = present.contains(&cidr);
            assert_eq!(found, expected, "seed {}: {cidr}", random.seed);
        }
    }
    assert!(known > 10, "only {known} commands were acknowledged");

    // It works as if nothing had been.
    gateway.settle();
    let here = lab.client();
    let client = StockClient::connect(&lab, &here, &profile, &[]);
    PATIENT.page(&here, TARGET).expect("the target answers");
    drop(client);

    assert!(gateway.stop().success(), "it ends as it was asked to");
    let changes = changes(&before, &lab.gateway.host_state());
    assert!(changes.is_empty(), "seed {}:\n{changes}", random.seed);
}

/// Lines that went, and lines that came.
fn changes(before: &str, after: &str) -> String {
    let (was, is): (BTreeSet<_>, BTreeSet<_>) = (before.lines().collect(), after.lines().collect());
    let gone = was.difference(&is).map(|line| format!("- {line}\n"));
    let new = is.difference(&was).map(|line| format!("+ {line}\n"));
    gone.chain(new).collect()
}

/// Networks, and whether a rule for each is there; `None` where no answer came.
type Rules = BTreeMap<String, Option<bool>>;

/// Opens one network after another, and closes all but the first, until the gateway is killed.
fn change_rules(
    gateway: &Gateway<'_>,
    endpoint: &Endpoint,
    round: u32,
    killed: &AtomicBool,
) -> Rules {
    let mut rules = Rules::new();
    for number in 0..=255 {
        if killed.load(Ordering::Relaxed) {
            break;
        }
        let cidr = format!("10.{}.{number}.0/24", 100 + round);
        let orders = [
            ("authorize-client-vpn-ingress", "--authorize-all-groups"),
            ("revoke-client-vpn-ingress", "--revoke-all-groups"),
        ];
        for (nth, (order, whom)) in orders.into_iter().enumerate() {
            if nth == 1 && (number == 0 || rules.get(&cidr) != Some(&Some(true))) {
                continue;
            }
            let answer = gateway.ask(&[
                "ec2",
                order,
                "--client-vpn-endpoint-id",
                &endpoint.id,
                "--target-network-cidr",
                &cidr,
                whom,
            ]);
            rules.insert(cidr.clone(), answer.is_ok().then_some(nth == 0));
        }
    }
    rules
}

fn rules(gateway: &Gateway<'_>, endpoint: &Endpoint) -> BTreeSet<String> {
    let answer = gateway.tell(&[
        "ec2",
        "describe-client-vpn-authorization-rules",
        "--client-vpn-endpoint-id",
        &endpoint.id,
    ]);
    let list = answer["AuthorizationRules"].as_array();
    list.expect("a list of them")
        .iter()
        .map(|rule| text(&rule["DestinationCidr"]))
        .collect()
}

/// A small generator, so that a failure can be played again by its seed.
struct Random {
    seed: u64,
    state: u64,
}

impl Random {
    fn seeded() -> Self {
        let mut bytes = [0; 8];
        aws_lc_rs::rand::fill(&mut bytes).expect("the system has randomness");
        let seed = u64::from_le_bytes(bytes) | 1;
        Self { seed, state: seed }
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state % bound
    }
}
