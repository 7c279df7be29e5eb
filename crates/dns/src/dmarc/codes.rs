//! What can be wrong.

use crate::finding::codes;

codes! {
    /// Neither the domain nor a name above it has a policy.
    MISSING = "dmarc.missing", Error;
    /// Several records at one name: all of them are ignored.
    SEVERAL_RECORDS = "dmarc.several_records", Error;
    /// The record stands at another name than `_dmarc`.
    WRONG_NAME = "dmarc.wrong_name", Error;
    /// A second record, at the domain itself, does nothing.
    STRAY_RECORD = "dmarc.stray_record", Info;
    /// `_dmarc` answers with an SPF record, and there is no policy.
    SPF_INSTEAD = "dmarc.spf_instead", Error;
    /// Texts about something else stand beside the record.
    UNRELATED_TEXT = "dmarc.unrelated_text", Info;
    /// White space before the version.
    LEADING_WHITE_SPACE = "dmarc.leading_white_space", Error;
    /// A record that does not begin with `v=DMARC1`.
    BAD_VERSION = "dmarc.bad_version", Error;
    /// `_dmarc` is an alias of a name without a record.
    DANGLING_ALIAS = "dmarc.dangling_alias", Error;
    /// `_dmarc` is an alias and has a record of its own as well.
    ALIAS_CONFLICT = "dmarc.alias_conflict", Warning;
    /// The policy is that of the organizational domain.
    INHERITED = "dmarc.inherited", Info;
    /// The policy is that of a public suffix.
    ONLY_SUFFIX = "dmarc.only_suffix", Warning;
    /// A piece of the record that cannot be read.
    SYNTAX = "dmarc.syntax", Error;
    /// A tag that is there twice.
    REPEATED_TAG = "dmarc.repeated_tag", Error;
    /// A tag that DMARC does not have.
    UNKNOWN_TAG = "dmarc.unknown_tag", Warning;
    /// A tag in capitals.
    CAPITAL_TAG = "dmarc.capital_tag", Warning;
    /// A record that the test of Internet.nl cannot read.
    INTERNET_NL_SYNTAX = "dmarc.internet_nl_syntax", Info;
    /// No `p`.
    NO_POLICY = "dmarc.no_policy", Error;
    /// `p` does not come right after the version.
    LATE_POLICY = "dmarc.late_policy", Info;
    /// `p` with a value that is none.
    BAD_POLICY = "dmarc.bad_policy", Error;
    /// `sp` or `np` with a value that is none.
    BAD_SUBDOMAIN_POLICY = "dmarc.bad_subdomain_policy", Error;
    /// Another tag with a value that is none.
    BAD_VALUE = "dmarc.bad_value", Warning;
    /// `pct` below 100.
    PARTIAL_POLICY = "dmarc.partial_policy", Warning;
    /// `pct=100`, `rf` or `ri`.
    REMOVED_TAG = "dmarc.removed_tag", Info;
    /// `fo` without `ruf`.
    OPTIONS_WITHOUT_RUF = "dmarc.options_without_ruf", Info;
    /// `t=y`.
    TEST_MODE = "dmarc.test_mode", Warning;
    /// Nothing is asked of receivers.
    POLICY_NONE = "dmarc.policy_none", Warning;
    /// Nothing is asked of receivers for subdomains.
    SUBDOMAIN_POLICY_NONE = "dmarc.subdomain_policy_none", Warning;
    /// Less is asked of receivers for subdomains than for the domain.
    SUBDOMAIN_POLICY_WEAKER = "dmarc.subdomain_policy_weaker", Info;
    /// `sp` or `np` of a record below the organizational domain, where nobody looks for it.
    SUBDOMAIN_POLICY_IGNORED = "dmarc.subdomain_policy_ignored", Warning;
    /// `psd=y`.
    PUBLIC_SUFFIX = "dmarc.public_suffix", Warning;
    /// Nobody gets aggregate reports.
    NO_REPORTS = "dmarc.no_reports", Warning;
    /// An address that cannot be read.
    BAD_ADDRESS = "dmarc.bad_address", Error;
    /// An address that is there twice.
    REPEATED_ADDRESS = "dmarc.repeated_address", Info;
    /// An address that is no mail address.
    UNSUPPORTED_SCHEME = "dmarc.unsupported_scheme", Warning;
    /// An address with a limit of size.
    SIZE_LIMIT = "dmarc.size_limit", Info;
    /// More addresses than every reporter sends to.
    MANY_ADDRESSES = "dmarc.many_addresses", Info;
    /// Another domain did not agree to get the reports.
    NOT_AUTHORIZED = "dmarc.not_authorized", Error;
    /// Another domain sends the reports on to a third, which is not allowed.
    REDIRECTED_ELSEWHERE = "dmarc.redirected_elsewhere", Error;
    /// The domain of an address takes no mail.
    REPORTS_UNDELIVERABLE = "dmarc.reports_undeliverable", Error;
    /// The domain of an address takes mail without an MX record.
    REPORTS_WITHOUT_MX = "dmarc.reports_without_mx", Warning;
    /// None of the addresses is ours.
    NOT_TO_US = "dmarc.not_to_us", Warning;
}
