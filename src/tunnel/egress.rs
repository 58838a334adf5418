//! The ways out of this machine that associated subnets ask for, by the number that their packets carry.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    model::network::{Egress, Via},
    network::{EgressHealth, EgressId, EgressPlan},
};

/// Way and address translation: what tells two egresses apart.
type Key = (Via, bool);

/// The egresses that are wanted, with their numbers and whether they work.
#[derive(Debug, Default)]
pub(super) struct Egresses {
    ids: BTreeMap<Key, EgressId>,
    last: u16,
    /// Those of which it is known whether they work.
    known: BTreeSet<EgressId>,
    /// Those that do not work, with the reason as a sentence.
    troubles: BTreeMap<EgressId, String>,
}

impl Egresses {
    /// Takes over which egresses are wanted. One that was wanted before keeps its number, and a new
    /// one gets a number that has rested as long as possible.
    pub(super) fn want<'e>(&mut self, wanted: impl Iterator<Item = &'e Egress>) {
        let wanted: BTreeSet<Key> = wanted
            .filter(|egress| **egress != Egress::default())
            .map(|egress| (egress.via.clone(), egress.nat))
            .collect();
        self.ids.retain(|key, _| wanted.contains(key));
        for key in wanted {
            if !self.ids.contains_key(&key) {
                let id = self.next_id();
                self.ids.insert(key, id);
            }
        }
        let ids: BTreeSet<_> = self.ids.values().copied().collect();
        self.troubles.retain(|id, _| ids.contains(id));
        self.known.retain(|id| ids.contains(id));
    }

    /// There are far fewer subnets than numbers.
    fn next_id(&mut self) -> EgressId {
        loop {
            self.last = self.last.wrapping_add(1);
            let id = EgressId(self.last);
            if id != EgressId::DEFAULT && self.ids.values().all(|used| *used != id) {
                return id;
            }
        }
    }

    /// The number of an egress that is wanted.
    pub(super) fn id_of(&self, egress: &Egress) -> EgressId {
        let id = self.ids.get(&(egress.via.clone(), egress.nat));
        id.copied().unwrap_or(EgressId::DEFAULT)
    }

    /// Whether an egress was opened or tried: until then nobody knows whether it works.
    pub(super) fn is_open(&self, id: EgressId) -> bool {
        id == EgressId::DEFAULT || self.known.contains(&id)
    }

    /// Why an egress does not work, if it does not.
    pub(super) fn trouble_of(&self, id: EgressId) -> Option<&String> {
        self.troubles.get(&id)
    }

    /// What the host should carry.
    pub(super) fn plan(&self) -> Vec<EgressPlan> {
        let plans = self.ids.iter().map(|((via, nat), id)| EgressPlan {
            id: *id,
            via: via.clone(),
            nat: *nat,
        });
        plans.collect()
    }

    /// Takes note of which egresses work. True if that is news.
    pub(super) fn note_health(&mut self, health: Vec<EgressHealth>) -> bool {
        let known = health.iter().map(|(id, _)| *id).collect();
        let before = std::mem::replace(&mut self.known, known);
        let failing = health.into_iter().filter_map(|(id, health)| {
            let trouble = health.err()?;
            Some((id, trouble))
        });
        let troubles = failing.collect();
        std::mem::replace(&mut self.troubles, troubles) != self.troubles || before != self.known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(name: &str, nat: bool) -> Egress {
        Egress {
            via: Via::Interface(name.to_owned()),
            nat,
        }
    }

    #[test]
    fn an_egress_keeps_its_number_while_it_is_wanted_and_nobody_gets_it_at_once_after() {
        let mut egresses = Egresses::default();
        let (one, two) = (through("eth1", true), through("eth1", false));
        egresses.want([&one, &Egress::default(), &two, &one].into_iter());
        let (first, second) = (egresses.id_of(&one), egresses.id_of(&two));
        assert_ne!(first, second);
        assert_eq!(egresses.id_of(&Egress::default()), EgressId::DEFAULT);
        assert_eq!(egresses.plan().len(), 2, "the default one needs no plan");

        let three = through("eth2", true);
        egresses.want([&two, &three].into_iter());
        assert_eq!(egresses.id_of(&two), second);
        let third = egresses.id_of(&three);
        assert!(third != first && third != second && third != EgressId::DEFAULT);
    }

    #[test]
    fn the_trouble_of_an_egress_goes_with_it() {
        let mut egresses = Egresses::default();
        let one = through("eth1", true);
        egresses.want([&one].into_iter());
        let id = egresses.id_of(&one);
        let fails = || vec![(id, Err("It is gone.".to_owned()))];
        assert!(!egresses.is_open(id) && egresses.is_open(EgressId::DEFAULT));
        assert!(egresses.note_health(vec![(id, Ok(()))]));
        assert!(egresses.is_open(id), "that it works is news too");
        assert!(egresses.note_health(fails()));
        assert!(!egresses.note_health(fails()));
        assert_eq!(egresses.trouble_of(id).unwrap(), "It is gone.");
        egresses.want([].into_iter());
        assert_eq!(egresses.trouble_of(id), None);
        assert!(!egresses.is_open(id));
    }
}
