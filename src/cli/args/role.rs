//! `gatehouse iam`: the service-linked role, by the AWS CLI's names.

use clap::{Args as Group, Subcommand};

/// `gatehouse iam`.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub enum Iam {
    /// Show the service-linked role
    GetRole(RoleName),
    /// Make the service-linked role; the first endpoint makes it too
    CreateServiceLinkedRole {
        /// The service it is for: clientvpn.amazonaws.com
        #[arg(long, value_name = "NAME")]
        aws_service_name: String,
    },
    /// Delete the service-linked role; that fails while there are endpoints
    DeleteServiceLinkedRole(RoleName),
    /// Show what became of a deletion
    GetServiceLinkedRoleDeletionStatus {
        /// The deletion, as the answer to it named it
        #[arg(long, value_name = "ID")]
        deletion_task_id: String,
    },
}

/// Names a role.
#[derive(Clone, Debug, PartialEq, Group)]
pub struct RoleName {
    /// The role: AWSServiceRoleForClientVPN
    #[arg(long, value_name = "NAME")]
    pub role_name: String,
}
