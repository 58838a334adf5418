//! The `pki` folder of easy-rsa: an authority, what it issued, and what it revoked.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::HEXLOWER_PERMISSIVE;
use jiff::{Timestamp, civil, tz::TimeZone};
use thiserror::Error;

use super::bundle::{self, MAX_CHAIN_BYTES};
use super::import::{self, ImportError, Imported, Part};
use super::inspect::without_leading_zeros;
use super::key::KeyError;
use super::revocation::{self, Revoked};
use super::{certificate_to_pem, split_bundle};
use crate::model::RevocationReason;

/// Most files that are taken in at once.
pub const MAX_FOLDER_FILES: usize = 10_000;
/// Most bytes that they have together.
pub const MAX_FOLDER_BYTES: usize = 64 << 20;

/// What was found in a folder.
#[derive(Clone)]
pub struct EasyRsa {
    /// The authority, with its key where that is there and not encrypted.
    pub authority: Imported,
    /// What it issued, each with the path of its certificate, in the order of the paths.
    pub issued: Vec<(String, Imported)>,
    /// What was passed over, by its path, and why, as a sentence.
    pub skipped: Vec<(String, String)>,
    /// What it revoked, each serial number once.
    pub revoked: Vec<Revoked>,
}

/// Why a folder is not taken in.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EasyRsaError {
    /// More files than are taken in at once.
    #[error("These are {0} files; at most {MAX_FOLDER_FILES} are taken in at once")]
    TooManyFiles(usize),
    /// More bytes than are taken in at once.
    #[error(
        "The files have {bytes} bytes together; at most {} MiB are taken in at once",
        MAX_FOLDER_BYTES >> 20
    )]
    TooLarge {
        /// How many they have.
        bytes: usize,
    },
    /// The authority's certificate is missing.
    #[error(
        "There is no ca.crt, so this is no pki folder of easy-rsa; choose the folder that holds ca.crt, issued and private"
    )]
    NoAuthority,
    /// The authority's certificate cannot be used.
    #[error("ca.crt cannot be used: {0}")]
    Authority(ImportError),
    /// What is called an authority is none.
    #[error(
        "ca.crt cannot be used: {0:?} is no certificate authority; choose the folder in which easy-rsa built its CA"
    )]
    NotAnAuthority(String),
    /// More revoked certificates than are accepted.
    #[error(
        "The folder says of {count} certificates that they are revoked; at most {limit} are accepted"
    )]
    TooManyRevoked {
        /// How many it revokes.
        count: usize,
        /// Most that are accepted.
        limit: usize,
    },
}

/// Reads the files of a folder: each with its path inside, such as `private/ca.key`, and what is in
/// it. At most `most_revoked` certificates may be revoked.
///
/// What cannot be used is passed over with the reason; a certificate whose key cannot be used is
/// taken over without it.
///
/// # Errors
/// When there is no authority that can be used, or more than is taken in at once.
pub fn read_easy_rsa(
    files: &[(&str, &[u8])],
    most_revoked: usize,
    now: Timestamp,
) -> Result<EasyRsa, EasyRsaError> {
    if files.len() > MAX_FOLDER_FILES {
        return Err(EasyRsaError::TooManyFiles(files.len()));
    }
    let bytes = files.iter().map(|(_, content)| content.len()).sum();
    if bytes > MAX_FOLDER_BYTES {
        return Err(EasyRsaError::TooLarge { bytes });
    }
    let mut folder = Folder::of(files, now);
    let (authority, bundle) = folder.authority()?;
    let issued = folder.issued(&bundle);
    let revoked = folder.revoked(&authority, most_revoked)?;
    folder.pass_over_the_rest();
    folder.skipped.sort();
    Ok(EasyRsa {
        authority,
        issued,
        skipped: folder.skipped,
        revoked,
    })
}

struct Folder<'a> {
    /// What is left of the files.
    files: BTreeMap<&'a str, &'a [u8]>,
    skipped: Vec<(String, String)>,
    now: Timestamp,
}

impl<'a> Folder<'a> {
    fn of(files: &[(&'a str, &'a [u8])], now: Timestamp) -> Self {
        let mut folder = Self {
            files: BTreeMap::new(),
            skipped: Vec::new(),
            now,
        };
        for (path, content) in files {
            if folder.files.insert(path, content).is_some() {
                folder.skip(path, "The file is there twice; the last one counts.");
            }
        }
        folder
    }

    fn skip(&mut self, path: &str, why: impl Into<String>) {
        self.skipped.push((path.to_owned(), why.into()));
    }

    /// The authority, and its certificate with those above it.
    fn authority(&mut self) -> Result<(Imported, String), EasyRsaError> {
        let text = self.files.remove(AUTHORITY);
        let text = text.ok_or(EasyRsaError::NoAuthority)?;
        // An authority below another may have that one's certificate in the same file.
        let (own, above) = match bundle::certificates(text, MAX_CHAIN_BYTES) {
            Ok(all) if all.len() > 1 => (
                certificate_to_pem(&all[0]).into_bytes(),
                bundle::to_bundle(&all[1..]).into_bytes(),
            ),
            _ => (text.to_vec(), Vec::new()),
        };
        let (path, key) = match self.files.remove(AUTHORITY_KEY) {
            Some(key) => (AUTHORITY_KEY, Some(key)),
            None => (OLD_AUTHORITY_KEY, self.files.remove(OLD_AUTHORITY_KEY)),
        };
        let authority = self
            .taken(&own, key.map(|key| (path, key)), &above)
            .map_err(EasyRsaError::Authority)?;
        if !authority.inspected.may_sign_certificates() {
            let name = authority.inspected.display_name().to_owned();
            return Err(EasyRsaError::NotAnAuthority(name));
        }
        let chain = authority.chain_pem.as_deref().unwrap_or_default();
        let bundle = format!("{}{chain}", authority.certificate_pem);
        Ok((authority, bundle))
    }

    /// A certificate with its key, or without where that is of no use, which is then said.
    fn taken(
        &mut self,
        certificate: &[u8],
        key: Option<(&str, &[u8])>,
        chain: &[u8],
    ) -> Result<Imported, ImportError> {
        let import = |key| import::import(certificate, key, Some(chain), self.now);
        let Some((path, key)) = key else {
            return import(None);
        };
        match import(Some(key)) {
            Err(ImportError::Key(KeyError::Encrypted)) => {
                let taken = import(None)?;
                self.skip(path, encrypted(path));
                Ok(taken)
            }
            Err(error) if error.part() == Part::PrivateKey => {
                let taken = import(None)?;
                self.skip(
                    path,
                    format!("{error}. The certificate was taken over without it."),
                );
                Ok(taken)
            }
            taken => taken,
        }
    }

    fn issued(&mut self, bundle: &str) -> Vec<(String, Imported)> {
        let paths = self.files.keys().filter(|path| path.starts_with(ISSUED));
        let paths: Vec<&str> = paths.copied().collect();
        let mut issued = Vec::with_capacity(paths.len());
        for path in paths {
            let Some(certificate) = self.files.remove(path) else {
                continue;
            };
            let key_path = key_of(path);
            let key = self.files.remove(key_path.as_str());
            let key = key.map(|key| (key_path.as_str(), key));
            match self.taken(certificate, key, bundle.as_bytes()) {
                Ok(taken) => issued.push((path.to_owned(), taken)),
                Err(error) => self.skip(path, format!("{error}.")),
            }
        }
        issued
    }

    /// What `index.txt` and `crl.pem` say of revoked certificates.
    fn revoked(
        &mut self,
        authority: &Imported,
        limit: usize,
    ) -> Result<Vec<Revoked>, EasyRsaError> {
        let mut revoked = Vec::new();
        if let Some(index) = self.files.remove(INDEX) {
            let (read, first_odd) = read_index(index);
            revoked = read;
            if let Some(line) = first_odd {
                self.skip(
                    INDEX,
                    format!(
                        "Line {line} is not as openssl writes it; lines like it were passed over."
                    ),
                );
            }
        }
        if let Some(list) = self.files.remove(LIST) {
            let list = revocation::read_revocation_list(list, limit).and_then(|list| {
                let roots = split_bundle(&authority.certificate_pem).unwrap_or_default();
                revocation::verify_revocation_list(&list, &roots)?;
                Ok(list.entries)
            });
            match list {
                Ok(entries) => revoked.extend(entries),
                Err(error) => self.skip(LIST, format!("The revocation list {error}.")),
            }
        }
        let mut seen = BTreeSet::new();
        revoked.retain(|it: &Revoked| seen.insert(it.serial.clone()));
        let count = revoked.len();
        if count > limit {
            return Err(EasyRsaError::TooManyRevoked { count, limit });
        }
        Ok(revoked)
    }

    fn pass_over_the_rest(&mut self) {
        for path in std::mem::take(&mut self.files).into_keys() {
            let why = match path.strip_prefix(PRIVATE) {
                Some(_) => "There is no certificate in issued that this key belongs to.",
                None => "It is none of the files that are taken over.",
            };
            self.skip(path, why);
        }
    }
}

/// The key that easy-rsa makes beside a certificate: `private/a.key` for `issued/a.crt`.
fn key_of(certificate: &str) -> String {
    let name = certificate.strip_prefix(ISSUED).unwrap_or(certificate);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    format!("{PRIVATE}{stem}.key")
}

fn encrypted(path: &str) -> String {
    format!(
        "The key has a passphrase, so the certificate was taken over without it. Decrypt it with `openssl pkey -in {path} -out {path}.plain`, put that in its place, and import the folder again."
    )
}

/// The revoked certificates of openssl's index (a line each: state, end, moment and reason of the
/// revocation, serial number, file, subject; tabs between), and the first line that is none.
fn read_index(text: &[u8]) -> (Vec<Revoked>, Option<usize>) {
    let mut revoked = Vec::new();
    let mut first_odd = None;
    for (number, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii_end();
        let is_odd = match line.first() {
            None | Some(b'V' | b'E') => false,
            Some(b'R') => match read_line(line) {
                Some(entry) => {
                    revoked.push(entry);
                    false
                }
                None => true,
            },
            Some(_) => true,
        };
        if is_odd && first_odd.is_none() {
            first_odd = Some(number + 1);
        }
    }
    (revoked, first_odd)
}

fn read_line(line: &[u8]) -> Option<Revoked> {
    let mut fields = line.split(|byte| *byte == b'\t').skip(2);
    let revocation = std::str::from_utf8(fields.next()?).ok()?;
    let serial = HEXLOWER_PERMISSIVE.decode(fields.next()?).ok()?;
    if !(1..=MAX_SERIAL).contains(&serial.len()) {
        return None;
    }
    let (at, reason) = match revocation.split_once(',') {
        Some((at, reason)) => (at, reason_of(reason)),
        None => (revocation, None),
    };
    Some(Revoked {
        serial: data_encoding::HEXLOWER.encode(without_leading_zeros(&serial)),
        at: moment(at)?,
        reason,
    })
}

/// A moment as ASN.1 writes it, with two or four digits of the year (RFC 5280, section 4.1.2.5).
fn moment(text: &str) -> Option<Timestamp> {
    let digits = text.strip_suffix('Z')?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = match digits.len() {
        12 => {
            let year: i16 = digits[..2].parse().ok()?;
            let century = if year < 50 { 2000 } else { 1900 };
            (century + year, &digits[2..])
        }
        14 => (digits[..4].parse().ok()?, &digits[4..]),
        _ => return None,
    };
    let part = |at: usize| rest[at..at + 2].parse::<i8>().ok();
    let time = civil::DateTime::new(year, part(0)?, part(2)?, part(4)?, part(6)?, part(8)?, 0);
    let time = time.ok()?.to_zoned(TimeZone::UTC).ok()?;
    Some(time.timestamp())
}

/// openssl's name of a reason; `holdInstruction` and the like are followed by more.
fn reason_of(name: &str) -> Option<RevocationReason> {
    use RevocationReason as Reason;
    let name = name.split(',').next()?;
    Some(match name {
        "keyCompromise" | "keyTime" => Reason::KeyCompromise,
        "CACompromise" | "CAkeyTime" => Reason::CaCompromise,
        "affiliationChanged" => Reason::AffiliationChanged,
        "superseded" => Reason::Superseded,
        "cessationOfOperation" => Reason::CessationOfOperation,
        "certificateHold" | "holdInstruction" => Reason::CertificateHold,
        "privilegeWithdrawn" => Reason::PrivilegeWithdrawn,
        "AACompromise" => Reason::AaCompromise,
        _ => return None,
    })
}

/// Octets of a serial number (RFC 5280, section 4.1.2.2).
const MAX_SERIAL: usize = 20;
const AUTHORITY: &str = "ca.crt";
const AUTHORITY_KEY: &str = "private/ca.key";
/// Where easy-rsa 2 had it.
const OLD_AUTHORITY_KEY: &str = "ca.key";
const ISSUED: &str = "issued/";
const PRIVATE: &str = "private/";
const INDEX: &str = "index.txt";
const LIST: &str = "crl.pem";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_openssl() {
        let at = |text: &str| moment(text).map(|it| it.to_string());
        let expected = Some("2026-11-26T12:00:05Z".to_owned());
        assert_eq!(at("261126120005Z"), expected);
        assert_eq!(at("20261126120005Z"), expected);
        assert_eq!(at("500101000000Z").unwrap(), "1950-01-01T00:00:00Z");
        for odd in [
            "",
            "Z",
            "261126120005",
            "261326120005Z",
            "2611261200é5Z",
            "2x1126120005Z",
        ] {
            assert_eq!(at(odd), None, "{odd}");
        }
    }

    #[test]
    fn an_index_is_read_line_by_line() {
        let index = "V\t290228000000Z\t\t0A\tunknown\t/CN=a\n\
                     R\t290228000000Z\t261126120005Z,keyCompromise\t00AB\tunknown\t/CN=b\r\n\
                     R\t290228000000Z\t261126120005Z\t0C\tunknown\t/CN=c\n\
                     R\t290228000000Z\t261126120005Z\t\tunknown\t/CN=none\n\
                     R\tx\n\
                     ?\n";
        let (revoked, odd) = read_index(index.as_bytes());
        assert_eq!(odd, Some(4));
        let found: Vec<_> = revoked
            .iter()
            .map(|it| (it.serial.as_str(), it.reason))
            .collect();
        let expected = [("ab", Some(RevocationReason::KeyCompromise)), ("0c", None)];
        assert_eq!(found, expected);
    }
}
