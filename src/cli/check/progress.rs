//! A bar on standard error, when somebody looks.

use std::io::{IsTerminal, Write};

/// How far a long run is.
pub(super) struct Progress {
    done: usize,
    total: usize,
    is_shown: bool,
}

impl Progress {
    /// Only draws when it is `wanted` and standard error is a terminal.
    pub(super) fn new(total: usize, wanted: bool) -> Self {
        let progress = Self { done: 0, total, is_shown: wanted && std::io::stderr().is_terminal() };
        progress.draw();
        progress
    }

    /// One more is done.
    pub(super) fn step(&mut self) {
        self.done += 1;
        self.draw();
    }

    /// Makes room for a line of output.
    pub(super) fn hide(&self) {
        if self.is_shown {
            eprint!("\r\x1b[K");
        }
    }

    fn draw(&self) {
        if self.is_shown {
            let filled = self.done * WIDTH / self.total.max(1);
            eprint!("[{:<WIDTH$}] {} of {}", "#".repeat(filled), self.done, self.total);
            // A bar that cannot be drawn is no reason to stop.
            drop(std::io::stderr().flush());
        }
    }
}

const WIDTH: usize = 40;
