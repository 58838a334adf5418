use super::*;
use crate::model::{
    Code,
    command::{ById, Describe, ExportClientConfiguration, LookupAttribute, Why},
    scenario::DescribeScenario,
};

fn create_vpc(cidr: &str) -> Command {
    Command::CreateVpc(CreateVpc {
        cidr_block: cidr.to_owned(),
        ..CreateVpc::default()
    })
}

fn with_token(command: Command, token: &str) -> Request {
    Request {
        client_token: Some(token.to_owned()),
        ..Request::from(command)
    }
}

#[tokio::test]
async fn a_change_is_recorded_with_who_what_and_whom_it_concerned() {
    let bench = Bench::new().await;
    let vpc = bench.vpc("10.1.0.0/16").await;
    let events = bench.events().await;
    let [event] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!(event.seq, 1);
    assert_eq!(
        (event.caller.as_str(), event.face.as_str()),
        ("anna", "cli")
    );
    assert_eq!(event.action, "CreateVpc");
    assert_eq!(event.resources, [vpc.id.to_string()]);
    assert_eq!(event.parameters["cidr_block"], "10.1.0.0/16");
    assert_eq!(event.outcome, Outcome::Allowed);
}

#[tokio::test]
async fn reads_are_recorded_and_looking_at_the_status_or_the_record_is_not() {
    let bench = Bench::new().await;
    bench.ok(Command::DescribeVpcs(Describe::default())).await;
    bench.ok(Command::DescribeStatus).await;
    let record = LookupEvents::default();
    bench.ok(Command::LookupEvents(record)).await;
    let actions: Vec<_> = bench.events().await.into_iter().map(|e| e.action).collect();
    assert_eq!(actions, ["DescribeVpcs"]);
}

#[tokio::test]
async fn events_are_listed_newest_first_up_to_a_limit() {
    let bench = Bench::new().await;
    for n in 1..=3 {
        bench.vpc(&format!("10.{n}.0.0/16")).await;
    }
    let look_up = |max_results| {
        Command::LookupEvents(LookupEvents {
            max_results,
            ..LookupEvents::default()
        })
    };
    let Answer::Events(page) = bench.ok(look_up(Some(2))).await else {
        panic!()
    };
    assert_eq!(
        page.events.iter().map(|e| e.seq).collect::<Vec<_>>(),
        [3, 2]
    );
    for wrong in [0, 1001] {
        let refusal = bench.refused(look_up(Some(wrong))).await;
        assert_eq!(refusal.field.as_deref(), Some("MaxResults"));
    }
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_and_changes_nothing() {
    let bench = Bench::new().await;
    let before = bench.service.snapshot();
    let good = dry_run(create_vpc("10.1.0.0/16"));
    let refusal = bench.service.call(&bench.caller, good).await.unwrap_err();
    assert_eq!(refusal.code, Code::DryRunOperation);
    let bad = dry_run(create_vpc("10.1.0.0/30"));
    let refusal = bench.service.call(&bench.caller, bad).await.unwrap_err();
    assert_eq!(refusal.code, Code::VpcRange);
    let read = dry_run(Command::DescribeVpcs(Describe::default()));
    let refusal = bench.service.call(&bench.caller, read).await.unwrap_err();
    assert_eq!(refusal.code, Code::DryRunOperation);
    assert_eq!(bench.service.snapshot(), before);
}

#[tokio::test]
async fn a_field_judged_in_the_window_leaves_no_line_in_the_record() {
    let bench = Bench::new().await;
    let window = Caller {
        face: Face::Window,
        ..bench.caller.clone()
    };
    let judged = dry_run(create_vpc("10.1.0.0/30"));
    bench.service.call(&window, judged).await.unwrap_err();
    bench.service.flush().await;
    assert_eq!(bench.events().await, []);
    let asked = create_vpc("10.1.0.0/30").into();
    bench.service.call(&window, asked).await.unwrap_err();
    bench.service.flush().await;
    assert_eq!(bench.events().await.len(), 1);
}

#[tokio::test]
async fn what_the_window_asks_again_by_itself_leaves_no_line_in_the_record() {
    let bench = Bench::new().await;
    let (endpoint, ..) = bench.associated().await;
    let before = bench.events().await.len();
    let questions = [
        Command::Why(Why {
            client_vpn_endpoint_id: endpoint.to_string(),
            user: Some("alice".to_owned()),
            destination: "10.1.1.9".to_owned(),
            ..Why::default()
        }),
        Command::DescribeScenario(DescribeScenario {
            client_vpn_endpoint_id: endpoint.to_string(),
            ..DescribeScenario::default()
        }),
    ];
    let window = Caller {
        face: Face::Window,
        ..bench.caller.clone()
    };
    for (caller, lines) in [(&window, 0), (&bench.caller, 2)] {
        for question in &questions {
            let asked = question.clone().into();
            bench.service.call(caller, asked).await.unwrap();
        }
        bench.service.flush().await;
        assert_eq!(bench.events().await.len(), before + lines);
    }
}

#[tokio::test]
async fn a_token_has_its_first_answer_again_also_after_a_restart() {
    let bench = Bench::new().await;
    let request = with_token(create_vpc("10.1.0.0/16"), "token-1");
    let first = bench
        .service
        .call(&bench.caller, request.clone())
        .await
        .unwrap();
    let again = bench
        .service
        .call(&bench.caller, request.clone())
        .await
        .unwrap();
    assert_eq!(first, again);
    let judged = Request {
        dry_run: true,
        ..request.clone()
    };
    let judged = bench.service.call(&bench.caller, judged).await.unwrap_err();
    assert_eq!(judged.code, Code::DryRunOperation);
    let restarted = bench.restarted().await;
    let later = restarted.call(&bench.caller, request).await.unwrap();
    assert_eq!(first, later);
    assert_eq!(restarted.snapshot().vpcs.len(), 1);

    let other = with_token(create_vpc("10.2.0.0/16"), "token-1");
    let refusal = restarted.call(&bench.caller, other).await.unwrap_err();
    assert_eq!(refusal.code, Code::IdempotentParameterMismatch);
    assert_eq!(restarted.snapshot().vpcs.len(), 1);
}

#[tokio::test]
async fn a_refused_command_does_not_use_its_token_up() {
    let bench = Bench::new().await;
    let bad = with_token(create_vpc("10.1.0.0/30"), "token-1");
    bench.service.call(&bench.caller, bad).await.unwrap_err();
    let good = with_token(create_vpc("10.1.0.0/16"), "token-1");
    bench.service.call(&bench.caller, good).await.unwrap();
}

#[tokio::test]
async fn a_token_that_cannot_be_one_is_refused() {
    let bench = Bench::new().await;
    for token in ["", "a b", &"x".repeat(65)] {
        let request = with_token(create_vpc("10.1.0.0/16"), token);
        let refusal = bench
            .service
            .call(&bench.caller, request)
            .await
            .unwrap_err();
        assert_eq!(refusal.field.as_deref(), Some("ClientToken"));
    }
}

#[tokio::test]
async fn a_handed_out_key_is_not_kept_for_its_token() {
    let bench = Bench::new().await;
    let made = bench.certificates().await;
    let endpoint = bench.endpoint_with(&create_endpoint(&made)).await;
    let export = Command::ExportClientVpnClientConfiguration(ExportClientConfiguration {
        client_vpn_endpoint_id: endpoint.to_string(),
        client_certificate_arn: Some(made.client.to_string()),
    });
    let request = with_token(export, "token-1");
    bench.service.call(&bench.caller, request).await.unwrap();
    // The token is still free for another command.
    let other = with_token(create_vpc("10.1.0.0/16"), "token-1");
    bench.service.call(&bench.caller, other).await.unwrap();
}

#[tokio::test]
async fn commands_at_the_same_time_are_all_carried_out_once() {
    let bench = Bench::new().await;
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..20 {
        let (service, caller) = (bench.service.clone(), bench.caller.clone());
        let command = create_vpc(&format!("10.{n}.0.0/16"));
        calls.spawn(async move { service.call(&caller, command.into()).await });
    }
    for answer in calls.join_all().await {
        answer.unwrap();
    }
    assert_eq!(bench.service.snapshot().vpcs.len(), 20);
    assert_eq!(bench.restarted().await.snapshot(), bench.service.snapshot());
}

#[tokio::test]
async fn the_new_configuration_is_published_when_the_answer_is_there() {
    let bench = Bench::new().await;
    let (mut snapshots, mut views) = (bench.service.snapshots(), bench.service.views());
    snapshots.mark_unchanged();
    views.mark_unchanged();
    let vpc = bench.vpc("10.1.0.0/16").await;
    assert!(snapshots.has_changed().unwrap());
    assert!(snapshots.borrow().vpcs.contains_key(&vpc.id));
    assert!(views.borrow().snapshot.vpcs.contains_key(&vpc.id));
}

#[tokio::test]
async fn lines_of_refusals_and_reads_that_do_not_fit_are_counted_and_told() {
    let bench = Bench::new().await;
    // Nothing is written meanwhile: this test's one thread does not wait for anything.
    for _ in 0..1100 {
        let refusal = Refusal::new(Code::VpcNotFound, "no");
        bench.service.record(crate::service::events::refused(
            &bench.caller,
            "DeleteVpc",
            serde_json::Value::Null,
            &refusal,
            clock::now(),
        ));
    }
    bench.service.flush().await;
    assert_eq!(bench.events().await.len(), 1000);
    let warnings = bench.service.view().live.gateway.warnings.clone();
    assert!(warnings[0].starts_with("76 lines"), "{warnings:?}");
}

#[tokio::test]
async fn events_are_found_by_what_they_concerned() {
    let bench = Bench::new().await;
    let vpc = bench.vpc("10.1.0.0/16").await;
    let other = bench.vpc("10.2.0.0/16").await;
    let subnet = bench.subnet(&vpc.id, "10.1.1.0/24").await;
    bench.subnet(&other.id, "10.2.1.0/24").await;
    bench
        .ok(Command::DeleteSubnet(ById {
            id: subnet.id.to_string(),
        }))
        .await;
    let about = async |resource: &str, max_results| {
        let command = Command::LookupEvents(LookupEvents {
            lookup_attributes: vec![LookupAttribute {
                key: "ResourceName".to_owned(),
                value: resource.to_owned(),
            }],
            max_results: Some(max_results),
            ..LookupEvents::default()
        });
        match bench.ok(command).await {
            Answer::Events(page) => page.events.into_iter().map(|it| it.action).collect(),
            other => panic!("{other:?}"),
        }
    };
    let found: Vec<_> = about(subnet.id.as_str(), 10).await;
    assert_eq!(found, ["DeleteSubnet", "CreateSubnet"]);
    let found: Vec<_> = about(subnet.id.as_str(), 1).await;
    assert_eq!(found, ["DeleteSubnet"], "the newest first");
    let found: Vec<_> = about("subnet-00000000000000000", 10).await;
    assert!(found.is_empty(), "{found:?}");
}

#[tokio::test]
async fn of_a_message_that_quotes_what_was_typed_the_record_keeps_the_beginning() {
    let bench = Bench::new().await;
    let typed = "ü".repeat(1 << 20);
    let command = Command::CreateVpc(CreateVpc {
        cidr_block: typed,
        ..CreateVpc::default()
    });
    bench.call(command).await.unwrap_err();
    let events = bench.events().await;
    let Outcome::Refused { message, .. } = &events[0].outcome else {
        panic!("{events:?}")
    };
    assert!(message.len() < 4096, "{} bytes", message.len());
}
