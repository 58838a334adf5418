//! SQLite: the only code that sees SQL.
