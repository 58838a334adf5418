//! Fields: label above, help or error below, the cure of an error as a link.
//!
//! The label names the input for screen readers; help and error are its description. An error
//! replaces the help, so nothing beside a field moves sideways.

use std::ops::Deref;

use egui::{
    Align, Align2, Context, Frame, Id, Label, Layout, Margin, Rect, Response, Role, Sense, Shape,
    Stroke, StrokeKind, TextEdit, Ui, UiBuilder, WidgetInfo, epaint::RectShape, pos2,
    text::LayoutJob, vec2,
};

use super::{
    button, icons, paint, status,
    text::{Face, words},
    tokens::{Tokens, radius, size, space, tokens},
};

/// What stands around an input: label, help, error.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Surround<'a> {
    pub(super) label: &'a str,
    pub(super) optional: bool,
    pub(super) help: &'a str,
    pub(super) error: Option<&'a str>,
    pub(super) cure: Option<&'a str>,
    pub(super) width: Option<f32>,
    /// Its name where it stands beside a labelled field and has no label of its own.
    pub(super) beside: &'a str,
    /// The caller says the error, over a wider place than the field has.
    pub(super) marked_only: bool,
    /// As high as the buttons and the search beside it, not as a field of a form.
    pub(super) in_toolbar: bool,
}

impl Surround<'_> {
    /// How high the input is.
    pub(super) const fn height(&self) -> f32 {
        if self.in_toolbar {
            size::CONTROL
        } else {
            size::FIELD
        }
    }

    /// Lays out label, input and what is below, and ties them together for screen readers.
    pub(super) fn show(
        self,
        ui: &mut Ui,
        input: impl FnOnce(&mut Ui, f32) -> Response,
    ) -> FieldResponse {
        let width = paint::width_or_rest(ui, self.width);
        let layout = Layout::top_down(Align::Min);
        // In a toolbar it stands in the middle: its height counts before it is drawn.
        let bare = self.label.is_empty() && self.beside.is_empty();
        let room = vec2(width, if bare { self.height() } else { 0.0 });
        ui.allocate_ui_with_layout(room, layout, |ui| {
            ui.set_width(width);
            ui.spacing_mut().item_spacing.y = 0.0;
            let label = (!self.label.is_empty()).then(|| {
                let id = label_line(ui, self.label, self.optional).id;
                ui.add_space(5.0);
                id
            });
            if label.is_none() && !self.beside.is_empty() {
                ui.add_space(label_height(ui) + 5.0);
            }
            let mut response = input(ui, width);
            if let Some(id) = label {
                response = response.labelled_by(id);
            } else if !self.beside.is_empty() {
                response = response.accessible_name(self.beside);
            }
            self.describe(&response);
            let cured = self.below(ui);
            if self.error.is_some() {
                focus_if_asked(&response, Wanted::FirstError);
            }
            focus_if_asked(&response, Wanted::FirstField);
            FieldResponse { response, cured }
        })
        .inner
    }

    fn describe(&self, response: &Response) {
        if let Some(error) = self.error {
            let said = self
                .cure
                .map_or_else(|| error.to_owned(), |cure| format!("{error} {cure}"));
            response.ctx.accesskit_node_builder(response.id, |node| {
                node.set_description(said);
                node.set_invalid(egui::accesskit::Invalid::True);
            });
        } else if !self.help.is_empty() {
            paint::describe(response, self.help);
        }
    }

    fn below(&self, ui: &mut Ui) -> bool {
        if self.marked_only {
            false
        } else if let Some(error) = self.error {
            ui.add_space(space::TIGHT);
            error_line(ui, error, self.cure)
        } else {
            if !self.help.is_empty() {
                ui.add_space(space::TIGHT);
                super::text::help(ui, self.help);
            }
            false
        }
    }
}

/// The sentence that says what is wrong, and its cure; true when the cure was chosen.
pub fn error_line(ui: &mut Ui, error: &str, cure: Option<&str>) -> bool {
    let t = tokens(ui);
    let wide = ui.available_width();
    let job = words()
        .add(error, Face::HELP, t.danger)
        .wrapped((wide - 20.0).max(40.0));
    let galley = ui.painter().layout_job(job);
    let size = vec2(wide.min(galley.size().x + 20.0), galley.size().y + 1.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, error));
    let p = ui.painter();
    let at = pos2(rect.left() + 7.0, rect.top() + 8.0);
    paint::icon_fill(p, at, icons::WARNING_CIRCLE, 14.0, t.danger);
    p.galley(pos2(rect.left() + 20.0, rect.top()), galley, t.danger);
    let Some(cure) = cure else {
        return false;
    };
    // Under the sentence, not under its icon.
    let layout = Layout::left_to_right(Align::Center);
    ui.allocate_ui_with_layout(vec2(wide, 17.0), layout, |ui| {
        ui.spacing_mut().interact_size.y = 0.0;
        ui.add_space(20.0);
        cure_link(ui, cure)
    })
    .inner
}

fn cure_link(ui: &mut Ui, cure: &str) -> bool {
    let t = tokens(ui);
    let face = Face::new(12.0, 600.0);
    let response = button::link_in(ui, cure, face);
    let y = response.rect.bottom().round() - 1.5;
    let line = Stroke::new(1.0, t.link.gamma_multiply(0.6));
    ui.painter().hline(response.rect.x_range(), y, line);
    response.clicked()
}

fn label_height(ui: &Ui) -> f32 {
    let job = words()
        .add("M", Face::LABEL, tokens(ui).strong)
        .wrapped(f32::INFINITY);
    ui.painter().layout_job(job).size().y
}

fn label_line(ui: &mut Ui, label: &str, optional: bool) -> Response {
    let t = tokens(ui);
    let mut line = words().add(label, Face::LABEL, t.strong);
    if optional {
        line = line.after(8.0, "optional", Face::HELP, t.weak);
    }
    let response = line.ui_line(ui);
    // "optional" is for the eye: the field is found by its label alone.
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, label));
    response
}

/// An input with what was done to it.
#[derive(Debug)]
pub struct FieldResponse {
    /// The input itself.
    pub response: Response,
    /// The cure of the error was chosen.
    pub cured: bool,
}

impl Deref for FieldResponse {
    type Target = Response;

    fn deref(&self) -> &Response {
        &self.response
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    FirstField,
    FirstError,
}

fn wanted_slot() -> Id {
    Id::unique("kit: field that wants the focus")
}

/// The next field drawn takes the focus; asked for when a dialog opens.
pub fn focus_first_field(ctx: &Context) {
    ctx.data_mut(|d| d.insert_temp(wanted_slot(), Wanted::FirstField));
}

/// The next field drawn that shows an error takes the focus; asked for when a submit is refused.
pub fn focus_first_error(ctx: &Context) {
    ctx.data_mut(|d| d.insert_temp(wanted_slot(), Wanted::FirstError));
}

/// Forgets a wish for focus that no field has taken.
pub(super) fn forget_wanted_focus(ctx: &Context) {
    ctx.data_mut(|d| d.remove::<Wanted>(wanted_slot()));
}

fn focus_if_asked(response: &Response, wanted: Wanted) {
    let ctx = &response.ctx;
    if !response.sense.is_focusable() || !ctx.memory(|m| m.is_above_modal_layer(response.layer_id))
    {
        return;
    }
    if ctx.data(|d| d.get_temp::<Wanted>(wanted_slot())) == Some(wanted) {
        forget_wanted_focus(ctx);
        response.request_focus();
        response.scroll_to_me(None);
    }
}

/// A text field being described; ends with [`TextField::ui`].
#[must_use = "a field is added with `ui`"]
pub struct TextField<'a> {
    value: &'a mut String,
    around: Surround<'a>,
    hint: &'a str,
    id: Option<Id>,
    mono: bool,
    password: bool,
    rows: usize,
    /// The most characters that a paste may bring: far above what any field can mean, so that what
    /// is too long is refused with a sentence and not cut in silence.
    limit: usize,
    disabled: Option<&'a str>,
}

/// A field of one line of text.
pub fn text_field(value: &mut String) -> TextField<'_> {
    TextField {
        value,
        around: Surround::default(),
        hint: "",
        id: None,
        mono: false,
        password: false,
        rows: 1,
        limit: 64 * 1024,
        disabled: None,
    }
}

/// A field of several lines of text, such as a certificate in PEM.
pub fn text_area(value: &mut String, rows: usize) -> TextField<'_> {
    TextField {
        rows: rows.max(2),
        limit: 4 * 1024 * 1024,
        ..text_field(value)
    }
}

impl<'a> TextField<'a> {
    /// The label above, which also names the field.
    pub const fn label(mut self, label: &'a str) -> Self {
        self.around.label = label;
        self
    }

    /// Without a label of its own, level with a labelled field it stands beside; `name` names it.
    pub const fn beside(mut self, name: &'a str) -> Self {
        self.around.beside = name;
        self
    }

    /// "optional" beside the label; what is required is not marked.
    pub const fn optional(mut self) -> Self {
        self.around.optional = true;
        self
    }

    /// An example of a value, shown while empty.
    pub const fn hint(mut self, hint: &'a str) -> Self {
        self.hint = hint;
        self
    }

    /// A sentence below, while there is no error.
    pub const fn help(mut self, help: &'a str) -> Self {
        self.around.help = help;
        self
    }

    /// What is wrong with the value as typed, and what would be right.
    pub fn error(mut self, error: impl Into<Option<&'a str>>) -> Self {
        self.around.error = error.into();
        self
    }

    /// The cure of the error as a link; [`FieldResponse::cured`] says that it was chosen.
    pub fn cure(mut self, cure: impl Into<Option<&'a str>>) -> Self {
        self.around.cure = cure.into();
        self
    }

    /// Only marks the field as wrong: the caller says why with [`error_line`], where the field is
    /// narrower than a sentence.
    pub const fn marked_only(mut self) -> Self {
        self.around.marked_only = true;
        self
    }

    /// In mono, for addresses, IDs and PEM.
    pub const fn mono(mut self) -> Self {
        self.mono = true;
        self
    }

    /// What is typed is not shown unless the button at its end says so, nor kept to be undone.
    pub const fn password(mut self) -> Self {
        self.password = true;
        self
    }

    /// An exact width in points; else what is left.
    pub const fn width(mut self, width: f32) -> Self {
        self.around.width = Some(width);
        self
    }

    /// An identity of its own, where the label is not unique in the window.
    pub fn id(mut self, id: impl std::hash::Hash + std::fmt::Debug) -> Self {
        self.id = Some(Id::unique(("kit field", id)));
        self
    }

    /// Read-only while there is a reason, which the tooltip says.
    pub fn disabled_because(mut self, reason: impl Into<Option<&'a str>>) -> Self {
        self.disabled = reason.into();
        self
    }

    /// Adds the field.
    pub fn ui(self, ui: &mut Ui) -> FieldResponse {
        let Self {
            value,
            around,
            hint,
            id,
            mono,
            password,
            rows,
            limit,
            disabled,
        } = self;
        around.show(ui, |ui, width| {
            let edit = Edit {
                hint,
                id,
                mono,
                secret: password.then_some(around.label),
                rows,
                limit,
                on: disabled.is_none(),
                error: around.error.is_some(),
            };
            let response = edit.show(ui, value, width);
            // A field without a label is named by its hint.
            let response =
                if around.label.is_empty() && around.beside.is_empty() && !hint.is_empty() {
                    response.accessible_name(hint)
                } else {
                    response
                };
            match disabled {
                Some(reason) => response.on_hover_text(reason),
                None => response,
            }
        })
    }
}

struct Edit<'a> {
    hint: &'a str,
    id: Option<Id>,
    mono: bool,
    /// What is typed is hidden; the label of the field.
    secret: Option<&'a str>,
    rows: usize,
    limit: usize,
    on: bool,
    error: bool,
}

impl Edit<'_> {
    fn show(self, ui: &mut Ui, value: &mut String, width: f32) -> Response {
        let t = tokens(ui);
        let lines = self.rows as f32;
        let height = if self.rows == 1 {
            size::FIELD
        } else {
            17.0 * lines + 16.0
        };
        let (rect, _) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
        // Text sticks to the top of egui's own frame, so we paint the box, once focus is known.
        let ground = ui.painter().add(Shape::Noop);
        let mut inner = if self.rows == 1 {
            rect.shrink2(vec2(10.0, 1.0))
        } else {
            rect.shrink2(vec2(10.0, 8.0))
        };
        let seen = self.secret.map(|label| Seen::of(ui, label));
        if seen.is_some() {
            inner.max.x = rect.right() - size::FIELD;
        }
        let is_hidden = seen.as_ref().is_some_and(|it| !it.is_on);
        let mut child = ui.new_child(inner_ui(inner, self.rows));
        let response = child
            .add_enabled_ui(self.on, |ui| self.edit(ui, value, inner, is_hidden))
            .inner;
        if let Some(seen) = seen {
            forget_typing(&response);
            seen.button(ui, rect);
        }
        let edge = edge(t, self.error, response.has_focus());
        let fill = if self.on { t.field } else { t.mute };
        let shape = RectShape::new(
            rect,
            egui::CornerRadius::same(radius::CONTROL),
            fill,
            edge,
            StrokeKind::Inside,
        );
        ui.painter().set(ground, shape);
        if response.has_focus() {
            paint::focus_ring(ui.painter(), rect, radius::CONTROL, t);
        }
        response
    }

    fn edit(&self, ui: &mut Ui, value: &mut String, inner: Rect, is_hidden: bool) -> Response {
        let t = tokens(ui);
        let face = if self.mono {
            Face::MONO_FIELD
        } else {
            Face::BODY
        };
        let hint_face = if self.mono {
            Face::MONO_FIELD
        } else {
            Face::BODY
        };
        let edit = if self.rows == 1 {
            TextEdit::singleline(value).align(Align2::LEFT_CENTER)
        } else {
            TextEdit::multiline(value).desired_rows(self.rows)
        };
        let mut edit = edit
            .frame(Frame::NONE)
            .margin(Margin::ZERO)
            .desired_width(inner.width())
            .font(face.font())
            .text_color(if self.on { t.strong } else { t.weak })
            .password(is_hidden)
            .char_limit(self.limit)
            .hint_text(hint_face.rich(self.hint, t.weak));
        if let Some(id) = self.id {
            edit = edit.id(id);
        }
        if self.rows == 1 {
            return ui.add(edit);
        }
        // The field's own place in the window: several areas in one form keep apart.
        let place = ui.next_auto_id();
        egui::ScrollArea::vertical()
            .id_salt(place)
            .max_height(inner.height())
            .auto_shrink(false)
            .show(ui, |ui| ui.add(edit))
            .inner
    }
}

/// Whether what is typed into a field of secrets is shown, for as long as the field is drawn.
struct Seen<'a> {
    slot: Id,
    label: &'a str,
    is_on: bool,
}

impl<'a> Seen<'a> {
    fn of(ui: &Ui, label: &'a str) -> Self {
        let slot = ui.scope_id().with(("kit secret shown", label));
        let now = ui.ctx().cumulative_pass_nr();
        let last = ui.data(|d| d.get_temp::<u64>(slot));
        Self {
            slot,
            label,
            is_on: last.is_some_and(|last| last + 1 >= now),
        }
    }

    /// The button at the end of the field, which shows what is typed and hides it.
    fn button(mut self, ui: &mut Ui, field: Rect) {
        let (icon, verb) = match self.is_on {
            true => (icons::EYE_SLASH, "Hide"),
            false => (icons::EYE, "Show"),
        };
        let spot = Rect::from_center_size(
            pos2(field.right() - size::FIELD / 2.0, field.center().y),
            vec2(size::CONTROL, size::CONTROL),
        );
        let name = format!("{verb} \"{}\"", self.label);
        let mut end = ui.new_child(inner_ui(spot, 1));
        if button::icon_button(icon, &name).clicked(&mut end) {
            self.is_on = !self.is_on;
        }
        let now = ui.ctx().cumulative_pass_nr();
        ui.data_mut(|d| match self.is_on {
            true => drop(d.insert_temp(self.slot, now)),
            false => drop(d.remove_temp::<u64>(self.slot)),
        });
    }
}

/// Drops what egui keeps of a field to undo typing: copies of what must not stay in memory.
fn forget_typing(response: &Response) {
    if let Some(mut state) = TextEdit::load_state(&response.ctx, response.id) {
        state.clear_undoer();
        TextEdit::store_state(&response.ctx, response.id, state);
    }
}

fn inner_ui(inner: Rect, rows: usize) -> UiBuilder {
    let layout = if rows == 1 {
        Layout::left_to_right(Align::Center)
    } else {
        Layout::top_down(Align::Min)
    };
    UiBuilder::new().max_rect(inner).layout(layout)
}

fn edge(t: &Tokens, error: bool, focused: bool) -> Stroke {
    if error {
        Stroke::new(1.5, t.danger)
    } else if focused {
        Stroke::new(1.0, t.link)
    } else {
        Stroke::new(1.0, t.border_strong)
    }
}

/// A search or filter field being described; ends with [`SearchField::ui`].
#[must_use = "a field is added with `ui`"]
pub struct SearchField<'a> {
    value: &'a mut String,
    name: &'a str,
    hint: &'a str,
    keys: &'a str,
    width: f32,
    focus: bool,
}

/// A search or filter field, 28 high; `name` is what it searches ("Filter endpoints").
pub const fn search_field<'a>(value: &'a mut String, name: &'a str) -> SearchField<'a> {
    SearchField {
        value,
        name,
        hint: "",
        keys: "",
        width: 320.0,
        focus: false,
    }
}

impl<'a> SearchField<'a> {
    /// An example, shown while empty.
    pub const fn hint(mut self, hint: &'a str) -> Self {
        self.hint = hint;
        self
    }

    /// The key that comes here, as a key cap at the right while empty.
    pub const fn keys(mut self, keys: &'a str) -> Self {
        self.keys = keys;
        self
    }

    /// Width in points.
    pub const fn width(mut self, width: f32) -> Self {
        self.width = width;
        self
    }

    /// Takes the focus now, as when its key was pressed.
    pub const fn focus(mut self, now: bool) -> Self {
        self.focus = now;
        self
    }

    /// Adds the field.
    pub fn ui(self, ui: &mut Ui) -> Response {
        let t = tokens(ui);
        let width = self.width.min(ui.available_width());
        let (rect, _) = ui.allocate_exact_size(vec2(width, size::CONTROL), Sense::hover());
        let ground = ui.painter().add(Shape::Noop);
        let glass = pos2(rect.left() + 15.0, rect.center().y);
        paint::icon(ui.painter(), glass, icons::MAGNIFYING_GLASS, 14.0, t.weak);
        let cap = if self.keys.is_empty() || !self.value.is_empty() {
            0.0
        } else {
            (paint::width(ui, self.keys, Face::SMALL) + 10.0).round()
        };
        let mut inner = rect;
        inner.min.x += 28.0;
        inner.max.x -= cap + 10.0;
        let mut child = ui.new_child(inner_ui(inner, 1));
        let edit = TextEdit::singleline(self.value)
            .frame(Frame::NONE)
            .margin(Margin::ZERO)
            .desired_width(inner.width())
            .align(Align2::LEFT_CENTER)
            .text_color(t.strong)
            .char_limit(1024)
            .hint_text(Face::BODY.rich(self.hint, t.weak));
        let response = child.add(edit).accessible_name(self.name);
        let focused = response.has_focus();
        let line = Stroke::new(1.0, if focused { t.link } else { t.border });
        let shape = RectShape::new(
            rect,
            egui::CornerRadius::same(radius::CONTROL),
            t.field,
            line,
            StrokeKind::Inside,
        );
        ui.painter().set(ground, shape);
        if cap > 0.0 {
            let min = pos2(rect.right() - 5.0 - cap, rect.center().y - 9.0);
            status::paint_key_cap(ui, Rect::from_min_size(min, vec2(cap, 18.0)), self.keys);
        }
        if focused {
            paint::focus_ring(ui.painter(), rect, radius::CONTROL, t);
        }
        if self.focus {
            response.request_focus();
        }
        response
    }
}

/// A label of a group of inputs, with a sentence below it.
pub fn fieldset(ui: &mut Ui, label: &str, help: &str) {
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        let t = tokens(ui);
        ui.add(Label::new(Face::LABEL.rich(label, t.strong)).truncate());
        if !help.is_empty() {
            super::text::help(ui, help);
        }
    });
}

/// Two columns of equal width side by side, gap 16, as in a form dialog.
pub fn two_columns<R>(ui: &mut Ui, add: impl FnOnce(&mut Ui, &mut Ui) -> R) -> R {
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.x = space::GROUP;
        ui.columns_const(|[left, right]| {
            for side in [&mut *left, &mut *right] {
                side.spacing_mut().item_spacing = vec2(space::CONTROL, space::FIELD);
            }
            add(left, right)
        })
    })
    .inner
}

/// A paragraph painted by hand, for controls that lay out their own words.
pub(super) fn galley_at(ui: &Ui, at: egui::Pos2, job: LayoutJob) -> Rect {
    let color = tokens(ui).text;
    let galley = ui.painter().layout_job(job);
    let rect = Align2::LEFT_TOP.anchor_size(at, galley.size());
    ui.painter().galley(at, galley, color);
    rect
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::{NodeT as _, Queryable as _};

    use super::*;
    use crate::app::kit::testing::harness;

    const TOO_SMALL: &str =
        "10.0.0.0/24 is too small. A client range is between /22 and /16, for example 10.0.0.0/22.";

    #[test]
    fn a_field_is_found_by_its_label_and_takes_what_is_typed() {
        let mut h = harness(String::new(), |ui, value| {
            text_field(value)
                .label("Client IPv4 CIDR")
                .optional()
                .hint("10.20.0.0/20")
                .mono()
                .ui(ui);
        });
        h.get_by_label("Client IPv4 CIDR").focus();
        h.run();
        h.get_by_label("Client IPv4 CIDR").type_text("10.20.0.0/20");
        h.run();
        assert_eq!(h.state(), "10.20.0.0/20");
    }

    #[test]
    fn an_error_is_shown_and_belongs_to_what_the_field_says() {
        let h = harness(String::from("10.0.0.0/24"), |ui, value| {
            text_field(value)
                .label("Client IPv4 CIDR")
                .help("At least /22")
                .error(TOO_SMALL)
                .ui(ui);
        });
        let field = h.get_by_label("Client IPv4 CIDR");
        let node = field.accesskit_node();
        assert_eq!(node.data().description(), Some(TOO_SMALL));
        assert!(node.data().invalid().is_some());
        h.get_by_label(TOO_SMALL);
        assert!(
            h.query_by_label("At least /22").is_none(),
            "help gives way to the error"
        );
    }

    #[test]
    fn choosing_the_cure_is_reported() {
        let mut h = harness(String::from("10.1.0.7/16"), |ui, value| {
            let field = text_field(value)
                .label("Destination network")
                .error("10.1.0.7/16 has host bits set.")
                .cure("Use 10.1.0.0/16")
                .ui(ui);
            if field.cured {
                *value = "10.1.0.0/16".to_owned();
            }
        });
        h.get_by_label("Use 10.1.0.0/16").click();
        h.run();
        assert_eq!(h.state(), "10.1.0.0/16");
    }

    #[test]
    fn help_is_the_description_of_a_field_without_error() {
        let h = harness(String::new(), |ui, value| {
            text_field(value).label("Port").help("1–65535").ui(ui);
        });
        let field = h.get_by_label("Port");
        assert_eq!(field.accesskit_node().data().description(), Some("1–65535"));
    }

    #[test]
    fn a_read_only_field_takes_no_text() {
        let mut h = harness(String::from("udp"), |ui, value| {
            text_field(value)
                .label("Transport")
                .disabled_because("Set when created")
                .ui(ui);
        });
        h.get_by_label("Transport").click();
        h.run();
        h.event(egui::Event::Text("x".to_owned()));
        h.run();
        assert_eq!(h.state(), "udp");
    }

    #[test]
    fn a_secret_is_hidden_until_it_is_wanted_to_be_seen_and_again_when_the_field_was_gone() {
        let mut h = harness((String::new(), true), |ui, (value, is_there)| {
            if *is_there {
                text_field(value).label("Passphrase").password().ui(ui);
            }
        });
        let value = |h: &egui_kittest::Harness<'_, (String, bool)>| {
            h.get_by_label("Passphrase").value().unwrap_or_default()
        };
        h.get_by_label("Passphrase").focus();
        h.run();
        h.get_by_label("Passphrase").type_text("four words");
        h.run();
        assert_eq!(h.state().0, "four words");
        assert!(!value(&h).contains("four"), "{}", value(&h));
        h.get_by_label("Show \"Passphrase\"").click();
        h.run();
        assert_eq!(value(&h), "four words");
        h.get_by_label("Hide \"Passphrase\"").click();
        h.run();
        assert!(!value(&h).contains("four"));
        h.get_by_label("Show \"Passphrase\"").click();
        h.run();
        h.state_mut().1 = false;
        h.run_steps(3);
        h.state_mut().1 = true;
        h.run();
        assert!(!value(&h).contains("four"));
    }

    #[test]
    fn after_a_refused_submit_the_first_error_takes_the_focus() {
        let mut h = harness((String::new(), String::new()), |ui, (a, b)| {
            text_field(a).label("Name").ui(ui);
            text_field(b)
                .label("Port")
                .error("Port is empty. Use 443.")
                .ui(ui);
        });
        focus_first_error(&h.ctx);
        h.run();
        assert!(h.get_by_label("Port").is_focused());
    }

    #[test]
    fn a_field_beside_another_is_level_with_it_and_found_by_its_own_name() {
        let h = harness((String::new(), String::new()), |ui, (a, b)| {
            ui.horizontal_top(|ui| {
                text_field(a)
                    .label("DNS servers")
                    .optional()
                    .width(150.0)
                    .ui(ui);
                text_field(b)
                    .beside("Second DNS server")
                    .hint("Second")
                    .width(150.0)
                    .ui(ui);
            });
        });
        let first = h.get_by_label("DNS servers").rect();
        let second = h.get_by_label("Second DNS server").rect();
        assert_eq!(first.y_range(), second.y_range());
    }

    #[test]
    fn several_lines_are_typed_into_a_text_area() {
        let mut h = harness(String::new(), |ui, value| {
            text_area(value, 4).label("Certificate body").mono().ui(ui);
        });
        h.get_by_label("Certificate body").focus();
        h.run();
        h.get_by_label("Certificate body")
            .type_text("-----BEGIN\nabc");
        h.run();
        assert_eq!(h.state(), "-----BEGIN\nabc");
    }

    #[test]
    fn a_search_field_is_found_by_what_it_searches() {
        let mut h = harness(String::new(), |ui, value| {
            search_field(value, "Filter endpoints")
                .hint("Filter, for example state:available")
                .keys("Ctrl F")
                .ui(ui);
        });
        h.get_by_label("Filter endpoints").focus();
        h.run();
        h.get_by_label("Filter endpoints").type_text("corp");
        h.run();
        assert_eq!(h.state(), "corp");
    }
}
