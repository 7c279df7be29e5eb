//! The embedded engine lets the daemon in whose it is, whatever its password.

use crate::{daemon::Daemon, reports, smtp::Client};

#[test]
fn a_password_of_the_operators_is_the_daemons_too() {
    let mut daemon = Daemon::new("");
    daemon.write("password", "chosen by the operator\n");
    daemon.set("RUAD__ENGINE__PASSWORD_FILE", "password".to_owned());
    daemon.start();
    daemon.wait_ready();
    let mut client = Client::connect(daemon.smtp).unwrap();
    let mail = reports::mail("r1", "d1.example", 2);
    client.deliver("reports@reporter.example", "rua@reports.example", &mail).unwrap();
    daemon.wait_stored();
    assert_eq!(daemon.query::<u64>("SELECT count() FROM aggregate_records"), [2]);
    // Commands get in by the same file, and know what dashboards use.
    assert_eq!(daemon.run(&["engine", "password", "ruad"]), "chosen by the operator\n");
    assert_eq!(daemon.run(&["engine", "password"]).len(), 49);
    let senders = daemon.run(&["source", "list", "d1.example"]);
    assert!(senders.contains("no senders of d1.example are known"), "{senders}");
    daemon.stop();
}
