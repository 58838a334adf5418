//! The tab Authorization: who may reach what through an endpoint.

use egui::Ui;
use jiff::{Timestamp, tz::TimeZone};

use super::readiness;
use crate::{
    app::{
        context::Context,
        dialogs::{
            authorize::Authorize,
            confirm::{Change, Confirm},
        },
        format,
        kit::{self, Column, Rows, Selection, column, rest_column},
        screens::{
            filter,
            listing::{self, Asked, Cells, Filter, Listing},
        },
        shell::plural,
    },
    model::{
        Access, AuthorizationRule, Command, Endpoint, RuleState, Snapshot,
        command::{AuthorizeIngress, RevokeIngress},
    },
};

const COLUMNS: [Column<'static>; 6] = [
    column("Destination CIDR", 150.0).unsorted(),
    column("Grant access to", 170.0).unsorted(),
    column("Traffic", 120.0).unsorted(),
    column("State", 116.0).unsorted(),
    column("Valid until", 150.0).unsorted(),
    rest_column("Description").unsorted(),
];

/// What names a rule: its destination and whom it lets in.
type Key2 = (ipnet::Ipv4Net, Access);

#[derive(Default)]
pub(super) struct Tab {
    pub(super) selection: Selection<Key2>,
    pub(super) filter: String,
}

/// The rules, widest network first.
pub(super) fn rows<'a>(
    snapshot: &'a Snapshot,
    endpoint: &'a Endpoint,
) -> Vec<&'a AuthorizationRule> {
    let mut rules: Vec<&AuthorizationRule> = snapshot.rules_of(&endpoint.id).collect();
    rules.sort_by_key(|r| (r.destination.prefix_len(), r.destination, r.access.clone()));
    rules
}

fn passes(words: &str, rule: &AuthorizationRule, snapshot: &Snapshot, now: Timestamp) -> bool {
    filter::passes(
        words,
        &[
            ("destination", &rule.destination.to_string()),
            ("access", &access(snapshot, &rule.access)),
            ("traffic", &traffic(rule)),
            ("state", rule.status(now)),
            ("description", &rule.description),
        ],
    )
}

fn key(rule: &AuthorizationRule) -> Key2 {
    (rule.destination, rule.access.clone())
}

impl Tab {
    pub(super) fn ui(
        &mut self,
        cx: &mut Context<'_>,
        endpoint: &Endpoint,
        focus_filter: bool,
        ui: &mut Ui,
    ) {
        let view = std::sync::Arc::clone(cx.view);
        let mut rules = rows(&view.snapshot, endpoint);
        if rules.is_empty() {
            readiness::checklist(cx, endpoint, ui);
            return;
        }
        let all = plural(rules.len(), "rule", "rules");
        listing::forget_gone(&rules, &mut self.selection, |r| key(r));
        rules.retain(|rule| passes(&self.filter, rule, &view.snapshot, cx.now));
        let selected = listing::chosen_of(&rules, &self.selection, |r| key(r));
        let hidden = self.selection.len() - selected.len();
        let is_filtered = !self.filter.is_empty();
        let said = listing::said(all, is_filtered, [rules.len(), hidden]);
        let chosen: Vec<&AuthorizationRule> = selected
            .into_iter()
            .copied()
            .filter(|rule| rule.state != RuleState::Revoking)
            .collect();
        let nothing = chosen.is_empty();
        let listing = Listing {
            name: "Authorization rules",
            columns: &COLUMNS,
            create: "Authorize ingress",
            remove: &listing::remove_words(chosen.len(), "Revoke ingress", "Revoke", "rules"),
            off: nothing.then(|| "Select a rule first".to_owned()),
            filter: Some(Filter {
                text: &mut self.filter,
                label: "Filter rules",
                nothing: "No rule passes the filter",
                focus: focus_filter,
            }),
        };
        let mut drawn = Drawn {
            rules: &rules,
            snapshot: &view.snapshot,
            now: cx.now,
            zone: cx.zone,
        };
        let asked = listing.show(cx, ui, &mut self.selection, &mut drawn, |ui| {
            kit::weak(ui, &format!("{said}. What no rule names is not reached"));
        });
        match asked {
            Some(Asked::Create) => {
                let dialog = Authorize::new(&cx.view.snapshot, endpoint.id.clone());
                cx.open(dialog);
            }
            Some(Asked::Remove) => revoke(cx, &chosen),
            None => {}
        }
    }
}

/// Asks first: what a rule let in is shut at once, also for those connected.
fn revoke(cx: &mut Context<'_>, rules: &[&AuthorizationRule]) {
    let change = |rule: &&AuthorizationRule| {
        let who = access(&cx.view.snapshot, &rule.access);
        let done = format!("Rule for {} revoked", rule.destination);
        // One that is over would not be taken again.
        let undo = (!rule.limits.is_expired(cx.now)).then(|| authorizing(rule));
        let label = format!("{}, {who}", rule.destination);
        Change::new(label, revoking(rule), done).undo(undo)
    };
    let changes: Vec<Change> = rules.iter().map(change).collect();
    let title = match rules {
        [rule] => {
            let who = access(&cx.view.snapshot, &rule.access);
            format!("Revoke {} for {}?", rule.destination, in_sentence(&who))
        }
        rules => format!("Revoke {} rules?", rules.len()),
    };
    let act = listing::remove_words(rules.len(), "Revoke ingress", "Revoke", "rules");
    cx.open(Confirm::each(title, act, changes).previewed());
}

/// `all users`, or a group by its name.
fn in_sentence(who: &str) -> &str {
    match who {
        ALL => "all users",
        group => group,
    }
}

/// Takes a rule back.
fn revoking(rule: &AuthorizationRule) -> Command {
    Command::RevokeClientVpnIngress(RevokeIngress {
        client_vpn_endpoint_id: rule.endpoint_id.to_string(),
        target_network_cidr: rule.destination.to_string(),
        revoke_all_groups: rule.access == Access::AllUsers,
        access_group_id: rule.access.group().map(ToString::to_string),
    })
}

/// Brings a rule back as it was.
fn authorizing(rule: &AuthorizationRule) -> Command {
    Command::AuthorizeClientVpnIngress(AuthorizeIngress {
        client_vpn_endpoint_id: rule.endpoint_id.to_string(),
        target_network_cidr: rule.destination.to_string(),
        authorize_all_groups: rule.access == Access::AllUsers,
        access_group_id: rule.access.group().map(ToString::to_string),
        description: rule.description.clone(),
        protocol: rule.limits.protocol.map(|it| it.to_string()),
        from_port: rule.limits.ports.map(|ports| ports.from),
        to_port: rule.limits.ports.map(|ports| ports.to),
        expires_at: rule.limits.expires_at.map(|end| end.to_string()),
    })
}

struct Drawn<'a> {
    rules: &'a [&'a AuthorizationRule],
    snapshot: &'a Snapshot,
    now: Timestamp,
    zone: &'a TimeZone,
}

impl Drawn<'_> {
    fn until(&self, rule: &AuthorizationRule) -> String {
        let end = rule.limits.expires_at;
        end.map_or_else(String::new, |end| format::moment(end, self.now, self.zone))
    }
}

impl Cells for Drawn<'_> {
    fn cells(&self, row: usize) -> Vec<String> {
        let rule = self.rules[row];
        vec![
            rule.destination.to_string(),
            access(self.snapshot, &rule.access),
            traffic(rule),
            kit::state_word(rule.status(self.now)),
            // Elsewhere nobody knows this machine's time zone.
            rule.limits.expires_at.map(format::utc).unwrap_or_default(),
            rule.description.clone(),
        ]
    }
}

impl Rows for Drawn<'_> {
    type Key = Key2;

    fn len(&self) -> usize {
        self.rules.len()
    }

    fn key(&self, row: usize) -> Key2 {
        key(self.rules[row])
    }

    fn name(&self, row: usize) -> String {
        let rule = self.rules[row];
        format!(
            "{}, {}, {}",
            rule.destination,
            access(self.snapshot, &rule.access),
            kit::state_word(rule.status(self.now))
        )
    }

    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let rule = self.rules[row];
        match column {
            0 => drop(kit::cell_mono(ui, &rule.destination.to_string())),
            1 => {
                let said = kit::cell(ui, &access(self.snapshot, &rule.access));
                if let Access::Group(sid) = &rule.access {
                    said.on_hover_text(sid.as_str());
                }
            }
            2 => drop(kit::cell(ui, &traffic(rule))),
            3 => drop(kit::state(rule.status(self.now)).ui(ui)),
            4 => match rule.limits.expires_at {
                None => drop(kit::cell_weak(ui, "–")),
                Some(end) => {
                    kit::cell(ui, &self.until(rule)).on_hover_text(format::utc(end));
                }
            },
            _ => drop(kit::cell(ui, &rule.description)),
        }
    }
}

const ALL: &str = "All users";

/// Whom a rule lets in, by name.
pub(super) fn access(snapshot: &Snapshot, access: &Access) -> String {
    match access {
        Access::AllUsers => ALL.to_owned(),
        Access::Group(sid) => match snapshot.groups.get(sid) {
            Some(group) => group.name.clone(),
            None => sid.to_string(),
        },
    }
}

/// `All traffic`, `TCP 443`.
fn traffic(rule: &AuthorizationRule) -> String {
    match rule.limits.protocol {
        None => "All traffic".to_owned(),
        Some(_) => rule.limits.traffic().to_uppercase(),
    }
}
