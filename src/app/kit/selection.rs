//! Which rows of a table are selected, by id, so that sorting and filtering keep the selection.

use std::collections::BTreeSet;

use egui::Modifiers;

/// The selected ids of a table, the row the keyboard is at, and where a range started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection<K> {
    ids: BTreeSet<K>,
    cursor: Option<K>,
    anchor: Option<K>,
    /// Counts the changes.
    version: u64,
}

impl<K> Default for Selection<K> {
    fn default() -> Self {
        Self {
            ids: BTreeSet::new(),
            cursor: None,
            anchor: None,
            version: 0,
        }
    }
}

impl<K: Ord + Clone> Selection<K> {
    /// Whether an id is selected.
    pub fn contains(&self, id: &K) -> bool {
        self.ids.contains(id)
    }

    /// How many are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The selected ids, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &K> {
        self.ids.iter()
    }

    /// Another number after each change: while it is the same, so is what is selected.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The one selected id, if it is one.
    pub fn single(&self) -> Option<&K> {
        if self.ids.len() == 1 {
            self.ids.first()
        } else {
            None
        }
    }

    /// Selects one and no other.
    pub fn select_only(&mut self, id: K) {
        self.version += 1;
        self.ids.clear();
        self.ids.insert(id.clone());
        self.anchor = Some(id.clone());
        self.cursor = Some(id);
    }

    /// Selects none.
    pub fn clear(&mut self) {
        self.version += u64::from(!self.ids.is_empty());
        self.ids.clear();
        self.anchor = None;
    }

    /// Forgets what is no longer there.
    pub fn retain(&mut self, still_there: impl Fn(&K) -> bool) {
        let before = self.ids.len();
        self.ids.retain(&still_there);
        self.version += u64::from(self.ids.len() != before);
        self.cursor = self.cursor.take().filter(&still_there);
        self.anchor = self.anchor.take().filter(still_there);
    }

    /// The row the keyboard is at.
    pub(super) const fn cursor(&self) -> Option<&K> {
        self.cursor.as_ref()
    }

    /// Selects or drops one, keeping the others.
    pub(super) fn toggle(&mut self, id: K) {
        self.version += 1;
        if !self.ids.remove(&id) {
            self.ids.insert(id.clone());
        }
        self.anchor = Some(id.clone());
        self.cursor = Some(id);
    }

    /// A click on a row: alone it selects that row, with Shift the range, with Ctrl or ⌘ it adds.
    ///
    /// The order shown is asked for only where it counts: it may be of thousands.
    pub(super) fn click(&mut self, id: K, order: impl FnOnce() -> Vec<K>, keys: Modifiers) {
        if keys.shift {
            self.extend_to(id, &order());
        } else if keys.command {
            self.toggle(id);
        } else {
            self.select_only(id);
        }
    }

    /// Selects from where the range started to `id`, in the order shown.
    pub(super) fn extend_to(&mut self, id: K, order: &[K]) {
        let place = |id: &K| order.iter().position(|o| o == id);
        let start = self.anchor.as_ref().and_then(place);
        let (Some(from), Some(to)) = (start, place(&id)) else {
            self.select_only(id);
            return;
        };
        self.version += 1;
        self.ids.clear();
        let (low, high) = (from.min(to), from.max(to));
        self.ids
            .extend(order.iter().take(high + 1).skip(low).cloned());
        self.cursor = Some(id);
    }

    /// Selects all that are shown, or none when they all were.
    pub(super) fn toggle_all(&mut self, order: &[K]) {
        self.version += 1;
        if order.iter().all(|id| self.ids.contains(id)) {
            self.ids.clear();
        } else {
            self.ids.extend(order.iter().cloned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: [u8; 5] = [5, 3, 1, 4, 2];

    fn ids(s: &Selection<u8>) -> Vec<u8> {
        s.iter().copied().collect()
    }

    #[test]
    fn shift_selects_the_range_in_the_order_shown() {
        let mut s = Selection::default();
        s.click(3, || ORDER.to_vec(), Modifiers::NONE);
        s.click(4, || ORDER.to_vec(), Modifiers::SHIFT);
        assert_eq!(ids(&s), [1, 3, 4]);
        s.click(5, || ORDER.to_vec(), Modifiers::SHIFT);
        assert_eq!(ids(&s), [3, 5], "the range starts where it did");
    }

    #[test]
    fn ctrl_adds_and_drops_one() {
        let mut s = Selection::default();
        s.click(3, || ORDER.to_vec(), Modifiers::NONE);
        s.click(2, || ORDER.to_vec(), Modifiers::COMMAND);
        assert_eq!(ids(&s), [2, 3]);
        s.click(3, || ORDER.to_vec(), Modifiers::COMMAND);
        assert_eq!(s.single(), Some(&2));
    }

    #[test]
    fn what_is_gone_is_forgotten_and_a_range_from_it_starts_anew() {
        let mut s = Selection::default();
        s.click(1, || ORDER.to_vec(), Modifiers::NONE);
        s.retain(|id| *id != 1);
        assert!(s.is_empty());
        s.click(2, || ORDER.to_vec(), Modifiers::SHIFT);
        assert_eq!(ids(&s), [2]);
    }
}
