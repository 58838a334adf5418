//! What was changed on the host, written down before it is changed, so that it can be taken back:
//! by a clean close, or by the next start after a crash.
//!
//! The device and its routes need no entry: they go with the process that opened them.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{exit, firewall};
use crate::network::Error;

/// Directory of the IPv4 settings of each interface, of the calling thread's network namespace.
pub(super) const IPV4_CONF: &str = "/proc/sys/net/ipv4/conf";
const GLOBAL_FORWARDING: &str = "/proc/sys/net/ipv4/ip_forward";
const FILE_NAME: &str = "network-undo.json";
/// How long a start waits for the `nft` of a run that was killed, which takes some milliseconds.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);
const LOCK_INTERVAL: Duration = Duration::from_millis(5);

/// The journal's content. Unknown fields of a later version are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    /// The boot and network namespace the values belong to: elsewhere they mean nothing.
    place: String,
    /// Whether our nftables table may exist.
    table: bool,
    /// Interfaces whose forwarding was off and that we switched on.
    forwarding: Vec<String>,
    /// The machine-wide forwarding switch as it was. If someone else has switched it on since, the
    /// interfaces stay as that one wanted them.
    global_forwarding: String,
    /// Routing tables that may exist, with the rules that lead to them.
    #[serde(default)]
    tables: Vec<u32>,
}

/// The journal of one network, kept in `network-undo.json` of the state directory.
#[derive(Debug)]
pub(super) struct Undo {
    path: PathBuf,
    record: Record,
    /// The state directory, locked.
    lock: File,
}

impl Undo {
    /// Takes back what a run that crashed left behind, and starts a new journal. If `nft` still
    /// works for that run, its end is waited for.
    pub(super) fn open(state_dir: &Path) -> Result<Self, Error> {
        let path = state_dir.join(FILE_NAME);
        let lock = locked(state_dir).map_err(|source| Error::Journal {
            path: path.clone(),
            source,
        })?;
        let fresh = Record {
            place: place(),
            global_forwarding: read_setting(Path::new(GLOBAL_FORWARDING)).unwrap_or_default(),
            ..Record::default()
        };
        let undo = Self {
            path,
            record: fresh,
            lock,
        };
        // What a crash during a write left beside the journal.
        fs::remove_file(undo.unfinished()).ok();
        if let Some(left) = undo.read()? {
            if left.place == undo.record.place {
                revert(&left, &undo.lock)?;
            }
            undo.remove()?;
        }
        Ok(undo)
    }

    /// The lock that keeps others from this journal while they have it open.
    pub(super) fn lock(&self) -> &File {
        &self.lock
    }

    /// Says that our table may exist from now on.
    pub(super) fn note_table(&mut self) -> Result<(), Error> {
        if self.record.table {
            return Ok(());
        }
        self.record.table = true;
        self.write()
    }

    /// Says that this routing table may exist from now on.
    fn note_routing_table(&mut self, table: u32) -> Result<(), Error> {
        if self.record.tables.contains(&table) {
            return Ok(());
        }
        self.record.tables.push(table);
        self.write()
    }

    /// Has a rule lead to this routing table, which is noted for as long as there may be one.
    pub(super) fn lead_to(
        &mut self,
        table: u32,
        add_rule: impl FnOnce() -> io::Result<()>,
    ) -> Result<io::Result<()>, Error> {
        self.note_routing_table(table)?;
        let added = add_rule();
        if added.is_err() {
            self.remove_routing_table(table)?;
        }
        Ok(added)
    }

    /// Deletes a routing table, with the rule that leads to it.
    pub(super) fn remove_routing_table(&mut self, table: u32) -> Result<(), Error> {
        remove_tables(&[table])?;
        self.record.tables.retain(|noted| *noted != table);
        self.write()
    }

    /// Switches forwarding on for these interfaces, having written down that it was off.
    pub(super) fn enable_forwarding(&mut self, interfaces: &[String]) -> Result<(), Error> {
        let new = interfaces
            .iter()
            .filter(|name| !self.record.forwarding.contains(name));
        let new: Vec<_> = new.cloned().collect();
        if !new.is_empty() {
            self.record.forwarding.extend(new);
            self.write()?;
        }
        for interface in interfaces {
            write_setting(&forwarding_path(interface), "1")?;
        }
        Ok(())
    }

    /// Interfaces that forward only because of us: what they forward beyond the tunnel is to be
    /// dropped, as it was before. None once someone else has switched forwarding on for the machine.
    pub(super) fn guarded(&self) -> Vec<String> {
        if self.others_forward() {
            Vec::new()
        } else {
            self.record.forwarding.clone()
        }
    }

    fn others_forward(&self) -> bool {
        others_forward(&self.record)
    }

    /// Takes everything back and removes the journal. It can be called again after an error.
    pub(super) fn revert(&mut self) -> Result<(), Error> {
        revert(&self.record, &self.lock)?;
        self.record.table = false;
        self.record.forwarding.clear();
        self.record.tables.clear();
        self.remove()
    }

    fn read(&self) -> Result<Option<Record>, Error> {
        match fs::read(&self.path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| self.error(io::Error::new(io::ErrorKind::InvalidData, error))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.error(error)),
        }
    }

    fn write(&self) -> Result<(), Error> {
        self.replace_file().map_err(|error| self.error(error))
    }

    fn unfinished(&self) -> PathBuf {
        self.path.with_extension("json.new")
    }

    fn replace_file(&self) -> io::Result<()> {
        let new = self.unfinished();
        let mut file = File::create(&new)?;
        file.write_all(&serde_json::to_vec(&self.record)?)?;
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        self.sync_directory()
    }

    fn remove(&self) -> Result<(), Error> {
        match fs::remove_file(&self.path) {
            Ok(()) => self.sync_directory().map_err(|error| self.error(error)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(self.error(error)),
        }
    }

    fn sync_directory(&self) -> io::Result<()> {
        match self.path.parent() {
            Some(directory) => File::open(directory)?.sync_all(),
            None => Ok(()),
        }
    }

    fn error(&self, source: io::Error) -> Error {
        Error::Journal {
            path: self.path.clone(),
            source,
        }
    }
}

/// The directory, locked. The lock is of the open file, so it is shared with programs that have it
/// from this process, and ends with the last of them.
fn locked(directory: &Path) -> io::Result<File> {
    let file = File::open(directory)?;
    let end = Instant::now() + LOCK_PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < end => {
                std::thread::sleep(LOCK_INTERVAL);
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn revert(record: &Record, lock: &File) -> Result<(), Error> {
    revert_by(record, remove_tables, || firewall::remove(lock))
}

/// Takes back all that can be, and gives the first error.
fn revert_by(
    record: &Record,
    remove_tables: impl FnOnce(&[u32]) -> Result<(), Error>,
    remove_firewall: impl FnOnce() -> Result<(), Error>,
) -> Result<(), Error> {
    let mut forwarding = Ok(());
    if !others_forward(record) {
        for interface in record.forwarding.iter().rev() {
            forwarding = forwarding.and(disable_forwarding(interface));
        }
    }
    let tables = remove_tables(&record.tables);
    // Last, and not while something is forwarded still that the guard in it stops.
    if record.table && forwarding.is_ok() {
        return tables.and(remove_firewall());
    }
    forwarding.and(tables)
}

/// A setting that is right already needs no permission.
fn disable_forwarding(interface: &str) -> Result<(), Error> {
    let path = forwarding_path(interface);
    if read_setting(&path).as_deref() == Ok("0") {
        return Ok(());
    }
    write_setting(&path, "0")
}

fn remove_tables(tables: &[u32]) -> Result<(), Error> {
    exit::remove_tables(tables).map_err(|source| Error::PolicyRouting { source })
}

fn others_forward(record: &Record) -> bool {
    let now = read_setting(Path::new(GLOBAL_FORWARDING)).unwrap_or_default();
    record.global_forwarding == "0" && now == "1"
}

/// Interfaces, without loopback and `own_tun`, that do not forward now.
pub(super) fn not_forwarding(own_tun: &str) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(IPV4_CONF)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !["all", "default", "lo", own_tun].contains(&name.as_str()))
        .filter(|name| read_setting(&forwarding_path(name)).as_deref() == Ok("0"))
        .collect();
    names.sort_unstable();
    names
}

pub(super) fn forwarding_path(interface: &str) -> PathBuf {
    Path::new(IPV4_CONF).join(interface).join("forwarding")
}

fn read_setting(path: &Path) -> Result<String, io::ErrorKind> {
    let text = fs::read_to_string(path).map_err(|error| error.kind())?;
    Ok(text.trim_end().to_owned())
}

/// Writes a setting; that its interface has gone is no error.
pub(super) fn write_setting(path: &Path, value: &str) -> Result<(), Error> {
    match fs::write(path, value) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::Setting {
            path: path.to_owned(),
            source: error,
        }),
        _ => Ok(()),
    }
}

/// Names this boot and this network namespace.
fn place() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let namespace = fs::read_link("/proc/thread-self/ns/net").unwrap_or_default();
    format!("{} {}", boot.trim_end(), namespace.display())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_start_waits_for_the_nft_of_a_run_that_was_killed() {
        let directory = tempfile::tempdir().unwrap();
        let done = directory.path().join("done");
        let killed = Undo::open(directory.path()).unwrap();
        let mut nft = Command::new("sh")
            .args(["-c", "sleep 0.3; : > \"$0\""])
            .arg(&done)
            .stdout(killed.lock().try_clone().unwrap())
            .spawn()
            .unwrap();
        drop(killed);
        Undo::open(directory.path()).unwrap();
        assert!(done.exists());
        nft.wait().unwrap();
    }

    fn record(forwarding: &[&str]) -> Record {
        Record {
            table: true,
            forwarding: forwarding.iter().map(|&name| name.to_owned()).collect(),
            tables: vec![7],
            ..Record::default()
        }
    }

    #[test]
    fn what_cannot_be_taken_back_does_not_keep_the_rest_from_it() {
        let fails = || Error::Firewall("no".to_owned());
        let mut has_firewall = true;
        let reverted = revert_by(
            &record(&[]),
            |_| Err(fails()),
            || {
                has_firewall = false;
                Ok(())
            },
        );
        assert!(matches!(reverted, Err(Error::Firewall(_))));
        assert!(!has_firewall);

        // No file has such a name. While it may be forwarded the guard stays, and only that.
        let mut removed = Vec::new();
        let reverted = revert_by(
            &record(&["a\0"]),
            |tables| {
                removed.extend_from_slice(tables);
                Err(fails())
            },
            || panic!("the guard goes"),
        );
        assert!(matches!(reverted, Err(Error::Setting { .. })), "the first");
        assert_eq!(removed, [7]);

        let reverted = revert_by(&record(&["no such one"]), |_| Ok(()), || Err(fails()));
        assert!(matches!(reverted, Err(Error::Firewall(_))));
    }

    #[test]
    fn a_table_that_no_rule_leads_to_is_not_noted() {
        let directory = tempfile::tempdir().unwrap();
        let mut undo = Undo::open(directory.path()).unwrap();
        let tables = |undo: &Undo| undo.read().unwrap().unwrap().tables;
        // A number that no table here has.
        let refused = || Err(io::ErrorKind::PermissionDenied.into());
        assert!(undo.lead_to(0x7fff_fff7, refused).unwrap().is_err());
        assert_eq!(tables(&undo), [0; 0]);
        assert!(undo.lead_to(0x7fff_fff7, || Ok(())).unwrap().is_ok());
        assert_eq!(tables(&undo), [0x7fff_fff7]);
    }
}
