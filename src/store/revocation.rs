//! Lists of revoked certificates, and what authorities of the store have revoked.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{StoreError, Tx, row};
use crate::model::{CertificateArn, EndpointId, Revocation, RevocationList, RevocationListOrigin};

impl Tx<'_> {
    /// Puts a list in the place of the endpoint's, with its file. Of an imported one `entries` are
    /// kept too: serial numbers in hexadecimal digits, when and why.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn put_revocation_list(
        &mut self,
        endpoint: &EndpointId,
        list: &RevocationList,
        pem: &str,
        entries: &[(String, Revocation)],
    ) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO revocation_list (endpoint_id, issuer, issued_by, this_update, next_update,
                 number, entries, fingerprint, origin, imported_at, pem)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT (endpoint_id) DO UPDATE SET issuer = ?2, issued_by = ?3,
                 this_update = ?4, next_update = ?5, number = ?6, entries = ?7, fingerprint = ?8,
                 origin = ?9, imported_at = ?10, pem = ?11",
            params![
                endpoint.as_str(),
                list.issuer,
                list.issued_by.as_ref().map(CertificateArn::as_str),
                list.this_update.as_microsecond(),
                list.next_update.map(Timestamp::as_microsecond),
                list.number,
                list.entries,
                list.fingerprint,
                row::to_word(&list.origin),
                list.imported_at.as_microsecond(),
                pem,
            ],
        )?;
        self.connection.execute(
            "DELETE FROM listed_certificate WHERE endpoint_id = ?",
            [endpoint.as_str()],
        )?;
        if list.origin == RevocationListOrigin::Imported {
            // A list may name a number twice.
            let mut insert = self.connection.prepare_cached(
                "INSERT OR IGNORE INTO listed_certificate (endpoint_id, serial, at, reason)
                 VALUES (?, ?, ?, ?)",
            )?;
            for (serial, revocation) in entries {
                insert.execute(params![
                    endpoint.as_str(),
                    serial,
                    revocation.at.as_microsecond(),
                    row::to_word(&revocation.reason),
                ])?;
            }
        }
        self.change("revocation-list", endpoint.as_str())?;
        Ok(())
    }

    /// The file of an endpoint's list, in PEM.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn revocation_list_pem(&self, endpoint: &EndpointId) -> Result<Option<String>, StoreError> {
        Ok(self
            .connection
            .prepare_cached("SELECT pem FROM revocation_list WHERE endpoint_id = ?")?
            .query_row([endpoint.as_str()], |row| row.get(0))
            .optional()?)
    }

    /// Keeps the list that was generated last for an authority, with its file.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn put_authority_list(
        &mut self,
        authority: &CertificateArn,
        list: &RevocationList,
        pem: &str,
    ) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT OR REPLACE INTO authority_list (certificate_arn, issuer, this_update,
                 next_update, number, entries, fingerprint, imported_at, pem)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                authority.as_str(),
                list.issuer,
                list.this_update.as_microsecond(),
                list.next_update.map(Timestamp::as_microsecond),
                list.number,
                list.entries,
                list.fingerprint,
                list.imported_at.as_microsecond(),
                pem,
            ],
        )?;
        self.change("authority-list", authority.as_str())?;
        Ok(())
    }

    /// The file of the list that was generated last for an authority, in PEM.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn authority_list_pem(
        &self,
        authority: &CertificateArn,
    ) -> Result<Option<String>, StoreError> {
        Ok(self
            .connection
            .prepare_cached("SELECT pem FROM authority_list WHERE certificate_arn = ?")?
            .query_row([authority.as_str()], |row| row.get(0))
            .optional()?)
    }

    /// Records that an authority has revoked the certificate of this serial number (hexadecimal
    /// digits). False if that was recorded before: then the first time and reason stay.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn insert_revoked(
        &mut self,
        authority: &CertificateArn,
        serial: &str,
        revocation: &Revocation,
    ) -> Result<bool, StoreError> {
        let inserted = self
            .connection
            .prepare_cached(
                "INSERT OR IGNORE INTO revoked_certificate (ca_arn, serial, at, reason)
                 VALUES (?, ?, ?, ?)",
            )?
            .execute(params![
                authority.as_str(),
                serial,
                revocation.at.as_microsecond(),
                row::to_word(&revocation.reason),
            ])?;
        if inserted > 0 {
            self.change("revoked-certificate", authority.as_str())?;
        }
        Ok(inserted > 0)
    }

    /// What an authority has revoked, the first first: serial numbers in hexadecimal digits, when
    /// and why.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn revoked(
        &self,
        authority: &CertificateArn,
    ) -> Result<Vec<(String, Revocation)>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT serial, at, reason FROM revoked_certificate WHERE ca_arn = ?
             ORDER BY at, serial",
        )?;
        let rows = statement.query_map([authority.as_str()], |found| {
            Ok((found.get("serial")?, read_revocation(found)?))
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// How many certificates each authority has revoked.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn revoked_counts(&self) -> Result<BTreeMap<CertificateArn, u64>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT ca_arn, count(*) AS revoked FROM revoked_certificate GROUP BY ca_arn",
        )?;
        let rows = statement.query_map([], |found| {
            Ok((row::parsed(found, "ca_arn")?, row::count(found, "revoked")?))
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

/// When and why certificates of the store were revoked, by their ARN: what their authority has
/// revoked here, and what imported lists of it say.
pub(super) fn load_revoked(
    connection: &Connection,
) -> Result<BTreeMap<String, Revocation>, StoreError> {
    // The joins go from the few to the many, by the primary key each.
    let mut statement = connection.prepare_cached(
        "SELECT certificate.arn AS arn, revoked.at AS at, revoked.reason AS reason
         FROM certificate CROSS JOIN revoked_certificate AS revoked
             ON revoked.ca_arn = certificate.issued_by AND revoked.serial = certificate.serial
         UNION ALL
         SELECT certificate.arn, listed.at, listed.reason
         FROM revocation_list AS list
         CROSS JOIN certificate ON certificate.issued_by = list.issued_by
         CROSS JOIN listed_certificate AS listed
             ON listed.endpoint_id = list.endpoint_id AND listed.serial = certificate.serial
         ORDER BY at DESC",
    )?;
    let rows = statement.query_map([], |found| Ok((found.get("arn")?, read_revocation(found)?)))?;
    // Of several the earliest stays.
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The list of each endpoint that has one.
pub(super) fn load_endpoint_lists(
    connection: &Connection,
) -> Result<BTreeMap<EndpointId, Arc<RevocationList>>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT endpoint_id, issuer, issued_by, this_update, next_update, number, entries,
             fingerprint, origin, imported_at
         FROM revocation_list",
    )?;
    let rows = statement.query_map([], |found| {
        let origin = row::word(found, "origin")?;
        let issued_by = row::parsed_option(found, "issued_by")?;
        let list = read_list(found, issued_by, origin)?;
        Ok((row::parsed(found, "endpoint_id")?, Arc::new(list)))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The list that was generated last for each authority that has one.
pub(super) fn load_authority_lists(
    connection: &Connection,
) -> Result<BTreeMap<CertificateArn, Arc<RevocationList>>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT certificate_arn, issuer, this_update, next_update, number, entries, fingerprint,
             imported_at
         FROM authority_list",
    )?;
    let rows = statement.query_map([], |found| {
        let arn: CertificateArn = row::parsed(found, "certificate_arn")?;
        let list = read_list(found, Some(arn.clone()), RevocationListOrigin::Generated)?;
        Ok((arn, Arc::new(list)))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn read_list(
    found: &Row<'_>,
    issued_by: Option<CertificateArn>,
    origin: RevocationListOrigin,
) -> rusqlite::Result<RevocationList> {
    Ok(RevocationList {
        issuer: found.get("issuer")?,
        issued_by,
        this_update: row::time(found, "this_update")?,
        next_update: row::time_option(found, "next_update")?,
        number: found.get("number")?,
        entries: found.get("entries")?,
        fingerprint: found.get("fingerprint")?,
        origin,
        imported_at: row::time(found, "imported_at")?,
    })
}

fn read_revocation(found: &Row<'_>) -> rusqlite::Result<Revocation> {
    Ok(Revocation {
        at: row::time(found, "at")?,
        reason: row::word(found, "reason")?,
    })
}
