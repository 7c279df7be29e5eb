//! The conditions, measured.

use crate::advice::{Class, Gate, Sender, Settings, Traffic};
use ruad_dns::dmarc::Policy;
use ruad_registry::Preferences;

/// Messages of a group of senders, and how many of them are as they should be.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::advice) struct Shares {
    /// All.
    pub(in crate::advice) messages: u64,
    /// Those that are as they should be.
    pub(in crate::advice) good: u64,
}

impl Shares {
    pub(in crate::advice) fn of<'a>(
        senders: impl Iterator<Item = &'a Sender>,
        count: impl Fn(&Sender) -> (u64, u64),
    ) -> Self {
        senders.fold(Self::default(), |sum, sender| {
            let (messages, good) = count(sender);
            Self {
                messages: sum.messages.saturating_add(messages),
                good: sum.good.saturating_add(good.min(messages)),
            }
        })
    }

    /// From 0 to 1; nothing is lost where nothing was sent.
    pub(in crate::advice) fn share(self) -> f64 {
        if self.messages == 0 { 1.0 } else { self.good as f64 / self.messages as f64 }
    }
}

/// Every condition for going from `published`, which is what `p` says now, to `target`.
pub(in crate::advice) fn gates(
    traffic: &Traffic,
    wishes: &Preferences,
    settings: &Settings,
    published: Policy,
    target: Policy,
    today: u32,
) -> Vec<Gate> {
    let grown = traffic.window.is_grown.then_some("window_grown");
    let mut gates = vec![
        at_least(Gate::DAYS, "", f64::from(settings.days_at_policy), days(traffic, published), grown),
        recent(traffic, today),
    ];
    let legitimate = || traffic.senders.iter().filter(|sender| sender.class.is_legitimate());
    let passing = Shares::of(legitimate(), |sender| (sender.counts.messages, sender.counts.passed));
    let nothing = (passing.messages == 0).then_some("nothing_seen");
    let owners = at_least(Gate::LEGITIMATE, "", settings.aligned_share, passing.share(), nothing);
    gates.push(messages(traffic, settings, owners.is_met, today));
    gates.push(owners);
    gates.extend(each_sender(legitimate(), settings));
    gates.extend(undecided(traffic, settings));
    // RFC 9989 section 7.4: what a mailing list sends on passes by its signature, if at all.
    if target == Policy::Reject && wishes.people {
        let signed = Shares::of(legitimate(), |sender| (sender.counts.messages, sender.counts.dkim_aligned));
        gates.push(at_least(Gate::DKIM, "", settings.aligned_share, signed.share(), nothing));
    }
    gates
}

/// Whether the owner's mail from subdomains passes.
pub(in crate::advice) fn subdomain_gate(traffic: &Traffic, settings: &Settings) -> Gate {
    let legitimate = traffic.senders.iter().filter(|sender| sender.class.is_legitimate());
    let shares = Shares::of(legitimate, |sender| (sender.counts.subdomain, sender.counts.subdomain_passed));
    let note = (shares.messages == 0).then_some("nothing_seen");
    at_least(Gate::SUBDOMAINS, "", settings.aligned_share, shares.share(), note)
}

/// Whether reports still arrive: what nobody reported cannot be told from what did not happen.
pub(in crate::advice) fn is_recent(traffic: &Traffic, today: u32) -> bool {
    recent(traffic, today).is_met
}

fn recent(traffic: &Traffic, today: u32) -> Gate {
    // Who sends little is not reported about every week.
    let wanted = if traffic.window.is_grown { RECENT_DAYS_GROWN } else { RECENT_DAYS };
    let found = match traffic.reported {
        Some((_, last)) => today.saturating_sub(last),
        None => NEVER,
    };
    Gate {
        name: Gate::RECENT,
        subject: String::new(),
        wanted: f64::from(wanted),
        found: f64::from(found),
        is_met: found <= wanted,
        note: None,
    }
}

/// Days under the present policy. Where there is little mail, reports do not come every day: then those between count as well.
fn days(traffic: &Traffic, published: Policy) -> f64 {
    let Some(newest) = traffic.policies.first().filter(|days| days.policy == published) else { return 0.0 };
    let span = newest.last.saturating_sub(newest.first).saturating_add(1);
    f64::from(if traffic.window.is_grown { span.max(newest.days) } else { newest.days })
}

fn messages(traffic: &Traffic, settings: &Settings, nothing_fails: bool, today: u32) -> Gate {
    let found = traffic.window.messages;
    let mut gate = at_least(Gate::MESSAGES, "", settings.messages as f64, found as f64, None);
    let reach = traffic.reported.map_or(0, |(first, _)| today.saturating_sub(first).saturating_add(1));
    if !gate.is_met && found > 0 && nothing_fails && reach >= settings.longest_window {
        gate.is_met = true;
        gate.note = Some("longest_window");
    } else if traffic.window.is_grown {
        gate.note = Some("window_grown");
    }
    gate
}

/// Those that fail come first, so that nobody has to look for them.
fn each_sender<'a>(senders: impl Iterator<Item = &'a Sender>, settings: &Settings) -> Vec<Gate> {
    let mut gates: Vec<_> = senders
        .filter(|sender| sender.counts.messages > 0)
        .map(|sender| {
            let shares = Shares { messages: sender.counts.messages, good: sender.counts.passed };
            at_least(Gate::SENDER, &sender.name, settings.sender_share, shares.share(), None)
        })
        .collect();
    gates.sort_by_key(|gate| gate.is_met);
    let failing = gates.iter().take_while(|gate| !gate.is_met).count();
    gates.truncate(MOST_SENDERS.max(failing));
    gates
}

fn undecided(traffic: &Traffic, settings: &Settings) -> Vec<Gate> {
    let undecided = traffic.senders.iter().filter(|sender| sender.class == Class::Undecided);
    let gate = |subject: &str, share: f64| Gate {
        name: Gate::UNDECIDED,
        subject: subject.to_owned(),
        wanted: settings.undecided_share,
        found: share,
        is_met: share <= settings.undecided_share,
        note: None,
    };
    let mut gates: Vec<_> = undecided
        .clone()
        .map(|sender| gate(&sender.name, sender.share))
        .filter(|gate| !gate.is_met)
        .collect();
    if gates.is_empty() {
        let largest = undecided.max_by(|a, b| a.share.total_cmp(&b.share));
        gates.push(gate(
            largest.map_or("", |sender| &sender.name),
            largest.map_or(0.0, |sender| sender.share),
        ));
    }
    gates
}

fn at_least(name: &'static str, subject: &str, wanted: f64, found: f64, note: Option<&'static str>) -> Gate {
    Gate { name, subject: subject.to_owned(), wanted, found, is_met: found >= wanted, note }
}

const RECENT_DAYS: u32 = 7;
const RECENT_DAYS_GROWN: u32 = 31;
/// Shown as the number of days when there was never a report.
pub(super) const NEVER: u32 = 9_999;
const MOST_SENDERS: usize = 20;
