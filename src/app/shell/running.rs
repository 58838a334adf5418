//! Several commands that share a question and an outcome.

use std::sync::Arc;

use crate::{
    app::{
        backend::{Backend, Work},
        context::OneOf,
    },
    model::{Command, Request},
};

/// Several commands that are sent one after the other.
pub(super) struct RunningSet {
    act: String,
    /// Of each what it changes, and what takes it back.
    each: Vec<(String, Option<Command>)>,
    /// Of each what it was refused for, if it was.
    pub(super) work: Work<Vec<Option<String>>>,
}

impl RunningSet {
    pub(super) fn start(backend: &Backend, act: String, changes: Vec<OneOf>) -> Self {
        let (each, commands): (_, Vec<Command>) = changes
            .into_iter()
            .map(|it| ((it.label, it.undo), it.command))
            .unzip();
        let console = Arc::clone(backend.console());
        let mut work = Work::default();
        work.start(backend.spawn(async move {
            let mut refused = Vec::with_capacity(commands.len());
            for command in commands {
                let outcome = console.call(Request::from(command)).await;
                refused.push(outcome.err().map(|refusal| refusal.message));
            }
            Ok(refused)
        }));
        Self { act, each, work }
    }

    /// What to say, by what each was refused for.
    pub(super) fn ended(&self, refused: &[Option<String>]) -> Ended {
        let all = self.each.len();
        let mut undo = Vec::new();
        let mut wrong = Vec::new();
        for ((label, back), refused) in self.each.iter().zip(refused) {
            match (refused, back) {
                (Some(why), _) => wrong.push(format!("{label}: {why}")),
                (None, Some(back)) => undo.push(OneOf {
                    label: label.clone(),
                    command: back.clone(),
                    undo: None,
                }),
                (None, None) => {}
            }
        }
        undo.reverse();
        let done = all - wrong.len();
        let said = match wrong.len() {
            0 => format!("{}: done", self.act),
            _ => format!("{}: {done} of {all} done", self.act),
        };
        let more = match wrong.len().saturating_sub(REFUSALS_SAID) {
            0 => String::new(),
            more => format!("\nand {more} more, which are in the event history"),
        };
        let (count, first) = (wrong.len(), wrong.iter().take(REFUSALS_SAID));
        let first: Vec<&str> = first.map(String::as_str).collect();
        let refused = format!(
            "{}: {count} of {all} refused\n{}{more}",
            self.act,
            first.join("\n")
        );
        Ended {
            done: (done > 0).then_some((said, undo)),
            refused: (count > 0).then_some(refused),
        }
    }
}

/// What is said of several commands that have ended.
pub(super) struct Ended {
    /// Of those that were carried out, with what takes them back.
    pub(super) done: Option<(String, Vec<OneOf>)>,
    /// Of those that were refused.
    pub(super) refused: Option<String>,
}

/// Refusals that one toast tells.
const REFUSALS_SAID: usize = 8;
