//! HTTP compression, both ways, a chunk at a time.

use std::io::{self, BufReader, Read, Write};

use axum::http::{HeaderMap, HeaderValue, header};
use chdb::Exception;
use flate2::write::GzEncoder;
use lz4_flex::frame::{FrameDecoder, FrameEncoder};

use super::exception;

/// How a request's body is packed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Decoding {
    #[default]
    Identity,
    Gzip,
    Deflate,
    Lz4,
    Zstd,
}

/// How an answer is packed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Encoding {
    #[default]
    Identity,
    Gzip,
    Lz4,
}

/// Packs an answer chunk by chunk: what went in comes out, so that the client is not kept waiting.
pub(super) enum Encoder {
    Identity,
    Gzip(Box<GzEncoder<Vec<u8>>>),
    Lz4(Box<FrameEncoder<Vec<u8>>>),
}

impl Decoding {
    /// `Content-Encoding`, or the exception that refuses it.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Exception> {
        let Some(value) = headers.get(header::CONTENT_ENCODING) else { return Ok(Self::Identity) };
        match value.to_str().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(Self::Identity),
            "gzip" | "x-gzip" => Ok(Self::Gzip),
            "deflate" => Ok(Self::Deflate),
            "lz4" => Ok(Self::Lz4),
            "zstd" => Ok(Self::Zstd),
            other => {
                let text =
                    format!("Content-Encoding '{other}' is not supported: use gzip, deflate, lz4 or zstd");
                Err(exception::new(exception::UNSUPPORTED_MEDIA_TYPE, &text))
            }
        }
    }

    /// Unpacks while it is read. Nothing is collected here, so no limit on the unpacked size is needed: statements
    /// are limited where they are read, and data streams into the engine.
    pub(super) fn reader<'input>(self, input: impl Read + 'input) -> io::Result<Box<dyn Read + 'input>> {
        let input = BufReader::with_capacity(BUFFER, input);
        Ok(match self {
            Self::Identity => Box::new(input),
            #[expect(clippy::disallowed_types, reason = "streams into the engine, is never collected")]
            Self::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(input)),
            // RFC 9110, section 8.4.1.2: "deflate" is the zlib format.
            #[expect(clippy::disallowed_types, reason = "streams into the engine, is never collected")]
            Self::Deflate => Box::new(flate2::bufread::ZlibDecoder::new(input)),
            Self::Lz4 => Box::new(FrameDecoder::new(input)),
            Self::Zstd => Box::new(Zstd { input: Some(input), decoder: None }),
        })
    }
}

impl Encoding {
    /// The best of what `Accept-Encoding` offers.
    pub(super) fn wanted(headers: &HeaderMap) -> Self {
        let offers = headers.get_all(header::ACCEPT_ENCODING);
        let offers: Vec<_> = offers
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|offer| {
                let (name, weight) = offer.split_once(';').unwrap_or((offer, ""));
                let refused = weight.split_once('=').is_some_and(|(_, weight)| {
                    weight.trim().parse::<f32>().is_ok_and(|weight| weight <= 0.0)
                });
                (!refused).then(|| name.trim().to_ascii_lowercase())
            })
            .collect();
        let offers = |name: &str| offers.iter().any(|offer| offer == name);
        if offers("lz4") {
            Self::Lz4
        } else if offers("gzip") || offers("x-gzip") {
            Self::Gzip
        } else {
            Self::Identity
        }
    }

    /// The value of `Content-Encoding`.
    pub(super) fn header(self) -> Option<HeaderValue> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some(HeaderValue::from_static("gzip")),
            Self::Lz4 => Some(HeaderValue::from_static("lz4")),
        }
    }

    pub(super) fn encoder(self) -> Encoder {
        match self {
            Self::Identity => Encoder::Identity,
            Self::Gzip => Encoder::Gzip(Box::new(GzEncoder::new(Vec::new(), flate2::Compression::fast()))),
            Self::Lz4 => Encoder::Lz4(Box::new(FrameEncoder::new(Vec::new()))),
        }
    }
}

impl Encoder {
    /// Packs one chunk.
    pub(super) fn chunk(&mut self, bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        match self {
            Self::Identity => Ok(bytes),
            Self::Gzip(encoder) => {
                encoder.write_all(&bytes)?;
                encoder.flush()?;
                Ok(std::mem::take(encoder.get_mut()))
            }
            Self::Lz4(encoder) => {
                encoder.write_all(&bytes)?;
                encoder.flush()?;
                Ok(std::mem::take(encoder.get_mut()))
            }
        }
    }

    /// What ends the packed stream.
    pub(super) fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Identity => Ok(Vec::new()),
            Self::Gzip(encoder) => encoder.finish(),
            Self::Lz4(encoder) => encoder.finish().map_err(io::Error::other),
        }
    }
}

/// Frame after frame, as RFC 8878, section 3 allows. The decoder reads the first bytes when it is made, so it is made
/// late: whoever makes this reader does not expect to wait.
struct Zstd<R: Read> {
    input: Option<BufReader<R>>,
    decoder: Option<ruzstd::decoding::StreamingDecoder<BufReader<R>, ruzstd::decoding::FrameDecoder>>,
}

impl<R: Read> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        use std::io::BufRead;
        loop {
            if let Some(decoder) = &mut self.decoder {
                let count = decoder.read(buffer)?;
                if count > 0 || buffer.is_empty() {
                    return Ok(count);
                }
                self.input = self.decoder.take().map(|decoder| decoder.into_inner());
            }
            let Some(mut input) = self.input.take() else { return Ok(0) };
            if input.fill_buf()?.is_empty() {
                self.input = Some(input);
                return Ok(0);
            }
            let decoder = ruzstd::decoding::StreamingDecoder::new_with_max_window_size(input, LARGEST_WINDOW)
                .map_err(io::Error::other)?;
            self.decoder = Some(decoder);
        }
    }
}

const BUFFER: usize = 64 << 10;
/// What decoders must at least support (RFC 8878, section 3.1.1.1.2), and encoders use up to level 19.
const LARGEST_WINDOW: u64 = 8 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn wanted(offer: &'static str, expected: Encoding) {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(offer));
        assert_eq!(Encoding::wanted(&headers), expected, "{offer}");
    }

    #[test]
    fn chooses_from_what_is_offered() {
        wanted("zstd, br", Encoding::Identity);
        wanted("gzip;q=0, deflate", Encoding::Identity);
        wanted("deflate, gzip;q=0.5", Encoding::Gzip);
        wanted("gzip, lz4", Encoding::Lz4);
    }

    #[test]
    fn unpacks_what_it_packed() {
        let chunks = [b"a".repeat(100_000), Vec::new(), b"bc".repeat(77)];
        for (encoding, decoding) in [
            (Encoding::Identity, Decoding::Identity),
            (Encoding::Gzip, Decoding::Gzip),
            (Encoding::Lz4, Decoding::Lz4),
        ] {
            let mut encoder = encoding.encoder();
            let mut packed = Vec::new();
            for chunk in &chunks {
                packed.extend(encoder.chunk(chunk.clone()).unwrap());
            }
            packed.extend(encoder.finish().unwrap());
            let mut unpacked = Vec::new();
            decoding.reader(packed.as_slice()).unwrap().read_to_end(&mut unpacked).unwrap();
            assert!(unpacked == chunks.concat(), "{encoding:?}");
        }
    }

    #[test]
    fn unpacks_zstd_frames_one_after_the_other() {
        let frame = |bytes: &[u8]| {
            ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
        };
        let packed = [frame(b"one "), frame(&b"two ".repeat(50_000))].concat();
        let mut unpacked = Vec::new();
        Decoding::Zstd.reader(packed.as_slice()).unwrap().read_to_end(&mut unpacked).unwrap();
        assert!(unpacked == [b"one ".to_vec(), b"two ".repeat(50_000)].concat());
    }

    #[test]
    fn says_when_the_input_is_cut_off() {
        let mut encoder = Encoding::Gzip.encoder();
        let packed = encoder.chunk(b"abc".repeat(1000)).unwrap();
        let mut unpacked = Vec::new();
        assert!(Decoding::Gzip.reader(packed.as_slice()).unwrap().read_to_end(&mut unpacked).is_err());
    }
}
