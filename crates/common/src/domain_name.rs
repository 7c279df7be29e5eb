//! Domain names as they are compared and stored.

/// The form of a domain name that is compared and stored: A-labels, lower case, without the root's dot.
/// `None` when `text` is not the name of a host or mail domain: no label is longer than 63 bytes, the whole
/// not longer than 253, and every label is made of letters, digits, `-` and `_`. A single label is a name
/// too.
///
/// U-labels may be in capitals, and else have to be in the form that IDNA prescribes: UTS #46 would map a full-width, circled
/// or soft-hyphenated name to that of somebody else.
pub fn normalize(text: &str) -> Option<String> {
    let text = text.trim();
    // A character takes up to four bytes; what is longer only costs time.
    if text.len() > 4 * LONGEST_NAME {
        return None;
    }
    let text = text.strip_suffix('.').unwrap_or(text);
    let name = if text.is_ascii() { text.to_ascii_lowercase() } else { a_labels(text)? };
    is_name(&name).then_some(name)
}

/// The same for what stands for a domain: a customer's, or one that a report is about. It can be registered, so that every
/// label has a letter or digit and neither begins nor ends with `-` (RFC 5321 section 4.1.2, but for `_`), every A-label
/// stands for a U-label (RFC 5890 section 2.3.2.1), and the last one is no number (RFC 3696 section 2), so that an IPv4
/// address is no domain.
pub fn domain(text: &str) -> Option<String> {
    normalize(text).filter(|name| {
        let last = name.rsplit('.').next().unwrap_or_default();
        name.split('.').all(is_registrable) && !is_number(last) && has_true_a_labels(name)
    })
}

/// `name` and the names above it, the longest first: `a.b.c`, `b.c`, `c`.
pub fn parents(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(name), |name| name.split_once('.').map(|(_, parent)| parent))
}

/// Whether `name` is `parent` or a name below it; both normalized.
pub fn is_within(name: &str, parent: &str) -> bool {
    name.strip_suffix(parent).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// A name with U-labels, unless it would have to be mapped to more than lower case.
fn a_labels(text: &str) -> Option<String> {
    let lower: String = text.chars().map(lower_case).collect::<Option<_>>()?;
    let name = idna::domain_to_ascii(&lower).ok()?;
    let (unicode, result) = idna::domain_to_unicode(&name);
    let is_same = unicode.split('.').eq(lower.split('.').map(|label| match label.starts_with("xn--") {
        true => idna::domain_to_unicode(label).0,
        false => label.to_owned(),
    }));
    (result.is_ok() && is_same).then_some(name)
}

/// The small letter of a capital. `None` for a character that only looks like a capital: the small letter of the Kelvin sign
/// is `k`, whose capital is another.
fn lower_case(character: char) -> Option<char> {
    let single = |mapped: &mut dyn Iterator<Item = char>| {
        let first = mapped.next();
        first.filter(|_| mapped.next().is_none())
    };
    let lower = single(&mut character.to_lowercase())?;
    (lower == character || single(&mut lower.to_uppercase()) == Some(character)).then_some(lower)
}

fn is_registrable(label: &str) -> bool {
    label.bytes().any(|byte| byte.is_ascii_alphanumeric()) && !label.starts_with('-') && !label.ends_with('-')
}

/// Decimal, or hexadecimal as `inet_aton` takes it.
fn is_number(label: &str) -> bool {
    let is_hexadecimal =
        |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    label.bytes().all(|byte| byte.is_ascii_digit()) || label.strip_prefix("0x").is_some_and(is_hexadecimal)
}

fn has_true_a_labels(name: &str) -> bool {
    !name.split('.').any(|label| label.starts_with("xn--"))
        || idna::domain_to_ascii(name).is_ok_and(|checked| checked == name)
}

fn is_name(name: &str) -> bool {
    name.len() <= LONGEST_NAME && name.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    (1..=LONGEST_LABEL).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

// RFC 1035 section 2.3.4.
const LONGEST_NAME: usize = 253;
const LONGEST_LABEL: usize = 63;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_form_for_one_domain() {
        for (text, name) in [
            ("Example.COM", "example.com"),
            (" example.com. ", "example.com"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
            ("_dmarc.example", "_dmarc.example"),
            ("localhost", "localhost"),
        ] {
            assert_eq!(normalize(text).as_deref(), Some(name), "{text}");
        }
    }

    #[test]
    fn what_is_no_domain() {
        let long = "a".repeat(64) + ".example";
        let longer = "a.".repeat(127) + "example";
        for text in ["", ".", "a..b", "a b.example", "a@b.example", "a/b", &long, &longer, "Yahoo! Inc."] {
            assert_eq!(normalize(text), None, "{text}");
        }
    }

    #[test]
    fn a_name_is_not_mapped_to_another() {
        for (text, name) in [
            ("BÜCHER.example.", "xn--bcher-kva.example"),
            ("faß.example", "xn--fa-hia.example"),
            ("ΠΑΡΆΔΕΙΓΜΑ.example", "xn--hxajbheg2az3al.example"),
            ("пример.испытание", "xn--e1afmkfd.xn--80akhbyknj4f"),
            ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
            ("مثال.إختبار", "xn--mgbh0fb.xn--kgbechtv"),
            ("i❤.example", "xn--i-7iq.example"),
            ("xn--bcher-kva.bücher.example", "xn--bcher-kva.xn--bcher-kva.example"),
        ] {
            assert_eq!(domain(text).as_deref(), Some(name), "{text}");
        }
        let ignorable =
            ['\u{ad}', '\u{34f}', '\u{180b}', '\u{200b}', '\u{2060}', '\u{2064}', '\u{fe0f}', '\u{feff}'];
        let inside = ignorable.iter().map(|ignorable| format!("exam{ignorable}ple.com"));
        let joiners =
            ["exam\u{200c}ple.com", "exam\u{200d}ple.com", "exam\u{e0001}ple.com"].map(str::to_owned);
        let mapped = [
            "ｅｘａｍｐｌｅ.com",
            "ⓔxample.com",
            "example。com",
            "example．com",
            "example｡com",
            "exampﬁe.com",
            "𝐞xample.com",
            "example.\u{212a}e",
            "exampl\u{212f}.com",
            "éxample.com\u{ad}",
            "bu\u{308}cher.example",
            "１２７.0.0.1",
            "İstanbul.example",
            "ſample.com",
            "ª.example",
        ];
        for text in inside.chain(joiners).chain(mapped.map(str::to_owned)) {
            assert_eq!(normalize(&text), None, "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_registered_is_no_domain() {
        for text in [
            "-.example",
            "_",
            "_.example",
            "-a.example",
            "a-.example",
            "__.example",
            "xn--zzzz--.example",
            "xn--.example",
            "xn--a.example",
            "xn--abc-.example",
            "a.xn--zzzz--",
            "127.0.0.1",
            "127.0.0.0x1",
            "0x7f000001",
            "[::1]",
            "::1",
        ] {
            assert_eq!(domain(text), None, "{text:?}");
        }
        for text in [
            "_dmarc.example.com",
            "my_shop.example",
            "r3---sn-x.example",
            "0xab.example",
            "3com",
            "localhost",
        ] {
            assert_eq!(domain(text).as_deref(), Some(text));
        }
    }

    proptest! {
        /// What a reader sees is what is stored: the name says the same when it is decoded.
        #[test]
        fn a_name_shows_as_it_was_written(text in "(\\PC{1,6}\\.){0,2}\\PC{1,8}") {
            if let Some(name) = normalize(&text) {
                let written = text.trim().to_lowercase();
                let written = written.strip_suffix('.').unwrap_or(&written).to_owned();
                let shown = idna::domain_to_unicode(&name).0;
                prop_assert!(name == written || shown == written, "{text:?} {name} {shown}");
                prop_assert_eq!(normalize(&name), Some(name));
            }
        }

        #[test]
        fn ignorable_characters_never_disappear(
            before in "[a-zé]{0,4}", after in "[a-zé]{0,4}", code in prop::sample::select(vec![0xad, 0x34f, 0x200b, 0x2060, 0xfe00, 0xfeff, 0xe0100]),
        ) {
            let ignorable = char::from_u32(code).unwrap();
            prop_assert_eq!(normalize(&format!("x{before}{ignorable}{after}y.example")), None);
        }
    }

    #[test]
    fn an_address_is_no_domain() {
        for text in ["192.0.2.1", "192.0.2.1.", "2001:db8::1", "[192.0.2.1]", "1", "rua@example.com"] {
            assert_eq!(domain(text), None, "{text}");
        }
        assert_eq!(domain("1.2.0.192.in-addr.arpa").as_deref(), Some("1.2.0.192.in-addr.arpa"));
        assert_eq!(domain("42.example").as_deref(), Some("42.example"));
    }

    #[test]
    fn parents_and_within() {
        assert_eq!(parents("a.b.c").collect::<Vec<_>>(), ["a.b.c", "b.c", "c"]);
        assert!(is_within("a.b.c", "b.c") && is_within("b.c", "b.c"));
        assert!(!is_within("ab.c", "b.c") && !is_within("c", "b.c"));
    }
}
