use std::time::Duration;

use chrono::{DateTime, Utc};
use store::{Next, StartedRun};

/// When failed work is tried again, and when no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How often work may fail by itself before it waits for a person. What fails because a
    /// service is away is not counted: it is tried until the service is back.
    pub attempts: u32,
    /// The pause after the first failure; each further one doubles it.
    pub first_pause: Duration,
    pub longest_pause: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 5,
            first_pause: Duration::from_secs(5),
            longest_pause: Duration::from_secs(15 * 60),
        }
    }
}

impl RetryPolicy {
    /// True for work whose runs began so often without an end that it is better left alone: it may
    /// be what ends our processes.
    pub(crate) fn is_spent(&self, run: StartedRun) -> bool {
        run.strikes > i64::from(self.attempts)
    }

    /// `jitter`, from 0 to 1, spreads what failed together by a quarter to either side.
    pub(crate) fn next(
        &self,
        run: StartedRun,
        is_transient: bool,
        now: DateTime<Utc>,
        jitter: f64,
    ) -> Next {
        if !is_transient && run.strikes >= i64::from(self.attempts) {
            return Next::Stop;
        }
        let doublings = u32::try_from(run.attempt - 1).unwrap_or(0).min(30);
        let pause = self.first_pause * 2_u32.pow(doublings);
        let pause = pause.min(self.longest_pause).mul_f64(0.75 + jitter / 2.0);
        let at = now + pause;
        if is_transient {
            Next::AfterOutage(at)
        } else {
            Next::After(at)
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use contract::RunId;

    use super::*;

    fn run(attempt: i64, strikes: i64) -> StartedRun {
        StartedRun {
            run_id: RunId::new(),
            attempt,
            strikes,
        }
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_own_failures_end() {
        let now = Utc.with_ymd_and_hms(2024, 3, 1, 12, 0, 0).unwrap();
        let policy = RetryPolicy {
            attempts: 3,
            first_pause: Duration::from_secs(10),
            longest_pause: Duration::from_secs(60),
        };
        let after = |seconds| Next::After(now + Duration::from_secs(seconds));
        let outage = |seconds| Next::AfterOutage(now + Duration::from_secs(seconds));
        for (attempt, strikes, is_transient, expected) in [
            (1, 1, false, after(10)),
            (2, 2, false, after(20)),
            (3, 3, false, Next::Stop),
            (1, 1, true, outage(10)),
            (3, 1, true, outage(40)),
            (4, 1, true, outage(60)),
            (1_000, 1, true, outage(60)),
            // An outage and then failures of its own: only those count.
            (9, 2, false, after(60)),
        ] {
            let next = policy.next(run(attempt, strikes), is_transient, now, 0.5);
            assert_eq!(next, expected, "attempt {attempt}, strike {strikes}");
        }
        for (jitter, seconds) in [(0.0, 7.5), (1.0, 12.5)] {
            let expected = Next::After(now + Duration::from_secs_f64(seconds));
            assert_eq!(policy.next(run(1, 1), false, now, jitter), expected);
        }
        assert!(!policy.is_spent(run(3, 3)));
        assert!(policy.is_spent(run(4, 4)));
    }
}
