//! Work is done under leases that are renewed meanwhile; who loses one stops.

use std::future::Future;
use std::time::Duration;

use chrono::{DateTime, Utc};
use contract::SubmissionId;
use store::{StoreError, WinnerKey};

use crate::{Pipeline, PipelineError};

/// The shortest time between two renewals.
const RENEWAL_MIN: Duration = Duration::from_millis(100);

/// What was claimed for one piece of work.
pub(crate) enum Leased {
    Submission(SubmissionId),
    Gold(Vec<WinnerKey>),
    Rebuilds(Vec<i64>),
}

impl Pipeline {
    /// Does the work under its lease, and drops it where somebody else has taken the lease over:
    /// that one starts anew, and two must not write the same objects.
    pub(crate) async fn held<T>(
        &self,
        leased: Leased,
        work: impl Future<Output = Result<T, PipelineError>>,
    ) -> Result<T, PipelineError> {
        tokio::select! {
            biased;
            done = work => done,
            () = self.lose(leased) => Err(PipelineError::LeaseLost),
        }
    }

    /// Renews the lease until it is lost.
    async fn lose(&self, leased: Leased) {
        let lease = self.settings.lease;
        let mut renewals = tokio::time::interval((lease / 3).max(RENEWAL_MIN));
        renewals.tick().await;
        loop {
            renewals.tick().await;
            match self.renew(&leased, Utc::now() + lease).await {
                Ok(true) => {}
                Ok(false) => return,
                // It holds for two thirds of its time yet, and the next renewal may succeed.
                Err(error) => tracing::warn!(%error, "a lease could not be renewed"),
            }
        }
    }

    /// Whether any of it is still held: of a batch, what is finished is given back already.
    async fn renew(&self, leased: &Leased, until: DateTime<Utc>) -> Result<bool, StoreError> {
        match leased {
            Leased::Submission(id) => self.store.renew_lease(*id, &self.owner, until).await,
            Leased::Gold(keys) => {
                let mut held = false;
                for key in keys {
                    held |= self.store.renew_gold_lease(key, &self.owner, until).await?;
                }
                Ok(held)
            }
            Leased::Rebuilds(ids) => {
                self.store
                    .renew_rebuild_lease(ids, &self.owner, until)
                    .await
            }
        }
    }
}
