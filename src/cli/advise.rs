//! `ruad advise`: what to do next for a domain, and how far it is.

use std::{collections::HashMap, io::Write, net::SocketAddr, process::ExitCode, sync::Arc};

use anyhow::{Context, bail};
use clap::Args;
use ruad::{
    advice::{Advised, adviser},
    config::Settings,
    sources::Catalog,
};
use ruad_common::{domain_name::domain, texts::Language, time::unix_seconds};
use ruad_dns::Mechanism;
use ruad_registry::Registry;

use super::{CANNOT_RUN, UNKNOWN, examiner::server};
use look::Look;

mod document;
mod json;
mod look;
mod markdown;
mod text;

/// Show the stage of mail domains on the way to p=reject, and the next steps.
///
/// Queries DNS now and ClickHouse for the reports; stores nothing. Exit status: 0 = nothing to do, 1 = a step is open,
/// 2 = could not run, 3 = DNS or ClickHouse did not answer.
#[derive(Args, Debug)]
pub(crate) struct Advise {
    /// The domains.
    #[arg(value_name = "DOMAIN", required_unless_present = "group")]
    domains: Vec<String>,

    /// All active domains of this group of the registry.
    #[arg(long, value_name = "NAME")]
    group: Option<String>,

    /// The language: en or nl.
    #[arg(long, value_name = "CODE", default_value_t)]
    lang: Language,

    /// Print one JSON object per domain.
    #[arg(long, conflicts_with = "markdown")]
    json: bool,

    /// Print Markdown for a ticket.
    #[arg(long)]
    markdown: bool,

    /// Use this resolver instead of the system's.
    #[arg(long, value_name = "IP:PORT", value_parser = server)]
    resolver: Option<SocketAddr>,

    #[command(flatten)]
    configuration: super::Configuration,
}

/// How it went, the worst of all domains.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
enum Outcome {
    #[default]
    NothingOpen,
    Unknown,
    Open,
}

impl Advise {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let mut settings = self.configuration.load()?;
        if let Some(server) = self.resolver {
            settings.dns.servers = vec![server];
        }
        let registry = match &settings.domains.file {
            Some(file) => Registry::load(file)?,
            None => Registry::default(),
        };
        let domains = match self.subjects(&registry) {
            Ok(domains) => domains,
            Err(error) => {
                super::complain(&format_args!("{error:#}"));
                return Ok(ExitCode::from(CANNOT_RUN));
            }
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let outcome = runtime.block_on(self.advise(&settings, &registry, &domains));
        runtime.shutdown_background();
        match outcome {
            Ok(outcome) => Ok(ExitCode::from(outcome.code())),
            Err(error) if super::is_broken_pipe(&error) => Ok(ExitCode::SUCCESS),
            // Whoever waits for an answer is to know that this is none.
            Err(error) => {
                super::complain(&format_args!("{error:#}"));
                Ok(ExitCode::from(Outcome::Unknown.code()))
            }
        }
    }

    async fn advise(
        &self,
        settings: &Settings,
        registry: &Registry,
        domains: &[String],
    ) -> anyhow::Result<Outcome> {
        let store = super::store::connect(settings).await?;
        let catalog = match &settings.sources.catalogue {
            Some(file) => Catalog::load(file)?,
            None => Catalog::built_in()?,
        };
        let look = Look::new(settings, registry, &store)?;
        let mut out: Box<dyn Write> = match self.json {
            true => Box::new(ruad_common::text::json_stdout()),
            false => Box::new(ruad_common::text::stdout()),
        };
        let mut worst = Outcome::default();
        for domains in domains.chunks(AT_ONCE) {
            let now = unix_seconds();
            let postures = look.at(domains, now).await?;
            let names: Vec<_> = domains.iter().map(String::as_str).collect();
            let known = store.recollections(&names).await.context("what was advised before")?;
            let postures: Vec<_> = postures.into_iter().map(Arc::new).collect();
            let all =
                adviser::draw(&store, &catalog, registry, &postures, &known, &settings.advice, now).await?;
            for advised in &all {
                worst = worst.max(Outcome::of(advised));
                self.print(&mut out, advised)?;
            }
        }
        out.flush()?;
        Ok(worst)
    }

    fn print(&self, out: &mut dyn Write, advised: &Advised) -> anyhow::Result<()> {
        let mut text = Vec::new();
        if self.json {
            serde_json::to_writer(&mut text, &json::Report::new(advised, self.lang))?;
            text.push(b'\n');
        } else {
            let document = document::draw(advised, self.lang);
            match self.markdown {
                true => markdown::write(&mut text, &document)?,
                false => text::write(&mut text, &document)?,
            }
        }
        Ok(out.write_all(&text)?)
    }

    fn subjects(&self, registry: &Registry) -> anyhow::Result<Vec<String>> {
        let mut domains = Vec::new();
        for name in &self.domains {
            match domain(name) {
                Some(name) => domains.push(name),
                None => bail!("{name:?} is not a domain name"),
            }
        }
        if let Some(group) = &self.group {
            let of: HashMap<_, _> = registry.groups().collect();
            if !of.contains_key(group.as_str()) {
                bail!("there is no group {group:?} in the registry (domains.file)");
            }
            let listed = registry.domains().filter(|(_, of, is_active)| *is_active && of == group);
            let mut listed: Vec<_> = listed.map(|(domain, _, _)| domain.to_owned()).collect();
            listed.sort_unstable();
            domains.extend(listed);
        }
        Ok(domains)
    }
}

impl Outcome {
    fn of(advised: &Advised) -> Self {
        let hides = [Mechanism::Dmarc, Mechanism::Spf, Mechanism::Dkim, Mechanism::Mx];
        if advised.plan.open_steps().next().is_some() {
            Self::Open
        } else if hides.into_iter().any(|mechanism| !advised.posture.knows(mechanism)) {
            Self::Unknown
        } else {
            Self::NothingOpen
        }
    }

    /// An open step is certain; what could not be told may hide one.
    fn code(self) -> u8 {
        match self {
            Self::NothingOpen => 0,
            Self::Open => 1,
            Self::Unknown => UNKNOWN,
        }
    }
}

/// Domains that are examined, and held in memory, at once.
const AT_ONCE: usize = 100;
