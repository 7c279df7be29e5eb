//! The runtime for all work whose amount strangers decide by what their name servers say: examinations of domains, advice
//! about them, reverse names, and who sent a mail. Its threads are its own, and yield to those that take mail, answer over HTTP
//! and hear signals.

use std::io;

use tokio::runtime::{Builder, Runtime};

/// Starts it.
pub(super) fn start() -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .thread_name("ruad-dns")
        .worker_threads(THREADS)
        .max_blocking_threads(THREADS)
        // On Linux that is about this thread alone (setpriority(2)); where it is refused the threads are as good as others.
        .on_thread_start(|| _ = rustix::process::setpriority_process(None, NICE))
        .enable_all()
        .build()
}

/// Most of the work is waiting.
const THREADS: usize = 2;
const NICE: i32 = 5;
