//! Oakfield Schools: many hands, forwarders and lists; on the way up.

use super::pools;
use super::{Domain, Flow};
use crate::report::Disposition::{None as NoAction, Quarantine, Reject};
use crate::report::Policy;

pub(super) fn domains() -> Vec<Domain> {
    vec![
        Domain {
            name: "oakfield.example",
            group: GROUP,
            story: "pupils and parents forward their mail: SPF breaks, DKIM holds",
            policies: vec![(0, Policy::of(Quarantine))],
            flows: vec![
                Flow::workspace("oakfield.example", 3_400.0),
                Flow::own("oakfield.example", &pools::OAKFIELD, 700.0),
                Flow::forwarded("oakfield.example", Some("google"), 620.0),
            ],
            tls_sessions: 700,
        },
        Domain {
            name: "oakfield-college.example",
            group: GROUP,
            story: "staff write to mailing lists, which receivers make exceptions for; lately back at none",
            // Somebody went back when a list complained, and told nobody.
            policies: vec![(0, Policy::of(Quarantine).subdomains(Quarantine)), (27, Policy::of(NoAction))],
            flows: vec![
                Flow::office("oakfield-college.example", 2_600.0),
                Flow::listed("oakfield-college.example", "selector1", 380.0),
                Flow::forwarded("oakfield-college.example", Some("selector1"), 110.0),
            ],
            tls_sessions: 380,
        },
        Domain {
            name: "oakfield-alumni.example",
            group: GROUP,
            story: "p=none: a forgotten newsletter signs as its service only",
            policies: vec![(0, Policy::of(NoAction))],
            flows: vec![
                Flow::workspace("oakfield-alumni.example", 240.0),
                Flow::newsletter("oakfield-alumni.example", 1_700.0, false),
            ],
            tls_sessions: 0,
        },
        Domain {
            name: "oakfield-exams.test",
            group: GROUP,
            story: "p=reject with t=y: receivers of the new standard test, the others reject",
            policies: vec![
                (0, Policy::of(NoAction)),
                (10, Policy { testing: true, ..Policy::of(Reject).subdomains(Reject) }),
            ],
            flows: vec![
                Flow::own("oakfield-exams.test", &pools::OAKFIELD, 420.0),
                Flow::sendgrid("oakfield-exams.test", 800.0).days(6..30),
                Flow::sendgrid("oakfield-exams.test", 130.0)
                    .under("results.oakfield-exams.test")
                    .days(14..30),
                Flow::zendesk("oakfield-exams.test", 90.0),
                Flow::spoofed("oakfield-exams.test", 22.0),
            ],
            tls_sessions: 0,
        },
    ]
}

const GROUP: Option<&str> = Some("oakfield-schools");
