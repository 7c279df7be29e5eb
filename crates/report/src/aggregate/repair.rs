//! What is out of the ordinary: prefixes, attributes, unknown elements, and XML that is broken in ways that
//! are seen in the wild and can be put right without guessing at data.
//!
//! Two rules draw the line. A record whose end is missing makes the whole report malformed, and so does an
//! unknown element whose end is missing, since what it swallowed cannot be known: a part is never taken for
//! the whole.

use quick_xml::events::BytesStart;

use super::{
    builder::{Builder, Open},
    element::{Node, is_name, local_name, prefix},
    lexer::Step,
    model::Policy,
    namespaces::{Declared, Owner},
    record::Span,
};
use crate::ReportError;

impl Builder<'_> {
    /// A start tag that is not just a known name, or known but in need of care. `None` makes it text;
    /// [`Node::Document`] passes over it.
    #[cold]
    pub(super) fn unusual_start(
        &mut self,
        tag: &BytesStart<'_>,
        child: Option<(Node, &'static str)>,
    ) -> Result<Option<Open>, ReportError> {
        let name = tag.name().into_inner();
        // No tag has a "<" in it: "<a<b></a>" is text up to the last of them.
        if tag.contains('<') || !is_name(name) {
            return Ok(self.markup_is_text());
        }
        if tag.len() > self.limits.text_bytes {
            return Err(self.text_limit());
        }
        self.count_attributes(tag)?;
        if self.top() == Node::Unknown {
            return Ok(Some(self.unknown(name)));
        }
        let declared = Declared::of(tag);
        let open = if self.top() == Node::Document {
            self.start_own(tag, child)?
        } else {
            match self.namespaces.owner(name, &declared) {
                Owner::Report => self.start_own(tag, child)?,
                // An undeclared prefix in a value is more likely text: "<joe:smith>".
                Owner::Undeclared if matches!(self.top(), Node::Value(_)) => self.start_own(tag, child)?,
                Owner::Other if self.is_embedded_schema(name, &declared) => self.start_own(tag, child)?,
                Owner::Undeclared | Owner::Other => Some(self.start_extension(tag, &declared)),
            }
        };
        if open.is_some_and(|open| !matches!(open.node, Node::Document | Node::Unknown)) {
            let depth = self.open.len() + 1;
            if !self.namespaces.enter(declared, depth, self.limits.attributes) {
                return Err(ReportError::LimitAttributes { limit: self.limits.attributes });
            }
        }
        Ok(open)
    }

    /// The XML schema that some reporters copy into their reports, and do not always close.
    fn is_embedded_schema(&self, name: &str, declared: &Declared) -> bool {
        self.top() == Node::Feedback
            && local_name(name).eq_ignore_ascii_case("schema")
            && self.namespaces.of(prefix(name), declared) == Some(XML_SCHEMA)
    }

    /// An element of another namespace is an extension, whatever its local name and place, and is passed over with
    /// everything in it (RFC 9990 section 5).
    fn start_extension(&mut self, tag: &BytesStart<'_>, declared: &Declared) -> Open {
        match self.top() {
            Node::Feedback | Node::Extension => self.note_extension(tag, declared),
            Node::Value(_) => self.warn("markup_in_value"),
            _ => {}
        }
        self.unknown(tag.name().into_inner())
    }

    fn unknown(&mut self, name: &str) -> Open {
        let start = self.unknown_names.len();
        self.unknown_names.push_str(name);
        Open { node: Node::Unknown, name: "", unknown: Span::new(start..self.unknown_names.len()) }
    }

    /// A start tag in the report's own namespace.
    fn start_own(
        &mut self,
        tag: &BytesStart<'_>,
        child: Option<(Node, &'static str)>,
    ) -> Result<Option<Open>, ReportError> {
        let name = tag.name().into_inner();
        loop {
            let top = self.top();
            if let Some(child) = child.or_else(|| top.child_by_local_name(name)) {
                return self.known_start(tag, child).map(Some);
            }
            match top {
                Node::Document => return self.other_root(name).map(Some),
                Node::Value(_) if self.cut_broken_end()? => continue,
                Node::Extension => self.note_extension(tag, &Declared::of(tag)),
                Node::Unknown => {}
                _ => {
                    if let Some((depth, child)) = self.place_above(name) {
                        self.close_to(depth)?;
                        return self.known_start(tag, child).map(Some);
                    }
                    if matches!(top, Node::Value(_)) {
                        return Ok(self.markup_is_text());
                    }
                    if top == Node::Feedback && local_name(name).eq_ignore_ascii_case("schema") {
                        self.warn("schema_ignored");
                        return Ok(Some(PASS_OVER));
                    }
                    if local_name(name).eq_ignore_ascii_case("feedback") {
                        return Err(ReportError::malformed_xml("a feedback element in another"));
                    }
                }
            }
            return Ok(Some(self.unknown(name)));
        }
    }

    /// An end tag that is not that of the innermost element, or not to the letter.
    #[cold]
    pub(super) fn unusual_end(&mut self, tag: &str) -> Result<Step, ReportError> {
        let name =
            tag.split(|byte: char| byte.is_ascii_whitespace() || byte == '<').next().unwrap_or_default();
        let step = match memchr::memchr(b'<', tag.as_bytes()) {
            // "</email <report_id>": its ">" is missing, and the next tag starts here.
            Some(at) => {
                self.warn("broken_end_tag");
                Step::Short("</".len() + at)
            }
            None => Step::Tag,
        };
        if tag.len() > self.limits.text_bytes {
            return Err(self.text_limit());
        }
        loop {
            if self.open.last().is_some_and(|open| self.is_named(open, name)) {
                self.close()?;
                return Ok(step);
            }
            if !matches!(self.top(), Node::Value(_)) || !self.cut_broken_end()? {
                break;
            }
        }
        if let Some(depth) = self.open.iter().rposition(|open| self.is_named(open, name)) {
            self.close_to(depth + 1)?;
            self.close()?;
            return Ok(step);
        }
        match self.top() {
            Node::Value(_) if self.is_known_anywhere(name) => {
                self.warn("mismatched_end_tag");
                self.close()?;
                Ok(step)
            }
            Node::Value(_) => {
                self.warn("markup_in_value");
                Ok(Step::Text)
            }
            Node::Unknown => Ok(step),
            Node::Document if self.complete && name == "schema" => Ok(step),
            _ => {
                if !local_name(name).eq_ignore_ascii_case("schema") {
                    self.warn("stray_end_tag");
                }
                Ok(step)
            }
        }
    }

    /// Text where only elements belong.
    #[cold]
    pub(super) fn stray_text(&mut self, text: &str) -> Result<(), ReportError> {
        match self.open.last() {
            Some(open) if ends_element(text, open.name) => {
                // "/record>": the "<" got lost.
                self.warn("broken_end_tag");
                self.close()?;
            }
            Some(open) if open.node == Node::Reason => {
                let start = match self.entry[2] {
                    bare if bare.range().end == self.arena.len() => bare.range().start,
                    _ => self.arena.len(),
                };
                self.append(text.as_bytes())?;
                self.entry[2] = Span::new(start..self.arena.len());
            }
            None if self.complete => self.warnings.add_once("trailing_junk"),
            None => self.warnings.add_once("leading_junk"),
            Some(_) if text.trim().is_empty() || self.stray_told => {}
            Some(_) => {
                self.warn("stray_text");
                self.stray_told = true;
            }
        }
        Ok(())
    }

    /// A tag that the end of the document cuts off.
    pub(super) fn cut_off(&mut self, tag: &[u8]) -> Result<(), ReportError> {
        let tag = tag.trim_ascii_end();
        match (self.top(), tag) {
            // `</feedbac`: nothing but the end of the root is missing.
            (Node::Feedback, [b'<'] | [b'<', b'/', ..]) => Ok(()),
            (Node::Document, _) => {
                self.warnings.add_once(if self.complete { "trailing_junk" } else { "leading_junk" });
                Ok(())
            }
            _ => Err(ReportError::malformed_xml("cut off in a tag")),
        }
    }

    /// Whether a document may end here.
    pub(super) fn check_end(&mut self) -> Result<(), ReportError> {
        match self.open.as_slice() {
            [] if self.complete => Ok(()),
            [] => Err(ReportError::not_a_report("there is no XML element in it")),
            [_feedback] if self.seen > 0 => {
                self.warnings.add("feedback_unclosed", String::new);
                Ok(())
            }
            [_feedback] => Err(ReportError::malformed_xml("cut off before the first record")),
            [.., open] => {
                let name = if open.node == Node::Unknown { "an unknown element" } else { open.name };
                Err(ReportError::malformed_xml(format!("cut off in {name}")))
            }
        }
    }

    fn known_start(
        &mut self,
        tag: &BytesStart<'_>,
        child: (Node, &'static str),
    ) -> Result<Open, ReportError> {
        match child.0 {
            Node::Feedback => {
                if self.complete {
                    return Err(ReportError::malformed_xml("a second report behind the first"));
                }
                let declared = Declared::of(tag);
                self.report.namespace = self.namespaces.root(tag.name().into_inner(), &declared);
            }
            Node::Policy if self.report.policy != Policy::default() => {
                // The first one counts; the others are passed over whole.
                self.warn_in("repeated", child.1);
                return Ok(self.unknown(tag.name().into_inner()));
            }
            _ => {}
        }
        Ok(Open::known(child))
    }

    /// An element at the top that is no report.
    fn other_root(&mut self, name: &str) -> Result<Open, ReportError> {
        let local = local_name(name);
        if self.complete {
            self.warnings.add_once("trailing_junk");
            return Ok(self.unknown(name));
        }
        if local.eq_ignore_ascii_case("schema") {
            // Mails of ikea.com start with an "xs:schema" that never ends (parsedmarc #18).
            self.warnings.add_once("schema_ignored");
            return Ok(PASS_OVER);
        }
        if local.eq_ignore_ascii_case("xml") {
            self.warnings.add_once("broken_declaration");
            return Ok(PASS_OVER);
        }
        let name: String = name.chars().take(64).collect();
        Err(ReportError::not_a_report(format!("the root element is {name:?}")))
    }

    fn markup_is_text(&mut self) -> Option<Open> {
        // "<email><a@b></email>" (parsedmarc PR 740), "bad<xml.net"
        self.warn("markup_in_value");
        None
    }

    /// Ends a value at a broken end tag: "20250421/report_id>" (kddi.com, dmarc-report-viewer #21).
    fn cut_broken_end(&mut self) -> Result<bool, ReportError> {
        let Some(open) = self.open.last() else { return Ok(false) };
        let value = self.arena.get(self.value_start..).unwrap_or_default();
        let end = memchr::memchr_iter(b'/', value).find(|at| {
            let rest = value.get(at + 1..).unwrap_or_default();
            rest.strip_prefix(open.name.as_bytes()).is_some_and(|rest| rest.starts_with(b">"))
        });
        let Some(at) = end else { return Ok(false) };
        self.arena.truncate(self.value_start + at);
        self.warn("broken_end_tag");
        self.close()?;
        Ok(true)
    }

    /// Where above the innermost element one of that name may stand: how many elements stay open, and what it
    /// is.
    ///
    /// Out of a value every known element leads; out of a section only another section does, since a value
    /// there may well be one of somebody's own making.
    fn place_above(&self, name: &str) -> Option<(usize, (Node, &'static str))> {
        let in_value = matches!(self.top(), Node::Value(_));
        let above = self.open.iter().enumerate().rev().skip(1);
        above
            .filter_map(|(index, open)| Some((index + 1, open.node.child_by_local_name(name)?)))
            .next()
            .filter(|(_, (node, _))| in_value || node.is_section())
    }

    /// Ends elements whose end tags are missing until so many are open.
    fn close_to(&mut self, depth: usize) -> Result<(), ReportError> {
        while self.open.len() > depth {
            let in_unknown = depth.checked_sub(1).and_then(|below| self.open.get(below));
            let in_unknown = in_unknown.is_some_and(|open| open.node == Node::Unknown);
            match self.open.last() {
                Some(open) if open.node == Node::Record => {
                    return Err(ReportError::malformed_xml("a record without its end"));
                }
                Some(open) if open.node == Node::Unknown && !in_unknown => {
                    return Err(ReportError::malformed_xml("an unknown element without its end"));
                }
                _ => {}
            }
            if !in_unknown {
                self.warn("unclosed_element");
            }
            self.close()?;
        }
        Ok(())
    }

    fn is_named(&self, open: &Open, name: &str) -> bool {
        match open.node {
            Node::Unknown => self.unknown_names.get(open.unknown.range()) == Some(name),
            _ => local_name(name).eq_ignore_ascii_case(open.name),
        }
    }

    /// Whether an element of that name belongs to what is open.
    fn is_known_anywhere(&self, name: &str) -> bool {
        self.open.iter().any(|open| open.node.child_by_local_name(name).is_some())
    }

    fn count_attributes(&self, tag: &BytesStart<'_>) -> Result<(), ReportError> {
        let limit = self.limits.attributes;
        let at_most = memchr::memchr_iter(b'=', tag.attributes_raw().as_bytes()).count();
        if at_most > limit && tag.attributes().with_checks(false).take(limit + 1).count() > limit {
            return Err(ReportError::LimitAttributes { limit });
        }
        Ok(())
    }

    /// Keeps the name of a file-level extension (RFC 9990 section 5).
    fn note_extension(&mut self, tag: &BytesStart<'_>, declared: &Declared) {
        let name = tag.name().into_inner();
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        let extension = match self.namespaces.of(prefix, declared) {
            Some(namespace) if !namespace.is_empty() => format!("{{{namespace}}}{local}"),
            _ => name.to_owned(),
        };
        let cost = extension.len() + 64;
        if self.outside + cost <= self.limits.record_bytes && !self.report.extensions.contains(&extension) {
            self.outside += cost;
            self.report.extensions.push(extension);
        }
    }
}

/// Whether a text is what is left of an element's end tag.
fn ends_element(text: &str, name: &str) -> bool {
    let end = text.trim().strip_suffix('>').and_then(|text| text.strip_suffix(name));
    !name.is_empty() && end.is_some_and(|text| text.ends_with('/'))
}

const XML_SCHEMA: &str = "http://www.w3.org/2001/XMLSchema";

/// A tag to go past as if it were not there.
const PASS_OVER: Open = Open { node: Node::Document, name: "", unknown: Span::NONE };
