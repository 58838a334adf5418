//! The navigation: what there is, and where one is.

use egui::{Frame, Margin, Stroke, Ui};

use crate::{
    app::{
        context::{Action, Context, Screen},
        kit::{self, tokens},
        notices::worst,
        screens::{GROUPS, Screens},
    },
    model::Severity,
};

/// Below this width of the window the navigation shows icons only.
pub(super) const FOLDS_BELOW: f32 = 1000.0;

pub(super) fn ui(cx: &mut Context<'_>, screens: &Screens, folded: bool, ui: &mut Ui) {
    let edge = ui.max_rect();
    let line = Stroke::new(1.0, tokens(ui).line);
    ui.painter().vline(edge.right() - 0.5, edge.y_range(), line);
    ui.spacing_mut().item_spacing = egui::vec2(0.0, 1.0);
    let side = if folded { 16 } else { 14 };
    Frame::new()
        .inner_margin(Margin::symmetric(side, 0))
        .show(ui, |ui| kit::mark(ui, folded));
    Frame::new()
        .inner_margin(Margin::symmetric(10, 0))
        .show(ui, |ui| {
            for (group, members) in GROUPS {
                let members: Vec<Screen> = members
                    .iter()
                    .copied()
                    .filter(|s| screens.has(*s) && s.is_listed(cx.view))
                    .collect();
                if members.is_empty() {
                    continue;
                }
                if !group.is_empty() && !folded {
                    kit::nav_group(ui, group);
                }
                for screen in members {
                    entry(cx, screens, screen, folded, ui);
                }
            }
        });
    if screens.has(Screen::Settings) {
        let foot = egui::Rect::from_min_max(
            egui::pos2(edge.left() + 10.0, edge.bottom() - 40.0),
            egui::pos2(edge.right() - 10.0, edge.bottom() - 8.0),
        );
        let mut child = ui.new_child(egui::UiBuilder::new().max_rect(foot));
        entry(cx, screens, Screen::Settings, folded, &mut child);
    }
}

/// What is amiss at a page.
fn mark(cx: &Context<'_>, screen: Screen) -> Option<kit::Tone> {
    let worst = worst(cx.notices).filter(|_| screen == Screen::Certificates)?;
    Some(match worst {
        Severity::Problem => kit::Tone::Danger,
        Severity::Warning | Severity::Good => kit::Tone::Warning,
    })
}

fn entry(cx: &mut Context<'_>, screens: &Screens, screen: Screen, folded: bool, ui: &mut Ui) {
    let end = screens.count(screen, cx.view, cx.now);
    let row = kit::nav_row(screen.icon(), screen.title())
        .current(cx.prefs.screen == screen)
        .folded(folded)
        .end(&end)
        .mark(mark(cx, screen));
    if row.ui(ui).clicked() {
        cx.ask(Action::Go(screen));
    }
}
