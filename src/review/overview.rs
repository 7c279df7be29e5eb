use maud::{Markup, html};

use super::{Domain, page::Page, words::Words};
use crate::{
    advice::Stage,
    svg::{Words as Spoken, meter, sparkline},
};

impl Page<'_> {
    /// Every domain in a line; `told` are those with a section of their own.
    pub(super) fn overview(self, told: &[&Domain]) -> Markup {
        let words = self.words;
        let domains = &self.review.domains;
        if domains.len() < 2 {
            return html! {};
        }
        let is_long = domains.len() > LONG;
        html! {
            section.overview.long[is_long] aria-labelledby="domains" {
                h2 id="domains" { (words.text("domains_title")) }
                p.aside { (words.text("domains_order")) }
                div.table tabindex="0" role="group" aria-labelledby="domains" {
                    table.domains.long[is_long] {
                        thead {
                            tr {
                                @for name in ["domain", "stage", "policy", "score"] {
                                    th scope="col" { (words.text(&format!("column_{name}"))) }
                                }
                                @for name in ["messages", "passes", "forged", "open"] {
                                    th.number.wide[name == "passes"] scope="col" { (words.text(&format!("column_{name}"))) }
                                }
                            }
                        }
                        tbody {
                            @for (place, domain) in domains.iter().enumerate() {
                                @let section = told.iter().position(|told| told.name == domain.name);
                                (line(words, place, domain, section))
                            }
                        }
                    }
                }
                @if told.len() < domains.len() {
                    p.aside { (words.say_count("domains_told", told.len() as u64, &[])) }
                }
            }
        }
    }
}

fn line(words: Words, place: usize, domain: &Domain, section: Option<usize>) -> Markup {
    let mail = domain.mail();
    let days: Vec<_> = domain.days.iter().map(super::Mail::messages).collect();
    let title = words.text("volume_title");
    let description = words.count("messages", mail.messages());
    let spoken = Spoken { id: &format!("line{place}"), title: &title, description: &description };
    html! {
        tr {
            th scope="row" {
                @match section {
                    Some(number) => a href={ "#domain-" (number + 1) } { (domain.name) },
                    None => (domain.name),
                }
            }
            td { (stage(words, domain)) }
            td { (policy(words, domain)) }
            td.score { (score(words, domain)) }
            td.number {
                (words.number(mail.messages()))
                @if mail.messages() > 0 { (sparkline(&days, spoken)) }
            }
            td.number { (words.share(mail.passed, mail.own())) }
            td.number { (words.number(mail.forged)) }
            td.number { (words.number(domain.open.len() as u64)) }
        }
    }
}

/// The stage in a word, with how much of the way is done.
fn stage(words: Words, domain: &Domain) -> Markup {
    match domain.state() {
        _ if !domain.is_active => html! { span.quiet { (words.text("inactive")) } },
        None => html! { span.quiet { (words.text("unknown")) } },
        Some(state) => html! {
            span class={ "stage " (state.stage.name()) } { (words.stage(state.stage.name())) }
            span.way { (meter(state.progress, level(state.stage))) " " (words.percent_of(state.progress)) }
        },
    }
}

/// The policy in words.
pub(super) fn policy(words: Words, domain: &Domain) -> String {
    domain.state().map_or_else(
        || words.text("unknown"),
        |state| match state.policy.as_str() {
            "none" | "quarantine" | "reject" => words.text(&format!("policy_{}", state.policy)),
            _ => words.text("policy_missing"),
        },
    )
}

/// The score in words: `4.2 of 5`.
pub(super) fn score(words: Words, domain: &Domain) -> String {
    domain
        .state()
        .and_then(|state| state.score)
        .map_or_else(|| "–".to_owned(), |score| words.say("score_of", &[("score", &words.decimal(score))]))
}

/// A table of more lines may go over a page of paper.
const LONG: usize = 15;

/// How good a stage is, as a class.
pub(super) fn level(stage: Stage) -> &'static str {
    match stage {
        Stage::Unprotected => "forged",
        Stage::Monitoring | Stage::Aligning => "failed",
        Stage::Quarantine | Stage::Reject | Stage::Maintained => "passed",
    }
}
