//! Modify Client VPN Endpoint.

mod draft;
mod noticed;

use egui::Ui;

use super::{
    endpoint_fields::{
        DESCRIPTION, GROUPS, PORT, VPC, dns_servers, port_number, server_certificate, wrong_port,
    },
    group_choice::GroupChoice,
    log_choice::LogChoice,
    proposals::vpc_dns_server,
    security_group::vpcs,
};
use crate::{
    app::{
        context::Context,
        form::{Act, DialogForm, FormDialog, dialog::TWO_COLUMNS},
        kit::{self, Choice, Tone, Value},
        nets,
        preview::PreviewPane,
    },
    model::{
        Authentication, Command, Endpoint, EndpointId, Refusal, Snapshot, VpcId,
        command::ModifyClientVpnEndpoint,
    },
};
use draft::Draft;

/// Where the service says that somebody else was faster.
const ENDPOINT: &str = "ClientVpnEndpointId";

/// The dialog. It sends what was changed and nothing else, so that two people who change different
/// things at once do not undo each other.
pub struct ModifyEndpoint {
    id: EndpointId,
    title: String,
    /// The endpoint as it was when it was looked at last.
    seen: Endpoint,
    /// The configuration it was looked at in.
    seen_seq: u64,
    draft: Draft,
    log: LogChoice,
    /// It was looked at again since somebody else changed it.
    looked_again: bool,
    preview: PreviewPane,
    form: DialogForm,
}

impl ModifyEndpoint {
    /// With the endpoint as it is now; none where it is gone.
    #[must_use]
    pub fn new(snapshot: &Snapshot, id: &EndpointId) -> Option<Self> {
        let endpoint = snapshot.endpoints.get(id)?;
        Some(Self {
            id: id.clone(),
            title: endpoint.title().to_owned(),
            draft: Draft::of(endpoint),
            log: LogChoice::of(endpoint.connection_log.as_ref()),
            seen: endpoint.clone(),
            seen_seq: snapshot.seq,
            looked_again: false,
            preview: PreviewPane::default(),
            form: DialogForm::default(),
        })
    }

    /// What differs from the endpoint, and nothing else.
    fn wanted(&self, seq: Option<u64>) -> ModifyClientVpnEndpoint {
        let mut wanted = self.draft.command(&self.seen, seq);
        self.log.put_into(&mut wanted);
        wanted
    }

    /// Says that somebody else changed it meanwhile, and looks at it again where that is wanted.
    fn meanwhile(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        let snapshot = &cx.view.snapshot;
        form.shows(ENDPOINT);
        let refused = form.error(ENDPOINT, "");
        let Some(now) = snapshot.endpoints.get(&self.id) else {
            let body = "It was deleted meanwhile. Nothing can be changed any more.";
            kit::banner(Tone::Danger, "The endpoint is gone")
                .body(body)
                .ui(ui);
            return;
        };
        let different = draft::differences(snapshot, &self.seen, now);
        if refused.is_none() && different.is_empty() {
            if self.looked_again {
                let body = "What you typed is kept; everything else is as it is now.";
                kit::banner(Tone::Info, "Looked at again").body(body).ui(ui);
            }
            return;
        }
        let body = match (refused, different.is_empty()) {
            (Some(refused), true) => refused,
            (Some(refused), false) => format!("{refused}. {}", different.join("; ")),
            (None, _) => different.join("; "),
        };
        let banner = kit::banner(
            Tone::Warning,
            "Somebody has changed this endpoint meanwhile",
        );
        if banner.body(&body).action("Look again").ui(ui) {
            self.draft.follow(&self.seen, now);
            self.log.follow(now.connection_log.as_ref());
            self.seen = now.clone();
            self.seen_seq = snapshot.seq;
            self.looked_again = true;
            form.forget();
        }
    }

    /// As in AWS: the VPC of target networks is theirs, and without a VPC there are no groups.
    fn vpc(&mut self, snapshot: &Snapshot, ui: &mut Ui, form: &mut DialogForm) {
        let is_bound = snapshot.associations_of(&self.id).next().is_some();
        let draft = &mut self.draft;
        if !is_bound {
            let none = Choice::new(None, "Set by the first target network");
            let none = std::iter::once(none).filter(|_| self.seen.vpc_id.is_none());
            let choices: Vec<Choice<Option<VpcId>>> = none.chain(vpcs(snapshot)).collect();
            let other = form.choose(ui, VPC, &mut draft.vpc, &choices, |field| {
                field.help("All target networks of an endpoint are in one VPC.")
            });
            if other && let Some(vpc) = &draft.vpc {
                draft.groups = match self.seen.vpc_id.as_ref() == Some(vpc) {
                    true => GroupChoice::of(&self.seen.security_groups),
                    false => GroupChoice::default_of(snapshot, vpc),
                };
            }
        }
        if let Some(vpc) = draft.vpc.clone() {
            draft.groups.ui(snapshot, &vpc, ui, form, GROUPS);
        }
    }

    /// What the change means to those who are connected.
    fn effects(&mut self, cx: &Context<'_>, ui: &mut Ui) {
        let live = cx.tally.of_endpoint(&self.id);
        let wanted = self.wanted(None);
        let lines = noticed::lines(&cx.view.snapshot, &self.seen, &wanted, live);
        kit::fieldset(ui, "What live sessions notice", "");
        if lines.is_empty() {
            let words = match draft::is_empty(&wanted) {
                true => "Nothing is changed yet.",
                false => "Nothing: sessions go on as they are.",
            };
            kit::help(ui, words);
        }
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.y = 6.0;
            for line in &lines {
                kit::body(ui, line);
            }
        });
        if wanted.security_group_ids.is_some() {
            let command = Command::ModifyClientVpnEndpoint(wanted);
            self.preview.ui(cx, ui, Some(&command));
        }
    }
}

impl FormDialog for ModifyEndpoint {
    fn title(&self) -> String {
        format!("Modify {}", self.title)
    }

    fn verb(&self) -> &'static str {
        "Modify Client VPN Endpoint"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        let snapshot = &cx.view.snapshot;
        self.meanwhile(cx, ui, form);
        fixed(snapshot, &self.seen, ui);
        let draft = &mut self.draft;
        kit::two_columns(ui, |a, b| {
            form.text(a, DESCRIPTION, &mut draft.description, |field| {
                field.optional()
            });
            server_certificate(cx, b, form, &mut draft.server);
        });
        kit::two_columns(ui, |a, b| {
            let remote = remote(cx, &self.id, draft);
            form.text_with(
                a,
                (PORT, "Port"),
                &mut draft.port,
                ("443", &remote),
                |field| field.mono().hint("443"),
            );
            let proposed = vpc_dns_server(snapshot, draft.vpc.as_ref());
            dns_servers(b, form, &mut draft.dns, proposed);
        });
        let split = kit::toggle(
            ui,
            &mut draft.split_tunnel,
            "Split tunnel",
            "Only the endpoint's routes go into the tunnel; everything else stays outside",
        );
        if split.changed() {
            form.chose("SplitTunnel");
        }
        self.log.ui(cx, ui, form);
        self.vpc(snapshot, ui, form);
        self.effects(cx, ui);
    }

    fn act(&self, cx: &Context<'_>) -> Result<Act, Refusal> {
        let transport = self.seen.transport;
        if let Some(wrong) = wrong_port(&cx.view.snapshot, transport, &self.draft.port) {
            return Err(wrong);
        }
        let fields = self.wanted(Some(self.seen_seq));
        let done = format!("{} is modified", self.title);
        Ok(Act::command(Command::ModifyClientVpnEndpoint(fields), done))
    }

    fn off(&self, _cx: &Context<'_>) -> Option<String> {
        // A port that is none is a change too: sent, it says what is wrong with it.
        let is_same =
            draft::is_empty(&self.wanted(None)) && port_number(&self.draft.port).is_some();
        is_same.then(|| "Nothing was changed".to_owned())
    }

    fn width(&self) -> f32 {
        TWO_COLUMNS
    }
}

/// What an endpoint keeps for life, with the reason.
fn fixed(snapshot: &Snapshot, endpoint: &Endpoint, ui: &mut Ui) {
    let range = endpoint.client_cidr.to_string();
    let transport = endpoint.transport.to_string().to_uppercase();
    let ways: Vec<String> = endpoint
        .authentication
        .iter()
        .map(|way| match way {
            Authentication::Certificate {
                client_root_certificate_chain: arn,
            } => match snapshot.certificates.get(arn) {
                Some(certificate) => format!("Certificate, signed by {}", certificate.title()),
                None => "Certificate".to_owned(),
            },
        })
        .collect();
    let ways = ways.join(", ");
    let vpc = endpoint
        .vpc_id
        .as_ref()
        .filter(|_| snapshot.associations_of(&endpoint.id).next().is_some())
        .map(|id| snapshot.vpcs.get(id).map_or(id.as_str(), |vpc| vpc.title()));
    let mut rows = vec![
        ("Client IPv4 CIDR", Value::Mono(range.as_str())),
        ("Authentication", Value::Text(&ways)),
        ("Transport", Value::Text(&transport)),
    ];
    rows.extend(vpc.map(|vpc| ("VPC", Value::Text(vpc))));
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 6.0;
        kit::key_values(ui, &rows);
        let life = "Client range, authentication and transport are fixed for life, since sessions \
                    and handed-out files rest on them: create another endpoint to have others.";
        let words = match vpc {
            Some(_) => format!("{life} The VPC stays as long as there are target networks."),
            None => life.to_owned(),
        };
        kit::help(ui, &words);
    });
}

/// The line of new configuration files that follows from the port.
fn remote(cx: &Context<'_>, id: &EndpointId, draft: &Draft) -> String {
    let host = nets::dns_name(&cx.view.snapshot, id);
    let host = match host.trim_start_matches("*.") {
        "" => "this machine",
        host => host,
    };
    match port_number(&draft.port) {
        Some(port) => format!("Clients connect to {host}:{port}."),
        None => format!("Clients connect to {host}."),
    }
}

#[cfg(test)]
mod tests;
