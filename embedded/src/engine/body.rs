//! The request's body, carried from the connection to the thread that feeds the engine.
//!
//! A few pieces are in flight at a time, so a client can be no faster than the engine.

use std::io::{self, Read};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::sync::mpsc;

/// Pieces in flight; each is what the connection read at once, 400 KiB at the very most.
const IN_FLIGHT: usize = 4;
/// How long a client may be silent within a body: the server's `http_receive_timeout` is 30 s, and
/// a client on the same machine has no reason to need more.
const SILENCE: Duration = Duration::from_secs(60);
/// How much of a body is read and thrown away after an early error, so that a client that sends
/// first and reads then gets to read the error rather than a reset connection.
const THROWN_AWAY: u64 = 64 << 20;

/// Reads the body on a blocking thread.
pub(super) struct BodyReader {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    current: Bytes,
}

/// Starts carrying a body over.
pub(super) fn carry(body: Incoming) -> BodyReader {
    let (sender, pieces) = mpsc::channel(IN_FLIGHT);
    tokio::spawn(pump(body, sender));
    BodyReader {
        pieces,
        current: Bytes::new(),
    }
}

/// A body that has been read already.
pub(super) fn empty() -> BodyReader {
    let (_, pieces) = mpsc::channel(1);
    BodyReader {
        pieces,
        current: Bytes::new(),
    }
}

async fn pump(mut body: Incoming, sender: mpsc::Sender<io::Result<Bytes>>) {
    let mut thrown_away = 0;
    loop {
        let piece = match tokio::time::timeout(SILENCE, body.frame()).await {
            Ok(None) => return,
            Ok(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) => Ok(data),
                Err(_trailers) => continue,
            },
            Ok(Some(Err(error))) => Err(io::Error::new(io::ErrorKind::ConnectionAborted, error)),
            Err(_elapsed) => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!(
                    "the client sent nothing of the body for {} s",
                    SILENCE.as_secs()
                ),
            )),
        };
        let failed = piece.is_err();
        let length = piece.as_ref().map_or(0, |data| data.len() as u64);
        if sender.send(piece).await.is_err() {
            thrown_away += length;
        }
        if failed || thrown_away > THROWN_AWAY {
            return;
        }
    }
}

impl Read for BodyReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.current = piece?,
                None => return Ok(0),
            }
        }
        let count = out.len().min(self.current.len());
        self.current.copy_to_slice(&mut out[..count]);
        Ok(count)
    }
}
