use tempfile::TempDir;

use super::*;
use crate::model::{Refusal, Vpc, VpcId};

fn now() -> Timestamp {
    "2026-11-22T09:00:00Z".parse().unwrap()
}

fn vpc(byte: u8) -> Vpc {
    Vpc {
        id: VpcId::from_random([byte; 9]),
        cidrs: vec![format!("10.{byte}.0.0/16").parse().unwrap()],
        tags: [("Name".to_owned(), format!("vpc {byte}"))].into(),
    }
}

#[tokio::test]
async fn what_was_committed_is_there_when_the_store_opens_again() {
    let dir = TempDir::new().unwrap();
    let store = Store::open(dir.path(), now()).unwrap();
    let insert = |tx: &mut Tx<'_>| Ok::<_, Refusal>(tx.insert_vpc(&vpc(1))?);
    store.transact(now(), insert).await.unwrap();
    let before = store.snapshot();
    // The first store is still open, as after a crash its files would be as they are.
    let again = Store::open(dir.path(), now()).unwrap();
    assert_eq!(again.snapshot(), before);
    assert_eq!(again.snapshot().vpcs[&vpc(1).id], vpc(1));
}
