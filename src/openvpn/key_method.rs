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
    /// Why a field was skipped, in words for the peer and a record.
    pub(crate) problem: Option<&'static str>,
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
            problem: None,
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
    let mut problem = None;
    let options = reader.text(&mut problem)?.unwrap_or_default();
    let username = reader.text(&mut problem)?;
    let password = reader.text(&mut problem)?.map(Zeroizing::new);
    if username
        .as_ref()
        .is_some_and(|name| name.chars().any(char::is_control))
    {
        problem = problem.or(Some("the user name has control characters"));
    }
    // Old peers end here. What the rest says is only shown, so it need not be text throughout.
    let peer_info = if reader.is_at_end() {
        String::new()
    } else {
        let bytes = reader.string()?;
        let bytes = bytes.strip_suffix(&[0]).unwrap_or(bytes);
        String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_PEER_INFO)]).into_owned()
    };
    Ok(KeyMethod {
        secrets,
        options,
        username,
        password,
        peer_info,
        problem,
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

    /// The bytes of a string, its NUL included.
    fn string(&mut self) -> Result<&'a [u8], Stop> {
        let len = usize::from(u16::from_be_bytes(*self.array()?));
        let bytes = self.bytes.get(self.at..self.at + len).ok_or(Stop::Short)?;
        self.at += len;
        Ok(bytes)
    }

    /// A string that must be text; `None` if absent. One that is not is skipped: its sender is to be
    /// told rather than left waiting.
    fn text(&mut self, problem: &mut Option<&'static str>) -> Result<Option<String>, Stop> {
        let bytes = self.string()?;
        let Some((last, text)) = bytes.split_last() else {
            return Ok(None);
        };
        if bytes.len() > MAX_FIELD {
            *problem = Some(TOO_LONG);
            return Ok(None);
        }
        match str::from_utf8(text) {
            Ok(text) if *last == 0 && !text.contains('\0') => {
                Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
            }
            _ => {
                *problem = Some(NOT_TEXT);
                Ok(None)
            }
        }
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

const TOO_LONG: &str = "options, user name or password are longer than 4096 bytes";
const NOT_TEXT: &str = "options, user name or password are not UTF-8 text";
const METHOD: u8 = 2;
const MAX_FIELD: usize = 4096;
const MAX_MESSAGE: usize = 64 << 10;
const MAX_PEER_INFO: usize = 16 << 10;
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
            problem: None,
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
        assert_eq!(read.problem, Some(TOO_LONG));
        assert_eq!(read.username, None);
        assert_eq!(read.peer_info, message.peer_info);
    }

    #[test]
    fn what_is_no_text_is_skipped_and_told() {
        for text in [b"a\0b\0".as_slice(), b"ab", b"\xff\xfe\0"] {
            let mut bytes = vec![0, 0, 0, 0, 2];
            bytes.extend_from_slice(&[0; 64]);
            bytes.extend_from_slice(&u16::try_from(text.len()).unwrap().to_be_bytes());
            bytes.extend_from_slice(text);
            bytes.extend_from_slice(&[0; 4]);
            let read = read(Role::Server, &bytes).unwrap();
            assert_eq!((read.problem, read.options.as_str()), (Some(NOT_TEXT), ""));
        }
    }

    #[test]
    fn a_user_name_that_could_forge_a_log_line_is_told() {
        let mut message = message();
        message.username = Some("ada\nroot".into());
        let read = read(Role::Client, &message.write(Role::Client)).unwrap();
        assert_eq!(read.problem, Some("the user name has control characters"));
    }

    #[test]
    fn peer_info_in_another_encoding_refuses_nobody() {
        let message = message();
        let mut bytes = message.write(Role::Client).to_vec();
        let at = bytes.len() - 4;
        bytes[at] = 0xe4;
        let read = read(Role::Client, &bytes).unwrap();
        assert_eq!(read.problem, None);
        let info = PeerInfo::parse(&read.peer_info);
        assert_eq!(info.value("IV_VER"), Some("2.6.14"));
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
