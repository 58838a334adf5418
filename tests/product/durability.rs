//! What was acknowledged is there after a SIGKILL at any instant, whatever kind of change it was.

use std::{
    collections::BTreeSet,
    sync::{
        atomic::{AtomicBool, AtomicU32, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::Value;

use crate::support::{Installation, Outcome, Parts, free_port};

const ROUNDS: u32 = 10;
const WRITERS: u32 = 3;

#[test]
fn every_acknowledged_change_survives_a_kill_at_a_random_instant() {
    let on = Installation::new();
    let ground = Ground::prepare(&on);
    let mut seed = seed();
    let next = AtomicU32::new(0);
    let mut ledger = Ledger::default();
    for round in 0..ROUNDS {
        let gateway = on.serve();
        ledger.assert_kept(&on, &ground, round);
        let killed = AtomicBool::new(false);
        let (done, results) = mpsc::sync_channel(1024);
        thread::scope(|scope| {
            for _ in 0..WRITERS {
                let done = done.clone();
                let (on, ground, next, killed) = (&on, &ground, &next, &killed);
                scope.spawn(move || write_until(on, ground, next, killed, &done));
            }
            drop(done);
            // An instant within the first writes: after some answers, and then a little more.
            for _ in 0..2 + seed.below(8) {
                ledger.note(results.recv().unwrap());
            }
            let more = Duration::from_micros(u64::from(seed.below(30_000)));
            if let Ok(result) = results.recv_timeout(more) {
                ledger.note(result);
            }
            gateway.kill();
            killed.store(true, Ordering::SeqCst);
            for result in results {
                ledger.note(result);
            }
        });
    }
    let _gateway = on.serve();
    ledger.assert_kept(&on, &ground, ROUNDS);
    ledger.assert_mixed();
}

/// What the changes stand on: an endpoint with room for routes, rules and target networks.
struct Ground {
    parts: Parts,
    /// Has the target network that routes go through.
    endpoint: String,
}

impl Ground {
    fn prepare(on: &Installation) -> Self {
        let _gateway = on.serve();
        let parts = Parts::make(on);
        let create = parts.create_endpoint("10.250.0.0/22", &format!("--vpn-port {}", free_port()));
        let endpoint = on.text(&create, "/ClientVpnEndpointId");
        let subnet = &parts.subnet;
        on.words(&format!(
            "ec2 associate-client-vpn-target-network --client-vpn-endpoint-id {endpoint} \
             --subnet-id {subnet}"
        ))
        .json();
        Self { parts, endpoint }
    }
}

/// A kind of change. Each has its own numbers, so none is in another's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Vpc,
    Certificate,
    Rule,
    RevokedRule,
    Route,
    Association,
}

const KINDS: [Kind; 6] = [
    Kind::Vpc,
    Kind::Certificate,
    Kind::Rule,
    Kind::RevokedRule,
    Kind::Route,
    Kind::Association,
];

/// A change that was acknowledged, by what a later list must have of it.
type Change = (Kind, String);

/// Changes one thing after another, one process each, until the gateway is gone.
fn write_until(
    on: &Installation,
    ground: &Ground,
    next: &AtomicU32,
    killed: &AtomicBool,
    done: &mpsc::SyncSender<Result<Change, Kind>>,
) {
    while !killed.load(Ordering::SeqCst) {
        let number = next.fetch_add(1, Ordering::SeqCst);
        let kind = kind_of(number);
        let changed = change(on, ground, kind, number)
            .map(|it| (kind, it))
            .ok_or(kind);
        let ended = changed.is_err();
        if done.send(changed).is_err() || ended {
            return;
        }
    }
}

/// Kinds take turns; routes only until the endpoint has nearly as many as it may have.
fn kind_of(number: u32) -> Kind {
    let turn = number as usize / KINDS.len();
    match KINDS[number as usize % KINDS.len()] {
        Kind::Route if turn >= 8 => Kind::Vpc,
        kind => kind,
    }
}

/// Makes a change; none if any of its commands had no answer.
fn change(on: &Installation, ground: &Ground, kind: Kind, number: u32) -> Option<String> {
    let of = format!("--client-vpn-endpoint-id {}", ground.endpoint);
    let text = |line: &str, pointer: &str| {
        let json = answered(&on.words(line))?;
        Some(
            json.pointer(pointer)
                .and_then(Value::as_str)
                .unwrap()
                .to_owned(),
        )
    };
    let (block, subnet) = (
        format!("10.{}.{}.0/24", number / 256, number % 256),
        &ground.parts.subnet,
    );
    match kind {
        Kind::Vpc => text(
            &format!("ec2 create-vpc --cidr-block {block}"),
            "/Vpc/VpcId",
        ),
        Kind::Certificate => {
            let ca = &ground.parts.ca;
            let line = format!("pki issue --ca-arn {ca} --usage client --common-name c{number}");
            text(&line, "/CertificateArn")
        }
        Kind::Rule | Kind::RevokedRule => {
            let rule = format!("{of} --target-network-cidr {block}");
            answered(&on.words(&format!(
                "ec2 authorize-client-vpn-ingress {rule} --authorize-all-groups"
            )))?;
            if kind == Kind::RevokedRule {
                answered(&on.words(&format!(
                    "ec2 revoke-client-vpn-ingress {rule} --revoke-all-groups"
                )))?;
            }
            Some(block)
        }
        Kind::Route => {
            answered(&on.words(&format!(
                "ec2 create-client-vpn-route {of} --destination-cidr-block {block} \
                 --target-vpc-subnet-id {subnet}"
            )))?;
            Some(block)
        }
        Kind::Association => {
            // In a zone of its own, as an endpoint takes one subnet of each.
            let vpc = &ground.parts.vpc;
            let line = format!(
                "ec2 create-subnet --vpc-id {vpc} --availability-zone local-1x{number} \
                 --cidr-block 10.40.{}.{}/27",
                2 + number / 8,
                number % 8 * 32
            );
            let subnet = text(&line, "/Subnet/SubnetId")?;
            let line = format!("ec2 associate-client-vpn-target-network {of} --subnet-id {subnet}");
            text(&line, "/AssociationId")
        }
    }
}

/// The answer of a command; none if the gateway was gone before it came.
fn answered(outcome: &Outcome) -> Option<Value> {
    if outcome.status.success() {
        return Some(outcome.json());
    }
    assert_eq!(outcome.refusal()["Code"], "Unavailable", "{outcome:?}");
    None
}

/// What was acknowledged, and how much was not.
#[derive(Default)]
struct Ledger {
    acknowledged: BTreeSet<Change>,
    unanswered: Vec<Kind>,
}

impl Ledger {
    fn note(&mut self, result: Result<Change, Kind>) {
        match result {
            Ok(change) => assert!(self.acknowledged.insert(change), "a name was given twice"),
            Err(kind) => self.unanswered.push(kind),
        }
    }

    /// All that was acknowledged is there; what is there besides was under way when the end came.
    fn assert_kept(&self, on: &Installation, ground: &Ground, round: u32) {
        // Revocations end in the gateway.
        on.words("status --wait").json();
        for kind in KINDS {
            let there = listed(on, ground, kind);
            let acknowledged = self.of(kind);
            let unanswered = |kind| self.unanswered.iter().filter(|it| **it == kind).count();
            if kind == Kind::RevokedRule {
                let back: Vec<_> = acknowledged.intersection(&there).collect();
                assert!(back.is_empty(), "round {round}: {back:?} came back");
                continue;
            }
            let lost: Vec<_> = acknowledged.difference(&there).collect();
            assert!(
                lost.is_empty(),
                "round {round}: {kind:?} {lost:?} were lost"
            );
            let mut most = before(kind) + acknowledged.len() + unanswered(kind);
            if kind == Kind::Rule {
                // One of which only the revocation was not answered is there too.
                most += unanswered(Kind::RevokedRule);
            }
            assert!(there.len() <= most, "round {round}: {kind:?} {there:?}");
        }
    }

    fn of(&self, kind: Kind) -> BTreeSet<String> {
        let all = self.acknowledged.iter();
        all.filter(|(it, _)| *it == kind)
            .map(|(_, name)| name.clone())
            .collect()
    }

    fn assert_mixed(&self) {
        for kind in KINDS {
            assert!(!self.of(kind).is_empty(), "no {kind:?} was acknowledged");
        }
    }
}

/// How many of a kind the ground has.
fn before(kind: Kind) -> usize {
    match kind {
        Kind::Vpc | Kind::Association => 1,
        // The authority, the server's and a client's.
        Kind::Certificate => 3,
        Kind::Rule | Kind::RevokedRule | Kind::Route => 0,
    }
}

fn listed(on: &Installation, ground: &Ground, kind: Kind) -> BTreeSet<String> {
    let of = format!("--client-vpn-endpoint-id {}", ground.endpoint);
    let (line, list, name) = match kind {
        Kind::Vpc => ("ec2 describe-vpcs".to_owned(), "Vpcs", "VpcId"),
        Kind::Certificate => (
            "acm list-certificates".to_owned(),
            "CertificateSummaryList",
            "CertificateArn",
        ),
        Kind::Rule | Kind::RevokedRule => (
            format!("ec2 describe-client-vpn-authorization-rules {of}"),
            "AuthorizationRules",
            "DestinationCidr",
        ),
        Kind::Route => (
            format!("ec2 describe-client-vpn-routes {of} --filters Name=origin,Values=add-route"),
            "Routes",
            "DestinationCidr",
        ),
        Kind::Association => (
            format!("ec2 describe-client-vpn-target-networks {of}"),
            "ClientVpnTargetNetworks",
            "AssociationId",
        ),
    };
    let json = on.words(&line).json();
    let all = json[list].as_array().unwrap().iter();
    all.map(|it| it[name].as_str().unwrap().to_owned())
        .collect()
}

/// A small generator; its seed is printed, so that a failure can be looked at again.
struct Lcg(u64);

impl Lcg {
    fn below(&mut self, bound: u32) -> u32 {
        // Knuth's MMIX multiplier; the high bits are the random ones.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        ((self.0 >> 33) % u64::from(bound)) as u32
    }
}

#[expect(clippy::disallowed_methods, reason = "any number will do for a seed")]
fn seed() -> Lcg {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = now.as_nanos() as u64;
    println!("seed {seed}");
    Lcg(seed)
}
