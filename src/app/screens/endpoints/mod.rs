//! The endpoints, and below them the tabs of the one selected.

mod associations;
mod authorization;
mod blocked;
mod connections;
mod delete;
mod list;
mod panel;
mod readiness;
mod room;
mod routes;
mod security_groups;
mod summary;
mod tags;

use egui::{Key, Ui};

use super::{
    Page,
    listing::{self, choose_columns},
};
use crate::{
    app::{
        context::{Context, EndpointTab},
        dialogs::{
            create_endpoint::CreateEndpoint,
            download::Download,
            hand_out::HandOutPage,
            manage_tags::ManageTags,
            modify_endpoint::ModifyEndpoint,
            revocation::{ExportList, ImportList},
            test_connection::TestTheConnection,
        },
        kit::{self, Selection, Sort, icons},
    },
    model::EndpointId,
};
pub(in crate::app) use delete::delete;
use panel::Panel;

/// The page.
#[derive(Default)]
pub struct Endpoints {
    filter: String,
    selection: Selection<EndpointId>,
    sort: Sort,
    panel: Panel,
    /// The panel takes the whole page.
    alone: bool,
}

impl Endpoints {
    /// Selects an endpoint, and a tab if one is named.
    pub fn select(&mut self, id: EndpointId, tab: Option<EndpointTab>) {
        self.selection.select_only(id);
        self.filter.clear();
        self.panel.tab = tab.unwrap_or(self.panel.tab);
    }

    fn head(&mut self, cx: &mut Context<'_>, ui: &mut Ui) {
        let count = cx.view.snapshot.endpoints.len();
        let selected = self.selection.single().cloned();
        let one = selected.is_none().then_some("Select one endpoint first");
        let kept = selected
            .as_ref()
            .and_then(|id| list::kept(&cx.view.snapshot, id));
        let words = if count == 0 {
            String::new()
        } else {
            count.to_string()
        };
        kit::page_head(ui, "Client VPN Endpoints", &words, "", |ui| {
            let create = kit::button("Create Client VPN Endpoint")
                .icon(icons::PLUS)
                .primary()
                .hint("Ctrl N");
            if create.clicked(ui) {
                let dialog = CreateEndpoint::new(cx);
                cx.open(dialog);
            }
            if count == 0 {
                return;
            }
            let download = kit::button("Download Client Configuration")
                .icon(icons::DOWNLOAD_SIMPLE)
                .disabled_because(one);
            if download.clicked(ui)
                && let Some(id) = &selected
            {
                cx.open(Download::new(id.clone()));
            }
            kit::button("Actions").caret().menu(ui, |ui| {
                let item = kit::menu_item("Modify Client VPN Endpoint…")
                    .icon(icons::PENCIL_SIMPLE)
                    .shortcut("F2")
                    .disabled_because(one);
                if item.clicked(ui)
                    && let Some(id) = &selected
                {
                    modify(cx, id);
                }
                let item = kit::menu_item("Manage tags…")
                    .icon(icons::TAG)
                    .disabled_because(one);
                if item.clicked(ui)
                    && let Some(id) = &selected
                {
                    manage_tags(cx, id);
                }
                let item = kit::menu_item("Show hand-out page…")
                    .icon(icons::BOOK_OPEN)
                    .disabled_because(one);
                if item.clicked(ui)
                    && let Some(id) = &selected
                {
                    let page = HandOutPage::new(cx, id, None);
                    cx.open(page);
                }
                let item = kit::menu_item(IMPORT_LIST)
                    .icon(icons::PROHIBIT)
                    .disabled_because(one);
                if item.clicked(ui)
                    && let Some(id) = &selected
                {
                    import_list(cx, id);
                }
                let none = selected
                    .as_ref()
                    .and_then(|id| list::listless(&cx.view.snapshot, id));
                let item = kit::menu_item(EXPORT_LIST)
                    .icon(icons::FILE_TEXT)
                    .disabled_because(one.or(none));
                if item.clicked(ui)
                    && let Some(id) = &selected
                {
                    export_list(cx, id);
                }
                let item = kit::menu_item("Test connection…")
                    .icon(icons::PULSE)
                    .disabled_because(one);
                if item.clicked(ui)
                    && let Some(id) = &selected
                {
                    cx.open(TestTheConnection::new(id.clone()));
                }
                let item = kit::menu_item("Delete Client VPN Endpoint…")
                    .icon(icons::TRASH)
                    .shortcut("Del")
                    .danger()
                    .disabled_because(kept.as_deref().or(one));
                if item.clicked(ui)
                    && let Some(id) = &selected
                {
                    delete(cx, id);
                }
            });
        });
    }

    /// Keys of the page, first of the panel where it has them.
    fn keys(&mut self, cx: &mut Context<'_>, ui: &mut Ui) -> bool {
        if cx.shortcut(ui, Key::N) {
            let dialog = CreateEndpoint::new(cx);
            cx.open(dialog);
        }
        let tabs = [
            (Key::Num1, EndpointTab::Summary),
            (Key::Num2, EndpointTab::Associations),
            (Key::Num3, EndpointTab::SecurityGroups),
            (Key::Num4, EndpointTab::Authorization),
            (Key::Num5, EndpointTab::RouteTable),
            (Key::Num6, EndpointTab::Connections),
            (Key::Num7, EndpointTab::Tags),
        ];
        for (key, tab) in tabs {
            if cx.shortcut(ui, key) {
                self.panel.tab = tab;
            }
        }
        if cx.key(ui, Key::F2)
            && let Some(id) = self.selection.single().cloned()
        {
            modify(cx, &id);
        }
        if cx.key(ui, Key::Escape) {
            if self.selection.single().is_some() && self.panel.clear_filter() {
                // What is filtered in the panel is seen whole again, first of all.
            } else if self.alone {
                self.alone = false;
            } else if !self.filter.is_empty() {
                self.filter.clear();
            } else {
                self.selection.clear();
            }
        }
        cx.shortcut(ui, Key::F)
    }

    fn list(&mut self, cx: &mut Context<'_>, focus_filter: bool, height: f32, ui: &mut Ui) {
        let mut rows = list::rows(cx.view, cx.rates, cx.tally);
        let all = rows.len();
        rows.retain(|row| row.passes(&self.filter));
        list::sort(&mut rows, self.sort);
        let said = match (self.selection.len(), rows.len() == all) {
            (0, true) => String::new(),
            (0, false) => format!("{} of {all}", rows.len()),
            (n, _) => format!("{n} of {all} selected"),
        };
        let width = ui.available_width();
        kit::toolbar(
            ui,
            |ui| {
                kit::search_field(&mut self.filter, "Filter endpoints")
                    .hint("Filter, for example state:available")
                    .keys("Ctrl F")
                    .focus(focus_filter)
                    .ui(ui);
            },
            |ui| {
                density(cx, ui);
                choose_columns(cx, ui, (TABLE, &list::COLUMNS), width);
                kit::weak(ui, &said);
            },
        );
        let height = height - kit::tokens::size::TOOLBAR;
        if rows.is_empty() {
            ui.allocate_ui(egui::vec2(ui.available_width(), height), |ui| {
                listing::nothing_passes(ui, "No endpoint passes the filter", &mut self.filter);
            });
            return;
        }
        let comfortable = cx.prefs.comfortable;
        let mut drawn = list::Drawn {
            rows: &rows,
            zone: cx.zone,
            actions: Vec::new(),
        };
        let columns = cx.prefs.columns_of(TABLE);
        let out = kit::table(TABLE, &list::COLUMNS, &mut self.selection)
            .chosen(&columns)
            .sort(&mut self.sort)
            .checkboxes()
            .comfortable(comfortable)
            .height(height)
            .show(ui, &mut drawn);
        if self.panel.selects_nothing() {
            listing::copy_selected(cx, ui, &self.selection, &drawn);
        }
        let asked = drawn.actions;
        if let Some(id) = out.opened {
            self.selection.select_only(id);
            self.alone = true;
        }
        for ask in asked {
            self.answer(cx, ask);
        }
        // In this order: the key is the panel's where that has rows selected.
        if self.panel.selects_nothing()
            && cx.key(ui, Key::Delete)
            && let Some(id) = self.selection.single().cloned()
        {
            delete(cx, &id);
        }
    }

    fn answer(&mut self, cx: &mut Context<'_>, ask: list::Ask) {
        match ask {
            list::Ask::Associate(id) => {
                self.select(id.clone(), Some(EndpointTab::Associations));
                let dialog = crate::app::dialogs::associate::Associate::new(&cx.view.snapshot, id);
                cx.open(dialog);
            }
            list::Ask::Download(id) => cx.open(Download::new(id)),
            list::Ask::Modify(id) => modify(cx, &id),
            list::Ask::Tags(id) => manage_tags(cx, &id),
            list::Ask::ImportList(id) => import_list(cx, &id),
            list::Ask::ExportList(id) => export_list(cx, &id),
            list::Ask::Delete(id) => delete(cx, &id),
        }
    }
}

impl Page for Endpoints {
    fn ui(&mut self, cx: &mut Context<'_>, ui: &mut Ui) {
        let view = std::sync::Arc::clone(cx.view);
        self.selection
            .retain(|id| view.snapshot.endpoints.contains_key(id));
        let focus_filter = self.keys(cx, ui);
        let of = self
            .selection
            .single()
            .and_then(|id| view.snapshot.endpoints.get(id));
        if let Some(endpoint) = of
            && self.alone
        {
            let asked = self.panel.ui(cx, endpoint, true, focus_filter, ui);
            self.follow(cx, asked);
            return;
        }
        self.alone = false;
        self.head(cx, ui);
        if view.snapshot.endpoints.is_empty() {
            nothing_yet(cx, ui);
            return;
        }
        let room = ui.available_height();
        let Some(endpoint) = of else {
            self.list(cx, focus_filter, room, ui);
            return;
        };
        let mut height = cx
            .prefs
            .endpoint_panel
            .clamp(180.0, (room - 120.0).max(180.0));
        let focus_list = focus_filter && !self.panel.has_filter();
        self.list(cx, focus_list, room - height, ui);
        let t = kit::tokens(ui);
        let ground = if t.dark { t.raised } else { t.surface };
        let rest = ui.available_rect_before_wrap();
        ui.painter().rect_filled(rest, 0, ground);
        kit::split_handle(ui, "Panel height", &mut height, room);
        cx.prefs.endpoint_panel = height;
        let focus_panel = focus_filter && !focus_list;
        let asked = self.panel.ui(cx, endpoint, false, focus_panel, ui);
        self.follow(cx, asked);
    }
}

impl Endpoints {
    fn follow(&mut self, cx: &mut Context<'_>, asked: Option<panel::Ask>) {
        match asked {
            Some(panel::Ask::Close) => {
                self.alone = false;
                self.selection.clear();
            }
            Some(panel::Ask::Alone) => self.alone = !self.alone,
            Some(panel::Ask::Modify) => {
                if let Some(id) = self.selection.single() {
                    modify(cx, id);
                }
            }
            None => {}
        }
    }
}

/// The switch between dense and comfortable rows.
fn density(cx: &mut Context<'_>, ui: &mut Ui) {
    let comfortable = cx.prefs.comfortable;
    let name = if comfortable {
        "Show dense rows"
    } else {
        "Show comfortable rows"
    };
    if kit::icon_button(icons::ROWS, name)
        .pressed(comfortable)
        .clicked(ui)
    {
        cx.prefs.comfortable = !comfortable;
    }
}

fn nothing_yet(cx: &mut Context<'_>, ui: &mut Ui) {
    let body = "An endpoint is the address that clients connect to, with its certificate and the \
                range they get their own addresses from.";
    if kit::empty(
        ui,
        "No Client VPN endpoint yet",
        body,
        "Create Client VPN Endpoint…",
    ) {
        let dialog = CreateEndpoint::new(cx);
        cx.open(dialog);
    }
}

/// Opens what changes an endpoint.
fn modify(cx: &mut Context<'_>, id: &EndpointId) {
    if let Some(dialog) = ModifyEndpoint::new(&cx.view.snapshot, id) {
        cx.open(dialog);
    }
}

/// Opens what changes the tags of an endpoint.
fn manage_tags(cx: &mut Context<'_>, id: &EndpointId) {
    if let Some(it) = cx.view.snapshot.endpoints.get(id) {
        let dialog = ManageTags::new(&it.id, it.title(), &it.tags);
        cx.open(dialog);
    }
}

/// Opens what imports a list into an endpoint.
fn import_list(cx: &mut Context<'_>, id: &EndpointId) {
    if let Some(endpoint) = cx.view.snapshot.endpoints.get(id) {
        let dialog = ImportList::new(endpoint);
        cx.open(dialog);
    }
}

/// Opens what exports the list of an endpoint.
fn export_list(cx: &mut Context<'_>, id: &EndpointId) {
    let snapshot = &cx.view.snapshot;
    let endpoint = snapshot.endpoints.get(id);
    if let Some(dialog) = endpoint.and_then(|it| ExportList::of_endpoint(snapshot, it)) {
        cx.open(dialog);
    }
}

const TABLE: &str = "Client VPN endpoints";
const IMPORT_LIST: &str = "Import Client Certificate CRL…";
const EXPORT_LIST: &str = "Export Client Certificate CRL…";

#[cfg(test)]
mod tests;
