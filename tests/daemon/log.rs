//! What the daemon logs, for machines to read.

use serde_json::Value;

use crate::{daemon::Daemon, reports, smtp::Client};

#[test]
fn every_line_is_json_when_asked_for_those_of_the_engine_too() {
    let mut daemon = Daemon::new("[log]\nformat = \"json\"\n");
    daemon.start();
    daemon.wait_ready();
    let mail = reports::mail("r1", "d1.example", 1);
    let mut client = Client::connect(daemon.smtp).unwrap();
    client.deliver("someone-private@reporter.example", "rua+private@reports.example", &mail).unwrap();
    daemon.wait_stored();
    daemon.stop();

    let log = daemon.log();
    let lines: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect();
    for message in ["SMTP message.", "The engine is ready.", "Stopped."] {
        assert!(lines.iter().any(|line| line["message"] == message), "{message}: {log}");
    }
    assert!(!log.contains("private"), "a local part: {log}");
}
