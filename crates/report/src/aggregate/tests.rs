//! Properties of the reader: what may differ without a difference, and that nothing brings it down.

mod generate;

use std::io::{self, BufRead, Read};

use proptest::prelude::*;
use serde_json::{Value, json};

use self::generate::{Layout, report};
use super::{PIECE, read, read_in};
use crate::{Limits, ReportError};

proptest! {
    #[test]
    fn the_layout_makes_no_difference(report in report(), one in any::<Layout>(), other in any::<Layout>()) {
        let (mut first, mut second) = (all(&one.render(&report)), all(&other.render(&report)));
        // The order of records is part of the layout too.
        for read in [&mut first, &mut second] {
            if let Some(records) = read["records"].as_array_mut() {
                records.sort_by_key(Value::to_string);
            }
            read["extensions"] = Value::Null;
            read["warnings"] = Value::Null;
        }
        prop_assert_eq!(&first["records"], &report.expected_records());
        prop_assert_eq!(first, second);
    }

    #[test]
    fn other_content_has_another_hash(one in report(), other in report(), layout in any::<Layout>()) {
        let hash = |report| all(&layout.render(report))["content_hash"].clone();
        prop_assert_eq!(hash(&one) == hash(&other), one.content() == other.content());
    }

    #[test]
    fn pieces_make_no_difference(document in document(), size in 1_usize..200) {
        let whole = outcome(document.as_slice(), PIECE, true);
        prop_assert_eq!(difference(&outcome(document.as_slice(), size, true), &whole), None);
        prop_assert_eq!(difference(&outcome(Trickle::new(&document, size), PIECE, true), &whole), None);
        prop_assert_eq!(difference(&outcome(Trickle::new(&document, 1), size, true), &whole), None);
    }

    #[test]
    fn the_plain_way_is_the_long_way(document in document(), size in 1_usize..200) {
        let short = outcome(document.as_slice(), size, true);
        let long = outcome(document.as_slice(), size, false);
        prop_assert_eq!(difference(&short, &long), None);
    }

    #[test]
    fn a_cut_is_never_whole(report in report(), layout in any::<Layout>(), at in 0.0..1.0_f64) {
        let document = layout.render(&report);
        #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]
        let at = (document.len() as f64 * at) as usize;
        let cut = document.get(..at).unwrap_or_default();
        if let Ok(read) = outcome(cut, PIECE, true) {
            // Only the end of the root may be missing, of which everything is known: no record is.
            let whole = all(&document);
            let records = |of: &Value| of["records"].as_array().map(Vec::len);
            prop_assert!(records(&read) <= records(&whole));
            let told = read["warnings"].to_string().contains("feedback_unclosed");
            prop_assert!(told || read == whole);
        }
    }

    #[test]
    fn any_bytes_may_come(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        drop(outcome(bytes.as_slice(), 64, true));
    }
}

#[test]
fn limits_are_named() {
    let limits = Limits { depth: 5, attributes: 3, text_bytes: 100, record_bytes: 400, ..Limits::default() };
    let code = |document: String| {
        let read = |piece| read_in(document.as_bytes(), &limits, piece, true, &mut |_| {});
        let (small, large) = (read(16), read(PIECE));
        let code = |read: Result<_, ReportError>| read.map_or_else(|error| error.code(), |_| "read");
        let (small, large) = (code(small), code(large));
        assert_eq!(small, large, "{document}");
        large
    };
    let with = |inside: &str| format!("<feedback>{inside}</feedback>");
    let long = "x".repeat(101);
    assert_eq!(code(with("<a><a><a><a/></a></a></a>")), "read");
    assert_eq!(code(with("<a><a><a><a><a/></a></a></a></a>")), "limit_depth");
    assert_eq!(code(with("<record><row><policy_evaluated><reason><type/></reason>")), "limit_depth");
    assert_eq!(code(with("<a b='' c='' d='='/>")), "read");
    assert_eq!(code(with("<a b='' c='' d='' e=''/>")), "limit_attributes");
    assert_eq!(code(with(&format!("<version>{long}</version>"))), "limit_text_bytes");
    assert_eq!(code(with(&format!("<version>{}</version>", "&lt;x".repeat(60)))), "limit_text_bytes");
    assert_eq!(code(with(&format!("<version>{}</version>", "x>".repeat(60)))), "limit_text_bytes");
    assert_eq!(code(with(&" ".repeat(101))), "limit_text_bytes");
    assert_eq!(code(with(&format!("<unknown>{long}</unknown>"))), "limit_text_bytes");
    assert_eq!(code(with(&format!("<{long}/>"))), "limit_text_bytes");
    assert_eq!(code(with(&format!("<version a='{long}'/>"))), "limit_text_bytes");
    assert_eq!(code(with(&format!("<!--{long}-->"))), "limit_text_bytes");
    assert_eq!(code(with(&format!("<?x {long}?>"))), "limit_text_bytes");
    assert_eq!(code(with(&format!("<?x {long}>"))), "limit_text_bytes");
    assert_eq!(code(with(&format!("<![CDATA[{long}]]>"))), "limit_text_bytes");
    assert_eq!(code(with(&format!("</{long}>"))), "limit_text_bytes");
    let errors = format!("<error>{}</error>", "x".repeat(90)).repeat(5);
    assert_eq!(code(with(&format!("<report_metadata>{errors}</report_metadata>"))), "limit_record_bytes");
    let comments =
        format!("<identifiers>{}</identifiers>", "<header_from>xxxxxxxxx</header_from>".repeat(50));
    assert_eq!(code(with(&format!("<record>{comments}</record>"))), "limit_record_bytes");
    assert_eq!(code(format!("{long}<feedback/>")), "not_a_report");
}

#[test]
fn lists_of_a_record_are_cut_with_a_word() {
    let limits = Limits { dkim_results: 2, spf_results: 1, reasons: 0, ..Limits::default() };
    let document = format!(
        "<feedback><record><row><source_ip>192.0.2.1</source_ip><count>1</count>\
         <policy_evaluated>{}</policy_evaluated></row><auth_results>{}{}</auth_results></record></feedback>",
        "<reason><type>other</type></reason>",
        "<dkim><result>pass</result></dkim>".repeat(3),
        "<spf><result>pass</result></spf>".repeat(3),
    );
    let mut seen = (0, 0, 0);
    let report = read(document.as_bytes(), &limits, |record| {
        seen = (record.dkim_results().len(), record.spf_results().len(), record.reasons().len());
    })
    .unwrap();
    assert_eq!(seen, (2, 1, 0));
    let told = |code| report.warnings.iter().filter(|warning| warning.code == code).count();
    assert_eq!(told("dkim_result_left_out"), 1);
    assert_eq!(told("spf_result_left_out"), 2);
    assert_eq!(told("reason_left_out"), 1);
}

#[test]
fn what_looks_like_tags_again_and_again_is_given_up() {
    // Each "<" opens a quote, so that each is looked at to the end of the piece.
    let document = format!("<feedback><email>{}", "<a ' ".repeat(200_000));
    let error =
        read(document.as_bytes(), &Limits { text_bytes: 1 << 30, ..Limits::default() }, |_| {}).unwrap_err();
    assert_eq!(error.code(), "malformed_xml");
}

#[test]
fn an_error_of_the_input_comes_through() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("unpacked too much"))
        }
    }
    let start = b"<feedback><report_metadata>".as_slice();
    let error = read(io::BufReader::new(start.chain(Broken)), &Limits::default(), |_| {}).unwrap_err();
    assert_eq!(error.code(), "io");
    assert!(error.to_string().contains("unpacked too much"));
}

#[test]
fn the_content_hash_stays_what_it_is() {
    // Hashes are stored: when this fails, the encoding changed, which it must not.
    let document = include_str!("../../../../tests/fixtures/report/aggregate/rfc7489.xml");
    let hash = read(document.as_bytes(), &Limits::default(), |_| {}).unwrap().content_hash;
    assert_eq!(format!("{hash:032x}"), PINNED);
    // And its pieces, put together by hand as the documentation says.
    let document = "<feedback><version>1.0</version>\
                    <record><row><source_ip>192.0.2.1</source_ip><count>2</count></row>\
                    <identifiers><header_from>a.example</header_from></identifiers></record></feedback>";
    let hash = read(document.as_bytes(), &Limits::default(), |_| {}).unwrap().content_hash;
    let missing = |count: usize| vec![0_u8; 4 * count];
    let mut record = b"\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\x02\x01\x02\0\0\0\0\0\0\0".to_vec();
    record.extend(missing(3));
    record.extend(b"\x0a\0\0\0a.example");
    record.extend(missing(2 + 3));
    let mut report = b"\x01\x04\0\0\x001.0".to_vec();
    report.extend(missing(4));
    report.extend(b"\0\0");
    report.extend(missing(1 + 1 + 6));
    report.extend(b"\0");
    report.extend(missing(3));
    report.extend(1_u64.to_le_bytes());
    report.extend(xxhash_rust::xxh3::xxh3_128(&record).to_le_bytes());
    assert_eq!(hash, xxhash_rust::xxh3::xxh3_128(&report));
}

/// Everything that came of a document. Errors are all the same: which one comes first may depend on the
/// pieces.
fn outcome(input: impl BufRead, piece: usize, by_hand: bool) -> Result<Value, &'static str> {
    let mut records = Vec::new();
    let limits = Limits { text_bytes: 2_000, ..Limits::default() };
    let read = read_in(input, &limits, piece, by_hand, &mut |record| {
        records.push(serde_json::to_value(record).unwrap());
    });
    let report = read.map_err(|_| "refused")?;
    let mut value = serde_json::to_value(&report).unwrap();
    value["records"] = records.into();
    value["format"] = json!(report.format);
    value["warnings"] = json!(report.warnings);
    value["content_hash"] = report.content_hash.to_string().into();
    Ok(value)
}

/// The first lines that differ.
fn difference(
    one: &Result<Value, &'static str>,
    other: &Result<Value, &'static str>,
) -> Option<(String, String)> {
    let lines = |of| serde_json::to_string_pretty(of).unwrap();
    let (one, other) = (lines(one), lines(other));
    let differs = one.lines().zip(other.lines()).find(|(one, other)| one != other);
    differs
        .map(|(one, other)| (one.to_owned(), other.to_owned()))
        .or((one != other).then_some((one.clone(), other)))
}

/// Everything that came of a document that can be read.
fn all(document: &[u8]) -> Value {
    match outcome(document, PIECE, true) {
        Ok(value) => value,
        Err(error) => panic!("{error}: {}", document.escape_ascii()),
    }
}

/// Gives so many bytes at a time, and is interrupted before each.
struct Trickle<'a> {
    rest: &'a [u8],
    size: usize,
    interrupted: bool,
}

impl<'a> Trickle<'a> {
    fn new(rest: &'a [u8], size: usize) -> Self {
        Self { rest, size, interrupted: false }
    }
}

impl Read for Trickle<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Trickle<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(io::ErrorKind::Interrupted.into());
        }
        Ok(&self.rest[..self.rest.len().min(self.size)])
    }

    fn consume(&mut self, count: usize) {
        self.rest = &self.rest[count..];
    }
}

/// A report in some layout, maybe with a few bytes changed, or scraps of markup one after another.
fn document() -> impl Strategy<Value = Vec<u8>> {
    let rendered = (report(), any::<Layout>()).prop_map(|(report, layout)| layout.render(&report));
    let edits = proptest::collection::vec((any::<prop::sample::Index>(), scrap(), 0..20_usize), 0..4);
    let damaged = (rendered, edits).prop_map(|(mut document, edits)| {
        for (at, scrap, gone) in edits {
            let at = at.index(document.len());
            let end = (at + gone).min(document.len());
            document.splice(at..end, scrap.bytes());
        }
        document
    });
    let scraps = proptest::collection::vec(scrap(), 0..60)
        .prop_map(|scraps| format!("<feedback><record>{}", scraps.concat()).into_bytes());
    prop_oneof![2 => damaged, 1 => scraps]
}

fn scrap() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "<record>",
        "</record>",
        "<row>",
        "</row>",
        "<count>",
        "</count>",
        "<source_ip>",
        "</source_ip>",
        "<reason>",
        "</reason>",
        "<identifiers>",
        "</identifiers>",
        "<header_from>",
        "</header_from>",
        "<auth_results>",
        "</auth_results>",
        "<dkim>",
        "</dkim>",
        "<spf>",
        "</spf>",
        "<result>",
        "</result>",
        "<feedback>",
        "</feedback>",
        "<report_metadata>",
        "</report_metadata>",
        "<org_name>",
        "</org_name>",
        "<policy_published>",
        "</policy_published>",
        "<p>",
        "</p>",
        "<extension>",
        "</extension>",
        "<other>",
        "</other>",
        "<a:other b='c'>",
        "<xs:schema>",
        "<count/>",
        "<count />",
        "<A:COUNT>",
        "</count >",
        "/count>",
        "/record>",
        "count>",
        "<",
        ">",
        "&",
        ";",
        "&amp;",
        "&#65;",
        "&#x10ffff;",
        "&nope;",
        "'",
        "\"",
        "=",
        "/",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "<?",
        "?>",
        "<!DOCTYPE",
        "<!",
        "\u{feff}",
        "\u{e9}",
        " ",
        "\r\n",
        "192.0.2.1",
        "7",
        "-1",
        "pass",
        "Pass",
        "<a@b>",
        "</",
        "<3",
    ])
}

/// The content hash of the fixture `rfc7489.xml`.
const PINNED: &str = "90a34ebd821b03cca868584003c052b8";

#[test]
fn a_tag_without_an_end_says_nothing_of_those_behind_it() {
    // Its quote is never closed, so that it is given up where the buffer is full; that cuts another tag, somewhere.
    for filler in 0..60 {
        let record = "<record><row a='>'><count b='>'>1</count></row></record>";
        let document = format!("<feedback><record x=\"{}>{}", "-".repeat(filler), record.repeat(100));
        let whole = outcome(document.as_bytes(), PIECE, true);
        assert_eq!(difference(&outcome(document.as_bytes(), 16, true), &whole), None, "{filler}");
    }
}

#[test]
fn a_byte_order_mark_in_a_text_is_a_part_of_it() {
    for text in [
        "\u{feff}/record>",
        "\u{feff}",
        "\u{feff}a>b",
        "\u{feff}&lt;/record>",
        "\u{feff}\u{feff}/record>",
        "a\u{feff}",
    ] {
        for place in [
            "<feedback><record>%</record></feedback>",
            "<feedback><record><row><count>%1</count></row></record>",
        ] {
            let document = place.replace('%', text);
            let whole = outcome(document.as_bytes(), PIECE, false);
            for (size, by_hand) in [(1, true), (1, false), (PIECE, true)] {
                let read = outcome(Trickle::new(document.as_bytes(), 1), size, by_hand);
                assert_eq!(difference(&read, &whole), None, "{document} {size} {by_hand}");
            }
        }
    }
}

/// What a document says in short: each record's address, count, recipients' domain and results.
fn said(document: &str) -> Vec<String> {
    let by_hand = outcome(document.as_bytes(), PIECE, true);
    assert_eq!(difference(&by_hand, &outcome(document.as_bytes(), PIECE, false)), None, "{document}");
    let by_hand = by_hand.unwrap();
    let records = by_hand["records"].as_array().unwrap().iter();
    records
        .map(|record| {
            let count = |name: &str| record[name].as_array().unwrap().len();
            format!(
                "{} {} to {} {}+{}",
                record["source_ip"].as_str().unwrap(),
                record["count"],
                record["envelope_to"],
                count("dkim_results"),
                count("spf_results")
            )
        })
        .collect()
}

/// A document with a record, and scraps at the start and the end of it, of its row and of the root.
fn around(root: &str, scraps: [&str; 5]) -> String {
    let [before, in_record, in_row, behind, at_end] = scraps;
    format!(
        "<feedback {root}>{before}<record>{in_record}<row>{in_row}<source_ip>192.0.2.10</source_ip><count>4</count></row>\
         <identifiers><header_from>example.com</header_from></identifiers><auth_results><dkim><domain>example.com</domain>\
         <result>fail</result></dkim></auth_results>{behind}</record>{at_end}</feedback>"
    )
}

#[test]
fn elements_of_another_namespace_are_extensions() {
    let foreign = [
        "<e:record xmlns:e='urn:example:e'><e:row><e:source_ip>203.0.113.5</e:source_ip><e:count>900</e:count></e:row></e:record>",
        "<e:row xmlns:e='urn:example:e'><e:source_ip>203.0.113.5</e:source_ip><e:count>900</e:count></e:row>",
        "<e:count xmlns:e='urn:example:e'>900</e:count>",
        "<e:auth_results xmlns:e='urn:example:e'><e:dkim><e:result>pass</e:result></e:dkim></e:auth_results>",
        "<record xmlns='urn:example:e'><row><source_ip>203.0.113.5</source_ip><count>900</count></row></record>",
        "<row xmlns='urn:example:e'><count>900</count></row>",
        "<identifiers xmlns='urn:example:e'><envelope_to>victim.example</envelope_to></identifiers>",
        "<e:identifiers xmlns:e='urn:example:e' xmlns='urn:ietf:params:xml:ns:dmarc-2.0'>\
         <envelope_to>victim.example</envelope_to></e:identifiers>",
        "<e:identifiers xmlns:e='urn:example:e'/>",
    ];
    for root in
        ["", "xmlns='urn:ietf:params:xml:ns:dmarc-2.0'", "xmlns='http://dmarc.org/dmarc-xml/0.1' a='>'"]
    {
        for scrap in foreign {
            for place in 0..5 {
                let mut scraps = [""; 5];
                scraps[place] = scrap;
                let document = around(root, scraps);
                assert_eq!(said(&document), ["192.0.2.10 4 to null 1+0"], "{document}");
            }
        }
    }
    // A prefix that the root declares for something else.
    let elsewhere =
        around("xmlns:e='urn:example:e'", ["<e:record/>", "<e:row/>", "<e:count>9</e:count>", "", ""]);
    assert_eq!(said(&elsewhere), ["192.0.2.10 4 to null 1+0"]);
    // In a value, too.
    let inside = around("", [""; 5]).replace(">4<", ">4<e:count xmlns:e='urn:example:e'>900</e:count><");
    assert_eq!(said(&inside), ["192.0.2.10 4 to null 1+0"]);
}

#[test]
fn an_element_that_changes_the_default_namespace_does_so_for_what_is_in_it() {
    let document = "<d:feedback xmlns:d='urn:ietf:params:xml:ns:dmarc-2.0'><d:record xmlns='urn:example:e'>\
        <row><count>900</count></row><d:row><count>900</count><d:source_ip>192.0.2.10</d:source_ip><d:count>4</d:count>\
        </d:row></d:record><record><row><source_ip>192.0.2.11</source_ip><count>5</count></row></record></d:feedback>";
    assert_eq!(said(document), ["192.0.2.10 4 to null 0+0", "192.0.2.11 5 to null 0+0"]);
}

#[test]
fn what_reporters_do_with_namespaces_is_no_extension() {
    let plain = around("", [""; 5]);
    let prefixed = plain.replace("</", "</ns:").replace('<', "<ns:").replace("<ns:/ns:", "</ns:");
    for document in [
        // .NET.
        plain.replace("<record>", "<record xmlns=\"\">").replace("<feedback", "<feedback xmlns='urn:x'"),
        plain.replace("<row>", "<row xmlns='http://dmarc.org/dmarc-xml/0.1'>"),
        prefixed.clone(),
        prefixed.replace("<ns:feedback", "<ns:feedback xmlns:ns='http://dmarc.org/dmarc-xml/0.1'"),
        prefixed.replace("<ns:feedback", "<ns:feedback xmlns:ns='urn:made-up'"),
        // RFC 7489: the root is qualified, its children are not.
        plain.replace("feedback", "ns:feedback").replace("<ns:feedback", "<ns:feedback xmlns:ns='urn:x'"),
        plain
            .replace("feedback", "ns:feedback")
            .replace("<ns:feedback", "<ns:feedback xmlns:ns='urn:x' xmlns='urn:y'"),
        plain.replace(
            "<record>",
            "<record xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:nil='false'>",
        ),
    ] {
        assert_eq!(said(&document), ["192.0.2.10 4 to null 1+0"], "{document}");
    }
}

#[test]
fn no_more_namespaces_are_in_force_than_a_tag_may_have() {
    let declare = |from: usize, count: usize| {
        (from..from + count).map(|n| format!(" xmlns:n{n}='urn:n'")).collect::<String>()
    };
    let document =
        |count| format!("<feedback{}><record{}></record></feedback>", declare(0, 40), declare(40, count));
    let limits = Limits::default();
    assert!(read(document(24).as_bytes(), &limits, |_| {}).is_ok());
    let error = read(document(25).as_bytes(), &limits, |_| {}).unwrap_err();
    assert_eq!(error.code(), "limit_attributes");
    // What has ended counts no more.
    let one_after_another = format!("<feedback>{}</feedback>", "<record a='' xmlns:n='urn:n'/>".repeat(1000));
    assert!(read(one_after_another.as_bytes(), &limits, |_| {}).is_ok());
}

#[test]
fn a_name_with_a_control_character_is_none() {
    for odd in ["\0", "\u{1}", "\t", "\u{7f}", "\u{85}", "\u{202e}", "\u{200b}", "&#1;", "&#x202e;"] {
        let name = format!("example.com{odd}.evil.example");
        let document = format!(
            "<feedback><policy_published><domain>{name}</domain></policy_published><record><row><source_ip>192.0.2.10\
             </source_ip><count>3</count><policy_evaluated><reason><comment>a{odd}b</comment></reason></policy_evaluated>\
             </row><identifiers><header_from>{name}</header_from><envelope_to>example.com</envelope_to></identifiers>\
             <auth_results><dkim><domain>{name}</domain><selector>s{odd}1</selector><result>pass</result></dkim>\
             <spf><domain>{name}</domain><result>pass</result></spf></auth_results></record></feedback>"
        );
        let read = all(document.as_bytes());
        let record = &read["records"][0];
        assert_eq!(record["header_from"], Value::Null, "{odd:?}");
        assert_eq!(record["envelope_to"], "example.com");
        assert_eq!(
            record["dkim_results"][0],
            json!({
                "domain": null, "selector": null, "result": "pass", "human_result": null
            })
        );
        assert_eq!(record["spf_results"][0]["domain"], Value::Null);
        assert_ne!(record["reasons"][0]["comment"], Value::Null, "text for people stays");
        let warnings = read["warnings"].as_array().unwrap().iter();
        let places: Vec<_> = warnings
            .filter(|warning| warning["code"] == "control_character")
            .map(|warning| warning["at"].as_str().unwrap())
            .collect();
        assert_eq!(
            places,
            [
                "policy_published/domain",
                "record[1]/identifiers/header_from",
                "record[1]/auth_results/dkim/domain",
                "record[1]/auth_results/dkim/selector",
                "record[1]/auth_results/spf/domain",
            ]
        );
    }
    let international = "<feedback><record><row><source_ip>192.0.2.10</source_ip><count>3</count></row><identifiers>\
        <header_from>bücher€.example</header_from></identifiers></record></feedback>";
    assert_eq!(all(international.as_bytes())["records"][0]["header_from"], "bücher€.example");
}

#[test]
fn counts_beyond_any_real_day_are_refused() {
    let document = |counts: &[&str]| {
        let record = |count: &&str| {
            format!("<record><row><source_ip>192.0.2.10</source_ip><count>{count}</count></row></record>")
        };
        format!("<feedback>{}</feedback>", counts.iter().map(record).collect::<String>())
    };
    let code = |counts: &[&str]| {
        let read = read(document(counts).as_bytes(), &Limits::default(), |_| {});
        read.map_or_else(|error| error.code(), |_| "read")
    };
    assert_eq!(code(&["1000000000"]), "read");
    assert_eq!(code(&["1000000000"; 10]), "read");
    assert_eq!(code(&["1000000000"; 11]), "count_implausible");
    for count in [
        "1000000001",
        "4294967296",
        "9223372036854775807",
        "18446744073709542916",
        "18446744073709551616",
        "1e10",
        "1e300",
    ] {
        assert_eq!(code(&[count]), "count_implausible", "{count}");
        assert_eq!(code(&["5", count]), "count_implausible", "{count}");
    }
    for count in ["-1", "-9223372036854775808", "-1e30", "-0.5e1", "-0.5", "-.5", "-1e-5", "-1e-400"] {
        assert_eq!(code(&[count]), "negative_count", "{count}");
    }
}

/// The counts of the records that are read of these, and the warnings.
fn counts(counts: &[&str]) -> (Vec<u64>, Vec<&'static str>) {
    let record = |count: &&str| {
        format!("<record><row><source_ip>192.0.2.10</source_ip><count>{count}</count></row></record>")
    };
    let document = format!("<feedback>{}</feedback>", counts.iter().map(record).collect::<String>());
    let mut read_counts = Vec::new();
    let report =
        read(document.as_bytes(), &Limits::default(), |record| read_counts.push(record.count())).unwrap();
    let codes = report.warnings.iter().map(|warning| warning.code).filter(|code| code.starts_with("count_"));
    (read_counts, codes.collect())
}

#[test]
fn a_count_is_the_number_that_is_written() {
    assert_eq!(counts(&["5", "+5", "5.0", "1e3", "0", "-0", "0.5e1"]).0, [5, 5, 5, 1000, 0, 0, 5]);
    for count in
        ["0.5", "1.5", "1e-5", "1e-400", "1.0000000000000000000001e3", "５", "１2", "٣", "1 2", "1,5", "0x5"]
    {
        assert_eq!(counts(&[count]), (vec![], vec!["count_invalid"]), "{count}");
    }
}

proptest! {
    #[test]
    fn no_count_becomes_another(whole in 0_u64..1_000_000, fraction in 0_u64..1_000, zeros in 0_usize..4) {
        let fraction = format!("{fraction:03}{}", "0".repeat(zeros));
        let count = format!("{whole}.{fraction}");
        let is_whole = fraction.bytes().all(|digit| digit == b'0');
        let expected = if is_whole { (vec![whole], vec![]) } else { (vec![], vec!["count_invalid"]) };
        prop_assert_eq!(counts(&[&count]), expected);
        let document = format!(
            "<feedback><record><row><source_ip>192.0.2.10</source_ip><count>-{count}</count></row></record></feedback>"
        );
        let read = read(document.as_bytes(), &Limits::default(), |_| {});
        let code = read.map_or_else(|error| error.code(), |_| "read");
        prop_assert_eq!(code, if whole == 0 && is_whole { "read" } else { "negative_count" });
    }
}

#[test]
fn namespaces_are_compared_without_references() {
    let records = |root: &str, children: &str| {
        let record = "<record><row><source_ip>192.0.2.10</source_ip><count>4</count></row></record>";
        let (name, _) = root.split_once(' ').unwrap_or((root, ""));
        let document = format!("<{root}>{}</{name}>", children.replace("RECORD", record));
        let mut messages = Vec::new();
        let report =
            read(document.as_bytes(), &Limits::default(), |record| messages.push(record.count())).unwrap();
        (messages.len(), report.namespace)
    };
    let dmarc = Some("urn:ietf:params:xml:ns:dmarc-2.0".to_owned());
    for written in ["urn:ietf&#58;params:xml:ns:dmarc-2.0", "urn:ietf&#x3a;params&#x3A;xml:ns:dmarc-2.0"] {
        let root = format!("feedback xmlns='{written}'");
        assert_eq!(records(&root, "RECORD"), (1, dmarc.clone()), "{written}");
        let child = format!("<report_metadata xmlns='{written}'/>RECORD");
        assert_eq!(records("feedback xmlns='urn:ietf:params:xml:ns:dmarc-2.0'", &child).0, 1, "{written}");
    }
    let root = "feedback xmlns='urn:x&amp;y'";
    assert_eq!(records(root, "<e xmlns='urn:x&#38;amp;y'>RECORD</e>RECORD").0, 1, "not the root's");
    let foreign = "<x xmlns='urn:&#101;xample'>RECORD</x>RECORD";
    assert_eq!(records("feedback", foreign).0, 1);
    let foreign = "<e:record xmlns:e='urn:&#101;xample'><e:row/></e:record>RECORD";
    assert_eq!(records("feedback", foreign).0, 1);
    let root = "d:feedback xmlns:d='urn:ietf:params:xml:ns:dmarc-2.0' xmlns='urn:example'";
    assert_eq!(records(root, "RECORD").0, 0, "its default namespace is foreign");
    let root = "d:feedback xmlns:d='urn:ietf:params:xml:ns:dmarc-2.0' xmlns='http://dmarc.org/dmarc-xml/0.1'";
    assert_eq!(records(root, "RECORD").0, 1);
}

#[test]
fn dates_that_cannot_be_right_are_told() {
    let told = |begin: &str, end: &str| {
        let document = format!(
            "<feedback><report_metadata><date_range><begin>{begin}</begin><end>{end}</end></date_range>\
             </report_metadata></feedback>"
        );
        let report = read(document.as_bytes(), &Limits::default(), |_| {}).unwrap();
        let codes =
            report.warnings.iter().map(|warning| warning.code).filter(|code| code.starts_with("date_"));
        codes.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(told("1795910400", "1795996799"), "");
    assert_eq!(
        told("1795910400000", "1795996799000"),
        "date_implausible date_implausible date_range_too_long"
    );
    assert_eq!(told("-86400", "-1"), "date_implausible date_implausible");
    assert_eq!(told("0", "4294967295"), "date_implausible date_range_too_long");
    assert_eq!(told("0", "86399"), "date_implausible date_implausible");
    assert_eq!(told("1795910400", "1798934400"), "");
    assert_eq!(told("1795910400", "1798934401"), "date_range_too_long");
    assert_eq!(told("1795996799", "1795910400"), "date_range_reversed");
}

#[test]
fn the_folded_hash_knows_no_case_of_names() {
    let document = |org_name: &str, email: &str, domain: &str| {
        format!(
            "<feedback><report_metadata><org_name>{org_name}</org_name><email>{email}</email></report_metadata>\
             <policy_published><domain>{domain}</domain><p>none</p></policy_published></feedback>"
        )
    };
    let hashes = |document: String| {
        let report = read(document.as_bytes(), &Limits::default(), |_| {}).unwrap();
        (report.content_hash, report.folded_hash)
    };
    let (as_written, folded) = hashes(document("mail.example", "a@mail.example", "example.com"));
    assert_eq!(as_written, folded, "what is in lower case is stored under the same hash as ever");
    for other in [
        document("Mail.Example", "a@mail.example", "example.com"),
        document("mail.example", "A@MAIL.example", "example.com"),
        document("mail.example", "a@mail.example", "Example.COM."),
    ] {
        let (as_written, other) = hashes(other);
        assert_ne!(as_written, folded);
        assert_eq!(other, folded);
    }
    assert_ne!(hashes(document("mail2.example", "a@mail.example", "example.com")).1, folded);
}

#[test]
fn the_folded_hash_knows_one_spelling_of_names() {
    let document = |names: [&str; 8]| {
        let [id, header_from, envelope_from, envelope_to, signer, selector, sender, result] = names;
        format!(
            "<feedback><report_metadata><report_id>{id}</report_id></report_metadata><record><row>\
             <source_ip>192.0.2.1</source_ip><count>1</count></row><identifiers><header_from>{header_from}</header_from>\
             <envelope_from>{envelope_from}</envelope_from><envelope_to>{envelope_to}</envelope_to></identifiers>\
             <auth_results><dkim><domain>{signer}</domain><selector>{selector}</selector><result>pass</result>\
             <human_result>{result}</human_result></dkim><spf><domain>{sender}</domain><result>pass</result></spf>\
             </auth_results></record></feedback>"
        )
    };
    let hashes = |names| {
        let report = read(document(names).as_bytes(), &Limits::default(), |_| {}).unwrap();
        (report.content_hash, report.folded_hash)
    };
    let plain =
        ["r1", "a.example", "b.example", "c.example", "xn--bcher-kva.example", "s1", "e.example", "ok"];
    let (as_written, folded) = hashes(plain);
    assert_eq!(as_written, folded, "what is in lower case is stored under the same hash as ever");
    let others = ["R1", "A.Example", "b.example.", "C.example.", "Bücher.example", "S1", "E.EXAMPLE."];
    for (place, other) in others.into_iter().enumerate() {
        let mut names = plain;
        names[place] = other;
        let (as_written, other) = hashes(names);
        assert_ne!(as_written, folded, "{names:?}");
        assert_eq!(other, folded, "{names:?}");
    }
    for place in 0..plain.len() {
        let mut names = plain;
        names[place] = "other.example";
        assert_ne!(hashes(names).1, folded, "{names:?}");
    }
    let mut prose = plain;
    prose[7] = "OK";
    assert_ne!(hashes(prose).1, folded, "what is no name is compared as it is");
}
