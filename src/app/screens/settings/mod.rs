//! Settings of the installation and of the window: a column of sections, each with a file of its
//! own.

mod backup;
mod gateway;
mod installation;
mod licences;
mod limits;
mod role;
mod window;

use egui::{ScrollArea, Ui};

use super::Page;
use crate::app::{context::Context, kit};

/// The page.
#[derive(Default)]
pub struct Settings {
    gateway: gateway::Gateway,
    limits: limits::Limits,
    role: role::Role,
}

impl Page for Settings {
    fn ui(&mut self, cx: &mut Context<'_>, ui: &mut Ui) {
        kit::page_head(ui, "Settings", "", "", |_| {});
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            egui::Frame::new()
                .inner_margin(egui::Margin {
                    left: 20,
                    right: 20,
                    top: 0,
                    bottom: 24,
                })
                .show(ui, |ui| {
                    ui.set_max_width(720.0);
                    ui.spacing_mut().item_spacing.y = 12.0;
                    self.gateway.ui(cx, ui);
                    self.limits.ui(cx, ui);
                    window::ui(cx, ui);
                    backup::ui(cx, ui);
                    self.role.ui(cx, ui);
                    installation::ui(cx, ui);
                    licences::ui(cx, ui);
                });
        });
    }
}

/// A card with a title.
fn section(ui: &mut Ui, title: &str, add: impl FnOnce(&mut Ui)) {
    kit::card(ui, 16, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 12.0;
        kit::panel_title(ui, title);
        add(ui);
    });
}

/// Width of a field of the page, in points.
const FIELD: f32 = 420.0;

#[cfg(test)]
mod tests;
