//! CloudWatch's filter patterns: words, and conditions on the fields of JSON.
//!
//! A pattern is at most [`MAX_LENGTH`] characters, so that reading and matching it is bounded; what
//! nests in it does so at most [`json::MAX_DEPTH`] deep.

mod json;

use std::{fmt, str::Chars};

use self::json::Condition;

/// A filter pattern, ready to be matched.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern(Kind);

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    /// Matches everything.
    All,
    Words(Words),
    Json(Condition),
}

/// Words, as they stand in an event's text. Case counts, as in CloudWatch.
#[derive(Clone, Debug, Default, PartialEq)]
struct Words {
    /// Each must be there,
    all: Vec<String>,
    /// one of these must, if there are any,
    any: Vec<String>,
    /// and none of these may.
    none: Vec<String>,
}

/// What is wrong with a pattern, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError {
    /// The character it is wrong at, from 1 on.
    pub position: usize,
    /// What is wrong and what would be right, without a full stop.
    pub message: String,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at character {}: {}", self.position, self.message)
    }
}

impl std::error::Error for PatternError {}

impl Pattern {
    /// Reads a pattern. An empty one matches everything.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let length = text.chars().count();
        if length > MAX_LENGTH {
            let message =
                format!("a pattern has at most {MAX_LENGTH} characters, and this one has {length}");
            return Err(PatternError {
                position: MAX_LENGTH + 1,
                message,
            });
        }
        let mut reader = Reader::new(text);
        reader.skip_space();
        let kind = match reader.peek() {
            None => Kind::All,
            Some('{') => Kind::Json(json::parse(&mut reader)?),
            Some('[') => {
                return Err(reader.wrong(
                    "a pattern in brackets is for events with columns, and these are JSON; write { $.field = \"value\" }",
                ));
            }
            Some('%') => {
                return Err(reader.wrong(
                    "regular expressions are not taken; write words, or { $.field = \"value*\" }",
                ));
            }
            Some(_) => Kind::Words(words(&mut reader)?),
        };
        Ok(Self(kind))
    }

    /// Whether an event with this text matches.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        match &self.0 {
            Kind::All => true,
            Kind::Words(words) => words.matches(text),
            Kind::Json(condition) => {
                serde_json::from_str(text).is_ok_and(|event| condition.holds(&event))
            }
        }
    }

    /// Whether it matches everything.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.0 == Kind::All
    }
}

impl Words {
    fn matches(&self, text: &str) -> bool {
        let has = |word: &String| text.contains(word.as_str());
        self.all.iter().all(has)
            && (self.any.is_empty() || self.any.iter().any(has))
            && !self.none.iter().any(has)
    }
}

fn words(reader: &mut Reader<'_>) -> Result<Words, PatternError> {
    let mut words = Words::default();
    loop {
        reader.skip_space();
        let into = match reader.peek() {
            None => break,
            Some('?') => {
                reader.next();
                &mut words.any
            }
            Some('-') => {
                reader.next();
                &mut words.none
            }
            Some(_) => &mut words.all,
        };
        let at = reader.position;
        let word = match reader.peek() {
            Some('"') => reader.quoted()?,
            _ => reader.take_while(|c| !c.is_whitespace() && c != '"'),
        };
        if word.is_empty() {
            return Err(PatternError {
                position: at,
                message: "a word is missing here; words are separated by spaces, and a phrase stands in double quotes".to_owned(),
            });
        }
        into.push(word);
    }
    Ok(words)
}

/// Walks over a pattern's characters.
struct Reader<'a> {
    rest: Chars<'a>,
    /// Of the next character, from 1 on.
    position: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            rest: text.chars(),
            position: 1,
        }
    }

    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.rest.next();
        self.position += usize::from(next.is_some());
        next
    }

    fn skip_space(&mut self) {
        self.take_while(char::is_whitespace);
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let mut taken = String::new();
        while let Some(c) = self.peek().filter(|c| wanted(*c)) {
            taken.push(c);
            self.next();
        }
        taken
    }

    /// Takes `text` if it comes next.
    fn take(&mut self, text: &str) -> bool {
        if !self.rest.as_str().starts_with(text) {
            return false;
        }
        for _ in text.chars() {
            self.next();
        }
        true
    }

    /// What stands between two double quotes; a backslash takes the meaning off a quote or another
    /// backslash.
    fn quoted(&mut self) -> Result<String, PatternError> {
        let start = self.position;
        self.next();
        let mut text = String::new();
        loop {
            match self.next() {
                Some('"') => return Ok(text),
                Some('\\') if matches!(self.peek(), Some('"' | '\\')) => {
                    text.extend(self.next());
                }
                Some(c) => text.push(c),
                None => {
                    return Err(PatternError {
                        position: start,
                        message: "this double quote is not closed".to_owned(),
                    });
                }
            }
        }
    }

    /// An error at the next character.
    fn wrong(&self, message: impl Into<String>) -> PatternError {
        PatternError {
            position: self.position,
            message: message.into(),
        }
    }
}

/// CloudWatch takes as many characters.
const MAX_LENGTH: usize = 1024;

#[cfg(test)]
mod tests;
