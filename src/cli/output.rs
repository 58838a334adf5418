//! The only place that prints.

use std::io::{self, Write as _};

use serde_json::{Map, Value, json};

use super::args::Output;
use crate::{
    api::shape,
    model::{Answer, Refusal},
};

/// Prints an answer, `shape` being its form in JSON.
///
/// # Errors
/// When standard output cannot be written. A reader that has gone away is no error.
pub(super) fn answer(output: Output, answer: &Answer, shape: &Value) -> io::Result<()> {
    let text = match (output, answer) {
        // A file is printed exactly, to be redirected into one.
        (Output::Text, Answer::ClientConfiguration(it)) => return print(it.text.expose()),
        (Output::Text, Answer::Exported(it)) => {
            let key = it.private_key_pem.as_ref();
            let key = key.map_or(&[][..], |key| key.expose());
            let chain = it.chain_pem.as_bytes();
            return print(&[it.certificate_pem.as_bytes(), chain, key].concat());
        }
        // As AWS's command line prints it.
        (Output::Text, Answer::ExportedRevocationList(it)) => {
            format!("{}STATUS\t{}\n", it.pem, it.state)
        }
        (Output::Text, _) => as_text(shape),
        (Output::Json, _) => as_json(shape),
    };
    print(text.as_bytes())
}

/// Prints a value in a form of ours.
///
/// # Errors
/// When standard output cannot be written.
pub(super) fn value(output: Output, value: &Value) -> io::Result<()> {
    let text = match output {
        Output::Text => as_text(value),
        Output::Json => as_json(value),
    };
    print(text.as_bytes())
}

/// Prints one line of a report that goes on: as JSON on one line, or in words.
///
/// # Errors
/// When standard output cannot be written.
pub(super) fn line(output: Output, value: &Value, words: &str) -> io::Result<()> {
    let text = match output {
        Output::Text => format!("{words}\n"),
        Output::Json => format!("{value}\n"),
    };
    print(text.as_bytes())
}

/// Prints a refusal on standard error.
pub(super) fn refusal(refusal: &Refusal) {
    complain(&format!("{:#}\n", shape::refusal(refusal)));
}

/// Prints a failure that the service knows nothing of, in a refusal's form.
pub(super) fn failure(code: &str, message: &str) {
    complain(&format!(
        "{:#}\n",
        json!({"Error": {"Code": code, "Message": message}})
    ));
}

/// Prints how a command line was mistyped.
pub(super) fn usage(message: &str) {
    complain(&format!(
        "error: {message}\n\nFor more information, try '--help'.\n"
    ));
}

fn complain(text: &str) {
    // Where standard error is closed, the exit status still says it.
    io::stderr().write_all(text.as_bytes()).ok();
}

fn print(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

fn as_json(value: &Value) -> String {
    if value.is_null() {
        return String::new();
    }
    format!("{value:#}\n")
}

/// AWS's text form: the values of a structure in a line, by name, with tabs between; what is
/// inside it in lines below that begin with its name in capitals.
fn as_text(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Object(map) => structure(&mut text, None, map),
        Value::Null => {}
        other => text.push_str(&(scalar(other) + "\n")),
    }
    text
}

fn structure(text: &mut String, name: Option<&str>, map: &Map<String, Value>) {
    // serde_json keeps its maps sorted by name, as AWS prints them.
    let is_inner = |value: &Value| value.is_object() || value.is_array();
    let values = map.values().filter(|value| !is_inner(value)).map(scalar);
    let line: Vec<String> = name.map(str::to_owned).into_iter().chain(values).collect();
    if line.len() > usize::from(name.is_some()) {
        text.push_str(&(line.join("\t") + "\n"));
    }
    for (key, value) in map {
        inner(text, &key.to_ascii_uppercase(), value);
    }
}

fn inner(text: &mut String, name: &str, value: &Value) {
    match value {
        Value::Object(map) => structure(text, Some(name), map),
        Value::Array(list) => {
            for item in list {
                match item {
                    Value::Object(map) => structure(text, Some(name), map),
                    other => text.push_str(&format!("{name}\t{}\n", scalar(other))),
                }
            }
        }
        _ => {}
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_values_by_name_and_inner_things_below() {
        let shape = json!({"Vpcs": [{
            "VpcId": "vpc-1",
            "CidrBlock": "10.0.0.0/16",
            "IsDefault": false,
            "Tags": [{"Key": "Name", "Value": "corp"}],
            "Groups": ["a"],
        }]});
        assert_eq!(
            as_text(&shape),
            "VPCS\t10.0.0.0/16\tFalse\tvpc-1\nGROUPS\ta\nTAGS\tName\tcorp\n"
        );
    }

    #[test]
    fn text_of_one_value_is_that_value() {
        assert_eq!(as_text(&json!({"CertificateArn": "arn:x"})), "arn:x\n");
    }

    #[test]
    fn a_command_without_an_answer_prints_nothing() {
        assert_eq!(as_json(&Value::Null), "");
        assert_eq!(as_text(&Value::Null), "");
    }
}
