//! `gatehouse connect`: a client for tests and load. It tells what happens, line by line, and
//! changes nothing on this machine.

use std::{
    fs,
    net::Ipv4Addr,
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use clap::Args as Group;
use serde_json::{Value, json};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep},
};

use super::{args::Output, output};
use crate::control::client::{
    self, Client, ClientError, Heard, Probe, ProbeOutcome, Profile, udp_packet,
};

/// What stands below the options in the help.
pub(super) const EXAMPLES: &str = "\
It makes no network device and sets no route or resolver: it does not change this machine's
network. It prints each step with the milliseconds since its beginning, one JSON object a line;
--output text prints words. The exit status is 0 when every session stood until it was told to
end and each probe was answered, else 1.

Examples:
  gatehouse connect alice.ovpn --for 0 --probe 10.0.1.10 --probe 10.0.1.10:443
  gatehouse connect alice.ovpn --for 30 --sessions 50 --load 10.0.1.10:9000 --rate 5";

/// `gatehouse connect`.
#[derive(Clone, Debug, PartialEq, Group)]
pub struct Connect {
    /// The client configuration file, with certificate and key inside
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Stay for so many seconds once connected; without it until SIGINT or SIGTERM
    #[arg(long = "for", value_name = "SECONDS")]
    pub stay: Option<u64>,
    /// Ask this address through the tunnel: an ICMP echo, or with a port a TCP SYN; repeatable
    #[arg(long, value_name = "ADDRESS[:PORT]")]
    pub probe: Vec<Probe>,
    /// Hold this many sessions at once
    #[arg(long, value_name = "COUNT", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub sessions: u32,
    /// Send UDP datagrams of 1,200 bytes to this address and port from each session, and count
    /// what it sends back
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub load: Option<Probe>,
    /// How much each session sends, in Mbit/s
    #[arg(long, value_name = "MBIT", default_value_t = 10, requires = "load",
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub rate: u32,
    /// Give a server this many seconds to let the session stand
    #[arg(long, value_name = "SECONDS", default_value_t = 30,
          value_parser = clap::value_parser!(u64).range(1..=300))]
    pub timeout: u64,
}

/// Connects, tells what happens, and leaves when it is told to.
pub async fn run(connect: Connect, output: Output) -> ExitCode {
    let profile = match read(&connect) {
        Ok(profile) => profile,
        Err(message) => {
            output::failure("InvalidProfile", &message);
            return ExitCode::FAILURE;
        }
    };
    let (stop, stopped) = watch::channel(false);
    let ends = match signals() {
        Ok(ends) => ends,
        Err(error) => {
            output::failure(
                "Unavailable",
                &format!("The signals cannot be had: {error}"),
            );
            return ExitCode::FAILURE;
        }
    };
    let plan = Arc::new(Plan {
        connect,
        profile,
        output,
        begun: Instant::now(),
    });
    plan.warn();
    let mut sessions = JoinSet::new();
    for number in 1..=plan.connect.sessions {
        let session = Session {
            number,
            plan: Arc::clone(&plan),
            tally: Tally::default(),
        };
        sessions.spawn(session.run(stopped.clone()));
    }
    let mut tallies = Vec::new();
    tokio::pin!(ends);
    let mut is_told = false;
    loop {
        tokio::select! {
            () = &mut ends, if !is_told => {
                is_told = true;
                stop.send_replace(true);
            }
            ended = sessions.join_next() => match ended {
                Some(Ok(tally)) => tallies.push(tally),
                Some(Err(_)) => tallies.push(Tally::broken()),
                None => break,
            },
        }
    }
    plan.conclude(&tallies)
}

/// Resolves when the program is told to end.
fn signals() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

fn read(connect: &Connect) -> Result<Profile, String> {
    let file = connect.file.display();
    if connect.load.is_some_and(|load| load.port.is_none()) {
        return Err("--load needs a port, for example 10.0.1.10:9000".to_owned());
    }
    let length = fs::metadata(&connect.file).map_or(0, |facts| facts.len());
    if length > MAX_FILE {
        return Err(format!(
            "{file}: this is no client configuration: it has {length} bytes"
        ));
    }
    let text = fs::read_to_string(&connect.file)
        .map_err(|error| format!("{file} cannot be read: {error}"))?;
    let text = zeroize::Zeroizing::new(text);
    Profile::parse(&text).map_err(|error| format!("{file}: {error}"))
}

/// What all sessions share.
struct Plan {
    connect: Connect,
    profile: Profile,
    output: Output,
    begun: Instant,
}

impl Plan {
    fn warn(&self) {
        for directive in &self.profile.ignored {
            let value = json!({"Event": "Ignored", "Directive": directive});
            self.print(&value, &format!("{directive} is left out of account"));
        }
    }

    fn print(&self, value: &Value, words: &str) {
        // Where nobody reads, the exit status still says how it went.
        output::line(self.output, value, words).ok();
    }

    fn conclude(&self, tallies: &[Tally]) -> ExitCode {
        let mut stood: Vec<u128> = tallies.iter().filter_map(|t| t.stood_after).collect();
        stood.sort_unstable();
        let median = stood.get(stood.len() / 2).copied().unwrap_or_default();
        let slowest = stood.last().copied().unwrap_or_default();
        let sum = |of: fn(&Tally) -> u64| tallies.iter().map(of).sum::<u64>();
        let (sent, received) = (sum(|t| t.sent), sum(|t| t.received));
        if self.connect.sessions > 1 || self.connect.load.is_some() {
            let value = json!({
                "Event": "Summary",
                "Sessions": tallies.len(),
                "Connected": stood.len(),
                "MedianMilliseconds": median as u64,
                "SlowestMilliseconds": slowest as u64,
                "PacketsSent": sent,
                "PacketsReceived": received,
            });
            let words = format!(
                "{} of {} sessions stood, after {median} ms in the middle and {slowest} ms at most; \
                 {sent} packets sent, {received} came back",
                stood.len(),
                tallies.len(),
            );
            self.print(&value, &words);
        }
        let problems: Vec<&String> = tallies.iter().filter_map(|t| t.problem.as_ref()).collect();
        if let Some(first) = problems.first() {
            let more = match problems.len() - 1 {
                0 => String::new(),
                more => format!(" (and {more} more sessions)"),
            };
            output::failure("ConnectionFailed", &format!("{first}{more}"));
            return ExitCode::FAILURE;
        }
        if tallies.iter().all(|tally| tally.probes_lost == 0) {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

/// What came of a session.
#[derive(Default)]
struct Tally {
    /// Milliseconds until it stood.
    stood_after: Option<u128>,
    /// Why it ended without being told to.
    problem: Option<String>,
    probes_lost: usize,
    sent: u64,
    received: u64,
}

impl Tally {
    fn broken() -> Self {
        Self {
            problem: Some("A session ended abnormally".to_owned()),
            ..Self::default()
        }
    }
}

struct Session {
    number: u32,
    plan: Arc<Plan>,
    tally: Tally,
}

impl Session {
    async fn run(mut self, mut stopped: watch::Receiver<bool>) -> Tally {
        let joined = tokio::select! {
            joined = self.join() => joined,
            _ = stopped.wait_for(|told| *told) => return self.tally,
        };
        let mut client = match joined {
            Ok(client) => client,
            Err(error) => {
                self.tally.problem = Some(sentence(&error.to_string()));
                return self.tally;
            }
        };
        self.tally.stood_after = Some(self.plan.begun.elapsed().as_millis());
        let outcome = tokio::select! {
            outcome = self.stay(&mut client) => outcome,
            _ = stopped.wait_for(|told| *told) => Ok(()),
        };
        match outcome {
            Ok(()) => {
                client.leave().await;
                self.tell("Left", json!({}), "left");
            }
            Err(problem) => self.tally.problem = Some(problem),
        }
        self.tally
    }

    async fn join(&self) -> Result<Client, ClientError> {
        let patience = Duration::from_secs(self.plan.connect.timeout);
        for remote in &self.plan.profile.remotes {
            let server = format!("{}:{}", remote.host, remote.port);
            self.tell(
                "Connecting",
                json!({"Server": server}),
                &format!("connecting to {server}"),
            );
        }
        let client = Client::connect(&self.plan.profile, patience, |heard, _| self.report(heard));
        let client = client.await?;
        if let Some(pushed) = client.pushed() {
            let (address, cipher) = (pushed.address, client.cipher().unwrap_or_default());
            let server = client.server();
            self.tell(
                "Connected",
                json!({"Server": server, "Address": address, "Cipher": cipher}),
                &format!("connected to {server} as {address} with {cipher}"),
            );
        }
        Ok(client)
    }

    /// Probes, then carries load and tells what happens until the time is over.
    async fn stay(&mut self, client: &mut Client) -> Result<(), String> {
        for probe in self.plan.connect.probe.clone() {
            let outcome = client.probe(probe, PROBE_LIMIT).await;
            if !matches!(outcome, ProbeOutcome::Answered(_)) {
                self.tally.probes_lost += 1;
            }
            self.report_probe(probe, &outcome);
        }
        let stay = self.plan.connect.stay.map(Duration::from_secs);
        let end = sleep(stay.unwrap_or(FOR_EVER));
        tokio::pin!(end);
        let mut load = Load::new(&self.plan.connect, client);
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = &mut end => return Ok(()),
                _ = tick.tick(), if load.is_some() => {
                    if let Some(load) = &mut load {
                        self.tally.sent += load.send(client);
                    }
                }
                heard = client.next() => match heard {
                    Heard::Packet(_) => self.tally.received += 1,
                    Heard::Closed(reason) => {
                        return Err(format!("The session ended: {reason}"));
                    }
                    Heard::Lost(problem) => return Err(format!("The session was lost: {problem}")),
                    heard => self.report(&heard),
                }
            }
        }
    }

    fn report(&self, heard: &Heard) {
        match heard {
            Heard::Answered => self.tell("Answered", json!({}), "the server answered"),
            Heard::Handshake { tls, server } => self.tell(
                "Handshake",
                json!({"Tls": tls, "ServerName": server}),
                &format!("handshake with {server}: {tls}"),
            ),
            Heard::Options(pushed) => self.report_options("Option", &client::options(pushed)),
            Heard::Updated(pushed) => self.report_options("Update", &client::options(pushed)),
            Heard::Rekeyed => self.tell("Rekeyed", json!({}), "new keys are in use"),
            Heard::RekeyFailed(reason) => self.tell(
                "RekeyFailed",
                json!({"Reason": reason.to_string()}),
                &format!("a rekey failed: {reason}"),
            ),
            Heard::Info(text) => self.tell("Info", json!({"Text": text}), text),
            // The end is told once, as what the program ends with.
            Heard::Closed(_) | Heard::Lost(_) | Heard::Packet(_) => {}
        }
    }

    fn report_options(&self, event: &str, options: &[String]) {
        for option in options {
            self.tell(
                event,
                json!({"Option": option}),
                &format!("{}: {option}", event.to_lowercase()),
            );
        }
    }

    fn report_probe(&self, probe: Probe, outcome: &ProbeOutcome) {
        let (result, after, why) = match outcome {
            ProbeOutcome::Answered(after) => ("answered", after.as_millis() as u64, String::new()),
            ProbeOutcome::Refused(why) => ("refused", 0, why.clone()),
            ProbeOutcome::NoAnswer => {
                let why = format!("nothing came within {} s.", PROBE_LIMIT.as_secs());
                ("no answer", PROBE_LIMIT.as_millis() as u64, why)
            }
        };
        let mut fields = json!({"Probe": probe.to_string(), "Result": result});
        let words = match outcome {
            ProbeOutcome::Answered(_) => {
                fields["RoundTripMilliseconds"] = after.into();
                format!("probe {probe}: answered after {after} ms")
            }
            _ => {
                fields["Reason"] = why.clone().into();
                format!("probe {probe}: {result}: {why}")
            }
        };
        self.tell("Probe", fields, &words);
    }

    /// Prints one event with the time since the beginning, and whose it is where there are several.
    fn tell(&self, event: &str, mut fields: Value, words: &str) {
        let after = self.plan.begun.elapsed().as_millis() as u64;
        fields["Event"] = event.into();
        fields["Milliseconds"] = after.into();
        let mut line = format!("{after:>6} ms  ");
        if self.plan.connect.sessions > 1 {
            fields["Session"] = self.number.into();
            line.push_str(&format!("[{}] ", self.number));
        }
        line.push_str(words);
        self.plan.print(&fields, &line);
    }
}

/// A stream of datagrams at a steady rate.
struct Load {
    packet: Vec<u8>,
    begun: Instant,
    per_second: f64,
    sent: u64,
}

impl Load {
    fn new(connect: &Connect, client: &Client) -> Option<Self> {
        let target = connect.load?;
        let source: Ipv4Addr = client.pushed()?.address;
        let packet = udp_packet(
            (source, LOAD_PORT),
            (target.address, target.port?),
            &[0x67; LOAD_PAYLOAD],
        );
        Some(Self {
            packet,
            begun: Instant::now(),
            per_second: f64::from(connect.rate) * 1e6 / (LOAD_PAYLOAD * 8) as f64,
            sent: 0,
        })
    }

    /// Sends what is due by now; answers how much the network took.
    fn send(&mut self, client: &mut Client) -> u64 {
        let due = (self.begun.elapsed().as_secs_f64() * self.per_second) as u64;
        let count = due.saturating_sub(self.sent).min(MAX_BURST);
        // What is beyond a burst is left out, not made up for.
        self.sent = due;
        (0..count).filter(|_| client.send(&self.packet)).count() as u64
    }
}

/// An error's words as a sentence of their own.
fn sentence(words: &str) -> String {
    let mut chars = words.chars();
    match chars.next() {
        Some(first) => format!("{}{}", first.to_uppercase(), chars.as_str()),
        None => String::new(),
    }
}

/// How long a probe's answer is waited for.
const PROBE_LIMIT: Duration = Duration::from_secs(3);
/// Longer than any test.
const FOR_EVER: Duration = Duration::from_secs(10 * 365 * 86_400);
/// Between two bursts of load.
const TICK: Duration = Duration::from_millis(2);
/// Datagrams of one burst at most.
const MAX_BURST: u64 = 128;
const LOAD_PAYLOAD: usize = 1_200;
const LOAD_PORT: u16 = 40_000;
/// Client configurations are some kilobytes.
const MAX_FILE: u64 = 1 << 20;
