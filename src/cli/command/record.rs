//! `gatehouse cloudtrail` as it is meant.

use super::{Call, UsageError, words};
use crate::{
    api::shape,
    cli::args::CloudTrail,
    model::{
        Command, Request,
        command::{LookupEvents, UndoEvent},
    },
};

pub(super) fn call(it: CloudTrail) -> Result<Call, UsageError> {
    let request = match it {
        CloudTrail::LookupEvents {
            lookup_attributes,
            start_time,
            end_time,
            max_results,
            next_token,
        } => Request::from(Command::LookupEvents(LookupEvents {
            max_results,
            lookup_attributes: words::lookup_attributes(&lookup_attributes)?,
            start_time,
            end_time,
            next_token,
        })),
        CloudTrail::UndoEvent { event_id, dry_run } => Request {
            dry_run,
            ..Request::from(Command::UndoEvent(UndoEvent {
                event_seq: event_id,
            }))
        },
    };
    let shape = shape::cloud_trail;
    Ok(Call { request, shape })
}
