use std::{fmt::Write as _, sync::LazyLock};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ring::digest::{SHA256, digest};

use super::{
    escape,
    ornament::{rosette, seal},
    words::{Words, display},
};
use crate::certificate::{Certificate, Standing};
use ruad_common::texts::{Language, fill};

/// Why there is no certificate on a page.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Notice {
    /// There is no such certificate.
    Unknown,
    /// Nobody can tell now.
    Away,
}

/// The page of a certificate: it loads nothing and runs nothing. With a standing it is what the web server shows; without one it
/// is a document to be kept, which says where it can be checked.
pub fn page(certificate: &Certificate, standing: Option<Standing>, language: Language) -> String {
    let words = Words(language);
    let statement = certificate.statement();
    let domain = display(&statement.domain);
    let url = statement.url();
    let (state, title, text) = standing_words(words, standing, &domain, &url);
    let stamp = match standing {
        Some(Standing::Void { .. }) => {
            format!("<p class=\"stamp\" aria-hidden=\"true\">{}</p>\n", escape(&title))
        }
        _ => String::new(),
    };
    let size = match domain.chars().count() {
        0..=26 => "",
        27..=48 => "long",
        _ => "longer",
    };
    let mut facts = String::new();
    for (name, value) in words.facts(statement) {
        row(&mut facts, name, &value, "");
    }
    let mut foot = String::new();
    row(&mut foot, words.say("certificate.number"), &statement.serial.grouped(), "serial");
    row(&mut foot, words.say("certificate.check"), &url, "");
    row(&mut foot, words.say("certificate.issued"), &words.date(statement.issued), "");
    row(&mut foot, words.say("certificate.issuer"), statement.address.host(), "");
    let (text_url, key_url) = (format!("{url}.txt"), statement.address.of_key());
    let proof = words.tell("certificate.proof_text", &[("text_url", &text_url), ("key_url", &key_url)]);
    let is_valid = matches!(standing, Some(Standing::Valid { .. }));
    document(
        PAGE,
        language,
        &[
            ("title", &escape(&words.tell("certificate.title", &[("domain", &domain)]))),
            ("class", state),
            ("sign", if is_valid { TICK } else { standing.map_or(LOOK, |_| DASH) }),
            ("standing", &escape(&title)),
            ("standing_text", &escape(&text)),
            ("guilloche", &guilloche()),
            ("seal", &seal()),
            ("kind", &escape(&words.kind())),
            ("size", size),
            ("domain", &escape(&domain)),
            ("lead", &escape(&words.lead(statement, &domain))),
            ("checked", &escape(words.say("certificate.checked"))),
            ("facts", &facts),
            ("foot", &foot),
            ("stamp", &stamp),
            ("proof", &escape(words.say("certificate.proof"))),
            ("proof_text", &escape(&proof)),
            ("block", &certificate.to_string()),
            ("other", &standing.map(|_| other(language)).unwrap_or_default()),
        ],
    )
}

/// A page that says why there is no certificate on it.
pub fn notice(notice: Notice, language: Language) -> String {
    let words = Words(language);
    let (title, text) = match notice {
        Notice::Unknown => ("certificate.unknown", "certificate.unknown_text"),
        Notice::Away => ("certificate.away", "certificate.away_text"),
    };
    let values = [
        ("title", &*escape(words.say(title))),
        ("class", "notice"),
        ("text", &escape(words.say(text))),
        ("seal", &seal()),
        ("other", &other(language)),
    ];
    document(NOTICE, language, &values)
}

/// What a page may load: its own style and nothing else.
pub fn policy() -> &'static str {
    &POLICY
}

fn standing_words(
    words: Words,
    standing: Option<Standing>,
    domain: &str,
    url: &str,
) -> (&'static str, String, String) {
    let (state, title, text) = match standing {
        None => {
            ("document", "certificate.document", words.tell("certificate.document_text", &[("url", url)]))
        }
        Some(Standing::Valid { confirmed_at }) => (
            "valid",
            "certificate.valid",
            words.tell("certificate.valid_text", &[("moment", &words.moment(confirmed_at))]),
        ),
        Some(Standing::Void { since: None }) => {
            ("void", "certificate.void", words.say("certificate.void_text").to_owned())
        }
        Some(Standing::Void { since: Some(since) }) => (
            "void",
            "certificate.void",
            words.tell("certificate.void_since_text", &[("since", &words.date(since))]),
        ),
        Some(Standing::Unconfirmed) => (
            "unconfirmed",
            "certificate.unconfirmed",
            words.tell("certificate.unconfirmed_text", &[("domain", domain)]),
        ),
    };
    (state, words.say(title).to_owned(), text)
}

/// A link to the same page in the other language.
fn other(language: Language) -> String {
    let other = if language == Language::En { Language::Nl } else { Language::En };
    let name = escape(language.text("certificate.other_language"));
    format!(
        "<p class=\"other\"><a href=\"?lang={other}\" hreflang=\"{other}\" lang=\"{other}\">{name}</a></p>\n"
    )
}

fn row(out: &mut String, name: &str, value: &str, class: &str) {
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    // Writing to a string does not fail.
    writeln!(out, "<div><dt>{}</dt><dd{class}>{}</dd></div>", escape(name), escape(value))
        .unwrap_or_default();
}

/// A whole document around what is inside `main`.
fn document(template: &str, language: Language, values: &[(&str, &str)]) -> String {
    let value = |name: &str| values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    let main = fill(template, value);
    fill(DOCUMENT, |name| match name {
        "lang" => Some(language.code()),
        "policy" => Some(policy()),
        "style" => Some(STYLE),
        "main" => Some(&main),
        _ => value(name),
    })
}

/// Fine lines behind the text: a rose in the middle and one in each corner.
fn guilloche() -> String {
    let corners = [(0.0, 0.0), (1000.0, 0.0), (0.0, 700.0), (1000.0, 700.0)];
    let corners = corners.map(|(x, y)| rosette(x, y, 150.0, 96.0, 16));
    [rosette(500.0, 350.0, 330.0, 190.0, 30), corners.concat()].concat()
}

const DOCUMENT: &str = include_str!("document.html");
const PAGE: &str = include_str!("page.html");
const NOTICE: &str = include_str!("notice.html");
const STYLE: &str = include_str!("page.css");

/// Everything is forbidden but the one style sheet, which is known by its hash. Who may show the page in a frame can only be
/// said in a header.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = BASE64_STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'")
});

const TICK: &str = "M-4.6 .4 L-1.4 3.6 L4.8 -3.6";
const DASH: &str = "M-4.5 0 H4.5";
const LOOK: &str = "M0 -5 V-4.9 M0 -1 V5";

#[cfg(test)]
mod tests {
    use super::{
        super::super::{Date, seal::tests::certificate},
        *,
    };

    const STANDINGS: [Option<Standing>; 5] = [
        None,
        Some(Standing::Valid { confirmed_at: 1_795_219_200 }),
        Some(Standing::Void { since: None }),
        Some(Standing::Void { since: Some(Date::from_days(20_770)) }),
        Some(Standing::Unconfirmed),
    ];

    #[test]
    fn the_certificate_is_in_it_and_no_placeholder() {
        let certificate = certificate();
        for language in Language::ALL {
            for standing in STANDINGS {
                let page = page(&certificate, standing, language);
                assert_eq!(Certificate::find(&page), Ok(certificate.clone()));
                assert!(page.contains(&format!("<html lang=\"{language}\">")));
                let without_style = page.replace(STYLE, "");
                assert!(!without_style.contains(['{', '}']), "{without_style}");
                assert!(!without_style.contains("certificate."), "a text is missing: {without_style}");
            }
        }
    }

    #[test]
    fn it_says_how_it_stands() {
        let certificate = certificate();
        let says = |standing, text: &str| page(&certificate, standing, Language::En).contains(text);
        assert!(says(STANDINGS[0], "holds only as long as"));
        assert!(says(STANDINGS[1], "Confirmed on 21 November 2026, 00:00 UTC"));
        assert!(says(STANDINGS[3], "relied on since 13 November 2026"));
        assert!(says(STANDINGS[4], "there is no recent result"));
        for (standing, is_stamped) in STANDINGS.into_iter().zip([false, false, true, true, false]) {
            assert_eq!(says(standing, "class=\"stamp\""), is_stamped, "{standing:?}");
            assert_eq!(says(standing, "<body class=\"valid\">"), standing == STANDINGS[1]);
        }
    }

    #[test]
    fn nothing_is_loaded() {
        let page = page(&certificate(), STANDINGS[1], Language::En);
        for word in ["<script", "<img", "<link", "src=", "url(", "@import", " onload", "style="] {
            assert!(!page.contains(word), "{word}");
        }
        assert!(page.contains("sha256-"));
    }

    #[test]
    fn there_are_pages_without_a_certificate() {
        for language in Language::ALL {
            for kind in [Notice::Unknown, Notice::Away] {
                let page = notice(kind, language);
                assert_eq!(Certificate::find(&page), Err(crate::certificate::Forged::Missing));
                assert!(!page.replace(STYLE, "").contains(['{', '}']));
            }
        }
    }
}
