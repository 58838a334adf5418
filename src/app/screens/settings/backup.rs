//! The whole installation in one file, and back.

use egui::Ui;

use super::section;
use crate::app::{
    context::Context,
    dialogs::backup::{BackUp, Restore},
    kit::{self, icons},
};

pub(super) fn ui(cx: &mut Context<'_>, ui: &mut Ui) {
    section(ui, "Backup", |ui| {
        kit::help(
            ui,
            "One file, locked with a passphrase, holds endpoints, networks, rules, users, settings, \
             certificates and private keys. The event history, the logs and the connections stay \
             with this machine.",
        );
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 8.0;
            if kit::button("Back up…")
                .icon(icons::DOWNLOAD_SIMPLE)
                .clicked(ui)
            {
                cx.open(BackUp::default());
            }
            let restore = kit::button("Restore…").icon(icons::ARROW_COUNTER_CLOCKWISE);
            if restore.clicked(ui) {
                cx.open(Restore::default());
            }
        });
    });
}
