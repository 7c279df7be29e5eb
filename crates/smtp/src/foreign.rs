//! Clients that speak something else. A web page can make a browser send any body to any port, so what follows an
//! HTTP request must never be read as commands.

/// Whether a client of another protocol sent this line, of which the end may be missing.
///
/// HTTP shows itself by its method, its version or its header fields; TLS and other binary protocols by their first
/// byte. No command of SMTP looks like any of these.
pub(super) fn is_foreign(line: &[u8]) -> bool {
    if line.first().is_some_and(|&byte| is_binary(byte)) {
        return true;
    }
    let line = line.trim_ascii();
    let word = line.split(u8::is_ascii_whitespace).next().unwrap_or_default();
    METHODS.iter().any(|method| word.eq_ignore_ascii_case(method.as_bytes()))
        || is_field_name(word)
        || ends_with_version(line)
}

/// Whether no line of text begins with this byte.
pub(super) fn is_binary(byte: u8) -> bool {
    !byte.is_ascii() || byte.is_ascii_control() && !byte.is_ascii_whitespace()
}

/// `Host:`, as the first word of a header field, with the value behind it or not. `MAIL FROM:` has a blank first.
fn is_field_name(word: &[u8]) -> bool {
    let Some(at) = memchr::memchr(b':', word) else { return false };
    let is_token = |&byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_typing_error = [&b"MAILFROM:"[..], b"RCPTTO:"]
        .iter()
        .any(|start| word.get(..start.len()).is_some_and(|word| word.eq_ignore_ascii_case(start)));
    at > 0 && word.iter().take(at).all(is_token) && !is_typing_error
}

/// `HTTP/1.1` at the end of a request line, whatever its method.
fn ends_with_version(line: &[u8]) -> bool {
    let word = line.rsplit(u8::is_ascii_whitespace).next().unwrap_or_default();
    let version = word.split_at_checked(5);
    version.is_some_and(|(name, number)| {
        name.eq_ignore_ascii_case(b"HTTP/") && number.first().is_some_and(u8::is_ascii_digit)
    })
}

/// Of RFC 9110 and its registry, as far as anything sends them.
const METHODS: [&str; 16] = [
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "CONNECT",
    "OPTIONS",
    "TRACE",
    "PATCH",
    "PRI",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "SEARCH",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_smtp_from_others() {
        for line in [
            "GET / HTTP/1.1\r\n",
            "get /\r\n",
            "POST",
            "OPTIONS * HTTP/1.0",
            "BREW /pot HTTP/1.1\r\n",
            "x http/2",
            "PRI * HTTP/2.0\r\n",
            "Host: mx.example\r\n",
            "Content-Length:5",
            "\x16\x03\x01",
            "\x00",
            "\u{80}",
        ] {
            assert!(is_foreign(line.as_bytes()), "{line:?}");
        }
        for line in [
            "",
            "\r\n",
            "EHLO client.example\r\n",
            "EHLO [IPv6:2001:db8::1]",
            "HELO HTTP",
            "MAIL FROM:<a@b.example>\r\n",
            "mail FROM: <> SIZE=1",
            "MAIL  FROM:<>",
            "RCPT TO:<HTTP/1@b.example>\r\n",
            "DATA\r\n",
            "BDAT 5 LAST",
            "NOOP GET",
            "WHATEVER",
            "MAILFROM:<>",
            " ",
        ] {
            assert!(!is_foreign(line.as_bytes()), "{line:?}");
        }
    }
}
