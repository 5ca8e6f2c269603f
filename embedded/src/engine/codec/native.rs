//! ClickHouse's own compressed frames (`compress=1`, `decompress=1`).
//!
//! A frame is a CityHash128 checksum (16 bytes), the method (1 byte), the size of the rest of the
//! frame with these 9 bytes of header, the size of the content (4 bytes each, little-endian), and
//! the compressed content. The checksum covers everything after itself.

use std::io::{self, Read};

/// Bytes of the checksum.
const CHECKSUM: usize = 16;
/// Bytes of method and sizes.
const HEADER: usize = 9;
/// Content that is stored as it is.
const METHOD_NONE: u8 = 0x02;
/// Content compressed by LZ4.
const METHOD_LZ4: u8 = 0x82;
/// Content compressed by Zstandard.
const METHOD_ZSTD: u8 = 0x90;
/// The largest frame that is accepted, packed or unpacked. Official clients send 1 MiB and less; a
/// header that asks for more is damage or an attack, and must not be able to reserve gigabytes.
const LARGEST: usize = 64 << 20;
/// Content of a frame that is written: what ClickHouse's server writes.
const WRITTEN: usize = 1 << 20;

fn checksum(data: &[u8]) -> [u8; CHECKSUM] {
    // ClickHouse stores the two halves of the hash in the other order.
    cityhash_rs::cityhash_102_128(data)
        .rotate_right(64)
        .to_le_bytes()
}

/// Appends `data` to `out` as LZ4 frames.
pub(crate) fn write_frames(data: &[u8], out: &mut Vec<u8>) {
    for content in data.chunks(WRITTEN) {
        let start = out.len();
        out.resize(
            start + CHECKSUM + HEADER + lz4_flex::block::get_maximum_output_size(content.len()),
            0,
        );
        let body = start + CHECKSUM + HEADER;
        let packed = lz4_flex::block::compress_into(content, &mut out[body..])
            .expect("the buffer has the largest size");
        out.truncate(body + packed);
        let header = start + CHECKSUM;
        out[header] = METHOD_LZ4;
        out[header + 1..header + 5].copy_from_slice(&size(HEADER + packed).to_le_bytes());
        out[header + 5..body].copy_from_slice(&size(content.len()).to_le_bytes());
        let sum = checksum(&out[header..]);
        out[start..header].copy_from_slice(&sum);
    }
}

fn size(length: usize) -> u32 {
    u32::try_from(length).expect("a frame is about a mebibyte")
}

/// Unpacks a stream of frames.
pub(crate) struct FrameReader<R> {
    inner: R,
    packed: Vec<u8>,
    content: Vec<u8>,
    at: usize,
}

impl<R: Read> FrameReader<R> {
    /// Reads frames from `inner`.
    pub(crate) fn new(inner: R) -> Self {
        Self {
            inner,
            packed: Vec::new(),
            content: Vec::new(),
            at: 0,
        }
    }

    /// Reads the next frame; false at the end of the stream.
    fn next_frame(&mut self) -> io::Result<bool> {
        let mut head = [0; CHECKSUM + HEADER];
        let got = fill(&mut self.inner, &mut head)?;
        if got == 0 {
            return Ok(false);
        }
        if got < head.len() {
            return Err(broken("a compressed frame ends within its header"));
        }
        let number = |at: usize| {
            u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]) as usize
        };
        let (method, packed, unpacked) =
            (head[CHECKSUM], number(CHECKSUM + 1), number(CHECKSUM + 5));
        if !(HEADER..=LARGEST).contains(&packed) || unpacked > LARGEST {
            return Err(broken(format!(
                "a compressed frame says it has {packed} bytes packed and {unpacked} unpacked; from {HEADER} to {LARGEST} are accepted"
            )));
        }
        self.packed.clear();
        self.packed.extend_from_slice(&head[CHECKSUM..]);
        self.packed.resize(packed, 0);
        if fill(&mut self.inner, &mut self.packed[HEADER..])? < packed - HEADER {
            return Err(broken("a compressed frame ends before its content does"));
        }
        if checksum(&self.packed) != head[..CHECKSUM] {
            return Err(broken(
                "Checksum doesn't match: a compressed frame is corrupted",
            ));
        }
        let body = &self.packed[HEADER..];
        self.content = match method {
            METHOD_NONE => body.to_vec(),
            METHOD_LZ4 => lz4_flex::block::decompress(body, unpacked)
                .map_err(|error| broken(format!("a compressed frame is not LZ4: {error}")))?,
            METHOD_ZSTD => zstd::bulk::decompress(body, unpacked)
                .map_err(|error| broken(format!("a compressed frame is not Zstandard: {error}")))?,
            _ => {
                return Err(broken(format!(
                    "a frame is compressed by method {method:#04x}; 0x02 (none), 0x82 (LZ4) and 0x90 (ZSTD) are accepted"
                )));
            }
        };
        if self.content.len() != unpacked {
            return Err(broken(
                "a compressed frame unpacks to another size than it says",
            ));
        }
        self.at = 0;
        Ok(true)
    }
}

impl<R: Read> Read for FrameReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at == self.content.len() {
            if !self.next_frame()? {
                return Ok(0);
            }
        }
        let count = out.len().min(self.content.len() - self.at);
        out[..count].copy_from_slice(&self.content[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

/// Reads until `out` is full or the stream ends, and says how much came.
fn fill(from: &mut impl Read, out: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < out.len() {
        match from.read(&mut out[got..]) {
            Ok(0) => break,
            Ok(count) => got += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}

fn broken(message: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        FrameReader::new(bytes).read_to_end(&mut out).map(|_| out)
    }

    #[test]
    fn an_unknown_method_is_named() {
        let mut frame = Vec::new();
        write_frames(b"abc", &mut frame);
        frame[CHECKSUM] = 0x91;
        let sum = checksum(&frame[CHECKSUM..]);
        frame[..CHECKSUM].copy_from_slice(&sum);
        assert!(read(&frame).unwrap_err().to_string().contains("0x91"));
    }

    #[test]
    fn a_huge_size_reserves_nothing() {
        let mut frame = vec![0; CHECKSUM + HEADER];
        frame[CHECKSUM] = METHOD_LZ4;
        frame[CHECKSUM + 1..].fill(0xff);
        assert!(read(&frame).unwrap_err().to_string().contains("4294967295"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_packed_is_unpacked(data in proptest::collection::vec(any::<u8>(), 0..4000), repeat in 1_usize..800) {
            let data = data.repeat(repeat);
            let mut packed = Vec::new();
            write_frames(&data, &mut packed);
            prop_assert_eq!(read(&packed).unwrap(), data);
        }

        #[test]
        fn a_changed_byte_or_a_cut_is_noticed(data in proptest::collection::vec(any::<u8>(), 1..300), at in any::<prop::sample::Index>(), flip in 1_u8..) {
            let mut packed = Vec::new();
            write_frames(&data, &mut packed);
            let at = at.index(packed.len());
            if at > 0 {
                prop_assert!(read(&packed[..at]).is_err());
            }
            packed[at] ^= flip;
            prop_assert!(read(&packed).is_err());
        }

        #[test]
        fn garbage_never_panics(data in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&data);
        }
    }
}
