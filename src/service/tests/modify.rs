//! Changing an endpoint: what stays, what is refused, and two who change it at once.

use super::*;
use crate::model::{
    Code, Endpoint,
    command::{ById, Describe, ModifyClientVpnEndpoint, OfEndpoint},
};

fn modify(endpoint: &EndpointId, change: impl FnOnce(&mut ModifyClientVpnEndpoint)) -> Command {
    let mut command = ModifyClientVpnEndpoint {
        client_vpn_endpoint_id: endpoint.to_string(),
        ..ModifyClientVpnEndpoint::default()
    };
    change(&mut command);
    Command::ModifyClientVpnEndpoint(command)
}

fn kept(bench: &Bench, endpoint: &EndpointId) -> Endpoint {
    bench.service.snapshot().endpoints[endpoint].clone()
}

async fn refused_at(bench: &Bench, command: Command) -> (Code, String) {
    let refusal = bench.refused(command).await;
    (refusal.code, refusal.field.unwrap_or_default())
}

#[tokio::test]
async fn each_field_changes_alone_and_the_rest_stays() {
    let bench = Bench::new().await;
    let endpoint = bench.endpoint().await;
    let mut expected = kept(&bench, &endpoint);

    bench
        .ok(modify(&endpoint, |it| {
            it.description = Some("Mitarbeiter 社員".to_owned());
        }))
        .await;
    expected.description = "Mitarbeiter 社員".to_owned();
    assert_eq!(kept(&bench, &endpoint), expected);

    bench
        .ok(modify(&endpoint, |it| it.vpn_port = Some(1194)))
        .await;
    expected.port = 1194;
    assert_eq!(kept(&bench, &endpoint), expected);

    bench
        .ok(modify(&endpoint, |it| it.split_tunnel = Some(true)))
        .await;
    expected.split_tunnel = true;
    assert_eq!(kept(&bench, &endpoint), expected);

    let servers = vec!["10.1.0.2".to_owned(), "10.1.0.3".to_owned()];
    bench
        .ok(modify(&endpoint, |it| it.dns_servers = Some(servers)))
        .await;
    expected.dns_servers = vec![Ipv4Addr::new(10, 1, 0, 2), Ipv4Addr::new(10, 1, 0, 3)];
    assert_eq!(kept(&bench, &endpoint), expected);

    bench
        .ok(modify(&endpoint, |it| it.dns_servers = Some(Vec::new())))
        .await;
    expected.dns_servers.clear();
    assert_eq!(kept(&bench, &endpoint), expected);
    assert_eq!(
        bench.restarted().await.snapshot().endpoints[&endpoint],
        expected
    );
}

#[tokio::test]
async fn a_change_to_what_is_there_already_changes_nothing() {
    let bench = Bench::new().await;
    let endpoint = bench.endpoint().await;
    let before = bench.service.snapshot();
    let same = before.endpoints[&endpoint].clone();
    bench
        .ok(modify(&endpoint, |it| {
            it.server_certificate_arn = Some(same.server_certificate.to_string());
            it.vpn_port = Some(same.port);
            it.split_tunnel = Some(same.split_tunnel);
            it.connection_log_enabled = Some(false);
        }))
        .await;
    bench.ok(modify(&endpoint, |_| {})).await;
    assert_eq!(bench.service.snapshot().seq, before.seq);
}

#[tokio::test]
async fn another_server_certificate_is_judged_as_at_creation() {
    let bench = Bench::new().await;
    let made = bench.certificates().await;
    let endpoint = bench.endpoint_with(&create_endpoint(&made)).await;
    for wrong in [made.ca.as_str(), made.client.as_str(), "arn:none"] {
        let command = modify(&endpoint, |it| {
            it.server_certificate_arn = Some(wrong.to_owned());
        });
        let at = refused_at(&bench, command).await;
        assert_eq!(
            at,
            (
                Code::InvalidParameterValue,
                "ServerCertificateArn".to_owned()
            )
        );
    }
    let other = bench
        .issue(&made.ca, CertificateUse::Server, "vpn2.example.com")
        .await;
    bench
        .ok(modify(&endpoint, |it| {
            it.server_certificate_arn = Some(other.to_string());
        }))
        .await;
    assert_eq!(kept(&bench, &endpoint).server_certificate, other);
    // The one before is free now, the new one in use.
    bench
        .ok(Command::DeleteCertificate(
            crate::model::command::CertificateName {
                certificate_arn: made.server.to_string(),
            },
        ))
        .await;
}

#[tokio::test]
async fn fields_that_cannot_be_are_refused_at_their_names() {
    let bench = Bench::new().await;
    let made = bench.certificates().await;
    let endpoint = bench.endpoint_with(&create_endpoint(&made)).await;
    let mut second = create_endpoint(&made);
    second.client_cidr_block = "10.5.0.0/22".to_owned();
    second.vpn_port = Some(1194);
    bench.endpoint_with(&second).await;
    let vpc = bench.vpc("10.1.0.0/16").await;
    let overlapping = bench.vpc("10.0.0.0/16").await;
    let text = |text: &str| Some(text.to_owned());
    let invalid = Code::InvalidParameterValue;
    let cases = [
        (
            modify(&endpoint, |it| it.description = text(&"é".repeat(256))),
            (invalid, "Description"),
        ),
        (
            modify(&endpoint, |it| it.vpn_port = Some(1194)),
            (invalid, "VpnPort"),
        ),
        (
            modify(&endpoint, |it| it.vpn_port = Some(0)),
            (invalid, "VpnPort"),
        ),
        (
            modify(&endpoint, |it| {
                it.dns_servers = Some(vec!["1.1.1.1".to_owned(); 3]);
            }),
            (invalid, "DnsServers"),
        ),
        (
            modify(&endpoint, |it| it.security_group_ids = Some(Vec::new())),
            (invalid, "SecurityGroupIds"),
        ),
        (
            modify(&endpoint, |it| it.vpc_id = text("vpc-0a1b2c3d")),
            (Code::VpcNotFound, "VpcId"),
        ),
        (
            modify(&endpoint, |it| it.vpc_id = Some(overlapping.id.to_string())),
            (invalid, "VpcId"),
        ),
        (
            modify(&endpoint, |it| {
                it.vpc_id = Some(vpc.id.to_string());
                it.security_group_ids = Some(Vec::new());
            }),
            (Code::MissingParameter, "SecurityGroupIds"),
        ),
        (
            modify(&EndpointId::from_random([9; 9]), |it| {
                it.split_tunnel = Some(true);
            }),
            (Code::EndpointNotFound, "ClientVpnEndpointId"),
        ),
    ];
    for (command, (code, field)) in cases {
        assert_eq!(refused_at(&bench, command).await, (code, field.to_owned()));
    }
    // One wrong field keeps the right ones from changing.
    let before = kept(&bench, &endpoint);
    bench
        .refused(modify(&endpoint, |it| {
            it.split_tunnel = Some(true);
            it.vpn_port = Some(1194);
        }))
        .await;
    assert_eq!(kept(&bench, &endpoint), before);
}

#[tokio::test]
async fn the_vpc_changes_only_without_target_networks_and_brings_its_default_group() {
    let bench = Bench::new().await;
    let (endpoint, _, association) = bench.associated().await;
    let other = bench.vpc("10.2.0.0/16").await;
    let to_other = || modify(&endpoint, |it| it.vpc_id = Some(other.id.to_string()));
    assert_eq!(
        refused_at(&bench, to_other()).await,
        (Code::InvalidParameterValue, "VpcId".to_owned())
    );
    bench.ok(disassociate(&endpoint, &association.id)).await;
    bench.settle().await;
    bench.ok(to_other()).await;
    let snapshot = bench.service.snapshot();
    let default = snapshot.default_security_group(&other.id).unwrap();
    let now = kept(&bench, &endpoint);
    assert_eq!(now.vpc_id.as_ref(), Some(&other.id));
    assert_eq!(now.security_groups, [default.id.clone()].into());
    // It was chosen: the last association does not take it along.
    let subnet = bench.subnet(&other.id, "10.2.1.0/24").await;
    let association = bench.associate(&endpoint, &subnet.id).await;
    bench.settle().await;
    bench.ok(disassociate(&endpoint, &association.id)).await;
    bench.settle().await;
    assert_eq!(kept(&bench, &endpoint).vpc_id, Some(other.id));
}

#[tokio::test]
async fn the_second_of_two_who_change_an_endpoint_at_once_is_told_of_the_first() {
    let bench = Bench::new().await;
    let endpoint = bench.endpoint().await;
    let seen = bench.service.snapshot().seq;
    let change = |description: &str| {
        modify(&endpoint, |it| {
            it.description = Some(description.to_owned());
            it.seen_seq = Some(seen);
        })
    };
    let (one, other) = tokio::join!(bench.call(change("one")), bench.call(change("other")));
    let refusals: Vec<_> = [one, other].into_iter().filter_map(Result::err).collect();
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    assert_eq!(refusals[0].code, Code::IncorrectState);
    let message = &refusals[0].message;
    assert!(
        message.starts_with(
            "anna has changed the endpoint since you opened it: ModifyClientVpnEndpoint at "
        ),
        "{message}"
    );
    bench.refused(change("late")).await;
    // Who has looked since may.
    let seen = bench.service.snapshot().seq;
    bench
        .ok(modify(&endpoint, |it| {
            it.description = Some("new".to_owned());
            it.seen_seq = Some(seen);
        }))
        .await;
}

#[tokio::test]
async fn what_the_gateway_settles_and_what_is_beside_the_endpoint_is_no_change_of_it() {
    let bench = Bench::new().await;
    let (endpoint, _, association) = bench.associated().await;
    bench.ok(disassociate(&endpoint, &association.id)).await;
    let seen = bench.service.snapshot().seq;
    bench.settle().await;
    assert_eq!(kept(&bench, &endpoint).vpc_id, None);
    bench.vpc("10.9.0.0/16").await;
    bench
        .ok(modify(&endpoint, |it| {
            it.split_tunnel = Some(true);
            it.seen_seq = Some(seen);
        }))
        .await;
}

#[tokio::test]
async fn a_change_is_previewed_without_being_made() {
    let bench = Bench::new().await;
    let (endpoint, ..) = bench.associated().await;
    let before = bench.service.snapshot();
    let command = modify(&endpoint, |it| it.vpn_port = Some(1194));
    let answer = bench.ok(Command::PreviewChange(Box::new(command))).await;
    assert!(matches!(answer, Answer::Preview(_)), "{answer:?}");
    assert_eq!(bench.service.snapshot(), before);
    let command = modify(&endpoint, |it| it.vpn_port = Some(0));
    let refusal = bench
        .refused(Command::PreviewChange(Box::new(command)))
        .await;
    assert_eq!(refusal.field.as_deref(), Some("VpnPort"));
}

#[tokio::test]
async fn an_endpoint_has_a_name_of_its_own_where_there_is_a_domain() {
    let bench = Bench::new().await;
    let made = bench.certificates().await;
    let domain = |text: &str| {
        Command::ModifySettings(crate::model::command::ModifySettings {
            endpoint_domain: Some(text.to_owned()),
            ..Default::default()
        })
    };
    bench.ok(domain("vpn.example.com")).await;
    let answer = bench
        .ok(Command::CreateClientVpnEndpoint(create_endpoint(&made)))
        .await;
    let Answer::EndpointCreated(created) = answer else {
        panic!("{answer:?}")
    };
    let name = format!("{}.vpn.example.com", created.id);
    assert_eq!(created.dns_name, name);
    let described = async || {
        let answer = bench
            .ok(Command::DescribeClientVpnEndpoints(Describe::default()))
            .await;
        let Answer::Endpoints(described) = answer else {
            panic!("{answer:?}")
        };
        described[0].dns_name.clone()
    };
    assert_eq!(described().await, format!("*.{name}"));
    let exported = async || {
        let command = crate::model::command::ExportClientConfiguration {
            client_vpn_endpoint_id: created.id.to_string(),
            ..Default::default()
        };
        let answer = bench
            .ok(Command::ExportClientVpnClientConfiguration(command))
            .await;
        let Answer::ClientConfiguration(file) = answer else {
            panic!("another answer")
        };
        String::from_utf8(file.text.expose().to_vec()).unwrap()
    };
    let file = exported().await;
    assert!(
        file.contains(&format!("remote {name} 443\nremote-random-hostname\n")),
        "{file}"
    );
    let refusal = bench.refused(domain("203.0.113.7")).await;
    assert_eq!(refusal.field.as_deref(), Some("EndpointDomain"));
    bench.ok(domain("")).await;
    assert_eq!(described().await, "192.0.2.10");
    assert!(!exported().await.contains("remote-random-hostname"));
}

#[tokio::test]
async fn the_role_comes_with_the_first_endpoint_and_goes_only_after_the_last() {
    let bench = Bench::new().await;
    let refusal = bench.refused(Command::GetServiceLinkedRole).await;
    assert_eq!(refusal.code, Code::NoSuchEntity);
    let refusal = bench.refused(Command::DeleteServiceLinkedRole).await;
    assert_eq!(refusal.code, Code::NoSuchEntity);
    let endpoint = bench.endpoint().await;
    let answer = bench.ok(Command::GetServiceLinkedRole).await;
    let Answer::ServiceLinkedRole(role) = answer else {
        panic!("{answer:?}")
    };
    assert_eq!(
        role.arn,
        "arn:aws:iam::000000000000:role/aws-service-role/clientvpn.amazonaws.com/AWSServiceRoleForClientVPN"
    );
    assert_eq!(role.actions.len(), 18);
    let refusal = bench.refused(Command::CreateServiceLinkedRole).await;
    assert_eq!(refusal.code, Code::EntityAlreadyExists);

    let delete = async || match bench.ok(Command::DeleteServiceLinkedRole).await {
        Answer::RoleDeletion(deletion) => deletion,
        other => panic!("{other:?}"),
    };
    let failed = delete().await;
    assert_eq!(
        failed.used_by,
        [format!(
            "arn:aws:ec2:local-1:000000000000:client-vpn-endpoint/{endpoint}"
        )]
    );
    assert!(bench.service.snapshot().service_linked_role.is_some());
    bench
        .ok(Command::DeleteClientVpnEndpoint(OfEndpoint {
            client_vpn_endpoint_id: endpoint.to_string(),
        }))
        .await;
    let done = delete().await;
    assert_eq!(done.used_by, Vec::<String>::new());
    assert!(
        bench
            .restarted()
            .await
            .snapshot()
            .service_linked_role
            .is_none()
    );
    for deletion in [failed, done] {
        let asked = crate::model::command::RoleDeletionTask {
            deletion_task_id: deletion.task_id.clone(),
        };
        let answer = bench
            .ok(Command::GetServiceLinkedRoleDeletionStatus(asked))
            .await;
        assert_eq!(answer, Answer::RoleDeletion(deletion));
    }
    let unknown = crate::model::command::RoleDeletionTask {
        deletion_task_id: "task/none".to_owned(),
    };
    let refusal = bench
        .refused(Command::GetServiceLinkedRoleDeletionStatus(unknown))
        .await;
    assert_eq!(refusal.code, Code::NoSuchEntity);
    let answer = bench.ok(Command::CreateServiceLinkedRole).await;
    assert!(matches!(answer, Answer::ServiceLinkedRole(_)), "{answer:?}");
}

#[tokio::test]
async fn an_endpoint_that_is_going_is_changed_no_more() {
    let bench = Bench::new().await;
    let endpoint = bench.endpoint().await;
    bench
        .ok(Command::DeleteClientVpnEndpoint(OfEndpoint {
            client_vpn_endpoint_id: endpoint.to_string(),
        }))
        .await;
    let command = modify(&endpoint, |it| it.split_tunnel = Some(true));
    assert_eq!(bench.refused(command).await.code, Code::EndpointNotFound);
    let vpc = bench.vpc("10.1.0.0/16").await;
    let delete = Command::DeleteVpc(ById {
        id: vpc.id.to_string(),
    });
    bench.ok(delete).await;
}
