//! The answer in words and names: verdict, checks, matching rules, groups.

use egui::Ui;

use crate::{
    app::{
        context::Context,
        kit::{self, Check, Match, Tone, Went},
        shell::plural,
    },
    model::{
        Decision, Explanation, Miss, Step, VpcId, VpcReach, Way, WeighedRule,
        explanation::{AdmittingRule, GroupTitle, SecurityGroupTitle},
    },
};

/// The colour of a verdict.
pub(super) fn tone(verdict: Decision) -> Tone {
    match verdict {
        Decision::Allow => Tone::Success,
        Decision::Deny => Tone::Danger,
    }
}

/// The verdict in one sentence, and why in another.
pub(super) fn sentences(
    cx: &Context<'_>,
    answer: &Explanation,
    way: Option<&Way>,
) -> (String, String) {
    let (user, to) = (&answer.user, answer.destination);
    let on = traffic(answer);
    let title = match answer.verdict {
        Decision::Allow => format!("Allowed: {user} reaches {to}{on}"),
        Decision::Deny => format!("Denied: {user} cannot reach {to}{on}"),
    };
    let Some(way) = way else {
        return (title, answer.sentence.clone());
    };
    let checks = checks(cx, answer, way);
    let decides = checks
        .iter()
        .find(|check| check.went == Went::Refused)
        .or_else(|| checks.iter().find(|check| check.title == RULE));
    let mut why = match way.steps.iter().find(|step| !step.passes()) {
        Some(Step::Rules { prefix, rules, .. }) => refused(answer, prefix.as_ref(), rules),
        _ => decides.map_or_else(|| answer.sentence.clone(), |c| format!("{}.", c.detail)),
    };
    let others = answer.ways.iter().filter(|w| w.verdict != way.verdict);
    let others: Vec<&str> = others.map(|way| subnet(cx, way)).collect();
    if !others.is_empty() {
        let other = match way.verdict {
            Decision::Allow => "denied",
            Decision::Deny => "allowed",
        };
        let through = others.join(", ");
        why.push_str(&format!(
            " A session through {through} is {other}: which one it takes is settled when it connects."
        ));
    }
    (title, why)
}

/// ` on TCP 5432`, ` on TCP`, or nothing for all traffic.
fn traffic(answer: &Explanation) -> String {
    let Some(protocol) = answer.protocol else {
        return String::new();
    };
    let protocol = protocol.as_str().to_uppercase();
    match answer.port {
        Some(port) => format!(" on {protocol} {port}"),
        None => format!(" on {protocol}"),
    }
}

/// The name of a way's subnet.
pub(super) fn subnet<'c>(cx: &'c Context<'_>, way: &'c Way) -> &'c str {
    let subnet = cx.view.snapshot.subnets.get(&way.subnet_id);
    subnet.map_or(way.subnet_id.as_str(), |subnet| subnet.title())
}

/// The checks in the gateway's order.
pub(super) fn chain(cx: &Context<'_>, ui: &mut Ui, answer: &Explanation, way: &Way) {
    kit::strong(ui, "Checks, in the order the gateway makes them");
    kit::checks(ui, &checks(cx, answer, way));
}

fn checks(cx: &Context<'_>, answer: &Explanation, way: &Way) -> Vec<Check> {
    let refused = way.steps.iter().position(|step| !step.passes());
    let mut checks: Vec<Check> = way
        .steps
        .iter()
        .enumerate()
        .map(|(index, step)| {
            let (detail, object) = words(cx, answer, way, step);
            let (went, detail) = match refused {
                Some(at) if index == at => (Went::Refused, detail),
                Some(at) if index > at => (Went::NotReached, judged(step, &detail)),
                _ => (Went::Passed, detail),
            };
            Check {
                title: title(step.name()),
                detail,
                object,
                went,
            }
        })
        .collect();
    let reached = |name: &str| way.steps.iter().any(|step| step.name() == name);
    // What was let through without a check did not need it, for example a route to another client.
    let is_ended = way.verdict == Decision::Deny;
    let missing = STEPS.iter().filter(|name| is_ended && !reached(name));
    checks.extend(missing.map(|name| Check {
        title: title(name),
        detail: String::new(),
        object: String::new(),
        went: Went::NotReached,
    }));
    checks
}

/// What a check that was not reached would have said.
fn judged(step: &Step, detail: &str) -> String {
    match step.passes() {
        true => format!("Would pass: {detail}"),
        false => format!("Would refuse: {detail}"),
    }
}

/// The kinds of step, in the gateway's order.
const STEPS: [&str; 7] = [
    "source",
    "destination",
    "route",
    "rules",
    "security-group-out",
    "vpc",
    "resource-security-group-in",
];
const RULE: &str = "Authorization rule";

fn title(step: &str) -> &'static str {
    match step {
        "source" => "Source address",
        "destination" => "Destination address",
        "route" => "Route",
        "rules" => RULE,
        "security-group-out" => "Security groups, outbound",
        "resource-security-group-in" => "Security groups of the resource",
        _ => "VPC reachability",
    }
}

/// What came of a step, and the object that it came from.
fn words(cx: &Context<'_>, answer: &Explanation, way: &Way, step: &Step) -> (String, String) {
    match step {
        Step::Source {
            address: Some(address),
            ..
        } => (
            format!("{address} is the address leased to this connection"),
            String::new(),
        ),
        Step::Source { user, .. } => (
            format!("Any address that {user} is given when connecting"),
            String::new(),
        ),
        Step::Destination { closed: None, .. } => (
            "Not one of the addresses that are always closed".to_owned(),
            String::new(),
        ),
        Step::Destination {
            closed: Some(why), ..
        } => (without_stop(why), String::new()),
        Step::Route {
            chosen: Some(chosen),
            shadowed,
            ..
        } => {
            let detail = match shadowed.len() {
                0 => "The only match in the route table".to_owned(),
                n => format!(
                    "Longest match in the route table, before {}",
                    plural(n, "shorter one", "shorter ones")
                ),
            };
            (detail, format!("{chosen} via {}", subnet(cx, way)))
        }
        Step::Route { chosen: None, .. } => (
            format!(
                "No route through {} leads to {}",
                subnet(cx, way),
                answer.destination
            ),
            String::new(),
        ),
        Step::Rules { prefix, rules, .. } => rule_words(answer, prefix.as_ref(), rules),
        Step::SecurityGroupOut {
            groups,
            admitted_by,
        } => {
            let detail = match (groups.as_slice(), admitted_by) {
                ([], _) => "None is applied to the endpoint, so none limits it".to_owned(),
                (_, Some(_)) => "An outbound rule lets it out".to_owned(),
                (groups, None) => format!("No outbound rule of {} lets it out", names(groups)),
            };
            (detail, admitting(admitted_by.as_ref()))
        }
        Step::Vpc { vpc_id, by } => vpc_words(cx, answer, vpc_id, by.as_ref()),
        Step::ResourceSecurityGroupIn { resource: None, .. } => (
            "No resource is known at the destination, so none guards it".to_owned(),
            String::new(),
        ),
        Step::ResourceSecurityGroupIn {
            resource: Some(resource),
            from,
            groups,
            admitted_by,
        } => {
            let name = &resource.name;
            let detail = match admitted_by {
                Some(_) => format!("An inbound rule of {name} lets it in"),
                None => format!(
                    "{name} sees it come from {from}, and no inbound rule of {} lets that in",
                    names(groups)
                ),
            };
            (detail, admitting(admitted_by.as_ref()))
        }
    }
}

fn names(groups: &[SecurityGroupTitle]) -> String {
    let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    names.join(", ")
}

fn admitting(rule: Option<&AdmittingRule>) -> String {
    rule.map_or_else(String::new, ToString::to_string)
}

fn vpc_words(
    cx: &Context<'_>,
    answer: &Explanation,
    vpc_id: &VpcId,
    by: Option<&VpcReach>,
) -> (String, String) {
    let vpc = cx.view.snapshot.vpcs.get(vpc_id);
    let vpc = vpc.map_or(vpc_id.as_str(), |vpc| vpc.title());
    match by {
        Some(VpcReach::Local(block)) => (
            format!("{vpc} has the destination in its own addresses"),
            block.to_string(),
        ),
        Some(VpcReach::InternetGateway) => (
            format!("Outside {vpc}, which reaches it through its internet gateway"),
            String::new(),
        ),
        Some(VpcReach::PeeringConnection(id)) => (
            format!("Outside {vpc}, which reaches it through a peering connection"),
            id.to_string(),
        ),
        Some(VpcReach::VpnConnection(id)) => (
            format!("Outside {vpc}, which reaches it through a VPN connection"),
            id.to_string(),
        ),
        Some(VpcReach::Blackhole(nowhere)) => (
            format!("Outside {vpc}, which does not reach it: {nowhere}"),
            nowhere.target.as_str().to_owned(),
        ),
        None => (
            format!(
                "{} is outside {vpc}, and no route of its route table leads there",
                answer.destination
            ),
            String::new(),
        ),
    }
}

fn rule_words(
    answer: &Explanation,
    prefix: Option<&ipnet::Ipv4Net>,
    rules: &[WeighedRule],
) -> (String, String) {
    let Some(prefix) = prefix else {
        return (
            format!("No authorization rule is for {}", answer.destination),
            String::new(),
        );
    };
    if let Some(rule) = rules.iter().find(|rule| rule.miss.is_none()) {
        let detail = format!("The rule for {prefix} decides, being the longest that matches");
        return (detail, object(rule));
    }
    let detail = format!(
        "The longest matching prefix decides; no rule of that prefix lets {} in",
        answer.user
    );
    let objects: Vec<String> = rules.iter().map(object).collect();
    (detail, objects.join("; "))
}

/// Why the deciding rules let nobody like this in.
fn refused(answer: &Explanation, prefix: Option<&ipnet::Ipv4Net>, rules: &[WeighedRule]) -> String {
    let user = &answer.user;
    match (prefix, rules) {
        (None, _) => format!("No authorization rule is for {}.", answer.destination),
        (Some(prefix), [rule]) => {
            format!(
                "The rule for {prefix} decides, and {}.",
                why_not(rule, user)
            )
        }
        (Some(prefix), _) => {
            format!("The rules for {prefix} decide, and none of them lets {user} in.")
        }
    }
}

fn object(rule: &WeighedRule) -> String {
    let who = who(rule);
    let who = who.replacen("Group", "group", 1).replacen("All", "all", 1);
    match rule.limits.protocol {
        None => format!("{}, {who}", rule.destination),
        Some(_) => format!("{}, {who}, {}", rule.destination, rule.limits.traffic()),
    }
}

/// What keeps a rule from granting, as the rest of a sentence.
fn why_not(rule: &WeighedRule, user: &str) -> String {
    match rule.miss {
        Some(Miss::NotMember) => {
            let group = group_name(rule);
            format!("it lets in only the group {group}. {user} is not a member")
        }
        Some(Miss::Expired) => "its time is over".to_owned(),
        Some(Miss::OtherTraffic) => format!("it is only for {}", rule.limits.traffic()),
        None => "it lets this in".to_owned(),
    }
}

fn group_name(rule: &WeighedRule) -> String {
    let sid = || rule.access.group().map(ToString::to_string);
    rule.group_name.clone().or_else(sid).unwrap_or_default()
}

/// Whom a rule lets in.
fn who(rule: &WeighedRule) -> String {
    match rule.access.group() {
        None => "All users".to_owned(),
        Some(_) => format!("Group {}", group_name(rule)),
    }
}

/// The rules whose network holds the destination, longest prefix first.
pub(super) fn rules(ui: &mut Ui, answer: &Explanation, way: &Way) {
    kit::strong(ui, &format!("Rules that match {}", answer.destination));
    let found = way.steps.iter().find_map(|step| match step {
        Step::Rules {
            rules, shadowed, ..
        } => Some((rules, shadowed)),
        _ => None,
    });
    let Some((deciding, shadowed)) = found else {
        kit::weak(ui, "Not reached: an earlier check ends it");
        return;
    };
    if deciding.is_empty() && shadowed.is_empty() {
        kit::weak(ui, "None");
    }
    let granted = deciding.iter().any(|rule| rule.miss.is_none());
    for rule in deciding {
        let tone = match rule.miss {
            None => Tone::Success,
            Some(_) if granted => Tone::Ended,
            Some(_) => Tone::Danger,
        };
        kit::matching_rule(ui, &matched(rule, Some(tone)));
    }
    for rule in shadowed {
        kit::matching_rule(ui, &matched(rule, None));
    }
}

fn matched(rule: &WeighedRule, decides: Option<Tone>) -> Match {
    let why = match (rule.miss, decides.is_some()) {
        (None, true) => "Lets this in",
        (None, false) => "Would let this in",
        (Some(Miss::NotMember), _) => "Not a member",
        (Some(Miss::Expired), _) => "Expired",
        (Some(Miss::OtherTraffic), _) => "For other traffic",
    };
    Match {
        network: rule.destination.to_string(),
        length: rule.destination.prefix_len(),
        who: who(rule),
        why: match rule.limits.protocol {
            None => why.to_owned(),
            Some(_) => format!("{}. {why}", rule.limits.traffic().to_uppercase()),
        },
        decides,
    }
}

/// The user's groups as tags.
pub(super) fn groups(ui: &mut Ui, answer: &Explanation, way: &Way) {
    let groups = of_user(way);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = egui::vec2(8.0, 6.0);
        kit::weak(ui, &format!("Groups of {}", answer.user));
        if groups.is_empty() {
            kit::weak(ui, "none");
        }
        for group in groups {
            kit::tag(ui, &group.name).on_hover_text(group.sid.as_str());
        }
    });
}

/// The groups that the user is in.
pub(super) fn of_user(way: &Way) -> &[GroupTitle] {
    let source = way.steps.iter().find_map(|step| match step {
        Step::Source { groups, .. } => Some(groups.as_slice()),
        _ => None,
    });
    source.unwrap_or_default()
}

fn without_stop(sentence: &str) -> String {
    sentence.trim_end_matches('.').to_owned()
}
