//! The owner's end of the control socket.
//!
//! Everything a client can make this process hold is bounded: clients, frames, commands under way,
//! answers that wait to be sent. A command that was taken is carried out to its end, also when
//! its client goes away.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _},
    net::UnixListener,
    sync::{Semaphore, mpsc, watch},
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep, sleep_until, timeout},
};

use super::{
    Caller, Face, Owner,
    wire::{self, FrameError, FromOwner, ToOwner, VERSION},
};
use crate::{
    model::{Answer, Code, Refusal, Request, Snapshot, View},
    service::Service,
    tunnel::BoxFuture,
};

/// What commands are carried to: the service, or a stand-in in tests.
pub trait Door: Send + Sync + 'static {
    /// Carries a command out for `caller`.
    ///
    /// # Errors
    /// The refusal.
    fn call<'a>(
        &'a self,
        caller: &'a Caller,
        request: Request,
    ) -> BoxFuture<'a, Result<Answer, Refusal>>;

    /// The configuration and what runs.
    fn views(&self) -> watch::Receiver<Arc<View>>;
}

impl Door for Service {
    fn call<'a>(
        &'a self,
        caller: &'a Caller,
        request: Request,
    ) -> BoxFuture<'a, Result<Answer, Refusal>> {
        Box::pin(Self::call(self, caller, request))
    }

    fn views(&self) -> watch::Receiver<Arc<View>> {
        Self::views(self)
    }
}

/// The listening control socket.
#[derive(Debug)]
pub struct Server {
    stopping: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Serves clients that connect to `listener` until stopped.
    #[must_use]
    pub fn start(listener: UnixListener, door: Arc<dyn Door>, owner: Owner) -> Self {
        let (stopping, stopped) = watch::channel(false);
        let shared = Arc::new(Shared {
            door,
            owner,
            commands: Arc::new(Semaphore::new(MAX_COMMANDS)),
            stopped,
        });
        Self {
            stopping,
            accepting: tokio::spawn(accept(listener, shared)),
        }
    }

    /// Takes no more commands, finishes those under way, and closes.
    pub async fn stop(mut self) {
        self.stopping.send_replace(true);
        if timeout(DRAIN, &mut self.accepting).await.is_err() {
            tracing::warn!("a client of the control socket did not take its answers");
            self.accepting.abort();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// What all clients' tasks share.
struct Shared {
    door: Arc<dyn Door>,
    owner: Owner,
    commands: Arc<Semaphore>,
    stopped: watch::Receiver<bool>,
}

async fn accept(listener: UnixListener, shared: Arc<Shared>) {
    let mut clients = JoinSet::new();
    let mut stopped = shared.stopped.clone();
    loop {
        tokio::select! {
            () = told_to_stop(&mut stopped) => break,
            Some(_) = clients.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let has_room = clients.len() < MAX_CLIENTS;
                    let uid = stream.peer_cred().map(|peer| peer.uid());
                    let shared = Arc::clone(&shared);
                    clients.spawn(async move {
                        match uid {
                            Ok(_) if !has_room => turn_away(stream).await,
                            Ok(uid) => serve(stream, uid, &shared).await,
                            Err(error) => tracing::warn!(%error, "a client without credentials"),
                        }
                    });
                }
                Err(error) => {
                    // Out of descriptors, most likely: others must end before one can begin.
                    tracing::warn!(%error, "the control socket cannot accept");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
    drop(listener);
    while clients.join_next().await.is_some() {}
}

/// Waits for the owner to stop.
async fn told_to_stop(stopped: &mut watch::Receiver<bool>) {
    // A server that is gone without having stopped has stopped as well.
    stopped.wait_for(|stopped| *stopped).await.map(drop).ok();
}

/// Tells a client above the bound so, and hangs up.
async fn turn_away(mut stream: impl AsyncWrite + Unpin) {
    let goodbye = goodbye(format!(
        "{MAX_CLIENTS} clients use the control socket already; close one"
    ));
    let said = timeout(HELLO, wire::write(&mut stream, &goodbye)).await;
    tracing::warn!(told = matches!(said, Ok(Ok(()))), "too many clients");
}

/// Serves one client to its end.
async fn serve(stream: impl AsyncRead + AsyncWrite, uid: u32, shared: &Shared) {
    let (mut read, mut write) = tokio::io::split(stream);
    let face = match timeout(HELLO, greet(&mut read, &mut write, shared)).await {
        Ok(Ok(face)) => face,
        Ok(Err(error)) => return tracing::debug!(%error, "a client did not get past hello"),
        Err(_) => return tracing::debug!("a client did not say hello"),
    };
    let (out, queue) = mpsc::channel(MAX_QUEUED);
    let caller = Arc::new(Caller::of_uid(uid, face));
    let reader = take_requests(read, caller, shared, out);
    let writer = send_messages(write, queue, shared.door.views());
    tokio::pin!(reader, writer);
    let written = tokio::select! {
        written = &mut writer => written,
        // What is under way still holds the queue open: its answers go out before the end.
        () = &mut reader => writer.await,
    };
    if let Err(error) = written {
        tracing::debug!(%error, "a client went away");
    }
}

/// Hears the client's hello and answers it.
async fn greet(
    read: &mut (impl AsyncRead + Unpin),
    write: &mut (impl AsyncWrite + Unpin),
    shared: &Shared,
) -> Result<Face, FrameError> {
    let refusal = match wire::read(read).await {
        Ok(ToOwner::Hello {
            face: Face::Gateway,
            ..
        }) => goodbye("the gateway itself is no client; say cli or window"),
        Ok(ToOwner::Hello { version, face }) if version == VERSION => {
            let hello = FromOwner::Hello {
                version: VERSION,
                owner: shared.owner.clone(),
            };
            wire::write(write, &hello).await?;
            return Ok(face);
        }
        Ok(ToOwner::Hello { version, .. }) => goodbye(format!(
            "the owner of the data directory speaks version {VERSION} of the control protocol, \
             not {version}; use the same release of gatehouse for both"
        )),
        Ok(ToOwner::Call { .. } | ToOwner::Watch) => goodbye("a client says hello first"),
        Err(error @ (FrameError::Closed | FrameError::Io(_))) => return Err(error),
        Err(error) => goodbye(error.to_string()),
    };
    wire::write(write, &refusal).await?;
    Err(FrameError::Closed)
}

/// What a client's writer is to send.
enum Outgoing {
    Message(FromOwner),
    Views,
}

/// Reads commands until the client closes, says something that is not understood, or the owner
/// stops. Commands of one client overlap; each has its place among the answers before it begins,
/// so that a client that does not read its answers is not heard any further.
async fn take_requests(
    mut read: impl AsyncRead + Unpin,
    caller: Arc<Caller>,
    shared: &Shared,
    out: mpsc::Sender<Outgoing>,
) {
    let mut stopped = shared.stopped.clone();
    loop {
        let message = tokio::select! {
            () = told_to_stop(&mut stopped) => {
                out.send(Outgoing::Message(goodbye("gatehouse is stopping"))).await.ok();
                return;
            }
            message = wire::read(&mut read) => message,
        };
        match message {
            Ok(ToOwner::Call { id, request }) => {
                let Ok(place) = out.clone().reserve_owned().await else {
                    return;
                };
                let Ok(permit) = Arc::clone(&shared.commands).acquire_owned().await else {
                    return;
                };
                let (door, caller) = (Arc::clone(&shared.door), Arc::clone(&caller));
                tokio::spawn(async move {
                    let result = Box::new(door.call(&caller, *request).await);
                    drop(permit);
                    // The client may be gone; the command stands.
                    place.send(Outgoing::Message(FromOwner::Answer { id, result }));
                });
            }
            Ok(ToOwner::Watch) => {
                if out.send(Outgoing::Views).await.is_err() {
                    return;
                }
            }
            Ok(ToOwner::Hello { .. }) => return say_goodbye(&out, "hello is said once").await,
            Err(FrameError::Closed | FrameError::Io(_)) => return,
            Err(error @ (FrameError::TooLong(_) | FrameError::Malformed(_))) => {
                return say_goodbye(&out, error.to_string()).await;
            }
        }
    }
}

async fn say_goodbye(out: &mpsc::Sender<Outgoing>, message: impl Into<String>) {
    out.send(Outgoing::Message(goodbye(message))).await.ok();
}

/// Writes answers as they come and, once asked for, the newest view when it has changed.
async fn send_messages(
    mut write: impl AsyncWrite + Unpin,
    mut queue: mpsc::Receiver<Outgoing>,
    mut views: watch::Receiver<Arc<View>>,
) -> Result<(), FrameError> {
    let mut watching = false;
    let mut sent: Option<Arc<Snapshot>> = None;
    let mut not_before = Instant::now();
    loop {
        tokio::select! {
            biased;
            message = queue.recv() => match message {
                None => return Ok(write.shutdown().await?),
                Some(Outgoing::Message(message)) => send(&mut write, &message).await?,
                Some(Outgoing::Views) => {
                    watching = true;
                    sent = None;
                    views.mark_changed();
                }
            },
            () = next_view(&mut views, not_before), if watching => {
                let view = Arc::clone(&views.borrow_and_update());
                let is_news = sent.as_ref().is_none_or(|sent| !is_same(sent, &view.snapshot));
                let snapshot = is_news.then(|| Arc::clone(&view.snapshot));
                send(&mut write, &FromOwner::View { snapshot, live: Arc::clone(&view.live) }).await?;
                sent = Some(Arc::clone(&view.snapshot));
                not_before = Instant::now() + VIEW_INTERVAL;
            }
        }
    }
}

/// Whether two snapshots are one. What the gateway finished may change without a new number.
fn is_same(a: &Arc<Snapshot>, b: &Arc<Snapshot>) -> bool {
    Arc::ptr_eq(a, b)
}

/// Waits for a view that was not sent yet. Its pause comes first, so that being dropped in it
/// loses no change.
async fn next_view(views: &mut watch::Receiver<Arc<View>>, not_before: Instant) {
    sleep_until(not_before).await;
    if views.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Sends a message to a client that may have stopped reading.
async fn send(
    write: &mut (impl AsyncWrite + Unpin),
    message: &FromOwner,
) -> Result<(), FrameError> {
    let result = timeout(PATIENCE, wire::write(write, message)).await;
    let result = match (result, message) {
        (Ok(Err(FrameError::TooLong(length))), FromOwner::Answer { id, .. }) => {
            let refusal = Refusal::new(
                Code::InternalError,
                format!(
                    "the answer has {length} bytes, more than the control socket carries; \
                         ask for less by identifiers or filters"
                ),
            );
            let result = Box::new(Err(refusal));
            timeout(
                PATIENCE,
                wire::write(write, &FromOwner::Answer { id: *id, result }),
            )
            .await
        }
        (result, _) => result,
    };
    result.unwrap_or_else(|_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()))
}

fn goodbye(message: impl Into<String>) -> FromOwner {
    FromOwner::Goodbye(Refusal::new(Code::Unavailable, message))
}

/// Clients at one time: windows, scripts, monitoring.
const MAX_CLIENTS: usize = 64;
/// Commands under way at one time, of all clients.
const MAX_COMMANDS: usize = 64;
/// Commands of one client that are under way or wait for it to read their answers.
const MAX_QUEUED: usize = 16;
/// How long a client may take for its hello.
const HELLO: Duration = Duration::from_secs(5);
/// How long a client may take nothing of what it is sent.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long commands under way may take when the owner stops.
const DRAIN: Duration = Duration::from_secs(5);
/// The least time between two views.
const VIEW_INTERVAL: Duration = Duration::from_millis(250);
/// The pause after an accept that failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests;
