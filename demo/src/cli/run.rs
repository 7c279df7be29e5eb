use std::{env, fs};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, anyhow, bail};
use ruad::store::Store;
use ruad_demo::{Day, Month};
use ruad_demo::onboarding::Internet;
use ruad_demo::past;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use super::check;
use super::database::Database;
use super::place::Place;
use super::send::{CONNECTIONS, deliver};
use super::server::Server;
use super::show::Style;
use super::{Plan, show, sql};

#[derive(Debug, clap::Args)]
pub(super) struct Run {
    /// Stop when everything has been shown.
    #[arg(long)]
    once: bool,
    /// The ruad to start; the one beside this program unless given.
    #[arg(long, value_name = "PATH")]
    ruad: Option<PathBuf>,
    /// Its configuration. The addresses and the folder in it are those of the demo.
    #[arg(long, value_name = "PATH", default_value = "config/demo.toml")]
    config: PathBuf,
    /// Folder for everything it writes; emptied at the start.
    #[arg(long, value_name = "FOLDER", default_value = "demo-data")]
    data: PathBuf,
    /// On free ports in place of those that the configuration names.
    #[arg(long)]
    free_ports: bool,
    /// Mails a second; as many as it can unless given.
    #[arg(long, value_name = "NUMBER")]
    pace: Option<NonZeroU32>,
}

impl Run {
    pub(super) async fn run(self, plan: Plan) -> anyhow::Result<ExitCode> {
        let started = Instant::now();
        let ruad = self.ruad.map_or_else(beside, Ok)?;
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        // It answers until the end.
        let place = if self.free_ports { Place::free(&self.data)? } else { Place::usual(&self.data) };
        Server::prepare(&place)?;
        let internet = Internet::of(place.dns, &past::owned()).await?;
        past::publish(&internet, 0)?;
        fs::copy(internet.anchor(), place.anchor())?;
        // The month is made while the server starts.
        let today = plan.today;
        let month = tokio::task::spawn_blocking(move || plan.make());
        let mut server = Server::start(&ruad, &self.config, &place, false)?;
        let agrees = tokio::select! {
            agrees = demonstrate(&mut server, &place, month, self.pace, started) => agrees,
            _ = interrupt.recv() => Err(anyhow!("interrupted")),
            _ = terminate.recv() => Err(anyhow!("terminated")),
        };
        if matches!(agrees, Ok(true)) {
            let days = remember(&internet, &self.config, &place, today);
            tokio::select! {
                played = days => played?,
                status = server.ended() => bail!("ruad ended: {}\n{}", status?, server.last_words()),
            }
            if !self.once {
                server.stop().await?;
                server = Server::start(&ruad, &self.config, &place, true)?;
                server.ready().await?;
            }
        }
        if agrees.is_ok() {
            show::further(&place, &ruad, &self.config);
        }
        if matches!(agrees, Ok(true)) && !self.once {
            println!("\nruad stays up; its log is {}. Stop it with Ctrl-C.", server.log().display());
            tokio::select! {
                status = server.ended() => bail!("ruad ended: {}\n{}", status?, server.last_words()),
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
        if agrees.is_err() {
            eprintln!("{}", server.last_words());
        }
        let stopped = server.stop().await;
        let agrees = agrees?;
        stopped?;
        Ok(if agrees { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Everything up to the last line; whether the numbers are those that were sent.
async fn demonstrate(
    server: &mut Server,
    place: &Place,
    month: JoinHandle<Month>,
    pace: Option<NonZeroU32>,
    started: Instant,
) -> anyhow::Result<bool> {
    server.ready().await?;
    let month = &month.await?;
    println!("ruad is ready: SMTP {}, HTTP {}, ClickHouse {}", place.smtp, place.http, place.clickhouse);
    tokio::select! {
        agrees = send_and_show(place, month, pace, started) => agrees,
        status = server.ended() => bail!("ruad ended: {}", status?),
    }
}

async fn send_and_show(
    place: &Place,
    month: &Month,
    pace: Option<NonZeroU32>,
    started: Instant,
) -> anyhow::Result<bool> {
    let refused = deliver(place.smtp, month, CONNECTIONS, pace).await?;
    if refused > 0 {
        bail!("ruad refused {refused} mails");
    }
    let database = Database::at(place.clickhouse);
    database.wait(month.truth.mails.sent).await?;
    let findings = check::settled(&database, &month.truth).await?;

    let style = Style::of_stdout();
    show::domains(&database.query(sql::DOMAINS).await?, &database.query(sql::TOP_SOURCES).await?, style);
    show::summary(&findings, &database.query(sql::LEFT_OUT).await?, month.truth.mails.sent);
    let differences = findings.differences(&month.truth);
    for difference in &differences {
        println!("{} {difference}", style.bad("✗"));
    }
    if differences.is_empty() {
        let seconds = started.elapsed().as_secs_f64();
        println!("{} everything agrees with what was sent ({seconds:.1} s)", style.good("✓"));
    }
    Ok(differences.is_empty())
}

/// Lets the month pass once more, for what is seen of the domains from day to day.
async fn remember(internet: &Internet, config: &Path, place: &Place, today: Day) -> anyhow::Result<()> {
    let started = Instant::now();
    let mut settings = ruad::config::Settings::load(Some(config))?;
    settings.clickhouse.url = Some(format!("http://{}", place.clickhouse));
    let store = Store::connect(&settings.clickhouse)?;
    past::play(internet, &settings, &store, today).await?;
    let seconds = started.elapsed().as_secs_f64();
    println!("The month was played: examinations, plans and events of every day ({seconds:.1} s).");
    Ok(())
}

/// The `ruad` in the folder of this program.
pub(super) fn beside() -> anyhow::Result<PathBuf> {
    let own = env::current_exe().context("cannot tell where this program is")?;
    let path = own.with_file_name(format!("ruad{}", env::consts::EXE_SUFFIX));
    if !path.exists() {
        bail!("there is no {}; build it, or name one with --ruad", path.display());
    }
    Ok(path)
}
