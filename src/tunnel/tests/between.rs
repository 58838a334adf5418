//! Packets from one client to another, and what is dropped and counted.

use std::time::Duration;

use tokio::task::block_in_place;

use super::{
    client::{self, Client},
    connect,
    world::{World, subnet_id, udp},
};
use crate::{
    model::{Route, RouteOrigin, RouteState, Transport},
    openvpn,
};

/// A route and a rule for a part of the client range, with which clients may reach each other.
async fn open_to_each_other(world: &World) {
    world.keeper.change(|snapshot| {
        let part = "10.8.0.0/24".parse().unwrap();
        for subnet in [1, 2] {
            snapshot.routes.push(Route {
                destination: part,
                subnet_id: subnet_id(subnet),
                origin: RouteOrigin::AddRoute,
                state: RouteState::Creating,
                ..snapshot.routes[0].clone()
            });
        }
        let mut rule = snapshot.rules[0].clone();
        rule.destination = part;
        snapshot.rules.push(rule);
    });
    world.keeper.reconciled().await;
}

fn receive(client: &mut Client) -> Option<Vec<u8>> {
    block_in_place(|| client.receive(client::PATIENCE))
}

async fn reach_each_other(transport: Transport, link: openvpn::Transport) {
    let mut world = World::new(transport).await;
    let names = ["ada", "bob", "cyd", "dan"];
    let mut clients = names.map(|name| connect(&world, link, name));
    let packet = |from: &Client, to: &Client, payload: &[u8]| {
        udp((from.address(), 40_000), (to.address(), 50_000), payload)
    };
    let refused = packet(&clients[0], &clients[1], b"nobody opened it");
    clients[0].send(&refused);
    world
        .shows("the refusal", |live| {
            live.status.drops.get("client-to-client") == Some(&1)
        })
        .await;

    open_to_each_other(&world).await;
    // Each to each, so that some of them are on the same worker and some are not.
    for from in 0..clients.len() {
        for to in (0..clients.len()).filter(|to| *to != from) {
            let question = packet(&clients[from], &clients[to], b"question");
            clients[from].send(&question);
            assert_eq!(receive(&mut clients[to]), Some(question), "{from} to {to}");
            let answer = udp(
                (clients[to].address(), 50_000),
                (clients[from].address(), 40_000),
                b"answer",
            );
            clients[to].send(&answer);
            assert_eq!(receive(&mut clients[from]), Some(answer), "{to} to {from}");
        }
    }
    for wire in &mut world.wires {
        assert!(wire.sent.try_recv().is_err(), "nothing goes to the network");
    }

    // A rule that goes ends what it let through, while everybody stays.
    world.keeper.change(|snapshot| {
        snapshot.rules.pop();
    });
    world.keeper.reconciled().await;
    let late = packet(&clients[0], &clients[1], b"late");
    clients[0].send(&late);
    world
        .shows("the refusal", |live| {
            live.status.drops.get("client-to-client") == Some(&2)
        })
        .await;
    block_in_place(|| assert_eq!(clients[1].receive(Duration::from_millis(20)), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn udp_clients_reach_each_other_where_a_rule_says_so_and_not_by_the_network() {
    Box::pin(reach_each_other(Transport::Udp, openvpn::Transport::Udp)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tcp_clients_reach_each_other_where_a_rule_says_so_and_not_by_the_network() {
    Box::pin(reach_each_other(Transport::Tcp, openvpn::Transport::Tcp)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_ipv4_packet_is_dropped_and_counted_by_reason() {
    let mut world = World::new(Transport::Udp).await;
    let mut client = connect(&world, openvpn::Transport::Udp, "ada");
    let source = (client.address(), 40_000);
    let good = udp(source, super::TARGET, b"question");
    let mut ipv6 = vec![0; 48];
    ipv6[0] = 0x60;
    let mut options = good.clone();
    options[0] = 0x46;
    let forged = udp(
        (std::net::Ipv4Addr::new(10, 8, 3, 3), 40_000),
        super::TARGET,
        b"question",
    );
    for packet in [&ipv6, &good[..19].to_vec(), &options, &forged] {
        client.send(packet);
    }
    client.send(&good);
    assert_eq!(world.sent().await.1, good, "only the good one is carried");
    world
        .shows("each of them", |live| {
            let drops = &live.status.drops;
            let wanted = [
                "not-ipv4",
                "malformed-packet",
                "ip-options",
                "source-not-assigned",
            ];
            wanted.iter().all(|name| drops.get(*name) == Some(&1))
                && !drops.contains_key("no-route")
        })
        .await;
}
