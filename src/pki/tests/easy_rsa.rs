//! Real files of Debian's easy-rsa, as the guides have people make them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::*;

const PROGRAM: &str = "/usr/share/easy-rsa/easyrsa";

#[test]
fn easy_rsa_files_are_taken_over_and_its_authority_issues_here() {
    let Some(pki) = Folder::start("rsa", "") else {
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
        let Some(pki) = Folder::start(algorithm, curve) else {
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
fn openssl_finds_the_way_from_easy_rsas_certificates_to_its_renewed_authority() {
    for (algorithm, curve) in [("rsa", ""), ("ec", "secp384r1"), ("ed", "ed25519")] {
        let Some(pki) = Folder::start(algorithm, curve) else {
            return;
        };
        pki.run(&["build-server-full", "server", "nopass"]);
        let old = String::from_utf8(pki.read("ca.crt")).unwrap();
        let key = SecretPem::new(String::from_utf8(pki.read("private/ca.key")).unwrap());
        let now = inspect(&old).unwrap().not_before + days(1);
        let new = renew_ca(&old, &old, &key, 7000, now);
        assert!(new.is_err(), "that is too long");
        let new = renew_ca(&old, &old, &key, 3650, now).unwrap();
        let server = String::from_utf8(pki.read("issued/server.crt")).unwrap();
        let options = ["-purpose", "sslserver"];
        openssl_verifies(&new, &server, &options, now);
        let later = issue(&new, &key, &Request::server("vpn.example.com"), now).unwrap();
        openssl_verifies(&new, &later.certificate_pem, &options, now);
    }
}

#[test]
fn requests_of_easy_rsa_and_openssl_are_signed() {
    let Some(pki) = Folder::start("rsa", "") else {
        return;
    };
    pki.run(&["gen-req", "a.lindqvist", "nopass"]);
    let (ca, asked) = (authority(), pki.read("reqs/a.lindqvist.req"));
    let terms = SigningTerms {
        usage: Usage::Client,
        common_name: None,
        validity_days: 90,
    };
    let made = sign_request(
        &ca.certificate_pem,
        &ca.private_key_pem,
        &asked,
        &terms,
        now(),
    );
    let made = made.unwrap();
    let key = pki.read("private/a.lindqvist.key");
    import(made.certificate_pem.as_bytes(), Some(&key), None, now()).unwrap();
    let options = ["-x509_strict", "-purpose", "sslclient"];
    openssl_verifies(&ca.certificate_pem, &made.certificate_pem, &options, now());
}

#[test]
fn keys_that_easy_rsa_encrypted_are_refused_with_advice() {
    let Some(pki) = Folder::start("ec", "secp384r1") else {
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
struct Folder {
    directory: tempfile::TempDir,
    algorithm: &'static str,
    curve: &'static str,
}

impl Folder {
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

    /// Every file of it that matters, by its path.
    fn files(&self) -> Vec<(String, Vec<u8>)> {
        let mut files: Vec<_> = ["ca.crt", "index.txt", "crl.pem"]
            .map(|path| (path.to_owned(), self.read(path)))
            .into();
        for below in ["issued", "private"] {
            for entry in std::fs::read_dir(self.path(below)).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                let path = format!("{below}/{name}");
                files.push((path.clone(), self.read(&path)));
            }
        }
        files
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

#[test]
fn a_whole_folder_is_taken_in_with_what_it_revoked() {
    let Some(pki) = Folder::start("ec", "secp384r1") else {
        return;
    };
    pki.run(&["build-server-full", "server", "nopass"]);
    for name in ["anna", "bo", "carla"] {
        pki.run(&["build-client-full", name, "nopass"]);
    }
    pki.run(&["--passout=pass:secret", "build-client-full", "locked"]);
    pki.run(&["gen-req", "waiting", "nopass"]);
    pki.run(&["revoke", "bo", "keyCompromise"]);
    pki.run(&["gen-crl"]);
    let now = inspect(pki.read("ca.crt")).unwrap().not_before + days(1);
    let read = read_folder(&pki.files(), now).unwrap();
    assert!(read.authority.private_key_pem.is_some());
    let issued: Vec<_> = read
        .issued
        .iter()
        .map(|(path, it)| (path.as_str(), it.private_key_pem.is_some()))
        .collect();
    let expected = [
        ("issued/anna.crt", true),
        ("issued/carla.crt", true),
        ("issued/locked.crt", false),
        ("issued/server.crt", true),
    ];
    assert_eq!(issued, expected);
    let skipped: Vec<_> = read.skipped.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(skipped, ["private/locked.key", "private/waiting.key"]);
    assert!(
        read.skipped[0].1.contains("openssl pkey"),
        "{:?}",
        read.skipped
    );
    assert_eq!(read.revoked.len(), 1, "index and list speak of the same");
    let reason = Some(crate::model::RevocationReason::KeyCompromise);
    assert_eq!(read.revoked[0].reason, reason);
    let list = read_revocation_list(&pki.read("crl.pem"), 10).unwrap();
    assert_eq!(read.revoked[0].serial, list.entries[0].serial);
}

#[test]
fn what_does_not_belong_to_a_folder_is_passed_over_with_the_reason() {
    let ca = authority();
    let (own, other) = (issued(&ca, &Request::client("own")), authority());
    let stray = issued(&other, &Request::client("stray"));
    let pem = |it: &Issued| it.certificate_pem.clone().into_bytes();
    let key = |it: &Issued| it.private_key_pem.expose().as_bytes().to_vec();
    let mut files = vec![
        ("ca.crt".to_owned(), pem(&ca)),
        ("private/ca.key".to_owned(), key(&other)),
        ("issued/own.crt".to_owned(), pem(&own)),
        ("private/own.key".to_owned(), key(&stray)),
        ("issued/stray.crt".to_owned(), pem(&stray)),
        ("issued/garbage.crt".to_owned(), b"garbage".to_vec()),
        ("crl.pem".to_owned(), b"garbage".to_vec()),
        ("index.txt".to_owned(), b"R\tno\n".to_vec()),
        ("vars".to_owned(), Vec::new()),
    ];
    let read = read_folder(&files, now()).unwrap();
    assert!(read.authority.private_key_pem.is_none());
    assert_eq!(read.issued.len(), 1);
    assert!(read.issued[0].1.private_key_pem.is_none());
    for (path, said) in [
        ("private/ca.key", "does not belong"),
        ("private/own.key", "taken over without it"),
        ("issued/stray.crt", "chain"),
        ("issued/garbage.crt", "-----BEGIN CERTIFICATE-----"),
        ("crl.pem", "revocation list"),
        ("index.txt", "Line 1"),
        ("vars", "none of the files"),
    ] {
        let why = read.skipped.iter().find(|(skipped, _)| skipped == path);
        let (_, why) = why.unwrap_or_else(|| panic!("{path}: {:?}", read.skipped));
        assert!(why.contains(said) && why.ends_with('.'), "{path}: {why}");
    }
    files[0].1 = pem(&own);
    let refusal = error(read_folder(&files, now()));
    assert_eq!(refusal, EasyRsaError::NotAnAuthority("own".to_owned()));
    assert_eq!(
        error(read_folder(&files[2..], now())),
        EasyRsaError::NoAuthority
    );
    let many = vec![("x".to_owned(), Vec::new()); MAX_FOLDER_FILES + 1];
    assert_eq!(
        error(read_folder(&many, now())),
        EasyRsaError::TooManyFiles(10_001)
    );
    let index: String = (0..11)
        .map(|it| format!("R\t\t261126120005Z\t0{it:X}\n"))
        .collect();
    let revoked = [
        ("ca.crt".to_owned(), pem(&ca)),
        ("index.txt".to_owned(), index.into_bytes()),
    ];
    let refusal = error(read_folder(&revoked, now()));
    assert_eq!(
        refusal,
        EasyRsaError::TooManyRevoked {
            count: 11,
            limit: 10
        }
    );
    let expired = error(read_folder(&revoked, now() + days(4000)));
    assert!(
        expired
            .to_string()
            .starts_with("ca.crt cannot be used: The certificate expired")
    );
}

fn read_folder(files: &[(String, Vec<u8>)], now: Timestamp) -> Result<EasyRsa, EasyRsaError> {
    let files: Vec<_> = files
        .iter()
        .map(|(path, content)| (path.as_str(), content.as_slice()))
        .collect();
    read_easy_rsa(&files, 10, now)
}
