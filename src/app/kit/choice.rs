//! Choosing: select, checkbox, radio, toggle, choice card, segmented.

use egui::{
    Align2, Color32, EventFilter, Id, Key, Popup, PopupCloseBehavior, Rect, Response, Role,
    ScrollArea, Sense, Stroke, Ui, Vec2, WidgetInfo,
    accesskit::{HasPopup, Toggled},
    pos2, vec2,
};

use super::{
    field::{FieldResponse, Surround, galley_at},
    icons, paint,
    text::{Face, words},
    tokens::{radius, size, tokens},
};

/// One choice of a select.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice<T> {
    /// What is chosen.
    pub value: T,
    /// Its name.
    pub label: String,
    /// A weak word or two beside it, such as when it expires.
    pub detail: String,
    /// Why it cannot be chosen; it is still shown.
    pub refused: Option<String>,
}

impl<T> Choice<T> {
    /// A choice with a name.
    pub fn new(value: T, label: impl Into<String>) -> Self {
        Self {
            value,
            label: label.into(),
            detail: String::new(),
            refused: None,
        }
    }

    /// A weak word or two beside the name.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// Shown, but not to be chosen, with the reason.
    #[must_use]
    pub fn refused(mut self, reason: impl Into<String>) -> Self {
        self.refused = Some(reason.into());
        self
    }
}

/// A select being described; ends with [`Select::ui`].
#[must_use = "a select is added with `ui`"]
pub struct Select<'a, T> {
    value: &'a mut T,
    choices: &'a [Choice<T>],
    around: Surround<'a>,
    placeholder: &'a str,
    nothing: &'a str,
    name: &'a str,
    disabled: Option<&'a str>,
}

/// A field that offers choices below it; `value` becomes the chosen one.
pub fn select<'a, T: Clone + PartialEq>(
    value: &'a mut T,
    choices: &'a [Choice<T>],
) -> Select<'a, T> {
    Select {
        value,
        choices,
        around: Surround::default(),
        placeholder: "Choose",
        nothing: "Nothing to choose from yet",
        name: "",
        disabled: None,
    }
}

impl<'a, T: Clone + PartialEq> Select<'a, T> {
    /// The label above, which also names the field.
    pub const fn label(mut self, label: &'a str) -> Self {
        self.around.label = label;
        self.name = label;
        self
    }

    /// The accessible name where there is no label.
    pub const fn named(mut self, name: &'a str) -> Self {
        self.name = name;
        self
    }

    /// "optional" beside the label.
    pub const fn optional(mut self) -> Self {
        self.around.optional = true;
        self
    }

    /// What it shows while none of the choices is chosen.
    pub const fn placeholder(mut self, words: &'a str) -> Self {
        self.placeholder = words;
        self
    }

    /// What its list says when there are no choices.
    pub const fn nothing(mut self, words: &'a str) -> Self {
        self.nothing = words;
        self
    }

    /// A sentence below, while there is no error.
    pub const fn help(mut self, help: &'a str) -> Self {
        self.around.help = help;
        self
    }

    /// What is wrong with the choice, and what would be right.
    pub fn error(mut self, error: impl Into<Option<&'a str>>) -> Self {
        self.around.error = error.into();
        self
    }

    /// The cure of the error as a link.
    pub fn cure(mut self, cure: impl Into<Option<&'a str>>) -> Self {
        self.around.cure = cure.into();
        self
    }

    /// An exact width in points; else what is left.
    pub const fn width(mut self, width: f32) -> Self {
        self.around.width = Some(width);
        self
    }

    /// In a toolbar: as high as the buttons and the search beside it, with their edge.
    pub const fn in_toolbar(mut self) -> Self {
        self.around.in_toolbar = true;
        self
    }

    /// Off while there is a reason, which the tooltip says.
    pub fn disabled_because(mut self, reason: impl Into<Option<&'a str>>) -> Self {
        self.disabled = reason.into();
        self
    }

    /// Adds the select; its response is `changed` when another choice was made.
    pub fn ui(self, ui: &mut Ui) -> FieldResponse {
        let around = self.around;
        around.show(ui, |ui, width| self.input(ui, width))
    }

    fn input(self, ui: &mut Ui, width: f32) -> Response {
        let on = self.disabled.is_none() && ui.is_enabled();
        let (rect, mut response) =
            ui.allocate_exact_size(vec2(width, self.around.height()), paint::click_if(on));
        self.paint(ui, rect, &response, on);
        let chosen = on.then(|| self.list(ui, &response, width)).flatten();
        if let Some(index) = chosen
            && let Some(choice) = self.choices.get(index)
        {
            *self.value = choice.value.clone();
            response.mark_changed();
            response.request_focus();
        }
        let (name, said) = (self.name, self.said());
        response.widget_info(|| {
            let mut info = WidgetInfo::labeled(Role::ComboBox, on, name);
            info.current_text_value = Some(said.clone());
            info
        });
        response.ctx.accesskit_node_builder(response.id, |node| {
            node.set_has_popup(HasPopup::Listbox);
        });
        match self.disabled {
            Some(reason) => response.on_hover_text(reason),
            None => response,
        }
    }

    fn current(&self) -> Option<&Choice<T>> {
        self.choices.iter().find(|c| c.value == *self.value)
    }

    fn said(&self) -> String {
        self.current()
            .map_or_else(|| self.placeholder.to_owned(), |c| c.label.clone())
    }

    fn paint(&self, ui: &Ui, rect: Rect, response: &Response, on: bool) {
        let t = tokens(ui);
        let p = ui.painter();
        let edge = if self.around.error.is_some() {
            Stroke::new(1.5, t.danger)
        } else if self.around.in_toolbar {
            Stroke::new(1.0, t.border)
        } else {
            Stroke::new(1.0, t.border_strong)
        };
        let fill = if !on {
            t.mute
        } else if response.hovered() {
            t.hover
        } else {
            t.field
        };
        paint::boxed(p, rect, radius::CONTROL, fill, edge);
        let at = pos2(rect.left() + 10.0, rect.center().y);
        let room = rect.width() - 40.0;
        let anchor = Align2::LEFT_CENTER;
        match self.current() {
            Some(c) => {
                let color = if on { t.strong } else { t.weak };
                let label = paint::line_within(p, at, anchor, &c.label, Face::BODY, color, room);
                let at = pos2(label.right() + 10.0, rect.center().y);
                let room = rect.right() - 30.0 - at.x;
                if room > 20.0 {
                    paint::line_within(p, at, anchor, &c.detail, Face::HELP, t.weak, room);
                }
            }
            None => {
                paint::line_within(p, at, anchor, self.placeholder, Face::BODY, t.weak, room);
            }
        }
        let caret = pos2(rect.right() - 15.0, rect.center().y);
        paint::icon(p, caret, icons::CARET_DOWN, 13.0, t.weak);
        if response.has_focus() {
            paint::focus_ring(p, rect, radius::CONTROL, t);
        }
    }

    /// Shows the list while it is open; the index that was chosen.
    fn list(&self, ui: &Ui, response: &Response, width: f32) -> Option<usize> {
        let id = Popup::default_response_id(response);
        if response.has_focus() && ui.input(|i| i.key_pressed(Key::ArrowDown)) {
            Popup::open_id(ui.ctx(), id);
        }
        if response.has_focus() {
            // While the list is open, the arrows lead into it.
            keep_keys(ui, response.id, false, !Popup::is_id_open(ui.ctx(), id));
        }
        Popup::menu(response)
            .accessible_name(self.name)
            .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
            .gap(4.0)
            .width(width)
            .show(|ui| {
                ui.set_width(width - 10.0);
                ui.spacing_mut().item_spacing.y = 0.0;
                if self.choices.is_empty() {
                    super::text::help(ui, self.nothing);
                    return None;
                }
                ScrollArea::vertical()
                    .max_height(320.0)
                    .show(ui, |ui| self.lines(ui))
                    .inner
            })
            .and_then(|shown| shown.inner)
    }

    fn lines(&self, ui: &mut Ui) -> Option<usize> {
        let mut chosen = None;
        for (index, choice) in self.choices.iter().enumerate() {
            let is_current = choice.value == *self.value;
            if line_of_list(ui, choice, is_current).clicked() {
                chosen = Some(index);
                ui.close();
            }
        }
        chosen
    }
}

fn line_of_list<T>(ui: &mut Ui, choice: &Choice<T>, is_current: bool) -> Response {
    let t = tokens(ui);
    let on = choice.refused.is_none();
    let size = vec2(ui.available_width(), 29.0);
    let (rect, response) = ui.allocate_exact_size(size, paint::click_if(on));
    response
        .widget_info(|| WidgetInfo::selected(Role::ListBoxOption, on, is_current, &choice.label));
    let p = ui.painter();
    if on && (response.hovered() || response.has_focus()) {
        p.rect_filled(
            rect,
            radius::CONTROL,
            if t.dark { t.pressed } else { t.hover },
        );
    }
    let color = if on { t.strong } else { t.disabled };
    let at = pos2(rect.left() + 8.0, rect.center().y);
    let room = rect.width() - 36.0;
    let label = paint::line_within(
        p,
        at,
        Align2::LEFT_CENTER,
        &choice.label,
        Face::BODY,
        color,
        room,
    );
    let detail = choice.refused.as_deref().unwrap_or(&choice.detail);
    let at = pos2(label.right() + 10.0, rect.center().y);
    let room = rect.right() - 28.0 - at.x;
    if room > 20.0 {
        paint::line_within(p, at, Align2::LEFT_CENTER, detail, Face::HELP, t.weak, room);
    }
    if is_current {
        let at = pos2(rect.right() - 14.0, rect.center().y);
        paint::icon(p, at, icons::CHECK, 14.0, t.link);
    }
    if response.has_focus() {
        paint::focus_ring_inside(p, rect, radius::CONTROL, t);
    }
    match &choice.refused {
        Some(reason) => {
            paint::describe(&response, reason);
            response.on_hover_text(reason)
        }
        None => response,
    }
}

/// How a box of a list stands: none, some or all of what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// Not chosen.
    No,
    /// Some of many.
    Some,
    /// Chosen, or all of many.
    Yes,
}

impl From<bool> for Checked {
    fn from(on: bool) -> Self {
        if on { Self::Yes } else { Self::No }
    }
}

pub(super) fn paint_box(ui: &Ui, center: egui::Pos2, checked: Checked, on: bool) {
    let t = tokens(ui);
    let p = ui.painter();
    let rect = Rect::from_center_size(center.round(), Vec2::splat(14.0));
    if checked == Checked::No {
        let fill = if on { t.field } else { t.mute };
        paint::boxed(
            p,
            rect,
            radius::BOX,
            fill,
            Stroke::new(1.0, t.border_strong),
        );
        return;
    }
    p.rect_filled(
        rect,
        radius::BOX,
        if on { t.accent } else { t.border_strong },
    );
    if checked == Checked::Yes {
        paint::icon(p, rect.center(), icons::CHECK, 11.0, t.on_fill);
    } else {
        let x = rect.left() + 3.0..=rect.right() - 3.0;
        p.hline(x, rect.center().y.round(), Stroke::new(1.5, t.on_fill));
    }
}

fn paint_radio(ui: &Ui, center: egui::Pos2, on: bool) {
    let t = tokens(ui);
    let p = ui.painter();
    if on {
        p.circle_filled(center, 7.5, t.accent);
        p.circle_filled(center, 3.0, t.on_fill);
    } else {
        p.circle(center, 7.0, t.field, Stroke::new(1.0, t.border_strong));
    }
}

/// A box without words, for tables; `name` is what it chooses.
pub fn bare_checkbox(ui: &mut Ui, checked: Checked, name: &str) -> Response {
    let (rect, response) =
        ui.allocate_exact_size(Vec2::splat(20.0), paint::click_if(ui.is_enabled()));
    box_info(&response, checked, name, ui.is_enabled());
    paint_box(ui, rect.center(), checked, ui.is_enabled());
    if response.has_focus() {
        paint::focus_ring(ui.painter(), rect.shrink(3.0), radius::BOX, tokens(ui));
    }
    response
}

fn box_info(response: &Response, checked: Checked, name: &str, on: bool) {
    response
        .widget_info(|| WidgetInfo::selected(Role::CheckBox, on, checked == Checked::Yes, name));
    if checked == Checked::Some {
        response
            .ctx
            .accesskit_node_builder(response.id, |node| node.set_toggled(Toggled::Mixed));
    }
}

/// A checkbox with its words.
pub fn checkbox(ui: &mut Ui, on: &mut bool, label: &str) -> Response {
    let mut response = beside(ui, label, |ui, center| {
        paint_box(ui, center, (*on).into(), ui.is_enabled());
    });
    if response.clicked() {
        *on = !*on;
        response.mark_changed();
    }
    box_info(&response, (*on).into(), label, ui.is_enabled());
    response
}

/// A radio button with its words; chooses `this`.
pub fn radio<T: PartialEq>(ui: &mut Ui, value: &mut T, this: T, label: &str) -> Response {
    let is_on = *value == this;
    let mut response = beside(ui, label, |ui, center| paint_radio(ui, center, is_on));
    if response.clicked() && !is_on {
        *value = this;
        response.mark_changed();
    }
    let on = ui.is_enabled();
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, on, is_on, label));
    response
}

fn beside(ui: &mut Ui, label: &str, mark: impl FnOnce(&Ui, egui::Pos2)) -> Response {
    let t = tokens(ui);
    let color = if ui.is_enabled() {
        t.strong
    } else {
        t.disabled
    };
    let room = (ui.available_width() - 24.0).max(40.0);
    let job = words().add(label, Face::BODY, color).wrapped(room);
    let galley = ui.painter().layout_job(job);
    let wanted = vec2(galley.size().x + 24.0, galley.size().y.max(20.0));
    let (rect, response) = ui.allocate_exact_size(wanted, paint::click_if(ui.is_enabled()));
    mark(ui, pos2(rect.left() + 8.0, rect.top() + 10.0));
    let top = rect.top() + (20.0 - 16.0) / 2.0;
    ui.painter()
        .galley(pos2(rect.left() + 24.0, top), galley, color);
    if response.has_focus() {
        paint::focus_ring(ui.painter(), rect, radius::BOX, t);
    }
    response
}

/// A switch with its words at the left and a sentence below them.
pub fn toggle(ui: &mut Ui, on: &mut bool, label: &str, help: &str) -> Response {
    let t = tokens(ui);
    let width = ui.available_width();
    let height = if help.is_empty() { 24.0 } else { 38.0 };
    let enabled = ui.is_enabled();
    let (rect, mut response) =
        ui.allocate_exact_size(vec2(width, height), paint::click_if(enabled));
    if response.clicked() {
        *on = !*on;
        response.mark_changed();
    }
    response.widget_info(|| WidgetInfo::selected(Role::Switch, enabled, *on, label));
    if !help.is_empty() {
        paint::describe(&response, help);
    }
    let color = if enabled { t.strong } else { t.disabled };
    let mut job = words().add(label, Face::LABEL, color);
    if !help.is_empty() {
        job = job
            .add("\n", Face::HELP, t.weak)
            .add(help, Face::HELP, t.weak);
    }
    galley_at(
        ui,
        pos2(rect.left(), rect.top() + 1.0),
        job.wrapped(width - 46.0),
    );
    let how = ui.ctx().animate_bool_responsive(response.id, *on);
    let track = Rect::from_center_size(
        pos2(rect.right() - 17.0, rect.center().y).round(),
        vec2(34.0, 20.0),
    );
    paint_track(ui, track, how, enabled);
    if response.has_focus() {
        paint::focus_ring(ui.painter(), track, 10, t);
    }
    response
}

fn paint_track(ui: &Ui, track: Rect, how: f32, enabled: bool) {
    let t = tokens(ui);
    let p = ui.painter();
    let (off, on) = (t.field, if enabled { t.accent } else { t.border_strong });
    let edge = t.border_strong.lerp_to_gamma(on, how);
    paint::boxed(
        p,
        track,
        10,
        off.lerp_to_gamma(on, how),
        Stroke::new(1.0, edge),
    );
    let x = egui::lerp(track.left() + 10.0..=track.right() - 10.0, how);
    let knob = t.border_strong.lerp_to_gamma(t.on_fill, how);
    p.circle_filled(pos2(x, track.center().y), 7.0, knob);
}

/// A card to choose, being described; ends with [`Card::check`] or [`Card::radio`].
#[derive(Debug)]
#[must_use = "a card is added with `check` or `radio`"]
pub struct Card<'a> {
    title: &'a str,
    detail: &'a str,
    tag: &'a str,
    icon: Option<&'a str>,
    mono: &'a str,
    end: &'a str,
    refused: Option<&'a str>,
}

/// A card to choose: title, one line, icon at the right.
pub const fn choice_card<'a>(title: &'a str, detail: &'a str) -> Card<'a> {
    Card {
        title,
        detail,
        tag: "",
        icon: None,
        mono: "",
        end: "",
        refused: None,
    }
}

impl<'a> Card<'a> {
    /// An icon at the right.
    pub const fn icon(mut self, icon: &'a str) -> Self {
        self.icon = Some(icon);
        self
    }

    /// A tag beside the title, such as "Recommended".
    pub const fn tag(mut self, tag: &'a str) -> Self {
        self.tag = tag;
        self
    }

    /// A mono value in the middle and a word at the right end, such as CIDR and interface.
    pub const fn values(mut self, mono: &'a str, end: &'a str) -> Self {
        self.mono = mono;
        self.end = end;
        self
    }

    /// Shown, but not to be chosen, with the rule that stands in the way.
    pub fn refused(mut self, reason: impl Into<Option<&'a str>>) -> Self {
        self.refused = reason.into();
        self
    }

    /// Adds it as one of several that may be chosen together.
    pub fn check(self, ui: &mut Ui, on: &mut bool) -> Response {
        let mut response = self.show(ui, *on, |ui, at| paint_box(ui, at, (*on).into(), true));
        if response.clicked() {
            *on = !*on;
            response.mark_changed();
        }
        self.info(&response, Role::CheckBox, *on);
        response
    }

    /// Adds it as one of several of which one is chosen.
    pub fn radio<T: PartialEq>(self, ui: &mut Ui, value: &mut T, this: T) -> Response {
        let is_on = *value == this;
        let mut response = self.show(ui, is_on, |ui, at| paint_radio(ui, at, is_on));
        if response.clicked() && !is_on {
            *value = this;
            response.mark_changed();
        }
        self.info(&response, Role::RadioButton, is_on);
        response
    }

    fn info(&self, response: &Response, role: Role, is_on: bool) {
        let on = self.refused.is_none();
        response.widget_info(|| WidgetInfo::selected(role, on, is_on, self.title));
        paint::describe(response, self.refused.unwrap_or(self.detail));
    }

    fn show(&self, ui: &mut Ui, chosen: bool, mark: impl FnOnce(&Ui, egui::Pos2)) -> Response {
        let t = tokens(ui);
        let on = self.refused.is_none() && ui.is_enabled();
        let size = vec2(ui.available_width(), 52.0);
        let (rect, response) = ui.allocate_exact_size(size.round(), paint::click_if(on));
        let rect = rect.round();
        let rest = if t.dark { t.raised } else { t.surface };
        let fill = if chosen {
            t.selected
        } else {
            paint::hovered_mix(ui, &response, rest, t.hover)
        };
        let edge = if chosen {
            Stroke::new(1.5, t.link)
        } else {
            Stroke::new(1.0, t.border)
        };
        paint::boxed(ui.painter(), rect, radius::CARD, fill, edge);
        mark(ui, pos2(rect.left() + 21.0, rect.center().y));
        self.words(ui, rect, on);
        if response.has_focus() {
            paint::focus_ring(ui.painter(), rect, radius::CARD, t);
        }
        response
    }

    fn words(&self, ui: &Ui, rect: Rect, on: bool) {
        let t = tokens(ui);
        let p = ui.painter();
        let left = rect.left() + 38.0;
        let middle = rect.left() + rect.width() * 0.52;
        let end = rect.right() - 16.0;
        let room = if self.mono.is_empty() {
            end - 30.0 - left
        } else {
            middle - 12.0 - left
        };
        let color = if on { t.strong } else { t.weak };
        let at = pos2(left, rect.top() + 17.0);
        let title = paint::line_within(
            p,
            at,
            Align2::LEFT_CENTER,
            self.title,
            Face::NAME,
            color,
            room,
        );
        if !self.tag.is_empty() {
            let width = (paint::width(ui, self.tag, Face::SMALL) + 12.0).round();
            let min = pos2(title.right() + 8.0, at.y - 9.0).round();
            let tag = Rect::from_min_size(min, vec2(width, 18.0));
            p.rect_filled(tag, radius::TAG, t.success_bg);
            paint::line(
                p,
                tag.center(),
                Align2::CENTER_CENTER,
                self.tag,
                Face::SMALL,
                t.success,
            );
        }
        let at = pos2(left, rect.top() + 36.0);
        if let Some(reason) = self.refused {
            paint::icon_fill(p, at + vec2(7.0, 0.0), icons::WARNING, 13.0, t.warning);
            let at = at + vec2(18.0, 0.0);
            paint::line_within(
                p,
                at,
                Align2::LEFT_CENTER,
                reason,
                Face::HELP,
                t.warning,
                room - 18.0,
            );
        } else {
            paint::line_within(
                p,
                at,
                Align2::LEFT_CENTER,
                self.detail,
                Face::HELP,
                t.weak,
                room,
            );
        }
        let center = rect.center().y;
        paint::line(
            p,
            pos2(middle, center),
            Align2::LEFT_CENTER,
            self.mono,
            Face::MONO,
            if on { t.text } else { t.weak },
        );
        paint::line(
            p,
            pos2(end, center),
            Align2::RIGHT_CENTER,
            self.end,
            Face::MONO,
            t.weak,
        );
        if let Some(icon) = self.icon {
            paint::icon(p, pos2(end - 5.0, center), icon, 17.0, t.weak);
        }
    }
}

/// A row of few choices of which one is on; arrows move, Tab enters and leaves. True on a change.
pub fn segmented<T: Clone + PartialEq>(
    ui: &mut Ui,
    name: &str,
    value: &mut T,
    choices: &[(T, &str)],
) -> bool {
    segmented_of(ui, name, value, choices, size::CONTROL)
}

/// [`segmented`], 32 high as in forms.
pub fn segmented_form<T: Clone + PartialEq>(
    ui: &mut Ui,
    name: &str,
    value: &mut T,
    choices: &[(T, &str)],
) -> bool {
    segmented_of(ui, name, value, choices, size::FIELD)
}

fn segmented_of<T: Clone + PartialEq>(
    ui: &mut Ui,
    name: &str,
    value: &mut T,
    choices: &[(T, &str)],
    height: f32,
) -> bool {
    let t = tokens(ui);
    let widths: Vec<f32> = choices
        .iter()
        .map(|(_, label)| (paint::width(ui, label, Face::STATUS) + 20.0).round())
        .collect();
    let total = widths.iter().sum::<f32>() + 4.0;
    let (track, group) = ui.allocate_exact_size(vec2(total, height), Sense::hover());
    group.widget_info(|| WidgetInfo::labeled(Role::RadioGroup, true, name));
    ui.painter().rect_filled(track, radius::CONTROL, t.mute);
    let ids: Vec<Id> = (0..choices.len())
        .map(|i| group.id.with(("segment", i)))
        .collect();
    let before = choices.iter().position(|(v, _)| v == value);
    // Moved before drawing: what has just been given the focus must be in the Tab order now.
    let mut current = roving(ui, &ids, before).or(before);
    let shown = current;
    let mut x = track.left() + 2.0;
    for (index, ((_, label), width)) in choices.iter().zip(&widths).enumerate() {
        let rect = Rect::from_min_size(pos2(x, track.top() + 2.0), vec2(*width, height - 4.0));
        x += width;
        let is_on = shown == Some(index);
        let Some(id) = ids.get(index) else { continue };
        let response = ui.interact(
            rect,
            *id,
            roving_sense(is_on || shown.is_none(), ui.is_enabled()),
        );
        response
            .widget_info(|| WidgetInfo::selected(Role::RadioButton, ui.is_enabled(), is_on, label));
        paint_segment(ui, rect, label, is_on, &response);
        if response.clicked() {
            current = Some(index);
        }
    }
    choose(value, choices.iter().map(|(v, _)| v), before, current)
}

/// Takes the choice at `now` when it is another than at `before`; whether it is.
pub(super) fn choose<'v, T: Clone + 'v>(
    value: &mut T,
    mut choices: impl Iterator<Item = &'v T>,
    before: Option<usize>,
    now: Option<usize>,
) -> bool {
    if now == before {
        return false;
    }
    match now.and_then(|i| choices.nth(i)) {
        Some(chosen) => {
            *value = chosen.clone();
            true
        }
        None => false,
    }
}

fn paint_segment(ui: &Ui, rect: Rect, label: &str, is_on: bool, response: &Response) {
    let t = tokens(ui);
    let p = ui.painter();
    if is_on {
        let fill = if t.dark { t.pressed } else { t.surface };
        paint::boxed(p, rect, 5, fill, Stroke::new(1.0, t.border));
    }
    let color: Color32 = match (ui.is_enabled(), is_on) {
        (false, _) => t.disabled,
        (true, true) => t.strong,
        (true, false) if response.hovered() => t.text,
        (true, false) => t.weak,
    };
    paint::line(
        p,
        rect.center(),
        Align2::CENTER_CENTER,
        label,
        Face::STATUS,
        color,
    );
    if response.has_focus() {
        paint::focus_ring(p, rect, 5, t);
    }
}

/// Only the chosen one of a row is in the Tab order; the others are reached by arrows.
pub(super) fn roving_sense(in_tab_order: bool, on: bool) -> Sense {
    match (on, in_tab_order) {
        (false, _) => Sense::hover(),
        (true, true) => Sense::click(),
        (true, false) => Sense::CLICK,
    }
}

/// Moves choice and focus in a row of `ids` by the arrow keys; the index now chosen.
pub(super) fn roving(ui: &Ui, ids: &[Id], current: Option<usize>) -> Option<usize> {
    let focused = ui.memory(egui::Memory::focused)?;
    let at = ids.iter().position(|id| *id == focused)?;
    keep_keys(ui, focused, true, false);
    let step = ui.input(|i| {
        i32::from(i.key_pressed(Key::ArrowRight)) - i32::from(i.key_pressed(Key::ArrowLeft))
    });
    let (home, end) = ui.input(|i| (i.key_pressed(Key::Home), i.key_pressed(Key::End)));
    let last = ids.len().saturating_sub(1);
    let to = match step {
        _ if home => 0,
        _ if end => last,
        1 => (at + 1).min(last),
        -1 => at.saturating_sub(1),
        _ => return None,
    };
    ui.memory_mut(|m| {
        if let Some(id) = ids.get(to) {
            m.request_focus(*id);
        }
    });
    (current != Some(to)).then_some(to)
}

/// Keeps arrow keys for the focused widget; egui else moves the focus with them.
pub(super) fn keep_keys(ui: &Ui, id: Id, horizontal: bool, vertical: bool) {
    let filter = EventFilter {
        horizontal_arrows: horizontal,
        vertical_arrows: vertical,
        ..EventFilter::default()
    };
    ui.memory_mut(|m| m.set_focus_lock_filter(id, filter));
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::{NodeT as _, Queryable as _};

    use super::*;
    use crate::app::kit::testing::harness;

    fn certificates() -> Vec<Choice<Option<u8>>> {
        vec![
            Choice::new(Some(1), "vpn.corp.example").detail("expires 13 Dec 2026"),
            Choice::new(Some(2), "alice@corp.example").refused("This is a client certificate"),
        ]
    }

    #[test]
    fn a_select_opens_by_its_label_and_takes_the_line_chosen() {
        let mut h = harness(None, |ui, value| {
            select(value, &certificates())
                .label("Server certificate")
                .placeholder("Choose a certificate")
                .ui(ui);
        });
        assert_eq!(
            h.get_by_label("Server certificate").value().as_deref(),
            Some("Choose a certificate")
        );
        h.get_by_label("Server certificate").click();
        h.run();
        h.get_by_label("vpn.corp.example").click();
        h.run();
        assert_eq!(*h.state(), Some(1));
        assert!(
            h.query_by_role(Role::ListBoxOption).is_none(),
            "the list is closed"
        );
    }

    #[test]
    fn a_refused_line_is_shown_but_not_chosen() {
        let mut h = harness(None, |ui, value| {
            select(value, &certificates())
                .label("Server certificate")
                .ui(ui);
        });
        h.get_by_label("Server certificate").click();
        h.run();
        h.get_by_label("alice@corp.example").click();
        h.run();
        assert_eq!(*h.state(), None);
    }

    #[test]
    fn a_select_is_used_by_keyboard_alone() {
        let mut h = harness(None, |ui, value| {
            select(value, &certificates())
                .label("Server certificate")
                .ui(ui);
        });
        h.key_press(Key::Tab);
        h.run();
        h.key_press(Key::Enter);
        h.run();
        h.key_press(Key::ArrowDown);
        h.run();
        h.key_press(Key::Enter);
        h.run();
        assert_eq!(*h.state(), Some(1));
    }

    #[test]
    fn checkbox_toggle_and_cards_change_by_their_words() {
        let mut h = harness((false, false, false), |ui, (a, b, c)| {
            checkbox(ui, a, "Authorize all users");
            toggle(
                ui,
                b,
                "Split tunnel",
                "Only the endpoint's routes go into the tunnel",
            );
            choice_card(
                "Mutual authentication",
                "Client certificate signed by your CA",
            )
            .check(ui, c);
        });
        for label in [
            "Authorize all users",
            "Split tunnel",
            "Mutual authentication",
        ] {
            h.get_by_label(label).click();
            h.run();
        }
        assert_eq!(*h.state(), (true, true, true));
    }

    #[test]
    fn a_refused_card_keeps_its_reason_and_is_not_chosen() {
        let mut h = harness(0, |ui, value| {
            choice_card("Office LAN", "254 addresses").radio(ui, value, 1);
            choice_card("Storage", "")
                .refused("A target network is /27 or larger")
                .radio(ui, value, 2);
        });
        h.get_by_label("Storage").click();
        h.run();
        assert_eq!(*h.state(), 0);
        let node = h.get_by_label("Storage");
        assert_eq!(
            node.accesskit_node().data().description(),
            Some("A target network is /27 or larger")
        );
        h.get_by_label("Office LAN").click();
        h.run();
        assert_eq!(*h.state(), 1);
    }

    #[test]
    fn segments_change_by_click_and_by_arrow_and_take_one_tab_stop() {
        let mut h = harness(("udp", false), |ui, (value, after)| {
            segmented(ui, "Transport", value, &[("udp", "UDP"), ("tcp", "TCP")]);
            *after = super::super::button::button("Next").ui(ui).has_focus();
        });
        h.get_by_label("TCP").click();
        h.run();
        assert_eq!(h.state().0, "tcp");
        h.get_by_label("TCP").focus();
        h.run();
        h.key_press(Key::ArrowLeft);
        h.run();
        assert_eq!(h.state().0, "udp");
        assert!(h.get_by_label("UDP").is_focused());
        h.key_press(Key::Tab);
        h.run();
        assert!(h.state().1, "Tab leaves the row at once");
    }

    #[test]
    fn a_box_for_some_of_many_is_mixed() {
        let h = harness((), |ui, ()| {
            bare_checkbox(ui, Checked::Some, "Select all");
        });
        let node = h.get_by_label("Select all");
        assert_eq!(node.accesskit_node().toggled(), Some(Toggled::Mixed));
    }
}
