//! Delete Client VPN Endpoint.

use super::{authorization, list::kept};
use crate::{
    app::{
        context::{Action, Context},
        dialogs::confirm::Confirm,
        nets,
        shell::plural,
    },
    model::{AuthorizationRule, Command, Endpoint, EndpointId, Route, View, command::OfEndpoint},
};

/// Asks before an endpoint goes: its name is typed, since it does not come back. As in AWS it stays
/// while networks are associated.
pub(in crate::app) fn delete(cx: &mut Context<'_>, id: &EndpointId) {
    let Some(endpoint) = cx.view.snapshot.endpoints.get(id) else {
        return;
    };
    if let Some(kept) = kept(&cx.view.snapshot, id) {
        cx.ask(Action::Trouble(kept));
        return;
    }
    let title = endpoint.title();
    let going = Going::of(cx.view, endpoint);
    let confirm = Confirm::new(
        format!("Delete {title}?"),
        "Delete Client VPN Endpoint",
        Command::DeleteClientVpnEndpoint(OfEndpoint {
            client_vpn_endpoint_id: id.to_string(),
        }),
        format!("{title} is deleted"),
    )
    .body(going.sentence())
    .listed("Authorization rules", going.rules)
    .listed("Routes", going.routes)
    .listed("Sessions that end", going.sessions)
    .typed_name(title);
    cx.ask(Action::Open(Box::new(confirm)));
}

/// What a deletion takes along.
struct Going {
    rules: Vec<String>,
    routes: Vec<String>,
    sessions: Vec<String>,
}

impl Going {
    fn of(view: &View, endpoint: &Endpoint) -> Self {
        let snapshot = &view.snapshot;
        let rule = |rule: &AuthorizationRule| {
            let who = authorization::access(snapshot, &rule.access);
            format!("{}, {who}", rule.destination)
        };
        let route = |route: &Route| {
            let through = nets::subnet(snapshot, &route.subnet_id);
            format!("{} through {through}", route.destination)
        };
        let live = view.live.connections.iter();
        let live = live.filter(|c| c.endpoint_id == endpoint.id && c.ended_at.is_none());
        Self {
            rules: snapshot.rules_of(&endpoint.id).map(rule).collect(),
            routes: snapshot.routes_of(&endpoint.id).map(route).collect(),
            sessions: live
                .map(|c| format!("{}, {}", c.common_name, c.client_ip))
                .collect(),
        }
    }

    /// The same in numbers.
    fn sentence(&self) -> String {
        let sessions = match self.sessions.len() {
            0 => "Nobody is connected.".to_owned(),
            n => format!("It ends {}.", plural(n, "session", "sessions")),
        };
        format!(
            "{} and {} go with it. {sessions} Configuration files handed out for it stop working.",
            plural(
                self.rules.len(),
                "authorization rule",
                "authorization rules"
            ),
            plural(self.routes.len(), "route", "routes"),
        )
    }
}
