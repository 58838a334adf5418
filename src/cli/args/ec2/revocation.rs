//! Commands on the revocation lists of endpoints.

use clap::Subcommand;

use super::Endpoint;

/// Commands on the revocation lists of endpoints.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub enum RevocationAction {
    /// Put a list of revoked client certificates in place of the endpoint's; sessions it revokes end
    #[command(after_help = IMPORT)]
    ImportClientVpnClientCertificateRevocationList {
        /// The endpoint.
        #[command(flatten)]
        endpoint: Endpoint,
        /// The list in PEM: file://PATH or the text itself
        #[arg(long, value_name = "PEM", allow_hyphen_values = true)]
        certificate_revocation_list: String,
        /// Take it even if it is older than the one there, which may let revoked clients in again
        #[arg(long)]
        allow_older: bool,
    },
    /// Hand out the endpoint's list of revoked client certificates
    ExportClientVpnClientCertificateRevocationList(Endpoint),
}

const IMPORT: &str = "\
Examples:
  ./easyrsa revoke client1 && ./easyrsa gen-crl
  gatehouse pki inspect-crl --client-vpn-endpoint-id ID \\
      --certificate-revocation-list file://pki/crl.pem
  gatehouse ec2 import-client-vpn-client-certificate-revocation-list --client-vpn-endpoint-id ID \\
      --certificate-revocation-list file://pki/crl.pem

The list must be signed by the endpoint's client authority and be of now. Once it expires, nobody
comes in until a newer one is imported.";
