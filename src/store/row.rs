//! How values stand in columns.

use std::{error::Error, str::FromStr};

use jiff::Timestamp;
use rusqlite::{Result, Row, types::Type};
use serde::{Serialize, de::DeserializeOwned};

/// A column whose text the type reads itself.
pub(super) fn parsed<T>(row: &Row<'_>, column: &str) -> Result<T>
where
    T: FromStr,
    T::Err: Error + Send + Sync + 'static,
{
    let text: String = row.get(column)?;
    text.parse().map_err(|error| damaged(row, column, error))
}

/// As [`parsed`], of a column that may be NULL.
pub(super) fn parsed_option<T>(row: &Row<'_>, column: &str) -> Result<Option<T>>
where
    T: FromStr,
    T::Err: Error + Send + Sync + 'static,
{
    let text: Option<String> = row.get(column)?;
    text.map(|text| text.parse().map_err(|error| damaged(row, column, error)))
        .transpose()
}

/// A column that holds one word of an enumeration.
pub(super) fn word<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_value(text.into()).map_err(|error| damaged(row, column, error))
}

/// As [`word`], of a column that may be NULL.
pub(super) fn word_option<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| {
        serde_json::from_value(text.into()).map_err(|error| damaged(row, column, error))
    })
    .transpose()
}

/// A column that holds JSON.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| damaged(row, column, error))
}

/// A column that holds a time.
pub(super) fn time(row: &Row<'_>, column: &str) -> Result<Timestamp> {
    let micros: i64 = row.get(column)?;
    Timestamp::from_microsecond(micros).map_err(|error| damaged(row, column, error))
}

/// As [`time()`], of a column that may be NULL.
pub(super) fn time_option(row: &Row<'_>, column: &str) -> Result<Option<Timestamp>> {
    let micros: Option<i64> = row.get(column)?;
    micros
        .map(|micros| {
            Timestamp::from_microsecond(micros).map_err(|error| damaged(row, column, error))
        })
        .transpose()
}

/// A column that holds a count.
pub(super) fn count(row: &Row<'_>, column: &str) -> Result<u64> {
    let count: i64 = row.get(column)?;
    u64::try_from(count).map_err(|error| damaged(row, column, error))
}

/// The word of an enumeration's value, as [`word`] reads it.
pub(super) fn to_word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        // A value that is no word violates the column's CHECK.
        _ => String::new(),
    }
}

/// A list as JSON.
pub(super) fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// A count as a column holds it; what is beyond 63 bits stays at the end of the scale.
pub(super) fn to_count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn damaged(
    row: &Row<'_>,
    column: &str,
    error: impl Error + Send + Sync + 'static,
) -> rusqlite::Error {
    let index = row.as_ref().column_index(column).unwrap_or_default();
    rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(error))
}
