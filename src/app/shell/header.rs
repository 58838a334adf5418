//! The header: the way to everything by typing, the theme, the help.

use egui::{Align, Layout, Stroke, ThemePreference, Ui};

use super::row;
use crate::app::{
    context::{Action, Context},
    kit::{self, icons, tokens},
};

pub(super) fn ui(cx: &mut Context<'_>, ui: &mut Ui) {
    let edge = ui.max_rect();
    let line = Stroke::new(1.0, tokens(ui).line);
    ui.painter()
        .hline(edge.x_range(), edge.bottom() - 0.5, line);
    row(ui, 20.0, |ui| {
        let mut typed = String::new();
        let search = kit::search_field(&mut typed, "Search, or run a command")
            .hint("Search, or run a command")
            .keys("Ctrl K")
            .width(420.0)
            .ui(ui);
        // The palette takes over from a click or the first letter typed; Tab only passes through.
        let enter = search.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
        if (search.clicked() || enter || !typed.is_empty()) && !cx.covered {
            cx.ask(Action::OpenPalette(typed));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            if kit::icon_button(icons::QUESTION, "Open help").clicked(ui) {
                cx.ask(Action::OpenHelp);
            }
            theme(cx, ui);
        });
    });
}

/// Light, dark or as the system has it.
fn theme(cx: &mut Context<'_>, ui: &mut Ui) {
    let icon = if tokens(ui).dark {
        icons::MOON
    } else {
        icons::SUN
    };
    kit::icon_button(icon, "Choose theme").menu(ui, |ui| {
        for (choice, icon, words) in [
            (
                ThemePreference::System,
                icons::DESKTOP,
                "As the system has it",
            ),
            (ThemePreference::Light, icons::SUN, "Light"),
            (ThemePreference::Dark, icons::MOON, "Dark"),
        ] {
            let mark = if cx.prefs.theme == choice { "✓" } else { "" };
            if kit::menu_item(words).icon(icon).shortcut(mark).clicked(ui) {
                cx.prefs.theme = choice;
            }
        }
    });
}
