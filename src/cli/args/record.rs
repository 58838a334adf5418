//! `gatehouse cloudtrail`: the event record, by the AWS CLI's names.

use clap::Subcommand;

/// `gatehouse cloudtrail`.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub enum CloudTrail {
    /// Show who did what, how it ended and what it changed, newest first
    LookupEvents {
        /// Only events that have this: AttributeKey=NAME,AttributeValue=VALUE, with EventId,
        /// EventName, ReadOnly, Username or ResourceName; several must all be there
        #[arg(long, value_name = "ATTRIBUTE", num_args = 1..)]
        lookup_attributes: Vec<String>,
        /// Only events from this time on, for example 2026-11-26T12:00:00Z
        #[arg(long, value_name = "TIME")]
        start_time: Option<String>,
        /// Only events up to this time
        #[arg(long, value_name = "TIME")]
        end_time: Option<String>,
        /// Show at most this many: 1 to 1000 [default: 50]
        #[arg(long, value_name = "COUNT")]
        max_results: Option<u32>,
        /// Go on where the page before ended, by its NextToken
        #[arg(long, value_name = "TOKEN")]
        next_token: Option<String>,
    },
    /// Take back what an event did, where that can be; lookup-events says of which it can
    UndoEvent {
        /// The event
        #[arg(long, value_name = "NUMBER")]
        event_id: u64,
        /// Only judge whether it can be taken back: DryRunOperation where it can
        #[arg(long)]
        dry_run: bool,
    },
}
