//! Makes a report of JSON, one member after another, without building a tree of it first.

use std::fmt;

use encoding_rs::Encoding;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{
    model::{TlsFailure, TlsPolicy, TlsReport},
    time::Time,
    value::{Scalar, Texts},
};
use crate::report::{Limits, ReportError, warning::Warnings};

/// Reads a report that lies in memory.
pub(super) fn parse(bytes: &[u8], limits: &Limits) -> Result<TlsReport, ReportError> {
    let mut context = Context {
        limits,
        warnings: Warnings::new(limits.warnings),
        at: Vec::new(),
        entries: 0,
        known: 0,
        sum: 0,
        refused: None,
    };
    let encoding = Encoding::for_bom(bytes).map_or(encoding_rs::UTF_8, |(encoding, _)| encoding);
    let (text, replaced) = encoding.decode_with_bom_removal(bytes);
    if replaced {
        context.warnings.add_once("invalid_bytes_replaced");
    }
    let text =
        text.trim_start_matches(|character: char| character.is_whitespace() || character == '\u{feff}');
    if !text.starts_with('{') {
        return Err(ReportError::not_a_report(if text.is_empty() {
            "it is empty"
        } else {
            "no JSON object"
        }));
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let mut report = TlsReport::default();
    let read = Item { context: &mut context, into: &mut report }.deserialize(&mut json);
    if let Some(refused) = context.refused {
        return Err(refused);
    }
    read.map_err(|error| ReportError::MalformedJson { reason: error.to_string() })?;
    if context.known < 2 {
        return Err(ReportError::not_a_report("a JSON object without the members of a TLS report"));
    }
    if json.end().is_err() {
        context.warnings.add_once("trailing_junk");
    }
    report.warnings = missing(&report, context.warnings).into_list();
    Ok(report)
}

/// Notes what a report should have and has not.
fn missing(report: &TlsReport, mut warnings: Warnings) -> Warnings {
    for (code, at, missing) in [
        ("organization_name_missing", "organization-name", report.organization_name.is_none()),
        ("report_id_missing", "report-id", report.report_id.is_none()),
        ("begin_missing", "date-range/start-datetime", report.begin.is_none()),
        ("end_missing", "date-range/end-datetime", report.end.is_none()),
        ("no_policies", "policies", report.policies.is_empty()),
    ] {
        if missing {
            warnings.add(code, || at.to_owned());
        }
    }
    for (index, policy) in report.policies.iter().enumerate() {
        for (code, at, missing) in [
            ("policy_domain_missing", "policy/policy-domain", policy.policy_domain.is_none()),
            ("count_missing", "summary/total-successful-session-count", policy.successful.is_none()),
            ("count_missing", "summary/total-failure-session-count", policy.failed.is_none()),
        ] {
            if missing {
                warnings.add(code, || format!("policies[{}]/{at}", index + 1));
            }
        }
    }
    warnings
}

/// What is known while a report is read.
struct Context<'a> {
    limits: &'a Limits,
    warnings: Warnings,
    /// Where we are: names, with the place in a list counted from 1.
    at: Vec<(&'static str, usize)>,
    /// Policies and failures so far.
    entries: usize,
    /// Members at the top that a TLS report has.
    known: usize,
    /// All counts of sessions.
    sum: u64,
    /// What to say instead of the error that ended the reading.
    refused: Option<ReportError>,
}

impl Context<'_> {
    fn warn(&mut self, code: &'static str, member: &str) {
        let at = &self.at;
        self.warnings.add(code, || {
            let mut path = String::new();
            for (name, number) in at {
                path.push_str(name);
                path.push_str(&format!("[{number}]/"));
            }
            (path + member).trim_end_matches('/').to_owned()
        });
    }

    /// Ends the reading with an error of ours.
    fn refuse<E: Error>(&mut self, error: ReportError) -> E {
        let text = E::custom(&error);
        self.refused.get_or_insert(error);
        text
    }

    fn text<'de, A: MapAccess<'de>>(
        &mut self,
        map: &mut A,
        member: &str,
    ) -> Result<Option<String>, A::Error> {
        let value: Scalar = map.next_value()?;
        if value == Scalar::Other {
            self.warn("value_ignored", member);
        }
        Ok(value.into_text())
    }

    fn texts<'de, A: MapAccess<'de>>(&mut self, map: &mut A, member: &str) -> Result<Vec<String>, A::Error> {
        let Texts { texts, unpacked, cut } = map.next_value()?;
        if unpacked {
            self.warn("list_unpacked", member);
        }
        if cut {
            self.warn("list_cut", member);
        }
        Ok(texts)
    }

    /// A word of an enumeration, lower-cased if it is one of it.
    fn word<'de, A: MapAccess<'de>>(
        &mut self,
        map: &mut A,
        member: &str,
        known: &[&str],
    ) -> Result<Option<String>, A::Error> {
        let word = self.text(map, member)?;
        Ok(word.map(|word| match known.iter().find(|known| known.eq_ignore_ascii_case(&word)) {
            Some(known) => (*known).to_owned(),
            None => word,
        }))
    }

    fn count<'de, A: MapAccess<'de>>(&mut self, map: &mut A, member: &str) -> Result<Option<u64>, A::Error> {
        let value: Scalar = map.next_value()?;
        let record = self.at.first().map_or(0, |(_, number)| *number as u64);
        let count = match value.number() {
            Some(number) if number.whole < 0 => {
                let count = number.whole.to_string();
                return Err(self.refuse(ReportError::NegativeCount { count, record }));
            }
            Some(number) if !number.fraction => match u64::try_from(number.whole) {
                Ok(count) => count,
                Err(_) => return Err(self.refuse(ReportError::CountOverflow { record })),
            },
            _ => {
                if value != Scalar::Missing {
                    self.warn("count_invalid", member);
                }
                return Ok(None);
            }
        };
        self.sum = match self.sum.checked_add(count) {
            Some(sum) => sum,
            None => return Err(self.refuse(ReportError::CountOverflow { record })),
        };
        Ok(Some(count))
    }

    fn time<'de, A: MapAccess<'de>>(&mut self, map: &mut A, member: &str) -> Result<Option<i64>, A::Error> {
        let Some(text) = self.text(map, member)? else { return Ok(None) };
        match Time::parse(&text) {
            Some(time) => {
                if !time.has_zone {
                    self.warn("time_without_zone", member);
                }
                Ok(Some(time.seconds))
            }
            None => {
                self.warn("time_invalid", member);
                Ok(None)
            }
        }
    }

    fn list<'de, A: MapAccess<'de>, T: Object>(
        &mut self,
        map: &mut A,
        member: &'static str,
    ) -> Result<Vec<T>, A::Error> {
        let mut items = Vec::new();
        map.next_value_seed(Items { context: self, into: &mut items, member })?;
        Ok(items)
    }

    fn object<'de, A: MapAccess<'de>>(
        &mut self,
        map: &mut A,
        into: &mut impl Object,
    ) -> Result<(), A::Error> {
        map.next_value_seed(Item { context: self, into })
    }
}

/// Something that is read member by member.
trait Object: Default {
    /// Reads the value of one member.
    fn member<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        map: &mut A,
        context: &mut Context<'_>,
    ) -> Result<(), A::Error>;
}

impl Object for TlsReport {
    fn member<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        map: &mut A,
        context: &mut Context<'_>,
    ) -> Result<(), A::Error> {
        context.known += 1;
        match name {
            "organization-name" => self.organization_name = context.text(map, name)?,
            "report-id" => self.report_id = context.text(map, name)?,
            "contact-info" => self.contact_info = context.text(map, name)?,
            "date-range" => {
                let mut range = DateRange::default();
                context.object(map, &mut range)?;
                (self.begin, self.end) = (range.begin, range.end);
            }
            "policies" => self.policies = context.list(map, "policies")?,
            _ => {
                context.known -= 1;
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

#[derive(Default)]
struct DateRange {
    begin: Option<i64>,
    end: Option<i64>,
}

impl Object for DateRange {
    fn member<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        map: &mut A,
        context: &mut Context<'_>,
    ) -> Result<(), A::Error> {
        match name {
            "start-datetime" => self.begin = context.time(map, name)?,
            "end-datetime" => self.end = context.time(map, name)?,
            _ => {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

impl Object for TlsPolicy {
    /// The members of an entry of the list, and of the objects in it: their names differ.
    fn member<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        map: &mut A,
        context: &mut Context<'_>,
    ) -> Result<(), A::Error> {
        match name {
            "policy" | "summary" => context.object(map, self)?,
            "policy-type" => self.policy_type = context.word(map, name, POLICY_TYPES)?,
            "policy-domain" => self.policy_domain = context.text(map, name)?,
            "policy-string" => self.policy_string = context.texts(map, name)?,
            // The second is what RFC 8460's errata and some reporters say.
            "mx-host" | "mx-host-pattern" => self.mx_host = context.texts(map, name)?,
            "total-successful-session-count" => self.successful = context.count(map, name)?,
            "total-failure-session-count" => self.failed = context.count(map, name)?,
            "failure-details" => self.failures = context.list(map, "failure-details")?,
            _ => {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

impl Object for TlsFailure {
    fn member<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        map: &mut A,
        context: &mut Context<'_>,
    ) -> Result<(), A::Error> {
        match name {
            "result-type" => self.result_type = context.word(map, name, RESULT_TYPES)?,
            "sending-mta-ip" => self.sending_mta_ip = context.text(map, name)?,
            "receiving-mx-hostname" => self.receiving_mx_hostname = context.text(map, name)?,
            "receiving-mx-helo" => self.receiving_mx_helo = context.text(map, name)?,
            "receiving-ip" => self.receiving_ip = context.text(map, name)?,
            "failed-session-count" => self.failed_sessions = context.count(map, name)?,
            "additional-information" | "additional-info-uri" => {
                self.additional_information = context.text(map, name)?;
            }
            "failure-reason-code" => self.failure_reason_code = context.text(map, name)?,
            _ => {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// What is neither list nor object where one of them belongs: `null` says nothing, and the rest is told.
macro_rules! ignore_scalars {
    () => {
        fn visit_unit<E: Error>(self) -> Result<(), E> {
            Ok(())
        }

        fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
            self.context.warn("value_ignored", "");
            Ok(())
        }

        fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
            self.visit_bool(false)
        }

        fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
            self.visit_bool(false)
        }

        fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
            self.visit_bool(false)
        }

        fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
            self.visit_bool(false)
        }
    };
}

/// Reads one object; everything else leaves it empty.
struct Item<'c, 'l, T> {
    context: &'c mut Context<'l>,
    into: &'c mut T,
}

impl<'de, T: Object> DeserializeSeed<'de> for Item<'_, '_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Object> Visitor<'de> for Item<'_, '_, T> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            let name = name.trim().to_ascii_lowercase().replace('_', "-");
            self.into.member(&name, &mut map, self.context)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        self.context.warn("value_ignored", "");
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    ignore_scalars!();
}

/// Reads a list of objects; an object alone is a list of one, anything else an empty one.
struct Items<'c, 'l, T> {
    context: &'c mut Context<'l>,
    into: &'c mut Vec<T>,
    member: &'static str,
}

impl<T: Object> Items<'_, '_, T> {
    fn enter(&mut self) {
        self.context.at.push((self.member, self.into.len() + 1));
    }

    fn leave<E: Error>(&mut self, item: Option<T>) -> Result<(), E> {
        self.context.at.pop();
        let Some(item) = item else { return Ok(()) };
        self.context.entries += 1;
        let limit = self.context.limits.tls_entries;
        if self.context.entries > limit {
            return Err(self.context.refuse(ReportError::LimitTlsEntries { limit }));
        }
        self.into.push(item);
        Ok(())
    }
}

impl<'de, T: Object> DeserializeSeed<'de> for Items<'_, '_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Object> Visitor<'de> for Items<'_, '_, T> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        loop {
            self.enter();
            let mut item = T::default();
            let read = list.next_element_seed(Item { context: &mut *self.context, into: &mut item })?;
            self.leave(read.map(|()| item))?;
            if read.is_none() {
                return Ok(());
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, map: A) -> Result<(), A::Error> {
        self.enter();
        let mut item = T::default();
        Item { context: &mut *self.context, into: &mut item }.visit_map(map)?;
        self.leave(Some(item))
    }

    ignore_scalars!();
}

/// RFC 8460 section 4.4.
const POLICY_TYPES: &[&str] = &["tlsa", "sts", "no-policy-found"];

/// The registry "STARTTLS Validation Result Types" of RFC 8460 section 6.6.
const RESULT_TYPES: &[&str] = &[
    "starttls-not-supported",
    "certificate-host-mismatch",
    "certificate-expired",
    "certificate-not-trusted",
    "validation-failure",
    "tlsa-invalid",
    "dnssec-invalid",
    "dane-required",
    "sts-policy-fetch-error",
    "sts-policy-invalid",
    "sts-webpki-invalid",
];
