//! What reports take off the score: a perfect record whose senders fail is no 5.

use super::{
    Class, Settings, Traffic,
    readiness::{Shares, is_recent},
};
use crate::health::posture::Posture;
use ruad_dns::profile::Score;

/// Points that what reports tell costs.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Its stable name.
    pub name: &'static str,
    /// Tenths of a point.
    pub tenths: u16,
    /// When it is due, in words.
    pub when: &'static str,
}

/// Everything that reports can cost; of the first three only the worst.
pub const COSTS: [Cost; 6] = [
    Cost { name: "most_fail", tenths: 20, when: "less than 80 % of the owner's mail passes" },
    Cost {
        name: "many_fail",
        tenths: 10,
        when: "less than `sender_share` (95 %) of the owner's mail passes",
    },
    Cost {
        name: "some_fail",
        tenths: 5,
        when: "less than `aligned_share` (98 %) of the owner's mail passes",
    },
    Cost {
        name: "sender_fails",
        tenths: 3,
        when: "less than `sender_share` (95 %) of the mail of one of the owner's senders passes",
    },
    Cost {
        name: "undecided",
        tenths: 2,
        when: "more than `undecided_share` (1 %) of all mail is from one sender about whom nothing is decided. Not for a \
               domain that sends no mail: all of it is refused",
    },
    Cost {
        name: "no_reports",
        tenths: 5,
        when: "reports have stopped coming, or have never come: nothing is shown to work. Not for a domain that sends no mail",
    },
];

/// What is left of the points by the findings; none when these could not be told.
pub(super) fn score(
    posture: &Posture,
    traffic: &Traffic,
    settings: &Settings,
    is_parked: bool,
    today: u32,
) -> Option<Score> {
    let lost = costs(traffic, settings, is_parked, today).into_iter().map(|cost| cost.tenths).sum();
    posture.score.map(|score| score.less(lost))
}

/// What is due.
fn costs(traffic: &Traffic, settings: &Settings, is_parked: bool, today: u32) -> Vec<Cost> {
    let legitimate = || traffic.senders.iter().filter(|sender| sender.class.is_legitimate());
    let passing = Shares::of(legitimate(), |sender| (sender.counts.messages, sender.counts.passed)).share();
    let fails = |sender: &super::Sender| {
        Shares { messages: sender.counts.messages, good: sender.counts.passed }.share()
            < settings.sender_share
    };
    let is_undecided =
        |sender: &super::Sender| sender.class == Class::Undecided && sender.share > settings.undecided_share;
    let due = |cost: &Cost| match cost.name {
        "most_fail" => passing < MOST,
        "many_fail" => (MOST..settings.sender_share).contains(&passing),
        "some_fail" => (settings.sender_share.max(MOST)..settings.aligned_share).contains(&passing),
        "sender_fails" => legitimate().any(fails),
        "undecided" => !is_parked && traffic.senders.iter().any(is_undecided),
        _ => !is_parked && !is_recent(traffic, today),
    };
    COSTS.into_iter().filter(due).collect()
}

const MOST: f64 = 0.80;
