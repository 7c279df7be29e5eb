/// The fields of a header block as they stand: name and value, the value still folded.
///
/// Lines that are neither a field nor the continuation of one are passed over, blank lines too: feedback parts with a
/// blank line in their middle exist.
pub(crate) struct Fields<'a> {
    block: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn new(block: &'a [u8]) -> Self {
        Self { block }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        while !self.block.is_empty() {
            let (field, rest) = self.block.split_at(field_end(self.block));
            self.block = rest;
            if let Some(colon) = colon(field) {
                return Some((field[..colon].trim_ascii(), &field[colon + 1..]));
            }
        }
        None
    }
}

/// Where the colon of a line is that has the shape of a header field (RFC 5322 section 2.2, blanks before the
/// colon allowed as in section 4.5).
pub(crate) fn colon(line: &[u8]) -> Option<usize> {
    let colon = memchr::memchr(b':', line)?;
    let name = line[..colon].trim_ascii_end();
    (!name.is_empty() && name.iter().all(u8::is_ascii_graphic)).then_some(colon)
}

/// The value on one line: folds and runs of blanks become one space; what is not UTF-8 is taken for Latin-1.
pub(crate) fn unfold(value: &[u8]) -> String {
    let text = match std::str::from_utf8(value) {
        Ok(text) => text.into(),
        Err(_) => encoding_rs::mem::decode_latin1(value),
    };
    let mut words =
        text.split(|c: char| c.is_ascii_whitespace() || c == '\0').filter(|word| !word.is_empty());
    let mut line = String::with_capacity(text.len());
    line.push_str(words.next().unwrap_or_default());
    for word in words {
        line.push(' ');
        line.push_str(word);
    }
    line
}

/// Up to and with the line break that is not followed by a blank.
fn field_end(block: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', block)
        .map(|at| at + 1)
        .find(|&next| !matches!(block.get(next), Some(b' ' | b'\t')))
        .unwrap_or(block.len())
}
