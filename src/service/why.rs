//! Why: may a user reach an address, by the policy that packets are judged with.

use std::net::Ipv4Addr;

use jiff::Timestamp;

use super::{
    access,
    endpoints::living,
    fields::{invalid, listed, needed},
};
use crate::{
    model::{
        Answer, Association, AssociationState, Code, Connection, ConnectionState, Decision,
        Endpoint, Explanation, IpProtocol, Refusal, View, Way, command::Why,
    },
    policy::{Asker, OwnAddresses, Policy, Traffic, Verdict},
};

/// Who is asked about.
struct Subject<'v> {
    user: &'v str,
    /// The live connection, where one was named.
    connection: Option<&'v Connection>,
}

pub(super) fn explain(
    view: &View,
    wanted: &Why,
    own: &OwnAddresses,
    now: Timestamp,
) -> Result<Answer, Refusal> {
    let snapshot = &view.snapshot;
    let endpoint = living(snapshot, &wanted.client_vpn_endpoint_id)?;
    let subject = subject(view, endpoint, wanted)?;
    let destination = destination(&wanted.destination)?;
    let protocol = access::protocol(wanted.protocol.as_deref())?;
    let traffic = traffic(protocol, wanted.port)?;
    // It judges nothing but this question, so its generation is of no consequence.
    let policy = Policy::compile(snapshot, endpoint, own, now, 0);
    let way = |association: &Association| {
        let asker = Asker {
            user: subject.user,
            address: subject.connection.map(|connection| connection.client_ip),
            subnet: &association.subnet_id,
        };
        let (verdict, steps) = policy.explain(asker, destination, traffic);
        Way {
            association_id: association.id.clone(),
            subnet_id: association.subnet_id.clone(),
            verdict: decision(verdict),
            refusal: match verdict {
                Verdict::Allow => None,
                Verdict::Deny(reason) => Some(reason.name().to_owned()),
            },
            steps,
        }
    };
    let could_carry = |association: &&Association| match subject.connection {
        Some(connection) => association.id == connection.association_id,
        None => association.state == AssociationState::Associated,
    };
    let associations = snapshot.associations_of(&endpoint.id).filter(could_carry);
    let ways: Vec<Way> = associations.map(way).collect();
    let is_allowed = !ways.is_empty() && ways.iter().all(|way| way.verdict == Decision::Allow);
    let verdict = if is_allowed {
        Decision::Allow
    } else {
        Decision::Deny
    };
    Ok(Answer::Explanation(Box::new(Explanation {
        verdict,
        user: subject.user.to_owned(),
        connection_id: subject.connection.map(|connection| connection.id.clone()),
        destination,
        protocol,
        port: wanted.port,
        sentence: sentence(&subject, destination, protocol, wanted.port, &ways),
        ways,
    })))
}

fn subject<'v>(
    view: &'v View,
    endpoint: &Endpoint,
    wanted: &'v Why,
) -> Result<Subject<'v>, Refusal> {
    let given = |text: &'v Option<String>| {
        let text = text.as_deref().map(str::trim);
        text.filter(|text| !text.is_empty())
    };
    match (given(&wanted.user), given(&wanted.connection_id)) {
        (Some(user), None) => Ok(Subject {
            user,
            connection: None,
        }),
        (None, Some(id)) => {
            let connection = connection(view, endpoint, id)?;
            Ok(Subject {
                user: &connection.common_name,
                connection: Some(connection),
            })
        }
        (Some(_), Some(_)) => Err(Refusal::new(
            Code::InvalidParameterCombination,
            "Give either User or ConnectionId, not both",
        )
        .at(CONNECTION)),
        (None, None) => Err(Refusal::missing(USER, "alice").cure("alice")),
    }
}

/// The live connection of the endpoint that the field names.
fn connection<'v>(
    view: &'v View,
    endpoint: &Endpoint,
    id: &str,
) -> Result<&'v Connection, Refusal> {
    let is_live = |connection: &&Connection| {
        connection.endpoint_id == endpoint.id && connection.state != ConnectionState::Terminated
    };
    let live: Vec<_> = view.live.connections.iter().filter(is_live).collect();
    if let Some(found) = live.iter().find(|connection| connection.id.as_str() == id) {
        return Ok(found);
    }
    let hint = if live.is_empty() {
        "it has none; ask for a User instead".to_owned()
    } else {
        format!(
            "it has {}",
            listed(live.iter().map(|connection| &connection.id))
        )
    };
    let mut refusal = Refusal::new(
        Code::ConnectionNotFound,
        format!("{} has no live connection {id}; {hint}", endpoint.id),
    )
    .at(CONNECTION);
    refusal.cure = live.first().map(|connection| connection.id.to_string());
    Err(refusal)
}

fn destination(text: &str) -> Result<Ipv4Addr, Refusal> {
    let text = needed(DESTINATION, text, ADDRESS)?;
    text.parse().map_err(|_| {
        invalid(
            DESTINATION,
            format!("\"{text}\" is not an IPv4 address, for example {ADDRESS}"),
        )
        .cure(ADDRESS)
    })
}

fn traffic(protocol: Option<IpProtocol>, port: Option<u16>) -> Result<Traffic, Refusal> {
    match (protocol, port) {
        (None, None) => Ok(Traffic::ALL),
        (Some(protocol), port) if port.is_none() || protocol.has_ports() => {
            Ok(Traffic::new(protocol, port))
        }
        _ => Err(invalid(
            "Protocol",
            "Only tcp and udp have ports; name one of them, or no port",
        )
        .cure("tcp")),
    }
}

fn decision(verdict: Verdict) -> Decision {
    if verdict.is_allow() {
        Decision::Allow
    } else {
        Decision::Deny
    }
}

fn sentence(
    subject: &Subject<'_>,
    destination: Ipv4Addr,
    protocol: Option<IpProtocol>,
    port: Option<u16>,
    ways: &[Way],
) -> String {
    let user = subject.user;
    let what = match (protocol, port) {
        (None, _) => "all traffic".to_owned(),
        (Some(protocol), None) => protocol.to_string().to_uppercase(),
        (Some(protocol), Some(port)) => {
            format!("{} port {port}", protocol.to_string().to_uppercase())
        }
    };
    let (open, closed): (Vec<&Way>, Vec<&Way>) =
        ways.iter().partition(|way| way.verdict == Decision::Allow);
    let through = |ways: &[&Way]| listed(ways.iter().map(|way| &way.subnet_id));
    match (open.as_slice(), closed.as_slice()) {
        ([], []) => format!(
            "{user} does not reach {destination}: the endpoint has no associated target network."
        ),
        (open, []) => format!(
            "{user} reaches {destination} with {what} through {}.",
            through(open)
        ),
        ([], closed) => {
            let mut why: Vec<_> = closed
                .iter()
                .filter_map(|way| way.steps.last())
                .map(ToString::to_string)
                .collect();
            why.dedup();
            format!(
                "{user} does not reach {destination} with {what}. {}",
                why.join(" ")
            )
        }
        (open, closed) => format!(
            "{user} reaches {destination} with {what} where the session is bound to {}, and not where it is bound to {}; which one it is, is settled when the client connects.",
            through(open),
            through(closed)
        ),
    }
}

const USER: &str = "User";
const CONNECTION: &str = "ConnectionId";
const DESTINATION: &str = "Destination";
const ADDRESS: &str = "10.1.1.9";
