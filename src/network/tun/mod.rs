//! The TUN device with its routes, forwarding and address translation. Linux only.
//!
//! It disturbs the host as little as it can: the device has no address; forwarding is switched on
//! per interface, and packets that would be forwarded beyond the tunnel only because of that are
//! dropped as before; one nftables table is ours, and a routing table for each egress that names a way.

mod exit;
mod firewall;
mod gro;
mod netlink;
mod port;
mod undo;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, UdpSocket};
use std::path::Path;
use std::sync::Arc;

use ipnet::Ipv4Net;
use route_manager::{Route, RouteManager};
use rustix::thread::CapabilitySet;
use tun_rs::{DeviceBuilder, SyncDevice};

use self::exit::{Doors, Exit};
pub(super) use self::port::TunPort;
use self::undo::Undo;
use super::counters::Counters;
use super::egress::{EgressHealth, EgressId, EgressPlan, Link};
use super::{Error, MTU, Plan};

/// Packets the kernel may queue on the device towards us; below 1000 a burst of one fast sender is
/// lost.
const QUEUE_LENGTH: u32 = 1000;
/// The main routing table (`RT_TABLE_MAIN`).
const MAIN_TABLE: u8 = 254;

/// The device and what was changed on the host for it.
pub(super) struct Tun {
    name: String,
    index: u32,
    routes: BTreeSet<Ipv4Net>,
    /// The egresses of the plan, or why they could not be opened.
    exits: BTreeMap<EgressId, Result<Exit, String>>,
    doors: Arc<Doors>,
    undo: Undo,
    warnings: Vec<String>,
}

/// Why this process cannot use a TUN device, as the end of a sentence; `Ok` if it can.
pub(super) fn usable() -> Result<(), String> {
    let may_administer = rustix::thread::capabilities(None)
        .is_ok_and(|sets| sets.effective.contains(CapabilitySet::NET_ADMIN));
    if !may_administer {
        return Err("this process lacks CAP_NET_ADMIN".to_owned());
    }
    if !Path::new("/dev/net/tun").exists() {
        return Err("this system has no /dev/net/tun".to_owned());
    }
    firewall::usable()
}

/// Takes back what a run that crashed left on the host.
pub(super) fn remove_leftovers(state_dir: &Path) -> Result<(), Error> {
    if !state_dir.exists() {
        return Ok(());
    }
    Undo::open(state_dir).map(drop)
}

impl Tun {
    /// Opens the device with one queue for each counter set.
    pub(super) fn open(
        name: &str,
        state_dir: &Path,
        counters: &[Arc<Counters>],
    ) -> Result<(Self, Vec<TunPort>), Error> {
        let undo = Undo::open(state_dir)?;
        if interface_index(name).is_ok() {
            // Opening it would add a queue to someone else's device.
            return Err(Error::DeviceExists {
                name: name.to_owned(),
            });
        }
        let queues = open_queues(name, counters.len()).map_err(|source| Error::Device {
            name: name.to_owned(),
            source,
        })?;
        let tun = Self {
            name: name.to_owned(),
            index: interface_index(name).map_err(|source| Error::Device {
                name: name.to_owned(),
                source,
            })?,
            routes: BTreeSet::new(),
            exits: BTreeMap::new(),
            doors: Arc::default(),
            undo,
            warnings: Vec::new(),
        };
        let ports = queues
            .into_iter()
            .zip(counters)
            .map(|(queue, counters)| {
                TunPort::new(queue, Arc::clone(&tun.doors), Arc::clone(counters))
            })
            .collect();
        Ok((tun, ports))
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Makes routes, forwarding and address translation match the plan.
    pub(super) fn apply(&mut self, plan: &Plan) -> Result<(), Error> {
        let wanted: BTreeSet<Ipv4Net> = plan
            .ranges
            .iter()
            .map(|range| range.network.trunc())
            .collect();
        self.undo.note_table()?;
        self.match_exits(&plan.egresses)?;
        let forward = undo::not_forwarding(&self.name);
        let mut guarded = self.undo.guarded();
        guarded.extend(
            forward
                .iter()
                .filter(|name| !guarded.contains(name))
                .cloned()
                .collect::<Vec<_>>(),
        );
        // The guard first: at no moment is more forwarded than before.
        let exits: Vec<&Exit> = self.exits.values().flatten().collect();
        firewall::replace(&self.name, &exits, plan, &guarded, self.undo.lock())?;
        self.undo.enable_forwarding(&forward)?;
        undo::write_setting(&undo::forwarding_path(&self.name), "1")?;
        self.match_routes(&wanted)?;
        let exits = self.exits.values().flatten();
        let exits: Vec<String> = exits.map(|exit| exit.name().to_owned()).collect();
        self.warnings = firewall::forward_warnings(&self.name, &exits);
        Ok(())
    }

    /// Judges the plan's egresses by the interfaces as they are, and has their routes follow those.
    /// Packets of one that does not work are written nowhere.
    pub(super) fn look(&mut self, egresses: &[EgressPlan], links: &[Link]) -> Vec<EgressHealth> {
        let health = exit::health(egresses, &self.exits, links);
        let working = health.iter().filter(|(_, health)| health.is_ok());
        let doors = working.filter_map(|(id, _)| {
            let exit = self.exits.get(id)?.as_ref().ok()?;
            Some((*id, exit.device()))
        });
        self.doors.store(Arc::new(doors.collect()));
        health
    }

    /// Opens the exits of the plan's egresses and closes all others. One that cannot be opened is tried
    /// again the next time, and does not keep the plan from being applied.
    fn match_exits(&mut self, wanted: &[EgressPlan]) -> Result<(), Error> {
        let stays = |exit: &Exit| wanted.contains(exit.plan());
        let surplus = self.exits.iter();
        let surplus = surplus.filter(|(_, exit)| !exit.as_ref().is_ok_and(stays));
        let surplus: Vec<_> = surplus.map(|(id, _)| *id).collect();
        for id in surplus {
            let exit = self.exits.remove(&id);
            self.doors.rcu(|doors| {
                let mut doors = BTreeMap::clone(doors);
                doors.remove(&id);
                doors
            });
            if let Some(table) = exit.and_then(Result::ok).and_then(|exit| exit.table()) {
                self.undo.remove_routing_table(table)?;
            }
        }
        for plan in wanted {
            if !self.exits.contains_key(&plan.id) {
                let exit = self.open_exit(plan)?;
                self.exits.insert(plan.id, exit);
            }
        }
        Ok(())
    }

    fn open_exit(&mut self, plan: &EgressPlan) -> Result<Result<Exit, String>, Error> {
        let trouble = |error: io::Error| format!("Its device could not be set up: {error}.");
        let exit = match Exit::open(plan, self.index) {
            Ok(exit) => exit,
            Err(error) => return Ok(Err(trouble(error))),
        };
        let added = match exit.table() {
            Some(table) => self.undo.lead_to(table, || exit.add_rule(table))?,
            None => Ok(()),
        };
        Ok(added.map_err(trouble).map(|()| exit))
    }

    fn match_routes(&mut self, wanted: &BTreeSet<Ipv4Net>) -> Result<(), Error> {
        let surplus: Vec<_> = self.routes.difference(wanted).copied().collect();
        for network in surplus {
            self.delete_route(network)?;
        }
        for &network in wanted {
            if !self.routes.contains(&network) {
                let result =
                    RouteManager::new().and_then(|mut manager| manager.add(&self.route(network)));
                result.map_err(|source| Error::Route { network, source })?;
                self.routes.insert(network);
            }
        }
        Ok(())
    }

    fn delete_route(&mut self, network: Ipv4Net) -> Result<(), Error> {
        let result =
            RouteManager::new().and_then(|mut manager| manager.delete(&self.route(network)));
        match result {
            // Gone already, with the device or by an administrator's hand.
            Err(error) if matches!(error.raw_os_error(), Some(code) if is_gone(code)) => {}
            other => other.map_err(|source| Error::Route { network, source })?,
        }
        self.routes.remove(&network);
        Ok(())
    }

    fn route(&self, network: Ipv4Net) -> Route {
        Route::new(IpAddr::V4(network.network()), network.prefix_len())
            .with_if_index(self.index)
            .with_table(MAIN_TABLE)
    }

    /// Takes back every change. What fails does not keep the rest from being taken back.
    pub(super) fn close(&mut self) -> Result<(), Error> {
        let routes = self.match_routes(&BTreeSet::new());
        self.doors.store(Arc::default());
        self.exits.clear();
        self.undo.revert()?;
        routes
    }
}

/// No such device (in two ways), no such process (the kernel's word for a missing route), no such address.
fn is_gone(code: i32) -> bool {
    [
        rustix::io::Errno::NODEV,
        rustix::io::Errno::NXIO,
        rustix::io::Errno::SRCH,
        rustix::io::Errno::ADDRNOTAVAIL,
    ]
    .iter()
    .any(|errno| errno.raw_os_error() == code)
}

fn interface_index(name: &str) -> io::Result<u32> {
    // Any socket serves to ask by.
    let socket = UdpSocket::bind(("127.0.0.1", 0)).or_else(|_| UdpSocket::bind(("0.0.0.0", 0)))?;
    Ok(rustix::net::netdevice::name_to_index(socket, name)?)
}

fn open_queues(name: &str, count: usize) -> io::Result<Vec<SyncDevice>> {
    let first = DeviceBuilder::new()
        .name(name)
        .mtu(MTU)
        .multi_queue(true)
        .offload(true)
        .tx_queue_len(QUEUE_LENGTH)
        .enable(false)
        .build_sync()?;
    first.set_nonblocking(true)?;
    // Only IPv4 is carried: without this the kernel gives the device an IPv6 address and sends
    // router solicitations into the tunnel. A kernel without IPv6 has no such file.
    match std::fs::write(format!("/proc/sys/net/ipv6/conf/{name}/disable_ipv6"), "1") {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    first.enabled(true)?;
    let mut queues = vec![first];
    for _ in 1..count {
        let queue = queues[0].try_clone()?;
        queue.set_nonblocking(true)?;
        queues.push(queue);
    }
    Ok(queues)
}
