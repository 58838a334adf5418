//! Data workers: threads that own sockets, a network port and the data channels of sessions.
//!
//! A worker is one thread with a runtime of its own. Its tasks share a [`Core`] by borrowing it for
//! a batch at a time. From outside it is reached by [`Order`]s only; packets of sessions that live
//! on another worker are handed over in vectors.

mod core;
mod tcp;
mod udp;

use std::{
    cell::RefCell,
    collections::{BTreeMap, VecDeque},
    future::{Future, poll_fn},
    io,
    net::{SocketAddr, UdpSocket},
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use tokio::{
    runtime, select,
    sync::{Notify, mpsc, oneshot},
    task::{AbortHandle, LocalSet, spawn_local},
    time::MissedTickBehavior,
};

pub(super) use self::udp::{Route, UdpIo};
use self::{
    core::{Core, Now, SharedCore},
    udp::Listening,
};
use super::{
    Shared,
    door::HalfOpenPermit,
    gate::{Gate, GateKey},
    roster::Member,
    tally::Tally,
};
use crate::{
    network::{PacketBatch, Port},
    openvpn::{Data, DataKeys, KeyId, PeerId},
};

/// The most workers: a peer id has this many of its bits for them.
pub(super) const MAX_WORKERS: usize = 1 << WORKER_BITS;

const WORKER_BITS: u32 = 3;

/// The worker that has the session with this peer id.
pub(super) fn worker_of(peer_id: PeerId) -> usize {
    peer_id.as_u32() as usize & (MAX_WORKERS - 1)
}

/// The session's place on its worker.
fn slot_of(peer_id: PeerId) -> usize {
    (peer_id.as_u32() >> WORKER_BITS) as usize
}

/// Names one TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct StreamId(u64);

impl StreamId {
    pub(super) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// What a worker is told to do.
pub(super) enum Order {
    /// Receive on a bound socket; answers whether it can.
    Listen(Arc<Gate>, UdpSocket, oneshot::Sender<io::Result<()>>),
    /// Close the socket of a listener, and every TCP connection it has accepted.
    Unlisten(GateKey),
    /// Serve a TCP connection.
    Serve(Accepting),
    /// Seat a session that has come in; answers whether its path is still there.
    Join(Box<Joining>, oneshot::Sender<bool>),
    /// Make a key usable.
    Install(PeerId, Box<DataKeys>),
    /// Send with this key.
    Promote(PeerId, KeyId),
    /// Forget this key.
    Retire(PeerId, KeyId),
    /// Tell the client by a data packet that the session ends.
    SendExit(PeerId),
    /// The client was heard on the control channel.
    Heard(PeerId),
    /// Remove a session; tells when its counters are final.
    Leave(PeerId, oneshot::Sender<()>),
    /// Send control packets, framed already, on a TCP connection.
    SendStream(StreamId, Vec<u8>),
    /// Close a TCP connection once what waits is sent.
    CloseStream(StreamId),
    /// Packets that another worker received for sessions of this one.
    Take(Handover),
    /// What a test wants to happen on the worker's thread.
    #[cfg(test)]
    Do(Box<dyn FnOnce() + Send>),
}

/// A TCP connection that was accepted.
pub(super) struct Accepting {
    pub(super) gate: Arc<Gate>,
    pub(super) stream: std::net::TcpStream,
    pub(super) remote: SocketAddr,
    pub(super) permit: HalfOpenPermit,
}

/// A session that has come in.
pub(super) struct Joining {
    pub(super) member: Arc<Member>,
    pub(super) gate: Arc<Gate>,
    pub(super) data: Box<Data>,
    pub(super) link: JoiningLink,
    /// Whether its data packets carry the peer id.
    pub(super) has_peer_id: bool,
}

/// How packets get to a client that comes in.
pub(super) enum JoiningLink {
    Udp(Route),
    Tcp(StreamId),
}

/// Packets on their way to another worker, one behind the other in one buffer: sealed ones from
/// clients, and open ones for clients.
#[derive(Default)]
pub(super) struct Handover {
    bytes: Vec<u8>,
    items: Vec<Item>,
}

struct Item {
    origin: Origin,
    len: usize,
}

/// Where a packet that is handed over comes from.
#[derive(Clone, Copy, Debug)]
enum Origin {
    /// Sealed, from a client: the listener it came to, and whence.
    Datagram(GateKey, Route),
    /// Open, for a client.
    Packet(Side),
}

/// Which side of the gateway an open packet for a client comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// The network.
    Network,
    /// Another client, for whom it has passed the policy.
    Peer,
}

impl Handover {
    /// Adds a datagram from a client.
    fn push_datagram(&mut self, gate: GateKey, route: Route, bytes: &[u8]) {
        self.push(Origin::Datagram(gate, route), bytes);
    }

    /// Adds a packet for a client.
    fn push_packet(&mut self, side: Side, bytes: &[u8]) {
        self.push(Origin::Packet(side), bytes);
    }

    fn push(&mut self, origin: Origin, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.items.push(Item {
            origin,
            len: bytes.len(),
        });
    }

    fn len(&self) -> usize {
        self.items.len()
    }

    /// What it takes up while it waits. A share for each keeps few large ones and many small ones
    /// under one limit.
    fn cost(&self) -> usize {
        HANDOVER_SHARE + self.bytes.len() + size_of_val(self.items.as_slice())
    }

    fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// What was added, in order.
    fn iter_mut(&mut self) -> impl Iterator<Item = (Origin, &mut [u8])> {
        let mut rest = self.bytes.as_mut_slice();
        self.items.iter().map(move |item| {
            let (bytes, behind) = std::mem::take(&mut rest).split_at_mut(item.len);
            rest = behind;
            (item.origin, bytes)
        })
    }
}

/// A worker as others see it.
pub(super) struct Worker {
    pub(super) orders: mpsc::Sender<Order>,
    pub(super) tally: Arc<Tally>,
    peer_ids: Mutex<PeerIds>,
    /// The cost of what was handed over and not yet taken.
    handed: AtomicUsize,
    index: usize,
}

impl Worker {
    /// Worker number `index` and the receiving end of its orders.
    pub(super) fn new(index: usize) -> (Self, mpsc::Receiver<Order>) {
        let (orders, inbox) = mpsc::channel(ORDERS);
        let worker = Self {
            orders,
            tally: Arc::default(),
            peer_ids: Mutex::default(),
            handed: AtomicUsize::new(0),
            index,
        };
        (worker, inbox)
    }

    /// A peer id that no session of this worker has. `None` if all are taken.
    pub(super) fn take_peer_id(&self) -> Option<PeerId> {
        let slot = self.lock_peer_ids().take()?;
        PeerId::new(slot << WORKER_BITS | u32::try_from(self.index).ok()?)
    }

    /// Gives a peer id back, after the session has left.
    pub(super) fn return_peer_id(&self, peer_id: PeerId) {
        self.lock_peer_ids()
            .give_back(peer_id.as_u32() >> WORKER_BITS);
    }

    /// Sessions that have a peer id.
    pub(super) fn load(&self) -> usize {
        self.lock_peer_ids().taken
    }

    /// Gives an order, waiting while the worker has too many.
    pub(super) async fn order(&self, order: Order) {
        if self.orders.send(order).await.is_err() {
            tracing::debug!(
                worker = self.index,
                "an order came after the worker stopped"
            );
        }
    }

    /// Whether its thread still carries orders out.
    pub(super) fn is_alive(&self) -> bool {
        !self.orders.is_closed()
    }

    /// Hands packets over; false if they are lost because too many wait already. Strangers decide how
    /// many come here, so neither memory nor the queue of orders is theirs to fill.
    fn hand_over(&self, handover: Handover) -> bool {
        let cost = handover.cost();
        let waiting = self.handed.fetch_add(cost, Ordering::Relaxed);
        let is_taken =
            waiting + cost <= MAX_HANDED && self.orders.try_send(Order::Take(handover)).is_ok();
        if !is_taken {
            self.handed.fetch_sub(cost, Ordering::Relaxed);
        }
        is_taken
    }

    /// What was handed over is taken.
    fn note_taken(&self, handover: &Handover) {
        self.handed.fetch_sub(handover.cost(), Ordering::Relaxed);
    }

    fn lock_peer_ids(&self) -> std::sync::MutexGuard<'_, PeerIds> {
        self.peer_ids.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Slots of one worker. One that was given back rests as long as possible, so that a late packet
/// of the session before finds nobody.
#[derive(Debug, Default)]
struct PeerIds {
    next: u32,
    free: VecDeque<u32>,
    taken: usize,
}

impl PeerIds {
    /// The most sessions of one worker.
    const MAX: u32 = 1 << 17;
    /// Slots that rest before one is used again.
    const RESTING: usize = 64;

    fn take(&mut self) -> Option<u32> {
        let slot = if self.free.len() > Self::RESTING || self.next == Self::MAX {
            self.free.pop_front()?
        } else {
            self.next += 1;
            self.next - 1
        };
        self.taken += 1;
        Some(slot)
    }

    fn give_back(&mut self, slot: u32) {
        self.taken -= 1;
        self.free.push_back(slot);
    }
}

/// Starts the thread of worker `index`.
///
/// # Errors
/// If the system gives no thread or no runtime.
pub(super) fn start(
    index: usize,
    shared: Arc<Shared>,
    port: Port,
    inbox: mpsc::Receiver<Order>,
) -> io::Result<JoinHandle<()>> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::Builder::new()
        .name(format!("gatehouse-data-{index}"))
        .spawn(move || {
            let local = LocalSet::new();
            let work = work(index, Arc::clone(&shared), port, inbox);
            let outcome = catch_unwind(AssertUnwindSafe(|| local.block_on(&runtime, work)));
            // Sockets and port go before anybody hears of it: what still comes goes to others.
            drop(local);
            drop(runtime);
            if let Err(reason) = outcome.unwrap_or_else(|_| Err(FAULT.to_owned())) {
                shared.worker_ended(index, reason);
            }
        })
}

/// Works until the gateway stops.
///
/// # Errors
/// Why it cannot go on, as a sentence. Its tasks share one [`Core`], so after a fault in one of them
/// none can rely on it.
async fn work(
    index: usize,
    shared: Arc<Shared>,
    port: Port,
    inbox: mpsc::Receiver<Order>,
) -> Result<(), String> {
    let core = Rc::new(RefCell::new(Core::new(index, Arc::clone(&shared), port)));
    let fault = Rc::new(Notify::new());
    let network = spawn_local(from_network(Rc::clone(&core)));
    spawn_local(alarmed(&fault, tick(Rc::clone(&core))));
    select! {
        () = obey(shared, index, core, Rc::clone(&fault), inbox) => Ok(()),
        error = network => Err(match error {
            Ok(error) => format!("The way into the target network has gone: {error}."),
            Err(_) => FAULT.to_owned(),
        }),
        () = fault.notified() => Err(FAULT.to_owned()),
    }
}

/// Rings `alarm` if the task panics.
fn alarmed<F: Future<Output = ()>>(
    alarm: &Rc<Notify>,
    task: F,
) -> impl Future<Output = ()> + use<F> {
    struct Alarm(Rc<Notify>);
    impl Drop for Alarm {
        fn drop(&mut self) {
            if std::thread::panicking() {
                self.0.notify_one();
            }
        }
    }
    let alarm = Alarm(Rc::clone(alarm));
    async move {
        let _alarm = alarm;
        task.await;
    }
}

/// Carries orders out until `Tunnel` lets go of the sending end.
async fn obey(
    shared: Arc<Shared>,
    index: usize,
    core: SharedCore,
    fault: Rc<Notify>,
    mut inbox: mpsc::Receiver<Order>,
) {
    let mut desk = Desk {
        shared,
        index,
        core,
        fault,
        receivers: BTreeMap::new(),
    };
    let mut stop = desk.shared.stopping.subscribe();
    loop {
        select! {
            order = inbox.recv() => match order {
                Some(order) => desk.carry_out(order),
                None => return,
            },
            _ = stop.wait_for(|stopping| *stopping) => return,
        }
    }
}

/// Where orders are carried out.
struct Desk {
    shared: Arc<Shared>,
    index: usize,
    core: SharedCore,
    /// Rung when a task panics.
    fault: Rc<Notify>,
    /// The tasks that receive for a listener.
    receivers: BTreeMap<GateKey, Vec<AbortHandle>>,
}

impl Desk {
    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Listen(gate, socket, answer) => {
                // Whoever waited too long has given up on the listener.
                answer.send(self.listen(gate, socket)).ok();
            }
            Order::Unlisten(gate) => {
                for task in self.receivers.remove(&gate).unwrap_or_default() {
                    task.abort();
                }
                self.core.borrow_mut().unlisten(gate);
            }
            Order::Serve(accepting) => self.serve(accepting),
            Order::Join(joining, answer) => {
                let has_joined = self.core.borrow_mut().join(*joining);
                // A control task that is gone by now has asked for the session to leave.
                answer.send(has_joined).ok();
            }
            Order::Install(peer_id, keys) => {
                let now = Now::read();
                self.with_data(peer_id, |data| data.install(now.instant, &keys));
            }
            Order::Promote(peer_id, key) => self.with_data(peer_id, |data| data.promote(key)),
            Order::Retire(peer_id, key) => self.with_data(peer_id, |data| data.retire(key)),
            Order::SendExit(peer_id) => self.with_data(peer_id, Data::send_exit),
            Order::Heard(peer_id) => {
                let now = Now::read();
                self.with_data(peer_id, |data| data.heard(now.instant));
            }
            Order::Leave(peer_id, done) => self.core.borrow_mut().leave(peer_id, done),
            Order::SendStream(id, bytes) => self.core.borrow_mut().send_stream(id, &bytes),
            Order::CloseStream(id) => self.core.borrow_mut().close_stream(id),
            Order::Take(handed) => {
                self.shared.workers[self.index].note_taken(&handed);
                self.core.borrow_mut().take(handed, Now::read());
            }
            #[cfg(test)]
            Order::Do(act) => act(),
        }
    }

    fn with_data(&self, peer_id: PeerId, act: impl FnOnce(&mut Data)) {
        self.core.borrow_mut().with_data(peer_id, Now::read(), act);
    }

    fn listen(&mut self, gate: Arc<Gate>, socket: UdpSocket) -> io::Result<()> {
        let key = gate.key;
        let listening = Rc::new(Listening::new(gate, socket)?);
        self.core.borrow_mut().listen(Rc::clone(&listening));
        let receive = udp::receive(Rc::clone(&self.core), listening);
        let task = spawn_local(alarmed(&self.fault, receive));
        let tasks = self.receivers.entry(key).or_default();
        tasks.push(task.abort_handle());
        Ok(())
    }

    fn serve(&mut self, accepting: Accepting) {
        let key = accepting.gate.key;
        let shared = Arc::clone(&self.shared);
        let serve = tcp::serve(shared, self.index, Rc::clone(&self.core), accepting);
        let task = spawn_local(alarmed(&self.fault, serve));
        let tasks = self.receivers.entry(key).or_default();
        tasks.retain(|task| !task.is_finished());
        tasks.push(task.abort_handle());
    }
}

/// Carries packets back from the network; returns the error that ends it.
async fn from_network(core: SharedCore) -> io::Error {
    let mut batch = PacketBatch::new();
    loop {
        let received = poll_fn(|cx| core.borrow_mut().port().poll_recv(cx, &mut batch)).await;
        if let Err(error) = received {
            return error;
        }
        core.borrow_mut()
            .deliver(&mut batch, Side::Network, Now::read());
        batch.clear();
        // Sockets and orders have their turn, however fast the network is.
        tokio::task::yield_now().await;
    }
}

async fn tick(core: SharedCore) {
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        core.borrow_mut().tick(Now::read());
    }
}

/// How often pings, silence and counters are looked at.
const TICK: Duration = Duration::from_millis(250);
/// Why a worker ends that has met a fault of its own.
const FAULT: &str = "It met a fault in the program, which the log describes.";
/// The cost of hand-overs that may wait for one worker: two of the largest batches.
const MAX_HANDED: usize = 4 << 20;
const HANDOVER_SHARE: usize = 16 << 10;
/// Orders that may wait for one worker.
const ORDERS: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_to_be_handed_over_is_bounded_and_frees_its_room() {
        let (worker, mut inbox) = Worker::new(0);
        let batch = |packets: usize, len: usize| {
            let mut handover = Handover::default();
            (0..packets).for_each(|_| handover.push_packet(Side::Network, &vec![0; len]));
            handover
        };
        let mut taken = 0;
        while worker.hand_over(batch(1, 50)) {
            taken += 1;
        }
        assert!(taken < ORDERS / 2, "{taken} leave no room for other orders");
        while let Ok(Order::Take(handover)) = inbox.try_recv() {
            worker.note_taken(&handover);
        }
        let mut bytes = 0;
        while worker.hand_over(batch(64, 1400)) {
            bytes += 64 * 1400;
        }
        assert!((MAX_HANDED / 2..=MAX_HANDED).contains(&bytes), "{bytes}");
    }
}
