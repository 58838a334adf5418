//! The console of the process that owns the data directory.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::{runtime::Handle, sync::watch};

use super::{Caller, Console, Link};
use crate::{
    model::{Answer, Code, Refusal, Request, View},
    service::Service,
    tunnel::BoxFuture,
};

/// Commands go straight to the service.
pub(super) struct Local {
    service: Service,
    caller: Arc<Caller>,
    link: watch::Sender<Link>,
    runtime: Handle,
    stopped: AtomicBool,
}

impl Local {
    /// A console for `caller`. Needs to be in a tokio runtime, on which commands then run.
    pub(super) fn new(service: Service, caller: Caller) -> Self {
        Self {
            service,
            caller: Arc::new(caller),
            link: watch::Sender::new(Link::Embedded),
            runtime: Handle::current(),
            stopped: AtomicBool::new(false),
        }
    }

    /// Takes no more commands: the data directory is about to be let go.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
    }
}

impl Console for Local {
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Answer, Refusal>> {
        if self.stopped.load(Ordering::SeqCst) {
            return Box::pin(async { Err(stopping()) });
        }
        let (service, caller) = (self.service.clone(), Arc::clone(&self.caller));
        // A task of its own, so that whoever stops waiting does not stop the command.
        let task = self
            .runtime
            .spawn(async move { service.call(&caller, request).await });
        Box::pin(async move { task.await.unwrap_or_else(|_| Err(stopping())) })
    }

    fn views(&self) -> watch::Receiver<Arc<View>> {
        self.service.views()
    }

    fn link(&self) -> watch::Receiver<Link> {
        self.link.subscribe()
    }
}

fn stopping() -> Refusal {
    Refusal::new(
        Code::Unavailable,
        "Gatehouse is stopping; start it again to change anything.",
    )
}
