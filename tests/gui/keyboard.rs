//! What is done without a pointer.

use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;

use crate::home::Home;

#[test]
fn a_vpc_is_made_with_the_keyboard_alone() {
    let mut home = Home::new();
    let window = &mut home.window;
    window.go("VPCs and subnets");
    window
        .harness
        .key_press_modifiers(Modifiers::COMMAND, Key::N);
    window.wait_for("Address block");
    assert!(window.harness.get_by_label("Name").is_focused());
    window.harness.get_by_label("Name").type_text("office");
    window.draw();
    window.harness.key_press(Key::Tab);
    window.draw();
    assert!(window.harness.get_by_label("Address block").is_focused());
    window
        .harness
        .get_by_label("Address block")
        .type_text("10.1.0.0/16");
    window.draw();
    window
        .harness
        .key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    window.wait_for("VPC created");
    assert_eq!(window.view().snapshot.vpcs.len(), 1);
}

#[test]
fn esc_asks_before_what_was_typed_is_lost() {
    let mut home = Home::new();
    let window = &mut home.window;
    window.go("VPCs and subnets");
    window
        .harness
        .key_press_modifiers(Modifiers::COMMAND, Key::N);
    window.wait_for("Address block");
    window.harness.get_by_label("Name").type_text("office");
    window.draw();
    window.harness.key_press(Key::Escape);
    window.wait_for("Discard");
    window.press("Discard");
    window.wait("the dialog is closed", |window| {
        !window.has("Address block")
    });
    assert!(window.view().snapshot.vpcs.is_empty());
}
