//! The palette: one line to type that goes to a page or a thing, or does something.

mod lines;
mod search;

use std::sync::Arc;

use egui::{Key, Modifiers, Role, ScrollArea, Sense, Ui, WidgetInfo, vec2};

use self::{
    lines::{Line, Target},
    search::Search,
};
use crate::{
    app::{
        context::Context,
        dialogs::Stay,
        kit::{self, Face, tokens, words},
        screens::Screens,
    },
    model::View,
};

/// Rows shown at most: more than fit are reached by typing on.
const AT_MOST: usize = 40;
const ROW: f32 = 36.0;

/// The open palette.
#[derive(Debug, Default)]
pub(super) struct Palette {
    typed: String,
    at: usize,
    found: Vec<Line>,
    /// What was searched: the view, held so that no other can have its address, and the text.
    searched: Option<(Arc<View>, String)>,
}

impl Palette {
    pub(super) fn new(typed: String) -> Self {
        Self {
            typed,
            ..Self::default()
        }
    }

    pub(super) fn ui(
        &mut self,
        cx: &mut Context<'_>,
        screens: &Screens,
        ctx: &egui::Context,
    ) -> Stay {
        let (chosen, close) = kit::palette(ctx, "Search, or run a command", |ui| {
            self.content(cx, screens, ui)
        });
        let Some(target) = chosen else {
            return if close { Stay::Closed } else { Stay::Open };
        };
        kit::close_dialog(ctx, "Search, or run a command");
        lines::follow(cx, target);
        Stay::Closed
    }

    /// Looks again where another text or another view is searched: there may be ten thousand
    /// connections, and a frame has milliseconds.
    fn search(&mut self, cx: &Context<'_>, screens: &Screens) {
        let is_known = self
            .searched
            .as_ref()
            .is_some_and(|(of, typed)| Arc::ptr_eq(of, cx.view) && *typed == self.typed);
        if !is_known {
            let mut search = Search::new(&self.typed);
            lines::offer_all(&mut search, cx, screens);
            let before = std::mem::replace(&mut self.found, search.lines());
            let is_same_text = self
                .searched
                .as_ref()
                .is_some_and(|(_, it)| *it == self.typed);
            if is_same_text && let Some(marked) = before.get(self.at) {
                // Lines may have come before it.
                let mut lines = self.found.iter();
                let now = lines.position(|line| line.target == marked.target);
                self.at = now.unwrap_or_default();
            }
            self.searched = Some((Arc::clone(cx.view), self.typed.clone()));
        }
    }

    fn content(&mut self, cx: &Context<'_>, screens: &Screens, ui: &mut Ui) -> Option<Target> {
        let step = ui.input_mut(|i| {
            let down = i.consume_key(Modifiers::NONE, Key::ArrowDown);
            let up = i.consume_key(Modifiers::NONE, Key::ArrowUp);
            i32::from(down) - i32::from(up)
        });
        let enter = ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Enter));
        let before = self.typed.clone();
        kit::text_field(&mut self.typed)
            .hint("Type a page, a name, an address, an ID or a command")
            .id("palette")
            .ui(ui);
        if self.typed != before {
            self.at = 0;
        } else if enter && let Some(line) = self.found.get(self.at) {
            // The one that was marked when the key was pressed, whatever has come since.
            return Some(line.target.clone());
        }
        self.search(cx, screens);
        let lines = &self.found;
        let last = lines.len().saturating_sub(1);
        self.at = self.at.saturating_add_signed(step as isize).min(last);
        ui.add_space(6.0);
        if lines.is_empty() {
            kit::help(
                ui,
                "Nothing goes by that. Try part of a name, an address or an ID.",
            );
            return None;
        }
        let mut chosen = None;
        let room = (ui.ctx().content_rect().height() - 260.0).max(160.0);
        ScrollArea::vertical()
            .max_height(room)
            .auto_shrink([false, true])
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                let mut group = "";
                for (index, line) in lines.iter().enumerate() {
                    if line.group != group {
                        group = line.group;
                        ui.add_space(6.0);
                        kit::group_label(ui, group);
                    }
                    let at = index == self.at;
                    let response = entry(ui, line, &self.typed, at);
                    if at && step != 0 {
                        response.scroll_to_me(None);
                    }
                    if response.clicked() {
                        chosen = Some(line.target.clone());
                    }
                }
            });
        if enter {
            chosen = lines.get(self.at).map(|line| line.target.clone());
        }
        chosen
    }
}

/// One row; the letters that match are heavier.
fn entry(ui: &mut Ui, line: &Line, typed: &str, at: bool) -> egui::Response {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, at, &line.name));
    if at || response.hovered() {
        let fill = if at { t.selected } else { t.hover };
        ui.painter().rect_filled(rect, 6, fill);
    }
    let inner = rect.shrink2(vec2(10.0, 0.0));
    let layout = egui::Layout::left_to_right(egui::Align::Center);
    let mut child = ui.new_child(egui::UiBuilder::new().max_rect(inner).layout(layout));
    child.spacing_mut().item_spacing.x = 8.0;
    kit::icon(&mut child, line.icon, 16.0);
    let mut text = words();
    for (part, matched) in split(&line.name, typed) {
        let face = if matched {
            Face::new(13.0, 650.0)
        } else {
            Face::BODY
        };
        text = text.add(part, face, t.strong);
    }
    if !line.detail.is_empty() {
        text = text.after(10.0, &line.detail, Face::MONO, t.weak);
    }
    // Painted, so that the row is found by its name once.
    let room = child.available_width();
    let galley = child.painter().layout_job(text.wrapped(f32::INFINITY));
    let at = egui::pos2(
        child.cursor().left(),
        rect.center().y - galley.size().y / 2.0,
    );
    let clip = egui::Rect::from_min_size(rect.min, vec2(at.x - rect.left() + room, ROW));
    child
        .painter()
        .with_clip_rect(clip.intersect(child.clip_rect()))
        .galley(at.round(), galley, t.strong);
    if !line.shortcut.is_empty() {
        child.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            kit::key_cap(ui, line.shortcut)
        });
    }
    response
}

/// `name` in pieces, with those that match a typed word marked.
fn split<'a>(name: &'a str, typed: &str) -> Vec<(&'a str, bool)> {
    let lower = name.to_lowercase();
    let word = typed.split_whitespace().next().map(str::to_lowercase);
    // Lower case of some letters is longer than the letter: then nothing is marked.
    let Some(start) = word
        .as_deref()
        .filter(|_| lower.len() == name.len())
        .and_then(|word| lower.find(word))
    else {
        return vec![(name, false)];
    };
    let end = start + word.map_or(0, |w| w.len());
    let pieces = [
        (name.get(..start), false),
        (name.get(start..end), true),
        (name.get(end..), false),
    ];
    pieces
        .into_iter()
        .filter_map(|(piece, matched)| piece.filter(|p| !p.is_empty()).map(|p| (p, matched)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui_kittest::kittest::{NodeT as _, Queryable as _};

    use crate::app::testing::{FakeConsole, Window, sample};

    fn open(typed: &str) -> Window {
        let (snapshot, live) = sample::office();
        let mut window = Window::open(FakeConsole::new(snapshot, live));
        let app = window.harness.state_mut().as_mut().unwrap();
        app.palette = Some(Palette::new(typed.to_owned()));
        window.settle();
        window
    }

    fn names(window: &Window) -> Vec<String> {
        let app = window.harness.state().as_ref().unwrap();
        let palette = app.palette.as_ref().unwrap();
        palette.found.iter().map(|line| line.name.clone()).collect()
    }

    #[test]
    fn everything_is_reached_and_before_anything_is_typed_only_what_there_is_little_of() {
        for name in [
            "Certificates",
            "Issue certificate",
            "Restore a backup",
            "Create VPC",
            "Create group",
            "Authorize ingress to corp-staff",
            "Import Client Certificate CRL into corp-staff",
            "corp-staff: Route Table",
        ] {
            assert_eq!(names(&open(name)).first().map(String::as_str), Some(name));
        }
        let few = open("");
        let app = few.harness.state().as_ref().unwrap();
        let found = &app.palette.as_ref().unwrap().found;
        assert!(found.len() < AT_MOST, "{} lines", found.len());
        assert!(found.iter().all(|it| it.target.is_one_of_few()));
    }

    #[test]
    fn a_connection_is_shown_and_a_user_is_found_on_the_page_of_users() {
        let (_, live) = sample::office();
        let connection = live.connections.iter().find(|c| c.ended_at.is_none());
        let connection = connection.unwrap();
        let mut window = open(connection.id.as_str());
        window.click(&connection.common_name);
        assert!(window.says(connection.id.as_str()), "its details are open");

        let mut window = open(&connection.common_name);
        let user = names(&window)
            .into_iter()
            .find(|it| it.starts_with("User "));
        window.click(&user.unwrap());
        let filter = window.harness.get_by_label("Filter users and groups");
        let typed = filter.accesskit_node().value();
        assert_eq!(typed.as_deref(), Some(connection.common_name.as_str()));
    }

    #[test]
    fn the_letters_that_match_are_marked() {
        assert_eq!(
            split("corp-staff", "STAFF"),
            [("corp-", false), ("staff", true)]
        );
        assert_eq!(split("İ", "x"), [("İ", false)]);
    }
}
