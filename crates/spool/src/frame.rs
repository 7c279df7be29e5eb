//! The framing of messages in a segment file.
//!
//! A frame is a header of [`HEADER_BYTES`], the envelope, and the body when it is small. All numbers are little-endian,
//! all checksums CRC-32 (IEEE). A reader that lost its place finds the next frame by the marker, which outsiders
//! cannot know while the segment is open.
//!
//! | bytes | what |
//! |---|---|
//! | 20 | marker: `RUF1` and the segment's id |
//! | 4 | the message's number, counted from 0 in its segment |
//! | 4 | length of the envelope |
//! | 8 | length of the body |
//! | 4 | checksum of the envelope |
//! | 4 | checksum of the body |
//! | 4 | where the body is: 0 behind the envelope, 1 in a file named by segment and number |
//! | 4 | checksum of the header before this field |

use super::{SegmentId, envelope::MAX_ENVELOPE_BYTES};

/// What stands before every envelope.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Header {
    pub(super) number: u32,
    pub(super) envelope_bytes: u32,
    pub(super) body_bytes: u64,
    pub(super) envelope_checksum: u32,
    pub(super) body_checksum: u32,
    pub(super) place: Place,
}

/// Where a body is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// In the frame.
    Inline,
    /// In a file of its own.
    File,
}

impl Header {
    pub(super) fn encode(&self, id: SegmentId) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        let place: u32 = match self.place {
            Place::Inline => 0,
            Place::File => 1,
        };
        let fields: [&[u8]; 7] = [
            &marker(id),
            &self.number.to_le_bytes(),
            &self.envelope_bytes.to_le_bytes(),
            &self.body_bytes.to_le_bytes(),
            &self.envelope_checksum.to_le_bytes(),
            &self.body_checksum.to_le_bytes(),
            &place.to_le_bytes(),
        ];
        let mut at = 0;
        for field in fields {
            bytes[at..at + field.len()].copy_from_slice(field); // the fields are 48 bytes, as the table says
            at += field.len();
        }
        let checksum = crc32fast::hash(&bytes[..at]);
        bytes[at..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// The header in `bytes`, unless something in it is not as [`Self::encode`] writes it.
    pub(super) fn decode(bytes: &[u8; HEADER_BYTES], id: SegmentId) -> Option<Self> {
        let mut fields = Fields(bytes);
        if fields.take::<MARKER_BYTES>()? != marker(id) {
            return None;
        }
        let header = Self {
            number: fields.u32()?,
            envelope_bytes: fields.u32()?,
            body_bytes: u64::from_le_bytes(fields.take()?),
            envelope_checksum: fields.u32()?,
            body_checksum: fields.u32()?,
            place: match fields.u32()? {
                0 => Place::Inline,
                1 => Place::File,
                _ => return None,
            },
        };
        let (before, _) = bytes.split_last_chunk::<4>()?;
        let plausible = usize::try_from(header.envelope_bytes).ok()? <= MAX_ENVELOPE_BYTES
            && (header.place == Place::File || header.body_bytes <= MAX_INLINE_BYTES);
        (fields.u32()? == crc32fast::hash(before) && plausible).then_some(header)
    }

    /// Length of the whole frame in its segment file.
    pub(super) fn frame_bytes(&self) -> u64 {
        let body = match self.place {
            Place::Inline => self.body_bytes,
            Place::File => 0,
        };
        HEADER_BYTES as u64 + u64::from(self.envelope_bytes) + body
    }
}

/// What every frame of a segment begins with.
pub(super) fn marker(id: SegmentId) -> [u8; MARKER_BYTES] {
    let mut marker = [0; MARKER_BYTES];
    let (magic, name) = marker.split_at_mut(MAGIC.len());
    magic.copy_from_slice(&MAGIC);
    name.copy_from_slice(id.bytes());
    marker
}

struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }
}

/// The last character is the version of the framing.
const MAGIC: [u8; 4] = *b"RUF1";
/// Length of the marker.
pub(super) const MARKER_BYTES: usize = MAGIC.len() + 16;
/// Length of the header.
pub(super) const HEADER_BYTES: usize = MARKER_BYTES + 32;
/// The largest body in a frame; what a reader holds in memory at most.
pub(super) const MAX_INLINE_BYTES: u64 = 16 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            number: 7,
            envelope_bytes: 99,
            body_bytes: 8192,
            envelope_checksum: 1,
            body_checksum: 2,
            place: Place::Inline,
        }
    }

    #[test]
    fn survives_the_round_trip() {
        let id = SegmentId::new();
        for header in [header(), Header { place: Place::File, body_bytes: u64::MAX, ..header() }] {
            assert_eq!(Header::decode(&header.encode(id), id), Some(header));
        }
    }

    #[test]
    fn notices_every_flipped_bit() {
        let id = SegmentId::new();
        let bytes = header().encode(id);
        for bit in 0..HEADER_BYTES * 8 {
            let mut bytes = bytes;
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Header::decode(&bytes, id), None, "bit {bit}");
        }
    }

    #[test]
    fn belongs_to_its_segment_only() {
        assert_eq!(Header::decode(&header().encode(SegmentId::new()), SegmentId::new()), None);
    }
}
