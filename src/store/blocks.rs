//! Clients that are kept out of an endpoint for a while.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::{StoreError, Tx, row};
use crate::model::{ClientBlock, EndpointId};

impl Tx<'_> {
    /// Keeps a client out; of two ends the later one counts.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn put_block(&mut self, block: &ClientBlock) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO client_block (endpoint_id, common_name, until) VALUES (?, ?, ?)
             ON CONFLICT (endpoint_id, common_name)
             DO UPDATE SET until = max(until, excluded.until)",
            params![
                block.endpoint_id.as_str(),
                block.common_name,
                block.until.as_microsecond(),
            ],
        )?;
        self.change("client-block", block.endpoint_id.as_str())?;
        Ok(())
    }

    /// Lets a client in again.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn delete_block(
        &mut self,
        endpoint: &EndpointId,
        common_name: &str,
    ) -> Result<(), StoreError> {
        self.connection.execute(
            "DELETE FROM client_block WHERE endpoint_id = ? AND common_name = ?",
            [endpoint.as_str(), common_name],
        )?;
        self.change("client-block", endpoint.as_str())?;
        Ok(())
    }
}

/// Every block, also of those whose time is over.
pub(super) fn load(connection: &Connection) -> Result<Vec<ClientBlock>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT * FROM client_block ORDER BY endpoint_id, common_name")?;
    let rows = statement.query_map([], |found| {
        Ok(ClientBlock {
            endpoint_id: row::parsed(found, "endpoint_id")?,
            common_name: found.get("common_name")?,
            until: row::time(found, "until")?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Drops the blocks whose time is over.
pub(super) fn prune(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    connection.execute(
        "DELETE FROM client_block WHERE until <= ?",
        [now.as_microsecond()],
    )?;
    Ok(())
}
