//! A year of an MSP's reports, made by the engine itself: records go into the real table, so that whatever the migrations hang
//! onto it is filled as the daemon fills it.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::Context;
use ruad::store::Store;
use xxhash_rust::xxh3::xxh3_64;

use crate::engine::Engine;

/// How large the year is.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) domains: u32,
    pub(crate) days: u32,
}

/// Makes the year in the folder, unless one of this size and of this schema is there; gives the moment at which it ends, in
/// seconds since 1970.
pub(crate) async fn make(ruad: &Path, folder: &Path, size: Size) -> anyhow::Result<u64> {
    let (data, note) = (folder.join("data"), folder.join("made"));
    let kind = kind(size)?;
    if let Some((found, now)) =
        fs::read_to_string(&note).ok().as_deref().and_then(|text| text.split_once(' '))
        && found == kind
    {
        return now.trim().parse().context("the note in the folder is broken");
    }
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(&data)?;
    let today = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() / 86_400;
    let now = today * 86_400 + 30_600;
    let engine = Engine::start(ruad, &data)?;
    let store = engine.store()?;
    store.migrate().await?;
    let began = Instant::now();
    // A month at a time, so that no insert is large.
    let first = u32::try_from(today)? - size.days;
    for from in (0..size.days).step_by(30) {
        let span = Size { days: 30.min(size.days - from), ..size };
        for statement in BY_MONTH {
            run(&store, statement, span, first + from, now).await?;
        }
    }
    for statement in AT_ONCE {
        run(&store, statement, size, first, now).await?;
    }
    // Merges that are under way would be measured with the queries.
    let merging = "SELECT count() FROM system.merges";
    while store.client().query_raw(merging).fetch_one::<u64>().await? > 0 {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    println!("made in {:.0} s", began.elapsed().as_secs_f64());
    engine.stop()?;
    fs::write(note, format!("{kind} {now}\n"))?;
    Ok(now)
}

async fn run(store: &Store, statement: &str, span: Size, first: u32, now: u64) -> anyhow::Result<()> {
    let values = [
        ("{domains}", span.domains.to_string()),
        ("{first}", first.to_string()),
        ("{days}", span.days.to_string()),
        ("{now}", now.to_string()),
        ("{own}", OWN.to_string()),
        ("{services}", SERVICES.to_string()),
        ("{forwarders}", FORWARDERS.to_string()),
        ("{attackers}", ATTACKERS.to_string()),
    ];
    let statement = values.iter().fold(statement.to_owned(), |text, (name, value)| text.replace(name, value));
    let about = || statement.lines().next().unwrap_or_default().to_owned();
    store.client().query_raw(&statement).execute().await.with_context(about)
}

/// Another schema or other statements make another year.
fn kind(size: Size) -> anyhow::Result<String> {
    let schema = Store::connect(&ruad::store::Settings::default())?.schema_statements().concat();
    let text = [&schema, &BY_MONTH.concat(), &AT_ONCE.concat()].map(String::as_str).concat();
    Ok(format!("{}x{}-{:016x}", size.domains, size.days, xxh3_64(text.as_bytes())))
}

/// 10.0.0.0 and on, so that nobody's address is meant.
const OWN: u32 = 0x0a00_0000;
const SERVICES: u32 = 0x0a40_0000;
const FORWARDERS: u32 = 0x0a80_0000;
const ATTACKERS: u32 = 0x0ac0_0000;

/// A table is made before those that are made from it.
const BY_MONTH: [&str; 6] = [
    include_str!("year/records.sql"),
    include_str!("year/reports.sql"),
    include_str!("year/deliveries.sql"),
    include_str!("year/messages.sql"),
    include_str!("year/tls.sql"),
    include_str!("year/tls_failures.sql"),
];

const AT_ONCE: [&str; 11] = [
    include_str!("year/strays.sql"),
    include_str!("year/addresses.sql"),
    include_str!("year/failures.sql"),
    include_str!("year/checks.sql"),
    include_str!("year/stages.sql"),
    include_str!("year/steps.sql"),
    include_str!("year/senders.sql"),
    include_str!("year/selectors.sql"),
    include_str!("year/keys.sql"),
    include_str!("year/dns_records.sql"),
    include_str!("year/events.sql"),
];
