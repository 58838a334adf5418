//! Lists of names to issue client certificates for.

/// Most names of one list.
pub const MAX_NAMES: usize = 500;
/// Most characters of a common name (RFC 5280, appendix A.1: ub-common-name-length).
pub const MAX_NAME: usize = 64;

/// What is wrong with one name of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameFault {
    /// Its place in the list, from 0.
    pub index: usize,
    /// What is wrong, as a sentence that names its line.
    pub sentence: String,
}

/// The names of a text, one a line; blanks around them and lines left empty at the end do not
/// count.
#[must_use]
pub fn lines(text: &str) -> Vec<String> {
    let text = text.trim_start_matches('\u{feff}').trim_end();
    if text.is_empty() {
        return Vec::new();
    }
    text.lines().map(|line| line.trim().to_owned()).collect()
}

/// What is wrong with a list of names, in its order; nothing where a certificate can be issued for
/// each.
#[must_use]
pub fn faults(names: &[String]) -> Vec<NameFault> {
    let mut found = Vec::new();
    let mut seen = std::collections::HashMap::new();
    for (index, name) in names.iter().enumerate() {
        let fault = match seen.entry(name.as_str()) {
            std::collections::hash_map::Entry::Occupied(first) if !name.is_empty() => {
                Some(format!("repeats the name of line {}", first.get() + 1))
            }
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(index);
                fault_of(name)
            }
            std::collections::hash_map::Entry::Occupied(_) => fault_of(name),
        };
        if let Some(fault) = fault {
            let sentence = format!("Line {} {fault}", index + 1);
            found.push(NameFault { index, sentence });
        }
    }
    found
}

fn fault_of(name: &str) -> Option<String> {
    let length = name.chars().count();
    if name.trim().is_empty() {
        Some("is empty; take it out, or type a name".to_owned())
    } else if name.trim() != name {
        Some("begins or ends with a blank".to_owned())
    } else if name.chars().any(char::is_control) {
        Some("holds a control character; type the name by hand".to_owned())
    } else if length > MAX_NAME {
        Some(format!(
            "has {length} characters; a name has at most {MAX_NAME}"
        ))
    } else {
        None
    }
}

/// A file name for each name, in their order: without characters that file systems or shells take
/// for something else, and no two alike even where case does not count.
#[must_use]
pub fn file_names(names: &[String], ending: &str) -> Vec<String> {
    let mut taken = std::collections::HashSet::new();
    let unique = |name: &String| {
        let stem = file_stem(name);
        let mut number = 1;
        loop {
            let file = match number {
                1 => format!("{stem}.{ending}"),
                _ => format!("{stem}-{number}.{ending}"),
            };
            if taken.insert(file.to_lowercase()) {
                return file;
            }
            number += 1;
        }
    };
    names.iter().map(unique).collect()
}

fn file_stem(name: &str) -> String {
    let safe = |c: char| {
        if c.is_alphanumeric() || "-_.".contains(c) {
            c
        } else {
            '-'
        }
    };
    let stem: String = name.chars().take(MAX_NAME).map(safe).collect();
    match stem.trim_matches(['.', '-']) {
        "" => "client".to_owned(),
        stem => stem.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_plain_and_each_its_own() {
        let names = ["a/b", "a-b", "A-B", "../..", "日本", "client"].map(str::to_owned);
        assert_eq!(
            file_names(&names, "ovpn"),
            [
                "a-b.ovpn",
                "a-b-2.ovpn",
                "A-B-3.ovpn",
                "client.ovpn",
                "日本.ovpn",
                "client-2.ovpn"
            ]
        );
    }

    fn said(text: &str) -> Vec<String> {
        let faults = faults(&lines(text));
        faults.into_iter().map(|it| it.sentence).collect()
    }

    #[test]
    fn a_list_is_read_as_editors_write_it() {
        let names = lines("\u{feff}a.lindqvist\r\n  日本 \r\n\r\nm.moreau\n\n\n");
        assert_eq!(names, ["a.lindqvist", "日本", "", "m.moreau"]);
        assert!(lines(" \n \n").is_empty());
    }

    #[test]
    fn each_fault_names_its_line() {
        let long = "x".repeat(65);
        let text = format!("anna\n\nbo\nanna\n{long}\na\tb\nÅsa");
        assert_eq!(
            said(&text),
            [
                "Line 2 is empty; take it out, or type a name",
                "Line 4 repeats the name of line 1",
                "Line 5 has 65 characters; a name has at most 64",
                "Line 6 holds a control character; type the name by hand",
            ]
        );
        assert_eq!(said("anna\nbo\nÅsa"), Vec::<String>::new());
    }
}
