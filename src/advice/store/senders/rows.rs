//! What the questions about senders are answered with.

use clickhouse::Row;
use serde::Deserialize;

/// The days of which there are reports about a domain; the arrays belong together.
#[derive(Clone, Debug, Default, Deserialize, Row)]
pub struct ReportedPolicies {
    /// The domain.
    pub domain: String,
    /// The days in their order; days since 1970.
    pub days: Vec<u16>,
    /// The policy most reports of that day show: 0 `none`, 1 `quarantine`, 2 `reject`, 3 none that is known.
    pub policies: Vec<u8>,
    /// Messages in the reports of that day.
    pub messages: Vec<u64>,
}

/// Mail of one sender in a domain's name.
#[derive(Clone, Debug, Default, Deserialize, Row)]
pub struct SenderSums {
    /// The place of the domain in the list that was asked about, from 1.
    pub place: u16,
    /// Who sends, as [`ruad_registry::SenderId`] writes it.
    pub sender: String,
    /// The category of its addresses; empty when not known.
    pub category: String,
    /// The name of the network of its addresses; empty when not known.
    pub network: String,
    /// What [`SenderFirst`] calls it.
    pub keys: Vec<u64>,
    /// Messages in the window.
    pub messages: i64,
    /// Of these: aligned DKIM or aligned SPF passed.
    pub passed: i64,
    /// Of these: aligned DKIM passed.
    pub dkim_aligned: i64,
    /// Of these: aligned SPF passed.
    pub spf_aligned: i64,
    /// Of these: disposition quarantine.
    pub quarantined: i64,
    /// Of these: disposition reject.
    pub rejected: i64,
    /// Of these: forwarded, as receivers say.
    pub forwarded: i64,
    /// Of these: aligned DKIM passed, and SPF for somebody else.
    pub foreign_spf: i64,
    /// Messages in the last days of the window.
    pub recent_messages: i64,
    /// Of these: aligned DKIM or aligned SPF passed.
    pub recent_passed: i64,
    /// Of these: aligned DKIM passed.
    pub recent_dkim_aligned: i64,
    /// Of these: aligned DKIM passed, and SPF for somebody else.
    pub recent_foreign_spf: i64,
    /// Of those of the whole window: the author is at a subdomain.
    pub subdomain: i64,
    /// Of those: aligned DKIM or aligned SPF passed.
    pub subdomain_passed: i64,
    /// Addresses in the window.
    pub addresses: u64,
    /// Of these: the confirmed reverse name is at or below the domain.
    pub own: u64,
    /// Of these: the confirmed reverse name is like that of a mail server.
    pub mail_servers: u64,
    /// Some of them, IPv4 mapped.
    pub sample: Vec<u128>,
    /// The last day it was seen; days since 1970.
    pub last: u16,
    /// Days on which it sent, also before the window as far as was asked for; the next one belongs to it.
    pub days: Vec<u16>,
    /// Messages on those days.
    pub counts: Vec<i64>,
}

/// Since when a sender has sent.
#[derive(Clone, Copy, Debug, Deserialize, Row)]
pub struct SenderFirst {
    /// The place of the domain in the list that was asked about, from 1.
    pub place: u16,
    /// One of its keys.
    pub sender_key: u64,
    /// The first day; days since 1970.
    pub first: u16,
    /// Addresses before the day that was asked for; an estimate when there are many.
    pub addresses: u64,
}

/// An address that sent mail in a domain's name.
#[derive(Clone, Copy, Debug, Deserialize, Row)]
pub struct SenderAddress {
    /// The place of the domain in the list that was asked about, from 1.
    pub place: u16,
    /// The address, IPv4 mapped.
    pub address: u128,
    /// The last day it sent; days since 1970.
    pub last: u16,
}

/// A selector with which mail was signed that verified.
#[derive(Clone, Debug, Deserialize, Row)]
pub struct SignedWith {
    /// The domain that signs.
    pub domain: String,
    /// The selector.
    pub selector: String,
    /// The last day of it; days since 1970.
    pub last: u16,
}

/// What is kept about a sender of one domain.
#[derive(Clone, Debug, Deserialize, Row)]
pub struct KnownSender {
    /// Who it is.
    pub sender: String,
    /// What people call it.
    pub name: String,
    /// Its class.
    pub class: String,
    /// The rule that gave the class.
    pub rule: String,
    /// Messages in the domain's window.
    pub messages: u64,
    /// Of these: aligned DKIM or aligned SPF passed.
    pub passed: u64,
    /// The first day it was ever seen, as a date.
    pub first_day: String,
    /// The last one.
    pub last_day: String,
}
