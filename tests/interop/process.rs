//! Programs that run beside a test, and waiting for what they do.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

/// A program that runs until it ends, is stopped, or this is dropped.
pub(crate) struct Running {
    name: &'static str,
    child: Child,
    log: PathBuf,
    ended: Option<ExitStatus>,
}

impl Running {
    /// Starts it; what it prints goes to the file `log`, behind what is there.
    pub(crate) fn start(name: &'static str, command: &mut Command, log: PathBuf) -> Self {
        let file = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .expect("the lab's directory is ours");
        let copy = file.try_clone().expect("a file handle can be copied");
        let child = command
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(copy)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self {
            name,
            child,
            log,
            ended: None,
        }
    }

    /// What it has printed so far.
    pub(crate) fn log(&self) -> String {
        let bytes = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().expect("it is our child");
        }
        self.ended
    }

    /// Waits until it has printed `text`.
    ///
    /// # Panics
    /// When it ends before, or the time is over; with its log.
    pub(crate) fn wait_for(&mut self, text: &str, within: Duration) {
        let deadline = Instant::now() + within;
        while !self.log().contains(text) {
            let ended = self.ended();
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "{} did not print {text:?} ({ended:?}); it printed:\n{}",
                self.name,
                self.log()
            );
            thread::sleep(POLL);
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        if self.ended.is_none() {
            let pid = Pid::from_child(&self.child);
            kill_process(pid, signal).expect("a child that was not waited for is there");
        }
    }

    /// Asks it to end, as a service manager does, and waits until it has.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        let name = self.name;
        match until(Duration::from_secs(20), || self.ended()) {
            Some(status) => status,
            None => panic!("{name} does not stop; it printed:\n{}", self.log()),
        }
    }

    /// Ends it with no time for a last word.
    pub(crate) fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.ended = Some(self.child.wait().expect("it is our child"));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended().is_none() {
            self.kill();
        }
        if thread::panicking() {
            tell(self.name, &self.log());
        }
    }
}

/// Asks again until there is an answer, and gives up when the time is over.
pub(crate) fn until<T>(within: Duration, mut answer: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + within;
    loop {
        if let Some(found) = answer() {
            return Some(found);
        }
        if Instant::now() >= deadline {
            return None;
        }
        thread::sleep(POLL);
    }
}

/// Between two looks at a condition.
const POLL: Duration = Duration::from_millis(20);

#[expect(
    clippy::print_stderr,
    reason = "a failed test shows its programs' logs"
)]
fn tell(name: &str, log: &str) {
    let from = log.len().saturating_sub(6_000);
    let from = (from..=log.len())
        .find(|at| log.is_char_boundary(*at))
        .unwrap_or(0);
    eprintln!("---- {name} printed:\n{}", &log[from..]);
}
