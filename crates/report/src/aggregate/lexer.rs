//! Finds the tags in the pieces of a document and tells the builder of them.
//!
//! quick-xml does that. Where the markup is as plain as it nearly always is (known names without attributes,
//! values without references or markup) its work is done here in a fraction of the time, see
//! [`Lexer::plain`]; that way stops at whatever is not plain, and leads to the same result, which a test
//! makes sure of.

use std::io::BufRead;

use quick_xml::{Error, Reader, events::Event};

use super::{
    builder::{Builder, Open},
    element::Node,
    source::Source,
};
use crate::ReportError;

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

/// What follows a piece.
#[derive(Clone, Copy, Debug)]
enum Behind {
    /// More of the document.
    More,
    /// The end.
    Nothing,
    /// So much that the token which starts the piece has no end in sight.
    TooMuch,
}

/// Reads a document to its end.
pub(super) struct Lexer<'a> {
    builder: Builder<'a>,
    /// How much of the current piece was understood.
    done: usize,
    /// Bytes that were looked at more than once, since they were no tag after all.
    again: u64,
    /// Plain markup is taken in by hand.
    by_hand: bool,
}

impl<'a> Lexer<'a> {
    /// With `by_hand` off quick-xml does all the work; that is for a test to compare.
    pub(super) fn new(builder: Builder<'a>, by_hand: bool) -> Self {
        Self { builder, done: 0, again: 0, by_hand }
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
            let behind = match (source.is_last(), more) {
                (true, _) => Behind::Nothing,
                (false, true) => Behind::More,
                (false, false) => Behind::TooMuch,
            };
            self.done = 0;
            self.piece(source.piece(), behind, source.offset())
                .map_err(|error| error.at(source.offset() + self.done as u64))?;
            unfinished = self.done == 0 && !source.is_last();
            source.parsed(self.done);
        }
    }

    /// Looks at one piece, up to a token that goes on behind it.
    fn piece(&mut self, piece: &[u8], behind: Behind, offset: u64) -> Result<(), ReportError> {
        loop {
            let rest = self.plain(piece.get(self.done..).unwrap_or_default())?;
            self.done = piece.len() - rest.len();
            if rest.is_empty() {
                return Ok(());
            }
            if rest.starts_with(BYTE_ORDER_MARK) {
                // A new reader takes it for the mark at the start of a document. Elsewhere it is a character of the text
                // that goes on behind it.
                let mut end = BYTE_ORDER_MARK.len();
                if offset + self.done as u64 > 0 {
                    let text = rest.get(..end_of_text(rest)).unwrap_or_default();
                    self.builder.text(&String::from_utf8_lossy(text))?;
                    end = text.len();
                }
                self.done += end;
                continue;
            }
            match self.stretch(piece, behind)? {
                Some(Step::Text) => {
                    self.builder.literal("<")?;
                    self.done += 1;
                    self.again += rest.len() as u64;
                    // Looking again at what ends far behind must not become a way to make us busy.
                    if self.again > MAX_AGAIN + 8 * (offset + self.done as u64) {
                        return Err(ReportError::malformed_xml("too much that looks like a tag and is none"));
                    }
                }
                Some(_) => {}
                None => return Ok(()),
            }
        }
    }

    /// Lets quick-xml run until something is not as it should be; `None` when that is as far as the piece
    /// goes.
    fn stretch(&mut self, piece: &[u8], behind: Behind) -> Result<Option<Step>, ReportError> {
        let mut reader = Reader::from_reader(piece.get(self.done..).unwrap_or_default());
        let config = reader.config_mut();
        config.allow_dangling_amp = true;
        config.allow_unmatched_ends = true;
        config.check_end_names = false;
        loop {
            let event = reader.read_event();
            let builder = &mut self.builder;
            let is_text = matches!(event, Ok(Event::Text(_)));
            let step = match event {
                Ok(Event::Start(tag)) => builder.start(&tag, false)?,
                Ok(Event::End(tag)) => builder.end(tag.name().into_inner())?,
                Ok(Event::Empty(tag)) => builder.start(&tag, true)?,
                Ok(Event::Eof) => Step::Tag,
                Ok(Event::DocType(_)) => return Err(ReportError::Dtd { offset: 0 }),
                Ok(other) => self.inside(other).map(|()| Step::Tag)?,
                Err(error) => return self.unreadable(piece, behind, &error),
            };
            match step {
                Step::Tag => {}
                Step::Text => return Ok(Some(Step::Text)),
                Step::Short(bytes) => {
                    self.done += bytes;
                    return Ok(Some(step));
                }
            }
            // Behind a text quick-xml has seen what comes next, which then must not be taken from it.
            if !is_text {
                *reader.get_mut() = self.plain(reader.get_ref())?;
            }
            // Not quick-xml's own position, which does not know of what is left out here.
            self.done = piece.len() - reader.get_ref().len();
            if self.done == piece.len() {
                return Ok(None);
            }
        }
    }

    /// What is not a tag.
    fn inside(&mut self, event: Event<'_>) -> Result<(), ReportError> {
        match event {
            Event::Text(text) => self.builder.text(&text),
            Event::CData(text) => self.builder.text(&text),
            Event::GeneralRef(reference) => self.builder.reference(&reference),
            Event::Comment(text) => self.builder.passed_over(text.len()),
            other => self.builder.passed_over(other.len()),
        }
    }

    /// Decides about what quick-xml could not read; it starts with a `<`.
    fn unreadable(
        &mut self,
        piece: &[u8],
        behind: Behind,
        error: &Error,
    ) -> Result<Option<Step>, ReportError> {
        let rest = piece.get(self.done..).unwrap_or_default();
        let builder = &mut self.builder;
        if rest.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(b"<!d")) {
            return Err(ReportError::Dtd { offset: 0 });
        }
        if !matches!(error, Error::Syntax(_)) {
            return Err(ReportError::malformed_xml(error.to_string()));
        }
        let too_long = match behind {
            Behind::More => return Ok(None),
            // That was another token.
            Behind::TooMuch if self.done > 0 => return Ok(None),
            Behind::Nothing => rest.len() > builder.limits().text_bytes,
            Behind::TooMuch => true,
        };
        let is_tag = !matches!(rest, [_, b'!' | b'?', ..]);
        if is_tag && memchr::memchr2(b'>', b'<', rest.get(1..).unwrap_or_default()).is_some() {
            builder.warn("markup_in_value");
            return Ok(Some(Step::Text));
        }
        if let ([_, b'?', ..], Some(end)) = (rest, memchr::memchr(b'>', rest)) {
            // A declaration or instruction that ends like a tag.
            builder.warn("broken_declaration");
            builder.passed_over(end + 1)?;
            self.done += end + 1;
            return Ok(Some(Step::Short(end + 1)));
        }
        if too_long {
            return Err(builder.text_limit());
        }
        if !is_tag {
            return Err(ReportError::malformed_xml(error.to_string()));
        }
        builder.cut_off(rest)?;
        self.done = piece.len();
        Ok(None)
    }

    /// Takes in plain markup for as long as there is nothing else; gives what is left.
    fn plain<'p>(&mut self, piece: &'p [u8]) -> Result<&'p [u8], ReportError> {
        let builder = &mut self.builder;
        let mut rest = piece;
        while self.by_hand && builder.is_in_section() {
            let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).count();
            builder.passed_over(blanks)?;
            rest = rest.get(blanks..).unwrap_or_default();
            let [b'<', tag @ ..] = rest else { break };
            if let [b'/', name @ ..] = tag {
                let Some(after) = builder.top_name().and_then(|top| end_of(name, top.as_bytes())) else {
                    break;
                };
                builder.close()?;
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
                let Some(after) = after.strip_prefix(b"</").and_then(|after| end_of(after, name)) else {
                    break;
                };
                builder.plain_value(child, text)?;
                rest = after;
            } else if child.0.is_plain() {
                builder.push(Open::known(child))?;
                rest = after;
            } else {
                break;
            }
        }
        Ok(rest)
    }
}

/// How long the text is that something starts with, or its first part that ends in a `>`.
fn end_of_text(text: &[u8]) -> usize {
    memchr::memchr3(b'<', b'&', b'>', text)
        .map_or(text.len(), |at| if text.get(at) == Some(&b'>') { at + 1 } else { at })
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
