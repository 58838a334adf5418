//! Makes what runs match the newest snapshot.
//!
//! No deltas: every pass compares all that should run with all that does, so that a restart, a
//! click and a port that has become free take the same road. A pass comes with every new snapshot
//! and every few seconds.

mod wanted;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use ipnet::Ipv4Net;
use jiff::Timestamp;
use tokio::{
    sync::oneshot,
    task::{JoinError, JoinHandle},
    time::timeout,
};

use self::wanted::{
    Identity, Listen, Wanted, difference, wanted, wanted_egresses, wanted_ids, wanted_resolvers,
};
use super::{
    Shared,
    egress::Egresses,
    gate::{Gate, Opening},
    gatekeeper::Report,
    listener::{self, Sockets},
    session::CHANGED,
    worker::{Accepting, Order, Worker},
};
use crate::{
    clock,
    model::{AssociationId, Endpoint, EndpointId, ListenerStatus, NetworkMode, Snapshot},
    network::{self, ClientRange, HostChanges, Network, Plan},
    openvpn::{ServerConfig, ServerTls, TlsVersions},
    policy::{OwnAddresses, Policy},
};

/// One endpoint that runs.
struct Running {
    gate: Arc<Gate>,
    listen: Listen,
    tls: Tls,
    rekey_after: Duration,
    accepting: Option<JoinHandle<()>>,
}

struct Tls {
    identity: Identity,
    server: ServerTls,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(task) = &self.accepting {
            task.abort();
        }
    }
}

/// The reconciler and all that it has opened.
pub(super) struct Reconciler {
    shared: Arc<Shared>,
    network: Option<Network>,
    running: BTreeMap<EndpointId, Running>,
    /// Endpoints that should run and do not, with the reason.
    troubles: BTreeMap<EndpointId, String>,
    /// Credentials that could not be renewed; the endpoint goes on with those it has.
    warnings: BTreeMap<EndpointId, String>,
    egresses: Egresses,
    applied: Option<Applied>,
    compiled: Option<Compiled>,
    reported: Option<(u64, BTreeMap<AssociationId, Option<String>>)>,
}

/// What the running policies were compiled from.
struct Compiled {
    snapshot: Arc<Snapshot>,
    own: OwnAddresses,
    at: Timestamp,
}

impl Compiled {
    fn policy_of(&self, endpoint: &Endpoint) -> Policy {
        let generation = next_generation();
        Policy::compile(&self.snapshot, endpoint, &self.own, self.at, generation)
    }

    /// Whether policies compiled from these at `now` would be the same.
    fn is_current(&self, snapshot: &Arc<Snapshot>, own: &OwnAddresses, now: Timestamp) -> bool {
        Arc::ptr_eq(&self.snapshot, snapshot) && self.own == *own && !self.is_due(now)
    }

    /// Whether a rule has expired since.
    fn is_due(&self, now: Timestamp) -> bool {
        self.next_expiry().is_some_and(|expiry| expiry <= now)
    }

    /// When the first of the rules expires that had not when they were compiled.
    fn next_expiry(&self) -> Option<Timestamp> {
        let rules = self.snapshot.rules.iter();
        let ends = rules.filter_map(|rule| rule.limits.expires_at);
        ends.filter(|end| *end > self.at).min()
    }
}

/// The plan that the host carries, and when that was last seen to.
struct Applied {
    plan: Plan,
    own: OwnAddresses,
    at: Instant,
    troubles: Troubles,
}

/// What the host does not carry, with the reason.
#[derive(Debug, Default, PartialEq, Eq)]
struct Troubles {
    of_ranges: BTreeMap<Ipv4Net, String>,
    of_all: Option<String>,
}

impl Troubles {
    fn of(&self, range: Ipv4Net) -> Option<&String> {
        self.of_ranges.get(&range.trunc()).or(self.of_all.as_ref())
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Drop for Reconciler {
    /// After a fault the host's network goes with it, and nothing follows the configuration any more:
    /// that must not look as if it ran.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        self.shared.set_status(|status| {
            for listener in &mut status.listeners {
                listener.trouble = Some(ENDED.to_owned());
            }
            status.warnings.push(ENDED.to_owned());
        });
        if let Some((seq, mut associations)) = self.reported.take() {
            for trouble in associations.values_mut() {
                *trouble = Some(ENDED.to_owned());
            }
            self.shared.report(Report::Reconciled { seq, associations });
        }
    }
}

impl Reconciler {
    pub(super) fn new(shared: Arc<Shared>, network: Network) -> Self {
        Self {
            shared,
            network: Some(network),
            running: BTreeMap::new(),
            troubles: BTreeMap::new(),
            warnings: BTreeMap::new(),
            egresses: Egresses::default(),
            applied: None,
            compiled: None,
            reported: None,
        }
    }

    /// Passes until told to stop; then gives the network back, to be closed.
    pub(super) async fn run(mut self) -> Option<Network> {
        let mut snapshots = self.shared.gatekeeper.snapshots();
        let mut stop = self.shared.closing.subscribe();
        let mut host = host_changes();
        let mut cause = Cause::Host;
        loop {
            let snapshot = snapshots.borrow_and_update().clone();
            self.pass(&snapshot, cause).await;
            let next = async {
                tokio::select! {
                    changed = snapshots.changed() => changed.ok().map(|()| Cause::Snapshot),
                    () = changed(&mut host) => Some(Cause::Host),
                    _ = stop.wait_for(|closing| *closing) => None,
                }
            };
            // The time limit stands for all that nobody announces: a port that has become free, a
            // rule that has expired.
            cause = match timeout(self.pause(clock::now()), next).await {
                Ok(Some(cause)) => cause,
                Ok(None) => break,
                Err(_) => Cause::Host,
            };
        }
        for running in self.running.values() {
            running.gate.is_closing.store(true, Ordering::Release);
        }
        self.network.take()
    }

    /// How long to wait for news at `now`: not past the time when the next rule expires.
    fn pause(&self, now: Timestamp) -> Duration {
        let expiry = self.compiled.as_ref().and_then(Compiled::next_expiry);
        expiry.map_or(EVERY, |end| {
            let left = Duration::try_from(end.duration_since(now));
            left.unwrap_or(Duration::ZERO).min(EVERY)
        })
    }

    async fn pass(&mut self, snapshot: &Arc<Snapshot>, cause: Cause) {
        let now = clock::now();
        let own = self.own_addresses(cause);
        let sought = wanted_ids(snapshot);
        // Before anything that may wait: what is allowed no more ends now.
        self.apply_policies(snapshot, &own, now, &sought);
        self.egresses.want(wanted_egresses(snapshot));
        let mut wanted = wanted(snapshot, &self.egresses);
        let listening = self.running.iter().map(|(id, r)| (id.clone(), r.listen));
        let difference = difference(&listening.collect(), &wanted);
        for id in &difference.close {
            self.close(id);
        }
        self.troubles.retain(|id, _| wanted.contains_key(id));
        self.warnings.retain(|id, _| wanted.contains_key(id));
        self.set_terms(&wanted);
        self.apply_identities(&wanted).await;
        self.open_all(&difference.open, snapshot, &own, now, &wanted)
            .await;
        self.share_ranges();
        if self.apply_plan(snapshot, &own, cause).await {
            wanted = wanted::wanted(snapshot, &self.egresses);
            self.set_terms(&wanted);
        }
        self.publish(snapshot, &wanted);
    }

    async fn open_all(
        &mut self,
        ids: &[EndpointId],
        snapshot: &Snapshot,
        own: &OwnAddresses,
        now: Timestamp,
        wanted: &BTreeMap<EndpointId, Wanted>,
    ) {
        for id in ids {
            if let (Some(wanted), Some(endpoint)) = (wanted.get(id), snapshot.endpoints.get(id)) {
                match self.open(snapshot, endpoint, own, now, wanted).await {
                    Ok(running) => {
                        tracing::info!(endpoint = %id, transport = %wanted.listen.transport,
                            port = wanted.listen.port, "an endpoint listens");
                        self.running.insert(id.clone(), running);
                        self.troubles.remove(id);
                    }
                    Err(trouble) => self.note_trouble(id, trouble),
                }
            }
        }
    }

    fn note_trouble(&mut self, id: &EndpointId, trouble: String) {
        if self.troubles.get(id) != Some(&trouble) {
            tracing::warn!(endpoint = %id, %trouble, "an endpoint cannot be opened");
        }
        self.troubles.insert(id.clone(), trouble);
    }

    /// Judges by the newest routes and rules from here on, in every worker.
    fn apply_policies(
        &mut self,
        snapshot: &Arc<Snapshot>,
        own: &OwnAddresses,
        now: Timestamp,
        wanted: &BTreeSet<&EndpointId>,
    ) {
        let compiled = self.compiled.as_ref();
        if compiled.is_some_and(|it| it.is_current(snapshot, own, now)) {
            return;
        }
        self.compiled = Some(Compiled {
            snapshot: Arc::clone(snapshot),
            own: own.clone(),
            at: now,
        });
        for id in self.running.keys().filter(|id| wanted.contains(id)) {
            self.compile_policy(id);
        }
    }

    /// Waits for work on the host, which takes up to some tenths of a second, and goes on judging by
    /// the newest rules meanwhile.
    async fn judging_meanwhile<T>(&mut self, mut work: JoinHandle<T>) -> Result<T, JoinError> {
        let mut snapshots = self.shared.gatekeeper.snapshots();
        // One may have come since the pass began.
        snapshots.mark_changed();
        loop {
            tokio::select! {
                done = &mut work => return done,
                Ok(()) = snapshots.changed() => {
                    let snapshot = snapshots.borrow_and_update().clone();
                    let own = self.own_addresses(Cause::Snapshot);
                    self.apply_policies(&snapshot, &own, clock::now(), &wanted_ids(&snapshot));
                }
            }
        }
    }

    /// Stores an endpoint's policy with a new generation, so that each of its flows is judged anew.
    fn compile_policy(&self, id: &EndpointId) {
        let Some(compiled) = &self.compiled else {
            return;
        };
        let endpoint = compiled.snapshot.endpoints.get(id);
        if let (Some(running), Some(endpoint)) = (self.running.get(id), endpoint) {
            let policy = compiled.policy_of(endpoint);
            running.gate.policy.store(Arc::new(policy));
        }
    }

    /// What sessions get from now on, and to which association each of them is bound.
    fn set_terms(&self, wanted: &BTreeMap<EndpointId, Wanted>) {
        for (id, running) in &self.running {
            let Some(wanted) = wanted.get(id) else {
                continue;
            };
            let moved = running.gate.set_terms(&wanted.terms);
            if moved > 0 {
                tracing::info!(endpoint = %id, sessions = moved,
                    "sessions are bound to another association or egress");
                // Their flows were judged by the routes of the association before.
                self.compile_policy(id);
            }
        }
    }

    /// What new handshakes use.
    async fn apply_identities(&mut self, wanted: &BTreeMap<EndpointId, Wanted>) {
        for (id, running) in &mut self.running {
            let Some(wanted) = wanted.get(id) else {
                continue;
            };
            let has_new_identity = running.tls.identity != wanted.identity;
            if has_new_identity || self.warnings.contains_key(id) {
                match fetch_tls(&self.shared, id, &wanted.identity).await {
                    Ok(tls) => {
                        running.tls = tls;
                        self.warnings.remove(id);
                    }
                    Err(trouble) => {
                        self.warnings.insert(
                            id.clone(),
                            format!(
                                "Endpoint {id} goes on with its earlier certificates, because the \
                                 new ones cannot be used: {trouble}"
                            ),
                        );
                        continue;
                    }
                }
            }
            if has_new_identity || running.rekey_after != wanted.rekey_after {
                running.rekey_after = wanted.rekey_after;
                let config = server_config(&running.tls.server, wanted.rekey_after);
                running.gate.server.store(config);
            }
        }
    }

    async fn open(
        &self,
        snapshot: &Snapshot,
        endpoint: &Endpoint,
        own: &OwnAddresses,
        now: Timestamp,
        wanted: &Wanted,
    ) -> Result<Running, String> {
        let Listen {
            transport,
            port,
            client_range,
        } = wanted.listen;
        let tls = fetch_tls(&self.shared, &endpoint.id, &wanted.identity).await?;
        let alive = self
            .shared
            .workers
            .iter()
            .filter(|worker| worker.is_alive());
        let alive: Vec<&Worker> = alive.collect();
        if alive.is_empty() {
            return Err(ENDED.to_owned());
        }
        if own.addresses.is_empty() {
            return Err(NO_ADDRESSES.to_owned());
        }
        let sockets = listener::open(transport, port, alive.len())?;
        let gate = Arc::new(Gate::new(Opening {
            endpoint_id: endpoint.id.clone(),
            port,
            client_range,
            policy: Policy::compile(snapshot, endpoint, own, now, next_generation()),
            server: server_config(&tls.server, wanted.rekey_after),
            terms: wanted.terms.clone(),
        }));
        let accepting = match sockets {
            Sockets::Udp(sockets) => {
                if let Err(error) = listen(&gate, &alive, sockets).await {
                    for worker in alive {
                        worker.order(Order::Unlisten(gate.key)).await;
                    }
                    return Err(format!("UDP port {port} cannot be served: {error}."));
                }
                None
            }
            Sockets::Tcp(listener) => {
                let listener = tokio::net::TcpListener::from_std(listener)
                    .map_err(|error| format!("TCP port {port} cannot be served: {error}."))?;
                let (shared, gate) = (Arc::clone(&self.shared), Arc::clone(&gate));
                Some(tokio::spawn(accept(shared, gate, listener)))
            }
        };
        Ok(Running {
            gate,
            listen: wanted.listen,
            tls,
            rekey_after: wanted.rekey_after,
            accepting,
        })
    }

    /// Lets nobody in any more and ends the sessions. The sockets stay a moment, for last words.
    fn close(&mut self, id: &EndpointId) {
        let Some(running) = self.running.remove(id) else {
            return;
        };
        tracing::info!(endpoint = %id, "an endpoint closes");
        let gate = Arc::clone(&running.gate);
        gate.is_closing.store(true, Ordering::Release);
        let shared = Arc::clone(&self.shared);
        shared.restart_sessions(CHANGED, |member| member.endpoint_id == *id);
        tokio::spawn(async move {
            // A session that was coming in meanwhile sees that the gate closes, and ends itself.
            shared.sessions_gone(&gate, LAST_WORDS).await;
            for worker in &shared.workers {
                worker.order(Order::Unlisten(gate.key)).await;
            }
        });
    }

    fn share_ranges(&self) {
        let ranges = self.running.values().map(|r| Arc::clone(&r.gate.addresses));
        self.shared.book.set_ranges(ranges.collect());
    }

    /// Makes the host carry the ranges and egresses of what runs, and looks whether those work: true
    /// if that is news.
    async fn apply_plan(&mut self, snapshot: &Snapshot, own: &OwnAddresses, cause: Cause) -> bool {
        let ranges = self.running.values().map(|running| ClientRange {
            network: running.listen.client_range,
            nat: true,
        });
        let plan = Plan {
            ranges: ranges.collect(),
            egresses: self.egresses.plan(),
            resolvers: wanted_resolvers(snapshot),
        };
        let is_current = self.applied.as_ref().is_some_and(|applied| {
            applied.plan == plan
                && applied.own == *own
                && applied.troubles.is_empty()
                && applied.at.elapsed() < REAPPLY
        });
        if is_current && (plan.egresses.is_empty() || cause == Cause::Snapshot) {
            return false;
        }
        let Some(mut network) = self.network.take() else {
            return false;
        };
        let same_plan = plan.clone();
        let task = tokio::task::spawn_blocking(move || {
            if is_current {
                network.look();
                return (network, None);
            }
            let troubles = apply_each(&same_plan, |plan| network.apply(plan));
            (network, Some(troubles))
        });
        let (is_news, troubles) = match self.judging_meanwhile(task).await {
            Ok((network, troubles)) => {
                let is_news = self.egresses.note_health(network.egress_health());
                self.network = Some(network);
                (is_news, troubles)
            }
            Err(error) => {
                tracing::error!(%error, "changing the host's network ended abnormally");
                let troubles = Troubles {
                    of_all: Some(ENDED.to_owned()),
                    ..Troubles::default()
                };
                (false, Some(troubles))
            }
        };
        if let Some(troubles) = troubles {
            self.applied = Some(Applied {
                plan,
                own: own.clone(),
                at: Instant::now(),
                troubles,
            });
        }
        is_news
    }

    /// This machine's addresses: those read last unless they may have changed, or cannot be read.
    fn own_addresses(&self, cause: Cause) -> OwnAddresses {
        let before = self.compiled.as_ref().map(|compiled| &compiled.own);
        match (cause, before) {
            // To read them takes milliseconds, for which a new rule shall not wait.
            (Cause::Snapshot, Some(before)) => before.clone(),
            _ => addresses(network::own_addresses(), before),
        }
    }
    /// Tells what runs: in the status, and to the layer above if it is news.
    fn publish(&mut self, snapshot: &Snapshot, wanted: &BTreeMap<EndpointId, Wanted>) {
        let (worker_warnings, worker_trouble) = self.shared.ended_workers();
        let trouble_of = |id: &EndpointId, wanted: &Wanted| {
            let applied = self.applied.as_ref();
            let of_network = || applied?.troubles.of(wanted.listen.client_range).cloned();
            let own = self.troubles.get(id).cloned();
            own.or_else(|| worker_trouble.clone()).or_else(of_network)
        };
        let listeners = wanted.iter().map(|(id, wanted)| ListenerStatus {
            endpoint_id: id.clone(),
            transport: wanted.listen.transport,
            port: wanted.listen.port,
            trouble: trouble_of(id, wanted),
        });
        let listeners = listeners.collect();
        let associations: BTreeMap<_, _> = wanted
            .iter()
            .flat_map(|(id, wanted)| {
                let trouble = trouble_of(id, wanted);
                let associations = wanted.terms.associations.iter();
                associations.map(move |(id, association)| {
                    let trouble = trouble.clone().or_else(|| association.trouble.clone());
                    (id.clone(), trouble)
                })
            })
            .collect();
        let warnings = self.network.iter().flat_map(Network::warnings);
        let warnings = warnings.chain(self.warnings.values().cloned());
        let warnings = warnings.chain(worker_warnings).collect();
        self.shared.set_status(|status| {
            status.listeners = listeners;
            status.warnings = warnings;
            status.applied_seq = snapshot.seq;
        });
        let report = (snapshot.seq, associations);
        if self.reported.as_ref() != Some(&report) {
            let (seq, associations) = report.clone();
            // One that was lost is told again by the next pass.
            if self.shared.report(Report::Reconciled { seq, associations }) {
                self.reported = Some(report);
            }
        }
    }
}

/// What a pass comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// A new snapshot.
    Snapshot,
    /// The machine has changed, or may have.
    Host,
}

/// Word of the machine's changes; without it they are found by looking every few seconds.
fn host_changes() -> Option<HostChanges> {
    let opened = HostChanges::open();
    if let Err(error) = &opened {
        tracing::warn!(%error, "the system does not tell of changes to its interfaces");
    }
    opened.ok()
}

async fn changed(host: &mut Option<HostChanges>) {
    match host {
        Some(host) => host.changed().await,
        None => std::future::pending().await,
    }
}

/// Gives each worker its socket, and waits until all of them receive.
async fn listen(
    gate: &Arc<Gate>,
    workers: &[&Worker],
    sockets: Vec<std::net::UdpSocket>,
) -> io::Result<()> {
    let mut answers = Vec::new();
    for (worker, socket) in workers.iter().zip(sockets) {
        let (answer, answered) = oneshot::channel();
        let order = Order::Listen(Arc::clone(gate), socket, answer);
        worker.order(order).await;
        answers.push(answered);
    }
    for answer in answers {
        match timeout(ANSWER, answer).await {
            Ok(Ok(outcome)) => outcome?,
            Ok(Err(_)) => return Err(io::Error::other("a data worker has ended")),
            Err(_) => return Err(io::Error::other("a data worker does not answer")),
        }
    }
    Ok(())
}

/// Accepts TCP connections and spreads them over the workers.
async fn accept(shared: Arc<Shared>, gate: Arc<Gate>, listener: tokio::net::TcpListener) {
    loop {
        let (stream, remote) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of files, most likely: a pause lets some close.
                tracing::warn!(endpoint = %gate.endpoint_id, %error, "no connection can be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let alive = shared.workers.iter().filter(|worker| worker.is_alive());
        let Some(worker) = alive.min_by_key(|worker| worker.load()) else {
            return;
        };
        let Some(permit) = shared.half_open.enter(remote.ip()) else {
            worker.tally.no_room(remote.ip());
            continue;
        };
        let stream = match stream.into_std() {
            Ok(stream) => stream,
            Err(error) => {
                tracing::debug!(%remote, %error, "a connection cannot be handed over");
                continue;
            }
        };
        let accepting = Accepting {
            gate: Arc::clone(&gate),
            stream,
            remote,
            permit,
        };
        worker.order(Order::Serve(accepting)).await;
    }
}

async fn fetch_tls(shared: &Shared, id: &EndpointId, identity: &Identity) -> Result<Tls, String> {
    let credentials = shared
        .gatekeeper
        .credentials(id)
        .await
        .map_err(|refusal| refusal.message)?;
    let server = ServerTls::from_der(
        &credentials.server_chain,
        &credentials.server_key,
        &credentials.client_roots,
        TlsVersions::Both,
    )
    .map_err(|error| format!("The endpoint's certificates cannot be used: {error}."))?;
    Ok(Tls {
        identity: identity.clone(),
        server,
    })
}

fn server_config(tls: &ServerTls, rekey_after: Duration) -> Arc<ServerConfig> {
    let mut config = ServerConfig::new(tls.clone());
    Arc::make_mut(&mut config).reneg_after = Some(rekey_after);
    config
}

/// The machine's addresses as they are `now`, or as they were if the system does not tell: then the
/// answer is empty, and none would be refused any more.
fn addresses(now: network::OwnAddresses, before: Option<&OwnAddresses>) -> OwnAddresses {
    match before {
        Some(before) if now.addresses.is_empty() => {
            tracing::warn!("this machine's addresses could not be read; the earlier ones stand");
            before.clone()
        }
        _ => OwnAddresses {
            addresses: now.addresses,
            broadcasts: now.broadcasts,
        },
    }
}

/// Makes the host carry the plan. A range that cannot be carried is left out with the reason, so that
/// the others are.
fn apply_each(plan: &Plan, mut apply: impl FnMut(&Plan) -> Result<(), network::Error>) -> Troubles {
    let mut plan = plan.clone();
    let mut troubles = Troubles::default();
    loop {
        let error = match apply(&plan) {
            Ok(()) => return troubles,
            Err(error) => error,
        };
        tracing::warn!(?error, "the host's network could not be changed");
        let before = plan.ranges.len();
        if let network::Error::Route { network, .. } = &error {
            plan.ranges
                .retain(|range| range.network.trunc() != *network);
            troubles.of_ranges.insert(*network, sentence_of(&error));
        }
        if plan.ranges.len() == before {
            troubles.of_all = Some(sentence_of(&error));
            return troubles;
        }
    }
}

fn next_generation() -> u64 {
    static GENERATION: AtomicU64 = AtomicU64::new(1);
    GENERATION.fetch_add(1, Ordering::Relaxed)
}

/// The mode as the model says it.
pub(super) fn mode_of(network: &Network) -> NetworkMode {
    match network.mode() {
        network::Mode::Tun => NetworkMode::Tun,
        network::Mode::Userspace => NetworkMode::Userspace,
    }
}

/// The error and its causes as one sentence.
fn sentence_of(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    let text = causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"));
    let mut chars = text.trim_end_matches('.').chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), chars.as_str())
}

/// How often a pass comes by itself.
const EVERY: Duration = Duration::from_secs(2);
/// How often the host is looked at again although nothing has changed here.
const REAPPLY: Duration = Duration::from_secs(30);
/// How long a closing listener's sockets stay for last words: as long as RESTART waits for its
/// acknowledgement.
const LAST_WORDS: Duration = Duration::from_millis(2_500);
/// How long a worker may take to register a socket.
const ANSWER: Duration = Duration::from_secs(5);
/// What stands in an endpoint's way after a fault.
const ENDED: &str = "The gateway met a fault in the program, which the log describes. Restart it.";
/// What stands in an endpoint's way while nobody can say what is the machine itself.
const NO_ADDRESSES: &str = "This machine's addresses cannot be read, so they could not be kept \
     closed to clients. The gateway tries again by itself; if this stays, raise the limit of open \
     files.";
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use super::{super::tests::world::snapshot, *};
    use crate::model::Transport;

    #[test]
    fn policies_are_compiled_anew_in_the_second_a_rule_expires() {
        let second = |number| Timestamp::from_second(number).unwrap();
        let mut snapshot = snapshot(Transport::Udp, 1194);
        let mut later = snapshot.rules[0].clone();
        snapshot.rules[0].limits.expires_at = Some(second(100));
        later.limits.expires_at = Some(second(200));
        snapshot.rules.push(later);
        let snapshot = Arc::new(snapshot);
        let own = OwnAddresses::default();
        let compiled_at = |at| Compiled {
            snapshot: Arc::clone(&snapshot),
            own: own.clone(),
            at: second(at),
        };
        let is_current = |at, now| compiled_at(at).is_current(&snapshot, &own, second(now));
        assert!(is_current(98, 99));
        assert!(!is_current(98, 100));
        assert!(is_current(100, 199), "the first has been seen to");
        assert!(!is_current(100, 200));
        assert!(is_current(200, 1_000));
    }

    #[test]
    fn addresses_that_cannot_be_read_stay_refused() {
        let read = |octets: [u8; 4]| network::OwnAddresses {
            addresses: vec![octets.into()],
            broadcasts: Vec::new(),
        };
        let before = addresses(read([192, 0, 2, 1]), None);
        let unread = network::OwnAddresses::default();
        assert_eq!(addresses(unread, Some(&before)), before);
        let moved = addresses(read([192, 0, 2, 2]), Some(&before));
        assert_eq!(moved.addresses, [std::net::Ipv4Addr::new(192, 0, 2, 2)]);
    }

    #[test]
    fn a_range_that_the_host_does_not_carry_is_no_trouble_of_the_others() {
        let range = |text: &str| ClientRange {
            network: text.parse().unwrap(),
            nat: true,
        };
        let plan = Plan {
            ranges: vec![range("10.8.0.0/22"), range("10.12.0.0/22")],
            ..Plan::default()
        };
        let taken = plan.ranges[0].network;
        let mut carried = Vec::new();
        let troubles = apply_each(&plan, |plan| {
            if plan.ranges.iter().any(|range| range.network == taken) {
                let source = io::ErrorKind::AlreadyExists.into();
                let network = taken;
                return Err(network::Error::Route { network, source });
            }
            carried.clone_from(&plan.ranges);
            Ok(())
        });
        assert_eq!(carried, plan.ranges[1..]);
        assert!(troubles.of(taken).unwrap().contains("10.8.0.0/22"));
        assert_eq!(troubles.of(plan.ranges[1].network), None);

        let refused = |_: &Plan| Err(network::Error::Firewall("no".to_owned()));
        assert!(apply_each(&plan, refused).of(taken).is_some());
    }
}
