//! What the service says of a text while it is typed or pasted, before anything is sent.

use crate::{
    app::{backend::Work, context::Context},
    model::{Answer, Command, Refusal, command::Bytes},
};

/// The service's reading of a text: asked for once for each text, and once more when what it is
/// read against is another.
#[derive(Debug)]
pub struct Reading<T> {
    asked: Vec<u8>,
    against: u64,
    work: Work<Answer>,
    said: Option<Result<T, Refusal>>,
}

impl<T> Default for Reading<T> {
    fn default() -> Self {
        Self {
            asked: Vec::new(),
            against: 0,
            work: Work::default(),
            said: None,
        }
    }
}

impl<T> Reading<T> {
    /// Has the service read `typed`, unless it has. `against` is a number that is another one when
    /// the answer may be; until that has come, the one before stays.
    pub fn follow(
        &mut self,
        cx: &Context<'_>,
        (typed, against): (&[u8], u64),
        ask: impl FnOnce(Bytes) -> Command,
        read: impl FnOnce(Answer) -> Option<T>,
    ) {
        let is_same = typed == self.asked;
        let came = self.work.poll();
        if !is_same {
            // What is said of another text, or still comes, is not said of this one.
            self.said = None;
        } else if let Some(answer) = came {
            self.said = answer.map(read).transpose();
        }
        if self.work.is_running() || (is_same && against == self.against) {
            return;
        }
        typed.clone_into(&mut self.asked);
        self.against = against;
        if !typed.is_empty() {
            self.work.start(cx.backend.call(ask(Bytes(typed.to_vec()))));
        }
    }

    /// What was read; none while it is being read, and where it is refused.
    #[must_use]
    pub fn read(&self) -> Option<&T> {
        self.said.as_ref()?.as_ref().ok()
    }

    /// Why it cannot be read.
    #[must_use]
    pub fn refused(&self) -> Option<&str> {
        let refusal = self.said.as_ref()?.as_ref().err()?;
        Some(&refusal.message)
    }
}
