//! Taking in a whole `pki` folder of easy-rsa.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use super::{NewCertificate, refuse};
use crate::{
    model::{
        Answer, Certificate, CertificateArn, CertificateOrigin, Refusal, Revocation,
        command::{ImportPki, PkiImported},
    },
    pki,
    service::{
        Service, aside,
        change::{Change, Terms},
    },
};

impl Service {
    /// Takes in a folder: all that can be used of it, in one transaction. Reading it is slow and
    /// done before.
    pub(in crate::service) async fn import_pki(
        &self,
        terms: Terms,
        command: ImportPki,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        let limit = self.snapshot().settings.max_revocations;
        let folder = aside(move || read(&command, limit as usize, now)).await?;
        self.change(terms, move |change| change.import_folder(folder))
            .await
    }
}

fn read(command: &ImportPki, most_revoked: usize, now: Timestamp) -> Result<pki::EasyRsa, Refusal> {
    if command.files.is_empty() {
        return Err(Refusal::missing(FILES, "ca.crt"));
    }
    let files: Vec<(&str, &[u8])> = command
        .files
        .iter()
        .map(|file| (file.path.as_str(), file.content.expose()))
        .collect();
    pki::read_easy_rsa(&files, most_revoked, now).map_err(|error| refuse(FILES, error.to_string()))
}

impl Change<'_, '_> {
    fn import_folder(&mut self, folder: pki::EasyRsa) -> Result<Answer, Refusal> {
        let snapshot = Arc::clone(&self.snapshot);
        let all = snapshot.certificates.values();
        let known: BTreeMap<&str, &Certificate> = all
            .map(|it| (it.fingerprint.as_str(), it.as_ref()))
            .collect();
        let mut done = PkiImported {
            skipped: folder.skipped,
            ..PkiImported::default()
        };
        let has_key = folder.authority.private_key_pem.is_some();
        let authority = self.take("ca.crt", folder.authority, None, &known, &mut done)?;
        for (path, certificate) in folder.issued {
            self.take(&path, certificate, Some(&authority.arn), &known, &mut done)?;
        }
        for entry in folder.revoked {
            let revocation = Revocation {
                at: entry.at,
                reason: entry.reason.unwrap_or_default(),
            };
            if self
                .tx
                .insert_revoked(&authority.arn, &entry.serial, &revocation)?
            {
                done.revoked.push(entry.serial);
            }
        }
        let recorded = self.tx.revoked(&authority.arn)?.len();
        let list = snapshot.authority_lists.get(&authority.arn);
        // The key may have come after what it has to sign.
        if list.map_or(0, |list| list.entries as usize) < recorded {
            if has_key || authority.has_private_key {
                self.generate(&authority, None)?;
            } else {
                done.skipped
                    .push(("crl.pem".to_owned(), NO_LIST.to_owned()));
            }
        }
        Ok(Answer::PkiImported(done))
    }

    /// Puts one certificate of the folder into the store, unless it is there.
    fn take(
        &mut self,
        path: &str,
        imported: pki::Imported,
        authority: Option<&CertificateArn>,
        known: &BTreeMap<&str, &Certificate>,
        done: &mut PkiImported,
    ) -> Result<Certificate, Refusal> {
        let fingerprint = imported.inspected.fingerprint_sha256.replace(':', "");
        if let Some(there) = known.get(fingerprint.as_str()) {
            return self.complete(path, imported, there, done);
        }
        let new = NewCertificate {
            facts: imported.inspected,
            certificate_pem: imported.certificate_pem,
            chain_pem: imported.chain_pem.unwrap_or_default(),
            private_key: imported.private_key_pem,
            origin: CertificateOrigin::Imported,
            issued_by: None,
        };
        let certificate = self.insert_below(new, authority)?;
        done.imported
            .push((path.to_owned(), certificate.arn.clone()));
        Ok(certificate)
    }

    /// Of a certificate that is in the store already, only its key may be new.
    fn complete(
        &mut self,
        path: &str,
        imported: pki::Imported,
        there: &Certificate,
        done: &mut PkiImported,
    ) -> Result<Certificate, Refusal> {
        self.concerns(&there.arn);
        match imported.private_key_pem.filter(|_| !there.has_private_key) {
            Some(key) => {
                let key = key.expose().as_bytes();
                self.tx.replace_certificate(there, Some(key), false)?;
                done.imported.push((path.to_owned(), there.arn.clone()));
            }
            None => done.skipped.push((
                path.to_owned(),
                format!("The certificate is in the store already, as {}.", there.arn),
            )),
        }
        Ok(there.clone())
    }
}

const FILES: &str = "Files";
const NO_LIST: &str = "What the folder says is revoked was recorded, but the authority's key is not here, so no list can be made. Import crl.pem as the client certificate revocation list of each endpoint.";
