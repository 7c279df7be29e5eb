//! DKIM keys: replace, rotate, take away.

use super::case::{Case, Draft};
use crate::{
    advice::{Instruction, RecordType, StepCode, Wait},
    health::{keys::date, posture::Key},
};
use ruad_common::time::DAY;
use ruad_dns::{Mechanism, dkim};

pub(super) fn drafts(case: &Case<'_>) -> Vec<Draft> {
    if !case.posture.knows(Mechanism::Dkim) || case.is_parked() {
        return Vec::new();
    }
    let keys = case.posture.keys.iter().filter(|key| !case.posture.unknown_selectors.contains(&key.selector));
    keys.flat_map(|key| about(case, key)).collect()
}

/// Why a key has to go.
pub(super) fn reason(case: &Case<'_>, key: &Key) -> Option<StepCode> {
    let name = name(case, key);
    let is_found = |codes: &[_]| case.found(codes).any(|finding| finding.evidence.name == name);
    let is_weak = key.fingerprint.is_some() && key.kind == dkim::Kind::Rsa && key.bits < ENOUGH_BITS;
    if is_superfluous(case, key) {
        Some(StepCode::RemoveKey)
    } else if is_weak {
        Some(StepCode::ReplaceKey)
    } else if key.fingerprint.is_some() && is_found(&[dkim::KEY_OLD, dkim::KEY_AGING]) {
        Some(StepCode::RotateKey)
    } else {
        None
    }
}

/// Nobody signs with it, or nobody can: a key that is revoked, or that no report has shown for a long time.
fn is_superfluous(case: &Case<'_>, key: &Key) -> bool {
    let name = name(case, key);
    let is_found = |codes: &[_]| case.found(codes).any(|finding| finding.evidence.name == name);
    // What reports say now is newer than a finding.
    let is_quiet = case.quiet_days(&key.selector).is_none_or(|days| days > QUIET_DAYS);
    is_found(&[dkim::REVOKED]) || (is_found(&[dkim::KEY_UNUSED]) && is_quiet && case.is_reported())
}

fn about(case: &Case<'_>, key: &Key) -> Vec<Draft> {
    match reason(case, key) {
        Some(StepCode::RemoveKey) => {
            let used = case.quiet_days(&key.selector).map_or("–".to_owned(), |days| days.to_string());
            vec![removal(case, key).with("successor", "–").with("quiet", used)]
        }
        Some(code) => replacement(case, key, code),
        None => Vec::new(),
    }
}

/// Two selectors for a while: the new key is published, mail is signed with it, and then the old one goes.
fn replacement(case: &Case<'_>, old: &Key, code: StepCode) -> Vec<Draft> {
    let age = old.age_days.map_or("–".to_owned(), |days| days.to_string());
    let first = Draft::new(code, old.selector.as_str()).with("age", age).with("bits", old.bits.to_string());
    if let Some(alias) = &old.alias {
        // The service keeps the key, and replaces it where it is.
        let setting = Instruction::Setting { service: String::new(), hint: None, link: None };
        let mut draft = first.with("alias", alias.as_str()).with("new", "–").doing(setting);
        draft.is_senders = true;
        return vec![draft];
    }
    let new = new_selector(case, old, code);
    let first = first.with("alias", "–").with("new", new.as_str());
    let switch = |name: &str| Draft::new(StepCode::SwitchKey, old.selector.as_str()).with("new", name);
    let removal = |name: &str| {
        let quiet = case.quiet_days(&old.selector).map_or("–".to_owned(), |days| days.to_string());
        removal(case, old).with("successor", name).with("quiet", quiet)
    };
    let Some(successor) = successor(case, old, code) else {
        let command = format!("ruad dkim new {} --selector {new}", case.posture.domain);
        return vec![
            first.doing(Instruction::Run { command }),
            switch(&new).waiting_for(code, &old.selector),
            removal(&new).waiting_for(StepCode::SwitchKey, &old.selector),
        ];
    };
    let name = successor.selector.as_str();
    if case.quiet_days(name).is_none() {
        return vec![switch(name), removal(name).waiting_for(StepCode::SwitchKey, &old.selector)];
    }
    // Mail that was signed with the old key is on its way for some days.
    let last =
        case.traffic.selectors.iter().find(|(selector, _)| *selector == old.selector).map(|(_, last)| *last);
    let until = last.map(|last| u64::from(last.saturating_add(QUIET_DAYS + 1)) * DAY);
    let is_quiet = case.quiet_days(&old.selector).is_none_or(|days| days > QUIET_DAYS);
    let removal = removal(name);
    if is_quiet && case.is_reported() {
        return vec![removal];
    }
    let at = until.unwrap_or(case.now).max(case.now + DAY);
    vec![removal.waiting(Wait::Until { at })]
}

/// A key that was published after it was said that `old` has to go.
pub(super) fn successor<'a>(case: &Case<'a>, old: &Key, code: StepCode) -> Option<&'a Key> {
    let remembered = case.remembered(code, &old.selector)?;
    let days = case.now.saturating_sub(remembered.opened_at) / DAY;
    case.posture.keys.iter().find(|key| {
        let is_young = key.age_days.is_some_and(|age| u64::from(age) <= days);
        let is_strong =
            key.fingerprint.is_some() && (key.kind == dkim::Kind::Ed25519 || key.bits >= ENOUGH_BITS);
        key.selector != old.selector && key.alias.is_none() && is_young && is_strong
    })
}

fn removal(case: &Case<'_>, key: &Key) -> Draft {
    let (kind, value) = match &key.alias {
        Some(alias) => (RecordType::Cname, alias.clone()),
        None => (RecordType::Txt, key.text.clone()),
    };
    let remove = Instruction::Remove { name: name(case, key), kind, value };
    Draft::new(StepCode::RemoveKey, key.selector.as_str()).doing(remove)
}

/// The month in its name tells its age; the one that is proposed stays the same while the step is open.
fn new_selector(case: &Case<'_>, old: &Key, code: StepCode) -> String {
    let day = date(case.opened_at(code, &old.selector));
    let month: String = day.chars().filter(char::is_ascii_digit).take(6).collect();
    let is_free = |name: &String| case.posture.keys.iter().all(|key| key.selector != *name);
    let mut names = ["", "b", "c", "d"].iter().map(|end| format!("ruad{month}{end}"));
    names.find(is_free).unwrap_or_else(|| format!("ruad{month}e"))
}

pub(super) fn name(case: &Case<'_>, key: &Key) -> String {
    format!("{}._domainkey.{}", key.selector, case.posture.domain)
}

const ENOUGH_BITS: u32 = 2_048;
/// How long mail that was signed is on its way, at most.
const QUIET_DAYS: u32 = crate::signing::KEEP_DAYS;
