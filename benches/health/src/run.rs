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

/// How the servers behave.
pub(crate) struct Round {
    pub(crate) name: &'static str,
    /// Whether the root is signed.
    pub(crate) is_signed: bool,
    /// Whether one domain in twenty never answers.
    pub(crate) is_patchy: bool,
}

/// Examines `domains` domains and prints how it went.
pub(crate) fn measure(ruad: &Path, round: &Round, domains: usize, latency: Duration) -> anyhow::Result<()> {
    let names: Vec<_> = (0..domains).map(|number| format!("d{number}.example")).collect();
    let silent: Vec<_> =
        if round.is_patchy { names.iter().step_by(20).cloned().collect() } else { Vec::new() };
    let quiet = silent.len();
    let world = World::new(domains, round.is_signed)?;
    let mut anchor = tempfile::NamedTempFile::new()?;
    anchor.write_all(world.anchor.as_deref().unwrap_or_default().as_bytes())?;
    let server = Server::start(world, silent, latency)?;
    let mut list = tempfile::NamedTempFile::new()?;
    list.write_all(names.join("\n").as_bytes())?;

    let start = Instant::now();
    let mut command = Command::new(ruad);
    if round.is_signed {
        command.env("RUAD__DNS__TRUST_ANCHOR", anchor.path());
    }
    let mut child = command
        // As in the systemd unit.
        .env("MALLOC_ARENA_MAX", "2")
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
        // So that a wrong world does not pass for a fast one.
        lines.fold((0, 0, 0), |(all, unknown, unsigned), line| {
            let has = |words| usize::from(line.contains(words));
            let is_unsigned = has(r#""proof":"insecure","zone":"d"#);
            (all + 1, unknown + has(r#""spf":{"status":"unknown""#), unsigned + is_unsigned)
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
    let (lines, unknown, unsigned) = reader.join().unwrap_or_default();
    ensure!(lines == domains, "{lines} of {domains} domains were examined; {status}");
    ensure!(unknown == quiet, "{unknown} domains are unknown, and {quiet} did not answer");
    let expected = if round.is_signed { domains - quiet } else { 0 };
    ensure!(unsigned == expected, "{unsigned} domains are proven to be unsigned, and {expected} are");
    let name = round.name;
    println!(
        "{name:<32} {domains:>8} {took:>8.1} {:>10.0} {:>10} {unknown:>9} {:>12} {processor:>9.1} {peak:>6} MB",
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
