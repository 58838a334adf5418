//! A port whose far side is a test: what is sent can be read, and what is put in is received.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::sync::mpsc;

use super::batch::PacketBatch;
use super::egress::EgressId;
use super::port::Port;

/// The port's side.
pub(super) struct Memory {
    sent: mpsc::Sender<Vec<u8>>,
    egresses: mpsc::Sender<EgressId>,
    incoming: mpsc::Receiver<Vec<u8>>,
}

/// The test's side.
pub(crate) struct Wire {
    /// What the port has sent.
    pub(crate) sent: mpsc::Receiver<Vec<u8>>,
    /// The egress of each packet the port has sent, in the same order.
    pub(crate) egresses: mpsc::Receiver<EgressId>,
    /// What the port is to receive.
    pub(crate) incoming: mpsc::Sender<Vec<u8>>,
}

/// A port and its far side.
pub(crate) fn port() -> (Port, Wire) {
    let (to_test, sent) = mpsc::channel(QUEUE);
    let (to_egresses, egresses) = mpsc::channel(QUEUE);
    let (from_test, incoming) = mpsc::channel(QUEUE);
    let memory = Memory {
        sent: to_test,
        egresses: to_egresses,
        incoming,
    };
    let wire = Wire {
        sent,
        egresses,
        incoming: from_test,
    };
    (Port::memory(memory, Arc::default()), wire)
}

impl Memory {
    pub(super) fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        batch: &mut PacketBatch,
    ) -> Poll<std::io::Result<usize>> {
        let Some(first) = ready!(self.incoming.poll_recv(cx)) else {
            // The test has let go: nothing comes any more.
            return Poll::Pending;
        };
        let mut count = usize::from(batch.push(&first));
        while !batch.is_full()
            && let Ok(packet) = self.incoming.try_recv()
        {
            count += usize::from(batch.push(&packet));
        }
        Poll::Ready(Ok(count))
    }

    pub(super) fn send(&mut self, batch: &PacketBatch) {
        for slot in batch.slots() {
            // As a device does, a full queue drops.
            self.sent.try_send(slot.packet().to_vec()).ok();
            self.egresses.try_send(slot.egress()).ok();
        }
    }
}

const QUEUE: usize = 1024;

#[test]
fn the_test_sees_by_which_egress_each_packet_left() {
    let (mut port, mut wire) = port();
    let mut batch = PacketBatch::new();
    assert!(batch.push(b"a") && batch.push_by(b"b", EgressId(2)));
    port.send(&mut batch);
    let mut next = || {
        (
            wire.sent.try_recv().unwrap(),
            wire.egresses.try_recv().unwrap(),
        )
    };
    assert_eq!(next(), (b"a".to_vec(), EgressId::DEFAULT));
    assert_eq!(next(), (b"b".to_vec(), EgressId(2)));
}
