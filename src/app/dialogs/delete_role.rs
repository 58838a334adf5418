//! Deletes the service-linked role, and says what became of the task: as in AWS, endpoints in its
//! way make the task fail.

use super::{Dialog, Stay};
use crate::{
    app::{
        backend::Work,
        context::{Action, Context},
        form, kit,
    },
    model::{
        Answer, Command, Snapshot,
        role::{ROLE_NAME, RoleDeletion},
    },
};

const ACT: &str = "Delete role";

/// The dialog.
#[derive(Default)]
pub struct DeleteRole {
    work: Work<Answer>,
    refusal: Option<String>,
}

impl Dialog for DeleteRole {
    fn ui(&mut self, cx: &mut Context<'_>, ctx: &egui::Context) -> Stay {
        let title = format!("Delete {ROLE_NAME}?");
        match self.work.poll() {
            Some(Ok(Answer::RoleDeletion(task))) if task.used_by.is_empty() => {
                kit::close_dialog(ctx, &title);
                let words = format!("The role is deleted: {} succeeded", task.task_id);
                cx.ask(Action::Toast(words));
                return Stay::Closed;
            }
            Some(Ok(Answer::RoleDeletion(task))) => {
                self.refusal = Some(failed(&cx.view.snapshot, &task));
            }
            Some(Ok(_)) => self.refusal = Some(form::unexpected().message),
            Some(Err(refusal)) => self.refusal = Some(refusal.message),
            None => {}
        }
        let shown = kit::confirm_dialog(&title, ACT)
            .body("It comes back with the next endpoint that is created.")
            .working(self.work.is_running())
            .refusal(self.refusal.as_deref())
            .show(ctx);
        match shown {
            kit::Dialog::Closed => return Stay::Closed,
            kit::Dialog::Submitted if !self.work.is_running() => {
                self.refusal = None;
                let command = Command::DeleteServiceLinkedRole;
                self.work.start(cx.backend.call(command));
            }
            _ => {}
        }
        Stay::Open
    }
}

/// Which endpoints stand in the way, by their names.
fn failed(snapshot: &Snapshot, task: &RoleDeletion) -> String {
    let name = |arn: &String| {
        let endpoints = snapshot.endpoints.values();
        let mut endpoints = endpoints.filter(|it| arn.ends_with(it.id.as_str()));
        endpoints
            .next()
            .map_or_else(|| arn.clone(), |it| it.title().to_owned())
    };
    let names: Vec<String> = task.used_by.iter().map(name).collect();
    format!(
        "The deletion failed: {} still needs the role. Delete the endpoints first. The task is {}",
        names.join(", "),
        task.task_id
    )
}
