//! Files that may hold a private key.

use std::{
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use super::Console;
use crate::model::{Answer, Code, Command, Refusal, Request, command::ExportClientConfiguration};

/// What becomes of a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It is replaced.
    Replaced,
    /// It stays, and nothing is written.
    Kept,
}

/// Writes a file that may hold a key: only its owner can read it, and it is there whole or not at
/// all.
///
/// # Errors
/// `InvalidParameterValue` with the system's reason, or that the file is there.
pub fn write_private(path: &Path, bytes: &[u8], existing: Existing) -> Result<(), Refusal> {
    let written = match existing {
        Existing::Replaced => put(path, bytes),
        // The name is taken first, so that nobody else's file is replaced.
        Existing::Kept => create(path)
            .and_then(|()| put(path, bytes).inspect_err(|_| drop(std::fs::remove_file(path)))),
    };
    written.map_err(|error| {
        let why = match error.kind() {
            io::ErrorKind::AlreadyExists => "there is a file of that name".to_owned(),
            _ => error.to_string(),
        };
        Refusal::new(
            Code::InvalidParameterValue,
            format!("{} was not written: {why}", path.display()),
        )
    })
}

fn create(path: &Path) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options.open(path).map(drop)
}

fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut random = [0; 8];
    aws_lc_rs::rand::fill(&mut random).map_err(io::Error::other)?;
    // A name that nobody can have put something under, where others may write too.
    let draft = folder.unwrap_or_else(|| Path::new(".")).join(format!(
        ".{name}.{}",
        data_encoding::HEXLOWER.encode(&random)
    ));
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    let written = file
        .write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::rename(&draft, path));
    written.inspect_err(|_| drop(std::fs::remove_file(&draft)))
}

/// Fetches the configuration of an endpoint with a client certificate inside, and writes it.
///
/// # Errors
/// The service's refusal, or that of [`write_private`].
pub async fn write_profile(
    console: &dyn Console,
    endpoint: &str,
    certificate: &str,
    path: &Path,
    existing: Existing,
) -> Result<(), Refusal> {
    let command = Command::ExportClientVpnClientConfiguration(ExportClientConfiguration {
        client_vpn_endpoint_id: endpoint.to_owned(),
        client_certificate_arn: Some(certificate.to_owned()),
    });
    match console.call(Request::from(command)).await? {
        Answer::ClientConfiguration(file) => write_private(path, file.text.expose(), existing),
        _ => Err(Refusal::new(
            Code::InternalError,
            "The gateway answered something else than a client configuration; try again",
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_written_file_is_its_owners_alone_and_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.ovpn");
        write_private(&path, b"client\n", Existing::Kept).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::read(&path).unwrap(), b"client\n");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_there_is_kept_unless_it_is_to_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.ovpn");
        std::fs::write(&path, "mine").unwrap();
        let refusal = write_private(&path, b"new", Existing::Kept).unwrap_err();
        assert!(refusal.message.contains("a file of that name"), "{refusal}");
        assert_eq!(std::fs::read(&path).unwrap(), b"mine");
        write_private(&path, b"new", Existing::Replaced).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn a_folder_that_is_not_there_is_named_in_the_refusal() {
        let path = Path::new("/nonexistent/a.ovpn");
        let refusal = write_private(path, b"", Existing::Replaced).unwrap_err();
        assert!(refusal.message.contains("/nonexistent/a.ovpn"));
    }
}
