//! A verdict and how it came about: the checks in their order, and the rules that match.

use egui::{Align2, Rect, Response, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::{
    icons, paint,
    status::Tone,
    text::{Face, words},
    tokens::{radius, tokens},
};

/// The verdict in one sentence, why in another, and what it is as of at the right.
pub fn verdict(ui: &mut Ui, tone: Tone, title: &str, why: &str, as_of: &str) -> Response {
    let t = tokens(ui);
    let width = ui.available_width();
    let end = paint::width(ui, as_of, Face::HELP);
    let room = (width - 60.0 - 16.0).max(80.0);
    let why_job = words().add(why, Face::BODY, t.text).wrapped(room);
    let galley = ui.painter().layout_job(why_job);
    let height = (galley.size().y + 46.0).round();
    let (rect, response) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
    let rect = rect.round();
    let said = format!("{title}. {why}");
    response.widget_info(|| WidgetInfo::labeled(Role::Status, true, &said));
    let color = tone.color(t);
    let edge = Stroke::new(1.0, color.gamma_multiply(0.6));
    paint::boxed(ui.painter(), rect, radius::CARD, tone.ground(t), edge);
    let icon = match tone {
        Tone::Danger => icons::PROHIBIT,
        _ => tone.icon(),
    };
    let center = pos2(rect.left() + 32.0, rect.center().y);
    paint::icon_fill(ui.painter(), center, icon, 28.0, color);
    let at = pos2(rect.left() + 60.0, rect.top() + 20.0);
    let title_room = room - end - 16.0;
    paint::line_within(
        ui.painter(),
        at,
        Align2::LEFT_CENTER,
        title,
        Face::PANEL,
        t.strong,
        title_room,
    );
    let corner = pos2(rect.right() - 14.0, rect.top() + 20.0);
    paint::line(
        ui.painter(),
        corner,
        Align2::RIGHT_CENTER,
        as_of,
        Face::HELP,
        t.weak,
    );
    let at = pos2(rect.left() + 60.0, rect.top() + 33.0);
    ui.painter().galley(at.round(), galley, t.text);
    response
}

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Went {
    /// It lets the packet on.
    Passed,
    /// It ends here.
    Refused,
    /// An earlier one ended it.
    NotReached,
}

impl Went {
    const fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Refused => "refused here",
            Self::NotReached => "not reached",
        }
    }
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What is checked ("Route").
    pub title: &'static str,
    /// What came of it, as a sentence.
    pub detail: String,
    /// The object that matched, as rules spell it; may be empty.
    pub object: String,
    /// How it went.
    pub went: Went,
}

/// The checks below each other, joined as far as the packet gets.
pub fn checks(ui: &mut Ui, checks: &[Check]) {
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for (index, check) in checks.iter().enumerate() {
            let next = checks.get(index + 1).map(|next| next.went);
            one_check(ui, check, next);
        }
    });
}

fn one_check(ui: &mut Ui, check: &Check, next: Option<Went>) {
    let t = tokens(ui);
    let refused = check.went == Went::Refused;
    let width = ui.available_width();
    let left = 42.0;
    let room = (width - left - 12.0).max(80.0);
    let color = if refused { t.text } else { t.weak };
    let mut detail = words().add(&check.detail, Face::HELP, color);
    if refused && !check.object.is_empty() {
        detail = detail.add("\n", Face::HELP, color);
        detail = detail.add(&check.object, Face::MONO, t.danger);
    }
    let galley = ui.painter().layout_job(detail.wrapped(room));
    let height = (galley.size().y + 36.0).round();
    let (rect, response) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
    let rect = rect.round();
    let said = format!("{}, {}", check.title, check.went.word());
    response.widget_info(|| WidgetInfo::labeled(Role::ListItem, true, &said));
    let more = match check.object.as_str() {
        "" => check.detail.clone(),
        object => format!("{} {object}", check.detail),
    };
    paint::describe(&response, &more);
    let p = ui.painter();
    if refused {
        p.rect_filled(rect, radius::CARD, t.danger_bg);
    }
    let center = pos2(rect.left() + 18.0, rect.top() + 20.0);
    if let Some(next) = next {
        let line = match next {
            Went::NotReached => t.border_strong.gamma_multiply(0.6),
            _ => t.success,
        };
        let y = (center.y + 12.0)..=(rect.bottom() + 7.0);
        p.vline(center.x.round(), y, Stroke::new(1.5, line));
    }
    mark(ui, center, check.went);
    let at = pos2(rect.left() + left, rect.top() + 13.0);
    let title_color = if check.went == Went::NotReached {
        t.text
    } else {
        t.strong
    };
    let drawn = paint::line(
        p,
        at,
        Align2::LEFT_CENTER,
        check.title,
        Face::NAME,
        title_color,
    );
    if check.went == Went::NotReached {
        let at = pos2(drawn.right() + 8.0, at.y);
        paint::line(
            p,
            at,
            Align2::LEFT_CENTER,
            "not reached",
            Face::SMALL,
            t.weak,
        );
    } else if !refused {
        let at = pos2(rect.right() - 4.0, at.y);
        let room = rect.right() - drawn.right() - 20.0;
        let cut = paint::width(ui, &check.object, Face::MONO) > room;
        let (anchor, at) = match cut {
            true => (Align2::LEFT_CENTER, pos2(drawn.right() + 16.0, at.y)),
            false => (Align2::RIGHT_CENTER, at),
        };
        paint::line_within(p, at, anchor, &check.object, Face::MONO, t.text, room);
        if cut {
            response.on_hover_text(&check.object);
        }
    }
    let at = pos2(rect.left() + left, rect.top() + 22.0);
    p.galley(at.round(), galley, t.text);
}

fn mark(ui: &Ui, center: egui::Pos2, went: Went) {
    let t = tokens(ui);
    let p = ui.painter();
    match went {
        Went::Passed => paint::icon_fill(p, center, icons::CHECK_CIRCLE, 21.0, t.success),
        Went::Refused => paint::icon_fill(p, center, icons::X_CIRCLE, 21.0, t.danger),
        Went::NotReached => paint::icon(p, center, icons::CIRCLE_DASHED, 20.0, t.border_strong),
    }
}

/// A rule whose network holds the destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Its network, as rules spell it.
    pub network: String,
    /// The length of its prefix, 0 to 32.
    pub length: u8,
    /// Whom it lets in, and what of their traffic.
    pub who: String,
    /// Why it grants nothing here, or where it is shadowed what it would do.
    pub why: String,
    /// The tone of the verdict where its prefix decides; none where a longer one does.
    pub decides: Option<Tone>,
}

/// A rule that matches, with a bar as long as its prefix.
pub fn matching_rule(ui: &mut Ui, rule: &Match) -> Response {
    const BAR: f32 = 96.0;
    let t = tokens(ui);
    let width = ui.available_width();
    let (rect, response) = ui.allocate_exact_size(vec2(width, 46.0), Sense::hover());
    let rect = rect.round();
    let fate = if rule.decides.is_some() {
        "Decides"
    } else {
        "Shadowed"
    };
    let said = format!("{}, {}, {fate}", rule.network, rule.who);
    response.widget_info(|| WidgetInfo::labeled(Role::ListItem, true, &said));
    let p = ui.painter();
    let (edge, ground) = match rule.decides {
        Some(tone) => (tone.color(t), t.raised),
        None => (t.border, t.card()),
    };
    paint::boxed(p, rect, radius::CARD, ground, Stroke::new(1.0, edge));
    let left = rect.left() + 12.0;
    let at = pos2(left, rect.top() + 16.0);
    paint::line(
        p,
        at,
        Align2::LEFT_CENTER,
        &rule.network,
        Face::MONO,
        t.strong,
    );
    let track = Rect::from_min_size(pos2(left, rect.top() + 29.0), vec2(BAR, 4.0));
    p.rect_filled(track, 2, t.mute);
    let part = (f32::from(rule.length.min(32)) / 32.0 * BAR).max(1.5);
    let filled = Rect::from_min_size(track.min, vec2(part, 4.0));
    let color = rule.decides.map_or(t.border_strong, |tone| tone.color(t));
    p.rect_filled(filled, 2, color);
    let right = pos2(rect.right() - 12.0, rect.center().y);
    let color = rule.decides.map_or(t.weak, |tone| tone.color(t));
    let drawn = paint::line(p, right, Align2::RIGHT_CENTER, fate, Face::STATUS, color);
    let mut end = drawn.left();
    if let Some(tone) = rule.decides {
        tone.paint(ui, pos2(drawn.left() - 12.0, right.y), 14.0);
        end -= 22.0;
    }
    let at = left + BAR + 32.0;
    let room = end - at - 8.0;
    let y = if rule.why.is_empty() {
        rect.center().y
    } else {
        rect.top() + 15.0
    };
    let p = ui.painter();
    paint::line_within(
        p,
        pos2(at, y),
        Align2::LEFT_CENTER,
        &rule.who,
        Face::BODY,
        t.strong,
        room,
    );
    if rule.why.is_empty() {
        return response;
    }
    let below = pos2(at, rect.top() + 31.0);
    paint::line_within(
        p,
        below,
        Align2::LEFT_CENTER,
        &rule.why,
        Face::HELP,
        t.weak,
        room,
    );
    paint::describe(&response, &rule.why);
    response.on_hover_text(format!("{}, {}", rule.who, rule.why))
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::{NodeT as _, Queryable as _};

    use super::*;
    use crate::app::kit::testing::harness;

    #[test]
    fn a_chain_says_how_each_check_went_and_by_what() {
        let chain = [
            Check {
                title: "Route",
                detail: "Longest match in the route table".to_owned(),
                object: "10.1.0.0/16 via office-a".to_owned(),
                went: Went::Passed,
            },
            Check {
                title: "Authorization rule",
                detail: "No rule of that prefix lets m.okafor in".to_owned(),
                object: "10.1.0.0/16, group dba-team".to_owned(),
                went: Went::Refused,
            },
            Check {
                title: "VPC reachability",
                detail: String::new(),
                object: String::new(),
                went: Went::NotReached,
            },
        ];
        let h = harness((), |ui, ()| {
            verdict(ui, Tone::Danger, "Denied", "Nobody lets m.okafor in.", "");
            checks(ui, &chain);
        });
        h.get_by_label("Denied. Nobody lets m.okafor in.");
        h.get_by_label("Route, passed");
        h.get_by_label("VPC reachability, not reached");
        let refused = h.get_by_label("Authorization rule, refused here");
        let said = refused.accesskit_node().description().unwrap();
        assert!(said.contains("group dba-team"), "{said}");
    }

    #[test]
    fn a_rule_says_whether_it_decides() {
        let rule = |decides| Match {
            network: "10.1.0.0/16".to_owned(),
            length: 16,
            who: "Group dba-team".to_owned(),
            why: "not a member".to_owned(),
            decides,
        };
        let h = harness((), |ui, ()| {
            matching_rule(ui, &rule(Some(Tone::Danger)));
            matching_rule(ui, &rule(None));
        });
        h.get_by_label("10.1.0.0/16, Group dba-team, Decides");
        h.get_by_label("10.1.0.0/16, Group dba-team, Shadowed");
    }
}
