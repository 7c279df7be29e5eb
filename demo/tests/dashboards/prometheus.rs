//! The panels about the daemon's metrics, and the rules, in a real Prometheus that scrapes the demo, where one is installed.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use ruad_demo::grafana::{Range, promql};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::dashboard::{Dashboard, Text};
use crate::judge::Complaints;
use crate::ports;

pub(crate) struct Prometheus {
    address: SocketAddr,
    began: i64,
    _child: Child,
    _folder: TempDir,
}

/// What one query gave.
pub(crate) struct Seen {
    pub(crate) dashboard: String,
    pub(crate) panel: String,
    pub(crate) query: String,
    pub(crate) range: Range,
    pub(crate) series: Vec<Value>,
}

impl Prometheus {
    /// Starts it, if it is there, to look at `target` every second.
    pub(crate) fn start(target: SocketAddr) -> Option<Self> {
        let program = Path::new("/usr/bin/prometheus");
        if !program.exists() {
            return None;
        }
        let folder = TempDir::new().unwrap();
        let address = ports::free();
        let configuration = folder.path().join("prometheus.yml");
        let text = format!(
            "global: {{scrape_interval: {SCRAPE}s, evaluation_interval: {SCRAPE}s}}\nrule_files: ['*.rules.yml']\n\
             scrape_configs: [{{job_name: ruad, static_configs: [{{targets: ['{target}']}}]}}]\n"
        );
        std::fs::write(&configuration, text).unwrap();
        for file in Path::new(RULES)
            .read_dir()
            .unwrap()
            .map(|file| file.unwrap().path())
            .filter(|file| file.is_file())
        {
            let text = std::fs::read_to_string(&file).unwrap();
            // Nobody waits for a minute here.
            let text = text.replace("interval: 1m", &format!("interval: {SCRAPE}s"));
            std::fs::write(folder.path().join(file.file_name().unwrap()), text).unwrap();
        }
        let child = Command::new(program)
            .arg(format!("--config.file={}", configuration.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--log.level=error")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Some(Self { address, began: Range::until_now(0).to, _child: child, _folder: folder })
    }

    /// The time since it was started.
    pub(crate) fn until_now(&self) -> Range {
        Range { from: self.began, to: Range::until_now(0).to }
    }

    /// What every query gives for that time, once all give something or patience ends.
    pub(crate) async fn seen(
        self,
        dashboards: &[Dashboard],
        range: Range,
        complaints: &mut Complaints,
    ) -> Vec<Seen> {
        patiently(complaints, async || self.look(dashboards, range).await).await
    }

    /// Waits until every rule was evaluated over the demo's metrics and alerts are raised for what its domains suffer from;
    /// complains of what does not come.
    pub(crate) async fn evaluated(&self, complaints: &mut Complaints) {
        patiently(complaints, async || ((), self.rules().await)).await;
    }

    /// What is wrong with the rules so far.
    async fn rules(&self) -> Vec<String> {
        let answer = match self.get("/api/v1/rules").await {
            Ok(answer) => answer,
            Err(error) => return vec![format!("rules: {error}")],
        };
        let groups = answer.pointer("/data/groups").and_then(Value::as_array).into_iter().flatten();
        let rules: Vec<_> = groups.filter_map(|group| group["rules"].as_array()).flatten().collect();
        let mut wrong: Vec<_> = rules
            .iter()
            .filter(|rule| rule["health"] != "ok")
            .map(|rule| format!("rule {}: {} {}", rule["name"], rule["health"], rule["lastError"]))
            .collect();
        for name in RAISED {
            let alerts =
                rules.iter().filter(|rule| rule["name"] == name).filter_map(|rule| rule["alerts"].as_array());
            let groups: Vec<_> = alerts.flatten().map(|alert| alert["labels"]["group"].as_str()).collect();
            if groups.is_empty() || groups.contains(&None) {
                wrong.push(format!("alert {name}: raised for the groups {groups:?}"));
            }
        }
        wrong
    }

    async fn look(&self, dashboards: &[Dashboard], range: Range) -> (Vec<Seen>, Vec<String>) {
        let (mut seen, mut wrong) = (Vec::new(), Vec::new());
        for dashboard in dashboards {
            for panel in &dashboard.panels {
                for query in &panel.queries {
                    let Text::Promql(text) = &query.text else { continue };
                    let about = format!("{} / {} ({})", dashboard.name, panel.title, query.name);
                    match self.ask(&promql(text, SCRAPE, STEP), range).await {
                        Ok(series) if !has_value(&series) => wrong.push(format!("{about}: no value: {text}")),
                        Ok(series) => seen.push(Seen {
                            dashboard: dashboard.name.clone(),
                            panel: panel.id.to_string(),
                            query: query.name.clone(),
                            range,
                            series,
                        }),
                        Err(error) => wrong.push(format!("{about}: {error}")),
                    }
                }
            }
        }
        (seen, wrong)
    }

    async fn ask(&self, query: &str, range: Range) -> Result<Vec<Value>, String> {
        let (from, to) = (range.from, range.to);
        let path = format!("/api/v1/query_range?query={}&start={from}&end={to}&step={STEP}", encoded(query));
        let json = self.get(&path).await.map_err(|error| error.to_string())?;
        if json["status"] != "success" {
            return Err(json["error"].to_string());
        }
        let series = json["data"]["result"].as_array().into_iter().flatten();
        Ok(series
            .map(|one| serde_json::json!({ "labels": one["metric"], "values": one["values"] }))
            .collect())
    }

    async fn get(&self, path: &str) -> std::io::Result<Value> {
        let mut stream = TcpStream::connect(self.address).await?;
        // HTTP/1.0, so that the answer comes in one piece.
        stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").map_or(answer.len(), |at| at + 4);
        Ok(serde_json::from_slice(answer.get(end..).unwrap_or_default())?)
    }
}

/// Looks until nothing is wrong any more or patience ends, and complains of what is wrong then.
async fn patiently<T>(complaints: &mut Complaints, look: impl AsyncFn() -> (T, Vec<String>)) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (seen, wrong) = look().await;
        if wrong.is_empty() || Instant::now() > deadline {
            wrong.into_iter().for_each(|complaint| complaints.add(complaint));
            return seen;
        }
        sleep(POLL).await;
    }
}

fn has_value(series: &[Value]) -> bool {
    let mut values = series.iter().filter_map(|one| one["values"].as_array()).flatten();
    values.any(|value| value[1].as_str().is_some_and(|text| text.parse().is_ok_and(f64::is_finite)))
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Alerts about what the demo's domains suffer from; most wait for some time before they fire. A score that falls is not among them: it is told
/// once an answer that cannot be a copy confirms it, which takes longer than the demo runs (tests/prometheus.rs lets the alert fire).
const RAISED: [&str; 5] = [
    "RuadDkimKeyOld",
    "RuadDomainPolicyReady",
    "RuadListedOnBlockList",
    "RuadReportAuthorisationMissing",
    "RuadSpfTooManyLookups",
];

const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../dashboards/prometheus");

/// Seconds between two scrapes, and between two points of an answer.
const SCRAPE: u64 = 1;
const STEP: u64 = 1;
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(250);
