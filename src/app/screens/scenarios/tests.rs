use std::sync::{Mutex, PoisonError};

use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::*;
use crate::{
    app::testing::{FakeConsole, Window, sample},
    model::{Code, Live, Refusal, Request, ScenarioKind, ScenarioStep, Snapshot, command::ById},
};

fn delete(id: &str) -> Command {
    Command::DeleteVpc(ById { id: id.to_owned() })
}

/// A step that is done, or offers to delete what it is named after.
fn step(name: &str, is_done: bool, offer: &[&str]) -> ScenarioStep {
    ScenarioStep {
        name: name.to_owned(),
        title: format!("Have {name}"),
        is_done,
        sentence: format!("So stands {name}."),
        offer: offer.iter().map(|id| delete(id)).collect(),
        replaces: false,
    }
}

/// A service with one endpoint, whose scenarios need `open` to be deleted, each after the one
/// before. What is called `refused` never is, and `vain` stays though it is deleted.
fn needing(open: &[&'static str]) -> Arc<FakeConsole> {
    let (mut snapshot, live) = sample::office();
    snapshot
        .endpoints
        .retain(|id, _| *id == sample::endpoint_id(1));
    let console = FakeConsole::new(snapshot, live);
    let all = open.to_vec();
    let open = Mutex::new(all.clone());
    console.answer(move |request| {
        let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
        match &request.command {
            Command::DescribeScenario(of) => Some(Ok(Answer::Scenario(Scenario {
                scenario: of.scenario,
                steps: described(of, &all, &open),
            }))),
            Command::DeleteVpc(it) if it.id == "refused" => {
                let words = "It is in use by 2 subnets. Delete them first.";
                Some(Err(Refusal::new(Code::DependencyViolation, words)))
            }
            Command::DeleteVpc(it) => {
                open.retain(|id| *id == "vain" || *id != it.id);
                Some(Ok(Answer::Done))
            }
            _ => None,
        }
    });
    console
}

fn described(of: &DescribeScenario, all: &[&str], open: &[&str]) -> Vec<ScenarioStep> {
    let words = format!("the scenario {}", of.scenario.as_str());
    let steps = all.iter().map(|name| {
        let offered = open.first().filter(|first| *first == name);
        let offer: Vec<&str> = offered.into_iter().copied().collect();
        step(name, !open.contains(name), &offer)
    });
    [step(&words, true, &[])].into_iter().chain(steps).collect()
}

fn opened(console: Arc<FakeConsole>) -> Window {
    let mut window = Window::open(console);
    window.go("Scenarios");
    window
}

/// What was asked, oldest first.
fn asked(window: &Window) -> Vec<DescribeScenario> {
    let commands = window.console.commands().into_iter();
    commands
        .filter_map(|command| match command {
            Command::DescribeScenario(of) => Some(of),
            _ => None,
        })
        .collect()
}

fn deleted(window: &Window) -> Vec<Command> {
    let commands = window.console.commands().into_iter();
    commands
        .filter(|command| matches!(command, Command::DeleteVpc(_)))
        .collect()
}

fn is_off(window: &Window, label: &str) -> bool {
    let button = window.harness.get_by_label(label);
    button.accesskit_node().is_disabled()
}

#[test]
fn without_an_endpoint_it_leads_to_getting_started() {
    let mut window = opened(FakeConsole::new(Snapshot::default(), Live::default()));
    assert!(!window.says("Do all missing steps"));
    window.press("Getting Started");
    assert!(window.says("Step 1 of 6"));
    assert!(asked(&window).is_empty());
}

#[test]
fn all_that_is_missing_is_done_in_order_and_what_proves_it_is_offered() {
    let mut window = opened(needing(&["one", "two", "three"]));
    assert!(window.says("2. Have one") && window.says("So stands three."));
    assert!(!window.says("Everything is there"));
    window.press("Do all missing steps");
    let wanted = ["one", "two", "three"].map(delete);
    assert_eq!(deleted(&window), wanted);
    window.harness.get_by_label("3 commands were carried out");
    assert!(is_off(&window, "Do all missing steps"));
    assert!(window.says("Everything is there"));
    window.press("Test connection");
    assert!(window.says("Whose client is tried"));
    window.harness.key_press(egui::Key::Escape);
    window.settle();
    window.press("Why?");
    window.harness.get_by_label("Explain");
}

#[test]
fn one_step_is_done_by_its_button() {
    let mut window = opened(needing(&["one", "two"]));
    window.press("Do this step");
    assert_eq!(deleted(&window), [delete("one")]);
    window.harness.get_by_label("1 command was carried out");
    window.press("Do this step");
    assert_eq!(deleted(&window), [delete("one"), delete("two")]);
}

#[test]
fn a_refusal_is_said_at_its_step_and_what_was_chosen_stays() {
    let mut window = opened(needing(&["one", "refused", "two"]));
    window.click("Access to an on-premises network");
    window.press("Do all missing steps");
    assert_eq!(deleted(&window), [delete("one"), delete("refused")]);
    window.harness.get_by_label_contains("in use by 2 subnets");
    assert!(
        !is_off(&window, "Do all missing steps"),
        "it can be tried again"
    );
    assert!(window.says("the scenario on-premises"));
    window.click("Access to the internet");
    assert!(!window.says("in use by 2 subnets"), "that is another one");
}

#[test]
fn what_does_not_help_is_not_done_again() {
    let mut window = opened(needing(&["vain"]));
    window.press("Do all missing steps");
    assert_eq!(deleted(&window), [delete("vain")]);
    assert!(window.says("2. Have vain"));
}

#[test]
fn it_asks_again_when_something_changed_and_else_not() {
    let mut window = opened(needing(&["one"]));
    window.settle();
    window.settle();
    assert_eq!(asked(&window).len(), 1, "not once a frame");
    window.console.change(|snapshot, _| snapshot.seq += 1);
    window.settle();
    assert_eq!(asked(&window).len(), 2);
    window.console.change(|_, live| live.connections.clear());
    window.settle();
    assert_eq!(asked(&window).len(), 2, "nothing of the configuration");
}

#[test]
fn only_the_last_choice_is_answered() {
    let mut window = opened(needing(&["one"]));
    // Nothing comes back before the window settles.
    for kind in ["Access to the internet", "Access to a peered VPC"] {
        window.harness.get_by_label(kind).click();
        window.harness.run_steps(3);
    }
    let kinds = |window: &Window| -> Vec<ScenarioKind> {
        asked(window).iter().map(|of| of.scenario).collect()
    };
    window.settle();
    let wanted = [
        ScenarioKind::Vpc,
        ScenarioKind::Internet,
        ScenarioKind::PeeredVpc,
    ];
    assert_eq!(kinds(&window), wanted);
    assert!(window.says("the scenario peered-vpc"));
    assert!(!window.says("the scenario internet"));
}

#[test]
fn half_a_network_is_not_asked_about_and_a_wrong_one_is_refused_at_its_field() {
    let console = needing(&["one"]);
    let mut window = opened(Arc::clone(&console));
    window.type_into("Network to reach", "10.1.0.0");
    assert_eq!(asked(&window).len(), 1, "it is still being typed");
    console.answer(|request: &Request| match &request.command {
        Command::DescribeScenario(of) if of.destination_cidr_block.is_some() => {
            let words = "\"10.1.0.0\" is no network: it lacks its prefix length";
            let refusal = Refusal::new(Code::InvalidParameterValue, words);
            Some(Err(refusal.at("DestinationCidrBlock").cure("10.1.0.0/16")))
        }
        _ => None,
    });
    window.harness.key_press(egui::Key::Tab);
    window.settle();
    let asked = asked(&window);
    let last = asked
        .last()
        .and_then(|of| of.destination_cidr_block.as_deref());
    assert_eq!(last, Some("10.1.0.0"));
    window
        .harness
        .get_by_label_contains("it lacks its prefix length");
    assert!(
        !window.says("Have one"),
        "what was told before is no answer to it"
    );
    let times = asked.len();
    window.console.change(|snapshot, _| snapshot.seq += 1);
    window.settle();
    assert_eq!(
        self::asked(&window).len(),
        times,
        "it is as wrong as before"
    );
    window.click("Use 10.1.0.0/16");
    let asked = self::asked(&window);
    let last = asked
        .last()
        .and_then(|of| of.destination_cidr_block.as_deref());
    assert_eq!(last, Some("10.1.0.0/16"));
}

#[test]
fn what_a_scenario_is_told_goes_into_the_question() {
    let mut window = opened(needing(&["one"]));
    window.click("Access to a peered VPC");
    window.choose("Peer VPC", "lab");
    let peer = sample::vpc_id(2).to_string();
    assert_eq!(asked(&window).last().unwrap().peer_vpc_id, Some(peer));
    window.click("Restrict access to specific resources");
    window.choose("Resource", "wiki");
    window.click("Never VPN clients");
    let last = asked(&window).pop().unwrap();
    let resource = sample::resource_id(1).to_string();
    assert_eq!(last.scenario, ScenarioKind::RestrictResources);
    assert_eq!(last.network_interface_id, Some(resource));
    assert!(last.keep_out);
    assert_eq!(last.peer_vpc_id, None, "it is of another scenario");
}

#[test]
fn of_several_endpoints_one_is_chosen_first() {
    let (snapshot, live) = sample::office();
    let mut window = opened(FakeConsole::new(snapshot, live));
    assert!(is_off(&window, "Do all missing steps"));
    assert!(asked(&window).is_empty());
    window.choose("Endpoint", "lab-lisbon");
    let asked = asked(&window);
    let id = sample::endpoint_id(4).to_string();
    assert_eq!(asked.last().unwrap().client_vpn_endpoint_id, id);
}

#[test]
fn a_choice_that_a_step_needs_is_made_where_it_says_so() {
    let console = needing(&[]);
    console.answer(|request| match &request.command {
        Command::DescribeScenario(of) => Some(Ok(Answer::Scenario(Scenario {
            scenario: of.scenario,
            steps: vec![step("resource", false, &[])],
        }))),
        _ => None,
    });
    let mut window = opened(console);
    assert!(is_off(&window, "Do all missing steps"));
    window.press("Create resource…");
    window.harness.get_by_label("Address");
}

#[test]
fn getting_started_and_the_palette_lead_here() {
    let (snapshot, live) = sample::office();
    let mut window = Window::open(FakeConsole::new(snapshot, live));
    window.go("Getting Started");
    window.harness.get_by_label("Client configuration").click();
    window.settle();
    let link = "Go on with a scenario: a peered VPC, an on-premises network, the internet, single resources";
    window.click(link);
    window.harness.get_by_label("Do all missing steps");
    window.go("Client VPN Endpoints");
    let keys = egui::Modifiers::COMMAND;
    window.harness.key_press_modifiers(keys, egui::Key::K);
    window.settle();
    let field = "Type a page, a name, an address, an ID or a command";
    window.harness.get_by_label(field).type_text("scenario");
    window.settle();
    window.harness.key_press(egui::Key::Enter);
    window.settle();
    window.harness.get_by_label("Do all missing steps");
}
