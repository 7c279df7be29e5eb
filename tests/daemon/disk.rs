//! The spool's disk is full, or cannot be written: a small tmpfs. Mounting one needs root; on a machine of continuous integration
//! (`CI` is set) it is a fault when that does not go.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{daemon::Daemon, reports, smtp::Client};

#[test]
fn a_full_disk_is_drained_and_a_read_only_one_is_told() {
    let mut daemon = Daemon::new("");
    let Some(disk) = Disk::mount(&daemon.folder().join("spool")) else { return };
    daemon.set("RUAD__SPOOL__SEGMENT_BYTES", "65536".to_owned());
    daemon.set("RUAD__SPOOL__MIN_FREE_BYTES", "0".to_owned());
    daemon.use_a_server();
    daemon.start();
    daemon.wait_ready();
    daemon.wait("a page that says ready", PATIENCE, || is_ready(&daemon));

    let mut client = Client::connect(daemon.smtp).unwrap();
    for number in 0..40 {
        let mail = reports::mail(&format!("r{number}"), "d1.example", 1);
        client.deliver("reports@reporter.example", "rua@reports.example", &mail).unwrap();
    }
    disk.fill();
    daemon.wait("a page that says not ready", PATIENCE, || !is_ready(&daemon));
    daemon.wait("the metric of it", PATIENCE, || daemon.metric("ruad_spool_takes_mail") == Some(0.0));
    let mail = reports::mail("refused", "d1.example", 1);
    let refused = client.deliver("reports@reporter.example", "rua@reports.example", &mail).unwrap_err();
    assert!(refused.to_string().starts_with('4'), "{refused}");

    // Not a byte is free on the spool's disk; ClickHouse has its own.
    let server = daemon.start_server();
    daemon.wait_stored();
    let stored: Vec<(u64, u64)> = daemon.query("SELECT count(), uniqExact(report_id) FROM aggregate_reports");
    assert_eq!(stored, [(40, 40)]);
    disk.clear();
    daemon.wait("a page that says ready again", PATIENCE, || is_ready(&daemon));

    disk.make_read_only();
    daemon.wait("a page that says read-only", PATIENCE, || {
        let page = daemon.page("/readyz");
        page.starts_with("HTTP/1.0 503") && page.contains("spool: cannot write")
    });
    assert_eq!(daemon.metric("ruad_spool_takes_mail"), Some(0.0));
    disk.make_writable();
    daemon.wait("a page that says ready once more", PATIENCE, || is_ready(&daemon));
    let mut client = Client::connect(daemon.smtp).unwrap();
    client
        .deliver("reports@reporter.example", "rua@reports.example", &reports::mail("last", "d1.example", 1))
        .unwrap();
    daemon.wait_stored();
    daemon.stop();
    drop(server);
}

fn is_ready(daemon: &Daemon) -> bool {
    daemon.page("/readyz").starts_with("HTTP/1.0 200")
}

/// A file system in memory, gone when dropped.
struct Disk(PathBuf);

impl Disk {
    fn mount(folder: &Path) -> Option<Self> {
        fs::create_dir(folder).unwrap();
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", "size=4m,mode=0700", "ruad-test"]).arg(folder);
        if !command.status().is_ok_and(|status| status.success()) {
            assert!(
                std::env::var_os("CI").is_none(),
                "no tmpfs can be mounted here: run these tests as root"
            );
            eprintln!("skipped: no tmpfs can be mounted here");
            return None;
        }
        Some(Self(folder.to_owned()))
    }

    /// As after an error of the disk: nothing can be written any more. The file system itself cannot be remounted while files
    /// are open, so it is mounted over itself.
    fn make_read_only(&self) {
        mount(&["--bind".as_ref(), self.0.as_ref(), self.0.as_ref()]);
        mount(&["-o".as_ref(), "remount,bind,ro".as_ref(), self.0.as_ref()]);
    }

    fn make_writable(&self) {
        assert!(Command::new("umount").arg("-l").arg(&self.0).status().unwrap().success());
    }

    /// Takes every byte that is free.
    fn fill(&self) {
        let mut file = fs::OpenOptions::new().append(true).create(true).open(self.0.join("other")).unwrap();
        for piece in [64 * 1024, 4096, 1] {
            while file.write_all(&vec![0; piece]).is_ok() {}
        }
    }

    fn clear(&self) {
        fs::remove_file(self.0.join("other")).unwrap();
    }
}

fn mount(arguments: &[&std::ffi::OsStr]) {
    assert!(Command::new("mount").args(arguments).status().unwrap().success(), "{arguments:?}");
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: the daemon may still have it open.
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

const PATIENCE: Duration = Duration::from_secs(30);
