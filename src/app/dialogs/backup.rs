//! Back up the installation: into one file, locked with a passphrase.

use std::{path::Path, sync::Arc};

use egui::Ui;
use zeroize::Zeroizing;

use crate::{
    app::{
        context::Context,
        files,
        form::{self, Act, DialogForm, FormDialog},
        kit::{self, Tone},
    },
    control::Console,
    model::{
        Answer, Code, Command, Refusal,
        backup::{Backup, judge_passphrase},
        command::{CreateBackup, Secret},
    },
};

/// Asks for the passphrase, twice, then for the file.
#[derive(Default)]
pub struct BackUp {
    passphrase: Zeroizing<String>,
    again: Zeroizing<String>,
    form: DialogForm,
}

const PASSPHRASE: (&str, &str) = ("Passphrase", "Passphrase");
const AGAIN: (&str, &str) = ("PassphraseAgain", "Passphrase again");

impl FormDialog for BackUp {
    fn title(&self) -> String {
        "Back up the installation".to_owned()
    }

    fn verb(&self) -> &'static str {
        "Back up…"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, _cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        form.text(ui, PASSPHRASE, &mut self.passphrase, |field| {
            field
                .password()
                .help("At least 12 characters; four or five words are easy to keep.")
        });
        form.text(ui, AGAIN, &mut self.again, |field| {
            field
                .password()
                .help("So that a slip of the finger does not lock you out.")
        });
        kit::banner(
            Tone::Warning,
            "Whoever has file and passphrase has every key",
        )
        .body("Keep them apart. Without the passphrase nobody can open the file, here neither.")
        .ui(ui);
    }

    fn act(&self, cx: &Context<'_>) -> Result<Act, Refusal> {
        judge_passphrase(self.passphrase.as_bytes())?;
        if self.again != self.passphrase {
            let words = "It differs from the passphrase above. Type the same once more";
            return Err(Refusal::new(Code::InvalidParameterValue, words).at(AGAIN.0));
        }
        let passphrase = Secret::new(self.passphrase.as_bytes().to_vec());
        let console = Arc::clone(cx.backend.console());
        let files = Arc::clone(cx.files);
        Ok(Act::steps(async move {
            let made = create(&*console, CreateBackup { passphrase }).await?;
            let Some(path) = files.choose_target("Save backup", &made.file_name).await else {
                return Ok(None);
            };
            save(&path, made).await?;
            Ok(Some(format!("Saved {}", path.display())))
        }))
    }
}

async fn create(console: &dyn Console, command: CreateBackup) -> Result<Backup, Refusal> {
    match form::call(console, Command::CreateBackup(command)).await? {
        Answer::Backup(backup) => Ok(backup),
        _ => Err(form::unexpected()),
    }
}

/// Writes the file; the disk may be slow.
async fn save(path: &Path, made: Backup) -> Result<(), Refusal> {
    let path = path.to_owned();
    let write = move || files::write_private(&path, made.content.expose());
    let written = tokio::task::spawn_blocking(write).await;
    written.map_err(|_| form::unexpected())?
}
