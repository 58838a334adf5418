//! `gatehouse backup`: the whole installation in one file.

use std::path::PathBuf;

use clap::{Args as Group, Subcommand};

/// `gatehouse backup`.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub enum Backup {
    /// Write configuration, certificates and keys into a file, locked with a passphrase
    ///
    /// The passphrase has at least 12 bytes and is asked for twice. It is kept nowhere: a lost one
    /// cannot be recovered, and without it nobody opens the file again.
    Create {
        /// The file; only its owner can read it
        file: PathBuf,
        /// Where the passphrase is.
        #[command(flatten)]
        passphrase: Passphrase,
        /// Replace the file if it is there
        #[arg(long)]
        force: bool,
    },
    /// Show when a backup was made and what it holds
    Show {
        /// The file
        file: PathBuf,
        /// Where the passphrase is.
        #[command(flatten)]
        passphrase: Passphrase,
    },
    /// Put what a backup holds in place of the whole configuration, certificates and keys
    Restore {
        /// The file
        file: PathBuf,
        /// Where the passphrase is.
        #[command(flatten)]
        passphrase: Passphrase,
        /// Do not ask before everything is replaced
        #[arg(long)]
        yes: bool,
    },
}

/// Where the passphrase is.
#[derive(Clone, Debug, Default, PartialEq, Group)]
pub struct Passphrase {
    /// A file whose first line is the passphrase; without it, it is asked for on the terminal and
    /// not shown, or is the first line of standard input where that is no terminal
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}
