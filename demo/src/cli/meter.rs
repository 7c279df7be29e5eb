//! How far it is: a bar on a terminal, now and then a line elsewhere.

use std::io::{IsTerminal, Write, stderr};

use super::number::thousands;

pub(super) struct Meter {
    what: &'static str,
    total: u64,
    done: u64,
    /// Quarters, or cells of the bar, that were shown last.
    shown: u64,
    terminal: bool,
}

impl Meter {
    pub(super) fn new(what: &'static str, total: u64) -> Self {
        let mut meter = Self { what, total, done: 0, shown: 0, terminal: stderr().is_terminal() };
        if meter.terminal {
            meter.draw();
        }
        meter
    }

    pub(super) fn set(&mut self, done: u64) {
        self.done = done;
        let steps = if self.terminal { 200 } else { 4 };
        let step = done * steps / self.total.max(1);
        if step != self.shown {
            self.shown = step;
            self.draw();
        }
    }

    pub(super) fn add(&mut self) {
        self.set(self.done + 1);
    }

    /// Leaves the line for the next one.
    pub(super) fn finish(mut self) {
        if self.terminal {
            self.draw();
            eprintln!();
        }
    }

    fn draw(&mut self) {
        let (done, total) = (thousands(self.done), thousands(self.total));
        if !self.terminal {
            eprintln!("{}: {done} of {total}", self.what);
            return;
        }
        let filled = (self.done * CELLS / self.total.max(1)).min(CELLS) as usize;
        let bar = "█".repeat(filled) + &"░".repeat(CELLS as usize - filled);
        eprint!("\r{:<10} {bar} {done:>6} of {total}", self.what);
        // A bar that cannot be drawn is no reason to stop.
        stderr().flush().ok();
    }
}

const CELLS: u64 = 50;
