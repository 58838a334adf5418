//! Commands as lines of this command line, to be pasted into a shell.

use serde_json::{Map, Value, json};

use crate::{
    api::shape,
    model::{
        Command, Tags,
        command::{
            AuthorizeIngress, AuthorizeSecurityGroup, CreateNetworkInterface, CreateRoute,
            CreateSubnet, EgressChoice, ModifyNetworkInterface, Permission, RevokeSecurityGroup,
        },
    },
};

/// The words after `gatehouse` that mean `command`, quoted for a shell; none for commands that are
/// not about who reaches what, such as those that carry files.
#[must_use]
pub fn of(command: &Command) -> Option<String> {
    let line = endpoint_line(command)
        .or_else(|| network_line(command))
        .or_else(|| gateway_line(command))
        .or_else(|| security_line(command))
        .or_else(|| other_line(command))?;
    let words: Vec<String> = line.0.iter().map(|word| quoted(word)).collect();
    Some(words.join(" "))
}

/// `word` as a shell takes it for one word.
#[must_use]
pub fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,=@+%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Words of a line, not quoted yet.
struct Line(Vec<String>);

impl Line {
    fn new(words: &str) -> Self {
        Self(words.split(' ').map(str::to_owned).collect())
    }

    fn ec2(command: &str) -> Self {
        Self(vec!["ec2".to_owned(), command.to_owned()])
    }

    fn with(mut self, option: &str, value: &str) -> Self {
        if value.starts_with('-') {
            // Apart it would look like an option.
            self.0.push(format!("{option}={value}"));
        } else {
            self.0.extend([option.to_owned(), value.to_owned()]);
        }
        self
    }

    fn some(self, option: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(option, value),
            None => self,
        }
    }

    /// Leaves an empty text away, as its absence means.
    fn text(self, option: &str, value: &str) -> Self {
        self.some(option, Some(value).filter(|value| !value.is_empty()))
    }

    fn flag(mut self, option: &str, is_set: bool) -> Self {
        if is_set {
            self.0.push(option.to_owned());
        }
        self
    }

    fn all(mut self, option: &str, values: &[String]) -> Self {
        if !values.is_empty() {
            self.0.push(option.to_owned());
            self.0.extend(values.iter().cloned());
        }
        self
    }

    fn tags(self, resource: &str, tags: &Tags) -> Self {
        if tags.is_empty() {
            return self;
        }
        let specification = json!({"ResourceType": resource, "Tags": shape::tags(tags)});
        self.with("--tag-specifications", &specification.to_string())
    }

    fn endpoint(self, id: &str) -> Self {
        self.with("--client-vpn-endpoint-id", id)
    }
}

fn endpoint_line(command: &Command) -> Option<Line> {
    use Command as C;
    Some(match command {
        C::DeleteClientVpnEndpoint(it) => {
            Line::ec2("delete-client-vpn-endpoint").endpoint(&it.client_vpn_endpoint_id)
        }
        C::AssociateClientVpnTargetNetwork(it) => Line::ec2("associate-client-vpn-target-network")
            .endpoint(&it.client_vpn_endpoint_id)
            .with("--subnet-id", &it.subnet_id),
        C::DisassociateClientVpnTargetNetwork(it) => {
            Line::ec2("disassociate-client-vpn-target-network")
                .endpoint(&it.client_vpn_endpoint_id)
                .with("--association-id", &it.association_id)
        }
        C::AuthorizeClientVpnIngress(it) => authorize(it),
        C::RevokeClientVpnIngress(it) => Line::ec2("revoke-client-vpn-ingress")
            .endpoint(&it.client_vpn_endpoint_id)
            .with("--target-network-cidr", &it.target_network_cidr)
            .flag("--revoke-all-groups", it.revoke_all_groups)
            .some("--access-group-id", it.access_group_id.as_deref()),
        C::CreateClientVpnRoute(it) => create_route(it),
        C::DeleteClientVpnRoute(it) => Line::ec2("delete-client-vpn-route")
            .endpoint(&it.client_vpn_endpoint_id)
            .with("--destination-cidr-block", &it.destination_cidr_block)
            .some("--target-vpc-subnet-id", it.target_vpc_subnet_id.as_deref())
            .flag("--all-target-networks", it.all_associations),
        C::ApplySecurityGroupsToClientVpnTargetNetwork(it) => {
            Line::ec2("apply-security-groups-to-client-vpn-target-network")
                .endpoint(&it.client_vpn_endpoint_id)
                .with("--vpc-id", &it.vpc_id)
                .all("--security-group-ids", &it.security_group_ids)
        }
        _ => return None,
    })
}

fn authorize(it: &AuthorizeIngress) -> Line {
    let port = |port: Option<u16>| port.map(|port| port.to_string());
    let (from, to) = (port(it.from_port), port(it.to_port));
    let line = Line::ec2("authorize-client-vpn-ingress")
        .endpoint(&it.client_vpn_endpoint_id)
        .with("--target-network-cidr", &it.target_network_cidr)
        .flag("--authorize-all-groups", it.authorize_all_groups)
        .some("--access-group-id", it.access_group_id.as_deref())
        .some("--protocol", it.protocol.as_deref());
    let line = if from == to {
        line.some("--port", from.as_deref())
    } else {
        line.some("--from-port", from.as_deref())
            .some("--to-port", to.as_deref())
    };
    line.some("--expires-at", it.expires_at.as_deref())
        .text("--description", &it.description)
}

fn create_route(it: &CreateRoute) -> Line {
    Line::ec2("create-client-vpn-route")
        .endpoint(&it.client_vpn_endpoint_id)
        .with("--destination-cidr-block", &it.destination_cidr_block)
        .text("--target-vpc-subnet-id", &it.target_vpc_subnet_id)
        .flag("--all-target-networks", it.all_associations)
        .text("--description", &it.description)
}

fn network_line(command: &Command) -> Option<Line> {
    use Command as C;
    Some(match command {
        C::CreateVpc(it) => Line::ec2("create-vpc")
            .with("--cidr-block", &it.cidr_block)
            .tags("vpc", &it.tags),
        C::AssociateVpcCidrBlock(it) => Line::ec2("associate-vpc-cidr-block")
            .with("--vpc-id", &it.vpc_id)
            .with("--cidr-block", &it.cidr_block),
        C::DisassociateVpcCidrBlock(it) => Line::ec2("disassociate-vpc-cidr-block")
            .with("--vpc-id", &it.vpc_id)
            .with("--cidr-block", &it.cidr_block),
        C::ModifyVpcAttribute(it) => {
            let line = Line::ec2("modify-vpc-attribute").with("--vpc-id", &it.vpc_id);
            match it.enable_dns_support {
                Some(value) => line.with("--enable-dns-support", &format!("Value={value}")),
                None => line,
            }
        }
        C::DeleteVpc(it) => Line::ec2("delete-vpc").with("--vpc-id", &it.id),
        C::CreateSubnet(it) => create_subnet(it),
        C::DeleteSubnet(it) => Line::ec2("delete-subnet").with("--subnet-id", &it.id),
        C::CreateInternetGateway(it) => {
            Line::ec2("create-internet-gateway").tags("internet-gateway", &it.tags)
        }
        C::AttachInternetGateway(it) => Line::ec2("attach-internet-gateway")
            .with("--internet-gateway-id", &it.internet_gateway_id)
            .with("--vpc-id", &it.vpc_id),
        C::DetachInternetGateway(it) => Line::ec2("detach-internet-gateway")
            .with("--internet-gateway-id", &it.internet_gateway_id)
            .with("--vpc-id", &it.vpc_id),
        C::DeleteInternetGateway(it) => {
            Line::ec2("delete-internet-gateway").with("--internet-gateway-id", &it.id)
        }
        C::ModifySubnetEgress(it) => Line::new("networks set-egress")
            .with("--subnet-id", &it.subnet_id)
            .some("--interface", it.egress.interface.as_deref())
            .some("--source-address", it.egress.source_address.as_deref())
            .flag("--no-nat", it.egress.nat == Some(false)),
        C::ImportHostNetworks(it) => {
            Line::new("networks import").all("--interfaces", &it.interfaces)
        }
        _ => return None,
    })
}

fn create_subnet(it: &CreateSubnet) -> Line {
    let no_egress = EgressChoice::default();
    let egress = it.egress.as_ref().unwrap_or(&no_egress);
    Line::ec2("create-subnet")
        .with("--vpc-id", &it.vpc_id)
        .with("--cidr-block", &it.cidr_block)
        .some("--availability-zone", it.availability_zone.as_deref())
        .some("--egress-interface", egress.interface.as_deref())
        .some("--egress-source-address", egress.source_address.as_deref())
        .flag("--no-egress-nat", egress.nat == Some(false))
        .tags("subnet", &it.tags)
}

fn gateway_line(command: &Command) -> Option<Line> {
    use Command as C;
    let peering = |name, id: &str| Line::ec2(name).with("--vpc-peering-connection-id", id);
    Some(match command {
        C::CreateVpcPeeringConnection(it) => Line::ec2("create-vpc-peering-connection")
            .with("--vpc-id", &it.vpc_id)
            .with("--peer-vpc-id", &it.peer_vpc_id)
            .tags("vpc-peering-connection", &it.tags),
        C::AcceptVpcPeeringConnection(it) => peering("accept-vpc-peering-connection", &it.id),
        C::DeleteVpcPeeringConnection(it) => peering("delete-vpc-peering-connection", &it.id),
        C::CreateVpnConnection(it) => Line::ec2("create-vpn-connection")
            .with("--vpc-id", &it.vpc_id)
            .all("--cidr-blocks", &it.cidr_blocks)
            .tags("vpn-connection", &it.tags),
        C::CreateVpnConnectionRoute(it) => Line::ec2("create-vpn-connection-route")
            .with("--vpn-connection-id", &it.vpn_connection_id)
            .with("--destination-cidr-block", &it.destination_cidr_block),
        C::DeleteVpnConnectionRoute(it) => Line::ec2("delete-vpn-connection-route")
            .with("--vpn-connection-id", &it.vpn_connection_id)
            .with("--destination-cidr-block", &it.destination_cidr_block),
        C::DeleteVpnConnection(it) => {
            Line::ec2("delete-vpn-connection").with("--vpn-connection-id", &it.id)
        }
        C::CreateRouteTable(it) => Line::ec2("create-route-table")
            .with("--vpc-id", &it.vpc_id)
            .tags("route-table", &it.tags),
        C::DeleteRouteTable(it) => Line::ec2("delete-route-table").with("--route-table-id", &it.id),
        C::AssociateRouteTable(it) => Line::ec2("associate-route-table")
            .with("--route-table-id", &it.route_table_id)
            .with("--subnet-id", &it.subnet_id),
        C::DisassociateRouteTable(it) => {
            let association = shape::association_id(&it.route_table_id, Some(&it.subnet_id));
            Line::ec2("disassociate-route-table").with("--association-id", &association)
        }
        C::CreateRoute(it) => Line::ec2("create-route")
            .with("--route-table-id", &it.route_table_id)
            .with("--destination-cidr-block", &it.destination_cidr_block)
            .with(target_option(&it.target_id), &it.target_id),
        C::DeleteRoute(it) => Line::ec2("delete-route")
            .with("--route-table-id", &it.route_table_id)
            .with("--destination-cidr-block", &it.destination_cidr_block),
        _ => return None,
    })
}

fn target_option(id: &str) -> &'static str {
    if id.starts_with("pcx-") {
        "--vpc-peering-connection-id"
    } else if id.starts_with("vpn-") {
        "--vpn-connection-id"
    } else {
        "--gateway-id"
    }
}

fn security_line(command: &Command) -> Option<Line> {
    use Command as C;
    Some(match command {
        C::CreateSecurityGroup(it) => Line::ec2("create-security-group")
            .with("--group-name", &it.group_name)
            .with("--description", &it.description)
            .with("--vpc-id", &it.vpc_id)
            .tags("security-group", &it.tags),
        C::DeleteSecurityGroup(it) => Line::ec2("delete-security-group").with("--group-id", &it.id),
        C::AuthorizeSecurityGroupIngress(it) => admission("authorize-security-group-ingress", it),
        C::AuthorizeSecurityGroupEgress(it) => admission("authorize-security-group-egress", it),
        C::RevokeSecurityGroupIngress(it) => revocation("revoke-security-group-ingress", it),
        C::RevokeSecurityGroupEgress(it) => revocation("revoke-security-group-egress", it),
        C::CreateNetworkInterface(it) => create_interface(it),
        C::ModifyNetworkInterfaceAttribute(it) => modify_interface(it),
        C::DeleteNetworkInterface(it) => {
            Line::ec2("delete-network-interface").with("--network-interface-id", &it.id)
        }
        _ => return None,
    })
}

fn admission(name: &str, it: &AuthorizeSecurityGroup) -> Line {
    let line = Line::ec2(name).with("--group-id", &it.group_id);
    permissions(line, &it.permissions)
}

fn revocation(name: &str, it: &RevokeSecurityGroup) -> Line {
    let line = Line::ec2(name)
        .with("--group-id", &it.group_id)
        .all("--security-group-rule-ids", &it.rule_ids);
    permissions(line, &it.permissions)
}

/// One that the short form can say is said by it.
fn permissions(line: Line, all: &[Permission]) -> Line {
    match all {
        [] => line,
        [one] if one.description.is_empty() && (one.cidr.is_none() || one.group_id.is_none()) => {
            match ports(one) {
                Some(ports) => line
                    .with("--protocol", &one.protocol)
                    .text("--port", &ports)
                    .some("--cidr", one.cidr.as_deref())
                    .some("--source-group", one.group_id.as_deref()),
                None => line.with("--ip-permissions", &whole(all)),
            }
        }
        _ => line.with("--ip-permissions", &whole(all)),
    }
}

/// The value of `--port`, empty for all of them; none where it cannot say it.
fn ports(it: &Permission) -> Option<String> {
    match (it.from_port, it.to_port) {
        (None, None) => Some(String::new()),
        (Some(from), Some(to)) if from == to && from >= 0 => Some(from.to_string()),
        (Some(from), Some(to)) if from >= 0 && to >= 0 => Some(format!("{from}-{to}")),
        _ => None,
    }
}

/// The value of `--ip-permissions`.
fn whole(all: &[Permission]) -> String {
    let one = |it: &Permission| {
        let mut words = Map::new();
        words.insert("IpProtocol".to_owned(), json!(it.protocol));
        if let Some(port) = it.from_port {
            words.insert("FromPort".to_owned(), json!(port));
        }
        if let Some(port) = it.to_port {
            words.insert("ToPort".to_owned(), json!(port));
        }
        let mut peer = |name: &str, key: &str, value: &Option<String>| {
            if let Some(value) = value {
                let peer = json!([{key: value, "Description": it.description}]);
                words.insert(name.to_owned(), peer);
            }
        };
        peer("IpRanges", "CidrIp", &it.cidr);
        peer("UserIdGroupPairs", "GroupId", &it.group_id);
        Value::Object(words)
    };
    Value::Array(all.iter().map(one).collect()).to_string()
}

fn create_interface(it: &CreateNetworkInterface) -> Line {
    Line::ec2("create-network-interface")
        .with("--subnet-id", &it.subnet_id)
        .with("--private-ip-address", &it.private_ip_address)
        .all("--groups", &it.security_group_ids)
        .text("--description", &it.description)
        .tags("network-interface", &it.tags)
}

fn modify_interface(it: &ModifyNetworkInterface) -> Line {
    Line::ec2("modify-network-interface-attribute")
        .with("--network-interface-id", &it.network_interface_id)
        .all(
            "--groups",
            it.security_group_ids.as_deref().unwrap_or_default(),
        )
        .some("--description", it.description.as_deref())
}

fn other_line(command: &Command) -> Option<Line> {
    use Command as C;
    Some(match command {
        C::CreateGroup(it) => Line::new("directory create-group")
            .with("--name", &it.name)
            .some("--sid", it.sid.as_deref()),
        C::DeleteGroup(it) => Line::new("directory delete-group").with("--sid", &it.sid),
        C::AddUserToGroup(it) => Line::new("directory add-user")
            .with("--sid", &it.sid)
            .with("--common-name", &it.common_name),
        C::RemoveUserFromGroup(it) => Line::new("directory remove-user")
            .with("--sid", &it.sid)
            .with("--common-name", &it.common_name),
        C::ReconnectClientVpnConnections(it) => Line::ec2("reconnect-client-vpn-connections")
            .endpoint(&it.client_vpn_endpoint_id)
            .all("--connection-ids", &it.connection_ids),
        _ => return None,
    })
}
