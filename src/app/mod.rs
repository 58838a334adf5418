//! The window.
//!
//! A frame is two steps: [`backend`] answers and queued [`context::Action`]s are taken in, then
//! the page is drawn from the newest view. Drawing never waits, locks or changes anything itself:
//! it sends commands through the backend and asks for actions.

pub mod backend;
pub mod context;
pub mod dialogs;
pub mod files;
pub mod format;
pub mod kit;
pub mod rates;
