//! Import an easy-rsa folder: its authority, what that issued, and what it revoked.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use egui::Ui;

use super::{Dialog, Stay, sheet::sheet};
use crate::{
    app::{
        backend::Work,
        context::Context,
        form::{self, Act, DialogForm, FormDialog},
        kit::{self, Tone, icons},
    },
    control::{Console, pki_folder},
    model::{
        Answer, Code, Command, Refusal,
        command::{ImportPki, PkiImported},
    },
};

/// The dialog: the form, then what became of each file.
pub struct ImportFolder {
    fields: Fields,
    imported: Arc<Mutex<Option<PkiImported>>>,
    shown: Option<PkiImported>,
}

/// What is asked for.
struct Fields {
    folder: String,
    chosen: Work<Option<PathBuf>>,
    imported: Arc<Mutex<Option<PkiImported>>>,
    form: DialogForm,
}

impl Default for ImportFolder {
    fn default() -> Self {
        let imported = Arc::default();
        Self {
            fields: Fields {
                folder: String::new(),
                chosen: Work::default(),
                imported: Arc::clone(&imported),
                form: DialogForm::default(),
            },
            imported,
            shown: None,
        }
    }
}

impl Dialog for ImportFolder {
    fn ui(&mut self, cx: &mut Context<'_>, ctx: &egui::Context) -> Stay {
        if let Some(imported) = &self.shown {
            return results(ctx, imported);
        }
        let stay = self.fields.ui(cx, ctx);
        let mut imported = self.imported.lock().unwrap_or_else(PoisonError::into_inner);
        if stay == Stay::Closed && imported.is_some() {
            self.shown = imported.take();
            return Stay::Open;
        }
        stay
    }
}

const FOLDER: (&str, &str) = ("Files", "Folder");

impl FormDialog for Fields {
    fn title(&self) -> String {
        "Import an easy-rsa folder".to_owned()
    }

    fn verb(&self) -> &'static str {
        "Import"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        match self.chosen.poll() {
            None | Some(Ok(None)) => {}
            Some(Err(refusal)) => form.refuse(refusal.at(FOLDER.0)),
            Some(Ok(Some(path))) => self.take(&path, form),
        }
        let dropped = ui.input(|input| Some(input.raw.dropped_files.first()?.path().to_owned()));
        if let Some(path) = dropped {
            self.take(&path, form);
        }
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 6.0;
            form.text(ui, FOLDER, &mut self.folder, |field| {
                field
                    .hint("/home/me/easy-rsa/pki")
                    .mono()
                    .help("The pki folder of easy-rsa, with ca.crt, issued and private, or the one above it. You can drop it here.")
            });
            let choose = kit::button("Choose folder…").icon(icons::FILE_TEXT);
            if choose.working(self.chosen.is_running()).clicked(ui) {
                let files = Arc::clone(cx.files);
                self.chosen.start(cx.backend.spawn(async move {
                    Ok(files.choose_folder("Folder of easy-rsa").await)
                }));
            }
        });
        kit::banner(Tone::Info, "What is taken over")
            .body("The authority, the certificates it issued, their keys where they have no passphrase, and what it revoked: sessions with a revoked certificate end at once. A second import adds what is new.")
            .ui(ui);
        if form.is_working() {
            kit::weak(ui, "Reading and checking the certificates");
        }
    }

    fn act(&self, cx: &Context<'_>) -> Result<Act, Refusal> {
        let folder = place(&self.folder)?;
        let console = Arc::clone(cx.backend.console());
        let told = Arc::clone(&self.imported);
        Ok(Act::steps(async move {
            let imported = import(&*console, folder).await?;
            let done = match imported.imported.len() {
                1 => "1 certificate imported".to_owned(),
                count => format!("{count} certificates imported"),
            };
            *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(imported);
            Ok(Some(done))
        }))
    }
}

impl Fields {
    fn take(&mut self, path: &Path, form: &mut DialogForm) {
        self.folder = path.display().to_string();
        form.changed(FOLDER.0);
    }
}

/// The folder that was typed, which is a whole path.
fn place(typed: &str) -> Result<PathBuf, Refusal> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Err(Refusal::missing(FOLDER.0, "/home/me/easy-rsa/pki"));
    }
    let path = PathBuf::from(typed);
    if path.is_absolute() {
        return Ok(path);
    }
    Err(Refusal::new(
        Code::InvalidParameterValue,
        format!("{typed} is not a whole path. Type it from the root on, for example /home/me/easy-rsa/pki."),
    )
    .at(FOLDER.0))
}

async fn import(console: &dyn Console, folder: PathBuf) -> Result<PkiImported, Refusal> {
    // A folder may be on a slow disk.
    let read = tokio::task::spawn_blocking(move || pki_folder::read(&folder));
    let files = read.await.map_err(|_| form::unexpected())??;
    match form::call(console, Command::ImportPki(ImportPki { files })).await? {
        Answer::PkiImported(imported) => Ok(imported),
        _ => Err(form::unexpected()),
    }
}

/// What became of each file.
fn results(ctx: &egui::Context, all: &PkiImported) -> Stay {
    sheet(ctx, "Folder imported", |ui| {
        ui.spacing_mut().item_spacing.y = 4.0;
        let title = format!(
            "{} imported, {} passed over, {} revoked",
            all.imported.len(),
            all.skipped.len(),
            all.revoked.len()
        );
        let tone = match all.skipped.is_empty() {
            true => Tone::Success,
            false => Tone::Warning,
        };
        kit::banner(tone, &title).ui(ui);
        for (path, why) in &all.skipped {
            kit::body(ui, &format!("{path}: {why}"));
        }
        for (path, _) in all.imported.iter().take(SHOWN) {
            kit::body(ui, &format!("{path}: imported"));
        }
        if all.imported.len() > SHOWN {
            kit::weak(ui, &format!("and {} more", all.imported.len() - SHOWN));
        }
    })
}

/// Imported files that are named; the others are counted.
const SHOWN: usize = 200;
