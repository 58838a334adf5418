//! Everything that is known of one connection, live or ended, in AWS's words.

use super::{Dialog, Stay, sheet::sheet};
use crate::{
    app::{
        context::Context,
        format,
        kit::{self, Value},
    },
    model::{Connection, ConnectionId, View},
};

/// The sheet; its figures move as long as the connection is known.
pub struct ConnectionDetails {
    last: Connection,
}

impl ConnectionDetails {
    /// Of a connection, if it is known.
    #[must_use]
    pub fn new(view: &View, id: &ConnectionId) -> Option<Self> {
        let last = found(view, id)?.clone();
        Some(Self { last })
    }
}

fn found<'v>(view: &'v View, id: &ConnectionId) -> Option<&'v Connection> {
    view.live.connections.iter().find(|it| it.id == *id)
}

impl Dialog for ConnectionDetails {
    fn ui(&mut self, cx: &mut Context<'_>, ctx: &egui::Context) -> Stay {
        if let Some(now) = found(cx.view, &self.last.id)
            && *now != self.last
        {
            self.last = now.clone();
        }
        let title = format!("Connection of {}", self.last.common_name);
        sheet(ctx, &title, |ui| facts(cx, &self.last, ui))
    }
}

fn facts(cx: &Context<'_>, it: &Connection, ui: &mut egui::Ui) {
    let snapshot = &cx.view.snapshot;
    let moment = |at| {
        let local = format::moment(at, cx.now, cx.zone);
        format!("{local} ({})", format::utc(at))
    };
    let endpoint = snapshot.endpoints.get(&it.endpoint_id);
    let endpoint = endpoint.map_or(it.endpoint_id.as_str(), |it| it.title());
    let network = snapshot
        .associations
        .get(&it.association_id)
        .and_then(|it| snapshot.subnets.get(&it.subnet_id))
        .map_or_else(
            || it.association_id.to_string(),
            |subnet| format!("{}, {}", subnet.title(), subnet.availability_zone),
        );
    let established = moment(it.established_at);
    let ended = it.ended_at.map(moment).unwrap_or_default();
    let duration = format::duration(it.established_at, it.ended_at.unwrap_or(cx.now));
    let counted = moment(it.counted_at);
    let bytes = |count| format!("{} ({} bytes)", format::bytes(count), format::count(count));
    let traffic = &it.traffic;
    let (ingress, egress) = (bytes(traffic.ingress_bytes), bytes(traffic.egress_bytes));
    let packets = (
        format::count(traffic.ingress_packets),
        format::count(traffic.egress_packets),
    );
    let (ip, device) = (it.client_ip.to_string(), it.device.to_string());
    let groups: Vec<&str> = snapshot
        .groups_of(&it.common_name)
        .map(|group| group.name.as_str())
        .collect();
    let groups = groups.join(", ");
    let reason = it.end_reason.as_deref().unwrap_or_default();
    let lacks = it.reconnect.as_deref().unwrap_or_default();
    ui.spacing_mut().item_spacing.y = 8.0;
    kit::key_values(
        ui,
        &[
            ("Connection ID", Value::Mono(it.id.as_str())),
            ("Status", Value::State(it.state.as_str())),
            ("Status message", Value::Text(reason)),
            ("Common name", Value::Text(&it.common_name)),
            ("Groups", Value::Text(&groups)),
            ("Client IP", Value::Mono(&ip)),
            ("Established", Value::Text(&established)),
            ("Ended", Value::Text(&ended)),
            ("Duration", Value::Text(&duration)),
            ("Ingress bytes", Value::Text(&ingress)),
            ("Egress bytes", Value::Text(&egress)),
            ("Ingress packets", Value::Text(&packets.0)),
            ("Egress packets", Value::Text(&packets.1)),
            ("Timestamp", Value::Text(&counted)),
            ("Endpoint", Value::Text(endpoint)),
            ("Target network", Value::Text(&network)),
            ("Device address", Value::Mono(&device)),
            ("Client version", Value::Text(&it.client_version)),
            ("Platform", Value::Text(&it.platform)),
            ("Cipher", Value::Text(&it.cipher)),
            ("To take effect", Value::Text(lacks)),
        ],
    );
    kit::help(
        ui,
        "Ingress comes from the client, egress goes to it. The timestamp says when both were \
         counted. Clients of mutual authentication have no user name and report no posture.",
    );
}

#[cfg(test)]
mod tests {
    use egui::Key;
    use egui_kittest::kittest::Queryable as _;

    use crate::app::{
        context::EndpointTab,
        testing::{FakeConsole, Window, sample},
    };

    #[test]
    fn a_connection_says_every_field_of_it_and_goes_on_moving() {
        let (snapshot, live) = sample::office();
        let mut window = Window::open(FakeConsole::new(snapshot, live));
        window.show_endpoint(1, Some(EndpointTab::Connections));
        window.click("b.castro");
        window.harness.key_press(Key::Enter);
        window.settle();
        for label in [
            "Connection ID",
            "Status",
            "Status message",
            "Established",
            "Ended",
            "Ingress bytes",
            "Egress bytes",
            "Ingress packets",
            "Egress packets",
            "Timestamp",
            "Client IP",
            "Cipher",
            "AES-256-GCM",
        ] {
            assert!(window.says(label), "{label}");
        }
        window.console.change(|_, live| {
            let all = live.connections.iter_mut();
            for it in all.filter(|it| it.common_name == "b.castro") {
                it.traffic.ingress_bytes = 123_456_789_012;
            }
        });
        window.settle();
        assert!(window.says("(123,456,789,012 bytes)"));
        window.press("Close");
        assert!(window.harness.query_by_label("Connection ID").is_none());
    }
}
