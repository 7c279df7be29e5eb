use std::io::{self, BufRead};

use super::arf::{self, Arf};
use super::boundary::Multipart;
use super::budget::Budget;
use super::content::Hint;
use super::headers::{Mime, Place, read_block};
use super::mac::MacLines;
use super::peek::Peeked;
use super::sniff::{self, HEAD, Kind, guess_boundary};
use super::transfer::{Base64, Encoding, QuotedPrintable};
use super::{Content, Found, Limits, MailError};

/// See [`super::walk`].
pub(super) fn message(
    message: &mut dyn BufRead,
    limits: &Limits,
    found: &mut dyn FnMut(Found<'_>),
) -> Result<(), MailError> {
    let budget = Budget::new(limits);
    let mut walk = Walk::new(limits, &budget, found);
    MacLines::new(message).and_then(|mut message| walk.message(&mut message, "", Level::default()))?;
    Ok(())
}

/// See [`super::open`].
pub(super) fn file(
    file: &mut dyn BufRead,
    name: &str,
    limits: &Limits,
    found: &mut dyn FnMut(Found<'_>),
) -> Result<(), MailError> {
    let budget = Budget::new(limits);
    let mut walk = Walk::new(limits, &budget, found);
    MacLines::new(file)
        .and_then(|mut file| walk.content(&mut file, &Hint::file(name), Level::default(), None))?;
    Ok(())
}

/// The state of one walk.
pub(super) struct Walk<'w> {
    pub(super) budget: &'w Budget,
    found: &'w mut dyn FnMut(Found<'_>),
    pub(super) limits: &'w Limits,
    /// The header block of the message the walk is in.
    pub(super) outer_headers: Vec<u8>,
    parts: usize,
    pub(super) path: Vec<String>,
    /// Set once the number of parts is used up.
    stopped: bool,
}

/// How deep inside the message something is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Level {
    pub(super) archive: usize,
    pub(super) message: usize,
    pub(super) mime: usize,
    /// Inside something compressed, whose packed bytes are counted already.
    pub(super) packed: bool,
}

impl<'w> Walk<'w> {
    fn new(limits: &'w Limits, budget: &'w Budget, found: &'w mut dyn FnMut(Found<'_>)) -> Self {
        Self { budget, found, limits, outer_headers: Vec::new(), parts: 0, path: Vec::new(), stopped: false }
    }

    /// Walks a message; gives its header block, which the failure report around it may want.
    pub(super) fn message(
        &mut self,
        input: &mut dyn BufRead,
        section: &str,
        at: Level,
    ) -> io::Result<Vec<u8>> {
        if at.message > self.limits.message_depth {
            self.refuse(MailError::LimitMessageDepth { limit: self.limits.message_depth });
            return Ok(Vec::new());
        }
        let block = match read_block(input, Place::Message, self.limits.header_bytes, false) {
            Ok(block) => block,
            Err(error) => return self.own_fault(error).map(|()| Vec::new()),
        };
        let outside = std::mem::replace(&mut self.outer_headers, block.bytes);
        let mime = Mime::parse(&self.outer_headers);
        let mut body = Peeked::new(block.rest, input);
        let mut arf = Arf::new(false);
        let outcome = self.entity(&mime, &mut body, section, at, &mut arf);
        if outcome.is_ok() {
            self.report_failure(&mut arf);
        }
        let headers = std::mem::replace(&mut self.outer_headers, outside);
        outcome.map(|()| headers)
    }

    /// Tells of a candidate, at the current path.
    pub(super) fn tell<'a>(&'a mut self, content: Content<'a>) {
        (self.found)(Found { path: &self.path, headers: &self.outer_headers, content });
    }

    /// Tells of what was met at another path.
    pub(super) fn tell_at(&mut self, found: Found<'_>) {
        (self.found)(found);
    }

    pub(super) fn refuse(&mut self, error: MailError) {
        self.tell(Content::Refused(error));
    }

    /// Tells of an error that the content is to blame for; any other ends the walk.
    pub(super) fn own_fault(&mut self, error: io::Error) -> io::Result<()> {
        match MailError::from(error) {
            MailError::Io { source } => Err(source),
            own => {
                self.refuse(own);
                Ok(())
            }
        }
    }

    /// Counts a part; false when there have been too many.
    pub(super) fn count_part(&mut self) -> bool {
        if self.stopped {
            return false;
        }
        self.parts += 1;
        if self.parts > self.limits.parts {
            self.stopped = true;
            self.refuse(MailError::LimitParts { limit: self.limits.parts });
        }
        !self.stopped
    }

    /// A body with what its header fields say: the message's or a part's.
    pub(super) fn entity(
        &mut self,
        mime: &Mime,
        body: &mut dyn BufRead,
        section: &str,
        at: Level,
        arf: &mut Arf,
    ) -> io::Result<()> {
        let mut body = Peeked::read(HEAD, body)?;
        let encoding = sniff::encoding_of(body.head(), mime);
        if mime.kind == "multipart" {
            return self.multipart(mime, encoding, body, section, at, arf);
        }
        match encoding {
            Encoding::Base64 => self.decoded(mime, &mut Base64::new(&mut body), section, at, arf),
            Encoding::Identity => self.decoded(mime, &mut body, section, at, arf),
            Encoding::QuotedPrintable => {
                self.decoded(mime, &mut QuotedPrintable::new(&mut body), section, at, arf)
            }
        }
    }

    /// A body without its transfer encoding.
    fn decoded(
        &mut self,
        mime: &Mime,
        body: &mut dyn BufRead,
        section: &str,
        at: Level,
        arf: &mut Arf,
    ) -> io::Result<()> {
        let depth = self.path.len();
        if arf::is_feedback(mime) || (arf.expects_message() && arf::is_reported_message(mime)) {
            self.enter(mime, section);
            let outcome = self.arf_part(mime, body, arf);
            self.path.truncate(depth);
            return outcome;
        }
        if arf::is_message(mime) {
            let mut body = Peeked::read(HEAD, body)?;
            // An attachment that only claims to be a message is looked at like any other.
            if Kind::may_be_message(body.head()) {
                let at = Level { message: at.message + 1, ..at };
                let headers = self.message(&mut body, section, at)?;
                arf.passed_message(headers);
                return Ok(());
            }
            return self.leaf(mime, &mut body, section, at, arf);
        }
        self.leaf(mime, body, section, at, arf)
    }

    fn leaf(
        &mut self,
        mime: &Mime,
        body: &mut dyn BufRead,
        section: &str,
        at: Level,
        arf: &mut Arf,
    ) -> io::Result<()> {
        let depth = self.path.len();
        self.enter(mime, section);
        let outcome = self.content(body, &Hint::part(mime), at, Some(arf));
        self.path.truncate(depth);
        outcome
    }

    /// Appends a part's number and name to the path.
    fn enter(&mut self, mime: &Mime, section: &str) {
        self.path.push(if section.is_empty() { "1" } else { section }.to_owned());
        self.path.extend(mime.name.clone());
    }

    fn multipart(
        &mut self,
        mime: &Mime,
        encoding: Encoding,
        mut body: Peeked<'_>,
        section: &str,
        at: Level,
        arf: &mut Arf,
    ) -> io::Result<()> {
        let declared = mime.boundary.as_deref().map(str::as_bytes);
        let seen = declared.is_some_and(|boundary| has_delimiter(body.head(), boundary));
        if !seen && mime.encoding != Encoding::Identity {
            // RFC 2045 section 6.4 forbids to encode a multipart; it happens to forwarded ones.
            let plain = Mime { encoding: Encoding::Identity, ..mime.clone() };
            if encoding == Encoding::QuotedPrintable {
                return self.entity(&plain, &mut QuotedPrintable::new(&mut body), section, at, arf);
            }
            if sniff::is_base64(body.head()) {
                return self.entity(&plain, &mut Base64::new(&mut body), section, at, arf);
            }
        }
        let guessed = if seen { None } else { guess_boundary(body.head()).map(<[u8]>::to_vec) };
        let Some(boundary) = guessed.or_else(|| declared.map(<[u8]>::to_vec)) else {
            let plain = Mime { name: mime.name.clone(), ..Mime::default() };
            return self.leaf(&plain, &mut body, section, at, arf);
        };
        self.parts(mime, &mut body, &boundary, section, at)
    }

    /// Walks the parts of a multipart body.
    pub(super) fn parts(
        &mut self,
        mime: &Mime,
        body: &mut dyn BufRead,
        boundary: &[u8],
        section: &str,
        at: Level,
    ) -> io::Result<()> {
        let at = Level { mime: at.mime + 1, ..at };
        if at.mime > self.limits.mime_depth {
            self.refuse(MailError::LimitMimeDepth { limit: self.limits.mime_depth });
            return Ok(());
        }
        let digest = mime.subtype == "digest";
        let mut arf = Arf::new(mime.report_type.as_deref().is_some_and(arf::is_report_type));
        let mut parts = Multipart::new(body, boundary);
        let mut number = 0_usize;
        while parts.next_part()? {
            if !self.count_part() {
                break;
            }
            number += 1;
            let section = if section.is_empty() { number.to_string() } else { format!("{section}.{number}") };
            let block = match read_block(&mut parts, Place::Part, self.limits.header_bytes, false) {
                Ok(block) => block,
                Err(error) => {
                    self.own_fault(error)?;
                    continue;
                }
            };
            let mut mime = Mime::parse(&block.bytes);
            if digest && mime.kind.is_empty() {
                // RFC 2046 section 5.1.5.
                mime.kind = "message".to_owned();
                mime.subtype = "rfc822".to_owned();
            }
            arf.part_headers = block.bytes;
            let mut body = Peeked::new(block.rest, &mut parts);
            self.entity(&mime, &mut body, &section, at, &mut arf)?;
        }
        self.report_failure(&mut arf);
        Ok(())
    }
}

/// Whether a delimiter of this boundary is among the bytes.
fn has_delimiter(head: &[u8], boundary: &[u8]) -> bool {
    memchr::memmem::find_iter(head, boundary.trim_ascii_end())
        .any(|at| head[..at].ends_with(b"\n--") || (at == 2 && head.starts_with(b"--")))
}
