//! The whole gateway over loopback, with our own client role at the other end.

mod between;
mod client;
mod driver;
mod egress;
mod live;
mod pki;
pub(super) mod world;

use std::{collections::BTreeSet, future::Future, net::Ipv4Addr, sync::Arc, time::Duration};

use tokio::task::block_in_place;

use self::{
    client::Client,
    world::{World, association_id, endpoint_id, free_port, udp},
};
use super::{Gateway as _, TunnelLive, worker::Order};
use crate::{
    model::{CertificateId, Connection, ConnectionState, FailureReason, Transport},
    openvpn::{self, ClientConfig, CloseReason, Derivation, Offer},
};

const TARGET: (Ipv4Addr, u16) = (Ipv4Addr::new(10, 1, 1, 9), 53);

fn connect(world: &World, transport: openvpn::Transport, name: &str) -> Client {
    let authority = world.keeper.authority();
    let identity = authority.client(name);
    block_in_place(|| Client::connect(transport, world.port, &authority, &identity))
}

fn start(world: &World, transport: openvpn::Transport, name: &str) -> Client {
    let authority = world.keeper.authority();
    let identity = authority.client(name);
    block_in_place(|| Client::start(transport, world.port, &authority, &identity))
}

/// A question through the tunnel and its answer, which comes back through worker `back` if given,
/// else through the one that sent the question.
async fn ask(world: &mut World, client: &mut Client, back: Option<usize>) -> Option<Vec<u8>> {
    let source = (client.address(), 40_000);
    client.send(&udp(source, TARGET, b"question"));
    let (worker, sent) = world.sent().await;
    assert_eq!(sent, udp(source, TARGET, b"question"));
    let wire = &world.wires[back.unwrap_or(worker)];
    wire.incoming
        .send(udp(TARGET, source, b"answer"))
        .await
        .unwrap();
    block_in_place(|| client.receive(client::PATIENCE))
}

async fn carries_both_ways(transport: Transport, client: openvpn::Transport) {
    let mut world = World::new(transport).await;
    let mut client = connect(&world, client, "ada");
    let pushed = client.pushed.clone().unwrap();
    assert_eq!(pushed.address, Ipv4Addr::new(10, 8, 0, 2));
    assert_eq!(pushed.gateway, Some(Ipv4Addr::new(10, 8, 0, 1)));
    assert_eq!(pushed.routes, ["10.1.0.0/16".parse().unwrap()]);
    assert_eq!(pushed.dns, [Ipv4Addr::new(10, 1, 0, 2)]);

    for worker in [None, Some(0), Some(1)] {
        let answer = ask(&mut world, &mut client, worker).await.unwrap();
        assert_eq!(answer, udp(TARGET, (client.address(), 40_000), b"answer"));
    }

    let opened = world.keeper.opened().await;
    assert_eq!(opened.common_name, "ada");
    assert_eq!(opened.client_ip, client.address());
    assert_eq!(opened.state, ConnectionState::Active);
    world
        .shows("the traffic", |live| {
            let traffic = live.connections.first().map(|c| c.traffic);
            traffic.is_some_and(|t| t.ingress_packets == 3 && t.egress_packets == 3)
        })
        .await;
    block_in_place(|| client.leave());
    let closed = world.keeper.closed().await;
    assert_eq!(closed.id, opened.id);
    assert_eq!(closed.end_reason.as_deref(), Some("The client left."));
    assert_eq!(closed.traffic.ingress_packets, 3);
    world
        .shows("nobody", |live| live.connections.is_empty())
        .await;
    world.tunnel.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_udp_client_connects_and_is_carried_both_ways() {
    carries_both_ways(Transport::Udp, openvpn::Transport::Udp).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tcp_client_connects_and_is_carried_both_ways() {
    carries_both_ways(Transport::Tcp, openvpn::Transport::Tcp).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_rule_opens_is_dropped_and_counted_by_reason() {
    let mut world = World::new(Transport::Udp).await;
    let mut client = connect(&world, openvpn::Transport::Udp, "ada");
    let source = (client.address(), 40_000);
    let to = |octets: [u8; 4]| (Ipv4Addr::from(octets), 80);
    client.send(&udp(source, to([192, 0, 2, 1]), b"no route"));
    client.send(&udp(source, to([127, 0, 0, 1]), b"loopback"));
    client.send(&udp(source, to([169, 254, 169, 254]), b"metadata"));
    client.send(&udp(
        (Ipv4Addr::new(10, 8, 0, 9), 1),
        to([10, 1, 1, 9]),
        b"forged",
    ));
    client.send(&udp(source, TARGET, b"allowed"));
    let (_, sent) = world.sent().await;
    assert_eq!(sent, udp(source, TARGET, b"allowed"));
    world
        .shows("the reasons", |live| {
            ["no-route", "loopback", "link-local", "source-not-assigned"]
                .iter()
                .all(|reason| live.status.drops.get(*reason) == Some(&1))
        })
        .await;
    // Nothing comes in that the client has not asked for.
    let unasked = udp((Ipv4Addr::new(10, 1, 1, 9), 99), source, b"unasked");
    world.wires[0].incoming.send(unasked).await.unwrap();
    world
        .shows("the unasked packet", |live| {
            live.status.drops.get("no-flow") == Some(&1)
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_rule_stops_an_open_flow_while_the_session_stays() {
    let mut world = World::new(Transport::Udp).await;
    let mut client = connect(&world, openvpn::Transport::Udp, "ada");
    assert!(ask(&mut world, &mut client, None).await.is_some());
    world.keeper.change(|snapshot| snapshot.rules.clear());
    world.keeper.reconciled().await;
    let source = (client.address(), 40_000);
    client.send(&udp(source, TARGET, b"question"));
    world
        .shows("the refusal", |live| {
            live.status.drops.get("not-authorized") == Some(&1)
        })
        .await;
    assert!(client.closed.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminated_connection_carries_nothing_from_that_instant() {
    let mut world = World::new(Transport::Udp).await;
    let mut client = connect(&world, openvpn::Transport::Udp, "ada");
    assert!(ask(&mut world, &mut client, None).await.is_some());
    let connection = world.keeper.opened().await;

    let outcome = world.tunnel.terminate(vec![connection.id.clone()]).await;
    assert_eq!(outcome, [(connection.id.clone(), true)]);
    client.send(&udp((client.address(), 40_000), TARGET, b"question"));
    let end = block_in_place(|| client.wait_for_end());
    assert!(matches!(end, CloseReason::Restarted(_)), "{end:?}");
    let closed = world.keeper.closed().await;
    assert_eq!(closed.state, ConnectionState::Terminated);
    assert_eq!(
        closed.end_reason.as_deref(),
        Some("The connection was terminated by an administrator.")
    );
    assert_eq!(closed.traffic.ingress_packets, 1);
    assert!(world.wires.iter_mut().all(|w| w.sent.try_recv().is_err()));
    let again = world.tunnel.terminate(vec![connection.id.clone()]).await;
    assert_eq!(again, [(connection.id, false)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_no_longer_stay_is_told_why_and_the_others_stay() {
    let mut world = World::new(Transport::Udp).await;
    let authority = world.keeper.authority();
    let identity = authority.client("ada");
    let mut ada = block_in_place(|| {
        Client::connect(openvpn::Transport::Udp, world.port, &authority, &identity)
    });
    let mut bob = connect(&world, openvpn::Transport::Udp, "bob");
    let two = |live: &TunnelLive| live.connections.len() == 2;
    world.shows("both", two).await;
    let (issuer, serial) = crate::pki::certificate_id(&identity.chain_der[0]).unwrap();
    let issuer = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &issuer);
    let id = CertificateId {
        issuer: data_encoding::HEXLOWER.encode(issuer.as_ref()),
        serial,
    };

    let revoked = |connection: &Connection| {
        let is_it = connection.certificates == std::slice::from_ref(&id);
        is_it.then(|| "the certificate of ada was revoked".to_owned())
    };
    let ended = world.tunnel.expel(&revoked);
    assert_eq!(ended.len(), 1);
    assert_eq!(world.tunnel.expel(&revoked), [], "once is enough");
    let end = block_in_place(|| ada.wait_for_end());
    assert_eq!(
        end,
        CloseReason::AuthFailed("the certificate of ada was revoked".to_owned())
    );
    let closed = world.keeper.closed().await;
    assert_eq!(
        (&closed.id, closed.common_name.as_str()),
        (&ended[0], "ada")
    );
    assert_eq!(closed.certificates, [id]);
    assert_eq!(
        closed.end_reason.as_deref(),
        Some("The certificate of ada was revoked.")
    );
    assert!(ask(&mut world, &mut bob, None).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_moves_keeps_its_session_and_its_flows() {
    let mut world = World::new(Transport::Udp).await;
    let mut client = connect(&world, openvpn::Transport::Udp, "ada");
    assert!(ask(&mut world, &mut client, None).await.is_some());
    let before = world.keeper.opened().await.device;
    // Often enough that some of the ports belong to the other worker's socket.
    for _ in 0..8 {
        client.float();
        assert!(ask(&mut world, &mut client, None).await.is_some());
    }
    world
        .shows("the new address", |live| {
            live.connections.len() == 1 && live.connections[0].device != before
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_no_peer_id_is_carried_too() {
    for (transport, client) in [
        (Transport::Udp, openvpn::Transport::Udp),
        (Transport::Tcp, openvpn::Transport::Tcp),
    ] {
        let mut world = World::new(transport).await;
        let authority = world.keeper.authority();
        let identity = authority.client("ada");
        let mut client = block_in_place(|| {
            let old = |config: &mut ClientConfig| {
                config.data_v2 = Offer::No;
                config.derivation = Derivation::Tls1Prf;
            };
            let mut client = Client::start_as(client, world.port, &authority, &identity, old);
            client.wait_for("the push reply", |c| c.pushed.is_some());
            client
        });
        assert_eq!(client.pushed.as_ref().unwrap().peer_id, None);
        assert!(ask(&mut world, &mut client, None).await.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_all_come_at_once_come_in_with_an_address_each() {
    const CLIENTS: usize = 40;
    let world = World::new(Transport::Udp).await;
    let authority = world.keeper.authority();
    let port = world.port;
    let arrivals = (0..CLIENTS).map(|number| {
        let authority = Arc::clone(&authority);
        tokio::task::spawn_blocking(move || {
            let identity = authority.client(&format!("client-{number}"));
            Client::connect(openvpn::Transport::Udp, port, &authority, &identity)
        })
    });
    let arrivals: Vec<_> = arrivals.collect();
    let mut addresses = BTreeSet::new();
    for arrival in arrivals {
        addresses.insert(arrival.await.unwrap().address());
    }
    assert_eq!(addresses.len(), CLIENTS);
    world
        .shows("all of them", |live| live.connections.len() == CLIENTS)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_loses_packets_and_delays_nobody() {
    let mut world = World::new(Transport::Tcp).await;
    let mut deaf = connect(&world, openvpn::Transport::Tcp, "ada");
    assert!(ask(&mut world, &mut deaf, None).await.is_some());
    let flood = udp(TARGET, (deaf.address(), 40_000), &[7; 1400]);
    let mut live = world.tunnel.live();
    let is_full = |live: &TunnelLive| live.status.drops.contains_key("send-queue-full");
    while !is_full(&live.borrow_and_update()) {
        for _ in 0..1000 {
            let incoming = &world.wires[0].incoming;
            incoming.send(flood.clone()).await.unwrap();
        }
    }
    let mut other = connect(&world, openvpn::Transport::Tcp, "bob");
    assert!(ask(&mut world, &mut other, None).await.is_some());
    // What was queued before is whole: the deaf client hears again where it left off.
    let next = block_in_place(|| deaf.receive(client::PATIENCE));
    assert_eq!(next, Some(flood));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_client_gets_its_own_packets_in_order_whatever_their_sizes() {
    let mut world = World::new(Transport::Udp).await;
    let mut clients = ["ada", "bob"].map(|name| connect(&world, openvpn::Transport::Udp, name));
    for client in &mut clients {
        assert!(ask(&mut world, client, None).await.is_some());
    }
    // Runs of equal size, then shorter and longer ones, for both clients in turn.
    let sizes = [900, 900, 900, 100, 900, 1400, 1400, 20, 20, 1400];
    let packet = |client: &Client, number: usize| {
        let mut payload = vec![u8::try_from(number).unwrap(); sizes[number % sizes.len()]];
        payload[0] = 0;
        udp(TARGET, (client.address(), 40_000), &payload)
    };
    for number in 0..40 {
        for client in &clients {
            let incoming = &world.wires[0].incoming;
            incoming.send(packet(client, number)).await.unwrap();
        }
    }
    for client in &mut clients {
        for number in 0..40 {
            let received = block_in_place(|| client.receive(client::PATIENCE));
            assert_eq!(received, Some(packet(client, number)), "packet {number}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_certificate_is_for_new_sessions_and_old_ones_stay() {
    let mut world = World::new(Transport::Udp).await;
    let mut old = connect(&world, openvpn::Transport::Udp, "ada");
    let former = world.keeper.authority().client("bob");
    world.keeper.change_authority();
    world.keeper.reconciled().await;
    let _new = connect(&world, openvpn::Transport::Udp, "cyd");
    assert!(ask(&mut world, &mut old, None).await.is_some());
    let authority = world.keeper.authority();
    let mut former =
        block_in_place(|| Client::start(openvpn::Transport::Udp, world.port, &authority, &former));
    block_in_place(|| former.wait_for_end());
    let attempt = world.keeper.refused().await;
    assert!(attempt.reason.contains("certificate"), "{}", attempt.reason);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_session_meets_a_changed_certificate_at_its_next_handshake() {
    let mut world = World::new(Transport::Udp).await;
    let authority = world.keeper.authority();
    let identity = authority.client("ada");
    let port = world.port;
    let mut client = block_in_place(|| {
        let often = |config: &mut ClientConfig| config.reneg_after = Some(Duration::from_secs(2));
        let udp = openvpn::Transport::Udp;
        let mut client = Client::start_as(udp, port, &authority, &identity, often);
        client.wait_for("the push reply", |c| c.pushed.is_some());
        client
    });
    assert!(ask(&mut world, &mut client, None).await.is_some());
    world.keeper.change_authority();
    world.keeper.reconciled().await;
    // It knows the former authority alone, so that it tells one certificate from the other.
    let end = block_in_place(|| client.wait_for_end());
    assert!(
        matches!(&end, CloseReason::Tls(failure) if format!("{failure:?}").contains("UnknownIssuer")),
        "{end:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_client_more_than_the_range_holds_is_told_so_and_so_is_the_record() {
    let world = World::new(Transport::Udp).await;
    let is_full = async |sentence: &str| {
        let mut client = start(&world, openvpn::Transport::Udp, "bob");
        let end = block_in_place(|| client.wait_for_end());
        let CloseReason::AuthFailed(told) = end else {
            panic!("{end:?}")
        };
        assert!(told.contains(sentence), "{told}");
        world
            .keeper
            .reported("the refusal", |report| match report {
                super::Report::Refused(attempt) => {
                    let reason = attempt.reason.to_lowercase();
                    reason.contains(&sentence.to_lowercase()).then_some(())
                }
                _ => None,
            })
            .await;
    };
    world.keeper.change(|snapshot| {
        let endpoint = snapshot.endpoints.get_mut(&endpoint_id()).unwrap();
        endpoint.client_cidr = "10.8.0.0/30".parse().unwrap();
    });
    world.keeper.reconciled().await;
    let _only = connect(&world, openvpn::Transport::Udp, "cyd");
    is_full("every address of the client range 10.8.0.0/30 is in use").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_speaks_something_else_is_closed() {
    use std::io::{Read as _, Write as _};

    let world = World::new(Transport::Tcp).await;
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", world.port)).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    stream.set_read_timeout(Some(client::PATIENCE)).unwrap();
    let end = block_in_place(|| stream.read(&mut [0; 64]));
    assert!(
        matches!(end, Ok(0)) || end.is_err_and(|e| e.kind() == std::io::ErrorKind::ConnectionReset)
    );
    assert!(world.tunnel.live().borrow().connections.is_empty());
    let attempt = world.keeper.refused().await;
    assert_eq!(attempt.failure, FailureReason::ProtocolError);
    assert_eq!(attempt.device, stream.local_addr().unwrap());
    assert!(attempt.id.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_says_nothing_is_one_attempt() {
    let world = World::new(Transport::Tcp).await;
    let stream = std::net::TcpStream::connect(("127.0.0.1", world.port)).unwrap();
    drop(stream);
    let attempt = world.keeper.refused().await;
    assert_eq!(attempt.failure, FailureReason::ClientLeft);
    assert!(
        attempt.reason.contains("before the client said anything"),
        "{}",
        attempt.reason
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_client_is_told_why_and_so_is_the_record() {
    let world = World::new(Transport::Udp).await;
    world.keeper.refuse("the certificate of ada is revoked");
    let mut client = start(&world, openvpn::Transport::Udp, "ada");
    let end = block_in_place(|| client.wait_for_end());
    assert_eq!(
        end,
        CloseReason::AuthFailed("the certificate of ada is revoked".to_owned())
    );
    let attempt = world.keeper.refused().await;
    assert_eq!(attempt.common_name.as_deref(), Some("ada"));
    assert_eq!(attempt.reason, "The certificate of ada is revoked.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_another_authority_is_refused_in_a_sentence() {
    let world = World::new(Transport::Udp).await;
    let stranger = pki::Authority::new().client("mallory");
    let mut client = block_in_place(|| {
        Client::start(
            openvpn::Transport::Udp,
            world.port,
            &world.keeper.authority(),
            &stranger,
        )
    });
    block_in_place(|| client.wait_for_end());
    let attempt = world.keeper.refused().await;
    assert_eq!(attempt.failure, FailureReason::CertificateUntrusted);
    assert!(attempt.reason.ends_with('.'), "{}", attempt.reason);
    assert!(attempt.reason.contains("certificate"), "{}", attempt.reason);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_certificate_may_be_connected_twice_and_comes_back_to_its_address() {
    let world = World::new(Transport::Udp).await;
    let authority = world.keeper.authority();
    let identity = authority.client("ada");
    let connect = || Client::connect(openvpn::Transport::Udp, world.port, &authority, &identity);
    let (mut first, second) = block_in_place(|| (connect(), connect()));
    assert_ne!(first.address(), second.address());
    let address = first.address();
    block_in_place(|| first.leave());
    world.keeper.closed().await;
    assert_eq!(block_in_place(connect).address(), address);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_spread_over_associations() {
    let world = World::new(Transport::Udp).await;
    let _first = connect(&world, openvpn::Transport::Udp, "ada");
    let _second = connect(&world, openvpn::Transport::Udp, "bob");
    world
        .shows("one session in each", |live| {
            let of = |n| {
                let mut all = live.connections.iter();
                all.any(|c| c.association_id == association_id(n))
            };
            of(1) && of(2)
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_without_associations_stops_listening_and_its_port_is_free() {
    let world = World::new(Transport::Udp).await;
    let mut client = connect(&world, openvpn::Transport::Udp, "ada");
    world.keeper.change(|snapshot| {
        snapshot.endpoints.get_mut(&endpoint_id()).unwrap().deleting = true;
    });
    assert!(world.keeper.reconciled().await.is_empty());
    block_in_place(|| client.wait_for_end());
    world.keeper.closed().await;
    let is_free = async {
        while std::net::UdpSocket::bind(("0.0.0.0", world.port)).is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(client::PATIENCE, is_free)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_an_associations_trouble_until_it_is_free() {
    let port = free_port(Transport::Udp);
    let taken = std::net::UdpSocket::bind(("0.0.0.0", port)).unwrap();
    let world = World::with_port(Transport::Udp, port).await;
    let associations = world.keeper.reconciled().await;
    let trouble = associations[&association_id(1)].as_deref().unwrap();
    assert!(
        trouble.contains(&format!("UDP port {port} is in use by")),
        "{trouble}"
    );
    drop(taken);
    world
        .keeper
        .reported("the free port", |report| match report {
            super::Report::Reconciled { associations, .. } => {
                associations.values().all(Option::is_none).then_some(())
            }
            _ => None,
        })
        .await;
    connect(&world, openvpn::Transport::Udp, "ada");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_gateway_tells_its_clients_to_come_back() {
    for (transport, client) in [
        (Transport::Udp, openvpn::Transport::Udp),
        (Transport::Tcp, openvpn::Transport::Tcp),
    ] {
        let world = World::new(transport).await;
        let mut client = connect(&world, client, "ada");
        let stopping = async { world.tunnel.stop().await.unwrap() };
        let waiting = tokio::task::spawn_blocking(move || client.wait_for_end());
        let ((), end) = tokio::join!(stopping, waiting);
        assert!(matches!(end.unwrap(), CloseReason::Restarted(_)));
        let closed = world.keeper.closed().await;
        assert_eq!(
            closed.end_reason.as_deref(),
            Some("The gateway is stopping.")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_endpoint_refuses_with_a_reason() {
    let world = World::new(Transport::Udp).await;
    world.keeper.change(|s| s.settings.max_connections = 1);
    world.keeper.reconciled().await;
    let _first = connect(&world, openvpn::Transport::Udp, "ada");
    let mut second = start(&world, openvpn::Transport::Udp, "bob");
    let end = block_in_place(|| second.wait_for_end());
    assert!(
        matches!(&end, CloseReason::AuthFailed(reason) if reason.contains("as many as it may have")),
        "{end:?}"
    );
    let attempt = world.keeper.refused().await;
    assert_eq!(attempt.common_name.as_deref(), Some("bob"));
    assert_eq!(attempt.failure, FailureReason::ConnectionLimit);
}

#[tokio::test(flavor = "multi_thread")]
async fn packets_of_strangers_are_counted_and_make_no_session() {
    let world = World::new(Transport::Udp).await;
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(("127.0.0.1", world.port)).unwrap();
    // An acknowledgement with a session id of ours that was never given.
    let mut forged = vec![5 << 3];
    forged.extend_from_slice(&[7; 8]);
    forged.extend_from_slice(&[1, 0, 0, 0, 0]);
    forged.extend_from_slice(&[9; 8]);
    socket.send(&forged).unwrap();
    socket.send(&[9 << 3, 0, 0, 1, 2, 3]).unwrap();
    socket.send(&[]).unwrap();
    // Whole as a datagram, and far larger than any control packet.
    forged.resize(20_000, 0);
    socket.send(&forged).unwrap();
    world
        .shows("the strangers", |live| {
            let loudest = live.status.unproven_prefixes.first();
            live.status.unproven.get("bad-cookie") == Some(&1)
                && loudest.is_some_and(|it| {
                    it.prefix == "127.0.0.0/24".parse().ok() && it.reasons["bad-cookie"] == 1
                })
                && live.status.drops.contains_key("unknown-peer")
                && live.status.drops.contains_key("oversize")
        })
        .await;
    assert!(world.tunnel.live().borrow().connections.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_again_and_again_is_counted_and_not_recorded() {
    let world = World::new(Transport::Tcp).await;
    let port = world.port;
    let knocks = tokio::task::spawn_blocking(move || {
        for _ in 0..700 {
            drop(std::net::TcpStream::connect(("127.0.0.1", port)).unwrap());
        }
    });
    knocks.await.unwrap();
    world
        .shows("attempts without a record", |live| {
            // A minute may have begun between them.
            let mut prefixes = live.status.unproven_prefixes.iter();
            let counted = prefixes.find_map(|it| it.reasons.get("too-many-attempts").copied());
            counted.is_some_and(|count| count <= 100)
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_opens_no_session_in_time_is_closed_whatever_it_sends() {
    use std::io::{Read as _, Write as _};

    let world = World::new(Transport::Tcp).await;
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", world.port)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    let end = tokio::task::spawn_blocking(move || {
        let start = std::time::Instant::now();
        // A data packet of nobody, again and again: always something to read, and never silent.
        let packet = [0, 6, 9 << 3, 0, 0, 1, 2, 3];
        while start.elapsed() < client::PATIENCE {
            let is_gone = stream.write_all(&packet).is_err();
            match stream.read(&mut [0; 16]) {
                Ok(0) => return true,
                _ if is_gone => return true,
                _ => {}
            }
        }
        false
    });
    assert!(end.await.unwrap(), "the connection was never closed");
}

fn fault(world: &World, worker: usize) -> impl Future<Output = ()> {
    let act = Box::new(|| panic!("a fault that a test has made"));
    world.tunnel.shared.workers[worker].order(Order::Do(act))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_meets_a_fault_is_named_and_the_other_goes_on() {
    let mut world = World::new(Transport::Udp).await;
    fault(&world, 0).await;
    world
        .shows("the fault", |live| {
            let mut warnings = live.status.warnings.iter();
            warnings.any(|warning| warning.starts_with("Data worker 0 has ended; 1 of 2 go on."))
        })
        .await;
    for name in ["ada", "bob"] {
        let mut client = connect(&world, openvpn::Transport::Udp, name);
        assert!(ask(&mut world, &mut client, None).await.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_without_workers_does_not_say_that_it_runs() {
    let world = World::new(Transport::Udp).await;
    let client = connect(&world, openvpn::Transport::Udp, "ada");
    fault(&world, 0).await;
    fault(&world, 1).await;
    world
        .keeper
        .reported("the trouble", |report| match report {
            super::Report::Reconciled { associations, .. } => associations
                .values()
                .all(|trouble| trouble.as_ref().is_some_and(|t| t.contains("fault")))
                .then_some(()),
            _ => None,
        })
        .await;
    let closed = world.keeper.closed().await;
    assert_eq!(closed.client_ip, client.address());
    world
        .shows("nobody", |live| live.connections.is_empty())
        .await;
    world.tunnel.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_waits_for_no_worker_that_hangs() {
    let world = World::new(Transport::Udp).await;
    let (release, hang) = std::sync::mpsc::sync_channel::<()>(0);
    let act = Box::new(move || hang.recv().unwrap_or_default());
    world.tunnel.shared.workers[0].order(Order::Do(act)).await;
    tokio::time::timeout(client::PATIENCE, world.tunnel.stop())
        .await
        .unwrap()
        .unwrap();
    drop(release);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_whose_task_meets_a_fault_is_closed_once_and_carries_nothing() {
    let mut world = World::new(Transport::Udp).await;
    world
        .keeper
        .change(|snapshot| snapshot.settings.rekey_secs = 10);
    world.keeper.reconciled().await;
    let mut client = connect(&world, openvpn::Transport::Udp, "ada");
    assert!(ask(&mut world, &mut client, None).await.is_some());
    // The next question of a session is whether it may renew its keys.
    world.keeper.break_down();
    let address = client.address();
    let renewing = tokio::task::spawn_blocking(move || {
        client.go_on(Duration::from_secs(12));
        client
    });
    let closed = world.keeper.closed().await;
    assert_eq!(closed.client_ip, address);
    let reason = closed.end_reason.unwrap();
    assert!(reason.contains("fault"), "{reason}");
    world
        .shows("nobody", |live| live.connections.is_empty())
        .await;
    let mut client = renewing.await.unwrap();
    client.send(&udp((address, 40_000), TARGET, b"question"));
    world
        .shows("the lost packet", |live| {
            live.status.drops.contains_key("unknown-peer")
        })
        .await;
}
