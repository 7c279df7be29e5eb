//! Any answers of name servers: what is found, kept and said is bounded, and every place is within its record.
//!
//! Each line of the input is an answer; the name and the type that are asked for choose among them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ruad_dns::{Check, Resolver, bimi, dkim::{self, Origin, Selector}, dmarc, mta_sts::{self, FetchError}, mx, ns, reverse, spf, tls_rpt};

fuzz_target!(|input: &[u8]| {
    let lines: Vec<Vec<u8>> = input.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let resolver = Resolver::answering(move |name, kind| answer(&lines, name, kind));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    for check in runtime.block_on(examine(&resolver, "domain.example")) {
        assert!(check.findings.len() <= 61 && check.records.len() <= 200 && check.unknown.len() <= 100);
        for finding in &check.findings {
            assert!(finding.detail.len() < 1_100, "{}", finding.code.name);
            let record = finding.evidence.record.as_deref().unwrap_or_default();
            assert!(record.len() < 9_000, "{}", finding.code.name);
            if let Some(at) = &finding.evidence.position {
                assert!(record.get(at.clone()).is_some(), "{} {at:?}", finding.code.name);
            }
        }
        assert!(check.records.iter().all(|record| record.text.len() < 9_000));
        assert!(check.facts.values().flatten().all(|fact| fact.len() < 9_000));
    }
});

async fn examine(resolver: &Resolver, domain: &str) -> Vec<Check> {
    let own = ["@reports.example".to_owned()];
    let selectors = [Selector::new("s1", Origin::Registry), Selector::new("google", Origin::Common)];
    let dmarc = dmarc::examine(resolver, domain, &own).await;
    let bimi = bimi::examine(resolver, domain, &dmarc).await;
    let mx = mx::examine(resolver, domain).await;
    let unreachable = std::future::ready(Err(FetchError::Timeout));
    vec![
        spf::examine(resolver, domain).await.check,
        dkim::examine(resolver, domain, &selectors).await.check,
        mta_sts::examine(resolver, domain, &mx, unreachable).await.check,
        tls_rpt::examine(resolver, domain, &own).await.check,
        ns::examine(resolver, domain, &ns::Settings { ask_each: false, ..ns::Settings::default() }).await.check,
        reverse::examine(resolver, &[[198, 51, 100, 1].into()], &mx).await.check,
        dmarc.check,
        bimi.check,
        mx.check,
    ]
}

/// A message with up to three of the lines.
fn answer(lines: &[Vec<u8>], name: &str, kind: u16) -> Vec<u8> {
    let hash = name.bytes().fold(usize::from(kind), |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
    let data: Vec<_> = (0..hash % 4).map(|n| data(&lines[(hash / 4 + n) % lines.len()], kind)).collect();
    let mut message = vec![0, 0, 0x85, 0x80, 0, 1, 0, data.len() as u8, 0, 0, 0, 0];
    message.extend(wire(name.as_bytes()));
    message.extend(kind.to_be_bytes());
    message.extend([0, 1]);
    for data in data {
        message.extend([0xc0, 12]);
        message.extend(kind.to_be_bytes());
        message.extend([0, 1, 0, 0, 0, 60]);
        message.extend((data.len() as u16).to_be_bytes());
        message.extend(data);
    }
    message
}

fn data(line: &[u8], kind: u16) -> Vec<u8> {
    let line = &line[..line.len().min(60_000)];
    match kind {
        2 | 5 | 12 => wire(line),
        15 => [&[0, 10][..], &wire(line)].concat(),
        16 => line.chunks(255).flat_map(|string| [&[string.len() as u8][..], string].concat()).collect(),
        _ => line.to_vec(),
    }
}

fn wire(name: &[u8]) -> Vec<u8> {
    let labels = name.split(|byte| *byte == b'.').filter(|label| !label.is_empty()).take(20);
    let mut wire: Vec<u8> = labels
        .map(|label| &label[..label.len().min(63)])
        .flat_map(|label| [&[label.len() as u8][..], label].concat())
        .collect();
    wire.truncate(254);
    wire.push(0);
    wire
}
