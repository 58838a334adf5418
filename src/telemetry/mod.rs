//! What is told of connections: the records of the connection log, and the patterns that find them.
//!
//! Pure: no clock, no store. [`record`] makes the events of a log from what the gateway reports, with
//! AWS's field names; [`Pattern`] is CloudWatch's filter pattern.

mod advice;
mod pattern;
pub mod record;

pub use self::pattern::{Pattern, PatternError};
