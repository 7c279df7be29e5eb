//! Random records, evaluated here and by mail-auth, which was written by others.

use std::{collections::BTreeMap, fmt::Write, net::IpAddr};

use mail_auth::{MessageAuthenticator, spf::verify::SpfParameters};
use ruad_dns::spf::{self, Branch, Client, TermTrouble, Verdict, check_host};

use crate::server::Dns;

#[tokio::test]
async fn random_records_are_evaluated_as_mail_auth_and_the_tree_say() {
    let mut random = Random(0x5eed);
    let mut zone = String::new();
    for host in 0..HOSTS {
        writeln!(zone, "h{host} IN A 192.0.2.{host}\nh{host} IN AAAA 2001:db8::{host}").unwrap();
        writeln!(zone, "h{host} IN MX 10 h{}\nh{host} IN MX 20 h{}", (host + 1) % HOSTS, (host + 3) % HOSTS)
            .unwrap();
    }
    for domain in 0..DOMAINS {
        writeln!(zone, "d{domain} IN TXT \"{}\"", random.record(domain)).unwrap();
        writeln!(
            zone,
            "d{domain} IN A 192.0.2.{}\nd{domain} IN AAAA 2001:db8::{}",
            random.below(HOSTS),
            random.below(HOSTS)
        )
        .unwrap();
        writeln!(zone, "d{domain} IN MX 10 h{}", random.below(HOSTS)).unwrap();
    }
    let dns = Dns::serve(&zone).await;
    let resolver = dns.resolver();
    let peer = MessageAuthenticator(dns.settings().resolver(0).unwrap());
    let mut wrong = Vec::new();
    let mut seen = BTreeMap::new();
    let mut audited = 0;
    for domain in 0..DOMAINS {
        let name = format!("d{domain}.domain.example");
        let tree = spf::examine(&resolver, &name).await;
        let is_valid = tree.check.facts["valid"].as_deref() == Some("yes");
        let tree = tree.tree.filter(|tree| is_valid && is_fixed(tree));
        let sender = format!("user@{name}");
        for address in [format!("192.0.2.{}", random.below(16)), format!("2001:db8::{}", random.below(16))] {
            let address: IpAddr = address.parse().unwrap();
            let client = Client {
                address,
                helo: "h1.domain.example",
                sender: &sender,
                receiver: "r.example",
                time: 0,
            };
            let own = check_host(&resolver, &name, &client).await.verdict.name();
            let parameters =
                SpfParameters::verify_mail_from(address, "h1.domain.example", "r.example", &sender);
            let theirs = format!("{:?}", peer.verify_spf(parameters).await.result()).to_lowercase();
            *seen.entry(own).or_insert(0) += 1;
            if own != theirs {
                wrong.push(format!("{name} {address}: {own}, not {theirs}"));
            }
            if let Some(tree) = &tree {
                audited += 1;
                let last = tree.matching(address).last().and_then(|node| node.qualifier);
                let verdict = last.map_or(Verdict::Neutral, Verdict::from).name();
                if own != verdict {
                    wrong.push(format!("{name} {address}: {own}, but {verdict} in the tree"));
                }
            }
        }
    }
    let records = zone.lines().filter(|line| line.contains("TXT")).collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{}\n{records}", wrong.join("\n"));
    assert!(audited > DOMAINS / 2, "{audited}");
    // The records are of every sort.
    assert_eq!(
        seen.keys().copied().collect::<Vec<_>>(),
        ["fail", "neutral", "pass", "permerror", "softfail"]
    );
}

/// Whether nothing in a tree depends on the message.
fn is_fixed(tree: &Branch) -> bool {
    tree.terms.iter().all(|node| {
        !node.trouble.contains(&TermTrouble::Macro) && node.branch.iter().all(|inner| is_fixed(inner))
    })
}

struct Random(u64);

impl Random {
    /// A record that may use those of domains with a greater number, so that there is no loop.
    fn record(&mut self, domain: u64) -> String {
        let mut record = "v=spf1".to_owned();
        for _ in 0..self.below(5) {
            let sign = ["", "", "", "+", "-", "~", "?"][self.index(7)];
            let (host, length) = (self.below(HOSTS), 24 + self.below(9));
            let target = domain + 1 + self.below(4);
            let term = match self.below(if target < DOMAINS { 11 } else { 7 }) {
                0 => "a".to_owned(),
                1 => format!("a:h{host}.domain.example/{length}"),
                2 => format!("mx/{length}//{}", 112 + self.below(17)),
                3 => format!("ip4:192.0.2.{host}/{length}"),
                4 => format!("ip6:2001:db8::{host}/{}", 120 + self.below(9)),
                5 => format!("exists:h{}.%{{d2}}", self.below(HOSTS)),
                6 => "a:%{h1r}.domain.example".to_owned(),
                // Without a sign: mail-auth 0.13.3 takes the sign of the innermost include for that of all around it.
                _ => {
                    write!(record, " include:d{target}.domain.example").unwrap();
                    continue;
                }
            };
            write!(record, " {sign}{term}").unwrap();
        }
        let target = domain + 1 + self.below(4);
        match self.below(8) {
            0 if target < DOMAINS => write!(record, " redirect=d{target}.domain.example").unwrap(),
            1 => record += " bogus",
            2..=6 => record += [" -all", " ~all", " ?all"][self.index(3)],
            _ => {}
        }
        record
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn index(&mut self, bound: u64) -> usize {
        self.below(bound).try_into().unwrap()
    }
}

const HOSTS: u64 = 16;
const DOMAINS: u64 = 300;
