//! Who owns a data directory: the process that holds the lock on its file `lock`.
//!
//! The kernel lets go of the lock when the process ends, however it ends, so there is nothing
//! stale to clean up. The file's text only tells others whom to ask.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use super::Owner;

/// The right to open a data directory. Held until dropped.
#[derive(Debug)]
pub struct Lock {
    data_dir: PathBuf,
    owner: Owner,
    // Closing the file is what gives the lock back.
    _file: File,
}

/// Why a data directory could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error(
        "the data directory {} is owned by {}; attach to it or stop it first",
        data_dir.display(),
        describe(holder.as_ref())
    )]
    Owned {
        /// The directory.
        data_dir: PathBuf,
        /// Who has it; absent in the instant before the holder has written its name.
        holder: Option<Owner>,
    },
    /// Others can put files of theirs in the place of the keys and the socket.
    #[error(
        "the data directory {0} can be written by other users (mode {mode:o}); \
         name another one, or close this one: chmod 700 {0}",
        data_dir.display()
    )]
    Open {
        /// The directory.
        data_dir: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The directory or the lock file cannot be used.
    #[error("the data directory {} cannot be used", data_dir.display())]
    Io {
        /// The directory.
        data_dir: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

impl Lock {
    /// Takes `data_dir` for this process, known to others as `name`. The directory is made,
    /// readable by nobody else, if it is not there.
    ///
    /// # Errors
    /// [`LockError::Owned`] with the holder if another process has it; `Open` if other users can
    /// write the directory; `Io` if it cannot be made or written.
    pub fn acquire(data_dir: &Path, name: &str) -> Result<Self, LockError> {
        let failed = |source| LockError::Io {
            data_dir: data_dir.to_owned(),
            source,
        };
        create_private_dir(data_dir).map_err(failed)?;
        let mode = fs::metadata(data_dir).map_err(failed)?.mode() & 0o7777;
        if mode & 0o022 != 0 {
            return Err(LockError::Open {
                data_dir: data_dir.to_owned(),
                mode,
            });
        }
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(data_dir.join(FILE))
            .map_err(failed)?;
        if !take(&file).map_err(failed)? {
            return Err(LockError::Owned {
                data_dir: data_dir.to_owned(),
                holder: holder_of(data_dir),
            });
        }
        let owner = Owner {
            pid: std::process::id(),
            name: name.to_owned(),
        };
        file.set_len(0)
            .and_then(|()| writeln!(file, "{} {}", owner.pid, owner.name))
            .map_err(failed)?;
        Ok(Self {
            data_dir: data_dir.to_owned(),
            owner,
            _file: file,
        })
    }

    /// The directory that is held.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// This process, as others are told.
    #[must_use]
    pub fn owner(&self) -> &Owner {
        &self.owner
    }
}

/// Takes the lock; false if another process has it. One that only asks who has it
/// ([`current_owner`]) is in the way for an instant and must not be taken for an owner.
fn take(file: &File) -> io::Result<bool> {
    for _ in 0..MAX_ASKERS {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) => {}
        }
        match file.try_lock_shared() {
            Ok(()) => file.unlock()?,
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) => return Ok(false),
        }
        std::thread::yield_now();
    }
    Ok(false)
}

/// Who owns `data_dir` at this moment; none if nobody does.
///
/// # Errors
/// [`LockError::Io`] if the lock file is there and cannot be opened.
pub fn current_owner(data_dir: &Path) -> Result<Option<Option<Owner>>, LockError> {
    let failed = |source| LockError::Io {
        data_dir: data_dir.to_owned(),
        source,
    };
    let file = match File::open(data_dir.join(FILE)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(holder_of(data_dir))),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// Makes `dir` with mode 0700, and what is above it, where they are not there.
pub(super) fn create_private_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    if let Some(parent) = dir.parent() {
        fs::create_dir_all(parent)?;
    }
    match fs::DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        result => result,
    }
}

/// What the lock file says. It is a hint for people: whoever holds the lock decides.
fn holder_of(data_dir: &Path) -> Option<Owner> {
    let mut text = String::new();
    File::open(data_dir.join(FILE))
        .and_then(|file| file.take(256).read_to_string(&mut text))
        .ok()?;
    let (pid, name) = text.trim().split_once(' ')?;
    Some(Owner {
        pid: pid.parse().ok()?,
        name: name.to_owned(),
    })
}

/// A process in words.
pub(super) fn describe(holder: Option<&Owner>) -> String {
    holder.map_or_else(
        || "another process".to_owned(),
        |owner| format!("process {} ({})", owner.pid, owner.name),
    )
}

/// How often others may ask just when the lock is to be taken.
const MAX_ASKERS: u32 = 10_000;
/// The lock file's name inside the data directory.
const FILE: &str = "lock";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_second_owner_is_refused_with_the_holders_process_id() {
        let dir = tempfile::tempdir().unwrap();
        let _held = Lock::acquire(dir.path(), "gatehouse serve").unwrap();
        let message = Lock::acquire(dir.path(), "gatehouse")
            .unwrap_err()
            .to_string();
        let pid = std::process::id();
        assert!(
            message.ends_with(&format!(
                "is owned by process {pid} (gatehouse serve); attach to it or stop it first"
            )),
            "{message}"
        );
    }

    #[test]
    fn a_directory_can_be_taken_again_after_its_owner_let_go() {
        let dir = tempfile::tempdir().unwrap();
        drop(Lock::acquire(dir.path(), "a name that is longer").unwrap());
        assert_eq!(current_owner(dir.path()).unwrap(), None);
        let lock = Lock::acquire(dir.path(), "short").unwrap();
        let holder = current_owner(dir.path()).unwrap().unwrap();
        assert_eq!(holder.as_ref(), Some(lock.owner()));
    }

    #[test]
    fn those_who_ask_for_the_owner_keep_nobody_from_becoming_it() {
        let dir = tempfile::tempdir().unwrap();
        drop(Lock::acquire(dir.path(), "x").unwrap());
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    current_owner(dir.path()).unwrap();
                }
            });
            let refused = (0..2000).find_map(|_| Lock::acquire(dir.path(), "x").err());
            done.store(true, std::sync::atomic::Ordering::Relaxed);
            assert!(refused.is_none(), "{refused:?}");
        });
    }

    #[test]
    fn a_directory_that_others_can_write_is_refused_with_the_cure() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let message = Lock::acquire(dir.path(), "x").unwrap_err().to_string();
        let cure = format!("chmod 700 {}", dir.path().display());
        assert!(message.contains(&cure), "{message}");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Lock::acquire(dir.path(), "x").unwrap();
    }

    #[test]
    fn a_new_directory_is_readable_by_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let data_dir = dir.path().join("deep/er");
        let _lock = Lock::acquire(&data_dir, "x").unwrap();
        let mode = fs::metadata(&data_dir).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn a_directory_that_was_never_used_has_no_owner() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(current_owner(dir.path()).unwrap(), None);
    }
}
