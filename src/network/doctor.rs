//! What this machine does to the traffic of clients, as facts: other firewalls, settings of the
//! kernel, routes, limits, and whether a packet from outside gets to a port at all.
//!
//! It only looks, with one exception: where the process may, it makes a network namespace of its
//! own for a moment, with a link to this machine, to knock at the gateway's ports from outside.

mod nft;
mod outside;

use std::{
    collections::BTreeSet, fs, io, net::Ipv4Addr, path::Path, process::Stdio, time::Duration,
};

use ipnet::Ipv4Net;
use tokio::{io::AsyncWriteExt as _, process::Command, time::timeout};

pub(super) use self::nft::{OWN_TABLE, Ways, obstacles};
pub use self::{
    nft::{Hook, Obstacle, Passage},
    outside::{Knocked, Outside},
};
use super::egress::{link_of, links};
use crate::model::{Transport, network::Via};

/// What is to be looked at.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The TUN device, where that is the mode.
    pub tun: Option<String>,
    /// The ports the gateway listens on.
    pub listeners: Vec<(Transport, u16)>,
    /// The ways out that subnets name.
    pub egresses: BTreeSet<Via>,
    /// Whether others may open flows to clients.
    pub opened: bool,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Other tables' chains that refuse what no rule of theirs accepts; or why nobody could look.
    pub firewall: Option<Result<Vec<Obstacle>, String>>,
    /// Interfaces that are up, without loopback.
    pub interfaces: Vec<InterfaceFacts>,
    /// The main routing table, without routes to the TUN device.
    pub routes: Vec<HostRoute>,
    /// Whether this process may send ICMP echo requests, and the groups that may.
    pub echo: Option<(bool, String)>,
    /// Files that this process may have open.
    pub open_files: Option<u64>,
    /// Each way out, and why it does not work where it does not.
    pub egresses: Vec<(Via, Result<(), String>)>,
    /// Whether systemd knows the service `gatehouse` here.
    pub has_unit: bool,
    /// What knocking from outside came to, by listener; or why nobody could knock.
    pub outside: Option<Result<Vec<Knocked>, String>>,
}

/// An interface's settings for IPv4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceFacts {
    /// Its name.
    pub name: String,
    /// Whether it forwards.
    pub forwarding: bool,
    /// The source check that holds: 0 none, 1 strict, 2 loose.
    pub rp_filter: u8,
}

/// A route of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostRoute {
    /// Where it goes to.
    pub destination: Ipv4Net,
    /// Through which interface.
    pub interface: String,
}

/// Looks at everything that is asked. It takes four seconds at most.
pub async fn look(asked: Asked) -> Facts {
    let (firewall, outside) = tokio::join!(firewall(&asked), outside::knock(&asked.listeners));
    let rest = tokio::task::spawn_blocking(move || settings(&asked));
    Facts {
        firewall: Some(firewall),
        outside: Some(outside),
        ..rest.await.unwrap_or_default()
    }
}

/// What is read without any program.
fn settings(asked: &Asked) -> Facts {
    let links = links();
    let names = links
        .iter()
        .filter(|link| link.is_up && link.name != "lo" && !outside::is_end(&link.name))
        .map(|link| link.name.clone());
    let health = |via: &Via| {
        let health = link_of(via, &links).map(drop);
        (via.clone(), health)
    };
    Facts {
        interfaces: names.filter_map(interface).collect(),
        routes: routes(asked.tun.as_deref()),
        echo: echo_right(),
        open_files: rustix::process::getrlimit(rustix::process::Resource::Nofile).current,
        egresses: asked.egresses.iter().map(health).collect(),
        has_unit: UNIT_DIRECTORIES
            .iter()
            .any(|directory| Path::new(directory).join("gatehouse.service").exists()),
        ..Facts::default()
    }
}

async fn firewall(asked: &Asked) -> Result<Vec<Obstacle>, String> {
    // "-t" leaves out the elements of sets, which can be many thousands.
    let listing = run(nft_program(), &["-j", "-t", "list", "ruleset"], "").await?;
    let exits = tokio::task::spawn_blocking(|| {
        let names = links().into_iter().map(|link| link.name);
        names.filter(|name| is_exit(name)).collect::<Vec<_>>()
    });
    let ways = Ways {
        tun: asked.tun.as_deref(),
        exits: &exits.await.unwrap_or_default(),
        opened: asked.opened,
        listeners: &asked.listeners,
    };
    obstacles(&listing, &ways)
}

/// Whether a gateway's packets for an egress of its own come from this device: `gh7-e2`.
fn is_exit(name: &str) -> bool {
    let numbers = name
        .strip_prefix("gh")
        .and_then(|rest| rest.split_once("-e"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    numbers.is_some_and(|(tun, egress)| is_number(tun) && is_number(egress))
}

/// `nft` lies in a directory that is often not in an ordinary user's path.
pub(super) fn nft_program() -> &'static str {
    let sbin = "/usr/sbin/nft";
    if Path::new(sbin).exists() {
        sbin
    } else {
        "nft"
    }
}

/// Runs a program and gives what it printed, or the first line of its complaint.
async fn run(program: &str, arguments: &[&str], input: &str) -> Result<String, String> {
    let name = program.rsplit('/').next().unwrap_or(program);
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => format!("the program {name} is missing"),
        _ => format!("{name} cannot be run: {error}"),
    };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let ended = async {
        if let Some(mut stdin) = child.stdin.take() {
            // It says itself what it does not like of it.
            stdin.write_all(input.as_bytes()).await.ok();
        }
        child.wait_with_output().await
    };
    let output = timeout(PROGRAM, ended)
        .await
        .map_err(|_| format!("{name} did not end within {} seconds", PROGRAM.as_secs()))?
        .map_err(failed)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    let line = complaint.lines().find(|line| !line.trim().is_empty());
    Err(format!("{name}: {}", line.unwrap_or("no message").trim()))
}

fn interface(name: String) -> Option<InterfaceFacts> {
    let setting = |of: &str, name: &str| -> Option<u8> {
        let path = Path::new(IPV4_CONF).join(of).join(name);
        fs::read_to_string(path).ok()?.trim().parse().ok()
    };
    Some(InterfaceFacts {
        forwarding: setting(&name, "forwarding")? == 1,
        // The larger of the two holds (ip-sysctl).
        rp_filter: setting(&name, "rp_filter")?.max(setting("all", "rp_filter").unwrap_or(0)),
        name,
    })
}

fn routes(tun: Option<&str>) -> Vec<HostRoute> {
    let table = fs::read_to_string("/proc/thread-self/net/route").unwrap_or_default();
    let lines = table.lines().skip(1);
    lines
        .filter_map(route)
        .filter(|route| Some(route.interface.as_str()) != tun)
        .collect()
}

/// A line of `/proc/net/route`: addresses are hexadecimal, in the processor's order of bytes.
fn route(line: &str) -> Option<HostRoute> {
    let mut fields = line.split_whitespace();
    let interface = fields.next()?.to_owned();
    let address = |field: &str| -> Option<Ipv4Addr> {
        let number = u32::from_str_radix(field, 16).ok()?;
        Some(number.to_ne_bytes().into())
    };
    let destination = address(fields.next()?)?;
    let mask = address(fields.nth(5)?)?;
    Some(HostRoute {
        destination: Ipv4Net::with_netmask(destination, mask).ok()?,
        interface,
    })
}

/// Whether a group of this process may open ICMP sockets, and the groups that may.
fn echo_right() -> Option<(bool, String)> {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ping_group_range").ok()?;
    let range = text.split_whitespace().collect::<Vec<_>>();
    let [low, high] = range.as_slice() else {
        return None;
    };
    let (low, high): (u32, u32) = (low.parse().ok()?, high.parse().ok()?);
    let mut groups = rustix::process::getgroups().unwrap_or_default();
    groups.push(rustix::process::getegid());
    let may = groups
        .iter()
        .any(|group| (low..=high).contains(&group.as_raw()));
    Some((may, format!("{low} {high}")))
}

/// Directory of the IPv4 settings of each interface.
const IPV4_CONF: &str = "/proc/sys/net/ipv4/conf";
/// Where systemd looks for services.
const UNIT_DIRECTORIES: [&str; 4] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];
/// How long a program may take.
const PROGRAM: Duration = Duration::from_millis(1_500);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_routing_table_is_read() {
        let little = cfg!(target_endian = "little");
        let hex = |big: &str, small: &str| if little { small } else { big }.to_owned();
        let line = format!(
            "eth0\t{}\t00000000\t0001\t0\t0\t100\t{}\t0\t0\t0",
            hex("0A4D0100", "00014D0A"),
            hex("FFFFFF00", "00FFFFFF")
        );
        let expected = HostRoute {
            destination: "10.77.1.0/24".parse().unwrap(),
            interface: "eth0".to_owned(),
        };
        assert_eq!(route(&line), Some(expected));
        assert_eq!(route("Iface Destination"), None);
    }

    #[tokio::test]
    async fn a_program_that_fails_or_is_not_there_says_so() {
        assert_eq!(run("cat", &[], "x").await.as_deref(), Ok("x"));
        let missing = run("/nowhere/at-all", &[], "").await.unwrap_err();
        assert!(missing.contains("at-all is missing"), "{missing}");
        let complaint = run("ls", &["/nowhere/at-all"], "").await.unwrap_err();
        assert!(complaint.starts_with("ls: "), "{complaint}");
    }

    #[test]
    fn devices_of_exits_are_told_by_their_names() {
        assert!(is_exit("gh7-e2") && is_exit("gh12-e10"));
        for name in ["gatehouse0", "gh7", "gh-e2", "gh7-e", "ghost-eth0", "eth0"] {
            assert!(!is_exit(name), "{name}");
        }
    }

    #[tokio::test]
    async fn a_look_at_this_machine_ends_in_time() {
        let begun = std::time::Instant::now();
        let facts = look(Asked::default()).await;
        assert!(begun.elapsed() < Duration::from_secs(5));
        assert!(facts.firewall.is_some());
        assert_eq!(facts.outside, Some(Ok(Vec::new())));
    }
}
