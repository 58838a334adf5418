//! By which way out packets leave, and where sessions go when theirs fails.

use tokio::task::block_in_place;

use super::{
    ask,
    client::Client,
    connect, start,
    world::{World, association_id, endpoint_id, subnet_id, udp},
};
use crate::{
    model::{
        AssociationId, AssociationState, Egress, Route, RouteOrigin, RouteState, Snapshot,
        Transport, network::Via,
    },
    network::EgressId,
    openvpn::{self, ClientConfig, CloseReason, Offer},
    tunnel::TunnelLive,
};

const UDP: openvpn::Transport = openvpn::Transport::Udp;

fn through(interface: &str, nat: bool) -> Egress {
    Egress {
        via: Via::Interface(interface.to_owned()),
        nat,
    }
}

async fn set_egress(world: &World, subnet: u8, egress: Egress) -> Option<String> {
    world.keeper.change(|snapshot| {
        let subnet = snapshot.subnets.get_mut(&subnet_id(subnet)).unwrap();
        subnet.egress = egress;
    });
    settled(world, subnet).await
}

/// What stands in an association's way once the newest snapshot runs.
async fn settled(world: &World, association: u8) -> Option<String> {
    let associations = world.keeper.reconciled().await;
    associations[&association_id(association)].clone()
}

/// No machine has an interface with such a name.
fn missing() -> Egress {
    through("no such one", true)
}

fn bound(live: &TunnelLive, name: &str) -> Option<AssociationId> {
    let mut all = live.connections.iter();
    let of_name = all.find(|connection| connection.common_name == name)?;
    Some(of_name.association_id.clone())
}

async fn is_bound(world: &World, name: &str, association: u8) {
    let what = format!("{name} in association {association}");
    let wanted = Some(association_id(association));
    world.shows(&what, |live| bound(live, name) == wanted).await;
}

fn only_the_second_has_a_route_more(snapshot: &mut Snapshot) {
    snapshot.routes.push(Route {
        endpoint_id: endpoint_id(),
        destination: "10.2.0.0/16".parse().unwrap(),
        subnet_id: subnet_id(2),
        origin: RouteOrigin::AddRoute,
        for_all: false,
        description: String::new(),
        state: RouteState::Creating,
    });
}

fn routes(client: &Client) -> Vec<String> {
    let routes = &client.pushed.as_ref().unwrap().routes;
    routes.iter().map(ToString::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn packets_leave_by_the_egress_of_the_subnet_their_session_is_bound_to() {
    let mut world = World::new(Transport::Udp).await;
    assert_eq!(set_egress(&world, 2, through("lo", true)).await, None);
    let mut clients = ["ada", "bob"].map(|name| connect(&world, UDP, name));
    is_bound(&world, "ada", 1).await;
    is_bound(&world, "bob", 2).await;
    let mut egresses = Vec::new();
    for client in &mut clients {
        assert!(ask(&mut world, client, None).await.is_some());
        let mut wires = world.wires.iter_mut();
        egresses.push(wires.find_map(|wire| wire.egresses.try_recv().ok()));
    }
    assert_eq!(egresses[0], Some(EgressId::DEFAULT));
    assert_eq!(egresses[1], Some(EgressId(1)));

    // The subnet gets another way out; the session takes it with its next packet.
    assert_eq!(set_egress(&world, 2, Egress::default()).await, None);
    assert!(ask(&mut world, &mut clients[1], None).await.is_some());
    let mut wires = world.wires.iter_mut();
    let egress = wires.find_map(|wire| wire.egresses.try_recv().ok());
    assert_eq!(egress, Some(EgressId::DEFAULT));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_whose_egress_fails_moves_to_the_other_zone_and_is_told_its_routes() {
    let mut world = World::new(Transport::Udp).await;
    world.keeper.change(only_the_second_has_a_route_more);
    world.keeper.reconciled().await;
    let mut client = connect(&world, UDP, "ada");
    is_bound(&world, "ada", 1).await;
    assert_eq!(routes(&client), ["10.1.0.0/16"]);

    let trouble = set_egress(&world, 1, missing()).await.unwrap();
    assert!(trouble.contains("no interface no such one"), "{trouble}");
    assert_eq!(settled(&world, 2).await, None);
    is_bound(&world, "ada", 2).await;
    block_in_place(|| {
        client.wait_for("the route", |c| routes(c) == ["10.1.0.0/16", "10.2.0.0/16"]);
    });
    assert!(ask(&mut world, &mut client, None).await.is_some());
    // The policy judges by the routes of the new subnet.
    let there = (std::net::Ipv4Addr::new(10, 2, 0, 9), 53);
    world.keeper.change(|snapshot| {
        let vpc = snapshot.vpcs.values_mut().next().unwrap();
        vpc.cidrs.push("10.2.0.0/16".parse().unwrap());
        let mut rule = snapshot.rules[0].clone();
        rule.destination = "10.2.0.0/16".parse().unwrap();
        snapshot.rules.push(rule);
    });
    world.keeper.reconciled().await;
    let packet = udp((client.address(), 40_001), there, b"question");
    client.send(&packet);
    assert_eq!(world.sent().await.1, packet);

    // It does not move back by itself.
    assert_eq!(set_egress(&world, 1, Egress::default()).await, None);
    assert!(ask(&mut world, &mut client, None).await.is_some());
    is_bound(&world, "ada", 2).await;
    assert_eq!(client.closed, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_client_that_takes_no_changes_is_shown_with_what_it_lacks() {
    let world = World::new(Transport::Udp).await;
    world.keeper.change(only_the_second_has_a_route_more);
    world.keeper.reconciled().await;
    let authority = world.keeper.authority();
    let identity = authority.client("ada");
    let old = |config: &mut ClientConfig| config.push_update = Offer::No;
    let _client = block_in_place(|| {
        let mut client = Client::start_as(UDP, world.port, &authority, &identity, old);
        client.wait_for("the push reply", |c| c.pushed.is_some());
        client
    });
    assert!(set_egress(&world, 1, missing()).await.is_some());
    world
        .shows("what it lacks", |live| {
            let lack = live
                .connections
                .first()
                .and_then(|c| c.reconnect.as_deref());
            lack == Some("Reconnect to get the route 10.2.0.0/16.")
        })
        .await;
    is_bound(&world, "ada", 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn places_are_counted_right_after_sessions_have_moved() {
    let world = World::new(Transport::Udp).await;
    let _first = ["ada", "bob"].map(|name| connect(&world, UDP, name));
    assert!(set_egress(&world, 1, missing()).await.is_some());
    let mut third = connect(&world, UDP, "cyd");
    for name in ["ada", "bob", "cyd"] {
        is_bound(&world, name, 2).await;
    }
    assert_eq!(set_egress(&world, 1, Egress::default()).await, None);
    let _late = ["dan", "eve"].map(|name| connect(&world, UDP, name));
    for name in ["dan", "eve"] {
        is_bound(&world, name, 1).await;
    }
    block_in_place(|| third.leave());
    world.keeper.closed().await;
    let _last = ["fay", "gus"].map(|name| connect(&world, UDP, name));
    world
        .shows("three in each", |live| {
            let of = |number| {
                let all = live.connections.iter();
                all.filter(|c| c.association_id == association_id(number))
                    .count()
            };
            of(1) == 3 && of(2) == 3
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_works_nobody_comes_in_and_who_is_in_waits() {
    let mut world = World::new(Transport::Udp).await;
    let mut client = connect(&world, UDP, "ada");
    is_bound(&world, "ada", 1).await;
    world.keeper.change(|snapshot| {
        for subnet in snapshot.subnets.values_mut() {
            subnet.egress = missing();
        }
    });
    assert!(settled(&world, 1).await.is_some());
    let mut stranger = start(&world, UDP, "bob");
    let end = block_in_place(|| stranger.wait_for_end());
    assert_eq!(
        end,
        CloseReason::AuthFailed(
            "none of this endpoint's target networks can be reached now: This machine has no \
             interface no such one"
                .to_owned()
        )
    );
    world.keeper.refused().await;
    is_bound(&world, "ada", 1).await;
    assert_eq!(set_egress(&world, 1, Egress::default()).await, None);
    assert!(ask(&mut world, &mut client, None).await.is_some());
    is_bound(&world, "ada", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subnet_without_nat_is_refused_by_name_in_user_space() {
    let world = World::new(Transport::Udp).await;
    for egress in [
        through("lo", false),
        Egress {
            nat: false,
            ..Egress::default()
        },
    ] {
        let trouble = set_egress(&world, 1, egress).await.unwrap();
        assert!(
            trouble.contains("user-space network cannot keep clients' own addresses"),
            "{trouble}"
        );
    }
    assert_eq!(settled(&world, 2).await, None);
    let _client = connect(&world, UDP, "ada");
    is_bound(&world, "ada", 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_moves_when_its_association_goes_and_ends_with_the_last() {
    let world = World::new(Transport::Udp).await;
    let mut client = connect(&world, UDP, "ada");
    is_bound(&world, "ada", 1).await;
    let go = |number| {
        world.keeper.change(|snapshot| {
            let going = snapshot.associations.get_mut(&association_id(number));
            going.unwrap().state = AssociationState::Disassociating;
        });
    };
    go(1);
    let associations = world.keeper.reconciled().await;
    assert!(!associations.contains_key(&association_id(1)));
    is_bound(&world, "ada", 2).await;
    block_in_place(|| client.receive(std::time::Duration::from_millis(50)));
    assert_eq!(client.closed, None);
    go(2);
    assert!(world.keeper.reconciled().await.is_empty());
    let end = block_in_place(|| client.wait_for_end());
    assert!(matches!(end, CloseReason::Restarted(_)), "{end:?}");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn an_interface_that_goes_down_moves_its_sessions_before_anybody_looks() {
    use crate::network::tests::namespace::{in_namespace, run};

    let test = "tunnel::tests::egress::an_interface_that_goes_down_moves_its_sessions_before_anybody_looks";
    if block_in_place(|| in_namespace(test)).is_none() {
        return;
    }
    run("ip", "link set lo up");
    run("ip", "link add one type veth peer name far");
    run("ip", "addr add 192.0.2.1/24 dev one");
    for link in ["one", "far"] {
        run("ip", &format!("link set {link} up"));
    }
    let mut world = World::new(Transport::Udp).await;
    set_egress(&world, 1, through("one", true)).await;
    // The kernel says a little later that the link is there.
    works_again(&world, 1).await;
    let mut client = connect(&world, UDP, "ada");
    is_bound(&world, "ada", 1).await;

    let down = std::time::Instant::now();
    run("ip", "link set one down");
    is_bound(&world, "ada", 2).await;
    let took = down.elapsed();
    assert!(
        took < std::time::Duration::from_secs(1),
        "a look comes every two seconds, and this took {took:?}"
    );
    assert!(ask(&mut world, &mut client, None).await.is_some());

    run("ip", "link set one up");
    works_again(&world, 1).await;
    is_bound(&world, "ada", 2).await;
    let _other = connect(&world, UDP, "bob");
    is_bound(&world, "bob", 1).await;
}

/// Waits until the last that was said of an association is that nothing stands in its way.
#[cfg(target_os = "linux")]
async fn works_again(world: &World, association: u8) {
    world
        .keeper
        .until("an association that works", |reports| {
            let last = reports.iter().rev().find_map(|report| match report {
                crate::tunnel::Report::Reconciled { associations, .. } => Some(associations),
                _ => None,
            });
            last.is_some_and(|all| all.get(&association_id(association)) == Some(&None))
        })
        .await;
}
