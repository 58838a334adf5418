//! Resources: addresses of subnets that have security groups of their own.

use std::net::Ipv4Addr;

use super::{
    change::Change,
    fields::{self, invalid, needed, random},
    filters::{described, tag_values},
    networks,
    security_groups::{self, default_set},
};
use crate::model::{
    Answer, Code, NetworkInterfaceId, Refusal, Resource, Snapshot, Subnet,
    command::{ById, CreateNetworkInterface, Describe, ModifyNetworkInterface},
};

impl Change<'_, '_> {
    pub(super) fn create_resource(
        &mut self,
        command: CreateNetworkInterface,
    ) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let subnet = networks::subnet(&snapshot, &command.subnet_id, Code::SubnetNotFound)?;
        let address = address(&snapshot, subnet, &command.private_ip_address)?;
        let resource = Resource {
            id: NetworkInterfaceId::from_random(random()?),
            subnet_id: subnet.id.clone(),
            vpc_id: subnet.vpc_id.clone(),
            address,
            security_groups: if command.security_group_ids.is_empty() {
                default_set(&snapshot, &subnet.vpc_id)
            } else {
                let ids = &command.security_group_ids;
                security_groups::of_vpc(&snapshot, &subnet.vpc_id, ids)?
            },
            description: fields::description(&command.description)?,
            tags: fields::tags(command.tags)?,
        };
        self.concerns(&resource.id);
        self.concerns(&subnet.id);
        self.tx.insert_resource(&resource)?;
        Ok(Answer::Resource(resource))
    }

    pub(super) fn modify_resource(
        &mut self,
        command: &ModifyNetworkInterface,
    ) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let mut resource = resource(&snapshot, &command.network_interface_id)?.clone();
        self.concerns(&resource.id);
        if let Some(ids) = &command.security_group_ids {
            resource.security_groups = security_groups::of_vpc(&snapshot, &resource.vpc_id, ids)?;
            for group in &resource.security_groups {
                self.concerns(group);
            }
        }
        if let Some(description) = &command.description {
            resource.description = fields::description(description)?;
        }
        self.tx.update_resource(&resource)?;
        Ok(Answer::Resource(resource))
    }

    pub(super) fn delete_resource(&mut self, command: &ById) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let resource = resource(&snapshot, &command.id)?;
        self.concerns(&resource.id);
        self.tx.delete_resource(&resource.id)?;
        Ok(Answer::Done)
    }
}

pub(super) fn describe(snapshot: &Snapshot, wanted: &Describe) -> Result<Answer, Refusal> {
    let names = [
        "network-interface-id",
        "subnet-id",
        "vpc-id",
        "availability-zone",
        "private-ip-address",
        "description",
        "group-id",
        "group-name",
        "tag-key",
    ];
    let value = |resource: &Resource, name: &str| match name {
        "network-interface-id" => vec![resource.id.to_string()],
        "subnet-id" => vec![resource.subnet_id.to_string()],
        "vpc-id" => vec![resource.vpc_id.to_string()],
        "availability-zone" => {
            let subnet = snapshot.subnets.get(&resource.subnet_id);
            let zone = subnet.map(|subnet| subnet.availability_zone.clone());
            zone.into_iter().collect()
        }
        "private-ip-address" => vec![resource.address.to_string()],
        "description" => vec![resource.description.clone()],
        "group-id" => {
            let groups = resource.security_groups.iter();
            groups.map(ToString::to_string).collect()
        }
        "group-name" => {
            let groups = resource.security_groups.iter();
            let groups = groups.filter_map(|id| snapshot.security_groups.get(id));
            groups.map(|group| group.name.clone()).collect()
        }
        _ => tag_values(&resource.tags, name),
    };
    let find = |id: &str| resource(snapshot, id);
    let all = snapshot.resources.values();
    described(all, wanted, find, &names, value).map(Answer::Resources)
}

/// The resource that a field names.
pub(super) fn resource<'s>(snapshot: &'s Snapshot, text: &str) -> Result<&'s Resource, Refusal> {
    fields::named(
        &snapshot.resources,
        RESOURCE_ID,
        ("networkInterface", "eni-0a1b2c3d4e5f60718"),
        Code::NetworkInterfaceNotFound,
        text,
    )
}

/// An address for a resource of the subnet.
fn address(snapshot: &Snapshot, subnet: &Subnet, text: &str) -> Result<Ipv4Addr, Refusal> {
    let free = free_address(snapshot, subnet);
    let with_free = |refusal: Refusal| match free {
        Some(free) => refusal.cure(free.to_string()),
        None => refusal,
    };
    let example = free.map_or_else(|| "10.1.1.9".to_owned(), |free| free.to_string());
    let text = needed(ADDRESS, text, &example)?;
    let parsed: Option<Ipv4Addr> = text.parse().ok();
    let Some(address) = parsed.filter(|address| subnet.cidr.contains(address)) else {
        return Err(with_free(invalid(
            ADDRESS,
            format!(
                "\"{text}\" is not an address of {}, which has {}; take one such as {example}",
                subnet.title(),
                subnet.cidr
            ),
        )));
    };
    if address == subnet.cidr.network() || address == subnet.cidr.broadcast() {
        return Err(with_free(invalid(
            ADDRESS,
            format!(
                "{address} is the first or the last address of {}, which names no host; take one such as {example}",
                subnet.cidr
            ),
        )));
    }
    if let Some(other) = at(snapshot, subnet, address) {
        return Err(with_free(
            Refusal::new(
                Code::AddressInUse,
                format!(
                    "{address} belongs to {} already; take one such as {example}",
                    other.title()
                ),
            )
            .at(ADDRESS),
        ));
    }
    Ok(address)
}

fn at<'s>(snapshot: &'s Snapshot, subnet: &Subnet, address: Ipv4Addr) -> Option<&'s Resource> {
    let mut resources = snapshot.resources.values();
    resources.find(|other| other.vpc_id == subnet.vpc_id && other.address == address)
}

/// The first address of the subnet that no resource has.
fn free_address(snapshot: &Snapshot, subnet: &Subnet) -> Option<Ipv4Addr> {
    let mut hosts = subnet.cidr.hosts();
    hosts.find(|address| at(snapshot, subnet, *address).is_none())
}

pub(super) const RESOURCE_ID: &str = "NetworkInterfaceId";
const ADDRESS: &str = "PrivateIpAddress";
