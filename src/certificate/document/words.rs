use super::super::{Date, Mail, Statement};
use ruad_common::texts::{Language, fill};
use ruad_dns::dkim::Kind;

/// What is said about a certificate in one language.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words(pub(super) Language);

impl Words {
    /// A text of `certificate.toml`; the key begins with `certificate.`.
    pub(super) fn say(self, key: &'static str) -> &'static str {
        self.0.text(key)
    }

    /// The same with values in it.
    pub(super) fn tell(self, key: &'static str, values: &[(&str, &str)]) -> String {
        fill(self.say(key), |name| values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value))
    }

    /// A day with the name of its month.
    pub(super) fn date(self, date: Date) -> String {
        let (year, month, day) = date.parts();
        let month = self.say("certificate.months").split(' ').nth(month.saturating_sub(1) as usize);
        format!("{day} {} {year}", month.unwrap_or_default())
    }

    /// A day with the name of its month, and its year when that is not the other one's.
    fn date_before(self, date: Date, other: Date) -> String {
        let (year, other_year) = (date.parts().0, other.parts().0);
        let text = self.date(date);
        match year == other_year {
            true => text.strip_suffix(&format!(" {year}")).unwrap_or(&text).to_owned(),
            false => text,
        }
    }

    /// A time in UTC, to the minute.
    pub(super) fn moment(self, seconds: u64) -> String {
        let minutes = seconds / 60 % 1_440;
        let time = format!("{:02}:{:02}", minutes / 60, minutes % 60);
        self.tell("certificate.moment", &[("date", &self.date(Date::of(seconds))), ("time", &time)])
    }

    /// What it is.
    pub(super) fn kind(self) -> String {
        unbroken(self.say("certificate.kind"))
    }

    /// The sentence in the middle, about a domain by this name.
    pub(super) fn lead(self, statement: &Statement, domain: &str) -> String {
        let key = if statement.sends_mail { "certificate.lead" } else { "certificate.lead_no_mail" };
        let values = [
            ("domain", domain),
            ("issued", &self.date(statement.issued)),
            ("since", &self.date(statement.held_since)),
        ];
        // The name of the domain stays as it is.
        fill(&unbroken(self.say(key)), |name| {
            values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
        })
    }

    /// What was checked, and what was found.
    pub(super) fn facts(self, statement: &Statement) -> Vec<(&'static str, String)> {
        let mut facts = vec![
            (self.say("certificate.policy"), self.say("certificate.policy_value").to_owned()),
            (self.say("certificate.score"), self.score(statement)),
            (self.say("certificate.held"), self.date(statement.held_since)),
        ];
        if !statement.dkim.is_empty() {
            let keys = statement.dkim.iter().map(|key| match key.kind {
                Kind::Rsa => format!("RSA {}", key.bits),
                Kind::Ed25519 => "Ed25519".to_owned(),
            });
            facts.push((self.say("certificate.dkim"), keys.collect::<Vec<_>>().join(", ")));
        }
        if let Some(mail) = statement.mail {
            let (from, to) = (self.date_before(mail.from, mail.to), self.date(mail.to));
            let days = self.tell("certificate.reports_value", &[("from", &from), ("to", &to)]);
            facts.push((self.say("certificate.reports"), days));
            facts.push((self.say("certificate.messages"), self.number(mail.messages)));
            if let Some(share) = self.share(mail) {
                let values = [("share", &*share), ("messages", &self.number(mail.own))];
                facts.push((self.say("certificate.own"), self.tell("certificate.own_value", &values)));
            }
        }
        if let Some(lookups) = statement.spf_lookups {
            let value = self.tell("certificate.spf_value", &[("lookups", &lookups.to_string())]);
            facts.push((self.say("certificate.spf"), value));
        }
        facts
    }

    fn score(self, statement: &Statement) -> String {
        match statement.profile.as_str() {
            "default" => self.say("certificate.score_value").to_owned(),
            profile => self.tell("certificate.score_profile", &[("profile", profile)]),
        }
    }

    /// How much of the own mail passed. It is rounded down: nothing is 100 % that is not all of it.
    fn share(self, mail: Mail) -> Option<String> {
        let Mail { own, passed, .. } = mail;
        let tenths = u128::from(passed.min(own)) * 1_000 / u128::from(Some(own).filter(|own| *own > 0)?);
        let number = match tenths {
            1_000 => "100".to_owned(),
            _ => format!("{}{}{}", tenths / 10, self.say("certificate.decimal"), tenths % 10),
        };
        Some(self.tell("certificate.percent", &[("number", &number)]))
    }

    fn number(self, number: u64) -> String {
        let digits = number.to_string();
        let mut out = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                out.push_str(self.say("certificate.thousands"));
            }
            out.push(digit);
        }
        out
    }
}

/// A text in which no line ends after the hyphen of "e-mail".
fn unbroken(text: &str) -> String {
    text.replace("e-mail", "e\u{2011}mail").replace("E-mail", "E\u{2011}mail")
}

/// A domain as people know it: an internationalized one in its own script. The statement has it as it is in DNS.
pub(super) fn display(domain: &str) -> String {
    let (name, outcome) = idna::domain_to_unicode(domain);
    if outcome.is_ok() { name } else { domain.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{super::super::statement::tests::statement, *};

    const EN: Words = Words(Language::En);
    const NL: Words = Words(Language::Nl);

    #[test]
    fn dates_and_numbers_are_those_of_the_language() {
        let date = Date::from_days(20_778);
        assert_eq!((&*EN.date(date), &*NL.date(date)), ("21 November 2026", "21 november 2026"));
        assert_eq!(EN.moment(1_795_219_200 + 14 * 3_600 + 299), "21 November 2026, 14:04 UTC");
        let next: Date = "2027-01-02".parse().unwrap();
        assert_eq!(EN.date_before(date, next), "21 November 2026");
        assert_eq!(NL.date_before(date, date), "21 november");
        for month in 1..=12 {
            let date: Date = format!("2026-{month:02}-01").parse().unwrap();
            assert!(EN.date(date).len() > "1  2026".len() && NL.date(date).len() > "1  2026".len());
        }
        for (number, en, nl) in [(0, "0", "0"), (999, "999", "999"), (1_234_567, "1,234,567", "1.234.567")] {
            assert_eq!((&*EN.number(number), &*NL.number(number)), (en, nl));
        }
    }

    #[test]
    fn shares_are_not_rounded_up() {
        let share = |own, passed| {
            let mail = Mail { own, passed, ..statement().mail.unwrap() };
            (EN.share(mail), NL.share(mail))
        };
        let both = |en: &str, nl: &str| (Some(en.to_owned()), Some(nl.to_owned()));
        assert_eq!(share(100_000, 99_999), both("99.9%", "99,9%"));
        assert_eq!(share(3, 3), both("100%", "100%"));
        assert_eq!(share(u64::MAX, u64::MAX - 1), both("99.9%", "99,9%"));
        assert_eq!(share(0, 0), (None, None));
    }

    #[test]
    fn only_what_is_known_is_told() {
        let labels = |statement: &Statement| EN.facts(statement).len();
        assert_eq!(labels(&statement()), 8);
        let silent = Statement { mail: None, dkim: Vec::new(), spf_lookups: None, ..statement() };
        assert_eq!(labels(&silent), 3);
        for words in [EN, NL] {
            let parked = Statement { sends_mail: false, ..statement() };
            let lead = words.lead(&parked, "a.example");
            assert_ne!(lead, words.lead(&statement(), "a.example"));
            for text in words.facts(&statement()).iter().map(|(_, value)| value).chain([&lead]) {
                assert!(!text.contains('{') && !text.contains("certificate."), "{text}");
            }
        }
    }

    #[test]
    fn a_domain_is_shown_as_people_know_it() {
        assert_eq!(display("xn--bcher-kva.example"), "bücher.example");
        assert_eq!(display("customer.example"), "customer.example");
    }
}
