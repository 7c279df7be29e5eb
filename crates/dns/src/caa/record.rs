use std::fmt;

use serde::Serialize;

/// A CAA record (RFC 8659 section 4.1).
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Record {
    /// The property's name, in lower case: they are compared without case.
    pub tag: String,
    /// Its value, bytes that are not UTF-8 replaced.
    pub value: String,
    /// Whether an authority that does not know the property must not issue.
    pub critical: bool,
    /// The other flags, which have no meaning.
    #[serde(skip)]
    pub reserved: u8,
}

/// What a record says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Property<'a> {
    /// Who may issue certificates of a kind; nobody when there is no name.
    Issuer(Option<&'a str>),
    /// The same, with a value that cannot be read: nobody may (RFC 8659 section 4.2).
    BadIssuer,
    /// Where to report, or whom to ask.
    Contact,
    /// The same, with a value that is none.
    BadContact,
    /// A property that is not known.
    Unknown,
}

impl Record {
    /// What the record says.
    pub fn property(&self) -> Property<'_> {
        match self.tag.as_str() {
            "issue" | "issuewild" | "issuemail" | "issuevmc" => match issuer(&self.value) {
                Some(issuer) => Property::Issuer(issuer),
                None => Property::BadIssuer,
            },
            "iodef" if is_url(&self.value) => Property::Contact,
            "contactemail" if is_address(&self.value) => Property::Contact,
            "contactphone" if !self.value.trim().is_empty() => Property::Contact,
            "iodef" | "contactemail" | "contactphone" => Property::BadContact,
            _ => Property::Unknown,
        }
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = u8::from(self.critical) << 7 | self.reserved;
        write!(f, "{flags} {} \"{}\"", self.tag, self.value)
    }
}

/// `*WSP [issuer-domain-name *WSP] [";" *WSP [parameters *WSP]]`; the outer `None` for what is not of this form.
fn issuer(value: &str) -> Option<Option<&str>> {
    let (name, parameters) = value.split_once(';').unwrap_or((value, ""));
    let name = name.trim_matches(BLANKS);
    let is_written = parameters.trim_matches(BLANKS).is_empty() || parameters.split(';').all(is_parameter);
    let is_name = name.is_empty() || name.split('.').all(is_label);
    (is_written && is_name).then_some((!name.is_empty()).then_some(name))
}

/// `tag *WSP "=" *WSP value`
fn is_parameter(text: &str) -> bool {
    text.trim_matches(BLANKS).split_once('=').is_some_and(|(tag, value)| {
        is_label(tag.trim_end_matches(BLANKS))
            && value.trim_start_matches(BLANKS).bytes().all(|byte| byte.is_ascii_graphic())
    })
}

fn is_label(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// RFC 8659 section 4.4.
fn is_url(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let host = |rest: &str| rest.split('/').next().is_some_and(|host| !host.is_empty());
    // Header fields may follow the address (RFC 6068 section 2).
    let address = |rest: &str| rest.split('?').next().is_some_and(is_address);
    lower.strip_prefix("mailto:").is_some_and(address)
        || ["https://", "http://"].iter().any(|scheme| lower.strip_prefix(scheme).is_some_and(host))
}

fn is_address(text: &str) -> bool {
    text.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.split('.').all(is_label))
}

const BLANKS: [char; 2] = [' ', '\t'];

#[cfg(test)]
mod tests {
    use super::*;

    fn record(tag: &str, value: &str) -> Record {
        Record { tag: tag.to_owned(), value: value.to_owned(), critical: false, reserved: 0 }
    }

    #[test]
    fn who_may_issue() {
        for (value, expected) in [
            ("ca.example", Property::Issuer(Some("ca.example"))),
            (" ca.example ; account=1 ; policy=ev ", Property::Issuer(Some("ca.example"))),
            ("ca.example;validationmethods=dns-01,ca-x", Property::Issuer(Some("ca.example"))),
            (";", Property::Issuer(None)),
            ("", Property::Issuer(None)),
            ("%%%%%", Property::BadIssuer),
            ("ca.example account=1", Property::BadIssuer),
            ("ca.example, other.example", Property::BadIssuer),
            ("https://ca.example", Property::BadIssuer),
            ("ca..example", Property::BadIssuer),
            ("ca.example; account", Property::BadIssuer),
            ("ca.example; account=1;;", Property::BadIssuer),
            ("-ca.example", Property::BadIssuer),
        ] {
            for tag in ["issue", "issuewild", "issuemail", "issuevmc"] {
                assert_eq!(record(tag, value).property(), expected, "{tag} {value}");
            }
        }
    }

    #[test]
    fn the_others() {
        for (tag, value, expected) in [
            ("iodef", "mailto:security@example.com", Property::Contact),
            ("iodef", "mailto:a@b.example?subject=x", Property::Contact),
            ("iodef", "mailto:?subject=a@b.example", Property::BadContact),
            ("iodef", "https://example.com/caa", Property::Contact),
            ("iodef", "security@example.com", Property::BadContact),
            ("iodef", "https:///caa", Property::BadContact),
            ("contactemail", "security@example.com", Property::Contact),
            ("contactemail", "mailto", Property::BadContact),
            ("contactphone", "+31 20 1234567", Property::Contact),
            ("issuer", "ca.example", Property::Unknown),
            ("", "", Property::Unknown),
        ] {
            assert_eq!(record(tag, value).property(), expected, "{tag} {value}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_value_can_be_read(tag in "[a-z]{0,12}", value in "\\PC{0,60}") {
            let record = record(&tag, &value);
            let _ = (record.property(), record.to_string());
        }
    }
}
