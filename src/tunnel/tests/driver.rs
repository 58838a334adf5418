//! The client of our own, which has sockets and timers, against the gateway.

use std::{net::Ipv4Addr, time::Duration};

use tokio::time::timeout;

use super::{
    client::PATIENCE,
    world::{World, free_port, subnet_id},
};
use crate::{
    model::{Route, RouteOrigin, RouteState, Transport},
    openvpn::{self, ProfileText},
    tunnel::client::{Client, ClientError, Heard, Probe, ProbeOutcome, Profile, options},
};

const TARGET: Ipv4Addr = Ipv4Addr::new(10, 1, 1, 9);

fn profile(world: &World, transport: Transport, server_name: &str) -> Profile {
    let authority = world.keeper.authority();
    let client = authority.client("alice");
    let text = ProfileText {
        host: "127.0.0.1",
        port: world.port,
        transport: match transport {
            Transport::Udp => openvpn::Transport::Udp,
            Transport::Tcp => openvpn::Transport::Tcp,
        },
        ca: &authority.pem(),
        server_name: Some(server_name),
        identity: Some((&client.chain_pem, &client.key_pem)),
        random_hostname: false,
        auth_user_pass: false,
    };
    Profile::parse(&text.render().unwrap()).unwrap()
}

async fn connect(profile: &Profile) -> (Result<Client, ClientError>, Vec<&'static str>) {
    let mut stages = Vec::new();
    let client = Client::connect(profile, PATIENCE, |heard, _| {
        stages.push(match heard {
            Heard::Answered => "answered",
            Heard::Handshake { tls, server } => {
                assert!(tls.starts_with("TLSv1.3 "), "{tls}");
                assert_eq!(server, "server");
                "handshake"
            }
            Heard::Options(_) => "options",
            Heard::Closed(_) => "closed",
            other => panic!("{other:?}"),
        });
    });
    let client = client.await;
    (client, stages)
}

async fn joins(transport: Transport) {
    let world = World::new(transport).await;
    let (client, stages) = connect(&profile(&world, transport, "server")).await;
    let client = client.unwrap();
    assert_eq!(stages, ["answered", "handshake", "options"]);
    assert_eq!(client.cipher(), Some("AES-256-GCM"));
    let pushed = client.pushed().unwrap();
    let connection = world.keeper.opened().await;
    assert_eq!(connection.client_ip, pushed.address);
    let told = options(pushed);
    for expected in ["route 10.1.0.0/16", "dns 10.1.0.2", "cipher AES-256-GCM"] {
        assert!(told.iter().any(|option| option == expected), "{told:?}");
    }
    client.leave().await;
    let ended = world.keeper.closed().await;
    assert_eq!(ended.id, connection.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_joins_over_udp_tells_each_stage_and_leaves() {
    Box::pin(joins(Transport::Udp)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_joins_over_tcp_tells_each_stage_and_leaves() {
    Box::pin(joins(Transport::Tcp)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_is_answered_refused_or_left_alone() {
    let mut world = World::new(Transport::Udp).await;
    let (client, _) = connect(&profile(&world, Transport::Udp, "server")).await;
    let mut client = client.unwrap();
    for (flags, port) in [(Some(0x12), 443), (Some(0x14), 444), (None, 445)] {
        let probe = Probe {
            address: TARGET,
            port: Some(port),
        };
        let asked = client.probe(probe, Duration::from_secs(3));
        let answers = async {
            let (worker, question) = world.sent().await;
            if let Some(flags) = flags {
                let answer = answer(&question, flags);
                world.wires[worker].incoming.send(answer).await.unwrap();
            }
        };
        let (outcome, ()) = tokio::join!(asked, answers);
        match flags {
            Some(0x12) => assert!(matches!(outcome, ProbeOutcome::Answered(_)), "{outcome:?}"),
            Some(_) => assert!(
                matches!(&outcome, ProbeOutcome::Refused(why) if why.contains("10.1.1.9:444")),
                "{outcome:?}"
            ),
            None => assert_eq!(outcome, ProbeOutcome::NoAnswer),
        }
        // What was repeated, and the reset of what was opened.
        while let Ok(Some(_)) = timeout(Duration::from_millis(50), async {
            Some(world.sent().await)
        })
        .await
        {}
    }
    client.leave().await;
}

/// What a target says to a SYN.
fn answer(syn: &[u8], flags: u8) -> Vec<u8> {
    let mut packet = syn.to_vec();
    packet[12..16].copy_from_slice(&syn[16..20]);
    packet[16..20].copy_from_slice(&syn[12..16]);
    packet[20..22].copy_from_slice(&syn[22..24]);
    packet[22..24].copy_from_slice(&syn[20..22]);
    packet[33] = flags;
    packet
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_options_are_told_while_connected() {
    let world = World::new(Transport::Udp).await;
    let (client, _) = connect(&profile(&world, Transport::Udp, "server")).await;
    let mut client = client.unwrap();
    world.keeper.opened().await;
    world.keeper.change(|snapshot| {
        let endpoint = snapshot.endpoints.keys().next().unwrap().clone();
        for number in [1, 2] {
            snapshot.routes.push(Route {
                endpoint_id: endpoint.clone(),
                destination: "10.9.0.0/16".parse().unwrap(),
                subnet_id: subnet_id(number),
                origin: RouteOrigin::AddRoute,
                for_all: false,
                description: String::new(),
                state: RouteState::Creating,
            });
        }
    });
    let updated = async {
        loop {
            if let Heard::Updated(pushed) = client.next().await {
                break pushed;
            }
        }
    };
    let pushed = timeout(PATIENCE, updated).await.expect("an update comes");
    assert!(pushed.routes.contains(&"10.9.0.0/16".parse().unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_ends_with_the_servers_words() {
    let world = World::new(Transport::Tcp).await;
    world.keeper.refuse("alice may not come in today");
    let (client, _) = connect(&profile(&world, Transport::Tcp, "server")).await;
    let error = client.unwrap_err();
    assert!(matches!(error, ClientError::Refused { .. }), "{error:?}");
    let sentence = error.to_string();
    assert!(sentence.contains("may not come in today"), "{sentence}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_another_name_is_not_joined() {
    let world = World::new(Transport::Udp).await;
    let (client, _) = connect(&profile(&world, Transport::Udp, "other")).await;
    let sentence = client.unwrap_err().to_string();
    assert!(sentence.contains("verify-x509-name"), "{sentence}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_server_is_tried_and_the_last_is_named() {
    let world = World::new(Transport::Tcp).await;
    let mut two = profile(&world, Transport::Tcp, "server");
    let mut dead = two.remotes[0].clone();
    dead.port = free_port(Transport::Tcp);
    two.remotes.insert(0, dead.clone());
    assert!(connect(&two).await.0.is_ok());
    two.remotes = vec![dead];
    let sentence = connect(&two).await.0.unwrap_err().to_string();
    assert!(sentence.contains("cannot be reached"), "{sentence}");
}
