//! The making of one key: resets, TLS, and the exchange of key-method-2 messages, after which its TLS
//! session carries control messages.

use std::time::Instant;

use zeroize::Zeroizing;

use super::Discard;
use super::channel::Channel;
use super::config::Role;
use super::control::{Inbox, Message};
use super::key_method::{KeyMethod, Reading, Secrets};
use super::packet::{Control, KeyId, Opcode, SessionId};
use super::tls::{Tls, TlsFailure};

/// How far a key has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The other side's reset has not arrived.
    AwaitReset,
    /// TLS is under way, or the other side's key-method message has not arrived.
    AwaitKeyMethod,
    /// Both key-method messages are exchanged; the owner has not decided (server), or not pushed yet.
    AwaitDecision,
    /// Usable.
    Active,
}

/// What progress gave.
pub(crate) enum Step {
    /// The other side's reset arrived; a client starts TLS now.
    ResetDone,
    /// TLS is established; a client sends its key-method message now.
    TlsDone,
    /// The other side's key-method message.
    KeyMethod(Box<KeyMethod>),
    /// A control message.
    Message(Message),
}

/// Why a negotiation cannot go on.
pub(crate) enum Failure {
    Tls(TlsFailure),
    MalformedKeyMethod(&'static str),
    Flood,
}

/// One key's negotiation, and afterwards its control channel.
pub(crate) struct Negotiation {
    pub(crate) channel: Channel,
    pub(crate) tls: Option<Tls>,
    pub(crate) stage: Stage,
    /// When it began.
    pub(crate) started: Instant,
    /// Our half of the TLS1-PRF input.
    pub(crate) ours: Option<Secrets>,
    /// The other side's message.
    pub(crate) theirs: Option<Box<KeyMethod>>,
    /// The last packet of our key-method message: once acknowledged, the other side can derive the key.
    key_message_end: Option<u32>,
    peer: Role,
    is_tls_told: bool,
    key_method_bytes: Zeroizing<Vec<u8>>,
    inbox: Inbox,
}

impl Negotiation {
    pub(crate) fn new(channel: Channel, peer: Role, stage: Stage, now: Instant) -> Self {
        Self {
            channel,
            tls: None,
            stage,
            started: now,
            ours: None,
            theirs: None,
            key_message_end: None,
            peer,
            is_tls_told: false,
            key_method_bytes: Zeroizing::new(Vec::new()),
            inbox: Inbox::default(),
        }
    }

    pub(crate) fn key_id(&self) -> KeyId {
        self.channel.key_id()
    }

    pub(crate) fn receive(&mut self, opcode: Opcode, content: &Control<'_>) -> Result<(), Discard> {
        self.channel.receive(opcode, content)
    }

    /// Works on what arrived in order until there is something to tell. Call until `None`.
    pub(crate) fn advance(&mut self) -> Result<Option<Step>, Failure> {
        loop {
            if let Some(step) = self.advance_tls()? {
                return Ok(Some(step));
            }
            match self.channel.read() {
                None => return Ok(None),
                Some((Opcode::Control, payload)) => {
                    if let Some(tls) = &mut self.tls {
                        tls.feed(&payload);
                    }
                }
                Some((
                    Opcode::SoftReset | Opcode::HardResetClientV2 | Opcode::HardResetServerV2,
                    _,
                )) if self.stage == Stage::AwaitReset => {
                    self.stage = Stage::AwaitKeyMethod;
                    return Ok(Some(Step::ResetDone));
                }
                Some(_) => {}
            }
        }
    }

    fn advance_tls(&mut self) -> Result<Option<Step>, Failure> {
        if let Some(message) = self.inbox.next() {
            return Ok(Some(Step::Message(message)));
        }
        let Some(tls) = &mut self.tls else {
            return Ok(None);
        };
        let message = tls.next_message();
        let is_done = !tls.is_handshaking();
        // Also after a failure: the alert is what the other side learns from.
        self.flush();
        match message.map_err(Failure::Tls)? {
            Some(plaintext) => self.take_plaintext(&plaintext),
            None if is_done && !self.is_tls_told => {
                self.is_tls_told = true;
                Ok(Some(Step::TlsDone))
            }
            None => Ok(None),
        }
    }

    /// Sorts the content of one record: the key-method message first, text afterwards.
    fn take_plaintext(&mut self, plaintext: &[u8]) -> Result<Option<Step>, Failure> {
        if self.theirs.is_some() {
            self.inbox.feed(plaintext).map_err(|_| Failure::Flood)?;
            return Ok(self.inbox.next().map(Step::Message));
        }
        self.key_method_bytes.extend_from_slice(plaintext);
        match KeyMethod::read(self.peer, &self.key_method_bytes)
            .map_err(Failure::MalformedKeyMethod)?
        {
            Reading::Partial => Ok(None),
            Reading::Whole(message, len) => {
                let rest = Zeroizing::new(self.key_method_bytes.split_off(len));
                self.key_method_bytes = Zeroizing::new(Vec::new());
                self.inbox.feed(&rest).map_err(|_| Failure::Flood)?;
                // The password is the owner's to judge; this side keeps no copy.
                let mut kept = message.clone();
                kept.password = None;
                kept.peer_info = String::new();
                self.theirs = Some(kept);
                Ok(Some(Step::KeyMethod(message)))
            }
        }
    }

    /// Begins TLS, once the reset has arrived (client) or may arrive (server).
    pub(crate) fn start_tls(&mut self, tls: Tls) {
        self.tls = Some(tls);
        self.flush();
    }

    /// Sends our key-method message.
    pub(crate) fn send_key_method(&mut self, message: &KeyMethod) -> Result<(), TlsFailure> {
        self.key_message_end = self.write(&message.write(self.peer.other()))?;
        Ok(())
    }

    /// Sends a control message in a record of its own.
    pub(crate) fn send_message(&mut self, message: &Message) -> Result<(), TlsFailure> {
        self.write(&message.to_record()).map(|_| ())
    }

    /// Whether the other side has all it needs to use this key.
    pub(crate) fn is_key_method_delivered(&self) -> bool {
        self.key_message_end
            .is_some_and(|id| self.channel.is_acknowledged(id))
    }

    pub(crate) fn poll_transmit(
        &mut self,
        now: Instant,
        local: SessionId,
        remote: Option<SessionId>,
        out: &mut Vec<u8>,
    ) -> bool {
        self.channel.poll_transmit(now, local, remote, out)
    }

    fn write(&mut self, record: &[u8]) -> Result<Option<u32>, TlsFailure> {
        let Some(tls) = &mut self.tls else {
            return Ok(None);
        };
        tls.write(record)?;
        Ok(self.flush())
    }

    fn flush(&mut self) -> Option<u32> {
        let mut bytes = Vec::new();
        self.tls.as_mut()?.take_output(&mut bytes);
        self.channel.write(&bytes)
    }
}
