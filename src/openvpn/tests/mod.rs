//! Scenarios over a simulated link.
