//! Groups and memberships, and rules that name them.

use jiff::SignedDuration;

use super::*;
use crate::model::{
    Code, Group, IpProtocol, PortRange, RuleState, Sid, User,
    command::{AuthorizeIngress, CreateGroup, GroupName, Membership, RevokeIngress},
    directory::EXAMPLE_SID,
};

pub(super) fn create_group(name: &str, sid: Option<&str>) -> Command {
    Command::CreateGroup(CreateGroup {
        name: name.to_owned(),
        sid: sid.map(str::to_owned),
    })
}

pub(super) fn membership(sid: &Sid, common_name: &str) -> Membership {
    Membership {
        sid: sid.to_string(),
        common_name: common_name.to_owned(),
    }
}

pub(super) fn authorize(endpoint: &EndpointId, cidr: &str, group: &str) -> AuthorizeIngress {
    AuthorizeIngress {
        client_vpn_endpoint_id: endpoint.to_string(),
        target_network_cidr: cidr.to_owned(),
        access_group_id: Some(group.to_owned()),
        ..AuthorizeIngress::default()
    }
}

fn revoke(endpoint: &EndpointId, cidr: &str, group: &str) -> Command {
    Command::RevokeClientVpnIngress(RevokeIngress {
        client_vpn_endpoint_id: endpoint.to_string(),
        target_network_cidr: cidr.to_owned(),
        access_group_id: Some(group.to_owned()),
        ..RevokeIngress::default()
    })
}

fn delete_group(sid: &Sid) -> Command {
    Command::DeleteGroup(GroupName {
        sid: sid.to_string(),
    })
}

impl Bench {
    pub(super) async fn group(&self, name: &str, members: &[&str]) -> Group {
        let mut made = group(self.ok(create_group(name, None)).await);
        for member in members {
            let add = Command::AddUserToGroup(membership(&made.sid, member));
            made = group(self.ok(add).await);
        }
        made
    }

    async fn authorize(&self, command: AuthorizeIngress) -> Answer {
        self.ok(Command::AuthorizeClientVpnIngress(command)).await
    }
}

fn group(answer: Answer) -> Group {
    match answer {
        Answer::Group(group) => group,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn groups_and_memberships_are_kept_and_listed() {
    let bench = Bench::new().await;
    let made = bench.group("Engineering", &["bob", "alice"]).await;
    assert!(made.sid.as_str().starts_with("S-1-5-21-"));
    let given = group(bench.ok(create_group("Managers", Some(EXAMPLE_SID))).await);
    assert_eq!(given.sid.as_str(), EXAMPLE_SID);
    let left = bench.ok(Command::RemoveUserFromGroup(membership(&made.sid, "bob")));
    assert_eq!(group(left.await).members, ["alice".to_owned()].into());

    let restarted = bench.restarted().await;
    let groups = &restarted.snapshot().groups;
    assert_eq!(groups.len(), 2);
    assert_eq!(groups[&made.sid].members, ["alice".to_owned()].into());
    let Answer::Groups(listed) = bench.ok(Command::DescribeGroups).await else {
        panic!();
    };
    assert_eq!(listed.len(), 2);
}

#[tokio::test]
async fn users_are_members_and_holders_of_client_certificates() {
    let bench = Bench::new().await;
    bench.certificates().await;
    let group = bench.group("Engineering", &["alice"]).await;
    let Answer::Users(users) = bench.ok(Command::DescribeUsers).await else {
        panic!();
    };
    let user = |name: &str, groups: Vec<Sid>| User {
        common_name: name.to_owned(),
        groups,
    };
    assert_eq!(
        users,
        [user("alice", vec![group.sid]), user("client1", vec![])]
    );
}

#[tokio::test]
async fn a_name_or_sid_that_is_taken_or_malformed_is_refused_at_its_field() {
    let bench = Bench::new().await;
    bench
        .ok(create_group("Engineering", Some(EXAMPLE_SID)))
        .await;
    let cases = [
        (
            create_group("Engineering", None),
            "Name",
            Code::InvalidParameterValue,
        ),
        (
            create_group("Others", Some(EXAMPLE_SID)),
            "Sid",
            Code::InvalidParameterValue,
        ),
        (
            create_group("Others", Some("S-1-x")),
            "Sid",
            Code::InvalidParameterValue,
        ),
        (create_group(" ", None), "Name", Code::MissingParameter),
        (
            create_group("a\nb", None),
            "Name",
            Code::InvalidParameterValue,
        ),
        (
            create_group(&"a".repeat(257), None),
            "Name",
            Code::InvalidParameterValue,
        ),
    ];
    for (command, field, code) in cases {
        let refusal = bench.refused(command.clone()).await;
        assert_eq!(refusal.field.as_deref(), Some(field), "{command:?}");
        assert_eq!(refusal.code, code, "{command:?}");
    }
}

#[tokio::test]
async fn a_membership_that_exists_is_not_made_and_one_that_does_not_is_not_ended() {
    let bench = Bench::new().await;
    let group = bench.group("Engineering", &["alice"]).await;
    let twice = bench.refused(Command::AddUserToGroup(membership(&group.sid, "alice")));
    assert_eq!(twice.await.field.as_deref(), Some("CommonName"));
    let none = bench.refused(Command::RemoveUserFromGroup(membership(&group.sid, "bob")));
    assert_eq!(none.await.cure.as_deref(), Some("alice"));
    let unknown = bench.refused(Command::AddUserToGroup(Membership {
        sid: EXAMPLE_SID.to_owned(),
        common_name: "bob".to_owned(),
    }));
    let unknown = unknown.await;
    assert_eq!(unknown.field.as_deref(), Some("Sid"));
    assert!(unknown.message.contains(group.sid.as_str()), "{unknown}");
}

#[tokio::test]
async fn a_rule_for_a_group_that_is_unknown_names_those_that_are_known() {
    let bench = Bench::new().await;
    let (endpoint, ..) = bench.associated().await;
    let command =
        |sid: &str| Command::AuthorizeClientVpnIngress(authorize(&endpoint, "10.1.0.0/16", sid));
    let refusal = bench.refused(command(EXAMPLE_SID)).await;
    assert!(refusal.message.contains("create one first"), "{refusal}");
    let group = bench.group("Engineering", &[]).await;
    for command in [
        command(EXAMPLE_SID),
        revoke(&endpoint, "10.1.0.0/16", EXAMPLE_SID),
    ] {
        let refusal = bench.refused(command).await;
        assert_eq!(refusal.code, Code::InvalidParameterValue);
        assert_eq!(refusal.field.as_deref(), Some("AccessGroupId"));
        assert_eq!(refusal.cure.as_deref(), Some(group.sid.as_str()));
        assert!(refusal.message.contains("Engineering"), "{refusal}");
    }
}

#[tokio::test]
async fn rules_for_everyone_and_for_each_group_of_a_network_are_apart() {
    let bench = Bench::new().await;
    let (endpoint, ..) = bench.associated().await;
    let one = bench.group("One", &[]).await.sid;
    let two = bench.group("Two", &[]).await.sid;
    for sid in [&one, &two] {
        bench
            .authorize(authorize(&endpoint, "10.1.0.0/16", sid.as_str()))
            .await;
    }
    let everyone = AuthorizeIngress {
        authorize_all_groups: true,
        access_group_id: None,
        ..authorize(&endpoint, "10.1.0.0/16", "")
    };
    bench.authorize(everyone).await;
    let again =
        Command::AuthorizeClientVpnIngress(authorize(&endpoint, "10.1.0.0/16", one.as_str()));
    assert_eq!(bench.refused(again).await.code, Code::DuplicateRule);

    bench.settle().await;
    bench
        .ok(revoke(&endpoint, "10.1.0.0/16", one.as_str()))
        .await;
    let state = |sid: Option<&Sid>| {
        let snapshot = bench.service.snapshot();
        let rule = snapshot
            .rules
            .iter()
            .find(|rule| rule.access.group() == sid);
        rule.map(|rule| rule.state)
    };
    assert_eq!(state(Some(&one)), Some(RuleState::Revoking));
    assert_eq!(state(Some(&two)), Some(RuleState::Active));
    assert_eq!(state(None), Some(RuleState::Active));
    bench.settle().await;
    assert_eq!(state(Some(&one)), None);
    let gone = revoke(&endpoint, "10.1.0.0/16", one.as_str());
    assert_eq!(bench.refused(gone).await.code, Code::RuleNotFound);
}

#[tokio::test]
async fn a_group_goes_only_when_no_rule_names_it_any_more() {
    let bench = Bench::new().await;
    let (endpoint, ..) = bench.associated().await;
    let sid = bench.group("Engineering", &["alice"]).await.sid;
    bench
        .authorize(authorize(&endpoint, "10.1.0.0/16", sid.as_str()))
        .await;
    let refusal = bench.refused(delete_group(&sid)).await;
    assert_eq!(refusal.code, Code::DependencyViolation);
    assert!(refusal.message.contains("10.1.0.0/16"), "{refusal}");
    assert!(refusal.message.contains(endpoint.as_str()), "{refusal}");
    bench
        .ok(revoke(&endpoint, "10.1.0.0/16", sid.as_str()))
        .await;
    // Revoked is enough, whether or not the gateway has confirmed it.
    bench.ok(delete_group(&sid)).await;
    assert!(bench.service.snapshot().groups.is_empty());
    assert!(bench.service.snapshot().rules.is_empty());
    assert_eq!(
        bench.refused(delete_group(&sid)).await.field.as_deref(),
        Some("Sid")
    );
}

#[tokio::test]
async fn limits_are_kept_with_the_rule() {
    let bench = Bench::new().await;
    let (endpoint, ..) = bench.associated().await;
    let sid = bench.group("Engineering", &[]).await.sid;
    let end = clock::now() + SignedDuration::from_hours(1);
    let limited = AuthorizeIngress {
        protocol: Some("TCP".to_owned()),
        from_port: Some(443),
        to_port: Some(443),
        expires_at: Some(end.to_string()),
        ..authorize(&endpoint, "10.1.0.0/16", sid.as_str())
    };
    bench.authorize(limited).await;
    let restarted = bench.restarted().await;
    let rule = restarted.snapshot().rules[0].clone();
    assert_eq!(rule.limits.protocol, Some(IpProtocol::Tcp));
    assert_eq!(rule.limits.ports, Some(PortRange { from: 443, to: 443 }));
    assert_eq!(rule.limits.expires_at, Some(end));
    assert_eq!(rule.access.group(), Some(&sid));
}

#[tokio::test]
async fn limits_that_cannot_be_are_refused_at_their_field() {
    let bench = Bench::new().await;
    let (endpoint, ..) = bench.associated().await;
    let base = || AuthorizeIngress {
        authorize_all_groups: true,
        access_group_id: None,
        ..authorize(&endpoint, "10.1.0.0/16", "")
    };
    let text = |text: &str| Some(text.to_owned());
    let cases = [
        (
            AuthorizeIngress {
                protocol: text("gre"),
                ..base()
            },
            "Protocol",
        ),
        (
            AuthorizeIngress {
                from_port: Some(1),
                to_port: Some(2),
                ..base()
            },
            "Protocol",
        ),
        (
            AuthorizeIngress {
                protocol: text("icmp"),
                from_port: Some(1),
                to_port: Some(2),
                ..base()
            },
            "Protocol",
        ),
        (
            AuthorizeIngress {
                protocol: text("tcp"),
                from_port: Some(2),
                to_port: Some(1),
                ..base()
            },
            "ToPort",
        ),
        (
            AuthorizeIngress {
                protocol: text("tcp"),
                from_port: Some(2),
                ..base()
            },
            "ToPort",
        ),
        (
            AuthorizeIngress {
                protocol: text("tcp"),
                to_port: Some(2),
                ..base()
            },
            "FromPort",
        ),
        (
            AuthorizeIngress {
                expires_at: text("Friday"),
                ..base()
            },
            "ExpiresAt",
        ),
        (
            AuthorizeIngress {
                expires_at: text("2001-01-01T00:00:00Z"),
                ..base()
            },
            "ExpiresAt",
        ),
    ];
    for (command, field) in cases {
        let refusal = bench
            .refused(Command::AuthorizeClientVpnIngress(command.clone()))
            .await;
        assert_eq!(refusal.field.as_deref(), Some(field), "{command:?}");
        assert!(refusal.cure.is_some(), "{command:?}");
    }
}
