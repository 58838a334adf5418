//! Connections: who is connected, ending it, and having clients come back.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::{
    Service,
    change::{Change, Terms},
    endpoints::endpoint,
    fields::{invalid, listed, needed},
    filters::select,
};
use crate::{
    model::{
        Answer, ClientBlock, Code, Connection, ConnectionId, ConnectionState, Endpoint, Refusal,
        Snapshot, View,
        command::{
            DescribeOfEndpoint, OfEndpoint, ReconnectConnections, TerminateConnections,
            Termination, Terminations, UnblockClient,
        },
    },
    tunnel::{BoxFuture, Gateway},
};

/// How the gateway is told to end connections.
type Tell = fn(&dyn Gateway, Vec<ConnectionId>) -> BoxFuture<'_, Vec<(ConnectionId, bool)>>;

impl Service {
    /// Ends connections, and keeps their clients out for a while where that is asked for: then all
    /// connections of those clients to the endpoint end.
    pub(super) async fn terminate(
        &self,
        terms: Terms,
        command: TerminateConnections,
    ) -> Result<Answer, Refusal> {
        let asked = Asked {
            endpoint: command.client_vpn_endpoint_id.clone(),
            username: command.username.clone(),
            block_minutes: command.block_minutes,
        };
        let pick =
            move |live: &[Connection], endpoint: &Endpoint| targets(live, endpoint, &command);
        self.end(terms, asked, pick, |gateway, ids| gateway.terminate(ids))
            .await
    }

    /// Ends connections so that their clients come back at once.
    pub(super) async fn reconnect(
        &self,
        terms: Terms,
        command: ReconnectConnections,
    ) -> Result<Answer, Refusal> {
        let asked = Asked {
            endpoint: command.client_vpn_endpoint_id.clone(),
            username: None,
            block_minutes: None,
        };
        let pick = move |live: &[Connection], _: &Endpoint| to_reconnect(live, &command);
        self.end(terms, asked, pick, |gateway, ids| gateway.reconnect(ids))
            .await
    }

    /// Ends the connections of an endpoint that are picked among its live ones. The event is durable
    /// before the gateway is asked, and the answer waits a moment for the gateway's.
    async fn end(
        &self,
        terms: Terms,
        asked: Asked,
        pick: impl FnOnce(&[Connection], &Endpoint) -> Result<Vec<ConnectionId>, Refusal>
        + Send
        + 'static,
        tell: Tell,
    ) -> Result<Answer, Refusal> {
        let board = Arc::clone(&self.inner.board);
        let answer = self
            .change(terms, move |change| {
                let snapshot = change.snapshot.clone();
                let endpoint = endpoint(&snapshot, &asked.endpoint)?;
                let live = board.live_of(&endpoint.id);
                let mut targets = pick(&live, endpoint)?;
                change.concerns(&endpoint.id);
                if let Some(minutes) = asked.block_minutes {
                    targets = change.block(endpoint, minutes, &live, &targets)?;
                }
                for id in &targets {
                    change.concerns(id);
                }
                Ok(Answer::Terminations(Terminations {
                    client_vpn_endpoint_id: endpoint.id.clone(),
                    username: asked.username,
                    connections: targets.into_iter().map(told).collect(),
                }))
            })
            .await?;
        let Answer::Terminations(mut terminations) = answer else {
            return Ok(answer);
        };
        self.tell(tell, &mut terminations.connections).await;
        Ok(Answer::Terminations(terminations))
    }

    async fn tell(&self, tell: Tell, connections: &mut [Termination]) {
        let ids: Vec<_> = connections.iter().map(|told| told.id.clone()).collect();
        let answers = match self.gateway() {
            Some(gateway) => tokio::time::timeout(PATIENCE, tell(gateway.as_ref(), ids)).await,
            None => Ok(Vec::new()),
        };
        let answers = answers.unwrap_or_default();
        for told in connections {
            let answer = answers.iter().find(|(id, _)| *id == told.id);
            let was_live = answer.map(|(_, was_live)| *was_live);
            told.current = if self.inner.board.has_ended(&told.id) {
                ConnectionState::Terminated
            } else {
                match was_live {
                    Some(true) => ConnectionState::Terminating,
                    Some(false) => ConnectionState::Terminated,
                    None => ConnectionState::FailedToTerminate,
                }
            };
        }
    }
}

/// What is asked of connections of an endpoint, beside which.
struct Asked {
    endpoint: String,
    username: Option<String>,
    block_minutes: Option<u32>,
}

impl Change<'_, '_> {
    /// Keeps the clients of these connections out of the endpoint. Answers all their live
    /// connections to it.
    fn block(
        &mut self,
        endpoint: &Endpoint,
        minutes: u32,
        live: &[Connection],
        targets: &[ConnectionId],
    ) -> Result<Vec<ConnectionId>, Refusal> {
        if !BLOCK_MINUTES.contains(&minutes) {
            return Err(invalid(
                "BlockMinutes",
                format!(
                    "Clients are kept out for {} to {} minutes (a week), for example 60",
                    BLOCK_MINUTES.start(),
                    BLOCK_MINUTES.end()
                ),
            )
            .cure("60"));
        }
        let span = SignedDuration::from_mins(i64::from(minutes));
        let until = self.now.checked_add(span).unwrap_or(Timestamp::MAX);
        let named = live.iter().filter(|it| targets.contains(&it.id));
        let names: BTreeSet<&str> = named.map(|it| it.common_name.as_str()).collect();
        for name in &names {
            self.tx.put_block(&ClientBlock {
                endpoint_id: endpoint.id.clone(),
                common_name: (*name).to_owned(),
                until,
            })?;
        }
        let all = live.iter();
        let all = all.filter(|it| names.contains(it.common_name.as_str()));
        Ok(all.map(|it| it.id.clone()).collect())
    }

    /// Lets a client in again before its block is over.
    pub(super) fn unblock(&mut self, command: &UnblockClient) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let endpoint = endpoint(&snapshot, &command.client_vpn_endpoint_id)?;
        self.concerns(&endpoint.id);
        let name = needed(COMMON_NAME, &command.common_name, "client1")?;
        let blocked: Vec<&str> = blocked(&snapshot, endpoint, self.now)
            .map(|block| block.common_name.as_str())
            .collect();
        if !blocked.contains(&name) {
            let (hint, cure) = match blocked.first() {
                Some(first) => (format!("; those who are: {}", listed(&blocked)), first),
                None => (", nor is anybody else".to_owned(), &""),
            };
            let refusal = invalid(
                COMMON_NAME,
                format!("{name} is not kept out of {}{hint}", endpoint.id),
            );
            return Err(match *cure {
                "" => refusal,
                cure => refusal.cure(cure),
            });
        }
        self.tx.delete_block(&endpoint.id, name)?;
        Ok(Answer::Done)
    }
}

/// Who is kept out of an endpoint at `now`.
pub(super) fn blocked<'s>(
    snapshot: &'s Snapshot,
    endpoint: &'s Endpoint,
    now: Timestamp,
) -> impl Iterator<Item = &'s ClientBlock> {
    let blocks = snapshot.blocks.iter();
    blocks.filter(move |block| block.endpoint_id == endpoint.id && block.until > now)
}

pub(super) fn blocks(
    snapshot: &Snapshot,
    wanted: &OfEndpoint,
    now: Timestamp,
) -> Result<Answer, Refusal> {
    let endpoint = endpoint(snapshot, &wanted.client_vpn_endpoint_id)?;
    let blocks = blocked(snapshot, endpoint, now).cloned().collect();
    Ok(Answer::ClientBlocks(blocks))
}

pub(super) fn describe(view: &View, wanted: &DescribeOfEndpoint) -> Result<Answer, Refusal> {
    let endpoint = endpoint(&view.snapshot, &wanted.client_vpn_endpoint_id)?;
    let of_endpoint = || {
        view.live
            .connections
            .iter()
            .filter(|connection| connection.endpoint_id == endpoint.id)
    };
    let named = wanted
        .ids
        .iter()
        .map(|id| {
            of_endpoint()
                .find(|connection| connection.id.as_str() == id)
                .ok_or_else(|| not_found(id))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let names = ["connection-id", "username"];
    let value = |connection: &Connection, name: &str| match name {
        "connection-id" => vec![connection.id.to_string()],
        _ => vec![connection.common_name.clone()],
    };
    let found = if named.is_empty() {
        select(of_endpoint(), &wanted.filters, &names, value)
    } else {
        select(named.into_iter(), &wanted.filters, &names, value)
    };
    found.map(Answer::Connections)
}

/// Whether one more client fits into the endpoint.
pub(super) fn has_room(snapshot: &Snapshot, live: usize) -> bool {
    live < snapshot.settings.max_connections as usize
}

/// The connections that the command names, among the `live` ones of the endpoint.
fn targets(
    live: &[Connection],
    endpoint: &Endpoint,
    command: &TerminateConnections,
) -> Result<Vec<ConnectionId>, Refusal> {
    let given = |text: &Option<String>| {
        let text = text.as_deref().map(str::trim);
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let several = !command.connection_ids.is_empty();
    match (given(&command.connection_id), given(&command.username)) {
        (Some(_), Some(_)) => Err(only_one(CONNECTION_ID)),
        (Some(_), None) | (None, Some(_)) if several => Err(only_one(CONNECTION_IDS)),
        (Some(id), None) => Ok(vec![find(live, &id)?]),
        (None, Some(name)) => of_user(live, endpoint, &name, command.block_minutes.is_some()),
        (None, None) if several => named(live, &command.connection_ids),
        (None, None) => {
            Err(Refusal::missing(CONNECTION_ID, CONNECTION_EXAMPLE).cure(CONNECTION_EXAMPLE))
        }
    }
}

fn only_one(field: &str) -> Refusal {
    Refusal::new(
        Code::InvalidParameterCombination,
        "Give one of ConnectionId, ConnectionIds and Username, not more",
    )
    .at(field)
}

/// The connections with these identifiers, each once.
fn named(live: &[Connection], ids: &[String]) -> Result<Vec<ConnectionId>, Refusal> {
    let find = |id: &String| find(live, id).map_err(|refusal| refusal.at(CONNECTION_IDS));
    let found: BTreeSet<_> = ids.iter().map(find).collect::<Result<_, _>>()?;
    Ok(found.into_iter().collect())
}

fn find(live: &[Connection], id: &str) -> Result<ConnectionId, Refusal> {
    let found = live.iter().find(|it| it.id.as_str() == id.trim());
    found.map(|it| it.id.clone()).ok_or_else(|| not_found(id))
}

/// The connections that are to come back: those named, or each one that lacks something.
fn to_reconnect(
    live: &[Connection],
    command: &ReconnectConnections,
) -> Result<Vec<ConnectionId>, Refusal> {
    if command.connection_ids.is_empty() {
        let lacking = live.iter().filter(|c| c.reconnect.is_some());
        let ids: Vec<_> = lacking.map(|c| c.id.clone()).collect();
        return if ids.is_empty() {
            Err(Refusal::new(
                Code::ConnectionNotFound,
                "Every client has what it should, so none has to reconnect; name connections that are to do so all the same",
            )
            .at(CONNECTION_IDS)
            .cure(CONNECTION_EXAMPLE))
        } else {
            Ok(ids)
        };
    }
    named(live, &command.connection_ids)
}

fn of_user(
    live: &[Connection],
    endpoint: &Endpoint,
    name: &str,
    is_blocked: bool,
) -> Result<Vec<ConnectionId>, Refusal> {
    let found: Vec<_> = live
        .iter()
        .filter(|connection| connection.common_name == name)
        .map(|connection| connection.id.clone())
        .collect();
    match found.len() {
        0 => Err(Refusal::new(
            Code::UserNotFound,
            format!("{name} has no active connection to {}", endpoint.id),
        )
        .at(USERNAME)),
        // Who is kept out keeps none of them, however many there are.
        count if is_blocked || count <= MOST_AT_ONCE => Ok(found),
        count => Err(Refusal::new(
            Code::TerminateLimitExceeded,
            format!(
                "{name} has {count} connections and one call ends at most {MOST_AT_ONCE}; end them by ConnectionIds"
            ),
        )
        .at(USERNAME)),
    }
}

fn told(id: ConnectionId) -> Termination {
    Termination {
        id,
        previous: ConnectionState::Active,
        current: ConnectionState::Terminating,
    }
}

fn not_found(id: &str) -> Refusal {
    Refusal::new(
        Code::ConnectionNotFound,
        format!("There is no active connection {id}"),
    )
    .at(CONNECTION_ID)
}

/// How far back attempts are told: as the store keeps them.
pub(super) const MAX_ATTEMPTS: usize = 1_000;
const CONNECTION_ID: &str = "ConnectionId";
const CONNECTION_IDS: &str = "ConnectionIds";
const USERNAME: &str = "Username";
const COMMON_NAME: &str = "CommonName";
/// A week at most: who is to stay out for longer has a certificate to be revoked.
const BLOCK_MINUTES: std::ops::RangeInclusive<u32> = 1..=10_080;
const CONNECTION_EXAMPLE: &str = "cvpn-connection-0a1b2c3d4e5f60718";
/// AWS's limit for one call by user name.
const MOST_AT_ONCE: usize = 5;
/// How long the answer waits for the gateway's.
const PATIENCE: Duration = Duration::from_secs(1);

/// Connections that ended before this are not listed any more.
pub(super) fn listed_since(now: Timestamp) -> Timestamp {
    now.checked_sub(super::board::SHOWN_FOR)
        .unwrap_or(Timestamp::UNIX_EPOCH)
}
