//! Other tables' chains that keep clients' packets out, read from `nft -j list ruleset`.
//!
//! It is a look from outside and not a judgement of every rule: a chain is an obstacle where it
//! refuses what none of its rules accepts, and passes what is asked for only where a rule accepts
//! just that.

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
    /// Packets from clients.
    FromClients,
    /// Answers to them.
    ToClients,
    /// Packets to a port of the gateway.
    Port(Transport, u16),
}

/// The chains that refuse something of ours.
pub(super) fn obstacles(
    listing: &str,
    tun: Option<&str>,
    listeners: &[(Transport, u16)],
) -> Result<Vec<Obstacle>, String> {
    let listing: Value =
        serde_json::from_str(listing).map_err(|_| "nft printed no JSON".to_owned())?;
    let objects = listing["nftables"].as_array().cloned().unwrap_or_default();
    let found = objects.iter().filter_map(|object| {
        let chain = object.get("chain")?;
        let hook = match chain["hook"].as_str()? {
            "forward" => Hook::Forward,
            "input" => Hook::Input,
            _ => return None,
        };
        if chain["table"] == OWN_TABLE {
            return None;
        }
        let how = if chain["policy"] == "drop" {
            "has the policy drop"
        } else if rules_of(&objects, chain)
            .last()
            .is_some_and(|rule| refuses_the_rest(rule))
        {
            "ends in a rule that refuses the rest"
        } else {
            return None;
        };
        let wanted = match hook {
            Hook::Forward if tun.is_some() => vec![Passage::FromClients, Passage::ToClients],
            Hook::Forward => Vec::new(),
            Hook::Input => listeners
                .iter()
                .map(|(transport, port)| Passage::Port(*transport, *port))
                .collect(),
        };
        let is_refused = |passage: &Passage| {
            !rules_of(&objects, chain).any(|rule| accepts(rule, passage, tun.unwrap_or_default()))
        };
        let refused: Vec<Passage> = wanted.into_iter().filter(is_refused).collect();
        (!refused.is_empty()).then(|| Obstacle {
            hook,
            family: word(&chain["family"]),
            table: word(&chain["table"]),
            chain: word(&chain["name"]),
            how,
            refused,
        })
    });
    Ok(found.collect())
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The expressions of the chain's rules, in order.
fn rules_of<'o>(objects: &'o [Value], chain: &'o Value) -> impl Iterator<Item = &'o Vec<Value>> {
    let of_chain = |rule: &&Value| {
        rule["family"] == chain["family"]
            && rule["table"] == chain["table"]
            && rule["chain"] == chain["name"]
    };
    objects
        .iter()
        .filter_map(|object| object.get("rule"))
        .filter(of_chain)
        .filter_map(|rule| rule["expr"].as_array())
}

fn refuses_the_rest(statements: &[Value]) -> bool {
    let is = |statement: &Value, kinds: &[&str]| kinds.iter().any(|k| statement.get(k).is_some());
    statements.iter().any(|one| is(one, &["drop", "reject"]))
        && statements
            .iter()
            .all(|one| is(one, &["drop", "reject", "counter", "log"]))
}

/// Whether a rule accepts this, by a condition that names it.
fn accepts(statements: &[Value], passage: &Passage, tun: &str) -> bool {
    let is_accept = statements.iter().any(|one| one.get("accept").is_some());
    is_accept
        && statements
            .iter()
            .filter_map(|one| one.get("match"))
            .any(|it| {
                if it["op"] != "==" && it["op"] != "in" {
                    return false;
                }
                let (left, right) = (&it["left"], &it["right"]);
                match passage {
                    Passage::FromClients => left["meta"]["key"] == "iifname" && names(right, tun),
                    Passage::ToClients => left["meta"]["key"] == "oifname" && names(right, tun),
                    Passage::Port(transport, port) => {
                        let protocol = &left["payload"]["protocol"];
                        (*protocol == transport.to_string() || *protocol == "th")
                            && left["payload"]["field"] == "dport"
                            && holds(right, *port)
                    }
                }
            })
}

fn names(right: &Value, name: &str) -> bool {
    match right {
        Value::String(text) => text == name,
        Value::Object(_) => right["set"]
            .as_array()
            .is_some_and(|set| set.iter().any(|element| names(element, name))),
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

/// The one table that this program writes.
const OWN_TABLE: &str = "gatehouse";

#[cfg(test)]
mod tests {
    use super::*;

    const TUN: &str = "gatehouse0";

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
        obstacles(&listing, Some(TUN), &[(Transport::Udp, 1194)]).unwrap()
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
        assert_eq!(found[0].refused, [Passage::FromClients, Passage::ToClients]);
        let way = |key: &str| {
            let left = format!(r#"{{"meta": {{"key": "{key}"}}}}"#);
            rule("forward", &matches(&left, &format!("\"{TUN}\"")))
        };
        let half = look(&[drop.clone(), way("iifname")]);
        assert_eq!(half[0].refused, [Passage::ToClients]);
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
        assert!(obstacles("no json", None, &[]).is_err());
        assert_eq!(obstacles("{}", None, &[]), Ok(Vec::new()));
    }
}
