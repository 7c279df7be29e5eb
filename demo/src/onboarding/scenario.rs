//! Which story is played: a domain, who sends in its name, what its owner wants and does, and what befalls them.

use std::ops::Range;

use ruad_registry::{Decision, Goal};

use super::{Entry, Habits, Rhythm, Sender};
use crate::day::Day;

/// A story before it is played.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What it is about.
    pub title: &'static str,
    /// The domain.
    pub domain: &'static str,
    /// What is in its zone on the first day.
    pub zone: Vec<Entry>,
    /// Who sends. The first one writes the mail that forwarders and lists send on.
    pub senders: Vec<Sender>,
    /// How far the owner wants to go.
    pub goal: Goal,
    /// Whether people write mail from it.
    pub people: bool,
    /// Whether the owner says that it sends nothing.
    pub parked: bool,
    /// How the owner does steps.
    pub habits: Habits,
    /// Senders about whom the owner can say whose they are, by what their stored form contains; asked or not, the owner
    /// says it on that day.
    pub happenings: Vec<(i64, Happening)>,
    /// Days on which no report comes.
    pub silence: Range<i64>,
    /// The last day.
    pub days: i64,
    /// The first day in the calendar.
    pub start: Day,
    /// Another seed makes other numbers.
    pub seed: u64,
}

/// Something that happens whatever the plan says.
#[derive(Clone, Debug)]
pub enum Happening {
    /// The owner publishes something.
    Publish(Entry),
    /// The owner deletes every record of this name and type whose text begins so.
    Delete(&'static str, &'static str, &'static str),
    /// The owner says of the sender of that name whether it is one of theirs.
    Decide(&'static str, Decision),
    /// The sender of that name is set up after all.
    Fix(&'static str),
}

impl Scenario {
    /// What the stories are called on the command line.
    pub const NAMES: [&'static str; 8] =
        ["bicycles", "stubborn", "settled", "campaign", "forwarded", "contented", "silence", "parked"];

    /// The story of that name; that of five senders for any other.
    pub fn named(name: &str) -> Self {
        match name {
            "stubborn" => Self::stubborn(),
            "settled" => Self::settled(),
            "campaign" => Self::campaign(),
            "forwarded" => Self::forwarded(Goal::Reject),
            "contented" => Self::forwarded(Goal::Quarantine),
            "silence" => Self::silence(),
            "parked" => Self::parked(),
            _ => Self::bicycles(),
        }
    }

    /// A shop for bicycles with five senders, which has set up nothing but its mailboxes.
    pub fn bicycles() -> Self {
        Self {
            title: "a shop with five senders",
            domain: DOMAIN,
            zone: vec![
                Entry::new(DOMAIN, "A", "192.0.2.130"),
                Entry::new(DOMAIN, "MX", "10 tulip-bikes.mail.protection.outlook.com"),
            ],
            senders: vec![
                Sender::office(120.0),
                Sender::newsletter(1_500.0),
                Sender::helpdesk(45.0),
                Sender::shop(160.0),
                Sender::invoices(25.0),
                Sender::forwarder(6.0),
                Sender::rewriting_forwarder(4.0),
                Sender::forgers(14.0, Rhythm::Daily),
            ],
            goal: Goal::Reject,
            people: true,
            parked: false,
            habits: Habits::default(),
            happenings: Vec::new(),
            silence: 0..0,
            days: 300,
            // 2025-01-06, a Monday: the whole story lies in the past, whenever it is played.
            start: Day::from_number(20_094),
            seed: 1,
        }
    }

    /// A name that was bought to keep others from using it, and that sends nothing.
    pub fn parked() -> Self {
        Self {
            title: "a parked domain",
            zone: vec![Entry::new(DOMAIN, "A", "192.0.2.130")],
            senders: vec![Sender::forgers(9.0, Rhythm::Daily)],
            people: false,
            parked: true,
            days: 120,
            ..Self::bicycles()
        }
    }

    /// A sender that is never set up: nobody has the password any more.
    pub fn stubborn() -> Self {
        let habits = Habits { ignores: vec![("enable_dkim", "moneybird")], ..Habits::default() };
        Self { title: "a sender that never gets fixed", habits, days: 200, ..Self::bicycles() }
    }

    /// The same, until the owner says on day 150 that it is none of theirs any more.
    pub fn settled() -> Self {
        let habits = Habits { ignores: vec![("enable_dkim", "moneybird")], ..Habits::default() };
        let title = "a sender that never gets fixed, until its owner gives it up";
        Self { title, habits, ..Self::bicycles() }
            .when(150, Happening::Decide("Moneybird", Decision::Rejected))
    }

    /// Three weeks of forgeries, many times the domain's own mail.
    pub fn campaign() -> Self {
        Self { title: "an attacker's campaign", ..Self::bicycles() }
            .with(Sender::forgers(2_500.0, Rhythm::Campaign(38, 59)).called("a campaign"))
    }

    /// Much of the mail is sent on, some of it by mailing lists.
    pub fn forwarded(goal: Goal) -> Self {
        let mut scenario = Self { title: "much of the mail is sent on", goal, ..Self::bicycles() };
        scenario.senders.retain(|sender| sender.role != super::Role::Forwarded);
        scenario.with(Sender::forwarder(70.0)).with(Sender::rewriting_forwarder(40.0)).with(Sender::list(9.0))
    }

    /// No report comes for more than a month.
    pub fn silence() -> Self {
        Self { title: "a month without reports", silence: 52..90, ..Self::bicycles() }
    }

    /// The same story with a sender more or less.
    #[must_use]
    pub fn with(mut self, sender: Sender) -> Self {
        self.senders.push(sender);
        self
    }

    /// The same story, in which something happens.
    #[must_use]
    pub fn when(mut self, day: i64, happening: Happening) -> Self {
        self.happenings.push((day, happening));
        self
    }
}

const DOMAIN: &str = "tulip-bikes.example";
