//! The real window, without a system window, on a real service and gateway in user space: driven
//! by accessible labels, judged by what the service then holds.

mod certificates;
mod guide;
mod home;
mod keyboard;
mod networks;
mod pages;
#[path = "../support/mod.rs"]
mod support;
