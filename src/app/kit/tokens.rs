//! Design tokens: every colour, size, radius and shadow of the window, once per theme.
//!
//! A screen asks for what something *is* (`tokens(ui).weak`), never for a colour. The contrast of
//! each pair is computed by the tests below, so a change here that makes text unreadable fails.

use egui::{
    Color32, CornerRadius, FontId, Margin, Shadow, Stroke, Style, TextStyle, Theme, Ui, vec2,
};

/// The colours of one theme. Names follow the use, not the hue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tokens {
    /// Whether this is the dark theme.
    pub dark: bool,
    /// Navigation, status bar, wells.
    pub canvas: Color32,
    /// Content.
    pub surface: Color32,
    /// Split panel, cards, table header, dialog foot.
    pub raised: Color32,
    /// Dialogs, menus, popovers.
    pub overlay: Color32,
    /// Inputs and unchecked boxes.
    pub field: Color32,
    /// Rows and buttons under the pointer.
    pub hover: Color32,
    /// Buttons held down, and the chosen segment in dark.
    pub pressed: Color32,
    /// Selected row, current page, chosen card.
    pub selected: Color32,
    /// Counters, key caps, tags, neutral pills, disabled buttons, segmented track.
    pub mute: Color32,
    /// Hairlines between rows.
    pub line: Color32,
    /// Edges of cards, buttons and search; plot grid.
    pub border: Color32,
    /// Edges of inputs, checkboxes, radios and toggles (3:1 on their ground).
    pub border_strong: Color32,
    /// Titles, names, values, button text.
    pub strong: Color32,
    /// Body and cells.
    pub text: Color32,
    /// Labels, help, header cells, hints, idle icons.
    pub weak: Color32,
    /// Disabled only.
    pub disabled: Color32,
    /// The primary button and checked boxes.
    pub accent: Color32,
    /// The primary button under the pointer.
    pub accent_hover: Color32,
    /// The primary button held down.
    pub accent_pressed: Color32,
    /// Text on `accent` and `danger_fill`.
    pub on_fill: Color32,
    /// Links, focus ring, current tab, sort arrow, selected edge.
    pub link: Color32,
    /// Available, active, connected.
    pub success: Color32,
    /// Ground of a success pill or banner.
    pub success_bg: Color32,
    /// Expiring, shadowed with effect.
    pub warning: Color32,
    /// Ground of a warning pill or banner.
    pub warning_bg: Color32,
    /// Failed, denied, field errors.
    pub danger: Color32,
    /// Ground of a danger pill or banner.
    pub danger_bg: Color32,
    /// Notices, "Reconnect needed".
    pub info: Color32,
    /// Ground of an info pill or banner.
    pub info_bg: Color32,
    /// The one danger button of a dialog.
    pub danger_fill: Color32,
    /// That button under the pointer.
    pub danger_fill_hover: Color32,
    /// What dims the window behind a dialog.
    pub scrim: Color32,
    /// Alpha of every shadow, 0–255.
    pub shadow: u8,
    /// Plot series in the order they are handed out.
    pub series: [Color32; 5],
}

const fn rgb(hex: u32) -> Color32 {
    let [_, r, g, b] = hex.to_be_bytes();
    Color32::from_rgb(r, g, b)
}

/// The dark theme.
pub const DARK: Tokens = Tokens {
    dark: true,
    canvas: rgb(0x0D_1015),
    surface: rgb(0x13_171D),
    raised: rgb(0x19_1E26),
    overlay: rgb(0x1D_232C),
    field: rgb(0x0F_1318),
    hover: rgb(0x1E_2530),
    pressed: rgb(0x26_2E3B),
    selected: rgb(0x1A_2644),
    mute: rgb(0x22_2934),
    line: rgb(0x20_262F),
    border: rgb(0x2C_3542),
    border_strong: rgb(0x67_7386),
    strong: rgb(0xF1_F4F8),
    text: rgb(0xC5_CDD9),
    weak: rgb(0x8F_9AAB),
    disabled: rgb(0x5A_6576),
    accent: rgb(0x43_66E8),
    accent_hover: rgb(0x3A_5CDD),
    accent_pressed: rgb(0x33_50C4),
    on_fill: rgb(0xFF_FFFF),
    link: rgb(0x93_AAFF),
    success: rgb(0x4F_C88F),
    success_bg: rgb(0x12_291F),
    warning: rgb(0xEB_B23C),
    warning_bg: rgb(0x2D_2310),
    danger: rgb(0xFF_8A80),
    danger_bg: rgb(0x34_191B),
    info: rgb(0x63_B9F3),
    info_bg: rgb(0x11_273A),
    danger_fill: rgb(0xC5_352F),
    danger_fill_hover: rgb(0xB7_2F29),
    scrim: Color32::from_black_alpha(150),
    shadow: 120,
    series: [
        rgb(0x7B_98FF),
        rgb(0x3E_C7B0),
        rgb(0xE6_A94A),
        rgb(0xD9_82D6),
        rgb(0x7F_B8D8),
    ],
};

/// The light theme.
pub const LIGHT: Tokens = Tokens {
    dark: false,
    canvas: rgb(0xEE_F0F4),
    surface: rgb(0xFF_FFFF),
    raised: rgb(0xF6_F7F9),
    overlay: rgb(0xFF_FFFF),
    field: rgb(0xFF_FFFF),
    hover: rgb(0xEF_F2F7),
    pressed: rgb(0xE4_E8EF),
    selected: rgb(0xE3_EBFF),
    mute: rgb(0xE9_ECF1),
    line: rgb(0xE7_EAEF),
    border: rgb(0xD3_D9E2),
    border_strong: rgb(0x84_8E9D),
    strong: rgb(0x10_151C),
    text: rgb(0x32_3C4A),
    weak: rgb(0x5A_6575),
    disabled: rgb(0x9A_A3B0),
    accent: rgb(0x34_57D5),
    accent_hover: rgb(0x2A_4AC0),
    accent_pressed: rgb(0x22_3DA3),
    on_fill: rgb(0xFF_FFFF),
    link: rgb(0x2C_4CC4),
    success: rgb(0x12_713F),
    success_bg: rgb(0xE3_F5EA),
    warning: rgb(0x85_5400),
    warning_bg: rgb(0xFD_F1D8),
    danger: rgb(0xB8_231F),
    danger_bg: rgb(0xFD_E9E7),
    info: rgb(0x08_619B),
    info_bg: rgb(0xE2_F1FC),
    danger_fill: rgb(0xC4_2B25),
    danger_fill_hover: rgb(0xAE_211C),
    scrim: Color32::from_rgba_premultiplied(5, 8, 13, 110),
    shadow: 40,
    series: [
        rgb(0x34_57D5),
        rgb(0x0B_7F71),
        rgb(0xA8_6400),
        rgb(0x9A_3BA0),
        rgb(0x3E_7FA3),
    ],
};

impl Tokens {
    /// The theme a visual style belongs to.
    pub const fn of(dark: bool) -> &'static Self {
        if dark { &DARK } else { &LIGHT }
    }

    /// The other theme: a toast is painted in it to stand out from the page.
    pub const fn inverse(&self) -> &'static Self {
        Self::of(!self.dark)
    }

    /// Ground of a card and of a secondary button: raised in dark, the surface in light.
    pub const fn card(&self) -> Color32 {
        if self.dark { self.raised } else { self.surface }
    }

    /// Shadow of what floats over the page, such as a menu.
    pub const fn menu_shadow(&self) -> Shadow {
        Shadow {
            offset: [0, 6],
            blur: 18,
            spread: 0,
            color: Color32::from_black_alpha(self.shadow),
        }
    }

    /// Shadow of a dialog.
    pub const fn dialog_shadow(&self) -> Shadow {
        Shadow {
            offset: [0, 16],
            blur: 48,
            spread: 0,
            color: Color32::from_black_alpha(self.shadow),
        }
    }
}

/// The tokens of the theme this part of the window is drawn in.
pub fn tokens(ui: &Ui) -> &'static Tokens {
    Tokens::of(ui.visuals().dark_mode)
}

/// Corner radii in points.
pub mod radius {
    /// Checkbox.
    pub const BOX: u8 = 3;
    /// Tag and key cap.
    pub const TAG: u8 = 4;
    /// Button, field, navigation row.
    pub const CONTROL: u8 = 6;
    /// Card, menu, banner, toast.
    pub const CARD: u8 = 8;
    /// Dialog.
    pub const DIALOG: u8 = 12;
}

/// Distances in points.
pub mod space {
    /// Between parts of one control.
    pub const TIGHT: f32 = 4.0;
    /// Between controls of one group.
    pub const CONTROL: f32 = 8.0;
    /// Between cards.
    pub const CARD: f32 = 12.0;
    /// Between fields of a form.
    pub const FIELD: f32 = 14.0;
    /// Between groups, and the gap of two columns.
    pub const GROUP: f32 = 16.0;
    /// From the edge of a page to its content.
    pub const PAGE: f32 = 20.0;
    /// From the edge of a dialog to its content.
    pub const DIALOG: f32 = 24.0;
}

/// Heights and widths in points.
pub mod size {
    /// Button, search, segmented.
    pub const CONTROL: f32 = 28.0;
    /// Form field and form button.
    pub const FIELD: f32 = 32.0;
    /// Dense table row.
    pub const ROW: f32 = 28.0;
    /// Comfortable table row.
    pub const ROW_COMFORTABLE: f32 = 34.0;
    /// Table header.
    pub const TABLE_HEAD: f32 = 30.0;
    /// Navigation row.
    pub const NAV_ROW: f32 = 30.0;
    /// Tab.
    pub const TAB: f32 = 34.0;
    /// Window header.
    pub const HEADER: f32 = 48.0;
    /// Head of a page.
    pub const PAGE_HEAD: f32 = 52.0;
    /// Toolbar under it.
    pub const TOOLBAR: f32 = 36.0;
    /// Status bar.
    pub const STATUS_BAR: f32 = 27.0;
    /// Width of the navigation.
    pub const NAV: f32 = 216.0;
    /// Width of the navigation when folded to icons.
    pub const NAV_FOLDED: f32 = 56.0;
    /// Width of a form dialog.
    pub const FORM_DIALOG: f32 = 680.0;
    /// Width of a confirm dialog.
    pub const CONFIRM_DIALOG: f32 = 500.0;
}

/// Type sizes in points.
pub mod font {
    /// Counter, group label, axis.
    pub const SMALL: f32 = 11.0;
    /// Help, header cell, status word, status bar; mono in tables.
    pub const HELP: f32 = 12.0;
    /// Mono in fields.
    pub const MONO_FIELD: f32 = 12.5;
    /// Body, buttons, cells.
    pub const BODY: f32 = 13.0;
    /// Panel title.
    pub const PANEL: f32 = 15.0;
    /// Dialog title.
    pub const DIALOG: f32 = 16.0;
    /// Page and step title.
    pub const PAGE: f32 = 18.0;
    /// Figure of a dashboard tile.
    pub const FIGURE: f32 = 24.0;
}

/// Fills the style of both themes; call once when the window starts.
pub fn apply(ctx: &egui::Context) {
    ctx.style_mut_of(Theme::Dark, |style| fill(style, &DARK));
    ctx.style_mut_of(Theme::Light, |style| fill(style, &LIGHT));
}

fn fill(style: &mut Style, t: &Tokens) {
    style.text_styles = [
        (TextStyle::Small, FontId::proportional(font::SMALL)),
        (TextStyle::Body, FontId::proportional(font::BODY)),
        (TextStyle::Button, FontId::proportional(font::BODY)),
        (TextStyle::Heading, FontId::proportional(font::PAGE)),
        (TextStyle::Monospace, FontId::monospace(font::HELP)),
    ]
    .into();
    let spacing = &mut style.spacing;
    spacing.item_spacing = vec2(space::CONTROL, space::CONTROL);
    spacing.button_padding = vec2(12.0, 5.0);
    spacing.interact_size = vec2(size::CONTROL, size::CONTROL);
    spacing.menu_margin = Margin::same(4);
    spacing.window_margin = Margin::same(16);
    spacing.combo_height = 320.0;
    spacing.scroll = egui::style::ScrollStyle::thin();
    spacing.scroll.floating_allocated_width = 0.0;
    // Selectable cells would catch the click meant for their row and show a text cursor.
    style.interaction.selectable_labels = false;
    style.interaction.tooltip_delay = 0.4;
    style.animation_time = 0.08;
    visuals(style, t);
}

fn visuals(style: &mut Style, t: &Tokens) {
    let v = &mut style.visuals;
    v.dark_mode = t.dark;
    v.weak_text_color = Some(t.weak);
    v.hyperlink_color = t.link;
    v.panel_fill = t.surface;
    v.window_fill = t.overlay;
    v.extreme_bg_color = t.field;
    v.text_edit_bg_color = Some(t.field);
    v.faint_bg_color = t.raised;
    v.code_bg_color = t.mute;
    v.warn_fg_color = t.warning;
    v.error_fg_color = t.danger;
    v.window_stroke = Stroke::new(1.0, t.border);
    v.window_corner_radius = CornerRadius::same(radius::DIALOG);
    v.menu_corner_radius = CornerRadius::same(radius::CARD);
    v.window_shadow = t.dialog_shadow();
    v.popup_shadow = t.menu_shadow();
    v.selection.bg_fill = t.selected;
    v.selection.stroke = Stroke::new(1.0, t.strong);
    v.striped = false;
    v.indent_has_left_vline = false;
    v.text_cursor.stroke = Stroke::new(1.5, t.link);
    let w = &mut v.widgets;
    // `active` is also what a focused widget of egui's own gets, hence its ring colour.
    let states = [
        (&mut w.noninteractive, t.surface, t.line, t.text),
        (&mut w.inactive, t.raised, t.border, t.text),
        (&mut w.hovered, t.hover, t.border_strong, t.strong),
        (&mut w.active, t.pressed, t.link, t.strong),
        (&mut w.open, t.hover, t.border_strong, t.strong),
    ];
    for (state, ground, edge, text) in states {
        state.bg_fill = ground;
        state.weak_bg_fill = ground;
        state.bg_stroke = Stroke::new(1.0, edge);
        state.fg_stroke = Stroke::new(1.0, text);
        state.corner_radius = CornerRadius::same(radius::CONTROL);
        state.expansion = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance, WCAG 2.2 definition.
    fn luminance(c: Color32) -> f64 {
        let channel = |v: u8| {
            let s = f64::from(v) / 255.0;
            if s <= 0.04045 {
                s / 12.92
            } else {
                ((s + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * channel(c.r()) + 0.7152 * channel(c.g()) + 0.0722 * channel(c.b())
    }

    fn contrast(a: Color32, b: Color32) -> f64 {
        let (x, y) = (luminance(a), luminance(b));
        (x.max(y) + 0.05) / (x.min(y) + 0.05)
    }

    /// What pages, panels, dialogs and rows are filled with.
    fn pages(t: &Tokens) -> [Color32; 7] {
        [
            t.canvas, t.surface, t.raised, t.overlay, t.field, t.hover, t.selected,
        ]
    }

    /// Those, and what only buttons, tags and segments are filled with.
    fn grounds(t: &Tokens) -> Vec<Color32> {
        pages(t).into_iter().chain([t.pressed, t.mute]).collect()
    }

    #[track_caller]
    fn at_least(t: &Tokens, what: &str, a: Color32, b: Color32, least: f64) {
        // The thresholds of the design are given to one decimal.
        let c = (contrast(a, b) * 10.0).round() / 10.0;
        let theme = if t.dark { "dark" } else { "light" };
        assert!(c >= least, "{theme} {what}: {c:.2} is below {least}");
    }

    #[test]
    fn black_on_white_has_the_contrast_the_formula_defines() {
        assert!((contrast(Color32::BLACK, Color32::WHITE) - 21.0).abs() < 1e-9);
    }

    #[test]
    fn text_is_readable_on_every_ground_of_its_theme() {
        for t in [&DARK, &LIGHT] {
            for ground in grounds(t) {
                at_least(t, "strong", t.strong, ground, 12.0);
                at_least(t, "text", t.text, ground, 8.5);
                at_least(t, "weak", t.weak, ground, 4.5);
                at_least(t, "link", t.link, ground, 5.5);
            }
            for ground in pages(t) {
                at_least(t, "strong", t.strong, ground, 13.6);
                at_least(t, "text", t.text, ground, 9.3);
                at_least(t, "weak", t.weak, ground, 5.0);
                at_least(t, "link", t.link, ground, 6.0);
            }
        }
    }

    #[test]
    fn status_words_are_readable_on_pages_and_on_their_own_ground() {
        for t in [&DARK, &LIGHT] {
            let pairs = [
                ("success", t.success, t.success_bg),
                ("warning", t.warning, t.warning_bg),
                ("danger", t.danger, t.danger_bg),
                ("info", t.info, t.info_bg),
            ];
            for (name, word, own) in pairs {
                for ground in pages(t).into_iter().chain([own]) {
                    at_least(t, name, word, ground, 5.1);
                }
            }
        }
    }

    #[test]
    fn white_is_readable_on_every_fill() {
        for t in [&DARK, &LIGHT] {
            for fill in [
                t.accent,
                t.accent_hover,
                t.accent_pressed,
                t.danger_fill,
                t.danger_fill_hover,
            ] {
                at_least(t, "on fill", t.on_fill, fill, 4.9);
            }
        }
    }

    #[test]
    fn edges_of_inputs_stand_out_from_what_they_lie_on() {
        for t in [&DARK, &LIGHT] {
            for ground in [t.surface, t.raised, t.overlay, t.field] {
                at_least(t, "border_strong", t.border_strong, ground, 3.1);
            }
        }
    }

    #[test]
    fn both_themes_are_filled_whatever_theme_is_on() {
        let ctx = egui::Context::default();
        apply(&ctx);
        assert_eq!(ctx.style_of(Theme::Dark).visuals.panel_fill, DARK.surface);
        assert_eq!(ctx.style_of(Theme::Light).visuals.panel_fill, LIGHT.surface);
        assert!(!ctx.style_of(Theme::Light).interaction.selectable_labels);
    }
}
