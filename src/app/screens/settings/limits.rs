//! How many there may be of what, how many there are, and raising it.

use egui::Ui;

use super::section;
use crate::{
    app::{
        context::{Action, Context},
        dialogs::raise_limit::number,
        form::Form,
        format,
        kit::{self, Tone},
        limits::Limit,
    },
    model::{self, Answer, Command, Refusal, View, command::ModifySettings},
};

const COUNT: usize = Limit::ALL.len();

/// The section.
#[derive(Default)]
pub(super) struct Limits {
    typed: [String; COUNT],
    /// What the drafts were made of; they follow the service until they are edited.
    known: Option<[u32; COUNT]>,
    form: Form,
}

impl Limits {
    pub(super) fn ui(&mut self, cx: &mut Context<'_>, ui: &mut Ui) {
        if let Some(answer) = self.form.poll() {
            if let Answer::Settings(saved) = answer {
                self.take(values(&saved));
            }
            cx.ask(Action::Toast("Limits saved".to_owned()));
        }
        let now = values(&cx.view.snapshot.settings);
        if self.known != Some(now) && !self.is_changed() {
            self.take(now);
        }
        section(ui, "Limits", |ui| {
            kit::help(
                ui,
                "AWS's own limits to begin with. At a limit one more is refused, and it is said how to raise it; what is there already stays.",
            );
            if let Some(refusal) = self.form.elsewhere() {
                kit::banner(Tone::Danger, refusal).ui(ui);
            }
            for pair in Limit::ALL.chunks(2) {
                kit::two_columns(ui, |a, b| {
                    for (limit, ui) in pair.iter().zip([a, b]) {
                        self.field(cx.view, *limit, ui);
                    }
                });
            }
            self.buttons(cx, ui);
        });
    }

    fn field(&mut self, view: &View, limit: Limit, ui: &mut Ui) {
        let help = in_use(view, limit);
        let Some(typed) = at(limit).and_then(|at| self.typed.get_mut(at)) else {
            return;
        };
        let field = (limit.field(), limit.label());
        self.form
            .text_with(ui, field, typed, ("", &help), |field| field);
    }

    fn buttons(&mut self, cx: &Context<'_>, ui: &mut Ui) {
        ui.horizontal(|ui| {
            let same = (!self.is_changed()).then_some("Nothing was changed");
            let save = kit::button("Save limits").form();
            if save
                .working(self.form.is_working())
                .disabled_because(same)
                .clicked(ui)
            {
                match self.command() {
                    Ok(fields) => self.form.send(cx, Command::ModifySettings(fields)),
                    Err(refusal) => self.form.refuse(refusal),
                }
            }
            if self.is_changed()
                && kit::button("Discard limits").form().clicked(ui)
                && let Some(known) = self.known
            {
                self.take(known);
                self.form.forget();
            }
        });
    }

    /// What was changed, and nothing else.
    fn command(&self) -> Result<ModifySettings, Refusal> {
        let mut fields = ModifySettings::default();
        let known = self.known.unwrap_or_default();
        for ((limit, typed), known) in Limit::ALL.into_iter().zip(&self.typed).zip(known) {
            let value = number(limit, typed, known)?;
            if value != known {
                limit.put(&mut fields, value);
            }
        }
        Ok(fields)
    }

    fn take(&mut self, known: [u32; COUNT]) {
        self.typed = known.map(|value| value.to_string());
        self.known = Some(known);
    }

    fn is_changed(&self) -> bool {
        self.known
            .is_some_and(|known| known.map(|value| value.to_string()) != self.typed)
    }
}

fn values(settings: &model::Settings) -> [u32; COUNT] {
    Limit::ALL.map(|limit| limit.of(settings))
}

fn at(limit: Limit) -> Option<usize> {
    Limit::ALL.iter().position(|it| *it == limit)
}

/// "38 of 50 in use, most on corp-staff".
fn in_use(view: &View, limit: Limit) -> String {
    let (used, most) = limit.in_use(view);
    let all = limit.of(&view.snapshot.settings);
    let (used, full) = (format::count(used as u64), used >= all as usize);
    let all = format::count(u64::from(all));
    let mut said = match limit {
        Limit::Revocations => format!("{used} of {all} in the longest list"),
        _ => format!("{used} of {all} in use"),
    };
    if !most.is_empty() {
        said.push_str(&format!(", most on {most}"));
    }
    if full {
        said.push_str(". The limit is reached");
    }
    said
}
