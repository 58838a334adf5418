//! Why a command was not carried out.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Declares [`Code`] with the spelling AWS publishes for each.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// AWS's error codes, spelled as its clients compare them (the dots are irregular).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl Code {
            /// The code as AWS spells it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

codes! {
    /// A value that cannot be used.
    InvalidParameterValue = "InvalidParameterValue",
    /// Fields that exclude each other.
    InvalidParameterCombination = "InvalidParameterCombination",
    /// A field that is needed is absent.
    MissingParameter = "MissingParameter",
    /// No such endpoint.
    EndpointNotFound = "InvalidClientVpnEndpointId.NotFound",
    /// No such association.
    AssociationNotFound = "InvalidClientVpnAssociationIdNotFound",
    /// The subnet is not associated with the endpoint.
    ActiveAssociationNotFound = "InvalidClientVpnActiveAssociationNotFound",
    /// The subnet is associated already.
    DuplicateAssociation = "InvalidClientVpnDuplicateAssociationException",
    /// An endpoint with associations cannot be deleted.
    AssociationExists = "ClientVpnEndpointAssociationExists",
    /// The subnet is unknown or of another VPC.
    ClientVpnSubnetNotFound = "InvalidClientVpnSubnetId.NotFound",
    /// A second subnet of one Availability Zone.
    DuplicateAz = "InvalidClientVpnSubnetId.DuplicateAz",
    /// The subnet's VPC meets the client range.
    OverlappingCidr = "InvalidClientVpnSubnetId.OverlappingCidr",
    /// No such authorization rule.
    RuleNotFound = "InvalidClientVpnEndpointAuthorizationRuleNotFound",
    /// The rule exists.
    DuplicateRule = "InvalidClientVpnDuplicateAuthorizationRule",
    /// No such route.
    RouteNotFound = "InvalidClientVpnRouteNotFound",
    /// The route exists.
    DuplicateRoute = "InvalidClientVpnDuplicateRoute",
    /// No such connection.
    ConnectionNotFound = "InvalidClientVpnConnection.IdNotFound",
    /// No active connection of that user.
    UserNotFound = "InvalidClientVpnConnection.UserNotFound",
    /// Too many endpoints.
    EndpointLimitExceeded = "ClientVpnEndpointLimitExceeded",
    /// Too many authorization rules.
    RuleLimitExceeded = "ClientVpnAuthorizationRuleLimitExceeded",
    /// Too many routes.
    RouteLimitExceeded = "ClientVpnRouteLimitExceeded",
    /// More connections of one user than one call may end.
    TerminateLimitExceeded = "ClientVpnTerminateConnectionsLimitExceeded",
    /// A list of revoked certificates has too many entries.
    RevocationListLimitExceeded = "ClientVpnCertificateRevocationListLimitExceeded",
    /// Somebody has changed the thing since the caller looked.
    IncorrectState = "IncorrectState",
    /// More tags than a thing may have.
    TagLimitExceeded = "TagLimitExceeded",
    /// The identifier is of no kind that is known.
    InvalidId = "InvalidID",
    /// The page does not begin there.
    InvalidPaginationToken = "InvalidPaginationToken",
    /// The log's: it exists.
    ResourceAlreadyExists = "ResourceAlreadyExistsException",
    /// The log's: there are as many as there may be.
    LogLimitExceeded = "LimitExceededException",
    /// The log's: a value that cannot be used.
    InvalidParameterException = "InvalidParameterException",
    /// The role's: it is not there.
    NoSuchEntity = "NoSuchEntity",
    /// The role's: it is there.
    EntityAlreadyExists = "EntityAlreadyExists",
    /// The token was used with other parameters.
    IdempotentParameterMismatch = "IdempotentParameterMismatch",
    /// The command would have been carried out.
    DryRunOperation = "DryRunOperation",
    /// No such VPC.
    VpcNotFound = "InvalidVpcID.NotFound",
    /// No such subnet.
    SubnetNotFound = "InvalidSubnetID.NotFound",
    /// The subnet meets another one of its VPC.
    SubnetConflict = "InvalidSubnet.Conflict",
    /// The subnet is not inside its VPC, or of a size that is not allowed.
    SubnetRange = "InvalidSubnet.Range",
    /// The VPC's CIDR is of a size that is not allowed.
    VpcRange = "InvalidVpc.Range",
    /// No such internet gateway.
    InternetGatewayNotFound = "InvalidInternetGatewayID.NotFound",
    /// The gateway, or the VPC, has an attachment already.
    AlreadyAssociated = "Resource.AlreadyAssociated",
    /// The gateway is not attached to that VPC.
    GatewayNotAttached = "Gateway.NotAttached",
    /// No such peering connection.
    PeeringConnectionNotFound = "InvalidVpcPeeringConnectionID.NotFound",
    /// The peering connection was accepted already, or the two VPCs cannot be peered.
    PeeringConnectionState = "InvalidStateTransition",
    /// The two VPCs have a peering connection.
    PeeringConnectionExists = "VpcPeeringConnectionAlreadyExists",
    /// No such VPN connection.
    VpnConnectionNotFound = "InvalidVpnConnectionID.NotFound",
    /// No such route table.
    RouteTableNotFound = "InvalidRouteTableID.NotFound",
    /// The route table is not for that subnet by name.
    RouteTableAssociationNotFound = "InvalidAssociationID.NotFound",
    /// The route table has no such route.
    VpcRouteNotFound = "InvalidRoute.NotFound",
    /// The route table has a route to that destination.
    VpcRouteExists = "RouteAlreadyExists",
    /// No such security group.
    SecurityGroupNotFound = "InvalidGroup.NotFound",
    /// The VPC has a security group of that name.
    DuplicateSecurityGroup = "InvalidGroup.Duplicate",
    /// The name is kept for the VPC's own group.
    ReservedSecurityGroup = "InvalidGroup.Reserved",
    /// The default group stays as long as its VPC.
    CannotDelete = "CannotDelete",
    /// The security group has that rule.
    DuplicatePermission = "InvalidPermission.Duplicate",
    /// The security group has no such rule.
    PermissionNotFound = "InvalidPermission.NotFound",
    /// A security group has its most rules, or an interface its most groups.
    RulesPerGroupLimitExceeded = "RulesPerSecurityGroupLimitExceeded",
    /// More security groups than can be applied to one thing.
    GroupsPerInterfaceLimitExceeded = "SecurityGroupsPerInterfaceLimitExceeded",
    /// No such resource.
    NetworkInterfaceNotFound = "InvalidNetworkInterfaceID.NotFound",
    /// The address belongs to another resource of the VPC.
    AddressInUse = "InvalidIPAddress.InUse",
    /// Something still uses it.
    DependencyViolation = "DependencyViolation",
    /// The certificate store's: no such certificate.
    ResourceNotFound = "ResourceNotFoundException",
    /// The certificate store's: an endpoint or a certificate still uses it.
    ResourceInUse = "ResourceInUseException",
    /// The certificate store's: what was handed in cannot be used.
    Validation = "ValidationException",
    /// The caller may not do this.
    UnauthorizedOperation = "UnauthorizedOperation",
    /// The disk is full, the gateway is stopping: try again later.
    Unavailable = "Unavailable",
    /// A promise of the program was broken; the log has the cause.
    InternalError = "InternalError",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A refusal as a person meets it: what is wrong, where, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// AWS's code for it.
    pub code: Code,
    /// What is wrong and what would be right, in sentences.
    pub message: String,
    /// The field at fault, by AWS's parameter name, for example `ClientCidrBlock`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// A value for that field that would be accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cure: Option<String>,
}

impl Refusal {
    /// A refusal with no field.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            field: None,
            cure: None,
        }
    }

    /// The same refusal, laid at `field`.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// The same refusal, with a value that would be right.
    #[must_use]
    pub fn cure(mut self, value: impl Into<String>) -> Self {
        self.cure = Some(value.into());
        self
    }

    /// The refusal for a field that is needed and absent.
    #[must_use]
    pub fn missing(field: &str, example: &str) -> Self {
        Self::new(
            Code::MissingParameter,
            format!("{field} is needed, for example {example}"),
        )
        .at(field)
    }
}
