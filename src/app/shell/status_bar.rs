//! The status bar: how the gateway is, in one line; its first segment opens the reason.

use egui::{Align, Layout, Stroke, Ui};

use super::{drops, row};
use crate::{
    app::{
        context::{Action, Context, Screen},
        dialogs::{Dialog, Stay, diagnosis::Diagnosis, sheet::sheet},
        format,
        kit::{self, Tone, icons, tokens},
    },
    control::Link,
    model::{NetworkMode, Severity, View},
};

pub(super) fn ui(cx: &mut Context<'_>, ui: &mut Ui) {
    let edge = ui.max_rect();
    let line = Stroke::new(1.0, tokens(ui).line);
    ui.painter().hline(edge.x_range(), edge.top() + 0.5, line);
    row(ui, 14.0, |ui| {
        ui.spacing_mut().item_spacing.x = 18.0;
        let state = gateway(cx.view, cx.link);
        if kit::segment(&state.words)
            .tone(state.tone)
            .hint("Show how the gateway runs")
            .clicked(ui)
        {
            cx.open(GatewayReport);
        }
        expiries(cx, ui);
        let saved = saved(cx.view, cx.link);
        let version = concat!("Version ", env!("CARGO_PKG_VERSION"));
        let right = kit::segment(saved).width(ui) + 18.0 + kit::segment(version).width(ui) + 60.0;
        for part in parts(cx) {
            let segment = kit::segment(&part.words).icon(part.icon).hint(&part.hint);
            if segment.width(ui) + right > ui.available_width() {
                break;
            }
            segment.ui(ui);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            kit::segment(version).weak().ui(ui);
            kit::segment(saved).icon(icons::CHECK).ui(ui);
        });
    });
}

/// How much nears its end; it leads to the certificates.
fn expiries(cx: &mut Context<'_>, ui: &mut Ui) {
    let Some(worst) = cx.notices.first() else {
        return;
    };
    let tone = match worst.severity {
        Severity::Problem => Tone::Danger,
        Severity::Warning | Severity::Good => Tone::Warning,
    };
    let words = plural(cx.notices.len(), "expiry notice", "expiry notices");
    let segment = kit::segment(&words).tone(tone).hint(&worst.sentence);
    if segment.clicked(ui) {
        cx.ask(Action::Go(Screen::Certificates));
    }
}

/// The gateway's state in a word or two.
#[derive(Debug, PartialEq, Eq)]
struct State {
    tone: Tone,
    words: String,
}

/// What the first segment says: the worst of what is known.
fn gateway(view: &View, link: &Link) -> State {
    let state = |tone, words: &str| State {
        tone,
        words: words.to_owned(),
    };
    let live = &view.live.gateway;
    let deaf = live
        .listeners
        .iter()
        .filter(|l| l.trouble.is_some())
        .count();
    if matches!(link, Link::Unreachable { .. }) {
        state(Tone::Danger, "Gateway does not answer")
    } else if live.mode.is_none() {
        state(Tone::Working, "Gateway starting")
    } else if deaf > 0 {
        state(
            Tone::Danger,
            &format!("{} not open", plural(deaf, "listener", "listeners")),
        )
    } else if !live.warnings.is_empty() {
        state(
            Tone::Warning,
            &plural(live.warnings.len(), "warning", "warnings"),
        )
    } else {
        state(Tone::Success, "Gateway running")
    }
}

/// One fact of the bar.
struct Part {
    icon: &'static str,
    words: String,
    hint: String,
}

fn parts(cx: &Context<'_>) -> Vec<Part> {
    let live = &cx.view.live;
    let part = |icon, words: String, hint: String| Part { icon, words, hint };
    let mut parts = Vec::new();
    if matches!(cx.link, Link::Unreachable { .. }) {
        // What was known is old: it is no fact about what runs now.
        let (words, hint) = link_words(cx.link);
        return vec![part(icons::LINK, words, hint)];
    }
    if let Some(mode) = live.gateway.mode {
        parts.push(part(
            icons::NETWORK,
            mode_words(mode, live.gateway.workers),
            live.gateway.mode_reason.clone(),
        ));
    }
    let open = live
        .gateway
        .listeners
        .iter()
        .filter(|l| l.trouble.is_none())
        .count();
    parts.push(part(
        icons::PLUG,
        plural(open, "listener", "listeners"),
        "Open ports that clients connect to".to_owned(),
    ));
    parts.push(part(
        icons::USERS,
        plural(cx.tally.total(), "connection", "connections"),
        "Clients that are connected now".to_owned(),
    ));
    let (ingress, egress) = cx.rates.totals();
    parts.push(part(
        icons::ARROW_DOWN,
        format::rate(f64::from(ingress)),
        "From all clients".to_owned(),
    ));
    parts.push(part(
        icons::ARROW_UP,
        format::rate(f64::from(egress)),
        "To all clients".to_owned(),
    ));
    let (words, hint) = link_words(cx.link);
    parts.push(part(icons::LINK, words, hint));
    parts
}

/// How packets get into the target network: "TUN, 4 workers" or "User-space, no root".
pub(crate) fn mode_words(mode: NetworkMode, workers: usize) -> String {
    match mode {
        NetworkMode::Tun => format!("TUN, {}", plural(workers, "worker", "workers")),
        NetworkMode::Userspace => "User-space, no root".to_owned(),
    }
}

fn link_words(link: &Link) -> (String, String) {
    match link {
        Link::Embedded => (
            "In this window".to_owned(),
            "The gateway runs inside this window; when the window closes, tunnels end".to_owned(),
        ),
        Link::Attached(owner) => (
            format!("Attached to process {}", owner.pid),
            format!(
                "The gateway is {}; it goes on when this window closes",
                owner.name
            ),
        ),
        Link::Unreachable { reason, .. } => ("Not attached".to_owned(), reason.clone()),
    }
}

/// Whether what runs is what was saved.
fn saved(view: &View, link: &Link) -> &'static str {
    let gateway = &view.live.gateway;
    if matches!(link, Link::Unreachable { .. }) {
        "Nothing can be changed now"
    } else if gateway.mode.is_some() && gateway.applied_seq < view.snapshot.seq {
        "Saved, applying"
    } else {
        "All changes saved"
    }
}

/// A count with its noun: "1 listener", "3 listeners".
pub(crate) fn plural(count: usize, one: &str, many: &str) -> String {
    let noun = if count == 1 { one } else { many };
    format!("{} {noun}", format::count(count as u64))
}

/// All the gateway says of itself: mode and why, listeners, warnings, drops.
struct GatewayReport;

impl Dialog for GatewayReport {
    fn ui(&mut self, cx: &mut Context<'_>, ctx: &egui::Context) -> Stay {
        let mut diagnose = false;
        let stay = self.sheet(cx, ctx, &mut diagnose);
        if diagnose {
            kit::close_dialog(ctx, "Gateway");
            cx.open(Diagnosis::default());
            return Stay::Closed;
        }
        stay
    }
}

impl GatewayReport {
    fn sheet(&self, cx: &Context<'_>, ctx: &egui::Context, diagnose: &mut bool) -> Stay {
        let gateway = &cx.view.live.gateway;
        sheet(ctx, "Gateway", |ui| {
            if let Link::Unreachable { reason, .. } = cx.link {
                kit::banner(Tone::Danger, "The gateway does not answer")
                    .body(reason)
                    .ui(ui);
            }
            let (link, why) = link_words(cx.link);
            let mode = gateway.mode.map_or_else(
                || "Not started yet".to_owned(),
                |mode| mode_words(mode, gateway.workers),
            );
            kit::key_values(
                ui,
                &[
                    ("Runs", kit::Value::Text(&link)),
                    ("", kit::Value::Text(&why)),
                    ("Network", kit::Value::Text(&mode)),
                    ("Data directory", kit::Value::Mono(&cx.about.data_dir)),
                ],
            );
            if !gateway.mode_reason.is_empty() {
                kit::help(ui, &gateway.mode_reason);
            }
            for listener in &gateway.listeners {
                listener_line(cx.view, listener, ui);
            }
            for warning in &gateway.warnings {
                kit::banner(Tone::Warning, "Warning").body(warning).ui(ui);
            }
            *diagnose = kit::button("Diagnose…").icon(icons::PULSE).clicked(ui);
            counts(ui, "Packets not carried", &gateway.drops);
            counts(ui, "Attempts without a record", &gateway.unproven);
        })
    }
}

fn listener_line(view: &View, listener: &crate::model::ListenerStatus, ui: &mut Ui) {
    let title = view
        .snapshot
        .endpoints
        .get(&listener.endpoint_id)
        .map_or(listener.endpoint_id.as_str(), |e| e.title());
    let port = format!(
        "{} {}",
        listener.transport.to_string().to_uppercase(),
        listener.port
    );
    match &listener.trouble {
        Some(trouble) => {
            kit::banner(Tone::Danger, &format!("{title}: {port} is not open"))
                .body(trouble)
                .ui(ui);
        }
        None => {
            kit::status(Tone::Success, format!("{title} listens on {port}")).ui(ui);
        }
    }
}

/// Counters by reason, the largest first; what never happened is left out.
fn counts(ui: &mut Ui, title: &str, counts: &std::collections::BTreeMap<String, u64>) {
    let lines = largest_first(counts);
    if lines.is_empty() {
        return;
    }
    ui.horizontal(|ui| {
        kit::group_label(ui, title);
        let text: String = lines
            .iter()
            .map(|(reason, n)| format!("{n}\t{reason}\n"))
            .collect();
        kit::copy_button(ui, title, &text);
    });
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        ui.spacing_mut().interact_size.y = 20.0;
        for (reason, n) in lines {
            ui.horizontal(|ui| {
                kit::mono(ui, &format::count(n));
                let words =
                    drops::sentence(reason).map_or_else(|| kit::state_word(reason), str::to_owned);
                kit::weak(ui, &words).on_hover_text(reason);
            });
        }
    });
}

fn largest_first(counts: &std::collections::BTreeMap<String, u64>) -> Vec<(&str, u64)> {
    let counted = counts.iter().filter(|(_, n)| **n > 0);
    let mut lines: Vec<(&str, u64)> = counted.map(|(reason, n)| (reason.as_str(), *n)).collect();
    lines.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    lines
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{EndpointId, GatewayStatus, ListenerStatus, Live, Transport};

    fn running() -> GatewayStatus {
        GatewayStatus {
            mode: Some(NetworkMode::Tun),
            workers: 2,
            ..GatewayStatus::default()
        }
    }

    fn says(gateway: GatewayStatus, link: &Link) -> (Tone, String) {
        let view = View {
            live: Arc::new(Live {
                gateway,
                ..Live::default()
            }),
            ..View::default()
        };
        let state = super::gateway(&view, link);
        (state.tone, state.words)
    }

    #[test]
    fn the_first_segment_says_the_worst_there_is() {
        let said = |gateway| says(gateway, &Link::Embedded).1;
        assert_eq!(said(GatewayStatus::default()), "Gateway starting");
        assert_eq!(said(running()), "Gateway running");
        let mut warned = running();
        warned.warnings.push("Forwarding is off".into());
        assert_eq!(said(warned.clone()), "1 warning");
        warned.listeners.push(ListenerStatus {
            endpoint_id: EndpointId::from_random([1; 9]),
            transport: Transport::Udp,
            port: 443,
            trouble: Some("Port 443 is taken".into()),
        });
        assert_eq!(said(warned.clone()), "1 listener not open");
        let gone = Link::Unreachable {
            since: jiff::Timestamp::UNIX_EPOCH,
            reason: String::new(),
        };
        assert_eq!(says(warned, &gone).0, Tone::Danger);
    }

    #[test]
    fn counters_stand_by_size_without_those_that_are_zero() {
        let counts = [("no-route", 2), ("bad-tag", 0), ("not-authorized", 70)];
        let counts = counts.map(|(reason, n)| (reason.to_owned(), n)).into();
        let lines = largest_first(&counts);
        assert_eq!(lines, [("not-authorized", 70), ("no-route", 2)]);
    }

    #[test]
    fn a_change_that_the_gateway_has_not_taken_is_said() {
        let mut gateway = running();
        gateway.applied_seq = 3;
        let view = |seq| View {
            snapshot: Arc::new(crate::model::Snapshot {
                seq,
                ..crate::model::Snapshot::default()
            }),
            live: Arc::new(Live {
                gateway: gateway.clone(),
                ..Live::default()
            }),
        };
        assert_eq!(saved(&view(3), &Link::Embedded), "All changes saved");
        assert_eq!(saved(&view(4), &Link::Embedded), "Saved, applying");
    }
}
