//! What has changed, the keys and the certificate.

use maud::{Markup, html};

use super::{Event, details::Details};
use crate::health::events::SCORE_FELL;

impl Details<'_> {
    pub(super) fn events(self) -> Markup {
        let words = self.words();
        let events = &self.domain.events;
        if events.is_empty() {
            return html! {};
        }
        let hidden = self.domain.event_count.saturating_sub(events.len() as u64);
        html! {
            h3 { (words.text("events_title")) }
            ul.events {
                @for event in events {
                    li class=(severity(event)) {
                        span.when { (words.short_date(event.day)) }
                        div {
                            (self.said(event))
                            (self.change(event))
                        }
                    }
                }
            }
            @if hidden > 0 { p.aside { (words.say_count("events_hidden", hidden, &[])) } }
        }
    }

    /// From what to what, when that says something.
    fn change(self, event: &Event) -> Markup {
        let words = self.words();
        match shown(event) {
            Some([Some(old), Some(new)]) if event.kind == SCORE_FELL.name => {
                // Stored with a point.
                let [old, new] = [old, new].map(|score| {
                    score.parse().map_or_else(|_| score.to_owned(), |score| words.decimal(score))
                });
                html! { " " (old) " → " (new) }
            }
            Some([Some(old), Some(new)]) if old.len() + new.len() < SHORT => {
                html! { " " code { (old) } " → " code { (new) } }
            }
            Some(states) => html! {
                p.change {
                    @for (key, state) in ["event_old", "event_new"].into_iter().zip(states) {
                        @if let Some(state) = state { span { (words.text(key)) " " code { (state) } } }
                    }
                }
            },
            None => html! {},
        }
    }

    /// What happened in the language of the document; as it was stored when its texts do not know the kind.
    fn said(self, event: &Event) -> Markup {
        let words = self.words();
        match words.find(&format!("event.{}", event.kind)) {
            Some(text) => html! { (text) @if !event.subject.is_empty() { " " code { (event.subject) } } },
            None => html! { (event.text) },
        }
    }

    pub(super) fn keys(self) -> Markup {
        let words = self.words();
        let keys = &self.domain.keys;
        if keys.is_empty() {
            return html! {};
        }
        let last = self.page.review.made_on.min(self.page.review.month.days().end.saturating_sub(1));
        html! {
            h3 { (words.text("keys_title")) }
            div.table tabindex="0" role="group" aria-label=(words.text("keys_title")) {
                table.narrow {
                    thead {
                        tr {
                            th scope="col" { (words.text("column_selector")) }
                            th scope="col" { (words.text("column_kind")) }
                            th scope="col" { (words.text("column_since")) }
                            th.number scope="col" { (words.text("column_age")) }
                            th scope="col" { (words.text("column_used")) }
                        }
                    }
                    tbody {
                        @for key in keys {
                            tr {
                                th scope="row" { code { (key.selector) } }
                                td {
                                    (key.kind.to_uppercase())
                                    @if key.bits > 0 { " " (key.bits) }
                                }
                                td { (words.date(key.first_day)) }
                                td.number { (words.count("days", u64::from(last.saturating_sub(key.first_day)))) }
                                td {
                                    @match key.used_on {
                                        Some(day) => (words.date(day)),
                                        None => span.quiet { (words.text("key_unused")) },
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    pub(super) fn certificate(self) -> Markup {
        let words = self.words();
        let Some(certificate) = &self.domain.certificate else { return html! {} };
        let is_perfect = self.domain.state().is_some_and(|state| state.is_perfect);
        let key = if is_perfect { "certificate_holds" } else { "certificate_lost" };
        html! {
            p.certificate.lost[!is_perfect] {
                (words.say(key, &[
                    ("serial", &certificate.serial),
                    ("date", &words.date(certificate.issued_on)),
                ]))
            }
        }
    }
}

fn severity(event: &Event) -> &'static str {
    match event.severity.as_str() {
        "error" => "error",
        "warning" => "warning",
        _ => "info",
    }
}

/// Old and new state when they say something: short ones, and not of keys, which mean nothing to a reader.
fn shown(event: &Event) -> Option<[Option<&str>; 2]> {
    let is_told = event.kind.starts_with("dmarc.")
        || event.kind.starts_with("spf.record")
        || matches!(event.kind.as_str(), "score.fell" | "mx.changed" | "ns.changed" | "mta_sts.mode_changed");
    let states =
        [&event.old, &event.new].map(|state| state.as_deref().filter(|state| state.len() <= LONGEST));
    (is_told && states.iter().any(Option::is_some)).then_some(states)
}

const LONGEST: usize = 450;
/// Up to so many bytes old and new stand in one line.
const SHORT: usize = 50;
