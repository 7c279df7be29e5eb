//! `ruad reports` beside a running daemon.

use crate::{daemon::Daemon, reports, smtp::Client};

#[test]
fn a_report_is_withdrawn_and_restored() {
    let mut daemon = Daemon::new("");
    daemon.start();
    daemon.wait_ready();
    for (id, domain) in [("r1", "d1.example"), ("r2", "d1.example"), ("r3", "d2.example")] {
        deliver(&daemon, id, domain);
    }
    assert_eq!(sums(&daemon), [12, 12, 12]);

    let list = daemon.run(&["reports", "list", "--domain", "d1.example", "--json"]);
    let rows: Vec<serde_json::Value> = list.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 2, "{list}");
    let key = rows.iter().find(|row| row["report_id"] == "r1").unwrap()["key"].as_str().unwrap().to_owned();

    let withdraw = ["reports", "withdraw", "--key", &key, "--reason", "it lies"];
    let dry = daemon.run(&[&withdraw[..], &["--dry-run"]].concat());
    assert!(dry.contains("1 report with 4 messages would be withdrawn"), "{dry}");
    assert_eq!(sums(&daemon), [12, 12, 12], "a dry run changes nothing");
    let refused = daemon.fails(&withdraw);
    assert!(refused.contains("--yes"), "{refused}");
    assert_eq!(sums(&daemon), [12, 12, 12], "nor does a question that has no answer");

    let done = daemon.run(&[&withdraw[..], &["--yes"]].concat());
    assert!(done.contains("1 report withdrawn"), "{done}");
    assert_eq!(sums(&daemon), [8, 8, 8]);
    let again = daemon.run(&[&withdraw[..], &["--yes", "--json"]].concat());
    assert!(again.contains("\"changed\":0"), "{again}");

    // It comes again, and is not counted.
    deliver(&daemon, "r1", "d1.example");
    assert_eq!(sums(&daemon), [8, 8, 8]);
    let shown = daemon.run(&["reports", "show", &key]);
    assert!(shown.contains("withdrawn") && shown.contains("it lies"), "{shown}");
    let list = daemon.run(&["reports", "list", "--state", "withdrawn"]);
    assert_eq!(list.lines().count(), 1, "{list}");

    let restored = daemon.run(&["reports", "restore", "--id", "r1", "--yes", "--json"]);
    assert!(restored.contains("\"changed\":1"), "{restored}");
    assert_eq!(sums(&daemon), [12, 12, 12]);
    deliver(&daemon, "r1", "d1.example");
    assert_eq!(sums(&daemon), [12, 12, 12], "it still counts once");
    let all = daemon.run(&["reports", "withdraw", "--verdict", "unknown", "--reason", "all", "--yes"]);
    assert!(all.contains("3 reports withdrawn"), "{all}");
    assert_eq!(sums(&daemon), [0, 0, 0]);

    for (arguments, answer) in [
        (&["reports", "withdraw", "--reason", "x", "--yes"][..], "name the reports"),
        (&["reports", "withdraw", "--id", "r1", "--reason", " ", "--yes"], "--reason"),
        (&["reports", "show", "00000000-0000-0000-0000-000000000001"], "no stored report"),
    ] {
        let error = daemon.fails(arguments);
        assert!(error.contains(answer), "{error}");
    }
    daemon.stop();
}

fn deliver(daemon: &Daemon, id: &str, domain: &str) {
    let mut client = Client::connect(daemon.smtp).unwrap();
    client.deliver("reports@reporter.example", "rua@reports.example", &reports::mail(id, domain, 1)).unwrap();
    daemon.wait_stored();
}

fn sums(daemon: &Daemon) -> [u64; 3] {
    let sums = [("count", "aggregate_records"), ("messages", "daily_domains"), ("messages", "daily_sources")];
    sums.map(|(column, table)| {
        daemon.query::<u64>(&format!("SELECT toUInt64(sum({column})) FROM {table}")).remove(0)
    })
}
