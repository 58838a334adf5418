//! Answers in the shapes of AWS's JSON: names, nesting and forms of time as its clients read them.
//!
//! Client VPN's times are text without a zone, the certificate store's are seconds since 1970
//! (aws-api, "Identifiers and times"). What AWS has no shape for has one of ours in the same
//! manner.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::model::{
    Access, Answer, Association, AssociationId, AssociationState, Attempt, Authentication,
    AuthorizationRule, Certificate, CertificateOrigin, CertificateUse, Command, Connection,
    ConnectionLog, Decision, Explanation, Group, GroupTitle, Limits, Refusal, RevocationReason,
    Route, SecurityGroupId, Settings, Sid, Step, Tags, User, View, VpcReach, WeighedRule,
    command::{EndpointDescription, Exported, SubnetDescription, Terminations},
    explanation::{AdmittingRule, SecurityGroupTitle},
    notices,
};

mod certificates;
mod check;
mod console;
mod network;
mod record;
mod security;

use self::{certificates::*, check::*, console::*, network::*, record::events, security::*};
pub use self::{
    check::scenario,
    network::{association_id, route_table_association},
    record::{cloud_trail, event},
};

/// An answer as AWS's clients read it, at the time `now`; null where AWS says nothing.
#[must_use]
pub fn answer(answer: &Answer, now: Timestamp) -> Value {
    match answer {
        Answer::Done => Value::Null,
        Answer::CertificateArn(arn) => json!({"CertificateArn": arn}),
        Answer::CertificateArns(all) => json!({"CertificateArns": all}),
        Answer::CertificateRequest(it) => json!({"CertificateRequest": certificate_request(it)}),
        Answer::PkiImported(it) => pki_imported(it),
        Answer::RevocationList(it) => json!({"RevocationList": revocation_list(it)}),
        Answer::ExportedRevocationList(it) => exported_list(it),
        Answer::RevocationListPreview(it) => list_preview(it),
        Answer::Tags(all) => json!({"Tags": list(all, tag)}),
        Answer::ClientBlocks(all) => json!({"ClientBlocks": list(all, client_block)}),
        Answer::LogGroups(all) => json!({"logGroups": list(all, log_group)}),
        Answer::LogStreams(all) => json!({"logStreams": list(all, log_stream)}),
        Answer::LogEvents(it) => log_events(it),
        Answer::ServiceLinkedRole(it) => role(it),
        Answer::RoleDeletion(it) => role_deletion(it),
        Answer::Backup(it) => backup(it),
        Answer::Restored(it) => restored(it),
        Answer::Certificate(it) => json!({"Certificate": certificate(it, now)}),
        Answer::Certificates(list) => json!({
            "CertificateSummaryList":
                list.iter().map(|it| certificate_summary(it, now)).collect::<Vec<_>>(),
        }),
        Answer::Exported(it) => exported(it),
        Answer::Vpc(it) => json!({"Vpc": vpc(it)}),
        Answer::Vpcs(all) => json!({"Vpcs": list(all, vpc)}),
        Answer::Subnet(it) => json!({"Subnet": subnet(it)}),
        Answer::Subnets(all) => json!({"Subnets": list(all, subnet_description)}),
        Answer::InternetGateway(it) => json!({"InternetGateway": internet_gateway(it)}),
        Answer::InternetGateways(all) => json!({"InternetGateways": list(all, internet_gateway)}),
        Answer::AvailabilityZones(all) => {
            json!({"AvailabilityZones": list(all, |name| availability_zone(name))})
        }
        Answer::PeeringConnection(it) => json!({"VpcPeeringConnection": peering_connection(it)}),
        Answer::PeeringConnections(all) => {
            json!({"VpcPeeringConnections": list(all, peering_connection)})
        }
        Answer::VpnConnection(it) => json!({"VpnConnection": vpn_connection(it)}),
        Answer::VpnConnections(all) => json!({"VpnConnections": list(all, vpn_connection)}),
        Answer::RouteTable(it) => json!({"RouteTable": route_table(it)}),
        Answer::RouteTables(all) => json!({"RouteTables": list(all, route_table)}),
        Answer::SecurityGroup(it) => created(it),
        Answer::SecurityGroups(all) => json!({"SecurityGroups": list(all, security_group)}),
        Answer::SecurityGroupRules(it) => authorized(it),
        Answer::Resource(it) => json!({"NetworkInterface": network_interface(it)}),
        Answer::Resources(all) => json!({"NetworkInterfaces": list(all, network_interface)}),
        Answer::SecurityGroupIds(all) => json!({"SecurityGroupIds": all}),
        Answer::Preview(it) => preview(it),
        Answer::Scenario(it) => scenario(it, |command| command.action().to_owned()),
        Answer::ConnectionTest(it) => connection_test(it),
        Answer::Diagnosis(all) => json!({"Findings": list(all, finding)}),
        Answer::HostNetworks(all) => json!({"HostNetworks": list(all, host_network)}),
        Answer::Group(it) => json!({"Group": group(it)}),
        Answer::Groups(all) => json!({"Groups": list(all, group)}),
        Answer::Users(all) => json!({"Users": list(all, user)}),
        Answer::Explanation(it) => explanation(it),
        Answer::EndpointCreated(it) => json!({
            "ClientVpnEndpointId": it.id,
            "Status": status(it.state.as_str()),
            "DnsName": it.dns_name,
        }),
        Answer::Endpoints(all) => json!({"ClientVpnEndpoints": list(all, endpoint)}),
        Answer::EndpointStatus(state) => json!({"Status": status(state.as_str())}),
        Answer::AssociationStatus(it) => json!({
            "AssociationId": it.id,
            "Status": association_status(&it.state),
        }),
        Answer::TargetNetworks(it) => json!({
            "ClientVpnTargetNetworks":
                list(&it.associations, |one| target_network(one, &it.security_groups)),
        }),
        Answer::RuleStatus(it) => json!({"Status": status(it.state.as_str())}),
        Answer::AuthorizationRules(all) => {
            json!({"AuthorizationRules": list(all, |it| rule(it, now))})
        }
        Answer::RouteStatus(it) => json!({"Status": status(it.state.as_str())}),
        Answer::Routes(all) => json!({"Routes": list(all, route)}),
        Answer::ClientConfiguration(it) => json!({
            "ClientConfiguration": String::from_utf8_lossy(it.text.expose()),
        }),
        Answer::Connections(all) => json!({"Connections": list(all, connection)}),
        Answer::Terminations(it) => terminations(it),
        Answer::Attempts(all) => json!({"ConnectionAttempts": list(all, attempt)}),
        Answer::Settings(it) => json!({"Settings": settings(it)}),
        Answer::Events(page) => events(page),
        Answer::View(it) => view(it, now),
    }
}

/// The answer to a command as AWS's clients read it, at the time `now`: where AWS says less than the
/// service does, or other things of it, only that.
#[must_use]
pub fn answer_to(command: &Command, given: &Answer, now: Timestamp) -> Value {
    match (command, given) {
        (Command::CreateSubnet(_), Answer::Subnet(made)) => {
            let description = SubnetDescription {
                free_addresses: made.usable_addresses(),
                subnet: made.clone(),
            };
            json!({"Subnet": subnet_description(&description)})
        }
        (Command::AssociateVpcCidrBlock(_), Answer::Vpc(vpc)) => json!({
            "VpcId": vpc.id,
            "CidrBlockAssociation":
                vpc.cidrs.last().map(|cidr| block(&cidr.to_string(), "associated")),
        }),
        (Command::DescribeVpcAttribute(_), Answer::Vpc(vpc)) => json!({
            "VpcId": vpc.id,
            "EnableDnsSupport": {"Value": vpc.dns_support},
        }),
        (Command::AssociateRouteTable(it), Answer::RouteTable(table)) => json!({
            "AssociationId": association_id(table.table.id.as_str(), Some(&it.subnet_id)),
            "AssociationState": {"State": "associated"},
        }),
        (
            Command::CreateRoute(_)
            | Command::DeleteVpcPeeringConnection(_)
            | Command::RevokeSecurityGroupIngress(_)
            | Command::RevokeSecurityGroupEgress(_)
            | Command::ModifyClientVpnEndpoint(_)
            | Command::ImportClientVpnClientCertificateRevocationList(_),
            Answer::Done | Answer::RouteTable(_),
        ) => json!({"Return": true}),
        (Command::FilterLogEvents(_), Answer::LogEvents(it)) => filtered_events(it),
        (Command::DeleteServiceLinkedRole, Answer::RoleDeletion(it)) => {
            json!({"DeletionTaskId": it.task_id})
        }
        (
            Command::CreateVpnConnectionRoute(_)
            | Command::DeleteVpnConnectionRoute(_)
            | Command::DisassociateRouteTable(_)
            | Command::DeleteRoute(_)
            | Command::ModifyNetworkInterfaceAttribute(_)
            | Command::ModifyVpcAttribute(_),
            _,
        ) => Value::Null,
        _ => answer(given, now),
    }
}

/// Security groups as nothing but their rules, each with its identifier.
#[must_use]
pub fn security_group_rules(command: &Command, given: &Answer, now: Timestamp) -> Value {
    match given {
        Answer::SecurityGroups(all) => {
            json!({"SecurityGroupRules": all.iter().flat_map(rules).collect::<Vec<_>>()})
        }
        _ => answer_to(command, given, now),
    }
}

/// The status as nothing but what was not carried.
#[must_use]
pub fn drops(command: &Command, given: &Answer, now: Timestamp) -> Value {
    match given {
        Answer::View(it) => not_carried(it),
        _ => answer_to(command, given, now),
    }
}

/// A refusal as the command line prints it: AWS's code and message, the field and its cure.
#[must_use]
pub fn refusal(refusal: &Refusal) -> Value {
    let mut error = Map::new();
    error.insert("Code".to_owned(), json!(refusal.code.as_str()));
    error.insert("Message".to_owned(), json!(refusal.message));
    insert_some(&mut error, "Field", refusal.field.as_ref());
    insert_some(&mut error, "Cure", refusal.cure.as_ref());
    json!({"Error": error})
}

fn list<T>(all: &[T], shape: impl Fn(&T) -> Value) -> Value {
    Value::Array(all.iter().map(shape).collect())
}

fn insert_some(map: &mut Map<String, Value>, name: &str, value: Option<impl serde::Serialize>) {
    if let Some(value) = value {
        map.insert(name.to_owned(), json!(value));
    }
}

fn status(code: &str) -> Value {
    json!({"Code": code})
}

fn association_status(state: &AssociationState) -> Value {
    match state {
        AssociationState::Failed { reason } => json!({"Code": state.as_str(), "Message": reason}),
        AssociationState::Associating
        | AssociationState::Associated
        | AssociationState::Disassociating => status(state.as_str()),
    }
}

/// Tags as AWS lists them.
#[must_use]
pub fn tags(tags: &Tags) -> Value {
    tags.iter()
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect()
}

/// `2020-11-13T11:37:27`: UTC, without saying so.
fn creation_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

/// `2019-08-12 07:57:14`: UTC, without saying so.
fn connection_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn certificate(it: &Certificate, now: Timestamp) -> Value {
    let mut shape = certificate_common(it, now);
    shape.insert(
        "SubjectAlternativeNames".to_owned(),
        json!(it.alternative_names),
    );
    shape.insert("Subject".to_owned(), json!(it.subject));
    shape.insert("Issuer".to_owned(), json!(it.issuer));
    shape.insert("Serial".to_owned(), json!(with_colons(&it.serial)));
    shape.insert("Fingerprint".to_owned(), json!(it.fingerprint));
    insert_some(&mut shape, "IssuedBy", it.issued_by.as_ref());
    Value::Object(shape)
}

fn certificate_summary(it: &Certificate, now: Timestamp) -> Value {
    let mut shape = certificate_common(it, now);
    let names = json!(it.alternative_names);
    shape.insert("SubjectAlternativeNameSummaries".to_owned(), names);
    Value::Object(shape)
}

fn certificate_common(it: &Certificate, now: Timestamp) -> Map<String, Value> {
    let (kind, origin_time) = match it.origin {
        CertificateOrigin::Issued => ("PRIVATE", "IssuedAt"),
        CertificateOrigin::Imported => ("IMPORTED", "ImportedAt"),
    };
    let usages: &[&str] = match it.usage {
        CertificateUse::Server => &["TLS_WEB_SERVER_AUTHENTICATION"],
        CertificateUse::Client => &["TLS_WEB_CLIENT_AUTHENTICATION"],
        CertificateUse::Authority | CertificateUse::Other => &[],
    };
    let mut shape = Map::new();
    shape.insert("CertificateArn".to_owned(), json!(it.arn));
    insert_some(&mut shape, "DomainName", it.common_name.as_ref());
    let status = match it.revoked {
        Some(_) => "REVOKED",
        None if it.not_after <= now => "EXPIRED",
        None => "ISSUED",
    };
    shape.insert("Status".to_owned(), json!(status));
    if let Some(revocation) = it.revoked {
        let at = revocation.at.as_second();
        shape.insert("RevokedAt".to_owned(), json!(at));
        let reason = acm_reason(revocation.reason);
        shape.insert("RevocationReason".to_owned(), json!(reason));
    }
    shape.insert("Type".to_owned(), json!(kind));
    shape.insert("KeyAlgorithm".to_owned(), json!(it.key_algorithm));
    shape.insert("ExtendedKeyUsages".to_owned(), json!(usages));
    let is_authority = it.usage == CertificateUse::Authority;
    shape.insert("CertificateAuthority".to_owned(), json!(is_authority));
    shape.insert("HasPrivateKey".to_owned(), json!(it.has_private_key));
    shape.insert("NotBefore".to_owned(), json!(it.not_before.as_second()));
    shape.insert("NotAfter".to_owned(), json!(it.not_after.as_second()));
    shape.insert("CreatedAt".to_owned(), json!(it.created_at.as_second()));
    shape.insert(origin_time.to_owned(), json!(it.created_at.as_second()));
    shape
}

/// Why a certificate was revoked, in ACM's words.
fn acm_reason(reason: RevocationReason) -> &'static str {
    use RevocationReason as Reason;
    match reason {
        Reason::Unspecified => "UNSPECIFIED",
        Reason::KeyCompromise => "KEY_COMPROMISE",
        Reason::CaCompromise => "CA_COMPROMISE",
        Reason::AffiliationChanged => "AFFILIATION_CHANGED",
        Reason::Superseded => "SUPERSEDED",
        Reason::CessationOfOperation => "CESSATION_OF_OPERATION",
        Reason::CertificateHold => "CERTIFICATE_HOLD",
        Reason::RemoveFromCrl => "REMOVE_FROM_CRL",
        Reason::PrivilegeWithdrawn => "PRIVILEGE_WITHDRAWN",
        Reason::AaCompromise => "A_A_COMPROMISE",
    }
}

/// `0a:1b:…`, as ACM writes serial numbers.
fn with_colons(hex: &str) -> String {
    let digits: Vec<char> = hex.chars().collect();
    let odd = digits.len() % 2;
    let mut parts: Vec<String> = Vec::new();
    if odd == 1 {
        parts.push(format!("0{}", digits[0]));
    }
    parts.extend(digits[odd..].chunks(2).map(|pair| pair.iter().collect()));
    parts.join(":")
}

fn exported(it: &Exported) -> Value {
    let mut shape = Map::new();
    shape.insert("Certificate".to_owned(), json!(it.certificate_pem));
    if !it.chain_pem.is_empty() {
        shape.insert("CertificateChain".to_owned(), json!(it.chain_pem));
    }
    let key = it.private_key_pem.as_ref();
    let key = key.map(|key| String::from_utf8_lossy(key.expose()).into_owned());
    insert_some(&mut shape, "PrivateKey", key);
    Value::Object(shape)
}

fn endpoint(it: &EndpointDescription) -> Value {
    let endpoint = &it.endpoint;
    let networks: Vec<Value> = it
        .associations
        .iter()
        .map(|a| json!({"NetworkId": a.subnet_id, "NetworkType": "vpc"}))
        .collect();
    let mut shape = json!({
        "ClientVpnEndpointId": endpoint.id,
        "Description": endpoint.description,
        "Status": status(it.state.as_str()),
        "CreationTime": creation_time(endpoint.created_at),
        "DnsName": it.dns_name,
        "ClientCidrBlock": endpoint.client_cidr,
        "DnsServers": endpoint.dns_servers,
        "SplitTunnel": endpoint.split_tunnel,
        "VpnProtocol": "openvpn",
        "TransportProtocol": endpoint.transport,
        "VpnPort": endpoint.port,
        "AssociatedTargetNetworks": networks,
        "ServerCertificateArn": endpoint.server_certificate,
        "AuthenticationOptions": list(&endpoint.authentication, authentication),
        "ConnectionLogOptions": connection_log(endpoint.connection_log.as_ref()),
        "Tags": tags(&endpoint.tags),
    });
    if let (Some(vpc), Some(shape)) = (&endpoint.vpc_id, shape.as_object_mut()) {
        shape.insert("VpcId".to_owned(), json!(vpc));
        let groups = json!(endpoint.security_groups);
        shape.insert("SecurityGroupIds".to_owned(), groups);
    }
    shape
}

fn connection_log(it: Option<&ConnectionLog>) -> Value {
    match it {
        None => json!({"Enabled": false}),
        Some(log) => json!({
            "Enabled": true,
            "CloudwatchLogGroup": log.group,
            "CloudwatchLogStream": log.stream,
        }),
    }
}

fn authentication(way: &Authentication) -> Value {
    match way {
        Authentication::Certificate {
            client_root_certificate_chain,
        } => json!({
            "Type": "certificate-authentication",
            "MutualAuthentication": {
                "ClientRootCertificateChain": client_root_certificate_chain,
            },
        }),
    }
}

fn target_network(it: &Association, groups: &BTreeSet<SecurityGroupId>) -> Value {
    json!({
        "AssociationId": it.id,
        "VpcId": it.vpc_id,
        "TargetNetworkId": it.subnet_id,
        "ClientVpnEndpointId": it.endpoint_id,
        "Status": association_status(&it.state),
        "SecurityGroups": groups,
    })
}

fn rule(it: &AuthorizationRule, now: Timestamp) -> Value {
    let mut shape = Map::new();
    shape.insert("ClientVpnEndpointId".to_owned(), json!(it.endpoint_id));
    shape.insert("Description".to_owned(), json!(it.description));
    // There and empty where the rule is for all.
    let group = it.access.group().map_or("", Sid::as_str);
    shape.insert("GroupId".to_owned(), json!(group));
    shape.insert("AccessAll".to_owned(), json!(it.access == Access::AllUsers));
    shape.insert("DestinationCidr".to_owned(), json!(it.destination));
    shape.insert("Status".to_owned(), status(it.status(now)));
    insert_limits(&mut shape, &it.limits);
    Value::Object(shape)
}

/// Members that AWS does not have; absent where a rule is as AWS's.
fn insert_limits(shape: &mut Map<String, Value>, limits: &Limits) {
    insert_some(shape, "Protocol", limits.protocol);
    insert_some(shape, "FromPort", limits.ports.map(|ports| ports.from));
    insert_some(shape, "ToPort", limits.ports.map(|ports| ports.to));
    insert_some(
        shape,
        "ExpiresAt",
        limits.expires_at.map(|end| end.to_string()),
    );
}

fn group(it: &Group) -> Value {
    json!({"GroupId": it.sid, "GroupName": it.name, "Members": it.members})
}

fn user(it: &User) -> Value {
    json!({"CommonName": it.common_name, "GroupIds": it.groups})
}

fn explanation(it: &Explanation) -> Value {
    let mut reasons = Vec::new();
    for way in &it.ways {
        for step in &way.steps {
            reasons.push(reason(&way.association_id, step));
        }
    }
    reasons.push(
        json!({"Step": "verdict", "Passes": it.verdict == Decision::Allow, "Text": it.sentence}),
    );
    json!({"Verdict": it.verdict.as_str(), "Reasons": reasons})
}

fn reason(association: &AssociationId, step: &Step) -> Value {
    let mut shape = Map::new();
    shape.insert("AssociationId".to_owned(), json!(association));
    shape.insert("Step".to_owned(), json!(step.name()));
    shape.insert("Passes".to_owned(), json!(step.passes()));
    shape.insert("Text".to_owned(), json!(step.to_string()));
    match step {
        Step::Source {
            user,
            address,
            groups,
        } => {
            let group = |it: &GroupTitle| json!({"GroupId": it.sid, "GroupName": it.name});
            shape.insert("User".to_owned(), json!(user));
            insert_some(&mut shape, "ClientIp", address.as_ref());
            shape.insert("Groups".to_owned(), list(groups, group));
        }
        Step::Destination { address, .. } => {
            shape.insert("Destination".to_owned(), json!(address));
        }
        Step::Route {
            subnet_id,
            chosen,
            shadowed,
        } => {
            shape.insert("TargetSubnet".to_owned(), json!(subnet_id));
            insert_some(&mut shape, "DestinationCidr", chosen.as_ref());
            shape.insert("Shadowed".to_owned(), json!(shadowed));
        }
        Step::Rules {
            prefix,
            rules,
            shadowed,
        } => {
            insert_some(&mut shape, "DestinationCidr", prefix.as_ref());
            shape.insert("Rules".to_owned(), list(rules, weighed_rule));
            shape.insert("Shadowed".to_owned(), list(shadowed, weighed_rule));
        }
        Step::SecurityGroupOut {
            groups,
            admitted_by,
        } => insert_guard(&mut shape, groups, admitted_by.as_ref()),
        Step::ResourceSecurityGroupIn {
            resource,
            from,
            groups,
            admitted_by,
        } => {
            if let Some(resource) = resource {
                shape.insert("NetworkInterfaceId".to_owned(), json!(resource.id));
                shape.insert("Name".to_owned(), json!(resource.name));
                shape.insert("From".to_owned(), json!(from));
            }
            insert_guard(&mut shape, groups, admitted_by.as_ref());
        }
        Step::Vpc { vpc_id, by } => {
            shape.insert("VpcId".to_owned(), json!(vpc_id));
            match by {
                Some(VpcReach::Local(block)) => {
                    shape.insert("CidrBlock".to_owned(), json!(block));
                }
                Some(VpcReach::InternetGateway) => {
                    shape.insert("Through".to_owned(), json!("internet-gateway"));
                }
                Some(VpcReach::PeeringConnection(id)) => {
                    shape.insert("Through".to_owned(), json!(id));
                }
                Some(VpcReach::VpnConnection(id)) => {
                    shape.insert("Through".to_owned(), json!(id));
                }
                Some(VpcReach::Blackhole(nowhere)) => {
                    shape.insert("Blackhole".to_owned(), json!(nowhere.target.as_str()));
                }
                None => {}
            }
        }
    }
    Value::Object(shape)
}

/// Security groups, and the rule of theirs that admits.
fn insert_guard(
    shape: &mut Map<String, Value>,
    groups: &[SecurityGroupTitle],
    admitted_by: Option<&AdmittingRule>,
) {
    let group = |it: &SecurityGroupTitle| json!({"GroupId": it.id, "GroupName": it.name});
    shape.insert("SecurityGroups".to_owned(), list(groups, group));
    if let Some(rule) = admitted_by {
        let rule = json!({
            "SecurityGroupRuleId": rule.rule_id,
            "GroupId": rule.security_group_id,
            "Text": rule.words,
        });
        shape.insert("AdmittedBy".to_owned(), rule);
    }
}

fn weighed_rule(it: &WeighedRule) -> Value {
    let mut shape = Map::new();
    shape.insert("DestinationCidr".to_owned(), json!(it.destination));
    let group = it.access.group().map_or("", Sid::as_str);
    shape.insert("GroupId".to_owned(), json!(group));
    insert_some(&mut shape, "GroupName", it.group_name.as_ref());
    shape.insert("AccessAll".to_owned(), json!(it.access == Access::AllUsers));
    shape.insert("Description".to_owned(), json!(it.description));
    insert_limits(&mut shape, &it.limits);
    shape.insert("Grants".to_owned(), json!(it.miss.is_none()));
    insert_some(&mut shape, "Because", it.miss);
    Value::Object(shape)
}

fn route(it: &Route) -> Value {
    let mut shape = json!({
        "ClientVpnEndpointId": it.endpoint_id,
        "DestinationCidr": it.destination,
        "TargetSubnet": it.subnet_id,
        "Type": "Nat",
        "Origin": it.origin.as_str(),
        "Status": status(it.state.as_str()),
        "Description": it.description,
    });
    if let Some(shape) = shape.as_object_mut() {
        // Beyond AWS: there only where it was made for each target network.
        insert_some(shape, "AllTargetNetworks", it.for_all.then_some(true));
    }
    shape
}

fn connection(it: &Connection) -> Value {
    let mut status = status(it.state.as_str());
    if let (Some(reason), Some(status)) = (&it.end_reason, status.as_object_mut()) {
        status.insert("Message".to_owned(), json!(reason));
    }
    let mut shape = json!({
        "ClientVpnEndpointId": it.endpoint_id,
        "Timestamp": connection_time(it.counted_at),
        "ConnectionId": it.id,
        "ConnectionEstablishedTime": connection_time(it.established_at),
        // AWS sends all four as text.
        "IngressBytes": it.traffic.ingress_bytes.to_string(),
        "EgressBytes": it.traffic.egress_bytes.to_string(),
        "IngressPackets": it.traffic.ingress_packets.to_string(),
        "EgressPackets": it.traffic.egress_packets.to_string(),
        "ClientIp": it.client_ip,
        "CommonName": it.common_name,
        "Status": status,
        "ConnectionEndTime": it.ended_at.map_or_else(|| "-".to_owned(), connection_time),
        "PostureComplianceStatuses": [],
    });
    if let Some(shape) = shape.as_object_mut() {
        insert_some(shape, "Reconnect", it.reconnect.as_ref());
    }
    shape
}

fn terminations(it: &Terminations) -> Value {
    let statuses: Vec<Value> = it
        .connections
        .iter()
        .map(|one| {
            json!({
                "ConnectionId": one.id,
                "PreviousStatus": status(one.previous.as_str()),
                "CurrentStatus": status(one.current.as_str()),
            })
        })
        .collect();
    let mut shape = Map::new();
    let endpoint = json!(it.client_vpn_endpoint_id);
    shape.insert("ClientVpnEndpointId".to_owned(), endpoint);
    insert_some(&mut shape, "Username", it.username.as_ref());
    shape.insert("ConnectionStatuses".to_owned(), json!(statuses));
    Value::Object(shape)
}

fn attempt(it: &Attempt) -> Value {
    json!({
        "ClientVpnEndpointId": it.endpoint_id,
        "Time": connection_time(it.at),
        "DeviceIp": it.device.ip(),
        "Port": it.device.port(),
        "CommonName": it.common_name,
        "Reason": it.reason,
    })
}

fn settings(it: &Settings) -> Value {
    json!({
        "PublicAddress": it.public_address,
        "Region": it.region,
        "AccountId": it.account_id,
        "RekeySeconds": it.rekey_secs,
        "MaxEndpoints": it.max_endpoints,
        "MaxAuthorizationRules": it.max_rules,
        "MaxRoutes": it.max_routes,
        "MaxConnections": it.max_connections,
        "MaxRevocations": it.max_revocations,
        "EndpointDomain": it.endpoint_domain,
    })
}

/// The status of the installation in one page: a shape of ours.
fn view(it: &View, now: Timestamp) -> Value {
    let (snapshot, gateway) = (&it.snapshot, &it.live.gateway);
    let endpoints: Vec<Value> = snapshot
        .endpoints
        .values()
        .map(|endpoint| {
            let associations: Vec<_> = snapshot.associations_of(&endpoint.id).cloned().collect();
            json!({
                "ClientVpnEndpointId": endpoint.id,
                "Status": status(snapshot.endpoint_state(endpoint).as_str()),
                "TargetNetworks": list(&associations, |it| target_network(it, &endpoint.security_groups)),
            })
        })
        .collect();
    let listeners: Vec<Value> = gateway
        .listeners
        .iter()
        .map(|listener| {
            json!({
                "ClientVpnEndpointId": listener.endpoint_id,
                "TransportProtocol": listener.transport,
                "VpnPort": listener.port,
                "Trouble": listener.trouble,
            })
        })
        .collect();
    let live = it.live.connections.iter();
    json!({
        "Settled": it.is_settled(),
        "ConfigurationNumber": snapshot.seq,
        "Gateway": {
            "Mode": gateway.mode,
            "ModeReason": gateway.mode_reason,
            "Workers": gateway.workers,
            "AppliedNumber": gateway.applied_seq,
            "Listeners": listeners,
            "Warnings": gateway.warnings,
            "Drops": gateway.drops,
            "Unproven": gateway.unproven,
            "UnprovenByPrefix": unproven_prefixes(gateway),
        },
        "ClientVpnEndpoints": endpoints,
        "Notices": list(&notices(snapshot, now), notice),
        "ActiveConnections": live.filter(|c| c.ended_at.is_none()).count(),
    })
}

#[cfg(test)]
mod tests;
