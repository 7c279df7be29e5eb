//! The public RFC 7208 test suite, every test of it, against a real name server.

use std::{collections::HashMap, fs, net::IpAddr, path::Path};

use futures_util::future::join_all;
use hickory_server::proto::rr::{
    Name, RData, Record,
    rdata::{A, AAAA, CNAME, MX, PTR, TXT},
};
use ruad_dns::spf::{Client, check_host};
use serde::Deserialize;
use serde_json::Value;

use crate::server::Dns;

#[derive(Deserialize)]
struct Scenario {
    description: String,
    tests: HashMap<String, Test>,
    zonedata: HashMap<String, Vec<Value>>,
}

#[derive(Deserialize)]
struct Test {
    helo: String,
    host: IpAddr,
    mailfrom: String,
    result: Value,
    explanation: Option<String>,
}

#[tokio::test]
async fn every_test_of_the_suite_passes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/spf/rfc7208-tests.json");
    let scenarios: Vec<Scenario> = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let results = join_all(scenarios.iter().map(run)).await;
    let wrong: Vec<_> = results.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(scenarios.iter().map(|scenario| scenario.tests.len()).sum::<usize>(), 203);
}

/// What differs in a scenario.
async fn run(scenario: &Scenario) -> Vec<String> {
    let mut wrong = Vec::new();
    let (records, mute) = zone(&scenario.zonedata);
    let dns = Dns::serve_records(records, mute).await;
    let resolver = dns.resolver();
    for (name, test) in &scenario.tests {
        let (domain, sender) = match test.mailfrom.rsplit_once('@') {
            Some((_, domain)) => (domain, test.mailfrom.clone()),
            // Without a sender the HELO identity is checked (RFC 7208 section 2.4).
            None => (test.helo.as_str(), format!("postmaster@{}", test.helo)),
        };
        let client = Client {
            address: test.host,
            helo: &test.helo,
            sender: &sender,
            receiver: "receiver.example",
            time: 1_700_000_000,
        };
        let evaluation = check_host(&resolver, domain, &client).await;
        let allowed = match &test.result {
            Value::String(one) => vec![one.as_str()],
            Value::Array(several) => several.iter().map(|one| one.as_str().unwrap()).collect(),
            other => panic!("{name}: {other}"),
        };
        // Without words of its own a domain gives none, which the suite calls DEFAULT.
        let explanation = evaluation.explanation.as_deref().unwrap_or("DEFAULT");
        let is_explained = test.explanation.as_deref().is_none_or(|expected| expected == explanation);
        if !allowed.contains(&evaluation.verdict.name()) || !is_explained {
            let expected = (allowed, &test.explanation);
            wrong.push(format!("{} / {name}: not {expected:?} but {evaluation:?}", scenario.description));
        }
    }
    wrong
}

/// The records of a scenario. What it calls SPF stands for TXT where a name has no TXT of its own (the suite's head).
fn zone(data: &HashMap<String, Vec<Value>>) -> (Vec<Record>, Vec<Name>) {
    let mut records = Vec::new();
    let mut mute = Vec::new();
    for (name, entries) in data {
        let name = raw_name(name);
        let has_txt = entries.iter().any(|entry| entry.get("TXT").is_some());
        for entry in entries {
            let Some((kind, value)) = entry.as_object().and_then(|entry| entry.iter().next()) else {
                assert_eq!(entry, "TIMEOUT");
                // A name that answers for TXT is only slow for the type SPF, which is not asked for.
                if !entries.iter().any(|entry| entry.get("TXT").is_some_and(|value| value != "NONE")) {
                    mute.push(name.clone());
                }
                continue;
            };
            let text = value.as_str().unwrap_or_default();
            let data = match kind.as_str() {
                "SPF" if has_txt => continue,
                "TXT" if text == "NONE" => continue,
                "SPF" | "TXT" => match strings(value) {
                    // A TXT without strings cannot be sent.
                    strings if strings.is_empty() => continue,
                    strings => RData::TXT(TXT::from_bytes(strings.iter().map(Vec::as_slice).collect())),
                },
                "A" => RData::A(A(text.parse().unwrap())),
                "AAAA" => RData::AAAA(AAAA(text.parse().unwrap())),
                "CNAME" => RData::CNAME(CNAME(raw_name(text))),
                "PTR" => RData::PTR(PTR(raw_name(text))),
                "MX" => {
                    let preference = value[0].as_u64().unwrap().try_into().unwrap();
                    RData::MX(MX::new(preference, raw_name(value[1].as_str().unwrap())))
                }
                other => panic!("{name}: {other}"),
            };
            records.push(Record::from_rdata(name.clone(), 60, data));
        }
    }
    (records, mute)
}

/// Bytes are written as the first 256 characters of Unicode.
fn strings(value: &Value) -> Vec<Vec<u8>> {
    let bytes = |text: &Value| text.as_str().unwrap().chars().map(|c| u8::try_from(c).unwrap()).collect();
    match value {
        Value::Array(strings) => strings.iter().map(bytes).collect(),
        string => vec![bytes(string)],
    }
}

fn raw_name(text: &str) -> Name {
    let labels = text.trim_end_matches('.').split('.').filter(|label| !label.is_empty()).map(str::as_bytes);
    Name::from_labels(labels).unwrap()
}
