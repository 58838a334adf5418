//! Throughput over the last minutes, gathered from the counters of each view.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use super::places::places_before;
use crate::model::{Connection, EndpointId, Live};

/// Samples kept of each line: with views a second apart this is the last minute.
pub const SAMPLES: usize = 60;

/// A sample is of this long at least: counters of one moment do not make a rate.
const SHORTEST: f64 = 0.5;
/// After this long without a new view nothing has moved, which is a sample too.
const QUIET: f64 = 1.5;

/// Bits a second of connections and of endpoints, newest last.
///
/// What is measured against is the window's own clock: a connection's counters carry the time at
/// which they last moved, which for one that has fallen silent is long ago.
#[derive(Debug, Default)]
pub struct Rates {
    /// Of each connection of the newest view, at its place there.
    lines: Vec<Line>,
    endpoints: BTreeMap<EndpointId, VecDeque<f32>>,
    ingress: f32,
    egress: f32,
    /// Seconds of the window's clock at the last sample.
    sampled: Option<f64>,
    /// How many samples were taken.
    samples: u64,
    /// The newest view, held so that no other can have its address.
    seen: Arc<Live>,
    /// It came too soon after the last sample to be one.
    waits: bool,
}

/// One connection's counters at the last sample, and its rates: in one piece, as thousands of them
/// are gone through with each view.
#[derive(Clone, Copy, Debug)]
struct Line {
    ingress: u64,
    egress: u64,
    /// Each sample at the place that its number has in a ring.
    ring: [f32; SAMPLES],
    /// How many of the newest samples it was in.
    count: usize,
    /// It was in a sample before: the counters of one moment make no rate.
    is_known: bool,
}

impl Line {
    fn new(connection: &Connection) -> Self {
        Self {
            ingress: connection.traffic.ingress_bytes,
            egress: connection.traffic.egress_bytes,
            ring: [0.0; SAMPLES],
            count: 0,
            is_known: false,
        }
    }
}

impl Rates {
    /// Takes the counters of a view in, at `now` seconds of the window's clock.
    pub fn take_in(&mut self, live: &Arc<Live>, now: f64) {
        if !Arc::ptr_eq(&self.seen, live) {
            self.follow(live);
            self.waits = true;
        }
        let secs = self.sampled.map_or(f64::INFINITY, |before| now - before);
        if secs < if self.waits { SHORTEST } else { QUIET } {
            return;
        }
        self.waits = false;
        self.sampled = Some(now);
        self.samples += 1;
        let newest = place_of(self.samples);
        let (mut ingress, mut egress) = (0.0, 0.0);
        let mut sums: Vec<(&EndpointId, f32)> = Vec::new();
        for (connection, line) in live.connections.iter().zip(&mut self.lines) {
            if connection.ended_at.is_some() {
                line.count = 0;
                continue;
            }
            let traffic = &connection.traffic;
            let bits = |now: u64, then: u64| (now.saturating_sub(then) as f64 * 8.0 / secs) as f32;
            let up = bits(traffic.ingress_bytes, line.ingress);
            let down = bits(traffic.egress_bytes, line.egress);
            ingress += up;
            egress += down;
            let rate = up + down;
            if line.is_known {
                line.ring[newest] = rate;
                line.count = SAMPLES.min(line.count + 1);
            }
            line.is_known = true;
            (line.ingress, line.egress) = (traffic.ingress_bytes, traffic.egress_bytes);
            match sums
                .iter_mut()
                .find(|(id, _)| **id == connection.endpoint_id)
            {
                Some((_, sum)) => *sum += rate,
                None => sums.push((&connection.endpoint_id, rate)),
            }
        }
        (self.ingress, self.egress) = (ingress, egress);
        self.endpoints
            .retain(|endpoint, _| sums.iter().any(|(id, _)| *id == endpoint));
        for (endpoint, sum) in sums {
            push(self.endpoints.entry(endpoint.clone()).or_default(), sum);
        }
    }

    /// Brings the lines to the places of a view's connections.
    fn follow(&mut self, live: &Arc<Live>) {
        let seen = std::mem::replace(&mut self.seen, Arc::clone(live));
        let before = places_before(&seen.connections, &live.connections);
        let lines = std::mem::take(&mut self.lines);
        let line = |at: &Option<usize>| lines.get((*at)?).copied();
        let all = before.iter().zip(&live.connections);
        let all = all.map(|(at, it)| line(at).unwrap_or_else(|| Line::new(it)));
        self.lines = all.collect();
    }

    /// How many samples were taken so far: while it is the same, so is every rate.
    #[must_use]
    pub fn samples_taken(&self) -> u64 {
        self.samples
    }

    /// Whether something is shown that would be wrong if nothing more came.
    #[must_use]
    pub fn is_moving(&self) -> bool {
        self.waits || self.ingress + self.egress > 0.0
    }

    /// Rates of the connection at a place of the newest view, oldest first.
    pub fn at(&self, place: usize) -> impl Iterator<Item = f32> {
        let count = self.lines.get(place).map_or(0, |line| line.count);
        let line = self.lines.get(place);
        let line = line.into_iter().cycle().take(count);
        let first = self.samples - count as u64 + 1;
        line.zip(first..)
            .map(|(line, sample)| line.ring[place_of(sample)])
    }

    /// The newest rate of the connection at a place of the newest view.
    #[must_use]
    pub fn now_at(&self, place: usize) -> f32 {
        let line = self.lines.get(place).filter(|line| line.count > 0);
        line.map_or(0.0, |line| line.ring[place_of(self.samples)])
    }

    /// Rates of one endpoint, oldest first.
    #[must_use]
    pub fn of_endpoint(&self, id: &EndpointId) -> Vec<f32> {
        self.endpoints
            .get(id)
            .map(|samples| samples.iter().copied().collect())
            .unwrap_or_default()
    }

    /// All clients together now: from them, to them.
    #[must_use]
    pub fn totals(&self) -> (f32, f32) {
        (self.ingress, self.egress)
    }
}

/// The place of a sample in a ring.
fn place_of(sample: u64) -> usize {
    (sample % SAMPLES as u64) as usize
}

/// Adds a sample, letting the oldest go.
fn push(samples: &mut VecDeque<f32>, value: f32) {
    if samples.len() == SAMPLES {
        samples.pop_front();
    }
    samples.push_back(value);
}

#[cfg(test)]
mod tests {
    use crate::model::{AssociationId, ConnectionId, ConnectionState, Traffic};

    use super::*;

    fn live(ingress_bytes: u64) -> Arc<Live> {
        let at = jiff::Timestamp::from_second(1_790_000_000).unwrap();
        Arc::new(Live {
            connections: vec![Connection {
                id: ConnectionId::from_random([1; 9]),
                endpoint_id: EndpointId::from_random([2; 9]),
                association_id: AssociationId::from_random([3; 9]),
                common_name: "a".into(),
                client_ip: [10, 0, 0, 2].into(),
                device: "192.0.2.1:1000".parse().unwrap(),
                client_version: String::new(),
                platform: String::new(),
                cipher: String::new(),
                state: ConnectionState::Active,
                established_at: at,
                ended_at: None,
                certificates: Vec::new(),
                end_reason: None,
                reconnect: None,
                traffic: Traffic {
                    ingress_bytes,
                    ..Traffic::default()
                },
                counted_at: at,
            }],
            ..Live::default()
        })
    }

    fn of_it(rates: &Rates) -> Vec<f32> {
        rates.at(0).collect()
    }

    #[test]
    fn a_rate_is_the_growth_of_the_counters_over_their_time() {
        let mut rates = Rates::default();
        rates.take_in(&live(0), 10.0);
        rates.take_in(&live(1000), 12.0);
        assert_eq!(of_it(&rates), [4000.0]);
        assert_eq!(rates.totals(), (4000.0, 0.0));
        assert_eq!(
            rates.of_endpoint(&EndpointId::from_random([2; 9])),
            [0.0, 4000.0]
        );
    }

    #[test]
    fn the_same_view_drawn_again_adds_nothing() {
        let mut rates = Rates::default();
        let view = live(10);
        rates.take_in(&live(0), 10.0);
        rates.take_in(&view, 11.0);
        rates.take_in(&view, 11.1);
        assert_eq!(of_it(&rates).len(), 1);
    }

    #[test]
    fn a_connection_that_falls_silent_comes_down_to_nothing() {
        let mut rates = Rates::default();
        let last = live(1000);
        rates.take_in(&live(0), 10.0);
        rates.take_in(&last, 11.0);
        assert!(rates.is_moving());
        // No view comes while nothing changes.
        rates.take_in(&last, 13.0);
        assert_eq!(of_it(&rates), [8000.0, 0.0]);
        assert!(!rates.is_moving());
    }

    #[test]
    fn what_comes_after_a_silence_is_not_spread_over_it() {
        let mut rates = Rates::default();
        let idle = live(0);
        rates.take_in(&idle, 10.0);
        for second in 0..60 {
            rates.take_in(&idle, 12.0 + f64::from(second) * 2.0);
        }
        rates.take_in(&live(1000), 131.0);
        assert_eq!(rates.totals(), (8000.0, 0.0));
    }

    #[test]
    fn rates_stay_with_their_connection_as_others_come_and_go() {
        let of = |ids: &[(u8, u64)]| {
            let mut live = Live::clone(&live(0));
            let one = live.connections.remove(0);
            live.connections = ids
                .iter()
                .map(|(id, bytes)| {
                    let mut one = one.clone();
                    one.id = ConnectionId::from_random([*id; 9]);
                    one.traffic.ingress_bytes = *bytes;
                    one
                })
                .collect();
            Arc::new(live)
        };
        let mut rates = Rates::default();
        rates.take_in(&of(&[(3, 0), (1, 0)]), 10.0);
        rates.take_in(&of(&[(3, 100), (1, 1000)]), 11.0);
        rates.take_in(&of(&[(4, 7), (3, 100), (2, 7), (1, 3000)]), 12.0);
        let at = |rates: &Rates, place| rates.at(place).collect::<Vec<_>>();
        assert_eq!(at(&rates, 0), [0.0_f32; 0]);
        assert_eq!(at(&rates, 1), [800.0, 0.0]);
        assert_eq!(at(&rates, 3), [8000.0, 16000.0]);
        // Too soon for a sample, yet at its new place.
        let soon = of(&[(1, 9000), (4, 7)]);
        rates.take_in(&soon, 12.1);
        assert_eq!(at(&rates, 0), [8000.0, 16000.0]);
        assert_eq!(
            (rates.now_at(0), rates.now_at(1), rates.now_at(2)),
            (16000.0, 0.0, 0.0)
        );
        rates.take_in(&soon, 12.75);
        assert_eq!(rates.now_at(0), 64000.0);
    }

    #[test]
    fn a_view_that_comes_too_soon_is_sampled_though_no_other_comes() {
        let mut rates = Rates::default();
        rates.take_in(&live(0), 10.0);
        let soon = live(1000);
        rates.take_in(&soon, 10.1);
        assert!(rates.is_moving(), "the window draws again by itself");
        rates.take_in(&soon, 11.0);
        assert_eq!(of_it(&rates), [8000.0]);
    }

    #[test]
    fn the_oldest_samples_go() {
        let mut rates = Rates::default();
        for second in 0..100 {
            rates.take_in(&live(second * second), second as f64);
        }
        let kept = of_it(&rates);
        assert_eq!(kept.len(), SAMPLES);
        assert_eq!((kept[0], kept[59]), (8.0 * 79.0, 8.0 * 197.0));
    }

    #[test]
    fn an_ended_connection_is_forgotten_and_its_endpoint_with_the_last() {
        let mut rates = Rates::default();
        rates.take_in(&live(0), 10.0);
        rates.take_in(&live(10), 11.0);
        rates.take_in(&Arc::default(), 12.0);
        assert_eq!(rates.totals(), (0.0, 0.0));
        assert!(of_it(&rates).is_empty());
        assert!(
            rates
                .of_endpoint(&EndpointId::from_random([2; 9]))
                .is_empty()
        );
    }
}
