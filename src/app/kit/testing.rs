//! Harness for tests of what is drawn: our theme and fonts, found by accessible label.

use egui::{Theme, Ui};
use egui_kittest::Harness;

/// A window of 1280×800 in the dark theme that draws `add` with `state`, settled.
pub(crate) fn harness<'a, S>(state: S, add: impl FnMut(&mut Ui, &mut S) + 'a) -> Harness<'a, S> {
    let mut harness = Harness::builder()
        .with_size(egui::vec2(1280.0, 800.0))
        .with_theme(Theme::Dark)
        .with_context_setup(super::install)
        .build_ui_state(add, state);
    harness.run();
    harness
}
