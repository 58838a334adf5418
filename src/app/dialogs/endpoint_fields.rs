//! Fields that the dialogs about an endpoint share: its certificate, its port, its DNS servers.

use std::net::Ipv4Addr;

use egui::Ui;

use super::proposals::{port, server_certificates};
use crate::{
    app::{
        context::Context,
        form::DialogForm,
        format,
        kit::{self, Choice, Select},
    },
    model::{Certificate, Code, Refusal, Snapshot, Transport},
};

pub(super) const DESCRIPTION: (&str, &str) = ("Description", "Description");
pub(super) const SERVER: (&str, &str) = ("ServerCertificateArn", "Server certificate");
pub(super) const PORT: &str = "VpnPort";
/// The DNS servers that are given, each by its place among them.
const DNS: [&str; 2] = ["DnsServers.1", "DnsServers.2"];
pub(super) const VPC: (&str, &str) = ("VpcId", "VPC");
pub(super) const GROUPS: &str = "SecurityGroupIds";

/// The certificate that the endpoint shows: one for servers whose key is in the store.
pub(super) fn server_certificate(
    cx: &Context<'_>,
    ui: &mut Ui,
    form: &mut DialogForm,
    value: &mut Option<String>,
) {
    let choices = certificate_choices(cx, server_certificates(&cx.view.snapshot));
    certificate(cx, ui, form, SERVER, value, &choices, |field| {
        field
            .placeholder("Choose a certificate")
            .nothing("There is none yet. Issue or import one under Certificates")
            .help("The endpoint shows it to clients.")
    });
}

/// Certificates as choices, each with when it expires.
pub(super) fn certificate_choices<'a>(
    cx: &Context<'_>,
    certificates: impl Iterator<Item = &'a Certificate>,
) -> Vec<Choice<Option<String>>> {
    certificates
        .map(|c| {
            let expires = format!("expires {}", format::day(c.not_after, cx.zone));
            Choice::new(Some(c.arn.to_string()), c.title()).detail(expires)
        })
        .collect()
}

/// A choice of a certificate. Its cure goes by the certificate's name: an ARN says nothing to a
/// person.
pub(super) fn certificate(
    cx: &Context<'_>,
    ui: &mut Ui,
    form: &mut DialogForm,
    (field, label): (&'static str, &'static str),
    value: &mut Option<String>,
    choices: &[Choice<Option<String>>],
    describe: impl for<'a> FnOnce(Select<'a, Option<String>>) -> Select<'a, Option<String>>,
) {
    let error = form.error(field, label);
    let right = form.cure(field);
    let all = &cx.view.snapshot.certificates;
    let named = all
        .values()
        .find(|c| Some(c.arn.as_str()) == right.as_deref());
    let words = named.map(|c| format!("Use {}", c.title()));
    form.shows(field);
    let select = describe(kit::select(value, choices).label(label));
    let out = select.error(error.as_deref()).cure(words.as_deref()).ui(ui);
    form.focus_refused(field, &out);
    if out.cured {
        *value = right;
    }
    if out.cured || out.changed() {
        form.chose(field);
    }
}

/// Two DNS servers side by side; `proposed` is offered where it is not the first already.
pub(super) fn dns_servers(
    ui: &mut Ui,
    form: &mut DialogForm,
    servers: &mut [String; 2],
    proposed: Option<Ipv4Addr>,
) {
    let proposed = proposed.map(|it| it.to_string());
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 5.0;
        let t = kit::tokens(ui);
        kit::words()
            .add("DNS servers", kit::Face::LABEL, t.strong)
            .after(8.0, "optional", kit::Face::HELP, t.weak)
            .ui_line(ui);
        let each = (ui.available_width() - 8.0) / 2.0;
        let [first, second] = servers;
        let second_at = DNS[usize::from(!first.trim().is_empty())];
        let mut both = [
            (DNS[0], first, "First DNS server"),
            (second_at, second, "Second"),
        ];
        for field in DNS {
            form.shows(field);
        }
        let mut is_left = false;
        ui.horizontal_top(|ui| {
            for (place, (field, value, hint)) in both.iter_mut().enumerate() {
                let wrong = form.error(field, "").filter(|_| !value.trim().is_empty());
                let out = kit::text_field(value)
                    .hint(hint)
                    .id(("dns", place))
                    .error(wrong.as_deref())
                    .marked_only()
                    .mono()
                    .width(each)
                    .ui(ui);
                form.react(field, value, &out);
                is_left |= out.lost_focus();
            }
        });
        // Which is the first and which the second may be another now: both are judged again.
        for (field, value, _) in both.iter().filter(|_| is_left) {
            if !value.trim().is_empty() {
                form.leave(field);
            }
        }
        let is_wrong = |(field, value, _): &&mut (&'static str, &mut String, &str)| {
            form.error(field, "").is_some() && !value.trim().is_empty()
        };
        match both.iter_mut().find(is_wrong) {
            Some((field, value, _)) => form.line_below(ui, field, value, ""),
            None => drop(kit::help(ui, "Without one, clients keep their own.")),
        }
        let [(_, first, _), _] = both;
        let proposed = proposed.filter(|it| first.trim() != it.as_str());
        if let Some(address) = proposed
            && kit::link(ui, &format!("Use the VPC's DNS server, {address}")).clicked()
        {
            *first = address;
            form.chose(DNS[0]);
        }
    });
}

/// Those of several fields that hold something.
pub(super) fn filled(fields: &[String]) -> Vec<String> {
    let fields = fields.iter().map(|text| text.trim());
    fields
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The port that was typed, if it is one.
pub(super) fn port_number(typed: &str) -> Option<u16> {
    typed.trim().parse().ok().filter(|port| *port > 0)
}

/// What is wrong with a port that cannot be sent, with one that is free.
pub(super) fn wrong_port(
    snapshot: &Snapshot,
    transport: Transport,
    typed: &str,
) -> Option<Refusal> {
    if port_number(typed).is_some() {
        return None;
    }
    let free = port(snapshot, transport).to_string();
    let words = match typed.trim() {
        "" => format!("The port is missing. Ports are 1 to 65,535, for example {free}."),
        typed => format!("{typed} is not a port. Ports are 1 to 65,535, for example {free}."),
    };
    let refusal = Refusal::new(Code::InvalidParameterValue, words);
    Some(refusal.at(PORT).cure(free))
}
