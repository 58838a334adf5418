//! The layers of `src/lib.rs`, held: arrows go down only, and what a layer owns (SQL, TLS
//! sessions, colours, sockets) is named nowhere else.
//!
//! It reads sources and not what the compiler resolves, so that a forbidden path is found before
//! anything builds on it. Comments, text and `#[cfg(test)]` modules do not count: a test may make
//! its certificates wherever it likes.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// A layer and the layers it may name. The clock is the edge's: who reads it passes `now` down.
const LAYERS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("clock", &[]),
    ("config", &[]),
    ("openvpn", &["model"]),
    ("policy", &["model"]),
    ("network", &["model"]),
    ("store", &["model"]),
    ("pki", &["model"]),
    ("telemetry", &["model"]),
    (
        "tunnel",
        &["model", "openvpn", "policy", "network", "clock"],
    ),
    (
        "service",
        &[
            "model",
            "openvpn",
            "policy",
            "network",
            "store",
            "pki",
            "telemetry",
            "tunnel",
            "clock",
        ],
    ),
    (
        "control",
        &[
            "model", "network", "store", "pki", "tunnel", "service", "clock",
        ],
    ),
    ("api", &["model"]),
    ("cli", &["model", "control", "api", "clock", "config"]),
    ("app", &["model", "control", "api", "clock", "config"]),
];

/// A path that only some files may name, and why.
struct Owned {
    path: &'static str,
    /// What the path continues with where it is harmless.
    except: &'static [&'static str],
    /// Prefixes of file names below `src/`.
    owners: &'static [&'static str],
    reason: &'static str,
}

const OWNED: &[Owned] = &[
    Owned {
        path: "rusqlite::",
        except: &[],
        owners: &["store/"],
        reason: "only the store sees SQL",
    },
    Owned {
        path: "rustls::",
        except: &["pki_types"],
        owners: &["openvpn/tls.rs", "openvpn/tls/"],
        reason: "TLS sessions sit behind one interface",
    },
    Owned {
        path: "Color32::from_",
        except: &[],
        owners: &["app/kit/"],
        reason: "colours are the kit's tokens",
    },
    Owned {
        path: "egui::",
        except: &[],
        owners: &["app/"],
        reason: "only the window draws",
    },
    Owned {
        path: "smoltcp::",
        except: &[],
        owners: &["network/"],
        reason: "the user-space stack is the network's",
    },
    Owned {
        path: "tun_rs::",
        except: &[],
        owners: &["network/"],
        reason: "the device is the network's",
    },
    Owned {
        path: "nftables::",
        except: &[],
        owners: &["network/"],
        reason: "the host's rules are the network's",
    },
    Owned {
        path: "rcgen::",
        except: &[],
        owners: &["pki/"],
        reason: "certificates are made in one place",
    },
    Owned {
        path: "tokio::",
        except: &[],
        owners: &[
            "network/", "tunnel/", "store/", "service/", "control/", "cli/", "app/", "main.rs",
        ],
        reason: "model, openvpn, policy and pki are plain values without a runtime",
    },
    Owned {
        path: "Instant::now",
        except: &[],
        owners: &[
            "clock.rs", "network/", "tunnel/", "store/", "service/", "control/", "cli/", "app/",
        ],
        reason: "the core is told what time it is",
    },
];

#[test]
fn arrows_between_layers_point_down_only() {
    let wrong: Vec<String> = sources()
        .iter()
        .flat_map(|(file, text)| upward_edges(file, text))
        .collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn what_a_layer_owns_is_named_nowhere_else() {
    let wrong: Vec<String> = sources()
        .iter()
        .flat_map(|(file, text)| trespasses(file, text))
        .collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn every_module_of_the_crate_has_a_place_in_the_table() {
    let sources = sources();
    let code = production_code(&sources[Path::new("lib.rs")]);
    let mut modules: Vec<&str> = code
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    let mut layers: Vec<&str> = LAYERS.iter().map(|(layer, _)| *layer).collect();
    modules.sort_unstable();
    layers.sort_unstable();
    assert_eq!(modules, layers);
}

#[test]
fn the_table_has_no_circle() {
    for (position, (layer, below)) in LAYERS.iter().enumerate() {
        for used in *below {
            let place = LAYERS.iter().position(|(name, _)| name == used);
            assert!(place.is_some_and(|p| p < position), "{layer} uses {used}");
        }
    }
}

#[test]
fn an_upward_edge_is_found_however_it_is_written() {
    let planted = [
        ("model/endpoint.rs", "use crate::store::Store;"),
        ("openvpn/session.rs", "use crate::{model::Cidr, tunnel};"),
        (
            "policy/mod.rs",
            "use crate::{\n    model::{Cidr, Rule},\n    network::{self, Port},\n};",
        ),
        ("store/mod.rs", "fn f() { crate::pki::issue(); }"),
        (
            "app/screens/routes.rs",
            "let s = crate::service::Service::new();",
        ),
        ("openvpn/mod.rs", "use super::tunnel::Worker;"),
        (
            "openvpn/tests_of/deep.rs",
            "use super::super::super::service;",
        ),
        ("pki/issue.rs", "type X = gatehouse::store::Store;"),
        ("cli/mod.rs", "use crate as here;"),
    ];
    for (file, text) in planted {
        assert_eq!(
            upward_edges(Path::new(file), text).len(),
            1,
            "{file}: {text}"
        );
    }
}

#[test]
fn a_trespass_is_found() {
    let planted = [
        ("service/mod.rs", "use rusqlite::Connection;"),
        ("tunnel/mod.rs", "fn f(c: &rustls::ServerConfig) {}"),
        (
            "app/screens/routes.rs",
            "let c = Color32::from_rgb(1, 2, 3);",
        ),
        ("openvpn/session.rs", "let now = std::time::Instant::now();"),
        ("model/id.rs", "use tokio::sync::watch;"),
        ("cli/mod.rs", "use {egui::Ui, std::fmt};"),
    ];
    for (file, text) in planted {
        assert_eq!(trespasses(Path::new(file), text).len(), 1, "{file}: {text}");
    }
}

#[test]
fn what_is_allowed_or_only_spoken_of_is_not_a_violation() {
    let fine = [
        (
            "tunnel/mod.rs",
            "use crate::{model::Cidr, openvpn::{self, tls}};",
        ),
        (
            "openvpn/mod.rs",
            "// crate::tunnel drives this\n/* crate::store */",
        ),
        (
            "openvpn/mod.rs",
            "//! [`crate::tunnel`] and rusqlite::Connection",
        ),
        (
            "model/id.rs",
            r#"const TEXT: &str = "crate::store \" rusqlite::";"#,
        ),
        (
            "model/id.rs",
            r##"const TEXT: &str = r#"crate::store " "#;"##,
        ),
        (
            "model/id.rs",
            "const QUOTE: char = '\"'; fn f<'a>(s: &'a str) {}",
        ),
        ("openvpn/deep/part.rs", "use super::super::packet;"),
        (
            "openvpn/packet.rs",
            "#[cfg(test)]\nmod tests {\n    use crate::pki::issue;\n    fn f() { if true {} }\n}\n",
        ),
        ("openvpn/tests/pair.rs", "use crate::pki::issue;"),
        ("pki/key.rs", "use rustls::pki_types::PrivateKeyDer;"),
        ("openvpn/tls.rs", "use rustls::ServerConnection;"),
        ("pki/mod.rs", "use webpki_rustls::x;"),
    ];
    for (file, text) in fine {
        assert_eq!(upward_edges(Path::new(file), text), [""; 0], "{text}");
        assert_eq!(trespasses(Path::new(file), text), [""; 0], "{text}");
    }
}

/// What `file` (below `src/`) names of the crate and may not.
fn upward_edges(file: &Path, text: &str) -> Vec<String> {
    let modules = module_path(file);
    let Some(layer) = modules.first().map(String::as_str) else {
        return Vec::new(); // lib.rs and main.rs join everything
    };
    let Some((_, below)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
        return Vec::new();
    };
    if is_test_file(file) {
        return Vec::new();
    }
    let code = production_code(text);
    let mut named = Vec::new();
    for root in ["crate", "gatehouse"] {
        for after in occurrences(&code, root) {
            let rest = code[after..].trim_start();
            match rest.strip_prefix("::") {
                Some(path) => named.extend(heads(path)),
                None if rest.starts_with("as ") => named.push(format!("{root} as another name")),
                None => {}
            }
        }
    }
    for after in occurrences(&code, "super") {
        named.extend(climbed_to_crate(&code, after, modules.len()));
    }
    named
        .into_iter()
        .filter(|name| {
            let is_layer = LAYERS.iter().any(|(layer, _)| layer == name);
            let renamed = name.contains(' ');
            renamed || is_layer && name != layer && !below.contains(&name.as_str())
        })
        .map(|name| format!("src/{}: {layer} may not use {name}", file.display()))
        .collect()
}

/// Paths that `file` names and another layer owns.
fn trespasses(file: &Path, text: &str) -> Vec<String> {
    if is_test_file(file) {
        return Vec::new();
    }
    let code = production_code(text);
    let name = file.to_string_lossy();
    OWNED
        .iter()
        .filter(|owned| !owned.owners.iter().any(|owner| name.starts_with(owner)))
        .filter(|owned| {
            occurrences(&code, owned.path).iter().any(|&after| {
                let rest = &code[after..];
                !owned.except.iter().any(|fine| rest.starts_with(fine))
            })
        })
        .map(|owned| {
            format!(
                "src/{name}: {} is not named here: {}",
                owned.path, owned.reason
            )
        })
        .collect()
}

/// All sources of the crate, by path below `src/`.
fn sources() -> BTreeMap<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of ours") {
            let path = entry.expect("a folder of ours").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let below = path.strip_prefix(&root).expect("it was found below");
                let text = fs::read_to_string(&path).expect("a source is text");
                found.insert(below.to_path_buf(), text);
            }
        }
    }
    assert!(found.len() > 10, "the sources were not found");
    found
}

/// `openvpn/tls.rs` is `["openvpn", "tls"]`; `lib.rs` and `main.rs` are the root.
fn module_path(file: &Path) -> Vec<String> {
    let mut parts: Vec<String> = file
        .with_extension("")
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    let last = parts.last().map(String::as_str);
    if last == Some("mod") || parts.len() == 1 && matches!(last, Some("lib" | "main")) {
        parts.pop();
    }
    parts
}

fn is_test_file(file: &Path) -> bool {
    file.iter()
        .any(|part| part == "tests" || part == "tests.rs")
}

/// Offsets just after every `word` of `code` that no other word runs into.
fn occurrences(code: &str, word: &str) -> Vec<usize> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word)
        .filter(|(at, _)| !code[..*at].ends_with(is_word))
        .map(|(at, _)| at + word.len())
        .filter(|after| {
            word.ends_with(':') || !code[*after..].starts_with(is_word) || word.ends_with('_')
        })
        .collect()
}

/// First names of a path: `a::b` has `a`; `{a::b, c::{d, e}}` has `a` and `c`.
fn heads(path: &str) -> Vec<String> {
    let path = path.trim_start();
    let Some(group) = path.strip_prefix('{') else {
        return vec![first_name(path)];
    };
    let mut found = Vec::new();
    let mut depth = 0_usize;
    let mut start = 0;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                found.push(first_name(group[start..at].trim_start()));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    found
}

fn first_name(path: &str) -> String {
    path.chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

/// What a chain of `super` names once it stands at the crate's root; nothing where it does not
/// get there. `after` is the offset behind one `super`; chains are followed from their first.
fn climbed_to_crate(code: &str, after: usize, depth: usize) -> Vec<String> {
    let before = &code[..after - "super".len()];
    if before.trim_end().ends_with("super::") {
        return Vec::new();
    }
    let mut rest = code[after..].trim_start();
    let mut climbed = 1;
    while let Some(next) = rest.strip_prefix("::").map(str::trim_start) {
        match next.strip_prefix("super") {
            Some(further) => {
                climbed += 1;
                rest = further.trim_start();
            }
            None if climbed == depth => return heads(next),
            None => return Vec::new(),
        }
    }
    Vec::new()
}

/// The text without comments, without what stands in quotes, and without `#[cfg(test)]` modules.
fn production_code(text: &str) -> String {
    without_test_modules(&without_comments_and_text(text))
}

fn without_comments_and_text(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if c == '"' {
            quoted(rest)
        } else if c == 'r' && !code.ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            raw_text(rest)
        } else if c == '\'' {
            character(rest)
        } else {
            0
        };
        if skipped == 0 {
            code.push(c);
            rest = &rest[c.len_utf8()..];
        } else {
            code.push(' ');
            rest = &rest[skipped..];
        }
    }
    code
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

fn quoted(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// Length of `r"…"` or `r#"…"#`; 0 where this `r` begins a word.
fn raw_text(rest: &str) -> usize {
    let hashes = rest[1..].chars().take_while(|c| *c == '#').count();
    if !rest[1 + hashes..].starts_with('"') {
        return 0;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let body = 2 + hashes;
    rest[body..]
        .find(&end)
        .map_or(rest.len(), |at| body + at + end.len())
}

/// Length of a character literal; 0 for a lifetime.
fn character(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), Some((at, escaped))) => {
            let from = at + escaped.len_utf8(); // an escaped quote is not the end
            rest[from..].find('\'').map_or(0, |end| from + end + 1)
        }
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 0,
    }
}

fn without_test_modules(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        let (before, gated) = rest.split_at(at);
        kept.push_str(before);
        let opening = gated.find('{').unwrap_or(gated.len());
        let end = gated.find(';').unwrap_or(gated.len());
        rest = if end < opening {
            &gated[end + 1..] // `mod tests;` or a `use`
        } else {
            &gated[closing_brace(gated, opening)..]
        };
    }
    kept.push_str(rest);
    kept
}

/// The offset behind the brace that closes the one at `opening`.
fn closing_brace(code: &str, opening: usize) -> usize {
    let mut depth = 0_usize;
    for (at, c) in code[opening..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return opening + at + 1;
                }
            }
            _ => {}
        }
    }
    code.len()
}
