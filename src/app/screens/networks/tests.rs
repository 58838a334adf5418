//! The page driven by its labels, as a person would.

use egui::Key;
use egui_kittest::kittest::Queryable as _;

use crate::{
    app::testing::{FakeConsole, Window, sample},
    model::{
        Answer, Code, Command, HostNetwork, Refusal,
        command::{
            ById, CreateNetworkInterface, CreatePeeringConnection, CreateSubnet, CreateVpcRoute,
            CreateVpnConnection, DeleteVpcRoute, EgressChoice, GatewayAttachment,
            ModifyNetworkInterface, ModifySubnetEgress, ModifyVpcAttribute, RouteTableAssociation,
            VpnConnectionRoute,
        },
    },
};

/// The page with the VPC office selected, at a tab.
fn office(tab: &str) -> Window {
    let (snapshot, live) = sample::office();
    let console = FakeConsole::new(snapshot, live);
    console.answer(|request| match request.command {
        Command::DescribeHostNetworks => Some(Ok(Answer::HostNetworks(vec![HostNetwork {
            interface: "eth1".to_owned(),
            address: [10, 1, 0, 7].into(),
            cidr: "10.1.0.0/16".parse().unwrap(),
            default_route: false,
        }]))),
        _ => None,
    });
    let mut window = Window::open(console);
    window.go("VPCs and subnets");
    window.click("office, 10.1.0.0/16");
    window.tab(tab);
    window
}

/// The last command that changes something.
fn last(window: &Window) -> Command {
    let mut sent = window.console.commands();
    sent.retain(|command| {
        !matches!(
            command,
            Command::DescribeHostNetworks | Command::PreviewChange(_)
        )
    });
    sent.pop().expect("something was sent")
}

/// What was asked about last before it is done.
fn previewed(window: &Window) -> Option<Command> {
    let asked = |command| match command {
        Command::PreviewChange(of) => Some(*of),
        _ => None,
    };
    window.console.commands().into_iter().rev().find_map(asked)
}

fn vpc(number: u8) -> String {
    sample::vpc_id(number).to_string()
}

#[test]
fn a_subnet_is_made_with_an_egress_of_its_own() {
    let mut window = office("Subnets");
    window.press("Create subnet…");
    window.type_into("Addresses", "10.1.4.0/24");
    window.click("Interface");
    window.choose("Interface", "eth1");
    window.click("NAT");
    window.press("Create subnet");
    assert_eq!(
        last(&window),
        Command::CreateSubnet(CreateSubnet {
            vpc_id: vpc(1),
            cidr_block: "10.1.4.0/24".to_owned(),
            egress: Some(EgressChoice {
                interface: Some("eth1".to_owned()),
                source_address: None,
                nat: Some(false),
            }),
            ..CreateSubnet::default()
        })
    );
}

#[test]
fn an_egress_is_changed_afterwards_and_a_missing_address_is_said_at_its_field() {
    let mut window = office("Subnets");
    assert!(window.says("This machine's routes, NAT"));
    window.click(&format!("{}, 10.1.1.0/24", sample::subnet_id(1)));
    window.press("Change egress…");
    window.click("Source address");
    window.press("Change egress");
    assert!(window.says("Source address is needed, for example 10.1.0.7"));
    window.choose("Source address", "10.1.0.7");
    window.press("Change egress");
    assert_eq!(
        last(&window),
        Command::ModifySubnetEgress(ModifySubnetEgress {
            subnet_id: sample::subnet_id(1).to_string(),
            egress: EgressChoice {
                interface: None,
                source_address: Some("10.1.0.7".to_owned()),
                nat: Some(true),
            },
        })
    );
}

#[test]
fn a_subnet_in_use_is_deleted_only_once_asked_and_the_refusal_is_said() {
    let mut window = office("Subnets");
    window.click(&format!("{}, 10.1.1.0/24", sample::subnet_id(1)));
    window.harness.key_press(Key::Delete);
    window.settle();
    assert!(window.says("It is a target network of contractors, corp-staff"));
    window.console.answer(|_| {
        let refusal = Refusal::new(Code::DependencyViolation, "Two endpoints use staff-a");
        Some(Err(refusal))
    });
    window.press("Delete subnet");
    assert!(window.says("Two endpoints use staff-a"));
}

#[test]
fn an_internet_gateway_is_detached_and_brought_back_by_undo() {
    let mut window = office("Attachments");
    window.click("line, Internet gateway, Attached");
    window.press("Actions");
    window.click("Detach internet gateway…");
    let attachment = GatewayAttachment {
        internet_gateway_id: sample::gateway_id().to_string(),
        vpc_id: vpc(1),
    };
    let detach = Command::DetachInternetGateway(attachment.clone());
    assert_eq!(previewed(&window), Some(detach.clone()));
    assert_eq!(window.console.commands().len(), 1, "it asks first");
    window.press("Detach internet gateway");
    assert_eq!(last(&window), detach);
    window.click("Undo");
    assert_eq!(last(&window), Command::AttachInternetGateway(attachment));
}

#[test]
fn a_peering_connection_is_asked_for_accepted_and_deleted_after_a_question() {
    let mut window = office("Attachments");
    window.press("Create attachment");
    window.click("Peering connection…");
    window.choose("VPC to peer with", "lab");
    window.press("Create peering connection");
    assert_eq!(
        last(&window),
        Command::CreateVpcPeeringConnection(CreatePeeringConnection {
            vpc_id: vpc(1),
            peer_vpc_id: vpc(2),
            ..CreatePeeringConnection::default()
        })
    );
    assert!(window.says("Peering with lab requested"));
    let id = ById {
        id: sample::peering_id().to_string(),
    };
    window.click("Accept");
    let accept = Command::AcceptVpcPeeringConnection(id.clone());
    assert_eq!(last(&window), accept);
    window.click("office-lab, Peering connection, Pending acceptance");
    window.harness.key_press(Key::Delete);
    window.settle();
    assert_eq!(last(&window), accept, "it asks first");
    let delete = Command::DeleteVpcPeeringConnection(id);
    assert_eq!(previewed(&window), Some(delete.clone()));
    window.press("Delete peering connection");
    assert_eq!(last(&window), delete);
}

#[test]
fn a_vpn_connection_is_made_with_its_networks_and_one_is_added_and_taken() {
    let mut window = office("Attachments");
    window.press("Create attachment");
    window.click("VPN connection…");
    window.type_into("Networks behind it", "172.20.0.0/16, 172.21.0.0/16");
    window.press("Create VPN connection");
    assert_eq!(
        last(&window),
        Command::CreateVpnConnection(CreateVpnConnection {
            vpc_id: vpc(1),
            cidr_blocks: vec!["172.20.0.0/16".to_owned(), "172.21.0.0/16".to_owned()],
            ..CreateVpnConnection::default()
        })
    );
    window.click("lisbon, VPN connection, Available");
    window.press("Actions");
    window.click("Add network…");
    window.type_into("Network", "192.168.70.0/24");
    window.press("Add network");
    let behind = |net: &str| VpnConnectionRoute {
        vpn_connection_id: sample::vpn_id().to_string(),
        destination_cidr_block: net.to_owned(),
    };
    let added = behind("192.168.70.0/24");
    assert_eq!(last(&window), Command::CreateVpnConnectionRoute(added));
    window.press("Actions");
    window.click("Remove 192.168.60.0/24");
    let removed = behind("192.168.60.0/24");
    assert_eq!(last(&window), Command::DeleteVpnConnectionRoute(removed));
}

#[test]
fn a_route_that_leads_nowhere_says_why_and_a_local_one_stays() {
    let mut window = office("Route tables");
    assert!(window.says("10.50.0.0/16, Peering connection office-lab, Blackhole"));
    assert!(window.says("Peering connection office-lab was not accepted yet"));
    assert!(window.says("0.0.0.0/0, Internet gateway line, Active"));
    window.click("Select 10.1.0.0/16");
    window.harness.key_press(Key::Delete);
    window.settle();
    assert!(window.console.commands().is_empty(), "it is local");
    window.click("Select 10.1.0.0/16");
    window.click("Select 192.168.50.0/24");
    window.press("Delete route");
    let delete = Command::DeleteRoute(DeleteVpcRoute {
        route_table_id: sample::route_table_id(1).to_string(),
        destination_cidr_block: "192.168.50.0/24".to_owned(),
    });
    assert_eq!(previewed(&window), Some(delete.clone()));
    assert_eq!(window.console.commands().len(), 1, "it asks first");
    window.press("Delete route");
    assert_eq!(last(&window), delete);
    window.click("Undo");
    assert_eq!(
        last(&window),
        Command::CreateRoute(CreateVpcRoute {
            route_table_id: sample::route_table_id(1).to_string(),
            destination_cidr_block: "192.168.50.0/24".to_owned(),
            target_id: sample::vpn_id().to_string(),
        })
    );
}

#[test]
fn a_propagated_route_is_not_deleted_by_hand() {
    let mut window = office("Route tables");
    window.console.change(|snapshot, _| {
        let main = snapshot.route_tables.get_mut(&sample::route_table_id(1));
        let mut routes = main.unwrap().routes.iter_mut();
        let lisbon = "192.168.50.0/24".parse().unwrap();
        let route = routes.find(|route| route.destination == lisbon);
        route.unwrap().is_propagated = true;
    });
    window.settle();
    window.click("Select 192.168.50.0/24");
    window.press("Delete route");
    window.harness.key_press(Key::Delete);
    window.settle();
    assert!(window.console.commands().is_empty());
    let role = egui::Role::AlertDialog;
    let harness = &window.harness;
    assert!(harness.query_by_role(role).is_none(), "nothing is asked");
}

#[test]
fn a_target_brings_its_destination_and_what_was_typed_stays() {
    let mut window = office("Route tables");
    window.press("Add route…");
    window.choose("Target", "office-lab");
    window.choose("Target", "lisbon");
    window.press("Add route");
    let route = |destination: &str, target_id: String| {
        Command::CreateRoute(CreateVpcRoute {
            route_table_id: sample::route_table_id(1).to_string(),
            destination_cidr_block: destination.to_owned(),
            target_id,
        })
    };
    let lisbon = sample::vpn_id().to_string();
    assert_eq!(last(&window), route("192.168.50.0/24", lisbon.clone()));
    window.press("Add route…");
    window.type_into("Destination", "192.168.0.0/16");
    window.choose("Target", "lisbon");
    window.press("Add route");
    assert_eq!(last(&window), route("192.168.0.0/16", lisbon));
}

#[test]
fn a_subnet_is_associated_with_another_table_and_given_back() {
    let mut window = office("Route tables");
    window.choose("Route table", "closed");
    window.click("Subnets 1");
    assert!(window.says("tiny, Associated with this table"));
    let of = |subnet| RouteTableAssociation {
        route_table_id: sample::route_table_id(3).to_string(),
        subnet_id: sample::subnet_id(subnet).to_string(),
    };
    window.press("Associate subnet…");
    window.choose("Subnet", "staff-b");
    window.press("Associate subnet");
    assert_eq!(last(&window), Command::AssociateRouteTable(of(2)));
    window.click("Select tiny");
    window.press("Disassociate");
    assert_eq!(last(&window), Command::DisassociateRouteTable(of(3)));
}

#[test]
fn a_subnet_that_a_table_names_is_not_offered_to_another() {
    let mut window = office("Route tables");
    window.console.change(|snapshot, _| {
        let closed = snapshot.route_tables.get_mut(&sample::route_table_id(3));
        let named = [1, 2, 3].map(sample::subnet_id);
        closed.unwrap().subnets.extend(named);
    });
    window.settle();
    window.click("Subnets 0");
    window.press("Associate subnet…");
    let role = egui::Role::ComboBox;
    let field = window.harness.get_by_role_and_label(role, "Subnet");
    field.click();
    window.settle();
    assert!(window.says("Every subnet of the VPC is associated already"));
}

#[test]
fn the_main_route_table_stays_and_another_goes_after_a_question() {
    let mut window = office("Route tables");
    window.choose("Route table", "closed");
    window.press("Actions");
    window.click("Delete route table…");
    assert!(window.says("1 subnet uses it: disassociate first."));
    window.press("Delete route table");
    let id = sample::route_table_id(3).to_string();
    assert_eq!(last(&window), Command::DeleteRouteTable(ById { id }));
}

#[test]
fn a_resource_is_made_and_given_other_groups() {
    let mut window = office("Resources");
    window.press("Create resource…");
    window.choose("Subnet", "staff-b");
    window.type_into("Address", "10.1.2.20");
    window.click("web");
    window.press("Create resource");
    let groups = |numbers: &[u8]| -> Vec<String> {
        let ids = numbers.iter().map(|it| sample::group_id(*it).to_string());
        ids.collect()
    };
    assert_eq!(
        last(&window),
        Command::CreateNetworkInterface(CreateNetworkInterface {
            subnet_id: sample::subnet_id(2).to_string(),
            private_ip_address: "10.1.2.20".to_owned(),
            security_group_ids: groups(&[1, 2]),
            ..CreateNetworkInterface::default()
        })
    );
    window.click("wiki, 10.1.1.10");
    window.press("Change security groups…");
    window.click("web");
    let why = "Choose at least one security group";
    window.press("Change security groups");
    let changed =
        |command: &Command| matches!(command, Command::ModifyNetworkInterfaceAttribute(_));
    assert!(!changed(&last(&window)), "{why}");
    window.click("default");
    assert_eq!(
        previewed(&window),
        Some(Command::ModifyNetworkInterfaceAttribute(
            ModifyNetworkInterface {
                network_interface_id: sample::resource_id(1).to_string(),
                security_group_ids: Some(groups(&[1])),
                description: None,
            }
        ))
    );
    window.press("Change security groups");
    assert_eq!(
        last(&window),
        Command::ModifyNetworkInterfaceAttribute(ModifyNetworkInterface {
            network_interface_id: sample::resource_id(1).to_string(),
            security_group_ids: Some(groups(&[1])),
            description: Some("Behind the load balancer".to_owned()),
        })
    );
}

#[test]
fn a_refused_address_is_said_at_its_field_and_stays() {
    let mut window = office("Resources");
    window.console.answer(|request| match &request.command {
        Command::CreateNetworkInterface(_) => {
            let words = "10.1.1.10 belongs to wiki, for example 10.1.1.11 is free";
            let refusal = Refusal::new(Code::AddressInUse, words).at("PrivateIpAddress");
            Some(Err(refusal.cure("10.1.1.11")))
        }
        _ => None,
    });
    window.press("Create resource…");
    window.choose("Subnet", "staff-a");
    window.type_into("Address", "10.1.1.10");
    window.press("Create resource");
    assert!(window.says("10.1.1.10 belongs to wiki"));
    window.click("Use 10.1.1.11");
    let role = egui::Role::TextInput;
    let field = window.harness.get_by_role_and_label(role, "Address");
    let value = egui_kittest::kittest::NodeT::accesskit_node(&field).value();
    assert_eq!(value.as_deref(), Some("10.1.1.11"));
}

#[test]
fn the_dns_server_is_shown_and_switched_off() {
    let mut window = office("Address blocks");
    assert!(window.says("10.1.0.2"));
    window.click("Answer DNS at 10.1.0.2");
    assert_eq!(
        last(&window),
        Command::ModifyVpcAttribute(ModifyVpcAttribute {
            vpc_id: sample::vpc_id(1).to_string(),
            enable_dns_support: Some(false),
        })
    );
}

#[test]
fn a_vpcs_groups_lead_to_their_rules() {
    let mut window = office("Security groups");
    window.click("web");
    assert!(window.says("vpn-clients, TCP, ports 443"));
}

#[test]
fn an_empty_vpc_offers_what_fills_each_tab() {
    let mut window = office("Subnets");
    window.click("lab, 10.50.0.0/16");
    for (tab, fills) in [
        ("Subnets", "Create subnet…"),
        ("Resources", "Create resource…"),
    ] {
        window.tab(tab);
        window.press(fills);
        window.harness.key_press(Key::Escape);
        window.settle();
    }
}

#[test]
fn a_filter_that_no_vpc_passes_is_said_and_cleared() {
    let mut window = office("Subnets");
    window.type_into("Filter VPCs", "nothing like it");
    assert!(window.says("No VPC passes the filter"));
    window.press("Clear filter");
    assert!(window.says("office, 10.1.0.0/16"));
}

#[test]
fn a_subnet_says_how_many_addresses_are_free() {
    let window = office("Subnets");
    assert!(window.says("Free addresses"));
    // A /24 less what AWS keeps and the one that a resource has.
    window.harness.get_by_label("250");
    // A /28.
    window.harness.get_by_label("11");
}

#[test]
fn the_selected_rows_are_copied_those_of_the_tab_where_it_has_any() {
    let (subnet, group) = (sample::subnet_id(1), sample::group_id(2));
    let rows = [
        (
            "Subnets",
            format!("{subnet}, 10.1.1.0/24"),
            "\t10.1.1.0/24\t250\tlocal-1a\t",
        ),
        (
            "Attachments",
            "lisbon, VPN connection, Available".to_owned(),
            "lisbon\tVPN connection\t",
        ),
        ("Security groups", format!("web, {group}"), "web\tsg-"),
        (
            "Resources",
            "wiki, 10.1.1.10".to_owned(),
            "wiki\t10.1.1.10\t",
        ),
    ];
    for (tab, row, text) in rows {
        let mut window = office(tab);
        let copied = window.copied().unwrap();
        assert!(copied.starts_with("office\tvpc-"), "{copied}");
        window.click(&row);
        let copied = window.copied().unwrap();
        assert!(copied.contains(text), "{tab}: {copied}");
        assert_eq!(copied.lines().count(), 1);
    }
}
