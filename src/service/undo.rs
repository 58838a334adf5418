//! Taking back what a line of the event record did.
//!
//! What an event changed says which commands take it back. They go through the same checks as from
//! any face, and what they change must be exactly the reverse: where somebody has changed the thing
//! since, or something else would change too, nothing is done.

use std::collections::BTreeMap;

use serde_json::Value;

use self::reverse::reverse;
use super::{change::Change, diff, fields::invalid};
use crate::model::{
    Answer, Code, Command, Event, FieldChange, Outcome, Refusal, Snapshot, Undo, command::UndoEvent,
};

mod reverse;
mod thing;

impl Change<'_, '_> {
    /// Carries out what takes an event back.
    pub(super) fn undo_event(&mut self, command: &UndoEvent) -> Result<Answer, Refusal> {
        let seq = command.event_seq;
        let event = self.tx.event(seq)?.ok_or_else(|| {
            Refusal::new(
                Code::ResourceNotFound,
                format!("The event record has no event {seq}; it keeps events for 90 days"),
            )
            .at(EVENT_ID)
        })?;
        let commands = way_back(&event, &self.snapshot)?;
        let before = self.snapshot.clone();
        let mut last = "";
        for command in commands {
            let action = command.action();
            // Commands of one kind do not meet each other, so they share the look.
            if action != last {
                self.snapshot = self.tx.outcome()?;
            }
            last = action;
            self.apply(command)
                .map_err(|refusal| not_now(&event, &refusal))?;
        }
        let undone = diff::of(self.tx, &before)?;
        if let Some(why) = unlike(&event, undone) {
            return Err(Refusal::new(
                Code::IncorrectState,
                format!("{} of event {seq} is not taken back: {why}", event.action),
            )
            .at(EVENT_ID));
        }
        for resource in &event.resources {
            if !self.resources.contains(resource) {
                self.resources.push(resource.clone());
            }
        }
        self.undoes = Some(seq);
        Ok(Answer::Done)
    }
}

/// The commands that take an event back, or why there are none.
fn way_back(event: &Event, now: &Snapshot) -> Result<Vec<Command>, Refusal> {
    let seq = event.seq;
    let state = |why: String| Err(Refusal::new(Code::IncorrectState, why).at(EVENT_ID));
    if let Outcome::Refused { .. } = event.outcome {
        return state(format!(
            "{} of event {seq} was refused, so there is nothing to take back",
            event.action
        ));
    }
    match &event.undo {
        Undo::Nothing => state(format!(
            "{} of event {seq} changed nothing, so there is nothing to take back",
            event.action
        )),
        Undo::Done(by) => state(format!(
            "{} of event {seq} was taken back already, by event {by}",
            event.action
        )),
        Undo::Impossible(why) => Err(invalid(
            EVENT_ID,
            format!(
                "{} of event {seq} cannot be taken back: {why}",
                event.action
            ),
        )),
        Undo::Possible => reverse(&event.action, &event.changes, now)
            .map_err(|why| Refusal::new(Code::IncorrectState, why).at(EVENT_ID)),
    }
}

/// A refusal of what would take an event back: its code tells why, its field is of another command.
fn not_now(event: &Event, refusal: &Refusal) -> Refusal {
    Refusal::new(
        refusal.code,
        format!(
            "{} of event {} cannot be taken back as things are now. {}",
            event.action, event.seq, refusal.message
        ),
    )
    .at(EVENT_ID)
}

/// Whether an event with these changes can be taken back, as far as can be said when it happens.
pub(super) fn outlook(action: &str, changes: &[FieldChange], now: &Snapshot) -> Undo {
    if let Some(why) = never(action) {
        return Undo::Impossible(why.to_owned());
    }
    if changes.is_empty() {
        return Undo::Nothing;
    }
    match reverse(action, changes, now) {
        Ok(_) => Undo::Possible,
        Err(why) => Undo::Impossible(why),
    }
}

/// Why what an operation did can never be taken back, for those of which it can be said at once.
fn never(action: &str) -> Option<&'static str> {
    Some(match action {
        "DeleteVpc"
        | "DeleteSubnet"
        | "DeleteInternetGateway"
        | "DeleteVpcPeeringConnection"
        | "DeleteVpnConnection"
        | "DeleteRouteTable"
        | "DeleteSecurityGroup"
        | "DeleteNetworkInterface"
        | "DeleteClientVpnEndpoint" => {
            "what is deleted would come back under another identifier, which nothing that named it knows. Create it anew"
        }
        "DeleteCertificate" | "RenewCertificate" => {
            "the private key is gone. Issue or import a certificate"
        }
        "CreateCertificateAuthority"
        | "IssueCertificate"
        | "IssueCertificates"
        | "SignCertificateRequest"
        | "ImportPki" => {
            "a certificate stays valid wherever it was handed out. Revoke it, or delete it under Certificates"
        }
        "RevokeCertificate" | "GenerateRevocationList" => {
            "whoever has the list goes by it. Issue a new certificate instead"
        }
        "ImportClientVpnClientCertificateRevocationList" => {
            "the list that was there before is not kept. Import the one that is to count"
        }
        "AcceptVpcPeeringConnection" => {
            "a peering connection that is active does not become a request again. Delete it instead"
        }
        "TerminateClientVpnConnections" | "ReconnectClientVpnConnections" => {
            "a connection that has ended does not come back by itself. A block can be lifted under Connections"
        }
        "UnblockClient" => {
            "the client may be connected by now. Terminate its connections with a block"
        }
        "CreateLogGroup" | "DeleteLogGroup" | "CreateLogStream" | "DeleteLogStream" => {
            "the log's events would go, or are gone. Create or delete it under Logs"
        }
        "RestoreBackup" => {
            "what was there before is not kept. Restore the backup that was made before"
        }
        "UndoEvent" => "it took something back already. Give the first command again instead",
        _ => return None,
    })
}

/// Why what was changed now is not what the event did, the other way round.
fn unlike(event: &Event, undone: Vec<FieldChange>) -> Option<String> {
    let key = |it: &FieldChange| {
        let name = (it.resource_type.clone(), it.resource.clone());
        (name, it.field.clone())
    };
    // As in AWS, the role stays when the endpoint goes that it was made for.
    let counts =
        |it: &&FieldChange| event.action.contains("Role") || it.resource_type != diff::ROLE;
    let mut undone: BTreeMap<_, _> = undone
        .into_iter()
        .filter(|it| counts(&it))
        .map(|it| (key(&it), it))
        .collect();
    let of = |it: &FieldChange| format!("{} of {}", it.field, it.resource);
    for did in event.changes.iter().filter(counts) {
        let Some(back) = undone.remove(&key(did)) else {
            return Some(format!(
                "somebody has changed {} since; it is {} already",
                of(did),
                shown(did.before.as_ref())
            ));
        };
        if !alike(&did.field, back.before.as_ref(), did.after.as_ref()) {
            return Some(format!(
                "somebody has changed {} since: it is {} now",
                of(did),
                shown(back.before.as_ref())
            ));
        }
        if !alike(&did.field, back.after.as_ref(), did.before.as_ref()) {
            return Some(format!(
                "{} would become {}, where it was {}",
                of(did),
                shown(back.after.as_ref()),
                shown(did.before.as_ref())
            ));
        }
    }
    undone.values().next().map(|more| {
        format!(
            "things have changed since, so it would change {} too, from {} to {}",
            of(more),
            shown(more.before.as_ref()),
            shown(more.after.as_ref())
        )
    })
}

/// Whether two values are the same but for identifiers that are made anew.
fn alike(field: &str, a: Option<&Value>, b: Option<&Value>) -> bool {
    let plain = |value: Option<&Value>| {
        let mut value = value.cloned();
        if let Some(Value::Object(object)) = &mut value {
            object.remove("id");
        }
        value
    };
    match (a, b) {
        (Some(_), Some(_)) if field == "id" => true,
        _ => plain(a) == plain(b),
    }
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None => "not there".to_owned(),
        Some(Value::String(text)) => format!("\"{text}\""),
        Some(other) => other.to_string(),
    }
}

const EVENT_ID: &str = "EventId";
/// Why a private key that was handed out cannot be taken back.
pub(super) const HANDED_OUT: &str = "whoever was given the private key has it. Revoke the certificate, or replace it, if they are to have it no more";
/// Why an event cannot be taken back of which not everything is known.
pub(super) const TOO_MUCH: &str =
    "it changed more than the event record keeps. Change the things back one by one";
