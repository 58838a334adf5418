//! The user-space stack against sockets on this machine's loopback interface.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

use rustix::thread::CapabilitySet;
use smoltcp::socket::tcp::State;
use smoltcp::wire::{Icmpv4Message, Icmpv4Packet, IpAddress, IpProtocol, Ipv4Packet, UdpPacket};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, UdpSocket};

#[cfg(target_os = "linux")]
use super::namespace::{in_namespace, run, state_dir};
use super::peer::{CLIENT, Peer, pattern};
use crate::network::{DropReason, Mode, ModeChoice, Network, OpenOptions};

fn open() -> Network {
    let network = Network::open(&OpenOptions {
        choice: ModeChoice::Userspace,
        workers: 1,
        state_dir: std::env::temp_dir().join("gatehouse-no-journal-here"),
        tun_name: "unused".to_owned(),
    })
    .unwrap();
    assert_eq!(network.mode(), Mode::Userspace);
    assert_eq!(network.mode_reason(), "User-space networking, as chosen.");
    network
}

fn peer() -> Peer {
    Peer::new(open().take_ports().remove(0))
}

async fn listen() -> (TcpListener, SocketAddrV4) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = v4(listener.local_addr().unwrap());
    (listener, address)
}

fn v4(address: SocketAddr) -> SocketAddrV4 {
    match address {
        SocketAddr::V4(address) => address,
        SocketAddr::V6(_) => panic!("bound to an IPv4 address"),
    }
}

#[tokio::test]
async fn a_client_fetches_what_a_server_answers() {
    let (listener, address) = listen().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = String::new();
        stream.read_to_string(&mut request).await.unwrap();
        stream
            .write_all(format!("you said {request}").as_bytes())
            .await
            .unwrap();
    });
    let mut peer = peer();
    let handle = peer.connect(address);
    assert_eq!(peer.exchange(handle, b"hello").await, b"you said hello");
    server.await.unwrap();
}

#[tokio::test]
async fn a_refused_connection_is_reset_and_never_was_established() {
    let (listener, address) = listen().await;
    drop(listener);
    let mut peer = peer();
    let handle = peer.connect(address);
    let mut established = false;
    peer.until("the reset", |peer| {
        let state = peer.state(handle);
        established |= state == State::Established;
        state == State::Closed
    })
    .await;
    assert!(!established);
}

#[tokio::test]
async fn a_syn_is_not_answered_before_the_target_accepted() {
    // A listener whose queue is full takes no further connection, so the target stays silent.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let address = v4(socket.local_addr().unwrap());
    let listener = socket.listen(1).unwrap();
    let mut fillers = Vec::new();
    while let Ok(Ok(filler)) = tokio::time::timeout(
        Duration::from_millis(200),
        tokio::net::TcpStream::connect(address),
    )
    .await
    {
        fillers.push(filler);
    }
    let mut peer = peer();
    let handle = peer.connect(address);
    let before = std::time::Instant::now();
    peer.until("half a second", |_| {
        before.elapsed() > Duration::from_millis(500)
    })
    .await;
    assert_eq!(peer.state(handle), State::SynSent);
    drop(listener);
}

/// Sends `len` bytes both ways at once and checks them at both ends.
async fn both_ways(peer: &mut Peer, len: usize) {
    let (up, down) = (pattern(len, 3), pattern(len, 5));
    let (listener, address) = listen().await;
    let to_send = down.clone();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let (mut read, mut write) = stream.into_split();
        let sending = tokio::spawn(async move { write.write_all(&to_send).await.unwrap() });
        let mut received = Vec::new();
        read.read_to_end(&mut received).await.unwrap();
        sending.await.unwrap();
        received
    });
    let handle = peer.connect(address);
    let received = peer.exchange(handle, &up).await;
    // The client may be done before the target has taken all, and the stack works only while it is
    // asked for packets.
    peer.until("the target's end", |_| server.is_finished())
        .await;
    assert!(
        received == down,
        "{} bytes came down, not the ones sent",
        received.len()
    );
    let arrived = server.await.unwrap();
    assert!(
        arrived == up,
        "{} bytes went up, not the ones sent",
        arrived.len()
    );
}

#[tokio::test]
async fn twenty_megabytes_pass_unharmed_both_ways_at_once() {
    both_ways(&mut peer(), 20_000_000).await;
}

#[tokio::test]
async fn packets_lost_on_the_way_to_and_from_the_client_cost_no_byte() {
    let mut peer = peer();
    peer.loss = 50;
    both_ways(&mut peer, 300_000).await;
}

#[tokio::test]
async fn flows_that_are_cut_off_end_in_a_reset_not_in_an_end() {
    let (listener, address) = listen().await;
    let mut peer = peer();
    let handle = peer.connect(address);
    let accepted = tokio::spawn(async move { listener.accept().await.unwrap().0 });
    peer.until("the connection", |peer| {
        peer.state(handle) == State::Established
    })
    .await;
    let mut stream = accepted.await.unwrap();
    drop(peer);
    let error = stream.read_u8().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_server_that_finishes_first_still_hears_the_client() {
    let (listener, address) = listen().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"bye").await.unwrap();
        stream.shutdown().await.unwrap();
        let mut rest = String::new();
        stream.read_to_string(&mut rest).await.unwrap();
        rest
    });
    let mut peer = peer();
    let handle = peer.connect(address);
    peer.until("the server's FIN", |peer| {
        peer.state(handle) == State::CloseWait
    })
    .await;
    assert_eq!(peer.exchange(handle, b"one more thing").await, b"bye");
    assert_eq!(server.await.unwrap(), "one more thing");
}

/// A client and a target finish while the target has not read all that the client sent, in either
/// order. After `wait` it reads the rest.
async fn both_finish_before_all_is_read(target_first: bool, wait: Duration) {
    let (listener, address) = listen().await;
    let mut peer = peer();
    let handle = peer.connect(address);
    let accepted = tokio::spawn(async move { listener.accept().await.unwrap().0 });
    peer.until("the connection", |peer| {
        peer.state(handle) == State::Established
    })
    .await;
    let mut stream = accepted.await.unwrap();
    if target_first {
        stream.shutdown().await.unwrap();
        peer.until("the target's FIN", |peer| {
            peer.state(handle) == State::CloseWait
        })
        .await;
    }
    let data = pattern(30_000_000, 3);
    let mut sent = 0;
    peer.until("the system to take no more for the target", |peer| {
        let holds_back = peer.window < 24_000;
        let socket = peer.socket(handle);
        let acknowledged = socket.can_send() && socket.send_queue() == 0;
        if acknowledged && !holds_back {
            sent += socket.send_slice(&data[sent..sent + 8192]).unwrap();
        }
        acknowledged && holds_back
    })
    .await;
    peer.socket(handle).close();
    peer.until("the acknowledgement of the client's FIN", |peer| {
        matches!(peer.state(handle), State::FinWait2 | State::Closed)
    })
    .await;
    if !target_first {
        stream.shutdown().await.unwrap();
    }
    let begin = std::time::Instant::now();
    peer.until("the wait", |_| begin.elapsed() > wait).await;
    let mut received = Vec::new();
    peer.until("the target to read all", |_| {
        while let Ok(count) = stream.try_read_buf(&mut received) {
            if count == 0 {
                return true;
            }
        }
        false
    })
    .await;
    assert!(
        received == data[..sent],
        "{} bytes of {sent} arrived",
        received.len()
    );
}

#[tokio::test]
async fn what_a_client_sent_reaches_a_slow_target_that_finishes_after_the_client() {
    both_finish_before_all_is_read(false, Duration::from_millis(300)).await;
}

#[tokio::test]
async fn what_a_client_sent_reaches_a_slow_target_that_finished_before_the_client() {
    // The stack keeps a TIME-WAIT of 10 s.
    both_finish_before_all_is_read(true, Duration::from_secs(11)).await;
}

#[tokio::test]
async fn a_reset_passes_in_both_directions() {
    let (listener, address) = listen().await;
    let mut peer = peer();
    let handle = peer.connect(address);
    let accepted = tokio::spawn(async move { (listener.accept().await.unwrap().0, listener) });
    peer.until("the connection", |peer| {
        peer.state(handle) == State::Established
    })
    .await;
    let (mut stream, listener) = accepted.await.unwrap();
    peer.socket(handle).abort();
    peer.until("the client's reset", |peer| {
        peer.state(handle) == State::Closed
    })
    .await;
    let error = stream.read_u8().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);

    let handle = peer.connect(address);
    let accepted = tokio::spawn(async move { listener.accept().await.unwrap().0 });
    peer.until("the connection", |peer| {
        peer.state(handle) == State::Established
    })
    .await;
    let stream = accepted.await.unwrap();
    stream.set_zero_linger().unwrap();
    drop(stream);
    peer.until("the server's reset", |peer| {
        peer.state(handle) == State::Closed
    })
    .await;
}

#[tokio::test]
async fn flows_of_a_client_that_has_gone_are_reset() {
    let (listener, address) = listen().await;
    let mut peer = peer();
    let handle = peer.connect(address);
    let accepted = tokio::spawn(async move { listener.accept().await.unwrap().0 });
    peer.until("the connection", |peer| {
        peer.state(handle) == State::Established
    })
    .await;
    let mut stream = accepted.await.unwrap();
    peer.port.forget_client(CLIENT);
    let error = stream.read_u8().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

/// An IPv4 packet from the client with this payload.
fn ip_packet(target: Ipv4Addr, protocol: IpProtocol, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0; 20 + payload.len()];
    packet[20..].copy_from_slice(payload);
    let mut header = Ipv4Packet::new_unchecked(&mut packet[..]);
    header.set_version(4);
    header.set_header_len(20);
    header.set_total_len(u16::try_from(20 + payload.len()).unwrap());
    header.set_hop_limit(64);
    header.set_next_header(protocol);
    header.set_src_addr(CLIENT);
    header.set_dst_addr(target);
    header.fill_checksum();
    packet
}

fn udp_packet(target: SocketAddrV4, payload: &[u8]) -> Vec<u8> {
    let mut datagram = vec![0; 8 + payload.len()];
    datagram[8..].copy_from_slice(payload);
    let mut header = UdpPacket::new_unchecked(&mut datagram[..]);
    header.set_src_port(5353);
    header.set_dst_port(target.port());
    header.set_len(u16::try_from(8 + payload.len()).unwrap());
    header.fill_checksum(&IpAddress::Ipv4(CLIENT), &IpAddress::Ipv4(*target.ip()));
    ip_packet(*target.ip(), IpProtocol::Udp, &datagram)
}

#[tokio::test]
async fn udp_answers_come_back_from_the_address_that_was_asked() {
    let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = v4(server.local_addr().unwrap());
    tokio::spawn(async move {
        let mut buffer = [0; 2000];
        loop {
            let (len, from) = server.recv_from(&mut buffer).await.unwrap();
            server.send_to(&buffer[..len], from).await.unwrap();
        }
    });
    let mut peer = peer();
    peer.send_raw(&udp_packet(address, b"first"));
    peer.send_raw(&udp_packet(address, b"second"));
    peer.until("two answers", |peer| peer.others.len() == 2)
        .await;
    for (answer, payload) in peer.others.iter().zip([&b"first"[..], b"second"]) {
        let ip = Ipv4Packet::new_checked(&answer[..]).unwrap();
        assert!(ip.verify_checksum());
        assert_eq!((ip.src_addr(), ip.dst_addr()), (*address.ip(), CLIENT));
        let udp = UdpPacket::new_checked(ip.payload()).unwrap();
        assert!(udp.verify_checksum(&ip.src_addr().into(), &ip.dst_addr().into()));
        assert_eq!((udp.src_port(), udp.dst_port()), (address.port(), 5353));
        assert_eq!(udp.payload(), payload);
    }
}

#[tokio::test]
async fn udp_to_a_closed_port_is_answered_by_port_unreachable() {
    let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = v4(server.local_addr().unwrap());
    drop(server);
    let mut peer = peer();
    let packet = udp_packet(address, b"anyone?");
    peer.send_raw(&packet);
    peer.until("the error", |peer| !peer.others.is_empty())
        .await;
    let ip = Ipv4Packet::new_checked(&peer.others[0][..]).unwrap();
    assert_eq!(
        (ip.next_header(), ip.dst_addr()),
        (IpProtocol::Icmp, CLIENT)
    );
    let error = Icmpv4Packet::new_checked(ip.payload()).unwrap();
    assert!(error.verify_checksum());
    assert_eq!(
        (error.msg_type(), error.msg_code()),
        (Icmpv4Message::DstUnreachable, 3)
    );
    // It quotes the addresses and ports by which the client finds its socket.
    assert_eq!(error.data()[12..24], packet[12..24]);
}

#[tokio::test]
async fn what_the_stack_does_not_carry_is_dropped_and_counted_by_reason() {
    let mut peer = peer();
    let target = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 9);
    let whole = udp_packet(target, b"payload");
    let mut fragment = whole.clone();
    fragment[6] = 0x20;
    Ipv4Packet::new_unchecked(&mut fragment[..]).fill_checksum();
    let mut corrupt = whole.clone();
    corrupt[30] ^= 1;
    let mut broken_header = whole.clone();
    broken_header[8] ^= 1;
    peer.send_raw(&fragment);
    peer.send_raw(&corrupt);
    peer.send_raw(&broken_header);
    peer.send_raw(&whole[..27]);
    peer.send_raw(&[]);
    peer.send_raw(&ip_packet(
        Ipv4Addr::LOCALHOST,
        IpProtocol::Unknown(47),
        b"gre",
    ));
    let counters = peer.port.counters();
    peer.until("the packets to be handled", |_| {
        counters.totals().to_network == 6
    })
    .await;
    let totals = counters.totals();
    assert_eq!(totals.dropped(DropReason::Fragment), 1);
    assert_eq!(totals.dropped(DropReason::Malformed), 4);
    assert_eq!(totals.dropped(DropReason::Protocol), 1);
    assert_eq!(totals.drops().count(), 3);
}

/// An echo request of the client to this machine's loopback address.
fn echo_request() -> Vec<u8> {
    let mut message = vec![8, 0, 0, 0, 0x12, 0x34, 0, 1];
    message.extend_from_slice(b"are you there");
    Icmpv4Packet::new_unchecked(&mut message[..]).fill_checksum();
    ip_packet(Ipv4Addr::LOCALHOST, IpProtocol::Icmp, &message)
}

/// A network of our own, in which the system permits echo to this process or not.
#[cfg(target_os = "linux")]
fn permit_echo(permitted: bool) {
    run("ip", "link set lo up");
    let groups = if permitted { "0 2147483647" } else { "1 0" };
    std::fs::write("/proc/sys/net/ipv4/ping_group_range", groups).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn without_any_capability_auto_takes_user_space_and_carries_tcp_and_echo() {
    let test = "userspace::without_any_capability_auto_takes_user_space_and_carries_tcp_and_echo";
    if in_namespace(test).is_none() {
        return;
    }
    permit_echo(true);
    let none = rustix::thread::CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    rustix::thread::set_capabilities(None, none).unwrap();
    let mut network = Network::open(&OpenOptions {
        choice: ModeChoice::Auto,
        workers: 1,
        state_dir: state_dir(),
        tun_name: "gatehouse0".to_owned(),
    })
    .unwrap();
    assert_eq!(network.mode(), Mode::Userspace);
    assert_eq!(
        network.mode_reason(),
        "User-space networking: this process lacks CAP_NET_ADMIN."
    );
    assert_eq!(network.warnings(), Vec::<String>::new());
    let mut peer = Peer::new(network.take_ports().remove(0));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (listener, address) = listen().await;
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(b"welcome").await.unwrap();
        });
        let handle = peer.connect(address);
        assert_eq!(peer.exchange(handle, b"").await, b"welcome");
        server.await.unwrap();

        peer.send_raw(&echo_request());
        peer.until("the reply", |peer| !peer.others.is_empty())
            .await;
        let ip = Ipv4Packet::new_checked(&peer.others[0][..]).unwrap();
        assert_eq!(
            (ip.src_addr(), ip.dst_addr()),
            (Ipv4Addr::LOCALHOST, CLIENT)
        );
        let reply = Icmpv4Packet::new_checked(ip.payload()).unwrap();
        assert!(reply.verify_checksum());
        assert_eq!(reply.msg_type(), Icmpv4Message::EchoReply);
        assert_eq!((reply.echo_ident(), reply.echo_seq_no()), (0x1234, 1));
        assert_eq!(reply.data(), b"are you there");
    });
}

#[cfg(target_os = "linux")]
#[test]
fn echo_that_is_not_permitted_is_counted_and_an_administrator_is_told_how_to_permit_it() {
    let test = "userspace::echo_that_is_not_permitted_is_counted_and_an_administrator_is_told_how_to_permit_it";
    if in_namespace(test).is_none() {
        return;
    }
    permit_echo(false);
    let mut network = open();
    let warnings = network.warnings();
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0].contains("net.ipv4.ping_group_range"),
        "{}",
        warnings[0]
    );
    let mut peer = Peer::new(network.take_ports().remove(0));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        peer.send_raw(&echo_request());
        peer.until("the drop", |_| {
            network.totals().dropped(DropReason::EchoNotPermitted) == 1
        })
        .await;
    });
}

#[test]
fn a_port_may_be_handed_to_its_workers_thread() {
    fn handed<T: Send + 'static>(_: &T) {}
    handed(&open().take_ports());
}
