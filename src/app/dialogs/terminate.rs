//! Terminate Connection: one or several, after saying how many and whom.

use std::collections::BTreeSet;

use super::{Dialog, Stay};
use crate::{
    app::{
        backend::Work,
        context::{Action, Context},
        kit,
    },
    model::{
        Answer, Code, Command, ConnectionId, ConnectionState, EndpointId, Refusal, Request, View,
        command::TerminateConnections,
    },
};

/// Names that are spelled out in the question; the others are counted.
const NAMED: usize = 6;

/// A connection to end.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Victim {
    endpoint: EndpointId,
    id: ConnectionId,
    name: String,
}

/// The dialog.
pub struct Terminate {
    victims: Vec<Victim>,
    title: String,
    body: String,
    work: Work<Tally>,
    refusal: Option<String>,
}

/// What became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    ended: usize,
    silent: usize,
}

impl Terminate {
    /// For those of `ids` that are live.
    #[must_use]
    pub fn new<'a>(view: &View, ids: impl Iterator<Item = &'a ConnectionId>) -> Self {
        let ids: BTreeSet<&ConnectionId> = ids.collect();
        let victims: Vec<Victim> = view
            .live
            .connections
            .iter()
            .filter(|c| ids.contains(&c.id) && c.state == ConnectionState::Active)
            .map(|c| Victim {
                endpoint: c.endpoint_id.clone(),
                id: c.id.clone(),
                name: c.common_name.clone(),
            })
            .collect();
        Self {
            title: question(&victims),
            body: consequence(&victims),
            victims,
            work: Work::default(),
            refusal: None,
        }
    }

    /// Ends them one after the other: one that fails does not keep the others.
    fn start(&mut self, cx: &Context<'_>) {
        let console = std::sync::Arc::clone(cx.backend.console());
        let victims = self.victims.clone();
        self.work.start(cx.backend.spawn(async move {
            let mut tally = Tally::default();
            for victim in victims {
                let fields = TerminateConnections {
                    client_vpn_endpoint_id: victim.endpoint.to_string(),
                    connection_id: Some(victim.id.to_string()),
                    username: None,
                    ..TerminateConnections::default()
                };
                let command = Command::TerminateClientVpnConnections(fields);
                match console.call(Request::from(command)).await {
                    Ok(answer) => tally.count(&answer),
                    // It ended by itself meanwhile, which is what was asked for.
                    Err(refusal) if refusal.code == Code::ConnectionNotFound => tally.ended += 1,
                    Err(refusal) => return Err(so_far(tally, &refusal)),
                }
            }
            Ok(tally)
        }));
    }
}

impl Tally {
    fn count(&mut self, answer: &Answer) {
        let silent = matches!(answer, Answer::Terminations(t)
            if t.connections.iter().any(|c| c.current != ConnectionState::Terminated));
        if silent {
            self.silent += 1;
        } else {
            self.ended += 1;
        }
    }

    fn words(self) -> String {
        let noun = |n: usize| if n == 1 { "connection" } else { "connections" };
        match (self.ended, self.silent) {
            (ended, 0) => format!("{ended} {} terminated", noun(ended)),
            (0, silent) => format!("{silent} {} did not answer yet", noun(silent)),
            (ended, silent) => {
                format!(
                    "{ended} {} terminated, {silent} did not answer",
                    noun(ended)
                )
            }
        }
    }
}

fn so_far(tally: Tally, refusal: &Refusal) -> Refusal {
    let mut refusal = refusal.clone();
    if tally != Tally::default() {
        refusal.message = format!("{}. Then: {}", tally.words(), refusal.message);
    }
    refusal
}

fn question(victims: &[Victim]) -> String {
    match victims {
        [one] => format!("Terminate the connection of {}?", one.name),
        many => format!("Terminate {} connections?", many.len()),
    }
}

fn consequence(victims: &[Victim]) -> String {
    let again = "Whoever still has a valid certificate can connect again.";
    if victims.len() == 1 {
        return format!("The session ends at once, with all that runs through it. {again}");
    }
    let names: Vec<&str> = victims
        .iter()
        .take(NAMED)
        .map(|v| v.name.as_str())
        .collect();
    let more = match victims.len().saturating_sub(NAMED) {
        0 => String::new(),
        rest => format!(" and {rest} more"),
    };
    format!(
        "Ends {} sessions: {}{more}. {again}",
        victims.len(),
        names.join(", ")
    )
}

impl Dialog for Terminate {
    fn ui(&mut self, cx: &mut Context<'_>, ctx: &egui::Context) -> Stay {
        if self.victims.is_empty() {
            cx.ask(Action::Toast("The connection has ended already".to_owned()));
            return Stay::Closed;
        }
        match self.work.poll() {
            Some(Ok(tally)) => {
                kit::close_dialog(ctx, &self.title);
                cx.ask(Action::Toast(tally.words()));
                return Stay::Closed;
            }
            Some(Err(refusal)) => self.refusal = Some(refusal.message),
            None => {}
        }
        let act = match self.victims.len() {
            1 => "Terminate Connection".to_owned(),
            n => format!("Terminate {n} connections"),
        };
        let shown = kit::confirm_dialog(&self.title, &act)
            .body(&self.body)
            .working(self.work.is_running())
            .refusal(self.refusal.as_deref())
            .show(ctx);
        match shown {
            kit::Dialog::Closed => {
                if self.work.is_running() {
                    let work = std::mem::take(&mut self.work);
                    cx.ask(Action::Follow(work.saying(Tally::words)));
                }
                return Stay::Closed;
            }
            kit::Dialog::Submitted if !self.work.is_running() => {
                self.refusal = None;
                self.start(cx);
            }
            _ => {}
        }
        Stay::Open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn victim(name: &str) -> Victim {
        Victim {
            endpoint: EndpointId::from_random([1; 9]),
            id: ConnectionId::from_random([2; 9]),
            name: name.into(),
        }
    }

    #[test]
    fn the_question_says_how_many_and_whom() {
        assert_eq!(
            question(&[victim("a.lindqvist")]),
            "Terminate the connection of a.lindqvist?"
        );
        let many: Vec<Victim> = (0..8).map(|n| victim(&format!("u{n}"))).collect();
        assert_eq!(question(&many), "Terminate 8 connections?");
        assert!(
            consequence(&many).starts_with("Ends 8 sessions: u0, u1, u2, u3, u4, u5 and 2 more.")
        );
    }

    #[test]
    fn the_outcome_counts_those_that_did_not_answer() {
        let words = |ended, silent| Tally { ended, silent }.words();
        assert_eq!(words(1, 0), "1 connection terminated");
        assert_eq!(words(3, 1), "3 connections terminated, 1 did not answer");
        assert_eq!(words(0, 2), "2 connections did not answer yet");
    }
}
