//! Server and client over a real socket, with a stand-in for the service.

use std::path::Path;

use proptest::prelude::*;
use tokio::{io::AsyncWriteExt as _, net::UnixStream, sync::Notify};

use super::*;
use crate::{
    control::{AttachError, Console as _, Follow, Link, Lock, Remote, socket},
    model::{Command, Live, command::ById},
};

/// Answers every command by refusing it in the caller's words; `DeleteVpc` waits to be let go.
struct Echo {
    views: watch::Sender<Arc<View>>,
    gate: Notify,
    begun: watch::Sender<u32>,
    finished: watch::Sender<u32>,
}

impl Echo {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            views: watch::Sender::new(Arc::default()),
            gate: Notify::new(),
            begun: watch::Sender::new(0),
            finished: watch::Sender::new(0),
        })
    }

    fn change(&self, seq: u64) {
        let snapshot = Arc::new(Snapshot {
            seq,
            ..Snapshot::default()
        });
        let live = Arc::new(Live::default());
        self.views.send_replace(Arc::new(View { snapshot, live }));
    }
}

impl Door for Echo {
    fn call<'a>(
        &'a self,
        caller: &'a Caller,
        request: Request,
    ) -> BoxFuture<'a, Result<Answer, Refusal>> {
        Box::pin(async move {
            if matches!(request.command, Command::DeleteVpc(_)) {
                self.begun.send_modify(|count| *count += 1);
                self.gate.notified().await;
                self.finished.send_modify(|count| *count += 1);
                return Ok(Answer::Done);
            }
            let text = format!("{} by {}", caller.name, caller.face.as_str());
            Err(Refusal::new(Code::Validation, text))
        })
    }

    fn views(&self) -> watch::Receiver<Arc<View>> {
        self.views.subscribe()
    }
}

struct Owned {
    lock: Lock,
    server: Server,
}

fn own(dir: &Path, door: Arc<Echo>) -> Owned {
    let lock = Lock::acquire(dir, "gatehouse serve").unwrap();
    let listener = socket::bind(&lock, socket::Access::User).unwrap();
    let server = Server::start(listener, door, lock.owner().clone());
    Owned { lock, server }
}

fn delete_vpc() -> Request {
    Command::DeleteVpc(ById::default()).into()
}

#[tokio::test]
async fn a_command_arrives_with_the_local_users_name_and_its_refusal_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let owned = own(dir.path(), Echo::new());
    let remote = Remote::attach(dir.path(), Face::Cli, Follow::Nothing)
        .await
        .unwrap();
    let refusal = remote.call(Command::ListCertificates.into()).await;
    let user = Caller::myself(Face::Cli).name;
    assert_eq!(refusal.unwrap_err().message, format!("{user} by cli"));
    assert_eq!(
        *remote.link().borrow(),
        Link::Attached(owned.lock.owner().clone())
    );
}

#[tokio::test]
async fn commands_of_one_client_overlap() {
    let dir = tempfile::tempdir().unwrap();
    let door = Echo::new();
    let _owned = own(dir.path(), Arc::clone(&door));
    let remote = Remote::attach(dir.path(), Face::Window, Follow::Nothing)
        .await
        .unwrap();
    let slow = remote.call(delete_vpc());
    tokio::pin!(slow);
    tokio::select! {
        _ = &mut slow => panic!("nobody opened the gate"),
        quick = remote.call(Command::ListCertificates.into()) => assert!(quick.is_err()),
    }
    door.gate.notify_one();
    assert_eq!(slow.await.unwrap(), Answer::Done);
}

#[tokio::test]
async fn a_client_with_many_slow_commands_leaves_room_for_others() {
    let dir = tempfile::tempdir().unwrap();
    let door = Echo::new();
    let _owned = own(dir.path(), Arc::clone(&door));
    let mut busy = greeted(dir.path()).await;
    for id in 0..2 * MAX_COMMANDS as u64 {
        let request = Box::new(delete_vpc());
        wire::write(&mut busy, &ToOwner::Call { id, request })
            .await
            .unwrap();
    }
    let mut begun = door.begun.subscribe();
    let all = |count: &u32| *count as usize == MAX_QUEUED;
    begun.wait_for(all).await.unwrap();
    let other = Remote::attach(dir.path(), Face::Cli, Follow::Nothing)
        .await
        .unwrap();
    let answer = other.call(Command::ListCertificates.into()).await;
    assert_eq!(answer.unwrap_err().code, Code::Validation);
    assert!(all(&door.begun.borrow()), "more began than may wait");
}

#[tokio::test]
async fn a_client_cannot_call_itself_the_gateway() {
    let dir = tempfile::tempdir().unwrap();
    let _owned = own(dir.path(), Echo::new());
    let error = Remote::attach(dir.path(), Face::Gateway, Follow::Nothing)
        .await
        .unwrap_err();
    assert!(matches!(error, AttachError::TurnedAway(_)), "{error}");
}

#[tokio::test]
async fn the_newest_view_arrives_and_those_between_are_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let door = Echo::new();
    door.change(1);
    let _owned = own(dir.path(), Arc::clone(&door));
    let remote = Remote::attach(dir.path(), Face::Window, Follow::Views)
        .await
        .unwrap();
    let mut views = remote.views();
    assert_eq!(views.borrow_and_update().snapshot.seq, 1);
    for seq in 2..=500 {
        door.change(seq);
    }
    let mut steps = 0;
    while views.borrow_and_update().snapshot.seq != 500 {
        views.changed().await.unwrap();
        steps += 1;
    }
    assert!(steps <= 2, "{steps} views for one burst");
}

#[tokio::test]
async fn a_command_that_was_taken_is_carried_out_though_its_client_left() {
    let dir = tempfile::tempdir().unwrap();
    let door = Echo::new();
    let _owned = own(dir.path(), Arc::clone(&door));
    let remote = Remote::attach(dir.path(), Face::Cli, Follow::Nothing)
        .await
        .unwrap();
    {
        let lost = remote.call(delete_vpc());
        tokio::pin!(lost);
        tokio::select! {
            biased;
            _ = &mut lost => panic!("nobody opened the gate"),
            // Answers come in order of completion, so the first command has arrived by now.
            _ = remote.call(Command::ListCertificates.into()) => {}
        }
    }
    drop(remote);
    let mut finished = door.finished.subscribe();
    door.gate.notify_one();
    finished.wait_for(|count| *count == 1).await.unwrap();
}

#[tokio::test]
async fn stopping_waits_for_the_answer_of_a_command_under_way() {
    let dir = tempfile::tempdir().unwrap();
    let door = Echo::new();
    let owned = own(dir.path(), Arc::clone(&door));
    let remote = Remote::attach(dir.path(), Face::Cli, Follow::Nothing)
        .await
        .unwrap();
    let under_way = remote.call(delete_vpc());
    tokio::pin!(under_way);
    tokio::select! {
        biased;
        _ = &mut under_way => panic!("nobody opened the gate"),
        _ = remote.call(Command::ListCertificates.into()) => {}
    }
    let opened = async { door.gate.notify_one() };
    let ((), answer, ()) = tokio::join!(owned.server.stop(), under_way, opened);
    assert_eq!(answer.unwrap(), Answer::Done);
}

#[tokio::test]
async fn a_window_finds_the_next_owner_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let Owned { lock, server } = own(dir.path(), Echo::new());
    let remote = Remote::attach(dir.path(), Face::Window, Follow::Views)
        .await
        .unwrap();
    let mut link = remote.link();
    server.stop().await;
    socket::unbind(&lock).unwrap();
    drop(lock);
    link.wait_for(|link| matches!(link, Link::Unreachable { .. }))
        .await
        .unwrap();
    let refusal = remote.call(delete_vpc()).await.unwrap_err();
    assert_eq!(refusal.code, Code::Unavailable);

    let door = Echo::new();
    door.change(9);
    let _owned = own(dir.path(), door);
    link.wait_for(|link| matches!(link, Link::Attached(_)))
        .await
        .unwrap();
    let mut views = remote.views();
    views.wait_for(|view| view.snapshot.seq == 9).await.unwrap();
}

#[tokio::test]
async fn a_directory_without_an_owner_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let error = Remote::attach(dir.path(), Face::Cli, Follow::Nothing)
        .await
        .unwrap_err();
    assert!(matches!(error, AttachError::NotRunning { .. }), "{error}");
}

#[tokio::test]
async fn another_version_is_turned_away_with_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let _owned = own(dir.path(), Echo::new());
    let mut stream = socket::connect(dir.path()).await.unwrap();
    let hello = ToOwner::Hello {
        version: VERSION + 1,
        face: Face::Cli,
    };
    wire::write(&mut stream, &hello).await.unwrap();
    expect_goodbye(&mut stream, "same release").await;
}

#[tokio::test]
async fn a_frame_that_is_not_understood_has_an_answer_and_then_an_end() {
    let dir = tempfile::tempdir().unwrap();
    let _owned = own(dir.path(), Echo::new());
    let mut stream = greeted(dir.path()).await;
    stream.write_all(b"\0\0\0\x04{no}").await.unwrap();
    expect_goodbye(&mut stream, "not understood").await;

    let mut stream = greeted(dir.path()).await;
    stream.write_all(&[0xff; 4]).await.unwrap();
    expect_goodbye(&mut stream, "longer than").await;
}

#[tokio::test]
async fn one_client_too_many_is_told_so_while_the_others_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let _owned = own(dir.path(), Echo::new());
    let mut clients = Vec::new();
    for _ in 0..MAX_CLIENTS {
        clients.push(greeted(dir.path()).await);
    }
    let mut stream = socket::connect(dir.path()).await.unwrap();
    expect_goodbye(&mut stream, "close one").await;
    // Also for one that speaks into a connection that is closed already.
    for _ in 0..20 {
        let error = Remote::attach(dir.path(), Face::Window, Follow::Views)
            .await
            .unwrap_err();
        assert!(matches!(error, AttachError::TurnedAway(_)), "{error:?}");
    }
    let request = Box::new(Command::ListCertificates.into());
    wire::write(&mut clients[0], &ToOwner::Call { id: 1, request })
        .await
        .unwrap();
    let answer = wire::read::<FromOwner>(&mut clients[0]).await.unwrap();
    assert!(matches!(answer, FromOwner::Answer { id: 1, .. }));
}

async fn greeted(dir: &Path) -> UnixStream {
    let mut stream = socket::connect(dir).await.unwrap();
    let hello = ToOwner::Hello {
        version: VERSION,
        face: Face::Cli,
    };
    wire::write(&mut stream, &hello).await.unwrap();
    let answer = wire::read::<FromOwner>(&mut stream).await.unwrap();
    assert!(matches!(answer, FromOwner::Hello { .. }));
    stream
}

async fn expect_goodbye(stream: &mut UnixStream, part: &str) {
    match wire::read::<FromOwner>(stream).await.unwrap() {
        FromOwner::Goodbye(refusal) => assert!(refusal.message.contains(part), "{refusal}"),
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        wire::read::<FromOwner>(stream).await.unwrap_err(),
        FrameError::Closed
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_a_client_sends_the_owner_serves_the_next_one(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        after_hello: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let dir = tempfile::tempdir().unwrap();
            let _owned = own(dir.path(), Echo::new());
            let mut stream = if after_hello {
                greeted(dir.path()).await
            } else {
                socket::connect(dir.path()).await.unwrap()
            };
            // The owner may hang up in the middle of it.
            stream.write_all(&bytes).await.ok();
            stream.shutdown().await.ok();
            let remote = Remote::attach(dir.path(), Face::Cli, Follow::Nothing).await.unwrap();
            prop_assert!(remote.call(Command::ListCertificates.into()).await.is_err());
            Ok(())
        })?;
    }
}
