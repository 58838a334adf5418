//! The guide from nothing to the first connection, in the steps of AWS's own.

mod authorization;
mod certificates;
mod client;
mod endpoint;
mod facts;
mod internet;
mod network;

use egui::{Frame, Margin, Rect, ScrollArea, Ui, UiBuilder, pos2, vec2};
use jiff::Timestamp;

use super::Page;
use crate::{
    app::{
        context::{Action, Context, Screen},
        format,
        kit::{self, PathLink, PathNode, Progress, StepItem, Tone, icons},
    },
    model::{Access, Command, ConnectionState, View, command::ModifySettings},
};
use facts::{Facts, STEPS};

/// The page.
#[derive(Default)]
pub struct GettingStarted {
    /// The step looked at; none follows what is still to be done.
    shown: Option<usize>,
    /// The way to the internet was left out.
    left_out: bool,
    certificates: certificates::Certificates,
    endpoint: endpoint::NewEndpoint,
    network: network::Network,
    authorization: authorization::Authorization,
    internet: internet::Internet,
    client: client::FirstClient,
}

/// The one button at the bottom right.
struct Primary {
    words: &'static str,
    working: bool,
    /// Why it is off.
    off: Option<String>,
}

impl Primary {
    fn new(words: &'static str) -> Self {
        Self {
            words,
            working: false,
            off: None,
        }
    }

    fn working(mut self, working: bool) -> Self {
        self.working = working;
        self
    }

    fn off(mut self, because: Option<&str>) -> Self {
        self.off = because.map(str::to_owned);
        self
    }
}

/// One step of the guide.
trait Step {
    /// Takes in what came back; true once the step has been done by this.
    fn poll(&mut self, cx: &mut Context<'_>) -> bool;
    /// Draws it: what was done, or what is to be chosen and what that does.
    fn ui(&mut self, cx: &mut Context<'_>, ui: &mut Ui, facts: &Facts);
    /// The button.
    fn primary(&self, facts: &Facts) -> Primary;
    /// Does what the button says; true where nothing has to be waited for.
    fn act(&mut self, cx: &mut Context<'_>, facts: &Facts) -> bool;
}

impl Page for GettingStarted {
    fn ui(&mut self, cx: &mut Context<'_>, ui: &mut Ui) {
        let facts = Facts::of(cx.view, cx.now);
        let at = self.shown.unwrap_or_else(|| facts.next(self.left_out));
        if self.step(at).poll(cx) {
            self.shown = Some((at + 1).min(STEPS - 1));
            ui.ctx().request_repaint();
        }
        let purpose = format!("Step {} of {STEPS}", at + 1);
        let skip = kit::page_head(ui, "Getting Started", "", &purpose, |ui| {
            let skip = kit::button("Skip for now").ghost();
            skip.hint("The guide can be shown again in the settings")
                .clicked(ui)
        });
        if skip {
            finish(cx, "Getting Started skipped");
        }
        let page = ui.available_rect_before_wrap();
        self.left(cx, ui, page, at, &facts);
        self.right(cx, ui, page, at, &facts);
        ui.advance_cursor_after_rect(page);
    }

    fn count(&self, view: &View, now: Timestamp) -> String {
        let next = Facts::of(view, now).next(self.left_out);
        format!("{} of {STEPS}", next + 1)
    }
}

impl GettingStarted {
    fn step(&mut self, index: usize) -> &mut dyn Step {
        match index {
            0 => &mut self.certificates,
            1 => &mut self.endpoint,
            2 => &mut self.network,
            3 => &mut self.authorization,
            4 => &mut self.internet,
            _ => &mut self.client,
        }
    }

    /// The steps, and below them what all is for.
    fn left(&mut self, cx: &Context<'_>, ui: &mut Ui, page: Rect, at: usize, facts: &Facts) {
        let place = Rect::from_min_max(
            pos2(page.left() + 12.0, page.top() + 4.0),
            pos2(page.left() + 12.0 + STEPPER, page.bottom() - 20.0),
        );
        let mut ui = ui.new_child(UiBuilder::new().id_salt("steps").max_rect(place));
        ScrollArea::vertical()
            .id_salt("steps")
            .auto_shrink(false)
            .show(&mut ui, |ui| {
                let details = details(facts, self.left_out);
                let items: Vec<StepItem<'_>> = TITLES
                    .iter()
                    .zip(&details)
                    .enumerate()
                    .map(|(index, (title, detail))| StepItem {
                        title,
                        detail,
                        progress: progress(facts, index, at),
                    })
                    .collect();
                if let Some(chosen) = kit::stepper(ui, &items) {
                    self.shown = Some(chosen);
                }
                ui.add_space(20.0);
                first_connection(cx, ui, facts);
            });
    }

    /// The path, the step, and its buttons always at the same place.
    fn right(&mut self, cx: &mut Context<'_>, ui: &mut Ui, page: Rect, at: usize, facts: &Facts) {
        let place = Rect::from_min_max(
            pos2(page.left() + 12.0 + STEPPER + 26.0, page.top() + 4.0),
            pos2(page.right() - 18.0, page.bottom() - 20.0),
        );
        let foot = place.with_min_y(place.bottom() - FOOT);
        let place = place.with_max_y(foot.top() - 12.0);
        let mut body = ui.new_child(UiBuilder::new().id_salt(("step", at)).max_rect(place));
        // Two points around everything, for the ring of what has the focus.
        Frame::new()
            .inner_margin(Margin::symmetric(2, 0))
            .show(&mut body, |ui| path(ui, cx, facts, at));
        body.add_space(20.0);
        ScrollArea::vertical()
            .id_salt(("step", at))
            .auto_shrink(false)
            .show(&mut body, |ui| {
                Frame::new().inner_margin(Margin::same(2)).show(ui, |ui| {
                    ui.set_width(ui.available_width());
                    ui.spacing_mut().item_spacing = vec2(8.0, 12.0);
                    self.step(at).ui(cx, ui, facts);
                });
            });
        let layout = egui::Layout::right_to_left(egui::Align::Center);
        let foot = UiBuilder::new()
            .id_salt("step's buttons")
            .max_rect(foot.with_max_x(foot.right() - 2.0))
            .layout(layout);
        self.buttons(cx, &mut ui.new_child(foot), at, facts);
    }

    fn buttons(&mut self, cx: &mut Context<'_>, ui: &mut Ui, at: usize, facts: &Facts) {
        ui.spacing_mut().item_spacing.x = 8.0;
        let primary = self.step(at).primary(facts);
        let button = kit::button(primary.words)
            .primary()
            .form()
            .working(primary.working)
            .disabled_because(primary.off.as_deref());
        if button.clicked(ui) && self.step(at).act(cx, facts) {
            self.left_out |= at == 4;
            self.shown = Some((at + 1).min(STEPS - 1));
        }
        if at > 0 && kit::button("Back").form().clicked(ui) {
            self.shown = Some(at - 1);
        }
    }
}

const TITLES: [&str; STEPS] = [
    "Certificates",
    "Client VPN endpoint",
    "Target network",
    "Authorization",
    "Internet and other routes",
    "Client configuration",
];

/// What each step is for, or what came of it.
fn details(facts: &Facts, left_out: bool) -> [String; STEPS] {
    let certificates = match (&facts.server, &facts.root) {
        (Some(server), Some(_)) => server.title().to_owned(),
        _ => "Make them here, or bring your own".to_owned(),
    };
    let endpoint = match &facts.endpoint {
        Some(endpoint) => format!("{}, {}", endpoint.title(), listens(endpoint)),
        None => "Where clients connect to".to_owned(),
    };
    let network = match (&facts.vpc, &facts.subnet) {
        (Some(vpc), Some(subnet)) => format!("{}, {}", vpc.title(), subnet.cidr),
        _ => "Choose what clients may reach".to_owned(),
    };
    let authorization = match facts.rules.as_slice() {
        [] => "Decide who may reach it".to_owned(),
        [rule] if rule.access == Access::AllUsers => format!("All users, {}", rule.destination),
        [rule] => format!("A group, {}", rule.destination),
        rules => format!("{} rules", rules.len()),
    };
    let internet = match (facts.internet, left_out) {
        (true, _) => "Through this machine",
        (false, true) => "Left out",
        (false, false) => "Optional",
    };
    let client = match (&facts.connection, &facts.client) {
        (Some(connection), _) => connection.common_name.clone(),
        (None, Some(client)) => format!("{} can connect", client.title()),
        (None, None) => "Save the file, connect a client".to_owned(),
    };
    [
        certificates,
        endpoint,
        network,
        authorization,
        internet.to_owned(),
        client,
    ]
}

fn listens(endpoint: &crate::model::Endpoint) -> String {
    format!(
        "{} {}",
        endpoint.transport.to_string().to_uppercase(),
        endpoint.port
    )
}

fn progress(facts: &Facts, step: usize, at: usize) -> Progress {
    if step == at {
        Progress::Now
    } else if facts.is_done(step) || step < at {
        Progress::Done
    } else {
        Progress::Ahead
    }
}

/// From clients to the target network, lit as far as it goes.
fn path(ui: &mut Ui, cx: &Context<'_>, facts: &Facts, at: usize) {
    let endpoint = facts.endpoint.as_ref();
    let range = endpoint.map_or_else(String::new, |e| e.client_cidr.to_string());
    let address = cx.view.snapshot.settings.public_address.as_deref();
    let place = match (endpoint, address) {
        (Some(endpoint), Some(address)) => format!("{address}:{}", endpoint.port),
        (Some(endpoint), None) => listens(endpoint),
        (None, _) => String::new(),
    };
    let target = facts
        .subnet
        .as_ref()
        .map_or_else(String::new, |subnet| subnet.cidr.to_string());
    let connected = facts.connection.is_some();
    let reached = facts.association.is_some() && !facts.rules.is_empty();
    let part = |done: bool, now: bool| match (done, now) {
        (true, _) => Progress::Done,
        (false, true) => Progress::Now,
        (false, false) => Progress::Ahead,
    };
    let nodes = [
        PathNode {
            icon: icons::LAPTOP,
            title: "Clients",
            value: &range,
            progress: part(connected, at == 5),
        },
        PathNode {
            icon: icons::CASTLE_TURRET,
            title: endpoint.map_or("Gateway", |endpoint| endpoint.title()),
            value: &place,
            progress: part(endpoint.is_some(), at <= 1),
        },
        PathNode {
            icon: icons::NETWORK,
            title: "Target network",
            value: &target,
            progress: part(facts.association.is_some(), at == 2),
        },
    ];
    let label = |done: bool, now: bool, step: &'static str| match (done, now) {
        (true, _) => "",
        (false, true) => "this step",
        (false, false) => step,
    };
    let to_network = matches!(at, 2 | 3);
    let next = if facts.association.is_some() {
        "step 4"
    } else {
        "step 3"
    };
    let links = [
        PathLink {
            label: label(connected, at == 5, "step 6"),
            progress: part(connected, at == 5),
        },
        PathLink {
            label: label(reached, to_network, next),
            progress: part(reached, to_network),
        },
    ];
    kit::path_diagram(ui, &nodes, &links);
}

/// Stands from the first step on, and turns green.
fn first_connection(cx: &Context<'_>, ui: &mut Ui, facts: &Facts) {
    let Some(connection) = &facts.connection else {
        kit::banner(Tone::Ended, "Waiting for the first connection")
            .body("Turns green when a client gets through.")
            .icon(icons::CIRCLE_DASHED)
            .ui(ui);
        return;
    };
    let title = if connection.state == ConnectionState::Active {
        format!("{} is connected", connection.common_name)
    } else {
        format!("{} was connected", connection.common_name)
    };
    let since = format::moment(connection.established_at, cx.now, cx.zone);
    let body = format!(
        "From {} as {}, since {since}.",
        connection.device.ip(),
        connection.client_ip
    );
    kit::banner(Tone::Success, &title).body(&body).ui(ui);
}

/// Title and purpose of a step.
fn heading(ui: &mut Ui, title: &str, purpose: &str) {
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 4.0;
        kit::page_title(ui, title);
        kit::body(ui, purpose);
    });
}

/// What will happen, before the act.
fn what_this_does(ui: &mut Ui, words: &str) {
    kit::banner(Tone::Info, "What this does").body(words).ui(ui);
}

/// A refusal that belongs to none of the fields.
fn refused(ui: &mut Ui, words: Option<&str>) {
    if let Some(words) = words {
        kit::banner(Tone::Danger, "This was refused")
            .body(words)
            .ui(ui);
    }
}

/// Leaves the guide.
fn finish(cx: &mut Context<'_>, words: &str) {
    let done = Command::ModifySettings(ModifySettings {
        getting_started_done: Some(true),
        ..ModifySettings::default()
    });
    let again = Command::ModifySettings(ModifySettings {
        getting_started_done: Some(false),
        ..ModifySettings::default()
    });
    cx.run(done, words, Some(again));
    cx.ask(Action::Go(Screen::Endpoints));
}

/// Width of the steps, in points.
const STEPPER: f32 = 252.0;
/// Height of the row of buttons.
const FOOT: f32 = 34.0;
