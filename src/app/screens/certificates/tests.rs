//! The keys of the page.

use egui::Key;

use crate::app::testing::{FakeConsole, Window, sample};

#[test]
fn esc_clears_the_filter_then_selects_none_and_a_key_deletes_once_asked() {
    let (snapshot, live) = sample::office();
    let mut window = Window::open(FakeConsole::new(snapshot, live));
    let key = |window: &mut Window, key: Key| {
        window.harness.key_press(key);
        window.settle();
    };
    window.go("Certificates");
    window.type_into("Filter certificates", "nothing like it");
    assert!(window.says("No certificate passes the filter"));
    // The first leaves the field.
    key(&mut window, Key::Escape);
    key(&mut window, Key::Escape);
    assert!(!window.says("No certificate passes the filter"));
    window.click("Select vpn.corp.example");
    assert!(window.says("Close panel"));
    key(&mut window, Key::Delete);
    assert!(window.says("Delete vpn.corp.example?"));
    key(&mut window, Key::Escape);
    assert!(!window.says("Delete vpn.corp.example?"));
    key(&mut window, Key::Escape);
    assert!(!window.says("Close panel"), "nothing is selected");
    key(&mut window, Key::Delete);
    assert!(!window.says("Delete vpn.corp.example?"));
}

#[test]
fn nothing_is_done_with_certificates_that_the_filter_hides() {
    let (snapshot, live) = sample::office();
    let mut window = Window::open(FakeConsole::new(snapshot, live));
    window.go("Certificates");
    window.click("Select vpn.corp.example");
    window.click("Select Corp VPN CA");
    assert!(window.says("Delete 2 certificates…"));
    window.type_into("Filter certificates", "vpn.corp");
    assert!(window.says("1 selected hidden"));
    assert!(!window.says("certificates…"));
    // The first leaves the field.
    window.harness.key_press(Key::Tab);
    window.settle();
    window.harness.key_press(Key::Delete);
    window.settle();
    assert!(window.says("Delete vpn.corp.example?"));
}
