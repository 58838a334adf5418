//! One command on its way through one transaction.

use std::{collections::BTreeMap, net::Ipv4Addr, sync::Arc};

use aws_lc_rs::digest;
use jiff::Timestamp;
use zeroize::Zeroizing;

use super::{Caller, Host, board::Board, diff, events, undo};
use crate::{
    model::{Answer, Code, Command, EndpointId, NetworkMode, Refusal, Request, Snapshot, Undo},
    store::{Replay, Tx},
};

/// What a command that changes something has in hand: the transaction, and the configuration it
/// began with, against which everything is validated.
pub(super) struct Change<'a, 'c> {
    pub(super) tx: &'a mut Tx<'c>,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) now: Timestamp,
    pub(super) machine: Machine,
    /// The identifiers it concerns, for the event record.
    pub(super) resources: Vec<String>,
    /// The event that it takes back, if it does.
    pub(super) undoes: Option<u64>,
}

impl Change<'_, '_> {
    /// Notes that the command concerns `id`.
    pub(super) fn concerns(&mut self, id: &impl ToString) {
        self.resources.push(id.to_string());
    }
}

/// The machine that the gateway runs on, as commands are judged by it.
#[derive(Clone)]
pub(super) struct Machine {
    pub(super) host: Arc<dyn Host>,
    /// How packets get into the target networks; none while no gateway runs.
    pub(super) mode: Option<NetworkMode>,
    /// Who is connected.
    pub(super) board: Arc<Board>,
}

impl Machine {
    /// The host that clients of an endpoint are told to connect to.
    pub(super) fn dns_name_of(&self, snapshot: &Snapshot, endpoint: &EndpointId) -> String {
        match &snapshot.settings.endpoint_domain {
            Some(domain) => format!("{endpoint}.{domain}"),
            None => self.dns_name(snapshot),
        }
    }

    /// The live connections of the endpoint that has most.
    pub(super) fn most_connections(&self) -> usize {
        let mut counts = BTreeMap::<_, usize>::new();
        for connection in self.board.live() {
            *counts.entry(connection.endpoint_id).or_default() += 1;
        }
        counts.into_values().max().unwrap_or(0)
    }

    /// The host that clients reach this machine by, where endpoints have no names of their own.
    pub(super) fn dns_name(&self, snapshot: &Snapshot) -> String {
        let chosen = snapshot.settings.public_address.clone();
        chosen.unwrap_or_else(|| match self.host.address() {
            Some(address) => address.to_string(),
            None => Ipv4Addr::LOCALHOST.to_string(),
        })
    }
}

/// How a command is to be taken, apart from what it does.
pub(super) struct Terms {
    caller: Caller,
    action: &'static str,
    parameters: serde_json::Value,
    dry_run: bool,
    token: Option<Token>,
}

struct Token {
    text: String,
    command_hash: Vec<u8>,
}

impl Terms {
    /// Reads them from the request, whose command then goes its own way.
    ///
    /// # Errors
    /// `InvalidParameterValue` for a token that cannot be one.
    pub(super) fn new(caller: &Caller, request: &Request) -> Result<Self, Refusal> {
        // Answers with a private key inside are not kept; asking again changes nothing anyway. A
        // test is worth nothing unless it is made again, and what a passphrase is part of is not
        // hashed where the hash stays.
        let hands_out = matches!(
            request.command,
            Command::ExportCertificate(_)
                | Command::ExportClientVpnClientConfiguration(_)
                | Command::TestConnection(_)
                | Command::CreateBackup(_)
                | Command::RestoreBackup(_)
        );
        let token = request
            .client_token
            .as_deref()
            .filter(|_| !hands_out)
            .map(|text| Token::new(text, &request.command))
            .transpose()?;
        Ok(Self {
            caller: caller.clone(),
            action: request.command.action(),
            parameters: events::parameters(&request.command),
            dry_run: request.dry_run,
            token,
        })
    }

    /// Runs `work` by these terms: a token that was used has its answer again, a dry run (also of
    /// what a token was used for) ends before anything is kept, and the event and the token go into the same transaction as the
    /// change.
    ///
    /// # Errors
    /// What `work` refuses; `DryRunOperation`; `IdempotentParameterMismatch`.
    pub(super) fn carry_out<'c>(
        self,
        tx: &mut Tx<'c>,
        machine: Machine,
        work: impl FnOnce(&mut Change<'_, 'c>) -> Result<Answer, Refusal>,
    ) -> Result<Answer, Refusal> {
        if let Some(token) = &self.token
            && let Some(replay) = tx.replay(&self.caller.name, &token.text)?
        {
            let answer = token.answer_again(&replay)?;
            return if self.dry_run {
                Err(dry_run())
            } else {
                Ok(answer)
            };
        }
        let mut change = Change {
            snapshot: tx.snapshot(),
            now: tx.now(),
            tx,
            machine,
            resources: Vec::new(),
            undoes: None,
        };
        let before = Arc::clone(&change.snapshot);
        let answer = work(&mut change)?;
        let Change {
            tx,
            resources,
            undoes,
            ..
        } = change;
        if self.dry_run {
            return Err(dry_run());
        }
        let (caller, now) = (&self.caller, tx.now());
        let mut event = events::allowed(caller, self.action, self.parameters, resources, now);
        event.read_only &= !answer.has_private_key();
        let changes = diff::of(tx, &before)?;
        event.undo = if answer.has_private_key() {
            Undo::Impossible(undo::HANDED_OUT.to_owned())
        } else {
            undo::outlook(self.action, &changes, &before)
        };
        (event.changes, event.changes_left_out) = diff::bounded(changes);
        if event.changes_left_out > 0 && event.undo == Undo::Possible {
            event.undo = Undo::Impossible(undo::TOO_MUCH.to_owned());
        }
        let seq = tx.insert_event(&event)?;
        if let Some(undone) = undoes {
            tx.set_event_undo(undone, &Undo::Done(seq))?;
        }
        if let Some(token) = self.token {
            let answer = serde_json::to_string(&answer).map_err(|error| broken(&error))?;
            let replay = Replay {
                command_hash: token.command_hash,
                answer,
            };
            tx.insert_replay(&self.caller.name, &token.text, &replay)?;
        }
        Ok(answer)
    }
}

impl Token {
    fn new(text: &str, command: &Command) -> Result<Self, Refusal> {
        if !(1..=MAX_TOKEN).contains(&text.len()) || !text.chars().all(|c| c.is_ascii_graphic()) {
            return Err(Refusal::new(
                Code::InvalidParameterValue,
                format!("A client token has 1 to {MAX_TOKEN} visible ASCII characters"),
            )
            .at("ClientToken"));
        }
        // The command may carry a private key, so its serialized form is wiped after use.
        let bytes = Zeroizing::new(serde_json::to_vec(command).map_err(|error| broken(&error))?);
        Ok(Self {
            text: text.to_owned(),
            command_hash: digest::digest(&digest::SHA256, &bytes).as_ref().to_vec(),
        })
    }

    fn answer_again(&self, replay: &Replay) -> Result<Answer, Refusal> {
        if replay.command_hash != self.command_hash {
            return Err(Refusal::new(
                Code::IdempotentParameterMismatch,
                format!(
                    "The client token {} was used with another command; use a new one",
                    self.text
                ),
            )
            .at("ClientToken"));
        }
        serde_json::from_str(&replay.answer).map_err(|error| broken(&error))
    }
}

/// The refusal that says that a command would have been carried out.
pub(super) fn dry_run() -> Refusal {
    Refusal::new(
        Code::DryRunOperation,
        "Request would have succeeded, but DryRun flag is set.",
    )
}

fn broken(error: &serde_json::Error) -> Refusal {
    tracing::error!(%error, "a command or an answer has no JSON form");
    Refusal::new(
        Code::InternalError,
        "Nothing was changed; the log has the cause",
    )
}

/// AWS takes tokens of up to 64 characters.
const MAX_TOKEN: usize = 64;
