//! The keys of a session in either role: the first, and those that follow it.

use super::*;

impl Control {
    pub(super) fn establish(
        &mut self,
        now: Instant,
        agreed: Agreed,
        data: DataConfig,
        pushed: Option<Pushed>,
    ) {
        let theirs = self
            .current
            .theirs
            .as_ref()
            .map_or("", |message| message.options.as_str());
        let options = match &self.side {
            Side::Server(_) => negotiate::mirror_options(Role::Server, theirs),
            Side::Client(_) => negotiate::client_options(self.transport, agreed.cipher),
        };
        let negotiated = Negotiated {
            cipher: agreed.cipher,
            derivation: agreed.derivation,
            peer_id: match agreed.format {
                DataFormat::V1 => None,
                DataFormat::V2(peer_id) => Some(peer_id),
            },
            exit_by_control: agreed.exit_by_control,
            push_update: agreed.push_update,
        };
        self.agreed = Some(agreed);
        match self.derive(Slot::Current) {
            Ok(keys) => {
                self.events.push_back(Event::Established(Box::new(Session {
                    negotiated,
                    data,
                    options,
                })));
                self.events
                    .extend(pushed.map(|pushed| Event::Pushed(Box::new(pushed))));
                self.events.push_back(Event::Install(Box::new(keys)));
                self.current.stage = Stage::Active;
                for timer in [Timer::Handshake, Timer::PushRequest, Timer::PushWindow] {
                    self.timers.stop(timer);
                }
                self.schedule_rekey(now);
            }
            Err(reason) => self.close_with(now, reason, None),
        }
    }

    fn derive(&self, slot: Slot) -> Result<DataKeys, CloseReason> {
        const MISSING: CloseReason = CloseReason::MalformedKeyExchange("a part of it is missing");
        let negotiation = match slot {
            Slot::Pending => self.pending.as_ref().ok_or(MISSING)?,
            Slot::Current | Slot::Old => &self.current,
        };
        let agreed = self.agreed.as_ref().ok_or(MISSING)?;
        let role = if self.is_server() {
            Role::Server
        } else {
            Role::Client
        };
        let material = match agreed.derivation {
            Derivation::TlsExporter => negotiation
                .tls
                .as_ref()
                .ok_or(MISSING)?
                .export()
                .map_err(CloseReason::Tls)?,
            Derivation::Tls1Prf => {
                let ours = negotiation.ours.as_ref().ok_or(MISSING)?;
                let theirs = &negotiation.theirs.as_ref().ok_or(MISSING)?.secrets;
                let remote = self.remote.ok_or(MISSING)?;
                let (client, server, client_session, server_session) = match role {
                    Role::Server => (theirs, ours, remote, self.local),
                    Role::Client => (ours, theirs, self.local, remote),
                };
                crate::openvpn::keys::derive_tls1_prf(&PrfInput {
                    pre_master: &client.pre_master,
                    client_random: &client.random,
                    server_random: &server.random,
                    client_session,
                    server_session,
                })
            }
        };
        Ok(DataKeys {
            key_id: negotiation.key_id(),
            cipher: agreed.cipher,
            format: agreed.format,
            framing: agreed.framing,
            role,
            material,
        })
    }

    fn schedule_rekey(&mut self, now: Instant) {
        let Some(after) = self.side.reneg_after() else {
            return;
        };
        let mut random = [0];
        // Without randomness the jitter is what is lost.
        let part = if self.is_server() && self.random.fill(&mut random) {
            f64::from(random[0]) / 2560.0
        } else {
            0.0
        };
        self.timers
            .set(Timer::Rekey, now + after.mul_f64(1.0 - part));
    }

    pub(super) fn start_rekey(&mut self, now: Instant) {
        if self.phase == Phase::Open && self.pending.is_none() && self.agreed.is_some() {
            self.begin_rekey(now, self.last_key_id.next());
        }
    }

    /// Begins a rekey with our reset, whoever asked for it.
    pub(super) fn begin_rekey(&mut self, now: Instant, key_id: KeyId) {
        let limits = self.side.limits().clone();
        let mut channel = Channel::new(key_id, 0, self.transport, &limits);
        channel.write_reset(Opcode::SoftReset);
        channel.widen();
        let (peer, tls) = match &self.side {
            Side::Server(config) => (Role::Client, Some(Tls::server(&config.tls))),
            Side::Client(_) => (Role::Server, None),
        };
        let mut pending = Negotiation::new(channel, peer, Stage::AwaitReset, now);
        match tls.transpose() {
            Ok(Some(tls)) => pending.start_tls(tls),
            Ok(None) => {}
            Err(failure) => {
                self.abandon_rekey(now, CloseReason::Tls(failure));
                return;
            }
        }
        self.last_key_id = key_id;
        self.pending = Some(pending);
        self.timers.stop(Timer::Rekey);
        self.timers.set(Timer::Handshake, now + limits.hand_window);
        if !self.timers.is_set(Timer::KeyExpiry) {
            self.timers.set(Timer::KeyExpiry, now + limits.tran_window);
        }
    }

    pub(super) fn abandon_rekey(&mut self, now: Instant, reason: CloseReason) {
        self.pending = None;
        self.timers.stop(Timer::Handshake);
        self.timers.set(Timer::Rekey, now + REKEY_RETRY);
        self.events.push_back(Event::RekeyFailed(reason));
    }

    /// The new key is agreed: install it, and make its channel the current one.
    pub(super) fn finish_rekey(&mut self, now: Instant) {
        let keys = match self.derive(Slot::Pending) {
            Ok(keys) => keys,
            Err(reason) => return self.abandon_rekey(now, reason),
        };
        let Some(mut pending) = self.pending.take() else {
            return;
        };
        pending.stage = Stage::Active;
        let limits = self.side.limits().clone();
        // With two rekeys in quick succession the key between them may never have been used. The peer has
        // had it since it began this one, and the one before it is about to go.
        if self.timers.is_set(Timer::Promote) {
            self.events.push_back(Event::Promote(self.current.key_id()));
        }
        self.events
            .extend(self.previous_key.take().map(Event::Retire));
        self.previous_key = Some(self.current.key_id());
        let half = self
            .side
            .reneg_after()
            .map_or(limits.hand_window, |after| after / 2);
        self.timers.set(
            Timer::Promote,
            pending.started + limits.hand_window.min(half),
        );
        self.timers
            .set(Timer::RetireOldKey, pending.started + limits.tran_window);
        self.timers
            .set(Timer::DropOldChannel, now + limits.hand_window);
        self.timers.stop(Timer::Handshake);
        self.timers.stop(Timer::KeyExpiry);
        self.old = Some(std::mem::replace(&mut self.current, pending));
        self.events.push_back(Event::Install(Box::new(keys)));
        self.schedule_rekey(now);
    }
}
