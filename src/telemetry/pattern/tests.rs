//! What patterns match, what is refused with its place, and that no text brings it down.

use proptest::prelude::*;

use super::*;

const EVENT: &str = r#"{"connection-attempt-status":"failed","common-name":"ana maria","device-ip":"198.51.100.7","ingress-bytes":"2048","port":51820,"nested":{"list":["a",{"b":true}]},"none":null}"#;

fn matches(pattern: &str) -> bool {
    Pattern::parse(pattern).unwrap().matches(EVENT)
}

fn wrong(pattern: &str) -> PatternError {
    Pattern::parse(pattern).unwrap_err()
}

#[test]
fn an_empty_pattern_matches_everything() {
    assert!(Pattern::parse("").unwrap().is_all());
    assert!(Pattern::parse("  ").unwrap().matches("no JSON"));
}

#[test]
fn words_must_all_be_there_unless_they_say_otherwise() {
    for (pattern, expected) in [
        ("failed", true),
        ("FAILED", false),
        ("failed ana", true),
        ("failed bob", false),
        (r#""ana maria""#, true),
        (r#""maria ana""#, false),
        ("?bob ?ana", true),
        ("?bob ?eve", false),
        ("failed -bob", true),
        ("failed -ana", false),
        ("-bob", true),
        ("198.51.100.7", true),
        (r#"-"ana maria" failed"#, false),
        (r#""\"failed\"""#, true),
    ] {
        assert_eq!(matches(pattern), expected, "{pattern}");
    }
}

#[test]
fn fields_are_compared_as_text_with_stars_or_as_numbers() {
    for (pattern, expected) in [
        (r#"{ $.connection-attempt-status = "failed" }"#, true),
        ("{$.connection-attempt-status=failed}", true),
        (r#"{ $.connection-attempt-status != "failed" }"#, false),
        (r#"{ $.common-name = "ana*" }"#, true),
        (r#"{ $.common-name = "*maria" }"#, true),
        (r#"{ $.common-name = "a*a*a" }"#, true),
        (r#"{ $.common-name = "*bob*" }"#, false),
        ("{ $.device-ip = 198.51.* }", true),
        ("{ $.device-ip = 198.51.100.7 }", true),
        ("{ $.ingress-bytes > 1000 }", true),
        (
            "{ $.ingress-bytes >= 2048 && $.ingress-bytes <= 2.048e3 }",
            true,
        ),
        ("{ $.ingress-bytes < 2048 }", false),
        ("{ $.ingress-bytes = 2048 }", true),
        ("{ $.ingress-bytes != 2048 }", false),
        ("{ $.port = 51820 }", true),
        ("{ $.common-name > 5 }", false),
        ("{ $.common-name != 5 }", true),
        ("{ $.absent = x }", false),
        ("{ $.absent != x }", false),
        ("{ $.absent NOT EXISTS }", true),
        ("{ $.port NOT EXISTS }", false),
        ("{ $.port EXISTS }", true),
        ("{ $.none IS NULL }", true),
        (r#"{ $.nested.list[0] = "a" }"#, true),
        ("{ $.nested.list[1].b IS TRUE }", true),
        ("{ $.nested.list[1].b IS FALSE }", false),
        (r#"{ $["common-name"] = "ana maria" }"#, true),
        (
            r#"{ $.port = 1 || ($.port = 51820 && $.common-name = "a*") }"#,
            true,
        ),
        // "And" binds closer than "or".
        ("{ $.port = 51820 || $.port = 1 && $.port = 2 }", true),
        ("{ ($.port = 51820 || $.port = 1) && $.port = 2 }", false),
    ] {
        assert_eq!(matches(pattern), expected, "{pattern}");
    }
    let pattern = Pattern::parse("{ $.a = b }").unwrap();
    assert!(!pattern.matches("a = b"), "what is no JSON has no fields");
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (pattern, position, words) in [
        (r#"failed "ana"#, 8, "not closed"),
        ("failed - ", 9, "a word is missing"),
        ("{ $.a = }", 9, "a value should stand here"),
        ("{ $.a }", 7, "should stand here"),
        ("{ $.a = b", 10, "closing }"),
        ("{ $.a = b } c", 13, "nothing may stand behind"),
        ("{ a = b }", 3, "for example $.common-name"),
        ("{ $ = b }", 4, "for example $.common-name"),
        ("{ $. = b }", 5, "behind the dot"),
        ("{ $.a[x] = b }", 7, "in the brackets"),
        ("{ ($.a = b }", 12, "closing )"),
        ("{ $.a < b }", 9, "compare with a number"),
        ("{}", 2, "a field should stand here"),
        ("[a, b]", 1, "write { $.field"),
        ("%a%", 1, "regular expressions"),
    ] {
        let error = wrong(pattern);
        assert_eq!(error.position, position, "{pattern}: {error}");
        assert!(error.message.contains(words), "{pattern}: {error}");
    }
    assert_eq!(wrong(&"x".repeat(1025)).position, 1025);
    let deep = format!("{{ {}$.a = b{} }}", "(".repeat(500), ")".repeat(500));
    assert!(wrong(&deep).message.contains("16 deep"));
    let flat = format!("{{ {}$.a = b{} }}", "(".repeat(16), ")".repeat(16));
    assert!(Pattern::parse(&flat).is_ok());
}

proptest! {
    #[test]
    fn no_pattern_and_no_event_brings_it_down(pattern in ".{0,200}", event in ".{0,200}") {
        if let Ok(pattern) = Pattern::parse(&pattern) {
            let found = [&event, EVENT].map(|event| pattern.matches(event));
            prop_assert!(!pattern.is_all() || found == [true; 2]);
        }
    }

    #[test]
    fn nor_does_what_looks_like_one(
        pattern in r#"\{?[ ($.a-z0-9="*&|!<>)\[\]\\A-Z}]{0,60}\}?"#,
    ) {
        match Pattern::parse(&pattern) {
            Ok(pattern) => prop_assert!(!pattern.is_all() || pattern.matches(EVENT)),
            Err(error) => {
                prop_assert!(error.position >= 1);
                prop_assert!(error.position <= pattern.chars().count() + 1, "{error}");
            }
        }
    }

    #[test]
    fn a_quoted_value_finds_itself(value in "[^*]{0,40}") {
        let event = serde_json::json!({"a": value}).to_string();
        let quoted = value.replace('\\', r"\\").replace('"', "\\\"");
        let pattern = Pattern::parse(&format!("{{ $.a = \"{quoted}\" }}")).unwrap();
        prop_assert!(pattern.matches(&event));
    }
}
