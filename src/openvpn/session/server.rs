//! The server's part of a session: whom to ask about, and what a client is given.

use super::*;

impl Control {
    pub(super) fn take_client_key_method(
        &mut self,
        now: Instant,
        slot: Slot,
        theirs: KeyMethod,
    ) -> Result<(), Failure> {
        let Side::Server(config) = &self.side else {
            return Ok(());
        };
        let config = config.clone();
        let Some(secrets) = Secrets::generate(Role::Server, &mut *self.random) else {
            self.close_with(now, CloseReason::NoRandomness, None);
            return Ok(());
        };
        let ours = KeyMethod::new(
            secrets.clone(),
            negotiate::mirror_options(Role::Server, &theirs.options),
        );
        let Some(negotiation) = self.at(slot) else {
            return Ok(());
        };
        let Some(tls) = &negotiation.tls else {
            return Ok(());
        };
        let identity = tls.identity().map_err(Failure::Tls)?;
        let description = tls.description();
        negotiation.ours = Some(secrets);
        // Sent whatever the decision will be: only a client that has it reads what follows.
        negotiation.send_key_method(&ours).map_err(Failure::Tls)?;
        negotiation.channel.widen();
        negotiation.stage = Stage::AwaitDecision;
        if let Some(problem) = theirs.problem {
            self.identity.get_or_insert(identity);
            self.reject(now, CloseReason::Incompatible(problem));
            return Ok(());
        }
        let info = PeerInfo::parse(&theirs.peer_info);
        let cipher = if slot == Slot::Current {
            match Agreement::reach(&config.ciphers, &info, &theirs.options) {
                Ok(agreement) => self.push.agreement.insert(agreement).cipher,
                Err(reason) => {
                    self.identity = Some(identity);
                    self.reject(now, CloseReason::Incompatible(reason));
                    return Ok(());
                }
            }
        } else if self.is_same_client(&identity, theirs.username.as_deref()) {
            self.agreed
                .as_ref()
                .map_or(Cipher::Aes256Gcm, |agreed| agreed.cipher)
        } else {
            self.reject(now, CloseReason::IdentityChanged);
            return Ok(());
        };
        self.identity = Some(identity.clone());
        self.username.clone_from(&theirs.username);
        self.events.push_back(Event::Admit(Box::new(Admission {
            identity,
            username: theirs.username,
            password: theirs.password,
            ciphers: negotiate::offered_ciphers(&info, &theirs.options),
            peer_info: info,
            cipher,
            tls: description,
            is_rekey: slot == Slot::Pending,
        })));
        Ok(())
    }

    /// A rekey must present the name that the session began with, and the same user.
    fn is_same_client(&self, identity: &Identity, username: Option<&str>) -> bool {
        self.identity
            .as_ref()
            .is_some_and(|known| known.common_name == identity.common_name)
            && self.username.as_deref() == username
    }

    fn reject(&mut self, now: Instant, reason: CloseReason) {
        let text = control::sanitize(&reason.to_string());
        self.close_with(now, reason, Some(Message::AuthFailed(text)));
    }

    pub(super) fn admit(&mut self, now: Instant, grant: &Grant) {
        let Some(agreement) = self.push.agreement.take() else {
            return;
        };
        let agreed = Agreed {
            cipher: agreement.cipher,
            derivation: agreement.derivation,
            format: if agreement.data_v2 {
                DataFormat::V2(grant.peer_id)
            } else {
                DataFormat::V1
            },
            framing: agreement.framing,
            exit_by_control: agreement.protocol_flags,
            push_update: agreement.push_update,
        };
        let data = DataConfig {
            ping: Some(grant.ping),
            silence: Some(grant.ping_restart * 2),
            max_segment: grant.max_segment,
        };
        self.push.reply = options::push_reply(grant, &agreement);
        self.establish(now, agreed, data, None);
        if agreement.push_early || self.push.is_requested {
            self.send_push(now);
        }
    }

    fn send_push(&mut self, now: Instant) {
        self.push.last_sent = Some(now);
        for message in self.push.reply.clone() {
            self.say(now, &message);
        }
    }

    pub(super) fn take_client_message(&mut self, now: Instant, message: &Message) {
        match message {
            Message::PushRequest => {
                self.push.is_requested = true;
                let is_due = self
                    .push
                    .last_sent
                    .is_none_or(|last| now >= last + PUSH_REPEAT_EVERY);
                // A reply that has not arrived yet is on its way: another behind it would tell nothing new.
                let is_delivered = self.current.channel.is_delivered();
                if self.agreed.is_some() && is_due && is_delivered {
                    self.send_push(now);
                }
            }
            Message::Exit => self.close_with(now, CloseReason::PeerExit, None),
            // The rest is a server's to say.
            Message::PushReply(_)
            | Message::PushUpdate(_)
            | Message::AuthFailed(_)
            | Message::Restart(_)
            | Message::Halt(_)
            | Message::Info(_)
            | Message::Other => {}
        }
    }
}
