//! Arguments, and one file per subcommand.

mod check;
mod database;
mod http;
mod meter;
mod number;
mod onboarding;
mod place;
mod run;
mod send;
mod server;
mod show;
mod sql;
mod write;

use std::process::ExitCode;

use anyhow::bail;
use clap::{Parser, Subcommand};
use ruad_demo::world::Domain;
use ruad_demo::{Day, Month};

/// A believable month of DMARC and TLS reports for 12 fictional domains.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    month: MonthArguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts ruad, sends the month to it, and shows and checks what came out.
    Run(run::Run),
    /// Sends the month to an SMTP server.
    Send(send::Send),
    /// Plays a customer from nothing to p=reject in simulated months, and tells what happens by day.
    Onboarding(onboarding::Onboarding),
    /// Writes the month as .eml files into a folder.
    Write(write::Write),
}

#[derive(Debug, clap::Args)]
struct MonthArguments {
    /// The month ends on the day before this one; the present UTC day unless given.
    #[arg(long, global = true, value_name = "YYYY-MM-DD")]
    today: Option<Day>,
    /// Another seed makes another month of the same stories.
    #[arg(long, global = true, default_value_t = 1)]
    seed: u64,
    /// Only reports about these domains.
    #[arg(long, global = true, value_delimiter = ',')]
    domains: Vec<String>,
}

impl Arguments {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let plan = self.month.plan()?;
        match self.command {
            Command::Run(run) => run.run(plan).await,
            Command::Send(send) => send.run(&plan.make()).await,
            Command::Onboarding(onboarding) => onboarding.run().await,
            Command::Write(write) => write.run(&plan.make()),
        }
    }
}

impl MonthArguments {
    fn plan(&self) -> anyhow::Result<Plan> {
        let mut domains = Domain::all();
        for name in &self.domains {
            if !domains.iter().any(|domain| domain.name == name) {
                let known: Vec<_> = domains.iter().map(|domain| domain.name).collect();
                bail!("{name} is not one of the demo's domains: {}", known.join(", "));
            }
        }
        domains
            .retain(|domain| self.domains.is_empty() || self.domains.iter().any(|name| name == domain.name));
        Ok(Plan { seed: self.seed, today: self.today.unwrap_or_else(Day::today), domains })
    }
}

/// What month it will be.
struct Plan {
    seed: u64,
    today: Day,
    domains: Vec<Domain>,
}

impl Plan {
    /// Makes it; takes a second or two, mostly for the signatures.
    fn make(&self) -> Month {
        Month::make_for(self.seed, self.today, &self.domains)
    }
}
