//! The tab Summary: what an endpoint is, and what it still lacks.

use egui::{Frame, Margin, ScrollArea, Ui};

use super::{list, readiness};
use crate::{
    app::{
        context::Context,
        format,
        kit::{self, Value},
    },
    model::{CertificateArn, Endpoint},
};

pub(super) fn ui(cx: &mut Context<'_>, endpoint: &Endpoint, ui: &mut Ui) {
    ScrollArea::vertical()
        .auto_shrink(false)
        .id_salt("summary")
        .show(ui, |ui| {
            if !readiness::is_ready(&cx.view.snapshot, endpoint) {
                readiness::checklist(cx, endpoint, ui);
            }
            Frame::new()
                .inner_margin(Margin::symmetric(20, 12))
                .show(ui, |ui| facts(cx, endpoint, ui));
        });
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
            ("DNS servers", Value::Mono(&dns)),
            ("VPC", Value::Text(vpc)),
            ("Created", Value::Text(&created)),
        ],
    );
}
