//! The event record, and answers that a token has again.

use rusqlite::{OptionalExtension as _, Row, params};

use super::{StoreError, Tx, row};
use crate::model::{Event, Outcome};

/// What a token was used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// A hash of the command.
    pub command_hash: Vec<u8>,
    /// The answer it had, as JSON.
    pub answer: String,
}

impl Tx<'_> {
    /// Writes a line of the event record; its `seq` is given here.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn insert_event(&mut self, event: &Event) -> Result<(), StoreError> {
        let (code, message) = match &event.outcome {
            Outcome::Allowed => (None, None),
            Outcome::Refused { code, message } => (Some(code.as_str()), Some(message)),
        };
        self.connection
            .prepare_cached(
                "INSERT INTO event (at, caller, face, action, resources, parameters, code,
                     message, read_only, changes, undo)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
                row::to_json(&event.undo)?,
            ])?;
        Ok(())
    }

    /// The newest events, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn events(&self, limit: u32) -> Result<Vec<Event>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT * FROM event ORDER BY seq DESC LIMIT ?")?;
        let rows = statement.query_map([limit], read_event)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
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
        undo: row::json(found, "undo")?,
    })
}
