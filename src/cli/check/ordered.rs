//! Output in the order that was asked for, though it is ready in another one.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Write},
    os::unix::fs::FileExt,
};

/// Writes pieces in order. Those that come early wait in a file without a name: behind a domain that does not answer there may
/// be thousands, of some 40 KB each.
pub(super) struct Ordered<W> {
    out: W,
    next: usize,
    /// Place and length in the file of the pieces that wait, by their number.
    waiting: BTreeMap<usize, (u64, usize)>,
    file: Option<File>,
    end: u64,
}

impl<W: Write> Ordered<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, next: 0, waiting: BTreeMap::new(), file: None, end: 0 }
    }

    /// Writes a piece, and those that waited for it; or keeps it until it is its turn. Numbers begin at 0, and each comes once.
    pub(super) fn put(&mut self, number: usize, piece: &[u8]) -> io::Result<()> {
        if number != self.next {
            let file = match &mut self.file {
                Some(file) => file,
                none => none.insert(tempfile::tempfile()?),
            };
            file.write_all_at(piece, self.end)?;
            self.waiting.insert(number, (self.end, piece.len()));
            self.end += piece.len() as u64;
            return Ok(());
        }
        self.out.write_all(piece)?;
        self.next += 1;
        while let (Some((at, length)), Some(file)) = (self.waiting.remove(&self.next), &self.file) {
            let mut piece = vec![0; length];
            file.read_exact_at(&mut piece, at)?;
            self.out.write_all(&piece)?;
            self.next += 1;
        }
        if self.waiting.is_empty() {
            self.end = 0;
        }
        Ok(())
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pieces_come_out_in_order(order in Just((0..40_usize).collect::<Vec<_>>()).prop_shuffle()) {
            let mut out = Vec::new();
            let mut ordered = Ordered::new(&mut out);
            for number in &order {
                ordered.put(*number, format!("{number}{}\n", "x".repeat(*number)).as_bytes()).unwrap();
            }
            let expected: String = (0..40).map(|number| format!("{number}{}\n", "x".repeat(number))).collect();
            prop_assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
