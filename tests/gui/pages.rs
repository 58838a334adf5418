//! Settings and event history, and which columns of a list are shown.

use egui::accesskit::Role;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use gatehouse::model::{Command, command::CreateVpc};

use crate::{home::Home, site::Site, support::window::Window};

#[test]
fn settings_are_saved_and_wrong_ones_are_refused_at_their_field() {
    let mut home = Home::new();
    let window = &mut home.window;
    window.go("Settings");
    window.fill("Public address", "not a host");
    window.press("Save");
    window.press("Use vpn.example.com");
    window.fill("Seconds between rekeys", "5");
    window.press("Save");
    window.wait_for("Keys are renewed after 10 to 86400 seconds");
    window.fill("Seconds between rekeys", "600");
    window.press("Save");
    window.wait_for("Settings saved");
    let settings = window.view().snapshot.settings.clone();
    assert_eq!(settings.public_address.as_deref(), Some("vpn.example.com"));
    assert_eq!(settings.rekey_secs, 600);
}

#[test]
fn a_change_made_elsewhere_is_in_the_record_at_once_and_a_refusal_with_its_reason() {
    let mut home = Home::new();
    home.window.go("Event history");
    let create = CreateVpc {
        cidr_block: "10.1.0.0/16".to_owned(),
        ..CreateVpc::default()
    };
    home.call(Command::CreateVpc(create));
    home.window.wait_for("CreateVpc, Done");
    home.try_call(Command::CreateVpc(CreateVpc {
        cidr_block: "10.1.0.0/30".to_owned(),
        ..CreateVpc::default()
    }))
    .expect_err("it is too small");
    let window = &mut home.window;
    window.press("Refresh");
    window.wait_for("CreateVpc, A VPC's block is between");
    window.press("Refused");
    window.wait("only what was refused", |window| {
        !window.says("CreateVpc, Done")
    });
    window.press_containing("CreateVpc, A VPC's block");
    window.wait_for("InvalidVpc.Range");
}

#[test]
fn the_theme_is_chosen_in_the_settings() {
    let mut home = Home::new();
    let window = &mut home.window;
    window.go("Settings");
    window.press("Dark");
    let app = window.harness.state().as_ref().expect("it was drawn");
    assert_eq!(app.prefs().theme, egui::ThemePreference::Dark);
}

#[test]
fn a_column_is_hidden_and_brought_back() {
    let (mut site, _) = Site::open();
    let window = &mut site.home.window;
    window.go("Client VPN Endpoints");
    window.wait_for("Transport");
    let heads = |window: &Window| {
        let all = window.harness.query_all_by_role(Role::ColumnHeader);
        all.filter_map(|node| node.accesskit_node().label())
            .collect::<Vec<_>>()
    };
    assert!(heads(window).iter().any(|head| head == "Transport"));
    window.press("Choose columns");
    let choice = window
        .harness
        .get_by_role_and_label(Role::CheckBox, "Transport");
    choice.click();
    window.draw();
    assert!(!heads(window).iter().any(|head| head == "Transport"));
    window.press("As many as fit");
    assert!(heads(window).iter().any(|head| head == "Transport"));
}
