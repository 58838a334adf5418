//! Log groups, their streams and events.
//!
//! Writing an event is no change of the configuration. What is deleted goes out of sight at once and
//! off the disk in slices, so that nobody waits for a million rows.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params};

use super::{StoreError, Tx, row};
use crate::model::{ConnectionLog, LogEvent, LogGroup, LogStream};

/// The place of an event among all, in order of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogPlace {
    /// When it happened, in microseconds since 1970.
    pub at: i64,
    /// Which of those of that time.
    pub seq: u64,
}

impl LogPlace {
    /// The place of an event.
    #[must_use]
    pub fn of(event: &LogEvent) -> Self {
        Self {
            at: event.at.as_microsecond(),
            seq: event.seq,
        }
    }
}

/// Which events of a group are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// The group.
    pub group: String,
    /// Only these streams; all if none is named.
    pub streams: Vec<String>,
    /// Only from this time on.
    pub from: Option<Timestamp>,
    /// Only before this time.
    pub until: Option<Timestamp>,
    /// Only behind this event.
    pub after: Option<LogPlace>,
    /// Only ahead of this event.
    pub before: Option<LogPlace>,
    /// Begins with the newest.
    pub newest_first: bool,
    /// At most so many,
    pub limit: usize,
    /// and no more of them once their text has so many bytes.
    pub bytes: usize,
}

impl LogQuery {
    /// The places that the events are between, without these.
    fn bounds(&self) -> (LogPlace, LogPlace) {
        let first = LogPlace {
            at: i64::MIN,
            seq: 0,
        };
        let last = LogPlace {
            at: i64::MAX,
            seq: u64::MAX,
        };
        let from = self.from.map_or(first, |from| LogPlace {
            at: from.as_microsecond() - 1,
            seq: u64::MAX,
        });
        let until = self.until.map_or(last, |until| LogPlace {
            at: until.as_microsecond(),
            seq: 0,
        });
        (
            self.after.unwrap_or(first).max(from),
            self.before.unwrap_or(last).min(until),
        )
    }
}

impl Tx<'_> {
    /// Makes a group, which must not be there.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn insert_log_group(&mut self, name: &str) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO log_group (name, created_at) VALUES (?, ?)",
            params![name, self.now.as_microsecond()],
        )?;
        self.change(GROUP, name)?;
        Ok(())
    }

    /// Deletes a group; its streams and events go out of sight with it.
    ///
    /// # Errors
    /// When the database refuses, also because an endpoint writes to it.
    pub fn delete_log_group(&mut self, name: &str) -> Result<(), StoreError> {
        self.connection
            .execute("DELETE FROM log_group WHERE name = ?", [name])?;
        self.change(GROUP, name)?;
        Ok(())
    }

    /// Says for how many days the events of a group are kept.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn set_log_retention(&mut self, name: &str, days: Option<u32>) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE log_group SET retention_days = ? WHERE name = ?",
            params![days, name],
        )?;
        self.change(GROUP, name)?;
        Ok(())
    }

    /// Makes a stream of a group, which must not be there.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn insert_log_stream(&mut self, group: &str, name: &str) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO log_stream (group_id, name, created_at)
             SELECT id, ?, ? FROM log_group WHERE name = ?",
            params![name, self.now.as_microsecond(), group],
        )?;
        self.change(STREAM, name)?;
        Ok(())
    }

    /// Deletes a stream; its events go out of sight with it.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn delete_log_stream(&mut self, group: &str, name: &str) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE log_stream SET group_id = NULL
             WHERE name = ? AND group_id = (SELECT id FROM log_group WHERE name = ?)",
            [name, group],
        )?;
        self.change(STREAM, name)?;
        Ok(())
    }

    /// The groups, by name, with the bytes that they hold.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn log_groups(&self) -> Result<Vec<LogGroup>, StoreError> {
        Ok(load(&self.connection)?.into_values().collect())
    }

    /// The streams of a group, by name.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn log_streams(&self, group: &str) -> Result<Vec<LogStream>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT s.name, s.created_at,
                 (SELECT min(at) FROM log_event e WHERE e.stream_id = s.id) AS first_at,
                 (SELECT max(at) FROM log_event e WHERE e.stream_id = s.id) AS last_at
             FROM log_stream s JOIN log_group g ON g.id = s.group_id
             WHERE g.name = ? ORDER BY s.name",
        )?;
        let rows = statement.query_map([group], |found| {
            Ok(LogStream {
                group: group.to_owned(),
                name: found.get("name")?,
                created_at: row::time(found, "created_at")?,
                first_event_at: row::time_option(found, "first_at")?,
                last_event_at: row::time_option(found, "last_at")?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// How many streams a group has.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn count_log_streams(&self, group: &str) -> Result<u64, StoreError> {
        let count: i64 = self
            .connection
            .prepare_cached(
                "SELECT count(*) FROM log_stream s JOIN log_group g ON g.id = s.group_id
                 WHERE g.name = ?",
            )?
            .query_row([group], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// Whether a group has a stream of that name.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn has_log_stream(&self, group: &str, name: &str) -> Result<bool, StoreError> {
        Ok(self.log_stream_id(group, name)?.is_some())
    }

    fn log_group_id(&self, name: &str) -> Result<Option<i64>, StoreError> {
        Ok(self
            .connection
            .prepare_cached("SELECT id FROM log_group WHERE name = ?")?
            .query_row([name], |row| row.get(0))
            .optional()?)
    }

    fn log_stream_id(&self, group: &str, name: &str) -> Result<Option<(i64, i64)>, StoreError> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT s.group_id, s.id FROM log_stream s JOIN log_group g ON g.id = s.group_id
                 WHERE g.name = ? AND s.name = ?",
            )?
            .query_row([group, name], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?)
    }

    /// Writes an event that happened at the time of the transaction. Answers false where the stream
    /// is not there.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn append_log_event(
        &mut self,
        log: &ConnectionLog,
        message: &str,
    ) -> Result<bool, StoreError> {
        let Some((group, stream)) = self.log_stream_id(&log.group, &log.stream)? else {
            return Ok(false);
        };
        let now = self.now.as_microsecond();
        // Whoever follows a log goes on behind the newest event, also where the clock was set back.
        self.connection
            .prepare_cached(
                "INSERT INTO log_event (group_id, stream_id, at, ingested_at, message)
                 VALUES (?1, ?2, max(?3, coalesce(
                     (SELECT max(at) FROM log_event WHERE group_id = ?1), 0)), ?3, ?4)",
            )?
            .execute(params![group, stream, now, message])?;
        self.connection
            .prepare_cached(
                "UPDATE log_stream SET events = events + 1, bytes = bytes + ? WHERE id = ?",
            )?
            .execute(params![
                row::to_count(message.len() as u64 + OVERHEAD),
                stream
            ])?;
        Ok(true)
    }

    /// The events that are wanted, oldest or newest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn log_events(&self, wanted: &LogQuery) -> Result<Vec<LogEvent>, StoreError> {
        let Some(group) = self.log_group_id(&wanted.group)? else {
            return Ok(Vec::new());
        };
        let mut streams = Vec::new();
        for name in &wanted.streams {
            streams.extend(self.log_stream_id(&wanted.group, name)?.map(|(_, id)| id));
        }
        let order = if wanted.newest_first { "DESC" } else { "ASC" };
        let between = "(at, seq) > (?1, ?2) AND (at, seq) < (?3, ?4)";
        // Groups and streams have an index each that is in order of time. Those of several streams
        // are merged: to go through the group's would look at what nobody asked for.
        let from = match (streams.as_slice(), wanted.streams.as_slice()) {
            ([], [_, ..]) => return Ok(Vec::new()),
            ([], []) => format!("(SELECT * FROM log_event WHERE group_id = {group} AND {between})"),
            (streams, _) => {
                let of_each = streams.iter().map(|stream| {
                    format!("SELECT * FROM log_event WHERE stream_id = {stream} AND {between}")
                });
                let of_each: Vec<String> = of_each.collect();
                let of_each = of_each.join(" UNION ALL ");
                format!("({of_each} ORDER BY at {order}, seq {order} LIMIT ?5)")
            }
        };
        // Of a stream that was deleted, events may be there still.
        let mut statement = self.connection.prepare(&format!(
            "SELECT e.seq, s.name AS stream, e.at, e.ingested_at, e.message
             FROM {from} e JOIN log_stream s ON s.id = e.stream_id AND s.group_id = e.group_id
             ORDER BY e.at {order}, e.seq {order} LIMIT ?5"
        ))?;
        let (after, before) = wanted.bounds();
        let mut rows = statement.query(params![
            after.at,
            row::to_count(after.seq),
            before.at,
            row::to_count(before.seq),
            row::to_count(wanted.limit as u64),
        ])?;
        let (mut events, mut bytes) = (Vec::new(), 0);
        while let Some(found) = rows.next()? {
            let event = read_event(found)?;
            bytes += event.message.len();
            if bytes > wanted.bytes && !events.is_empty() {
                break;
            }
            events.push(event);
        }
        Ok(events)
    }

    /// Drops at most `most` events that nobody is to see any more: of what was deleted, of before a
    /// group's retention, and the oldest of a group that has more than `kept`. Answers how many it
    /// were; fewer than `most` means that none is left.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn prune_log_events(&mut self, kept: u64, most: usize) -> Result<usize, StoreError> {
        let of_deleted = "SELECT seq FROM log_event WHERE stream_id IN
             (SELECT id FROM log_stream WHERE group_id IS NULL)";
        let mut dropped = self.drop_events(of_deleted, &[], most)?;
        if dropped < most {
            self.connection.execute(
                "DELETE FROM log_stream WHERE group_id IS NULL
                     AND NOT EXISTS (SELECT 1 FROM log_event WHERE stream_id = log_stream.id)",
                [],
            )?;
        }
        for (id, name, events) in self.groups_by_number()? {
            let group = self.snapshot.log_groups.get(&name);
            let mut expired = 0;
            if let Some(days) = group.and_then(|group| group.retention_days) {
                let age = SignedDuration::from_hours(i64::from(days) * 24);
                let before = self.now.checked_sub(age).unwrap_or(Timestamp::UNIX_EPOCH);
                expired = self.drop_events(
                    "SELECT seq FROM log_event WHERE group_id = ? AND at < ? ORDER BY at, seq",
                    &[&id, &before.as_microsecond()],
                    most.saturating_sub(dropped),
                )?;
                dropped += expired;
            }
            let excess = events.saturating_sub(kept + expired as u64);
            let excess = usize::try_from(excess).unwrap_or(usize::MAX);
            dropped += self.drop_events(
                "SELECT seq FROM log_event WHERE group_id = ? ORDER BY at, seq",
                &[&id],
                excess.min(most.saturating_sub(dropped)),
            )?;
        }
        Ok(dropped)
    }

    fn groups_by_number(&self) -> Result<Vec<(i64, String, u64)>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, name, coalesce((SELECT sum(events) FROM log_stream WHERE group_id =
                 log_group.id), 0) AS events FROM log_group",
        )?;
        let rows = statement.query_map([], |found| {
            Ok((
                found.get("id")?,
                found.get("name")?,
                row::count(found, "events")?,
            ))
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Drops at most `most` of the events that `which` selects, and counts them off their streams.
    fn drop_events(
        &mut self,
        which: &str,
        values: &[&dyn ToSql],
        most: usize,
    ) -> Result<usize, StoreError> {
        if most == 0 {
            return Ok(0);
        }
        let mut gone: BTreeMap<i64, (u64, u64)> = BTreeMap::new();
        let mut statement = self.connection.prepare(&format!(
            "DELETE FROM log_event WHERE seq IN ({which} LIMIT {most})
             RETURNING stream_id, octet_length(message) AS bytes"
        ))?;
        let mut rows = statement.query(values)?;
        while let Some(found) = rows.next()? {
            let of_stream = gone.entry(found.get("stream_id")?).or_default();
            of_stream.0 += 1;
            of_stream.1 += row::count(found, "bytes")? + OVERHEAD;
        }
        let mut count = 0;
        for (stream, (events, bytes)) in gone {
            self.connection
                .prepare_cached(
                    "UPDATE log_stream SET events = max(events - ?, 0), bytes = max(bytes - ?, 0)
                     WHERE id = ?",
                )?
                .execute(params![row::to_count(events), row::to_count(bytes), stream])?;
            count += usize::try_from(events).unwrap_or(usize::MAX);
        }
        Ok(count)
    }
}

/// Every group by name.
pub(super) fn load(connection: &Connection) -> Result<BTreeMap<String, LogGroup>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT name, created_at, retention_days,
             coalesce((SELECT sum(bytes) FROM log_stream WHERE group_id = log_group.id), 0)
                 AS bytes
         FROM log_group ORDER BY name",
    )?;
    let rows = statement.query_map([], |found| {
        let group = LogGroup {
            name: found.get("name")?,
            created_at: row::time(found, "created_at")?,
            retention_days: found.get("retention_days")?,
            stored_bytes: row::count(found, "bytes")?,
        };
        Ok((group.name.clone(), group))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn read_event(found: &Row<'_>) -> rusqlite::Result<LogEvent> {
    Ok(LogEvent {
        seq: row::count(found, "seq")?,
        stream: found.get("stream")?,
        at: row::time(found, "at")?,
        ingested_at: row::time(found, "ingested_at")?,
        message: found.get("message")?,
    })
}

const GROUP: &str = "log-group";
const STREAM: &str = "log-stream";
/// What CloudWatch counts for an event beside its text.
const OVERHEAD: u64 = 26;
