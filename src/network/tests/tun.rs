//! The TUN device, in network namespaces made for the test.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddrV4, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};

use smoltcp::socket::tcp::State;

use super::namespace::{in_namespace, play, run, state_dir};
use super::peer::{Peer, pattern};
use crate::network::{ClientRange, Error, Mode, ModeChoice, Network, OpenOptions, Plan};

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
        egresses: Vec::new(),
    }
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
