//! The sliding window that refuses a packet id a second time.

/// How far a packet may lag behind the newest one and still be accepted.
pub(crate) const WINDOW: u32 = 8128;

const WORD_BITS: u32 = u64::BITS;
/// One word more than the window needs, so that the word being entered can be cleared as a whole.
const WORDS: usize = (WINDOW / WORD_BITS) as usize + 1;

/// Which packet ids of one key have been received.
#[derive(Debug)]
pub(crate) struct ReplayWindow {
    newest: u32,
    seen: [u64; WORDS],
}

impl Default for ReplayWindow {
    fn default() -> Self {
        Self {
            newest: 0,
            seen: [0; WORDS],
        }
    }
}

impl ReplayWindow {
    /// Whether `id` is new. Marks it, so call this only once the packet's tag is known to be good.
    pub(crate) fn accept(&mut self, id: u32) -> bool {
        if id == 0 || (id <= self.newest && self.newest - id >= WINDOW) {
            return false;
        }
        if id > self.newest {
            self.advance(id);
        }
        let word = &mut self.seen[Self::word(id)];
        let bit = 1 << (id % WORD_BITS);
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    fn advance(&mut self, id: u32) {
        let from = self.newest / WORD_BITS;
        let to = id / WORD_BITS;
        for step in 1..=(to - from).min(WORDS as u32) {
            self.seen[(from.wrapping_add(step) as usize) % WORDS] = 0;
        }
        self.newest = id;
    }

    fn word(id: u32) -> usize {
        (id / WORD_BITS) as usize % WORDS
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[derive(Default)]
    struct NaiveModel {
        newest: u32,
        seen: HashSet<u32>,
    }

    impl NaiveModel {
        fn accept(&mut self, id: u32) -> bool {
            if id == 0 || id.saturating_add(WINDOW) <= self.newest {
                return false;
            }
            self.newest = self.newest.max(id);
            self.seen.insert(id)
        }
    }

    fn steps() -> impl Strategy<Value = Vec<i64>> {
        let step = prop_oneof![
            4 => -100i64..100,
            2 => -i64::from(WINDOW) - 70..i64::from(WINDOW) + 70,
            1 => -3 * i64::from(WINDOW)..3 * i64::from(WINDOW),
        ];
        proptest::collection::vec(step, 1..400)
    }

    proptest! {
        #[test]
        fn agrees_with_a_set_of_everything_seen(start: u32, steps in steps()) {
            let mut window = ReplayWindow::default();
            let mut model = NaiveModel::default();
            let mut id = i64::from(start);
            for step in steps {
                id = (id + step).clamp(0, i64::from(u32::MAX));
                let id = u32::try_from(id).unwrap();
                prop_assert_eq!(window.accept(id), model.accept(id), "id {}", id);
            }
        }
    }

    #[test]
    fn the_last_packet_id_is_accepted_once() {
        let mut window = ReplayWindow::default();
        assert!(window.accept(u32::MAX));
        assert!(!window.accept(u32::MAX));
        assert!(window.accept(u32::MAX - WINDOW + 1));
        assert!(!window.accept(u32::MAX - WINDOW));
    }
}
