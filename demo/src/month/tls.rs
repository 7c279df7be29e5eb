//! TLS reports: mostly success, an expired certificate, a policy that cannot be fetched.

use std::net::{IpAddr, Ipv4Addr};

use super::Maker;
use crate::day::Moment;
use crate::mail::{Session, TLS_REPORTERS, TlsPolicy, TlsReport, TlsReporter};
use crate::random::Random;
use crate::world::{DAYS, Domain};

impl Maker {
    /// All TLS reports about `domain`.
    pub(super) fn tls(&mut self, domain: &Domain) {
        if domain.tls_sessions == 0 {
            return;
        }
        for index in 0..DAYS {
            let day = self.first.plus(index);
            for reporter in TLS_REPORTERS {
                let mut random =
                    Random::named(self.seed, &format!("{} {} {index}", reporter.label, domain.name));
                let quiet = if day.is_weekend() { 0.2 } else { 1.0 };
                let sessions = random.around(f64::from(domain.tls_sessions) * reporter.share * quiet);
                let report = TlsReport {
                    reporter,
                    domain: domain.name,
                    day,
                    policies: policies(domain.name, reporter, index, sessions, &mut random),
                    sent: Moment(day.plus(1).begin() + random.below(4 * 3_600) as i64),
                };
                self.truth.add_tls(&report);
                self.truth.mails.stored += 1;
                let draft = (reporter.write)(&report, TLS, &mut random);
                self.mails.push(draft.send(reporter.label, reporter.origin, TLS, report.sent));
            }
        }
    }
}

/// What there is to tell, by the domain's story.
fn policies(
    domain: &str,
    reporter: &TlsReporter,
    index: i64,
    sessions: u64,
    random: &mut Random,
) -> Vec<TlsPolicy> {
    let sts = |successful, failures| TlsPolicy {
        kind: "sts",
        lines: ["version: STSv1", "mode: enforce", &format!("mx: *.mx.{domain}"), "max_age: 604800"]
            .map(str::to_owned)
            .into(),
        hosts: vec![format!("*.mx.{domain}")],
        successful,
        failures,
    };
    match domain {
        // The second mail exchanger's certificate ran out and was renewed five days later.
        "lumen-shop.example" if (9..14).contains(&index) => {
            let failed = sessions / 2;
            vec![sts(
                sessions - failed,
                vec![session("certificate-expired", failed, Some(path(domain, reporter)), None)],
            )]
        }
        // Its web server was moved and forgotten: there is no policy to fetch, so there is no host to name.
        "meridian-freight.test" if (20..24).contains(&index) => {
            let failure =
                session("sts-policy-fetch-error", sessions, None, reporter.dane.then_some("HTTP 404"));
            vec![TlsPolicy { lines: Vec::new(), hosts: Vec::new(), ..sts(0, vec![failure]) }]
        }
        "meridian.example" if reporter.dane => {
            // Microsoft writes all TLSA records as one string that holds a JSON array.
            let records =
                format!("[\"3 1 1 {}\",\"3 1 1 {}\"]", DIGEST, DIGEST.chars().rev().collect::<String>());
            let tlsa = TlsPolicy {
                kind: "tlsa",
                lines: vec![records],
                hosts: Vec::new(),
                successful: sessions,
                failures: Vec::new(),
            };
            vec![sts(sessions, Vec::new()), tlsa]
        }
        "oakfield.example" => {
            let failed = random.around(0.4).min(sessions);
            let failures = match failed {
                0 => Vec::new(),
                _ => vec![session("starttls-not-supported", failed, Some(path(domain, reporter)), None)],
            };
            let none = TlsPolicy {
                kind: "no-policy-found",
                lines: Vec::new(),
                hosts: Vec::new(),
                ..sts(0, failures)
            };
            vec![TlsPolicy { successful: sessions - failed, ..none }]
        }
        _ => vec![sts(sessions, Vec::new())],
    }
}

fn session(
    result: &'static str,
    count: u64,
    path: Option<(IpAddr, String, IpAddr)>,
    reason: Option<&'static str>,
) -> Session {
    Session { result, count, path, reason }
}

fn path(domain: &str, reporter: &TlsReporter) -> (IpAddr, String, IpAddr) {
    (Ipv4Addr::from(reporter.sender).into(), format!("mx2.mx.{domain}"), Ipv4Addr::new(192, 0, 2, 250).into())
}

const TLS: &str = "tls@reports.example";
const DIGEST: &str = "6D3A1C95E07B42F8A9C4D0175BE26F8341FA9072C85D6EB31097A4DC2F58B6E1";
