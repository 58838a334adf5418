//! The key-method-2 message: each side's random bytes, options and, from a client, credentials and
//! peer-info (wire reference, section 6).

use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::admission::PeerInfo;
use super::{Random, Role};

/// One side's message.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct KeyMethod {
    pub(crate) secrets: Secrets,
    pub(crate) options: String,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<Zeroizing<String>>,
    pub(crate) peer_info: String,
    /// A field was longer than it may be and was skipped.
    pub(crate) is_oversized: bool,
}

/// What enters the TLS1-PRF derivation.
#[derive(Clone, PartialEq, Eq, ZeroizeOnDrop)]
pub(crate) struct Secrets {
    /// Only a client sends one; all zero in a server's message.
    pub(crate) pre_master: [u8; 48],
    pub(crate) random: [[u8; 32]; 2],
}

impl Secrets {
    /// Fresh secrets for `role`, or `None` if the random source failed.
    pub(crate) fn generate(role: Role, random: &mut dyn Random) -> Option<Self> {
        let mut secrets = Self {
            pre_master: [0; 48],
            random: [[0; 32]; 2],
        };
        let [first, second] = &mut secrets.random;
        let is_filled = (role == Role::Server || random.fill(&mut secrets.pre_master))
            && random.fill(first)
            && random.fill(second);
        is_filled.then_some(secrets)
    }
}

/// What reading the bytes so far gave.
pub(crate) enum Reading {
    /// A whole message, and how many bytes it took.
    Whole(Box<KeyMethod>, usize),
    /// More bytes are needed.
    Partial,
}

impl KeyMethod {
    /// A message without credentials and peer-info.
    pub(crate) fn new(secrets: Secrets, options: String) -> Self {
        Self {
            secrets,
            options,
            username: None,
            password: None,
            peer_info: String::new(),
            is_oversized: false,
        }
    }

    /// Reads the message of a `sender`.
    ///
    /// # Errors
    /// What is wrong, in words for a record.
    pub(crate) fn read(sender: Role, bytes: &[u8]) -> Result<Reading, &'static str> {
        let mut reader = Reader { bytes, at: 0 };
        match read_fields(sender, &mut reader) {
            Ok(message) => Ok(Reading::Whole(Box::new(message), reader.at)),
            Err(Stop::Short) if bytes.len() < MAX_MESSAGE => Ok(Reading::Partial),
            Err(Stop::Short) => Err("longer than 64 KiB"),
            Err(Stop::Malformed(what)) => Err(what),
        }
    }

    /// The message of a `sender` in bytes.
    pub(crate) fn write(&self, sender: Role) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(vec![0, 0, 0, 0, METHOD]);
        if sender == Role::Client {
            out.extend_from_slice(&self.secrets.pre_master);
        }
        out.extend_from_slice(self.secrets.random.as_flattened());
        let password = self
            .password
            .as_ref()
            .map_or("", |password| password.as_str());
        for text in [
            &self.options,
            self.username.as_deref().unwrap_or(""),
            password,
            &self.peer_info,
        ] {
            write_string(text, &mut out);
        }
        out
    }
}

enum Stop {
    Short,
    Malformed(&'static str),
}

fn read_fields(sender: Role, reader: &mut Reader<'_>) -> Result<KeyMethod, Stop> {
    if *reader.array::<4>()? != [0; 4] {
        return Err(Stop::Malformed("it does not begin with four zero bytes"));
    }
    if reader.array::<1>()?[0] & 0x0f != METHOD {
        return Err(Stop::Malformed("the key method is not 2"));
    }
    let mut secrets = Secrets {
        pre_master: [0; 48],
        random: [[0; 32]; 2],
    };
    if sender == Role::Client {
        secrets.pre_master = *reader.array()?;
    }
    for random in &mut secrets.random {
        *random = *reader.array()?;
    }
    let mut is_oversized = false;
    let options = reader.string(&mut is_oversized)?.unwrap_or_default();
    let username = reader.string(&mut is_oversized)?;
    let password = reader.string(&mut is_oversized)?.map(Zeroizing::new);
    // Old peers end here.
    let peer_info = if reader.is_at_end() {
        None
    } else {
        reader.string(&mut is_oversized)?
    };
    Ok(KeyMethod {
        secrets,
        options,
        username,
        password,
        peer_info: peer_info.unwrap_or_default(),
        is_oversized,
    })
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], Stop> {
        let array = self.bytes[self.at..].first_chunk().ok_or(Stop::Short)?;
        self.at += N;
        Ok(array)
    }

    /// A string with its length and NUL; `None` if absent, or if longer than allowed.
    fn string(&mut self, is_oversized: &mut bool) -> Result<Option<String>, Stop> {
        let len = usize::from(u16::from_be_bytes(*self.array()?));
        let bytes = self.bytes.get(self.at..self.at + len).ok_or(Stop::Short)?;
        self.at += len;
        if len > MAX_FIELD {
            *is_oversized = true;
            return Ok(None);
        }
        let Some((&last, text)) = bytes.split_last() else {
            return Ok(None);
        };
        if last != 0 || text.contains(&0) {
            return Err(Stop::Malformed("a text does not end with its only NUL"));
        }
        let text = str::from_utf8(text).map_err(|_| Stop::Malformed("a text is not UTF-8"))?;
        Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
    }

    fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }
}

fn write_string(text: &str, out: &mut Vec<u8>) {
    // Texts of ours are short; one that is not could only be a password, and is then left out.
    match u16::try_from(text.len() + 1) {
        Ok(len) if !text.is_empty() => {
            out.extend_from_slice(&len.to_be_bytes());
            out.extend_from_slice(text.as_bytes());
            out.push(0);
        }
        _ => out.extend_from_slice(&[0, 0]),
    }
}

impl PeerInfo {
    /// Reads `KEY=value` lines. Lines without a key, beyond the first 64, or with control characters are
    /// left out, and values are cut at 256 bytes: what is kept may be shown and logged.
    pub(crate) fn parse(text: &str) -> Self {
        let entries = text
            .lines()
            .filter_map(|line| line.split_once('='))
            .filter(|(key, value)| {
                !key.is_empty()
                    && key.len() <= MAX_PEER_INFO_KEY
                    && key
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                    && !value.chars().any(char::is_control)
            })
            .take(MAX_PEER_INFO_LINES)
            .map(|(key, value)| {
                (
                    key.to_owned(),
                    value[..value.floor_char_boundary(MAX_PEER_INFO_VALUE)].to_owned(),
                )
            })
            .collect();
        Self { entries }
    }

    pub(crate) fn number(&self, key: &str) -> u32 {
        self.value(key)
            .and_then(|value| value.parse().ok())
            .unwrap_or(0)
    }
}

const METHOD: u8 = 2;
const MAX_FIELD: usize = 4096;
const MAX_MESSAGE: usize = 64 << 10;
const MAX_PEER_INFO_LINES: usize = 64;
const MAX_PEER_INFO_KEY: usize = 64;
const MAX_PEER_INFO_VALUE: usize = 256;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message() -> KeyMethod {
        KeyMethod {
            secrets: Secrets {
                pre_master: [1; 48],
                random: [[2; 32], [3; 32]],
            },
            options: "V4,dev-type tun".into(),
            username: Some("ada".into()),
            password: Some(Zeroizing::new("secret".into())),
            peer_info: "IV_VER=2.6.14\nIV_PROTO=990\n".into(),
            is_oversized: false,
        }
    }

    fn read(sender: Role, bytes: &[u8]) -> Option<KeyMethod> {
        match KeyMethod::read(sender, bytes) {
            Ok(Reading::Whole(message, _)) => Some(*message),
            _ => None,
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let message = message();
        assert!(read(Role::Client, &message.write(Role::Client)) == Some(message.clone()));
        let mut answer = message;
        answer.secrets.pre_master = [0; 48];
        assert!(read(Role::Server, &answer.write(Role::Server)) == Some(answer));
    }

    #[test]
    fn a_truncated_message_waits_for_more() {
        let message = message();
        let bytes = message.write(Role::Client);
        let without_peer_info = bytes.len() - message.peer_info.len() - 3;
        for len in 0..bytes.len() {
            let is_partial = matches!(
                KeyMethod::read(Role::Client, &bytes[..len]),
                Ok(Reading::Partial)
            );
            assert_eq!(is_partial, len != without_peer_info, "{len} bytes");
        }
    }

    #[test]
    fn oversized_fields_are_skipped_and_told() {
        let mut message = message();
        message.username = Some("a".repeat(5000));
        let read = read(Role::Client, &message.write(Role::Client)).unwrap();
        assert!(read.is_oversized);
        assert_eq!(read.username, None);
        assert_eq!(read.peer_info, message.peer_info);
    }

    #[test]
    fn inner_nul_and_bad_utf8_are_malformed() {
        for text in [b"a\0b\0".as_slice(), b"ab", b"\xff\xfe\0"] {
            let mut bytes = vec![0, 0, 0, 0, 2];
            bytes.extend_from_slice(&[0; 64]);
            bytes.extend_from_slice(&u16::try_from(text.len()).unwrap().to_be_bytes());
            bytes.extend_from_slice(text);
            assert!(KeyMethod::read(Role::Server, &bytes).is_err());
        }
    }

    #[test]
    fn peer_info_that_could_forge_a_log_line_is_left_out() {
        let info = PeerInfo::parse(
            "IV_VER=2.6.14\nIV_GUI=\u{1b}[31mred\n=x\nno sign\nbad key=1\nIV_PLAT=linux",
        );
        let entries: Vec<_> = info.iter().collect();
        assert_eq!(entries, [("IV_VER", "2.6.14"), ("IV_PLAT", "linux")]);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..400), fix: bool) {
            if fix && bytes.len() > 5 {
                bytes[..5].copy_from_slice(&[0, 0, 0, 0, 2]);
            }
            std::hint::black_box(&KeyMethod::read(Role::Client, &bytes));
            std::hint::black_box(&KeyMethod::read(Role::Server, &bytes));
        }

        #[test]
        fn arbitrary_peer_info_never_panics(text in "\\PC{0,300}|([A-Z_]{0,9}=\\PC{0,300}\n){0,9}") {
            let info = PeerInfo::parse(&text);
            prop_assert!(info.iter().all(|(_, value)| value.len() <= MAX_PEER_INFO_VALUE));
        }
    }
}
