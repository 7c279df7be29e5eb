//! Who sends in the domain's name, and how far each is set up.

use std::net::IpAddr;

use ruad::sources::{Category, SourceRow};

use super::internet::Entry;
use crate::mail::dkim;
use crate::random::Random;
use crate::world::pools::{self, Pool};

/// A sender: the owner's own, or somebody on the way, or a stranger.
#[derive(Clone, Debug)]
pub struct Sender {
    /// What people call it.
    pub name: &'static str,
    /// The id of its service in `config/sources.toml`; none for one that is nobody's service.
    pub service: Option<&'static str>,
    /// What becomes of its mail is told by this.
    pub role: Role,
    /// Messages on a day on which it sends.
    pub per_day: f64,
    /// When it sends.
    pub rhythm: Rhythm,
    /// Domain of its envelopes; none is the owner's.
    pub bounces: Option<&'static str>,
    /// The domain and the selector with which it signs whatever the owner does.
    pub signs_as: Option<(&'static str, &'static str)>,
    /// The selector with which it signs for the owner's domain once that is switched on.
    pub selector: Option<&'static str>,
    /// Whether it is switched on.
    pub is_signing: bool,
    /// Where its keys for the owner's domain are; a selector of the owner is an alias of it. None for a server whose key
    /// is in the owner's own zone.
    pub keys_at: Option<&'static str>,
    /// What it asks its customers to have in their SPF records.
    pub spf: Option<&'static str>,
    pool: &'static Pool,
    addresses: u64,
    network: (u32, &'static str, &'static str),
}

/// Whose mail it is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Role {
    /// The owner's, from the sender itself.
    Own,
    /// The owner's, sent on by somebody else without a change; SPF breaks.
    Forwarded,
    /// The owner's, sent on by a mailing list that changes it; SPF and DKIM break.
    List,
    /// Nobody's who may.
    Forged,
}

/// When a sender sends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rhythm {
    /// On working days, and a little on others.
    Office,
    /// Every day.
    Daily,
    /// On one day of the week, from 0 for Monday.
    Weekly(usize),
    /// Every day from one day of the story up to another.
    Campaign(i64, i64),
}

impl Sender {
    /// Microsoft 365, which signs as the tenant until told otherwise.
    pub fn office(per_day: f64) -> Self {
        Self {
            name: "Microsoft 365",
            service: Some("microsoft-365"),
            rhythm: Rhythm::Office,
            signs_as: Some(("tulipbikes.onmicrosoft.com", "selector1-tulipbikes-onmicrosoft-com")),
            selector: Some("selector1"),
            keys_at: Some("tulip-bikes-example._domainkey.tulipbikes.onmicrosoft.com"),
            spf: Some("spf.protection.outlook.com"),
            network: (8_075, "MICROSOFT-CORP-MSN-AS-BLOCK", "NL"),
            ..Self::of(Role::Own, &pools::OFFICE, 6, per_day)
        }
    }

    /// Mailchimp. Its envelopes are its own, so that only DKIM can align.
    pub fn newsletter(per_day: f64) -> Self {
        Self {
            name: "Mailchimp",
            service: Some("mailchimp"),
            rhythm: Rhythm::Weekly(1),
            bounces: Some("mail81.atl81.mcsv.net"),
            signs_as: Some(("mcsv.net", "k1")),
            selector: Some("k2"),
            keys_at: Some("dkim2.mcsv.net"),
            spf: Some("servers.mcsv.net"),
            network: (14_782, "THEROCKETSCIENCEGROUP", "US"),
            ..Self::of(Role::Own, &pools::MAILCHIMP, 4, per_day)
        }
    }

    /// Zendesk, which writes in its customer's name as soon as it is told an address.
    pub fn helpdesk(per_day: f64) -> Self {
        Self {
            name: "Zendesk",
            service: Some("zendesk"),
            rhythm: Rhythm::Office,
            signs_as: Some(("zendesk.com", "zendesk1")),
            selector: Some("zendesk1"),
            keys_at: Some("zendesk1._domainkey.zendesk.com"),
            spf: Some("mail.zendesk.com"),
            network: (16_509, "AMAZON-02", "IE"),
            ..Self::of(Role::Own, &pools::ZENDESK, 3, per_day)
        }
    }

    /// The web shop's own server.
    pub fn shop(per_day: f64) -> Self {
        Self {
            name: "the web shop's server",
            rhythm: Rhythm::Daily,
            selector: Some("shop"),
            network: (64_501, "POLDER-HOSTING", "NL"),
            ..Self::of(Role::Own, &pools::TULIP, 2, per_day)
        }
    }

    /// Moneybird, which sends invoices with envelopes of its own.
    pub fn invoices(per_day: f64) -> Self {
        Self {
            name: "Moneybird",
            service: Some("moneybird"),
            rhythm: Rhythm::Office,
            bounces: Some("bounces.moneybird.com"),
            signs_as: Some(("moneybird.com", "mb")),
            selector: Some("moneybird"),
            keys_at: Some("customers._domainkey.moneybird.com"),
            network: (64_502, "GRACHT-CLOUD", "NL"),
            ..Self::of(Role::Own, &pools::MONEYBIRD, 2, per_day)
        }
    }

    /// A place that sends on what the mailboxes of Microsoft 365 sent; the envelope stays as it was.
    pub fn forwarder(per_day: f64) -> Self {
        Self {
            name: "an alumni forwarder",
            rhythm: Rhythm::Office,
            network: (64_505, "ALUMNI-MAIL", "NL"),
            ..Self::of(Role::Forwarded, &pools::FORWARDERS, 4, per_day)
        }
    }

    /// A place that sends on with envelopes of its own (SRS).
    pub fn rewriting_forwarder(per_day: f64) -> Self {
        Self {
            name: "a hosting forwarder",
            rhythm: Rhythm::Office,
            bounces: Some("fwd.terp-hosting.test"),
            network: (64_506, "TERP-HOSTING", "NL"),
            ..Self::of(Role::Forwarded, &pools::TERP, 2, per_day)
        }
    }

    /// A host of mailing lists, which adds a footer.
    pub fn list(per_day: f64) -> Self {
        Self {
            name: "a mailing list",
            rhythm: Rhythm::Office,
            bounces: Some("lists.coopnet.test"),
            signs_as: Some(("lists.coopnet.test", "list")),
            network: (64_507, "COOPNET", "DE"),
            ..Self::of(Role::List, &pools::LISTS, 3, per_day)
        }
    }

    /// Forgeries from all over the place.
    pub fn forgers(per_day: f64, rhythm: Rhythm) -> Self {
        Self {
            name: "forgers",
            rhythm,
            network: (65_536, "SOMEBODY", "XX"),
            ..Self::of(Role::Forged, &pools::SCATTERED, 60, per_day)
        }
    }

    /// The same by another name.
    #[must_use]
    pub fn called(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    fn of(role: Role, pool: &'static Pool, addresses: u64, per_day: f64) -> Self {
        Self {
            name: "",
            service: None,
            role,
            per_day,
            rhythm: Rhythm::Daily,
            bounces: None,
            signs_as: None,
            selector: None,
            is_signing: false,
            keys_at: None,
            spf: None,
            pool,
            addresses,
            network: (0, "", ""),
        }
    }

    /// Where its mail comes from.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        (0..self.addresses).map(|index| self.pool.address(index))
    }

    /// Whether an instruction or a sender's stored form is about it.
    pub fn is_called(&self, subject: &str) -> bool {
        let name = subject.strip_prefix("service:").unwrap_or(subject);
        match self.service {
            Some(service) => name == service,
            None => subject.contains(&format!("AS{}", self.network.0)),
        }
    }

    /// Messages on a day of the story; `weekday` counts from 0 for Monday.
    pub fn messages(&self, day: i64, weekday: usize, random: &mut Random) -> u64 {
        let factor = match self.rhythm {
            Rhythm::Office if weekday >= 5 => 0.1,
            Rhythm::Weekly(wanted) if wanted != weekday => 0.0,
            Rhythm::Campaign(from, to) if !(from..to).contains(&day) => 0.0,
            _ => 1.0,
        };
        random.around(self.per_day * factor)
    }

    /// What is found out about its addresses, as the look-ups beside the stream would.
    pub fn rows(&self, at: u64) -> Vec<SourceRow> {
        let names = self.pool.reverse_names();
        let row = |(index, ip): (u64, IpAddr)| {
            let name = names.iter().find(|(address, _)| *address == ip).map(|(_, name)| name.clone());
            let is_scattered = self.role == Role::Forged;
            let (asn, as_name, country) = self.network;
            // Taken-over machines are in everybody's networks.
            let (asn, as_name, country) = match u32::try_from(index % 16) {
                Ok(place) if is_scattered => {
                    (asn + place, "ACCESS-NET", COUNTRIES[index as usize % COUNTRIES.len()])
                }
                _ => (asn, as_name, country),
            };
            SourceRow {
                ip,
                reverse_confirmed: name.is_some(),
                reverse_name: name,
                asn: Some(asn),
                as_name: Some(as_name.to_owned()),
                country: Some(country.to_owned()),
                service: self.service.map(str::to_owned),
                category: self.service.and_then(category),
                checked_at: at,
                recheck_at: at + 10 * 365 * 86_400,
            }
        };
        (0..).zip(self.addresses()).map(row).collect()
    }

    /// What the service itself publishes: the addresses it sends from, its customers' keys.
    pub fn publishes(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        if let Some(spf) = self.spf {
            entries.push(Entry::text(spf, format!("v=spf1 {} -all", self.terms())));
        }
        if let Some(bounces) = self.bounces {
            entries.push(Entry::text(bounces, format!("v=spf1 {} -all", self.terms())));
        }
        match (self.service, self.selector, self.keys_at) {
            (Some("microsoft-365"), _, Some(place)) => {
                for selector in ["selector1", "selector2"] {
                    entries.push(Entry::text(format!("{selector}-{place}"), key_record(selector)));
                }
            }
            (_, Some(selector), Some(place)) => {
                entries.push(Entry::text(place, key_record(&format!("{}/{selector}", self.name))));
            }
            _ => {}
        }
        entries
    }

    /// What its control panel tells the owner of `domain` to publish before DKIM can be switched on.
    pub fn key_entries(&self, domain: &str) -> Vec<Entry> {
        let alias = |selector: &str, target: String| {
            Entry::new(format!("{selector}._domainkey.{domain}"), "CNAME", target)
        };
        match (self.service, self.selector, self.keys_at) {
            (Some("microsoft-365"), _, Some(place)) => ["selector1", "selector2"]
                .map(|selector| alias(selector, format!("{selector}-{place}")))
                .into(),
            (_, Some(selector), Some(place)) => vec![alias(selector, place.to_owned())],
            (_, Some(selector), None) => {
                let name = format!("{selector}._domainkey.{domain}");
                vec![Entry::text(name, key_record(&format!("{domain}/{selector}")))]
            }
            (_, None, _) => Vec::new(),
        }
    }

    /// The terms of SPF that stand for its addresses.
    pub fn terms(&self) -> String {
        let term = |ip: IpAddr| match ip {
            IpAddr::V4(ip) => format!("ip4:{ip}"),
            IpAddr::V6(ip) => format!("ip6:{ip}"),
        };
        self.addresses().map(term).collect::<Vec<_>>().join(" ")
    }
}

/// A DKIM record with an RSA key of 2,048 bits that nobody has the other half of: nothing here is signed with it.
pub(crate) fn key_record(of: &str) -> String {
    let mut random = Random::named(2_048, of);
    let mut modulus: Vec<u8> = (0..32).flat_map(|_| random.bits().to_be_bytes()).collect();
    if let Some(first) = modulus.first_mut() {
        *first |= 0x80;
    }
    if let Some(last) = modulus.last_mut() {
        *last |= 1;
    }
    // RFC 8017 appendix A.1.1: a sequence of the modulus and 65537.
    let mut key = vec![0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00];
    key.extend_from_slice(&modulus);
    key.extend_from_slice(&[0x02, 0x03, 0x01, 0x00, 0x01]);
    dkim::record_of(&key)
}

fn category(service: &str) -> Option<Category> {
    Some(match service {
        "microsoft-365" => Category::Mailbox,
        "mailchimp" => Category::Marketing,
        "zendesk" => Category::Helpdesk,
        "moneybird" => Category::Software,
        _ => return None,
    })
}

const COUNTRIES: [&str; 6] = ["BR", "VN", "IN", "ID", "US", "TR"];
