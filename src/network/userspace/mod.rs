//! The user-space stack.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::batch::PacketBatch;
use super::counters::{Counters, DropReason};

/// Bounds of one worker's stack.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {}

impl Limits {
    pub(super) fn of_this_process(_workers: usize) -> Self {
        Self {}
    }

    pub(super) fn warning(self) -> Option<String> {
        None
    }
}

/// One worker's stack.
pub(super) struct Stack {
    counters: Arc<Counters>,
}

impl Stack {
    pub(super) fn new(_limits: Limits, counters: Arc<Counters>) -> Self {
        Self { counters }
    }

    pub(super) fn send(&mut self, batch: &mut PacketBatch) {
        batch
            .iter()
            .for_each(|_| self.counters.count_drop(DropReason::Protocol));
    }

    pub(super) fn poll_recv(
        &mut self,
        _cx: &mut Context<'_>,
        _batch: &mut PacketBatch,
    ) -> Poll<io::Result<usize>> {
        Poll::Pending
    }
}
