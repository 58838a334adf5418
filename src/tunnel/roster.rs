//! Who is connected: one [`Member`] per session that was let in, shared by its control task, its
//! worker and whoever shows connections.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::sync::{Notify, mpsc};

use super::{gate::Binding, session::Input};
use crate::{
    model::{CertificateId, Connection, ConnectionId, ConnectionState, EndpointId, Traffic},
    openvpn::{self, PeerId},
    policy,
};

/// One session that was let in.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) id: ConnectionId,
    pub(super) endpoint_id: EndpointId,
    /// Its association, with the subnet; replaced when that fails.
    pub(super) binding: Arc<ArcSwap<Binding>>,
    pub(super) address: Ipv4Addr,
    pub(super) peer_id: PeerId,
    pub(super) common_name: String,
    /// What revocation lists name the chain by that its client has shown last.
    pub(super) certificates: Mutex<Vec<CertificateId>>,
    pub(super) client_version: String,
    pub(super) platform: String,
    pub(super) cipher: &'static str,
    pub(super) established_at: Timestamp,
    /// To the session's control task.
    pub(super) inbox: mpsc::Sender<Input>,
    pub(super) device: Mutex<SocketAddr>,
    pub(super) counts: Counts,
    /// What its client lacks until it reconnects, as a sentence.
    pub(super) reconnect: Mutex<Option<String>>,
    /// Told to end: its data is refused from the instant this is set.
    pub(super) is_ending: AtomicBool,
}

/// What has passed, written by the one worker that has the session.
#[derive(Debug, Default)]
pub(super) struct Counts {
    ingress_bytes: AtomicU64,
    egress_bytes: AtomicU64,
    ingress_packets: AtomicU64,
    egress_packets: AtomicU64,
    /// Seconds since 1970.
    counted_at: AtomicI64,
}

impl Counts {
    /// Counters that were looked at `now`.
    pub(super) fn starting(now: Timestamp) -> Self {
        let counts = Self::default();
        counts.counted_at.store(now.as_second(), Ordering::Relaxed);
        counts
    }

    /// Takes over the data channel's counters if they have moved.
    pub(super) fn update(&self, traffic: openvpn::Traffic, now: impl FnOnce() -> Timestamp) {
        let packets = (traffic.packets_in, traffic.packets_out);
        let before = self.read();
        if packets == (before.ingress_packets, before.egress_packets) {
            return;
        }
        let set = |counter: &AtomicU64, value| counter.store(value, Ordering::Relaxed);
        set(&self.ingress_bytes, traffic.bytes_in);
        set(&self.egress_bytes, traffic.bytes_out);
        set(&self.ingress_packets, traffic.packets_in);
        set(&self.egress_packets, traffic.packets_out);
        self.counted_at.store(now().as_second(), Ordering::Relaxed);
    }

    fn read(&self) -> Traffic {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Traffic {
            ingress_bytes: get(&self.ingress_bytes),
            egress_bytes: get(&self.egress_bytes),
            ingress_packets: get(&self.ingress_packets),
            egress_packets: get(&self.egress_packets),
        }
    }
}

impl Member {
    pub(super) fn is_ending(&self) -> bool {
        self.is_ending.load(Ordering::Acquire)
    }

    /// Refuses the session's data from now on. False if it was so already.
    pub(super) fn set_ending(&self) -> bool {
        !self.is_ending.swap(true, Ordering::AcqRel)
    }

    pub(super) fn set_device(&self, device: SocketAddr) {
        *self.device.lock().unwrap_or_else(PoisonError::into_inner) = device;
    }

    /// Notes the chain that its client shows now.
    pub(super) fn set_certificates(&self, certificates: Vec<CertificateId>) {
        *self.lock_certificates() = certificates;
    }

    fn lock_certificates(&self) -> MutexGuard<'_, Vec<CertificateId>> {
        self.certificates
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what its client lacks until it reconnects.
    /// True if that is news.
    pub(super) fn set_reconnect(&self, sentence: Option<String>) -> bool {
        let mut noted = self.lock_reconnect();
        let is_news = *noted != sentence;
        *noted = sentence;
        is_news
    }

    fn lock_reconnect(&self) -> MutexGuard<'_, Option<String>> {
        self.reconnect
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// What the policy needs to know of it while it is bound so.
    pub(super) fn policy_session<'a>(&'a self, binding: &'a Binding) -> policy::Session<'a> {
        policy::Session {
            address: self.address,
            subnet: &binding.subnet_id,
            user: &self.common_name,
        }
    }

    /// The connection as a face shows it.
    pub(super) fn connection(&self) -> Connection {
        let counted = self.counts.counted_at.load(Ordering::Relaxed);
        Connection {
            id: self.id.clone(),
            endpoint_id: self.endpoint_id.clone(),
            association_id: self.binding.load().association_id.clone(),
            common_name: self.common_name.clone(),
            client_ip: self.address,
            device: *self.device.lock().unwrap_or_else(PoisonError::into_inner),
            client_version: self.client_version.clone(),
            platform: self.platform.clone(),
            cipher: self.cipher.to_owned(),
            state: if self.is_ending() {
                ConnectionState::Terminating
            } else {
                ConnectionState::Active
            },
            established_at: self.established_at,
            ended_at: None,
            certificates: self.lock_certificates().clone(),
            end_reason: None,
            reconnect: self.lock_reconnect().clone(),
            traffic: self.counts.read(),
            counted_at: Timestamp::from_second(counted).unwrap_or(self.established_at),
        }
    }
}

/// Every member, by connection.
#[derive(Debug, Default)]
pub(super) struct Roster {
    members: Mutex<BTreeMap<ConnectionId, Arc<Member>>>,
    /// Rung when somebody came or went, or anything else shown has changed.
    pub(super) changed: Notify,
}

impl Roster {
    pub(super) fn insert(&self, member: Arc<Member>) {
        self.lock().insert(member.id.clone(), member);
        self.changed.notify_one();
    }

    pub(super) fn remove(&self, id: &ConnectionId) {
        self.lock().remove(id);
        self.changed.notify_one();
    }

    pub(super) fn find(&self, id: &ConnectionId) -> Option<Arc<Member>> {
        self.lock().get(id).cloned()
    }

    /// The members for which `wanted` says so.
    pub(super) fn select(&self, wanted: impl Fn(&Member) -> bool) -> Vec<Arc<Member>> {
        let members = self.lock();
        members.values().filter(|m| wanted(m)).cloned().collect()
    }

    pub(super) fn connections(&self) -> Vec<Connection> {
        self.lock()
            .values()
            .map(|member| member.connection())
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ConnectionId, Arc<Member>>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
