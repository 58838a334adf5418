//! Throughput over the last minutes, gathered from the counters of each view.

use std::collections::{BTreeMap, VecDeque};

use crate::model::{ConnectionId, EndpointId, Live};

/// Samples kept of each line: with views a second apart this is the last minute.
pub const SAMPLES: usize = 60;

/// Bits a second of connections and of endpoints, newest last.
#[derive(Debug, Default)]
pub struct Rates {
    connections: BTreeMap<ConnectionId, Line>,
    endpoints: BTreeMap<EndpointId, VecDeque<f32>>,
    ingress: f32,
    egress: f32,
}

/// One connection's counters at the last look, and its rates.
#[derive(Debug, Default)]
struct Line {
    counted_ms: i64,
    ingress: u64,
    egress: u64,
    samples: VecDeque<f32>,
}

impl Rates {
    /// Takes the counters of a view in; a connection counted no later than before adds nothing.
    pub fn take_in(&mut self, live: &Live) {
        let mut moved = false;
        let (mut ingress, mut egress) = (0.0, 0.0);
        let mut sums: BTreeMap<EndpointId, f32> = BTreeMap::new();
        for connection in &live.connections {
            if connection.ended_at.is_some() {
                continue;
            }
            let line = self.connections.entry(connection.id.clone()).or_default();
            let counted_ms = connection.counted_at.as_millisecond();
            let known = line.counted_ms != 0;
            let secs = (counted_ms - line.counted_ms) as f32 / 1000.0;
            if known && secs <= 0.0 {
                continue;
            }
            let traffic = &connection.traffic;
            let bits = |now: u64, before: u64| now.saturating_sub(before) as f32 * 8.0 / secs;
            if known {
                moved = true;
                let (up, down) = (
                    bits(traffic.ingress_bytes, line.ingress),
                    bits(traffic.egress_bytes, line.egress),
                );
                ingress += up;
                egress += down;
                push(&mut line.samples, up + down);
                *sums.entry(connection.endpoint_id.clone()).or_default() += up + down;
            }
            line.counted_ms = counted_ms;
            line.ingress = traffic.ingress_bytes;
            line.egress = traffic.egress_bytes;
        }
        self.forget_ended(live);
        if moved {
            self.ingress = ingress;
            self.egress = egress;
            for (endpoint, sum) in sums {
                push(self.endpoints.entry(endpoint).or_default(), sum);
            }
        }
    }

    /// Rates of one connection, oldest first.
    #[must_use]
    pub fn of_connection(&self, id: &ConnectionId) -> Vec<f32> {
        self.connections
            .get(id)
            .map(|line| line.samples.iter().copied().collect())
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

    /// Drops the lines of connections that are no longer live.
    fn forget_ended(&mut self, live: &Live) {
        let is_live = |id: &ConnectionId| {
            live.connections
                .iter()
                .any(|c| c.id == *id && c.ended_at.is_none())
        };
        if self.connections.len()
            > live
                .connections
                .iter()
                .filter(|c| c.ended_at.is_none())
                .count()
        {
            self.connections.retain(|id, _| is_live(id));
        }
        if self.connections.is_empty() {
            self.endpoints.clear();
            (self.ingress, self.egress) = (0.0, 0.0);
        }
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

    fn live(secs: i64, ingress_bytes: u64) -> Live {
        let at = jiff::Timestamp::from_second(1_790_000_000 + secs).unwrap();
        Live {
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
                end_reason: None,
                traffic: Traffic {
                    ingress_bytes,
                    ..Traffic::default()
                },
                counted_at: at,
            }],
            ..Live::default()
        }
    }

    #[test]
    fn a_rate_is_the_growth_of_the_counters_over_their_time() {
        let mut rates = Rates::default();
        rates.take_in(&live(0, 0));
        rates.take_in(&live(2, 1000));
        assert_eq!(
            rates.of_connection(&ConnectionId::from_random([1; 9])),
            [4000.0]
        );
        assert_eq!(rates.totals(), (4000.0, 0.0));
    }

    #[test]
    fn the_same_view_twice_adds_nothing() {
        let mut rates = Rates::default();
        rates.take_in(&live(0, 0));
        rates.take_in(&live(1, 10));
        rates.take_in(&live(1, 10));
        assert_eq!(
            rates
                .of_connection(&ConnectionId::from_random([1; 9]))
                .len(),
            1
        );
    }

    #[test]
    fn an_ended_connection_is_forgotten() {
        let mut rates = Rates::default();
        rates.take_in(&live(0, 0));
        rates.take_in(&live(1, 10));
        rates.take_in(&Live::default());
        assert_eq!(rates.totals(), (0.0, 0.0));
        assert!(
            rates
                .of_connection(&ConnectionId::from_random([1; 9]))
                .is_empty()
        );
    }
}
