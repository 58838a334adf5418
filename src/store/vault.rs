//! Private keys at rest: sealed under a master key that lives in a file of its own.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey},
    rand,
};
use zeroize::Zeroizing;

use super::StoreError;

/// Seals and opens private keys with AES-256-GCM; a random nonce for each, the ARN as associated
/// data, so that a key cannot be moved under another certificate.
pub(super) struct Vault {
    key: RandomizedNonceKey,
}

/// A sealed private key as a row holds it.
pub(super) struct Sealed {
    pub(super) nonce: Vec<u8>,
    pub(super) sealed: Vec<u8>,
}

impl Vault {
    /// The vault of a data directory. Without a key file one is made, unless `keys_exist` says
    /// that there is something only the lost one could open.
    pub(super) fn open(data_dir: &Path, keys_exist: bool) -> Result<Self, StoreError> {
        let path = data_dir.join(MASTER_KEY);
        let failed = |source| StoreError::File {
            path: path.clone(),
            source,
        };
        let bytes = match fs::read(&path) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound && keys_exist => {
                return Err(StoreError::MasterKeyMissing(path));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make_master_key(data_dir).map_err(failed)?
            }
            Err(error) => return Err(failed(error)),
        };
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(failed)?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, &bytes)
            .map_err(|_| StoreError::MasterKeyWrong(path))?;
        Ok(Self { key })
    }

    /// Seals the private key of `arn`.
    pub(super) fn seal(&self, arn: &str, plain: &[u8]) -> Result<Sealed, StoreError> {
        // Room for the tag from the start, so that growing leaves no copy of the key behind.
        let mut sealed = Vec::with_capacity(plain.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(plain);
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::from(arn), &mut sealed)
            .map_err(|_| StoreError::Damaged("a private key could not be sealed".to_owned()))?;
        Ok(Sealed {
            nonce: nonce.as_ref().to_vec(),
            sealed,
        })
    }

    /// The private key of `arn`; none if the seal does not fit.
    pub(super) fn open_sealed(&self, arn: &str, sealed: &Sealed) -> Option<Zeroizing<Vec<u8>>> {
        let nonce = Nonce::try_assume_unique_for_key(&sealed.nonce).ok()?;
        let mut buffer = Zeroizing::new(sealed.sealed.clone());
        let length = self
            .key
            .open_in_place(nonce, Aad::from(arn), &mut buffer)
            .ok()?
            .len();
        buffer.truncate(length);
        Some(buffer)
    }
}

/// Makes the key file so that it is whole on disk under its name, or not there at all.
fn make_master_key(data_dir: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut key = Zeroizing::new(vec![0; AES_256_GCM.key_len()]);
    rand::fill(&mut key).map_err(|_| io::Error::other("the system has no randomness"))?;
    let unfinished = data_dir.join(UNFINISHED_MASTER_KEY);
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)?;
    file.write_all(&key)?;
    file.sync_all()?;
    fs::rename(&unfinished, data_dir.join(MASTER_KEY))?;
    File::open(data_dir)?.sync_all()?;
    Ok(key)
}

pub(super) const MASTER_KEY: &str = "master.key";
const UNFINISHED_MASTER_KEY: &str = "master.key.new";
