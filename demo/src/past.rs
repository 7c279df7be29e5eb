//! The days before today, as the daemon would have seen them had it run: DNS is examined and plans are drawn with its own
//! rooms, at times that have passed, against a DNS that changes from day to day.

mod watched;
mod zones;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use futures_util::future::join_all;
use ruad::advice::advise;
use ruad::config::Settings;
use ruad::health::Examiner;
use ruad::health::keys::ReportDays;
use ruad::sources::Catalog;
use ruad::store::Store;
use ruad_dns::{Resolver, Validator};
use ruad_registry::Registry;

use crate::Day;
use crate::onboarding::{Entry, Error, Internet, Web};
use crate::world::{DAYS, Domain};
use watched::{Rows, Told, Watched};
use zones::Published;

/// The domains with an owner, whose DNS it is.
pub fn owned() -> Vec<(&'static str, bool)> {
    Domain::all().iter().map(|domain| (domain.name, zones::is_signed(domain.name))).collect()
}

/// Makes DNS what it was on a day, counted from today.
///
/// # Errors
///
/// When a record is none.
pub fn publish(internet: &Internet, day: i64) -> Result<(), Error> {
    let (there, gone): (Vec<_>, Vec<_>) = all().into_iter().partition(|one| one.is_there(day));
    let entries = |all: Vec<Published>| all.into_iter().map(|one| one.entry).collect::<BTreeSet<Entry>>();
    internet.replace(&entries(gone), entries(there))
}

/// Lets the days pass.
///
/// # Errors
///
/// [`Error`]: what DNS, ClickHouse or the files of the configuration said.
pub async fn play(internet: &Internet, settings: &Settings, store: &Store, today: Day) -> Result<(), Error> {
    let registry = registry(settings)?;
    let catalog = Catalog::built_in().map_err(Error::scenario)?;
    let names: Vec<_> = Domain::all().iter().map(|domain| domain.name).collect();
    let web = Web::start(&names).await?;
    for name in &names {
        zones::mta_sts(name).into_iter().for_each(|policy| web.put(name, &policy));
    }
    let mut domains = Vec::new();
    for domain in Domain::all() {
        if registry.watched(domain.name).is_some() {
            let published = zones::published(&domain);
            let watched = Watched::new(domain.name, registry.group_of(domain.name), selectors(&published));
            domains.push((published, watched, told(store, domain.name).await?));
        }
    }
    let others = zones::others();
    let mut rows = Rows::default();
    let mut before = None;
    for day in days() {
        publish(internet, day)?;
        let changed = |one: &Published| before.is_none_or(|before| one.is_there(before) != one.is_there(day));
        let is_about_all = day == -DAYS || day == 0 || others.iter().any(changed);
        let at = moment(today, day);
        let examiner = examiner(internet, &web, settings)?;
        let looks = domains
            .iter_mut()
            .filter(|(published, ..)| is_about_all || published.iter().any(changed))
            .map(|(_, watched, told)| watched.look(&examiner, told, day, at));
        for found in join_all(looks).await {
            rows.add(if day < -DAYS { found.of_long_ago() } else { found });
        }
        if is_advised(day) {
            let postures: Vec<_> = domains.iter().filter_map(|(_, watched, _)| watched.posture()).collect();
            advise(store, &catalog, &registry, &postures, &settings.advice, at).await?;
        }
        before = Some(day);
    }
    Ok(rows.keep(store).await?)
}

/// Whether plans are drawn on a day: now and then, and on every day of the last week.
fn is_advised(day: i64) -> bool {
    day >= -DAYS && (day % 3 == 0 || day > -7)
}

/// Everything that is published at any time, by anybody.
fn all() -> Vec<Published> {
    let mut all = zones::others();
    Domain::all().iter().for_each(|domain| all.extend(zones::published(domain)));
    all
}

/// Every day of the month, and those before it on which something was published.
fn days() -> BTreeSet<i64> {
    let before = all().into_iter().map(|one| one.from).filter(|day| *day < -DAYS);
    before.chain(-DAYS..=0).collect()
}

/// When the domains are looked at: at noon, and today now.
fn moment(today: Day, day: i64) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let noon = u64::try_from(today.plus(day).begin()).unwrap_or_default() + 12 * 3_600;
    if day == 0 { now } else { noon.min(now) }
}

fn registry(settings: &Settings) -> Result<Registry, Error> {
    match &settings.domains.file {
        Some(file) => Registry::load(file).map_err(Error::scenario),
        None => Err(Error::scenario("no registry is configured")),
    }
}

fn examiner(internet: &Internet, web: &Web, settings: &Settings) -> Result<Examiner, Error> {
    let dns = internet.settings();
    // Nothing changes within a day.
    let resolver = Resolver::new(&dns, 0, 200)?;
    let validator = Validator::new(&dns, 0, 200)?;
    Ok(Examiner::new(resolver.clone(), validator)
        .expecting_reports_at(&settings.health.reports_to)
        .with_https(web.client(resolver)?)
        .with_lists(&settings.health.dnsbl))
}

/// What the reports that have arrived tell about a domain.
async fn told(store: &Store, domain: &str) -> Result<Told, Error> {
    for day in store.days_to_add_up().await? {
        store.add_up_selectors(day).await?;
    }
    let mut uses = store.selector_uses(50).await?;
    uses.retain(|used| used.domain == domain);
    let days = store.reported_days(&[domain]).await?.pop();
    let addresses = store.senders(&[domain], 20).await?;
    Ok(Told {
        uses,
        days: days.map(|days| ReportDays { oldest: days.first.into(), newest: days.last.into() }),
        addresses: addresses.iter().filter_map(|sender| sender.address.parse().ok()).collect(),
    })
}

/// The selectors that records are published under, each with the first day.
fn selectors(published: &[Published]) -> BTreeMap<String, i64> {
    let mut selectors = BTreeMap::new();
    for one in published {
        if let Some((selector, _)) = one.entry.name.split_once("._domainkey.") {
            let from: &mut i64 = selectors.entry(selector.to_owned()).or_insert(one.from);
            *from = one.from.min(*from);
        }
    }
    selectors
}
