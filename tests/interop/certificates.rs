//! Certificates as the AWS guide makes them: by Debian's `easy-rsa`.

use std::{
    fs,
    path::PathBuf,
    process::Command,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use crate::lab::run;

const EASY_RSA: &str = "/usr/share/easy-rsa/easyrsa";

/// A certificate authority made by easy-rsa, in a directory that lives as long as this.
pub(crate) struct EasyRsa {
    dir: tempfile::TempDir,
}

/// A certificate and its key in PEM, as easy-rsa writes them: with a text dump in front.
pub(crate) struct Identity {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl EasyRsa {
    /// An authority with a certificate for a server and for each of these clients.
    pub(crate) fn make(server: &str, clients: &[&str]) -> Self {
        let dir = tempfile::Builder::new()
            .prefix("gatehouse-easyrsa-")
            .tempdir()
            .expect("a temporary directory can be made");
        let this = Self { dir };
        this.easyrsa(&["init-pki"]);
        this.easyrsa(&["build-ca", "nopass"]);
        this.easyrsa(&["build-server-full", server, "nopass"]);
        for client in clients {
            this.easyrsa(&["build-client-full", client, "nopass"]);
        }
        this
    }

    /// One that tests share while any of them runs: `server` and both clients.
    pub(crate) fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<EasyRsa>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let made = Arc::new(Self::make("server", &[CLIENT_1, CLIENT_2]));
            *shared = Arc::downgrade(&made);
            made
        })
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.pki().join("ca.crt")
    }

    pub(crate) fn ca_key(&self) -> PathBuf {
        self.pki().join("private").join("ca.key")
    }

    pub(crate) fn identity(&self, name: &str) -> Identity {
        Identity {
            certificate: self.pki().join("issued").join(format!("{name}.crt")),
            key: self.pki().join("private").join(format!("{name}.key")),
        }
    }

    fn pki(&self) -> PathBuf {
        self.dir.path().join("pki")
    }

    /// Runs `easyrsa` on it.
    pub(crate) fn easyrsa(&self, arguments: &[&str]) {
        run(Command::new(EASY_RSA)
            .current_dir(self.dir.path())
            .env("EASYRSA_BATCH", "1")
            .env("EASYRSA_PKI", self.pki())
            .args(arguments));
    }
}

impl Identity {
    /// What the guide tells to add to an exported file.
    pub(crate) fn appended_to(&self, profile: &str) -> String {
        let read = |path| fs::read_to_string(path).expect("easy-rsa wrote it");
        let certificate = read(&self.certificate);
        let begin = certificate
            .find("-----BEGIN")
            .expect("a certificate is in it");
        format!(
            "{profile}\n<cert>\n{}</cert>\n\n<key>\n{}</key>\n",
            &certificate[begin..],
            read(&self.key)
        )
    }
}

pub(crate) const CLIENT_1: &str = "client1.domain.tld";
pub(crate) const CLIENT_2: &str = "client2.domain.tld";
