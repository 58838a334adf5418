//! Makes what runs match the newest snapshot.
//!
//! No deltas: every pass compares all that should run with all that does, so that a restart, a
//! click and a port that has become free take the same road. A pass comes with every new snapshot
//! and every few seconds.

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
use tokio::{sync::oneshot, task::JoinHandle, time::timeout};

use super::{
    Shared,
    gate::{Association, Gate, Opening, Terms},
    gatekeeper::Report,
    listener::{self, Sockets},
    session::CHANGED,
    worker::{Accepting, Order, Worker},
};
use crate::{
    clock,
    model::{
        AssociationId, AssociationState, Certificate, CertificateArn, Endpoint, EndpointId,
        ListenerStatus, NetworkMode, RouteState, Snapshot, Transport,
    },
    network::{self, ClientRange, Network, Plan},
    openvpn::{ServerConfig, ServerTls, TlsVersions},
    policy::{OwnAddresses, Policy},
};

/// How one endpoint should run.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    listen: Listen,
    identity: Identity,
    rekey_after: Duration,
    terms: Terms,
}

/// What cannot change while an endpoint runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Listen {
    transport: Transport,
    port: u16,
    client_range: Ipv4Net,
}

/// The certificates in play; another value means that credentials must be fetched again.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Identity {
    server: (CertificateArn, Option<Arc<Certificate>>),
    clients: Option<(CertificateArn, Option<Arc<Certificate>>)>,
}

/// Every endpoint that should run: not going, with an association that is not going.
fn wanted(snapshot: &Snapshot) -> BTreeMap<EndpointId, Wanted> {
    let endpoints = snapshot.endpoints.values().filter(|e| !e.deleting);
    endpoints
        .map(|endpoint| (endpoint.id.clone(), wanted_of(snapshot, endpoint)))
        .filter(|(_, wanted)| !wanted.terms.associations.is_empty())
        .collect()
}

fn wanted_of(snapshot: &Snapshot, endpoint: &Endpoint) -> Wanted {
    let certificate = |arn: &CertificateArn| (arn.clone(), snapshot.certificates.get(arn).cloned());
    Wanted {
        listen: Listen {
            transport: endpoint.transport,
            port: endpoint.port,
            client_range: endpoint.client_cidr,
        },
        identity: Identity {
            server: certificate(&endpoint.server_certificate),
            clients: endpoint.client_root_certificate().map(certificate),
        },
        rekey_after: Duration::from_secs(snapshot.settings.rekey_secs.into()),
        terms: Terms {
            associations: associations(snapshot, &endpoint.id),
            split_tunnel: endpoint.split_tunnel,
            dns_servers: endpoint.dns_servers.clone(),
            max_connections: snapshot.settings.max_connections as usize,
        },
    }
}

fn associations(
    snapshot: &Snapshot,
    endpoint: &EndpointId,
) -> BTreeMap<AssociationId, Association> {
    let staying = snapshot
        .associations_of(endpoint)
        .filter(|a| a.state != AssociationState::Disassociating);
    staying
        .map(|association| {
            let routes = snapshot
                .routes_of(endpoint)
                .filter(|r| r.subnet_id == association.subnet_id)
                .filter(|r| r.state != RouteState::Deleting)
                .map(|r| r.destination)
                .collect();
            let subnet_id = association.subnet_id.clone();
            (association.id.clone(), Association { subnet_id, routes })
        })
        .collect()
}

/// What a pass has to do.
#[derive(Debug, Default, PartialEq, Eq)]
struct Difference {
    close: Vec<EndpointId>,
    open: Vec<EndpointId>,
}

/// Compares what runs with what should. What listens elsewhere than it should is closed and opened.
fn difference(
    running: &BTreeMap<EndpointId, Listen>,
    wanted: &BTreeMap<EndpointId, Wanted>,
) -> Difference {
    let is_right = |id: &EndpointId, listen: &Listen| {
        wanted
            .get(id)
            .is_some_and(|wanted| wanted.listen == *listen)
    };
    let close: Vec<_> = running
        .iter()
        .filter(|(id, listen)| !is_right(id, listen))
        .map(|(id, _)| id.clone())
        .collect();
    let open = wanted
        .keys()
        .filter(|id| !running.contains_key(*id) || close.contains(*id))
        .cloned()
        .collect();
    Difference { close, open }
}

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
            applied: None,
            compiled: None,
            reported: None,
        }
    }

    /// Passes until told to stop; then gives the network back, to be closed.
    pub(super) async fn run(mut self) -> Option<Network> {
        let mut snapshots = self.shared.gatekeeper.snapshots();
        let mut stop = self.shared.closing.subscribe();
        loop {
            let snapshot = snapshots.borrow_and_update().clone();
            self.pass(&snapshot).await;
            let next = async {
                tokio::select! {
                    changed = snapshots.changed() => changed.is_ok(),
                    _ = stop.wait_for(|closing| *closing) => false,
                }
            };
            // The time limit stands for all that nobody announces: a port that has become free, an
            // interface that came up.
            if timeout(self.pause(clock::now()), next).await == Ok(false) {
                break;
            }
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

    async fn pass(&mut self, snapshot: &Arc<Snapshot>) {
        let now = clock::now();
        let own = self.own_addresses();
        let wanted = wanted(snapshot);
        let listening = self.running.iter().map(|(id, r)| (id.clone(), r.listen));
        let difference = difference(&listening.collect(), &wanted);
        for id in &difference.close {
            self.close(id);
        }
        self.troubles.retain(|id, _| wanted.contains_key(id));
        self.warnings.retain(|id, _| wanted.contains_key(id));
        self.apply_policies(snapshot, &own, now, &wanted);
        self.apply_terms(&wanted).await;
        for id in &difference.open {
            if let (Some(wanted), Some(endpoint)) = (wanted.get(id), snapshot.endpoints.get(id)) {
                let opened = self.open(snapshot, endpoint, &own, now, wanted).await;
                match opened {
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
        self.share_ranges();
        self.apply_plan(&own).await;
        self.end_unwanted_sessions(&wanted);
        self.publish(snapshot, &wanted);
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
        wanted: &BTreeMap<EndpointId, Wanted>,
    ) {
        let compiled = self.compiled.as_ref();
        if compiled.is_some_and(|it| it.is_current(snapshot, own, now)) {
            return;
        }
        for (id, running) in &self.running {
            if let (true, Some(endpoint)) = (wanted.contains_key(id), snapshot.endpoints.get(id)) {
                let policy = Policy::compile(snapshot, endpoint, own, now, next_generation());
                running.gate.policy.store(Arc::new(policy));
            }
        }
        self.compiled = Some(Compiled {
            snapshot: Arc::clone(snapshot),
            own: own.clone(),
            at: now,
        });
    }

    /// What sessions get, and what new handshakes use.
    async fn apply_terms(&mut self, wanted: &BTreeMap<EndpointId, Wanted>) {
        for (id, running) in &mut self.running {
            let Some(wanted) = wanted.get(id) else {
                continue;
            };
            running.gate.terms.send_if_modified(|terms| {
                let is_news = **terms != wanted.terms;
                if is_news {
                    *terms = Arc::new(wanted.terms.clone());
                }
                is_news
            });
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

    /// Sessions whose association is going come back through another one, or not at all.
    fn end_unwanted_sessions(&self, wanted: &BTreeMap<EndpointId, Wanted>) {
        let staying: BTreeSet<&AssociationId> = wanted
            .values()
            .flat_map(|wanted| wanted.terms.associations.keys())
            .collect();
        self.shared
            .restart_sessions(CHANGED, |member| !staying.contains(&member.association_id));
    }

    /// Makes the host carry the ranges of what runs.
    async fn apply_plan(&mut self, own: &OwnAddresses) {
        let ranges = self.running.values().map(|running| ClientRange {
            network: running.listen.client_range,
            nat: true,
        });
        let plan = Plan {
            ranges: ranges.collect(),
            egresses: Vec::new(),
        };
        let is_current = self.applied.as_ref().is_some_and(|applied| {
            applied.plan == plan
                && applied.own == *own
                && applied.troubles.is_empty()
                && applied.at.elapsed() < REAPPLY
        });
        if is_current {
            return;
        }
        let Some(mut network) = self.network.take() else {
            return;
        };
        let same_plan = plan.clone();
        let task = tokio::task::spawn_blocking(move || {
            let troubles = apply_each(&same_plan, |plan| network.apply(plan));
            (network, troubles)
        });
        let troubles = match task.await {
            Ok((network, troubles)) => {
                self.network = Some(network);
                troubles
            }
            Err(error) => {
                tracing::error!(%error, "changing the host's network ended abnormally");
                Troubles {
                    of_all: Some(ENDED.to_owned()),
                    ..Troubles::default()
                }
            }
        };
        self.applied = Some(Applied {
            plan,
            own: own.clone(),
            at: Instant::now(),
            troubles,
        });
    }

    /// This machine's addresses; those read last if they cannot be read.
    fn own_addresses(&self) -> OwnAddresses {
        let before = self.compiled.as_ref().map(|compiled| &compiled.own);
        addresses(network::own_addresses(), before)
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
                let ids = wanted.terms.associations.keys().cloned();
                ids.map(move |id| (id, trouble.clone()))
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
            worker.tally.lost(super::tally::Loss::HalfOpenLimit);
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
    use super::{
        super::tests::world::{association_id, endpoint_id, snapshot},
        *,
    };

    fn listens(snapshot: &Snapshot) -> BTreeMap<EndpointId, Listen> {
        let wanted = wanted(snapshot).into_iter();
        wanted.map(|(id, wanted)| (id, wanted.listen)).collect()
    }

    fn endpoint(snapshot: &mut Snapshot) -> &mut Endpoint {
        snapshot.endpoints.get_mut(&endpoint_id()).unwrap()
    }

    #[test]
    fn what_runs_as_it_should_is_left_alone() {
        let snapshot = snapshot(Transport::Udp, 1194);
        let difference = difference(&listens(&snapshot), &wanted(&snapshot));
        assert_eq!(difference, Difference::default());
    }

    #[test]
    fn a_new_endpoint_is_opened_and_one_that_goes_is_closed() {
        let mut snapshot = snapshot(Transport::Udp, 1194);
        let opening = difference(&BTreeMap::new(), &wanted(&snapshot));
        assert_eq!(opening.open, [endpoint_id()]);
        assert!(opening.close.is_empty());

        let running = listens(&snapshot);
        endpoint(&mut snapshot).deleting = true;
        let closing = difference(&running, &wanted(&snapshot));
        assert_eq!(closing.close, [endpoint_id()]);
        assert!(closing.open.is_empty());
    }

    #[test]
    fn an_endpoint_that_should_listen_elsewhere_is_closed_and_opened() {
        let mut snapshot = snapshot(Transport::Udp, 1194);
        let running = listens(&snapshot);
        endpoint(&mut snapshot).port = 443;
        let difference = difference(&running, &wanted(&snapshot));
        assert_eq!(difference.close, [endpoint_id()]);
        assert_eq!(difference.open, [endpoint_id()]);
    }

    #[test]
    fn an_endpoint_listens_only_while_an_association_is_not_going() {
        let mut snapshot = snapshot(Transport::Udp, 1194);
        let leave = |snapshot: &mut Snapshot, number| {
            let going = snapshot.associations.get_mut(&association_id(number));
            going.unwrap().state = AssociationState::Disassociating;
        };
        leave(&mut snapshot, 1);
        let staying = &wanted(&snapshot)[&endpoint_id()].terms.associations;
        assert_eq!(staying.keys().collect::<Vec<_>>(), [&association_id(2)]);
        leave(&mut snapshot, 2);
        assert!(wanted(&snapshot).is_empty());
    }

    #[test]
    fn a_failed_association_is_tried_again() {
        let mut snapshot = snapshot(Transport::Udp, 1194);
        for association in snapshot.associations.values_mut() {
            let reason = "UDP port 1194 is in use by another program.".to_owned();
            association.state = AssociationState::Failed { reason };
        }
        assert_eq!(
            wanted(&snapshot)[&endpoint_id()].terms.associations.len(),
            2
        );
    }

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
            egresses: Vec::new(),
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

    #[test]
    fn routes_that_are_going_are_not_given_to_clients() {
        let mut snapshot = snapshot(Transport::Udp, 1194);
        snapshot.routes[0].state = RouteState::Deleting;
        let associations = &wanted(&snapshot)[&endpoint_id()].terms.associations;
        assert!(associations[&association_id(1)].routes.is_empty());
        assert_eq!(associations[&association_id(2)].routes.len(), 1);
    }
}
