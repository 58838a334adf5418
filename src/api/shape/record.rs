//! Shapes of the event record: ours, and CloudTrail's around it.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{answer_to, insert_some, list};
use crate::model::{Answer, Command, Event, FieldChange, Outcome, Undo, command::EventPage};

/// An answer as CloudTrail's clients read it: each event in a few words, with all that is known of it
/// as text inside.
#[must_use]
pub fn cloud_trail(command: &Command, given: &Answer, now: Timestamp) -> Value {
    let Answer::Events(page) = given else {
        return answer_to(command, given, now);
    };
    let outer = |it: &Event| {
        json!({
            "EventId": it.seq.to_string(),
            "EventName": it.action,
            "ReadOnly": it.read_only.to_string(),
            "EventTime": it.at,
            "Username": it.caller,
            "Resources": list(&it.resources, |name| json!({"ResourceName": name})),
            "CloudTrailEvent": event(it).to_string(),
        })
    };
    paged(page, outer)
}

pub(super) fn events(page: &EventPage) -> Value {
    paged(page, event)
}

fn paged(page: &EventPage, event: impl Fn(&Event) -> Value) -> Value {
    let mut shape = Map::new();
    shape.insert("Events".to_owned(), list(&page.events, event));
    insert_some(&mut shape, "NextToken", page.next_token.as_ref());
    Value::Object(shape)
}

/// All that is known of an event.
#[must_use]
pub fn event(it: &Event) -> Value {
    let mut shape = Map::new();
    shape.insert("EventNumber".to_owned(), json!(it.seq));
    shape.insert("EventTime".to_owned(), json!(it.at));
    shape.insert("EventName".to_owned(), json!(it.action));
    shape.insert("Username".to_owned(), json!(it.caller));
    shape.insert("Face".to_owned(), json!(it.face));
    shape.insert("Resources".to_owned(), json!(it.resources));
    shape.insert("RequestParameters".to_owned(), it.parameters.clone());
    shape.insert("ReadOnly".to_owned(), json!(it.read_only));
    if !it.changes.is_empty() {
        let change = |it: &FieldChange| {
            json!({
                "ResourceType": it.resource_type,
                "ResourceName": it.resource,
                "Field": it.field,
                "Before": it.before,
                "After": it.after,
            })
        };
        shape.insert("Changes".to_owned(), list(&it.changes, change));
    }
    if it.changes_left_out > 0 {
        let left_out = json!(it.changes_left_out);
        shape.insert("ChangesLeftOutBytes".to_owned(), left_out);
    }
    match &it.undo {
        Undo::Nothing => {}
        Undo::Possible => drop(shape.insert("Undo".to_owned(), json!("possible"))),
        Undo::Impossible(why) => drop(shape.insert("CannotUndo".to_owned(), json!(why))),
        Undo::Done(by) => drop(shape.insert("UndoneBy".to_owned(), json!(by))),
    }
    if let Outcome::Refused { code, message } = &it.outcome {
        shape.insert("ErrorCode".to_owned(), json!(code.as_str()));
        shape.insert("ErrorMessage".to_owned(), json!(message));
    }
    Value::Object(shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed() -> Event {
        Event {
            seq: 17,
            at: "2026-11-26T12:00:00Z".parse().unwrap(),
            caller: "anna".to_owned(),
            face: "cli".to_owned(),
            action: "ModifyClientVpnEndpoint".to_owned(),
            resources: vec!["cvpn-endpoint-0a1b2c3d4e5f60718".to_owned()],
            parameters: json!({"vpn_port": 1194}),
            outcome: Outcome::Allowed,
            read_only: false,
            changes: vec![FieldChange {
                resource_type: "client-vpn-endpoint".to_owned(),
                resource: "cvpn-endpoint-0a1b2c3d4e5f60718".to_owned(),
                field: "port".to_owned(),
                before: Some(json!(443)),
                after: Some(json!(1194)),
            }],
            changes_left_out: 0,
            undo: Undo::Possible,
        }
    }

    #[test]
    fn cloud_trail_tells_the_whole_event_as_text_inside() {
        let page = EventPage {
            events: vec![changed()],
            next_token: Some("17".to_owned()),
        };
        let command = Command::LookupEvents(crate::model::command::LookupEvents::default());
        let now = Timestamp::UNIX_EPOCH;
        let shape = cloud_trail(&command, &Answer::Events(page), now);
        assert_eq!(shape["NextToken"], "17");
        let told = &shape["Events"][0];
        assert_eq!(told["EventId"], "17");
        assert_eq!(told["ReadOnly"], "false");
        let name = "cvpn-endpoint-0a1b2c3d4e5f60718";
        assert_eq!(told["Resources"], json!([{"ResourceName": name}]));
        let inside: Value =
            serde_json::from_str(told["CloudTrailEvent"].as_str().unwrap()).unwrap();
        assert_eq!(inside, event(&changed()));
        assert_eq!(
            inside["Changes"],
            json!([{
                "ResourceType": "client-vpn-endpoint", "ResourceName": name, "Field": "port",
                "Before": 443, "After": 1194,
            }])
        );
        assert_eq!(inside["Undo"], "possible");
    }
}
