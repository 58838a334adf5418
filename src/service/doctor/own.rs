//! Checks of what the gateway and the configuration say of themselves.

use super::{Mend, Scene, good, is_private, problem, warning};
use crate::{
    model::{
        AssociationState, Certificate, CertificateArn, Cure, DnsLack, Endpoint, Finding, Nearness,
        Notice, NoticeSubject, Snapshot, Vpc, notices,
    },
    service::warnings,
};

/// `has_unit`: whether systemd knows the service.
pub(super) fn findings(scene: &Scene<'_>, has_unit: bool) -> Vec<Finding> {
    let mut found = vec![gateway(scene, has_unit)];
    found.extend(listeners(scene));
    found.extend(associations(scene));
    found.extend(certificates(scene));
    found.extend(name_servers(scene));
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

/// The certificates that endpoints show, and whatever of certificates and lists nears its end.
fn certificates(scene: &Scene<'_>) -> Vec<Finding> {
    let snapshot = &scene.view.snapshot;
    let notices = notices(snapshot, scene.now);
    let mut found: Vec<Finding> = notices.iter().map(|it| noticed(snapshot, it)).collect();
    let living = snapshot.endpoints.values().filter(|it| !it.deleting);
    let shown = living.filter_map(|endpoint| {
        let server = snapshot.certificates.get(&endpoint.server_certificate)?;
        shown(scene, endpoint, server)
    });
    found.extend(shown);
    found
}

fn noticed(snapshot: &Snapshot, notice: &Notice) -> Finding {
    let command = match (&notice.about, notice.cure) {
        (NoticeSubject::Certificate(arn), Cure::Renew) => {
            Some(format!("gatehouse pki renew --certificate-arn {arn}"))
        }
        _ => None,
    };
    let check = match &notice.about {
        NoticeSubject::Certificate(arn) if is_shown(snapshot, arn) => "server-certificate",
        NoticeSubject::Certificate(_) => "certificate",
        NoticeSubject::EndpointList(_) | NoticeSubject::AuthorityList(_) => "revocation-list",
    };
    let mend = Mend {
        sentence: notice.cure_sentence().to_owned(),
        commands: command,
    };
    super::bad(notice.severity, check, notice.sentence.clone(), mend)
}

fn is_shown(snapshot: &Snapshot, arn: &CertificateArn) -> bool {
    let mut endpoints = snapshot.endpoints.values();
    endpoints.any(|it| !it.deleting && it.server_certificate == *arn)
}

/// What is to be said of a certificate that is not near its end.
fn shown(scene: &Scene<'_>, endpoint: &Endpoint, server: &Certificate) -> Option<Finding> {
    let (check, title) = ("server-certificate", server.title());
    if scene.now < server.not_before {
        return Some(problem(
            check,
            format!(
                "The certificate {title} of {} is not valid before {}, and this machine's clock says {}.",
                endpoint.id, server.not_before, scene.now
            ),
            Mend::new("Set this machine's clock.").by(vec!["timedatectl set-ntp true".to_owned()]),
        ));
    }
    let is_near = Nearness::of(server.not_after, scene.now).is_some();
    (!is_near).then(|| {
        good(
            check,
            format!(
                "The certificate {title} of {} is valid until {}.",
                endpoint.id, server.not_after
            ),
        )
    })
}

/// DNS servers that endpoints give to clients which do not reach them.
fn name_servers(scene: &Scene<'_>) -> Vec<Finding> {
    let snapshot = &scene.view.snapshot;
    let check = "dns-server";
    let mut found = Vec::new();
    for endpoint in snapshot.endpoints.values() {
        for (server, lack) in snapshot.dns_lacks(endpoint, scene.now) {
            let sentence = format!("{}: {}", endpoint.id, warnings::unreached(server, lack));
            found.push(warning(check, sentence, mend(endpoint, lack)));
        }
    }
    let of_endpoints = |vpc: &&Vpc| {
        let mut endpoints = snapshot.endpoints.values();
        endpoints.any(|endpoint| !endpoint.deleting && endpoint.vpc_id.as_ref() == Some(&vpc.id))
    };
    let vpcs = snapshot.vpcs.values().filter(|vpc| vpc.dns_support);
    for vpc in vpcs.filter(of_endpoints) {
        let Some(address) = vpc.resolver().filter(|it| scene.own.contains(it)) else {
            continue;
        };
        found.push(warning(
            check,
            format!(
                "The DNS server {address} of the VPC {} is an address of this machine itself, which is closed to clients.",
                vpc.title()
            ),
            Mend::new("Give the machine another address, or let clients ask another DNS server."),
        ));
    }
    found
}

fn mend(endpoint: &Endpoint, lack: DnsLack) -> Mend {
    match lack {
        DnsLack::Route => Mend::new("Add a route to it to the endpoint."),
        DnsLack::Rule => Mend::new("Authorize clients to reach it."),
        DnsLack::Reach => Mend::new("Add a route to it to the route table of the VPC."),
        DnsLack::Support => {
            let vpc = endpoint.vpc_id.iter().map(|vpc| {
                format!(
                    "gatehouse ec2 modify-vpc-attribute --vpc-id {vpc} --enable-dns-support Value=true"
                )
            });
            Mend::new("Have the VPC's DNS server answer.").by(vpc)
        }
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
