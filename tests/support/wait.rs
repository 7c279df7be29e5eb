//! Waiting for something to be so, with a deadline: the only place where tests let time pass.
#![allow(dead_code, reason = "no test binary needs all of it")]
#![allow(clippy::disallowed_methods, reason = "between two looks, not in place of one")]

use std::time::{Duration, Instant};

/// Waits until something is so.
#[track_caller]
pub(crate) fn until(what: &str, is_so: impl FnMut() -> bool) {
    assert!(comes_true(DEADLINE, is_so), "waited too long for {what}");
}

/// Whether something gets to be so in this time.
pub(crate) fn comes_true(patience: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + patience;
    loop {
        match is_so() {
            true => return true,
            false if Instant::now() > deadline => return false,
            false => std::thread::sleep(INTERVAL),
        }
    }
}

/// [`until`] for tests that share their thread with what they wait for.
pub(crate) async fn until_async(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is_so().await {
        assert!(Instant::now() < deadline, "waited too long for {what}");
        tokio::time::sleep(INTERVAL).await;
    }
}

const DEADLINE: Duration = Duration::from_secs(60);

const INTERVAL: Duration = Duration::from_millis(10);
