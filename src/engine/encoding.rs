//! HTTP compression, both ways, a chunk at a time.

use std::io::{self, Read, Write};

use axum::http::{HeaderMap, HeaderValue, header};
use chdb::Exception;
use flate2::write::GzEncoder;
use lz4_flex::frame::FrameEncoder;

use super::exception;
use super::unpack::{Packing, Unpacked};

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

    /// Unpacks while it is read, see [`Unpacked`].
    pub(super) fn reader<'input>(self, input: impl Read + 'input) -> Box<dyn Read + 'input> {
        match self {
            Self::Identity => Box::new(input),
            Self::Gzip => Box::new(Unpacked::new(Packing::Gzip, input)),
            Self::Deflate => Box::new(Unpacked::new(Packing::Zlib, input)),
            Self::Lz4 => Box::new(Unpacked::new(Packing::Lz4, input)),
            Self::Zstd => Box::new(Unpacked::new(Packing::Zstd, input)),
        }
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
            decoding.reader(packed.as_slice()).read_to_end(&mut unpacked).unwrap();
            assert!(unpacked == chunks.concat(), "{encoding:?}");
        }
    }
}
