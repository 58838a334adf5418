//! `gatehouse pki sign-csr`: a certificate for a request, handed out at once.

use std::{path::Path, process::ExitCode};

use serde_json::{Value, json};

use super::{args::Common, args::Output, close, open, output, printed};
use crate::{
    api::shape,
    clock,
    control::{Console, Follow},
    model::{
        Answer, CertificateArn, Code, Command, Refusal, Request,
        command::{ExportCertificate, SignCertificateRequest},
    },
};

/// Signs the request and prints the certificate with those above it: as text, in PEM alone.
pub async fn sign(data_dir: &Path, common: &Common, command: SignCertificateRequest) -> ExitCode {
    let (console, host) = match open(data_dir, common, Follow::Nothing).await {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    let result = carry_out(&*console, command).await;
    close(console, host).await;
    match result {
        Ok((arn, answer)) => {
            let mut shape = shape::answer(&answer, clock::now());
            if let (Output::Json, Value::Object(fields)) = (common.output, &mut shape) {
                fields.insert("CertificateArn".to_owned(), json!(arn));
            }
            printed(output::answer(common.output, &answer, &shape))
        }
        Err(refusal) => {
            output::refusal(&refusal);
            ExitCode::FAILURE
        }
    }
}

async fn carry_out(
    console: &dyn Console,
    command: SignCertificateRequest,
) -> Result<(CertificateArn, Answer), Refusal> {
    let command = Command::SignCertificateRequest(command);
    let Answer::CertificateArn(arn) = console.call(Request::from(command)).await? else {
        return Err(Refusal::new(
            Code::InternalError,
            "The gateway answered something else than the name of a certificate; list them",
        ));
    };
    let export = Command::ExportCertificate(ExportCertificate {
        certificate_arn: arn.to_string(),
        with_private_key: false,
    });
    let answer = console.call(Request::from(export)).await?;
    Ok((arn, answer))
}
