use super::{
    connections::{connection, report},
    *,
};
use crate::model::{AssociationState, Connection, EndReason, EndpointState, RouteState};

#[tokio::test]
async fn the_same_report_twice_changes_nothing_the_second_time() {
    let bench = Bench::new().await;
    bench.associated().await;
    let settled = bench.service.snapshot();
    bench.settle().await;
    bench.settle().await;
    assert_eq!(bench.service.snapshot(), settled);
}

#[tokio::test]
async fn a_report_of_an_older_snapshot_leaves_what_came_after_it() {
    let bench = Bench::new().await;
    let endpoint = bench.endpoint().await;
    let vpc = bench.vpc("10.1.0.0/16").await;
    let subnet = bench.subnet(&vpc.id, "10.1.1.0/24").await;
    let seq = bench.service.snapshot().seq;
    let association = bench.associate(&endpoint, &subnet.id).await;
    let report = Report::Reconciled {
        seq,
        associations: BTreeMap::from([(association.id.clone(), None)]),
    };
    bench.service.report(report).await;
    bench.service.flush().await;
    let snapshot = bench.service.snapshot();
    assert_eq!(
        snapshot.associations[&association.id].state,
        AssociationState::Associating
    );
    assert_eq!(snapshot.routes[0].state, RouteState::Creating);
}

#[tokio::test]
async fn a_failed_association_says_why_and_recovers() {
    let bench = Bench::new().await;
    let (endpoint, _, association) = bench.associated().await;
    let reason = "UDP port 443 is in use by another program; stop it or choose another port";
    bench
        .settle_with(BTreeMap::from([(
            association.id.clone(),
            reason.to_owned(),
        )]))
        .await;
    let snapshot = bench.service.snapshot();
    assert_eq!(
        snapshot.associations[&association.id].state,
        AssociationState::Failed {
            reason: reason.to_owned()
        }
    );
    assert_eq!(
        snapshot.endpoint_state(&snapshot.endpoints[&endpoint]),
        EndpointState::PendingAssociate
    );
    bench.settle().await;
    let snapshot = bench.service.snapshot();
    assert_eq!(
        snapshot.associations[&association.id].state,
        AssociationState::Associated
    );
}

#[tokio::test]
async fn the_view_is_settled_once_the_gateway_has_caught_up() {
    let bench = Bench::new().await;
    bench.associated().await;
    let gateway = FakeGateway::new(Some(true));
    bench.service.attach(gateway.clone());
    assert!(!bench.service.view().is_settled());
    let mut views = bench.service.views();
    let seq = bench.service.snapshot().seq;
    gateway
        .live
        .send_modify(|live| Arc::make_mut(live).status.applied_seq = seq);
    views.wait_for(|view| view.is_settled()).await.unwrap();
}

#[tokio::test]
async fn what_the_gateway_said_while_the_disk_was_full_is_kept_once_there_is_room() {
    let bench = Bench::new().await;
    let endpoint = bench.endpoint().await;
    let vpc = bench.vpc("10.1.0.0/16").await;
    let subnet = bench.subnet(&vpc.id, "10.1.1.0/24").await;
    let association = bench.associate(&endpoint, &subnet.id).await;
    let mut snapshots = bench.service.snapshots();
    bench.service.inner.store.refuse_writes(true).await;
    bench.settle().await;
    let state = |snapshot: &crate::model::Snapshot| snapshot.associations[&association.id].clone();
    assert_eq!(
        state(&snapshots.borrow()).state,
        AssociationState::Associating
    );
    bench.service.inner.store.refuse_writes(false).await;
    // The gateway does not say it again.
    snapshots
        .wait_for(|snapshot| state(snapshot).state == AssociationState::Associated)
        .await
        .unwrap();
}

#[tokio::test]
async fn what_clients_did_while_the_disk_was_full_is_kept_once_there_is_room() {
    let bench = Bench::new().await;
    let (endpoint, _, association) = bench.associated().await;
    let live = connection(&endpoint, &association.id, 1);
    bench.service.inner.store.refuse_writes(true).await;
    report(&bench.service, Report::Opened(live.clone())).await;
    let closed = Report::Closed {
        connection: Connection {
            end_reason: Some("The client left".to_owned()),
            ..live.clone()
        },
        reason: EndReason::ClientLeft,
    };
    report(&bench.service, closed).await;
    bench.service.inner.store.refuse_writes(false).await;
    // What comes next is kept, and all that waits with it.
    report(
        &bench.service,
        Report::Opened(connection(&endpoint, &association.id, 2)),
    )
    .await;
    let kept = bench.restarted().await;
    let view = kept.view();
    let found = view.live.connections.iter().find(|it| it.id == live.id);
    let reason = found.and_then(|it| it.end_reason.clone());
    assert_eq!(reason.as_deref(), Some("The client left"), "{found:?}");
}
