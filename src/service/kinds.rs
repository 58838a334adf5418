//! The kinds of traffic that rules tell apart.

use std::collections::BTreeSet;

use crate::{
    model::{IpProtocol, PortRange},
    policy::Traffic,
};

/// Kinds of traffic of which each is judged as a whole: ports are cut where some rule's range
/// begins or ends. What no rule names by its protocol is the first kind.
pub(super) struct Kinds {
    named: Vec<(IpProtocol, Option<PortRange>)>,
}

/// A limit of a rule: the protocol's number, and the ports.
pub(super) type Limit = (u8, Option<(u16, u16)>);

impl Kinds {
    /// What a rule for this protocol and these ports tells apart; none for all traffic.
    pub(super) fn limit(protocol: Option<IpProtocol>, ports: Option<PortRange>) -> Option<Limit> {
        let number = PROTOCOLS.iter().position(|it| Some(*it) == protocol)?;
        let number = u8::try_from(number).ok()?;
        Some((number, ports.map(|ports| (ports.from, ports.to))))
    }

    /// The kinds that rules with these limits tell apart.
    pub(super) fn new(limits: &BTreeSet<Limit>) -> Self {
        let mut named = Vec::new();
        for (number, protocol) in (0..).zip(PROTOCOLS) {
            let of_protocol: Vec<_> = limits.iter().filter(|it| it.0 == number).collect();
            if of_protocol.is_empty() {
                continue;
            }
            if !protocol.has_ports() {
                named.push((protocol, None));
                continue;
            }
            // Nobody sends to port 0.
            let mut starts = BTreeSet::from([1]);
            for (from, to) in of_protocol.iter().filter_map(|it| it.1) {
                starts.insert(from.max(1));
                starts.extend(to.checked_add(1));
            }
            let ends = starts.iter().skip(1).map(|start| start - 1);
            let ranges = starts.iter().copied().zip(ends.chain([u16::MAX]));
            named.extend(ranges.map(|(from, to)| (protocol, Some(PortRange { from, to }))));
        }
        Self { named }
    }

    /// Each kind, as it is asked about.
    pub(super) fn all(&self) -> impl Iterator<Item = Traffic> {
        let named = self.named.iter();
        let named = named.map(|&(protocol, ports)| {
            let port = ports.map(|ports| ports.from);
            Traffic::new(protocol, port)
        });
        [Traffic::ALL].into_iter().chain(named)
    }

    /// The kinds that are picked, in the order of [`Self::all`], in words; none if none is.
    pub(super) fn words(&self, picked: &[bool]) -> Option<String> {
        let (rest, named) = picked.split_first()?;
        if !picked.contains(&true) {
            return None;
        }
        if !rest {
            return Some(self.list(named, true));
        }
        if named.contains(&false) {
            return Some(format!("all traffic except {}", self.list(named, false)));
        }
        Some("all traffic".to_owned())
    }

    /// The named kinds that are picked, or those that are not.
    fn list(&self, picked: &[bool], wanted: bool) -> String {
        let mut words: Vec<String> = Vec::new();
        for protocol in PROTOCOLS {
            let of_protocol = self.named.iter().zip(picked);
            let of_protocol = of_protocol.filter(|((it, _), _)| *it == protocol);
            let mut ranges: Vec<Option<PortRange>> = Vec::new();
            let mut total = 0;
            let mut open = false;
            for ((_, ports), is_picked) in of_protocol {
                total += 1;
                if *is_picked != wanted {
                    open = false;
                    continue;
                }
                match (ranges.last_mut(), ports) {
                    (Some(Some(last)), Some(ports)) if open => last.to = ports.to,
                    _ => ranges.push(*ports),
                }
                open = true;
            }
            let is_all =
                |it: &Option<PortRange>| it.is_none_or(|it| it.from == 1 && it.to == u16::MAX);
            if total == 0 {
                continue;
            }
            words.extend(ranges.iter().map(|range| match range {
                Some(ports) if !is_all(range) => format!("{protocol} {ports}"),
                _ => protocol.to_string(),
            }));
        }
        words.join(", ")
    }
}

const PROTOCOLS: [IpProtocol; 3] = [IpProtocol::Tcp, IpProtocol::Udp, IpProtocol::Icmp];

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(limits: &[(IpProtocol, Option<(u16, u16)>)]) -> Kinds {
        let limits = limits.iter().filter_map(|&(protocol, ports)| {
            let ports = ports.map(|(from, to)| PortRange { from, to });
            Kinds::limit(Some(protocol), ports)
        });
        Kinds::new(&limits.collect())
    }

    #[test]
    fn ports_are_cut_where_a_range_begins_or_ends_and_told_together() {
        let kinds = kinds(&[
            (IpProtocol::Tcp, Some((80, 90))),
            (IpProtocol::Tcp, Some((85, 85))),
            (IpProtocol::Icmp, None),
        ]);
        // All else; tcp 1-79, 80-84, 85, 86-90, 91-65535; icmp.
        assert_eq!(kinds.all().count(), 7);
        let words = |picked: [u8; 7]| kinds.words(&picked.map(|it| it == 1));
        assert_eq!(words([0; 7]), None);
        assert_eq!(words([1; 7]).unwrap(), "all traffic");
        assert_eq!(words([0, 0, 1, 1, 1, 0, 0]).unwrap(), "tcp 80-90");
        assert_eq!(
            words([0, 0, 1, 0, 1, 0, 1]).unwrap(),
            "tcp 80-84, tcp 86-90, icmp"
        );
        assert_eq!(words([0, 1, 1, 1, 1, 1, 0]).unwrap(), "tcp");
        assert_eq!(
            words([1, 1, 1, 0, 1, 1, 1]).unwrap(),
            "all traffic except tcp 85"
        );
    }

    #[test]
    fn without_limits_there_is_one_kind() {
        let kinds = kinds(&[]);
        assert_eq!(kinds.all().count(), 1);
        assert_eq!(kinds.words(&[true]).unwrap(), "all traffic");
    }
}
