//! The built-in directory: groups and who is in them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use rusqlite::{Connection, params};

use super::{StoreError, Tx, row};
use crate::model::{Group, Sid};

impl Tx<'_> {
    /// Adds a group with its members.
    ///
    /// # Errors
    /// When the database refuses, as it does where SID or name is taken.
    pub fn insert_group(&mut self, group: &Group) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO directory_group (sid, name) VALUES (?, ?)",
            params![group.sid.as_str(), group.name],
        )?;
        self.change("group", group.sid.as_str())?;
        for common_name in &group.members {
            self.insert_member(&group.sid, common_name)?;
        }
        Ok(())
    }

    /// Removes a group and the memberships in it.
    ///
    /// # Errors
    /// When the database refuses, as it does while a rule names the group.
    pub fn delete_group(&mut self, sid: &Sid) -> Result<(), StoreError> {
        self.connection
            .execute("DELETE FROM directory_group WHERE sid = ?", [sid.as_str()])?;
        self.change("group", sid.as_str())?;
        Ok(())
    }

    /// Makes somebody a member.
    ///
    /// # Errors
    /// When the database refuses, as it does where the membership exists.
    pub fn insert_member(&mut self, sid: &Sid, common_name: &str) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO directory_member (sid, common_name) VALUES (?, ?)",
            params![sid.as_str(), common_name],
        )?;
        self.change("group", sid.as_str())?;
        Ok(())
    }

    /// Ends a membership.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn delete_member(&mut self, sid: &Sid, common_name: &str) -> Result<(), StoreError> {
        self.connection.execute(
            "DELETE FROM directory_member WHERE sid = ? AND common_name = ?",
            params![sid.as_str(), common_name],
        )?;
        self.change("group", sid.as_str())?;
        Ok(())
    }
}

pub(super) fn load_groups(
    connection: &Connection,
) -> Result<BTreeMap<Sid, Arc<Group>>, StoreError> {
    let mut members = load_members(connection)?;
    let mut statement = connection.prepare_cached("SELECT * FROM directory_group")?;
    let rows = statement.query_map([], |found| {
        let sid: Sid = row::parsed(found, "sid")?;
        let group = Group {
            sid: sid.clone(),
            name: found.get("name")?,
            members: members.remove(&sid).unwrap_or_default(),
        };
        Ok((sid, Arc::new(group)))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn load_members(connection: &Connection) -> Result<BTreeMap<Sid, BTreeSet<String>>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT * FROM directory_member")?;
    let mut rows = statement.query([])?;
    let mut members: BTreeMap<Sid, BTreeSet<_>> = BTreeMap::new();
    while let Some(found) = rows.next()? {
        members
            .entry(row::parsed(found, "sid")?)
            .or_default()
            .insert(found.get("common_name")?);
    }
    Ok(members)
}
