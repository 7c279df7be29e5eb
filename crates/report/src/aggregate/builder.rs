//! Makes a report of tags and text.
//!
//! Here is the plain way of a well-formed report; what is out of the ordinary goes to [`super::repair`].

use quick_xml::events::BytesStart;

use super::{
    element::Node,
    hash::ContentHash,
    lexer::Step,
    model::{Aggregate, Format, Policy},
    namespaces::Namespaces,
    record::{Record, Span},
};
use crate::{Limits, ReportError, warning::Warnings};

/// A report under construction.
pub(super) struct Builder<'a> {
    pub(super) limits: &'a Limits,
    pub(super) each: &'a mut dyn FnMut(&Record),
    pub(super) warnings: Warnings,
    /// The elements that are open, the root first.
    pub(super) open: Vec<Open>,
    /// The names of those that are unknown.
    pub(super) unknown_names: String,
    /// Text since the last tag, in bytes.
    pub(super) run: usize,
    /// There was a warning about it.
    pub(super) stray_told: bool,
    pub(super) record: Record,
    /// The text of all values of the open record, or of the one open value outside of records. It becomes the
    /// record's text in one piece at its end, so that it is checked to be UTF-8 once and not value by value.
    pub(super) arena: Vec<u8>,
    /// Where in it the open value starts.
    pub(super) value_start: usize,
    /// The open reason, DKIM result or SPF result.
    pub(super) entry: [Span; 4],
    /// How many record elements there were, usable or not.
    pub(super) seen: u64,
    /// Bytes of values outside of the records.
    pub(super) outside: usize,
    /// The root element has ended.
    pub(super) complete: bool,
    pub(super) namespaces: Namespaces,
    pub(super) report: Aggregate,
    pub(super) hash: ContentHash,
}

/// An element that is open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    pub(super) node: Node,
    /// Its name if it is a known one.
    pub(super) name: &'static str,
    /// Its name in [`Builder::unknown_names`] if it is not.
    pub(super) unknown: Span,
}

impl Open {
    pub(super) fn known((node, name): (Node, &'static str)) -> Self {
        Self { node, name, unknown: Span::NONE }
    }
}

impl<'a> Builder<'a> {
    pub(super) fn new(limits: &'a Limits, each: &'a mut dyn FnMut(&Record)) -> Self {
        Self {
            limits,
            each,
            warnings: Warnings::new(limits.warnings),
            open: Vec::with_capacity(limits.depth.min(64)),
            unknown_names: String::new(),
            run: 0,
            stray_told: false,
            record: Record::new(),
            arena: Vec::with_capacity(1024),
            value_start: 0,
            entry: [Span::NONE; 4],
            seen: 0,
            outside: 0,
            complete: false,
            namespaces: Namespaces::default(),
            report: Aggregate {
                format: Format::Rfc7489,
                namespace: None,
                version: None,
                org_name: None,
                email: None,
                extra_contact_info: None,
                report_id: None,
                begin: None,
                end: None,
                errors: Vec::new(),
                generator: None,
                policy: Policy::default(),
                extensions: Vec::new(),
                warnings: Vec::new(),
                records: 0,
                messages: 0,
                content_hash: 0,
                half_folded_hash: 0,
                folded_hash: 0,
            },
            hash: ContentHash::default(),
        }
    }

    /// A start tag, or an empty element.
    #[inline]
    pub(super) fn start(&mut self, tag: &BytesStart<'_>, empty: bool) -> Result<Step, ReportError> {
        let name = tag.name().into_inner();
        // The usual tag is a known name and nothing else.
        let open = match self.top().child(name.as_bytes()) {
            Some(child)
                if name.len() == tag.len() && child.0.is_plain() && !self.namespaces.is_default_foreign() =>
            {
                Open::known(child)
            }
            child => match self.unusual_start(tag, child)? {
                Some(open) => open,
                None => return Ok(Step::Text),
            },
        };
        if open.node != Node::Document {
            self.push(open)?;
            if empty {
                self.close()?;
            }
        }
        Ok(Step::Tag)
    }

    /// An end tag; `name` is all that stands between `</` and `>`.
    #[inline]
    pub(super) fn end(&mut self, name: &str) -> Result<Step, ReportError> {
        match self.open.last() {
            Some(open) if open.name == name && open.node != Node::Unknown => {
                self.close()?;
                Ok(Step::Tag)
            }
            _ => self.unusual_end(name),
        }
    }

    /// Text between tags, or a part of it that ends in a `>` or at a reference.
    #[inline]
    pub(super) fn text(&mut self, text: &str) -> Result<(), ReportError> {
        if text.starts_with('&') {
            self.warn_value("bare_ampersand");
        }
        self.place(text)
    }

    /// A value with its tags, when there is nothing special about it.
    #[inline]
    pub(super) fn plain_value(
        &mut self,
        child: (Node, &'static str),
        text: &[u8],
    ) -> Result<(), ReportError> {
        self.push(Open::known(child))?;
        self.passed_over(text.len())?;
        self.append(text)?;
        self.close()
    }

    /// A `<` that belongs to a text.
    pub(super) fn literal(&mut self, text: &str) -> Result<(), ReportError> {
        self.passed_over(text.len())?;
        match self.top() {
            Node::Value(_) => self.append(text.as_bytes()),
            _ => Ok(()),
        }
    }

    /// An entity reference: one of the five predefined ones or a character's number. There is no DTD, so
    /// there are no others; they stay as they are.
    pub(super) fn reference(&mut self, name: &str) -> Result<(), ReportError> {
        let character = match name {
            "lt" => Some('<'),
            "gt" => Some('>'),
            "amp" => Some('&'),
            "apos" => Some('\''),
            "quot" => Some('"'),
            _ => match name.strip_prefix('#') {
                Some(number) => match number.strip_prefix(['x', 'X']) {
                    Some(number) => u32::from_str_radix(number, 16).ok(),
                    None => number.parse().ok(),
                }
                .and_then(char::from_u32)
                .filter(|&character| character != '\0'),
                None => None,
            },
        };
        if let Some(character) = character {
            return self.place(character.encode_utf8(&mut [0; 4]));
        }
        // "&a>b;" is no reference at all, and may come as text in parts.
        self.warn_value(if name.contains('>') { "bare_ampersand" } else { "unknown_entity" });
        self.place(&format!("&{name};"))
    }

    /// Counts text that may be of no interest.
    #[inline]
    pub(super) fn passed_over(&mut self, bytes: usize) -> Result<(), ReportError> {
        self.run += bytes;
        if self.run > self.limits.text_bytes { Err(self.text_limit()) } else { Ok(()) }
    }

    #[inline]
    pub(super) fn push(&mut self, open: Open) -> Result<(), ReportError> {
        self.run = 0;
        self.stray_told = false;
        if self.open.len() >= self.limits.depth {
            return Err(ReportError::LimitDepth { limit: self.limits.depth });
        }
        self.open.push(open);
        match open.node {
            Node::Value(_) => self.value_start = self.arena.len(),
            Node::Record => {
                self.seen += 1;
                self.record.clear();
                self.arena.clear();
            }
            Node::Reason | Node::Dkim | Node::Spf => self.entry = [Span::NONE; 4],
            _ => {}
        }
        Ok(())
    }

    /// Ends the innermost element.
    #[inline]
    pub(super) fn close(&mut self) -> Result<(), ReportError> {
        self.run = 0;
        self.stray_told = false;
        let Some(open) = self.open.last() else { return Ok(()) };
        match open.node {
            Node::Value(field) => self.take(field)?,
            Node::Record => self.finish_record()?,
            Node::Reason => self.finish_reason(),
            Node::Dkim => self.finish_dkim_result(),
            Node::Spf => self.finish_spf_result(),
            Node::Feedback => self.complete = true,
            Node::Unknown => self.unknown_names.truncate(open.unknown.range().start),
            _ => {}
        }
        self.open.pop();
        self.namespaces.leave(self.open.len());
        Ok(())
    }

    pub(super) fn warn(&mut self, code: &'static str) {
        let Self { warnings, open, seen, .. } = self;
        warnings.add(code, || path(open, *seen));
    }

    /// A warning about an element in the current one.
    pub(super) fn warn_in(&mut self, code: &'static str, child: &str) {
        let Self { warnings, open, seen, .. } = self;
        warnings.add(code, || match path(open, *seen).as_str() {
            "" => child.to_owned(),
            path => format!("{path}/{child}"),
        });
    }

    pub(super) fn text_limit(&self) -> ReportError {
        if self.open.is_empty() && !self.complete {
            return ReportError::not_a_report("there is no XML element near its start");
        }
        ReportError::LimitTextBytes { limit: self.limits.text_bytes }
    }

    pub(super) fn limits(&self) -> &Limits {
        self.limits
    }

    /// The innermost element.
    #[inline]
    pub(super) fn top(&self) -> Node {
        self.open.last().map_or(Node::Document, |open| open.node)
    }

    /// The innermost element's name, if it is a known one.
    #[inline]
    pub(super) fn top_name(&self) -> Option<&'static str> {
        self.open.last().map(|open| open.name)
    }

    /// Whether there is nothing but elements in the innermost element, and those without a prefix are the report's own.
    #[inline]
    pub(super) fn is_in_section(&self) -> bool {
        !self.namespaces.is_default_foreign() && self.holds_elements()
    }

    /// Whether there is nothing but elements in the innermost element.
    #[inline]
    fn holds_elements(&self) -> bool {
        match self.top() {
            Node::Document | Node::Value(_) | Node::Extension | Node::Unknown => false,
            // Its text may have begun.
            Node::Reason => self.entry[2].is_none(),
            _ => true,
        }
    }

    /// Puts text where it belongs.
    fn place(&mut self, text: &str) -> Result<(), ReportError> {
        self.passed_over(text.len())?;
        match self.top() {
            Node::Value(_) => self.append(text.as_bytes()),
            Node::Unknown => Ok(()),
            top if text.bytes().all(|byte| byte <= b' ')
                && (top != Node::Reason || self.holds_elements()) =>
            {
                Ok(())
            }
            // A text may come in parts, each up to a ">", so they are looked at in parts in any case.
            _ => text.split_inclusive('>').try_for_each(|part| self.stray_text(part)),
        }
    }

    /// A warning, if we are in a value, of which something is lost or unclear then.
    fn warn_value(&mut self, code: &'static str) {
        if let Node::Value(_) = self.top() {
            self.warn(code);
        }
    }

    pub(super) fn append(&mut self, text: &[u8]) -> Result<(), ReportError> {
        if self.arena.len() + text.len() > self.limits.record_bytes {
            return Err(ReportError::LimitRecordBytes { limit: self.limits.record_bytes });
        }
        self.arena.extend_from_slice(text);
        Ok(())
    }
}

/// Where we are, for a warning: `record[3]/row/count`.
fn path(open: &[Open], seen: u64) -> String {
    let mut path = String::new();
    for open in open.iter().filter(|open| open.node != Node::Feedback) {
        if !path.is_empty() {
            path.push('/');
        }
        match open.node {
            Node::Record => path.push_str(&format!("record[{seen}]")),
            Node::Unknown => path.push('*'),
            _ => path.push_str(open.name),
        }
    }
    path
}
