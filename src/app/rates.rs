//! Throughput over the last minutes, gathered from the counters of each view.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

use crate::model::{Connection, ConnectionId, EndpointId, Live};

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
    /// Each connection that stood at the last sample, in the order of the view.
    lines: Vec<Line>,
    /// Where in `lines` each is.
    places: HashMap<ConnectionId, usize>,
    endpoints: BTreeMap<EndpointId, VecDeque<f32>>,
    ingress: f32,
    egress: f32,
    /// Seconds of the window's clock at the last sample.
    sampled: Option<f64>,
    /// How many samples were taken.
    samples: u64,
    /// The newest rates, by the connections' places in `seen`.
    newest: Vec<f32>,
    /// The view sampled last, held so that no other can have its address.
    seen: Arc<Live>,
}

/// One connection's counters at the last sample, and its rates.
#[derive(Debug)]
struct Line {
    of: ConnectionId,
    ingress: u64,
    egress: u64,
    samples: VecDeque<f32>,
    /// It was in a sample before: the counters of one moment make no rate.
    is_known: bool,
}

impl Line {
    fn new(connection: &Connection) -> Self {
        Self {
            of: connection.id.clone(),
            ingress: connection.traffic.ingress_bytes,
            egress: connection.traffic.egress_bytes,
            samples: VecDeque::new(),
            is_known: false,
        }
    }
}

impl Rates {
    /// Takes the counters of a view in, at `now` seconds of the window's clock.
    pub fn take_in(&mut self, live: &Arc<Live>, now: f64) {
        let secs = self.sampled.map_or(f64::INFINITY, |before| now - before);
        let is_new = !Arc::ptr_eq(&self.seen, live);
        if secs < if is_new { SHORTEST } else { QUIET } {
            return;
        }
        self.sampled = Some(now);
        self.samples += 1;
        self.seen = Arc::clone(live);
        let (mut ingress, mut egress) = (0.0, 0.0);
        let mut sums: Vec<(&EndpointId, f32)> = Vec::new();
        self.newest.clear();
        self.newest.resize(live.connections.len(), 0.0);
        self.follow(live);
        let mut lines = self.lines.iter_mut();
        for (at, connection) in live.connections.iter().enumerate() {
            if connection.ended_at.is_some() {
                continue;
            }
            let Some(line) = lines.next() else { break };
            let traffic = &connection.traffic;
            let bits = |now: u64, then: u64| (now.saturating_sub(then) as f64 * 8.0 / secs) as f32;
            let up = bits(traffic.ingress_bytes, line.ingress);
            let down = bits(traffic.egress_bytes, line.egress);
            ingress += up;
            egress += down;
            let rate = up + down;
            if line.is_known {
                push(&mut line.samples, rate);
            }
            line.is_known = true;
            (line.ingress, line.egress) = (traffic.ingress_bytes, traffic.egress_bytes);
            if let Some(newest) = self.newest.get_mut(at) {
                *newest = rate;
            }
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

    /// Brings the lines into the order of a view's connections that stand. Most views have the
    /// connections of the one before.
    fn follow(&mut self, live: &Live) {
        let standing = || live.connections.iter().filter(|c| c.ended_at.is_none());
        let ids = standing().map(|connection| &connection.id);
        if ids.eq(self.lines.iter().map(|line| &line.of)) {
            return;
        }
        let before = std::mem::take(&mut self.lines);
        let mut before: HashMap<ConnectionId, Line> = before
            .into_iter()
            .map(|line| (line.of.clone(), line))
            .collect();
        let lines = standing().map(|it| before.remove(&it.id).unwrap_or_else(|| Line::new(it)));
        self.lines = lines.collect();
        let places = self.lines.iter().enumerate();
        self.places = places.map(|(at, line)| (line.of.clone(), at)).collect();
    }

    fn line(&self, id: &ConnectionId) -> Option<&Line> {
        self.lines.get(*self.places.get(id)?)
    }

    /// How many samples were taken so far: while it is the same, so is every rate.
    #[must_use]
    pub fn samples_taken(&self) -> u64 {
        self.samples
    }

    /// Whether something is shown that would be wrong if nothing more came.
    #[must_use]
    pub fn is_moving(&self) -> bool {
        self.ingress + self.egress > 0.0
    }

    /// Rates of one connection, oldest first.
    #[must_use]
    pub fn of_connection(&self, id: &ConnectionId) -> Vec<f32> {
        self.line(id)
            .map(|line| line.samples.iter().copied().collect())
            .unwrap_or_default()
    }

    /// The newest rate of the connection at a place of a view.
    #[must_use]
    pub fn now_in(&self, live: &Arc<Live>, at: usize) -> f32 {
        if Arc::ptr_eq(&self.seen, live) {
            return self.newest.get(at).copied().unwrap_or_default();
        }
        let connection = live.connections.get(at);
        let line = connection.and_then(|it| self.line(&it.id));
        line.and_then(|line| line.samples.back().copied())
            .unwrap_or_default()
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

/// Adds a sample, letting the oldest go.
fn push(samples: &mut VecDeque<f32>, value: f32) {
    if samples.len() == SAMPLES {
        samples.pop_front();
    }
    samples.push_back(value);
}

#[cfg(test)]
mod tests {
    use crate::model::{AssociationId, Connection, ConnectionState, Traffic};

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
        rates.of_connection(&ConnectionId::from_random([1; 9]))
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
