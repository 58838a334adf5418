//! What single fields may hold. Every refusal names the field by AWS's parameter name and, where
//! there is one, a value that would be right.

use std::{collections::BTreeMap, net::Ipv4Addr, str::FromStr};

use aws_lc_rs::rand;
use ipnet::Ipv4Net;

use crate::model::{Code, Refusal, Tags, net};

/// Random bytes for an identifier.
///
/// # Errors
/// When the system has no randomness.
pub(super) fn random<const N: usize>() -> Result<[u8; N], Refusal> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| {
        Refusal::new(
            Code::InternalError,
            "The system gives no random numbers; nothing was changed",
        )
    })?;
    Ok(bytes)
}

/// A value at `field` that cannot be used.
pub(super) fn invalid(field: &str, message: impl Into<String>) -> Refusal {
    Refusal::new(Code::InvalidParameterValue, message).at(field)
}

/// A field that must be given.
pub(super) fn needed<'a>(field: &str, text: &'a str, example: &str) -> Result<&'a str, Refusal> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Refusal::missing(field, example).cure(example));
    }
    Ok(text)
}

/// The thing that a field names by its identifier. `what` is what AWS's message calls it.
///
/// # Errors
/// `MissingParameter`; `missing` for one that is not there, with those that are.
pub(super) fn named<'s, K, V>(
    things: &'s BTreeMap<K, V>,
    field: &str,
    (what, example): (&str, &str),
    missing: Code,
    text: &str,
) -> Result<&'s V, Refusal>
where
    K: Ord + FromStr + ToString,
{
    let text = needed(field, text, example)?;
    let found = text.parse().ok().and_then(|id: K| things.get(&id));
    found.ok_or_else(|| {
        let hint = if things.is_empty() {
            String::new()
        } else {
            format!(
                "; there is {}",
                listed(things.keys().map(ToString::to_string))
            )
        };
        let refusal = Refusal::new(
            missing,
            format!("The {what} ID '{text}' does not exist{hint}"),
        )
        .at(field);
        match things.keys().next() {
            Some(first) => refusal.cure(first.to_string()),
            None => refusal,
        }
    })
}

/// A network that must be given, without host bits.
pub(super) fn cidr(field: &str, text: &str, example: &str) -> Result<Ipv4Net, Refusal> {
    net::parse_cidr(field, needed(field, text, example)?, example)
}

/// What an administrator says of something.
pub(super) fn description(text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    let length = text.chars().count();
    if length > MAX_DESCRIPTION {
        return Err(invalid(
            "Description",
            format!(
                "A description has at most {MAX_DESCRIPTION} characters; this one has {length}"
            ),
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(invalid(
            "Description",
            "A description is one line of text without control characters",
        ));
    }
    Ok(text.to_owned())
}

/// Tags of a new thing by AWS's rules.
pub(super) fn tags(tags: Tags) -> Result<Tags, Refusal> {
    tags_at("TagSpecification", tags)
}

/// Tags at `field` by AWS's rules.
pub(super) fn tags_at(field: &str, tags: Tags) -> Result<Tags, Refusal> {
    let refuse = |message: String| Err(invalid(field, message));
    if tags.len() > MAX_TAGS {
        return refuse(format!(
            "At most {MAX_TAGS} tags hang on one thing; these are {}",
            tags.len()
        ));
    }
    for (key, value) in &tags {
        if key.is_empty() || key.chars().count() > MAX_TAG_KEY {
            return refuse(format!("A tag's key has 1 to {MAX_TAG_KEY} characters"));
        }
        if value.chars().count() > MAX_TAG_VALUE {
            return refuse(format!(
                "The value of the tag {key} has more than {MAX_TAG_VALUE} characters"
            ));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return refuse(format!(
                "The tag {key} cannot be set: keys that begin with aws: are reserved"
            ));
        }
        if key.chars().chain(value.chars()).any(char::is_control) {
            return refuse("Tags hold no control characters".to_owned());
        }
    }
    Ok(tags)
}

/// DNS servers for clients. One that is none is refused at `DnsServers.N`, as AWS counts what a list
/// holds, from 1 on.
pub(super) fn dns_servers(servers: &[String]) -> Result<Vec<Ipv4Addr>, Refusal> {
    if servers.len() > MAX_DNS_SERVERS {
        return Err(invalid(
            "DnsServers",
            format!(
                "An endpoint has at most {MAX_DNS_SERVERS} DNS servers; these are {}",
                servers.len()
            ),
        ));
    }
    let numbered = (1..).zip(servers);
    numbered
        .map(|(number, text)| dns_server(&format!("DnsServers.{number}"), text))
        .collect()
}

fn dns_server(field: &str, text: &str) -> Result<Ipv4Addr, Refusal> {
    let parsed = text.trim().parse::<Ipv4Addr>().ok();
    parsed
        .filter(|address| is_host_address(*address))
        .ok_or_else(|| {
            invalid(
                field,
                format!("\"{text}\" is not the IPv4 address of a DNS server, for example 10.1.0.2"),
            )
            .cure("10.1.0.2")
        })
}

/// The host that exported configurations name. It is written into files that other programs read,
/// so it is a host name or an address and nothing else.
pub(super) fn public_address(text: &str) -> Result<Option<String>, Refusal> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let looks_numeric = text
        .rsplit('.')
        .next()
        .is_some_and(|last| last.chars().all(|c| c.is_ascii_digit()));
    let right = if looks_numeric {
        text.parse::<Ipv4Addr>().is_ok_and(is_host_address)
    } else {
        text.len() <= MAX_HOST_NAME && text.split('.').all(is_host_label)
    };
    if right {
        return Ok(Some(text.to_owned()));
    }
    Err(invalid(
        "PublicAddress",
        "The public address is a host name or an IPv4 address, for example vpn.example.com or \
         203.0.113.7, without port, spaces or other characters",
    )
    .cure("vpn.example.com"))
}

/// The domain that endpoints have their names in. Like a public address it is written into files
/// that other programs read, and clients put an endpoint's identifier and a random label before
/// it.
pub(super) fn endpoint_domain(text: &str) -> Result<Option<String>, Refusal> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let refuse = |message: String| Err(invalid("EndpointDomain", message).cure("vpn.example.com"));
    let is_numeric = |label: &str| label.chars().all(|c| c.is_ascii_digit());
    let labels: Vec<&str> = text.split('.').collect();
    let is_name = labels.len() > 1
        && labels.iter().all(|label| is_host_label(label))
        && labels.last().is_some_and(|last| !is_numeric(last));
    if !is_name {
        return refuse(format!(
            "\"{text}\" is no domain: it is a host name with a dot inside, for example vpn.example.com, whose names all lead to this machine; an address belongs into PublicAddress"
        ));
    }
    if text.len() > MAX_ENDPOINT_DOMAIN {
        return refuse(format!(
            "A domain for endpoints has at most {MAX_ENDPOINT_DOMAIN} characters, as longer names come before it; this one has {}",
            text.len()
        ));
    }
    Ok(Some(text.to_ascii_lowercase()))
}

fn is_host_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn is_host_address(address: Ipv4Addr) -> bool {
    !(address.is_unspecified() || address.is_multicast() || address.octets()[0] >= 240)
}

/// Whether the network holds only addresses that a host may have: no "this network", loopback,
/// link-local, multicast or reserved ones.
pub(super) fn is_for_hosts(net: Ipv4Net) -> bool {
    const RESERVED: [([u8; 4], u8); 4] = [
        ([0, 0, 0, 0], 8),
        ([127, 0, 0, 0], 8),
        ([169, 254, 0, 0], 16),
        ([224, 0, 0, 0], 3),
    ];
    RESERVED.iter().all(|&(address, prefix)| {
        !net::overlap(net, Ipv4Net::new_assert(Ipv4Addr::from(address), prefix))
    })
}

/// Names joined for a sentence: `a, b and 3 more`.
pub(super) fn listed<T: ToString>(things: impl IntoIterator<Item = T>) -> String {
    let names: Vec<String> = things.into_iter().map(|thing| thing.to_string()).collect();
    let (shown, rest) = names.split_at(names.len().min(LISTED));
    if rest.is_empty() {
        shown.join(", ")
    } else {
        format!("{} and {} more", shown.join(", "), rest.len())
    }
}

const MAX_DESCRIPTION: usize = 255;
pub(super) const MAX_TAGS: usize = 50;
const MAX_TAG_KEY: usize = 128;
const MAX_TAG_VALUE: usize = 256;
const MAX_DNS_SERVERS: usize = 2;
/// RFC 1035, section 2.3.4, without the root's dot and length byte.
const MAX_HOST_NAME: usize = 253;
/// What is left of a host name beside an endpoint's identifier, the random label that clients
/// put before it (OpenVPN's has 12 characters) and two dots.
const MAX_ENDPOINT_DOMAIN: usize = MAX_HOST_NAME - 31 - 12 - 2;
const LISTED: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_address_is_a_host_name_or_an_ipv4_address() {
        for right in ["vpn.example.com", "gateway", "203.0.113.7", "a-1.b2"] {
            assert_eq!(public_address(right).unwrap().as_deref(), Some(right));
        }
        assert_eq!(public_address("  ").unwrap(), None);
    }

    #[test]
    fn a_public_address_cannot_carry_another_line_or_option() {
        for wrong in [
            "host\nscript-security 2",
            "host 1194",
            "host:1194",
            "2001:db8::1",
            "300.1.1.1",
            "0.0.0.0",
            "224.0.0.1",
            "-a.example",
            "a..b",
            "häuser.example",
            "#host",
        ] {
            let refusal = public_address(wrong).unwrap_err();
            assert_eq!(refusal.field.as_deref(), Some("PublicAddress"), "{wrong}");
        }
    }

    #[test]
    fn an_endpoint_domain_is_a_host_name_with_a_dot_and_room_before_it() {
        let good = endpoint_domain(" VPN.Example.com ").unwrap();
        assert_eq!(good.as_deref(), Some("vpn.example.com"));
        assert_eq!(endpoint_domain("").unwrap(), None);
        let long = format!("{}.example.com", vec!["a".repeat(60); 4].join("."));
        for wrong in [
            "gateway",
            "203.0.113.7",
            "vpn.example.com.",
            "*.example.com",
            "vpn.example.com 443",
            "vpn.example\ncom",
            "häuser.example",
            &long,
        ] {
            let refusal = endpoint_domain(wrong).unwrap_err();
            assert_eq!(refusal.field.as_deref(), Some("EndpointDomain"), "{wrong}");
            let cure = refusal.cure.unwrap();
            assert!(endpoint_domain(&cure).unwrap().is_some());
        }
    }

    #[test]
    fn tags_keep_aws_limits() {
        let one = |key: &str, value: &str| Tags::from([(key.to_owned(), value.to_owned())]);
        assert!(tags(one("Name", "corp")).is_ok());
        assert!(tags(one("", "x")).is_err());
        assert!(tags(one("aws:x", "x")).is_err());
        assert!(tags(one(&"k".repeat(128), "x")).is_ok());
        assert!(tags(one(&"k".repeat(129), "x")).is_err());
        assert!(tags(one("k", &"v".repeat(257))).is_err());
        assert!(tags(one("k", "a\nb")).is_err());
        let many = (0..51).map(|n| (format!("k{n}"), String::new())).collect();
        assert!(tags(many).is_err());
    }

    #[test]
    fn a_description_is_one_line_of_255_characters() {
        assert_eq!(description(" staff ").unwrap(), "staff");
        assert!(description(&"ü".repeat(255)).is_ok());
        assert!(description(&"ü".repeat(256)).is_err());
        assert!(description("a\nb").is_err());
    }

    #[test]
    fn networks_that_no_host_is_in_are_told_apart() {
        for wrong in [
            "127.0.0.0/16",
            "0.0.0.0/16",
            "169.254.0.0/18",
            "224.0.0.0/16",
            "240.0.0.0/16",
        ] {
            assert!(!is_for_hosts(wrong.parse().unwrap()), "{wrong}");
        }
        assert!(is_for_hosts("10.0.0.0/22".parse().unwrap()));
        assert!(is_for_hosts("100.64.0.0/16".parse().unwrap()));
    }

    #[test]
    fn a_long_list_is_cut() {
        assert_eq!(listed(["a", "b"]), "a, b");
        assert_eq!(listed(1..=7), "1, 2, 3, 4, 5 and 2 more");
    }
}
