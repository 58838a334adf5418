//! The control socket as a file: where it is, who may open it, and who knocks.

use std::{
    fs::{self, File, Permissions},
    io,
    os::{
        fd::AsRawFd as _,
        unix::{ffi::OsStrExt as _, fs::PermissionsExt as _},
    },
    path::{Path, PathBuf},
};

use tokio::net::{UnixListener, UnixSocket, UnixStream};

use super::Lock;

/// Members of this group may use the control socket of a system service.
pub const GROUP: &str = "gatehouse";

/// Who may open the control socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// The user who runs the owner, and root.
    #[default]
    User,
    /// Also members of the group [`GROUP`], where there is one: for a system service.
    Group,
}

/// Where the control socket of a data directory is.
#[must_use]
pub fn path(data_dir: &Path) -> PathBuf {
    data_dir.join(FILE)
}

/// Opens the control socket. The lock proves that a socket found there is nobody's any more.
///
/// # Errors
/// What the system says: a directory that cannot be written, a full disk.
pub fn bind(lock: &Lock, access: Access) -> io::Result<UnixListener> {
    let data_dir = lock.data_dir();
    let listener = prepare(data_dir, access)?.listen(BACKLOG)?;
    fs::rename(data_dir.join(FRESH), path(data_dir))?;
    Ok(listener)
}

/// A socket with its mode, on which nobody listens yet: whoever might connect before the mode is
/// right, because of a generous umask, is refused by the kernel.
fn prepare(data_dir: &Path, access: Access) -> io::Result<UnixSocket> {
    let fresh = data_dir.join(FRESH);
    remove(&fresh)?;
    let socket = UnixSocket::new_stream()?;
    {
        let (path, _directory) = short_path(data_dir, FRESH)?;
        socket.bind(path)?;
    }
    fs::set_permissions(&fresh, Permissions::from_mode(0o600))?;
    if access == Access::Group
        && let Some(gid) = group_id(GROUP)
        && let Err(error) = open_to_group(data_dir, &fresh, gid)
    {
        tracing::warn!(%error, "the control socket stays closed to the group {GROUP}");
    }
    Ok(socket)
}

/// Takes the control socket away.
///
/// # Errors
/// What the system says; a socket that is gone already is no error.
pub fn unbind(lock: &Lock) -> io::Result<()> {
    remove(&path(lock.data_dir()))
}

/// Connects to the control socket of a data directory.
///
/// # Errors
/// `NotFound` or `ConnectionRefused` where nobody listens, `PermissionDenied` where the caller
/// may not.
pub async fn connect(data_dir: &Path) -> io::Result<UnixStream> {
    let (path, _directory) = short_path(data_dir, FILE)?;
    UnixStream::connect(path).await
}

/// The number of a local group.
fn group_id(name: &str) -> Option<u32> {
    let groups = fs::read_to_string("/etc/group").ok()?;
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name)
            .then(|| fields.nth(1)?.parse().ok())
            .flatten()
    })
}

/// Lets a group pass through the data directory and open the socket; it can list and read nothing.
fn open_to_group(data_dir: &Path, socket: &Path, gid: u32) -> io::Result<()> {
    let group = Some(rustix::fs::Gid::from_raw(gid));
    rustix::fs::chown(socket, None, group)?;
    fs::set_permissions(socket, Permissions::from_mode(0o660))?;
    rustix::fs::chown(data_dir, None, group)?;
    fs::set_permissions(data_dir, Permissions::from_mode(0o710))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A path that fits into a socket address (108 bytes on Linux), by way of the opened directory
/// where the plain one is too long; and that directory, to be kept open while the path is used.
fn short_path(data_dir: &Path, file: &str) -> io::Result<(PathBuf, Option<File>)> {
    let path = data_dir.join(file);
    if path.as_os_str().as_bytes().len() < MAX_ADDRESS {
        return Ok((path, None));
    }
    let directory = File::open(data_dir)?;
    let fd = directory.as_raw_fd();
    let path = PathBuf::from(format!("/proc/self/fd/{fd}/{file}"));
    Ok((path, Some(directory)))
}

/// The socket's name inside the data directory.
const FILE: &str = "control.sock";
/// Its name while it is being prepared.
const FRESH: &str = "control.sock.new";
/// Clients that may wait to be accepted; more have to try again.
const BACKLOG: u32 = 128;
/// `sun_path` with its closing zero byte: unix(7).
const MAX_ADDRESS: usize = 108;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_user_may_open_the_socket() {
        let dir = tempfile::tempdir().unwrap();
        let lock = Lock::acquire(dir.path(), "x").unwrap();
        let _listener = bind(&lock, Access::User).unwrap();
        let mode = fs::metadata(path(dir.path())).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!dir.path().join(FRESH).exists());
    }

    #[tokio::test]
    async fn nobody_can_connect_before_the_mode_is_right() {
        let dir = tempfile::tempdir().unwrap();
        let socket = prepare(dir.path(), Access::User).unwrap();
        let fresh = dir.path().join(FRESH);
        let mode = fs::metadata(&fresh).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let error = UnixStream::connect(&fresh).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        let _listener = socket.listen(BACKLOG).unwrap();
        UnixStream::connect(&fresh).await.unwrap();
    }

    #[tokio::test]
    async fn the_socket_of_an_owner_that_died_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let lock = Lock::acquire(dir.path(), "x").unwrap();
        // Dropping a listener leaves its file behind, as a killed process does.
        drop(bind(&lock, Access::User).unwrap());
        let error = connect(dir.path()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        let _listener = bind(&lock, Access::User).unwrap();
        connect(dir.path()).await.unwrap();
    }

    #[tokio::test]
    async fn a_directory_too_deep_for_a_socket_address_works() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("d".repeat(120));
        let lock = Lock::acquire(&deep, "x").unwrap();
        let _listener = bind(&lock, Access::User).unwrap();
        connect(&deep).await.unwrap();
        unbind(&lock).unwrap();
        assert!(!path(&deep).exists());
    }
}
