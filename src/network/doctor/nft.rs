//! Other tables' chains that keep clients' packets out, read from `nft -j list ruleset`.
//!
//! It is a look from outside and not a judgement of every rule: a chain, with the chains it jumps
//! to, is an obstacle where it certainly refuses what no rule before accepts. A rule that accepts
//! counts where it names what is asked for, whatever else it asks.

use std::collections::HashMap;

use serde_json::Value;

use crate::model::Transport;

/// Where a chain takes part in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// What this machine passes on.
    Forward,
    /// What comes to this machine.
    Input,
}

/// A chain that refuses what it does not accept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// Where it takes part in.
    pub hook: Hook,
    /// Its table's family, for example `ip`.
    pub family: String,
    /// Its table.
    pub table: String,
    /// Its name.
    pub chain: String,
    /// How it refuses, as the end of a sentence.
    pub how: &'static str,
    /// What of ours it refuses.
    pub refused: Vec<Passage>,
}

/// What is to pass a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Passage {
    /// Packets from clients, out of the TUN device.
    FromClients,
    /// Packets from clients that leave by an egress of their subnet's own, out of its device.
    FromExits,
    /// Answers to clients.
    Answers,
    /// Answers to clients, and flows that others open to them.
    ToClients,
    /// Packets to a port of the gateway.
    Port(Transport, u16),
}

/// Which ways packets of the gateway take.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::network) struct Ways<'w> {
    /// The TUN device, where that is the mode.
    pub(in crate::network) tun: Option<&'w str>,
    /// The devices that packets for an egress of its own come from.
    pub(in crate::network) exits: &'w [String],
    /// Whether others may open flows to clients.
    pub(in crate::network) opened: bool,
    /// The ports the gateway listens on.
    pub(in crate::network) listeners: &'w [(Transport, u16)],
}

impl Ways<'_> {
    fn through(&self, hook: Hook) -> Vec<Passage> {
        match hook {
            Hook::Forward if self.tun.is_none() => Vec::new(),
            Hook::Forward => {
                let mut wanted = vec![Passage::FromClients];
                wanted.extend((!self.exits.is_empty()).then_some(Passage::FromExits));
                wanted.push(match self.opened {
                    true => Passage::ToClients,
                    false => Passage::Answers,
                });
                wanted
            }
            Hook::Input => self
                .listeners
                .iter()
                .map(|(transport, port)| Passage::Port(*transport, *port))
                .collect(),
        }
    }

    /// The packets a passage stands for.
    fn packets(&self, passage: &Passage) -> Vec<Packet<'_>> {
        let tun = self.tun.unwrap_or_default();
        match passage {
            Passage::FromClients => vec![Packet::From(tun)],
            Passage::FromExits => self.exits.iter().map(|it| Packet::From(it)).collect(),
            Passage::Answers => vec![Packet::Answer(tun)],
            Passage::ToClients => vec![Packet::Answer(tun), Packet::To(tun)],
            Passage::Port(transport, port) => vec![Packet::At(*transport, *port)],
        }
    }
}

/// The chains that refuse something of ours.
pub(in crate::network) fn obstacles(
    listing: &str,
    ways: &Ways<'_>,
) -> Result<Vec<Obstacle>, String> {
    let listing: Value =
        serde_json::from_str(listing).map_err(|_| "nft printed no JSON".to_owned())?;
    let objects = listing["nftables"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let rules = Rules::of(objects);
    let found = objects.iter().filter_map(|object| {
        let chain = object.get("chain")?;
        let hook = match chain["hook"].as_str()? {
            "forward" => Hook::Forward,
            "input" => Hook::Input,
            _ => return None,
        };
        // Chains of bridges and of ARP have hooks of the same names, and see other packets.
        let sees_ours = chain["family"] == "ip" || chain["family"] == "inet";
        if !sees_ours || chain["table"] == OWN_TABLE {
            return None;
        }
        let mut how = "";
        let mut refused = Vec::new();
        for passage in ways.through(hook) {
            let packets = ways.packets(&passage);
            let refusal = packets.into_iter().find_map(|it| rules.refusal(chain, it));
            if let Some(refusal) = refusal {
                how = refusal;
                refused.push(passage);
            }
        }
        (!refused.is_empty()).then(|| Obstacle {
            hook,
            family: word(&chain["family"]).to_owned(),
            table: word(&chain["table"]).to_owned(),
            chain: word(&chain["name"]).to_owned(),
            how,
            refused,
        })
    });
    Ok(found.collect())
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A packet as a chain sees it.
#[derive(Clone, Copy)]
enum Packet<'w> {
    /// The first of a flow, which comes in by this device.
    From(&'w str),
    /// The first of a flow, which goes out by this device.
    To(&'w str),
    /// A later one of a flow, which goes out by this device.
    Answer(&'w str),
    /// The first to a port of this machine.
    At(Transport, u16),
}

/// Whether a packet meets a condition.
enum Meets {
    /// It does, and the condition is about just such packets.
    Named,
    Yes,
    /// That depends on what is not known here.
    Perhaps,
    No,
}

/// How packets come to a rule's verdict.
#[derive(Clone, Copy)]
struct Fit {
    /// Some condition names just such packets.
    named: bool,
    /// No condition is open.
    certain: bool,
}

/// Each chain's rules, by family, table and name.
struct Rules<'o>(HashMap<[&'o str; 3], Vec<&'o [Value]>>);

impl<'o> Rules<'o> {
    fn of(objects: &'o [Value]) -> Self {
        let mut all: HashMap<_, Vec<_>> = HashMap::new();
        for rule in objects.iter().filter_map(|object| object.get("rule")) {
            let place = ["family", "table", "chain"].map(|name| word(&rule[name]));
            if let Some(statements) = rule["expr"].as_array() {
                all.entry(place).or_default().push(statements.as_slice());
            }
        }
        Self(all)
    }

    /// How the chain refuses the packet, where it does.
    fn refusal(&self, chain: &Value, packet: Packet<'_>) -> Option<&'static str> {
        let place = ["family", "table", "name"].map(|name| word(&chain[name]));
        let begin = Fit {
            named: false,
            certain: true,
        };
        match self.walk(place, packet, begin, &mut { MOST_RULES }, DEEPEST) {
            Some(true) => None,
            Some(false) => Some("refuses them by a rule"),
            None => (chain["policy"] == "drop").then_some("has the policy drop"),
        }
    }

    /// Whether the chain accepts the packet, or refuses it; none where it does neither. `left` is how
    /// many rules may still be looked at, `depth` how many jumps may still be followed.
    fn walk(
        &self,
        place: [&str; 3],
        packet: Packet<'_>,
        way: Fit,
        left: &mut u32,
        depth: u32,
    ) -> Option<bool> {
        for statements in self.0.get(&place).map_or(&[][..], Vec::as_slice) {
            *left = left.checked_sub(1)?;
            for (own, verdict) in verdicts(statements, packet) {
                let named = way.named || own.named;
                let certain = way.certain && own.certain;
                let (kind, target) = verdict;
                match kind {
                    "accept" if named || certain => return Some(true),
                    "drop" | "reject" if certain => return Some(false),
                    "jump" | "goto" => {
                        let deeper = depth.checked_sub(1)?;
                        let next = [place[0], place[1], target];
                        let end = self.walk(next, packet, Fit { named, certain }, left, deeper);
                        if end.is_some() || (kind == "goto" && own.certain) {
                            return end;
                        }
                    }
                    // Packets that come here do not come further in this chain.
                    _ if own.certain => return None,
                    _ => {}
                }
            }
        }
        None
    }
}

/// What a rule may do with the packet: a verdict and, for a jump, its target.
fn verdicts<'o>(statements: &'o [Value], packet: Packet<'_>) -> Vec<(Fit, (&'o str, &'o str))> {
    let mut fit = Fit {
        named: false,
        certain: true,
    };
    let mut found = Vec::new();
    for statement in statements {
        if let Some(it) = statement.get("match") {
            match meets(&it["left"], word(&it["op"]), &it["right"], packet) {
                Meets::Named => fit.named = true,
                Meets::Yes => {}
                Meets::Perhaps => fit.certain = false,
                Meets::No => return Vec::new(),
            }
        } else if let Some(map) = statement.get("vmap") {
            found.extend(mapped(map, fit, packet));
        } else if let Some(verdict) = verdict(statement) {
            found.push((fit, verdict));
        } else if statement.get("counter").is_none() && statement.get("log").is_none() {
            // For example a limit.
            fit.certain = false;
        }
    }
    found
}

fn verdict(statement: &Value) -> Option<(&str, &str)> {
    let (kind, inner) = statement.as_object()?.iter().next()?;
    let kinds = ["accept", "drop", "reject", "return", "jump", "goto"];
    kinds
        .contains(&kind.as_str())
        .then(|| (kind.as_str(), word(&inner["target"])))
}

/// What a map of verdicts may do with the packet.
fn mapped<'o>(map: &'o Value, fit: Fit, packet: Packet<'_>) -> Vec<(Fit, (&'o str, &'o str))> {
    let pairs = map["data"]["set"].as_array();
    let pairs = pairs.map_or(&[][..], Vec::as_slice);
    let found = pairs.iter().filter_map(|pair| {
        let verdict = verdict(&pair[1])?;
        let fit = match meets(&map["key"], "==", &pair[0], packet) {
            Meets::Named => Fit { named: true, ..fit },
            Meets::Yes => fit,
            Meets::Perhaps => Fit {
                certain: false,
                ..fit
            },
            Meets::No => return None,
        };
        Some((fit, verdict))
    });
    found.collect()
}

/// Whether the packet meets a condition.
fn meets(left: &Value, op: &str, right: &Value, packet: Packet<'_>) -> Meets {
    let is_reference = right.as_str().is_some_and(|text| text.starts_with('@'));
    if is_reference || !["==", "in", "!="].contains(&op) {
        return Meets::Perhaps;
    }
    match (held(left, right, packet), op) {
        (Meets::Named | Meets::Yes, "!=") => Meets::No,
        (Meets::No, "!=") => Meets::Yes,
        (held, _) => held,
    }
}

fn held(left: &Value, right: &Value, packet: Packet<'_>) -> Meets {
    let yes = |is: bool| if is { Meets::Yes } else { Meets::No };
    let named = |is: bool| if is { Meets::Named } else { Meets::No };
    if left["ct"]["key"] == "state" {
        return yes(match packet {
            Packet::Answer(_) => names(right, "established"),
            Packet::From(_) | Packet::To(_) | Packet::At(..) => names(right, "new"),
        });
    }
    let meta = word(&left["meta"]["key"]);
    let (protocol, field) = (
        word(&left["payload"]["protocol"]),
        word(&left["payload"]["field"]),
    );
    match (packet, meta) {
        (Packet::From(device), "iifname" | "iif") => named(names(right, device)),
        (Packet::To(device) | Packet::Answer(device), "oifname" | "oif") => {
            named(names(right, device))
        }
        // Clients do not come from this machine; by which other device is not known.
        (Packet::At(..), "iifname" | "iif") if right == "lo" => Meets::No,
        (Packet::At(transport, _), "l4proto") => yes(names(right, &transport.to_string())),
        (Packet::At(transport, port), _) => match (protocol, field) {
            ("ip", "protocol") => yes(names(right, &transport.to_string())),
            ("icmp" | "icmpv6" | "ip6", _) => Meets::No,
            ("tcp" | "udp", _) if protocol != transport.to_string() => Meets::No,
            ("tcp" | "udp" | "th", "dport") => named(holds(right, port)),
            _ => Meets::Perhaps,
        },
        _ => Meets::Perhaps,
    }
}

/// Whether a word, a beginning of words, or a set of these holds the name.
fn names(right: &Value, name: &str) -> bool {
    match right {
        Value::String(text) => match text.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => text == name,
        },
        Value::Array(list) => list.iter().any(|element| names(element, name)),
        Value::Object(_) => names(&right["set"], name),
        _ => false,
    }
}

/// Whether a number, a range or a set of these holds the port.
fn holds(right: &Value, port: u16) -> bool {
    if let Some(number) = right.as_u64() {
        return number == u64::from(port);
    }
    if let Some([low, high]) = right["range"].as_array().map(Vec::as_slice) {
        let bounds = low.as_u64().zip(high.as_u64());
        return bounds.is_some_and(|(low, high)| (low..=high).contains(&u64::from(port)));
    }
    let set = right["set"].as_array();
    set.is_some_and(|set| set.iter().any(|element| holds(element, port)))
}

/// The one table that this program writes, in the family `inet`.
pub(in crate::network) const OWN_TABLE: &str = "gatehouse";
/// How many rules are looked at for one packet.
const MOST_RULES: u32 = 100_000;
/// The kernel follows as many jumps.
const DEEPEST: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    const TUN: &str = "gatehouse0";
    const WAYS: Ways<'static> = Ways {
        tun: Some(TUN),
        exits: &[],
        opened: false,
        listeners: &[(Transport::Udp, 1194)],
    };

    fn chain(hook: &str, policy: &str) -> String {
        format!(
            r#"{{"chain": {{"family": "ip", "table": "filter", "name": "{hook}", "hook": "{hook}", "policy": "{policy}"}}}}"#
        )
    }

    fn rule(chain: &str, expression: &str) -> String {
        format!(
            r#"{{"rule": {{"family": "ip", "table": "filter", "chain": "{chain}", "expr": [{expression}]}}}}"#
        )
    }

    fn look(objects: &[String]) -> Vec<Obstacle> {
        let listing = format!(r#"{{"nftables": [{}]}}"#, objects.join(", "));
        obstacles(&listing, &WAYS).unwrap()
    }

    fn named(key: &str, name: &str) -> String {
        let left = format!(r#"{{"meta": {{"key": "{key}"}}}}"#);
        matches(&left, &format!("\"{name}\""))
    }

    fn jump(kind: &str, target: &str) -> String {
        format!(r#"{{"counter": null}}, {{"{kind}": {{"target": "{target}"}}}}"#)
    }

    /// The condition that a packet is of a flow in this state.
    fn state(names: &str) -> String {
        matches(r#"{"ct": {"key": "state"}}"#, names)
    }

    fn matches(left: &str, right: &str) -> String {
        format!(
            r#"{{"match": {{"op": "==", "left": {left}, "right": {right}}}}}, {{"accept": null}}"#
        )
    }

    #[test]
    fn a_forward_chain_that_drops_is_one_until_both_ways_are_accepted() {
        let drop = chain("forward", "drop");
        let found = look(std::slice::from_ref(&drop));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].refused, [Passage::FromClients, Passage::Answers]);
        let way = |key: &str| {
            let left = format!(r#"{{"meta": {{"key": "{key}"}}}}"#);
            rule("forward", &matches(&left, &format!("\"{TUN}\"")))
        };
        let half = look(&[drop.clone(), way("iifname")]);
        assert_eq!(half[0].refused, [Passage::Answers]);
        assert_eq!(look(&[drop, way("iifname"), way("oifname")]), []);
    }

    #[test]
    fn an_input_chain_that_refuses_is_one_until_the_port_is_accepted() {
        let end = rule("input", r#"{"counter": null}, {"drop": null}"#);
        let accept = chain("input", "accept");
        let found = look(&[accept.clone(), end.clone()]);
        assert_eq!(found[0].refused, [Passage::Port(Transport::Udp, 1194)]);
        let left = |protocol: &str| {
            format!(r#"{{"payload": {{"protocol": "{protocol}", "field": "dport"}}}}"#)
        };
        for (protocol, ports, passes) in [
            ("udp", "1194", true),
            ("th", "1194", true),
            ("udp", r#"{"set": [53, {"range": [1000, 2000]}]}"#, true),
            ("tcp", "1194", false),
            ("udp", "1195", false),
        ] {
            let opens = rule("input", &matches(&left(protocol), ports));
            let is_clean = look(&[accept.clone(), opens, end.clone()]).is_empty();
            assert_eq!(is_clean, passes, "{protocol} {ports}");
        }
    }

    #[test]
    fn our_own_table_and_chains_that_accept_are_none() {
        let own = chain("forward", "drop").replace("\"filter\"", "\"gatehouse\"");
        assert_eq!(look(&[own, chain("input", "accept")]), []);
        assert!(obstacles("no json", &WAYS).is_err());
        assert_eq!(obstacles("{}", &WAYS), Ok(Vec::new()));
    }

    #[test]
    fn chains_of_bridges_and_of_other_families_are_none() {
        for family in ["bridge", "arp", "ip6", "netdev"] {
            let other = |hook| chain(hook, "drop").replace("\"ip\"", &format!("\"{family}\""));
            assert_eq!(look(&[other("forward"), other("input")]), [], "{family}");
        }
        let both = chain("forward", "drop").replace("\"ip\"", "\"inet\"");
        assert_eq!(look(&[both]).len(), 1);
    }

    #[test]
    fn what_a_chain_jumps_to_accepts_and_refuses_for_it() {
        let drop = chain("input", "drop");
        let port = matches(
            r#"{"payload": {"protocol": "udp", "field": "dport"}}"#,
            "1194",
        );
        let (to_user, to_zone) = (jump("jump", "user"), jump("goto", "zone"));
        let ufw = [
            drop.clone(),
            rule("input", &to_user),
            rule("user", &to_zone),
            rule("zone", &port),
        ];
        assert_eq!(look(&ufw), []);
        assert_eq!(look(&ufw[..3]).len(), 1, "nothing accepts the port");
        let refuses = rule("user", r#"{"reject": null}"#);
        let accept = chain("input", "accept");
        let found = look(&[accept.clone(), rule("input", &to_user), refuses.clone()]);
        assert_eq!(found[0].how, "refuses them by a rule");
        let returns = rule("user", r#"{"return": null}"#);
        let clean = look(&[accept, rule("input", &to_user), returns, refuses]);
        assert_eq!(clean, []);
        // No end, which the kernel would not take.
        let ring = rule("user", &jump("jump", "user"));
        assert_eq!(look(&[drop, rule("input", &to_user), ring]).len(), 1);
    }

    #[test]
    fn a_map_of_verdicts_is_followed_for_the_gateways_device() {
        let map = |device: &str| {
            rule(
                "forward",
                &format!(
                    r#"{{"vmap": {{"key": {{"meta": {{"key": "iifname"}}}}, "data": {{"set": [["{device}", {{"goto": {{"target": "zone"}}}}]]}}}}}}"#
                ),
            )
        };
        let end = [
            rule("zone", r#"{"accept": null}"#),
            rule("forward", &state(r#"["established", "related"]"#)),
        ];
        let look_by = |device: &str| {
            let mut objects = vec![chain("forward", "drop"), map(device)];
            objects.extend(end.clone());
            look(&objects)
        };
        assert_eq!(look_by(TUN), []);
        assert_eq!(look_by("docker0")[0].refused, [Passage::FromClients]);
    }

    #[test]
    fn exits_and_flows_that_others_open_have_to_pass_too() {
        let exits = ["gh7-e0".to_owned(), "gh7-e1".to_owned()];
        let ways = Ways {
            exits: &exits,
            opened: true,
            ..WAYS
        };
        let refused = |rules: &[String]| {
            let all = [&[chain("forward", "drop")], rules].concat();
            let listing = format!(r#"{{"nftables": [{}]}}"#, all.join(", "));
            let found = obstacles(&listing, &ways).unwrap();
            found.first().map(|it| it.refused.clone())
        };
        let from = rule("forward", &named("iifname", TUN));
        let answers = rule("forward", &state(r#"["established", "related"]"#));
        assert_eq!(
            refused(&[from.clone(), answers]),
            Some(vec![Passage::FromExits, Passage::ToClients])
        );
        let to = rule("forward", &named("oifname", TUN));
        let one = rule("forward", &named("iifname", "gh7-e0"));
        assert_eq!(
            refused(&[from.clone(), to.clone(), one]),
            Some(vec![Passage::FromExits])
        );
        let all = rule("forward", &named("iifname", "gh*"));
        assert_eq!(refused(&[from, to, all]), None);
    }

    #[test]
    fn a_rule_with_a_limit_refuses_nothing_for_certain() {
        let limited = rule("input", r#"{"limit": {"rate": 9}}, {"drop": null}"#);
        assert_eq!(look(&[chain("input", "accept"), limited]), []);
        let lo = rule("input", &named("iifname", "lo"));
        assert_eq!(look(&[chain("input", "drop"), lo]).len(), 1);
    }
}
