//! What was typed and chosen, and how it differs from the endpoint.

use crate::{
    app::{
        dialogs::{
            endpoint_fields::{filled, port_number},
            group_choice::GroupChoice,
        },
        nets,
    },
    model::{Endpoint, Snapshot, VpcId, command::ModifyClientVpnEndpoint},
};

/// The fields as they stand in the dialog.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) description: String,
    pub(super) server: Option<String>,
    pub(super) dns: [String; 2],
    pub(super) port: String,
    pub(super) split_tunnel: bool,
    pub(super) vpc: Option<VpcId>,
    pub(super) groups: GroupChoice,
}

impl Draft {
    pub(super) fn of(endpoint: &Endpoint) -> Self {
        let mut servers = endpoint.dns_servers.iter().map(ToString::to_string);
        let mut next = || servers.next().unwrap_or_default();
        Self {
            description: endpoint.description.clone(),
            server: Some(endpoint.server_certificate.to_string()),
            dns: [next(), next()],
            port: endpoint.port.to_string(),
            split_tunnel: endpoint.split_tunnel,
            vpc: endpoint.vpc_id.clone(),
            groups: GroupChoice::of(&endpoint.security_groups),
        }
    }

    /// Takes what is new of the endpoint where nothing else was typed.
    pub(super) fn follow(&mut self, seen: &Endpoint, now: &Endpoint) {
        let (before, after) = (Self::of(seen), Self::of(now));
        take(
            &mut self.description,
            &before.description,
            after.description,
        );
        take(&mut self.server, &before.server, after.server);
        take(&mut self.dns, &before.dns, after.dns);
        take(&mut self.port, &before.port, after.port);
        take(
            &mut self.split_tunnel,
            &before.split_tunnel,
            after.split_tunnel,
        );
        // Groups are of a VPC: one follows with the other or not at all.
        let own = (&self.vpc, &self.groups.chosen);
        if own == (&before.vpc, &before.groups.chosen) {
            (self.vpc, self.groups) = (after.vpc, after.groups);
        }
    }

    /// What differs from `seen`, and nothing else.
    pub(super) fn command(&self, seen: &Endpoint, seq: Option<u64>) -> ModifyClientVpnEndpoint {
        let before = Self::of(seen);
        let text = self.description.trim();
        let port = port_number(&self.port);
        let servers = filled(&self.dns);
        let is_other_vpc = self.vpc != seen.vpc_id;
        let are_other_groups = self.groups.chosen != seen.security_groups;
        let networks = self
            .vpc
            .as_ref()
            .filter(|_| is_other_vpc || are_other_groups);
        ModifyClientVpnEndpoint {
            client_vpn_endpoint_id: seen.id.to_string(),
            description: (text != before.description).then(|| text.to_owned()),
            server_certificate_arn: self.server.clone().filter(|_| self.server != before.server),
            dns_servers: (servers != filled(&before.dns)).then_some(servers),
            vpn_port: port.filter(|port| *port != seen.port),
            split_tunnel: (self.split_tunnel != seen.split_tunnel).then_some(self.split_tunnel),
            vpc_id: networks.map(ToString::to_string),
            security_group_ids: networks.map(|_| self.groups.ids()),
            seen_seq: seq,
            ..ModifyClientVpnEndpoint::default()
        }
    }
}

fn take<T: PartialEq>(own: &mut T, before: &T, after: T) {
    if own == before {
        *own = after;
    }
}

/// Whether it would change nothing.
pub(super) fn is_empty(fields: &ModifyClientVpnEndpoint) -> bool {
    let nothing = ModifyClientVpnEndpoint {
        client_vpn_endpoint_id: fields.client_vpn_endpoint_id.clone(),
        seen_seq: fields.seen_seq,
        ..ModifyClientVpnEndpoint::default()
    };
    *fields == nothing
}

/// What became another between two looks at an endpoint, each in words.
pub(super) fn differences(snapshot: &Snapshot, seen: &Endpoint, now: &Endpoint) -> Vec<String> {
    let mut said = Vec::new();
    let mut note = |what: &str, before: String, after: String| {
        if before != after {
            let or_none = |text: String| match text.is_empty() {
                true => "none".to_owned(),
                false => text,
            };
            let (before, after) = (or_none(before), or_none(after));
            said.push(format!("{what} was {before} and is {after}"));
        }
    };
    note("The name", seen.title().into(), now.title().into());
    note(
        "The description",
        seen.description.clone(),
        now.description.clone(),
    );
    let certificate = |endpoint: &Endpoint| {
        let arn = &endpoint.server_certificate;
        let known = snapshot.certificates.get(arn);
        known.map_or_else(|| arn.to_string(), |it| it.title().to_owned())
    };
    note(
        "The server certificate",
        certificate(seen),
        certificate(now),
    );
    note("The port", seen.port.to_string(), now.port.to_string());
    note(
        "The DNS servers",
        nets::joined(&seen.dns_servers),
        nets::joined(&now.dns_servers),
    );
    let tunnel = |endpoint: &Endpoint| match endpoint.split_tunnel {
        true => "on".to_owned(),
        false => "off".to_owned(),
    };
    note("Split tunnel", tunnel(seen), tunnel(now));
    let vpc = |endpoint: &Endpoint| {
        let id = endpoint.vpc_id.as_ref();
        id.map_or_else(String::new, |id| {
            let known = snapshot.vpcs.get(id);
            known.map_or(id.as_str(), |vpc| vpc.title()).to_owned()
        })
    };
    note("The VPC", vpc(seen), vpc(now));
    let groups = |endpoint: &Endpoint| nets::groups(snapshot, &endpoint.security_groups);
    note("The security groups", groups(seen), groups(now));
    let log = |endpoint: &Endpoint| match &endpoint.connection_log {
        Some(log) => log.group.clone(),
        None => String::new(),
    };
    note("The connection log", log(seen), log(now));
    if said.is_empty() && seen != now {
        said.push("Its tags or its state are others".to_owned());
    }
    said
}
