//! What passed through a port and what it had to drop, by reason.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Why a port dropped a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum DropReason {
    /// Not a valid IPv4 packet, or a wrong checksum.
    Malformed,
    /// An IPv4 fragment, which the user-space stack does not reassemble.
    Fragment,
    /// A protocol that the user-space stack does not carry.
    Protocol,
    /// Larger than the MTU.
    TooLarge,
    /// The most flows a worker keeps are open.
    FlowLimit,
    /// The system gave no socket: its limit of open files is reached.
    NoSocket,
    /// ICMP echo that this process may not send.
    EchoNotPermitted,
    /// A queue was full.
    QueueFull,
    /// The device or socket answered with an error.
    Device,
    /// The packet's egress is not there.
    Egress,
}

impl DropReason {
    /// Every reason, in the order shown to people.
    pub const ALL: [Self; 10] = [
        Self::Malformed,
        Self::Fragment,
        Self::Protocol,
        Self::TooLarge,
        Self::FlowLimit,
        Self::NoSocket,
        Self::EchoNotPermitted,
        Self::QueueFull,
        Self::Device,
        Self::Egress,
    ];

    /// The reason in words, as a metric or a person reads it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed packet",
            Self::Fragment => "fragment",
            Self::Protocol => "protocol not carried",
            Self::TooLarge => "larger than the MTU",
            Self::FlowLimit => "too many flows",
            Self::NoSocket => "no socket left",
            Self::EchoNotPermitted => "echo not permitted",
            Self::QueueFull => "queue full",
            Self::Device => "device error",
            Self::Egress => "egress not available",
        }
    }
}

/// One port's counters. Only the port's worker writes them, so the atomics are never contended;
/// any thread may read.
#[derive(Debug, Default)]
pub struct Counters {
    to_network: AtomicU64,
    to_network_bytes: AtomicU64,
    from_network: AtomicU64,
    from_network_bytes: AtomicU64,
    drops: [AtomicU64; DropReason::ALL.len()],
}

impl Counters {
    pub(super) fn count_to_network(&self, packets: usize, bytes: usize) {
        self.to_network.fetch_add(packets as u64, Relaxed);
        self.to_network_bytes.fetch_add(bytes as u64, Relaxed);
    }

    pub(super) fn count_from_network(&self, packets: usize, bytes: usize) {
        self.from_network.fetch_add(packets as u64, Relaxed);
        self.from_network_bytes.fetch_add(bytes as u64, Relaxed);
    }

    pub(super) fn count_drop(&self, reason: DropReason) {
        self.drops[reason as usize].fetch_add(1, Relaxed);
    }

    /// The values now.
    #[must_use]
    pub fn totals(&self) -> Totals {
        Totals {
            to_network: self.to_network.load(Relaxed),
            to_network_bytes: self.to_network_bytes.load(Relaxed),
            from_network: self.from_network.load(Relaxed),
            from_network_bytes: self.from_network_bytes.load(Relaxed),
            drops: std::array::from_fn(|reason| self.drops[reason].load(Relaxed)),
        }
    }
}

/// Counter values at one moment, of one port or of several added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Packets handed to the network, dropped ones included.
    pub to_network: u64,
    /// Bytes of those packets.
    pub to_network_bytes: u64,
    /// Packets that came from the network.
    pub from_network: u64,
    /// Bytes of those packets.
    pub from_network_bytes: u64,
    drops: [u64; DropReason::ALL.len()],
}

impl Totals {
    /// Packets dropped for `reason`.
    #[must_use]
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.drops[reason as usize]
    }

    /// The reasons that occurred, with how often.
    pub fn drops(&self) -> impl Iterator<Item = (DropReason, u64)> {
        DropReason::ALL
            .into_iter()
            .map(|reason| (reason, self.dropped(reason)))
            .filter(|&(_, count)| count > 0)
    }
}

impl std::ops::AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.to_network += other.to_network;
        self.to_network_bytes += other.to_network_bytes;
        self.from_network += other.from_network;
        self.from_network_bytes += other.from_network_bytes;
        for (mine, theirs) in self.drops.iter_mut().zip(other.drops) {
            *mine += theirs;
        }
    }
}
