//! What is there already, read from the view: the guide keeps no progress of its own, so a
//! restart, or work done elsewhere, is seen.

use std::sync::Arc;

use jiff::Timestamp;

use crate::model::{
    Association, AssociationState, AuthorizationRule, Certificate, CertificateArn, CertificateUse,
    Connection, ConnectionState, Endpoint, RouteState, RuleState, Snapshot, Subnet, View, Vpc, net,
};

/// How many steps there are.
pub(super) const STEPS: usize = 6;

/// What the guide is about: one endpoint and what it needs.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    /// The server certificate: the endpoint's, or the one it would get.
    pub(super) server: Option<Arc<Certificate>>,
    /// What clients must chain to: an authority, or the server's own certificate.
    pub(super) root: Option<Arc<Certificate>>,
    /// The oldest endpoint.
    pub(super) endpoint: Option<Endpoint>,
    /// Its first target network.
    pub(super) association: Option<Association>,
    /// The subnet of that.
    pub(super) subnet: Option<Subnet>,
    /// The VPC of that.
    pub(super) vpc: Option<Vpc>,
    /// Its authorization rules.
    pub(super) rules: Vec<AuthorizationRule>,
    /// Whether a route leads everywhere and a rule lets clients go there.
    pub(super) internet: bool,
    /// The newest client certificate that it would let in and that can be handed out.
    pub(super) client: Option<Arc<Certificate>>,
    /// Its newest connection, an active one before one that ended.
    pub(super) connection: Option<Connection>,
}

impl Facts {
    /// Reads the view.
    pub(super) fn of(view: &View, now: Timestamp) -> Self {
        let snapshot = &view.snapshot;
        let endpoint = snapshot
            .endpoints
            .values()
            .filter(|endpoint| !endpoint.deleting)
            // Of two that were made in one second, one that is associated already.
            .min_by_key(|it| {
                (
                    it.created_at,
                    snapshot.associations_of(&it.id).next().is_none(),
                )
            })
            .cloned();
        let stored = |arn: &CertificateArn| snapshot.certificates.get(arn).cloned();
        let server = match &endpoint {
            Some(endpoint) => stored(&endpoint.server_certificate),
            None => usable_server(snapshot, now),
        };
        let root = match &endpoint {
            Some(endpoint) => endpoint.client_root_certificate().and_then(stored),
            None => server
                .as_ref()
                .and_then(|server| root_for(snapshot, server)),
        };
        let client = root
            .as_ref()
            .and_then(|root| newest_client(snapshot, root, now));
        let mut facts = Self {
            server,
            root,
            client,
            ..Self::default()
        };
        if let Some(endpoint) = endpoint {
            facts.take_endpoint(view, endpoint);
        }
        facts
    }

    fn take_endpoint(&mut self, view: &View, endpoint: Endpoint) {
        let snapshot = &view.snapshot;
        self.association = snapshot
            .associations_of(&endpoint.id)
            .find(|a| a.state != AssociationState::Disassociating)
            .cloned();
        let subnet = self.association.as_ref().map(|a| &a.subnet_id);
        self.subnet = subnet.and_then(|id| snapshot.subnets.get(id)).cloned();
        let vpc = endpoint.vpc_id.as_ref();
        self.vpc = vpc.and_then(|id| snapshot.vpcs.get(id)).cloned();
        self.rules = snapshot
            .rules_of(&endpoint.id)
            .filter(|rule| rule.state != RuleState::Revoking)
            .cloned()
            .collect();
        let everywhere = net::everywhere();
        self.internet = self.rules.iter().any(|rule| rule.destination == everywhere)
            && snapshot.routes_of(&endpoint.id).any(|route| {
                route.destination == everywhere && route.state != RouteState::Deleting
            });
        // Thousands may be connected, and the first active one is soon found.
        let own = |c: &&Connection| c.endpoint_id == endpoint.id;
        let mut active = view.live.connections.iter().filter(own);
        self.connection = active
            .find(|c| c.state == ConnectionState::Active)
            .or_else(|| view.live.connections.iter().find(own))
            .cloned();
        self.endpoint = Some(endpoint);
    }

    /// Whether a step, counted from 0, has been done; the one to the internet may be left out.
    pub(super) fn is_done(&self, step: usize) -> bool {
        match step {
            0 => self.server.is_some() && self.root.is_some(),
            1 => self.endpoint.is_some(),
            2 => self.association.is_some(),
            3 => !self.rules.is_empty(),
            4 => self.internet,
            _ => self.connection.is_some(),
        }
    }

    /// The first step that is still to be done. Who has a client certificate has passed the
    /// optional one.
    pub(super) fn next(&self, left_out: bool) -> usize {
        let passed = left_out || self.client.is_some() || self.connection.is_some();
        (0..STEPS)
            .find(|&step| !(self.is_done(step) || step == 4 && passed))
            .unwrap_or(STEPS - 1)
    }
}

/// A server certificate that an endpoint can show: the newest with its key that still holds.
fn usable_server(snapshot: &Snapshot, now: Timestamp) -> Option<Arc<Certificate>> {
    snapshot
        .certificates
        .values()
        .filter(|c| c.usage == CertificateUse::Server && c.has_private_key && c.not_after > now)
        .max_by_key(|c| c.created_at)
        .cloned()
}

/// What clients must chain to, next to this server certificate.
fn root_for(snapshot: &Snapshot, server: &Arc<Certificate>) -> Option<Arc<Certificate>> {
    let signer = server
        .issued_by
        .as_ref()
        .and_then(|arn| snapshot.certificates.get(arn));
    if let Some(signer) = signer {
        return Some(Arc::clone(signer));
    }
    let mut authorities = snapshot.certificates.values();
    let authority = authorities.find(|c| c.usage == CertificateUse::Authority);
    match authority {
        Some(authority) => Some(Arc::clone(authority)),
        // Its chain names the authority, which is enough, as in AWS.
        None => (!server.chain_pem.trim().is_empty()).then(|| Arc::clone(server)),
    }
}

fn newest_client(
    snapshot: &Snapshot,
    root: &Certificate,
    now: Timestamp,
) -> Option<Arc<Certificate>> {
    clients(snapshot, root, now)
        .max_by_key(|c| c.created_at)
        .cloned()
}

/// The client certificates of the store that were signed by what clients must chain to.
pub(super) fn clients<'s>(
    snapshot: &'s Snapshot,
    root: &'s Certificate,
    now: Timestamp,
) -> impl Iterator<Item = &'s Arc<Certificate>> {
    let signers = [Some(&root.arn), root.issued_by.as_ref()];
    snapshot.certificates.values().filter(move |c| {
        c.usage == CertificateUse::Client
            && c.has_private_key
            && c.revoked.is_none()
            && c.not_after > now
            && c.issued_by.is_some()
            && signers.contains(&c.issued_by.as_ref())
    })
}
