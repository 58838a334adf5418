//! The service-linked role, as AWS shows it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Its name.
pub const ROLE_NAME: &str = "AWSServiceRoleForClientVPN";
/// The service it is for.
pub const ROLE_SERVICE: &str = "clientvpn.amazonaws.com";
/// What it may do, as AWS's guide of 2019 lists it.
pub const ROLE_ACTIONS: [&str; 18] = [
    "ec2:CreateNetworkInterface",
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeVpcs",
    "ec2:DescribeSubnets",
    "ec2:DescribeInternetGateways",
    "ec2:ModifyNetworkInterfaceAttribute",
    "ec2:DeleteNetworkInterface",
    "ds:AuthorizeApplication",
    "ds:DescribeDirectories",
    "ds:GetDirectoryLimits",
    "ds:ListAuthorizedApplications",
    "ds:UnauthorizeApplication",
    "logs:DescribeLogStreams",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "logs:DescribeLogGroups",
    "acm:GetCertificate",
];

/// The role under which AWS's service would act: made with the first endpoint, not to be edited,
/// and to be deleted only when no endpoint is left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceLinkedRole {
    /// Its ARN.
    pub arn: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// What it may do, for example `ec2:DescribeVpcs`.
    pub actions: Vec<String>,
}

/// What became of the deletion of a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleDeletion {
    /// The name of the deletion, for asking after it.
    pub task_id: String,
    /// The endpoints in whose way it stands; none where the role is gone.
    pub used_by: Vec<String>,
}
