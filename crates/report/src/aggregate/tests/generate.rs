//! Reports made up, and all the ways to write one down.

use std::fmt::Write;

use proptest::prelude::*;
use serde_json::{Value, json};

/// A report to be written down.
#[derive(Clone, Debug)]
pub(super) struct Report {
    metadata: Vec<(&'static str, String)>,
    range: (i64, i64),
    policy: Vec<(&'static str, String)>,
    records: Vec<Record>,
}

#[derive(Clone, Debug)]
struct Record {
    address: String,
    count: u32,
    evaluated: Vec<(&'static str, String)>,
    reasons: Vec<Vec<(&'static str, String)>>,
    identifiers: Vec<(&'static str, String)>,
    dkim: Vec<Vec<(&'static str, String)>>,
    spf: Vec<Vec<(&'static str, String)>>,
}

impl Report {
    /// What should come out of the records, sorted by how they look.
    pub(super) fn expected_records(&self) -> Value {
        let mut records: Vec<Value> = self.records.iter().map(Record::expected).collect();
        records.sort_by_key(Value::to_string);
        records.into()
    }

    /// What makes two reports the same.
    pub(super) fn content(&self) -> String {
        let mut records: Vec<_> = self.records.iter().map(|record| record.expected().to_string()).collect();
        records.sort();
        let mut members = [self.metadata.clone(), self.policy.clone()];
        for members in &mut members {
            members.sort();
        }
        format!("{members:?} {:?} {records:?}", self.range)
    }
}

impl Record {
    fn expected(&self) -> Value {
        let get = |members: &[(&'static str, String)], name: &str| {
            members.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
        };
        let each = |lists: &[Vec<(&'static str, String)>], names: &[&'static str]| {
            let object = |members: &Vec<_>| {
                names.iter().map(|name| ((*name).to_owned(), json!(get(members, name)))).collect::<Value>()
            };
            lists.iter().map(object).collect::<Vec<_>>()
        };
        json!({
            "source_ip": self.address,
            "count": self.count,
            "disposition": get(&self.evaluated, "disposition"),
            "dkim": get(&self.evaluated, "dkim"),
            "spf": get(&self.evaluated, "spf"),
            "reasons": each(&self.reasons, &["type", "comment"]),
            "header_from": get(&self.identifiers, "header_from"),
            "envelope_from": get(&self.identifiers, "envelope_from"),
            "envelope_to": get(&self.identifiers, "envelope_to"),
            "dkim_results": each(&self.dkim, &["domain", "selector", "result", "human_result"]),
            "spf_results": each(&self.spf, &["domain", "scope", "result", "human_result"]),
        })
    }
}

/// Any report; each value may be missing.
pub(super) fn report() -> impl Strategy<Value = Report> {
    let metadata = members(vec![("org_name", text()), ("email", text()), ("report_id", text())]);
    let policy = members(vec![
        ("domain", text()),
        ("p", word(&["none", "quarantine", "reject"])),
        ("sp", word(&["none", "quarantine", "reject"])),
        ("adkim", word(&["r", "s"])),
        ("fo", word(&["0", "1", "d:s"])),
        ("testing", word(&["y", "n"])),
    ]);
    let records = proptest::collection::vec(record(), 1..5);
    (metadata, any::<(i64, i64)>(), policy, records).prop_map(|(metadata, range, policy, records)| Report {
        metadata,
        range,
        // With one policy value at least it is not empty, and a reader may not tell it from none.
        policy,
        records,
    })
}

fn record() -> impl Strategy<Value = Record> {
    let address = prop_oneof![
        any::<std::net::Ipv4Addr>().prop_map(|address| address.to_string()),
        any::<std::net::Ipv6Addr>().prop_map(|address| address.to_string()),
    ];
    let evaluated = members(vec![
        ("disposition", word(&["none", "quarantine", "reject", "pass"])),
        ("dkim", word(&["pass", "fail"])),
        ("spf", word(&["pass", "fail"])),
    ]);
    let reason = members(vec![("type", word(&["local_policy", "other", "forwarded"])), ("comment", text())]);
    let identifiers =
        members(vec![("header_from", text()), ("envelope_from", text()), ("envelope_to", text())]);
    let dkim = members(vec![
        ("domain", text()),
        ("selector", text()),
        ("result", word(&["pass", "fail", "temperror"])),
        ("human_result", text()),
    ]);
    let spf = members(vec![
        ("domain", text()),
        ("scope", word(&["helo", "mfrom"])),
        ("result", word(&["pass", "softfail", "none"])),
        ("human_result", text()),
    ]);
    let some = |of: BoxedStrategy<Vec<(&'static str, String)>>| {
        let filled = of.prop_filter("an entry without values is none", |members| !members.is_empty());
        proptest::collection::vec(filled, 0..3)
    };
    (address, 0..=1_000_000_000_u32, evaluated, some(reason), identifiers, some(dkim), some(spf)).prop_map(
        |(address, count, evaluated, reasons, identifiers, dkim, spf)| Record {
            address,
            count,
            evaluated,
            reasons,
            identifiers,
            dkim,
            spf,
        },
    )
}

/// Some of the members.
fn members(of: Vec<(&'static str, BoxedStrategy<String>)>) -> BoxedStrategy<Vec<(&'static str, String)>> {
    let each: Vec<_> = of
        .into_iter()
        .map(|(name, value)| {
            proptest::option::of(value).prop_map(move |value| value.map(|value| (name, value)))
        })
        .collect();
    each.prop_map(|members| members.into_iter().flatten().collect()).boxed()
}

fn text() -> BoxedStrategy<String> {
    let any = "[a-zA-Z0-9.@&<>\"'/;#=é€ -]{1,20}".prop_map(|text| text.trim().to_owned());
    any.prop_filter("an empty value is none", |text| !text.is_empty()).boxed()
}

fn word(of: &'static [&'static str]) -> BoxedStrategy<String> {
    prop::sample::select(of).prop_map(str::to_owned).boxed()
}

/// A way to write a report down.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    encoding: Encoding,
    between: &'static str,
    around: &'static str,
    prefix: &'static str,
    attributes: &'static str,
    upper_tags: bool,
    upper_words: bool,
    cdata: bool,
    extras: &'static str,
    reversed: bool,
}

#[derive(Clone, Copy, Debug)]
enum Encoding {
    Utf8,
    Utf8WithMark,
    Utf16Be,
    Utf16LeWithMark,
    Windows1252,
}

impl Arbitrary for Layout {
    type Parameters = ();
    type Strategy = BoxedStrategy<Self>;

    fn arbitrary_with((): ()) -> Self::Strategy {
        let encodings = vec![
            Encoding::Utf8,
            Encoding::Utf8,
            Encoding::Utf8WithMark,
            Encoding::Utf16Be,
            Encoding::Utf16LeWithMark,
            Encoding::Windows1252,
        ];
        let select = |of: &[&'static str]| prop::sample::select(of.to_vec());
        let texts = (
            select(&["", "\n", "\r\n    ", "\t"]),
            select(&["", "", " ", "\n\t", "<!-- c > d -->"]),
            select(&["", "", "ns1:"]),
            select(&["", "", " lang='en'", "\n a=\"1\" b = '>'"]),
            select(&[
                "",
                "",
                "<x/>",
                "<x:y z='1'>t<count>9</count></x:y>",
                "<!-- <count>1</count> -->",
                "<?pi a?>",
                "<e:row xmlns:e='urn:example:e'><e:source_ip>203.0.113.7</e:source_ip><e:count>9</e:count></e:row>",
                "<count xmlns='urn:example:e'>9<count>9</count></count>",
                "<e:record xmlns:e='urn:example:e' xmlns=\"\"><row><count>9</count></row></e:record>",
                "<e:auth_results xmlns:e='urn:example:e'><dkim><domain>a</domain></dkim></e:auth_results>",
                "<undeclared:domain>a.example</undeclared:domain>",
            ]),
        );
        (prop::sample::select(encodings), texts, any::<[bool; 4]>())
            .prop_map(
                |(
                    encoding,
                    (between, around, prefix, attributes, extras),
                    [tags, words, cdata, reversed],
                )| Self {
                    encoding,
                    between,
                    around,
                    prefix,
                    attributes,
                    upper_tags: tags,
                    upper_words: words,
                    cdata,
                    extras,
                    reversed,
                },
            )
            .boxed()
    }
}

impl Layout {
    /// The bytes of the document.
    pub(super) fn render(&self, report: &Report) -> Vec<u8> {
        let label = match self.encoding {
            Encoding::Utf8 | Encoding::Utf8WithMark => "UTF-8",
            Encoding::Utf16Be | Encoding::Utf16LeWithMark => "UTF-16",
            Encoding::Windows1252 => "windows-1252",
        };
        let mut out = format!("<?xml version=\"1.0\" encoding=\"{label}\"?>{}", self.between);
        let (begin, end) = (report.range.0.to_string(), report.range.1.to_string());
        let metadata = [
            self.values(&report.metadata),
            self.section("date_range", &[self.value("begin", &begin), self.value("end", &end)]),
        ];
        let mut sections = vec![
            self.section("report_metadata", &metadata),
            self.section("policy_published", &[self.values(&report.policy)]),
        ];
        sections.extend(report.records.iter().map(|record| self.record(record)));
        out += &self.section("feedback", &sections);
        match self.encoding {
            Encoding::Utf8 => out.into_bytes(),
            Encoding::Utf8WithMark => [b"\xef\xbb\xbf", out.as_bytes()].concat(),
            Encoding::Utf16Be => out.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            Encoding::Utf16LeWithMark => {
                [0xfeff].into_iter().chain(out.encode_utf16()).flat_map(u16::to_le_bytes).collect()
            }
            Encoding::Windows1252 => encoding_rs::WINDOWS_1252.encode(&out).0.into_owned(),
        }
    }

    fn record(&self, record: &Record) -> String {
        let mut evaluated = vec![self.values(&record.evaluated)];
        evaluated.extend(record.reasons.iter().map(|reason| self.section("reason", &[self.values(reason)])));
        let row = [
            self.value("source_ip", &record.address),
            self.value("count", &record.count.to_string()),
            self.section("policy_evaluated", &evaluated),
        ];
        let mut results: Vec<_> =
            record.dkim.iter().map(|dkim| self.section("dkim", &[self.values(dkim)])).collect();
        results.extend(record.spf.iter().map(|spf| self.section("spf", &[self.values(spf)])));
        self.section(
            "record",
            &[
                self.section("row", &row),
                self.section("identifiers", &[self.values(&record.identifiers)]),
                // The order of these means something.
                Self { reversed: false, ..self.clone() }.section("auth_results", &results),
            ],
        )
    }

    fn section(&self, name: &str, parts: &[String]) -> String {
        let mut inside = self.extras.to_owned();
        // Reasons have an order too, so their parent is never turned round.
        let reversed = self.reversed && name != "policy_evaluated";
        let parts: Vec<_> = if reversed { parts.iter().rev().collect() } else { parts.iter().collect() };
        for part in parts {
            inside += self.between;
            inside += part;
        }
        self.element(name, &(inside + self.between))
    }

    fn values(&self, members: &[(&'static str, String)]) -> String {
        members.iter().map(|(name, value)| self.value(name, value)).collect::<Vec<_>>().join(self.between)
    }

    fn value(&self, name: &str, value: &str) -> String {
        let is_word = !matches!(name, "org_name" | "email" | "report_id" | "domain" | "selector" | "comment")
            && !matches!(
                name,
                "human_result" | "header_from" | "envelope_from" | "envelope_to" | "source_ip"
            );
        let value = if is_word && self.upper_words { value.to_ascii_uppercase() } else { value.to_owned() };
        let text = if self.cdata {
            format!("<![CDATA[{value}]]>")
        } else {
            let mut text = String::new();
            for character in value.chars() {
                match character {
                    '<' => text += "&lt;",
                    '>' => text += "&gt;",
                    '&' => text += "&#38;",
                    '"' => text += "&#x22;",
                    character => write!(text, "{character}").unwrap(),
                }
            }
            text
        };
        self.element(name, &format!("{}{text}{}", self.around, self.around))
    }

    fn element(&self, name: &str, inside: &str) -> String {
        let name = if self.upper_tags { name.to_ascii_uppercase() } else { name.to_owned() };
        format!("<{prefix}{name}{}>{inside}</{prefix}{name}>", self.attributes, prefix = self.prefix)
    }
}
