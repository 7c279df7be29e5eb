//! Every kind of event.

use super::Kind;
use ruad_dns::Severity;

macro_rules! kinds {
    ($($constant:ident = $name:literal, $severity:ident, $said:literal;)*) => {
        $(#[doc = concat!("`", $name, "`: ", $said, ".")]
        pub const $constant: Kind = Kind { name: $name, severity: Severity::$severity, said: $said };)*

        impl Kind {
            /// All of them.
            pub const ALL: &[Self] = &[$($constant),*];
        }
    };
}

kinds! {
    DMARC_RECORD_PUBLISHED = "dmarc.record_published", Info, "a DMARC record was published";
    DMARC_RECORD_CHANGED = "dmarc.record_changed", Info, "the DMARC record was changed";
    DMARC_RECORD_GONE = "dmarc.record_gone", Error, "the DMARC record is gone";
    DMARC_POLICY_TIGHTENED = "dmarc.policy_tightened", Info, "the DMARC policy in force is stricter";
    DMARC_POLICY_LOOSENED = "dmarc.policy_loosened", Warning, "the DMARC policy in force is weaker";
    DMARC_TESTING_STARTED = "dmarc.testing_started", Warning,
        "the DMARC policy is marked as a test, so receivers do not apply it in full";
    DMARC_TESTING_ENDED = "dmarc.testing_ended", Info, "the DMARC policy is no longer marked as a test";
    DMARC_REPORTS_TO_US = "dmarc.reports_to_us", Info, "DMARC reports are sent to us from now on";
    DMARC_REPORTS_NO_LONGER_TO_US = "dmarc.reports_no_longer_to_us", Warning,
        "DMARC reports are no longer sent to us";
    SPF_RECORD_PUBLISHED = "spf.record_published", Info, "an SPF record was published";
    SPF_RECORD_CHANGED = "spf.record_changed", Info, "the SPF record was changed";
    SPF_RECORD_GONE = "spf.record_gone", Error, "the SPF record is gone";
    SPF_BROKEN = "spf.broken", Error, "the SPF record cannot be evaluated any more";
    SPF_REPAIRED = "spf.repaired", Info, "the SPF record can be evaluated again";
    DKIM_KEY_PUBLISHED = "dkim.key_published", Info, "a DKIM key was published under this selector";
    DKIM_KEY_ROTATED = "dkim.key_rotated", Info, "the DKIM key of this selector was replaced";
    DKIM_KEY_REVOKED = "dkim.key_revoked", Info, "the DKIM key of this selector was withdrawn";
    DKIM_KEY_GONE = "dkim.key_gone", Warning, "the DKIM key of this selector is gone";
    MX_CHANGED = "mx.changed", Warning, "mail is received by other hosts";
    MTA_STS_PUBLISHED = "mta_sts.published", Info, "an MTA-STS record was published";
    MTA_STS_GONE = "mta_sts.gone", Warning, "the MTA-STS record is gone";
    MTA_STS_MODE_CHANGED = "mta_sts.mode_changed", Warning, "the MTA-STS policy has another mode";
    MTA_STS_POLICY_CHANGED = "mta_sts.policy_changed", Info, "the MTA-STS policy was changed";
    MTA_STS_POLICY_CHANGED_WITHOUT_ID = "mta_sts.policy_changed_without_id", Warning,
        "the MTA-STS policy was changed but its id was not, so senders go on with the old one";
    TLS_RPT_RECORD_PUBLISHED = "tls_rpt.record_published", Info, "a TLS reporting record was published";
    TLS_RPT_RECORD_CHANGED = "tls_rpt.record_changed", Info, "the TLS reporting record was changed";
    TLS_RPT_RECORD_GONE = "tls_rpt.record_gone", Warning, "the TLS reporting record is gone";
    DNSSEC_SIGNED = "dnssec.signed", Info, "the zone is signed and the signatures are valid";
    DNSSEC_UNSIGNED = "dnssec.unsigned", Warning, "the zone is no longer signed";
    DNSSEC_BOGUS = "dnssec.bogus", Error,
        "the signatures of the zone are not valid, so validating resolvers cannot reach the domain";
    DANE_PUBLISHED = "dane.published", Info, "TLSA records were published for this mail host";
    DANE_CHANGED = "dane.changed", Info, "the TLSA records of this mail host were changed";
    DANE_GONE = "dane.gone", Warning, "the TLSA records of this mail host are gone";
    NS_CHANGED = "ns.changed", Warning, "the domain has other name servers";
    DNSBL_LISTED = "dnsbl.listed", Error, "an address or the domain is on a block list";
    DNSBL_DELISTED = "dnsbl.delisted", Info, "an address or the domain is no longer on a block list";
    BIMI_RECORD_PUBLISHED = "bimi.record_published", Info, "a BIMI record was published";
    BIMI_RECORD_CHANGED = "bimi.record_changed", Info, "the BIMI record was changed";
    BIMI_RECORD_GONE = "bimi.record_gone", Info, "the BIMI record is gone";
    STAGE_REACHED = "stage.reached", Info, "a further stage on the way to p=reject is reached";
    STAGE_FELL = "stage.fell", Warning, "the domain is back at an earlier stage";
    STEP_DONE = "step.done", Info, "a step is done";
    STEP_UNDONE = "step.undone", Warning, "a step that was done is not any more";
    SENDER_NEW = "sender.new", Info, "somebody sends in the domain's name who never did";
    SENDER_SPIKE = "sender.spike", Warning, "far more mail than usual is sent in the domain's name";
    SCORE_FELL = "score.fell", Warning, "the score fell";
    DOMAIN_READY = "domain.ready", Info, "the DMARC policy can be raised";
    CERTIFICATE_ISSUED = "certificate.issued", Info, "a certificate was issued";
    CERTIFICATE_VOID = "certificate.void", Warning, "the certificate is no longer valid";
    CERTIFICATE_RESTORED = "certificate.restored", Info, "the certificate is valid again";
}
