//! One session's control side, from the first proven packet to its last words.
//!
//! A task of the handshake pool owns the session's `Control` and does all that may take long:
//! signatures, asking who may come in. It has one inbox, so there is one job of a session at a time,
//! and it tells the data worker what to do by orders; the worker never waits for it.

use std::{
    future::{Future, pending},
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, Weak, atomic::Ordering},
    time::{Duration, Instant},
};

use tokio::{
    select,
    sync::{mpsc, oneshot, watch},
    time::timeout,
};

use super::{
    Shared,
    door::{DoorKey, HalfOpenPermit},
    gate::{Gate, Place, Terms},
    gatekeeper::{Candidate, Denial, Report},
    roster::{Counts, Member},
    told::{Doubt, Told},
    worker::{Joining, JoiningLink, Order, Route, StreamId, UdpIo, Worker},
};
use crate::{
    clock,
    model::{Attempt, ConnectionId, ConnectionState, EndReason, FailureReason},
    openvpn::{
        self, Accepted, Admission, CertificateProblem, CloseReason, Control, Data, DataEvent,
        Decision, Event, Grant, OsRandom, PeerId, PushUpdate, Random as _, Telling, TlsFailure,
        Transport, write_framed,
    },
    policy,
};

/// Counts the sessions whose tasks run.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    count: Arc<watch::Sender<usize>>,
}

/// Held by a task while it runs.
struct Running(Arc<watch::Sender<usize>>);

impl Sessions {
    fn enter(&self) -> Running {
        self.count.send_modify(|count| *count += 1);
        Running(Arc::clone(&self.count))
    }

    /// Waits until no session's task runs.
    pub(super) async fn ended(&self) {
        let mut count = self.count.subscribe();
        if count.wait_for(|count| *count == 0).await.is_err() {
            tracing::trace!("the sessions were dropped");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// What a session's control task is told.
#[derive(Clone, Debug)]
pub(super) enum Input {
    /// A control packet of the client.
    Packet(Vec<u8>),
    /// The data channel has something for the control channel.
    Data(DataEvent),
    /// The client sends from another address now.
    Moved(Weak<UdpIo>, Route),
    /// Another session from the same address was admitted.
    Replaced,
    /// The TCP connection has ended.
    StreamClosed,
    /// An administrator ends the session.
    Terminate,
    /// The client may not stay, for this reason.
    Refuse(String),
    /// The gateway ends the session for this reason; the client is told to come back.
    Restart(&'static str),
}

/// Puts a control packet into a session's inbox; false if too many wait. Some room is always left
/// for what comes from our own side.
pub(super) fn deliver(inbox: &mpsc::Sender<Input>, packet: &[u8]) -> bool {
    inbox.capacity() > KEPT_FROM_PACKETS && inbox.try_send(Input::Packet(packet.to_vec())).is_ok()
}

/// Tells a session that its client has moved; false if there is no room. A client may move with every
/// packet, so this leaves room too.
pub(super) fn offer_move(inbox: &mpsc::Sender<Input>, moved: Input) -> bool {
    inbox.capacity() > KEPT_FROM_MOVES && inbox.try_send(moved).is_ok()
}

/// Tells a session what its data channel has to say; false if there is no room. The last places are
/// for [`Input::Terminate`] and its like, which come once and have to arrive.
pub(super) fn offer_event(inbox: &mpsc::Sender<Input>, event: DataEvent) -> bool {
    inbox.capacity() > KEPT_FROM_EVENTS && inbox.try_send(Input::Data(event)).is_ok()
}

/// A client that has proven its address.
pub(super) struct Knock {
    pub(super) gate: Arc<Gate>,
    pub(super) link: Link,
    pub(super) remote: SocketAddr,
    pub(super) accepted: Accepted,
    /// The worker whose socket it came to.
    pub(super) worker: usize,
    pub(super) permit: HalfOpenPermit,
}

/// How control packets get to a client.
pub(super) enum Link {
    /// Through the worker's socket, for as long as that is open.
    Udp { io: Weak<UdpIo>, route: Route },
    /// Through the worker that has the connection.
    Tcp { stream: StreamId },
}

/// Starts the task of a session with a client that has knocked.
pub(super) fn spawn(
    shared: &Arc<Shared>,
    knock: Knock,
    first_packet: &[u8],
) -> mpsc::Sender<Input> {
    let (inbox, inputs) = mpsc::channel(INBOX);
    let door = matches!(knock.link, Link::Udp { .. }).then(|| {
        let client = knock.accepted.remote_session_id();
        knock.gate.doors.open(knock.remote, client, &inbox)
    });
    let task = Task {
        shared: Arc::clone(shared),
        terms: knock.gate.terms.subscribe(),
        gate: knock.gate,
        worker: knock.worker,
        link: knock.link,
        remote: knock.remote,
        door,
        permit: Some(knock.permit),
        inbox: inbox.downgrade(),
        admission: None,
        stay: None,
        news: News::default(),
        owes_a_word: false,
        why: None,
        claims: Claims::default(),
        denied: None,
        is_over: false,
        _running: shared.sessions.enter(),
        outgoing: Vec::new(),
    };
    shared
        .handshakes
        .spawn(task.run(knock.accepted, first_packet.to_vec(), inputs));
    inbox
}

struct Task {
    shared: Arc<Shared>,
    gate: Arc<Gate>,
    /// Tells when the session should get something else than it got.
    terms: watch::Receiver<Arc<Terms>>,
    worker: usize,
    link: Link,
    remote: SocketAddr,
    door: Option<DoorKey>,
    permit: Option<HalfOpenPermit>,
    inbox: mpsc::WeakSender<Input>,
    admission: Option<Asking>,
    stay: Option<Stay>,
    /// Changes of the terms that were not looked at yet.
    news: News,
    /// Whether the client is to be told something as soon as it can be, or was and may not have it.
    owes_a_word: bool,
    /// Why we closed the session, where the protocol has no word for it.
    why: Option<(EndReason, &'static str)>,
    /// What the client said of itself, once it has.
    claims: Claims,
    /// The connection log's word for why the client was refused.
    denied: Option<FailureReason>,
    /// Whether its end was told: a client may go before it has acknowledged our last words.
    is_over: bool,
    _running: Running,
    outgoing: Vec<u8>,
}

/// An admission that was asked for and not yet answered.
type Asking = Pin<Box<dyn Future<Output = Answer> + Send>>;

struct Answer {
    admission: Box<Admission>,
    verdict: Result<(), Denial>,
}

/// What a client says of itself: nothing rests on it.
#[derive(Clone, Debug, Default)]
struct Claims {
    version: String,
    platform: String,
}

/// Changes of what a session should get, gathered until they pause: for each word of it a stock
/// client of 2.7 takes its tunnel down for a second.
#[derive(Debug, Default)]
struct News {
    first: Option<Instant>,
    /// When they are to be looked at; none while there are none.
    due: Option<Instant>,
}

impl News {
    fn heard(&mut self, now: Instant) {
        let first = *self.first.get_or_insert(now);
        self.due = Some((now + PAUSE).min(first + NO_LONGER));
    }
}

/// A pause in the changes after which they are told.
const PAUSE: Duration = Duration::from_millis(500);
/// Changes that never pause are told after this time.
const NO_LONGER: Duration = Duration::from_secs(2);

/// What a session holds that was let in.
struct Stay {
    place: Place,
    peer_id: PeerId,
    admission: Box<Admission>,
    /// What its client knows.
    told: Told,
    /// What of that it may have heard otherwise since.
    doubt: Doubt,
    /// What it knows once the change that is on its way has arrived.
    saying: Option<Saying>,
    /// Once the session stands.
    member: Option<Arc<Member>>,
}

/// A change that is on its way to the client.
struct Saying {
    told: Told,
    /// What is in doubt unless it arrives.
    doubt: Doubt,
}

impl Stay {
    /// Looks what became of the change that was on its way; false while that is open.
    fn settle(&mut self, control: &mut Control) -> bool {
        let Some(saying) = self.saying.take() else {
            return true;
        };
        match control.update_outcome() {
            Some(true) => {
                self.told = saying.told;
                self.doubt = Doubt::default();
            }
            Some(false) => self.doubt = saying.doubt,
            None => {
                self.saying = Some(saying);
                return false;
            }
        }
        true
    }
}

impl Task {
    async fn run(
        mut self,
        accepted: Accepted,
        first_packet: Vec<u8>,
        mut inputs: mpsc::Receiver<Input>,
    ) {
        let transport = match self.link {
            Link::Udp { .. } => Transport::Udp,
            Link::Tcp { .. } => Transport::Tcp,
        };
        let server = self.gate.server.load_full();
        let random = Box::new(OsRandom);
        match Control::server(Instant::now(), server, accepted, transport, random) {
            Ok(mut control) => {
                // Before anything is sent: the first answer acknowledges it.
                self.take(&mut control, Input::Packet(first_packet)).await;
                self.drive(&mut control, &mut inputs).await;
            }
            Err(reason) => self.end(&reason, None).await,
        }
        if let Link::Tcp { stream } = self.link {
            self.worker().order(Order::CloseStream(stream)).await;
        }
    }

    async fn drive(&mut self, control: &mut Control, inputs: &mut mpsc::Receiver<Input>) {
        loop {
            self.act_on_events(control).await;
            if self.owes_a_word {
                self.follow_up(control);
            }
            self.transmit(control).await;
            if control.is_done() {
                return;
            }
            let deadline = control.poll_timeout();
            select! {
                biased;
                answer = asked(&mut self.admission) => {
                    self.admission = None;
                    self.answer(control, answer);
                }
                input = inputs.recv() => match input {
                    Some(input) => {
                        control.use_config(self.gate.server.load_full());
                        self.take(control, input).await;
                    }
                    // Nobody can reach the session any more.
                    None => {
                        self.why = Some((
                            EndReason::ConnectionReset,
                            "the client has started anew, or its connection was closed",
                        ));
                        return self.end(&CloseReason::Closed, control.identity()).await;
                    }
                },
                Ok(()) = self.terms.changed() => self.news.heard(Instant::now()),
                () = sleep_until(self.news.due) => self.review(control),
                () = sleep_until(deadline) => {
                    control.use_config(self.gate.server.load_full());
                    control.handle_timeout(Instant::now());
                }
            }
        }
    }

    /// Takes up what could not be told yet, or was not known to have arrived: together with what has
    /// changed since, once that has paused.
    fn follow_up(&mut self, control: &mut Control) {
        if self.terms.has_changed().unwrap_or(false) {
            self.terms.mark_unchanged();
            self.news.heard(Instant::now());
        }
        let is_settled = self.stay.as_mut().is_none_or(|stay| stay.settle(control));
        if is_settled && self.news.due.is_none() {
            self.review(control);
        }
    }

    /// Compares what the client knows with what it should, and tells it the difference if it takes
    /// that while it is connected; else the session is shown as one that should reconnect. Only what
    /// has arrived counts as told.
    fn review(&mut self, control: &mut Control) {
        self.news = News::default();
        self.owes_a_word = false;
        let terms = Arc::clone(&self.terms.borrow_and_update());
        let Some(stay) = &mut self.stay else {
            return;
        };
        let binding = stay.place.binding.load();
        let association = terms.associations.get(&binding.association_id);
        let (Some(member), Some(association)) = (stay.member.clone(), association) else {
            return;
        };
        let wanted = Told::of(&terms, association);
        if !stay.settle(control) {
            self.owes_a_word = true;
            return;
        }
        let tellable = stay.told.towards(&wanted, &member.platform);
        let update = stay.told.update_to(&tellable, stay.doubt);
        if update != PushUpdate::default() {
            let telling = control.push_update(Instant::now(), &update);
            self.owes_a_word = telling != Telling::Unable;
            stay.saying = (telling == Telling::UnderWay).then(|| Saying {
                told: tellable,
                doubt: stay.doubt.with(&update),
            });
            if self.owes_a_word {
                return;
            }
        }
        if member.set_reconnect(stay.told.lack(&wanted)) {
            self.shared.roster.changed.notify_one();
        }
    }

    async fn take(&mut self, control: &mut Control, input: Input) {
        let now = Instant::now();
        match input {
            Input::Packet(packet) => match control.handle_packet(now, &packet) {
                Ok(()) => self.note_heard().await,
                Err(discard) => self.worker().tally.discarded(discard),
            },
            Input::Data(event) => control.handle_data_event(now, event),
            Input::Moved(io, route) => {
                if let Some(door) = &mut self.door {
                    door.move_to(route.remote);
                }
                self.remote = route.remote;
                self.link = Link::Udp { io, route };
            }
            Input::Replaced => {
                self.why = Some((EndReason::Replaced, "the client has started a new session"));
                control.close(now);
            }
            Input::StreamClosed => {
                self.why = Some((
                    EndReason::ConnectionReset,
                    "the client's TCP connection has ended",
                ));
                control.close(now);
            }
            Input::Terminate => control.restart(now, TERMINATED),
            Input::Refuse(reason) => control.refuse(now, &reason),
            Input::Restart(reason) => control.restart(now, reason),
        }
    }

    /// The data worker watches over silence, and has to know that the client talks.
    async fn note_heard(&mut self) {
        if let Some(stay) = &self.stay
            && stay.member.is_some()
        {
            self.worker().order(Order::Heard(stay.peer_id)).await;
        }
    }

    async fn act_on_events(&mut self, control: &mut Control) {
        while let Some(event) = control.poll_event() {
            match event {
                Event::Admit(admission) => self.ask(admission),
                Event::Established(session) => self.establish(control, *session).await,
                Event::Install(keys) => self.order(|id| Order::Install(id, keys)).await,
                Event::Promote(key) => self.order(|id| Order::Promote(id, key)).await,
                Event::Retire(key) => self.order(|id| Order::Retire(id, key)).await,
                Event::SendExit => self.order(Order::SendExit).await,
                Event::RekeyFailed(reason) => {
                    tracing::info!(remote = %self.remote, %reason, "a rekey failed");
                    self.report_failed_rekey(&reason);
                }
                Event::Closed(reason) => self.end(&reason, control.identity()).await,
                // A server is pushed nothing and told nothing.
                Event::Pushed(_) | Event::Updated(_) | Event::Info(_) => {}
            }
        }
    }

    /// Asks the layer above whether the client may come in, or stay.
    fn ask(&mut self, admission: Box<Admission>) {
        let identity = &admission.identity;
        let info = |key| {
            let value = admission.peer_info.value(key);
            value.unwrap_or_default().to_owned()
        };
        self.claims = Claims {
            version: info("IV_VER"),
            platform: info("IV_PLAT"),
        };
        let candidate = Candidate {
            endpoint_id: self.gate.endpoint_id.clone(),
            device: self.remote,
            common_name: identity.common_name.clone(),
            fingerprint: data_encoding::HEXLOWER.encode(&identity.fingerprint),
            serial: data_encoding::HEXLOWER.encode(&identity.serial),
            certificates: identity.certificates.clone(),
            rekey: admission.is_rekey,
        };
        // Before the question, so that whoever looks for certificates that were revoked meanwhile
        // finds those it is about.
        if let Some(member) = self.stay.as_ref().and_then(|stay| stay.member.as_ref()) {
            member.set_certificates(candidate.certificates.clone());
        }
        let gatekeeper = Arc::clone(&self.shared.gatekeeper);
        self.admission = Some(Box::pin(async move {
            let verdict = gatekeeper.admit(&candidate).await;
            Answer { admission, verdict }
        }));
    }

    fn answer(&mut self, control: &mut Control, answer: Answer) {
        let Answer { admission, verdict } = answer;
        let decision = match (verdict, &self.stay) {
            (Err(denial), _) => self.refuse(denial),
            (Ok(()), Some(stay)) => Decision::Admit(Box::new(self.grant(stay))),
            (Ok(()), None) => match self.settle(admission) {
                Ok(stay) => {
                    let grant = self.grant(&stay);
                    self.stay = Some(stay);
                    Decision::Admit(Box::new(grant))
                }
                Err(denial) => self.refuse(denial),
            },
        };
        control.handle_decision(Instant::now(), decision);
    }

    fn refuse(&mut self, denial: Denial) -> Decision {
        self.denied = Some(denial.failure);
        Decision::Refuse {
            reason: denial.sentence,
        }
    }

    /// Finds the client an address, an association and a number.
    fn settle(&self, admission: Box<Admission>) -> Result<Stay, Denial> {
        let identity = &admission.identity;
        let fingerprint = data_encoding::HEXLOWER.encode(&identity.fingerprint);
        let client = format!("{}\n{fingerprint}", identity.common_name);
        let place = self
            .gate
            .take_place(&client)
            .map_err(|reason| Denial::new(reason.failure(), reason.to_string()))?;
        let changed = || Denial::new(FailureReason::EndpointClosing, CHANGED);
        let told = self.gate.told(&place).ok_or_else(changed)?;
        let peer_id = self.worker().take_peer_id().ok_or_else(|| {
            let sentence = "the gateway has its most sessions already; try again later";
            Denial::new(FailureReason::ConnectionLimit, sentence)
        })?;
        Ok(Stay {
            told,
            doubt: Doubt::default(),
            saying: None,
            place,
            peer_id,
            admission,
            member: None,
        })
    }

    fn grant(&self, stay: &Stay) -> Grant {
        let range = self.gate.client_range;
        let gateway = policy::gateway_address(range);
        let mut grant = Grant::new(stay.place.address, range.netmask(), gateway, stay.peer_id);
        stay.told.put_into(&mut grant);
        grant
    }

    /// The session stands: its worker gets the data channel, and everyone may know of it.
    async fn establish(&mut self, control: &mut Control, session: openvpn::Session) {
        let now = Instant::now();
        self.permit = None;
        let Some(member) = self.member(&session) else {
            control.restart(now, "the gateway could not name the connection");
            return;
        };
        let data = Box::new(Data::new(now, session.data, &session.options));
        let link = match &self.link {
            Link::Udp { route, .. } => JoiningLink::Udp(*route),
            Link::Tcp { stream } => JoiningLink::Tcp(*stream),
        };
        let joining = Joining {
            member: Arc::clone(&member),
            gate: Arc::clone(&self.gate),
            data,
            link,
            has_peer_id: session.negotiated.peer_id.is_some(),
        };
        if let Some(stay) = &mut self.stay {
            stay.member = Some(Arc::clone(&member));
        }
        // The client may send as soon as it has read our answer: the worker knows it before.
        let (answer, joined) = oneshot::channel();
        let order = Order::Join(Box::new(joining), answer);
        self.worker().order(order).await;
        let has_joined = joined.await.unwrap_or(false);
        if let Some(door) = &self.door {
            door.admit(&Input::Replaced);
        }
        self.shared.roster.insert(Arc::clone(&member));
        self.shared.report(Report::Opened(member.connection()));
        // Whoever looked for sessions to end before this one was listed has not seen it.
        let is_closing = self.gate.is_closing.load(Ordering::Acquire);
        if !has_joined {
            control.close(now);
        } else if is_closing {
            control.restart(now, CHANGED);
        } else {
            // What has changed since the client was asked about.
            self.review(control);
        }
    }

    fn member(&self, session: &openvpn::Session) -> Option<Arc<Member>> {
        let stay = self.stay.as_ref()?;
        let mut random = [0; 9];
        if !OsRandom.fill(&mut random) {
            return None;
        }
        let established_at = clock::now();
        Some(Arc::new(Member {
            id: ConnectionId::from_random(random),
            endpoint_id: self.gate.endpoint_id.clone(),
            binding: Arc::clone(&stay.place.binding),
            address: stay.place.address,
            peer_id: stay.peer_id,
            common_name: stay.admission.identity.common_name.clone(),
            certificates: Mutex::new(stay.admission.identity.certificates.clone()),
            client_version: self.claims.version.clone(),
            platform: self.claims.platform.clone(),
            cipher: session.negotiated.cipher.name(),
            established_at,
            inbox: self.inbox.upgrade()?,
            device: Mutex::new(self.remote),
            counts: Counts::starting(established_at),
            reconnect: Mutex::default(),
            is_ending: Default::default(),
        }))
    }

    /// Releases what the session held, and tells the layer above how it ended.
    async fn end(&mut self, reason: &CloseReason, identity: Option<&openvpn::Identity>) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        self.permit = None;
        self.admission = None;
        let stay = self.stay.take();
        let member = stay.as_ref().and_then(|stay| stay.member.clone());
        if let Some(member) = &member {
            member.set_ending();
            let (done, left) = oneshot::channel();
            self.worker()
                .order(Order::Leave(member.peer_id, done))
                .await;
            if !matches!(timeout(LEAVE, left).await, Ok(Ok(()))) {
                tracing::debug!(remote = %self.remote, "the worker stopped before the session left");
            }
        }
        if let Some(stay) = stay {
            self.worker().return_peer_id(stay.peer_id);
            // Whoever hears that it has ended finds its address free.
            drop(stay);
        }
        let told = sentence(reason, self.why.map(|(_, why)| why));
        match member {
            Some(member) => self.report_closed(&member, end_reason(reason, self.why), told),
            None => {
                let failure = self.denied.unwrap_or_else(|| failure_reason(reason));
                self.shared.report(Report::Refused(Attempt {
                    id: attempt_id(),
                    endpoint_id: self.gate.endpoint_id.clone(),
                    at: clock::now(),
                    device: self.remote,
                    common_name: identity.map(|identity| identity.common_name.clone()),
                    client_version: self.claims.version.clone(),
                    platform: self.claims.platform.clone(),
                    failure,
                    reason: told,
                }));
            }
        }
    }

    fn report_closed(&self, member: &Member, reason: EndReason, told: String) {
        let mut connection = member.connection();
        connection.state = ConnectionState::Terminated;
        connection.reconnect = None;
        connection.ended_at = Some(clock::now());
        connection.end_reason = Some(told);
        self.shared.report(Report::Closed { connection, reason });
        self.shared.roster.remove(&member.id);
    }

    fn report_failed_rekey(&self, reason: &CloseReason) {
        let member = self.stay.as_ref().and_then(|stay| stay.member.as_ref());
        if let Some(member) = member {
            self.shared.report(Report::RekeyFailed {
                connection: member.connection(),
                reason: reason.to_string(),
            });
        }
    }

    async fn order(&mut self, order: impl FnOnce(PeerId) -> Order) {
        if let Some(stay) = &self.stay {
            self.worker().order(order(stay.peer_id)).await;
        }
    }

    async fn transmit(&mut self, control: &mut Control) {
        let now = Instant::now();
        let mut framed = Vec::new();
        loop {
            self.outgoing.clear();
            if !control.poll_transmit(now, &mut self.outgoing) {
                break;
            }
            match &self.link {
                Link::Udp { io, route } => {
                    // What the system does not take is as good as lost on the way: it is repeated.
                    if let Some(io) = io.upgrade()
                        && let Err(error) = io.send(*route, &self.outgoing, None)
                    {
                        tracing::debug!(remote = %self.remote, %error, "a control packet was not sent");
                    }
                }
                Link::Tcp { .. } => {
                    if let Err(error) = write_framed(&self.outgoing, &mut framed) {
                        tracing::error!(%error, "a control packet of ours has no framing");
                    }
                }
            }
        }
        if let Link::Tcp { stream } = self.link
            && !framed.is_empty()
        {
            self.worker().order(Order::SendStream(stream, framed)).await;
        }
    }

    fn worker(&self) -> &Worker {
        &self.shared.workers[self.worker]
    }
}

impl Drop for Task {
    /// A task that ends with the session open (a fault, or the pool shuts down) still takes it off the
    /// worker, and nobody goes on showing it.
    fn drop(&mut self) {
        let Some(stay) = self.stay.take() else {
            return;
        };
        if let Some(member) = &stay.member {
            member.set_ending();
            let (done, _) = oneshot::channel();
            let leave = Order::Leave(member.peer_id, done);
            if self.worker().orders.try_send(leave).is_err() && self.worker().is_alive() {
                tracing::warn!(connection = %member.id, "a session stays with its worker");
            }
            let reason = "The session ended because of a fault in the gateway.";
            self.report_closed(member, EndReason::GatewayFault, reason.to_owned());
        }
        self.worker().return_peer_id(stay.peer_id);
    }
}

/// The answer, or never if nothing was asked.
async fn asked(asking: &mut Option<Asking>) -> Answer {
    match asking {
        Some(asking) => asking.await,
        None => pending().await,
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => pending().await,
    }
}

/// The reason as a sentence with a capital letter and a full stop.
fn sentence(reason: &CloseReason, why: Option<&str>) -> String {
    let text = match reason {
        CloseReason::Refused(reason) | CloseReason::Stopped(reason) => reason.clone(),
        CloseReason::Closed => why.unwrap_or("the connection was closed").to_owned(),
        CloseReason::PeerExit => "the client left".to_owned(),
        CloseReason::PeerSilent => "nothing was heard from the client for too long".to_owned(),
        other => other.to_string(),
    };
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string());
    let rest = chars.as_str().trim_end_matches('.');
    format!("{}{rest}.", first.unwrap_or_default())
}

/// The number of an attempt that came to no connection; none if the system has no randomness.
pub(super) fn attempt_id() -> Option<ConnectionId> {
    let mut random = [0; 9];
    OsRandom
        .fill(&mut random)
        .then(|| ConnectionId::from_random(random))
}

/// The connection log's word for why a session never stood.
fn failure_reason(reason: &CloseReason) -> FailureReason {
    use FailureReason as F;
    match reason {
        CloseReason::Tls(failure) => match failure {
            TlsFailure::Certificate { problem, .. } => certificate_failure(problem),
            TlsFailure::NoCertificate(_) => F::CertificateMissing,
            TlsFailure::Alert(alert) if alert.contains("ertificate") || alert.contains("CA") => {
                F::ServerCertificateRejected
            }
            TlsFailure::Alert(_) => F::TlsFailed,
            TlsFailure::NoCommonVersion | TlsFailure::NoCommonParameters(_) => {
                F::ClientIncompatible
            }
            TlsFailure::Malformed(_) => F::ProtocolError,
            TlsFailure::Internal(_) => F::GatewayFault,
        },
        CloseReason::HandshakeTimeout { .. } => F::HandshakeTimedOut,
        CloseReason::MalformedKeyExchange(_) | CloseReason::ControlFlood => F::ProtocolError,
        CloseReason::Incompatible(_) => F::ClientIncompatible,
        CloseReason::PeerExit | CloseReason::PeerSilent | CloseReason::Closed => F::ClientLeft,
        CloseReason::Stopped(_) => F::EndpointClosing,
        CloseReason::NoRandomness => F::GatewayFault,
        _ => F::ConnectFailed,
    }
}

fn certificate_failure(problem: &CertificateProblem) -> FailureReason {
    use CertificateProblem as P;
    use FailureReason as F;
    match problem {
        P::UnknownIssuer(_) => F::CertificateUntrusted,
        P::Expired => F::CertificateExpired,
        P::NotYetValid => F::CertificateNotYetValid,
        P::MissingPurpose(_) | P::MissingDigitalSignature => F::CertificateNotForClients,
        _ => F::CertificateUnusable,
    }
}

/// The connection log's word for why a session that stood has ended.
fn end_reason(reason: &CloseReason, why: Option<(EndReason, &str)>) -> EndReason {
    use EndReason as E;
    match reason {
        CloseReason::PeerExit => E::ClientLeft,
        CloseReason::PeerSilent => E::ClientSilent,
        CloseReason::KeyExpired => E::RekeyFailed,
        CloseReason::Refused(_) | CloseReason::IdentityChanged | CloseReason::Tls(_) => E::Refused,
        CloseReason::MalformedKeyExchange(_) | CloseReason::ControlFlood => E::ProtocolError,
        CloseReason::Stopped(text) => match text.as_str() {
            TERMINATED => E::Terminated,
            RECONNECT => E::Reconnected,
            CHANGED => E::ConfigurationChanged,
            STOPPING => E::GatewayStopped,
            _ => E::GatewayFault,
        },
        CloseReason::Closed => why.map_or(E::Other, |(reason, _)| reason),
        CloseReason::NoRandomness => E::GatewayFault,
        _ => E::Other,
    }
}

/// What clients and the record are told of a session that an administrator has ended.
const TERMINATED: &str = "the connection was terminated by an administrator";
/// What clients and the record are told of a session whose client is to come back with new settings.
pub(super) const RECONNECT: &str = "an administrator had the client reconnect";
/// What clients and the record are told when the configuration leaves no place for a session.
pub(super) const CHANGED: &str = "the endpoint's configuration has changed";
/// What clients and the record are told when the gateway stops.
pub(super) const STOPPING: &str = "the gateway is stopping";

/// How long a worker may take to let a session go; far longer than it ever needs.
const LEAVE: Duration = Duration::from_secs(5);

/// Inputs that may wait for one session; half of them control packets, which are 32 KiB at most.
const INBOX: usize = 32;
/// Of those, kept free of control packets,
const KEPT_FROM_PACKETS: usize = 16;
/// of these, kept free of moves too,
const KEPT_FROM_MOVES: usize = 12;
/// and of these, kept free of the data channel's events too.
const KEPT_FROM_EVENTS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_has_its_word() {
        use crate::openvpn::Role;
        let failure = |failure| failure_reason(&CloseReason::Tls(failure));
        let certificate = |problem| {
            failure(TlsFailure::Certificate {
                of: Role::Client,
                problem,
            })
        };
        assert_eq!(
            certificate(CertificateProblem::UnknownIssuer(Role::Client)),
            FailureReason::CertificateUntrusted
        );
        assert_eq!(
            certificate(CertificateProblem::Expired),
            FailureReason::CertificateExpired
        );
        assert_eq!(
            certificate(CertificateProblem::MissingPurpose(Role::Client)),
            FailureReason::CertificateNotForClients
        );
        assert_eq!(
            failure(TlsFailure::NoCertificate(Role::Client)),
            FailureReason::CertificateMissing
        );
        let stopped = |text: &str| end_reason(&CloseReason::Stopped(text.to_owned()), None);
        assert_eq!(stopped(TERMINATED), EndReason::Terminated);
        assert_eq!(stopped(RECONNECT), EndReason::Reconnected);
        assert_eq!(stopped(CHANGED), EndReason::ConfigurationChanged);
        assert_eq!(stopped(STOPPING), EndReason::GatewayStopped);
        let why = Some((EndReason::Replaced, "the client has started a new session"));
        assert_eq!(end_reason(&CloseReason::Closed, why), EndReason::Replaced);
    }

    #[test]
    fn whatever_a_client_does_the_word_to_end_finds_room() {
        let (inbox, _inputs) = mpsc::channel(INBOX);
        let route = Route {
            remote: SocketAddr::from(([192, 0, 2, 1], 1)),
            local: None,
        };
        let mut packets = 0;
        while deliver(&inbox, &[0; 100]) {
            packets += 1;
        }
        assert!(
            (12..INBOX).contains(&packets),
            "a whole flight waits: {packets}"
        );
        assert!(offer_move(&inbox, Input::Moved(Weak::new(), route)));
        while offer_move(&inbox, Input::Moved(Weak::new(), route)) {}
        assert!(offer_event(&inbox, DataEvent::PeerExit));
        while offer_event(&inbox, DataEvent::PeerSilent) {}
        assert!(inbox.try_send(Input::Terminate).is_ok());
    }
}
