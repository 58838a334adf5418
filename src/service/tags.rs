//! Tags of things that are there already.

use super::{
    attachments,
    change::Change,
    endpoints,
    fields::{self, invalid},
    filters::select,
    networks, resources, route_tables, security_groups,
};
use crate::model::{
    Answer, Code, EndpointId, InternetGatewayId, NetworkInterfaceId, Refusal, RouteTableId,
    SecurityGroupId, Snapshot, SubnetId, Tags, VpcId, VpcPeeringConnectionId, VpnConnectionId,
    command::{CreateTags, DeleteTags, Describe, TagDescription},
};

impl Change<'_, '_> {
    /// Hangs tags on things: on all of them or on none.
    pub(super) fn create_tags(&mut self, command: CreateTags) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        if command.tags.is_empty() {
            return Err(Refusal::missing(TAGS, "Key=Name,Value=staff"));
        }
        let new = fields::tags_at(TAGS, command.tags)?;
        for thing in things(&snapshot, &command.resources)? {
            self.concerns(&thing.id);
            let mut all = thing.tags.clone();
            all.extend(new.clone());
            if all.len() > fields::MAX_TAGS {
                return Err(Refusal::new(
                    Code::TagLimitExceeded,
                    format!(
                        "{} has {} tags and would have {}; at most {} hang on one thing, so take some off first",
                        thing.id,
                        thing.tags.len(),
                        all.len(),
                        fields::MAX_TAGS
                    ),
                )
                .at(TAGS));
            }
            if all != *thing.tags {
                self.tx.put_tags(&thing.id, &new)?;
            }
        }
        Ok(Answer::Done)
    }

    /// Takes tags off things; what is not there is as it should be.
    pub(super) fn delete_tags(&mut self, command: &DeleteTags) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        for thing in things(&snapshot, &command.resources)? {
            self.concerns(&thing.id);
            let goes = |key: &str, value: &str| {
                let names = |(named, only): &(String, Option<String>)| {
                    named == key && only.as_ref().is_none_or(|only| only == value)
                };
                command.tags.is_empty() || command.tags.iter().any(names)
            };
            let tags = thing.tags.iter();
            let going: Vec<&str> = tags
                .filter(|(key, value)| goes(key, value))
                .map(|(key, _)| key.as_str())
                .collect();
            if !going.is_empty() {
                self.tx.remove_tags(&thing.id, going)?;
            }
        }
        Ok(Answer::Done)
    }
}

pub(super) fn describe(snapshot: &Snapshot, wanted: &Describe) -> Result<Answer, Refusal> {
    let things = if wanted.ids.is_empty() {
        all(snapshot)
    } else {
        things(snapshot, &wanted.ids)?
    };
    let tags: Vec<TagDescription> = things
        .into_iter()
        .flat_map(|thing| {
            thing.tags.iter().map(move |(key, value)| TagDescription {
                resource_id: thing.id.clone(),
                resource_type: thing.kind.to_owned(),
                key: key.clone(),
                value: value.clone(),
            })
        })
        .collect();
    let names = ["key", "resource-id", "resource-type", "value", "tag-key"];
    let value = |tag: &TagDescription, name: &str| match name {
        "key" | "tag-key" => vec![tag.key.clone()],
        "resource-id" => vec![tag.resource_id.clone()],
        "resource-type" => vec![tag.resource_type.clone()],
        "value" => vec![tag.value.clone()],
        _ if name.strip_prefix("tag:") == Some(tag.key.as_str()) => vec![tag.value.clone()],
        _ => Vec::new(),
    };
    select(tags.iter(), &wanted.filters, &names, value).map(Answer::Tags)
}

/// Something that tags hang on.
struct Thing<'s> {
    id: String,
    /// AWS's word for what it is.
    kind: &'static str,
    tags: &'s Tags,
}

fn thing<'s>(id: &impl ToString, kind: &'static str, tags: &'s Tags) -> Thing<'s> {
    Thing {
        id: id.to_string(),
        kind,
        tags,
    }
}

/// The things that identifiers name, each once.
fn things<'s>(snapshot: &'s Snapshot, ids: &[String]) -> Result<Vec<Thing<'s>>, Refusal> {
    if ids.is_empty() {
        return Err(Refusal::missing(RESOURCES, ENDPOINT_EXAMPLE).cure(ENDPOINT_EXAMPLE));
    }
    let mut found: Vec<Thing<'s>> = Vec::new();
    for id in ids {
        let next = find(snapshot, id).map_err(|refusal| refusal.at(RESOURCES))?;
        if !found.iter().any(|thing| thing.id == next.id) {
            found.push(next);
        }
    }
    Ok(found)
}

/// The thing of whatever kind that an identifier names.
fn find<'s>(snapshot: &'s Snapshot, text: &str) -> Result<Thing<'s>, Refusal> {
    let text = fields::needed(RESOURCES, text, ENDPOINT_EXAMPLE)?;
    let is = |prefix: &str| text.starts_with(prefix);
    if is(EndpointId::PREFIX) {
        let it = endpoints::living(snapshot, text)?;
        Ok(thing(&it.id, ENDPOINT, &it.tags))
    } else if is(VpcId::PREFIX) {
        let it = networks::vpc(snapshot, text)?;
        Ok(thing(&it.id, VPC, &it.tags))
    } else if is(SubnetId::PREFIX) {
        let it = networks::subnet(snapshot, text, Code::SubnetNotFound)?;
        Ok(thing(&it.id, SUBNET, &it.tags))
    } else if is(InternetGatewayId::PREFIX) {
        let it = networks::internet_gateway(snapshot, text)?;
        Ok(thing(&it.id, INTERNET_GATEWAY, &it.tags))
    } else if is(RouteTableId::PREFIX) {
        let it = route_tables::route_table(snapshot, text)?;
        Ok(thing(&it.id, ROUTE_TABLE, &it.tags))
    } else if is(VpcPeeringConnectionId::PREFIX) {
        let it = attachments::peering_connection(snapshot, text)?;
        Ok(thing(&it.id, PEERING_CONNECTION, &it.tags))
    } else if is(VpnConnectionId::PREFIX) {
        let it = attachments::vpn_connection(snapshot, text)?;
        Ok(thing(&it.id, VPN_CONNECTION, &it.tags))
    } else if is(SecurityGroupId::PREFIX) {
        let it = security_groups::group(snapshot, RESOURCES, text)?;
        Ok(thing(&it.id, SECURITY_GROUP, &it.tags))
    } else if is(NetworkInterfaceId::PREFIX) {
        let it = resources::resource(snapshot, text)?;
        Ok(thing(&it.id, NETWORK_INTERFACE, &it.tags))
    } else {
        Err(Refusal {
            code: Code::InvalidId,
            ..invalid(
                RESOURCES,
                format!(
                    "The ID '{text}' is not valid: tags hang on endpoints, VPCs and what belongs to them, for example {ENDPOINT_EXAMPLE}"
                ),
            )
            .cure(ENDPOINT_EXAMPLE)
        })
    }
}

/// Everything that can have tags.
fn all(snapshot: &Snapshot) -> Vec<Thing<'_>> {
    let mut all = Vec::new();
    let living = snapshot.endpoints.values().filter(|it| !it.deleting);
    all.extend(living.map(|it| thing(&it.id, ENDPOINT, &it.tags)));
    let groups = snapshot.security_groups.values();
    let gateways = snapshot.internet_gateways.values();
    let peerings = snapshot.peering_connections.values();
    let vpns = snapshot.vpn_connections.values();
    let tables = snapshot.route_tables.values();
    let resources = snapshot.resources.values();
    all.extend(gateways.map(|it| thing(&it.id, INTERNET_GATEWAY, &it.tags)));
    all.extend(resources.map(|it| thing(&it.id, NETWORK_INTERFACE, &it.tags)));
    all.extend(tables.map(|it| thing(&it.id, ROUTE_TABLE, &it.tags)));
    all.extend(groups.map(|it| thing(&it.id, SECURITY_GROUP, &it.tags)));
    all.extend(
        snapshot
            .subnets
            .values()
            .map(|it| thing(&it.id, SUBNET, &it.tags)),
    );
    all.extend(
        snapshot
            .vpcs
            .values()
            .map(|it| thing(&it.id, VPC, &it.tags)),
    );
    all.extend(peerings.map(|it| thing(&it.id, PEERING_CONNECTION, &it.tags)));
    all.extend(vpns.map(|it| thing(&it.id, VPN_CONNECTION, &it.tags)));
    all
}

const RESOURCES: &str = "Resources";
const TAGS: &str = "Tags";
const ENDPOINT_EXAMPLE: &str = "cvpn-endpoint-0a1b2c3d4e5f60718";
const ENDPOINT: &str = "client-vpn-endpoint";
const VPC: &str = "vpc";
const SUBNET: &str = "subnet";
const INTERNET_GATEWAY: &str = "internet-gateway";
const ROUTE_TABLE: &str = "route-table";
const PEERING_CONNECTION: &str = "vpc-peering-connection";
const VPN_CONNECTION: &str = "vpn-connection";
const SECURITY_GROUP: &str = "security-group";
const NETWORK_INTERFACE: &str = "network-interface";
