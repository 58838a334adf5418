//! The real window, without a system window, on a real service and gateway in user space: driven
//! by accessible labels, judged by what the service then holds.

mod backup;
mod certificates;
mod groups;
mod guide;
mod home;
mod keyboard;
#[path = "../support/lists.rs"]
mod lists;
mod logs;
mod networks;
mod pages;
mod procedures;
mod refusals;
mod revocation;
mod rules;
mod scenarios;
mod security_groups;
mod site;
#[path = "../support/mod.rs"]
mod support;
mod why;
mod working;
