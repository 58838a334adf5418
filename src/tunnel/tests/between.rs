//! Packets from one client to another, fragments, reports of routers, and what is dropped and counted.

use std::{net::Ipv4Addr, time::Duration};

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
        (Ipv4Addr::new(10, 8, 3, 3), 40_000),
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

/// An IPv4 packet with a header of 20 bytes, without checksums.
fn ipv4(
    source: Ipv4Addr,
    destination: Ipv4Addr,
    protocol: u8,
    fragment: u16,
    payload: &[u8],
) -> Vec<u8> {
    let mut packet = udp((source, 0), (destination, 0), b"");
    packet.truncate(20);
    packet.extend_from_slice(payload);
    let length = u16::try_from(packet.len()).unwrap();
    packet[2..4].copy_from_slice(&length.to_be_bytes());
    packet[6..8].copy_from_slice(&fragment.to_be_bytes());
    packet[9] = protocol;
    packet
}

async fn from_network(world: &World, packet: &[u8]) {
    let incoming = &world.wires[0].incoming;
    incoming.send(packet.to_vec()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_behind_the_gateway_tells_the_client_what_fits_and_only_of_its_own_packets() {
    let mut world = World::new(Transport::Udp).await;
    let mut client = connect(&world, openvpn::Transport::Udp, "ada");
    let long = udp((client.address(), 40_000), super::TARGET, &[7; 1_200]);
    client.send(&long);
    assert_eq!(world.sent().await.1, long);
    let router = Ipv4Addr::new(10, 1, 0, 1);
    let report = |about: &[u8]| {
        // Fragmentation needed, and the MTU of the next hop.
        let mut message = vec![3, 4, 0, 0, 0, 0, 3, 232];
        message.extend_from_slice(&about[..28]);
        ipv4(router, client.address(), 1, 0, &message)
    };
    let foreign = udp((client.address(), 40_001), super::TARGET, b"never sent");
    let (own, foreign) = (report(&long), report(&foreign));
    from_network(&world, &foreign).await;
    from_network(&world, &own).await;
    assert_eq!(receive(&mut client), Some(own));
    world
        .shows("the other one", |live| {
            live.status.drops.get("no-flow") == Some(&1)
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fragments_of_a_flow_are_carried_both_ways() {
    let mut world = World::new(Transport::Udp).await;
    let mut client = connect(&world, openvpn::Transport::Udp, "ada");
    let (there, here) = (super::TARGET.0, client.address());
    let whole = udp((here, 40_000), super::TARGET, &[7; 1_200]);
    let more = 0x2000;
    let out = [
        ipv4(here, there, 17, more, &whole[20..820]),
        ipv4(here, there, 17, 100, &whole[820..]),
    ];
    for fragment in &out {
        client.send(fragment);
        assert_eq!(world.sent().await.1, *fragment);
    }
    let answer = udp(super::TARGET, (here, 40_000), &[8; 1_200]);
    let back = [
        ipv4(there, here, 17, more, &answer[20..820]),
        ipv4(there, here, 17, 100, &answer[820..]),
    ];
    for fragment in &back {
        from_network(&world, fragment).await;
        assert_eq!(receive(&mut client).as_ref(), Some(fragment));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_are_kept_small_enough_for_the_tunnel_both_ways() {
    let mut world = World::new(Transport::Udp).await;
    let mut client = connect(&world, openvpn::Transport::Udp, "ada");
    let (there, here) = (super::TARGET.0, client.address());
    let opening = |ports: [u8; 4], flags: u8| {
        let mut tcp = ports.to_vec();
        tcp.extend_from_slice(&[0, 0, 0, 1, 0, 0, 0, 0, 6 << 4, flags, 255, 255, 0, 0, 0, 0]);
        tcp.extend_from_slice(&[2, 4, 0x05, 0xb4]);
        tcp
    };
    let segment = |packet: &[u8]| u16::from_be_bytes([packet[42], packet[43]]);
    client.send(&ipv4(here, there, 6, 0, &opening([156, 64, 1, 187], 2)));
    let sent = world.sent().await.1;
    assert!(
        (1_200..1_460).contains(&segment(&sent)),
        "{}",
        segment(&sent)
    );
    from_network(
        &world,
        &ipv4(there, here, 6, 0, &opening([1, 187, 156, 64], 0x12)),
    )
    .await;
    let received = receive(&mut client).unwrap();
    assert!(
        (1_200..1_460).contains(&segment(&received)),
        "{}",
        segment(&received)
    );
}
