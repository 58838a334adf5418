//! Log groups, their streams, and what endpoints log there.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::sync::watch;

use super::{
    Service, aside,
    change::Change,
    fields::{invalid, listed, random},
};
use crate::{
    clock,
    model::{
        Answer, Code, Connection, ConnectionLog, Endpoint, EndpointId, LogEvent, LogEventPage,
        LogGroup, Refusal, Snapshot,
        command::{
            Command, DescribeLogGroups, DescribeLogStreams, FilterLogEvents, GetLogEvents,
            LogGroupName, LogStreamName, PutRetentionPolicy,
        },
        log::{ConnectionRecord, EndReason, stream_name},
    },
    store::{LogPlace, LogQuery, Store, StoreError, Tx},
    telemetry::{Pattern, record},
    tunnel::Report,
};

// Changes.

impl Change<'_, '_> {
    pub(super) fn create_log_group(&mut self, command: &LogGroupName) -> Result<Answer, Refusal> {
        let name = group_name(&command.log_group_name)?;
        self.concerns(&name);
        let groups = &self.snapshot.log_groups;
        if groups.contains_key(name) {
            return Err(Refusal::new(
                Code::ResourceAlreadyExists,
                format!("The log group {name} exists already; take it, or choose another name"),
            )
            .at(GROUP));
        }
        if groups.len() >= MAX_GROUPS {
            return Err(Refusal::new(
                Code::LogLimitExceeded,
                format!(
                    "There are {MAX_GROUPS} log groups, as many as there may be; delete one first"
                ),
            )
            .at(GROUP));
        }
        self.tx.insert_log_group(name)?;
        Ok(Answer::Done)
    }

    pub(super) fn delete_log_group(&mut self, command: &LogGroupName) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let group = group(&snapshot, &command.log_group_name)?;
        self.concerns(&group.name);
        refuse_in_use(&snapshot, GROUP, |log| log.group == group.name)?;
        self.tx.delete_log_group(&group.name)?;
        Ok(Answer::Done)
    }

    pub(super) fn put_retention_policy(
        &mut self,
        command: &PutRetentionPolicy,
    ) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let group = group(&snapshot, &command.log_group_name)?;
        self.concerns(&group.name);
        let days = command.retention_in_days;
        if let Some(days) = days
            && !RETENTION_DAYS.contains(&days)
        {
            let near = RETENTION_DAYS.iter().find(|it| **it >= days);
            return Err(wrong(
                RETENTION,
                format!(
                    "Events can be kept for {} days, or for good",
                    listed(RETENTION_DAYS)
                ),
            )
            .cure(near.unwrap_or(&MOST_DAYS).to_string()));
        }
        if days != group.retention_days {
            self.tx.set_log_retention(&group.name, days)?;
        }
        Ok(Answer::Done)
    }

    pub(super) fn create_log_stream(&mut self, command: &LogStreamName) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let group = group(&snapshot, &command.log_group_name)?;
        let name = new_stream_name(&command.log_stream_name)?;
        self.concerns(&group.name);
        self.concerns(&name);
        if self.tx.has_log_stream(&group.name, name)? {
            return Err(Refusal::new(
                Code::ResourceAlreadyExists,
                format!(
                    "The log group {} has a stream {name} already; take it, or choose another name",
                    group.name
                ),
            )
            .at(STREAM));
        }
        self.refuse_full(&group.name)?;
        self.tx.insert_log_stream(&group.name, name)?;
        Ok(Answer::Done)
    }

    pub(super) fn delete_log_stream(&mut self, command: &LogStreamName) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let group = group(&snapshot, &command.log_group_name)?;
        let name = command.log_stream_name.as_str();
        require_stream(self.tx, &group.name, name)?;
        self.concerns(&group.name);
        self.concerns(&name);
        refuse_in_use(&snapshot, STREAM, |log| {
            log.group == group.name && log.stream == name
        })?;
        self.tx.delete_log_stream(&group.name, name)?;
        Ok(Answer::Done)
    }

    /// Where the connections of an endpoint are to be logged, by what a command says of it: the
    /// group has to be there, and a stream that is not named is made. `present` is where they are
    /// logged now.
    pub(super) fn connection_log(
        &mut self,
        endpoint: &EndpointId,
        enabled: bool,
        group: Option<&str>,
        stream: Option<&str>,
        present: Option<&ConnectionLog>,
    ) -> Result<Option<ConnectionLog>, Refusal> {
        if !enabled {
            return Ok(None);
        }
        let group = match group {
            // What is named and empty is none, also where there was one.
            Some(_) => given(group),
            None => present.map(|log| log.group.as_str()),
        };
        let stream = given(stream);
        let groups = &self.snapshot.log_groups;
        let first = groups.keys().next().map(String::as_str);
        let Some(group) = group else {
            let example = first.unwrap_or(EXAMPLE_GROUP);
            return Err(Refusal::missing(LOG_GROUP, example).cure(example));
        };
        if !groups.contains_key(group) {
            let hint = match first {
                Some(_) => format!("there are {}", listed(groups.keys().take(5))),
                None => "there is none yet".to_owned(),
            };
            let refusal = invalid(
                LOG_GROUP,
                format!("The log group {group} does not exist; create it first ({hint})"),
            );
            return Err(match first {
                Some(first) => refusal.cure(first),
                None => refusal,
            });
        }
        if let Some(stream) = stream {
            if !self.tx.has_log_stream(group, stream)? {
                return Err(invalid(
                    LOG_STREAM,
                    format!(
                        "The log group {group} has no stream {stream}; create it first, or leave it out and one is made"
                    ),
                ));
            }
            return Ok(Some(ConnectionLog {
                group: group.to_owned(),
                stream: stream.to_owned(),
            }));
        }
        if let Some(present) = present.filter(|log| log.group == group) {
            return Ok(Some(present.clone()));
        }
        self.refuse_full(group)
            .map_err(|refusal| refusal.at(LOG_GROUP))?;
        let chance = data_encoding::BASE32_NOPAD.encode(&random::<8>()?);
        let region = &self.snapshot.settings.region;
        let name = stream_name(endpoint, region, self.now, &chance[..12]);
        self.tx.insert_log_stream(group, &name)?;
        self.concerns(&name);
        Ok(Some(ConnectionLog {
            group: group.to_owned(),
            stream: name,
        }))
    }

    fn refuse_full(&self, group: &str) -> Result<(), Refusal> {
        if self.tx.count_log_streams(group)? < MAX_STREAMS {
            return Ok(());
        }
        Err(Refusal::new(
            Code::LogLimitExceeded,
            format!(
                "The log group {group} has {MAX_STREAMS} streams, as many as there may be; delete one first, or take another group"
            ),
        )
        .at(GROUP))
    }
}

// Reads.

impl Service {
    /// Answers a command that reads logs; none if it is not one.
    pub(super) async fn read_logs(&self, command: &Command) -> Option<Result<Answer, Refusal>> {
        let store = &self.inner.store;
        let now = clock::now();
        Some(match command.clone() {
            Command::DescribeLogGroups(wanted) => {
                store.transact(now, move |tx| groups(tx, &wanted)).await
            }
            Command::DescribeLogStreams(wanted) => {
                store.transact(now, move |tx| streams(tx, &wanted)).await
            }
            Command::GetLogEvents(wanted) => {
                store.transact(now, move |tx| get_events(tx, &wanted)).await
            }
            Command::FilterLogEvents(wanted) => filter_events(store, wanted).await,
            _ => return None,
        })
    }
}

fn groups(tx: &Tx<'_>, wanted: &DescribeLogGroups) -> Result<Answer, Refusal> {
    let prefix = wanted.log_group_name_prefix.as_deref().unwrap_or_default();
    let mut groups = tx.log_groups()?;
    groups.retain(|group| group.name.starts_with(prefix));
    Ok(Answer::LogGroups(groups))
}

fn streams(tx: &Tx<'_>, wanted: &DescribeLogStreams) -> Result<Answer, Refusal> {
    let snapshot = tx.snapshot();
    let group = group(&snapshot, &wanted.log_group_name)?;
    let prefix = wanted.log_stream_name_prefix.as_deref().unwrap_or_default();
    let mut streams = tx.log_streams(&group.name)?;
    streams.retain(|stream| stream.name.starts_with(prefix));
    Ok(Answer::LogStreams(streams))
}

/// One page of a stream. As CloudWatch has it, both tokens are always there, and at the end comes
/// back the one that was given.
fn get_events(tx: &Tx<'_>, wanted: &GetLogEvents) -> Result<Answer, Refusal> {
    let snapshot = tx.snapshot();
    let group = group(&snapshot, &wanted.log_group_name)?;
    require_stream(tx, &group.name, &wanted.log_stream_name)?;
    let token = wanted.next_token.as_deref().map(token).transpose()?;
    let newest_first = match token {
        Some(Token::Forward(_)) => false,
        Some(Token::Backward(_)) => true,
        None => !wanted.start_from_head,
    };
    let query = LogQuery {
        group: group.name.clone(),
        streams: vec![wanted.log_stream_name.clone()],
        from: time(START, wanted.start_time)?,
        until: time(END, wanted.end_time)?,
        newest_first,
        limit: limit(wanted.limit)?,
        bytes: PAGE_BYTES,
        ..LogQuery::default()
    };
    let mut events = tx.log_events(&token.map_or(query.clone(), |it| it.applied_to(query)))?;
    if newest_first {
        events.reverse();
    }
    let place = match token {
        Some(Token::Forward(place)) => place,
        // What is ahead of the place, and so ends with the event before it.
        Some(Token::Backward(place)) => before(place),
        None => START_OF_ALL,
    };
    let first = events.first().map_or(after(place), LogPlace::of);
    let last = events.last().map_or(place, LogPlace::of);
    let (mut forward, mut backward) = (Token::Forward(last), Token::Backward(first));
    if events.is_empty() {
        match token {
            Some(it @ Token::Forward(_)) => forward = it,
            Some(it @ Token::Backward(_)) => backward = it,
            None => {}
        }
    }
    Ok(Answer::LogEvents(LogEventPage {
        events,
        next_forward_token: Some(forward.text()),
        next_backward_token: Some(backward.text()),
        resume_token: None,
    }))
}

/// The streams that are named, each once.
fn named_streams(mut named: Vec<String>) -> Result<Vec<String>, Refusal> {
    named.sort_unstable();
    named.dedup();
    if named.len() > MAX_NAMED_STREAMS {
        return Err(wrong(
            STREAMS,
            format!(
                "{} log streams are named, and at most {MAX_NAMED_STREAMS} are searched by name; name none to search the whole group",
                named.len()
            ),
        ));
    }
    Ok(named)
}

/// Looks through a group in slices: the store goes on with other work between them, and what is
/// looked through on behalf of one call is bounded, so that a page may be short or empty and the
/// next one goes on.
async fn filter_events(store: &Store, wanted: FilterLogEvents) -> Result<Answer, Refusal> {
    let pattern = wanted.filter_pattern.as_deref().unwrap_or_default();
    let pattern = Arc::new(
        Pattern::parse(pattern)
            .map_err(|error| wrong(PATTERN, format!("The pattern cannot be read {error}")))?,
    );
    let limit = limit(wanted.limit)?;
    let streams = named_streams(wanted.log_stream_names)?;
    let newest_first = wanted.newest_first;
    let token = wanted.next_token.as_deref().map(token).transpose()?;
    if matches!(token, Some(Token::Forward(_))) && newest_first
        || matches!(token, Some(Token::Backward(_))) && !newest_first
    {
        return Err(bad_token());
    }
    let query = LogQuery {
        group: wanted.log_group_name.clone(),
        streams,
        from: time(START, wanted.start_time)?,
        until: time(END, wanted.end_time)?,
        newest_first,
        limit: SLICE,
        bytes: SLICE_BYTES,
        ..LogQuery::default()
    };
    let mut query = token.map_or(query.clone(), |it| it.applied_to(query));
    let mut page = Vec::new();
    let (mut scanned, mut bytes) = (0, 0);
    // The newest and the last event that was looked at.
    let mut newest = query.after.unwrap_or(START_OF_ALL);
    let mut is_end = false;
    while page.len() < limit && bytes < PAGE_BYTES && scanned < SCANNED_AT_ONCE && !is_end {
        let slice = events_of(store, query.clone()).await?;
        let Some(last) = slice.last().map(LogPlace::of) else {
            is_end = true;
            break;
        };
        newest = newest.max(last).max(LogPlace::of(&slice[0]));
        scanned += slice.len();
        let (found, reached) =
            select(slice, &pattern, limit - page.len(), PAGE_BYTES - bytes).await?;
        bytes += found.iter().map(|event| event.message.len()).sum::<usize>();
        page.extend(found);
        let reached = reached.unwrap_or(last);
        query = going_on(reached, newest_first).applied_to(query);
    }
    // A page that is full may have been the last one all the same.
    if !is_end {
        let mut one = query.clone();
        one.limit = 1;
        is_end = events_of(store, one).await?.is_empty();
    }
    let next = |place: Option<LogPlace>, token: fn(LogPlace) -> Token| {
        place.filter(|_| !is_end).map(|place| token(place).text())
    };
    let resume = if newest_first {
        newest
    } else {
        query.after.unwrap_or(START_OF_ALL)
    };
    Ok(Answer::LogEvents(LogEventPage {
        events: page,
        next_forward_token: next(query.after.filter(|_| !newest_first), Token::Forward),
        next_backward_token: next(query.before.filter(|_| newest_first), Token::Backward),
        resume_token: Some(Token::Forward(resume).text()),
    }))
}

async fn events_of(store: &Store, query: LogQuery) -> Result<Vec<LogEvent>, Refusal> {
    store
        .transact(clock::now(), move |tx| {
            let snapshot = tx.snapshot();
            let group = group(&snapshot, &query.group)?;
            for stream in &query.streams {
                require_stream(tx, &group.name, stream)?;
            }
            Ok(tx.log_events(&query)?)
        })
        .await
}

/// Those that match, up to `limit` and about `bytes`; and the last one that was looked at where that
/// is not the last of all.
async fn select(
    slice: Vec<LogEvent>,
    pattern: &Arc<Pattern>,
    limit: usize,
    bytes: usize,
) -> Result<(Vec<LogEvent>, Option<LogPlace>), Refusal> {
    let pattern = Arc::clone(pattern);
    aside(move || {
        let (mut found, mut size) = (Vec::new(), 0);
        for event in slice {
            if !pattern.matches(&event.message) {
                continue;
            }
            let place = LogPlace::of(&event);
            size += event.message.len();
            found.push(event);
            if found.len() == limit || size >= bytes {
                return Ok((found, Some(place)));
            }
        }
        Ok((found, None))
    })
    .await
}

// What is logged.

/// Writes down what the gateway reports of a connection or attempt, where its endpoint logs.
pub(super) fn keep(tx: &mut Tx<'_>, report: &Report) -> Result<(), StoreError> {
    let snapshot = tx.snapshot();
    let id = match report {
        Report::Reconciled { .. } => return Ok(()),
        Report::Opened(connection)
        | Report::Closed { connection, .. }
        | Report::RekeyFailed { connection, .. } => &connection.endpoint_id,
        Report::Refused(attempt) => &attempt.endpoint_id,
    };
    let Some(endpoint) = snapshot.endpoints.get(id) else {
        return Ok(());
    };
    let now = tx.now();
    let transport = endpoint.transport;
    let event = match report {
        Report::Reconciled { .. } => return Ok(()),
        Report::Opened(connection) => record::admitted(connection, transport, now),
        Report::Refused(attempt) => record::failed(attempt, transport, now),
        Report::Closed { connection, reason } => record::ended(connection, *reason, transport, now),
        Report::RekeyFailed { connection, reason } => {
            record::rekey_failed(connection, reason, transport, now)
        }
    };
    append(tx, endpoint, &event)
}

/// Writes down that a connection went with a gateway that did not say so.
pub(super) fn keep_given_up(tx: &mut Tx<'_>, connection: &Connection) -> Result<(), StoreError> {
    let snapshot = tx.snapshot();
    let Some(endpoint) = snapshot.endpoints.get(&connection.endpoint_id) else {
        return Ok(());
    };
    let transport = endpoint.transport;
    let event = record::ended(connection, EndReason::GatewayStopped, transport, tx.now());
    append(tx, endpoint, &event)
}

fn append(
    tx: &mut Tx<'_>,
    endpoint: &Endpoint,
    event: &ConnectionRecord,
) -> Result<(), StoreError> {
    let Some(log) = &endpoint.connection_log else {
        return Ok(());
    };
    let text = match serde_json::to_string(event) {
        Ok(text) => text,
        Err(error) => {
            tracing::error!(%error, "a record of the connection log has no JSON form");
            return Ok(());
        }
    };
    if !tx.append_log_event(log, &text)? {
        tracing::warn!(
            group = log.group,
            stream = log.stream,
            "the stream of an endpoint's connection log is gone"
        );
    }
    Ok(())
}

/// Drops events whose time is over, and the oldest of groups that have grown too large: `every` so
/// often, and at once when a group changes.
pub(super) async fn prune(
    store: Store,
    mut snapshots: watch::Receiver<Arc<Snapshot>>,
    every: Duration,
) {
    let mut groups = snapshots.borrow_and_update().log_groups.clone();
    let mut due = tokio::time::interval(every);
    due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            changed = snapshots.changed() => {
                if changed.is_err() {
                    return;
                }
                let now = snapshots.borrow_and_update().log_groups.clone();
                if std::mem::replace(&mut groups, now) == groups {
                    continue;
                }
            }
            _ = due.tick() => {}
        }
        prune_now(&store).await;
    }
}

async fn prune_now(store: &Store) {
    loop {
        let dropped: Result<usize, StoreError> = store
            .transact(clock::now(), |tx| {
                tx.prune_log_events(KEPT_EVENTS, PRUNED_AT_ONCE)
            })
            .await;
        match dropped {
            Ok(PRUNED_AT_ONCE..) => {}
            Ok(_) => return,
            Err(error) => {
                tracing::warn!(%error, "old events of logs could not be dropped");
                return;
            }
        }
    }
}

// Fields.

/// A place in a log, as it goes to a caller and comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    /// Behind it.
    Forward(LogPlace),
    /// Ahead of it.
    Backward(LogPlace),
}

impl Token {
    fn text(self) -> String {
        let (word, place) = match self {
            Self::Forward(place) => ("f", place),
            Self::Backward(place) => ("b", place),
        };
        format!("{word}/{}/{}", place.at, place.seq)
    }

    fn applied_to(self, mut query: LogQuery) -> LogQuery {
        match self {
            Self::Forward(place) => query.after = Some(place),
            Self::Backward(place) => query.before = Some(place),
        }
        query
    }
}

fn going_on(place: LogPlace, newest_first: bool) -> Token {
    if newest_first {
        Token::Backward(place)
    } else {
        Token::Forward(place)
    }
}

fn token(text: &str) -> Result<Token, Refusal> {
    let mut parts = text.split('/');
    let word = parts.next();
    let at = parts.next().and_then(|part| part.parse().ok());
    let seq = parts.next().and_then(|part| part.parse().ok());
    let (Some(word), Some(at), Some(seq), None) = (word, at, seq, parts.next()) else {
        return Err(bad_token());
    };
    let place = LogPlace { at, seq };
    match word {
        "f" => Ok(Token::Forward(place)),
        "b" => Ok(Token::Backward(place)),
        _ => Err(bad_token()),
    }
}

fn bad_token() -> Refusal {
    wrong(
        TOKEN,
        "The page does not begin there; give the token of the answer before, with everything else as it was, or leave it out to begin anew",
    )
}

fn before(place: LogPlace) -> LogPlace {
    LogPlace {
        seq: place.seq.saturating_sub(1),
        ..place
    }
}

fn after(place: LogPlace) -> LogPlace {
    LogPlace {
        seq: place.seq.saturating_add(1),
        ..place
    }
}

fn wrong(field: &str, message: impl Into<String>) -> Refusal {
    Refusal::new(Code::InvalidParameterException, message).at(field)
}

/// What a field says, if it says anything.
fn given(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// The name of a group to be made.
fn group_name(text: &str) -> Result<&str, Refusal> {
    let is_allowed =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | '#');
    if !(1..=MAX_NAME).contains(&text.len()) || !text.chars().all(is_allowed) {
        return Err(wrong(
            GROUP,
            format!(
                "The name of a log group is 1 to {MAX_NAME} of the letters a to z and A to Z, digits and . - _ / #, for example {EXAMPLE_GROUP}"
            ),
        )
        .cure(EXAMPLE_GROUP));
    }
    Ok(text)
}

/// The name of a stream to be made.
fn new_stream_name(text: &str) -> Result<&str, Refusal> {
    let is_allowed = |c: char| !matches!(c, ':' | '*') && !c.is_control();
    let length = text.chars().count();
    if !(1..=MAX_NAME).contains(&length) || !text.chars().all(is_allowed) || text.trim() != text {
        return Err(wrong(
            STREAM,
            format!(
                "The name of a log stream is 1 to {MAX_NAME} characters without : and *, for example office"
            ),
        )
        .cure("office"));
    }
    Ok(text)
}

/// The group that a field names.
fn group<'s>(snapshot: &'s Snapshot, name: &str) -> Result<&'s LogGroup, Refusal> {
    let groups = &snapshot.log_groups;
    if let Some(group) = groups.get(name) {
        return Ok(group);
    }
    let first = groups.keys().next();
    if name.is_empty() {
        let example = first.map_or(EXAMPLE_GROUP, String::as_str);
        return Err(
            wrong(GROUP, format!("{GROUP} is needed, for example {example}")).cure(example),
        );
    }
    let refusal = Refusal::new(
        Code::ResourceNotFound,
        match first {
            None => format!("There is no log group {name}; none was created yet"),
            Some(_) => format!(
                "There is no log group {name}; there are {}",
                listed(groups.keys().take(5))
            ),
        },
    )
    .at(GROUP);
    Err(match first {
        Some(first) => refusal.cure(first),
        None => refusal,
    })
}

fn require_stream(tx: &Tx<'_>, group: &str, name: &str) -> Result<(), Refusal> {
    if tx.has_log_stream(group, name)? {
        return Ok(());
    }
    let mut there = tx.log_streams(group)?;
    there.truncate(3);
    let names = listed(there.iter().map(|stream| &stream.name));
    let refusal = Refusal::new(
        Code::ResourceNotFound,
        if there.is_empty() {
            format!("The log group {group} has no stream {name}, and no other one")
        } else {
            format!("The log group {group} has no stream {name}; it has {names}")
        },
    )
    .at(STREAM);
    Err(match there.into_iter().next() {
        Some(first) => refusal.cure(first.name),
        None => refusal,
    })
}

/// What an endpoint writes to cannot go.
fn refuse_in_use(
    snapshot: &Snapshot,
    field: &str,
    is_it: impl Fn(&ConnectionLog) -> bool,
) -> Result<(), Refusal> {
    let writes = |endpoint: &&Endpoint| endpoint.connection_log.as_ref().is_some_and(&is_it);
    let writers: Vec<_> = snapshot.endpoints.values().filter(writes).collect();
    if writers.is_empty() {
        return Ok(());
    }
    Err(Refusal::new(
        Code::ResourceInUse,
        format!(
            "Connections of {} are logged there; turn connection logging off first, or log them elsewhere",
            listed(writers.iter().map(|endpoint| &endpoint.id))
        ),
    )
    .at(field))
}

fn limit(limit: Option<u32>) -> Result<usize, Refusal> {
    match limit.map_or(MAX_LIMIT, |limit| limit as usize) {
        limit @ 1..=MAX_LIMIT => Ok(limit),
        _ => Err(wrong(
            LIMIT,
            format!("Between 1 and {MAX_LIMIT} events are listed at once, for example 100"),
        )
        .cure("100")),
    }
}

fn time(field: &str, millis: Option<i64>) -> Result<Option<Timestamp>, Refusal> {
    let Some(millis) = millis else {
        return Ok(None);
    };
    let time = Timestamp::from_millisecond(millis)
        .ok()
        .filter(|_| millis >= 0);
    time.map(Some).ok_or_else(|| {
        wrong(
            field,
            "A time is in milliseconds since 1970-01-01 UTC, for example 1767225600000",
        )
        .cure("1767225600000")
    })
}

const GROUP: &str = "logGroupName";
const STREAM: &str = "logStreamName";
const STREAMS: &str = "logStreamNames";
const RETENTION: &str = "retentionInDays";
const PATTERN: &str = "filterPattern";
const LIMIT: &str = "limit";
const TOKEN: &str = "nextToken";
const START: &str = "startTime";
const END: &str = "endTime";
/// Fields of an endpoint.
const LOG_GROUP: &str = "ConnectionLogOptions.CloudwatchLogGroup";
const LOG_STREAM: &str = "ConnectionLogOptions.CloudwatchLogStream";
const EXAMPLE_GROUP: &str = "client-vpn";
/// CloudWatch's limits, as far as it has one.
const MAX_NAME: usize = 512;
const MAX_LIMIT: usize = 10_000;
const MAX_GROUPS: usize = 1_000;
const MAX_STREAMS: u64 = 1_000;
/// Log streams that one search may name, as CloudWatch Logs has it.
const MAX_NAMED_STREAMS: usize = 100;
/// The numbers of days that CloudWatch takes.
const RETENTION_DAYS: [u32; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, MOST_DAYS,
];
const MOST_DAYS: u32 = 3653;
/// Bytes of text in a page, as in CloudWatch.
const PAGE_BYTES: usize = 1 << 20;
/// Events, and bytes of them, that are read at once when a group is looked through;
const SLICE: usize = 2_000;
const SLICE_BYTES: usize = 4 << 20;
/// and those that one call looks through.
const SCANNED_AT_ONCE: usize = 50_000;
/// Most events of a group, whatever its retention: about a gigabyte. The oldest go.
const KEPT_EVENTS: u64 = 1_000_000;
/// Events that are dropped in one transaction.
const PRUNED_AT_ONCE: usize = 2_000;
/// How often it is looked whether events are to be dropped.
pub(super) const PRUNED_EVERY: Duration = Duration::from_secs(60);
const START_OF_ALL: LogPlace = LogPlace { at: 0, seq: 0 };
