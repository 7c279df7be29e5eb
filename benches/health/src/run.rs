//! One round: the program examines every domain, and is watched meanwhile.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    sync::atomic::Ordering,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};

use crate::{server::Server, world::World};

/// Examines `domains` domains and prints how it went.
pub(crate) fn measure(
    ruad: &Path,
    name: &str,
    domains: usize,
    silent: bool,
    latency: Duration,
) -> anyhow::Result<()> {
    let names: Vec<_> = (0..domains).map(|number| format!("d{number}.example")).collect();
    let silent: Vec<_> = if silent { names.iter().step_by(20).cloned().collect() } else { Vec::new() };
    let quiet = silent.len();
    let server = Server::start(World::new(domains), silent, latency)?;
    let mut list = tempfile::NamedTempFile::new()?;
    list.write_all(names.join("\n").as_bytes())?;

    let start = Instant::now();
    let mut child = Command::new(ruad)
        .args(["check", "--json", "--only-selectors", "--selector", "s1", "--resolver"])
        .arg(server.address.to_string())
        .arg("--file")
        .arg(list.path())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", ruad.display()))?;
    let output = child.stdout.take().context("no output")?;
    let reader = thread::spawn(move || {
        let lines = BufReader::new(output).lines().map_while(Result::ok);
        // Without what nobody can tell here (there is no signed root), so that a wrong world does not pass for a fast one.
        lines.fold((0, 0), |(all, unknown), line| {
            (all + 1, unknown + usize::from(line.contains(r#""spf":{"status":"unknown""#)))
        })
    });
    let process = format!("/proc/{}", child.id());
    let (mut peak, mut processor) = (0, 0.0);
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        peak = peak_of(&process).unwrap_or(peak);
        processor = processor_of(&process).unwrap_or(processor);
        thread::park_timeout(Duration::from_millis(10));
    };
    let took = start.elapsed().as_secs_f64();
    let (lines, unknown) = reader.join().unwrap_or_default();
    ensure!(lines == domains, "{lines} of {domains} domains were examined; {status}");
    ensure!(unknown == quiet, "{unknown} domains are unknown, and {quiet} did not answer");
    println!(
        "{name:<22} {domains:>8} {took:>8.1} {:>10.0} {:>10} {unknown:>9} {:>12} {processor:>9.1} {peak:>6} MB",
        domains as f64 / took,
        server.counts.questions.load(Ordering::Relaxed),
        server.counts.most_at_once.load(Ordering::Relaxed),
    );
    Ok(())
}

/// The most resident memory so far, in megabytes.
fn peak_of(process: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1_024 / 1_000_000)
}

/// Processor time so far, in seconds.
fn processor_of(process: &str) -> Option<f64> {
    let stat = fs::read_to_string(format!("{process}/stat")).ok()?;
    // After the program's name come the state and, as the 12th and 13th field from there, user and system time.
    let fields: Vec<_> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(ticks as f64 / 100.0)
}
