use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ruad::advice::gather::{Subject, gather};
use ruad::advice::{Memory, Plan, Posture, Remembered, Settings, Traffic, Wishes};
use ruad::domains::Registry;
use ruad::sources::Catalog;
use ruad::store::{Store, StoreError};

#[derive(Default)]
pub(super) struct Known(Mutex<Memory>);

pub(super) struct Advised {
    pub(super) plan: Plan,
    pub(super) traffic: Traffic,
    pub(super) posture: Arc<Posture>,
}

pub(super) async fn advise(
    known: &Known,
    store: &Store,
    catalog: &Catalog,
    registry: &Registry,
    posture: Arc<Posture>,
    settings: &Settings,
    now: u64,
) -> Result<Advised, StoreError> {
    let domain = posture.domain.as_str();
    let decisions = store.decisions(&[domain]).await?;
    let none = BTreeMap::new();
    let reports_to = ["rua@reports.example".to_owned()];
    let wishes = Wishes::of(registry, decisions.get(domain).unwrap_or(&none), domain, &reports_to);
    let subject = Subject { posture: &posture, wishes: &wishes };
    let today = (now / 86_400) as u32;
    let traffic = gather(store, catalog, &[subject], today, settings).await?.remove(0);
    let mut memory = known.0.lock().unwrap().clone();
    let plan = Plan::draw(&posture, &traffic, &wishes, &memory, settings, now);
    for step in &plan.steps {
        memory.steps.retain(|known| known.code != step.code || known.subject != step.subject);
        memory.steps.push(Remembered {
            code: step.code,
            subject: step.subject.clone(),
            state: step.state,
            opened_at: step.opened_at,
            done_at: step.done_at,
        });
    }
    memory.stage = Some((plan.stage, plan.stage_since));
    memory.score = plan.score.map(|score| (score.value() * 10.0).round() as u16).or(memory.score);
    memory.perfect_since = plan.perfect_since;
    *known.0.lock().unwrap() = memory;
    Ok(Advised { plan, traffic, posture })
}
