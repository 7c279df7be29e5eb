//! How domains stand on their way, as metrics.

use std::sync::Arc;

use super::Advised;
use crate::{
    advice::{
        Stage,
        store::{StoredPlan, StoredStep},
    },
    exposition::{self, Family, escaped, labels},
};
use ruad_common::{text::is_invisible, texts::Language};
use ruad_dns::dmarc::Policy;

/// What is told about one domain.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// `domain="…",group="…"`.
    labels: Box<str>,
    stage: Stage,
    progress: f32,
    open_steps: u32,
    /// The first of them: their labels, and when they were opened.
    steps: Box<[(Box<str>, u64)]>,
    /// The policy that comes next, and whether it can come now.
    ready: Option<(Policy, bool)>,
}

impl Row {
    pub(super) fn new(advised: &Advised) -> Self {
        let Advised { plan, group, .. } = advised;
        let steps = plan.open_steps().take(MOST_STEPS).map(|step| {
            let title = step.text(Language::En).title;
            (step_labels(step.code.as_str(), &step.subject, &title, step.who.name()), step.opened_at)
        });
        Self {
            labels: labels(&plan.domain, group).into(),
            stage: plan.stage,
            progress: plan.progress as f32,
            open_steps: u32::try_from(plan.open_steps().count()).unwrap_or(u32::MAX),
            steps: steps.collect(),
            ready: plan.readiness.as_ref().map(|readiness| (readiness.target, readiness.is_ready())),
        }
    }

    /// One of an earlier run; none when its stage is not known any more.
    pub(super) fn stored(plan: &StoredPlan, steps: &[StoredStep]) -> Option<Self> {
        let steps = steps.iter().take(MOST_STEPS).map(|step| {
            (step_labels(&step.code, &step.subject, &step.title, &step.who), step.opened_at.into())
        });
        Some(Self {
            labels: labels(&plan.domain, &plan.group_name).into(),
            stage: Stage::named(&plan.stage)?,
            progress: plan.progress,
            open_steps: plan.open_steps,
            steps: steps.collect(),
            ready: Policy::named(&plan.ready_for).map(|policy| (policy, true)),
        })
    }
}

/// The page in pieces.
pub(super) fn pieces(rows: Vec<Arc<Row>>) -> impl Iterator<Item = String> + Send {
    exposition::pieces(&FAMILIES, rows)
}

/// Steps of one domain that are shown; the number of all of them is shown too.
pub(super) const MOST_STEPS: usize = 20;

static FAMILIES: [Family<Arc<Row>>; 5] = [
    Family {
        name: "ruad_domain_stage",
        help: "How far a domain is on the way to p=reject: 1 for the stage it has.",
        write: |row, series| {
            for stage in Stage::ALL {
                let rest = format!("stage=\"{}\"", stage.name());
                series.add(&row.labels, &rest, u8::from(stage == row.stage));
            }
        },
    },
    Family {
        name: "ruad_domain_progress_ratio",
        help: "How much of the way to p=reject lies behind a domain, from 0 to 1.",
        write: |row, series| series.add(&row.labels, "", row.progress),
    },
    Family {
        name: "ruad_domain_open_steps",
        help: "Steps that somebody has to do now for a domain.",
        write: |row, series| series.add(&row.labels, "", row.open_steps),
    },
    Family {
        name: "ruad_domain_step",
        help: "A step that somebody has to do now: when it became one, in seconds since 1970. At most 20 a domain.",
        write: |row, series| {
            for (rest, opened_at) in &row.steps {
                series.add(&row.labels, rest, opened_at);
            }
        },
    },
    Family {
        name: "ruad_domain_policy_ready",
        help: "Whether the DMARC policy of a domain can be raised to this one now; missing when it need not be.",
        write: |row, series| {
            if let Some((policy, is_ready)) = row.ready {
                series.add(&row.labels, &format!("policy=\"{}\"", policy.name()), u8::from(is_ready));
            }
        },
    },
];

fn step_labels(code: &str, subject: &str, title: &str, who: &str) -> Box<str> {
    let [code, subject, title, who] = [code, subject, title, who].map(|value| escaped(&short(value)));
    format!("code=\"{code}\",subject=\"{subject}\",title=\"{title}\",who=\"{who}\"").into()
}

/// Terms of SPF records can be long, and what stands in them is somebody else's.
fn short(value: &str) -> String {
    let mut short: String = value.chars().filter(|c| !is_invisible(*c)).take(LONGEST).collect();
    if short.len() < value.len() {
        short.push('…');
    }
    short
}

const LONGEST: usize = 120;
