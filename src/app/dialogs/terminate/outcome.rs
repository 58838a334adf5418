//! Ending connections, and what became of each.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use super::{super::Stay, Victim};
use crate::{
    app::{
        context::Context,
        form, format,
        kit::{self, Column, Rows, Selection, Tone, column, rest_column},
        shell::plural,
    },
    control::Console,
    model::{
        Answer, Code, Command, ConnectionId, ConnectionState, EndpointId, Live, Refusal,
        command::{TerminateConnections, Termination},
    },
};

/// What became of one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    id: ConnectionId,
    name: String,
    ip: String,
    /// None where it had ended by itself before.
    state: Option<ConnectionState>,
}

impl Told {
    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, None | Some(ConnectionState::Terminated))
    }

    fn word(&self) -> &'static str {
        match self.state {
            None => "Had ended by itself",
            Some(ConnectionState::Terminated) => "Terminated",
            Some(ConnectionState::FailedToTerminate) => "Failed: the gateway did not answer",
            Some(_) => "Told to end, did not answer yet",
        }
    }
}

/// Ends `victims`, or everything of `user` where one is named, with one command for each endpoint.
pub(super) async fn end(
    console: &dyn Console,
    victims: Vec<Victim>,
    user: Option<String>,
    block_minutes: Option<u32>,
    known: &BTreeMap<ConnectionId, (String, String)>,
) -> Result<Vec<Told>, Refusal> {
    let mut by_endpoint: BTreeMap<EndpointId, Vec<Victim>> = BTreeMap::new();
    for victim in victims {
        let of = by_endpoint.entry(victim.endpoint.clone()).or_default();
        of.push(victim);
    }
    let mut told = Vec::new();
    for (endpoint, victims) in by_endpoint {
        let fields = TerminateConnections {
            client_vpn_endpoint_id: endpoint.to_string(),
            block_minutes,
            ..TerminateConnections::default()
        };
        let ended = of_endpoint(console, fields, &victims, user.as_deref(), known).await;
        match ended {
            Ok(ended) => told.extend(ended),
            Err(refusal) => return Err(so_far(&told, refusal)),
        }
    }
    Ok(told)
}

async fn of_endpoint(
    console: &dyn Console,
    fields: TerminateConnections,
    victims: &[Victim],
    user: Option<&str>,
    known: &BTreeMap<ConnectionId, (String, String)>,
) -> Result<Vec<Told>, Refusal> {
    let whole = match (user, victims) {
        // One call ends no more than this many of a user by name.
        (Some(user), _) if victims.len() <= MOST_BY_NAME => TerminateConnections {
            username: Some(user.to_owned()),
            ..fields.clone()
        },
        (_, [one]) => TerminateConnections {
            connection_id: Some(one.id.to_string()),
            ..fields.clone()
        },
        (_, many) => TerminateConnections {
            connection_ids: many.iter().map(|it| it.id.to_string()).collect(),
            ..fields.clone()
        },
    };
    match call(console, whole).await {
        Ok(ended) => return Ok(ended.into_iter().map(|it| named(it, known)).collect()),
        // Of several, some ended by themselves meanwhile, which is what was asked for.
        Err(refusal) if is_over(&refusal) => {}
        Err(refusal) => return Err(refusal),
    }
    let mut told: Vec<Told> = Vec::new();
    for victim in victims {
        if told.iter().any(|it| it.id == victim.id) {
            continue;
        }
        let one = TerminateConnections {
            connection_id: Some(victim.id.to_string()),
            ..fields.clone()
        };
        match call(console, one).await {
            Ok(ended) => told.extend(ended.into_iter().map(|it| named(it, known))),
            Err(refusal) if is_over(&refusal) => told.push(Told {
                id: victim.id.clone(),
                name: victim.name.clone(),
                ip: victim.ip.clone(),
                state: None,
            }),
            Err(refusal) => return Err(so_far(&told, refusal)),
        }
    }
    Ok(told)
}

async fn call(
    console: &dyn Console,
    fields: TerminateConnections,
) -> Result<Vec<Termination>, Refusal> {
    match form::call(console, Command::TerminateClientVpnConnections(fields)).await? {
        Answer::Terminations(ended) => Ok(ended.connections),
        _ => Err(form::unexpected()),
    }
}

fn is_over(refusal: &Refusal) -> bool {
    matches!(refusal.code, Code::ConnectionNotFound | Code::UserNotFound)
}

fn named(ended: Termination, known: &BTreeMap<ConnectionId, (String, String)>) -> Told {
    let (name, ip) = match known.get(&ended.id) {
        Some((name, ip)) => (name.clone(), ip.clone()),
        None => (ended.id.to_string(), "–".to_owned()),
    };
    Told {
        id: ended.id,
        name,
        ip,
        state: Some(ended.current),
    }
}

fn so_far(told: &[Told], refusal: Refusal) -> Refusal {
    if told.is_empty() {
        return refusal;
    }
    let message = format!("{}. Then: {}", words(told), refusal.message);
    Refusal { message, ..refusal }
}

/// "3 connections terminated, 1 did not answer".
pub(super) fn words(told: &[Told]) -> String {
    let over = told.iter().filter(|it| it.is_over()).count();
    let noun = |n: usize| plural(n, "connection", "connections");
    match (over, told.len() - over) {
        (over, 0) => format!("{} terminated", noun(over)),
        (0, silent) => format!("{} did not answer yet", noun(silent)),
        (over, silent) => format!("{} terminated, {silent} did not answer", noun(over)),
    }
}

const COLUMNS: [Column<'static>; 3] = [
    column("Common name", 140.0).unsorted(),
    column("Client IP", 110.0).unsorted(),
    rest_column("Outcome").unsorted(),
];

/// What became of each, until it is put away.
pub(super) struct Outcomes {
    told: Vec<Told>,
    /// What was looked at last for those that did not answer.
    looked: Option<Arc<Live>>,
    selection: Selection<ConnectionId>,
}

impl Outcomes {
    pub(super) fn new(mut told: Vec<Told>) -> Self {
        // Those that did not end come first: they are what one looks for.
        told.sort_by_key(|it| (it.is_over(), it.name.to_lowercase()));
        Self {
            told,
            looked: None,
            selection: Selection::default(),
        }
    }

    /// Those that did not answer at first end a moment later.
    fn follow(&mut self, cx: &Context<'_>) {
        let live = &cx.view.live;
        let is_known = self.looked.as_ref().is_some_and(|it| Arc::ptr_eq(it, live));
        if is_known || self.told.iter().all(Told::is_over) {
            return;
        }
        self.looked = Some(Arc::clone(live));
        let ended = live.connections.iter().filter(|c| c.ended_at.is_some());
        let ended: HashSet<&ConnectionId> = ended.map(|c| &c.id).collect();
        let silent = self.told.iter_mut().filter(|it| !it.is_over());
        for told in silent.filter(|it| ended.contains(&it.id)) {
            told.state = Some(ConnectionState::Terminated);
        }
    }

    pub(super) fn ui(&mut self, cx: &Context<'_>, ctx: &egui::Context) -> Stay {
        self.follow(cx);
        let words = words(&self.told);
        let rows = format::count(self.told.len() as u64);
        let shown = kit::form_dialog("What became of the connections", "Close").show(ctx, |ui| {
            let over = self.told.iter().all(Told::is_over);
            let tone = if over { Tone::Success } else { Tone::Warning };
            kit::banner(tone, &words).ui(ui);
            let height = (30.0 + 28.0 * self.told.len() as f32).min(300.0);
            let name = format!("Outcome of {rows}");
            kit::table(&name, &COLUMNS, &mut self.selection)
                .height(height)
                .show(ui, &mut Drawn { told: &self.told });
        });
        match shown {
            kit::Dialog::Open => Stay::Open,
            kit::Dialog::Submitted => {
                kit::close_dialog(ctx, "What became of the connections");
                Stay::Closed
            }
            kit::Dialog::Closed => Stay::Closed,
        }
    }
}

struct Drawn<'a> {
    told: &'a [Told],
}

impl Rows for Drawn<'_> {
    type Key = ConnectionId;

    fn len(&self) -> usize {
        self.told.len()
    }

    fn key(&self, row: usize) -> ConnectionId {
        self.told[row].id.clone()
    }

    fn name(&self, row: usize) -> String {
        let row = &self.told[row];
        format!("{}, {}, {}", row.name, row.ip, row.word())
    }

    fn cell(&mut self, ui: &mut egui::Ui, row: usize, column: usize) {
        let row = &self.told[row];
        match column {
            0 => drop(kit::cell_name(ui, &row.name)),
            1 => drop(kit::cell_mono(ui, &row.ip)),
            _ => {
                let tone = match row.state {
                    _ if row.is_over() => Tone::Success,
                    Some(ConnectionState::FailedToTerminate) => Tone::Danger,
                    _ => Tone::Warning,
                };
                kit::status(tone, row.word()).ui(ui);
            }
        }
    }
}

/// The service's limit for one command by user name.
const MOST_BY_NAME: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn told(number: u8, state: Option<ConnectionState>) -> Told {
        Told {
            id: ConnectionId::from_random([number; 9]),
            name: format!("u{number}"),
            ip: "10.20.0.9".to_owned(),
            state,
        }
    }

    #[test]
    fn the_outcome_counts_those_that_did_not_answer() {
        let over = || told(1, Some(ConnectionState::Terminated));
        let silent = || told(2, Some(ConnectionState::Terminating));
        assert_eq!(words(&[over()]), "1 connection terminated");
        assert_eq!(words(&[over(), told(3, None)]), "2 connections terminated");
        assert_eq!(
            words(&[over(), over(), silent()]),
            "2 connections terminated, 1 did not answer"
        );
        assert_eq!(
            words(&[silent(), silent()]),
            "2 connections did not answer yet"
        );
    }

    #[test]
    fn those_that_did_not_end_come_first() {
        let failed = told(9, Some(ConnectionState::FailedToTerminate));
        let outcomes = Outcomes::new(vec![told(1, None), failed]);
        let names: Vec<&str> = outcomes.told.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["u9", "u1"]);
    }
}
