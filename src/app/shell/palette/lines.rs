//! What the palette leads to.

use super::search::Search;
use crate::app::{
    context::{Action, Context, EndpointTab, Screen},
    dialogs::{
        associate::Associate,
        authorize::Authorize,
        backup::BackUp,
        connection_details::ConnectionDetails,
        create_ca::CreateCa,
        create_endpoint::CreateEndpoint,
        create_group::CreateGroup,
        create_route::CreateRoute,
        create_vpc::NewVpc,
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
        security_group::NewSecurityGroup,
        sign_request::SignRequest,
        terminate::Terminate,
        test_connection::TestTheConnection,
    },
    kit::icons,
    nets,
    screens::{GROUPS, Screens, endpoints, event_history::UndoLast},
};
use crate::model::{
    CertificateArn, ConnectionId, ConnectionState, EndpointId, SecurityGroupId, Sid, Snapshot,
    View, VpcId,
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
    Group(Sid),
    User(String),
    Connection(EndpointId, ConnectionId),
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
    CreateVpc,
    CreateSecurityGroup,
    CreateGroup,
    Help,
    Diagnose,
    UndoLast,
    BackUp,
    Restore,
    Theme(egui::ThemePreference),
}

/// Icon, words and keys of each.
const ACTS: [(&str, &str, &str, Act); 18] = [
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
    (icons::NETWORK, "Create VPC", "", Act::CreateVpc),
    (
        icons::SHIELD,
        "Create security group",
        "",
        Act::CreateSecurityGroup,
    ),
    (icons::USERS, "Create group", "", Act::CreateGroup),
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

/// Icon and words before the endpoint's name. Their keys act on the endpoint that is selected, which
/// may be another.
const ENDPOINT_ACTS: [(&str, &str, EndpointAct); 11] = [
    (icons::PULSE, "Test connection to", EndpointAct::Test),
    (
        icons::DOWNLOAD_SIMPLE,
        "Download Client Configuration of",
        EndpointAct::Download,
    ),
    (
        icons::BOOK_OPEN,
        "Show hand-out page of",
        EndpointAct::HandOut,
    ),
    (icons::PENCIL_SIMPLE, "Modify", EndpointAct::Modify),
    (
        icons::TREE_STRUCTURE,
        "Associate target network with",
        EndpointAct::Associate,
    ),
    (
        icons::SHIELD_CHECK,
        "Authorize ingress to",
        EndpointAct::Authorize,
    ),
    (icons::PATH, "Create route of", EndpointAct::CreateRoute),
    (
        icons::PROHIBIT,
        "Import Client Certificate CRL into",
        EndpointAct::ImportList,
    ),
    (
        icons::FILE_TEXT,
        "Export Client Certificate CRL of",
        EndpointAct::ExportList,
    ),
    (icons::TAG, "Manage tags of", EndpointAct::Tags),
    (icons::TRASH, "Delete", EndpointAct::Delete),
];

/// The group of lines about endpoints.
const ENDPOINTS: &str = "Endpoints";

const TABS: [(EndpointTab, &str); 7] = [
    (EndpointTab::Summary, "Summary"),
    (EndpointTab::Associations, "Associations"),
    (EndpointTab::SecurityGroups, "Security Groups"),
    (EndpointTab::Authorization, "Authorization"),
    (EndpointTab::RouteTable, "Route Table"),
    (EndpointTab::Connections, "Connections"),
    (EndpointTab::Tags, "Tags"),
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
    pub(super) fn new(
        group: &'static str,
        icon: &'static str,
        name: impl Into<String>,
        to: Target,
    ) -> Self {
        Self {
            group,
            icon,
            name: name.into(),
            detail: String::new(),
            shortcut: "",
            target: to,
        }
    }

    pub(super) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    const fn keys(mut self, keys: &'static str) -> Self {
        self.shortcut = keys;
        self
    }
}

/// Offers every line there is, by group.
pub(super) fn offer_all(search: &mut Search<'_>, cx: &Context<'_>, screens: &Screens) {
    pages(cx.view, screens, search);
    for (icon, words, keys, act) in ACTS {
        let line = Line::new("Do", icon, words, Target::Do(act));
        search.offer(line.keys(keys));
    }
    of_endpoints(&cx.view.snapshot, search);
    things(&cx.view.snapshot, search);
    if !search.is_wide() {
        certificates(&cx.view.snapshot, search);
        people(cx, search);
        connections(cx.view, search);
    }
}

fn pages(view: &View, screens: &Screens, search: &mut Search<'_>) {
    let pages = GROUPS.iter().flat_map(|(_, members)| members.iter());
    let pages = pages.copied().chain([Screen::Settings]);
    for screen in pages.filter(|it| screens.has(*it) && it.is_listed(view)) {
        let keys = match screen {
            Screen::Settings => "Ctrl ,",
            _ => "",
        };
        let line = Line::new("Go to", screen.icon(), screen.title(), Target::Go(screen));
        search.offer(line.keys(keys));
    }
}

fn of_endpoints(snapshot: &Snapshot, search: &mut Search<'_>) {
    for endpoint in snapshot.endpoints.values().filter(|e| !e.deleting) {
        let (id, title) = (&endpoint.id, endpoint.title());
        for (icon, words, act) in ENDPOINT_ACTS {
            let name = format!("{words} {title}");
            search.offer(Line::new(
                "Do",
                icon,
                name,
                Target::OfEndpoint(act, id.clone()),
            ));
        }
    }
    for endpoint in snapshot.endpoints.values() {
        let (id, title) = (&endpoint.id, endpoint.title());
        let detail = format!("{}  {id}", endpoint.client_cidr);
        let target = Target::Endpoint(id.clone());
        let line = Line::new(ENDPOINTS, icons::PLUGS_CONNECTED, title, target);
        search.offer(line.detail(detail));
        for (tab, words) in TABS {
            let name = format!("{title}: {words}");
            let target = Target::Tab(id.clone(), tab);
            search.offer(Line::new(ENDPOINTS, icons::PLUGS_CONNECTED, name, target));
        }
    }
}

fn things(snapshot: &Snapshot, search: &mut Search<'_>) {
    for it in snapshot.vpcs.values() {
        let detail = format!("{}  {}", nets::blocks(it), it.id);
        let target = Target::Vpc(it.id.clone());
        search.offer(Line::new("VPCs", icons::NETWORK, it.title(), target).detail(detail));
    }
    for it in snapshot.subnets.values() {
        let detail = format!("{}  {}", it.cidr, it.id);
        let target = Target::Vpc(it.vpc_id.clone());
        search.offer(Line::new("Subnets", icons::NETWORK, it.title(), target).detail(detail));
    }
    for it in snapshot.security_groups.values() {
        let target = Target::SecurityGroup(it.id.clone());
        let line = Line::new("Security groups", icons::SHIELD, &it.name, target);
        search.offer(line.detail(it.id.as_str()));
    }
}

fn certificates(snapshot: &Snapshot, search: &mut Search<'_>) {
    for it in snapshot.certificates.values() {
        let (title, details) = (it.title(), [it.serial.as_str(), it.arn.as_str()]);
        search.offer_many("Certificates", title, &details, || {
            let target = Target::Certificate(it.arn.clone());
            Line::new("Certificates", icons::CERTIFICATE, title, target).detail(&it.serial)
        });
    }
}

fn people(cx: &Context<'_>, search: &mut Search<'_>) {
    for it in cx.view.snapshot.groups.values() {
        let target = Target::Group(it.sid.clone());
        let line = Line::new("Groups", icons::USERS, &it.name, target);
        search.offer(line.detail(it.sid.as_str()));
    }
    for name in cx.everyone.of(cx.view).keys() {
        search.offer_many("Users", name, &["User"], || {
            let target = Target::User(name.clone());
            Line::new("Users", icons::USER, format!("User {name}"), target)
        });
    }
}

/// What is done to a connection.
const TERMINATE: &str = "Terminate";

fn connections(view: &View, search: &mut Search<'_>) {
    let (by_address, by_act) = (search.wants_address(), search.names(TERMINATE));
    let all = view.live.connections.iter();
    for it in all.filter(|c| c.ended_at.is_none()) {
        let name = it.common_name.as_str();
        let addresses = || format!("{}  {}", it.client_ip, it.device.ip());
        let found_by = if by_address {
            addresses()
        } else {
            String::new()
        };
        let is_found = search.finds(name, &[found_by.as_str(), it.id.as_str()]);
        let acted_on = [TERMINATE, name, found_by.as_str(), it.id.as_str()];
        let is_act = is_found || (by_act && search.finds("", &acted_on));
        if is_act && it.state == ConnectionState::Active {
            search.put("Do", "", || {
                let words = format!("{TERMINATE} {name}");
                let target = Target::Terminate(it.id.clone());
                let line = Line::new("Do", icons::STOP_CIRCLE, words, target);
                line.detail(format!("{}  {}", it.client_ip, it.id))
            });
        }
        if is_found {
            search.put("Connections", name, || {
                let target = Target::Connection(it.endpoint_id.clone(), it.id.clone());
                let line = Line::new("Connections", icons::LAPTOP, name, target);
                line.detail(format!("{}  {}", addresses(), it.id))
            });
        }
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
        Target::Group(sid) => cx.ask(Action::ShowGroup(sid)),
        Target::User(name) => cx.ask(Action::ShowUser(name)),
        Target::Connection(endpoint, id) => {
            cx.ask(Action::ShowEndpoint(
                endpoint,
                Some(EndpointTab::Connections),
            ));
            if let Some(details) = ConnectionDetails::new(cx.view, &id) {
                cx.open(details);
            }
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
            Self::CreateVpc => cx.open(NewVpc::default()),
            Self::CreateSecurityGroup => {
                let dialog = NewSecurityGroup::new(&cx.view.snapshot, None);
                cx.open(dialog);
            }
            Self::CreateGroup => cx.open(CreateGroup::default()),
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
                let page = HandOutPage::new(cx, &id, None);
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
