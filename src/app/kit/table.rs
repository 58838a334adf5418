//! The one table of the window: header with sort, checkbox column, selection by id, virtual rows.
//!
//! The body is one stop of the Tab order. Inside it arrows move, Shift extends, Space selects,
//! Enter opens, Ctrl A selects all, Shift F10 opens the row's menu, and letters go to the row that
//! begins with them. What all rows together say is found only when it is asked for or may have
//! changed: there may be ten thousand, and a frame has milliseconds.

use std::cell::Cell;

use egui::{
    Align, Align2, Event, Id, Key, Layout, Modifiers, Rect, Role, ScrollArea, Sense, Stroke, Ui,
    UiBuilder, WidgetInfo,
    accesskit::{self, SortDirection},
    pos2, vec2,
};
use egui_extras::{TableBuilder, TableRow};

use super::{
    button,
    choice::{self, Checked},
    columns::ColumnChoice,
    icons, paint,
    selection::Selection,
    text::Face,
    tokens::{size, space, tokens},
};

const CHECKBOX: f32 = 48.0;
/// Least width of the column that takes what the others leave.
const REST: f32 = 60.0;
/// Right padding of a cell, so that columns keep apart without gaps in the row's fill.
const CELL_PAD: f32 = 16.0;

/// One column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Column<'a> {
    title: &'a str,
    width: Option<f32>,
    at_end: bool,
    sortable: bool,
    from: f32,
}

/// A column of an exact width in points.
pub const fn column(title: &str, width: f32) -> Column<'_> {
    Column {
        title,
        width: Some(width),
        at_end: false,
        sortable: true,
        from: 0.0,
    }
}

/// The one column that takes the width the others leave.
pub const fn rest_column(title: &str) -> Column<'_> {
    Column {
        width: None,
        ..column(title, 0.0)
    }
}

impl Column<'_> {
    /// Numbers: cells and header at the right.
    #[must_use]
    pub const fn right(mut self) -> Self {
        self.at_end = true;
        self
    }

    /// Its header does not sort.
    #[must_use]
    pub const fn unsorted(mut self) -> Self {
        self.sortable = false;
        self
    }

    /// Leaves when the table is narrower than this.
    #[must_use]
    pub const fn from_width(mut self, points: f32) -> Self {
        self.from = points;
        self
    }

    /// What its header says.
    #[must_use]
    pub const fn title(&self) -> &str {
        self.title
    }

    /// The width of the table below which it leaves.
    pub(super) const fn leaves_below(&self) -> f32 {
        self.from
    }
}

/// What a table is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sort {
    /// Index of the column.
    pub column: usize,
    /// Largest or last first.
    pub descending: bool,
}

impl Sort {
    fn press(&mut self, column: usize) {
        if self.column == column {
            self.descending = !self.descending;
        } else {
            *self = Self {
                column,
                descending: false,
            };
        }
    }
}

/// What was done to a table this frame.
#[derive(Debug, PartialEq, Eq)]
pub struct TableOutput<K> {
    /// A row was opened, by Enter or a double click.
    pub opened: Option<K>,
    /// The selection is another.
    pub selected: bool,
    /// The sort is another: the caller sorts its rows.
    pub sorted: bool,
}

/// A table being described; ends with [`Table::show`].
#[must_use = "a table is added with `show`"]
pub struct Table<'a, K> {
    name: &'a str,
    columns: &'a [Column<'a>],
    selection: &'a mut Selection<K>,
    sort: Option<&'a mut Sort>,
    checkboxes: bool,
    row_height: f32,
    height: Option<f32>,
    head: f32,
    chosen: Option<&'a ColumnChoice>,
}

/// A table; `name` is what it lists ("Client VPN endpoints") and must be unique on its screen.
pub const fn table<'a, K>(
    name: &'a str,
    columns: &'a [Column<'a>],
    selection: &'a mut Selection<K>,
) -> Table<'a, K> {
    Table {
        name,
        columns,
        selection,
        sort: None,
        checkboxes: false,
        row_height: size::ROW,
        height: None,
        head: size::TABLE_HEAD,
        chosen: None,
    }
}

/// What a screen tells the table about its rows.
pub trait Rows {
    /// Identity of a row.
    type Key: Ord + Clone + std::hash::Hash + std::fmt::Debug;
    /// How many rows there are.
    fn len(&self) -> usize;
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Identity of the row at an index; each index below `len` has one.
    fn key(&self, row: usize) -> Self::Key;
    /// What a screen reader says of the row ("a.lindqvist, Active, 10.20.0.12"), its name first.
    fn name(&self, row: usize) -> String;
    /// Whether the row at an index is selected; for rows whose key is dear to make.
    fn is_selected(&self, row: usize, selection: &Selection<Self::Key>) -> bool {
        selection.contains(&self.key(row))
    }
    /// Another number whenever other rows are shown or in another order; none where that is not
    /// known, and what follows from all rows is found anew in each frame.
    fn version(&self) -> Option<u64> {
        None
    }
    /// Draws one cell; `column` counts all columns, also those that left.
    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize);
    /// Whether rows have a menu.
    fn has_menu(&self) -> bool {
        false
    }
    /// Draws the menu of a row, where rows have one.
    fn menu(&mut self, _ui: &mut Ui, _row: usize) {}
}

impl<'a, K: Ord + Clone + std::hash::Hash + std::fmt::Debug> Table<'a, K> {
    /// Headers sort; the caller sorts its rows when [`TableOutput::sorted`].
    pub const fn sort(mut self, sort: &'a mut Sort) -> Self {
        self.sort = Some(sort);
        self
    }

    /// A column of boxes at the left, for acting on several rows.
    pub const fn checkboxes(mut self) -> Self {
        self.checkboxes = true;
        self
    }

    /// The columns that the person chose.
    pub const fn chosen(mut self, chosen: &'a ColumnChoice) -> Self {
        self.chosen = Some(chosen);
        self
    }

    /// Rows 34 high instead of 28.
    pub const fn comfortable(mut self, comfortable: bool) -> Self {
        if comfortable {
            self.row_height = size::ROW_COMFORTABLE;
        }
        self
    }

    /// An exact height in points with the header; else what is left.
    pub const fn height(mut self, height: f32) -> Self {
        self.height = Some(height);
        self
    }

    /// Adds the table; only rows on screen are drawn.
    pub fn show(mut self, ui: &mut Ui, rows: &mut impl Rows<Key = K>) -> TableOutput<K> {
        let mut out = TableOutput {
            opened: None,
            selected: false,
            sorted: false,
        };
        let width = ui.available_width();
        let height = self.height.unwrap_or_else(|| ui.available_height());
        let count = rows.len();
        let id = ui.scope_id().with(("kit table", self.name));
        let shown = self.shown(width);
        let area = Rect::from_min_size(ui.cursor().min, vec2(width, height));
        let body = Body {
            id,
            area,
            ring: Cell::new(None),
            focus: self.keyboard(ui, id, area, rows, &mut out),
            row_height: self.row_height,
            checkboxes: self.checkboxes,
            columns: self.columns,
            shown: &shown,
        };
        let before = self.selection.version();
        let all = self.checked(ui, id, rows);
        let head = self.head;
        // A place of its own: columns that need more than there is are scrolled to, and do not
        // widen what is drawn after the table.
        let mut place = ui.new_child(UiBuilder::new().max_rect(area));
        place.shrink_clip_rect(area);
        place.spacing_mut().item_spacing = egui::Vec2::ZERO;
        let needed = self.needed(&shown);
        ScrollArea::horizontal()
            .id_salt(id.with("aside"))
            .scroll([needed > width, false])
            .auto_shrink(false)
            .show(&mut place, |place| {
                place.set_width(needed.max(width));
                self.builder(place, id, &shown, &body, height)
                    .header(head, |mut row| {
                        self.header(&mut row, &shown, (all, rows), &mut out);
                    })
                    .body(|table| {
                        table.rows(self.row_height, count, |row| {
                            body.row(row, self.selection, rows, &mut out);
                        });
                    });
            });
        ui.advance_cursor_after_rect(area);
        if let Some(row) = body.ring.get() {
            let mut rows_only = area;
            rows_only.min.y += head;
            let p = ui
                .painter()
                .with_clip_rect(rows_only.intersect(ui.clip_rect()));
            paint::focus_ring_inside(&p, row, 2, tokens(ui));
        }
        out.selected |= self.selection.version() != before;
        out
    }

    /// The columns that are shown, by index.
    fn shown(&self, width: f32) -> Vec<usize> {
        let all = self.columns.iter().enumerate();
        let shown = all.filter(|(index, column)| match self.chosen {
            Some(chosen) => chosen.shows(*index, column, width),
            None => column.from <= width,
        });
        shown.map(|(index, _)| index).collect()
    }

    /// The width that those columns need at least.
    fn needed(&self, shown: &[usize]) -> f32 {
        let boxes = if self.checkboxes { CHECKBOX } else { 0.0 };
        let columns = shown.iter().enumerate().map(|(place, index)| {
            let width = self.columns.get(*index).and_then(|it| it.width);
            width.map_or(REST, |width| width + self.lead(place))
        });
        boxes + columns.sum::<f32>()
    }

    fn builder<'u>(
        &self,
        ui: &'u mut Ui,
        id: Id,
        shown: &[usize],
        body: &Body<'_>,
        height: f32,
    ) -> TableBuilder<'u> {
        let mut builder = TableBuilder::new(ui)
            .id_salt(id)
            .striped(false)
            .sense(Sense::CLICK)
            .auto_shrink(false)
            .max_scroll_height((height - self.head).max(self.row_height))
            .min_scrolled_height(0.0)
            .cell_layout(Layout::left_to_right(Align::Center));
        if self.checkboxes {
            builder = builder.column(egui_extras::Column::exact(CHECKBOX));
        }
        for (place, index) in shown.iter().enumerate() {
            let Some(column) = self.columns.get(*index) else {
                continue;
            };
            builder = builder.column(match column.width {
                Some(width) => egui_extras::Column::exact(width + self.lead(place)).clip(true),
                None => egui_extras::Column::remainder().at_least(REST).clip(true),
            });
        }
        if let Some(row) = body.focus.scroll_to {
            builder = builder.scroll_to_row(row, None);
        }
        builder
    }

    /// The first column starts at the page's margin where no checkbox column does.
    const fn lead(&self, place: usize) -> f32 {
        if place == 0 && !self.checkboxes {
            space::PAGE
        } else {
            0.0
        }
    }

    fn header(
        &mut self,
        row: &mut TableRow<'_, '_>,
        shown: &[usize],
        (all, rows): (Checked, &impl Rows<Key = K>),
        out: &mut TableOutput<K>,
    ) {
        if self.checkboxes {
            row.col(|ui| {
                head_ground(ui);
                ui.add_space(space::PAGE - 3.0);
                if choice::bare_checkbox(ui, all, "Select all").clicked() {
                    self.selection.toggle_all(&order(rows));
                }
            });
        }
        for (place, index) in shown.iter().enumerate() {
            let Some(column) = self.columns.get(*index).copied() else {
                continue;
            };
            let lead = self.lead(place);
            row.col(|ui| {
                head_ground(ui);
                let sorted = self.sort.as_deref().filter(|s| s.column == *index);
                let sortable = column.sortable && self.sort.is_some();
                if head_cell(ui, column, sorted, sortable, lead)
                    && let Some(sort) = self.sort.as_deref_mut()
                {
                    sort.press(*index);
                    out.sorted = true;
                }
            });
        }
    }

    /// How much of what is shown is selected; counted again only when it may be another number.
    fn checked(&self, ui: &Ui, id: Id, rows: &impl Rows<Key = K>) -> Checked {
        if !self.checkboxes || self.selection.is_empty() {
            return Checked::No;
        }
        let slot = id.with("checked");
        let of = rows
            .version()
            .map(|version| (version, self.selection.version()));
        let known: Option<(Option<(u64, u64)>, Checked)> = ui.data(|d| d.get_temp(slot));
        if let Some((known_of, checked)) = known
            && of.is_some()
            && known_of == of
        {
            return checked;
        }
        let is_chosen = |row: &usize| rows.is_selected(*row, self.selection);
        let checked = match (0..rows.len()).filter(is_chosen).count() {
            0 => Checked::No,
            n if n == rows.len() => Checked::Yes,
            _ => Checked::Some,
        };
        ui.data_mut(|d| d.insert_temp(slot, (of, checked)));
        checked
    }

    /// Moves cursor and selection by keys while the table has the focus.
    fn keyboard(
        &mut self,
        ui: &Ui,
        id: Id,
        area: Rect,
        rows: &impl Rows<Key = K>,
        out: &mut TableOutput<K>,
    ) -> Focus {
        let count = rows.len();
        let response = ui.interact(area, id, Sense::focusable_noninteractive());
        response.widget_info(|| WidgetInfo::labeled(Role::Table, true, self.name));
        response
            .ctx
            .accesskit_node_builder(id, |node| node.set_row_count(count));
        if !response.has_focus() || count == 0 {
            return Focus::default();
        }
        choice::keep_keys(ui, id, false, true);
        let page = ((area.height() - self.head) / self.row_height)
            .floor()
            .max(1.0) as usize;
        let mut focus = Focus {
            on: true,
            ..Focus::default()
        };
        if let Some((key, extend)) = ui.input_mut(moving_key) {
            let row = moved(key, self.cursor_row(rows), count, page);
            self.move_to(row, extend, rows);
            focus.scroll_to = Some(row);
        }
        ui.input_mut(|i| {
            if i.consume_key(Modifiers::COMMAND, Key::A) {
                self.selection.toggle_all(&order(rows));
            }
            focus.menu = i.consume_key(Modifiers::SHIFT, Key::F10);
            let select = i.consume_key(Modifiers::NONE, Key::Space);
            let open = i.consume_key(Modifiers::NONE, Key::Enter);
            if (select || open)
                && let Some(row) = self.cursor_row(rows)
            {
                if select {
                    self.selection.toggle(rows.key(row));
                }
                if open {
                    out.opened = Some(rows.key(row));
                }
            }
        });
        if let Some(row) = self.typed_ahead(ui, id, rows) {
            self.move_to(row, false, rows);
            focus.scroll_to = Some(row);
        }
        focus
    }

    /// Where the row of the keyboard is among those shown.
    fn cursor_row(&self, rows: &impl Rows<Key = K>) -> Option<usize> {
        let cursor = self.selection.cursor()?;
        (0..rows.len()).find(|row| rows.key(*row) == *cursor)
    }

    fn move_to(&mut self, row: usize, extend: bool, rows: &impl Rows<Key = K>) {
        if extend {
            self.selection.extend_to(rows.key(row), &order(rows));
        } else {
            self.selection.select_only(rows.key(row));
        }
    }

    /// The row whose name begins with the letters typed one soon after the other; the same letter
    /// again goes to the next.
    fn typed_ahead(&self, ui: &Ui, id: Id, rows: &impl Rows<Key = K>) -> Option<usize> {
        let letters = ui.input(|i| {
            let text = i.events.iter().filter_map(|event| match event {
                Event::Text(text) if !text.trim().is_empty() => Some(text.as_str()),
                _ => None,
            });
            text.collect::<String>().to_lowercase()
        });
        if letters.is_empty() {
            return None;
        }
        let now = ui.input(|i| i.time);
        let slot = id.with("typed");
        let before: Option<(f64, String)> = ui.data(|d| d.get_temp(slot));
        let mut typed = before
            .filter(|(at, _)| now - at < TYPED_TOGETHER)
            .map_or_else(String::new, |(_, typed)| typed);
        typed.push_str(&letters);
        ui.data_mut(|d| d.insert_temp(slot, (now, typed.clone())));
        let mut chars = typed.chars();
        let first = chars.next()?;
        let again = chars.all(|c| c == first);
        let wanted = if again { first.to_string() } else { typed };
        let at = self.cursor_row(rows).unwrap_or_default();
        let from = if again { at + 1 } else { at };
        let count = rows.len();
        (0..count)
            .map(|step| (from + step) % count)
            .find(|row| rows.name(*row).to_lowercase().starts_with(&wanted))
    }
}

/// The keys of all rows in the order shown: for what was asked of all of them, not for each frame.
fn order<R: Rows>(rows: &R) -> Vec<R::Key> {
    (0..rows.len()).map(|row| rows.key(row)).collect()
}

/// Letters typed within so many seconds are of one word.
const TYPED_TOGETHER: f64 = 1.0;

/// A key that moves through rows, and whether it extends the selection.
fn moving_key(input: &mut egui::InputState) -> Option<(Key, bool)> {
    let keys = [
        Key::ArrowDown,
        Key::ArrowUp,
        Key::PageDown,
        Key::PageUp,
        Key::Home,
        Key::End,
    ];
    keys.into_iter().find_map(|key| {
        let extend = input.consume_key(Modifiers::SHIFT, key);
        (extend || input.consume_key(Modifiers::NONE, key)).then_some((key, extend))
    })
}

/// Where a key leads from the row at `at`.
fn moved(key: Key, at: Option<usize>, rows: usize, page: usize) -> usize {
    let last = rows.saturating_sub(1);
    match (key, at) {
        (Key::Home, _) => 0,
        (Key::End, _) => last,
        (_, None) => 0,
        (Key::ArrowDown, Some(at)) => (at + 1).min(last),
        (Key::ArrowUp, Some(at)) => at.saturating_sub(1),
        (Key::PageDown, Some(at)) => (at + page).min(last),
        (_, Some(at)) => at.saturating_sub(page),
    }
}

#[derive(Debug, Default)]
struct Focus {
    on: bool,
    menu: bool,
    scroll_to: Option<usize>,
}

struct Body<'a> {
    id: Id,
    area: Rect,
    /// Where the row of the keyboard was drawn; its ring goes over all cells, so it comes last.
    ring: Cell<Option<Rect>>,
    focus: Focus,
    row_height: f32,
    checkboxes: bool,
    columns: &'a [Column<'a>],
    shown: &'a [usize],
}

impl Body<'_> {
    fn row<R: Rows>(
        &self,
        mut row: TableRow<'_, '_>,
        selection: &mut Selection<R::Key>,
        rows: &mut R,
        out: &mut TableOutput<R::Key>,
    ) {
        let index = row.index();
        let key = &rows.key(index);
        let selected = selection.contains(key);
        let at_cursor = self.focus.on && selection.cursor() == Some(key);
        row.set_selected(selected);
        let name = rows.name(index);
        let row_id = self.id.with(key);
        let mut boxed = false;
        if self.checkboxes {
            row.col(|ui| {
                self.ground(ui, selected, true);
                self.accessible(ui, row_id, index, selected, at_cursor, &name);
                ui.add_space(space::PAGE - 3.0);
                let of = name.split(',').next().unwrap_or(&name);
                let label = format!("Select {of}");
                if choice::bare_checkbox(ui, selected.into(), &label).clicked() {
                    selection.toggle(key.clone());
                    boxed = true;
                }
            });
        }
        for (place, column_index) in self.shown.iter().enumerate() {
            let first = place == 0 && !self.checkboxes;
            let Some(column) = self.columns.get(*column_index) else {
                continue;
            };
            row.col(|ui| {
                self.ground(ui, selected, first);
                if first {
                    self.accessible(ui, row_id, index, selected, at_cursor, &name);
                }
                let lead = if first { space::PAGE } else { 0.0 };
                in_cell(ui, *column, lead, |ui| rows.cell(ui, index, *column_index));
            });
        }
        let response = row.response();
        let asked = response
            .ctx
            .input(|i| i.has_accesskit_action_request(row_id, accesskit::Action::Click));
        if (response.clicked() || asked) && !boxed {
            let keys = response.ctx.input(|i| i.modifiers);
            selection.click(key.clone(), || order(rows), keys);
            response.ctx.memory_mut(|m| m.request_focus(self.id));
        }
        if response.double_clicked() {
            out.opened = Some(key.clone());
        }
        if rows.has_menu() {
            if response.secondary_clicked() && !selection.contains(key) {
                selection.select_only(key.clone());
            }
            let by_key = at_cursor && self.focus.menu;
            button::row_menu(&response, by_key, |ui| rows.menu(ui, index));
        }
    }

    /// Hairline below, and at the very left the edge of a selected row.
    fn ground(&self, ui: &Ui, selected: bool, first: bool) {
        let t = tokens(ui);
        let cell = ui.max_rect();
        let p = ui.painter();
        p.hline(
            cell.x_range(),
            cell.bottom().round() - 0.5,
            Stroke::new(1.0, t.line),
        );
        if selected && first {
            let edge = Rect::from_min_size(cell.min, vec2(3.0, self.row_height));
            p.rect_filled(edge, 0, t.link);
        }
    }

    /// The row as one node, named, counted and clickable for assistive technology.
    fn accessible(
        &self,
        ui: &Ui,
        id: Id,
        index: usize,
        selected: bool,
        at_cursor: bool,
        name: &str,
    ) {
        let mut rect = ui.max_rect();
        let table = self.area;
        rect.max.x = table.right();
        let response = ui.interact(rect, id, Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Row, true, name));
        ui.ctx().accesskit_node_builder(id, |node| {
            node.set_row_index(index);
            node.set_selected(selected);
            node.add_action(accesskit::Action::Click);
        });
        if at_cursor {
            ui.ctx().accesskit_node_builder(self.id, |node| {
                node.set_active_descendant(id.accesskit_id());
            });
            self.ring.set(Some(rect));
        }
    }
}

fn head_ground(ui: &Ui) {
    let t = tokens(ui);
    let cell = ui.max_rect();
    let p = ui.painter();
    p.rect_filled(cell, 0, t.raised);
    for y in [cell.top().round() + 0.5, cell.bottom().round() - 0.5] {
        p.hline(cell.x_range(), y, Stroke::new(1.0, t.line));
    }
}

/// A header cell; true when it was pressed to sort.
fn head_cell(
    ui: &mut Ui,
    column: Column<'_>,
    sorted: Option<&Sort>,
    sortable: bool,
    lead: f32,
) -> bool {
    let t = tokens(ui);
    let cell = ui.max_rect();
    let spot = Rect::from_min_max(
        pos2(cell.left() + lead, cell.top()),
        pos2(cell.right() - CELL_PAD, cell.bottom()),
    );
    let response = ui.allocate_rect(spot, paint::click_if(sortable));
    response.widget_info(|| WidgetInfo::labeled(Role::ColumnHeader, true, column.title));
    if let Some(sort) = sorted {
        let direction = if sort.descending {
            SortDirection::Descending
        } else {
            SortDirection::Ascending
        };
        ui.ctx()
            .accesskit_node_builder(response.id, |node| node.set_sort_direction(direction));
    }
    let strong = sorted.is_some() || (sortable && response.hovered());
    let color = if strong { t.strong } else { t.weak };
    let arrow = if sorted.is_some() { 16.0 } else { 0.0 };
    let p = ui.painter();
    let room = spot.width() - arrow;
    let words = if column.at_end {
        let at = pos2(spot.right(), spot.center().y);
        paint::line_within(
            p,
            at,
            Align2::RIGHT_CENTER,
            column.title,
            Face::HEAD_CELL,
            color,
            room,
        )
    } else {
        paint::line_within(
            p,
            spot.left_center(),
            Align2::LEFT_CENTER,
            column.title,
            Face::HEAD_CELL,
            color,
            room,
        )
    };
    if let Some(sort) = sorted {
        let glyph = if sort.descending {
            icons::CARET_DOWN
        } else {
            icons::CARET_UP
        };
        let x = if column.at_end {
            words.left() - 9.0
        } else {
            words.right() + 9.0
        };
        paint::icon(p, pos2(x, spot.center().y), glyph, 12.0, t.link);
    }
    if response.has_focus() {
        paint::focus_ring_inside(p, spot.expand2(vec2(4.0, -4.0)), 4, t);
    }
    response.clicked()
}

fn in_cell(ui: &mut Ui, column: Column<'_>, lead: f32, add: impl FnOnce(&mut Ui)) {
    let cell = ui.max_rect();
    let inner = Rect::from_min_max(
        pos2(cell.left() + lead, cell.top()),
        pos2(cell.right() - CELL_PAD, cell.bottom()),
    );
    let layout = if column.at_end {
        Layout::right_to_left(Align::Center)
    } else {
        Layout::left_to_right(Align::Center)
    };
    let mut child = ui.new_child(UiBuilder::new().max_rect(inner).layout(layout));
    child.spacing_mut().item_spacing.x = 6.0;
    add(&mut child);
}

#[cfg(test)]
mod tests {
    use egui_kittest::{
        Harness,
        kittest::{NodeT as _, Queryable as _},
    };

    use super::*;
    use crate::app::kit::{self, testing::harness};

    #[derive(Default)]
    struct State {
        names: Vec<&'static str>,
        selection: Selection<&'static str>,
        sort: Sort,
        opened: Vec<&'static str>,
        drawn: usize,
        terminated: Vec<&'static str>,
    }

    struct Names<'a> {
        names: &'a [&'static str],
        drawn: usize,
        terminated: Option<&'static str>,
    }

    impl Rows for Names<'_> {
        type Key = &'static str;
        fn len(&self) -> usize {
            self.names.len()
        }
        fn key(&self, row: usize) -> &'static str {
            self.names[row]
        }
        fn name(&self, row: usize) -> String {
            format!("{}, Active", self.names[row])
        }
        fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
            self.drawn += 1;
            match column {
                0 => kit::cell_name(ui, self.names[row]),
                1 => kit::cell_mono(ui, "10.20.0.12"),
                _ => kit::cell(ui, "128"),
            };
        }
        fn has_menu(&self) -> bool {
            true
        }
        fn menu(&mut self, ui: &mut Ui, row: usize) {
            if kit::menu_item("Terminate").danger().clicked(ui) {
                self.terminated = Some(self.names[row]);
            }
        }
    }

    fn shown(names: &[&'static str]) -> Harness<'static, State> {
        let state = State {
            names: names.to_vec(),
            ..State::default()
        };
        harness(state, |ui, s| {
            let columns = [
                column("Common name", 160.0),
                column("Client IP", 120.0),
                rest_column("Connected").right(),
                column("Client", 100.0).from_width(5000.0),
            ];
            let mut rows = Names {
                names: &s.names,
                drawn: 0,
                terminated: None,
            };
            let out = table("Connections", &columns, &mut s.selection)
                .sort(&mut s.sort)
                .checkboxes()
                .height(400.0)
                .show(ui, &mut rows);
            s.drawn = rows.drawn;
            s.terminated.extend(rows.terminated);
            s.opened.extend(out.opened);
            if out.sorted {
                s.names.sort_unstable();
                if s.sort.descending {
                    s.names.reverse();
                }
            }
        })
    }

    fn selected(h: &Harness<'_, State>) -> Vec<&'static str> {
        h.state().selection.iter().copied().collect()
    }

    const FOUR: [&str; 4] = ["c.nakamura", "a.lindqvist", "d.ivanova", "b.castro"];

    #[test]
    fn a_click_selects_a_row_shift_a_range_and_ctrl_one_more() {
        let mut h = shown(&FOUR);
        h.get_by_label("c.nakamura").click();
        h.run();
        assert_eq!(selected(&h), ["c.nakamura"]);
        h.get_by_label("d.ivanova")
            .click_modifiers(Modifiers::SHIFT);
        h.run();
        assert_eq!(selected(&h), ["a.lindqvist", "c.nakamura", "d.ivanova"]);
        h.get_by_label("a.lindqvist")
            .click_modifiers(Modifiers::COMMAND);
        h.run();
        assert_eq!(selected(&h), ["c.nakamura", "d.ivanova"]);
    }

    #[test]
    fn boxes_select_one_by_one_and_all() {
        let mut h = shown(&FOUR);
        h.get_by_label("Select a.lindqvist").click();
        h.run();
        h.get_by_label("Select b.castro").click();
        h.run();
        assert_eq!(selected(&h), ["a.lindqvist", "b.castro"]);
        h.get_by_label("Select all").click();
        h.run();
        assert_eq!(selected(&h).len(), 4);
        h.get_by_label("Select all").click();
        h.run();
        assert!(selected(&h).is_empty());
    }

    #[test]
    fn a_header_sorts_and_a_second_press_turns_it_round() {
        let mut h = shown(&FOUR);
        h.get_by_label("Client IP").click();
        h.run();
        assert_eq!(
            h.state().sort,
            Sort {
                column: 1,
                descending: false
            }
        );
        h.get_by_label("Common name").click();
        h.run();
        assert_eq!(h.state().names[0], "a.lindqvist");
        h.get_by_label("Common name").click();
        h.run();
        assert_eq!(h.state().names[0], "d.ivanova");
        let head = h.get_by_label("Common name");
        assert_eq!(
            head.accesskit_node().data().sort_direction(),
            Some(SortDirection::Descending)
        );
    }

    #[test]
    fn rows_are_read_with_name_index_and_selection() {
        let mut h = shown(&FOUR);
        h.get_by_label("a.lindqvist").click();
        h.run();
        let row = h.get_by_label("a.lindqvist, Active");
        let node = row.accesskit_node();
        assert_eq!(node.role(), Role::Row);
        assert_eq!(node.is_selected(), Some(true));
        assert_eq!(node.data().row_index(), Some(1));
    }

    #[test]
    fn the_keyboard_moves_extends_selects_and_opens() {
        let mut h = shown(&FOUR);
        h.get_by_label("c.nakamura").click();
        h.run();
        h.key_press(Key::ArrowDown);
        h.run();
        assert_eq!(selected(&h), ["a.lindqvist"]);
        h.key_press_modifiers(Modifiers::SHIFT, Key::ArrowDown);
        h.run();
        assert_eq!(selected(&h), ["a.lindqvist", "d.ivanova"]);
        h.key_press(Key::Enter);
        h.run();
        assert_eq!(h.state().opened, ["d.ivanova"]);
        h.key_press(Key::Space);
        h.run();
        assert_eq!(selected(&h), ["a.lindqvist"]);
        h.key_press_modifiers(Modifiers::COMMAND, Key::A);
        h.run();
        assert_eq!(selected(&h).len(), 4);
    }

    #[test]
    fn the_menu_of_a_row_opens_by_right_click_and_by_key() {
        let mut h = shown(&FOUR);
        h.get_by_label("d.ivanova").click_secondary();
        h.run();
        assert_eq!(selected(&h), ["d.ivanova"]);
        h.get_by_label("Terminate").click();
        h.run();
        assert_eq!(h.state().terminated, ["d.ivanova"]);
        h.get_by_label("b.castro").click();
        h.run();
        h.key_press_modifiers(Modifiers::SHIFT, Key::F10);
        h.run();
        h.get_by_label("Terminate").click();
        h.run();
        assert_eq!(h.state().terminated, ["d.ivanova", "b.castro"]);
    }

    #[test]
    fn only_rows_on_screen_are_drawn_and_a_narrow_table_drops_columns() {
        let many: Vec<&'static str> = (0..5000)
            .map(|i| &*Box::leak(format!("user-{i:04}").into_boxed_str()))
            .collect();
        let h = shown(&many);
        assert!(h.state().drawn < 20 * 3, "{} cells", h.state().drawn);
        assert!(h.state().drawn >= 12 * 3, "{} cells", h.state().drawn);
        assert!(h.query_by_label("Client").is_none(), "the column has left");
    }
}
