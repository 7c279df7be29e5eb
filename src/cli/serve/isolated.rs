//! Runtimes for work whose amount strangers decide by what their name servers say. Their threads are their own, so that nothing
//! there keeps those waiting that take mail, answer over HTTP and hear signals.

use std::io;

use tokio::runtime::{Builder, Handle, Runtime};

/// The runtimes.
pub(super) struct Isolated {
    examining: Runtime,
    verifying: Runtime,
}

/// Where to run what.
#[derive(Clone)]
pub(super) struct Handles {
    /// Examinations of domains, advice about them, reverse names: nobody waits for these.
    pub(super) examining: Handle,
    /// Who sent a report, for which its storing waits.
    pub(super) verifying: Handle,
}

impl Isolated {
    pub(super) fn start() -> io::Result<Self> {
        Ok(Self { examining: runtime("ruad-examine", NICE)?, verifying: runtime("ruad-verify", 0)? })
    }

    pub(super) fn handles(&self) -> Handles {
        Handles { examining: self.examining.handle().clone(), verifying: self.verifying.handle().clone() }
    }

    /// Ends them without waiting for their tasks.
    pub(super) fn shut_down(self) {
        self.examining.shutdown_background();
        self.verifying.shutdown_background();
    }
}

fn runtime(name: &str, nice: i32) -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .thread_name(name)
        .worker_threads(THREADS)
        .max_blocking_threads(THREADS)
        .on_thread_start(move || {
            if nice > 0 {
                // On Linux that is about this thread alone (setpriority(2)); where it is refused it is as good as others.
                _ = rustix::process::setpriority_process(None, nice);
            }
        })
        .enable_all()
        .build()
}

/// Most of the work is waiting.
const THREADS: usize = 2;
const NICE: i32 = 5;
