//! The domain that a TLS report is about, by the mail that brought it (RFC 8460 section 5.3).

use crate::failure::{Fields, subject, unfold};
use ruad_common::domain_name;

/// The domain in `TLS-Report-Domain`, else in the Subject, else in a file name; normalized.
///
/// `headers` is the header block of the mail, `path` where in it the report was found.
pub fn announced_domain(headers: &[u8], path: &[String]) -> Option<String> {
    let mut fields = Fields::new(headers);
    let field = fields.find(|(name, _)| name.eq_ignore_ascii_case(b"TLS-Report-Domain"));
    let domain = |text: &str| domain_name::domain(text).filter(|domain| domain.contains('.'));
    field
        .and_then(|(_, value)| domain(&unfold(value)))
        .or_else(|| subject(headers).and_then(|text| domain(in_subject(&text)?)))
        .or_else(|| path.iter().rev().find_map(|name| domain(in_file_name(name)?)))
}

/// `Report Domain: example.com Submitter: mail.example Report-ID: <1@mail.example>`
fn in_subject(subject: &str) -> Option<&str> {
    let lower = subject.to_ascii_lowercase();
    let start = lower.find(SUBJECT)? + SUBJECT.len();
    subject.get(start..)?.split_whitespace().next()
}

/// `mail.example!example.com!1795910400!1795996799!1.json.gz`
fn in_file_name(name: &str) -> Option<&str> {
    let mut parts = name.split('!');
    let (_submitter, domain, begin) = (parts.next()?, parts.next()?, parts.next()?);
    parts.next()?;
    begin.bytes().all(|byte| byte.is_ascii_digit()).then_some(domain)
}

const SUBJECT: &str = "report domain:";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn announced(headers: &str, name: &str) -> Option<String> {
        announced_domain(headers.as_bytes(), &["2".to_owned(), name.to_owned()])
    }

    #[test]
    fn the_field_the_subject_the_file_name() {
        let field = "TLS-Report-Domain: Example.COM.\r\n";
        let subject = "Subject: Report Domain: example.net\r\n Submitter: x Report-ID: <1>\r\n";
        let name = "mail.example!example.org!1795910400!1795996799!1.json.gz";
        for (headers, name, expected) in [
            (format!("{subject}{field}"), name, Some("example.com")),
            (subject.to_owned(), name, Some("example.net")),
            ("Subject: =?utf-8?Q?Report_Domain:_example=2Enet?=\r\n".to_owned(), name, Some("example.net")),
            ("Subject: your report\r\n".to_owned(), name, Some("example.org")),
            ("tls-report-domain: a b\r\nSubject: report domain:\r\n".to_owned(), name, Some("example.org")),
            (String::new(), "mail.example!example.org!x!1.json.gz", None),
            (String::new(), "report.json.gz", None),
            (String::new(), "mail.example!localhost!1795910400!1795996799.json", None),
        ] {
            assert_eq!(announced(&headers, name).as_deref(), expected, "{headers} {name}");
        }
    }

    proptest! {
        #[test]
        fn only_domains_are_announced(headers in "(TLS-Report-Domain|Subject): (Report Domain:)?\\PC{0,40}\r\n", name in "\\PC{0,9}(!\\PC{0,9}){0,4}") {
            if let Some(domain) = announced(&headers, &name) {
                prop_assert_eq!(domain_name::domain(&domain), Some(domain));
            }
        }
    }
}
