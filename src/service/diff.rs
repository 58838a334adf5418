//! What a command changed, field by field.
//!
//! Compared is the configuration as it is meant: what is on its way out counts as gone, and how far
//! the gateway has come with something counts as nothing. So a line of the record says what somebody
//! decided, and what the gateway settles later does not make it untrue.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    model::{
        Association, AssociationState, Endpoint, EndpointId, FieldChange, Refusal, RouteState,
        RuleState, Snapshot,
    },
    store::Tx,
};

/// What the transaction has changed of `before` so far.
pub(super) fn of(tx: &mut Tx<'_>, before: &Arc<Snapshot>) -> Result<Vec<FieldChange>, Refusal> {
    let after = tx.outcome()?;
    if Arc::ptr_eq(before, &after) {
        return Ok(Vec::new());
    }
    let mut changes = Changes::default();
    changes.compare(ENDPOINT, &endpoints(tx, before)?, &endpoints(tx, &after)?);
    changes.snapshots(before, &after);
    Ok(changes.0)
}

/// The endpoints, each with the VPC and the security groups that it will have once what is under
/// way is done.
fn endpoints(tx: &Tx<'_>, snapshot: &Snapshot) -> Result<BTreeMap<EndpointId, Endpoint>, Refusal> {
    let mut endpoints = BTreeMap::new();
    for (id, endpoint) in snapshot.endpoints.iter().filter(|(_, it)| !it.deleting) {
        let mut endpoint = endpoint.clone();
        if is_left_alone(snapshot, id) && !tx.endpoint_vpc_is_chosen(id)? {
            endpoint.vpc_id = None;
            endpoint.security_groups = BTreeSet::new();
        }
        endpoints.insert(id.clone(), endpoint);
    }
    Ok(endpoints)
}

/// Whether the last associations of an endpoint are going; its VPC goes with them unless it was
/// chosen.
fn is_left_alone(snapshot: &Snapshot, endpoint: &EndpointId) -> bool {
    let mut associations = snapshot.associations_of(endpoint).peekable();
    associations.peek().is_some() && !associations.any(stays)
}

fn stays(association: &Association) -> bool {
    association.state != AssociationState::Disassociating
}

/// As much of the changes as the record keeps, and how many bytes it does not.
pub(super) fn bounded(mut changes: Vec<FieldChange>) -> (Vec<FieldChange>, u64) {
    let size = |change: &FieldChange| serde_json::to_string(change).map_or(0, |text| text.len());
    let sizes: Vec<usize> = changes.iter().map(size).collect();
    let mut kept = 0;
    let mut bytes = 0;
    while kept < sizes.len().min(MAX_CHANGES) && bytes + sizes[kept] <= MAX_BYTES {
        bytes += sizes[kept];
        kept += 1;
    }
    let left_out: usize = sizes[kept..].iter().sum();
    changes.truncate(kept);
    (changes, left_out as u64)
}

#[derive(Default)]
struct Changes(Vec<FieldChange>);

impl Changes {
    /// Everything but the endpoints themselves.
    fn snapshots(&mut self, before: &Snapshot, after: &Snapshot) {
        let (b, a) = (before, after);
        self.thing(SETTINGS, SETTINGS, Some(&b.settings), Some(&a.settings));
        self.compare(CERTIFICATE, &b.certificates, &a.certificates);
        self.compare(GROUP, &b.groups, &a.groups);
        self.compare(VPC, &b.vpcs, &a.vpcs);
        self.compare(SUBNET, &b.subnets, &a.subnets);
        self.compare(GATEWAY, &b.internet_gateways, &a.internet_gateways);
        self.compare(PEERING, &b.peering_connections, &a.peering_connections);
        self.compare(VPN, &b.vpn_connections, &a.vpn_connections);
        self.compare(TABLE, &b.route_tables, &a.route_tables);
        self.compare(SECURITY_GROUP, &b.security_groups, &a.security_groups);
        self.compare(RESOURCE, &b.resources, &a.resources);
        self.compare(ASSOCIATION, &associations(b), &associations(a));
        self.compare(RULE, &rules(b), &rules(a));
        self.compare(ROUTE, &routes(b), &routes(a));
        self.compare(LIST, &b.revocation_lists, &a.revocation_lists);
        self.compare(AUTHORITY_LIST, &b.authority_lists, &a.authority_lists);
        self.compare(BLOCK, &blocks(b), &blocks(a));
        self.compare(LOG_GROUP, &b.log_groups, &a.log_groups);
        let role = |it: &Snapshot| {
            let role = it.service_linked_role.clone();
            role.map(|role| (role.arn.clone(), role))
                .into_iter()
                .collect()
        };
        let (b, a): (BTreeMap<_, _>, BTreeMap<_, _>) = (role(b), role(a));
        self.compare(ROLE, &b, &a);
    }

    /// The things of one kind.
    fn compare<K: Ord + ToString, V: PartialEq + Serialize>(
        &mut self,
        resource_type: &str,
        before: &BTreeMap<K, V>,
        after: &BTreeMap<K, V>,
    ) {
        let new = after.keys().filter(|key| !before.contains_key(*key));
        let keys: BTreeSet<&K> = before.keys().chain(new).collect();
        for key in keys {
            let (b, a) = (before.get(key), after.get(key));
            if b != a {
                self.thing(resource_type, &key.to_string(), b, a);
            }
        }
    }

    fn thing<V: Serialize>(
        &mut self,
        resource_type: &str,
        resource: &str,
        before: Option<&V>,
        after: Option<&V>,
    ) {
        let mut before = fields(before);
        let mut after = fields(after);
        let names: BTreeSet<String> = before.keys().chain(after.keys()).cloned().collect();
        for field in names {
            let (before, after) = (before.remove(&field), after.remove(&field));
            if before != after {
                self.0.push(FieldChange {
                    resource_type: resource_type.to_owned(),
                    resource: resource.to_owned(),
                    field,
                    before,
                    after,
                });
            }
        }
    }
}

/// What somebody decides of a thing, by name. What is empty is not there; of lists in which the
/// order says nothing each element is a field.
fn fields<V: Serialize>(value: Option<&V>) -> BTreeMap<String, Value> {
    let mut fields = BTreeMap::new();
    let value = value.and_then(|value| serde_json::to_value(value).ok());
    let Some(Value::Object(object)) = value else {
        return fields;
    };
    for (name, value) in object {
        match (name.as_str(), value) {
            (name, _) if NOT_DECIDED.contains(&name) => {}
            ("tags", Value::Object(tags)) => {
                let tags = tags.into_iter();
                fields.extend(tags.map(|(key, value)| (format!("tags/{key}"), value)));
            }
            ("routes", Value::Array(routes)) => {
                fields.extend(routes.into_iter().map(|route| of_route(&name, route)));
            }
            ("rules", Value::Array(rules)) => {
                fields.extend(rules.into_iter().map(|rule| of_rule(&name, rule)));
            }
            (list, Value::Array(elements)) if SETS.contains(&list) => {
                for element in elements {
                    let text = element.as_str().unwrap_or_default();
                    fields.insert(format!("{list}/{text}"), element);
                }
            }
            (_, Value::Null) => {}
            (_, Value::String(text)) if text.is_empty() => {}
            (_, Value::Array(list)) if list.is_empty() => {}
            (_, value) => drop(fields.insert(name, value)),
        }
    }
    fields
}

/// A route of a VPC's route table, by its destination.
fn of_route(list: &str, route: Value) -> (String, Value) {
    let destination = route["destination"].as_str().unwrap_or_default();
    (format!("{list}/{destination}"), route)
}

/// A rule of a security group, by what it admits: it may come back under another identifier.
fn of_rule(list: &str, rule: Value) -> (String, Value) {
    let admits: Map<String, Value> = ["direction", "peer", "ports", "protocol"]
        .iter()
        .map(|name| ((*name).to_owned(), rule[*name].clone()))
        .collect();
    let words: Vec<String> = admits.values().filter_map(words).collect();
    (format!("{list}/{}", words.join(" ")), rule)
}

/// The words of a value that tell a rule apart.
fn words(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Object(object) if object.contains_key("from") => {
            Some(format!("{}-{}", object["from"], object["to"]))
        }
        Value::Object(object) => object.values().next().and_then(words),
        other => Some(other.to_string()),
    }
}

fn associations(snapshot: &Snapshot) -> BTreeMap<String, &Association> {
    let staying = snapshot.associations.values().filter(|it| stays(it));
    staying
        .map(|it| (format!("{}/{}", it.endpoint_id, it.subnet_id), it))
        .collect()
}

fn rules(snapshot: &Snapshot) -> BTreeMap<String, &crate::model::AuthorizationRule> {
    let rules = snapshot.rules.iter();
    rules
        .filter(|it| it.state != RuleState::Revoking)
        .map(|it| {
            let whom = it.access.group().map_or("all-users", |sid| sid.as_str());
            (format!("{}/{}/{whom}", it.endpoint_id, it.destination), it)
        })
        .collect()
}

fn routes(snapshot: &Snapshot) -> BTreeMap<String, &crate::model::Route> {
    let routes = snapshot.routes.iter();
    routes
        .filter(|it| it.state != RouteState::Deleting)
        .map(|it| {
            let name = format!("{}/{}/{}", it.endpoint_id, it.destination, it.subnet_id);
            (name, it)
        })
        .collect()
}

fn blocks(snapshot: &Snapshot) -> BTreeMap<String, &crate::model::ClientBlock> {
    let blocks = snapshot.blocks.iter();
    blocks
        .map(|it| (format!("{}/{}", it.endpoint_id, it.common_name), it))
        .collect()
}

pub(super) const SETTINGS: &str = "settings";
pub(super) const CERTIFICATE: &str = "certificate";
pub(super) const GROUP: &str = "directory-group";
pub(super) const VPC: &str = "vpc";
pub(super) const SUBNET: &str = "subnet";
pub(super) const GATEWAY: &str = "internet-gateway";
pub(super) const PEERING: &str = "vpc-peering-connection";
pub(super) const VPN: &str = "vpn-connection";
pub(super) const TABLE: &str = "route-table";
pub(super) const SECURITY_GROUP: &str = "security-group";
pub(super) const RESOURCE: &str = "network-interface";
pub(super) const ENDPOINT: &str = "client-vpn-endpoint";
pub(super) const ASSOCIATION: &str = "client-vpn-target-network";
pub(super) const RULE: &str = "client-vpn-authorization-rule";
pub(super) const ROUTE: &str = "client-vpn-route";
pub(super) const LOG_GROUP: &str = "log-group";
pub(super) const ROLE: &str = "service-linked-role";
const LIST: &str = "certificate-revocation-list";
const AUTHORITY_LIST: &str = "authority-revocation-list";
const BLOCK: &str = "client-block";

/// Lists in which the order says nothing, or only the first element, which stays.
const SETS: [&str; 4] = ["members", "subnets", "security_groups", "cidrs"];
/// What follows by itself, and what is too long to be read in a record.
const NOT_DECIDED: [&str; 8] = [
    "state",
    "deleting",
    "created_at",
    "imported_at",
    "certificate_pem",
    "chain_pem",
    "stored_bytes",
    "actions",
];
const MAX_CHANGES: usize = 200;
const MAX_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Group, Settings};

    fn between(before: &Snapshot, after: &Snapshot) -> Vec<FieldChange> {
        let mut changes = Changes::default();
        changes.compare(ENDPOINT, &before.endpoints, &after.endpoints);
        changes.snapshots(before, after);
        changes.0
    }

    #[test]
    fn a_change_names_the_field_and_what_it_was_and_is() {
        let before = Snapshot::default();
        let mut after = before.clone();
        after.settings = Settings {
            max_rules: 51,
            public_address: Some("vpn.example.com".to_owned()),
            ..Settings::default()
        };
        let changes = between(&before, &after);
        let told: Vec<_> = changes
            .iter()
            .map(|it| (it.field.as_str(), it.before.clone(), it.after.clone()))
            .collect();
        assert_eq!(
            told,
            [
                ("max_rules", Some(50.into()), Some(51.into())),
                ("public_address", None, Some("vpn.example.com".into())),
            ]
        );
        assert!(changes.iter().all(|it| it.resource_type == SETTINGS));
    }

    #[test]
    fn one_more_member_is_one_change_however_many_there_are() {
        let sid: crate::model::Sid = "S-1-5-21-1-2-3-1104".parse().unwrap();
        let mut before = Snapshot::default();
        let mut group = Group {
            sid: sid.clone(),
            name: "Engineering".to_owned(),
            members: (0..500).map(|n| format!("user{n}")).collect(),
        };
        before.groups.insert(sid.clone(), Arc::new(group.clone()));
        let mut after = before.clone();
        group.members.insert("alice".to_owned());
        after.groups.insert(sid, Arc::new(group));
        let changes = between(&before, &after);
        let [change] = changes.as_slice() else {
            panic!("{changes:?}")
        };
        assert_eq!(change.field, "members/alice");
        assert_eq!(change.before, None);
    }

    #[test]
    fn more_than_the_record_keeps_is_counted() {
        let change = |n: usize, text: &str| FieldChange {
            resource_type: GROUP.to_owned(),
            resource: "S-1-5-21-1".to_owned(),
            field: format!("members/{n}"),
            before: None,
            after: Some(text.into()),
        };
        let few: Vec<_> = (0..MAX_CHANGES).map(|n| change(n, "")).collect();
        assert_eq!(bounded(few[..50].to_vec()), (few[..50].to_vec(), 0));
        let many: Vec<_> = (0..=MAX_CHANGES).map(|n| change(n, "")).collect();
        let (kept, left_out) = bounded(many);
        assert!(kept.len() <= MAX_CHANGES && left_out > 0);
        let (kept, left_out) = bounded(vec![change(0, &"x".repeat(MAX_BYTES))]);
        assert!(kept.is_empty() && left_out > MAX_BYTES as u64);
    }
}
