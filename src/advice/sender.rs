use ruad_registry::SenderId;
use serde::Serialize;

use crate::sources::{Aligns, Category, Service};
use ruad_common::texts::Language;

/// Mail of one sender in a domain's name, and what is thought of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sender {
    /// Who it is.
    pub id: SenderId,
    /// What people call it.
    pub name: String,
    /// What the service does, when it is a known one.
    pub category: Option<Category>,
    /// Its messages in the window.
    #[serde(flatten)]
    pub counts: Counts,
    /// Its messages in the last days of the window, so that what was mended shows before the window has forgotten how it was.
    pub recent: Recent,
    /// Its part of the domain's messages in the window, from 0 to 1.
    pub share: f64,
    /// Addresses it sent from.
    pub addresses: u64,
    /// Days in the window on which it sent.
    pub active_days: u32,
    /// The first day it was ever seen; days since 1970.
    pub first_day: u32,
    /// The last day it was seen.
    pub last_day: u32,
    /// What it is held for.
    pub class: Class,
    /// What makes it so.
    pub rule: Rule,
    /// How it is set up, as far as the catalogue knows.
    pub setup: Setup,
}

/// How a known service is set up for a domain, as the catalogue has it.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Setup {
    /// What its customers include in their SPF records.
    pub spf: Vec<String>,
    /// Where DKIM is switched on; in English.
    pub hint: Option<String>,
    /// Where that is written down.
    pub link: Option<String>,
}

/// Messages by what came of them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Counts {
    /// All of them.
    pub messages: u64,
    /// Aligned SPF passed.
    pub spf_aligned: u64,
    /// Aligned DKIM passed.
    pub dkim_aligned: u64,
    /// One of the two passed.
    pub passed: u64,
    /// The receiver says they were forwarded or came over a mailing list, by its reasons or by ARC.
    pub forwarded: u64,
    /// Aligned DKIM passed, and SPF passed for somebody else's domain: what a forwarder leaves behind.
    pub foreign_spf: u64,
    /// The receiver put them into quarantine.
    pub quarantined: u64,
    /// The receiver refused them.
    pub rejected: u64,
    /// Of all, those whose author is at a subdomain.
    pub subdomain: u64,
    /// Of these, those that passed.
    pub subdomain_passed: u64,
}

/// Messages of the last [`RECENT_DAYS`] days.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Recent {
    /// All of them.
    pub messages: u64,
    /// Aligned SPF or aligned DKIM passed.
    pub passed: u64,
    /// Aligned DKIM passed.
    pub dkim_aligned: u64,
    /// Aligned DKIM passed, and SPF passed for somebody else's domain.
    pub foreign_spf: u64,
}

/// What a sender is held for.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Legitimate, and it passes.
    Aligned,
    /// Legitimate, but it fails too often.
    NeedsWork,
    /// It sends on what it received; nobody can set it up for this domain.
    Forwarder,
    /// It forges the domain.
    Threat,
    /// Nobody can tell yet.
    Undecided,
}

/// Why a sender has its class. The name is stable: it is stored, and texts explain it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Rule(pub &'static str);

impl Recent {
    /// Whether there are enough messages to say by them alone how a sender is set up now.
    pub fn is_enough(&self) -> bool {
        self.messages >= ENOUGH_RECENT
    }
}

impl Setup {
    /// That of a service. One whose return path stays its own has no use for a place in the SPF record.
    pub fn of(service: &Service) -> Self {
        let setup = service.setup.as_ref();
        let is_pointless = setup.is_some_and(|setup| setup.aligns == Aligns::Dkim);
        Self {
            spf: if is_pointless { Vec::new() } else { service.spf.clone() },
            hint: setup.map(|setup| setup.dkim.clone()),
            link: setup.and_then(|setup| setup.link.clone()),
        }
    }
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Aligned, Self::NeedsWork, Self::Forwarder, Self::Threat, Self::Undecided];

    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Aligned => "aligned",
            Self::NeedsWork => "needs_work",
            Self::Forwarder => "forwarder",
            Self::Threat => "threat",
            Self::Undecided => "undecided",
        }
    }

    /// What people call it.
    pub fn title(self, language: Language) -> &'static str {
        let key = format!("sender.class_{}", self.name());
        language.find(&key).unwrap_or_else(|| self.name())
    }

    /// What it means, in a sentence or two.
    pub fn meaning(self, language: Language) -> &'static str {
        language.find(&format!("sender.class_{}_means", self.name())).unwrap_or_default()
    }

    /// Whether its mail is the owner's own: what must not be lost.
    pub fn is_legitimate(self) -> bool {
        matches!(self, Self::Aligned | Self::NeedsWork)
    }
}

impl Rule {
    /// The rule in a sentence.
    pub fn sentence(self, language: Language) -> &'static str {
        language.find(&format!("sender.rule_{}", self.0)).unwrap_or(self.0)
    }
}

/// How many days are recent: at least one issue of a weekly letter.
pub const RECENT_DAYS: u32 = 10;

/// One message in so many may fail and the rest still be nearly all.
const ENOUGH_RECENT: u64 = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advice::classify::RULES;

    #[test]
    fn senders_are_read_as_they_are_written() {
        for text in ["service:google", "net:AS64500/mail.example", "net:192.0.2.0/24", "net:others"] {
            assert_eq!(SenderId::parse(text).unwrap().as_str(), text);
        }
        for text in ["", "google", "service:", "net:a b", "host:a"] {
            assert_eq!(SenderId::parse(text), None, "{text}");
        }
        assert_eq!(SenderId::service("google").as_service(), Some("google"));
        assert!(SenderId::parse("net:others").unwrap().is_others());
    }

    #[test]
    fn classes_and_rules_have_texts() {
        for language in Language::ALL {
            for class in Class::ALL {
                assert!(language.find(&format!("sender.class_{}", class.name())).is_some(), "{class:?}");
                assert!(class.meaning(language).ends_with('.'), "{class:?}");
            }
            for rule in RULES {
                assert!(rule.sentence(language).ends_with('.'), "{} {language}", rule.0);
            }
        }
    }

    #[test]
    fn networks_have_names() {
        for (id, owner, name) in [
            ("net:AS64500/mail.example", "Example Hosting", "mail.example (Example Hosting)"),
            ("net:AS64500/mail.example", "", "mail.example (AS64500)"),
            ("net:AS64500", "Example Hosting", "Example Hosting (AS64500)"),
            ("net:AS64500", "", "AS64500"),
            ("net:mail.example", "", "mail.example"),
            ("net:192.0.2.0/24", "", "192.0.2.0/24"),
            ("net:2001:db8::/48", "", "2001:db8::/48"),
            ("net:others", "Somebody", "Others"),
        ] {
            assert_eq!(SenderId::parse(id).unwrap().network_name(owner), name, "{id}");
        }
    }
}
