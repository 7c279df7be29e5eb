use maud::{Markup, html};

use super::{Mail, page::Page};

impl Page<'_> {
    /// The month in a few sentences and four numbers, and how it went day by day.
    pub(super) fn summary(self) -> Markup {
        let mail = self.mail();
        let title = self.words.text("volume_title");
        html! {
            section.summary aria-labelledby="summary" {
                h2 id="summary" { (self.words.text("summary_title")) }
                (self.lead(&mail))
                @if mail.messages() > 0 {
                    (self.figures(&mail))
                    @if self.review.domains.len() > 1 {
                        (self.volume("all", &title, &self.days()))
                    }
                }
            }
        }
    }

    fn lead(self, mail: &Mail) -> Markup {
        let words = self.words;
        let month = words.month(self.review.month);
        let domains = words.count("domains", self.review.domains.len() as u64);
        if mail.messages() == 0 {
            return html! { p.lead { (words.say("lead_none", &[("month", &month), ("domains", &domains)])) } };
        }
        let values = [("month", month.as_str()), ("domains", &domains)];
        let mut first = words.say_count("lead_mail", mail.messages(), &values);
        let before = self.review.domains.iter().fold(Mail::default(), |sum, domain| sum.plus(&domain.before));
        if before.messages() > 0 {
            let month = words.month(self.review.month.before());
            first += " ";
            first += &words.say_count("lead_before", before.messages(), &[("month", &month)]);
        }
        html! {
            p.lead { (first) }
            ul.facts {
                li.passed { (words.say_count("lead_passed", mail.passed, &[])) }
                @if mail.failed > 0 {
                    li.failed {
                        (words.say_count("lead_failed", mail.failed, &[]))
                        @if mail.failed_stopped > 0 { " " (words.say_count("lead_failed_stopped", mail.failed_stopped, &[])) }
                    }
                }
                li.forged { (self.forged(mail)) }
                @if mail.undecided > 0 { li.undecided { (words.say_count("lead_undecided", mail.undecided, &[])) } }
                @if mail.forwarded > 0 { li.forwarded { (words.say_count("lead_forwarded", mail.forwarded, &[])) } }
            }
        }
    }

    /// How much was forged, and what became of it.
    pub(super) fn forged(self, mail: &Mail) -> String {
        let words = self.words;
        if mail.forged == 0 {
            return words.text("lead_not_forged");
        }
        let fate = words.say(
            "forged_fate",
            &[
                ("rejected", &words.number(mail.forged_rejected)),
                ("quarantined", &words.number(mail.forged_quarantined)),
                ("delivered", &words.number(mail.forged_delivered())),
            ],
        );
        format!("{} {fate}", words.say_count("lead_forged", mail.forged, &[]))
    }

    fn figures(self, mail: &Mail) -> Markup {
        let words = self.words;
        let open: usize = self.review.domains.iter().map(|domain| domain.open.len()).sum();
        let figures = [
            ("messages", words.number(mail.messages())),
            ("own", words.share(mail.passed, mail.own())),
            ("forged", words.number(mail.forged)),
            ("open", words.number(open as u64)),
        ];
        html! {
            dl.figures {
                @for (name, number) in figures {
                    div {
                        dt { (words.text(&format!("figure_{name}"))) }
                        dd { (number) }
                    }
                }
            }
        }
    }

    /// Mail of all domains by day.
    fn days(self) -> Vec<Mail> {
        let mut days = vec![Mail::default(); self.review.month.days().len()];
        for domain in &self.review.domains {
            for (sum, day) in days.iter_mut().zip(&domain.days) {
                *sum = sum.plus(day);
            }
        }
        days
    }
}
