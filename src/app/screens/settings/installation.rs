//! The installation: where it is and how it runs, for reading.

use egui::Ui;

use super::section;
use crate::{
    app::{
        context::Context,
        kit::{self, Value},
    },
    control::Link,
};

pub(super) fn ui(cx: &Context<'_>, ui: &mut Ui) {
    let settings = &cx.view.snapshot.settings;
    let socket = if cx.about.data_dir.is_empty() {
        String::new()
    } else {
        format!("{}/control.sock", cx.about.data_dir.trim_end_matches('/'))
    };
    let runs = match cx.link {
        Link::Embedded => "In this window: tunnels end when it closes".to_owned(),
        Link::Attached(owner) => format!("As {}, process {}", owner.name, owner.pid),
        Link::Unreachable { .. } => "Elsewhere; it does not answer".to_owned(),
    };
    section(ui, "Installation", |ui| {
        kit::key_values(
            ui,
            &[
                ("Machine", Value::Text(&cx.about.host)),
                ("The gateway runs", Value::Text(&runs)),
                ("Data directory", Value::Mono(&cx.about.data_dir)),
                ("Control socket", Value::Mono(&socket)),
                ("Region", Value::Mono(&settings.region)),
                ("Account ID", Value::Mono(&settings.account_id)),
                ("Version", Value::Text(env!("CARGO_PKG_VERSION"))),
            ],
        );
    });
}
