//! Manage tags: the tags of one thing, whatever its kind.

use std::collections::BTreeMap;

use egui::Ui;

use crate::{
    app::{
        context::Context,
        form::{self, Act, DialogForm, FormDialog, dialog::TWO_COLUMNS},
        kit::{self, icons},
    },
    model::{
        Code, Command, Refusal, Tags,
        command::{CreateTags, DeleteTags},
    },
};

const TAGS: &str = "Tags";

/// The dialog.
pub struct ManageTags {
    id: String,
    title: String,
    before: Tags,
    rows: Vec<Row>,
    /// The next row is to take the focus.
    focus: Option<u32>,
    next: u32,
    form: DialogForm,
}

/// A tag as it is typed.
#[derive(Clone, Debug)]
struct Row {
    /// Tells its fields from those of other rows, whatever was removed meanwhile.
    number: u32,
    key: String,
    value: String,
}

impl ManageTags {
    /// For a thing by its identifier and its name, with the tags it has.
    #[must_use]
    pub fn new(id: &impl ToString, title: impl Into<String>, tags: &Tags) -> Self {
        let mut dialog = Self {
            id: id.to_string(),
            title: title.into(),
            before: tags.clone(),
            rows: Vec::new(),
            focus: None,
            next: 0,
            form: DialogForm::default(),
        };
        for (key, value) in tags {
            dialog.add(key, value);
        }
        if tags.is_empty() {
            dialog.add("Name", "");
        }
        dialog
    }

    fn add(&mut self, key: &str, value: &str) -> u32 {
        let number = self.next;
        self.next += 1;
        self.rows.push(Row {
            number,
            key: key.to_owned(),
            value: value.to_owned(),
        });
        number
    }

    /// The tags as typed; a row without anything in it is none.
    fn typed(&self) -> Result<Tags, Refusal> {
        let mut tags = Tags::new();
        for row in &self.rows {
            let (key, value) = (row.key.trim(), row.value.trim());
            if key.is_empty() && value.is_empty() {
                continue;
            }
            if key.is_empty() {
                return Err(wrong(format!("The value {value} has no key")));
            }
            if tags.insert(key.to_owned(), value.to_owned()).is_some() {
                return Err(wrong(format!("The key {key} is there twice")));
            }
        }
        Ok(tags)
    }

    /// The row that a refusal is about: the one whose key or value its words name.
    fn row_of(&self, words: &str) -> Option<u32> {
        let named = |row: &&Row| {
            let says = |text: &str| {
                let text = text.trim();
                !text.is_empty() && words.contains(&format!(" {text} "))
            };
            says(&row.key) || (row.key.trim().is_empty() && says(&row.value))
        };
        // Of two rows with one key, the second is the one too many.
        let found = self.rows.iter().rev().find(named);
        found.or(self.rows.first()).map(|row| row.number)
    }
}

fn wrong(words: String) -> Refusal {
    Refusal::new(Code::InvalidParameterValue, words).at(TAGS)
}

impl FormDialog for ManageTags {
    fn title(&self) -> String {
        format!("Manage tags of {}", self.title)
    }

    fn verb(&self) -> &'static str {
        "Save tags"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, _cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        kit::help(
            ui,
            "A tag is a key and a value, up to 50 on one thing. The tag Name is the name shown in lists; filters find the others, as in tag:env=prod.",
        );
        form.shows(TAGS);
        let error = form.error(TAGS, "");
        let marked = error.as_deref().and_then(|words| self.row_of(words));
        let mut removed = None;
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.y = 8.0;
            for (place, row) in self.rows.iter_mut().enumerate() {
                let wrong = error.as_deref().filter(|_| marked == Some(row.number));
                if draw(ui, form, (place + 1, row), wrong, &mut self.focus) {
                    removed = Some(row.number);
                }
            }
        });
        if let Some(number) = removed {
            self.rows.retain(|row| row.number != number);
            form.changed(TAGS);
        }
        form.error_below(ui, TAGS);
        if kit::button("Add tag").icon(icons::PLUS).clicked(ui) {
            let number = self.add("", "");
            self.focus = Some(number);
        }
    }

    /// What is new or another is put on first, so that nothing is lost where that is refused.
    fn act(&self, cx: &Context<'_>) -> Result<Act, Refusal> {
        let typed = self.typed()?;
        let new: Tags = typed
            .iter()
            .filter(|(key, value)| self.before.get(*key) != Some(*value))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let gone: Vec<(String, Option<String>)> = self
            .before
            .keys()
            .filter(|key| !typed.contains_key(*key))
            .map(|key| (key.clone(), None))
            .collect();
        let resources = vec![self.id.clone()];
        let create = Command::CreateTags(CreateTags {
            resources: resources.clone(),
            tags: new.clone(),
        });
        let done = format!("The tags of {} are saved", self.title);
        if gone.is_empty() {
            return Ok(Act::command(create, done));
        }
        let delete = Command::DeleteTags(DeleteTags {
            resources,
            tags: gone,
        });
        if new.is_empty() {
            return Ok(Act::command(delete, done));
        }
        let console = std::sync::Arc::clone(cx.backend.console());
        Ok(Act::steps(async move {
            form::call(console.as_ref(), create).await?;
            form::call(console.as_ref(), delete).await?;
            Ok(Some(done))
        }))
    }

    fn off(&self, _cx: &Context<'_>) -> Option<String> {
        let same = self.typed().is_ok_and(|typed| typed == self.before);
        same.then(|| "Nothing was changed".to_owned())
    }

    fn width(&self) -> f32 {
        TWO_COLUMNS
    }
}

/// Key, value and what takes the tag off; true when that was pressed.
fn draw(
    ui: &mut Ui,
    form: &mut DialogForm,
    (place, row): (usize, &mut Row),
    wrong: Option<&str>,
    focus: &mut Option<u32>,
) -> bool {
    let each = (ui.available_width() - 52.0) / 2.0;
    let (key, value) = (format!("Key {place}"), format!("Value {place}"));
    ui.horizontal(|ui| {
        let out = kit::text_field(&mut row.key)
            .hint(&key)
            .id(("tag key", row.number))
            .error(wrong)
            .marked_only()
            .width(each)
            .ui(ui);
        if *focus == Some(row.number) {
            *focus = None;
            out.request_focus();
        }
        if wrong.is_some() {
            form.focus_refused(TAGS, &out);
        }
        if out.changed() {
            form.changed(TAGS);
        }
        let out = kit::text_field(&mut row.value)
            .hint(&value)
            .id(("tag value", row.number))
            .marked_only()
            .width(each)
            .ui(ui);
        if out.changed() {
            form.changed(TAGS);
        }
        let name = format!("Remove tag {}", row.key.trim());
        kit::icon_button(icons::X, name.trim_end()).clicked(ui)
    })
    .inner
}

/// "env=prod, team=net": the tags beside the name, for a cell of a table.
#[must_use]
pub fn in_a_line(tags: &Tags) -> String {
    let others: BTreeMap<_, _> = tags.iter().filter(|(key, _)| *key != "Name").collect();
    let words: Vec<String> = others
        .into_iter()
        .map(|(key, value)| match value.is_empty() {
            true => key.clone(),
            false => format!("{key}={value}"),
        })
        .collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::{NodeT as _, Queryable as _};

    use super::*;
    use crate::app::{
        context::EndpointTab,
        testing::{FakeConsole, Window, sample},
    };

    fn open(tags: &[(&str, &str)]) -> Window {
        let (mut snapshot, live) = sample::office();
        let endpoint = snapshot.endpoints.get_mut(&sample::endpoint_id(1)).unwrap();
        for (key, value) in tags {
            let tag = ((*key).to_owned(), (*value).to_owned());
            endpoint.tags.extend([tag]);
        }
        let mut window = Window::open(FakeConsole::new(snapshot, live));
        window.show_endpoint(1, Some(EndpointTab::Tags));
        window.press("Manage tags…");
        window
    }

    #[test]
    fn a_tag_is_added_another_changed_and_one_removed() {
        // In the order of their keys: Name, env, team.
        let mut window = open(&[("env", "test"), ("team", "net")]);
        window.replace("Value 2", "prod");
        window.press("Remove tag team");
        window.press("Add tag");
        window.type_into("Key 3", "Kostenstelle");
        window.type_into("Value 3", "Büro 4711");
        window.press("Save tags");
        let sent = window.console.commands();
        let [Command::CreateTags(new), Command::DeleteTags(gone)] = sent.as_slice() else {
            panic!("{sent:?}");
        };
        let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let expected = Tags::from([tag("env", "prod"), tag("Kostenstelle", "Büro 4711")]);
        assert_eq!(new.tags, expected);
        assert_eq!(new.resources, [sample::endpoint_id(1).to_string()]);
        assert_eq!(gone.tags, [("team".to_owned(), None)]);
        assert!(window.says("The tags of corp-staff are saved"));
    }

    #[test]
    fn a_key_that_is_there_twice_is_said_and_has_the_focus() {
        let mut window = open(&[("env", "test")]);
        window.press("Add tag");
        window.type_into("Key 3", "env");
        window.press("Save tags");
        assert!(window.says("The key env is there twice"));
        assert!(window.console.commands().is_empty());
        let role = egui::Role::TextInput;
        let field = window.harness.get_by_role_and_label(role, "Key 3");
        assert!(field.is_focused());
    }

    #[test]
    fn the_services_refusal_is_at_the_tag_it_names() {
        let mut window = open(&[]);
        window.console.answer(|request| match &request.command {
            Command::CreateTags(it) if it.tags.keys().any(|key| key.starts_with("aws:")) => {
                let words = "The tag aws:x cannot be set: keys that begin with aws: are reserved";
                let refusal = Refusal::new(Code::InvalidParameterValue, words);
                Some(Err(refusal.at("Tags")))
            }
            _ => None,
        });
        window.press("Add tag");
        window.type_into("Key 2", "aws:x");
        window.press("Save tags");
        assert!(window.says("keys that begin with aws: are reserved"));
        let role = egui::Role::TextInput;
        let field = window.harness.get_by_role_and_label(role, "Key 2");
        assert!(field.is_focused());
        assert_eq!(field.accesskit_node().value().as_deref(), Some("aws:x"));
    }

    #[test]
    fn a_vpc_has_tags_by_the_same_dialog() {
        let (snapshot, live) = sample::office();
        let mut window = Window::open(FakeConsole::new(snapshot, live));
        window.go("VPCs and subnets");
        window.click("office");
        window.press("Manage tags…");
        window.press("Add tag");
        window.type_into("Key 2", "env");
        window.press("Save tags");
        let sent = window.console.commands();
        assert!(
            matches!(sent.last(), Some(Command::CreateTags(new))
                if new.resources == [sample::vpc_id(1).to_string()]
                && new.tags.contains_key("env")),
            "{sent:?}"
        );
    }

    #[test]
    fn tags_stand_in_a_line_without_the_name() {
        let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let tags = Tags::from([tag("Name", "a"), tag("env", "prod"), tag("old", "")]);
        assert_eq!(in_a_line(&tags), "env=prod, old");
    }
}
