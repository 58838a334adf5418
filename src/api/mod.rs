//! AWS's forms of what the product says. The command line prints them as JSON.

pub mod shape;
