use super::rules::{CAME_BACK_DAYS, FEW_ADDRESSES, SMALL_SHARE, STEADY_DAYS, THIN};
use crate::{
    advice::{Counts, Decision},
    sources::Category,
};

/// What is known of a sender.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// What the owner said.
    pub decision: Option<Decision>,
    /// Whether it is a known service, and not only a network.
    pub is_service: bool,
    /// Whether it is everybody who was not worth a line of their own.
    pub is_others: bool,
    /// What the service does, or what the network is for.
    pub category: Option<Category>,
    /// Whether the domain's records name the service.
    pub is_used: bool,
    /// Whether the domain's SPF record allows an address of it.
    pub is_in_spf: bool,
    /// Its messages in the window.
    pub counts: Counts,
    /// Its part of the domain's messages.
    pub share: f64,
    /// Addresses in the window.
    pub addresses: u64,
    /// Addresses it was ever seen with, as far as is known.
    pub addresses_ever: u64,
    /// Addresses with a confirmed reverse name at or below the domain.
    pub own_names: u64,
    /// Addresses with a confirmed reverse name like that of a mail server.
    pub mail_servers: u64,
    /// Days in the window on which it sent.
    pub active_days: u32,
    /// The first day it was ever seen; days since 1970.
    pub first_day: u32,
    /// The last one.
    pub last_day: u32,
}

/// What is known of a domain's senders together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Surroundings {
    /// How much of a sender's mail must pass, from 0 to 1.
    pub sender_share: f64,
    /// Senders that are suspect and have little mail.
    pub crowd: u64,
}

impl Surroundings {
    /// Those of a domain with these senders.
    pub fn of<'a>(senders: impl IntoIterator<Item = &'a Evidence>, sender_share: f64) -> Self {
        // Of the others there are more than there are lines.
        let members = senders.into_iter().filter(|sender| sender.is_suspect() && sender.is_thin());
        Self {
            sender_share,
            crowd: members.map(|sender| if sender.is_others { u64::from(u32::MAX) } else { 1 }).sum(),
        }
    }
}

impl Evidence {
    /// Whether as much of its mail passes as must.
    pub(super) fn passes(&self, around: &Surroundings) -> bool {
        self.counts.passed > 0 && self.pass_share() >= around.sender_share
    }

    /// How much of its mail passes.
    pub(super) fn pass_share(&self) -> f64 {
        self.counts.passed as f64 / self.counts.messages.max(1) as f64
    }

    /// Whether the catalogue says that it sends on what others wrote.
    pub(super) fn is_catalogued_forwarder(&self) -> bool {
        self.is_service && matches!(self.category, Some(Category::Forwarder | Category::List))
    }

    /// Whether it looks as if the domain's signed mail came through somebody else's server: a network or a provider of mailboxes
    /// that the domain does not use, a small part of its mail, never SPF of the domain, and a signature that holds.
    pub(super) fn survives_forwarding(&self) -> bool {
        let is_anybodys =
            !self.is_service || matches!(self.category, Some(Category::Mailbox | Category::SecurityGateway));
        let survived = self.counts.foreign_spf.max(self.counts.forwarded.min(self.counts.dkim_aligned));
        is_anybodys
            && !self.is_used
            && !self.is_in_spf
            && self.own_names == 0
            && self.share <= SMALL_SHARE
            && self.counts.spf_aligned == 0
            && survived > 0
            && survived >= self.counts.messages.div_ceil(2)
    }

    /// Whether it may be somebody who forges: all fails, and nothing says who it is.
    pub(super) fn is_suspect(&self) -> bool {
        let counts = &self.counts;
        self.decision.is_none()
            && !self.is_service
            && !self.is_in_spf
            && self.own_names == 0
            && counts.passed + counts.forwarded + counts.foreign_spf == 0
            && self.category != Some(Category::University)
            && !self.has_mail_servers()
            && !self.is_steady()
    }

    /// Whether half of its addresses have names of mail servers.
    pub(super) fn has_mail_servers(&self) -> bool {
        self.mail_servers > 0 && self.mail_servers * 2 >= self.addresses
    }

    /// Whether it comes again and again from the same few addresses.
    pub(super) fn is_steady(&self) -> bool {
        !self.is_others
            && self.addresses_ever.max(self.addresses) <= FEW_ADDRESSES
            && (self.active_days >= STEADY_DAYS || self.span() >= CAME_BACK_DAYS)
    }

    /// Whether each of its addresses has little mail.
    pub(super) fn is_thin(&self) -> bool {
        self.counts.messages <= self.addresses.saturating_mul(THIN)
    }

    /// Days from the first to the last message.
    pub(super) fn span(&self) -> u32 {
        self.last_day.saturating_sub(self.first_day)
    }
}
