use serde::Serialize;

use super::{Sender, unusual::Unusual};
use ruad_dns::dmarc::Policy;

/// What reports tell about a domain. Forged reports are left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Traffic {
    /// The first and the last day of which there are reports at all; days since 1970.
    pub reported: Option<(u32, u32)>,
    /// What is looked at.
    pub window: Window,
    /// How long each policy has been seen in reports, the newest first.
    pub policies: Vec<PolicyDays>,
    /// Everybody who sent in the window, most messages first.
    pub senders: Vec<Sender>,
    /// When mail last came from the networks of each term of the SPF record that can be judged: the term as written, and the
    /// day; none when not in the days after which a term is superfluous, as far back as [`Traffic::reported`] goes.
    pub entries: Vec<(String, Option<u32>)>,
    /// Selectors with which mail was signed that verified, and the last day of it.
    pub selectors: Vec<(String, u32)>,
    /// What is out of the ordinary about the senders.
    pub unusual: Vec<Unusual>,
}

/// The days that are looked at.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Window {
    /// First day; days since 1970.
    pub from: u32,
    /// Last day.
    pub to: u32,
    /// Days in it of which there are reports.
    pub days: u32,
    /// Messages in it.
    pub messages: u64,
    /// It is longer than usual, because there is little mail.
    pub is_grown: bool,
}

/// How long reports have shown a policy.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct PolicyDays {
    /// `p` as receivers saw it.
    pub policy: Policy,
    /// Days with reports that show it, since it was last another one.
    pub days: u32,
    /// The first of them.
    pub first: u32,
    /// The last of them.
    pub last: u32,
}
