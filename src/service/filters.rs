//! Filters of describe commands.

use crate::model::{
    Code, Refusal, Tags,
    command::{Describe, Filter},
};

/// The things that pass every filter. `values` answers what a thing has under a filter's name;
/// `names` are the filters there are.
///
/// # Errors
/// `InvalidParameterValue` for a filter that there is not.
pub(super) fn select<'a, T: Clone + 'a>(
    things: impl Iterator<Item = &'a T>,
    filters: &[Filter],
    names: &[&str],
    values: impl Fn(&T, &str) -> Vec<String>,
) -> Result<Vec<T>, Refusal> {
    for filter in filters {
        check(filter, names)?;
    }
    let passes = |thing: &&T| {
        filters.iter().all(|filter| {
            let found = values(thing, &filter.name);
            filter
                .values
                .iter()
                .any(|pattern| found.iter().any(|value| matches(pattern, value)))
        })
    };
    Ok(things.filter(passes).cloned().collect())
}

/// The things that a describe command asks for: those it names, or else all, that pass every filter.
/// `find` answers the thing that an identifier names.
///
/// # Errors
/// What `find` refuses; `InvalidParameterValue` for a filter that there is not.
pub(super) fn described<'a, T: Clone + 'a>(
    all: impl Iterator<Item = &'a T>,
    wanted: &Describe,
    find: impl Fn(&str) -> Result<&'a T, Refusal>,
    names: &[&str],
    values: impl Fn(&T, &str) -> Vec<String>,
) -> Result<Vec<T>, Refusal> {
    let named: Vec<&T> = wanted
        .ids
        .iter()
        .map(|id| find(id))
        .collect::<Result<_, _>>()?;
    if named.is_empty() {
        select(all, &wanted.filters, names, values)
    } else {
        select(named.into_iter(), &wanted.filters, names, values)
    }
}

/// What tags answer to the filters `tag:<key>` and `tag-key`.
pub(super) fn tag_values(tags: &Tags, name: &str) -> Vec<String> {
    match name.strip_prefix(TAG) {
        Some(key) => tags.get(key).cloned().into_iter().collect(),
        None if name == "tag-key" => tags.keys().cloned().collect(),
        None => Vec::new(),
    }
}

fn check(filter: &Filter, names: &[&str]) -> Result<(), Refusal> {
    let tagged = names.contains(&"tag-key") && filter.name.starts_with(TAG);
    if tagged || names.contains(&filter.name.as_str()) {
        return Ok(());
    }
    Err(Refusal::new(
        Code::InvalidParameterValue,
        format!(
            "The filter \"{}\" is not known here; there are: {}",
            filter.name,
            names.join(", ")
        ),
    )
    .at("Filter"))
}

/// Whether `value` is of the form `pattern`, in which `*` stands for any characters and `?` for
/// one.
fn matches(pattern: &str, value: &str) -> bool {
    let (pattern, value): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), value.chars().collect());
    let (mut p, mut v) = (0, 0);
    // The last star passed, and where in the value what it stands for ends so far.
    let mut star: Option<(usize, usize)> = None;
    while v < value.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, v));
                p += 1;
            }
            Some(&c) if c == '?' || c == value[v] => {
                p += 1;
                v += 1;
            }
            _ => {
                let Some((at, end)) = star else { return false };
                star = Some((at, end + 1));
                p = at + 1;
                v = end + 1;
            }
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

const TAG: &str = "tag:";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_stand_for_other_characters() {
        assert!(matches("corp-*", "corp-staff"));
        assert!(matches("*a*b", "xaxxab"));
        assert!(matches("10.?.0.0/16", "10.1.0.0/16"));
        assert!(matches("", ""));
        assert!(!matches("corp", "corp-staff"));
        assert!(!matches("*a*b", "xaxxabc"));
    }

    #[test]
    fn an_unknown_filter_is_refused_with_those_there_are() {
        let filter = Filter {
            name: "colour".to_owned(),
            values: vec![],
        };
        let refusal = select([1].iter(), &[filter], &["vpc-id"], |_, _| vec![]).unwrap_err();
        assert!(refusal.message.contains("vpc-id"), "{refusal}");
    }
}
