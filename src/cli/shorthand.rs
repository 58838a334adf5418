//! AWS's shorthand for structured options: `Name=tag:Name,Values=a,b` or
//! `Type=x,Inner={Key=value}`, and JSON wherever a value begins with `{"` or `[`.
//!
//! The grammar is the one of the AWS CLI's user guide ("Using shorthand syntax"): a comma goes on
//! with the same list unless a new `key=` follows it.

use serde_json::{Map, Value};

/// Where and why a value is not shorthand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} at character {at} of \"{text}\"; the form is Key=value,Key={{Key=value}}")]
pub struct ShorthandError {
    text: String,
    at: usize,
    what: String,
}

/// Reads one value of an option, as JSON or as shorthand.
///
/// # Errors
/// [`ShorthandError`] naming the place, for either form.
pub fn parse(text: &str) -> Result<Value, ShorthandError> {
    let trimmed = text.trim();
    if trimmed.starts_with('[') || looks_like_json_object(trimmed) {
        return serde_json::from_str(trimmed).map_err(|error| ShorthandError {
            text: text.to_owned(),
            at: error.column(),
            what: format!("this is not JSON: {error}"),
        });
    }
    let mut parser = Parser {
        text: trimmed,
        at: 0,
        depth: 0,
    };
    let map = parser.pairs()?;
    if parser.at < trimmed.len() {
        return Err(parser.error("something is left over"));
    }
    Ok(Value::Object(map))
}

/// `{"Key": …}` or `{}`; shorthand has no quoted keys and no outer braces.
fn looks_like_json_object(text: &str) -> bool {
    text.strip_prefix('{')
        .is_some_and(|rest| rest.trim_start().starts_with(['"', '}']))
}

struct Parser<'a> {
    text: &'a str,
    /// A byte offset, always between two characters.
    at: usize,
    /// How many braces and brackets are open.
    depth: usize,
}

impl Parser<'_> {
    /// `key=value` pairs with commas between.
    fn pairs(&mut self) -> Result<Map<String, Value>, ShorthandError> {
        let mut map = Map::new();
        loop {
            let key = self.key()?;
            if !self.eat('=') {
                return Err(self.error(&format!("\"=\" is missing after \"{key}\"")));
            }
            let value = self.value()?;
            if map.insert(key.clone(), value).is_some() {
                return Err(self.error(&format!("\"{key}\" is there twice")));
            }
            if !self.eat(',') {
                return Ok(map);
            }
            self.skip_blanks();
        }
    }

    fn key(&mut self) -> Result<String, ShorthandError> {
        let length = key_length(self.rest());
        if length == 0 {
            return Err(self.error("a key is missing"));
        }
        let key = self.rest()[..length].to_owned();
        self.at += length;
        Ok(key)
    }

    /// What follows `=`: one value, or a list by commas.
    fn value(&mut self) -> Result<Value, ShorthandError> {
        let first = self.item()?;
        let mut list = vec![first];
        while self.rest().starts_with(',') && !self.is_key_next() {
            self.at += 1;
            self.skip_blanks();
            list.push(self.item()?);
        }
        Ok(match <[Value; 1]>::try_from(list) {
            Ok([only]) => only,
            Err(list) => Value::Array(list),
        })
    }

    /// Whether the comma ahead begins the next pair rather than the next list item.
    fn is_key_next(&self) -> bool {
        let after = self.rest()[1..].trim_start();
        after[key_length(after)..].starts_with('=') && key_length(after) > 0
    }

    fn item(&mut self) -> Result<Value, ShorthandError> {
        match self.rest().chars().next() {
            Some('{') => self.nested('}', |parser| parser.pairs().map(Value::Object)),
            Some('[') => self.nested(']', |parser| parser.items().map(Value::Array)),
            Some(quote @ ('"' | '\'')) => self.quoted(quote).map(Value::String),
            _ => Ok(Value::String(self.bare())),
        }
    }

    fn items(&mut self) -> Result<Vec<Value>, ShorthandError> {
        let mut list = Vec::new();
        self.skip_blanks();
        if self.rest().starts_with(']') {
            return Ok(list);
        }
        loop {
            list.push(self.item()?);
            self.skip_blanks();
            if !self.eat(',') {
                return Ok(list);
            }
            self.skip_blanks();
        }
    }

    fn nested(
        &mut self,
        close: char,
        inside: impl FnOnce(&mut Self) -> Result<Value, ShorthandError>,
    ) -> Result<Value, ShorthandError> {
        if self.depth == MAX_DEPTH {
            return Err(self.error("this is nested too deep"));
        }
        self.at += 1;
        self.depth += 1;
        self.skip_blanks();
        let value = inside(self)?;
        self.skip_blanks();
        if !self.eat(close) {
            return Err(self.error(&format!("\"{close}\" is missing")));
        }
        self.depth -= 1;
        Ok(value)
    }

    /// Text in quotes; a backslash takes the next character as it is.
    fn quoted(&mut self, quote: char) -> Result<String, ShorthandError> {
        let mut text = String::new();
        let mut escaped = false;
        for (offset, c) in self.rest().char_indices().skip(1) {
            match c {
                _ if escaped => {
                    text.push(c);
                    escaped = false;
                }
                '\\' => escaped = true,
                c if c == quote => {
                    self.at += offset + c.len_utf8();
                    return Ok(text);
                }
                c => text.push(c),
            }
        }
        Err(self.error(&format!("the closing {quote} is missing")))
    }

    /// Text up to a comma, or to a closing bracket where one is open.
    fn bare(&mut self) -> String {
        let is_end = |c: char| c == ',' || self.depth > 0 && matches!(c, '}' | ']');
        let length = self.rest().find(is_end).unwrap_or(self.rest().len());
        let text = self.rest()[..length].trim_end().to_owned();
        self.at += length;
        text
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn eat(&mut self, c: char) -> bool {
        let is_next = self.rest().starts_with(c);
        if is_next {
            self.at += c.len_utf8();
        }
        is_next
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn error(&self, what: &str) -> ShorthandError {
        ShorthandError {
            text: self.text.to_owned(),
            at: self.text[..self.at].chars().count() + 1,
            what: what.to_owned(),
        }
    }
}

/// How many bytes of `text` are a key.
fn key_length(text: &str) -> usize {
    text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')))
        .unwrap_or(text.len())
}

/// The deepest nesting; no option needs more than three.
const MAX_DEPTH: usize = 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn shorthand_and_json_mean_the_same() {
        let arn = "arn:aws:acm:local-1:000000000000:certificate/1";
        let expected = json!({
            "Type": "certificate-authentication",
            "MutualAuthentication": {"ClientRootCertificateChainArn": arn},
        });
        let shorthand = format!(
            "Type=certificate-authentication,MutualAuthentication={{ClientRootCertificateChainArn={arn}}}"
        );
        assert_eq!(parse(&shorthand).unwrap(), expected);
        assert_eq!(parse(&expected.to_string()).unwrap(), expected);
    }

    #[test]
    fn a_comma_goes_on_with_the_list_until_a_key_follows() {
        assert_eq!(
            parse("Name=tag:Name,Values=a,b c, d,Other=e").unwrap(),
            json!({"Name": "tag:Name", "Values": ["a", "b c", "d"], "Other": "e"})
        );
    }

    #[test]
    fn lists_in_brackets_hold_structures() {
        assert_eq!(
            parse("ResourceType=vpc,Tags=[{Key=Name,Value=corp},{Key=a,Value='x,y'}]").unwrap(),
            json!({
                "ResourceType": "vpc",
                "Tags": [{"Key": "Name", "Value": "corp"}, {"Key": "a", "Value": "x,y"}],
            })
        );
        assert_eq!(parse("Tags=[]").unwrap(), json!({"Tags": []}));
    }

    #[test]
    fn quotes_keep_commas_braces_and_escaped_quotes() {
        assert_eq!(
            parse(r#"Value="a,\"b\"}",Key='it\'s'"#).unwrap(),
            json!({"Value": "a,\"b\"}", "Key": "it's"})
        );
    }

    #[test]
    fn an_empty_value_is_an_empty_text() {
        assert_eq!(parse("Value=").unwrap(), json!({"Value": ""}));
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        let message = |text: &str| parse(text).unwrap_err().to_string();
        assert!(
            message("Enabled").starts_with("\"=\" is missing after \"Enabled\" at character 8")
        );
        assert!(message("=x").starts_with("a key is missing at character 1"));
        assert!(message("A={B=c").starts_with("\"}\" is missing"));
        assert!(message("A=1,A=2").starts_with("\"A\" is there twice"));
        assert!(message("A='x").starts_with("the closing ' is missing"));
        assert!(message("A={B=c}d").starts_with("something is left over"));
        assert!(message("[{]").starts_with("this is not JSON"));
        assert!(message(&"A={".repeat(40)).starts_with("this is nested too deep"));
    }

    proptest! {
        #[test]
        fn text_of_any_kind_never_panics(text in "[=,{}\\[\\]\"'\\\\ aé-]{0,60}") {
            drop(parse(&text));
        }

        #[test]
        fn quoted_text_of_any_kind_reads_back(text in "\\PC{0,40}") {
            let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
            prop_assert_eq!(parse(&format!("K=\"{quoted}\"")).unwrap(), json!({"K": text}));
        }
    }
}
