//! What goes on by itself: lists come into force for who is connected, and generated ones are
//! renewed long before they end.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::watch;

use super::period;
use crate::{
    clock,
    model::{CertificateArn, Command, Connection, Refusal, RevocationList, Snapshot},
    service::{
        Caller, Face, Inner, Service,
        change::{Change, Terms},
        connections::blocked,
        endpoints::living,
    },
};

impl Service {
    /// Ends the sessions of those whose certificates the lists in force revoke.
    async fn expel_revoked(&self) -> Result<(), Refusal> {
        let in_force = self.in_force(None).await?;
        let Some(gateway) = self.gateway() else {
            return Ok(());
        };
        let ended = gateway.expel(&|connection| {
            in_force.revoked(
                &connection.endpoint_id,
                &connection.common_name,
                &connection.certificates,
            )
        });
        if !ended.is_empty() {
            tracing::info!(
                count = ended.len(),
                "sessions end because certificates were revoked"
            );
        }
        Ok(())
    }

    /// Judges sessions again that have just come up: what was decided while they were let in was
    /// not asked of them. To be called once they are among those that are looked at when something
    /// is decided.
    pub(in crate::service) async fn judge_again(&self, opened: &[Connection]) {
        let in_force = match self.in_force(None).await {
            Ok(in_force) => in_force,
            Err(error) => {
                tracing::warn!(%error, "sessions that have just come up could not be judged again");
                return;
            }
        };
        let now = clock::now();
        let unwelcome: Vec<_> = opened
            .iter()
            .filter_map(|it| Some((&it.id, unwelcome(&in_force, it, now)?)))
            .collect();
        if unwelcome.is_empty() {
            return;
        }
        if let Some(gateway) = self.gateway() {
            gateway.expel(&|connection| {
                let mut found = unwelcome.iter().filter(|(id, _)| **id == connection.id);
                found.next().map(|(_, reason)| reason.clone())
            });
        }
    }

    /// Generates the lists anew whose next one is due before long, and those that lack what their
    /// authority has revoked.
    pub(in crate::service) async fn renew_lists(&self, now: Timestamp) {
        let counted = self.inner.store.transact(now, |tx| {
            Ok::<_, Refusal>((tx.snapshot(), tx.revoked_counts()?))
        });
        let (snapshot, counts) = match counted.await {
            Ok(counted) => counted,
            Err(error) => {
                tracing::warn!(%error, "whether lists are due could not be found out");
                return;
            }
        };
        let signs = |arn: &&CertificateArn| {
            let authority = snapshot.certificates.get(*arn);
            authority.is_some_and(|it| it.has_private_key)
        };
        let due: Vec<_> = snapshot
            .authority_lists
            .keys()
            .chain(counts.keys())
            .filter(signs)
            .filter(|arn| {
                let list = snapshot.authority_lists.get(*arn);
                let revoked = counts.get(*arn).copied().unwrap_or(0);
                list.is_none_or(|list| is_due(list, now) || u64::from(list.entries) < revoked)
            })
            .cloned()
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect();
        for arn in due {
            if let Err(error) = self.renew_list(&arn, now).await {
                tracing::warn!(%error, authority = %arn, "a revocation list did not renew itself");
            }
        }
    }

    async fn renew_list(&self, arn: &CertificateArn, now: Timestamp) -> Result<(), Refusal> {
        let command = Command::GenerateRevocationList(super::GenerateRevocationList {
            ca_arn: arn.to_string(),
            validity_days: None,
        });
        let terms = Terms::new(&Caller::myself(Face::Gateway), &command.into())?;
        let (machine, arn) = (self.machine(), arn.clone());
        let work = move |change: &mut Change<'_, '_>| {
            let snapshot = Arc::clone(&change.snapshot);
            let authority = super::stored(&snapshot, super::CA_ARN, arn.as_str())?;
            change.generate(authority, None)
        };
        let store = &self.inner.store;
        store
            .transact(now, move |tx| terms.carry_out(tx, machine, work))
            .await
            .map(drop)
    }
}

/// Why a client that has just come in may not stay after all.
fn unwelcome(in_force: &super::InForce, connection: &Connection, now: Timestamp) -> Option<String> {
    let endpoint = living(&in_force.snapshot, connection.endpoint_id.as_str()).ok()?;
    let mut blocks = blocked(&in_force.snapshot, endpoint, now);
    let block = blocks.find(|it| it.common_name == connection.common_name);
    block.map(crate::service::admission::kept_out).or_else(|| {
        in_force.revoked(
            &endpoint.id,
            &connection.common_name,
            &connection.certificates,
        )
    })
}

/// Whether two thirds of a list's time are over.
fn is_due(list: &RevocationList, now: Timestamp) -> bool {
    let gone = now.duration_since(list.this_update);
    period(list).is_some_and(|period| gone >= period / 3 * 2)
}

/// Which lists there are.
fn fingerprints(snapshot: &Snapshot) -> Vec<String> {
    let lists = snapshot.revocation_lists.values();
    let lists = lists.chain(snapshot.authority_lists.values());
    lists.map(|list| list.fingerprint.clone()).collect()
}

/// Ends the sessions of revoked certificates whenever a list has come or gone, until the service
/// is gone.
pub(in crate::service) async fn follow_lists(
    service: Weak<Inner>,
    mut snapshots: watch::Receiver<Arc<Snapshot>>,
) {
    let mut seen = Vec::new();
    loop {
        let found = fingerprints(&snapshots.borrow_and_update());
        if found != seen {
            let Some(inner) = service.upgrade() else {
                return;
            };
            match (Service { inner }).expel_revoked().await {
                Ok(()) => seen = found,
                Err(error) => {
                    tracing::warn!(%error, "lists could not be brought into force yet");
                    tokio::time::sleep(RETRY).await;
                    continue;
                }
            }
        }
        if snapshots.changed().await.is_err() {
            return;
        }
    }
}

/// Renews generated lists, until the service is gone.
pub(in crate::service) async fn keep_lists(service: Weak<Inner>) {
    loop {
        tokio::time::sleep(LOOKED_EVERY).await;
        let Some(inner) = service.upgrade() else {
            return;
        };
        Service { inner }.renew_lists(clock::now()).await;
    }
}

/// How long what could not be read waits for the next try.
const RETRY: Duration = Duration::from_secs(1);
/// How often generated lists are looked at.
const LOOKED_EVERY: Duration = Duration::from_mins(10);
