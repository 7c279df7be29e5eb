use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

use super::{
    Classified, Coverage, Outcome, Portion, Published, Scenario, SenderOutcome, SubdomainOutcome, Tally,
    Verdict,
};
use crate::advice::Class;

/// Adds portions up, in memory that does not depend on how many there are.
#[derive(Debug)]
pub struct Simulation {
    scenario: Scenario,
    classified: HashMap<String, Classified>,
    senders: HashMap<String, Tally>,
    subdomains: HashMap<String, (Tally, u64)>,
    classes: BTreeMap<Class, Tally>,
    all: Tally,
    legitimate: Tally,
    domain_itself: Tally,
    below: Tally,
    taken_on_trust: u64,
}

impl Simulation {
    /// Nothing added up yet.
    pub fn new(scenario: Scenario, classified: Vec<Classified>) -> Self {
        Self {
            scenario,
            classified: classified.into_iter().map(|one| (one.sender.clone(), one)).collect(),
            senders: HashMap::new(),
            subdomains: HashMap::new(),
            classes: BTreeMap::new(),
            all: Tally::default(),
            legitimate: Tally::default(),
            domain_itself: Tally::default(),
            below: Tally::default(),
            taken_on_trust: 0,
        }
    }

    /// Adds messages. Those that come first are told apart by sender; past a bound new senders are added up together.
    pub fn add(&mut self, portion: Portion) {
        let (was, would) = (portion.fate(), self.scenario.judge(&portion));
        let tally = Tally::of(portion.messages, was, would);
        let class = self.class(&portion.sender);
        if self.scenario.is_taken_on_trust(&portion) {
            self.taken_on_trust = self.taken_on_trust.saturating_add(portion.messages);
        }
        self.all.add(&tally);
        self.classes.entry(class).or_default().add(&tally);
        if class.is_legitimate() {
            self.legitimate.add(&tally);
        }
        if portion.is_subdomain() {
            self.below.add(&tally);
            let (all, lost) = self.subdomains.entry(portion.subdomain).or_default();
            all.add(&tally);
            *lost = lost.saturating_add(if class.is_legitimate() { tally.would.lost() } else { 0 });
        } else {
            self.domain_itself.add(&tally);
        }
        let is_full = self.senders.len() >= MOST_COUNTED && !self.senders.contains_key(&portion.sender);
        let sender = if is_full { OTHERS.to_owned() } else { portion.sender };
        self.senders.entry(sender).or_default().add(&tally);
    }

    /// What it comes to.
    pub fn finish(
        mut self,
        domain: &str,
        coverage: Coverage,
        published: Option<Published>,
        undecided_share: f64,
    ) -> Outcome {
        let verdict = self.verdict(undecided_share);
        let mut by_subdomain: Vec<_> = std::mem::take(&mut self.subdomains)
            .into_iter()
            .map(|(subdomain, (tally, legitimate_lost))| SubdomainOutcome {
                subdomain,
                tally,
                legitimate_lost,
            })
            .collect();
        by_subdomain.sort_by(|a, b| {
            let key = |one: &SubdomainOutcome| (one.subdomain == "*", Reverse(one.tally.messages));
            key(a).cmp(&key(b)).then_with(|| a.subdomain.cmp(&b.subdomain))
        });
        Outcome {
            domain: domain.to_owned(),
            senders: self.shown(),
            scenario: self.scenario,
            published,
            coverage,
            all: self.all,
            legitimate: self.legitimate,
            domain_itself: self.domain_itself,
            subdomains: self.below,
            classes: self.classes,
            by_subdomain,
            taken_on_trust: self.taken_on_trust,
            verdict,
        }
    }

    fn verdict(&self, undecided_share: f64) -> Verdict {
        if self.all.messages == 0 {
            return Verdict::NoReports;
        }
        if self.legitimate.would.lost() > 0 {
            return Verdict::WouldLose;
        }
        if self.classified.is_empty() {
            return Verdict::NobodyClassified;
        }
        let limit = self.all.messages as f64 * undecided_share;
        let doubtful = self
            .senders
            .iter()
            .filter(|(sender, tally)| {
                // All others together are many, none of whom matters by itself.
                self.class(sender) == Class::Undecided
                    && sender.as_str() != OTHERS
                    && tally.would.lost() > 0
                    && tally.messages as f64 > limit
            })
            .max_by_key(|(sender, tally)| (tally.would.lost(), sender.as_str()));
        match doubtful {
            Some((sender, tally)) => {
                Verdict::Undecided { sender: self.name(sender), lost: tally.would.lost() }
            }
            None => Verdict::NothingLost,
        }
    }

    /// The senders that are shown, and the others together.
    fn shown(&mut self) -> Vec<SenderOutcome> {
        let others = self.senders.remove(OTHERS);
        let mut senders: Vec<_> = std::mem::take(&mut self.senders)
            .into_iter()
            .map(|(sender, tally)| SenderOutcome {
                name: self.name(&sender),
                class: self.class(&sender),
                sender,
                tally,
            })
            .collect();
        senders.sort_by(|a, b| {
            let lost =
                |one: &SenderOutcome| if one.class.is_legitimate() { one.tally.would.lost() } else { 0 };
            let key = |one: &SenderOutcome| (lost(one), one.tally.messages);
            key(b).cmp(&key(a)).then_with(|| a.sender.cmp(&b.sender))
        });
        let mut rest = others.unwrap_or_default();
        senders.drain(MOST_SHOWN.min(senders.len())..).for_each(|one| rest.add(&one.tally));
        if rest.messages > 0 {
            let class = self.class(OTHERS);
            senders.push(SenderOutcome {
                sender: OTHERS.to_owned(),
                name: self.name(OTHERS),
                class,
                tally: rest,
            });
        }
        senders
    }

    /// The class of the sender, or of all others together when it is none of those that were told apart.
    fn class(&self, sender: &str) -> Class {
        let known = self.classified.get(sender).or_else(|| self.classified.get(OTHERS));
        known.map_or(Class::Undecided, |known| known.class)
    }

    fn name(&self, sender: &str) -> String {
        match self.classified.get(sender).map(|known| known.name.as_str()) {
            Some(name) if !name.is_empty() => name.to_owned(),
            _ if sender == OTHERS => "all others".to_owned(),
            _ => sender.split_once(':').map_or(sender, |(_, rest)| rest).to_owned(),
        }
    }
}

/// All that are not told apart, as the adviser calls them.
const OTHERS: &str = "net:others";
/// Senders counted one by one; a domain that everybody forges has more.
const MOST_COUNTED: usize = 10_000;
const MOST_SHOWN: usize = 100;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::advice::simulate::{Fates, scenario::tests::portions};
    use ruad_dns::dmarc::{Alignment, Policy};

    fn scenario(policy: Policy) -> Scenario {
        Scenario {
            policy,
            subdomain_policy: None,
            nonexistent_policy: None,
            dkim_alignment: None,
            spf_alignment: None,
        }
    }

    fn classified(of: &[(&str, Class)]) -> Vec<Classified> {
        let one = |(sender, class): &(&str, Class)| Classified {
            sender: (*sender).to_owned(),
            name: String::new(),
            class: *class,
        };
        of.iter().map(one).collect()
    }

    fn failing(sender: &str, messages: u64) -> Portion {
        Portion { sender: sender.to_owned(), disposition: "none".into(), messages, ..Portion::default() }
    }

    fn passing(sender: &str, messages: u64) -> Portion {
        Portion { spf_said: true, ..failing(sender, messages) }
    }

    fn outcome(policy: Policy, of: &[(&str, Class)], portions: Vec<Portion>) -> Outcome {
        let mut simulation = Simulation::new(scenario(policy), classified(of));
        portions.into_iter().for_each(|portion| simulation.add(portion));
        simulation.finish("example.com", Coverage::default(), None, 0.01)
    }

    #[test]
    fn only_what_is_legitimate_can_be_lost() {
        let of = [("service:a", Class::NeedsWork), ("net:x", Class::Threat), ("net:y", Class::Undecided)];
        let threat = vec![passing("service:a", 1000), failing("net:x", 500), failing("net:y", 9)];
        let outcome_of = |policy, portions| outcome(policy, &of, portions);
        let fine = outcome_of(Policy::Reject, threat.clone());
        assert_eq!(fine.verdict, Verdict::NothingLost);
        assert_eq!((fine.all.would.rejected, fine.legitimate.would.rejected), (509, 0));
        let mut portions = threat;
        portions.push(failing("service:a", 1));
        let bad = outcome_of(Policy::Reject, portions.clone());
        assert_eq!(bad.verdict, Verdict::WouldLose);
        assert_eq!(
            (bad.legitimate.messages, bad.legitimate.would.rejected, bad.legitimate.worse),
            (1001, 1, 1)
        );
        assert_eq!(bad.senders[0].sender, "service:a");
        assert_eq!(outcome_of(Policy::None, portions).verdict, Verdict::NothingLost);
    }

    #[test]
    fn nothing_is_called_safe_that_is_not_known_to_be() {
        assert_eq!(outcome(Policy::Reject, &[], vec![]).verdict, Verdict::NoReports);
        assert_eq!(
            outcome(Policy::Reject, &[], vec![passing("service:a", 5)]).verdict,
            Verdict::NobodyClassified
        );
        let of = [("service:a", Class::Aligned)];
        let many = outcome(Policy::Reject, &of, vec![passing("service:a", 98), failing("net:y", 2)]);
        assert_eq!(many.verdict, Verdict::Undecided { sender: "y".into(), lost: 2 });
        let few = outcome(Policy::Reject, &of, vec![passing("service:a", 198), failing("net:y", 2)]);
        assert_eq!(few.verdict, Verdict::NothingLost);
    }

    #[test]
    fn those_not_told_apart_are_what_all_others_are() {
        let of = [("service:a", Class::Aligned), ("net:others", Class::Threat)];
        let outcome = outcome(Policy::Reject, &of, vec![passing("service:a", 9), failing("net:y", 90)]);
        assert_eq!(outcome.verdict, Verdict::NothingLost);
        assert_eq!(outcome.classes[&Class::Threat].would.rejected, 90);
    }

    #[test]
    fn memory_is_bounded_and_nobody_is_forgotten() {
        let portions = (0..30_000_u64).map(|number| failing(&format!("net:{number}"), 30_000 - number));
        let outcome = outcome(Policy::Reject, &[("service:a", Class::Aligned)], portions.collect());
        assert_eq!(outcome.senders.len(), MOST_SHOWN + 1);
        assert_eq!(outcome.senders[0].sender, "net:0");
        assert_eq!(outcome.senders[MOST_SHOWN].sender, OTHERS);
        let sum: u64 = outcome.senders.iter().map(|one| one.tally.messages).sum();
        assert_eq!((sum, outcome.all.messages), (450_015_000, 450_015_000));
    }

    #[test]
    fn what_fares_worse_is_told_from_what_is_lost_already() {
        let refused = Portion { disposition: "reject".into(), ..failing("service:a", 3) };
        let kept = Portion { disposition: "quarantine".into(), ..failing("service:a", 4) };
        let of = [("service:a", Class::NeedsWork)];
        let outcome = outcome(Policy::Reject, &of, vec![refused, kept, failing("service:a", 5)]);
        let Tally { was, would, worse, .. } = outcome.legitimate;
        assert_eq!((was.delivered, was.quarantined, was.rejected), (5, 4, 3));
        assert_eq!((would.rejected, worse), (12, 9));
    }

    proptest! {
        #[test]
        fn every_message_is_somewhere_and_strict_delivers_no_more(
            portions in proptest::collection::vec(portions(), 1..40)
        ) {
            let run = |scenario: Scenario| {
                let mut simulation = Simulation::new(scenario, classified(&[("service:google", Class::Aligned)]));
                portions.iter().cloned().for_each(|portion| simulation.add(portion));
                simulation.finish("example.com", Coverage::default(), None, 0.01)
            };
            let sum = |fates: &Fates| fates.delivered + fates.spared + fates.quarantined + fates.rejected;
            let of = |policy, alignment| Scenario {
                dkim_alignment: Some(alignment),
                spf_alignment: Some(alignment),
                ..scenario(policy)
            };
            let mut delivered = Vec::new();
            for policy in [Policy::None, Policy::Quarantine, Policy::Reject] {
                let [relaxed, strict] =
                    [Alignment::Relaxed, Alignment::Strict].map(|alignment| run(of(policy, alignment)));
                for outcome in [&relaxed, &strict] {
                    let Tally { messages, was, would, worse } = outcome.all;
                    prop_assert!(sum(&was) == messages && sum(&would) == messages && worse <= would.lost());
                    prop_assert_eq!(outcome.domain_itself.messages + outcome.subdomains.messages, messages);
                    let below: u64 = outcome.by_subdomain.iter().map(|one| one.tally.messages).sum();
                    prop_assert_eq!(below, outcome.subdomains.messages);
                }
                prop_assert!(strict.all.would.delivered <= relaxed.all.would.delivered);
                prop_assert!(strict.all.would.lost() >= relaxed.all.would.lost());
                delivered.push(strict.all.would.delivered);
            }
            prop_assert!(delivered[2] <= delivered[1] && delivered[1] <= delivered[0]);
        }
    }
}
