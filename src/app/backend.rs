//! The window's line to the service: sends commands without waiting, and wakes the window when
//! something has come back.

use std::{fmt, sync::Arc};

use tokio::{
    runtime::Handle,
    sync::{oneshot, watch},
};

use crate::{
    control::{Console, Link},
    model::{Answer, Code, Command, Refusal, Request, View},
};

/// Where the service is and how its answers come back to the drawing thread.
#[derive(Clone)]
pub struct Backend {
    console: Arc<dyn Console>,
    runtime: Handle,
    views: watch::Receiver<Arc<View>>,
    links: watch::Receiver<Link>,
    ctx: egui::Context,
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend").finish_non_exhaustive()
    }
}

impl Backend {
    /// Connects the window behind `ctx` to `console`; every new view repaints it.
    #[must_use]
    pub fn new(console: Arc<dyn Console>, runtime: Handle, ctx: egui::Context) -> Self {
        let views = console.views();
        let links = console.link();
        runtime.spawn(repaint_on_change(views.clone(), ctx.clone()));
        runtime.spawn(repaint_on_change(links.clone(), ctx.clone()));
        Self {
            console,
            runtime,
            views,
            links,
            ctx,
        }
    }

    /// The newest view. Never waits.
    #[must_use]
    pub fn view(&self) -> Arc<View> {
        Arc::clone(&self.views.borrow())
    }

    /// How the service is reached now. Never waits.
    #[must_use]
    pub fn link(&self) -> Link {
        self.links.borrow().clone()
    }

    /// The service itself.
    #[must_use]
    pub fn console(&self) -> &Arc<dyn Console> {
        &self.console
    }

    /// Sends a command; the window is repainted when its answer is there.
    #[must_use]
    pub fn call(&self, command: Command) -> Pending<Answer> {
        let console = Arc::clone(&self.console);
        self.spawn(async move { console.call(Request::from(command)).await })
    }

    /// Asks whether a command would be carried out, without carrying it out: none if it would.
    #[must_use]
    pub fn judge(&self, command: Command) -> Pending<Option<Refusal>> {
        let console = Arc::clone(&self.console);
        self.spawn(async move {
            let request = Request {
                dry_run: true,
                ..Request::from(command)
            };
            match console.call(request).await {
                Ok(_) => Ok(None),
                Err(refusal) if refusal.code == Code::DryRunOperation => Ok(None),
                Err(refusal) => Ok(Some(refusal)),
            }
        })
    }

    /// Frees what is no longer shown on another thread: ten thousand connections take longer than
    /// a frame has.
    pub fn free(&self, past: impl Send + 'static) {
        self.runtime.spawn(async move { drop(past) });
    }

    /// Runs `work` off the drawing thread; the window is repainted when it is done.
    #[must_use]
    pub fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Refusal>> + Send + 'static,
    ) -> Pending<T> {
        let (done, outcome) = oneshot::channel();
        let ctx = self.ctx.clone();
        self.runtime.spawn(async move {
            let result = work.await;
            // A closed dialog no longer wants its answer.
            drop(done.send(result));
            ctx.request_repaint();
        });
        Pending { outcome }
    }
}

/// Wakes the window at every change, until the other end is gone.
async fn repaint_on_change<T>(mut changes: watch::Receiver<T>, ctx: egui::Context) {
    while changes.changed().await.is_ok() {
        ctx.request_repaint();
    }
}

/// An answer that is on its way.
#[derive(Debug)]
pub struct Pending<T> {
    outcome: oneshot::Receiver<Result<T, Refusal>>,
}

/// One piece of work of a screen or dialog, at most one at a time.
#[derive(Debug)]
pub struct Work<T> {
    pending: Option<Pending<T>>,
}

impl<T> Default for Work<T> {
    fn default() -> Self {
        Self { pending: None }
    }
}

/// The outcome of some work in words, once it has come: what is true then, or why it was refused.
pub type Outcome = Box<dyn FnMut() -> Option<Result<String, Refusal>>>;

impl<T: 'static> Work<T> {
    /// Hands the work on to whoever says how it ended.
    #[must_use]
    pub fn saying(mut self, words: impl Fn(T) -> String + 'static) -> Outcome {
        Box::new(move || Some(self.poll()?.map(&words)))
    }
}

impl<T> Work<T> {
    /// Whether an answer is on its way.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.pending.is_some()
    }

    /// Begins `pending`; what was under way before is no longer waited for.
    pub fn start(&mut self, pending: Pending<T>) {
        self.pending = Some(pending);
    }

    /// The outcome, once, when it has come.
    pub fn poll(&mut self) -> Option<Result<T, Refusal>> {
        let outcome = match self.pending.as_mut()?.outcome.try_recv() {
            Ok(outcome) => outcome,
            Err(oneshot::error::TryRecvError::Empty) => return None,
            Err(oneshot::error::TryRecvError::Closed) => Err(Refusal::new(
                Code::Unavailable,
                "The gateway stopped before it answered. Look at the list, then try again.",
            )),
        };
        self.pending = None;
        Some(outcome)
    }
}
