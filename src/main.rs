//! The `gatehouse` program: one binary, several faces.

fn main() {}
