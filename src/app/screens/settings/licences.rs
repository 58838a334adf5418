//! The licences of the program and of what it brings along.

use egui::Ui;

use super::section;
use crate::app::{
    context::Context,
    dialogs::{Dialog, Stay},
    kit::{self, Value},
};

pub(super) fn ui(cx: &mut Context<'_>, ui: &mut Ui) {
    section(ui, "Licences", |ui| {
        let shown = "Show";
        let rows: Vec<_> = LICENCES
            .iter()
            .map(|licence| (licence.what, Value::Link(licence.name, shown)))
            .collect();
        if let Some(index) = kit::key_values(ui, &rows) {
            cx.open(LICENCES[index]);
        }
    });
}

/// A licence text that has to be handed on.
#[derive(Clone, Copy)]
struct Licence {
    what: &'static str,
    name: &'static str,
    text: &'static str,
}

const LICENCES: [Licence; 5] = [
    Licence {
        what: "Gatehouse",
        name: "MIT",
        text: include_str!("../../../../LICENSE-MIT"),
    },
    Licence {
        what: "Gatehouse, or",
        name: "Apache 2.0",
        text: include_str!("../../../../LICENSE-APACHE"),
    },
    Licence {
        what: "Inter font",
        name: "SIL Open Font License 1.1",
        text: include_str!("../../../../assets/fonts/Inter-LICENSE.txt"),
    },
    Licence {
        what: "JetBrains Mono",
        name: "SIL Open Font License 1.1",
        text: include_str!("../../../../assets/fonts/JetBrainsMono-LICENSE.txt"),
    },
    Licence {
        what: "Phosphor icons",
        name: "MIT",
        text: include_str!("../../../../assets/fonts/Phosphor-LICENSE.txt"),
    },
];

impl Dialog for Licence {
    fn ui(&mut self, _cx: &mut Context<'_>, ctx: &egui::Context) -> Stay {
        let title = format!("Licence of {}", self.what.trim_end_matches(", or"));
        let shown = kit::form_dialog(&title, "Close").show(ctx, |ui| {
            kit::body(ui, self.text);
        });
        match shown {
            kit::Dialog::Open => Stay::Open,
            kit::Dialog::Submitted | kit::Dialog::Closed => Stay::Closed,
        }
    }
}
