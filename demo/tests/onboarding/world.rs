//! The simulated world itself: what it shows to somebody who does not know that it is one.

use ruad_demo::onboarding::{Desk, Entry, Examination, Fate, Internet, Receivers, Role, Scenario, Web};
use ruad_dns::{Resolver, Severity};
use ruad_registry::Registry;

use crate::engine;

const DOMAIN: &str = "tulip-bikes.example";

/// What the zone holds once everything is done.
fn well_kept(scenario: &Scenario) -> Vec<Entry> {
    let shop = scenario.senders.iter().find(|sender| sender.selector == Some("shop")).unwrap();
    let spf =
        format!("v=spf1 include:spf.protection.outlook.com include:mail.zendesk.com {} -all", shop.terms());
    let mut entries = scenario.zone.clone();
    entries.extend([
        Entry::text(DOMAIN, spf),
        Entry::text(format!("_dmarc.{DOMAIN}"), "v=DMARC1; p=reject; rua=mailto:rua@reports.example"),
        Entry::text(format!("{DOMAIN}._report._dmarc.reports.example"), "v=DMARC1;"),
        Entry::text(format!("_mta-sts.{DOMAIN}"), "v=STSv1; id=1;"),
        Entry::new(format!("mta-sts.{DOMAIN}"), "A", "127.0.0.1"),
        Entry::text(format!("_smtp._tls.{DOMAIN}"), "v=TLSRPTv1; rua=mailto:tls@reports.example"),
    ]);
    entries.extend(scenario.senders.iter().flat_map(|sender| sender.key_entries(DOMAIN)));
    entries
}

const POLICY: &str =
    "version: STSv1\r\nmode: enforce\r\nmx: tulip-bikes.mail.protection.outlook.com\r\nmax_age: 604800\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_well_kept_domain_has_five_points() {
    let scenario = Scenario::bicycles();
    let store = engine().store().await.unwrap();
    let internet = Internet::start(DOMAIN).await.unwrap();
    let services = scenario.senders.iter().flat_map(|sender| sender.publishes());
    internet.publish(services.chain(well_kept(&scenario))).unwrap();
    let web = Web::start(&[DOMAIN]).await.unwrap();
    web.put(DOMAIN, POLICY);
    let own = ["rua@reports.example".to_owned(), "tls@reports.example".to_owned()];
    let mut examination = Examination::of(DOMAIN, &internet, &web, &own).unwrap();
    let found = examination.look(&store, 1_736_164_800).await.unwrap();
    let checks = found.snapshot.checks();
    let findings = checks.iter().flat_map(|check| &check.findings);
    let wrong: Vec<_> = findings.filter(|finding| finding.code.severity > Severity::Info).collect();
    // There are no ROAs to hold routes against.
    let asked = checks.iter().filter(|check| !check.is_told());
    let unknown: Vec<_> = asked.flat_map(|check| &check.unknown).collect();
    assert!(wrong.is_empty() && unknown.is_empty(), "{wrong:#?} {unknown:#?}");
    assert_eq!(found.score.unwrap().to_string(), "5.0");
    // Without any of it, and a record taken away is gone.
    for entry in internet.own() {
        assert!(internet.remove(&entry).unwrap());
    }
    let found = examination.look(&store, 1_736_164_801).await.unwrap();
    assert!(found.snapshot.dmarc.record.is_none() && found.snapshot.spf.tree.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_tell_what_receivers_saw() {
    let mut scenario = Scenario::bicycles();
    let store = engine().store().await.unwrap();
    let internet = Internet::start(DOMAIN).await.unwrap();
    internet.publish(scenario.senders.iter().flat_map(|sender| sender.publishes())).unwrap();
    internet.publish(well_kept(&scenario)).unwrap();
    let registry =
        || Registry::parse(&format!("[[group]]\nname = \"a\"\ndomains = [\"{DOMAIN}\"]\n"), "test");
    let desk = Desk::open(&internet, &store, registry().unwrap()).unwrap();
    let resolver = Resolver::new(&internet.settings(), 0, 200).unwrap();
    let mut receivers = Receivers::new(resolver, DOMAIN);

    // Nobody signs yet: what has an envelope of its own fails, and is refused.
    receivers.look(&scenario.senders).await;
    let (mails, fates) = receivers.receive(&scenario.senders, 1, scenario.start.plus(1), 1);
    let fate =
        |name: &str| fates.iter().find(|((_, whose), _)| *whose == name).map(|(_, fate)| *fate).unwrap();
    assert_eq!(fate("Microsoft 365").passed, fate("Microsoft 365").messages);
    assert_eq!(fate("Mailchimp").passed, 0);
    assert_eq!(fate("Mailchimp").rejected, fate("Mailchimp").messages);
    assert_eq!(fate("an alumni forwarder").passed, 0);
    desk.deliver(&mails).await.unwrap();

    // Everybody signs: what is forged fails.
    scenario.senders.iter_mut().for_each(|sender| sender.is_signing = sender.selector.is_some());
    receivers.look(&scenario.senders).await;
    let (mails, later) = receivers.receive(&scenario.senders, 8, scenario.start.plus(8), 1);
    for ((role, name), fate) in &later {
        let passes = if *role == Role::Forged { 0 } else { fate.messages };
        assert_eq!(fate.passed, passes, "{name}");
        assert_eq!(fate.lost(), if *role == Role::Forged { fate.messages } else { 0 }, "{name}");
    }
    desk.deliver(&mails).await.unwrap();
    desk.close().await;

    let sum = fates.values().chain(later.values()).fold(Fate::default(), |sum, fate| sum.and(*fate));
    let query = "SELECT tuple(sum(messages), sum(passed), sum(quarantined), sum(rejected))::String FROM daily_sources \
                 WHERE verdict = 'genuine'";
    let told: String = store.client().query_raw(query).fetch_one().await.unwrap();
    let Fate { messages, passed, quarantined, rejected } = sum;
    assert_eq!(told, format!("({messages},{passed},{quarantined},{rejected})"));
}
