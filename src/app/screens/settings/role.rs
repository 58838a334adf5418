//! The service-linked role, as AWS's console shows it.

use egui::Ui;

use super::section;
use crate::{
    app::{
        context::Context,
        dialogs::delete_role::DeleteRole,
        format,
        kit::{self, Value, icons},
    },
    model::{
        Command, ServiceLinkedRole,
        role::{ROLE_NAME, ROLE_SERVICE},
    },
};

/// The section.
#[derive(Default)]
pub(super) struct Role {
    /// What it may do is listed.
    is_open: bool,
}

impl Role {
    pub(super) fn ui(&mut self, cx: &mut Context<'_>, ui: &mut Ui) {
        let role = cx.view.snapshot.service_linked_role.clone();
        section(ui, "Service-linked role", |ui| match &role {
            Some(role) => self.there(cx, role, ui),
            None => absent(cx, ui),
        });
    }

    fn there(&mut self, cx: &mut Context<'_>, role: &ServiceLinkedRole, ui: &mut Ui) {
        let created = format::moment(role.created_at, cx.now, cx.zone);
        let actions = format!("{} actions", role.actions.len());
        let link = match self.is_open {
            true => "Hide actions",
            false => "Show actions",
        };
        let rows = [
            ("Role name", Value::Mono(ROLE_NAME)),
            ("Role ARN", Value::Mono(role.arn.as_str())),
            ("Trusted service", Value::Mono(ROLE_SERVICE)),
            ("Created", Value::Text(&created)),
            ("Permissions", Value::Link(&actions, link)),
        ];
        if kit::key_values(ui, &rows).is_some() {
            self.is_open = !self.is_open;
        }
        if self.is_open {
            ui.scope(|ui| {
                ui.spacing_mut().item_spacing.y = 4.0;
                for action in &role.actions {
                    kit::mono(ui, action);
                }
            });
        }
        kit::help(
            ui,
            "AWS acts for its endpoints under this role; here it is kept as AWS shows it and decides \
             nothing. It is made with the first endpoint, is not edited, and can be deleted only \
             when no endpoint is left.",
        );
        let delete = kit::button("Delete role…")
            .icon(icons::TRASH)
            .quiet_danger();
        if delete.clicked(ui) {
            cx.open(DeleteRole::default());
        }
    }
}

fn absent(cx: &mut Context<'_>, ui: &mut Ui) {
    kit::help(
        ui,
        "There is none. It is made with the first endpoint, or now.",
    );
    if kit::button("Create role").icon(icons::PLUS).clicked(ui) {
        let done = format!("The role {ROLE_NAME} is there");
        cx.run(Command::CreateServiceLinkedRole, done, None);
    }
}
