//! The panels about the daemon's metrics, from a real Prometheus that scrapes the demo, where one is installed.

use std::net::{SocketAddr, TcpListener};
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
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let configuration = folder.path().join("prometheus.yml");
        let text = format!(
            "global: {{scrape_interval: {SCRAPE}s}}\nscrape_configs: [{{job_name: ruad, static_configs: [{{targets: ['{target}']}}]}}]\n"
        );
        std::fs::write(&configuration, text).unwrap();
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
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (seen, wrong) = self.look(dashboards, range).await;
            if wrong.is_empty() || Instant::now() > deadline {
                wrong.into_iter().for_each(|complaint| complaints.add(complaint));
                return seen;
            }
            sleep(POLL).await;
        }
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
        let body = format!("query={}&start={}&end={}&step={STEP}", encoded(query), range.from, range.to);
        let answer =
            post(self.address, "/api/v1/query_range", &body).await.map_err(|error| error.to_string())?;
        let json: Value = serde_json::from_slice(&answer).map_err(|error| error.to_string())?;
        if json["status"] != "success" {
            return Err(json["error"].to_string());
        }
        let series = json["data"]["result"].as_array().into_iter().flatten();
        Ok(series
            .map(|one| serde_json::json!({ "labels": one["metric"], "values": one["values"] }))
            .collect())
    }
}

fn has_value(series: &[Value]) -> bool {
    let mut values = series.iter().filter_map(|one| one["values"].as_array()).flatten();
    values.any(|value| value[1].as_str().is_some_and(|text| text.parse().is_ok_and(f64::is_finite)))
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

async fn post(server: SocketAddr, path: &str, body: &str) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    // HTTP/1.0, so that the answer comes in one piece.
    let head = format!(
        "POST {path} HTTP/1.0\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").map_or(answer.len(), |at| at + 4);
    Ok(answer.split_off(end))
}

/// Seconds between two scrapes, and between two points of an answer.
const SCRAPE: u64 = 1;
const STEP: u64 = 1;
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(250);
