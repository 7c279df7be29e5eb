//! What is special about an output format.
//!
//! The library's streamed results are made chunk by chunk, each by a writer of its own: a JSON document ends
//! after every chunk and begins again in the next, and so does a row of column names. Formats of bare rows
//! come out right, repeated heads are cut off here, and the others are collected by the library before they
//! are answered.

/// How the chunks of a streamed result make one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Shape {
    /// One after the other.
    Rows,
    /// Each chunk begins with the same head, which only the first may keep.
    Headed(Head),
    /// Not at all: the result has a beginning and an end, or separators.
    Document,
}

/// The names, and perhaps the types, of the columns.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Head {
    /// So many lines.
    Lines(u8),
    /// So many lines of CSV: line breaks inside quotes do not count.
    Csv(u8),
    /// A count and so many strings for each column.
    Binary(u8),
}

impl Shape {
    /// The shape of a format, by its name in any case.
    pub(super) fn of(format: &str) -> Self {
        let format = format.to_ascii_lowercase();
        let (name, heads) = match format.strip_suffix("withnamesandtypes") {
            Some(name) => (name, 2),
            None => format.strip_suffix("withnames").map_or((format.as_str(), 0), |name| (name, 1)),
        };
        let is_lines = matches!(
            name,
            "tabseparated"
                | "tabseparatedraw"
                | "tsv"
                | "tsvraw"
                | "raw"
                | "jsoncompacteachrow"
                | "jsoncompactstringseachrow"
        );
        match name {
            _ if is_lines && heads > 0 => Self::Headed(Head::Lines(heads)),
            "csv" if heads > 0 => Self::Headed(Head::Csv(heads)),
            "rowbinary" if heads > 0 => Self::Headed(Head::Binary(heads)),
            _ if is_lines => Self::Rows,
            "csv" | "rowbinary" | "native" | "jsoneachrow" | "jsonlines" | "ndjson"
            | "jsonstringseachrow" | "tskv" | "lineasstring" | "rawblob" | "msgpack" | "null" => Self::Rows,
            _ => Self::Document,
        }
    }
}

impl Head {
    /// How long the head is that `chunk` begins with; 0 when there is none.
    pub(super) fn length(self, chunk: &[u8]) -> usize {
        match self {
            Self::Lines(count) => {
                let last = usize::from(count).checked_sub(1);
                last.and_then(|last| memchr::memchr_iter(b'\n', chunk).nth(last)).map_or(0, |at| at + 1)
            }
            Self::Csv(count) => {
                let mut is_quoted = false;
                let mut ends = chunk.iter().enumerate().filter(|(_, byte)| {
                    is_quoted ^= **byte == b'"';
                    **byte == b'\n' && !is_quoted
                });
                let last = usize::from(count).checked_sub(1);
                last.and_then(|last| ends.nth(last)).map_or(0, |(at, _)| at + 1)
            }
            Self::Binary(strings) => binary_length(chunk, strings).unwrap_or_default(),
        }
    }
}

fn binary_length(chunk: &[u8], strings: u8) -> Option<usize> {
    let mut rest = chunk;
    let columns = varint(&mut rest)?;
    for _ in 0..columns.checked_mul(usize::from(strings))? {
        let length = varint(&mut rest)?;
        rest = rest.get(length..)?;
    }
    Some(chunk.len() - rest.len())
}

/// An unsigned LEB128 number.
pub(super) fn varint(rest: &mut &[u8]) -> Option<usize> {
    let mut value = 0_usize;
    for shift in (0..usize::BITS).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        value |= usize::from(byte & 0x7f).checked_shl(shift)?;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// The media type that ClickHouse gives a format.
pub(super) fn content_type(format: &str) -> &'static str {
    match format.to_ascii_lowercase().as_str() {
        "csv" | "csvwithnames" | "csvwithnamesandtypes" => "text/csv; charset=UTF-8",
        "json"
        | "jsoncompact"
        | "jsonstrings"
        | "jsoncompactstrings"
        | "jsoncolumns"
        | "jsonobjecteachrow"
        | "jsoncompactcolumns"
        | "jsoncolumnswithmetadata" => "application/json; charset=UTF-8",
        format if format.starts_with("json") => "application/x-ndjson; charset=UTF-8",
        format if format.starts_with("tabseparated") || format.starts_with("tsv") => {
            "text/tab-separated-values; charset=UTF-8"
        }
        format if format.starts_with("rowbinary") => "application/octet-stream",
        "native" | "parquet" | "arrow" | "arrowstream" | "orc" | "avro" | "msgpack" | "bsoneachrow" => {
            "application/octet-stream"
        }
        "xml" => "application/xml; charset=UTF-8",
        _ => TEXT,
    }
}

pub(super) const TEXT: &str = "text/plain; charset=UTF-8";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn knows_the_shapes() {
        for (format, shape) in [
            ("TabSeparated", Shape::Rows),
            ("TSVRawWithNames", Shape::Headed(Head::Lines(1))),
            ("JSONCompactEachRowWithNamesAndTypes", Shape::Headed(Head::Lines(2))),
            ("csvwithnames", Shape::Headed(Head::Csv(1))),
            ("RowBinaryWithNamesAndTypes", Shape::Headed(Head::Binary(2))),
            ("Native", Shape::Rows),
            ("JSON", Shape::Document),
            ("Values", Shape::Document),
            ("Parquet", Shape::Document),
            ("PrettyCompact", Shape::Document),
            ("CustomSeparatedWithNames", Shape::Document),
        ] {
            assert_eq!(Shape::of(format), shape, "{format}");
        }
    }

    #[test]
    fn measures_heads() {
        assert_eq!(Head::Lines(2).length(b"a\tb\nT\tU\n1\t2\n"), 8);
        assert_eq!(Head::Lines(1).length(b"a"), 0);
        assert_eq!(Head::Csv(1).length(b"\"a\n\"\"b\",\"c\"\n1,2\n"), 12);
        assert_eq!(Head::Binary(2).length(b"\x01\x06number\x06UInt64\0\0"), 15);
        assert_eq!(Head::Binary(1).length(b"\x02\x01a\x01b\x07"), 5);
        assert_eq!(Head::Binary(2).length(b"\x01\x06num"), 0);
    }

    proptest! {
        #[test]
        fn never_panics(chunk in prop::collection::vec(any::<u8>(), 0..64)) {
            for head in [Head::Lines(2), Head::Csv(2), Head::Binary(2)] {
                prop_assert!(head.length(&chunk) <= chunk.len());
            }
        }
    }
}
