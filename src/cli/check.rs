//! `ruad check`: what is wrong with a mail domain, and what to change.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::Args;
use futures_util::StreamExt;
use ruad::{
    config::Settings,
    dns::{
        Status,
        dkim::{Origin, Selector},
    },
    domains,
    health::{Profile, Subject},
};

use super::examiner::{AT_ONCE, examiner, now, routing, server};
use progress::Progress;
use report::Report;

mod progress;
mod report;
mod text;
mod tree;

/// Examine the DNS records of mail domains and say what to change.
///
/// Needs no configuration and no database. Exits with 0 when nothing is wrong that matters, with 1 when something is
/// broken, with 2 when the command line is, and with 3 when DNS could not tell.
#[derive(Args, Debug)]
pub(crate) struct Check {
    /// The domains.
    #[arg(value_name = "DOMAIN", required_unless_present = "file")]
    domains: Vec<String>,

    /// Read domains from a file, one a line; `-` is standard input. Prints a line a domain, as they are ready.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,

    /// Print one JSON object a domain.
    #[arg(long)]
    json: bool,

    /// What counts how much: `default`, or `nl-gov` for the Dutch government's agreements.
    #[arg(long, default_value = "default", value_parser = profile)]
    profile: &'static Profile,

    /// Ask this name server instead of the system's.
    #[arg(long, value_name = "IP:PORT", value_parser = server)]
    resolver: Option<SocketAddr>,

    /// A DKIM selector to look at, beside the common ones; may be given several times.
    #[arg(long = "selector", value_name = "NAME")]
    selectors: Vec<String>,

    /// Look at the given selectors only, not at the hundred common ones: a tenth of the questions.
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
        let domains = match self.subjects() {
            Ok(domains) => domains,
            Err(error) => {
                eprintln!("ruad: {error:#}");
                return Ok(ExitCode::from(USAGE));
            }
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let outcome = runtime.block_on(self.examine(&settings, domains));
        runtime.shutdown_background();
        match outcome {
            Ok(worst) => Ok(ExitCode::from(exit_code(worst))),
            // `ruad check … | head` is no fault of anybody.
            Err(error) if super::is_broken_pipe(&error) => Ok(ExitCode::SUCCESS),
            Err(error) => Err(error),
        }
    }

    async fn examine(&self, settings: &Settings, domains: Vec<String>) -> anyhow::Result<Status> {
        let examiner = examiner(&settings.dns)?.with_routing(routing(&settings.health.rpki)?);
        let mut out: Box<dyn Write> = match self.json {
            true => Box::new(io::stdout().lock()),
            // Takes the colours off where nobody sees them.
            false => Box::new(anstream::stdout().lock()),
        };
        let mut text = Vec::new();
        let mut progress = Progress::new(domains.len(), self.file.is_some());
        let mut worst = Status::Ok;
        let examinations = futures_util::stream::iter(domains).map(|domain| {
            let subject = Subject {
                domain,
                selectors: self.selectors.iter().map(|name| Selector::new(name, Origin::Registry)).collect(),
                try_common_selectors: !self.only_selectors,
                ..Subject::default()
            };
            let examiner = examiner.clone();
            // Each on a task of its own, so that both the waiting and the work are shared by all cores.
            tokio::spawn(async move { examiner.examine(&subject, now()).await })
        });
        // Those of a file come as they are ready, or one that does not answer would keep all others waiting.
        let mut reports = match self.file {
            Some(_) => examinations.buffer_unordered(AT_ONCE).left_stream(),
            None => examinations.buffered(AT_ONCE).right_stream(),
        };
        while let Some(snapshot) = reports.next().await {
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
            out.write_all(&text)?;
            progress.step();
        }
        progress.hide();
        out.flush()?;
        Ok(worst)
    }

    fn subjects(&self) -> anyhow::Result<Vec<String>> {
        let mut names: Vec<_> = self.domains.iter().map(|name| (name.clone(), String::new())).collect();
        if let Some(path) = &self.file {
            for (number, line) in lines(path)?.enumerate() {
                let line = line.with_context(|| format!("cannot read {}", path.display()))?;
                let name = line.split('#').next().unwrap_or_default().trim();
                if !name.is_empty() {
                    names.push((name.to_owned(), format!("{}:{}: ", path.display(), number + 1)));
                }
            }
        }
        let normalize = |(name, origin): (String, String)| match domains::normalize(&name) {
            Some(domain) => Ok(domain),
            None => bail!("{origin}{name:?} is not a domain name"),
        };
        names.into_iter().map(normalize).collect()
    }
}

fn lines(path: &Path) -> anyhow::Result<impl Iterator<Item = io::Result<String>>> {
    let input: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(io::stdin())
    } else {
        Box::new(fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?)
    };
    Ok(BufReader::new(input).lines())
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

fn exit_code(worst: Status) -> u8 {
    match worst {
        Status::Ok | Status::Info | Status::Warning => 0,
        Status::Error => 1,
        Status::Unknown => UNKNOWN,
    }
}

const USAGE: u8 = 2;
const UNKNOWN: u8 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_decides_and_an_error_is_certain() {
        assert_eq!(exit_code(worse(Status::Warning, Status::Info)), 0);
        assert_eq!(exit_code(worse(Status::Unknown, Status::Warning)), 3);
        assert_eq!(exit_code(worse(Status::Unknown, Status::Error)), 1);
        assert_eq!(exit_code(worse(Status::Error, Status::Unknown)), 1);
    }
}
