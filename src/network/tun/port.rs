//! One worker's queue of the TUN device.

use std::io;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tun_rs::{AsyncDevice, SyncDevice, VIRTIO_NET_HDR_LEN};

use super::exit::Doors;
use super::gro::{Coalescer, Split, split};
use crate::network::batch::PacketBatch;
use crate::network::counters::{Counters, DropReason};
use crate::network::egress::EgressId;

/// A queue of the device, registered with the reactor of whichever runtime first uses it.
pub(in crate::network) struct TunPort {
    /// The queue before its first use.
    idle: Option<SyncDevice>,
    live: Option<AsyncDevice>,
    /// Where packets of other egresses than the default one are written to.
    doors: Arc<Doors>,
    counters: Arc<Counters>,
    coalescer: Coalescer,
    /// What the last read gave, virtio header first.
    read: Box<[u8]>,
    /// Length of a read that found no room in the batch yet.
    held: Option<usize>,
}

impl TunPort {
    pub(super) fn new(queue: SyncDevice, doors: Arc<Doors>, counters: Arc<Counters>) -> Self {
        Self {
            idle: Some(queue),
            live: None,
            doors,
            counters,
            coalescer: Coalescer::new(),
            read: vec![0; VIRTIO_NET_HDR_LEN + 65_536].into_boxed_slice(),
            held: None,
        }
    }

    pub(in crate::network) fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        batch: &mut PacketBatch,
    ) -> Poll<io::Result<usize>> {
        let before = batch.len();
        while !batch.is_full() {
            let len = match self.held.take() {
                Some(len) => len,
                None => match self.poll_read(cx) {
                    Poll::Ready(Ok(len)) => len,
                    Poll::Ready(Err(error)) if batch.len() == before => {
                        return Poll::Ready(Err(error));
                    }
                    Poll::Ready(Err(_)) | Poll::Pending => break,
                },
            };
            match split(&mut self.read[..len], batch) {
                Split::Packets(_) => {}
                Split::NoRoom => {
                    self.held = Some(len);
                    break;
                }
                Split::Unusable => self.counters.count_drop(DropReason::Malformed),
            }
        }
        if batch.len() == before && !batch.is_full() {
            return Poll::Pending;
        }
        Poll::Ready(Ok(batch.len() - before))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        Self::register(&mut self.idle, &mut self.live)?;
        let device = self.live.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        let len = ready!(device.poll_recv(cx, &mut self.read))?;
        Poll::Ready(Ok(len))
    }

    fn register(idle: &mut Option<SyncDevice>, live: &mut Option<AsyncDevice>) -> io::Result<()> {
        if let Some(queue) = idle.take() {
            *live = Some(AsyncDevice::new(queue)?);
        }
        Ok(())
    }

    pub(in crate::network) fn send(&mut self, batch: &mut PacketBatch) {
        let counters = &self.counters;
        if Self::register(&mut self.idle, &mut self.live).is_err() {
            (0..batch.len()).for_each(|_| counters.count_drop(DropReason::Device));
            return;
        }
        let Some(device) = &self.live else { return };
        let doors = self.doors.load();
        self.coalescer.write(
            batch.slots_mut(),
            // The queue never fills (the kernel takes or drops at once), so readiness is not asked.
            |egress, pieces| match egress {
                EgressId::DEFAULT => Ok(rustix::io::writev(device.as_fd(), pieces)?),
                _ => {
                    let door = doors.get(&egress).ok_or(io::ErrorKind::NotFound)?;
                    Ok(rustix::io::writev(door.as_fd(), pieces)?)
                }
            },
            |packets, error| {
                let reason = match error.kind() {
                    io::ErrorKind::WouldBlock => DropReason::QueueFull,
                    io::ErrorKind::NotFound => DropReason::Egress,
                    _ => DropReason::Device,
                };
                (0..packets).for_each(|_| counters.count_drop(reason));
            },
        );
    }
}
