//! The page driven by its labels, as a person would.

use egui::Key;
use egui_kittest::kittest::Queryable as _;

use crate::{
    app::testing::{FakeConsole, Window, sample},
    model::{
        Answer, Code, Command, Refusal,
        command::{
            AuthorizeSecurityGroup, ById, CreateSecurityGroup, Permission, RevokeSecurityGroup,
        },
    },
};

fn open() -> Window {
    let (snapshot, live) = sample::office();
    let mut window = Window::open(FakeConsole::new(snapshot, live));
    window.go("Security groups");
    window
}

fn last(window: &Window) -> Command {
    window.console.commands().pop().expect("something was sent")
}

fn id(number: u8) -> String {
    sample::group_id(number).to_string()
}

#[test]
fn a_group_is_made_and_shown() {
    let mut window = open();
    window.console.answer(|request| match request.command {
        Command::CreateSecurityGroup(_) if !request.dry_run => {
            let (snapshot, _) = sample::office();
            let group = snapshot.security_groups[&sample::group_id(2)].clone();
            Some(Ok(Answer::SecurityGroup((*group).clone())))
        }
        _ => None,
    });
    window.press("Create security group…");
    window.type_into("Name", "db");
    window.type_into("Description", "Databases");
    window.choose("VPC", "office");
    window.press("Create security group");
    assert_eq!(
        last(&window),
        Command::CreateSecurityGroup(CreateSecurityGroup {
            group_name: "db".to_owned(),
            description: "Databases".to_owned(),
            vpc_id: sample::vpc_id(1).to_string(),
            ..CreateSecurityGroup::default()
        })
    );
    assert!(window.says("vpn-clients, TCP, ports 443"), "it is selected");
}

#[test]
fn a_refused_name_is_said_at_its_field() {
    let mut window = open();
    window.console.answer(|request| match &request.command {
        Command::CreateSecurityGroup(group) if group.group_name == "web" => {
            let words = "office has a group web";
            let refusal = Refusal::new(Code::DuplicateSecurityGroup, words);
            Some(Err(refusal.at("GroupName").cure("web-2")))
        }
        _ => None,
    });
    window.press("Create security group…");
    window.type_into("Name", "web");
    window.press("Create security group");
    window.harness.get_by_label("1 field needs a change");
    window.click("Use web-2");
    assert!(!window.says("office has a group web"));
}

#[test]
fn a_rule_is_added_for_a_network_and_for_a_group() {
    let mut window = open();
    window.click("web, office");
    window.press("Add rule…");
    window.type_into("Port range", "8000-8080");
    window.type_into("CIDR", "10.1.0.0/16");
    window.type_into("Description", "Staging");
    window.press("Add rule");
    let rule = |permission| AuthorizeSecurityGroup {
        group_id: id(2),
        permissions: vec![permission],
    };
    assert_eq!(
        last(&window),
        Command::AuthorizeSecurityGroupIngress(rule(Permission {
            protocol: "tcp".to_owned(),
            from_port: Some(8000),
            to_port: Some(8080),
            cidr: Some("10.1.0.0/16".to_owned()),
            group_id: None,
            description: "Staging".to_owned(),
        }))
    );
    window.tab("Outbound rules");
    window.press("Add rule…");
    window.choose("Protocol", "All traffic");
    window.click("Security group");
    window.choose("Group", "vpn-clients");
    window.press("Add rule");
    assert_eq!(
        last(&window),
        Command::AuthorizeSecurityGroupEgress(rule(Permission {
            protocol: "-1".to_owned(),
            group_id: Some(id(3)),
            ..Permission::default()
        }))
    );
}

#[test]
fn a_rule_without_its_other_end_or_with_odd_ports_is_not_sent() {
    let mut window = open();
    window.click("web, office");
    window.press("Add rule…");
    window.press("Add rule");
    assert!(window.says("CIDR is needed, for example 10.1.0.0/16"));
    window.click("Use 10.1.0.0/16");
    window.type_into("Port range", "80-");
    window.press("Add rule");
    assert!(window.says("\"80-\" is neither a port"));
    assert!(window.console.commands().is_empty());
}

#[test]
fn a_revoked_rule_is_brought_back_by_undo() {
    let mut window = open();
    window.click("web, office");
    window.click("Select vpn-clients");
    window.harness.key_press(Key::Delete);
    window.settle();
    let Command::PreviewChange(previewed) = last(&window) else {
        panic!("{:?}", last(&window));
    };
    window.press("Revoke rule");
    assert_eq!(*previewed, last(&window));
    let Command::RevokeSecurityGroupIngress(RevokeSecurityGroup {
        group_id,
        rule_ids,
        permissions,
    }) = last(&window)
    else {
        panic!("{:?}", last(&window));
    };
    assert_eq!((group_id, rule_ids.len(), permissions.len()), (id(2), 1, 0));
    window.click("Undo");
    let Command::AuthorizeSecurityGroupIngress(again) = last(&window) else {
        panic!("{:?}", last(&window));
    };
    assert_eq!(again.permissions[0].group_id, Some(id(3)));
    assert_eq!(again.permissions[0].from_port, Some(443));
}

#[test]
fn a_group_says_who_uses_it_and_leads_there() {
    let mut window = open();
    window.click("vpn-clients, office");
    window.tab("Used by");
    window.click("web");
    window.tab("Inbound rules");
    assert!(window.says("vpn-clients, TCP, ports 443"));
    window.click("vpn-clients, office");
    window.tab("Used by");
    window.click("corp-staff");
    window.harness.get_by_label("Apply Security Groups");
}

#[test]
fn a_group_in_use_is_deleted_only_once_asked_and_a_default_one_not_by_itself() {
    let mut window = open();
    window.click("default, office");
    window.harness.key_press(Key::Delete);
    window.settle();
    let role = egui::Role::AlertDialog;
    let asks = |window: &Window, label: &str| {
        let harness = &window.harness;
        harness.query_by_role_and_label(role, label).is_some()
    };
    assert!(!asks(&window, "Delete default?"));
    window.click("web, office");
    window.press("Delete security group…");
    assert!(asks(&window, "Delete web?"));
    assert!(window.says("It is used by 1 resource: take it from there first."));
    window.press("Delete security group");
    assert_eq!(
        last(&window),
        Command::DeleteSecurityGroup(ById { id: id(2) })
    );
}

#[test]
fn the_filter_understands_columns() {
    let mut window = open();
    window
        .harness
        .key_press_modifiers(egui::Modifiers::COMMAND, Key::F);
    window.settle();
    let filter = window.harness.get_by_label("Filter security groups");
    filter.type_text("vpc:lab");
    window.settle();
    assert!(window.says("default, lab"));
    assert!(!window.says("default, office"));
}
