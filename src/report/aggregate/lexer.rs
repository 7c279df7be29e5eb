//! Finds the tags in the pieces of a document and tells the builder of them.
//!
//! quick-xml does that. Where the markup is as plain as it nearly always is (known names without attributes, values
//! without references or markup) its work is done here in a fraction of the time, see [`plain`]; that way stops at
//! whatever is not plain, and leads to the same result, which a test makes sure of.

use std::io::BufRead;

use quick_xml::{Error, Reader, events::Event};

use super::{
    builder::{Builder, Open},
    element::Node,
    source::Source,
};
use crate::report::ReportError;

/// What the builder makes of a tag.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Step {
    /// A tag it was.
    Tag,
    /// No tag: the `<` is text, and what follows is looked at again.
    Text,
    /// A tag that ends after so many bytes, since another one starts there.
    Short(usize),
}

/// Reads a document to its end.
pub(super) struct Lexer<'a> {
    builder: Builder<'a>,
    /// Bytes that were looked at more than once, since they were no tag after all.
    again: u64,
    /// Plain markup is taken in by hand.
    by_hand: bool,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(builder: Builder<'a>) -> Self {
        Self { builder, again: 0, by_hand: true }
    }

    /// Reads all of the source and gives the builder back.
    pub(super) fn run<R: BufRead>(mut self, source: &mut Source<R>) -> Result<Builder<'a>, ReportError> {
        let mut unfinished = false;
        loop {
            let more = source.advance(unfinished)?;
            if !more && !unfinished {
                return Ok(self.builder);
            }
            if source.piece().is_empty() && !source.is_last() {
                return Err(self.builder.text_limit());
            }
            // A token without an end in sight: what started it is nothing but text.
            let last = source.is_last() || !more;
            let parsed = self.piece(source.piece(), last, source.offset())?;
            unfinished = parsed == 0 && !source.is_last();
            source.parsed(parsed);
        }
    }

    /// Looks at one piece; gives how much of it was understood. The rest starts a token that goes on behind it.
    fn piece(&mut self, piece: &[u8], last: bool, offset: u64) -> Result<usize, ReportError> {
        let mut start = 0;
        loop {
            let rest = piece.get(start..).unwrap_or_default();
            if rest.is_empty() {
                return Ok(piece.len());
            }
            if rest.starts_with(BYTE_ORDER_MARK) {
                // A new reader takes it for the mark at the start of a document.
                if offset + start as u64 > 0 {
                    self.builder.text("\u{feff}").map_err(|error| error.at(offset + start as u64))?;
                }
                start += BYTE_ORDER_MARK.len();
                continue;
            }
            let (used, step) =
                self.stretch(rest, last).map_err(|(at, error)| error.at(offset + (start + at) as u64))?;
            start += used;
            match step {
                Some(Step::Text) => {
                    start += 1;
                    self.builder.literal("<").map_err(|error| error.at(offset + start as u64))?;
                    self.again += rest.len() as u64;
                    // Looking again at what ends far behind must not become a way to make us busy.
                    if self.again > MAX_AGAIN + 8 * (offset + start as u64) {
                        let error = ReportError::malformed_xml("too much that looks like a tag and is none");
                        return Err(error.at(offset + start as u64));
                    }
                }
                Some(_) => {}
                None => return Ok(start),
            }
        }
    }

    /// Lets quick-xml run until something is not as it should be: gives how far it went, and `None` when that is as
    /// far as the piece goes.
    fn stretch(&mut self, piece: &[u8], last: bool) -> Result<(usize, Option<Step>), (usize, ReportError)> {
        let builder = &mut self.builder;
        let mut reader = Reader::from_reader(piece);
        let config = reader.config_mut();
        config.allow_dangling_amp = true;
        config.allow_unmatched_ends = true;
        config.check_end_names = false;
        // Behind a text quick-xml has seen what comes next, which then must not be taken from it.
        let mut behind_text = false;
        loop {
            if self.by_hand && !behind_text {
                let rest = plain(builder, reader.get_ref());
                *reader.get_mut() = rest.map_err(|(rest, error)| (piece.len() - rest.len(), error))?;
            }
            // Not quick-xml's own position, which does not know of what is left out here.
            let at = piece.len() - reader.get_ref().len();
            let event = reader.read_event();
            behind_text = matches!(event, Ok(Event::Text(_)));
            let step = match event {
                Ok(Event::Start(tag)) => builder.start(&tag, false),
                Ok(Event::End(tag)) => builder.end(tag.name().into_inner()),
                Ok(Event::Text(text)) => builder.text(&text).map(|()| Step::Tag),
                Ok(Event::Empty(tag)) => builder.start(&tag, true),
                Ok(Event::GeneralRef(reference)) => builder.reference(&reference).map(|()| Step::Tag),
                Ok(Event::CData(text)) => builder.text(&text).map(|()| Step::Tag),
                Ok(Event::Comment(text)) => builder.passed_over(text.len()).map(|()| Step::Tag),
                Ok(Event::PI(text)) => builder.passed_over(text.len()).map(|()| Step::Tag),
                Ok(Event::Decl(text)) => builder.passed_over(text.len()).map(|()| Step::Tag),
                Ok(Event::DocType(_)) => Err(ReportError::Dtd { offset: 0 }),
                Ok(Event::Eof) => return Ok((piece.len(), None)),
                Err(error) => {
                    let rest = piece.get(at..).unwrap_or_default();
                    return unreadable(builder, rest, last, &error)
                        .map(|(used, step)| (at + used, step))
                        .map_err(|error| (at, error));
                }
            };
            match step {
                Ok(Step::Tag) => {}
                Ok(Step::Text) => return Ok((at, Some(Step::Text))),
                Ok(Step::Short(bytes)) => return Ok((at + bytes, Some(Step::Short(bytes)))),
                Err(error) => return Err((at, error)),
            }
        }
    }
}

/// Decides about what quick-xml could not read; it starts with a `<`.
fn unreadable(
    builder: &mut Builder<'_>,
    rest: &[u8],
    last: bool,
    error: &Error,
) -> Result<(usize, Option<Step>), ReportError> {
    if rest.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(b"<!d")) {
        return Err(ReportError::Dtd { offset: 0 });
    }
    if !matches!(error, Error::Syntax(_)) {
        return Err(ReportError::malformed_xml(error.to_string()));
    }
    if !last {
        return Ok((0, None));
    }
    match rest.get(1) {
        // A declaration or instruction that ends like a tag.
        Some(b'?') => match memchr::memchr(b'>', rest) {
            Some(end) => {
                builder.warn("broken_declaration");
                Ok((end + 1, Some(Step::Short(end + 1))))
            }
            None => Err(ReportError::malformed_xml(error.to_string())),
        },
        Some(b'!') if rest.len() > builder.limits().text_bytes => Err(builder.text_limit()),
        Some(b'!') => Err(ReportError::malformed_xml(error.to_string())),
        _ if memchr::memchr2(b'>', b'<', rest.get(1..).unwrap_or_default()).is_none() => {
            builder.cut_off(rest)?;
            Ok((rest.len(), None))
        }
        _ => Ok((0, Some(Step::Text))),
    }
}

/// Takes in plain markup for as long as there is nothing else; gives what is left.
fn plain<'p>(builder: &mut Builder<'_>, piece: &'p [u8]) -> Result<&'p [u8], (&'p [u8], ReportError)> {
    let mut rest = piece;
    while builder.is_in_section() {
        let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).count();
        builder.passed_over(blanks).map_err(|error| (rest, error))?;
        rest = rest.get(blanks..).unwrap_or_default();
        let [b'<', tag @ ..] = rest else { break };
        if let [b'/', name @ ..] = tag {
            let Some(after) = builder.top_name().and_then(|top| end_of(name, top.as_bytes())) else { break };
            builder.close().map_err(|error| (rest, error))?;
            rest = after;
            continue;
        }
        let Some(end) = tag.iter().take(LONGEST_NAME + 1).position(|&byte| byte == b'>') else { break };
        let (name, after) = tag.split_at(end);
        let Some(child) = builder.top().child(name) else { break };
        let after = after.get(1..).unwrap_or_default();
        if let Node::Value(_) = child.0 {
            let Some(end) = memchr::memchr2(b'<', b'&', after) else { break };
            let (text, after) = after.split_at(end);
            let Some(after) = after.strip_prefix(b"</").and_then(|after| end_of(after, name)) else { break };
            builder.plain_value(child, text).map_err(|error| (rest, error))?;
            rest = after;
        } else if child.0.is_plain() {
            builder.push(Open::known(child)).map_err(|error| (rest, error))?;
            rest = after;
        } else {
            break;
        }
    }
    Ok(rest)
}

/// What stands behind the name and the end of a tag.
fn end_of<'p>(text: &'p [u8], name: &[u8]) -> Option<&'p [u8]> {
    text.strip_prefix(name)?.strip_prefix(b">")
}

/// No element has a longer name than `extra_contact_info`.
const LONGEST_NAME: usize = 18;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// How many bytes may be looked at again in any document, however short.
const MAX_AGAIN: u64 = 16 * 1024 * 1024;
