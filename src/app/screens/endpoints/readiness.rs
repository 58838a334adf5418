//! What an endpoint still lacks until a client reaches something through it.

use egui::{Frame, Margin, Ui};

use crate::{
    app::{
        context::Context,
        dialogs::{
            associate::Associate, authorize::Authorize, create_route::CreateRoute,
            download::Download,
        },
        kit::{self, Step, Tone},
    },
    model::{AssociationState, Endpoint, Snapshot, net::everywhere},
};

/// A step on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Network,
    Rule,
    Internet,
    File,
}

/// The steps of an endpoint with whether each is done; a split tunnel needs no way to the
/// internet, and whether a file was handed out is not known.
pub(super) fn needs(snapshot: &Snapshot, endpoint: &Endpoint) -> Vec<(Need, bool)> {
    let network = snapshot
        .associations_of(&endpoint.id)
        .any(|a| !matches!(a.state, AssociationState::Failed { .. }));
    let rule = snapshot.rules_of(&endpoint.id).next().is_some();
    let internet = snapshot
        .routes_of(&endpoint.id)
        .any(|route| route.destination == everywhere());
    let mut needs = vec![(Need::Network, network), (Need::Rule, rule)];
    if !endpoint.split_tunnel {
        needs.push((Need::Internet, internet));
    }
    needs.push((Need::File, false));
    needs
}

/// Why a target network could not be associated, if none is and one could not.
fn failure(snapshot: &Snapshot, endpoint: &Endpoint) -> Option<String> {
    let mut all = snapshot.associations_of(&endpoint.id);
    all.find_map(|a| match &a.state {
        AssociationState::Failed { reason } => Some(reason.clone()),
        _ => None,
    })
}

/// Whether anything but handing out the file is left.
pub(super) fn is_ready(snapshot: &Snapshot, endpoint: &Endpoint) -> bool {
    first_lack(snapshot, endpoint).is_none()
}

/// The first thing an open endpoint lacks, in a word or two. That it has no network, its state
/// says already.
pub(super) fn lack(snapshot: &Snapshot, endpoint: &Endpoint) -> Option<&'static str> {
    match first_lack(snapshot, endpoint)? {
        Need::Network | Need::File => None,
        Need::Rule => Some("No authorization rule"),
        Need::Internet => Some("No route to the internet"),
    }
}

fn first_lack(snapshot: &Snapshot, endpoint: &Endpoint) -> Option<Need> {
    needs(snapshot, endpoint)
        .into_iter()
        .find(|(need, done)| !done && *need != Need::File)
        .map(|(need, _)| need)
}

/// The steps as a checklist with a button at each.
pub(super) fn checklist(cx: &mut Context<'_>, endpoint: &Endpoint, ui: &mut Ui) {
    let needs = needs(&cx.view.snapshot, endpoint);
    let failed = failure(&cx.view.snapshot, endpoint);
    let steps: Vec<Step<'_>> = needs
        .iter()
        .map(|(need, done)| {
            let (label, action) = words(*need);
            // What failed is tried again by itself: associating once more would be refused.
            let again = *need == Need::Network && failed.is_some();
            Step {
                label,
                done: *done,
                action: if again { "" } else { action },
            }
        })
        .collect();
    let chosen = Frame::new()
        .inner_margin(Margin::symmetric(20, 14))
        .show(ui, |ui| {
            if let Some(reason) = &failed {
                kit::banner(Tone::Danger, "The target network could not be associated")
                    .body(reason)
                    .ui(ui);
                ui.add_space(12.0);
            }
            kit::checklist(ui, "Until a client gets through", &steps)
        })
        .inner;
    let Some((need, _)) = chosen.and_then(|index| needs.get(index)) else {
        return;
    };
    let snapshot = &cx.view.snapshot;
    let id = endpoint.id.clone();
    match need {
        Need::Network => {
            let dialog = Associate::new(snapshot, id);
            cx.open(dialog);
        }
        Need::Rule => {
            let dialog = Authorize::new(snapshot, id);
            cx.open(dialog);
        }
        Need::Internet => {
            let dialog = CreateRoute::new(snapshot, id);
            cx.open(dialog);
        }
        Need::File => cx.open(Download::new(id)),
    }
}

const fn words(need: Need) -> (&'static str, &'static str) {
    match need {
        Need::Network => (
            "A target network: the subnet that clients reach the VPC through",
            "Associate…",
        ),
        Need::Rule => (
            "An authorization rule: without one nothing is reached",
            "Authorize ingress…",
        ),
        Need::Internet => (
            "A route to the internet: all traffic goes into the tunnel",
            "Create Route…",
        ),
        Need::File => (
            "The client configuration file, for each person",
            "Download…",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testing::sample;

    #[test]
    fn a_split_tunnel_needs_no_way_to_the_internet() {
        let (snapshot, _) = sample::office();
        let mut endpoint = snapshot.endpoints[&sample::endpoint_id(4)].clone();
        assert_eq!(
            needs(&snapshot, &endpoint),
            [
                (Need::Network, false),
                (Need::Rule, false),
                (Need::Internet, false),
                (Need::File, false)
            ]
        );
        endpoint.split_tunnel = true;
        assert_eq!(needs(&snapshot, &endpoint).len(), 3);
    }

    #[test]
    fn an_endpoint_with_network_rule_and_route_is_ready() {
        let (snapshot, _) = sample::office();
        let ready = |n| is_ready(&snapshot, &snapshot.endpoints[&sample::endpoint_id(n)]);
        assert!(ready(1));
        assert!(!ready(2), "no rule, no route");
        let lacks = |n| lack(&snapshot, &snapshot.endpoints[&sample::endpoint_id(n)]);
        assert_eq!(lacks(1), None);
        assert_eq!(lacks(2), Some("No authorization rule"));
        assert_eq!(lacks(4), None, "its state says that it has no network");
        let failed = &snapshot.endpoints[&sample::endpoint_id(3)];
        assert_eq!(needs(&snapshot, failed)[0], (Need::Network, false));
        assert!(failure(&snapshot, failed).unwrap().contains("11940"));
    }
}
