//! DMARC aggregate reports: RFC 7489 appendix C and RFC 9990, in one pass.
//!
//! The document is looked at as it comes in, a piece at a time: `source` makes UTF-8 of it, `lexer` finds the
//! tags with quick-xml, `builder` makes values of them with `repair` and `values`, and each record is shown
//! once it is complete. Memory does not depend on how many there are.

mod builder;
mod element;
mod encoding;
mod hash;
mod lexer;
mod model;
mod namespaces;
mod record;
mod repair;
mod source;
#[cfg(test)]
mod tests;
mod values;

use std::io::BufRead;

use self::{builder::Builder, lexer::Lexer, source::Source};
pub use self::{
    model::{Aggregate, Format, Policy},
    record::{DkimResult, Reason, Record, SpfResult},
};
use super::{Limits, ReportError};

/// Reads one report. `each` is shown every usable record, in the order of the document; what is said about
/// the report as a whole may stand behind them.
///
/// # Errors
///
/// When the input is no report, is broken beyond repair, goes past a limit or cannot be read. `each` may have
/// been shown records by then; they are part of nothing.
pub fn read<R: BufRead>(
    input: R,
    limits: &Limits,
    mut each: impl FnMut(&Record),
) -> Result<Aggregate, ReportError> {
    read_in(input, limits, PIECE, true, &mut each)
}

/// Reads a report through pieces of so many bytes; see [`Lexer::new`] for `by_hand`.
fn read_in<R: BufRead>(
    input: R,
    limits: &Limits,
    piece: usize,
    by_hand: bool,
    each: &mut dyn FnMut(&Record),
) -> Result<Aggregate, ReportError> {
    // A token of the longest allowed length must fit, so that a longer one is seen to be too long.
    let most = piece.max(limits.text_bytes.saturating_add(1024));
    let mut source = Source::new(input, piece, most)?;
    let mut builder = Builder::new(limits, each);
    source.prologue(|code| builder.warnings.add_once(code))?;
    let mut builder = Lexer::new(builder, by_hand).run(&mut source)?;
    for code in source.warnings() {
        builder.warnings.add_once(code);
    }
    builder.finish().map_err(|error| error.at(source.offset()))
}

/// How much of a document is looked at in one go, in bytes.
const PIECE: usize = 64 * 1024;
