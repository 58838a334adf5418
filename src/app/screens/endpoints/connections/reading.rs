//! The connections of an endpoint as they are read: what of them stays from one view to the next
//! is put into words once, and what moves is read where it is shown. To write ten thousand rows
//! anew with each view costs more than a frame has.

use std::{cell::OnceCell, cmp::Ordering, collections::HashMap, sync::Arc};

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    app::{
        context::Context,
        format,
        kit::{self, Sort},
        places::places_before,
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
        }
    }
}

/// Whether the words of a connection still are its own: a client floats, a session moves to another
/// target network.
fn reads_alike(before: &Connection, now: &Connection) -> bool {
    before.device == now.device && before.association_id == now.association_id
}

/// One connection of a reading.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) words: Arc<Words>,
    /// Its place among all connections of the view.
    pub(super) at: usize,
    pub(super) ended: bool,
    pub(super) state: ConnectionState,
    /// Bits a second now.
    now: f32,
}

/// Rows by their places, in an ascending order that the next view's is nearly.
#[derive(Default)]
struct Order {
    /// What it is of, and by.
    of: Option<(Kind, Sort)>,
    places: Vec<usize>,
}

/// The connections of an endpoint in one view, kept as long as nothing of them can be another.
#[derive(Default)]
pub(super) struct Reading {
    of: Option<(Arc<Live>, Arc<Snapshot>, u64)>,
    /// Counts the readings.
    pub(super) number: u64,
    rows: Vec<Row>,
    /// The place of each, once somebody asks for one.
    places: OnceCell<HashMap<ConnectionId, usize>>,
    order: Order,
    /// The places of the rows that are shown, in their order.
    shown: Vec<usize>,
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
        let sampled = rates.samples_taken();
        let (live_before, same_snapshot) = match &self.of {
            Some((of, in_it, at)) => {
                let same_snapshot = Arc::ptr_eq(in_it, snapshot);
                if same_snapshot && Arc::ptr_eq(of, live) && *at == sampled {
                    return;
                }
                (Arc::clone(of), same_snapshot)
            }
            None => Default::default(),
        };
        let mut row_at = vec![None; live_before.connections.len()];
        for (row, it) in self.rows.iter().enumerate() {
            row_at[it.at] = Some(row);
        }
        let rows = std::mem::take(&mut self.rows).into_iter();
        let mut words_before: Vec<_> = rows.map(|row| Some(row.words)).collect();
        let mut moves = Moves::of(words_before.len());
        let mut networks: HashMap<&AssociationId, String> = HashMap::new();
        let places = places_before(&live_before.connections, &live.connections);
        for (at, (c, place)) in live.connections.iter().zip(places).enumerate() {
            if c.endpoint_id != *endpoint {
                continue;
            }
            let row = place.and_then(|place| row_at[place]);
            let then = place.map(|place| &live_before.connections[place]);
            let is_alike = same_snapshot && then.is_some_and(|then| reads_alike(then, c));
            let words = row.and_then(|row| words_before[row].take());
            moves.push(row, is_alike);
            let words = words.filter(|_| is_alike).unwrap_or_else(|| {
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
                now: rates.now_at(at),
            });
        }
        self.places = OnceCell::new();
        self.order.places = moves.of_alike(&self.order.places);
        self.shown = moves.of_all(&self.shown);
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
        let places = self.places.get_or_init(|| {
            let rows = self.rows.iter().enumerate();
            rows.map(|(place, row)| (row.words.id.clone(), place))
                .collect()
        });
        self.rows.get(*places.get(id)?)
    }

    /// How many rows are shown.
    pub(super) fn shown_len(&self) -> usize {
        self.shown.len()
    }

    /// The row that is shown in a line of the table.
    pub(super) fn line(&self, line: usize) -> Option<&Row> {
        self.rows.get(*self.shown.get(line)?)
    }

    /// The rows that are shown, in their order.
    pub(super) fn lines(&self) -> impl Iterator<Item = &Row> {
        self.shown.iter().filter_map(|place| self.rows.get(*place))
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

    /// The places of the rows that pass, in the ascending order of a column; equal ones keep the
    /// order that they had, at first that of the view.
    fn passing(&self, kind: Kind, filter: &str, sort: Sort) -> Vec<usize> {
        let ended = kind == Kind::Ended;
        let passes = |row: &Row| row.ended == ended && self.passes(row, filter);
        let passes = |place: &usize| self.rows.get(*place).is_some_and(passes);
        let by = Meaning::of(kind, sort.column);
        let mut places = match self.order.of == Some((kind, sort)) {
            true => self.order.places.clone(),
            false => Vec::new(),
        };
        let mut others = self.beside(&places);
        places.retain(passes);
        others.retain(passes);
        if by.stays() && others.len() <= FEW {
            for place in others {
                let behind = |it: &usize| self.compare(*it, place, by) != Ordering::Greater;
                places.insert(places.partition_point(behind), place);
            }
        } else {
            places.extend(others);
            self.sort(&mut places, by);
        }
        places
    }

    /// The places of all rows that are not among these.
    fn beside(&self, places: &[usize]) -> Vec<usize> {
        let mut has = vec![false; self.rows.len()];
        for place in places {
            has[*place] = true;
        }
        let others = has.into_iter().enumerate().filter(|(_, has)| !has);
        others.map(|(place, _)| place).collect()
    }

    /// Chooses what is shown; while it is held, rows keep their lines and new ones wait. The value
    /// is how many wait.
    pub(super) fn choose(&mut self, (kind, filter, sort): (Kind, &str, Sort), held: bool) -> usize {
        if held {
            let ended = kind == Kind::Ended;
            let others = self.beside(&self.shown);
            let others = others.iter().filter_map(|place| self.rows.get(*place));
            return others
                .filter(|row| row.ended == ended && self.passes(row, filter))
                .count();
        }
        self.order = Order {
            places: self.passing(kind, filter, sort),
            of: Some((kind, sort)),
        };
        self.shown.clone_from(&self.order.places);
        if sort.descending {
            self.shown.reverse();
        }
        0
    }

    fn sort(&self, places: &mut [usize], by: Meaning) {
        match by.number() {
            Some(number) => places.sort_by_cached_key(|place| self.number(*place, number)),
            None => places.sort_by(|a, b| self.compare(*a, *b, by)),
        }
    }

    fn compare(&self, a: usize, b: usize, by: Meaning) -> Ordering {
        let (row, other) = (&self.rows[a], &self.rows[b]);
        let words = |of: fn(&Words) -> &str| of(&row.words).cmp(of(&other.words));
        match by {
            Meaning::State => row.state.as_str().cmp(other.state.as_str()),
            Meaning::Name => words(|it| &it.sorts),
            Meaning::Device => words(|it| &it.device),
            Meaning::Client => words(|it| &it.client),
            Meaning::Network => words(|it| &it.network),
            Meaning::Throughput => row.now.total_cmp(&other.now),
            Meaning::Why => self.why(row).cmp(self.why(other)),
            by => {
                let number = |place| self.number(place, by.number()?);
                number(a).cmp(&number(b))
            }
        }
    }

    fn number(&self, place: usize, of: fn(&Connection) -> i64) -> Option<i64> {
        self.connection(&self.rows[place]).map(of)
    }

    /// The cells of a row as text, for the clipboard and for files, counters as plain numbers.
    pub(super) fn cells(&self, row: &Row, now: Timestamp) -> Vec<String> {
        let traffic = self.connection(row).map(|c| c.traffic);
        let traffic = traffic.unwrap_or_default();
        let ended = self.connection(row).and_then(|c| c.ended_at);
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
            ended.map(format::utc).unwrap_or_default(),
            self.why(row).to_owned(),
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

/// So many rows are put into an order one by one; of more, all are sorted.
const FEW: usize = 64;

/// Where rows went from one reading to the next.
struct Moves {
    /// Of each row before, where it is now.
    to: Vec<Option<usize>>,
    /// Of each row now, whether it reads as before.
    alike: Vec<bool>,
}

impl Moves {
    fn of(rows_before: usize) -> Self {
        Self {
            to: vec![None; rows_before],
            alike: Vec::with_capacity(rows_before),
        }
    }

    /// The next row, and which it was before.
    fn push(&mut self, before: Option<usize>, is_alike: bool) {
        if let Some(before) = before {
            self.to[before] = Some(self.alike.len());
        }
        self.alike.push(is_alike);
    }

    /// Where the rows at these places are now, without those that are no more.
    fn of_all(&self, places: &[usize]) -> Vec<usize> {
        let to = places.iter().filter_map(|place| self.to[*place]);
        to.collect()
    }

    /// The same, without those that read differently.
    fn of_alike(&self, places: &[usize]) -> Vec<usize> {
        let mut now = self.of_all(places);
        now.retain(|place| self.alike[*place]);
        now
    }
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
    /// Whether a connection has the same for as long as its words stay and it is on its list.
    const fn stays(self) -> bool {
        match self {
            Self::Name
            | Self::ClientIp
            | Self::Device
            | Self::Client
            | Self::Network
            | Self::Duration
            | Self::Ended => true,
            Self::State
            | Self::Throughput
            | Self::Ingress
            | Self::Egress
            | Self::PacketsIn
            | Self::PacketsOut
            | Self::Why => false,
        }
    }

    /// What it sorts by where that is a number of the connection's.
    fn number(self) -> Option<fn(&Connection) -> i64> {
        Some(match self {
            Self::ClientIp => |c| c.client_ip.to_bits().into(),
            // Those that stand are all measured to the same moment.
            Self::Duration => |c| match c.ended_at {
                Some(at) => at.as_second() - c.established_at.as_second(),
                None => -c.established_at.as_second(),
            },
            Self::Ended => |c| c.ended_at.map_or(i64::MIN, Timestamp::as_microsecond),
            Self::Ingress => |c| signed(c.traffic.ingress_bytes),
            Self::Egress => |c| signed(c.traffic.egress_bytes),
            Self::PacketsIn => |c| signed(c.traffic.ingress_packets),
            Self::PacketsOut => |c| signed(c.traffic.egress_packets),
            Self::State
            | Self::Name
            | Self::Device
            | Self::Client
            | Self::Network
            | Self::Throughput
            | Self::Why => return None,
        })
    }

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

    fn shown(reading: &mut Reading, kind: Kind, column: usize, descending: bool) -> Vec<Row> {
        reading.choose((kind, "", Sort { column, descending }), false);
        reading.lines().cloned().collect()
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
        let mut reading = office();
        let (_, live) = sample::office();
        let of = |row: &Row| &live.connections[row.at];
        let rows = shown(&mut reading, Kind::Active, 6, true);
        let since = |row| of(row).established_at;
        assert!(
            rows.is_sorted_by(|a, b| since(a) <= since(b)),
            "longest first"
        );
        let rows = shown(&mut reading, Kind::Active, 2, false);
        assert!(rows.is_sorted_by(|a, b| of(a).client_ip <= of(b).client_ip));
        let rows = shown(&mut reading, Kind::Ended, 7, false);
        assert_eq!(reading.why(&rows[0]), "Terminated by an administrator");
    }

    #[test]
    fn an_order_is_kept_as_connections_come_go_end_float_and_move() {
        let (snapshot, live) = sample::office();
        let snapshot = Arc::new(snapshot);
        let (mut reading, rates) = (Reading::default(), Rates::default());
        let mut now = live.clone();
        for round in 0..60_usize {
            // Four of the twenty are away at any time, each in its turn, and one has another device.
            let is_here = |number: usize| !(number + round).is_multiple_of(5);
            now.connections.clear();
            for (number, it) in live.connections.iter().enumerate() {
                let mut it = it.clone();
                it.traffic.ingress_bytes += (number * round * 7_919) as u64 % 9_973;
                if number == round % 20 {
                    it.device = ([198, 51, 100, (round * 37) as u8], 9).into();
                }
                if number == (round + 3) % 20 && round % 2 == 0 {
                    it.ended_at = Some(it.established_at);
                }
                if is_here(number) {
                    now.connections.push(it);
                }
            }
            let view = View {
                snapshot: Arc::clone(&snapshot),
                live: Arc::new(now.clone()),
            };
            reading.read(&view, &rates, &sample::endpoint_id(1));
            let mut fresh = Reading::default();
            fresh.read(&view, &rates, &sample::endpoint_id(1));
            // Each for ten rounds, so that it rests on the order before.
            let column = [1, 3, 8, 2, 6, 0][round / 10];
            let by = Meaning::of(Kind::Active, column);
            let descending = column == 3;
            let rows = shown(&mut reading, Kind::Active, column, descending);
            let again = shown(&mut fresh, Kind::Active, column, descending);
            for (row, same) in rows.iter().zip(&again) {
                let places = [row, same].map(|it| {
                    let place = reading
                        .rows
                        .iter()
                        .position(|of| of.words.id == it.words.id);
                    place.unwrap()
                });
                // Only what is equal may stand in another order.
                let order = reading.compare(places[0], places[1], by);
                assert_eq!(order, Ordering::Equal, "round {round}");
                assert_eq!(reading.get(&row.words.id).unwrap().at, row.at);
            }
            let mut ids: Vec<_> = rows.iter().map(|row| row.words.id.clone()).collect();
            let mut others: Vec<_> = again.iter().map(|row| row.words.id.clone()).collect();
            ids.sort();
            others.sort();
            assert_eq!(ids, others, "round {round}");
        }
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
        assert_eq!((reading.choose(by, false), reading.shown_len()), (0, 18));
        let last = reading.line(17).unwrap().words.name.clone();
        let few: Vec<_> = reading.shown.iter().rev().take(3).copied().collect();
        reading.shown = few;
        assert_eq!((reading.choose(by, true), reading.shown_len()), (15, 3));
        let first = reading.line(0).unwrap();
        assert_eq!(first.words.name, last, "though it would be last");
    }
}
