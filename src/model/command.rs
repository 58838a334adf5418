//! Commands as data: every face sends the same ones, in memory or over the control socket.
//!
//! Fields are named as in AWS's API; text stays text here and is judged by the service, so that a
//! refusal names the field in the same words whatever the face.

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use super::{
    Tags,
    backup::{Backup, Restored},
    certificate::{Certificate, CertificateRequest, CertificateUse, KeyType},
    connection::ClientBlock,
    connection::{Attempt, Connection, ConnectionState},
    diagnosis::{ConnectionTest, Finding, TestConnection},
    directory::{Group, User},
    endpoint::{Association, AuthorizationRule, Endpoint, EndpointState, Route, Transport},
    explanation::Explanation,
    id::{CertificateArn, ConnectionId, EndpointId, SecurityGroupId},
    log::{LogEventPage, LogGroup, LogStream},
    network::{
        HostNetwork, InternetGateway, PeeringConnection, RouteTable, Subnet, Vpc, VpnConnection,
    },
    preview::Preview,
    revocation::{ExportedRevocationList, RevocationList, RevocationListPreview},
    role::{RoleDeletion, ServiceLinkedRole},
    scenario::{DescribeScenario, Scenario},
    security_group::{Resource, SecurityGroup, SecurityGroupRule},
    settings::Settings,
    snapshot::View,
};

mod certificates;
mod console;
mod logs;
mod vpc;

pub use self::{certificates::*, console::*, logs::*, vpc::*};

/// A command and how it is to be taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// What to do.
    pub command: Command,
    /// Only judge it: answers `DryRunOperation` where it would have been carried out.
    #[serde(default)]
    pub dry_run: bool,
    /// A word of the caller's: the same word with the same command has the first answer again.
    #[serde(default)]
    pub client_token: Option<String>,
}

impl From<Command> for Request {
    fn from(command: Command) -> Self {
        Self {
            command,
            dry_run: false,
            client_token: None,
        }
    }
}

/// Bytes that a face read from a file: they travel as base64.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

/// Bytes that must not be seen: wiped when dropped, absent from debug output.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Takes the bytes over.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes themselves.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// Gives a byte newtype its base64 text form.
macro_rules! base64_serde {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&data_encoding::BASE64.encode(&self.0))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                data_encoding::BASE64
                    .decode(text.as_bytes())
                    .map(Self)
                    .map_err(serde::de::Error::custom)
            }
        }
    };
}

base64_serde!(Bytes);
base64_serde!(Secret);

/// Everything that can be asked of the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Makes a certificate authority. Answers [`Answer::CertificateArn`].
    CreateCertificateAuthority(CreateCertificateAuthority),
    /// Issues a certificate under an authority of the store. Answers [`Answer::CertificateArn`].
    IssueCertificate(IssueCertificate),
    /// Takes in a certificate made elsewhere. Answers [`Answer::CertificateArn`].
    ImportCertificate(ImportCertificate),
    /// Answers [`Answer::Certificates`], all of them.
    ListCertificates,
    /// Answers [`Answer::Certificate`].
    DescribeCertificate(CertificateName),
    /// Hands a certificate out. Answers [`Answer::Exported`].
    ExportCertificate(ExportCertificate),
    /// Answers [`Answer::Done`].
    DeleteCertificate(CertificateName),
    /// Issues a certificate for each name, all or none. Answers [`Answer::CertificateArns`], in the
    /// order of the names.
    IssueCertificates(IssueCertificates),
    /// Issues a certificate for a key that never comes here. Answers [`Answer::CertificateArn`].
    SignCertificateRequest(SignCertificateRequest),
    /// What a certificate request asks for. Answers [`Answer::CertificateRequest`].
    InspectCertificateRequest(InspectCertificateRequest),
    /// Replaces a certificate that was issued here by one like it with later dates. It keeps its
    /// ARN; a server or client certificate gets a new key, an authority keeps its own. Answers
    /// [`Answer::CertificateArn`].
    RenewCertificate(RenewCertificate),
    /// Takes in a whole `pki` folder of easy-rsa. Answers [`Answer::PkiImported`].
    ImportPki(ImportPki),
    /// Revokes a certificate of an authority whose key the store has, and generates the authority's
    /// list anew. Answers [`Answer::RevocationList`].
    RevokeCertificate(RevokeCertificate),
    /// Generates the list of an authority whose key the store has. Answers
    /// [`Answer::RevocationList`].
    GenerateRevocationList(GenerateRevocationList),
    /// The list that was generated last for an authority. Answers
    /// [`Answer::ExportedRevocationList`].
    ExportRevocationList(CertificateName),

    /// Answers [`Answer::Vpc`].
    CreateVpc(CreateVpc),
    /// Gives a VPC one more address block. Answers [`Answer::Vpc`].
    AssociateVpcCidrBlock(VpcCidrBlock),
    /// Takes a secondary block from a VPC. Answers [`Answer::Vpc`].
    DisassociateVpcCidrBlock(VpcCidrBlock),
    /// Switches a VPC's resolver on or off. Answers [`Answer::Vpc`].
    ModifyVpcAttribute(ModifyVpcAttribute),
    /// Answers [`Answer::Vpc`].
    DescribeVpcAttribute(DescribeVpcAttribute),
    /// Answers [`Answer::Vpcs`].
    DescribeVpcs(Describe),
    /// Answers [`Answer::Done`].
    DeleteVpc(ById),
    /// Answers [`Answer::Subnet`].
    CreateSubnet(CreateSubnet),
    /// Answers [`Answer::Subnets`].
    DescribeSubnets(Describe),
    /// Says how packets leave this machine for a subnet. Answers [`Answer::Subnet`].
    ModifySubnetEgress(ModifySubnetEgress),
    /// Answers [`Answer::Done`].
    DeleteSubnet(ById),
    /// The zones that subnets can be in: three to choose from, and those in use. Answers
    /// [`Answer::AvailabilityZones`].
    DescribeAvailabilityZones,
    /// Answers [`Answer::InternetGateway`].
    CreateInternetGateway(CreateInternetGateway),
    /// Answers [`Answer::Done`].
    AttachInternetGateway(GatewayAttachment),
    /// Answers [`Answer::Done`].
    DetachInternetGateway(GatewayAttachment),
    /// Answers [`Answer::InternetGateways`].
    DescribeInternetGateways(Describe),
    /// Answers [`Answer::Done`].
    DeleteInternetGateway(ById),
    /// Asks for a connection of two VPCs. Answers [`Answer::PeeringConnection`].
    CreateVpcPeeringConnection(CreatePeeringConnection),
    /// Answers [`Answer::PeeringConnection`].
    AcceptVpcPeeringConnection(ById),
    /// Answers [`Answer::PeeringConnections`].
    DescribeVpcPeeringConnections(Describe),
    /// Answers [`Answer::Done`].
    DeleteVpcPeeringConnection(ById),
    /// Attaches networks elsewhere to a VPC. Answers [`Answer::VpnConnection`].
    CreateVpnConnection(CreateVpnConnection),
    /// Adds a network behind a VPN connection. Answers [`Answer::VpnConnection`].
    CreateVpnConnectionRoute(VpnConnectionRoute),
    /// Takes a network from behind a VPN connection. Answers [`Answer::VpnConnection`].
    DeleteVpnConnectionRoute(VpnConnectionRoute),
    /// Answers [`Answer::VpnConnections`].
    DescribeVpnConnections(Describe),
    /// Answers [`Answer::Done`].
    DeleteVpnConnection(ById),
    /// Answers [`Answer::RouteTable`].
    CreateRouteTable(CreateRouteTable),
    /// Has a subnet use a route table instead of the main one. Answers [`Answer::RouteTable`].
    AssociateRouteTable(RouteTableAssociation),
    /// Has a subnet use the main route table again. Answers [`Answer::RouteTable`].
    DisassociateRouteTable(RouteTableAssociation),
    /// Adds a route to a VPC's route table. Answers [`Answer::RouteTable`].
    CreateRoute(CreateVpcRoute),
    /// Takes a route from a VPC's route table. Answers [`Answer::RouteTable`].
    DeleteRoute(DeleteVpcRoute),
    /// Answers [`Answer::RouteTables`].
    DescribeRouteTables(Describe),
    /// Answers [`Answer::Done`].
    DeleteRouteTable(ById),

    /// Answers [`Answer::SecurityGroup`].
    CreateSecurityGroup(CreateSecurityGroup),
    /// Answers [`Answer::SecurityGroups`].
    DescribeSecurityGroups(Describe),
    /// Answers [`Answer::Done`].
    DeleteSecurityGroup(ById),
    /// Admits traffic to what has the group. Answers [`Answer::SecurityGroupRules`], the new ones.
    AuthorizeSecurityGroupIngress(AuthorizeSecurityGroup),
    /// Admits traffic from what has the group. Answers [`Answer::SecurityGroupRules`], the new ones.
    AuthorizeSecurityGroupEgress(AuthorizeSecurityGroup),
    /// Answers [`Answer::Done`].
    RevokeSecurityGroupIngress(RevokeSecurityGroup),
    /// Answers [`Answer::Done`].
    RevokeSecurityGroupEgress(RevokeSecurityGroup),
    /// Gives an address of a subnet security groups of its own. Answers [`Answer::Resource`].
    CreateNetworkInterface(CreateNetworkInterface),
    /// Answers [`Answer::Resource`].
    ModifyNetworkInterfaceAttribute(ModifyNetworkInterface),
    /// Answers [`Answer::Resources`].
    DescribeNetworkInterfaces(Describe),
    /// Answers [`Answer::Done`].
    DeleteNetworkInterface(ById),

    /// The networks that the gateway's machine is in. Answers [`Answer::HostNetworks`].
    DescribeHostNetworks,
    /// Makes a VPC with a subnet of each named network of the gateway's machine. Answers
    /// [`Answer::Subnets`], the new ones.
    ImportHostNetworks(ImportHostNetworks),

    /// Makes a group of the built-in directory. Answers [`Answer::Group`].
    CreateGroup(CreateGroup),
    /// Answers [`Answer::Done`].
    DeleteGroup(GroupName),
    /// Makes somebody a member of a group. Answers [`Answer::Group`].
    AddUserToGroup(Membership),
    /// Ends a membership. Answers [`Answer::Group`].
    RemoveUserFromGroup(Membership),
    /// Answers [`Answer::Groups`], all of them.
    DescribeGroups,
    /// Everyone with a membership, a client certificate of the store or a live connection. Answers
    /// [`Answer::Users`].
    DescribeUsers,

    /// Answers [`Answer::EndpointCreated`].
    CreateClientVpnEndpoint(CreateClientVpnEndpoint),
    /// Answers [`Answer::Endpoints`].
    DescribeClientVpnEndpoints(Describe),
    /// Changes an endpoint; what is absent stays. Answers [`Answer::Done`].
    ModifyClientVpnEndpoint(ModifyClientVpnEndpoint),
    /// Answers [`Answer::EndpointStatus`].
    DeleteClientVpnEndpoint(OfEndpoint),
    /// Puts a list of revoked client certificates in place of the one there. Answers
    /// [`Answer::Done`].
    ImportClientVpnClientCertificateRevocationList(ImportRevocationList),
    /// Answers [`Answer::ExportedRevocationList`].
    ExportClientVpnClientCertificateRevocationList(OfEndpoint),
    /// What a list holds and what importing it would do. Answers
    /// [`Answer::RevocationListPreview`], or what the import would be refused with.
    InspectRevocationList(ImportRevocationList),
    /// Hangs tags on things, in place of tags of the same keys. Answers [`Answer::Done`].
    CreateTags(CreateTags),
    /// Takes tags off things. Answers [`Answer::Done`].
    DeleteTags(DeleteTags),
    /// Answers [`Answer::Tags`].
    DescribeTags(Describe),
    /// Answers [`Answer::AssociationStatus`].
    AssociateClientVpnTargetNetwork(AssociateTargetNetwork),
    /// Answers [`Answer::AssociationStatus`].
    DisassociateClientVpnTargetNetwork(DisassociateTargetNetwork),
    /// Answers [`Answer::TargetNetworks`].
    DescribeClientVpnTargetNetworks(DescribeOfEndpoint),
    /// Answers [`Answer::RuleStatus`].
    AuthorizeClientVpnIngress(AuthorizeIngress),
    /// Answers [`Answer::RuleStatus`].
    RevokeClientVpnIngress(RevokeIngress),
    /// Answers [`Answer::AuthorizationRules`].
    DescribeClientVpnAuthorizationRules(DescribeOfEndpoint),
    /// Answers [`Answer::RouteStatus`].
    CreateClientVpnRoute(CreateRoute),
    /// Answers [`Answer::RouteStatus`].
    DeleteClientVpnRoute(DeleteRoute),
    /// Answers [`Answer::Routes`].
    DescribeClientVpnRoutes(DescribeOfEndpoint),
    /// Applies security groups to the target networks of an endpoint, in place of those it has.
    /// Answers [`Answer::SecurityGroupIds`].
    ApplySecurityGroupsToClientVpnTargetNetwork(ApplySecurityGroups),
    /// May somebody reach an address, and why? Answers [`Answer::Explanation`].
    Why(Why),
    /// What a command would do to who reaches what; it is not carried out. Answers
    /// [`Answer::Preview`], or what the command would be refused with.
    PreviewChange(Box<Self>),
    /// How far a scenario of the guide has come. Answers [`Answer::Scenario`].
    DescribeScenario(DescribeScenario),
    /// Connects to an endpoint as a user's client would. Answers [`Answer::ConnectionTest`].
    TestConnection(TestConnection),
    /// What this machine does to the traffic of clients. Answers [`Answer::Diagnosis`].
    Diagnose,
    /// Answers [`Answer::ClientConfiguration`].
    ExportClientVpnClientConfiguration(ExportClientConfiguration),
    /// Answers [`Answer::Connections`].
    DescribeClientVpnConnections(DescribeOfEndpoint),
    /// Answers [`Answer::Terminations`].
    TerminateClientVpnConnections(TerminateConnections),
    /// Has clients come back at once, with what they lack. Answers [`Answer::Terminations`].
    ReconnectClientVpnConnections(ReconnectConnections),
    /// Lets a client in again before its block is over. Answers [`Answer::Done`].
    UnblockClient(UnblockClient),
    /// The clients of an endpoint that are kept out for a while. Answers [`Answer::ClientBlocks`].
    DescribeClientBlocks(OfEndpoint),
    /// Clients that were not let in, newest first. Answers [`Answer::Attempts`].
    DescribeConnectionAttempts(OfEndpoint),

    /// Answers [`Answer::Done`].
    CreateLogGroup(LogGroupName),
    /// Answers [`Answer::LogGroups`].
    DescribeLogGroups(DescribeLogGroups),
    /// Removes a group with its streams and events. Answers [`Answer::Done`].
    DeleteLogGroup(LogGroupName),
    /// Says for how long events are kept. Answers [`Answer::Done`].
    PutRetentionPolicy(PutRetentionPolicy),
    /// Answers [`Answer::Done`].
    CreateLogStream(LogStreamName),
    /// Answers [`Answer::LogStreams`].
    DescribeLogStreams(DescribeLogStreams),
    /// Removes a stream with its events. Answers [`Answer::Done`].
    DeleteLogStream(LogStreamName),
    /// Events of a group that match a pattern, oldest first. Answers [`Answer::LogEvents`].
    FilterLogEvents(FilterLogEvents),
    /// Events of one stream. Answers [`Answer::LogEvents`].
    GetLogEvents(GetLogEvents),

    /// The role under which AWS's service would act, as AWS shows it. Answers
    /// [`Answer::ServiceLinkedRole`].
    GetServiceLinkedRole,
    /// Answers [`Answer::ServiceLinkedRole`].
    CreateServiceLinkedRole,
    /// Answers [`Answer::RoleDeletion`].
    DeleteServiceLinkedRole,
    /// What became of a deletion. Answers [`Answer::RoleDeletion`].
    GetServiceLinkedRoleDeletionStatus(RoleDeletionTask),

    /// The whole installation in one file. Answers [`Answer::Backup`].
    CreateBackup(CreateBackup),
    /// Puts what a backup holds in place of the whole configuration. Answers
    /// [`Answer::Restored`].
    RestoreBackup(RestoreBackup),
    /// What a backup holds; nothing is put back. Answers [`Answer::Restored`], or what restoring it
    /// would be refused with.
    DescribeBackup(RestoreBackup),

    /// Answers [`Answer::Settings`].
    DescribeSettings,
    /// Answers [`Answer::Settings`].
    ModifySettings(ModifySettings),
    /// The event record, newest first. Answers [`Answer::Events`].
    LookupEvents(LookupEvents),
    /// Takes back what a line of the event record did. Answers [`Answer::Done`].
    UndoEvent(UndoEvent),
    /// Configuration and what runs, at this moment. Answers [`Answer::View`].
    DescribeStatus,
}

/// The name of the variant that a value is of, whatever its fields.
macro_rules! variant_name {
    ($value:expr; $($name:ident)*) => {
        match $value {
            $(Self::$name { .. } => stringify!($name),)*
        }
    };
}

impl Command {
    /// The name of the operation: AWS's, where AWS has it.
    #[must_use]
    pub fn action(&self) -> &'static str {
        variant_name!(
            self;
            CreateCertificateAuthority IssueCertificate ImportCertificate
            ListCertificates DescribeCertificate ExportCertificate DeleteCertificate
            CreateVpc AssociateVpcCidrBlock DisassociateVpcCidrBlock DescribeVpcs
            DeleteVpc CreateSubnet DescribeSubnets DeleteSubnet CreateInternetGateway
            AttachInternetGateway DetachInternetGateway DescribeInternetGateways
            DeleteInternetGateway ModifySubnetEgress DescribeAvailabilityZones
            CreateVpcPeeringConnection AcceptVpcPeeringConnection
            DescribeVpcPeeringConnections DeleteVpcPeeringConnection CreateVpnConnection
            CreateVpnConnectionRoute DeleteVpnConnectionRoute DescribeVpnConnections
            DeleteVpnConnection CreateRouteTable AssociateRouteTable
            DisassociateRouteTable CreateRoute DeleteRoute DescribeRouteTables
            DeleteRouteTable CreateSecurityGroup DescribeSecurityGroups
            DeleteSecurityGroup AuthorizeSecurityGroupIngress
            AuthorizeSecurityGroupEgress RevokeSecurityGroupIngress
            RevokeSecurityGroupEgress CreateNetworkInterface
            ModifyNetworkInterfaceAttribute DescribeNetworkInterfaces
            DeleteNetworkInterface ApplySecurityGroupsToClientVpnTargetNetwork
            DescribeHostNetworks ImportHostNetworks CreateGroup DeleteGroup
            AddUserToGroup RemoveUserFromGroup DescribeGroups DescribeUsers
            CreateClientVpnEndpoint DescribeClientVpnEndpoints DeleteClientVpnEndpoint
            AssociateClientVpnTargetNetwork DisassociateClientVpnTargetNetwork
            DescribeClientVpnTargetNetworks AuthorizeClientVpnIngress
            RevokeClientVpnIngress DescribeClientVpnAuthorizationRules
            CreateClientVpnRoute DeleteClientVpnRoute DescribeClientVpnRoutes Why
            PreviewChange DescribeScenario TestConnection Diagnose
            ExportClientVpnClientConfiguration DescribeClientVpnConnections
            TerminateClientVpnConnections ReconnectClientVpnConnections
            DescribeConnectionAttempts DescribeSettings ModifySettings LookupEvents
            IssueCertificates SignCertificateRequest InspectCertificateRequest RenewCertificate ImportPki
            RevokeCertificate GenerateRevocationList ExportRevocationList
            ModifyClientVpnEndpoint ImportClientVpnClientCertificateRevocationList
            ExportClientVpnClientCertificateRevocationList InspectRevocationList
            CreateTags DeleteTags DescribeTags UnblockClient DescribeClientBlocks
            CreateLogGroup DescribeLogGroups DeleteLogGroup PutRetentionPolicy
            CreateLogStream DescribeLogStreams DeleteLogStream FilterLogEvents
            GetLogEvents GetServiceLinkedRole CreateServiceLinkedRole
            DeleteServiceLinkedRole CreateBackup RestoreBackup DescribeBackup UndoEvent DescribeStatus
            GetServiceLinkedRoleDeletionStatus ModifyVpcAttribute DescribeVpcAttribute
        )
    }
}

/// Fields of [`Command::CreateCertificateAuthority`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateCertificateAuthority {
    /// The authority's name: 1 to 64 characters.
    pub common_name: String,
    /// Its key.
    pub key_type: KeyType,
}

/// Fields of [`Command::IssueCertificate`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueCertificate {
    /// The authority; the store must have its private key.
    pub ca_arn: String,
    /// [`CertificateUse::Server`] or [`CertificateUse::Client`].
    pub usage: CertificateUse,
    /// The subject's name: 1 to 64 characters; a server's is its domain name.
    pub common_name: String,
    /// Its key.
    pub key_type: KeyType,
    /// How long it is to last, in days: 1 to 3,650; 825 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validity_days: Option<u32>,
    /// Further host names and addresses of a server.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alternative_names: Vec<String>,
}

/// Fields of [`Command::ImportCertificate`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportCertificate {
    /// The certificate in PEM; text around it is passed over.
    pub certificate: Bytes,
    /// Its private key in PEM; a CA that only lets clients in needs none.
    pub private_key: Option<Secret>,
    /// The certificates above it in PEM.
    pub certificate_chain: Option<Bytes>,
    /// The certificate to put it in place of: it keeps its ARN, and what uses it goes on with the
    /// new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_arn: Option<String>,
}

/// Names a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateName {
    /// Its ARN.
    pub certificate_arn: String,
}

/// Fields of [`Command::ExportCertificate`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportCertificate {
    /// Its ARN.
    pub certificate_arn: String,
    /// Whether the private key goes with it; that is recorded as such.
    pub with_private_key: bool,
}

/// Names one thing by its identifier.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ById {
    /// The identifier.
    pub id: String,
}

/// Which things to describe: all, those named, or those that pass every filter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Describe {
    /// Identifiers; one that is unknown is refused.
    pub ids: Vec<String>,
    /// Filters; a thing must pass all of them.
    pub filters: Vec<Filter>,
}

/// A filter of a describe command.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// AWS's name of it, for example `vpc-id` or `tag:Name`.
    pub name: String,
    /// The values of which one must match.
    pub values: Vec<String>,
}

/// Names an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfEndpoint {
    /// The endpoint.
    pub client_vpn_endpoint_id: String,
}

/// Which things of an endpoint to describe.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DescribeOfEndpoint {
    /// The endpoint.
    pub client_vpn_endpoint_id: String,
    /// Identifiers, where the things have any.
    pub ids: Vec<String>,
    /// Filters; a thing must pass all of them.
    pub filters: Vec<Filter>,
}

/// Fields of [`Command::CreateVpc`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateVpc {
    /// The primary address block: /16 to /28 by AWS; here /8 to /28.
    pub cidr_block: String,
    /// Tags.
    pub tags: Tags,
}

/// Fields of [`Command::AssociateVpcCidrBlock`] and its reverse.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VpcCidrBlock {
    /// The VPC.
    pub vpc_id: String,
    /// The block.
    pub cidr_block: String,
}

/// Fields of [`Command::CreateSubnet`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateSubnet {
    /// The VPC.
    pub vpc_id: String,
    /// The subnet's addresses, inside the VPC's.
    pub cidr_block: String,
    /// Its Availability Zone; without one the first zone that the VPC does not use yet.
    pub availability_zone: Option<String>,
    /// How packets leave this machine for it; by this machine's own routes, with NAT, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub egress: Option<EgressChoice>,
    /// Tags.
    pub tags: Tags,
}

/// Fields of [`Command::CreateInternetGateway`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateInternetGateway {
    /// Tags.
    pub tags: Tags,
}

/// Fields of [`Command::AttachInternetGateway`] and its reverse.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayAttachment {
    /// The gateway.
    pub internet_gateway_id: String,
    /// The VPC.
    pub vpc_id: String,
}

/// Fields of [`Command::ImportHostNetworks`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportHostNetworks {
    /// Interfaces whose networks to import.
    pub interfaces: Vec<String>,
}

/// Fields of [`Command::CreateClientVpnEndpoint`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateClientVpnEndpoint {
    /// The range clients get addresses from: /16 to /22.
    pub client_cidr_block: String,
    /// The certificate the endpoint shows.
    pub server_certificate_arn: String,
    /// How clients prove who they are: at least one way.
    pub authentication_options: Vec<AuthenticationOption>,
    /// Whether connections are logged to a log group; needed, as in AWS.
    pub connection_log_enabled: Option<bool>,
    /// The log group; needed where connections are logged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloudwatch_log_group: Option<String>,
    /// The stream of that group; one is made if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloudwatch_log_stream: Option<String>,
    /// DNS servers for clients: at most two.
    pub dns_servers: Vec<String>,
    /// What carries the tunnel.
    pub transport_protocol: Transport,
    /// The port: any that is free; 443 if absent, as in AWS.
    pub vpn_port: Option<u16>,
    /// Whether only the route table's destinations enter the tunnel.
    pub split_tunnel: bool,
    /// The VPC that target networks will be of.
    pub vpc_id: Option<String>,
    /// Security groups of that VPC for the target networks: at most 5.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub security_group_ids: Vec<String>,
    /// What the administrator says of it: at most 255 characters.
    pub description: String,
    /// Tags.
    pub tags: Tags,
}

/// One way of authentication as it is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthenticationOption {
    /// `certificate-authentication`.
    pub kind: String,
    /// The certificate whose CA clients must chain to.
    pub client_root_certificate_chain_arn: Option<String>,
}

/// Fields of [`Command::AssociateClientVpnTargetNetwork`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssociateTargetNetwork {
    /// The endpoint.
    pub client_vpn_endpoint_id: String,
    /// The subnet.
    pub subnet_id: String,
}

/// Fields of [`Command::DisassociateClientVpnTargetNetwork`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisassociateTargetNetwork {
    /// The endpoint.
    pub client_vpn_endpoint_id: String,
    /// The association.
    pub association_id: String,
}

/// Fields of [`Command::AuthorizeClientVpnIngress`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizeIngress {
    /// The endpoint.
    pub client_vpn_endpoint_id: String,
    /// The network to open.
    pub target_network_cidr: String,
    /// Opens it to everyone.
    pub authorize_all_groups: bool,
    /// Opens it to the members of this group of the directory, by its SID.
    pub access_group_id: Option<String>,
    /// What the administrator says of it.
    pub description: String,
    /// Grants only this protocol: `tcp`, `udp` or `icmp`. Beyond AWS, as are the fields below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// Grants only destination ports from this one on; needs [`Self::to_port`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_port: Option<u16>,
    /// Grants only destination ports up to this one; needs [`Self::from_port`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_port: Option<u16>,
    /// When the rule stops to grant, for example `2026-11-27T18:00:00Z`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
}

/// Fields of [`Command::RevokeClientVpnIngress`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokeIngress {
    /// The endpoint.
    pub client_vpn_endpoint_id: String,
    /// The rule's network.
    pub target_network_cidr: String,
    /// Takes back the rule for everyone.
    pub revoke_all_groups: bool,
    /// Takes back the rule of a group.
    pub access_group_id: Option<String>,
}

/// Fields of [`Command::CreateGroup`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateGroup {
    /// What people call it: 1 to 256 characters, unique.
    pub name: String,
    /// Its SID, for example that of the group in another directory; one is made if absent.
    pub sid: Option<String>,
}

/// Names a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupName {
    /// Its SID.
    pub sid: String,
}

/// Fields of [`Command::AddUserToGroup`] and its reverse.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The group.
    pub sid: String,
    /// The common name of the user's certificate.
    pub common_name: String,
}

/// Fields of [`Command::Why`]: either a user or a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    /// The endpoint.
    pub client_vpn_endpoint_id: String,
    /// The common name of a user's certificate, connected or not.
    pub user: Option<String>,
    /// A live connection.
    pub connection_id: Option<String>,
    /// The IPv4 address to reach.
    pub destination: String,
    /// `tcp`, `udp` or `icmp`; without it, all traffic is asked for.
    pub protocol: Option<String>,
    /// The destination port; without it, all ports are asked for.
    pub port: Option<u16>,
}

/// Fields of [`Command::CreateClientVpnRoute`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateRoute {
    /// The endpoint.
    pub client_vpn_endpoint_id: String,
    /// Where packets go to.
    pub destination_cidr_block: String,
    /// The associated subnet they go through; empty for [`Self::all_associations`].
    pub target_vpc_subnet_id: String,
    /// Through every associated subnet, those that are associated later included. Beyond AWS.
    #[serde(default)]
    pub all_associations: bool,
    /// What the administrator says of it.
    pub description: String,
}

/// Fields of [`Command::DeleteClientVpnRoute`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteRoute {
    /// The endpoint.
    pub client_vpn_endpoint_id: String,
    /// The route's destination.
    pub destination_cidr_block: String,
    /// The route's subnet; may be absent where only one has such a route.
    pub target_vpc_subnet_id: Option<String>,
    /// The route that was made for all associations.
    #[serde(default)]
    pub all_associations: bool,
}

/// Fields of [`Command::ExportClientVpnClientConfiguration`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportClientConfiguration {
    /// The endpoint.
    pub client_vpn_endpoint_id: String,
    /// A client certificate of the store to put inside, with its key.
    pub client_certificate_arn: Option<String>,
}

/// Fields of [`Command::TerminateClientVpnConnections`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminateConnections {
    /// The endpoint.
    pub client_vpn_endpoint_id: String,
    /// One connection.
    pub connection_id: Option<String>,
    /// Or all of a user.
    pub username: Option<String>,
    /// Or several. Beyond AWS, as is the field below.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub connection_ids: Vec<String>,
    /// Keeps their clients out for so many minutes: 1 to 10,080, a week.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block_minutes: Option<u32>,
}

/// Fields of [`Command::ReconnectClientVpnConnections`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReconnectConnections {
    /// The endpoint.
    pub client_vpn_endpoint_id: String,
    /// The connections; none of them named means each one that lacks something.
    pub connection_ids: Vec<String>,
}

/// Fields of [`Command::ModifySettings`]; an absent one stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifySettings {
    /// The host that exported configurations name; empty takes it back.
    pub public_address: Option<String>,
    /// Whether Getting Started was finished or skipped.
    pub getting_started_done: Option<bool>,
    /// Seconds between rekeys: 10 to 86,400.
    pub rekey_secs: Option<u32>,
    /// The domain whose names lead here, whatever stands before it; empty takes it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_domain: Option<String>,
    /// Most endpoints: 1 to 1,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_endpoints: Option<u32>,
    /// Most authorization rules of one endpoint: 1 to 50,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_rules: Option<u32>,
    /// Most routes of one endpoint that were added by hand: 1 to 10,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_routes: Option<u32>,
    /// Most live connections of one endpoint: 1 to 65,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_connections: Option<u32>,
    /// Most entries of a revocation list: 1 to [`most::REVOCATIONS`](super::settings::most::REVOCATIONS).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_revocations: Option<u32>,
}

/// Fields of [`Command::LookupEvents`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookupEvents {
    /// At most this many: 1 to 1,000; 50 if absent.
    pub max_results: Option<u32>,
    /// Only events that have all of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lookup_attributes: Vec<LookupAttribute>,
    /// Only events from this time on, for example `2026-11-26T12:00:00Z`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<String>,
    /// Only events up to this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<String>,
    /// Where the page before ended, as its answer said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// What a command answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Carried out; there is nothing to say.
    Done,
    /// The new certificate's name.
    CertificateArn(CertificateArn),
    /// The names of new certificates.
    CertificateArns(Vec<CertificateArn>),
    /// What a certificate request asks for.
    CertificateRequest(Box<CertificateRequest>),
    /// What became of the files of a folder.
    PkiImported(PkiImported),
    /// A list of revoked certificates.
    RevocationList(RevocationList),
    /// A list of revoked certificates as its file.
    ExportedRevocationList(ExportedRevocationList),
    /// What importing a list would do.
    RevocationListPreview(Box<RevocationListPreview>),
    /// Tags, each with what it hangs on.
    Tags(Vec<TagDescription>),
    /// Clients that are kept out for a while.
    ClientBlocks(Vec<ClientBlock>),
    /// Log groups.
    LogGroups(Vec<LogGroup>),
    /// Streams of a log group.
    LogStreams(Vec<LogStream>),
    /// Events of a log group.
    LogEvents(LogEventPage),
    /// The service-linked role.
    ServiceLinkedRole(ServiceLinkedRole),
    /// What became of the deletion of the role.
    RoleDeletion(RoleDeletion),
    /// A backup.
    Backup(Backup),
    /// What a backup holds, or brought back.
    Restored(Restored),
    /// A certificate.
    Certificate(Box<Certificate>),
    /// Certificates.
    Certificates(Vec<Certificate>),
    /// A certificate handed out.
    Exported(Exported),
    /// A VPC.
    Vpc(Vpc),
    /// VPCs.
    Vpcs(Vec<Vpc>),
    /// A subnet.
    Subnet(Subnet),
    /// Subnets.
    Subnets(Vec<SubnetDescription>),
    /// An internet gateway.
    InternetGateway(InternetGateway),
    /// Internet gateways.
    InternetGateways(Vec<InternetGateway>),
    /// Names of Availability Zones, for example `local-1a`.
    AvailabilityZones(Vec<String>),
    /// A peering connection.
    PeeringConnection(PeeringConnection),
    /// Peering connections.
    PeeringConnections(Vec<PeeringConnection>),
    /// A VPN connection.
    VpnConnection(VpnConnection),
    /// VPN connections.
    VpnConnections(Vec<VpnConnection>),
    /// A VPC's route table, and which of its routes are black holes.
    RouteTable(RouteTableDescription),
    /// Route tables of VPCs.
    RouteTables(Vec<RouteTableDescription>),
    /// A security group.
    SecurityGroup(SecurityGroup),
    /// Security groups.
    SecurityGroups(Vec<SecurityGroup>),
    /// Rules of a security group.
    SecurityGroupRules(AuthorizedRules),
    /// A resource.
    Resource(Resource),
    /// Resources.
    Resources(Vec<Resource>),
    /// The security groups that are applied now.
    SecurityGroupIds(Vec<SecurityGroupId>),
    /// What a change would do.
    Preview(Preview),
    /// How far a scenario has come.
    Scenario(Scenario),
    /// What a test connection met.
    ConnectionTest(ConnectionTest),
    /// What the machine does to the traffic of clients, the worst first.
    Diagnosis(Vec<Finding>),
    /// Networks of the gateway's machine.
    HostNetworks(Vec<HostNetwork>),
    /// A group of the directory.
    Group(Group),
    /// Groups of the directory.
    Groups(Vec<Group>),
    /// Users.
    Users(Vec<User>),
    /// Who may reach what, and why.
    Explanation(Box<Explanation>),
    /// A new endpoint.
    EndpointCreated(EndpointCreated),
    /// Endpoints with their states.
    Endpoints(Vec<EndpointDescription>),
    /// An endpoint's state after the command.
    EndpointStatus(EndpointState),
    /// An association, in the state the command left it in.
    AssociationStatus(Association),
    /// Associations of an endpoint.
    TargetNetworks(TargetNetworks),
    /// A rule, in the state the command left it in.
    RuleStatus(AuthorizationRule),
    /// Rules.
    AuthorizationRules(Vec<AuthorizationRule>),
    /// A route, in the state the command left it in.
    RouteStatus(Route),
    /// Routes.
    Routes(Vec<Route>),
    /// The text of a client configuration file.
    ClientConfiguration(ClientConfiguration),
    /// Connections.
    Connections(Vec<Connection>),
    /// What became of each connection.
    Terminations(Terminations),
    /// Clients that were not let in.
    Attempts(Vec<Attempt>),
    /// Settings.
    Settings(Settings),
    /// Lines of the event record.
    Events(EventPage),
    /// Configuration and what runs.
    View(Box<View>),
}

impl Answer {
    /// Whether somebody's private key is handed out with it.
    #[must_use]
    pub fn has_private_key(&self) -> bool {
        match self {
            Self::ClientConfiguration(it) => it.has_private_key,
            Self::Exported(it) => it.private_key_pem.is_some(),
            _ => false,
        }
    }
}

/// A subnet as describe shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubnetDescription {
    /// The subnet.
    pub subnet: Subnet,
    /// How many of its addresses no resource has.
    pub free_addresses: u32,
}

/// A VPC's route table with what follows from the rest of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteTableDescription {
    /// The table.
    pub table: RouteTable,
    /// The VPC's blocks, to which it has a local route each.
    pub local: Vec<ipnet::Ipv4Net>,
    /// Why a route leads nowhere, for each route of the table; none where it is active.
    pub blackholes: Vec<Option<super::explanation::Blackhole>>,
}

/// Answer of [`Command::AuthorizeSecurityGroupIngress`] and its like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizedRules {
    /// The group.
    pub group_id: SecurityGroupId,
    /// The new rules.
    pub rules: Vec<SecurityGroupRule>,
}

/// Answer of [`Command::ExportCertificate`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    /// The certificate in PEM.
    pub certificate_pem: String,
    /// The certificates above it in PEM.
    pub chain_pem: String,
    /// The private key in PEM (PKCS#8), where it was asked for.
    pub private_key_pem: Option<Secret>,
}

/// Answer of [`Command::CreateClientVpnEndpoint`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointCreated {
    /// The new endpoint.
    pub id: EndpointId,
    /// Its state.
    pub state: EndpointState,
    /// The host that clients will be told to connect to.
    pub dns_name: String,
}

/// An endpoint as describe shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointDescription {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// Its state.
    pub state: EndpointState,
    /// The host that clients are told to connect to.
    pub dns_name: String,
    /// Its associations' subnets.
    pub associations: Vec<Association>,
}

/// Answer of [`Command::DescribeClientVpnTargetNetworks`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetNetworks {
    /// The associations that were asked for.
    pub associations: Vec<Association>,
    /// The security groups that are applied to each of them.
    pub security_groups: std::collections::BTreeSet<SecurityGroupId>,
}

/// Answer of [`Command::ExportClientVpnClientConfiguration`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientConfiguration {
    /// The file's text.
    pub text: Secret,
    /// Whether a private key is inside.
    pub has_private_key: bool,
    /// A good file name, for example `corp-staff.ovpn`.
    pub file_name: String,
}

/// Answer of [`Command::TerminateClientVpnConnections`] and
/// [`Command::ReconnectClientVpnConnections`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terminations {
    /// The endpoint.
    pub client_vpn_endpoint_id: EndpointId,
    /// The user, where one was named.
    pub username: Option<String>,
    /// Each connection: its state before and after the command.
    pub connections: Vec<Termination>,
}

/// What became of one connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Termination {
    /// The connection.
    pub id: ConnectionId,
    /// Its state before.
    pub previous: ConnectionState,
    /// Its state after.
    pub current: ConnectionState,
}
