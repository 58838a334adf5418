//! What a screen or dialog sees while it draws, and what it can ask for.

use std::sync::Arc;

use jiff::{Timestamp, tz::TimeZone};

use super::{backend::Backend, dialogs::Dialog, files::Files, rates::Rates};
use crate::{
    control::Link,
    model::{EndpointId, View},
};

/// A page of the window.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
pub enum Screen {
    /// The endpoints with their tabs.
    #[default]
    Endpoints,
    /// The guide from nothing to the first connection.
    GettingStarted,
    /// The certificate store.
    Certificates,
    /// VPCs, subnets and internet gateways.
    Networks,
    /// The event record.
    EventHistory,
    /// Settings of the installation and of the window.
    Settings,
}

/// What drawing code asks for; it is done before the next frame, at one place.
pub enum Action {
    /// Shows a page.
    Go(Screen),
    /// Shows the endpoints with this one selected.
    ShowEndpoint(EndpointId),
    /// Opens a dialog above everything.
    Open(Box<dyn Dialog>),
    /// Says what is now true.
    Toast(String),
    /// Says what went wrong, where no field or page can.
    Trouble(String),
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
    /// Throughput over the last minute.
    pub rates: &'a Rates,
    /// The time of this frame.
    pub now: Timestamp,
    /// The person's time zone.
    pub zone: &'a TimeZone,
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
}
