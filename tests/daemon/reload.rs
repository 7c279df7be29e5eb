//! SIGHUP: certificate and registry are read again, and nobody notices who is connected.

use std::time::Duration;

use crate::{daemon::Daemon, reports, smtp::Client};

#[test]
fn a_sighup_reads_certificate_and_registry_again_without_dropping_a_session() {
    let mut daemon = Daemon::new(
        "[smtp.tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n[domains]\nfile = \"domains.toml\"\n",
    );
    daemon.write("domains.toml", "domains = []\n");
    certificate(&daemon, 2030);
    daemon.start();
    daemon.wait_ready();
    assert_eq!(daemon.metric(EXPIRY), Some(1_893_456_000.0));
    let mut client = Client::connect(daemon.smtp).unwrap();
    deliver(&mut client, "before");
    // The group is the one that the registry names when the report is read.
    daemon.wait_stored();

    certificate(&daemon, 2040);
    daemon.write("domains.toml", &group("acme"));
    daemon.hang_up();
    wait_for(&daemon, "ruad_domains_reloads_total{outcome=\"taken\"}", 1.0);
    assert_eq!(daemon.metric("ruad_smtp_tls_reloads_total{outcome=\"ok\"}"), Some(1.0));
    assert_eq!(daemon.metric(EXPIRY), Some(2_208_988_800.0));
    deliver(&mut client, "after");
    daemon.wait_stored();

    // Faulty files change nothing, and are told.
    daemon.write("cert.pem", "no certificate");
    daemon.write("domains.toml", "[[group]]\nname = 5\n");
    daemon.hang_up();
    wait_for(&daemon, "ruad_domains_reloads_total{outcome=\"refused\"}", 1.0);
    assert_eq!(daemon.metric("ruad_smtp_tls_reloads_total{outcome=\"failed\"}"), Some(1.0));
    assert_eq!(daemon.metric(EXPIRY), Some(2_208_988_800.0));
    for words in
        ["domains.toml", "Failed to reload the domain registry", "Failed to reload the SMTP certificate"]
    {
        assert!(daemon.log().contains(words), "{words}: {}", daemon.log());
    }
    deliver(&mut client, "faulty");

    daemon.wait_stored();
    let groups: Vec<(String, String)> = daemon
        .query("SELECT assumeNotNull(report_id), group_name FROM aggregate_reports ORDER BY received_at");
    let groups: Vec<_> = groups.iter().map(|(id, group)| (id.as_str(), group.as_str())).collect();
    assert_eq!(groups, [("before", "unassigned"), ("after", "acme"), ("faulty", "acme")]);
    daemon.stop();
}

fn deliver(client: &mut Client, id: &str) {
    let mail = reports::mail(id, "d1.example", 1);
    client.deliver("reports@reporter.example", "rua@reports.example", &mail).unwrap();
}

fn wait_for(daemon: &Daemon, metric: &str, value: f64) {
    daemon.wait(metric, Duration::from_secs(30), || daemon.metric(metric) == Some(value));
}

fn group(name: &str) -> String {
    format!("[[group]]\nname = \"{name}\"\ndomains = [\"d1.example\"]\n")
}

/// A certificate that is valid until the first day of a year.
fn certificate(daemon: &Daemon, year: i32) {
    let mut parameters = rcgen::CertificateParams::new(vec!["mx.reports.example".to_owned()]).unwrap();
    parameters.not_after = rcgen::date_time_ymd(year, 1, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    daemon.write("key.pem", &key.serialize_pem());
    daemon.write("cert.pem", &parameters.self_signed(&key).unwrap().pem());
}

const EXPIRY: &str = "ruad_smtp_tls_certificate_expiry_timestamp_seconds";
