//! The configuration and the keys as one value, and putting them back.
//!
//! Rows are carried as they stand, with the number of the schema they stand in. Putting them back
//! goes through a database in memory: it is made with that schema, filled, brought up to date by the
//! migrations that every other database went through, and checked; only then the rows of the one
//! in use are replaced. Private keys leave their seal and are sealed again under the key of the
//! directory that they come to.

use std::collections::BTreeMap;

use jiff::Timestamp;
use refinery::Target;
use rusqlite::{Connection, params, params_from_iter, types::Value as Sql, types::ValueRef};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{StoreError, Tx, load, modified::ENDPOINT, newest_change, schema, vault::Sealed};
use crate::model::{Snapshot, command::Secret};

/// What is carried: what somebody decided, and the keys.
const CARRIED: [&str; 33] = [
    "association",
    "authority_list",
    "authorization_rule",
    "certificate",
    "client_block",
    "directory_group",
    "directory_member",
    "endpoint",
    "endpoint_authentication",
    "endpoint_security_group",
    "internet_gateway",
    "peering_connection",
    "replaced_certificate",
    "resource",
    "resource_security_group",
    "revocation_list",
    "revoked_certificate",
    "role_deletion",
    "route",
    "route_table",
    "route_table_subnet",
    "security_group",
    "security_group_rule",
    "service_linked_role",
    "setting",
    "subnet",
    "tag",
    "vpc",
    "vpc_cidr",
    "vpc_route",
    "vpn_connection",
    "vpn_connection_cidr",
    // By a way of its own: out of its seal and into another.
    PRIVATE_KEY,
];

/// What is carried beside: names and how long events are kept. What is there stays, as it is where
/// the events of a log are.
const LOGS: [&str; 2] = ["log_group", "log_stream"];

/// What stays behind: what has happened on this machine, and what is SQLite's or the migrations'
/// own.
#[cfg(test)]
const LEFT_OUT: [&str; 10] = [
    "attempt",
    "change",
    "connection",
    "event",
    "event_resource",
    "idempotency",
    // What a list that is carried says.
    "listed_certificate",
    "log_event",
    "refinery_schema_history",
    "sqlite_sequence",
];

const PRIVATE_KEY: &str = "private_key";

/// What a backup holds.
#[derive(Clone, Debug, PartialEq)]
pub struct BackupContents {
    /// When it was made.
    pub made_at: Timestamp,
    /// The number of its configuration.
    pub seq: u64,
    /// The configuration as it would be once it is restored, apart from its number, and from what
    /// imported revocation lists say of certificates.
    pub snapshot: Snapshot,
    /// The revocation lists that it holds, in PEM by their fingerprints.
    pub lists: BTreeMap<String, String>,
}

/// A backup that was read and checked, and can be put back.
#[derive(Debug)]
pub struct ReadBackup {
    /// What it holds.
    pub contents: BackupContents,
    /// It, in a database in memory.
    memory: Connection,
    /// Private keys as they were handed in, each with its certificate's ARN.
    private_keys: Vec<(String, Secret)>,
}

#[derive(Serialize, Deserialize)]
struct Dump {
    /// The number of the migration that its rows stand in.
    schema: u32,
    made_at: Timestamp,
    seq: u64,
    tables: BTreeMap<String, Rows>,
    /// Private keys as they were handed in, each with its certificate's ARN.
    private_keys: Vec<(String, Secret)>,
}

#[derive(Default, Serialize, Deserialize)]
struct Rows {
    columns: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

/// A value of a row. Only private keys are bytes, and they go by a way of their own.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Cell {
    Null(()),
    Integer(i64),
    Text(String),
}

impl Tx<'_> {
    /// Everything that a backup carries, in the clear.
    ///
    /// # Errors
    /// When the database cannot be read or a seal does not fit.
    pub fn dump(&self) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let mut tables = BTreeMap::new();
        for table in CARRIED.iter().chain(&LOGS).filter(|it| **it != PRIVATE_KEY) {
            tables.insert((*table).to_owned(), rows_of(&self.connection, table)?);
        }
        let dump = Dump {
            schema: newest_schema(),
            made_at: self.now,
            seq: newest_change(&self.connection)?,
            tables,
            private_keys: self.private_keys()?,
        };
        // A first pass finds the length, so that growing leaves no copy of a key behind.
        let mut length = Counter(0);
        serde_json::to_writer(&mut length, &dump).map_err(|error| broken(&error))?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(length.0));
        serde_json::to_writer(&mut *bytes, &dump).map_err(|error| broken(&error))?;
        Ok(bytes)
    }

    fn private_keys(&self) -> Result<Vec<(String, Secret)>, StoreError> {
        let mut statement = self
            .connection
            .prepare("SELECT certificate_arn, nonce, sealed FROM private_key ORDER BY 1")?;
        let mut rows = statement.query([])?;
        let mut keys = Vec::new();
        while let Some(found) = rows.next()? {
            let arn: String = found.get("certificate_arn")?;
            let sealed = Sealed {
                nonce: found.get("nonce")?,
                sealed: found.get("sealed")?,
            };
            let plain = self.vault.open_sealed(&arn, &sealed).ok_or_else(|| {
                StoreError::Damaged(format!("the private key of {arn} cannot be opened"))
            })?;
            keys.push((arn, Secret::new(plain.to_vec())));
        }
        Ok(keys)
    }

    /// Puts what a backup holds in place of what is there. What imported revocation lists say is for
    /// the caller to put beside them.
    ///
    /// # Errors
    /// `NoBackup` for one that does not fit together.
    pub fn restore(&mut self, backup: &ReadBackup) -> Result<(), StoreError> {
        let memory = &backup.memory;
        // What refers to each other comes in any order; the commit checks it.
        self.connection
            .pragma_update(None, "defer_foreign_keys", true)?;
        for table in CARRIED {
            self.connection
                .execute(&format!("DELETE FROM {table}"), [])?;
        }
        for table in CARRIED.iter().filter(|it| **it != PRIVATE_KEY) {
            insert(&self.connection, table, &rows_of(memory, table)?)?;
        }
        self.restore_logs(memory)?;
        for (arn, plain) in &backup.private_keys {
            let sealed = self.vault.seal(arn, plain.expose())?;
            self.connection.execute(
                "INSERT INTO private_key (certificate_arn, nonce, sealed) VALUES (?, ?, ?)",
                params![arn, sealed.nonce, sealed.sealed],
            )?;
        }
        // Whoever is about to modify one of them has to look at it again.
        for endpoint in backup.contents.snapshot.endpoints.keys() {
            self.change(ENDPOINT, endpoint.as_str())?;
        }
        let seq = self.change("backup", "restored")?;
        self.unsettle(seq)?;
        if violates(&self.connection, &CARRIED)? {
            return Err(no_backup("what it holds does not fit together"));
        }
        Ok(())
    }

    /// Adds the log groups and streams that are not there. How long events are kept of those that
    /// are stays, as a shorter time would take some away.
    fn restore_logs(&self, memory: &Connection) -> Result<(), StoreError> {
        let mut groups =
            memory.prepare("SELECT name, created_at, retention_days FROM log_group")?;
        let mut found = groups.query([])?;
        while let Some(group) = found.next()? {
            self.connection.execute(
                "INSERT INTO log_group (name, created_at, retention_days) VALUES (?, ?, ?)
                 ON CONFLICT (name) DO NOTHING",
                params![
                    group.get::<_, String>(0)?,
                    group.get::<_, i64>(1)?,
                    group.get::<_, Option<i64>>(2)?,
                ],
            )?;
        }
        let mut streams = memory.prepare(
            "SELECT log_stream.name, log_stream.created_at, log_group.name
             FROM log_stream JOIN log_group ON log_group.id = log_stream.group_id",
        )?;
        let mut found = streams.query([])?;
        while let Some(stream) = found.next()? {
            self.connection.execute(
                "INSERT INTO log_stream (group_id, name, created_at)
                 SELECT id, ?, ? FROM log_group WHERE name = ?
                 ON CONFLICT (group_id, name) DO NOTHING",
                params![
                    stream.get::<_, String>(0)?,
                    stream.get::<_, i64>(1)?,
                    stream.get::<_, String>(2)?,
                ],
            )?;
        }
        Ok(())
    }

    /// Leaves it to the gateway to say how far it has come: what ran elsewhere does not run here.
    fn unsettle(&self, seq: i64) -> Result<(), StoreError> {
        for table in ["endpoint", "association", "authorization_rule", "route"] {
            let sql = format!("UPDATE {table} SET changed_seq = ?");
            self.connection.execute(&sql, [seq])?;
        }
        self.connection.execute(
            "UPDATE association SET state = 'associating', reason = NULL
             WHERE state <> 'disassociating'",
            [],
        )?;
        Ok(())
    }
}

/// Reads a dump and checks it, without putting anything back.
///
/// # Errors
/// `NewerBackup` for one of a newer schema, `NoBackup` for what is none.
pub fn read_backup(dump: &[u8]) -> Result<ReadBackup, StoreError> {
    let dump = read(dump)?;
    let memory = filled(&dump)?;
    Ok(ReadBackup {
        contents: contents(&dump, &memory)?,
        memory,
        private_keys: dump.private_keys,
    })
}

fn read(dump: &[u8]) -> Result<Dump, StoreError> {
    let dump: Dump = serde_json::from_slice(dump).map_err(|_| no_backup("it is not understood"))?;
    if dump.schema > newest_schema() {
        return Err(StoreError::NewerBackup {
            found: dump.schema,
            known: newest_schema(),
        });
    }
    Ok(dump)
}

fn contents(dump: &Dump, memory: &Connection) -> Result<BackupContents, StoreError> {
    // What the schema lets in need not make sense.
    let snapshot = load(memory).map_err(|error| no_backup(&error.to_string()))?;
    Ok(BackupContents {
        made_at: dump.made_at,
        seq: dump.seq,
        snapshot,
        lists: lists(memory)?,
    })
}

fn lists(memory: &Connection) -> Result<BTreeMap<String, String>, StoreError> {
    let mut statement = memory.prepare(
        "SELECT fingerprint, pem FROM revocation_list
         UNION SELECT fingerprint, pem FROM authority_list",
    )?;
    let found = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// A database in memory with what the dump holds, in the newest schema; of the private keys only
/// whose they are.
fn filled(dump: &Dump) -> Result<Connection, StoreError> {
    let mut memory = Connection::open_in_memory()?;
    memory.pragma_update(None, "foreign_keys", false)?;
    let target = i32::try_from(dump.schema).map_err(|_| no_backup("its schema is none"))?;
    let runner = schema::migrations::runner();
    runner
        .set_target(Target::Version(target))
        .run(&mut memory)?;
    for (table, rows) in &dump.tables {
        let is_known = CARRIED.iter().chain(&LOGS).any(|it| it == table);
        if !is_known || table == PRIVATE_KEY {
            return Err(no_backup(&format!("it holds a table {table}")));
        }
        insert(&memory, table, rows).map_err(misfit)?;
    }
    for (arn, _) in &dump.private_keys {
        let sql = "INSERT INTO private_key (certificate_arn, nonce, sealed)
                   VALUES (?, zeroblob(12), zeroblob(0))";
        memory
            .execute(sql, [arn])
            .map_err(|error| misfit(error.into()))?;
    }
    schema::migrations::runner().run(&mut memory)?;
    if violates(&memory, &CARRIED)? {
        return Err(no_backup("what it holds does not fit together"));
    }
    Ok(memory)
}

/// Whether something in these tables refers to what is not there.
fn violates(connection: &Connection, tables: &[&str]) -> Result<bool, StoreError> {
    for table in tables {
        let mut statement = connection.prepare(&format!("PRAGMA foreign_key_check({table})"))?;
        if statement.exists([])? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn rows_of(connection: &Connection, table: &str) -> Result<Rows, StoreError> {
    let mut statement = connection.prepare(&format!("SELECT * FROM {table}"))?;
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let count = columns.len();
    let mut found = statement.query([])?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let cells: Result<Vec<Cell>, StoreError> = (0..count)
            .map(|column| cell(row.get_ref(column)?))
            .collect();
        rows.push(cells?);
    }
    Ok(Rows { columns, rows })
}

fn cell(value: ValueRef<'_>) -> Result<Cell, StoreError> {
    match value {
        ValueRef::Null => Ok(Cell::Null(())),
        ValueRef::Integer(number) => Ok(Cell::Integer(number)),
        ValueRef::Text(text) => String::from_utf8(text.to_vec())
            .map(Cell::Text)
            .map_err(|_| StoreError::Damaged("a text is not UTF-8".to_owned())),
        ValueRef::Real(_) | ValueRef::Blob(_) => Err(StoreError::Damaged(
            "a column holds what no column of the schema does".to_owned(),
        )),
    }
}

/// Adds rows. Columns are named by the file, so only those that the table has are taken.
fn insert(connection: &Connection, table: &str, rows: &Rows) -> Result<(), StoreError> {
    let there = connection.prepare(&format!("SELECT * FROM {table}"))?;
    let known: Vec<&str> = there.column_names().collect();
    if let Some(other) = rows.columns.iter().find(|it| !known.contains(&it.as_str())) {
        return Err(no_backup(&format!("{table} has no column {other}")));
    }
    let marks = vec!["?"; rows.columns.len()].join(", ");
    let mut statement = connection.prepare(&format!(
        "INSERT INTO {table} ({}) VALUES ({marks})",
        rows.columns.join(", ")
    ))?;
    for row in &rows.rows {
        if row.len() != rows.columns.len() {
            return Err(no_backup(&format!("a row of {table} is cut")));
        }
        let values = row.iter().map(|cell| match cell {
            Cell::Null(()) => Sql::Null,
            Cell::Integer(number) => Sql::Integer(*number),
            Cell::Text(text) => Sql::Text(text.clone()),
        });
        statement.execute(params_from_iter(values))?;
    }
    Ok(())
}

/// The number of the newest migration.
fn newest_schema() -> u32 {
    let runner = schema::migrations::runner();
    let versions = runner
        .get_migrations()
        .iter()
        .map(refinery::Migration::version);
    versions
        .max()
        .map_or(0, |it| u32::try_from(it).unwrap_or_default())
}

/// A row that the schema does not take.
fn misfit(error: StoreError) -> StoreError {
    match error {
        StoreError::Sqlite(error) => no_backup(&error.to_string()),
        other => other,
    }
}

fn no_backup(why: &str) -> StoreError {
    StoreError::NoBackup(why.to_owned())
}

fn broken(error: &serde_json::Error) -> StoreError {
    StoreError::Damaged(error.to_string())
}

/// Counts what is written to it.
struct Counter(usize);

impl std::io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_carried_or_listed_as_left_out() {
        let mut memory = Connection::open_in_memory().unwrap();
        schema::migrations::runner().run(&mut memory).unwrap();
        let mut statement = memory
            .prepare("SELECT name FROM sqlite_master WHERE type = 'table'")
            .unwrap();
        let tables = statement
            .query_map([], |row| row.get::<_, String>(0))
            .unwrap();
        let mut there: Vec<String> = tables.map(Result::unwrap).collect();
        there.sort();
        let lists = CARRIED.iter().chain(&LOGS).chain(&LEFT_OUT);
        let mut listed: Vec<String> = lists.map(ToString::to_string).collect();
        listed.sort();
        assert_eq!(there, listed);
    }

    #[test]
    fn what_is_no_dump_is_refused() {
        let newer = format!(
            r#"{{"schema":{},"made_at":"2026-11-26T12:00:00Z","seq":1,"tables":{{}},"private_keys":[]}}"#,
            newest_schema() + 1
        );
        assert!(matches!(
            read_backup(newer.as_bytes()),
            Err(StoreError::NewerBackup { .. })
        ));
        let with = |tables: &str| {
            format!(
                r#"{{"schema":{},"made_at":"2026-11-26T12:00:00Z","seq":1,"tables":{tables},"private_keys":[]}}"#,
                newest_schema()
            )
        };
        assert!(read_backup(with("{}").as_bytes()).is_ok());
        for wrong in [
            r#"{"event":{"columns":[],"rows":[]}}"#,
            r#"{"vpc":{"columns":["id; DROP TABLE vpc"],"rows":[]}}"#,
            r#"{"vpc":{"columns":["id"],"rows":[["vpc-1",2]]}}"#,
            r#"{"vpc":{"columns":["id"],"rows":[[null]]}}"#,
            r#"{"vpc_cidr":{"columns":["vpc_id","cidr","position"],"rows":[["vpc-1","10.0.0.0/8",0]]}}"#,
            // The schema takes these.
            r#"{"vpc":{"columns":["id"],"rows":[["vpc-1"]]},"vpc_cidr":{"columns":["vpc_id","cidr","position"],"rows":[["vpc-1","nowhere",0]]}}"#,
            r#"{"setting":{"columns":["name","value"],"rows":[["max_rules","many"]]}}"#,
        ] {
            let refused = read_backup(with(wrong).as_bytes());
            assert!(
                matches!(refused, Err(StoreError::NoBackup(_))),
                "{wrong}: {refused:?}"
            );
        }
        let nobodys = r#"[["arn:none","S0VZ"]]"#;
        let key = with("{}").replace(
            r#""private_keys":[]"#,
            &format!(r#""private_keys":{nobodys}"#),
        );
        let refused = read_backup(key.as_bytes());
        assert!(
            matches!(refused, Err(StoreError::NoBackup(_))),
            "{refused:?}"
        );
        assert!(matches!(read_backup(b"{"), Err(StoreError::NoBackup(_))));
    }
}
