//! Header fields, parts and transfer encodings.

use data_encoding::BASE64;

/// Header fields in the order in which they are added.
#[derive(Default)]
pub(super) struct Headers(String);

impl Headers {
    /// Adds a field; `value` holds its own folding.
    pub(super) fn add(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.0.push_str(name);
        self.0.push_str(": ");
        self.0.push_str(value.as_ref());
        self.0.push_str("\r\n");
        self
    }

    /// The block, without the empty line that ends it.
    pub(super) fn block(self) -> String {
        self.0
    }

    /// The block as the head of a part with `body`.
    pub(super) fn part(self, body: &str) -> String {
        format!("{}\r\n{body}", self.0)
    }
}

/// Parts between boundaries, after a `preamble` that may be empty.
pub(super) fn multipart(preamble: &str, boundary: &str, parts: &[String]) -> String {
    let mut text = String::new();
    if !preamble.is_empty() {
        text.push_str(preamble);
        text.push_str("\r\n\r\n");
    }
    for part in parts {
        text.push_str("--");
        text.push_str(boundary);
        text.push_str("\r\n");
        text.push_str(part);
        if !part.ends_with("\r\n") {
            text.push_str("\r\n");
        }
    }
    text.push_str("--");
    text.push_str(boundary);
    text.push_str("--\r\n");
    text
}

/// Base64 in lines of `width` characters.
pub(super) fn base64(bytes: &[u8], width: usize) -> String {
    let encoded = BASE64.encode(bytes);
    let mut lines = String::with_capacity(encoded.len() + encoded.len() / width * 2 + 2);
    let mut rest = encoded.as_str();
    while let Some((line, after)) = rest.split_at_checked(width) {
        lines.push_str(line);
        lines.push_str("\r\n");
        rest = after;
    }
    if !rest.is_empty() {
        lines.push_str(rest);
        lines.push_str("\r\n");
    }
    lines
}

/// One base64 encoded-word, however long: Microsoft does not split its subjects.
pub(super) fn encoded_word(text: &str) -> String {
    format!("=?utf-8?B?{}?=", BASE64.encode(text.as_bytes()))
}

/// `name` cut in pieces as RFC 2231 continuations of `parameter`, each folded onto a line of its own.
pub(super) fn continued(parameter: &str, name: &str, width: usize) -> String {
    let mut text = String::new();
    let mut rest = name;
    let mut number = 0;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at_checked(width).unwrap_or((rest, ""));
        let end = if after.is_empty() { "" } else { ";" };
        text.push_str(&format!("\r\n\t{parameter}*{number}=\"{piece}\"{end}"));
        rest = after;
        number += 1;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_lines_end_where_they_should() {
        assert_eq!(base64(b"", 4), "");
        assert_eq!(base64(b"abc", 4), "YWJj\r\n");
        assert_eq!(base64(b"abcd", 4), "YWJj\r\nZA==\r\n");
    }

    #[test]
    fn names_are_continued() {
        assert_eq!(continued("name", "abcdef", 4), "\r\n\tname*0=\"abcd\";\r\n\tname*1=\"ef\"");
    }
}
