use maud::{Markup, html};

use super::page::Page;

impl Page<'_> {
    /// The words a reader meets in the document.
    pub(super) fn terms(self) -> Markup {
        let words = self.words;
        html! {
            section.terms aria-labelledby="terms" {
                h2 id="terms" { (words.text("terms_title")) }
                dl {
                    @for term in TERMS {
                        div {
                            dt { (words.text(&format!("term_{term}"))) }
                            dd { (words.text(&format!("term_{term}_means"))) }
                        }
                    }
                }
            }
        }
    }

    /// What the figures cannot tell.
    pub(super) fn notes(self) -> Markup {
        let words = self.words;
        let made_on = words.date(self.review.made_on);
        html! {
            section.notes aria-labelledby="notes" {
                h2 id="notes" { (words.text("notes_title")) }
                ul {
                    @for note in NOTES {
                        li { (words.say(&format!("note_{note}"), &[("date", &made_on)])) }
                    }
                }
            }
        }
    }
}

const TERMS: [&str; 9] = ["dmarc", "spf", "dkim", "policy", "proven", "forged", "forwarded", "score", "dns"];
const NOTES: [&str; 5] = ["reporters", "delivered", "judged", "days", "content"];
