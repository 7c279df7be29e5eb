use std::time::Duration;

use hickory_resolver::{
    lookup::Lookup,
    net::NoRecords,
    proto::{
        dnssec::{
            Proof as Given,
            rdata::{DNSSECRData, RRSIG},
        },
        op::{Message, ResponseCode},
        rr::{Name, RData, Record, RecordType},
    },
};
use serde::{Serialize, Serializer};

use super::denial::{is_needed, is_proven, is_unsigned_delegation};
use crate::{Answer, Found, Trouble, resolver::host};

/// What validation says about an answer, or about the proof that there is none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Proof {
    /// Signed, by a chain of keys that begins at a trust anchor.
    Secure,
    /// Proven to be unsigned.
    Insecure,
    /// Should be signed and validly is not: forged, damaged, expired or wrongly set up. Who validates sees nothing.
    Bogus,
    /// Could not be told.
    Unknown(Trouble),
}

/// An answer with what validation says about it.
#[derive(Clone, Debug)]
pub struct Judged {
    /// What validation says about all of it.
    pub proof: Proof,
    /// Whether there was an answer, and if not what kind of none.
    pub(super) exists: Result<(), ResponseCode>,
    /// The records of the answer, aliases and signatures included.
    pub answers: Vec<Record>,
    /// What shows that there is no answer, or none but that of a wildcard.
    pub authorities: Vec<Record>,
}

impl Judged {
    pub(super) fn unknown(trouble: Trouble) -> Self {
        Self {
            proof: Proof::Unknown(trouble),
            exists: Err(ResponseCode::NoError),
            answers: Vec::new(),
            authorities: Vec::new(),
        }
    }

    /// An answer from a zone that is proven to be unsigned; nothing for one that holds other names than the one asked for.
    pub(super) fn unsigned(name: &Name, lookup: &Lookup) -> Option<Self> {
        let (answers, authorities) = (lookup.answers().to_vec(), lookup.authorities().to_vec());
        if answers.iter().any(|record| record.name != *name || record.record_type() == RecordType::CNAME) {
            return None;
        }
        let exists = if answers.is_empty() { Err(ResponseCode::NoError) } else { Ok(()) };
        Some(Self { proof: Proof::Insecure, exists, answers, authorities })
    }

    /// That there is no answer, from a zone that is proven to be unsigned.
    pub(super) fn nothing_unsigned(none: &NoRecords) -> Option<Self> {
        let code = none.response_code;
        let authorities = none.soa.iter().map(|soa| soa.as_ref().clone().into_record_of_rdata()).collect();
        matches!(code, ResponseCode::NoError | ResponseCode::NXDomain).then_some(Self {
            proof: Proof::Insecure,
            exists: Err(code),
            answers: Vec::new(),
            authorities,
        })
    }

    /// Judges a message whose records were validated; `denial` is the outcome for its proof of non-existence when
    /// that did not hold.
    pub(super) fn of(message: Message, name: &Name, kind: RecordType, denial: Option<Given>) -> Self {
        let code = message.response_code;
        let (answers, authorities) = (message.answers, message.authorities);
        let exists = if answers.iter().any(is_data) { Ok(()) } else { Err(code) };
        let mut judged = Self { proof: Proof::Insecure, exists, answers, authorities };
        judged.judge_answers();
        if judged.exists.is_err() {
            let is_denial = |record: &&Record| {
                matches!(record.data, RData::DNSSEC(DNSSECRData::NSEC(_) | DNSSECRData::NSEC3(_)))
            };
            let is_secure =
                judged.authorities.iter().filter(is_denial).any(|record| record.proof.is_secure());
            judged.proof = if is_secure { Proof::Secure } else { Proof::Insecure };
        }
        match denial {
            _ if !is_needed(name, &judged.answers) => {}
            Some(Given::Bogus | Given::Indeterminate)
                if !is_proven(name, kind, code, &judged.answers, &judged.authorities) =>
            {
                judged.proof = Proof::Bogus;
            }
            Some(Given::Insecure) => judged.proof = judged.proof.and(Proof::Insecure),
            Some(_) | None => {}
        }
        judged
    }

    fn judge_answers(&mut self) {
        let signed_aliases: Vec<_> = self
            .answers
            .iter()
            .filter(|record| record.record_type() == RecordType::DNAME && record.proof.is_secure())
            .map(|record| record.name.clone())
            .collect();
        // The CNAME that a server makes from a DNAME has no signature (RFC 6672 section 5.3.1).
        let is_made = |record: &Record| {
            record.record_type() == RecordType::CNAME
                && signed_aliases.iter().any(|alias| *alias != record.name && alias.zone_of(&record.name))
        };
        let proofs = self.answers.iter().filter(|record| is_data(record) && !is_made(record));
        self.proof = proofs.fold(Proof::Secure, |proof, record| proof.and(record.proof.into()));
    }

    /// What the name is an alias of, by this answer.
    pub(super) fn target(&self, name: &Name) -> Option<Name> {
        self.answers.iter().find_map(|record| match &record.data {
            RData::CNAME(target) if record.name == *name => Some(target.0.clone()),
            _ => None,
        })
    }

    /// The name that is still to be asked for: the end of aliases for which the answer has no data. Whether there is
    /// none is said, and judged, under that name.
    pub(super) fn unfinished(&self, name: &Name, kind: RecordType) -> Option<Name> {
        let mut end = None;
        for _ in &self.answers {
            let Some(next) = self.target(end.as_ref().unwrap_or(name)) else { break };
            end = Some(next);
        }
        let is_answered = |end: &Name| {
            self.answers.iter().any(|record| record.name == *end && record.record_type() == kind)
        };
        end.filter(|end| kind != RecordType::CNAME && !is_answered(end))
    }

    /// The same, reached by way of an alias.
    pub(super) fn after(mut self, passed: Option<Self>) -> Self {
        if let Some(passed) = passed {
            self.proof = passed.proof.and(self.proof);
            self.answers.splice(0..0, passed.answers);
        }
        self
    }

    /// The answer, as it is given without validation.
    pub fn answer<T>(&self, take: impl Fn(&RData) -> Option<T>) -> Answer<T> {
        if let Proof::Unknown(trouble) = self.proof {
            return Answer::Unknown(trouble);
        }
        let taken = self.answers.iter().filter_map(|record| Some((record, take(&record.data)?)));
        let (owners, records): (Vec<_>, Vec<_>) = taken.unzip();
        let Some(owner) = owners.first() else {
            return match self.exists {
                Err(ResponseCode::NXDomain) => Answer::NoName,
                _ => Answer::NoData,
            };
        };
        let ttl = owners.iter().map(|record| record.ttl).min().unwrap_or_default().max(1);
        let is_alias = self.answers.iter().any(|record| record.record_type() == RecordType::CNAME);
        let alias = is_alias.then(|| host(&owner.name));
        Answer::Found(Found { records, ttl: Duration::from_secs(ttl.into()), alias })
    }

    /// What holds for the addresses of a host, given the answers for both kinds: an answer with data counts for more
    /// than an unsigned one that there is none, which comes of NSEC3 with many iterations.
    pub(crate) fn both_addresses(&self, other: &Self) -> Proof {
        match (self, other) {
            (some, Self { proof: Proof::Insecure, exists: Err(_), .. })
            | (Self { proof: Proof::Insecure, exists: Err(_), .. }, some)
                if some.exists.is_ok() =>
            {
                some.proof
            }
            _ => self.proof.and(other.proof),
        }
    }

    /// The signatures of one set of records.
    pub(crate) fn signatures_of(&self, name: &Name, kind: RecordType) -> Vec<&RRSIG> {
        let records = self.answers.iter().chain(&self.authorities).filter(|record| record.name == *name);
        let signatures = records.filter_map(|record| match &record.data {
            RData::DNSSEC(DNSSECRData::RRSIG(signature)) => Some(signature),
            _ => None,
        });
        signatures.filter(|signature| signature.input().type_covered == kind).collect()
    }

    /// For the answer for an SOA record: the name of the zone, when it is proven to be unsigned. One that has signatures all
    /// the same, for which nobody vouches, is not meant: there is something to say about them.
    pub(super) fn unsigned_zone(&self) -> Option<Name> {
        let [record] = self.answers.as_slice() else { return None };
        let is_meant = self.proof == Proof::Insecure && record.record_type() == RecordType::SOA;
        is_meant.then(|| record.name.clone())
    }

    /// For the answer for DS records: whether it proves that the zone above hands the name to other servers, and vouches for no
    /// keys of them.
    pub(super) fn is_unsigned_delegation(&self, name: &Name) -> bool {
        self.answers.is_empty()
            && self.exists == Err(ResponseCode::NoError)
            && is_unsigned_delegation(name, &self.authorities)
    }

    /// The zone that the answer for an SOA record, or the denial of anything, comes from.
    pub(crate) fn zone(&self) -> Option<String> {
        let mut records = self.answers.iter().chain(&self.authorities);
        records.find(|record| record.record_type() == RecordType::SOA).map(|record| host(&record.name))
    }
}

impl Proof {
    /// What holds for two answers that are of use only together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let rank = |proof| match proof {
            Self::Bogus => 0,
            Self::Unknown(_) => 1,
            Self::Insecure => 2,
            Self::Secure => 3,
        };
        if rank(other) < rank(self) { other } else { self }
    }

    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Secure => "secure",
            Self::Insecure => "insecure",
            Self::Bogus => "bogus",
            Self::Unknown(_) => "unknown",
        }
    }

    /// Whether it is [`Proof::Secure`].
    pub fn is_secure(self) -> bool {
        self == Self::Secure
    }

    /// Why it could not be told.
    pub fn trouble(self) -> Option<Trouble> {
        match self {
            Self::Unknown(trouble) => Some(trouble),
            _ => None,
        }
    }
}

impl Serialize for Proof {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl From<Given> for Proof {
    fn from(given: Given) -> Self {
        match given {
            Given::Secure => Self::Secure,
            Given::Insecure => Self::Insecure,
            // Every set of an answer is validated, so what is not even tried hides something.
            Given::Bogus | Given::Indeterminate => Self::Bogus,
        }
    }
}

fn is_data(record: &Record) -> bool {
    record.record_type() != RecordType::RRSIG
}
