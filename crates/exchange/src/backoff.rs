//! Pauses between attempts at what is away.

use std::time::Duration;

/// Exponential backoff with full jitter: the pause is anywhere between nothing and a limit that
/// doubles with each failure in a row, so that those who failed together do not return together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The limit after the first failure.
    pub first: Duration,
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(200),
            longest: Duration::from_secs(30),
        }
    }
}

impl Backoff {
    /// How long to wait after that many failures in a row.
    pub fn pause(&self, failures: u32) -> Duration {
        self.limit(failures).mul_f64(fastrand::f64())
    }

    fn limit(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(30);
        self.first.saturating_mul(1 << doublings).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_doubles_up_to_the_longest() {
        let backoff = Backoff {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(10),
        };
        for (failures, seconds) in [(0, 1), (1, 1), (2, 2), (4, 8), (5, 10), (u32::MAX, 10)] {
            let limit = Duration::from_secs(seconds);
            assert_eq!(backoff.limit(failures), limit, "after {failures}");
            assert!(backoff.pause(failures) <= limit, "after {failures}");
        }
    }
}
