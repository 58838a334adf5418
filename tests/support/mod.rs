//! What tests of several binaries share.

pub(crate) mod getting_started;
pub(crate) mod window;
