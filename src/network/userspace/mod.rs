//! A TCP/IP stack in user space that ends client flows and opens ordinary sockets.
//!
//! There is a [`Stack`] for each worker, polled in the worker's own task. A TCP flow is a smoltcp
//! socket that accepts any address, alone in its socket set, beside a tokio stream; bytes move
//! between their buffers directly. A SYN is answered only once the target has accepted, and refused
//! as the target refused it. UDP and echo flows are connected sockets whose answers are read into
//! the packet that goes to the client.
//!
//! Not carried: flows opened from the network side, IPv4 fragments, datagrams above the MTU,
//! protocols other than TCP, UDP and ICMP echo. Each is counted by reason.

mod datagram;
mod flows;
mod output;
mod packet;
mod ready;
mod tcp;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future as _;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use smoltcp::iface::{Config, Interface, SocketSet};
use smoltcp::time::Instant as StackInstant;
use smoltcp::wire::HardwareAddress;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::time::Sleep;

use self::datagram::DatagramFlow;
use self::flows::{Carrier, Flow, FlowId, FlowKey, Flows};
use self::output::{Output, Wire};
use self::packet::{Incoming, Kind, Unreachable};
use self::ready::ReadyQueue;
use self::tcp::{Refusal, TcpFlow};
use super::batch::PacketBatch;
use super::counters::{Counters, DropReason};
use super::dns::Resolvers;
use super::egress::{Binding, EgressId};

/// TCP flows one worker keeps, and as many UDP and echo flows.
const MAX_FLOWS: usize = 4096;
/// The same where only queries to resolvers are carried.
const MAX_QUERY_FLOWS: usize = 1024;
/// Fewer than this is worth a warning.
const FEW_FLOWS: usize = 512;
/// Open files left to the rest of the process.
const RESERVED_FILES: u64 = 256;
/// More open files than this are not asked for, whatever the system would allow.
const ENOUGH_FILES: u64 = 1 << 20;
/// Timers are not set finer than this.
const TICK: Duration = Duration::from_millis(1);

/// What the sockets of each egress are bound to, beside the default one's, which are not.
pub(super) type Bindings = ArcSwap<BTreeMap<EgressId, Binding>>;

/// Whether sockets can be bound so.
pub(super) fn try_binding(binding: &Binding) -> io::Result<()> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    bind(&socket, binding)
}

fn bind(socket: &Socket, binding: &Binding) -> io::Result<()> {
    if let Some(interface) = &binding.interface {
        bind_to_interface(socket, interface)?;
    }
    match binding.source {
        Some(address) => socket.bind(&SocketAddrV4::new(address, 0).into()),
        None => Ok(()),
    }
}

#[cfg(target_os = "linux")]
fn bind_to_interface(socket: &Socket, name: &str) -> io::Result<()> {
    socket.bind_device(Some(name.as_bytes()))
}

#[cfg(not(target_os = "linux"))]
fn bind_to_interface(_: &Socket, _: &str) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Bounds of one worker's stack.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// TCP flows; the same number of UDP and echo flows.
    flows: usize,
    echo_permitted: bool,
}

impl Limits {
    /// Raises this process's limit of open files as far as it may, and divides it among workers.
    pub(super) fn of_this_process(workers: usize) -> Self {
        let limit = getrlimit(Resource::Nofile);
        let most = limit.maximum.unwrap_or(ENOUGH_FILES).min(ENOUGH_FILES);
        let mut files = limit.current.unwrap_or(ENOUGH_FILES);
        let raised = Rlimit {
            current: Some(most),
            maximum: limit.maximum,
        };
        if files < most && setrlimit(Resource::Nofile, raised).is_ok() {
            files = most;
        }
        let share = files.saturating_sub(RESERVED_FILES) / (2 * workers.max(1) as u64);
        Self {
            flows: usize::try_from(share)
                .unwrap_or(MAX_FLOWS)
                .clamp(16, MAX_FLOWS),
            echo_permitted: Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::ICMPV4)).is_ok(),
        }
    }

    /// The same for a stack that only carries queries to resolvers.
    pub(super) fn for_queries(self) -> Self {
        Self {
            flows: self.flows.min(MAX_QUERY_FLOWS),
            echo_permitted: false,
        }
    }

    /// What an administrator should know, as sentences.
    pub(super) fn warnings(self) -> Vec<String> {
        let mut warnings = Vec::new();
        if !self.echo_permitted {
            warnings.push(
                "Clients cannot ping through this gateway: the system does not permit this process ICMP echo. \
                 An administrator can permit it by the setting net.ipv4.ping_group_range, for example to \"0 2147483647\"."
                    .to_owned(),
            );
        }
        if self.flows < FEW_FLOWS {
            warnings.push(format!(
                "Each worker carries only {} TCP flows, because this process may open few files; raise its limit, for example to 65536.",
                self.flows
            ));
        }
        warnings
    }
}

/// What a flow's socket leads through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// To the flow's target, by this egress.
    Egress(EgressId),
    /// To the forwarder of DNS queries that listens here, in place of the flow's target.
    Forwarder(SocketAddrV4),
}

impl Way {
    /// What the socket connects to.
    fn end(self, key: &FlowKey) -> SocketAddrV4 {
        match self {
            Self::Egress(_) => key.target,
            Self::Forwarder(address) => address,
        }
    }
}

/// What becomes of a flow after it was polled.
pub(in crate::network) enum Outcome {
    /// It goes on, and wants to be polled at the deadline at the latest.
    Keep { deadline: Option<Instant> },
    /// It has more to send than there is room for.
    Starved,
    /// It is over.
    Remove,
}

/// What all flows of a stack share.
pub(in crate::network) struct Core {
    interface: Interface,
    /// smoltcp answers what fits no socket by a reset; this set has none.
    no_sockets: SocketSet<'static>,
    output: Output,
    counters: Arc<Counters>,
    origin: Instant,
}

impl Core {
    fn new(counters: Arc<Counters>) -> Self {
        let mut output = Output::default();
        let mut config = Config::new(HardwareAddress::Ip);
        config.random_seed = random_seed();
        let mut wire = Wire {
            input: None,
            output: &mut output,
        };
        let mut interface = Interface::new(config, &mut wire, StackInstant::ZERO);
        interface.set_any_ip(true);
        Self {
            interface,
            no_sockets: SocketSet::new(Vec::new()),
            output,
            counters,
            origin: Instant::now(),
        }
    }

    fn stack_time(&self, now: Instant) -> StackInstant {
        let micros = now.saturating_duration_since(self.origin).as_micros();
        StackInstant::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
    }

    /// Gives a client's packet to the one socket in `sockets`.
    fn ingress(&mut self, packet: &[u8], sockets: &mut SocketSet<'static>, now: Instant) {
        let at = self.stack_time(now);
        let mut wire = Wire {
            input: Some(packet),
            output: &mut self.output,
        };
        self.interface.poll_ingress_single(at, &mut wire, sockets);
    }

    /// Sends what the socket has to send; true if there was no room for all of it.
    fn egress(&mut self, sockets: &mut SocketSet<'static>, now: Instant) -> bool {
        let at = self.stack_time(now);
        self.output.take_refused();
        tcp::drain(|| {
            let mut wire = Wire {
                input: None,
                output: &mut self.output,
            };
            self.interface.poll_egress(at, &mut wire, sockets)
        });
        self.output.take_refused()
    }

    /// When the socket's own timers want it to be polled.
    fn protocol_deadline(&mut self, sockets: &SocketSet<'static>, now: Instant) -> Option<Instant> {
        let at = self.stack_time(now);
        let delay = self.interface.poll_delay(at, sockets)?;
        Some(now + Duration::from_micros(delay.total_micros()).max(TICK))
    }

    /// Answers a segment that belongs to no flow by a reset, unless it is one.
    fn reset(&mut self, segment: &[u8], now: Instant) {
        let at = self.stack_time(now);
        let mut wire = Wire {
            input: Some(segment),
            output: &mut self.output,
        };
        self.interface
            .poll_ingress_single(at, &mut wire, &mut self.no_sockets);
    }

    /// Tells the client that its target did not accept.
    fn refuse(&mut self, syn: &[u8], error: &io::Error, now: Instant) {
        match Refusal::of(error) {
            Refusal::Reset => self.reset(syn, now),
            Refusal::Unreachable(why) => self.send_unreachable(syn, why),
            Refusal::Silence => {}
        }
    }

    fn send_unreachable(&mut self, original: &[u8], why: Unreachable) {
        self.output
            .push_with(|room| packet::write_unreachable(room, original, why));
    }
}

/// Sequence numbers are to differ from run to run.
fn random_seed() -> u64 {
    let mut seed = [0; 8];
    // Without randomness the flows still work.
    aws_lc_rs::rand::fill(&mut seed).ok();
    u64::from_ne_bytes(seed)
}

/// One worker's stack.
pub(super) struct Stack {
    core: Core,
    limits: Limits,
    bindings: Arc<Bindings>,
    resolvers: Arc<Resolvers>,
    flows: Flows,
    ready: Arc<ReadyQueue>,
    /// Flows a client's packet came for since they were polled.
    touched: Vec<FlowId>,
    /// Flows that wait for room.
    starved: Vec<FlowId>,
    /// One timer for each flow that has a deadline, never later than it.
    timers: BTreeSet<(Instant, FlowId)>,
    /// Made at the first wait, within the worker's runtime.
    sleep: Option<Pin<Box<Sleep>>>,
    /// Lists to work through, kept for their allocation.
    agenda: Vec<FlowId>,
    roused: Vec<FlowId>,
}

impl Stack {
    pub(super) fn new(
        limits: Limits,
        bindings: Arc<Bindings>,
        resolvers: Arc<Resolvers>,
        counters: Arc<Counters>,
    ) -> Self {
        Self {
            core: Core::new(counters),
            limits,
            bindings,
            resolvers,
            flows: Flows::default(),
            ready: Arc::default(),
            touched: Vec::new(),
            starved: Vec::new(),
            timers: BTreeSet::new(),
            sleep: None,
            agenda: Vec::new(),
            roused: Vec::new(),
        }
    }

    /// Takes the clients' packets.
    pub(super) fn send(&mut self, batch: &PacketBatch) {
        self.send_at(batch, Instant::now());
    }

    fn send_at(&mut self, batch: &PacketBatch, now: Instant) {
        for slot in batch.slots() {
            let result = Incoming::parse(slot.packet())
                .and_then(|incoming| self.receive(&incoming, slot.egress(), now));
            if let Err(reason) = result {
                self.core.counters.count_drop(reason);
            }
        }
        let mut touched = std::mem::take(&mut self.touched);
        for flow in touched.drain(..) {
            self.poll_flow(flow, now);
        }
        self.touched = touched;
        if !self.core.output.is_empty() || !self.starved.is_empty() || self.waits_too_long() {
            self.ready.wake_task();
        }
    }

    /// Whether the task sleeps beyond the next timer.
    fn waits_too_long(&self) -> bool {
        let first = self.timers.first();
        let next = first.map(|&(at, _)| tokio::time::Instant::from_std(at));
        match (&self.sleep, next) {
            (Some(sleep), Some(next)) => sleep.is_elapsed() || next < sleep.deadline(),
            (None, next) => next.is_some(),
            (Some(_), None) => false,
        }
    }

    /// Whether there is nothing that could become ready by itself.
    pub(super) fn is_idle(&self) -> bool {
        self.flows.tcp() + self.flows.datagrams() == 0 && self.core.output.is_empty()
    }

    /// Has the task woken once there is something for it.
    pub(super) fn register(&self, cx: &Context<'_>) {
        self.ready.register(cx.waker());
    }

    /// Adds packets for clients to the batch.
    pub(super) fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        batch: &mut PacketBatch,
    ) -> Poll<io::Result<usize>> {
        let before = batch.len();
        self.register(cx);
        loop {
            self.core.output.drain_into(batch);
            if batch.is_full() {
                break;
            }
            self.work(Instant::now());
            if self.core.output.is_empty() {
                break;
            }
        }
        let added = batch.len() - before;
        if added > 0 || batch.is_full() {
            return Poll::Ready(Ok(added));
        }
        self.wait(cx);
        Poll::Pending
    }

    /// Ends all flows of a client that has gone, so that nothing of them reaches the next one with
    /// its address.
    pub(super) fn forget_client(&mut self, client: Ipv4Addr) {
        for id in self.flows.of_client(client) {
            self.remove(id);
        }
    }

    fn receive(
        &mut self,
        incoming: &Incoming<'_>,
        egress: EgressId,
        now: Instant,
    ) -> Result<(), DropReason> {
        let way = self.way(&incoming.key, egress);
        match incoming.kind {
            Kind::Tcp { opens, resets } => self.receive_tcp(incoming, opens, resets, way, now),
            Kind::Udp { payload: message } | Kind::Echo { message } => {
                self.receive_datagram(&incoming.key, message, way, now)
            }
        }
    }

    /// The way of a flow that would leave by `egress`.
    fn way(&self, key: &FlowKey, egress: EgressId) -> Way {
        let by_tcp = match key.carrier {
            Carrier::Tcp => true,
            Carrier::Udp => false,
            Carrier::Echo => return Way::Egress(egress),
        };
        let resolvers = self.resolvers.now();
        let forwarder = resolvers.leads(*key.client.ip(), key.target, by_tcp);
        forwarder.map_or(Way::Egress(egress), Way::Forwarder)
    }

    /// The flow that the packet belongs to. One that took another way ends: its session has moved,
    /// and targets know it by another address now; or its target answers no longer, or now, as the
    /// resolver of a VPC.
    fn find(&mut self, key: &FlowKey, way: Way) -> Option<FlowId> {
        let id = self.flows.find(key)?;
        if self.flows.get_mut(id)?.way == way {
            return Some(id);
        }
        self.remove(id);
        None
    }

    /// A socket for `client` that leads by `way`.
    fn socket(
        &self,
        kind: Type,
        protocol: Protocol,
        client: Ipv4Addr,
        way: Way,
    ) -> Result<Socket, DropReason> {
        let socket = Socket::new(Domain::IPV4, kind.nonblocking(), Some(protocol));
        let socket = socket.map_err(|error| match error.kind() {
            _ if is_exhausted(&error) => DropReason::NoSocket,
            io::ErrorKind::PermissionDenied if protocol == Protocol::ICMPV4 => {
                DropReason::EchoNotPermitted
            }
            _ => DropReason::Device,
        })?;
        match way {
            Way::Egress(EgressId::DEFAULT) => {}
            Way::Egress(egress) => {
                let bindings = self.bindings.load();
                let binding = bindings.get(&egress).ok_or(DropReason::Egress)?;
                bind(&socket, binding).map_err(|error| match error.kind() {
                    // Every port of its source address is taken.
                    io::ErrorKind::AddrInUse => DropReason::NoSocket,
                    _ => DropReason::Egress,
                })?;
            }
            // The forwarder is to tell clients apart. Where loopback is one address only, it cannot.
            Way::Forwarder(_) => drop(socket.bind(&SocketAddrV4::new(stand_in(client), 0).into())),
        }
        Ok(socket)
    }

    fn receive_tcp(
        &mut self,
        incoming: &Incoming<'_>,
        opens: bool,
        resets: bool,
        way: Way,
        now: Instant,
    ) -> Result<(), DropReason> {
        let mut id = self.find(&incoming.key, way);
        if let Some(known) = id
            && opens
            && self.is_spent(known)
        {
            self.remove(known);
            id = None;
        }
        let id = match id {
            Some(id) => id,
            None if opens => match self.open_tcp(incoming, way, now)? {
                Some(id) => id,
                None => return Ok(()),
            },
            None => {
                self.core.reset(incoming.packet, now);
                return Ok(());
            }
        };
        let Some(entry) = self.flows.get_mut(id) else {
            return Ok(());
        };
        let Flow::Tcp(flow) = &mut entry.flow else {
            return Ok(());
        };
        if let Outcome::Remove = flow.receive(incoming.packet, resets, &mut self.core, now) {
            self.remove(id);
        } else if !entry.touched {
            entry.touched = true;
            self.touched.push(id);
        }
        Ok(())
    }

    fn is_spent(&mut self, id: FlowId) -> bool {
        self.flows
            .get_mut(id)
            .is_some_and(|entry| entry.flow.is_spent())
    }

    /// Ends a flow for another one.
    fn make_room(&mut self, key: &FlowKey) -> Result<(), DropReason> {
        let id = self.flows.flow_to_give_way(key.carrier, *key.client.ip());
        self.remove(id.ok_or(DropReason::FlowLimit)?);
        Ok(())
    }

    /// `None` if the target refused at once, of which the client was told.
    fn open_tcp(
        &mut self,
        incoming: &Incoming<'_>,
        way: Way,
        now: Instant,
    ) -> Result<Option<FlowId>, DropReason> {
        if self.flows.tcp() >= self.limits.flows {
            self.make_room(&incoming.key)?;
        }
        let key = incoming.key;
        let socket = self.socket(Type::STREAM, Protocol::TCP, *key.client.ip(), way)?;
        match TcpFlow::open(socket, way.end(&key), incoming.packet, now) {
            Ok(flow) => {
                let flow = Flow::Tcp(Box::new(flow));
                Ok(Some(self.flows.insert(key, way, flow, &self.ready)))
            }
            Err(error) if is_exhausted(&error) => Err(DropReason::NoSocket),
            Err(error) => {
                self.core.refuse(incoming.packet, &error, now);
                Ok(None)
            }
        }
    }

    fn receive_datagram(
        &mut self,
        key: &FlowKey,
        message: &[u8],
        way: Way,
        now: Instant,
    ) -> Result<(), DropReason> {
        let id = match self.find(key, way) {
            Some(id) => id,
            None => match self.open_datagram(key, way, now)? {
                Some(id) => id,
                None => return Ok(()),
            },
        };
        let Some(entry) = self.flows.get_mut(id) else {
            return Ok(());
        };
        if let Flow::Datagram(flow) = &mut entry.flow {
            flow.send(message, &mut self.core, key, now);
        }
        if !entry.touched && entry.timer.is_none() {
            // Its first poll asks the reactor to tell of answers.
            entry.touched = true;
            self.touched.push(id);
        }
        Ok(())
    }

    fn open_datagram(
        &mut self,
        key: &FlowKey,
        way: Way,
        now: Instant,
    ) -> Result<Option<FlowId>, DropReason> {
        if self.flows.datagrams() >= self.limits.flows {
            self.make_room(key)?;
        }
        let protocol = match key.carrier {
            Carrier::Echo => Protocol::ICMPV4,
            Carrier::Udp | Carrier::Tcp => Protocol::UDP,
        };
        let socket = self.socket(Type::DGRAM, protocol, *key.client.ip(), way)?;
        match DatagramFlow::open(socket, way.end(key), key, now) {
            Ok(flow) => {
                let flow = Flow::Datagram(flow);
                Ok(Some(self.flows.insert(*key, way, flow, &self.ready)))
            }
            Err(error) if is_exhausted(&error) => Err(DropReason::NoSocket),
            Err(error) => {
                if let Refusal::Unreachable(why) = Refusal::of(&error) {
                    self.core.send_unreachable(&packet::stand_in(key), why);
                }
                Ok(None)
            }
        }
    }

    /// Polls the flows that are ready, had to wait for room, or whose time has come.
    fn work(&mut self, now: Instant) {
        let mut agenda = std::mem::take(&mut self.agenda);
        agenda.append(&mut self.starved);
        let mut roused = std::mem::take(&mut self.roused);
        self.ready.take(&mut roused);
        self.take_due(now, &mut roused);
        for id in roused.drain(..) {
            if let Some(entry) = self.flows.get_mut(id) {
                entry.list(id, &mut agenda);
            }
        }
        self.roused = roused;
        let mut polled = 0;
        while polled < agenda.len() && self.core.output.has_room() {
            let id = agenda[polled];
            if let Some(entry) = self.flows.get_mut(id) {
                entry.unlist();
                self.poll_flow(id, now);
            }
            polled += 1;
        }
        // Those that had no turn go before those that used the room up.
        agenda.drain(..polled);
        agenda.append(&mut self.starved);
        self.agenda = std::mem::replace(&mut self.starved, agenda);
    }

    fn take_due(&mut self, now: Instant, due: &mut Vec<FlowId>) {
        while let Some(&(at, id)) = self.timers.first().filter(|(at, _)| *at <= now) {
            self.timers.remove(&(at, id));
            let Some(entry) = self.flows.get_mut(id) else {
                continue;
            };
            entry.timer = None;
            match entry.deadline {
                Some(deadline) if deadline <= now => due.push(id),
                // It moved on since the timer was set.
                Some(deadline) => self.set_timer(id, deadline),
                None => {}
            }
        }
    }

    /// Sets the flow's deadline. A timer is moved only to an earlier moment: most deadlines move on
    /// with each packet and never come.
    fn set_timer(&mut self, id: FlowId, deadline: Instant) {
        let Some(entry) = self.flows.get_mut(id) else {
            return;
        };
        entry.deadline = Some(deadline);
        if entry.timer.is_none_or(|timer| deadline < timer) {
            if let Some(timer) = entry.timer.replace(deadline) {
                self.timers.remove(&(timer, id));
            }
            self.timers.insert((deadline, id));
        }
    }

    fn poll_flow(&mut self, id: FlowId, now: Instant) {
        let Some(entry) = self.flows.get_mut(id) else {
            return;
        };
        entry.touched = false;
        entry.waker.rearm();
        let mut cx = Context::from_waker(&entry.task);
        let outcome = match &mut entry.flow {
            Flow::Tcp(flow) => flow.poll(&mut cx, &mut self.core, &entry.key, now),
            Flow::Datagram(flow) => flow.poll(&mut cx, &mut self.core, &entry.key, now),
        };
        match outcome {
            Outcome::Keep { deadline: Some(at) } => self.set_timer(id, at),
            Outcome::Keep { deadline: None } => entry.deadline = None,
            Outcome::Starved => entry.list(id, &mut self.starved),
            Outcome::Remove => self.remove(id),
        }
    }

    /// Ends a flow. If that is before its time, its target gets a reset.
    fn remove(&mut self, id: FlowId) {
        if let Some(entry) = self.flows.remove(id)
            && let Some(timer) = entry.timer
        {
            self.timers.remove(&(timer, id));
        }
    }

    /// Lets the task be woken at the next timer.
    fn wait(&mut self, cx: &mut Context<'_>) {
        if !self.starved.is_empty() {
            cx.waker().wake_by_ref();
            return;
        }
        let Some(&(at, _)) = self.timers.first() else {
            return;
        };
        let at = tokio::time::Instant::from_std(at);
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        if sleep.deadline() != at {
            sleep.as_mut().reset(at);
        }
        if sleep.as_mut().poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
    }
}

/// The address on loopback that stands for a client: of the clients of one range, each has its own.
fn stand_in(client: Ipv4Addr) -> Ipv4Addr {
    let [_, b, c, d] = client.octets();
    Ipv4Addr::new(127, b, c, d)
}

/// The system has no more sockets or memory to give, which is nobody's refusal.
fn is_exhausted(error: &io::Error) -> bool {
    use rustix::io::Errno;
    [
        Errno::MFILE,
        Errno::NFILE,
        Errno::NOBUFS,
        Errno::NOMEM,
        Errno::ADDRNOTAVAIL,
        Errno::AGAIN,
    ]
    .iter()
    .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener, UdpSocket};

    use proptest::prelude::*;

    use super::*;

    fn stack(flows: usize) -> Stack {
        let limits = Limits {
            flows,
            echo_permitted: false,
        };
        Stack::new(limits, Arc::default(), Arc::default(), Arc::default())
    }

    fn key(carrier: Carrier, client_port: u16, target: SocketAddr) -> FlowKey {
        let SocketAddr::V4(target) = target else {
            panic!("the test binds IPv4");
        };
        FlowKey {
            carrier,
            client: SocketAddrV4::new(Ipv4Addr::new(10, 99, 0, 2), client_port),
            target,
        }
    }

    fn udp(client_port: u16, target: SocketAddr) -> PacketBatch {
        let packet = packet::stand_in(&key(Carrier::Udp, client_port, target));
        let mut batch = PacketBatch::new();
        assert!(batch.push(&packet));
        batch
    }

    fn local(port: u16) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, port).into()
    }

    #[tokio::test]
    async fn a_silent_udp_flow_ends_after_a_minute_and_a_dns_flow_after_ten_seconds() {
        let server = UdpSocket::bind(local(0)).unwrap();
        let mut stack = stack(10);
        let begin = Instant::now();
        stack.send_at(&udp(1000, server.local_addr().unwrap()), begin);
        stack.send_at(&udp(1000, local(53)), begin);
        assert_eq!(stack.flows.datagrams(), 2);
        stack.work(begin + Duration::from_secs(9));
        assert_eq!(stack.flows.datagrams(), 2);
        stack.work(begin + Duration::from_secs(11));
        assert_eq!(stack.flows.datagrams(), 1);
        // A packet prolongs it.
        stack.send_at(
            &udp(1000, server.local_addr().unwrap()),
            begin + Duration::from_secs(30),
        );
        stack.work(begin + Duration::from_secs(61));
        assert_eq!(stack.flows.datagrams(), 1);
        stack.work(begin + Duration::from_secs(91));
        assert_eq!(stack.flows.datagrams(), 0);
        assert!(stack.timers.is_empty());
    }

    #[tokio::test]
    async fn a_query_to_a_resolver_leads_to_the_forwarder_until_it_is_switched_off() {
        let forwarder = UdpSocket::bind(local(0)).unwrap();
        let SocketAddr::V4(at) = forwarder.local_addr().unwrap() else {
            panic!("it is bound to IPv4");
        };
        let resolver = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), 53);
        let plan = crate::network::ResolverPlan {
            range: "10.99.0.0/22".parse().unwrap(),
            address: *resolver.ip(),
        };
        let mut stack = stack(10);
        stack.resolvers = Arc::new(crate::network::dns::tests::leading(&[plan], at, at));
        stack.send_at(&udp(1000, resolver.into()), Instant::now());
        let (_, from) = forwarder.recv_from(&mut [0; 100]).unwrap();
        assert_eq!(from.ip(), Ipv4Addr::new(127, 99, 0, 2), "as the client");

        let key = key(Carrier::Udp, 1000, resolver.into());
        let way = |stack: &mut Stack| {
            let id = stack.flows.find(&key).unwrap();
            stack.flows.get_mut(id).unwrap().way
        };
        assert_eq!(way(&mut stack), Way::Forwarder(at));
        stack.resolvers = Arc::default();
        let egress = Way::Egress(EgressId::DEFAULT);
        assert_eq!(stack.find(&key, egress), None, "the flow has ended");
        assert_eq!(stack.way(&key, EgressId::DEFAULT), egress);
    }

    #[tokio::test]
    async fn beyond_the_limit_the_udp_flow_idle_longest_gives_way() {
        let server = UdpSocket::bind(local(0)).unwrap();
        let target = server.local_addr().unwrap();
        let mut stack = stack(3);
        let begin = Instant::now();
        for (second, port) in [(0, 1), (1, 2), (2, 3), (3, 1), (4, 4)] {
            stack.send_at(&udp(port, target), begin + Duration::from_secs(second));
        }
        let kept = |port| stack.flows.find(&key(Carrier::Udp, port, target)).is_some();
        assert_eq!([1, 2, 3, 4].map(kept), [true, false, true, true]);
    }

    #[tokio::test]
    async fn a_client_that_uses_all_flows_up_does_not_keep_another_from_opening_some() {
        let listener = TcpListener::bind(local(0)).unwrap();
        let server = UdpSocket::bind(local(0)).unwrap();
        let mut stack = stack(8);
        let mut open = |carrier, target, client: u8, port| {
            let mut key = key(carrier, port, target);
            key.client.set_ip(Ipv4Addr::new(10, 99, 0, client));
            let packet = match carrier {
                Carrier::Tcp => syn(&key),
                _ => packet::stand_in(&key).to_vec(),
            };
            let opened = stack.receive(
                &Incoming::parse(&packet).unwrap(),
                EgressId::DEFAULT,
                Instant::now(),
            );
            let count = |client| {
                let client = Ipv4Addr::new(10, 99, 0, client);
                stack.flows.count(carrier, client)
            };
            (opened, [count(2), count(3)])
        };
        for (carrier, target) in [
            (Carrier::Udp, server.local_addr().unwrap()),
            (Carrier::Tcp, listener.local_addr().unwrap()),
        ] {
            for port in 1..20 {
                let (_, counts) = open(carrier, target, 2, port);
                assert_eq!(counts, [usize::from(port).min(8), 0]);
            }
            for port in 1..=4 {
                let (opened, counts) = open(carrier, target, 3, port);
                assert_eq!(opened, Ok(()));
                assert_eq!(counts, [8 - usize::from(port), usize::from(port)]);
            }
            // Now they have as many: what one opens more is its own loss.
            let (opened, counts) = open(carrier, target, 3, 5);
            assert_eq!(opened.is_ok(), carrier == Carrier::Udp);
            assert_eq!(counts, [4, 4]);
        }
    }

    #[tokio::test]
    async fn a_flow_that_waits_for_room_waits_in_the_list_once() {
        let server = UdpSocket::bind(local(0)).unwrap();
        let mut stack = stack(8);
        while stack.core.output.has_room() {
            assert!(stack.core.output.push_with(|_| Some(20)));
        }
        for _ in 0..10 {
            stack.send_at(&udp(1, server.local_addr().unwrap()), Instant::now());
            stack.work(Instant::now());
        }
        assert_eq!(stack.starved.len(), 1);
    }

    #[tokio::test]
    async fn beyond_the_limit_a_tcp_flow_is_not_opened_and_counted() {
        let listener = TcpListener::bind(local(0)).unwrap();
        let target = listener.local_addr().unwrap();
        let mut stack = stack(1);
        for port in [1, 2] {
            let syn = syn(&key(Carrier::Tcp, port, target));
            let incoming = Incoming::parse(&syn).unwrap();
            let result = stack.receive(&incoming, EgressId::DEFAULT, Instant::now());
            assert_eq!(
                result,
                if port == 1 {
                    Ok(())
                } else {
                    Err(DropReason::FlowLimit)
                }
            );
        }
    }

    #[tokio::test]
    async fn a_target_that_never_answers_is_given_up_after_half_a_minute() {
        let listener = TcpListener::bind(local(0)).unwrap();
        let mut stack = stack(4);
        let begin = Instant::now();
        let key = key(Carrier::Tcp, 7, listener.local_addr().unwrap());
        stack
            .receive(
                &Incoming::parse(&syn(&key)).unwrap(),
                EgressId::DEFAULT,
                begin,
            )
            .unwrap();
        // The reactor has no turn in this test, so as far as the flow knows nobody answers.
        let id = stack.flows.find(&key).unwrap();
        stack.poll_flow(id, begin);
        stack.work(begin + Duration::from_secs(29));
        assert_eq!(stack.flows.tcp(), 1);
        stack.work(begin + Duration::from_secs(31));
        assert_eq!(stack.flows.tcp(), 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_egress_whose_source_address_has_no_free_port_works_and_lacks_sockets() {
        use crate::network::tests::namespace::{in_namespace, run};

        let test = "network::userspace::tests::an_egress_whose_source_address_has_no_free_port_works_and_lacks_sockets";
        if in_namespace(test).is_none() {
            return;
        }
        run("ip", "link set lo up");
        std::fs::write("/proc/sys/net/ipv4/ip_local_port_range", "50000 50001").unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let _entered = runtime.enter();
        let _server = TcpListener::bind(local(7000)).unwrap();
        let mut stack = stack(8);
        let egress = EgressId(1);
        let mut open = |source: Ipv4Addr, port| {
            let binding = Binding {
                interface: None,
                source: Some(source),
            };
            stack.bindings.store(Arc::new([(egress, binding)].into()));
            let syn = syn(&key(Carrier::Tcp, port, local(7000)));
            stack.receive(&Incoming::parse(&syn).unwrap(), egress, Instant::now())
        };
        for port in [1, 2] {
            assert_eq!(open(Ipv4Addr::LOCALHOST, port), Ok(()));
        }
        assert_eq!(
            open(Ipv4Addr::LOCALHOST, 3),
            Err(DropReason::NoSocket),
            "both ports are taken"
        );
        let gone = Ipv4Addr::new(192, 0, 2, 1);
        assert_eq!(open(gone, 4), Err(DropReason::Egress));
    }

    fn syn(key: &FlowKey) -> Vec<u8> {
        let mut packet = vec![0; 40];
        packet[0] = 0x45;
        packet[3] = 40;
        packet[8] = 64;
        packet[9] = 6;
        packet[12..16].copy_from_slice(&key.client.ip().octets());
        packet[16..20].copy_from_slice(&key.target.ip().octets());
        packet[20..22].copy_from_slice(&key.client.port().to_be_bytes());
        packet[22..24].copy_from_slice(&key.target.port().to_be_bytes());
        packet[32] = 5 << 4;
        packet[33] = 2;
        smoltcp::wire::Ipv4Packet::new_unchecked(&mut packet[..]).fill_checksum();
        packet
    }

    proptest! {
        #[test]
        fn no_packet_makes_the_parser_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..120), protocol in 0usize..4, header in 0x44u8..0x48) {
            if bytes.len() > 20 {
                bytes[0] = header;
                let total = u16::try_from(bytes.len()).unwrap();
                bytes[2..4].copy_from_slice(&total.to_be_bytes());
                bytes[9] = [6, 17, 1, bytes[9]][protocol];
                if usize::from(header & 15) * 4 <= bytes.len() && header > 0x44 {
                    smoltcp::wire::Ipv4Packet::new_unchecked(&mut bytes[..]).fill_checksum();
                }
            }
            if let Ok(incoming) = Incoming::parse(&bytes) {
                prop_assert!(incoming.packet.len() >= 20);
            }
        }
    }
}
