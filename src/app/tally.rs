//! How many clients are connected, counted once for each view.

use std::{collections::BTreeMap, sync::Arc};

use crate::model::{EndpointId, Live};

/// The live connections of the newest view, by endpoint.
#[derive(Debug, Default)]
pub struct Tally {
    /// Held, so that no other view can have its address.
    of: Arc<Live>,
    endpoints: BTreeMap<EndpointId, usize>,
    total: usize,
}

impl Tally {
    /// Counts a view, unless it is the one counted last.
    pub fn take_in(&mut self, live: &Arc<Live>) {
        if Arc::ptr_eq(&self.of, live) {
            return;
        }
        self.of = Arc::clone(live);
        let mut counts: Vec<(&EndpointId, usize)> = Vec::new();
        for connection in live.connections.iter().filter(|c| c.ended_at.is_none()) {
            let of = &connection.endpoint_id;
            match counts.iter_mut().find(|(id, _)| *id == of) {
                Some((_, count)) => *count += 1,
                None => counts.push((of, 1)),
            }
        }
        self.total = counts.iter().map(|(_, count)| count).sum();
        self.endpoints = counts
            .into_iter()
            .map(|(id, count)| (id.clone(), count))
            .collect();
    }

    /// How many are connected.
    #[must_use]
    pub fn total(&self) -> usize {
        self.total
    }

    /// How many are connected to an endpoint.
    #[must_use]
    pub fn of_endpoint(&self, id: &EndpointId) -> usize {
        self.endpoints.get(id).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testing::sample;

    #[test]
    fn those_that_ended_do_not_count() {
        let (_, live) = sample::office();
        let mut tally = Tally::default();
        tally.take_in(&Arc::new(live));
        assert_eq!(tally.total(), 18);
        assert_eq!(tally.of_endpoint(&sample::endpoint_id(1)), 18);
        assert_eq!(tally.of_endpoint(&sample::endpoint_id(2)), 0);
    }
}
