use super::rules::{
    CAME_BACK_DAYS, DRIZZLE, FEW_ADDRESSES, FEW_RECENT, SMALL_SHARE, STEADY_DAYS, THIN, TRIFLE,
};
use crate::{
    advice::{Counts, Recent},
    sources::Category,
};
use ruad_registry::Decision;

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
    /// Its messages in the last days of the window.
    pub recent: Recent,
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
    /// Days on which it sent as far back as they are counted one by one, the days before as one.
    pub days_ever: u32,
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
    /// Senders that fail everything, and come back now and then with a message or two.
    pub drizzle: u64,
    /// Whether the domain sends no mail at all.
    pub sends_nothing: bool,
    /// Days since 1970.
    pub today: u32,
}

impl Surroundings {
    /// Those of a domain with these senders.
    pub fn of<'a>(
        senders: impl IntoIterator<Item = &'a Evidence>,
        sender_share: f64,
        today: u32,
        sends_nothing: bool,
    ) -> Self {
        let mut around = Self { sender_share, crowd: 0, drizzle: 0, sends_nothing, today };
        for sender in senders {
            if sender.is_suspect() && sender.is_thin() {
                // Of the others there are more than there are lines.
                around.crowd += if sender.is_others { u64::from(u32::MAX) } else { 1 };
            }
            around.drizzle += u64::from(sender.is_drizzle());
        }
        around
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
        let survived = self.counts.foreign_spf.max(self.counts.forwarded.min(self.counts.dkim_aligned));
        self.may_be_relay() && is_half(survived, self.counts.messages)
    }

    /// The same since the domain signs: what was sent on before that failed, and would hide what is true now. Who keeps
    /// the envelope as it was fails SPF for the domain itself, so the signature alone is looked at.
    pub(super) fn survives_lately(&self) -> bool {
        let recent = &self.recent;
        self.may_be_relay() && recent.messages >= FEW_RECENT && is_half(recent.dkim_aligned, recent.messages)
    }

    fn may_be_relay(&self) -> bool {
        let is_anybodys =
            !self.is_service || matches!(self.category, Some(Category::Mailbox | Category::SecurityGateway));
        is_anybodys
            && !self.is_used
            && !self.is_in_spf
            && self.own_names == 0
            && self.share <= SMALL_SHARE
            && self.counts.spf_aligned == 0
    }

    /// Whether it may be somebody who forges: all fails, and nothing says who it is.
    pub(super) fn is_suspect(&self) -> bool {
        self.is_strange() && !self.has_reasons() && !self.is_steady()
    }

    /// Whether it comes back now and then with a message or two that fail. One such sender is a small server of the owner's that
    /// nobody thinks of; dozens are not.
    pub(super) fn is_drizzle(&self) -> bool {
        let a_day = self.counts.messages <= u64::from(self.active_days) * DRIZZLE;
        self.is_strange() && !self.has_reasons() && self.is_steady() && a_day && self.share < TRIFLE
    }

    /// Whether all of its mail fails, and nothing says that it is anybody's.
    pub(super) fn is_strange(&self) -> bool {
        let counts = &self.counts;
        self.decision.is_none()
            && !self.is_service
            && !self.is_in_spf
            && self.own_names == 0
            && counts.messages > 0
            && [counts.passed, counts.forwarded, counts.foreign_spf] == [0; 3]
    }

    /// Whether there are innocent reasons for which its mail may fail.
    fn has_reasons(&self) -> bool {
        self.category == Some(Category::University) || self.has_mail_servers()
    }

    /// Whether half of its addresses have names of mail servers.
    pub(super) fn has_mail_servers(&self) -> bool {
        self.mail_servers > 0 && self.mail_servers * 2 >= self.addresses
    }

    /// Whether it comes again and again from the same few addresses: on more days than it has addresses, so that at least
    /// one of them came back.
    pub(super) fn is_steady(&self) -> bool {
        let addresses = self.addresses_ever.max(self.addresses);
        !self.is_others
            && addresses <= FEW_ADDRESSES
            && u64::from(self.days_ever) > addresses
            && (self.days_ever >= STEADY_DAYS || self.span() >= CAME_BACK_DAYS)
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

fn is_half(part: u64, of: u64) -> bool {
    part > 0 && part >= of.div_ceil(2)
}
