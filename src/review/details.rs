use maud::{Markup, html};

use super::{
    Domain,
    overview::{policy, score},
    page::Page,
    words::Words,
};
use crate::{
    advice::Stage,
    svg::{ProgressLine, Words as Spoken},
};

/// The section of one domain.
#[derive(Clone, Copy)]
pub(super) struct Details<'a> {
    pub(super) domain: &'a Domain,
    /// From 1; anchors have it.
    pub(super) number: usize,
    pub(super) page: Page<'a>,
}

impl Details<'_> {
    pub(super) fn section(self) -> Markup {
        let id = format!("domain-{}", self.number);
        let title = self.words().text("volume_title");
        let is_brief = self.domain.mail().messages() == 0;
        html! {
            section.domain.brief[is_brief] aria-labelledby=(id) {
                header {
                    h2 id=(id) { (self.domain.name) }
                    (self.figures())
                }
                (self.progress())
                (self.story())
                (self.certificate())
                @if is_brief {
                    p { (self.words().text("coverage_none")) }
                } @else {
                    (self.page.volume(&format!("volume-{}", self.number), &title, &self.domain.days))
                    p.aside { (self.coverage()) }
                }
                (self.open_steps())
                (self.done_steps())
                (self.senders())
                (self.abuse())
                (self.authors())
                (self.events())
                (self.keys())
            }
        }
    }

    pub(super) fn words(self) -> Words {
        self.page.words
    }

    fn figures(self) -> Markup {
        let words = self.words();
        let mail = self.domain.mail();
        let figures = [
            ("score", score(words, self.domain)),
            ("policy", policy(words, self.domain)),
            ("own", words.share(mail.passed, mail.own())),
            ("forged", words.number(mail.forged)),
        ];
        html! {
            dl.inline {
                @for (name, value) in figures {
                    div { dt { (words.text(&format!("figure_{name}"))) } dd { (value) } }
                }
            }
        }
    }

    fn progress(self) -> Markup {
        let words = self.words();
        let stations = Stage::ALL.map(|stage| words.stage(stage.name()));
        let stations = stations.each_ref().map(String::as_str);
        let Some(state) = self.domain.state() else { return html! {} };
        let at = Stage::ALL.iter().position(|stage| *stage == state.stage);
        let spoken = Spoken {
            id: &format!("progress-{}", self.number),
            title: &words.text("progress_title"),
            description: &words.say(
                "progress_description",
                &[("stage", &words.stage(state.stage.name())), ("share", &words.percent_of(state.progress))],
            ),
        };
        html! {
            div.drawing tabindex="0" role="group" aria-label=(words.text("progress_title")) {
                (ProgressLine { stations: &stations, at }.draw(spoken))
            }
        }
    }

    /// How far it is and how it came there, in sentences.
    fn story(self) -> Markup {
        let words = self.words();
        let Some(state) = self.domain.state() else {
            let key = if self.domain.is_active { "stage_unknown" } else { "stage_inactive" };
            return html! { p { (words.text(key)) } };
        };
        let mut sentences = vec![words.text(&format!("stage_means_{}", state.stage.name()))];
        if state.is_parked {
            sentences.push(words.text("stage_parked"));
        }
        sentences.extend(self.moves());
        let progress = words.percent_of(state.progress);
        let start = self.domain.began.as_ref().or(self.domain.states.first());
        sentences.extend((state.progress < 1.0).then(|| {
            match start.map(|start| words.percent_of(start.progress)) {
                Some(start) if start != progress => {
                    words.say("progress_since", &[("share", &progress), ("before", &start)])
                }
                _ => words.say("progress", &[("share", &progress)]),
            }
        }));
        html! { p { (sentences.join(" ")) } }
    }

    /// The days on which the stage changed.
    fn moves(self) -> Vec<String> {
        let words = self.words();
        let states: Vec<_> = self.domain.began.iter().chain(&self.domain.states).collect();
        let moves = states.windows(2).filter_map(|pair| match pair {
            [before, after] if before.stage != after.stage => {
                let key = if before.stage < after.stage { "moved_on" } else { "moved_back" };
                Some(words.say(
                    key,
                    &[
                        ("date", &words.date(after.day)),
                        ("from", &words.stage(before.stage.name())),
                        ("to", &words.stage(after.stage.name())),
                    ],
                ))
            }
            _ => None,
        });
        moves.take(MOST_MOVES).collect()
    }

    /// What the figures rest on.
    fn coverage(self) -> String {
        let words = self.words();
        let [days, of] = [self.domain.reported_days, self.page.days_so_far()].map(|days| words.number(days));
        let mut text = words.say_count("coverage", self.domain.reporters, &[("days", &days), ("of", &of)]);
        if self.domain.discredited > 0 {
            text += " ";
            text += &words.say_count("discredited", self.domain.discredited, &[]);
        }
        text
    }
}

/// A domain that goes to and fro is told of so many times.
const MOST_MOVES: usize = 4;
