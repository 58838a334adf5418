//! The window.
//!
//! A frame is two steps: [`backend`] answers and queued [`context::Action`]s are taken in, then
//! the page is drawn from the newest view. Drawing never waits, locks or changes anything itself:
//! it sends commands through the backend and asks for actions.
//!
//! [`shell::App`] is the whole window and needs no system window to live in, so tests draw and
//! drive it by its accessible labels.

pub mod backend;
pub mod context;
pub mod dialogs;
pub mod files;
pub mod form;
pub mod format;
pub mod hand_out;
pub mod kit;
pub mod limits;
pub(crate) mod nets;
pub mod notices;
pub mod people;
mod places;
pub mod preview;
pub mod rates;
pub mod run;
pub mod screens;
pub mod shell;
pub mod state;
pub mod tally;
#[cfg(test)]
pub(crate) mod testing;

pub use run::{Options, RunError, run};
