use mail_parser::{DateTime, MessageParser};

use super::fields::{Fields, unfold};

/// What is wanted of a reported message.
#[derive(Debug, Default)]
pub(super) struct Header {
    pub(super) from: Option<String>,
    pub(super) message_id: Option<String>,
    pub(super) subject: Option<String>,
}

/// Reads the wanted fields of a header block; the first of each kind counts.
pub(super) fn read(block: &[u8]) -> Header {
    let mut header = Header::default();
    for (name, value) in Fields::new(block) {
        let value = &value[..value.len().min(MAX_VALUE)];
        let (field, text) = match name.to_ascii_lowercase().as_slice() {
            b"from" => (&mut header.from, parse(b"From:", value, address)),
            b"message-id" => {
                let id = parse(b"Message-ID:", value, |parsed| parsed.message_id().map(str::to_owned));
                (&mut header.message_id, id.or_else(|| Some(unfold(value))))
            }
            b"subject" => {
                let subject = parse(b"Subject:", value, |parsed| parsed.subject().map(str::to_owned));
                (&mut header.subject, subject.or_else(|| Some(unfold(value))))
            }
            _ => continue,
        };
        if field.is_none() {
            *field = text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        }
    }
    header
}

/// Seconds since the epoch of an RFC 5322 date, or an RFC 3339 one.
pub(super) fn date(value: &str) -> Option<i64> {
    let date = DateTime::parse_rfc822(value).filter(DateTime::is_valid);
    let date = date.or_else(|| DateTime::parse_rfc3339(value).filter(DateTime::is_valid))?;
    Some(date.to_timestamp())
}

fn parse(
    name: &[u8],
    value: &[u8],
    wanted: impl FnOnce(&mail_parser::Message<'_>) -> Option<String>,
) -> Option<String> {
    let field = [name, value, b"\r\n\r\n"].concat();
    wanted(&MessageParser::new().parse_headers(&field)?)
}

/// The first address; where there is none, the names and whatever else is in the field are nobody's business.
fn address(parsed: &mail_parser::Message<'_>) -> Option<String> {
    let address = parsed.from()?.iter().find_map(|from| from.address.as_deref())?;
    let words = || address.split(|c: char| c.is_whitespace() || "<>,;()\"".contains(c));
    words().find(|word| word.contains('@')).map(str::to_owned)
}

/// Bytes of a field that are parsed.
const MAX_VALUE: usize = 8 * 1024;
