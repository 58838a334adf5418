//! Identifiers, in the text form AWS gives them.

use std::{fmt, str::FromStr};

use arrayvec::ArrayString;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::refusal::{Code, Refusal};

/// How many hexadecimal digits follow the prefix.
const DIGITS: usize = 17;

/// Declares an identifier: a prefix and 17 hexadecimal digits. Its text is kept in place, as
/// thousands of connections are compared with those of a moment before each second.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident, $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(ArrayString<{ $prefix.len() + DIGITS }>);

        impl $name {
            /// What every identifier of this kind begins with.
            pub const PREFIX: &'static str = $prefix;

            /// The identifier made of 9 random bytes (the last half byte is left out).
            #[must_use]
            pub fn from_random(bytes: [u8; 9]) -> Self {
                let mut text = ArrayString::new();
                text.push_str($prefix);
                text.push_str(&data_encoding::HEXLOWER.encode(&bytes)[..DIGITS]);
                Self(text)
            }

            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = Refusal;

            fn from_str(text: &str) -> Result<Self, Refusal> {
                let digits = text.strip_prefix($prefix).unwrap_or_default();
                let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
                let is_one = (8..=DIGITS).contains(&digits.len()) && digits.chars().all(is_hex);
                if is_one && let Ok(text) = ArrayString::from(text) {
                    return Ok(Self(text));
                }
                Err(Refusal::new(
                    Code::InvalidParameterValue,
                    format!(
                        "\"{text}\" is not of the form {}0a1b2c3d4e5f60718",
                        $prefix
                    ),
                ))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(|refusal: Refusal| de::Error::custom(refusal.message))
            }
        }
    )*};
}

ids! {
    /// Names a Client VPN endpoint.
    EndpointId, "cvpn-endpoint-";
    /// Names the association of a target network with an endpoint.
    AssociationId, "cvpn-assoc-";
    /// Names one connection of one client, live or ended.
    ConnectionId, "cvpn-connection-";
    /// Names a VPC.
    VpcId, "vpc-";
    /// Names a subnet.
    SubnetId, "subnet-";
    /// Names an internet gateway.
    InternetGatewayId, "igw-";
    /// Names a route table of a VPC.
    RouteTableId, "rtb-";
    /// Names a VPC peering connection.
    VpcPeeringConnectionId, "pcx-";
    /// Names a VPN connection of a VPC.
    VpnConnectionId, "vpn-";
    /// Names a security group.
    SecurityGroupId, "sg-";
    /// Names a rule of a security group.
    SecurityGroupRuleId, "sgr-";
    /// Names a resource: AWS's network interface.
    NetworkInterfaceId, "eni-";
}

/// Names a certificate of the certificate store:
/// `arn:aws:acm:<region>:<account>:certificate/<uuid>`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CertificateArn(String);

impl CertificateArn {
    /// The ARN for `region` and `account` with a version 4 UUID made of 16 random bytes.
    #[must_use]
    pub fn from_random(region: &str, account: &str, mut bytes: [u8; 16]) -> Self {
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex = data_encoding::HEXLOWER.encode(&bytes);
        Self(format!(
            "arn:aws:acm:{region}:{account}:certificate/{}-{}-{}-{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..]
        ))
    }

    /// The ARN as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CertificateArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CertificateArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for CertificateArn {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let shaped = matches!(parts.as_slice(), ["arn", "aws", "acm", _, _, resource]
            if resource.strip_prefix("certificate/").is_some_and(|id| !id.is_empty()));
        if shaped && text.len() <= 2048 {
            return Ok(Self(text.to_owned()));
        }
        Err(Refusal::new(
            Code::InvalidParameterValue,
            format!(
                "\"{text}\" is not a certificate ARN, for example \
                 arn:aws:acm:local-1:000000000000:certificate/12345678-1234-4234-8234-123456789012"
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_has_its_prefix_and_17_digits() {
        let id = EndpointId::from_random([0xab; 9]);
        assert_eq!(id.as_str(), "cvpn-endpoint-ababababababababa");
        assert_eq!(id.as_str().parse::<EndpointId>().unwrap(), id);
    }

    #[test]
    fn an_identifier_of_another_kind_is_refused() {
        assert!("vpc-0a1b2c3d4e5f60718".parse::<SubnetId>().is_err());
        assert!("subnet-".parse::<SubnetId>().is_err());
        assert!("subnet-0A1B2C3D4E5F60718".parse::<SubnetId>().is_err());
    }

    #[test]
    fn a_certificate_arn_reads_back() {
        let arn = CertificateArn::from_random("local-1", "000000000000", [0xff; 16]);
        assert_eq!(arn.as_str().parse::<CertificateArn>().unwrap(), arn);
        assert!("arn:aws:acm:x:y:other/1".parse::<CertificateArn>().is_err());
    }
}
