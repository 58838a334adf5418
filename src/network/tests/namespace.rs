//! Tests that need a network of their own.
//!
//! Such a test runs its own binary again under `unshare --net`: there the whole process has an empty
//! network, which goes with it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Set in the process that runs inside the namespace, to the part it plays.
const PART: &str = "GATEHOUSE_TEST_PART";
/// The state directory that the parts of one test share.
const STATE: &str = "GATEHOUSE_TEST_STATE";

/// Runs `test`, named from this module's parent or from the crate's `tunnel` or `network`, again in a network
/// namespace of its own, or says why it cannot. In the namespace it gives the part to play.
pub(crate) fn in_namespace(test: &str) -> Option<String> {
    if let Ok(part) = std::env::var(PART) {
        return Some(part);
    }
    let possible = rustix::process::geteuid().is_root() && Path::new("/dev/net/tun").exists();
    if !possible {
        assert!(
            std::env::var_os("CI").is_none(),
            "CI runs this test as root with /dev/net/tun"
        );
        println!("skipped: it needs root and /dev/net/tun");
        return None;
    }
    let state = tempfile::tempdir().unwrap();
    let output = play(test, "main", state.path(), true).output().unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    None
}

/// A command that plays a part of `test`, in a namespace of its own or in this one.
pub(super) fn play(test: &str, part: &str, state: &Path, own_namespace: bool) -> Command {
    let binary = std::env::current_exe().unwrap();
    let mut command = if own_namespace {
        let mut unshare = Command::new("unshare");
        unshare.arg("--net").arg(binary);
        unshare
    } else {
        Command::new(binary)
    };
    let name = match test.split_once("::") {
        Some(("tunnel" | "network", _)) => test.to_owned(),
        _ => format!("network::tests::{test}"),
    };
    command.args(["--exact", &name, "--nocapture"]);
    command.env(PART, part).env(STATE, state);
    command
}

/// Where the parts of a test keep what must outlive them.
pub(super) fn state_dir() -> PathBuf {
    std::env::var_os(STATE).unwrap().into()
}

/// Runs a program that must succeed, and gives what it printed.
pub(crate) fn run(program: &str, arguments: &str) -> String {
    let output = Command::new(program)
        .args(arguments.split_whitespace())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{program} {arguments}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}
