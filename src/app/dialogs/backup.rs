//! Back the installation up into one file, and restore it from one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use egui::Ui;

use crate::{
    app::{
        backend::Work,
        context::Context,
        files::{self, Opened},
        form::{self, Act, DialogForm, FormDialog},
        format,
        kit::{self, Tone, Value, icons},
    },
    model::{
        Answer, Code, Command, Refusal,
        backup::Restored,
        command::{CreateBackup, RestoreBackup, Secret},
    },
};

const PASSPHRASE: (&str, &str) = ("Passphrase", "Passphrase");
const AGAIN: (&str, &str) = ("PassphraseAgain", "Passphrase again");
const FILE: &str = "Backup";

/// Asks for the passphrase that locks a new backup, then where to put it.
#[derive(Default)]
pub struct BackUp {
    passphrase: String,
    again: String,
    form: DialogForm,
}

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
        kit::banner(Tone::Warning, "Without the passphrase the file is lost")
            .body("It holds every private key, so it is locked. Nobody can open it without the passphrase, and it is not kept here.")
            .ui(ui);
        form.text(ui, PASSPHRASE, &mut self.passphrase, |field| {
            field
                .password()
                .help("At least 12 characters: take four or five words.")
        });
        form.text(ui, AGAIN, &mut self.again, |field| {
            field
                .password()
                .help("So that a slip of the finger does not lock you out.")
        });
    }

    fn act(&self, cx: &Context<'_>) -> Result<Act, Refusal> {
        if self.passphrase != self.again {
            let words = "The two passphrases differ; type the same twice";
            return Err(Refusal::new(Code::Validation, words).at(AGAIN.0));
        }
        let (console, files) = (Arc::clone(cx.backend.console()), Arc::clone(cx.files));
        let command = Command::CreateBackup(CreateBackup {
            passphrase: secret(&self.passphrase),
        });
        Ok(Act::steps(async move {
            let Answer::Backup(made) = form::call(&*console, command).await? else {
                return Err(form::unexpected());
            };
            let target = files.choose_target("Back up the installation", &made.file_name);
            let Some(path) = target.await else {
                return Ok(None);
            };
            files::write_private(&path, made.content.expose())?;
            Ok(Some(format!("Saved {}", path.display())))
        }))
    }
}

/// Asks for a backup and its passphrase, shows what it holds, and then whether it is to take the
/// place of everything.
#[derive(Default)]
pub struct Restore {
    file: Option<Opened>,
    choosing: Work<Option<Opened>>,
    passphrase: String,
    /// What the file holds, once it was opened with the passphrase.
    held: Arc<Mutex<Option<Restored>>>,
    sure: bool,
    form: DialogForm,
}

impl Restore {
    fn held(&self) -> MutexGuard<'_, Option<Restored>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was seen is not what would be restored now.
    fn forget(&mut self) {
        *self.held() = None;
        self.sure = false;
    }

    fn choose(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        match self.choosing.poll() {
            None | Some(Ok(None)) => {}
            Some(Err(refusal)) => form.refuse(refusal.at(FILE)),
            Some(Ok(Some(opened))) => {
                self.file = Some(opened);
                form.chose(FILE);
                self.forget();
            }
        }
        kit::fieldset(ui, "Backup", "");
        ui.horizontal(|ui| {
            let choose = kit::button("Choose backup file…").icon(icons::FILE_TEXT);
            if choose.working(self.choosing.is_running()).clicked(ui) {
                let files = Arc::clone(cx.files);
                self.choosing.start(cx.backend.spawn(async move {
                    match files.choose_source("Choose a backup").await {
                        Some(path) => files::read(&path).map(Some),
                        None => Ok(None),
                    }
                }));
            }
            match &self.file {
                Some(file) => kit::weak(ui, &file.name),
                None => kit::weak(ui, "Such as gatehouse-2026-11-26.backup"),
            };
        });
        form.error_below(ui, FILE);
    }

    fn command(&self) -> Option<RestoreBackup> {
        Some(RestoreBackup {
            backup: Secret::new(self.file.as_ref()?.bytes.clone()),
            passphrase: secret(&self.passphrase),
        })
    }
}

impl FormDialog for Restore {
    fn title(&self) -> String {
        "Restore a backup".to_owned()
    }

    fn verb(&self) -> &'static str {
        match *self.held() {
            Some(_) => "Restore",
            None => "Open backup",
        }
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 6.0;
            self.choose(cx, ui, form);
        });
        let before = self.passphrase.clone();
        form.text(ui, PASSPHRASE, &mut self.passphrase, |field| {
            field
                .password()
                .help("The one that was chosen when the backup was made.")
        });
        if self.passphrase != before {
            self.forget();
        }
        let held = self.held().clone();
        if let Some(held) = held {
            shown(cx, ui, &held);
            kit::checkbox(ui, &mut self.sure, SURE);
        }
    }

    fn act(&self, cx: &Context<'_>) -> Result<Act, Refusal> {
        let Some(command) = self.command() else {
            return Err(Refusal::missing(FILE, "gatehouse-2026-11-26.backup"));
        };
        let console = Arc::clone(cx.backend.console());
        let known = self.held().is_some();
        let held = Arc::clone(&self.held);
        Ok(Act::steps(async move {
            let command = match known {
                true => Command::RestoreBackup(command),
                false => Command::DescribeBackup(command),
            };
            let Answer::Restored(answer) = form::call(&*console, command).await? else {
                return Err(form::unexpected());
            };
            if known {
                let words = format!("Restored: {}", counts(&answer));
                return Ok(Some(words));
            }
            *held.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
            Ok(None)
        }))
    }

    fn off(&self, _cx: &Context<'_>) -> Option<String> {
        let why = match *self.held() {
            None if self.file.is_none() => "Choose a backup file first",
            Some(_) if !self.sure => "Say first that everything is to be replaced",
            _ => return None,
        };
        Some(why.to_owned())
    }
}

const SURE: &str = "Replace everything that is configured here";

/// What the backup holds, and what is here now.
fn shown(cx: &Context<'_>, ui: &mut Ui, held: &Restored) {
    let snapshot = &cx.view.snapshot;
    let made = format::moment(held.made_at, cx.now, cx.zone);
    let there = counts(held);
    let here = counted(snapshot.endpoints.len(), snapshot.certificates.len());
    let live = match cx.tally.total() {
        0 => "None".to_owned(),
        count => format::count(count as u64),
    };
    kit::key_values(
        ui,
        &[
            ("Made", Value::Text(&made)),
            ("It holds", Value::Text(&there)),
            ("Here now", Value::Text(&here)),
            ("Live sessions", Value::Text(&live)),
        ],
    );
    kit::banner(Tone::Warning, "Configuration, certificates and keys here are replaced")
        .body("Sessions end whose endpoint, network or certificate is not in the backup. The event history, the logs and the list of ended connections stay.")
        .ui(ui);
}

fn counts(held: &Restored) -> String {
    counted(held.endpoints as usize, held.certificates as usize)
}

fn counted(endpoints: usize, certificates: usize) -> String {
    let endpoints = match endpoints {
        1 => "1 endpoint".to_owned(),
        count => format!("{} endpoints", format::count(count as u64)),
    };
    match certificates {
        1 => format!("{endpoints}, 1 certificate"),
        count => format!("{endpoints}, {} certificates", format::count(count as u64)),
    }
}

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes().to_vec())
}
