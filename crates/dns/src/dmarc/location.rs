//! What stands where the record should, and whether the record stands elsewhere.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use super::{
    codes,
    record::{Policy, VERSION},
    walk::{Step, Walk},
};
use crate::{Answer, Check, Resolver, Severity, Text, tags::Tags, versioned::shorten};

/// Looks for records that receivers do not find, and says whether one explains that there is no policy.
pub(super) async fn examine(
    resolver: &Resolver,
    check: &mut Check,
    walk: &Walk,
    apex: &Answer<Text>,
    alias: &Answer<String>,
) -> bool {
    let Some((first, above)) = walk.steps.split_first() else { return false };
    let found_before = check.findings.len();
    let has_policy = walk.governing().is_some();
    several(check, first);
    if !has_policy {
        above.iter().for_each(|step| several(check, step));
    }
    damaged(check, first);
    let domain = first.domain.as_str();
    let mut misplaced: Vec<_> = records(apex).map(|text| (domain.to_owned(), text)).collect();
    if !first.texts.records.is_empty() {
        for (name, text) in misplaced {
            let detail =
                format!("A DMARC record at {name} has no effect; the one at {} counts.", first.name());
            check.find(codes::STRAY_RECORD.at(&name, Some(&text), detail));
        }
        alias_conflict(resolver, check, first, alias).await;
    } else {
        if let Some(trouble) = apex.trouble() {
            check.unanswered(domain, trouble);
        }
        misplaced.extend(elsewhere(resolver, domain).await);
        for (name, text) in misplaced {
            let detail = format!("The record stands at {name}; receivers look for it at {}.", first.name());
            check.find(codes::WRONG_NAME.at(&name, Some(&text), detail));
        }
        if let (Answer::Found(found), None) = (alias, &first.alias)
            && let Some(target) = found.records.first().filter(|_| first.texts.is_empty())
            && !is_wildcard(resolver, domain, target).await
        {
            let detail =
                format!("{} is an alias (CNAME) of {target}, where there is no record.", first.name());
            check.find(codes::DANGLING_ALIAS.at(&first.name(), None, detail));
        }
    }
    unrelated(check, first, has_policy || walk.unanswered.is_some());
    check.findings.iter().skip(found_before).any(|finding| finding.code.severity == Severity::Error)
}

fn several(check: &mut Check, step: &Step) {
    let texts = &step.texts.records;
    if texts.len() > 1 {
        let detail =
            format!("{} has {} DMARC records; receivers then ignore all of them.", step.name(), texts.len());
        check.find(codes::SEVERAL_RECORDS.at(&step.name(), Some(&texts.join("\n")), detail));
    }
}

fn damaged(check: &mut Check, step: &Step) {
    for damaged in &step.texts.damaged {
        let code = if damaged.is_only_indented { codes::LEADING_WHITE_SPACE } else { codes::BAD_VERSION };
        let finding = code.at(&step.name(), Some(&damaged.text), VERSION.complaint(damaged));
        check.find(finding.with_position(damaged.at.clone()));
    }
}

/// Texts beside the record, or in its place.
fn unrelated(check: &mut Check, step: &Step, has_policy: bool) {
    let (texts, name) = (&step.texts, step.name());
    let mut kinds: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    for text in &texts.others {
        let is_policy = Tags::parse(text).find("p").is_some_and(|tag| Policy::named(tag.value).is_some());
        let is_instead = || !has_policy && texts.records.is_empty() && texts.damaged.is_empty();
        let code = match text {
            _ if is_policy => codes::BAD_VERSION,
            text if is_spf(text) && is_instead() => codes::SPF_INSTEAD,
            _ => codes::UNRELATED_TEXT,
        };
        kinds.entry(code).or_default().push(text);
    }
    for (code, texts) in kinds {
        if code == codes::BAD_VERSION {
            for text in texts {
                let detail = format!("`{}` has no `v=DMARC1` before it and so is ignored.", shorten(text));
                check.find(code.at(&name, Some(text), detail).with_position(0..0));
            }
            continue;
        }
        check.find_texts(code, &name, texts, |text| match code {
            codes::SPF_INSTEAD => format!("{name} answers with an SPF record, and there is no DMARC record."),
            _ => format!("`{}` at {name} is no DMARC record.", shorten(text)),
        });
    }
}

/// An alias must be alone at its name (RFC 1034 section 3.6.2): who answers with which record is a matter of luck.
async fn alias_conflict(resolver: &Resolver, check: &mut Check, step: &Step, alias: &Answer<String>) {
    let (None, Some(target)) = (&step.alias, alias.records().first()) else { return };
    let there = resolver.txt(target).await;
    if there.trouble().is_some() || VERSION.sort(there.records()).records == step.texts.records {
        return;
    }
    let name = step.name();
    let detail = format!("{name} has a TXT record of its own and is an alias (CNAME) of {target} as well.");
    check.find(codes::ALIAS_CONFLICT.at(&name, Some(&step.texts.records.join("\n")), detail));
}

/// Whether every name below the domain is an alias of `target`, which then was not meant for DMARC.
async fn is_wildcard(resolver: &Resolver, domain: &str, target: &String) -> bool {
    resolver.cname(&format!("_none.{domain}")).await.records().contains(target)
}

/// Records at names that people or their provider's forms choose by mistake.
async fn elsewhere(resolver: &Resolver, domain: &str) -> Vec<(String, String)> {
    let names = [format!("_dmarc.{domain}.{domain}"), format!("dmarc.{domain}")];
    let answers = join_all(names.iter().map(|name| resolver.txt(name))).await;
    let found = names.iter().zip(&answers);
    found.flat_map(|(name, answer)| records(answer).map(move |text| (name.clone(), text))).collect()
}

fn records(answer: &Answer<Text>) -> impl Iterator<Item = String> {
    VERSION.sort(answer.records()).records.into_iter()
}

fn is_spf(text: &str) -> bool {
    text.trim_start().get(..6).is_some_and(|start| start.eq_ignore_ascii_case("v=spf1"))
}
