//! `ruad simulate`: what another DMARC record would have done to the mail that was reported.

use ruad_common::domain_name;
use ruad_common::time::unix_seconds;
use std::{
    io::{self, Write},
    net::SocketAddr,
    process::ExitCode,
};

use clap::Args;
use ruad::{
    advice::simulate::{Outcome, Question, Scenario, simulate},
    config::Settings,
};
use ruad_common::text;
use ruad_dns::{
    Resolver,
    dmarc::{Alignment, Policy, organization},
};
use serde::Serialize;

use super::{CANNOT_RUN, UNKNOWN};

mod table;

/// Simulate a DMARC policy against the reported mail.
///
/// Shows which messages of which senders would have been delivered, quarantined or rejected, what happened to them,
/// and how many are legitimate. Exit status: 0 = no legitimate message would have been lost, 1 = some would, 2 = could
/// not run, 3 = undecided.
#[derive(Args, Debug)]
pub(crate) struct Simulate {
    /// The domain.
    #[arg(value_name = "DOMAIN")]
    domain: String,

    /// p: none, quarantine or reject.
    #[arg(long, value_name = "POLICY", value_parser = policy)]
    policy: Policy,

    /// Days to look back, including today.
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=730))]
    days: u32,

    /// adkim: r or s. The default is the receivers' own DKIM verdicts.
    #[arg(long, value_name = "r|s", value_parser = alignment)]
    adkim: Option<Alignment>,

    /// aspf: r or s. The default is the receivers' own SPF verdicts.
    #[arg(long, value_name = "r|s", value_parser = alignment)]
    aspf: Option<Alignment>,

    /// sp: the policy for subdomains. The default is --policy.
    #[arg(long, value_name = "POLICY", value_parser = policy)]
    sp: Option<Policy>,

    /// np: the policy for subdomains that do not exist. Reports do not show which ones exist, so sp decides here.
    #[arg(long, value_name = "POLICY", value_parser = policy)]
    np: Option<Policy>,

    /// Use this resolver instead of the system's; DNS is queried only when --adkim or --aspf is given.
    #[arg(long, value_name = "IP:PORT", value_parser = super::examiner::server)]
    resolver: Option<SocketAddr>,

    /// Print one JSON object.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    configuration: super::Configuration,
}

/// The outcome for machines.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    outcome: &'a Outcome,
    /// The organizational domain, when alignment is varied.
    organization: Option<&'a str>,
    conclusion: String,
    notes: Vec<String>,
}

impl Simulate {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let mut settings = self.configuration.load()?;
        if let Some(server) = self.resolver {
            settings.dns.servers = vec![server];
        }
        let Some(domain) = domain_name::domain(&self.domain) else {
            super::complain(&format_args!("{:?} is not a domain name", self.domain));
            return Ok(ExitCode::from(CANNOT_RUN));
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let outcome = runtime.block_on(self.simulate(&settings, &domain));
        runtime.shutdown_background();
        let (outcome, organization) = match outcome {
            Ok(outcome) => outcome,
            Err(words) => {
                super::complain(&words);
                return Ok(ExitCode::from(UNKNOWN));
            }
        };
        match self.print(&outcome, organization.as_deref()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
            // Whoever read the output has gone; what it says stays true.
            _ => Ok(ExitCode::from(outcome.exit_code())),
        }
    }

    async fn simulate(&self, settings: &Settings, domain: &str) -> Result<(Outcome, Option<String>), String> {
        let organization = self.organization(settings, domain).await?;
        let scenario = Scenario {
            policy: self.policy,
            subdomain_policy: self.sp,
            nonexistent_policy: self.np,
            dkim_alignment: self.adkim,
            spf_alignment: self.aspf,
        };
        let question = Question {
            domain,
            organization: organization.as_deref().unwrap_or(domain),
            today: today(),
            days: self.days,
        };
        let failed = |error: anyhow::Error| {
            format!(
                "the reports cannot be read, so nothing can be told about the mail of {domain}: {error:#}"
            )
        };
        let store = super::store::connect(settings).await.map_err(failed)?;
        let outcome = simulate(&store, &question, &scenario, settings.advice.undecided_share).await;
        Ok((outcome.map_err(|error| failed(error.into()))?, organization))
    }

    /// The organizational domain, by live DNS: under relaxed alignment it decides what is the same organization.
    async fn organization(&self, settings: &Settings, domain: &str) -> Result<Option<String>, String> {
        if self.adkim.is_none() && self.aspf.is_none() {
            return Ok(None);
        }
        let resolver = Resolver::new(&settings.dns, 0, OUTSTANDING).map_err(|error| error.to_string())?;
        organization(&resolver, domain).await.map(Some).map_err(|unanswered| {
            format!(
                "DNS could not tell the organizational domain of {domain} ({}: {}), on which alignment rests; try again, \
                 or leave --adkim and --aspf out",
                unanswered.name, unanswered.trouble
            )
        })
    }

    fn print(&self, outcome: &Outcome, organization: Option<&str>) -> io::Result<()> {
        let notes = outcome.notes();
        if self.json {
            let report = Report { outcome, organization, conclusion: outcome.conclusion(), notes };
            let mut line = serde_json::to_vec(&report)?;
            line.push(b'\n');
            return text::json_stdout().write_all(&line);
        }
        let mut lines = Vec::new();
        table::write(&mut lines, outcome, &notes)?;
        text::stdout().write_all(&lines)
    }
}

fn policy(name: &str) -> Result<Policy, String> {
    Policy::named(name).ok_or_else(|| "it is none, quarantine or reject".to_owned())
}

fn alignment(name: &str) -> Result<Alignment, String> {
    match name {
        "r" | "relaxed" => Ok(Alignment::Relaxed),
        "s" | "strict" => Ok(Alignment::Strict),
        _ => Err("it is r (relaxed) or s (strict)".to_owned()),
    }
}

/// Days since 1970.
fn today() -> u32 {
    let seconds = unix_seconds();
    u32::try_from(seconds / 86_400).unwrap_or(u32::MAX)
}

const OUTSTANDING: usize = 10;
