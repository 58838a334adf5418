//! `gatehouse pki`.

use std::path::PathBuf;

use clap::{Args as Group, Subcommand, ValueEnum};

use super::CertificateArn;

mod revocation;

pub use self::revocation::*;

/// `gatehouse pki`.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub enum Pki {
    /// Make a certificate authority
    CreateCa {
        /// The authority's name, for example "Example VPN CA"
        #[arg(long, value_name = "NAME")]
        common_name: String,
        /// The kind of its key
        #[arg(long, value_enum, default_value_t)]
        key_type: KeyType,
    },
    /// Issue a certificate under an authority made here or imported with its key
    #[command(after_help = ISSUE)]
    Issue {
        /// The authority
        #[arg(long, value_name = "ARN")]
        ca_arn: String,
        /// What the certificate proves
        #[arg(long, value_enum)]
        usage: Usage,
        /// A server's domain name, or a client's name
        #[arg(long, value_name = "NAME")]
        common_name: String,
        /// The kind of its key
        #[arg(long, value_enum, default_value_t)]
        key_type: KeyType,
        /// How long it is to last: 1 to 3650 days [default: 825]
        #[arg(long, value_name = "DAYS")]
        validity_days: Option<u32>,
        /// Further host names and addresses of a server
        #[arg(long, value_name = "NAME", num_args = 1..)]
        alternative_names: Vec<String>,
    },
    /// Issue a client certificate for each name of a list, all or none
    IssueMany(IssueMany),
    /// Issue a certificate for a key that never comes here
    #[command(after_help = SIGN)]
    SignCsr(SignCsr),
    /// Say what a certificate request asks for
    InspectCsr {
        /// The request (PKCS #10): file://PATH, fileb://PATH or the text itself
        #[arg(long, value_name = "REQUEST", allow_hyphen_values = true)]
        csr: String,
    },
    /// Put a certificate like it with later dates in its place; what uses it goes on with the new one
    #[command(after_help = RENEW)]
    Renew {
        /// The certificate
        #[command(flatten)]
        certificate: CertificateArn,
        /// How long the new one is to last, from now [default: as long as the old one]
        #[arg(long, value_name = "DAYS")]
        validity_days: Option<u32>,
    },
    /// Revoked certificates.
    #[command(flatten)]
    Crl(CrlAction),
    /// Take in a whole pki folder of easy-rsa: authority, certificates, keys, and what was revoked
    #[command(after_help = FOLDER)]
    ImportEasyRsa {
        /// The folder that holds ca.crt, issued and private, or the one above it
        #[arg(value_name = "DIRECTORY")]
        directory: PathBuf,
    },
    /// Hand out a certificate and the chain above it
    Export {
        /// The certificate
        #[arg(long, value_name = "ARN")]
        certificate_arn: String,
        /// Hand out its private key too; that is recorded
        #[arg(long)]
        private_key: bool,
    },
}

/// `gatehouse pki issue-many`.
#[derive(Clone, Debug, PartialEq, Group)]
#[command(after_help = MANY)]
pub struct IssueMany {
    /// The authority
    #[arg(long, value_name = "ARN")]
    pub ca_arn: String,
    /// The names, one a line: file://PATH or the text itself; at most 500
    #[arg(long, value_name = "NAMES")]
    pub names: String,
    /// The kind of their keys
    #[arg(long, value_enum, default_value_t)]
    pub key_type: KeyType,
    /// How long they are to last: 1 to 3650 days [default: 825]
    #[arg(long, value_name = "DAYS")]
    pub validity_days: Option<u32>,
    /// Write a client configuration for each into this directory, with certificate and key inside
    #[arg(long, value_name = "DIRECTORY", requires = "client_vpn_endpoint_id")]
    pub profiles: Option<PathBuf>,
    /// The endpoint that the configurations are for
    #[arg(long, value_name = "ID", requires = "profiles")]
    pub client_vpn_endpoint_id: Option<String>,
    /// Write over files that are there
    #[arg(long, requires = "profiles")]
    pub force: bool,
}

/// `gatehouse pki sign-csr`.
#[derive(Clone, Debug, PartialEq, Group)]
pub struct SignCsr {
    /// The authority
    #[arg(long, value_name = "ARN")]
    pub ca_arn: String,
    /// The request (PKCS #10): file://PATH, fileb://PATH or the text itself
    #[arg(long, value_name = "REQUEST", allow_hyphen_values = true)]
    pub csr: String,
    /// What the certificate proves
    #[arg(long, value_enum)]
    pub usage: Usage,
    /// The subject's name, in place of the request's
    #[arg(long, value_name = "NAME")]
    pub common_name: Option<String>,
    /// How long it is to last: 1 to 3650 days [default: 825]
    #[arg(long, value_name = "DAYS")]
    pub validity_days: Option<u32>,
}

/// The kind of a key pair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum KeyType {
    /// ECDSA on P-256
    #[default]
    EcdsaP256,
    /// RSA with 2048 bits, for clients that know nothing else
    #[value(name = "rsa-2048")]
    Rsa2048,
}

/// What an issued certificate proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Usage {
    /// A server: extended key usage serverAuth
    Server,
    /// A client: extended key usage clientAuth
    Client,
}

const ISSUE: &str = "\
Examples:
  gatehouse pki issue --ca-arn ARN --usage client --common-name a.lindqvist --validity-days 90
  gatehouse pki issue --ca-arn ARN --usage server --common-name vpn.example.com \\
      --alternative-names vpn2.example.com 192.0.2.10";
const MANY: &str = "\
Examples:
  gatehouse pki issue-many --ca-arn ARN --names file://names.txt
  gatehouse pki issue-many --ca-arn ARN --names file://names.txt \\
      --profiles ./profiles --client-vpn-endpoint-id ID

Each configuration holds a private key; only you can read the file (mode 0600).";
const SIGN: &str = "\
Examples:
  openssl req -new -newkey rsa:2048 -nodes -keyout a.key -out a.csr -subj /CN=a.lindqvist
  gatehouse pki sign-csr --ca-arn ARN --csr file://a.csr --usage client
  gatehouse --output text pki sign-csr --ca-arn ARN --csr file://a.csr --usage client > a.crt

Of the request, the key and the common name are taken over, and for a server its host names and
addresses. The certificate is kept here too; its key is not, so it cannot be in a client
configuration that is downloaded here.";
const RENEW: &str = "\
Examples:
  gatehouse pki renew --certificate-arn ARN
  gatehouse pki renew --certificate-arn ARN --validity-days 90

It keeps its ARN. A server or client certificate gets a new key; endpoints show the new one from the
next handshake on, and an old client certificate stays valid until it expires, unless it is revoked.
An authority keeps its key, and what it signed stays valid: hand the client configurations, which
hold its certificate, out again before the old one expires.";
const FOLDER: &str = "\
Examples:
  gatehouse pki import-easy-rsa ~/easy-rsa/pki

All that can be used is taken over, or nothing. What is passed over is named with the reason. A
second import adds what is new. A key with a passphrase is left out: the answer says how to decrypt
it. At most 10,000 files are read, and 10 MiB of certificates and keys without the text around them.";
