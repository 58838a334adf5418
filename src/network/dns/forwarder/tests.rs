use std::io::Write as _;

use super::super::message::tests::{answer, query};
use super::*;

/// Servers that answer on ports of their own, asked directly: a file names addresses only.
fn servers(addresses: &[SocketAddr]) -> Servers {
    Servers {
        addresses: addresses.to_vec(),
        timeout: Duration::from_secs(5),
        attempts: 1,
    }
}

/// A name server that answers each query as `reply` has it; none where it says nothing.
async fn server(reply: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 4096];
        while let Ok((length, client)) = socket.recv_from(&mut buffer).await {
            for message in reply(&buffer[..length]) {
                socket.send_to(&message, client).await.unwrap();
            }
        }
    });
    address
}

fn asked() -> Query {
    Query::parse(&query([1, 2], "db.example")).unwrap()
}

fn refused(query: &[u8]) -> Vec<u8> {
    let mut message = answer(query);
    message[3] |= 5;
    message
}

#[tokio::test]
async fn what_does_not_answer_the_query_is_passed_over() {
    let server = server(|message| {
        let mut forged = answer(message);
        forged[0] ^= 1;
        let mut other = answer(message);
        other[13] ^= 1;
        let mut good = answer(message);
        good.push(7);
        vec![forged, other, vec![0; 3], good]
    })
    .await;
    let found = ask_all(&servers(&[server]), &asked(), Carrier::Udp).await;
    assert_eq!(found.unwrap().last(), Some(&7));
}

#[tokio::test]
async fn a_server_that_is_gone_or_refuses_is_followed_by_the_next() {
    let gone = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap();
    let refuses = server(|message| vec![refused(message)]).await;
    let knows = server(|message| vec![answer(message)]).await;
    let ask =
        async |addresses: &[SocketAddr]| ask_all(&servers(addresses), &asked(), Carrier::Udp).await;
    let found = ask(&[gone, refuses, knows]).await.unwrap();
    assert_eq!(found[3] & 0x0f, 0);
    let found = ask(&[gone, refuses]).await.unwrap();
    assert_eq!(found[3] & 0x0f, 5, "the refusal itself, where nobody knows");
    assert_eq!(ask(&[gone]).await, None);
    assert_eq!(ask(&[]).await, None);
}

#[tokio::test]
async fn silent_servers_take_less_than_a_client_waits() {
    let silent = server(|_| Vec::new()).await;
    let mut servers = servers(&[silent; 3]);
    (servers.attempts, servers.timeout) = (5, Duration::from_secs(30));
    assert!(servers.patience().unwrap() * 15 <= PATIENCE);
    servers.timeout = Duration::from_millis(1);
    assert_eq!(ask_all(&servers, &asked(), Carrier::Udp).await, None);
}

#[tokio::test]
async fn each_query_leaves_from_a_port_and_with_an_identifier_of_its_own() {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let server = socket.local_addr().unwrap();
    let seen = tokio::spawn(async move {
        let mut seen = std::collections::HashSet::new();
        let mut buffer = [0; 512];
        for _ in 0..16 {
            let (length, client) = socket.recv_from(&mut buffer).await.unwrap();
            seen.insert((client.port(), [buffer[0], buffer[1]]));
            let message = answer(&buffer[..length]);
            socket.send_to(&message, client).await.unwrap();
        }
        let ids: std::collections::HashSet<_> = seen.iter().map(|it| it.1).collect();
        (seen.len(), ids.len())
    });
    for _ in 0..16 {
        ask_by_udp(server, &asked()).await.unwrap();
    }
    let (pairs, ids) = seen.await.unwrap();
    assert_eq!(pairs, 16);
    assert!(ids > 8, "{ids}");
}

#[tokio::test]
async fn the_largest_answer_comes_by_tcp() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let server = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut message = answer(&read_message(&mut stream).await.unwrap());
            message.resize(MAX_MESSAGE, 9);
            write_message(&mut stream, &message).await.unwrap();
        }
    });
    let found = ask_all(&servers(&[server]), &asked(), Carrier::Tcp).await;
    assert_eq!(found.unwrap().len(), MAX_MESSAGE);
}

/// A forwarder whose file names this.
fn forwarder(text: &str) -> (Forwarder, tempfile::NamedTempFile) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    (Forwarder::start(file.path().to_owned()).unwrap(), file)
}

async fn asking(forwarder: &Forwarder) -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    socket.connect(forwarder.udp()).await.unwrap();
    socket
}

#[tokio::test]
async fn without_a_name_server_queries_fail_and_hostile_bytes_are_passed_over() {
    let (forwarder, _file) = forwarder("# none\n");
    let socket = asking(&forwarder).await;
    let good = query([8, 9], "db.example");
    socket.send(&good[..5]).await.unwrap();
    socket.send(&answer(&good)).await.unwrap();
    socket.send(&good[..14]).await.unwrap();
    let mut buffer = [0; 512];
    // Only the third is answered: as one that cannot be read.
    let length = socket.recv(&mut buffer).await.unwrap();
    assert_eq!(
        (length, &buffer[..2], buffer[3] & 0x0f),
        (12, &[8, 9][..], 1)
    );
    socket.send(&good).await.unwrap();
    let length = socket.recv(&mut buffer).await.unwrap();
    assert_eq!((length, buffer[3] & 0x0f), (good.len(), 2));

    let mut stream = TcpStream::connect(forwarder.tcp()).await.unwrap();
    for id in [[1, 1], [2, 2]] {
        let message = query(id, "db.example");
        write_message(&mut stream, &message).await.unwrap();
        let answer = read_message(&mut stream).await.unwrap();
        assert_eq!((&answer[..2], answer[3] & 0x0f), (&id[..], 2));
    }
    write_message(&mut stream, &answer(&good)).await.unwrap();
    assert!(read_message(&mut stream).await.is_err(), "it is closed");
}

#[tokio::test]
async fn a_forwarder_that_is_dropped_listens_no_more() {
    let (forwarder, _file) = forwarder("");
    let at = forwarder.tcp();
    drop(forwarder);
    // Its thread ends on its own time.
    while TcpStream::connect(at).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[test]
fn a_client_that_asks_too_much_takes_no_place_from_another() {
    let places = Places::new((5, 3));
    let [flood, other, third] = [1, 2, 3].map(|last| IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)));
    let taken: Vec<_> = (0..100).filter_map(|_| places.enter(flood)).collect();
    assert_eq!(taken.len(), 3);
    let more: Vec<_> = (0..100).filter_map(|_| places.enter(other)).collect();
    assert_eq!(more.len(), 2, "the bound of all");
    assert!(places.enter(third).is_none());
    drop(taken);
    assert!(places.enter(third).is_some());
    drop(more);
    assert!(places.taken.lock().unwrap().of.is_empty());
}
