//! The endpoints, and below them the tabs of the one selected.

use egui::Ui;

use super::Page;
use crate::{
    app::{
        context::{Context, EndpointTab},
        kit::{self, Selection},
    },
    model::EndpointId,
};

/// The page.
#[derive(Default)]
pub struct Endpoints {
    selection: Selection<EndpointId>,
    tab: EndpointTab,
}

impl Endpoints {
    /// Selects an endpoint, and a tab if one is named.
    pub fn select(&mut self, id: EndpointId, tab: Option<EndpointTab>) {
        self.selection.select_only(id);
        self.tab = tab.unwrap_or(self.tab);
    }
}

impl Page for Endpoints {
    fn ui(&mut self, cx: &mut Context<'_>, ui: &mut Ui) {
        let count = cx.view.snapshot.endpoints.len().to_string();
        kit::page_head(ui, "Client VPN Endpoints", &count, "", |_| {});
    }
}
