//! Backup and restore in Settings.

use std::{fs, os::unix::fs::PermissionsExt as _};

use egui_kittest::kittest::{NodeT as _, Queryable as _};
use gatehouse::model::{Command, command::OfEndpoint};

use crate::{site::Site, support::window::Window};

const PASSPHRASE: &str = "correct horse battery";

fn back_up(window: &mut Window, first: &str, second: &str) {
    window.go("Settings");
    window.press("Back up…");
    window.fill("Passphrase", first);
    window.fill("Passphrase again", second);
    // The button of the dialog, which is above that of the page.
    window.press("Back up…");
}

fn is_off(window: &Window, label: &str) -> bool {
    let button = window.harness.get_by_label(label);
    button.accesskit_node().is_disabled()
}

#[test]
fn what_was_lost_after_a_backup_comes_back() {
    let (mut site, endpoint) = Site::with_endpoint();
    let file = site.home.dir.path().join("a.backup");
    let window = &mut site.home.window;
    window.files.next_target(&file);
    back_up(window, PASSPHRASE, PASSPHRASE);
    window.wait_for("Saved");
    let mode = fs::metadata(&file)
        .expect("it was saved")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);

    window.go("Client VPN Endpoints");
    window.press_containing("corp");
    site.home.call(Command::DeleteClientVpnEndpoint(OfEndpoint {
        client_vpn_endpoint_id: endpoint.to_string(),
    }));
    let window = &mut site.home.window;
    window.wait_for("No Client VPN endpoint yet");

    window.go("Settings");
    window.press("Restore…");
    assert!(is_off(window, "Open backup"), "there is no file yet");
    window.files.next_source(&file);
    window.press("Choose backup file…");
    window.wait_for("a.backup");
    window.fill("Passphrase", "another passphrase");
    window.press("Open backup");
    window.wait_for("The passphrase does not open the backup");
    window.fill("Passphrase", PASSPHRASE);
    window.press("Open backup");
    window.wait_for("1 endpoint, 3 certificates");
    assert!(is_off(window, "Restore"), "it is not said yet");
    assert!(window.view().snapshot.endpoints.is_empty());
    window.press("Replace everything that is configured here");
    window.press("Restore");
    window.wait_for("Restored: 1 endpoint, 3 certificates");
    window.go("Client VPN Endpoints");
    window.press_containing("corp");
    assert!(window.view().snapshot.endpoints.contains_key(&endpoint));
}

#[test]
fn a_passphrase_that_is_short_or_not_the_same_twice_writes_nothing() {
    let (mut site, _) = Site::with_endpoint();
    let file = site.home.dir.path().join("a.backup");
    let window = &mut site.home.window;
    window.files.next_target(&file);
    back_up(window, PASSPHRASE, "correct horse batter");
    window.wait_for("The two passphrases differ");
    assert!(window.harness.get_by_label("Passphrase again").is_focused());
    window.fill("Passphrase", "short");
    window.fill("Passphrase again", "short");
    window.press("Back up…");
    window.wait_for("A passphrase has at least 12");
    assert!(window.harness.get_by_label("Passphrase").is_focused());
    assert!(!file.exists());
}
