//! IPv4 networks as an administrator types them.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::refusal::{Code, Refusal};

/// The network that means "everywhere".
#[must_use]
pub fn everywhere() -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 0)
}

/// Reads a CIDR whose host bits are zero.
///
/// # Errors
/// `InvalidParameterValue` at `field`, with the corrected network as the cure where there is one.
pub fn parse_cidr(field: &str, text: &str, example: &str) -> Result<Ipv4Net, Refusal> {
    let text = text.trim();
    let Ok(net) = text.parse::<Ipv4Net>() else {
        return Err(Refusal::new(
            Code::InvalidParameterValue,
            format!("\"{text}\" is not an IPv4 network, for example {example}"),
        )
        .at(field)
        .cure(example));
    };
    without_host_bits(field, net)
}

/// `net` itself if its host bits are zero.
///
/// # Errors
/// `InvalidParameterValue` at `field`, with the network's own address as the cure.
pub fn without_host_bits(field: &str, net: Ipv4Net) -> Result<Ipv4Net, Refusal> {
    if net.addr() == net.network() {
        return Ok(net);
    }
    let right = net.trunc();
    Err(Refusal::new(
        Code::InvalidParameterValue,
        format!("{net} has host bits set; the network is {right}"),
    )
    .at(field)
    .cure(right.to_string()))
}

/// Whether the two networks share an address.
#[must_use]
pub fn overlap(a: Ipv4Net, b: Ipv4Net) -> bool {
    a.contains(&b) || b.contains(&a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_bits_are_refused_with_the_network_as_cure() {
        let refusal = parse_cidr("CidrBlock", "10.0.0.7/22", "10.0.0.0/22").unwrap_err();
        assert_eq!(refusal.cure.as_deref(), Some("10.0.0.0/22"));
        assert_eq!(refusal.field.as_deref(), Some("CidrBlock"));
    }

    #[test]
    fn overlap_is_symmetric_and_tells_neighbours_apart() {
        let net = |s: &str| s.parse::<Ipv4Net>().unwrap();
        assert!(overlap(net("10.0.0.0/8"), net("10.1.0.0/16")));
        assert!(overlap(net("10.1.0.0/16"), net("10.0.0.0/8")));
        assert!(!overlap(net("10.0.0.0/16"), net("10.1.0.0/16")));
    }
}
