//! Owning a data directory: everything that runs on it, started and stopped in order.
//!
//! Lock, store, service, gateway, control socket; and back. `gatehouse serve` and the window's
//! embedded gateway are both a [`Host`].

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use tokio::{
    signal::unix::{SignalKind, signal},
    time::timeout,
};

use super::{
    AttachError, Caller, Console, Face, Follow, Lock, LockError, ModeChoice, Remote, Server,
    local::Local,
    lock::create_private_dir,
    socket::{self, Access},
};
use crate::{
    clock,
    model::Refusal,
    service::{Service, ThisMachine},
    store::{Store, StoreError},
    tunnel::{Options, StartError, Tunnel},
};

/// How to own a data directory.
#[derive(Clone, Debug)]
pub struct HostOptions {
    /// The data directory; it is made if it is not there.
    pub data_dir: PathBuf,
    /// How packets are to get into the target network.
    pub network: ModeChoice,
    /// What others are told runs here, for example `gatehouse serve`.
    pub name: String,
    /// The face of [`Host::console`].
    pub face: Face,
    /// Who may open the control socket.
    pub access: Access,
}

/// Why a data directory cannot be owned.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// Another process owns it, or it cannot be written.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// What is in it cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The service cannot start.
    #[error(transparent)]
    Service(#[from] Refusal),
    /// Another process owns it and does not take this one as a client.
    #[error(transparent)]
    Attach(#[from] AttachError),
    /// The gateway cannot start.
    #[error(transparent)]
    Gateway(#[from] StartError),
    /// The control socket or the signals cannot be had.
    #[error("the control socket cannot be opened")]
    Socket(#[source] io::Error),
}

/// A data directory that this process owns. Dropping it without [`Host::stop`] is a crash to those
/// who are connected, and loses nothing that was acknowledged.
pub struct Host {
    console: Arc<Local>,
    service: Service,
    tunnel: Option<Arc<Tunnel>>,
    server: Option<Server>,
    // Last, so that nobody else opens the directory before all is closed.
    lock: Lock,
}

impl Host {
    /// Takes the data directory, starts service and gateway on it, and listens on its control
    /// socket. Needs a tokio runtime, now and for as long as it lives.
    ///
    /// # Errors
    /// [`HostError`]; then nothing runs and nothing is left behind.
    pub async fn start(options: HostOptions) -> Result<Self, HostError> {
        let mut host = Self::open(&options).await?;
        let journal = options.data_dir.join(JOURNAL);
        create_private_dir(&journal).map_err(|source| LockError::Io {
            data_dir: journal.clone(),
            source,
        })?;
        let gateway = Options {
            network: options.network,
            ..Options::new(journal)
        };
        let tunnel = Arc::new(Tunnel::start(Arc::new(host.service.clone()), gateway).await?);
        host.service.attach(Arc::clone(&tunnel) as Arc<_>);
        host.tunnel = Some(tunnel);
        let listener = match socket::bind(&host.lock, options.access) {
            Ok(listener) => listener,
            Err(error) => {
                host.stop().await;
                return Err(HostError::Socket(error));
            }
        };
        let door = Arc::new(host.service.clone());
        host.server = Some(Server::start(listener, door, host.lock.owner().clone()));
        tracing::info!(data_dir = %options.data_dir.display(), "gatehouse runs");
        Ok(host)
    }

    /// Takes the data directory for commands alone: no gateway runs and nobody can attach.
    ///
    /// # Errors
    /// [`HostError`], most often because a gateway runs that should be asked instead.
    pub async fn offline(options: &HostOptions) -> Result<Self, HostError> {
        Self::open(options).await
    }

    async fn open(options: &HostOptions) -> Result<Self, HostError> {
        let lock = Lock::acquire(&options.data_dir, &options.name)?;
        let data_dir = options.data_dir.clone();
        let opened = tokio::task::spawn_blocking(move || Store::open(&data_dir, clock::now()));
        let store = opened.await.map_err(|_| StoreError::Closed)??;
        let service = Service::start(store, ThisMachine).await?;
        let console = Local::new(service.clone(), Caller::myself(options.face));
        Ok(Self {
            console: Arc::new(console),
            service,
            tunnel: None,
            server: None,
            lock,
        })
    }

    /// The console of this process.
    #[must_use]
    pub fn console(&self) -> Arc<dyn Console> {
        Arc::clone(&self.console) as Arc<dyn Console>
    }

    /// Stops in order: no more commands, tunnels told to come back later, the machine's network
    /// as it was before, the control socket gone, the last records written.
    ///
    /// Each step has its time: one that hangs is let go of, so that the next ones still happen.
    pub async fn stop(mut self) {
        self.console.stop();
        if let Some(server) = self.server.take() {
            self.remove_socket();
            server.stop().await;
        }
        if let Some(tunnel) = self.tunnel.take() {
            // Dropping the gateway takes its changes to the host back too, without a farewell.
            let stopped = within(GATEWAY_STOPS, "the gateway", tunnel.stop()).await;
            if let Some(Err(error)) = stopped {
                tracing::error!(%error, "this machine's network is not yet as it was; the next start tries again");
            }
        }
        within(LAST_LINES, "the last records", self.service.flush()).await;
        // Service and gateway hold each other: without this neither would end, nor the store close.
        self.service.detach();
    }

    fn remove_socket(&self) {
        if let Err(error) = socket::unbind(&self.lock) {
            tracing::warn!(%error, "the control socket stays behind");
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if self.server.take().is_some() {
            self.remove_socket();
        }
        self.service.detach();
    }
}

/// What a step of stopping came to; none if it hangs, and then it was dropped.
async fn within<T>(limit: Duration, what: &str, step: impl Future<Output = T>) -> Option<T> {
    let done = timeout(limit, step).await;
    if done.is_err() {
        tracing::error!(limit_secs = limit.as_secs(), "{what} did not end in time");
    }
    done.ok()
}

/// A console on a data directory, however it is reached.
pub struct Opened {
    /// The console.
    pub console: Arc<dyn Console>,
    /// What this process owns and has to stop in the end; none where it attached to another.
    pub host: Option<Host>,
}

/// Attaches to the owner of the data directory, or becomes it where there is none.
///
/// # Errors
/// [`HostError`].
pub async fn attach_or_start(options: HostOptions) -> Result<Opened, HostError> {
    let attach = || Remote::attach(&options.data_dir, options.face, Follow::Views);
    let attached = match attach().await {
        Err(AttachError::NotRunning { .. }) => match Host::start(options.clone()).await {
            Ok(host) => {
                return Ok(Opened {
                    console: host.console(),
                    host: Some(host),
                });
            }
            // Another one was faster.
            Err(HostError::Lock(LockError::Owned { .. })) => attach().await?,
            Err(error) => return Err(error),
        },
        attached => attached?,
    };
    Ok(Opened {
        console: Arc::new(attached),
        host: None,
    })
}

/// Runs a gateway without a window until it is told to stop by SIGTERM, SIGINT or SIGHUP; tells the
/// service manager, if one listens, when it runs and when it stops.
///
/// # Errors
/// [`HostError`] where it cannot start.
pub async fn serve(options: HostOptions) -> Result<(), HostError> {
    // Before anything is changed, so that a signal in the middle of it still finds a way back.
    let mut terminate = signal(SignalKind::terminate()).map_err(HostError::Socket)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(HostError::Socket)?;
    let mut hang_up = signal(SignalKind::hangup()).map_err(HostError::Socket)?;
    let host = Host::start(options).await?;
    tell_manager(sd_notify::NotifyState::Ready);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        // The terminal that it was started from is gone.
        _ = hang_up.recv() => {}
    }
    tracing::info!("gatehouse stops");
    tell_manager(sd_notify::NotifyState::Stopping);
    host.stop().await;
    Ok(())
}

fn tell_manager(state: sd_notify::NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}

/// The directory inside the data directory where changes to the machine's network are noted.
const JOURNAL: &str = "network";
/// How long the gateway may take to stop: its farewell has two seconds. With the control socket's
/// last answers and [`LAST_LINES`] this stays below the 20 seconds that packaging gives the service.
const GATEWAY_STOPS: Duration = Duration::from_secs(8);
/// How long the last records may take to be written.
const LAST_LINES: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{
        control::Link,
        model::{Answer, Code, Command, command::CreateVpc},
    };

    fn options(data_dir: &Path) -> HostOptions {
        HostOptions {
            data_dir: data_dir.to_owned(),
            network: ModeChoice::Userspace,
            name: "gatehouse serve".to_owned(),
            face: Face::Window,
            access: Access::User,
        }
    }

    fn create_vpc() -> crate::model::Request {
        let cidr_block = "10.9.0.0/16".to_owned();
        Command::CreateVpc(CreateVpc {
            cidr_block,
            ..CreateVpc::default()
        })
        .into()
    }

    #[tokio::test]
    async fn what_one_console_changes_the_other_sees() {
        let dir = tempfile::tempdir().unwrap();
        let host = Host::start(options(dir.path())).await.unwrap();
        let remote = Remote::attach(dir.path(), Face::Cli, Follow::Views)
            .await
            .unwrap();
        let local = host.console();
        assert_eq!(*local.link().borrow(), Link::Embedded);
        let Answer::Vpc(vpc) = local.call(create_vpc()).await.unwrap() else {
            panic!("another answer");
        };
        let mut views = remote.views();
        views
            .wait_for(|view| view.snapshot.vpcs.contains_key(&vpc.id))
            .await
            .unwrap();
        host.stop().await;
    }

    #[tokio::test]
    async fn the_first_window_owns_the_directory_and_the_second_attaches() {
        let dir = tempfile::tempdir().unwrap();
        let first = attach_or_start(options(dir.path())).await.unwrap();
        assert_eq!(*first.console.link().borrow(), Link::Embedded);
        let second = attach_or_start(options(dir.path())).await.unwrap();
        assert!(second.host.is_none());
        let owner = first.host.as_ref().unwrap().lock.owner().clone();
        assert_eq!(*second.console.link().borrow(), Link::Attached(owner));
        first.host.unwrap().stop().await;
    }

    #[tokio::test]
    async fn stopping_leaves_no_socket_and_lets_the_directory_go() {
        let dir = tempfile::tempdir().unwrap();
        let host = Host::start(options(dir.path())).await.unwrap();
        let console = host.console();
        host.stop().await;
        assert!(!socket::path(dir.path()).exists());
        let refusal = console.call(create_vpc()).await.unwrap_err();
        assert_eq!(refusal.code, Code::Unavailable);
        let again = Host::start(options(dir.path())).await.unwrap();
        again.stop().await;
    }

    #[tokio::test]
    async fn stopping_lets_go_of_service_gateway_and_store() {
        let dir = tempfile::tempdir().unwrap();
        let host = Host::start(options(dir.path())).await.unwrap();
        let tunnel = Arc::downgrade(host.tunnel.as_ref().unwrap());
        let mut views = host.console().views();
        host.stop().await;
        assert!(tunnel.upgrade().is_none(), "the gateway is still held");
        let end = async { while views.changed().await.is_ok() {} };
        let ended = timeout(Duration::from_secs(30), end).await;
        assert!(ended.is_ok(), "the service is still held");
    }

    #[tokio::test]
    async fn a_host_that_is_dropped_lets_go_of_its_gateway_too() {
        let dir = tempfile::tempdir().unwrap();
        let host = Host::start(options(dir.path())).await.unwrap();
        let tunnel = Arc::downgrade(host.tunnel.as_ref().unwrap());
        drop(host);
        assert!(tunnel.upgrade().is_none(), "the gateway is still held");
    }

    #[tokio::test]
    async fn a_step_of_stopping_that_hangs_is_let_go_of() {
        let held = Arc::new(());
        let step = {
            let held = Arc::clone(&held);
            async move {
                std::future::pending::<()>().await;
                drop(held);
            }
        };
        assert_eq!(within(Duration::from_millis(5), "a step", step).await, None);
        assert_eq!(Arc::strong_count(&held), 1);
    }

    #[tokio::test]
    async fn offline_keeps_others_out_and_what_it_changed_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let host = Host::offline(&options(dir.path())).await.unwrap();
        let answer = host.console().call(create_vpc()).await;
        assert!(matches!(answer, Ok(Answer::Vpc(_))));
        assert!(matches!(
            Host::offline(&options(dir.path())).await,
            Err(HostError::Lock(LockError::Owned { .. }))
        ));
        host.stop().await;
        let host = Host::start(options(dir.path())).await.unwrap();
        assert_eq!(host.console().views().borrow().snapshot.vpcs.len(), 1);
        host.stop().await;
    }
}
