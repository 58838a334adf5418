//! The client configuration file.

use std::fmt::Write as _;

use zeroize::Zeroizing;

use super::{
    certificates::{self, CLIENT_CERTIFICATE, SERVER_CERTIFICATE},
    change::Change,
    endpoints::living,
    fields::invalid,
};
use crate::{
    model::{
        Answer, Certificate, Endpoint, Refusal, Snapshot,
        command::{ClientConfiguration, ExportClientConfiguration, Secret},
    },
    pki,
};

impl Change<'_, '_> {
    /// Writes the configuration for clients of an endpoint, which will find it at `host`.
    pub(super) fn export_client_configuration(
        &mut self,
        command: &ExportClientConfiguration,
        host: &str,
    ) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let endpoint = living(&snapshot, &command.client_vpn_endpoint_id)?;
        self.concerns(&endpoint.id);
        let server = certificates::named(
            &snapshot,
            SERVER_CERTIFICATE,
            endpoint.server_certificate.as_str(),
        )?;
        let chosen = command
            .client_certificate_arn
            .as_deref()
            .map(str::trim)
            .filter(|arn| !arn.is_empty())
            .map(|arn| certificates::named(&snapshot, CLIENT_CERTIFICATE, arn))
            .transpose()?;
        let client = match chosen {
            Some(certificate) => Some(self.client(&snapshot, endpoint, certificate)?),
            None => None,
        };
        let facts = certificates::inspected(&server.certificate_pem)?;
        let profile = Profile {
            endpoint,
            host,
            ca: &server_ca(&snapshot, server)?,
            server_name: pki::verify_name(&facts),
            client: client.as_ref(),
        };
        Ok(Answer::ClientConfiguration(ClientConfiguration {
            text: Secret::new(profile.text()?.as_bytes().to_vec()),
            has_private_key: client.is_some(),
            file_name: file_name(endpoint, chosen),
        }))
    }

    /// The client certificate to put into the file, if it would be let in.
    fn client(
        &mut self,
        snapshot: &Snapshot,
        endpoint: &Endpoint,
        certificate: &Certificate,
    ) -> Result<Client, Refusal> {
        self.concerns(&certificate.arn);
        if let Some(root) = endpoint.client_root_certificate() {
            let root = certificates::named(snapshot, CLIENT_CERTIFICATE, root.as_str())?;
            certificates::check_client(certificate, root, self.now)?;
        }
        if !certificate.has_private_key {
            return Err(invalid(
                CLIENT_CERTIFICATE,
                format!(
                    "The store has no private key of {}; export without a client certificate and let its owner add the key",
                    certificate.title()
                ),
            ));
        }
        Ok(Client {
            certificate_pem: certificate.certificate_pem.clone(),
            key_pem: self.private_key(certificate)?,
        })
    }
}

/// A client certificate with its key, in PEM.
struct Client {
    certificate_pem: String,
    key_pem: Zeroizing<Vec<u8>>,
}

/// Everything that stands in the file.
struct Profile<'a> {
    endpoint: &'a Endpoint,
    host: &'a str,
    ca: &'a str,
    server_name: Option<&'a str>,
    client: Option<&'a Client>,
}

impl Profile<'_> {
    /// The file, in AWS's order of directives and with a line end at its end, so that more can be
    /// appended.
    ///
    /// AWS's `remote-random-hostname` is left out: it puts a random label before the host's name,
    /// which only a name with wildcard DNS behind it survives.
    fn text(&self) -> Result<Zeroizing<String>, Refusal> {
        let mut text = Zeroizing::new(String::with_capacity(CAPACITY));
        let endpoint = self.endpoint;
        push(
            &mut text,
            format_args!("client\ndev tun\nproto {}\n", endpoint.transport),
        );
        push(
            &mut text,
            format_args!("remote {} {}\n", self.host, endpoint.port),
        );
        push(
            &mut text,
            format_args!(
                "resolv-retry infinite\nnobind\nremote-cert-tls server\ncipher AES-256-GCM\nverb 3\n"
            ),
        );
        push(&mut text, format_args!("<ca>\n{}\n</ca>\n", self.ca.trim()));
        push(&mut text, format_args!("reneg-sec 0\n"));
        if let Some(name) = self.server_name {
            push(
                &mut text,
                format_args!("verify-x509-name {} name\n", quoted(name)?),
            );
        }
        if let Some(client) = self.client {
            push(
                &mut text,
                format_args!("<cert>\n{}\n</cert>\n", client.certificate_pem.trim()),
            );
            let key = std::str::from_utf8(&client.key_pem)
                .map_err(|_| invalid(CLIENT_CERTIFICATE, "The private key is not PEM"))?;
            push(&mut text, format_args!("<key>\n{}\n</key>\n", key.trim()));
        }
        Ok(text)
    }
}

fn push(text: &mut String, piece: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    text.write_fmt(piece).unwrap_or_default();
}

/// A word of an OpenVPN configuration: in quotes where it holds anything but plain characters,
/// with the two that quotes do not cover escaped.
fn quoted(word: &str) -> Result<String, Refusal> {
    if word.chars().any(char::is_control) {
        return Err(invalid(
            SERVER_CERTIFICATE,
            "The common name of the server's certificate holds a control character; use another certificate",
        ));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return Ok(word.to_owned());
    }
    let escaped = word.replace('\\', "\\\\").replace('"', "\\\"");
    Ok(format!("\"{escaped}\""))
}

/// What clients verify the server with: the chain that came with its certificate, else the
/// authority of the store that issued it, else the certificate itself if it signed itself.
fn server_ca(snapshot: &Snapshot, server: &Certificate) -> Result<String, Refusal> {
    let chain = Some(server.chain_pem.as_str()).filter(|chain| !chain.is_empty());
    let issuer = server
        .issued_by
        .as_ref()
        .and_then(|arn| snapshot.certificates.get(arn))
        .map(|issuer| issuer.certificate_pem.as_str());
    pki::client_ca_bundle(&server.certificate_pem, chain.or(issuer)).ok_or_else(|| {
        invalid(
            SERVER_CERTIFICATE,
            format!(
                "{} was imported without the chain above it, so clients would have nothing to verify it with; import its CA, or the certificate again with its chain",
                server.title()
            ),
        )
    })
}

/// A file name made of the endpoint's name and the client's.
fn file_name(endpoint: &Endpoint, client: Option<&Certificate>) -> String {
    let mut name = file_word(endpoint.title());
    if let Some(client) = client {
        name.push('-');
        name.push_str(&file_word(client.title()));
    }
    name.push_str(".ovpn");
    name
}

fn file_word(text: &str) -> String {
    let keep = |c: char| {
        if c.is_ascii_alphanumeric() || "._-".contains(c) {
            c
        } else {
            '-'
        }
    };
    let word: String = text.chars().take(64).map(keep).collect();
    match word.trim_matches(['-', '.']) {
        "" => "client".to_owned(),
        word => word.to_owned(),
    }
}

/// Room for a whole file, so that growing leaves no copy of a key behind.
const CAPACITY: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_one_word_whatever_is_in_it() {
        assert_eq!(quoted("vpn.example.com").unwrap(), "vpn.example.com");
        assert_eq!(quoted("my server").unwrap(), "\"my server\"");
        assert_eq!(quoted("a\"b\\c").unwrap(), "\"a\\\"b\\\\c\"");
        assert_eq!(quoted("").unwrap(), "\"\"");
    }

    #[test]
    fn a_name_with_a_line_end_is_refused() {
        assert!(quoted("a\nscript-security 2").is_err());
    }

    #[test]
    fn file_names_hold_only_plain_characters() {
        assert_eq!(file_word("Corp (staff)/x"), "Corp--staff--x");
        assert_eq!(file_word("../../etc"), "etc");
        assert_eq!(file_word("日本"), "client");
    }
}
