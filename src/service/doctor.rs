//! The diagnosis: what the configuration and this machine do to the traffic of clients, check by
//! check, with what would mend it. What was looked at and is well is told too.

mod host;
mod own;

use std::{net::Ipv4Addr, time::Duration};

use jiff::Timestamp;
use tokio::time::timeout;

use super::Service;
use crate::{
    clock,
    model::{Direction, Finding, NetworkMode, Peer, SecurityGroupId, Severity, Snapshot, View},
    network::{
        self,
        doctor::{Asked, Facts},
    },
};

impl Service {
    /// Looks at this machine and at the configuration; the worst findings come first. It takes
    /// five seconds at most.
    pub(super) async fn diagnose(&self) -> Vec<Finding> {
        let view = self.view();
        // A task of its own, so that it tidies up even when it is not waited for any more.
        let look = tokio::spawn(network::doctor::look(asked(&view)));
        let facts = match timeout(LIMIT, look).await {
            Ok(Ok(facts)) => Some(facts),
            _ => None,
        };
        let scene = Scene {
            view: &view,
            public_address: self.dns_name(),
            own: self.machine().host.own_addresses().addresses,
            now: clock::now(),
        };
        findings(&scene, facts.as_ref())
    }
}

/// What the gateway's machine is asked for.
fn asked(view: &View) -> Asked {
    let gateway = &view.live.gateway;
    let listeners = gateway.listeners.iter().filter(|it| it.trouble.is_none());
    Asked {
        tun: (gateway.mode == Some(NetworkMode::Tun)).then(|| network::DEFAULT_TUN_NAME.to_owned()),
        listeners: listeners.map(|it| (it.transport, it.port)).collect(),
        egresses: view
            .snapshot
            .associations
            .values()
            .filter_map(|association| view.snapshot.subnets.get(&association.subnet_id))
            .map(|subnet| subnet.egress.via.clone())
            .collect(),
        opened: opens_flows(&view.snapshot),
    }
}

/// Whether a security group lets others than clients open flows to clients.
fn opens_flows(snapshot: &Snapshot) -> bool {
    let living = snapshot.endpoints.values().filter(|it| !it.deleting);
    let groups = living
        .flat_map(|endpoint| &endpoint.security_groups)
        .filter_map(|id| snapshot.security_groups.get(id));
    let has_resources = |group: &SecurityGroupId| {
        let mut resources = snapshot.resources.values();
        resources.any(|resource| resource.security_groups.contains(group))
    };
    groups
        .flat_map(|group| group.rules_of(Direction::Ingress))
        .any(|rule| match &rule.peer {
            Peer::Cidr(_) => true,
            Peer::Group(group) => has_resources(group),
        })
}

/// What findings are made of, beside the machine's facts.
struct Scene<'v> {
    view: &'v View,
    /// The host that exported configurations name.
    public_address: String,
    /// Addresses that are the machine itself.
    own: Vec<Ipv4Addr>,
    now: Timestamp,
}

impl Scene<'_> {
    fn mode(&self) -> Option<NetworkMode> {
        self.view.live.gateway.mode
    }

    fn is_tun(&self) -> bool {
        self.mode() == Some(NetworkMode::Tun)
    }
}

/// Every check's findings, the worst first.
fn findings(scene: &Scene<'_>, facts: Option<&Facts>) -> Vec<Finding> {
    let mut found = own::findings(scene, facts.is_some_and(|facts| facts.has_unit));
    match facts {
        Some(facts) => found.extend(host::findings(scene, facts)),
        None => found.push(warning(
            "machine",
            "This machine was not looked at: its firewall and settings did not answer in time.",
            Mend::new("Try again when the machine has less to do."),
        )),
    }
    // Stable: checks of the same severity stay in their order.
    found.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    found
}

/// What would mend something.
#[derive(Default)]
struct Mend {
    sentence: String,
    commands: Option<String>,
}

impl Mend {
    fn new(sentence: impl Into<String>) -> Self {
        Self {
            sentence: sentence.into(),
            commands: None,
        }
    }

    /// The same by commands of a shell.
    fn by(self, commands: impl IntoIterator<Item = String>) -> Self {
        Self {
            commands: Some(commands.into_iter().collect::<Vec<_>>().join("\n")),
            ..self
        }
    }
}

fn good(check: &str, sentence: impl Into<String>) -> Finding {
    Finding {
        check: check.to_owned(),
        severity: Severity::Good,
        sentence: sentence.into(),
        mend: None,
        commands: None,
    }
}

fn warning(check: &str, sentence: impl Into<String>, mend: Mend) -> Finding {
    bad(Severity::Warning, check, sentence, mend)
}

fn problem(check: &str, sentence: impl Into<String>, mend: Mend) -> Finding {
    bad(Severity::Problem, check, sentence, mend)
}

fn bad(severity: Severity, check: &str, sentence: impl Into<String>, mend: Mend) -> Finding {
    Finding {
        severity,
        mend: Some(mend.sentence),
        commands: mend.commands,
        ..good(check, sentence)
    }
}

/// An address that nobody beyond the local network reaches.
fn is_private(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    let is_shared = first == 100 && second & 0xc0 == 64;
    address.is_private() || address.is_loopback() || address.is_link_local() || is_shared
}

/// How long the machine may take.
const LIMIT: Duration = Duration::from_millis(4_500);

#[cfg(test)]
mod tests;
