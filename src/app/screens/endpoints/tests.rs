//! The page driven by its labels, as a person would.

use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::{
    app::{
        context::EndpointTab,
        dialogs::create_route::CreateRoute,
        testing::{FakeConsole, Window, sample},
    },
    model::{Answer, Command, Preview, Snapshot, command::ModifyVpcAttribute},
};

fn open() -> Window {
    let (snapshot, live) = sample::office();
    Window::open(FakeConsole::new(snapshot, live))
}

fn connections() -> Window {
    let mut window = open();
    window.show_endpoint(1, Some(EndpointTab::Connections));
    window
}

#[test]
fn an_empty_list_offers_the_first_endpoint() {
    let mut window = Window::open(FakeConsole::new(Default::default(), Default::default()));
    window
        .harness
        .get_by_label("Create Client VPN Endpoint…")
        .click();
    window.settle();
    window.harness.get_by_label("Client IPv4 CIDR");
}

#[test]
fn the_summary_says_which_dns_server_clients_do_not_reach_and_mends_it() {
    let (mut snapshot, live) = sample::office();
    let endpoint = snapshot.endpoints.get_mut(&sample::endpoint_id(1)).unwrap();
    endpoint.dns_servers = vec![[10, 1, 0, 2].into()];
    let vpc = snapshot.vpcs.get_mut(&sample::vpc_id(1)).unwrap();
    vpc.dns_support = false;
    let mut window = Window::open(FakeConsole::new(snapshot, live));
    window.show_endpoint(1, Some(EndpointTab::Summary));
    assert!(window.says("Clients do not reach their DNS server 10.1.0.2"));
    window.press("Switch it on");
    let sent = window.console.commands();
    assert!(
        sent.contains(&Command::ModifyVpcAttribute(ModifyVpcAttribute {
            vpc_id: sample::vpc_id(1).to_string(),
            enable_dns_support: Some(true),
        }))
    );
}

#[test]
fn the_filter_leaves_what_passes() {
    let mut window = open();
    window
        .harness
        .key_press_modifiers(Modifiers::COMMAND, Key::F);
    window.settle();
    window
        .harness
        .get_by_label("Filter endpoints")
        .type_text("state:pending");
    window.settle();
    window
        .harness
        .get_by_label_contains("lab-lisbon, Pending associate");
    assert!(
        window
            .harness
            .query_by_label_contains("corp-staff, ")
            .is_none()
    );
}

#[test]
fn tabs_are_reached_by_ctrl_and_their_number() {
    let mut window = open();
    window.show_endpoint(1, None);
    for (key, label) in [
        (Key::Num2, "Disassociate"),
        (Key::Num3, "Apply Security Groups"),
        (Key::Num4, "Revoke ingress"),
        (Key::Num5, "Delete Route"),
        (Key::Num6, "Terminate Connection"),
    ] {
        window.harness.key_press_modifiers(Modifiers::COMMAND, key);
        window.settle();
        window.harness.get_by_label(label);
    }
}

#[test]
fn a_client_that_lacks_something_says_so_and_is_had_to_reconnect() {
    let mut window = connections();
    let is_offered = |window: &Window| {
        let harness = &window.harness;
        harness.query_by_label("Reconnect 1 client").is_some()
    };
    assert!(!is_offered(&window));
    window.console.change(|_, live| {
        let lacking = live
            .connections
            .iter_mut()
            .find(|c| c.common_name == "a.lindqvist");
        lacking.unwrap().reconnect = Some("Reconnect to get the route 10.2.0.0/16.".to_owned());
    });
    window.settle();
    assert!(is_offered(&window));
    window.harness.get_by_label("to get the route 10.2.0.0/16.");
    window.harness.get_by_label("Reconnect").click();
    window.settle();
    let commands = window.console.commands();
    let [Command::ReconnectClientVpnConnections(told)] = commands.as_slice() else {
        panic!("{commands:?}");
    };
    assert_eq!(
        told.client_vpn_endpoint_id,
        sample::endpoint_id(1).to_string()
    );
    assert_eq!(told.connection_ids.len(), 1);
    window.console.change(|_, live| {
        for connection in &mut live.connections {
            connection.reconnect = None;
        }
    });
    window.settle();
    assert!(!is_offered(&window));
}

#[test]
fn a_connection_says_its_target_network_and_follows_when_it_moves_to_another() {
    let mut window = connections();
    window.harness.get_by_label("Target network");
    assert!(window.says("staff-a, local-1a"));
    assert!(!window.says("staff-b, local-1b"));
    window.console.change(|snapshot, live| {
        let second = sample::association_id(9);
        let mut association = snapshot.associations[&sample::association_id(1)].clone();
        association.id = second.clone();
        association.subnet_id = sample::subnet_id(2);
        snapshot.associations.insert(second.clone(), association);
        for connection in &mut live.connections {
            connection.association_id = second.clone();
        }
    });
    window.settle();
    assert!(window.says("staff-b, local-1b"));
    assert!(!window.says("staff-a, local-1a"));
    window.console.change(|snapshot, _| {
        let subnet = snapshot.subnets.get_mut(&sample::subnet_id(2));
        subnet.unwrap().availability_zone = "local-1z".to_owned();
    });
    window.settle();
    assert!(
        window.says("staff-b, local-1z"),
        "the configuration says so"
    );
}

#[test]
fn the_selection_stays_with_its_connection_while_rows_come_and_move() {
    let mut window = connections();
    window.harness.get_by_label("Select c.nakamura").click();
    window.settle();
    window.console.change(|_, live| {
        live.connections.reverse();
        let mut newcomer = sample::connection(40, 0);
        newcomer.common_name = "aa.first".into();
        live.connections.insert(0, newcomer);
    });
    window.harness.event(egui::Event::PointerGone);
    window.settle();
    window.harness.get_by_label("Select aa.first");
    let row = window.harness.get_by_label_contains("c.nakamura, Active");
    assert_eq!(row.accesskit_node().is_selected(), Some(true));
    window.harness.get_by_label("1 selected");
}

#[test]
fn new_rows_wait_while_the_pointer_is_over_the_table() {
    let mut window = connections();
    window.harness.get_by_label("Select c.nakamura").hover();
    window.settle();
    window.console.change(|_, live| {
        let mut newcomer = sample::connection(40, 0);
        newcomer.common_name = "aa.first".into();
        live.connections.insert(0, newcomer);
    });
    window.settle();
    window.harness.get_by_label("Live, 1 new row waits");
    assert!(window.harness.query_by_label("Select aa.first").is_none());
    window.harness.event(egui::Event::PointerGone);
    window.settle();
    window.harness.get_by_label("Select aa.first");
}

#[test]
fn a_rule_is_revoked_after_its_preview_and_brought_back_by_undo() {
    let mut window = open();
    window.console.answer(|request| match &request.command {
        Command::PreviewChange(_) => Some(Ok(Answer::Preview(Preview {
            looked_at: 18,
            ..Preview::default()
        }))),
        _ => None,
    });
    window.show_endpoint(1, Some(EndpointTab::Authorization));
    window.harness.get_by_label("Select 10.1.0.0/16").click();
    window.settle();
    window.harness.key_press(Key::Delete);
    window.settle();
    let title = "Revoke 10.1.0.0/16 for all users?";
    let role = egui::Role::AlertDialog;
    window.harness.get_by_role_and_label(role, title);
    window
        .harness
        .get_by_label("All 18 live sessions reach the same as before.");
    window.press("Revoke ingress");
    window.harness.get_by_label("Rule for 10.1.0.0/16 revoked");
    window.harness.get_by_label("Undo").click();
    window.settle();
    let sent = window.console.commands();
    assert!(matches!(&sent[..], [
        Command::PreviewChange(_),
        Command::RevokeClientVpnIngress(r),
        Command::AuthorizeClientVpnIngress(a),
    ] if r.target_network_cidr == "10.1.0.0/16" && a.description == "The office"));
}

#[test]
fn several_rules_are_previewed_each_on_its_own_and_revoked_together() {
    let mut window = open();
    window.show_endpoint(1, Some(EndpointTab::Authorization));
    for rule in ["Select 10.1.0.0/16", "Select 10.2.0.0/16"] {
        window.harness.get_by_label(rule).click();
        window.settle();
    }
    window.press("Revoke 2 rules");
    window
        .harness
        .get_by_role_and_label(egui::Role::AlertDialog, "Revoke 2 rules?");
    window.harness.get_by_label("10.2.0.0/16, All users");
    let asked = window.console.commands();
    assert!(matches!(
        &asked[..],
        [Command::PreviewChange(_), Command::PreviewChange(_)]
    ));
    window.press("Revoke 2 rules");
    let revoked = window.console.commands().split_off(2);
    assert!(matches!(
        &revoked[..],
        [
            Command::RevokeClientVpnIngress(_),
            Command::RevokeClientVpnIngress(_)
        ]
    ));
}

#[test]
fn an_endpoint_goes_only_after_its_name_was_typed() {
    let mut window = open();
    window.show_endpoint(4, None);
    window.harness.key_press(Key::Delete);
    window.settle();
    window
        .harness
        .get_by_role_and_label(egui::Role::AlertDialog, "Delete lab-lisbon?");
    window.press("Delete Client VPN Endpoint");
    assert!(window.console.commands().is_empty(), "the name comes first");
    window.type_into("Type lab-lisbon to confirm", "lab-lisbon");
    window.press("Delete Client VPN Endpoint");
    assert!(matches!(
        &window.console.commands()[..],
        [Command::DeleteClientVpnEndpoint(d)]
            if d.client_vpn_endpoint_id == sample::endpoint_id(4).as_str()
    ));
}

#[test]
fn refused_attempts_say_why() {
    let mut window = connections();
    window.harness.get_by_label("Refused 2").click();
    window.settle();
    window
        .harness
        .get_by_label("The certificate was signed by another authority");
}

#[test]
fn a_filter_that_no_attempt_passes_says_so_and_a_stale_selection_goes() {
    let mut window = connections();
    window.click("Refused 2");
    window.click("The client offered no certificate");
    assert!(window.says("1 selected"));
    window.type_into("Filter connections", "m.okafor");
    assert!(window.says("1 of 2, 1 selected hidden"));
    window.type_into("Filter connections", "nonsense");
    assert!(!window.says("Nobody was turned away"));
    assert!(window.says("No attempt passes the filter"));
    window.press("Clear filter");
    assert!(window.says("1 selected"));
    window.console.change(|_, live| drop(live.attempts.pop()));
    window.settle();
    assert!(!window.says("1 selected"), "it is no more");
}

#[test]
fn ctrl_c_copies_the_selected_rows_of_the_list_on_top() {
    for (tab, row, text) in [
        (
            EndpointTab::Authorization,
            "Select 10.1.0.0/16",
            "10.1.0.0/16\tAll users\tAll traffic\tActive\t\tThe office\n",
        ),
        (
            EndpointTab::Connections,
            "Select c.nakamura",
            "\tActive\tc.nakamura\t",
        ),
        (
            EndpointTab::RouteTable,
            "Select 10.1.0.0/16",
            "\tAssociate\tActive\t",
        ),
        (EndpointTab::Associations, "Select staff-a", "\tstaff-a\t"),
    ] {
        let mut window = open();
        window.show_endpoint(1, Some(tab));
        window.harness.get_by_label(row).click();
        window.settle();
        let on_clipboard = window.copied().unwrap_or_default();
        assert!(on_clipboard.contains(text), "{tab:?}: {on_clipboard:?}");
        assert_eq!(on_clipboard.lines().count(), 1);
    }
}

#[test]
fn a_key_does_not_end_what_the_filter_hides() {
    let mut window = connections();
    window.click("Select c.nakamura");
    let other = "a.lindqvist";
    window.click(&format!("Select {other}"));
    window.type_into("Filter connections", other);
    assert!(window.says("1 selected, 1 more hidden"));
    window.press("Terminate Connection");
    window.press("Terminate Connection");
    let sent = window.console.commands();
    let ended: Vec<_> = sent
        .iter()
        .filter(|it| matches!(it, Command::TerminateClientVpnConnections(_)))
        .collect();
    assert_eq!(ended.len(), 1, "{sent:?}");
    assert!(!window.says("Terminate 2"));
}

#[test]
fn what_is_copied_of_an_ended_connection_says_when_and_why_it_ended() {
    let (_, live) = sample::office();
    let ended = live.connections.iter().find(|it| it.ended_at.is_some());
    let ended = ended.unwrap();
    let mut window = connections();
    window.harness.get_by_label_contains("Ended ").click();
    window.settle();
    let row = ended.common_name.clone();
    window.harness.get_by_label(&row).click();
    window.settle();
    let on_clipboard = window.copied().unwrap_or_default();
    assert!(on_clipboard.contains("UTC\t"), "{on_clipboard:?}");
    let why = ended.end_reason.as_deref().unwrap();
    assert!(on_clipboard.contains(why), "{on_clipboard:?}");
}

#[test]
fn a_key_does_not_end_what_is_selected_on_another_list() {
    let mut window = connections();
    window.harness.get_by_label("Select c.nakamura").click();
    window.settle();
    window.harness.get_by_label_contains("Ended ").click();
    window.settle();
    window.harness.key_press(Key::Delete);
    window.settle();
    let asked = window.harness.query_by_role_and_label(
        egui::Role::AlertDialog,
        "Terminate the connection of c.nakamura?",
    );
    assert!(asked.is_none());
}

#[test]
fn a_route_to_the_internet_is_proposed_warned_of_and_created() {
    let mut window = open();
    window.console.change(|snapshot, _| {
        let internet = ipnet::Ipv4Net::default();
        snapshot
            .routes
            .retain(|route| route.destination != internet);
        snapshot.internet_gateways.clear();
    });
    window.show_endpoint(1, Some(EndpointTab::RouteTable));
    window.press("Create Route");
    let field = window.harness.get_by_label("Route destination");
    assert_eq!(field.accesskit_node().value().as_deref(), Some("0.0.0.0/0"));
    window
        .harness
        .get_by_label_contains("attach an internet gateway to it");
    window.press("Create Route");
    assert!(matches!(
        &window.console.commands()[..],
        [Command::PreviewChange(_), Command::CreateClientVpnRoute(r)]
            if r.destination_cidr_block == "0.0.0.0/0" && !r.target_vpc_subnet_id.is_empty()
    ));
    window.harness.get_by_label("Route to 0.0.0.0/0 created");
}

#[test]
fn a_route_is_warned_of_where_the_vpc_does_not_lead_to_its_destination() {
    let lacks = |destination: &str, change: fn(&mut Snapshot)| {
        let mut window = open();
        window.console.change(|snapshot, _| change(snapshot));
        let snapshot = sample::office().0;
        let dialog = CreateRoute::new(&snapshot, sample::endpoint_id(1)).to(destination);
        window.harness.state_mut().as_mut().unwrap().open(dialog);
        window.settle();
        window.says("The VPC does not lead there")
    };
    assert!(!lacks("0.0.0.0/0", |_| {}));
    // A gateway is attached, but the subnet's route table has no route through it.
    assert!(lacks("0.0.0.0/0", |snapshot| {
        let table = snapshot.route_tables.get_mut(&sample::route_table_id(1));
        table.unwrap().routes.clear();
    }));
    assert!(!lacks("192.168.50.0/24", |_| {}), "lisbon");
    assert!(!lacks("192.168.0.0/16", |_| {}), "some of it is lisbon's");
    assert!(lacks("10.50.0.0/16", |_| {}), "was not accepted");
    assert!(!lacks("10.1.2.0/24", |_| {}), "is the VPC's own");
}

#[test]
fn a_route_is_deleted_after_its_preview_and_brought_back_by_undo() {
    let mut window = open();
    window.show_endpoint(1, Some(EndpointTab::RouteTable));
    window.click("Select 0.0.0.0/0");
    window.press("Delete Route");
    let title = "Delete the route to 0.0.0.0/0?";
    let role = egui::Role::AlertDialog;
    window.harness.get_by_role_and_label(role, title);
    window.press("Delete Route");
    window.click("Undo");
    let sent = window.console.commands();
    assert!(
        matches!(&sent[..], [
            Command::PreviewChange(previewed),
            Command::DeleteClientVpnRoute(_),
            Command::CreateClientVpnRoute(again),
        ] if **previewed == sent[1] && again.destination_cidr_block == "0.0.0.0/0"),
        "{sent:?}"
    );
}

#[test]
fn a_narrow_window_folds_the_navigation_and_keeps_every_page_in_reach() {
    let mut window = open();
    window.harness.set_size(egui::vec2(960.0, 600.0));
    window.settle();
    window.show_endpoint(1, Some(EndpointTab::Connections));
    let role = egui::Role::Link;
    let pages = window
        .harness
        .get_by_role_and_label(role, "Client VPN Endpoints");
    assert!(pages.rect().width() < 60.0, "{}", pages.rect());
    for name in ["Create Client VPN Endpoint", "Close panel"] {
        let rect = window.harness.get_by_label(name).rect();
        assert!(
            rect.right() <= 940.5 && rect.bottom() <= 600.0,
            "{name}: {rect}"
        );
    }
    let role = egui::Role::Button;
    let act = window
        .harness
        .get_by_role_and_label(role, "Terminate Connection")
        .rect();
    assert!(act.right() <= 940.5, "{act}");
}

#[test]
fn what_is_closed_while_it_is_sent_still_says_how_it_ended() {
    let mut window = connections();
    window.harness.get_by_label("Select a.lindqvist").click();
    window.settle();
    window.harness.key_press(Key::Delete);
    window.settle();
    window.console.answer(|_| {
        let words = "The gateway is busy";
        Some(Err(crate::model::Refusal::new(
            crate::model::Code::Unavailable,
            words,
        )))
    });
    let role = egui::Role::Button;
    let act = window
        .harness
        .get_all_by_role_and_label(role, "Terminate Connection");
    act.last().unwrap().click();
    window.harness.step();
    window.harness.key_press(Key::Escape);
    window.harness.step();
    window.settle();
    window.harness.get_by_label("The gateway is busy");
}

#[test]
fn the_applied_groups_are_chosen_already_and_others_can_be_added() {
    let mut window = open();
    window.show_endpoint(1, Some(EndpointTab::SecurityGroups));
    window.press("Apply Security Groups");
    let role = egui::Role::CheckBox;
    let harness = &window.harness;
    let has = harness.get_by_role_and_label(role, "vpn-clients");
    let on = egui::accesskit::Toggled::True;
    assert_eq!(has.accesskit_node().toggled(), Some(on));
    window.click("web");
    window.press("Apply Security Groups");
    let sent = window.console.commands();
    let [
        Command::PreviewChange(_),
        Command::PreviewChange(previewed),
        apply,
    ] = sent.as_slice()
    else {
        panic!("{sent:?}");
    };
    assert_eq!(**previewed, *apply);
    let Command::ApplySecurityGroupsToClientVpnTargetNetwork(applied) = apply else {
        panic!("{apply:?}");
    };
    assert_eq!(applied.vpc_id, sample::vpc_id(1).to_string());
    let groups = [2, 3].map(|number| sample::group_id(number).to_string());
    assert_eq!(applied.security_group_ids, groups);
}

#[test]
fn an_applied_group_leads_to_its_rules() {
    let mut window = open();
    window.show_endpoint(1, Some(EndpointTab::SecurityGroups));
    window.click("vpn-clients");
    window.harness.get_by_label("Filter security groups");
    assert!(window.says("Of the endpoint"));
}

#[test]
fn an_endpoint_without_a_vpc_is_offered_its_first_network() {
    let mut window = open();
    window.show_endpoint(4, Some(EndpointTab::SecurityGroups));
    window.press("Associate");
    window
        .harness
        .get_by_role_and_label(egui::Role::Dialog, "Associate target network");
}

#[test]
fn a_route_for_all_target_networks_is_created() {
    let mut window = open();
    window.show_endpoint(1, Some(EndpointTab::RouteTable));
    window.press("Create Route");
    window.type_into("Route destination", "192.168.50.0/24");
    window.choose("Target network", "All target networks");
    window.press("Create Route");
    assert!(matches!(
        &window.console.commands()[..],
        [.., Command::CreateClientVpnRoute(r)]
            if r.all_associations && r.target_vpc_subnet_id.is_empty()
    ));
}

#[test]
fn an_association_says_its_egress_and_why_it_failed() {
    let mut window = open();
    window.show_endpoint(3, Some(EndpointTab::Associations));
    assert!(window.says("This machine's routes, NAT"));
    assert!(window.says("UDP port 11940 is taken by another program"));
}

#[test]
fn disassociating_lists_what_ends_and_what_goes() {
    let mut window = open();
    window.show_endpoint(1, Some(EndpointTab::Associations));
    window.click("Select staff-a");
    window.press("Disassociate");
    window
        .harness
        .get_by_role_and_label(egui::Role::AlertDialog, "Disassociate staff-a?");
    for said in [
        "the endpoint returns to pending-associate",
        "Sessions that end",
        "a.lindqvist, 10.20.",
        "10.1.0.0/16, came with the association",
        "0.0.0.0/0, added by hand",
    ] {
        assert!(window.says(said), "{said}");
    }
    window.press("Disassociate");
    let sent = window.console.commands();
    assert!(
        matches!(&sent[..], [Command::DisassociateClientVpnTargetNetwork(it)]
            if it.association_id == sample::association_id(1).to_string()),
        "{sent:?}"
    );
}

#[test]
fn several_networks_are_disassociated_after_one_question() {
    let (mut snapshot, live) = sample::office();
    let mut second = snapshot.associations[&sample::association_id(1)].clone();
    second.id = sample::association_id(9);
    second.subnet_id = sample::subnet_id(2);
    snapshot.associations.insert(second.id.clone(), second);
    let mut window = Window::open(FakeConsole::new(snapshot, live));
    window.show_endpoint(1, Some(EndpointTab::Associations));
    window.click("Select staff-a");
    window.click("Select staff-b");
    window.press("Disassociate 2 target networks");
    assert!(
        window.says(
            "Ends 18 sessions. 2 routes through them go too. They are the last target networks"
        )
    );
    window.press("Disassociate 2 target networks");
    let sent = window.console.commands();
    let sent = sent
        .iter()
        .filter(|it| matches!(it, Command::DisassociateClientVpnTargetNetwork(_)));
    assert_eq!(sent.count(), 2);
}

#[test]
fn rules_and_routes_are_filtered_and_none_that_is_hidden_is_taken_away() {
    for (tab, filter, nothing, remove) in [
        (
            EndpointTab::Authorization,
            "Filter rules",
            "No rule passes the filter",
            "Revoke ingress",
        ),
        (
            EndpointTab::RouteTable,
            "Filter routes",
            "No route passes the filter",
            "Delete Route",
        ),
    ] {
        let mut window = open();
        window.show_endpoint(1, Some(tab));
        window.click("Select 10.1.0.0/16");
        window
            .harness
            .key_press_modifiers(Modifiers::COMMAND, Key::F);
        window.settle();
        let field = window.harness.get_by_label(filter);
        assert!(field.is_focused());
        field.type_text("nonsense");
        window.settle();
        window.harness.get_by_label(nothing);
        let button = window.harness.get_by_label(remove);
        assert!(button.accesskit_node().is_disabled());
        // Neither is the endpoint, to which the key belongs where nothing is selected here.
        window.harness.key_press(Key::Tab);
        window.settle();
        window.harness.key_press(Key::Delete);
        window.settle();
        assert!(!window.says("Delete corp-staff?"));
        window.harness.key_press(Key::Escape);
        window.settle();
        window.harness.get_by_label("Select 10.1.0.0/16");
        assert!(!window.says("selected hidden"));
        let selected = window.harness.get_by_label("Select 10.1.0.0/16");
        let toggled = selected.accesskit_node().toggled();
        assert_eq!(toggled, Some(egui::accesskit::Toggled::True));
    }
}

#[test]
fn an_endpoint_with_target_networks_is_not_deleted_and_says_why() {
    let mut window = open();
    window.show_endpoint(1, None);
    window.harness.key_press(Key::Delete);
    window.settle();
    assert!(window.says("1 target network is still associated. Disassociate it first"));
    let asked = "Delete corp-staff?";
    assert!(window.harness.query_by_label(asked).is_none());
    window.press("Actions");
    let item = window
        .harness
        .query_all_by_label_contains("Delete Client VPN Endpoint")
        .next()
        .expect("the menu has it");
    assert!(item.accesskit_node().is_disabled());
    assert!(window.console.commands().is_empty());
}

#[test]
fn deleting_lists_the_rules_and_routes_that_go_along() {
    let (mut snapshot, live) = sample::office();
    snapshot.associations.clear();
    let mut window = Window::open(FakeConsole::new(snapshot, live));
    window.show_endpoint(1, None);
    window.harness.key_press(Key::Delete);
    window.settle();
    for said in ["Authorization rules", "10.1.0.0/16, All users", "Routes"] {
        assert!(window.says(said), "{said}");
    }
}
