//! Compression on the wire: ClickHouse's own frames, and HTTP's content codings.

mod content;
mod lz4;
mod native;

pub(super) use content::{Coding, Encoder, decoder};
pub(super) use native::{FrameReader, write_frames};
