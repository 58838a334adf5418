//! The client's end of the control socket.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf},
    net::UnixStream,
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{
    Console, Face, Link, Owner, lock, socket,
    wire::{self, FrameError, FromOwner, ToOwner, VERSION},
};
use crate::{
    clock,
    model::{Answer, Code, Refusal, Request, View},
    tunnel::BoxFuture,
};

/// A console whose service runs in another process.
#[derive(Debug)]
pub struct Remote {
    calls: mpsc::Sender<Call>,
    views: watch::Receiver<Arc<View>>,
    link: watch::Receiver<Link>,
    task: JoinHandle<()>,
}

/// What a console is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// Commands and the stream of views: for a window.
    Views,
    /// Commands alone; [`Console::views`] stays at an empty one.
    Nothing,
}

/// Why a console cannot attach.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// Nobody owns the data directory.
    #[error("no gatehouse runs on the data directory {}", data_dir.display())]
    NotRunning {
        /// The directory.
        data_dir: PathBuf,
    },
    /// A process owns it and has not listened for a while.
    #[error(
        "the data directory {} is owned by {}, which takes no commands; wait until it is done, or \
         stop it",
        data_dir.display(),
        lock::describe(holder.as_ref())
    )]
    Silent {
        /// The directory.
        data_dir: PathBuf,
        /// Who owns it, where it has said so.
        holder: Option<Owner>,
    },
    /// The owner does not take this client.
    #[error("{}", .0.message)]
    TurnedAway(Refusal),
    /// The socket is there and cannot be used.
    #[error("the control socket {} cannot be used", socket.display())]
    Io {
        /// The socket.
        socket: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

impl Remote {
    /// Attaches to the owner of `data_dir`; with [`Follow::Views`] returns once the first view is
    /// there. An owner that is still starting is waited for.
    ///
    /// # Errors
    /// [`AttachError`].
    pub async fn attach(data_dir: &Path, face: Face, follow: Follow) -> Result<Self, AttachError> {
        let dial = Dial {
            data_dir: data_dir.to_owned(),
            face,
            follow,
            patience: STARTING,
        };
        let first = dial.wait_for_owner().await?;
        let (calls, queue) = mpsc::channel(MAX_WAITING);
        let (views, mut seen) = watch::channel(Arc::default());
        let (link, linked) = watch::channel(Link::Attached(first.owner.clone()));
        let task = tokio::spawn(stay_attached(dial, first, queue, views, link));
        if follow == Follow::Views && timeout(FIRST_VIEW, seen.changed()).await.is_err() {
            task.abort();
            return Err(AttachError::Io {
                socket: socket::path(data_dir),
                source: io::ErrorKind::TimedOut.into(),
            });
        }
        Ok(Self {
            calls,
            views: seen,
            link: linked,
            task,
        })
    }
}

impl Console for Remote {
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Answer, Refusal>> {
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            let call = Call { request, answer };
            if self.calls.send(call).await.is_err() {
                return Err(lost());
            }
            answered.await.unwrap_or_else(|_| Err(lost()))
        })
    }

    fn views(&self) -> watch::Receiver<Arc<View>> {
        self.views.clone()
    }

    fn link(&self) -> watch::Receiver<Link> {
        self.link.clone()
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A command on its way, and where its answer goes.
struct Call {
    request: Request,
    answer: oneshot::Sender<Result<Answer, Refusal>>,
}

/// How to reach the owner, again and again.
struct Dial {
    data_dir: PathBuf,
    face: Face,
    follow: Follow,
    /// How long an owner that holds the lock may take until it listens.
    patience: Duration,
}

/// A connection past its hello.
struct Attached {
    read: ReadHalf<UnixStream>,
    write: WriteHalf<UnixStream>,
    owner: Owner,
}

impl Dial {
    /// Dials; while a process holds the directory's lock and does not listen yet, again.
    async fn wait_for_owner(&self) -> Result<Attached, AttachError> {
        let mut waited = Duration::ZERO;
        loop {
            let data_dir = match self.dial().await {
                Err(AttachError::NotRunning { data_dir }) => data_dir,
                result => return result,
            };
            match lock::current_owner(&data_dir) {
                Ok(Some(holder)) if waited >= self.patience => {
                    return Err(AttachError::Silent { data_dir, holder });
                }
                Ok(Some(_)) => sleep(POLL).await,
                Ok(None) | Err(_) => return Err(AttachError::NotRunning { data_dir }),
            }
            waited += POLL;
        }
    }

    async fn dial(&self) -> Result<Attached, AttachError> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => AttachError::NotRunning {
                data_dir: self.data_dir.clone(),
            },
            _ => AttachError::Io {
                socket: socket::path(&self.data_dir),
                source,
            },
        };
        let stream = socket::connect(&self.data_dir).await.map_err(failed)?;
        let (mut read, mut write) = tokio::io::split(stream);
        let greeting = timeout(HELLO, self.greet(&mut read, &mut write));
        let greeted = match greeting.await {
            Ok(result) => result.map_err(|error| match error {
                // It closed in the middle of stopping: as good as gone.
                FrameError::Closed => failed(io::ErrorKind::ConnectionRefused.into()),
                FrameError::Io(source) => failed(source),
                other => failed(io::Error::other(other)),
            })?,
            Err(_) => return Err(failed(io::ErrorKind::TimedOut.into())),
        };
        let owner = greeted.map_err(AttachError::TurnedAway)?;
        Ok(Attached { read, write, owner })
    }

    async fn say_hello(
        &self,
        write: &mut (impl AsyncWrite + Unpin),
        hello: &ToOwner,
    ) -> Result<(), FrameError> {
        wire::write(write, hello).await?;
        if self.follow == Follow::Views {
            wire::write(write, &ToOwner::Watch).await?;
        }
        Ok(())
    }

    async fn greet(
        &self,
        read: &mut (impl AsyncRead + Unpin),
        write: &mut (impl AsyncWrite + Unpin),
    ) -> Result<Result<Owner, Refusal>, FrameError> {
        let hello = ToOwner::Hello {
            version: VERSION,
            face: self.face,
        };
        let said = self.say_hello(write, &hello).await;
        // An owner that turns clients away closes without listening, and its reason is there to
        // be read all the same.
        let heard = wire::read(read).await;
        match heard.map_err(|error| said.err().unwrap_or(error))? {
            FromOwner::Hello { owner, .. } => Ok(Ok(owner)),
            FromOwner::Goodbye(refusal) => Ok(Err(refusal)),
            FromOwner::Answer { .. } | FromOwner::View { .. } => {
                Err(io::Error::other("the owner did not say hello").into())
            }
        }
    }
}

/// Keeps a connection for as long as the console lives.
async fn stay_attached(
    dial: Dial,
    first: Attached,
    mut calls: mpsc::Receiver<Call>,
    views: watch::Sender<Arc<View>>,
    link: watch::Sender<Link>,
) {
    let mut attached = first;
    loop {
        link.send_replace(Link::Attached(attached.owner.clone()));
        let reason = converse(attached, &mut calls, &views).await;
        link.send_replace(Link::Unreachable {
            since: clock::now(),
            reason,
        });
        let Some(next) = dial_again(&dial, &mut calls).await else {
            return;
        };
        attached = next;
    }
}

/// Dials until someone answers; commands in the meantime are answered at once.
async fn dial_again(dial: &Dial, calls: &mut mpsc::Receiver<Call>) -> Option<Attached> {
    let mut pause = FIRST_PAUSE;
    loop {
        let waited = sleep(pause);
        tokio::pin!(waited);
        loop {
            tokio::select! {
                () = &mut waited => break,
                call = calls.recv() => {
                    // Nobody waits any more where this send fails.
                    call?.answer.send(Err(unreachable_owner())).ok();
                }
            }
        }
        if let Ok(attached) = dial.dial().await {
            return Some(attached);
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// The calls that wait for an answer, by number.
type Waiting = Mutex<HashMap<u64, oneshot::Sender<Result<Answer, Refusal>>>>;

/// Sends calls and takes answers and views until the connection ends; says why it did.
async fn converse(
    attached: Attached,
    calls: &mut mpsc::Receiver<Call>,
    views: &watch::Sender<Arc<View>>,
) -> String {
    let waiting = Waiting::default();
    let Attached {
        mut read,
        mut write,
        ..
    } = attached;
    let reason = tokio::select! {
        error = send_calls(&mut write, calls, &waiting) => error.to_string(),
        reason = take_messages(&mut read, &waiting, views) => reason,
    };
    write.shutdown().await.ok();
    reason
}

async fn send_calls(
    write: &mut WriteHalf<UnixStream>,
    calls: &mut mpsc::Receiver<Call>,
    waiting: &Waiting,
) -> FrameError {
    let mut id = 0;
    while let Some(Call { request, answer }) = calls.recv().await {
        id += 1;
        let request = Box::new(request);
        lock_waiting(waiting).insert(id, answer);
        match wire::write(write, &ToOwner::Call { id, request }).await {
            Ok(()) => {}
            Err(FrameError::TooLong(length)) => {
                if let Some(answer) = lock_waiting(waiting).remove(&id) {
                    answer.send(Err(too_long(length))).ok();
                }
            }
            Err(error) => return error,
        }
    }
    FrameError::Closed
}

async fn take_messages(
    read: &mut ReadHalf<UnixStream>,
    waiting: &Waiting,
    views: &watch::Sender<Arc<View>>,
) -> String {
    let mut goodbye = None;
    loop {
        match wire::read(read).await {
            Ok(FromOwner::Answer { id, result }) => {
                if let Some(answer) = lock_waiting(waiting).remove(&id) {
                    answer.send(*result).ok();
                }
            }
            Ok(FromOwner::View { snapshot, live }) => {
                let snapshot = snapshot.unwrap_or_else(|| Arc::clone(&views.borrow().snapshot));
                views.send_replace(Arc::new(View { snapshot, live }));
            }
            // Answers of commands that were under way may still follow.
            Ok(FromOwner::Goodbye(refusal)) => goodbye = Some(refusal.message),
            Ok(FromOwner::Hello { .. }) => {}
            Err(error) => return goodbye.unwrap_or_else(|| error.to_string()),
        }
    }
}

fn lock_waiting(
    waiting: &Waiting,
) -> std::sync::MutexGuard<'_, HashMap<u64, oneshot::Sender<Result<Answer, Refusal>>>> {
    // Nothing can panic between lock and unlock that leaves the map half changed.
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The refusal of a command that was never sent.
fn unreachable_owner() -> Refusal {
    Refusal::new(
        Code::Unavailable,
        "The gateway cannot be reached; nothing was changed. It is tried again by itself.",
    )
}

/// The refusal of a command whose answer will not come.
fn lost() -> Refusal {
    Refusal::new(
        Code::Unavailable,
        "The connection to the gateway ended before it answered; look whether the change is there \
         before you repeat it.",
    )
}

fn too_long(length: usize) -> Refusal {
    Refusal::new(
        Code::InvalidParameterValue,
        format!(
            "the command has {length} bytes, more than the {} that are taken; \
             a certificate has a few thousand",
            wire::MAX_FRAME
        ),
    )
}

/// Calls that wait to be sent.
const MAX_WAITING: usize = 32;
/// How long the owner may take to answer the hello.
const HELLO: Duration = Duration::from_secs(5);
/// How long the first view may take.
const FIRST_VIEW: Duration = Duration::from_secs(10);
/// How long an owner that holds the lock may take until it listens.
const STARTING: Duration = Duration::from_secs(10);
/// The pause between looks whether it listens.
const POLL: Duration = Duration::from_millis(50);
/// The pause before the first attempt to reach an owner that went away.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause between attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::Lock;

    #[tokio::test]
    async fn an_owner_that_does_not_listen_is_named_rather_than_called_absent() {
        let dir = tempfile::tempdir().unwrap();
        let _lock = Lock::acquire(dir.path(), "gatehouse --offline").unwrap();
        let dial = Dial {
            data_dir: dir.path().to_owned(),
            face: Face::Cli,
            follow: Follow::Nothing,
            patience: POLL,
        };
        let message = dial.wait_for_owner().await.err().unwrap().to_string();
        let pid = std::process::id();
        let owner = format!("is owned by process {pid} (gatehouse --offline)");
        assert!(message.contains(&owner), "{message}");
    }
}
