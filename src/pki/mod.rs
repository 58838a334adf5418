//! Certificates as values: make an authority, issue, import, inspect.
