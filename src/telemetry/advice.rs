//! What to do next, for each way in which an attempt fails or a connection ends.

use crate::model::log::{EndReason, FailureReason};

/// What to do about a client that was not let in.
pub(super) fn after_failure(reason: FailureReason) -> &'static str {
    use FailureReason as F;
    match reason {
        F::ConnectFailed => "Read the explanation; the client's own log has its side of it.",
        F::CertificateMissing => {
            "Export the client configuration again with the client's certificate and key inside, and import that file on the client."
        }
        F::CertificateUntrusted => {
            "Compare the authority that signed the client's certificate with the endpoint's client certificate. Issue the client a certificate of that authority, or create an endpoint for the other one."
        }
        F::CertificateExpired => {
            "Renew the client's certificate and hand out its configuration again. If it has not expired, look at this machine's clock."
        }
        F::CertificateNotYetValid => {
            "Look at the clocks of this machine and of the one that issued the certificate, or wait until its time has come."
        }
        F::CertificateNotForClients => {
            "Issue the client a certificate whose extended key usage is clientAuth: a server's certificate does not let a client in."
        }
        F::CertificateRevoked => {
            "Nothing, if the certificate was meant to be revoked. Otherwise issue the client a new one, or import a revocation list that is up to date."
        }
        F::CertificateUnusable => {
            "Issue the client a new certificate with one common name, for clients, and hand out its configuration again."
        }
        F::ServerCertificateRejected => {
            "The client does not know the authority of the endpoint's server certificate, or wants another name. Export the client configuration again and import it on the client."
        }
        F::TlsFailed => {
            "Try with a current OpenVPN client. If it is one, something between it and the gateway may change what it sends."
        }
        F::HandshakeTimedOut => {
            "Look for a firewall or a lossy network between the client and the gateway: the first packets came, the rest did not."
        }
        F::ProtocolError => {
            "If this is one of your clients, export its configuration again: tls-auth, tls-crypt and static keys are not used here. If it is not, nothing needs to be done."
        }
        F::ClientIncompatible => {
            "Update the client to OpenVPN 2.4 or later, and take cipher settings out of its configuration."
        }
        F::ClientLeft => {
            "Nothing, if the client tries again and gets in. Otherwise read the client's own log for why it gave up."
        }
        F::ClientBlocked => {
            "Wait until the block is over, or lift it on the endpoint's Connections tab."
        }
        F::ConnectionLimit => {
            "Terminate connections that are not needed, or raise the limit of connections in Settings."
        }
        F::ClientRangeExhausted => {
            "Create an endpoint with a larger client range: an endpoint keeps the range that it was created with."
        }
        F::NoTargetNetwork => "Associate a target network with the endpoint.",
        F::TargetNetworkUnreachable => {
            "Look at the endpoint's associations: each says what is wrong with its target network and what would help."
        }
        F::EndpointClosing => {
            "Nothing, if the endpoint was meant to be changed or deleted; a client of one that stays gets in when it tries again."
        }
        F::GatewayFault => "Look at the gateway's own log and at what the machine has left.",
    }
}

/// What to do about a connection that has ended.
pub(super) fn after_end(reason: EndReason) -> &'static str {
    use EndReason as E;
    match reason {
        E::Other => "Read the explanation; the client's own log has its side of it.",
        E::ClientLeft | E::Replaced => NOTHING,
        E::ClientSilent => {
            "Nothing, if the client was switched off or went out of reach; it comes back by itself. If it happens often, look for a firewall that forgets idle UDP flows."
        }
        E::ConnectionReset => {
            "Nothing, if the client was switched off; it comes back by itself. If it happens often, look for a firewall or proxy that closes connections."
        }
        E::RekeyFailed => {
            "Nothing, if the client comes back. Otherwise look for a lossy network between the client and the gateway."
        }
        E::Refused => {
            "The client no longer fulfils what the endpoint asks for: look at its certificate, the revocation list and the limits."
        }
        E::Terminated => {
            "Nothing; block the client for a while if it should not come straight back."
        }
        E::Reconnected | E::ConfigurationChanged => {
            "Nothing; the client comes back by itself with the new settings."
        }
        E::GatewayStopped => "Start the gateway again if it was not meant to stop.",
        E::ProtocolError => "Update the client; look at the device if it is up to date.",
        E::GatewayFault => "Look at the gateway's own log.",
    }
}

/// After what goes well.
pub(super) const NOTHING: &str = "Nothing needs to be done.";

/// After a renewal of keys that came to nothing.
pub(super) const AFTER_FAILED_REKEY: &str = "Nothing, unless it happens again and again: then look for a lossy network between the client and the gateway.";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_reason_has_advice_of_its_own_in_whole_sentences() {
        let failures = FailureReason::ALL.iter().map(|it| after_failure(*it));
        let failures: Vec<_> = failures.collect();
        let distinct: BTreeSet<_> = failures.iter().collect();
        assert_eq!(distinct.len(), failures.len());
        for text in failures
            .into_iter()
            .chain(EndReason::ALL.iter().map(|it| after_end(*it)))
        {
            assert!(text.ends_with('.') && text.len() > 20, "{text}");
        }
    }

    #[test]
    fn the_words_of_the_log_are_distinct() {
        let failures: BTreeSet<_> = FailureReason::ALL.iter().map(|it| it.as_str()).collect();
        assert_eq!(failures.len(), FailureReason::ALL.len());
        let ends: BTreeSet<_> = EndReason::ALL.iter().map(|it| it.as_str()).collect();
        assert_eq!(ends.len(), EndReason::ALL.len());
    }
}
