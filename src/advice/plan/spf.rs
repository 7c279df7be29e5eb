//! The SPF record: publish it, repair it, add who is missing, take out who is superfluous.

use super::{
    case::{Case, Draft, text_record},
    dmarc::problems,
    spf_edit::{self, Edited},
};
use crate::{
    advice::{Instruction, RecordType, Sender, StepCode, Wait},
    sources::Category,
};
use ruad_dns::{
    Code, Finding, Mechanism, Severity,
    spf::{self, Record},
};

/// Every step of the SPF record. Those that are open ask for the same new value, which does all of it at once.
pub(super) fn drafts(case: &Case<'_>) -> Vec<Draft> {
    if !case.posture.knows(Mechanism::Spf) || case.is_parked() {
        return Vec::new();
    }
    let Some(text) = case.posture.spf.as_deref() else { return missing(case).into_iter().collect() };
    let repair = repair(case, text);
    let mut drafts: Vec<_> = repair.into_iter().collect();
    let is_broken = !drafts.is_empty();
    let mut edited = Edited::of(text);
    let mut changes = Vec::new();
    for (sender, include) in absent(case) {
        edited.add(format!("include:{include}"));
        let draft = Draft::new(StepCode::AddSpfSender, sender.id.as_str());
        changes.push(draft.with("include", include).with("share", share(sender)));
    }
    for term in case.superfluous() {
        edited.remove(term);
        changes.push(superfluous(case, term));
    }
    for draft in changes {
        let record = text_record(case.posture.domain.clone(), edited.text(), Some(text));
        let draft = draft.doing(record);
        drafts.push(if is_broken { draft.waiting_for(StepCode::RepairSpf, "") } else { draft });
    }
    drafts
}

fn missing(case: &Case<'_>) -> Option<Draft> {
    let several: Vec<_> = case.found(&[spf::SEVERAL_RECORDS]).collect();
    if let Some(finding) = several.first().filter(|finding| finding.evidence.name == case.posture.domain) {
        return Some(merge(case, finding));
    }
    // A text that was meant as the record is repaired with the words of its finding.
    if case.found(&[spf::UNRECOGNIZED_RECORD]).next().is_some() {
        return None;
    }
    let draft = Draft::new(StepCode::PublishSpf, "");
    let senders: Vec<_> = case.legitimate().collect();
    if senders.is_empty() && (case.traffic.window.messages == 0 || !case.is_reported()) {
        return Some(draft.with("unknown", "–").waiting(Wait::Reports));
    }
    let mut terms: Vec<String> = Vec::new();
    let mut unknown: Vec<&str> = Vec::new();
    for sender in senders {
        match sender.setup.spf.first() {
            Some(name) if !terms.iter().any(|term| term.ends_with(&format!(":{name}"))) => {
                terms.push(format!("include:{name}"));
            }
            Some(_) => {}
            None => unknown.push(&sender.name),
        }
    }
    let is_nothing_known = terms.is_empty() && !unknown.is_empty();
    let draft = draft.with("unknown", list(unknown.iter().copied()));
    if is_nothing_known {
        // A record that names nobody would make matters worse than none.
        return Some(draft);
    }
    Some(draft.doing(text_record(case.posture.domain.clone(), Edited::fresh(terms).text(), None)))
}

/// One record out of several.
fn merge(case: &Case<'_>, finding: &Finding) -> Draft {
    let draft = problems(Draft::new(StepCode::RepairSpf, ""), &[finding]).with("costs", "–");
    let Some(all) = &finding.evidence.record else { return draft };
    let mut texts = all.split('\n');
    let Some(first) = texts.next() else { return draft };
    let mut edited = Edited::of(first);
    let domain = &case.posture.domain;
    let mut draft = draft;
    for text in texts {
        edited.merge(&Edited::of(text));
        let (name, value) = (domain.clone(), text.to_owned());
        draft = draft.doing(Instruction::Remove { name, kind: RecordType::Txt, value });
    }
    edited.end_well();
    draft.doing(text_record(domain.clone(), edited.text(), Some(first)))
}

fn repair(case: &Case<'_>, text: &str) -> Option<Draft> {
    let is_own = |finding: &&Finding| finding.evidence.name == case.posture.domain;
    let findings: Vec<_> = case
        .found(&REPAIRED)
        .filter(is_own)
        .filter(|finding| finding.code.severity != Severity::Info)
        .collect();
    if findings.is_empty() {
        return None;
    }
    let mut edited = Edited::of(text);
    // From the end, so that what was split does not move what comes before it.
    let mut ordered = findings.clone();
    ordered.sort_by_key(|finding| std::cmp::Reverse(start(finding)));
    for finding in ordered {
        mend(&mut edited, finding);
    }
    edited.deduplicate();
    if findings.iter().any(|finding| ENDINGS.contains(&finding.code)) {
        edited.end_well();
    }
    let mut costly: Vec<_> = case.posture.entries.iter().filter(|entry| entry.lookups > 0).collect();
    costly.sort_by_key(|entry| std::cmp::Reverse(entry.lookups));
    if findings.iter().any(|finding| finding.code == spf::TOO_MANY_LOOKUPS) {
        let lookups = |edited: &Edited| -> u32 {
            costly.iter().filter(|entry| edited.has(&entry.term)).map(|entry| entry.lookups).sum()
        };
        for term in case.superfluous() {
            if lookups(&edited) > MOST_LOOKUPS {
                edited.remove(term);
            }
        }
    }
    let costs = costly.iter().map(|entry| format!("{} ({})", entry.term, entry.lookups));
    let draft = problems(Draft::new(StepCode::RepairSpf, ""), &findings).with("costs", list(costs));
    let value = edited.text();
    let is_sound = Record::parse(&value).is_some_and(|record| record.faults.is_empty());
    if !is_sound || value == Edited::of(text).text() {
        return Some(draft);
    }
    Some(draft.doing(text_record(case.posture.domain.clone(), value, Some(text))))
}

fn mend(edited: &mut Edited, finding: &Finding) {
    let Some(at) = start(finding) else { return };
    match finding.code {
        spf::PASS_ALL | spf::BARE_ALL | spf::NEUTRAL_ALL => {
            let is_all = edited.at(at).is_some_and(|term| spf_edit::is_all(term));
            if !is_all {
                edited.remove_at(at);
            }
        }
        spf::RUN_TOGETHER => {
            edited.split(at);
            // A second record behind the first.
            edited.remove_where(|term| term.eq_ignore_ascii_case("v=spf1"));
        }
        spf::SYNTAX | spf::MECHANISM_AS_MODIFIER => edited.mend(at),
        spf::PTR
        | spf::TERM_WITHOUT_ADDRESS
        | spf::LOOP
        | spf::INCLUDE_WITHOUT_RECORD
        | spf::REDIRECT_WITHOUT_RECORD
        | spf::REDIRECT_IGNORED => edited.remove_at(at),
        _ => {}
    }
}

/// Services for mailboxes that the record does not name: their mail has the domain itself as its sender, so SPF can pass.
fn absent<'a>(case: &Case<'a>) -> Vec<(&'a Sender, &'a str)> {
    let mut absent: Vec<(&Sender, &str)> = Vec::new();
    for sender in case.legitimate() {
        let is_meant = matches!(
            sender.category,
            Some(Category::Mailbox | Category::SecurityGateway | Category::Signature)
        );
        let passes =
            sender.counts.spf_aligned as f64 >= case.settings.sender_share * sender.counts.messages as f64;
        let Some(name) = sender.setup.spf.first().filter(|_| is_meant && !passes) else { continue };
        let is_there = case.posture.entries.iter().any(|entry| {
            entry.domain.as_deref().is_some_and(|domain| sender.setup.spf.iter().any(|name| name == domain))
        });
        let is_asked = absent.iter().any(|(_, other)| *other == name.as_str());
        // Where the rest of the record is elsewhere, it may be there.
        let redirects = case.spf_record().is_some_and(|record| record.redirect().is_some());
        if !is_there && !is_asked && !redirects && absent.len() < MOST_CHANGES {
            absent.push((sender, name.as_str()));
        }
    }
    absent
}

fn superfluous(case: &Case<'_>, term: &str) -> Draft {
    let last = case.traffic.entries.iter().find(|(entry, _)| entry == term).and_then(|(_, last)| *last);
    let (first, newest) = case.traffic.reported.unwrap_or_default();
    let lookups =
        case.posture.entries.iter().find(|entry| entry.term == term).map_or(0, |entry| entry.lookups);
    let day = |day: u32| crate::health::keys::date(u64::from(day) * ruad_common::time::DAY);
    Draft::new(StepCode::RemoveSpfEntry, term)
        .with("since", day(last.map_or(first, |last| last.saturating_add(1))))
        .with("newest", day(newest))
        .with("days", newest.saturating_sub(last.unwrap_or(first)).to_string())
        .with("lookups", lookups.to_string())
}

fn share(sender: &Sender) -> String {
    let share = sender.counts.spf_aligned as f64 / (sender.counts.messages.max(1)) as f64;
    crate::advice::step::format_percent(share)
}

/// Names, separated by commas; a dash for none.
pub(super) fn list(items: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let mut items = items.into_iter();
    let shown: Vec<_> = items.by_ref().take(MOST_SHOWN).map(|item| item.as_ref().to_owned()).collect();
    match (shown.is_empty(), items.count()) {
        (true, _) => "–".to_owned(),
        (false, 0) => shown.join(", "),
        (false, more) => format!("{}, … (+{more})", shown.join(", ")),
    }
}

fn start(finding: &Finding) -> Option<usize> {
    finding.evidence.position.as_ref().map(|at| at.start)
}

/// What can be put right in the domain's own record.
pub(super) const REPAIRED: [Code; 18] = [
    spf::SYNTAX,
    spf::RUN_TOGETHER,
    spf::MECHANISM_AS_MODIFIER,
    spf::TOO_MANY_LOOKUPS,
    spf::TOO_MANY_VOID_LOOKUPS,
    spf::TOO_MANY_VOID_LOOKUPS_IPV6,
    spf::LOOP,
    spf::INCLUDE_WITHOUT_RECORD,
    spf::REDIRECT_WITHOUT_RECORD,
    spf::PASS_ALL,
    spf::BARE_ALL,
    spf::NEUTRAL_ALL,
    spf::NO_ALL,
    spf::REDIRECT_IGNORED,
    spf::TERMS_AFTER_ALL,
    spf::PTR,
    spf::TERM_WITHOUT_ADDRESS,
    spf::DUPLICATE_TERM,
];
/// After which `all` has to be looked at.
const ENDINGS: [Code; 6] = [
    spf::PASS_ALL,
    spf::BARE_ALL,
    spf::NEUTRAL_ALL,
    spf::NO_ALL,
    spf::TERMS_AFTER_ALL,
    spf::REDIRECT_WITHOUT_RECORD,
];
const MOST_LOOKUPS: u32 = 10;
const MOST_CHANGES: usize = 5;
const MOST_SHOWN: usize = 10;
