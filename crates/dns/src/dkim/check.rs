//! What the answers mean.

use std::time::Duration;

use super::{
    Outcome, Published, REVOKED_KEY,
    codes::*,
    key::Kind,
    look_up::{Looked, One, State, texts},
    record::{self, Content, Record},
    selector::Origin,
};
use crate::{
    Answer, Check, Mechanism, Trouble,
    bounds::{LONGEST_RECORD, clipped},
};

pub(super) struct Examination<'a> {
    domain: &'a str,
    looked: &'a Looked,
    outcome: Outcome,
}

impl<'a> Examination<'a> {
    /// Examines the answers about `domain`.
    pub(super) fn of(domain: &'a str, looked: &'a Looked) -> Outcome {
        let outcome = Outcome {
            check: Check::new(Mechanism::Dkim),
            keys: Vec::new(),
            wildcard: None,
            domainkey_exists: looked.domainkey_exists(),
        };
        let mut examination = Self { domain, looked, outcome };
        examination.domainkey();
        examination.wildcard();
        for one in &looked.selectors {
            examination.selector(one);
        }
        examination.altogether();
        examination.outcome
    }

    /// What stands at `_domainkey` itself.
    fn domainkey(&mut self) {
        let name = self.looked.domainkey_name();
        let probe_name = self.looked.probe_name();
        for (name, answer) in [(&name, &self.looked.domainkey), (&probe_name, &self.looked.probe)] {
            if let Some(trouble) = answer.trouble().filter(|trouble| *trouble != Trouble::BadName) {
                self.outcome.check.unanswered(name, trouble);
            }
        }
        // A wildcard above (`*.domain`) answers for this name as for any other.
        let found = texts(&self.looked.domainkey);
        if found == texts(&self.looked.probe) {
            return;
        }
        for text in found {
            let code = if record::is_key(&text) {
                KEY_WITHOUT_SELECTOR
            } else if record::is_domainkeys_policy(&text) {
                DOMAINKEYS_POLICY
            } else {
                continue;
            };
            let detail = match code {
                KEY_WITHOUT_SELECTOR => format!("A key stands at {name}, where no receiver looks for one."),
                _ => format!("{name} holds a policy of DomainKeys, which DKIM replaced in 2007."),
            };
            self.outcome.check.observe(&name, "TXT", text.as_str());
            self.outcome.check.find(code.at(&name, Some(&text), detail));
        }
    }

    /// What is answered for a selector that nobody set up.
    fn wildcard(&mut self) {
        let fact = "key:*";
        if self.looked.probe.trouble().is_some() {
            self.outcome.check.unknown_fact(fact);
        }
        let Answer::Found(found) = &self.looked.probe else { return };
        let texts = texts(&self.looked.probe);
        let Some(text) = texts.iter().find(|text| record::is_key(text)) else { return };
        let (name, record) = (self.looked.probe_name(), Record::parse(text));
        if let Some(value) = value(&record) {
            self.outcome.check.fact(fact, value);
        }
        self.outcome.check.observe(&name, "TXT", text.as_str());
        // `*._domainkey` with an empty key is how a domain says that nothing is signed: as it should be.
        if !matches!(record.content, Content::Revoked) {
            let detail = format!("Every selector has this key, even {name}, which nobody set up.");
            self.outcome.check.find(WILDCARD_KEY.at(&name, Some(text), detail));
        }
        let published = Published {
            selector: "*".to_owned(),
            origin: Origin::Common,
            name,
            alias: found.alias.clone(),
            text: clipped(text.clone(), LONGEST_RECORD),
            record,
            ttl: found.ttl,
        };
        self.faults(&published);
        self.outcome.wildcard = Some(published);
    }

    fn selector(&mut self, one: &One) {
        let fact = format!("key:{}", one.selector.name);
        match self.looked.state(one) {
            State::Unknown(trouble) => {
                self.outcome.check.unknown_fact(fact);
                if let Some(trouble) = trouble {
                    self.outcome.check.unanswered(&one.name, trouble);
                }
            }
            State::Absent => self.absent(one),
            State::Wildcard if one.selector.origin == Origin::Common => {}
            State::Wildcard => self.through_wildcard(one),
            State::Own { texts, alias, ttl } => self.own(one, &texts, alias, ttl),
        }
    }

    /// A record of the selector's own.
    fn own(&mut self, one: &One, texts: &[String], alias: Option<&str>, ttl: Duration) {
        let name = &one.name;
        for text in texts {
            self.outcome.check.observe(name, "TXT", text.as_str());
        }
        let keys: Vec<_> = texts.iter().filter(|text| record::is_key(text)).collect();
        if texts.len() > 1 {
            let detail = format!(
                "There are {} TXT records at {name}, of which {} look like a key.{}",
                texts.len(),
                keys.len(),
                held_at(alias)
            );
            self.outcome.check.find(SEVERAL_RECORDS.at(name, Some(&texts.join("\n")), detail));
        }
        // Of several, the one that is most likely meant; always the same one.
        let Some(text) = keys.first().copied().or(texts.first()) else { return };
        let published = Published {
            selector: one.selector.name.clone(),
            origin: one.selector.origin,
            name: name.clone(),
            alias: alias.map(str::to_owned),
            text: clipped(text.clone(), LONGEST_RECORD),
            record: Record::parse(text),
            ttl,
        };
        self.faults(&published);
        self.published(one, published);
    }

    /// A selector that has only what the wildcard says.
    fn through_wildcard(&mut self, one: &One) {
        match &self.outcome.wildcard {
            Some(wildcard) => {
                let published = Published {
                    selector: one.selector.name.clone(),
                    origin: one.selector.origin,
                    name: one.name.clone(),
                    ..wildcard.clone()
                };
                self.published(one, published);
            }
            None => self.absent(one),
        }
    }

    fn published(&mut self, one: &One, published: Published) {
        if let Some(value) = value(&published.record) {
            self.outcome.check.fact(format!("key:{}", one.selector.name), value);
        }
        if matches!(published.record.content, Content::Revoked) {
            self.revoked(one, &published);
        }
        self.outcome.keys.push(published);
    }

    fn revoked(&mut self, one: &One, published: &Published) {
        let name = &one.name;
        let (code, why) = match one.selector.origin {
            Origin::Registry => (REVOKED_IN_USE, ", but the selector is configured as one in use".to_owned()),
            origin if origin.is_in_use() => {
                (REVOKED_IN_USE, ", but mail in recent reports is signed with it".into())
            }
            _ => (REVOKED, String::new()),
        };
        let detail = format!("The key of {name} is revoked{why}.{}", held_at(published.alias.as_deref()));
        let at = record::place_of_key(&published.text);
        let mut finding = code.at(name, Some(&published.text), detail);
        finding.evidence.position = at;
        self.outcome.check.find(finding);
    }

    /// A selector without any record: nothing unless somebody says that it is in use.
    fn absent(&mut self, one: &One) {
        let name = &one.name;
        let place = match (&one.target, &one.doubled) {
            (Some(target), _) => format!("{name} is an alias of {target}, where there is no record"),
            (None, Some(doubled)) => format!("there is no record at {name}, but one at {doubled}"),
            (None, None) => format!("there is no record at {name}"),
        };
        match one.selector.origin {
            Origin::Registry => {
                let detail = format!("The selector is configured, but {place}.");
                self.outcome.check.find(SELECTOR_MISSING.at(name, None, detail));
            }
            Origin::Report { passed, .. } if one.selector.origin.is_in_use() => {
                let detail = match passed {
                    true => format!("Recent reports show mail signed with this selector, but {place}."),
                    false => {
                        format!(
                            "Recent reports show mail signed with this selector, none of which verified: {place}."
                        )
                    }
                };
                self.outcome.check.find(REPORTED_SELECTOR_MISSING.at(name, None, detail));
            }
            Origin::Report { .. } | Origin::Common => {}
        }
        if let Some(target) = &one.target {
            let sibling = self.looked.sibling(one);
            let (code, detail) = match sibling {
                Some(sibling) => (
                    STANDBY_ALIAS,
                    format!(
                        "{name} is an alias of {target}, which does not hold a key yet; {sibling} of the same service does."
                    ),
                ),
                None => {
                    (DANGLING_ALIAS, format!("{name} is an alias of {target}, where there is no record."))
                }
            };
            self.outcome.check.find(code.at(name, None, detail));
        }
    }

    fn faults(&mut self, published: &Published) {
        for fault in &published.record.faults {
            let detail = format!("{}{}", fault.detail, held_at(published.alias.as_deref()));
            let mut finding = fault.code.at(&published.name, Some(&published.text), detail);
            finding.evidence.position.clone_from(&fault.position);
            self.outcome.check.find(finding);
        }
    }

    /// What only shows when all keys are known.
    fn altogether(&mut self) {
        if self.looked.is_denied {
            let name = self.looked.domainkey_name();
            let detail =
                format!("{name} is said not to exist (NXDOMAIN), although there are records below it.");
            self.outcome.check.find(DOMAINKEY_NXDOMAIN.at(&name, None, detail));
        }
        let readable: Vec<_> =
            self.outcome.keys.iter().filter(|published| published.key().is_some()).collect();
        let is_ed25519 =
            |published: &&Published| published.key().is_some_and(|key| key.kind == Kind::Ed25519);
        if !readable.is_empty() && readable.iter().all(is_ed25519) {
            let selectors: Vec<_> = readable.iter().map(|published| published.selector.as_str()).collect();
            let detail = format!(
                "All keys that were found in {} are Ed25519 keys: {}.",
                self.domain,
                selectors.join(", ")
            );
            self.outcome.check.find(ONLY_ED25519.at(&self.looked.domainkey_name(), None, detail));
        }
    }
}

/// By which a change of the record is seen; nothing when it holds no key that could be used.
fn value(record: &Record) -> Option<&str> {
    match &record.content {
        Content::Key(key) => Some(&key.fingerprint),
        Content::Revoked => Some(REVOKED_KEY),
        Content::Broken => None,
    }
}

/// Where to change a record that stands elsewhere, as a sentence of its own.
fn held_at(alias: Option<&str>) -> String {
    alias.map_or_else(String::new, |alias| format!(" The record itself stands at {alias} (by CNAME)."))
}
