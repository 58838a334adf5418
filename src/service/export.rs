//! The client configuration file.

use zeroize::Zeroizing;

use super::{
    certificates::{self, CLIENT_CERTIFICATE, SERVER_CERTIFICATE},
    change::Change,
    endpoints::living,
    fields::invalid,
};
use crate::{
    model::{
        Answer, Certificate, Endpoint, Refusal, Snapshot, Transport,
        command::{ClientConfiguration, ExportClientConfiguration, Secret},
    },
    openvpn::{self, ProfileText},
    pki,
};

impl Change<'_, '_> {
    /// Writes the configuration for clients of an endpoint.
    pub(super) fn export_client_configuration(
        &mut self,
        command: &ExportClientConfiguration,
    ) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let endpoint = living(&snapshot, &command.client_vpn_endpoint_id)?;
        self.concerns(&endpoint.id);
        let chosen = command
            .client_certificate_arn
            .as_deref()
            .map(str::trim)
            .filter(|arn| !arn.is_empty())
            .map(|arn| certificates::named(&snapshot, CLIENT_CERTIFICATE, arn))
            .transpose()?;
        if let Some(certificate) = chosen {
            self.concerns(&certificate.arn);
        }
        let text = self.client_configuration(endpoint, chosen)?;
        Ok(Answer::ClientConfiguration(ClientConfiguration {
            text: Secret::new(text.as_bytes().to_vec()),
            has_private_key: chosen.is_some(),
            file_name: file_name(endpoint, chosen),
        }))
    }

    /// The text of the file, with the client certificate and its key inside if one is chosen.
    pub(super) fn client_configuration(
        &self,
        endpoint: &Endpoint,
        chosen: Option<&Certificate>,
    ) -> Result<Zeroizing<String>, Refusal> {
        let snapshot = &self.snapshot;
        let host = self.machine.dns_name_of(snapshot, &endpoint.id);
        let server = certificates::named(
            snapshot,
            SERVER_CERTIFICATE,
            endpoint.server_certificate.as_str(),
        )?;
        let client = chosen
            .map(|certificate| self.client(snapshot, endpoint, certificate))
            .transpose()?;
        let facts = certificates::inspected(&server.certificate_pem)?;
        let ca = server_ca(snapshot, server)?;
        let text = ProfileText {
            host: &host,
            port: endpoint.port,
            transport: match endpoint.transport {
                Transport::Udp => openvpn::Transport::Udp,
                Transport::Tcp => openvpn::Transport::Tcp,
            },
            ca: &ca,
            server_name: pki::verify_name(&facts),
            identity: match &client {
                Some(client) => Some((&client.certificate_pem, client.key_pem()?)),
                None => None,
            },
            // AWS's names have a wildcard behind them that a random label leads to, and so has a
            // domain for endpoints. Nobody promises that of a public address.
            random_hostname: snapshot.settings.endpoint_domain.is_some(),
            auth_user_pass: false,
        };
        text.render()
            .map_err(|error| invalid(SERVER_CERTIFICATE, error.to_string()))
    }

    /// The client certificate to put into the file, if it would be let in.
    fn client(
        &self,
        snapshot: &Snapshot,
        endpoint: &Endpoint,
        certificate: &Certificate,
    ) -> Result<Client, Refusal> {
        if let Some(root) = endpoint.client_root_certificate() {
            let root = certificates::named(snapshot, CLIENT_CERTIFICATE, root.as_str())?;
            certificates::check_client(certificate, root, self.now)?;
        }
        if !certificate.has_private_key {
            return Err(invalid(
                CLIENT_CERTIFICATE,
                format!(
                    "{}. Export without a client certificate, and have its owner add certificate and key",
                    certificate.without_key()
                ),
            ));
        }
        Ok(Client {
            certificate_pem: with_authorities_between(certificate)?,
            key_pem: self.private_key(certificate)?,
        })
    }
}

/// The certificate followed by the authorities between it and the client CA, in PEM: the gateway
/// knows only that CA, so the client has to show them. A root shown would be in vain.
pub(super) fn with_authorities_between(certificate: &Certificate) -> Result<String, Refusal> {
    let mut text = certificate.certificate_pem.clone();
    for der in certificates::chain_der(certificate)?.iter().skip(1) {
        let is_root = pki::inspect_der(der).is_ok_and(|facts| facts.self_signed);
        if !is_root {
            text.push_str(&pki::certificate_to_pem(der));
        }
    }
    Ok(text)
}

/// A client certificate with what is above it, and its key, in PEM.
struct Client {
    certificate_pem: String,
    key_pem: Zeroizing<Vec<u8>>,
}

impl Client {
    fn key_pem(&self) -> Result<&str, Refusal> {
        std::str::from_utf8(&self.key_pem)
            .map_err(|_| invalid(CLIENT_CERTIFICATE, "The private key is not PEM"))
    }
}

/// What clients verify the server with: the chain that came with its certificate, else the
/// authority of the store that issued it with those above, else the certificate itself if it
/// signed itself.
pub(super) fn server_ca(snapshot: &Snapshot, server: &Certificate) -> Result<String, Refusal> {
    let chain = Some(server.chain_pem.as_str()).filter(|chain| !chain.is_empty());
    let issuer = server
        .issued_by
        .as_ref()
        .and_then(|arn| snapshot.certificates.get(arn))
        .map(|issuer| certificates::with_chain(issuer));
    pki::client_ca_bundle(&server.certificate_pem, chain.or(issuer.as_deref())).ok_or_else(|| {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_hold_only_plain_characters() {
        assert_eq!(file_word("Corp (staff)/x"), "Corp--staff--x");
        assert_eq!(file_word("../../etc"), "etc");
        assert_eq!(file_word("日本"), "client");
    }
}
