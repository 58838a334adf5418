//! `gatehouse connections`: clients that are kept out for a while.

use clap::Subcommand;

use super::Endpoint;

/// `gatehouse connections`.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub enum Connections {
    /// Let a client in again that terminate-client-vpn-connections keeps out
    Unblock {
        /// The endpoint.
        #[command(flatten)]
        endpoint: Endpoint,
        /// The common name of the client's certificate
        #[arg(long, value_name = "NAME")]
        common_name: String,
    },
    /// List the clients that are kept out, and until when
    Blocks(Endpoint),
}
