//! What a change of an endpoint means to those who are connected, in words.

use crate::{
    app::shell::plural,
    model::{Certificate, CertificateArn, Endpoint, Snapshot, command::ModifyClientVpnEndpoint},
};

/// A sentence or two for each field that is changed and that a session notices.
pub(super) fn lines(
    snapshot: &Snapshot,
    seen: &Endpoint,
    wanted: &ModifyClientVpnEndpoint,
    live: usize,
) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(wanted.vpn_port.map(|port| of_port(seen.port, port, live)));
    let server = wanted.server_certificate_arn.as_deref();
    lines.extend(server.map(|arn| of_certificate(snapshot, seen, arn)));
    if wanted.dns_servers.is_some() {
        lines.push(
            "DNS servers: told to live sessions at once where the client can take them; the others \
             keep theirs, and Connections says so, until they reconnect."
                .to_owned(),
        );
    }
    if wanted.split_tunnel.is_some() {
        lines.push(
            "Split tunnel: told to live sessions at once; a client that cannot take it keeps what \
             it has, and Connections says so, until it reconnects."
                .to_owned(),
        );
    }
    match wanted.connection_log_enabled {
        Some(true) => lines.push(
            "Connection logging: sessions go on; what happens from now on is logged there."
                .to_owned(),
        ),
        Some(false) => lines.push(
            "Connection logging: sessions go on; nothing is logged any more, and what was stays."
                .to_owned(),
        ),
        None => {}
    }
    if wanted.security_group_ids.is_some() {
        lines.push("Security groups: hold for live sessions at once.".to_owned());
    }
    lines
}

fn of_port(before: u16, after: u16, live: usize) -> String {
    let ends = match live {
        0 => "nobody is connected".to_owned(),
        n => format!("ends {}", plural(n, "session", "sessions")),
    };
    format!(
        "Port: {ends}. Files handed out before name port {before}; clients need new ones that name \
         {after}."
    )
}

/// Files handed out name the server and hold its authority: both must still fit.
fn of_certificate(snapshot: &Snapshot, seen: &Endpoint, arn: &str) -> String {
    let find = |wanted: &str| -> Option<&Certificate> {
        let mut all = snapshot.certificates.values().map(AsRef::as_ref);
        all.find(|it| CertificateArn::as_str(&it.arn) == wanted)
    };
    let next = "Server certificate: live sessions stay, and meet it at their next handshake.";
    let fits = match (find(seen.server_certificate.as_str()), find(arn)) {
        (Some(old), Some(new)) => {
            old.issuer == new.issuer
                && old.common_name == new.common_name
                && old.alternative_names == new.alternative_names
        }
        _ => false,
    };
    match fits {
        true => format!("{next} Files handed out before go on working."),
        false => format!(
            "{next} It has another name or another authority than the one before: clients refuse \
             it until they have a new file."
        ),
    }
}
