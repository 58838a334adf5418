//! Modal flows: each a struct with its draft, its errors and one way to confirm.

use super::context::Context;

/// Whether a dialog stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stay {
    /// It is not done.
    Open,
    /// It is done or was given up.
    Closed,
}

/// A modal flow above the current page.
pub trait Dialog {
    /// Draws it and takes in what came back.
    fn ui(&mut self, cx: &mut Context<'_>, ctx: &egui::Context) -> Stay;
}
