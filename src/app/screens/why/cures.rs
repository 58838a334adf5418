//! What would allow it: acts there are, each opening its dialog filled in.

use egui::Ui;
use ipnet::Ipv4Net;
use jiff::Timestamp;

use super::answer;
use crate::{
    app::{
        context::{Action, Context, EndpointTab},
        dialogs::{
            Dialog, add_member::AddMember, associate::Associate, authorize::Authorize,
            create_route::CreateRoute, internet_gateway::NewInternetGateway,
        },
        kit,
    },
    model::{
        Decision, EndpointId, Explanation, Limits, Miss, PortRange, Sid, Step, Vpc, VpcReach, Way,
        WeighedRule, explanation::SecurityGroupTitle, net::everywhere,
    },
};

/// One act that would take the refusing check away.
struct Cure {
    title: String,
    what: String,
    button: String,
    action: Action,
}

impl Cure {
    fn dialog(title: String, what: String, button: &str, dialog: impl Dialog + 'static) -> Self {
        Self {
            title,
            what,
            button: button.to_owned(),
            action: Action::Open(Box::new(dialog)),
        }
    }
}

/// Offers what would let the packet past the check that refused it.
pub(super) fn ui(
    cx: &mut Context<'_>,
    ui: &mut Ui,
    answer: &Explanation,
    (endpoint, way): (&EndpointId, Option<&Way>),
) {
    if way.is_some_and(|way| way.verdict == Decision::Allow) {
        return;
    }
    ui.add_space(4.0);
    kit::strong(ui, "What would allow it");
    let cures = match way {
        None => vec![associate(cx, endpoint)],
        Some(way) => of_way(cx, answer, way, endpoint),
    };
    if cures.is_empty() {
        let is_rule = way.is_some_and(|way| way.steps.iter().any(|step| step.name() == "rules"));
        let words = match is_rule {
            true => {
                "A rule for just this address is there. Revoke it, then authorize what is meant."
            }
            false => "Nothing: no rule or route opens this address.",
        };
        kit::body(ui, words);
    }
    for cure in cures {
        card(cx, ui, cure);
    }
}

fn card(cx: &mut Context<'_>, ui: &mut Ui, cure: Cure) {
    let room = ui.available_width();
    kit::card(ui, 12, |ui| {
        ui.set_width(room - 26.0);
        ui.spacing_mut().item_spacing = egui::vec2(8.0, 4.0);
        kit::strong(ui, &cure.title);
        kit::help(ui, &cure.what);
        ui.add_space(2.0);
        if kit::button(&cure.button).clicked(ui) {
            cx.ask(cure.action);
        }
    });
}

fn associate(cx: &Context<'_>, endpoint: &EndpointId) -> Cure {
    Cure::dialog(
        "Associate a target network".to_owned(),
        "Clients connect, and reach its VPC where a rule lets them in.".to_owned(),
        "Associate…",
        Associate::new(&cx.view.snapshot, endpoint.clone()),
    )
}

fn of_way(cx: &Context<'_>, answer: &Explanation, way: &Way, endpoint: &EndpointId) -> Vec<Cure> {
    let snapshot = &cx.view.snapshot;
    let refused = way.steps.iter().find(|step| !step.passes());
    match refused {
        Some(Step::Route { .. }) => vec![route(cx, answer, way, endpoint)],
        Some(Step::Rules { prefix, rules, .. }) => {
            let mut cures = memberships(cx, answer, rules);
            cures.extend(rule(cx, answer, way, (*prefix, rules), endpoint));
            cures
        }
        Some(Step::SecurityGroupOut { groups, .. }) => let_out(answer, groups, endpoint),
        Some(Step::Vpc { vpc_id, by }) => match snapshot.vpcs.get(vpc_id) {
            Some(vpc) => vpc_route(cx, answer, vpc, by.as_ref()),
            None => Vec::new(),
        },
        Some(Step::ResourceSecurityGroupIn {
            resource: Some(resource),
            groups,
            from,
            ..
        }) => groups
            .iter()
            .map(|group| Cure {
                title: format!("Let it in by the security group {}", group.name),
                what: format!(
                    "An inbound rule for {} from {from} or from a security group of the endpoint. It opens everything that has the group, {} among it.",
                    asked(answer),
                    resource.name
                ),
                button: format!("Show {}", group.name),
                action: Action::ShowSecurityGroup(group.id.clone()),
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// What was asked for, as rules of security groups spell it.
fn asked(answer: &Explanation) -> String {
    let port = answer.port.map(|port| PortRange {
        from: port,
        to: port,
    });
    let limits = Limits {
        protocol: answer.protocol,
        ports: port,
        expires_at: None,
    };
    limits.traffic()
}

/// A rule of a security group the endpoint has, or another group for the endpoint.
fn let_out(
    answer: &Explanation,
    groups: &[SecurityGroupTitle],
    endpoint: &EndpointId,
) -> Vec<Cure> {
    let of_group = groups.iter().map(|group| Cure {
        title: format!("Let it out by the security group {}", group.name),
        what: format!(
            "An outbound rule for {} to {}. It holds for everything that has the group.",
            asked(answer),
            answer.destination
        ),
        button: format!("Show {}", group.name),
        action: Action::ShowSecurityGroup(group.id.clone()),
    });
    let others = Cure {
        title: "Apply other security groups to the endpoint".to_owned(),
        what: "One group that lets it out is enough; the clients of all target networks get it."
            .to_owned(),
        button: "Show Security Groups".to_owned(),
        action: Action::ShowEndpoint(endpoint.clone(), Some(EndpointTab::SecurityGroups)),
    };
    of_group.chain([others]).collect()
}

/// A route of the VPC, where it lacks or leads nowhere; and a gateway where there is none.
fn vpc_route(
    cx: &Context<'_>,
    answer: &Explanation,
    vpc: &Vpc,
    by: Option<&VpcReach>,
) -> Vec<Cure> {
    let name = vpc.title();
    let mut cures = Vec::new();
    if by.is_none() && cx.view.snapshot.internet_gateway_of(&vpc.id).is_none() {
        cures.push(Cure::dialog(
            format!("Attach an internet gateway to {name}"),
            format!("{name} then reaches everything outside it by this machine's own routes."),
            "Create internet gateway…",
            NewInternetGateway::new(vpc.clone()),
        ));
    }
    let (title, what) = match by.and_then(VpcReach::blackhole) {
        Some(nowhere) => (
            format!("Mend the route of {name} to {}", nowhere.destination),
            format!("Now {nowhere}. Give the route a target that works, or delete it."),
        ),
        None => (
            format!("Add a route to {} in {name}", answer.destination),
            "Through an internet gateway, a peering connection or a VPN connection, in the route table of the target network's subnet.".to_owned(),
        ),
    };
    cures.push(Cure {
        title,
        what,
        button: "Show route tables".to_owned(),
        action: Action::ShowRouteTables(vpc.id.clone()),
    });
    cures
}

/// A route to the one address, or to everywhere where that is what lacks and is meant.
fn route(cx: &Context<'_>, answer: &Explanation, way: &Way, endpoint: &EndpointId) -> Cure {
    let destination = Ipv4Net::from(answer.destination).to_string();
    let dialog = CreateRoute::new(&cx.view.snapshot, endpoint.clone())
        .to(&destination)
        .through(way.subnet_id.clone());
    Cure::dialog(
        format!("Create a route to {destination}"),
        format!(
            "Through {}. A shorter prefix, up to {}, takes in more than this address.",
            answer::subnet(cx, way),
            everywhere()
        ),
        "Create Route…",
        dialog,
    )
}

/// Groups whose members the deciding rules let in with what was asked for.
fn memberships(cx: &Context<'_>, answer: &Explanation, rules: &[WeighedRule]) -> Vec<Cure> {
    let missed = rules
        .iter()
        .filter(|rule| rule.miss == Some(Miss::NotMember) && fits(rule, answer, cx.now));
    missed
        .filter_map(|rule| {
            let sid = rule.access.group()?.clone();
            let name = rule.group_name.clone().unwrap_or_else(|| sid.to_string());
            Some(Cure::dialog(
                format!("Add {} to {name}", answer.user),
                format!(
                    "All that the rules for {name} let in, {} among it.",
                    rule.destination
                ),
                "Add to group…",
                AddMember::new(Some(sid), &answer.user),
            ))
        })
        .collect()
}

/// Whether a rule would let in what was asked for if only its group did.
fn fits(rule: &WeighedRule, answer: &Explanation, now: Timestamp) -> bool {
    let limits = &rule.limits;
    limits.takes(answer.protocol, answer.port) && !limits.is_expired(now)
}

/// A rule for this one address: of the smallest of the user's groups, or for all users. None where
/// there is such a rule.
fn rule(
    cx: &Context<'_>,
    answer: &Explanation,
    way: &Way,
    (prefix, rules): (Option<Ipv4Net>, &[WeighedRule]),
    endpoint: &EndpointId,
) -> Option<Cure> {
    let host = Ipv4Net::from(answer.destination);
    let members = |sid: &Sid| {
        let group = cx.view.snapshot.groups.get(sid);
        group.map_or(usize::MAX, |group| group.members.len())
    };
    let is_there = |sid: Option<&Sid>| {
        let same = |rule: &WeighedRule| rule.destination == host && rule.access.group() == sid;
        rules.iter().any(same)
    };
    let groups = answer::of_user(way).iter();
    let group = groups
        .filter(|group| !is_there(Some(&group.sid)))
        .min_by_key(|group| members(&group.sid));
    let who = group.map_or("all users", |group| group.name.as_str());
    let sid: Option<Sid> = group.map(|group| group.sid.clone());
    if is_there(sid.as_ref()) {
        return None;
    }
    let what = match prefix {
        Some(prefix) if prefix == host => {
            "One rule that grants is enough among those of the same prefix.".to_owned()
        }
        Some(prefix) if group.is_some() => format!(
            "A longer prefix than {prefix}, so it alone decides for this address: whom only {prefix} lets in no longer reaches it."
        ),
        Some(prefix) => {
            format!("A longer prefix than {prefix}, so it alone decides for this address.")
        }
        None => "The first rule for this address.".to_owned(),
    };
    let dialog = Authorize::new(&cx.view.snapshot, endpoint.clone())
        .to(&host.to_string())
        .for_group(sid);
    Some(Cure::dialog(
        format!("Authorize {who} for {host}"),
        what,
        "Authorize ingress…",
        dialog,
    ))
}
