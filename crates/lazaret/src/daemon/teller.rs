use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use pipeline::PipelineError;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Documents, heard, stopped_within};

/// How often messages that could not be sent are tried.
const TRY: Duration = Duration::from_secs(10);
/// What happens at once is told in one look.
const GATHER: Duration = Duration::from_secs(1);

/// Tells people what goes wrong: as soon as work has ended, and by the clock though none has.
pub(super) struct Teller {
    pub(super) documents: Arc<Documents>,
    pub(super) stop: CancellationToken,
}

impl Teller {
    pub(super) async fn run(self, mut ended: watch::Receiver<()>) {
        let check_every = self.documents.pipeline().alerts.check_every;
        let mut clock = tokio::time::interval(check_every);
        let mut checks = true;
        while !self.stop.is_cancelled() {
            let told = self.tell(checks).await;
            if let Err(error) = &told {
                tracing::warn!(%error, "it cannot be told what goes wrong; it is tried again");
            }
            checks = tokio::select! {
                () = self.stop.cancelled() => return,
                () = heard(&mut ended) => !stopped_within(&self.stop, GATHER).await,
                _ = clock.tick() => true,
                () = tokio::time::sleep(TRY) => checks && told.is_err(),
            };
        }
    }

    async fn tell(&self, checks: bool) -> Result<(), PipelineError> {
        let pipeline = self.documents.pipeline();
        if checks {
            pipeline.check_alerts(Utc::now()).await?;
        }
        let told = pipeline.deliver_alerts(Utc::now()).await?;
        if told.postponed > 0 {
            tracing::warn!(
                messages = told.postponed,
                "an alert could not be sent; it is tried again"
            );
        }
        if told.given_up > 0 {
            tracing::error!(messages = told.given_up, "an alert was given up");
        }
        Ok(())
    }
}
