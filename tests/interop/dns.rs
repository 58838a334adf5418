//! The DNS server of the VPC: names that the gateway's machine resolves, its clients resolve too.

use std::{
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream, UdpSocket},
    time::Duration,
};

use crate::{
    gateway::{Gateway, Mode, SetUp, text},
    lab::{Lab, NEIGHBOUR, Namespace, VPC},
    process::until,
    site::start_thread,
    stock::StockClient,
};

/// The VPC's network address plus two.
const RESOLVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);
const PORT: u16 = 53;
/// What every name stands for.
const FOUND: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 77);
/// How long a silence is one.
const PATIENCE: Duration = Duration::from_millis(1_500);

#[test]
fn a_name_resolves_through_the_vpc_dns_server_by_tun() {
    a_name_resolves_through_the_vpc_dns_server(Mode::Tun);
}

#[test]
fn a_name_resolves_through_the_vpc_dns_server_in_user_space() {
    a_name_resolves_through_the_vpc_dns_server(Mode::UserSpace);
}

fn a_name_resolves_through_the_vpc_dns_server(mode: Mode) {
    let Some(lab) = Lab::build() else { return };
    let here = lab.client();
    serve_names(&lab.target, NEIGHBOUR);
    lab.gateway
        .name_servers(&format!("nameserver {NEIGHBOUR}\n"));
    let mut gateway = Gateway::start(&lab, mode);
    let SetUp {
        endpoint, profile, ..
    } = gateway.set_up("udp", &["--split-tunnel", "--dns-servers", "10.77.0.2"]);
    let vpcs = gateway.tell(&["ec2", "describe-vpcs"]);
    assert_eq!(vpcs["Vpcs"][0]["DnsServer"], RESOLVER.to_string());
    let vpc = text(&vpcs["Vpcs"][0]["VpcId"]);
    let _client = StockClient::connect(&lab, &here, &profile, &[]);

    assert_eq!(by_udp(&here).ok(), None, "no rule opens it");
    gateway.authorize(&endpoint, VPC);
    let answers = || by_udp(&here).ok();
    assert_eq!(until(Duration::from_secs(10), answers), Some(FOUND));
    assert_eq!(by_tcp(&here).expect("it answers"), [FOUND; 2]);

    let set = |value: &str| {
        gateway.ec2_settled(&format!(
            "modify-vpc-attribute --vpc-id {vpc} --enable-dns-support Value={value}"
        ));
        gateway.ec2(&format!(
            "describe-vpc-attribute --vpc-id {vpc} --attribute enableDnsSupport"
        ))
    };
    assert_eq!(set("false")["EnableDnsSupport"]["Value"], false);
    assert_eq!(by_udp(&here).ok(), None, "it is switched off");
    assert!(by_tcp(&here).is_err(), "it is switched off");
    assert_eq!(set("true")["EnableDnsSupport"]["Value"], true);
    assert_eq!(until(Duration::from_secs(10), answers), Some(FOUND));
}

/// A name server that knows every name, until the test ends.
fn serve_names(namespace: &Namespace, address: Ipv4Addr) {
    let (udp, tcp) = namespace.enter(|| {
        let udp = UdpSocket::bind((address, PORT)).expect("nobody else is in here");
        let tcp = TcpListener::bind((address, PORT)).expect("nobody else is in here");
        (udp, tcp)
    });
    start_thread("dns-udp", move || {
        let mut query = [0; 512];
        while let Ok((length, client)) = udp.recv_from(&mut query) {
            udp.send_to(&answer(&query[..length]), client).ok(); // who asked may have gone
        }
    });
    start_thread("dns-tcp", move || {
        while let Ok((mut stream, _)) = tcp.accept() {
            start_thread("conversation", move || {
                while let Ok(query) = receive(&mut stream) {
                    if send(&mut stream, &answer(&query)).is_err() {
                        return;
                    }
                }
            });
        }
    });
}

/// The query as an answer with one address (RFC 1035, section 4).
fn answer(query: &[u8]) -> Vec<u8> {
    let mut answer = query.to_vec();
    answer[2] |= 0x80;
    answer[7] = 1;
    // The question's name, its type and class, a minute, four bytes.
    answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
    answer.extend(FOUND.octets());
    answer
}

fn query(id: u8) -> Vec<u8> {
    let mut query = vec![0x6a, id, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    query.extend(b"\x05intra\x07example\0");
    query.extend([0, 1, 0, 1]);
    query
}

/// The address that an answer to this query ends with.
fn found(query: &[u8], answer: &[u8]) -> io::Result<Ipv4Addr> {
    let is_answer = answer.len() == query.len() + 16
        && answer[..2] == query[..2]
        && answer[3] & 0x0f == 0
        && answer[12..query.len()] == query[12..];
    let address = answer.last_chunk::<4>().filter(|_| is_answer);
    let address = address.ok_or(io::ErrorKind::InvalidData)?;
    Ok(Ipv4Addr::from(*address))
}

fn by_udp(from: &Namespace) -> io::Result<Ipv4Addr> {
    let socket = from.enter(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.connect((RESOLVER, PORT))?;
    let query = query(1);
    socket.send(&query)?;
    let mut buffer = [0; 512];
    let length = socket.recv(&mut buffer)?;
    found(&query, &buffer[..length])
}

/// Two queries by one connection.
fn by_tcp(from: &Namespace) -> io::Result<[Ipv4Addr; 2]> {
    let to = SocketAddrV4::new(RESOLVER, PORT);
    let mut stream = from.enter(|| TcpStream::connect_timeout(&to.into(), PATIENCE))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut ask = |id| {
        let query = query(id);
        send(&mut stream, &query)?;
        found(&query, &receive(&mut stream)?)
    };
    Ok([ask(2)?, ask(3)?])
}

fn send(stream: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    let length = u16::try_from(message.len()).map_err(|_| io::ErrorKind::InvalidData)?;
    stream.write_all(&[&length.to_be_bytes(), message].concat())
}

fn receive(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut message = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut message)?;
    Ok(message)
}
