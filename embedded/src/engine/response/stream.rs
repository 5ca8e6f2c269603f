//! Bodies that are sent while they are made, and what they say when that fails half-way.

use std::io;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::unix::pipe;
use tokio::sync::mpsc;

use super::encoding::Encoding;
use super::{Body, PIECE, Work, ended};
use crate::engine::exception::Exception;
use crate::engine::flush::Flushes;

/// How long a client may leave a piece unread before its query is stopped: it holds one of few
/// connections, and `max_execution_time` does not count the time that the engine waits for a reader.
const UNREAD: Duration = Duration::from_secs(120);

/// What goes from the task that makes a body to the connection that sends it.
enum Piece {
    /// More of the body.
    Data(Bytes),
    /// The last of the body, after which the connection breaks: an exception.
    Exception(Bytes),
    /// The body cannot go on.
    Broken(io::Error),
}

type Sender = mpsc::Sender<Piece>;

/// A result that the engine is making.
pub(super) struct Source {
    /// What was held back so far.
    pub(super) held: Vec<u8>,
    /// The rest.
    pub(super) result: pipe::Receiver,
    /// The statement.
    pub(super) work: Work,
    /// How to pack it.
    pub(super) encoding: Encoding,
    /// What marks an exception in the body.
    pub(super) tag: String,
    /// The engine's version, for exceptions.
    pub(super) version: String,
}

/// A body that is fed by the future beside it, which ends when the query or the client does.
pub(super) fn from_engine(
    source: Source,
    flushes: Arc<Flushes>,
) -> (Body, impl Future<Output = ()> + Send) {
    let (sender, body) = channel(flushes);
    (body, async move {
        if let Err(error) = feed(source, &sender).await {
            let _ = send(&sender, Piece::Broken(error)).await;
        }
    })
}

/// A body that is read from a file.
pub(super) fn from_file(
    mut file: tokio::fs::File,
    mut encoding: Encoding,
    flushes: Arc<Flushes>,
) -> Body {
    let (sender, body) = channel(flushes);
    tokio::spawn(async move {
        let fed = async {
            copy(&mut file, &mut encoding, &sender).await?;
            send(&sender, Piece::Data(encoding.finish()?)).await
        };
        if let Err(error) = fed.await {
            let _ = send(&sender, Piece::Broken(error)).await;
        }
    });
    body
}

fn channel(flushes: Arc<Flushes>) -> (Sender, Body) {
    let (sender, mut receiver) = mpsc::channel(1);
    let mut breaks_after = None;
    let pieces = futures::stream::poll_fn(move |context| {
        if let Some(before) = breaks_after {
            // As the server does: a client that does not know the tag must not take this for an end.
            ready!(flushes.poll_after(before, context));
            return Poll::Ready(Some(Err(io::Error::other(
                "the query failed after the response had begun",
            ))));
        }
        loop {
            let data = match ready!(receiver.poll_recv(context)) {
                None => return Poll::Ready(None),
                Some(Piece::Broken(error)) => return Poll::Ready(Some(Err(error))),
                Some(Piece::Data(data)) => data,
                Some(Piece::Exception(data)) => {
                    breaks_after = Some(flushes.count());
                    data
                }
            };
            // An empty piece would end a chunked body.
            if !data.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
        }
    });
    (sender, BodyExt::boxed(StreamBody::new(pieces)))
}

async fn feed(source: Source, sender: &Sender) -> io::Result<()> {
    let Source {
        held,
        mut result,
        work,
        mut encoding,
        tag,
        version,
    } = source;
    send(sender, Piece::Data(encoding.piece(held)?)).await?;
    copy(&mut result, &mut encoding, sender).await?;
    match ended(work).await {
        Ok(_) => send(sender, Piece::Data(encoding.finish()?)).await,
        Err(exception) => {
            let text = exception_block(&exception, &version, &tag);
            send(sender, Piece::Exception(encoding.piece(text)?)).await
        }
    }
}

async fn copy(
    from: &mut (impl AsyncRead + Unpin),
    encoding: &mut Encoding,
    sender: &Sender,
) -> io::Result<()> {
    loop {
        let mut piece = Vec::with_capacity(PIECE);
        tokio::select! {
            count = from.read_buf(&mut piece) => if count? == 0 {
                return Ok(());
            },
            () = sender.closed() => return Err(gone()),
        }
        send(sender, Piece::Data(encoding.piece(piece)?)).await?;
    }
}

async fn send(sender: &Sender, piece: Piece) -> io::Result<()> {
    sender.send_timeout(piece, UNREAD).await.map_err(|_| gone())
}

fn gone() -> io::Error {
    io::Error::new(
        io::ErrorKind::BrokenPipe,
        "the client does not read the response any more",
    )
}

/// What marks exceptions in one body, so that data can never be taken for one.
pub(super) fn exception_tag() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the system gave random numbers at the start");
    bytes
        .iter()
        .map(|byte| char::from(b'a' + byte % 26))
        .collect()
}

/// An exception within a body, in the form that servers have used since 25.11.
fn exception_block(exception: &Exception, version: &str, tag: &str) -> Vec<u8> {
    let text = format!("{}\n", exception.render(version));
    format!(
        "\r\n__exception__\r\n{tag}\r\n{text}{} {tag}\r\n__exception__\r\n",
        text.len()
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_within_a_body_says_its_length() {
        let block = exception_block(&Exception::aborted("x"), "26", "abcdefghijklmnop");
        let text = String::from_utf8(block).unwrap();
        let message = "Code: 236. DB::Exception: x. (ABORTED) (version 26 (embedded))\n";
        assert_eq!(
            text,
            format!(
                "\r\n__exception__\r\nabcdefghijklmnop\r\n{message}{} abcdefghijklmnop\r\n__exception__\r\n",
                message.len()
            )
        );
        let tag = exception_tag();
        assert!(tag.len() == 16 && tag.bytes().all(|byte| byte.is_ascii_lowercase()));
        assert_ne!(tag, exception_tag());
    }
}
