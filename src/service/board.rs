//! What changes by itself: the gateway, its connections, and who was not let in.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::{
    model::{
        Attempt, Connection, ConnectionId, ConnectionState, EndpointId, Live, NetworkMode,
        Snapshot, View,
    },
    tunnel::TunnelLive,
};

/// Keeps the newest state of all that and publishes it, together with the configuration, as one
/// [`View`].
pub(super) struct Board {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    state: Mutex<State>,
    views: watch::Sender<Arc<View>>,
}

#[derive(Default)]
struct State {
    tunnel: Arc<TunnelLive>,
    /// Connections that were reported as opened and not as closed.
    open: BTreeMap<ConnectionId, Connection>,
    /// Connections that have ended, newest end first.
    ended: VecDeque<Connection>,
    /// Clients that were not let in, newest first.
    attempts: VecDeque<Attempt>,
    /// Sentences of the service's own for the administrator.
    warnings: Vec<String>,
}

impl Board {
    /// A board with what the store remembers.
    pub(super) fn new(
        snapshots: watch::Receiver<Arc<Snapshot>>,
        ended: Vec<Connection>,
        attempts: Vec<Attempt>,
    ) -> Self {
        let state = State {
            ended: ended.into(),
            attempts: attempts.into(),
            ..State::default()
        };
        Self {
            snapshots,
            state: Mutex::new(state),
            views: watch::Sender::new(Arc::new(View::default())),
        }
    }

    pub(super) fn views(&self) -> watch::Receiver<Arc<View>> {
        self.views.subscribe()
    }

    /// How packets get into the target networks; none while no gateway runs.
    pub(super) fn mode(&self) -> Option<NetworkMode> {
        self.lock().tunnel.status.mode
    }

    /// The view at this moment.
    pub(super) fn view(&self, now: Timestamp) -> View {
        self.lock().view(self.snapshots.borrow().clone(), now)
    }

    /// Publishes the view at this moment, unless it is the one already published.
    pub(super) fn publish(&self, now: Timestamp) {
        // Under the lock, so that an older view never follows a newer one.
        let state = self.lock();
        let view = state.view(self.snapshots.borrow().clone(), now);
        self.views.send_if_modified(|published| {
            let differs = **published != view;
            if differs {
                *published = Arc::new(view);
            }
            differs
        });
    }

    pub(super) fn set_tunnel(&self, tunnel: Arc<TunnelLive>) {
        self.lock().tunnel = tunnel;
    }

    pub(super) fn set_warnings(&self, warnings: Vec<String>) {
        self.lock().warnings = warnings;
    }

    pub(super) fn opened(&self, connection: Connection) {
        self.lock().open.insert(connection.id.clone(), connection);
    }

    pub(super) fn closed(&self, connection: Connection) {
        let mut state = self.lock();
        if state.open.remove(&connection.id).is_none() {
            // It may have been given up already; what the gateway says of its end counts more.
            state.ended.retain(|ended| ended.id != connection.id);
        }
        state.ended.push_front(connection);
        state.ended.truncate(KEPT_ENDED);
    }

    /// Takes down all that the gateway showed: it is gone. Answers the connections that it had
    /// not reported as closed, now `ended` by that.
    pub(super) fn gateway_gone(&self, ended: impl Fn(Connection) -> Connection) -> Vec<Connection> {
        let mut state = self.lock();
        let left: Vec<_> = state.live().into_values().map(ended).collect();
        state.open.clear();
        state.tunnel = Arc::default();
        for connection in &left {
            state.ended.push_front(connection.clone());
        }
        state.ended.truncate(KEPT_ENDED);
        left
    }

    pub(super) fn refused(&self, attempt: Attempt) {
        let mut state = self.lock();
        state.attempts.push_front(attempt);
        state.attempts.truncate(KEPT_ATTEMPTS);
    }

    /// The live connections of an endpoint with their traffic so far.
    pub(super) fn live_of(&self, endpoint: &EndpointId) -> Vec<Connection> {
        self.lock()
            .live()
            .into_values()
            .filter(|connection| connection.endpoint_id == *endpoint)
            .collect()
    }

    /// How many connections of an endpoint were reported as opened and not as closed.
    pub(super) fn count_open(&self, endpoint: &EndpointId) -> usize {
        let open = &self.lock().open;
        open.values()
            .filter(|connection| connection.endpoint_id == *endpoint)
            .count()
    }

    /// Every live connection with its traffic so far.
    pub(super) fn live(&self) -> Vec<Connection> {
        self.lock().live().into_values().collect()
    }

    /// Whether the connection is known to have ended.
    pub(super) fn has_ended(&self, id: &ConnectionId) -> bool {
        self.lock().ended.iter().any(|ended| ended.id == *id)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        super::lock(&self.state)
    }
}

impl State {
    /// What was reported as open, as the gateway counts it now; and what the gateway has that was
    /// not reported yet.
    fn live(&self) -> BTreeMap<ConnectionId, Connection> {
        let mut live = self.open.clone();
        for connection in &self.tunnel.connections {
            // The gateway may show one that has just ended a moment longer.
            let is_live = self.open.contains_key(&connection.id)
                || !self.ended.iter().any(|ended| ended.id == connection.id);
            if is_live && connection.state != ConnectionState::Terminated {
                live.insert(connection.id.clone(), connection.clone());
            }
        }
        live
    }

    fn view(&self, snapshot: Arc<Snapshot>, now: Timestamp) -> View {
        let since = now.checked_sub(SHOWN_FOR).unwrap_or(Timestamp::UNIX_EPOCH);
        let recent = self
            .ended
            .iter()
            .filter(|connection| connection.ended_at.is_none_or(|ended| ended > since));
        let mut connections: Vec<_> = self.live().into_values().collect();
        connections.extend(recent.cloned());
        connections.sort_by(|a, b| (b.established_at, &b.id).cmp(&(a.established_at, &a.id)));
        let mut gateway = self.tunnel.status.clone();
        gateway.warnings.extend(self.warnings.iter().cloned());
        View {
            snapshot,
            live: Arc::new(Live {
                gateway,
                connections,
                attempts: self.attempts.iter().cloned().collect(),
            }),
        }
    }
}

/// How long a connection that has ended is listed, as in AWS.
pub(super) const SHOWN_FOR: SignedDuration = SignedDuration::from_hours(1);
/// Most ended connections in memory.
pub(super) const KEPT_ENDED: usize = 5_000;
/// Most attempts in memory.
pub(super) const KEPT_ATTEMPTS: usize = 100;
