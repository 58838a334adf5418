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
    change::{Change, Machine, Terms},
    fields::{invalid, random},
    revocation::{self, Known},
};
use crate::{
    clock,
    model::{
        Answer, Association, AssociationState, Connection, HostNetwork, Refusal, Snapshot,
        backup::{Backup, MAX_BACKUP, Restored, judge_passphrase},
        command::{CreateBackup, RestoreBackup, Secret},
        net,
    },
    store::{ReadBackup, StoreError, read_backup},
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
        let known = self.in_force(None).await?.known();
        let backup = aside(move || Opened::read(&command, &known)).await?;
        let answer = self.change(terms, move |change| change.restore(&backup));
        let answer = answer.await?;
        // Those of long ago may be over, and would keep everybody out.
        self.renew_lists(clock::now()).await;
        Ok(answer)
    }

    /// What a backup holds, and what restoring it now would do.
    pub(super) async fn describe_backup(&self, wanted: &RestoreBackup) -> Result<Answer, Refusal> {
        let wanted = wanted.clone();
        let known = self.in_force(None).await?.known();
        let (now, machine) = (self.snapshot(), self.machine());
        aside(move || {
            let backup = Opened::read(&wanted, &known)?;
            Ok(Answer::Restored(backup.restored(&now, &machine)))
        })
        .await
    }
}

impl Change<'_, '_> {
    fn restore(&mut self, backup: &Opened) -> Result<Answer, Refusal> {
        self.tx.restore(&backup.read)?;
        let after = &backup.read.contents.snapshot;
        for endpoint in after.endpoints.keys() {
            self.concerns(endpoint);
        }
        for (endpoint, list) in &after.revocation_lists {
            let pem = backup.read.contents.lists.get(&list.fingerprint);
            let entries = backup.known.get(&list.fingerprint);
            if let (Some(pem), Some(entries)) = (pem, entries) {
                let entries: Vec<_> = entries.rows().collect();
                self.tx.put_revocation_list(endpoint, list, pem, &entries)?;
            }
        }
        Ok(Answer::Restored(
            backup.restored(&self.snapshot, &self.machine),
        ))
    }
}

/// A backup, and what the lists say that are in it or in force.
struct Opened {
    read: ReadBackup,
    known: Known,
}

impl Opened {
    fn read(command: &RestoreBackup, known: &Known) -> Result<Self, Refusal> {
        let read = read_backup(&open(command)?)?;
        let mut known = known.clone();
        for (fingerprint, pem) in &read.contents.lists {
            if !known.contains_key(fingerprint) {
                let list = revocation::read(pem).map_err(|_| {
                    StoreError::NoBackup("a revocation list in it cannot be read".to_owned())
                })?;
                known.extend([list]);
            }
        }
        Ok(Self { read, known })
    }

    /// What it holds, and what it does on a machine where `before` is configured.
    fn restored(&self, before: &Snapshot, machine: &Machine) -> Restored {
        let contents = &self.read.contents;
        let after = &contents.snapshot;
        let live = machine.board.live();
        let ending = live.iter().filter(|it| !goes_on(before, after, it));
        Restored {
            made_at: contents.made_at,
            seq: contents.seq,
            endpoints: number(after.endpoints.len()),
            certificates: number(after.certificates.len()),
            ending_connections: number(ending.count()),
            readmitted_certificates: number(revocation::readmitted(before, after, &self.known)),
            overlaps: overlaps(after, &machine.host.networks()),
        }
    }
}

/// Which client ranges overlap a network that the machine is in: no endpoint is made with such a
/// range, and a restore on another machine brings it all the same.
fn overlaps(after: &Snapshot, host: &[HostNetwork]) -> Vec<String> {
    let living = after.endpoints.values().filter(|it| !it.deleting);
    let meets = living.filter_map(|endpoint| {
        let own = host
            .iter()
            .find(|own| net::overlap(own.cidr, endpoint.client_cidr))?;
        Some(format!(
            "The client range {} of {} overlaps {}, a network that this machine is in through {}",
            endpoint.client_cidr,
            endpoint.title(),
            own.cidr,
            own.interface
        ))
    });
    meets.collect()
}

/// Whether the endpoint of a connection listens on as it does, at the same target network.
fn goes_on(before: &Snapshot, after: &Snapshot, connection: &Connection) -> bool {
    let id = &connection.endpoint_id;
    let (Some(now), Some(then)) = (before.endpoints.get(id), after.endpoints.get(id)) else {
        return false;
    };
    let association = after.associations.get(&connection.association_id);
    let stays = |it: &Association| it.state != AssociationState::Disassociating;
    !then.deleting
        && (now.transport, now.port, now.client_cidr)
            == (then.transport, then.port, then.client_cidr)
        && association.is_some_and(stays)
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
