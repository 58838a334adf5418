//! Taking back what an event did: whether it can be, and the question before.

use egui::Ui;

use super::panel::before_and_after;
use crate::{
    app::{
        backend::Work,
        context::{Action, Context},
        dialogs::{Dialog, Stay, confirm::Confirm},
        kit::{self, icons},
    },
    control::{Caller, Face},
    model::{
        Answer, Command, Event, FieldChange, Outcome, Refusal, Undo,
        command::{LookupAttribute, LookupEvents, UndoEvent},
    },
};

/// Whether the event that is looked at can be taken back, as the service judges it now.
#[derive(Default)]
pub(super) struct TakingBack {
    judging: Work<Option<Refusal>>,
    /// The event and the change that the configuration was at.
    of: Option<(u64, u64)>,
    refusal: Option<Refusal>,
}

impl TakingBack {
    /// The button that asks whether to.
    pub(super) fn button(&mut self, cx: &mut Context<'_>, ui: &mut Ui, event: &Event) {
        self.judge(cx, event);
        let why = self.why_not(event);
        let pressed = kit::button("Undo…")
            .icon(icons::ARROW_COUNTER_CLOCKWISE)
            .disabled_because(why.as_deref())
            .working(self.judging.is_running())
            .clicked(ui);
        if pressed {
            cx.open(question(event));
        }
    }

    /// Why it cannot be taken back, in a sentence.
    pub(super) fn why_not(&self, event: &Event) -> Option<String> {
        if event.outcome != Outcome::Allowed {
            return Some("It was refused, so there is nothing to take back.".to_owned());
        }
        match &event.undo {
            Undo::Nothing => Some("It changed nothing that could be taken back.".to_owned()),
            Undo::Impossible(why) => Some(format!("It cannot be taken back: {why}.")),
            Undo::Done(by) => Some(format!("It was taken back by event {by}.")),
            Undo::Possible => self.refusal.as_ref().map(|refusal| refusal.message.clone()),
        }
    }

    /// Asks the service, once for each event and configuration.
    fn judge(&mut self, cx: &Context<'_>, event: &Event) {
        if let Some(Ok(refusal)) = self.judging.poll() {
            self.refusal = refusal;
        }
        let of = (event.seq, cx.view.snapshot.seq);
        if event.undo != Undo::Possible || self.of == Some(of) {
            return;
        }
        if self.of.is_none_or(|(seq, _)| seq != event.seq) {
            self.refusal = None;
        }
        self.of = Some(of);
        self.judging.start(cx.backend.judge(command(event)));
    }
}

fn command(event: &Event) -> Command {
    Command::UndoEvent(UndoEvent {
        event_seq: event.seq,
    })
}

/// The question before, with what it does.
fn question(event: &Event) -> Confirm {
    let back = |change: &FieldChange| FieldChange {
        before: change.after.clone(),
        after: change.before.clone(),
        ..change.clone()
    };
    let mut lines: Vec<String> = event
        .changes
        .iter()
        .take(LINES)
        .map(|change| {
            let change = back(change);
            format!(
                "{} of {}: {}",
                change.field,
                change.resource,
                before_and_after(&change)
            )
        })
        .collect();
    let more = event.changes.len().saturating_sub(LINES);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    let (action, seq) = (&event.action, event.seq);
    let title = format!("Take back {action} of event {seq}?");
    Confirm::new(
        title,
        "Undo",
        command(event),
        format!("{action} was taken back"),
    )
    .body(lines.join("\n"))
    .previewed()
}

/// Finds the last change of one's own that can be taken back, and asks whether to.
pub struct UndoLast {
    looking: Work<Answer>,
    asked: bool,
    who: String,
}

impl Default for UndoLast {
    fn default() -> Self {
        Self {
            looking: Work::default(),
            asked: false,
            who: Caller::myself(Face::Window).name,
        }
    }
}

impl Dialog for UndoLast {
    fn ui(&mut self, cx: &mut Context<'_>, _ctx: &egui::Context) -> Stay {
        if !self.asked {
            self.asked = true;
            let attribute = |key: &str, value: &str| LookupAttribute {
                key: key.to_owned(),
                value: value.to_owned(),
            };
            let command = Command::LookupEvents(LookupEvents {
                max_results: Some(LOOKED_AT),
                lookup_attributes: vec![
                    attribute("Username", &self.who),
                    attribute("ReadOnly", "false"),
                ],
                ..LookupEvents::default()
            });
            self.looking.start(cx.backend.call(command));
        }
        match self.looking.poll() {
            None => return Stay::Open,
            Some(Ok(Answer::Events(page))) => {
                let can_be = |event: &&Event| {
                    event.outcome == Outcome::Allowed && event.undo == Undo::Possible
                };
                match page.events.iter().find(can_be) {
                    Some(event) => cx.open(question(event)),
                    None => cx.ask(Action::Trouble(
                        "None of your latest changes can be taken back. The event history says why of each."
                            .to_owned(),
                    )),
                }
            }
            Some(Ok(_)) => {}
            Some(Err(refusal)) => cx.ask(Action::Trouble(refusal.message)),
        }
        Stay::Closed
    }
}

/// Changes that the question lists.
const LINES: usize = 8;
/// Events among which a change that can be taken back is looked for.
const LOOKED_AT: u32 = 100;
