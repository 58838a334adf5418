//! The dialog driven by its labels.

use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::{
    app::testing::{FakeConsole, Window, sample},
    model::{Code, Command, ConnectionLog, Refusal, Snapshot, command::ModifyClientVpnEndpoint},
};

const SUBMIT: &str = "Modify Client VPN Endpoint";

fn open_with(change: impl FnOnce(&mut Snapshot)) -> Window {
    let (mut snapshot, live) = sample::office();
    snapshot.seq = 41;
    change(&mut snapshot);
    let mut window = Window::open(FakeConsole::new(snapshot, live));
    window.show_endpoint(1, None);
    window.harness.key_press(Key::F2);
    window.settle();
    window
}

fn open() -> Window {
    open_with(|_| ())
}

fn sent(window: &Window) -> ModifyClientVpnEndpoint {
    let commands = window.console.commands();
    match commands.last() {
        Some(Command::ModifyClientVpnEndpoint(fields)) => fields.clone(),
        _ => panic!("{commands:?}"),
    }
}

#[test]
fn only_what_was_changed_is_sent_with_what_was_seen() {
    let mut window = open();
    window.replace("Description", "Alle Büros — офис");
    window.press(SUBMIT);
    let expected = ModifyClientVpnEndpoint {
        client_vpn_endpoint_id: sample::endpoint_id(1).to_string(),
        description: Some("Alle Büros — офис".to_owned()),
        seen_seq: Some(41),
        ..ModifyClientVpnEndpoint::default()
    };
    assert_eq!(sent(&window), expected);
    assert!(window.says("corp-staff is modified"));
}

#[test]
fn what_never_changes_is_shown_with_the_reason() {
    let window = open();
    for said in [
        "10.20.0.0/20",
        "Certificate, signed by",
        "fixed for life",
        "The VPC stays as long as there are target networks",
    ] {
        assert!(window.says(said), "{said}");
    }
    let role = egui::Role::TextInput;
    let field = window
        .harness
        .query_by_role_and_label(role, "Client IPv4 CIDR");
    assert!(field.is_none());
}

#[test]
fn it_says_what_live_sessions_will_notice() {
    let mut window = open();
    assert!(window.says("Nothing is changed yet."));
    window.replace("Port", "1199");
    assert!(window.says("Port: ends 18 sessions. Files handed out before name port 443"));
    window.click("Split tunnel");
    assert!(window.says("Split tunnel: told to live sessions at once"));
    window.replace("First DNS server", "10.1.0.2");
    assert!(window.says("DNS servers: told to live sessions at once"));
    window.press(SUBMIT);
    let sent = sent(&window);
    assert_eq!(sent.vpn_port, Some(1199));
    assert_eq!(sent.split_tunnel, Some(true));
    assert_eq!(sent.dns_servers, Some(vec!["10.1.0.2".to_owned()]));
}

#[test]
fn another_server_certificate_says_whether_files_go_on_working() {
    let mut window = open_with(|snapshot| {
        for (number, name) in [(7, "vpn.corp.example"), (8, "vpn.other.example")] {
            let mut it = (*snapshot.certificates[&sample::arn(2)]).clone();
            it.arn = sample::arn(number);
            it.common_name = Some(name.to_owned());
            snapshot.certificates.insert(it.arn.clone(), it.into());
        }
    });
    // The renewed one is listed after the endpoint's own of the same name.
    window.choose("Server certificate", "vpn.corp.example");
    assert!(window.says("Files handed out before go on working"));
    window.choose("Server certificate", "vpn.other.example");
    assert!(window.says("clients refuse it until they have a new file"));
    window.press(SUBMIT);
    let arn = sent(&window).server_certificate_arn;
    assert_eq!(arn.as_deref(), Some(sample::arn(8).as_str()));
}

#[test]
fn who_is_slower_is_told_and_loses_nothing_typed() {
    let mut window = open();
    window.replace("Description", "Mine");
    window.console.change(|snapshot, _| {
        snapshot.seq = 57;
        let endpoint = snapshot.endpoints.get_mut(&sample::endpoint_id(1)).unwrap();
        endpoint.port = 4433;
        endpoint.description = "Theirs".to_owned();
    });
    window.settle();
    assert!(window.says("Somebody has changed this endpoint meanwhile"));
    assert!(window.says("The port was 443 and is 4433"));
    window.press("Look again");
    let role = egui::Role::TextInput;
    let value = |window: &Window, label: &str| {
        let field = window.harness.get_by_role_and_label(role, label);
        field.accesskit_node().value().unwrap_or_default()
    };
    assert_eq!(value(&window, "Description"), "Mine");
    assert_eq!(value(&window, "Port"), "4433");
    window.press(SUBMIT);
    let sent = sent(&window);
    assert_eq!(sent.seen_seq, Some(57));
    assert_eq!(sent.description.as_deref(), Some("Mine"));
    assert_eq!(sent.vpn_port, None, "theirs stays");
}

#[test]
fn a_change_that_came_first_is_said_in_the_services_words_and_looked_at_again() {
    let mut window = open();
    window.console.answer(|request| match &request.command {
        Command::ModifyClientVpnEndpoint(fields) if fields.seen_seq == Some(41) => {
            let said = "root has changed the endpoint since you opened it";
            Some(Err(
                Refusal::new(Code::IncorrectState, said).at("ClientVpnEndpointId")
            ))
        }
        _ => None,
    });
    window.replace("Description", "Mine");
    window.press(SUBMIT);
    assert!(window.says("root has changed the endpoint since you opened it"));
    window.console.change(|snapshot, _| snapshot.seq = 58);
    window.settle();
    window.press("Look again");
    assert!(window.says("Looked at again"));
    window.press(SUBMIT);
    assert_eq!(sent(&window).seen_seq, Some(58));
    assert!(window.says("corp-staff is modified"));
}

#[test]
fn a_refusal_lands_at_its_field_which_takes_the_focus() {
    let mut window = open();
    window.console.answer(|request| match &request.command {
        Command::ModifyClientVpnEndpoint(fields) => {
            let length = fields.description.as_deref().unwrap_or("").chars().count();
            let said = format!("at most 255 characters; this one has {length}");
            let refusal = Refusal::new(Code::InvalidParameterValue, said).at("Description");
            (length > 255).then_some(Err(refusal))
        }
        _ => None,
    });
    window.replace("Description", &"д".repeat(256));
    window
        .harness
        .key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    window.settle();
    assert!(window.says("at most 255 characters; this one has 256"));
    window.harness.get_by_label("1 field needs a change");
    let role = egui::Role::TextInput;
    let field = window.harness.get_by_role_and_label(role, "Description");
    assert!(field.is_focused());
    window.replace("Description", &"д".repeat(255));
    window.press(SUBMIT);
    assert!(window.says("corp-staff is modified"));
}

#[test]
fn a_port_that_is_none_is_said_at_its_field() {
    let mut window = open();
    window.replace("Port", "70000");
    window.press(SUBMIT);
    assert!(window.says("70000 is not a port"));
    assert!(window.console.commands().is_empty());
}

#[test]
fn security_groups_are_sent_with_their_vpc() {
    let mut window = open();
    let role = egui::Role::CheckBox;
    let web = window.harness.get_by_role_and_label(role, "web");
    web.scroll_to_me();
    window.settle();
    window.harness.get_by_role_and_label(role, "web").click();
    window.settle();
    window.press(SUBMIT);
    let sent = sent(&window);
    assert_eq!(sent.vpc_id.as_deref(), Some(sample::vpc_id(1).as_str()));
    let chosen = sent.security_group_ids.unwrap();
    assert!(chosen.contains(&sample::group_id(2).to_string()));
}

#[test]
fn connections_are_logged_to_another_place_or_nowhere() {
    let mut window = open_with(|snapshot| {
        for name in ["lab", "night"] {
            let group = sample::log_group(name);
            snapshot.log_groups.insert(name.to_owned(), group);
        }
        let endpoint = snapshot.endpoints.get_mut(&sample::endpoint_id(1)).unwrap();
        endpoint.connection_log = Some(ConnectionLog {
            group: "lab".to_owned(),
            stream: "day".to_owned(),
        });
    });
    assert!(window.says("Nothing is changed yet."), "it is as it was");
    window.choose("Log group", "night");
    window.press(SUBMIT);
    let other = sent(&window);
    assert_eq!(other.connection_log_enabled, Some(true));
    assert_eq!(other.cloudwatch_log_group.as_deref(), Some("night"));
    assert_eq!(other.cloudwatch_log_stream, None, "one is made");
    window.harness.key_press(Key::F2);
    window.settle();
    let role = egui::Role::Switch;
    let label = "Connection logging";
    let toggle = window.harness.get_by_role_and_label(role, label);
    toggle.scroll_to_me();
    window.settle();
    window.click(label);
    assert!(window.says("nothing is logged any more, and what was stays"));
    window.press(SUBMIT);
    let off = sent(&window);
    assert_eq!(off.connection_log_enabled, Some(false));
    assert_eq!(off.cloudwatch_log_group, None);
}
