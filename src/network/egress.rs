//! Ways out of this machine beside its own routes: what they are called, and whether they work.

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use netdev::Interface;

use crate::model::network::Via;

/// An egress, by the number that packets are marked with on their way to a [`Port`](super::Port).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EgressId(pub u16);

impl EgressId {
    /// This machine's own routes, with address translation. It is always there, needs no entry in
    /// a plan and cannot fail.
    pub const DEFAULT: Self = Self(0);
}

/// An egress that the host should carry beside the default one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EgressPlan {
    /// Its number, which is not that of the default egress.
    pub id: EgressId,
    /// The way out.
    pub via: Via,
    /// Whether targets see an address of this machine instead of the client's. Only a TUN device
    /// can do without.
    pub nat: bool,
}

/// Whether an egress carries packets, and if not, why, as a sentence.
pub type EgressHealth = (EgressId, Result<(), String>);

/// An interface of this machine, as far as an egress depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) index: u32,
    pub(super) name: String,
    /// Whether it was switched on.
    pub(super) is_up: bool,
    /// Whether its cable, radio or peer is there too.
    pub(super) is_running: bool,
    pub(super) addresses: Vec<Ipv4Addr>,
    /// Whether there is one neighbour at most, who needs no address resolution.
    pub(super) is_point_to_point: bool,
}

impl From<Interface> for Link {
    fn from(interface: Interface) -> Self {
        Self {
            index: interface.index,
            is_up: interface.is_up(),
            is_running: interface.is_running(),
            is_point_to_point: interface.is_point_to_point(),
            addresses: interface.ipv4.iter().map(Ipv4Net::addr).collect(),
            name: interface.name,
        }
    }
}

/// This machine's interfaces now.
pub(super) fn links() -> Vec<Link> {
    let interfaces = netdev::get_interfaces();
    interfaces.into_iter().map(Link::from).collect()
}

/// The interface that packets leave through; none where this machine's routes choose one for each.
///
/// # Errors
/// A sentence that says what is missing.
pub(super) fn link_of<'l>(via: &Via, links: &'l [Link]) -> Result<Option<&'l Link>, String> {
    let link = match via {
        Via::HostRouting => return Ok(None),
        Via::Interface(name) => links
            .iter()
            .find(|link| link.name == *name)
            .ok_or_else(|| format!("This machine has no interface {name}."))?,
        Via::SourceAddress(address) => {
            links
                .iter()
                .find(|link| link.addresses.contains(address))
                .ok_or_else(|| format!("No interface of this machine has the address {address}."))?
        }
    };
    if !link.is_up {
        return Err(format!("The interface {} is switched off.", link.name));
    }
    if !link.is_running {
        return Err(format!(
            "The interface {} has no link: its cable, radio or far end is down.",
            link.name
        ));
    }
    if link.addresses.is_empty() {
        return Err(format!("The interface {} has no IPv4 address.", link.name));
    }
    Ok(Some(link))
}

/// What the sockets of a client's flow are bound to, in user space.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Binding {
    pub(super) interface: Option<String>,
    pub(super) source: Option<Ipv4Addr>,
}

/// The bindings of the plan's egresses that work, and the health of each egress. `attempt` binds a
/// socket so.
pub(super) fn bindings(
    plan: &[EgressPlan],
    links: &[Link],
    attempt: impl Fn(&Binding) -> io::Result<()>,
) -> (BTreeMap<EgressId, Binding>, Vec<EgressHealth>) {
    let mut bindings = BTreeMap::new();
    let health = plan.iter().map(|egress| {
        let health = binding(egress, links).and_then(|binding| {
            attempt(&binding).map_err(|error| cannot_bind(&binding, &error))?;
            bindings.insert(egress.id, binding);
            Ok(())
        });
        (egress.id, health)
    });
    let health = health.collect();
    (bindings, health)
}

fn binding(egress: &EgressPlan, links: &[Link]) -> Result<Binding, String> {
    if !egress.nat {
        return Err(
            "The user-space network cannot keep clients' own addresses: switch NAT on for the \
             subnet, or start the gateway in the mode tun."
                .to_owned(),
        );
    }
    let link = link_of(&egress.via, links)?;
    Ok(Binding {
        interface: link.map(|link| link.name.clone()),
        source: match egress.via {
            Via::SourceAddress(address) => Some(address),
            Via::HostRouting | Via::Interface(_) => None,
        },
    })
}

fn cannot_bind(binding: &Binding, error: &io::Error) -> String {
    let to = binding.interface.as_deref().unwrap_or("their address");
    // Linux before 5.7 asks for the capability.
    let mend = match error.kind() {
        io::ErrorKind::PermissionDenied => " Give the gateway the capability CAP_NET_RAW.",
        _ => "",
    };
    format!("Sockets cannot be bound to {to}: {error}.{mend}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eth1() -> Link {
        Link {
            index: 3,
            name: "eth1".to_owned(),
            is_up: true,
            is_running: true,
            addresses: vec![Ipv4Addr::new(192, 0, 2, 7)],
            is_point_to_point: false,
        }
    }

    fn through(name: &str) -> Via {
        Via::Interface(name.to_owned())
    }

    #[test]
    fn an_egress_fails_with_its_interface_or_its_address_and_says_which() {
        let good = [eth1()];
        let address = Via::SourceAddress(Ipv4Addr::new(192, 0, 2, 7));
        for via in [through("eth1"), address.clone()] {
            assert_eq!(link_of(&via, &good), Ok(Some(&good[0])));
        }
        assert_eq!(link_of(&Via::HostRouting, &[]), Ok(None));
        let fails = |via: &Via, link: Link, what: &str| {
            let sentence = link_of(via, &[link]).unwrap_err();
            assert!(sentence.contains(what), "{sentence}");
        };
        fails(&through("eth2"), eth1(), "no interface eth2");
        let off = Link {
            is_up: false,
            ..eth1()
        };
        fails(&through("eth1"), off, "eth1 is switched off");
        let unplugged = Link {
            is_running: false,
            ..eth1()
        };
        fails(&address, unplugged, "eth1 has no link");
        let bare = Link {
            addresses: Vec::new(),
            ..eth1()
        };
        fails(&through("eth1"), bare.clone(), "no IPv4 address");
        fails(&address, bare, "has the address 192.0.2.7");
    }

    #[test]
    fn user_space_refuses_an_egress_without_nat_by_name_and_says_the_mend() {
        let egress = |id, nat| EgressPlan {
            id: EgressId(id),
            via: through("eth1"),
            nat,
        };
        let plan = [egress(1, true), egress(2, false)];
        let (bindings, health) = bindings(&plan, &[eth1()], |_| Ok(()));
        assert_eq!(bindings[&EgressId(1)].interface.as_deref(), Some("eth1"));
        assert!(!bindings.contains_key(&EgressId(2)));
        assert_eq!(health[0], (EgressId(1), Ok(())));
        let sentence = health[1].1.clone().unwrap_err();
        assert!(
            sentence.contains("user-space") && sentence.contains("mode tun"),
            "{sentence}"
        );
    }

    #[test]
    fn an_egress_that_sockets_may_not_be_bound_to_fails_and_says_the_capability() {
        let plan = [EgressPlan {
            id: EgressId(1),
            via: through("eth1"),
            nat: true,
        }];
        let refused = |_: &Binding| Err(io::ErrorKind::PermissionDenied.into());
        let (bindings, health) = bindings(&plan, &[eth1()], refused);
        assert!(bindings.is_empty());
        let sentence = health[0].1.clone().unwrap_err();
        assert!(
            sentence.contains("eth1") && sentence.contains("CAP_NET_RAW"),
            "{sentence}"
        );
    }
}
