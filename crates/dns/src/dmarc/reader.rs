//! Reads a record, and says what is wrong with how it is written.

use super::{
    codes,
    record::{Alignment, Fault, Policy, PublicSuffix, Record},
    uri::Uri,
};
use crate::{
    Code,
    tags::{Tag, Tags},
    versioned::shorten,
};

#[derive(Default)]
pub(super) struct Reader {
    faults: Vec<Fault>,
    is_cut: bool,
}

impl Reader {
    pub(super) fn read(mut self, text: &str) -> Record {
        let mut tags = Tags::parse(text);
        self.is_cut = tags.tags.len() > MOST_TAGS || tags.faults.len() > MOST_FAULTS;
        tags.tags.truncate(MOST_TAGS);
        self.pieces(text, &tags);
        let known: Vec<_> = tags.tags.iter().filter(|tag| self.is_known(tag)).collect();
        let first = |name: &str| known.iter().find(|tag| tag.name.eq_ignore_ascii_case(name)).copied();
        for (index, tag) in known.iter().enumerate() {
            if known.iter().take(index).any(|earlier| earlier.name.eq_ignore_ascii_case(tag.name)) {
                self.fault(codes::REPEATED_TAG, tag, "is there twice".to_owned());
            }
        }
        let policy = self.policy(first("p"), codes::BAD_POLICY);
        self.place_of_policy(text, &known);
        let subdomain_policy = self.policy(first("sp"), codes::BAD_SUBDOMAIN_POLICY);
        let nonexistent_policy = self.policy(first("np"), codes::BAD_SUBDOMAIN_POLICY);
        let has_bad_policy = first("sp").is_some() && subdomain_policy.is_none()
            || first("np").is_some() && nonexistent_policy.is_none();
        let record = Record {
            text: text.to_owned(),
            policy,
            subdomain_policy,
            nonexistent_policy,
            has_bad_policy,
            dkim_alignment: self.choice(first("adkim"), &ALIGNMENTS),
            spf_alignment: self.choice(first("aspf"), &ALIGNMENTS),
            failure_options: self.failure_options(first("fo"), first("ruf").is_some()),
            rua: self.uris(first("rua")),
            ruf: self.uris(first("ruf")),
            psd: self.choice(first("psd"), &PUBLIC_SUFFIXES),
            testing: self.choice(first("t"), &[("y", true), ("n", false)]),
            percentage: first("pct").and_then(|tag| tag.value.parse().ok()).filter(|share| *share <= 100),
            faults: Vec::new(),
            is_cut: false,
        };
        self.is_cut |= self.faults.len() > MOST_FAULTS;
        self.faults.sort_by_key(|fault| fault.at.start);
        self.faults.truncate(MOST_FAULTS);
        Record { faults: self.faults, is_cut: self.is_cut, ..record }
    }

    /// Pieces that are no tag, and characters that cannot be in a record.
    fn pieces(&mut self, text: &str, tags: &Tags<'_>) {
        let pieces = || tags.faults.iter().take(MOST_FAULTS);
        for at in pieces() {
            let piece = text.get(at.clone()).unwrap_or_default().trim();
            let hint = if piece.contains("mailto:") || piece.contains('@') {
                "; two addresses are separated by a comma"
            } else {
                ""
            };
            let detail = Tags::emptiness(piece)
                .unwrap_or_else(|| format!("`{}` is no `tag=value`{hint}.", shorten(piece)));
            self.faults.push(Fault { code: codes::SYNTAX, detail, at: at.clone() });
        }
        let wrong = text.char_indices().find(|(at, character)| {
            !matches!(character, ' '..='~' | '\t') && !pieces().any(|piece| piece.contains(at))
        });
        if let Some((at, character)) = wrong {
            let detail = format!(
                "The character `{}` (U+{:04X}) cannot be in a record.",
                character.escape_debug(),
                u32::from(character)
            );
            self.faults.push(Fault { code: codes::SYNTAX, detail, at: at..at + character.len_utf8() });
        }
    }

    /// Names of tags are written in lower case; most receivers take capitals too.
    fn is_known(&mut self, tag: &Tag<'_>) -> bool {
        let name = tag.name.to_ascii_lowercase();
        let at = tag.name_at.clone();
        if let Some(code) = match name.as_str() {
            "pct" if tag.value != "100" => Some(codes::PARTIAL_POLICY),
            "pct" | "rf" | "ri" => Some(codes::REMOVED_TAG),
            _ => None,
        } {
            let detail = format!("`{}={}` has no meaning any more.", tag.name, shorten(tag.value));
            self.faults.push(Fault { code, detail, at: at.start..tag.value_at.end });
        } else if !TAGS.contains(&name.as_str()) {
            let detail = format!("`{}` is no tag of DMARC and is ignored.", shorten(tag.name));
            self.faults.push(Fault { code: codes::UNKNOWN_TAG, detail, at });
            return false;
        } else if tag.name != name {
            let detail = format!("`{}` is written with capitals; the tag is `{name}`.", tag.name);
            self.faults.push(Fault { code: codes::CAPITAL_TAG, detail, at });
        }
        true
    }

    fn policy(&mut self, tag: Option<&Tag<'_>>, code: Code) -> Option<Policy> {
        let tag = tag?;
        let policy = Policy::named(tag.value);
        if policy.is_none() {
            self.fault(code, tag, "has to be none, quarantine or reject".to_owned());
        }
        policy
    }

    /// Receivers of RFC 7489 want `p`, and want it second.
    fn place_of_policy(&mut self, text: &str, known: &[&Tag<'_>]) {
        match known.iter().position(|tag| tag.name.eq_ignore_ascii_case("p")) {
            None => {
                let detail = "The record has no `p`.".to_owned();
                self.faults.push(Fault { code: codes::NO_POLICY, detail, at: text.len()..text.len() });
            }
            Some(2..) => {
                if let Some(tag) = known.iter().find(|tag| tag.name.eq_ignore_ascii_case("p")) {
                    self.fault(codes::LATE_POLICY, tag, "does not stand right after `v=DMARC1`".to_owned());
                }
            }
            Some(_) => {}
        }
    }

    /// The value that a tag chooses, the default of its type when it chooses none.
    fn choice<T: Copy + Default>(&mut self, tag: Option<&Tag<'_>>, choices: &[(&str, T)]) -> T {
        let Some(tag) = tag else { return T::default() };
        let chosen = choices.iter().find(|(name, _)| tag.value.eq_ignore_ascii_case(name));
        if chosen.is_none() {
            let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
            self.fault(codes::BAD_VALUE, tag, format!("has to be {}", names.join(" or ")));
        }
        chosen.map(|(_, value)| *value).unwrap_or_default()
    }

    fn failure_options(&mut self, tag: Option<&Tag<'_>>, has_ruf: bool) -> Vec<char> {
        let Some(tag) = tag else { return vec!['0'] };
        if !has_ruf {
            self.fault(codes::OPTIONS_WITHOUT_RUF, tag, "has no effect without `ruf`".to_owned());
        }
        let options = options(tag.value);
        if options.is_none() {
            let complaint = "has to be of 0, 1, d and s with colons between, each once, and not both 0 and 1";
            self.fault(codes::BAD_VALUE, tag, complaint.to_owned());
        }
        options.unwrap_or_else(|| vec!['0'])
    }

    fn uris(&mut self, tag: Option<&Tag<'_>>) -> Vec<Uri> {
        let Some(tag) = tag else { return Vec::new() };
        let mut uris: Vec<Uri> = Vec::new();
        for uri in Uri::list(tag.value, tag.value_at.start) {
            if uris.len() == MOST_URIS || self.faults.len() > MOST_URIS {
                self.is_cut = true;
                break;
            }
            match uri {
                Ok(uri) if uris.iter().any(|other| other.text.eq_ignore_ascii_case(&uri.text)) => {
                    let detail = format!("`{}` is in `{}` twice.", shorten(&uri.text), tag.name);
                    self.faults.push(Fault { code: codes::REPEATED_ADDRESS, detail, at: uri.at });
                }
                Ok(uri) => uris.push(uri),
                Err(bad) => {
                    let fault = Fault { code: codes::BAD_ADDRESS, detail: bad.detail, at: bad.at };
                    self.faults.push(fault);
                }
            }
        }
        uris
    }

    fn fault(&mut self, code: Code, tag: &Tag<'_>, complaint: String) {
        let detail = format!("`{}={}` {complaint}.", tag.name, shorten(tag.value));
        self.faults.push(Fault { code, detail, at: tag.name_at.start..tag.value_at.end });
    }
}

fn options(value: &str) -> Option<Vec<char>> {
    let mut options = Vec::new();
    for option in value.split(':') {
        let option = match option.trim() {
            "0" if !options.contains(&'1') => '0',
            "1" if !options.contains(&'0') => '1',
            "d" | "D" => 'd',
            "s" | "S" => 's',
            _ => return None,
        };
        if options.contains(&option) {
            return None;
        }
        options.push(option);
    }
    Some(options)
}

// A record can be 64 KiB of mistakes, each of which would be reported with all of it.
const MOST_FAULTS: usize = 20;
const MOST_TAGS: usize = 100;
const MOST_URIS: usize = 100;
const TAGS: [&str; 14] =
    ["v", "p", "sp", "np", "adkim", "aspf", "fo", "rua", "ruf", "psd", "t", "pct", "rf", "ri"];
const ALIGNMENTS: [(&str, Alignment); 2] = [("r", Alignment::Relaxed), ("s", Alignment::Strict)];
const PUBLIC_SUFFIXES: [(&str, PublicSuffix); 3] =
    [("y", PublicSuffix::Yes), ("n", PublicSuffix::No), ("u", PublicSuffix::Undetermined)];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dmarc::Policies;

    fn parse(text: &str) -> Record {
        Record::parse(text).unwrap()
    }

    /// The names of the faults, and the bytes they point at.
    fn faults(text: &str) -> Vec<(&'static str, String)> {
        let record = parse(text);
        let part = |fault: &Fault| text.get(fault.at.clone()).unwrap().to_owned();
        record.faults.iter().map(|fault| (fault.code.name, part(fault))).collect()
    }

    #[test]
    fn everything_a_record_says() {
        let record = parse(
            "V=DMARC1 ;p=Reject; sp = quarantine ;np=none;adkim=s;aspf=R;fo=1:d:s;rua=mailto:a@b.example,mailto:c@d.example!5m;\
             ruf=mailto:f@b.example;psd=n;t=y;pct=20",
        );
        assert_eq!(record.policy, Some(Policy::Reject));
        assert_eq!(record.subdomain_policy, Some(Policy::Quarantine));
        assert_eq!(record.nonexistent_policy, Some(Policy::None));
        assert_eq!((record.dkim_alignment, record.spf_alignment), (Alignment::Strict, Alignment::Relaxed));
        assert_eq!(record.failure_options, ['1', 'd', 's']);
        assert_eq!((record.rua.len(), record.ruf.len()), (2, 1));
        assert_eq!((record.psd, record.testing, record.percentage), (PublicSuffix::No, true, Some(20)));
        let policies = record.in_force().unwrap();
        assert_eq!(
            policies,
            Policies { domain: Policy::Quarantine, subdomains: Policy::None, nonexistent: Policy::None }
        );
    }

    #[test]
    fn policies_fall_back() {
        for (text, expected) in [
            ("v=DMARC1; p=reject", Some(["reject", "reject", "reject"])),
            ("v=DMARC1; p=reject; sp=none", Some(["reject", "none", "none"])),
            ("v=DMARC1; p=none; np=reject", Some(["none", "none", "reject"])),
            ("v=DMARC1; p=quarantine; sp=reject; np=none", Some(["quarantine", "reject", "none"])),
            ("v=DMARC1; p=rejct", None),
            ("v=DMARC1; p=rejct; rua=mailto:a@b.example", Some(["none", "none", "none"])),
            ("v=DMARC1; p=reject; sp=no; rua=mailto:a@b.example", Some(["none", "none", "none"])),
            ("v=DMARC1; p=reject; np=; rua=a@b.example", None),
            ("v=DMARC1; rua=mailto:a@b.example", Some(["none", "none", "none"])),
            ("v=DMARC1", None),
        ] {
            let names = |policies: Policies| {
                [policies.domain, policies.subdomains, policies.nonexistent].map(Policy::name)
            };
            assert_eq!(parse(text).policies().map(names), expected, "{text}");
        }
    }

    #[test]
    fn faults_and_their_places() {
        for (text, expected) in [
            ("v=DMARC1; p=reject; rua=mailto:a@b.example;", vec![]),
            ("v=DMARC1;p=none; junk ;sp=none", vec![("dmarc.syntax", " junk ")]),
            ("v=DMARC1;; p=none", vec![("dmarc.syntax", ";")]),
            ("v=DMARC1; p=none; ; sp=none;", vec![("dmarc.syntax", " ;")]),
            ("v=DMARC1; p=none;; ;", vec![("dmarc.syntax", ";"), ("dmarc.syntax", " ;")]),
            ("v=DMARC1;; p=", vec![("dmarc.syntax", ";"), ("dmarc.bad_policy", "p=")]),
            (
                "v=DMARC1; p=none; rua=mailto:mailto:a@b.example",
                vec![("dmarc.bad_address", "mailto:mailto:a@b.example")],
            ),
            ("v=DMARC1; p=none; rua=mailto:a%2Cc@b.example", vec![]),
            (
                "v=DMARC1; p=none; rua=mailto:a@b.example; mailto:c@d.example",
                vec![("dmarc.syntax", " mailto:c@d.example")],
            ),
            ("v=DMARC1; p=“none”", vec![("dmarc.bad_policy", "p=“none”"), ("dmarc.syntax", "“")]),
            ("v=DMARC1; p=none; p=reject", vec![("dmarc.repeated_tag", "p=reject")]),
            ("v=DMARC1; p=none; rau=x", vec![("dmarc.unknown_tag", "rau")]),
            ("v=DMARC1; P=none", vec![("dmarc.capital_tag", "P")]),
            ("v=DMARC1; p=none sp=none", vec![("dmarc.bad_policy", "p=none sp=none")]),
            ("v=DMARC1; p=none; np=deny", vec![("dmarc.bad_subdomain_policy", "np=deny")]),
            ("v=DMARC1; sp=none", vec![("dmarc.no_policy", "")]),
            ("v=DMARC1; sp=none; p=none", vec![("dmarc.late_policy", "p=none")]),
            ("v=DMARC1; p=none; adkim=relaxed", vec![("dmarc.bad_value", "adkim=relaxed")]),
            ("v=DMARC1; p=none; t=1; psd=x", vec![("dmarc.bad_value", "t=1"), ("dmarc.bad_value", "psd=x")]),
            (
                "v=DMARC1; p=none; pct=100; ri=86400; rf=afrf",
                vec![
                    ("dmarc.removed_tag", "pct=100"),
                    ("dmarc.removed_tag", "ri=86400"),
                    ("dmarc.removed_tag", "rf=afrf"),
                ],
            ),
            ("v=DMARC1; p=none; pct=0", vec![("dmarc.partial_policy", "pct=0")]),
            ("v=DMARC1; p=none; fo=1", vec![("dmarc.options_without_ruf", "fo=1")]),
            ("v=DMARC1; p=none; fo=0:1; ruf=mailto:a@b.example", vec![("dmarc.bad_value", "fo=0:1")]),
            ("v=DMARC1; p=none; fo=d:d; ruf=mailto:a@b.example", vec![("dmarc.bad_value", "fo=d:d")]),
            ("v=DMARC1; p=none; fo=1,d; ruf=mailto:a@b.example", vec![("dmarc.bad_value", "fo=1,d")]),
            ("v=DMARC1; p=none; fo=d:0:s; ruf=mailto:a@b.example", vec![]),
            ("v=DMARC1; p=none; rua=a@b.example", vec![("dmarc.bad_address", "a@b.example")]),
            (
                "v=DMARC1; p=none; rua=mailto:a@b.example,mailto:A@b.example",
                vec![("dmarc.repeated_address", "mailto:A@b.example")],
            ),
        ] {
            let expected: Vec<_> = expected.into_iter().map(|(code, part)| (code, part.to_owned())).collect();
            assert_eq!(faults(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_record() {
        for text in ["", "v=spf1 -all", " v=DMARC1; p=none", "v=DMARC2; p=none", "v=dmarc1; p=none"] {
            assert_eq!(Record::parse(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_read(rest in "[a-z=;:,@ ä0-9]{0,80}") {
            let text = format!("v=DMARC1;{rest}");
            let record = parse(&text);
            for fault in record.faults {
                proptest::prop_assert!(text.get(fault.at.clone()).is_some());
            }
        }
    }
}
