//! Failure reports (RFC 5965, RFC 6591, RFC 9991): which parts make one, also when they say it badly.

use std::io::{self, BufRead};

use super::headers::{Mime, Place, read_block};
use super::peek::read_capped;
use super::walk::Walk;
use super::{Content, Found};
use crate::failure::{Fields, Parts};

/// The pieces of a failure report that one multipart has shown so far.
#[derive(Debug)]
pub(super) struct Arf {
    /// The multipart says that it is a feedback report.
    declared: bool,
    feedback: Option<Vec<u8>>,
    headers: Option<Vec<u8>>,
    /// Where the feedback, or the text in its place, was.
    path: Vec<String>,
    /// The header block of the part the walk is at.
    pub(super) part_headers: Vec<u8>,
    text: Option<Vec<u8>>,
}

impl Arf {
    pub(super) fn new(declared: bool) -> Self {
        Self {
            declared,
            feedback: None,
            headers: None,
            path: Vec::new(),
            part_headers: Vec::new(),
            text: None,
        }
    }

    /// Notes the headers of a message that was walked before it was clear that a feedback part would follow.
    pub(super) fn passed_message(&mut self, headers: Vec<u8>) {
        if !headers.is_empty() {
            self.headers.get_or_insert(headers);
        }
    }

    pub(super) fn has_feedback(&self) -> bool {
        self.feedback.is_some()
    }

    /// Whether a message that comes now is the reported one. It is somebody's mail: only its header block is read, and
    /// no report is looked for in it.
    pub(super) fn expects_message(&self) -> bool {
        self.declared || self.feedback.is_some()
    }
}

impl Walk<'_> {
    /// A part that is known to belong to a failure report.
    pub(super) fn arf_part(&mut self, mime: &Mime, body: &mut dyn BufRead, arf: &mut Arf) -> io::Result<()> {
        if is_feedback(mime) { self.feedback(body, Some(arf)) } else { self.reported_message(body, arf) }
    }

    /// Keeps the fields of a feedback part.
    pub(super) fn feedback(&mut self, body: &mut dyn BufRead, arf: Option<&mut Arf>) -> io::Result<()> {
        let mut fields = read_capped(body, self.limits.feedback_bytes)?;
        let mut alone = Arf::new(false);
        let inside_multipart = arf.is_some();
        let arf = arf.unwrap_or(&mut alone);
        if Fields::new(&fields).next().is_none() {
            // Without a blank line before them the fields are among the part's own.
            fields.clone_from(&arf.part_headers);
        }
        if arf.feedback.is_some() {
            self.report_failure(arf);
        }
        arf.feedback = Some(fields);
        arf.path.clone_from(&self.path);
        if !inside_multipart {
            self.report_failure(arf);
        }
        Ok(())
    }

    /// Keeps the header block of the reported message, and nothing else of it.
    pub(super) fn reported_message(&mut self, body: &mut dyn BufRead, arf: &mut Arf) -> io::Result<()> {
        let block = read_block(body, Place::Message, self.limits.header_bytes, true)?;
        if !block.bytes.is_empty() {
            arf.headers.get_or_insert(block.bytes);
        }
        Ok(())
    }

    /// Keeps the text of a report that has no feedback part.
    pub(super) fn text_failure(&mut self, body: &mut dyn BufRead, arf: Option<&mut Arf>) -> io::Result<()> {
        if let Some(arf) = arf.filter(|arf| arf.text.is_none()) {
            arf.text = Some(read_capped(body, self.limits.feedback_bytes)?);
            if arf.feedback.is_none() {
                arf.path.clone_from(&self.path);
            }
        }
        Ok(())
    }

    /// Tells of the failure report that the pieces make, if they make one, and forgets them.
    pub(super) fn report_failure(&mut self, arf: &mut Arf) {
        if arf.feedback.is_none() && arf.text.is_none() {
            return;
        }
        let parts = Parts {
            feedback: arf.feedback.take(),
            headers: arf.headers.take(),
            text: arf.text.take(),
            outer_headers: self.outer_headers.clone(),
        };
        let headers = parts.outer_headers.as_slice();
        self.tell_at(Found { path: &arf.path, headers, content: Content::Failure(&parts) });
    }
}

/// `message/feedback-report`, however it is spelt.
pub(super) fn is_feedback(mime: &Mime) -> bool {
    mime.kind != "multipart" && is_report_type(&mime.subtype)
}

/// `feedback-report`, as a subtype or as the `report-type` of a multipart/report.
pub(super) fn is_report_type(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    plain.starts_with("feedbackreport") || plain == "xfeedbackreport" || plain == "arf"
}

/// A part that holds a message to be walked.
pub(super) fn is_message(mime: &Mime) -> bool {
    mime.kind == "message" && {
        let plain = plain_subtype(mime);
        matches!(plain.as_str(), "rfc822" | "global" | "news" | "xrfc822" | "rfc2822")
    }
}

/// A part that holds the reported message, or its header block only: `message/rfc822`, `text/rfc822-headers` and all
/// their misspellings.
pub(super) fn is_reported_message(mime: &Mime) -> bool {
    matches!(mime.kind.as_str(), "message" | "text") && {
        let plain = plain_subtype(mime);
        plain.starts_with("rfc822")
            || plain.starts_with("xrfc822")
            || plain.starts_with("rfc2822")
            || plain.starts_with("global")
    }
}

fn plain_subtype(mime: &Mime) -> String {
    mime.subtype.chars().filter(char::is_ascii_alphanumeric).collect()
}
