//! Log groups, their streams and events.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::EndpointId;

/// Where an endpoint's connections are logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionLog {
    /// The log group.
    pub group: String,
    /// Its stream.
    pub stream: String,
}

/// A log group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogGroup {
    /// Its name, unique.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Days for which events are kept; for good if none.
    pub retention_days: Option<u32>,
    /// Bytes of the events that are kept, as far as they were counted.
    #[serde(default)]
    pub stored_bytes: u64,
}

/// A stream of a log group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogStream {
    /// The group.
    pub group: String,
    /// Its name, unique in the group.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// The time of its oldest event.
    pub first_event_at: Option<Timestamp>,
    /// The time of its newest event.
    pub last_event_at: Option<Timestamp>,
}

/// One event of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEvent {
    /// Its place among all events, from 1 on.
    pub seq: u64,
    /// The stream.
    pub stream: String,
    /// When it happened.
    pub at: Timestamp,
    /// When it was written.
    pub ingested_at: Timestamp,
    /// What it says: for a connection a JSON object with AWS's field names.
    pub message: String,
}

/// Some events of a log group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEventPage {
    /// The events, oldest first unless the newest were asked for first.
    pub events: Vec<LogEvent>,
    /// Where the next page begins. Of one stream it is always there, and comes back as it was at
    /// the end.
    pub next_forward_token: Option<String>,
    /// Where the page before begins, of one stream, or of a search that begins with the newest.
    pub next_backward_token: Option<String>,
    /// Where what is written from now on will be found: what a search that follows asks with next.
    /// Beyond AWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume_token: Option<String>,
}

/// Declares an enumeration of words of the connection log.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$of])* #[serde(rename = $text)] $variant,)*
        }

        impl $name {
            /// Every word, in a fixed order.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The word as the connection log has it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

words! {
    /// Why a client was not let in: `connection-attempt-failure-reason`. AWS publishes words for its
    /// connect handlers only; of those the first is used, for what nothing else says better.
    FailureReason {
        /// For a reason that is in the sentence beside it only.
        #[default]
        ConnectFailed = "client-connect-failed",
        /// The client showed no certificate.
        CertificateMissing = "certificate-missing",
        /// Its certificate is of no authority that the endpoint trusts.
        CertificateUntrusted = "certificate-untrusted",
        /// Its certificate's time is over.
        CertificateExpired = "certificate-expired",
        /// Its certificate's time has not come.
        CertificateNotYetValid = "certificate-not-yet-valid",
        /// Its certificate is not for clients.
        CertificateNotForClients = "certificate-not-for-clients",
        /// Its certificate was revoked, or the list that would say so is out of date.
        CertificateRevoked = "certificate-revoked",
        /// Its certificate cannot be used for another reason.
        CertificateUnusable = "certificate-unusable",
        /// The client does not trust the server's certificate.
        ServerCertificateRejected = "server-certificate-rejected",
        /// TLS came to nothing otherwise.
        TlsFailed = "tls-failed",
        /// The client did not finish in time.
        HandshakeTimedOut = "handshake-timed-out",
        /// What the client sent is not the protocol, or not as the endpoint speaks it.
        ProtocolError = "protocol-error",
        /// The client can do nothing that the endpoint can.
        ClientIncompatible = "client-incompatible",
        /// The client gave up, started anew, or closed its connection.
        ClientLeft = "client-left",
        /// An administrator keeps the client out for a while.
        ClientBlocked = "client-blocked",
        /// The endpoint has its most connections.
        ConnectionLimit = "connection-limit",
        /// Every address of the client range is in use.
        ClientRangeExhausted = "client-range-exhausted",
        /// The endpoint has no target network.
        NoTargetNetwork = "no-target-network",
        /// None of its target networks can be reached.
        TargetNetworkUnreachable = "target-network-unreachable",
        /// The endpoint is closing or changing.
        EndpointClosing = "endpoint-closing",
        /// The gateway itself could not.
        GatewayFault = "gateway-fault",
    }
}

words! {
    /// Why a connection has ended: `connection-end-reason`, a field beyond AWS.
    EndReason {
        /// For a reason that is in the sentence beside it only.
        #[default]
        Other = "other",
        /// The client said that it leaves.
        ClientLeft = "client-left",
        /// Nothing was heard from the client for too long.
        ClientSilent = "client-silent",
        /// The client started a new session from the same place.
        Replaced = "replaced",
        /// The client's TCP connection was closed or broke.
        ConnectionReset = "connection-reset",
        /// Keys were not renewed before the old ones expired.
        RekeyFailed = "rekey-failed",
        /// At a renewal of keys the client was not let stay.
        Refused = "refused",
        /// An administrator ended it.
        Terminated = "terminated",
        /// An administrator had the client come back.
        Reconnected = "reconnected",
        /// The configuration leaves no place for it.
        ConfigurationChanged = "configuration-changed",
        /// The gateway stopped.
        GatewayStopped = "gateway-stopped",
        /// The client broke the protocol.
        ProtocolError = "protocol-error",
        /// The gateway itself could not go on.
        GatewayFault = "gateway-fault",
    }
}

/// One event of a connection log, with AWS's field names. Every value is text; what is not known is
/// `NA`. Times are `YYYY-MM-DD HH:MM:SS` in UTC. The last four fields are beyond AWS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ConnectionRecord {
    /// `connection-attempt`, or `connection-reset` for what happens to a session that stood.
    pub connection_log_type: String,
    /// `successful` or `failed`; `NA` on a reset.
    pub connection_attempt_status: String,
    /// `NA`: AWS has another value for SAML only.
    pub connection_reset_status: String,
    /// A [`FailureReason`], or `NA`.
    pub connection_attempt_failure_reason: String,
    /// The connection; a failed attempt has a number of its own.
    pub connection_id: String,
    /// The endpoint.
    pub client_vpn_endpoint_id: String,
    /// `udp` or `tcp`.
    pub transport_protocol: String,
    /// When the tunnel came up; `NA` if it did not.
    pub connection_start_time: String,
    /// When this was written down.
    pub connection_last_update_time: String,
    /// The address that the client was given.
    pub client_ip: String,
    /// The common name of the client's certificate.
    pub common_name: String,
    /// The client's platform as it tells it, for example `linux`.
    pub device_type: String,
    /// Where the client's packets come from.
    pub device_ip: String,
    /// From which port.
    pub port: String,
    /// Bytes from the client.
    pub ingress_bytes: String,
    /// Bytes to the client.
    pub egress_bytes: String,
    /// Packets from the client.
    pub ingress_packets: String,
    /// Packets to the client.
    pub egress_packets: String,
    /// When the tunnel went down; `NA` while it is up.
    pub connection_end_time: String,
    /// Seconds from start to end; `0` on an attempt.
    pub connection_duration_seconds: String,
    /// The user, where the endpoint asks for one.
    pub username: String,
    /// The client's version as it tells it, for example `2.6.14`.
    #[serde(default)]
    pub client_version: String,
    /// An [`EndReason`], or `NA`.
    #[serde(default)]
    pub connection_end_reason: String,
    /// What happened, as a plain sentence.
    #[serde(default)]
    pub explanation: String,
    /// What to do next, as a plain sentence.
    #[serde(default)]
    pub next_step: String,
}

impl ConnectionRecord {
    /// Its fields by name, in the order of the log.
    #[must_use]
    pub fn fields(&self) -> [(&'static str, &str); 25] {
        [
            ("connection-log-type", &self.connection_log_type),
            ("connection-attempt-status", &self.connection_attempt_status),
            ("connection-reset-status", &self.connection_reset_status),
            (
                "connection-attempt-failure-reason",
                &self.connection_attempt_failure_reason,
            ),
            ("connection-id", &self.connection_id),
            ("client-vpn-endpoint-id", &self.client_vpn_endpoint_id),
            ("transport-protocol", &self.transport_protocol),
            ("connection-start-time", &self.connection_start_time),
            (
                "connection-last-update-time",
                &self.connection_last_update_time,
            ),
            ("client-ip", &self.client_ip),
            ("common-name", &self.common_name),
            ("device-type", &self.device_type),
            ("device-ip", &self.device_ip),
            ("port", &self.port),
            ("ingress-bytes", &self.ingress_bytes),
            ("egress-bytes", &self.egress_bytes),
            ("ingress-packets", &self.ingress_packets),
            ("egress-packets", &self.egress_packets),
            ("connection-end-time", &self.connection_end_time),
            (
                "connection-duration-seconds",
                &self.connection_duration_seconds,
            ),
            ("username", &self.username),
            ("client-version", &self.client_version),
            ("connection-end-reason", &self.connection_end_reason),
            ("explanation", &self.explanation),
            ("next-step", &self.next_step),
        ]
    }
}

/// The name of a stream that the service makes for an endpoint: AWS's
/// `<endpoint-id>-<region>-<yyyy>/<mm>/<dd>-<12 characters>`.
#[must_use]
pub fn stream_name(endpoint: &EndpointId, region: &str, at: Timestamp, chance: &str) -> String {
    format!("{endpoint}-{region}-{}-{chance}", at.strftime("%Y/%m/%d"))
}
