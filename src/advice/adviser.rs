//! From what DNS and reports say to plans, rows, events and metrics: the only part of this room that asks and writes.

mod page;
mod runner;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
};

use tokio::sync::mpsc;

use super::{Plan, Recollection, Settings, Subject, Traffic, events, gather, rows::Rows};
use crate::health::posture::Posture;
use crate::{
    advice::telemetry::Noticed,
    health::rows::EventRow,
    sources::Catalog,
    store::{Store, StoreError},
};
use ruad_common::time::DAY;
use ruad_registry::Preferences;
use ruad_registry::Registry;

/// A plan, and what it rests on.
#[derive(Clone, Debug)]
pub struct Advised {
    /// What is to be done.
    pub plan: Plan,
    /// What reports tell.
    pub traffic: Traffic,
    /// What DNS says.
    pub posture: Arc<Posture>,
    /// What the owner wants.
    pub wishes: Preferences,
    /// Customer.
    pub group: String,
}

/// Draws every plan again and again, and shows how domains stand. Cheap to clone.
#[derive(Clone)]
pub struct Adviser(Arc<Inner>);

struct Inner {
    settings: Settings,
    /// How each domain stood when its plan was drawn last.
    shown: Mutex<BTreeMap<Arc<str>, Arc<page::Row>>>,
    /// Gets every batch of stored plans.
    listener: Option<mpsc::Sender<Vec<Advised>>>,
}

/// One whole run at `now` (seconds since 1970) for these domains: plans are drawn, and what they say is kept. It may be
/// repeated at any time, also after it failed half-way: what has been kept is not kept again, and no event is told twice.
///
/// Domains go in batches, but what is given back grows with their number: whoever has thousands asks for some at a time.
///
/// # Errors
///
/// What ClickHouse said.
pub async fn advise(
    store: &Store,
    catalog: &Catalog,
    registry: &Registry,
    postures: &[Arc<Posture>],
    settings: &Settings,
    now: u64,
) -> Result<Vec<Advised>, StoreError> {
    let mut all = Vec::new();
    for batch in postures.chunks(BATCH) {
        let names: Vec<_> = batch.iter().map(|posture| posture.domain.as_str()).collect();
        let known = store.recollections(&names).await?;
        let advised = draw(store, catalog, registry, batch, &known, settings, now).await?;
        keep(store, &advised, &known, now).await?;
        all.extend(advised);
    }
    Ok(all)
}

/// Draws plans and keeps nothing. `known` is what earlier runs knew.
///
/// # Errors
///
/// What ClickHouse said.
pub async fn draw(
    store: &Store,
    catalog: &Catalog,
    registry: &Registry,
    postures: &[Arc<Posture>],
    known: &HashMap<String, Recollection>,
    settings: &Settings,
    now: u64,
) -> Result<Vec<Advised>, StoreError> {
    let names: Vec<_> = postures.iter().map(|posture| posture.domain.as_str()).collect();
    let decisions = store.decisions(&names).await?;
    let nothing = BTreeMap::new();
    let wishes: Vec<_> = names
        .iter()
        .map(|name| {
            let decisions = decisions.get(*name).unwrap_or(&nothing);
            Preferences::of(registry, decisions, name, &settings.reports_to)
        })
        .collect();
    let subjects: Vec<_> =
        postures.iter().zip(&wishes).map(|(posture, wishes)| Subject { posture, wishes }).collect();
    let traffic = gather(store, catalog, &subjects, today(now), settings).await?;
    let forgotten = Recollection::default();
    let drawn = postures.iter().zip(traffic).zip(wishes).map(|((posture, traffic), wishes)| {
        let memory = &known.get(&posture.domain).unwrap_or(&forgotten).memory;
        let plan = Plan::draw(posture, &traffic, &wishes, memory, settings, now);
        let group = registry.group_of(&posture.domain).to_owned();
        Advised { plan, traffic, posture: posture.clone(), wishes, group }
    });
    Ok(drawn.collect())
}

/// Keeps what a run found, and tells what has changed since `known`.
///
/// # Errors
///
/// What ClickHouse said.
pub async fn keep(
    store: &Store,
    advised: &[Advised],
    known: &HashMap<String, Recollection>,
    now: u64,
) -> Result<(), StoreError> {
    let mut noticed = Vec::new();
    for one in advised {
        let Some(known) = known.get(&one.plan.domain) else { continue };
        let events = events::events(one, known, now);
        let group: Arc<str> = one.group.as_str().into();
        noticed.extend(events.into_iter().map(|event| EventRow {
            group: group.clone(),
            event,
            confirmed_at: now,
        }));
    }
    if !noticed.is_empty() {
        // A run that failed half-way, another receiver, or a condition that came back has told some of them.
        let names: Vec<_> = advised.iter().map(|one| one.plan.domain.as_str()).collect();
        let ids: Vec<_> = noticed.iter().map(|row| row.event.id).collect();
        let told = store.known_events(&names, &ids).await?;
        noticed.retain(|row| !told.contains(&row.event.id));
        store.keep_plan_events(&noticed).await?;
        noticed.iter().for_each(|row| Noticed { event: &row.event, group: &row.group }.record());
    }
    store.keep_plans(&Rows::of(advised, known, now)).await
}

/// The day, since 1970.
fn today(now: u64) -> u32 {
    u32::try_from(now / DAY).unwrap_or(u32::MAX)
}

/// Domains of a batch, of which there are two at once: what a run holds in memory at any time, and what one statement asks ClickHouse for.
const BATCH: usize = 200;
