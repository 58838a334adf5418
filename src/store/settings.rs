//! Settings of the installation.

use rusqlite::{Connection, params};
use serde_json::Value;

use super::{StoreError, Tx, row};
use crate::model::Settings;

impl Tx<'_> {
    /// Keeps the settings.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn put_settings(&mut self, settings: &Settings) -> Result<(), StoreError> {
        let Ok(Value::Object(values)) = serde_json::to_value(settings) else {
            return Err(StoreError::Damaged(
                "settings that are no object".to_owned(),
            ));
        };
        for (name, value) in values {
            self.connection
                .prepare_cached(
                    "INSERT INTO setting (name, value) VALUES (?, ?)
                     ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                )?
                .execute(params![name, value.to_string()])?;
        }
        self.change("settings", "settings")?;
        Ok(())
    }
}

/// The settings: what was kept, and defaults for the rest.
pub(super) fn load(connection: &Connection) -> Result<Settings, StoreError> {
    let mut settings = serde_json::to_value(Settings::default())
        .map_err(|error| StoreError::Damaged(error.to_string()))?;
    let mut statement = connection.prepare_cached("SELECT name, value FROM setting")?;
    let rows = statement.query_map([], |found| {
        Ok((found.get::<_, String>("name")?, row::json(found, "value")?))
    })?;
    for found in rows {
        let (name, value): (String, Value) = found?;
        settings[name] = value;
    }
    serde_json::from_value(settings)
        .map_err(|error| StoreError::Damaged(format!("settings: {error}")))
}
