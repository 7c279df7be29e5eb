//! The health of domains as metrics.

use super::entry::Entry;
use crate::{
    exposition::{self, Family, escaped, labels},
    health::keys::{self, KeyHistory},
};
use ruad_common::time::DAY;
use ruad_dns::{Mechanism, Status, dkim::REVOKED_KEY};

/// What is told about one domain.
#[derive(Debug)]
pub(super) struct Row {
    /// `domain="…",group="…"`.
    labels: String,
    statuses: Vec<(Mechanism, Status)>,
    /// Selector, age in seconds as far as it is known, size.
    keys: Vec<(String, Option<u64>, u32)>,
    /// Ages in days at which a key is worth a warning, and an error.
    key_age_limits: [(&'static str, u32); 2],
    spf_lookups: Option<u32>,
    policy: Option<&'static str>,
    score: Option<f32>,
    last_success: Option<u64>,
}

impl Row {
    pub(super) fn new(domain: &str, entry: &Entry, keys: &[KeyHistory], now: u64) -> Self {
        let live = keys.iter().filter(|key| key.published && key.key.fingerprint != REVOKED_KEY);
        let told = |key: &KeyHistory| {
            let age = keys::age(key, keys, now).map(|age| age.seconds);
            (key.key.selector.clone(), age, key.key.bits)
        };
        Self {
            labels: labels(domain, &entry.group),
            statuses: entry.statuses.clone(),
            keys: live.map(told).collect(),
            key_age_limits: [
                ("warning", entry.thresholds.warning_days),
                ("error", entry.thresholds.error_days),
            ],
            spf_lookups: entry.spf_lookups(),
            policy: policy(entry),
            score: entry.score().map(|score| score.value() as f32),
            last_success: entry.last_success,
        }
    }
}

/// The page in pieces.
pub(super) fn pieces(rows: Vec<Row>) -> impl Iterator<Item = String> + Send {
    exposition::pieces(&FAMILIES, rows)
}

static FAMILIES: [Family<Row>; 8] = [
    Family {
        name: "ruad_domain_check_status",
        help: "How each mechanism of a domain stands: 1 for the status it has.",
        write: |row, series| {
            for (mechanism, has) in &row.statuses {
                let check = format!("check=\"{}\",status=\"", mechanism.name());
                for status in Status::ALL {
                    let rest = format!("{check}{}\"", status.name());
                    series.add(&row.labels, &rest, u8::from(status == *has));
                }
            }
        },
    },
    Family {
        name: "ruad_dkim_key_age_seconds",
        help: "Time since a DKIM key that is published was seen first.",
        write: |row, series| {
            for (selector, age, _) in &row.keys {
                let Some(age) = age else { continue };
                series.add(&row.labels, &format!("selector=\"{}\"", escaped(selector)), age);
            }
        },
    },
    Family {
        name: "ruad_dkim_key_age_limit_seconds",
        help: "Age of a DKIM key that is worth a warning or an error, as settings and registry say for the domain.",
        write: |row, series| {
            for (level, days) in row.key_age_limits {
                series.add(&row.labels, &format!("level=\"{level}\""), u64::from(days) * DAY);
            }
        },
    },
    Family {
        name: "ruad_dkim_key_bits",
        help: "Size of a DKIM key that is published.",
        write: |row, series| {
            for (selector, _, bits) in &row.keys {
                series.add(&row.labels, &format!("selector=\"{}\"", escaped(selector)), bits);
            }
        },
    },
    Family {
        name: "ruad_spf_lookups",
        help: "DNS lookups that evaluating the SPF record of a domain takes; more than 10 break it.",
        write: |row, series| series.number(&row.labels, row.spf_lookups),
    },
    Family {
        name: "ruad_dmarc_policy",
        help: "DMARC policy in force for a domain: 1 for the one it has; missing means no record.",
        write: |row, series| {
            let Some(has) = row.policy else { return };
            for policy in POLICIES {
                series.add(&row.labels, &format!("policy=\"{policy}\""), u8::from(policy == has));
            }
        },
    },
    Family {
        name: "ruad_domain_score",
        help: "Score of a domain, from 0 to 5.",
        write: |row, series| series.number(&row.labels, row.score),
    },
    Family {
        name: "ruad_domain_last_check_success_timestamp_seconds",
        help: "When a domain was examined last and name servers answered.",
        write: |row, series| series.number(&row.labels, row.last_success),
    },
];

const POLICIES: [&str; 4] = ["missing", "none", "quarantine", "reject"];

fn policy(entry: &Entry) -> Option<&'static str> {
    match entry.state.value(Mechanism::Dmarc, "policy") {
        Some(policy) => POLICIES.into_iter().find(|known| *known == policy),
        None => entry.state.is_settled(Mechanism::Dmarc).then_some("missing"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::health::keys::{Key, Thresholds};
    use ruad_dns::{Check, dkim::Kind};

    #[test]
    fn a_domain_as_metrics() {
        let mut entry = Entry { group: "ac\"me".into(), ..Entry::default() };
        entry.statuses = vec![(Mechanism::Spf, Status::Warning)];
        entry.last_success = Some(1_800_000_000);
        entry.thresholds = Thresholds { warning_days: 90, error_days: 365, ..Thresholds::default() };
        let mut checks = [Check::new(Mechanism::Spf), Check::new(Mechanism::Dmarc)];
        checks[0].fact("lookups", "7");
        checks[1].fact("policy", "reject");
        entry.state.observe(&checks, &BTreeSet::new(), 1);
        let now = 1_800_000_000;
        let key = |selector: &str, fingerprint: &str, published, since| KeyHistory {
            key: Key {
                domain: "a.example".to_owned(),
                selector: selector.to_owned(),
                fingerprint: fingerprint.to_owned(),
                kind: Kind::Rsa,
                bits: 2048,
                alias: None,
            },
            published,
            first_seen_dns: since,
            last_seen_dns: now,
            first_seen_reports: None,
            last_seen_reports: None,
        };
        let keys = [
            key("s\\1", "aa", true, now - 60),
            key("s\\1", "bb", false, now - 600),
            key("s2", REVOKED_KEY, true, now - 60),
            // Of a clock that was wrong.
            key("s3", "cc", true, 5),
        ];
        let row = Row::new("a.example", &entry, &keys, now);
        let page: String = pieces(vec![row]).collect();
        for said in [
            "ruad_domain_check_status{domain=\"a.example\",group=\"ac\\\"me\",check=\"spf\",status=\"warning\"} 1\n",
            "ruad_domain_check_status{domain=\"a.example\",group=\"ac\\\"me\",check=\"spf\",status=\"ok\"} 0\n",
            "ruad_dkim_key_age_seconds{domain=\"a.example\",group=\"ac\\\"me\",selector=\"s\\\\1\"} 60\n",
            "ruad_dkim_key_age_limit_seconds{domain=\"a.example\",group=\"ac\\\"me\",level=\"warning\"} 7776000\n",
            "ruad_dkim_key_age_limit_seconds{domain=\"a.example\",group=\"ac\\\"me\",level=\"error\"} 31536000\n",
            "ruad_dkim_key_bits{domain=\"a.example\",group=\"ac\\\"me\",selector=\"s\\\\1\"} 2048\n",
            "ruad_spf_lookups{domain=\"a.example\",group=\"ac\\\"me\"} 7\n",
            "ruad_dmarc_policy{domain=\"a.example\",group=\"ac\\\"me\",policy=\"reject\"} 1\n",
            "ruad_domain_last_check_success_timestamp_seconds{domain=\"a.example\",group=\"ac\\\"me\"} 1800000000\n",
        ] {
            assert!(page.contains(said), "{said} is not in\n{page}");
        }
        assert!(!page.contains("ruad_domain_score{"));
        assert_eq!(page.matches("ruad_dkim_key_age_seconds{").count(), 1);
        assert_eq!(page.matches("ruad_dkim_key_bits{").count(), 2);
        assert_eq!(page.matches("ruad_dmarc_policy{").count(), 4);
    }

    #[test]
    fn every_metric_stands_together() {
        let entry = Entry { statuses: vec![(Mechanism::Mx, Status::Ok)], ..Entry::default() };
        let rows = (0..250).map(|n| Row::new(&format!("d{n}.example"), &entry, &[], 0)).collect();
        let page: String = pieces(rows).collect();
        assert_eq!(page.matches("# TYPE ").count(), FAMILIES.len());
        assert_eq!(page.matches("ruad_domain_check_status{").count(), 250 * 5);
    }
}
