//! Every kind of step, in the order in which they are best done.

use serde::{Serialize, Serializer};

use super::{Effort, Risk, Who};
use ruad_dns::Mechanism;

/// What is fixed about a kind of step.
#[derive(Clone, Copy, Debug)]
pub(in crate::advice) struct Kind {
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
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $who:ident, $effort:ident, $risk:ident, $mechanism:expr;)*) => {
        /// A kind of step. Its name is stable: it is stored, and the texts go by it.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum StepCode {
            $($(#[$doc])* $variant,)*
            /// A kind that this version of the program does not have.
            Unknown(&'static str),
        }

        impl StepCode {
            /// All of them, in the order in which they are best done.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stored name.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Unknown(name) => name,
                }
            }

            pub(in crate::advice) fn kind(self) -> Kind {
                match self {
                    $(Self::$variant => Kind {
                        who: Who::$who,
                        effort: Effort::$effort,
                        risk: Risk::$risk,
                        mechanism: $mechanism,
                    },)*
                    Self::Unknown(_) => {
                        Kind { who: Who::Owner, effort: Effort::Minutes, risk: Risk::None, mechanism: None }
                    }
                }
            }
        }
    };
}

steps! {
    /// Publish a DMARC record.
    PublishDmarc = "publish_dmarc", Dns, Minutes, None, Some(Mechanism::Dmarc);
    /// Repair the DMARC record.
    RepairDmarc = "repair_dmarc", Dns, Minutes, Low, Some(Mechanism::Dmarc);
    /// Have the reports sent here as well.
    AddReportAddress = "add_report_address", Dns, Minutes, None, Some(Mechanism::Dmarc);
    /// Say at the host of our address that it takes the reports.
    AuthorizeReports = "authorize_reports", Operator, Minutes, None, Some(Mechanism::Dmarc);
    /// Say whether a sender is one's own.
    DecideSource = "decide_source", Owner, Minutes, None, None;
    /// No mail: refuse everything.
    ParkDmarc = "park_dmarc", Dns, Minutes, Low, Some(Mechanism::Dmarc);
    /// No mail: nobody may send.
    ParkSpf = "park_spf", Dns, Minutes, Low, Some(Mechanism::Spf);
    /// No mail: nothing is received.
    ParkMx = "park_mx", Dns, Minutes, Low, Some(Mechanism::Mx);
    /// No mail: no key.
    ParkDkim = "park_dkim", Dns, Minutes, None, Some(Mechanism::Dkim);
    /// Publish an SPF record.
    PublishSpf = "publish_spf", Dns, Minutes, Low, Some(Mechanism::Spf);
    /// Repair the SPF record.
    RepairSpf = "repair_spf", Dns, Minutes, Low, Some(Mechanism::Spf);
    /// Add a sender to the SPF record.
    AddSpfSender = "add_spf_sender", Dns, Minutes, None, Some(Mechanism::Spf);
    /// Have a sender sign with the domain's own name.
    EnableDkim = "enable_dkim", Sender, Hours, None, None;
    /// Replace a key that is too weak.
    ReplaceKey = "replace_key", Sender, Hours, Low, Some(Mechanism::Dkim);
    /// Replace a key that is old.
    RotateKey = "rotate_key", Sender, Hours, Low, Some(Mechanism::Dkim);
    /// Sign with the new key.
    SwitchKey = "switch_key", Sender, Minutes, Low, Some(Mechanism::Dkim);
    /// Take away a key that nobody uses.
    RemoveKey = "remove_key", Dns, Minutes, Low, Some(Mechanism::Dkim);
    /// Take `pct` out of the record.
    DropPercentage = "drop_percentage", Dns, Minutes, Low, Some(Mechanism::Dmarc);
    /// Raise the policy to quarantine.
    RaiseToQuarantine = "raise_to_quarantine", Dns, Minutes, Low, Some(Mechanism::Dmarc);
    /// Take `t=y` out of the record.
    EndTesting = "end_testing", Dns, Minutes, Medium, Some(Mechanism::Dmarc);
    /// Raise the policy to reject.
    RaiseToReject = "raise_to_reject", Dns, Minutes, Medium, Some(Mechanism::Dmarc);
    /// Give subdomains the policy of the domain.
    ProtectSubdomains = "protect_subdomains", Dns, Minutes, Medium, Some(Mechanism::Dmarc);
    /// Take a term out of the SPF record from which nobody sends.
    RemoveSpfEntry = "remove_spf_entry", Dns, Minutes, Low, Some(Mechanism::Spf);
    /// Have TLS reports sent here.
    PublishTlsRpt = "publish_tls_rpt", Dns, Minutes, None, Some(Mechanism::TlsRpt);
    /// Publish an MTA-STS policy in testing.
    PublishMtaSts = "publish_mta_sts", Dns, Hours, None, Some(Mechanism::MtaSts);
    /// Put the MTA-STS policy in force.
    EnforceMtaSts = "enforce_mta_sts", Dns, Minutes, Medium, Some(Mechanism::MtaSts);
    /// Repair what else costs points.
    Repair = "repair", Dns, Minutes, Low, None;
    /// Show a logo; nobody has to.
    AddLogo = "add_logo", Owner, Days, None, Some(Mechanism::Bimi);
}

impl StepCode {
    /// The code of that name, when there is one.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == name)
    }

    /// Its place in the order in which steps are best done; codes of another version of this program come last.
    pub fn place(self) -> usize {
        Self::ALL.iter().position(|code| *code == self).unwrap_or(Self::ALL.len())
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

    /// Whether it is about who sends: its subject is the id of a sender.
    pub fn is_about_sender(self) -> bool {
        [Self::DecideSource, Self::EnableDkim, Self::AddSpfSender].contains(&self)
    }

    /// Whether it keeps a domain as it is: it comes again and again, and a domain that is finished stays so meanwhile.
    pub fn is_upkeep(self) -> bool {
        let upkeep = [
            Self::AuthorizeReports,
            Self::DecideSource,
            Self::ReplaceKey,
            Self::RotateKey,
            Self::SwitchKey,
            Self::RemoveKey,
            Self::RemoveSpfEntry,
            Self::Repair,
            Self::AddLogo,
        ];
        upkeep.contains(&self)
    }
}

impl Serialize for StepCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
