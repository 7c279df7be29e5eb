//! The daemon's parts, put together: the receiver and the queue come first and stay to the end; everything that needs
//! ClickHouse comes and goes beside them.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use anyhow::Context;
use ruad::{
    advice::Adviser,
    certificate,
    config::Settings,
    health::{Watch, probe},
    http::{self, Health, Part},
    recent::Recent,
    sources::Sources,
    telemetry,
};
use ruad_engine as engine;
use ruad_smtp as smtp;
use ruad_spool::Spool;
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    isolated::Handles,
    signals::{Asked, Signals},
    storage::Storage,
    systemd,
};

/// Runs until a signal asks for the end.
///
/// `isolated` is where work runs whose amount strangers decide.
pub(super) async fn run(
    settings: Settings,
    sockets: Vec<TcpListener>,
    isolated: Handles,
) -> anyhow::Result<()> {
    let metrics = telemetry::start_metrics()?;
    telemetry::describe();
    ruad::provenance::telemetry::started(settings.provenance.enabled);
    let mut signals = Signals::new().context("cannot listen for signals")?;
    if settings.clickhouse.url.is_none() {
        // Without it nothing could ever be stored, and now somebody is looking.
        engine::find_library(settings.engine.library.as_deref())?;
    }
    let health = Health::default();
    let registry = ruad_registry::Shared::load(&settings.domains)?;
    let sources = Sources::new(&settings.sources, settings.dns.resolver(SOURCE_ANSWERS)?)?;
    let spool = Spool::open(&settings.spool)?;
    let receiver = smtp::Server::bind(settings.smtp.clone(), spool.clone(), sockets)?;
    let domains = match settings.health.enabled {
        true => {
            let (roots, registry) = (probe::roots(None)?, registry.clone());
            Some(Watch::new(&settings.health, &settings.dns, roots, registry, receiver.hostname())?)
        }
        false => None,
    };
    let issuer = certificate::Issuer::open(&settings.certificate)?;
    let register = issuer.as_ref().map(|issuer| certificate::Register::new(issuer, registry.clone()));
    // Plans rest on what the watch sees.
    let adviser = (settings.advice.enabled && domains.is_some()).then(|| Adviser::new(&settings.advice));
    let (adviser, issuing) = match (adviser, issuer) {
        (Some(adviser), Some(issuer)) => {
            let (listener, plans) = mpsc::channel(1);
            let days = settings.advice.certificate_days;
            let issuing = certificate::Issuing::new(issuer, plans, days, &settings.health.profile);
            (Some(adviser.telling(listener)), Some(issuing))
        }
        (adviser, _) => (adviser, None),
    };
    let web = http::Server::bind(&settings.http, metrics.clone(), health.clone(), domains.clone()).await?;
    let web = match &adviser {
        Some(adviser) => web.with_advice(adviser.clone(), registry.clone()),
        None => web,
    };
    let recent = Recent::new(registry.clone());
    let web = web.with_recent(recent.clone());
    let web = match &register {
        Some(register) => web.with_certificates(register.clone()),
        None => web,
    };
    let storage = Storage::new(
        &settings,
        spool.clone(),
        registry.clone(),
        sources.clone(),
        domains.clone(),
        adviser,
        health.clone(),
    )?
    .opening(register)
    .issuing(issuing)
    .telling(recent)
    .introducing(receiver.handle().known_networks().clone());

    let (receiving, storing, ending) =
        (CancellationToken::new(), CancellationToken::new(), CancellationToken::new());
    let tls = receiver.handle();
    let receiver = tokio::spawn(receiver.run(receiving.clone()));
    health.set(Part::Smtp, Ok(()));
    let storage = tokio::spawn(storage.run(storing.clone(), isolated.clone()));
    if let Some(domains) = domains {
        // It ends with the token, and nothing waits for it.
        isolated.examining.spawn(domains.run(receiving.clone()));
    }
    let web = tokio::spawn(web.run(ending.clone().cancelled_owned()));
    let watch = tokio::spawn(watch_spool(spool.clone(), health.clone(), metrics));
    let alive = tokio::spawn(systemd::keep_alive(health.clone()));
    systemd::ready();

    while signals.next().await == Asked::Reload {
        systemd::reloading();
        reload(&tls, &registry, sources.clone()).await;
        systemd::ready();
    }

    tracing::info!("Stopping: no new sessions, running messages may end.");
    systemd::stopping();
    health.set(Part::Smtp, Err("stopping".to_owned()));
    receiving.cancel();
    receiver.await.context("the receiver died")?;
    spool.close().await.context("the last segment could not be closed; the next start closes it")?;
    // What waits is safe on disk; storing it now only saves the next start some work.
    drop(timeout(LAST_SEGMENTS, drained(&spool, &health)).await);
    storing.cancel();
    storage.await.context("the store died")?;
    watch.abort();
    alive.abort();
    ending.cancel();
    web.await.context("the web server died")??;
    tracing::info!(waiting = spool.closed().len(), "Stopped.");
    Ok(())
}

/// Each part keeps what it had when its files are faulty, and says so in the log.
async fn reload(tls: &smtp::Handle, registry: &ruad_registry::Shared, sources: Sources) {
    let (tls, registry) = (tls.clone(), registry.clone());
    let reloading = tokio::task::spawn_blocking(move || {
        drop((tls.reload_tls(), registry.reload(), sources.reload()));
    });
    drop(reloading.await);
}

/// Keeps the gauges and the health page right.
async fn watch_spool(spool: Spool, health: Health, metrics: metrics_exporter_prometheus::PrometheusHandle) {
    let mut tick = interval(WATCH);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut checked = None::<Instant>;
    let mut is_well = true;
    let mut state = Ok(());
    loop {
        tick.tick().await;
        ruad_spool::telemetry::observe(&spool.backlog());
        if let Ok(free) = spool.free_bytes() {
            ruad_spool::telemetry::observe_disk(free);
        }
        let is_due = checked.is_none_or(|checked| checked.elapsed() >= CHECK);
        if is_due || spool.is_troubled() || spool.has_room().is_err() == is_well {
            checked = Some(Instant::now());
            state = check(&spool).await;
            if state.is_ok() != is_well {
                is_well = state.is_ok();
                ruad_spool::telemetry::taking_changed(state.as_ref().err().map(String::as_str));
            }
        }
        ruad_spool::telemetry::observe_taking(is_well);
        health.set(Part::Spool, state.clone());
        // Histograms collect until somebody scrapes; nobody may.
        metrics.run_upkeep();
    }
}

/// Whether mail can be made durable. A disk that hangs holds up a thread, not the health page.
async fn check(spool: &Spool) -> Result<(), String> {
    let checking = tokio::task::spawn_blocking({
        let spool = spool.clone();
        move || spool.check()
    });
    match timeout(LONGEST_CHECK, checking).await {
        Ok(Ok(outcome)) => outcome.map_err(|error| error.to_string()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("the disk has not answered for {} seconds", LONGEST_CHECK.as_secs())),
    }
}

/// Returns when nothing waits, or cannot be stored now.
async fn drained(spool: &Spool, health: &Health) {
    let mut tick = interval(Duration::from_millis(50));
    while health.works(Part::Store) && !spool.closed().is_empty() {
        tick.tick().await;
    }
}

const WATCH: Duration = Duration::from_secs(1);

/// How often a file is written to see whether the spool can be.
const CHECK: Duration = Duration::from_secs(5);
const LONGEST_CHECK: Duration = Duration::from_secs(10);

const LAST_SEGMENTS: Duration = Duration::from_secs(10);

/// Reverse names are kept in `sources`; the resolver need not remember them as well.
const SOURCE_ANSWERS: u64 = 0;
