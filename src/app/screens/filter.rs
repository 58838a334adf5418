//! The filter box of a table: words that must all be there, some of them said of one column.

use std::collections::BTreeSet;

/// Whether a row passes a filter such as `state:available 10.20`: each word must be part of one of
/// the row's values, a word with a key of the one value that goes by the key.
#[must_use]
pub fn passes(filter: &str, values: &[(&str, &str)]) -> bool {
    filter
        .split_whitespace()
        .all(|word| match word.split_once(':') {
            Some((key, part)) if values.iter().any(|(k, _)| k.eq_ignore_ascii_case(key)) => values
                .iter()
                .any(|(k, value)| k.eq_ignore_ascii_case(key) && holds(value, part)),
            _ => values.iter().any(|(_, value)| holds(value, word)),
        })
}

/// Whether `part` is in `value`, whatever the case of either. Most of both is ASCII, which needs
/// no copy: thousands of rows are looked through with each letter typed.
#[must_use]
pub fn holds(value: &str, part: &str) -> bool {
    if !value.is_ascii() || !part.is_ascii() {
        return value.to_lowercase().contains(&part.to_lowercase());
    }
    let (value, part) = (value.as_bytes(), part.as_bytes());
    let Some(first) = part.first() else {
        return true;
    };
    // Most places are told apart by their first letter.
    value.windows(part.len()).any(|piece| {
        piece
            .first()
            .is_some_and(|it| it.eq_ignore_ascii_case(first))
            && piece.eq_ignore_ascii_case(part)
    })
}

/// What a held table shows: while the pointer is over it, rows keep their places and new ones
/// wait; the second value is how many wait.
#[must_use]
pub fn hold<K: Ord + Clone>(
    shown: &[K],
    fresh: Vec<K>,
    held: bool,
    is_there: impl Fn(&K) -> bool,
) -> (Vec<K>, usize) {
    if !held {
        return (fresh, 0);
    }
    let kept: Vec<K> = shown.iter().filter(|key| is_there(key)).cloned().collect();
    let waiting = {
        let kept: BTreeSet<&K> = kept.iter().collect();
        fresh.iter().filter(|key| !kept.contains(key)).count()
    };
    (kept, waiting)
}

/// Rows as tab-separated text, for the clipboard.
#[must_use]
pub fn tab_separated(rows: impl Iterator<Item = Vec<String>>) -> String {
    rows.map(|cells| cells.join("\t") + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: [(&str, &str); 3] = [
        ("name", "corp-staff"),
        ("state", "available"),
        ("cidr", "10.20.0.0/20"),
    ];

    #[test]
    fn every_word_must_be_somewhere_and_a_keyed_one_in_its_column() {
        assert!(passes("", &ROW));
        assert!(passes("STAFF 10.20", &ROW));
        assert!(passes("state:avail", &ROW));
        assert!(!passes("state:corp", &ROW));
        assert!(!passes("staff 10.21", &ROW));
    }

    #[test]
    fn letters_of_any_script_are_found_in_either_case() {
        let row = [("name", "Ünal Şahin")];
        assert!(passes("ünal", &row));
        assert!(passes("ŞAHIN", &[("name", "şahin")]));
        assert!(!passes("una", &row));
    }

    #[test]
    fn a_colon_that_names_no_column_is_part_of_the_word() {
        assert!(!passes("fd00:1", &ROW));
        assert!(passes("a:443", &[("address", "a:443")]));
    }

    #[test]
    fn rows_under_the_pointer_keep_their_places_and_new_ones_wait() {
        let there = |key: &u8| *key != 2;
        assert_eq!(
            hold(&[1, 2, 3], vec![4, 3, 1], true, there),
            (vec![1, 3], 1)
        );
        assert_eq!(
            hold(&[1, 2, 3], vec![4, 3, 1], false, there),
            (vec![4, 3, 1], 0)
        );
    }
}
