//! Strangers' name servers against the daemon: what they say, and that they say nothing, delays nobody else.

use std::{
    fmt::Write as _,
    fs,
    os::unix::net::UnixDatagram,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{daemon::Daemon, hostile_dns as hostile, reports::mail, smtp::Client};

/// 500 domains of every hostile kind are examined while a client delivers.
#[test]
fn hostile_domains_do_not_slow_the_receiver_down() {
    let dns = hostile::serve(hostile::answer);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let extra = format!(
        "[dns]\nservers = [\"{dns}\"]\ntimeout = 1\n[domains]\nfile = \"domains.toml\"\n[advice]\nenabled = false\n"
    );
    let mut daemon = Daemon::new(&extra);
    let kinds = hostile::KINDS.iter().cycle().enumerate().take(500);
    let domains: Vec<_> = kinds.map(|(number, kind)| format!("{kind}{number}.hostile.example")).collect();
    daemon.write("domains.toml", "domains = []\n");
    daemon.set("NOTIFY_SOCKET", path.display().to_string());
    daemon.set("WATCHDOG_USEC", "400000".to_owned());
    daemon.start();
    daemon.wait_ready();
    warm_up(&daemon);

    let over = Arc::new(AtomicBool::new(false));
    let (listening, ended) = (over.clone(), socket.try_clone().unwrap());
    ended.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let watchdog = thread::spawn(move || {
        let (mut longest, mut last, mut buffer) = (Duration::ZERO, Instant::now(), [0; 1000]);
        while !listening.load(Ordering::Relaxed) {
            let Ok(length) = ended.recv(&mut buffer) else { continue };
            if buffer[..length].starts_with(b"WATCHDOG=1") {
                longest = longest.max(last.elapsed());
                last = Instant::now();
            }
        }
        longest
    });

    let mut text = String::new();
    writeln!(text, "[[group]]\nname = \"acme\"\ndomains = {domains:?}").unwrap();
    daemon.write("domains.toml", &text);
    daemon.hang_up();
    let examined = || {
        let of = |outcome| {
            daemon.metric(&format!("ruad_health_examinations_total{{outcome=\"{outcome}\"}}")).unwrap_or(0.0)
        };
        ["answered", "partly", "unanswered", "failed"].into_iter().map(of).sum::<f64>()
    };
    let began = Instant::now();
    let (mut replies, mut pages) = (Vec::new(), Vec::new());
    let mut client = Client::connect(daemon.smtp).unwrap();
    for number in 0.. {
        let message = mail(&format!("r{number}"), "domain.example", 1);
        // A session takes a thousand messages at most.
        if number % 500 == 499 {
            client = Client::connect(daemon.smtp).unwrap();
        }
        let asked = Instant::now();
        client.deliver("a@client.example", "rua@reports.example", &message).unwrap();
        replies.push(asked.elapsed());
        if number % 20 == 0 {
            let asked = Instant::now();
            assert!(
                daemon.page("/healthz").starts_with("HTTP/1.0 200")
                    || daemon.page("/healthz").contains(" 200 ")
            );
            pages.push(asked.elapsed());
            if examined() >= 500.0 || began.elapsed() > Duration::from_secs(100) {
                break;
            }
        }
    }
    let examined = examined();
    over.store(true, Ordering::Relaxed);
    let silence = watchdog.join().unwrap();
    let peak = peak(daemon.pid());
    let (p99, page) = (percentile(&mut replies, 99), percentile(&mut pages, 100));
    let said = format!(
        "{examined} examined in {:.1?}, {} delivered, p99 {p99:.1?}, /healthz at most {page:.1?}, watchdog {silence:.1?}, {} MB",
        began.elapsed(),
        replies.len(),
        peak >> 20
    );
    println!("{said}");
    // All 500 on an idle machine. The threads for DNS yield to others, so that on a busy one they do not get through.
    assert!(examined >= 50.0, "{said}");
    // A release on an idle machine takes milliseconds (docs/benchmarks.md). This one is not optimised and shares its processors
    // with the name server, ClickHouse and other tests. Without runtimes of their own these were tens of seconds.
    assert!(
        p99 < Duration::from_secs(1) && page < Duration::from_secs(3) && silence < Duration::from_secs(3),
        "{said}"
    );
    assert!(peak <= 256 << 20, "{said}");

    // They are examined again while the daemon is told to end.
    daemon.hang_up();
    let asked = Instant::now();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    assert!(Command::new("kill").arg(daemon.pid().to_string()).status().unwrap().success());
    let mut buffer = [0; 1000];
    loop {
        let length = socket.recv(&mut buffer).expect("the end is told");
        if buffer[..length].starts_with(b"STOPPING=1") {
            break;
        }
    }
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
}

/// 300 messages of authors whose name servers never answer, and one of an author whose name servers do.
#[test]
fn silent_name_servers_hold_up_no_other_report() {
    let dns = hostile::serve(|name, kind| {
        if name.ends_with("silent.example") {
            return None;
        }
        let text = match name {
            "_dmarc.reporter.example" => Some("v=DMARC1; p=reject"),
            "client.example" | "reporter.example" => Some("v=spf1 ip4:127.0.0.1 -all"),
            _ => None,
        };
        Some(hostile::one_text(name, kind, text))
    });
    let mut daemon = Daemon::new(&format!("[dns]\nservers = [\"{dns}\"]\ntimeout = 15\nretries = 0\n"));
    daemon.set("RUAD__PROVENANCE__ENABLED", "true".to_owned());
    daemon.set("RUAD__PROVENANCE__TIMEOUT", "15".to_owned());
    daemon.start();
    daemon.wait_ready();
    warm_up(&daemon);

    let mut client = Client::connect(daemon.smtp).unwrap();
    for number in 0..300 {
        let message = String::from_utf8(mail(&format!("s{number}"), "domain.example", 1)).unwrap();
        let message = message.replace("reporter.example", &format!("d{number}.silent.example"));
        client
            .deliver(&format!("a@d{number}.silent.example"), "rua@reports.example", message.as_bytes())
            .unwrap();
    }
    let began = Instant::now();
    client
        .deliver("a@reporter.example", "rua@reports.example", &mail("genuine", "domain.example", 1))
        .unwrap();
    let is_there = || {
        let rows: Vec<u64> =
            daemon.query("SELECT count() FROM aggregate_reports WHERE report_id = 'genuine'");
        rows == [1]
    };
    daemon.wait("the report of the one that is answered", Duration::from_secs(200), is_there);
    let took = began.elapsed();
    println!("stored after {took:.1?}");
    // Sixteen at a time they would take 300 / 16 x 15 s, or five minutes; all of a segment have half a minute together. A busy
    // machine makes the second longer, but not the first shorter.
    assert!(took < Duration::from_secs(150), "{took:?}");
    daemon.wait_stored();
    let rows: Vec<(String, u64)> = daemon
        .query("SELECT toString(verdict), uniqExact(report_id) FROM aggregate_reports GROUP BY 1 ORDER BY 1");
    let count =
        |verdict: &str| rows.iter().filter(|(it, _)| it == verdict).map(|(_, count)| count).sum::<u64>();
    assert_eq!(rows.iter().map(|(_, count)| count).sum::<u64>(), 302, "nothing is lost: {rows:?}");
    assert_eq!(count("unknown"), 300, "{rows:?}");
    daemon.stop();
}

/// Waits until a report was stored, so that everything runs.
fn warm_up(daemon: &Daemon) {
    let mut client = Client::connect(daemon.smtp).unwrap();
    client.deliver("a@reporter.example", "rua@reports.example", &mail("first", "domain.example", 1)).unwrap();
    daemon.wait_stored();
}

fn percentile(durations: &mut [Duration], percent: usize) -> Duration {
    durations.sort_unstable();
    durations[(durations.len() * percent / 100).min(durations.len() - 1)]
}

/// The most memory a process took so far, in bytes.
fn peak(process: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}
