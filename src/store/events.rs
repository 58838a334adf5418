//! The event record, and answers that a token has again.

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row, ToSql, params};

use super::{StoreError, Tx, row};
use crate::model::{Event, Outcome, Undo};

/// What events must have to be listed; an absent field says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Its place in the record.
    pub seq: Option<u64>,
    /// Only events before this place in the record.
    pub before_seq: Option<u64>,
    /// The name of the operation.
    pub action: Option<String>,
    /// Whether it only looked.
    pub read_only: Option<bool>,
    /// Who.
    pub caller: Option<String>,
    /// An identifier that it concerned.
    pub resource: Option<String>,
    /// From this time on.
    pub since: Option<Timestamp>,
    /// Up to this time, itself included.
    pub until: Option<Timestamp>,
}

/// What a token was used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// A hash of the command.
    pub command_hash: Vec<u8>,
    /// The answer it had, as JSON.
    pub answer: String,
}

impl Tx<'_> {
    /// Writes a line of the event record and answers its `seq`, which is given here.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn insert_event(&mut self, event: &Event) -> Result<u64, StoreError> {
        let (code, message) = match &event.outcome {
            Outcome::Allowed => (None, None),
            Outcome::Refused { code, message } => (Some(code.as_str()), Some(message)),
        };
        self.connection
            .prepare_cached(
                "INSERT INTO event (at, caller, face, action, resources, parameters, code,
                     message, read_only, changes, changes_left_out, undo)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                event.at.as_microsecond(),
                event.caller,
                event.face,
                event.action,
                row::to_json(&event.resources)?,
                row::to_json(&event.parameters)?,
                code,
                message,
                event.read_only,
                row::to_json(&event.changes)?,
                row::to_count(event.changes_left_out),
                row::to_json(&event.undo)?,
            ])?;
        Ok(self.connection.last_insert_rowid().unsigned_abs())
    }

    /// The newest events that pass the filter, newest first: at most `limit`, and none beyond
    /// [`PAGE_BYTES`]; and whether there are more.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn events(
        &self,
        filter: &EventFilter,
        limit: u32,
    ) -> Result<(Vec<Event>, bool), StoreError> {
        let mut conditions = vec!["1"];
        let mut values: Vec<Box<dyn ToSql>> = Vec::new();
        let mut only = |condition, value: Option<Box<dyn ToSql>>| {
            if let Some(value) = value {
                conditions.push(condition);
                values.push(value);
            }
        };
        let count = |seq: Option<u64>| seq.map(|it| Box::new(row::to_count(it)) as Box<dyn ToSql>);
        let text = |text: &Option<String>| text.clone().map(|it| Box::new(it) as Box<dyn ToSql>);
        let time = |at: Option<Timestamp>| at.map(|it| Box::new(it.as_microsecond()) as Box<_>);
        only("seq = ?", count(filter.seq));
        only("seq < ?", count(filter.before_seq));
        only("action = ?", text(&filter.action));
        only(
            "read_only = ?",
            filter.read_only.map(|it| Box::new(it) as _),
        );
        only("caller = ?", text(&filter.caller));
        only("at >= ?", time(filter.since));
        only("at <= ?", time(filter.until));
        only("resource = ?", text(&filter.resource));
        // Each table is walked backwards by its key, so that the newest come first without sorting.
        let (source, key) = match &filter.resource {
            Some(_) => (
                "event_resource JOIN event USING (seq)",
                "event_resource.seq",
            ),
            None => ("event", "seq"),
        };
        let sql = format!(
            "SELECT event.* FROM {source} WHERE {} ORDER BY {key} DESC",
            conditions.join(" AND ")
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let values: Vec<&dyn ToSql> = values.iter().map(AsRef::as_ref).collect();
        let mut rows = statement.query(&*values)?;
        let (mut events, mut bytes) = (Vec::new(), 0);
        while let Some(found) = rows.next()? {
            let event = read_event(found)?;
            bytes += size(found)?;
            if events.len() == limit as usize || (bytes > PAGE_BYTES && !events.is_empty()) {
                return Ok((events, true));
            }
            events.push(event);
        }
        Ok((events, false))
    }

    /// The event with this place in the record.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn event(&self, seq: u64) -> Result<Option<Event>, StoreError> {
        let filter = EventFilter {
            seq: Some(seq),
            ..EventFilter::default()
        };
        Ok(self.events(&filter, 1)?.0.pop())
    }

    /// Notes whether an event can be taken back.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn set_event_undo(&mut self, seq: u64, undo: &Undo) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE event SET undo = ? WHERE seq = ?",
            params![row::to_json(undo)?, row::to_count(seq)],
        )?;
        Ok(())
    }

    /// What `caller` has used `token` for.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn replay(&self, caller: &str, token: &str) -> Result<Option<Replay>, StoreError> {
        Ok(self
            .connection
            .prepare_cached("SELECT * FROM idempotency WHERE caller = ? AND token = ?")?
            .query_row([caller, token], |found| {
                Ok(Replay {
                    command_hash: found.get("command_hash")?,
                    answer: found.get("answer")?,
                })
            })
            .optional()?)
    }

    /// Keeps what `caller` has used `token` for.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn insert_replay(
        &mut self,
        caller: &str,
        token: &str,
        replay: &Replay,
    ) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO idempotency (caller, token, command_hash, answer, at)
             VALUES (?, ?, ?, ?, ?)",
            params![
                caller,
                token,
                replay.command_hash,
                replay.answer,
                self.now.as_microsecond(),
            ],
        )?;
        Ok(())
    }
}

/// The bytes of an event that can be many.
fn size(found: &Row<'_>) -> rusqlite::Result<usize> {
    let length = |column| Ok::<_, rusqlite::Error>(found.get_ref(column)?.as_bytes()?.len());
    let message = found.get_ref("message")?.as_bytes_or_null()?;
    let message = message.map_or(0, <[u8]>::len);
    Ok(length("parameters")? + length("changes")? + length("resources")? + message)
}

fn read_event(found: &Row<'_>) -> rusqlite::Result<Event> {
    let code: Option<String> = found.get("code")?;
    let outcome = match code {
        None => Outcome::Allowed,
        Some(_) => Outcome::Refused {
            code: row::word(found, "code")?,
            message: found.get("message")?,
        },
    };
    Ok(Event {
        seq: row::count(found, "seq")?,
        at: row::time(found, "at")?,
        caller: found.get("caller")?,
        face: found.get("face")?,
        action: found.get("action")?,
        resources: row::json(found, "resources")?,
        parameters: row::json(found, "parameters")?,
        outcome,
        read_only: found.get("read_only")?,
        changes: row::json(found, "changes")?,
        changes_left_out: row::count(found, "changes_left_out")?,
        undo: row::json(found, "undo")?,
    })
}

/// What the parameters and changes of a page's events may have together, so that a page stays far
/// below what one frame of the control socket holds.
const PAGE_BYTES: usize = 4 << 20;
