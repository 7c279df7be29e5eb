//! Asks questions and validates the answers from the root's keys down (RFC 4035), by itself: what a server says
//! about an answer (the AD bit, or SERVFAIL for what it holds for forged) is not asked for.

mod denial;
mod judged;
mod upstream;

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use hickory_resolver::{
    net::{
        DnsError, NetError,
        dnssec::DnssecDnsHandle,
        xfer::{DnsHandle, FirstAnswer},
    },
    proto::{
        dnssec::TrustAnchors,
        op::{DnsRequestOptions, Query, ResponseCode},
        rr::{Name, RecordType, rdata::TLSA},
        serialize::txt::trust_anchor::{Entry, Parser},
    },
};
use tokio::time::timeout;

use super::{
    Answer, Mx, Resolver, ResolverError, Settings, Trouble, Ttls, asked::Asked, bounds::weight,
    patience::Patience, resolver,
};
use upstream::Upstream;

pub use judged::{Judged, Proof};

/// Validates answers, with a cache of its own. Cheap to clone; clones share the cache and the bound.
#[derive(Clone)]
pub struct Validator {
    upstream: Upstream,
    handle: DnssecDnsHandle<Upstream>,
    anchors: Arc<TrustAnchors>,
    /// The zones whose keys are trusted.
    roots: Arc<[Name]>,
    /// The root that was found last not to validate itself, and when.
    broken: Arc<Mutex<Option<(Name, Instant)>>>,
    options: DnsRequestOptions,
    examination: Option<Examination>,
    ttls: Option<Ttls>,
}

/// What is known during the examination of one domain.
#[derive(Clone)]
struct Examination {
    patience: Patience,
    /// Asks without validation.
    plain: Resolver,
    asked: Asked<Judged>,
    /// The domain's zone, once it is proven to be unsigned.
    unsigned: Arc<OnceLock<Name>>,
}

impl Validator {
    /// A validator that has at most `outstanding` questions open at once and remembers `cache_entries` answers.
    ///
    /// # Errors
    ///
    /// When no server is configured and the system's configuration cannot be used, or when the file of trust
    /// anchors is none.
    pub fn new(settings: &Settings, cache_entries: u64, outstanding: usize) -> Result<Self, ResolverError> {
        let (config, options) = settings.upstream()?;
        let (anchors, roots) = match &settings.trust_anchor {
            Some(path) => read_anchors(path)?,
            None => (TrustAnchors::default(), vec![Name::root()]),
        };
        let anchors = Arc::new(anchors);
        let mut asked = DnsRequestOptions::default();
        asked.use_edns = true;
        asked.edns_set_dnssec_ok = true;
        asked.edns_payload_len = options.edns_payload_len;
        asked.case_randomization = options.case_randomization;
        let upstream = Upstream::new(config, options, cache_entries, outstanding)?;
        let proofs = usize::try_from(cache_entries).unwrap_or(usize::MAX).max(PROOFS);
        let handle = DnssecDnsHandle::with_trust_anchor(upstream.clone(), anchors.clone())
            .validation_cache_size(proofs.saturating_mul(2))
            .nsec3_iteration_limits(None, Some(u16::MAX));
        Ok(Self {
            upstream,
            handle,
            anchors,
            roots: roots.into(),
            broken: Arc::default(),
            options: asked,
            examination: None,
            ttls: None,
        })
    }

    /// Asks for the records of a type at a name, following aliases.
    pub async fn ask(&self, name: &str, kind: RecordType) -> Judged {
        let judged = self.judged(name, kind).await;
        if let Some(ttls) = &self.ttls {
            ttls.present(&judged.answers);
            if judged.exists.is_err() && judged.proof.trouble().is_none() {
                ttls.absent_by(&judged.authorities);
            }
        }
        judged
    }

    /// The same validator, which notes until when the answers may be given again.
    pub fn noting(&self, ttls: &Ttls) -> Self {
        Self { ttls: Some(ttls.clone()), ..self.clone() }
    }

    async fn judged(&self, name: &str, kind: RecordType) -> Judged {
        let Ok(mut asked) = Name::from_ascii(name) else { return Judged::unknown(Trouble::BadName) };
        asked.set_fqdn(true);
        let Some(examination) = &self.examination else { return self.judge_in_time(asked, kind).await };
        if examination.patience.is_over(name) {
            return Judged::unknown(Trouble::Timeout);
        }
        let budget = examination.patience.budget();
        if budget.is_spent() {
            return Judged::unknown(Trouble::TooMuch);
        }
        let judge = Box::pin(async {
            budget.ask();
            let judged = match examination.ask(&asked, kind).await {
                Some(judged) => judged,
                None => self.judge_in_time(asked.clone(), kind).await,
            };
            let is_held = budget.hold(weight(judged.answers.iter().chain(&judged.authorities)));
            if is_held { judged } else { Judged::unknown(Trouble::TooMuch) }
        });
        let judged = examination.asked.once(&asked, kind, judge).await;
        examination.patience.note(name, judged.proof.trouble());
        judged
    }

    /// The same validator for the examination of one domain, which asks `plain` where nothing is signed.
    pub(super) fn patient(&self, patience: &Patience, plain: &Resolver) -> Self {
        let examination = Examination {
            patience: patience.clone(),
            plain: plain.clone(),
            asked: Asked::default(),
            unsigned: Arc::default(),
        };
        Self { examination: Some(examination), ..self.clone() }
    }

    /// Finds out whether the zone a domain is in is signed. When it is not, the rest of the examination can spare itself
    /// the search for what it would validate answers with. `is_delegated` when the domain has name servers of its own.
    pub(super) async fn look_for_signatures(&self, domain: &str, is_delegated: bool) {
        let Some(examination) = &self.examination else { return };
        if is_delegated && let Some(zone) = self.unsigned_delegation(examination, domain).await {
            examination.unsigned.get_or_init(|| zone);
            return;
        }
        let mut judged = self.ask(domain, RecordType::SOA).await;
        let Some(zone) = judged.zone().filter(|_| judged.proof == Proof::Insecure) else { return };
        if zone != domain {
            judged = self.ask(&zone, RecordType::SOA).await;
        }
        let Some(zone) = judged.unsigned_zone() else { return };
        if !self.roots.iter().any(|root| zone.zone_of(root)) {
            // Found once in an examination.
            examination.unsigned.get_or_init(|| zone);
        }
    }

    /// The short way for most domains: the zone above proves that it delegates the name without keys, and the name has none.
    /// A zone that has keys, for which nobody vouches, goes the long way: there is something to say about its signatures.
    async fn unsigned_delegation(&self, examination: &Examination, domain: &str) -> Option<Name> {
        let mut name = Name::from_ascii(domain).ok()?;
        name.set_fqdn(true);
        if self.roots.iter().any(|root| name.zone_of(root)) {
            return None;
        }
        if !self.ask(domain, RecordType::DS).await.is_unsigned_delegation(&name) {
            return None;
        }
        let keys = examination.plain.lookup(&name, RecordType::DNSKEY).await;
        let has_none = matches!(
            keys.as_ref(),
            Err(NetError::Dns(DnsError::NoRecordsFound(none))) if none.response_code == ResponseCode::NoError
        );
        has_none.then_some(name)
    }

    /// The hosts that receive a domain's mail.
    pub async fn mx(&self, name: &str) -> (Answer<Mx>, Proof) {
        let judged = self.ask(name, RecordType::MX).await;
        (judged.answer(resolver::as_mx), judged.proof)
    }

    /// The TLSA records of a name.
    pub async fn tlsa(&self, name: &str) -> (Answer<TLSA>, Proof) {
        let judged = self.ask(name, RecordType::TLSA).await;
        (judged.answer(resolver::as_tlsa), judged.proof)
    }

    /// On a task of its own, for the same reason as the questions of [`Resolver`].
    async fn judge_in_time(&self, name: Name, kind: RecordType) -> Judged {
        let validator = self.clone();
        let judged = tokio::spawn(async move { timeout(LONGEST, validator.judge(name, kind)).await });
        match judged.await {
            Ok(Ok(judged)) => judged,
            Ok(Err(_)) => Judged::unknown(Trouble::Timeout),
            // The runtime ends.
            Err(_) => Judged::unknown(Trouble::Network),
        }
    }

    async fn judge(&self, name: Name, kind: RecordType) -> Judged {
        let Some(root) = self.roots.iter().find(|root| root.zone_of(&name)) else {
            return Judged::unknown(Trouble::Unvalidated);
        };
        if self.is_broken(root) {
            return Judged::unknown(Trouble::Unvalidated);
        }
        let first = self.follow(&self.handle, name.clone(), kind).await;
        if first.proof != Proof::Bogus {
            return first;
        }
        // Rare, and a serious thing to say: once more without anything remembered, and with a note of every
        // question that was not answered. A chain with a hole in it proves nothing.
        let upstream = self.upstream.afresh();
        let handle = DnssecDnsHandle::with_trust_anchor(upstream.clone(), self.anchors.clone())
            .validation_cache_size(PROOFS)
            .nsec3_iteration_limits(None, Some(u16::MAX));
        let second = self.follow(&handle, name.clone(), kind).await;
        if second.proof != Proof::Bogus {
            return second;
        }
        if let Some(trouble) = upstream.trouble() {
            return Judged::unknown(trouble);
        }
        // Below an unsigned zone everything is unsigned, whatever it holds; the library takes a DS record there for one
        // that should be signed (0.26.3).
        if self.is_below_unsigned(&name).await {
            return Judged { proof: Proof::Insecure, ..second };
        }
        // A server that knows nothing of DNSSEC leaves signatures out, those of the root zone included.
        let proof = self.once(&handle, root.clone(), RecordType::SOA).await.proof;
        match (upstream.trouble(), proof) {
            (_, Proof::Secure) => second,
            (Some(trouble), _) | (None, Proof::Unknown(trouble)) => Judged::unknown(trouble),
            (None, Proof::Insecure | Proof::Bogus) => {
                *self.broken.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some((root.clone(), Instant::now()));
                Judged::unknown(Trouble::Unvalidated)
            }
        }
    }

    /// Whether nothing can be validated at present.
    fn is_broken(&self, root: &Name) -> bool {
        let broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        broken.as_ref().is_some_and(|(name, at)| name == root && at.elapsed() < BROKEN)
    }

    async fn is_below_unsigned(&self, name: &Name) -> bool {
        let mut above = name.base_name();
        while !above.is_root() {
            let judged = self.once(&self.handle, above.clone(), RecordType::SOA).await;
            if judged.proof == Proof::Insecure && judged.target(&above).is_none() {
                return true;
            }
            above = above.base_name();
        }
        false
    }

    /// Asks for a name, step by step when it is an alias and its answer does not hold: what denies something, or shows
    /// a wildcard, belongs to the alias's target and is judged under that name.
    async fn follow(&self, handle: &DnssecDnsHandle<Upstream>, mut name: Name, kind: RecordType) -> Judged {
        let mut passed: Option<Judged> = None;
        for _ in 0..ALIASES {
            let judged = self.once(handle, name.clone(), kind).await;
            if judged.proof != Proof::Bogus || kind == RecordType::CNAME {
                let Some(end) = judged.unfinished(&name, kind) else { return judged.after(passed) };
                passed = Some(judged.after(passed));
                name = end;
                continue;
            }
            let alias = self.once(handle, name.clone(), RecordType::CNAME).await;
            let Some(target) = alias.target(&name).filter(|_| alias.proof != Proof::Bogus) else {
                return judged.after(passed);
            };
            passed = Some(alias.after(passed));
            name = target;
        }
        Judged::unknown(Trouble::Network)
    }

    async fn once(&self, handle: &DnssecDnsHandle<Upstream>, name: Name, kind: RecordType) -> Judged {
        let query = Query::query(name.clone(), kind);
        match handle.lookup(query, self.options).first_answer().await {
            Ok(response) => Judged::of(response.into_message(), &name, kind, None),
            Err(NetError::Dns(DnsError::Nsec { response, proof, .. })) => {
                Judged::of(response.into_message(), &name, kind, Some(proof))
            }
            Err(error) => Judged::unknown(trouble(&error)),
        }
    }
}

impl Examination {
    /// An answer from the domain's zone when that is unsigned: an ordinary question does, and another check may have asked
    /// it. Nothing for what must be validated: the zone's DS records, which are in the zone above, and aliases, which may lead
    /// into a signed zone.
    async fn ask(&self, name: &Name, kind: RecordType) -> Option<Judged> {
        let zone = self.unsigned.get()?;
        if !zone.zone_of(name) || kind == RecordType::DS && zone == name {
            return None;
        }
        match self.plain.lookup(name, kind).await.as_ref() {
            Ok(lookup) => Judged::unsigned(name, lookup),
            Err(NetError::Dns(DnsError::NoRecordsFound(none))) => Judged::nothing_unsigned(none),
            Err(NetError::Timeout) => Some(Judged::unknown(Trouble::Timeout)),
            Err(_) => None,
        }
    }
}

/// Why an error leaves a question unanswered.
fn trouble(error: &NetError) -> Trouble {
    match error {
        // There are no signatures without EDNS.
        NetError::Dns(DnsError::ResponseCode(code)) if resolver::knows_no_edns(*code) => Trouble::Unvalidated,
        NetError::Dns(DnsError::ResponseCode(code)) => resolver::trouble(*code),
        NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
            code if resolver::knows_no_edns(code) => Trouble::Unvalidated,
            ResponseCode::NoError | ResponseCode::NXDomain => Trouble::Network,
            code => resolver::trouble(code),
        },
        NetError::Timeout => Trouble::Timeout,
        _ => Trouble::Network,
    }
}

fn read_anchors(path: &Path) -> Result<(TrustAnchors, Vec<Name>), ResolverError> {
    let text = fs::read_to_string(path)
        .map_err(|source| ResolverError::TrustAnchorFile { path: path.to_owned(), source })?;
    let wrong = |source| ResolverError::TrustAnchor { path: path.to_owned(), source: Box::new(source) };
    let entries = Parser::new(text.as_str()).parse().map_err(wrong)?;
    let roots: Vec<_> = entries.iter().filter_map(zone_of_key).collect();
    if roots.is_empty() {
        return Err(ResolverError::NoTrustAnchor { path: path.to_owned() });
    }
    Ok((text.parse().map_err(wrong)?, roots))
}

fn zone_of_key(entry: &Entry) -> Option<Name> {
    match entry {
        Entry::DNSKEY(record) => Some(record.name().clone()),
        _ => None,
    }
}

/// How long one question may take with all that its validation asks for.
const LONGEST: Duration = Duration::from_secs(30);
/// For how long nothing is asked once it was found that the root does not validate.
const BROKEN: Duration = Duration::from_secs(60);
/// How many aliases are followed, one after the other.
const ALIASES: usize = 8;
/// Proofs remembered at least.
const PROOFS: usize = 256;

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[tokio::test]
    async fn a_file_of_anchors_is_one() {
        let settings = |text: &str| {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(text.as_bytes()).unwrap();
            let settings = Settings { trust_anchor: Some(file.path().to_owned()), ..Settings::default() };
            (file, settings)
        };
        let key = ". IN DNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4= ; the root's\n";
        let (_file, fine) = settings(key);
        assert_eq!(*Validator::new(&fine, 10, 10).unwrap().roots, [Name::root()]);
        let wrong =
            [("", "holds no DNSKEY"), ("x", "holds no DNSKEY"), (". IN DS 1 2 3 00\n", "no file of DNSKEY")];
        for (text, words) in wrong {
            let (_file, wrong) = settings(text);
            let error = Validator::new(&wrong, 10, 10).err().unwrap().to_string();
            assert!(error.contains(words) && error.contains("dns.trust_anchor"), "{error}");
        }
        let missing = Settings { trust_anchor: Some("/nowhere/root.key".into()), ..Settings::default() };
        assert!(Validator::new(&missing, 10, 10).err().unwrap().to_string().contains("/nowhere/root.key"));
    }
}
