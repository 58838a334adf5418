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
    future::poll_fn,
    io,
    net::{SocketAddr, UdpSocket},
    rc::Rc,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use tokio::{
    runtime, select,
    sync::{mpsc, oneshot},
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
fn worker_of(peer_id: PeerId) -> usize {
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
    /// Receive on a bound socket.
    Listen(Arc<Gate>, UdpSocket),
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
/// clients and open ones from the network.
#[derive(Default)]
pub(super) struct Handover {
    bytes: Vec<u8>,
    items: Vec<Item>,
}

struct Item {
    /// The listener it came to and whence; none if it came from the network.
    origin: Option<(GateKey, Route)>,
    len: usize,
}

impl Handover {
    /// Adds a datagram from a client.
    fn push_datagram(&mut self, gate: GateKey, route: Route, bytes: &[u8]) {
        self.push(Some((gate, route)), bytes);
    }

    /// Adds a packet from the network.
    fn push_packet(&mut self, bytes: &[u8]) {
        self.push(None, bytes);
    }

    fn push(&mut self, origin: Option<(GateKey, Route)>, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.items.push(Item {
            origin,
            len: bytes.len(),
        });
    }

    fn len(&self) -> usize {
        self.items.len()
    }

    fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// What was added, in order.
    fn iter_mut(&mut self) -> impl Iterator<Item = (Option<(GateKey, Route)>, &mut [u8])> {
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
            local.block_on(&runtime, async move {
                let core = Rc::new(RefCell::new(Core::new(index, Arc::clone(&shared), port)));
                spawn_local(from_network(Rc::clone(&core)));
                spawn_local(tick(Rc::clone(&core)));
                obey(shared, index, core, inbox).await;
            });
        })
}

/// Carries orders out until `Tunnel` lets go of the sending end.
async fn obey(
    shared: Arc<Shared>,
    index: usize,
    core: SharedCore,
    mut inbox: mpsc::Receiver<Order>,
) {
    let mut desk = Desk {
        shared,
        index,
        core,
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
    /// The tasks that receive for a listener.
    receivers: BTreeMap<GateKey, Vec<AbortHandle>>,
}

impl Desk {
    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Listen(gate, socket) => self.listen(gate, socket),
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
            Order::Take(handed) => self.core.borrow_mut().take(handed, Now::read()),
        }
    }

    fn with_data(&self, peer_id: PeerId, act: impl FnOnce(&mut Data)) {
        self.core.borrow_mut().with_data(peer_id, Now::read(), act);
    }

    fn listen(&mut self, gate: Arc<Gate>, socket: UdpSocket) {
        let key = gate.key;
        let endpoint = gate.endpoint_id.clone();
        match Listening::new(gate, socket) {
            Ok(listening) => {
                let listening = Rc::new(listening);
                self.core.borrow_mut().listen(Rc::clone(&listening));
                let task = spawn_local(udp::receive(Rc::clone(&self.core), listening));
                self.receivers
                    .entry(key)
                    .or_default()
                    .push(task.abort_handle());
            }
            Err(error) => {
                tracing::error!(%endpoint, worker = self.index, %error, "a socket cannot be used");
            }
        }
    }

    fn serve(&mut self, accepting: Accepting) {
        let key = accepting.gate.key;
        let shared = Arc::clone(&self.shared);
        let task = spawn_local(tcp::serve(
            shared,
            self.index,
            Rc::clone(&self.core),
            accepting,
        ));
        let tasks = self.receivers.entry(key).or_default();
        tasks.retain(|task| !task.is_finished());
        tasks.push(task.abort_handle());
    }
}

async fn from_network(core: SharedCore) {
    let mut batch = PacketBatch::new();
    loop {
        let received = poll_fn(|cx| core.borrow_mut().port().poll_recv(cx, &mut batch)).await;
        if let Err(error) = received {
            tracing::error!(%error, "the network has gone; no packet will come back from it");
            return;
        }
        core.borrow_mut().deliver(&mut batch, Now::read());
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
/// Orders that may wait for one worker.
const ORDERS: usize = 4096;
