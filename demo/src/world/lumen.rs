//! Lumen Retail: a web shop under attack, and corners nobody has looked into.

use super::pools;
use super::{Domain, Flow};
use crate::report::Disposition::{None as NoAction, Quarantine, Reject};
use crate::report::Policy;

pub(super) fn domains() -> Vec<Domain> {
    vec![
        Domain {
            name: "lumen-shop.example",
            group: GROUP,
            story: "a spoofing campaign from scattered addresses in the third week",
            policies: vec![(0, Policy::of(Reject).subdomains(Reject))],
            flows: vec![
                Flow::ses("lumen-shop.example", 9_500.0),
                Flow::newsletter("lumen-shop.example", 12_000.0, true),
                Flow::office("lumen-shop.example", 700.0),
                Flow::spoofed("lumen-shop.example", 60.0),
                Flow::spoofed("lumen-shop.example", 5_200.0).days(15..21),
            ],
            tls_sessions: 520,
        },
        Domain {
            name: "lumen.example",
            group: GROUP,
            story: "p=none, no DKIM at all, tills that send by themselves",
            policies: vec![(0, Policy::of(NoAction))],
            flows: vec![
                Flow::unsigned("lumen.example", &pools::LUMEN, 1_300.0),
                Flow::unlisted("lumen.example", &pools::LUMEN_TILLS, 450.0).weekend(1.3),
                Flow::forwarded("lumen.example", None, 90.0),
            ],
            tls_sessions: 0,
        },
        Domain {
            name: "lumen-pay.example",
            group: GROUP,
            story: "strict alignment: a supplier sends as a subdomain and fails",
            policies: vec![(
                0,
                Policy { strict_dkim: true, strict_spf: true, ..Policy::of(Reject).subdomains(Quarantine) },
            )],
            flows: vec![
                Flow::office("lumen-pay.example", 350.0),
                Flow::own("lumen-pay.example", &pools::LUMEN, 1_600.0).weekend(1.0),
                Flow::sendgrid("lumen-pay.example", 210.0).under("receipts.lumen-pay.example"),
                Flow::phished("lumen-pay.example", 75.0).days(8..30),
            ],
            tls_sessions: 240,
        },
        Domain {
            name: "lumen-outlet.test",
            group: GROUP,
            story: "p=quarantine for half of the mail (pct=50)",
            policies: vec![(0, Policy { pct: 50, ..Policy::of(Quarantine) })],
            flows: vec![
                Flow::ses("lumen-outlet.test", 900.0),
                Flow::newsletter("lumen-outlet.test", 400.0, false).days(0..22),
                Flow::newsletter("lumen-outlet.test", 400.0, true).days(22..30),
            ],
            tls_sessions: 0,
        },
        Domain {
            name: "lumen-summersale.example",
            group: None,
            story: "bought by marketing, in nobody's list",
            policies: vec![(0, Policy::of(NoAction))],
            flows: vec![Flow::newsletter("lumen-summersale.example", 260.0, true).days(20..30)],
            tls_sessions: 0,
        },
    ]
}

const GROUP: Option<&str> = Some("lumen-retail");
