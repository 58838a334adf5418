//! `gatehouse pki issue-many --profiles`: certificates for many people, and a file for each.

use std::{
    fs::DirBuilder,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use serde_json::{Value, json};

use super::{args::Common, close, command::Many, open, output, printed};
use crate::{
    api::shape,
    control::{
        Console, Follow,
        private_file::{Existing, write_profile},
    },
    model::{Answer, CertificateArn, Code, Command, Refusal, Request, client_names},
};

/// Issues the certificates, all or none, then writes a configuration for each; one that cannot be
/// written does not keep the others.
pub async fn issue_many(data_dir: &Path, common: &Common, many: Many) -> ExitCode {
    let (console, host) = match open(data_dir, common, Follow::Nothing).await {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    let result = carry_out(&console, &many).await;
    close(console, host).await;
    match result {
        Ok(rows) => {
            let shape = json!({"Certificates": rows.iter().map(Row::shape).collect::<Vec<_>>()});
            let code = printed(output::value(common.output, &shape));
            match rows.iter().any(|row| row.outcome.is_err()) {
                true => ExitCode::FAILURE,
                false => code,
            }
        }
        Err(refusal) => {
            output::refusal(&refusal);
            ExitCode::FAILURE
        }
    }
}

/// What became of one name.
struct Row {
    name: String,
    arn: CertificateArn,
    path: PathBuf,
    outcome: Result<(), Refusal>,
}

impl Row {
    fn shape(&self) -> Value {
        match &self.outcome {
            Ok(()) => json!({
                "CommonName": self.name,
                "CertificateArn": self.arn,
                "Profile": self.path,
            }),
            Err(refusal) => json!({
                "CommonName": self.name,
                "CertificateArn": self.arn,
                "Error": shape::refusal(refusal)["Error"],
            }),
        }
    }
}

async fn carry_out(console: &Arc<dyn Console>, many: &Many) -> Result<Vec<Row>, Refusal> {
    let names = &many.command.common_names;
    let paths: Vec<PathBuf> = client_names::file_names(names, "ovpn")
        .into_iter()
        .map(|file| many.directory.join(file))
        .collect();
    make_directory(&many.directory)?;
    let existing = if many.force {
        Existing::Replaced
    } else {
        // Before anything is issued, so that a second try does not issue a second certificate.
        if let Some(there) = paths.iter().find(|path| path.exists()) {
            return Err(refuse(format!(
                "{} is there already; choose another directory, or replace what is there with --force",
                there.display()
            )));
        }
        Existing::Kept
    };
    let command = Command::IssueCertificates(many.command.clone());
    let Answer::CertificateArns(arns) = console.call(Request::from(command)).await? else {
        return Err(Refusal::new(
            Code::InternalError,
            "The gateway answered something else than names of certificates; list them",
        ));
    };
    let mut rows = Vec::with_capacity(arns.len());
    for ((name, arn), path) in names.iter().zip(arns).zip(paths) {
        let outcome = write_profile(
            console.as_ref(),
            &many.endpoint,
            arn.as_str(),
            &path,
            existing,
        );
        rows.push(Row {
            name: name.clone(),
            outcome: outcome.await,
            arn,
            path,
        });
    }
    Ok(rows)
}

/// Makes the directory where it is not there; only its owner looks into one that is made here.
fn make_directory(path: &Path) -> Result<(), Refusal> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| refuse(format!("{} cannot be made: {error}", path.display())))
}

fn refuse(message: String) -> Refusal {
    Refusal::new(Code::InvalidParameterValue, message).at("Profiles")
}
