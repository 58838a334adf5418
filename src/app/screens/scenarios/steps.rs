//! The steps of a scenario: whether each is done, and the button that does it.

use egui::{Align, Layout, Ui, vec2};

use crate::{
    app::{
        context::{Action, Context, Screen},
        dialogs::{associate::Associate, resource::NewResource},
        kit::{self, Face, Tone},
    },
    model::{Command, EndpointId, Scenario, ScenarioStep, Snapshot},
};

/// Draws the steps; the one whose button was pressed. What was refused is said at its step.
pub(super) fn ui(
    cx: &mut Context<'_>,
    ui: &mut Ui,
    (scenario, endpoint): (&Scenario, &EndpointId),
    refused: Option<(Option<&str>, &str)>,
    busy: bool,
) -> Option<ScenarioStep> {
    let is_of_a_step = |name: &str| scenario.steps.iter().any(|step| step.name == name);
    if let Some((step, words)) = refused
        && !step.is_some_and(is_of_a_step)
    {
        kit::banner(Tone::Danger, "This was refused")
            .body(words)
            .ui(ui);
    }
    ui.spacing_mut().item_spacing.y = 8.0;
    let mut chosen = None;
    for (at, step) in scenario.steps.iter().enumerate() {
        let here = refused.filter(|(name, _)| *name == Some(&step.name));
        let pressed = ui.push_id(at, |ui| {
            kit::card(ui, 10, |ui| {
                ui.set_width(ui.available_width());
                let pressed = one(cx, ui, (at, step), endpoint, busy);
                if let Some((_, words)) = here {
                    kit::error_line(ui, words, None);
                }
                pressed
            })
        });
        if pressed.inner {
            chosen = Some(step.clone());
        }
    }
    chosen
}

fn one(
    cx: &mut Context<'_>,
    ui: &mut Ui,
    (at, step): (usize, &ScenarioStep),
    endpoint: &EndpointId,
    busy: bool,
) -> bool {
    let mut pressed = false;
    let room = ui.available_width();
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 12.0;
        let state = vec2(STATE, 20.0);
        let row = Layout::left_to_right(Align::Center);
        ui.allocate_ui_with_layout(state, row, |ui| {
            ui.set_width(STATE);
            let (tone, word) = match (step.is_done, step.offer.is_empty()) {
                (true, _) => (Tone::Success, "Done"),
                (false, false) => (Tone::Warning, "Missing"),
                (false, true) => (Tone::Waiting, "Missing"),
            };
            kit::status(tone, word).ui(ui);
        });
        // A step that is done has no button, and its words take the room.
        let button = if step.is_done { 0.0 } else { BUTTON + 12.0 };
        let words = vec2(room - STATE - 12.0 - button, 0.0);
        ui.allocate_ui_with_layout(words, Layout::top_down(Align::Min), |ui| {
            ui.set_width(words.x);
            ui.spacing_mut().item_spacing.y = 4.0;
            let (title, strong) = (
                format!("{}. {}", at + 1, step.title),
                kit::tokens(ui).strong,
            );
            kit::words().add(&title, Face::CURRENT, strong).ui(ui);
            kit::body(ui, &step.sentence);
        });
        if step.is_done {
            return;
        }
        let button = vec2(BUTTON, 28.0);
        let end = Layout::right_to_left(Align::Center);
        ui.allocate_ui_with_layout(button, end, |ui| {
            ui.set_width(BUTTON);
            pressed = act(cx, ui, step, endpoint, busy);
        });
    });
    pressed
}

/// The button of a step: true where what it offers is to be carried out.
fn act(
    cx: &mut Context<'_>,
    ui: &mut Ui,
    step: &ScenarioStep,
    endpoint: &EndpointId,
    busy: bool,
) -> bool {
    if !step.offer.is_empty() {
        let actions: Vec<&str> = step.offer.iter().map(Command::action).collect();
        let hint = actions.join(", then ");
        let off = busy.then_some("Something is being carried out");
        return kit::button(verb(&step.name))
            .hint(&hint)
            .disabled_because(off)
            .clicked(ui);
    }
    if let Some((words, action)) = elsewhere(&cx.view.snapshot, step, endpoint)
        && kit::button(words).clicked(ui)
    {
        cx.ask(action);
    }
    false
}

/// What its button is called.
fn verb(step: &str) -> &'static str {
    match step {
        "association" => "Associate",
        "authorization" => "Authorize ingress",
        "route" => "Create Route",
        "vpc-route" => "Create VPC route",
        "security-group" => "Let traffic out",
        "peering-connection" => "Create peering",
        "acceptance" => "Accept peering",
        "vpn-connection" => "Connect network",
        "internet-gateway" => "Create gateway",
        "attachment" => "Attach gateway",
        "client-group" => "Apply own group",
        "resource-group" => "Change admission",
        _ => "Do this step",
    }
}

/// Where to make the choice that a step without an offer needs.
fn elsewhere(
    snapshot: &Snapshot,
    step: &ScenarioStep,
    endpoint: &EndpointId,
) -> Option<(&'static str, Action)> {
    match step.name.as_str() {
        // One that is going, or did not come about, is to be looked at first.
        "association" if snapshot.associations_of(endpoint).next().is_some() => {
            let tab = crate::app::context::EndpointTab::Associations;
            let action = Action::ShowEndpoint(endpoint.clone(), Some(tab));
            Some(("Show associations", action))
        }
        "association" if !snapshot.subnets.is_empty() => {
            let dialog = Associate::new(snapshot, endpoint.clone());
            Some(("Associate…", Action::Open(Box::new(dialog))))
        }
        "association" => Some(("VPCs and subnets", Action::Go(Screen::Networks))),
        "resource" => {
            let vpc = snapshot.endpoints.get(endpoint)?.vpc_id.as_ref()?;
            let vpc = snapshot.vpcs.get(vpc)?.clone();
            let dialog = NewResource::new(snapshot, vpc);
            Some(("Create resource…", Action::Open(Box::new(dialog))))
        }
        _ => None,
    }
}

/// Width of a step's state, in points.
const STATE: f32 = 84.0;
/// Width of the place of its button, in points.
const BUTTON: f32 = 150.0;
