//! A second opinion on proofs that something does not exist (RFC 4035 section 5.4, RFC 5155 section 8): the library
//! refuses some that are complete, such as that of an answer by the wildcard right above a name (0.26.3).

use hickory_resolver::proto::{
    dnssec::rdata::{DNSSECRData, NSEC, NSEC3},
    op::ResponseCode,
    rr::{Name, RData, Record, RecordType, RecordTypeSet},
};

/// Whether records whose signatures hold prove what an answer leaves out: everything when it has no data, or, when
/// a wildcard gave the data, that there is nothing closer.
pub(super) fn is_proven(
    name: &Name,
    kind: RecordType,
    code: ResponseCode,
    answers: &[Record],
    authorities: &[Record],
) -> bool {
    let all = || authorities.iter().filter(|record| record.proof.is_secure());
    let nsec = all().filter_map(|record| match &record.data {
        RData::DNSSEC(DNSSECRData::NSEC(nsec)) => Some((&record.name, nsec)),
        _ => None,
    });
    let nsec3 = all().filter_map(|record| match &record.data {
        RData::DNSSEC(DNSSECRData::NSEC3(nsec3)) => Hashed::new(&record.name, nsec3),
        _ => None,
    });
    let proof = match (nsec.collect::<Vec<_>>(), nsec3.collect::<Vec<_>>()) {
        (nsec, hashed) if hashed.is_empty() && !nsec.is_empty() => Proof::Names(nsec),
        (nsec, hashed) if nsec.is_empty() && !hashed.is_empty() => Proof::Hashes(hashed),
        _ => return false,
    };
    let mut expanded = answers.iter().filter_map(expanded_to).peekable();
    if expanded.peek().is_some() {
        return expanded.all(|next_closer| proof.covers(&next_closer));
    }
    match code {
        ResponseCode::NoError => proof.has_no_data(name, kind),
        ResponseCode::NXDomain => proof.has_no_name(name),
        _ => false,
    }
}

/// Whether an answer is worth something only with a proof of what is not there: signed data by the very name that was
/// asked for stands for itself.
pub(super) fn is_needed(name: &Name, answers: &[Record]) -> bool {
    let is_data = |record: &Record| record.name == *name && record.record_type() != RecordType::RRSIG;
    !answers.iter().any(is_data) || answers.iter().any(|record| expanded_to(record).is_some())
}

/// Whether records whose signatures hold prove that a name is delegated without DS records (RFC 6840 section 4.4), or may be:
/// with opt-out a zone leaves such delegations out of its proofs (RFC 5155 section 8.9).
pub(super) fn is_unsigned_delegation(name: &Name, authorities: &[Record]) -> bool {
    let is_one = |types: &RecordTypeSet| {
        let has = |kind| types.contains(kind);
        has(RecordType::NS) && !has(RecordType::DS) && !has(RecordType::SOA)
    };
    let all = || authorities.iter().filter(|record| record.proof.is_secure());
    let is_named = |record: &Record| match &record.data {
        RData::DNSSEC(DNSSECRData::NSEC(nsec)) => record.name == *name && is_one(nsec.type_set()),
        _ => false,
    };
    if all().any(is_named) {
        return true;
    }
    let hashed: Vec<_> = all()
        .filter_map(|record| match &record.data {
            RData::DNSSEC(DNSSECRData::NSEC3(nsec3)) => Hashed::with_opt_out(&record.name, nsec3),
            _ => None,
        })
        .collect();
    if let Some(one) = hashed.iter().find(|one| one.is(name)) {
        return is_one(one.nsec3.type_set());
    }
    let is_known = |above: &Name| hashed.iter().any(|one| one.is(above));
    let left_out = |name: &Name| hashed.iter().any(|one| one.nsec3.opt_out() && one.covers(name));
    (0..usize::from(name.num_labels()))
        .rev()
        .find(|length| is_known(&name.trim_to(*length)))
        .is_some_and(|length| left_out(&name.trim_to(length + 1)))
}

/// For a signature of records that a wildcard gave: the name right below the one that holds the wildcard, which must
/// not exist (RFC 4035 section 5.3.4).
fn expanded_to(record: &Record) -> Option<Name> {
    match &record.data {
        RData::DNSSEC(DNSSECRData::RRSIG(signature))
            if signature.input().num_labels < record.name.num_labels() =>
        {
            Some(record.name.trim_to(usize::from(signature.input().num_labels) + 1))
        }
        _ => None,
    }
}

/// Signed statements of what lies between two names.
enum Proof<'a> {
    Names(Vec<(&'a Name, &'a NSEC)>),
    Hashes(Vec<Hashed<'a>>),
}

impl Proof<'_> {
    /// The name exists, without records of that type; or a wildcard stands for it that has none.
    fn has_no_data(&self, name: &Name, kind: RecordType) -> bool {
        if let Some(types) = self.types(name) {
            return lacks(types, kind);
        }
        if let Self::Names(all) = self
            && all.iter().any(|one| is_between(*one, name) && name.zone_of(one.1.next_domain_name()))
        {
            // Nothing but names below it.
            return true;
        }
        let wildcard = self.closest(name).and_then(|closest| closest.prepend_label("*").ok());
        wildcard.is_some_and(|wildcard| self.types(&wildcard).is_some_and(|types| lacks(types, kind)))
    }

    /// Neither the name exists nor a wildcard that stands for it.
    fn has_no_name(&self, name: &Name) -> bool {
        let wildcard = self.closest(name).and_then(|closest| closest.prepend_label("*").ok());
        self.types(name).is_none() && wildcard.is_some_and(|wildcard| self.covers(&wildcard))
    }

    /// The longest name above this one that exists, when it is proven that the next longer one does not.
    fn closest(&self, name: &Name) -> Option<Name> {
        let labels = usize::from(name.num_labels()) + usize::from(name.is_wildcard());
        (0..labels).rev().find_map(|length| {
            let (closest, next_closer) = (name.trim_to(length), name.trim_to(length + 1));
            (self.exists(&closest) && self.covers(&next_closer)).then_some(closest)
        })
    }

    fn exists(&self, name: &Name) -> bool {
        match self {
            Self::Names(all) => {
                all.iter().any(|(owner, nsec)| name.zone_of(owner) || name.zone_of(nsec.next_domain_name()))
            }
            Self::Hashes(all) => all.iter().any(|one| one.is(name)),
        }
    }

    /// Whether it is proven that there is no such name, nor any below it.
    fn covers(&self, name: &Name) -> bool {
        match self {
            Self::Names(all) => {
                all.iter().any(|one| is_between(*one, name) && !name.zone_of(one.1.next_domain_name()))
            }
            Self::Hashes(all) => all.iter().any(|one| one.covers(name)),
        }
    }

    /// The types of a name that exists.
    fn types(&self, name: &Name) -> Option<&RecordTypeSet> {
        match self {
            Self::Names(all) => all.iter().find(|(owner, _)| *owner == name).map(|(_, nsec)| nsec.type_set()),
            Self::Hashes(all) => all.iter().find(|one| one.is(name)).map(|one| one.nsec3.type_set()),
        }
    }
}

/// Whether a name that exists has no records of the type. The side above a delegation knows of DS alone, and the side
/// below of everything else (RFC 6840 section 4.1).
fn lacks(types: &RecordTypeSet, kind: RecordType) -> bool {
    let is_apex = types.contains(RecordType::SOA);
    let is_above = types.contains(RecordType::NS) && !is_apex;
    let is_right_side = if kind == RecordType::DS { !is_apex } else { !is_above };
    is_right_side && !types.contains(kind) && !types.contains(RecordType::CNAME)
}

/// Whether a name would stand between an owner and its next name.
fn is_between((owner, nsec): (&Name, &NSEC), name: &Name) -> bool {
    let next = nsec.next_domain_name();
    let is_last = next <= owner && next.zone_of(name);
    let is_elsewhere = nsec.is_ancestor_delegation() && owner.zone_of(name);
    owner < name && (name < next || is_last) && !is_elsewhere
}

/// An NSEC3 record.
struct Hashed<'a> {
    zone: Name,
    hash: Vec<u8>,
    nsec3: &'a NSEC3,
}

impl<'a> Hashed<'a> {
    /// Nothing for a record that costs too much, or that may leave names out.
    fn new(owner: &Name, nsec3: &'a NSEC3) -> Option<Self> {
        Self::with_opt_out(owner, nsec3).filter(|_| !nsec3.opt_out())
    }

    /// Nothing for a record that costs too much; it may leave out names that are delegated without keys.
    fn with_opt_out(owner: &Name, nsec3: &'a NSEC3) -> Option<Self> {
        if nsec3.iterations() > ITERATIONS {
            return None;
        }
        Some(Self { zone: owner.base_name(), hash: base32(owner.iter().next()?)?, nsec3 })
    }

    fn hash_of(&self, name: &Name) -> Option<Vec<u8>> {
        if !self.zone.zone_of(name) {
            return None;
        }
        let nsec3 = self.nsec3;
        let hash = nsec3.hash_algorithm().hash(nsec3.salt(), name, nsec3.iterations()).ok()?;
        Some(hash.as_ref().to_vec())
    }

    fn is(&self, name: &Name) -> bool {
        self.hash_of(name).is_some_and(|hash| hash == self.hash)
    }

    fn covers(&self, name: &Name) -> bool {
        let next = self.nsec3.next_hashed_owner_name();
        self.hash_of(name).is_some_and(|hash| {
            let (after, before) = (hash > self.hash, hash.as_slice() < next);
            if self.hash.as_slice() < next { after && before } else { (after || before) && hash != self.hash }
        })
    }
}

/// Reads base32 with the extended hex alphabet (RFC 4648 section 7), as NSEC3 owners are written.
fn base32(text: &[u8]) -> Option<Vec<u8>> {
    let (mut bytes, mut buffer, mut bits) = (Vec::new(), 0_u32, 0);
    for character in text {
        let digit = match character.to_ascii_lowercase() {
            digit @ b'0'..=b'9' => digit - b'0',
            letter @ b'a'..=b'v' => letter - b'a' + 10,
            _ => return None,
        };
        buffer = buffer << 5 | u32::from(digit);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.extend(u8::try_from(buffer >> bits & 0xff));
        }
    }
    Some(bytes)
}

/// RFC 9276 section 3.2 lets validators stop at any number; others do at 100 to 150.
const ITERATIONS: u16 = 100;

#[cfg(test)]
mod tests {
    use hickory_resolver::proto::{
        dnssec::{Nsec3HashAlgorithm, Proof as Given},
        rr::rdata::A,
    };

    use super::*;

    fn name(text: &str) -> Name {
        Name::from_ascii(format!("{text}.")).unwrap()
    }

    fn nsec(owner: &str, next: &str, types: &[RecordType]) -> Record {
        let data = NSEC::new(name(next), types.iter().copied());
        let mut record = Record::from_rdata(name(owner), 60, RData::DNSSEC(DNSSECRData::NSEC(data)));
        record.proof = Given::Secure;
        record
    }

    #[test]
    fn denials_by_name() {
        use RecordType as T;
        let chain = [
            nsec("z.example", "a.z.example", &[T::SOA, T::NS, T::MX]),
            nsec("a.z.example", "x.ent.z.example", &[T::A]),
            nsec("x.ent.z.example", "sub.z.example", &[T::CNAME]),
            nsec("sub.z.example", "*.w.z.example", &[T::NS]),
            nsec("*.w.z.example", "z.example", &[T::TXT]),
        ];
        let (no_data, no_name) = (ResponseCode::NoError, ResponseCode::NXDomain);
        for (asked, kind, code, proven) in [
            ("z.example", T::TXT, no_data, true),
            ("z.example", T::MX, no_data, false),
            ("z.example", T::DS, no_data, false),
            ("ent.z.example", T::A, no_data, true),
            ("ent.z.example", T::A, no_name, false),
            ("x.ent.z.example", T::A, no_data, false),
            ("b.z.example", T::A, no_name, true),
            ("q.b.z.example", T::A, no_name, true),
            ("b.z.example", T::A, no_data, false),
            ("a.z.example", T::A, no_name, false),
            ("sub.z.example", T::DS, no_data, true),
            ("sub.z.example", T::A, no_data, false),
            ("x.sub.z.example", T::A, no_name, false),
            ("x.w.z.example", T::A, no_data, true),
            ("x.w.z.example", T::TXT, no_data, false),
            ("x.w.z.example", T::A, no_name, false),
            ("zz.z.example", T::A, no_name, true),
            ("other.example", T::A, no_name, false),
        ] {
            assert_eq!(is_proven(&name(asked), kind, code, &[], &chain), proven, "{asked} {kind} {code}");
        }
        // What is not signed proves nothing, and data needs no denial.
        let mut forged = chain.clone();
        forged.iter_mut().for_each(|record| record.proof = Given::Bogus);
        assert!(!is_proven(&name("b.z.example"), T::A, no_name, &[], &forged));
        let data = Record::from_rdata(name("z.example"), 60, RData::A(A::new(192, 0, 2, 1)));
        assert!(!is_needed(&name("z.example"), std::slice::from_ref(&data)));
        assert!(is_needed(&name("y.z.example"), &[data]));
    }

    #[test]
    fn delegations_without_keys() {
        use RecordType as T;
        let chain = [
            nsec("example", "a.example", &[T::SOA, T::NS, T::DNSKEY]),
            nsec("a.example", "b.example", &[T::NS]),
            nsec("b.example", "c.example", &[T::NS, T::DS]),
            nsec("c.example", "example", &[T::A]),
        ];
        for (text, expected) in [("a.example", true), ("b.example", false), ("c.example", false)] {
            assert_eq!(is_unsigned_delegation(&name(text), &chain), expected, "{text}");
        }
        for text in ["example", "x.a.example", "bb.example"] {
            assert!(!is_unsigned_delegation(&name(text), &chain), "{text}");
        }
        let mut forged = chain;
        forged.iter_mut().for_each(|record| record.proof = Given::Bogus);
        assert!(!is_unsigned_delegation(&name("a.example"), &forged));
    }

    #[test]
    fn delegations_left_out_of_hashed_proofs() {
        use RecordType as T;
        let hash = |text: &str| Nsec3HashAlgorithm::SHA1.hash(&[], &name(text), 0).unwrap().as_ref().to_vec();
        let nsec3 = |owner: &[u8], next: &[u8], types: &[T], opt_out: bool| {
            let data = NSEC3::new(
                Nsec3HashAlgorithm::SHA1,
                opt_out,
                0,
                Vec::new(),
                next.to_vec(),
                types.iter().copied(),
            );
            let owner = Name::from_ascii(format!("{}.example.", as_base32(owner))).unwrap();
            let mut record = Record::from_rdata(owner, 60, RData::DNSSEC(DNSSECRData::NSEC3(data)));
            record.proof = Given::Secure;
            record
        };
        let (apex, asked) = (hash("example"), hash("a.example"));
        let [mut before, mut after] = [asked.clone(), asked.clone()];
        *before.last_mut().unwrap() = before.last().unwrap().wrapping_sub(1);
        *after.last_mut().unwrap() = after.last().unwrap().wrapping_add(1);
        let encloser = nsec3(&apex, &asked, &[T::SOA, T::NS, T::DNSKEY], false);
        for (records, expected) in [
            (vec![encloser.clone(), nsec3(&before, &after, &[T::A], true)], true),
            (vec![encloser.clone(), nsec3(&before, &after, &[T::A], false)], false),
            (vec![nsec3(&before, &after, &[T::A], true)], false),
            (vec![nsec3(&asked, &after, &[T::NS], false)], true),
            (vec![nsec3(&asked, &after, &[T::NS, T::DS], false)], false),
            (vec![encloser], false),
        ] {
            assert_eq!(is_unsigned_delegation(&name("a.example"), &records), expected, "{records:?}");
        }
    }

    /// Base32 with the extended hex alphabet.
    fn as_base32(bytes: &[u8]) -> String {
        let bits = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| u32::from(byte >> bit & 1)));
        let bits: Vec<_> = bits.collect();
        let digits = bits.chunks_exact(5).map(|five| five.iter().fold(0, |digit, bit| digit << 1 | bit));
        digits.map(|digit| char::from_digit(digit, 32).unwrap()).collect()
    }

    #[test]
    fn hashes_are_read() {
        assert_eq!(base32(b"CPNMUOJ1E8").unwrap(), [0x66, 0x6f, 0x6f, 0x62, 0x61, 0x72][..]);
        assert_eq!(base32(b"w"), None);
    }
}
