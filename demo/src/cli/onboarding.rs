use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use ruad_demo::onboarding::{Engine, Life, Scenario};

use super::run::beside;

#[derive(Debug, clap::Args)]
pub(super) struct Onboarding {
    /// Which story; that of five senders unless given.
    #[arg(default_value = "bicycles", value_parser = Scenario::NAMES)]
    story: String,
    /// The ruad whose engine is used; the one beside this program unless given.
    #[arg(long, value_name = "PATH")]
    ruad: Option<PathBuf>,
}

impl Onboarding {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let started = Instant::now();
        let ruad = self.ruad.map_or_else(beside, Ok)?;
        let engine = Engine::start(&ruad)?;
        let scenario = Scenario::named(&self.story);
        println!("{}: {}\n", scenario.domain, scenario.title);
        let mut tell = |chapter: &ruad_demo::onboarding::Chapter| {
            if chapter.is_news {
                print!("{chapter}");
            }
        };
        let story = Life::live(scenario, &engine, &mut tell).await?;
        println!("\n{}\n({:.1} s)", story.moral(), started.elapsed().as_secs_f64());
        Ok(ExitCode::SUCCESS)
    }
}
