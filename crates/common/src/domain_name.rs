//! Domain names as they are compared and stored.

/// The form of a domain name that is compared and stored: A-labels, lower case, without the root's dot.
/// `None` when `text` is not the name of a host or mail domain: no label is longer than 63 bytes, the whole
/// not longer than 253, and every label is made of letters, digits, `-` and `_`. A single label is a name
/// too.
pub fn normalize(text: &str) -> Option<String> {
    let text = text.trim();
    // A character takes up to four bytes; what is longer only costs time.
    if text.len() > 4 * LONGEST_NAME {
        return None;
    }
    let text = text.strip_suffix('.').unwrap_or(text);
    let name = if text.is_ascii() { text.to_ascii_lowercase() } else { idna::domain_to_ascii(text).ok()? };
    is_name(&name).then_some(name)
}

/// The same for what a person names as a domain: a top-level domain is never a number alone (RFC 3696 section 2), so that
/// an IPv4 address is no domain.
pub fn domain(text: &str) -> Option<String> {
    let ends_in_number = |name: &String| {
        let last = name.rsplit('.').next().unwrap_or_default();
        last.bytes().all(|byte| byte.is_ascii_digit())
    };
    normalize(text).filter(|name| !ends_in_number(name))
}

/// `name` and the names above it, the longest first: `a.b.c`, `b.c`, `c`.
pub fn parents(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(name), |name| name.split_once('.').map(|(_, parent)| parent))
}

/// Whether `name` is `parent` or a name below it; both normalized.
pub fn is_within(name: &str, parent: &str) -> bool {
    name.strip_suffix(parent).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
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
