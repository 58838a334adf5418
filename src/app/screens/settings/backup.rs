//! The whole installation in one file, and back.

use egui::Ui;

use super::section;
use crate::app::{
    context::Context,
    dialogs::{backup::BackUp, restore_backup::RestoreBackup},
    kit::{self, icons},
};

pub(super) fn ui(cx: &mut Context<'_>, ui: &mut Ui) {
    section(ui, "Backup", |ui| {
        kit::help(
            ui,
            "One file, locked with a passphrase, holds the configuration, the certificates and their \
             private keys; what has happened on this machine (logs, event history, connections) is \
             not in it.",
        );
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 8.0;
            let back_up = kit::button("Back up…").icon(icons::DOWNLOAD_SIMPLE);
            if back_up.clicked(ui) {
                cx.open(BackUp::default());
            }
            let restore = kit::button("Restore…").icon(icons::CLOCK_COUNTER_CLOCKWISE);
            if restore.clicked(ui) {
                cx.open(RestoreBackup::default());
            }
        });
    });
}
