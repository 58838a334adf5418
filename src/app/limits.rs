//! The limits of the installation as the window shows and raises them.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Code, Endpoint, EndpointId, RouteOrigin, RouteState, RuleState, Settings, Snapshot, View,
    command::ModifySettings,
};

/// A limit that can be raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Endpoints of the installation.
    Endpoints,
    /// Authorization rules of one endpoint.
    Rules,
    /// Routes of one endpoint that were added by hand.
    Routes,
    /// Live connections of one endpoint.
    Connections,
    /// Entries of a revocation list.
    Revocations,
}

impl Limit {
    /// All of them, in the order they are shown.
    pub const ALL: [Self; 5] = [
        Self::Endpoints,
        Self::Rules,
        Self::Routes,
        Self::Connections,
        Self::Revocations,
    ];

    /// The limit that a refusal is about, if it is about one.
    #[must_use]
    pub const fn of_code(code: Code) -> Option<Self> {
        match code {
            Code::EndpointLimitExceeded => Some(Self::Endpoints),
            Code::RuleLimitExceeded => Some(Self::Rules),
            Code::RouteLimitExceeded => Some(Self::Routes),
            Code::RevocationListLimitExceeded => Some(Self::Revocations),
            _ => None,
        }
    }

    /// The service's name of it.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Endpoints => "MaxEndpoints",
            Self::Rules => "MaxAuthorizationRules",
            Self::Routes => "MaxRoutes",
            Self::Connections => "MaxConnections",
            Self::Revocations => "MaxRevocations",
        }
    }

    /// What a person calls it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Endpoints => "Client VPN endpoints",
            Self::Rules => "Authorization rules per endpoint",
            Self::Routes => "Routes per endpoint",
            Self::Connections => "Live connections per endpoint",
            Self::Revocations => "Entries of a revocation list",
        }
    }

    /// What it is now.
    #[must_use]
    pub const fn of(self, settings: &Settings) -> u32 {
        match self {
            Self::Endpoints => settings.max_endpoints,
            Self::Rules => settings.max_rules,
            Self::Routes => settings.max_routes,
            Self::Connections => settings.max_connections,
            Self::Revocations => settings.max_revocations,
        }
    }

    /// Sets it in a command.
    pub fn put(self, fields: &mut ModifySettings, value: u32) {
        let at = match self {
            Self::Endpoints => &mut fields.max_endpoints,
            Self::Rules => &mut fields.max_rules,
            Self::Routes => &mut fields.max_routes,
            Self::Connections => &mut fields.max_connections,
            Self::Revocations => &mut fields.max_revocations,
        };
        *at = Some(value);
    }

    /// How many there are of what it counts, and where most of them are.
    #[must_use]
    pub fn in_use(self, view: &View) -> (usize, String) {
        let snapshot = &view.snapshot;
        match self {
            Self::Endpoints => {
                let all = snapshot.endpoints.values();
                (all.filter(|it| !it.deleting).count(), String::new())
            }
            Self::Rules => most(snapshot, |it| rules(snapshot, &it.id)),
            Self::Routes => most(snapshot, |it| routes(snapshot, &it.id)),
            Self::Connections => {
                let mut counts: BTreeMap<&EndpointId, usize> = BTreeMap::new();
                for it in &view.live.connections {
                    if it.ended_at.is_none() {
                        *counts.entry(&it.endpoint_id).or_default() += 1;
                    }
                }
                most(snapshot, |it| counts.get(&it.id).copied().unwrap_or(0))
            }
            Self::Revocations => {
                let lists = snapshot.revocation_lists.values();
                let lists = lists.chain(snapshot.authority_lists.values());
                let most = lists.map(|it| it.entries as usize).max();
                (most.unwrap_or(0), String::new())
            }
        }
    }
}

/// The endpoint with most of something: how many, and its name.
fn most(snapshot: &Snapshot, count: impl Fn(&Endpoint) -> usize) -> (usize, String) {
    let all = snapshot.endpoints.values().filter(|it| !it.deleting);
    let most = all.map(|it| (count(it), it)).max_by_key(|(n, _)| *n);
    match most {
        Some((n, endpoint)) if n > 0 => (n, endpoint.title().to_owned()),
        _ => (0, String::new()),
    }
}

fn rules(snapshot: &Snapshot, endpoint: &EndpointId) -> usize {
    let rules = snapshot.rules_of(endpoint);
    rules.filter(|it| it.state != RuleState::Revoking).count()
}

/// One for all associations counts once: it is one to who made it.
fn routes(snapshot: &Snapshot, endpoint: &EndpointId) -> usize {
    let routes = snapshot.routes_of(endpoint);
    let counted: BTreeSet<_> = routes
        .filter(|it| it.origin == RouteOrigin::AddRoute && it.state != RouteState::Deleting)
        .map(|it| (it.destination, (!it.for_all).then_some(&it.subnet_id)))
        .collect();
    counted.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testing::sample;

    #[test]
    fn what_is_used_is_counted_where_there_is_most_of_it() {
        let (snapshot, live) = sample::office();
        let view = View {
            snapshot: snapshot.into(),
            live: live.into(),
        };
        let corp = || "corp-staff".to_owned();
        assert_eq!(Limit::Endpoints.in_use(&view), (4, String::new()));
        assert_eq!(Limit::Connections.in_use(&view), (18, corp()));
        assert_eq!(Limit::Routes.in_use(&view), (1, corp()), "by hand only");
        assert_eq!(Limit::Revocations.in_use(&view).0, 0);
    }
}
