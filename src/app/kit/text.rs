//! Words: sizes and weights as [`Face`]s, and the labels screens use.
//!
//! Hierarchy is weight and colour, not size. `RichText::strong` of egui changes the colour only,
//! so weights go through the font's variation axis.

use egui::{
    Align, Color32, FontFamily, FontId, Label, Response, RichText, Stroke, TextFormat, Ui,
    epaint::text::VariationCoords,
    text::{LayoutJob, TextWrapping},
};

use super::tokens::{font, tokens};

/// Weights of the window's font, on its `wght` axis.
pub mod weight {
    /// Running text.
    pub const TEXT: f32 = 400.0;
    /// Navigation rows and values.
    pub const NAVIGATION: f32 = 450.0;
    /// Labels, buttons, status words.
    pub const LABEL: f32 = 500.0;
    /// Row names and header cells.
    pub const NAME: f32 = 550.0;
    /// What is current.
    pub const CURRENT: f32 = 600.0;
    /// Titles.
    pub const TITLE: f32 = 650.0;
}

/// A size and weight of the window's font.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Face {
    /// Size in points.
    pub size: f32,
    /// Weight, 400–700.
    pub weight: f32,
    /// Whether it is the mono, which has one weight.
    pub mono: bool,
}

impl Face {
    /// A face of the proportional font.
    pub const fn new(size: f32, weight: f32) -> Self {
        Self {
            size,
            weight,
            mono: false,
        }
    }

    /// A face of the mono font.
    pub const fn mono(size: f32) -> Self {
        Self {
            size,
            weight: weight::TEXT,
            mono: true,
        }
    }

    /// Body text.
    pub const BODY: Self = Self::new(font::BODY, weight::TEXT);
    /// Labels and button text.
    pub const LABEL: Self = Self::new(font::BODY, weight::LABEL);
    /// Name of a row.
    pub const NAME: Self = Self::new(font::BODY, weight::NAME);
    /// What is current.
    pub const CURRENT: Self = Self::new(font::BODY, weight::CURRENT);
    /// Help under a field.
    pub const HELP: Self = Self::new(font::HELP, weight::TEXT);
    /// Status word.
    pub const STATUS: Self = Self::new(font::HELP, weight::LABEL);
    /// Cell of a table header.
    pub const HEAD_CELL: Self = Self::new(font::HELP, weight::NAME);
    /// Counter, tag, group label.
    pub const SMALL: Self = Self::new(font::SMALL, weight::LABEL);
    /// Mono of tables.
    pub const MONO: Self = Self::mono(font::HELP);
    /// Mono of fields.
    pub const MONO_FIELD: Self = Self::mono(font::MONO_FIELD);
    /// Title of a panel or card.
    pub const PANEL: Self = Self::new(font::PANEL, weight::TITLE);
    /// Title of a dialog.
    pub const DIALOG: Self = Self::new(font::DIALOG, weight::TITLE);
    /// Title of a page.
    pub const PAGE: Self = Self::new(font::PAGE, weight::TITLE);
    /// Figure of a tile.
    pub const FIGURE: Self = Self::new(font::FIGURE, weight::CURRENT);

    /// The font of this face.
    pub fn font(self) -> FontId {
        let family = if self.mono {
            FontFamily::Monospace
        } else {
            FontFamily::Proportional
        };
        FontId::new(self.size, family)
    }

    /// This face in a colour, for a [`LayoutJob`].
    pub fn format(self, color: Color32) -> TextFormat {
        TextFormat {
            font_id: self.font(),
            color,
            coords: self.coords(),
            ..TextFormat::default()
        }
    }

    /// Words in this face and colour, for egui's own widgets.
    pub fn rich(self, words: impl Into<String>, color: Color32) -> RichText {
        let rich = RichText::new(words).font(self.font()).color(color);
        if self.mono {
            rich
        } else {
            rich.variation(b"wght", self.weight)
        }
    }

    fn coords(self) -> VariationCoords {
        if self.mono {
            VariationCoords::default()
        } else {
            VariationCoords::new([(b"wght", self.weight)])
        }
    }
}

/// Several faces in one line or paragraph.
#[derive(Debug, Default)]
pub struct Words {
    job: LayoutJob,
}

impl Words {
    /// Appends words.
    #[must_use]
    pub fn add(mut self, words: &str, face: Face, color: Color32) -> Self {
        self.job.append(words, 0.0, face.format(color));
        self
    }

    /// Appends words after a gap in points.
    #[must_use]
    pub fn after(mut self, gap: f32, words: &str, face: Face, color: Color32) -> Self {
        self.job.append(words, gap, face.format(color));
        self
    }

    /// Appends underlined words.
    #[must_use]
    pub fn underlined(mut self, words: &str, face: Face, color: Color32) -> Self {
        let format = TextFormat {
            underline: Stroke::new(1.0, color.gamma_multiply(0.6)),
            ..face.format(color)
        };
        self.job.append(words, 0.0, format);
        self
    }

    /// Appends words on a ground of their own, as what is to be typed.
    #[must_use]
    pub fn boxed(mut self, words: &str, face: Face, color: Color32, ground: Color32) -> Self {
        let format = TextFormat {
            background: ground,
            expand_bg: 3.0,
            ..face.format(color)
        };
        self.job.append(words, 4.0, format);
        self
    }

    /// The layout job, wrapped at a width.
    pub fn wrapped(mut self, width: f32) -> LayoutJob {
        self.job.wrap = TextWrapping::wrap_at_width(width);
        self.job
    }

    /// Adds them as one label that wraps.
    pub fn ui(self, ui: &mut Ui) -> Response {
        ui.add(Label::new(self.job).wrap())
    }

    /// Adds them as one label on one line.
    pub fn ui_line(self, ui: &mut Ui) -> Response {
        ui.add(Label::new(self.job).truncate())
    }
}

/// Several faces in one line or paragraph, to be filled.
pub fn words() -> Words {
    Words::default()
}

/// A paragraph of body text.
pub fn body(ui: &mut Ui, words: &str) -> Response {
    let color = tokens(ui).text;
    ui.add(Label::new(Face::BODY.rich(words, color)).wrap())
}

/// Weak text of body size, on one line.
pub fn weak(ui: &mut Ui, words: &str) -> Response {
    let color = tokens(ui).weak;
    ui.add(Label::new(Face::BODY.rich(words, color)).truncate())
}

/// Help: small, weak, wrapped.
pub fn help(ui: &mut Ui, words: &str) -> Response {
    let color = tokens(ui).weak;
    ui.add(Label::new(Face::HELP.rich(words, color)).wrap())
}

/// A value or name that matters, on one line.
pub fn strong(ui: &mut Ui, words: &str) -> Response {
    let color = tokens(ui).strong;
    ui.add(Label::new(Face::CURRENT.rich(words, color)).truncate())
}

/// Title of a panel or card.
pub fn panel_title(ui: &mut Ui, words: &str) -> Response {
    heading(ui, words, Face::PANEL)
}

/// Title of a step or page section.
pub fn page_title(ui: &mut Ui, words: &str) -> Response {
    heading(ui, words, Face::PAGE)
}

/// Label of a group of fields or cards: small, weak, above what it names.
pub fn group_label(ui: &mut Ui, words: &str) -> Response {
    let color = tokens(ui).weak;
    ui.add(Label::new(Face::HEAD_CELL.rich(words, color)).truncate())
}

/// A mono value, such as an address, on one line.
pub fn mono(ui: &mut Ui, words: &str) -> Response {
    let color = tokens(ui).text;
    ui.add(Label::new(Face::MONO.rich(words, color)).truncate())
}

fn heading(ui: &mut Ui, words: &str, face: Face) -> Response {
    let color = tokens(ui).strong;
    let response = ui.add(Label::new(face.rich(words, color)).truncate());
    // As a label too, so that what it says is found by label like any other text.
    response
        .ctx
        .accesskit_node_builder(response.id, |node| node.set_level(1));
    response
}

/// An icon beside words that name it; it says nothing of its own.
pub fn icon(ui: &mut Ui, icon: &str, points: f32) -> Response {
    let (rect, response) =
        ui.allocate_exact_size(egui::Vec2::splat(points + 2.0), egui::Sense::hover());
    let color = tokens(ui).weak;
    super::paint::icon(ui.painter(), rect.center(), icon, points, color);
    response
}

/// Name of a row in a table cell.
pub fn cell_name(ui: &mut Ui, words: &str) -> Response {
    let color = tokens(ui).strong;
    cell_in(ui, words, Face::NAME, color)
}

/// Text of a table cell; 0 and – are weak.
pub fn cell(ui: &mut Ui, words: &str) -> Response {
    let color = cell_color(ui, words);
    cell_in(ui, words, Face::BODY, color)
}

/// An ID, address or CIDR in a table cell; 0 and – are weak.
pub fn cell_mono(ui: &mut Ui, words: &str) -> Response {
    let color = cell_color(ui, words);
    cell_in(ui, words, Face::MONO, color)
}

/// Weak text of a table cell.
pub fn cell_weak(ui: &mut Ui, words: &str) -> Response {
    let color = tokens(ui).weak;
    cell_in(ui, words, Face::BODY, color)
}

fn cell_color(ui: &Ui, words: &str) -> Color32 {
    let t = tokens(ui);
    if matches!(words, "0" | "–" | "") {
        t.weak
    } else {
        t.text
    }
}

// A truncated label of egui shows its full text on hover by itself.
fn cell_in(ui: &mut Ui, words: &str, face: Face, color: Color32) -> Response {
    let label = Label::new(face.rich(words, color)).truncate();
    let at_end = ui.layout().prefer_right_to_left();
    ui.add(if at_end {
        label.halign(Align::Max)
    } else {
        label
    })
}
