//! Names from outside in a form that dashboards can offer for choice.
//!
//! What a dashboard offers ends up inside a literal of SQL that Grafana puts together. Its formats differ in what they
//! escape, and its ClickHouse plugin expands macros inside literals too, so a name that is offered needs no escaping at
//! all. This is stricter than what cleans text for people to read: here only what names are made of stays.

/// The label of a name: lower case, runs of white space as one blank, and `_` for every character that is not a letter, a
/// digit or one of `-.,:/@&+!()_`. At most 253 characters; empty for a name of white space alone.
///
/// A character is replaced rather than dropped, and compatibility forms stay what they are (no NFKC): `goo\u{200b}gle`
/// and `ｇｏｏｇｌｅ` must not get the label of another reporter. A label is its own label.
#[must_use]
pub fn label(name: &str) -> String {
    let mut label = String::with_capacity(name.len().min(LONGEST));
    let mut length = 0;
    for word in name.split_whitespace() {
        let separator = (length > 0).then_some(' ');
        for character in separator.into_iter().chain(word.chars().flat_map(lower)) {
            if length == LONGEST {
                return label.trim_end().to_owned();
            }
            label.push(character);
            length += 1;
        }
    }
    label
}

/// A character in lower case if it may stand in a label. Another script's letter must not become an ASCII one: the Kelvin
/// sign's lower case is `k`.
fn lower(character: char) -> impl Iterator<Item = char> {
    let is_ascii = character.is_ascii();
    character.to_lowercase().map(move |lower| match lower {
        lower if lower.is_ascii() != is_ascii => '_',
        lower if lower.is_alphanumeric() || PUNCTUATION.contains(lower) => lower,
        _ => '_',
    })
}

/// The longest domain name has as many.
const LONGEST: usize = 253;

/// What real reporters have in their names: "Yahoo! Inc.", "AT&T", "GMX/WEB.DE", "1&1 (EU)".
const PUNCTUATION: &str = "-.,:/@&+!()_";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_real_reporters_stay() {
        for (name, expected) in [
            ("google.com", "google.com"),
            ("Enterprise Outlook", "enterprise outlook"),
            ("Yahoo! Inc.", "yahoo! inc."),
            ("AMAZON-SES", "amazon-ses"),
            ("Acme & Sons, Inc. (EU)", "acme & sons, inc. (eu)"),
            ("1&1 / GMX", "1&1 / gmx"),
            ("Bücher & Söhne", "bücher & söhne"),
            ("株式会社", "株式会社"),
            ("  Test \n org\t", "test org"),
            (" \t", ""),
        ] {
            assert_eq!(label(name), expected, "{name}");
        }
    }

    #[test]
    fn what_could_leave_a_literal_is_replaced() {
        for (name, expected) in [
            (r"x\') or 1=1 --", "x__) or 1_1 --"),
            ("O'Reilly \"x\" `y`", "o_reilly _x_ _y_"),
            ("a\0b\u{1b}[31mc\u{85}", "a_b__31mc"),
            ("goo\u{200b}gle\u{202e}", "goo_gle_"),
            ("$__dateFilter(day) ${domain} [[x]]", "___datefilter(day) __domain_ __x__"),
            ("\u{ff07}\u{ff3c}", "__"),
            ("\u{212a}pn.com", "_pn.com"),
            ("\u{130}", "__"),
        ] {
            assert_eq!(label(name), expected, "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn a_label_needs_no_escaping(name in any::<String>()) {
            let label = label(&name);
            prop_assert!(label.chars().all(|c| c == ' ' || c.is_alphanumeric() || PUNCTUATION.contains(c)), "{label:?}");
            let hostile = label.chars().find(|c| "\\'\"`$%{}[];".contains(*c) || c.is_control());
            prop_assert_eq!(hostile, None);
            prop_assert!(label.chars().count() <= LONGEST);
            prop_assert_eq!(label.trim(), &label);
        }

        #[test]
        fn a_label_is_its_own_label(name in any::<String>()) {
            let once = label(&name);
            prop_assert_eq!(label(&once), once);
        }

        #[test]
        fn a_domain_is_its_own_label(name in "[a-z0-9_-]{1,20}(\\.[a-z0-9_-]{1,20}){0,5}") {
            prop_assert_eq!(label(&name), name);
        }

        /// What is replaced is another label than what is not there.
        #[test]
        fn nothing_is_dropped(before in "[a-z]{1,9}", odd in any::<char>(), after in "[a-z]{1,9}") {
            prop_assert_ne!(label(&format!("{before}{odd}{after}")), format!("{before}{after}"));
        }
    }
}
