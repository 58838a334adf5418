//! Files that the person at the window chooses.

use std::{
    collections::VecDeque,
    io::Read as _,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use crate::{
    control::{
        BoxFuture,
        private_file::{self, Existing},
    },
    model::{Code, Refusal, backup::MAX_BACKUP},
};

/// A file that was opened: its name and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The file's own name, without folders.
    pub name: String,
    /// Its bytes: at most [`MAX_OPENED`].
    pub bytes: Vec<u8>,
}

/// Largest file that is read: a backup. A revocation list of 100,000 entries is smaller, and
/// certificates and keys are far smaller.
pub const MAX_OPENED: u64 = MAX_BACKUP as u64;

/// What a place is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// For a file that is to be written.
    Save,
    /// For a file that is to be read.
    Open,
    /// For a folder, to read from or to write into.
    Folder,
}

/// A question for a file that the window is to ask itself, as not every desktop has a dialog.
#[derive(Debug)]
pub struct Question {
    /// What the file is for; the title of the dialog.
    pub title: String,
    /// What a place is wanted for.
    pub purpose: Purpose,
    /// The place to begin with.
    pub proposed: PathBuf,
    answer: Option<oneshot::Sender<Option<PathBuf>>>,
}

impl Question {
    /// A question, and where its answer comes: none if the person thought better.
    #[must_use]
    pub fn new(
        title: &str,
        purpose: Purpose,
        proposed: PathBuf,
    ) -> (Self, oneshot::Receiver<Option<PathBuf>>) {
        let (answer, hear) = oneshot::channel();
        let question = Self {
            title: title.to_owned(),
            purpose,
            proposed,
            answer: Some(answer),
        };
        (question, hear)
    }

    /// Answers, once.
    pub fn tell(&mut self, path: Option<PathBuf>) {
        if let Some(answer) = self.answer.take() {
            // Whoever asked may have been closed meanwhile.
            drop(answer.send(path));
        }
    }
}

/// Asks the person for files. Tests answer in the person's place.
pub trait Files: Send + Sync {
    /// Asks where to put a file that would be called `name`; none if the person thought better.
    fn choose_target<'a>(&'a self, title: &'a str, name: &'a str)
    -> BoxFuture<'a, Option<PathBuf>>;

    /// Asks for a file to read; none if the person thought better.
    fn choose_source<'a>(&'a self, title: &'a str) -> BoxFuture<'a, Option<PathBuf>>;

    /// Asks for a folder that is there; none if the person thought better.
    fn choose_folder<'a>(&'a self, title: &'a str) -> BoxFuture<'a, Option<PathBuf>>;

    /// A question that the window has to ask itself, if there is one.
    fn question(&self) -> Option<Question> {
        None
    }
}

/// The system's own dialogs; where there are none, as under a plain window manager, the window's.
#[derive(Debug)]
pub struct SystemFiles {
    ctx: egui::Context,
    questions: Mutex<VecDeque<Question>>,
}

/// Nobody opens, reads and closes a dialog in less. `rfd` says "none" for a dialog that was closed
/// and for one that could not be shown for lack of a portal and of zenity; the latter says it soon.
const NOBODY_IS_FASTER: Duration = Duration::from_millis(1500);

impl SystemFiles {
    /// Dialogs for the window that is drawn in `ctx`.
    #[must_use]
    pub fn new(ctx: egui::Context) -> Self {
        Self {
            ctx,
            questions: Mutex::default(),
        }
    }

    /// What the system's dialog says, or the window's where the system showed none.
    async fn ask(
        &self,
        dialog: impl Future<Output = Option<rfd::FileHandle>>,
        (title, purpose, proposed): (&str, Purpose, PathBuf),
    ) -> Option<PathBuf> {
        let asked = Instant::now();
        let chosen = dialog.await;
        if chosen.is_some() || asked.elapsed() >= NOBODY_IS_FASTER {
            return chosen.map(|file| file.path().to_owned());
        }
        let (question, answer) = Question::new(title, purpose, proposed);
        self.questions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(question);
        self.ctx.request_repaint();
        answer.await.ok().flatten()
    }
}

impl Files for SystemFiles {
    fn choose_target<'a>(
        &'a self,
        title: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Option<PathBuf>> {
        let dialog = rfd::AsyncFileDialog::new()
            .set_title(title)
            .set_file_name(name);
        Box::pin(async move {
            let proposed = usual_folder().join(name);
            self.ask(dialog.save_file(), (title, Purpose::Save, proposed))
                .await
        })
    }

    fn choose_source<'a>(&'a self, title: &'a str) -> BoxFuture<'a, Option<PathBuf>> {
        let dialog = rfd::AsyncFileDialog::new().set_title(title);
        Box::pin(async move {
            // With its separator, so that a name can be typed on.
            let proposed = usual_folder().join("");
            self.ask(dialog.pick_file(), (title, Purpose::Open, proposed))
                .await
        })
    }

    fn choose_folder<'a>(&'a self, title: &'a str) -> BoxFuture<'a, Option<PathBuf>> {
        let dialog = rfd::AsyncFileDialog::new().set_title(title);
        Box::pin(async move {
            let proposed = usual_folder();
            self.ask(dialog.pick_folder(), (title, Purpose::Folder, proposed))
                .await
        })
    }

    fn question(&self) -> Option<Question> {
        self.questions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
    }
}

/// Where a person's files from elsewhere lie.
fn usual_folder() -> PathBuf {
    let home = || directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned());
    directories::UserDirs::new()
        .and_then(|dirs| dirs.download_dir().map(Path::to_owned))
        .filter(|folder| folder.is_dir())
        .or_else(home)
        .unwrap_or_else(|| PathBuf::from("/"))
}

/// Writes a file that may hold a key: only its owner can read it, and it is there whole or not at
/// all.
///
/// # Errors
/// `InvalidParameterValue` with the system's reason.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Refusal> {
    private_file::write_private(path, bytes, Existing::Replaced)
}

/// Reads a file the person chose.
///
/// # Errors
/// `InvalidParameterValue` if it cannot be read or is larger than [`MAX_OPENED`].
pub fn read(path: &Path) -> Result<Opened, Refusal> {
    let trouble = |what: String| {
        Refusal::new(
            Code::InvalidParameterValue,
            format!("{} was not read: {what}", path.display()),
        )
    };
    let mut bytes = Vec::new();
    // Of a device or a file that grows the length says nothing.
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_OPENED + 1).read_to_end(&mut bytes))
        .map_err(|error| trouble(error.to_string()))?;
    if bytes.len() as u64 > MAX_OPENED {
        return Err(trouble(format!(
            "it is larger than {} MiB, which no backup, certificate, key or revocation list is",
            MAX_OPENED >> 20
        )));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(Opened {
        name: name.into_owned(),
        bytes,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_written_file_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.ovpn");
        write_private(&path, b"client\n").unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(read(&path).unwrap().bytes, b"client\n");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_is_not_there_is_named_in_the_refusal() {
        let refusal = write_private(Path::new("/nonexistent/a.ovpn"), b"").unwrap_err();
        assert!(refusal.message.contains("/nonexistent/a.ovpn"));
    }

    #[test]
    fn a_huge_file_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("huge");
        std::fs::File::create(&path)
            .unwrap()
            .set_len(MAX_OPENED + 1)
            .unwrap();
        let refusal = read(&path).unwrap_err();
        assert!(
            refusal.message.contains("larger than 11 MiB"),
            "{refusal:?}"
        );
        let largest = std::fs::File::options().write(true).open(&path).unwrap();
        largest.set_len(MAX_OPENED).unwrap();
        assert_eq!(read(&path).unwrap().bytes.len() as u64, MAX_OPENED);
    }
}
