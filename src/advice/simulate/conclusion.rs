//! What the figures mean, in a sentence.

use std::fmt::{self, Write as _};

use super::{Coverage, Outcome, Published, Scenario, SenderOutcome, Tally, Verdict};
use crate::advice::Class;
use ruad_dns::dmarc::Alignment;

impl Outcome {
    /// What it comes to.
    pub fn conclusion(&self) -> String {
        match &self.verdict {
            Verdict::NoReports => self.no_reports(),
            Verdict::NobodyClassified => format!(
                "Whether legitimate mail would be lost cannot be told: no sender of {} has been sorted into legitimate and \
                 forged yet. {}",
                self.domain,
                capital(&self.fate_of(&self.all, "messages"))
            ),
            Verdict::WouldLose => self.losses(),
            Verdict::Undecided { sender, lost } => format!(
                "Whether legitimate mail would be lost cannot be told: {} messages of {sender}, about whom nothing is \
                 decided, would {}. Of the {} messages known to be legitimate none would be lost.",
                grouped(*lost),
                self.kind_of_loss(&self.all),
                grouped(self.legitimate.messages)
            ),
            Verdict::NothingLost if self.legitimate.messages == 0 => format!(
                "No legitimate message was reported at all: {}",
                self.fate_of(&self.all, "messages of others")
            ),
            Verdict::NothingLost => format!(
                "Of {} legitimate messages that were reported none would have been lost{}.",
                grouped(self.legitimate.messages),
                self.spared()
            ),
        }
    }

    /// The status with which a command ends.
    pub fn exit_code(&self) -> u8 {
        match self.verdict {
            Verdict::NothingLost => 0,
            Verdict::WouldLose => 1,
            Verdict::NoReports | Verdict::NobodyClassified | Verdict::Undecided { .. } => 3,
        }
    }

    /// What one has to know beside the figures.
    pub fn notes(&self) -> Vec<String> {
        let Coverage { from, to, days, reporters, .. } = self.coverage;
        let mut notes = Vec::new();
        if self.verdict != Verdict::NoReports {
            notes.push(format!(
                "{reporters} receiver{} reported on {days} of the {} days from {} to {}. What others received is not in these \
                 figures.",
                if reporters == 1 { "" } else { "s" },
                to.saturating_sub(from) + 1,
                date(from),
                date(to)
            ));
        }
        if let Some(published) = &self.published {
            notes.push(format!("The newest report shows {}.", published.text()));
            let scenario = &self.scenario;
            let differs = !published.sp.is_empty() && published.sp != scenario.policy.name();
            if scenario.subdomain_policy.is_none() && differs && published.sp != published.p {
                notes.push(format!(
                    "The record has sp={} now; without --sp it was left out, so that subdomains follow p={}.",
                    published.sp, scenario.policy
                ));
            }
        }
        if self.scenario.nonexistent_policy.is_some() {
            notes.push(
                "Reports do not tell which subdomains exist, so np changes nothing here: they count as sp says.".to_owned(),
            );
        }
        if self.all.would.spared > 0 {
            notes.push(
                "Spared: the message fails, but its receiver names a reason (forwarded, a mailing list, a trusted forwarder, \
                 a rule of its own) for which it delivered it and probably would again."
                    .to_owned(),
            );
        }
        if self.taken_on_trust > 0 {
            notes.push(format!(
                "{} messages pass by a verdict whose grounds the report does not list; it was left as it is.",
                grouped(self.taken_on_trust)
            ));
        }
        let undecided = self.classes.get(&Class::Undecided).map_or(0, |tally| tally.would.lost());
        if undecided > 0 && matches!(self.verdict, Verdict::NothingLost | Verdict::WouldLose) {
            notes.push(format!(
                "{} messages of senders about whom nothing is decided would be lost as well.",
                grouped(undecided)
            ));
        }
        let forwarders = self.classes.get(&Class::Forwarder).map_or(0, |tally| tally.would.lost());
        if forwarders > 0 {
            notes.push(format!(
                "{} messages that came through forwarders would be lost as well; somebody wrote them, but nobody can tell \
                 whether it was you.",
                grouped(forwarders)
            ));
        }
        notes
    }

    fn no_reports(&self) -> String {
        let days = self.coverage.to.saturating_sub(self.coverage.from) + 1;
        let newest = match self.coverage.newest {
            Some(day) => format!("the newest is of {}", date(day)),
            None => "there have never been any".to_owned(),
        };
        format!(
            "There are no reports about {} from the last {days} days ({newest}), so nothing can be told about its mail.",
            self.domain
        )
    }

    fn losses(&self) -> String {
        let Tally { messages, would, worse, .. } = self.legitimate;
        let mut text =
            format!("Of {} legitimate messages {}", grouped(messages), self.parts(&self.legitimate));
        let losing: Vec<&SenderOutcome> = self
            .senders
            .iter()
            .filter(|one| one.class.is_legitimate() && one.tally.would.lost() > 0)
            .collect();
        // Writing to a string does not fail.
        match losing.as_slice() {
            [] => Ok(()),
            [only] => write!(text, ", all from {}", only.name),
            [first, others @ ..] => write!(
                text,
                ", {} of them from {} and the others from {}",
                grouped(first.tally.would.lost()),
                first.name,
                match others {
                    [second] => second.name.clone(),
                    others => format!("{} more senders", others.len()),
                }
            ),
        }
        .unwrap_or_default();
        let already = would.lost() - worse.min(would.lost());
        if already > 0 {
            write!(text, " ({} fared no better as it was)", grouped(already)).unwrap_or_default();
        }
        text + &self.spared() + "."
    }

    /// "31 (0.2 %) would have been rejected and 4 (0.1 %) put into quarantine".
    fn parts(&self, tally: &Tally) -> String {
        let part = |count: u64| format!("{} ({})", grouped(count), percent(count, tally.messages));
        match (tally.would.rejected, tally.would.quarantined) {
            (rejected, 0) => format!("{} would have been rejected", part(rejected)),
            (0, quarantined) => format!("{} would have been put into quarantine", part(quarantined)),
            (rejected, quarantined) => format!(
                "{} would have been rejected and {} put into quarantine",
                part(rejected),
                part(quarantined)
            ),
        }
    }

    fn fate_of(&self, tally: &Tally, what: &str) -> String {
        match tally.would.lost() {
            0 => format!(
                "of {} {what} none would have been rejected or put into quarantine.",
                grouped(tally.messages)
            ),
            _ => format!("of {} {what} {}.", grouped(tally.messages), self.parts(tally)),
        }
    }

    fn kind_of_loss(&self, tally: &Tally) -> &'static str {
        match (tally.would.rejected, tally.would.quarantined) {
            (_, 0) => "have been rejected",
            (0, _) => "have been put into quarantine",
            _ => "have been rejected or put into quarantine",
        }
    }

    fn spared(&self) -> String {
        match self.legitimate.would.spared {
            0 => String::new(),
            spared => format!(
                "; {} more fail, but their receivers name a reason to deliver them all the same",
                grouped(spared)
            ),
        }
    }
}

impl fmt::Display for Scenario {
    /// The tags of the record.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p={}", self.policy)?;
        for (tag, policy) in [("sp", self.subdomain_policy), ("np", self.nonexistent_policy)] {
            if let Some(policy) = policy {
                write!(f, "; {tag}={policy}")?;
            }
        }
        for (tag, alignment) in [("adkim", self.dkim_alignment), ("aspf", self.spf_alignment)] {
            match alignment {
                Some(Alignment::Relaxed) => write!(f, "; {tag}=r")?,
                Some(Alignment::Strict) => write!(f, "; {tag}=s")?,
                None => {}
            }
        }
        Ok(())
    }
}

impl Published {
    fn text(&self) -> String {
        let tags = [("p", &self.p), ("sp", &self.sp), ("adkim", &self.adkim), ("aspf", &self.aspf)];
        let tags = tags.iter().filter(|(_, value)| !value.is_empty());
        tags.map(|(tag, value)| format!("{tag}={value}")).collect::<Vec<_>>().join("; ")
    }
}

/// A number as people read it: 12,408.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share with a digit behind the point. What is not nothing does not look like it, nor all what is not all.
fn percent(part: u64, whole: u64) -> String {
    let share = part as f64 * 100.0 / whole.max(1) as f64;
    match share {
        _ if part == 0 => "0 %".to_owned(),
        _ if part == whole => "100 %".to_owned(),
        ..0.05 => "less than 0.1 %".to_owned(),
        99.95.. => "more than 99.9 %".to_owned(),
        _ => format!("{share:.1} %"),
    }
}

/// A day, counted from 1970.
fn date(day: u32) -> String {
    let text = mail_parser::DateTime::from_timestamp(i64::from(day) * 86_400).to_rfc3339();
    text.split('T').next().unwrap_or_default().to_owned()
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advice::simulate::{Classified, Portion, Simulation};
    use ruad_dns::dmarc::Policy;

    fn conclude(
        policy: Policy,
        subdomains: Option<Policy>,
        portions: &[(&str, u64, bool, &str)],
    ) -> (u8, String) {
        let named =
            |sender: &str, name: &str, class| Classified { sender: sender.into(), name: name.into(), class };
        let classified = vec![
            named("service:mailchimp", "Mailchimp", Class::NeedsWork),
            named("service:google", "Google Workspace", Class::Aligned),
            named("service:zendesk", "Zendesk", Class::NeedsWork),
            named("net:AS64500", "AS64500", Class::Threat),
        ];
        let scenario = Scenario {
            policy,
            subdomain_policy: subdomains,
            nonexistent_policy: None,
            dkim_alignment: None,
            spf_alignment: None,
        };
        let mut simulation = Simulation::new(scenario, classified);
        for (sender, messages, passes, subdomain) in portions {
            simulation.add(Portion {
                sender: (*sender).into(),
                subdomain: (*subdomain).into(),
                spf_said: *passes,
                disposition: "none".into(),
                messages: *messages,
                ..Portion::default()
            });
        }
        let coverage = Coverage { from: 20_000, to: 20_029, days: 28, reporters: 3, newest: Some(19_723) };
        let outcome = simulation.finish("example.com", coverage, None, 0.01);
        (outcome.exit_code(), outcome.conclusion())
    }

    #[test]
    fn the_sentence_says_who_loses_what() {
        let google = ("service:google", 12_377, true, "");
        let (code, text) = conclude(Policy::Reject, None, &[google, ("service:mailchimp", 31, false, "")]);
        assert_eq!(
            (code, text.as_str()),
            (1, "Of 12,408 legitimate messages 31 (0.2 %) would have been rejected, all from Mailchimp.")
        );
        let more =
            [google, ("service:mailchimp", 20, false, ""), ("service:zendesk", 11, false, "a.example.com")];
        let (code, text) = conclude(Policy::Reject, Some(Policy::Quarantine), &more);
        assert_eq!(code, 1);
        assert_eq!(
            text,
            "Of 12,408 legitimate messages 20 (0.2 %) would have been rejected and 11 (0.1 %) put into quarantine, 20 of \
             them from Mailchimp and the others from Zendesk."
        );
        let (code, text) = conclude(Policy::Reject, None, &[google, ("net:AS64500", 9_000, false, "")]);
        assert_eq!(code, 0);
        assert_eq!(text, "Of 12,377 legitimate messages that were reported none would have been lost.");
    }

    #[test]
    fn what_is_not_known_is_never_fine() {
        let (code, text) = conclude(Policy::Reject, None, &[]);
        assert_eq!(code, 3);
        assert_eq!(
            text,
            "There are no reports about example.com from the last 30 days (the newest is of 2024-01-01), so nothing can be \
             told about its mail."
        );
        let unknown = [("service:google", 900, true, ""), ("net:AS64999", 100, false, "")];
        let (code, text) = conclude(Policy::Quarantine, None, &unknown);
        assert_eq!(code, 3);
        assert_eq!(
            text,
            "Whether legitimate mail would be lost cannot be told: 100 messages of AS64999, about whom nothing is decided, \
             would have been put into quarantine. Of the 900 messages known to be legitimate none would be lost."
        );
    }

    #[test]
    fn numbers_as_people_read_them() {
        for (number, text) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (12_408, "12,408"), (1_234_567, "1,234,567")]
        {
            assert_eq!(grouped(number), text);
        }
        for (part, whole, text) in [
            (0, 0, "0 %"),
            (0, 7, "0 %"),
            (7, 7, "100 %"),
            (1, 1_000_000, "less than 0.1 %"),
            (999_999, 1_000_000, "more than 99.9 %"),
            (31, 12_408, "0.2 %"),
            (1, 3, "33.3 %"),
        ] {
            assert_eq!(percent(part, whole), text);
        }
    }
}
