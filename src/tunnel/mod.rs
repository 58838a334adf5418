//! The running gateway: reconciler, listeners, workers and the handshake pool.
//!
//! ```text
//!  snapshots ─► reconciler ─► listeners, policies, host network
//!                                │
//!  client ─ UDP/TCP ─► worker (data thread) ── policy ──► network port ─► target network
//!                        │  ▲ orders: join, install key, leave
//!                 inputs ▼  │
//!                   session task (handshake pool) ── admit, report ──► gatekeeper
//! ```
//!
//! Three kinds of work that must not wait for each other:
//!
//! - **Workers** ([`worker`]) carry packets. A session's data channel belongs to exactly one of them,
//!   and the peer id says which.
//! - **Session tasks** ([`session`]) do signatures and ask who may come in, on threads of their own.
//! - **The reconciler** ([`reconcile`]) opens and closes, and replaces what the others look at.
//!
//! The layer above is reached through [`Gatekeeper`] only; it reaches the gateway through
//! [`Gateway`].

mod address;
pub mod client;
mod door;
mod egress;
mod gate;
pub mod gatekeeper;
mod lease;
mod listener;
mod reconcile;
mod roster;
mod session;
mod strangers;
mod tally;
#[cfg(test)]
mod tests;
mod told;
mod worker;

use std::{
    collections::BTreeMap,
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::{
    runtime::{self, Runtime},
    select,
    sync::{mpsc, oneshot, watch},
    task::{JoinHandle, spawn_blocking},
    time::{sleep, timeout},
};

pub use self::gatekeeper::{
    BoxFuture, Candidate, Credentials, Denial, Gatekeeper, Gateway, Report, TunnelLive,
};
use self::{
    address::AddressBook,
    door::HalfOpen,
    gate::Gate,
    reconcile::Reconciler,
    roster::{Member, Roster},
    session::{Input, RECONNECT, STOPPING, Sessions},
    worker::Worker,
};
pub use crate::network::ModeChoice;
use crate::{
    model::{Connection, ConnectionId, GatewayStatus},
    network::{self, Network, OpenOptions, Port},
};

/// How the gateway is to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the journal of changes to the host is kept; made if it does not exist.
    pub state_dir: PathBuf,
    /// The way packets take into the target network.
    pub network: ModeChoice,
    /// Name of the TUN device, 15 bytes at most.
    pub tun_name: String,
    /// Data workers: 1 to 8; as many as there are processors if absent.
    pub workers: Option<usize>,
    /// Threads for handshakes: at least 1; half as many as there are processors if absent.
    pub handshake_threads: Option<usize>,
}

impl Options {
    /// The usual options, with the journal in `state_dir`.
    #[must_use]
    pub fn new(state_dir: impl Into<PathBuf>) -> Self {
        Self {
            state_dir: state_dir.into(),
            network: ModeChoice::Auto,
            tun_name: network::DEFAULT_TUN_NAME.to_owned(),
            workers: None,
            handshake_threads: None,
        }
    }
}

/// Why the gateway did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The directory for the journal could not be made.
    #[error("the directory {} could not be made", path.display())]
    StateDir {
        /// The directory.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// There is no way into the target network.
    #[error(transparent)]
    Network(#[from] network::Error),
    /// The system gave no threads.
    #[error("the gateway's threads could not be started")]
    Threads(#[source] io::Error),
}

/// The running gateway. Dropping it stops it at once; [`Tunnel::stop`] takes leave of the clients.
pub struct Tunnel {
    shared: Arc<Shared>,
    live: watch::Receiver<Arc<TunnelLive>>,
    running: Mutex<Option<RunningParts>>,
}

struct RunningParts {
    reconciler: JoinHandle<Option<Network>>,
    publisher: JoinHandle<()>,
    reporter: JoinHandle<()>,
    workers: Vec<thread::JoinHandle<()>>,
    handshakes: Option<Runtime>,
}

impl Drop for RunningParts {
    fn drop(&mut self) {
        self.reconciler.abort();
        self.publisher.abort();
        self.reporter.abort();
        if let Some(handshakes) = self.handshakes.take() {
            handshakes.shutdown_background();
        }
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.shared.closing.send_replace(true);
        self.shared.stopping.send_replace(true);
    }
}

impl Tunnel {
    /// Opens the network and starts all threads and tasks; what the newest snapshot asks for
    /// follows at once.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(
        gatekeeper: Arc<dyn Gatekeeper>,
        options: Options,
    ) -> Result<Self, StartError> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let workers = options
            .workers
            .unwrap_or(cores)
            .clamp(1, worker::MAX_WORKERS);
        let handshake_threads = options
            .handshake_threads
            .unwrap_or(cores.div_ceil(2))
            .max(1);
        let opened = spawn_blocking(move || open_network(&options, workers));
        let mut network = opened
            .await
            .map_err(|error| StartError::Threads(io::Error::other(error)))??;
        let ports = network.take_ports();
        Self::start_with(gatekeeper, network, ports, handshake_threads).map_err(StartError::Threads)
    }

    /// Starts on a network that is open, with one worker for each port.
    fn start_with(
        gatekeeper: Arc<dyn Gatekeeper>,
        network: Network,
        ports: Vec<Port>,
        handshake_threads: usize,
    ) -> io::Result<Self> {
        listener::raise_file_limit();
        let handshakes = runtime::Builder::new_multi_thread()
            .worker_threads(handshake_threads)
            .thread_name("gatehouse-handshake")
            .enable_all()
            .build()?;
        let (reports, notes) = mpsc::channel(REPORTS);
        let (workers, inboxes): (Vec<_>, Vec<_>) = (0..ports.len()).map(Worker::new).unzip();
        let shared = Arc::new(Shared {
            gatekeeper,
            workers,
            book: AddressBook::default(),
            roster: Roster::default(),
            half_open: Arc::default(),
            sessions: Sessions::default(),
            handshakes: handshakes.handle().clone(),
            closing: watch::Sender::new(false),
            stopping: watch::Sender::new(false),
            reports,
            lost_reports: AtomicU64::new(0),
            recorded: strangers::Recorded::default(),
            unrecorded: strangers::Strangers::default(),
            ended_workers: Mutex::default(),
            status: Mutex::new(GatewayStatus {
                mode: Some(reconcile::mode_of(&network)),
                mode_reason: network.mode_reason().to_owned(),
                workers: ports.len(),
                ..GatewayStatus::default()
            }),
            network_counters: ports.iter().map(Port::counters).collect(),
        });
        let mut threads = Vec::new();
        for (index, (port, inbox)) in ports.into_iter().zip(inboxes).enumerate() {
            let started = worker::start(index, Arc::clone(&shared), port, inbox);
            if started.is_err() {
                // Those that run already would wait for orders for ever.
                shared.stopping.send_replace(true);
            }
            threads.push(started?);
        }
        let (live_sender, live) = watch::channel(Arc::new(shared.look()));
        let running = RunningParts {
            reporter: tokio::spawn(carry_reports(Arc::clone(&shared), notes)),
            publisher: tokio::spawn(publish(Arc::clone(&shared), live_sender)),
            reconciler: tokio::spawn(Reconciler::new(Arc::clone(&shared), network).run()),
            workers: threads,
            handshakes: Some(handshakes),
        };
        Ok(Self {
            shared,
            live,
            running: Mutex::new(Some(running)),
        })
    }

    /// Tells every client to come back later, waits up to two seconds for that to arrive, closes
    /// the listeners and takes every change to the host back. A second call does nothing.
    ///
    /// # Errors
    /// If a change to the host could not be taken back; the next start tries again.
    pub async fn stop(&self) -> Result<(), network::Error> {
        let parts = self
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(mut parts) = parts else {
            return Ok(());
        };
        self.shared.closing.send_replace(true);
        let network = match timeout(RECONCILER_END, &mut parts.reconciler).await {
            Ok(Ok(network)) => network,
            Ok(Err(error)) => {
                tracing::error!(%error, "the reconciler ended abnormally");
                None
            }
            Err(_) => {
                // The network is taken back where it is let go.
                tracing::error!("the reconciler does not end");
                parts.reconciler.abort();
                None
            }
        };
        self.shared.restart_sessions(STOPPING, |_| true);
        if timeout(FAREWELL, self.shared.sessions.ended())
            .await
            .is_err()
        {
            tracing::info!("some clients did not acknowledge that the gateway stops");
        }
        self.shared.flush_reports().await;
        self.shared.stopping.send_replace(true);
        let threads = std::mem::take(&mut parts.workers);
        let closed = spawn_blocking(move || {
            wait_for_threads(threads);
            network.map_or(Ok(()), Network::close)
        });
        closed.await.unwrap_or_else(|error| {
            tracing::error!(%error, "closing the network ended abnormally");
            Ok(())
        })
    }
}

impl Gateway for Tunnel {
    fn terminate(&self, ids: Vec<ConnectionId>) -> BoxFuture<'_, Vec<(ConnectionId, bool)>> {
        let outcomes = self.shared.end_each(ids, &Input::Terminate);
        Box::pin(std::future::ready(outcomes))
    }

    fn reconnect(&self, ids: Vec<ConnectionId>) -> BoxFuture<'_, Vec<(ConnectionId, bool)>> {
        let outcomes = self.shared.end_each(ids, &Input::Restart(RECONNECT));
        Box::pin(std::future::ready(outcomes))
    }

    fn expel(&self, verdict: &dyn Fn(&Connection) -> Option<String>) -> Vec<ConnectionId> {
        self.shared.expel(verdict)
    }

    fn live(&self) -> watch::Receiver<Arc<TunnelLive>> {
        self.live.clone()
    }
}

/// Waits for the workers, but not for ever: the host is put back as it was even if one hangs.
fn wait_for_threads(threads: Vec<thread::JoinHandle<()>>) {
    let limit = Instant::now() + WORKERS_END;
    while Instant::now() < limit && !threads.iter().all(thread::JoinHandle::is_finished) {
        thread::sleep(GONE_POLL);
    }
    for thread in threads {
        if !thread.is_finished() {
            tracing::error!("a data worker does not end");
        } else if thread.join().is_err() {
            tracing::error!("a data worker ended abnormally");
        }
    }
}

fn open_network(options: &Options, workers: usize) -> Result<Network, StartError> {
    std::fs::create_dir_all(&options.state_dir).map_err(|source| StartError::StateDir {
        path: options.state_dir.clone(),
        source,
    })?;
    Ok(Network::open(&OpenOptions {
        choice: options.network,
        workers,
        state_dir: options.state_dir.clone(),
        tun_name: options.tun_name.clone(),
    })?)
}

/// What all threads and tasks of the gateway share.
struct Shared {
    gatekeeper: Arc<dyn Gatekeeper>,
    workers: Vec<Worker>,
    book: AddressBook,
    roster: Roster,
    half_open: Arc<HalfOpen>,
    sessions: Sessions,
    handshakes: runtime::Handle,
    /// The reconciler is to end.
    closing: watch::Sender<bool>,
    /// The workers are to end.
    stopping: watch::Sender<bool>,
    reports: mpsc::Sender<Note>,
    lost_reports: AtomicU64,
    recorded: strangers::Recorded,
    /// Attempts that were too many to be recorded.
    unrecorded: strangers::Strangers,
    status: Mutex<GatewayStatus>,
    /// Workers that could not go on, with the reason.
    ended_workers: Mutex<BTreeMap<usize, String>>,
    network_counters: Vec<Arc<network::Counters>>,
}

/// What goes to the layer above, in order.
enum Note {
    Report(Box<Report>),
    /// Tells when all before it was taken.
    Flush(oneshot::Sender<()>),
}

impl Shared {
    /// Sends a report on its way, or counts it as lost and says false. Never waits: a session must
    /// not hang on a slow disk. Whoever is refused has only the first part of the queue, so that no
    /// stranger costs the record of a session.
    fn report(&self, report: Report) -> bool {
        let kept = match &report {
            Report::Refused(attempt) => {
                let (remote, at) = (attempt.device.ip(), attempt.at);
                if !self.recorded.takes(remote, at) {
                    self.unrecorded.count(remote, strangers::TOO_MANY, at);
                    return true;
                }
                REPORTS - REFUSALS
            }
            Report::Opened(_)
            | Report::Closed { .. }
            | Report::RekeyFailed { .. }
            | Report::Reconciled { .. } => 0,
        };
        let note = Note::Report(Box::new(report));
        let is_taken = self.reports.capacity() > kept && self.reports.try_send(note).is_ok();
        if !is_taken {
            let lost = self.lost_reports.fetch_add(1, Ordering::Relaxed) + 1;
            tracing::error!(lost, "a report was lost: the layer above does not keep up");
        }
        is_taken
    }

    /// A worker cannot go on; the others do. Its sessions end, so that their clients come back.
    fn worker_ended(&self, index: usize, reason: String) {
        tracing::error!(worker = index, %reason, "a data worker has ended");
        self.lock_ended_workers().insert(index, reason);
        self.restart_sessions(WORKER_ENDED, |member| {
            worker::worker_of(member.peer_id) == index
        });
    }

    /// What is to be said of workers that have ended: a warning for each, and what stands in the way
    /// of every endpoint if none is left.
    fn ended_workers(&self) -> (Vec<String>, Option<String>) {
        let ended = self.lock_ended_workers();
        let left = self.workers.iter().filter(|w| w.is_alive()).count();
        let warnings = ended.iter().map(|(index, reason)| {
            format!(
                "Data worker {index} has ended; {left} of {} go on. {reason} Restart the gateway.",
                self.workers.len()
            )
        });
        let last = ended.values().next().filter(|_| left == 0);
        let trouble = last
            .map(|reason| format!("The gateway carries nothing. {reason} Restart the gateway."));
        (warnings.collect(), trouble)
    }

    fn lock_ended_workers(&self) -> MutexGuard<'_, BTreeMap<usize, String>> {
        self.ended_workers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    async fn flush_reports(&self) {
        let (done, flushed) = oneshot::channel();
        let arrives = async {
            if self.reports.send(Note::Flush(done)).await.is_ok() && flushed.await.is_err() {
                tracing::debug!("the reporter ended before it was done");
            }
        };
        if timeout(FAREWELL, arrives).await.is_err() {
            tracing::warn!("the layer above does not take the last reports");
        }
    }

    /// Ends a session: its data is refused from this instant. False if it was ending already.
    fn end(&self, member: &Member, input: Input) -> bool {
        let is_new = member.set_ending();
        if is_new && member.inbox.try_send(input).is_err() {
            tracing::warn!(connection = %member.id, "a session's inbox is full; silence will end it");
        }
        is_new
    }

    /// Ends the named sessions, and says of each whether it was live.
    fn end_each(&self, ids: Vec<ConnectionId>, input: &Input) -> Vec<(ConnectionId, bool)> {
        let end = |id: ConnectionId| {
            let member = self.roster.find(&id);
            let was_live = member.is_some_and(|member| self.end(&member, input.clone()));
            (id, was_live)
        };
        let outcomes = ids.into_iter().map(end).collect();
        self.roster.changed.notify_one();
        outcomes
    }

    /// Ends the sessions that may no longer stay, each for its reason.
    fn expel(&self, verdict: &dyn Fn(&Connection) -> Option<String>) -> Vec<ConnectionId> {
        let mut ended = Vec::new();
        // The roster is free meanwhile: there may be many members, and a verdict takes its time.
        for member in self.roster.select(|member| !member.is_ending()) {
            if let Some(reason) = verdict(&member.connection())
                && self.end(&member, Input::Refuse(reason))
            {
                ended.push(member.id.clone());
            }
        }
        self.roster.changed.notify_one();
        ended
    }

    /// Tells the sessions for which `wanted` says so to come back.
    fn restart_sessions(&self, reason: &'static str, wanted: impl Fn(&Member) -> bool) {
        for member in self.roster.select(wanted) {
            self.end(&member, Input::Restart(reason));
        }
    }

    /// Waits until the sessions of a gate have gone, or for `limit`.
    async fn sessions_gone(&self, gate: &Gate, limit: Duration) {
        let gone = async {
            while gate.has_sessions() {
                sleep(GONE_POLL).await;
            }
            // Their last words are on the way.
            sleep(GONE_POLL).await;
        };
        if timeout(limit, gone).await.is_err() {
            tracing::debug!(endpoint = %gate.endpoint_id, "some sessions are still ending");
        }
    }

    fn set_status(&self, set: impl FnOnce(&mut GatewayStatus)) {
        set(&mut self.lock_status());
        self.roster.changed.notify_one();
    }

    fn lock_status(&self) -> MutexGuard<'_, GatewayStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What runs, now.
    fn look(&self) -> TunnelLive {
        let mut status = self.lock_status().clone();
        let mut strangers = strangers::Totals::default();
        for worker in &self.workers {
            worker.tally.add_to(&mut status.drops, &mut status.unproven);
            worker.tally.strangers.add_to(&mut strangers);
        }
        self.unrecorded.add_to(&mut strangers);
        status.unproven_prefixes = strangers.loudest();
        let mut totals = network::Totals::default();
        for counters in &self.network_counters {
            totals += counters.totals();
        }
        for (reason, count) in totals.drops() {
            // Policy and protocol have reasons of the same words, such as a malformed packet.
            let name = format!("network-{}", kebab(reason.as_str()));
            *status.drops.entry(name).or_default() += count;
        }
        let lost = self.lost_reports.load(Ordering::Relaxed);
        if lost > 0 {
            status.warnings.push(format!(
                "{lost} reports of connections were lost, because the store did not keep up."
            ));
        }
        TunnelLive {
            status,
            connections: self.roster.connections(),
        }
    }
}

/// `larger than the MTU` as `larger-than-the-mtu`.
fn kebab(words: &str) -> String {
    words.to_ascii_lowercase().replace(' ', "-")
}

async fn carry_reports(shared: Arc<Shared>, mut notes: mpsc::Receiver<Note>) {
    while let Some(note) = notes.recv().await {
        match note {
            Note::Report(report) => shared.gatekeeper.report(*report).await,
            // Whoever asked may have stopped waiting.
            Note::Flush(done) => {
                done.send(()).ok();
            }
        }
    }
}

/// Publishes what runs: at once when somebody comes or goes, else every second if it has changed.
async fn publish(shared: Arc<Shared>, live: watch::Sender<Arc<TunnelLive>>) {
    loop {
        select! {
            () = shared.roster.changed.notified() => {}
            () = sleep(REFRESH) => {}
        }
        let look = shared.look();
        live.send_if_modified(|shown| {
            let is_news = **shown != look;
            if is_news {
                *shown = Arc::new(look);
            }
            is_news
        });
        // Many that come at once are shown together.
        sleep(PUBLISH_PAUSE).await;
    }
}

/// Reports that may wait for the layer above.
const REPORTS: usize = 4096;
/// Of those, reports of clients that were refused.
const REFUSALS: usize = 1024;
/// What is told of sessions whose worker has ended.
const WORKER_ENDED: &str = "the gateway met a fault";
/// How long the reconciler may take to end: it may be changing the host.
const RECONCILER_END: Duration = Duration::from_secs(10);
/// How long the workers may take to end.
const WORKERS_END: Duration = Duration::from_secs(3);
/// How often what runs is looked at although nobody came or went.
const REFRESH: Duration = Duration::from_secs(1);
const PUBLISH_PAUSE: Duration = Duration::from_millis(50);
const GONE_POLL: Duration = Duration::from_millis(20);
/// How long clients have to acknowledge that the gateway stops: as long as RESTART lingers.
const FAREWELL: Duration = Duration::from_millis(2_200);
