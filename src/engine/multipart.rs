//! The little of `multipart/form-data` (RFC 7578) that ClickHouse clients use to send a statement's
//! parameters: named fields with a text. The whole body is here already, bounded by the caller.

/// One named field.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Field {
    pub(super) name: String,
    /// It came as a file: ClickHouse takes those for external tables.
    pub(super) is_file: bool,
    pub(super) value: Vec<u8>,
}

/// The `boundary` parameter of a `Content-Type`, when that is `multipart/form-data`.
pub(super) fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then_some(value.trim().trim_matches('"'))
    })?;
    (!boundary.is_empty() && boundary.len() <= LONGEST_BOUNDARY).then_some(boundary)
}

/// All fields of the body; `None` when it is cut off or malformed.
pub(super) fn parse(body: &[u8], boundary: &str) -> Option<Vec<Field>> {
    let delimiter = format!("\r\n--{boundary}");
    let finder = memchr::memmem::Finder::new(delimiter.as_bytes());
    // What stands before the first boundary is a preamble; the first boundary has no line break before it.
    let first = delimiter.as_bytes().get(2..)?;
    let mut rest = match body.strip_prefix(first) {
        Some(rest) => rest,
        None => body.get(finder.find(body)? + delimiter.len()..)?,
    };
    let mut fields = Vec::new();
    loop {
        if rest.starts_with(b"--") {
            return Some(fields);
        }
        // RFC 2046, section 5.1.1: blanks may follow the boundary.
        let blank = rest.iter().take_while(|&&byte| byte == b' ' || byte == b'\t').count();
        let part = rest.get(blank..)?.strip_prefix(b"\r\n")?;
        let end = finder.find(part)?;
        let (part, after) = part.split_at(end);
        fields.push(field(part)?);
        if fields.len() > MOST_FIELDS {
            return None;
        }
        rest = after.get(delimiter.len()..)?;
    }
}

fn field(part: &[u8]) -> Option<Field> {
    let headers_end = memchr::memmem::find(part, b"\r\n\r\n")?;
    let (headers, value) = part.split_at(headers_end);
    let headers = std::str::from_utf8(headers).ok()?;
    let disposition = headers.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-disposition").then_some(value)
    })?;
    Some(Field {
        name: parameter(disposition, "name")?,
        is_file: parameter(disposition, "filename").is_some(),
        value: value.get(4..)?.to_vec(),
    })
}

/// A parameter of `Content-Disposition`; quoted values may hold `\"`, as browsers and libraries write them
/// `%22`.
fn parameter(disposition: &str, wanted: &str) -> Option<String> {
    let mut rest = disposition;
    while let Some((_, after)) = rest.split_once(';') {
        let (name, value) = after.split_once('=')?;
        let (value, next) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => (value.split(';').next()?.trim(), value),
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value.replace("%22", "\""));
        }
        rest = next;
    }
    None
}

/// RFC 2046, section 5.1.1.
const LONGEST_BOUNDARY: usize = 70;
const MOST_FIELDS: usize = 10_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_fields_of_any_content() {
        let body = b"--b\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\nSELECT {a:String}\r\n--b\r\n\
            content-disposition: form-data; name=param_a\r\nContent-Type: text/plain\r\n\r\n\r\n--c\r\n'\r\n--b\r\n\
            Content-Disposition: form-data; name=\"t\"; filename=\"t.tsv\"\r\n\r\n1\r\n--b--\r\n";
        let fields = parse(body, "b").unwrap();
        let field = |name: &str, is_file, value: &[u8]| Field {
            name: name.to_owned(),
            is_file,
            value: value.to_vec(),
        };
        assert_eq!(
            fields,
            [
                field("query", false, b"SELECT {a:String}"),
                field("param_a", false, b"\r\n--c\r\n'"),
                field("t", true, b"1")
            ]
        );
    }

    #[test]
    fn refuses_what_is_cut_off() {
        assert_eq!(parse(b"", "b"), None);
        assert_eq!(parse(b"--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx", "b"), None);
        assert_eq!(parse(b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--", "b"), None);
    }

    #[test]
    fn finds_the_boundary() {
        assert_eq!(boundary("multipart/form-data; boundary=abc"), Some("abc"));
        assert_eq!(boundary("Multipart/Form-Data; charset=x; Boundary=\"a b\""), Some("a b"));
        assert_eq!(boundary("text/plain; boundary=abc"), None);
    }

    proptest! {
        #[test]
        fn never_panics(body in "(--b|\r\n|--|:|;|=|\"|name|Content-Disposition|filename|x){0,40}") {
            parse(body.as_bytes(), "b");
            boundary(&body);
        }
    }
}
