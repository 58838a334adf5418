//! The certificate store, and the private keys sealed beside it.

use std::{collections::BTreeMap, sync::Arc};

use rusqlite::{Connection, OptionalExtension as _, params};
use zeroize::Zeroizing;

use super::{
    StoreError, Tx, revocation, row,
    vault::{Sealed, Vault},
};
use crate::model::{Certificate, CertificateArn};

/// The columns of a certificate, in the order of the table.
macro_rules! fields {
    ($certificate:expr) => {
        params![
            $certificate.arn.as_str(),
            $certificate.common_name,
            $certificate.subject,
            $certificate.issuer,
            $certificate.serial,
            row::to_json(&$certificate.alternative_names)?,
            $certificate.not_before.as_microsecond(),
            $certificate.not_after.as_microsecond(),
            $certificate.key_algorithm,
            row::to_word(&$certificate.usage),
            row::to_word(&$certificate.origin),
            $certificate.issued_by.as_ref().map(CertificateArn::as_str),
            $certificate.fingerprint,
            $certificate.certificate_pem,
            $certificate.chain_pem,
            $certificate.created_at.as_microsecond(),
        ]
    };
}

impl Tx<'_> {
    /// Adds a certificate, and its private key if it is at hand; `has_private_key` follows from
    /// that.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn insert_certificate(
        &mut self,
        certificate: &Certificate,
        private_key: Option<&[u8]>,
    ) -> Result<(), StoreError> {
        let arn = certificate.arn.as_str();
        self.connection.execute(
            "INSERT INTO certificate (arn, common_name, subject, issuer, serial,
                 alternative_names, not_before, not_after, key_algorithm, usage, origin,
                 issued_by, fingerprint, certificate_pem, chain_pem, created_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            fields!(certificate),
        )?;
        if let Some(plain) = private_key {
            self.insert_private_key(arn, plain)?;
        }
        self.change("certificate", arn)?;
        Ok(())
    }

    /// Puts what `certificate` says in the place of what its ARN named, with its private key if
    /// that is at hand. Without one, the key there stays if `keep_key`, and goes else.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn replace_certificate(
        &mut self,
        certificate: &Certificate,
        private_key: Option<&[u8]>,
        keep_key: bool,
    ) -> Result<(), StoreError> {
        let arn = certificate.arn.as_str();
        self.connection.execute(
            "UPDATE certificate SET common_name = ?2, subject = ?3, issuer = ?4, serial = ?5,
                 alternative_names = ?6, not_before = ?7, not_after = ?8, key_algorithm = ?9,
                 usage = ?10, origin = ?11, issued_by = ?12, fingerprint = ?13,
                 certificate_pem = ?14, chain_pem = ?15, created_at = ?16
             WHERE arn = ?1",
            fields!(certificate),
        )?;
        if private_key.is_some() || !keep_key {
            self.connection
                .execute("DELETE FROM private_key WHERE certificate_arn = ?", [arn])?;
        }
        if let Some(plain) = private_key {
            self.insert_private_key(arn, plain)?;
        }
        self.change("certificate", arn)?;
        Ok(())
    }

    /// Remembers a certificate that another takes the place of, for as long as it is valid.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn insert_replaced(&mut self, old: &Certificate) -> Result<(), StoreError> {
        let Some(authority) = &old.issued_by else {
            return Ok(());
        };
        self.connection.execute(
            "DELETE FROM replaced_certificate WHERE not_after < ?",
            [self.now.as_microsecond()],
        )?;
        self.connection.execute(
            "INSERT OR IGNORE INTO replaced_certificate (certificate_arn, ca_arn, serial, not_after)
             VALUES (?, ?, ?, ?)",
            params![
                old.arn.as_str(),
                authority.as_str(),
                old.serial,
                old.not_after.as_microsecond(),
            ],
        )?;
        Ok(())
    }

    /// What a certificate took the place of and is still valid: the authorities that issued it, and
    /// serial numbers in hexadecimal digits.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn replaced(
        &self,
        certificate: &CertificateArn,
    ) -> Result<Vec<(CertificateArn, String)>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT ca_arn, serial FROM replaced_certificate
             WHERE certificate_arn = ? AND not_after >= ?",
        )?;
        let key = params![certificate.as_str(), self.now.as_microsecond()];
        let rows = statement.query_map(key, |found| {
            Ok((row::parsed(found, "ca_arn")?, found.get("serial")?))
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Notes which authority of the store issued a certificate, if one did.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn set_issuer(
        &mut self,
        certificate: &CertificateArn,
        authority: Option<&CertificateArn>,
    ) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE certificate SET issued_by = ? WHERE arn = ?",
            [
                authority.map(CertificateArn::as_str),
                Some(certificate.as_str()),
            ],
        )?;
        self.change("certificate", certificate.as_str())?;
        Ok(())
    }

    /// Puts other certificates above one of the store.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn set_chain(&mut self, arn: &CertificateArn, chain_pem: &str) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE certificate SET chain_pem = ? WHERE arn = ?",
            params![chain_pem, arn.as_str()],
        )?;
        self.change("certificate", arn.as_str())?;
        Ok(())
    }

    fn insert_private_key(&mut self, arn: &str, plain: &[u8]) -> Result<(), StoreError> {
        let sealed = self.vault.seal(arn, plain)?;
        self.connection.execute(
            "INSERT INTO private_key (certificate_arn, nonce, sealed) VALUES (?, ?, ?)",
            params![arn, sealed.nonce, sealed.sealed],
        )?;
        Ok(())
    }

    /// Removes a certificate and its private key.
    ///
    /// # Errors
    /// When the database refuses, as it does while anything refers to it.
    pub fn delete_certificate(&mut self, arn: &CertificateArn) -> Result<(), StoreError> {
        self.delete_thing(
            "certificate",
            "DELETE FROM certificate WHERE arn = ?",
            arn.as_str(),
        )
    }

    /// The private key of a certificate, as it was handed in.
    ///
    /// # Errors
    /// When the database refuses or the seal does not fit.
    pub fn private_key(
        &self,
        arn: &CertificateArn,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let sealed = self
            .connection
            .prepare_cached("SELECT nonce, sealed FROM private_key WHERE certificate_arn = ?")?
            .query_row([arn.as_str()], |row| {
                Ok(Sealed {
                    nonce: row.get("nonce")?,
                    sealed: row.get("sealed")?,
                })
            })
            .optional()?;
        let Some(sealed) = sealed else {
            return Ok(None);
        };
        let plain = self.vault.open_sealed(arn.as_str(), &sealed);
        plain.map(Some).ok_or_else(|| {
            StoreError::Damaged(format!("the private key of {arn} cannot be opened"))
        })
    }
}

pub(super) fn load(
    connection: &Connection,
) -> Result<BTreeMap<CertificateArn, Arc<Certificate>>, StoreError> {
    let mut revoked = revocation::load_revoked(connection)?;
    let mut statement = connection.prepare_cached(
        "SELECT certificate.*,
                EXISTS (SELECT 1 FROM private_key WHERE certificate_arn = arn) AS has_private_key
         FROM certificate",
    )?;
    let rows = statement.query_map([], |found| {
        let arn: CertificateArn = row::parsed(found, "arn")?;
        let certificate = Certificate {
            arn: arn.clone(),
            common_name: found.get("common_name")?,
            subject: found.get("subject")?,
            issuer: found.get("issuer")?,
            serial: found.get("serial")?,
            alternative_names: row::json(found, "alternative_names")?,
            not_before: row::time(found, "not_before")?,
            not_after: row::time(found, "not_after")?,
            key_algorithm: found.get("key_algorithm")?,
            usage: row::word(found, "usage")?,
            origin: row::word(found, "origin")?,
            issued_by: row::parsed_option(found, "issued_by")?,
            fingerprint: found.get("fingerprint")?,
            certificate_pem: found.get("certificate_pem")?,
            chain_pem: found.get("chain_pem")?,
            has_private_key: found.get("has_private_key")?,
            created_at: row::time(found, "created_at")?,
            revoked: revoked.remove(arn.as_str()),
        };
        Ok((arn, Arc::new(certificate)))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn any_private_key(connection: &Connection) -> Result<bool, StoreError> {
    let count: i64 =
        connection.query_row("SELECT count(*) FROM private_key", [], |row| row.get(0))?;
    Ok(count > 0)
}

/// Whether the vault has the right key, by trying it on one row; true where there is none.
pub(super) fn first_private_key_opens(
    connection: &Connection,
    vault: &Vault,
) -> Result<bool, StoreError> {
    let first = connection
        .query_row(
            "SELECT certificate_arn, nonce, sealed FROM private_key LIMIT 1",
            [],
            |row| {
                let sealed = Sealed {
                    nonce: row.get("nonce")?,
                    sealed: row.get("sealed")?,
                };
                Ok((row.get::<_, String>("certificate_arn")?, sealed))
            },
        )
        .optional()?;
    Ok(first.is_none_or(|(arn, sealed)| vault.open_sealed(&arn, &sealed).is_some()))
}
