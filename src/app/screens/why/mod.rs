//! Why?: what the gateway does with a packet, by whose rules, and what would change it.

mod answer;
mod cures;
mod question;

use egui::{Align, Frame, Layout, Margin, ScrollArea, Ui};

use super::Page;
use crate::{
    app::{
        context::{Action, Context, Question},
        form::Form,
        kit::{self, Tone, icons},
    },
    model::{Answer, Command, Decision, EndpointId, Explanation, Way, command},
};
use question::Draft;

/// The page.
#[derive(Default)]
pub struct Why {
    draft: Draft,
    form: Form,
    /// What was asked last, and as of which change.
    asked: Option<(command::Why, u64)>,
    answer: Option<Explanation>,
    /// The way looked at, where a session could take several.
    way: Option<usize>,
}

impl Why {
    /// Fills the question in; what was answered before is forgotten.
    pub fn fill(&mut self, question: Question) {
        self.draft.fill(question);
        self.form.forget();
        self.asked = None;
        self.answer = None;
    }
}

impl Page for Why {
    fn ui(&mut self, cx: &mut Context<'_>, ui: &mut Ui) {
        self.poll(cx);
        let purpose = "Ask what the gateway does with a packet; the answer comes from the rules that forward it";
        let asked = self.asked.as_ref().map(|(asked, _)| asked);
        let off = asked.is_none().then_some("Ask something first");
        let copy = kit::page_head(ui, "Why?", "", purpose, |ui| {
            let copy = kit::button("Copy as command").ghost().icon(icons::COPY);
            copy.disabled_because(off).clicked(ui)
        });
        if copy && let Some(asked) = asked {
            ui.ctx().copy_text(question::as_command_line(asked));
            cx.ask(Action::Toast("Command copied".to_owned()));
        }
        Frame::new()
            .inner_margin(Margin::symmetric(20, 0))
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing = egui::vec2(8.0, 12.0);
                let explain = kit::card(ui, 14, |ui| {
                    ui.set_width(ui.available_width());
                    self.draft.ui(cx, ui, &mut self.form)
                });
                if explain {
                    self.ask(cx);
                }
                self.answered(cx, ui);
            });
    }
}

impl Why {
    /// Takes in the answer, and asks again when something changed: the verdict is always of now.
    fn poll(&mut self, cx: &Context<'_>) {
        if let Some(Answer::Explanation(answer)) = self.form.poll() {
            self.answer = Some(*answer);
        }
        let seq = cx.view.snapshot.seq;
        if let Some((asked, as_of)) = &mut self.asked
            && *as_of != seq
            && !self.form.is_working()
        {
            *as_of = seq;
            self.form.send(cx, Command::Why(asked.clone()));
        }
    }

    fn ask(&mut self, cx: &Context<'_>) {
        self.way = None;
        match self.draft.command() {
            Ok(asked) => {
                self.asked = Some((asked.clone(), cx.view.snapshot.seq));
                self.form.send(cx, Command::Why(asked));
            }
            Err(refusal) => {
                self.asked = None;
                self.form.refuse(refusal);
            }
        }
    }

    fn answered(&mut self, cx: &mut Context<'_>, ui: &mut Ui) {
        if let Some(words) = self.form.elsewhere() {
            kit::banner(Tone::Danger, "This cannot be answered")
                .body(words)
                .ui(ui);
            return;
        }
        let Some(answer) = self.answer.take().filter(|_| self.form.errors() == 0) else {
            let body = "Choose who and where to. Each check of the gateway is shown in its order, with the rule that decides and what would allow it.";
            kit::empty(ui, "Nothing was asked yet", body, "");
            return;
        };
        let at = self.way.unwrap_or_else(|| first_denied(&answer));
        let way = answer.ways.get(at).or(answer.ways.first());
        let tone = answer::tone(answer.verdict);
        let asked = self.asked.as_ref();
        let as_of = asked.map_or(0, |(_, seq)| *seq);
        let endpoint: Option<EndpointId> =
            asked.and_then(|(asked, _)| asked.client_vpn_endpoint_id.parse().ok());
        let as_of = format!("As of change {}", crate::app::format::count(as_of));
        let (title, why) = answer::sentences(cx, &answer, way);
        kit::verdict(ui, tone, &title, &why, &as_of);
        if answer.ways.len() > 1 {
            let mut chosen = at.min(answer.ways.len() - 1);
            ways(cx, ui, &answer, &mut chosen);
            self.way = Some(chosen);
        }
        let place = ui.available_rect_before_wrap();
        let middle = place.left() + (place.width() * 0.61).round();
        let (left, right) = (
            place.with_max_x(middle - 14.0),
            place.with_min_x(middle + 14.0),
        );
        let line = egui::Stroke::new(1.0, kit::tokens(ui).line);
        ui.painter().vline(middle, place.y_range(), line);
        column(ui, "checks", left, |ui| match way {
            Some(way) => answer::chain(cx, ui, &answer, way),
            None => {
                kit::strong(ui, "No checks were made");
                kit::body(ui, "A session needs a target network, and there is none.");
            }
        });
        column(ui, "rules", right, |ui| {
            if let Some(way) = way {
                answer::rules(ui, &answer, way);
                answer::groups(ui, &answer, way);
            }
            if let Some(endpoint) = &endpoint {
                cures::ui(cx, ui, &answer, (endpoint, way));
            }
        });
        ui.advance_cursor_after_rect(place);
        self.answer = Some(answer);
    }
}

fn first_denied(answer: &Explanation) -> usize {
    let mut ways = answer.ways.iter();
    ways.position(|way| way.verdict == Decision::Deny)
        .unwrap_or(0)
}

/// Which association a session is bound to is settled when it connects: each is shown.
fn ways(cx: &Context<'_>, ui: &mut Ui, answer: &Explanation, chosen: &mut usize) {
    let names: Vec<String> = answer
        .ways
        .iter()
        .map(|way| format!("{}, {}", answer::subnet(cx, way), decided(way)))
        .collect();
    let choices: Vec<(usize, &str)> = names.iter().map(String::as_str).enumerate().collect();
    ui.horizontal(|ui| {
        kit::weak(ui, "Through the target network");
        kit::segmented(ui, "Target network", chosen, &choices);
    });
}

fn decided(way: &Way) -> &'static str {
    match way.verdict {
        Decision::Allow => "allowed",
        Decision::Deny => "denied",
    }
}

fn column(ui: &mut Ui, name: &str, place: egui::Rect, add: impl FnOnce(&mut Ui)) {
    let builder = egui::UiBuilder::new()
        .id_salt(name)
        .max_rect(place)
        .layout(Layout::top_down(Align::Min));
    ScrollArea::vertical()
        .id_salt(name)
        .auto_shrink(false)
        .show(&mut ui.new_child(builder), |ui| {
            ui.spacing_mut().item_spacing = egui::vec2(8.0, 8.0);
            Frame::new().inner_margin(Margin::same(2)).show(ui, |ui| {
                ui.set_width(ui.available_width());
                add(ui);
            });
        });
}

#[cfg(test)]
mod tests;
