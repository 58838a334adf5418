//! The events that are loaded: the newest, and page by page those before.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::passes;
use crate::{
    app::{backend::Work, context::Context},
    model::{
        Answer, Command, Event, Outcome,
        command::{EventPage, LookupAttribute, LookupEvents},
    },
};

/// Events asked for at once, newest first: the most the service gives.
const AT_ONCE: u32 = 1_000;
/// Events that are loaded at most: more are found by narrowing what is asked for.
pub(super) const MOST: usize = 20_000;

/// Which events are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) kind: Kind,
    pub(super) age: Age,
}

/// Which events are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Without what was only looked at.
    Changes,
    Refused,
    All,
}

impl Kind {
    fn has(self, event: &Event) -> bool {
        match self {
            Self::Changes => !event.read_only,
            Self::Refused => event.outcome != Outcome::Allowed,
            Self::All => true,
        }
    }
}

/// How far back events are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    Any,
    Hour,
    Day,
    Week,
}

impl Age {
    /// The time that events are shown from.
    fn since(self, now: Timestamp) -> Option<Timestamp> {
        let hours = match self {
            Self::Any => return None,
            Self::Hour => 1,
            Self::Day => 24,
            Self::Week => 7 * 24,
        };
        now.checked_sub(SignedDuration::from_hours(hours)).ok()
    }
}

/// The events of a question, newest first.
#[derive(Default)]
pub(super) struct Record {
    events: Vec<Arc<Event>>,
    question: Option<Question>,
    /// The time that they are from on.
    since: Option<Timestamp>,
    /// The change that they are as of.
    seq: Option<u64>,
    /// Where those before begin, if there are any.
    older: Option<String>,
    looking: Work<Answer>,
    /// The page that is asked for goes on from the ones before.
    adds: bool,
    pub(super) trouble: Option<String>,
    /// Counts what was taken in.
    version: u64,
    shown: Shown,
}

/// Those that pass, found anew only where something is another.
#[derive(Default)]
struct Shown {
    of: Option<(u64, Kind, String)>,
    events: Arc<[Arc<Event>]>,
    of_kind: usize,
}

impl Record {
    /// Asks where the question is another, where something has changed and where it is told to, and
    /// takes in what has come.
    pub(super) fn look(&mut self, cx: &Context<'_>, question: Question, again: bool) {
        let seq = cx.view.snapshot.seq;
        let is_another = self.question != Some(question);
        if is_another || ((again || self.seq != Some(seq)) && !self.looking.is_running()) {
            self.ask(cx, question, None);
        }
        match self.looking.poll() {
            None => {}
            Some(Ok(Answer::Events(page))) => self.take(page),
            Some(Ok(_)) => self.trouble = Some("The gateway answered something else.".to_owned()),
            Some(Err(refusal)) => self.trouble = Some(refusal.message),
        }
    }

    /// Asks for those before what is loaded.
    pub(super) fn look_further(&mut self, cx: &Context<'_>) {
        if let (Some(question), Some(older)) = (self.question, self.older.clone()) {
            self.ask(cx, question, Some(older));
        }
    }

    fn ask(&mut self, cx: &Context<'_>, question: Question, next_token: Option<String>) {
        if self.question != Some(question) {
            self.question = Some(question);
            self.version += 1;
            self.events.clear();
            self.older = None;
        }
        let since = question.age.since(cx.now);
        self.since = since;
        self.seq = Some(cx.view.snapshot.seq);
        self.adds = next_token.is_some();
        // Of what was only looked at there may be thousands between two changes.
        let changes = LookupAttribute {
            key: "ReadOnly".to_owned(),
            value: "false".to_owned(),
        };
        let only = (question.kind == Kind::Changes).then_some(changes);
        let command = Command::LookupEvents(LookupEvents {
            max_results: Some(AT_ONCE),
            lookup_attributes: only.into_iter().collect(),
            start_time: since.map(|at| at.to_string()),
            next_token,
            ..LookupEvents::default()
        });
        self.looking.start(cx.backend.call(command));
    }

    fn take(&mut self, page: EventPage) {
        self.trouble = None;
        self.version += 1;
        let mut events: Vec<_> = page.events.into_iter().map(Arc::new).collect();
        if self.adds {
            self.events.append(&mut events);
            self.older = page.next_token;
            return;
        }
        // What was loaded before stays behind the newest, unless some are missing in between.
        let last = events.last().map_or(0, |event| event.seq);
        let meets = page.next_token.is_some() && self.events.iter().any(|it| it.seq >= last);
        if meets {
            let is_wanted = |it: &Arc<Event>| self.since.is_none_or(|since| it.at >= since);
            let before = self.events.drain(..);
            let before = before.filter(|it| it.seq < last && is_wanted(it));
            events.extend(before);
        }
        if !meets || events.last().is_some_and(|it| it.seq == last) {
            self.older = page.next_token;
        }
        self.events = events;
    }

    /// Those that pass the filter, and how many there are without it.
    pub(super) fn shown(&mut self, kind: Kind, filter: &str) -> (Arc<[Arc<Event>]>, usize) {
        let filter = filter.trim();
        let is_same = |(version, of, text): &(u64, Kind, String)| {
            (*version, *of, text.as_str()) == (self.version, kind, filter)
        };
        if !self.shown.of.as_ref().is_some_and(is_same) {
            let of_kind = || self.events.iter().filter(|event| kind.has(event));
            let passing = of_kind().filter(|event| filter.is_empty() || passes(filter, event));
            self.shown = Shown {
                of: Some((self.version, kind, filter.to_owned())),
                events: passing.cloned().collect(),
                of_kind: of_kind().count(),
            };
        }
        (Arc::clone(&self.shown.events), self.shown.of_kind)
    }

    pub(super) fn is_looking(&self) -> bool {
        self.looking.is_running()
    }

    /// Whether there are events before those that are loaded.
    pub(super) fn has_older(&self) -> bool {
        self.older.is_some()
    }

    /// Why no older ones are loaded, though there are some.
    pub(super) fn full(&self) -> Option<&'static str> {
        (self.events.len() >= MOST)
            .then_some("20,000 events are loaded; choose a time or another kind, or export by gatehouse cloudtrail lookup-events")
    }
}
