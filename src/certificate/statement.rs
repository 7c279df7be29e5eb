use ruad_common::domain_name;
use std::{fmt, str::Lines};

use super::{Address, Date, Serial};
use ruad_dns::dkim::Kind;

/// What a certificate says: no more than what was known when it was issued.
///
/// Its text is what is signed. It is plain ASCII without `<`, `>`, `&` and quotes, so that it can stand unchanged in HTML and
/// SVG; there is one way to write it, and nothing else is read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Statement {
    /// The certificate's number.
    pub serial: Serial,
    /// The domain, normalized.
    pub domain: String,
    /// When it was issued.
    pub issued: Date,
    /// Where it can be checked: whoever has that host's name has issued it.
    pub address: Address,
    /// What counted how much for the score.
    pub profile: String,
    /// Since when the score was 5 and the DMARC policy in force `reject`, without a break.
    pub held_since: Date,
    /// Whether the domain sends mail; one that does not says so.
    pub sends_mail: bool,
    /// What reports told.
    pub mail: Option<Mail>,
    /// The kinds of DKIM keys that were published, each once.
    pub dkim: Vec<DkimKey>,
    /// DNS lookups that evaluating the SPF record took.
    pub spf_lookups: Option<u32>,
}

/// What reports told about a domain's mail.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Mail {
    /// First day that was looked at.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// Messages in the domain's name, whoever sent them.
    pub messages: u64,
    /// Of these: from senders that are the owner's.
    pub own: u64,
    /// Of these: aligned DKIM or aligned SPF passed.
    pub passed: u64,
}

/// A kind of DKIM key.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct DkimKey {
    /// Its type.
    pub kind: Kind,
    /// Its size.
    pub bits: u32,
}

impl Statement {
    /// Reads the text, and only as it is written.
    pub fn parse(text: &str) -> Option<Self> {
        let mut fields = Fields { lines: text.lines(), next: None };
        fields.next = fields.lines.next();
        fields.take("ruad-certificate").filter(|version| *version == VERSION)?;
        let serial = fields.take("serial")?.parse().ok()?;
        let domain = domain_name::normalize(fields.take("domain")?)?;
        let issued = fields.take("issued")?.parse().ok()?;
        fields.take("issuer")?;
        let verify = fields.take("verify")?;
        fields.take("policy")?;
        fields.take("score")?;
        let profile = fields.take("profile")?.to_owned();
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if profile.is_empty() || !profile.bytes().all(is_plain) {
            return None;
        }
        let statement = Self {
            serial,
            domain,
            issued,
            address: verify.strip_suffix(&format!("/c/{serial}"))?.parse().ok()?,
            profile,
            held_since: fields.take("held-since")?.parse().ok()?,
            sends_mail: fields.take("sends-mail")? == "yes",
            mail: match fields.take("reports") {
                Some(days) => Some(Mail::read(days, &mut fields)?),
                None => None,
            },
            dkim: match fields.take("dkim-keys") {
                Some(keys) => keys.split(' ').map(DkimKey::parse).collect::<Option<_>>()?,
                None => Vec::new(),
            },
            spf_lookups: match fields.take("spf-lookups") {
                Some(lookups) => Some(lookups.parse().ok()?),
                None => None,
            },
        };
        // Whatever was passed over or can be written in another way makes a difference here.
        (statement.to_string() == text).then_some(statement)
    }

    /// Where it can be checked.
    pub fn url(&self) -> String {
        self.address.of(self.serial)
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "ruad-certificate: {VERSION}")?;
        writeln!(f, "serial: {}", self.serial)?;
        writeln!(f, "domain: {}", self.domain)?;
        writeln!(f, "issued: {}", self.issued)?;
        writeln!(f, "issuer: {}", self.address.host())?;
        writeln!(f, "verify: {}", self.url())?;
        writeln!(f, "policy: reject")?;
        writeln!(f, "score: 5.0 of 5")?;
        writeln!(f, "profile: {}", self.profile)?;
        writeln!(f, "held-since: {}", self.held_since)?;
        writeln!(f, "sends-mail: {}", if self.sends_mail { "yes" } else { "no" })?;
        if let Some(Mail { from, to, messages, own, passed }) = self.mail {
            writeln!(f, "reports: {from} to {to}")?;
            writeln!(f, "messages: {messages}")?;
            writeln!(f, "own-messages: {own}")?;
            writeln!(f, "own-messages-passed: {passed}")?;
        }
        if !self.dkim.is_empty() {
            let keys: Vec<_> = self.dkim.iter().map(DkimKey::to_string).collect();
            writeln!(f, "dkim-keys: {}", keys.join(" "))?;
        }
        match self.spf_lookups {
            Some(lookups) => writeln!(f, "spf-lookups: {lookups}"),
            None => Ok(()),
        }
    }
}

impl Mail {
    fn read(days: &str, fields: &mut Fields<'_>) -> Option<Self> {
        let (from, to) = days.split_once(" to ")?;
        Some(Self {
            from: from.parse().ok()?,
            to: to.parse().ok()?,
            messages: fields.take("messages")?.parse().ok()?,
            own: fields.take("own-messages")?.parse().ok()?,
            passed: fields.take("own-messages-passed")?.parse().ok()?,
        })
    }
}

impl DkimKey {
    fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("rsa-") {
            Some(bits) => Some(Self { kind: Kind::Rsa, bits: bits.parse().ok()? }),
            None => (text == "ed25519").then_some(Self { kind: Kind::Ed25519, bits: ED25519_BITS }),
        }
    }
}

impl fmt::Display for DkimKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Rsa => write!(f, "rsa-{}", self.bits),
            Kind::Ed25519 => f.write_str("ed25519"),
        }
    }
}

/// Lines of `name: value`, in their order.
struct Fields<'a> {
    lines: Lines<'a>,
    next: Option<&'a str>,
}

impl<'a> Fields<'a> {
    /// The value of the next line when it has this name.
    fn take(&mut self, name: &str) -> Option<&'a str> {
        let value = self.next?.strip_prefix(name)?.strip_prefix(": ")?;
        self.next = self.lines.next();
        Some(value)
    }
}

/// Another one means that the lines mean something else.
const VERSION: &str = "1";

/// All keys of that type have the same size.
pub(super) const ED25519_BITS: u32 = 256;

#[cfg(test)]
pub(super) mod tests {
    use proptest::{collection::vec, option, prelude::*};

    use super::*;

    /// That of a domain as most are.
    pub(in crate::certificate) fn statement() -> Statement {
        Statement {
            serial: Serial::from_bytes([0x5a, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
            domain: "customer.example".to_owned(),
            issued: Date::from_days(20_778),
            address: "https://dmarc.msp.example".parse().unwrap(),
            profile: "default".to_owned(),
            held_since: Date::from_days(20_747),
            sends_mail: true,
            mail: Some(Mail {
                from: Date::from_days(20_748),
                to: Date::from_days(20_777),
                messages: 48_213,
                own: 41_870,
                passed: 41_866,
            }),
            dkim: vec![
                DkimKey { kind: Kind::Rsa, bits: 2048 },
                DkimKey { kind: Kind::Ed25519, bits: ED25519_BITS },
            ],
            spf_lookups: Some(4),
        }
    }

    #[test]
    fn the_text_is_what_it_says() {
        let text = statement().to_string();
        let serial = statement().serial;
        assert_eq!(
            text,
            format!(
                "ruad-certificate: 1\nserial: {serial}\ndomain: customer.example\nissued: 2026-11-21\n\
                 issuer: dmarc.msp.example\nverify: https://dmarc.msp.example/c/{serial}\npolicy: reject\n\
                 score: 5.0 of 5\nprofile: default\nheld-since: 2026-10-21\nsends-mail: yes\n\
                 reports: 2026-10-22 to 2026-11-20\nmessages: 48213\nown-messages: 41870\n\
                 own-messages-passed: 41866\ndkim-keys: rsa-2048 ed25519\nspf-lookups: 4\n"
            )
        );
        assert_eq!(Statement::parse(&text), Some(statement()));
    }

    #[test]
    fn what_was_not_known_is_not_said() {
        let bare =
            Statement { sends_mail: false, mail: None, dkim: Vec::new(), spf_lookups: None, ..statement() };
        let text = bare.to_string();
        for word in ["reports", "messages", "dkim", "spf"] {
            assert!(!text.contains(word), "{word}: {text}");
        }
        assert_eq!(Statement::parse(&text), Some(bare));
    }

    #[test]
    fn there_is_one_way_to_write_it() {
        let text = statement().to_string();
        for (from, to) in [
            ("ruad-certificate: 1", "ruad-certificate: 2"),
            ("customer.example", "Customer.example"),
            ("customer.example", "<b>.example"),
            ("2026-11-21", "2026-11-32"),
            ("policy: reject", "policy: none"),
            ("score: 5.0 of 5", "score: 4.9 of 5"),
            ("issuer: dmarc.msp.example", "issuer: somebody.example"),
            ("verify: https://dmarc", "verify: http://dmarc"),
            ("sends-mail: yes", "sends-mail: maybe"),
            ("messages: 48213", "messages: 048213"),
            ("rsa-2048 ed25519", "rsa-2048  ed25519"),
            ("spf-lookups: 4", "spf-lookups: 4 "),
            ("spf-lookups: 4\n", "spf-lookups: 4"),
            ("spf-lookups: 4\n", "spf-lookups: 4\r\n"),
            ("spf-lookups: 4\n", "spf-lookups: 4\nmore: yes\n"),
            ("issued: 2026-11-21\n", ""),
            ("profile: default", "profile: a&b"),
        ] {
            let other = text.replacen(from, to, 1);
            assert_ne!(other, text, "{from}");
            assert_eq!(Statement::parse(&other), None, "{to}");
        }
    }

    prop_compose! {
        fn mail()(days in 0_u32..30_000, length in 0_u32..400, counts: [u32; 3]) -> Mail {
            let [messages, own, passed] = counts.map(u64::from);
            Mail { from: Date::from_days(days), to: Date::from_days(days + length), messages, own, passed }
        }
    }

    prop_compose! {
        pub(in crate::certificate) fn any_statement()(
            bytes: [u8; 10],
            domain in "[a-z0-9]{1,12}(-[a-z0-9]{1,5})?(\\.[a-z]{2,9}){1,3}",
            days in 0_u32..30_000,
            url in "https://[a-z]{1,9}\\.example(:[1-9][0-9]{0,3})?(/[a-zA-Z0-9._~-]{1,9}){0,2}",
            profile in "[a-z][a-z0-9-]{0,9}",
            sends_mail: bool,
            mail in option::of(mail()),
            sizes in vec(option::of(1_u32..20_000), 0..4),
            spf_lookups in option::of(0_u32..20),
        ) -> Statement {
            let key = |bits: Option<u32>| match bits {
                Some(bits) => DkimKey { kind: Kind::Rsa, bits },
                None => DkimKey { kind: Kind::Ed25519, bits: ED25519_BITS },
            };
            Statement {
                serial: Serial::from_bytes(bytes),
                domain,
                issued: Date::from_days(days),
                address: url.parse().unwrap(),
                profile,
                held_since: Date::from_days(days / 2),
                sends_mail,
                mail,
                dkim: sizes.into_iter().map(key).collect(),
                spf_lookups,
            }
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(statement in any_statement()) {
            let text = statement.to_string();
            prop_assert!(!text.contains(['<', '>', '&', '"', '\'']) && text.is_ascii());
            prop_assert_eq!(Statement::parse(&text), Some(statement));
        }

        #[test]
        fn anything_can_be_read(text in "\\PC*") {
            prop_assert_eq!(Statement::parse(&text), None);
        }
    }
}
