//! Conditions on the fields of a JSON event.

use serde_json::Value;

use super::{PatternError, Reader};

/// A condition, as it stands between braces.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    /// Each holds.
    All(Vec<Self>),
    /// One of them holds.
    Any(Vec<Self>),
    /// A field is as it should be.
    Field(Vec<Step>, Test),
}

/// One step into a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Name(String),
    Index(usize),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Test {
    /// Is this text, in which `*` is any characters.
    Is(Vec<char>),
    IsNot(Vec<char>),
    /// Compares with this number.
    Number(Compare, f64),
    Exists(bool),
    Null,
    Boolean(bool),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Reads from `{` to `}` and the end.
pub(super) fn parse(reader: &mut Reader<'_>) -> Result<Condition, PatternError> {
    reader.take("{");
    let condition = any(reader, 0)?;
    if !reader.take("}") {
        return Err(reader.wrong("&&, || or the closing } should stand here"));
    }
    reader.skip_space();
    match reader.peek() {
        None => Ok(condition),
        Some(_) => Err(reader.wrong("nothing may stand behind the closing }")),
    }
}

fn any(reader: &mut Reader<'_>, depth: usize) -> Result<Condition, PatternError> {
    let mut parts = vec![all(reader, depth)?];
    while reader.take("||") {
        parts.push(all(reader, depth)?);
    }
    Ok(one_or(parts, Condition::Any))
}

fn all(reader: &mut Reader<'_>, depth: usize) -> Result<Condition, PatternError> {
    let mut parts = vec![single(reader, depth)?];
    while reader.take("&&") {
        parts.push(single(reader, depth)?);
    }
    Ok(one_or(parts, Condition::All))
}

fn one_or(mut parts: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Condition {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            join(parts)
        }
    }
}

/// A condition on one field, or one in parentheses; and the space behind it.
fn single(reader: &mut Reader<'_>, depth: usize) -> Result<Condition, PatternError> {
    reader.skip_space();
    let condition = if reader.peek() == Some('(') {
        if depth == MAX_DEPTH {
            return Err(reader.wrong(format!("parentheses nest at most {MAX_DEPTH} deep")));
        }
        reader.next();
        let inside = any(reader, depth + 1)?;
        if !reader.take(")") {
            return Err(reader.wrong("&&, || or the closing ) should stand here"));
        }
        inside
    } else {
        let path = path(reader)?;
        reader.skip_space();
        Condition::Field(path, test(reader)?)
    };
    reader.skip_space();
    Ok(condition)
}

/// A field: `$.name`, `$.name.inner`, `$.name[0]` or `$["name"]`.
fn path(reader: &mut Reader<'_>) -> Result<Vec<Step>, PatternError> {
    const EXAMPLE: &str = "a field should stand here, for example $.common-name";
    if !reader.take("$") {
        return Err(reader.wrong(EXAMPLE));
    }
    let mut steps = Vec::new();
    loop {
        if reader.take(".") {
            let name = reader.take_while(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ':'));
            if name.is_empty() {
                return Err(reader.wrong("the name of a field should stand behind the dot"));
            }
            steps.push(Step::Name(name));
        } else if reader.take("[") {
            steps.push(match reader.peek() {
                Some('"') => Step::Name(reader.quoted()?),
                _ => {
                    let digits = reader.take_while(|c| c.is_ascii_digit());
                    let index = digits.parse().map_err(|_| {
                        reader.wrong(
                            "a number or a name in double quotes should stand in the brackets",
                        )
                    })?;
                    Step::Index(index)
                }
            });
            if !reader.take("]") {
                return Err(reader.wrong("the closing ] should stand here"));
            }
        } else if steps.is_empty() {
            return Err(reader.wrong(EXAMPLE));
        } else {
            return Ok(steps);
        }
    }
}

fn test(reader: &mut Reader<'_>) -> Result<Test, PatternError> {
    // The longer ones first.
    let signs = [
        ("!=", Compare::NotEqual),
        ("<=", Compare::LessOrEqual),
        (">=", Compare::GreaterOrEqual),
        ("==", Compare::Equal),
        ("=", Compare::Equal),
        ("<", Compare::Less),
        (">", Compare::Greater),
    ];
    if let Some((_, compare)) = signs.into_iter().find(|(sign, _)| reader.take(sign)) {
        reader.skip_space();
        return value(reader, compare);
    }
    let start = reader.position;
    let mut words = Vec::new();
    while words.len() < 2 {
        let word = reader.take_while(char::is_alphabetic).to_ascii_uppercase();
        reader.skip_space();
        words.push(word);
        if words[0] == "EXISTS" {
            break;
        }
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["EXISTS"] => Ok(Test::Exists(true)),
        ["NOT", "EXISTS"] => Ok(Test::Exists(false)),
        ["IS", "NULL"] => Ok(Test::Null),
        ["IS", "TRUE"] => Ok(Test::Boolean(true)),
        ["IS", "FALSE"] => Ok(Test::Boolean(false)),
        _ => Err(PatternError {
            position: start,
            message: "=, !=, <, <=, >, >=, EXISTS, NOT EXISTS, IS NULL, IS TRUE or IS FALSE should stand here".to_owned(),
        }),
    }
}

fn value(reader: &mut Reader<'_>, compare: Compare) -> Result<Test, PatternError> {
    let at = reader.position;
    let is_quoted = reader.peek() == Some('"');
    let text = if is_quoted {
        reader.quoted()?
    } else {
        reader.take_while(|c| !c.is_whitespace() && !matches!(c, '&' | '|' | ')' | '}' | '"' | '('))
    };
    let wrong = |message: &str| PatternError {
        position: at,
        message: message.to_owned(),
    };
    if text.is_empty() && !is_quoted {
        return Err(wrong(
            "a value should stand here, for example \"failed\" or 100",
        ));
    }
    if !is_quoted && let Some(number) = number(&text) {
        return Ok(Test::Number(compare, number));
    }
    match compare {
        Compare::Equal => Ok(Test::Is(text.chars().collect())),
        Compare::NotEqual => Ok(Test::IsNot(text.chars().collect())),
        _ => Err(wrong(
            "<, <=, > and >= compare with a number, for example 100",
        )),
    }
}

/// Only what is written as a number: `inf` and `nan` are words.
fn number(text: &str) -> Option<f64> {
    let is_plain = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E');
    let begins = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
    (begins && text.chars().all(is_plain))
        .then(|| text.parse().ok())
        .flatten()
}

impl Condition {
    /// Whether it holds for an event.
    pub(super) fn holds(&self, event: &Value) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(event)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(event)),
            Self::Field(path, test) => {
                let found = path.iter().try_fold(event, |value, step| match step {
                    Step::Name(name) => value.get(name),
                    Step::Index(index) => value.get(index),
                });
                test.holds(found)
            }
        }
    }
}

impl Test {
    /// A field that is not there is as no test wants it but the one for that.
    fn holds(&self, found: Option<&Value>) -> bool {
        let Some(found) = found else {
            return *self == Self::Exists(false);
        };
        match self {
            Self::Is(wanted) => text_of(found).is_some_and(|text| is_like(&text, wanted)),
            Self::IsNot(wanted) => text_of(found).is_some_and(|text| !is_like(&text, wanted)),
            // The fields of a connection log are all text, also those that count.
            Self::Number(compare, wanted) => match (number_of(found), compare) {
                (Some(number), compare) => compare.holds(number, *wanted),
                (None, compare) => *compare == Compare::NotEqual && !found.is_null(),
            },
            Self::Exists(wanted) => *wanted,
            Self::Null => found.is_null(),
            Self::Boolean(wanted) => found.as_bool() == Some(*wanted),
        }
    }
}

impl Compare {
    fn holds(self, number: f64, wanted: f64) -> bool {
        match self {
            Self::Equal => number == wanted,
            Self::NotEqual => number != wanted,
            Self::Less => number < wanted,
            Self::LessOrEqual => number <= wanted,
            Self::Greater => number > wanted,
            Self::GreaterOrEqual => number >= wanted,
        }
    }
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

fn number_of(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => number(text),
        _ => None,
    }
}

/// Whether a text is like one with `*` for any characters: greedy from the left, going back to the
/// last star only, so that it takes at most the product of both lengths.
fn is_like(text: &str, wanted: &[char]) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut want) = (0, 0);
    // Where the last star stands, and up to where it takes the text.
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match wanted.get(want) {
            Some('*') => {
                star = Some((want, at));
                want += 1;
            }
            Some(c) if *c == text[at] => {
                at += 1;
                want += 1;
            }
            _ => match &mut star {
                Some((place, taken)) => {
                    *taken += 1;
                    at = *taken;
                    want = *place + 1;
                }
                None => return false,
            },
        }
    }
    wanted[want..].iter().all(|c| *c == '*')
}

/// How deep parentheses may nest.
pub(super) const MAX_DEPTH: usize = 16;
