//! Knocks at the gateway's ports from a network namespace of its own, as a client would from
//! outside: whether a firewall of this machine keeps them out is seen by trying.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket},
    os::fd::AsFd as _,
    path::Path,
    thread,
    time::Duration,
};

use rustix::thread::{CapabilitySet, LinkNameSpaceType, move_into_link_name_space};
use tokio::sync::Mutex;

use super::run;
use crate::model::Transport;

/// What knocking at a port came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outside {
    /// The gateway answered.
    Answers,
    /// Nothing came back.
    Silent,
}

/// A listener, and what knocking at it came to.
pub type Knocked = (Transport, u16, Outside);

/// Knocks at each port; or says why it cannot, as the end of a sentence.
pub(super) async fn knock(listeners: &[(Transport, u16)]) -> Result<Vec<Knocked>, String> {
    if listeners.is_empty() {
        return Ok(Vec::new());
    }
    let may = rustix::thread::capabilities(None).is_ok_and(|sets| {
        let needed = CapabilitySet::SYS_ADMIN | CapabilitySet::NET_ADMIN;
        sets.effective.contains(needed)
    });
    if !may {
        return Err("it needs CAP_SYS_ADMIN and CAP_NET_ADMIN".to_owned());
    }
    // The addresses of the link are the same each time.
    let _turn = TURN.lock().await;
    let pid = std::process::id();
    let name = format!("{NAMESPACE}{pid}");
    tidy(pid).await?;
    run("ip", &["netns", "add", &name], "").await?;
    let outcome = match connect(&name).await {
        Ok(()) => knock_from(&name, listeners).await,
        Err(error) => Err(error),
    };
    if let Err(error) = remove(pid).await {
        tracing::warn!(%error, %name, "a network namespace is left behind");
    }
    outcome
}

/// Removes what looks that were killed have left; or says that another process looks just now.
async fn tidy(own: u32) -> Result<(), String> {
    let names = fs::read_dir(NAMESPACES).into_iter().flatten().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    for name in names {
        let Some(pid) = name.strip_prefix(NAMESPACE).and_then(|it| it.parse().ok()) else {
            continue;
        };
        if pid != own && is_gateway(pid) {
            return Err(format!(
                "wait until process {pid}, which does so now, has ended it"
            ));
        }
        remove(pid).await.ok();
    }
    Ok(())
}

/// Removes what the process's look made.
async fn remove(pid: u32) -> Result<(), String> {
    // The link would go with its namespace, but later: too late for the next look.
    let link = format!("{HOST_END}{pid}");
    run("ip", &["link", "delete", &link], "").await.ok();
    let namespace = format!("{NAMESPACE}{pid}");
    run("ip", &["netns", "delete", &namespace], "")
        .await
        .map(drop)
}

/// Whether a process of this name runs; the number may be another's by now.
fn is_gateway(pid: u32) -> bool {
    let name = |pid: &str| fs::read_to_string(Path::new("/proc").join(pid).join("comm")).ok();
    name(&pid.to_string()).is_some_and(|it| Some(it) == name("self"))
}

/// Whether this is a look's end of its link to this machine.
pub(super) fn is_end(name: &str) -> bool {
    name.starts_with(HOST_END)
}

/// Joins this machine's network and the namespace.
async fn connect(name: &str) -> Result<(), String> {
    let end = format!("{HOST_END}{}", std::process::id());
    let here = format!(
        "link add {end} type veth peer name outside netns {name}\n\
         address add {HOST}/30 dev {end}\nlink set {end} up\n"
    );
    run("ip", &["-batch", "-"], &here).await?;
    let there = format!("address add {STRANGER}/30 dev outside\nlink set outside up\n");
    run("ip", &["-n", name, "-batch", "-"], &there).await?;
    Ok(())
}

async fn knock_from(name: &str, listeners: &[(Transport, u16)]) -> Result<Vec<Knocked>, String> {
    let handle = File::open(Path::new(NAMESPACES).join(name))
        .map_err(|error| format!("the namespace cannot be opened: {error}"))?;
    let listeners = listeners.to_vec();
    // A thread of its own, which ends: one of the pool would stay in the namespace.
    let (done, told) = tokio::sync::oneshot::channel();
    let work = move || {
        let entered = move_into_link_name_space(handle.as_fd(), Some(LinkNameSpaceType::Network));
        let outcome = match entered {
            Ok(()) => Ok(knock_at_all(&listeners)),
            Err(error) => Err(format!("the namespace cannot be entered: {error}")),
        };
        // Nobody waits for it any more.
        done.send(outcome).ok();
    };
    thread::Builder::new()
        .name("gatehouse-outside".to_owned())
        .spawn(work)
        .map_err(|error| format!("no thread can be started: {error}"))?;
    told.await
        .unwrap_or_else(|_| Err("the thread ended abnormally".to_owned()))
}

fn knock_at_all(listeners: &[(Transport, u16)]) -> Vec<Knocked> {
    thread::scope(|scope| {
        let knocks: Vec<_> = listeners
            .iter()
            .map(|&(transport, port)| {
                let knock = scope.spawn(move || match transport {
                    Transport::Udp => knock_udp(port),
                    Transport::Tcp => knock_tcp(port),
                });
                (transport, port, knock)
            })
            .collect();
        let answer = |knocked: thread::ScopedJoinHandle<'_, std::io::Result<()>>| {
            if matches!(knocked.join(), Ok(Ok(()))) {
                Outside::Answers
            } else {
                Outside::Silent
            }
        };
        knocks
            .into_iter()
            .map(|(transport, port, knock)| (transport, port, answer(knock)))
            .collect()
    })
}

/// The first packet of a client, which the gateway answers without remembering it.
fn knock_udp(port: u16) -> std::io::Result<()> {
    let socket = UdpSocket::bind((STRANGER, 0))?;
    socket.connect((HOST, port))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut reset = vec![HARD_RESET_CLIENT_V2];
    reset.extend(u64::from(std::process::id()).to_be_bytes());
    // No acknowledgement, and packet number 0.
    reset.extend([0; 5]);
    let mut answer = [0; 256];
    let mut last = Ok(());
    // The link may not carry yet at the first time.
    for _ in 0..TRIES {
        last = socket
            .send(&reset)
            .and_then(|_| socket.recv(&mut answer))
            .map(drop);
        if last.is_ok() {
            break;
        }
    }
    last
}

fn knock_tcp(port: u16) -> std::io::Result<()> {
    let host = SocketAddr::from((HOST, port));
    // By hand: the kernel asks again only after a second, and then three.
    let mut tries = (0..TRIES).map(|_| TcpStream::connect_timeout(&host, PATIENCE));
    tries
        .find_map(Result::ok)
        .map(drop)
        .ok_or_else(|| std::io::ErrorKind::TimedOut.into())
}

/// One look at a time.
static TURN: Mutex<()> = Mutex::const_new(());
/// Where `ip` keeps namespaces.
const NAMESPACES: &str = "/run/netns";
/// A look's namespace is called so, and by its process's number.
const NAMESPACE: &str = "gatehouse-look-";
/// This machine's end of the link is called so, and by the process's number; 15 characters at most.
const HOST_END: &str = "ghlook";
/// Addresses of documentation (RFC 5737), which no network has.
const HOST: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 249);
const STRANGER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 250);
const HARD_RESET_CLIENT_V2: u8 = 7 << 3;
/// How often it is asked: a link that is new may not carry for up to a second.
const TRIES: u32 = 4;
/// How long an answer is waited for each time.
const PATIENCE: Duration = Duration::from_millis(400);
