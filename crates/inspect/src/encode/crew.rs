//! A pool of threads for two kinds of work: what frees memory (encoding) goes before what fills
//! it (inspecting).

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

type Job<'env> = Box<dyn FnOnce() + Send + 'env>;

/// Jobs that threads, which call [`Crew::work`], take one by one.
pub(super) struct Crew<'env> {
    jobs: Mutex<Jobs<'env>>,
    changed: Condvar,
}

#[derive(Default)]
struct Jobs<'env> {
    urgent: VecDeque<Job<'env>>,
    others: VecDeque<Job<'env>>,
    dismissed: bool,
}

/// Which jobs go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Urgency {
    First,
    Later,
}

impl<'env> Crew<'env> {
    pub(super) fn new() -> Self {
        Self {
            jobs: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// No job runs while the lock is held, so none that panics leaves it half done.
    fn jobs(&self) -> MutexGuard<'_, Jobs<'env>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a job; its outcome comes from the receiver, or nothing where it panicked or the
    /// crew was dismissed before.
    pub(super) fn ask<T: Send + 'env>(
        &self,
        urgency: Urgency,
        job: impl FnOnce() -> T + Send + 'env,
    ) -> Receiver<T> {
        let (done, outcome) = sync_channel(1);
        let job: Job<'env> = Box::new(move || {
            // Nobody may want the outcome any more.
            let _ = done.send(job());
        });
        let mut jobs = self.jobs();
        if !jobs.dismissed {
            match urgency {
                Urgency::First => jobs.urgent.push_back(job),
                Urgency::Later => jobs.others.push_back(job),
            }
        }
        drop(jobs);
        self.changed.notify_one();
        outcome
    }

    /// Does jobs until the crew is dismissed.
    pub(super) fn work(&self) {
        while let Some(job) = self.next() {
            job();
        }
    }

    fn next(&self) -> Option<Job<'env>> {
        let mut jobs = self.jobs();
        loop {
            if jobs.dismissed {
                return None;
            }
            if let Some(job) = jobs.urgent.pop_front().or_else(|| jobs.others.pop_front()) {
                return Some(job);
            }
            jobs = self
                .changed
                .wait(jobs)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Sends every thread home and drops what was not begun.
    pub(super) fn dismiss(&self) {
        let mut jobs = self.jobs();
        jobs.dismissed = true;
        let dropped = (
            std::mem::take(&mut jobs.urgent),
            std::mem::take(&mut jobs.others),
        );
        drop(jobs);
        drop(dropped);
        self.changed.notify_all();
    }
}
