//! Two hundred questions, answered by `why` and by real packets.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket},
    sync::Mutex,
    thread,
    time::Duration,
};

use proptest::{
    strategy::{Strategy as _, ValueTree as _},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::{
    gateway::{Destination, Gateway, Mode},
    lab::Lab,
    site::Site,
    stock::StockClient,
};

const QUESTIONS: usize = 200;
/// As many packets are on their way at once.
const AT_ONCE: usize = 16;

/// A question: the last number of an address of the target network, protocol and port.
type Question = (u8, &'static str, u16);

#[test]
fn two_hundred_answers_of_why_are_what_packets_meet() {
    let Some(lab) = Lab::build() else { return };
    let here = lab.client();
    // That a port is closed is said each time, not once a second.
    lab.target.sysctl("net/ipv4/icmp_ratelimit", "0");
    let hosts: Vec<Ipv4Addr> = (20..28).map(host).collect();
    for host in &hosts {
        lab.target.ip(&format!("address add {host}/24 dev lan0"));
    }
    let _sites: Vec<Site> = hosts
        .iter()
        .map(|it| Site::open(&lab.target, *it))
        .collect();
    let mut gateway = Gateway::start(&lab, Mode::Tun);
    let set_up = gateway.set_up("udp", &[]);
    let id = set_up.endpoint.id.as_str();
    some_rules(&gateway, id);
    let _client = StockClient::connect(&lab, &here, &set_up.profile, &[]);

    let questions = questions();
    let answers = Mutex::new(Vec::new());
    thread::scope(|scope| {
        let (here, gateway, answers) = (&here, &gateway, &answers);
        for part in questions.chunks(QUESTIONS.div_ceil(AT_ONCE)) {
            scope.spawn(move || {
                for &question in part {
                    let (number, protocol, port) = question;
                    let to = Destination {
                        endpoint: id,
                        address: host(number),
                        protocol,
                        port,
                    };
                    let told = gateway.refusing_step(["--user", "alice"], to).is_none();
                    let met = here.enter(|| reaches(to.address, protocol, port));
                    let mut answers = answers.lock().expect("nobody panics with it");
                    answers.push((question, told, met));
                }
            });
        }
    });
    let answers = answers.into_inner().expect("nobody panicked with it");
    assert_eq!(answers.len(), QUESTIONS);
    let allowed = answers.iter().filter(|(_, told, _)| *told).count();
    let fifth = QUESTIONS / 5..=QUESTIONS - QUESTIONS / 5;
    assert!(fifth.contains(&allowed), "{allowed} are allowed");
    let wrong: Vec<_> = answers
        .iter()
        .filter(|(_, told, met)| told != met)
        .collect();
    assert!(wrong.is_empty(), "why and packets differ: {wrong:?}");
}

/// Rules of several lengths, for some protocols and ports: whole hosts, halves, single ports.
fn some_rules(gateway: &Gateway<'_>, endpoint: &str) {
    let rules = [
        "10.77.1.0/24",
        "10.77.1.20/32 --protocol tcp --port 80",
        "10.77.1.21/32 --protocol udp --port 80",
        "10.77.1.22/31 --protocol tcp --from-port 79 --to-port 81",
        "10.77.1.24/32 --protocol icmp",
    ];
    for rule in rules {
        gateway.ec2(&format!(
            "authorize-client-vpn-ingress --client-vpn-endpoint-id {endpoint} \
             --authorize-all-groups --target-network-cidr {rule}"
        ));
    }
    // A group that alice is not in takes two hosts from her.
    let group = gateway.tell(&["directory", "create-group", "--name", "Others"]);
    let group = crate::gateway::text(&group["Group"]["GroupId"]);
    gateway.ec2_settled(&format!(
        "authorize-client-vpn-ingress --client-vpn-endpoint-id {endpoint} \
         --access-group-id {group} --target-network-cidr 10.77.1.26/31"
    ));
}

/// The same ones each time.
fn questions() -> Vec<Question> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let protocol = proptest::sample::select(vec!["tcp", "udp", "icmp"]);
    let port = proptest::sample::select(vec![79_u16, 80, 81, 82]);
    let question = (20_u8..28, protocol, port);
    let mut next = || {
        let tree = question.new_tree(&mut runner).expect("nothing is rejected");
        tree.current()
    };
    (0..QUESTIONS).map(|_| next()).collect()
}

fn host(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 77, 1, number)
}

/// Whether anything comes back, be it that nobody listens there.
fn reaches(address: Ipv4Addr, protocol: &str, port: u16) -> bool {
    let outcome = match protocol {
        "tcp" => TcpStream::connect_timeout(&SocketAddr::from((address, port)), PATIENCE).map(drop),
        "udp" => datagram(address, port),
        _ => ping(address),
    };
    match outcome {
        Ok(()) => true,
        Err(error) => error.kind() == io::ErrorKind::ConnectionRefused,
    }
}

fn datagram(address: Ipv4Addr, port: u16) -> io::Result<()> {
    let socket = UdpSocket::bind(("0.0.0.0", 0))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.connect((address, port))?;
    socket.send(b"is anybody there?")?;
    socket.recv(&mut [0; 64]).map(drop)
}

fn ping(address: Ipv4Addr) -> io::Result<()> {
    let status = std::process::Command::new("ping")
        .args(["-n", "-c", "1", "-W", "2", &address.to_string()])
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()?;
    if status.success() {
        return Ok(());
    }
    Err(io::ErrorKind::TimedOut.into())
}

/// Long enough for a loaded machine: only a refusal waits it out.
const PATIENCE: Duration = Duration::from_secs(2);
