//! A whole folder of easy-rsa.

use super::*;
use crate::{
    model::{
        Code,
        command::{ImportPki, PkiFile, PkiImported, Secret},
    },
    pki,
};

fn file(path: &str, content: &str) -> PkiFile {
    PkiFile {
        path: path.to_owned(),
        content: Secret::new(content.as_bytes().to_vec()),
    }
}

/// A folder as easy-rsa has it, of an authority that has revoked the serial number `0a`.
fn folder() -> (Vec<PkiFile>, pki::Issued) {
    let now = clock::now();
    let ca = pki::make_ca("Folder CA", pki::KeyType::EcdsaP256, now).unwrap();
    let mut files = vec![
        file("ca.crt", &ca.certificate_pem),
        file("private/ca.key", ca.private_key_pem.expose()),
        file(
            "index.txt",
            "R\t290228000000Z\t261126120005Z,superseded\t0A\tunknown\t/CN=x\n",
        ),
    ];
    for request in [
        pki::Request::server("vpn.example.com"),
        pki::Request::client("a.lindqvist"),
    ] {
        let name = request.common_name.clone();
        let made = pki::issue(&ca.certificate_pem, &ca.private_key_pem, &request, now).unwrap();
        files.push(file(&format!("issued/{name}.crt"), &made.certificate_pem));
        let key = made.private_key_pem.expose();
        files.push(file(&format!("private/{name}.key"), key));
    }
    (files, ca)
}

fn import(files: &[PkiFile]) -> Command {
    let files = files.to_vec();
    Command::ImportPki(ImportPki { files })
}

async fn imported(bench: &Bench, files: &[PkiFile]) -> PkiImported {
    match bench.ok(import(files)).await {
        Answer::PkiImported(it) => it,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_folder_is_taken_in_as_a_whole_and_serves() {
    let bench = Bench::new().await;
    let (files, _) = folder();
    let done = imported(&bench, &files).await;
    assert_eq!(done.skipped, []);
    assert_eq!(done.revoked.len(), 1);
    let paths: Vec<_> = done
        .imported
        .iter()
        .map(|(path, _)| path.as_str())
        .collect();
    let expected = [
        "ca.crt",
        "issued/a.lindqvist.crt",
        "issued/vpn.example.com.crt",
    ];
    assert_eq!(paths, expected);
    let snapshot = bench.service.snapshot();
    let [ca, client, server] = [0, 1, 2].map(|at| done.imported[at].1.clone());
    for arn in [&client, &server] {
        let certificate = &snapshot.certificates[arn];
        assert_eq!(certificate.issued_by.as_ref(), Some(&ca));
        assert!(certificate.has_private_key);
        assert!(!certificate.chain_pem.is_empty());
    }
    // The authority's list is made of what the folder says is revoked.
    assert_eq!(snapshot.authority_lists[&ca].entries, 1);
    let made = Certificates { ca, server, client };
    bench.endpoint_with(&create_endpoint(&made)).await;
    bench.issue(&made.ca, CertificateUse::Client, "later").await;

    // Nothing of the files is in the record but how much it was.
    let events = serde_json::to_string(&bench.events().await).unwrap();
    assert!(!events.contains("BEGIN"));
    assert!(events.contains("ImportPki"));
    let restarted = bench.restarted().await;
    assert_eq!(
        restarted.snapshot().certificates,
        bench.service.snapshot().certificates
    );
}

#[tokio::test]
async fn a_second_import_adds_only_what_is_new() {
    let bench = Bench::new().await;
    let (files, _) = folder();
    let without_keys: Vec<_> = files
        .iter()
        .filter(|file| !file.path.starts_with("private/"))
        .cloned()
        .collect();
    let first = imported(&bench, &without_keys).await;
    assert_eq!(first.imported.len(), 3);
    assert_eq!(first.revoked.len(), 1);
    // Recorded, but nobody can sign a list here.
    assert!(
        first.skipped[0].1.contains("Import crl.pem"),
        "{:?}",
        first.skipped
    );
    assert!(bench.service.snapshot().authority_lists.is_empty());

    let second = imported(&bench, &files).await;
    let arns = |it: &PkiImported| {
        it.imported
            .iter()
            .map(|(_, arn)| arn.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(arns(&second), arns(&first), "their keys are new");
    assert_eq!(second.revoked.len(), 0);
    let snapshot = bench.service.snapshot();
    assert!(snapshot.certificates.values().all(|it| it.has_private_key));
    let list = &snapshot.authority_lists[&second.imported[0].1];
    assert_eq!(list.entries, 1, "it can be signed now");

    let third = imported(&bench, &files).await;
    assert_eq!(third.imported, []);
    assert_eq!(third.skipped.len(), 3);
    assert!(
        third.skipped[0]
            .1
            .contains("is in the store already, as arn:aws:acm")
    );
    assert_eq!(bench.service.snapshot().certificates.len(), 3);
}

#[tokio::test]
async fn what_is_no_folder_is_refused_and_changes_nothing() {
    let bench = Bench::new().await;
    let (files, _) = folder();
    for (files, code, said) in [
        (&[][..], Code::MissingParameter, "needed"),
        (&files[1..], Code::Validation, "no ca.crt"),
        (
            &[file("ca.crt", "hello")],
            Code::Validation,
            "ca.crt cannot be used",
        ),
    ] {
        let refusal = bench.refused(import(files)).await;
        assert_eq!(refusal.field.as_deref(), Some("Files"), "{refusal}");
        assert_eq!(refusal.code, code);
        assert!(refusal.message.contains(said), "{refusal}");
    }
    assert!(bench.service.snapshot().certificates.is_empty());
}
