//! Real files of Debian's easy-rsa, as the guides have people make them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::*;

const PROGRAM: &str = "/usr/share/easy-rsa/easyrsa";

#[test]
fn easy_rsa_files_are_taken_over_and_its_authority_issues_here() {
    let Some(pki) = EasyRsa::start("rsa", "") else {
        return;
    };
    pki.run(&["build-server-full", "server", "nopass"]);
    pki.run(&["build-client-full", "client1.domain.tld", "nopass"]);
    let now = inspect(pki.read("ca.crt")).unwrap().not_before + days(1);

    let server = pki.import("server", now).unwrap();
    assert_eq!(check_server(&server.inspected), Ok(()));
    assert_eq!(verify_name(&server.inspected), Some("server"));
    assert_eq!(server.inspected.key_algorithm.to_string(), "RSA_2048");
    assert_eq!(
        server.inspected.sans,
        [SubjectAltName::Dns("server".into())]
    );
    let ca = server.chain_pem.clone().unwrap();
    assert_eq!(
        check_client_ca(&server.certificate_pem, Some(&ca)),
        Ok(vec![der(&ca)])
    );

    let client = pki.import("client1.domain.tld", now).unwrap();
    assert_eq!(
        client.inspected.common_name.as_deref(),
        Some("client1.domain.tld")
    );
    assert!(check_server(&client.inspected).is_err());

    let authority = import(
        &pki.read("ca.crt"),
        Some(&pki.read("private/ca.key")),
        None,
        now,
    )
    .unwrap();
    let issued = issue(
        &authority.certificate_pem,
        &authority.private_key_pem.unwrap(),
        &Request::client("client2.domain.tld"),
        now,
    )
    .unwrap();
    assert_eq!(
        inspect(&issued.certificate_pem).unwrap().authority_key_id,
        authority.inspected.subject_key_id
    );
    pki.openssl_verifies(&issued.certificate_pem, "sslclient", now);
}

#[test]
fn easy_rsa_on_elliptic_curves_is_taken_over() {
    for (algorithm, curve, expected) in [
        ("ec", "secp384r1", KeyAlgorithm::EcP384),
        ("ec", "secp521r1", KeyAlgorithm::EcP521),
        ("ed", "ed25519", KeyAlgorithm::Ed25519),
    ] {
        let Some(pki) = EasyRsa::start(algorithm, curve) else {
            return;
        };
        pki.run(&["build-server-full", "server", "nopass"]);
        let now = inspect(pki.read("ca.crt")).unwrap().not_before + days(1);
        let server = pki.import("server", now).unwrap();
        assert_eq!(server.inspected.key_algorithm, expected);
        assert_eq!(check_server(&server.inspected), Ok(()));

        let ca_key = pki.read("private/ca.key");
        let authority = import(&pki.read("ca.crt"), Some(&ca_key), None, now).unwrap();
        let issued = issue(
            &authority.certificate_pem,
            &authority.private_key_pem.unwrap(),
            &Request::server("vpn.example.com"),
            now,
        )
        .unwrap();
        pki.openssl_verifies(&issued.certificate_pem, "sslserver", now);
    }
}

#[test]
fn keys_that_easy_rsa_encrypted_are_refused_with_advice() {
    let Some(pki) = EasyRsa::start("ec", "secp384r1") else {
        return;
    };
    pki.run(&["--passout=pass:secret", "build-client-full", "locked"]);
    let now = inspect(pki.read("ca.crt")).unwrap().not_before + days(1);
    let refusal = error(pki.import("locked", now));
    assert_eq!(refusal, ImportError::Key(KeyError::Encrypted));
}

#[test]
fn openssl_finds_no_fault_with_what_is_issued_here() {
    if !installed() {
        return;
    }
    for key_type in [KeyType::EcdsaP256, KeyType::Rsa2048] {
        let ca = make_ca("Example CA", key_type, now()).unwrap();
        let requests = [Request::server("server"), Request::client("client1")];
        for (mut request, purpose) in requests.into_iter().zip(["sslserver", "sslclient"]) {
            request.key_type = key_type;
            let ours = issued(&ca, &request).certificate_pem;
            let options = ["-x509_strict", "-purpose", purpose];
            openssl_verifies(&ca.certificate_pem, &ours, &options, now());
        }
    }
}

/// Whether easy-rsa, and openssl with it, is there; on CI its absence is a failure.
fn installed() -> bool {
    let installed = Path::new(PROGRAM).exists();
    if !installed {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "{PROGRAM} is missing; install the package easy-rsa"
        );
        eprintln!("skipped: {PROGRAM} is not installed (package easy-rsa)");
    }
    installed
}

/// A directory in which easy-rsa has made an authority.
struct EasyRsa {
    directory: tempfile::TempDir,
    algorithm: &'static str,
    curve: &'static str,
}

impl EasyRsa {
    /// `None` where easy-rsa is not installed.
    fn start(algorithm: &'static str, curve: &'static str) -> Option<Self> {
        if !installed() {
            return None;
        }
        let pki = Self {
            directory: tempfile::tempdir().unwrap(),
            algorithm,
            curve,
        };
        pki.run(&["init-pki"]);
        pki.run(&["build-ca", "nopass"]);
        Some(pki)
    }

    fn run(&self, arguments: &[&str]) {
        let output = Command::new(PROGRAM)
            .args(arguments)
            .current_dir(self.directory.path())
            .env("EASYRSA_BATCH", "1")
            .env("EASYRSA_PKI", self.path("."))
            .env("EASYRSA_ALGO", self.algorithm)
            .env("EASYRSA_CURVE", self.curve)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "easyrsa {arguments:?}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join("pki").join(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    fn import(&self, name: &str, now: Timestamp) -> Result<Imported, ImportError> {
        let certificate = self.read(&format!("issued/{name}.crt"));
        assert!(
            certificate.starts_with(b"Certificate:"),
            "easy-rsa writes a text dump first"
        );
        import(
            &certificate,
            Some(&self.read(&format!("private/{name}.key"))),
            Some(&self.read("ca.crt")),
            now,
        )
    }

    /// Has openssl judge a certificate of ours against easy-rsa's authority.
    fn openssl_verifies(&self, certificate: &str, purpose: &str, now: Timestamp) {
        let ca = String::from_utf8(self.read("ca.crt")).unwrap();
        openssl_verifies(&ca, certificate, &["-purpose", purpose], now);
    }
}

fn openssl_verifies(ca: &str, certificate: &str, options: &[&str], now: Timestamp) {
    let directory = tempfile::tempdir().unwrap();
    let [ca_file, file] = ["ca.crt", "ours.crt"].map(|name| directory.path().join(name));
    std::fs::write(&ca_file, ca).unwrap();
    std::fs::write(&file, certificate).unwrap();
    let output = Command::new("openssl")
        .args(["verify", "-attime", &now.as_second().to_string()])
        .args(options)
        .arg("-CAfile")
        .args([&ca_file, &file])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
