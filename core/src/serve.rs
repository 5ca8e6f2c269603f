//! Serves an axum application to strangers: bounded heads, bounded patience, bounded connections, and a
//! drain with a deadline. `axum::serve` has none of these.
//!
//! The redirector has its own loop, for its own reasons; bodies and routes are each service's business.

mod stalled;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use stalled::Stalled;

/// How long a client may take to send a request's head, and to idle between two.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a client may take none of its answer.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest head: four times what browsers and proxies pass on.
const HEAD_BYTES: usize = 64 << 10;
/// Connections at a time, some 100 KiB each at worst; more wait to be accepted.
const CONNECTIONS: usize = 4096;
/// The pause after the process ran out of file descriptors, so that others may be closed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves until `stop`, then finishes what is under way for at most `drain`.
pub async fn serve(listener: TcpListener, app: Router, stop: CancellationToken, drain: Duration) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES);
    loop {
        let next = async {
            let permit = Arc::clone(&room).acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            next = next => next,
            () = stop.cancelled() => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Answers are written whole; waiting for more to send would only delay them.
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(app.clone());
        let stream = TokioIo::new(Stalled::new(stream, WRITE_TIMEOUT));
        let connection = graceful.watch(builder.serve_connection(stream, service));
        tokio::spawn(async move {
            // A client that breaks off is its own affair.
            let _ = connection.await;
            drop(permit);
        });
    }
    drop(listener);
    if tokio::time::timeout(drain, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("requests were still under way at the end of the drain");
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    async fn start(
        app: Router,
        drain: Duration,
    ) -> (
        std::net::SocketAddr,
        CancellationToken,
        tokio::task::JoinHandle<()>,
    ) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let serving = tokio::spawn(serve(listener, app, stop.clone(), drain));
        (address, stop, serving)
    }

    #[tokio::test]
    async fn a_request_under_way_is_answered_after_the_stop() {
        let begun = Arc::new(tokio::sync::Notify::new());
        let told = Arc::clone(&begun);
        let slow = async move || {
            told.notify_one();
            tokio::time::sleep(Duration::from_millis(100)).await;
            "done"
        };
        let app = Router::new().route("/", get(slow));
        let (address, stop, serving) = start(app, Duration::from_secs(10)).await;
        let mut client = TcpStream::connect(address).await.unwrap();
        client
            .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        begun.notified().await;
        stop.cancel();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("done"), "{answer}");
        serving.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn the_drain_has_an_end() {
        let begun = Arc::new(tokio::sync::Notify::new());
        let told = Arc::clone(&begun);
        let never = async move || {
            told.notify_one();
            std::future::pending::<&str>().await
        };
        let app = Router::new().route("/", get(never));
        let (address, stop, serving) = start(app, Duration::from_millis(50)).await;
        let mut client = TcpStream::connect(address).await.unwrap();
        client
            .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        begun.notified().await;
        stop.cancel();
        tokio::time::timeout(Duration::from_secs(5), serving)
            .await
            .unwrap()
            .unwrap();
    }

    #[tokio::test]
    async fn a_head_without_end_is_refused() {
        let app = Router::new().route("/", get(async || "ok"));
        let (address, _stop, _serving) = start(app, Duration::ZERO).await;
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nx: ").await.unwrap();
        let much = vec![b'a'; HEAD_BYTES + 1];
        let _ = client.write_all(&much).await;
        let mut answer = vec![0; 12];
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, b"HTTP/1.1 431");
    }
}
