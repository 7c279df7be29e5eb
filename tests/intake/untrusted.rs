//! What a report says that cannot be, or that is written to do harm.

use ruad::store::Store;
use ruad_report as report;
use uuid::Uuid;

use crate::{
    bench::{Bench, eml, failure_report, report, tls_report},
    engine::{Engine, number},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_count_that_cannot_be_is_in_no_sum() {
    let bench = Bench::new(Engine::shared()).await;
    let counts = ["18446744073709542916", "9223372036854775807", "-1", "-0.5", "1000000001", "1e12"];
    let mut mails = vec![report("honest", 3), tls_report()];
    for (id, count) in counts.iter().enumerate() {
        mails.push(
            report(&format!("r{id}"), 1).replace("<count>1</count>", &format!("<count>{count}</count>")),
        );
        mails.push(
            tls_report().replace("t1", &format!("t{id}x")).replace("count\":5", &format!("count\":{count}")),
        );
        // A failure report tells of one message, whatever it says below that.
        let count = if count.starts_with('-') { "4294967297" } else { count };
        mails.push(
            failure_report().replace("Version: 1\r\n", &format!("Version: 1\r\nIncidents: {count}\r\n")),
        );
    }
    // Each record is plausible, and all together are not.
    mails.push(report("sum", 11).replace("<count>", "<count>100000000"));
    bench.send(&mails).await;
    bench.run_until_empty().await;
    let store = &bench.store;
    assert_eq!(number(store, "SELECT sum(messages) FROM daily_domains").await, 6);
    assert_eq!(number(store, "SELECT sum(messages) FROM daily_sources").await, 6);
    assert_eq!(number(store, "SELECT sum(count) FROM aggregate_records").await, 6);
    assert_eq!(number(store, "SELECT sum(successful) + sum(failed) FROM tls_policies").await, 7);
    assert_eq!(number(store, "SELECT sum(failed_sessions) FROM tls_failures").await, 2);
    assert_eq!(number(store, "SELECT count() FROM failure_reports").await, 0);
    assert_eq!(number(store, "SELECT count() FROM deliveries").await, 2);
    let told = "SELECT count() FROM messages WHERE outcome = 'rejected' AND code = ";
    assert_eq!(number(store, &format!("{told}'count_implausible'")).await, 4 * 3 + 3);
    assert_eq!(number(store, &format!("{told}'negative_count'")).await, 4);
    assert_eq!(bench.backlog().quarantined, 19, "all of them are kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_domain_is_no_policy_domain() {
    let bench = Bench::new(Engine::shared()).await;
    let names = [
        r"x\') or (select 1) --.example",
        "a'b.example",
        "a\"b.example",
        "a`b.example",
        "a\\b.example",
        "a\u{0}b.example",
        "a\u{202e}b.example",
        "a b.example",
        "$__dateFilter(day)",
        "ac\u{200b}me.example",
        "ac\u{ad}me.example",
        "ａcme.example",
        "acme。example",
        "127.0.0.1",
        "[::1]",
        "-.example",
        "_",
        "xn--zzzz--.example",
    ];
    let mut mails = Vec::new();
    for name in names {
        mails.push(report("r", 1).replace("<domain>acme.example", &format!("<domain>{name}")));
        let json = serde_json::to_string(name).unwrap();
        mails.push(tls_report().replace("\"Acme.example\"", &json));
    }
    bench.send(&mails).await;
    // And what real reporters write.
    let spelt = ["ACME.Example.", "_dmarc.acme.example", " acme.example ", "bücher.acme.example"];
    for (id, name) in spelt.iter().enumerate() {
        let mail =
            report(&format!("good{id}"), 1).replace("<domain>acme.example", &format!("<domain>{name}"));
        bench.send(&[mail]).await;
    }
    bench.run_until_empty().await;
    let store = &bench.store;
    assert_eq!(number(store, "SELECT count() FROM aggregate_reports").await, 4);
    for table in ["aggregate_reports", "aggregate_records", "daily_domains", "daily_sources", "deliveries"] {
        let foreign = format!(
            "SELECT countIf(policy_domain NOT IN \
                ('acme.example', '_dmarc.acme.example', 'xn--bcher-kva.acme.example')) FROM {table}"
        );
        assert_eq!(number(store, &foreign).await, 0, "{table}");
    }
    assert_eq!(number(store, "SELECT countIf(group_name != 'acme') FROM daily_domains").await, 0);
    assert_eq!(number(store, "SELECT count() FROM tls_policies").await, 0);
    assert_eq!(number(store, "SELECT count() FROM failure_reports").await, 0);
    let told = "SELECT count() FROM messages WHERE outcome = 'rejected' AND code = 'policy_domain_invalid'";
    assert_eq!(number(store, told).await, 36);
    assert_eq!(bench.backlog().quarantined, 36);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_report_about_no_domain_goes_to_quarantine() {
    let bench = Bench::new(Engine::shared()).await;
    let names = [r"x\')or(select", "a'b.example", "a\u{0}b.example", "a\u{202e}b.example"];
    let mails = names.map(|name| {
        failure_report().replace("Reported-Domain: acme.example", &format!("Reported-Domain: {name}"))
    });
    // These name no other domain: the others have that of the author.
    let nowhere = names.map(|name| {
        let mail =
            failure_report().replace("Reported-Domain: acme.example", &format!("Reported-Domain: {name}"));
        mail.replace("From: alice <alice@acme.example>", "To: bob@acme.example")
    });
    bench.send(&[mails, nowhere].concat()).await;
    bench.run_until_empty().await;
    let store = &bench.store;
    assert_eq!(
        number(store, "SELECT countIf(policy_domain != 'acme.example') FROM failure_reports").await,
        0
    );
    assert_eq!(number(store, "SELECT count() FROM failure_reports").await, 4);
    let told = "SELECT count() FROM messages WHERE code = 'policy_domain_invalid'";
    assert_eq!(number(store, told).await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn dashboards_get_the_label_of_a_name_and_people_the_name() {
    let bench = Bench::new(Engine::shared()).await;
    let name = r"Goo\u{200b}gle\u{27}) or 1 --".replace("\\u{200b}", "\u{200b}").replace("\\u{27}", "\\'");
    let json = serde_json::to_string(&name).unwrap();
    bench
        .send(&[
            report("r1", 2).replace("<org_name>Reporter", &format!("<org_name>{name}")),
            tls_report()
                .replace("\"organization-name\":\"Reporter\"", &format!("\"organization-name\":{json}")),
        ])
        .await;
    bench.run_until_empty().await;
    let store = &bench.store;
    for table in [
        "aggregate_reports",
        "aggregate_records",
        "daily_domains",
        "deliveries",
        "tls_policies",
        "tls_failures",
    ] {
        let labels =
            format!("SELECT count() > 0 AND countIf(reporter != 'goo_gle__) or 1 --') = 0 FROM {table}");
        assert_eq!(number(store, &labels).await, 1, "{table}");
    }
    let as_written = name.replace('\\', "\\\\").replace('\'', "\\'");
    for (table, column) in [("aggregate_reports", "org_name"), ("tls_policies", "organization_name")] {
        let kept = format!("SELECT countIf({column} = '{as_written}') FROM {table}");
        assert_eq!(number(store, &kept).await, 1, "{table}");
    }
}

/// Reporters send a report again with their own name, or that of the domain, in other letters.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_in_another_case_is_the_same_report() {
    let spellings = |id: &str| {
        let original = report(id, 3);
        [
            original.replace("<org_name>Reporter", "<org_name>reporter"),
            original.replace("<org_name>Reporter", "<org_name>REPORTER"),
            original.replace("reports@reporter.example</email>", "Reports@Reporter.example</email>"),
            original.replace("<domain>acme.example", "<domain>Acme.Example."),
            original,
        ]
    };
    let bench = Bench::new(Engine::shared()).await;
    bench.send(&spellings("r1")).await;
    bench.run_until_empty().await;
    bench.send(&spellings("r1")).await;
    let tls = tls_report();
    bench.send(&[tls.replace("\"Reporter\"", "\"REPORTER\""), tls]).await;
    bench.run_until_empty().await;
    let store = &bench.store;
    assert_eq!(number(store, "SELECT sum(messages) FROM daily_domains").await, 6);
    assert_eq!(number(store, "SELECT count() FROM aggregate_reports").await, 1);
    assert_eq!(number(store, "SELECT count() FROM tls_policies").await, 1);
    assert_eq!(number(store, "SELECT count() FROM deliveries WHERE decision = 'duplicate'").await, 10);
    assert_eq!(number(store, "SELECT count() FROM deliveries WHERE decision = 'conflict'").await, 0);
}

/// A report with names of every kind in its one record.
fn named(id: &str) -> String {
    report(id, 1).replace(
        "</record>",
        "<auth_results><dkim><domain>mail.acme.example</domain><selector>s1</selector><result>pass</result></dkim>\
         <spf><domain>bounce.acme.example</domain><result>fail</result></spf></auth_results></record>",
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_with_names_spelt_otherwise_is_the_same_report() {
    let spellings = |id: &str| {
        let original = named(id);
        [
            original.replace("<header_from>acme", "<header_from>ACME"),
            original.replace("acme.example</header_from>", "acme.example.</header_from>"),
            original.replace("<domain>mail.acme", "<domain>Mail.Acme"),
            original.replace("mail.acme.example<", "mail.acme.example.<"),
            original.replace("<selector>s1", "<selector>S1"),
            original.replace("<domain>bounce.acme.example", "<domain>BOUNCE.acme.example."),
            original.replace(&format!("<report_id>{id}"), &format!("<report_id>{}", id.to_uppercase())),
            original,
        ]
    };
    let bench = Bench::new(Engine::shared()).await;
    bench.send(&spellings("r1x")).await;
    bench.run_until_empty().await;
    // What is stored already is found again, too.
    bench.send(&spellings("r1x")).await;
    let tls = tls_report();
    bench.send(&[tls.replace("\"t1\"", "\"T1\""), tls.replace("Acme.example", "acme.example."), tls]).await;
    bench.run_until_empty().await;
    let store = &bench.store;
    assert_eq!(number(store, "SELECT sum(messages) FROM daily_domains").await, 1);
    assert_eq!(number(store, "SELECT count() FROM aggregate_reports").await, 1);
    assert_eq!(number(store, "SELECT count() FROM tls_policies").await, 1);
    assert_eq!(number(store, "SELECT count() FROM deliveries WHERE decision = 'duplicate'").await, 17);
    assert_eq!(number(store, "SELECT count() FROM deliveries WHERE decision = 'conflict'").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_in_another_case_are_of_two_reports_where_these_differ() {
    let bench = Bench::new(Engine::shared()).await;
    bench.send(&[report("r1x", 1), report("R1X", 2)]).await;
    bench.run_until_empty().await;
    bench.send(&[report("R1x", 3), report("R1X", 2)]).await;
    bench.run_until_empty().await;
    let store = &bench.store;
    assert_eq!(number(store, "SELECT sum(messages) FROM daily_domains").await, 1 + 3 + 6);
    assert_eq!(number(store, "SELECT count() FROM deliveries WHERE decision = 'stored'").await, 3);
    assert_eq!(number(store, "SELECT count() FROM deliveries WHERE decision = 'duplicate'").await, 1);
}

/// Before, the case of a report's id was part of its key, and the spelling of names in records part of its content.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_stored_with_the_case_of_its_id_is_known() {
    let bench = Bench::new(Engine::shared()).await;
    let mails = ["aBc", "dEf"].map(|id| named(id).replace("<header_from>acme", "<header_from>Acme"));
    bench.send(&mails).await;
    bench.run_until_empty().await;
    // The ledger as it was: one with no name folded, one with those outside of records.
    for (id, mail, is_half_folded) in [("aBc", &mails[0], false), ("dEf", &mails[1], true)] {
        let xml = mail.split("\r\n\r\n").nth(1).unwrap();
        let read = report::aggregate::read(xml.as_bytes(), &report::Limits::default(), |_| {}).unwrap();
        let mut key = Vec::new();
        let times = [read.begin, read.end].map(|time| time.unwrap().to_string());
        for part in ["aggregate", "reporter", "acme.example", id, &times[0], &times[1]] {
            key.extend_from_slice(&(part.len() as u64).to_le_bytes());
            key.extend_from_slice(part.as_bytes());
        }
        let key = Uuid::from_u128(xxhash_rust::xxh3::xxh3_128(&key));
        let content = Uuid::from_u128(if is_half_folded { read.half_folded_hash } else { read.content_hash });
        bench
            .query(&format!(
                "INSERT INTO deliveries SELECT * REPLACE ('{key}' AS report_key, '{content}' AS content_hash, '' AS standing) \
                 FROM deliveries WHERE report_id = '{id}'"
            ))
            .await;
        bench
            .query(&format!("DELETE FROM deliveries WHERE report_id = '{id}' AND report_key != '{key}'"))
            .await;
    }
    // As after an upgrade: whether there are such deliveries is asked once.
    let bench = Bench::over(bench.store.clone());
    bench.send(&[mails.clone(), mails].concat()).await;
    bench.run_until_empty().await;
    let store = &bench.store;
    assert_eq!(number(store, "SELECT sum(messages) FROM daily_domains").await, 2);
    assert_eq!(number(store, "SELECT count() FROM deliveries").await, 6);
    assert_eq!(number(store, "SELECT count() FROM deliveries WHERE decision = 'duplicate'").await, 4);
    assert_eq!(number(store, "SELECT uniqExact(report_key, content_hash) FROM deliveries").await, 2);
}

/// Version 0.1 stored reports under a hash that minds case.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_version_stored_is_known() {
    let bench = Bench::new(Engine::shared()).await;
    let mail = report("r1", 3);
    bench.send(std::slice::from_ref(&mail)).await;
    bench.run_until_empty().await;
    let xml = mail.split("\r\n\r\n").nth(1).unwrap();
    let read = report::aggregate::read(xml.as_bytes(), &report::Limits::default(), |_| {}).unwrap();
    assert_ne!(read.content_hash, read.folded_hash);
    let earlier = Uuid::from_u128(read.content_hash);
    let folded = Uuid::from_u128(read.folded_hash);
    let known = format!("SELECT count() FROM deliveries WHERE content_hash = '{folded}'");
    assert_eq!(number(&bench.store, &known).await, 1);
    bench
        .query(&format!(
            "ALTER TABLE deliveries UPDATE content_hash = '{earlier}' WHERE true SETTINGS mutations_sync = 1"
        ))
        .await;
    bench.send(std::slice::from_ref(&mail)).await;
    bench.run_until_empty().await;
    assert_eq!(number(&bench.store, "SELECT sum(messages) FROM daily_domains").await, 6);
    assert_eq!(number(&bench.store, "SELECT count() FROM deliveries WHERE decision = 'duplicate'").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tls_report_is_about_the_domain_its_mail_names() {
    let bench = Bench::new(Engine::shared()).await;
    let with = |id: &str, policy: &str, header: &str| {
        let mail = tls_report().replace("t1", id);
        let mail = mail
            .replace("\"policy-type\":\"sts\"", policy)
            .replace("\"policy-domain\":\"Acme.example\",", "");
        mail.replace("Subject: Report Domain: acme.example\r\n", header)
    };
    let dane = r#""policy-type":"tlsa","policy-domain":"mx1.hoster.example""#;
    let host = r#""policy-type":"no-policy-found","policy-domain":"mx""#;
    bench
        .send(&[
            with(
                "a",
                r#""policy-type":"no-policy-found""#,
                "TLS-Report-Domain: acme.example\r\nSubject: x\r\n",
            ),
            with("b", dane, "Subject: Report Domain: Acme.Example. Submitter: x Report-ID: <1>\r\n"),
            with(
                "c",
                host,
                "Subject: x\r\nContent-Disposition: attachment; filename=\"x!acme.example!1!2!3.json\"\r\n",
            ),
            with("d", dane, "Subject: nothing of it\r\n"),
        ])
        .await;
    bench.run_until_empty().await;
    let store = &bench.store;
    let ours = "policy_domain = 'acme.example' AND group_name = 'acme'";
    for table in ["tls_policies", "tls_failures", "deliveries"] {
        assert_eq!(number(store, &format!("SELECT countIf({ours}) FROM {table}")).await, 3, "{table}");
        let host = format!("SELECT countIf(policy_domain = 'mx1.hoster.example') FROM {table}");
        assert_eq!(number(store, &host).await, 1, "{table}: nothing else is known");
    }
    let as_written =
        "SELECT countIf(domain = 'mx1.hoster.example') + countIf(isNull(domain)) FROM tls_policies";
    assert_eq!(number(store, as_written).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subdomain_is_one_however_it_is_written() {
    let bench = Bench::new(Engine::shared()).await;
    let names = [
        "mail.acme.example",
        "MAIL.Acme.example",
        "mail.acme.example.",
        "Bücher.acme.example",
        "acme.example.",
    ];
    let mails: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(place, name)| {
            let mail = report(&format!("r{place}"), 1)
                .replace(">acme.example</header_from", &format!(">{name}</header_from"));
            mail.replace("<count>1<", &format!("<count>{}<", 1 << place))
        })
        .collect();
    bench.send(&mails).await;
    bench.run_until_empty().await;
    let store = &bench.store;
    assert_eq!(number(store, "SELECT sum(subdomain) FROM daily_sources").await, 15);
    assert_eq!(number(store, "SELECT sum(subdomain_passed) FROM daily_sources").await, 15);
    assert_eq!(number(store, "SELECT sum(messages) FROM daily_sources").await, 31);
}

#[tokio::test(flavor = "multi_thread")]
async fn dates_that_cannot_be_are_those_of_arrival() {
    let bench = Bench::new(Engine::shared()).await;
    let ranges = [
        ("1795910400000", "1795996799000"),
        ("-86400", "-1"),
        ("0", "4294967295"),
        ("0", "86399"),
        ("x", "y"),
    ];
    let mut mails = Vec::new();
    for (id, (begin, end)) in ranges.iter().enumerate() {
        let mail = report(&format!("r{id}"), 2);
        let (before, rest) = mail.split_once("<begin>").unwrap();
        let (_, after) = rest.split_once("</date_range>").unwrap();
        mails.push(format!("{before}<begin>{begin}</begin><end>{end}</end></date_range>{after}"));
    }
    mails.push(tls_report().replace("2026-11-01", "1970-01-01"));
    mails.push(
        failure_report()
            .replace("Version: 1\r\n", "Version: 1\r\nArrival-Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n"),
    );
    mails.push(failure_report());
    mails.push(report("good", 1));
    bench.send(&mails).await;
    bench.run_until_empty().await;
    let store = &bench.store;
    for (table, suspect) in [("aggregate_reports", 5), ("tls_policies", 1)] {
        let marked = format!("SELECT countIf(date_suspect) FROM {table}");
        assert_eq!(number(store, &marked).await, suspect, "{table}");
    }
    for (table, suspect, all) in [
        ("aggregate_reports", 5, 6),
        ("aggregate_records", 10, 11),
        ("tls_policies", 1, 1),
        ("tls_failures", 1, 1),
        ("failure_reports", 2, 2),
    ] {
        let arrived = format!("SELECT countIf(day = toDate(received_at, 'UTC')) FROM {table}");
        assert_eq!(number(store, &arrived).await, suspect, "{table}");
        assert_eq!(number(store, &format!("SELECT count() FROM {table}")).await, all, "{table}");
    }
    let shown = "SELECT countIf(begin < '1900-01-02' OR begin > '2299-01-01' OR `end` > '2299-01-01') FROM aggregate_reports";
    assert_eq!(number(store, shown).await, 0, "no year 58880");
    let told = "SELECT countIf(has(warnings.code, 'date_implausible')) FROM aggregate_reports";
    assert_eq!(number(store, told).await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn extensions_add_nothing() {
    let bench = Bench::new(Engine::shared()).await;
    let forged = "<e:record xmlns:e='urn:e'><e:row><e:source_ip>203.0.113.5</e:source_ip><e:count>900</e:count></e:row>\
        </e:record><record><e:row xmlns:e='urn:e'><e:source_ip>203.0.113.77</e:source_ip><e:count>1000</e:count></e:row>";
    bench.send(&[report("r1", 1).replace("<record>", forged)]).await;
    bench.run_until_empty().await;
    assert_eq!(number(&bench.store, "SELECT sum(count) FROM aggregate_records").await, 1);
    assert_eq!(sources(&bench.store).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_is_encrypted_is_kept_with_that_reason() {
    let bench = Bench::new(Engine::shared()).await;
    let pgp = "-----BEGIN PGP MESSAGE-----\r\n\r\nhQEMA0a=\r\n-----END PGP MESSAGE-----\r\n";
    bench.send(&[eml("Report Domain: acme.example", "application/octet-stream", pgp)]).await;
    bench.run_until_empty().await;
    let told = "SELECT count() FROM messages WHERE outcome = 'rejected' AND code = 'encrypted'";
    assert_eq!(number(&bench.store, told).await, 1);
    assert_eq!(bench.backlog().quarantined, 1);
}

async fn sources(store: &Store) -> i64 {
    number(store, "SELECT uniqExact(source_ip) FROM aggregate_records").await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_junk_a_sample_of_each_network_is_kept() {
    let bench = Bench::new(Engine::shared()).await;
    let broken = || report("broken", 1).replace("<count>1</count>", "<count>-1</count>");
    let mut mails = Vec::new();
    for number in 0..50 {
        mails.push((["198.51.100.1", "198.51.100.2"][number % 2], String::new()));
        mails.push(("203.0.113.7", eml("no report", "text/plain", "hello")));
        mails.push(("198.51.100.3", broken()));
    }
    mails.push(("192.0.2.99", eml("one of its own", "text/plain", "hello")));
    mails.push(("198.51.100.1", report("good", 1)));
    bench.send_by(&mails).await;
    bench.run_until_empty().await;
    let store = &bench.store;
    let told = "SELECT count() FROM messages WHERE outcome = 'rejected' AND code = 'not_a_report'";
    assert_eq!(number(store, told).await, 50 + 50 + 1, "each has its row");
    assert_eq!(number(store, "SELECT count() FROM aggregate_reports").await, 1);
    assert_eq!(
        bench.backlog().quarantined,
        10 + 10 + 1 + 50,
        "ten of a network, and whatever tried to be a report"
    );
}
