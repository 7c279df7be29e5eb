//! A domain with everything, and what is told about it.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use ruad::health::Settings;
use ruad_dns::dnsbl::Lists;

use crate::{
    engine::{Engine, number},
    world::{OFTEN, World, texts, wait},
};

/// Two Ed25519 keys (RFC 8463): any 32 bytes are one.
const ONE_KEY: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
const OTHER_KEY: &str = "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=";

fn zone(policy: &str, key: &str) -> String {
    format!(
        "; ttl: 0\n@ IN MX 10 mx1.domain.example.\nmx1 IN A 203.0.113.1\n\
         @ IN TXT \"v=spf1 mx include:_spf.domain.example -all\"\n_spf IN TXT \"v=spf1 ip4:203.0.113.0/28 -all\"\n\
         _dmarc IN TXT \"v=DMARC1; p={policy}; rua=mailto:rua@domain.example\"\n\
         default._domainkey IN TXT \"v=DKIM1; k=ed25519; p={key}\"\n"
    )
}

#[tokio::test]
async fn policy_and_keys_are_followed() {
    let store = Engine::shared().store().await;
    let world = World::new(&zone("none", ONE_KEY)).await;
    let running = world.start(OFTEN, Some(&store));
    let keys = "SELECT concat(selector, ' ', type, ' ', toString(bits)) FROM dkim_keys ORDER BY first_seen, fingerprint";
    wait("the first key", async || texts(&store, keys).await == ["default ed25519 256"]).await;
    let page = running.metrics();
    for line in [
        "ruad_dmarc_policy{domain=\"domain.example\",group=\"acme\",policy=\"none\"} 1",
        "ruad_dmarc_policy{domain=\"domain.example\",group=\"acme\",policy=\"reject\"} 0",
        "ruad_spf_lookups{domain=\"domain.example\",group=\"acme\"} 2",
        "ruad_dkim_key_bits{domain=\"domain.example\",group=\"acme\",selector=\"default\"} 256",
        "ruad_dkim_key_age_seconds{domain=\"domain.example\",group=\"acme\",selector=\"default\"} ",
        "ruad_domain_check_status{domain=\"domain.example\",group=\"acme\",check=\"spf\",status=\"ok\"} ",
    ] {
        assert!(page.contains(line), "{line} is not in\n{page}");
    }
    well_formed(&page);

    world.dns.replace(&zone("reject", OTHER_KEY));
    let events = "SELECT concat(kind, ' ', subject) FROM domain_events FINAL ORDER BY kind";
    wait("both events", async || {
        texts(&store, events).await == ["dkim.key_rotated default", "dmarc.policy_tightened "]
    })
    .await;
    wait("both keys", async || texts(&store, keys).await.len() == 2).await;
    wait("the new policy", async || running.metrics().contains("policy=\"reject\"} 1")).await;
    running.stop().await;
    assert_eq!(texts(&store, events).await.len(), 2);
}

#[tokio::test]
async fn a_listing_ends_when_the_list_says_so_and_not_when_nobody_asks() {
    let store = Engine::shared().store().await;
    let zone = |mx: &str, listed: &str| {
        format!(
            "@ IN MX 10 {mx}.domain.example.\nmx1 IN A 8.8.4.1\nmx2 IN A 8.8.4.2\nmx3 IN A 8.8.4.3\n\
             2.0.0.127.bl.test. IN A 127.0.0.2\n{listed}"
        )
    };
    let (first, third) = ("1.4.8.8.bl.test. IN A 127.0.0.2\n", "3.4.8.8.bl.test. IN A 127.0.0.2\n");
    let world = World::new(&zone("mx1", first)).await;
    let dnsbl = Lists { addresses: vec!["bl.test".to_owned()], ..Lists::default() };
    let settings = Settings { interval: OFTEN, dnsbl, ..Settings::default() };
    let running = world.start_with(&settings, Some(&store));
    let known =
        "SELECT count() FROM dns_checks WHERE check = 'dnsbl' AND has(facts.name, 'listed:bl.test:8.8.4.1')";
    wait("the listing", async || number(&store, known).await > 0).await;
    // It is listed still, but receives no mail any more.
    world.dns.replace(&zone("mx2", first));
    let moved = "SELECT count() FROM domain_events WHERE kind = 'mx.changed'";
    wait("the move", async || number(&store, moved).await == 1).await;
    let events =
        "SELECT concat(kind, ' ', subject) FROM domain_events FINAL WHERE check = 'dnsbl' ORDER BY kind DESC";
    world.dns.replace(&zone("mx3", third));
    let listed = "dnsbl.listed bl.test:8.8.4.3".to_owned();
    wait("the new listing", async || texts(&store, events).await == [listed.clone()]).await;
    world.dns.replace(&zone("mx3", ""));
    let delisted = "dnsbl.delisted bl.test:8.8.4.3".to_owned();
    wait("its end", async || texts(&store, events).await == [listed.clone(), delisted.clone()]).await;
    running.stop().await;
}

/// Asks Prometheus's own tool, where it is installed.
fn well_formed(page: &str) {
    let tool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut tool) = tool else { return };
    tool.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let output = tool.wait_with_output().unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    // The size of a key is counted in bits, whatever the unit of everything else is.
    let complaints: Vec<_> = said.lines().filter(|line| !line.contains("instead of \"bits\"")).collect();
    assert!(complaints.is_empty(), "{said}");
}
