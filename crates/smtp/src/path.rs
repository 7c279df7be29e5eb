//! The paths of MAIL and RCPT, and the parameters after them (RFC 5321 section 4.1.2, RFC 6531).

use std::{borrow::Cow, net::Ipv4Addr, net::Ipv6Addr};

/// What stands behind `MAIL FROM:` or `RCPT TO:`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Path<'a> {
    /// The mailbox, empty for `<>`. A quoted local part that needs no quotes is written without them: both forms
    /// are the same address.
    pub(super) mailbox: Cow<'a, str>,
    /// Whether a source route (`@relay.example:`) preceded the mailbox.
    pub(super) has_route: bool,
    /// What follows the path.
    parameters: &'a str,
}

/// Why a path is not one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum PathError {
    /// The brackets are missing, or what follows them is not a list of parameters.
    Syntax,
    /// What is in the brackets is not a mailbox.
    Mailbox,
}

/// An ESMTP parameter: a keyword, and a value where there is one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Parameter<'a> {
    pub(super) keyword: &'a str,
    pub(super) value: Option<&'a str>,
}

impl<'a> Path<'a> {
    /// Reads `<mailbox> [parameters]`. Blanks within the brackets, and before them, are seen in the wild.
    pub(super) fn parse(text: &'a str) -> Result<Self, PathError> {
        let inner = text.trim_start().strip_prefix('<').ok_or(PathError::Syntax)?.trim_start();
        let (has_route, inner) = match inner.starts_with('@') {
            true => (true, inner.split_once(':').ok_or(PathError::Syntax)?.1),
            false => (false, inner),
        };
        let end = closing_bracket(inner).ok_or(PathError::Syntax)?;
        let (mailbox, rest) = inner.split_at_checked(end).ok_or(PathError::Syntax)?;
        let parameters = rest.strip_prefix('>').ok_or(PathError::Syntax)?;
        if !parameters.is_empty() && !parameters.starts_with([' ', '\t']) {
            return Err(PathError::Syntax);
        }
        let mailbox = mailbox.trim_end();
        let mailbox = match mailbox {
            "" if !has_route => Cow::Borrowed(""),
            _ => canonical(mailbox).ok_or(PathError::Mailbox)?,
        };
        Ok(Self { mailbox, has_route, parameters })
    }

    /// The parameters; `None` in place of one that is malformed.
    pub(super) fn parameters(&self) -> impl Iterator<Item = Option<Parameter<'a>>> {
        self.parameters.split_ascii_whitespace().map(Parameter::parse)
    }
}

impl<'a> Parameter<'a> {
    fn parse(word: &'a str) -> Option<Self> {
        let (keyword, value) = match word.split_once('=') {
            Some((keyword, value)) => (keyword, Some(value)),
            None => (word, None),
        };
        let is_keyword = keyword.starts_with(|c: char| c.is_ascii_alphanumeric())
            && keyword.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let is_value = |value: &str| !value.is_empty() && value.chars().all(|c| c != '=' && !c.is_control());
        (is_keyword && value.is_none_or(is_value)).then_some(Self { keyword, value })
    }
}

/// Where the path ends: a bracket in a quoted string does not end it.
fn closing_bracket(text: &str) -> Option<usize> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.find(|c| {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            '>' => return !is_quoted,
            _ => {}
        }
        false
    })
}

/// The mailbox in its shortest form; `None` when it is malformed. `postmaster` needs no domain.
fn canonical(mailbox: &str) -> Option<Cow<'_, str>> {
    if mailbox.len() > MAILBOX_BYTES {
        return None;
    }
    if !mailbox.starts_with('"') {
        let (local, domain) = mailbox.split_once('@')?;
        return (is_dot_string(local) && is_domain(domain)).then_some(Cow::Borrowed(mailbox));
    }
    let (content, domain) = quoted(mailbox)?;
    if !is_domain(domain) {
        return None;
    }
    match is_dot_string(&content) {
        true => Some(Cow::Owned(format!("{content}@{domain}"))),
        false => Some(Cow::Borrowed(mailbox)),
    }
}

/// The content of the quoted local part, and the domain.
fn quoted(mailbox: &str) -> Option<(String, &str)> {
    let mut content = String::new();
    let mut rest = mailbox.strip_prefix('"')?.chars();
    loop {
        match rest.next()? {
            '"' => return Some((content, rest.as_str().strip_prefix('@')?)),
            '\\' => content.push(rest.next()?),
            c => content.push(c),
        }
    }
}

/// Atoms and dots. Where the dots are is not looked at: some providers have given out `a..b` and `a.`.
fn is_dot_string(local: &str) -> bool {
    let is_atext = |c: char| c.is_ascii_alphanumeric() || !c.is_ascii() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    !local.is_empty() && !local.starts_with('.') && local.chars().all(is_atext)
}

fn is_domain(domain: &str) -> bool {
    if let Some(literal) = domain.strip_prefix('[') {
        return literal.strip_suffix(']').is_some_and(is_literal);
    }
    let is_letter = |c: char| c.is_ascii_alphanumeric() || !c.is_ascii() || matches!(c, '-' | '_');
    domain.split('.').all(|label| !label.is_empty() && label.chars().all(is_letter))
}

/// An address literal (RFC 5321 section 4.1.3) without its brackets.
fn is_literal(text: &str) -> bool {
    match text.split_once(':') {
        None => text.parse::<Ipv4Addr>().is_ok(),
        Some((tag, address)) if tag.eq_ignore_ascii_case("IPv6") => address.parse::<Ipv6Addr>().is_ok(),
        Some((tag, content)) => {
            let is_tag = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            let is_content = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'[' | b'\\' | b']');
            tag.bytes().all(is_tag)
                && tag.ends_with(|c: char| c.is_ascii_alphanumeric())
                && !content.is_empty()
                && content.bytes().all(is_content)
        }
    }
}

/// RFC 5321 section 4.5.3.1.3.
const MAILBOX_BYTES: usize = 256;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mailbox(text: &str) -> Result<String, PathError> {
        Path::parse(text).map(|path| path.mailbox.into_owned())
    }

    #[test]
    fn reads_every_form_of_a_mailbox() {
        for (path, expected) in [
            ("<>", ""),
            ("< >", ""),
            (" <a@b.example>", "a@b.example"),
            ("< a@b.example >", "a@b.example"),
            ("<a+b=c@d.example>", "a+b=c@d.example"),
            ("<root@localhost>", "root@localhost"),
            ("<root@[192.0.2.1]>", "root@[192.0.2.1]"),
            ("<root@[IPv6:2001:db8::1]>", "root@[IPv6:2001:db8::1]"),
            ("<root@[ipv6:::ffff:192.0.2.1]>", "root@[ipv6:::ffff:192.0.2.1]"),
            ("<root@[x-net:a.b]>", "root@[x-net:a.b]"),
            (r#"<""@b.example>"#, r#"""@b.example"#),
            (r#"<" "@b.example>"#, r#"" "@b.example"#),
            (r#"<"a b"@b.example>"#, r#""a b"@b.example"#),
            (r#"<"a\"b"@[192.0.2.1]>"#, r#""a\"b"@[192.0.2.1]"#),
            (r#"<"a@b"@c.example>"#, r#""a@b"@c.example"#),
            (r#"<"a>b"@c.example>"#, r#""a>b"@c.example"#),
            // The same address as without quotes.
            (r#"<"ru\a"@b.example>"#, "rua@b.example"),
            ("<@relay.example,@two.example:a@b.example>", "a@b.example"),
            ("<a..b.@b.example>", "a..b.@b.example"),
            ("<ü@bücher.example>", "ü@bücher.example"),
        ] {
            assert_eq!(mailbox(path).as_deref(), Ok(expected), "{path}");
        }
    }

    #[test]
    fn refuses_what_is_not_a_path() {
        for path in ["", "a@b.example", "<a@b.example", "<a@b.example>x", "<\"a@b.example>", "<@a.example>"] {
            assert_eq!(mailbox(path), Err(PathError::Syntax), "{path}");
        }
        let long = format!("<{}@b.example>", "a".repeat(250));
        for path in [
            "<a>",
            "<@>",
            "<a@>",
            "<@a.example:>",
            "<a@b@c.example>",
            "<a b@c.example>",
            "<a(b)@c.example>",
            "<.a@b.example>",
            "<a@b..example>",
            "<a@b.example.>",
            "<a@[192.0.2.256]>",
            "<a@[192.0.2.1>",
            "<a@192.0.2.1]>",
            "<a@[IPv6:192.0.2.1]>",
            "<a@[:x]>",
            "<a@[x:]>",
            "<\"a\"b@c.example>",
            "<\"a\"@>",
            "<\"a\">",
            &long,
        ] {
            assert!(mailbox(path).is_err(), "{path}");
        }
    }

    #[test]
    fn reads_parameters() {
        let path = Path::parse("<a@b.example> SIZE=5  SMTPUTF8 BODY= =x X=a=b -x").unwrap();
        let read: Vec<_> = path.parameters().map(|one| one.map(|one| (one.keyword, one.value))).collect();
        let expected = [Some(("SIZE", Some("5"))), Some(("SMTPUTF8", None)), None, None, None, None];
        assert_eq!(read, expected);
    }

    proptest! {
        #[test]
        fn a_mailbox_that_is_read_is_read_again(text in "<[a\"\\\\@.\\[\\]:>< 0-9IPv6é]{0,24}>?[ A=]{0,6}") {
            if let Ok(path) = Path::parse(&text) {
                let again = format!("<{}>", path.mailbox);
                prop_assert_eq!(&Path::parse(&again).unwrap().mailbox, &path.mailbox);
                // Whoever takes the domain off the end gets a domain.
                if let Some((_, domain)) = path.mailbox.rsplit_once('@') {
                    prop_assert!(is_domain(domain));
                }
                prop_assert!(path.parameters().count() <= text.len());
            }
        }

        #[test]
        fn nothing_makes_it_panic(text in any::<String>()) {
            if let Ok(path) = Path::parse(&text) {
                prop_assert!(path.parameters().count() <= text.len());
            }
        }
    }
}
