//! Whether the mail test of Internet.nl reads a record: the grammar of its published code (1.11.2, `dmarc_parser.py`),
//! which the Dutch government's agreements are measured by. It is RFC 7489's with `np` (RFC 9091), `t` and `psd`
//! (RFC 9989): stricter than receivers in that unknown tags, repeated tags and a late `p` fail the whole record, and
//! more lenient in that it takes any URI.

/// Whether the test reads the record. One that it cannot read has no policy for the test.
pub(super) fn accepts(text: &str) -> bool {
    // Its parser library turns tabs into blanks before it reads anything.
    let text = text.replace('\t', " ");
    let Some(rest) = tag(&text, "v").and_then(|rest| rest.strip_prefix("DMARC1")).and_then(separator) else {
        return false;
    };
    let mut rest = value(rest, "p", policy).unwrap_or(rest);
    let mut open: Vec<_> = TAGS.to_vec();
    // Each tag once, in any order.
    while let Some((index, after)) = separator(rest).and_then(|start| {
        let mut matches = open.iter().enumerate();
        matches.find_map(|(index, (name, read))| Some((index, value(start, name, *read)?)))
    }) {
        open.remove(index);
        rest = after;
    }
    separator(rest).unwrap_or(rest).is_empty()
}

/// What is left of a text after something that was expected at its start; nothing when it is not there.
type Read = fn(&str) -> Option<&str>;

fn value<'a>(text: &'a str, name: &str, read: fn(&str) -> Option<&str>) -> Option<&'a str> {
    read(tag(text, name)?)
}

fn tag<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    Some(blanks(blanks(word(text, name)?).strip_prefix('=')?))
}

fn separator(text: &str) -> Option<&str> {
    Some(blanks(blanks(text).strip_prefix(';')?))
}

fn blanks(text: &str) -> &str {
    text.trim_start_matches(' ')
}

/// A word in any case.
fn word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(word.len())?;
    start.eq_ignore_ascii_case(word).then_some(rest)
}

fn one_of<'a>(text: &'a str, words: &[&str]) -> Option<&'a str> {
    words.iter().find_map(|one| word(text, one))
}

fn policy(text: &str) -> Option<&str> {
    one_of(text, &["none", "quarantine", "reject"])
}

fn alignment(text: &str) -> Option<&str> {
    one_of(text, &["r", "s"])
}

fn testing(text: &str) -> Option<&str> {
    one_of(text, &["y", "n"])
}

fn public_suffix(text: &str) -> Option<&str> {
    one_of(text, &["y", "n", "u"])
}

fn failure_options(text: &str) -> Option<&str> {
    let option: Read = |text| one_of(text, &["0", "1", "d", "s"]);
    list(text, option, |text| Some(blanks(blanks(text).strip_prefix(':')?)))
}

/// No blanks after the colon.
fn formats(text: &str) -> Option<&str> {
    list(text, keyword, |text| blanks(text).strip_prefix(':'))
}

fn keyword(text: &str) -> Option<&str> {
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '-';
    let rest = text.trim_start_matches(is_part);
    let keyword = text.strip_suffix(rest)?;
    (!keyword.is_empty() && !keyword.ends_with('-')).then_some(rest)
}

fn digits(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches(|character: char| character.is_ascii_digit());
    (rest.len() < text.len()).then_some(rest)
}

/// Up to three digits, 999 as well.
fn percentage(text: &str) -> Option<&str> {
    digits(text).filter(|rest| text.len() - rest.len() <= 3)
}

fn uris(text: &str) -> Option<&str> {
    list(text, uri, |text| Some(blanks(blanks(text).strip_prefix(',')?)))
}

fn uri(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches(|character| !matches!(character, ' ' | ',' | ';'));
    let uri = text.strip_suffix(rest).filter(|uri| !uri.is_empty())?;
    let (uri, size) = uri.split_once('!').map_or((uri, None), |(uri, size)| (uri, Some(size)));
    // What comes after the digits of a size is not looked at.
    let is_size = |size: &str| !size.contains('!') && digits(size).is_some();
    (size.is_none_or(is_size) && has_readable_host(uri)).then_some(rest)
}

/// Brackets are for addresses of IPv6 alone; the only thing about a URI that can be wrong.
fn has_readable_host(uri: &str) -> bool {
    let scheme = |start: &str| {
        start.starts_with(|first: char| first.is_ascii_alphabetic())
            && start.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    };
    let rest = uri.split_once(':').filter(|(start, _)| scheme(start)).map_or(uri, |(_, rest)| rest);
    let Some(host) = rest.strip_prefix("//").and_then(|rest| rest.split(['/', '?', '#']).next()) else {
        return true;
    };
    match (host.split_once('['), host.contains(']')) {
        (None, is_closed) => !is_closed,
        (Some((_, inside)), _) => {
            inside.split_once(']').is_some_and(|(address, _)| address.parse::<std::net::Ipv6Addr>().is_ok())
        }
    }
}

/// One or more of something.
fn list(text: &str, read: fn(&str) -> Option<&str>, between: fn(&str) -> Option<&str>) -> Option<&str> {
    let mut rest = read(text)?;
    while let Some(after) = between(rest).and_then(read) {
        rest = after;
    }
    Some(rest)
}

const TAGS: [(&str, Read); 12] = [
    ("sp", policy),
    ("np", policy),
    ("rua", uris),
    ("ruf", uris),
    ("adkim", alignment),
    ("aspf", alignment),
    ("ri", digits),
    ("fo", failure_options),
    ("rf", formats),
    ("pct", percentage),
    ("t", testing),
    ("psd", public_suffix),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_reads() {
        for text in [
            "v=DMARC1; p=reject",
            "v=DMARC1;p=reject;",
            "v=DMARC1 ; p = reject ;",
            "v=DMARC1; p=reject; ",
            "v=DMARC1;",
            "v=DMARC1; ;",
            "v=DMARC1;;",
            "v=DMARC1; p=reject\t; sp=none",
            "v=DMARC1;\tp=reject",
            "V=DMARC1; P=REJECT",
            "v = DMARC1; p=reject",
            "v=DMARC1; p=Quarantine",
            "v=DMARC1;; rua=mailto:a@b.example",
            "v=DMARC1; p=reject; SP=NONE; np=reject",
            "v=DMARC1; p=reject; adkim=s; aspf=r",
            "v=DMARC1; p=reject; aspf=S; adkim=R",
            "v=DMARC1; p=reject; fo=1",
            "v=DMARC1; p=reject; fo=0:1:d:s",
            "v=DMARC1; p=reject; fo=0 : 1",
            "v=DMARC1; p=reject; fo=D:d",
            "v=DMARC1; p=reject; rf=afrf",
            "v=DMARC1; p=reject; rf=afrf:iodef",
            "v=DMARC1; p=reject; rf=afrf :iodef",
            "v=DMARC1; p=reject; rf=-x",
            "v=DMARC1; p=reject; ri=86400",
            "v=DMARC1; p=reject; pct=100",
            "v=DMARC1; p=reject; pct=0",
            "v=DMARC1; p=reject; pct=999",
            "v=DMARC1; p=reject; t=y",
            "v=DMARC1; p=reject; t=N",
            "v=DMARC1; p=reject; psd=n",
            "v=DMARC1; p=reject; psd=U",
            "v=DMARC1; p=reject; rua=mailto:a@b.example!10m",
            "v=DMARC1; p=reject; rua=mailto:a@b.example!10",
            "v=DMARC1; p=reject; rua=mailto:a@b.example!10mb",
            "v=DMARC1; p=reject; rua=mailto:a@b.example,mailto:c@d.example",
            "v=DMARC1; p=reject; rua=mailto:a@b.example , mailto:c@d.example",
            "v=DMARC1; p=reject; rua=https://b.example/report",
            "v=DMARC1; p=reject; rua=https://[2001:db8::1]/report",
            "v=DMARC1; p=reject; rua=mailto:[x",
            "v=DMARC1; p=reject; rua=a@b.example",
            "v=DMARC1; p=reject; rua=mailto:mailto:a@b.example",
            "v=DMARC1; p=reject; rua=mailto:a=b@c.example",
            "v=DMARC1; p=reject; ruf=mailto:a@b.example; rua=mailto:a@b.example",
            "v=DMARC1; p=reject; pct=50; ri=3600; rf=afrf; fo=1; aspf=s; adkim=s; ruf=mailto:a@b.example; rua=mailto:a@b.example; np=none; sp=none; t=n; psd=u;",
        ] {
            assert!(accepts(text), "{text}");
        }
    }

    #[test]
    fn what_it_does_not_read() {
        for text in [
            "v=DMARC1; p=reject ",
            "v=DMARC1",
            "v=DMARC1;;;",
            "v=DMARC1;; p=reject",
            "v=DMARC1; p=reject;;",
            "v=DMARC1; p=reject; ;",
            "v=DMARC1; p=reject;; sp=none",
            "v=dmarc1; p=reject",
            "v=DMARC1, p=reject",
            "v=DMARC1 p=reject",
            "v=DMARC1; p=rejected",
            "v=DMARC1; p=",
            "v=DMARC1; p",
            "v=DMARC1; p=none sp=none",
            "v=DMARC1; rua=mailto:a@b.example",
            "v=DMARC1; rua=mailto:a@b.example; p=reject",
            "v=DMARC1; sp=none; p=none",
            "v=DMARC1; p=none; p=none",
            "v=DMARC1; p=reject; sp=none; sp=none",
            "v=DMARC1; p=reject; np=deny",
            "v=DMARC1; p=reject; adkim=relaxed",
            "v=DMARC1; p=reject; adkim=",
            "v=DMARC1; p=reject; fo=1:",
            "v=DMARC1; p=reject; fo=1,d",
            "v=DMARC1; p=reject; fo=2",
            "v=DMARC1; p=reject; fo=01",
            "v=DMARC1; p=reject; rf=afrf : iodef",
            "v=DMARC1; p=reject; rf=afrf-",
            "v=DMARC1; p=reject; rf=a_b",
            "v=DMARC1; p=reject; ri=x",
            "v=DMARC1; p=reject; ri=",
            "v=DMARC1; p=reject; ri=-1",
            "v=DMARC1; p=reject; pct=1000",
            "v=DMARC1; p=reject; pct=50%",
            "v=DMARC1; p=reject; t=yes",
            "v=DMARC1; p=reject; t=1",
            "v=DMARC1; p=reject; psd=x",
            "v=DMARC1; p=reject; x=y",
            "v=DMARC1; p=reject; junk",
            "v=DMARC1; p=reject; rua=mailto:a@b.example!m",
            "v=DMARC1; p=reject; rua=mailto:a@b.example!",
            "v=DMARC1; p=reject; rua=mailto:a@b.example!1!2",
            "v=DMARC1; p=reject; rua=mailto:a@b.example,",
            "v=DMARC1; p=reject; rua=,mailto:a@b.example",
            "v=DMARC1; p=reject; rua=mailto:a@b.example mailto:c@d.example",
            "v=DMARC1; p=reject; rua=mailto:a@b.example; mailto:c@d.example",
            "v=DMARC1; p=reject; rua=mailto: a@b.example",
            "v=DMARC1; p=reject; rua=https://[b.example/report",
            "v=DMARC1; p=reject; rua=https://b].example/report",
            "v=DMARC1; p=reject; rua=https://[junk]/report",
            "v=DMARC1; p=reject; rua=//[x",
            "v=DMARC1; p=reject; rua=",
            " v=DMARC1; p=reject",
            "v=DMARC1; \"p=reject\"",
            "v=DMARC1\\; p=reject",
        ] {
            assert!(!accepts(text), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_judged(text in "v=DMARC1[a-z=;:,@! ä0-9\\[\\]/]{0,80}", mut_at in 0_usize..9) {
            accepts(&text);
            accepts(text.get(mut_at..).unwrap_or_default());
        }
    }
}
