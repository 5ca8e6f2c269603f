//! An accepted connection that the poller hears of only when it has to be waited for.
//!
//! A client sends its request with the end of the handshake, and many want one answer and no more. Theirs costs an
//! accept, a read, a write and a close, and neither the poller's two calls nor what it keeps.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{self, Shutdown};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A connection.
pub(crate) struct Stream(State);

enum State {
    /// Not known to the poller, and not read from yet.
    New(net::TcpStream),
    /// The same, after it was read from once: whoever goes on to talk is to wait for its turn as all others.
    Read(net::TcpStream),
    /// Known to the poller.
    Polled(TcpStream),
    /// The poller did not take it.
    Lost,
}

impl Stream {
    /// A connection that was just accepted, and does not block.
    pub(crate) fn new(stream: net::TcpStream) -> Self {
        Self(State::New(stream))
    }

    /// The stream as the poller knows it.
    fn polled(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        if let State::New(_) | State::Read(_) = self.0
            && let State::New(stream) | State::Read(stream) =
                std::mem::replace(&mut self.0, State::Lost)
        {
            self.0 = State::Polled(TcpStream::from_std(stream)?);
        }
        match &mut self.0 {
            State::Polled(stream) => Ok(Pin::new(stream)),
            _ => Err(ErrorKind::NotConnected.into()),
        }
    }

    /// Writes at once where that can be done without waiting.
    fn write_now(
        &self,
        mut write: impl FnMut(&mut &net::TcpStream) -> io::Result<usize>,
    ) -> Option<io::Result<usize>> {
        let (State::New(stream) | State::Read(stream)) = &self.0 else {
            return None;
        };
        at_once(|| write(&mut &*stream))
    }
}

/// What comes of it, unless it would have to wait.
fn at_once<T>(mut attempt: impl FnMut() -> io::Result<T>) -> Option<io::Result<T>> {
    loop {
        match attempt() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
            done => return Some(done),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let State::New(stream) = &self.0 {
            let room = buffer.initialize_unfilled();
            if let Some(read) = at_once(|| (&*stream).read(room)) {
                if let State::New(stream) = std::mem::replace(&mut self.0, State::Lost) {
                    self.0 = State::Read(stream);
                }
                buffer.advance(read?);
                return Poll::Ready(Ok(()));
            }
        }
        self.polled()?.poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.write_now(|stream| stream.write(bytes)) {
            Some(written) => Poll::Ready(written),
            None => self.polled()?.poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.write_now(|stream| stream.write_vectored(parts)) {
            Some(written) => Poll::Ready(written),
            None => self.polled()?.poll_write_vectored(context, parts),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // What is written is the kernel's.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &self.0 {
            State::New(stream) | State::Read(stream) => {
                Poll::Ready(stream.shutdown(Shutdown::Write))
            }
            _ => self.polled()?.poll_shutdown(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// A connection of either side of the door.
    fn pair() -> (Stream, net::TcpStream) {
        let listener = net::TcpListener::bind("127.0.0.1:0").unwrap();
        let client = net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        client.set_nonblocking(true).unwrap();
        (Stream::new(stream), client)
    }

    fn is_polled(stream: &Stream) -> bool {
        matches!(stream.0, State::Polled(_))
    }

    #[tokio::test]
    async fn who_has_asked_is_answered_without_the_poller() {
        let (mut stream, mut client) = pair();
        client.write_all(b"ask").unwrap();
        // On the same machine it has arrived by now.
        let mut asked = [0; 8];
        assert_eq!(stream.read(&mut asked).await.unwrap(), 3);
        stream.write_all(b"answer").await.unwrap();
        stream.shutdown().await.unwrap();
        assert!(!is_polled(&stream));
        let mut client = TcpStream::from_std(client).unwrap();
        let mut answered = Vec::new();
        client.read_to_end(&mut answered).await.unwrap();
        assert_eq!(answered, b"answer");
    }

    #[tokio::test]
    async fn who_asks_late_or_again_is_waited_for() {
        let (mut stream, client) = pair();
        let mut client = TcpStream::from_std(client).unwrap();
        let late = tokio::spawn(async move {
            for _ in 0..2 {
                tokio::time::sleep(Duration::from_millis(5)).await;
                client.write_all(b"ask").await.unwrap();
            }
            let mut answered = Vec::new();
            client.read_to_end(&mut answered).await.unwrap();
            answered.len()
        });
        let mut asked = [0; 6];
        stream.read_exact(&mut asked).await.unwrap();
        assert!(is_polled(&stream) && asked == *b"askask");
        stream.write_all(b"answer").await.unwrap();
        drop(stream);
        assert_eq!(late.await.unwrap(), 6);
    }

    #[tokio::test]
    async fn an_answer_that_no_buffer_holds_waits_for_its_reader() {
        let (mut stream, client) = pair();
        let answer = vec![7; 32 << 20];
        let mut client = TcpStream::from_std(client).unwrap();
        let reading = tokio::spawn(async move {
            let mut answered = Vec::new();
            client.read_to_end(&mut answered).await.unwrap();
            answered.len()
        });
        stream.write_all(&answer).await.unwrap();
        stream.flush().await.unwrap();
        assert!(is_polled(&stream));
        stream.shutdown().await.unwrap();
        assert_eq!(reading.await.unwrap(), answer.len());
    }
}
