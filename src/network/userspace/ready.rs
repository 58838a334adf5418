//! Which flows have something to do: each flow has a waker of its own, so none is polled in vain.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

use super::flows::FlowId;

/// Flows whose sockets became ready, and the task to wake for them.
///
/// The reactor runs on the worker's own thread, so the lock is not contended.
#[derive(Debug, Default)]
pub(super) struct ReadyQueue(Mutex<Ready>);

#[derive(Debug, Default)]
struct Ready {
    flows: Vec<FlowId>,
    task: Option<Waker>,
}

impl ReadyQueue {
    /// Sets the task to wake.
    pub(super) fn register(&self, task: &Waker) {
        let mut ready = self.lock();
        match &mut ready.task {
            Some(known) => known.clone_from(task),
            none => *none = Some(task.clone()),
        }
    }

    /// Moves the ready flows to the end of `flows`.
    pub(super) fn take(&self, flows: &mut Vec<FlowId>) {
        flows.append(&mut self.lock().flows);
    }

    /// Wakes the task, because there is something for it that no socket will tell.
    pub(super) fn wake_task(&self) {
        let task = self.lock().task.clone();
        if let Some(task) = task {
            task.wake();
        }
    }

    fn push(&self, flow: FlowId) {
        let mut ready = self.lock();
        ready.flows.push(flow);
        let task = ready.task.clone();
        drop(ready);
        if let Some(task) = task {
            task.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Ready> {
        // A list and a waker are whole after any panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts its flow into the queue, once until the flow is polled again.
#[derive(Debug)]
pub(super) struct FlowWaker {
    flow: FlowId,
    queued: AtomicBool,
    queue: Arc<ReadyQueue>,
}

impl FlowWaker {
    pub(super) fn new(flow: FlowId, queue: Arc<ReadyQueue>) -> Arc<Self> {
        Arc::new(Self {
            flow,
            queued: AtomicBool::new(false),
            queue,
        })
    }

    /// Says that the flow is being polled: what happens from now on queues it again.
    pub(super) fn rearm(&self) {
        self.queued.store(false, Ordering::Release);
    }
}

impl Wake for FlowWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            self.queue.push(self.flow);
        }
    }
}
