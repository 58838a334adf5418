//! Whether an endpoint has room for one client more.

use egui::{Frame, Margin, Ui};

use crate::{
    app::{
        context::Context,
        dialogs::raise_limit::RaiseLimit,
        format,
        kit::{self, Tone},
        limits::Limit,
    },
    model::Endpoint,
};

/// What stands in the way of the next client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    /// Every address of the client range is in use.
    Exhausted,
    /// Nine of ten are.
    Scarce,
    /// As many are connected as may be.
    Limit,
}

/// How many clients a range has addresses for: without the network's, the gateway's and the
/// broadcast address.
fn addresses(endpoint: &Endpoint) -> u32 {
    let bits = 32_u32.saturating_sub(u32::from(endpoint.client_cidr.prefix_len()));
    1_u32.checked_shl(bits).unwrap_or(0).saturating_sub(3)
}

fn of(endpoint: &Endpoint, live: usize, most: u32) -> Option<Room> {
    let (live, all) = (live as u64, u64::from(addresses(endpoint)));
    if live >= all {
        Some(Room::Exhausted)
    } else if live >= u64::from(most) {
        Some(Room::Limit)
    } else if live * 10 >= all * 9 {
        Some(Room::Scarce)
    } else {
        None
    }
}

/// Says so above the tabs, with what helps.
pub(super) fn notice(cx: &mut Context<'_>, endpoint: &Endpoint, ui: &mut Ui) {
    let live = cx.tally.of_endpoint(&endpoint.id);
    let most = cx.view.snapshot.settings.max_connections;
    let Some(room) = of(endpoint, live, most) else {
        return;
    };
    let (live, range) = (format::count(live as u64), endpoint.client_cidr);
    let all = format::count(u64::from(addresses(endpoint)));
    let larger = "A larger range needs another endpoint, as this one's never changes.";
    let (tone, title, body, action) = match room {
        Room::Exhausted => (
            Tone::Danger,
            format!("The client range {range} is exhausted"),
            format!("All {all} addresses are in use: new clients are refused. {larger}"),
            "",
        ),
        Room::Scarce => (
            Tone::Warning,
            format!("The client range {range} is nearly full"),
            format!("{live} of {all} addresses are in use. {larger}"),
            "",
        ),
        Room::Limit => (
            Tone::Danger,
            format!("{live} clients are connected, as many as may be"),
            "New clients are refused.".to_owned(),
            "Raise the limit…",
        ),
    };
    let pressed = Frame::new()
        .inner_margin(Margin::symmetric(20, 8))
        .show(ui, |ui| {
            kit::banner(tone, &title).body(&body).action(action).ui(ui)
        });
    if pressed.inner {
        cx.open(RaiseLimit::new(&cx.view.snapshot, Limit::Connections));
    }
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable as _;

    use super::*;
    use crate::{
        app::testing::{FakeConsole, Window, sample},
        model::Transport,
    };

    #[test]
    fn the_range_or_the_limit_stands_in_the_way_of_the_next_client() {
        let endpoint = sample::endpoint(1, "a", "10.20.0.0/22", Transport::Udp, 443);
        assert_eq!(addresses(&endpoint), 1_021);
        assert_eq!(of(&endpoint, 900, 2_000), None);
        assert_eq!(of(&endpoint, 919, 2_000), Some(Room::Scarce));
        assert_eq!(of(&endpoint, 1_021, 2_000), Some(Room::Exhausted));
        assert_eq!(of(&endpoint, 500, 500), Some(Room::Limit));
    }

    #[test]
    fn an_endpoint_that_takes_no_more_clients_says_so_and_offers_to() {
        let (mut snapshot, live) = sample::office();
        snapshot.settings.max_connections = 18;
        let mut window = Window::open(FakeConsole::new(snapshot, live));
        window.show_endpoint(1, None);
        assert!(window.says("18 clients are connected, as many as may be"));
        window.press("Raise the limit…");
        let role = egui::Role::TextInput;
        let limit = "Live connections per endpoint";
        window.harness.get_by_role_and_label(role, limit);
    }

    #[test]
    fn an_exhausted_client_range_is_shown_on_the_endpoint() {
        let (mut snapshot, mut live) = sample::office();
        let endpoint = snapshot.endpoints.get_mut(&sample::endpoint_id(1)).unwrap();
        // No endpoint is made with such a range; it keeps the test small.
        endpoint.client_cidr = "10.20.0.0/28".parse().unwrap();
        live.connections.truncate(13);
        let mut window = Window::open(FakeConsole::new(snapshot, live));
        window.show_endpoint(1, None);
        assert!(window.says("The client range 10.20.0.0/28 is exhausted"));
        assert!(window.says("All 13 addresses are in use"));
    }
}
