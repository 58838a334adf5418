//! What nears its end, worked out again only when it may have changed.

use std::sync::Arc;

use jiff::Timestamp;

use crate::model::{Notice, Severity, Snapshot, notices};

/// The notices of the newest snapshot.
#[derive(Debug, Default)]
pub struct Notices {
    of: Option<(Arc<Snapshot>, i64)>,
    list: Vec<Notice>,
}

impl Notices {
    /// The notices at `now`, the worst first; looked for once a minute while nothing changes.
    pub fn at(&mut self, snapshot: &Arc<Snapshot>, now: Timestamp) -> &[Notice] {
        let minute = now.as_second() / 60;
        let is_known = self
            .of
            .as_ref()
            .is_some_and(|(of, at)| Arc::ptr_eq(of, snapshot) && *at == minute);
        if !is_known {
            self.list = notices(snapshot, now);
            self.of = Some((Arc::clone(snapshot), minute));
        }
        &self.list
    }
}

/// How bad the worst of them is; none where there are none.
#[must_use]
pub fn worst(notices: &[Notice]) -> Option<Severity> {
    notices.first().map(|it| it.severity)
}
