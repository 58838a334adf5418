//! The palette: one line to type that goes to a page or a thing, or does something.

use egui::{Key, Modifiers, Role, ScrollArea, Sense, Ui, WidgetInfo, vec2};

use crate::{
    app::{
        context::{Action, Context, EndpointTab, Screen},
        dialogs::{
            Stay, create_endpoint::CreateEndpoint, diagnosis::Diagnosis, download::Download,
            modify_endpoint::ModifyEndpoint, terminate::Terminate,
            test_connection::TestTheConnection,
        },
        kit::{self, Face, icons, tokens, words},
        screens::{GROUPS, Screens, event_history::UndoLast},
    },
    model::{ConnectionState, EndpointId, View},
};

/// Rows shown at most: more than fit are reached by typing on.
const AT_MOST: usize = 40;
const ROW: f32 = 36.0;

/// The open palette.
#[derive(Debug, Default)]
pub(super) struct Palette {
    typed: String,
    at: usize,
}

/// What a line of the palette leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    Go(Screen),
    Create,
    Help,
    Diagnose,
    UndoLast,
    Test(EndpointId),
    Download(EndpointId),
    Modify(EndpointId),
    Endpoint(EndpointId),
    Connection(EndpointId),
    Terminate(crate::model::ConnectionId),
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    group: &'static str,
    icon: &'static str,
    name: String,
    /// What else it is found by, and shown weak beside the name.
    detail: String,
    shortcut: &'static str,
    target: Target,
}

impl Palette {
    pub(super) fn new(typed: String) -> Self {
        Self { typed, at: 0 }
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
        self.choose(cx, target);
        Stay::Closed
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
        }
        let lines = found(lines(cx.view, screens), &self.typed);
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

    fn choose(&self, cx: &mut Context<'_>, target: Target) {
        match target {
            Target::Go(screen) => cx.ask(Action::Go(screen)),
            Target::Create => {
                let dialog = CreateEndpoint::new(cx);
                cx.open(dialog);
            }
            Target::Help => cx.ask(Action::OpenHelp),
            Target::Diagnose => cx.open(Diagnosis::default()),
            Target::UndoLast => cx.open(UndoLast::default()),
            Target::Test(id) => cx.open(TestTheConnection::new(id)),
            Target::Download(id) => cx.open(Download::new(id)),
            Target::Modify(id) => {
                if let Some(dialog) = ModifyEndpoint::new(&cx.view.snapshot, &id) {
                    cx.open(dialog);
                }
            }
            Target::Endpoint(id) => cx.ask(Action::ShowEndpoint(id, None)),
            Target::Connection(id) => {
                cx.ask(Action::ShowEndpoint(id, Some(EndpointTab::Connections)));
            }
            Target::Terminate(id) => {
                let dialog = Terminate::new(cx.view, std::iter::once(&id));
                cx.open(dialog);
            }
        }
    }
}

/// Every line there is: pages, commands, endpoints, connections.
fn lines(view: &View, screens: &Screens) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut add = |group, icon, name: String, detail: String, shortcut, target| {
        lines.push(Line {
            group,
            icon,
            name,
            detail,
            shortcut,
            target,
        });
    };
    let pages = GROUPS.iter().flat_map(|(_, members)| members.iter());
    for screen in pages.copied().chain([Screen::Settings]) {
        if screens.has(screen) && screen.is_listed(view) {
            let keys = if screen == Screen::Settings {
                "Ctrl ,"
            } else {
                ""
            };
            add(
                "Go to",
                screen.icon(),
                screen.title().to_owned(),
                String::new(),
                keys,
                Target::Go(screen),
            );
        }
    }
    for (icon, name, keys, target) in [
        (
            icons::PLUS,
            "Create Client VPN Endpoint",
            "Ctrl N",
            Target::Create,
        ),
        (icons::QUESTION, "Show help and keys", "F1", Target::Help),
        (icons::PULSE, "Diagnose this machine", "", Target::Diagnose),
        (
            icons::ARROW_COUNTER_CLOCKWISE,
            "Undo last change",
            "",
            Target::UndoLast,
        ),
    ] {
        add("Do", icon, name.to_owned(), String::new(), keys, target);
    }
    for endpoint in view.snapshot.endpoints.values().filter(|e| !e.deleting) {
        add(
            "Do",
            icons::PULSE,
            format!("Test connection to {}", endpoint.title()),
            String::new(),
            "",
            Target::Test(endpoint.id.clone()),
        );
        add(
            "Do",
            icons::DOWNLOAD_SIMPLE,
            format!("Download Client Configuration of {}", endpoint.title()),
            String::new(),
            "",
            Target::Download(endpoint.id.clone()),
        );
        add(
            "Do",
            icons::PENCIL_SIMPLE,
            format!("Modify {}", endpoint.title()),
            String::new(),
            "F2",
            Target::Modify(endpoint.id.clone()),
        );
    }
    let live = view
        .live
        .connections
        .iter()
        .filter(|c| c.ended_at.is_none());
    for connection in live.clone().filter(|c| c.state == ConnectionState::Active) {
        add(
            "Do",
            icons::STOP_CIRCLE,
            format!("Terminate {}", connection.common_name),
            format!("{}  {}", connection.client_ip, connection.id),
            "",
            Target::Terminate(connection.id.clone()),
        );
    }
    for endpoint in view.snapshot.endpoints.values() {
        add(
            "Endpoints",
            icons::PLUGS_CONNECTED,
            endpoint.title().to_owned(),
            format!("{}  {}", endpoint.client_cidr, endpoint.id),
            "",
            Target::Endpoint(endpoint.id.clone()),
        );
    }
    for connection in live {
        add(
            "Connections",
            icons::LAPTOP,
            connection.common_name.clone(),
            format!(
                "{}  {}  {}",
                connection.client_ip,
                connection.device.ip(),
                connection.id
            ),
            "",
            Target::Connection(connection.endpoint_id.clone()),
        );
    }
    lines
}

/// The lines that hold every word typed, in name or detail. With nothing typed, the first of each
/// kind: a thousand connections would bury the commands.
fn found(lines: Vec<Line>, typed: &str) -> Vec<Line> {
    let wanted = typed.to_lowercase();
    let wanted: Vec<&str> = wanted.split_whitespace().collect();
    let few = |line: &Line| {
        !matches!(
            line.target,
            Target::Terminate(_)
                | Target::Test(_)
                | Target::Download(_)
                | Target::Modify(_)
                | Target::Connection(_)
        )
    };
    lines
        .into_iter()
        .filter(|line| {
            let text = format!("{} {}", line.name, line.detail).to_lowercase();
            match wanted.is_empty() {
                true => few(line),
                false => wanted.iter().all(|word| text.contains(word)),
            }
        })
        .take(AT_MOST)
        .collect()
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

    fn line(name: &str, detail: &str) -> Line {
        Line {
            group: "Endpoints",
            icon: icons::PLUS,
            name: name.into(),
            detail: detail.into(),
            shortcut: "",
            target: Target::Create,
        }
    }

    #[test]
    fn a_line_is_found_by_every_word_in_any_order() {
        let lines = vec![
            line("corp-staff", "10.20.0.0/20"),
            line("lab", "10.32.0.0/22"),
        ];
        assert_eq!(found(lines.clone(), "10.20 STAFF").len(), 1);
        assert_eq!(found(lines.clone(), "10.").len(), 2);
        assert!(found(lines, "nowhere").is_empty());
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
