//! The kit: every colour, size, font, icon and widget of the window.
//!
//! Screens say what they show (`kit::button("Create").primary().icon(icons::PLUS)`), the kit says
//! how it looks. Each widget reports its role and its words as on screen, so assistive technology
//! and tests find it by label; the keyboard reaches it, and a ring shows where the focus is.

pub mod banner;
pub mod button;
pub mod choice;
pub mod columns;
pub mod copy;
pub mod empty;
pub mod field;
pub mod fonts;
pub mod icons;
pub mod keyvalue;
pub mod modal;
pub mod nav;
mod paint;
pub mod selection;
pub mod sparkline;
pub mod status;
pub mod stepper;
pub mod table;
pub mod tabs;
#[cfg(test)]
pub(crate) mod testing;
pub mod text;
pub mod toast;
pub mod tokens;
pub mod verdict;

pub use banner::banner;
pub use button::{MenuItem, button, icon_button, link, menu_item, menu_separator, row_menu};
pub use choice::{
    Checked, Choice, Select, bare_checkbox, checkbox, choice_card, radio, segmented,
    segmented_form, select, toggle,
};
pub use columns::{ColumnChoice, column_menu};
pub use copy::{cell_copyable, copy_button, copyable};
pub use empty::{Step, card, checklist, empty};
pub use field::{
    error_line, fieldset, focus_first_error, focus_first_field, search_field, text_area,
    text_field, two_columns,
};
pub use keyvalue::{Value, key_values};
pub use modal::{Dialog, close_dialog, confirm_dialog, form_dialog, has_unsaved, palette};
pub use nav::{
    avatar, dot, mark, nav_group, nav_row, page_head, panel_head, panel_toolbar, segment,
    series_color, split_handle, tile, toolbar,
};
pub use selection::Selection;
pub use sparkline::{cell_sparkline, sparkline};
pub use status::{Tone, key_cap, live, mono_tag, state, state_word, status, tag, tone_tag};
pub use stepper::{PathLink, PathNode, Progress, StepItem, path_diagram, stepper};
pub use table::{Column, Rows, Sort, TableOutput, column, rest_column, table};
pub use tabs::{Tab, panel_tabs, tabs};
pub use text::{
    Face, body, cell, cell_mono, cell_name, cell_weak, group_label, help, icon, mono, page_title,
    panel_title, strong, weak, words,
};
pub use toast::Toasts;
pub use tokens::{Tokens, tokens};
pub use verdict::{Check, Match, Went, checks, matching_rule, verdict};

/// Gives a context our fonts and both themes; call once when the window starts.
pub fn install(ctx: &egui::Context) {
    fonts::install(ctx);
    tokens::apply(ctx);
    modal::install(ctx);
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }

    /// Places in `text` that choose a colour or font of their own.
    fn literals(text: &str) -> Vec<&str> {
        const ONLY_HERE: [&str; 5] = [
            "Color32::from_",
            "Color32::WHITE",
            "Color32::BLACK",
            "FontId::",
            "include_bytes!(",
        ];
        ONLY_HERE
            .into_iter()
            .filter(|word| text.contains(word))
            .collect()
    }

    #[test]
    fn only_the_kit_chooses_colours_and_fonts() {
        let app = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/app");
        let kit = app.join("kit");
        let mut files = Vec::new();
        sources(&app, &mut files);
        assert!(
            files.iter().any(|f| f.starts_with(&kit)),
            "the kit itself was looked at"
        );
        for file in files.iter().filter(|f| !f.starts_with(&kit)) {
            let text = std::fs::read_to_string(file).unwrap();
            let found = literals(&text);
            assert!(
                found.is_empty(),
                "{} uses {found:?}: ask the kit's tokens",
                file.display()
            );
        }
    }

    #[test]
    fn a_colour_of_its_own_is_noticed() {
        assert_eq!(
            literals("let c = Color32::from_rgb(1, 2, 3);"),
            ["Color32::from_"]
        );
        assert!(literals("tokens(ui).danger").is_empty());
    }
}
