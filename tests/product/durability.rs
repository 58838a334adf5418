//! What was acknowledged is there after a SIGKILL at any instant.

use std::{
    collections::BTreeSet,
    sync::{
        atomic::{AtomicBool, AtomicU32, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::support::Installation;

const ROUNDS: u32 = 12;
const WRITERS: u32 = 3;

#[test]
fn every_acknowledged_change_survives_a_kill_at_a_random_instant() {
    let on = Installation::new();
    let mut seed = seed();
    let next = AtomicU32::new(0);
    let mut acknowledged = BTreeSet::new();
    let mut unanswered = 0;
    for round in 0..ROUNDS {
        let gateway = on.serve();
        assert_all_there(&on, &acknowledged, unanswered, round);
        let killed = AtomicBool::new(false);
        let (done, results) = mpsc::sync_channel(1024);
        thread::scope(|scope| {
            for _ in 0..WRITERS {
                let done = done.clone();
                let (on, next, killed) = (&on, &next, &killed);
                scope.spawn(move || write_until(on, next, killed, &done));
            }
            drop(done);
            // An instant within the first writes: after some answers, and then a little more.
            for _ in 0..seed.below(6) {
                note(results.recv().unwrap(), &mut acknowledged, &mut unanswered);
            }
            let more = Duration::from_micros(u64::from(seed.below(30_000)));
            if let Ok(result) = results.recv_timeout(more) {
                note(result, &mut acknowledged, &mut unanswered);
            }
            gateway.kill();
            killed.store(true, Ordering::SeqCst);
            for result in results {
                note(result, &mut acknowledged, &mut unanswered);
            }
        });
    }
    let _gateway = on.serve();
    assert_all_there(&on, &acknowledged, unanswered, ROUNDS);
    assert!(acknowledged.len() as u32 > ROUNDS, "{}", acknowledged.len());
}

/// Makes VPCs, one process each, until the gateway is gone.
fn write_until(
    on: &Installation,
    next: &AtomicU32,
    killed: &AtomicBool,
    done: &mpsc::SyncSender<Option<String>>,
) {
    while !killed.load(Ordering::SeqCst) {
        let number = next.fetch_add(1, Ordering::SeqCst);
        let cidr = format!("10.{}.{}.0/24", number / 256, number % 256);
        let outcome = on.run(&["ec2", "create-vpc", "--cidr-block", &cidr]);
        let made = outcome.status.success().then(|| {
            let json = outcome.json();
            json["Vpc"]["VpcId"].as_str().unwrap().to_owned()
        });
        let ended = made.is_none();
        if done.send(made).is_err() || ended {
            return;
        }
    }
}

fn note(made: Option<String>, acknowledged: &mut BTreeSet<String>, unanswered: &mut usize) {
    match made {
        Some(id) => assert!(acknowledged.insert(id), "an identifier was given twice"),
        None => *unanswered += 1,
    }
}

/// All that was acknowledged is there; what is there besides was under way when the end came.
fn assert_all_there(
    on: &Installation,
    acknowledged: &BTreeSet<String>,
    unanswered: usize,
    round: u32,
) {
    let json = on.words("ec2 describe-vpcs").json();
    let there: BTreeSet<String> = json["Vpcs"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|vpc| vpc["VpcId"].as_str().map(str::to_owned))
        .collect();
    let lost: Vec<_> = acknowledged.difference(&there).collect();
    assert!(lost.is_empty(), "round {round}: {lost:?} were lost");
    assert!(
        there.len() <= acknowledged.len() + unanswered,
        "round {round}"
    );
    let number = on.words("status").json()["ConfigurationNumber"].clone();
    assert!(number.as_u64() >= Some(there.len() as u64), "round {round}");
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
