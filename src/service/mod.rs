//! The only door to change anything: authorize, validate, apply, record.
