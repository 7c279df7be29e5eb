//! Header blocks: finding their end, and what their `Content-…` fields say.

mod block;

use mail_parser::{ContentType, HeaderName, HeaderValue, MessageParser, MimeHeaders};

use super::transfer::Encoding;
use crate::failure::Fields;

pub(super) use block::{Place, read_block};

/// What the header fields say about a body.
#[derive(Clone, Debug, Default)]
pub(super) struct Mime {
    /// `Content-Disposition: attachment`.
    pub(super) attachment: bool,
    pub(super) boundary: Option<String>,
    pub(super) encoding: Encoding,
    /// Lower case; empty when there is no usable content type.
    pub(super) kind: String,
    pub(super) name: Option<String>,
    /// `report-type` of a multipart/report, lower case.
    pub(super) report_type: Option<String>,
    /// Lower case.
    pub(super) subtype: String,
}

impl Mime {
    /// Reads the `Content-…` fields of a block. Of several of a kind the first counts, but a multipart with a boundary
    /// counts more.
    pub(super) fn parse(block: &[u8]) -> Self {
        let mut mime = Self::default();
        let mut wanted = Vec::new();
        for (name, value) in Fields::new(block) {
            if let Some(known) = known_field(name) {
                wanted.extend_from_slice(known);
                wanted.extend_from_slice(b": ");
                wanted.extend_from_slice(&value[..value.len().min(MAX_VALUE)]);
                if !wanted.ends_with(b"\n") {
                    wanted.push(b'\n');
                }
            }
        }
        if wanted.is_empty() {
            return mime;
        }
        wanted.push(b'\n');
        let Some(headers) = MessageParser::new().parse_headers(&wanted) else { return mime };
        for header in headers.headers() {
            match (&header.name, &header.value) {
                (HeaderName::ContentType, HeaderValue::ContentType(value)) => mime.take_type(value),
                (HeaderName::ContentTransferEncoding, HeaderValue::Text(value))
                    if mime.encoding == Encoding::Identity =>
                {
                    mime.encoding = Encoding::named(value);
                }
                _ => {}
            }
        }
        if let Some(disposition) = headers.content_disposition() {
            mime.attachment = disposition.c_type.eq_ignore_ascii_case("attachment");
            mime.take_name(disposition.attribute("filename"));
        }
        mime
    }

    pub(super) fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind == kind && self.subtype == subtype
    }

    fn take_type(&mut self, value: &ContentType<'_>) {
        let boundary = value.attribute("boundary").filter(|boundary| !boundary.trim().is_empty());
        let multipart = value.c_type.eq_ignore_ascii_case("multipart");
        if self.kind.is_empty() || (multipart && boundary.is_some() && self.boundary.is_none()) {
            self.kind = value.c_type.trim().to_ascii_lowercase();
            self.subtype = value.c_subtype.as_deref().unwrap_or_default().trim().to_ascii_lowercase();
            self.report_type = value.attribute("report-type").map(|kind| kind.trim().to_ascii_lowercase());
            self.boundary = boundary.map(str::to_owned);
        }
        self.take_name(value.attribute("name").or_else(|| value.attribute("filename")));
    }

    fn take_name(&mut self, name: Option<&str>) {
        let Some(name) = name else { return };
        let name: String = name.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
        if !name.trim().is_empty() {
            self.name = Some(name.trim().to_owned());
        }
    }
}

/// The right spelling of the fields that matter: `ContentType:` (Trustwave) and `Content_Type:` are seen.
fn known_field(name: &[u8]) -> Option<&'static [u8]> {
    if name.len() < 8 || !name[..7].eq_ignore_ascii_case(b"content") {
        return None;
    }
    let plain: Vec<u8> =
        name.iter().filter(|byte| byte.is_ascii_alphabetic()).map(u8::to_ascii_lowercase).collect();
    match plain.as_slice() {
        b"contenttype" => Some(b"Content-Type"),
        b"contentdisposition" => Some(b"Content-Disposition"),
        b"contenttransferencoding" | b"contentencoding" => Some(b"Content-Transfer-Encoding"),
        _ => None,
    }
}

/// Characters of a name that are kept; file systems allow 255 bytes.
const MAX_NAME: usize = 255;

/// Bytes of a `Content-…` value that are parsed: `mail-parser` joins RFC 2231 sections in quadratic time.
const MAX_VALUE: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_fields_in_many_spellings() {
        let mime = Mime::parse(
            b"contenttype: Multipart/Report; Report-Type=\"Feedback-Report\";\r\n\tboundary=\"a b\"\r\n",
        );
        assert!(mime.is("multipart", "report"));
        assert_eq!(
            (mime.boundary.as_deref(), mime.report_type.as_deref()),
            (Some("a b"), Some("feedback-report"))
        );

        let mime = Mime::parse(b"Content-Type : application/octet-stream; name*0=\"a!b\"; name*1=\"!1.xml\"\nContent-Disposition: attachment\n");
        assert_eq!((mime.name.as_deref(), mime.attachment), (Some("a!b!1.xml"), true));

        let mime = Mime::parse(b"Content-Type: text/xml; name=\"=?utf-8?Q?caf=C3=A9.xml?=\"\n");
        assert_eq!(mime.name.as_deref(), Some("café.xml"));

        let mime = Mime::parse(b"Content-Disposition: attachment; filename*=utf-8''caf%C3%A9.xml;\n");
        assert_eq!(mime.name.as_deref(), Some("café.xml"));

        let mime = Mime::parse(b"Content-Type: text/plain\nContent-Type: multipart/mixed; boundary=b\nContent-Type: multipart/mixed; boundary=c\n");
        assert!(mime.is("multipart", "mixed"));
        assert_eq!(mime.boundary.as_deref(), Some("b"));

        let mime =
            Mime::parse(b"Content-Type: multipart/mixed; boundary=\"\"\nContent-Transfer-Encoding: base64\n");
        assert_eq!((mime.boundary, mime.encoding), (None, Encoding::Base64));

        for boundary in ["=_b", "_--b+5P==_1/E7-(x)", "b:1/2?x", "b.b'c,d", "--b"] {
            let mime = Mime::parse(
                format!("Content-Type: multipart/mixed; boundary=\"{boundary}\"; x=y").as_bytes(),
            );
            assert_eq!(mime.boundary.as_deref(), Some(boundary));
        }
        for boundary in ["=_b", "_--b+5P==_1/E7", "b:1/2?x", "b.b'c"] {
            let mime =
                Mime::parse(format!("Content-Type: multipart/mixed; boundary={boundary}; x=y").as_bytes());
            assert_eq!(mime.boundary.as_deref(), Some(boundary));
        }
        assert_eq!(Mime::parse(b"Subject: x\n").kind, "");
    }
}
