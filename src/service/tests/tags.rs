//! Tags of things that are there.

use super::*;
use crate::model::{
    Code, Tags,
    command::{CreateTags, DeleteTags, Describe, Filter, TagDescription},
};

fn pairs(pairs: &[(&str, &str)]) -> Tags {
    let owned = pairs.iter();
    owned
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn create(resources: &[&dyn std::fmt::Display], tags: Tags) -> Command {
    Command::CreateTags(CreateTags {
        resources: resources.iter().map(ToString::to_string).collect(),
        tags,
    })
}

fn delete(resource: &dyn std::fmt::Display, tags: &[(&str, Option<&str>)]) -> Command {
    Command::DeleteTags(DeleteTags {
        resources: vec![resource.to_string()],
        tags: tags
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.map(str::to_owned)))
            .collect(),
    })
}

async fn described(bench: &Bench, name: &str, value: &str) -> Vec<TagDescription> {
    let wanted = Describe {
        ids: Vec::new(),
        filters: vec![Filter {
            name: name.to_owned(),
            values: vec![value.to_owned()],
        }],
    };
    match bench.ok(Command::DescribeTags(wanted)).await {
        Answer::Tags(tags) => tags,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn tags_hang_on_everything_and_are_found_again() {
    let bench = Bench::new().await;
    let (endpoint, subnet, _) = bench.associated().await;
    let snapshot = bench.service.snapshot();
    let group = snapshot.security_groups.keys().next().unwrap();
    let table = snapshot.route_tables.keys().next().unwrap();
    let things: [&dyn std::fmt::Display; 5] = [&endpoint, &subnet.vpc_id, &subnet.id, group, table];
    bench
        .ok(create(&things, pairs(&[("Team", "社員"), ("Empty", "")])))
        .await;
    let found = described(&bench, "tag:Team", "社*").await;
    let mut kinds: Vec<_> = found.iter().map(|tag| tag.resource_type.as_str()).collect();
    kinds.sort_unstable();
    assert_eq!(
        kinds,
        [
            "client-vpn-endpoint",
            "route-table",
            "security-group",
            "subnet",
            "vpc"
        ]
    );
    let of_endpoint = described(&bench, "resource-id", endpoint.as_str()).await;
    assert_eq!(of_endpoint.len(), 2);
    let kept = bench.restarted().await.snapshot();
    assert_eq!(kept.endpoints[&endpoint].tags["Team"], "社員");
    assert_eq!(kept.subnets[&subnet.id].tags["Empty"], "");

    bench
        .ok(create(&[&endpoint], pairs(&[("Team", "ops")])))
        .await;
    let tags = || bench.service.snapshot().endpoints[&endpoint].tags.clone();
    assert_eq!(tags(), pairs(&[("Team", "ops"), ("Empty", "")]));
    // Another value than named stays.
    bench
        .ok(delete(
            &endpoint,
            &[("Team", Some("dev")), ("Empty", None), ("None", None)],
        ))
        .await;
    assert_eq!(tags(), pairs(&[("Team", "ops")]));
    bench.ok(delete(&endpoint, &[])).await;
    assert_eq!(tags(), Tags::new());
}

#[tokio::test]
async fn tags_of_something_that_is_not_there_are_refused_with_its_code() {
    let bench = Bench::new().await;
    let vpc = bench.vpc("10.1.0.0/16").await;
    let none = "0a1b2c3d4e5f60718";
    for (id, code) in [
        (format!("cvpn-endpoint-{none}"), Code::EndpointNotFound),
        (format!("vpc-{none}"), Code::VpcNotFound),
        (format!("subnet-{none}"), Code::SubnetNotFound),
        (format!("igw-{none}"), Code::InternetGatewayNotFound),
        (format!("rtb-{none}"), Code::RouteTableNotFound),
        (format!("pcx-{none}"), Code::PeeringConnectionNotFound),
        (format!("vpn-{none}"), Code::VpnConnectionNotFound),
        (format!("sg-{none}"), Code::SecurityGroupNotFound),
        (format!("eni-{none}"), Code::NetworkInterfaceNotFound),
        (format!("cvpn-assoc-{none}"), Code::InvalidId),
        ("x".to_owned(), Code::InvalidId),
        (String::new(), Code::MissingParameter),
    ] {
        // The thing that is there gets no tag either.
        let refusal = bench
            .refused(create(&[&vpc.id, &id], pairs(&[("Name", "x")])))
            .await;
        assert_eq!(refusal.code, code, "{id}");
        assert_eq!(refusal.field.as_deref(), Some("Resources"), "{id}");
        assert_eq!(bench.refused(delete(&id, &[])).await.code, code, "{id}");
    }
}

#[tokio::test]
async fn tags_keep_aws_limits_also_beside_those_there() {
    let bench = Bench::new().await;
    let vpc = bench.vpc("10.1.0.0/16").await;
    let wrong = [
        pairs(&[("aws:name", "x")]),
        pairs(&[("", "x")]),
        pairs(&[(&"k".repeat(129), "x")]),
        pairs(&[("k", &"v".repeat(257))]),
    ];
    for tags in wrong {
        let refusal = bench.refused(create(&[&vpc.id], tags)).await;
        assert_eq!(refusal.code, Code::InvalidParameterValue);
        assert_eq!(refusal.field.as_deref(), Some("Tags"));
    }
    let refusal = bench.refused(create(&[&vpc.id], Tags::new())).await;
    assert_eq!(refusal.code, Code::MissingParameter);
    let fifty: Tags = (0..50).map(|n| (format!("k{n}"), String::new())).collect();
    bench.ok(create(&[&vpc.id], fifty.clone())).await;
    let refusal = bench
        .refused(create(&[&vpc.id], pairs(&[("one more", "")])))
        .await;
    assert_eq!(refusal.code, Code::TagLimitExceeded);
    // In the place of one that is there it fits.
    bench.ok(create(&[&vpc.id], fifty)).await;
}
