//! Why packets were not carried, in sentences.

/// The reason that a counter is named by, as a sentence; none for one of a newer gateway.
pub(super) fn sentence(reason: &str) -> Option<&'static str> {
    let found = SENTENCES.iter().find(|(name, _)| *name == reason);
    found.map(|(_, sentence)| *sentence)
}

const SENTENCES: &[(&str, &str)] = &[
    (
        "malformed-packet",
        "Cut short, or with a header that contradicts itself",
    ),
    ("not-ipv4", "Another version of IP than 4"),
    (
        "ip-options",
        "IPv4 options, which could go around the rules",
    ),
    (
        "source-not-assigned",
        "Sent from another address than the client was given",
    ),
    ("this-network", "To 0.0.0.0/8, which names no host"),
    ("loopback", "To a loopback address, which is never opened"),
    (
        "link-local",
        "To a link-local address, which is never opened",
    ),
    ("multicast", "To a multicast address"),
    ("broadcast", "To a broadcast address"),
    ("reserved", "To 240.0.0.0/4, which names no host"),
    ("gateway-address", "To the gateway itself"),
    (
        "client-to-client",
        "From one client to another, which no rule opens",
    ),
    ("no-route", "No route of the target network leads there"),
    (
        "not-authorized",
        "No authorization rule lets the user in there",
    ),
    (
        "security-group-out",
        "No outbound rule of the endpoint's security groups admits it",
    ),
    ("outside-vpc", "The VPC does not reach the address"),
    (
        "security-group-in",
        "No inbound rule of the resource's security groups admits it",
    ),
    (
        "security-group-inbound",
        "Opens a flow to a client, which no security group admits",
    ),
    ("no-flow", "Answers nothing that a client has sent"),
    ("replayed", "Received before, or too late"),
    ("bad-tag", "Not sealed with the session's key"),
    ("unknown-data-key", "Sealed with a key that is not in use"),
    (
        "key-exhausted",
        "Sealed with a key that has failed too often",
    ),
    ("compressed", "Compressed, which is never opened"),
    ("not-ip", "No IP packet inside"),
    ("rate-limited", "More first packets than are answered"),
    ("bad-cookie", "A first answer that does not fit its address"),
    ("rekey-too-soon", "New keys asked for too often"),
    ("session-ended", "Of a session that has ended"),
    ("unknown-peer", "Of a session that does not exist"),
    ("session-ending", "Of a session that was told to end"),
    ("no-such-client", "To an address that no client has"),
    (
        "send-queue-full",
        "The client, or this machine, takes packets too slowly",
    ),
    ("send-failed", "This machine refused to send it"),
    ("handover-full", "A worker was too busy to take it"),
    (
        "control-queue-full",
        "Too many control packets of one session wait",
    ),
    ("no-key", "The session has no key yet"),
    ("oversize", "Larger than a tunnel carries"),
    ("half-open-limit", "As many clients connect at once as may"),
    (
        "network-malformed-packet",
        "Malformed on its way to the target network",
    ),
    (
        "network-fragment",
        "A fragment, which user-space mode does not join",
    ),
    (
        "network-protocol-not-carried",
        "A protocol that user-space mode does not carry",
    ),
    (
        "network-larger-than-the-mtu",
        "Larger than the target network's MTU",
    ),
    ("network-too-many-flows", "More flows are open than may be"),
    (
        "network-no-socket-left",
        "This machine gives no more sockets",
    ),
    (
        "network-echo-not-permitted",
        "A ping, which this process may not send",
    ),
    (
        "network-queue-full",
        "The way to the target network is full",
    ),
    ("network-device-error", "The network device refused it"),
    (
        "network-egress-not-available",
        "The subnet's egress is not there",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_of_the_policy_and_the_network_has_a_sentence_of_its_own() {
        for reason in crate::policy::Reason::ALL {
            assert!(sentence(reason.name()).is_some(), "{reason}");
        }
        for reason in crate::network::DropReason::ALL {
            let name = reason.as_str().to_lowercase().replace(' ', "-");
            assert!(sentence(&format!("network-{name}")).is_some(), "{name}");
        }
        let all: std::collections::BTreeSet<_> = SENTENCES.iter().map(|(_, words)| words).collect();
        assert_eq!(all.len(), SENTENCES.len());
    }
}
