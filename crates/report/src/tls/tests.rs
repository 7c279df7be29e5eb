//! Properties of the reader.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{TlsReport, read};
use crate::Limits;

proptest! {
    #[test]
    fn any_bytes_may_come(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        drop(read([b"{\"policies\":".as_slice(), &bytes].concat().as_slice(), &Limits::default()));
    }

    #[test]
    fn any_json_may_come(value in json_value()) {
        let document = json!({
            "report-id": "1", "policies": value, "date-range": value, "organization-name": value,
        });
        let read = read(document.to_string().as_bytes(), &Limits::default());
        // Whatever is odd about a value, the report around it is read, but for counts that cannot be.
        prop_assert!(read.map_or_else(|error| error.code() != "malformed_json", |_| true));
    }

    #[test]
    fn what_is_written_is_read(policies in proptest::collection::vec(policy(), 0..4)) {
        let document = |policies: &[Value]| {
            let (start, end) = ("2026-01-01T00:00:00Z", "2026-01-01T23:59:59Z");
            let range = json!({ "start-datetime": start, "end-datetime": end });
            json!({ "report-id": "1", "organization-name": "x", "date-range": range, "policies": policies })
        };
        let all = document(&policies);
        let report = read(all.to_string().as_bytes(), &Limits::default()).unwrap();
        let pretty = read(serde_json::to_vec_pretty(&all).unwrap().as_slice(), &Limits::default()).unwrap();
        prop_assert_eq!(&report, &pretty);
        let sum = |path: &str| -> u64 {
            policies.iter().filter_map(|policy| policy.pointer(path)?.as_u64()).sum()
        };
        let successful: u64 = report.policies.iter().filter_map(|policy| policy.successful).sum();
        let failed: u64 = report.policies.iter().filter_map(|policy| policy.failed).sum();
        prop_assert_eq!(successful, sum("/summary/total-successful-session-count"));
        prop_assert_eq!(failed, sum("/summary/total-failure-session-count"));
        let details: usize = report.policies.iter().map(|policy| policy.failures.len()).sum();
        let written = policies.iter().filter_map(|policy| policy["failure-details"].as_array()).map(Vec::len);
        prop_assert_eq!(details, written.sum::<usize>());
        // The order of policies is no content; their number is.
        let reversed: Vec<_> = policies.iter().rev().cloned().collect();
        let reversed = read(document(&reversed).to_string().as_bytes(), &Limits::default()).unwrap();
        prop_assert_eq!(report.content_hash(), reversed.content_hash());
        let shorter = policies.get(1..).unwrap_or_default();
        let shorter = read(document(shorter).to_string().as_bytes(), &Limits::default()).unwrap();
        prop_assert_eq!(report.content_hash() == shorter.content_hash(), policies.is_empty());
    }
}

#[test]
fn limits_are_named() {
    let limits = Limits { tls_bytes: 200, tls_entries: 3, ..Limits::default() };
    let code =
        |document: String| read(document.as_bytes(), &limits).map_or_else(|error| error.code(), |_| "read");
    let with = |policies: &str| format!("{{\"report-id\":\"1\",\"policies\":[{policies}]}}");
    assert_eq!(code(with("{},{},{}")), "read");
    assert_eq!(code(with("{},{\"failure-details\":[{}]}")), "read");
    assert_eq!(code(with("{},{},{},{}")), "limit_tls_entries");
    assert_eq!(code(with("{},{\"failure-details\":[{},{}]}")), "limit_tls_entries");
    let room = 200 - with("").len();
    assert_eq!(code(with(&" ".repeat(room))), "read");
    assert_eq!(code(with(&" ".repeat(room + 1))), "limit_tls_bytes");
    assert_eq!(code(with(&"[".repeat(140))), "malformed_json");
}

#[test]
fn the_content_hash_stays_what_it_is() {
    // Hashes are stored: when this fails, the encoding changed, which it must not.
    let document = include_bytes!("../../../../tests/fixtures/report/tls/sts.json").as_slice();
    let hash = read(document, &Limits::default()).unwrap().content_hash();
    assert_eq!(format!("{hash:032x}"), PINNED);
}

fn policy() -> impl Strategy<Value = Value> {
    let detail = ("[a-z-]{1,9}", any::<u16>())
        .prop_map(|(result, count)| json!({ "result-type": result, "failed-session-count": count }));
    let details = proptest::collection::vec(detail, 0..3);
    ("[a-z.]{1,9}", 0..=1_000_000_000_u32, 0..=1_000_000_000_u32, details).prop_map(
        |(domain, successful, failed, details)| {
            json!({
                "policy": { "policy-type": "sts", "policy-domain": domain },
                "summary": {
                    "total-successful-session-count": successful,
                    "total-failure-session-count": failed,
                },
                "failure-details": details,
            })
        },
    )
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<f32>().prop_map(Value::from),
        "[a-z0-9:T\\[\"-]{0,12}".prop_map(Value::from),
    ];
    let names = prop::sample::select(vec![
        "policy",
        "summary",
        "failure-details",
        "policy-type",
        "policy-string",
        "mx-host",
        "result-type",
        "failed-session-count",
        "total-failure-session-count",
        "start-datetime",
        "receiving-ip",
        "x",
    ]);
    leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((names.clone(), inner), 0..5).prop_map(|members| members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect()),
        ]
    })
}

/// The content hash of the fixture `sts.json`.
const PINNED: &str = "8a2d0cc581ca79c0acb3b6421d4f4b22";

#[test]
fn counts_beyond_any_real_day_are_refused() {
    let code = |successful: &str, failed: &str, details: &str| {
        let document = format!(
            r#"{{"organization-name":"a","report-id":"b","policies":[{{"summary":{{"total-successful-session-count":{successful},
            "total-failure-session-count":{failed}}},"failure-details":[{{"failed-session-count":{details}}}]}}]}}"#
        );
        read(document.as_bytes(), &Limits::default()).map_or_else(|error| error.code(), |_| "read")
    };
    assert_eq!(code("1000000000", "1000000000", "\"1000000000\""), "read");
    for count in ["1000000001", "\"9223372036854775807\"", "18446744073709551615", "1e300"] {
        assert_eq!(code(count, "0", "0"), "count_implausible", "{count}");
        assert_eq!(code("0", count, "0"), "count_implausible", "{count}");
        assert_eq!(code("0", "0", count), "count_implausible", "{count}");
    }
    for count in ["-1", "-0.5", "\"-0.5\"", "-1e-5", "\"-1e-5\"", "\"-1e-400\"", "-1.5e300"] {
        assert_eq!(code(count, "0", "0"), "negative_count", "{count}");
        assert_eq!(code("0", "0", count), "negative_count", "{count}");
    }
    let many = r#"{"summary":{"total-successful-session-count":1000000000}},"#.repeat(11);
    let document = format!(r#"{{"report-id":"b","policies":[{}]}}"#, many.trim_end_matches(','));
    assert_eq!(read(document.as_bytes(), &Limits::default()).unwrap_err().code(), "count_implausible");
}

#[test]
fn a_policy_is_about_the_domain_that_the_mail_announces() {
    let domain = |announced: Option<&str>, policy: &str| {
        let document = format!(r#"{{"organization-name":"a","report-id":"b","policies":[{policy}]}}"#);
        let report = read(document.as_bytes(), &Limits::default()).unwrap();
        let report = TlsReport { announced_domain: announced.map(str::to_owned), ..report };
        report.domain_of(&report.policies[0])
    };
    let announced = Some("example.com");
    let none = r#"{"policy":{"policy-type":"no-policy-found"}}"#;
    let dane = r#"{"policy":{"policy-type":"tlsa","policy-domain":"mx1.hoster.example"}}"#;
    let host = r#"{"policy":{"policy-type":"no-policy-found","policy-domain":"MX1.hoster.example"},
        "failure-details":[{"receiving-mx-hostname":"mx1.hoster.example."}]}"#;
    let sts = r#"{"policy":{"policy-type":"sts","policy-domain":"Shop.Example.com.","mx-host":["mx.example.net"]}}"#;
    for policy in [none, dane, host] {
        assert_eq!(domain(announced, policy).as_deref(), announced, "{policy}");
    }
    assert_eq!(domain(announced, sts).as_deref(), Some("shop.example.com"));
    assert_eq!(domain(None, none), None);
    assert_eq!(domain(None, dane).as_deref(), Some("mx1.hoster.example"));
    assert_eq!(domain(None, host).as_deref(), Some("mx1.hoster.example"));
}

#[test]
fn the_folded_hash_knows_one_spelling_of_names() {
    let report = |id: &str, domain: &str, mx_host: &str, hostname: &str| {
        let document = format!(
            r#"{{"organization-name":"a","report-id":"{id}","policies":[{{"policy":{{"policy-type":"sts",
            "policy-domain":"{domain}","mx-host":["{mx_host}"]}},"failure-details":[{{"result-type":"sts-webpki-invalid",
            "receiving-mx-hostname":"{hostname}"}}]}}]}}"#
        );
        read(document.as_bytes(), &Limits::default()).unwrap()
    };
    let plain = report("r1", "example.com", "*.example.com", "mx.example.com");
    assert_eq!(plain.content_hash(), plain.folded_hash());
    for other in [
        report("R1", "example.com", "*.example.com", "mx.example.com"),
        report("r1", "Example.com.", "*.example.com", "mx.example.com"),
        report("r1", "example.com", "*.Example.com", "mx.example.com"),
        report("r1", "example.com", "*.example.com", "MX.example.com."),
    ] {
        assert_ne!(other.content_hash(), plain.folded_hash());
        assert_eq!(other.folded_hash(), plain.folded_hash());
    }
    let other = report("r1", "example.org", "*.example.com", "mx.example.com");
    assert_ne!(other.folded_hash(), plain.folded_hash());
}
