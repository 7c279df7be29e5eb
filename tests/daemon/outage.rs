//! The daemon while its ClickHouse server is not there: mail is taken, and everybody can see that it waits.

use std::time::Duration;

use crate::{daemon::Daemon, reports, smtp::Client};

#[test]
fn mail_is_taken_shown_and_kept_until_the_server_is_there() {
    let mut daemon = Daemon::new("");
    daemon.use_a_server();
    daemon.start();
    daemon.wait_ready();
    let mut client = Client::connect(daemon.smtp).unwrap();
    for number in 0..10 {
        let mail = reports::mail(&format!("r{number}"), "d1.example", 1);
        client.deliver("reports@reporter.example", "rua@reports.example", &mail).unwrap();
    }
    let waits = || daemon.metric("ruad_spool_backlog_age_seconds").is_some_and(|age| age > 1.0);
    daemon.wait("a backlog of some age", Duration::from_secs(30), waits);
    assert!(daemon.metric("ruad_spool_backlog_bytes").unwrap() > 5_000.0);
    assert!(daemon.page("/readyz").starts_with("HTTP/1.0 200"), "mail can be taken");
    assert!(daemon.run(&["spool", "list"]).contains("wait"), "{}", daemon.run(&["spool", "list"]));

    let server = daemon.start_server();
    daemon.wait_stored();
    let stored: Vec<(u64, u64)> = daemon.query("SELECT count(), uniqExact(report_id) FROM aggregate_reports");
    assert_eq!(stored, [(10, 10)]);
    assert!(daemon.run(&["spool", "list"]).contains("0 segments wait"), "{}", daemon.run(&["spool", "list"]));

    // It restarts, and meanwhile more comes in.
    drop(server);
    let mail = reports::mail("r10", "d1.example", 1);
    client.deliver("reports@reporter.example", "rua@reports.example", &mail).unwrap();
    let _server = daemon.start_server();
    daemon.wait_stored();
    let stored: Vec<u64> = daemon.query("SELECT toUInt64(sum(records)) FROM daily_domains");
    assert_eq!(stored, [22]);
    daemon.stop();
}
