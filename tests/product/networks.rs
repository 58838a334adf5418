//! VPCs, what they reach, and security groups: by the command line, through the real program.

use serde_json::{Value, json};

use crate::support::{Installation, Parts, free_port};

/// The only thing of `list` in the answer to a line.
fn only(on: &Installation, line: &str, list: &str) -> Value {
    let answer = on.words(line).json();
    match answer[list].as_array().map(Vec::as_slice) {
        Some([one]) => one.clone(),
        _ => panic!("{line}: {answer}"),
    }
}

fn make_vpc(on: &Installation, cidr: &str) -> String {
    on.text(&format!("ec2 create-vpc --cidr-block {cidr}"), "/Vpc/VpcId")
}

#[test]
fn a_subnet_has_a_zone_and_an_egress_that_can_be_changed() {
    let on = Installation::new();
    let _gateway = on.serve();
    let zones = on.words("ec2 describe-availability-zones").json();
    let zone = zones["AvailabilityZones"][1]["ZoneName"].as_str().unwrap();
    let vpc = make_vpc(&on, "10.40.0.0/16");
    let interface = on.text("networks list", "/HostNetworks/0/Interface");
    let line = format!(
        "ec2 create-subnet --vpc-id {vpc} --cidr-block 10.40.1.0/24 --availability-zone {zone} \
         --egress-interface {interface}"
    );
    let subnet = on.text(&line, "/Subnet/SubnetId");
    let shown = || {
        let line = format!("ec2 describe-subnets --subnet-ids {subnet}");
        only(&on, &line, "Subnets")
    };
    assert_eq!(shown()["AvailabilityZone"], zone);
    assert_eq!(
        shown()["Egress"],
        json!({"Via": "interface", "Interface": interface, "Nat": true})
    );
    let set = format!("networks set-egress --subnet-id {subnet}");
    let refusal = on.words(&format!("{set} --interface nowhere0")).refusal();
    assert_eq!(refusal["Code"], "InvalidParameterValue");
    on.words(&set).json();
    assert_eq!(
        shown()["Egress"],
        json!({"Via": "host-routing", "Nat": true})
    );
}

#[test]
fn a_peering_connection_carries_once_it_is_accepted() {
    let on = Installation::new();
    let _gateway = on.serve();
    let vpc = make_vpc(&on, "10.40.0.0/16");
    let other = make_vpc(&on, "10.41.0.0/16");
    let peering = on.text(
        &format!("ec2 create-vpc-peering-connection --vpc-id {vpc} --peer-vpc-id {other}"),
        "/VpcPeeringConnection/VpcPeeringConnectionId",
    );
    let table = on.text(
        &format!("ec2 create-route-table --vpc-id {vpc}"),
        "/RouteTable/RouteTableId",
    );
    let route = format!(
        "ec2 create-route --route-table-id {table} --destination-cidr-block 10.41.0.0/16 \
         --vpc-peering-connection-id {peering}"
    );
    assert_eq!(on.words(&route).json(), json!({"Return": true}));
    let routes = || {
        let line = format!("ec2 describe-route-tables --route-table-ids {table}");
        only(&on, &line, "RouteTables")["Routes"].clone()
    };
    let local = &routes()[0];
    assert_eq!(local["GatewayId"], "local");
    assert_eq!(local["DestinationCidrBlock"], "10.40.0.0/16");
    assert_eq!(routes()[1]["State"], "blackhole");
    let code = |of: &str| {
        let line =
            format!("ec2 describe-vpc-peering-connections --vpc-peering-connection-ids {of}");
        only(&on, &line, "VpcPeeringConnections")["Status"]["Code"].clone()
    };
    assert_eq!(code(&peering), "pending-acceptance");
    let accept = format!("ec2 accept-vpc-peering-connection --vpc-peering-connection-id {peering}");
    on.words(&accept).json();
    assert_eq!(code(&peering), "active");
    assert_eq!(routes()[1]["State"], "active");
    assert_eq!(routes()[1]["VpcPeeringConnectionId"], peering.as_str());

    let delete =
        format!("ec2 delete-route --route-table-id {table} --destination-cidr-block 10.41.0.0/16");
    assert_eq!(on.words(&delete).json(), Value::Null);
    assert_eq!(routes().as_array().unwrap().len(), 1);
    let delete = format!("ec2 delete-vpc-peering-connection --vpc-peering-connection-id {peering}");
    assert_eq!(on.words(&delete).json(), json!({"Return": true}));
}

#[test]
fn a_subnet_uses_a_table_of_its_own_until_that_is_taken_back() {
    let on = Installation::new();
    let _gateway = on.serve();
    let parts = Parts::make(&on);
    let (vpc, subnet) = (&parts.vpc, &parts.subnet);
    let table = on.text(
        &format!("ec2 create-route-table --vpc-id {vpc}"),
        "/RouteTable/RouteTableId",
    );
    let associate =
        format!("ec2 associate-route-table --route-table-id {table} --subnet-id {subnet}");
    let association = on.text(&associate, "/AssociationId");
    let describe = format!("ec2 describe-route-tables --route-table-ids {table}");
    let shown = only(&on, &describe, "RouteTables")["Associations"].clone();
    assert_eq!(shown[0]["RouteTableAssociationId"], association.as_str());
    assert_eq!(shown[0]["SubnetId"], subnet.as_str());
    assert_eq!(shown[0]["Main"], false);
    let delete = format!("ec2 delete-route-table --route-table-id {table}");
    assert_eq!(on.words(&delete).refusal()["Code"], "DependencyViolation");
    let end = format!("ec2 disassociate-route-table --association-id {association}");
    assert_eq!(on.words(&end).json(), Value::Null);
    assert_eq!(on.words(&delete).json(), Value::Null);
}

#[test]
fn a_vpn_connection_has_the_networks_behind_it() {
    let on = Installation::new();
    let _gateway = on.serve();
    let vpc = make_vpc(&on, "10.40.0.0/16");
    let create = format!(
        "ec2 create-vpn-connection --vpc-id {vpc} --type ipsec.1 --cidr-blocks 192.168.0.0/24"
    );
    let vpn = on.text(&create, "/VpnConnection/VpnConnectionId");
    let describe = format!("ec2 describe-vpn-connections --vpn-connection-ids {vpn}");
    let behind = || {
        let routes = only(&on, &describe, "VpnConnections")["Routes"].clone();
        let routes = routes.as_array().unwrap().iter();
        let cidrs = routes.map(|it| it["DestinationCidrBlock"].as_str().unwrap().to_owned());
        cidrs.collect::<Vec<_>>()
    };
    let route = format!("--vpn-connection-id {vpn} --destination-cidr-block 192.168.1.0/24");
    let add = on.words(&format!("ec2 create-vpn-connection-route {route}"));
    assert_eq!(add.json(), Value::Null);
    assert_eq!(behind(), ["192.168.0.0/24", "192.168.1.0/24"]);
    on.words(&format!("ec2 delete-vpn-connection-route {route}"))
        .json();
    assert_eq!(behind(), ["192.168.0.0/24"]);
    // As AWS's scripts name the target of such a route: by its gateway.
    let main = format!("ec2 describe-route-tables --filters Name=vpc-id,Values={vpc}");
    let table = only(&on, &main, "RouteTables");
    assert_eq!(table["PropagatingVgws"], json!([{"GatewayId": vpn}]));
    assert_eq!(table["Routes"][1]["GatewayId"], vpn.as_str());
    assert_eq!(table["Routes"][1]["Origin"], "EnableVgwRoutePropagation");
    let table = table["RouteTableId"].as_str().unwrap();
    let of = format!("--route-table-id {table} --destination-cidr-block 192.168.9.0/24");
    on.words(&format!("ec2 create-route {of} --gateway-id {vpn}"))
        .json();
    let delete = format!("ec2 delete-vpn-connection --vpn-connection-id {vpn}");
    assert_eq!(on.words(&delete).refusal()["Code"], "DependencyViolation");
    on.words(&format!("ec2 delete-route {of}")).json();
    let delete = format!("ec2 delete-vpn-connection --vpn-connection-id {vpn}");
    assert_eq!(on.words(&delete).json(), Value::Null);
    let gone = on.words(&describe).refusal();
    assert_eq!(gone["Code"], "InvalidVpnConnectionID.NotFound");
}

#[test]
fn a_security_groups_rules_come_and_go_in_both_of_awss_forms() {
    let on = Installation::new();
    let _gateway = on.serve();
    let parts = Parts::make(&on);
    let vpc = &parts.vpc;
    let create =
        format!("ec2 create-security-group --group-name web --description servers --vpc-id {vpc}");
    let group = on.text(&create, "/GroupId");
    assert_eq!(
        on.words(&create).refusal()["Code"],
        "InvalidGroup.Duplicate"
    );
    let of = format!("--group-id {group}");
    let short = format!("--protocol tcp --port 443 --cidr 10.0.0.0/8 {of}");
    let admitted = on
        .words(&format!("ec2 authorize-security-group-ingress {short}"))
        .json();
    let rule = &admitted["SecurityGroupRules"][0];
    assert_eq!(rule["CidrIpv4"], "10.0.0.0/8");
    let id = rule["SecurityGroupRuleId"].as_str().unwrap();
    let whole = format!(
        "{of} --ip-permissions IpProtocol=tcp,FromPort=443,ToPort=443,\
         UserIdGroupPairs=[{{GroupId={group}}}]"
    );
    on.words(&format!("ec2 authorize-security-group-ingress {whole}"))
        .json();
    let describe = format!("ec2 describe-security-groups --group-ids {group}");
    let shown = only(&on, &describe, "SecurityGroups");
    let ingress = &shown["IpPermissions"];
    assert_eq!(ingress.as_array().unwrap().len(), 1, "{ingress}");
    assert_eq!(ingress[0]["IpRanges"], json!([{"CidrIp": "10.0.0.0/8"}]));
    assert_eq!(ingress[0]["UserIdGroupPairs"], json!([{"GroupId": group}]));
    assert_eq!(
        shown["IpPermissionsEgress"][0]["IpRanges"],
        json!([{"CidrIp": "0.0.0.0/0"}])
    );
    let rules = format!("ec2 describe-security-group-rules --filters Name=group-id,Values={group}");
    let rules = on.words(&rules).json();
    assert_eq!(rules["SecurityGroupRules"].as_array().unwrap().len(), 3);

    // What a permission is shown as can be handed in to take it back.
    let revoke = ["ec2", "revoke-security-group-egress", "--group-id", &group];
    let egress = shown["IpPermissionsEgress"].to_string();
    let revoked = on.run(&[&revoke[..], &["--ip-permissions", &egress]].concat());
    assert_eq!(revoked.json(), json!({"Return": true}));
    let by_id = format!("ec2 revoke-security-group-ingress {of} --security-group-rule-ids {id}");
    on.words(&by_id).json();
    assert_eq!(
        on.words(&by_id).refusal()["Code"],
        "InvalidPermission.NotFound"
    );
    on.words(&format!("ec2 revoke-security-group-ingress {whole}"))
        .json();
    let shown = only(&on, &describe, "SecurityGroups");
    assert_eq!(shown["IpPermissions"], json!([]));
    assert_eq!(shown["IpPermissionsEgress"], json!([]));
    on.words(&format!("ec2 delete-security-group {of}")).json();
}

#[test]
fn groups_are_put_on_target_networks_and_on_addresses() {
    let on = Installation::new();
    let _gateway = on.serve();
    let parts = Parts::make(&on);
    let (vpc, subnet) = (&parts.vpc, &parts.subnet);
    let default = format!(
        "ec2 describe-security-groups --filters Name=vpc-id,Values={vpc} \
         Name=group-name,Values=default"
    );
    let default = only(&on, &default, "SecurityGroups")["GroupId"].clone();
    let port = free_port();
    let create = parts.create_endpoint("10.50.0.0/22", &format!("--vpn-port {port}"));
    let endpoint = on.text(&create, "/ClientVpnEndpointId");
    let of = format!("--client-vpn-endpoint-id {endpoint}");
    on.words(&format!(
        "ec2 associate-client-vpn-target-network {of} --subnet-id {subnet}"
    ))
    .json();
    let networks = format!("ec2 describe-client-vpn-target-networks {of}");
    let applied = || only(&on, &networks, "ClientVpnTargetNetworks")["SecurityGroups"].clone();
    assert_eq!(applied(), json!([default]));
    let group = on.text(
        &format!("ec2 create-security-group --group-name a --description b --vpc-id {vpc}"),
        "/GroupId",
    );
    let apply = format!(
        "ec2 apply-security-groups-to-client-vpn-target-network {of} --vpc-id {vpc} \
         --security-group-ids {group}"
    );
    assert_eq!(
        on.words(&apply).json(),
        json!({"SecurityGroupIds": [group]})
    );
    assert_eq!(applied(), json!([group]));
    let described = "ec2 describe-client-vpn-endpoints";
    let described = only(&on, described, "ClientVpnEndpoints");
    assert_eq!(described["SecurityGroupIds"], json!([group]));

    let interface = on.text(
        &format!(
            "ec2 create-network-interface --subnet-id {subnet} --private-ip-address 10.40.1.9 \
             --groups {group} --description database"
        ),
        "/NetworkInterface/NetworkInterfaceId",
    );
    let delete = format!("ec2 delete-security-group --group-id {group}");
    let refusal = on.words(&delete).refusal();
    assert_eq!(refusal["Code"], "DependencyViolation");
    let message = refusal["Message"].as_str().unwrap();
    assert!(
        message.contains(&endpoint) && message.contains(&interface),
        "{message}"
    );
    let its = format!("--network-interface-id {interface}");
    let default = default.as_str().unwrap();
    let modify = format!("ec2 modify-network-interface-attribute {its} --groups {default}");
    assert_eq!(on.words(&modify).json(), Value::Null);
    let described = "ec2 describe-network-interfaces";
    let shown = only(&on, described, "NetworkInterfaces");
    assert_eq!(shown["Groups"], json!([{"GroupId": default}]));
    assert_eq!(shown["PrivateIpAddress"], "10.40.1.9");
    assert_eq!(shown["Description"], "database");
    on.words(&format!("ec2 delete-network-interface {its}"))
        .json();
}

#[test]
fn a_route_for_every_target_network_is_one_and_goes_as_one() {
    let on = Installation::new();
    let _gateway = on.serve();
    let parts = Parts::make(&on);
    let port = free_port();
    let create = parts.create_endpoint("10.50.0.0/22", &format!("--vpn-port {port}"));
    let endpoint = on.text(&create, "/ClientVpnEndpointId");
    let of = format!("--client-vpn-endpoint-id {endpoint}");
    on.words(&format!(
        "ec2 associate-client-vpn-target-network {of} --subnet-id {}",
        parts.subnet
    ))
    .json();
    let route = format!("{of} --destination-cidr-block 10.60.0.0/16 --all-target-networks");
    on.words(&format!("ec2 create-client-vpn-route {route}"))
        .json();
    on.words("status --wait").json();
    let describe = format!("ec2 describe-client-vpn-routes {of}");
    let made = || {
        let all = on.words(&describe).json();
        let all = all["Routes"].as_array().unwrap().clone();
        let made = all.into_iter().filter(|it| it["AllTargetNetworks"] == true);
        made.collect::<Vec<_>>()
    };
    assert_eq!(made().len(), 1);
    assert_eq!(made()[0]["DestinationCidr"], "10.60.0.0/16");
    on.words(&format!("ec2 delete-client-vpn-route {route}"))
        .json();
    on.words("status --wait").json();
    assert_eq!(made(), Vec::<Value>::new());
}
