//! Restore a backup: it is opened and looked at first, then takes the place of everything.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use egui::Ui;
use zeroize::Zeroizing;

use crate::{
    app::{
        backend::Work,
        context::Context,
        files,
        form::{self, Act, DialogForm, FormDialog, dialog::TWO_COLUMNS},
        format,
        kit::{self, Tone, Value, icons},
        shell::plural,
    },
    control::Console,
    model::{Answer, Command, Refusal, backup::Restored, command, command::Secret},
};

/// Asks for file and passphrase, shows what is in the file, and asks whether it is meant.
#[derive(Default)]
pub struct RestoreBackup {
    name: String,
    file: Option<Arc<Secret>>,
    chosen: Work<Option<Chosen>>,
    passphrase: Zeroizing<String>,
    /// The file is chosen, so the passphrase comes next.
    is_next: bool,
    /// What the service found in this file with this passphrase.
    found: Arc<Mutex<Option<Restored>>>,
    held: Option<Restored>,
    is_meant: bool,
    form: DialogForm,
}

/// A file that was read.
#[derive(Debug)]
struct Chosen {
    name: String,
    content: Secret,
}

const BACKUP: &str = "Backup";
const PASSPHRASE: (&str, &str) = ("Passphrase", "Passphrase");
const MEANT: &str = "Replace everything that is configured here";

impl FormDialog for RestoreBackup {
    fn title(&self) -> String {
        "Restore a backup".to_owned()
    }

    fn verb(&self) -> &'static str {
        match self.held {
            Some(_) => "Restore",
            None => "Open backup",
        }
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        self.take_file(form);
        if self.held.is_none() {
            let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
            self.held = found.take();
        }
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 6.0;
            kit::fieldset(ui, "Backup file", "");
            self.file(cx, ui);
            form.error_below(ui, BACKUP);
        });
        let typed = form.text(ui, PASSPHRASE, &mut self.passphrase, |field| {
            field
                .password()
                .help("The one that the backup was locked with.")
        });
        if typed.changed() {
            self.outdate();
        }
        // Until it has it: right after a dialog above this one it cannot have it yet.
        if self.is_next && !typed.has_focus() {
            typed.request_focus();
            ui.ctx().request_repaint();
        } else {
            self.is_next = false;
        }
        if let Some(held) = self.held.clone() {
            preview(cx, ui, &held);
            kit::checkbox(ui, &mut self.is_meant, MEANT);
        } else if form.is_working() {
            kit::weak(ui, "Opening the backup");
        }
    }

    fn act(&self, cx: &Context<'_>) -> Result<Act, Refusal> {
        if self.passphrase.is_empty() {
            return Err(Refusal::missing(
                PASSPHRASE.0,
                "the words that were typed when the backup was made",
            ));
        }
        let Some(file) = self.file.clone() else {
            return Err(Refusal::missing(BACKUP, "gatehouse-2026-11-26.backup"));
        };
        let passphrase = Secret::new(self.passphrase.as_bytes().to_vec());
        let console = Arc::clone(cx.backend.console());
        let found = Arc::clone(&self.found);
        let is_opened = self.held.is_some();
        Ok(Act::steps(async move {
            let backup = command::RestoreBackup {
                backup: Secret::clone(&file),
                passphrase,
            };
            if is_opened {
                let now = send(&*console, Command::RestoreBackup(backup)).await?;
                return Ok(Some(done(&now)));
            }
            let held = send(&*console, Command::DescribeBackup(backup)).await?;
            *found.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
            // It was only looked at.
            Ok(None)
        }))
    }

    fn off(&self, _cx: &Context<'_>) -> Option<String> {
        let why = match (&self.file, &self.held) {
            (None, _) => "Choose a backup file first",
            (_, Some(_)) if !self.is_meant => "Say first that everything is to be replaced",
            _ => return None,
        };
        Some(why.to_owned())
    }

    fn is_final(&self) -> bool {
        self.held.is_some()
    }

    fn width(&self) -> f32 {
        TWO_COLUMNS
    }
}

impl RestoreBackup {
    /// The button that chooses the file, and which it is.
    fn file(&mut self, cx: &Context<'_>, ui: &mut Ui) {
        ui.horizontal(|ui| {
            let choose = kit::button("Choose backup file…").icon(icons::FILE_TEXT);
            if choose.working(self.chosen.is_running()).clicked(ui) {
                let files = Arc::clone(cx.files);
                self.chosen.start(cx.backend.spawn(async move {
                    match files.choose_source("Backup").await {
                        Some(path) => read(path).await.map(Some),
                        None => Ok(None),
                    }
                }));
            }
            if !self.name.is_empty() {
                kit::weak(ui, &self.name);
            }
        });
    }

    fn take_file(&mut self, form: &mut DialogForm) {
        match self.chosen.poll() {
            None | Some(Ok(None)) => {}
            Some(Err(refusal)) => form.refuse(refusal.at(BACKUP)),
            Some(Ok(Some(chosen))) => {
                self.name = chosen.name;
                self.file = Some(Arc::new(chosen.content));
                form.changed(BACKUP);
                self.outdate();
                self.is_next = true;
            }
        }
    }

    /// What was found belongs to another file or passphrase; so does what is still on its way.
    fn outdate(&mut self) {
        self.found = Arc::default();
        self.held = None;
        self.is_meant = false;
    }
}

async fn read(path: PathBuf) -> Result<Chosen, Refusal> {
    // A file may be on a slow disk.
    let read = tokio::task::spawn_blocking(move || files::read(&path)).await;
    let opened = read.map_err(|_| form::unexpected())??;
    Ok(Chosen {
        name: opened.name,
        content: Secret::new(opened.bytes),
    })
}

async fn send(console: &dyn Console, command: Command) -> Result<Restored, Refusal> {
    match form::call(console, command).await? {
        Answer::Restored(restored) => Ok(restored),
        _ => Err(form::unexpected()),
    }
}

fn done(now: &Restored) -> String {
    format!(
        "Backup restored: {} and {}",
        endpoints(now.endpoints as usize),
        plural(now.certificates as usize, "certificate", "certificates")
    )
}

fn endpoints(count: usize) -> String {
    plural(count, "endpoint", "endpoints")
}

/// What is in the backup beside what is here, and what else changes.
fn preview(cx: &Context<'_>, ui: &mut Ui, held: &Restored) {
    let now = &cx.view.snapshot;
    let made = format::moment(held.made_at, cx.now, cx.zone);
    let count = |count: usize| format::count(count as u64);
    let then = [held.endpoints, held.certificates].map(|it| count(it as usize));
    let here = [now.endpoints.len(), now.certificates.len()].map(count);
    let live = cx.view.live.connections.iter();
    let live = count(live.filter(|it| it.ended_at.is_none()).count());
    let ending = format!("{} of {live}", count(held.ending_connections as usize));
    kit::two_columns(ui, |left, right| {
        kit::fieldset(left, "In the backup", "");
        let rows = [
            ("Made", Value::Text(&made)),
            ("Endpoints", Value::Text(&then[0])),
            ("Certificates", Value::Text(&then[1])),
        ];
        kit::key_values(left, &rows);
        kit::fieldset(right, "Here now", "");
        let rows = [
            ("Endpoints", Value::Text(&here[0])),
            ("Certificates", Value::Text(&here[1])),
            ("Connections that end", Value::Text(&ending)),
        ];
        kit::key_values(right, &rows);
    });
    if held.readmitted_certificates > 0 {
        let title = format!(
            "{} revoked here, and not in the backup",
            match held.readmitted_certificates {
                1 => "1 certificate is".to_owned(),
                many => format!("{many} certificates are"),
            }
        );
        kit::banner(Tone::Warning, &title)
            .body("Whoever has them comes in again. Revoke them once more after the restore, or import the list again.")
            .ui(ui);
    }
    if !held.overlaps.is_empty() {
        let title = "A client range overlaps a network of this machine";
        kit::banner(Tone::Warning, title)
            .body(&format!(
                "{}. This machine would lose that network while the endpoint listens.",
                held.overlaps.join(". ")
            ))
            .ui(ui);
    }
    kit::weak(
        ui,
        "What was made here since is gone, with its keys; back up first if it may be needed.",
    );
}
