//! Something to read above the page, and one way to put it away.

use egui::{Align, Layout, ScrollArea, Ui};

use super::Stay;
use crate::app::kit;

/// Shows what `add` draws under a title, scrolling where it is long.
pub fn sheet(ctx: &egui::Context, title: &str, add: impl FnOnce(&mut Ui)) -> Stay {
    let (pressed, closed) = kit::palette(ctx, title, |ui| {
        egui::Frame::new()
            .inner_margin(egui::Margin::symmetric(16, 10))
            .show(ui, |ui| {
                kit::page_title(ui, title);
                ui.add_space(6.0);
                let room = (ui.ctx().content_rect().height() - 300.0).max(160.0);
                ScrollArea::vertical()
                    .max_height(room)
                    .auto_shrink([false, true])
                    .show(ui, |ui| {
                        // The scroll bar stands beside what is read, not over it.
                        let beside = egui::Margin {
                            right: 12,
                            ..egui::Margin::ZERO
                        };
                        egui::Frame::new().inner_margin(beside).show(ui, add)
                    });
                ui.add_space(6.0);
                let row = egui::vec2(ui.available_width(), 32.0);
                ui.allocate_ui_with_layout(row, Layout::right_to_left(Align::Center), |ui| {
                    kit::button("Close").form().clicked(ui)
                })
                .inner
            })
            .inner
    });
    if pressed && !closed {
        kit::close_dialog(ctx, title);
    }
    if pressed || closed {
        Stay::Closed
    } else {
        Stay::Open
    }
}
