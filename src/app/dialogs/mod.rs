//! Modal flows: each a struct with its draft, its errors and one way to confirm.
//!
//! One that is a form says what it asks for and does, as a [`FormDialog`](super::form::FormDialog);
//! the rest is the same for all of them.

pub mod add_member;
pub mod apply_groups;
pub mod associate;
pub mod authorize;
pub mod backup;
pub mod confirm;
pub mod connection_details;
pub mod create_ca;
pub mod create_endpoint;
pub mod create_group;
pub mod create_route;
pub mod create_subnet;
pub mod create_vpc;
pub mod delete_role;
pub mod diagnosis;
pub mod download;
pub mod egress;
mod endpoint_fields;
pub mod export_certificate;
mod group_choice;
pub mod hand_out;
pub mod import_certificate;
pub mod import_folder;
pub mod import_networks;
pub mod internet_gateway;
pub mod issue_certificate;
pub mod issue_many;
mod log_choice;
pub mod log_group;
pub mod manage_tags;
pub mod modify_endpoint;
pub mod path;
pub mod peering;
mod ports;
pub mod proposals;
pub mod raise_limit;
pub mod renew_certificate;
pub mod resource;
pub mod restore_backup;
pub mod revocation;
pub mod route_table;
pub mod security_group;
pub mod sheet;
pub mod sign_request;
pub mod terminate;
pub mod test_connection;
mod until;
pub mod vpn_connection;

use super::context::Context;

/// Whether a dialog stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stay {
    /// It is not done.
    Open,
    /// It is done or was given up.
    Closed,
}

/// A modal flow above the current page.
pub trait Dialog {
    /// Draws it and takes in what came back.
    fn ui(&mut self, cx: &mut Context<'_>, ctx: &egui::Context) -> Stay;
}
