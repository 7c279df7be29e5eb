//! What a sender is held for: pure rules over what reports tell, the first that fits decides.
//!
//! To take mail of the owner for forged is the error that does harm, so a threat must fail everything, be nobody's, and
//! come from many places or at once, unless the owner sends nothing at all. Whatever is left over is undecided.

mod evidence;
mod rules;

pub use evidence::{Evidence, Surroundings};
pub use rules::*;

use super::{Class, Rule};
use crate::sources::Category;
use ruad_registry::Decision;

/// The class of a sender, and the rule that gave it.
pub fn classify(sender: &Evidence, around: &Surroundings) -> (Class, Rule) {
    let decided = sender.decision.map(|decision| match decision {
        Decision::Approved if sender.passes(around) => (Class::Aligned, OWNER_APPROVED),
        Decision::Approved => (Class::NeedsWork, OWNER_APPROVED),
        Decision::Rejected => (Class::Threat, OWNER_REJECTED),
    });
    decided
        .or_else(|| aligned(sender, around).map(|rule| (Class::Aligned, rule)))
        .or_else(|| forwarder(sender).map(|rule| (Class::Forwarder, rule)))
        .or_else(|| needs_work(sender).map(|rule| (Class::NeedsWork, rule)))
        .or_else(|| threat(sender, around).map(|rule| (Class::Threat, rule)))
        .unwrap_or_else(|| (Class::Undecided, undecided(sender)))
}

fn aligned(sender: &Evidence, around: &Surroundings) -> Option<Rule> {
    // What only ever passes on its way through somebody else's hands is a forwarder's, however well it passes.
    let is_relayed = sender.is_catalogued_forwarder() || sender.survives_forwarding();
    (sender.passes(around) && !is_relayed).then_some(PASSES)
}

fn forwarder(sender: &Evidence) -> Option<Rule> {
    if sender.is_used {
        return None;
    }
    if sender.is_catalogued_forwarder() {
        return Some(KNOWN_FORWARDER);
    }
    // A filter that the domain does not name in its SPF record is its recipients'.
    if sender.category == Some(Category::SecurityGateway) && !sender.is_in_spf {
        return Some(RECIPIENT_SIDE_FILTER);
    }
    let is_marked = sender.counts.forwarded >= sender.counts.messages.div_ceil(MARKED_PART);
    if is_marked && sender.counts.spf_aligned == 0 && !sender.is_in_spf && sender.own_names == 0 {
        return Some(FORWARD_MARKS);
    }
    (sender.survives_forwarding() || sender.survives_lately()).then_some(DKIM_SURVIVES)
}

fn needs_work(sender: &Evidence) -> Option<Rule> {
    if sender.own_names > 0 {
        return Some(OWN_NAME);
    }
    if sender.is_used {
        return Some(USED_SERVICE);
    }
    if sender.is_in_spf {
        return Some(IN_SPF);
    }
    // Nobody can make a forgery pass, but a receiver can be wrong about a message or two.
    if !sender.is_others && sender.pass_share() >= PARTLY {
        return Some(PARTLY_PASSES);
    }
    let is_known = match sender.category.filter(|_| sender.is_service) {
        None | Some(Category::Social) => false,
        // Everybody has an account at a provider of mailboxes: only one that matters is taken for the owner's.
        Some(Category::Mailbox) => sender.share >= MAIN_SHARE && sender.active_days >= STEADY_DAYS,
        Some(_) => sender.active_days >= STEADY_DAYS,
    };
    is_known.then_some(KNOWN_SENDER)
}

fn threat(sender: &Evidence, around: &Surroundings) -> Option<Rule> {
    if around.sends_nothing && sender.is_strange() {
        return Some(NOTHING_SENT);
    }
    if around.drizzle >= DOZENS && sender.is_drizzle() {
        return Some(LOW_VOLUME_SCATTER);
    }
    if !sender.is_suspect() {
        return None;
    }
    if sender.is_others || (sender.addresses >= MANY_ADDRESSES && sender.is_thin()) {
        return Some(SCATTERED);
    }
    if around.crowd >= CROWD && sender.is_thin() {
        return Some(ONE_OF_MANY);
    }
    let is_over = sender.last_day + QUIET_DAYS <= around.today;
    (sender.addresses >= BURST_ADDRESSES && sender.span() < BURST_DAYS && is_over).then_some(BURST)
}

fn undecided(sender: &Evidence) -> Rule {
    if sender.counts.passed > 0 {
        RARELY_PASSES
    } else if sender.is_service {
        SHARED_SERVICE
    } else if sender.is_steady() {
        STEADY
    } else if sender.category == Some(Category::University) || sender.has_mail_servers() {
        MAIL_SERVER
    } else {
        NOTHING_KNOWN
    }
}

#[cfg(test)]
mod tests;
