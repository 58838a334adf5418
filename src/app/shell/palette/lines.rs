//! What the palette leads to.

use super::super::super::{
    context::{Action, Context, EndpointTab, Screen},
    dialogs::{
        associate::Associate,
        authorize::Authorize,
        backup::BackUp,
        create_ca::CreateCa,
        create_endpoint::CreateEndpoint,
        create_route::CreateRoute,
        diagnosis::Diagnosis,
        download::Download,
        hand_out::HandOutPage,
        import_certificate::Import,
        import_folder::ImportFolder,
        issue_certificate::Issue,
        issue_many::IssueMany,
        manage_tags::ManageTags,
        modify_endpoint::ModifyEndpoint,
        restore_backup::RestoreBackup,
        revocation::{ExportList, ImportList},
        sign_request::SignRequest,
        terminate::Terminate,
        test_connection::TestTheConnection,
    },
    kit::icons,
    screens::{GROUPS, Screens, endpoints, event_history::UndoLast},
};
use crate::model::{
    CertificateArn, ConnectionId, ConnectionState, EndpointId, SecurityGroupId, Snapshot, View,
    VpcId,
};

/// What a line of the palette leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Go(Screen),
    Do(Act),
    OfEndpoint(EndpointAct, EndpointId),
    Endpoint(EndpointId),
    Tab(EndpointId, EndpointTab),
    Certificate(CertificateArn),
    Vpc(VpcId),
    SecurityGroup(SecurityGroupId),
    Connection(EndpointId),
    Terminate(ConnectionId),
}

impl Target {
    /// Whether it is offered before anything is typed: there are few of its kind.
    pub(super) const fn is_one_of_few(&self) -> bool {
        matches!(self, Self::Go(_) | Self::Do(_) | Self::Endpoint(_))
    }
}

/// What is done without naming a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    CreateEndpoint,
    IssueCertificate,
    IssueForMany,
    ImportCertificate,
    ImportFolder,
    CreateAuthority,
    SignRequest,
    Help,
    Diagnose,
    UndoLast,
    BackUp,
    Restore,
    Theme(egui::ThemePreference),
}

/// Icon, words and keys of each.
const ACTS: [(&str, &str, &str, Act); 15] = [
    (
        icons::PLUS,
        "Create Client VPN Endpoint",
        "Ctrl N",
        Act::CreateEndpoint,
    ),
    (icons::QUESTION, "Show help and keys", "F1", Act::Help),
    (icons::PULSE, "Diagnose this machine", "", Act::Diagnose),
    (
        icons::ARROW_COUNTER_CLOCKWISE,
        "Undo last change",
        "",
        Act::UndoLast,
    ),
    (
        icons::CERTIFICATE,
        "Issue certificate",
        "",
        Act::IssueCertificate,
    ),
    (
        icons::USERS_THREE,
        "Issue certificates for many",
        "",
        Act::IssueForMany,
    ),
    (
        icons::FILE_TEXT,
        "Sign a certificate request",
        "",
        Act::SignRequest,
    ),
    (
        icons::DOWNLOAD_SIMPLE,
        "Import certificate",
        "",
        Act::ImportCertificate,
    ),
    (
        icons::DOWNLOAD_SIMPLE,
        "Import an easy-rsa folder",
        "",
        Act::ImportFolder,
    ),
    (
        icons::PLUS,
        "Create certificate authority",
        "",
        Act::CreateAuthority,
    ),
    (
        icons::DOWNLOAD_SIMPLE,
        "Back up the installation",
        "",
        Act::BackUp,
    ),
    (
        icons::CLOCK_COUNTER_CLOCKWISE,
        "Restore a backup",
        "",
        Act::Restore,
    ),
    (
        icons::SUN,
        "Light theme",
        "",
        Act::Theme(egui::ThemePreference::Light),
    ),
    (
        icons::MOON,
        "Dark theme",
        "",
        Act::Theme(egui::ThemePreference::Dark),
    ),
    (
        icons::DESKTOP,
        "Theme of the system",
        "",
        Act::Theme(egui::ThemePreference::System),
    ),
];

/// What is done with an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndpointAct {
    Test,
    Download,
    HandOut,
    Modify,
    Associate,
    Authorize,
    CreateRoute,
    ImportList,
    ExportList,
    Tags,
    Delete,
}

/// Icon, words before the endpoint's name, and keys of each.
const ENDPOINT_ACTS: [(&str, &str, &str, EndpointAct); 11] = [
    (icons::PULSE, "Test connection to", "", EndpointAct::Test),
    (
        icons::DOWNLOAD_SIMPLE,
        "Download Client Configuration of",
        "",
        EndpointAct::Download,
    ),
    (
        icons::BOOK_OPEN,
        "Show hand-out page of",
        "",
        EndpointAct::HandOut,
    ),
    (icons::PENCIL_SIMPLE, "Modify", "F2", EndpointAct::Modify),
    (
        icons::TREE_STRUCTURE,
        "Associate target network with",
        "",
        EndpointAct::Associate,
    ),
    (
        icons::SHIELD_CHECK,
        "Authorize ingress to",
        "",
        EndpointAct::Authorize,
    ),
    (icons::PATH, "Create route of", "", EndpointAct::CreateRoute),
    (
        icons::PROHIBIT,
        "Import Client Certificate CRL into",
        "",
        EndpointAct::ImportList,
    ),
    (
        icons::FILE_TEXT,
        "Export Client Certificate CRL of",
        "",
        EndpointAct::ExportList,
    ),
    (icons::TAG, "Manage tags of", "", EndpointAct::Tags),
    (icons::TRASH, "Delete", "", EndpointAct::Delete),
];

const TABS: [(EndpointTab, &str, &str); 7] = [
    (EndpointTab::Summary, "Summary", "Ctrl 1"),
    (EndpointTab::Associations, "Associations", "Ctrl 2"),
    (EndpointTab::SecurityGroups, "Security Groups", "Ctrl 3"),
    (EndpointTab::Authorization, "Authorization", "Ctrl 4"),
    (EndpointTab::RouteTable, "Route Table", "Ctrl 5"),
    (EndpointTab::Connections, "Connections", "Ctrl 6"),
    (EndpointTab::Tags, "Tags", "Ctrl 7"),
];

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) group: &'static str,
    pub(super) icon: &'static str,
    pub(super) name: String,
    /// What else it is found by, and shown weak beside the name.
    pub(super) detail: String,
    pub(super) shortcut: &'static str,
    pub(super) target: Target,
}

impl Line {
    fn new(group: &'static str, icon: &'static str, name: impl Into<String>, to: Target) -> Self {
        Self {
            group,
            icon,
            name: name.into(),
            detail: String::new(),
            shortcut: "",
            target: to,
        }
    }

    fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    const fn keys(mut self, keys: &'static str) -> Self {
        self.shortcut = keys;
        self
    }
}

/// Every line there is, by group.
pub(super) fn all(view: &View, screens: &Screens) -> Vec<Line> {
    let mut lines = pages(view, screens);
    let acts = ACTS.iter();
    lines.extend(acts.map(|(icon, words, keys, act)| {
        Line::new("Do", icon, *words, Target::Do(*act)).keys(keys)
    }));
    of_endpoints(&view.snapshot, &mut lines);
    things(&view.snapshot, &mut lines);
    connections(view, &mut lines);
    lines
}

fn pages(view: &View, screens: &Screens) -> Vec<Line> {
    let pages = GROUPS.iter().flat_map(|(_, members)| members.iter());
    let pages = pages.copied().chain([Screen::Settings]);
    pages
        .filter(|screen| screens.has(*screen) && screen.is_listed(view))
        .map(|screen| {
            let keys = match screen {
                Screen::Settings => "Ctrl ,",
                _ => "",
            };
            let target = Target::Go(screen);
            Line::new("Go to", screen.icon(), screen.title(), target).keys(keys)
        })
        .collect()
}

fn of_endpoints(snapshot: &Snapshot, lines: &mut Vec<Line>) {
    for endpoint in snapshot.endpoints.values().filter(|e| !e.deleting) {
        let (id, title) = (&endpoint.id, endpoint.title());
        for (icon, words, keys, act) in ENDPOINT_ACTS {
            let name = format!("{words} {title}");
            let target = Target::OfEndpoint(act, id.clone());
            lines.push(Line::new("Do", icon, name, target).keys(keys));
        }
    }
    for endpoint in snapshot.endpoints.values() {
        let (id, title) = (&endpoint.id, endpoint.title());
        let detail = format!("{}  {id}", endpoint.client_cidr);
        let target = Target::Endpoint(id.clone());
        let line = Line::new("Endpoints", icons::PLUGS_CONNECTED, title, target);
        lines.push(line.detail(detail));
        for (tab, words, keys) in TABS {
            let name = format!("{title}: {words}");
            let target = Target::Tab(id.clone(), tab);
            lines.push(Line::new("Endpoints", icons::PLUGS_CONNECTED, name, target).keys(keys));
        }
    }
}

fn things(snapshot: &Snapshot, lines: &mut Vec<Line>) {
    lines.extend(snapshot.vpcs.values().map(|it| {
        let cidrs: Vec<String> = it.cidrs.iter().map(ToString::to_string).collect();
        let detail = format!("{}  {}", cidrs.join(" "), it.id);
        let target = Target::Vpc(it.id.clone());
        Line::new("VPCs", icons::NETWORK, it.title(), target).detail(detail)
    }));
    lines.extend(snapshot.security_groups.values().map(|it| {
        let target = Target::SecurityGroup(it.id.clone());
        let line = Line::new("Security groups", icons::SHIELD, &it.name, target);
        line.detail(it.id.as_str())
    }));
    lines.extend(snapshot.certificates.values().map(|it| {
        let target = Target::Certificate(it.arn.clone());
        let line = Line::new("Certificates", icons::CERTIFICATE, it.title(), target);
        line.detail(&it.serial)
    }));
}

fn connections(view: &View, lines: &mut Vec<Line>) {
    let all = view.live.connections.iter();
    let live = all.filter(|c| c.ended_at.is_none());
    for it in live.clone() {
        if it.state == ConnectionState::Active {
            let name = format!("Terminate {}", it.common_name);
            let target = Target::Terminate(it.id.clone());
            let line = Line::new("Do", icons::STOP_CIRCLE, name, target);
            lines.push(line.detail(format!("{}  {}", it.client_ip, it.id)));
        }
    }
    for it in live {
        let detail = format!("{}  {}  {}", it.client_ip, it.device.ip(), it.id);
        let target = Target::Connection(it.endpoint_id.clone());
        let line = Line::new("Connections", icons::LAPTOP, &it.common_name, target);
        lines.push(line.detail(detail));
    }
}

/// Does what a line leads to.
pub(super) fn follow(cx: &mut Context<'_>, target: Target) {
    match target {
        Target::Go(screen) => cx.ask(Action::Go(screen)),
        Target::Do(act) => act.carry_out(cx),
        Target::OfEndpoint(act, id) => act.carry_out(cx, id),
        Target::Endpoint(id) => cx.ask(Action::ShowEndpoint(id, None)),
        Target::Tab(id, tab) => cx.ask(Action::ShowEndpoint(id, Some(tab))),
        Target::Certificate(arn) => cx.ask(Action::ShowCertificate(arn)),
        Target::Vpc(id) => cx.ask(Action::ShowRouteTables(id)),
        Target::SecurityGroup(id) => cx.ask(Action::ShowSecurityGroup(id)),
        Target::Connection(id) => {
            cx.ask(Action::ShowEndpoint(id, Some(EndpointTab::Connections)));
        }
        Target::Terminate(id) => {
            let dialog = Terminate::new(cx.view, std::iter::once(&id));
            cx.open(dialog);
        }
    }
}

impl Act {
    fn carry_out(self, cx: &mut Context<'_>) {
        match self {
            Self::CreateEndpoint => {
                let dialog = CreateEndpoint::new(cx);
                cx.open(dialog);
            }
            Self::IssueCertificate => cx.open(Issue::new(None)),
            Self::IssueForMany => cx.open(IssueMany::new(None)),
            Self::ImportCertificate => cx.open(Import::default()),
            Self::ImportFolder => cx.open(ImportFolder::default()),
            Self::CreateAuthority => cx.open(CreateCa::default()),
            Self::SignRequest => cx.open(SignRequest::new(None)),
            Self::Help => cx.ask(Action::OpenHelp),
            Self::Diagnose => cx.open(Diagnosis::default()),
            Self::UndoLast => cx.open(UndoLast::default()),
            Self::BackUp => cx.open(BackUp::default()),
            Self::Restore => cx.open(RestoreBackup::default()),
            Self::Theme(theme) => cx.prefs.theme = theme,
        }
    }
}

impl EndpointAct {
    fn carry_out(self, cx: &mut Context<'_>, id: EndpointId) {
        let snapshot = std::sync::Arc::clone(&cx.view.snapshot);
        // It may have gone since the line was drawn.
        let Some(endpoint) = snapshot.endpoints.get(&id) else {
            return;
        };
        match self {
            Self::Test => cx.open(TestTheConnection::new(id)),
            Self::Download => cx.open(Download::new(id)),
            Self::HandOut => {
                let page = HandOutPage::new(cx, &id, None, true);
                cx.open(page);
            }
            Self::Modify => {
                if let Some(dialog) = ModifyEndpoint::new(&snapshot, &id) {
                    cx.open(dialog);
                }
            }
            Self::Associate => cx.open(Associate::new(&snapshot, id)),
            Self::Authorize => cx.open(Authorize::new(&snapshot, id)),
            Self::CreateRoute => cx.open(CreateRoute::new(&snapshot, id)),
            Self::ImportList => cx.open(ImportList::new(endpoint)),
            Self::ExportList => match ExportList::of_endpoint(&snapshot, endpoint) {
                Some(dialog) => cx.open(dialog),
                None => cx.ask(Action::Trouble(format!(
                    "{} has no revocation list: import one, or revoke a certificate of its authority",
                    endpoint.title()
                ))),
            },
            Self::Tags => cx.open(ManageTags::new(&id, endpoint.title(), &endpoint.tags)),
            Self::Delete => endpoints::delete(cx, &id),
        }
    }
}
