use maud::{Markup, html};

use super::{Mail, page::Page};
use crate::svg::{Series, StackedBars, Words as Spoken};

/// The parts of a day's mail from the ground upwards: their class, their name and their messages.
const PARTS: [Part; 5] = [
    Part { class: "passed", of: |mail| mail.passed },
    Part { class: "forwarded", of: |mail| mail.forwarded },
    Part { class: "undecided", of: |mail| mail.undecided },
    Part { class: "failed", of: |mail| mail.failed },
    Part { class: "forged", of: |mail| mail.forged },
];

struct Part {
    class: &'static str,
    of: fn(&Mail) -> u64,
}

impl Page<'_> {
    /// Mail by day of the month, with a legend.
    pub(super) fn volume(self, id: &str, title: &str, days: &[Mail]) -> Markup {
        let words = self.words;
        let sum = days.iter().fold(Mail::default(), |sum, day| sum.plus(day));
        let parts: Vec<_> = PARTS
            .iter()
            .map(|Part { class, of }| (*class, days.iter().map(of).collect::<Vec<_>>(), of(&sum)))
            .filter(|(_, _, sum)| *sum > 0)
            .collect();
        let series: Vec<_> = parts.iter().map(|(class, values, _)| Series { class, values }).collect();
        let labels: Vec<_> = (1..=days.len())
            .map(|day| if day == 1 || day.is_multiple_of(5) { day.to_string() } else { String::new() })
            .collect();
        let number = |number| words.number(number);
        let mut description = words.say(
            "volume_all",
            &[
                ("month", &words.month(self.review.month)),
                ("messages", &words.count("messages", sum.messages())),
            ],
        );
        for (class, _, sum) in &parts {
            description += &format!(" {}: {}.", words.text(&format!("part_{class}")), words.number(*sum));
        }
        let chart = StackedBars { labels: &labels, series: &series, number: &number };
        html! {
            figure {
                figcaption {
                    span.caption { (title) }
                    span.legend {
                        @for (class, _, sum) in &parts {
                            span.key { i class=(class) {} (words.text(&format!("part_{class}"))) " " b { (words.number(*sum)) } }
                        }
                    }
                }
                div.drawing tabindex="0" role="group" aria-label=(title) {
                    (chart.draw(Spoken { id, title, description: &description }))
                }
            }
        }
    }
}
