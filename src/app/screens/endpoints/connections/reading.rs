//! The connections of an endpoint as they are read: what of them stays from one view to the next
//! is put into words once, and what moves is read where it is shown. To write ten thousand rows
//! anew with each view costs more than a frame has.

use std::{collections::HashMap, sync::Arc};

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    app::{
        context::Context,
        format,
        kit::{self, Sort},
        rates::Rates,
        screens::filter,
    },
    model::{
        AssociationId, Connection, ConnectionId, ConnectionState, Endpoint, EndpointId, Live,
        Snapshot, Subnet, View,
    },
};

/// Which connections are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    /// Those that stand.
    #[default]
    Active,
    /// Those that ended within the last hour.
    Ended,
    /// Clients that were not let in.
    Refused,
    /// Clients that are kept out for a while.
    Blocked,
}

/// What of a connection stays as it is, in words.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) id: ConnectionId,
    pub(super) name: String,
    /// The name as it sorts.
    sorts: String,
    pub(super) ip: String,
    pub(super) device: String,
    pub(super) client: String,
    /// The target network the session is bound to.
    pub(super) network: String,
    of: (std::net::SocketAddr, AssociationId),
}

impl Words {
    fn new(c: &Connection, network: String) -> Self {
        Self {
            id: c.id.clone(),
            name: c.common_name.clone(),
            sorts: c.common_name.to_lowercase(),
            ip: c.client_ip.to_string(),
            device: c.device.to_string(),
            client: client(&c.client_version, &c.platform),
            network,
            of: (c.device, c.association_id.clone()),
        }
    }

    /// Whether they still are those of a connection: a client floats, a session moves to another
    /// target network.
    fn are_of(&self, c: &Connection) -> bool {
        self.of.0 == c.device && self.of.1 == c.association_id
    }
}

/// One connection of a reading.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) words: Arc<Words>,
    /// Its place among all connections.
    at: usize,
    pub(super) ended: bool,
    pub(super) state: ConnectionState,
    /// Bits a second now.
    now: f32,
}

/// Rows by their places, in an order that the next view's is nearly: to sort what is sorted costs
/// little.
struct Order {
    /// What it is of, and by.
    of: (u64, Kind, Sort),
    places: Vec<usize>,
}

/// The connections of an endpoint in one view, kept as long as nothing of them can be another.
#[derive(Default)]
pub(super) struct Reading {
    of: Option<(Arc<Live>, Arc<Snapshot>, u64)>,
    /// Counts the readings.
    pub(super) number: u64,
    rows: Vec<Row>,
    places: HashMap<ConnectionId, usize>,
    /// Another number when other connections are there, or in another order.
    set: u64,
    /// The order in which they were shown last.
    order: Option<Order>,
    /// How many stand.
    pub(super) live: usize,
    /// How many lack something until they reconnect.
    pub(super) lacking: usize,
}

impl Reading {
    /// Reads the connections of an endpoint, of which a tab has but one.
    pub(super) fn take_in(&mut self, cx: &Context<'_>, endpoint: &Endpoint) {
        self.read(cx.view, cx.rates, &endpoint.id);
    }

    fn read(&mut self, view: &View, rates: &Rates, endpoint: &EndpointId) {
        let (live, snapshot) = (&view.live, &view.snapshot);
        let same_snapshot = self
            .of
            .as_ref()
            .is_some_and(|(_, of, _)| Arc::ptr_eq(of, snapshot));
        let sampled = rates.samples_taken();
        let same_live = |(of, _, at): &(Arc<Live>, _, u64)| Arc::ptr_eq(of, live) && *at == sampled;
        if same_snapshot && self.of.as_ref().is_some_and(same_live) {
            return;
        }
        let before = std::mem::take(&mut self.rows);
        let places = std::mem::take(&mut self.places);
        let mut is_same_set = true;
        let mut networks: HashMap<&AssociationId, String> = HashMap::new();
        for (at, c) in live.connections.iter().enumerate() {
            if c.endpoint_id != *endpoint {
                continue;
            }
            // Most are where they were, and need no looking for.
            let here = before.get(self.rows.len());
            let here = here.filter(|row| row.words.id == c.id);
            is_same_set &= here.is_some();
            let known = here.or_else(|| before.get(*places.get(&c.id)?));
            let known = known.filter(|row| same_snapshot && row.words.are_of(c));
            let known = known.map(|row| Arc::clone(&row.words));
            let words = known.unwrap_or_else(|| {
                let network = networks
                    .entry(&c.association_id)
                    .or_insert_with(|| target_network(snapshot, c));
                Arc::new(Words::new(c, network.clone()))
            });
            self.rows.push(Row {
                words,
                at,
                ended: c.ended_at.is_some(),
                state: c.state,
                now: rates.now_in(live, at),
            });
        }
        if is_same_set && self.rows.len() == before.len() {
            self.places = places;
        } else {
            let rows = self.rows.iter().enumerate();
            let places = rows.map(|(place, row)| (row.words.id.clone(), place));
            self.places = places.collect();
            self.set += 1;
        }
        self.live = self.rows.iter().filter(|row| !row.ended).count();
        self.of = Some((Arc::clone(live), Arc::clone(snapshot), sampled));
        let lacks = |row: &&Row| !self.lacks(row).is_empty();
        self.lacking = self.rows.iter().filter(lacks).count();
        self.number += 1;
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn get(&self, id: &ConnectionId) -> Option<&Row> {
        self.rows.get(*self.places.get(id)?)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter()
    }

    /// The connection that a row is of.
    pub(super) fn connection(&self, row: &Row) -> Option<&Connection> {
        let (live, ..) = self.of.as_ref()?;
        live.connections.get(row.at)
    }

    /// What the client lacks, as a sentence; empty if it has all that it should.
    pub(super) fn lacks(&self, row: &Row) -> &str {
        self.connection(row)
            .filter(|c| c.state == ConnectionState::Active)
            .and_then(|c| c.reconnect.as_deref())
            .unwrap_or_default()
    }

    /// Why it ended; empty while it stands.
    pub(super) fn why(&self, row: &Row) -> &str {
        let connection = self.connection(row);
        connection
            .and_then(|c| c.end_reason.as_deref())
            .unwrap_or_default()
    }

    fn passes(&self, row: &Row, filter: &str) -> bool {
        if filter.is_empty() {
            return true;
        }
        let words = &row.words;
        filter::passes(
            filter,
            &[
                ("name", &words.name),
                ("ip", &words.ip),
                ("device", &words.device),
                ("client", &words.client),
                ("network", &words.network),
                ("state", row.state.as_str()),
                ("id", words.id.as_str()),
                ("why", self.why(row)),
                ("lacks", self.lacks(row)),
            ],
        )
    }

    /// The places of the rows that pass, in the order of `sort`; equal ones keep the order that
    /// they had, at first that of the view.
    fn passing(&self, kind: Kind, filter: &str, sort: Sort) -> Vec<usize> {
        let mut places = self.places_before((self.set, kind, sort));
        let ended = kind == Kind::Ended;
        let passes = |row: &Row| row.ended == ended && self.passes(row, filter);
        places.retain(|place| self.rows.get(*place).is_some_and(passes));
        self.sort(&mut places, Meaning::of(kind, sort.column));
        if sort.descending {
            places.reverse();
        }
        places
    }

    /// Every place once: in the ascending order of last time where that is known, and those that
    /// were not shown behind.
    fn places_before(&self, of: (u64, Kind, Sort)) -> Vec<usize> {
        let Some(order) = self.order.as_ref().filter(|order| order.of == of) else {
            return (0..self.rows.len()).collect();
        };
        let mut has = vec![false; self.rows.len()];
        for place in &order.places {
            if let Some(has) = has.get_mut(*place) {
                *has = true;
            }
        }
        let mut places = order.places.clone();
        if of.2.descending {
            places.reverse();
        }
        let others = has.iter().enumerate().filter(|(_, has)| !**has);
        places.extend(others.map(|(place, _)| place));
        places
    }

    /// What is shown after `shown`; while it is held, rows keep their places and new ones wait. The
    /// second value is how many wait.
    pub(super) fn choose(
        &mut self,
        shown: &[Arc<Words>],
        (kind, filter, sort): (Kind, &str, Sort),
        held: bool,
    ) -> (Vec<Arc<Words>>, usize) {
        if !held {
            let places = self.passing(kind, filter, sort);
            let rows = places.iter().filter_map(|place| self.rows.get(*place));
            let words = rows.map(|row| Arc::clone(&row.words)).collect();
            let of = (self.set, kind, sort);
            self.order = Some(Order { of, places });
            return (words, 0);
        }
        let mut has_place = vec![false; self.rows.len()];
        let kept = shown.iter().filter_map(|words| {
            let place = *self.places.get(&words.id)?;
            *has_place.get_mut(place)? = true;
            Some(Arc::clone(&self.rows.get(place)?.words))
        });
        let kept = kept.collect();
        let ended = kind == Kind::Ended;
        let others = self.rows.iter().zip(has_place).filter(|(_, has)| !has);
        let waiting = others
            .filter(|(row, _)| row.ended == ended && self.passes(row, filter))
            .count();
        (kept, waiting)
    }

    fn sort(&self, places: &mut [usize], by: Meaning) {
        let rows = &self.rows;
        match by {
            Meaning::State => places.sort_by_key(|place| rows[*place].state.as_str()),
            Meaning::Name => self.sort_by_words(places, |it| &it.sorts),
            Meaning::Device => self.sort_by_words(places, |it| &it.device),
            Meaning::Client => self.sort_by_words(places, |it| &it.client),
            Meaning::Network => self.sort_by_words(places, |it| &it.network),
            Meaning::Throughput => {
                places.sort_by(|a, b| rows[*a].now.total_cmp(&rows[*b].now));
            }
            Meaning::ClientIp => self.sort_by_number(places, |c| c.client_ip.to_bits().into()),
            // Those that stand are all measured to the same moment.
            Meaning::Duration => self.sort_by_number(places, |c| match c.ended_at {
                Some(at) => at.as_second() - c.established_at.as_second(),
                None => -c.established_at.as_second(),
            }),
            Meaning::Ended => self.sort_by_number(places, |c| {
                c.ended_at.map_or(i64::MIN, Timestamp::as_microsecond)
            }),
            Meaning::Ingress => self.sort_by_number(places, |c| signed(c.traffic.ingress_bytes)),
            Meaning::Egress => self.sort_by_number(places, |c| signed(c.traffic.egress_bytes)),
            Meaning::PacketsIn => {
                self.sort_by_number(places, |c| signed(c.traffic.ingress_packets));
            }
            Meaning::PacketsOut => {
                self.sort_by_number(places, |c| signed(c.traffic.egress_packets));
            }
            Meaning::Why => places.sort_by_key(|place| self.why(&rows[*place])),
        }
    }

    fn sort_by_words(&self, places: &mut [usize], key: fn(&Words) -> &str) {
        let key = |place: usize| key(&self.rows[place].words);
        places.sort_by(|a, b| key(*a).cmp(key(*b)));
    }

    fn sort_by_number(&self, places: &mut [usize], of: fn(&Connection) -> i64) {
        places.sort_by_cached_key(|place| self.connection(&self.rows[*place]).map(of));
    }

    /// The cells of a row as text, for the clipboard and for files, counters as plain numbers.
    pub(super) fn cells(&self, row: &Row, now: Timestamp) -> Vec<String> {
        let traffic = self.connection(row).map(|c| c.traffic);
        let traffic = traffic.unwrap_or_default();
        vec![
            row.words.id.to_string(),
            kit::state_word(row.state.as_str()),
            row.words.name.clone(),
            row.words.ip.clone(),
            row.words.device.clone(),
            row.words.client.clone(),
            row.words.network.clone(),
            self.duration(row, now),
            traffic.ingress_bytes.to_string(),
            traffic.egress_bytes.to_string(),
            traffic.ingress_packets.to_string(),
            traffic.egress_packets.to_string(),
        ]
    }

    /// How long it has lasted, or did.
    pub(super) fn duration(&self, row: &Row, now: Timestamp) -> String {
        let connection = self.connection(row);
        connection
            .map(|c| format::duration(c.established_at, c.ended_at.unwrap_or(now)))
            .unwrap_or_default()
    }

    /// When it ended, in the person's time and in UTC.
    pub(super) fn ended(&self, row: &Row, now: Timestamp, zone: &TimeZone) -> (String, String) {
        let at = self.connection(row).and_then(|c| c.ended_at);
        at.map(|at| (format::moment(at, now, zone), format::utc(at)))
            .unwrap_or_default()
    }
}

/// A counter as a number to sort by.
fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// What a column sorts by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    State,
    Name,
    ClientIp,
    Device,
    Client,
    Network,
    Duration,
    Throughput,
    Ingress,
    Egress,
    PacketsIn,
    PacketsOut,
    Ended,
    Why,
}

impl Meaning {
    const fn of(kind: Kind, column: usize) -> Self {
        match (kind, column) {
            (_, 0) => Self::State,
            (_, 2) => Self::ClientIp,
            (Kind::Ended, 3) => Self::Ended,
            (Kind::Ended, 4) | (Kind::Active, 6) => Self::Duration,
            (Kind::Ended, 5) | (Kind::Active, 8) => Self::Ingress,
            (Kind::Ended, 6) | (Kind::Active, 9) => Self::Egress,
            (Kind::Ended, 7) => Self::Why,
            (Kind::Active, 3) => Self::Device,
            (Kind::Active, 4) => Self::Client,
            (Kind::Active, 5) => Self::Network,
            (Kind::Active, 7) => Self::Throughput,
            (Kind::Active, 10) => Self::PacketsIn,
            (Kind::Active, 11) => Self::PacketsOut,
            _ => Self::Name,
        }
    }
}

/// "staff-a, local-1a": the subnet a session is bound to, and its zone. It is another once the
/// session moved.
fn target_network(snapshot: &Snapshot, connection: &Connection) -> String {
    let association = snapshot.associations.get(&connection.association_id);
    let subnet = association.and_then(|it| snapshot.subnets.get(&it.subnet_id));
    let words = |subnet: &Subnet| format!("{}, {}", subnet.title(), subnet.availability_zone);
    subnet.map_or_else(|| "–".to_owned(), words)
}

/// "2.6.14 Linux": the client as it names itself, platforms by the names people use.
fn client(version: &str, platform: &str) -> String {
    let platform = match platform {
        "linux" => "Linux",
        "win" => "Windows",
        "mac" => "macOS",
        "ios" => "iOS",
        "android" => "Android",
        "freebsd" => "FreeBSD",
        other => other,
    };
    match (version, platform) {
        ("", "") => "–".to_owned(),
        ("", platform) => platform.to_owned(),
        (version, "") => version.to_owned(),
        (version, platform) => format!("{version} {platform}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testing::{now, sample};

    fn office() -> Reading {
        let (snapshot, live) = sample::office();
        let view = View {
            snapshot: snapshot.into(),
            live: live.into(),
        };
        let mut reading = Reading::default();
        reading.read(&view, &Rates::default(), &sample::endpoint_id(1));
        reading
    }

    fn shown(reading: &Reading, kind: Kind, column: usize, descending: bool) -> Vec<&Row> {
        let places = reading.passing(kind, "", Sort { column, descending });
        places.iter().map(|place| &reading.rows[*place]).collect()
    }

    #[test]
    fn a_row_reads_as_people_say_it() {
        let reading = office();
        let row = |number| reading.get(&sample::connection_id(number)).unwrap();
        assert_eq!(row(1).words.client, "2.6.12 Windows");
        assert_eq!(client("", ""), "–");
        assert_eq!(reading.duration(row(0), now()), "6 m");
        assert_eq!(row(0).words.network, "staff-a, local-1a");
        assert!(row(18).ended);
        let (local, _) = reading.ended(row(18), now(), &TimeZone::UTC);
        assert_eq!(local, "09:29:02");
        assert_eq!((reading.len(), reading.live), (20, 18));
    }

    #[test]
    fn durations_and_addresses_sort_by_what_they_are() {
        let reading = office();
        let since = |row: &Row| reading.connection(row).unwrap().established_at;
        let rows = shown(&reading, Kind::Active, 6, true);
        assert!(
            rows.is_sorted_by(|a, b| since(a) <= since(b)),
            "longest first"
        );
        let ip = |row: &Row| reading.connection(row).unwrap().client_ip;
        let rows = shown(&reading, Kind::Active, 2, false);
        assert!(rows.is_sorted_by(|a, b| ip(a) <= ip(b)));
        let rows = shown(&reading, Kind::Ended, 7, false);
        assert_eq!(reading.why(rows[0]), "Terminated by an administrator");
    }

    #[test]
    fn words_are_made_once_and_again_only_when_they_changed() {
        let (snapshot, live) = sample::office();
        let snapshot = Arc::new(snapshot);
        let mut reading = Reading::default();
        let mut read = |live: &Live| {
            let view = View {
                snapshot: Arc::clone(&snapshot),
                live: Arc::new(live.clone()),
            };
            reading.read(&view, &Rates::default(), &sample::endpoint_id(1));
            let words = |number| {
                let row = reading.get(&sample::connection_id(number)).unwrap();
                Arc::clone(&row.words)
            };
            (words(0), words(1))
        };
        let before = read(&live);
        let mut moved = live;
        for c in &mut moved.connections {
            c.traffic.ingress_bytes += 1_000;
        }
        let floated = sample::connection_id(1);
        let client = moved.connections.iter_mut().find(|c| c.id == floated);
        client.unwrap().device = "192.0.2.99:7".parse().unwrap();
        let after = read(&moved);
        assert!(Arc::ptr_eq(&before.0, &after.0));
        assert_eq!(after.1.device, "192.0.2.99:7");
    }

    #[test]
    fn rows_under_the_pointer_keep_their_places_and_new_ones_wait() {
        let mut reading = office();
        let by = (
            Kind::Active,
            "",
            Sort {
                column: 1,
                descending: false,
            },
        );
        let (all, none) = reading.choose(&[], by, false);
        assert_eq!((all.len(), none), (18, 0));
        let few: Vec<_> = all.iter().rev().take(3).cloned().collect();
        let (kept, waiting) = reading.choose(&few, by, true);
        assert_eq!((kept.len(), waiting), (3, 15));
        assert_eq!(kept[0].id, few[0].id, "though it would be last");
    }
}
