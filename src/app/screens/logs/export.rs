//! Events as a file: JSON as they were logged, or CSV for a spreadsheet.

use std::{path::Path, sync::Arc};

use super::feed::Row;
use crate::{
    app::{
        backend::Work,
        context::{Action, Context},
        dialogs::export_certificate::file_stem,
        files::{self, Files},
        format,
        shell::plural,
    },
    model::Refusal,
};

/// The kind of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Json,
    Csv,
}

impl Kind {
    const fn suffix(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
        }
    }
}

/// What is to be saved.
pub(super) struct Export {
    pub(super) kind: Kind,
    /// The newest first.
    pub(super) rows: Vec<Arc<Row>>,
    /// Whether older events are there that are not loaded.
    pub(super) lacks_older: bool,
}

/// Asks for a place and writes the events there, oldest first; says how it ended.
pub(super) fn save(cx: &mut Context<'_>, group: &str, export: Export) {
    let name = format!("{}.{}", file_stem(group), export.kind.suffix());
    let files = Arc::clone(cx.files);
    let mut work = Work::default();
    work.start(cx.backend.spawn(export.write(files, name)));
    cx.ask(Action::Follow(work.saying(|words: String| words)));
}

impl Export {
    /// Writes to the place that is chosen; the text of many events is long in the making, so that
    /// is done here and not while the window is drawn.
    async fn write(self, files: Arc<dyn Files>, name: String) -> Result<String, Refusal> {
        let Some(path) = files.choose_target("Export events", &name).await else {
            return Ok("Nothing was saved".to_owned());
        };
        let text = match self.kind {
            Kind::Json => json(&self.rows),
            Kind::Csv => csv(&self.rows),
        };
        files::write_private(&path, text.as_bytes())?;
        Ok(self.said(&path))
    }

    /// How many were saved where, and what is not among them.
    fn said(&self, path: &Path) -> String {
        let records = self.rows.iter().filter(|row| row.record.is_some()).count();
        let saved = match self.kind {
            Kind::Json => self.rows.len(),
            Kind::Csv => records,
        };
        let mut words = plural(saved, "event was", "events were");
        words.push_str(&format!(" saved to {}", path.display()));
        match self.rows.len() - saved {
            0 => {}
            1 => words.push_str("; 1 is no record of a connection, and not in it"),
            n => words.push_str(&format!(
                "; {} are no records of a connection, and not in it",
                format::count(n as u64)
            )),
        }
        if self.lacks_older {
            words.push_str("; older ones are not loaded, and not in it");
        }
        words
    }
}

/// One array; what is no JSON itself stands in it as text.
fn json(rows: &[Arc<Row>]) -> String {
    let events = rows.iter().rev().map(|row| {
        let message = &row.event.message;
        if row.record.is_some() {
            message.clone()
        } else {
            serde_json::Value::String(message.clone()).to_string()
        }
    });
    let events: Vec<String> = events.collect();
    if events.is_empty() {
        return "[]\n".to_owned();
    }
    format!("[\n{}\n]\n", events.join(",\n"))
}

/// A line of names and one for each event, as RFC 4180 has it.
fn csv(rows: &[Arc<Row>]) -> String {
    let mut text = String::new();
    let records = rows.iter().rev().filter_map(|row| row.record.as_ref());
    for record in records {
        let fields = record.fields();
        if text.is_empty() {
            text.push_str(&line(fields.iter().map(|(name, _)| *name)));
        }
        text.push_str(&line(fields.iter().map(|(_, value)| *value)));
    }
    text
}

fn line<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let cells: Vec<String> = cells.map(cell).collect();
    cells.join(",") + "\r\n"
}

/// A cell in quotes where it needs them. What a spreadsheet would take for a formula is put in the
/// form of text: names and versions are the client's own words.
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if is_formula {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_quoted_where_it_must_be_and_never_a_formula() {
        assert_eq!(cell("ana"), "ana");
        assert_eq!(cell("a,b"), "\"a,b\"");
        assert_eq!(cell("say \"hi\""), "\"say \"\"hi\"\"\"");
        assert_eq!(cell("=1+1"), "'=1+1");
        assert_eq!(cell("@SUM(A1),x"), "\"'@SUM(A1),x\"");
    }
}
