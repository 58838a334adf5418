//! A port whose far side is a test: what is sent can be read, and what is put in is received.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::sync::mpsc;

use super::batch::PacketBatch;
use super::port::Port;

/// The port's side.
pub(super) struct Memory {
    sent: mpsc::Sender<Vec<u8>>,
    incoming: mpsc::Receiver<Vec<u8>>,
}

/// The test's side.
pub(crate) struct Wire {
    /// What the port has sent.
    pub(crate) sent: mpsc::Receiver<Vec<u8>>,
    /// What the port is to receive.
    pub(crate) incoming: mpsc::Sender<Vec<u8>>,
}

/// A port and its far side.
pub(crate) fn port() -> (Port, Wire) {
    let (to_test, sent) = mpsc::channel(QUEUE);
    let (from_test, incoming) = mpsc::channel(QUEUE);
    let memory = Memory {
        sent: to_test,
        incoming,
    };
    let wire = Wire {
        sent,
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
        for packet in batch.iter() {
            // As a device does, a full queue drops.
            self.sent.try_send(packet.to_vec()).ok();
        }
    }
}

const QUEUE: usize = 1024;
