//! The procedures of the guide's chapter "Working with Client VPN", step by step.

use std::fs;

use gatehouse::model::{
    Access, AssociationState, Command, RouteOrigin, Transport,
    command::{ModifyClientVpnEndpoint, OfEndpoint},
};

use crate::{guide, rules::connected, site::Site, support::window::Window, why::office};

#[test]
fn an_endpoint_is_created() {
    let mut site = Site::new();
    let window = &mut site.home.window;
    window.go("Client VPN Endpoints");
    window.press("Create Client VPN Endpoint");
    window.fill("Name", "corp");
    window.fill("Description", "Für alle im Büro 東京");
    window.fill("Client IPv4 CIDR", "10.200.0.0/22");
    window.press("Server certificate");
    window.press_containing("vpn.example.com");
    window.press("Client certificate authority");
    window.press_containing("Example VPN CA");
    window.fill("First DNS server", "10.0.0.2");
    window.press("Split tunnel");
    window.press("TCP");
    window.fill("Port", &guide::free_port().to_string());
    window.press("Create Client VPN Endpoint");
    window.wait_for("Client VPN endpoint created");
    let snapshot = window.view().snapshot.clone();
    let endpoint = snapshot.endpoints.values().next().expect("it was made");
    assert_eq!(endpoint.title(), "corp");
    assert_eq!(endpoint.description, "Für alle im Büro 東京");
    assert_eq!(endpoint.client_cidr.to_string(), "10.200.0.0/22");
    assert_eq!(endpoint.server_certificate.as_str(), site.server);
    assert_eq!(endpoint.transport, Transport::Tcp);
    assert!(endpoint.split_tunnel);
    assert_eq!(endpoint.dns_servers.len(), 1);
    window.wait_for("Pending associate");
}

/// Opens the dialog as the guide has it: Actions, Modify Client VPN Endpoint.
fn open_modify(window: &mut Window) {
    window.press("Actions");
    window.press_containing("Modify Client VPN Endpoint…");
    window.wait_for("Modify corp");
}

#[test]
fn an_endpoint_is_modified() {
    let (mut site, endpoint) = Site::open();
    site.choose("Summary");
    let window = &mut site.home.window;
    open_modify(window);
    window.fill("Description", "For everyone in the office");
    window.fill("First DNS server", "10.0.0.2");
    window.press("Split tunnel");
    window.press("Modify Client VPN Endpoint");
    window.wait("it is changed", |window| {
        window.view().snapshot.endpoints[&endpoint].split_tunnel
    });
    let snapshot = window.view().snapshot.clone();
    let modified = &snapshot.endpoints[&endpoint];
    assert_eq!(modified.description, "For everyone in the office");
    assert_eq!(modified.dns_servers.len(), 1);
    assert_eq!(modified.client_cidr.to_string(), "10.200.0.0/22");
}

#[test]
fn of_two_changes_at_once_the_second_is_refused_and_keeps_what_was_typed() {
    let (mut site, endpoint) = Site::open();
    site.choose("Summary");
    open_modify(&mut site.home.window);
    site.home.window.fill("Description", "Mine");
    site.home
        .call(Command::ModifyClientVpnEndpoint(ModifyClientVpnEndpoint {
            client_vpn_endpoint_id: endpoint.to_string(),
            description: Some("Theirs".to_owned()),
            ..ModifyClientVpnEndpoint::default()
        }));
    let window = &mut site.home.window;
    window.press("Modify Client VPN Endpoint");
    window.wait_for("Somebody has changed this endpoint meanwhile");
    let description = |window: &Window| {
        window.view().snapshot.endpoints[&endpoint]
            .description
            .clone()
    };
    assert_eq!(description(window), "Theirs");
    assert_eq!(window.value("Description"), "Mine", "nothing typed is lost");
    window.press("Look again");
    window.press("Modify Client VPN Endpoint");
    window.wait("it is mine", |window| description(window) == "Mine");
}

#[test]
fn the_client_configuration_is_exported() {
    let (mut site, _) = Site::open();
    let file = site.home.dir.path().join("corp.ovpn");
    site.choose("Summary");
    let window = &mut site.home.window;
    window.press("Download Client Configuration");
    window.press("None");
    window.files.next_target(&file);
    window.press("Download");
    window.wait_for("It holds no private key");
    let text = fs::read_to_string(file).expect("it was saved");
    assert!(text.contains("<ca>") && !text.contains("<key>"), "{text}");
}

#[test]
fn endpoints_are_viewed_with_all_their_tabs() {
    let (mut site, endpoint) = Site::open();
    site.choose("Summary");
    let window = &mut site.home.window;
    window.wait_for(endpoint.as_str());
    for (tab, part) in [
        ("Associations", "10.0.0.0/24"),
        ("Security Groups", "default"),
        ("Authorization", "10.0.0.0/16, All users, Active"),
        ("Route Table", "10.0.0.0/16"),
    ] {
        window.tab(tab);
        window.wait_for(part);
    }
    window.tab("Connections");
    window.wait_for("Download…");
}

#[test]
fn an_endpoint_is_deleted_once_its_target_networks_are_disassociated() {
    let (mut site, endpoint) = Site::open();
    site.choose("Summary");
    // As in AWS it stays while networks are associated, and says so.
    site.home.window.harness.key_press(egui::Key::Delete);
    site.home
        .window
        .wait_for("1 target network is still associated. Disassociate it first");
    assert!(
        site.home
            .window
            .view()
            .snapshot
            .endpoints
            .contains_key(&endpoint)
    );

    disassociate(&mut site);
    site.choose("Summary");
    let window = &mut site.home.window;
    window.press("Actions");
    window.press_containing("Delete Client VPN Endpoint…");
    window.fill("Type corp to confirm", "corp");
    window.press("Delete Client VPN Endpoint");
    site.home.window.wait("it is gone", |window| {
        window.view().snapshot.endpoints.is_empty()
    });
}

#[test]
fn a_target_network_is_associated() {
    let (mut site, endpoint) = Site::with_endpoint();
    site.choose("Associations");
    let window = &mut site.home.window;
    window.press("Associate…");
    window.press("VPC");
    window.press_containing(site.vpc.as_str());
    window.press_containing(site.subnets[1].id.as_str());
    window.press("Associate");
    window.wait("it is associated", |window| {
        let snapshot = window.view().snapshot.clone();
        let mut of = snapshot.associations_of(&endpoint);
        of.any(|it| it.state == AssociationState::Associated && it.subnet_id == site.subnets[1].id)
    });
    let snapshot = window.view().snapshot.clone();
    let route = snapshot.routes.first().expect("the VPC's own");
    assert_eq!(route.destination.to_string(), "10.0.0.0/16");
    assert_eq!(route.origin, RouteOrigin::Associate);
    window.wait_for("Available");
}

fn disassociate(site: &mut Site) {
    site.choose("Associations");
    let window = &mut site.home.window;
    window.press_containing(", Associated");
    window.press("Disassociate");
    window.wait_for("It is the last target network");
    window.press("Disassociate");
    window.wait("it is gone", |window| {
        window.view().snapshot.associations.is_empty()
    });
}

#[test]
fn a_target_network_is_disassociated() {
    let (mut site, _) = Site::open();
    disassociate(&mut site);
    let window = &mut site.home.window;
    window.wait_for("Pending associate");
    assert!(
        window.view().snapshot.routes.is_empty(),
        "its route went with it"
    );
}

#[test]
fn target_networks_are_viewed() {
    let (mut site, endpoint) = Site::open();
    site.choose("Associations");
    let snapshot = site.home.window.view().snapshot.clone();
    let association = snapshot
        .associations_of(&endpoint)
        .next()
        .expect("the one there is");
    site.home
        .window
        .wait_for(&format!("{}, Associated", association.subnet_id));
}

#[test]
fn an_authorization_rule_is_added() {
    let (mut site, _) = Site::open();
    site.choose("Authorization");
    let window = &mut site.home.window;
    window.press("Authorize ingress");
    window.fill("Destination network to enable access", "192.0.2.0/24");
    window.press("All users");
    window.fill("Description", "The test network");
    window.press("Authorize ingress");
    window.wait_for("192.0.2.0/24, All users, Active");
    let snapshot = window.view().snapshot.clone();
    let rule = snapshot
        .rules
        .iter()
        .find(|it| it.destination.to_string() == "192.0.2.0/24");
    let rule = rule.expect("it was made");
    assert_eq!(rule.access, Access::AllUsers);
    assert_eq!(rule.description, "The test network");
}

#[test]
fn an_authorization_rule_is_removed() {
    let (mut site, _) = Site::open();
    site.choose("Authorization");
    let window = &mut site.home.window;
    window.press("10.0.0.0/16, All users, Active");
    window.press("Revoke ingress");
    window.wait_for("Revoke 10.0.0.0/16 for all users?");
    window.press("Revoke ingress");
    window.wait("it is gone", |window| {
        window.view().snapshot.rules.is_empty()
    });
}

#[test]
fn authorization_rules_are_viewed() {
    let (mut site, _) = Site::open();
    site.choose("Authorization");
    site.home.window.wait_for("10.0.0.0/16, All users, Active");
}

/// Makes a route by the Route Table tab.
fn create_route(window: &mut Window, destination: &str, description: &str) {
    window.press("Create Route");
    window.fill("Route destination", destination);
    window.press("Target network");
    window.press_containing("subnet-");
    window.fill("Description", description);
    window.press("Create Route");
    window.wait_for(&format!("Route to {destination} created"));
}

#[test]
fn a_route_is_created_and_deleted_and_an_automatic_one_stays() {
    let (mut site, endpoint) = Site::open();
    site.choose("Route Table");
    create_route(&mut site.home.window, "192.0.2.0/24", "To the lab");
    let snapshot = site.home.window.view().snapshot.clone();
    let made = |route: &&gatehouse::model::Route| route.origin == RouteOrigin::AddRoute;
    let route = snapshot.routes.iter().find(made).expect("it was made");
    assert_eq!(route.endpoint_id, endpoint);
    assert_eq!(route.subnet_id, site.subnets[0].id);
    assert_eq!(route.description, "To the lab");
    site.settle();

    let window = &mut site.home.window;
    window.press_containing("192.0.2.0/24");
    window.press("Delete Route");
    window.wait_for("Delete the route to 192.0.2.0/24?");
    window.press("Delete Route");
    window.wait("it is gone", |window| {
        !window.view().snapshot.routes.iter().any(|it| made(&it))
    });
    assert_eq!(
        window.view().snapshot.routes.len(),
        1,
        "the association's own stays"
    );
}

#[test]
fn routes_are_viewed() {
    let (mut site, _) = Site::open();
    site.choose("Route Table");
    let window = &mut site.home.window;
    window.wait_for("10.0.0.0/16");
    window.wait_for("Associate");
}

#[test]
fn connections_are_viewed_and_one_is_terminated() {
    let mut home = office();
    let client = connected(&home);
    let window = &mut home.window;
    window.go("Client VPN Endpoints");
    window.press_containing("corp-staff");
    window.tab("Connections");
    window.wait_for("Active 1");
    window.press_containing("a.lindqvist, Active");
    window.press("Terminate Connection");
    window.wait_for("Terminate the connection of a.lindqvist?");
    window.press("Terminate Connection");
    window.wait_for("Ended 1");
    drop(client);
}

#[test]
fn the_service_linked_role_is_made_shown_and_deleted() {
    let (mut site, endpoint) = Site::with_endpoint();
    let window = &mut site.home.window;
    window.go("Settings");
    window.wait_for("AWSServiceRoleForClientVPN");
    window.press("Show actions");
    window.wait_for("ec2:CreateNetworkInterface");
    window.press("Delete role…");
    window.press("Delete role");
    window.wait_for("The deletion failed: corp still needs the role");
    window.press("Cancel");
    site.home.call(Command::DeleteClientVpnEndpoint(OfEndpoint {
        client_vpn_endpoint_id: endpoint.to_string(),
    }));
    let window = &mut site.home.window;
    window.wait("the endpoint is gone", |window| {
        window.view().snapshot.endpoints.is_empty()
    });
    window.press("Delete role…");
    window.press("Delete role");
    window.wait_for("The role is deleted");
    assert!(window.view().snapshot.service_linked_role.is_none());
    window.press("Create role");
    window.wait("the role is there", |window| {
        window.view().snapshot.service_linked_role.is_some()
    });
}
