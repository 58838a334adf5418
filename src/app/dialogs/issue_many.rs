//! Issue certificates for a list of names, with a client configuration for each.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use egui::Ui;

use super::{
    Dialog, Stay,
    create_ca::key_type,
    issue_certificate::{AUTHORITY, authorities, choose_authority, days, validity},
    sheet::sheet,
};
use crate::{
    app::{
        backend::Work,
        context::Context,
        files::{self, Files, Opened},
        form::{self, Act, DialogForm, FormDialog, dialog::TWO_COLUMNS},
        kit::{self, Choice, Tone, icons},
    },
    control::{
        Console,
        private_file::{Existing, write_profile},
    },
    model::{
        Answer, CertificateArn, Code, Command, EndpointId, KeyType, Refusal, client_names,
        command::IssueCertificates,
    },
};

/// The dialog: the form, then what became of each name.
pub struct IssueMany {
    fields: Fields,
    rows: Arc<Mutex<Vec<Row>>>,
    done: bool,
}

/// What became of a name whose certificate was issued.
#[derive(Clone, Debug)]
struct Row {
    name: String,
    /// The file that was written, none where none was wanted, or why it was not.
    file: Result<Option<PathBuf>, String>,
}

/// What is asked for.
struct Fields {
    authority: Option<CertificateArn>,
    names: String,
    opened: Work<Option<Opened>>,
    days: String,
    key_type: KeyType,
    endpoint: Option<EndpointId>,
    rows: Arc<Mutex<Vec<Row>>>,
    form: DialogForm,
}

impl IssueMany {
    /// Certificates under `authority`, if one is known already.
    #[must_use]
    pub fn new(authority: Option<CertificateArn>) -> Self {
        let rows = Arc::default();
        Self {
            fields: Fields {
                authority,
                names: String::new(),
                opened: Work::default(),
                days: String::new(),
                key_type: KeyType::default(),
                endpoint: None,
                rows: Arc::clone(&rows),
                form: DialogForm::default(),
            },
            rows,
            done: false,
        }
    }
}

impl Dialog for IssueMany {
    fn ui(&mut self, cx: &mut Context<'_>, ctx: &egui::Context) -> Stay {
        if self.done {
            return results(ctx, &locked(&self.rows));
        }
        let was_working = self.fields.form.is_working();
        let stay = self.fields.ui(cx, ctx);
        let has_ended = was_working && !self.fields.form.is_working();
        if stay == Stay::Closed && has_ended && !locked(&self.rows).is_empty() {
            self.done = true;
            return Stay::Open;
        }
        stay
    }
}

const TITLE: &str = "Issue for many";
const NAMES: (&str, &str) = ("CommonNames", "Names");
const ENDPOINT: (&str, &str) = ("ClientVpnEndpointId", "Client configurations");

impl FormDialog for Fields {
    fn title(&self) -> String {
        TITLE.to_owned()
    }

    fn verb(&self) -> &'static str {
        "Issue"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        choose_authority(ui, form, &mut self.authority, &authorities(cx));
        self.names_field(cx, ui, form);
        form.choose(ui, ENDPOINT, &mut self.endpoint, &endpoints(cx), |field| {
            field.help(
                "One .ovpn file for each name, with its key inside, into a folder that you choose.",
            )
        });
        validity(ui, form, &mut self.days, "825");
        key_type(ui, &mut self.key_type);
        if self.key_type == KeyType::Rsa2048 && self.lines().len() >= MANY_RSA {
            kit::help(
                ui,
                "RSA keys take their time: half a minute or more for 500 names. You can close this meanwhile.",
            );
        }
        if form.is_working() && self.endpoint.is_some() {
            let (written, all) = (locked(&self.rows).len(), self.lines().len());
            kit::weak(ui, &format!("{written} of {all} files written"));
            ui.ctx()
                .request_repaint_after(std::time::Duration::from_millis(200));
        }
    }

    fn act(&self, cx: &Context<'_>) -> Result<Act, Refusal> {
        let command = self.command()?;
        let (console, files) = (Arc::clone(cx.backend.console()), Arc::clone(cx.files));
        let (endpoint, rows) = (self.endpoint.clone(), Arc::clone(&self.rows));
        Ok(Act::steps(async move {
            locked(&rows).clear();
            carry_out(&*console, &*files, command, endpoint, &rows).await
        }))
    }

    fn draft(&self, _cx: &Context<'_>) -> Result<Option<Command>, Refusal> {
        // One of them, with a key that is soon made: what may be refused is the same for all.
        let mut command = self.command()?;
        command.common_names.truncate(1);
        command.key_type = KeyType::default();
        Ok(Some(Command::IssueCertificates(command)))
    }

    fn off(&self, _cx: &Context<'_>) -> Option<String> {
        let names = self.lines();
        if names.is_empty() {
            return Some("Type or open a list of names first".to_owned());
        }
        let faults = client_names::faults(&names);
        let first = faults.into_iter().next()?;
        Some(first.sentence)
    }

    fn width(&self) -> f32 {
        TWO_COLUMNS
    }
}

impl Fields {
    fn command(&self) -> Result<IssueCertificates, Refusal> {
        let Some(authority) = &self.authority else {
            return Err(Refusal::missing(AUTHORITY.0, "one of the list"));
        };
        Ok(IssueCertificates {
            ca_arn: authority.to_string(),
            common_names: self.lines(),
            key_type: self.key_type,
            validity_days: days(&self.days)?,
            client_vpn_endpoint_id: self.endpoint.as_ref().map(EndpointId::to_string),
        })
    }

    fn lines(&self) -> Vec<String> {
        client_names::lines(&self.names)
    }

    fn names_field(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        match self.opened.poll() {
            None | Some(Ok(None)) => {}
            Some(Err(refusal)) => form.refuse(refusal.at(NAMES.0)),
            Some(Ok(Some(opened))) => {
                self.names = String::from_utf8_lossy(&opened.bytes).into_owned();
                form.changed(NAMES.0);
            }
        }
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 6.0;
            form.shows(NAMES.0);
            let error = form.error(NAMES.0, NAMES.1);
            let out = kit::text_area(&mut self.names, 6)
                .label(NAMES.1)
                .hint("a.lindqvist")
                .help("One name a line, at most 500.")
                .error(error.as_deref())
                .ui(ui);
            form.react(NAMES.0, &mut self.names, &out);
            let open = kit::button("Open a list…").icon(icons::FILE_TEXT);
            if open.working(self.opened.is_running()).clicked(ui) {
                let files = Arc::clone(cx.files);
                self.opened.start(cx.backend.spawn(async move {
                    match files.choose_source("Open a list of names").await {
                        Some(path) => files::read(&path).map(Some),
                        None => Ok(None),
                    }
                }));
            }
            self.preview(ui);
        });
    }

    /// How many names there are, and what is wrong with which.
    fn preview(&self, ui: &mut Ui) {
        let names = self.lines();
        let faults = client_names::faults(&names);
        if names.is_empty() {
            return;
        }
        if faults.is_empty() {
            let words = match names.len() {
                1 => "1 certificate will be issued".to_owned(),
                count => format!("{count} certificates will be issued"),
            };
            kit::weak(ui, &words);
            return;
        }
        for fault in faults.iter().take(SHOWN_FAULTS) {
            kit::error_line(ui, &fault.sentence, None);
        }
        if faults.len() > SHOWN_FAULTS {
            kit::weak(ui, &format!("and {} more", faults.len() - SHOWN_FAULTS));
        }
    }
}

/// Issues all, then writes a file for each where an endpoint is named.
async fn carry_out(
    console: &dyn Console,
    files: &dyn Files,
    command: IssueCertificates,
    endpoint: Option<EndpointId>,
    rows: &Mutex<Vec<Row>>,
) -> Result<Option<String>, Refusal> {
    let names = command.common_names.clone();
    let paths = match &endpoint {
        None => Vec::new(),
        // Before anything is issued, so that who thinks better of it has issued nothing.
        Some(_) => match files
            .choose_folder("Folder for the client configurations")
            .await
        {
            Some(folder) => free_paths(&names, &folder)?,
            None => return Ok(None),
        },
    };
    let answer = form::call(console, Command::IssueCertificates(command)).await?;
    let Answer::CertificateArns(arns) = answer else {
        return Err(form::unexpected());
    };
    for (index, (name, arn)) in names.iter().zip(&arns).enumerate() {
        let file = match (&endpoint, paths.get(index)) {
            (Some(endpoint), Some(path)) => {
                let written = write_profile(
                    console,
                    endpoint.as_str(),
                    arn.as_str(),
                    path,
                    Existing::Kept,
                );
                let written = written.await.map(|()| Some(path.clone()));
                written.map_err(|refusal| refusal.message)
            }
            _ => Ok(None),
        };
        let name = name.clone();
        locked(rows).push(Row { name, file });
    }
    Ok(Some(match arns.len() {
        1 => "1 certificate issued".to_owned(),
        count => format!("{count} certificates issued"),
    }))
}

/// Where the files go; nothing that is there is replaced.
fn free_paths(names: &[String], folder: &std::path::Path) -> Result<Vec<PathBuf>, Refusal> {
    let files = client_names::file_names(names, "ovpn");
    let paths: Vec<PathBuf> = files.iter().map(|file| folder.join(file)).collect();
    match paths.iter().find(|path| path.exists()) {
        Some(there) => Err(Refusal::new(
            Code::InvalidParameterValue,
            format!(
                "{} is there already. Choose another folder; nothing was issued.",
                there.display()
            ),
        )
        .at(ENDPOINT.0)),
        None => Ok(paths),
    }
}

/// What became of each name.
fn results(ctx: &egui::Context, rows: &[Row]) -> Stay {
    let failed = rows.iter().filter(|row| row.file.is_err()).count();
    sheet(ctx, "Certificates issued", |ui| {
        ui.spacing_mut().item_spacing.y = 4.0;
        if failed > 0 {
            let title = format!("{failed} of {} files were not written", rows.len());
            kit::banner(Tone::Danger, &title)
                .body("Their certificates are issued: download the configuration of each at its endpoint.")
                .ui(ui);
        }
        for row in rows {
            match &row.file {
                Ok(Some(path)) => kit::body(ui, &format!("{}: {}", row.name, path.display())),
                Ok(None) => kit::body(ui, &format!("{}: issued", row.name)),
                Err(why) => kit::body(ui, &format!("{}: {why}", row.name)),
            };
        }
    })
}

fn endpoints(cx: &Context<'_>) -> Vec<Choice<Option<EndpointId>>> {
    let living = cx
        .view
        .snapshot
        .endpoints
        .values()
        .filter(|it| !it.deleting);
    let named = living.map(|it| Choice::new(Some(it.id.clone()), format!("For {}", it.title())));
    let none = Choice::new(None, "None: certificates only");
    [none].into_iter().chain(named).collect()
}

fn locked(rows: &Mutex<Vec<Row>>) -> MutexGuard<'_, Vec<Row>> {
    rows.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From so many RSA keys on it is said that they take long.
const MANY_RSA: usize = 50;
/// Faults that are spelled out; the others are counted.
const SHOWN_FAULTS: usize = 4;
