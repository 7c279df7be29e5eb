use super::*;

fn codes(text: &str) -> Vec<&'static str> {
    Record::parse(text).faults.iter().map(|fault| fault.code.name).collect()
}

/// A key of 32 bytes of no meaning.
const ED25519: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

#[test]
fn what_is_right_has_no_faults() {
    for (head, tail) in [
        ("v=DKIM1; k=ed25519; p=", ""),
        ("k=ed25519;p=", ";"),
        (" v=DKIM1 ; k = ed25519; h=sha1:sha256; s = * : x; t=s:z; n=a\\b\"c; p=", " ; "),
        ("v=DKIM1; g=*; k=ed25519; s=tlsrpt; p=", ""),
        ("v=DKIM1; k=ed25519; h= sha256 ; p=", ""),
    ] {
        let record = Record::parse(&format!("{head}{ED25519}{tail}"));
        assert_eq!(record.faults, [], "{head}");
        assert!(matches!(record.content, Content::Key(_)), "{head}");
        assert_eq!(record.strict, head.contains("t=s"), "{head}");
    }
}

#[test]
fn each_fault_has_its_code() {
    for (text, expected) in [
        ("v=DKIM1; p=", vec![]),
        ("v=DKIM1; p= ; k=dsa; h=sha1; s=x; t=y", vec![]),
        ("v=DKIM1", vec!["dkim.no_public_key"]),
        ("v=dkim1; k=ed25519; p=%", vec!["dkim.wrong_version"]),
        ("v=DKIM; k=ed25519; p=%", vec!["dkim.wrong_version"]),
        ("k=ed25519; v=DKIM1; p=%", vec!["dkim.version_not_first"]),
        ("v=DKIM1;; k=ed25519; p=%", vec!["dkim.syntax"]),
        ("v=DKIM1; ; k=ed25519; p=%;", vec!["dkim.syntax"]),
        ("v=DKIM1; k=ed25519; p=%;;", vec!["dkim.syntax"]),
        ("v=DKIM1; k=ed25519; p=% ; ; ", vec!["dkim.syntax"]),
        ("v=DKIM1; k=ed25519; t=; p=%", vec!["dkim.syntax"]),
        ("v=DKIM1 k=ed25519; p=%", vec!["dkim.wrong_version", "dkim.unreadable_key"]),
        ("v=DKIM1\\; k=ed25519\\; p=%", vec!["dkim.stray_quotes"]),
        ("\"v=DKIM1; k=ed25519; p=%\"", vec!["dkim.stray_quotes"]),
        ("v=DKIM1; k=ed25519; h=; p=%", vec!["dkim.no_sha256"]),
        ("v=DKIM1; k=ed25519; h=SHA256; p=%", vec!["dkim.no_sha256"]),
        ("v=DKIM1; k=ed25519; s=; p=%", vec!["dkim.not_for_mail"]),
        ("v=DKIM1; k=ed25519; K=rsa; p=%", vec!["dkim.unknown_tag"]),
        ("v=DKIM1; k=ed25519; n=x; n=y; p=%", vec!["dkim.repeated_tag"]),
        ("v=DKIM1; k=; p=%", vec!["dkim.unknown_key_type"]),
        ("v=DKIM1; p=%", vec!["dkim.unreadable_key"]),
        ("v=DKIM1; k=ed25519; p=-----BEGIN PUBLIC KEY-----%", vec!["dkim.bad_base64"]),
        ("v=DKIM1; k=ed25519; p=AAAA", vec!["dkim.ed25519_length"]),
        ("v=DKIM1; k=ed25519; p=A", vec!["dkim.bad_base64"]),
        ("v=DKIM1; k=ed25519; p=“%”", vec!["dkim.bad_base64"]),
        ("v=DKIM1; k=ed25519; (p=%)", vec!["dkim.syntax", "dkim.no_public_key"]),
        ("google-site-verification=abc", vec!["dkim.not_a_key"]),
        ("v=DMARC1; p=none", vec!["dkim.not_a_key"]),
        ("v=BIMI1; l=; p=x", vec!["dkim.not_a_key"]),
        ("", vec!["dkim.not_a_key"]),
    ] {
        let text = text.replace('%', ED25519);
        assert_eq!(codes(&text), expected, "{text}");
    }
    assert_eq!(codes(&format!("v=DKIM1; k=ed25519; p={}", ED25519.trim_end_matches('='))), ["dkim.padding"]);
}

#[test]
fn faults_point_at_what_is_meant() {
    for (text, code, meant) in [
        ("v=DKIM2; p=", WRONG_VERSION, "DKIM2"),
        ("k=rsa; v = DKIM1; p=", VERSION_NOT_FIRST, "v = DKIM1"),
        ("v=DKIM1; oops ; p=", SYNTAX, " oops "),
        ("v=DKIM1; p=; p=AA", REPEATED_TAG, "p"),
        ("v=DKIM1; t=s:y ; p=A", TESTING, "t=s:y"),
        ("v=DKIM1; p=AAäA", BAD_BASE64, "ä"),
        ("v=DKIM1; k=x; p=AAAA", UNKNOWN_KEY_TYPE, "k=x"),
        ("v=DKIM1\\; p=AAAA", STRAY_QUOTES, "\\"),
    ] {
        let record = Record::parse(text);
        let fault = record.faults.iter().find(|fault| fault.code == code);
        let position = fault.unwrap_or_else(|| panic!("{text}: {:?}", record.faults)).position.clone();
        assert_eq!(text.get(position.unwrap()), Some(meant), "{text}");
    }
}

#[test]
fn a_stranger_writes_no_endless_sentence() {
    let record = Record::parse(&format!("v=DKIM1; k={}; p=AAAA", "ä".repeat(60_000)));
    let [fault] = &record.faults[..] else { panic!("{:?}", record.faults) };
    assert!(fault.detail.len() < 200);
}

#[test]
fn a_policy_of_domainkeys_is_known() {
    for (text, is_policy) in [("o=~", true), ("t=y; o=-; n=x", true), ("v=DKIM1; p=", false), ("o=x", false)]
    {
        assert_eq!(is_domainkeys_policy(text), is_policy, "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic_and_every_place_is_within(text in "[ -~ä;=]{0,60}") {
        let text = format!("v=DKIM1;{text}");
        for fault in Record::parse(&text).faults {
            if let Some(position) = fault.position {
                proptest::prop_assert!(text.get(position.clone()).is_some(), "{:?} {:?}", text, position);
            }
        }
    }

    #[test]
    fn tags_of_any_value_do_not_panic(tag in "[vhknpstg]", value in "\\PC{0,40}") {
        let _ = Record::parse(&format!("v=DKIM1; {tag}={value}; p=AAAA"));
        let _ = Record::parse(&format!("{tag}={value}"));
    }
}
