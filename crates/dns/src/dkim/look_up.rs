//! The questions, and as few of them as will do.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::join;

use super::{
    common,
    record::is_key,
    selector::{Origin, Selector, wanted},
};
use crate::{Answer, Resolver, Text, Trouble};

/// Every answer about a domain's keys.
pub(super) struct Looked {
    domain: String,
    /// What stands at `_domainkey`.
    pub(super) domainkey: Answer<Text>,
    /// Whether `_domainkey` is said not to exist although there are records below it. It is not when it is only an
    /// alias of a name that does not exist: that says nothing of the names below it.
    pub(super) is_denied: bool,
    /// What is said of a selector that nobody set up.
    pub(super) probe: Answer<Text>,
    /// The selectors, those that matter most first.
    pub(super) selectors: Vec<One>,
    /// Those that were not asked for, because nothing is below a name that does not exist (RFC 8020).
    skipped: Vec<Selector>,
}

/// The answer about one selector.
pub(super) struct One {
    pub(super) selector: Selector,
    /// The name that was asked for.
    pub(super) name: String,
    /// What was said; nothing when it was not asked for, because `_domainkey` could not be either.
    pub(super) answer: Option<Answer<Text>>,
    /// The name of which it is an alias, when there is no record.
    pub(super) target: Option<String>,
    /// Where the record stands by mistake.
    pub(super) doubled: Option<String>,
}

/// What is known of a selector.
pub(super) enum State<'a> {
    /// Nobody could tell.
    Unknown(Option<Trouble>),
    /// There is no record.
    Absent,
    /// There is what the wildcard says to all.
    Wildcard,
    /// It has records of its own.
    Own { texts: Vec<String>, alias: Option<&'a str>, ttl: Duration },
}

impl Looked {
    /// Asks about `domain`.
    pub(super) async fn up(resolver: &Resolver, domain: &str, selectors: &[Selector]) -> Self {
        let mut wanted = wanted(selectors);
        let learned = wanted.iter().take_while(|selector| selector.origin != Origin::Common).count();
        let common = wanted.split_off(learned);
        let (domainkey_name, probe_name) = (domainkey(domain), probe(domain));
        let (domainkey, probe, known) =
            join!(resolver.txt(&domainkey_name), resolver.txt(&probe_name), ask(resolver, domain, wanted),);
        let mut looked = Self {
            domain: domain.to_owned(),
            domainkey,
            is_denied: false,
            probe,
            selectors: known,
            skipped: Vec::new(),
        };
        let is_below = looked.selectors.iter().any(One::is_found);
        let common = match looked.domainkey_exists() {
            // Unless it was seen to be so all the same.
            Some(false) if !is_below => {
                looked.skipped = common;
                Vec::new()
            }
            Some(_) if !looked.is_wildcard_unknown() => ask(resolver, domain, common).await,
            // A server that does not answer is not asked the same a hundred times.
            _ => common.into_iter().map(|selector| One::not_asked(domain, selector)).collect(),
        };
        looked.selectors.extend(common);
        looked.look_for_denial(resolver).await;
        looked.explain(resolver).await;
        looked
    }

    /// Whether selectors were left out that a server which says `_domainkey` does not exist may have all the same.
    pub(super) fn has_skipped(&self) -> bool {
        !self.skipped.is_empty()
    }

    /// Asks for the selectors that were left out. Not every server knows that a name with something below it exists.
    pub(super) async fn ask_skipped(&mut self, resolver: &Resolver) {
        let found = ask(resolver, &self.domain, std::mem::take(&mut self.skipped)).await;
        self.selectors.extend(found);
        self.look_for_denial(resolver).await;
    }

    async fn look_for_denial(&mut self, resolver: &Resolver) {
        if self.domainkey == Answer::NoName && self.selectors.iter().any(One::is_found) {
            self.is_denied = resolver.cname(&self.domainkey_name()).await.is_none();
        }
    }

    /// Whether there is a name `_domainkey`, as far as that could be told.
    pub(super) fn domainkey_exists(&self) -> Option<bool> {
        match &self.domainkey {
            Answer::Found(_) | Answer::NoData => Some(true),
            // A name that is too long to be asked for is none.
            Answer::NoName | Answer::Unknown(Trouble::BadName) => Some(false),
            Answer::Unknown(_) => None,
        }
    }

    fn is_wildcard_unknown(&self) -> bool {
        self.probe.trouble().is_some_and(|trouble| trouble != Trouble::BadName)
    }

    pub(super) fn domainkey_name(&self) -> String {
        domainkey(&self.domain)
    }

    pub(super) fn probe_name(&self) -> String {
        probe(&self.domain)
    }

    pub(super) fn state<'a>(&self, one: &'a One) -> State<'a> {
        match &one.answer {
            None => State::Unknown(None),
            Some(Answer::Unknown(Trouble::BadName) | Answer::NoData | Answer::NoName) => State::Absent,
            Some(Answer::Unknown(trouble)) => State::Unknown(Some(*trouble)),
            Some(answer @ Answer::Found(found)) => {
                let texts = texts(answer);
                if texts == self::texts(&self.probe) {
                    return State::Wildcard;
                }
                // It may be what a wildcard says of all names.
                if self.is_wildcard_unknown() && !texts.iter().any(|text| is_key(text)) {
                    return State::Unknown(None);
                }
                State::Own { texts, alias: found.alias.as_deref(), ttl: found.ttl }
            }
        }
    }

    /// Another selector that is an alias into the same place and has a key: services publish two or three and keep
    /// the key of the next one to themselves until they need it.
    pub(super) fn sibling(&self, one: &One) -> Option<&str> {
        let target = one.target.as_deref()?;
        let is_sibling = |other: &&One| match &other.answer {
            Some(Answer::Found(found)) => {
                found.alias.as_deref().is_some_and(|alias| is_same_service(alias, target))
            }
            _ => false,
        };
        self.selectors.iter().find(is_sibling).map(|other| other.name.as_str())
    }

    /// Asks why selectors have no record that should have one, or that often are aliases.
    async fn explain(&mut self, resolver: &Resolver) {
        let usual = texts(&self.probe);
        let (domain, domainkey_exists) = (&self.domain, self.domainkey_exists() == Some(true));
        let missing = self.selectors.iter().enumerate().filter(|(_, one)| one.is_absent(&usual));
        let asked = missing.filter(|(_, one)| match one.selector.origin {
            Origin::Common => domainkey_exists && common::is_often_alias(&one.selector.name),
            Origin::Report { .. } | Origin::Registry => true,
        });
        let questions: Vec<_> = asked
            .map(|(index, one)| {
                let doubled = one.selector.origin.is_in_use().then(|| format!("{}.{domain}", one.name));
                (index, one.name.clone(), doubled)
            })
            .collect();
        let answers: Vec<_> = stream::iter(questions)
            .map(|(index, name, doubled)| async move {
                let target = resolver.cname(&name).await.records().first().cloned();
                let doubled = match doubled {
                    Some(name) if texts(&resolver.txt(&name).await).iter().any(|text| is_key(text)) => {
                        Some(name)
                    }
                    _ => None,
                };
                (index, target, doubled)
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
        if answers.iter().all(|(_, target, doubled)| target.is_none() && doubled.is_none()) {
            return;
        }
        // A wildcard may be an alias, too, and may answer below the domain's own name.
        let alias = resolver.cname(&self.probe_name()).await;
        let doubled_probe = resolver.txt(&format!("{}.{}", self.probe_name(), self.domain)).await;
        let is_meant = |target: &String| alias.trouble().is_none() && !alias.records().contains(target);
        let is_doubled_meant =
            doubled_probe.trouble().is_none() && !texts(&doubled_probe).iter().any(|text| is_key(text));
        for (index, target, doubled) in answers {
            if let Some(one) = self.selectors.get_mut(index) {
                one.target = target.filter(is_meant);
                one.doubled = doubled.filter(|_| is_doubled_meant);
            }
        }
    }
}

impl One {
    fn not_asked(domain: &str, selector: Selector) -> Self {
        let name = format!("{}.{}", selector.name, domainkey(domain));
        Self { selector, name, answer: None, target: None, doubled: None }
    }

    /// Whether there is a record, be it the wildcard's.
    pub(super) fn is_found(&self) -> bool {
        matches!(self.answer, Some(Answer::Found(_)))
    }

    /// Whether there is no record, or only `usual`, which is said of all names and is no key.
    fn is_absent(&self, usual: &[String]) -> bool {
        match &self.answer {
            Some(answer @ Answer::Found(_)) => {
                let texts = texts(answer);
                texts == usual && !texts.iter().any(|text| is_key(text))
            }
            Some(answer) => answer.is_none(),
            None => false,
        }
    }
}

/// The texts of an answer in an order of their own: servers give records in any.
pub(super) fn texts(answer: &Answer<Text>) -> Vec<String> {
    let mut texts: Vec<_> = answer.records().iter().map(Text::joined).collect();
    texts.sort();
    texts
}

/// Whether two names are of the same operator, as far as names tell.
pub fn is_same_service(one: &str, other: &str) -> bool {
    let ending = |name: &str| name.rsplitn(3, '.').take(2).map(str::to_owned).collect::<Vec<_>>();
    ending(one) == ending(other)
}

async fn ask(resolver: &Resolver, domain: &str, selectors: Vec<Selector>) -> Vec<One> {
    stream::iter(selectors)
        .map(|selector| async move {
            let mut one = One::not_asked(domain, selector);
            one.answer = Some(resolver.txt(&one.name).await);
            one
        })
        .buffered(AT_ONCE)
        .collect()
        .await
}

fn domainkey(domain: &str) -> String {
    format!("_domainkey.{domain}")
}

fn probe(domain: &str) -> String {
    format!("{PROBE}.{}", domainkey(domain))
}

/// A selector that nobody uses. It is always the same, so that a resolver can remember the answer.
const PROBE: &str = "is-there-a-wildcard-7f3a";
/// Questions about one domain at a time: the bound over all domains is the resolver's, and one domain must not use
/// it up.
const AT_ONCE: usize = 16;
