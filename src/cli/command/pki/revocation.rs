//! Revoking certificates, and lists of what is revoked, as it is meant.

use crate::{
    cli::{
        args::{CrlAction, Reason, RevocationAction},
        command::{UsageError, words::contents},
    },
    model::{
        Command, RevocationReason,
        command::{
            Bytes, CertificateName, GenerateRevocationList, ImportRevocationList, OfEndpoint,
            RevokeCertificate,
        },
    },
};

/// What a command of `gatehouse pki` on revoked certificates means.
pub(super) fn command(action: CrlAction) -> Result<Command, UsageError> {
    use CrlAction as A;
    Ok(match action {
        A::Revoke {
            certificate,
            reason,
        } => Command::RevokeCertificate(RevokeCertificate {
            certificate_arn: certificate.certificate_arn,
            reason: reason_of(reason),
        }),
        A::GenerateCrl {
            ca_arn,
            validity_days,
        } => Command::GenerateRevocationList(GenerateRevocationList {
            ca_arn,
            validity_days,
        }),
        A::ExportCrl { authority } => Command::ExportRevocationList(CertificateName {
            certificate_arn: authority.certificate_arn,
        }),
        A::InspectCrl {
            endpoint,
            certificate_revocation_list,
        } => Command::InspectRevocationList(ImportRevocationList {
            client_vpn_endpoint_id: endpoint.client_vpn_endpoint_id,
            certificate_revocation_list: list(certificate_revocation_list)?,
            allow_older: false,
        }),
    })
}

/// What a command of `gatehouse ec2` on the list of an endpoint means.
pub(in crate::cli::command) fn of_endpoint(
    action: RevocationAction,
) -> Result<Command, UsageError> {
    use RevocationAction as A;
    Ok(match action {
        A::ImportClientVpnClientCertificateRevocationList {
            endpoint,
            certificate_revocation_list,
            allow_older,
        } => Command::ImportClientVpnClientCertificateRevocationList(ImportRevocationList {
            client_vpn_endpoint_id: endpoint.client_vpn_endpoint_id,
            certificate_revocation_list: list(certificate_revocation_list)?,
            allow_older,
        }),
        A::ExportClientVpnClientCertificateRevocationList(it) => {
            Command::ExportClientVpnClientCertificateRevocationList(OfEndpoint {
                client_vpn_endpoint_id: it.client_vpn_endpoint_id,
            })
        }
    })
}

fn list(value: String) -> Result<Bytes, UsageError> {
    contents("certificate-revocation-list", value).map(Bytes)
}

fn reason_of(reason: Reason) -> RevocationReason {
    match reason {
        Reason::Unspecified => RevocationReason::Unspecified,
        Reason::KeyCompromise => RevocationReason::KeyCompromise,
        Reason::CaCompromise => RevocationReason::CaCompromise,
        Reason::AffiliationChanged => RevocationReason::AffiliationChanged,
        Reason::Superseded => RevocationReason::Superseded,
        Reason::CessationOfOperation => RevocationReason::CessationOfOperation,
        Reason::CertificateHold => RevocationReason::CertificateHold,
        Reason::PrivilegeWithdrawn => RevocationReason::PrivilegeWithdrawn,
        Reason::AaCompromise => RevocationReason::AaCompromise,
    }
}
