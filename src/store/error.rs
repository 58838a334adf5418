//! Why the store could not do it.

use std::{io, path::PathBuf};

use crate::model::{Code, Refusal};

/// Why the store could not do it. Whatever it is, the transaction changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or directory of the data directory cannot be made, read or secured.
    #[error("{path}: {source}", path = .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The database holds private keys, and the key that opens them is gone.
    #[error(
        "{path} is missing, and the private keys in gatehouse.db cannot be read without it; put the file back from a backup",
        path = .0.display()
    )]
    MasterKeyMissing(PathBuf),
    /// The master key file is not the one that the database's private keys were sealed with.
    #[error(
        "{path} does not open the private keys in gatehouse.db; put back the file that belongs to this database",
        path = .0.display()
    )]
    MasterKeyWrong(PathBuf),
    /// The schema could not be brought up to date.
    #[error("gatehouse.db cannot be brought up to date: {0}")]
    Migration(#[from] refinery::Error),
    /// The disk is full or failing.
    #[error(
        "The disk of the data directory is full or cannot be written. Nothing was changed; free some space and try again"
    )]
    DiskFull(#[source] rusqlite::Error),
    /// Anything else that SQLite says.
    #[error("the database refused: {0}")]
    Sqlite(#[source] rusqlite::Error),
    /// A row says something that cannot be.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// A backup was made by a later version of the program.
    #[error(
        "The backup was made by a later version of Gatehouse (its schema is {found}, this one knows up to {known}). Restore it with that version"
    )]
    NewerBackup {
        /// The number of its schema.
        found: u32,
        /// The newest that is known here.
        known: u32,
    },
    /// A backup holds what none does.
    #[error("The file is no backup that can be restored: {0}. Nothing was changed")]
    NoBackup(String),
    /// The work that a transaction was to do ended in a panic.
    #[error("a transaction ended in a defect of the program and was taken back")]
    Defect,
    /// The store is closing.
    #[error("The gateway is stopping; nothing was changed")]
    Closed,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(
                ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::ReadOnly
                | ErrorCode::CannotOpen,
            ) => Self::DiskFull(error),
            _ => Self::Sqlite(error),
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::DiskFull(ref cause) => {
                tracing::error!(%cause, "the store cannot write");
                Self::new(Code::Unavailable, error.to_string())
            }
            StoreError::Closed => Self::new(Code::Unavailable, error.to_string()),
            StoreError::NewerBackup { .. } | StoreError::NoBackup(_) => {
                Self::new(Code::InvalidParameterValue, error.to_string()).at("Backup")
            }
            _ => {
                tracing::error!(%error, "the store failed");
                Self::new(
                    Code::InternalError,
                    "Nothing was changed: the store failed. The log has the cause",
                )
            }
        }
    }
}
