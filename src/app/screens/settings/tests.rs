//! The page driven by its labels.

use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::{
    app::testing::{FakeConsole, Window, sample},
    model::{
        Answer, Code, Command, Refusal, ServiceLinkedRole, Snapshot,
        command::ModifySettings,
        role::{ROLE_ACTIONS, ROLE_NAME, RoleDeletion},
    },
};

fn open_with(change: impl FnOnce(&mut Snapshot)) -> Window {
    let (mut snapshot, live) = sample::office();
    change(&mut snapshot);
    let mut window = Window::open(FakeConsole::new(snapshot, live));
    window.harness.set_size(egui::vec2(1280.0, 2400.0));
    window.settle();
    window.go("Settings");
    window
}

fn settings(window: &Window) -> ModifySettings {
    let sent = window.console.commands();
    match sent.last() {
        Some(Command::ModifySettings(fields)) => fields.clone(),
        _ => panic!("{sent:?}"),
    }
}

fn with_role(snapshot: &mut Snapshot) {
    snapshot.service_linked_role = Some(ServiceLinkedRole {
        arn: format!("arn:aws:iam::000000000000:role/aws-service-role/{ROLE_NAME}"),
        created_at: crate::app::testing::now(),
        actions: ROLE_ACTIONS.map(str::to_owned).to_vec(),
    });
}

#[test]
fn each_limit_says_how_much_of_it_is_used_and_only_the_raised_one_is_sent() {
    let mut window = open_with(|_| ());
    assert!(window.says("4 of 5 in use"));
    assert!(window.says("18 of 2,000 in use, most on corp-staff"));
    window.replace("Client VPN endpoints", "20");
    window.press("Save limits");
    let expected = ModifySettings {
        max_endpoints: Some(20),
        ..ModifySettings::default()
    };
    assert_eq!(settings(&window), expected);
}

#[test]
fn a_limit_that_is_reached_says_so() {
    let window = open_with(|snapshot| snapshot.settings.max_endpoints = 4);
    assert!(window.says("4 of 4 in use. The limit is reached"));
}

#[test]
fn a_limit_that_is_no_number_or_too_low_is_said_at_its_field() {
    let mut window = open_with(|_| ());
    window.replace("Routes per endpoint", "many");
    window.press("Save limits");
    assert!(window.says("A limit is a whole number, for example 10"));
    assert!(window.console.commands().is_empty());
    window.console.answer(|request| match &request.command {
        Command::ModifySettings(it) if it.max_routes == Some(1) => {
            let words = "There are 7 routes now, so the limit cannot be 1";
            let refusal = Refusal::new(Code::InvalidParameterValue, words);
            Some(Err(refusal.at("MaxRoutes").cure("7")))
        }
        _ => None,
    });
    window.replace("Routes per endpoint", "1");
    window.press("Save limits");
    assert!(window.says("There are 7 routes now"));
    let role = egui::Role::TextInput;
    let field = window
        .harness
        .get_by_role_and_label(role, "Routes per endpoint");
    assert!(field.is_focused());
    assert_eq!(field.accesskit_node().value().as_deref(), Some("1"));
    window.click("Use 7");
    window.press("Save limits");
    assert_eq!(settings(&window).max_routes, Some(7));
}

#[test]
fn the_domain_for_endpoints_says_which_record_it_needs() {
    let mut window = open_with(|_| ());
    window.type_into("Domain for endpoints", "vpn.example.com");
    window.harness.get_by_label("*.vpn.example.com");
    window.press("Save");
    let domain = settings(&window).endpoint_domain;
    assert_eq!(domain.as_deref(), Some("vpn.example.com"));
}

#[test]
fn what_somebody_else_changes_meanwhile_stays() {
    let mut window = open_with(|_| ());
    window.type_into("Public address", "vpn.example.com");
    window.console.change(|snapshot, _| {
        snapshot.settings.endpoint_domain = Some("clients.example.com".to_owned());
    });
    window.settle();
    let domain = window.harness.get_by_label("Domain for endpoints");
    assert_eq!(domain.value().as_deref(), Some("clients.example.com"));
    window.press("Save");
    let sent = settings(&window);
    assert_eq!(sent.public_address.as_deref(), Some("vpn.example.com"));
    assert_eq!((sent.endpoint_domain, sent.rekey_secs), (None, None));
}

#[test]
fn what_the_service_says_of_a_domain_is_at_its_field() {
    let mut window = open_with(|_| ());
    window.console.answer(|request| match &request.command {
        Command::ModifySettings(it) if it.endpoint_domain.as_deref() == Some("localhost") => {
            let refusal = Refusal::new(Code::InvalidParameterValue, "\"localhost\" is no domain");
            Some(Err(refusal.at("EndpointDomain").cure("vpn.example.com")))
        }
        _ => None,
    });
    window.type_into("Domain for endpoints", "localhost");
    window.press("Save");
    assert!(window.says("\"localhost\" is no domain"));
    window.click("Use vpn.example.com");
    window.press("Save");
    let domain = settings(&window).endpoint_domain;
    assert_eq!(domain.as_deref(), Some("vpn.example.com"));
}

#[test]
fn the_role_is_shown_as_aws_shows_it() {
    let mut window = open_with(with_role);
    for said in ["Role ARN", ROLE_NAME, "clientvpn.amazonaws.com"] {
        assert!(window.says(said), "{said}");
    }
    assert!(!window.says("acm:GetCertificate"));
    window.click("Show actions");
    assert!(window.says("acm:GetCertificate"));
}

#[test]
fn a_deletion_of_the_role_says_what_became_of_its_task() {
    let mut window = open_with(with_role);
    let arn = format!(
        "arn:aws:ec2:local-1:000000000000:client-vpn-endpoint/{}",
        sample::endpoint_id(1)
    );
    let mut used_by = vec![arn];
    window.console.answer(move |request| match request.command {
        Command::DeleteServiceLinkedRole => Some(Ok(Answer::RoleDeletion(RoleDeletion {
            task_id: "task/one".to_owned(),
            used_by: std::mem::take(&mut used_by),
        }))),
        _ => None,
    });
    window.press("Delete role…");
    window.press("Delete role");
    assert!(window.says("The deletion failed: corp-staff still needs the role"));
    window.press("Delete role");
    assert!(window.says("The role is deleted: task/one succeeded"));
}

#[test]
fn without_a_role_one_can_be_made() {
    let mut window = open_with(|_| ());
    window.press("Create role");
    let sent = window.console.commands();
    assert_eq!(sent, [Command::CreateServiceLinkedRole]);
}

#[test]
fn what_closing_does_to_the_gateway_is_chosen() {
    let mut window = open_with(|_| ());
    window.click("Keep the gateway running");
    let app = window.harness.state().as_ref().unwrap();
    assert_eq!(app.prefs().on_close, crate::app::state::OnClose::GoOn);
}
