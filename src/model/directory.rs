//! The built-in directory: users by the common name of their certificate, and their groups.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::refusal::{Code, Refusal};

/// Names a group: a security identifier as Active Directory writes them, for example
/// `S-1-5-21-1004336348-1177238915-682003330-1104`. It is compared as it is written.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sid(String);

impl Sid {
    /// An identifier of the shape that a domain gives its groups: `S-1-5-21`, three words that
    /// would name the domain, and a relative one, which is 1000 or more for what people make.
    #[must_use]
    pub fn from_random(bytes: [u8; 16]) -> Self {
        let word = |at: usize| {
            u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let relative = 1_000 + word(12) % 1_000_000;
        Self(format!(
            "S-1-5-21-{}-{}-{}-{relative}",
            word(0),
            word(4),
            word(8)
        ))
    }

    /// The identifier as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Sid {
    type Err = Refusal;

    /// Reads `S-1-`, an authority of 48 bits and 1 to 15 words of 32 bits (MS-DTYP, 2.4.2.1), all
    /// decimal.
    fn from_str(text: &str) -> Result<Self, Refusal> {
        let mut parts = text.strip_prefix("S-1-").unwrap_or_default().split('-');
        let decimal = |part: &str| {
            // One number has one form, so that one group has one identifier.
            let is_plain = part == "0" || !part.starts_with('0');
            let digits = part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse::<u64>().ok().filter(|_| digits && is_plain)
        };
        let authority = parts.next().and_then(decimal);
        let words: Vec<_> = parts.map(decimal).collect();
        let fits = (1..=15).contains(&words.len())
            && authority.is_some_and(|number| number < 1 << 48)
            && words
                .iter()
                .all(|word| word.is_some_and(|number| number < 1 << 32));
        if fits {
            return Ok(Self(text.to_owned()));
        }
        Err(Refusal::new(
            Code::InvalidParameterValue,
            format!("\"{text}\" is not of the form {EXAMPLE_SID}"),
        ))
    }
}

/// A group of the directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its identifier, which rules name.
    pub sid: Sid,
    /// What people call it; unique among groups.
    pub name: String,
    /// Its members, by the common name of their certificates.
    pub members: BTreeSet<String>,
}

/// Somebody the gateway knows by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The common name of the user's certificate.
    pub common_name: String,
    /// The groups the user is in.
    pub groups: Vec<Sid>,
}

/// A group's identifier as one looks.
pub const EXAMPLE_SID: &str = "S-1-5-21-1004336348-1177238915-682003330-1104";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_identifier_reads_back() {
        for byte in [0, 1, 0x7f, 0xff] {
            let sid = Sid::from_random([byte; 16]);
            assert!(sid.as_str().starts_with("S-1-5-21-"), "{sid}");
            assert_eq!(sid.as_str().parse::<Sid>().unwrap(), sid);
        }
    }

    #[test]
    fn what_is_no_identifier_is_refused_with_one_that_is() {
        assert!(EXAMPLE_SID.parse::<Sid>().is_ok());
        assert!("S-1-5-32".parse::<Sid>().is_ok());
        for wrong in [
            "",
            "S-1-5",
            "S-1-",
            "s-1-5-32",
            "S-1-5-",
            "S-1-5-032",
            "S-1-5-00000000000000000000000000000032",
            "S-1-5-+3",
            "S-1-5-4294967296",
            "S-1-281474976710656-1",
            "S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16",
            "all-users",
        ] {
            let refusal = wrong.parse::<Sid>().unwrap_err();
            assert!(refusal.message.contains(EXAMPLE_SID), "{wrong}");
        }
    }
}
