//! The tab Authorization: who may reach what through an endpoint.

use egui::{Key, Ui};

use super::{copied, readiness};
use crate::{
    app::{
        context::Context,
        dialogs::authorize::Authorize,
        kit::{self, Column, Rows, Selection, column, icons, rest_column},
        screens::filter::tab_separated,
        shell::plural,
    },
    model::{
        Access, AuthorizationRule, Command, Endpoint, RuleState, Snapshot,
        command::{AuthorizeIngress, RevokeIngress},
    },
};

const COLUMNS: [Column<'static>; 4] = [
    column("Destination CIDR", 160.0).unsorted(),
    column("Grant access to", 140.0).unsorted(),
    column("State", 140.0).unsorted(),
    rest_column("Description").unsorted(),
];

/// What names a rule: its destination and whom it lets in.
type Key2 = (ipnet::Ipv4Net, Access);

#[derive(Default)]
pub(super) struct Tab {
    pub(super) selection: Selection<Key2>,
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

fn key(rule: &AuthorizationRule) -> Key2 {
    (rule.destination, rule.access.clone())
}

impl Tab {
    pub(super) fn ui(&mut self, cx: &mut Context<'_>, endpoint: &Endpoint, ui: &mut Ui) {
        let view = std::sync::Arc::clone(cx.view);
        let rules = rows(&view.snapshot, endpoint);
        self.selection
            .retain(|k| rules.iter().any(|r| key(r) == *k));
        if rules.is_empty() {
            readiness::checklist(cx, endpoint, ui);
            return;
        }
        let chosen: Vec<&AuthorizationRule> = rules
            .iter()
            .copied()
            .filter(|r| self.selection.contains(&key(r)) && r.state != RuleState::Revoking)
            .collect();
        let off = chosen.is_empty().then_some("Select a rule first");
        let words = match chosen.len() {
            0 | 1 => "Revoke ingress".to_owned(),
            n => format!("Revoke {n} rules"),
        };
        let mut revoke = !chosen.is_empty() && cx.key(ui, Key::Delete);
        kit::panel_toolbar(
            ui,
            |ui| {
                kit::weak(
                    ui,
                    &format!(
                        "{}. What no rule names is not reached",
                        plural(rules.len(), "rule", "rules")
                    ),
                );
            },
            |ui| {
                if kit::button("Authorize ingress")
                    .icon(icons::PLUS)
                    .clicked(ui)
                {
                    let dialog = Authorize::new(&cx.view.snapshot, endpoint.id.clone());
                    cx.open(dialog);
                }
                revoke |= kit::button(&words)
                    .quiet_danger()
                    .disabled_because(off)
                    .clicked(ui);
            },
        );
        kit::table("Authorization rules", &COLUMNS, &mut self.selection)
            .checkboxes()
            .comfortable(cx.prefs.comfortable)
            .show(ui, &mut Drawn { rules: &rules });
        if !self.selection.is_empty() && copied(cx, ui) {
            let rows = rules.iter().filter(|r| self.selection.contains(&key(r)));
            ui.ctx().copy_text(tab_separated(rows.map(|r| cells(r))));
        }
        if revoke {
            for rule in chosen {
                let done = format!("Rule for {} revoked", rule.destination);
                cx.run(revoking(rule), done, Some(authorizing(rule)));
            }
        }
    }
}

/// Its cells as text, for the clipboard.
fn cells(rule: &AuthorizationRule) -> Vec<String> {
    vec![
        rule.destination.to_string(),
        access(&rule.access).to_owned(),
        kit::state_word(rule.state.as_str()),
        rule.description.clone(),
    ]
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
            access(&rule.access),
            kit::state_word(rule.state.as_str())
        )
    }

    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let rule = self.rules[row];
        match column {
            0 => drop(kit::cell_mono(ui, &rule.destination.to_string())),
            1 => drop(kit::cell(ui, access(&rule.access))),
            2 => drop(kit::state(rule.state.as_str()).ui(ui)),
            _ => drop(kit::cell(ui, &rule.description)),
        }
    }
}

fn access(access: &Access) -> &str {
    match access {
        Access::AllUsers => "All users",
        Access::Group(sid) => sid.as_str(),
    }
}
