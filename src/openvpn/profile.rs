//! The client configuration text: written as AWS exports it, and read for our own client.

use std::fmt::Write as _;

use zeroize::Zeroizing;

use super::Transport;
use super::options::split_words;
use super::tls::{ClientTls, TlsConfigError, TlsVersions};

/// What goes into a client configuration. [`ProfileText::render`] writes it in AWS's order.
#[derive(Clone)]
pub struct ProfileText<'a> {
    /// Host name or address that clients connect to.
    pub host: &'a str,
    /// Its port.
    pub port: u16,
    /// UDP or TCP.
    pub transport: Transport,
    /// PEM of the CA certificates that signed the server certificate.
    pub ca: &'a str,
    /// The server certificate's common name, for `verify-x509-name`.
    pub server_name: Option<&'a str>,
    /// PEM of a client's certificate chain and private key, to be written inline.
    pub identity: Option<(&'a str, &'a str)>,
    /// Whether clients put a random label before `host`, as AWS's wildcard names allow.
    pub random_hostname: bool,
    /// Whether clients ask for user name and password.
    pub auth_user_pass: bool,
}

impl ProfileText<'_> {
    /// The configuration file. It ends with a line end, so that an administrator can append to it.
    ///
    /// # Errors
    /// [`ProfileError`] if a value cannot stand in such a file.
    pub fn render(&self) -> Result<Zeroizing<String>, ProfileError> {
        let host = word("remote", self.host)?;
        let mut text = Zeroizing::new(String::new());
        let proto = match self.transport {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
        };
        push_line(&mut text, "client");
        push_line(&mut text, "dev tun");
        push_line(&mut text, &format!("proto {proto}"));
        push_line(&mut text, &format!("remote {host} {}", self.port));
        if self.random_hostname {
            push_line(&mut text, "remote-random-hostname");
        }
        for line in [
            "resolv-retry infinite",
            "nobind",
            "remote-cert-tls server",
            "cipher AES-256-GCM",
            "verb 3",
        ] {
            push_line(&mut text, line);
        }
        push_block(&mut text, "ca", &pem_blocks("ca", self.ca, is_certificate)?);
        if self.auth_user_pass {
            push_line(&mut text, "auth-user-pass");
        }
        push_line(&mut text, "reneg-sec 0");
        if let Some(name) = self.server_name {
            push_line(
                &mut text,
                &format!("verify-x509-name {} name", word("verify-x509-name", name)?),
            );
        }
        if let Some((certificate, key)) = self.identity {
            push_block(
                &mut text,
                "cert",
                &pem_blocks("cert", certificate, is_certificate)?,
            );
            push_block(&mut text, "key", &pem_blocks("key", key, is_private_key)?);
        }
        Ok(text)
    }
}

/// A client configuration as our own client understands it.
#[derive(Clone)]
pub struct Profile {
    /// Where to connect, in the order to try.
    pub remotes: Vec<Remote>,
    /// PEM of the CA certificates.
    pub ca: String,
    /// PEM of certificate chain and private key.
    pub identity: Option<(String, Zeroizing<String>)>,
    /// The common name that the server certificate must have.
    pub server_name: Option<String>,
    /// Whether a user name and password are asked for.
    pub auth_user_pass: bool,
    /// Rekey after so many seconds; 0 never does.
    pub reneg_secs: u32,
    /// Directives that were left out of account, for a warning.
    pub ignored: Vec<String>,
}

impl std::fmt::Debug for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Profile")
            .field("remotes", &self.remotes)
            .field("server_name", &self.server_name)
            .field("has_identity", &self.identity.is_some())
            .finish_non_exhaustive()
    }
}

/// One server address of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Name or address.
    pub host: String,
    /// Port, 1194 if none is given.
    pub port: u16,
    /// UDP or TCP.
    pub transport: Transport,
}

/// Why a profile cannot be written or used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// A value with characters that cannot stand in a profile.
    #[error(
        "{directive}: {value:?} cannot stand in a client configuration; use one line of printable text"
    )]
    BadValue {
        /// Which directive.
        directive: &'static str,
        /// The value, cut to a readable length.
        value: String,
    },
    /// PEM text without a usable block.
    #[error("{directive}: no {directive} found; expected PEM text")]
    NoPem {
        /// Which block.
        directive: &'static str,
    },
    /// A line that cannot be read.
    #[error("line {line}, {directive}: {problem}")]
    BadLine {
        /// Counted from 1.
        line: usize,
        /// The line's first word, cut to a readable length.
        directive: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// A directive that is needed is missing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A directive that changes the protocol in a way this client does not implement.
    #[error("line {line}: {directive} is not supported by this client")]
    Unsupported {
        /// Counted from 1.
        line: usize,
        /// The directive.
        directive: String,
    },
    /// Certificates and key of the profile cannot be used.
    #[error("{0}")]
    Tls(TlsConfigError),
}

impl Profile {
    /// Reads a profile. Certificates and key must stand inline: a profile names no files here.
    ///
    /// # Errors
    /// What is wrong, with its line.
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        let mut reader = ProfileReader::default();
        let mut lines = text.trim_start_matches('\u{feff}').lines().enumerate();
        while let Some((index, line)) = lines.next() {
            let line_number = index + 1;
            match line
                .trim()
                .strip_prefix('<')
                .and_then(|rest| rest.strip_suffix('>'))
            {
                Some(tag) => {
                    let end = format!("</{tag}>");
                    let mut block = Zeroizing::new(String::new());
                    loop {
                        let (_, inner) = lines.next().ok_or_else(|| ProfileError::BadLine {
                            line: line_number,
                            directive: first_word(line),
                            problem: "this block is not closed",
                        })?;
                        if inner.trim() == end {
                            break;
                        }
                        block.push_str(inner);
                        block.push('\n');
                    }
                    reader.take_block(line_number, tag, block)?;
                }
                None => reader.take_line(line_number, line)?,
            }
        }
        reader.finish()
    }

    /// The TLS side of this profile.
    ///
    /// # Errors
    /// If its certificates or key cannot be used.
    pub fn tls(&self, versions: TlsVersions) -> Result<ClientTls, ProfileError> {
        let identity = self
            .identity
            .as_ref()
            .map(|(certificate, key)| (certificate.as_bytes(), key.as_bytes()));
        ClientTls::from_pem(
            self.ca.as_bytes(),
            identity,
            self.server_name.as_deref(),
            versions,
        )
        .map_err(ProfileError::Tls)
    }
}

#[derive(Default)]
struct ProfileReader {
    remotes: Vec<(String, Option<u16>, Option<Transport>)>,
    transport: Option<Transport>,
    port: Option<u16>,
    ca: Option<String>,
    certificate: Option<String>,
    key: Option<Zeroizing<String>>,
    server_name: Option<String>,
    auth_user_pass: bool,
    reneg_secs: Option<u32>,
    ignored: Vec<String>,
}

impl ProfileReader {
    fn take_line(&mut self, line: usize, text: &str) -> Result<(), ProfileError> {
        let bad = |problem| ProfileError::BadLine {
            line,
            directive: first_word(text),
            problem,
        };
        let words = split_words(text).ok_or_else(|| bad("a quote is not closed"))?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            [] => {}
            [directive, ..] if ACCEPTED.contains(directive) => {}
            ["proto", name] => {
                self.transport = Some(transport(name).ok_or_else(|| bad("proto is udp or tcp"))?);
            }
            ["port" | "rport", port] => {
                self.port = Some(parse_port(port).ok_or_else(|| bad("a port is 1 to 65535"))?);
            }
            ["remote", host, rest @ ..] if rest.len() <= 2 => {
                let port = rest
                    .first()
                    .map(|port| parse_port(port).ok_or_else(|| bad("a port is 1 to 65535")))
                    .transpose()?;
                let proto = rest
                    .get(1)
                    .map(|name| transport(name).ok_or_else(|| bad("proto is udp or tcp")))
                    .transpose()?;
                self.remotes.push(((*host).to_owned(), port, proto));
            }
            ["verify-x509-name", name, "name"] => self.server_name = Some((*name).to_owned()),
            ["verify-x509-name", ..] => {
                return Err(bad("only verify-x509-name NAME name is supported"));
            }
            ["auth-user-pass", ..] => self.auth_user_pass = true,
            ["reneg-sec", secs] => {
                self.reneg_secs = Some(
                    secs.parse()
                        .map_err(|_| bad("reneg-sec takes a number of seconds"))?,
                );
            }
            ["ca" | "cert" | "key", ..] => {
                return Err(bad(
                    "certificates and keys must stand inline, as <ca> … </ca>",
                ));
            }
            [
                directive @ ("tls-auth" | "tls-crypt" | "tls-crypt-v2" | "secret" | "pkcs12"
                | "fragment" | "static-challenge"),
                ..,
            ] => {
                return Err(ProfileError::Unsupported {
                    line,
                    directive: (*directive).to_owned(),
                });
            }
            [directive, ..] => self.ignored.push((*directive).to_owned()),
        }
        Ok(())
    }

    fn take_block(
        &mut self,
        line: usize,
        tag: &str,
        block: Zeroizing<String>,
    ) -> Result<(), ProfileError> {
        match tag {
            "ca" => self.ca = Some(block.to_string()),
            "cert" => self.certificate = Some(block.to_string()),
            "key" => self.key = Some(block),
            "tls-auth" | "tls-crypt" | "tls-crypt-v2" | "secret" | "pkcs12" | "connection" => {
                return Err(ProfileError::Unsupported {
                    line,
                    directive: format!("<{tag}>"),
                });
            }
            other => self.ignored.push(format!("<{other}>")),
        }
        Ok(())
    }

    fn finish(self) -> Result<Profile, ProfileError> {
        if self.remotes.is_empty() {
            return Err(ProfileError::Missing("remote"));
        }
        let identity = match (self.certificate, self.key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            (Some(_), None) => return Err(ProfileError::Missing("<key>")),
            (None, Some(_)) => return Err(ProfileError::Missing("<cert>")),
        };
        let remotes = self
            .remotes
            .into_iter()
            .map(|(host, port, transport)| Remote {
                host,
                port: port.or(self.port).unwrap_or(DEFAULT_PORT),
                transport: transport.or(self.transport).unwrap_or(Transport::Udp),
            })
            .collect();
        Ok(Profile {
            remotes,
            ca: self.ca.ok_or(ProfileError::Missing("<ca>"))?,
            identity,
            server_name: self.server_name,
            auth_user_pass: self.auth_user_pass,
            reneg_secs: self.reneg_secs.unwrap_or(DEFAULT_RENEG_SECS),
            ignored: self.ignored,
        })
    }
}

/// The directive of a line that may be malformed, for a message.
fn first_word(line: &str) -> String {
    let word = line.split_whitespace().next().unwrap_or_default();
    word.chars().take(80).collect()
}

fn transport(name: &str) -> Option<Transport> {
    match name {
        "udp" | "udp4" | "udp6" => Some(Transport::Udp),
        "tcp" | "tcp4" | "tcp6" | "tcp-client" | "tcp4-client" | "tcp6-client" => {
            Some(Transport::Tcp)
        }
        _ => None,
    }
}

fn parse_port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port > 0)
}

fn push_line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

fn push_block(text: &mut String, tag: &str, content: &str) {
    // Writing to a string cannot fail.
    let _infallible = write!(text, "<{tag}>\n{content}</{tag}>\n");
}

/// One word of a directive, quoted if it needs to be.
fn word(directive: &'static str, value: &str) -> Result<String, ProfileError> {
    if value.is_empty() || value.chars().any(char::is_control) {
        return Err(ProfileError::BadValue {
            directive,
            value: value.chars().take(80).collect(),
        });
    }
    if value
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || ".-_:*@/+=,()".contains(c))
    {
        return Ok(value.to_owned());
    }
    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
    Ok(format!("\"{escaped}\""))
}

/// The PEM blocks of `text` that `is_wanted`, without anything around them: easy-rsa writes a readable
/// dump before each certificate, and whatever stands there must not become a directive.
fn pem_blocks(
    directive: &'static str,
    text: &str,
    is_wanted: fn(&str) -> bool,
) -> Result<Zeroizing<String>, ProfileError> {
    let blocks = pem::parse_many(text).map_err(|_| ProfileError::NoPem { directive })?;
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    let mut out = Zeroizing::new(String::new());
    for block in blocks.iter().filter(|block| is_wanted(block.tag())) {
        out.push_str(&Zeroizing::new(pem::encode_config(block, config)));
    }
    if out.is_empty() {
        Err(ProfileError::NoPem { directive })
    } else {
        Ok(out)
    }
}

fn is_certificate(tag: &str) -> bool {
    tag == "CERTIFICATE"
}

fn is_private_key(tag: &str) -> bool {
    tag.ends_with("PRIVATE KEY")
}

/// Directives that ask for what this client does anyway, or that concern a program with files and a
/// terminal.
const ACCEPTED: &[&str] = &[
    "client",
    "tls-client",
    "pull",
    "nobind",
    "persist-key",
    "persist-tun",
    "auth-nocache",
    "remote-random-hostname",
    "auth-federate",
    "dev",
    "resolv-retry",
    "verb",
    "remote-cert-tls",
    "cipher",
    "data-ciphers",
    "auth-retry",
];
const DEFAULT_PORT: u16 = 1194;
const DEFAULT_RENEG_SECS: u32 = 3600;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CA: &str = "Certificate:\n    Data: a dump\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nBBBB\n-----END PRIVATE KEY-----\n";

    fn profile_text() -> ProfileText<'static> {
        ProfileText {
            host: "vpn.example.org",
            port: 443,
            transport: Transport::Udp,
            ca: CA,
            server_name: Some("server"),
            identity: None,
            random_hostname: false,
            auth_user_pass: false,
        }
    }

    #[test]
    fn is_written_in_the_order_of_aws() {
        assert_eq!(
            profile_text().render().unwrap().as_str(),
            "client\ndev tun\nproto udp\nremote vpn.example.org 443\nresolv-retry infinite\nnobind\n\
             remote-cert-tls server\ncipher AES-256-GCM\nverb 3\n<ca>\n-----BEGIN CERTIFICATE-----\nAAAA\n\
             -----END CERTIFICATE-----\n</ca>\nreneg-sec 0\nverify-x509-name server name\n"
        );
    }

    #[test]
    fn our_own_client_reads_what_is_written() {
        let text = ProfileText {
            transport: Transport::Tcp,
            identity: Some((CA, KEY)),
            server_name: Some("my \"own\" server"),
            ..profile_text()
        };
        let profile = Profile::parse(&text.render().unwrap()).unwrap();
        let remote = Remote {
            host: "vpn.example.org".into(),
            port: 443,
            transport: Transport::Tcp,
        };
        assert_eq!(profile.remotes, [remote]);
        assert_eq!(profile.server_name.as_deref(), Some("my \"own\" server"));
        assert_eq!(profile.reneg_secs, 0);
        let (certificate, key) = profile.identity.unwrap();
        assert!(certificate.starts_with("-----BEGIN CERTIFICATE-----\n"));
        assert_eq!(key.as_str(), KEY);
        assert_eq!(profile.ignored, Vec::<String>::new());
    }

    #[test]
    fn an_administrator_can_append_certificate_and_key() {
        let text = format!(
            "{}<cert>\n{CA}</cert>\n<key>\n{KEY}</key>\n",
            profile_text().render().unwrap().as_str()
        );
        assert!(Profile::parse(&text).unwrap().identity.is_some());
    }

    #[test]
    fn values_cannot_add_directives() {
        for host in ["a\nscript-security 2", "", "a\0"] {
            let text = ProfileText {
                host,
                ..profile_text()
            };
            assert!(matches!(
                text.render(),
                Err(ProfileError::BadValue {
                    directive: "remote",
                    ..
                })
            ));
        }
        let text = ProfileText {
            ca: "no certificate",
            ..profile_text()
        };
        assert_eq!(
            text.render().err(),
            Some(ProfileError::NoPem { directive: "ca" })
        );
    }

    #[test]
    fn what_cannot_be_honoured_is_refused_with_its_line() {
        let cases = [
            ("remote a 1\nca ca.crt", 2),
            ("tls-auth ta.key 1", 1),
            ("remote a 70000", 1),
            ("remote a\n<ca>\nx", 2),
            ("proto icmp", 1),
        ];
        for (text, expected) in cases {
            match Profile::parse(text) {
                Err(
                    ProfileError::BadLine { line, .. } | ProfileError::Unsupported { line, .. },
                ) => {
                    assert_eq!(line, expected, "{text}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
        assert_eq!(
            Profile::parse("client").err(),
            Some(ProfileError::Missing("remote"))
        );
    }

    #[test]
    fn a_malformed_line_is_named_with_its_directive() {
        for (text, message) in [
            ("remote a 0", "line 1, remote: a port is 1 to 65535"),
            ("client\nproto sctp", "line 2, proto: proto is udp or tcp"),
            (
                "verify-x509-name \"a",
                "line 1, verify-x509-name: a quote is not closed",
            ),
            ("<ca>\nx", "line 1, <ca>: this block is not closed"),
            (
                "reneg-sec soon",
                "line 1, reneg-sec: reneg-sec takes a number of seconds",
            ),
            (
                "tls-crypt a.key",
                "line 1: tls-crypt is not supported by this client",
            ),
        ] {
            let error = Profile::parse(text).err().map(|error| error.to_string());
            assert_eq!(error.as_deref(), Some(message), "{text}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "\\PC{0,300}|(<?/?(ca|cert|key|remote|proto|port)>?[ a-z0-9\"']{0,9}\n){0,12}") {
            std::hint::black_box(&Profile::parse(&text));
        }
    }
}
