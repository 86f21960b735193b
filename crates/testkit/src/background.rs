use std::future::Future;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

/// A runtime on a thread of its own, for what a test starts and calls without one. Dropping it
/// drops all that runs there, and waits for that.
#[derive(Debug)]
pub(crate) struct Background {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Background {
    /// Runs what the closure makes there until it ends or `Background` is dropped.
    pub(crate) fn run<W: Future<Output = ()>>(
        make: impl FnOnce() -> W + Send + 'static,
    ) -> Background {
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime can be made");
        let thread = std::thread::spawn(move || {
            runtime.block_on(async move {
                tokio::select! {
                    () = make() => {}
                    _ = stopped => {}
                }
            });
        });
        Background {
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // Its panic has been printed; another one while dropping would hide the test's.
            let _ = thread.join();
        }
    }
}
