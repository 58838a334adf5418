//! Word of changes to this machine's interfaces, addresses and routes, as they happen.

use std::io;
use std::time::Duration;

#[cfg(target_os = "linux")]
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
#[cfg(target_os = "linux")]
use tokio::io::unix::AsyncFd;

/// Changes come in bursts (an interface that goes takes its addresses and routes along): this much
/// later the burst is told as one.
const BURST: Duration = Duration::from_millis(20);

/// Tells when this machine's interfaces, addresses or IPv4 routes change. It needs no privilege.
///
/// What has changed it does not say: look again by [`Network::look`](super::Network::look).
#[derive(Debug)]
pub struct HostChanges {
    #[cfg(target_os = "linux")]
    socket: AsyncFd<Socket>,
    /// Whether something was read that nobody was told of yet.
    #[cfg(target_os = "linux")]
    heard: bool,
}

#[cfg(target_os = "linux")]
impl HostChanges {
    /// Begins to listen. Call it within a tokio runtime.
    ///
    /// # Errors
    /// If the system gives no such socket; then look every few seconds.
    pub fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind(&SocketAddr::new(0, 0))?;
        for group in [GROUP_LINK, GROUP_IPV4_ADDRESS, GROUP_IPV4_ROUTE] {
            socket.add_membership(group)?;
        }
        socket.set_non_blocking(true)?;
        #[expect(
            unsafe_code,
            reason = "the runtime has no safe way to wait for a netlink socket"
        )]
        // SAFETY: a `Socket` owns one descriptor, which it closes when it is dropped, and here that
        // is with the `AsyncFd`: nothing takes it out or puts another in its place.
        let socket = unsafe { AsyncFd::register(socket) }?;
        Ok(Self {
            socket,
            heard: false,
        })
    }

    /// Waits for the next change. No change is lost when the future is dropped before it is ready.
    pub async fn changed(&mut self) {
        while !self.heard {
            // The socket's own failure is no reason to stop: the next look finds what was missed.
            let Ok(mut ready) = self.socket.readable_mut().await else {
                return std::future::pending().await;
            };
            self.heard = Self::drain(ready.get_inner_mut());
            if !self.heard {
                ready.clear_ready();
            }
        }
        tokio::time::sleep(BURST).await;
        Self::drain(self.socket.get_mut());
        self.heard = false;
    }

    /// Reads what has come, and says whether any of it is of interest.
    fn drain(socket: &mut Socket) -> bool {
        let mut is_news = false;
        loop {
            let mut bytes = Vec::with_capacity(READ);
            match socket.recv(&mut bytes, 0) {
                Ok(_) => is_news |= is_of_others(&bytes),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return is_news,
                // More came than the socket holds: something has changed for certain.
                Err(_) => return true,
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl HostChanges {
    /// This system does not tell of changes.
    ///
    /// # Errors
    /// Always.
    pub fn open() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Never ends.
    pub async fn changed(&mut self) {
        std::future::pending().await
    }
}

/// Multicast groups of `include/uapi/linux/rtnetlink.h`.
#[cfg(target_os = "linux")]
const GROUP_LINK: u32 = 1;
#[cfg(target_os = "linux")]
const GROUP_IPV4_ADDRESS: u32 = 5;
#[cfg(target_os = "linux")]
const GROUP_IPV4_ROUTE: u32 = 7;
/// The kernel's own limit of one message is 32 KiB; longer ones are cut off, which does no harm.
#[cfg(target_os = "linux")]
const READ: usize = 32 * 1024;
/// `RTM_NEWROUTE` and `RTM_DELROUTE`.
#[cfg(target_os = "linux")]
const ROUTE_MESSAGES: std::ops::RangeInclusive<u16> = 24..=25;

/// Whether a message tells of something that this program did not do itself: its own routes are
/// marked as such.
#[cfg(target_os = "linux")]
fn is_of_others(message: &[u8]) -> bool {
    // `struct nlmsghdr` (16 bytes), then `struct rtmsg`, whose byte 5 is the protocol.
    let kind = message
        .get(4..6)
        .map(|bytes| u16::from_ne_bytes([bytes[0], bytes[1]]));
    let is_route = kind.is_some_and(|kind| ROUTE_MESSAGES.contains(&kind));
    !(is_route && message.get(21) == Some(&super::ROUTE_PROTOCOL))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;

    use super::*;
    use crate::network::tests::namespace::{in_namespace, run};

    #[test]
    fn news_is_not_lost_when_the_wait_for_the_end_of_the_burst_is_given_up() {
        let test = "network::changes::tests::news_is_not_lost_when_the_wait_for_the_end_of_the_burst_is_given_up";
        if in_namespace(test).is_none() {
            return;
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut changes = HostChanges::open().unwrap();
            run("ip", "link set lo up");
            drop(changes.socket.readable().await.unwrap());
            {
                // One turn reads the news and begins to wait for the end of the burst.
                let mut told = pin!(changes.changed());
                let is_pending = poll_fn(|cx| Poll::Ready(told.as_mut().poll(cx).is_pending()));
                assert!(is_pending.await);
            }
            let again = tokio::time::timeout(Duration::from_secs(10), changes.changed());
            again.await.expect("it is told all the same");
        });
    }
}
