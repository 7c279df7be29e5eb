//! Who sends in a domain's name: senders, forgers, subdomains.

use maud::{Markup, html};

use super::{Sender, details::Details};
use crate::svg::meter;

impl Details<'_> {
    pub(super) fn senders(self) -> Markup {
        let words = self.words();
        let domain = self.domain;
        if domain.senders.is_empty() {
            return html! {};
        }
        let id = format!("senders-{}", self.number);
        let hidden = domain.sender_count.saturating_sub(domain.senders.len() as u64);
        html! {
            h3 id=(id) { (words.text("senders_title")) }
            div.table tabindex="0" role="group" aria-labelledby=(id) {
                table {
                    thead {
                        tr {
                            th scope="col" { (words.text("column_sender")) }
                            th scope="col" { (words.text("column_class")) }
                            th.number scope="col" { (words.text("column_messages")) }
                            th.number scope="col" { (words.text("column_passed")) }
                        }
                    }
                    tbody {
                        @for sender in &domain.senders {
                            tr {
                                th scope="row" {
                                    (sender.name)
                                    @if self.is_new(sender) { " " span.new { (words.text("sender_new")) } }
                                }
                                td { (self.class(&sender.class)) }
                                td.number { (words.number(sender.messages)) }
                                td.number { (words.share(sender.passed, sender.messages)) }
                            }
                        }
                    }
                }
            }
            @if hidden > 0 { p.aside { (words.say_count("senders_hidden", hidden, &[])) } }
        }
    }

    /// A forger that is new is nothing new.
    fn is_new(self, sender: &Sender) -> bool {
        let days = self.page.review.month.days();
        sender.class != "threat" && sender.first_day.is_some_and(|day| days.contains(&day))
    }

    /// A class in words, with the colour it has in the charts.
    fn class(self, class: &str) -> Markup {
        let (name, colour) = match class {
            "aligned" => (class, "passed"),
            "needs_work" => (class, "failed"),
            "forwarder" => (class, "forwarded"),
            "threat" => (class, "forged"),
            _ => ("undecided", "undecided"),
        };
        html! { span.class { i class=(colour) {} (self.words().text(&format!("class_{name}"))) } }
    }

    pub(super) fn abuse(self) -> Markup {
        let words = self.words();
        let mail = self.domain.mail();
        let abuse = &self.domain.abuse;
        if mail.messages() == 0 {
            return html! {};
        }
        html! {
            h3 { (words.text("abuse_title")) }
            p {
                (self.page.forged(&mail))
                @if abuse.addresses > 0 { " " (words.say_count("abuse_addresses", abuse.addresses, &[])) }
            }
            @if mail.forged > 0 {
                div.pair {
                    (self.origins("column_country", &abuse.countries, |code| words.country(code)))
                    (self.origins("column_network", &abuse.networks, |name| match name {
                        "" => words.text("network_unknown"),
                        name => name.to_owned(),
                    }))
                }
            }
        }
    }

    fn origins(self, column: &str, origins: &[(String, u64)], name: impl Fn(&str) -> String) -> Markup {
        let words = self.words();
        let most = origins.iter().map(|(_, messages)| *messages).max().unwrap_or(0);
        html! {
            table.origins {
                thead {
                    tr {
                        th scope="col" { (words.text(column)) }
                        th.number scope="col" { (words.text("column_forged")) }
                    }
                }
                tbody {
                    @for (origin, messages) in origins {
                        tr {
                            th scope="row" { (name(origin)) }
                            td.number {
                                (meter(*messages as f64 / most as f64, "forged"))
                                span.amount { (words.number(*messages)) }
                            }
                        }
                    }
                }
            }
        }
    }

    /// Only when there is more than the domain itself.
    pub(super) fn authors(self) -> Markup {
        let words = self.words();
        let authors = &self.domain.authors;
        if authors.iter().all(|author| author.name == self.domain.name) {
            return html! {};
        }
        html! {
            h3 { (words.text("authors_title")) }
            div.table tabindex="0" role="group" aria-label=(words.text("authors_title")) {
                table.narrow {
                    thead {
                        tr {
                            th scope="col" { (words.text("column_author")) }
                            th.number scope="col" { (words.text("column_messages")) }
                            th.number scope="col" { (words.text("column_passed")) }
                        }
                    }
                    tbody {
                        @for author in authors {
                            tr {
                                th scope="row" { (author.name) }
                                td.number { (words.number(author.messages)) }
                                td.number { (words.share(author.passed, author.messages)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
