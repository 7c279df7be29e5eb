//! `ruad check`: what is wrong with a mail domain, and what to change.

use std::{
    collections::HashSet,
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::Args;
use futures_util::StreamExt;
use ruad::{config::Settings, health::Subject};
use ruad_common::{
    domain_name::domain,
    text::{json_stdout, stdout},
    time::unix_seconds,
};
use ruad_dns::profile::Profile;
use ruad_dns::{
    Status,
    dkim::{Origin, Selector},
};

use super::{
    CANNOT_RUN, UNKNOWN,
    examiner::{AT_ONCE, examiner, routing, server},
};
use ordered::Ordered;
use progress::Progress;
use report::Report;

mod ordered;
mod progress;
mod report;
mod text;
mod tree;

/// Check the DNS records of mail domains and show what to change.
///
/// Needs no configuration and no database. Exit status: 0 = no errors, 1 = errors found, 2 = could not run or skipped
/// a line of the file, 3 = lookups failed.
#[derive(Args, Debug)]
pub(crate) struct Check {
    /// The domains.
    #[arg(value_name = "DOMAIN", required_unless_present = "file")]
    domains: Vec<String>,

    /// Read domains from a file, one per line; `-` reads standard input. Prints one line per domain as results arrive.
    /// Lines that are not domains are reported and skipped.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,

    /// Print one JSON object per domain.
    #[arg(long)]
    json: bool,

    /// The scoring profile: `default`, or `nl-gov` for the agreements of the Dutch government.
    #[arg(long, default_value = "default", value_parser = profile)]
    profile: &'static Profile,

    /// Use this resolver instead of the system's.
    #[arg(long, value_name = "IP:PORT", value_parser = server)]
    resolver: Option<SocketAddr>,

    /// An additional DKIM selector to look up; may be repeated.
    #[arg(long = "selector", value_name = "NAME")]
    selectors: Vec<String>,

    /// Look up the given selectors only, not the common ones: a tenth of the queries.
    #[arg(long)]
    only_selectors: bool,

    #[command(flatten)]
    configuration: super::Configuration,
}

impl Check {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let mut settings = self.configuration.load()?;
        if let Some(server) = self.resolver {
            settings.dns.servers = vec![server];
        }
        let (domains, skipped) = self.subjects()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let outcome = runtime.block_on(self.examine(&settings, domains));
        runtime.shutdown_background();
        match outcome {
            Ok(worst) => Ok(ExitCode::from(exit_code(worst, skipped))),
            // `ruad check … | head` is no fault of anybody.
            Err(error) if super::is_broken_pipe(&error) => Ok(ExitCode::SUCCESS),
            Err(error) => Err(error),
        }
    }

    async fn examine(&self, settings: &Settings, domains: Vec<String>) -> anyhow::Result<Status> {
        let examiner = examiner(settings)?.with_routing(routing(&settings.health.rpki)?);
        let out: Box<dyn Write> = match self.json {
            true => Box::new(json_stdout()),
            false => Box::new(stdout()),
        };
        let mut out = Ordered::new(out);
        let mut text = Vec::new();
        let mut progress = Progress::new(domains.len(), self.file.is_some());
        let mut worst = Status::Ok;
        let examinations =
            futures_util::stream::iter(domains.into_iter().enumerate()).map(|(number, domain)| {
                let subject = Subject {
                    domain,
                    selectors: self
                        .selectors
                        .iter()
                        .map(|name| Selector::new(name, Origin::Registry))
                        .collect(),
                    try_common_selectors: !self.only_selectors,
                    ..Subject::default()
                };
                let examiner = examiner.clone();
                // Each on a task of its own, so that both the waiting and the work are shared by all cores.
                let examination =
                    tokio::spawn(async move { examiner.examine(&subject, unix_seconds()).await });
                async move { (number, examination.await) }
            });
        let mut reports = examinations.buffer_unordered(AT_ONCE).enumerate();
        while let Some((position, (number, snapshot))) = reports.next().await {
            let report = Report::new(snapshot?, self.profile);
            worst = worse(worst, report.status);
            text.clear();
            if self.json {
                serde_json::to_writer(&mut text, &report)?;
                text.push(b'\n');
            } else if self.file.is_some() {
                text::line(&mut text, &report)?;
            } else {
                text::full(&mut text, &report)?;
            }
            progress.hide();
            // People see those of a file as they are ready. Everything else keeps the order that was asked for, so that two
            // runs can be compared.
            let as_ready = self.file.is_some() && !self.json;
            out.put(if as_ready { position } else { number }, &text)?;
            progress.step();
        }
        progress.hide();
        out.flush()?;
        Ok(worst)
    }

    /// The domains, each once, and how many lines of the file are none.
    fn subjects(&self) -> anyhow::Result<(Vec<String>, usize)> {
        let mut domains = Vec::new();
        for name in &self.domains {
            domains.push(domain(name).with_context(|| format!("{name:?} is not a domain name"))?);
        }
        let mut skipped = 0;
        if let Some(path) = &self.file {
            for (number, line) in (1..).zip(lines(path)?) {
                let line = line.with_context(|| format!("cannot read {}", path.display()))?;
                let line = String::from_utf8_lossy(&line);
                let line = if number == 1 { line.trim_start_matches(BYTE_ORDER_MARK) } else { &line };
                let name = line.split('#').next().unwrap_or_default().trim();
                match domain(name) {
                    Some(name) => domains.push(name),
                    None if name.is_empty() => {}
                    None => {
                        skipped += 1;
                        let short: String = name.chars().take(LONGEST_SHOWN).collect();
                        let place = format!("{}:{number}", path.display());
                        super::complain(&format_args!("{place}: {short:?} is not a domain name; skipped"));
                    }
                }
            }
            if domains.is_empty() {
                bail!("{} names no domain", path.display());
            }
        }
        let mut seen = HashSet::new();
        domains.retain(|domain| seen.insert(domain.clone()));
        Ok((domains, skipped))
    }
}

fn lines(path: &Path) -> anyhow::Result<impl Iterator<Item = io::Result<Vec<u8>>>> {
    let input: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(io::stdin())
    } else {
        Box::new(fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?)
    };
    Ok(BufReader::new(input).split(b'\n'))
}

fn profile(name: &str) -> Result<&'static Profile, String> {
    Profile::named(name).ok_or_else(|| {
        let names: Vec<_> = Profile::all().iter().map(|profile| profile.name.as_str()).collect();
        format!("there is no such profile; there are {}", names.join(" and "))
    })
}

/// An error is certain; what could not be told may hide anything less.
fn worse(one: Status, other: Status) -> Status {
    let rank = |status| match status {
        Status::Ok => 0,
        Status::Info => 1,
        Status::Warning => 2,
        Status::Unknown => 3,
        Status::Error => 4,
    };
    if rank(other) > rank(one) { other } else { one }
}

/// What is broken is certain, whatever else was skipped or could not be told.
fn exit_code(worst: Status, skipped: usize) -> u8 {
    match worst {
        Status::Error => 1,
        _ if skipped > 0 => CANNOT_RUN,
        Status::Unknown => UNKNOWN,
        Status::Ok | Status::Info | Status::Warning => 0,
    }
}

const BYTE_ORDER_MARK: char = '\u{feff}';
const LONGEST_SHOWN: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_decides_and_an_error_is_certain() {
        assert_eq!(exit_code(worse(Status::Warning, Status::Info), 0), 0);
        assert_eq!(exit_code(worse(Status::Unknown, Status::Warning), 0), 3);
        assert_eq!(exit_code(worse(Status::Unknown, Status::Warning), 1), 2);
        assert_eq!(exit_code(worse(Status::Unknown, Status::Error), 1), 1);
        assert_eq!(exit_code(worse(Status::Error, Status::Unknown), 0), 1);
    }
}
