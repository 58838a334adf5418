//! The panel of one endpoint: its head and its tabs.

use egui::Ui;

use super::super::certificates;
use super::{
    associations, authorization, connections, readiness, room, routes, security_groups, summary,
    tags,
};
use crate::{
    app::{
        context::{Context, EndpointTab},
        kit::{self, Tab, icons},
        nets,
    },
    model::{Endpoint, Notice},
};

/// What the panel asks the page for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    Close,
    Alone,
    Modify,
}

/// The panel, with what its tabs remember.
#[derive(Default)]
pub(super) struct Panel {
    pub(super) tab: EndpointTab,
    of: Option<crate::model::EndpointId>,
    associations: associations::Tab,
    security_groups: security_groups::Tab,
    authorization: authorization::Tab,
    routes: routes::Tab,
    connections: connections::Tab,
    tags: tags::Tab,
}

impl Panel {
    /// Whether the tab on top has no rows selected, so that keys for rows are the list's.
    pub(super) fn selects_nothing(&self) -> bool {
        match self.tab {
            EndpointTab::Summary => true,
            EndpointTab::Associations => self.associations.selection.is_empty(),
            EndpointTab::SecurityGroups => self.security_groups.selection.is_empty(),
            EndpointTab::Authorization => self.authorization.selection.is_empty(),
            EndpointTab::RouteTable => self.routes.selection.is_empty(),
            EndpointTab::Connections => self.connections.selects_nothing(),
            EndpointTab::Tags => self.tags.selection.is_empty(),
        }
    }

    /// Draws it in what is left.
    pub(super) fn ui(
        &mut self,
        cx: &mut Context<'_>,
        endpoint: &Endpoint,
        alone: bool,
        focus_filter: bool,
        ui: &mut Ui,
    ) -> Option<Ask> {
        if self.of.as_ref() != Some(&endpoint.id) {
            // Rows of another endpoint are not this one's.
            *self = Self {
                tab: self.tab,
                of: Some(endpoint.id.clone()),
                ..Self::default()
            };
        }
        let asked = head(cx, endpoint, alone, ui);
        notice(cx, endpoint, ui);
        room::notice(cx, endpoint, ui);
        self.tabs(cx, endpoint, ui);
        match self.tab {
            EndpointTab::Summary => summary::ui(cx, endpoint, ui),
            EndpointTab::Associations => self.associations.ui(cx, endpoint, ui),
            EndpointTab::SecurityGroups => self.security_groups.ui(cx, endpoint, ui),
            EndpointTab::Authorization => self.authorization.ui(cx, endpoint, focus_filter, ui),
            EndpointTab::RouteTable => self.routes.ui(cx, endpoint, focus_filter, ui),
            EndpointTab::Connections => self.connections.ui(cx, endpoint, focus_filter, ui),
            EndpointTab::Tags => self.tags.ui(cx, endpoint, ui),
        }
        asked
    }

    /// Whether the tab that is shown has a filter of its own.
    pub(super) fn has_filter(&self) -> bool {
        matches!(
            self.tab,
            EndpointTab::Authorization | EndpointTab::RouteTable | EndpointTab::Connections
        )
    }

    /// Clears the filter of the tab that is shown; whether there was one.
    pub(super) fn clear_filter(&mut self) -> bool {
        let filter = match self.tab {
            EndpointTab::Authorization => &mut self.authorization.filter,
            EndpointTab::RouteTable => &mut self.routes.filter,
            EndpointTab::Connections => &mut self.connections.filter,
            _ => return false,
        };
        !std::mem::take(filter).is_empty()
    }

    fn tabs(&mut self, cx: &Context<'_>, endpoint: &Endpoint, ui: &mut Ui) {
        let snapshot = &cx.view.snapshot;
        let id = &endpoint.id;
        let all = [
            Tab::new(EndpointTab::Summary, "Summary"),
            Tab::new(EndpointTab::Associations, "Associations")
                .count(snapshot.associations_of(id).count()),
            Tab::new(EndpointTab::SecurityGroups, "Security Groups")
                .count(endpoint.security_groups.len()),
            Tab::new(EndpointTab::Authorization, "Authorization")
                .count(snapshot.rules_of(id).count()),
            Tab::new(EndpointTab::RouteTable, "Route Table")
                .count(routes::rows(snapshot, endpoint).len()),
            Tab::new(EndpointTab::Connections, "Connections").count(cx.tally.of_endpoint(id)),
            Tab::new(EndpointTab::Tags, "Tags").count(endpoint.tags.len()),
        ];
        kit::panel_tabs(ui, "Endpoint", &mut self.tab, &all);
    }
}

/// The worst of what nears its end and concerns the endpoint's clients, with its cure.
fn notice(cx: &mut Context<'_>, endpoint: &Endpoint, ui: &mut Ui) {
    let concerns = |notice: &&Notice| notice.endpoints.contains(&endpoint.id);
    let Some(worst) = cx.notices.iter().find(concerns).cloned() else {
        return;
    };
    egui::Frame::new()
        .inner_margin(egui::Margin::symmetric(20, 8))
        .show(ui, |ui| {
            let banner = kit::banner(
                certificates::tone(worst.severity),
                certificates::headline(&worst),
            )
            .body(worst.cure_sentence())
            .action(certificates::cure_words(&worst));
            if banner.ui(ui) {
                certificates::cure(cx, &worst);
            }
        });
}

fn head(cx: &Context<'_>, endpoint: &Endpoint, alone: bool, ui: &mut Ui) -> Option<Ask> {
    let snapshot = &cx.view.snapshot;
    let host = nets::dns_name(snapshot, &endpoint.id);
    let address = (!host.is_empty()).then(|| format!("{host}:{}", endpoint.port));
    let lack = readiness::lack(snapshot, endpoint);
    kit::panel_head(
        ui,
        endpoint.title(),
        |ui| {
            kit::state(snapshot.endpoint_state(endpoint).as_str())
                .pill()
                .ui(ui);
            if let Some(lack) = lack {
                kit::tone_tag(ui, kit::Tone::Warning, lack);
            }
            ui.add_space(8.0);
            kit::copyable(ui, "endpoint ID", endpoint.id.as_str());
            if let Some(address) = &address {
                ui.add_space(8.0);
                kit::copyable(ui, "address", address);
            }
        },
        |ui| {
            if kit::icon_button(icons::X, "Close panel").clicked(ui) {
                return Some(Ask::Close);
            }
            let (icon, name) = if alone {
                (icons::ROWS, "Show all endpoints")
            } else {
                (icons::ARROW_SQUARE_OUT, "Open endpoint alone")
            };
            if kit::icon_button(icon, name).clicked(ui) {
                return Some(Ask::Alone);
            }
            kit::icon_button(icons::PENCIL_SIMPLE, "Modify endpoint")
                .clicked(ui)
                .then_some(Ask::Modify)
        },
    )
}
