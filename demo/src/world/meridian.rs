//! Meridian Logistics: knows its mail, nearly done.

use super::pools;
use super::{Domain, Flow};
use crate::report::Disposition::{Quarantine, Reject};
use crate::report::Policy;

pub(super) fn domains() -> Vec<Domain> {
    vec![
        Domain {
            name: "meridian.example",
            group: GROUP,
            story: "p=reject, every sender aligned",
            policies: vec![(0, Policy::of(Reject).subdomains(Reject))],
            flows: vec![
                Flow::office("meridian.example", 4_200.0),
                Flow::own("meridian.example", &pools::MERIDIAN, 1_100.0).weekend(0.9),
                Flow::sendgrid("meridian.example", 900.0),
            ],
            tls_sessions: 900,
        },
        Domain {
            name: "meridian-freight.test",
            group: GROUP,
            story: "moves from quarantine to reject in the middle of the month",
            policies: vec![
                (0, Policy::of(Quarantine)),
                (16, Policy { np: Some(Reject), ..Policy::of(Reject).subdomains(Reject) }),
            ],
            flows: vec![
                Flow::workspace("meridian-freight.test", 1_500.0),
                Flow::own("meridian-freight.test", &pools::FREIGHT, 600.0).weekend(1.0),
                // Found and switched off before the step to reject.
                Flow::zendesk("meridian-freight.test", 140.0).days(0..13),
                Flow::spoofed("meridian-freight.test", 35.0),
            ],
            tls_sessions: 260,
        },
        Domain {
            name: "meridian-parcels.example",
            group: GROUP,
            story: "most of its mail comes from subdomains, which sp covers",
            policies: vec![(0, Policy::of(Reject).subdomains(Quarantine))],
            flows: vec![
                Flow::office("meridian-parcels.example", 500.0),
                Flow::own("meridian-parcels.example", &pools::PARCELS, 6_800.0)
                    .under("track.meridian-parcels.example")
                    .weekend(0.8),
                Flow::ses("meridian-parcels.example", 1_900.0).under("returns.meridian-parcels.example"),
                // A depot's scheduling tool that nobody authorised.
                Flow::newsletter("meridian-parcels.example", 160.0, false)
                    .under("depot.meridian-parcels.example"),
            ],
            tls_sessions: 0,
        },
        Domain {
            name: "oldmeridian.example",
            group: GROUP,
            story: "parked: sends nothing, is only abused",
            policies: vec![(0, Policy { strict_dkim: true, strict_spf: true, ..Policy::of(Reject) })],
            flows: vec![
                Flow::spoofed("oldmeridian.example", 130.0),
                Flow::phished("oldmeridian.example", 60.0).days(18..24),
            ],
            tls_sessions: 0,
        },
    ]
}

const GROUP: Option<&str> = Some("meridian-logistics");
