//! Debian's `openvpn` as a client.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use crate::{
    lab::{Lab, Namespace},
    process::{Running, until},
};

/// The client's tunnel: each client has a namespace of its own, so it is always the first.
pub(crate) const TUNNEL: &str = "tun0";

/// An unmodified OpenVPN client that runs.
pub(crate) struct StockClient {
    pub(crate) running: Running,
}

impl StockClient {
    /// Starts `openvpn --config` on a file with this text; `more` is appended to the command.
    pub(crate) fn start(lab: &Lab, from: &Namespace, profile: &str, more: &[&str]) -> Self {
        let file = lab.path(&format!("client{}.ovpn", another()));
        fs::write(&file, profile).expect("the lab's directory is ours");
        Self::start_with_file(lab, from, &file, more)
    }

    /// The same with a file that somebody saved.
    pub(crate) fn start_with_file(lab: &Lab, from: &Namespace, file: &Path, more: &[&str]) -> Self {
        // The same file may be used again.
        let log = lab.path(&format!("openvpn{}.log", another()));
        let mut command = from.command("openvpn");
        command.arg("--config").arg(file).args(more);
        Self {
            running: Running::start("openvpn", &mut command, log),
        }
    }

    /// Starts it and waits until its tunnel stands.
    pub(crate) fn connect(lab: &Lab, from: &Namespace, profile: &str, more: &[&str]) -> Self {
        let mut client = Self::start(lab, from, profile, more);
        client.wait_connected();
        client
    }

    pub(crate) fn wait_connected(&mut self) {
        self.running
            .wait_for("Initialization Sequence Completed", Duration::from_secs(30));
    }

    /// Waits until it is told, or finds out, that it may not come in.
    ///
    /// # Panics
    /// When it comes in, or learns nothing.
    pub(crate) fn wait_refused(&mut self) {
        let refusals = ["AUTH_FAILED", "SSL alert", "TLS Error", "Connection reset"];
        let refused = until(Duration::from_secs(20), || {
            let log = self.running.log();
            let is_in = log.contains("Initialization Sequence Completed");
            assert!(!is_in, "it came in:\n{log}");
            let told = refusals.iter().any(|text| log.contains(text));
            (told || self.running.ended().is_some()).then_some(())
        });
        assert!(refused.is_some(), "nobody refused it");
    }

    /// How many times a data channel was set up: once, and once more for each rekey.
    pub(crate) fn key_exchanges(&self) -> usize {
        self.running.log().matches("Control Channel: TLS").count()
    }

    /// How many times it had to begin from nothing.
    pub(crate) fn restarts(&self) -> usize {
        let log = self.running.log();
        log.matches("process restarting").count()
    }
}

/// A number that nothing else of this run has.
fn another() -> u32 {
    static LAST: AtomicU32 = AtomicU32::new(0);
    LAST.fetch_add(1, Ordering::Relaxed)
}
