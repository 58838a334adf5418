//! Terminate Connection: one, several, or all of a user, after saying how many and whom; for each
//! of them it then says what became of it.

mod outcome;

use std::collections::{BTreeMap, BTreeSet};

use egui::Ui;

use super::{Dialog, Stay};
use crate::{
    app::{
        context::{Action, Context},
        form::Form,
        format,
        kit::{self, Dialog as Shown},
    },
    model::{Code, Connection, ConnectionId, ConnectionState, EndpointId, Refusal, View},
};
use outcome::{Outcomes, Told};

/// Names that are spelled out in the question; the others are counted.
const NAMED: usize = 6;
const MINUTES: (&str, &str) = ("BlockMinutes", "Minutes");

/// A connection to end.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Victim {
    endpoint: EndpointId,
    id: ConnectionId,
    name: String,
    ip: String,
}

impl Victim {
    fn of(connection: &Connection) -> Self {
        Self {
            endpoint: connection.endpoint_id.clone(),
            id: connection.id.clone(),
            name: connection.common_name.clone(),
            ip: connection.client_ip.to_string(),
        }
    }
}

/// The dialog.
pub struct Terminate {
    victims: Vec<Victim>,
    title: String,
    /// The user's further connections to the endpoint, where one connection is asked about.
    others: Vec<Victim>,
    with_others: bool,
    /// Clients are kept out for so many minutes.
    blocks: bool,
    minutes: String,
    form: Form<Vec<Told>>,
    outcomes: Option<Outcomes>,
}

impl Terminate {
    /// For those of `ids` that are live.
    #[must_use]
    pub fn new<'a>(view: &View, ids: impl Iterator<Item = &'a ConnectionId>) -> Self {
        let ids: BTreeSet<&ConnectionId> = ids.collect();
        let active = || {
            let all = view.live.connections.iter();
            all.filter(|c| c.state == ConnectionState::Active)
        };
        let victims: Vec<Victim> = active()
            .filter(|c| ids.contains(&c.id))
            .map(Victim::of)
            .collect();
        let others = match victims.as_slice() {
            [one] => active()
                .filter(|c| c.endpoint_id == one.endpoint && c.common_name == one.name)
                .filter(|c| c.id != one.id)
                .map(Victim::of)
                .collect(),
            _ => Vec::new(),
        };
        Self {
            title: question(&victims),
            victims,
            others,
            with_others: false,
            blocks: false,
            minutes: "60".to_owned(),
            form: Form::default(),
            outcomes: None,
        }
    }

    /// For all connections that the user of this one has to its endpoint.
    #[must_use]
    pub fn all_of_user(view: &View, id: &ConnectionId) -> Self {
        let mut dialog = Self::new(view, std::iter::once(id));
        dialog.with_others = true;
        dialog
    }

    /// Whom it ends, as it is set now.
    fn chosen(&self) -> impl Iterator<Item = &Victim> {
        let others = self.others.iter().filter(|_| self.with_others);
        self.victims.iter().chain(others)
    }

    /// How long their clients are kept out.
    fn minutes(&self) -> Result<Option<u32>, Refusal> {
        if !self.blocks {
            return Ok(None);
        }
        self.minutes.trim().parse().map(Some).map_err(|_| {
            let words = "Minutes are a whole number from 1 to 10,080, for example 60";
            Refusal::new(Code::InvalidParameterValue, words)
                .at(MINUTES.0)
                .cure("60")
        })
    }

    fn start(&mut self, cx: &Context<'_>) {
        let block = match self.minutes() {
            Ok(minutes) => minutes,
            Err(refusal) => return self.form.refuse(refusal),
        };
        let console = std::sync::Arc::clone(cx.backend.console());
        let victims: Vec<Victim> = self.chosen().cloned().collect();
        let user = (self.with_others && !self.others.is_empty())
            .then(|| self.victims.first().map(|it| it.name.clone()))
            .flatten();
        let known = known(cx.view, &victims);
        self.form.start(cx.backend.spawn(async move {
            outcome::end(console.as_ref(), victims, user, block, &known).await
        }));
    }

    /// What can be chosen beside it.
    fn options(&mut self, ui: &mut Ui) {
        ui.add_space(12.0);
        ui.spacing_mut().item_spacing.y = 8.0;
        if let Some(one) = self.victims.first()
            && !self.others.is_empty()
        {
            let label = format!(
                "End all {} connections of {}",
                self.others.len() + 1,
                one.name
            );
            kit::checkbox(ui, &mut self.with_others, &label);
        }
        let label = match self.chosen_names() {
            1 => "Keep the client out for a while",
            _ => "Keep these clients out for a while",
        };
        if kit::checkbox(ui, &mut self.blocks, label).changed() {
            self.form.forget();
        }
        if self.blocks {
            let (field, help) = (
                MINUTES,
                "All their connections to this endpoint end too. 1 to 10,080 minutes, which is a week; Connections lists who is kept out and lets them in again.",
            );
            self.form
                .text_with(ui, field, &mut self.minutes, ("60", help), |field| {
                    field.width(120.0)
                });
        }
    }

    fn chosen_names(&self) -> usize {
        let names: BTreeSet<&str> = self.chosen().map(|it| it.name.as_str()).collect();
        names.len()
    }

    fn ask(&mut self, cx: &mut Context<'_>, ctx: &egui::Context) -> Stay {
        let count = self.chosen().count();
        let act = match count {
            1 => "Terminate Connection".to_owned(),
            n => format!("Terminate {n} connections"),
        };
        let body = consequence(&self.chosen().collect::<Vec<_>>());
        let (title, working) = (self.title.clone(), self.form.is_working());
        let refusal = self.form.elsewhere().map(str::to_owned);
        let shown = kit::confirm_dialog(&title, &act)
            .body(&body)
            .working(working)
            .refusal(refusal.as_deref())
            .show_with(ctx, |ui| self.options(ui));
        match shown {
            Shown::Closed => {
                if working {
                    let outcome = self.form.hand_over(|told| outcome::words(&told));
                    cx.ask(Action::Follow(outcome));
                }
                return Stay::Closed;
            }
            Shown::Submitted if !working => self.start(cx),
            _ => {}
        }
        Stay::Open
    }
}

impl Dialog for Terminate {
    fn ui(&mut self, cx: &mut Context<'_>, ctx: &egui::Context) -> Stay {
        if self.victims.is_empty() {
            cx.ask(Action::Toast("The connection has ended already".to_owned()));
            return Stay::Closed;
        }
        if let Some(told) = self.form.poll() {
            kit::close_dialog(ctx, &self.title);
            let is_plain = told.len() == 1 && told.iter().all(Told::is_over);
            if is_plain {
                cx.ask(Action::Toast(outcome::words(&told)));
                return Stay::Closed;
            }
            self.outcomes = Some(Outcomes::new(told));
        }
        match &mut self.outcomes {
            Some(outcomes) => outcomes.ui(cx, ctx),
            None => self.ask(cx, ctx),
        }
    }
}

/// Name and address of every live connection to the endpoints concerned: a block ends more of them
/// than were named.
fn known(view: &View, victims: &[Victim]) -> BTreeMap<ConnectionId, (String, String)> {
    let endpoints: BTreeSet<&EndpointId> = victims.iter().map(|it| &it.endpoint).collect();
    let live = view.live.connections.iter();
    live.filter(|c| c.ended_at.is_none() && endpoints.contains(&c.endpoint_id))
        .map(|c| {
            (
                c.id.clone(),
                (c.common_name.clone(), c.client_ip.to_string()),
            )
        })
        .collect()
}

fn question(victims: &[Victim]) -> String {
    match victims {
        [one] => format!("Terminate the connection of {}?", one.name),
        many => format!("Terminate {} connections?", many.len()),
    }
}

fn consequence(victims: &[&Victim]) -> String {
    let again = "Whoever still has a valid certificate can connect again.";
    if victims.len() == 1 {
        return format!("The session ends at once, with all that runs through it. {again}");
    }
    let named: Vec<&str> = victims
        .iter()
        .take(NAMED)
        .map(|v| v.name.as_str())
        .collect();
    let more = match victims.len().saturating_sub(NAMED) {
        0 => String::new(),
        rest => format!(" and {} more", format::count(rest as u64)),
    };
    format!(
        "Ends {} sessions: {}{more}. {again}",
        format::count(victims.len() as u64),
        named.join(", ")
    )
}

#[cfg(test)]
mod tests;
