//! A `pki` folder of easy-rsa, read from the disk of whoever hands it in.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::model::{
    Code, Refusal,
    command::{PkiFile, Secret},
};

/// Most bytes that are taken of one folder: what fits into one message to the gateway
/// ([`MAX_FRAME`](super::wire::MAX_FRAME)), where every three bytes take four.
pub const MAX_BYTES: u64 = 10 << 20;
/// Most bytes that are read of one folder, with the text that easy-rsa writes before certificates.
pub const MAX_READ: u64 = 64 << 20;
/// Most files that are read of one folder.
pub const MAX_FILES: usize = 10_000;

/// Reads what matters of a `pki` folder, or of the folder that it lies in: certificates, keys, the
/// list of what was issued and the list of what was revoked.
///
/// # Errors
/// At `Files`, when the folder cannot be read, is none of easy-rsa's, or holds too much.
pub fn read(folder: &Path) -> Result<Vec<PkiFile>, Refusal> {
    let root = root_of(folder);
    let mut paths = Vec::new();
    for (below, endings) in PLACES {
        list(&root, below, endings, &mut paths)
            .map_err(|error| unread(&root.join(below), &error))?;
    }
    if !paths.iter().any(|path| path == "ca.crt") {
        return Err(refuse(format!(
            "{} holds no ca.crt, so it is no pki folder of easy-rsa; choose the folder that holds ca.crt, issued and private",
            root.display()
        )));
    }
    paths.sort();
    let mut files = Vec::with_capacity(paths.len());
    let (mut unread, mut left) = (MAX_READ, MAX_BYTES);
    for path in paths {
        let mut bytes = read_file(&root.join(&path), unread)?;
        unread -= bytes.len() as u64;
        if path.ends_with(".crt") {
            bytes = without_dump(bytes);
        }
        left = left
            .checked_sub(bytes.len() as u64)
            .ok_or_else(|| too_large(MAX_BYTES))?;
        let content = Secret::new(bytes);
        files.push(PkiFile { path, content });
    }
    Ok(files)
}

/// A certificate without the text before it, which is three times as long and says the same.
fn without_dump(bytes: Vec<u8>) -> Vec<u8> {
    const BEGIN: &[u8] = b"-----BEGIN ";
    let begin = bytes.windows(BEGIN.len()).position(|it| it == BEGIN);
    match begin {
        Some(begin) => bytes[begin..].to_vec(),
        None => bytes,
    }
}

fn too_large(most: u64) -> Refusal {
    refuse(format!(
        "The folder has more than {} MiB of certificates and keys, the most that is taken in at once; import it in parts, each with its ca.crt",
        most >> 20
    ))
}

/// Where easy-rsa keeps what matters, and how such files end.
const PLACES: [(&str, &[&str]); 3] = [
    ("", &["ca.crt", "ca.key", "crl.pem", "index.txt"]),
    ("issued", &[".crt", ".pem"]),
    ("private", &[".key", ".pem"]),
];

fn root_of(folder: &Path) -> PathBuf {
    let inner = folder.join("pki");
    if !folder.join("ca.crt").is_file() && inner.join("ca.crt").is_file() {
        return inner;
    }
    folder.to_owned()
}

fn list(root: &Path, below: &str, endings: &[&str], found: &mut Vec<String>) -> io::Result<()> {
    let entries = match fs::read_dir(root.join(below)) {
        // An authority that has issued nothing yet has no such folder.
        Err(error) if error.kind() == io::ErrorKind::NotFound && !below.is_empty() => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            continue;
        };
        let is_wanted = endings.iter().any(|ending| match ending.starts_with('.') {
            true => name.ends_with(ending),
            false => name == *ending,
        });
        if !is_wanted || !entry.file_type()?.is_file() {
            continue;
        }
        if found.len() == MAX_FILES {
            return Err(io::Error::other(format!(
                "it has more than {MAX_FILES} files; import them in parts"
            )));
        }
        found.push(match below {
            "" => name.to_owned(),
            _ => format!("{below}/{name}"),
        });
    }
    Ok(())
}

fn read_file(path: &Path, left: u64) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(|error| unread(path, &error))?;
    io::Read::read_to_end(&mut io::Read::take(file, left + 1), &mut bytes)
        .map_err(|error| unread(path, &error))?;
    if bytes.len() as u64 > left {
        return Err(too_large(MAX_READ));
    }
    Ok(bytes)
}

fn unread(path: &Path, error: &io::Error) -> Refusal {
    refuse(format!("{} cannot be read: {error}", path.display()))
}

fn refuse(message: String) -> Refusal {
    Refusal::new(Code::InvalidParameterValue, message).at("Files")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        dir
    }

    fn paths(files: &[PkiFile]) -> Vec<&str> {
        files.iter().map(|file| file.path.as_str()).collect()
    }

    #[test]
    fn what_matters_is_read_and_nothing_else() {
        let dir = folder(&[
            "pki/ca.crt",
            "pki/index.txt",
            "pki/dh.pem",
            "pki/issued/a.crt",
            "pki/private/ca.key",
            "pki/reqs/a.req",
            "pki/certs_by_serial/01.pem",
            "vars",
        ]);
        let wanted = ["ca.crt", "index.txt", "issued/a.crt", "private/ca.key"];
        let inner = read(&dir.path().join("pki")).unwrap();
        assert_eq!(paths(&inner), wanted);
        assert_eq!(inner[2].content.expose(), b"pki/issued/a.crt");
        assert_eq!(paths(&read(dir.path()).unwrap()), wanted, "from above it");
    }

    #[test]
    fn another_folder_is_refused_and_so_is_none() {
        let dir = folder(&["a/b.txt"]);
        let refusal = read(dir.path()).unwrap_err();
        assert!(refusal.message.contains("no ca.crt"), "{refusal}");
        assert_eq!(refusal.field.as_deref(), Some("Files"));
        let refusal = read(&dir.path().join("nowhere")).unwrap_err();
        assert!(refusal.message.contains("nowhere"), "{refusal}");
    }

    #[test]
    fn a_folder_that_fits_into_no_message_is_refused() {
        let dir = folder(&["ca.crt", "issued/a.crt"]);
        let file = fs::File::create(dir.path().join("issued/a.crt")).unwrap();
        file.set_len(MAX_BYTES).unwrap();
        let refusal = read(dir.path()).unwrap_err();
        assert!(refusal.message.contains("10 MiB"), "{refusal}");
        file.set_len(MAX_READ).unwrap();
        let refusal = read(dir.path()).unwrap_err();
        assert!(refusal.message.contains("64 MiB"), "{refusal}");
    }

    #[test]
    fn the_text_before_a_certificate_takes_no_room() {
        let dir = folder(&["ca.crt", "private/ca.key"]);
        let text = [vec![b'x'; MAX_BYTES as usize], b"\n-----BEGIN X".to_vec()].concat();
        fs::write(dir.path().join("ca.crt"), &text).unwrap();
        let files = read(dir.path()).unwrap();
        assert_eq!(files[0].content.expose(), b"-----BEGIN X");
        assert_eq!(files[1].content.expose(), b"private/ca.key");
    }
}
