//! What DNS says about a domain, as far as advice may rest on it.

use std::sync::Arc;

use crate::health::{posture::Posture, state::State};
use ruad_dns::Mechanism;

/// The posture of a domain, put together from what each mechanism said last for sure.
///
/// An answer that did not come, or a fact that has yet to be confirmed, leaves what was known: one block list that never
/// answers must not keep the rest from being believed, and one time-out must not look like a record that is gone. But
/// knowledge that is too old is none any more, and then the mechanism is unknown.
#[derive(Debug, Default)]
pub(super) struct Held {
    posture: Option<Arc<Posture>>,
    /// When each mechanism was told last; seconds since 1970, 0 for never.
    told: [u32; Mechanism::ALL.len()],
}

impl Held {
    /// Takes in what an examination found. `state` has it in it.
    pub(super) fn take(&mut self, mut new: Posture, state: &State) {
        let pending: Vec<_> = state.pending().collect();
        let now = u32::try_from(new.checked_at).unwrap_or(u32::MAX);
        let mut stale = Vec::new();
        for (mechanism, told) in Mechanism::ALL.into_iter().zip(&mut self.told) {
            let is_certain = state.is_settled(mechanism) && !pending.contains(&mechanism);
            if is_certain && new.knows(mechanism) {
                *told = now;
                continue;
            }
            new.unknown.insert(mechanism);
            if now.saturating_sub(*told) <= LONGEST_TRUST {
                stale.push(mechanism);
            }
        }
        let old = self.posture.take();
        if let Some(old) = &old {
            stale.into_iter().for_each(|mechanism| keep(mechanism, old, &mut new));
        }
        // Where not even the policy is known, there is nothing to begin with.
        self.posture = match old {
            None if !new.knows(Mechanism::Dmarc) => None,
            _ => {
                bound(&mut new);
                Some(Arc::new(new))
            }
        };
    }

    pub(super) fn posture(&self) -> Option<&Arc<Posture>> {
        self.posture.as_ref()
    }
}

/// Puts what the old posture knew of a mechanism in the place of what the new one does not know.
fn keep(mechanism: Mechanism, old: &Posture, new: &mut Posture) {
    // Everything is named, so that a field that is added has to be thought of.
    let Posture {
        domain: _,
        checked_at: _,
        unknown,
        findings,
        score: _,
        dmarc,
        policies,
        organization,
        unauthorized,
        reports_to_us,
        spf,
        spf_all,
        entries,
        keys,
        unknown_selectors,
        has_revoked_wildcard,
        receives,
        has_null_mx,
        mta_sts,
        mta_sts_mode,
        mta_sts_max_age,
        mail_hosts,
        has_tls_rpt,
        tls_rpt,
        has_bimi,
    } = old;
    if unknown.contains(&mechanism) {
        return;
    }
    match mechanism {
        Mechanism::Dmarc => {
            new.dmarc.clone_from(dmarc);
            (new.policies, new.reports_to_us) = (*policies, *reports_to_us);
            new.organization.clone_from(organization);
            new.unauthorized.clone_from(unauthorized);
        }
        Mechanism::Spf => {
            new.spf.clone_from(spf);
            new.spf_all = *spf_all;
            new.entries.clone_from(entries);
        }
        Mechanism::Dkim => {
            new.keys.clone_from(keys);
            new.unknown_selectors.clone_from(unknown_selectors);
            new.has_revoked_wildcard = *has_revoked_wildcard;
        }
        Mechanism::Mx => {
            (new.receives, new.has_null_mx) = (*receives, *has_null_mx);
            new.mail_hosts.clone_from(mail_hosts);
        }
        Mechanism::MtaSts => {
            new.mta_sts.clone_from(mta_sts);
            new.mta_sts_mode.clone_from(mta_sts_mode);
            new.mta_sts_max_age = *mta_sts_max_age;
        }
        Mechanism::TlsRpt => {
            new.has_tls_rpt = *has_tls_rpt;
            new.tls_rpt.clone_from(tls_rpt);
        }
        Mechanism::Bimi => new.has_bimi = *has_bimi,
        // Findings are all there is of them.
        Mechanism::Dnssec
        | Mechanism::Dane
        | Mechanism::Ns
        | Mechanism::Dnsbl
        | Mechanism::Reverse
        | Mechanism::Caa
        | Mechanism::Rpki => {}
    }
    let is_of = |name: &str| name.split('.').next() == Some(mechanism.name());
    new.findings.retain(|finding| !is_of(finding.code.name));
    new.findings.extend(findings.iter().filter(|finding| is_of(finding.code.name)).cloned());
    new.unknown.remove(&mechanism);
}

/// What a domain's owner publishes must not decide how much memory is taken: a term that stands for more networks than any
/// sender has cannot be judged.
fn bound(posture: &mut Posture) {
    let mut left = MOST_NETWORKS;
    for entry in &mut posture.entries {
        match left.checked_sub(entry.networks.len()) {
            Some(rest) => left = rest,
            None => {
                entry.networks = Vec::new();
                entry.is_complete = false;
            }
        }
        entry.networks.shrink_to_fit();
    }
    posture.findings.truncate(MOST_FINDINGS);
    posture.findings.shrink_to_fit();
    posture.keys.truncate(MOST_KEYS);
    posture.keys.shrink_to_fit();
    posture.entries.shrink_to_fit();
}

/// A week, in seconds.
const LONGEST_TRUST: u32 = 7 * 86_400;
const MOST_NETWORKS: usize = 2_000;
const MOST_FINDINGS: usize = 100;
const MOST_KEYS: usize = 200;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::health::posture::Entry;
    use ruad_dns::Check;

    const NOW: u64 = 1_800_000_000;

    fn posture(at: u64, spf: Option<&str>, unknown: &[Mechanism]) -> Posture {
        Posture {
            unknown: unknown.iter().copied().collect(),
            reports_to_us: Some(true),
            spf: spf.map(str::to_owned),
            ..Posture::empty("a.example", at)
        }
    }

    /// Every mechanism was examined, SPF with this record, or without an answer.
    fn observe(state: &mut State, at: u64, spf: Option<&str>) {
        let checks = Mechanism::ALL.map(|mechanism| {
            let mut check = Check::new(mechanism);
            match (mechanism, spf) {
                (Mechanism::Spf, Some(record)) => check.fact("record", record),
                (Mechanism::Spf, None) => {
                    check.unknown.push(ruad_dns::check::Unanswered {
                        name: "a.example".to_owned(),
                        trouble: ruad_dns::Trouble::Timeout,
                    });
                }
                _ => {}
            }
            check
        });
        state.observe(&checks, &BTreeSet::new(), at);
    }

    #[test]
    fn what_was_seen_once_is_not_believed() {
        let (mut held, mut state) = (Held::default(), State::default());
        observe(&mut state, NOW, Some("one"));
        held.take(posture(NOW, Some("one"), &[]), &state);
        assert!(held.posture().is_none(), "nothing is confirmed");
        observe(&mut state, NOW + 60, Some("one"));
        held.take(posture(NOW + 60, Some("one"), &[]), &state);
        assert_eq!(held.posture().unwrap().spf.as_deref(), Some("one"));

        observe(&mut state, NOW + 120, Some("two"));
        held.take(posture(NOW + 120, Some("two"), &[]), &state);
        let now = held.posture().unwrap();
        assert_eq!((now.spf.as_deref(), now.checked_at), (Some("one"), NOW + 120));
        assert!(now.knows(Mechanism::Spf));
        observe(&mut state, NOW + 180, Some("two"));
        held.take(posture(NOW + 180, Some("two"), &[]), &state);
        assert_eq!(held.posture().unwrap().spf.as_deref(), Some("two"));
    }

    #[test]
    fn what_is_not_answered_stays_as_it_was_for_a_week() {
        let (mut held, mut state) = (Held::default(), State::default());
        for at in [NOW, NOW + 60] {
            observe(&mut state, at, Some("one"));
            held.take(posture(at, Some("one"), &[]), &state);
        }
        let day = 86_400;
        observe(&mut state, NOW + day, None);
        held.take(posture(NOW + day, None, &[Mechanism::Spf]), &state);
        assert_eq!(held.posture().unwrap().spf.as_deref(), Some("one"));
        assert!(held.posture().unwrap().knows(Mechanism::Spf));
        observe(&mut state, NOW + 8 * day, None);
        held.take(posture(NOW + 8 * day, None, &[Mechanism::Spf]), &state);
        assert_eq!(held.posture().unwrap().spf, None);
        assert!(!held.posture().unwrap().knows(Mechanism::Spf), "an absence nobody may rest on");
    }

    #[test]
    fn a_domain_whose_policy_nobody_told_has_no_posture() {
        let (mut held, mut state) = (Held::default(), State::default());
        for at in [NOW, NOW + 60] {
            observe(&mut state, at, None);
            held.take(posture(at, None, &[Mechanism::Spf, Mechanism::Dmarc]), &state);
        }
        assert!(held.posture().is_none());
    }

    #[test]
    fn an_endless_record_is_not_held() {
        let network = ruad_dns::spf::Network::new("192.0.2.0".parse().unwrap(), 24);
        let entry = |count| Entry {
            term: "include:a.example".to_owned(),
            domain: None,
            networks: vec![network; count],
            is_complete: true,
            lookups: 1,
        };
        let mut posture = posture(NOW, Some("v=spf1"), &[]);
        posture.entries = vec![entry(10), entry(MOST_NETWORKS), entry(20)];
        bound(&mut posture);
        let told: Vec<_> =
            posture.entries.iter().map(|entry| (entry.networks.len(), entry.is_complete)).collect();
        assert_eq!(told, [(10, true), (0, false), (20, true)]);
    }
}
