//! The product through its command line: the real binary, several processes, no privilege.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a helper that fails fails its test, and a seed is printed to be tried again"
)]

mod backup;
mod certificates;
mod checks;
mod durability;
mod flow;
#[path = "../support/lists.rs"]
mod lists;
mod logs;
mod networks;
mod ownership;
mod reach;
mod refusals;
mod support;
