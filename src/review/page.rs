use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Domain, Mail, Review, details::Details, words::Words};
use ruad_common::{text::visible_document, texts::Language};

/// A review while it is written down.
#[derive(Clone, Copy)]
pub(super) struct Page<'a> {
    pub(super) review: &'a Review,
    pub(super) words: Words,
}

impl Review {
    /// The document in a language.
    pub fn html(&self, language: Language) -> String {
        visible_document(Page { review: self, words: Words { language } }.document().into_string())
    }
}

impl<'a> Page<'a> {
    fn document(self) -> Markup {
        let words = self.words;
        let month = words.month(self.review.month);
        let title = words.say("page_title", &[("title", &self.review.title), ("month", &month)]);
        let told = self.told();
        html! {
            (DOCTYPE)
            html lang=(words.language.code()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="robots" content="noindex";
                    meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                    title { (title) }
                    style { (PreEscaped(STYLE)) (PreEscaped(self.margins(&month))) }
                }
                body {
                    (PATTERNS)
                    main {
                        (self.cover(&month))
                        (self.summary())
                        (self.overview(&told))
                        @for (number, domain) in told.iter().enumerate() {
                            (Details { domain, number: number + 1, page: self }.section())
                        }
                        (self.terms())
                        (self.notes())
                    }
                }
            }
        }
    }

    fn cover(self, month: &str) -> Markup {
        let words = self.words;
        let made_on = words.date(self.review.made_on);
        html! {
            header.cover {
                p.kicker { (words.text("kicker")) }
                h1 { (self.review.title) }
                p.month { (month) }
                p.made {
                    @match &self.review.made_by {
                        Some(by) => (words.say("made_by", &[("date", &made_on), ("by", by)])),
                        None => (words.say("made", &[("date", &made_on)])),
                    }
                    @if self.review.made_on < self.review.month.days().end {
                        " " (words.say("so_far", &[("date", &made_on)]))
                    }
                }
            }
        }
    }

    /// What stands at the foot of each printed page.
    fn margins(self, month: &str) -> String {
        let title = css_string(&format!("{} · {month}", self.review.title));
        format!("@page{{@bottom-left{{content:{title}}}}}")
    }

    /// The domains that get a section: of few all of which something is known, of many those that have something to say.
    fn told(self) -> Vec<&'a Domain> {
        let domains = &self.review.domains;
        let is_few = domains.len() <= FEW;
        let is_told = |domain: &&Domain| {
            if is_few { !domain.is_blank() || !domain.open.is_empty() } else { domain.is_worth_telling() }
        };
        domains.iter().filter(is_told).take(MOST_TOLD).collect()
    }

    /// The mail of all domains.
    pub(super) fn mail(self) -> Mail {
        self.review.domains.iter().fold(Mail::default(), |sum, domain| sum.plus(&domain.mail()))
    }

    /// The days of the month that are over or have begun.
    pub(super) fn days_so_far(self) -> u64 {
        let days = self.review.month.days();
        u64::from(days.end.min(self.review.made_on.saturating_add(1)).saturating_sub(days.start))
    }
}

/// A text as a string of CSS. Everything that might end it, or the style sheet, is written by its number.
fn css_string(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            'a'..='z' | 'A'..='Z' | '0'..='9' | ' ' => out.push(letter),
            _ => out += &format!("\\{:x} ", u32::from(letter)),
        }
    }
    out.push('"');
    out
}

const STYLE: &str = include_str!("page/style.css");

/// Up to so many domains are all described.
const FEW: usize = 8;
/// And never more than so many; the table has them all.
const MOST_TOLD: usize = 40;

/// The hatching of what was forwarded: on paper without colours it must not look like anything else.
const PATTERNS: PreEscaped<&str> = PreEscaped(
    "<svg class=\"hidden\" width=\"0\" height=\"0\" aria-hidden=\"true\"><defs><pattern id=\"hatch\" width=\"5\" height=\"5\" \
     patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><rect class=\"hatch-ground\" width=\"5\" height=\"5\"/>\
     <rect class=\"hatch-line\" width=\"2.2\" height=\"5\"/></pattern></defs></svg>",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_title_ends_the_style_sheet() {
        let text = css_string("A\"}</style><script>\\ b\n");
        assert!(!text.contains('<') && !text.contains('\n') && !text.contains("\"}"), "{text}");
        assert_eq!(css_string("A 1"), "\"A 1\"");
    }
}
