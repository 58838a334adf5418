//! The service as the gateway sees it: configuration and credentials down, reports up.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::{mpsc, oneshot, watch};
use zeroize::Zeroizing;

use super::{
    Inner, Service,
    board::Board,
    certificates,
    connections::{blocked, has_room},
    endpoints::living,
    logs,
};
use crate::{
    clock,
    model::{
        Association, AssociationState, ClientBlock, Code, Connection, ConnectionState, EndReason,
        EndpointId, FailureReason, Refusal, RouteState, RuleState, Snapshot,
    },
    store::{SeenRows, Store, StoreError, Tx},
    tunnel::{BoxFuture, Candidate, Credentials, Denial, Gatekeeper, Report, TunnelLive},
};

impl Gatekeeper for Service {
    fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        Self::snapshots(self)
    }

    fn credentials<'a>(
        &'a self,
        endpoint: &'a EndpointId,
    ) -> BoxFuture<'a, Result<Credentials, Refusal>> {
        let endpoint = endpoint.clone();
        Box::pin(
            self.inner
                .store
                .transact(clock::now(), move |tx| credentials_of(tx, &endpoint)),
        )
    }

    fn admit<'a>(&'a self, candidate: &'a Candidate) -> BoxFuture<'a, Result<(), Denial>> {
        Box::pin(self.judge(candidate))
    }

    fn report(&self, report: Report) -> BoxFuture<'_, ()> {
        Box::pin(self.inner.desk.hand_in(report))
    }
}

impl Service {
    /// Whether a client whose certificate is good may come in, or stay.
    async fn judge(&self, candidate: &Candidate) -> Result<(), Denial> {
        use FailureReason as F;
        let in_force = self.in_force(Some(&candidate.endpoint_id)).await;
        let in_force = in_force.map_err(|error| {
            tracing::warn!(%error, "a client is refused because its certificate cannot be looked up");
            let sentence = "The lists of revoked certificates cannot be read, so nobody is let in";
            Denial::new(F::GatewayFault, sentence)
        })?;
        let (snapshot, now) = (&in_force.snapshot, clock::now());
        let endpoint = living(snapshot, candidate.endpoint_id.as_str())
            .map_err(|_| Denial::new(F::EndpointClosing, "The endpoint is being deleted"))?;
        if candidate.common_name.is_empty() {
            return Err(Denial::new(
                F::CertificateUnusable,
                "The client's certificate has no common name",
            ));
        }
        let name = &candidate.common_name;
        let mut blocks = blocked(snapshot, endpoint, now);
        if let Some(block) = blocks.find(|block| block.common_name == *name) {
            return Err(Denial::new(F::ClientBlocked, kept_out(block)));
        }
        // What is said of the client's own certificate comes first: it stays so.
        let revoked = in_force.revoked(&endpoint.id, name, &candidate.certificates);
        if let Some(reason) = revoked.or_else(|| in_force.over(endpoint, now)) {
            return Err(Denial::new(F::CertificateRevoked, reason));
        }
        let open = snapshot.associations_of(&endpoint.id).any(|association| {
            matches!(
                association.state,
                // The gateway may let clients in before its report that it can has arrived.
                AssociationState::Associated | AssociationState::Associating
            )
        });
        if !open {
            let sentence = "The endpoint has no target network";
            return Err(Denial::new(F::NoTargetNetwork, sentence));
        }
        let live = self.inner.board.count_open(&endpoint.id);
        if candidate.rekey || has_room(snapshot, live) {
            return Ok(());
        }
        let sentence = format!("The endpoint has {live} connections, as many as it may have");
        Err(Denial::new(F::ConnectionLimit, sentence))
    }
}

/// Why a client that is kept out for a while does not come in.
pub(super) fn kept_out(block: &ClientBlock) -> String {
    format!(
        "An administrator keeps {} out until {}",
        block.common_name, block.until
    )
}

fn credentials_of(tx: &Tx<'_>, endpoint: &EndpointId) -> Result<Credentials, Refusal> {
    let snapshot = tx.snapshot();
    let endpoint = living(&snapshot, endpoint.as_str())?;
    let named = |arn: &str| certificates::stored(&snapshot, certificates::CERTIFICATE_ARN, arn);
    let server = named(endpoint.server_certificate.as_str())?;
    let Some(key) = tx.private_key(&server.arn)? else {
        return Err(Refusal::new(
            Code::ResourceNotFound,
            format!("The store has no private key of {}", server.title()),
        ));
    };
    let key = pem::parse(key.as_slice()).map_err(|error| {
        tracing::error!(%error, arn = %server.arn, "a stored private key cannot be read");
        Refusal::new(
            Code::InternalError,
            format!("The private key of {} cannot be read", server.title()),
        )
    })?;
    let roots = match endpoint.client_root_certificate() {
        Some(arn) => certificates::client_roots(named(arn.as_str())?)?,
        None => Vec::new(),
    };
    Ok(Credentials {
        server_chain: certificates::chain_der(server)?,
        server_key: Zeroizing::new(key.into_contents()),
        client_roots: roots,
    })
}

/// Where the gateway hands its reports in. One task takes them in order, those that wait together
/// at once; it ends, with nothing left, when the desk is dropped.
pub(super) struct Desk {
    queue: mpsc::Sender<Paper>,
    lost: AtomicU64,
}

enum Paper {
    Report(Box<Report>),
    /// The gateway is gone: what it reported before is all there is.
    Gone(oneshot::Sender<()>),
    Flush(oneshot::Sender<()>),
}

impl Desk {
    /// Opens the desk and starts the task behind it.
    pub(super) fn open(store: Store, board: Arc<Board>, service: Weak<Inner>) -> Self {
        let (queue, papers) = mpsc::channel(QUEUE);
        let clerk = Clerk {
            store,
            board,
            service,
            reconciled: None,
            unkept: Vec::new(),
        };
        tokio::spawn(take_papers(clerk, papers));
        Self {
            queue,
            lost: AtomicU64::new(0),
        }
    }

    async fn hand_in(&self, report: Report) {
        let paper = Paper::Report(Box::new(report));
        if self.queue.send_timeout(paper, PATIENCE).await.is_err() {
            let lost = self.lost.fetch_add(1, Ordering::Relaxed) + 1;
            tracing::warn!(lost, "a report of the gateway could not be kept");
        }
    }

    /// Returns once every report so far is dealt with.
    pub(super) async fn flush(&self) {
        hand_over(&self.queue, Paper::Flush).await;
    }

    /// As [`Desk::gateway_gone`], without waiting for it.
    pub(super) fn gateway_is_gone(&self) {
        let (done, _) = oneshot::channel();
        if self.queue.try_send(Paper::Gone(done)).is_err() {
            tracing::warn!("connections stay open in the record until the next start");
        }
    }

    /// To be awaited once the gateway is gone: ends, after every report so far, the connections
    /// that it left open, and takes it out of the views.
    pub(super) fn gateway_gone(&self) -> impl Future<Output = ()> + Send + use<> {
        let queue = self.queue.clone();
        async move { hand_over(&queue, Paper::Gone).await }
    }
}

/// Hands in a paper and waits until it is dealt with.
async fn hand_over(queue: &mpsc::Sender<Paper>, paper: impl FnOnce(oneshot::Sender<()>) -> Paper) {
    let (done, dealt) = oneshot::channel();
    if queue.send(paper(done)).await.is_ok() {
        // An error means that the task is gone, and with it everything there was to wait for.
        dealt.await.unwrap_or_default();
    }
}

/// What the task behind the desk works on.
struct Clerk {
    store: Store,
    board: Arc<Board>,
    /// Who judges sessions that have come up.
    service: Weak<Inner>,
    /// What the reconciler said last, until it is kept: it does not say it again.
    reconciled: Option<Report>,
    /// What happened and could not be kept yet, oldest first.
    unkept: Vec<Report>,
}

async fn take_papers(mut clerk: Clerk, mut papers: mpsc::Receiver<Paper>) {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        tokio::select! {
            count = papers.recv_many(&mut batch, BATCH) => if count == 0 {
                break;
            },
            () = tokio::time::sleep(RETRY), if clerk.has_unkept() => {}
        }
        clerk.take(batch.drain(..)).await;
    }
}

impl Clerk {
    async fn take(&mut self, papers: impl Iterator<Item = Paper>) {
        let mut happened = Vec::new();
        let mut opened = Vec::new();
        let mut waiting = Vec::new();
        for paper in papers {
            match paper {
                // Of what the reconciler says only the newest counts.
                Paper::Report(report) if matches!(*report, Report::Reconciled { .. }) => {
                    self.reconciled = Some(*report);
                }
                Paper::Report(report) => {
                    show(&self.board, &report);
                    if let Report::Opened(connection) = report.as_ref() {
                        opened.push(connection.clone());
                    }
                    happened.push(*report);
                }
                Paper::Gone(done) => {
                    let left = self.board.gateway_gone(given_up);
                    happened.extend(left.into_iter().map(|connection| Report::Closed {
                        connection,
                        reason: EndReason::GatewayStopped,
                    }));
                    waiting.push(done);
                }
                Paper::Flush(done) => waiting.push(done),
            }
        }
        if !opened.is_empty()
            && let Some(inner) = self.service.upgrade()
        {
            (Service { inner }).judge_again(&opened).await;
        }
        // What clients did is kept apart from what the reconciler says, so that neither stands in
        // the other's way.
        self.unkept.extend(happened);
        self.keep_all().await;
        if let Some(report) = self.reconciled.take()
            && !self.keep(vec![report.clone()]).await
        {
            self.reconciled = Some(report);
        }
        self.board.publish(clock::now());
        for done in waiting {
            // Nobody may be waiting any more.
            done.send(()).unwrap_or_default();
        }
    }

    fn has_unkept(&self) -> bool {
        self.reconciled.is_some() || !self.unkept.is_empty()
    }

    /// Keeps what happened, in its order. Where the store takes nothing, all is tried again later, up
    /// to so many; what it does not take where it takes others is given up.
    async fn keep_all(&mut self) {
        let reports = std::mem::take(&mut self.unkept);
        if self.keep(reports.clone()).await {
            return;
        }
        let mut waiting = VecDeque::from(reports);
        let mut refused = Vec::new();
        let mut takes_any = false;
        while let Some(report) = waiting.pop_front() {
            if self.keep(vec![report.clone()]).await {
                takes_any = true;
                continue;
            }
            refused.push(report);
            if !takes_any && refused.len() == TRIED {
                break;
            }
        }
        let mut given_up = refused.len();
        if !takes_any {
            refused.extend(waiting);
            given_up = refused.len().saturating_sub(UNKEPT);
            self.unkept = refused.split_off(given_up);
        }
        if given_up > 0 {
            tracing::error!(given_up, "reports of the gateway are given up");
        }
    }

    /// Keeps the reports, all or none; whether it did.
    async fn keep(&self, reports: Vec<Report>) -> bool {
        let count = reports.len();
        if count == 0 {
            return true;
        }
        let kept: Result<(), StoreError> = self
            .store
            .transact(clock::now(), move |tx| {
                reports.iter().try_for_each(|report| keep(tx, report))
            })
            .await;
        if let Err(error) = &kept {
            tracing::warn!(%error, count, "reports of the gateway could not be kept");
        }
        kept.is_ok()
    }
}

fn show(board: &Board, report: &Report) {
    match report {
        Report::Reconciled { .. } | Report::RekeyFailed { .. } => {}
        Report::Opened(connection) => board.opened(connection.clone()),
        Report::Closed { connection, .. } => board.closed(ended(connection)),
        Report::Refused(attempt) => board.refused(attempt.clone()),
    }
}

fn keep(tx: &mut Tx<'_>, report: &Report) -> Result<(), StoreError> {
    logs::keep(tx, report)?;
    match report {
        Report::Reconciled { seq, associations } => settle(tx, *seq, |association| {
            associations.get(&association.id).cloned()
        }),
        Report::Opened(connection) => tx.put_connection(connection),
        Report::Closed { connection, .. } => tx.put_connection(&ended(connection)),
        Report::RekeyFailed { .. } => Ok(()),
        Report::Refused(attempt) => {
            tx.insert_attempt(attempt)?;
            tx.prune_attempts(super::connections::MAX_ATTEMPTS)
        }
    }
}

/// The connection as one that has ended, whatever the report left open.
fn ended(connection: &Connection) -> Connection {
    let mut ended = connection.clone();
    ended.state = ConnectionState::Terminated;
    ended.ended_at = ended.ended_at.or(Some(ended.counted_at));
    ended
}

/// The connection as one that the gateway left open when it went.
pub(super) fn given_up(mut connection: Connection) -> Connection {
    connection.end_reason = Some(STOPPED_WITHOUT_A_WORD.to_owned());
    ended(&connection)
}

/// Takes note that what runs matches snapshot `seq`: what was coming in it has come, what was
/// going in it is gone. `trouble` answers for each association that should run what stands in its
/// way. Writes nothing where nothing is new.
fn settle(
    tx: &mut Tx<'_>,
    seq: u64,
    trouble: impl Fn(&Association) -> Option<Option<String>>,
) -> Result<(), StoreError> {
    let snapshot = tx.snapshot();
    let seen = tx.seen_rows(seq)?;
    settle_routes(tx, &snapshot, &seen)?;
    settle_rules(tx, &snapshot, &seen)?;
    settle_associations(tx, &snapshot, &seen, trouble)?;
    for endpoint in snapshot.endpoints.values() {
        if endpoint.deleting && seen.endpoints.contains(&endpoint.id) {
            tx.delete_endpoint(&endpoint.id)?;
        }
    }
    Ok(())
}

fn settle_routes(tx: &mut Tx<'_>, snapshot: &Snapshot, seen: &SeenRows) -> Result<(), StoreError> {
    for route in &snapshot.routes {
        let key = (
            route.endpoint_id.clone(),
            route.destination,
            route.subnet_id.clone(),
        );
        if !seen.routes.contains(&key) {
            continue;
        }
        match route.state {
            RouteState::Creating => tx.set_route_state(route, RouteState::Active)?,
            RouteState::Deleting => tx.delete_route(route)?,
            RouteState::Active => {}
        }
    }
    Ok(())
}

fn settle_rules(tx: &mut Tx<'_>, snapshot: &Snapshot, seen: &SeenRows) -> Result<(), StoreError> {
    for rule in &snapshot.rules {
        let key = (
            rule.endpoint_id.clone(),
            rule.destination,
            rule.access.clone(),
        );
        if !seen.rules.contains(&key) {
            continue;
        }
        match rule.state {
            RuleState::Authorizing => tx.set_rule_state(rule, RuleState::Active)?,
            RuleState::Revoking => tx.delete_rule(rule)?,
            RuleState::Active => {}
        }
    }
    Ok(())
}

fn settle_associations(
    tx: &mut Tx<'_>,
    snapshot: &Snapshot,
    seen: &SeenRows,
    trouble: impl Fn(&Association) -> Option<Option<String>>,
) -> Result<(), StoreError> {
    let mut left = BTreeSet::new();
    for association in snapshot.associations.values() {
        if !seen.associations.contains(&association.id) {
            continue;
        }
        if association.state == AssociationState::Disassociating {
            tx.delete_association(&association.id)?;
            left.insert(&association.endpoint_id);
            continue;
        }
        let Some(trouble) = trouble(association) else {
            continue;
        };
        let state = match trouble {
            None => AssociationState::Associated,
            Some(reason) => AssociationState::Failed { reason },
        };
        if state != association.state {
            tx.set_association_state(&association.id, &state)?;
        }
    }
    for endpoint in left {
        let gone = |association: &Association| {
            association.state == AssociationState::Disassociating
                && seen.associations.contains(&association.id)
        };
        if snapshot.associations_of(endpoint).all(gone) {
            tx.reset_endpoint_vpc(endpoint)?;
        }
    }
    Ok(())
}

/// Follows what the gateway shows of itself, and keeps its counters `every` so often, until the
/// gateway is gone.
pub(super) async fn follow_gateway(
    store: Store,
    board: Arc<Board>,
    mut live: watch::Receiver<Arc<TunnelLive>>,
    every: Duration,
) {
    let mut keep = tokio::time::interval(every);
    keep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            changed = live.changed() => {
                if changed.is_err() {
                    break;
                }
                board.set_tunnel(live.borrow_and_update().clone());
            }
            _ = keep.tick() => keep_counters(&store, &board).await,
        }
        board.publish(clock::now());
    }
}

async fn keep_counters(store: &Store, board: &Board) {
    let connections = board.live();
    if connections.is_empty() {
        return;
    }
    let kept: Result<(), StoreError> = store
        .transact(clock::now(), move |tx| {
            connections
                .iter()
                .try_for_each(|connection| tx.put_traffic(connection))
        })
        .await;
    if let Err(error) = kept {
        tracing::warn!(%error, "counters of connections could not be kept");
    }
}

/// Reports that may wait to be taken.
const QUEUE: usize = 1024;
/// Reports that share a transaction.
const BATCH: usize = 256;
/// Reports that wait until the store takes them.
const UNKEPT: usize = 4096;
/// So many reports the store does not take one by one until it is said to take nothing.
const TRIED: usize = 3;
/// How long a report waits for room before it is given up.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long what could not be kept waits for the next try.
const RETRY: Duration = Duration::from_secs(1);
pub(super) const COUNTERS_KEPT_EVERY: Duration = Duration::from_secs(10);
pub(super) const STOPPED_WITHOUT_A_WORD: &str = "The gateway stopped without a word";
