//! Dialogs: the form, and the one that asks before an act.
//!
//! Both dim the window, keep the focus inside, give it back when they close, and close by Esc,
//! their cross, or a click beside them. A form with changes asks before it throws them away.

use std::sync::Arc;

use egui::{
    Align, Align2, Color32, Context, Frame, Id, Key, Layout, Modal, Modifiers, Rect, Role,
    ScrollArea, Sense, Stroke, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};

use super::{
    button::{Button, button, icon_button},
    field, icons, paint,
    text::{Face, words},
    tokens::{Tokens, radius, size, space, tokens},
};

const HEAD: f32 = 56.0;
const FOOT: f32 = 60.0;
/// How far below the top of the window the palette lies.
const PALETTE_TOP: f32 = 96.0;

/// How a dialog stands after this frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialog {
    /// It stays.
    Open,
    /// Its act was chosen; the caller does it and stops showing the dialog once it is done.
    Submitted,
    /// It was closed: the caller stops showing it.
    Closed,
}

/// What a dialog remembers between frames, until it closes.
#[derive(Debug, Clone, Default)]
struct Memory {
    /// Who had the focus when it opened.
    opener: Option<Id>,
    /// Passes drawn so far; the first measures.
    passes: u32,
    /// "Discard changes?" is being asked.
    discarding: bool,
    /// What was typed to confirm.
    typed: String,
    /// A submit was chosen and not yet answered by errors.
    submitted: bool,
    /// How large it was when it was drawn last.
    size: egui::Vec2,
    /// The last pass it was shown in.
    last_pass: u64,
    /// What in it had the focus last; Esc takes the focus before we can ask.
    focused: Option<Id>,
}

fn slot(id: Id) -> Id {
    id.with("kit dialog")
}

/// What is remembered of a dialog; nothing when it was not shown in the pass before, so that a
/// dialog the caller left and opens again starts afresh.
fn recall(ctx: &Context, id: Id) -> Memory {
    recall_opened_from(ctx, id, None)
}

fn recall_opened_from(ctx: &Context, id: Id, from: Option<Id>) -> Memory {
    let now = ctx.cumulative_pass_nr();
    let remembered = ctx.data_mut(|d| d.get_temp::<Memory>(slot(id)));
    let mut memory = remembered
        .filter(|m| m.last_pass + 1 >= now)
        .unwrap_or_else(|| Memory {
            opener: from.or_else(|| ctx.memory(egui::Memory::focused)),
            ..Memory::default()
        });
    memory.last_pass = now;
    ctx.data_mut(|d| {
        let open: &mut OpenDialogs = d.get_temp_mut_or_default(open_slot());
        open.0.retain(|o| o.id != id);
        open.0.push(OpenDialog {
            id,
            opener: memory.opener,
            last_pass: now,
            changed: false,
        });
    });
    memory
}

fn remember(ctx: &Context, id: Id, memory: Memory) {
    ctx.data_mut(|d| d.insert_temp(slot(id), memory));
}

/// Forgets what was typed; the focus goes back once the dialog is not drawn any more.
fn forget(ctx: &Context, id: Id) {
    field::forget_wanted_focus(ctx);
    ctx.data_mut(|d| d.remove_temp::<Memory>(slot(id)));
    ctx.request_repaint();
}

#[derive(Debug, Clone, Copy)]
struct OpenDialog {
    id: Id,
    opener: Option<Id>,
    last_pass: u64,
    /// There is something to lose in it.
    changed: bool,
}

#[derive(Debug, Clone, Default)]
struct OpenDialogs(Vec<OpenDialog>);

/// Whether a dialog that is open holds something that somebody typed.
pub fn has_unsaved(ctx: &Context) -> bool {
    ctx.data_mut(|d| {
        let open: &mut OpenDialogs = d.get_temp_mut_or_default(open_slot());
        open.0.iter().any(|it| it.changed)
    })
}

fn note_changed(ctx: &Context, id: Id, changed: bool) {
    ctx.data_mut(|d| {
        let open: &mut OpenDialogs = d.get_temp_mut_or_default(open_slot());
        for it in open.0.iter_mut().filter(|it| it.id == id) {
            it.changed = changed;
        }
    });
}

fn open_slot() -> Id {
    Id::unique("kit: dialogs shown")
}

fn give_back_slot() -> Id {
    Id::unique("kit: focus to give back")
}

/// Lets dialogs give the focus back to what opened them; part of installing the kit.
pub(super) fn install(ctx: &Context) {
    ctx.on_end_pass("kit dialogs closed", Arc::new(note_closed));
    ctx.on_begin_pass("kit focus", Arc::new(give_back));
}

/// Notes which dialogs were not drawn in this pass, whoever closed them.
///
/// In the pass after a dialog egui still holds back what lay under it, so the focus can go back
/// in the one after that.
fn note_closed(ui: &mut Ui) {
    let now = ui.ctx().cumulative_pass_nr();
    let opener = ui.data_mut(|d| {
        let open: &mut OpenDialogs = d.get_temp_mut_or_default(open_slot());
        let (shown, closed): (Vec<_>, Vec<_>) = open.0.iter().partition(|o| o.last_pass >= now);
        open.0 = shown;
        // Of several closed at once, the one at the bottom was opened from the page.
        closed.into_iter().find_map(|o: OpenDialog| o.opener)
    });
    if let Some(opener) = opener {
        ui.data_mut(|d| d.insert_temp(give_back_slot(), Some(opener)));
        ui.ctx().request_repaint();
    }
}

fn give_back(ui: &mut Ui) {
    let Some(opener) = ui
        .data_mut(|d| d.remove_temp::<Option<Id>>(give_back_slot()))
        .flatten()
    else {
        return;
    };
    // Unless something else, such as the next dialog, has taken it meanwhile.
    if ui.memory(|m| m.focused().is_none()) {
        ui.memory_mut(|m| m.request_focus(opener));
    }
}

/// Ends a dialog at once, such as one whose act is done, when the caller may show it again in the
/// very next pass; else it is enough to stop showing it.
pub fn close_dialog(ctx: &Context, name: &str) {
    forget(ctx, dialog_id(name));
}

fn dialog_id(name: &str) -> Id {
    Id::unique(("kit dialog", name))
}

fn frame(t: &Tokens) -> Frame {
    Frame::new()
        .fill(t.overlay)
        .stroke(Stroke::new(1.0, t.border))
        .corner_radius(radius::DIALOG)
        .shadow(t.dialog_shadow())
}

fn modal(ctx: &Context, id: Id) -> Modal {
    let t = Tokens::of(ctx.global_style().visuals.dark_mode);
    Modal::new(id).frame(frame(t)).backdrop_color(t.scrim)
}

/// A dialog lies where its last size would be in the middle: one of another size is drawn once
/// more before it is shown.
fn settle(ctx: &Context, memory: &mut Memory, drawn: Rect) {
    let before = std::mem::replace(&mut memory.size, drawn.size());
    if (before.y - drawn.height()).abs() > 0.5 && memory.passes > 2 {
        ctx.request_discard("a dialog has another size");
    }
}

/// A form dialog being described; ends with [`FormDialog::show`].
#[derive(Debug)]
#[must_use = "a dialog is shown with `show`"]
pub struct FormDialog<'a> {
    title: &'a str,
    submit: &'a str,
    errors: usize,
    changed: bool,
    working: bool,
    danger: bool,
    disabled: Option<&'a str>,
    refusal: Option<&'a str>,
    width: f32,
}

/// A form; the title names it and its act ("Create Client VPN Endpoint").
pub const fn form_dialog<'a>(title: &'a str, submit: &'a str) -> FormDialog<'a> {
    FormDialog {
        title,
        submit,
        errors: 0,
        changed: false,
        working: false,
        danger: false,
        disabled: None,
        refusal: None,
        width: size::FORM_DIALOG,
    }
}

impl<'a> FormDialog<'a> {
    /// How many fields show an error; the foot counts them.
    pub const fn errors(mut self, errors: usize) -> Self {
        self.errors = errors;
        self
    }

    /// Whether there is something to lose: closing asks first.
    pub const fn changed(mut self, changed: bool) -> Self {
        self.changed = changed;
        self
    }

    /// The act is under way: its button waits.
    pub const fn working(mut self, working: bool) -> Self {
        self.working = working;
        self
    }

    /// The act cannot be taken back: its button is in the danger colour.
    pub const fn danger(mut self, danger: bool) -> Self {
        self.danger = danger;
        self
    }

    /// The act is off while there is a reason.
    pub fn disabled_because(mut self, reason: impl Into<Option<&'a str>>) -> Self {
        self.disabled = reason.into();
        self
    }

    /// A refusal that belongs to no field, said at the top.
    pub fn refusal(mut self, refusal: impl Into<Option<&'a str>>) -> Self {
        self.refusal = refusal.into();
        self
    }

    /// Another width in points.
    pub const fn width(mut self, width: f32) -> Self {
        self.width = width;
        self
    }

    /// Shows it; `add` draws the fields.
    pub fn show(self, ctx: &Context, add: impl FnOnce(&mut Ui)) -> Dialog {
        let id = dialog_id(self.title);
        let mut memory = recall(ctx, id);
        note_changed(ctx, id, self.changed);
        // Twice: in the first pass egui does not know yet that it lies above another dialog.
        if memory.passes < 2 {
            field::focus_first_field(ctx);
        }
        if memory.submitted && self.errors > 0 {
            memory.submitted = false;
            field::focus_first_error(ctx);
        }
        memory.passes = memory.passes.saturating_add(1);
        if !memory.discarding {
            memory.focused = ctx.memory(egui::Memory::focused).or(memory.focused);
        }
        let shown = modal(ctx, id).show(ctx, |ui| self.content(ui, add));
        settle(ctx, &mut memory, shown.response.rect);
        let (mut submit, mut close) = shown.inner;
        submit |= shown.is_top_modal
            && !self.working
            && self.disabled.is_none()
            && ctx.input_mut(|i| i.consume_key(Modifiers::COMMAND, Key::Enter));
        close |= shown.should_close();
        if memory.discarding {
            return self.discard(ctx, id, memory);
        }
        if close && self.changed {
            memory.discarding = true;
            ctx.request_repaint();
        } else if close {
            forget(ctx, id);
            return Dialog::Closed;
        }
        memory.submitted |= submit;
        remember(ctx, id, memory);
        if submit {
            Dialog::Submitted
        } else {
            Dialog::Open
        }
    }

    fn discard(&self, ctx: &Context, id: Id, mut memory: Memory) -> Dialog {
        let answer = confirm_dialog("Discard changes?", "Discard")
            .body("What you typed is lost.")
            .cancel("Keep editing")
            .show_opened_from(ctx, memory.focused, |_| ());
        match answer {
            Dialog::Open => {}
            Dialog::Closed => memory.discarding = false,
            Dialog::Submitted => {
                forget(ctx, dialog_id("Discard changes?"));
                forget(ctx, id);
                return Dialog::Closed;
            }
        }
        remember(ctx, id, memory);
        Dialog::Open
    }

    fn content(&self, ui: &mut Ui, add: impl FnOnce(&mut Ui)) -> (bool, bool) {
        let room = (ui.ctx().content_rect().height() - HEAD - FOOT - 48.0).max(120.0);
        // Otherwise what it may take is what it took the frame before.
        ui.set_max_height(HEAD + room + FOOT);
        ui.set_width(self.width);
        ui.spacing_mut().item_spacing = egui::Vec2::ZERO;
        name_dialog(ui, self.title);
        let close = head(ui, self.title);
        ScrollArea::vertical()
            .id_salt("body")
            .max_height(room)
            .auto_shrink([false, true])
            .show(ui, |ui| {
                let margin = egui::Margin::symmetric(space::DIALOG as i8, 20);
                Frame::new().inner_margin(margin).show(ui, |ui| {
                    ui.set_width(self.width - 2.0 * space::DIALOG);
                    ui.spacing_mut().item_spacing = vec2(space::CONTROL, space::FIELD);
                    if let Some(refusal) = self.refusal {
                        super::banner::banner(super::Tone::Danger, refusal).ui(ui);
                    }
                    add(ui);
                });
            });
        let (submit, cancel) = self.foot(ui);
        (submit, close || cancel)
    }

    fn foot(&self, ui: &mut Ui) -> (bool, bool) {
        foot(ui, FOOT, |ui| {
            self.count(ui);
            let cancel = button("Cancel").form();
            let submit = match self.danger {
                true => button(self.submit).danger(),
                false => button(self.submit).primary(),
            };
            let submit = submit
                .form()
                .working(self.working)
                .disabled_because(self.disabled);
            to_the_right(ui, &[&cancel, &submit]);
            let cancel = cancel.clicked(ui);
            (submit.clicked(ui), cancel)
        })
    }

    fn count(&self, ui: &mut Ui) {
        let said = match self.errors {
            0 => return,
            1 => "1 field needs a change".to_owned(),
            n => format!("{n} fields need a change"),
        };
        let t = tokens(ui);
        let width = paint::width(ui, &said, Face::LABEL) + 24.0;
        let (rect, response) = ui.allocate_exact_size(vec2(width.ceil(), 20.0), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Status, true, &said));
        let p = ui.painter();
        let icon = pos2(rect.left() + 8.0, rect.center().y);
        paint::icon_fill(p, icon, icons::WARNING_CIRCLE, 16.0, t.danger);
        let at = pos2(rect.left() + 22.0, rect.center().y);
        paint::line(p, at, Align2::LEFT_CENTER, &said, Face::LABEL, t.danger);
    }
}

fn name_dialog(ui: &Ui, title: &str) {
    ui.ctx().accesskit_node_builder(ui.unique_id(), |node| {
        node.set_role(Role::Dialog);
        node.set_label(title);
        node.set_modal();
    });
}

/// Title and cross over a hairline; true when the cross was pressed.
fn head(ui: &mut Ui, title: &str) -> bool {
    let t = tokens(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), HEAD), Sense::hover());
    let at = pos2(rect.left() + space::DIALOG, rect.center().y);
    let room = rect.width() - 2.0 * space::DIALOG - 36.0;
    paint::line_within(
        ui.painter(),
        at,
        Align2::LEFT_CENTER,
        title,
        Face::DIALOG,
        t.strong,
        room,
    );
    hairline(ui, rect.bottom(), rect, t.border);
    let spot = Rect::from_center_size(
        pos2(rect.right() - space::DIALOG - 6.0, rect.center().y),
        vec2(28.0, 28.0),
    );
    let builder = UiBuilder::new()
        .max_rect(spot)
        .layout(Layout::left_to_right(Align::Center));
    icon_button(icons::X, "Close").clicked(&mut ui.new_child(builder))
}

fn hairline(ui: &Ui, y: f32, rect: Rect, color: Color32) {
    ui.painter()
        .hline(rect.x_range(), y.round() - 0.5, Stroke::new(1.0, color));
}

/// Moves on so that `buttons` end at the right; added in reading order, so that Tab follows it.
fn to_the_right(ui: &mut Ui, buttons: &[&Button<'_>]) {
    let gaps = space::CONTROL * buttons.len().saturating_sub(1) as f32;
    let widths: f32 = buttons.iter().map(|b| b.natural_width(ui).round()).sum();
    ui.add_space((ui.available_width() - widths - gaps).max(0.0));
}

/// The foot on its own ground; `add` lays out from the left.
fn foot<R>(ui: &mut Ui, height: f32, add: impl FnOnce(&mut Ui) -> R) -> R {
    let t = tokens(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    let corners = egui::CornerRadius {
        nw: 0,
        ne: 0,
        sw: radius::DIALOG,
        se: radius::DIALOG,
    };
    ui.painter().rect_filled(rect, corners, t.raised);
    hairline(ui, rect.top() + 1.0, rect, t.border);
    let builder = UiBuilder::new()
        .max_rect(rect.shrink2(vec2(space::DIALOG, 0.0)))
        .layout(Layout::left_to_right(Align::Center));
    let mut child = ui.new_child(builder);
    child.spacing_mut().item_spacing.x = space::CONTROL;
    add(&mut child)
}

/// A confirm dialog being described; ends with [`ConfirmDialog::show`].
#[derive(Debug)]
#[must_use = "a dialog is shown with `show`"]
pub struct ConfirmDialog<'a> {
    title: &'a str,
    act: &'a str,
    cancel: &'a str,
    body: &'a str,
    name: Option<&'a str>,
    working: bool,
    refusal: Option<&'a str>,
}

/// A question with the name as title ("Delete lab-lisbon?") and the verb of its act.
pub const fn confirm_dialog<'a>(title: &'a str, act: &'a str) -> ConfirmDialog<'a> {
    ConfirmDialog {
        title,
        act,
        cancel: "Cancel",
        body: "",
        name: None,
        working: false,
        refusal: None,
    }
}

impl<'a> ConfirmDialog<'a> {
    /// The consequences, as numbers ("Ends 14 sessions: …").
    pub const fn body(mut self, body: &'a str) -> Self {
        self.body = body;
        self
    }

    /// For what cannot be taken back: this name must be typed first.
    pub const fn typed_name(mut self, name: &'a str) -> Self {
        self.name = Some(name);
        self
    }

    /// Other words than "Cancel".
    pub const fn cancel(mut self, words: &'a str) -> Self {
        self.cancel = words;
        self
    }

    /// The act is under way: its button waits.
    pub const fn working(mut self, working: bool) -> Self {
        self.working = working;
        self
    }

    /// Why the act was refused.
    pub fn refusal(mut self, refusal: impl Into<Option<&'a str>>) -> Self {
        self.refusal = refusal.into();
        self
    }

    /// Shows it. The focus is on Cancel when it opens, and Enter never does the act.
    pub fn show(self, ctx: &Context) -> Dialog {
        self.show_with(ctx, |_| ())
    }

    /// The same with what `add` draws below the consequences.
    pub fn show_with(self, ctx: &Context, add: impl FnOnce(&mut Ui)) -> Dialog {
        self.show_opened_from(ctx, None, add)
    }

    fn show_opened_from(
        self,
        ctx: &Context,
        from: Option<Id>,
        add: impl FnOnce(&mut Ui),
    ) -> Dialog {
        let id = dialog_id(self.title);
        let mut memory = recall_opened_from(ctx, id, from);
        let opening = memory.passes < 2;
        memory.passes = memory.passes.saturating_add(1);
        let shown =
            modal(ctx, id).show(ctx, |ui| self.content(ui, &mut memory.typed, opening, add));
        settle(ctx, &mut memory, shown.response.rect);
        let (act, cancel) = shown.inner;
        if cancel || shown.should_close() {
            forget(ctx, id);
            return Dialog::Closed;
        }
        remember(ctx, id, memory);
        if act { Dialog::Submitted } else { Dialog::Open }
    }

    fn content(
        &self,
        ui: &mut Ui,
        typed: &mut String,
        opening: bool,
        add: impl FnOnce(&mut Ui),
    ) -> (bool, bool) {
        // As in a form: what is drawn in it may come later than it.
        ui.set_max_height((ui.ctx().content_rect().height() - 48.0).max(200.0));
        ui.set_width(size::CONFIRM_DIALOG);
        ui.spacing_mut().item_spacing = egui::Vec2::ZERO;
        name_dialog(ui, self.title);
        ui.ctx().accesskit_node_builder(ui.unique_id(), |node| {
            node.set_role(Role::AlertDialog);
            node.set_description(self.body);
        });
        Frame::new()
            .inner_margin(egui::Margin::symmetric(space::DIALOG as i8, 20))
            .show(ui, |ui| {
                ui.set_width(size::CONFIRM_DIALOG - 2.0 * space::DIALOG);
                self.question(ui, typed, add);
            });
        let reason = self
            .name
            .filter(|name| typed.trim() != *name)
            .map(|name| format!("Type {name} first"));
        foot(ui, FOOT, |ui| {
            let cancel = button(self.cancel).form();
            let act = button(self.act)
                .danger()
                .form()
                .working(self.working)
                .never_by_enter()
                .disabled_because(reason.as_deref());
            to_the_right(ui, &[&cancel, &act]);
            let cancel = cancel.ui(ui);
            if opening {
                cancel.request_focus();
            }
            (act.clicked(ui), cancel.clicked())
        })
    }

    fn question(&self, ui: &mut Ui, typed: &mut String, add: impl FnOnce(&mut Ui)) {
        let t = tokens(ui);
        let (rect, response) =
            ui.allocate_exact_size(vec2(ui.available_width(), 28.0), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, self.title));
        let p = ui.painter();
        let icon = pos2(rect.left() + 12.0, rect.center().y);
        paint::icon_fill(p, icon, icons::WARNING, 20.0, t.danger);
        let at = pos2(rect.left() + 32.0, rect.center().y);
        paint::line_within(
            p,
            at,
            Align2::LEFT_CENTER,
            self.title,
            Face::DIALOG,
            t.strong,
            rect.width() - 32.0,
        );
        if !self.body.is_empty() {
            ui.add_space(10.0);
            super::text::body(ui, self.body);
        }
        add(ui);
        if let Some(name) = self.name {
            ui.add_space(16.0);
            typed_name(ui, name, typed);
        }
        if let Some(refusal) = self.refusal {
            ui.add_space(12.0);
            field::error_line(ui, refusal, None);
        }
    }
}

fn typed_name(ui: &mut Ui, name: &str, typed: &mut String) {
    let t = tokens(ui);
    let line = format!("Type {name} to confirm");
    let response = words()
        .add("Type ", Face::LABEL, t.strong)
        .boxed(name, Face::MONO_FIELD, t.strong, t.mute)
        .after(4.0, " to confirm", Face::LABEL, t.strong)
        .ui_line(ui);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &line));
    ui.add_space(6.0);
    field::text_field(typed)
        .mono()
        .ui(ui)
        .response
        .labelled_by(response.id);
}

/// One line to type or choose, without head and foot: the palette of the window.
pub fn palette<R>(ctx: &Context, name: &str, add: impl FnOnce(&mut Ui) -> R) -> (R, bool) {
    let id = dialog_id(name);
    let mut memory = recall(ctx, id);
    if memory.passes == 0 {
        field::focus_first_field(ctx);
    }
    memory.passes = memory.passes.saturating_add(1);
    let area = Modal::default_area(id).anchor(Align2::CENTER_TOP, vec2(0.0, PALETTE_TOP));
    let shown = modal(ctx, id).area(area).show(ctx, |ui| {
        ui.set_width(640.0);
        // Otherwise what it may take is what it took the frame before.
        ui.set_max_height((ui.ctx().content_rect().height() - PALETTE_TOP - 24.0).max(200.0));
        name_dialog(ui, name);
        Frame::new().inner_margin(8.0).show(ui, add).inner
    });
    let close = shown.should_close();
    if close {
        forget(ctx, id);
    } else {
        remember(ctx, id, memory);
    }
    (shown.inner, close)
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::{NodeT as _, Queryable as _};

    use super::*;
    use crate::app::kit::{self, testing::harness};

    #[derive(Default)]
    struct Form {
        open: bool,
        name: String,
        errors: bool,
        submits: u32,
    }

    fn form(ui: &mut Ui, s: &mut Form) {
        if button("Create…").clicked(ui) {
            s.open = true;
        }
        if !s.open {
            return;
        }
        let changed = !s.name.is_empty();
        let errors = usize::from(s.errors);
        let dialog = form_dialog("Create Client VPN Endpoint", "Create")
            .errors(errors)
            .changed(changed);
        let mut notes = String::new();
        let outcome = dialog.show(ui.ctx(), |ui| {
            kit::text_field(&mut notes)
                .label("Description")
                .optional()
                .ui(ui);
            let error = s
                .errors
                .then_some("Name is empty. Use letters, for example corp-staff.");
            kit::text_field(&mut s.name)
                .label("Name")
                .error(error)
                .ui(ui);
        });
        match outcome {
            Dialog::Open => {}
            Dialog::Submitted => {
                s.submits += 1;
                s.errors = s.name.is_empty();
            }
            Dialog::Closed => s.open = false,
        }
    }

    #[test]
    fn a_form_opens_on_its_first_field_and_gives_the_focus_back() {
        let mut h = harness(Form::default(), form);
        h.get_by_label("Create…").focus();
        h.run();
        h.key_press(Key::Enter);
        h.run();
        assert!(h.get_by_label("Description").is_focused());
        h.key_press(Key::Escape);
        h.run();
        assert!(!h.state().open);
        assert!(h.get_by_label("Create…").is_focused());
    }

    #[test]
    fn a_form_above_another_one_opens_on_its_first_field_too() {
        let draw = |ui: &mut Ui, (lower, upper, asked): &mut (String, String, bool)| {
            form_dialog("Restore a backup", "Open").show(ui.ctx(), |ui| {
                field::text_field(lower).label("Passphrase").ui(ui);
            });
            if *asked {
                form_dialog("Choose a file", "Choose").show(ui.ctx(), |ui| {
                    field::text_field(upper).label("File").ui(ui);
                });
            }
        };
        let mut h = harness((String::new(), String::new(), false), draw);
        assert!(h.get_by_label("Passphrase").is_focused());
        h.state_mut().2 = true;
        h.run();
        assert!(h.get_by_label("File").is_focused());
        h.state_mut().2 = false;
        h.run();
        assert!(h.get_by_label("Passphrase").is_focused());
    }

    #[test]
    fn a_dialog_has_room_at_once_for_what_appears_in_it() {
        let draw = |ui: &mut Ui, lines: &mut usize| {
            form_dialog("Test connection", "Test").show(ui.ctx(), |ui| {
                for line in 0..*lines {
                    super::super::text::body(ui, &format!("Line {line}"));
                }
            });
        };
        let mut h = harness(1, draw);
        *h.state_mut() = 15;
        h.run_steps(2);
        let (last, foot) = (
            h.get_by_label("Line 14").rect(),
            h.get_by_label("Test").rect(),
        );
        assert!(last.bottom() < foot.top());
        assert!(foot.bottom() < 800.0, "it lies in the middle again");
    }

    #[test]
    fn a_refused_submit_counts_and_goes_to_the_first_error() {
        let mut h = harness(
            Form {
                open: true,
                ..Form::default()
            },
            form,
        );
        h.get_by_label("Create").click();
        h.run();
        assert_eq!(h.state().submits, 1);
        h.get_by_label("1 field needs a change");
        assert!(h.get_by_label("Name").is_focused());
    }

    #[test]
    fn esc_asks_before_changes_are_lost_and_closes_the_top_dialog_only() {
        let mut h = harness(
            Form {
                open: true,
                ..Form::default()
            },
            form,
        );
        h.get_by_label("Name").focus();
        h.run();
        assert!(!has_unsaved(&h.ctx));
        h.get_by_label("Name").type_text("corp");
        h.run();
        assert!(has_unsaved(&h.ctx));
        h.key_press(Key::Escape);
        h.run();
        h.get_by_label("Keep editing");
        assert!(h.state().open);
        h.key_press(Key::Escape);
        h.run();
        assert!(
            h.query_by_label("Keep editing").is_none(),
            "the question is gone"
        );
        assert!(h.state().open, "the form stays");
        assert_eq!(h.state().name, "corp");
        h.key_press(Key::Escape);
        h.run();
        h.get_by_label("Discard").click();
        h.run();
        assert!(!h.state().open);
        assert!(!has_unsaved(&h.ctx));
    }

    #[derive(Default)]
    struct Delete {
        closed: bool,
        deleted: u32,
    }

    fn delete(ui: &mut Ui, s: &mut Delete) {
        if s.closed {
            return;
        }
        let outcome = confirm_dialog("Delete lab-lisbon?", "Delete endpoint")
            .body("The endpoint and its 3 authorization rules go for good.")
            .typed_name("lab-lisbon")
            .show(ui.ctx());
        match outcome {
            Dialog::Open => {}
            Dialog::Submitted => s.deleted += 1,
            Dialog::Closed => s.closed = true,
        }
    }

    #[test]
    fn the_irreversible_waits_for_the_typed_name_and_never_happens_by_enter() {
        let mut h = harness(Delete::default(), delete);
        assert!(h.get_by_label("Cancel").is_focused());
        h.get_by_label("Delete endpoint").click();
        h.run();
        assert_eq!(h.state().deleted, 0);
        h.get_by_label("Type lab-lisbon to confirm").focus();
        h.run();
        h.get_by_label("Type lab-lisbon to confirm")
            .type_text("lab-lisbon");
        h.run();
        assert!(
            !h.get_by_label("Delete endpoint")
                .accesskit_node()
                .is_disabled()
        );
        h.get_by_label("Delete endpoint").focus();
        h.run();
        h.key_press(Key::Enter);
        h.run();
        assert_eq!(h.state().deleted, 0);
        h.get_by_label("Delete endpoint").click();
        h.run();
        assert_eq!(h.state().deleted, 1);
    }

    #[test]
    fn a_name_typed_before_does_not_count_when_the_question_is_asked_again() {
        let mut h = harness(Delete::default(), delete);
        h.get_by_label("Type lab-lisbon to confirm").focus();
        h.run();
        h.get_by_label("Type lab-lisbon to confirm")
            .type_text("lab-lisbon");
        h.run();
        // The caller stops showing it by itself, as after an answer from elsewhere.
        h.state_mut().closed = true;
        h.run();
        h.run();
        h.state_mut().closed = false;
        h.run();
        assert!(
            h.get_by_label("Delete endpoint")
                .accesskit_node()
                .is_disabled()
        );
        assert!(h.get_by_label("Cancel").is_focused());
    }

    #[test]
    fn enter_on_a_fresh_question_cancels() {
        let mut h = harness(Delete::default(), delete);
        h.key_press(Key::Enter);
        h.run();
        assert!(h.state().closed);
        assert_eq!(h.state().deleted, 0);
    }

    #[test]
    fn the_tab_order_of_a_foot_is_the_reading_order() {
        let mut h = harness(
            Form {
                open: true,
                ..Form::default()
            },
            form,
        );
        assert!(h.get_by_label("Cancel").rect().right() < h.get_by_label("Create").rect().left());
        h.get_by_label("Cancel").focus();
        h.run();
        h.key_press(Key::Tab);
        h.run();
        assert!(h.get_by_label("Create").is_focused());
    }

    #[test]
    fn what_lies_under_a_dialog_is_out_of_reach() {
        let mut h = harness((true, 0_u32), |ui, (open, pressed)| {
            if button("Below").clicked(ui) {
                *pressed += 1;
            }
            if *open && confirm_dialog("Terminate?", "Terminate").show(ui.ctx()) == Dialog::Closed {
                *open = false;
            }
        });
        h.get_by_label("Below").click();
        h.run();
        assert_eq!(h.state().1, 0);
    }
}
