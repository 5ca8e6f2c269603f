//! How the bytes of one response are packed: in ClickHouse's frames, in a content coding, or both.

use std::io;

use bytes::Bytes;

use crate::engine::codec::{Coding, Encoder, write_frames};

/// The packing of one response.
pub(super) struct Encoding {
    frames: bool,
    encoder: Option<Encoder>,
}

impl Encoding {
    /// For a response in frames, in a coding, in both or in neither.
    pub(super) fn new(frames: bool, coding: Option<Coding>) -> io::Result<Self> {
        Ok(Self {
            frames,
            encoder: coding.map(Encoder::new).transpose()?,
        })
    }

    /// Packs a piece, so that it can be unpacked to its end when it arrives.
    pub(super) fn piece(&mut self, data: Vec<u8>) -> io::Result<Bytes> {
        let framed = if self.frames {
            let mut framed = Vec::with_capacity(data.len() / 2);
            write_frames(&data, &mut framed);
            framed
        } else {
            data
        };
        match &mut self.encoder {
            Some(encoder) => encoder.piece(&framed).map(Bytes::from),
            None => Ok(framed.into()),
        }
    }

    /// What ends the response.
    pub(super) fn finish(self) -> io::Result<Bytes> {
        self.encoder
            .map_or(Ok(Vec::new()), Encoder::finish)
            .map(Bytes::from)
    }

    /// Packs all of a response.
    pub(super) fn whole(mut self, data: Vec<u8>) -> io::Result<Bytes> {
        if self.encoder.is_none() {
            return self.piece(data);
        }
        let mut packed = Vec::from(self.piece(data)?);
        packed.extend_from_slice(&self.finish()?);
        Ok(packed.into())
    }
}
