//! Lets the days pass.

use std::collections::BTreeMap;
use std::sync::Arc;

use ruad::sources::Catalog;
use ruad::{
    advice::store::senders::Said,
    store::{Store, StoreError},
};
use ruad::{
    advice::{Advised, Plan, Settings, advise},
    health::posture::Posture,
};
use ruad_dns::Resolver;
use ruad_registry::Registry;
use ruad_registry::{Decision, Goal, SenderId};

use super::customer::{Deed, Hands};
use super::examination::Examination;
use super::{
    Chapter, Customer, Desk, Engine, Entry, Error, Fates, Happening, Internet, Receivers, Scenario, Sender,
    Story, Web,
};
use crate::day::Day;
use crate::mail::Mail;

/// A scenario that is being played.
pub struct Life {
    scenario: Scenario,
    internet: Internet,
    web: Web,
    store: Store,
    desk: Desk,
    catalog: Catalog,
    registry: Registry,
    settings: Settings,
    senders: Vec<Sender>,
    receivers: Receivers,
    examination: Examination,
    customer: Customer,
    /// What the receivers have seen of DNS and of the senders.
    seen: Option<(u64, usize)>,
    /// The stored forms of senders, by their names.
    ids: BTreeMap<&'static str, String>,
    /// The days that have passed.
    day: i64,
}

impl Life {
    /// Plays a scenario to its end; `tell` hears each chapter when it has happened.
    ///
    /// # Errors
    ///
    /// [`Error`]: the simulation could not go on, or a step asked for what cannot be done.
    pub async fn live(
        scenario: Scenario,
        engine: &Engine,
        tell: &mut dyn FnMut(&Chapter),
    ) -> Result<Story, Error> {
        let mut life = Self::begin(scenario, engine).await?;
        let story = life.pass(tell).await;
        life.desk.close().await;
        story
    }

    async fn begin(scenario: Scenario, engine: &Engine) -> Result<Self, Error> {
        let domain = scenario.domain;
        let internet = Internet::start(domain).await?;
        let senders = scenario.senders.clone();
        internet.publish(senders.iter().flat_map(Sender::publishes).chain(scenario.zone.clone()))?;
        let web = Web::start(&[domain]).await?;
        let store = engine.store().await?;
        let rows: Vec<_> = senders.iter().flat_map(|sender| sender.rows(seconds(scenario.start))).collect();
        store.keep_sources(&rows).await?;
        let resolver = Resolver::new(&internet.settings(), 0, 200)?;
        let own = [MAILBOX.to_owned()];
        Ok(Self {
            desk: Desk::open(&internet, &store, registry(&scenario)?)?,
            catalog: Catalog::built_in().map_err(Error::scenario)?,
            registry: registry(&scenario)?,
            settings: Settings { reports_to: own.to_vec(), ..Settings::default() },
            receivers: Receivers::new(resolver, domain),
            examination: Examination::of(domain, &internet, &web, &own)?,
            customer: Customer::new(scenario.habits.clone()),
            seen: None,
            ids: BTreeMap::new(),
            day: 0,
            scenario,
            internet,
            web,
            store,
            senders,
        })
    }

    async fn pass(&mut self, tell: &mut dyn FnMut(&Chapter)) -> Result<Story, Error> {
        let mut story = Story::default();
        let mut fates = Fates::new();
        let mut plan: Option<Plan> = None;
        loop {
            let mut deeds = self.befall().await?;
            if let Some(plan) = &plan {
                deeds.extend(self.act(plan).await?);
            }
            let seen =
                (self.internet.version(), self.senders.iter().filter(|sender| sender.is_signing).count());
            if self.seen != Some(seen) {
                self.receivers.look(&self.senders).await;
                self.seen = Some(seen);
            }
            let advised = self.advise().await?;
            self.customer.read(&advised.plan, self.day);
            let told = story.events.len();
            story.events.extend(self.events().await?.into_iter().skip(told));
            plan = Some(advised.plan.clone());
            let chapter = Chapter::new(self.day, self.today(), deeds, std::mem::take(&mut fates), advised);
            story.add(chapter, told, tell);
            if self.day >= self.scenario.days || story.is_over(self.day) {
                return Ok(story);
            }
            fates = self.wait().await?;
        }
    }

    /// What happens by itself today.
    async fn befall(&mut self) -> Result<Vec<String>, Error> {
        let today = |(day, _): &&(i64, Happening)| *day == self.day;
        let happenings: Vec<_> = self.scenario.happenings.iter().filter(today).cloned().collect();
        let mut told = Vec::new();
        for (_, happening) in happenings {
            told.push(match happening {
                Happening::Publish(entry) => {
                    let words = format!("! published {} {} {:?}", entry.name, entry.kind, entry.value);
                    self.internet.publish([entry])?;
                    words
                }
                Happening::Delete(name, kind, start) => {
                    for value in
                        self.internet.values(name, kind).iter().filter(|value| value.starts_with(start))
                    {
                        self.internet.remove(&Entry::new(name, kind, value))?;
                    }
                    format!("! deleted {name} {kind} {start}")
                }
                Happening::Decide(name, decision) => {
                    self.decide(name, decision).await?;
                    format!("! said of {name}: {decision:?}")
                }
                Happening::Fix(name) => {
                    let sender = self.senders.iter_mut().find(|sender| sender.name == name);
                    let sender = sender.ok_or_else(|| Error::scenario(format!("nobody is called {name}")))?;
                    self.internet.publish(sender.key_entries(self.scenario.domain))?;
                    sender.is_signing = true;
                    format!("! {name} was set up")
                }
            });
        }
        Ok(told)
    }

    /// What the customer does today.
    async fn act(&mut self, plan: &Plan) -> Result<Vec<String>, Error> {
        let mut hands = Hands {
            domain: self.scenario.domain,
            internet: &self.internet,
            web: &self.web,
            senders: &mut self.senders,
        };
        let deeds = self.customer.act(plan, self.day, &mut hands)?;
        let mut told = Vec::new();
        for deed in deeds {
            told.push(match deed {
                Deed::Told(words) => words,
                Deed::Command(words) => self.command(&words).await?,
            });
        }
        Ok(told)
    }

    /// Runs a command of `ruad` that a step asks for.
    async fn command(&mut self, words: &[String]) -> Result<String, Error> {
        let words: Vec<_> = words.iter().map(|word| word.trim_matches('\'')).collect();
        let ["ruad", "source", verb @ ("approve" | "reject"), domain, id] = words.as_slice() else {
            return Err(Error::scenario(format!("nobody knows how to run {}", words.join(" "))));
        };
        if *domain != self.scenario.domain {
            return Err(Error::scenario(format!("{domain} is somebody else's")));
        }
        let decision = if *verb == "approve" { Decision::Approved } else { Decision::Rejected };
        self.say(id, decision).await?;
        Ok(format!("said of {id}: {}", decision.name()))
    }

    async fn decide(&mut self, name: &str, decision: Decision) -> Result<(), Error> {
        let id = self.ids.get(name).cloned();
        let id = id.ok_or_else(|| Error::scenario(format!("nobody has seen {name} yet")))?;
        self.say(&id, decision).await
    }

    async fn say(&self, id: &str, decision: Decision) -> Result<(), Error> {
        let sender = SenderId::parse(id).ok_or_else(|| Error::scenario(format!("{id} is no sender")))?;
        let said = Said { at: self.now() as u32, by: "the owner", note: "" };
        Ok(self.store.decide(self.scenario.domain, &sender, Some(decision), &said).await?)
    }

    async fn advise(&mut self) -> Result<Advised, Error> {
        let now = self.now();
        let found = self.examination.look(&self.store, now).await?;
        let posture = Arc::new(Posture::of(&found.snapshot, &found.histories, found.score));
        let advised =
            advise(&self.store, &self.catalog, &self.registry, &[posture], &self.settings, now).await?;
        let advised = advised.into_iter().next();
        let advised = advised.ok_or_else(|| Error::scenario("no plan was drawn"))?;
        for sender in &advised.traffic.senders {
            let known = self.senders.iter().find(|known| known.is_called(sender.id.as_str()));
            self.ids.extend(known.map(|known| (known.name, sender.id.as_str().to_owned())));
        }
        Ok(advised)
    }

    /// The events so far, in their order: kind and what each is about.
    async fn events(&self) -> Result<Vec<(String, String)>, Error> {
        let query = "SELECT concat(toString(kind), ' ', subject) FROM domain_events FINAL ORDER BY seen_at, kind, subject";
        let lines: Vec<String> =
            self.store.client().query_raw(query).fetch_all().await.map_err(StoreError::from)?;
        let pairs = lines.iter().map(|line| line.split_once(' ').unwrap_or((line, "")));
        Ok(pairs.map(|(kind, about)| (kind.to_owned(), about.to_owned())).collect())
    }

    /// Lets the time pass until there is something to do, a week at most; gives what became of the mail.
    async fn wait(&mut self) -> Result<Fates, Error> {
        let happenings = self.scenario.happenings.iter().map(|(day, _)| *day).filter(|day| *day > self.day);
        let next = self.customer.next().into_iter().chain(happenings).min();
        let until = next.unwrap_or(i64::MAX).clamp(self.day + 1, self.day + 7);
        let mut fates = Fates::new();
        let mut mails: Vec<Mail> = Vec::new();
        for day in self.day..until {
            let date = self.scenario.start.plus(day);
            let (reports, received) = self.receivers.receive(&self.senders, day, date, self.scenario.seed);
            if !self.scenario.silence.contains(&day) {
                mails.extend(reports);
            }
            for (whose, fate) in received {
                let sum = fates.entry(whose).or_default();
                *sum = fate.and(*sum);
            }
        }
        self.desk.deliver(&mails).await?;
        self.day = until;
        Ok(fates)
    }

    fn today(&self) -> Day {
        self.scenario.start.plus(self.day)
    }

    /// Noon of today.
    fn now(&self) -> u64 {
        seconds(self.today()) + 12 * 3_600
    }
}

fn registry(scenario: &Scenario) -> Result<Registry, Error> {
    let Scenario { domain, goal, people, parked, .. } = scenario;
    let goal = if *goal == Goal::Quarantine { "quarantine" } else { "reject" };
    let text = format!(
        "[[group]]\nname = \"bicycles\"\ndomains = [\"{domain}\"]\n\n[[domain]]\nname = \"{domain}\"\n\
         goal = \"{goal}\"\npeople = {people}\n{}",
        if *parked { "parked = true\n" } else { "" }
    );
    Registry::parse(&text, "the scenario").map_err(Error::scenario)
}

fn seconds(day: Day) -> u64 {
    u64::try_from(day.begin()).unwrap_or_default()
}

/// Where this installation takes reports.
const MAILBOX: &str = "rua@reports.example";
