//! What the rollups count when a block fails half way, comes from two receivers, or is taken out again.

use super::*;

/// The engine fails after the rows are in the table and before they are in one of the rollups.
#[tokio::test]
async fn a_rollup_that_was_missed_is_made_up_for() {
    for rollup in ["daily_domains", "daily_sources"] {
        let store = Engine::shared().store().await;
        let batch = records(&Report::default());
        let alter = format!("ALTER TABLE {rollup} ADD CONSTRAINT never CHECK messages < 0");
        store.client().query_raw(&alter).execute().await.unwrap();
        let error = insert(&store, &batch, "s/0").await.unwrap_err();
        assert_eq!((error.code(), error.kind()), (Some(469), Kind::Data));
        assert_eq!(
            number(&store, "SELECT count() FROM aggregate_records").await,
            3,
            "the table has them already"
        );
        assert_eq!(number(&store, &format!("SELECT sum(records) FROM {rollup}")).await, 0);
        let alter = format!("ALTER TABLE {rollup} DROP CONSTRAINT never");
        store.client().query_raw(&alter).execute().await.unwrap();
        insert(&store, &batch, "s/0").await.unwrap();
        assert_eq!(counts(&store).await, (3, 3, 3));
        insert(&store, &batch, "s/0").await.unwrap();
        assert_eq!(counts(&store).await, (3, 3, 3));
    }
}

#[tokio::test]
async fn the_copies_of_two_receivers_count_once() {
    let store = Engine::shared().store().await;
    let earlier = Report { segment: Uuid::from_u128(1 << 64), ..Report::default() };
    let later = Report { segment: Uuid::from_u128(2 << 64), verdict: "unknown", month: 1, ..earlier };
    let latest = Report { segment: Uuid::from_u128(3 << 64), ..earlier };
    for report in [&latest, &later, &earlier] {
        insert(&store, &records(report), &report.segment.to_string()).await.unwrap();
        deliver(&store, report, "stored").await;
    }
    assert_eq!(counts(&store).await, (9, 9, 9));
    // Both receivers notice, and one of them twice.
    for losers in [2, 0, 0] {
        assert_eq!(store.settle(&[7]).await.unwrap(), losers);
        let (_, domains, sources) = counts(&store).await;
        assert_eq!((domains, sources), (3, 3));
    }
    for rollup in ["daily_domains", "daily_sources"] {
        let query = format!("SELECT sum(messages) FROM {rollup} WHERE verdict = 'genuine'");
        assert_eq!(number(&store, &query).await, 16, "{rollup}");
        store.client().query_raw(&format!("OPTIMIZE TABLE {rollup} FINAL")).execute().await.unwrap();
        let query = format!("SELECT count() FROM {rollup}");
        assert_eq!(number(&store, &query).await, 3, "{rollup}: what sums to nothing is gone");
    }
    assert_eq!(number(&store, "SELECT count() FROM aggregate_records FINAL").await, 3);
    assert_eq!(number(&store, "SELECT count() FROM aggregate_records").await, 3, "without FINAL too");
    let kept = "SELECT count() FROM aggregate_records FINAL WHERE verdict = 'genuine'";
    assert_eq!(number(&store, kept).await, 3, "the earliest copy stays");
    assert_eq!(store.settle(&[1, 2, 3]).await.unwrap(), 0);
}

/// What classes of senders rest on: forwarding, SPF of somebody else, subdomains; in and out again.
#[tokio::test]
async fn the_marks_of_senders_are_added_up_and_taken_out() {
    let store = Engine::shared().store().await;
    let report = Report::default();
    let batch = read(MARKS, &report);
    insert(&store, &batch, "s/0").await.unwrap();
    let marks = "SELECT toString(groupArray((address, f, s, d, p))) FROM ( \
        SELECT replaceOne(toString(source_ip), '::ffff:', '') AS address, sum(forwarded) AS f, sum(foreign_spf) AS s, \
            sum(subdomain) AS d, sum(subdomain_passed) AS p FROM daily_sources GROUP BY address ORDER BY address)";
    let found: String = store.client().query(marks).fetch_one().await.unwrap();
    assert_eq!(
        found,
        "[('192.0.2.1',1,0,0,0),('192.0.2.2',2,0,0,0),('192.0.2.3',4,0,0,0),('192.0.2.4',0,0,0,0),\
          ('192.0.2.5',0,16,0,0),('192.0.2.6',0,0,0,0),('192.0.2.7',0,0,64,64),('192.0.2.8',0,0,128,0)]"
    );
    deliver(&store, &report, "stored").await;
    let once = sums(&store).await;
    let later = Report { segment: Uuid::from_u128(6 << 64), ..report };
    insert(&store, &read(MARKS, &later), "later").await.unwrap();
    deliver(&store, &later, "stored").await;
    assert_eq!(sums(&store).await, once.map(|sum| sum * 2));
    assert_eq!(store.settle(&[7]).await.unwrap(), 1);
    assert_eq!(sums(&store).await, once);
    store.take_out_refused(&[report.copy()]).await.unwrap();
    assert_eq!(sums(&store).await, [0; 5]);
}

async fn sums(store: &Store) -> [i64; 5] {
    let mut sums = [0; 5];
    for (sum, column) in
        sums.iter_mut().zip(["messages", "forwarded", "foreign_spf", "subdomain", "subdomain_passed"])
    {
        *sum = number(store, &format!("SELECT sum({column}) FROM daily_sources")).await;
    }
    sums
}

const MARKS: &str = "<feedback><report_metadata><org_name>google.com</org_name><report_id>1</report_id>
  <date_range><begin>1</begin><end>2</end></date_range></report_metadata>
  <policy_published><domain>example.com</domain><p>none</p></policy_published>
  <record><row><source_ip>192.0.2.1</source_ip><count>1</count><policy_evaluated><disposition>none</disposition>
    <dkim>fail</dkim><spf>fail</spf><reason><type>Forwarded</type><comment></comment></reason></policy_evaluated></row><identifiers><header_from>example.com</header_from>
    </identifiers><auth_results></auth_results></record>
  <record><row><source_ip>192.0.2.2</source_ip><count>2</count><policy_evaluated><disposition>none</disposition>
    <dkim>fail</dkim><spf>fail</spf><reason><type>local_policy</type><comment>ARC=Pass as.1.example.net</comment></reason></policy_evaluated></row><identifiers><header_from>Example.com</header_from>
    </identifiers><auth_results></auth_results></record>
  <record><row><source_ip>192.0.2.3</source_ip><count>4</count><policy_evaluated><disposition>none</disposition>
    <dkim>fail</dkim><spf>fail</spf><reason><type>other</type><comment></comment></reason><reason><type>mailing_list</type><comment></comment></reason></policy_evaluated></row><identifiers><header_from>example.com.</header_from>
    </identifiers><auth_results></auth_results></record>
  <record><row><source_ip>192.0.2.4</source_ip><count>8</count><policy_evaluated><disposition>none</disposition>
    <dkim>fail</dkim><spf>fail</spf><reason><type>local_policy</type><comment>arc=fail; search pass</comment></reason></policy_evaluated></row><identifiers><header_from>notexample.com</header_from>
    </identifiers><auth_results></auth_results></record>
  <record><row><source_ip>192.0.2.5</source_ip><count>16</count><policy_evaluated><disposition>none</disposition>
    <dkim>pass</dkim><spf>fail</spf></policy_evaluated></row><identifiers><header_from>example.com</header_from>
    </identifiers><auth_results><spf><domain>other.example</domain><result>Pass</result></spf></auth_results></record>
  <record><row><source_ip>192.0.2.6</source_ip><count>32</count><policy_evaluated><disposition>none</disposition>
    <dkim>pass</dkim><spf>fail</spf></policy_evaluated></row><identifiers><header_from>example.com</header_from>
    </identifiers><auth_results><spf><domain>other.example</domain><result>fail</result></spf></auth_results></record>
  <record><row><source_ip>192.0.2.7</source_ip><count>64</count><policy_evaluated><disposition>none</disposition>
    <dkim>pass</dkim><spf>pass</spf></policy_evaluated></row><identifiers><header_from>Mail.Example.com</header_from>
    </identifiers><auth_results><spf><domain>example.com</domain><result>pass</result></spf></auth_results></record>
  <record><row><source_ip>192.0.2.8</source_ip><count>128</count><policy_evaluated><disposition>none</disposition>
    <dkim>fail</dkim><spf>fail</spf></policy_evaluated></row><identifiers><header_from>mail.example.com</header_from>
    </identifiers><auth_results><spf><domain>other.example</domain><result>pass</result></spf></auth_results></record>
</feedback>";
