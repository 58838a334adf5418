//! How many there may be of what, and how to raise that.

use std::collections::BTreeSet;

use super::{
    change::{Change, Machine},
    fields::invalid,
};
use crate::model::{
    AuthorizationRule, EndpointId, Refusal, Route, RouteOrigin, RouteState, RuleState, Settings,
    Snapshot, command::ModifySettings, settings::most,
};

/// A limit that an administrator can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    Endpoints,
    Rules,
    Routes,
    Connections,
    Revocations,
}

impl Limit {
    const ALL: [Self; 5] = [
        Self::Endpoints,
        Self::Rules,
        Self::Routes,
        Self::Connections,
        Self::Revocations,
    ];

    /// Its name among the settings.
    fn field(self) -> &'static str {
        match self {
            Self::Endpoints => "MaxEndpoints",
            Self::Rules => "MaxAuthorizationRules",
            Self::Routes => "MaxRoutes",
            Self::Connections => "MaxConnections",
            Self::Revocations => "MaxRevocations",
        }
    }

    /// Its name on the command line.
    fn word(self) -> &'static str {
        match self {
            Self::Endpoints => "max-endpoints",
            Self::Rules => "max-authorization-rules",
            Self::Routes => "max-routes",
            Self::Connections => "max-connections",
            Self::Revocations => "max-revocations",
        }
    }

    /// What it counts, as a sentence begins.
    fn what(self) -> &'static str {
        match self {
            Self::Endpoints => "endpoints of the installation",
            Self::Rules => "authorization rules of one endpoint",
            Self::Routes => "routes of one endpoint that are added by hand",
            Self::Connections => "live connections of one endpoint",
            Self::Revocations => "entries of a revocation list",
        }
    }

    /// The most it can be raised to.
    fn most(self) -> u32 {
        match self {
            Self::Endpoints => most::ENDPOINTS,
            Self::Rules => most::RULES,
            Self::Routes => most::ROUTES,
            Self::Connections => most::CONNECTIONS,
            Self::Revocations => most::REVOCATIONS,
        }
    }

    fn asked(self, command: &ModifySettings) -> Option<u32> {
        match self {
            Self::Endpoints => command.max_endpoints,
            Self::Rules => command.max_rules,
            Self::Routes => command.max_routes,
            Self::Connections => command.max_connections,
            Self::Revocations => command.max_revocations,
        }
    }

    fn of(self, settings: &mut Settings) -> &mut u32 {
        match self {
            Self::Endpoints => &mut settings.max_endpoints,
            Self::Rules => &mut settings.max_rules,
            Self::Routes => &mut settings.max_routes,
            Self::Connections => &mut settings.max_connections,
            Self::Revocations => &mut settings.max_revocations,
        }
    }

    /// What to do about it, for the end of a sentence that says that it is reached at `now`.
    pub(super) fn how_to_raise(self, now: u32) -> String {
        let (field, word, most) = (self.field(), self.word(), self.most());
        if now >= most {
            return format!("{field} is {now}, the most there can be");
        }
        let next = now.saturating_mul(2).min(most);
        format!("raise {field} in Settings: gatehouse settings set {word} {next}")
    }

    /// How many there are now of what it counts.
    fn in_use(self, snapshot: &Snapshot, machine: &Machine) -> usize {
        let endpoints = || snapshot.endpoints.values().filter(|it| !it.deleting);
        match self {
            Self::Endpoints => endpoints().count(),
            Self::Rules => {
                let counts = endpoints().map(|it| rules(snapshot, &it.id));
                counts.max().unwrap_or(0)
            }
            Self::Routes => {
                let counts = endpoints().map(|it| routes(snapshot, &it.id));
                counts.max().unwrap_or(0)
            }
            Self::Connections => machine.most_connections(),
            Self::Revocations => {
                let lists = snapshot.revocation_lists.values();
                let lists = lists.chain(snapshot.authority_lists.values());
                lists.map(|it| it.entries as usize).max().unwrap_or(0)
            }
        }
    }
}

impl Change<'_, '_> {
    /// The settings with the limits that the command names.
    pub(super) fn modify_limits(
        &self,
        command: &ModifySettings,
        settings: &mut Settings,
    ) -> Result<(), Refusal> {
        for limit in Limit::ALL {
            let Some(asked) = limit.asked(command) else {
                continue;
            };
            let (what, most) = (limit.what(), limit.most());
            if !(1..=most).contains(&asked) {
                let cure = asked.clamp(1, most).to_string();
                return Err(invalid(
                    limit.field(),
                    format!("The {what} may be 1 to {most}, for example {cure}"),
                )
                .cure(cure));
            }
            let in_use = limit.in_use(&self.snapshot, &self.machine);
            if (asked as usize) < in_use {
                return Err(invalid(
                    limit.field(),
                    format!(
                        "There are {in_use} {what} now, so the limit cannot be {asked}; take {in_use} or more, or remove some first"
                    ),
                )
                .cure(in_use.to_string()));
            }
            *limit.of(settings) = asked;
        }
        Ok(())
    }
}

/// How many authorization rules an endpoint has, without those that are going.
pub(super) fn rules(snapshot: &Snapshot, endpoint: &EndpointId) -> usize {
    let stays = |rule: &&AuthorizationRule| rule.state != RuleState::Revoking;
    snapshot.rules_of(endpoint).filter(stays).count()
}

/// How many routes an endpoint has that were added by hand, without those that are going. One for
/// all associations counts once: it is one to who made it.
pub(super) fn routes(snapshot: &Snapshot, endpoint: &EndpointId) -> usize {
    let by_hand = |route: &&Route| {
        route.origin == RouteOrigin::AddRoute && route.state != RouteState::Deleting
    };
    let routes = snapshot.routes_of(endpoint).filter(by_hand);
    let counted: BTreeSet<_> = routes
        .map(|it| (it.destination, (!it.for_all).then_some(&it.subnet_id)))
        .collect();
    counted.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_is_reached_says_how_to_raise_it() {
        assert_eq!(
            Limit::Endpoints.how_to_raise(5),
            "raise MaxEndpoints in Settings: gatehouse settings set max-endpoints 10"
        );
        assert!(Limit::Endpoints.how_to_raise(600).ends_with(" 1000"));
        let most = Limit::Endpoints.how_to_raise(1_000);
        assert_eq!(most, "MaxEndpoints is 1000, the most there can be");
    }
}
