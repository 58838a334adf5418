//! Packets that are too long: fragments pass, and who sent one that may not be cut is told.

use std::{io, net::UdpSocket, time::Duration};

use rustix::io::Errno;

use crate::{
    gateway::{Gateway, Mode},
    lab::{Lab, Namespace, TARGET},
    site::{PORT, Site},
    stock::StockClient,
};

#[test]
fn fragments_pass_both_ways_and_a_report_of_a_small_link_reaches_the_client() {
    let Some(lab) = Lab::build() else { return };
    let here = lab.client();
    let _site = Site::open(&lab.target, TARGET);
    let mut gateway = Gateway::start(&lab, Mode::Tun);
    let set_up = gateway.set_up("udp", &[]);
    let client = StockClient::connect(&lab, &here, &set_up.profile, &[]);

    // Three fragments there, three back.
    let socket = towards_target(&here);
    let long = vec![7_u8; 4_000];
    assert_eq!(echoed(&socket, &long).expect("it comes back"), long);

    // Behind the gateway the link is smaller than the tunnel: a datagram that may not be cut comes
    // back as an ICMP error, and the client's own kernel learns of it.
    lab.gateway.ip("link set lan0 mtu 1200");
    let socket = towards_target(&here);
    let reported = here.enter(|| {
        set_do_not_fragment(&socket)?;
        socket.send(&[7; 1_300])?;
        socket.recv(&mut [0; 1])
    });
    let error = reported.expect_err("it is too long");
    assert_eq!(
        error.raw_os_error(),
        Some(Errno::MSGSIZE.raw_os_error()),
        "{error}"
    );
    assert_eq!(client.restarts(), 0);
}

fn towards_target(here: &Namespace) -> UdpSocket {
    here.enter(|| {
        let socket = UdpSocket::bind(("0.0.0.0", 0)).expect("a port is free");
        socket
            .connect((TARGET, PORT))
            .expect("the tunnel leads there");
        socket
            .set_read_timeout(Some(Duration::from_secs(10)))
            .expect("it is not zero");
        socket
    })
}

fn echoed(socket: &UdpSocket, bytes: &[u8]) -> io::Result<Vec<u8>> {
    socket.send(bytes)?;
    let mut answer = vec![0; 65_536];
    let len = socket.recv(&mut answer)?;
    answer.truncate(len);
    Ok(answer)
}

/// Sets the flag "do not fragment" on what the socket sends, as path MTU discovery does.
fn set_do_not_fragment(socket: &UdpSocket) -> io::Result<()> {
    rustix::net::sockopt::set_ip_mtu_discover(
        socket,
        rustix::net::sockopt::Ipv4PathMtuDiscovery::DO,
    )?;
    Ok(())
}
