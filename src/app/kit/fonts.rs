//! The fonts of the window: Inter, JetBrains Mono and the Phosphor icons, built in.
//!
//! The files in `assets/fonts` are prepared so that egui, which passes no OpenType features to its
//! shaper, draws what we want: Inter's digits are the tabular ones, and the mono has no ligatures
//! that would turn `->` into an arrow.

use std::sync::Arc;

use egui::{Context, FontData, FontDefinitions, FontFamily, FontId, FontTweak};

const INTER: &[u8] = include_bytes!("../../../assets/fonts/Inter.ttf");
const MONO: &[u8] = include_bytes!("../../../assets/fonts/JetBrainsMono.ttf");
const ICON: &[u8] = include_bytes!("../../../assets/fonts/Phosphor.ttf");
const ICON_FILL: &[u8] = include_bytes!("../../../assets/fonts/Phosphor-Fill.ttf");

const ICON_FAMILY: &str = "icon";
const ICON_FILL_FAMILY: &str = "icon-fill";

/// Installs the fonts; egui's own stay as the last fallback for other scripts.
pub fn install(ctx: &Context) {
    ctx.set_fonts(definitions());
}

fn definitions() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    for (name, bytes) in [
        ("inter", INTER),
        ("mono", MONO),
        (ICON_FAMILY, ICON),
        (ICON_FILL_FAMILY, ICON_FILL),
    ] {
        // Hinted at 13 points, the dot of an i merges with its stem and "i.rossi" reads "l.rossi".
        let tweak = FontTweak {
            hinting: Some(false),
            ..FontTweak::default()
        };
        let data = FontData::from_static(bytes).tweak(tweak);
        fonts.font_data.insert(name.to_owned(), Arc::new(data));
    }
    prefer(&mut fonts, FontFamily::Proportional, "inter");
    prefer(&mut fonts, FontFamily::Monospace, "mono");
    prefer(
        &mut fonts,
        FontFamily::Name(ICON_FAMILY.into()),
        ICON_FAMILY,
    );
    prefer(
        &mut fonts,
        FontFamily::Name(ICON_FILL_FAMILY.into()),
        ICON_FILL_FAMILY,
    );
    fonts
}

fn prefer(fonts: &mut FontDefinitions, family: FontFamily, font: &str) {
    fonts
        .families
        .entry(family)
        .or_default()
        .insert(0, font.to_owned());
}

/// The outlined icons at a size in points.
pub(super) fn icon(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name(ICON_FAMILY.into()))
}

/// The filled icons at a size in points.
pub(super) fn icon_fill(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name(ICON_FILL_FAMILY.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::kit::icons;

    #[test]
    fn every_icon_is_in_both_icon_fonts() {
        let ctx = Context::default();
        install(&ctx);
        let mut output = ctx.run_ui(egui::RawInput::default(), |ui| {
            ui.ctx().fonts_mut(|fonts| {
                for (name, icon_text) in icons::ALL {
                    for id in [icon(16.0), icon_fill(16.0)] {
                        assert!(fonts.has_glyphs(&id, icon_text), "{name} in {id:?}");
                    }
                }
            });
        });
        output.textures_delta.clear();
    }

    #[test]
    fn names_in_cyrillic_and_arrows_of_the_diff_have_glyphs() {
        let ctx = Context::default();
        install(&ctx);
        let mut output = ctx.run_ui(egui::RawInput::default(), |ui| {
            ui.ctx().fonts_mut(|fonts| {
                for sample in ["Дарья Иванова", "Ελένη", "– − → …"] {
                    let id = FontId::proportional(13.0);
                    assert!(fonts.has_glyphs(&id, sample), "{sample}");
                }
            });
        });
        output.textures_delta.clear();
    }
}
