//! One zone a case, in `cases/`: the file is named after the finding it shows, and says in its comments what is
//! expected when `domain.example` is examined:
//!
//! ```text
//! ; expect: spf.too_many_lookups, spf.no_all     exactly these findings, in any order; nothing means none
//! ; status: unknown                              the status of the check, when it is not the worst finding's
//! ```

use std::{collections::BTreeSet, fs, path::Path};

use ruad_dns::{Check, Code, Resolver};

use crate::server::Dns;

/// Runs every case of a mechanism, and says all that differ.
pub(crate) async fn run(mechanism: &str, examine: impl AsyncFn(Resolver, &str) -> Check) {
    let mut wrong = Vec::new();
    let mut count = 0;
    for (name, zone) in files() {
        if name.split('.').next() != Some(mechanism) {
            continue;
        }
        count += 1;
        let dns = Dns::serve(&zone).await;
        let check = examine(dns.resolver(), "domain.example").await;
        let found: BTreeSet<_> = check.findings.iter().map(|finding| finding.code.name.to_owned()).collect();
        let expected = directive(&zone, "; expect:").unwrap_or_else(|| panic!("{name} expects nothing"));
        let expected: BTreeSet<_> =
            expected.split(',').map(|code| code.trim().to_owned()).filter(|code| !code.is_empty()).collect();
        let status = directive(&zone, "; status:").unwrap_or_else(|| {
            let severities = expected.iter().map(|code| Code::named(code).map(|code| code.severity));
            severities.max().flatten().map_or("ok".into(), |worst| format!("{worst:?}").to_lowercase())
        });
        if found != expected || check.status().name() != status {
            wrong.push(format!("{name}: expected {expected:?} {status}, got {:#?}", check));
        }
    }
    assert!(count > 0, "no case for {mechanism}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_code_has_a_case() {
    let names: BTreeSet<_> = files().into_iter().map(|(name, _)| name).collect();
    let missing: Vec<_> = Code::all()
        .map(|code| code.name)
        .filter(|code| !names.contains(*code) && !ELSEWHERE.iter().any(|(name, _)| name == code))
        .collect();
    assert!(missing.is_empty(), "no zone in tests/dns/cases for {missing:?}");
    for (code, test) in ELSEWHERE {
        assert!(Code::named(code).is_some(), "{code} is not a code");
        let file = test.split("::").next().unwrap();
        assert!(Path::new(file).exists(), "{test}, which shows {code}, is not there");
    }
}

/// Codes that a zone alone cannot show, and the test that does: `file::test`.
const ELSEWHERE: &[(&str, &str)] = &[
    ("dmarc.not_to_us", "tests/dns/dmarc.rs::whether_the_reports_come_here"),
    ("tls_rpt.not_to_us", "tests/dns/tls_rpt.rs::whether_the_reports_come_here"),
    ("dkim.selector_missing", "tests/dns/dkim.rs::a_configured_selector_must_be_there"),
    ("dkim.reported_selector_missing", "tests/dns/dkim.rs::a_selector_in_recent_reports_must_be_there"),
    ("dkim.revoked_in_use", "tests/dns/dkim.rs::a_selector_in_use_must_not_be_revoked"),
    ("dkim.key_old", "src/health/keys/tests.rs::an_old_key_is_found_by_its_first_day_in_dns"),
    ("dkim.key_aging", "src/health/keys/tests.rs::an_old_key_is_found_by_its_first_day_in_dns"),
    ("dkim.key_shared", "src/health/keys/tests.rs::a_key_in_several_places_is_one_finding"),
    ("dkim.key_shared_by_alias", "src/health/keys/tests.rs::a_key_behind_one_name_is_the_services_choice"),
    ("dkim.key_unused", "src/health/keys/tests.rs::a_key_that_no_report_shows_is_superfluous"),
    ("dkim.key_gone", "src/health/keys/tests.rs::a_key_that_is_gone_while_mail_is_signed_with_it"),
    ("ns.delegation_differs", "tests/dns/ns.rs::a_delegation_that_differs"),
    ("ns.lame", "tests/dns/ns.rs::servers_that_do_not_answer_for_the_zone"),
    ("ns.mx_differs", "tests/dns/ns.rs::servers_that_disagree"),
    ("ns.serials_differ", "tests/dns/ns.rs::servers_that_disagree"),
    ("ns.servers_differ", "tests/dns/ns.rs::servers_that_disagree"),
    ("ns.signatures_differ", "crates/dns/src/ns/check.rs::servers_that_differ_in_signatures"),
    ("ns.silent", "tests/dns/ns.rs::servers_that_do_not_answer_for_the_zone"),
    ("dane.cut", "crates/dns/src/check.rs::what_is_cut_is_said"),
    ("dnsbl.cut", "crates/dns/src/check.rs::what_is_cut_is_said"),
    ("dnssec.cut", "crates/dns/src/check.rs::what_is_cut_is_said"),
    ("ns.cut", "crates/dns/src/check.rs::what_is_cut_is_said"),
    ("reverse.cut", "crates/dns/src/check.rs::what_is_cut_is_said"),
    ("rpki.cut", "crates/dns/src/check.rs::what_is_cut_is_said"),
    ("ns.texts_differ", "tests/dns/ns.rs::servers_that_disagree"),
    ("rpki.mx_invalid", "tests/dns/rpki.rs::roas_and_routes"),
    ("rpki.mx_missing", "tests/dns/rpki.rs::roas_and_routes"),
    ("rpki.ns_invalid", "tests/dns/rpki.rs::roas_and_routes"),
    ("rpki.ns_missing", "tests/dns/rpki.rs::roas_and_routes"),
    ("spf.type_99", "tests/dns/spf.rs::the_old_record_type_is_found"),
    ("dane.certificate_expired", "tests/dns/starttls.rs::certificate_expired"),
    ("dane.certificate_expires_soon", "tests/dns/starttls.rs::certificate_expires_soon"),
    ("dane.certificate_name", "tests/dns/starttls.rs::certificate_name"),
    ("dane.certificate_untrusted", "tests/dns/starttls.rs::certificate_untrusted"),
    ("dane.domain_bogus", "tests/dns/dane.rs::domain_bogus"),
    ("dane.domain_unsigned", "tests/dns/dane.rs::domain_unsigned"),
    ("dane.lookup_bogus", "tests/dns/dane.rs::lookup_bogus"),
    ("dane.lookup_fails", "tests/dns/dane.rs::lookup_fails"),
    ("dane.mismatch", "tests/dns/starttls.rs::mismatch"),
    ("dane.missing", "tests/dns/dane.rs::missing"),
    ("dane.no_rollover", "tests/dns/dane.rs::no_rollover"),
    ("dane.no_usable_record", "tests/dns/dane.rs::no_usable_record"),
    ("dane.not_hashed", "tests/dns/dane.rs::not_hashed"),
    ("dane.not_signed", "tests/dns/dane.rs::not_signed"),
    ("dane.only_sha512", "tests/dns/dane.rs::only_sha512"),
    ("dane.record_unusable", "tests/dns/dane.rs::record_unusable"),
    ("dane.some_hosts", "tests/dns/dane.rs::some_hosts"),
    ("dane.starttls_missing", "tests/dns/starttls.rs::starttls_missing"),
    ("dane.starttls_required", "tests/dns/starttls.rs::starttls_required"),
    ("dane.tls_failed", "tests/dns/starttls.rs::tls_failed"),
    ("dane.tls_old", "tests/dns/starttls.rs::tls_old"),
    ("dane.whole_certificate", "tests/dns/dane.rs::whole_certificate"),
    ("dnssec.bogus", "tests/dns/dnssec.rs::bogus"),
    ("dnssec.denial_unproven", "tests/dns/dnssec.rs::denial_unproven"),
    ("dnssec.expires_soon", "tests/dns/dnssec.rs::expires_soon"),
    ("dnssec.mx_bogus", "tests/dns/dnssec.rs::hosts_of_others"),
    ("dnssec.mx_unsigned", "tests/dns/dnssec.rs::hosts_of_others"),
    ("dnssec.no_chain", "tests/dns/dnssec.rs::no_chain"),
    ("dnssec.no_matching_key", "tests/dns/dnssec.rs::no_matching_key"),
    ("dnssec.nsec3_iterations", "tests/dns/dnssec.rs::nsec3_iterations"),
    ("dnssec.sha1_ds", "tests/dns/dnssec.rs::sha1_ds"),
    ("dnssec.signatures_expired", "tests/dns/dnssec.rs::signatures_expired"),
    ("dnssec.signatures_missing", "tests/dns/dnssec.rs::signatures_missing"),
    ("dnssec.stale_ds", "tests/dns/dnssec.rs::stale_ds"),
    ("dnssec.unknown_algorithm", "tests/dns/dnssec.rs::unknown_algorithm"),
    ("dnssec.unsigned", "tests/dns/dnssec.rs::unsigned"),
    ("dnssec.weak_algorithm", "tests/dns/dnssec.rs::weak_algorithm"),
];

fn directive(zone: &str, directive: &str) -> Option<String> {
    zone.lines().find_map(|line| line.strip_prefix(directive)).map(|rest| rest.trim().to_owned())
}

/// Every case: its name and its zone.
pub(crate) fn files() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dns/cases");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "zone"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}
