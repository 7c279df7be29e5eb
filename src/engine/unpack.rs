//! Unpacks a request's body while it is read.
//!
//! Nothing is collected here, so no limit on the unpacked size is needed: statements are limited where they
//! are read, and data streams into the engine. What matters is that a body which was cut off, or goes on
//! after its end, is never taken for a whole one: its rows would be missing without a word.

use std::io::{self, BufRead, BufReader, Read};

use flate2::{Decompress, FlushDecompress, Status};
use lz4_flex::frame::FrameDecoder;
use ruzstd::decoding::StreamingDecoder;

/// How the body is packed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Packing {
    Gzip,
    Zlib,
    Lz4,
    Zstd,
}

/// The unpacked body. All packings may consist of several members (frames), one after the other; clients send
/// one for each block of rows.
pub(super) struct Unpacked<R: Read> {
    packing: Packing,
    /// Between two members.
    input: Option<Watched<R>>,
    /// Inside one.
    member: Option<Member<R>>,
}

enum Member<R: Read> {
    #[expect(clippy::disallowed_types, reason = "streams into the engine, is never collected")]
    Gzip(flate2::bufread::GzDecoder<Watched<R>>),
    Zlib(Zlib<Watched<R>>),
    Lz4(Box<FrameDecoder<Watched<R>>>),
    Zstd(Box<StreamingDecoder<Watched<R>, ruzstd::decoding::FrameDecoder>>),
}

impl<R: Read> Unpacked<R> {
    pub(super) fn new(packing: Packing, input: R) -> Self {
        let input = Watched { input: BufReader::with_capacity(BUFFER, input), was_short: false };
        Self { packing, input: Some(input), member: None }
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some(mut member) = self.member.take() {
                let count = member.read(buffer)?;
                if count > 0 {
                    self.member = Some(member);
                    return Ok(count);
                }
                let input = member.into_input();
                if input.was_short {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                self.input = Some(input);
            }
            let Some(mut input) = self.input.take() else { return Ok(0) };
            if input.fill_buf()?.is_empty() {
                return Ok(0);
            }
            self.member = Some(Member::new(self.packing, input)?);
        }
    }
}

impl<R: Read> Member<R> {
    fn new(packing: Packing, input: Watched<R>) -> io::Result<Self> {
        Ok(match packing {
            #[expect(clippy::disallowed_types, reason = "streams into the engine, is never collected")]
            Packing::Gzip => Self::Gzip(flate2::bufread::GzDecoder::new(input)),
            Packing::Zlib => Self::Zlib(Zlib { input, inflate: Decompress::new(true), has_ended: false }),
            Packing::Lz4 => Self::Lz4(Box::new(FrameDecoder::new(input))),
            Packing::Zstd => {
                let decoder = StreamingDecoder::new_with_max_window_size(input, LARGEST_WINDOW);
                Self::Zstd(Box::new(decoder.map_err(io::Error::other)?))
            }
        })
    }

    fn into_input(self) -> Watched<R> {
        match self {
            Self::Gzip(decoder) => decoder.into_inner(),
            Self::Zlib(decoder) => decoder.input,
            Self::Lz4(decoder) => decoder.into_inner(),
            Self::Zstd(decoder) => decoder.into_inner(),
        }
    }
}

impl<R: Read> Read for Member<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(decoder) => decoder.read(buffer),
            Self::Zlib(decoder) => decoder.read(buffer),
            Self::Lz4(decoder) => decoder.read(buffer),
            Self::Zstd(decoder) => decoder.read(buffer),
        }
    }
}

/// Notes when a decoder wanted more than there was: the one for LZ4 does not say so.
struct Watched<R: Read> {
    input: BufReader<R>,
    was_short: bool,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.was_short |= count == 0 && !buffer.is_empty();
        Ok(count)
    }
}

impl<R: Read> BufRead for Watched<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.input.consume(count);
    }
}

/// The zlib format (RFC 1950), which HTTP calls "deflate" (RFC 9110, section 8.4.1.2). The decoder of
/// `flate2` takes the end of its input for the end of the stream.
struct Zlib<R> {
    input: R,
    inflate: Decompress,
    has_ended: bool,
}

impl<R: BufRead> Read for Zlib<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.has_ended {
            let input = self.input.fill_buf()?;
            let is_over = input.is_empty();
            let (before_in, before_out) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self.inflate.decompress(input, buffer, FlushDecompress::None);
            let taken = self.inflate.total_in() - before_in;
            let given = self.inflate.total_out() - before_out;
            self.input.consume(usize::try_from(taken).unwrap_or_default());
            self.has_ended = status.map_err(io::Error::other)? == Status::StreamEnd;
            if given > 0 {
                return Ok(usize::try_from(given).unwrap_or_default());
            }
            if is_over && !self.has_ended {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(0)
    }
}

const BUFFER: usize = 64 << 10;
/// What decoders must at least support (RFC 8878, section 3.1.1.1.2), and encoders use up to level 19.
const LARGEST_WINDOW: u64 = 8 << 20;

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// All packings of a text.
    fn packed(text: &[u8]) -> [(Packing, Vec<u8>); 4] {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text).unwrap();
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        zlib.write_all(text).unwrap();
        let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
        lz4.write_all(text).unwrap();
        let zstd = ruzstd::encoding::compress_to_vec(text, ruzstd::encoding::CompressionLevel::Fastest);
        [
            (Packing::Gzip, gzip.finish().unwrap()),
            (Packing::Zlib, zlib.finish().unwrap()),
            (Packing::Lz4, lz4.finish().unwrap()),
            (Packing::Zstd, zstd),
        ]
    }

    fn unpack(packing: Packing, packed: &[u8]) -> io::Result<Vec<u8>> {
        let mut unpacked = Vec::new();
        Unpacked::new(packing, packed).read_to_end(&mut unpacked).map(|_| unpacked)
    }

    /// Large enough for several blocks in each packing, and not too regular.
    fn text() -> Vec<u8> {
        (0..60_000_u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes()).collect()
    }

    #[test]
    fn unpacks_one_member_and_several() {
        for (packing, once) in packed(&text()) {
            assert!(unpack(packing, &once).unwrap() == text(), "{packing:?}");
            let thrice = [once.as_slice(), &once, &once].concat();
            assert!(unpack(packing, &thrice).unwrap() == text().repeat(3), "{packing:?}");
            assert_eq!(unpack(packing, b"").unwrap(), b"", "{packing:?}");
        }
    }

    #[test]
    fn a_cut_anywhere_is_an_error() {
        for (packing, whole) in packed(&text()) {
            let cuts = (1..whole.len()).step_by(977).chain(1..64).chain(whole.len() - 64..whole.len());
            for cut in cuts {
                assert!(
                    unpack(packing, &whole[..cut]).is_err(),
                    "{packing:?} cut at {cut} of {}",
                    whole.len()
                );
            }
        }
        // At the border between two blocks, too.
        let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
        lz4.write_all(b"block").unwrap();
        lz4.flush().unwrap();
        assert!(unpack(Packing::Lz4, lz4.get_ref()).is_err());
    }

    #[test]
    fn garbage_behind_the_end_is_an_error() {
        for (packing, mut whole) in packed(&text()) {
            whole.extend_from_slice(b"garbage");
            assert!(unpack(packing, &whole).is_err(), "{packing:?}");
        }
    }
}
