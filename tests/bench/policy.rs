//! What a verdict costs: the first and the later packets of a flow at 10, 1,000 and 50,000 rules,
//! with hot caches and cold ones, beside sealing a packet of 1,400 bytes in the same run.
//!
//! `cargo bench --bench policy`. All times are medians in nanoseconds. The seal is the AEAD that the
//! data channel uses, without the header it puts before: a whole packet costs somewhat more.

#![expect(clippy::print_stdout, reason = "a table for whoever runs it")]

use std::{
    collections::BTreeSet,
    hint::black_box,
    net::Ipv4Addr,
    sync::Arc,
    time::{Duration, Instant},
};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use gatehouse::{
    model::{
        Access, Association, AssociationId, AssociationState, AuthorizationRule, Endpoint,
        EndpointId, Group, Limits, Route, RouteOrigin, RouteState, RuleState, SecurityGroupId,
        SecurityGroupRuleId, Sid, Snapshot, Subnet, SubnetId, Transport, Vpc, VpcId,
        security_group::{Direction, Peer, SecurityGroup, SecurityGroupRule},
    },
    policy::{Flows, OwnAddresses, Policy, Session, Traffic},
};
use ipnet::Ipv4Net;
use jiff::Timestamp;

const RULES: [usize; 3] = [10, 1_000, 50_000];
const USER: &str = "alice";
const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 8, 0, 2);
/// Destinations of which each is asked for again and again.
const FEW: usize = 8;
const HOT_BATCHES: usize = 200;
const BATCH: usize = 500;
const COLD_SAMPLES: usize = 300;
/// More than caches hold.
const FLUSH_BYTES: usize = 96 << 20;

/// Numbers that are the same in every run (Marsaglia's xorshift).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap_or_default()
    }
}

fn endpoint() -> Endpoint {
    Endpoint {
        id: EndpointId::from_random([1; 9]),
        description: String::new(),
        tags: Default::default(),
        client_cidr: net(Ipv4Addr::new(10, 8, 0, 0), 22),
        server_certificate: "arn:aws:acm:local-1:000000000000:certificate/a"
            .parse()
            .expect("an ARN"),
        authentication: Vec::new(),
        transport: Transport::Udp,
        port: 1194,
        split_tunnel: false,
        dns_servers: Vec::new(),
        vpc_id: None,
        security_groups: BTreeSet::from([security_group_id()]),
        connection_log: None,
        deleting: false,
        created_at: Timestamp::UNIX_EPOCH,
    }
}

fn net(address: Ipv4Addr, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(address, length).trunc()
}

fn security_group_id() -> SecurityGroupId {
    SecurityGroupId::from_random([1; 9])
}

fn subnet_id() -> SubnetId {
    SubnetId::from_random([1; 9])
}

fn sid(number: usize) -> Sid {
    let byte = u8::try_from(number).unwrap_or_default();
    Sid::from_random([byte; 16])
}

/// An endpoint in a VPC of 100.0.0.0/8, with so many rules for networks and hosts in it, every one
/// for one of 20 groups that the user is in.
fn snapshot(rules: usize) -> Snapshot {
    let mut it = Snapshot::default();
    let (endpoint, vpc_id) = (endpoint(), VpcId::from_random([1; 9]));
    let block = net(Ipv4Addr::new(100, 0, 0, 0), 8);
    let vpc = Vpc {
        id: vpc_id.clone(),
        cidrs: vec![block],
        dns_support: true,
        tags: Default::default(),
    };
    let subnet = Subnet {
        id: subnet_id(),
        vpc_id: vpc_id.clone(),
        cidr: net(Ipv4Addr::new(100, 0, 0, 0), 24),
        availability_zone: "local-1a".to_owned(),
        egress: Default::default(),
        tags: Default::default(),
    };
    let association = Association {
        id: AssociationId::from_random([1; 9]),
        endpoint_id: endpoint.id.clone(),
        subnet_id: subnet_id(),
        vpc_id: vpc_id.clone(),
        state: AssociationState::Associated,
    };
    it.routes.push(Route {
        endpoint_id: endpoint.id.clone(),
        destination: block,
        subnet_id: subnet_id(),
        origin: RouteOrigin::Associate,
        for_all: false,
        description: String::new(),
        state: RouteState::Active,
    });
    for number in 0..20 {
        let group = Group {
            sid: sid(number),
            name: format!("Group {number}"),
            members: (0..50)
                .map(|member| format!("user-{member}"))
                .chain([USER.to_owned()])
                .collect(),
        };
        it.groups.insert(sid(number), Arc::new(group));
    }
    let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
    for number in 0..rules {
        let length = [16, 20, 24, 28, 32][number % 5];
        it.rules.push(AuthorizationRule {
            endpoint_id: endpoint.id.clone(),
            destination: net(address(&mut numbers, block), length),
            access: Access::Group(sid(number % 20)),
            limits: Limits::default(),
            description: String::new(),
            state: RuleState::Active,
        });
    }
    let group = SecurityGroup {
        id: security_group_id(),
        name: SecurityGroup::DEFAULT.to_owned(),
        description: "default VPC security group".to_owned(),
        vpc_id: vpc_id.clone(),
        rules: vec![SecurityGroupRule {
            id: SecurityGroupRuleId::from_random([1; 9]),
            direction: Direction::Egress,
            protocol: None,
            ports: None,
            peer: Peer::Cidr(net(Ipv4Addr::UNSPECIFIED, 0)),
            description: String::new(),
        }],
        tags: Default::default(),
    };
    it.security_groups.insert(security_group_id(), group.into());
    it.vpcs.insert(vpc_id, vpc);
    it.subnets.insert(subnet_id(), subnet);
    it.associations.insert(association.id.clone(), association);
    it.endpoints.insert(endpoint.id.clone(), endpoint);
    it
}

/// An address of the network that is not one of its ends.
fn address(numbers: &mut Numbers, net: Ipv4Net) -> Ipv4Addr {
    let hosts = usize::try_from(u32::from(net.hostmask())).unwrap_or_default();
    let host = match hosts {
        0 => 0,
        hosts => 1 + numbers.below(hosts - 1),
    };
    Ipv4Addr::from(u32::from(net.network()) + u32::try_from(host).unwrap_or_default())
}

/// A packet of UDP without content.
fn packet(to: Ipv4Addr, port: u16) -> [u8; 28] {
    let mut packet = [0; 28];
    packet[..4].copy_from_slice(&[0x45, 0, 0, 28]);
    packet[8..10].copy_from_slice(&[64, 17]);
    packet[12..16].copy_from_slice(&CLIENT.octets());
    packet[16..20].copy_from_slice(&to.octets());
    packet[20..22].copy_from_slice(&port.to_be_bytes());
    packet[22..26].copy_from_slice(&[0, 53, 0, 8]);
    packet
}

fn compile(snapshot: &Snapshot) -> Policy {
    let endpoint = &snapshot.endpoints[&EndpointId::from_random([1; 9])];
    let own = OwnAddresses::default();
    Policy::compile(snapshot, endpoint, &own, Timestamp::UNIX_EPOCH, 1)
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

fn nanos(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}

/// The median time of one act, in nanoseconds, over batches of them.
fn hot(mut act: impl FnMut(usize)) -> f64 {
    let mut count = 0;
    let mut batch = || {
        let start = Instant::now();
        for _ in 0..BATCH {
            act(count);
            count += 1;
        }
        nanos(start.elapsed()) / BATCH as f64
    };
    median((0..HOT_BATCHES).map(|_| batch()).collect())
}

/// The median time of one act with flushed caches, in nanoseconds, less that of reading the clock.
fn cold(buffer: &mut [u8], mut act: impl FnMut(usize)) -> f64 {
    let mut once = |act: &mut dyn FnMut(usize), count| {
        for byte in buffer.iter_mut().step_by(64) {
            *byte = byte.wrapping_add(1);
        }
        black_box(&buffer);
        let start = Instant::now();
        act(count);
        nanos(start.elapsed())
    };
    let mut nothing = |_| {};
    let clock = median((0..50).map(|at| once(&mut nothing, at)).collect());
    median((0..COLD_SAMPLES).map(|at| once(&mut act, at)).collect()) - clock
}

/// Verdict alone, first packet, later packet; hot, then cold.
struct Row {
    hot: [f64; 3],
    cold: [f64; 3],
}

fn row(snapshot: &Snapshot, buffer: &mut [u8]) -> Row {
    let policy = compile(snapshot);
    let subnet = subnet_id();
    let session = Session {
        address: CLIENT,
        subnet: &subnet,
        user: USER,
    };
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let rules = &snapshot.rules;
    let mut somewhere = || {
        let rule = &rules[numbers.below(rules.len())];
        address(&mut numbers, rule.destination)
    };
    let few: Vec<Ipv4Addr> = (0..FEW).map(|_| somewhere()).collect();
    let many: Vec<Ipv4Addr> = (0..COLD_SAMPLES).map(|_| somewhere()).collect();
    let traffic = Traffic::new(gatehouse::model::IpProtocol::Udp, Some(53));
    let verdict = |to: Ipv4Addr| {
        let verdict = policy.allows(session.into(), black_box(to), traffic);
        assert!(black_box(verdict).is_allow());
    };
    let port = |at: usize| u16::try_from(at % 65_000).unwrap_or_default();
    let mut flows = Flows::default();
    let mut first = |to: Ipv4Addr, at: usize| {
        // No entry: the port is another each time, and the table holds a sixteenth of them.
        let sent = packet(to, port(at));
        let verdict = flows.outbound(&policy, session, black_box(&sent), 0);
        assert!(black_box(verdict).is_allow());
    };
    let hot_first = hot(|at| first(few[at % FEW], at));
    let cold_first = cold(buffer, |at| first(many[at], at));
    let mut flows = Flows::default();
    let mut later = |to: Ipv4Addr| {
        let sent = packet(to, 1);
        let verdict = flows.outbound(&policy, session, black_box(&sent), 0);
        assert!(black_box(verdict).is_allow());
    };
    many.iter().for_each(|to| later(*to));
    Row {
        hot: [
            hot(|at| verdict(few[at % FEW])),
            hot_first,
            hot(|at| later(few[at % FEW])),
        ],
        cold: [
            cold(buffer, |at| verdict(many[at])),
            cold_first,
            cold(buffer, |at| later(many[at])),
        ],
    }
}

/// The AEAD over one packet of 1,400 bytes.
fn seal() -> f64 {
    let key = UnboundKey::new(&AES_256_GCM, &[7; 32]).expect("a key of 32 bytes");
    let key = LessSafeKey::new(key);
    let mut payload = vec![0; 1_400];
    let mut nonce = [0; 12];
    hot(|at| {
        nonce[..8].copy_from_slice(&(at as u64).to_be_bytes());
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = key.seal_in_place_separate_tag(nonce, Aad::from([0; 8]), &mut payload);
        black_box(tag.is_ok());
    })
}

fn main() {
    let mut buffer = vec![1; FLUSH_BYTES];
    let rows: Vec<Row> = RULES
        .iter()
        .map(|rules| row(&snapshot(*rules), &mut buffer))
        .collect();
    let seal = seal();
    println!("rules   cache  verdict ns  first packet ns  later packet ns");
    let line = |name: &str, cache: &str, [verdict, first, later]: [f64; 3]| {
        println!("{name:>6}  {cache:<5}  {verdict:>10.1}  {first:>15.1}  {later:>15.1}");
    };
    for (rules, row) in RULES.iter().zip(&rows) {
        line(&rules.to_string(), "hot", row.hot);
        line(&rules.to_string(), "cold", row.cold);
    }
    let [few, .., many] = rows.as_slice() else {
        return;
    };
    let growth = |few: [f64; 3], many: [f64; 3]| [0, 1, 2].map(|column| many[column] / few[column]);
    println!("\ngrowth from 10 to 50,000 rules (goal: below 1.5)");
    for (cache, [verdict, first, later]) in [
        ("hot", growth(few.hot, many.hot)),
        ("cold", growth(few.cold, many.cold)),
    ] {
        println!("        {cache:<5}  {verdict:>10.2}  {first:>15.2}  {later:>15.2}");
    }
    println!("\nsealing 1,400 bytes with AES-256-GCM: {seal:.1} ns");
    let ratio = many.hot[2] / seal;
    println!("a later packet by that, hot, at 50,000 rules: {ratio:.3} (goal: below 0.1)");
    for rules in [10_000, 50_000] {
        let snapshot = snapshot(rules);
        let times = (0..9).map(|_| {
            let start = Instant::now();
            black_box(compile(&snapshot));
            nanos(start.elapsed()) / 1e6
        });
        println!("compiling {rules} rules: {:.1} ms", median(times.collect()));
    }
}
