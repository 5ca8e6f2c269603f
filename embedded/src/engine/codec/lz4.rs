//! LZ4 frames as a content coding: any number of them, each with its end.
//!
//! The frame decoder at hand stops without an error after the first frame, and at the end of its
//! input between two blocks; as a body, the first would lose rows and the second would pass half
//! of one for the whole.

use std::io::{self, ErrorKind, Read};

use lz4_flex::frame::FrameDecoder;

/// Unpacks frame after frame until the input ends after one.
pub(super) struct Frames<R: Read> {
    decoder: FrameDecoder<Source<R>>,
    ended: bool,
}

impl<R: Read> Frames<R> {
    /// Reads frames from `input`.
    pub(super) fn new(input: R) -> Self {
        Self {
            decoder: FrameDecoder::new(Source {
                input,
                gave: false,
                empty: false,
            }),
            ended: false,
        }
    }
}

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !self.ended && !out.is_empty() {
            self.decoder.get_mut().gave = false;
            match self.decoder.read(out) {
                // A frame ended, or a block had no content.
                Ok(0) => {}
                // Only the start of a frame is read in a way that lets an interruption through.
                Err(error) if error.kind() == ErrorKind::Interrupted => {
                    if self.decoder.get_ref().gave {
                        return Err(cut());
                    }
                    self.ended = true;
                }
                read => return read,
            }
        }
        Ok(0)
    }
}

/// The input, whose end is told in a way that says where in a frame it was met: as an interruption
/// first, which reads that must be filled try again, and as an error after that.
struct Source<R> {
    input: R,
    /// Whether it gave anything since the decoder was last called.
    gave: bool,
    empty: bool,
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !self.empty {
            match self.input.read(out) {
                Ok(0) if !out.is_empty() => {
                    self.empty = true;
                    return Err(ErrorKind::Interrupted.into());
                }
                Ok(count) => {
                    self.gave |= count > 0;
                    return Ok(count);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // The decoder takes this kind for an end.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    return Err(io::Error::new(ErrorKind::InvalidData, error));
                }
                Err(error) => return Err(error),
            }
        }
        Err(cut())
    }
}

fn cut() -> io::Error {
    io::Error::new(
        ErrorKind::InvalidData,
        "the data end within an LZ4 frame, before its end mark",
    )
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};

    use super::*;

    fn frame(data: &[u8], checksum: bool) -> Vec<u8> {
        let info = FrameInfo::new()
            .block_size(BlockSize::Max64KB)
            .block_mode(BlockMode::Linked)
            .content_checksum(checksum);
        let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn unpack(packed: &[u8]) -> io::Result<Vec<u8>> {
        let mut unpacked = Vec::new();
        let mut frames = Frames::new(packed);
        frames.read_to_end(&mut unpacked)?;
        assert_eq!(frames.read(&mut [0; 8])?, 0, "the end stays the end");
        Ok(unpacked)
    }

    #[test]
    fn every_frame_is_read() {
        let first: Vec<u8> = (0..50_000_u32).flat_map(u32::to_le_bytes).collect();
        for checksum in [false, true] {
            let packed = [
                frame(&first, checksum),
                frame(b"", checksum),
                frame(b"second", checksum),
            ]
            .concat();
            assert!(unpack(&packed).unwrap() == [&first[..], b"second"].concat());
            let trailing = [&packed[..], b"1\n2\n3\n4\n"].concat();
            assert!(unpack(&trailing).is_err(), "what follows is no frame");
        }
        assert!(unpack(b"").unwrap().is_empty());
    }

    #[test]
    fn a_cut_is_found_wherever_it_is() {
        let data: Vec<u8> = (0..40_u32)
            .flat_map(|n| n.wrapping_mul(0x9e37_79b9).to_le_bytes())
            .collect();
        for checksum in [false, true] {
            let first = frame(&data, checksum);
            let packed = [&first[..], &first[..]].concat();
            for end in 1..packed.len() {
                let whole = end == first.len();
                assert_eq!(unpack(&packed[..end]).is_ok(), whole, "{end}");
            }
        }
    }

    #[test]
    fn a_cut_at_the_border_of_a_block_is_found() {
        let data: Vec<u8> = (0..50_000_u32).flat_map(u32::to_le_bytes).collect();
        let packed = frame(&data, false);
        let mut border = 7;
        let mut borders = 0;
        loop {
            let error = unpack(&packed[..border]).unwrap_err();
            assert!(error.to_string().contains("end mark"), "{error}");
            let head = u32::from_le_bytes(packed[border..border + 4].try_into().unwrap());
            if head == 0 {
                break;
            }
            border += 4 + (head & 0x7fff_ffff) as usize;
            borders += 1;
        }
        assert!(borders > 2 && border + 4 == packed.len());
        // A block without content is a border too, and no end.
        let empty = [&packed[..border], &0x8000_0000_u32.to_le_bytes()].concat();
        assert!(unpack(&empty).is_err());
        assert!(unpack(&[&empty[..], &[0; 4]].concat()).unwrap() == data);
    }

    #[test]
    fn a_broken_input_is_no_end() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(ErrorKind::UnexpectedEof.into())
            }
        }
        let packed = frame(&[7; 100_000], false);
        for given in [0, 7, packed.len() - 4, packed.len()] {
            let mut frames = Frames::new(packed[..given].chain(Broken));
            assert!(frames.read_to_end(&mut Vec::new()).is_err(), "{given}");
        }
    }
}
