//! Why a packet does not pass: a closed list.

use std::fmt;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $sentence:literal;)*) => {
        /// Why a packet does not pass.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(usize)]
        pub enum Reason {
            $($(#[$doc])* $name,)*
        }

        impl Reason {
            /// Every reason, in a fixed order: `reason as usize` is its index.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// A stable name for counters, such as `no-route`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// The reason as a sentence for a person.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self {
                    $(Self::$name => $sentence,)*
                }
            }
        }
    };
}

reasons! {
    /// Not a whole IPv4 packet.
    Malformed = "malformed-packet",
        "The packet is cut short or its header contradicts itself.";
    /// Another version of IP.
    NotIpv4 = "not-ipv4",
        "Only IPv4 is carried.";
    /// An IPv4 header with options: one of them routes a packet past its destination.
    IpOptions = "ip-options",
        "IPv4 options are not carried, because source routing would go around the rules.";
    /// The source is not the session's own address.
    SourceNotAssigned = "source-not-assigned",
        "The packet's source is not the address that the client was given.";
    /// `0.0.0.0/8`.
    ThisNetwork = "this-network",
        "0.0.0.0/8 names no host.";
    /// `127.0.0.0/8`.
    Loopback = "loopback",
        "Loopback addresses are the gateway itself and are never opened.";
    /// `169.254.0.0/16`.
    LinkLocal = "link-local",
        "Link-local addresses, where metadata services live, are never opened.";
    /// `224.0.0.0/4`.
    Multicast = "multicast",
        "Multicast is not carried.";
    /// The limited broadcast, or the first or last address of a network.
    Broadcast = "broadcast",
        "Broadcast is not carried.";
    /// `240.0.0.0/4`.
    Reserved = "reserved",
        "240.0.0.0/4 is reserved and names no host.";
    /// An address of the gateway's machine, or of the gateway inside the tunnel.
    GatewayAddress = "gateway-address",
        "The destination is the gateway itself, which is closed to clients.";
    /// Inside a client range, where no rule for a part of the endpoint's own range opens it.
    ClientToClient = "client-to-client",
        "The destination is in a client range, and no authorization rule inside that range opens it: clients do not reach each other.";
    /// No route of the session's association matches.
    NoRoute = "no-route",
        "No route of the client's target network leads to the destination.";
    /// No authorization rule of the longest matching prefix grants it.
    NotAuthorized = "not-authorized",
        "No authorization rule opens the destination to the user and for this traffic.";
    /// No egress rule of the endpoint's security groups admits it.
    SecurityGroupOut = "security-group-out",
        "No outbound rule of the endpoint's security groups lets the traffic out.";
    /// The VPC does not reach the address.
    OutsideVpc = "outside-vpc",
        "The address is outside the VPC, and no working route of its route table leads there.";
    /// No ingress rule of the security groups of the resource at the destination admits it.
    SecurityGroupIn = "security-group-in",
        "No inbound rule of the resource's security groups lets the traffic in.";
    /// Opens a flow towards the client (from the network), which the security groups of the
    /// endpoint, or those of the resource that sends it, do not admit.
    SecurityGroupInbound = "security-group-inbound",
        "The packet opens a flow to the client, which no security group's rule admits.";
    /// Neither part of an open flow nor one that could open any (towards the client).
    NoFlow = "no-flow",
        "The packet answers nothing that the client has sent.";
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
