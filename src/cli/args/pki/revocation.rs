//! `gatehouse pki`: revoking certificates, and lists of what is revoked.

use clap::{Subcommand, ValueEnum};

use crate::cli::args::{CertificateArn, Endpoint};

/// Commands on revoked certificates.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub enum CrlAction {
    /// Revoke a certificate that an authority with its key here has issued; its sessions end
    #[command(after_help = REVOKE)]
    Revoke {
        /// The certificate
        #[command(flatten)]
        certificate: CertificateArn,
        /// Why it is revoked
        #[arg(long, value_enum, default_value_t)]
        reason: Reason,
    },
    /// Make the revocation list of an authority whose key is here anew
    #[command(after_help = GENERATE)]
    GenerateCrl {
        /// The authority
        #[arg(long, value_name = "ARN")]
        ca_arn: String,
        /// How long the list is to hold: 1 to 3650 days [default: as the one before, or else 180]
        #[arg(long, value_name = "DAYS")]
        validity_days: Option<u32>,
    },
    /// Hand out the list that was made last for an authority
    ExportCrl {
        /// The authority.
        #[command(flatten)]
        authority: CertificateArn,
    },
    /// Say what importing a list into an endpoint would do, without doing it
    InspectCrl {
        /// The endpoint.
        #[command(flatten)]
        endpoint: Endpoint,
        /// The list in PEM: file://PATH or the text itself
        #[arg(long, value_name = "PEM", allow_hyphen_values = true)]
        certificate_revocation_list: String,
    },
}

/// Why a certificate is revoked (RFC 5280, section 5.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Reason {
    /// Nothing is said
    #[default]
    Unspecified,
    /// Somebody else may have the key
    KeyCompromise,
    /// Somebody else may have the authority's key
    CaCompromise,
    /// The holder's name or work has changed
    AffiliationChanged,
    /// Another certificate has taken its place
    Superseded,
    /// It is no longer needed
    CessationOfOperation,
    /// It is on hold
    CertificateHold,
    /// The holder's right was taken back
    PrivilegeWithdrawn,
    /// Somebody else may have the key of an attribute authority
    AaCompromise,
}

const REVOKE: &str = "\
Examples:
  gatehouse pki revoke --certificate-arn ARN --reason key-compromise

The authority's list is made anew and put in place at the endpoints that trust the authority and
have no imported list; the certificate is refused at all of them. It cannot be taken back: issue
another certificate if the holder is to come in again.";
const GENERATE: &str = "\
Examples:
  gatehouse pki generate-crl --ca-arn ARN
  gatehouse pki generate-crl --ca-arn ARN --validity-days 30

A list that was made here is made anew by itself once two thirds of its time are over.";
