//! Checks of what the gateway and the configuration say of themselves.

use super::{Mend, Scene, good, is_private, problem, warning};
use crate::model::{AssociationState, Certificate, Endpoint, Finding};

/// `has_unit`: whether systemd knows the service.
pub(super) fn findings(scene: &Scene<'_>, has_unit: bool) -> Vec<Finding> {
    let mut found = vec![gateway(scene, has_unit)];
    found.extend(listeners(scene));
    found.extend(associations(scene));
    found.extend(certificates(scene));
    found.push(public_address(scene));
    found
}

fn gateway(scene: &Scene<'_>, has_unit: bool) -> Finding {
    let start = if has_unit {
        "systemctl start gatehouse"
    } else {
        "gatehouse serve"
    };
    let gateway = &scene.view.live.gateway;
    match gateway.mode {
        Some(_) => good(
            "gateway",
            format!("The gateway runs. {}", gateway.mode_reason),
        ),
        None => problem(
            "gateway",
            "No gateway runs on this data directory, so no client can connect.",
            Mend::new("Start it.").by(vec![start.to_owned()]),
        ),
    }
}

fn listeners(scene: &Scene<'_>) -> Vec<Finding> {
    let listeners = &scene.view.live.gateway.listeners;
    let found = listeners.iter().map(|listener| {
        let (transport, port) = (listener.transport, listener.port);
        match &listener.trouble {
            None => good(
                "listener",
                format!("{} listens on {transport} port {port}.", listener.endpoint_id),
            ),
            Some(trouble) => problem(
                "listener",
                format!("{} does not listen: {trouble}", listener.endpoint_id),
                Mend::new("Stop what holds the port, which this shows, or create the endpoint with another one.")
                    .by(vec![format!(
                        "ss --listening --numeric --processes --{transport} 'sport = :{port}'"
                    )]),
            ),
        }
    });
    found.collect()
}

fn associations(scene: &Scene<'_>) -> Vec<Finding> {
    let associations = scene.view.snapshot.associations.values();
    let failed = associations.filter_map(|association| match &association.state {
        AssociationState::Failed { reason } => Some(problem(
            "target-network",
            format!(
                "{} of {} fails: {reason}",
                association.id, association.endpoint_id
            ),
            Mend::new("Mend what the reason names; the gateway tries again by itself."),
        )),
        _ => None,
    });
    failed.collect()
}

/// The certificates of endpoints that clients connect to.
fn certificates(scene: &Scene<'_>) -> Vec<Finding> {
    let snapshot = &scene.view.snapshot;
    let living = snapshot
        .endpoints
        .values()
        .filter(|endpoint| !endpoint.deleting);
    let check = |endpoint: &Endpoint| {
        let server = snapshot.certificates.get(&endpoint.server_certificate)?;
        Some(certificate(scene, endpoint, server))
    };
    living.filter_map(check).collect()
}

fn certificate(scene: &Scene<'_>, endpoint: &Endpoint, server: &Certificate) -> Finding {
    let (check, title) = ("server-certificate", server.title());
    let renew =
        || Mend::new("Issue or import a new server certificate and create the endpoint with it.");
    let left = server.not_after.duration_since(scene.now).as_secs() / DAY;
    if scene.now < server.not_before {
        problem(
            check,
            format!(
                "The certificate {title} of {} is not valid before {}, and this machine's clock says {}.",
                endpoint.id, server.not_before, scene.now
            ),
            Mend::new("Set this machine's clock.").by(vec!["timedatectl set-ntp true".to_owned()]),
        )
    } else if server.not_after <= scene.now {
        problem(
            check,
            format!(
                "The certificate {title} of {} expired at {}, so clients refuse it.",
                endpoint.id, server.not_after
            ),
            renew(),
        )
    } else if left < SOON {
        warning(
            check,
            format!(
                "The certificate {title} of {} expires at {}, in {left} days.",
                endpoint.id, server.not_after
            ),
            renew(),
        )
    } else {
        good(
            check,
            format!(
                "The certificate {title} of {} is valid until {}.",
                endpoint.id, server.not_after
            ),
        )
    }
}

fn public_address(scene: &Scene<'_>) -> Finding {
    let (check, host) = ("public-address", &scene.public_address);
    match host.parse() {
        Ok(address) if is_private(address) => warning(
            check,
            format!("Exported configurations name {host}, which only clients of the same network reach."),
            Mend::new("Name the host by which clients reach this machine from outside, for example vpn.example.com.")
                .by(vec!["gatehouse settings set public-address vpn.example.com".to_owned()]),
        ),
        _ => good(check, format!("Exported configurations name {host}.")),
    }
}

const DAY: i64 = 86_400;
/// Days before its end from which on a certificate is spoken of.
const SOON: i64 = 30;
