//! The service-linked role, and what became of its deletions.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{StoreError, Tx, row};
use crate::model::{
    ServiceLinkedRole, Settings,
    role::{ROLE_ACTIONS, ROLE_NAME, ROLE_SERVICE, RoleDeletion},
};

impl Tx<'_> {
    /// Makes the role, which must not be there.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn insert_role(&mut self) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO service_linked_role (id, created_at) VALUES (1, ?)",
            [self.now.as_microsecond()],
        )?;
        self.change("role", ROLE_NAME)?;
        Ok(())
    }

    /// Deletes the role.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn delete_role(&mut self) -> Result<(), StoreError> {
        self.connection
            .execute("DELETE FROM service_linked_role", [])?;
        self.change("role", ROLE_NAME)?;
        Ok(())
    }

    /// Keeps what became of a deletion, for whoever asks after it.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn insert_role_deletion(&mut self, deletion: &RoleDeletion) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO role_deletion (task_id, at, used_by) VALUES (?, ?, ?)",
            params![
                deletion.task_id,
                self.now.as_microsecond(),
                row::to_json(&deletion.used_by)?,
            ],
        )?;
        Ok(())
    }

    /// What became of a deletion, if there was one of that name.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn role_deletion(&self, task_id: &str) -> Result<Option<RoleDeletion>, StoreError> {
        Ok(self
            .connection
            .prepare_cached("SELECT * FROM role_deletion WHERE task_id = ?")?
            .query_row([task_id], |found| {
                Ok(RoleDeletion {
                    task_id: found.get("task_id")?,
                    used_by: row::json(found, "used_by")?,
                })
            })
            .optional()?)
    }
}

/// The role, where there is one; its ARN is of the account that `settings` name.
pub(super) fn load(
    connection: &Connection,
    settings: &Settings,
) -> Result<Option<ServiceLinkedRole>, StoreError> {
    let account = &settings.account_id;
    Ok(connection
        .prepare_cached("SELECT created_at FROM service_linked_role")?
        .query_row([], |found| {
            Ok(ServiceLinkedRole {
                arn: format!(
                    "arn:aws:iam::{account}:role/aws-service-role/{ROLE_SERVICE}/{ROLE_NAME}"
                ),
                created_at: row::time(found, "created_at")?,
                actions: ROLE_ACTIONS.map(str::to_owned).to_vec(),
            })
        })
        .optional()?)
}

/// Drops what became of deletions before `until`.
pub(super) fn prune(connection: &Connection, until: Timestamp) -> Result<(), StoreError> {
    connection.execute(
        "DELETE FROM role_deletion WHERE at < ?",
        [until.as_microsecond()],
    )?;
    Ok(())
}
