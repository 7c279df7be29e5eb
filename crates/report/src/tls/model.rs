//! What a TLS report says.

use std::borrow::Cow;

use serde::Serialize;

use crate::{
    Warning,
    canonical::{Canonical, folded_domain, lower_case},
};
use ruad_common::domain_name::{self, normalize};

/// A TLS report. Values are the reporter's words without surrounding white space; what was missing or empty
/// is `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TlsReport {
    /// `organization-name`: who reports.
    pub organization_name: Option<String>,
    /// `report-id`.
    pub report_id: Option<String>,
    /// `date-range/start-datetime`, in seconds since the epoch.
    pub begin: Option<i64>,
    /// `date-range/end-datetime`, in seconds since the epoch.
    pub end: Option<i64>,
    /// `contact-info`.
    pub contact_info: Option<String>,
    /// `policies`.
    pub policies: Vec<TlsPolicy>,
    /// The domain that the report is about by the mail that brought it; see [`announced_domain`].
    ///
    /// [`announced_domain`]: super::announced_domain
    #[serde(skip)]
    pub announced_domain: Option<String>,
    /// What was repaired, left out or unreadable.
    #[serde(skip)]
    pub warnings: Vec<Warning>,
}

/// One policy, with the sessions it was applied to.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct TlsPolicy {
    /// `policy/policy-type`: `tlsa`, `sts` or `no-policy-found`.
    pub policy_type: Option<String>,
    /// `policy/policy-domain`.
    pub policy_domain: Option<String>,
    /// `policy/policy-string`: TLSA records, or the lines of the MTA-STS policy.
    pub policy_string: Vec<String>,
    /// `policy/mx-host`.
    pub mx_host: Vec<String>,
    /// `summary/total-successful-session-count`.
    pub successful: Option<u64>,
    /// `summary/total-failure-session-count`.
    pub failed: Option<u64>,
    /// `failure-details`.
    pub failures: Vec<TlsFailure>,
}

/// Sessions that failed in one way.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct TlsFailure {
    /// `result-type`; anybody may register new ones, so any is kept.
    pub result_type: Option<String>,
    /// `sending-mta-ip`.
    pub sending_mta_ip: Option<String>,
    /// `receiving-mx-hostname`.
    pub receiving_mx_hostname: Option<String>,
    /// `receiving-mx-helo`.
    pub receiving_mx_helo: Option<String>,
    /// `receiving-ip`.
    pub receiving_ip: Option<String>,
    /// `failed-session-count`.
    pub failed_sessions: Option<u64>,
    /// `additional-information`, also written `additional-info-uri`.
    pub additional_information: Option<String>,
    /// `failure-reason-code`.
    pub failure_reason_code: Option<String>,
}

impl TlsReport {
    /// Tells the same content from another under the same identity. It is stored, so what it covers never
    /// changes; values are encoded as `report/canonical.rs` says.
    ///
    /// - *failure*: the texts of [`TlsFailure`] in their order here, the number of sessions in its place;
    /// - *policy*: the texts type and domain, the lists of policy strings and hosts, the numbers successful
    ///   and failed, and the list of failures;
    /// - *report*: the byte 2, the texts `organization_name` and `report_id`, the numbers begin and end, the
    ///   text `contact_info`, the number of policies as u32, and the sum modulo 2^128 of the hashes of all
    ///   policies as u128.
    pub fn content_hash(&self) -> u128 {
        self.hash_with(Cow::Borrowed, Cow::Borrowed, Cow::Borrowed)
    }

    /// The same whatever the case of `organization_name` and `contact_info`. Reports are no longer stored under it.
    pub fn half_folded_hash(&self) -> u128 {
        self.hash_with(lower_case, Cow::Borrowed, Cow::Borrowed)
    }

    /// The same whatever the spelling of `organization_name`, `contact_info` and `report_id` (capitals), and of domains and
    /// hosts (capitals, a final dot, U-labels).
    pub fn folded_hash(&self) -> u128 {
        self.hash_with(lower_case, lower_case, folded_domain)
    }

    /// The domain that a policy is about, normalized. `None` when nothing says it.
    ///
    /// RFC 8460 section 4.4 wants the recipient's domain in `policy-domain`; it is left out, or names the mail host that
    /// a TLSA record belongs to (one host of many customers). The mail then says which domain the report is about.
    pub fn domain_of(&self, policy: &TlsPolicy) -> Option<String> {
        let own = policy.policy_domain.as_deref().and_then(domain_name::domain);
        let announced = self.announced_domain.as_ref();
        match own {
            Some(own) if announced.is_none() || !policy.is_about_host(&own) => Some(own),
            own => announced.cloned().or(own),
        }
    }

    fn hash_with<'a>(
        &'a self,
        reporter: impl Fn(&'a str) -> Cow<'a, str>,
        id: impl Fn(&'a str) -> Cow<'a, str>,
        domain: impl Fn(&'a str) -> Cow<'a, str>,
    ) -> u128 {
        let policies = self.policies.iter().map(|policy| policy.hash(&domain));
        let sum = policies.fold(0_u128, u128::wrapping_add);
        let mut encoded = Canonical::default();
        encoded.bytes(&[2]);
        encoded.text(self.organization_name.as_deref().map(&reporter).as_deref());
        encoded.text(self.report_id.as_deref().map(id).as_deref());
        encoded.signed(self.begin);
        encoded.signed(self.end);
        encoded.text(self.contact_info.as_deref().map(&reporter).as_deref());
        encoded.length(self.policies.len());
        encoded.bytes(&sum.to_le_bytes());
        encoded.hash()
    }
}

impl TlsPolicy {
    /// Whether its domain is the name of a mail host.
    fn is_about_host(&self, domain: &str) -> bool {
        let mut hosts =
            self.mx_host.iter().chain(self.failures.iter().flat_map(|f| &f.receiving_mx_hostname));
        self.policy_type.as_deref() == Some("tlsa")
            || hosts.any(|host| normalize(host).as_deref() == Some(domain))
    }

    fn hash<'a>(&'a self, domain: impl Fn(&'a str) -> Cow<'a, str>) -> u128 {
        let mut encoded = Canonical::default();
        encoded.text(self.policy_type.as_deref());
        encoded.text(self.policy_domain.as_deref().map(&domain).as_deref());
        encoded.texts(&self.policy_string);
        encoded.length(self.mx_host.len());
        for host in &self.mx_host {
            encoded.text(Some(&domain(host)));
        }
        encoded.unsigned(self.successful);
        encoded.unsigned(self.failed);
        encoded.length(self.failures.len());
        for failure in &self.failures {
            encoded.text(failure.result_type.as_deref());
            encoded.text(failure.sending_mta_ip.as_deref());
            encoded.text(failure.receiving_mx_hostname.as_deref().map(&domain).as_deref());
            encoded.text(failure.receiving_mx_helo.as_deref().map(&domain).as_deref());
            encoded.text(failure.receiving_ip.as_deref());
            encoded.unsigned(failure.failed_sessions);
            encoded.text(failure.additional_information.as_deref());
            encoded.text(failure.failure_reason_code.as_deref());
        }
        encoded.hash()
    }
}
