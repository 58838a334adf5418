//! Connections, live and ended, and clients that were not let in.

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row, params};

use super::{StoreError, Tx, row};
use crate::model::{Attempt, Connection, ConnectionId, EndpointId, Traffic};

impl Tx<'_> {
    /// Keeps a connection as it is now, new or known.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn put_connection(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let traffic = &connection.traffic;
        self.connection
            .prepare_cached(
                "INSERT INTO connection (id, endpoint_id, association_id, common_name, client_ip,
                     device, client_version, platform, cipher, state, established_at, ended_at,
                     end_reason, ingress_bytes, egress_bytes, ingress_packets, egress_packets,
                     counted_at, certificates)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                 ON CONFLICT (id) DO UPDATE SET
                     association_id = excluded.association_id,
                     device = excluded.device,
                     cipher = excluded.cipher,
                     state = excluded.state,
                     ended_at = excluded.ended_at,
                     end_reason = excluded.end_reason,
                     certificates = excluded.certificates,
                     ingress_bytes = excluded.ingress_bytes,
                     egress_bytes = excluded.egress_bytes,
                     ingress_packets = excluded.ingress_packets,
                     egress_packets = excluded.egress_packets,
                     counted_at = excluded.counted_at",
            )?
            .execute(params![
                connection.id.as_str(),
                connection.endpoint_id.as_str(),
                connection.association_id.as_str(),
                connection.common_name,
                connection.client_ip.to_string(),
                connection.device.to_string(),
                connection.client_version,
                connection.platform,
                connection.cipher,
                connection.state.as_str(),
                connection.established_at.as_microsecond(),
                connection.ended_at.map(Timestamp::as_microsecond),
                connection.end_reason,
                row::to_count(traffic.ingress_bytes),
                row::to_count(traffic.egress_bytes),
                row::to_count(traffic.ingress_packets),
                row::to_count(traffic.egress_packets),
                connection.counted_at.as_microsecond(),
                row::to_json(&connection.certificates)?,
            ])?;
        Ok(())
    }

    /// Keeps what a connection that has not ended has carried so far.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn put_traffic(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let traffic = &connection.traffic;
        self.connection
            .prepare_cached(
                "UPDATE connection SET device = ?, ingress_bytes = ?, egress_bytes = ?,
                     ingress_packets = ?, egress_packets = ?, counted_at = ?
                 WHERE id = ? AND state <> 'terminated'",
            )?
            .execute(params![
                connection.device.to_string(),
                row::to_count(traffic.ingress_bytes),
                row::to_count(traffic.egress_bytes),
                row::to_count(traffic.ingress_packets),
                row::to_count(traffic.egress_packets),
                connection.counted_at.as_microsecond(),
                connection.id.as_str(),
            ])?;
        Ok(())
    }

    /// Ends every connection that has not ended, for `reason`, at the time it was last counted:
    /// nobody knows more of it. Answers how many there were.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn end_all_connections(&mut self, reason: &str) -> Result<usize, StoreError> {
        Ok(self.connection.execute(
            "UPDATE connection SET state = 'terminated', ended_at = counted_at, end_reason = ?
             WHERE state <> 'terminated'",
            [reason],
        )?)
    }

    /// Every connection that has not ended.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn open_connections(&self) -> Result<Vec<Connection>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT * FROM connection WHERE state <> 'terminated'")?;
        let rows = statement.query_map([], read_connection)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// One connection.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn connection(&self, id: &ConnectionId) -> Result<Option<Connection>, StoreError> {
        Ok(self
            .connection
            .prepare_cached("SELECT * FROM connection WHERE id = ?")?
            .query_row([id.as_str()], read_connection)
            .optional()?)
    }

    /// The connections that ended after `since`, newest end first, at most `limit`.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn connections_ended_since(
        &self,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<Connection>, StoreError> {
        let limit = row::to_count(limit as u64);
        let mut statement = self.connection.prepare_cached(
            "SELECT * FROM connection WHERE ended_at > ? ORDER BY ended_at DESC, id LIMIT ?",
        )?;
        let rows = statement.query_map(params![since.as_microsecond(), limit], read_connection)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Keeps a record of a client that was not let in.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn insert_attempt(&mut self, attempt: &Attempt) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT INTO attempt (endpoint_id, at, device, common_name, reason, attempt_id,
                     client_version, platform, failure)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                attempt.endpoint_id.as_str(),
                attempt.at.as_microsecond(),
                attempt.device.to_string(),
                attempt.common_name,
                attempt.reason,
                attempt.id.as_ref().map(ConnectionId::as_str),
                attempt.client_version,
                attempt.platform,
                attempt.failure.as_str(),
            ])?;
        Ok(())
    }

    /// Drops all attempts but the newest `kept`.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn prune_attempts(&mut self, kept: usize) -> Result<(), StoreError> {
        self.connection.execute(
            "DELETE FROM attempt WHERE id <= (SELECT max(id) FROM attempt) - ?",
            [row::to_count(kept as u64)],
        )?;
        Ok(())
    }

    /// The newest attempts, of one endpoint or of all, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn attempts(
        &self,
        endpoint: Option<&EndpointId>,
        limit: usize,
    ) -> Result<Vec<Attempt>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT * FROM attempt WHERE ?1 IS NULL OR endpoint_id = ?1 ORDER BY id DESC LIMIT ?2",
        )?;
        let rows = statement.query_map(
            params![
                endpoint.map(EndpointId::as_str),
                row::to_count(limit as u64)
            ],
            read_attempt,
        )?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

fn read_connection(found: &Row<'_>) -> rusqlite::Result<Connection> {
    Ok(Connection {
        id: row::parsed(found, "id")?,
        endpoint_id: row::parsed(found, "endpoint_id")?,
        association_id: row::parsed(found, "association_id")?,
        common_name: found.get("common_name")?,
        client_ip: row::parsed(found, "client_ip")?,
        device: row::parsed(found, "device")?,
        client_version: found.get("client_version")?,
        platform: found.get("platform")?,
        cipher: found.get("cipher")?,
        state: row::word(found, "state")?,
        established_at: row::time(found, "established_at")?,
        ended_at: found
            .get::<_, Option<i64>>("ended_at")?
            .map(|_| row::time(found, "ended_at"))
            .transpose()?,
        certificates: row::json(found, "certificates")?,
        end_reason: found.get("end_reason")?,
        // Nobody who is kept here can still be told to.
        reconnect: None,
        traffic: Traffic {
            ingress_bytes: row::count(found, "ingress_bytes")?,
            egress_bytes: row::count(found, "egress_bytes")?,
            ingress_packets: row::count(found, "ingress_packets")?,
            egress_packets: row::count(found, "egress_packets")?,
        },
        counted_at: row::time(found, "counted_at")?,
    })
}

fn read_attempt(found: &Row<'_>) -> rusqlite::Result<Attempt> {
    Ok(Attempt {
        id: row::parsed_option(found, "attempt_id")?,
        endpoint_id: row::parsed(found, "endpoint_id")?,
        at: row::time(found, "at")?,
        device: row::parsed(found, "device")?,
        common_name: found.get("common_name")?,
        client_version: found.get("client_version")?,
        platform: found.get("platform")?,
        failure: row::word(found, "failure")?,
        reason: found.get("reason")?,
    })
}
