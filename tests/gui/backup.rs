//! The installation in one file, and back.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use egui_kittest::kittest::NodeT as _;
use gatehouse::model::{
    Command, EndpointId, Snapshot,
    command::{CreateVpc, OfEndpoint},
};

use crate::{home::Home, site::Site, support::window::Window};

const PASSPHRASE: &str = "correct horse battery";

fn back_up(window: &mut Window, file: &Path) {
    window.go("Settings");
    window.press("Back up…");
    window.fill("Passphrase", PASSPHRASE);
    window.fill("Passphrase again", PASSPHRASE);
    window.files.next_target(file);
    window.press("Back up…");
    window.wait_for("Saved ");
}

/// Opens a backup, as far as the question whether it is meant.
fn look_at(window: &mut Window, file: &Path) {
    window.go("Settings");
    window.press("Restore…");
    window.files.next_source(file);
    window.press("Choose backup file…");
    window.fill("Passphrase", PASSPHRASE);
    window.press("Open backup");
    window.wait_for("In the backup");
}

fn restore(window: &mut Window, file: &Path) {
    look_at(window, file);
    window.press("Replace everything that is configured here");
    window.press("Restore");
    window.wait_for("Backup restored: ");
}

/// What is configured, without how far the gateway has come.
fn configured(window: &Window) -> Snapshot {
    let mut snapshot = (*window.view().snapshot).clone();
    snapshot.seq = 0;
    snapshot
}

fn delete(site: &mut Site, endpoint: &EndpointId) {
    site.home.call(Command::DeleteClientVpnEndpoint(OfEndpoint {
        client_vpn_endpoint_id: endpoint.to_string(),
    }));
    site.home.window.wait("it is gone", |window| {
        window.view().snapshot.endpoints.is_empty()
    });
}

#[test]
fn an_endpoint_that_was_lost_comes_back_without_a_restart() {
    let (mut site, endpoint) = Site::with_endpoint();
    let file = site.home.dir.path().join("a.backup");
    let before = configured(&site.home.window);
    back_up(&mut site.home.window, &file);
    let mode = fs::metadata(&file).expect("it was written").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);

    delete(&mut site, &endpoint);
    site.home.call(Command::CreateVpc(CreateVpc {
        cidr_block: "10.99.0.0/16".to_owned(),
        ..CreateVpc::default()
    }));
    let window = &mut site.home.window;
    look_at(window, &file);
    window.wait_for("Here now");
    window.press("Cancel");
    window.press("Discard");
    assert!(
        window.view().snapshot.endpoints.is_empty(),
        "only looked at"
    );

    restore(window, &file);
    window.wait_for("Backup restored: 1 endpoint and 3 certificates");
    window.wait("what was there", |window| configured(window) == before);
    window.go("Client VPN Endpoints");
    window.wait_for("corp");
    window.go("Event history");
    window.wait_for("RestoreBackup, Done");
}

#[test]
fn what_was_selected_may_be_gone_on_every_page() {
    let mut site = Site::new();
    let file = site.home.dir.path().join("empty.backup");
    let mut other = Home::new();
    back_up(&mut other.window, &file);
    site.endpoint("corp", "10.200.0.0/22");
    let vpc = site.vpc.to_string();
    for tab in ["Summary", "Associations", "Authorization", "Connections"] {
        site.choose(tab);
    }
    let window = &mut site.home.window;
    window.go("Certificates");
    window.press("a.lindqvist, Client");
    window.go("VPCs and subnets");
    window.press_containing(&vpc);
    window.press_containing("10.0.1.0/24");
    let pages = [
        "Client VPN Endpoints",
        "Certificates",
        "Users and groups",
        "VPCs and subnets",
        "Security groups",
        "Why?",
        "Logs",
        "Event history",
    ];
    for page in pages {
        window.go(page);
    }
    // Beside what is selected there, restored from the palette.
    window.go("VPCs and subnets");
    let palette = |window: &mut Window, what: &str| {
        let keys = egui::Modifiers::COMMAND;
        window.harness.key_press_modifiers(keys, egui::Key::K);
        window.draw();
        window.fill("Type a page, a name, an address, an ID or a command", what);
        window.press(what);
    };
    palette(window, "Restore a backup");
    window.files.next_source(&file);
    window.press("Choose backup file…");
    window.fill("Passphrase", PASSPHRASE);
    window.press("Open backup");
    window.press("Replace everything that is configured here");
    window.press("Restore");
    window.wait_for("Backup restored: 0 endpoints and 0 certificates");
    for page in pages {
        window.go(page);
        assert!(!window.says(&vpc) || page == "Event history", "{page}");
    }
    assert!(window.view().snapshot.vpcs.is_empty());
    palette(window, "Back up the installation");
    window.wait_for("Passphrase again");
}

#[test]
fn a_wrong_passphrase_is_said_at_its_field_and_a_file_that_is_none_at_its_own() {
    let mut home = Home::new();
    let file = home.dir.path().join("a.backup");
    let window = &mut home.window;
    back_up(window, &file);
    let before = configured(window);
    window.press("Restore…");
    window.files.next_source(&file);
    window.press("Choose backup file…");
    window.wait_for("a.backup");
    window.fill("Passphrase", "correct horse batterY");
    window.press("Open backup");
    window.wait_for("The passphrase does not open the backup");
    let is_wrong = |window: &Window| {
        let field = window.field("Passphrase").expect("it is there");
        (
            field.is_focused(),
            field.accesskit_node().data().invalid().is_some(),
        )
    };
    window.draw();
    assert_eq!(is_wrong(window), (true, true));
    assert!(!window.has("Replace everything that is configured here"));

    window.fill("Passphrase", PASSPHRASE);
    window.press("Open backup");
    window.wait_for("In the backup");
    // Another passphrase, and what was found does not count any more.
    window.fill("Passphrase", "another passphrase");
    assert!(!window.has("Replace everything that is configured here"));
    window.press("Open backup");
    window.wait_for("The passphrase does not open the backup");

    let list = home.dir.path().join("names.txt");
    fs::write(&list, "a.lindqvist\n").expect("it can be written");
    window.files.next_source(&list);
    window.press("Choose backup file…");
    window.wait_for("names.txt");
    window.press("Open backup");
    window.wait_for("The file is no backup that can be restored: it does not begin like one");
    assert_eq!(configured(window), before);
}

#[test]
fn passphrases_that_are_short_or_differ_are_refused_where_they_are_typed() {
    let mut home = Home::new();
    let file = home.dir.path().join("a.backup");
    let window = &mut home.window;
    window.go("Settings");
    window.press("Back up…");
    window.press("Back up…");
    window.wait_for("Passphrase is needed");
    window.fill("Passphrase", "too short");
    window.fill("Passphrase again", "too short");
    window.wait_for("A passphrase has at least 12 bytes");
    window.fill("Passphrase", PASSPHRASE);
    window.press("Back up…");
    window.wait_for("It differs from the passphrase above");
    assert!(
        !window.value("Passphrase").contains("horse"),
        "it is hidden"
    );
    window.press("Show \"Passphrase\"");
    assert_eq!(window.value("Passphrase"), PASSPHRASE);
    window.fill("Passphrase again", PASSPHRASE);
    // Nobody chooses a file: nothing is written, and nothing typed is lost.
    window.press("Back up…");
    window.wait_to_press("Back up…");
    assert!(!file.exists());
    window.files.next_target(&file);
    window.press("Back up…");
    window.wait_for("Saved ");
    assert!(
        fs::read(&file)
            .expect("it is there")
            .starts_with(b"gatehouse-backup")
    );
}
