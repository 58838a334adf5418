//! How packets leave this machine for a subnet, and the zones that subnets are in.

use std::{collections::BTreeSet, net::Ipv4Addr};

use super::{
    change::{Change, Machine},
    fields::{invalid, listed},
    networks,
};
use crate::model::{
    Answer, Code, Egress, HostNetwork, NetworkMode, Refusal, Snapshot, Via,
    command::{EgressChoice, ModifySubnetEgress},
};

impl Change<'_, '_> {
    pub(super) fn modify_subnet_egress(
        &mut self,
        command: &ModifySubnetEgress,
    ) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let found = networks::subnet(&snapshot, &command.subnet_id, Code::SubnetNotFound)?;
        let mut subnet = found.clone();
        self.concerns(&subnet.id);
        subnet.egress = chosen(&command.egress, &self.machine)?;
        self.tx.update_subnet_egress(&subnet)?;
        Ok(Answer::Subnet(subnet))
    }
}

/// The egress that is asked for, if this machine has it.
///
/// # Errors
/// `InvalidParameterCombination` for an interface with an address; `InvalidParameterValue` for what
/// the machine does not have, and for addresses that its gateway could not keep.
pub(super) fn chosen(choice: &EgressChoice, machine: &Machine) -> Result<Egress, Refusal> {
    let given = |text: &Option<String>| {
        let text = text.as_deref().map(str::trim);
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let via = match (given(&choice.interface), given(&choice.source_address)) {
        (None, None) => Via::HostRouting,
        (Some(name), None) => Via::Interface(interface(&machine.host.networks(), &name)?),
        (None, Some(text)) => Via::SourceAddress(address(&machine.host.networks(), &text)?),
        (Some(_), Some(_)) => {
            return Err(Refusal::new(
                Code::InvalidParameterCombination,
                format!("Give either {INTERFACE} or {SOURCE_ADDRESS}, not both: the address says which interface it is"),
            )
            .at(SOURCE_ADDRESS));
        }
    };
    let nat = choice.nat.unwrap_or(true);
    if !nat && machine.mode == Some(NetworkMode::Userspace) {
        return Err(invalid(
            NAT,
            "NAT cannot be off while the gateway runs in user-space mode: it opens the connections to targets itself, so they see an address of this machine. Keep NAT on, or give the gateway CAP_NET_ADMIN and /dev/net/tun, for example by installing its system service, and turn NAT off then",
        )
        .cure("true"));
    }
    Ok(Egress { via, nat })
}

/// The zones that subnets can be in: three of the region, and those in use.
pub(super) fn availability_zones(snapshot: &Snapshot) -> Answer {
    let region = &snapshot.settings.region;
    let offered = ('a'..='c').map(|letter| format!("{region}{letter}"));
    let used = snapshot.subnets.values();
    let used = used.map(|subnet| subnet.availability_zone.clone());
    let zones: BTreeSet<String> = offered.chain(used).collect();
    Answer::AvailabilityZones(zones.into_iter().collect())
}

fn interface(networks: &[HostNetwork], name: &str) -> Result<String, Refusal> {
    let names: BTreeSet<&str> = networks.iter().map(|it| it.interface.as_str()).collect();
    if names.contains(name) {
        return Ok(name.to_owned());
    }
    Err(not_here(
        INTERFACE,
        &format!("This machine has no interface \"{name}\" in an IPv4 network"),
        names,
    ))
}

fn address(networks: &[HostNetwork], text: &str) -> Result<Ipv4Addr, Refusal> {
    let addresses: BTreeSet<Ipv4Addr> = networks.iter().map(|it| it.address).collect();
    let found: Option<Ipv4Addr> = text.parse().ok();
    found
        .filter(|address| addresses.contains(address))
        .ok_or_else(|| {
            let what = match found {
                Some(address) => format!("{address} is not an address of this machine"),
                None => format!("\"{text}\" is not an IPv4 address"),
            };
            not_here(SOURCE_ADDRESS, &what, addresses)
        })
}

fn not_here<T: ToString>(field: &str, what: &str, there: BTreeSet<T>) -> Refusal {
    let there: Vec<String> = there.into_iter().map(|it| it.to_string()).collect();
    let Some(first) = there.first().cloned() else {
        return invalid(
            field,
            format!("{what}; it has none at all, so leave the field out"),
        );
    };
    invalid(field, format!("{what}; it has {}", listed(there))).cure(first)
}

pub(super) const INTERFACE: &str = "EgressInterface";
pub(super) const SOURCE_ADDRESS: &str = "EgressSourceAddress";
pub(super) const NAT: &str = "EgressNat";
