//! The `Native` format for clients that name a protocol version.
//!
//! `client_protocol_version` is how clients (Grafana's data source among them) ask for what ClickHouse has
//! added to the blocks of this format: a head for each block, and for each column a mark that says whether it
//! is stored in a special way. The library does not know the parameter and writes blocks without them, so
//! they are added here; for that the end of each column has to be found.

/// Adds to every block what clients of this protocol version expect; `None` when a type is not known.
pub(super) fn with_version(blocks: &[u8], version: u64) -> Option<Vec<u8>> {
    if version == 0 {
        return Some(blocks.to_vec());
    }
    let mut written = Vec::with_capacity(blocks.len() + 1024);
    let mut cursor = Cursor { rest: blocks };
    while !cursor.rest.is_empty() {
        written.extend_from_slice(&BLOCK_INFO);
        let start = cursor.rest;
        let columns = cursor.varint()?;
        let rows = cursor.varint()?;
        written.extend_from_slice(taken(start, &cursor));
        for _ in 0..columns {
            let start = cursor.rest;
            cursor.string()?;
            let kind = Kind::parse(std::str::from_utf8(cursor.string()?).ok()?, 0)?;
            written.extend_from_slice(taken(start, &cursor));
            if version >= CUSTOM_SERIALIZATION {
                written.push(0);
            }
            let start = cursor.rest;
            if rows > 0 {
                cursor.skip_prefix(&kind)?;
                cursor.skip_data(&kind, rows)?;
            }
            written.extend_from_slice(taken(start, &cursor));
        }
    }
    Some(written)
}

/// How a type is laid out.
#[derive(Debug)]
enum Kind {
    /// So many bytes a row.
    Fixed(usize),
    String,
    Nullable(Box<Self>),
    Array(Box<Self>),
    LowCardinality(Box<Self>),
    Tuple(Vec<Self>),
}

impl Kind {
    fn parse(name: &str, depth: u8) -> Option<Self> {
        if depth > DEEPEST {
            return None;
        }
        let name = name.trim();
        let (base, arguments) = match name.split_once('(') {
            Some((base, rest)) => (base, split(rest.strip_suffix(')')?)),
            None => (name, Vec::new()),
        };
        let inner = |argument: &str| Self::parse(argument, depth + 1);
        let fixed = |bytes: usize| Some(Self::Fixed(bytes));
        match base {
            "String" => Some(Self::String),
            "Nullable" => Some(Self::Nullable(Box::new(inner(arguments.first()?)?))),
            "Array" => Some(Self::Array(Box::new(inner(arguments.first()?)?))),
            "LowCardinality" => {
                // The dictionary's first entry stands for NULL.
                let argument = arguments.first()?.trim();
                let plain = argument.strip_prefix("Nullable(").and_then(|rest| rest.strip_suffix(')'));
                Some(Self::LowCardinality(Box::new(inner(plain.unwrap_or(argument))?)))
            }
            "SimpleAggregateFunction" => inner(arguments.last()?),
            "Tuple" | "Nested" => {
                let elements = arguments.iter().map(|element| inner(without_name(element)));
                let tuple = Self::Tuple(elements.collect::<Option<_>>()?);
                Some(if base == "Tuple" { tuple } else { Self::Array(Box::new(tuple)) })
            }
            "Map" => {
                let elements = arguments.iter().map(|element| inner(element)).collect::<Option<_>>()?;
                Some(Self::Array(Box::new(Self::Tuple(elements))))
            }
            "FixedString" => fixed(arguments.first()?.trim().parse().ok()?),
            "Decimal" => fixed(match arguments.first()?.trim().parse().ok()? {
                0..=9_u8 => 4,
                10..=18 => 8,
                19..=38 => 16,
                _ => 32,
            }),
            "UInt8" | "Int8" | "Bool" | "Enum8" | "Nothing" => fixed(1),
            "UInt16" | "Int16" | "Enum16" | "Date" | "BFloat16" => fixed(2),
            "UInt32" | "Int32" | "Float32" | "Date32" | "DateTime" | "Time" | "IPv4" => fixed(4),
            "UInt64" | "Int64" | "Float64" | "DateTime64" | "Time64" => fixed(8),
            "UInt128" | "Int128" | "UUID" | "IPv6" => fixed(16),
            "UInt256" | "Int256" => fixed(32),
            _ if base.starts_with("Interval") => fixed(8),
            _ => None,
        }
    }
}

struct Cursor<'bytes> {
    rest: &'bytes [u8],
}

impl<'bytes> Cursor<'bytes> {
    fn take(&mut self, count: usize) -> Option<&'bytes [u8]> {
        let (head, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(head)
    }

    fn varint(&mut self) -> Option<usize> {
        super::format::varint(&mut self.rest)
    }

    fn string(&mut self) -> Option<&'bytes [u8]> {
        let length = self.varint()?;
        self.take(length)
    }

    fn number(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    /// What stands once before a column.
    fn skip_prefix(&mut self, kind: &Kind) -> Option<()> {
        match kind {
            Kind::Fixed(_) | Kind::String => Some(()),
            Kind::Nullable(inner) | Kind::Array(inner) => self.skip_prefix(inner),
            Kind::LowCardinality(_) => self.take(8).map(drop),
            Kind::Tuple(elements) => elements.iter().try_for_each(|element| self.skip_prefix(element)),
        }
    }

    fn skip_data(&mut self, kind: &Kind, rows: usize) -> Option<()> {
        match kind {
            Kind::Fixed(bytes) => self.take(rows.checked_mul(*bytes)?).map(drop),
            Kind::String => (0..rows).try_for_each(|_| self.string().map(drop)),
            Kind::Nullable(inner) => {
                self.take(rows)?;
                self.skip_data(inner, rows)
            }
            Kind::Array(inner) => {
                // Each offset is where a row's elements end.
                let offsets = self.take(rows.checked_mul(8)?)?;
                let elements = match offsets.last_chunk::<8>() {
                    Some(last) => usize::try_from(u64::from_le_bytes(*last)).ok()?,
                    None => 0,
                };
                self.skip_data(inner, elements)
            }
            Kind::LowCardinality(_) if rows == 0 => Some(()),
            Kind::LowCardinality(inner) => {
                let layout = self.number()?;
                let keys = usize::try_from(self.number()?).ok()?;
                self.skip_data(inner, keys)?;
                let indexes = usize::try_from(self.number()?).ok()?;
                let width = 1_usize.checked_shl(u32::try_from(layout & 0xff).ok()?)?;
                self.take(indexes.checked_mul(width)?).map(drop)
            }
            Kind::Tuple(elements) => elements.iter().try_for_each(|element| self.skip_data(element, rows)),
        }
    }
}

/// What the cursor has gone past since it stood at `start`.
fn taken<'bytes>(start: &'bytes [u8], cursor: &Cursor<'bytes>) -> &'bytes [u8] {
    start.get(..start.len() - cursor.rest.len()).unwrap_or_default()
}

/// Cuts arguments at the commas that are in no brackets and no quotes.
fn split(arguments: &str) -> Vec<&str> {
    let (mut depth, mut quote, mut escaped) = (0_i32, None, false);
    arguments
        .split(|character: char| {
            let is_escaped = std::mem::replace(&mut escaped, false);
            match (quote, character) {
                (Some(_), _) if is_escaped => {}
                (Some(_), '\\') => escaped = true,
                (Some(open), _) if open == character => quote = None,
                (Some(_), _) => {}
                (None, '\'' | '`') => quote = Some(character),
                (None, '(') => depth += 1,
                (None, ')') => depth -= 1,
                (None, ',') => return depth == 0,
                (None, _) => {}
            }
            false
        })
        .collect()
}

/// A tuple's element without its name: ``a UInt8``, `` `a b` UInt8 ``, or just the type.
fn without_name(element: &str) -> &str {
    let element = element.trim();
    if let Some(quoted) = element.strip_prefix('`') {
        return quoted.rsplit_once("` ").map_or(element, |(_, kind)| kind);
    }
    match element.split_once(' ') {
        Some((name, kind)) if !name.contains('(') => kind,
        _ => element,
    }
}

/// Field 1, is overflows: no. Field 2, bucket: -1. End.
const BLOCK_INFO: [u8; 8] = [1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0];
/// The protocol version that added the mark to columns.
const CUSTOM_SERIALIZATION: u64 = 54454;
const DEEPEST: u8 = 32;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn adds_heads_and_marks() {
        let block = b"\x02\x02\x01a\x05UInt8\x01\x02\x01b\x06String\x01x\x00";
        let old = with_version(block, 54405).unwrap();
        assert_eq!(old, [&BLOCK_INFO, block.as_slice()].concat());
        let new = with_version(&block.repeat(2), 54500).unwrap();
        let expected =
            [&BLOCK_INFO, b"\x02\x02\x01a\x05UInt8\x00\x01\x02\x01b\x06String\x00\x01x\x00".as_slice()]
                .concat();
        assert_eq!(new, expected.repeat(2));
        assert_eq!(with_version(block, 0).unwrap(), block);
    }

    #[test]
    fn does_not_guess() {
        assert_eq!(with_version(b"\x01\x01\x01a\x04JSON\x00", 54500), None);
        assert_eq!(with_version(b"\x01\x05\x01a\x05UInt8\x01", 54500), None);
    }

    #[test]
    fn reads_type_names() {
        let kind = |name| format!("{:?}", Kind::parse(name, 0).unwrap());
        assert_eq!(kind("Enum8('a,(' = 1, 'b\\'' = 2)"), "Fixed(1)");
        assert_eq!(
            kind("Tuple(`a, b` DateTime64(3, 'UTC'), c Array(String))"),
            "Tuple([Fixed(8), Array(String)])"
        );
        assert_eq!(
            kind("Map(LowCardinality(String), Decimal(18, 2))"),
            "Array(Tuple([LowCardinality(String), Fixed(8)]))"
        );
        assert_eq!(kind("LowCardinality(Nullable(FixedString(3)))"), "LowCardinality(Fixed(3))");
        assert_eq!(kind("SimpleAggregateFunction(sum, UInt64)"), "Fixed(8)");
        assert!(Kind::parse(&"Array(".repeat(100), 0).is_none());
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), name in "[A-Za-z0-9(),'` \\\\]{0,40}") {
            with_version(&bytes, 54500);
            Kind::parse(&name, 0);
            let block = [b"\x01\x03\x01a".as_slice(), &[u8::try_from(name.len()).unwrap()], name.as_bytes(), &bytes].concat();
            with_version(&block, 54500);
        }
    }
}
