//! The tab Summary: what an endpoint is, and what it still lacks.

use std::net::Ipv4Addr;

use egui::{Frame, Margin, ScrollArea, Ui};

use super::{list, readiness};
use crate::{
    app::{
        context::{Action, Context},
        dialogs::{authorize::Authorize, create_route::CreateRoute, revocation},
        format,
        kit::{self, Tone, Value},
        nets,
    },
    model::{CertificateArn, Command, DnsLack, Endpoint, command::ModifyVpcAttribute},
};

pub(super) fn ui(cx: &mut Context<'_>, endpoint: &Endpoint, ui: &mut Ui) {
    ScrollArea::vertical()
        .auto_shrink(false)
        .id_salt("summary")
        .show(ui, |ui| {
            if !readiness::is_ready(&cx.view.snapshot, endpoint) {
                readiness::checklist(cx, endpoint, ui);
            }
            name_servers(cx, endpoint, ui);
            Frame::new()
                .inner_margin(Margin::symmetric(20, 12))
                .show(ui, |ui| facts(cx, endpoint, ui));
        });
}

/// The DNS servers that clients do not reach, each with what would mend it.
fn name_servers(cx: &mut Context<'_>, endpoint: &Endpoint, ui: &mut Ui) {
    for (server, lack) in cx.view.snapshot.dns_lacks(endpoint, cx.now) {
        let title = format!(
            "Clients do not reach their DNS server {server}: {}",
            lack.words()
        );
        let pressed = Frame::new()
            .inner_margin(Margin::symmetric(20, 6))
            .show(ui, |ui| {
                kit::banner(Tone::Warning, &title)
                    .action(cure_words(lack))
                    .ui(ui)
            });
        if pressed.inner {
            cure(cx, endpoint, server, lack);
        }
    }
}

const fn cure_words(lack: DnsLack) -> &'static str {
    match lack {
        DnsLack::Route => "Create Route…",
        DnsLack::Rule => "Authorize ingress…",
        DnsLack::Reach => "Show route tables",
        DnsLack::Support => "Switch it on",
    }
}

fn cure(cx: &mut Context<'_>, endpoint: &Endpoint, server: Ipv4Addr, lack: DnsLack) {
    let snapshot = &cx.view.snapshot;
    let (id, vpc) = (endpoint.id.clone(), endpoint.vpc_id.as_ref());
    let host = format!("{server}/32");
    match (lack, vpc) {
        (DnsLack::Route, _) => {
            let dialog = CreateRoute::new(snapshot, id).to(&host);
            cx.open(dialog);
        }
        (DnsLack::Rule, _) => {
            let dialog = Authorize::new(snapshot, id).to(&host);
            cx.open(dialog);
        }
        (DnsLack::Reach, Some(vpc)) => cx.ask(Action::ShowRouteTables(vpc.clone())),
        (DnsLack::Support, Some(vpc)) => {
            let set = |enable| {
                Command::ModifyVpcAttribute(ModifyVpcAttribute {
                    vpc_id: vpc.to_string(),
                    enable_dns_support: Some(enable),
                })
            };
            let done = format!("DNS is answered at {server}");
            cx.run(set(true), done, Some(set(false)));
        }
        (DnsLack::Reach | DnsLack::Support, None) => {}
    }
}

fn facts(cx: &Context<'_>, endpoint: &Endpoint, ui: &mut Ui) {
    let snapshot = &cx.view.snapshot;
    let named = |arn: Option<&CertificateArn>| {
        arn.and_then(|arn| snapshot.certificates.get(arn))
            .map(|c| {
                format!(
                    "{}, expires {}",
                    c.title(),
                    format::day(c.not_after, cx.zone)
                )
            })
            .unwrap_or_default()
    };
    let server = named(Some(&endpoint.server_certificate));
    let authority = named(endpoint.client_root_certificate());
    let dns: Vec<String> = endpoint
        .dns_servers
        .iter()
        .map(ToString::to_string)
        .collect();
    let dns = dns.join(", ");
    let vpc = endpoint
        .vpc_id
        .as_ref()
        .map(|id| snapshot.vpcs.get(id).map_or(id.as_str(), |vpc| vpc.title()))
        .unwrap_or_default();
    let host = nets::dns_name(snapshot, &endpoint.id);
    let list = snapshot.revocation_lists.get(&endpoint.id);
    let list = list.map_or_else(
        || "None: no client certificate is revoked".to_owned(),
        |list| revocation::in_a_line(cx, list),
    );
    let log = endpoint.connection_log.as_ref();
    let log = log.map_or_else(
        || "Not kept".to_owned(),
        |log| format!("{}, stream {}", log.group, log.stream),
    );
    let created = format::moment(endpoint.created_at, cx.now, cx.zone);
    let cidr = endpoint.client_cidr.to_string();
    let transport = list::transport(endpoint);
    let authentication = list::authentication(endpoint);
    kit::key_values(
        ui,
        &[
            ("Endpoint ID", Value::Mono(endpoint.id.as_str())),
            (
                "State",
                Value::State(snapshot.endpoint_state(endpoint).as_str()),
            ),
            ("Description", Value::Text(&endpoint.description)),
            ("DNS name", Value::Mono(&host)),
            ("Client CIDR", Value::Mono(&cidr)),
            ("Transport and port", Value::Text(&transport)),
            (
                "Tunnel",
                Value::Text(if endpoint.split_tunnel {
                    "Split: only its routes"
                } else {
                    "Full: all traffic"
                }),
            ),
            ("Authentication", Value::Text(&authentication)),
            ("Server certificate", Value::Text(&server)),
            ("Client authority", Value::Text(&authority)),
            ("Revocation list", Value::Text(&list)),
            ("DNS servers", Value::Mono(&dns)),
            ("Connection log", Value::Text(&log)),
            ("VPC", Value::Text(vpc)),
            ("Created", Value::Text(&created)),
        ],
    );
    if let Some(name) = host.strip_prefix("*.") {
        ui.add_space(8.0);
        let rule = format!(
            "Clients put a random label before {name} at each connection, as in AWS: any name \
             that ends in it leads here."
        );
        kit::help(ui, &rule);
    }
}
