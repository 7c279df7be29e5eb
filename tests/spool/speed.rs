//! How fast messages become durable.

use std::{
    io::Write,
    time::{Duration, Instant},
};

use ruad_spool::{Settings, Spool};

use super::{commit, settings};

/// `cargo test --release --test spool -- --ignored --nocapture speed`; in `RUAD_TEST_FOLDER`, or beside the build.
/// On a tmpfs it shows what the spool itself costs, as a sync is free there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn speed_of_commits() {
    let place = std::env::var_os("RUAD_TEST_FOLDER").unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into());
    {
        // What the disk can do, right now: the figures below are to be read beside this one.
        let mut file = tempfile::tempfile_in(&place).unwrap();
        let began = Instant::now();
        for _ in 0..1000 {
            file.write_all(&[b'x'; 8192]).unwrap();
            file.sync_data().unwrap();
        }
        println!("bare append + fdatasync: {:.0}/s", 1000.0 / began.elapsed().as_secs_f64());
    }
    for (tasks, each) in [(20, 2000), (200, 200), (1, 1000)] {
        let folder = tempfile::tempdir_in(&place).unwrap();
        let settings = Settings { segment_age: Duration::from_secs(1), ..settings(folder.path()) };
        let spool = Spool::open(&settings).unwrap();
        let began = Instant::now();
        let workers: Vec<_> = (0..tasks)
            .map(|_| {
                let spool = spool.clone();
                tokio::spawn(async move {
                    for _ in 0..each {
                        commit(&spool, "speed", &[b'x'; 8192]).await.unwrap();
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.await.unwrap();
        }
        println!("{tasks} tasks: {:.0} commits/s", f64::from(tasks * each) / began.elapsed().as_secs_f64());
    }
}
