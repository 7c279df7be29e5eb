//! The objects of a report and their members.

use serde::de::{IgnoredAny, MapAccess};

use super::{
    context::Context,
    model::{TlsFailure, TlsPolicy, TlsReport},
};

/// Something that is read member by member.
pub(super) trait Object: Default {
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
                context.object(map, "date-range", &mut range)?;
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
pub(super) struct DateRange {
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
            "policy" => context.object(map, "policy", self)?,
            "summary" => context.object(map, "summary", self)?,
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
