//! Every code there is.

use super::{
    Code, bimi, caa, check, dane, dkim, dmarc, dnsbl, dnssec, mta_sts, mx, ns, reverse, rpki, spf, tls_rpt,
};

impl Code {
    /// Every code there is, by mechanism.
    pub fn all() -> impl Iterator<Item = Self> {
        let mechanisms: [&[Self]; 15] = [
            dmarc::CODES,
            spf::CODES,
            dkim::CODES,
            mx::CODES,
            mta_sts::CODES,
            tls_rpt::CODES,
            dnssec::CODES,
            dane::CODES,
            ns::CODES,
            dnsbl::CODES,
            reverse::CODES,
            bimi::CODES,
            caa::CODES,
            rpki::CODES,
            check::CODES,
        ];
        mechanisms.into_iter().flatten().copied()
    }

    /// The code of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|code| code.name == name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::finding::TEXTS;
    use ruad_common::texts::Language;

    #[test]
    fn every_code_is_said_once_and_has_its_texts() {
        let mut seen = HashSet::new();
        for code in Code::all() {
            assert!(seen.insert(code.name), "{} is declared twice", code.name);
            for language in Language::ALL {
                let text = code.text_in(language);
                let text =
                    text.unwrap_or_else(|| panic!("{} has no text in texts/{language}/findings", code.name));
                for words in [&text.title, &text.why, &text.change] {
                    assert!(!words.trim().is_empty(), "{} has an empty text in {language}", code.name);
                }
                assert!(!text.title.ends_with('.'), "{}", text.title);
            }
        }
        for (language, texts) in TEXTS.iter() {
            let left: Vec<_> = texts.keys().filter(|name| !seen.contains(name.as_str())).collect();
            assert!(left.is_empty(), "texts in {language} without a code: {left:?}");
        }
    }
}
