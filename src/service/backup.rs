//! The whole installation in one file, locked with a passphrase, and back.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 16 | `gatehouse-backup` |
//! | 16 | 1 | the form of the file: 1 |
//! | 17 | 1 | how the key is made: 1 is PBKDF2 with HMAC-SHA-256 (RFC 8018) |
//! | 18 | 4 | its iterations, big endian |
//! | 22 | 16 | its salt |
//! | 38 | 1 | the cipher: 1 is AES-256-GCM (NIST SP 800-38D) |
//! | 39 | 12 | its nonce |
//! | 51 | | what it holds, sealed; the first 39 bytes are associated data |
//!
//! What it holds is the configuration and the keys, see [`Tx::dump`]; the event record, the logs'
//! events and the connections stay with the machine they are of.
//!
//! [`Tx::dump`]: crate::store::Tx::dump

use std::num::NonZeroU32;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey},
    pbkdf2,
};
use zeroize::Zeroizing;

use super::{
    Service, aside,
    change::Terms,
    fields::{invalid, random},
};
use crate::{
    model::{
        Answer, AssociationState, Certificate, Connection, EndpointId, Refusal, Snapshot,
        backup::{Backup, MAX_BACKUP, Restored, judge_passphrase},
        command::{CreateBackup, RestoreBackup, Secret},
    },
    store::{BackupContents, backup_contents},
};

impl Service {
    /// The installation as it is now, sealed. The key is made before the transaction, as that takes
    /// its time.
    pub(super) async fn create_backup(
        &self,
        terms: Terms,
        command: CreateBackup,
    ) -> Result<Answer, Refusal> {
        judge_passphrase(command.passphrase.expose())?;
        let lock = aside(move || Lock::new(command.passphrase.expose())).await?;
        self.change(terms, move |change| {
            let content = lock.seal(change.tx.dump()?)?;
            if content.len() > MAX_BACKUP {
                return Err(too_large(content.len()));
            }
            Ok(Answer::Backup(Backup {
                content: Secret::new(content),
                file_name: format!("gatehouse-{}.backup", change.now.strftime("%Y-%m-%d")),
            }))
        })
        .await
    }

    /// Puts a backup in place of the whole configuration, in one transaction. What runs follows the
    /// snapshot, as after any change: sessions of endpoints that stay as they are stay up.
    pub(super) async fn restore_backup(
        &self,
        terms: Terms,
        command: RestoreBackup,
    ) -> Result<Answer, Refusal> {
        let dump = aside(move || open(&command)).await?;
        self.change(terms, move |change| {
            let live = change.machine.board.live();
            let contents = change.tx.restore(&dump)?;
            for endpoint in contents.snapshot.endpoints.keys() {
                change.concerns(endpoint);
            }
            let restored = restored(&contents, &change.snapshot, &live);
            Ok(Answer::Restored(restored))
        })
        .await
    }

    /// What a backup holds, and what restoring it now would do.
    pub(super) async fn describe_backup(&self, wanted: &RestoreBackup) -> Result<Answer, Refusal> {
        let wanted = wanted.clone();
        let (now, live) = (self.snapshot(), self.inner.board.live());
        aside(move || {
            let contents = backup_contents(&open(&wanted)?)?;
            Ok(Answer::Restored(restored(&contents, &now, &live)))
        })
        .await
    }
}

/// What a backup holds, and what it does where `before` is configured and these are connected.
fn restored(contents: &BackupContents, before: &Snapshot, live: &[Connection]) -> Restored {
    let after = &contents.snapshot;
    let ending = live
        .iter()
        .filter(|it| !goes_on(before, after, &it.endpoint_id));
    let readmitted = before
        .certificates
        .values()
        .filter(|it| is_readmitted(it, after));
    Restored {
        made_at: contents.made_at,
        seq: contents.seq,
        endpoints: number(after.endpoints.len()),
        certificates: number(after.certificates.len()),
        ending_connections: number(ending.count()),
        readmitted_certificates: number(readmitted.count()),
    }
}

/// Whether an endpoint listens on as it does.
fn goes_on(before: &Snapshot, after: &Snapshot, id: &EndpointId) -> bool {
    let (Some(now), Some(then)) = (before.endpoints.get(id), after.endpoints.get(id)) else {
        return false;
    };
    let stays = |state: &AssociationState| *state != AssociationState::Disassociating;
    !then.deleting
        && (now.transport, now.port, now.client_cidr)
            == (then.transport, then.port, then.client_cidr)
        && after.associations_of(id).any(|it| stays(&it.state))
}

/// Whether a certificate is revoked that is not in `after`, where its authority is.
fn is_readmitted(certificate: &Certificate, after: &Snapshot) -> bool {
    let is_revoked = |it: &Certificate| it.revoked.is_some();
    let then = after.certificates.get(&certificate.arn);
    let authority = certificate.issued_by.as_ref();
    is_revoked(certificate)
        && !then.is_some_and(|it| is_revoked(it))
        && authority.is_some_and(|arn| after.certificates.contains_key(arn))
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The head of a file and the key that goes with it.
struct Lock {
    head: [u8; HEAD],
    key: RandomizedNonceKey,
}

impl Lock {
    /// A new one for a passphrase; takes about half a second.
    fn new(passphrase: &[u8]) -> Result<Self, Refusal> {
        let mut head = [0; HEAD];
        head[..16].copy_from_slice(MAGIC);
        head[16] = FORM;
        head[17] = PBKDF2_HMAC_SHA256;
        head[18..22].copy_from_slice(&ITERATIONS.to_be_bytes());
        head[22..38].copy_from_slice(&random::<16>()?);
        head[38] = CIPHER_AES_256_GCM;
        Self::with_head(head, passphrase)
    }

    fn with_head(head: [u8; HEAD], passphrase: &[u8]) -> Result<Self, Refusal> {
        let [.., a, b, c, d] = head[..22] else {
            return Err(no_backup("it is cut"));
        };
        let iterations = NonZeroU32::new(u32::from_be_bytes([a, b, c, d]))
            .filter(|it| MOST_ITERATIONS >= it.get())
            .ok_or_else(|| no_backup("its key would be made in a way that is not known"))?;
        let mut key = Zeroizing::new([0; 32]);
        let salt = &head[22..38];
        pbkdf2::derive(
            pbkdf2::PBKDF2_HMAC_SHA256,
            iterations,
            salt,
            passphrase,
            &mut *key,
        );
        let key = RandomizedNonceKey::new(&AES_256_GCM, &*key)
            .map_err(|_| no_backup("its key cannot be made"))?;
        Ok(Self { head, key })
    }

    fn seal(&self, mut dump: Zeroizing<Vec<u8>>) -> Result<Vec<u8>, Refusal> {
        let tag = self
            .key
            .seal_in_place_separate_tag(Aad::from(self.head), &mut dump)
            .map_err(|_| no_backup("it cannot be sealed"))?;
        let (nonce, tag) = tag;
        Ok([&self.head[..], nonce.as_ref(), &dump, tag.as_ref()].concat())
    }
}

/// What a backup holds, in the clear.
fn open(command: &RestoreBackup) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let file = command.backup.expose();
    if !file.starts_with(MAGIC) {
        return Err(no_backup("it does not begin like one"));
    }
    let (Some(head), Some(rest)) = (file.first_chunk::<HEAD>(), file.get(HEAD..)) else {
        return Err(no_backup("it is cut"));
    };
    if (head[16], head[17], head[38]) != (FORM, PBKDF2_HMAC_SHA256, CIPHER_AES_256_GCM) {
        return Err(no_backup(
            "it is of a form that this version does not know; restore it with the version that made it",
        ));
    }
    let (Some(nonce), Some(sealed)) = (rest.get(..NONCE), rest.get(NONCE..)) else {
        return Err(no_backup("it is cut"));
    };
    let lock = Lock::with_head(*head, command.passphrase.expose())?;
    let refused = || {
        invalid(
            PASSPHRASE,
            "The passphrase does not open the backup. It is another one, or the file was cut or changed; nothing was changed here",
        )
    };
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| refused())?;
    let mut buffer = Zeroizing::new(sealed.to_vec());
    let length = lock
        .key
        .open_in_place(nonce, Aad::from(*head), &mut buffer)
        .map_err(|_| refused())?
        .len();
    buffer.truncate(length);
    Ok(buffer)
}

fn no_backup(why: &str) -> Refusal {
    invalid(
        BACKUP,
        format!("The file is no backup that can be restored: {why}. Nothing was changed"),
    )
}

fn too_large(bytes: usize) -> Refusal {
    let mib = bytes.div_ceil(1 << 20);
    invalid(
        BACKUP,
        format!(
            "The backup would have {mib} MiB, and one file has at most {} MiB. Take certificates out of the store that are not needed, or shorten revocation lists; or stop the gateway and copy the data directory",
            MAX_BACKUP >> 20
        ),
    )
}

const BACKUP: &str = "Backup";
const PASSPHRASE: &str = "Passphrase";
const MAGIC: &[u8; 16] = b"gatehouse-backup";
const FORM: u8 = 1;
const PBKDF2_HMAC_SHA256: u8 = 1;
const CIPHER_AES_256_GCM: u8 = 1;
/// The bytes before the nonce.
const HEAD: usize = 39;
const NONCE: usize = 12;
/// OWASP's Password Storage Cheat Sheet for PBKDF2 with HMAC-SHA-256.
const ITERATIONS: u32 = 600_000;
/// More would keep a processor busy for long with a file that somebody made up.
const MOST_ITERATIONS: u32 = 10_000_000;
