//! One record, kept in a buffer that is used again for the next.

use std::net::{IpAddr, Ipv6Addr};
use std::ops::Range;

use serde::ser::{Serialize, SerializeSeq, SerializeStruct, Serializer};

/// One `record`: a source address with a count and what was concluded about its messages.
///
/// All text lives in one buffer which the parser uses again, so a record can only be looked at while it is
/// shown.
#[derive(Debug)]
pub struct Record {
    text: String,
    address: IpAddr,
    count: u64,
    pub(super) fields: Fields,
    pub(super) reasons: Vec<[Span; 2]>,
    pub(super) dkim_results: Vec<[Span; 4]>,
    pub(super) spf_results: Vec<[Span; 4]>,
}

impl Record {
    pub(super) fn new() -> Self {
        Self {
            text: String::new(),
            address: IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            count: 0,
            fields: Fields::default(),
            reasons: Vec::with_capacity(4),
            dkim_results: Vec::with_capacity(4),
            spf_results: Vec::with_capacity(2),
        }
    }

    pub(super) fn clear(&mut self) {
        self.fields = Fields::default();
        self.reasons.clear();
        self.dkim_results.clear();
        self.spf_results.clear();
    }

    pub(super) fn settle(&mut self, address: IpAddr, count: u64) {
        self.address = address;
        self.count = count;
    }

    /// Takes the text that all spans are places in, or gives it back for the next record.
    pub(super) fn swap_text(&mut self, text: String) -> String {
        std::mem::replace(&mut self.text, text)
    }

    /// Takes a name away, wherever it stands.
    pub(super) fn forget(&mut self, gone: Span) {
        let fields = &mut self.fields;
        let single = [&mut fields.header_from, &mut fields.envelope_from, &mut fields.envelope_to];
        let listed = self.dkim_results.as_flattened_mut().iter_mut();
        let listed = listed.chain(self.spf_results.as_flattened_mut());
        single.into_iter().chain(listed).filter(|span| **span == gone).for_each(|span| *span = Span::NONE);
    }

    /// All its text; values that count as none may be in it.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn get(&self, span: Span) -> Option<&str> {
        self.text.get(span.range())
    }

    /// `row/source_ip`; an IPv4 address mapped into IPv6 is given as IPv4.
    pub fn source_ip(&self) -> IpAddr {
        self.address
    }

    /// `row/source_ip` in the reporter's words.
    pub fn source_ip_text(&self) -> &str {
        self.get(self.fields.source_ip).unwrap_or_default()
    }

    /// `row/count`.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// `row/policy_evaluated/disposition`: what was done.
    pub fn disposition(&self) -> Option<&str> {
        self.get(self.fields.disposition)
    }

    /// `row/policy_evaluated/dkim`: `pass` when DKIM passed and was aligned.
    pub fn dkim(&self) -> Option<&str> {
        self.get(self.fields.dkim)
    }

    /// `row/policy_evaluated/spf`: `pass` when SPF passed and was aligned.
    pub fn spf(&self) -> Option<&str> {
        self.get(self.fields.spf)
    }

    /// `identifiers/header_from`.
    pub fn header_from(&self) -> Option<&str> {
        self.get(self.fields.header_from)
    }

    /// `identifiers/envelope_from`.
    pub fn envelope_from(&self) -> Option<&str> {
        self.get(self.fields.envelope_from)
    }

    /// `identifiers/envelope_to`.
    pub fn envelope_to(&self) -> Option<&str> {
        self.get(self.fields.envelope_to)
    }

    /// `row/policy_evaluated/reason`.
    pub fn reasons(&self) -> impl ExactSizeIterator<Item = Reason<'_>> {
        self.reasons
            .iter()
            .map(|&[kind, comment]| Reason { kind: self.get(kind), comment: self.get(comment) })
    }

    /// `auth_results/dkim`.
    pub fn dkim_results(&self) -> impl ExactSizeIterator<Item = DkimResult<'_>> {
        self.dkim_results.iter().map(|&[domain, selector, result, human_result]| DkimResult {
            domain: self.get(domain),
            selector: self.get(selector),
            result: self.get(result),
            human_result: self.get(human_result),
        })
    }

    /// `auth_results/spf`.
    pub fn spf_results(&self) -> impl ExactSizeIterator<Item = SpfResult<'_>> {
        self.spf_results.iter().map(|&[domain, scope, result, human_result]| SpfResult {
            domain: self.get(domain),
            scope: self.get(scope),
            result: self.get(result),
            human_result: self.get(human_result),
        })
    }
}

/// Why the published policy was not what was applied.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Serialize)]
pub struct Reason<'a> {
    /// `type`.
    #[serde(rename = "type")]
    pub kind: Option<&'a str>,
    /// `comment`.
    pub comment: Option<&'a str>,
}

/// What became of one DKIM signature.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Serialize)]
pub struct DkimResult<'a> {
    /// The signing domain.
    pub domain: Option<&'a str>,
    /// The selector.
    pub selector: Option<&'a str>,
    /// The result.
    pub result: Option<&'a str>,
    /// Words for people.
    pub human_result: Option<&'a str>,
}

/// What SPF said.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Serialize)]
pub struct SpfResult<'a> {
    /// The domain that was checked.
    pub domain: Option<&'a str>,
    /// Which identity it came from: `mfrom` or `helo`.
    pub scope: Option<&'a str>,
    /// The result.
    pub result: Option<&'a str>,
    /// Words for people.
    pub human_result: Option<&'a str>,
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut record = serializer.serialize_struct("Record", 11)?;
        record.serialize_field("source_ip", self.source_ip_text())?;
        record.serialize_field("count", &self.count)?;
        record.serialize_field("disposition", &self.disposition())?;
        record.serialize_field("dkim", &self.dkim())?;
        record.serialize_field("spf", &self.spf())?;
        record.serialize_field("reasons", &Each(|| self.reasons()))?;
        record.serialize_field("header_from", &self.header_from())?;
        record.serialize_field("envelope_from", &self.envelope_from())?;
        record.serialize_field("envelope_to", &self.envelope_to())?;
        record.serialize_field("dkim_results", &Each(|| self.dkim_results()))?;
        record.serialize_field("spf_results", &Each(|| self.spf_results()))?;
        record.end()
    }
}

/// Serialises an iterator, which it asks for anew each time.
struct Each<F>(F);

impl<F: Fn() -> I, I: ExactSizeIterator<Item: Serialize>> Serialize for Each<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let items = (self.0)();
        let mut sequence = serializer.serialize_seq(Some(items.len()))?;
        for item in items {
            sequence.serialize_element(&item)?;
        }
        sequence.end()
    }
}

/// The values a record has once.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) source_ip: Span,
    pub(super) count: Span,
    pub(super) disposition: Span,
    pub(super) dkim: Span,
    pub(super) spf: Span,
    pub(super) header_from: Span,
    pub(super) envelope_from: Span,
    pub(super) envelope_to: Span,
}

/// Where in the record's text a value stands, or nowhere.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// No value; also lies outside of every text, so reading it gives `None`.
    pub(super) const NONE: Self = Self { start: u32::MAX, end: u32::MAX };

    /// An empty range is no value.
    pub(super) fn new(range: Range<usize>) -> Self {
        match (u32::try_from(range.start), u32::try_from(range.end)) {
            (Ok(start), Ok(end)) if start < end => Self { start, end },
            _ => Self::NONE,
        }
    }

    pub(super) fn is_none(self) -> bool {
        self == Self::NONE
    }

    pub(super) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl Default for Span {
    fn default() -> Self {
        Self::NONE
    }
}
