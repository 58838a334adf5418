//! One event: what was asked, what it changed, and taking it back.

use egui::Ui;
use serde_json::Value as Json;

use super::undo::TakingBack;
use crate::{
    api::shape,
    app::{
        context::Context,
        format,
        kit::{self, Tone, Value},
    },
    model::{Event, FieldChange, Outcome},
};

/// Everything that is known of the event.
pub(super) fn details(
    cx: &mut Context<'_>,
    ui: &mut Ui,
    event: &Event,
    taking_back: &mut TakingBack,
) {
    egui::ScrollArea::vertical()
        .id_salt("event details")
        .auto_shrink(false)
        .show(ui, |ui| {
            egui::Frame::new()
                .inner_margin(egui::Margin::symmetric(20, 8))
                .show(ui, |ui| {
                    ui.spacing_mut().item_spacing.y = 8.0;
                    if let Outcome::Refused { message, .. } = &event.outcome {
                        kit::banner(Tone::Danger, message).ui(ui);
                    }
                    acts(cx, ui, event, taking_back);
                    facts(cx, ui, event);
                    changes(ui, event);
                    kit::group_label(ui, "What was asked, without secrets");
                    let asked = serde_json::to_string_pretty(&event.parameters);
                    for line in asked.unwrap_or_default().lines() {
                        kit::mono(ui, line);
                    }
                });
        });
}

fn acts(cx: &mut Context<'_>, ui: &mut Ui, event: &Event, taking_back: &mut TakingBack) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 8.0;
        taking_back.button(cx, ui, event);
        if kit::button("Copy as JSON").clicked(ui) {
            let text = format!("{:#}", shape::event(event));
            ui.ctx().copy_text(text);
        }
    });
    if let Some(why) = taking_back.why_not(event) {
        kit::help(ui, &why);
    }
}

fn facts(cx: &Context<'_>, ui: &mut Ui, event: &Event) {
    let at = format::moment(event.at, cx.now, cx.zone);
    let utc = format::utc(event.at);
    let concerns = event.resources.join(", ");
    let number = event.seq.to_string();
    let mut rows = vec![
        ("Time", Value::Text(&at)),
        ("In UTC", Value::Text(&utc)),
        ("Who", Value::Text(&event.caller)),
        ("Through", Value::Text(&event.face)),
        ("Number", Value::Text(&number)),
        ("Concerns", Value::Mono(&concerns)),
    ];
    if let Outcome::Refused { code, .. } = &event.outcome {
        rows.push(("Error code", Value::Mono(code.as_str())));
    }
    kit::key_values(ui, &rows);
}

/// What the event changed, thing by thing.
fn changes(ui: &mut Ui, event: &Event) {
    if event.outcome != Outcome::Allowed || event.read_only {
        return;
    }
    kit::group_label(ui, "What it changed");
    if event.changes.is_empty() && event.changes_left_out == 0 {
        kit::weak(ui, "Nothing of the configuration.");
        return;
    }
    let same = |a: &FieldChange, b: &FieldChange| {
        (&a.resource_type, &a.resource) == (&b.resource_type, &b.resource)
    };
    for of_one in event.changes.chunk_by(same) {
        let Some(first) = of_one.first() else {
            continue;
        };
        kit::strong(ui, &format!("{} {}", first.resource_type, first.resource));
        let values: Vec<String> = of_one.iter().map(before_and_after).collect();
        let rows: Vec<_> = of_one
            .iter()
            .zip(&values)
            .map(|(change, value)| (change.field.as_str(), Value::Mono(value)))
            .collect();
        kit::key_values(ui, &rows);
    }
    if event.changes_left_out > 0 {
        let bytes = event.changes_left_out;
        kit::help(
            ui,
            &format!("It changed more: {bytes} bytes were too many for the record."),
        );
    }
}

/// A field before and after, for example `443 → 1194`.
pub(super) fn before_and_after(change: &FieldChange) -> String {
    let (before, after) = (shown(change.before.as_ref()), shown(change.after.as_ref()));
    format!("{before} → {after}")
}

fn shown(value: Option<&Json>) -> String {
    match value {
        None => "–".to_owned(),
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
