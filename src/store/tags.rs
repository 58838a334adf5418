//! Tags of things that are there already.

use rusqlite::params;

use super::{StoreError, Tx};
use crate::model::Tags;

impl Tx<'_> {
    /// Hangs tags on the thing `id`, in place of those of the same keys.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn put_tags(&mut self, id: &str, tags: &Tags) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO tag (resource_id, key, value) VALUES (?, ?, ?)
             ON CONFLICT (resource_id, key) DO UPDATE SET value = excluded.value",
        )?;
        for (key, value) in tags {
            statement.execute(params![id, key, value])?;
        }
        drop(statement);
        self.change("tags", id)?;
        Ok(())
    }

    /// Takes the tags with these keys off the thing `id`.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn remove_tags<'k>(
        &mut self,
        id: &str,
        keys: impl IntoIterator<Item = &'k str>,
    ) -> Result<(), StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("DELETE FROM tag WHERE resource_id = ? AND key = ?")?;
        for key in keys {
            statement.execute([id, key])?;
        }
        drop(statement);
        self.change("tags", id)?;
        Ok(())
    }
}
