//! What a change would do, what a scenario lacks, and what is wrong: shapes of ours.

use serde_json::{Map, Value, json};

use super::{insert_some, list};
use crate::model::{
    Command, ConnectionTest, Finding, GatewayStatus, Preview, ReachChange, ReachedPart, Scenario,
    TestStep, UnprovenPrefix, View,
};

pub(super) fn preview(it: &Preview) -> Value {
    json!({
        "Warnings": it.warnings,
        "Sessions": list(&it.sessions, reach_change),
        "MoreSessions": it.more_sessions,
        "SessionsLookedAt": it.looked_at,
    })
}

fn reach_change(it: &ReachChange) -> Value {
    let part = |part: &ReachedPart| json!({"Network": part.network, "Traffic": part.traffic});
    json!({
        "ConnectionId": it.connection_id,
        "ClientVpnEndpointId": it.endpoint_id,
        "CommonName": it.common_name,
        "ClientIp": it.client_ip,
        "Gains": list(&it.gains, part),
        "Loses": list(&it.loses, part),
        "MoreParts": it.more_parts,
    })
}

/// How far a scenario has come; `words` says each command that is missing as the face says commands.
#[must_use]
pub fn scenario(it: &Scenario, words: impl Fn(&Command) -> String) -> Value {
    let steps: Vec<Value> = it
        .steps
        .iter()
        .map(|step| {
            json!({
                "Name": step.name,
                "Title": step.title,
                "Done": step.is_done,
                "Sentence": step.sentence,
                "Replaces": step.replaces,
                "Commands": list(&step.offer, |command| json!(words(command))),
            })
        })
        .collect();
    json!({
        "Scenario": it.scenario.as_str(),
        "Complete": it.is_complete(),
        "Steps": steps,
    })
}

pub(super) fn connection_test(it: &ConnectionTest) -> Value {
    let step = |step: &TestStep| {
        json!({
            "Name": step.name,
            "Passed": step.passed,
            "Sentence": step.sentence,
            "Details": step.details,
            "Milliseconds": step.milliseconds,
        })
    };
    json!({"Passed": it.passed, "Steps": list(&it.steps, step)})
}

pub(super) fn finding(it: &Finding) -> Value {
    let mut shape = Map::new();
    shape.insert("Check".to_owned(), json!(it.check));
    shape.insert("Severity".to_owned(), json!(it.severity.as_str()));
    shape.insert("Sentence".to_owned(), json!(it.sentence));
    insert_some(&mut shape, "Mend", it.mend.as_ref());
    let commands = it.commands.as_ref();
    let commands = commands.map(|text| text.lines().collect::<Vec<_>>());
    insert_some(&mut shape, "Commands", commands);
    Value::Object(shape)
}

/// What the gateway did not carry: packets of sessions, and attempts from strangers, each by reason.
pub(super) fn not_carried(it: &View) -> Value {
    let gateway = &it.live.gateway;
    json!({
        "Drops": gateway.drops,
        "Unproven": gateway.unproven,
        "UnprovenByPrefix": unproven_prefixes(gateway),
    })
}

/// Attempts that ended before they cost a record, by where they came from.
pub(super) fn unproven_prefixes(it: &GatewayStatus) -> Value {
    list(&it.unproven_prefixes, |it: &UnprovenPrefix| {
        let prefix = it.prefix.map(|prefix| prefix.to_string());
        json!({
            "Prefix": prefix.as_deref().unwrap_or("other"),
            "Count": it.count,
            "Reasons": it.reasons,
            "LastAt": it.last_at,
        })
    })
}
