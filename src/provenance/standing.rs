use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::{
    evidence::{Claim, Evidence, Verdict},
    organizations::Organizations,
    results::Doubt,
};

/// Whether decisions may rest on a report: its verdict says who sent it, its standing whether that reporter can be
/// believed. Anybody can have a domain, pass DMARC with it and name it in a report.
///
/// Settled once when the report arrives, and stored with every row of it.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Decided by a version of this program that did not ask. It is believed when its verdict is genuine.
    #[default]
    Unjudged,
    /// Genuine, from an organisation of the table `organizations.toml`. Believed.
    Known,
    /// Genuine, from an organization that has sent genuine reports for weeks, about several customers. Believed.
    Established,
    /// The settings turn verification off. Believed, because the operator chose to.
    Unchecked,
    /// From anybody else. Not believed.
    Stranger,
    /// The report says what cannot be, whoever sent it. Not believed.
    Suspect,
}

impl Standing {
    /// Whether decisions may rest on it.
    pub fn is_believed(self) -> bool {
        matches!(self, Self::Known | Self::Established | Self::Unchecked)
    }

    /// The word that is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unjudged => "",
            Self::Known => "known",
            Self::Established => "established",
            Self::Unchecked => "unchecked",
            Self::Stranger => "stranger",
            Self::Suspect => "suspect",
        }
    }
}

impl Evidence {
    /// The standing of a report in the message that claims to be from `claim`. `established` has the organizational
    /// domains with a history of genuine reports.
    pub fn standing(&self, claim: &Claim<'_>, established: &HashSet<String>) -> Standing {
        if self.doubt == Some(Doubt::Disabled) {
            return Standing::Unchecked;
        }
        let (Some(author), Some(organization)) = (&self.from_domain, self.proven_organization()) else {
            return Standing::Stranger;
        };
        if self.verdict(claim) != Verdict::Genuine {
            return Standing::Stranger;
        }
        let known = Organizations::known();
        if known.is_known(author) {
            return Standing::Known;
        }
        // A genuine report's address is within the organization.
        let mut names = claim.org_name.into_iter().chain([organization]);
        let is_disguised = names.any(|name| known.is_imitated_by(name));
        match established.contains(organization) && !is_disguised {
            true => Standing::Established,
            false => Standing::Stranger,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provenance::{DmarcResult, Kind};

    /// Mail from `domain` that passes DMARC, with a report that names `org_name`.
    fn standing_of(domain: &str, organization: &str, org_name: &str) -> Standing {
        let evidence = Evidence {
            from_domain: Some(domain.into()),
            organization: Some(organization.into()),
            dmarc: DmarcResult::Pass,
            ..Evidence::default()
        };
        let email = format!("dmarc@{domain}");
        let claim = Claim { kind: Kind::Aggregate, org_name: Some(org_name), email: Some(&email) };
        let established = ["firm.example", "goog1e.example", "xn--ggle-55da.example"];
        evidence.standing(&claim, &established.map(str::to_owned).into())
    }

    #[test]
    fn organisations_of_the_table_are_known() {
        assert_eq!(standing_of("google.com", "google.com", "google.com"), Standing::Known);
        assert_eq!(standing_of("google.com", "google.com", "Google Inc."), Standing::Known);
        assert_eq!(standing_of("dmarc.yahoo.com", "yahoo.com", "Yahoo"), Standing::Known);
        assert_eq!(standing_of("google.com", "google.com", "Yahoo"), Standing::Stranger, "another's name");
        assert_eq!(standing_of("gmail.com", "gmail.com", "google.com"), Standing::Stranger, "a customer");
    }

    #[test]
    fn a_domain_of_ones_own_is_a_stranger_until_it_has_a_history() {
        assert_eq!(standing_of("evil.example", "evil.example", "evil.example"), Standing::Stranger);
        assert_eq!(standing_of("mx.firm.example", "firm.example", "firm.example"), Standing::Established);
        assert_eq!(standing_of("mx.firm.example", "firm.example", "Firm B.V."), Standing::Established);
    }

    #[test]
    fn no_history_makes_a_disguise_believed() {
        for name in [
            "Goog1e",
            "GoogIe",
            "G\u{43e}\u{43e}gle",
            "\u{202e}elgoog",
            "Google\u{200b}",
            "Google",
            "google",
            "Goog1e Reports",
            "Google-Reports",
            "GOOGLE  INC",
            "goog1e.com",
            "Rnirnecast",
            "Micr\u{3bf}soft Corporation",
            "Firm \u{441}orp",
            "Fi\u{0}rm",
            "Firm\u{2028}",
        ] {
            assert_eq!(standing_of("firm.example", "firm.example", name), Standing::Stranger, "{name:?}");
        }
        for name in ["Firm", "Bücher & Söhne", "株式会社ファーム Firm", "Фирма", "Applebee Growers", "apples"]
        {
            assert_eq!(standing_of("firm.example", "firm.example", name), Standing::Established, "{name:?}");
        }
        assert_eq!(standing_of("goog1e.example", "goog1e.example", "Firm"), Standing::Stranger);
    }

    #[test]
    fn what_is_not_genuine_is_a_stranger_unless_nothing_is_verified() {
        let claim = Claim { kind: Kind::Aggregate, org_name: Some("google.com"), email: None };
        let none = HashSet::new();
        assert_eq!(Evidence::unknown(Doubt::Timeout).standing(&claim, &none), Standing::Stranger);
        assert_eq!(Evidence::unknown(Doubt::Disabled).standing(&claim, &none), Standing::Unchecked);
        let forged = Evidence {
            from_domain: Some("google.com".into()),
            organization: Some("google.com".into()),
            dmarc: DmarcResult::Fail,
            ..Evidence::default()
        };
        assert_eq!(forged.standing(&claim, &none), Standing::Stranger);
    }
}
