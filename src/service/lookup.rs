//! Looking things up in the event record, as CloudTrail's `LookupEvents` does.

use jiff::Timestamp;

use super::{Service, fields::invalid};
use crate::{
    clock,
    model::{
        Answer, Code, Refusal,
        command::{EventPage, LookupAttribute, LookupEvents},
    },
    store::EventFilter,
};

impl Service {
    pub(super) async fn look_up_events(&self, wanted: &LookupEvents) -> Result<Answer, Refusal> {
        let limit = wanted.max_results.unwrap_or(50);
        if !(1..=MAX_EVENTS).contains(&limit) {
            return Err(invalid(
                "MaxResults",
                format!("Between 1 and {MAX_EVENTS} events are listed at once, for example 50"),
            )
            .cure("50"));
        }
        let filter = filter(wanted)?;
        // What was asked for before this must be in it.
        self.inner.recorder.flush().await;
        self.inner
            .store
            .transact(clock::now(), move |tx| {
                let (events, more) = tx.events(&filter, limit)?;
                let last = events.last().filter(|_| more);
                Ok(Answer::Events(EventPage {
                    next_token: last.map(|event| event.seq.to_string()),
                    events,
                }))
            })
            .await
    }
}

/// What events must have that are looked for.
fn filter(wanted: &LookupEvents) -> Result<EventFilter, Refusal> {
    let mut filter = EventFilter {
        before_seq: wanted.next_token.as_deref().map(token).transpose()?,
        since: time("StartTime", wanted.start_time.as_deref())?,
        until: time("EndTime", wanted.end_time.as_deref())?,
        ..EventFilter::default()
    };
    if let (Some(since), Some(until)) = (filter.since, filter.until)
        && until < since
    {
        return Err(Refusal::new(
            Code::InvalidParameterCombination,
            format!("EndTime {until} is before StartTime {since}; give a later one"),
        )
        .at("EndTime")
        .cure(since.to_string()));
    }
    for attribute in &wanted.lookup_attributes {
        narrow(&mut filter, attribute)?;
    }
    Ok(filter)
}

fn narrow(filter: &mut EventFilter, attribute: &LookupAttribute) -> Result<(), Refusal> {
    let key = attribute.key.trim();
    let value = attribute.value.trim();
    if !(1..=MAX_VALUE).contains(&value.chars().count()) {
        return Err(invalid(
            ATTRIBUTES,
            format!("The value of {key} has 1 to {MAX_VALUE} characters"),
        ));
    }
    let text = || value.to_owned();
    let is_new = match key {
        "EventId" => {
            let seq = value.parse().map_err(|_| {
                invalid(
                    ATTRIBUTES,
                    format!("\"{value}\" is not the number of an event, for example 17"),
                )
                .cure("AttributeKey=EventId,AttributeValue=17")
            })?;
            filter.seq.replace(seq).is_none()
        }
        "EventName" => filter.action.replace(text()).is_none(),
        "ReadOnly" => {
            let read_only = value.to_ascii_lowercase().parse().map_err(|_| {
                invalid(
                    ATTRIBUTES,
                    format!("ReadOnly is true or false, not \"{value}\""),
                )
                .cure("AttributeKey=ReadOnly,AttributeValue=false")
            })?;
            filter.read_only.replace(read_only).is_none()
        }
        "Username" => filter.caller.replace(text()).is_none(),
        "ResourceName" => filter.resource.replace(text()).is_none(),
        other => {
            return Err(invalid(
                ATTRIBUTES,
                format!(
                    "\"{other}\" is not something events are looked up by; take EventId, EventName, ReadOnly, Username or ResourceName"
                ),
            )
            .cure("AttributeKey=EventName,AttributeValue=CreateClientVpnEndpoint"));
        }
    };
    if is_new {
        return Ok(());
    }
    Err(Refusal::new(
        Code::InvalidParameterCombination,
        format!("{key} is there twice; an event has one, so give it once"),
    )
    .at(ATTRIBUTES))
}

/// Where a page begins: the place of the last event of the one before.
fn token(text: &str) -> Result<u64, Refusal> {
    text.trim().parse().map_err(|_| {
        Refusal::new(
            Code::InvalidPaginationToken,
            format!("\"{text}\" is not where a page of events begins; give the NextToken of the answer before, or leave it out"),
        )
        .at("NextToken")
    })
}

fn time(field: &str, text: Option<&str>) -> Result<Option<Timestamp>, Refusal> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|_| {
        invalid(
            field,
            format!("\"{text}\" is no time with a zone, for example {TIME_EXAMPLE}"),
        )
        .cure(TIME_EXAMPLE)
    })
}

const ATTRIBUTES: &str = "LookupAttributes";
const TIME_EXAMPLE: &str = "2026-11-26T12:00:00Z";
/// As long as CloudTrail takes.
const MAX_VALUE: usize = 2_000;
const MAX_EVENTS: u32 = 1_000;
