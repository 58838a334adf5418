//! Toasts: what is now true, with Undo where there is one, bottom left of the content.

use std::sync::Arc;

use egui::{
    Align2, Area, Color32, Context, CursorIcon, Galley, Id, Order, Pos2, Rect, Response, Role, Ui,
    Vec2, WidgetInfo, pos2, vec2,
};

use super::{
    icons, paint,
    status::Tone,
    text::{Face, Words, words},
    tokens::{Tokens, radius, tokens},
};

/// How long a toast stays, in seconds; longer while the pointer or the focus is on it. What went
/// wrong stays until it is dismissed.
const STAYS: f64 = 8.0;
/// At most this many at once; the oldest leaves first, what went wrong last.
const AT_MOST: usize = 3;
/// Of a toast of one line; longer words wrap, and nothing of a refusal is cut.
const HEIGHT: f32 = 40.0;
/// Of a toast with long words.
const WIDEST: f32 = 720.0;

/// One toast.
#[derive(Debug, Clone)]
struct Toast {
    id: u64,
    tone: Tone,
    words: String,
    action: String,
    /// Seconds of the window's clock; unknown until first drawn.
    until: Option<f64>,
}

/// The toasts of a window.
#[derive(Debug, Default)]
pub struct Toasts {
    shown: Vec<Toast>,
    next: u64,
}

impl Toasts {
    /// Says what is now true ("Rule revoked").
    pub fn push(&mut self, tone: Tone, words: impl Into<String>) -> u64 {
        self.add(tone, words.into(), String::new())
    }

    /// The same with a link ("Undo"); [`Toasts::show`] returns the id once it is chosen.
    pub fn push_with(
        &mut self,
        tone: Tone,
        words: impl Into<String>,
        action: impl Into<String>,
    ) -> u64 {
        self.add(tone, words.into(), action.into())
    }

    fn add(&mut self, tone: Tone, words: String, action: String) -> u64 {
        let id = self.next;
        self.next += 1;
        if self.shown.len() == AT_MOST {
            let good = self.shown.iter().position(|it| it.tone != Tone::Danger);
            self.shown.remove(good.unwrap_or(0));
        }
        self.shown.push(Toast {
            id,
            tone,
            words,
            action,
            until: None,
        });
        id
    }

    /// Whether a toast still stands.
    #[must_use]
    pub fn is_shown(&self, id: u64) -> bool {
        self.shown.iter().any(|toast| toast.id == id)
    }

    /// Takes a toast away.
    pub fn dismiss(&mut self, id: u64) {
        self.shown.retain(|toast| toast.id != id);
    }

    /// Draws them upwards from `bottom_left`; the id of one whose link was chosen.
    pub fn show(&mut self, ctx: &Context, bottom_left: Pos2) -> Option<u64> {
        let now = ctx.input(|i| i.time);
        let mut chosen = None;
        let mut closed = Vec::new();
        let mut up = 0.0;
        for toast in self.shown.iter_mut().rev() {
            let stays = match toast.tone {
                Tone::Danger => f64::INFINITY,
                _ => STAYS,
            };
            let until = *toast.until.get_or_insert(now + stays);
            let (drawn, height) = toast.draw(ctx, bottom_left - vec2(0.0, up));
            up += height + 8.0;
            if drawn.held {
                toast.until = Some(until.max(now + STAYS / 2.0));
            }
            if drawn.action {
                chosen = Some(toast.id);
            }
            if drawn.action || drawn.close || until <= now {
                closed.push(toast.id);
            } else if until.is_finite() {
                let left = std::time::Duration::from_secs_f64(until - now);
                ctx.request_repaint_after(left);
            }
        }
        self.shown.retain(|toast| !closed.contains(&toast.id));
        chosen
    }
}

#[derive(Default)]
struct Drawn {
    action: bool,
    close: bool,
    held: bool,
}

impl Toast {
    /// Draws it with its foot at `foot`; how high it is.
    fn draw(&self, ctx: &Context, foot: Pos2) -> (Drawn, f32) {
        let t = Tokens::of(ctx.global_style().visuals.dark_mode);
        let lay = |words: &str, face: Face, width| {
            let job = words_of(words, face, t).wrapped(width);
            ctx.fonts_mut(|fonts| fonts.layout_job(job))
        };
        let action = lay(&self.action, Face::CURRENT, f32::INFINITY).size().x;
        let taken = 36.0 + 20.0 + action + 20.0 + 42.0;
        let room = (ctx.content_rect().right() - foot.x - 20.0).min(WIDEST) - taken;
        let words = lay(&self.words, Face::LABEL, room.max(160.0));
        let height = (words.size().y + 24.0).max(HEIGHT).round();
        let drawn = Area::new(Id::unique(("kit toast", self.id)))
            .order(Order::Tooltip)
            .fixed_pos(foot - vec2(0.0, height))
            .show(ctx, |ui| self.content(ui, words, action, height))
            .inner;
        (drawn, height)
    }

    fn content(&self, ui: &mut Ui, words: Arc<Galley>, action: f32, height: f32) -> Drawn {
        let t = tokens(ui);
        // Inverted: painted with the other theme's words on this theme's strongest text colour.
        let other = t.inverse();
        let gap = if self.action.is_empty() { 0.0 } else { 20.0 };
        let width = (36.0 + words.size().x + gap + action + 20.0 + 42.0).round();
        let (rect, response) = ui.allocate_exact_size(vec2(width, height), egui::Sense::hover());
        let role = match self.tone {
            Tone::Danger | Tone::Warning => Role::Alert,
            _ => Role::Status,
        };
        response.widget_info(|| WidgetInfo::labeled(role, true, &self.words));
        ui.painter().add(
            t.menu_shadow()
                .as_shape(rect, egui::CornerRadius::same(radius::CARD)),
        );
        ui.painter().rect_filled(rect, radius::CARD, ground(t));
        let y = rect.center().y;
        let icon = pos2(rect.left() + 20.0, y);
        paint::icon_fill(
            ui.painter(),
            icon,
            self.tone.icon(),
            16.0,
            self.tone.color(other),
        );
        let at = pos2(rect.left() + 36.0, (y - words.size().y / 2.0).round());
        let words_end = at.x + words.size().x;
        ui.painter().galley(at, words, other.strong);
        let mut drawn = Drawn::default();
        let mut held = response.contains_pointer();
        if !self.action.is_empty() {
            let min = pos2(words_end + gap, y - 10.0);
            let spot = Rect::from_min_size(min, vec2(action, 20.0));
            let link = part(ui, spot, "action", Role::Button, &self.action);
            paint::line(
                ui.painter(),
                spot.left_center(),
                Align2::LEFT_CENTER,
                &self.action,
                Face::CURRENT,
                other.link,
            );
            drawn.action = link.clicked();
            held |= link.has_focus();
        }
        let spot = Rect::from_center_size(pos2(rect.right() - 20.0, y), Vec2::splat(20.0));
        let close = part(ui, spot, "close", Role::Button, "Dismiss");
        paint::icon(ui.painter(), spot.center(), icons::X, 14.0, other.strong);
        drawn.close = close.clicked();
        drawn.held = held || close.has_focus();
        drawn
    }
}

/// Words in the colour of a toast.
fn words_of(said: &str, face: Face, t: &Tokens) -> Words {
    words().add(said, face, t.inverse().strong)
}

fn ground(t: &Tokens) -> Color32 {
    if t.dark {
        t.inverse().pressed
    } else {
        t.inverse().overlay
    }
}

fn part(ui: &Ui, rect: Rect, salt: &str, role: Role, name: &str) -> Response {
    let response = ui.interact(rect, ui.scope_id().with(salt), egui::Sense::click());
    response.widget_info(|| WidgetInfo::labeled(role, true, name));
    if response.has_focus() {
        paint::focus_ring(ui.painter(), rect, radius::TAG, tokens(ui).inverse());
    }
    response.on_hover_cursor(CursorIcon::PointingHand)
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable as _;

    use super::*;
    use crate::app::kit::testing::harness;

    fn show(ui: &Ui, toasts: &mut Toasts) -> Option<u64> {
        toasts.show(ui.ctx(), pos2(236.0, 760.0))
    }

    #[test]
    fn undo_is_reported_once_with_the_id_of_its_toast() {
        let mut toasts = Toasts::default();
        let id = toasts.push_with(Tone::Success, "Rule revoked", "Undo");
        let mut h = harness((toasts, Vec::new()), |ui, (toasts, undone)| {
            undone.extend(show(ui, toasts));
        });
        h.get_by_label("Rule revoked");
        h.get_by_label("Undo").click();
        h.run();
        assert_eq!(h.state().1, [id]);
        assert!(h.query_by_label("Rule revoked").is_none());
    }

    #[test]
    fn a_toast_leaves_after_eight_seconds_and_at_most_three_stand() {
        let mut toasts = Toasts::default();
        for word in ["One", "Two", "Three", "Four"] {
            toasts.push(Tone::Success, word);
        }
        let mut h = harness(toasts, |ui, toasts| {
            show(ui, toasts);
        });
        assert!(h.query_by_label("One").is_none());
        h.get_by_label("Four");
        // A step of the harness is a quarter of a second.
        h.run_steps(34);
        assert!(h.query_by_label("Four").is_none());
    }

    #[test]
    fn what_went_wrong_stays_until_it_is_dismissed() {
        let mut toasts = Toasts::default();
        toasts.push(Tone::Danger, "1 refused");
        for word in ["One", "Two", "Three", "Four"] {
            toasts.push(Tone::Success, word);
        }
        let mut h = harness(toasts, |ui, toasts| {
            show(ui, toasts);
        });
        h.run_steps(34);
        h.get_by_label("1 refused");
        assert!(h.query_by_label("Four").is_none());
        h.get_by_label("Dismiss").click();
        h.run();
        assert!(h.query_by_label("1 refused").is_none());
    }

    #[test]
    fn a_long_refusal_wraps_inside_the_window() {
        let long =
            "The client range 10.1.0.0/22 meets 10.1.0.0/16 of vpc-0a1b2c3d4e5f67890. ".repeat(3);
        let mut toasts = Toasts::default();
        toasts.push(Tone::Danger, long.as_str());
        toasts.push(Tone::Success, "Rule revoked");
        let h = harness(toasts, |ui, toasts| {
            toasts.show(ui.ctx(), pos2(76.0, 560.0));
        });
        let toast = h.get_by_label(&long).rect();
        assert!(toast.height() > HEIGHT, "{toast}");
        assert!(toast.right() < h.ctx.content_rect().right());
        let newer = h.get_by_label("Rule revoked").rect();
        assert!(toast.bottom() < newer.top(), "they do not cover each other");
    }

    #[test]
    fn a_toast_is_dismissed_by_its_button() {
        let mut toasts = Toasts::default();
        toasts.push(Tone::Danger, "3 connections terminated, 1 did not answer");
        let mut h = harness(toasts, |ui, toasts| {
            show(ui, toasts);
        });
        h.get_by_label("Dismiss").click();
        h.run();
        assert!(h.query_by_label("Dismiss").is_none());
    }
}
