//! The service-linked role, as AWS shows it.

use super::{
    change::Change,
    fields::{needed, random},
};
use crate::model::{
    Answer, Code, Refusal, ServiceLinkedRole, Snapshot,
    command::RoleDeletionTask,
    role::{ROLE_NAME, ROLE_SERVICE, RoleDeletion},
};

impl Change<'_, '_> {
    /// Makes the role where it is not there: the first endpoint does.
    pub(super) fn ensure_role(&mut self) -> Result<(), Refusal> {
        if self.snapshot.service_linked_role.is_none() {
            self.tx.insert_role()?;
        }
        Ok(())
    }

    pub(super) fn create_role(&mut self) -> Result<Answer, Refusal> {
        if self.snapshot.service_linked_role.is_some() {
            return Err(Refusal::new(
                Code::EntityAlreadyExists,
                format!("The role {ROLE_NAME} exists already; there is one for the installation"),
            )
            .at("AWSServiceName"));
        }
        self.tx.insert_role()?;
        let outcome = self.tx.outcome()?;
        let role = role(&outcome)?.clone();
        self.concerns(&role.arn);
        Ok(Answer::ServiceLinkedRole(role))
    }

    /// Deletes the role if no endpoint needs it. As in AWS that is a task of which one asks what
    /// became, and endpoints in its way make it fail without being an error.
    pub(super) fn delete_role(&mut self) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let role = role(&snapshot)?;
        self.concerns(&role.arn);
        let (region, account) = (&snapshot.settings.region, &snapshot.settings.account_id);
        let living = snapshot.endpoints.values().filter(|it| !it.deleting);
        let used_by: Vec<String> = living
            .map(|it| {
                format!(
                    "arn:aws:ec2:{region}:{account}:client-vpn-endpoint/{}",
                    it.id
                )
            })
            .collect();
        let digits = data_encoding::HEXLOWER.encode(&random::<16>()?);
        let deletion = RoleDeletion {
            task_id: format!("task/aws-service-role/{ROLE_SERVICE}/{ROLE_NAME}/{digits}"),
            used_by,
        };
        if deletion.used_by.is_empty() {
            self.tx.delete_role()?;
        }
        self.tx.insert_role_deletion(&deletion)?;
        Ok(Answer::RoleDeletion(deletion))
    }
}

pub(super) fn describe(snapshot: &Snapshot) -> Result<Answer, Refusal> {
    role(snapshot).cloned().map(Answer::ServiceLinkedRole)
}

/// What became of a deletion.
pub(super) fn deletion(
    tx: &crate::store::Tx<'_>,
    wanted: &RoleDeletionTask,
) -> Result<Answer, Refusal> {
    let example = format!("task/aws-service-role/{ROLE_SERVICE}/{ROLE_NAME}/…");
    let id = needed(TASK, &wanted.deletion_task_id, &example)?;
    let found = tx.role_deletion(id)?.ok_or_else(|| {
        Refusal::new(
            Code::NoSuchEntity,
            format!(
                "There is no deletion {id}; its name is in the answer of DeleteServiceLinkedRole"
            ),
        )
        .at(TASK)
    })?;
    Ok(Answer::RoleDeletion(found))
}

fn role(snapshot: &Snapshot) -> Result<&ServiceLinkedRole, Refusal> {
    snapshot.service_linked_role.as_ref().ok_or_else(|| {
        Refusal::new(
            Code::NoSuchEntity,
            format!(
                "The role with name {ROLE_NAME} cannot be found; it is made with the first endpoint, or by CreateServiceLinkedRole"
            ),
        )
        .at("RoleName")
    })
}

const TASK: &str = "DeletionTaskId";
