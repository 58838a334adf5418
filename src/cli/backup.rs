//! `gatehouse backup`: files and passphrases are this end's; what is in them is the service's.
//!
//! A passphrase is the first line of the file that `--passphrase-file` names; without one it is
//! asked for on the terminal, unseen, and where standard input is no terminal it is the first line
//! of that. It is never read while it shows.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, IsTerminal as _, Read, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use serde_json::json;
use zeroize::Zeroizing;

use super::{
    args::{Backup, Common, Passphrase},
    close, open, output, printed,
};
use crate::{
    api::shape,
    clock,
    control::{
        Console, Follow,
        private_file::{Existing, write_private},
    },
    model::{
        Answer, Code, Command, Refusal, Request,
        backup::{MAX_BACKUP, Restored},
        command::{CreateBackup, RestoreBackup, Secret},
    },
};

/// Makes, shows or restores a backup and prints what came of it.
pub async fn backup(data_dir: &Path, common: &Common, what: Backup) -> ExitCode {
    let prepared = match prepare(what) {
        Ok(prepared) => prepared,
        Err(refusal) => return refused(&refusal),
    };
    let (console, host) = match open(data_dir, common, Follow::Nothing).await {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    let result = carry_out(&*console, prepared).await;
    close(console, host).await;
    match result {
        Ok(shape) => printed(output::value(common.output, &shape)),
        Err(refusal) => refused(&refusal),
    }
}

fn refused(refusal: &Refusal) -> ExitCode {
    output::refusal(refusal);
    ExitCode::FAILURE
}

/// What is to be done, with everything that this end has to add.
enum Prepared {
    Create {
        command: CreateBackup,
        file: PathBuf,
        existing: Existing,
    },
    Show(RestoreBackup),
    Restore {
        command: RestoreBackup,
        file: PathBuf,
        yes: bool,
    },
}

fn prepare(what: Backup) -> Result<Prepared, Refusal> {
    Ok(match what {
        Backup::Create {
            file,
            passphrase,
            force,
        } => {
            // Before anything is asked for.
            if !force && file.exists() {
                return Err(refuse(
                    "File",
                    format!(
                        "{} is there already; name another file, or replace it with --force",
                        file.display()
                    ),
                ));
            }
            let passphrase = new_passphrase(&passphrase)?;
            Prepared::Create {
                command: CreateBackup { passphrase },
                file,
                existing: match force {
                    true => Existing::Replaced,
                    false => Existing::Kept,
                },
            }
        }
        Backup::Show { file, passphrase } => Prepared::Show(locked(&file, &passphrase)?),
        Backup::Restore {
            file,
            passphrase,
            yes,
        } => Prepared::Restore {
            command: locked(&file, &passphrase)?,
            file,
            yes,
        },
    })
}

async fn carry_out(
    console: &dyn Console,
    prepared: Prepared,
) -> Result<serde_json::Value, Refusal> {
    match prepared {
        Prepared::Create {
            command,
            file,
            existing,
        } => {
            let command = Command::CreateBackup(command);
            let Answer::Backup(made) = console.call(Request::from(command)).await? else {
                return Err(another_answer());
            };
            let content = made.content.expose();
            write_private(&file, content, existing)?;
            Ok(json!({"File": file, "Bytes": content.len()}))
        }
        Prepared::Show(command) => {
            let held = describe(console, command).await?;
            Ok(shape::answer(&Answer::Restored(held), clock::now()))
        }
        Prepared::Restore { command, file, yes } => {
            if !yes {
                ask(&file, &describe(console, command.clone()).await?)?;
            }
            let command = Command::RestoreBackup(command);
            let answer = console.call(Request::from(command)).await?;
            Ok(shape::answer(&answer, clock::now()))
        }
    }
}

async fn describe(console: &dyn Console, command: RestoreBackup) -> Result<Restored, Refusal> {
    let command = Command::DescribeBackup(command);
    match console.call(Request::from(command)).await? {
        Answer::Restored(held) => Ok(held),
        _ => Err(another_answer()),
    }
}

/// Asks whether everything is to be replaced; where nobody can answer, --yes has to say it.
fn ask(file: &Path, held: &Restored) -> Result<(), Refusal> {
    let without = || {
        refuse(
            "Yes",
            "Everything that is configured here would be replaced; say so with --yes".to_owned(),
        )
    };
    let mut terminal = terminal().ok().flatten().ok_or_else(without)?;
    let overlaps: String = held.overlaps.iter().map(|it| format!("{it}.\n")).collect();
    let question = format!(
        "{} was made at {} and holds {} endpoints and {} certificates.\n\
         It takes the place of the whole configuration, certificates and keys here.\n\
         {} live connections end, and {} certificates that are revoked here let in again.\n\
         {overlaps}\
         Type yes to restore it: ",
        file.display(),
        held.made_at,
        held.endpoints,
        held.certificates,
        held.ending_connections,
        held.readmitted_certificates
    );
    let typed = prompt(&mut terminal, &question).map_err(|error| unread(&error))?;
    if typed.as_slice() == b"yes" {
        return Ok(());
    }
    Err(refuse("Yes", "Nothing was restored".to_owned()))
}

fn locked(file: &Path, passphrase: &Passphrase) -> Result<RestoreBackup, Refusal> {
    let unread = |error: io::Error| {
        refuse(
            "Backup",
            format!("{} was not read: {error}", file.display()),
        )
    };
    let mut backup = Vec::new();
    File::open(file)
        .and_then(|file| file.take(MOST + 1).read_to_end(&mut backup))
        .map_err(unread)?;
    if backup.len() as u64 > MOST {
        return Err(refuse(
            "Backup",
            format!(
                "{} is larger than {} MiB, which no backup is",
                file.display(),
                MOST >> 20
            ),
        ));
    }
    Ok(RestoreBackup {
        backup: Secret::new(backup),
        passphrase: read_passphrase(passphrase, "Passphrase: ")?,
    })
}

/// A passphrase that was typed twice where it was typed.
fn new_passphrase(passphrase: &Passphrase) -> Result<Secret, Refusal> {
    let question = "Nobody can open the file without its passphrase, and a lost one cannot be recovered.\n\
                    New passphrase, at least 12 characters: ";
    let first = read_passphrase(passphrase, question)?;
    let is_typed = passphrase.passphrase_file.is_none() && terminal()?.is_some();
    if !is_typed {
        return Ok(first);
    }
    let second = read_passphrase(passphrase, "The passphrase again: ")?;
    if first == second {
        return Ok(first);
    }
    Err(refuse(
        "Passphrase",
        "The two passphrases differ; nothing was written".to_owned(),
    ))
}

fn read_passphrase(passphrase: &Passphrase, question: &str) -> Result<Secret, Refusal> {
    let read = match &passphrase.passphrase_file {
        Some(path) => File::open(path).and_then(|file| line(&mut BufReader::new(file))),
        None => match terminal()? {
            Some(mut terminal) => unseen(&mut terminal, question),
            None => line(&mut io::stdin().lock()),
        },
    };
    read.map(|line| Secret::new(line.to_vec()))
        .map_err(|error| unread(&error))
}

/// The terminal, where standard input is one: what is asked does not mix with what is printed.
///
/// # Errors
/// Where it is a terminal that is not this session's own: there what is typed would show.
fn terminal() -> Result<Option<File>, Refusal> {
    if !io::stdin().is_terminal() {
        return Ok(None);
    }
    let own = File::options().read(true).write(true).open("/dev/tty");
    own.map(Some).map_err(|error| {
        refuse(
            "Passphrase",
            format!(
                "Standard input is a terminal, but /dev/tty cannot be opened ({error}), so the passphrase would show as it is typed. Name its file with --passphrase-file, or pipe it into standard input"
            ),
        )
    })
}

/// Asks for a line that is not shown while it is typed.
fn unseen(terminal: &mut File, question: &str) -> io::Result<Zeroizing<Vec<u8>>> {
    let shown = tcgetattr(&*terminal)?;
    let mut hidden = shown.clone();
    // Keys come one by one, also the one that ends the program, which would leave the terminal mute.
    let modes = LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
    hidden.local_modes.remove(modes);
    tcsetattr(&*terminal, OptionalActions::Flush, &hidden)?;
    let typed = terminal
        .write_all(question.as_bytes())
        .and_then(|()| typed_line(terminal));
    tcsetattr(&*terminal, OptionalActions::Flush, &shown)?;
    terminal.write_all(b"\n")?;
    typed
}

/// A line made of keys as they are pressed.
fn typed_line(keys: &mut impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST as usize));
    let mut key = [0];
    while keys.read(&mut key)? > 0 {
        match key[0] {
            b'\r' | b'\n' | END_OF_INPUT => break,
            INTERRUPT => return Err(io::Error::new(io::ErrorKind::Interrupted, "interrupted")),
            ERASE | b'\x08' => drop_character(&mut line),
            ERASE_LINE => line.clear(),
            key if line.len() < LONGEST as usize => line.push(key),
            _ => {}
        }
    }
    Ok(line)
}

/// Takes the last character off, which may have several bytes.
fn drop_character(line: &mut Vec<u8>) {
    while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
}

fn prompt(terminal: &mut File, question: &str) -> io::Result<Zeroizing<Vec<u8>>> {
    terminal.write_all(question.as_bytes())?;
    line(&mut BufReader::new(&*terminal))
}

/// The first line, without its end.
fn line(input: &mut impl io::BufRead) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut line = Zeroizing::new(Vec::with_capacity(256));
    input.take(LONGEST).read_until(b'\n', &mut line)?;
    while line.last().is_some_and(|end| matches!(end, b'\n' | b'\r')) {
        line.pop();
    }
    Ok(line)
}

fn unread(error: &io::Error) -> Refusal {
    refuse(
        "Passphrase",
        format!("The passphrase was not read: {error}"),
    )
}

fn another_answer() -> Refusal {
    Refusal::new(
        Code::InternalError,
        "The gateway answered something else than was asked for",
    )
}

fn refuse(field: &str, message: String) -> Refusal {
    Refusal::new(Code::InvalidParameterValue, message).at(field)
}

/// The largest backup that is taken.
const MOST: u64 = MAX_BACKUP as u64;
/// The longest passphrase, in bytes.
const LONGEST: u64 = 64 << 10;
/// Keys of a terminal that is asked for them one by one: Ctrl-C, Ctrl-D, backspace, Ctrl-U.
const INTERRUPT: u8 = 3;
const END_OF_INPUT: u8 = 4;
const ERASE: u8 = 127;
const ERASE_LINE: u8 = 21;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passphrase_is_the_first_line_of_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passphrase");
        std::fs::write(&path, "correct horse battery\r\nsecond line\n").unwrap();
        let from = Passphrase {
            passphrase_file: Some(path),
        };
        let read = new_passphrase(&from).unwrap();
        assert_eq!(read.expose(), b"correct horse battery");
    }

    #[test]
    fn what_is_typed_can_be_mended_and_given_up() {
        let typed = |keys: &str| typed_line(&mut keys.as_bytes());
        let line = |keys| typed(keys).unwrap().to_vec();
        assert_eq!(line("correct horse\r"), b"correct horse");
        assert_eq!(line("wrong\x15corr\u{e9}\x7fect\n"), b"correct");
        assert_eq!(line("\x7fab\x04c"), b"ab");
        let given_up = typed("corr\x03ect\n").unwrap_err();
        assert_eq!(given_up.kind(), io::ErrorKind::Interrupted);
    }

    #[test]
    fn a_file_that_is_there_is_not_replaced_unasked() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.backup");
        std::fs::write(&file, "mine").unwrap();
        let refused = prepare(Backup::Create {
            file: file.clone(),
            passphrase: Passphrase::default(),
            force: false,
        });
        assert!(refused.is_err_and(|it| it.message.contains("--force")));
        assert_eq!(std::fs::read(&file).unwrap(), b"mine");
    }

    #[test]
    fn a_file_larger_than_any_backup_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("huge");
        File::create(&file).unwrap().set_len(MOST + 1).unwrap();
        let refusal = locked(&file, &Passphrase::default()).unwrap_err();
        assert!(refusal.message.contains("11 MiB"), "{refusal:?}");
    }
}
