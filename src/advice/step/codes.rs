//! Every kind of step, in the order in which they are best done.

use super::{Effort, Risk, StepCode, Who};
use ruad_dns::Mechanism;

/// What is fixed about a kind of step.
#[derive(Clone, Copy, Debug)]
pub(in crate::advice) struct Kind {
    code: StepCode,
    /// Who has to do it, mostly.
    pub(in crate::advice) who: Who,
    /// How much work it is.
    pub(in crate::advice) effort: Effort,
    /// What can go wrong.
    pub(in crate::advice) risk: Risk,
    /// What must be known about the domain before anything can be said about it.
    pub(in crate::advice) mechanism: Option<Mechanism>,
}

macro_rules! steps {
    ($($(#[$doc:meta])* $constant:ident = $name:literal, $who:ident, $effort:ident, $risk:ident, $mechanism:expr;)*) => {
        impl StepCode {
            $($(#[$doc])* pub const $constant: Self = Self($name);)*
            /// All of them, in the order in which they are best done.
            pub const ALL: &'static [Self] = &[$(Self::$constant),*];
        }
        const KINDS: &[Kind] = &[$(Kind {
            code: StepCode::$constant,
            who: Who::$who,
            effort: Effort::$effort,
            risk: Risk::$risk,
            mechanism: $mechanism,
        }),*];
    };
}

steps! {
    /// Publish a DMARC record.
    PUBLISH_DMARC = "publish_dmarc", Dns, Minutes, None, Some(Mechanism::Dmarc);
    /// Repair the DMARC record.
    REPAIR_DMARC = "repair_dmarc", Dns, Minutes, Low, Some(Mechanism::Dmarc);
    /// Have the reports sent here as well.
    ADD_REPORT_ADDRESS = "add_report_address", Dns, Minutes, None, Some(Mechanism::Dmarc);
    /// Say at the host of our address that it takes the reports.
    AUTHORIZE_REPORTS = "authorize_reports", Operator, Minutes, None, Some(Mechanism::Dmarc);
    /// Say whether a sender is one's own.
    DECIDE_SOURCE = "decide_source", Owner, Minutes, None, None;
    /// No mail: refuse everything.
    PARK_DMARC = "park_dmarc", Dns, Minutes, Low, Some(Mechanism::Dmarc);
    /// No mail: nobody may send.
    PARK_SPF = "park_spf", Dns, Minutes, Low, Some(Mechanism::Spf);
    /// No mail: nothing is received.
    PARK_MX = "park_mx", Dns, Minutes, Low, Some(Mechanism::Mx);
    /// No mail: no key.
    PARK_DKIM = "park_dkim", Dns, Minutes, None, Some(Mechanism::Dkim);
    /// Publish an SPF record.
    PUBLISH_SPF = "publish_spf", Dns, Minutes, Low, Some(Mechanism::Spf);
    /// Repair the SPF record.
    REPAIR_SPF = "repair_spf", Dns, Minutes, Low, Some(Mechanism::Spf);
    /// Add a sender to the SPF record.
    ADD_SPF_SENDER = "add_spf_sender", Dns, Minutes, None, Some(Mechanism::Spf);
    /// Have a sender sign with the domain's own name.
    ENABLE_DKIM = "enable_dkim", Sender, Hours, None, None;
    /// Replace a key that is too weak.
    REPLACE_KEY = "replace_key", Sender, Hours, Low, Some(Mechanism::Dkim);
    /// Replace a key that is old.
    ROTATE_KEY = "rotate_key", Sender, Hours, Low, Some(Mechanism::Dkim);
    /// Sign with the new key.
    SWITCH_KEY = "switch_key", Sender, Minutes, Low, Some(Mechanism::Dkim);
    /// Take away a key that nobody uses.
    REMOVE_KEY = "remove_key", Dns, Minutes, Low, Some(Mechanism::Dkim);
    /// Take `pct` out of the record.
    DROP_PERCENTAGE = "drop_percentage", Dns, Minutes, Low, Some(Mechanism::Dmarc);
    /// Raise the policy to quarantine.
    RAISE_TO_QUARANTINE = "raise_to_quarantine", Dns, Minutes, Low, Some(Mechanism::Dmarc);
    /// Take `t=y` out of the record.
    END_TESTING = "end_testing", Dns, Minutes, Medium, Some(Mechanism::Dmarc);
    /// Raise the policy to reject.
    RAISE_TO_REJECT = "raise_to_reject", Dns, Minutes, Medium, Some(Mechanism::Dmarc);
    /// Give subdomains the policy of the domain.
    PROTECT_SUBDOMAINS = "protect_subdomains", Dns, Minutes, Medium, Some(Mechanism::Dmarc);
    /// Take a term out of the SPF record from which nobody sends.
    REMOVE_SPF_ENTRY = "remove_spf_entry", Dns, Minutes, Low, Some(Mechanism::Spf);
    /// Have TLS reports sent here.
    PUBLISH_TLS_RPT = "publish_tls_rpt", Dns, Minutes, None, Some(Mechanism::TlsRpt);
    /// Publish an MTA-STS policy in testing.
    PUBLISH_MTA_STS = "publish_mta_sts", Dns, Hours, None, Some(Mechanism::MtaSts);
    /// Put the MTA-STS policy in force.
    ENFORCE_MTA_STS = "enforce_mta_sts", Dns, Minutes, Medium, Some(Mechanism::MtaSts);
    /// Repair what else costs points.
    REPAIR = "repair", Dns, Minutes, Low, None;
    /// Show a logo; nobody has to.
    ADD_LOGO = "add_logo", Owner, Days, None, Some(Mechanism::Bimi);
}

impl StepCode {
    /// The code of that name, when there is one.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.0 == name)
    }

    /// Its place in the order in which steps are best done; codes of another version of this program come last.
    pub fn place(self) -> usize {
        KINDS.iter().position(|kind| kind.code == self).unwrap_or(KINDS.len())
    }

    /// Who has to do it, mostly.
    pub fn who(self) -> Who {
        self.kind().who
    }

    /// How much work it is.
    pub fn effort(self) -> Effort {
        self.kind().effort
    }

    /// What can go wrong.
    pub fn risk(self) -> Risk {
        self.kind().risk
    }

    pub(in crate::advice) fn kind(self) -> Kind {
        let unknown =
            Kind { code: self, who: Who::Owner, effort: Effort::Minutes, risk: Risk::None, mechanism: None };
        KINDS.iter().find(|kind| kind.code == self).copied().unwrap_or(unknown)
    }

    /// Whether it is about who sends: its subject is the id of a sender.
    pub fn is_about_sender(self) -> bool {
        [Self::DECIDE_SOURCE, Self::ENABLE_DKIM, Self::ADD_SPF_SENDER].contains(&self)
    }

    /// Whether it keeps a domain as it is: it comes again and again, and a domain that is finished stays so meanwhile.
    pub fn is_upkeep(self) -> bool {
        let upkeep = [
            Self::AUTHORIZE_REPORTS,
            Self::DECIDE_SOURCE,
            Self::REPLACE_KEY,
            Self::ROTATE_KEY,
            Self::SWITCH_KEY,
            Self::REMOVE_KEY,
            Self::REMOVE_SPF_ENTRY,
            Self::REPAIR,
            Self::ADD_LOGO,
        ];
        upkeep.contains(&self)
    }
}
