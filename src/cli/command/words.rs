//! Structured options in AWS's words: shorthand or JSON, in the line or in a file that it names.

use std::{fs, io, path::Path};

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use super::UsageError;
use crate::{
    cli::{args, shorthand},
    model::{
        Tags,
        command::{AuthenticationOption, Filter, LookupAttribute, Permission},
    },
};

/// `--authentication-options` as the service takes it.
pub(super) fn authentication(values: &[String]) -> Result<Vec<AuthenticationOption>, UsageError> {
    let ways = structures::<AuthenticationWords>("authentication-options", values)?;
    Ok(ways.into_iter().map(Into::into).collect())
}

/// `--authentication-options` in AWS's words. What only other kinds have is let through here: the
/// service refuses the kind itself.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct AuthenticationWords {
    #[serde(rename = "Type")]
    kind: String,
    mutual_authentication: Option<MutualWords>,
    #[serde(rename = "ActiveDirectory")]
    _active_directory: Option<Value>,
    #[serde(rename = "FederatedAuthentication")]
    _federated_authentication: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct MutualWords {
    client_root_certificate_chain_arn: Option<String>,
}

impl From<AuthenticationWords> for AuthenticationOption {
    fn from(words: AuthenticationWords) -> Self {
        let mutual = words.mutual_authentication;
        Self {
            kind: words.kind,
            client_root_certificate_chain_arn: mutual
                .and_then(|mutual| mutual.client_root_certificate_chain_arn),
        }
    }
}

/// `--connection-log-options` in AWS's words.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ConnectionLogWords {
    #[serde(default, deserialize_with = "truth")]
    pub(super) enabled: Option<bool>,
    #[serde(rename = "CloudwatchLogGroup")]
    pub(super) group: Option<String>,
    #[serde(rename = "CloudwatchLogStream")]
    pub(super) stream: Option<String>,
}

/// `--connection-log-options` as it is written.
pub(super) fn log_words(text: &str) -> Result<ConnectionLogWords, UsageError> {
    let mut all = structures::<ConnectionLogWords>("connection-log-options", &[text])?;
    Ok(all.pop().unwrap_or_default())
}

/// `--dns-servers` of a change in AWS's words.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DnsWords {
    #[serde(default, deserialize_with = "one_or_many")]
    custom_dns_servers: Vec<String>,
    #[serde(default, deserialize_with = "truth")]
    enabled: Option<bool>,
}

/// All DNS servers that `--dns-servers` of a change names; none where it switches them off.
pub(super) fn dns_servers(text: &str) -> Result<Vec<String>, UsageError> {
    const OPTION: &str = "dns-servers";
    let refuse = |what: &str| {
        let what = format!(
            "{what}: write CustomDnsServers=10.1.0.2,10.1.0.3,Enabled=true, or Enabled=false for none"
        );
        Err(UsageError::Value {
            option: OPTION,
            what,
        })
    };
    let mut all = structures::<DnsWords>(OPTION, &[text])?;
    let (Some(words), true) = (all.pop(), all.is_empty()) else {
        return refuse("it is given once");
    };
    match (words.enabled, words.custom_dns_servers) {
        (Some(false), servers) if servers.is_empty() => Ok(servers),
        (Some(false), _) => refuse("servers that are switched off are not named"),
        (_, servers) if servers.is_empty() => refuse("no server is named"),
        (_, servers) => Ok(servers),
    }
}

/// `--tags` of things that are there.
pub(super) fn tag_pairs(values: &[String]) -> Result<Tags, UsageError> {
    let pairs = structures::<TagPair>("tags", values)?;
    Ok(pairs.into_iter().map(|tag| (tag.key, tag.value)).collect())
}

/// A tag that is to go.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct TagKey {
    key: String,
    value: Option<String>,
}

/// `--tags` that are to go: a key, and the value where only that one is meant.
pub(super) fn tag_keys(values: &[String]) -> Result<Vec<(String, Option<String>)>, UsageError> {
    let keys = structures::<TagKey>("tags", values)?;
    Ok(keys.into_iter().map(|tag| (tag.key, tag.value)).collect())
}

/// A truth value as JSON has it, or in shorthand's words.
fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Bool(value) => Ok(Some(value)),
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" => Ok(Some(true)),
            "false" => Ok(Some(false)),
            _ => Err(serde::de::Error::custom("expected true or false")),
        },
        _ => Err(serde::de::Error::custom("expected true or false")),
    }
}

/// One filter in AWS's words.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct FilterWords {
    name: String,
    #[serde(deserialize_with = "one_or_many")]
    values: Vec<String>,
}

/// In shorthand a list of one looks like the one.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(value) => vec![value],
        OneOrMany::Many(values) => values,
    })
}

/// `--filters` as the service takes them.
pub(super) fn filters_of(filters: &args::Filters) -> Result<Vec<Filter>, UsageError> {
    let words = structures::<FilterWords>("filters", &filters.filters)?;
    let filter = |it: FilterWords| Filter {
        name: it.name,
        values: it.values,
    };
    Ok(words.into_iter().map(filter).collect())
}

/// One attribute that events are looked up by, in AWS's words.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct AttributeWords {
    attribute_key: String,
    attribute_value: String,
}

/// `--lookup-attributes` as the service takes them.
pub(super) fn lookup_attributes(values: &[String]) -> Result<Vec<LookupAttribute>, UsageError> {
    let words = structures::<AttributeWords>("lookup-attributes", values)?;
    let attribute = |it: AttributeWords| LookupAttribute {
        key: it.attribute_key,
        value: it.attribute_value,
    };
    Ok(words.into_iter().map(attribute).collect())
}

/// One tag specification in AWS's words.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct TagWords {
    resource_type: String,
    tags: Vec<TagPair>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct TagPair {
    key: String,
    #[serde(default)]
    value: String,
}

/// `--tag-specifications` of a new thing of the kind `resource`.
pub(super) fn tags_of(tags: &args::TagSpecifications, resource: &str) -> Result<Tags, UsageError> {
    const OPTION: &str = "tag-specifications";
    let mut all = Tags::new();
    for it in structures::<TagWords>(OPTION, &tags.tag_specifications)? {
        if it.resource_type != resource {
            let what = format!("ResourceType is {resource} here, not {}", it.resource_type);
            return Err(UsageError::Value {
                option: OPTION,
                what,
            });
        }
        all.extend(it.tags.into_iter().map(|tag| (tag.key, tag.value)));
    }
    Ok(all)
}

/// One of `--ip-permissions` in AWS's words.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PermissionWords {
    ip_protocol: String,
    #[serde(default, deserialize_with = "number")]
    from_port: Option<i32>,
    #[serde(default, deserialize_with = "number")]
    to_port: Option<i32>,
    #[serde(default)]
    ip_ranges: Vec<RangeWords>,
    #[serde(default)]
    user_id_group_pairs: Vec<PairWords>,
    // As describe-security-groups prints them: there, and empty.
    #[serde(default, rename = "Ipv6Ranges")]
    ipv6_ranges: Vec<Value>,
    #[serde(default)]
    prefix_list_ids: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RangeWords {
    cidr_ip: String,
    #[serde(default)]
    description: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PairWords {
    group_id: String,
    #[serde(default)]
    description: String,
    // An installation is one account.
    #[serde(default, rename = "UserId")]
    _user_id: Option<Value>,
}

/// `--ip-permissions` as the service takes them: one for each network or group at the other end.
pub(super) fn permissions(values: &[String]) -> Result<Vec<Permission>, UsageError> {
    const OPTION: &str = "ip-permissions";
    let mut all = Vec::new();
    for it in structures::<PermissionWords>(OPTION, values)? {
        if !it.ipv6_ranges.is_empty() || !it.prefix_list_ids.is_empty() {
            return Err(UsageError::Value {
                option: OPTION,
                what: "only IPv4 is carried: name networks by IpRanges=[{CidrIp=10.0.0.0/8}], \
                       groups by UserIdGroupPairs=[{GroupId=ID}]"
                    .to_owned(),
            });
        }
        all.extend(it.for_each_peer());
    }
    Ok(all)
}

impl PermissionWords {
    /// With no peer it is still one, for the service to say what it lacks.
    fn for_each_peer(self) -> Vec<Permission> {
        let traffic = Permission {
            protocol: self.ip_protocol,
            from_port: self.from_port,
            to_port: self.to_port,
            ..Permission::default()
        };
        let networks = self.ip_ranges.into_iter().map(|it| Permission {
            cidr: Some(it.cidr_ip),
            description: it.description,
            ..traffic.clone()
        });
        let groups = self.user_id_group_pairs.into_iter().map(|it| Permission {
            group_id: Some(it.group_id),
            description: it.description,
            ..traffic.clone()
        });
        let mut all: Vec<_> = networks.chain(groups).collect();
        if all.is_empty() {
            all.push(traffic);
        }
        all
    }
}

/// A number as JSON has it, or as shorthand's text.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i32>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Number {
        Json(i32),
        Text(String),
    }
    match Option::<Number>::deserialize(deserializer)? {
        None => Ok(None),
        Some(Number::Json(number)) => Ok(Some(number)),
        Some(Number::Text(text)) => {
            let wrong = |_| serde::de::Error::custom(format!("\"{text}\" is not a whole number"));
            text.trim().parse().map(Some).map_err(wrong)
        }
    }
}

/// The values of a structured option: shorthand or JSON each, or one JSON list of all.
fn structures<T: DeserializeOwned>(
    option: &'static str,
    values: &[impl AsRef<str>],
) -> Result<Vec<T>, UsageError> {
    let mut all = Vec::new();
    for value in values {
        let text = text(option, value.as_ref())?;
        match shorthand::parse(&text).map_err(|source| UsageError::Shorthand { option, source })? {
            Value::Array(list) => all.extend(list),
            one => all.push(one),
        }
    }
    let read = |value| {
        serde_json::from_value(value).map_err(|error| UsageError::Value {
            option,
            what: error.to_string(),
        })
    };
    all.into_iter().map(read).collect()
}

/// The text of an option, or of the file that it names.
fn text(option: &'static str, value: &str) -> Result<String, UsageError> {
    if path_of(value).is_none() {
        return Ok(value.to_owned());
    }
    let bytes = contents(option, value.to_owned())?;
    String::from_utf8(bytes).map_err(|_| UsageError::Value {
        option,
        what: format!("{value} is not text"),
    })
}

/// The bytes of an option, or of the file that it names by `file://` or `fileb://`.
pub(super) fn contents(option: &'static str, value: String) -> Result<Vec<u8>, UsageError> {
    if let Some(path) = path_of(&value) {
        return read_file(path).map_err(|source| UsageError::File {
            option,
            path: path.to_owned(),
            source,
        });
    }
    if !value.contains('\n') && Path::new(&value).is_file() {
        return Err(UsageError::Value {
            option,
            what: format!("to read the file, write file://{value}"),
        });
    }
    Ok(value.into_bytes())
}

fn path_of(value: &str) -> Option<&str> {
    value
        .strip_prefix("file://")
        .or_else(|| value.strip_prefix("fileb://"))
}

/// Reads a file of a sensible size, so that a slip of the hand does not read a disk.
fn read_file(path: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path)?;
    io::Read::read_to_end(&mut io::Read::take(file, MAX_FILE + 1), &mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(io::Error::other(format!(
            "it has more than {MAX_FILE} bytes"
        )));
    }
    Ok(bytes)
}

/// The largest file an option may name: a revocation list of 100,000 entries fits.
const MAX_FILE: u64 = 8 << 20;
