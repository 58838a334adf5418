//! How packets leave for a subnet: what is kept, and what this machine does not have.

use super::*;
use crate::model::{
    Code, Egress, Via,
    command::{EgressChoice, ModifySubnetEgress},
};

fn modify(subnet: &SubnetId, egress: EgressChoice) -> Command {
    Command::ModifySubnetEgress(ModifySubnetEgress {
        subnet_id: subnet.to_string(),
        egress,
    })
}

fn through(interface: &str) -> EgressChoice {
    EgressChoice {
        interface: Some(interface.to_owned()),
        ..EgressChoice::default()
    }
}

fn from(address: &str) -> EgressChoice {
    EgressChoice {
        source_address: Some(address.to_owned()),
        ..EgressChoice::default()
    }
}

#[tokio::test]
async fn a_subnet_leaves_by_the_interface_or_the_address_that_was_chosen() {
    let bench = Bench::new().await;
    let vpc = bench.vpc("10.1.0.0/16").await;
    let command = CreateSubnet {
        vpc_id: vpc.id.to_string(),
        cidr_block: "10.1.1.0/24".to_owned(),
        egress: Some(EgressChoice {
            nat: Some(false),
            ..through("eth1")
        }),
        ..CreateSubnet::default()
    };
    let Answer::Subnet(subnet) = bench.ok(Command::CreateSubnet(command)).await else {
        panic!("no subnet");
    };
    let kept = || bench.service.snapshot().subnets[&subnet.id].egress.clone();
    let expected = |via, nat| Egress { via, nat };
    assert_eq!(kept(), expected(Via::Interface("eth1".to_owned()), false));

    bench.ok(modify(&subnet.id, from("10.7.0.1"))).await;
    let via = Via::SourceAddress("10.7.0.1".parse().unwrap());
    assert_eq!(kept(), expected(via, true));
    let again = bench.restarted().await.snapshot();
    assert_eq!(again.subnets[&subnet.id].egress, kept());

    bench.ok(modify(&subnet.id, EgressChoice::default())).await;
    assert_eq!(kept(), Egress::default());
}

#[tokio::test]
async fn what_the_machine_does_not_have_is_refused_with_what_it_has() {
    let bench = Bench::new().await;
    let (_, subnet, _) = bench.associated().await;
    let no_interface = bench.refused(modify(&subnet.id, through("eth9"))).await;
    assert_eq!(no_interface.code, Code::InvalidParameterValue);
    assert_eq!(no_interface.field.as_deref(), Some("EgressInterface"));
    assert_eq!(no_interface.cure.as_deref(), Some("eth0"));
    assert!(no_interface.message.contains("eth0, eth1, mixed0, small0"));

    for text in ["10.7.0.2", "eth1"] {
        let no_address = bench.refused(modify(&subnet.id, from(text))).await;
        assert_eq!(no_address.field.as_deref(), Some("EgressSourceAddress"));
        assert_eq!(no_address.cure.as_deref(), Some("10.7.0.1"));
    }
    let both = EgressChoice {
        interface: Some("eth1".to_owned()),
        ..from("10.7.0.1")
    };
    let both = bench.refused(modify(&subnet.id, both)).await;
    assert_eq!(both.code, Code::InvalidParameterCombination);
}

#[tokio::test]
async fn nat_stays_on_while_the_gateway_opens_connections_itself() {
    let bench = Bench::new().await;
    let (_, subnet, _) = bench.associated().await;
    let without = EgressChoice {
        nat: Some(false),
        ..EgressChoice::default()
    };
    // No gateway runs: nobody knows yet that it could not.
    bench.ok(modify(&subnet.id, without.clone())).await;
    bench.service.attach(FakeGateway::new(None));
    let refusal = bench.refused(modify(&subnet.id, without)).await;
    assert_eq!(refusal.field.as_deref(), Some("EgressNat"));
    assert_eq!(refusal.cure.as_deref(), Some("true"));
    assert!(refusal.message.contains("user-space"), "{refusal}");
    bench.ok(modify(&subnet.id, EgressChoice::default())).await;
}

#[tokio::test]
async fn three_zones_are_offered_beside_those_in_use() {
    let bench = Bench::new().await;
    let zones = || async {
        match bench.ok(Command::DescribeAvailabilityZones).await {
            Answer::AvailabilityZones(zones) => zones,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(zones().await, ["local-1a", "local-1b", "local-1c"]);
    let vpc = bench.vpc("10.1.0.0/16").await;
    let command = CreateSubnet {
        vpc_id: vpc.id.to_string(),
        cidr_block: "10.1.1.0/24".to_owned(),
        availability_zone: Some("attic-1".to_owned()),
        ..CreateSubnet::default()
    };
    bench.ok(Command::CreateSubnet(command)).await;
    let expected = ["attic-1", "local-1a", "local-1b", "local-1c"];
    assert_eq!(zones().await, expected);
}
