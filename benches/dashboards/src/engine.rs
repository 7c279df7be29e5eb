//! An embedded engine of its own.

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use ruad::store::{Settings, Store};
use ruad_demo::engine::Process;

/// A running engine.
pub(crate) struct Engine(Process);

/// What a query took.
pub(crate) struct Taken {
    /// From the question to the last byte of the answer.
    pub(crate) time: Duration,
    /// Rows that were read from tables.
    pub(crate) read: u64,
    /// Rows of the answer.
    pub(crate) rows: u64,
}

impl Engine {
    pub(crate) fn start(ruad: &Path, folder: &Path) -> anyhow::Result<Self> {
        Ok(Self(Process::start(ruad, folder, [DATABASE.to_owned()], Stdio::inherit())?))
    }

    pub(crate) fn store(&self) -> anyhow::Result<Store> {
        let query_timeout = Duration::from_secs(3_600);
        Ok(Store::connect(&Settings { query_timeout, ..self.0.settings(DATABASE) })?)
    }

    /// Asks as Grafana's data source does, in Native over HTTP, and waits for the last byte.
    pub(crate) fn ask(&self, statement: &str, memory: u64) -> anyhow::Result<Taken> {
        let began = Instant::now();
        let mut stream = TcpStream::connect(self.0.address())?;
        stream.set_nodelay(true)?;
        let settings = self.0.settings(DATABASE);
        let (user, password) = settings.user.zip(settings.password).context("no user")?;
        let request = format!(
            "POST /?database=ruad&default_format=Native&wait_end_of_query=1&max_memory_usage={memory} HTTP/1.1\r\n\
             Host: localhost\r\nX-ClickHouse-User: {user}\r\nX-ClickHouse-Key: {}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{statement}",
            password.reveal(),
            statement.len()
        );
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let time = began.elapsed();
        let text = String::from_utf8_lossy(&answer);
        let (head, body) = text.split_once("\r\n\r\n").context("no answer")?;
        if !head.starts_with("HTTP/1.1 200") {
            bail!("{}", body.trim());
        }
        let summary = head.lines().find_map(|line| line.strip_prefix("X-ClickHouse-Summary: "));
        let summary: serde_json::Value = serde_json::from_str(summary.context("no summary")?)?;
        let field = |name: &str| summary.get(name).and_then(|value| value.as_str()?.parse().ok());
        let (read, rows) = field("read_rows").zip(field("result_rows")).context("no rows in the summary")?;
        Ok(Taken { time, read, rows })
    }

    /// Processor time so far.
    pub(crate) fn processor(&self) -> anyhow::Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id()))?;
        // After the program's name come the state and, as the 12th and 13th field from there, user and system time.
        let fields: Vec<_> = stat.rsplit_once(')').context("no name")?.1.split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok());
        let sum = ticks(11).context("no times")? + ticks(12).context("no times")?;
        Ok(Duration::from_millis(sum * 10))
    }

    /// Stops it, so that all it has is on the disk.
    pub(crate) fn stop(self) -> anyhow::Result<()> {
        Ok(self.0.stop()?)
    }
}

const DATABASE: &str = "ruad";
