//! One session's control channel, in either role. [`super`] says how to drive it.

mod client;
mod rekey;
mod server;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::admission::{Admission, Decision, Grant, Identity, Negotiated, PeerInfo, PushUpdate};
use super::channel::Channel;
use super::config::{ClientConfig, Limits, Role, ServerConfig, Transport};
use super::control::{self, Message};
use super::cookie::{Accepted, Bucket};
use super::data::{DataConfig, DataEvent};
use super::key_method::{KeyMethod, Secrets};
use super::keys::{Cipher, DataFormat, DataKeys, Derivation, Framing, PrfInput};
use super::negotiate::{self, Agreement};
use super::negotiation::{Failure, Negotiation, Stage, Step};
use super::options::{self, Pushed};
use super::packet::{self, KeyId, Opcode, Outer, SessionId};
use super::timer::{Timer, Timers};
use super::tls::{Tls, TlsFailure};
use super::{CloseReason, Discard, Offer, Random};

/// What happened in a session. See [`super`] for what to do with each.
#[derive(Debug)]
pub enum Event {
    /// A client asks to come in, or to go on with a new key: answer with
    /// [`Control::handle_decision`].
    Admit(Box<Admission>),
    /// The session stands: make its [`super::Data`]. Once per session, before the first
    /// [`Event::Install`].
    Established(Box<Session>),
    /// What the server gave us (client role). Once per session.
    Pushed(Box<Pushed>),
    /// The server has changed what it gave us: this is all that holds from now on (client role).
    Updated(Box<Pushed>),
    /// Give this key to [`super::Data::install`].
    Install(Box<DataKeys>),
    /// [`super::Data::promote`] this key.
    Promote(KeyId),
    /// [`super::Data::retire`] this key.
    Retire(KeyId),
    /// Call [`super::Data::send_exit`]: the peer learns by a data packet that we leave.
    SendExit,
    /// The server has something to show (client role).
    Info(String),
    /// A rekey came to nothing. The old key goes on until it expires, and another attempt follows.
    RekeyFailed(CloseReason),
    /// The session has ended. Release what it held; drive it until [`Control::is_done`].
    Closed(CloseReason),
}

/// What an established session's data channel needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// What was agreed on.
    pub negotiated: Negotiated,
    /// For [`super::Data::new`].
    pub data: DataConfig,
    /// For [`super::Data::new`]: our options string.
    pub options: String,
}

/// The control channel of one session.
pub struct Control {
    side: Side,
    transport: Transport,
    random: Box<dyn Random>,
    local: SessionId,
    /// Unknown to a client until the server's first answer.
    remote: Option<SessionId>,
    /// The control channel before the last rekey, kept to be drained.
    old: Option<Negotiation>,
    /// The newest established key, or the first.
    current: Negotiation,
    /// A rekey in progress.
    pending: Option<Negotiation>,
    last_key_id: KeyId,
    /// A key that peers may still send with, although a newer one exists.
    previous_key: Option<KeyId>,
    agreed: Option<Agreed>,
    identity: Option<Identity>,
    username: Option<String>,
    push: PushState,
    /// Server: the key on whose channel the last change of settings went out, until its outcome is told.
    update_on: Option<KeyId>,
    rekeys: Bucket,
    control_bytes: Bucket,
    phase: Phase,
    timers: Timers,
    events: VecDeque<Event>,
}

enum Side {
    Server(Arc<ServerConfig>),
    Client(Box<ClientConfig>),
}

/// What stays the same over rekeys.
struct Agreed {
    cipher: Cipher,
    derivation: Derivation,
    format: DataFormat,
    framing: Framing,
    exit_by_control: bool,
    /// The client takes changes of what it was pushed.
    push_update: bool,
}

/// The exchange of configuration.
#[derive(Default)]
struct PushState {
    /// Server: what a client that was not admitted yet can do.
    agreement: Option<Agreement>,
    /// Server: the reply, once admitted.
    reply: Vec<Message>,
    is_requested: bool,
    last_sent: Option<Instant>,
    /// Client: the parts so far.
    received: String,
    /// Client: what holds.
    pushed: Option<Pushed>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// Saying last words. `until_idle`: done as soon as they are acknowledged.
    Closing {
        until_idle: bool,
    },
    Done,
}

/// What [`Control::push_update`] did with a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// The client does not take changes while it is connected, or is not there yet.
    Unable,
    /// Nothing: it cannot be told at this moment. Try again after the next packet or timer.
    Later,
    /// It is on its way.
    UnderWay,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    Old,
    Current,
    Pending,
}

impl Control {
    /// The server's side of a session with a client that was [`Accepted`]. Feed it the packet that was
    /// accepted.
    ///
    /// # Errors
    /// [`CloseReason::Tls`] if TLS cannot start.
    pub fn server(
        now: Instant,
        config: Arc<ServerConfig>,
        accepted: Accepted,
        transport: Transport,
        random: Box<dyn Random>,
    ) -> Result<Self, CloseReason> {
        let tls = Tls::server(&config.tls).map_err(CloseReason::Tls)?;
        let first_id = u32::from(accepted.resets_done);
        let mut channel = Channel::new(KeyId::FIRST, first_id, transport, &config.limits);
        let stage = if accepted.resets_done {
            Stage::AwaitKeyMethod
        } else {
            channel.write_reset(Opcode::HardResetServerV2);
            Stage::AwaitReset
        };
        let mut first = Negotiation::new(channel, Role::Client, stage, now);
        first.start_tls(tls);
        let side = Side::Server(config);
        Ok(Self::new(
            now,
            side,
            transport,
            random,
            accepted.local,
            Some(accepted.remote),
            first,
        ))
    }

    /// Server: what handshakes use from the next one on. One that is under way ends as it began.
    pub fn use_config(&mut self, config: Arc<ServerConfig>) {
        if let Side::Server(current) = &mut self.side {
            *current = config;
        }
    }

    /// The client's side of a new session.
    ///
    /// # Errors
    /// [`CloseReason::NoRandomness`] if the random source failed.
    pub fn client(
        now: Instant,
        config: ClientConfig,
        transport: Transport,
        mut random: Box<dyn Random>,
    ) -> Result<Self, CloseReason> {
        let local = super::random::session_id(&mut *random).ok_or(CloseReason::NoRandomness)?;
        let mut channel = Channel::new(KeyId::FIRST, 0, transport, &config.limits);
        channel.write_reset(Opcode::HardResetClientV2);
        let first = Negotiation::new(channel, Role::Server, Stage::AwaitReset, now);
        let side = Side::Client(Box::new(config));
        Ok(Self::new(now, side, transport, random, local, None, first))
    }

    fn new(
        now: Instant,
        side: Side,
        transport: Transport,
        random: Box<dyn Random>,
        local: SessionId,
        remote: Option<SessionId>,
        first: Negotiation,
    ) -> Self {
        let mut timers = Timers::default();
        timers.set(Timer::Handshake, now + side.limits().hand_window);
        Self {
            side,
            transport,
            random,
            local,
            remote,
            old: None,
            current: first,
            pending: None,
            last_key_id: KeyId::FIRST,
            previous_key: None,
            agreed: None,
            identity: None,
            username: None,
            push: PushState::default(),
            update_on: None,
            rekeys: Bucket {
                tokens: REKEY_BURST,
                at: now,
            },
            control_bytes: Bucket {
                tokens: CONTROL_BURST,
                at: now,
            },
            phase: Phase::Open,
            timers,
            events: VecDeque::new(),
        }
    }

    /// The peer's session id: with listener and address, what control packets are told apart by. Unknown
    /// to a client until the server has answered.
    #[must_use]
    pub fn remote_session_id(&self) -> Option<SessionId> {
        self.remote
    }

    /// Our session id.
    #[must_use]
    pub fn local_session_id(&self) -> SessionId {
        self.local
    }

    /// The peer's verified certificate, once its key exchange message has arrived.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// The TLS version and suite of the newest established key, such as
    /// `TLSv1.3 TLS_AES_256_GCM_SHA384`; none before TLS has begun.
    #[must_use]
    pub fn tls(&self) -> Option<String> {
        self.current.tls.as_ref().map(Tls::description)
    }

    /// Whether the session has ended and nothing is left to send or to wait for: drop it.
    #[must_use]
    pub fn is_done(&self) -> bool {
        match self.phase {
            Phase::Open => false,
            Phase::Closing { until_idle } => {
                until_idle && self.negotiations().all(|one| one.channel.is_idle())
            }
            Phase::Done => true,
        }
    }

    /// Takes a control packet. TLS work, signatures included, happens here.
    ///
    /// # Errors
    /// A [`Discard`] if the packet was dropped. The session goes on.
    pub fn handle_packet(&mut self, now: Instant, packet: &[u8]) -> Result<(), Discard> {
        if self.is_done() {
            return Err(Discard::SessionEnded);
        }
        let outer = Outer::parse(packet)?;
        let content = packet::Control::parse(outer.opcode, outer.inner)?;
        self.check_sessions(&outer, &content)?;
        let slot = self.slot_for(now, &outer, &content)?;
        let is_limited =
            |one: &mut Negotiation| matches!(one.stage, Stage::AwaitDecision | Stage::Active);
        if self.is_server() && self.at(slot).is_some_and(is_limited) {
            let len = content.payload.len() as f32;
            if !self
                .control_bytes
                .take_many(now, len, CONTROL_RATE, CONTROL_BURST)
            {
                self.close_with(now, CloseReason::ControlFlood, None);
                return Err(Discard::BufferFull);
            }
        }
        let Some(negotiation) = self.at(slot) else {
            return Err(Discard::UnknownKey);
        };
        negotiation.receive(outer.opcode, &content)?;
        self.run(now);
        Ok(())
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(timer) = self.timers.expire(now) {
            self.handle_timer(now, timer);
        }
    }

    /// Answers the last [`Event::Admit`]; without one it changes nothing.
    pub fn handle_decision(&mut self, now: Instant, decision: Decision) {
        if self.phase != Phase::Open {
            return;
        }
        let slot = if self
            .pending
            .as_ref()
            .is_some_and(|one| one.stage == Stage::AwaitDecision)
        {
            Slot::Pending
        } else if self.is_server() && self.current.stage == Stage::AwaitDecision {
            Slot::Current
        } else {
            return;
        };
        match (decision, slot) {
            (Decision::Refuse { reason }, _) => self.refuse(now, &reason),
            (Decision::Admit(grant), Slot::Current) => self.admit(now, &grant),
            (Decision::Admit(_), _) => self.finish_rekey(now),
        }
        self.run(now);
    }

    /// Takes what [`super::Data::poll_event`] gave.
    pub fn handle_data_event(&mut self, now: Instant, event: DataEvent) {
        if self.phase != Phase::Open {
            return;
        }
        match event {
            DataEvent::KeyInUse(key) => {
                if key == self.current.key_id() {
                    self.timers.stop(Timer::Promote);
                }
            }
            DataEvent::RekeyWanted(key) => {
                if key == self.current.key_id() {
                    self.start_rekey(now);
                }
            }
            DataEvent::PeerExit => self.close_with(now, CloseReason::PeerExit, None),
            DataEvent::PeerSilent => self.close_with(now, CloseReason::PeerSilent, None),
        }
    }

    /// Tells an established client what of its settings is another now (server role). Whether that
    /// has arrived, [`Control::update_outcome`] knows.
    ///
    /// Stock clients hear nothing on an earlier key once a rekey has begun, and an update must not
    /// overtake the push reply or another update: then it is to be told later.
    pub fn push_update(&mut self, now: Instant, update: &PushUpdate) -> Telling {
        let takes_updates = |agreed: &Agreed| agreed.push_update;
        if self.phase != Phase::Open
            || !self.is_server()
            || !self.agreed.as_ref().is_some_and(takes_updates)
        {
            return Telling::Unable;
        }
        let is_free = self.pending.is_none()
            && self.push.last_sent.is_some()
            && self.current.channel.is_delivered();
        if !is_free {
            return Telling::Later;
        }
        for message in options::push_update(update) {
            self.say(now, &message);
        }
        self.update_on = Some(self.current.key_id());
        self.run(now);
        Telling::UnderWay
    }

    /// What became of the last [`Control::push_update`]: whether it has arrived; none while that is
    /// open. One that a rekey has overtaken is lost.
    pub fn update_outcome(&mut self) -> Option<bool> {
        let Some(key) = self.update_on else {
            return Some(false);
        };
        let on_its_key = self.negotiations().find(|one| one.key_id() == key);
        let has_arrived = on_its_key.is_some_and(|one| one.channel.is_delivered());
        if !has_arrived && self.current.key_id() == key && self.phase == Phase::Open {
            return None;
        }
        self.update_on = None;
        Some(has_arrived)
    }

    /// Tells the client to reconnect, keeping its password, and ends the session (server role).
    pub fn restart(&mut self, now: Instant, reason: &str) {
        let reason = control::sanitize(reason);
        let message = Message::Restart(format!("[P]{reason}"));
        self.close_with(now, CloseReason::Stopped(reason), Some(message));
    }

    /// Tells the client that it may not come in, or not stay, and ends the session (server role).
    pub fn refuse(&mut self, now: Instant, reason: &str) {
        let reason = control::sanitize(reason);
        self.close_with(
            now,
            CloseReason::Refused(reason.clone()),
            Some(Message::AuthFailed(reason)),
        );
    }

    /// Ends the session from this side. A client says that it leaves; a server says nothing.
    pub fn close(&mut self, now: Instant) {
        if self.phase != Phase::Open {
            return;
        }
        let mut message = None;
        if let (Side::Client(_), Some(agreed)) = (&self.side, &self.agreed) {
            if agreed.exit_by_control {
                message = Some(Message::Exit);
            } else {
                self.events.push_back(Event::SendExit);
            }
        }
        self.close_with(now, CloseReason::Closed, message);
    }

    /// What happened. Call until `None`, before [`Control::poll_transmit`].
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Appends one packet for the peer to `out`. Call until `false`.
    #[must_use]
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> bool {
        if self.is_done() {
            return false;
        }
        let (local, remote) = (self.local, self.remote);
        [
            self.old.as_mut(),
            Some(&mut self.current),
            self.pending.as_mut(),
        ]
        .into_iter()
        .flatten()
        .any(|one| one.poll_transmit(now, local, remote, out))
    }

    /// When [`Control::handle_timeout`] must be called, or [`Control::poll_transmit`] has something to
    /// repeat. `None` once the session is done.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.is_done() {
            return None;
        }
        let repeats = self
            .negotiations()
            .filter_map(|one| one.channel.next_deadline())
            .min();
        self.timers.next().into_iter().chain(repeats).min()
    }

    /// Presents another identity from the next rekey on, as no honest client does.
    #[cfg(test)]
    pub(crate) fn replace_client_tls(&mut self, tls: super::ClientTls) {
        if let Side::Client(config) = &mut self.side {
            config.tls = tls;
        }
    }

    fn is_server(&self) -> bool {
        matches!(self.side, Side::Server(_))
    }

    fn negotiations(&self) -> impl Iterator<Item = &Negotiation> {
        [
            self.old.as_ref(),
            Some(&self.current),
            self.pending.as_ref(),
        ]
        .into_iter()
        .flatten()
    }

    fn at(&mut self, slot: Slot) -> Option<&mut Negotiation> {
        match slot {
            Slot::Old => self.old.as_mut(),
            Slot::Current => Some(&mut self.current),
            Slot::Pending => self.pending.as_mut(),
        }
    }
}

/// Which packets belong here, and to which key.
impl Control {
    fn check_sessions(
        &mut self,
        outer: &Outer<'_>,
        content: &packet::Control<'_>,
    ) -> Result<(), Discard> {
        if content
            .acked_session
            .is_some_and(|acked| acked != self.local)
        {
            return Err(Discard::ForeignAck);
        }
        match self.remote {
            Some(remote) if remote == outer.session_id => Ok(()),
            Some(_) => Err(Discard::WrongSession),
            None if outer.opcode == Opcode::HardResetServerV2
                && content.acks.as_slice().contains(&0) =>
            {
                self.remote = Some(outer.session_id);
                Ok(())
            }
            None => Err(Discard::WrongSession),
        }
    }

    fn slot_for(
        &mut self,
        now: Instant,
        outer: &Outer<'_>,
        content: &packet::Control<'_>,
    ) -> Result<Slot, Discard> {
        let is_expected = match outer.opcode {
            Opcode::Control | Opcode::Ack | Opcode::SoftReset => true,
            Opcode::HardResetClientV2 => self.is_server(),
            Opcode::HardResetServerV2 => !self.is_server(),
            _ => false,
        };
        if !is_expected {
            return Err(Discard::UnexpectedOpcode);
        }
        let key_id = Some(outer.key_id);
        let newest = self.pending.as_ref().unwrap_or(&self.current).key_id();
        let is_known = self.negotiations().any(|one| Some(one.key_id()) == key_id);
        if !self.is_server() && is_known && outer.key_id != newest {
            // As stock clients do it, so that a server that counts on more is found out.
            return Err(Discard::UnknownKey);
        }
        if self.pending.as_ref().map(Negotiation::key_id) == key_id {
            Ok(Slot::Pending)
        } else if Some(self.current.key_id()) == key_id {
            Ok(Slot::Current)
        } else if self.old.as_ref().map(Negotiation::key_id) == key_id {
            Ok(Slot::Old)
        } else if outer.opcode == Opcode::SoftReset && content.packet_id == Some(0) {
            self.answer_rekey(now, outer.key_id).map(|()| Slot::Pending)
        } else {
            Err(Discard::UnknownKey)
        }
    }

    /// The peer starts a rekey. Only a key id soon to come is a new one; others are late duplicates.
    fn answer_rekey(&mut self, now: Instant, key_id: KeyId) -> Result<(), Discard> {
        let mut ahead = self.last_key_id;
        let is_ahead = (0..3).any(|_| {
            ahead = ahead.next();
            ahead == key_id
        });
        let is_busy = self
            .pending
            .as_ref()
            .is_some_and(|pending| pending.stage != Stage::AwaitReset);
        if self.phase != Phase::Open || !is_ahead {
            return Err(Discard::UnknownKey);
        }
        let interval = self.side.limits().rekey_interval.as_secs_f32().max(0.1);
        if is_busy || self.agreed.is_none() || !self.rekeys.take(now, 1.0 / interval, REKEY_BURST) {
            return Err(Discard::RekeyTooSoon);
        }
        self.begin_rekey(now, key_id);
        Ok(())
    }
}

/// Progress: what arrives is worked on until nothing more can be.
impl Control {
    fn run(&mut self, now: Instant) {
        while self.phase == Phase::Open {
            // TLS answers some messages by itself: a peer that asks on and acknowledges nothing is no peer.
            if self.negotiations().any(|one| one.channel.is_overfull()) {
                self.close_with(now, CloseReason::ControlFlood, None);
                return;
            }
            let mut slots = [Slot::Old, Slot::Current, Slot::Pending].into_iter();
            let progress = slots.find_map(|slot| match self.at(slot)?.advance() {
                Ok(None) => None,
                Ok(Some(step)) => Some((slot, Ok(step))),
                Err(failure) => Some((slot, Err(failure))),
            });
            match progress {
                None => return,
                Some((slot, Ok(step))) => self.take_step(now, slot, step),
                Some((slot, Err(failure))) => self.fail(now, slot, failure),
            }
        }
    }

    fn take_step(&mut self, now: Instant, slot: Slot, step: Step) {
        let outcome = match step {
            Step::ResetDone => self.start_client_tls(slot),
            Step::TlsDone => self.send_client_key_method(slot),
            Step::KeyMethod(message) if self.is_server() => {
                self.take_client_key_method(now, slot, *message)
            }
            Step::KeyMethod(_) => self.take_server_key_method(now, slot),
            Step::Message(message) if self.is_server() => {
                self.take_client_message(now, &message);
                Ok(())
            }
            Step::Message(message) => {
                self.take_server_message(now, message);
                Ok(())
            }
        };
        if let Err(failure) = outcome {
            self.fail(now, slot, failure);
        }
    }

    fn fail(&mut self, now: Instant, slot: Slot, failure: Failure) {
        let is_verdict = matches!(
            failure,
            Failure::Tls(TlsFailure::Certificate { .. } | TlsFailure::NoCertificate(_))
                | Failure::Flood
        );
        let reason = match failure {
            Failure::Tls(failure) => CloseReason::Tls(failure),
            Failure::MalformedKeyMethod(what) => CloseReason::MalformedKeyExchange(what),
            Failure::Flood => CloseReason::ControlFlood,
        };
        let is_undecided = self
            .at(slot)
            .is_some_and(|one| one.stage == Stage::AwaitDecision);
        match slot {
            Slot::Old => self.old = None,
            // A rekey that merely went wrong leaves the old key; one that shows a bad certificate does not,
            // nor one whose decision may still come and must not be taken for another's.
            Slot::Pending if !is_verdict && !is_undecided => self.abandon_rekey(now, reason),
            Slot::Pending | Slot::Current => self.close_with(now, reason, None),
        }
    }

    fn handle_timer(&mut self, now: Instant, timer: Timer) {
        let limits = self.side.limits().clone();
        match timer {
            Timer::Handshake => {
                let reason = CloseReason::HandshakeTimeout {
                    secs: limits.hand_window.as_secs(),
                };
                if let Some(pending) = &self.pending {
                    // One that waits for its owner goes on waiting: if another took its place, the late
                    // answer would be taken for that one's.
                    if pending.stage != Stage::AwaitDecision {
                        self.abandon_rekey(now, reason);
                    }
                } else if self.agreed.is_none() {
                    self.close_with(now, reason, None);
                }
            }
            Timer::Rekey => self.start_rekey(now),
            Timer::Promote if self.current.is_key_method_delivered() => {
                self.events.push_back(Event::Promote(self.current.key_id()));
            }
            Timer::Promote => self.timers.set(Timer::Promote, now + PROMOTE_RETRY),
            Timer::KeyExpiry => self.close_with(now, CloseReason::KeyExpired, None),
            Timer::RetireOldKey => {
                if let Some(key) = self.previous_key.take() {
                    self.events.push_back(Event::Retire(key));
                }
            }
            Timer::DropOldChannel => self.old = None,
            Timer::PushRequest => {
                self.say(now, &Message::PushRequest);
                self.timers
                    .set(Timer::PushRequest, now + PUSH_REQUEST_EVERY);
            }
            Timer::PushWindow => self.close_with(now, CloseReason::UnusablePush("none came"), None),
            Timer::Linger => self.phase = Phase::Done,
        }
    }

    /// Sends a message on the channel that the peer listens to: that of a rekey once both key-method
    /// messages are exchanged, else the current one.
    fn say(&mut self, now: Instant, message: &Message) {
        let slot = match &self.pending {
            Some(pending) if pending.stage == Stage::AwaitDecision => Slot::Pending,
            _ => Slot::Current,
        };
        let Some(negotiation) = self.at(slot) else {
            return;
        };
        if let Err(failure) = negotiation.send_message(message) {
            tracing::debug!(%failure, "a control message could not be encrypted");
            if self.phase == Phase::Open {
                self.close_with(now, CloseReason::Tls(failure), None);
            }
        }
    }

    fn close_with(&mut self, now: Instant, reason: CloseReason, last_words: Option<Message>) {
        if self.phase != Phase::Open {
            return;
        }
        let limits = self.side.limits();
        let linger = match reason {
            CloseReason::Stopped(_) => limits.restart_linger,
            _ => limits.linger,
        };
        // A peer that leaves repeats its message until it is acknowledged, so stay to acknowledge it.
        let until_idle = reason != CloseReason::PeerExit;
        self.phase = Phase::Closing { until_idle };
        if let Some(message) = last_words {
            self.say(now, &message);
        }
        self.timers.stop_all();
        self.timers.set(Timer::Linger, now + linger);
        self.events.push_back(Event::Closed(reason));
    }
}

impl Side {
    fn limits(&self) -> &Limits {
        match self {
            Self::Server(config) => &config.limits,
            Self::Client(config) => &config.limits,
        }
    }

    /// The rekey interval; below ten seconds rekeys would run into each other.
    fn reneg_after(&self) -> Option<Duration> {
        match self {
            Self::Server(config) => config.reneg_after,
            Self::Client(config) => config.reneg_after,
        }
        .map(|after| after.max(MIN_RENEG))
    }
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control")
            .field("local", &self.local)
            .field("remote", &self.remote)
            .field("stage", &self.current.stage)
            .finish_non_exhaustive()
    }
}

const MIN_RENEG: Duration = Duration::from_secs(10);
const REKEY_RETRY: Duration = Duration::from_secs(30);
const REKEY_BURST: f32 = 4.0;
const PROMOTE_RETRY: Duration = Duration::from_secs(1);
/// As stock clients repeat it.
const PUSH_REQUEST_EVERY: Duration = Duration::from_secs(5);
const PUSH_REPEAT_EVERY: Duration = Duration::from_secs(30);
/// What OpenVPN 3 accepts.
const MAX_PUSH_TOTAL: usize = 768 << 10;
/// Control bytes that a client may send at once, and per second, after login.
const CONTROL_BURST: f32 = 65_536.0;
const CONTROL_RATE: f32 = 8_192.0;
