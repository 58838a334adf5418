//! Connections: who is connected, ending it, and having clients come back.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::{Service, change::Terms, endpoints::endpoint, fields::needed, filters::select};
use crate::{
    model::{
        Answer, Code, Connection, ConnectionId, ConnectionState, Endpoint, Refusal, Snapshot, View,
        command::{
            DescribeOfEndpoint, ReconnectConnections, TerminateConnections, Termination,
            Terminations,
        },
    },
    tunnel::{BoxFuture, Gateway},
};

/// How the gateway is told to end connections.
type Tell = fn(&dyn Gateway, Vec<ConnectionId>) -> BoxFuture<'_, Vec<(ConnectionId, bool)>>;

impl Service {
    /// Ends connections.
    pub(super) async fn terminate(
        &self,
        terms: Terms,
        command: TerminateConnections,
    ) -> Result<Answer, Refusal> {
        let (endpoint, username) = (
            command.client_vpn_endpoint_id.clone(),
            command.username.clone(),
        );
        let pick =
            move |live: &[Connection], endpoint: &Endpoint| targets(live, endpoint, &command);
        self.end(terms, (endpoint, username), pick, |gateway, ids| {
            gateway.terminate(ids)
        })
        .await
    }

    /// Ends connections so that their clients come back at once.
    pub(super) async fn reconnect(
        &self,
        terms: Terms,
        command: ReconnectConnections,
    ) -> Result<Answer, Refusal> {
        let endpoint = command.client_vpn_endpoint_id.clone();
        let pick = move |live: &[Connection], _: &Endpoint| to_reconnect(live, &command);
        self.end(terms, (endpoint, None), pick, |gateway, ids| {
            gateway.reconnect(ids)
        })
        .await
    }

    /// Ends the connections of an endpoint that are picked among its live ones. The event is durable
    /// before the gateway is asked, and the answer waits a moment for the gateway's.
    async fn end(
        &self,
        terms: Terms,
        (endpoint_id, username): (String, Option<String>),
        pick: impl FnOnce(&[Connection], &Endpoint) -> Result<Vec<ConnectionId>, Refusal>
        + Send
        + 'static,
        tell: Tell,
    ) -> Result<Answer, Refusal> {
        let board = Arc::clone(&self.inner.board);
        let answer = self
            .change(terms, move |change| {
                let endpoint = endpoint(&change.snapshot, &endpoint_id)?;
                let targets = pick(&board.live_of(&endpoint.id), endpoint)?;
                let terminations = Terminations {
                    client_vpn_endpoint_id: endpoint.id.clone(),
                    username,
                    connections: targets.into_iter().map(told).collect(),
                };
                change
                    .resources
                    .push(terminations.client_vpn_endpoint_id.to_string());
                let ids = terminations
                    .connections
                    .iter()
                    .map(|told| told.id.to_string());
                change.resources.extend(ids);
                Ok(Answer::Terminations(terminations))
            })
            .await?;
        let Answer::Terminations(mut terminations) = answer else {
            return Ok(answer);
        };
        if let Some(gateway) = self.gateway() {
            self.tell(gateway.as_ref(), tell, &mut terminations.connections)
                .await;
        }
        Ok(Answer::Terminations(terminations))
    }

    async fn tell(&self, gateway: &dyn Gateway, tell: Tell, connections: &mut [Termination]) {
        let ids = connections.iter().map(|told| told.id.clone()).collect();
        let answers = tokio::time::timeout(PATIENCE, tell(gateway, ids))
            .await
            .unwrap_or_default();
        for told in connections {
            let was_over = answers.iter().any(|(id, live)| *id == told.id && !*live);
            if was_over || self.inner.board.has_ended(&told.id) {
                told.current = ConnectionState::Terminated;
            }
        }
    }
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
    let given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.trim().is_empty());
    match (given(&command.connection_id), given(&command.username)) {
        (true, true) => Err(Refusal::new(
            Code::InvalidParameterCombination,
            "Give either ConnectionId or Username, not both",
        )
        .at(CONNECTION_ID)),
        (true, false) => {
            let id = command.connection_id.as_deref().unwrap_or_default().trim();
            live.iter()
                .find(|connection| connection.id.as_str() == id)
                .map(|connection| vec![connection.id.clone()])
                .ok_or_else(|| not_found(id))
        }
        (false, _) => {
            let name = command.username.as_deref().unwrap_or_default();
            of_user(
                live,
                endpoint,
                needed(CONNECTION_ID, name, CONNECTION_EXAMPLE)?,
            )
        }
    }
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
    let find = |id: &String| {
        let found = live.iter().find(|c| c.id.as_str() == id.trim());
        found
            .map(|connection| connection.id.clone())
            .ok_or_else(|| not_found(id).at(CONNECTION_IDS))
    };
    command.connection_ids.iter().map(find).collect()
}

fn of_user(
    live: &[Connection],
    endpoint: &Endpoint,
    name: &str,
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
        1..=MOST_AT_ONCE => Ok(found),
        count => Err(Refusal::new(
            Code::TerminateLimitExceeded,
            format!(
                "{name} has {count} connections and one call ends at most {MOST_AT_ONCE}; end them by ConnectionId"
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
