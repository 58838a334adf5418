//! Who gets the control packets of an address, and how many may knock at once.

use std::{
    collections::{BTreeMap, HashMap},
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use tokio::sync::mpsc;

use super::session::Input;
use crate::openvpn::SessionId;

/// The sessions of one UDP listener by the address that their control packets come from.
///
/// Data packets do not pass here: they carry a peer id. A lock per control packet is therefore
/// cheap enough, and the table is shared by all workers because a client that moves to another
/// address may move to another worker's socket.
#[derive(Debug, Default)]
pub(super) struct Doors {
    by_address: Mutex<HashMap<SocketAddr, Vec<Door>>>,
    next: AtomicU64,
}

#[derive(Debug)]
struct Door {
    number: u64,
    /// The client's id of the session.
    client: SessionId,
    is_admitted: bool,
    /// The client has moved on from this address, and somebody else may have it now.
    is_former: bool,
    inbox: mpsc::Sender<Input>,
}

/// Keeps a door open; dropping it closes the door.
#[derive(Debug)]
pub(super) struct DoorKey {
    doors: Arc<Doors>,
    number: u64,
    client: SessionId,
    /// Weak, since the session itself has the key: once no door is left, its inbox closes.
    inbox: mpsc::WeakSender<Input>,
    addresses: Vec<SocketAddr>,
}

impl Doors {
    /// Opens a door for a session from `remote` that is not admitted yet. A candidate that was
    /// there before from the same address loses its own: the client has started anew.
    pub(super) fn open(
        self: &Arc<Self>,
        remote: SocketAddr,
        client: SessionId,
        inbox: &mpsc::Sender<Input>,
    ) -> DoorKey {
        let number = self.next.fetch_add(1, Relaxed);
        let mut doors = self.lock();
        let here = doors.entry(remote).or_default();
        here.retain(|door| door.is_admitted);
        here.push(Door {
            number,
            client,
            is_admitted: false,
            is_former: false,
            inbox: inbox.clone(),
        });
        DoorKey {
            doors: Arc::clone(self),
            number,
            client,
            inbox: inbox.downgrade(),
            addresses: vec![remote],
        }
    }

    /// The session that a control packet from `remote` with the client's session id belongs to.
    pub(super) fn find(
        &self,
        remote: SocketAddr,
        client: SessionId,
    ) -> Option<mpsc::Sender<Input>> {
        let doors = self.lock();
        let door = doors.get(&remote)?.iter().find(|d| d.client == client)?;
        Some(door.inbox.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<SocketAddr, Vec<Door>>> {
        self.by_address
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl DoorKey {
    /// The session was admitted. Sessions that were admitted from the same address before are told
    /// to end, since one address is one client.
    pub(super) fn admit(&self, replaced: &Input) {
        let mut doors = self.doors.lock();
        for address in &self.addresses {
            let Some(here) = doors.get_mut(address) else {
                continue;
            };
            for door in here {
                if door.number == self.number {
                    door.is_admitted = true;
                } else if door.is_admitted
                    && !door.is_former
                    && door.inbox.try_send(replaced.clone()).is_err()
                {
                    tracing::debug!("a replaced session's inbox is full; silence will end it");
                }
            }
        }
    }

    /// The client has moved to `remote`; its old door stays for packets that are under way.
    pub(super) fn move_to(&mut self, remote: SocketAddr) {
        let Some(inbox) = self.inbox.upgrade() else {
            return;
        };
        let mut doors = self.doors.lock();
        for address in &self.addresses {
            let here = doors.get_mut(address).into_iter().flatten();
            for door in here.filter(|door| door.number == self.number) {
                door.is_former = true;
            }
        }
        if let Some(index) = self.addresses.iter().position(|known| *known == remote) {
            self.addresses.remove(index);
            remove(&mut doors, remote, self.number);
        } else if self.addresses.len() == MAX_ADDRESSES {
            let oldest = self.addresses.remove(0);
            remove(&mut doors, oldest, self.number);
        }
        self.addresses.push(remote);
        doors.entry(remote).or_default().push(Door {
            number: self.number,
            client: self.client,
            is_admitted: true,
            is_former: false,
            inbox,
        });
    }
}

impl Drop for DoorKey {
    fn drop(&mut self) {
        let mut doors = self.doors.lock();
        for address in &self.addresses {
            remove(&mut doors, *address, self.number);
        }
    }
}

fn remove(doors: &mut HashMap<SocketAddr, Vec<Door>>, address: SocketAddr, number: u64) {
    if let Some(here) = doors.get_mut(&address) {
        here.retain(|door| door.number != number);
        if here.is_empty() {
            doors.remove(&address);
        }
    }
}

/// Addresses that one session keeps doors at while its client moves about.
const MAX_ADDRESSES: usize = 4;

/// Counts handshakes under way, in total and by prefix.
#[derive(Debug, Default)]
pub(super) struct HalfOpen {
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    total: usize,
    by_prefix: BTreeMap<[u8; 8], usize>,
}

/// One handshake's place; dropping it gives it back.
#[derive(Debug)]
pub(super) struct HalfOpenPermit {
    half_open: Arc<HalfOpen>,
    prefix: [u8; 8],
}

impl HalfOpen {
    /// The most handshakes under way.
    pub(super) const MAX: usize = 4096;
    /// The most of one IPv4 /24 or IPv6 /56: an office behind one address comes back at once.
    pub(super) const MAX_PER_PREFIX: usize = 1024;

    /// A place for a handshake with `remote`, if there is one.
    pub(super) fn enter(self: &Arc<Self>, remote: IpAddr) -> Option<HalfOpenPermit> {
        let prefix = prefix(remote);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let here = counts.by_prefix.get(&prefix).copied().unwrap_or(0);
        if counts.total >= Self::MAX || here >= Self::MAX_PER_PREFIX {
            return None;
        }
        counts.total += 1;
        counts.by_prefix.insert(prefix, here + 1);
        Some(HalfOpenPermit {
            half_open: Arc::clone(self),
            prefix,
        })
    }
}

impl Drop for HalfOpenPermit {
    fn drop(&mut self) {
        let mut counts = self
            .half_open
            .counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        counts.total -= 1;
        if let Some(here) = counts.by_prefix.get_mut(&self.prefix) {
            *here -= 1;
            if *here == 0 {
                counts.by_prefix.remove(&self.prefix);
            }
        }
    }
}

fn prefix(address: IpAddr) -> [u8; 8] {
    let mut prefix = [0; 8];
    match address.to_canonical() {
        IpAddr::V4(ip) => prefix[..3].copy_from_slice(&ip.octets()[..3]),
        IpAddr::V6(ip) => {
            prefix[..7].copy_from_slice(&ip.octets()[..7]);
            prefix[7] = 6;
        }
    }
    prefix
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    fn session(number: u8) -> SessionId {
        SessionId::new([number; 8])
    }

    #[test]
    fn a_candidate_does_not_disturb_a_live_session_until_it_is_admitted() {
        let doors = Arc::new(Doors::default());
        let (live, mut live_inbox) = mpsc::channel(4);
        let (candidate, _candidate_inbox) = mpsc::channel(4);
        let live = doors.open(remote(1), session(1), &live);
        live.admit(&Input::Replaced);
        let candidate = doors.open(remote(1), session(2), &candidate);
        assert!(doors.find(remote(1), session(1)).is_some());
        assert!(live_inbox.try_recv().is_err());

        candidate.admit(&Input::Replaced);
        assert!(matches!(live_inbox.try_recv(), Ok(Input::Replaced)));
        drop(live);
        assert!(doors.find(remote(1), session(1)).is_none());
        assert!(doors.find(remote(1), session(2)).is_some());
    }

    #[test]
    fn a_second_candidate_takes_the_place_of_the_first() {
        let doors = Arc::new(Doors::default());
        let (inbox, _keep) = mpsc::channel(4);
        let _first = doors.open(remote(1), session(1), &inbox);
        let _second = doors.open(remote(1), session(2), &inbox);
        assert!(doors.find(remote(1), session(1)).is_none());
        assert!(doors.find(remote(1), session(2)).is_some());
    }

    #[test]
    fn a_moved_session_is_found_at_its_new_address_and_leaves_nothing_behind() {
        let doors = Arc::new(Doors::default());
        let (inbox, _keep) = mpsc::channel(4);
        let mut key = doors.open(remote(1), session(1), &inbox);
        for port in 2..20 {
            key.move_to(remote(port));
        }
        assert!(doors.find(remote(19), session(1)).is_some());
        assert!(doors.find(remote(1), session(1)).is_none());
        drop(key);
        assert!(doors.lock().is_empty());
    }

    #[test]
    fn who_gets_the_address_that_a_session_has_left_does_not_end_it() {
        let doors = Arc::new(Doors::default());
        let (moved, mut moved_inbox) = mpsc::channel(4);
        let (stranger, _stranger_inbox) = mpsc::channel(4);
        let mut moved = doors.open(remote(1), session(1), &moved);
        moved.admit(&Input::Replaced);
        moved.move_to(remote(2));
        let at_old = doors.open(remote(1), session(2), &stranger);
        at_old.admit(&Input::Replaced);
        assert!(moved_inbox.try_recv().is_err());

        moved.move_to(remote(1));
        let again = doors.open(remote(1), session(3), &stranger);
        again.admit(&Input::Replaced);
        assert!(matches!(moved_inbox.try_recv(), Ok(Input::Replaced)));
    }

    #[test]
    fn one_prefix_cannot_take_every_place() {
        let half_open = Arc::new(HalfOpen::default());
        let loud: Vec<_> = (0..2000)
            .map_while(|_| half_open.enter([198, 51, 100, 7].into()))
            .collect();
        assert_eq!(loud.len(), HalfOpen::MAX_PER_PREFIX);
        assert!(half_open.enter([192, 0, 2, 7].into()).is_some());
        drop(loud);
        assert!(half_open.enter([198, 51, 100, 7].into()).is_some());
        assert!(half_open.counts.lock().unwrap().by_prefix.is_empty());
    }
}
