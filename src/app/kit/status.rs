//! Status: an icon and a word together, plain in tables, in a pill in heads; tags and counters.

use egui::{Align2, Color32, Rect, Response, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::{
    icons, paint,
    text::Face,
    tokens::{Tokens, radius, tokens},
};

/// What a status means to the person who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// It works.
    Success,
    /// It will not for long.
    Warning,
    /// It does not.
    Danger,
    /// Worth knowing.
    Info,
    /// Under way.
    Working,
    /// Waits for somebody to act; nothing moves by itself.
    Waiting,
    /// Over, or not there.
    Ended,
}

impl Tone {
    /// Colour of icon and edge.
    pub const fn color(self, t: &Tokens) -> Color32 {
        match self {
            Self::Success => t.success,
            Self::Warning => t.warning,
            Self::Danger => t.danger,
            Self::Info => t.info,
            Self::Working | Self::Waiting | Self::Ended => t.weak,
        }
    }

    /// Ground of its pill or banner.
    pub const fn ground(self, t: &Tokens) -> Color32 {
        match self {
            Self::Success => t.success_bg,
            Self::Warning => t.warning_bg,
            Self::Danger => t.danger_bg,
            Self::Info => t.info_bg,
            Self::Working | Self::Waiting | Self::Ended => t.mute,
        }
    }

    /// Its icon, drawn filled except while working or waiting.
    pub const fn icon(self) -> &'static str {
        match self {
            Self::Success => icons::CHECK_CIRCLE,
            Self::Warning => icons::WARNING,
            Self::Danger => icons::X_CIRCLE,
            Self::Info => icons::INFO,
            Self::Working => icons::CIRCLE_NOTCH,
            Self::Waiting => icons::CIRCLE_DASHED,
            Self::Ended => icons::MINUS_CIRCLE,
        }
    }

    /// The tone of a state as the API spells it.
    pub fn of_state(raw: &str) -> Self {
        match raw {
            "available" | "active" | "associated" | "applied" | "enabled" | "ok" | "issued"
            | "successful" | "allowed" => Self::Success,
            "failed"
            | "association-failed"
            | "failed-to-terminate"
            | "denied"
            | "revoked"
            | "expired"
            | "alarm" => Self::Danger,
            "expiring" | "degraded" => Self::Warning,
            "reconnect-needed" => Self::Info,
            // For a target network, which only a person associates: a spinner would turn for ever.
            "pending-associate" => Self::Waiting,
            _ if raw.starts_with("pending") || raw.ends_with("ing") => Self::Working,
            _ => Self::Ended,
        }
    }

    /// Paints the icon alone, for parts that lay out their own words.
    pub(super) fn paint(self, ui: &Ui, center: egui::Pos2, size: f32) {
        self.paint_in(ui, center, size, self.color(tokens(ui)));
    }

    fn paint_in(self, ui: &Ui, center: egui::Pos2, size: f32, color: Color32) {
        match self {
            Self::Working => paint::spinner(ui, center, size, color),
            Self::Waiting => paint::icon(ui.painter(), center, self.icon(), size, color),
            _ => paint::icon_fill(ui.painter(), center, self.icon(), size, color),
        }
    }

    /// Colour of the word beside the icon.
    pub(super) const fn word_color(self, t: &Tokens) -> Color32 {
        match self {
            Self::Working | Self::Waiting | Self::Ended => t.text,
            tone => tone.color(t),
        }
    }
}

/// A state as it is read: hyphens to spaces, first letter capital ("Pending associate").
pub fn state_word(raw: &str) -> String {
    let mut letters = raw.chars();
    let first = letters.next().map(char::to_uppercase);
    first
        .into_iter()
        .flatten()
        .chain(letters)
        .map(|c| if matches!(c, '-' | '_') { ' ' } else { c })
        .collect()
}

/// A status being described; ends with [`Status::ui`].
#[derive(Debug)]
#[must_use = "a status is added with `ui`"]
pub struct Status {
    tone: Tone,
    word: String,
    raw: String,
    pill: bool,
}

/// A status of a tone and word.
pub fn status(tone: Tone, word: impl Into<String>) -> Status {
    Status {
        tone,
        word: word.into(),
        raw: String::new(),
        pill: false,
    }
}

/// The status of a state as the API spells it; the raw state is in the tooltip.
pub fn state(raw: &str) -> Status {
    Status {
        tone: Tone::of_state(raw),
        word: state_word(raw),
        raw: raw.to_owned(),
        pill: false,
    }
}

impl Status {
    /// In a pill on its own ground, for heads.
    pub const fn pill(mut self) -> Self {
        self.pill = true;
        self
    }

    /// What the tooltip says, such as the reason of a failure.
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.raw = reason.into();
        self
    }

    /// Adds it.
    pub fn ui(self, ui: &mut Ui) -> Response {
        let pad = if self.pill { 7.0 } else { 0.0 };
        let height = if self.pill { 22.0 } else { 20.0 };
        let natural = paint::width(ui, &self.word, Face::STATUS) + 20.0 + 2.0 * pad;
        let wide = natural.ceil().min(ui.available_width());
        let (rect, response) = ui.allocate_exact_size(vec2(wide, height), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &self.word));
        self.paint(ui, rect, pad);
        if self.raw.is_empty() {
            response
        } else {
            response.on_hover_text(&self.raw)
        }
    }

    fn paint(&self, ui: &Ui, rect: Rect, pad: f32) {
        let t = tokens(ui);
        let p = ui.painter();
        if self.pill {
            p.rect_filled(rect, 11, self.tone.ground(t));
        }
        let x = rect.left() + pad;
        self.tone.paint(ui, pos2(x + 7.0, rect.center().y), 14.0);
        let at = pos2(x + 19.0, rect.center().y);
        let room = rect.right() - at.x - pad + 1.0;
        let color = self.tone.word_color(t);
        paint::line_within(
            p,
            at,
            Align2::LEFT_CENTER,
            &self.word,
            Face::STATUS,
            color,
            room,
        );
    }
}

/// A small neutral tag.
pub fn tag(ui: &mut Ui, words: &str) -> Response {
    let t = tokens(ui);
    label_box(ui, words, Face::SMALL, t.mute, t.text)
}

/// A tag in the colours of a tone, such as "Recommended".
pub fn tone_tag(ui: &mut Ui, tone: Tone, words: &str) -> Response {
    let t = tokens(ui);
    label_box(ui, words, Face::SMALL, tone.ground(t), tone.word_color(t))
}

/// A small mono tag, such as a group's name as a rule spells it.
pub fn mono_tag(ui: &mut Ui, words: &str) -> Response {
    let t = tokens(ui);
    label_box(ui, words, Face::mono(11.0), t.mute, t.text)
}

/// A key cap, such as "Ctrl K".
pub fn key_cap(ui: &mut Ui, keys: &str) -> Response {
    let size = vec2((paint::width(ui, keys, Face::SMALL) + 10.0).round(), 18.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, keys));
    paint_key_cap(ui, rect, keys);
    response
}

pub(super) fn paint_key_cap(ui: &Ui, rect: Rect, keys: &str) {
    let t = tokens(ui);
    paint::boxed(
        ui.painter(),
        rect,
        radius::TAG,
        t.mute,
        Stroke::new(1.0, t.border),
    );
    paint::line(
        ui.painter(),
        rect.center(),
        Align2::CENTER_CENTER,
        keys,
        Face::SMALL,
        t.weak,
    );
}

fn label_box(ui: &mut Ui, words: &str, face: Face, ground: Color32, color: Color32) -> Response {
    let size = vec2((paint::width(ui, words, face) + 12.0).round(), 18.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, words));
    ui.painter().rect_filled(rect, radius::TAG, ground);
    paint::line(
        ui.painter(),
        rect.center(),
        Align2::CENTER_CENTER,
        words,
        face,
        color,
    );
    response
}

/// A round counter of a tab or navigation row; `width` of what it takes.
pub(super) fn counter_width(ui: &Ui, words: &str) -> f32 {
    (paint::width(ui, words, Face::SMALL) + 10.0)
        .max(16.0)
        .round()
}

pub(super) fn paint_counter(ui: &Ui, rect: Rect, words: &str, ground: Color32, color: Color32) {
    ui.painter().rect_filled(rect, 8, ground);
    paint::line(
        ui.painter(),
        rect.center(),
        Align2::CENTER_CENTER,
        words,
        Face::SMALL,
        color,
    );
}

/// A dot that says the list is live; the words may add what waits ("Live, 3 new rows wait").
pub fn live(ui: &mut Ui, words: &str) -> Response {
    let t = tokens(ui);
    let size = vec2((paint::width(ui, words, Face::STATUS) + 18.0).ceil(), 20.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Status, true, words));
    let dot = pos2(rect.left() + 7.0, rect.center().y);
    let p = ui.painter();
    p.circle(dot, 6.0, t.success_bg, Stroke::new(1.0, t.success));
    p.circle_filled(dot, 3.0, t.success);
    let at = pos2(rect.left() + 18.0, rect.center().y);
    paint::line(p, at, Align2::LEFT_CENTER, words, Face::STATUS, t.success);
    response
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable as _;

    use super::*;
    use crate::app::kit::testing::harness;

    #[test]
    fn states_are_read_with_spaces_and_one_capital() {
        assert_eq!(state_word("pending-associate"), "Pending associate");
        assert_eq!(state_word("failed-to-terminate"), "Failed to terminate");
        assert_eq!(state_word(""), "");
    }

    #[test]
    fn every_state_of_the_api_has_the_tone_of_its_meaning() {
        for (raw, tone) in [
            ("available", Tone::Success),
            ("pending-associate", Tone::Waiting),
            ("deleting", Tone::Working),
            ("deleted", Tone::Ended),
            ("associating", Tone::Working),
            ("associated", Tone::Success),
            ("association-failed", Tone::Danger),
            ("disassociated", Tone::Ended),
            ("authorizing", Tone::Working),
            ("revoking", Tone::Working),
            ("terminated", Tone::Ended),
            ("failed-to-terminate", Tone::Danger),
        ] {
            assert_eq!(Tone::of_state(raw), tone, "{raw}");
        }
    }

    #[test]
    fn a_status_is_found_by_its_word() {
        let h = harness((), |ui, ()| {
            state("pending-associate").ui(ui);
            status(Tone::Warning, "Expires in 6 days").pill().ui(ui);
        });
        h.get_by_label("Pending associate");
        h.get_by_label("Expires in 6 days");
    }
}
