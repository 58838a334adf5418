//! The connection log, from switching it on to the event of a client that came in.

use gatehouse::model::{Command, ConnectionLog, diagnosis::TestConnection};

use crate::site::Site;

#[test]
fn logging_is_switched_on_and_who_came_in_is_found_with_what_to_do() {
    let (mut site, endpoint) = Site::open();
    let window = &mut site.home.window;
    window.go("Logs");
    window.wait_for("No log groups yet");
    window.press("Create log group…");
    window.fill("Name", "a b");
    window.press("Create log group");
    window.wait_for("The name of a log group is");
    window.fill("Name", "client-vpn");
    window.press("Create log group");
    window.wait_for("Nothing is logged here yet");
    window.press("Go to endpoints");

    window.press_containing("corp");
    window.press("Actions");
    window.press_containing("Modify Client VPN Endpoint…");
    window.wait_for("Modify corp");
    window.press("Connection logging");
    window.press("Modify Client VPN Endpoint");
    window.wait("the endpoint logs", |window| {
        let snapshot = window.view().snapshot.clone();
        let log = snapshot.endpoints[&endpoint].connection_log.clone();
        matches!(log, Some(ConnectionLog { group, .. }) if group == "client-vpn")
    });

    site.home.call(Command::TestConnection(TestConnection {
        client_vpn_endpoint_id: endpoint.to_string(),
        user: "a.lindqvist".to_owned(),
        ..TestConnection::default()
    }));
    let window = &mut site.home.window;
    window.go("Logs");
    window.wait_for("Came in, a.lindqvist");
    window.wait_for("Ended, a.lindqvist");
    window.press_containing("Came in, a.lindqvist");
    window.wait_for("Nothing needs to be done.");
    window.fill(
        "Search events",
        "{ $.connection-log-type = connection-reset }",
    );
    window.wait("only the end is left", |window| {
        window.says("Ended, a.lindqvist") && !window.says("Came in, a.lindqvist")
    });
    window.fill("Search events", "{ $.connection-log-type = ");
    window.wait_for("The pattern cannot be read at character");
}

#[test]
fn a_group_that_an_endpoint_writes_to_is_not_deleted() {
    let (mut site, endpoint) = Site::with_endpoint();
    site.home.call(Command::CreateLogGroup(
        gatehouse::model::command::LogGroupName {
            log_group_name: "client-vpn".to_owned(),
        },
    ));
    site.home.call(Command::ModifyClientVpnEndpoint(
        gatehouse::model::command::ModifyClientVpnEndpoint {
            client_vpn_endpoint_id: endpoint.to_string(),
            connection_log_enabled: Some(true),
            cloudwatch_log_group: Some("client-vpn".to_owned()),
            ..Default::default()
        },
    ));
    let window = &mut site.home.window;
    window.go("Logs");
    window.press("Log groups");
    window.press_containing("client-vpn, keeps events: For good");
    window.press("Delete log group…");
    window.fill("Type client-vpn to confirm", "client-vpn");
    window.press("Delete log group");
    window.wait_for("turn connection logging off first");
    assert_eq!(window.view().snapshot.log_groups.len(), 1);
}
