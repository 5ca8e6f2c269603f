//! HTTP content codings: what a request's body is packed with, and what a response may be.

use std::io::{self, Read, Write};

use super::lz4::Frames;
use crate::engine::exception::Exception;

/// How hard gzip, deflate and Zstandard try: the server's own default for responses.
const LEVEL: u32 = 3;

/// A content coding that both ways of the wire know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// `gzip`
    Gzip,
    /// `deflate`
    Deflate,
    /// `lz4`, the frame format
    Lz4,
    /// `zstd`
    Zstd,
}

/// Every coding, the cheapest for a connection that never leaves the machine first.
const CODINGS: [(&str, Coding); 4] = [
    ("lz4", Coding::Lz4),
    ("zstd", Coding::Zstd),
    ("gzip", Coding::Gzip),
    ("deflate", Coding::Deflate),
];

impl Coding {
    /// The coding's name in headers.
    pub(crate) fn name(self) -> &'static str {
        CODINGS
            .iter()
            .find(|(_, coding)| *coding == self)
            .map_or("identity", |(name, _)| name)
    }

    /// Reads a `Content-Encoding`; nothing and `identity` are no coding.
    pub(crate) fn of_body(header: Option<&str>) -> Result<Option<Self>, Exception> {
        let name = header.unwrap_or_default().trim();
        if name.is_empty() || name.eq_ignore_ascii_case("identity") {
            return Ok(None);
        }
        CODINGS
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, coding)| Some(*coding))
            .ok_or_else(|| {
                Exception::not_implemented(format!(
                    "Content-Encoding '{name}' is not supported by the embedded ClickHouse; gzip, deflate, lz4 and zstd are"
                ))
            })
    }

    /// Chooses a coding for the response from an `Accept-Encoding`; none where nothing fits.
    pub(crate) fn of_response(header: Option<&str>) -> Option<Self> {
        let header = header?;
        let accepted = |name: &str| {
            header.split(',').any(|item| {
                let (offer, weight) = item.split_once(';').unwrap_or((item, ""));
                let refused = weight
                    .trim()
                    .strip_prefix("q=")
                    .is_some_and(|q| q.trim().parse() == Ok(0.0_f32));
                offer.trim().eq_ignore_ascii_case(name) && !refused
            })
        };
        CODINGS
            .iter()
            .find(|(name, _)| accepted(name))
            .map(|(_, coding)| *coding)
    }
}

/// Unpacks a request's body.
pub(crate) fn decoder<'a>(
    coding: Option<Coding>,
    body: impl Read + 'a,
) -> io::Result<Box<dyn Read + 'a>> {
    Ok(match coding {
        None => Box::new(body),
        Some(Coding::Gzip) => Box::new(flate2::read::MultiGzDecoder::new(body)),
        Some(Coding::Deflate) => Box::new(flate2::read::ZlibDecoder::new(body)),
        Some(Coding::Lz4) => Box::new(Frames::new(body)),
        Some(Coding::Zstd) => Box::new(zstd::stream::read::Decoder::new(body)?),
    })
}

/// Packs a response piece by piece.
pub(crate) enum Encoder {
    /// gzip
    Gzip(flate2::write::GzEncoder<Vec<u8>>),
    /// zlib, which HTTP calls deflate
    Deflate(flate2::write::ZlibEncoder<Vec<u8>>),
    /// LZ4 frames
    Lz4(Box<lz4_flex::frame::FrameEncoder<Vec<u8>>>),
    /// Zstandard
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

impl Encoder {
    /// An encoder for one response.
    pub(crate) fn new(coding: Coding) -> io::Result<Self> {
        let level = flate2::Compression::new(LEVEL);
        Ok(match coding {
            Coding::Gzip => Self::Gzip(flate2::write::GzEncoder::new(Vec::new(), level)),
            Coding::Deflate => Self::Deflate(flate2::write::ZlibEncoder::new(Vec::new(), level)),
            Coding::Lz4 => Self::Lz4(Box::new(lz4_flex::frame::FrameEncoder::new(Vec::new()))),
            Coding::Zstd => Self::Zstd(zstd::stream::write::Encoder::new(
                Vec::new(),
                LEVEL.cast_signed(),
            )?),
        })
    }

    /// Packs a piece; what is returned can be unpacked up to its end.
    pub(crate) fn piece(&mut self, data: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip(encoder) => {
                flushed(encoder, data).map(|()| std::mem::take(encoder.get_mut()))
            }
            Self::Deflate(encoder) => {
                flushed(encoder, data).map(|()| std::mem::take(encoder.get_mut()))
            }
            Self::Lz4(encoder) => {
                flushed(encoder, data).map(|()| std::mem::take(encoder.get_mut()))
            }
            Self::Zstd(encoder) => {
                flushed(encoder, data).map(|()| std::mem::take(encoder.get_mut()))
            }
        }
    }

    /// Ends the stream.
    pub(crate) fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip(encoder) => encoder.finish(),
            Self::Deflate(encoder) => encoder.finish(),
            Self::Lz4(encoder) => encoder.finish().map_err(io::Error::other),
            Self::Zstd(encoder) => encoder.finish(),
        }
    }
}

fn flushed(encoder: &mut impl Write, data: &[u8]) -> io::Result<()> {
    encoder.write_all(data)?;
    encoder.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_coding_unpacks_what_it_packed() {
        let data: Vec<u8> = (0..300_000_u32)
            .flat_map(|n| (n / 7).to_le_bytes())
            .collect();
        for (name, coding) in CODINGS {
            let mut encoder = Encoder::new(coding).unwrap();
            let mut packed = Vec::new();
            for piece in data.chunks(70_000) {
                packed.extend(encoder.piece(piece).unwrap());
            }
            packed.extend(encoder.finish().unwrap());
            assert!(packed.len() < data.len() / 2, "{name}");
            let mut unpacked = Vec::new();
            decoder(Some(coding), packed.as_slice())
                .unwrap()
                .read_to_end(&mut unpacked)
                .unwrap();
            assert!(unpacked == data, "{name}");
            assert!(
                decoder(Some(coding), &packed[..packed.len() / 2])
                    .unwrap()
                    .read_to_end(&mut Vec::new())
                    .is_err(),
                "{name}"
            );
        }
    }

    #[test]
    fn headers_are_read_as_http_has_them() {
        assert_eq!(Coding::of_body(Some("GZIP")).unwrap(), Some(Coding::Gzip));
        assert_eq!(Coding::of_body(Some("identity")).unwrap(), None);
        let refused = Coding::of_body(Some("br")).unwrap_err();
        assert!(
            refused.code == 48 && refused.message.contains("'br'"),
            "{refused}"
        );
        assert_eq!(
            Coding::of_response(Some("gzip, deflate;q=0.5, br")),
            Some(Coding::Gzip)
        );
        assert_eq!(
            Coding::of_response(Some("lz4;q=0, zstd")),
            Some(Coding::Zstd)
        );
        assert_eq!(Coding::of_response(Some("identity")), None);
        assert_eq!(Coding::of_response(None), None);
    }
}
