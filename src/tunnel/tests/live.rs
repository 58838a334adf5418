//! What changes while clients are connected.

use std::net::Ipv4Addr;

use tokio::task::block_in_place;

use super::{
    client::{self, Client},
    connect, start,
    world::{World, endpoint_id, subnet_id},
};
use crate::{
    model::{Route, RouteOrigin, RouteState, Snapshot, Transport},
    openvpn::{self, ClientConfig, CloseReason, Offer},
    tunnel::Gateway as _,
};

fn route(destination: &str, subnet: u8) -> Route {
    Route {
        endpoint_id: endpoint_id(),
        destination: destination.parse().unwrap(),
        subnet_id: subnet_id(subnet),
        origin: RouteOrigin::AddRoute,
        for_all: false,
        description: String::new(),
        state: RouteState::Creating,
    }
}

fn add_route(snapshot: &mut Snapshot) {
    for subnet in [1, 2] {
        snapshot.routes.push(route("10.2.0.0/16", subnet));
    }
}

fn set_dns(snapshot: &mut Snapshot, servers: &[Ipv4Addr]) {
    let endpoint = snapshot.endpoints.get_mut(&endpoint_id()).unwrap();
    endpoint.dns_servers = servers.to_vec();
}

/// A client that cannot be told anything new while it is connected.
fn connect_old(world: &World, name: &str) -> Client {
    let authority = world.keeper.authority();
    let identity = authority.client(name);
    let old = |config: &mut ClientConfig| config.push_update = Offer::No;
    let udp = openvpn::Transport::Udp;
    block_in_place(|| {
        let mut client = Client::start_as(udp, world.port, &authority, &identity, old);
        client.wait_for("the push reply", |c| c.pushed.is_some());
        client
    })
}

fn routes(client: &Client) -> Vec<String> {
    let routes = &client.pushed.as_ref().unwrap().routes;
    routes.iter().map(ToString::to_string).collect()
}

async fn takes_changes(transport: Transport, link: openvpn::Transport) {
    let world = World::new(transport).await;
    let mut client = connect(&world, link, "ada");
    assert_eq!(routes(&client), ["10.1.0.0/16"]);
    world.keeper.change(add_route);
    block_in_place(|| {
        client.wait_for("the route", |c| routes(c) == ["10.1.0.0/16", "10.2.0.0/16"]);
    });
    let other = Ipv4Addr::new(10, 1, 0, 3);
    world.keeper.change(|snapshot| {
        snapshot
            .routes
            .retain(|r| r.destination.to_string() != "10.2.0.0/16");
        set_dns(snapshot, &[other]);
    });
    block_in_place(|| client.wait_for("the route's end", |c| routes(c) == ["10.1.0.0/16"]));
    // Routes are told; other resolvers are put in place by clients on Windows only.
    let lack = format!("Reconnect to use the DNS server {other}.");
    world
        .shows("what it lacks", |live| {
            live.connections[0].reconnect.as_deref() == Some(lack.as_str())
        })
        .await;
    world.keeper.change(|snapshot| {
        snapshot.routes.clear();
        set_dns(snapshot, &[Ipv4Addr::new(10, 1, 0, 2)]);
    });
    block_in_place(|| client.wait_for("nothing", |c| routes(c).is_empty()));
    world
        .shows("that it lacks nothing", |live| {
            live.connections.len() == 1 && live.connections[0].reconnect.is_none()
        })
        .await;
    assert_eq!(client.closed, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_change_under_a_udp_client_that_takes_it() {
    takes_changes(Transport::Udp, openvpn::Transport::Udp).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_change_under_a_tcp_client_that_takes_it() {
    takes_changes(Transport::Tcp, openvpn::Transport::Tcp).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_comes_while_another_is_on_its_way_waits_for_a_pause_too() {
    let world = World::new(Transport::Udp).await;
    let mut client = connect(&world, openvpn::Transport::Udp, "ada");
    let add = |destination: &str| {
        world.keeper.change(|snapshot| {
            for subnet in [1, 2] {
                snapshot.routes.push(route(destination, subnet));
            }
        });
    };
    block_in_place(|| client.go_on(std::time::Duration::from_millis(200)));
    add("10.2.0.0/16");
    // It lies there, and nobody has acknowledged it.
    block_in_place(|| client.wait_for_packet());
    let begin = std::time::Instant::now();
    add("10.3.0.0/16");
    world.keeper.reconciled().await;
    block_in_place(|| client.wait_for("both", |c| routes(c).len() == 3));
    let took = begin.elapsed();
    assert!(took >= std::time::Duration::from_millis(500), "{took:?}");
    assert_eq!(client.updates, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_no_changes_is_shown_with_what_it_lacks() {
    let world = World::new(Transport::Udp).await;
    let mut client = connect_old(&world, "ada");
    world.keeper.change(add_route);
    let lacks = |live: &crate::tunnel::TunnelLive, wanted: Option<&str>| {
        live.connections.len() == 1 && live.connections[0].reconnect.as_deref() == wanted
    };
    world
        .shows("what it lacks", |live| {
            lacks(live, Some("Reconnect to get the route 10.2.0.0/16."))
        })
        .await;
    block_in_place(|| client.go_on(std::time::Duration::from_millis(100)));
    assert_eq!(routes(&client), ["10.1.0.0/16"]);

    // The change is taken back, and so is the sentence.
    world.keeper.change(|snapshot| {
        snapshot
            .routes
            .retain(|r| r.origin == RouteOrigin::Associate);
    });
    world.shows("nothing", |live| lacks(live, None)).await;
    assert_eq!(client.closed, None);

    world.keeper.change(add_route);
    world
        .shows("what it lacks", |live| {
            live.connections.iter().any(|c| c.reconnect.is_some())
        })
        .await;
    let id = world.keeper.opened().await.id;
    let outcomes = world.tunnel.reconnect(vec![id.clone()]).await;
    assert_eq!(outcomes, [(id.clone(), true)]);
    let end = block_in_place(|| client.wait_for_end());
    assert!(
        matches!(&end, CloseReason::Restarted(text) if text.starts_with("[P]")),
        "{end:?}"
    );
    let closed = world.keeper.closed().await;
    assert_eq!((closed.id, closed.reconnect), (id.clone(), None));
    let back = connect_old(&world, "ada");
    assert_eq!(routes(&back), ["10.1.0.0/16", "10.2.0.0/16"]);
    world.shows("nothing", |live| lacks(live, None)).await;
    assert_eq!(
        world.tunnel.reconnect(vec![id.clone()]).await,
        [(id, false)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_while_a_client_comes_in_reaches_it_too() {
    let world = World::new(Transport::Udp).await;
    let mut clients: Vec<_> = ["ada", "bob", "cyd", "dan"]
        .map(|name| start(&world, openvpn::Transport::Udp, name))
        .into();
    world.keeper.change(add_route);
    for client in &mut clients {
        block_in_place(|| {
            client.wait_for("the route", |c| {
                c.pushed.is_some() && routes(c).contains(&"10.2.0.0/16".to_owned())
            });
        });
        assert!(client.receive(client::PATIENCE / 400).is_none());
    }
}
