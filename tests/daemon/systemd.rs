//! What systemd hears, and what it makes of the unit.

use std::{
    collections::BTreeSet,
    os::unix::net::UnixDatagram,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use crate::daemon::Daemon;

#[test]
fn systemd_hears_of_readiness_life_reloads_and_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut daemon = Daemon::new("");
    daemon.set("NOTIFY_SOCKET", path.display().to_string());
    daemon.set("WATCHDOG_USEC", "1000000".to_owned());
    daemon.start();
    hear(&socket, &["READY=1"]);
    hear(&socket, &["WATCHDOG=1"]);
    hear(&socket, &["WATCHDOG=1"]);
    daemon.hang_up();
    hear(&socket, &["RELOADING=1", "MONOTONIC_USEC="]);
    hear(&socket, &["READY=1"]);
    daemon.stop();
    hear(&socket, &["STOPPING=1"]);
}

#[test]
fn the_unit_exposes_little() {
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/ruad.service");
    let mut command = Command::new("systemd-analyze");
    // The threshold is in tenths.
    command.args(["security", "--offline=yes", "--threshold=20"]).arg(unit).stdin(Stdio::null());
    match command.output() {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
            assert!(text.contains("Overall exposure level"), "{text}");
        }
        Err(error) => eprintln!("skipped: no systemd-analyze here: {error}"),
    }
}

/// Reads messages up to the one in which all of these lines begin.
fn hear(socket: &UnixDatagram, lines: &[&str]) {
    let mut heard = BTreeSet::new();
    let mut buffer = [0; 1000];
    loop {
        let Ok(length) = socket.recv(&mut buffer) else { panic!("{lines:?} was not said; only {heard:?}") };
        let message = String::from_utf8(buffer[..length].to_vec()).unwrap();
        if lines.iter().all(|start| message.lines().any(|line| line.starts_with(start))) {
            return;
        }
        heard.insert(message);
    }
}
