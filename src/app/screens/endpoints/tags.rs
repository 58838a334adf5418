//! The tab Tags.

use egui::Ui;

use crate::{
    app::{
        context::Context,
        dialogs::manage_tags::ManageTags,
        kit::{self, Column, Rows, Selection, column, icons, rest_column},
        screens::listing::{self, Cells},
    },
    model::{
        Command, Endpoint, Tags,
        command::{CreateTags, DeleteTags},
    },
};

const COLUMNS: [Column<'static>; 2] = [
    column("Key", 240.0).unsorted(),
    rest_column("Value").unsorted(),
];

#[derive(Default)]
pub(super) struct Tab {
    pub(super) selection: Selection<String>,
}

impl Tab {
    pub(super) fn ui(&mut self, cx: &mut Context<'_>, endpoint: &Endpoint, ui: &mut Ui) {
        self.selection.retain(|key| endpoint.tags.contains_key(key));
        let nothing = self.selection.is_empty();
        let mut remove = !nothing && cx.key(ui, egui::Key::Delete);
        let mut manage = false;
        kit::panel_toolbar(
            ui,
            |ui| {
                kit::weak(ui, "Name is shown in lists; filters find the others");
            },
            |ui| {
                manage = kit::button("Manage tags…").icon(icons::TAG).clicked(ui);
                let off = nothing.then_some("Select the tags to remove first");
                let button = kit::button("Remove tag").quiet_danger();
                remove |= button.disabled_because(off).clicked(ui);
            },
        );
        if endpoint.tags.is_empty() {
            let body = "A tag is a key and a value, to find and sort endpoints by.";
            manage |= kit::empty(ui, "No tags yet", body, "Add a tag…");
        } else {
            let rows: Vec<(&String, &String)> = endpoint.tags.iter().collect();
            let mut drawn = Drawn { rows: &rows };
            kit::table("Tags", &COLUMNS, &mut self.selection)
                .checkboxes()
                .comfortable(cx.prefs.comfortable)
                .show(ui, &mut drawn);
            listing::copy_selected(cx, ui, &self.selection, &drawn);
        }
        if manage {
            cx.open(ManageTags::new(
                &endpoint.id,
                endpoint.title(),
                &endpoint.tags,
            ));
        }
        if remove {
            self.remove(cx, endpoint);
        }
    }

    /// Takes the selected off at once, with a way back.
    fn remove(&self, cx: &mut Context<'_>, endpoint: &Endpoint) {
        let chosen = || self.selection.iter().cloned();
        let resources = vec![endpoint.id.to_string()];
        let tags: Tags = chosen()
            .filter_map(|key| Some((key.clone(), endpoint.tags.get(&key)?.clone())))
            .collect();
        let done = match tags.len() {
            1 => "1 tag removed".to_owned(),
            n => format!("{n} tags removed"),
        };
        let delete = Command::DeleteTags(DeleteTags {
            resources: resources.clone(),
            tags: chosen().map(|key| (key, None)).collect(),
        });
        let undo = Command::CreateTags(CreateTags { resources, tags });
        cx.run(delete, done, Some(undo));
    }
}

struct Drawn<'a> {
    rows: &'a [(&'a String, &'a String)],
}

impl Cells for Drawn<'_> {
    fn cells(&self, row: usize) -> Vec<String> {
        let (key, value) = self.rows[row];
        vec![key.clone(), value.clone()]
    }
}

impl Rows for Drawn<'_> {
    type Key = String;

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn key(&self, row: usize) -> String {
        self.rows[row].0.clone()
    }

    fn name(&self, row: usize) -> String {
        let (key, value) = self.rows[row];
        format!("{key}, {value}")
    }

    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let (key, value) = self.rows[row];
        match column {
            0 => drop(kit::cell_name(ui, key)),
            _ => drop(kit::cell(ui, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable as _;

    use crate::{
        app::{
            context::EndpointTab,
            testing::{FakeConsole, Window, sample},
        },
        model::Command,
    };

    fn open(tab: Option<EndpointTab>) -> Window {
        let (mut snapshot, live) = sample::office();
        let endpoint = snapshot.endpoints.get_mut(&sample::endpoint_id(1)).unwrap();
        let tag = ("env".to_owned(), "prod".to_owned());
        endpoint.tags.extend([tag]);
        let mut window = Window::open(FakeConsole::new(snapshot, live));
        if tab.is_some() {
            window.show_endpoint(1, tab);
        }
        window
    }

    #[test]
    fn a_tag_is_removed_at_once_and_brought_back() {
        let mut window = open(Some(EndpointTab::Tags));
        window.click("Select env");
        window.press("Remove tag");
        assert!(window.says("1 tag removed"));
        window.click("Undo");
        let sent = window.console.commands();
        assert!(
            matches!(&sent[..], [Command::DeleteTags(gone), Command::CreateTags(back)]
                if gone.tags == [("env".to_owned(), None)]
                && back.tags.get("env").map(String::as_str) == Some("prod")),
            "{sent:?}"
        );
    }

    #[test]
    fn the_list_is_filtered_by_a_tag() {
        let mut window = open(None);
        window.type_into("Filter endpoints", "tag:env=prod");
        assert!(window.says("corp-staff, "));
        let other = window.harness.query_by_label_contains("contractors, ");
        assert!(other.is_none());
    }
}
