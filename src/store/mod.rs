//! SQLite: the only code that sees SQL.
//!
//! One named thread owns the connection and runs transactions one after the other from a bounded
//! queue. A transaction that changed the configuration loads the new [`Snapshot`] before it
//! commits and publishes it after; so whoever sees a snapshot sees what is durable, and an
//! acknowledged change is on disk (`synchronous=FULL`).
//!
//! Every change of the configuration writes a numbered row to `change`, and a transaction compares
//! the newest number with the snapshot it has in hand. That, constraints in the schema and
//! validation inside the transaction are all that another writer on another machine would need:
//! nothing here leans on there being only one.

mod attachments;
mod backup;
mod blocks;
mod certificates;
mod connections;
mod directory;
mod endpoints;
mod error;
mod events;
mod logs;
mod modified;
mod networks;
mod revocation;
mod role;
mod row;
mod security_groups;
mod settings;
mod tags;
mod vault;

#[cfg(test)]
mod tests;

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    panic::{self, AssertUnwindSafe},
    path::Path,
    sync::Arc,
    thread,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, TransactionBehavior, params};
use tokio::sync::{mpsc, oneshot, watch};

use self::vault::Vault;
pub use self::{
    backup::{ReadBackup, read_backup},
    endpoints::{RouteKey, RuleKey, SeenRows},
    error::StoreError,
    events::{EventFilter, Replay},
    logs::{LogPlace, LogQuery},
    modified::LastChange,
};
use crate::model::Snapshot;

mod schema {
    refinery::embed_migrations!("src/store/migrations");
}

/// The store of one data directory. Clones share it; it closes when the last one is dropped.
#[derive(Clone)]
pub struct Store {
    jobs: mpsc::Sender<Job>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
}

impl Store {
    /// Opens the store of `data_dir`, making both if they are not there. Blocks on the disk.
    ///
    /// # Errors
    /// When a file cannot be made or read, the schema is newer than this program, or the master
    /// key does not fit.
    pub fn open(data_dir: &Path, now: Timestamp) -> Result<Self, StoreError> {
        secure_directory(data_dir)?;
        let mut connection = open_database(&data_dir.join(DATABASE))?;
        schema::migrations::runner().run(&mut connection)?;
        let vault = Vault::open(data_dir, certificates::any_private_key(&connection)?)?;
        if !certificates::first_private_key_opens(&connection, &vault)? {
            return Err(StoreError::MasterKeyWrong(data_dir.join(vault::MASTER_KEY)));
        }
        prune(&connection, now)?;
        let snapshot = Arc::new(load(&connection)?);
        let (published, snapshots) = watch::channel(Arc::clone(&snapshot));
        let (jobs, queue) = mpsc::channel(QUEUE);
        let writer = Writer {
            connection,
            vault,
            snapshot,
            published,
            now,
            pruned_at: now,
        };
        thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || writer.run(queue))
            .map_err(|source| StoreError::File {
                path: data_dir.to_owned(),
                source,
            })?;
        Ok(Self { jobs, snapshots })
    }

    /// The configuration, always the newest that is durable.
    #[must_use]
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }

    /// The configuration as it is now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshots.borrow().clone()
    }

    /// Runs `work` in a transaction at `now`, which is durable when this returns `Ok`, and has
    /// changed nothing when it returns `Err`. Work that is waiting when the caller goes away is
    /// done all the same.
    ///
    /// # Errors
    /// What `work` says, or what stood in the store's way.
    pub async fn transact<T, E, F>(&self, now: Timestamp, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |writer| {
            // A defect in one command must not end the store for all. What it had begun is rolled
            // back on the way out, and the writer holds nothing else that is changed before the
            // commit.
            let outcome = panic::catch_unwind(AssertUnwindSafe(|| writer.transact(now, work)))
                .unwrap_or_else(|_| Err(StoreError::Defect.into()));
            // The caller may have gone away; the work stands.
            drop(reply.send(outcome));
        });
        self.jobs.send(job).await.map_err(|_| StoreError::Closed)?;
        answer
            .await
            .unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }
}

#[cfg(test)]
impl Store {
    /// From now on the disk takes nothing more, as when it is full; or it does again.
    pub(crate) async fn refuse_writes(&self, refuse: bool) {
        let job: Job = Box::new(move |writer| {
            let set = writer.connection.pragma_update(None, "query_only", refuse);
            set.unwrap();
        });
        assert!(self.jobs.send(job).await.is_ok());
    }
}

/// A transaction in hand: the snapshot it began with, and methods for each kind of row.
pub struct Tx<'c> {
    connection: rusqlite::Transaction<'c>,
    vault: &'c Vault,
    snapshot: Arc<Snapshot>,
    now: Timestamp,
    changed: bool,
    /// What [`Tx::outcome`] has loaded, until the next change.
    outcome: Option<Arc<Snapshot>>,
}

impl Tx<'_> {
    /// The configuration that the transaction began with; its own changes are not in it.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot)
    }

    /// The configuration as the transaction has made it so far.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn outcome(&mut self) -> Result<Arc<Snapshot>, StoreError> {
        if !self.changed {
            return Ok(self.snapshot());
        }
        let outcome = match self.outcome.take() {
            Some(outcome) => outcome,
            None => Arc::new(load(&self.connection)?),
        };
        self.outcome = Some(Arc::clone(&outcome));
        Ok(outcome)
    }

    /// The time of the transaction.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Numbers a change of the thing `id`. Every write of configuration goes with one.
    fn change(&mut self, kind: &str, id: &str) -> Result<i64, StoreError> {
        self.changed = true;
        self.outcome = None;
        self.connection
            .prepare_cached("INSERT INTO change (at, kind, id) VALUES (?, ?, ?)")?
            .execute(params![self.now.as_microsecond(), kind, id])?;
        Ok(self.connection.last_insert_rowid())
    }
}

type Job = Box<dyn FnOnce(&mut Writer) + Send>;

/// What the store's thread owns.
struct Writer {
    connection: Connection,
    vault: Vault,
    snapshot: Arc<Snapshot>,
    published: watch::Sender<Arc<Snapshot>>,
    /// The time of the last transaction.
    now: Timestamp,
    /// When what is too old was last dropped.
    pruned_at: Timestamp,
}

impl Writer {
    fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        while let Some(job) = queue.blocking_recv() {
            job(&mut self);
            self.prune_once_a_day();
        }
    }

    fn transact<T, E, F>(&mut self, now: Timestamp, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T, E>,
        E: From<StoreError>,
    {
        self.now = now;
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(StoreError::from)?;
        if newest_change(&transaction)? != self.snapshot.seq {
            self.snapshot = Arc::new(load(&transaction)?);
        }
        let mut tx = Tx {
            connection: transaction,
            vault: &self.vault,
            snapshot: Arc::clone(&self.snapshot),
            now,
            changed: false,
            outcome: None,
        };
        let answer = work(&mut tx)?;
        let next = if tx.changed {
            Some(tx.outcome()?)
        } else {
            None
        };
        tx.connection.commit().map_err(StoreError::from)?;
        if let Some(next) = next {
            self.snapshot = Arc::clone(&next);
            self.published.send_replace(next);
        }
        Ok(answer)
    }

    /// A service may run for years between two starts.
    fn prune_once_a_day(&mut self) {
        if self.now.duration_since(self.pruned_at) < PRUNED_EVERY {
            return;
        }
        self.pruned_at = self.now;
        if let Err(error) = prune(&self.connection, self.now) {
            tracing::warn!(%error, "old records could not be dropped");
        }
    }
}

/// The whole configuration.
fn load(connection: &Connection) -> Result<Snapshot, StoreError> {
    let tags = networks::load_tags(connection)?;
    let settings = settings::load(connection)?;
    let service_linked_role = role::load(connection, &settings)?;
    Ok(Snapshot {
        seq: newest_change(connection)?,
        settings,
        certificates: certificates::load(connection)?,
        groups: directory::load_groups(connection)?,
        vpcs: networks::load_vpcs(connection, &tags)?,
        subnets: networks::load_subnets(connection, &tags)?,
        internet_gateways: networks::load_internet_gateways(connection, &tags)?,
        peering_connections: attachments::load_peering_connections(connection, &tags)?,
        vpn_connections: attachments::load_vpn_connections(connection, &tags)?,
        route_tables: attachments::load_route_tables(connection, &tags)?,
        security_groups: security_groups::load_security_groups(connection, &tags)?,
        resources: security_groups::load_resources(connection, &tags)?,
        endpoints: endpoints::load_endpoints(connection, &tags)?,
        associations: endpoints::load_associations(connection)?,
        rules: endpoints::load_rules(connection)?,
        routes: endpoints::load_routes(connection)?,
        revocation_lists: revocation::load_endpoint_lists(connection)?,
        authority_lists: revocation::load_authority_lists(connection)?,
        blocks: blocks::load(connection)?,
        log_groups: logs::load(connection)?,
        service_linked_role,
    })
}

fn newest_change(connection: &Connection) -> Result<u64, StoreError> {
    let newest: i64 = connection
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM change")?
        .query_row([], |row| row.get(0))?;
    Ok(newest.unsigned_abs())
}

/// The data directory, closed to everyone but its owner; an existing one keeps what it gives to
/// its group, through which a system service lets administrators reach its socket.
fn secure_directory(data_dir: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::File {
        path: data_dir.to_owned(),
        source,
    };
    match fs::metadata(data_dir) {
        Ok(found) => {
            let mode = found.permissions().mode() & 0o7777;
            if mode & !0o750 != 0 {
                refuse_others_directory(data_dir).map_err(failed)?;
                fs::set_permissions(data_dir, fs::Permissions::from_mode(mode & 0o750))
                    .map_err(failed)?;
            }
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(data_dir)
            .map_err(failed),
        Err(error) => Err(failed(error)),
    }
}

/// Refuses a directory that was made for something else, such as `/tmp` or a home: closing it to
/// others would break what it is for. One that holds a database is ours, and so is one in which
/// nothing is but the owner's lock.
fn refuse_others_directory(data_dir: &Path) -> io::Result<()> {
    if data_dir.join(DATABASE).exists() {
        return Ok(());
    }
    for entry in fs::read_dir(data_dir)? {
        if entry?.file_name() != LOCK {
            return Err(io::Error::other(
                "this directory holds other files and is open to others, so it stays as it is; \
                 choose a new or an empty one for the data, for example one named gatehouse inside it",
            ));
        }
    }
    Ok(())
}

fn open_database(path: &Path) -> Result<Connection, StoreError> {
    // SQLite gives its journal the mode of the database, so that is set before it sees the file.
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .and_then(|file| file.set_permissions(fs::Permissions::from_mode(0o600)))
        .map_err(|source| StoreError::File {
            path: path.to_owned(),
            source,
        })?;
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // Private keys are sealed, yet what is deleted need not stay readable.
    connection.pragma_update(None, "secure_delete", true)?;
    Ok(connection)
}

/// Drops what is too old to be asked for, so that the file does not grow for ever.
fn prune(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    let before = |age: SignedDuration| {
        now.checked_sub(age)
            .unwrap_or(Timestamp::UNIX_EPOCH)
            .as_microsecond()
    };
    connection.execute(
        // The last one of each endpoint stays, for whoever changes it by what was seen long ago.
        "DELETE FROM change WHERE seq < (SELECT max(seq) FROM change) - ?
             AND seq NOT IN (SELECT max(seq) FROM change WHERE kind = ? GROUP BY id)",
        params![KEPT_CHANGES, modified::ENDPOINT],
    )?;
    connection.execute("DELETE FROM event WHERE at < ?", [before(EVENTS_KEPT_FOR)])?;
    connection.execute(
        "DELETE FROM event WHERE read_only AND seq < (SELECT max(seq) FROM event) - ?",
        [KEPT_READS],
    )?;
    connection.execute(
        "DELETE FROM connection WHERE ended_at < ?",
        [before(CONNECTIONS_KEPT_FOR)],
    )?;
    connection.execute(
        "DELETE FROM idempotency WHERE at < ?",
        [before(TOKENS_KEPT_FOR)],
    )?;
    connection.execute(
        "DELETE FROM attempt WHERE id <= (SELECT max(id) FROM attempt) - ?",
        [KEPT_ATTEMPTS],
    )?;
    blocks::prune(connection, now)?;
    let past = now.checked_sub(EVENTS_KEPT_FOR);
    role::prune(connection, past.unwrap_or(Timestamp::UNIX_EPOCH))?;
    Ok(())
}

const DATABASE: &str = "gatehouse.db";
/// The file by which a process owns the directory; it is there before the store opens.
const LOCK: &str = "lock";
/// Transactions that may wait; the next one waits outside.
const QUEUE: usize = 256;
/// How long to wait for another process that has the database, such as a backup.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const PRUNED_EVERY: SignedDuration = SignedDuration::from_hours(24);
const KEPT_CHANGES: i64 = 10_000;
/// As long as CloudTrail's event history.
const EVENTS_KEPT_FOR: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Reads that are kept among the newest events: a script may ask each second.
const KEPT_READS: i64 = 1_000_000;
const CONNECTIONS_KEPT_FOR: SignedDuration = SignedDuration::from_hours(90 * 24);
const TOKENS_KEPT_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);
const KEPT_ATTEMPTS: i64 = 1_000;
