//! The daemon draws plans, and `ruad advise` prints them.

use std::{process::Command, time::Duration};

use serde_json::Value;

use crate::{daemon::Daemon, dns::Dns};

const ZONE: &str = "@ IN MX 10 mx1\nmx1 IN A 203.0.113.1\n@ IN TXT \"v=spf1 mx -all\"\n\
     _dmarc IN TXT \"v=DMARC1; p=none; rua=mailto:rua@reports.example\"\n";
const PATIENCE: Duration = Duration::from_secs(120);

struct Served {
    daemon: Daemon,
    dns: Dns,
    _runtime: tokio::runtime::Runtime,
}

impl Served {
    fn new() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let dns = runtime.block_on(Dns::serve(ZONE));
        let daemon = Daemon::new(&format!(
            "[dns]\nservers = [\"{}\"]\ntimeout = 0.5\nretries = 0\ncache_longest = 0\ncache_longest_negative = 0\n\
             [health]\ninterval = 1\nask_name_servers = false\n[advice]\ninterval = 1\n\
             [domains]\nfile = \"domains.toml\"\n",
            dns.address()
        ));
        let served = Self { daemon, dns, _runtime: runtime };
        served.list(&["domain.example"]);
        served
    }

    fn list(&self, domains: &[&str]) {
        self.daemon.write("domains.toml", &format!("[[group]]\nname = \"acme\"\ndomains = {domains:?}\n"));
    }

    fn shows(&self, said: &str) -> bool {
        self.daemon.page("/metrics").contains(said)
    }

    fn advise(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_ruad"))
            .args(["advise", "--resolver", &self.dns.address().to_string()])
            .args(arguments)
            .arg("--config")
            .arg(self.daemon.folder().join("ruad.toml"))
            .current_dir(self.daemon.folder())
            .output()
            .unwrap();
        let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        (output.status.code(), out, err)
    }
}

const STAGE: &str = "ruad_domain_stage{domain=\"domain.example\",group=\"acme\",stage=";

#[test]
fn a_daemon_draws_plans_and_forgets_domains_that_are_gone() {
    let mut served = Served::new();
    served.daemon.start();
    served.daemon.wait_ready();
    served.daemon.wait("the first plan", PATIENCE, || served.shows(STAGE));
    served
        .daemon
        .wait("a whole run", PATIENCE, || served.shows("ruad_advice_last_success_timestamp_seconds "));
    let rows: Vec<String> = served.daemon.query("SELECT DISTINCT toString(domain) FROM domain_stages");
    assert_eq!(rows, ["domain.example"]);

    // ClickHouse may be away for a while: mail and pages do not care, and the runs go on when it is back.
    assert!(served.daemon.kill_engine());
    assert!(served.shows(STAGE));
    let done = || served.daemon.metric("ruad_advice_runs_total{outcome=\"done\"}").unwrap_or(0.0);
    let before = done();
    served.daemon.wait("more runs", PATIENCE, || done() > before + 1.0);

    // A restart shows what was known at once, also when name servers say nothing.
    served.daemon.stop();
    served.dns.replace("; silent: domain.example\n");
    served.daemon.start();
    served.daemon.wait_ready();
    served.daemon.wait("the page of the run before", PATIENCE, || served.shows(STAGE));

    served.list(&["other.example"]);
    served.daemon.hang_up();
    served.daemon.wait("the series to vanish", PATIENCE, || !served.shows("domain=\"domain.example\""));
    served.daemon.stop();
}

#[test]
fn plans_are_printed_for_people_tickets_and_programs() {
    let mut served = Served::new();
    let (code, out, err) = served.advise(&["domain.example"]);
    assert_eq!((code, out.as_str()), (Some(3), ""), "{err}");
    assert!(err.contains("no ClickHouse to ask at http://127.0.0.1:") && err.contains("ruad serve"), "{err}");

    served.daemon.start();
    served.daemon.wait_ready();
    served.daemon.wait("the tables", PATIENCE, || served.shows(STAGE));
    let (code, out, err) = served.advise(&["--json", "domain.example", "UNLISTED.example."]);
    assert!(matches!(code, Some(0 | 1 | 3)), "{err}");
    let objects: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<_> = objects
        .iter()
        .map(|object| (object["domain"].as_str().unwrap(), object["group"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [("domain.example", "acme"), ("unlisted.example", "unassigned")]);
    let open = |object: &Value| {
        let steps = object["steps"].as_array().unwrap();
        steps.iter().any(|step| ["open", "regressed"].contains(&step["state"].as_str().unwrap()))
    };
    assert_eq!(code == Some(1), objects.iter().any(open));

    let (_, text, _) = served.advise(&["--group", "acme", "--lang", "nl"]);
    assert!(text.contains("domain.example") && text.contains("Wie er verstuurt"), "{text}");
    assert!(!text.contains('\x1b'), "colours in a pipe: {text}");
    let (_, text, _) = served.advise(&["--markdown", "domain.example"]);
    assert!(text.starts_with("# domain.example\n") && text.contains("## "), "{text}");
    for wrong in [&["no domain"][..], &["--group", "nobody"], &[], &["--lang", "de", "a.example"]] {
        let (code, out, err) = served.advise(wrong);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{wrong:?}: {err}");
    }
    // It looks, and keeps nothing.
    let rows: Vec<u64> =
        served.daemon.query("SELECT count() FROM domain_stages WHERE domain = 'unlisted.example'");
    assert_eq!(rows, [0]);
    served.daemon.stop();
}
