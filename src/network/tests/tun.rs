//! The TUN device, in network namespaces made for the test.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Stdio};

use smoltcp::socket::tcp::State;

use super::namespace::{in_namespace, play, run, state_dir};
use super::peer::CLIENT;
use super::peer::{Peer, pattern};
use crate::model::network::Via;
use crate::network::{
    ClientRange, DropReason, EgressId, EgressPlan, Error, HostChanges, Mode, ModeChoice, Network,
    OpenOptions, PacketBatch, Plan, Port,
};

const TARGET: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const GATEWAY: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const TARGET_PORT: u16 = 7000;

fn options(workers: usize) -> OpenOptions {
    OpenOptions {
        choice: ModeChoice::Auto,
        workers,
        state_dir: state_dir(),
        tun_name: "gatehouse0".to_owned(),
    }
}

fn plan() -> Plan {
    Plan {
        ranges: vec![ClientRange {
            network: "10.99.0.0/22".parse().unwrap(),
            nat: true,
        }],
        egresses: vec![egress(1, Via::Interface("two".to_owned()), true)],
        resolvers: Vec::new(),
    }
}

fn egress(id: u16, via: Via, nat: bool) -> EgressPlan {
    let id = EgressId(id);
    EgressPlan { id, via, nat }
}

/// A host with two interfaces, of which one forwards already, and firewall rules of its own.
fn furnish() {
    run("ip", "link set lo up");
    // Without this, duplicate address detection changes routes while the test looks at them.
    let ipv6 = Path::new("/proc/sys/net/ipv6/conf/default/disable_ipv6");
    if ipv6.exists() {
        fs::write(ipv6, "1").unwrap();
    }
    run("ip", "link add one type veth peer name two");
    for (name, address) in [("one", "192.0.2.1/24"), ("two", "198.51.100.1/24")] {
        run("ip", &format!("addr add {address} dev {name}"));
        run("ip", &format!("link set {name} up"));
    }
    // The kernel says a little later that the links are there, and changes their routes then.
    let is_there = |name: &str| run("ip", &format!("link show {name}")).contains("state UP");
    while !(is_there("one") && is_there("two")) {}
    fs::write("/proc/sys/net/ipv4/conf/two/forwarding", "1").unwrap();
    run("nft", "add table ip hosts");
    run(
        "nft",
        "add chain ip hosts forward { type filter hook forward priority 0 ; policy drop ; }",
    );
}

/// Links, routes, rules, nftables and every readable setting of IPv4 and IPv6.
fn host_state() -> String {
    let mut state = String::new();
    for arguments in [
        "-d link",
        "addr",
        "route show table all",
        "-6 route show table all",
        "rule",
    ] {
        writeln!(state, "{arguments}\n{}", run("ip", arguments)).unwrap();
    }
    writeln!(state, "{}", run("nft", "list ruleset")).unwrap();
    for family in ["ipv4", "ipv6"].map(|family| Path::new("/proc/sys/net").join(family)) {
        if family.exists() {
            settings(&family, &mut state);
        }
    }
    state
}

fn settings(directory: &Path, state: &mut String) {
    let mut entries: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            settings(&path, state);
        } else if let Ok(value) = fs::read_to_string(&path) {
            writeln!(state, "{} = {}", path.display(), value.trim_end()).unwrap();
        }
    }
}

fn assert_same(before: &str, after: &str) {
    let differences: Vec<_> = before
        .lines()
        .filter(|line| !after.contains(line))
        .map(|line| format!("- {line}"))
        .chain(
            after
                .lines()
                .filter(|line| !before.contains(line))
                .map(|line| format!("+ {line}")),
        )
        .collect();
    assert!(
        before == after,
        "the host differs:\n{}",
        differences.join("\n")
    );
}

#[test]
fn a_clean_close_leaves_the_host_as_it_was() {
    if in_namespace("tun::a_clean_close_leaves_the_host_as_it_was").is_none() {
        return;
    }
    furnish();
    let before = host_state();
    let mut network = Network::open(&options(2)).unwrap();
    assert_eq!(network.mode(), Mode::Tun);
    assert_eq!(
        network.mode_reason(),
        "TUN device: this process has CAP_NET_ADMIN."
    );
    let ports = network.take_ports();
    assert_eq!(ports.len(), 2);

    network.apply(&plan()).unwrap();
    assert!(run("ip", "route show dev gatehouse0").contains("10.99.0.0/22"));
    assert!(run("nft", "list table inet gatehouse").contains("ip saddr 10.99.0.0/22"));
    assert!(run("ip", "rule").contains("-e1 lookup"));
    assert_eq!(network.egress_health(), [(EgressId(1), Ok(()))]);
    assert_eq!(
        fs::read_to_string("/proc/sys/net/ipv4/conf/one/forwarding").unwrap(),
        "1\n"
    );
    // The machine-wide switch, which would touch every interface, is left alone.
    assert_eq!(
        fs::read_to_string("/proc/sys/net/ipv4/ip_forward").unwrap(),
        "0\n"
    );
    let warnings = network.warnings();
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0].contains("chain forward of table ip hosts"),
        "{}",
        warnings[0]
    );

    // Applied again it changes nothing; without the range its route goes.
    let applied = host_state();
    network.apply(&plan()).unwrap();
    assert_same(&applied, &host_state());
    network.apply(&Plan::default()).unwrap();
    assert!(!run("ip", "route show dev gatehouse0").contains("10.99.0.0/22"));
    network.apply(&plan()).unwrap();

    drop(ports);
    network.close().unwrap();
    assert_same(&before, &host_state());
    assert_eq!(
        fs::read_dir(state_dir()).unwrap().count(),
        0,
        "the journal is gone"
    );
}

#[test]
fn what_a_crash_left_is_removed_by_the_next_start() {
    let test = "tun::what_a_crash_left_is_removed_by_the_next_start";
    match in_namespace(test).as_deref() {
        None => return,
        Some("crash") => {
            let mut network = Network::open(&options(1)).unwrap();
            network.apply(&plan()).unwrap();
            let own = rustix::process::getpid();
            rustix::process::kill_process(own, rustix::process::Signal::KILL).unwrap();
        }
        Some(_) => {}
    }
    furnish();
    let before = host_state();
    let crashed = play(test, "crash", &state_dir(), false).status().unwrap();
    assert!(!crashed.success());
    assert!(run("nft", "list ruleset").contains("table inet gatehouse"));
    assert_eq!(
        fs::read_to_string("/proc/sys/net/ipv4/conf/one/forwarding").unwrap(),
        "1\n"
    );

    // A start in user space cleans up too, and so does one that dies before it is undone.
    let crashed = play(test, "crash", &state_dir(), false).status().unwrap();
    assert!(!crashed.success());
    let userspace = OpenOptions {
        choice: ModeChoice::Userspace,
        ..options(1)
    };
    drop(Network::open(&userspace).unwrap());
    assert_same(&before, &host_state());

    let crashed = play(test, "crash", &state_dir(), false).status().unwrap();
    assert!(!crashed.success());
    let mut network = Network::open(&options(1)).unwrap();
    network.apply(&plan()).unwrap();
    network.close().unwrap();
    assert_same(&before, &host_state());
}

#[test]
fn after_kills_at_any_moment_the_host_is_as_it_was_once_the_next_run_has_stopped() {
    let test = "tun::after_kills_at_any_moment_the_host_is_as_it_was_once_the_next_run_has_stopped";
    match in_namespace(test).as_deref() {
        None => return,
        Some("victim") => loop {
            let mut network = Network::open(&options(2)).unwrap();
            network.apply(&plan()).unwrap();
            network.apply(&Plan::default()).unwrap();
            network.close().unwrap();
        },
        Some(_) => {}
    }
    furnish();
    let before = host_state();
    let mut moments = pattern(20, 11).into_iter();
    for _ in 0..10 {
        let mut victim = play(test, "victim", &state_dir(), false)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // Any moment will do: a cycle takes some 50 ms.
        let moment = 20 + u64::from(moments.next().unwrap());
        std::thread::sleep(std::time::Duration::from_millis(moment));
        assert!(
            victim.try_wait().unwrap().is_none(),
            "it ran until it was killed"
        );
        victim.kill().unwrap();
        victim.wait().unwrap();
        let mut network = Network::open(&options(2)).unwrap();
        network.apply(&plan()).unwrap();
        network.close().unwrap();
        assert_same(&before, &host_state());
    }
}

#[test]
fn an_egress_has_a_route_whose_gateway_was_changed_at_the_next_look() {
    let test = "tun::an_egress_has_a_route_whose_gateway_was_changed_at_the_next_look";
    if in_namespace(test).is_none() {
        return;
    }
    furnish();
    let set = |hops: &str| {
        let route = format!("route replace 203.0.113.0/24 metric 5 {hops}");
        run("ip", &route);
    };
    set("via 198.51.100.7");
    let mut network = Network::open(&options(1)).unwrap();
    network.apply(&plan()).unwrap();
    let rules = run("ip", "rule");
    let (_, table) = rules.split_once("-e1 lookup ").unwrap();
    let table = table.split_whitespace().next().unwrap();
    let routes = || run("ip", &format!("route show table {table}"));
    let ways = || {
        let routes = routes();
        let ways = routes
            .lines()
            .filter(|line| line.starts_with("203.0.113.0/24"));
        let gateways = ways.map(|line| line.split_whitespace().nth(2).unwrap().to_owned());
        gateways.collect::<Vec<_>>()
    };
    assert_eq!(ways(), ["198.51.100.7"], "{}", routes());
    set("via 198.51.100.8");
    network.look();
    assert_eq!(ways(), ["198.51.100.8"], "{}", routes());
    set("nexthop via 198.51.100.9 nexthop via 198.51.100.10");
    for _ in 0..2 {
        network.look();
        assert_eq!(ways(), ["198.51.100.9"], "{}", routes());
    }
    set("dev two");
    network.look();
    assert_eq!(ways(), ["two"], "{}", routes());
    run("ip", "route del 203.0.113.0/24");
    network.look();
    assert_eq!(ways(), [""; 0], "{}", routes());
    network.close().unwrap();
}

#[test]
fn forwarding_that_someone_else_enabled_meanwhile_stays() {
    if in_namespace("tun::forwarding_that_someone_else_enabled_meanwhile_stays").is_none() {
        return;
    }
    furnish();
    let mut network = Network::open(&options(1)).unwrap();
    network.apply(&plan()).unwrap();
    assert!(run("nft", "list table inet gatehouse").contains("\"one\""));
    fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap();
    network.apply(&plan()).unwrap();
    assert!(!run("nft", "list table inet gatehouse").contains("\"one\""));
    network.close().unwrap();
    assert_eq!(
        fs::read_to_string("/proc/sys/net/ipv4/conf/one/forwarding").unwrap(),
        "1\n"
    );
}

#[test]
fn a_device_of_that_name_is_not_taken_over() {
    if in_namespace("tun::a_device_of_that_name_is_not_taken_over").is_none() {
        return;
    }
    let first = Network::open(&options(1)).unwrap();
    let other_state = tempfile::tempdir().unwrap();
    let second = |choice| {
        Network::open(&OpenOptions {
            choice,
            state_dir: other_state.path().to_owned(),
            ..options(1)
        })
    };
    assert!(matches!(
        second(ModeChoice::Tun),
        Err(Error::DeviceExists { .. })
    ));
    let second = second(ModeChoice::Auto).unwrap();
    assert_eq!(second.mode(), Mode::Userspace);
    assert!(
        second.mode_reason().contains("gatehouse0 exists already"),
        "{}",
        second.mode_reason()
    );
    first.close().unwrap();
}

/// The target's machine: a namespace of its own, wired to the gateway's by a veth pair.
struct Target(Child);

impl Target {
    fn start(test: &str) -> Self {
        let mut child = play(test, "target", &state_dir(), true)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        lines
            .find(|line| line.as_ref().unwrap().contains("waiting for the wire"))
            .unwrap()
            .unwrap();
        run(
            "ip",
            &format!(
                "link add wire type veth peer name wire netns {}",
                child.id()
            ),
        );
        run("ip", &format!("addr add {GATEWAY}/24 dev wire"));
        run("ip", "link set wire up");
        writeln!(child.stdin.as_mut().unwrap(), "wired").unwrap();
        lines
            .find(|line| line.as_ref().unwrap().contains("listening"))
            .unwrap()
            .unwrap();
        Self(child)
    }

    /// Plays the target: it serves every connection from the gateway's address by sending back
    /// twenty megabytes of its own and checking what came.
    fn serve() -> ! {
        println!("waiting for the wire");
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).unwrap();
        run("ip", "link set lo up");
        run("ip", &format!("addr add {TARGET}/24 dev wire"));
        run("ip", "link set wire up");
        let listener = TcpListener::bind((TARGET, TARGET_PORT)).unwrap();
        println!("listening");
        loop {
            let (stream, from) = listener.accept().unwrap();
            // It has no route to the client range: without translation nothing would come here.
            assert_eq!(from.ip(), GATEWAY);
            serve_one(stream);
        }
    }
}

fn serve_one(mut stream: TcpStream) {
    let mut reading = stream.try_clone().unwrap();
    std::thread::scope(|scope| {
        let received = scope.spawn(move || {
            let mut received = Vec::new();
            reading.read_to_end(&mut received).unwrap();
            received
        });
        stream.write_all(&pattern(20_000_000, 5)).unwrap();
        let intact = received.join().unwrap() == pattern(20_000_000, 3);
        stream
            .write_all(if intact { b"intact" } else { b"broken" })
            .unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
    });
}

impl Drop for Target {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn twenty_megabytes_pass_through_the_kernel_both_ways_and_the_gateway_itself_is_out_of_reach() {
    let test = "tun::twenty_megabytes_pass_through_the_kernel_both_ways_and_the_gateway_itself_is_out_of_reach";
    match in_namespace(test).as_deref() {
        None => return,
        Some("target") => Target::serve(),
        Some(_) => {}
    }
    run("ip", "link set lo up");
    let _target = Target::start(test);
    let mut network = Network::open(&options(1)).unwrap();
    network.apply(&plan()).unwrap();
    let mut peer = Peer::new(network.take_ports().remove(0));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let handle = peer.connect(SocketAddrV4::new(TARGET, TARGET_PORT));
        let received = peer.exchange(handle, &pattern(20_000_000, 3)).await;
        let (bytes, verdict) = received.split_at(20_000_000);
        assert!(
            bytes == pattern(20_000_000, 5),
            "what came down is not what was sent"
        );
        assert_eq!(verdict, b"intact");

        // The gateway listens, but not for clients, whichever of its addresses they try.
        let listener = TcpListener::bind(("0.0.0.0", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let handle = peer.connect(SocketAddrV4::new(GATEWAY, port));
        let begin = std::time::Instant::now();
        peer.until("half a second", |_| begin.elapsed().as_millis() > 500)
            .await;
        assert_eq!(peer.state(handle), State::SynSent);
        assert!(listener.accept().is_err());
    });
    let totals = network.totals();
    assert_eq!(totals.drops().count(), 0, "{totals:?}");
    drop(peer);
    network.close().unwrap();
}

/// What lies behind the target's machine of [`two_ways_out`], and both ways there.
const BEHIND: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 9);
const WAYS: [(&str, u8); 2] = [("left", 2), ("right", 3)];

/// A target with an address of its own behind two wires, 192.0.2.0/24 and 192.0.3.0/24. The left one
/// is the better way there; the way back to clients' own addresses is the right one.
fn two_ways_out(test: &str) -> Target {
    let mut child = play(test, "target", &state_dir(), true)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut wait_for = |text: &str| {
        let found = lines.find(|line| line.as_ref().unwrap().contains(text));
        found.unwrap().unwrap();
    };
    wait_for("waiting for the wires");
    let target = child.id();
    for (name, net) in WAYS {
        run(
            "ip",
            &format!("link add {name} type veth peer name {name} netns {target}"),
        );
        run("ip", &format!("addr add 192.0.{net}.1/24 dev {name}"));
        run("ip", &format!("link set {name} up"));
        fs::write(format!("/proc/sys/net/ipv4/conf/{name}/rp_filter"), "2").unwrap();
    }
    fs::write("/proc/sys/net/ipv4/conf/all/rp_filter", "1").unwrap();
    run("ip", "addr add 192.0.3.77/24 dev right");
    run("ip", "route add 203.0.113.0/24 via 192.0.2.2 metric 1");
    behind_right();
    writeln!(child.stdin.as_mut().unwrap(), "wired").unwrap();
    wait_for("listening");
    Target(child)
}

fn behind_right() {
    run("ip", "route add 203.0.113.0/24 via 192.0.3.2 metric 2");
}

/// Tells whoever sends a datagram by which address it came; told to call, it opens a flow of its own
/// to port 5555 there.
fn tell_sources() -> ! {
    println!("waiting for the wires");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    run("ip", "link set lo up");
    run("ip", &format!("addr add {BEHIND}/32 dev lo"));
    fs::write("/proc/sys/net/ipv4/conf/all/rp_filter", "0").unwrap();
    for (name, net) in WAYS {
        fs::write(format!("/proc/sys/net/ipv4/conf/{name}/rp_filter"), "0").unwrap();
        run("ip", &format!("addr add 192.0.{net}.2/24 dev {name}"));
        run("ip", &format!("link set {name} up"));
    }
    run("ip", "route add 10.99.0.0/22 via 192.0.3.1");
    let socket = UdpSocket::bind((BEHIND, TARGET_PORT)).unwrap();
    println!("listening");
    loop {
        let mut buffer = [0; 64];
        let (count, from) = socket.recv_from(&mut buffer).unwrap();
        if &buffer[..count] == b"call" {
            let caller = UdpSocket::bind((BEHIND, 0)).unwrap();
            caller.send_to(b"hello", (from.ip(), 5555)).unwrap();
        } else {
            let seen = from.ip().to_string();
            socket.send_to(seen.as_bytes(), from).unwrap();
        }
    }
}

/// A datagram from the client to what is behind the target, with valid checksums.
fn datagram(source_port: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(28 + payload.len()).unwrap();
    let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 17, 0, 0];
    packet[2..4].copy_from_slice(&length.to_be_bytes());
    packet.extend_from_slice(&CLIENT.octets());
    packet.extend_from_slice(&BEHIND.octets());
    let sum = packet
        .chunks(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
        .sum::<u32>();
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = !u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap();
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet.extend_from_slice(&source_port.to_be_bytes());
    packet.extend_from_slice(&TARGET_PORT.to_be_bytes());
    packet.extend_from_slice(&(length - 20).to_be_bytes());
    packet.extend_from_slice(&[0, 0]);
    packet.extend_from_slice(payload);
    packet
}

/// Sends a datagram by an egress, from a port of its own, and gives what comes back: port and payload.
async fn exchange(port: &mut Port, egress: u16, payload: &[u8]) -> (u16, String) {
    let mut batch = PacketBatch::new();
    let packet = datagram(40_000 + egress, payload);
    assert!(batch.push_by(&packet, EgressId(egress)));
    port.send(&mut batch);
    let received = tokio::time::timeout(std::time::Duration::from_secs(10), port.recv(&mut batch));
    received.await.expect("an answer comes").unwrap();
    let packet = batch.packet(0);
    assert_eq!(packet[16..20], CLIENT.octets());
    let to = u16::from_be_bytes([packet[22], packet[23]]);
    (to, String::from_utf8(packet[28..].to_vec()).unwrap())
}

#[test]
fn packets_leave_by_their_egress_with_the_address_that_it_says_and_answers_come_back() {
    let test =
        "tun::packets_leave_by_their_egress_with_the_address_that_it_says_and_answers_come_back";
    match in_namespace(test).as_deref() {
        None => return,
        Some("target") => tell_sources(),
        Some(_) => {}
    }
    run("ip", "link set lo up");
    let target = two_ways_out(test);
    let before = host_state();
    let right = || Via::Interface("right".to_owned());
    let plan = Plan {
        egresses: vec![
            egress(1, right(), true),
            egress(2, right(), false),
            egress(3, Via::SourceAddress(Ipv4Addr::new(192, 0, 3, 77)), true),
            egress(4, Via::HostRouting, false),
            egress(5, Via::Interface("none".to_owned()), true),
        ],
        ..plan()
    };
    let mut network = Network::open(&options(1)).unwrap();
    network.apply(&plan).unwrap();
    let works: Vec<bool> = network
        .egress_health()
        .iter()
        .map(|(_, health)| health.is_ok())
        .collect();
    assert_eq!(
        works,
        [true, true, true, true, false],
        "{:?}",
        network.egress_health()
    );
    let mut port = network.take_ports().remove(0);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        for (egress, source) in [
            (0, "192.0.2.1"),
            (1, "192.0.3.1"),
            (2, "10.99.0.2"),
            (3, "192.0.3.77"),
            (4, "10.99.0.2"),
        ] {
            let answer = exchange(&mut port, egress, b"who").await;
            assert_eq!(
                answer,
                (40_000 + egress, source.to_owned()),
                "egress {egress}"
            );
        }
        // A flow that the target opens to the client's own address reaches the tunnel.
        let call = exchange(&mut port, 2, b"call").await;
        assert_eq!(call, (5555, "hello".to_owned()));

        // What is too long for the egress is answered with the length that fits.
        run("ip", "link set right mtu 1000");
        let long = datagram(40_001, &[0; 1200]);
        let mut batch = PacketBatch::new();
        assert!(batch.push_by(&long, EgressId(1)));
        port.send(&mut batch);
        let received =
            tokio::time::timeout(std::time::Duration::from_secs(10), port.recv(&mut batch));
        received.await.expect("a report comes").unwrap();
        let report = batch.packet(0);
        assert_eq!(report[9], 1, "ICMP");
        assert_eq!(report[16..20], CLIENT.octets());
        assert_eq!(report[20..22], [3, 4], "fragmentation needed");
        assert_eq!(report[26..28], 1000_u16.to_be_bytes());
        assert_eq!(report[28 + 12..28 + 20], long[12..20], "about this packet");
        run("ip", "link set right mtu 1500");

        run("ip", "link set right down");
        assert!(network.look());
        let (_, health) = &network.egress_health()[0];
        assert!(
            health
                .as_ref()
                .unwrap_err()
                .contains("right is switched off")
        );
        let mut batch = PacketBatch::new();
        assert!(batch.push_by(&datagram(40_001, b"lost"), EgressId(1)));
        port.send(&mut batch);
        assert_eq!(network.totals().dropped(DropReason::Egress), 1);
        let mut changes = HostChanges::open().unwrap();
        run("ip", "link set right up");
        behind_right();
        // The kernel says a little later that the link is there.
        while network.egress_health()[0].1.is_err() {
            tokio::time::timeout(std::time::Duration::from_secs(10), changes.changed())
                .await
                .expect("the change is told");
            network.look();
        }
        assert_eq!(exchange(&mut port, 1, b"who").await.1, "192.0.3.1");
    });
    // Without the egresses their devices, rules and tables go.
    network
        .apply(&Plan {
            egresses: Vec::new(),
            ..plan
        })
        .unwrap();
    assert!(!run("ip", "rule").contains("-e1"));
    drop(port);
    network.close().unwrap();
    // The kernel numbers what comes and goes; what we made has gone.
    let rules = |state: &str| {
        state
            .lines()
            .filter(|line| line.contains("lookup"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(rules(&before), rules(&host_state()));
    drop(target);
}
