//! How soon a rule change reaches packets: 10,000 rules, 2,000 live sessions of our own client, and
//! one of them that asks for an answer every millisecond.
//!
//! `cargo bench --bench live`, as root: it makes two network namespaces of its own and removes them.
//! A change counts from the instant the service has acknowledged it.

use std::{
    error::Error,
    fs::File,
    io::{self, Write as _},
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    path::{Path, PathBuf},
    process::Command as Program,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use gatehouse::{
    clock,
    control::{Console, Face, Host, HostOptions, ModeChoice, socket::Access},
    model::{
        Answer, AuthorizationRule, CertificateUse, Command, KeyType, Limits, Refusal, Request,
        RuleState, Settings, Transport,
        command::{
            AssociateTargetNetwork, AuthenticationOption, AuthorizeIngress,
            CreateCertificateAuthority, CreateClientVpnEndpoint, CreateSubnet, CreateVpc,
            ExportClientConfiguration, IssueCertificate, RevokeIngress,
        },
        endpoint::Access as For,
        id::{CertificateArn, EndpointId},
    },
    openvpn::{
        ClientConfig, Control, Data, Event, HEADROOM, Opened, OsRandom, Profile, TlsVersions,
        Transport as Carrier, peek,
    },
    store::{Store, StoreError},
};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

const RULES: u32 = 10_000;
const SESSIONS: usize = 2_000;
const ROUNDS: usize = 20;
const PORT: u16 = 1194;
const TARGET: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(TARGET_IP), 7);
const TARGET_IP: Ipv4Addr = Ipv4Addr::new(10, 77, 1, 10);

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let sessions = number("GATEHOUSE_BENCH_SESSIONS", SESSIONS)?;
    let rules = number("GATEHOUSE_BENCH_RULES", RULES as usize)?;
    let networks = Networks::make()?;
    let target = networks.target()?;
    serve_echo(target)?;
    // Every thread that is started from here on is in the gateway's network.
    networks.enter_gateway()?;
    let dir = tempfile::tempdir()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let figures = runtime.block_on(run(dir.path(), rules, sessions))?;
    figures.print(rules, sessions)?;
    Ok(())
}

/// A number from the environment, for a smaller run.
fn number(name: &str, usual: usize) -> Outcome<usize> {
    Ok(std::env::var(name).map_or(Ok(usual), |text| text.parse())?)
}

/// Times in order of their rounds.
struct Figures {
    acknowledged: Vec<Duration>,
    revoked: Vec<Duration>,
    authorized: Vec<Duration>,
}

impl Figures {
    fn print(mut self, rules: usize, sessions: usize) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{rules} rules, {sessions} sessions, {ROUNDS} rounds")?;
        writeln!(out, "{:<44}{:>10}{:>10}{:>10}", "ms", "p50", "p90", "max")?;
        for (what, times) in [
            ("command until acknowledged", &mut self.acknowledged),
            ("revoked: acknowledged until last answer", &mut self.revoked),
            (
                "authorized: acknowledged until first answer",
                &mut self.authorized,
            ),
        ] {
            times.sort_unstable();
            let at = |part: usize| times[(times.len() - 1) * part / 100].as_secs_f64() * 1e3;
            writeln!(
                out,
                "{what:<44}{:>10.1}{:>10.1}{:>10.1}",
                at(50),
                at(90),
                at(100)
            )?;
        }
        Ok(())
    }
}

async fn run(dir: &Path, rules: usize, sessions: usize) -> Outcome<Figures> {
    let options = HostOptions {
        data_dir: dir.to_owned(),
        network: ModeChoice::Userspace,
        name: "bench".to_owned(),
        face: Face::Cli,
        access: Access::User,
    };
    let host = Host::offline(&options).await?;
    let endpoint = configure(&*host.console()).await?;
    let profile = profile(&*host.console(), &endpoint).await?;
    host.stop().await;
    insert_rules(dir, &endpoint, rules).await?;
    let host = Host::start(options).await?;
    let console = host.console();
    settle(&*console).await;
    let begin = Instant::now();
    let clients = connect(&profile, sessions)?;
    writeln!(
        io::stdout(),
        "{sessions} sessions came in within {:.1} s",
        begin.elapsed().as_secs_f64()
    )?;
    let figures = measure(&console, &endpoint, clients).await?;
    host.stop().await;
    Ok(figures)
}

async fn ask(console: &dyn Console, command: Command) -> Result<Answer, Refusal> {
    console.call(Request::from(command)).await
}

/// Returns once what runs matches the configuration.
async fn settle(console: &dyn Console) {
    let mut views = console.views();
    // The owner is in this process: its views end with it only.
    views.wait_for(|view| view.is_settled()).await.ok();
}

async fn configure(console: &dyn Console) -> Outcome<EndpointId> {
    let authority = CreateCertificateAuthority {
        common_name: "Bench CA".to_owned(),
        key_type: KeyType::EcdsaP256,
    };
    let Answer::CertificateArn(ca) =
        ask(console, Command::CreateCertificateAuthority(authority)).await?
    else {
        return Err("no authority".into());
    };
    let server = issue(console, &ca, CertificateUse::Server, "vpn.example.test").await?;
    let vpc = CreateVpc {
        cidr_block: "10.0.0.0/8".to_owned(),
        ..CreateVpc::default()
    };
    let Answer::Vpc(vpc) = ask(console, Command::CreateVpc(vpc)).await? else {
        return Err("no VPC".into());
    };
    let subnet = CreateSubnet {
        vpc_id: vpc.id.to_string(),
        cidr_block: "10.77.1.0/24".to_owned(),
        ..CreateSubnet::default()
    };
    let Answer::Subnet(subnet) = ask(console, Command::CreateSubnet(subnet)).await? else {
        return Err("no subnet".into());
    };
    let endpoint = CreateClientVpnEndpoint {
        client_cidr_block: "172.20.0.0/18".to_owned(),
        server_certificate_arn: server.to_string(),
        authentication_options: vec![AuthenticationOption {
            kind: "certificate-authentication".to_owned(),
            client_root_certificate_chain_arn: Some(ca.to_string()),
        }],
        connection_log_enabled: Some(false),
        transport_protocol: Transport::Udp,
        vpn_port: Some(PORT),
        split_tunnel: true,
        ..CreateClientVpnEndpoint::default()
    };
    let created = ask(console, Command::CreateClientVpnEndpoint(endpoint)).await?;
    let Answer::EndpointCreated(created) = created else {
        return Err("no endpoint".into());
    };
    let association = AssociateTargetNetwork {
        client_vpn_endpoint_id: created.id.to_string(),
        subnet_id: subnet.id.to_string(),
    };
    ask(
        console,
        Command::AssociateClientVpnTargetNetwork(association),
    )
    .await?;
    ask(console, authorize(&created.id)).await?;
    issue(console, &ca, CertificateUse::Client, "bench").await?;
    Ok(created.id)
}

async fn issue(
    console: &dyn Console,
    ca: &CertificateArn,
    usage: CertificateUse,
    name: &str,
) -> Outcome<CertificateArn> {
    let command = Command::IssueCertificate(IssueCertificate {
        ca_arn: ca.to_string(),
        usage,
        common_name: name.to_owned(),
        key_type: KeyType::EcdsaP256,
        validity_days: None,
        alternative_names: Vec::new(),
    });
    match ask(console, command).await? {
        Answer::CertificateArn(arn) => Ok(arn),
        _ => Err("no certificate".into()),
    }
}

async fn profile(console: &dyn Console, endpoint: &EndpointId) -> Outcome<Profile> {
    let Answer::Certificates(all) = ask(console, Command::ListCertificates).await? else {
        return Err("no list".into());
    };
    let client = all.iter().find(|it| it.title() == "bench");
    let command = Command::ExportClientVpnClientConfiguration(ExportClientConfiguration {
        client_vpn_endpoint_id: endpoint.to_string(),
        client_certificate_arn: client.map(|it| it.arn.to_string()),
    });
    let Answer::ClientConfiguration(file) = ask(console, command).await? else {
        return Err("no file".into());
    };
    Ok(Profile::parse(std::str::from_utf8(file.text.expose())?)?)
}

fn authorize(endpoint: &EndpointId) -> Command {
    Command::AuthorizeClientVpnIngress(AuthorizeIngress {
        client_vpn_endpoint_id: endpoint.to_string(),
        target_network_cidr: format!("{TARGET_IP}/32"),
        authorize_all_groups: true,
        ..AuthorizeIngress::default()
    })
}

fn revoke(endpoint: &EndpointId) -> Command {
    Command::RevokeClientVpnIngress(RevokeIngress {
        client_vpn_endpoint_id: endpoint.to_string(),
        target_network_cidr: format!("{TARGET_IP}/32"),
        revoke_all_groups: true,
        access_group_id: None,
    })
}

/// Puts the rules in past the limit of the settings, which is raised, while nobody runs.
async fn insert_rules(dir: &Path, endpoint: &EndpointId, rules: usize) -> Outcome<()> {
    let store = Store::open(dir, clock::now())?;
    let endpoint = endpoint.clone();
    let written: Result<(), StoreError> = store
        .transact(clock::now(), move |tx| {
            let rules = u32::try_from(rules).unwrap_or(u32::MAX);
            tx.put_settings(&Settings {
                max_rules: rules.saturating_add(50),
                max_connections: 10_000,
                ..tx.snapshot().settings.clone()
            })?;
            for number in 0..rules {
                let address = u32::from(Ipv4Addr::new(10, 128, 0, 0)) + number * 16;
                tx.insert_rule(&AuthorizationRule {
                    endpoint_id: endpoint.clone(),
                    destination: ipnet::Ipv4Net::new_assert(address.into(), 28),
                    access: For::AllUsers,
                    limits: Limits::default(),
                    description: String::new(),
                    state: RuleState::Active,
                })?;
            }
            Ok(())
        })
        .await;
    Ok(written?)
}

/// A session of our own client.
struct Client {
    socket: UdpSocket,
    control: Control,
    data: Option<Data>,
    address: Option<Ipv4Addr>,
}

impl Client {
    fn start(profile: &Profile) -> Outcome<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.connect((Ipv4Addr::LOCALHOST, PORT))?;
        socket.set_nonblocking(true)?;
        let config = ClientConfig::new(profile.tls(TlsVersions::Both)?);
        let random = Box::new(OsRandom);
        let control = Control::client(Instant::now(), config, Carrier::Udp, random)?;
        Ok(Self {
            socket,
            control,
            data: None,
            address: None,
        })
    }

    /// Does what there is to do now; packets from the tunnel go to `take`.
    fn step(&mut self, mut take: impl FnMut(&[u8])) {
        let mut packet = [0; 2048];
        let now = Instant::now();
        while let Ok(len) = self.socket.recv(&mut packet) {
            let bytes = &mut packet[..len];
            match (peek(bytes), &mut self.data) {
                (Some(header), Some(data)) if header.opcode.is_data() => {
                    if let Ok(Opened::Packet(range)) = data.open(now, bytes) {
                        take(&bytes[range]);
                    }
                }
                (Some(_), _) => drop(self.control.handle_packet(now, bytes)),
                (None, _) => {}
            }
            self.drain(now);
        }
        if self.control.poll_timeout().is_some_and(|due| due <= now) {
            self.control.handle_timeout(now);
        }
        if let Some(data) = &mut self.data {
            if data.poll_timeout().is_some_and(|due| due <= now) {
                data.handle_timeout(now);
            }
            let mut out = Vec::new();
            while data.poll_transmit(now, &mut out) {
                send(&self.socket, &out);
                out.clear();
            }
            while let Some(event) = data.poll_event() {
                self.control.handle_data_event(now, event);
            }
        }
        self.drain(now);
    }

    fn drain(&mut self, now: Instant) {
        while let Some(event) = self.control.poll_event() {
            match event {
                Event::Established(session) => {
                    self.data = Some(Data::new(now, session.data, &session.options));
                }
                Event::Pushed(pushed) | Event::Updated(pushed) => {
                    self.address = Some(pushed.address);
                }
                Event::Install(keys) => self.act(|data| data.install(now, &keys)),
                Event::Promote(key) => self.act(|data| data.promote(key)),
                Event::Retire(key) => self.act(|data| data.retire(key)),
                Event::SendExit => self.act(Data::send_exit),
                Event::Closed(_) | Event::Admit(_) | Event::Info(_) | Event::RekeyFailed(_) => {}
            }
        }
        let mut packet = Vec::new();
        while self.control.poll_transmit(now, &mut packet) {
            send(&self.socket, &packet);
            packet.clear();
        }
    }

    fn act(&mut self, act: impl FnOnce(&mut Data)) {
        if let Some(data) = &mut self.data {
            act(data);
        }
    }

    fn is_up(&self) -> bool {
        self.address.is_some() && self.data.is_some()
    }

    /// Asks the target for an answer.
    fn ask(&mut self, number: u64) {
        let (Some(source), Some(data)) = (self.address, &mut self.data) else {
            return;
        };
        let mut packet = vec![0; HEADROOM];
        packet.extend_from_slice(&question(source, number));
        let end = packet.len();
        if let Ok(range) = data.seal(Instant::now(), &mut packet, HEADROOM..end) {
            send(&self.socket, &packet[range]);
        }
    }
}

/// What does not fit into the socket now is lost, as on any network.
fn send(socket: &UdpSocket, packet: &[u8]) {
    socket.send(packet).ok();
}

/// A UDP datagram to the target's echo service (RFC 768; no checksum) with a number in it.
fn question(source: Ipv4Addr, number: u64) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 36, 0, 0, 0, 0, 64, 17, 0, 0];
    packet.extend(source.octets());
    packet.extend(TARGET_IP.octets());
    let words = packet.chunks_exact(2);
    let sum: u32 = words
        .map(|w| u32::from(u16::from_be_bytes([w[0], w[1]])))
        .sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let checksum = !u16::try_from((folded & 0xffff) + (folded >> 16)).unwrap_or(u16::MAX);
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    packet.extend(5_000_u16.to_be_bytes());
    packet.extend(TARGET.port().to_be_bytes());
    packet.extend([0, 16, 0, 0]);
    packet.extend(number.to_be_bytes());
    packet
}

/// Brings the clients in, some at a time: one address may have only so many half-open handshakes.
fn connect(profile: &Profile, sessions: usize) -> Outcome<Vec<Client>> {
    const AT_ONCE: usize = 16;
    let mut clients: Vec<Client> = Vec::with_capacity(sessions);
    while clients.len() < sessions {
        let begun = clients.len();
        for _ in 0..AT_ONCE.min(sessions - begun) {
            clients.push(Client::start(profile)?);
        }
        let deadline = Instant::now() + Duration::from_secs(30);
        while !clients[begun..].iter().all(Client::is_up) {
            if Instant::now() > deadline {
                return Err(format!("only {begun} sessions came in").into());
            }
            for client in &mut clients[begun..] {
                client.step(|_| {});
            }
            thread::sleep(Duration::from_micros(200));
        }
        // Those that are in go on saying that they are there.
        for client in &mut clients {
            client.step(|_| {});
        }
    }
    Ok(clients)
}

async fn measure(
    console: &Arc<dyn Console>,
    endpoint: &EndpointId,
    clients: Vec<Client>,
) -> Outcome<Figures> {
    let answers: Arc<Answers> = Arc::default();
    let driver = drive(clients, Arc::clone(&answers))?;
    let mut figures = Figures {
        acknowledged: Vec::new(),
        revoked: Vec::new(),
        authorized: Vec::new(),
    };
    answers
        .after(Instant::now(), WAIT)
        .ok_or("nothing comes back")?;
    for _ in 0..ROUNDS {
        let acknowledged = timed(console, revoke(endpoint), &mut figures).await?;
        // What was on its way when the rule went may still come: silence has to last.
        let last = answers.last_before_silence(acknowledged);
        figures
            .revoked
            .push(last.saturating_duration_since(acknowledged));
        settle(&**console).await;
        let acknowledged = timed(console, authorize(endpoint), &mut figures).await?;
        let first = answers.after(acknowledged, WAIT).ok_or("it stays closed")?;
        figures
            .authorized
            .push(first.saturating_duration_since(acknowledged));
        settle(&**console).await;
    }
    answers
        .is_over
        .store(true, std::sync::atomic::Ordering::Relaxed);
    driver.join().map_err(|_| "the clients' thread panicked")?;
    Ok(figures)
}

const WAIT: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_millis(500);

async fn timed(
    console: &Arc<dyn Console>,
    command: Command,
    figures: &mut Figures,
) -> Outcome<Instant> {
    let begin = Instant::now();
    ask(&**console, command).await?;
    let acknowledged = Instant::now();
    figures.acknowledged.push(acknowledged - begin);
    Ok(acknowledged)
}

/// When the last answer came.
#[derive(Default)]
struct Answers {
    last: std::sync::Mutex<Option<Instant>>,
    is_over: std::sync::atomic::AtomicBool,
}

impl Answers {
    fn last(&self) -> Option<Instant> {
        *self
            .last
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn came(&self) {
        *self
            .last
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = Some(Instant::now());
    }

    /// The first answer seen that came after `begin`, if one comes in time.
    fn after(&self, begin: Instant, limit: Duration) -> Option<Instant> {
        while begin.elapsed() < limit {
            if let Some(last) = self.last().filter(|last| *last > begin) {
                return Some(last);
            }
            thread::sleep(Duration::from_micros(100));
        }
        None
    }

    /// The last answer before none came for a while; `begin` where none came since.
    fn last_before_silence(&self, begin: Instant) -> Instant {
        loop {
            let last = self.last().unwrap_or(begin).max(begin);
            if last.elapsed() > SILENCE {
                return last;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// The first client asks every millisecond, the others are there.
fn drive(mut clients: Vec<Client>, answers: Arc<Answers>) -> io::Result<thread::JoinHandle<()>> {
    let run = move || {
        let mut number = 0;
        let mut next = Instant::now();
        let mut others = 1;
        while !answers.is_over.load(std::sync::atomic::Ordering::Relaxed) {
            clients[0].step(|_| answers.came());
            let now = Instant::now();
            if now >= next {
                number += 1;
                next = now + Duration::from_millis(1);
                clients[0].ask(number);
                // Each of the others has its turn within two seconds.
                if others >= clients.len() {
                    others = 1;
                }
                if let Some(client) = clients.get_mut(others) {
                    client.step(|_| {});
                }
                others += 1;
            }
            thread::sleep(Duration::from_micros(100));
        }
    };
    thread::Builder::new().name("clients".to_owned()).spawn(run)
}

/// Two networks: the gateway's with its clients, and the target's.
struct Networks {
    gateway: String,
    target: String,
}

impl Networks {
    fn make() -> Outcome<Self> {
        let name = format!("ghbench-{}", std::process::id());
        let networks = Self {
            gateway: format!("{name}-gateway"),
            target: format!("{name}-target"),
        };
        let (gateway, target) = (&networks.gateway, &networks.target);
        for line in [
            format!("netns add {gateway}"),
            format!("netns add {target}"),
            format!("-n {gateway} link add lan0 type veth peer name lan0 netns {target}"),
            format!("-n {gateway} address add 10.77.1.1/24 dev lan0"),
            format!("-n {target} address add {TARGET_IP}/24 dev lan0"),
            format!("-n {gateway} link set lan0 up"),
            format!("-n {target} link set lan0 up"),
            format!("-n {gateway} link set lo up"),
        ] {
            let status = Program::new("ip").args(line.split(' ')).status()?;
            if !status.success() {
                return Err(format!("ip {line}: {status}").into());
            }
        }
        Ok(networks)
    }

    fn target(&self) -> io::Result<File> {
        File::open(PathBuf::from("/run/netns").join(&self.target))
    }

    fn enter_gateway(&self) -> Outcome<()> {
        let handle = File::open(PathBuf::from("/run/netns").join(&self.gateway))?;
        enter(&handle)?;
        Ok(())
    }
}

impl Drop for Networks {
    fn drop(&mut self) {
        for name in [&self.gateway, &self.target] {
            // What cannot be removed is said by `ip` itself.
            drop(Program::new("ip").args(["netns", "delete", name]).status());
        }
    }
}

fn enter(network: &File) -> io::Result<()> {
    let kind = Some(LinkNameSpaceType::Network);
    move_into_link_name_space(std::os::fd::AsFd::as_fd(network), kind)?;
    Ok(())
}

/// Sends every datagram back, for as long as the process lives.
fn serve_echo(network: File) -> io::Result<()> {
    let (ready, opened) = std::sync::mpsc::sync_channel(1);
    let serve = move || {
        let socket = enter(&network).and_then(|()| UdpSocket::bind(TARGET));
        let socket = match socket {
            Ok(socket) => {
                ready.send(Ok(())).ok();
                socket
            }
            Err(error) => {
                ready.send(Err(error)).ok();
                return;
            }
        };
        let mut packet = [0; 2048];
        while let Ok((len, from)) = socket.recv_from(&mut packet) {
            socket.send_to(&packet[..len], from).ok();
        }
    };
    thread::Builder::new()
        .name("echo".to_owned())
        .spawn(serve)?;
    opened.recv().map_err(io::Error::other)?
}
