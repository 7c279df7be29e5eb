//! From the store to a [`Review`].

use std::collections::{BTreeMap, HashMap};

use super::{
    Month,
    model::{Abuse, Author, Certificate, Domain, Event, Key, Review, Sender, State, Step},
};
use crate::{
    advice::Stage,
    review::store::Scope,
    store::{Store, StoreError},
};
use ruad_registry::Registry;

/// What a document is to be about.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// Whom it is for.
    pub title: &'a str,
    /// The domains, as the registry lists them.
    pub domains: &'a [&'a str],
    /// The month.
    pub month: Month,
    /// Today; days since 1970.
    pub today: u32,
    /// Who makes it.
    pub made_by: Option<&'a str>,
}

impl Review {
    /// Asks the store for everything a document says.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn gather(
        store: &Store,
        registry: &Registry,
        request: &Request<'_>,
    ) -> Result<Self, StoreError> {
        let mut domains = Vec::with_capacity(request.domains.len());
        for some in request.domains.chunks(DOMAINS_AT_ONCE) {
            domains.extend(Gathering::new(store, registry, request, some).run().await?);
        }
        domains
            .sort_by(|one, other| urgency(one).cmp(&urgency(other)).then_with(|| one.name.cmp(&other.name)));
        Ok(Self {
            title: request.title.to_owned(),
            month: request.month,
            made_on: request.today,
            made_by: request.made_by.map(str::to_owned),
            domains,
        })
    }
}

/// Small for what has to be looked at first: what is watched over and known to be weak.
fn urgency(domain: &Domain) -> (bool, u64, u64, std::cmp::Reverse<u64>, std::cmp::Reverse<usize>) {
    let state = domain.state();
    let score = state.and_then(|state| state.score).map_or(u64::MAX, |score| (score * 10.0) as u64);
    let stage = state.and_then(|state| Stage::ALL.iter().position(|stage| *stage == state.stage));
    (
        !domain.is_active,
        score,
        stage.map_or(u64::MAX, |stage| stage as u64),
        std::cmp::Reverse(domain.mail().forged),
        std::cmp::Reverse(domain.open.len()),
    )
}

struct Gathering<'a> {
    store: &'a Store,
    registry: &'a Registry,
    listed: &'a [&'a str],
    month: Month,
    domains: BTreeMap<&'a str, Domain>,
}

impl<'a> Gathering<'a> {
    fn new(store: &'a Store, registry: &'a Registry, request: &Request<'a>, listed: &'a [&'a str]) -> Self {
        let days = request.month.days().len();
        let blank = |name: &&'a str| {
            let is_active = registry.is_active(name);
            let domain = Domain {
                name: (*name).to_owned(),
                is_active,
                days: vec![<_>::default(); days],
                ..<_>::default()
            };
            (*name, domain)
        };
        let domains = listed.iter().map(blank).collect();
        Self { store, registry, listed, month: request.month, domains }
    }

    async fn run(mut self) -> Result<Vec<Domain>, StoreError> {
        let before = self.month.before().days();
        let below = self.store.names_below(self.listed, before.start, self.month.days().end).await?;
        // A name may be below a domain of another group that is nearer.
        let mut owners: HashMap<String, String> = below
            .into_iter()
            .filter_map(|name| {
                let owner = self.registry.listed(&name)?.to_owned();
                self.domains.contains_key(owner.as_str()).then_some((name, owner))
            })
            .collect();
        owners.extend(self.listed.iter().map(|name| ((*name).to_owned(), (*name).to_owned())));
        let (names, owners): (Vec<_>, Vec<_>) = owners.into_iter().unzip();
        let days = self.month.days();
        let scope =
            Scope { names: &names, owners: &owners, domains: self.listed, from: days.start, to: days.end };
        self.mail(&Scope { from: before.start, ..scope }).await?;
        self.senders(&scope).await?;
        self.abuse(&scope).await?;
        self.states().await?;
        self.steps().await?;
        self.events().await?;
        self.keys().await?;
        Ok(self.domains.into_values().collect())
    }

    async fn mail(&mut self, scope: &Scope<'_>) -> Result<(), StoreError> {
        let first = self.month.days().start;
        for row in self.store.mail_by_day(scope).await? {
            let Some(domain) = self.domains.get_mut(row.domain.as_str()) else { continue };
            let place = u32::from(row.day).checked_sub(first).and_then(|place| usize::try_from(place).ok());
            let mail = match place {
                Some(place) => domain.days.get_mut(place),
                None => Some(&mut domain.before),
            };
            if let Some(mail) = mail {
                mail.add(&row.class, row.messages, row.passed, row.quarantined, row.rejected);
            }
        }
        Ok(())
    }

    async fn senders(&mut self, scope: &Scope<'_>) -> Result<(), StoreError> {
        for row in self.store.senders_of_month(scope, SENDERS).await? {
            let Some(domain) = self.domains.get_mut(row.domain.as_str()) else { continue };
            domain.sender_count = row.senders;
            domain.senders.push(Sender {
                name: row.name,
                class: row.class,
                messages: row.messages,
                passed: row.passed,
                first_day: Some(u32::from(row.first_day)).filter(|day| *day > 0),
            });
        }
        for row in self.store.reporting(scope).await? {
            let Some(domain) = self.domains.get_mut(row.domain.as_str()) else { continue };
            (domain.reporters, domain.reported_days) = (row.reporters, row.days);
            domain.discredited = row.discredited;
        }
        for row in self.store.authors(scope, AUTHORS).await? {
            let Some(domain) = self.domains.get_mut(row.domain.as_str()) else { continue };
            domain.authors.push(Author { name: row.author, messages: row.messages, passed: row.passed });
        }
        Ok(())
    }

    async fn abuse(&mut self, scope: &Scope<'_>) -> Result<(), StoreError> {
        let mut abuse: HashMap<String, Abuse> = HashMap::new();
        for row in self.store.forging_addresses(scope).await? {
            abuse.entry(row.domain).or_default().addresses = row.messages;
        }
        for row in self.store.forged_by_country(scope, ORIGINS).await? {
            abuse.entry(row.domain).or_default().countries.push((row.origin, row.messages));
        }
        for row in self.store.forged_by_network(scope, ORIGINS).await? {
            abuse.entry(row.domain).or_default().networks.push((row.origin, row.messages));
        }
        for (name, abuse) in abuse {
            if let Some(domain) = self.domains.get_mut(name.as_str()) {
                domain.abuse = abuse;
            }
        }
        Ok(())
    }

    async fn states(&mut self) -> Result<(), StoreError> {
        let days = self.month.days();
        for row in self.store.states_by_day(self.listed, self.month.before().days().start, days.end).await? {
            let Some(domain) = self.domains.get_mut(row.domain.as_str()) else { continue };
            let Some(stage) = Stage::named(&row.stage) else { continue };
            let state = State {
                day: u32::from(row.day),
                stage,
                progress: f64::from(row.progress),
                // As it was before it became a number of 32 bits.
                score: row.score.map(|score| (f64::from(score) * 10.0).round() / 10.0),
                policy: row.policy,
                is_parked: row.parked,
                is_perfect: row.perfect,
            };
            if state.day < days.start {
                domain.began = Some(state);
            } else {
                domain.states.push(state);
            }
        }
        Ok(())
    }

    async fn steps(&mut self) -> Result<(), StoreError> {
        let days = self.month.days();
        for row in self.store.steps_of_month(self.listed, days.start, days.end, STEPS).await? {
            let Some(domain) = self.domains.get_mut(row.domain.as_str()) else { continue };
            let is_done = row.state == "done";
            let step = Step {
                is_undone: row.state == "regressed",
                done_on: Some(u32::from(row.done_on)).filter(|_| is_done),
                who: row.who,
                effort: row.effort,
                title: row.title,
                why: row.why,
                // What cannot be read is left out: title and reason stand by themselves.
                instructions: serde_json::from_str(&row.instructions).unwrap_or_default(),
                values: row.names.into_iter().zip(row.values).collect(),
                code: row.code,
                subject: row.subject,
            };
            if is_done { domain.done.push(step) } else { domain.open.push(step) }
        }
        Ok(())
    }

    async fn events(&mut self) -> Result<(), StoreError> {
        let days = self.month.days();
        for row in self.store.events_of_month(self.listed, [days.start, days.end], &NOT_TOLD, EVENTS).await? {
            let Some(domain) = self.domains.get_mut(row.domain.as_str()) else { continue };
            domain.event_count = row.events;
            domain.events.push(Event {
                day: u32::from(row.day),
                kind: row.kind,
                severity: row.severity,
                subject: row.subject,
                old: row.old,
                new: row.new,
                text: row.text,
            });
        }
        for domain in self.domains.values_mut() {
            domain.events.sort_by_key(|event| event.day);
        }
        Ok(())
    }

    async fn keys(&mut self) -> Result<(), StoreError> {
        let days = self.month.days();
        for row in self.store.keys_of_month(self.listed, days.start, days.end, KEYS).await? {
            let Some(domain) = self.domains.get_mut(row.domain.as_str()) else { continue };
            domain.keys.push(Key {
                selector: row.selector,
                kind: row.kind,
                bits: row.bits,
                first_day: u32::from(row.first_day),
                used_on: Some(u32::from(row.used_on)).filter(|day| *day > 0),
            });
        }
        for row in self.store.last_certificates(self.listed).await? {
            let Some(domain) = self.domains.get_mut(row.domain.as_str()) else { continue };
            domain.certificate =
                Some(Certificate { serial: row.serial, issued_on: u32::from(row.issued_on) });
        }
        Ok(())
    }
}

/// A statement may have 256 KiB; a name takes up to 256 bytes of it, and may stand in it six times.
const DOMAINS_AT_ONCE: usize = 50;
const SENDERS: u32 = 12;
const ORIGINS: u32 = 6;
const AUTHORS: u32 = 8;
const STEPS: u32 = 20;
const EVENTS: u32 = 20;
const KEYS: u32 = 12;

/// What a document tells elsewhere: how far a domain is, and its steps.
pub(super) const NOT_TOLD: [&str; 5] =
    ["domain.ready", "stage.fell", "stage.reached", "step.done", "step.undone"];
