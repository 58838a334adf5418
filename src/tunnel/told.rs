//! What a client was told of the network, and what it would be told now.

use std::{
    collections::BTreeSet,
    fmt::Display,
    net::{IpAddr, Ipv4Addr},
};

use ipnet::Ipv4Net;

use super::gate::{Association, Terms};
use crate::openvpn::{Grant, Ipv6Policy, PushUpdate, TunnelMode};

/// What a client is told of the network when it comes in. Two values are the same if a client could
/// not tell them apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    tunnel: TunnelMode,
    /// Destinations to send through the tunnel; none where everything goes through it.
    routes: BTreeSet<Ipv4Net>,
    dns: Vec<Ipv4Addr>,
}

impl Told {
    /// What clients of an association are told.
    pub(super) fn of(terms: &Terms, association: &Association) -> Self {
        let (tunnel, routes) = if terms.split_tunnel {
            let routes = association.routes.iter().copied().collect();
            (TunnelMode::Split, routes)
        } else {
            (TunnelMode::Full, BTreeSet::new())
        };
        Self {
            tunnel,
            routes,
            dns: terms.dns_servers.clone(),
        }
    }

    /// Puts it into what a client is given.
    pub(super) fn put_into(&self, grant: &mut Grant) {
        grant.tunnel = self.tunnel;
        grant.ipv6 = self.ipv6();
        grant.routes = self.routes.iter().copied().collect();
        grant.dns = self.resolvers();
    }

    /// As much of `wanted` as a client that was told this can be told while it is connected.
    /// Stock clients of 2.7 put other resolvers in place on Windows only, and let go of none
    /// anywhere.
    pub(super) fn towards(&self, wanted: &Self, platform: &str) -> Self {
        let takes_resolvers = platform == "win" && !wanted.dns.is_empty();
        let resolvers = if takes_resolvers { wanted } else { self };
        Self {
            dns: resolvers.dns.clone(),
            ..wanted.clone()
        }
    }

    /// What a client has to be told that was told this, so that it has all of `now`: what differs,
    /// and what is in doubt.
    pub(super) fn update_to(&self, now: &Self, doubt: Doubt) -> PushUpdate {
        let tell_routes = doubt.routes || now.routes != self.routes;
        let tell_tunnel = doubt.tunnel || now.tunnel != self.tunnel;
        let tell_dns = doubt.dns || now.dns != self.dns;
        PushUpdate {
            routes: tell_routes.then(|| now.routes.iter().copied().collect()),
            tunnel: tell_tunnel.then_some(now.tunnel),
            ipv6: tell_tunnel.then(|| now.ipv6()),
            dns: tell_dns.then(|| now.resolvers()),
        }
    }

    /// As a sentence, why a client that was told this has to reconnect to have all of `now`.
    pub(super) fn lack(&self, now: &Self) -> Option<String> {
        let mut aims = Vec::new();
        if now.tunnel != self.tunnel {
            aims.push(match now.tunnel {
                TunnelMode::Full => "send everything through the tunnel".to_owned(),
                TunnelMode::Split => "send only its routes through the tunnel".to_owned(),
            });
        }
        let new: Vec<_> = now.routes.difference(&self.routes).collect();
        if !new.is_empty() {
            aims.push(format!("get the {}", counted("route", &new)));
        }
        let gone: Vec<_> = self.routes.difference(&now.routes).collect();
        if !gone.is_empty() && now.tunnel == TunnelMode::Split {
            aims.push(format!("let go of the {}", counted("route", &gone)));
        }
        if now.dns != self.dns {
            aims.push(match now.dns.as_slice() {
                [] => format!("stop using the {}", counted("DNS server", &self.dns)),
                dns => format!("use the {}", counted("DNS server", dns)),
            });
        }
        (!aims.is_empty()).then(|| format!("Reconnect to {}.", aims.join(", and to ")))
    }

    fn ipv6(&self) -> Ipv6Policy {
        match self.tunnel {
            TunnelMode::Full => Ipv6Policy::Block,
            TunnelMode::Split => Ipv6Policy::Leave,
        }
    }

    fn resolvers(&self) -> Vec<IpAddr> {
        self.dns.iter().copied().map(Into::into).collect()
    }
}

/// Of what it is unknown what a client has: it was said, and may have arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Doubt {
    routes: bool,
    tunnel: bool,
    dns: bool,
}

impl Doubt {
    /// Once this was said too.
    pub(super) fn with(self, update: &PushUpdate) -> Self {
        Self {
            routes: self.routes || update.routes.is_some(),
            tunnel: self.tunnel || update.tunnel.is_some(),
            dns: self.dns || update.dns.is_some(),
        }
    }
}

/// "route 10.2.0.0/16", "routes 10.2.0.0/16 and 10.3.0.0/16", "routes 10.2.0.0/16, … and 4 more".
fn counted(noun: &str, items: &[impl Display]) -> String {
    let plural = if items.len() == 1 { "" } else { "s" };
    let mut words: Vec<_> = items.iter().take(NAMED).map(ToString::to_string).collect();
    let rest = match items.len().saturating_sub(NAMED) {
        0 => words.pop().unwrap_or_default(),
        more => format!("{more} more"),
    };
    if words.is_empty() {
        return format!("{noun}{plural} {rest}");
    }
    format!("{noun}{plural} {} and {rest}", words.join(", "))
}

/// As many are named; the others are counted.
const NAMED: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::SubnetId, network::EgressId};

    fn told(split_tunnel: bool, routes: &[&str], dns: &[[u8; 4]]) -> Told {
        let terms = Terms {
            split_tunnel,
            dns_servers: dns.iter().copied().map(Ipv4Addr::from).collect(),
            ..Terms::default()
        };
        let association = Association {
            subnet_id: SubnetId::from_random([1; 9]),
            zone: "local-1a".to_owned(),
            egress: EgressId::DEFAULT,
            is_open: true,
            trouble: None,
            routes: routes.iter().map(|route| route.parse().unwrap()).collect(),
        };
        Told::of(&terms, &association)
    }

    #[test]
    fn a_sentence_names_what_the_client_gets_and_loses() {
        let before = told(true, &["10.1.0.0/16"], &[]);
        let lack = |routes: &[&str], dns: &[[u8; 4]]| before.lack(&told(true, routes, dns));
        assert_eq!(lack(&["10.1.0.0/16"], &[]), None);
        assert_eq!(
            lack(&["10.2.0.0/16", "10.1.0.0/16"], &[]).unwrap(),
            "Reconnect to get the route 10.2.0.0/16."
        );
        assert_eq!(
            lack(&["10.3.0.0/16", "10.2.0.0/16"], &[[10, 0, 0, 2]]).unwrap(),
            "Reconnect to get the routes 10.2.0.0/16 and 10.3.0.0/16, and to let go of the route \
             10.1.0.0/16, and to use the DNS server 10.0.0.2."
        );
        let many: Vec<String> = (1..9).map(|n| format!("10.{n}.0.0/16")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(
            lack(&many, &[]).unwrap(),
            "Reconnect to get the routes 10.2.0.0/16, 10.3.0.0/16, 10.4.0.0/16 and 4 more."
        );
    }

    #[test]
    fn routes_are_told_in_split_tunnel_only() {
        let full = told(false, &["10.1.0.0/16"], &[]);
        assert_eq!(full.lack(&told(false, &["10.2.0.0/16"], &[])), None);
        let split = told(true, &["10.1.0.0/16"], &[]);
        let update = full.update_to(&split, Doubt::default());
        assert_eq!(update.routes, Some(vec!["10.1.0.0/16".parse().unwrap()]));
        assert_eq!(update.tunnel, Some(TunnelMode::Split));
        assert_eq!(
            split.lack(&full).unwrap(),
            "Reconnect to send everything through the tunnel."
        );
    }

    #[test]
    fn resolvers_can_be_told_to_connected_clients_on_windows_only() {
        let before = told(true, &["10.1.0.0/16"], &[[10, 0, 0, 2]]);
        let wanted = told(true, &["10.2.0.0/16"], &[[10, 0, 0, 3]]);
        assert_eq!(before.towards(&wanted, "win"), wanted);
        let elsewhere = before.towards(&wanted, "linux");
        assert_eq!(elsewhere, told(true, &["10.2.0.0/16"], &[[10, 0, 0, 2]]));
        assert_eq!(
            elsewhere.lack(&wanted).unwrap(),
            "Reconnect to use the DNS server 10.0.0.3."
        );
        let none = told(true, &["10.1.0.0/16"], &[]);
        assert_eq!(before.towards(&none, "win"), before);
    }

    #[test]
    fn a_list_in_another_order_is_no_news() {
        let one = told(true, &["10.1.0.0/16", "10.2.0.0/16"], &[]);
        let other = told(true, &["10.2.0.0/16", "10.1.0.0/16"], &[]);
        assert_eq!(one, other);
        assert_eq!(
            one.update_to(&other, Doubt::default()),
            PushUpdate::default()
        );
    }

    #[test]
    fn what_was_said_and_may_have_arrived_is_said_again_even_if_it_is_as_it_was_before() {
        let before = told(true, &["10.1.0.0/16"], &[[10, 0, 0, 2]]);
        let other = told(true, &["10.2.0.0/16"], &[[10, 0, 0, 2]]);
        let doubt = Doubt::default().with(&before.update_to(&other, Doubt::default()));
        let back = before.update_to(&before, doubt);
        assert_eq!(back.routes, Some(vec!["10.1.0.0/16".parse().unwrap()]));
        assert_eq!((back.tunnel, back.ipv6, &back.dns), (None, None, &None));

        // Lost again, it is in doubt beside what was said then.
        let full = told(false, &[], &[[10, 0, 0, 3]]);
        let doubt = doubt.with(&before.update_to(&full, doubt));
        let back = before.update_to(&before, doubt);
        assert_eq!(back.tunnel, Some(TunnelMode::Split));
        assert_eq!(back.ipv6, Some(Ipv6Policy::Leave));
        assert_eq!(back.dns, Some(before.resolvers()));
        assert!(back.routes.is_some());
    }
}
