//! A worker's door to the target network.

use std::future::poll_fn;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::batch::PacketBatch;
use super::counters::Counters;
#[cfg(target_os = "linux")]
use super::dns::Resolvers;
#[cfg(target_os = "linux")]
use super::tun::TunPort;
use super::userspace::Stack;

/// One worker's way to send packets into the target network and to receive from it.
///
/// A port belongs to one task at a time. It registers with the reactor of the tokio runtime in
/// which it is first used, and must stay there.
pub struct Port {
    inner: Inner,
    counters: Arc<Counters>,
}

/// The resolvers of VPCs beside a TUN device, which has no host at their addresses.
#[cfg(target_os = "linux")]
pub(super) struct Desk {
    resolvers: Arc<Resolvers>,
    stack: Stack,
    /// Queries on their way into the stack.
    queries: PacketBatch,
}

#[cfg(target_os = "linux")]
impl Desk {
    pub(super) fn new(resolvers: Arc<Resolvers>, stack: Stack) -> Self {
        Self {
            resolvers,
            stack,
            queries: PacketBatch::new(),
        }
    }

    /// Takes the queries out of what goes into the device.
    fn take_out(&mut self, batch: &mut PacketBatch) {
        self.resolvers.now().take_out(batch, &mut self.queries);
        if !self.queries.is_empty() {
            self.stack.send(&self.queries);
            self.queries.clear();
        }
    }

    /// Adds the answers to what comes out of the device.
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        device: &mut TunPort,
        batch: &mut PacketBatch,
    ) -> Poll<io::Result<usize>> {
        if self.stack.is_idle() {
            self.stack.register(cx);
            return device.poll_recv(cx, batch);
        }
        let before = batch.len();
        let answers = self.stack.poll_recv(cx, batch)?;
        match device.poll_recv(cx, batch) {
            Poll::Ready(Err(error)) if batch.len() == before => Poll::Ready(Err(error)),
            Poll::Pending if answers.is_pending() => Poll::Pending,
            // An error of the device is there still at the next call.
            _ => Poll::Ready(Ok(batch.len() - before)),
        }
    }
}

enum Inner {
    #[cfg(target_os = "linux")]
    Tun(Box<TunPort>, Box<Desk>),
    Userspace(Box<Stack>),
    #[cfg(test)]
    Memory(super::memory::Memory),
}

impl Port {
    #[cfg(target_os = "linux")]
    pub(super) fn tun(port: TunPort, desk: Desk, counters: Arc<Counters>) -> Self {
        Self {
            inner: Inner::Tun(Box::new(port), Box::new(desk)),
            counters,
        }
    }

    pub(super) fn userspace(stack: Stack, counters: Arc<Counters>) -> Self {
        Self {
            inner: Inner::Userspace(Box::new(stack)),
            counters,
        }
    }

    #[cfg(test)]
    pub(super) fn memory(memory: super::memory::Memory, counters: Arc<Counters>) -> Self {
        Self {
            inner: Inner::Memory(memory),
            counters,
        }
    }

    /// Adds packets that came from the network to the batch, as many as there are and fit, and says
    /// how many; they are whole IPv4 packets with valid checksums. With a full batch the answer is 0
    /// at once.
    ///
    /// # Errors
    /// When the device has gone: no further packet will come.
    pub fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        batch: &mut PacketBatch,
    ) -> Poll<io::Result<usize>> {
        let before = batch.len();
        let result = match &mut self.inner {
            #[cfg(target_os = "linux")]
            Inner::Tun(port, desk) => desk.poll_recv(cx, port, batch),
            Inner::Userspace(stack) => stack.poll_recv(cx, batch),
            #[cfg(test)]
            Inner::Memory(memory) => memory.poll_recv(cx, batch),
        };
        if let Poll::Ready(Ok(count)) = result {
            let bytes = batch.iter().skip(before).map(<[u8]>::len).sum();
            self.counters.count_from_network(count, bytes);
        }
        result
    }

    /// Waits for packets from the network; see [`Port::poll_recv`]. Nothing is lost when the future
    /// is dropped.
    ///
    /// # Errors
    /// When the device has gone.
    pub async fn recv(&mut self, batch: &mut PacketBatch) -> io::Result<usize> {
        poll_fn(|cx| self.poll_recv(cx, batch)).await
    }

    /// Sends the batch's packets into the network and leaves the batch empty. It never waits: what
    /// cannot be taken now is dropped and counted.
    ///
    /// Packets must have passed the policy: whole IPv4 packets, in slots with at least 10 bytes
    /// before the packet.
    pub fn send(&mut self, batch: &mut PacketBatch) {
        if batch.is_empty() {
            return;
        }
        self.counters.count_to_network(batch.len(), batch.bytes());
        match &mut self.inner {
            #[cfg(target_os = "linux")]
            Inner::Tun(port, desk) => {
                desk.take_out(batch);
                port.send(batch);
            }
            Inner::Userspace(stack) => stack.send(batch),
            #[cfg(test)]
            Inner::Memory(memory) => memory.send(batch),
        }
        batch.clear();
    }

    /// Ends the flows of a client that has gone, so that nothing of them reaches the next client with
    /// its address. In TUN mode flows other than queries to resolvers live in the kernel, which knows
    /// clients by address only: there the policy's flow entries keep them apart.
    pub fn forget_client(&mut self, client: Ipv4Addr) {
        match &mut self.inner {
            #[cfg(target_os = "linux")]
            Inner::Tun(_, desk) => desk.stack.forget_client(client),
            Inner::Userspace(stack) => stack.forget_client(client),
            #[cfg(test)]
            Inner::Memory(_) => {}
        }
    }

    /// This port's counters, readable from any thread.
    #[must_use]
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }
}
