//! Changes of an endpoint that is there, and who made the last one.

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, params};

use super::{StoreError, Tx, row};
use crate::model::{Endpoint, EndpointId, SecurityGroupId, VpcId};

/// Who changed an endpoint last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastChange {
    /// When.
    pub at: Timestamp,
    /// Who and by which operation, where the event record still has it.
    pub by: Option<(String, String)>,
}

impl Tx<'_> {
    /// Writes what of an endpoint can change, apart from its VPC and security groups.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn update_endpoint(&mut self, endpoint: &Endpoint) -> Result<(), StoreError> {
        let seq = self.change(ENDPOINT, endpoint.id.as_str())?;
        self.connection.execute(
            "UPDATE endpoint SET description = ?, server_certificate = ?, port = ?,
                 split_tunnel = ?, dns_servers = ?, log_group = ?, log_stream = ?, changed_seq = ?
             WHERE id = ?",
            params![
                endpoint.description,
                endpoint.server_certificate.as_str(),
                endpoint.port,
                endpoint.split_tunnel,
                row::to_json(&endpoint.dns_servers)?,
                endpoint.connection_log.as_ref().map(|log| &log.group),
                endpoint.connection_log.as_ref().map(|log| &log.stream),
                seq,
                endpoint.id.as_str(),
            ],
        )?;
        Ok(())
    }

    /// Gives an endpoint without target networks a VPC that stays when associations go, and
    /// security groups of it.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn choose_endpoint_vpc(
        &mut self,
        endpoint: &EndpointId,
        vpc: &VpcId,
        groups: &std::collections::BTreeSet<SecurityGroupId>,
    ) -> Result<(), StoreError> {
        self.connection.execute(
            "DELETE FROM endpoint_security_group WHERE endpoint_id = ?",
            [endpoint.as_str()],
        )?;
        self.connection.execute(
            "UPDATE endpoint SET vpc_id = ?, vpc_chosen = 1 WHERE id = ?",
            [vpc.as_str(), endpoint.as_str()],
        )?;
        self.set_endpoint_security_groups(endpoint, vpc, groups)
    }

    /// Whether the VPC of an endpoint stays when its last association goes.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn endpoint_vpc_is_chosen(&self, endpoint: &EndpointId) -> Result<bool, StoreError> {
        Ok(self
            .connection
            .prepare_cached("SELECT vpc_chosen FROM endpoint WHERE id = ?")?
            .query_row([endpoint.as_str()], |found| found.get(0))
            .optional()?
            .unwrap_or(false))
    }

    /// The last change that somebody made of the endpoint itself after change number `seq`; what
    /// the gateway's word settles is none.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn endpoint_changed_since(
        &self,
        endpoint: &EndpointId,
        seq: u64,
    ) -> Result<Option<LastChange>, StoreError> {
        let last: Option<i64> = self
            .connection
            .prepare_cached(
                "SELECT at FROM change WHERE kind = ? AND id = ? AND seq > ?
                 ORDER BY seq DESC LIMIT 1",
            )?
            .query_row(
                params![ENDPOINT, endpoint.as_str(), row::to_count(seq)],
                |it| it.get(0),
            )
            .optional()?;
        let Some(micros) = last else {
            return Ok(None);
        };
        // An event has the time of its transaction, as the change has.
        let by = self
            .connection
            .prepare_cached(
                "SELECT caller, action FROM event, json_each(event.resources) AS resource
                 WHERE at = ? AND code IS NULL AND NOT read_only AND resource.value = ?
                 ORDER BY seq DESC LIMIT 1",
            )?
            .query_row(params![micros, endpoint.as_str()], |found| {
                Ok((found.get("caller")?, found.get("action")?))
            })
            .optional()?;
        let at = Timestamp::from_microsecond(micros)
            .map_err(|error| StoreError::Damaged(error.to_string()))?;
        Ok(Some(LastChange { at, by }))
    }
}

/// The kind of a change that somebody makes of an endpoint itself.
pub(super) const ENDPOINT: &str = "endpoint";
