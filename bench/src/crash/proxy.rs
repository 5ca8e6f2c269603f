//! A TCP line between two processes that can be broken: each connection goes through here.
//!
//! What is broken about it, `Trouble` says; when, the schedule.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

/// What one read takes.
const CHUNK: usize = 16 << 10;
/// A connection on this machine is there at once or not at all.
const CONNECT: Duration = Duration::from_secs(2);

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Nothing.
    None,
    /// Connections are reset, and new ones too.
    Refused,
    /// Every read is passed on so much later.
    Slow(Duration),
    /// What is asked arrives; instead of the answer comes its end.
    Unanswered,
    /// Nothing arrives, and nobody is told.
    Silent,
}

/// A line. Gone when it is dropped, with all its connections.
pub(super) struct Line {
    trouble: watch::Sender<Trouble>,
    task: JoinHandle<()>,
}

impl Line {
    /// Listens at `from` and connects to `to`.
    pub(super) async fn new(from: SocketAddr, to: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(from)
            .await
            .with_context(|| from.to_string())?;
        let (trouble, watched) = watch::channel(Trouble::None);
        let task = tokio::spawn(accept(listener, to, watched));
        Ok(Self { trouble, task })
    }

    /// From now on the line is like this.
    pub(super) fn set(&self, trouble: Trouble) {
        self.trouble.send_replace(trouble);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, to: SocketAddr, trouble: watch::Receiver<Trouble>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((client, _)) = accepted {
                    connections.spawn(connect(client, to, trouble.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connect(client: TcpStream, to: SocketAddr, mut trouble: watch::Receiver<Trouble>) {
    if *trouble.borrow() == Trouble::Refused {
        reset(&client);
        return;
    }
    let Ok(Ok(server)) = timeout(CONNECT, TcpStream::connect(to)).await else {
        reset(&client);
        return;
    };
    // Latencies of their own kind are not what this is for.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let ends = [&client, &server].map(|socket| SockRef::from(socket).try_clone());
    let (client_read, client_write) = client.into_split();
    let (server_read, server_write) = server.into_split();
    let there = pass(client_read, server_write, trouble.clone(), Way::There);
    let back = pass(server_read, client_write, trouble.clone(), Way::Back);
    let cut = tokio::select! {
        _ = async { tokio::join!(there, back) } => false,
        _ = trouble.wait_for(|trouble| *trouble == Trouble::Refused) => true,
    };
    if cut {
        for end in ends.into_iter().flatten() {
            let _ = end.set_linger(Some(Duration::ZERO));
        }
    }
}

/// Ends a connection with RST as soon as it is dropped.
fn reset(socket: &TcpStream) {
    // Where it can not be set, the connection ends politely.
    let _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
}

/// Which way bytes go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// From who asks to who answers.
    There,
    /// And back.
    Back,
}

/// Passes bytes on until the end of either side.
async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut trouble: watch::Receiver<Trouble>,
    way: Way,
) {
    let mut buffer = vec![0; CHUNK];
    // The answer that is waited for ends at once, too.
    let mut is_open = true;
    loop {
        let now = *trouble.borrow_and_update();
        if now == Trouble::Unanswered && way == Way::Back && is_open {
            let _ = to.shutdown().await;
            is_open = false;
        }
        if now == Trouble::Silent {
            if trouble.changed().await.is_err() {
                return;
            }
            continue;
        }
        let read = tokio::select! {
            read = from.read(&mut buffer) => read,
            changed = trouble.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
        };
        let Ok(count @ 1..) = read else {
            let _ = to.shutdown().await;
            return;
        };
        if let Trouble::Slow(delay) = now {
            sleep(delay).await;
        }
        if is_open && to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::free_address;

    /// Answers every byte with the same; counts what has arrived.
    async fn echo() -> (SocketAddr, watch::Receiver<usize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (count, counted) = watch::channel(0);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut buffer = [0; 64];
                while let Ok(read @ 1..) = stream.read(&mut buffer).await {
                    count.send_modify(|count| *count += read);
                    if stream.write_all(&buffer[..read]).await.is_err() {
                        break;
                    }
                }
            }
        });
        (address, counted)
    }

    async fn ask(stream: &mut TcpStream) -> std::io::Result<u8> {
        stream.write_all(b"x").await?;
        timeout(Duration::from_millis(300), stream.read_u8())
            .await
            .unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
    }

    #[tokio::test]
    async fn each_trouble_is_what_it_says_and_passes() {
        let (server, mut arrived) = echo().await;
        let at = free_address().unwrap();
        let line = Line::new(at, server).await.unwrap();
        let open = async || TcpStream::connect(at).await.unwrap();

        let mut stream = open().await;
        assert_eq!(ask(&mut stream).await.unwrap(), b'x');

        line.set(Trouble::Silent);
        let error = ask(&mut stream).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
        assert_eq!(*arrived.borrow_and_update(), 1);
        line.set(Trouble::None);
        assert_eq!(stream.read_u8().await.unwrap(), b'x', "late, not lost");

        line.set(Trouble::Unanswered);
        let error = ask(&mut stream).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
        arrived.wait_for(|count| *count == 3).await.unwrap();

        line.set(Trouble::Refused);
        let refused = async { ask(&mut TcpStream::connect(at).await?).await };
        let error = refused.await.unwrap_err();
        assert_ne!(error.kind(), std::io::ErrorKind::TimedOut, "{error}");

        line.set(Trouble::Slow(Duration::from_millis(20)));
        assert_eq!(ask(&mut open().await).await.unwrap(), b'x');
    }
}
