//! Egresses beside the default one: for each a device of its own, to which its packets are written,
//! and for those that name a way out a routing table that holds for what comes from that device.
//!
//! Answers are for clients' addresses, whose routes all lead to the one device that is read.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use arc_swap::ArcSwap;
use ipnet::Ipv4Net;
use netlink_packet_route::address::{AddressAttribute, AddressMessage, AddressScope};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::rule::{RuleAction, RuleAttribute, RuleMessage};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use tun_rs::SyncDevice;

use super::{MAIN_TABLE, interface_index, netlink, undo};
use crate::model::network::Via;
use crate::network::ROUTE_PROTOCOL;
use crate::network::egress::{EgressHealth, EgressId, EgressPlan, Link, link_of};

/// Where packets of each egress that works are written to.
pub(in crate::network) type Doors = ArcSwap<BTreeMap<EgressId, Arc<SyncDevice>>>;

/// Tables are numbered from here by the index of their device, which no other gateway here has.
const FIRST_TABLE: u32 = 0x4748_0000;
/// Before the rule of the main table, which is at 32766.
const PRIORITY: u32 = 710;

/// A device that packets of one egress come from.
pub(super) struct Exit {
    plan: EgressPlan,
    name: String,
    index: u32,
    device: Arc<SyncDevice>,
}

impl Exit {
    /// Opens the device. `tun` is the index of the device that is read.
    pub(super) fn open(plan: &EgressPlan, tun: u32) -> io::Result<Self> {
        let name = format!("gh{tun}-e{}", plan.id.0);
        let device = super::open_queues(&name, 1)?
            .pop()
            .ok_or(io::ErrorKind::NotFound)?;
        let index = interface_index(&name)?;
        let set = |setting: &str, value: &str| {
            std::fs::write(format!("{}/{name}/{setting}", undo::IPV4_CONF), value)
        };
        set("forwarding", "1")?;
        // What comes from it has addresses that the main table finds behind another device. Where the
        // machine filters that on all interfaces, the loose way is taken, which asks for an address.
        if std::fs::read_to_string(format!("{}/all/rp_filter", undo::IPV4_CONF))?.trim() == "0" {
            set("rp_filter", "0")?;
        } else {
            set("rp_filter", "2")?;
            netlink::add(RouteNetlinkMessage::NewAddress(address_of(index)))?;
        }
        Ok(Self {
            plan: plan.clone(),
            index,
            name,
            device: Arc::new(device),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn plan(&self) -> &EgressPlan {
        &self.plan
    }

    pub(super) fn device(&self) -> Arc<SyncDevice> {
        Arc::clone(&self.device)
    }

    /// Its routing table; none where this machine's own routes hold.
    pub(super) fn table(&self) -> Option<u32> {
        let has_table = self.plan.via != Via::HostRouting;
        has_table.then_some(FIRST_TABLE | (self.index & 0xffff))
    }

    /// Has `table` hold for what comes from it.
    pub(super) fn add_rule(&self, table: u32) -> io::Result<()> {
        netlink::add(RouteNetlinkMessage::NewRule(rule(&self.name, table)))
    }

    /// Whether it carries packets, after its table was made to match the interfaces and the main
    /// table as they are.
    pub(super) fn look(&self, links: &[Link], routes: &Routes) -> Result<(), String> {
        let link = link_of(&self.plan.via, links)?;
        let (Some(link), Some(table)) = (link, self.table()) else {
            return Ok(());
        };
        routes.match_table(table, link).map_err(|error| {
            format!(
                "The routes through the interface {} could not be set: {error}.",
                link.name
            )
        })
    }
}

/// The health of each egress; one that has no exit says why.
pub(super) fn health(
    plan: &[EgressPlan],
    exits: &BTreeMap<EgressId, Result<Exit, String>>,
    links: &[Link],
) -> Vec<EgressHealth> {
    if plan.is_empty() {
        return Vec::new();
    }
    let routes = Routes::read()
        .map_err(|error| format!("This machine's routes could not be read: {error}."));
    let health = plan.iter().map(|egress| {
        let health = match exits.get(&egress.id) {
            Some(Ok(exit)) => routes
                .as_ref()
                .map_err(Clone::clone)
                .and_then(|routes| exit.look(links, routes)),
            Some(Err(trouble)) => Err(trouble.clone()),
            None => Err("Its device has not been opened yet.".to_owned()),
        };
        (egress.id, health)
    });
    health.collect()
}

/// Deletes these tables and the rules that lead to them.
pub(super) fn remove_tables(tables: &[u32]) -> io::Result<()> {
    if tables.is_empty() {
        return Ok(());
    }
    let mut any_rule = RuleMessage::default();
    any_rule.header.family = AddressFamily::Inet;
    for message in netlink::dump(&RouteNetlinkMessage::GetRule(any_rule))? {
        if let RouteNetlinkMessage::NewRule(rule) = message
            && rule.attributes.iter().any(
                |attribute| matches!(attribute, RuleAttribute::Table(table) if tables.contains(table)),
            )
        {
            netlink::delete(RouteNetlinkMessage::DelRule(rule))?;
        }
    }
    let routes = Routes::read()?;
    for (table, route) in routes.0.iter().filter(|(table, _)| tables.contains(table)) {
        netlink::delete(RouteNetlinkMessage::DelRoute(route.message(*table)))?;
    }
    Ok(())
}

/// A link-local address for a device, which nobody is shown and nothing is sent from.
fn address_of(index: u32) -> AddressMessage {
    let [.., low] = index.to_be_bytes();
    let address = IpAddr::from([169, 254, 71, low]);
    let mut message = AddressMessage::default();
    message.header.family = AddressFamily::Inet;
    message.header.prefix_len = 32;
    message.header.scope = AddressScope::Link;
    message.header.index = index;
    message.attributes = vec![
        AddressAttribute::Local(address),
        AddressAttribute::Address(address),
    ];
    message
}

fn rule(device: &str, table: u32) -> RuleMessage {
    let mut rule = RuleMessage::default();
    rule.header.family = AddressFamily::Inet;
    rule.header.action = RuleAction::ToTable;
    rule.attributes = vec![
        RuleAttribute::Iifname(device.to_owned()),
        RuleAttribute::Table(table),
        RuleAttribute::Priority(PRIORITY),
        RuleAttribute::Protocol(RouteProtocol::from(ROUTE_PROTOCOL)),
    ];
    rule
}

/// An IPv4 route. Ordered so that those without a gateway come first: the others need them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct TableRoute {
    gateway: Option<Ipv4Addr>,
    destination: Ipv4Net,
    metric: u32,
    /// The interface; none where packets are answered with "unreachable".
    link: Option<u32>,
    /// Whether the gateway is taken to be there whatever its address.
    is_on_link: bool,
}

impl TableRoute {
    fn to(destination: Ipv4Net, link: Option<u32>, metric: u32) -> Self {
        Self {
            gateway: None,
            destination,
            metric,
            link,
            is_on_link: false,
        }
    }

    /// What one route of a table is told from another by.
    fn slot(&self) -> (Ipv4Net, u32) {
        (self.destination, self.metric)
    }

    /// The route in a message, once for each of its next hops.
    fn all_of(message: &RouteMessage) -> Vec<Self> {
        let mut route = Self::to(Ipv4Net::default(), None, 0);
        let mut address = Ipv4Addr::UNSPECIFIED;
        let mut others = Vec::new();
        for attribute in &message.attributes {
            match attribute {
                RouteAttribute::Destination(RouteAddress::Inet(to)) => address = *to,
                RouteAttribute::Gateway(RouteAddress::Inet(by)) => route.gateway = Some(*by),
                RouteAttribute::Priority(metric) => route.metric = *metric,
                RouteAttribute::Oif(index) => route.link = Some(*index),
                RouteAttribute::MultiPath(hops) => others.clone_from(hops),
                _ => {}
            }
        }
        let length = message.header.destination_prefix_length;
        let Ok(destination) = Ipv4Net::new(address, length) else {
            return Vec::new();
        };
        route.destination = destination;
        route.is_on_link = message.header.flags.contains(RouteFlags::Onlink);
        match message.header.kind {
            RouteType::Unreachable => route.link = None,
            RouteType::Unicast => {}
            _ => return Vec::new(),
        }
        if others.is_empty() {
            return vec![route];
        }
        let by = |attributes: &[RouteAttribute]| {
            attributes.iter().find_map(|attribute| match attribute {
                RouteAttribute::Gateway(RouteAddress::Inet(by)) => Some(*by),
                _ => None,
            })
        };
        let hops = others.iter().map(|hop| Self {
            gateway: by(&hop.attributes),
            link: Some(hop.interface_index),
            ..route
        });
        hops.collect()
    }

    fn message(&self, table: u32) -> RouteMessage {
        let mut message = RouteMessage::default();
        let header = &mut message.header;
        header.address_family = AddressFamily::Inet;
        header.destination_prefix_length = self.destination.prefix_len();
        header.protocol = RouteProtocol::from(ROUTE_PROTOCOL);
        header.kind = match self.link {
            Some(_) => RouteType::Unicast,
            None => RouteType::Unreachable,
        };
        header.scope = match (self.link, self.gateway) {
            (Some(_), None) => RouteScope::Link,
            _ => RouteScope::Universe,
        };
        if self.is_on_link {
            header.flags = RouteFlags::Onlink;
        }
        let attributes = [
            Some(RouteAttribute::Table(table)),
            Some(RouteAttribute::Destination(RouteAddress::Inet(
                self.destination.network(),
            ))),
            Some(RouteAttribute::Priority(self.metric)),
            self.gateway
                .map(|by| RouteAttribute::Gateway(RouteAddress::Inet(by))),
            self.link.map(RouteAttribute::Oif),
        ];
        message.attributes = attributes.into_iter().flatten().collect();
        message
    }
}

/// This machine's IPv4 routes, each with its table.
pub(super) struct Routes(Vec<(u32, TableRoute)>);

impl Routes {
    fn read() -> io::Result<Self> {
        let mut any = RouteMessage::default();
        any.header.address_family = AddressFamily::Inet;
        let mut routes = Vec::new();
        for answer in netlink::dump(&RouteNetlinkMessage::GetRoute(any))? {
            if let RouteNetlinkMessage::NewRoute(message) = answer {
                let named = message.attributes.iter().find_map(|a| match a {
                    RouteAttribute::Table(table) => Some(*table),
                    _ => None,
                });
                let table = named.unwrap_or_else(|| message.header.table.into());
                let all = TableRoute::all_of(&message).into_iter();
                routes.extend(all.map(|route| (table, route)));
            }
        }
        Ok(Self(routes))
    }

    fn of(&self, table: u32) -> BTreeSet<TableRoute> {
        let all = self.0.iter().filter(|(of, _)| *of == table);
        all.map(|(_, route)| *route).collect()
    }

    /// What leaves through the interface, and nothing else. Of several next hops at equal cost one
    /// is taken.
    fn wanted(&self, link: &Link) -> BTreeSet<TableRoute> {
        let main = self.of(MAIN_TABLE.into()).into_iter();
        let mut slots = BTreeSet::new();
        let mut wanted: BTreeSet<_> = main
            .filter(|route| route.link == Some(link.index) && slots.insert(route.slot()))
            .collect();
        let all = Ipv4Net::default();
        if link.is_point_to_point && wanted.iter().all(|route| route.destination != all) {
            // Whoever is at the other end is the gateway.
            wanted.insert(TableRoute::to(all, Some(link.index), LAST - 1));
        }
        // Never by the main table instead.
        wanted.insert(TableRoute::to(all, None, LAST));
        wanted
    }

    fn match_table(&self, table: u32, link: &Link) -> io::Result<()> {
        let (wanted, there) = (self.wanted(link), self.of(table));
        for route in wanted.difference(&there) {
            netlink::replace(RouteNetlinkMessage::NewRoute(route.message(table)))?;
        }
        // Those whose place was taken have gone.
        let slots: BTreeSet<_> = wanted.iter().map(TableRoute::slot).collect();
        for route in there.iter().filter(|route| !slots.contains(&route.slot())) {
            netlink::delete(RouteNetlinkMessage::DelRoute(route.message(table)))?;
        }
        Ok(())
    }
}

/// The metric of a route that any other comes before.
const LAST: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> Ipv4Net {
        text.parse().unwrap()
    }

    fn link(is_point_to_point: bool) -> Link {
        Link {
            index: 3,
            name: "eth1".to_owned(),
            is_up: true,
            is_running: true,
            addresses: vec![Ipv4Addr::new(192, 0, 2, 7)],
            is_point_to_point,
        }
    }

    #[test]
    fn a_table_has_the_routes_of_its_interface_and_lets_nothing_leave_otherwise() {
        let main = u32::from(MAIN_TABLE);
        let near = TableRoute::to(net("192.0.2.0/24"), Some(3), 0);
        let far = TableRoute {
            gateway: Some(Ipv4Addr::new(192, 0, 2, 1)),
            ..TableRoute::to(net("10.1.0.0/16"), Some(3), 100)
        };
        let elsewhere = TableRoute::to(net("0.0.0.0/0"), Some(2), 0);
        let routes = Routes(vec![
            (main, far),
            (main, near),
            (main, elsewhere),
            (7, near),
        ]);
        let wanted: Vec<_> = routes.wanted(&link(false)).into_iter().collect();
        let stop = TableRoute::to(net("0.0.0.0/0"), None, LAST);
        assert_eq!(wanted, [stop, near, far], "a gateway after its network");
        let through = TableRoute::to(net("0.0.0.0/0"), Some(3), LAST - 1);
        assert!(routes.wanted(&link(true)).contains(&through));
    }

    #[test]
    fn a_route_is_read_from_a_message_as_it_was_written_into_it() {
        for route in [
            TableRoute::to(net("0.0.0.0/0"), None, LAST),
            TableRoute {
                gateway: Some(Ipv4Addr::new(192, 0, 2, 1)),
                is_on_link: true,
                ..TableRoute::to(net("10.1.0.0/16"), Some(3), 100)
            },
        ] {
            assert_eq!(TableRoute::all_of(&route.message(9)), [route]);
        }
    }
}
