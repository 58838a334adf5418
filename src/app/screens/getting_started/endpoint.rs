//! Step 2: the Client VPN endpoint.

use std::{
    net::{Ipv4Addr, TcpListener, UdpSocket},
    sync::Arc,
};

use egui::Ui;

use super::{Facts, Primary, Step, heading, listens, refused, what_this_does};
use crate::{
    app::{
        backend::Work,
        context::Context,
        dialogs::{create_vpc::named, proposals},
        form::{self, Form},
        kit::{self, Value},
    },
    control::{Console, Link},
    model::{
        Answer, Code, Command, GatewayStatus, HostNetwork, NetworkMode, Refusal, Snapshot,
        Transport,
        command::{AuthenticationOption, CreateClientVpnEndpoint, ModifySettings},
    },
};

/// What is typed and how far it is.
#[derive(Default)]
pub(super) struct NewEndpoint {
    proposing: Work<Proposal>,
    proposal: Option<Proposal>,
    name: Option<String>,
    address: String,
    range: String,
    transport: Transport,
    port: String,
    split: bool,
    form: Form<()>,
}

/// What would do on this machine.
#[derive(Clone, Debug)]
struct Proposal {
    address: Option<Ipv4Addr>,
    range: String,
    udp: u16,
    tcp: u16,
}

impl Proposal {
    fn port(&self, transport: Transport) -> u16 {
        match transport {
            Transport::Udp => self.udp,
            Transport::Tcp => self.tcp,
        }
    }
}

impl Step for NewEndpoint {
    fn poll(&mut self, _cx: &mut Context<'_>) -> bool {
        self.form.poll().is_some()
    }

    fn ui(&mut self, cx: &mut Context<'_>, ui: &mut Ui, facts: &Facts) {
        heading(
            ui,
            "Create a Client VPN endpoint",
            "Clients connect to it, and get their addresses from its range.",
        );
        if facts.endpoint.is_some() {
            summary(cx, ui, facts);
            return;
        }
        self.propose(cx);
        refused(ui, self.form.elsewhere());
        self.fields(ui);
        let listens = if self.port.trim().is_empty() {
            String::new()
        } else {
            let transport = self.transport.to_string().to_uppercase();
            format!(" on {transport} {}", self.port.trim())
        };
        let words = format!(
            "Makes the endpoint. It begins to listen{listens} once a target network is associated. Range and transport stay for its life."
        );
        what_this_does(ui, &words);
    }

    fn primary(&self, facts: &Facts) -> Primary {
        if facts.endpoint.is_some() {
            return Primary::new("Continue");
        }
        Primary::new("Create endpoint and continue")
            .working(self.form.is_working())
            .off((!facts.is_done(0)).then_some("The certificates come first"))
    }

    fn act(&mut self, cx: &mut Context<'_>, facts: &Facts) -> bool {
        if facts.endpoint.is_some() {
            return true;
        }
        self.create(cx, facts);
        false
    }
}

impl NewEndpoint {
    fn fields(&mut self, ui: &mut Ui) {
        let (transport_before, form) = (self.transport, &mut self.form);
        let name = self.name.get_or_insert_with(|| "office".to_owned());
        kit::two_columns(ui, |left, right| {
            form.text(left, ("Name", "Name"), name, |field| {
                field.help("What it is called in lists.")
            });
            form.text(
                right,
                ("PublicAddress", "Public address"),
                &mut self.address,
                |field| {
                    field
                        .hint("vpn.example.com")
                        .help("What clients are told to connect to: a name or an address.")
                },
            );
            form.text(
                left,
                ("ClientCidrBlock", "Client range"),
                &mut self.range,
                |field| {
                    field
                        .mono()
                        .hint("10.20.0.0/20")
                        .help("Between /22 and /16, used nowhere else.")
                },
            );
            right.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 6.0;
                kit::fieldset(ui, "Transport", "");
                let transports = [(Transport::Udp, "UDP"), (Transport::Tcp, "TCP")];
                kit::segmented_form(ui, "Transport", &mut self.transport, &transports);
            });
            form.text(right, ("VpnPort", "Port"), &mut self.port, |field| {
                field.help("UDP is faster; TCP passes where UDP is blocked.")
            });
            kit::toggle(
                left,
                &mut self.split,
                "Split tunnel",
                "Only traffic to the networks here enters the tunnel.",
            );
        });
        if let Some(proposal) = &self.proposal
            && self.transport != transport_before
            && self.port == proposal.port(transport_before).to_string()
        {
            self.port = proposal.port(self.transport).to_string();
        }
    }

    /// Fills what is still empty with what would do on this machine, once.
    fn propose(&mut self, cx: &Context<'_>) {
        if let Some(outcome) = self.proposing.poll() {
            let proposal = outcome.unwrap_or_else(|_| Proposal {
                address: None,
                range: free_range(&cx.view.snapshot, &[]),
                udp: 1194,
                tcp: 1194,
            });
            let fill = |field: &mut String, value: String| {
                if field.is_empty() {
                    *field = value;
                }
            };
            let known = cx.view.snapshot.settings.public_address.clone();
            let address = known.or_else(|| proposal.address.map(|address| address.to_string()));
            fill(&mut self.address, address.unwrap_or_default());
            fill(&mut self.range, proposal.range.clone());
            fill(&mut self.port, proposal.port(self.transport).to_string());
            self.proposal = Some(proposal);
        }
        if self.proposal.is_some() || self.proposing.is_running() {
            return;
        }
        let console = Arc::clone(cx.backend.console());
        let (snapshot, live) = (Arc::clone(&cx.view.snapshot), Arc::clone(&cx.view.live));
        let here = *cx.link == Link::Embedded;
        self.proposing.start(cx.backend.spawn(async move {
            let answer = form::call(&*console, Command::DescribeHostNetworks).await?;
            let Answer::HostNetworks(networks) = answer else {
                return Err(form::unexpected());
            };
            Ok(Proposal {
                address: networks
                    .iter()
                    .find(|network| network.default_route)
                    .or(networks.first())
                    .map(|network| network.address),
                range: free_range(&snapshot, &networks),
                udp: free_port(&snapshot, &live.gateway, Transport::Udp, here),
                tcp: free_port(&snapshot, &live.gateway, Transport::Tcp, here),
            })
        }));
    }

    fn create(&mut self, cx: &Context<'_>, facts: &Facts) {
        let Ok(port) = self.port.trim().parse::<u16>() else {
            let words = format!(
                "\"{}\" is not a port: one is between 1 and 65535, for example 1194",
                self.port.trim()
            );
            let refusal = Refusal::new(Code::InvalidParameterValue, words);
            self.form.refuse(refusal.at("VpnPort").cure("1194"));
            return;
        };
        let (Some(server), Some(root)) = (&facts.server, &facts.root) else {
            return;
        };
        let endpoint = CreateClientVpnEndpoint {
            client_cidr_block: self.range.trim().to_owned(),
            server_certificate_arn: server.arn.to_string(),
            authentication_options: vec![AuthenticationOption {
                kind: "certificate-authentication".to_owned(),
                client_root_certificate_chain_arn: Some(root.arn.to_string()),
            }],
            connection_log_enabled: Some(false),
            transport_protocol: self.transport,
            vpn_port: Some(port),
            split_tunnel: self.split,
            tags: named(self.name.as_deref().unwrap_or_default()),
            ..CreateClientVpnEndpoint::default()
        };
        let address = self.address.trim().to_owned();
        let known = cx.view.snapshot.settings.public_address.as_deref();
        let settings = (known.unwrap_or_default() != address).then(|| ModifySettings {
            public_address: Some(address),
            ..ModifySettings::default()
        });
        let console = Arc::clone(cx.backend.console());
        self.form.start(
            cx.backend
                .spawn(async move { create(&*console, settings, endpoint).await }),
        );
    }
}

async fn create(
    console: &dyn Console,
    settings: Option<ModifySettings>,
    endpoint: CreateClientVpnEndpoint,
) -> Result<(), Refusal> {
    if let Some(settings) = settings {
        form::call(console, Command::ModifySettings(settings)).await?;
    }
    let create = Command::CreateClientVpnEndpoint(endpoint);
    form::call(console, create).await.map(drop)
}

fn summary(cx: &Context<'_>, ui: &mut Ui, facts: &Facts) {
    let Some(endpoint) = &facts.endpoint else {
        return;
    };
    let range = endpoint.client_cidr.to_string();
    let listens = listens(endpoint);
    let settings = &cx.view.snapshot.settings;
    let address = settings.public_address.as_deref();
    let address = address.unwrap_or("This machine's own address");
    let tunnel = if endpoint.split_tunnel {
        "Split: only traffic to the networks here enters it"
    } else {
        "Full: everything enters it"
    };
    kit::key_values(
        ui,
        &[
            ("Name", Value::Text(endpoint.title())),
            ("Endpoint ID", Value::Mono(endpoint.id.as_str())),
            ("Public address", Value::Text(address)),
            ("Listens on", Value::Text(&listens)),
            ("Client range", Value::Mono(&range)),
            ("Tunnel", Value::Text(tunnel)),
        ],
    );
}

/// A client range that meets no network known here, as text for its field.
fn free_range(snapshot: &Snapshot, networks: &[HostNetwork]) -> String {
    let range = proposals::client_range(snapshot, networks);
    range.map_or_else(String::new, |range| range.to_string())
}

/// The first port of AWS's two and those after them that no endpoint has and that the gateway can
/// open: tried where it runs in this process, and otherwise as far as its status tells.
fn free_port(
    snapshot: &Snapshot,
    gateway: &GatewayStatus,
    transport: Transport,
    here: bool,
) -> u16 {
    let taken = |port: u16| {
        let mut endpoints = snapshot.endpoints.values();
        endpoints.any(|e| e.transport == transport && e.port == port)
    };
    let opens = |port: u16| match here {
        true => can_open(transport, port),
        false => port >= FIRST_FREE_OF_RIGHTS || opens_low_ports(gateway),
    };
    [443, 1194]
        .into_iter()
        .chain(1195..1300)
        .find(|&port| !taken(port) && opens(port))
        .unwrap_or(1194)
}

/// Whether a gateway elsewhere may open ports that need rights: one in user space mostly has none,
/// unless a listener of its own shows that it does.
fn opens_low_ports(gateway: &GatewayStatus) -> bool {
    let mut low = gateway
        .listeners
        .iter()
        .filter(|listener| listener.port < FIRST_FREE_OF_RIGHTS)
        .peekable();
    match low.peek() {
        Some(_) => low.any(|listener| listener.trouble.is_none()),
        None => gateway.mode != Some(NetworkMode::Userspace),
    }
}

/// Ports below this one need rights on most systems.
const FIRST_FREE_OF_RIGHTS: u16 = 1024;

fn can_open(transport: Transport, port: u16) -> bool {
    let at = (Ipv4Addr::UNSPECIFIED, port);
    match transport {
        Transport::Udp => UdpSocket::bind(at).is_ok(),
        Transport::Tcp => TcpListener::bind(at).is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{app::testing::sample, model::ListenerStatus};

    fn gateway(mode: NetworkMode, low: Option<Option<&str>>) -> GatewayStatus {
        let listener = |trouble: Option<&str>| ListenerStatus {
            endpoint_id: sample::endpoint_id(1),
            transport: Transport::Tcp,
            port: 443,
            trouble: trouble.map(str::to_owned),
        };
        GatewayStatus {
            mode: Some(mode),
            listeners: low.into_iter().map(listener).collect(),
            ..GatewayStatus::default()
        }
    }

    #[test]
    fn a_gateway_without_rights_is_offered_a_port_that_needs_none() {
        let proposed = |mode, low| {
            let snapshot = Snapshot::default();
            free_port(&snapshot, &gateway(mode, low), Transport::Udp, false)
        };
        let refused = Some(Some("Permission denied"));
        assert_eq!(proposed(NetworkMode::Tun, None), 443);
        assert_eq!(proposed(NetworkMode::Tun, refused), 1194);
        assert_eq!(proposed(NetworkMode::Userspace, None), 1194);
        assert_eq!(proposed(NetworkMode::Userspace, Some(None)), 443);
    }
}
