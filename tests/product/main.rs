//! The product through its command line: the real binary, several processes, no privilege.

mod durability;
mod flow;
mod ownership;
mod refusals;
mod support;
