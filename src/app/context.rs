//! What a screen or dialog sees while it draws, and what it can ask for.

use std::sync::Arc;

use egui::{Key, Modifiers, Ui};
use jiff::{Timestamp, tz::TimeZone};

use super::{
    backend::{Backend, Outcome},
    dialogs::Dialog,
    files::Files,
    people::Everyone,
    rates::Rates,
    state::Prefs,
    tally::Tally,
};
use crate::{
    control::Link,
    model::{
        CertificateArn, Command, Connection, ConnectionId, EndpointId, Notice, SecurityGroupId,
        Sid, View, VpcId,
    },
};

/// A page of the window.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
)]
pub enum Screen {
    /// The endpoints with their tabs.
    #[default]
    Endpoints,
    /// The guide from nothing to the first connection.
    GettingStarted,
    /// What a scenario of the guide needs, and what is there of it.
    Scenarios,
    /// The certificate store.
    Certificates,
    /// Users by certificate name, and groups.
    Groups,
    /// VPCs, what is in them and what they are attached to.
    Networks,
    /// What is admitted to and from what has a group.
    SecurityGroups,
    /// What the gateway does with a packet.
    Why,
    /// The connection log.
    Logs,
    /// The event record.
    EventHistory,
    /// Settings of the installation and of the window.
    Settings,
}

/// A tab of an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EndpointTab {
    /// What it is.
    #[default]
    Summary,
    /// Its target networks.
    Associations,
    /// Which security groups its target networks have.
    SecurityGroups,
    /// Who may reach what.
    Authorization,
    /// Where packets go.
    RouteTable,
    /// Who is connected, was, or could not.
    Connections,
    /// Its tags.
    Tags,
}

/// What the page Why? is to be asked; what is empty stays as it is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// The endpoint.
    pub endpoint: Option<EndpointId>,
    /// The common name of the user's certificate.
    pub user: String,
    /// A connection of that user, where it is about one.
    pub connection: Option<ConnectionId>,
}

impl Question {
    /// About a user, connected or not.
    #[must_use]
    pub fn of_user(user: impl Into<String>) -> Self {
        Self {
            user: user.into(),
            ..Self::default()
        }
    }

    /// About a connection.
    #[must_use]
    pub fn of_connection(connection: &Connection) -> Self {
        Self {
            endpoint: Some(connection.endpoint_id.clone()),
            user: connection.common_name.clone(),
            connection: Some(connection.id.clone()),
        }
    }
}

/// What drawing code asks for; it is done before the next frame, at one place.
pub enum Action {
    /// Shows a page.
    Go(Screen),
    /// Shows the endpoints with this one selected, at a tab if one is named.
    ShowEndpoint(EndpointId, Option<EndpointTab>),
    /// Shows the certificates with this one selected.
    ShowCertificate(CertificateArn),
    /// Shows the security groups with this one selected.
    ShowSecurityGroup(SecurityGroupId),
    /// Shows the groups with this one selected.
    ShowGroup(Sid),
    /// Shows the users, found by this name.
    ShowUser(String),
    /// Shows the VPCs with this one selected, at its route tables.
    ShowRouteTables(VpcId),
    /// Shows Why? with this filled in.
    AskWhy(Question),
    /// Opens a dialog above everything.
    Open(Box<dyn Dialog>),
    /// Says what is now true ("Rule revoked").
    Toast(String),
    /// Says what went wrong, where no field or page can.
    Trouble(String),
    /// Sends a command of the kind that is done at once, and says how it ended.
    Run {
        /// The command.
        command: Box<Command>,
        /// What is true once it was carried out.
        done: String,
        /// What takes it back; offered beside the words.
        undo: Option<Box<Command>>,
    },
    /// Sends several commands, one after the other, and says how they ended together.
    RunAll {
        /// The act in the words of its button ("Revoke 3 rules").
        act: String,
        /// The commands.
        changes: Vec<OneOf>,
    },
    /// Says how work ended that its dialog no longer waits for.
    Follow(Outcome),
    /// Opens the palette, as Ctrl K does, with this typed already.
    OpenPalette(String),
    /// Opens the help, as F1 does.
    OpenHelp,
}

/// One of several commands.
pub struct OneOf {
    /// What it changes.
    pub label: String,
    /// The command.
    pub command: Command,
    /// What takes it back.
    pub undo: Option<Command>,
}

/// What the program knows of its own installation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The data directory, for reading.
    pub data_dir: String,
    /// The machine's name.
    pub host: String,
}

/// One frame's surroundings.
pub struct Context<'a> {
    /// Configuration and what runs.
    pub view: &'a Arc<View>,
    /// How the service is reached.
    pub link: &'a Link,
    /// Sends commands.
    pub backend: &'a Backend,
    /// Asks for files.
    pub files: &'a Arc<dyn Files>,
    /// What nears its end, the worst first.
    pub notices: &'a [Notice],
    /// Throughput over the last minute.
    pub rates: &'a Rates,
    /// How many are connected.
    pub tally: &'a Tally,
    /// Who is known by name.
    pub everyone: &'a Everyone,
    /// The person's choices for the window.
    pub prefs: &'a mut Prefs,
    /// The installation.
    pub about: &'a About,
    /// The time of this frame.
    pub now: Timestamp,
    /// The person's time zone.
    pub zone: &'a TimeZone,
    /// Whether a dialog or the palette is above the page: its keys are not the page's.
    pub covered: bool,
    /// What was asked for in this frame.
    pub actions: &'a mut Vec<Action>,
}

impl Context<'_> {
    /// Asks for `action`.
    pub fn ask(&mut self, action: Action) {
        self.actions.push(action);
    }

    /// Opens `dialog`.
    pub fn open(&mut self, dialog: impl Dialog + 'static) {
        self.ask(Action::Open(Box::new(dialog)));
    }

    /// Does at once what can be taken back, and says so with a way back.
    pub fn run(&mut self, command: Command, done: impl Into<String>, undo: Option<Command>) {
        self.ask(Action::Run {
            command: Box::new(command),
            done: done.into(),
            undo: undo.map(Box::new),
        });
    }

    /// Whether a page's shortcut with Ctrl (⌘ on macOS) was pressed; never under a dialog.
    #[must_use]
    pub fn shortcut(&self, ui: &Ui, key: Key) -> bool {
        !self.covered && ui.input_mut(|i| i.consume_key(Modifiers::COMMAND, key))
    }

    /// Whether a page's key was pressed; never under a dialog nor while text is edited.
    #[must_use]
    pub fn key(&self, ui: &Ui, key: Key) -> bool {
        !self.covered
            && !ui.ctx().text_edit_focused()
            && ui.input_mut(|i| i.consume_key(Modifiers::NONE, key))
    }
}
