//! The event record: who did what.
//!
//! The line of an allowed change is written in its own transaction. Lines of refusals and reads
//! are written on best effort, through a bounded queue; what does not fit is counted.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use super::Caller;
use crate::{
    clock,
    model::{Command, Event, Outcome, Refusal, Undo},
    store::{Store, StoreError},
};

/// Writes the lines that nobody waits for.
pub(super) struct Recorder {
    queue: mpsc::Sender<Note>,
    lost: Arc<AtomicU64>,
}

enum Note {
    Line(Box<Event>),
    Flush(oneshot::Sender<()>),
}

impl Recorder {
    /// Starts the task that writes; it ends when the recorder is dropped.
    pub(super) fn start(store: Store) -> Self {
        let (queue, notes) = mpsc::channel(QUEUE);
        let lost = Arc::new(AtomicU64::new(0));
        tokio::spawn(write_notes(store, notes, Arc::clone(&lost)));
        Self { queue, lost }
    }

    /// Writes the line when there is time, or counts it as lost.
    pub(super) fn record(&self, event: Event) {
        if self.queue.try_send(Note::Line(Box::new(event))).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many lines were lost since the start.
    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Returns once every line so far is written.
    pub(super) async fn flush(&self) {
        let (done, written) = oneshot::channel();
        if self.queue.send(Note::Flush(done)).await.is_ok() {
            // An error means that the task is gone, and with it everything there was to wait for.
            written.await.unwrap_or_default();
        }
    }
}

async fn write_notes(store: Store, mut notes: mpsc::Receiver<Note>, lost: Arc<AtomicU64>) {
    let mut batch = Vec::with_capacity(BATCH);
    while notes.recv_many(&mut batch, BATCH).await > 0 {
        let mut events = Vec::new();
        let mut waiting = Vec::new();
        for note in batch.drain(..) {
            match note {
                Note::Line(event) => events.push(*event),
                Note::Flush(done) => waiting.push(done),
            }
        }
        let count = events.len() as u64;
        let written: Result<(), StoreError> = store
            .transact(clock::now(), move |tx| {
                for event in &events {
                    tx.insert_event(event)?;
                }
                Ok(())
            })
            .await;
        if let Err(error) = written {
            lost.fetch_add(count, Ordering::Relaxed);
            tracing::warn!(%error, count, "lines of the event record are lost");
        }
        for done in waiting {
            // Nobody may be waiting any more.
            done.send(()).unwrap_or_default();
        }
    }
}

/// The line of a command that was carried out.
pub(super) fn allowed(
    caller: &Caller,
    action: &str,
    parameters: Value,
    resources: Vec<String>,
    at: Timestamp,
) -> Event {
    Event {
        seq: 0,
        at,
        caller: caller.name.clone(),
        face: caller.face.as_str().to_owned(),
        action: action.to_owned(),
        resources,
        parameters,
        outcome: Outcome::Allowed,
        read_only: only_looks(action),
        changes: Vec::new(),
        changes_left_out: 0,
        undo: Undo::Nothing,
    }
}

/// Whether an operation changes nothing, by its name, as CloudTrail has it; what is handed out is
/// only looked at.
fn only_looks(action: &str) -> bool {
    const VERBS: [&str; 11] = [
        "Describe", "List", "Get", "Lookup", "Filter", "Inspect", "Export", "Why", "Preview",
        "Diagnose", "Test",
    ];
    VERBS.iter().any(|verb| action.starts_with(verb))
}

/// The line of a command that was refused.
pub(super) fn refused(
    caller: &Caller,
    action: &str,
    parameters: Value,
    refusal: &Refusal,
    at: Timestamp,
) -> Event {
    Event {
        outcome: Outcome::Refused {
            code: refusal.code,
            message: shortened(&refusal.message),
        },
        ..allowed(caller, action, parameters, Vec::new(), at)
    }
}

/// What was asked, as JSON without secrets. Of files only the sizes are kept: a file that should
/// hold a certificate may hold a private key too.
pub(super) fn parameters(command: &Command) -> Value {
    if let Command::ImportCertificate(import) = command {
        return json!({
            "certificate_bytes": import.certificate.0.len(),
            "has_private_key": import.private_key.is_some(),
            "certificate_chain_bytes": import.certificate_chain.as_ref().map(|chain| chain.0.len()),
            "certificate_arn": import.certificate_arn,
        });
    }
    if let Command::SignCertificateRequest(it) = command {
        return json!({
            "ca_arn": it.ca_arn,
            "csr_bytes": it.csr.0.len(),
            "usage": it.usage,
            "common_name": it.common_name,
            "validity_days": it.validity_days,
        });
    }
    if let Command::ImportClientVpnClientCertificateRevocationList(it)
    | Command::InspectRevocationList(it) = command
    {
        return json!({
            "client_vpn_endpoint_id": it.client_vpn_endpoint_id,
            "certificate_revocation_list_bytes": it.certificate_revocation_list.0.len(),
            "allow_older": it.allow_older,
        });
    }
    if let Command::InspectCertificateRequest(it) = command {
        return json!({"csr_bytes": it.csr.0.len()});
    }
    if let Command::ImportPki(it) = command {
        let bytes: usize = it
            .files
            .iter()
            .map(|file| file.content.expose().len())
            .sum();
        return json!({"files": it.files.len(), "bytes": bytes});
    }
    if matches!(
        command,
        Command::CreateBackup(_) | Command::RestoreBackup(_) | Command::DescribeBackup(_)
    ) {
        return Value::Null;
    }
    if let Command::PreviewChange(inner) = command {
        return json!({ inner.action(): parameters(inner) });
    }
    let fields = match serde_json::to_value(command) {
        // An enum variant with fields is an object of one member.
        Ok(Value::Object(object)) => object.into_iter().next().map_or(Value::Null, |(_, v)| v),
        _ => Value::Null,
    };
    let bytes = fields.to_string().len();
    if bytes > MAX_PARAMETERS {
        return json!({ "left_out_bytes": bytes });
    }
    fields
}

/// A message may quote what was typed, of whatever length; the record keeps its beginning.
fn shortened(message: &str) -> String {
    if message.len() <= MAX_MESSAGE {
        return message.to_owned();
    }
    let end = message.floor_char_boundary(MAX_MESSAGE);
    format!("{}…", &message[..end])
}

/// The most bytes of a message that are kept.
const MAX_MESSAGE: usize = 2 * 1024;
/// Parameters longer than this are no sensible command; only their size is kept.
const MAX_PARAMETERS: usize = 16 * 1024;
/// Lines that may wait to be written.
const QUEUE: usize = 1024;
/// Lines that share a transaction.
const BATCH: usize = 256;
