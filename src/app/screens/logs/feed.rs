//! The events of a log as they come: the newest first, older ones page by page, and new ones while
//! they are followed.

use egui::Ui;
use jiff::{SignedDuration, Timestamp};

use crate::{
    app::{backend::Work, context::Context},
    model::{
        Answer, Code, Command, ConnectionRecord, LogEvent, LogEventPage, Refusal,
        command::FilterLogEvents,
    },
};

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) group: String,
    /// Only this stream.
    pub(super) stream: Option<String>,
    pub(super) pattern: String,
    pub(super) range: Range,
}

/// How far back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Range {
    Hour,
    Day,
    Week,
    All,
}

impl Range {
    fn start(self, now: Timestamp) -> Option<i64> {
        let hours = match self {
            Self::Hour => 1,
            Self::Day => 24,
            Self::Week => 7 * 24,
            Self::All => return None,
        };
        let start = now.checked_sub(SignedDuration::from_hours(hours));
        Some(start.ok()?.as_millisecond().max(0))
    }
}

/// An event, and what it says where it is one of a connection.
pub(super) struct Row {
    pub(super) event: LogEvent,
    pub(super) record: Option<ConnectionRecord>,
}

impl Row {
    fn new(event: LogEvent) -> Self {
        let record = serde_json::from_str(&event.message).ok();
        Self { event, record }
    }
}

/// What was asked for last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    First,
    Older,
    Newer,
}

/// The events of a question.
pub(super) struct Feed {
    question: Option<Question>,
    since: Option<i64>,
    /// The newest first.
    pub(super) rows: Vec<Row>,
    /// Where the next older ones are.
    older: Option<String>,
    /// Where new ones will be.
    resume: Option<String>,
    asked: Asked,
    work: Work<Answer>,
    /// What the last answer was refused for.
    pub(super) refusal: Option<Refusal>,
    /// When to look for new ones, on the window's clock.
    due: f64,
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            question: None,
            since: None,
            rows: Vec::new(),
            older: None,
            resume: None,
            asked: Asked::First,
            work: Work::default(),
            refusal: None,
            due: 0.0,
        }
    }
}

impl Feed {
    /// Asks what there is to ask, and takes in what has come.
    pub(super) fn look(&mut self, cx: &Context<'_>, ui: &Ui, question: Question, follow: bool) {
        if self.question.as_ref() != Some(&question) {
            self.since = question.range.start(cx.now);
            self.question = Some(question);
            (self.older, self.resume) = (None, None);
            self.ask(cx, Asked::First);
        }
        match self.work.poll() {
            None => {}
            Some(Ok(Answer::LogEvents(page))) => self.take(page),
            Some(Ok(_)) => self.refusal = Some(crate::app::form::unexpected()),
            Some(Err(refusal)) => {
                if self.asked == Asked::First {
                    self.rows.clear();
                }
                // The service may be back in a moment; what it refuses, it refuses again.
                if self.asked != Asked::Newer || refusal.code != Code::Unavailable {
                    (self.older, self.resume) = (None, None);
                }
                self.refusal = Some(refusal);
            }
        }
        self.go_on(cx, ui, follow);
    }

    /// Goes for older events up to a number that reading stays quick with, then for new ones.
    fn go_on(&mut self, cx: &Context<'_>, ui: &Ui, follow: bool) {
        if self.work.is_running() {
            return;
        }
        if self.older.is_some() && self.rows.len() < BY_ITSELF {
            self.ask(cx, Asked::Older);
            return;
        }
        let is_away = |refusal: &Refusal| refusal.code == Code::Unavailable;
        let next = match (&self.resume, self.asked) {
            (Some(_), _) => Asked::Newer,
            (None, Asked::First) if self.refusal.as_ref().is_some_and(is_away) => Asked::First,
            (None, _) => return,
        };
        if !follow {
            return;
        }
        let time = ui.input(|i| i.time);
        if time >= self.due {
            self.ask(cx, next);
            self.due = time + LOOKED_EVERY;
        }
        let wait = std::time::Duration::from_secs_f64((self.due - time).clamp(0.05, LOOKED_EVERY));
        ui.ctx().request_repaint_after(wait);
    }

    /// Whether older events are there that were not asked for.
    pub(super) fn has_older(&self) -> bool {
        self.older.is_some()
    }

    /// Asks for them.
    pub(super) fn ask_older(&mut self, cx: &Context<'_>) {
        if self.older.is_some() && !self.work.is_running() {
            self.ask(cx, Asked::Older);
        }
    }

    /// Asks anew for all of it.
    pub(super) fn refresh(&mut self) {
        self.question = None;
    }

    /// Whether events are on their way that were asked for, apart from those that follow.
    pub(super) fn is_looking(&self) -> bool {
        self.work.is_running() && self.asked != Asked::Newer
    }

    fn ask(&mut self, cx: &Context<'_>, what: Asked) {
        let Some(question) = &self.question else {
            return;
        };
        self.asked = what;
        let next_token = match what {
            Asked::First => None,
            Asked::Older => self.older.clone(),
            Asked::Newer => self.resume.clone(),
        };
        let pattern = question.pattern.trim();
        let command = Command::FilterLogEvents(FilterLogEvents {
            log_group_name: question.group.clone(),
            log_stream_names: question.stream.clone().into_iter().collect(),
            filter_pattern: (!pattern.is_empty()).then(|| pattern.to_owned()),
            start_time: self.since,
            end_time: None,
            limit: None,
            next_token,
            newest_first: what != Asked::Newer,
        });
        self.work.start(cx.backend.call(command));
    }

    fn take(&mut self, page: LogEventPage) {
        self.refusal = None;
        let rows = page.events.into_iter().map(Row::new);
        match self.asked {
            Asked::First => {
                self.rows = rows.collect();
                self.older = page.next_backward_token;
                self.resume = page.resume_token;
            }
            Asked::Older => {
                self.rows.extend(rows);
                self.older = page.next_backward_token;
            }
            Asked::Newer => {
                if page.next_forward_token.is_some() {
                    self.due = 0.0;
                }
                self.resume = page.next_forward_token.or(page.resume_token);
                let mut newer: Vec<Row> = rows.collect();
                if newer.is_empty() {
                    return;
                }
                newer.reverse();
                newer.append(&mut self.rows);
                newer.truncate(MOST);
                self.rows = newer;
            }
        }
    }
}

/// Events that are read without being asked for further.
const BY_ITSELF: usize = 20_000;
/// Most events in memory.
const MOST: usize = 200_000;
/// Seconds between two looks for new events.
const LOOKED_EVERY: f64 = 1.0;
