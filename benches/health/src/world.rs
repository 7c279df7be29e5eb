//! Ten thousand domains with the records of a well-kept one.

use std::collections::{BTreeSet, HashMap, HashSet};

use hickory_proto::rr::{Name, RData, rdata};

use crate::signed::Zone;

/// The records of every name, in wire form.
pub(crate) struct World {
    answers: HashMap<(Vec<u8>, u16), Answer>,
    names: HashSet<Vec<u8>>,
    /// The root's key, when the root is signed.
    pub(crate) anchor: Option<String>,
}

/// The records of a name and type: how many in the answer and in the authority section, and their bytes.
#[derive(Default)]
pub(crate) struct Answer {
    pub(crate) count: u16,
    pub(crate) authorities: u16,
    pub(crate) bytes: Vec<u8>,
}

/// What came of a question.
pub(crate) enum Found<'a> {
    Records(&'a Answer),
    NoData,
    NoName,
}

impl World {
    /// Domains `d0.example` and so on. They are not signed, like most domains; when `is_signed`, the root and `example` are, so
    /// that this can be proven.
    pub(crate) fn new(domains: usize, is_signed: bool) -> anyhow::Result<Self> {
        let mut world = Self { answers: HashMap::new(), names: HashSet::new(), anchor: None };
        world.add("ns1.example", A, &[127, 0, 0, 1]);
        world.add("ns2.example", A, &[127, 0, 0, 1]);
        for number in 0..domains {
            world.domain(&format!("d{number}.example"), number);
        }
        if is_signed {
            world.sign(domains)?;
        }
        Ok(world)
    }

    fn sign(&mut self, domains: usize) -> anyhow::Result<()> {
        let (root, zone) = (Zone::new(".")?, Zone::new("example.")?);
        let server = Name::from_ascii("ns1.example.")?;
        let soa = RData::SOA(rdata::SOA::new(server.clone(), server.clone(), 1, 7_200, 900, 86_400, 300));
        let ns = RData::NS(rdata::NS(server));
        self.answer("", DNSKEY, root.sign(".", root.key())?);
        self.answer("", SOA, root.sign(".", soa.clone())?);
        self.answer("", NS, root.sign(".", ns.clone())?);
        self.answer("example", DS, root.sign("example.", zone.ds()?)?);
        self.answer("example", DNSKEY, zone.sign("example.", zone.key())?);
        self.answer("example", SOA, zone.sign("example.", soa.clone())?);
        self.answer("example", NS, zone.sign("example.", ns)?);
        let start = zone.sign("example.", soa)?;
        let names: BTreeSet<_> = (0..domains).map(|number| format!("d{number}.example.")).collect();
        let next = names.iter().skip(1).map(String::as_str).chain(["example."]);
        for (name, next) in names.iter().zip(next) {
            let denial = zone.sign(name, Zone::unsigned(next)?)?;
            let bytes = start.iter().chain(&denial).flatten().copied().collect();
            self.answers
                .insert((wire(name.trim_end_matches('.')), DS), Answer { count: 0, authorities: 4, bytes });
        }
        self.anchor = Some(root.anchor());
        Ok(())
    }

    /// A record with its signature.
    fn answer(&mut self, name: &str, kind: u16, records: [Vec<u8>; 2]) {
        self.names.insert(wire(name));
        let answer = Answer { count: 2, authorities: 0, bytes: records.concat() };
        self.answers.insert((wire(name), kind), answer);
    }

    /// The zone that a name in wire form is in, its labels beginning at `labels`: whose start of authority there is.
    pub(crate) fn zone<'a>(&self, name: &'a [u8], labels: &[usize]) -> &'a [u8] {
        let mut above = labels.iter().filter_map(|start| name.get(*start..));
        above.find(|name| self.answers.contains_key(&(name.to_vec(), SOA))).unwrap_or(&[0])
    }

    /// Looks up a name in wire form and lower case.
    pub(crate) fn find(&self, name: &[u8], kind: u16) -> Found<'_> {
        // The map's key owns its name; a question is looked up twice a millisecond at most.
        match self.answers.get(&(name.to_vec(), kind)) {
            Some(answer) => Found::Records(answer),
            None if self.names.contains(name) => Found::NoData,
            None => Found::NoName,
        }
    }

    fn domain(&mut self, domain: &str, number: usize) {
        let [_, _, high, low] = (number as u32).to_be_bytes();
        self.text(domain, &format!("v=spf1 mx include:_spf.{domain} ip4:198.51.100.0/24 -all"));
        self.text(&format!("_spf.{domain}"), "v=spf1 ip4:192.0.2.0/25 ip4:203.0.113.128/26 -all");
        self.text(&format!("_dmarc.{domain}"), &format!("v=DMARC1; p=reject; rua=mailto:dmarc@{domain}"));
        self.text(&format!("s1._domainkey.{domain}"), KEY);
        self.text(&format!("_smtp._tls.{domain}"), &format!("v=TLSRPTv1; rua=mailto:tls@{domain}"));
        for (preference, host) in [(10u16, "mx1"), (20, "mx2")] {
            let host = format!("{host}.{domain}");
            let exchange = [&preference.to_be_bytes()[..], &wire(&host)].concat();
            self.add(domain, MX, &exchange);
            self.add(&host, A, &[198, 18, high, low]);
            let address = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, high, low];
            self.add(&host, AAAA, &address);
        }
        self.add(domain, NS, &wire("ns1.example"));
        self.add(domain, NS, &wire("ns2.example"));
        let times: Vec<_> = [1u32, 7_200, 900, 86_400, 300].iter().flat_map(|n| n.to_be_bytes()).collect();
        self.add(domain, SOA, &[wire("ns1.example"), wire("root.example"), times].concat());
    }

    fn text(&mut self, name: &str, text: &str) {
        let strings = text.as_bytes().chunks(255);
        let data: Vec<_> = strings.flat_map(|part| [&[part.len() as u8][..], part].concat()).collect();
        self.add(name, TXT, &data);
    }

    fn add(&mut self, name: &str, kind: u16, data: &[u8]) {
        let answer = self.answers.entry((wire(name), kind)).or_default();
        answer.count += 1;
        answer.bytes.extend([0xc0, 12]);
        answer.bytes.extend(kind.to_be_bytes());
        answer.bytes.extend(IN.to_be_bytes());
        answer.bytes.extend(300u32.to_be_bytes());
        answer.bytes.extend((data.len() as u16).to_be_bytes());
        answer.bytes.extend(data);
        let mut rest = name;
        loop {
            self.names.insert(wire(rest));
            let Some((_, parent)) = rest.split_once('.') else { break };
            rest = parent;
        }
    }
}

/// A name as labels with their lengths.
pub(crate) fn wire(name: &str) -> Vec<u8> {
    let labels = name.split('.').filter(|label| !label.is_empty());
    let labels = labels.flat_map(|label| [&[label.len() as u8][..], label.as_bytes()].concat());
    labels.chain([0]).collect()
}

const IN: u16 = 1;
const A: u16 = 1;
const NS: u16 = 2;
const SOA: u16 = 6;
const MX: u16 = 15;
const TXT: u16 = 16;
const AAAA: u16 = 28;
const DS: u16 = 43;
const DNSKEY: u16 = 48;

/// A public key of 2048 bits that nobody has the other half of.
const KEY: &str = "v=DKIM1; k=rsa; p=\
    MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA1+cdFO1tAHBgXbjF/6ZAsB/N39GKNWv8OLAQKeE9LFqtto\
    S/PUxq3vvTXaXyrw1vjq7Trmj6F6HCg94aGFodpkSYkudT0JSan+I0SmdfmRzRP1a7Gxa0h61H31+Yeh1dKD65y7xq\
    HnW4aOl1mTSWWTNqhl45E24X1NhiTuV2K1w+BhW2Pdm+5XUy2nLpPBitDnZmRUC5LuKivadWFPHJ95BDkxrFhVg8E/\
    wR8iUAda3uNUa4plzQFoEGDRReb7GDoWS2v+vF1rnPJeZ0vu5dVOmUpwOMx05YZoxkhEU0FYI/GG3q/jhVH8t8JjNi\
    onAJg8BiOr4DRuz72EIVtoZ5WwIDAQAB";
