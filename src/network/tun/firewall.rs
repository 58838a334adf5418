//! The nftables table of our own: address translation, and what keeps the gateway itself out of reach.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Write as _};
use std::process::{Command, Stdio};

use ipnet::Ipv4Net;
use nftables::batch::Batch;
use nftables::expr::{
    Expression, Meta, MetaKey, NamedExpression, Payload, PayloadField, Prefix, SetItem,
};
use nftables::helper::{NftablesError, get_current_ruleset_raw};
use nftables::schema::{Chain, NfListObject, Rule, Table};
use nftables::stmt::{Match, NAT, NATFamily, Operator, Statement};
use nftables::types::{NfChainPolicy, NfChainType, NfFamily, NfHook};

use super::exit::Exit;
use crate::model::network::Via;
use crate::network::doctor::{OWN_TABLE, Obstacle, Ways, nft_program as program, obstacles};
use crate::network::{Error, Plan};

/// The one table this program writes, in the family `inet`.
pub(super) const TABLE: &str = OWN_TABLE;

/// Priorities as nftables names them: `filter` is 0, `srcnat` is 100.
const FILTER: i32 = 0;
const SOURCE_NAT: i32 = 100;

/// Replaces our whole table in one transaction: there is no moment without its rules. `lock` is the
/// journal's.
pub(super) fn replace(
    tun: &str,
    exits: &[&Exit],
    plan: &Plan,
    guarded: &[String],
    lock: &File,
) -> Result<(), Error> {
    let mut batch = emptied();
    batch.add(NfListObject::Table(table()));

    batch.add(base_chain(
        "input",
        NfChainType::Filter,
        NfHook::Input,
        FILTER,
    ));
    // The policy refuses the gateway's own addresses; this holds even if it ever did not.
    for device in exits.iter().map(|exit| exit.name()).chain([tun]) {
        let from_clients = interface(MetaKey::Iifname, Operator::EQ, device);
        batch.add(rule("input", vec![from_clients, Statement::Drop(None)]));
    }

    batch.add(base_chain(
        "forward",
        NfChainType::Filter,
        NfHook::Forward,
        FILTER,
    ));
    if !guarded.is_empty() {
        let from = Statement::Match(Match {
            left: meta(MetaKey::Iifname),
            right: any_of(guarded.iter().map(|name| text(name))),
            op: Operator::EQ,
        });
        let elsewhere = interface(MetaKey::Oifname, Operator::NEQ, tun);
        batch.add(rule(
            "forward",
            vec![from, elsewhere, Statement::Drop(None)],
        ));
    }

    batch.add(base_chain(
        "postrouting",
        NfChainType::NAT,
        NfHook::Postrouting,
        SOURCE_NAT,
    ));
    for statements in translations(tun, exits, plan) {
        batch.add(rule("postrouting", statements));
    }
    run(batch, lock)
}

/// Which source addresses are translated: those of clients, unless they come from an exit without NAT.
fn translations<'a>(tun: &'a str, exits: &[&'a Exit], plan: &Plan) -> Vec<Vec<Statement<'a>>> {
    let from = |exit: &&'a Exit| interface(MetaKey::Iifname, Operator::EQ, exit.name());
    let mut all = Vec::new();
    for exit in exits {
        match (exit.plan().nat, &exit.plan().via) {
            (false, _) => all.push(vec![from(exit), Statement::Accept(None)]),
            (true, Via::SourceAddress(address)) => {
                let to = NAT {
                    addr: Some(Expression::String(address.to_string().into())),
                    family: Some(NATFamily::IP),
                    port: None,
                    flags: None,
                };
                all.push(vec![from(exit), Statement::SNAT(Some(to))]);
            }
            (true, _) => {}
        }
    }
    for range in plan.ranges.iter().filter(|range| range.nat) {
        all.push(vec![
            source_in(range.network),
            interface(MetaKey::Oifname, Operator::NEQ, tun),
            Statement::Masquerade(None),
        ]);
    }
    all
}

/// Removes our table; that there is none is no error. `lock` is the journal's.
pub(super) fn remove(lock: &File) -> Result<(), Error> {
    run(emptied(), lock)
}

/// Whether this process may use nftables, and if not, why, as the end of a sentence.
pub(super) fn usable() -> Result<(), String> {
    match get_current_ruleset_raw(Some(program()), ["list", "tables"]) {
        Ok(_) => Ok(()),
        Err(NftablesError::NftExecution { .. }) => {
            Err("the program nft is missing (package nftables)".to_owned())
        }
        Err(error) => Err(format!("nft does not work here: {}", explain(&error))),
    }
}

/// Sentences about other tables that drop what we would forward, out of the device `tun` and those
/// of exits. A packet passes only if every table's forward chain accepts it, so our own accept cannot
/// help.
pub(super) fn forward_warnings(tun: &str, exits: &[String]) -> Vec<String> {
    // "-t" leaves out the elements of sets, which can be many thousands.
    get_current_ruleset_raw(Some(program()), ["-t", "list", "ruleset"])
        .map(|json| warnings_of(&json, tun, exits))
        .unwrap_or_default()
}

fn warnings_of(json: &str, tun: &str, exits: &[String]) -> Vec<String> {
    let ways = Ways {
        tun: Some(tun),
        exits,
        ..Ways::default()
    };
    let obstacles = obstacles(json, &ways).unwrap_or_default();
    let sentences = obstacles.iter().map(|obstacle| {
        let Obstacle {
            family,
            table,
            chain,
            how,
            ..
        } = obstacle;
        format!(
            "This machine's firewall refuses forwarded packets: chain {chain} of table {family} {table} {how}. \
             Clients reach the networks behind this machine only if a rule there accepts them.",
        )
    });
    sentences.collect()
}

/// Runs `nft`, which outlives this process by a moment if that is killed. Its standard output, to
/// which it writes nothing, is the journal's lock: so the lock stays taken until it has ended, and
/// the next start does not clean up before.
fn run(batch: Batch<'_>, lock: &File) -> Result<(), Error> {
    let refused = |error: io::Error| Error::Firewall(error.to_string());
    let input = serde_json::to_vec(&batch.to_nftables())
        .map_err(|error| Error::Firewall(error.to_string()))?;
    let mut nft = Command::new(program())
        .args(["-j", "-f", "-"])
        .stdin(Stdio::piped())
        .stdout(lock.try_clone().map_err(refused)?)
        .stderr(Stdio::piped())
        .spawn()
        .map_err(refused)?;
    // An error here is one of nft's, which says itself what it is.
    let written = nft.stdin.take().map(|mut stdin| stdin.write_all(&input));
    let output = nft.wait_with_output().map_err(refused)?;
    if !output.status.success() {
        return Err(Error::Firewall(first_line(&String::from_utf8_lossy(
            &output.stderr,
        ))));
    }
    written.transpose().map(drop).map_err(refused)
}

fn first_line(stderr: &str) -> String {
    let line = stderr.lines().find(|line| !line.trim().is_empty());
    line.unwrap_or("no message").trim().to_owned()
}

fn explain(error: &NftablesError) -> String {
    match error {
        NftablesError::NftFailed { stderr, .. } => first_line(stderr),
        other => other.to_string(),
    }
}

/// A transaction that begins by removing our table. It is added first, because deleting a table
/// that is not there is an error.
fn emptied<'a>() -> Batch<'a> {
    let mut batch = Batch::new();
    batch.add(NfListObject::Table(table()));
    batch.delete(NfListObject::Table(table()));
    batch
}

fn table() -> Table<'static> {
    Table {
        family: NfFamily::INet,
        name: TABLE.into(),
        handle: None,
    }
}

fn base_chain<'a>(
    name: &'static str,
    kind: NfChainType,
    hook: NfHook,
    priority: i32,
) -> NfListObject<'a> {
    NfListObject::Chain(Chain {
        family: NfFamily::INet,
        table: TABLE.into(),
        name: name.into(),
        newname: None,
        handle: None,
        _type: Some(kind),
        hook: Some(hook),
        prio: Some(priority),
        dev: None,
        policy: Some(NfChainPolicy::Accept),
    })
}

fn rule<'a>(chain: &'static str, statements: Vec<Statement<'a>>) -> NfListObject<'a> {
    NfListObject::Rule(Rule {
        family: NfFamily::INet,
        table: TABLE.into(),
        chain: chain.into(),
        expr: Cow::Owned(statements),
        handle: None,
        index: None,
        comment: None,
    })
}

fn interface(key: MetaKey, op: Operator, name: &str) -> Statement<'_> {
    Statement::Match(Match {
        left: meta(key),
        right: text(name),
        op,
    })
}

fn source_in(network: Ipv4Net) -> Statement<'static> {
    Statement::Match(Match {
        left: Expression::Named(NamedExpression::Payload(Payload::PayloadField(
            PayloadField {
                protocol: "ip".into(),
                field: "saddr".into(),
            },
        ))),
        right: Expression::Named(NamedExpression::Prefix(Prefix {
            addr: Box::new(Expression::String(network.network().to_string().into())),
            len: u32::from(network.prefix_len()),
        })),
        op: Operator::EQ,
    })
}

fn meta(key: MetaKey) -> Expression<'static> {
    Expression::Named(NamedExpression::Meta(Meta { key }))
}

fn text(value: &str) -> Expression<'_> {
    Expression::String(value.into())
}

fn any_of<'a>(items: impl Iterator<Item = Expression<'a>>) -> Expression<'a> {
    Expression::Named(NamedExpression::Set(items.map(SetItem::Element).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DROPS: &str = r#"{"chain": {"family": "ip", "table": "filter", "name": "FORWARD", "hook": "forward", "policy": "drop"}}"#;

    #[test]
    fn another_tables_forward_chain_that_drops_is_named_in_a_warning() {
        let json = format!(
            r#"{{"nftables": [{{"metainfo": {{}}}}, {DROPS},
            {{"chain": {{"family": "ip", "table": "filter", "name": "INPUT", "hook": "input", "policy": "drop"}}}},
            {{"chain": {{"family": "bridge", "table": "filter", "name": "FORWARD", "hook": "forward", "policy": "drop"}}}},
            {{"chain": {{"family": "inet", "table": "gatehouse", "name": "forward", "hook": "forward", "policy": "drop"}}}}]}}"#
        );
        let warnings = warnings_of(&json, "gatehouse0", &[]);
        assert_eq!(warnings.len(), 1);
        assert!(
            warnings[0].contains("chain FORWARD of table ip filter has the policy drop"),
            "{}",
            warnings[0]
        );
    }

    #[test]
    fn a_forward_chain_that_accepts_the_gateways_devices_gives_no_warning() {
        let accepts = |key: &str, name: &str| {
            format!(
                r#"{{"rule": {{"family": "ip", "table": "filter", "chain": "FORWARD", "expr": [{{"match": {{"op": "==", "left": {{"meta": {{"key": "{key}"}}}}, "right": "{name}"}}}}, {{"accept": null}}]}}}}"#
            )
        };
        let json = format!(
            r#"{{"nftables": [{DROPS}, {}, {}]}}"#,
            accepts("iifname", "gatehouse0"),
            accepts("oifname", "gatehouse0")
        );
        assert_eq!(warnings_of(&json, "gatehouse0", &[]), Vec::<String>::new());
        let exits = ["gh4-e1".to_owned()];
        assert_eq!(warnings_of(&json, "gatehouse0", &exits).len(), 1);
    }

    #[test]
    fn a_listing_that_is_not_understood_gives_no_warning() {
        for listing in ["not json", r#"{"nftables": 3}"#] {
            assert_eq!(
                warnings_of(listing, "gatehouse0", &[]),
                Vec::<String>::new()
            );
        }
    }
}
