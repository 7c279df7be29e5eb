//! What a value says: the end of an element, and of a record.

use std::{net::IpAddr, ops::Range};

use super::{
    builder::Builder,
    element::Field,
    model::{Aggregate, Format},
    record::Span,
};
use crate::{LONGEST_RANGE, MOST_A_RECORD, MOST_A_REPORT, ReportError, number::Number};
use ruad_common::text::is_invisible;

impl Builder<'_> {
    /// Keeps the value that ends here.
    pub(super) fn take(&mut self, field: Field) -> Result<(), ReportError> {
        let span = self.value(field);
        let fields = &mut self.record.fields;
        let slot = match field {
            Field::SourceIp => &mut fields.source_ip,
            Field::Count => &mut fields.count,
            Field::Disposition => &mut fields.disposition,
            Field::EvaluatedDkim => &mut fields.dkim,
            Field::EvaluatedSpf => &mut fields.spf,
            Field::HeaderFrom => &mut fields.header_from,
            Field::EnvelopeFrom => &mut fields.envelope_from,
            Field::EnvelopeTo => &mut fields.envelope_to,
            Field::ReasonType | Field::DkimDomain | Field::SpfDomain => &mut self.entry[0],
            Field::ReasonComment | Field::DkimSelector | Field::SpfScope => &mut self.entry[1],
            Field::DkimResult | Field::SpfResult => &mut self.entry[2],
            Field::DkimHumanResult | Field::SpfHumanResult => &mut self.entry[3],
            _ => return self.take_outside(field, span),
        };
        if slot.is_none() {
            *slot = span;
        } else if !span.is_none() {
            self.warn("repeated");
        }
        Ok(())
    }

    /// Trims and tidies the value that ends here.
    fn value(&mut self, field: Field) -> Span {
        let mut range = self.trimmed(self.value_start..self.arena.len()).range();
        let kept = self.arena.get_mut(range.clone()).unwrap_or_default();
        if field.is_prose() {
            if memchr::memchr(b'\r', kept).is_some() {
                // XML 1.0 section 2.11: a line ends in a line feed, however it was written.
                let unified = String::from_utf8_lossy(kept).replace("\r\n", "\n").replace('\r', "\n");
                self.arena.truncate(range.start);
                self.arena.extend_from_slice(unified.as_bytes());
                range.end = self.arena.len();
            }
        } else if !field.known_values().is_empty()
            && kept.iter().any(u8::is_ascii_uppercase)
            && is_known(field, kept)
        {
            kept.make_ascii_lowercase();
        }
        Span::new(range)
    }

    /// A part of the arena without the white space around it.
    fn trimmed(&self, range: Range<usize>) -> Span {
        let raw = self.arena.get(range.clone()).unwrap_or_default();
        Span::new(match raw {
            // The usual value has nothing to trim; looking at two bytes tells.
            [b'!'..=b'~'] | [b'!'..=b'~', .., b'!'..=b'~'] => range,
            _ => {
                let (before, kept) = trim(raw);
                range.start + before..range.start + before + kept
            }
        })
    }

    /// Keeps a value that is not part of a record.
    fn take_outside(&mut self, field: Field, span: Span) -> Result<(), ReportError> {
        let text = self.arena.get(span.range()).unwrap_or_default();
        let text = String::from_utf8_lossy(text).into_owned();
        self.arena.truncate(self.value_start);
        if text.is_empty() {
            return Ok(());
        }
        if field == Field::PolicyDomain && text.chars().any(is_invisible) {
            self.warn("control_character");
        }
        // A value costs memory besides its bytes.
        self.outside += text.len() + 64;
        if self.outside > self.limits.record_bytes {
            return Err(ReportError::LimitRecordBytes { limit: self.limits.record_bytes });
        }
        let Aggregate { policy, .. } = &mut self.report;
        let slot = match field {
            Field::Version => &mut self.report.version,
            Field::OrgName => &mut self.report.org_name,
            Field::Email => &mut self.report.email,
            Field::ExtraContactInfo => &mut self.report.extra_contact_info,
            Field::ReportId => &mut self.report.report_id,
            Field::Generator => &mut self.report.generator,
            Field::PolicyDomain => &mut policy.domain,
            Field::P => &mut policy.p,
            Field::Sp => &mut policy.sp,
            Field::Np => &mut policy.np,
            Field::Adkim => &mut policy.adkim,
            Field::Aspf => &mut policy.aspf,
            Field::Fo => &mut policy.fo,
            Field::Testing => &mut policy.testing,
            Field::DiscoveryMethod => &mut policy.discovery_method,
            Field::Error => {
                self.report.errors.push(text);
                return Ok(());
            }
            Field::Begin | Field::End | Field::Pct => {
                self.take_number(field, &text);
                return Ok(());
            }
            // All others belong to records.
            _ => return Ok(()),
        };
        if slot.is_some() {
            self.warn("repeated");
        } else {
            *slot = Some(text);
        }
        Ok(())
    }

    fn take_number(&mut self, field: Field, text: &str) {
        let (slot, invalid) = match field {
            Field::Begin => (&mut self.report.begin, "begin_invalid"),
            Field::End => (&mut self.report.end, "end_invalid"),
            _ => (&mut self.report.policy.pct, "pct_invalid"),
        };
        let number = Number::parse(text);
        match number.and_then(|number| i64::try_from(number.whole).ok()) {
            Some(_) if slot.is_some() => self.warn("repeated"),
            Some(whole) => {
                *slot = Some(whole);
                if number.is_some_and(|number| number.fraction) {
                    self.warn("fraction_dropped");
                }
            }
            None => self.warn(invalid),
        }
    }

    pub(super) fn finish_reason(&mut self) {
        let [mut kind, mut comment, bare, _] = self.entry;
        if !bare.is_none() {
            // "<reason>forwarded</reason>" (rspamd): the type if it is one, or else a comment.
            self.warn("reason_is_text");
            let bare = self.trimmed(bare.range());
            let text = self.arena.get_mut(bare.range()).unwrap_or_default();
            if kind.is_none() && is_known(Field::ReasonType, text) {
                text.make_ascii_lowercase();
                kind = bare;
            } else if comment.is_none() {
                comment = bare;
            }
        }
        if kind.is_none() && comment.is_none() {
            self.warn("reason_empty");
        } else if self.record.reasons.len() >= self.limits.reasons {
            self.warn("reason_left_out");
        } else {
            if kind.is_none() {
                self.warn("reason_type_missing");
            }
            self.record.reasons.push([kind, comment]);
        }
    }

    /// An entry without any value says as much as none.
    pub(super) fn finish_dkim_result(&mut self) {
        if self.entry == [Span::NONE; 4] {
        } else if self.record.dkim_results.len() >= self.limits.dkim_results {
            self.warn("dkim_result_left_out");
        } else {
            self.record.dkim_results.push(self.entry);
        }
    }

    pub(super) fn finish_spf_result(&mut self) {
        if self.entry == [Span::NONE; 4] {
        } else if self.record.spf_results.len() >= self.limits.spf_results {
            self.warn("spf_result_left_out");
        } else {
            self.record.spf_results.push(self.entry);
        }
    }

    /// Shows the record that ends here, if it has what it takes.
    pub(super) fn finish_record(&mut self) -> Result<(), ReportError> {
        let text = String::from_utf8(std::mem::take(&mut self.arena))
            .map_err(|_| ReportError::malformed_xml("a text that is not UTF-8"))?;
        self.record.swap_text(text);
        let shown = self.show_record();
        self.arena = self.record.swap_text(String::new()).into_bytes();
        shown
    }

    fn show_record(&mut self) -> Result<(), ReportError> {
        let count = self.count()?;
        let (Some(address), Some(count)) = (self.source_ip(), count) else { return Ok(()) };
        self.report.messages = MOST_A_REPORT.add(self.report.messages, count, self.seen)?;
        self.report.records += 1;
        self.record.settle(address, count);
        let bytes = Bytes::of(self.record.text());
        if bytes.may_be_invisible {
            self.drop_invisible();
        }
        if self.record.header_from().is_none() {
            self.warn_in("header_from_missing", "identifiers/header_from");
        }
        self.hash.record(&self.record, bytes.may_fold);
        (self.each)(&self.record);
        Ok(())
    }

    /// Takes names out of the record that hold characters without a glyph: no domain and no selector has any, and
    /// what is left when they are not shown is another name. Text for people may have them.
    #[cold]
    fn drop_invisible(&mut self) {
        let record = &mut self.record;
        let fields = &record.fields;
        let mut places: Vec<(&'static str, Span)> = vec![
            ("identifiers/header_from", fields.header_from),
            ("identifiers/envelope_from", fields.envelope_from),
            ("identifiers/envelope_to", fields.envelope_to),
        ];
        let signed = |result: &[Span; 4]| {
            [("auth_results/dkim/domain", result[0]), ("auth_results/dkim/selector", result[1])]
        };
        places.extend(record.dkim_results.iter().flat_map(signed));
        places.extend(record.spf_results.iter().map(|result| ("auth_results/spf/domain", result[0])));
        places.retain(|(_, span)| record.get(*span).is_some_and(|text| text.chars().any(is_invisible)));
        for (at, span) in places {
            self.record.forget(span);
            self.warn_in("control_character", at);
        }
    }

    /// The end of the document.
    pub(super) fn finish(mut self) -> Result<Aggregate, ReportError> {
        self.check_end()?;
        let report = &self.report;
        let policy = &report.policy;
        if report.namespace.as_deref() == Some(RFC9990_NAMESPACE)
            || policy.testing.is_some()
            || policy.discovery_method.is_some()
            || report.generator.is_some()
        {
            self.report.format = Format::Rfc9990;
        }
        for (at, time) in [("begin", self.report.begin), ("end", self.report.end)] {
            if time.is_some_and(|time| !PLAUSIBLE_TIMES.contains(&time)) {
                self.warnings.add("date_implausible", || format!("report_metadata/date_range/{at}"));
            }
        }
        let report = &self.report;
        let missing = [
            ("org_name_missing", "report_metadata/org_name", report.org_name.is_none()),
            ("report_id_missing", "report_metadata/report_id", report.report_id.is_none()),
            ("begin_missing", "report_metadata/date_range/begin", report.begin.is_none()),
            ("end_missing", "report_metadata/date_range/end", report.end.is_none()),
            ("policy_domain_missing", "policy_published/domain", report.policy.domain.is_none()),
            ("policy_missing", "policy_published/p", report.policy.p.is_none()),
            ("no_records", "record", self.seen == 0),
            (
                "date_range_reversed",
                "report_metadata/date_range",
                report.begin > report.end && report.end.is_some(),
            ),
            (
                "date_range_too_long",
                "report_metadata/date_range",
                matches!((report.begin, report.end), (Some(begin), Some(end))
                    if end.saturating_sub(begin) > LONGEST_RANGE),
            ),
        ];
        for (code, at, _) in missing.into_iter().filter(|(.., missing)| *missing) {
            self.warnings.add_missing(code, at);
        }
        [self.report.content_hash, self.report.half_folded_hash, self.report.folded_hash] =
            self.hash.report(&self.report);
        self.report.warnings = self.warnings.into_list();
        Ok(self.report)
    }

    fn source_ip(&mut self) -> Option<IpAddr> {
        let Some(text) = self.record.get(self.record.fields.source_ip) else {
            self.warn_in("source_ip_missing", "row/source_ip");
            return None;
        };
        let address = parse_address(text);
        if address.is_none() {
            self.warn_in("source_ip_invalid", "row/source_ip");
        }
        address
    }

    fn count(&mut self) -> Result<Option<u64>, ReportError> {
        let Some(text) = self.record.get(self.record.fields.count) else {
            self.warn_in("count_missing", "row/count");
            return Ok(None);
        };
        if let Ok(count) = text.parse() {
            return MOST_A_RECORD.check(count, self.seen).map(Some);
        }
        match Number::parse(text) {
            Some(number) if number.negative => {
                let count = text.chars().take(40).collect();
                Err(ReportError::NegativeCount { count, record: self.seen })
            }
            Some(Number { whole, fraction: false, .. }) => {
                let count = u64::try_from(whole).unwrap_or(u64::MAX);
                MOST_A_RECORD.check(count, self.seen).map(Some)
            }
            _ => {
                self.warn_in("count_invalid", "row/count");
                Ok(None)
            }
        }
    }
}

/// An address, also in brackets, with an `IPv6:` tag, a zone, or zeros in front of its numbers.
fn parse_address(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text).trim();
    let text = match text.split_once(':') {
        Some((tag, rest)) if tag.eq_ignore_ascii_case("ipv6") => rest,
        _ => text,
    };
    let text = text.split_once('%').map_or(text, |(address, _zone)| address);
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    // "010.000.001.020": some pad to three digits. RFC 6943 warns of octal, which nobody means in a report.
    let mut octets = [0; 4];
    let mut numbers = text.split('.');
    for octet in &mut octets {
        let number = numbers.next()?;
        if number.len() > 3 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *octet = number.parse().ok()?;
    }
    numbers.next().is_none().then_some(IpAddr::from(octets))
}

/// Whether a value is one of its enumeration, whatever its case.
fn is_known(field: Field, value: &[u8]) -> bool {
    let known =
        |value: &[u8]| field.known_values().iter().any(|known| known.as_bytes().eq_ignore_ascii_case(value));
    match field {
        // A list of options, separated by colons (RFC 9989 section 4.7).
        Field::Fo => value.split(|&byte| byte == b':').all(known),
        _ => known(value),
    }
}

/// How many bytes are before the text proper, and how many it has.
fn trim(raw: &[u8]) -> (usize, usize) {
    let Ok(text) = std::str::from_utf8(raw) else { return (0, raw.len()) };
    let blank = |character: char| character.is_whitespace() || matches!(character, '\u{feff}' | '\0');
    let from_start = text.trim_start_matches(blank);
    (raw.len() - from_start.len(), from_start.trim_end_matches(blank).len())
}

/// What the bytes of a record's texts allow; most allow neither. Looks at all of them in one pass without a branch, so that the
/// compiler can take many at a time.
struct Bytes {
    /// A character of it may have no glyph.
    may_be_invisible: bool,
    /// A name in it may have another spelling, but for a final dot.
    may_fold: bool,
}

impl Bytes {
    fn of(text: &str) -> Self {
        let flags = |byte: u8| {
            let is_other = u8::from(byte.wrapping_sub(b' ') >= 0x7f - b' ');
            let is_capital = u8::from(byte.wrapping_sub(b'A') < 26);
            is_other | is_capital << 1
        };
        let (lanes, rest) = text.as_bytes().as_chunks::<16>();
        let mut found = [0_u8; 16];
        for lane in lanes {
            for (found, byte) in found.iter_mut().zip(lane) {
                *found |= flags(*byte);
            }
        }
        let found =
            found.into_iter().chain(rest.iter().map(|byte| flags(*byte))).fold(0, |all, one| all | one);
        Self { may_be_invisible: found & 1 != 0, may_fold: found != 0 }
    }
}

/// From the year of DMARC's first publication to that in which 32 bits of seconds end. A date in milliseconds lies far
/// beyond.
const PLAUSIBLE_TIMES: std::ops::Range<i64> = 1_325_376_000..4_294_967_296;

/// The namespace of RFC 9990 appendix A.
const RFC9990_NAMESPACE: &str = "urn:ietf:params:xml:ns:dmarc-2.0";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_as_they_come() {
        let address = |text| parse_address(text).map(|address| address.to_string());
        assert_eq!(address("192.0.2.1").as_deref(), Some("192.0.2.1"));
        assert_eq!(address("2001:DB8::1").as_deref(), Some("2001:db8::1"));
        assert_eq!(address("::ffff:192.0.2.1").as_deref(), Some("192.0.2.1"));
        assert_eq!(address("[192.0.2.1]").as_deref(), Some("192.0.2.1"));
        assert_eq!(address("[IPv6:2001:db8::1]").as_deref(), Some("2001:db8::1"));
        assert_eq!(address("fe80::1%eth0").as_deref(), Some("fe80::1"));
        assert_eq!(address("192.000.002.010").as_deref(), Some("192.0.2.10"));
    }

    #[test]
    fn what_is_no_address() {
        for text in [
            "",
            "unknown",
            "192.0.2",
            "192.0.2.1.5",
            "192.0.2.256",
            "192.0.2.1/32",
            "+1.2.3.4",
            "192.0.2.0001",
        ] {
            assert_eq!(parse_address(text), None, "{text:?}");
        }
    }
}
