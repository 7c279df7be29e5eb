//! Signatures of the root and of the zone that holds the domains.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use hickory_proto::{
    dnssec::{
        Algorithm, DigestType, DnssecSigner, PublicKey, SigningKey, TBS,
        crypto::EcdsaSigningKey,
        rdata::{DNSKEY, DNSSECRData, DS, NSEC, RRSIG, SigInput},
    },
    rr::{DNSClass, Name, RData, Record, RecordType},
    serialize::binary::{BinEncodable, BinEncoder, NameEncoding},
};

/// A zone with the key that signs it.
pub(crate) struct Zone {
    name: Name,
    signer: DnssecSigner,
    times: (u32, u32),
}

impl Zone {
    /// A zone with a new key.
    pub(crate) fn new(name: &str) -> anyhow::Result<Self> {
        let name = Name::from_ascii(name)?;
        let key = EcdsaSigningKey::from_pkcs8(&EcdsaSigningKey::generate_pkcs8(ALGORITHM)?, ALGORITHM)?;
        let public = DNSKEY::with_flags(257, key.to_public_key()?);
        let signer = DnssecSigner::new(public, Box::new(key), name.clone(), DAY);
        let now = u32::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
        let day = u32::try_from(DAY.as_secs())?;
        Ok(Self { name, signer, times: (now - day, now + day) })
    }

    /// The zone's key, as a file of trust anchors has it.
    pub(crate) fn anchor(&self) -> String {
        format!("{} IN DNSKEY {}\n", self.name, self.signer.dnskey())
    }

    /// The zone's key.
    pub(crate) fn key(&self) -> RData {
        RData::DNSSEC(DNSSECRData::DNSKEY(self.signer.to_dnskey()))
    }

    /// What the zone above says of the key.
    pub(crate) fn ds(&self) -> anyhow::Result<RData> {
        let key = self.signer.dnskey();
        let digest = key.to_digest(&self.name, DigestType::SHA256)?.as_ref().to_vec();
        let tag = key.calculate_key_tag()?;
        let ds = DS::new(tag, key.public_key().algorithm(), DigestType::SHA256, digest);
        Ok(RData::DNSSEC(DNSSECRData::DS(ds)))
    }

    /// That a delegation is to an unsigned zone.
    pub(crate) fn unsigned(next: &str) -> anyhow::Result<RData> {
        let nsec = NSEC::new_cover_self(Name::from_ascii(next)?, [RecordType::NS]);
        Ok(RData::DNSSEC(DNSSECRData::NSEC(nsec)))
    }

    /// A record and its signature.
    pub(crate) fn sign(&self, owner: &str, data: RData) -> anyhow::Result<[Vec<u8>; 2]> {
        let record = Record::from_rdata(Name::from_ascii(owner)?, TTL, data);
        let input = SigInput {
            type_covered: record.record_type(),
            algorithm: ALGORITHM,
            num_labels: record.name.num_labels(),
            original_ttl: TTL,
            sig_expiration: self.times.1.into(),
            sig_inception: self.times.0.into(),
            key_tag: self.signer.calculate_key_tag()?,
            signer_name: self.name.clone(),
        };
        let signed = TBS::from_input(&record.name, DNSClass::IN, &input, [&record].into_iter())?;
        let signature = RRSIG::from_sig(input, self.signer.sign(&signed).context("cannot sign")?);
        let signature = RData::DNSSEC(DNSSECRData::RRSIG(signature));
        let signature = Record::from_rdata(record.name.clone(), TTL, signature);
        Ok([bytes_of(&record)?, bytes_of(&signature)?])
    }
}

/// A record with all names in full: those of the library's own message would point to where they stood there.
fn bytes_of(record: &Record) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = BinEncoder::new(&mut bytes);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    record.emit(&mut encoder)?;
    Ok(bytes)
}

const ALGORITHM: Algorithm = Algorithm::ECDSAP256SHA256;
const DAY: Duration = Duration::from_secs(86_400);
const TTL: u32 = 300;
