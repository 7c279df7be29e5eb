//! Which element may stand in which, and what its text is.

/// An element of a report, or what stands for one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Node {
    /// Above the root.
    Document,
    Feedback,
    Metadata,
    DateRange,
    Policy,
    /// `extension` or the `extensions` of earlier drafts, at file level.
    Extension,
    Record,
    Row,
    Evaluated,
    Reason,
    Identifiers,
    AuthResults,
    Dkim,
    Spf,
    /// An element whose text is a value.
    Value(Field),
    /// An element nobody knows, with everything in it.
    Unknown,
}

/// A value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Field {
    Version,
    OrgName,
    Email,
    ExtraContactInfo,
    ReportId,
    Begin,
    End,
    Error,
    Generator,
    PolicyDomain,
    P,
    Sp,
    Np,
    Adkim,
    Aspf,
    Pct,
    Fo,
    Testing,
    DiscoveryMethod,
    SourceIp,
    Count,
    Disposition,
    EvaluatedDkim,
    EvaluatedSpf,
    ReasonType,
    ReasonComment,
    HeaderFrom,
    EnvelopeFrom,
    EnvelopeTo,
    DkimDomain,
    DkimSelector,
    DkimResult,
    DkimHumanResult,
    SpfDomain,
    SpfScope,
    SpfResult,
    SpfHumanResult,
}

impl Node {
    /// The child of that exact name, with its name again.
    pub(super) fn child(self, name: &[u8]) -> Option<(Self, &'static str)> {
        use Field::*;
        Some(match self {
            Self::Document => match name {
                b"feedback" => (Self::Feedback, "feedback"),
                _ => return None,
            },
            Self::Feedback => match name {
                b"record" => (Self::Record, "record"),
                b"report_metadata" => (Self::Metadata, "report_metadata"),
                b"policy_published" => (Self::Policy, "policy_published"),
                b"version" => (Self::Value(Version), "version"),
                b"extension" => (Self::Extension, "extension"),
                b"extensions" => (Self::Extension, "extensions"),
                _ => return None,
            },
            Self::Metadata => match name {
                b"org_name" => (Self::Value(OrgName), "org_name"),
                b"email" => (Self::Value(Email), "email"),
                b"extra_contact_info" => (Self::Value(ExtraContactInfo), "extra_contact_info"),
                b"report_id" => (Self::Value(ReportId), "report_id"),
                b"date_range" => (Self::DateRange, "date_range"),
                b"error" => (Self::Value(Error), "error"),
                b"generator" => (Self::Value(Generator), "generator"),
                _ => return None,
            },
            Self::DateRange => match name {
                b"begin" => (Self::Value(Begin), "begin"),
                b"end" => (Self::Value(End), "end"),
                _ => return None,
            },
            Self::Policy => match name {
                b"domain" => (Self::Value(PolicyDomain), "domain"),
                b"p" => (Self::Value(P), "p"),
                b"sp" => (Self::Value(Sp), "sp"),
                b"np" => (Self::Value(Np), "np"),
                b"adkim" => (Self::Value(Adkim), "adkim"),
                b"aspf" => (Self::Value(Aspf), "aspf"),
                b"pct" => (Self::Value(Pct), "pct"),
                b"fo" => (Self::Value(Fo), "fo"),
                b"testing" => (Self::Value(Testing), "testing"),
                b"discovery_method" => (Self::Value(DiscoveryMethod), "discovery_method"),
                _ => return None,
            },
            Self::Record => match name {
                b"row" => (Self::Row, "row"),
                b"auth_results" => (Self::AuthResults, "auth_results"),
                // "identities" is what some reporters call it (junc.org).
                b"identifiers" => (Self::Identifiers, "identifiers"),
                b"identities" => (Self::Identifiers, "identities"),
                _ => return None,
            },
            Self::Row => match name {
                b"source_ip" => (Self::Value(SourceIp), "source_ip"),
                b"count" => (Self::Value(Count), "count"),
                b"policy_evaluated" => (Self::Evaluated, "policy_evaluated"),
                _ => return None,
            },
            Self::Evaluated => match name {
                b"disposition" => (Self::Value(Disposition), "disposition"),
                b"dkim" => (Self::Value(EvaluatedDkim), "dkim"),
                b"spf" => (Self::Value(EvaluatedSpf), "spf"),
                b"reason" => (Self::Reason, "reason"),
                _ => return None,
            },
            Self::Reason => match name {
                b"type" => (Self::Value(ReasonType), "type"),
                b"comment" => (Self::Value(ReasonComment), "comment"),
                _ => return None,
            },
            Self::Identifiers => match name {
                b"header_from" => (Self::Value(HeaderFrom), "header_from"),
                b"envelope_from" => (Self::Value(EnvelopeFrom), "envelope_from"),
                b"envelope_to" => (Self::Value(EnvelopeTo), "envelope_to"),
                _ => return None,
            },
            Self::AuthResults => match name {
                b"dkim" => (Self::Dkim, "dkim"),
                b"spf" => (Self::Spf, "spf"),
                _ => return None,
            },
            Self::Dkim => match name {
                b"domain" => (Self::Value(DkimDomain), "domain"),
                b"selector" => (Self::Value(DkimSelector), "selector"),
                b"result" => (Self::Value(DkimResult), "result"),
                b"human_result" => (Self::Value(DkimHumanResult), "human_result"),
                // A short form seen in the wild.
                b"r" => (Self::Value(DkimResult), "r"),
                _ => return None,
            },
            Self::Spf => match name {
                b"domain" => (Self::Value(SpfDomain), "domain"),
                b"scope" => (Self::Value(SpfScope), "scope"),
                b"result" => (Self::Value(SpfResult), "result"),
                b"human_result" => (Self::Value(SpfHumanResult), "human_result"),
                b"r" => (Self::Value(SpfResult), "r"),
                _ => return None,
            },
            Self::Extension | Self::Value(_) | Self::Unknown => return None,
        })
    }

    /// The child of that name whatever its prefix and case.
    pub(super) fn child_by_local_name(self, name: &str) -> Option<(Self, &'static str)> {
        let local = local_name(name);
        // No known name is longer than 18 bytes.
        let mut lower = [0; 32];
        let lower = lower.get_mut(..local.len())?;
        lower.copy_from_slice(local.as_bytes());
        lower.make_ascii_lowercase();
        self.child(lower)
    }

    /// Whether its start tag needs no look at what it is and what came before.
    pub(super) fn is_plain(self) -> bool {
        !matches!(self, Self::Feedback | Self::Policy | Self::Extension | Self::Unknown)
    }

    /// A child that is a section rather than a value: seen in the wrong place it tells that an end tag is
    /// missing.
    pub(super) fn is_section(self) -> bool {
        !matches!(self, Self::Value(_) | Self::Unknown | Self::Extension)
    }
}

impl Field {
    /// The standard's values, where they are an enumeration (RFC 7489 appendix C, RFC 9990 appendix A).
    pub(super) fn known_values(self) -> &'static [&'static str] {
        match self {
            Self::P | Self::Sp | Self::Np => &["none", "quarantine", "reject"],
            Self::Disposition => &["none", "quarantine", "reject", "pass"],
            Self::EvaluatedDkim | Self::EvaluatedSpf => &["pass", "fail"],
            Self::Adkim | Self::Aspf => &["r", "s"],
            Self::Testing => &["n", "y"],
            Self::DiscoveryMethod => &["psl", "treewalk"],
            Self::Fo => &["0", "1", "d", "s"],
            Self::SpfScope => &["mfrom", "helo"],
            Self::DkimResult => &["none", "pass", "fail", "policy", "neutral", "temperror", "permerror"],
            Self::SpfResult => {
                &["none", "pass", "fail", "softfail", "policy", "neutral", "temperror", "permerror"]
            }
            Self::ReasonType => &[
                "local_policy",
                "mailing_list",
                "other",
                "policy_test_mode",
                "trusted_forwarder",
                "forwarded",
                "sampled_out",
            ],
            _ => &[],
        }
    }

    /// Text for people may run over lines.
    pub(super) fn is_prose(self) -> bool {
        matches!(
            self,
            Self::ReasonComment
                | Self::DkimHumanResult
                | Self::SpfHumanResult
                | Self::Error
                | Self::ExtraContactInfo
                | Self::OrgName
                | Self::Generator
        )
    }
}

/// The prefix of a name; empty without one.
pub(super) fn prefix(name: &str) -> &str {
    name.split_once(':').map_or("", |(prefix, _)| prefix)
}

/// A name without its prefix.
pub(super) fn local_name(name: &str) -> &str {
    name.split_once(':').map_or(name, |(_, local)| local)
}

/// Whether a name could be that of an XML element; near enough to tell a tag from `<a@b>` or `<3`.
pub(super) fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    let starts = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || byte == b':' || !byte.is_ascii();
    let goes_on = |byte: u8| starts(byte) || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    bytes.next().is_some_and(starts) && bytes.all(goes_on)
}
