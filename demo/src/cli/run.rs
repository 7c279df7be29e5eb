use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use std::{env, fs};

use anyhow::{Context, anyhow, bail};
use ruad::store::Store;
use ruad_demo::onboarding::Internet;
use ruad_demo::past;
use ruad_demo::{Day, Month};
use ruad_engine::OWNER;
use ruad_spool as spool;
use ruad_spool::Spool;
use tokio::signal::unix::{SignalKind, signal};

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
        let ruad = self.ruad.clone().map_or_else(beside, Ok)?;
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let place = if self.free_ports { Place::free(&self.data)? } else { Place::usual(&self.data) };
        Server::prepare(&place)?;
        let today = plan.today;
        let month = tokio::task::spawn_blocking(move || plan.make());
        // It answers until the end.
        let internet = Internet::of(place.dns, &past::owned()).await?;
        past::publish(&internet, 0)?;
        fs::copy(internet.anchor(), place.anchor())?;
        let month = month.await?;
        leave(&place, &month).await?;
        let mut server = Server::start(&ruad, &self.config, &place, false)?;
        let agrees = tokio::select! {
            agrees = self.demonstrate(&mut server, &place, &month, started) => agrees,
            _ = interrupt.recv() => Err(anyhow!("interrupted")),
            _ = terminate.recv() => Err(anyhow!("terminated")),
        };
        let agrees = match agrees {
            Ok(true) => tokio::select! {
                played = self.remember(&mut server, &internet, &place, today) => played.map(|()| true),
                _ = interrupt.recv() => Err(anyhow!("interrupted")),
                _ = terminate.recv() => Err(anyhow!("terminated")),
            },
            other => other,
        };
        if agrees.is_ok() {
            show::further(&place, &ruad, &self.config);
        }
        if matches!(agrees, Ok(true)) && !self.once {
            // What was played is what it remembers when it starts to watch.
            server.stop().await?;
            server = Server::start(&ruad, &self.config, &place, true)?;
            server.ready().await?;
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

    /// Everything up to the last line; whether the numbers are those that were sent.
    async fn demonstrate(
        &self,
        server: &mut Server,
        place: &Place,
        month: &Month,
        started: Instant,
    ) -> anyhow::Result<bool> {
        server.ready().await?;
        println!("ruad is ready: SMTP {}, HTTP {}, ClickHouse {}", place.smtp, place.http, place.clickhouse);
        tokio::select! {
            agrees = send_and_show(place, month, self.pace, started) => agrees,
            status = server.ended() => bail!("ruad ended: {}", status?),
        }
    }

    /// Lets the month pass once more, for what is seen of the domains from day to day.
    async fn remember(
        &self,
        server: &mut Server,
        internet: &Internet,
        place: &Place,
        today: Day,
    ) -> anyhow::Result<()> {
        let started = Instant::now();
        let mut settings = ruad::config::Settings::load(Some(&self.config))?;
        settings.clickhouse.url = Some(format!("http://{}", place.clickhouse));
        settings.clickhouse.user = Some(OWNER.to_owned());
        settings.clickhouse.password = Some(place.password(OWNER)?.into());
        let store = Store::connect(&settings.clickhouse)?;
        tokio::select! {
            played = past::play(internet, &settings, &store, today) => played?,
            status = server.ended() => bail!("ruad ended: {}", status?),
        }
        let seconds = started.elapsed().as_secs_f64();
        println!("The days of the month were played: examinations, plans, events ({seconds:.1} s).");
        Ok(())
    }
}

/// Leaves mails in the spool as if they had come when they were sent and had waited since.
async fn leave(place: &Place, month: &Month) -> anyhow::Result<()> {
    let settings = spool::Settings { path: place.spool(), min_free_bytes: 0, ..spool::Settings::default() };
    let spool = Spool::open(&settings)?;
    for mail in month.waiting() {
        let mut incoming = spool.incoming();
        incoming.write(&mail.bytes).await?;
        incoming.commit(mail.envelope()).await?;
    }
    Ok(spool.close().await?)
}

async fn send_and_show(
    place: &Place,
    month: &Month,
    pace: Option<NonZeroU32>,
    started: Instant,
) -> anyhow::Result<bool> {
    println!("{} mails wait in its spool, from a reporter that went silent", month.waiting().count());
    let refused = deliver(place.smtp, &month.coming(), CONNECTIONS, pace).await?;
    if refused > 0 {
        bail!("ruad refused {refused} mails");
    }
    let database = Database::at(place);
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

/// The `ruad` in the folder of this program.
pub(super) fn beside() -> anyhow::Result<PathBuf> {
    let own = env::current_exe().context("cannot tell where this program is")?;
    let path = own.with_file_name(format!("ruad{}", env::consts::EXE_SUFFIX));
    if !path.exists() {
        bail!("there is no {}; build it, or name one with --ruad", path.display());
    }
    Ok(path)
}
