//! The client's part of a session: TLS first, then asking for and taking the configuration.

use super::*;

impl Control {
    pub(super) fn start_client_tls(&mut self, slot: Slot) -> Result<(), Failure> {
        let Side::Client(config) = &self.side else {
            return Ok(());
        };
        let tls = Tls::client(&config.tls).map_err(Failure::Tls)?;
        if let Some(negotiation) = self.at(slot) {
            negotiation.start_tls(tls);
        }
        Ok(())
    }

    pub(super) fn send_client_key_method(&mut self, slot: Slot) -> Result<(), Failure> {
        let Side::Client(config) = &self.side else {
            return Ok(());
        };
        let first_cipher = config.ciphers.first().copied().unwrap_or(Cipher::Aes256Gcm);
        let secrets = Secrets::generate(Role::Client, &mut *self.random)
            .ok_or_else(|| Failure::Tls(TlsFailure::Internal("no randomness".into())))?;
        let mut message = KeyMethod::new(
            secrets.clone(),
            negotiate::client_options(self.transport, first_cipher),
        );
        message.peer_info = negotiate::client_peer_info(config);
        if let Some((username, password)) = &config.credentials {
            message.username = Some(username.clone());
            message.password = Some(password.clone());
        }
        let Some(negotiation) = self.at(slot) else {
            return Ok(());
        };
        negotiation.ours = Some(secrets);
        negotiation.send_key_method(&message).map_err(Failure::Tls)
    }

    pub(super) fn take_server_key_method(
        &mut self,
        now: Instant,
        slot: Slot,
    ) -> Result<(), Failure> {
        let Some(negotiation) = self.at(slot) else {
            return Ok(());
        };
        let identity = negotiation
            .tls
            .as_ref()
            .map(Tls::identity)
            .transpose()
            .map_err(Failure::Tls)?;
        negotiation.channel.widen();
        negotiation.stage = Stage::AwaitDecision;
        self.identity = identity;
        if slot == Slot::Pending {
            self.finish_rekey(now);
            return Ok(());
        }
        self.say(now, &Message::PushRequest);
        self.timers.stop(Timer::Handshake);
        self.timers
            .set(Timer::PushRequest, now + PUSH_REQUEST_EVERY);
        self.timers
            .set(Timer::PushWindow, now + self.side.limits().hand_window);
        Ok(())
    }

    pub(super) fn take_server_message(&mut self, now: Instant, message: Message) {
        match message {
            Message::PushReply(options) => self.take_push(now, &options),
            Message::PushUpdate(options) => self.take_update(now, &options),
            Message::AuthFailed(reason) => {
                self.close_with(now, CloseReason::AuthFailed(reason), None);
            }
            Message::Restart(text) => self.close_with(now, CloseReason::Restarted(text), None),
            Message::Halt(text) => self.close_with(now, CloseReason::Halted(text), None),
            Message::Exit => self.close_with(now, CloseReason::PeerExit, None),
            Message::Info(text) => self.events.push_back(Event::Info(text)),
            Message::PushRequest | Message::Other => {}
        }
    }

    fn take_push(&mut self, now: Instant, options: &str) {
        if self.agreed.is_some() {
            return;
        }
        let Some(received) = self.take_part(now, options) else {
            return;
        };
        match Pushed::parse(&received) {
            Ok(pushed) => self.accept_push(now, pushed),
            Err(error) => self.close_with(now, CloseReason::UnusablePush(error.0), None),
        }
    }

    fn take_update(&mut self, now: Instant, options: &str) {
        let Some(held) = self.push.pushed.clone() else {
            return;
        };
        let Some(received) = self.take_part(now, options) else {
            return;
        };
        match held.updated(&received) {
            Ok(pushed) => {
                self.push.pushed = Some(pushed.clone());
                self.events.push_back(Event::Updated(Box::new(pushed)));
            }
            Err(error) => self.close_with(now, CloseReason::UnusablePush(error.0), None),
        }
    }

    /// Adds a part of a push; all of it, once the last part is there.
    fn take_part(&mut self, now: Instant, options: &str) -> Option<String> {
        let received = &mut self.push.received;
        if received.len() + options.len() > MAX_PUSH_TOTAL {
            self.close_with(now, CloseReason::UnusablePush("it is too long"), None);
            return None;
        }
        received.push_str(options);
        received.push(',');
        (!options::is_continued(options)).then(|| std::mem::take(received))
    }

    fn accept_push(&mut self, now: Instant, pushed: Pushed) {
        let Side::Client(config) = &self.side else {
            return;
        };
        let first_cipher = config.ciphers.first().copied();
        let Some(cipher) = pushed
            .cipher
            .or(first_cipher)
            .filter(|cipher| config.ciphers.contains(cipher))
        else {
            self.close_with(
                now,
                CloseReason::UnusablePush("its cipher was not offered"),
                None,
            );
            return;
        };
        let agreed = Agreed {
            cipher,
            derivation: pushed.derivation,
            format: pushed.format(),
            framing: pushed.framing,
            exit_by_control: pushed.exit_by_control,
            push_update: config.push_update == Offer::Yes,
        };
        self.push.pushed = Some(pushed.clone());
        let data = DataConfig {
            ping: pushed.ping,
            silence: pushed.ping_restart,
            max_segment: None,
        };
        self.establish(now, agreed, data, Some(pushed));
    }
}
