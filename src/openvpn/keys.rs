//! Data-channel keys: how they are derived and what one installed set holds (wire reference, section 8).

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::aead;
use aws_lc_rs::hmac as fast_hmac;
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;
use sha1::Sha1;
use zeroize::{Zeroize as _, ZeroizeOnDrop, Zeroizing};

use super::Role;
use super::packet::{KeyId, PeerId, SessionId};

/// A data-channel cipher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cipher {
    /// AES-256-GCM.
    Aes256Gcm,
    /// AES-128-GCM.
    Aes128Gcm,
    /// CHACHA20-POLY1305.
    ChaCha20Poly1305,
}

impl Cipher {
    /// Every cipher, in the order a server prefers them on a processor with AES instructions.
    pub const ALL: [Self; 3] = [Self::Aes256Gcm, Self::Aes128Gcm, Self::ChaCha20Poly1305];

    /// OpenVPN's name for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aes256Gcm => "AES-256-GCM",
            Self::Aes128Gcm => "AES-128-GCM",
            Self::ChaCha20Poly1305 => "CHACHA20-POLY1305",
        }
    }

    pub(crate) fn algorithm(self) -> &'static aead::Algorithm {
        match self {
            Self::Aes256Gcm => &aead::AES_256_GCM,
            Self::Aes128Gcm => &aead::AES_128_GCM,
            Self::ChaCha20Poly1305 => &aead::CHACHA20_POLY1305,
        }
    }

    /// How many blocks and packets together one key may protect; ChaCha20 has no limit that 2³² packets
    /// could reach.
    pub(crate) fn usage_limit(self) -> u64 {
        match self {
            Self::Aes256Gcm | Self::Aes128Gcm => (1 << 36) - 1,
            Self::ChaCha20Poly1305 => u64::MAX,
        }
    }
}

impl fmt::Display for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A cipher name that this side does not offer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the data cipher {0:?} is not offered; offered are AES-256-GCM, AES-128-GCM and CHACHA20-POLY1305"
)]
pub struct UnknownCipher(pub String);

impl FromStr for Cipher {
    type Err = UnknownCipher;

    /// Names are compared without regard to case, as OpenVPN does.
    fn from_str(name: &str) -> Result<Self, UnknownCipher> {
        Self::ALL
            .into_iter()
            .find(|cipher| cipher.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| UnknownCipher(name.chars().take(64).collect()))
    }
}

/// Where the key material of a session comes from; fixed for the session, rekeys included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Derivation {
    /// The TLS exporter (OpenVPN 2.6 and later, OpenVPN 3).
    TlsExporter,
    /// The TLS 1.0 pseudo-random function over both sides' random bytes (2.4, 2.5).
    Tls1Prf,
}

/// The header of data packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataFormat {
    /// DATA_V1: one byte before the packet id.
    V1,
    /// DATA_V2: four bytes, with the peer id.
    V2(PeerId),
}

/// What stands between the packet id and the inner packet because of old compression options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Framing {
    /// Nothing.
    #[default]
    None,
    /// `compress stub-v2`: nothing, unless the first byte is 0x50.
    StubV2,
    /// `comp-lzo no`: one byte, 0xFA.
    LzoStub,
}

/// Everything [`super::Data`] needs to use one key. Holds secrets: `Debug` shows none of them.
#[derive(ZeroizeOnDrop)]
pub struct DataKeys {
    #[zeroize(skip)]
    pub(crate) key_id: KeyId,
    #[zeroize(skip)]
    pub(crate) cipher: Cipher,
    #[zeroize(skip)]
    pub(crate) format: DataFormat,
    #[zeroize(skip)]
    pub(crate) framing: Framing,
    #[zeroize(skip)]
    pub(crate) role: Role,
    pub(crate) material: KeyMaterial,
}

impl DataKeys {
    /// The id in the packets of this key.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// The cipher.
    #[must_use]
    pub fn cipher(&self) -> Cipher {
        self.cipher
    }

    /// The packet header.
    #[must_use]
    pub fn format(&self) -> DataFormat {
        self.format
    }
}

impl fmt::Debug for DataKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataKeys")
            .field("key_id", &self.key_id)
            .field("cipher", &self.cipher)
            .field("format", &self.format)
            .field("framing", &self.framing)
            .finish_non_exhaustive()
    }
}

/// The 256 bytes that both derivations give: two directions of cipher and HMAC keys.
#[derive(Clone, zeroize::Zeroize, ZeroizeOnDrop, PartialEq, Eq)]
pub(crate) struct KeyMaterial([u8; Self::LEN]);

impl KeyMaterial {
    pub(crate) const LEN: usize = 256;

    pub(crate) fn new(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// What `sender` seals with; the other side opens with it.
    pub(crate) fn direction(&self, sender: Role) -> DirectionKeys<'_> {
        let half = match sender {
            Role::Client => &self.0[..128],
            Role::Server => &self.0[128..],
        };
        let (cipher, hmac) = half.split_at(64);
        DirectionKeys {
            cipher,
            implicit_iv: hmac.first_chunk().expect("64 bytes hold an implicit IV"),
        }
    }
}

/// One direction's part of the key material.
pub(crate) struct DirectionKeys<'a> {
    /// 64 bytes, of which a cipher uses as many as its key has.
    pub(crate) cipher: &'a [u8],
    pub(crate) implicit_iv: &'a [u8; 8],
}

/// The exporter label of data keys; used without a context, which in TLS 1.2 differs from an empty one.
pub(crate) const EXPORTER_LABEL: &[u8] = b"EXPORTER-OpenVPN-datakeys";

/// The random bytes of the key-method-2 exchange, as the TLS1-PRF derivation takes them.
pub(crate) struct PrfInput<'a> {
    pub(crate) pre_master: &'a [u8; 48],
    pub(crate) client_random: &'a [[u8; 32]; 2],
    pub(crate) server_random: &'a [[u8; 32]; 2],
    pub(crate) client_session: SessionId,
    pub(crate) server_session: SessionId,
}

/// Derives the key material with the TLS 1.0 pseudo-random function.
pub(crate) fn derive_tls1_prf(input: &PrfInput<'_>) -> KeyMaterial {
    let master = prf_master(input);
    let mut material = KeyMaterial([0; KeyMaterial::LEN]);
    let seed = [
        b"OpenVPN key expansion".as_slice(),
        &input.client_random[1],
        &input.server_random[1],
        input.client_session.as_bytes(),
        input.server_session.as_bytes(),
    ];
    tls1_prf(&*master, &seed, &mut material.0);
    material
}

fn prf_master(input: &PrfInput<'_>) -> Zeroizing<[u8; 48]> {
    let mut master = Zeroizing::new([0; 48]);
    let seed = [
        b"OpenVPN master secret".as_slice(),
        &input.client_random[0],
        &input.server_random[0],
    ];
    tls1_prf(input.pre_master, &seed, &mut *master);
    master
}

/// RFC 2246, section 5: P_MD5 over one half of the secret, xor P_SHA1 over the other.
fn tls1_prf(secret: &[u8], seed: &[&[u8]], out: &mut [u8]) {
    let half = secret.len().div_ceil(2);
    xor_p_hash(&secret[..half], seed, out, hmac_md5);
    xor_p_hash(&secret[secret.len() - half..], seed, out, hmac_sha1);
}

/// P_hash of RFC 2246, section 5, xored into `out`.
fn xor_p_hash<const N: usize>(
    secret: &[u8],
    seed: &[&[u8]],
    out: &mut [u8],
    mac: fn(&[u8], &[&[u8]]) -> [u8; N],
) {
    let mut a = mac(secret, seed);
    for chunk in out.chunks_mut(N) {
        let mut parts = vec![a.as_slice()];
        parts.extend_from_slice(seed);
        let mut block = mac(secret, &parts);
        for (byte, key) in chunk.iter_mut().zip(&block) {
            *byte ^= key;
        }
        block.zeroize();
        a = mac(secret, &[&a]);
    }
    a.zeroize();
}

fn hmac_md5(key: &[u8], parts: &[&[u8]]) -> [u8; 16] {
    let mut mac = Hmac::<Md5>::new_from_slice(key).expect("HMAC takes keys of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

fn hmac_sha1(key: &[u8], parts: &[&[u8]]) -> [u8; 20] {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes keys of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// The key schedule of the `aead-epoch` packet format.
///
/// That format is not negotiated yet; the schedule is here, and checked against its published vector, so
/// that negotiating it is a matter of packet layout only.
#[derive(ZeroizeOnDrop)]
pub struct EpochSecret([u8; 32]);

impl EpochSecret {
    /// The secret of epoch 1 of one direction: the first 32 bytes of its cipher key material.
    #[must_use]
    pub fn first(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// The secret of the epoch after this one.
    #[must_use]
    pub fn next(&self) -> Self {
        let mut secret = [0; 32];
        self.expand(b"datakey upd", &mut secret);
        Self(secret)
    }

    /// Fills `key` (as long as the cipher's key) and `iv` with this epoch's.
    pub fn derive(&self, key: &mut [u8], iv: &mut [u8; 12]) {
        self.expand(b"data_key", key);
        self.expand(b"data_iv", iv);
    }

    /// HKDF-Expand-Label in the manner of TLS 1.3, with SHA-256 and no context. At most 32 bytes, so one
    /// round of HKDF.
    fn expand(&self, label: &[u8], out: &mut [u8]) {
        let len = u16::try_from(out.len()).expect("keys and IVs are at most 32 bytes");
        let label_len = u8::try_from(b"ovpn ".len() + label.len()).expect("labels are constants");
        let mut mac =
            fast_hmac::Context::with_key(&fast_hmac::Key::new(fast_hmac::HMAC_SHA256, &self.0));
        mac.update(&len.to_be_bytes());
        mac.update(&[label_len]);
        mac.update(b"ovpn ");
        mac.update(label);
        mac.update(&[0, 1]);
        out.copy_from_slice(&mac.sign().as_ref()[..out.len()]);
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    fn hex<const N: usize>(text: &str) -> [u8; N] {
        HEXLOWER
            .decode(text.as_bytes())
            .unwrap()
            .try_into()
            .unwrap()
    }

    /// Vector A of the wire reference: OpenVPN 2.5.1 with 2.6.14.
    #[test]
    fn tls1_prf_derives_what_stock_openvpn_derives() {
        let input = PrfInput {
            pre_master: &hex(
                "2644c48f37241ad02fa109a36530a62333bc758a31f85f77ae5c6cde2a13d9790ad98a893332dc088e41cbebcacfeb91",
            ),
            client_random: &[
                hex("4badba9b408d97129856aec64b5819afeb60f7d465ce12a40efa2361836265f2"),
                hex("870998d46fac74ea4414cdd65f5a7b148f05ab2e451cee9991e951f26f5965f4"),
            ],
            server_random: &[
                hex("431fe66b293a492e93db437c45f3c713a895dc20f74146d5473cdf6036735463"),
                hex("0d8cf479221431969330c317da54c898e3f5d746f9ad3b9b9c82e5cf67f30013"),
            ],
            client_session: SessionId::new(hex("e3c52b69446e78c0")),
            server_session: SessionId::new(hex("c4eb39ab5c954dd1")),
        };
        assert_eq!(
            *prf_master(&input),
            hex::<48>(
                "744109072d9932c2e918a05692ed392f586cfe170dc64e1049110501ee3534146702a77849ecc907c68135e98255550e"
            )
        );
        let material = derive_tls1_prf(&input);
        let client = material.direction(Role::Client);
        assert_eq!(
            client.cipher[..32],
            hex::<32>("eeae7595a9d0ffab354ed2ffe7fd619a9f6bad49b72567ff54cc3b7f8b4aa28c")
        );
        assert_eq!(
            material.0[64..96],
            hex::<32>("9e349d09c53c8388358d938ea480ca827933e199a6118265979a1d9b14df2da1")
        );
        let server = material.direction(Role::Server);
        assert_eq!(
            server.cipher[..32],
            hex::<32>("6e1786a2a28b8b457848d9f7c724316383e8635f12e0561331648b57783fe7ca")
        );
        assert_eq!(
            material.0[192..224],
            hex::<32>("0365ffff859feb3bbe66dc069dbbace7d3bc722d8d24cf039cfeb5bbe40d2572")
        );
        assert_eq!(*server.implicit_iv, hex::<8>("0365ffff859feb3b"));
    }

    /// Vector B of the wire reference.
    #[test]
    fn epoch_secrets_derive_the_published_keys() {
        let first = EpochSecret::first(std::array::from_fn(|index| u8::try_from(index).unwrap()));
        let second = first.next();
        assert_eq!(
            second.0,
            hex::<32>("e35bffa31e2723bf09e8d394fa9171ca4e534553bffa1d3482de4c9b3bc639d7")
        );
        let expected = [
            (
                first,
                "ebbbf838a8658beb56f2324d691351bd4c8c230fb271ada8f67de830b7ee3192",
                "568de14f8f744bfb0b721f66",
            ),
            (
                second,
                "4010426e3e169cd80289883d7f38d7eee445ead5fa21812fabebe155a4408ee5",
                "9caaa619cb6277bbb0e90c48",
            ),
        ];
        for (secret, expected_key, expected_iv) in expected {
            let (mut key, mut iv) = ([0; 32], [0; 12]);
            secret.derive(&mut key, &mut iv);
            assert_eq!(key, hex::<32>(expected_key));
            assert_eq!(iv, hex::<12>(expected_iv));
        }
    }

    #[test]
    fn cipher_names_are_read_without_regard_to_case() {
        assert_eq!("aes-256-gcm".parse(), Ok(Cipher::Aes256Gcm));
        assert_eq!(
            "BF-CBC".parse::<Cipher>(),
            Err(UnknownCipher("BF-CBC".into()))
        );
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let keys = DataKeys {
            key_id: KeyId::FIRST,
            cipher: Cipher::Aes256Gcm,
            format: DataFormat::V1,
            framing: Framing::None,
            role: Role::Server,
            material: KeyMaterial::new([0xab; 256]),
        };
        let text = format!("{keys:?}");
        assert!(!text.contains("ab, ") && !text.contains("171"), "{text}");
    }
}
