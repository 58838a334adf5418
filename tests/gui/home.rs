//! A data directory with all that runs on it, and a window on it.

use std::sync::{Arc, Mutex};

use gatehouse::{
    control::{Access, BoxFuture, Console, Face, Host, HostOptions, Link, ModeChoice},
    model::{Answer, Command, Connection, Refusal, Request, View},
};
use tempfile::TempDir;
use tokio::{
    runtime::{Handle, Runtime},
    sync::watch,
};

use crate::support::window::Window;

/// Service and gateway of a test, which end with it.
pub(crate) struct Home {
    pub(crate) window: Window,
    pub(crate) dir: TempDir,
    console: Arc<dyn Console>,
    host: Option<Host>,
    runtime: Runtime,
}

impl Home {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let host = runtime
            .block_on(Host::start(HostOptions {
                data_dir: dir.path().join("data"),
                network: ModeChoice::Userspace,
                name: "gatehouse".to_owned(),
                face: Face::Window,
                access: Access::User,
            }))
            .expect("an empty directory can be owned");
        let console = host.console();
        let window = Window::open(Arc::clone(&console), runtime.handle());
        Self {
            window,
            dir,
            console,
            host: Some(host),
            runtime,
        }
    }

    /// Carries a command out behind the window's back.
    pub(crate) fn call(&self, command: Command) -> Answer {
        self.try_call(command).expect("the command is right")
    }

    /// The same for a command that may be refused.
    pub(crate) fn try_call(&self, command: Command) -> Result<Answer, Refusal> {
        let request = Request::from(command);
        self.runtime.block_on(self.console.call(request))
    }

    pub(crate) fn console(&self) -> Arc<dyn Console> {
        Arc::clone(&self.console)
    }

    pub(crate) fn runtime(&self) -> Handle {
        self.runtime.handle().clone()
    }

    /// Another window on the same service.
    pub(crate) fn reopen(&mut self) {
        self.window = Window::open(Arc::clone(&self.console), self.runtime.handle());
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Some(host) = self.host.take() {
            self.runtime.block_on(host.stop());
        }
    }
}

/// The service as it is, with connections of which it knows nothing.
pub(crate) struct Overlay {
    inner: Arc<dyn Console>,
    views: watch::Sender<Arc<View>>,
    connections: Mutex<Vec<Connection>>,
}

impl Overlay {
    pub(crate) fn new(inner: Arc<dyn Console>) -> Arc<Self> {
        let views = watch::Sender::new(inner.views().borrow().clone());
        Arc::new(Self {
            inner,
            views,
            connections: Mutex::default(),
        })
    }

    /// A client is connected from now on.
    pub(crate) fn connect(&self, connection: Connection) {
        let mut connections = self.connections.lock().expect("nobody panicked");
        connections.push(connection);
        drop(connections);
        self.renew();
    }

    /// Makes the newest view of the service, and what is laid over it, the newest view.
    fn renew(&self) {
        let view = self.inner.views().borrow().clone();
        let mut live = (*view.live).clone();
        live.connections = self.connections.lock().expect("nobody panicked").clone();
        self.views.send_replace(Arc::new(View {
            snapshot: Arc::clone(&view.snapshot),
            live: Arc::new(live),
        }));
    }
}

impl Console for Overlay {
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Answer, Refusal>> {
        Box::pin(async move {
            let answer = self.inner.call(request).await;
            self.renew();
            answer
        })
    }

    fn views(&self) -> watch::Receiver<Arc<View>> {
        self.views.subscribe()
    }

    fn link(&self) -> watch::Receiver<Link> {
        self.inner.link()
    }
}
