//! The events of a log as they come: the newest first, older ones page by page, and new ones while
//! they are followed.

use std::sync::Arc;

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
    pub(super) rows: Vec<Arc<Row>>,
    /// New ones that would move the rows somebody is at, the newest first.
    waiting: Vec<Arc<Row>>,
    /// Where the next older ones are.
    older: Option<String>,
    /// Somebody asked for those, and they are not here yet.
    wants_older: bool,
    /// The oldest were let go of, to have room for new ones.
    is_cut: bool,
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
            waiting: Vec::new(),
            older: None,
            wants_older: false,
            is_cut: false,
            resume: None,
            asked: Asked::First,
            work: Work::default(),
            refusal: None,
            due: 0.0,
        }
    }
}

impl Feed {
    /// Asks what there is to ask, and takes in what has come; while `held`, the rows that are here
    /// keep their places and new ones wait.
    pub(super) fn look(
        &mut self,
        cx: &Context<'_>,
        ui: &Ui,
        question: Question,
        follow: bool,
        held: bool,
    ) {
        if self.question.as_ref() != Some(&question) {
            self.since = question.range.start(cx.now);
            self.question = Some(question);
            self.forget();
            self.ask(cx, Asked::First);
        }
        match self.work.poll() {
            None => {}
            Some(Ok(Answer::LogEvents(page))) => self.take(page),
            Some(Ok(_)) => self.refuse(crate::app::form::unexpected()),
            Some(Err(refusal)) => self.refuse(refusal),
        }
        if !held || self.rows.is_empty() {
            self.let_in();
        }
        self.go_on(cx, ui, follow);
    }

    /// What was under way for another question is not for this one.
    fn forget(&mut self) {
        (self.older, self.resume) = (None, None);
        (self.wants_older, self.is_cut) = (false, false);
        self.waiting.clear();
    }

    fn refuse(&mut self, refusal: Refusal) {
        if self.asked == Asked::First {
            self.rows.clear();
        }
        // The service may be back in a moment; what it refuses, it refuses again.
        if self.asked == Asked::First || refusal.code != Code::Unavailable {
            let had_older = self.older.take().is_some();
            self.is_cut |= had_older && self.asked != Asked::First;
            self.resume = None;
        }
        self.wants_older = false;
        self.refusal = Some(refusal);
    }

    /// Goes for older events where they are asked for, and by itself up to a number that reading
    /// stays quick with; then for new ones.
    fn go_on(&mut self, cx: &Context<'_>, ui: &Ui, follow: bool) {
        if self.work.is_running() {
            return;
        }
        // What the service could not give just now is not asked for in each frame.
        let by_itself = self.rows.len() < BY_ITSELF && self.refusal.is_none();
        if self.older.is_some() && (self.wants_older || by_itself) {
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

    /// Whether something else was looked for before.
    pub(super) fn is_other(&self, question: &Question) -> bool {
        self.question.as_ref().is_some_and(|it| it != question)
    }

    /// All events that are here, those that wait among them, the newest first.
    pub(super) fn all(&self) -> Vec<Arc<Row>> {
        self.waiting.iter().chain(&self.rows).cloned().collect()
    }

    /// How many new events wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Puts what waited before the rows that are here.
    fn let_in(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let mut rows = std::mem::take(&mut self.waiting);
        rows.append(&mut self.rows);
        if rows.len() > MOST {
            rows.truncate(MOST);
            // What is older than that begins where nobody knows any more.
            (self.older, self.wants_older, self.is_cut) = (None, false, true);
        }
        self.rows = rows;
    }

    /// Whether older events are there that can be asked for.
    pub(super) fn has_older(&self) -> bool {
        self.older.is_some()
    }

    /// Whether events of the question may be there that are not here.
    pub(super) fn lacks_older(&self) -> bool {
        self.older.is_some() || self.is_cut
    }

    /// Why no older ones can be asked for, though there are some.
    pub(super) fn full(&self) -> Option<&'static str> {
        (self.rows.len() >= MOST).then_some(
            "200,000 events are loaded; choose another time or search, or use gatehouse logs filter-log-events",
        )
    }

    /// Asks for them, once what is under way is here.
    pub(super) fn ask_older(&mut self) {
        self.wants_older = self.older.is_some();
    }

    /// Whether those that somebody asked for are on their way.
    pub(super) fn is_loading_older(&self) -> bool {
        self.wants_older
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
        let rows = page.events.into_iter().map(Row::new).map(Arc::new);
        match self.asked {
            Asked::First => {
                self.rows = rows.collect();
                self.older = page.next_backward_token;
                self.resume = page.resume_token;
            }
            Asked::Older => {
                self.rows.extend(rows);
                self.older = page.next_backward_token;
                self.wants_older = false;
            }
            Asked::Newer => {
                if page.next_forward_token.is_some() {
                    self.due = 0.0;
                }
                self.resume = page.next_forward_token.or(page.resume_token);
                let mut newer: Vec<_> = rows.collect();
                newer.reverse();
                newer.append(&mut self.waiting);
                newer.truncate(MOST);
                self.waiting = newer;
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
