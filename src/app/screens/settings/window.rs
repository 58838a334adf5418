//! Choices of the person at this window.

use egui::{ThemePreference, Ui};

use super::section;
use crate::{
    app::{
        context::{Action, Context, Screen},
        kit::{self, Choice},
        state::{OnClose, ZOOM},
    },
    model::{Command, command::ModifySettings},
};

pub(super) fn ui(cx: &mut Context<'_>, ui: &mut Ui) {
    section(ui, "Window", |ui| {
        let themes = [
            (ThemePreference::System, "As the system has it"),
            (ThemePreference::Light, "Light"),
            (ThemePreference::Dark, "Dark"),
        ];
        labelled(ui, "Theme", |ui| {
            kit::segmented_form(ui, "Theme", &mut cx.prefs.theme, &themes);
        });
        let mut percent = (cx.prefs.zoom * 100.0).round() as u32;
        let before = percent;
        let mut choices: Vec<Choice<u32>> = [75, 90, 100, 110, 125, 150, 175, 200]
            .into_iter()
            .map(|percent| Choice::new(percent, format!("{percent} %")))
            .collect();
        if !choices.iter().any(|choice| choice.value == percent) {
            choices.push(Choice::new(percent, format!("{percent} %")));
        }
        kit::select(&mut percent, &choices)
            .label("Zoom")
            .width(160.0)
            .help("Also with Ctrl + and Ctrl −.")
            .ui(ui);
        if percent != before {
            cx.prefs.zoom = (percent as f32 / 100.0).clamp(*ZOOM.start(), *ZOOM.end());
        }
        labelled(ui, "Rows of lists", |ui| {
            let rows = [(false, "Dense"), (true, "Comfortable")];
            kit::segmented_form(ui, "Rows of lists", &mut cx.prefs.comfortable, &rows);
        });
        labelled(
            ui,
            "When the window closes while the gateway runs in it",
            |ui| {
                let ways = [
                    (OnClose::Ask, "Ask"),
                    (OnClose::GoOn, "Keep the gateway running"),
                    (OnClose::End, "End all tunnels"),
                ];
                kit::segmented_form(ui, "When the window closes", &mut cx.prefs.on_close, &ways);
            },
        );
        kit::help(
            ui,
            "Kept running, the gateway is a process in the background until the machine stops. As \
             a service of the system it also starts with the machine: systemctl enable --now \
             gatehouse.",
        );
        if cx.view.snapshot.settings.getting_started_done
            && kit::button("Show Getting Started again").clicked(ui)
        {
            let again = Command::ModifySettings(ModifySettings {
                getting_started_done: Some(false),
                ..ModifySettings::default()
            });
            cx.run(again, "Getting Started is back", None);
            cx.ask(Action::Go(Screen::GettingStarted));
        }
    });
}

fn labelled(ui: &mut Ui, label: &str, add: impl FnOnce(&mut Ui)) {
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 6.0;
        kit::fieldset(ui, label, "");
        add(ui);
    });
}
