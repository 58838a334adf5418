//! Security groups and what has them.

use serde_json::{Map, Value, json};

use super::{insert_some, tags};
use crate::model::{
    Direction, IpProtocol, Peer, Resource, SecurityGroup, SecurityGroupId, SecurityGroupRule,
    command::AuthorizedRules,
};

pub(super) fn security_group(it: &SecurityGroup) -> Value {
    json!({
        "GroupId": it.id,
        "GroupName": it.name,
        "Description": it.description,
        "VpcId": it.vpc_id,
        "IpPermissions": permissions(it, Direction::Ingress),
        "IpPermissionsEgress": permissions(it, Direction::Egress),
        // AWS shows these by a command of their own only.
        "SecurityGroupRules": rules(it),
        "Tags": tags(&it.tags),
    })
}

/// The answer to making one names it and no more.
pub(super) fn created(it: &SecurityGroup) -> Value {
    json!({"GroupId": it.id, "Tags": tags(&it.tags)})
}

pub(super) fn rules(it: &SecurityGroup) -> Vec<Value> {
    it.rules.iter().map(|one| rule(&it.id, one)).collect()
}

pub(super) fn authorized(it: &AuthorizedRules) -> Value {
    let rules: Vec<Value> = it.rules.iter().map(|one| rule(&it.group_id, one)).collect();
    json!({"Return": true, "SecurityGroupRules": rules})
}

fn rule(group: &SecurityGroupId, it: &SecurityGroupRule) -> Value {
    let mut shape = traffic(it);
    shape.insert("SecurityGroupRuleId".to_owned(), json!(it.id));
    shape.insert("GroupId".to_owned(), json!(group));
    let is_egress = it.direction == Direction::Egress;
    shape.insert("IsEgress".to_owned(), json!(is_egress));
    // Here both are always there, and -1 where there is none.
    for port in ["FromPort", "ToPort"] {
        shape.entry(port).or_insert(json!(-1));
    }
    match &it.peer {
        Peer::Cidr(net) => shape.insert("CidrIpv4".to_owned(), json!(net)),
        Peer::Group(id) => shape.insert("ReferencedGroupInfo".to_owned(), json!({"GroupId": id})),
    };
    insert_some(&mut shape, "Description", description(it));
    shape.insert("Tags".to_owned(), json!([]));
    Value::Object(shape)
}

/// Protocol and ports: no ports where all protocols are meant, -1 where a protocol has none.
fn traffic(it: &SecurityGroupRule) -> Map<String, Value> {
    let mut shape = Map::new();
    let protocol = it.protocol.map_or("-1", IpProtocol::as_str);
    shape.insert("IpProtocol".to_owned(), json!(protocol));
    let ports = match (it.protocol, it.ports) {
        (None, _) => return shape,
        (Some(_), Some(ports)) => (i32::from(ports.from), i32::from(ports.to)),
        (Some(protocol), None) if protocol.has_ports() => (0, 65_535),
        (Some(_), None) => (-1, -1),
    };
    shape.insert("FromPort".to_owned(), json!(ports.0));
    shape.insert("ToPort".to_owned(), json!(ports.1));
    shape
}

/// AWS has one permission for each traffic, with all networks and groups it is admitted from or to.
fn permissions(it: &SecurityGroup, direction: Direction) -> Vec<Value> {
    let mut all: Vec<Permission> = Vec::new();
    for rule in it.rules_of(direction) {
        let traffic = traffic(rule);
        let known = all.iter().position(|it| it.traffic == traffic);
        let at = known.unwrap_or_else(|| {
            all.push(Permission::of(traffic));
            all.len() - 1
        });
        all[at].add(rule);
    }
    all.into_iter().map(Permission::into_value).collect()
}

struct Permission {
    traffic: Map<String, Value>,
    networks: Vec<Value>,
    groups: Vec<Value>,
}

impl Permission {
    fn of(traffic: Map<String, Value>) -> Self {
        Self {
            traffic,
            networks: Vec::new(),
            groups: Vec::new(),
        }
    }

    fn add(&mut self, rule: &SecurityGroupRule) {
        let mut peer = Map::new();
        insert_some(&mut peer, "Description", description(rule));
        match &rule.peer {
            Peer::Cidr(net) => {
                peer.insert("CidrIp".to_owned(), json!(net));
                self.networks.push(Value::Object(peer));
            }
            Peer::Group(id) => {
                peer.insert("GroupId".to_owned(), json!(id));
                self.groups.push(Value::Object(peer));
            }
        }
    }

    fn into_value(self) -> Value {
        let mut shape = self.traffic;
        shape.insert("IpRanges".to_owned(), Value::Array(self.networks));
        shape.insert("UserIdGroupPairs".to_owned(), Value::Array(self.groups));
        shape.insert("Ipv6Ranges".to_owned(), json!([]));
        shape.insert("PrefixListIds".to_owned(), json!([]));
        Value::Object(shape)
    }
}

/// Absent where nothing is said, as in AWS.
fn description(it: &SecurityGroupRule) -> Option<&str> {
    Some(it.description.as_str()).filter(|text| !text.is_empty())
}

pub(super) fn network_interface(it: &Resource) -> Value {
    let groups = it.security_groups.iter();
    json!({
        "NetworkInterfaceId": it.id,
        "SubnetId": it.subnet_id,
        "VpcId": it.vpc_id,
        "PrivateIpAddress": it.address,
        "PrivateIpAddresses": [{"PrivateIpAddress": it.address, "Primary": true}],
        "Groups": groups.map(|id| json!({"GroupId": id})).collect::<Vec<_>>(),
        "Description": it.description,
        "InterfaceType": "interface",
        "Status": "in-use",
        "TagSet": tags(&it.tags),
    })
}
