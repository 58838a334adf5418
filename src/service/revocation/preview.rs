//! What importing a list would do.

use std::sync::Arc;

use super::{in_force::Entries, judged, older};
use crate::{
    clock,
    model::{
        Answer, Certificate, Refusal, Snapshot, command::ImportRevocationList,
        revocation::RevocationListPreview,
    },
    pki,
    service::{Service, aside, certificates, endpoints::living},
};

impl Service {
    /// What a list holds and what importing it would do, or what the import would be refused with;
    /// of an older one that it is.
    pub(in crate::service) async fn inspect_list(
        &self,
        command: ImportRevocationList,
    ) -> Result<Answer, Refusal> {
        let (command, list) = self.read_list(command).await?;
        let in_force = self.in_force(None).await?;
        let board = Arc::clone(&self.inner.board);
        aside(move || {
            let snapshot = &in_force.snapshot;
            let endpoint = living(snapshot, &command.client_vpn_endpoint_id)?;
            let new = judged(snapshot, endpoint, &list, clock::now())?;
            let entries = Entries::of(&list);
            let (added, removed) = match in_force.of_endpoint(&endpoint.id) {
                Some(present) => (entries.beyond(present), present.beyond(&entries)),
                None => (entries.len(), 0),
            };
            let ends = board.live_of(&endpoint.id).into_iter().filter(|it| {
                let path = in_force.path(&endpoint.id, &it.certificates);
                path.iter().any(|it| entries.find(it).is_some())
            });
            let present = snapshot.revocation_lists.get(&endpoint.id);
            let older = present.and_then(|present| older(present, &new));
            Ok(Answer::RevocationListPreview(Box::new(
                RevocationListPreview {
                    certificates: certificates_of(snapshot, &entries),
                    connections: ends.map(|it| (it.common_name, it.id)).collect(),
                    added: u32::try_from(added).unwrap_or(u32::MAX),
                    removed: u32::try_from(removed).unwrap_or(u32::MAX),
                    older: older.map(|older| format!("{older}.")),
                    list: new,
                },
            )))
        })
        .await
    }
}

/// The certificates of the store that are among the entries, by name.
fn certificates_of(
    snapshot: &Snapshot,
    entries: &Entries,
) -> Vec<(
    String,
    crate::model::CertificateArn,
    crate::model::Revocation,
)> {
    let revoked = |it: &Certificate| {
        // Most are not among them, and need no reading.
        if !entries.serials().contains_key(&it.serial) {
            return None;
        }
        let der = pki::split_bundle(&it.certificate_pem).ok()?;
        entries.find(&certificates::id_of(der.first()?)?)
    };
    let mut found: Vec<_> = snapshot
        .certificates
        .values()
        .filter_map(|it| Some((it.title().to_owned(), it.arn.clone(), revoked(it)?)))
        .collect();
    found.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    found
}
