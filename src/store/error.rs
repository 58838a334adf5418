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
