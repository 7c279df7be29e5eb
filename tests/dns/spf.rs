//! The audit of SPF: the tree and what it costs, and the cases in `cases/`.

use hickory_server::proto::rr::{
    Name, RData, Record,
    rdata::{NULL, TXT},
};
use ruad_dns::spf::{self, Branch, Kind, Node, TermTrouble};

use crate::{cases, server::Dns};

#[tokio::test]
async fn every_case_shows_its_finding() {
    cases::run("spf", async |resolver, domain| spf::examine(&resolver, domain).await.check).await;
}

async fn examine(zone: &str) -> spf::Outcome {
    let dns = Dns::serve(zone).await;
    spf::examine(&dns.resolver(), "domain.example").await
}

fn fact<'a>(outcome: &'a spf::Outcome, name: &str) -> Option<&'a str> {
    outcome.check.facts.get(name).unwrap_or_else(|| panic!("no {name}: {:?}", outcome.check.facts)).as_deref()
}

fn codes(outcome: &spf::Outcome) -> Vec<&'static str> {
    let mut codes: Vec<_> = outcome.check.findings.iter().map(|finding| finding.code.name).collect();
    codes.sort_unstable();
    codes
}

fn node<'a>(branch: &'a Branch, term: &str) -> &'a Node {
    branch.terms.iter().find(|node| node.term == term).unwrap()
}

#[tokio::test]
async fn the_tree_says_what_each_term_costs_and_gives() {
    let outcome = examine(
        "@ IN TXT \"v=spf1 mx/28 include:one.example exists:%{i}.x.example -ip4:192.0.2.7 ~all a:late.example\"\n\
         @ IN MX 10 m1\n@ IN MX 20 m2\nm1 IN A 192.0.2.1\nm2 IN A 192.0.2.2\nm2 IN AAAA 2001:db8::2\n\
         one.example. IN TXT \"v=spf1 ip4:198.51.100.0/24 a:gone.example include:two.example ?all\"\n\
         two.example. IN TXT \"v=spf1 ip6:2001:db8:2::/64 a -all\"\ntwo.example. IN A 203.0.113.1\n",
    )
    .await;
    let tree = outcome.tree.as_ref().unwrap();
    assert_eq!((tree.cost.lookups, tree.cost.voids_ipv4, tree.cost.voids_ipv6), (6, 1, 2));
    assert_eq!((tree.addresses.ipv4, tree.addresses.ipv6), (16 + 256 + 1, (1 << 64) + 1));
    let mx = node(tree, "mx/28");
    assert_eq!((mx.kind, mx.cost.lookups, mx.domain.as_deref()), (Kind::Mx, 1, Some("domain.example")));
    assert_eq!(
        mx.networks.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["192.0.2.0/28", "2001:db8::2"]
    );
    let one = node(tree, "include:one.example");
    assert_eq!((one.cost.lookups, one.cost.voids_ipv4, one.cost.voids_ipv6), (4, 1, 2));
    assert_eq!(one.addresses.ipv4, 257);
    let inner = one.branch.as_ref().unwrap();
    assert_eq!(node(inner, "a:gone.example").trouble, [TermTrouble::NoAddress]);
    assert_eq!(node(tree, "exists:%{i}.x.example").trouble, [TermTrouble::Macro]);
    let late = node(tree, "a:late.example");
    assert!(!late.is_reached && late.cost.lookups == 0);
    for (name, value) in [("all", "~"), ("lookups", "6"), ("valid", "yes")] {
        assert_eq!(fact(&outcome, name), Some(value), "{name}");
    }
    for (address, path) in [
        ("192.0.2.9", vec!["mx/28"]),
        ("198.51.100.1", vec!["include:one.example", "ip4:198.51.100.0/24"]),
        ("203.0.113.1", vec!["include:one.example", "include:two.example", "a"]),
        ("2001:db8:2::9", vec!["include:one.example", "include:two.example", "ip6:2001:db8:2::/64"]),
        ("192.0.2.7", vec!["mx/28"]),
        ("203.0.113.9", vec!["~all"]),
    ] {
        let found: Vec<_> =
            tree.matching(address.parse().unwrap()).iter().map(|node| node.term.as_str()).collect();
        assert_eq!(found, path, "{address}");
    }
    let json = serde_json::to_value(&outcome).unwrap();
    assert_eq!(json["tree"]["terms"][1]["branch"]["terms"][0]["networks"][0], "198.51.100.0/24");
    assert_eq!(json["tree"]["lookups"], 6);
    assert_eq!(json["tree"]["all"], "~");
}

#[tokio::test]
async fn the_whole_tree_is_given_beyond_the_limit() {
    let mut zone = String::from("@ IN TXT \"v=spf1 include:i1.example -all\"\n");
    for n in 1..=14 {
        zone += &format!("i{n}.example. IN TXT \"v=spf1 ip4:192.0.2.{n} include:i{}.example -all\"\n", n + 1);
    }
    zone += "i15.example. IN TXT \"v=spf1 ip4:192.0.2.15 -all\"\n";
    let outcome = examine(&zone).await;
    assert_eq!(codes(&outcome), ["spf.too_many_lookups"]);
    let tree = outcome.tree.as_ref().unwrap();
    assert_eq!((tree.cost.lookups, tree.addresses.ipv4), (15, 15));
    assert_eq!(fact(&outcome, "valid"), Some("no"));
}

#[tokio::test]
async fn a_hostile_tree_is_bounded() {
    // Each record includes the next one eight times, and a wildcard has another name for everyone.
    let mut zone = String::from("@ IN TXT \"v=spf1 include:i1.example -all\"\n");
    for n in 1..40 {
        let include = format!("include:i{}.example ", n + 1).repeat(8);
        let names: Vec<_> = (0..6).map(|k| format!("include:x{n}y{k}.wild.example ")).collect();
        zone += &format!("i{n}.example. IN TXT \"v=spf1 \" \"{include}\" \"{}\" \"-all\"\n", names.concat());
    }
    zone += "*.wild.example. IN TXT \"v=spf1 mx a ip4:192.0.2.0/24 -all\"\n";
    let dns = Dns::serve(&zone).await;
    let outcome = spf::examine(&dns.resolver(), "domain.example").await;
    assert!(codes(&outcome).contains(&"spf.too_many_lookups"), "{:?}", codes(&outcome));
    assert!(outcome.check.findings.len() <= 200, "{}", outcome.check.findings.len());
    assert!(dns.questions().len() < 600, "{}", dns.questions().len());
    let again = spf::examine(&dns.resolver(), "domain.example").await;
    assert_eq!(again.check.facts, outcome.check.facts);
    assert_eq!(again.check.findings, outcome.check.findings);
}

#[tokio::test]
async fn each_name_is_asked_for_once() {
    let dns = Dns::serve(
        "@ IN TXT \"v=spf1 a mx a:domain.example include:one.example include:One.example. -all\"\n@ IN A 192.0.2.1\n\
         @ IN MX 10 domain.example.\none.example. IN TXT \"v=spf1 a:domain.example -all\"\n",
    )
    .await;
    spf::examine(&dns.resolver(), "domain.example").await;
    let mut questions = dns.questions();
    questions.sort();
    let expected = ["domain.example A", "domain.example AAAA", "domain.example MX", "domain.example TXT"];
    assert_eq!(
        questions.iter().filter(|it| !it.contains("99") && !it.contains("Unknown")).collect::<Vec<_>>(),
        [expected.as_slice(), &["one.example TXT"]].concat()
    );
}

#[tokio::test]
async fn what_is_not_answered_is_not_missing() {
    let outcome = examine("; silent: domain.example\n").await;
    assert!(outcome.check.findings.is_empty() && outcome.tree.is_none());
    for name in ["record", "all", "lookups", "valid"] {
        assert_eq!(fact(&outcome, name), None, "{name}");
    }
    let outcome = examine(
        "; servfail: spf.other.example\n; servfail: gone.example\n\
         @ IN TXT \"v=spf1 include:spf.other.example a:gone.example redirect=spf.other.example\"\n",
    )
    .await;
    assert_eq!(codes(&outcome), Vec::<&str>::new());
    assert_eq!(outcome.check.unknown.len(), 2);
    for (name, value) in [("all", None), ("lookups", None), ("valid", None)] {
        assert_eq!(fact(&outcome, name), value, "{name}");
    }
}

#[tokio::test]
async fn faults_are_pointed_at() {
    let record = "v=spf1 ip4:192.0.2.1/33 ipv4:192.0.2.2 -all";
    let outcome = examine(&format!("@ IN TXT \"{record}\"\n")).await;
    let marked: Vec<_> = outcome
        .check
        .findings
        .iter()
        .map(|finding| record.get(finding.evidence.position.clone().unwrap()).unwrap())
        .collect();
    assert_eq!(marked, ["33", "ipv4:192.0.2.2"]);
    assert!(outcome.check.findings[1].detail.contains("`ip4:192.0.2.2` meant"));
    assert_eq!(fact(&outcome, "valid"), Some("no"));
    assert_eq!(fact(&outcome, "record"), Some(record));
}

#[tokio::test]
async fn a_seam_between_strings_is_named() {
    let outcome = examine("@ IN TXT \"v=spf1 ip4:192.0.2.1\" \"ip4:192.0.2.2 -all\"\n").await;
    let detail = &outcome.check.findings[0].detail;
    assert!(detail.contains("joined there without a space"), "{detail}");
}

#[tokio::test]
async fn the_old_record_type_is_found() {
    let name = Name::from_ascii("domain.example.").unwrap();
    let txt = RData::TXT(TXT::new(vec!["v=spf1 -all".to_owned()]));
    let old = RData::Unknown { code: 99.into(), rdata: NULL::with(b"\x0bv=spf1 -all".to_vec()) };
    let records = [txt, old].map(|data| Record::from_rdata(name.clone(), 60, data));
    let dns = Dns::serve_records(records.into(), Vec::new()).await;
    let outcome = spf::examine(&dns.resolver(), "domain.example").await;
    assert_eq!(codes(&outcome), ["spf.type_99"]);
}
