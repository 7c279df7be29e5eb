//! CAA (RFC 8659): which authorities may issue certificates for the domain and for the hosts that receive its mail, and
//! certificates for mail (S/MIME, RFC 9495).

pub mod check;
mod record;

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde::Serialize;

use super::{Answer, Check, Mechanism, Resolver, is_special_use, mx};
use ruad_common::domain_name::{normalize, parents};

pub use check::CODES;
pub use record::{Property, Record};

/// How it stands.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The findings and what they rest on.
    #[serde(flatten)]
    pub check: Check,
    /// The records that count, by the name that holds them.
    pub sets: Vec<Set>,
}

/// The records of one name, and whom they are for.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Set {
    /// The name that holds them.
    pub name: String,
    /// The names that they count for: the domain, hosts that receive mail.
    pub names: Vec<String>,
    /// The records, sorted.
    pub records: Vec<Record>,
}

/// Examines `domain` and the hosts that receive its mail.
pub async fn examine(resolver: &Resolver, domain: &str, mx: &mx::Outcome) -> Outcome {
    let mut check = Check::new(Mechanism::Caa);
    let names = names(domain, mx);
    let found = join_all(names.iter().map(|name| relevant(resolver, name))).await;
    let mut sets: BTreeMap<String, Set> = BTreeMap::new();
    let mut bare = Vec::new();
    for (name, found) in names.into_iter().zip(found) {
        match found {
            Relevant::Set(holder, records) => {
                let (records, left_out) = bounded(records);
                if left_out > 0 {
                    let detail = format!(
                        "{left_out} CAA records of {holder} are left out; {MOST_RECORDS} are looked at."
                    );
                    check.cut(&holder, detail);
                }
                let set = sets.entry(holder.clone());
                let set = set.or_insert_with(|| Set { name: holder, names: Vec::new(), records });
                set.names.push(name);
            }
            Relevant::None => bare.push(name),
            Relevant::NoName => {}
            Relevant::Unknown(asked, trouble) => check.unanswered(&asked, trouble),
        }
    }
    let sets: Vec<_> = sets.into_values().collect();
    check::missing(&mut check, &bare);
    for set in &sets {
        for record in &set.records {
            check.observe(&set.name, "CAA", record.to_string());
        }
        check::judge(&mut check, domain, set);
    }
    Outcome { check, sets }
}

/// The records that count for a name: its own, else those of the nearest name above it (RFC 8659 section 3).
enum Relevant {
    Set(String, Vec<Record>),
    None,
    /// The name does not exist, which is another check's matter.
    NoName,
    Unknown(String, super::Trouble),
}

async fn relevant(resolver: &Resolver, name: &str) -> Relevant {
    for asked in parents(name).take(MOST_NAMES) {
        match resolver.caa(asked).await {
            Answer::Found(found) => {
                return Relevant::Set(asked.to_owned(), found.records);
            }
            Answer::NoName if asked == name => return Relevant::NoName,
            Answer::NoData | Answer::NoName => {}
            Answer::Unknown(trouble) => return Relevant::Unknown(asked.to_owned(), trouble),
        }
    }
    Relevant::None
}

/// At most [`MOST_RECORDS`] records, sorted, and how many are left out. Those that say who may issue are kept first: without them the judgment would be
/// the opposite of the truth.
fn bounded(mut records: Vec<Record>) -> (Vec<Record>, usize) {
    let is_other = |record: &Record| !["issue", "issuewild", "issuemail"].contains(&record.tag.as_str());
    records.sort();
    records.dedup();
    records.sort_by_key(is_other);
    let left_out = records.len().saturating_sub(MOST_RECORDS);
    records.truncate(MOST_RECORDS);
    records.sort();
    (records, left_out)
}

/// The domain, and the hosts that show a certificate when mail is delivered.
fn names(domain: &str, mx: &mx::Outcome) -> Vec<String> {
    let hosts = mx.hosts.iter().map(|host| host.name.as_str());
    let hosts = hosts.filter(|host| *host != domain && normalize(host).is_some() && !is_special_use(host));
    std::iter::once(domain).chain(hosts.take(HOSTS)).map(str::to_owned).collect()
}

/// As many as Internet.nl looks at.
const HOSTS: usize = 10;
/// Names that are asked on the way up; no name of a mail host is longer.
const MOST_NAMES: usize = 12;
/// An answer can hold thousands, each of which would be reported.
const MOST_RECORDS: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_contacts_do_not_push_out_who_may_issue() {
        let record =
            |tag: &str, value: String| Record { tag: tag.to_owned(), value, critical: false, reserved: 0 };
        let mut records: Vec<_> =
            (0..60).map(|number| record("iodef", format!("mailto:c{number}@a.example"))).collect();
        records.extend(["issue", "issuewild", "issuemail"].map(|tag| record(tag, "ca.example".to_owned())));
        let (kept, left_out) = bounded(records);
        assert_eq!(left_out, 13);
        assert_eq!(kept.len(), MOST_RECORDS);
        assert!(kept.is_sorted());
        for tag in ["issue", "issuewild", "issuemail"] {
            assert!(kept.iter().any(|record| record.tag == tag), "{tag}");
        }
    }
}
