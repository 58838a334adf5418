use egui_kittest::kittest::Queryable as _;

use super::*;
use crate::{
    app::testing::{FakeConsole, Window, sample},
    model::{
        Blackhole, BlackholeCause, IpProtocol, RouteTarget, Step, VpcReach,
        explanation::{ResourceTitle, SecurityGroupTitle},
    },
};

/// Why? as it answers when `step` refuses.
fn refused_by(step: Step) -> Window {
    let (mut snapshot, live) = sample::office();
    snapshot
        .endpoints
        .retain(|id, _| *id == sample::endpoint_id(1));
    let console = FakeConsole::new(snapshot, live);
    console.answer(move |request| match &request.command {
        Command::Why(_) => Some(Ok(Answer::Explanation(Box::new(Explanation {
            verdict: Decision::Deny,
            user: "a.lindqvist".to_owned(),
            connection_id: None,
            sentence: String::new(),
            destination: [10, 1, 1, 10].into(),
            protocol: Some(IpProtocol::Tcp),
            port: Some(443),
            ways: vec![Way {
                association_id: sample::association_id(1),
                subnet_id: sample::subnet_id(1),
                verdict: Decision::Deny,
                refusal: None,
                steps: vec![step.clone()],
            }],
        })))),
        _ => None,
    });
    let mut window = Window::open(console);
    window.go("Why?");
    window.type_into("User", "a.lindqvist");
    window.type_into("Destination address", "10.1.1.10");
    window.press("Explain");
    window
}

fn title(number: u8, name: &str) -> SecurityGroupTitle {
    SecurityGroupTitle {
        id: sample::group_id(number),
        name: name.to_owned(),
    }
}

#[test]
fn a_group_that_lets_nothing_out_leads_to_it_and_to_the_endpoints_groups() {
    let mut window = refused_by(Step::SecurityGroupOut {
        groups: vec![title(3, "vpn-clients")],
        admitted_by: None,
    });
    assert!(window.says("Let it out by the security group vpn-clients"));
    assert!(window.says("An outbound rule for tcp 443 to 10.1.1.10"));
    window.press("Show Security Groups");
    window.harness.get_by_label("Apply Security Groups");
}

#[test]
fn a_resource_that_lets_nothing_in_leads_to_its_group() {
    let mut window = refused_by(Step::ResourceSecurityGroupIn {
        resource: Some(ResourceTitle {
            id: sample::resource_id(1),
            name: "wiki".to_owned(),
        }),
        from: "10.1.1.0/24".parse().unwrap(),
        groups: vec![title(2, "web")],
        admitted_by: None,
    });
    assert!(window.says("from 10.1.1.0/24 or from a security group of the endpoint"));
    window.press("Show web");
    assert!(window.says("What traffic is admitted to and from"));
}

#[test]
fn a_route_that_leads_nowhere_leads_to_the_route_tables() {
    let mut window = refused_by(Step::Vpc {
        vpc_id: sample::vpc_id(1),
        by: Some(VpcReach::Blackhole(Blackhole {
            destination: "10.50.0.0/16".parse().unwrap(),
            target: RouteTarget::PeeringConnection(sample::peering_id()),
            cause: BlackholeCause::Pending,
        })),
    });
    assert!(window.says("Mend the route of office to 10.50.0.0/16"));
    assert!(window.says("which was not accepted yet. Give the route a target"));
    assert!(!window.says("Attach an internet gateway"));
    window.press("Show route tables");
    let role = egui::Role::ComboBox;
    window.harness.get_by_role_and_label(role, "Route table");
    let rows = window.harness.query_all_by_label_contains("0.0.0.0/0");
    assert!(rows.count() > 0, "those of the VPC");
}

#[test]
fn a_vpc_without_a_route_there_is_given_one() {
    let window = refused_by(Step::Vpc {
        vpc_id: sample::vpc_id(2),
        by: None,
    });
    assert!(window.says("Attach an internet gateway to lab"));
    assert!(window.says("Add a route to 10.1.1.10 in lab"));
}

#[test]
fn a_port_that_was_typed_is_not_asked_about_while_the_protocol_has_none() {
    let mut window = refused_by(Step::SecurityGroupOut {
        groups: vec![title(3, "vpn-clients")],
        admitted_by: None,
    });
    let asked = |window: &Window| match window.console.commands().last() {
        Some(Command::Why(why)) => why.port,
        other => panic!("{other:?}"),
    };
    window.choose("Protocol", "TCP");
    window.type_into("Port", "443");
    window.press("Explain");
    assert_eq!(asked(&window), Some(443));
    window.choose("Protocol", "ICMP");
    window.press("Explain");
    assert_eq!(asked(&window), None);
    window.choose("Protocol", "TCP");
    window.press("Explain");
    assert_eq!(asked(&window), Some(443), "it was kept");
}
