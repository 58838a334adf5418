//! Scenarios: what each of the guide's needs, what is there of it, and the buttons for the rest.

mod doing;
mod question;
mod steps;

use std::sync::Arc;

use egui::{Align, Frame, Layout, Margin, Rect, ScrollArea, Ui, UiBuilder};

use super::Page;
use crate::{
    app::{
        backend::Work,
        context::{Action, Context, Question, Screen},
        dialogs::test_connection::TestTheConnection,
        form::{self, Form},
        kit::{self, Tone, icons},
    },
    model::{Answer, Command, EndpointId, Scenario, scenario::DescribeScenario},
};
use doing::Ran;
use question::Draft;

/// The page.
#[derive(Default)]
pub struct Scenarios {
    draft: Draft,
    /// Asks how far it is: one question at a time, whose answer counts if it is still asked.
    form: Form,
    /// What was asked last, and as of which change.
    asked: Option<(DescribeScenario, u64)>,
    /// How far the scenario is.
    answer: Option<Scenario>,
    /// Carries out what is offered.
    work: Work<Ran>,
    /// Something was carried out, and how far it is now has not been said yet.
    outdated: bool,
    /// The step that was refused, or none where the whole was, and why; in what scenario.
    refused: Option<(DescribeScenario, Option<String>, String)>,
}

impl Page for Scenarios {
    fn ui(&mut self, cx: &mut Context<'_>, ui: &mut Ui) {
        self.poll(cx);
        let mut endpoints = cx.view.snapshot.endpoints.values();
        let none = endpoints.all(|endpoint| endpoint.deleting);
        let purpose = "What a scenario needs, and what is there of it";
        let all = kit::page_head(ui, "Scenarios", "", purpose, |ui| !none && self.do_all(ui));
        if none {
            let body =
                "A scenario is about a Client VPN endpoint. Getting Started makes the first.";
            if kit::empty(ui, "No endpoint yet", body, "Getting Started") {
                cx.ask(Action::Go(Screen::GettingStarted));
            }
            return;
        }
        if all && let Some(of) = self.draft.wanted() {
            let console = Arc::clone(cx.backend.console());
            self.carry_out(cx.backend.spawn(doing::all(console, of)));
        }
        let page = ui.available_rect_before_wrap();
        let kinds = Rect::from_min_size(page.min, egui::vec2(KINDS, page.height()));
        let kinds = kinds.translate(egui::vec2(18.0, 0.0));
        column(ui, "kinds", kinds, |ui| self.draft.kinds(ui));
        let right = page.with_min_x(kinds.right() + 22.0);
        let right = right.with_max_x(page.right() - 18.0);
        column(ui, "steps", right, |ui| {
            kit::card(ui, 14, |ui| {
                ui.set_width(ui.available_width());
                self.draft.fields(cx, ui, &mut self.form);
            });
            self.answered(cx, ui);
        });
        self.ask(cx);
        ui.advance_cursor_after_rect(page);
    }
}

impl Scenarios {
    /// Takes in how far it is, and what came of what was carried out.
    fn poll(&mut self, cx: &mut Context<'_>) {
        match self.work.poll() {
            Some(Ok(ran)) => self.ran(cx, ran),
            Some(Err(refusal)) => {
                self.outdated = true;
                self.asked = None;
                if let Some(of) = self.draft.wanted() {
                    self.refused = Some((of, None, refusal.message));
                }
            }
            None => {}
        }
        let asking = self.form.is_working();
        let answer = self.form.poll();
        // What is no longer asked has no answer here: the next one is on its way.
        let is_asked = self.asked.as_ref().map(|(asked, _)| asked) == self.draft.wanted().as_ref();
        match answer {
            Some(Answer::Scenario(scenario)) if is_asked => self.answer = Some(scenario),
            Some(Answer::Scenario(_)) | None => {}
            Some(_) => self.form.refuse(form::unexpected()),
        }
        if asking && !self.form.is_working() {
            if is_asked {
                self.outdated = false;
            } else {
                self.form.forget();
            }
        }
    }

    fn ran(&mut self, cx: &mut Context<'_>, ran: Ran) {
        self.outdated = true;
        self.asked = None;
        match ran.commands {
            0 => {}
            1 => cx.ask(Action::Toast("1 command was carried out".to_owned())),
            n => cx.ask(Action::Toast(format!("{n} commands were carried out"))),
        }
        let Some((step, refusal)) = ran.refused else {
            return;
        };
        if self.draft.wanted().as_ref() == Some(&ran.of) {
            self.refused = Some((ran.of, Some(step), refusal.message));
        } else {
            cx.ask(Action::Trouble(refusal.message));
        }
    }

    /// Asks how far it is when something else is meant or something changed, one question at a
    /// time.
    fn ask(&mut self, cx: &Context<'_>) {
        let Some(wanted) = self.draft.wanted() else {
            self.answer = None;
            self.asked = None;
            self.outdated = false;
            return;
        };
        let seq = cx.view.snapshot.seq;
        let before = self.asked.as_ref();
        if before.is_some_and(|(asked, of)| *asked == wanted && *of == seq) {
            return;
        }
        if self.answer.is_some() && before.is_some_and(|(asked, _)| *asked != wanted) {
            self.answer = None;
        }
        // What was refused at a field stays so until that is another; to be told again would take
        // the focus there.
        let is_refused =
            before.is_some_and(|(asked, _)| *asked == wanted) && self.form.errors() > 0;
        if self.form.is_working() || is_refused {
            return;
        }
        self.asked = Some((wanted.clone(), seq));
        self.form.send(cx, Command::DescribeScenario(wanted));
    }

    fn carry_out(&mut self, pending: crate::app::backend::Pending<Ran>) {
        self.refused = None;
        self.work.start(pending);
    }

    /// Whether nothing may be carried out just now.
    fn is_busy(&self) -> bool {
        self.work.is_running() || self.outdated
    }

    fn do_all(&self, ui: &mut Ui) -> bool {
        let offers = self.answer.as_ref().is_some_and(|scenario| {
            let mut steps = scenario.steps.iter();
            steps.any(|step| !step.offer.is_empty())
        });
        let off = match &self.answer {
            _ if self.draft.endpoint().is_none() => Some("Choose the endpoint first"),
            None => Some("It is not known yet what is missing"),
            Some(scenario) if scenario.is_complete() => Some("Nothing is missing"),
            Some(_) if !offers => Some("What is missing needs a choice first"),
            Some(_) => None,
        };
        let off = off.filter(|_| !self.is_busy());
        kit::button("Do all missing steps")
            .primary()
            .icon(icons::LIST_CHECKS)
            .working(self.is_busy())
            .disabled_because(off)
            .clicked(ui)
            && !self.is_busy()
    }

    fn answered(&mut self, cx: &mut Context<'_>, ui: &mut Ui) {
        let Some(endpoint) = self.draft.endpoint().cloned() else {
            kit::empty(
                ui,
                "Choose the endpoint",
                "Each has its own networks, rules and routes.",
                "",
            );
            return;
        };
        if let Some(words) = self.form.elsewhere() {
            kit::banner(Tone::Danger, "This cannot be told")
                .body(words)
                .ui(ui);
        }
        let refused = self
            .refused
            .take_if(|(of, ..)| self.draft.wanted().as_ref() != Some(of));
        drop(refused);
        let Some(scenario) = self.answer.take().filter(|_| self.form.errors() == 0) else {
            return;
        };
        if scenario.is_complete() {
            complete(cx, ui, &endpoint);
        }
        let refused = self.refused.as_ref();
        let refused = refused.map(|(_, step, words)| (step.as_deref(), words.as_str()));
        let chosen = steps::ui(cx, ui, (&scenario, &endpoint), refused, self.is_busy());
        if let Some(step) = chosen
            && let Some(of) = self.draft.wanted()
        {
            let console = Arc::clone(cx.backend.console());
            self.carry_out(cx.backend.spawn(doing::one(console, of, step)));
        }
        self.answer = Some(scenario);
    }
}

/// Nothing is missing: what proves it.
fn complete(cx: &mut Context<'_>, ui: &mut Ui, endpoint: &EndpointId) {
    kit::banner(Tone::Success, "Everything is there")
        .body("Ask for one user and address, or try it as a client would.")
        .ui(ui);
    ui.horizontal(|ui| {
        if kit::button("Why?").icon(icons::PATH).clicked(ui) {
            cx.ask(Action::AskWhy(Question {
                endpoint: Some(endpoint.clone()),
                ..Question::default()
            }));
        }
        let test = kit::button("Test connection").icon(icons::PULSE);
        if test.clicked(ui) {
            cx.open(TestTheConnection::new(endpoint.clone()));
        }
    });
}

fn column(ui: &mut Ui, name: &str, place: Rect, add: impl FnOnce(&mut Ui)) {
    let builder = UiBuilder::new()
        .id_salt(name)
        .max_rect(place)
        .layout(Layout::top_down(Align::Min));
    ScrollArea::vertical()
        .id_salt(name)
        .auto_shrink(false)
        .show(&mut ui.new_child(builder), |ui| {
            // Two points around everything, for the ring of what has the focus.
            Frame::new().inner_margin(Margin::same(2)).show(ui, |ui| {
                ui.set_width(ui.available_width());
                ui.spacing_mut().item_spacing = egui::vec2(8.0, 12.0);
                add(ui);
                ui.add_space(18.0);
            });
        });
}

/// Width of the scenarios to choose from, in points.
const KINDS: f32 = 330.0;

#[cfg(test)]
mod tests;
