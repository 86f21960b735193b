//! Which faults are switched on, and what they mean for the next bytes and the next request.

use std::time::Instant;

use crate::answer::Answer;
use crate::http::Head;

/// Which requests a fault is for: all that are not excluded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requests {
    method: Option<String>,
    prefix: String,
    part: String,
    header: Option<(String, String)>,
    pass: u32,
}

impl Requests {
    pub fn all() -> Requests {
        Requests::default()
    }

    pub fn of(method: &str) -> Requests {
        Requests {
            method: Some(method.to_owned()),
            ..Requests::default()
        }
    }

    /// Whose path begins so, as it is sent: `/bucket/raw/`.
    #[must_use]
    pub fn below(mut self, prefix: &str) -> Requests {
        prefix.clone_into(&mut self.prefix);
        self
    }

    /// Whose path or query holds this text: `partNumber=2`.
    #[must_use]
    pub fn with(mut self, part: &str) -> Requests {
        part.clone_into(&mut self.part);
        self
    }

    /// Whose header begins so: `bytes=8388608-` for a range.
    #[must_use]
    pub fn with_header(mut self, name: &str, prefix: &str) -> Requests {
        self.header = Some((name.to_owned(), prefix.to_owned()));
        self
    }

    /// The first so many of them pass.
    #[must_use]
    pub fn after(mut self, pass: u32) -> Requests {
        self.pass = pass;
        self
    }

    fn holds(&self, head: &Head) -> bool {
        let has = |(name, prefix): &(String, String)| {
            head.header(name)
                .is_some_and(|value| value.starts_with(prefix))
        };
        self.method
            .as_ref()
            .is_none_or(|known| *known == head.method)
            && head.target.starts_with(&self.prefix)
            && head.target.contains(&self.part)
            && self.header.as_ref().is_none_or(has)
    }
}

/// What happens to a request.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    Answer(Answer),
    /// Its connection is cut when so many bytes have passed.
    Cut(u64),
    /// It passes when it is let go.
    Hold,
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Turn {
    Pass,
    Answer(Answer),
    /// Until the number of [`Plan::releases`] is another one.
    Wait(u64),
}

#[derive(Debug)]
struct Rule {
    requests: Requests,
    fault: Fault,
    times: u32,
}

#[derive(Debug)]
struct Cut {
    /// Which of all that were ever set: connections count from when they meet a new one.
    number: u64,
    after: u64,
    times: u32,
}

#[derive(Debug, Default)]
pub(super) struct Plan {
    severed: u64,
    cuts: u64,
    cut: Option<Cut>,
    stalled_until: Option<Instant>,
    rules: Vec<Rule>,
    releases: u64,
}

/// What the plan knows of one connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Track {
    severed: u64,
    cut: u64,
    passed: u64,
    /// How much may still pass before the request is cut.
    request: Option<u64>,
}

/// What becomes of some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Pass,
    Wait(Instant),
    /// So many pass, then the connection is cut.
    Cut(usize),
}

impl Plan {
    pub(super) fn sever(&mut self) {
        self.severed += 1;
    }

    pub(super) fn cut_after(&mut self, bytes: u64, times: u32) {
        self.cuts += 1;
        self.cut = Some(Cut {
            number: self.cuts,
            after: bytes,
            times,
        });
    }

    pub(super) fn stall(&mut self, until: Instant) {
        self.stalled_until = Some(until);
    }

    pub(super) fn fault(&mut self, requests: Requests, fault: Fault, times: u32) {
        self.rules.push(Rule {
            requests,
            fault,
            times,
        });
    }

    /// How often what was held was let go.
    pub(super) fn releases(&self) -> u64 {
        self.releases
    }

    pub(super) fn release(&mut self) {
        self.releases += 1;
    }

    pub(super) fn heal(&mut self) {
        self.release();
        self.cut = None;
        self.stalled_until = None;
        self.rules.clear();
    }

    /// A connection that opens now.
    pub(super) fn track(&self) -> Track {
        Track {
            severed: self.severed,
            ..Track::default()
        }
    }

    pub(super) fn is_severed(&self, track: &Track) -> bool {
        track.severed != self.severed
    }

    /// What becomes of a request. The oldest fault that is for it counts.
    pub(super) fn request(&mut self, track: &mut Track, head: &Head) -> Turn {
        track.request = None;
        for rule in &mut self.rules {
            if rule.times == 0 || !rule.requests.holds(head) {
                continue;
            }
            if rule.requests.pass > 0 {
                rule.requests.pass -= 1;
                continue;
            }
            rule.times -= 1;
            return match &rule.fault {
                Fault::Answer(answer) => Turn::Answer(answer.clone()),
                Fault::Hold => Turn::Wait(self.releases),
                Fault::Cut(bytes) => {
                    track.request = Some(*bytes);
                    Turn::Pass
                }
            };
        }
        Turn::Pass
    }

    /// What becomes of so many bytes; those that pass are noted.
    pub(super) fn bytes(&mut self, track: &mut Track, length: usize, now: Instant) -> Verdict {
        if self.is_severed(track) {
            return Verdict::Cut(0);
        }
        if let Some(until) = self.stalled_until.filter(|until| now < *until) {
            return Verdict::Wait(until);
        }
        let length_bytes = length as u64;
        if let Some(cut) = &mut self.cut {
            if track.cut != cut.number {
                track.cut = cut.number;
                track.passed = 0;
            }
            let left = cut.after - track.passed;
            if cut.times > 0 && left <= length_bytes {
                cut.times -= 1;
                return Verdict::Cut(left as usize);
            }
            track.passed = cut.after.min(track.passed + length_bytes);
        }
        if let Some(left) = &mut track.request {
            if *left <= length_bytes {
                return Verdict::Cut(*left as usize);
            }
            *left -= length_bytes;
        }
        Verdict::Pass
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn head(method: &str, target: &str) -> Head {
        let text = format!("{method} {target} HTTP/1.1\r\nRange: bytes=5-9\r\n\r\n");
        Head::read(text.as_bytes()).unwrap().unwrap()
    }

    #[test]
    fn bytes_pass_until_the_cut_and_each_connection_counts_its_own() {
        let (mut plan, now) = (Plan::default(), Instant::now());
        let (mut one, mut other) = (plan.track(), plan.track());
        assert_eq!(plan.bytes(&mut one, 1000, now), Verdict::Pass);
        plan.cut_after(10, 2);
        assert_eq!(plan.bytes(&mut one, 9, now), Verdict::Pass);
        assert_eq!(plan.bytes(&mut other, 4, now), Verdict::Pass);
        assert_eq!(plan.bytes(&mut one, 5, now), Verdict::Cut(1));
        assert_eq!(plan.bytes(&mut other, 6, now), Verdict::Cut(6));
        let mut third = plan.track();
        assert_eq!(plan.bytes(&mut third, 1000, now), Verdict::Pass, "twice");
        plan.cut_after(3, u32::MAX);
        assert_eq!(plan.bytes(&mut third, 1000, now), Verdict::Cut(3), "anew");
        plan.heal();
        assert_eq!(plan.bytes(&mut plan.track(), 1000, now), Verdict::Pass);
    }

    #[test]
    fn a_stall_holds_up_until_it_is_over_or_healed() {
        let (mut plan, now) = (Plan::default(), Instant::now());
        let mut track = plan.track();
        let until = now + Duration::from_secs(1);
        plan.stall(until);
        assert_eq!(plan.bytes(&mut track, 1, now), Verdict::Wait(until));
        assert_eq!(plan.bytes(&mut track, 1, until), Verdict::Pass);
        plan.heal();
        assert_eq!(plan.bytes(&mut track, 1, now), Verdict::Pass);
    }

    #[test]
    fn what_was_open_is_severed_and_what_opens_later_is_not() {
        let (mut plan, now) = (Plan::default(), Instant::now());
        let mut open = plan.track();
        plan.sever();
        assert_eq!(plan.bytes(&mut open, 1, now), Verdict::Cut(0));
        assert_eq!(plan.bytes(&mut plan.track(), 1, now), Verdict::Pass);
    }

    #[test]
    fn a_fault_is_for_its_requests_as_often_as_it_says() {
        let mut plan = Plan::default();
        let puts = Requests::of("PUT")
            .below("/bucket/raw/")
            .with("partNumber=");
        plan.fault(puts.after(1), Fault::Answer(Answer::slow_down()), 1);
        let mut track = plan.track();
        let mut answered =
            |method, target| plan.request(&mut track, &head(method, target)) != Turn::Pass;
        assert!(!answered("GET", "/bucket/raw/a?partNumber=1"));
        assert!(!answered("PUT", "/bucket/silver/a?partNumber=1"));
        assert!(!answered("PUT", "/bucket/raw/a"));
        assert!(!answered("PUT", "/bucket/raw/a?partNumber=1"), "one passes");
        assert!(answered("PUT", "/bucket/raw/a?partNumber=2"));
        assert!(!answered("PUT", "/bucket/raw/a?partNumber=3"), "once");
        let mut ranged = |prefix: &str| {
            let ranged = Requests::all().with_header("range", prefix);
            plan.heal();
            plan.fault(ranged, Fault::Answer(Answer::slow_down()), 1);
            plan.request(&mut track, &head("GET", "/")) != Turn::Pass
        };
        assert!(ranged("bytes=5-"));
        assert!(!ranged("bytes=50-"));
    }

    #[test]
    fn a_request_is_cut_and_the_next_one_is_not() {
        let (mut plan, now) = (Plan::default(), Instant::now());
        plan.fault(Requests::of("GET"), Fault::Cut(10), 1);
        let mut track = plan.track();
        assert_eq!(plan.request(&mut track, &head("GET", "/")), Turn::Pass);
        assert_eq!(plan.bytes(&mut track, 9, now), Verdict::Pass);
        assert_eq!(plan.request(&mut track, &head("GET", "/")), Turn::Pass);
        assert_eq!(plan.bytes(&mut track, 9, now), Verdict::Pass);
        plan.fault(Requests::all(), Fault::Cut(10), 1);
        assert_eq!(plan.request(&mut track, &head("GET", "/")), Turn::Pass);
        assert_eq!(plan.bytes(&mut track, 12, now), Verdict::Cut(10));
    }
}
