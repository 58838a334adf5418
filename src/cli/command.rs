//! The command line as it is meant: files are read, shorthand is understood, and what is left is a
//! [`Request`] like any other face's. Values are judged by the service, not here.

use std::{fs, io, path::Path, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use super::{
    args::{
        self, AccessAction, Acm, Directory, Ec2Action, EndpointAction, Face, NetworkAction,
        Networks, Pki, Setting, Settings,
    },
    shorthand::{self, ShorthandError},
};
use crate::{
    api::shape,
    control::ModeChoice,
    model::{
        Answer, CertificateUse, Command, KeyType, Request, Tags, Transport,
        command::{
            AssociateTargetNetwork, AuthenticationOption, AuthorizeIngress, ById, Bytes,
            CertificateName, CreateCertificateAuthority, CreateClientVpnEndpoint, CreateGroup,
            CreateInternetGateway, CreateRoute, CreateSubnet, CreateVpc, DeleteRoute, Describe,
            DescribeOfEndpoint, DisassociateTargetNetwork, ExportCertificate,
            ExportClientConfiguration, Filter, GatewayAttachment, GroupName, ImportCertificate,
            ImportHostNetworks, IssueCertificate, LookupEvents, Membership, ModifySettings,
            OfEndpoint, ReconnectConnections, RevokeIngress, Secret, TerminateConnections,
            VpcCidrBlock, Why,
        },
    },
};

/// What the command line asks for.
#[derive(Debug)]
pub enum Action {
    /// Open the window.
    Window,
    /// Run without a window.
    Serve(ModeChoice),
    /// Show the status, once or when it has settled within the time.
    Status {
        /// How long to wait for it; none shows it as it is.
        wait: Option<Duration>,
    },
    /// Send a command and print its answer.
    Call(Box<Call>),
}

/// A command and the shape its answer is printed in.
#[derive(Debug)]
pub struct Call {
    /// The command.
    pub request: Request,
    /// AWS's shape of the answer.
    pub shape: fn(&Answer, Timestamp) -> Value,
}

/// Why a command line cannot be understood.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// A structured option is malformed.
    #[error("--{option}: {source}")]
    Shorthand {
        /// The option.
        option: &'static str,
        /// Where and why.
        source: ShorthandError,
    },
    /// A structured option is well formed and says something that it cannot say.
    #[error("--{option}: {what}")]
    Value {
        /// The option.
        option: &'static str,
        /// What is wrong and what would be right.
        what: String,
    },
    /// A file that an option names cannot be read.
    #[error("--{option}: {path} cannot be read: {source}")]
    File {
        /// The option.
        option: &'static str,
        /// The file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
}

/// Understands a command line.
///
/// # Errors
/// [`UsageError`]; nothing was sent.
pub fn understand(face: Option<Face>) -> Result<Action, UsageError> {
    let command = match face {
        None => return Ok(Action::Window),
        Some(Face::Serve { network }) => return Ok(Action::Serve(mode_choice(network))),
        Some(Face::Status { wait, timeout }) => {
            let wait = wait.then(|| Duration::from_secs(timeout));
            return Ok(Action::Status { wait });
        }
        Some(Face::Ec2(ec2)) => return ec2_call(ec2),
        Some(Face::Settings(settings)) => settings_command(settings),
        Some(Face::Pki(pki)) => pki_command(pki),
        Some(Face::Acm(acm)) => acm_command(acm)?,
        Some(Face::Networks(Networks::List)) => Command::DescribeHostNetworks,
        Some(Face::Networks(Networks::Import { interfaces })) => {
            Command::ImportHostNetworks(ImportHostNetworks { interfaces })
        }
        Some(Face::Directory(directory)) => directory_command(directory),
        Some(Face::Why(it)) => Command::Why(Why {
            client_vpn_endpoint_id: it.endpoint.client_vpn_endpoint_id,
            user: it.user,
            connection_id: it.connection_id,
            destination: it.destination,
            protocol: it.protocol,
            port: it.port,
        }),
        Some(Face::Events { max_results }) => Command::LookupEvents(LookupEvents { max_results }),
        Some(Face::Attempts {
            client_vpn_endpoint_id,
        }) => Command::DescribeConnectionAttempts(OfEndpoint {
            client_vpn_endpoint_id,
        }),
    };
    Ok(Action::Call(Box::new(Call {
        request: command.into(),
        shape: shape::answer,
    })))
}

fn mode_choice(choice: args::NetworkChoice) -> ModeChoice {
    match choice {
        args::NetworkChoice::Auto => ModeChoice::Auto,
        args::NetworkChoice::Tun => ModeChoice::Tun,
        args::NetworkChoice::Userspace => ModeChoice::Userspace,
    }
}

fn settings_command(settings: Settings) -> Command {
    match settings {
        Settings::Show => Command::DescribeSettings,
        Settings::Set(Setting::PublicAddress { host }) => Command::ModifySettings(ModifySettings {
            public_address: Some(host),
            ..ModifySettings::default()
        }),
        Settings::Set(Setting::RekeySeconds { seconds }) => {
            Command::ModifySettings(ModifySettings {
                rekey_secs: Some(seconds),
                ..ModifySettings::default()
            })
        }
    }
}

fn directory_command(directory: Directory) -> Command {
    let membership = |it: args::Membership| Membership {
        sid: it.sid,
        common_name: it.common_name,
    };
    match directory {
        Directory::CreateGroup { name, sid } => Command::CreateGroup(CreateGroup { name, sid }),
        Directory::DeleteGroup { sid } => Command::DeleteGroup(GroupName { sid }),
        Directory::AddUser(it) => Command::AddUserToGroup(membership(it)),
        Directory::RemoveUser(it) => Command::RemoveUserFromGroup(membership(it)),
        Directory::ListGroups => Command::DescribeGroups,
        Directory::ListUsers => Command::DescribeUsers,
    }
}

fn key_type(kind: args::KeyType) -> KeyType {
    match kind {
        args::KeyType::EcdsaP256 => KeyType::EcdsaP256,
        args::KeyType::Rsa2048 => KeyType::Rsa2048,
    }
}

fn pki_command(pki: Pki) -> Command {
    match pki {
        Pki::CreateCa {
            common_name,
            key_type: kind,
        } => Command::CreateCertificateAuthority(CreateCertificateAuthority {
            common_name,
            key_type: key_type(kind),
        }),
        Pki::Issue {
            ca_arn,
            usage,
            common_name,
            key_type: kind,
        } => Command::IssueCertificate(IssueCertificate {
            ca_arn,
            usage: match usage {
                args::Usage::Server => CertificateUse::Server,
                args::Usage::Client => CertificateUse::Client,
            },
            common_name,
            key_type: key_type(kind),
        }),
        Pki::Export {
            certificate_arn,
            private_key,
        } => Command::ExportCertificate(ExportCertificate {
            certificate_arn,
            with_private_key: private_key,
        }),
    }
}

fn acm_command(acm: Acm) -> Result<Command, UsageError> {
    let name = |it: args::CertificateArn| CertificateName {
        certificate_arn: it.certificate_arn,
    };
    Ok(match acm {
        Acm::ImportCertificate {
            certificate,
            private_key,
            certificate_chain,
        } => {
            let key = private_key.map(|value| contents("private-key", value));
            let chain = certificate_chain.map(|value| contents("certificate-chain", value));
            Command::ImportCertificate(ImportCertificate {
                certificate: Bytes(contents("certificate", certificate)?),
                private_key: key.transpose()?.map(Secret::new),
                certificate_chain: chain.transpose()?.map(Bytes),
            })
        }
        Acm::ListCertificates => Command::ListCertificates,
        Acm::DescribeCertificate(it) => Command::DescribeCertificate(name(it)),
        Acm::GetCertificate(it) => Command::ExportCertificate(ExportCertificate {
            certificate_arn: it.certificate_arn,
            with_private_key: false,
        }),
        Acm::DeleteCertificate(it) => Command::DeleteCertificate(name(it)),
    })
}

fn ec2_call(ec2: args::Ec2) -> Result<Action, UsageError> {
    let shape = match ec2.action {
        Ec2Action::Network(NetworkAction::AssociateVpcCidrBlock(_)) => shape::associated_block,
        _ => shape::answer,
    };
    let command = match ec2.action {
        Ec2Action::Endpoint(action) => endpoint_command(action)?,
        Ec2Action::Access(action) => access_command(action)?,
        Ec2Action::Network(action) => network_command(action)?,
    };
    Ok(Action::Call(Box::new(Call {
        request: Request {
            command,
            dry_run: ec2.dry_run,
            client_token: ec2.client_token,
        },
        shape,
    })))
}

fn endpoint_command(action: EndpointAction) -> Result<Command, UsageError> {
    use EndpointAction as A;
    Ok(match action {
        A::CreateClientVpnEndpoint(it) => Command::CreateClientVpnEndpoint(create_endpoint(*it)?),
        A::DescribeClientVpnEndpoints {
            client_vpn_endpoint_ids,
            filters,
        } => Command::DescribeClientVpnEndpoints(describe(client_vpn_endpoint_ids, &filters)?),
        A::DeleteClientVpnEndpoint(it) => Command::DeleteClientVpnEndpoint(OfEndpoint {
            client_vpn_endpoint_id: it.client_vpn_endpoint_id,
        }),
        A::AssociateClientVpnTargetNetwork {
            endpoint,
            subnet_id,
        } => Command::AssociateClientVpnTargetNetwork(AssociateTargetNetwork {
            client_vpn_endpoint_id: endpoint.client_vpn_endpoint_id,
            subnet_id,
        }),
        A::DisassociateClientVpnTargetNetwork {
            endpoint,
            association_id,
        } => Command::DisassociateClientVpnTargetNetwork(DisassociateTargetNetwork {
            client_vpn_endpoint_id: endpoint.client_vpn_endpoint_id,
            association_id,
        }),
        A::DescribeClientVpnTargetNetworks {
            endpoint,
            association_ids,
            filters,
        } => Command::DescribeClientVpnTargetNetworks(DescribeOfEndpoint {
            client_vpn_endpoint_id: endpoint.client_vpn_endpoint_id,
            ids: association_ids,
            filters: filters_of(&filters)?,
        }),
        A::ExportClientVpnClientConfiguration {
            endpoint,
            client_certificate_arn,
        } => Command::ExportClientVpnClientConfiguration(ExportClientConfiguration {
            client_vpn_endpoint_id: endpoint.client_vpn_endpoint_id,
            client_certificate_arn,
        }),
        A::DescribeClientVpnConnections(it) => {
            Command::DescribeClientVpnConnections(of_endpoint(it)?)
        }
        A::TerminateClientVpnConnections {
            endpoint,
            connection_id,
            username,
        } => Command::TerminateClientVpnConnections(TerminateConnections {
            client_vpn_endpoint_id: endpoint.client_vpn_endpoint_id,
            connection_id,
            username,
        }),
        A::ReconnectClientVpnConnections {
            endpoint,
            connection_ids,
        } => Command::ReconnectClientVpnConnections(ReconnectConnections {
            client_vpn_endpoint_id: endpoint.client_vpn_endpoint_id,
            connection_ids,
        }),
    })
}

fn access_command(action: AccessAction) -> Result<Command, UsageError> {
    use AccessAction as A;
    Ok(match action {
        A::AuthorizeClientVpnIngress {
            endpoint,
            target_network_cidr,
            authorize_all_groups,
            access_group_id,
            limits,
            description,
        } => Command::AuthorizeClientVpnIngress(AuthorizeIngress {
            client_vpn_endpoint_id: endpoint.client_vpn_endpoint_id,
            target_network_cidr,
            authorize_all_groups,
            access_group_id,
            description,
            protocol: limits.protocol,
            from_port: limits.port.or(limits.from_port),
            to_port: limits.port.or(limits.to_port),
            expires_at: limits.expires_at,
        }),
        A::RevokeClientVpnIngress {
            endpoint,
            target_network_cidr,
            revoke_all_groups,
            access_group_id,
        } => Command::RevokeClientVpnIngress(RevokeIngress {
            client_vpn_endpoint_id: endpoint.client_vpn_endpoint_id,
            target_network_cidr,
            revoke_all_groups,
            access_group_id,
        }),
        A::DescribeClientVpnAuthorizationRules(it) => {
            Command::DescribeClientVpnAuthorizationRules(of_endpoint(it)?)
        }
        A::CreateClientVpnRoute {
            endpoint,
            destination_cidr_block,
            target_vpc_subnet_id,
            description,
        } => Command::CreateClientVpnRoute(CreateRoute {
            client_vpn_endpoint_id: endpoint.client_vpn_endpoint_id,
            destination_cidr_block,
            target_vpc_subnet_id,
            all_associations: false,
            description,
        }),
        A::DeleteClientVpnRoute {
            endpoint,
            destination_cidr_block,
            target_vpc_subnet_id,
        } => Command::DeleteClientVpnRoute(DeleteRoute {
            client_vpn_endpoint_id: endpoint.client_vpn_endpoint_id,
            destination_cidr_block,
            target_vpc_subnet_id,
            all_associations: false,
        }),
        A::DescribeClientVpnRoutes(it) => Command::DescribeClientVpnRoutes(of_endpoint(it)?),
    })
}

fn network_command(action: NetworkAction) -> Result<Command, UsageError> {
    use NetworkAction as A;
    Ok(match action {
        A::CreateVpc { cidr_block, tags } => Command::CreateVpc(CreateVpc {
            cidr_block,
            tags: tags_of(&tags, "vpc")?,
        }),
        A::DescribeVpcs { vpc_ids, filters } => Command::DescribeVpcs(describe(vpc_ids, &filters)?),
        A::DeleteVpc(it) => Command::DeleteVpc(ById { id: it.vpc_id }),
        A::AssociateVpcCidrBlock(it) => Command::AssociateVpcCidrBlock(vpc_block(it)),
        A::DisassociateVpcCidrBlock(it) => Command::DisassociateVpcCidrBlock(vpc_block(it)),
        A::CreateSubnet {
            vpc,
            cidr_block,
            availability_zone,
            tags,
        } => Command::CreateSubnet(CreateSubnet {
            vpc_id: vpc.vpc_id,
            cidr_block,
            availability_zone,
            egress: None,
            tags: tags_of(&tags, "subnet")?,
        }),
        A::DescribeSubnets {
            subnet_ids,
            filters,
        } => Command::DescribeSubnets(describe(subnet_ids, &filters)?),
        A::DeleteSubnet { subnet_id } => Command::DeleteSubnet(ById { id: subnet_id }),
        A::CreateInternetGateway { tags } => {
            let tags = tags_of(&tags, "internet-gateway")?;
            Command::CreateInternetGateway(CreateInternetGateway { tags })
        }
        A::AttachInternetGateway(it) => Command::AttachInternetGateway(attachment(it)),
        A::DetachInternetGateway(it) => Command::DetachInternetGateway(attachment(it)),
        A::DescribeInternetGateways {
            internet_gateway_ids,
            filters,
        } => Command::DescribeInternetGateways(describe(internet_gateway_ids, &filters)?),
        A::DeleteInternetGateway {
            internet_gateway_id,
        } => Command::DeleteInternetGateway(ById {
            id: internet_gateway_id,
        }),
    })
}

fn vpc_block(it: args::VpcCidrBlock) -> VpcCidrBlock {
    VpcCidrBlock {
        vpc_id: it.vpc.vpc_id,
        cidr_block: it.cidr_block,
    }
}

fn attachment(it: args::Attachment) -> GatewayAttachment {
    GatewayAttachment {
        internet_gateway_id: it.internet_gateway_id,
        vpc_id: it.vpc.vpc_id,
    }
}

fn describe(ids: Vec<String>, filters: &args::Filters) -> Result<Describe, UsageError> {
    let filters = filters_of(filters)?;
    Ok(Describe { ids, filters })
}

fn of_endpoint(it: args::OfEndpoint) -> Result<DescribeOfEndpoint, UsageError> {
    Ok(DescribeOfEndpoint {
        client_vpn_endpoint_id: it.endpoint.client_vpn_endpoint_id,
        ids: Vec::new(),
        filters: filters_of(&it.filters)?,
    })
}

fn create_endpoint(it: args::CreateEndpoint) -> Result<CreateClientVpnEndpoint, UsageError> {
    let ways =
        structures::<AuthenticationWords>("authentication-options", &it.authentication_options)?;
    let log = connection_log(&it.connection_log_options)?;
    Ok(CreateClientVpnEndpoint {
        client_cidr_block: it.client_cidr_block,
        server_certificate_arn: it.server_certificate_arn,
        authentication_options: ways.into_iter().map(Into::into).collect(),
        connection_log_enabled: log.enabled,
        dns_servers: it.dns_servers,
        transport_protocol: match it.transport_protocol {
            args::Transport::Udp => Transport::Udp,
            args::Transport::Tcp => Transport::Tcp,
        },
        vpn_port: it.vpn_port,
        split_tunnel: it.split_tunnel && !it.no_split_tunnel,
        vpc_id: it.vpc_id,
        security_group_ids: Vec::new(),
        description: it.description,
        tags: tags_of(&it.tags, "client-vpn-endpoint")?,
    })
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
struct ConnectionLogWords {
    #[serde(default, deserialize_with = "truth")]
    enabled: Option<bool>,
    // Where to log to says nothing while nothing is logged, and the service refuses to log.
    #[serde(rename = "CloudwatchLogGroup")]
    _cloudwatch_log_group: Option<String>,
    #[serde(rename = "CloudwatchLogStream")]
    _cloudwatch_log_stream: Option<String>,
}

fn connection_log(text: &str) -> Result<ConnectionLogWords, UsageError> {
    const OPTION: &str = "connection-log-options";
    let text = std::slice::from_ref(&text);
    let mut all = structures::<ConnectionLogWords>(OPTION, text)?;
    Ok(all.pop().unwrap_or_default())
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

fn filters_of(filters: &args::Filters) -> Result<Vec<Filter>, UsageError> {
    let words = structures::<FilterWords>("filters", &filters.filters)?;
    let filter = |it: FilterWords| Filter {
        name: it.name,
        values: it.values,
    };
    Ok(words.into_iter().map(filter).collect())
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

fn tags_of(tags: &args::TagSpecifications, resource: &str) -> Result<Tags, UsageError> {
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
fn contents(option: &'static str, value: String) -> Result<Vec<u8>, UsageError> {
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

/// The largest file an option may name: many times the longest chain of certificates.
const MAX_FILE: u64 = 1 << 20;

#[cfg(test)]
mod tests;
