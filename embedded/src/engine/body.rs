//! The request's body, carried from the connection to the thread that feeds the engine.
//!
//! A few pieces are in flight at a time, so a client can be no faster than the engine.

use std::error::Error;
use std::io::{self, Read};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::sync::mpsc;

/// Pieces in flight; each is what the connection read at once, 400 KiB at the very most.
const IN_FLIGHT: usize = 4;
/// How long a client may be silent within a body: the server's `http_receive_timeout` is 30 s, and
/// a client on the same machine has no reason to need more.
const SILENCE: Duration = Duration::from_secs(60);
/// How much of a body is read and thrown away after an early error, so that a client that sends
/// first and reads then gets to read the error rather than a reset connection.
const THROWN_AWAY: u64 = 64 << 20;

/// What the connection hands over.
enum Piece {
    /// Some of the body.
    Data(Bytes),
    /// The body was read to its end. Said aloud, because a channel also closes when the task that
    /// fills it is dropped half-way, and half a body must never pass for the whole.
    End,
}

/// Reads the body on a blocking thread.
pub(super) struct BodyReader {
    pieces: mpsc::Receiver<io::Result<Piece>>,
    current: Bytes,
    ended: bool,
}

/// Starts carrying a body over.
pub(super) fn carry(body: Incoming) -> BodyReader {
    let (sender, pieces) = mpsc::channel(IN_FLIGHT);
    tokio::spawn(pump(body, sender));
    BodyReader {
        pieces,
        current: Bytes::new(),
        ended: false,
    }
}

/// A body that has been read already.
pub(super) fn empty() -> BodyReader {
    let (_, pieces) = mpsc::channel(1);
    BodyReader {
        pieces,
        current: Bytes::new(),
        ended: true,
    }
}

async fn pump<B>(mut body: B, sender: mpsc::Sender<io::Result<Piece>>)
where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin,
{
    let mut thrown_away = 0;
    loop {
        let piece = match tokio::time::timeout(SILENCE, body.frame()).await {
            Ok(None) => Ok(Piece::End),
            Ok(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) => Ok(Piece::Data(data)),
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
        let (length, last) = match &piece {
            Ok(Piece::Data(data)) => (data.len() as u64, false),
            Ok(Piece::End) | Err(_) => (0, true),
        };
        if sender.send(piece).await.is_err() {
            thrown_away += length;
        }
        if last || thrown_away > THROWN_AWAY {
            return;
        }
    }
}

impl Read for BodyReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() && !self.ended {
            match self.pieces.blocking_recv().transpose()? {
                Some(Piece::Data(data)) => self.current = data,
                Some(Piece::End) => self.ended = true,
                None => {
                    return Err(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        "reading was given up before the body's end",
                    ));
                }
            }
        }
        let count = out.len().min(self.current.len());
        self.current.copy_to_slice(&mut out[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use hyper::body::Frame;

    use super::*;

    /// Gives one piece, and then ends or hangs.
    struct OnePiece {
        piece: Option<Bytes>,
        hangs: bool,
    }

    impl Body for OnePiece {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            match self.piece.take() {
                Some(piece) => Poll::Ready(Some(Ok(Frame::data(piece)))),
                None if self.hangs => Poll::Pending,
                None => Poll::Ready(None),
            }
        }
    }

    fn carried(hangs: bool) -> (tokio::runtime::Runtime, BodyReader) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_time()
            .build()
            .unwrap();
        let (sender, pieces) = mpsc::channel(IN_FLIGHT);
        let piece = Some(Bytes::from_static(b"1\n2\n"));
        runtime.spawn(pump(OnePiece { piece, hangs }, sender));
        let reader = BodyReader {
            pieces,
            current: Bytes::new(),
            ended: false,
        };
        (runtime, reader)
    }

    #[test]
    fn a_body_ends_where_its_end_was_read() {
        let (_runtime, mut body) = carried(false);
        let mut read = Vec::new();
        body.read_to_end(&mut read).unwrap();
        assert_eq!(read, b"1\n2\n");
        assert_eq!(body.read(&mut [0; 8]).unwrap(), 0, "the end stays the end");
        assert_eq!(empty().read(&mut [0; 8]).unwrap(), 0);
    }

    #[test]
    fn a_body_given_up_on_is_no_whole_one() {
        let (runtime, mut body) = carried(true);
        let mut read = [0; 8];
        assert_eq!(body.read(&mut read).unwrap(), 4);
        runtime.shutdown_background();
        for _ in 0..2 {
            let error = body.read(&mut read).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{error}");
        }
    }
}
