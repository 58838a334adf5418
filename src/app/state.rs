//! What the window remembers of a person from one start to the next.

use std::collections::BTreeMap;

use egui::ThemePreference;
use serde::{Deserialize, Serialize};

use super::{context::Screen, kit::ColumnChoice};

/// Smallest and largest zoom.
pub const ZOOM: std::ops::RangeInclusive<f32> = 0.75..=2.0;

/// What happens to a gateway that runs in the window when the window closes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnClose {
    /// The person is asked, where somebody is connected.
    #[default]
    Ask,
    /// It goes on in the background.
    GoOn,
    /// It ends, and every tunnel with it.
    End,
}

/// Choices of the person at this window; none of them changes the product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Prefs {
    /// Light, dark, or as the system has it.
    pub theme: ThemePreference,
    /// How large everything is: 1 is as designed; within [`ZOOM`].
    pub zoom: f32,
    /// The page last looked at.
    pub screen: Screen,
    /// Table rows 34 high instead of 28.
    pub comfortable: bool,
    /// The columns that were chosen, by the name of the table.
    pub columns: BTreeMap<String, ColumnChoice>,
    /// Height of the panel below the endpoints, in points.
    pub endpoint_panel: f32,
    /// What closing the window does to a gateway that runs in it.
    pub on_close: OnClose,
}

impl Default for Prefs {
    fn default() -> Self {
        Self {
            theme: ThemePreference::System,
            zoom: 1.0,
            screen: Screen::default(),
            comfortable: false,
            columns: BTreeMap::new(),
            endpoint_panel: 428.0,
            on_close: OnClose::default(),
        }
    }
}

impl Prefs {
    /// The columns that were chosen for a table.
    #[must_use]
    pub fn columns_of(&self, table: &str) -> ColumnChoice {
        self.columns.get(table).cloned().unwrap_or_default()
    }

    /// The same with every number in its bounds, whatever the file said.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        let within = |value: f32, low: f32, high: f32, other: f32| {
            if value.is_finite() {
                value.clamp(low, high)
            } else {
                other
            }
        };
        self.zoom = within(self.zoom, *ZOOM.start(), *ZOOM.end(), 1.0);
        self.endpoint_panel = within(self.endpoint_panel, 180.0, 2000.0, 428.0);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zoom_that_would_hide_everything_is_brought_back() {
        let prefs = Prefs {
            zoom: 40.0,
            endpoint_panel: f32::NAN,
            ..Prefs::default()
        };
        let bounded = prefs.bounded();
        assert_eq!(bounded.zoom, 2.0);
        assert_eq!(bounded.endpoint_panel, 428.0);
    }

    #[test]
    fn what_an_older_version_did_not_write_has_its_default() {
        let prefs: Prefs = serde_json::from_str(r#"{"zoom": 1.5}"#).unwrap();
        assert_eq!(prefs.zoom, 1.5);
        assert_eq!(prefs.screen, Screen::Endpoints);
    }
}
