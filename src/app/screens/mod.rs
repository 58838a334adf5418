//! The pages of the window.
//!
//! A page holds its drafts and its selection, reads everything else from the [`Context`], and
//! asks for what it wants done. A page that is not in [`Screens`] is not in the navigation.

pub mod certificates;
pub mod endpoints;
pub mod event_history;
pub mod filter;
pub mod getting_started;
pub mod groups;
pub mod listing;
pub mod logs;
pub mod networks;
pub mod scenarios;
pub mod security_groups;
pub mod settings;
pub mod why;

use egui::Ui;
use jiff::Timestamp;

use super::{
    context::{Context, EndpointTab, Question, Screen},
    kit::icons,
};
use crate::model::{CertificateArn, EndpointId, SecurityGroupId, Sid, View, VpcId};
use certificates::Certificates;
use endpoints::Endpoints;
use event_history::EventHistory;
use getting_started::GettingStarted;
use groups::Groups;
use logs::Logs;
use networks::Networks;
use scenarios::Scenarios;
use security_groups::SecurityGroups;
use settings::Settings;
use why::Why;

/// One page.
pub trait Page {
    /// Draws it in what is left of the window.
    fn ui(&mut self, cx: &mut Context<'_>, ui: &mut Ui);

    /// What the navigation shows at the end of its line; nothing by default.
    fn count(&self, _view: &View, _now: Timestamp) -> String {
        String::new()
    }
}

/// All pages there are, with what they remember while another is shown.
pub struct Screens {
    endpoints: Endpoints,
    certificates: Certificates,
    groups: Groups,
    networks: Networks,
    security_groups: SecurityGroups,
    why: Why,
    others: Vec<(Screen, Box<dyn Page>)>,
}

impl Default for Screens {
    fn default() -> Self {
        Self {
            endpoints: Endpoints::default(),
            certificates: Certificates::default(),
            groups: Groups::default(),
            networks: Networks::default(),
            security_groups: SecurityGroups::default(),
            why: Why::default(),
            others: vec![
                (Screen::GettingStarted, Box::<GettingStarted>::default()),
                (Screen::Scenarios, Box::<Scenarios>::default()),
                (Screen::Logs, Box::<Logs>::default()),
                (Screen::EventHistory, Box::<EventHistory>::default()),
                (Screen::Settings, Box::<Settings>::default()),
            ],
        }
    }
}

impl Screens {
    /// Whether there is such a page.
    #[must_use]
    pub fn has(&self, screen: Screen) -> bool {
        matches!(
            screen,
            Screen::Endpoints
                | Screen::Certificates
                | Screen::Groups
                | Screen::Networks
                | Screen::SecurityGroups
                | Screen::Why
        ) || self.others.iter().any(|(s, _)| *s == screen)
    }

    /// What the navigation shows at the end of a page's line.
    #[must_use]
    pub fn count(&self, screen: Screen, view: &View, now: Timestamp) -> String {
        match self.others.iter().find(|(s, _)| *s == screen) {
            Some((_, page)) => page.count(view, now),
            None if screen == Screen::Endpoints => view.snapshot.endpoints.len().to_string(),
            None => String::new(),
        }
    }

    /// Draws a page; one that is not there is the endpoints.
    pub fn ui(&mut self, screen: Screen, cx: &mut Context<'_>, ui: &mut Ui) {
        match self.others.iter_mut().find(|(s, _)| *s == screen) {
            Some((_, page)) => page.ui(cx, ui),
            None if screen == Screen::Certificates => self.certificates.ui(cx, ui),
            None if screen == Screen::Groups => self.groups.ui(cx, ui),
            None if screen == Screen::Networks => self.networks.ui(cx, ui),
            None if screen == Screen::SecurityGroups => self.security_groups.ui(cx, ui),
            None if screen == Screen::Why => self.why.ui(cx, ui),
            None => self.endpoints.ui(cx, ui),
        }
    }

    /// Fills Why? in.
    pub fn ask_why(&mut self, question: Question) {
        self.why.fill(question);
    }

    /// Selects a VPC, at its route tables.
    pub fn show_route_tables(&mut self, id: VpcId) {
        self.networks.show_route_tables(id);
    }

    /// Selects a certificate.
    pub fn show_certificate(&mut self, arn: CertificateArn) {
        self.certificates.select(arn);
    }

    /// Selects a group.
    pub fn show_group(&mut self, sid: Sid) {
        self.groups.select(sid);
    }

    /// Lists the users that go by a name.
    pub fn show_user(&mut self, name: String) {
        self.groups.find_user(name);
    }

    /// Selects a security group.
    pub fn show_security_group(&mut self, id: SecurityGroupId) {
        self.security_groups.select(id);
    }

    /// Selects an endpoint, and one of its tabs if one is named.
    pub fn show_endpoint(&mut self, id: EndpointId, tab: Option<EndpointTab>) {
        self.endpoints.select(id, tab);
    }
}

/// A group of the navigation with its pages, in the order shown.
pub(super) const GROUPS: [(&str, &[Screen]); 4] = [
    (
        "",
        &[Screen::Endpoints, Screen::GettingStarted, Screen::Scenarios],
    ),
    ("Access", &[Screen::Certificates, Screen::Groups]),
    (
        "Network",
        &[Screen::Networks, Screen::SecurityGroups, Screen::Why],
    ),
    ("Monitoring", &[Screen::Logs, Screen::EventHistory]),
];

impl Screen {
    /// What the navigation and the page's head call it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Endpoints => "Client VPN Endpoints",
            Self::GettingStarted => "Getting Started",
            Self::Scenarios => "Scenarios",
            Self::Certificates => "Certificates",
            Self::Groups => "Users and groups",
            Self::Networks => "VPCs and subnets",
            Self::SecurityGroups => "Security groups",
            Self::Why => "Why?",
            Self::Logs => "Logs",
            Self::EventHistory => "Event history",
            Self::Settings => "Settings",
        }
    }

    /// Its icon.
    #[must_use]
    pub const fn icon(self) -> &'static str {
        match self {
            Self::Endpoints => icons::PLUGS_CONNECTED,
            Self::GettingStarted => icons::ROCKET_LAUNCH,
            Self::Scenarios => icons::LIST_CHECKS,
            Self::Certificates => icons::CERTIFICATE,
            Self::Groups => icons::USERS_THREE,
            Self::Networks => icons::TREE_STRUCTURE,
            Self::SecurityGroups => icons::SHIELD_CHECK,
            Self::Why => icons::PATH,
            Self::Logs => icons::SCROLL,
            Self::EventHistory => icons::CLOCK_COUNTER_CLOCKWISE,
            Self::Settings => icons::GEAR_SIX,
        }
    }

    /// Whether it has a place in the navigation now: the guide leaves once it is done.
    #[must_use]
    pub fn is_listed(self, view: &View) -> bool {
        self != Self::GettingStarted || !view.snapshot.settings.getting_started_done
    }
}
