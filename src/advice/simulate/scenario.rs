use serde::{Deserialize, Serialize};

use ruad_dns::dmarc::{Alignment, Policy};

/// The record that is tried out. What is not varied stays as it was when the reports were written.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Scenario {
    /// `p`.
    pub policy: Policy,
    /// `sp`; `p` counts when there is none.
    pub subdomain_policy: Option<Policy>,
    /// `np`. Reports do not tell which subdomains exist, so it decides nothing here.
    pub nonexistent_policy: Option<Policy>,
    /// `adkim`; without it the receivers' own verdict counts.
    pub dkim_alignment: Option<Alignment>,
    /// `aspf`, likewise.
    pub spf_alignment: Option<Alignment>,
}

/// Messages that are alike in everything that decides.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, clickhouse::Row)]
pub struct Portion {
    /// Who sent them.
    pub sender: String,
    /// The subdomain in From, in lower case; empty for the domain itself, `*` for one that is not shown by name.
    pub subdomain: String,
    /// The receiver says that DKIM passed and was aligned.
    pub dkim_said: bool,
    /// The receiver says that SPF passed and was aligned.
    pub spf_said: bool,
    /// A signature that verified is of the same organization as From.
    pub dkim_relaxed: bool,
    /// A signature that verified is of the very domain in From.
    pub dkim_strict: bool,
    /// SPF passed for a domain of the same organization as From.
    pub spf_relaxed: bool,
    /// SPF passed for the very domain in From.
    pub spf_strict: bool,
    /// The receiver names a reason for which policies are not applied: forwarded, a mailing list, a trusted forwarder, a rule of
    /// its own.
    pub excused: bool,
    /// What the receiver did: `none`, `pass`, `quarantine`, `reject`, or nothing that is known.
    pub disposition: String,
    /// How many messages.
    pub messages: u64,
}

/// What becomes of a message, the mildest first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// It is delivered, as far as DMARC goes.
    Delivered,
    /// It fails, but for the reason the receiver names it would probably be delivered all the same.
    Spared,
    /// It is put into quarantine.
    Quarantined,
    /// It is refused.
    Rejected,
}

impl Scenario {
    /// What would become of these messages.
    pub fn judge(&self, portion: &Portion) -> Fate {
        if self.passes(portion) {
            return Fate::Delivered;
        }
        let policy = match portion.is_subdomain() {
            true => self.subdomain_policy.unwrap_or(self.policy),
            false => self.policy,
        };
        match policy {
            Policy::None => Fate::Delivered,
            // Whoever refused it in spite of the reason would do so again.
            _ if portion.excused && portion.fate() == Fate::Delivered => Fate::Spared,
            Policy::Quarantine => Fate::Quarantined,
            Policy::Reject => Fate::Rejected,
        }
    }

    /// Whether DMARC passes: aligned DKIM or aligned SPF does (RFC 9989 section 4.4).
    fn passes(&self, portion: &Portion) -> bool {
        let Portion { dkim_said, dkim_relaxed, dkim_strict, spf_said, spf_relaxed, spf_strict, .. } =
            *portion;
        aligned(self.dkim_alignment, dkim_said, dkim_relaxed, dkim_strict)
            || aligned(self.spf_alignment, spf_said, spf_relaxed, spf_strict)
    }

    /// Whether the result hangs on a verdict that the report gives no grounds for, so that it cannot be judged anew.
    pub fn is_taken_on_trust(&self, portion: &Portion) -> bool {
        let Portion { dkim_said, dkim_relaxed, dkim_strict, spf_said, spf_relaxed, spf_strict, .. } =
            *portion;
        let dkim = self.dkim_alignment.is_some() && dkim_said && !dkim_relaxed && !dkim_strict;
        let spf = self.spf_alignment.is_some() && spf_said && !spf_relaxed && !spf_strict;
        let is_sure = |alignment: Option<Alignment>, said, relaxed, strict| {
            let has_grounds = relaxed || strict;
            aligned(alignment, said, relaxed, strict) && (alignment.is_none() || has_grounds)
        };
        (dkim || spf)
            && !is_sure(self.dkim_alignment, dkim_said, dkim_relaxed, dkim_strict)
            && !is_sure(self.spf_alignment, spf_said, spf_relaxed, spf_strict)
    }
}

impl Portion {
    /// Whether the author is at a subdomain.
    pub fn is_subdomain(&self) -> bool {
        !self.subdomain.is_empty()
    }

    /// What the receiver did. What it does not say, it did not do.
    pub fn fate(&self) -> Fate {
        match self.disposition.as_str() {
            "reject" => Fate::Rejected,
            "quarantine" => Fate::Quarantined,
            _ => Fate::Delivered,
        }
    }
}

/// Whether a mechanism passes and is aligned. A receiver that says so without naming what it rests on is believed: many list
/// no results, or only some.
fn aligned(alignment: Option<Alignment>, said: bool, relaxed: bool, strict: bool) -> bool {
    match alignment {
        None => said,
        Some(_) if !relaxed && !strict => said,
        Some(Alignment::Relaxed) => true,
        Some(Alignment::Strict) => strict,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reject() -> Scenario {
        Scenario {
            policy: Policy::Reject,
            subdomain_policy: None,
            nonexistent_policy: None,
            dkim_alignment: None,
            spf_alignment: None,
        }
    }

    #[test]
    fn each_variation_changes_what_it_is_about() {
        let failing = Portion { disposition: "none".into(), messages: 1, ..Portion::default() };
        let below = Portion { subdomain: "a.example.com".into(), ..failing.clone() };
        let quarantine = Scenario { policy: Policy::Quarantine, ..reject() };
        let none = Scenario { policy: Policy::None, ..reject() };
        assert_eq!(reject().judge(&failing), Fate::Rejected);
        assert_eq!(quarantine.judge(&failing), Fate::Quarantined);
        assert_eq!(none.judge(&failing), Fate::Delivered);
        // Subdomains follow p until there is an sp; np is no matter.
        assert_eq!(reject().judge(&below), Fate::Rejected);
        let mild = Scenario {
            subdomain_policy: Some(Policy::None),
            nonexistent_policy: Some(Policy::Reject),
            ..reject()
        };
        assert_eq!((mild.judge(&below), mild.judge(&failing)), (Fate::Delivered, Fate::Rejected));
        let severe = Scenario { subdomain_policy: Some(Policy::Reject), ..none };
        assert_eq!((severe.judge(&below), severe.judge(&failing)), (Fate::Rejected, Fate::Delivered));
    }

    #[test]
    fn strict_alignment_wants_the_very_domain() {
        let relaxed = Portion { dkim_said: true, dkim_relaxed: true, ..Portion::default() };
        let exact = Portion { dkim_strict: true, ..relaxed.clone() };
        let strict = Scenario { dkim_alignment: Some(Alignment::Strict), ..reject() };
        assert_eq!((strict.judge(&relaxed), strict.judge(&exact)), (Fate::Rejected, Fate::Delivered));
        // It was judged strictly so far, and would pass from now on.
        let refused = Portion { dkim_relaxed: true, disposition: "reject".into(), ..Portion::default() };
        let lax = Scenario { dkim_alignment: Some(Alignment::Relaxed), ..reject() };
        assert_eq!((reject().judge(&refused), lax.judge(&refused)), (Fate::Rejected, Fate::Delivered));
        // SPF is another matter.
        let by_spf = Portion { spf_said: true, spf_relaxed: true, ..relaxed.clone() };
        assert_eq!(strict.judge(&by_spf), Fate::Delivered);
        let both = Scenario { spf_alignment: Some(Alignment::Strict), ..strict.clone() };
        assert_eq!(both.judge(&by_spf), Fate::Rejected);
        assert_eq!(both.judge(&Portion { spf_strict: true, ..by_spf }), Fate::Delivered);
    }

    #[test]
    fn a_verdict_without_grounds_is_believed_and_counted() {
        let strict = Scenario { dkim_alignment: Some(Alignment::Strict), ..reject() };
        let bare = Portion { dkim_said: true, ..Portion::default() };
        assert_eq!(strict.judge(&bare), Fate::Delivered);
        assert!(strict.is_taken_on_trust(&bare) && !reject().is_taken_on_trust(&bare));
        let by_spf = Portion { spf_said: true, ..bare };
        assert!(!strict.is_taken_on_trust(&by_spf), "SPF carries it");
        let failing = Portion { dkim_relaxed: true, ..Portion::default() };
        assert!(!strict.is_taken_on_trust(&failing));
    }

    #[test]
    fn a_reason_spares_only_what_was_delivered() {
        let forwarded = Portion { excused: true, disposition: "none".into(), ..Portion::default() };
        assert_eq!(reject().judge(&forwarded), Fate::Spared);
        let refused = Portion { disposition: "reject".into(), ..forwarded.clone() };
        assert_eq!(reject().judge(&refused), Fate::Rejected);
        let passing = Portion { spf_said: true, ..forwarded };
        assert_eq!(reject().judge(&passing), Fate::Delivered);
    }

    pub(in crate::advice::simulate) fn portions() -> impl Strategy<Value = Portion> {
        let flags = proptest::array::uniform7(any::<bool>());
        let dispositions = prop::sample::select(vec!["none", "pass", "quarantine", "reject", ""]);
        let subdomains = prop::sample::select(vec!["", "a.example.com", "*"]);
        (flags, dispositions, subdomains, 1..1000_u64).prop_map(
            |(flags, disposition, subdomain, messages)| {
                let [dkim_said, spf_said, dkim_relaxed, dkim_exact, spf_relaxed, spf_exact, excused] = flags;
                Portion {
                    sender: "service:google".into(),
                    subdomain: subdomain.into(),
                    dkim_said,
                    spf_said,
                    dkim_relaxed,
                    dkim_strict: dkim_relaxed && dkim_exact,
                    spf_relaxed,
                    spf_strict: spf_relaxed && spf_exact,
                    excused,
                    disposition: disposition.into(),
                    messages,
                }
            },
        )
    }

    const POLICIES: [Policy; 3] = [Policy::None, Policy::Quarantine, Policy::Reject];

    proptest! {
        #[test]
        fn what_is_stricter_never_delivers_more(portion in portions(), p in 0..3_usize, sp in 0..3_usize) {
            let of = |policy: usize, subdomain_policy: usize, dkim_alignment, spf_alignment| {
                Scenario {
                    policy: POLICIES[policy],
                    subdomain_policy: Some(POLICIES[subdomain_policy]),
                    nonexistent_policy: None,
                    dkim_alignment,
                    spf_alignment,
                }
                .judge(&portion)
            };
            let alignments = [None, Some(Alignment::Relaxed), Some(Alignment::Strict)];
            for other in alignments {
                let relaxed = of(p, sp, Some(Alignment::Relaxed), other);
                prop_assert!(of(p, sp, Some(Alignment::Strict), other) >= relaxed);
                let relaxed = of(p, sp, other, Some(Alignment::Relaxed));
                prop_assert!(of(p, sp, other, Some(Alignment::Strict)) >= relaxed);
                for dkim in alignments {
                    for higher in p..3 {
                        prop_assert!(of(higher, sp, dkim, other) >= of(p, sp, dkim, other));
                    }
                    for higher in sp..3 {
                        prop_assert!(of(p, higher, dkim, other) >= of(p, sp, dkim, other));
                    }
                }
            }
            prop_assert_eq!(of(0, 0, None, None), Fate::Delivered);
        }
    }
}
