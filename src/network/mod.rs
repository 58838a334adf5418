//! Ways into the target network: a TUN device, or a TCP/IP stack in user space.
//!
//! [`Network::open`] chooses ([`ModeChoice`]) and gives one [`Port`] for each worker; the worker
//! sends and receives whole [`PacketBatch`]es through it. [`Network::apply`] makes the host match a
//! [`Plan`]; [`Network::close`] takes every change back, and the next open does so after a crash.
//!
//! - **TUN**: the kernel forwards. Clients keep their source address up to this machine, where it
//!   is translated if the plan says so. Whatever this machine gets for a client's address comes back
//!   through the port, also where it opens a flow.
//! - **User space**: needs no privilege. TCP and UDP flows and ICMP echo requests of clients end in
//!   a stack of our own, which opens ordinary sockets; targets see this machine's address. It
//!   carries no flow opened from the network side, reassembles no IPv4 fragments and sends none.
//!
//! Each packet says by which [egress](EgressPlan) it leaves: by this machine's own routes, or through
//! an interface or from an address that the plan names. [`Network::egress_health`] says which of them
//! work, and [`HostChanges`] when to look again.
//!
//! Queries of clients to the [resolver](ResolverPlan) of their VPC are answered by this machine's name
//! servers, in either way.
//!
//! What a client may reach is not decided here: packets passed the policy before they come.

mod batch;
mod changes;
mod counters;
mod dns;
pub mod doctor;
mod egress;
mod host;
#[cfg(test)]
pub(crate) mod memory;
mod port;
#[cfg(test)]
pub(crate) mod tests;
#[cfg(target_os = "linux")]
mod tun;
mod userspace;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use ipnet::Ipv4Net;

pub use self::batch::{BATCH_SLOTS, HEADROOM, MAX_PACKET, PacketBatch, Slot, TAILROOM};
pub use self::changes::HostChanges;
pub use self::counters::{Counters, DropReason, Totals};
pub use self::dns::{ResolverPlan, name_servers};
pub use self::egress::{EgressHealth, EgressId, EgressPlan};
pub use self::host::{HostNetwork, OwnAddresses, interfaces, is_neighbour, own_addresses};
pub use self::port::Port;

/// The MTU of the tunnel side, in bytes.
pub const MTU: u16 = 1500;

/// The name of the TUN device unless another is asked for.
pub const DEFAULT_TUN_NAME: &str = "gatehouse0";

/// What marks routes and rules as ours (`rtm_protocol`): a number that nobody has assigned.
#[cfg(target_os = "linux")]
const ROUTE_PROTOCOL: u8 = 71;

/// The way packets take into the target network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// A TUN device; the kernel forwards.
    Tun,
    /// A TCP/IP stack in this process that opens ordinary sockets.
    Userspace,
}

/// What an administrator asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ModeChoice {
    /// TUN where this process may open one, else user space.
    #[default]
    Auto,
    /// TUN, or an error.
    Tun,
    /// User space, even where a TUN device could be opened.
    Userspace,
}

/// How to open a network.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// The way to take.
    pub choice: ModeChoice,
    /// Workers, each of which gets a port; at least one.
    pub workers: usize,
    /// Where the journal of changes to the host is kept; it must exist.
    pub state_dir: PathBuf,
    /// Name of the TUN device, 15 bytes at most.
    pub tun_name: String,
}

/// What the host should carry. The default is nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Client ranges of all endpoints.
    pub ranges: Vec<ClientRange>,
    /// Ways out beside the default one.
    pub egresses: Vec<EgressPlan>,
    /// Resolvers of VPCs that are answered.
    pub resolvers: Vec<ResolverPlan>,
}

/// A client range whose packets go to and from the tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientRange {
    /// The range clients get their addresses from.
    pub network: Ipv4Net,
    /// Whether targets see this machine's address instead of the client's, where a packet's egress
    /// does not say otherwise. The user-space stack always does so.
    pub nat: bool,
}

/// Why the network could not be opened, changed or closed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// TUN was asked for by name, and this process cannot use it.
    #[error(
        "TUN networking cannot be used: {reason}. Choose the mode auto or userspace, or start with CAP_NET_ADMIN and the package nftables installed."
    )]
    TunUnavailable {
        /// What stands in the way.
        reason: String,
    },
    /// A device of that name exists.
    #[error("a network device named {name} exists already; another gateway may be running")]
    DeviceExists {
        /// The device.
        name: String,
    },
    /// The TUN device could not be opened or set up.
    #[error("the TUN device {name} could not be set up")]
    Device {
        /// The device.
        name: String,
        /// The system's answer.
        source: io::Error,
    },
    /// A route could not be added or removed.
    #[error("the route to the client range {network} could not be changed")]
    Route {
        /// The client range.
        network: Ipv4Net,
        /// The system's answer.
        source: io::Error,
    },
    /// Rules and tables of policy routing could not be changed.
    #[error("the routing rules of an egress could not be changed")]
    PolicyRouting {
        /// The system's answer.
        source: io::Error,
    },
    /// nftables refused our table.
    #[error("nftables refused the table gatehouse: {0}")]
    Firewall(String),
    /// A kernel setting could not be written.
    #[error("the kernel setting {} could not be written", path.display())]
    Setting {
        /// Its file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The journal of changes could not be read or written; nothing is changed without it.
    #[error("the journal of network changes {} could not be read or written", path.display())]
    Journal {
        /// Its file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

/// An open way into the target network.
///
/// Opening, applying and closing run `nft` and take some milliseconds: call them from a thread that
/// may wait. Drop the ports before closing, since the TUN device lives as long as any of them.
pub struct Network {
    mode: Mode,
    mode_reason: String,
    warnings: Vec<String>,
    ports: Vec<Port>,
    counters: Vec<Arc<Counters>>,
    /// As last applied.
    egresses: Vec<EgressPlan>,
    health: Vec<EgressHealth>,
    /// What user-space sockets are bound to.
    bindings: Arc<userspace::Bindings>,
    dns: dns::Service,
    #[cfg(target_os = "linux")]
    tun: Option<tun::Tun>,
}

impl Network {
    /// Removes what a crashed run left on the host and opens the network in the way asked for.
    ///
    /// # Errors
    /// If leftovers cannot be removed, if TUN was asked for and cannot be had, or if the device
    /// cannot be set up.
    pub fn open(options: &OpenOptions) -> Result<Self, Error> {
        let counters: Vec<Arc<Counters>> = (0..options.workers.max(1))
            .map(|_| Arc::default())
            .collect();
        match options.choice {
            ModeChoice::Userspace => {
                let reason = "User-space networking, as chosen.".to_owned();
                Ok(Self::open_userspace(options, counters, reason))
            }
            ModeChoice::Tun => {
                if let Err(reason) = tun_usable() {
                    return Err(Error::TunUnavailable { reason });
                }
                Self::open_tun(options, counters, "TUN device, as chosen.".to_owned())
            }
            ModeChoice::Auto => Self::open_either(options, counters),
        }
    }

    fn open_either(options: &OpenOptions, counters: Vec<Arc<Counters>>) -> Result<Self, Error> {
        let obstacle = match tun_usable() {
            Ok(()) => {
                let reason = "TUN device: this process has CAP_NET_ADMIN.".to_owned();
                match Self::open_tun(options, counters.clone(), reason) {
                    // A container may have the capability and yet no access to the device.
                    Err(error @ (Error::Device { .. } | Error::DeviceExists { .. })) => {
                        error.to_string()
                    }
                    other => return other,
                }
            }
            Err(obstacle) => obstacle,
        };
        let reason = format!("User-space networking: {obstacle}.");
        Ok(Self::open_userspace(options, counters, reason))
    }

    fn open_userspace(
        options: &OpenOptions,
        counters: Vec<Arc<Counters>>,
        mode_reason: String,
    ) -> Self {
        let mut warnings = Vec::new();
        #[cfg(target_os = "linux")]
        if let Err(error) = tun::remove_leftovers(&options.state_dir) {
            warnings.push(format!(
                "An earlier run left routes or firewall rules on this machine that this process may not remove: {error}."
            ));
        }
        let limits = userspace::Limits::of_this_process(counters.len());
        warnings.extend(limits.warnings());
        let bindings: Arc<userspace::Bindings> = Arc::default();
        let dns = dns::Service::default();
        let ports = counters
            .iter()
            .map(|counters| {
                let stack = userspace::Stack::new(
                    limits,
                    Arc::clone(&bindings),
                    dns.resolvers(),
                    Arc::clone(counters),
                );
                Port::userspace(stack, Arc::clone(counters))
            })
            .collect();
        Self {
            mode: Mode::Userspace,
            mode_reason,
            warnings,
            ports,
            counters,
            egresses: Vec::new(),
            health: Vec::new(),
            bindings,
            dns,
            #[cfg(target_os = "linux")]
            tun: None,
        }
    }

    #[cfg(target_os = "linux")]
    fn open_tun(
        options: &OpenOptions,
        counters: Vec<Arc<Counters>>,
        mode_reason: String,
    ) -> Result<Self, Error> {
        let (tun, queues) = tun::Tun::open(&options.tun_name, &options.state_dir, &counters)?;
        let limits = userspace::Limits::of_this_process(counters.len()).for_queries();
        let dns = dns::Service::default();
        let ports = queues
            .into_iter()
            .zip(&counters)
            .map(|(queue, counters)| {
                let stack = userspace::Stack::new(
                    limits,
                    Arc::default(),
                    dns.resolvers(),
                    Arc::clone(counters),
                );
                let desk = port::Desk::new(dns.resolvers(), stack);
                Port::tun(queue, desk, Arc::clone(counters))
            })
            .collect();
        Ok(Self {
            mode: Mode::Tun,
            mode_reason,
            warnings: Vec::new(),
            ports,
            counters,
            egresses: Vec::new(),
            health: Vec::new(),
            bindings: Arc::default(),
            dns,
            tun: Some(tun),
        })
    }

    #[cfg(not(target_os = "linux"))]
    fn open_tun(_: &OpenOptions, _: Vec<Arc<Counters>>, _: String) -> Result<Self, Error> {
        let reason = "this system is not Linux".to_owned();
        Err(Error::TunUnavailable { reason })
    }

    /// The way packets take.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Why this way was taken, as a sentence for the status bar.
    #[must_use]
    pub fn mode_reason(&self) -> &str {
        &self.mode_reason
    }

    /// The name of the TUN device, in that mode.
    #[must_use]
    pub fn tun_name(&self) -> Option<&str> {
        #[cfg(target_os = "linux")]
        return self.tun.as_ref().map(tun::Tun::name);
        #[cfg(not(target_os = "linux"))]
        None
    }

    /// The ports, one for each worker. Later calls give none.
    pub fn take_ports(&mut self) -> Vec<Port> {
        std::mem::take(&mut self.ports)
    }

    /// Makes the host match the plan: routes, forwarding, address translation, egresses. Applying
    /// the same plan again changes nothing, and is the way to include interfaces that came up since.
    /// An egress that does not work is no error: see [`Network::egress_health`].
    ///
    /// # Errors
    /// If a change was refused; applying again takes up where it stopped.
    pub fn apply(&mut self, plan: &Plan) -> Result<(), Error> {
        self.egresses.clone_from(&plan.egresses);
        self.dns.apply(&plan.resolvers);
        #[cfg(target_os = "linux")]
        if let Some(tun) = &mut self.tun {
            let result = tun.apply(plan);
            self.look();
            return result;
        }
        self.look();
        Ok(())
    }

    /// Looks at the interfaces again that egresses depend on, and says whether the health of any has
    /// changed. It takes some milliseconds at most: call it whenever [`HostChanges`] tells of
    /// something.
    pub fn look(&mut self) -> bool {
        let links = egress::links();
        #[cfg(target_os = "linux")]
        if let Some(tun) = &mut self.tun {
            let health = tun.look(&self.egresses, &links);
            return std::mem::replace(&mut self.health, health) != self.health;
        }
        let (bindings, health) = egress::bindings(&self.egresses, &links, userspace::try_binding);
        self.bindings.store(Arc::new(bindings));
        std::mem::replace(&mut self.health, health) != self.health
    }

    /// The health of each egress in the plan, as of the last [`Network::apply`] or
    /// [`Network::look`]. Packets of one that does not work are dropped.
    #[must_use]
    pub fn egress_health(&self) -> Vec<EgressHealth> {
        self.health.clone()
    }

    /// What an administrator should know, as sentences: another firewall that drops what clients
    /// send, ICMP echo that is not permitted. Empty if all is well; as of the last
    /// [`Network::apply`].
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.warnings.clone();
        warnings.extend(self.dns.warning().cloned());
        #[cfg(target_os = "linux")]
        warnings.extend(self.tun.iter().flat_map(tun::Tun::warnings).cloned());
        warnings
    }

    /// The counters of all ports, added up.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.counters
            .iter()
            .fold(Totals::default(), |mut sum, counters| {
                sum += counters.totals();
                sum
            })
    }

    /// Takes back every change to the host: routes, forwarding, nftables. The device goes with the
    /// last port.
    ///
    /// # Errors
    /// If something could not be taken back; the journal stays, and the next open tries again.
    pub fn close(mut self) -> Result<(), Error> {
        self.restore_host()
    }

    fn restore_host(&mut self) -> Result<(), Error> {
        self.ports.clear();
        #[cfg(target_os = "linux")]
        if let Some(mut tun) = self.tun.take() {
            return tun.close();
        }
        Ok(())
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        if let Err(error) = self.restore_host() {
            tracing::error!(
                ?error,
                "the host's network settings could not be restored; the next start tries again"
            );
        }
    }
}

#[cfg(target_os = "linux")]
fn tun_usable() -> Result<(), String> {
    tun::usable()
}

#[cfg(not(target_os = "linux"))]
fn tun_usable() -> Result<(), String> {
    Err("TUN devices are implemented for Linux only".to_owned())
}
