use serde::{Deserialize, Serialize};

/// What a sender does.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// Mailboxes of people and companies.
    Mailbox,
    /// Newsletters and campaigns.
    Marketing,
    /// Mail that programs send one by one.
    Transactional,
    /// Customer relations.
    Crm,
    /// Support desks.
    Helpdesk,
    /// Other software that sends for those who use it.
    Software,
    /// Social networks.
    Social,
    /// Filters that mail passes on its way.
    SecurityGateway,
    /// Services that put signatures under mail on its way.
    Signature,
    /// Those who send on what they receive.
    Forwarder,
    /// Mailing lists.
    List,
    /// Web hosting and clouds.
    Hosting,
    /// Internet providers.
    Isp,
    /// Research and education.
    University,
}

impl Category {
    /// The category that is stored as this word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.as_str() == word)
    }

    const ALL: [Self; 14] = [
        Self::Mailbox,
        Self::Marketing,
        Self::Transactional,
        Self::Crm,
        Self::Helpdesk,
        Self::Software,
        Self::Social,
        Self::SecurityGateway,
        Self::Signature,
        Self::Forwarder,
        Self::List,
        Self::Hosting,
        Self::Isp,
        Self::University,
    ];

    /// The word that is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mailbox => "mailbox",
            Self::Marketing => "marketing",
            Self::Transactional => "transactional",
            Self::Crm => "crm",
            Self::Helpdesk => "helpdesk",
            Self::Software => "software",
            Self::Social => "social",
            Self::SecurityGateway => "security-gateway",
            Self::Signature => "signature",
            Self::Forwarder => "forwarder",
            Self::List => "list",
            Self::Hosting => "hosting",
            Self::Isp => "isp",
            Self::University => "university",
        }
    }
}
