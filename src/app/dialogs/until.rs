//! Until when something holds: for good, to an hour people mean, or to a time that is typed.

use egui::Ui;
use jiff::{Timestamp, ToSpan as _, Zoned, civil, civil::Weekday, tz::TimeZone};

use crate::{
    app::{
        context::Context,
        form::DialogForm,
        format,
        kit::{self, Choice},
    },
    model::{Code, Refusal},
};

/// What is chosen.
#[derive(Debug, Default)]
pub(super) struct Until {
    end: End,
    typed: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum End {
    #[default]
    Never,
    Evening,
    Friday,
    Week,
    Typed,
}

impl Until {
    /// The end, if there is one.
    ///
    /// # Errors
    /// A time that is none, or that is over.
    pub(super) fn at(&self, now: Timestamp, zone: &TimeZone) -> Result<Option<Timestamp>, Refusal> {
        let local = now.to_zoned(zone.clone());
        let end = match self.end {
            End::Never => return Ok(None),
            End::Evening => evening(&local, |_| true),
            End::Friday => evening(&local, |day| day.weekday() == Weekday::Friday),
            End::Week => local.checked_add(7.days()).ok().map(|end| end.timestamp()),
            End::Typed => typed(&self.typed, zone),
        };
        let example = evening(&local, |day| day.weekday() == Weekday::Friday)
            .map(|end| end.to_zoned(zone.clone()).strftime(TYPED).to_string())
            .unwrap_or_default();
        let refused =
            |words: String| Refusal::new(Code::InvalidParameterValue, words).cure(example.as_str());
        match end {
            Some(end) if end > now => Ok(Some(end)),
            Some(_) => Err(refused(format!(
                "{} is over; a time to come would be right, for example {example}",
                self.typed.trim()
            ))),
            None => Err(refused(format!(
                "\"{}\" is not a day and a time, for example {example}",
                self.typed.trim()
            ))),
        }
    }

    /// Draws it, and `beside` it what has room there while no time is typed. What is wrong with it is
    /// at `field`.
    pub(super) fn ui(
        &mut self,
        cx: &Context<'_>,
        ui: &mut Ui,
        form: &mut DialogForm,
        field: &'static str,
        beside: impl FnOnce(&mut Ui, &mut DialogForm),
    ) {
        let end = self.at(cx.now, cx.zone).ok().flatten();
        let help = match end {
            Some(end) => said(end, cx.zone),
            None if self.end == End::Never => "Until it is revoked.".to_owned(),
            None => String::new(),
        };
        let local = cx.now.to_zoned(cx.zone.clone());
        let today = evening(&local, |_| true)
            .is_some_and(|end| end.to_zoned(cx.zone.clone()).date() == local.date());
        let choices = [
            Choice::new(End::Never, "No end"),
            Choice::new(
                End::Evening,
                if today {
                    "Today 18:00"
                } else {
                    "Tomorrow 18:00"
                },
            ),
            Choice::new(End::Friday, "Friday 18:00"),
            Choice::new(End::Week, "In 7 days"),
            Choice::new(End::Typed, "At a time…"),
        ];
        kit::two_columns(ui, |left, right| {
            let out = kit::select(&mut self.end, &choices)
                .label("Valid until")
                .help(&help)
                .ui(left);
            if out.changed() {
                form.changed(field);
            }
            if self.end != End::Typed {
                beside(right, form);
                return;
            }
            let label = (field, "Day and time");
            form.text(right, label, &mut self.typed, |it| {
                it.mono()
                    .hint("2026-11-27 18:00")
                    .help("In this machine's time zone.")
            });
        });
    }
}

/// The next 18:00 on a day that will do, within eight days.
fn evening(now: &Zoned, will_do: impl Fn(civil::Date) -> bool) -> Option<Timestamp> {
    let mut day = now.date();
    for _ in 0..=8 {
        let end = day.at(18, 0, 0, 0).to_zoned(now.time_zone().clone()).ok()?;
        if will_do(day) && end > *now {
            return Some(end.timestamp());
        }
        day = day.tomorrow().ok()?;
    }
    None
}

fn typed(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let at: civil::DateTime = text.trim().parse().ok()?;
    Some(at.to_zoned(zone.clone()).ok()?.timestamp())
}

/// `Friday 27 Nov 2026, 18:00, which is 27 Nov 2026, 17:00:00 UTC`
fn said(end: Timestamp, zone: &TimeZone) -> String {
    let local = end.to_zoned(zone.clone());
    let words = local.strftime("%A %-d %b %Y, %H:%M");
    format!("{words}, which is {}", format::utc(end))
}

const TYPED: &str = "%Y-%m-%d %H:%M";

#[cfg(test)]
mod tests {
    use super::*;

    fn until(end: End, typed: &str) -> Until {
        Until {
            end,
            typed: typed.to_owned(),
        }
    }

    fn at(until: &Until) -> Result<Option<String>, Refusal> {
        // A Sunday.
        let now: Timestamp = "2026-11-22T09:41:02Z".parse().unwrap();
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        let end = until.at(now, &zone)?;
        Ok(end.map(|end| end.to_string()))
    }

    #[test]
    fn the_hours_people_mean_are_theirs_and_not_utc() {
        let ends = [
            (End::Evening, "2026-11-22T17:00:00Z"),
            (End::Friday, "2026-11-27T17:00:00Z"),
            (End::Week, "2026-11-29T09:41:02Z"),
        ];
        for (end, expected) in ends {
            assert_eq!(at(&until(end, "")).unwrap().as_deref(), Some(expected));
        }
        assert_eq!(at(&until(End::Never, "nonsense")).unwrap(), None);
    }

    #[test]
    fn a_typed_time_is_local_and_one_that_is_over_is_refused_with_one_to_come() {
        let end = at(&until(End::Typed, "2026-12-01 12:00")).unwrap();
        assert_eq!(end.as_deref(), Some("2026-12-01T11:00:00Z"));
        for wrong in ["2026-11-21 18:00", "tomorrow", ""] {
            let refusal = at(&until(End::Typed, wrong)).unwrap_err();
            assert!(refusal.message.contains("2026-11-27 18:00"), "{refusal:?}");
        }
    }
}
