//! Failure reports in prose: the template of Exim's DMARC filter, which cPanel, Baruwa and antispamcloud took over.

/// The lines that say what a feedback field says, under that field's name.
pub(super) fn fields(text: &[u8]) -> impl Iterator<Item = (&'static [u8], &[u8])> {
    let (prose, _) = split(text);
    prose.split(|byte| *byte == b'\n').filter_map(|line| {
        let colon = memchr::memchr(b':', line)?;
        let name = line[..colon].trim_ascii().to_ascii_lowercase();
        let field: &[u8] = match name.as_slice() {
            b"sender domain" => b"reported-domain",
            b"sender ip address" => b"source-ip",
            b"received date" => b"arrival-date",
            _ => return None,
        };
        Some((field, &line[colon + 1..]))
    })
}

/// The copy of the reported message's headers at the text's end.
pub(super) fn reported_headers(text: &[u8]) -> Option<&[u8]> {
    let (_, headers) = split(text);
    let headers = headers.trim_ascii_start();
    (!headers.is_empty()).then_some(headers)
}

/// Splits at the line of dashes that introduces the copy.
fn split(text: &[u8]) -> (&[u8], &[u8]) {
    let Some(dashes) = memchr::memmem::find(text, b"\n------") else { return (text, &[]) };
    let rest = &text[dashes + 1..];
    let line = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
    (&text[..dashes], &rest[line..])
}
