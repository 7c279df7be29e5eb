//! A bar on standard error, when somebody looks.

use std::io::{self, IsTerminal, Write};

/// How far a long run is.
pub(super) struct Progress {
    done: usize,
    total: usize,
    is_shown: bool,
}

impl Progress {
    /// Only draws when it is `wanted` and standard error is a terminal.
    pub(super) fn new(total: usize, wanted: bool) -> Self {
        let progress = Self { done: 0, total, is_shown: wanted && io::stderr().is_terminal() };
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
            // A bar that cannot be drawn is no reason to stop.
            drop(write!(io::stderr(), "\r\x1b[K"));
        }
    }

    fn draw(&self) {
        if self.is_shown {
            let filled = self.done * WIDTH / self.total.max(1);
            let mut out = io::stderr().lock();
            drop(write!(out, "[{:<WIDTH$}] {} of {}", "#".repeat(filled), self.done, self.total));
            drop(out.flush());
        }
    }
}

const WIDTH: usize = 40;
