//! Certificates for keys that never come here: what a request asks for, and signing it.

use jiff::Timestamp;

use super::{NewCertificate, inspected, issue, not_issued, refuse, with_chain};
use crate::{
    model::{
        Answer, Certificate, CertificateOrigin, CertificateRequest, Code, Refusal,
        command::{Bytes, InspectCertificateRequest, SignCertificateRequest},
    },
    pki::{self, SecretPem, SigningError},
    service::{Service, aside, change::Terms},
};

impl Service {
    /// Signs a request. What is slow is done before the transaction.
    pub(in crate::service) async fn sign_certificate_request(
        &self,
        terms: Terms,
        command: SignCertificateRequest,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        given(&command.csr)?;
        let (authority, key) = self.authority(&command.ca_arn).await?;
        let new = aside(move || sign(&command, &authority, &key, now)).await?;
        self.change(terms, move |change| change.insert_certificate(new))
            .await
    }
}

/// Says what a request asks for.
pub(in crate::service) fn inspect(command: &InspectCertificateRequest) -> Result<Answer, Refusal> {
    given(&command.csr)?;
    let read = pki::read_request(&command.csr.0).map_err(|error| unsigned(&error.into()))?;
    let addresses = read.ip_addresses.iter().map(ToString::to_string);
    let mut left_out = Vec::new();
    if read.asks_for_authority {
        left_out.push("It asks to be a certificate authority; it will be none.".to_owned());
    }
    for name in &read.other_names {
        left_out.push(format!(
            "The name {name} is neither a host name nor an address."
        ));
    }
    Ok(Answer::CertificateRequest(Box::new(CertificateRequest {
        alternative_names: read.dns_names.iter().cloned().chain(addresses).collect(),
        key_algorithm: read.key_algorithm.to_string(),
        subject: read.subject,
        common_name: read.common_name,
        left_out,
    })))
}

fn given(request: &Bytes) -> Result<(), Refusal> {
    if request.0.trim_ascii().is_empty() {
        let begin = "-----BEGIN CERTIFICATE REQUEST-----";
        return Err(Refusal::missing(CSR, begin));
    }
    Ok(())
}

fn sign(
    command: &SignCertificateRequest,
    authority: &Certificate,
    key: &SecretPem,
    now: Timestamp,
) -> Result<NewCertificate, Refusal> {
    let terms = pki::SigningTerms {
        usage: issue::purpose(command.usage)?,
        common_name: command.common_name.clone(),
        validity_days: issue::days(command.validity_days),
    };
    let signed = pki::sign_request(&with_chain(authority), key, &command.csr.0, &terms, now)
        .map_err(|error| unsigned(&error))?;
    Ok(NewCertificate {
        facts: inspected(&signed.certificate_pem)?,
        certificate_pem: signed.certificate_pem,
        chain_pem: signed.chain_pem,
        private_key: None,
        origin: CertificateOrigin::Issued,
        issued_by: Some(authority.arn.clone()),
    })
}

fn unsigned(error: &SigningError) -> Refusal {
    match error {
        SigningError::Issue(error) => not_issued(error),
        SigningError::NoName => Refusal::new(Code::MissingParameter, error.to_string())
            .at(super::COMMON_NAME)
            .cure("client1.example.com"),
        SigningError::Request(_) => refuse(CSR, error.to_string()),
    }
}

const CSR: &str = "Csr";
