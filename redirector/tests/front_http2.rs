//! HTTP/2: how long a connection may take, and how it is told to end.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says as much as one that expects"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Empty;
use hyper::Request;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use support::Edge;
use support::raw::PATIENCE;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// A client that reads nothing of any answer's content.
async fn greedy(edge: &Edge) -> SendRequest<Empty<Bytes>> {
    let stream = TcpStream::connect(edge.address()).await.unwrap();
    let (sender, connection) = Builder::new(TokioExecutor::new())
        .initial_stream_window_size(0)
        .handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    sender
}

fn get(path: &str) -> Request<Empty<Bytes>> {
    let request = Request::get(format!("http://go.example{path}"));
    request.body(Empty::new()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_and_never_reads_is_hung_up_on() {
    let edge = Edge::start(|config| config.redirector.write_timeout_ms = 500).await;
    let mut sender = greedy(&edge).await;
    let start = Instant::now();
    let mut held = Vec::new();
    let asking = async {
        // Each request earns time, and none of it for the answers that wait.
        while let Ok(answer) = sender.send_request(get("/robots.txt")).await {
            held.push(answer);
            sleep(Duration::from_millis(100)).await;
        }
    };
    assert!(
        timeout(PATIENCE, asking).await.is_ok(),
        "it is still connected"
    );
    assert!(start.elapsed() >= Duration::from_millis(500) && !held.is_empty());
    edge.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_nobody_reads_do_not_gather() {
    let edge = Edge::start(|config| config.redirector.write_timeout_ms = 60_000).await;
    let path = "/.well-known/apple-app-site-association";
    let document = serde_json::json!({"x": "#".repeat((32 << 10) - 8)});
    edge.domain(|spec| spec.apple_app_site_association = Some(document))
        .await;
    edge.until(path, |got| got.body.len() == 32 << 10).await;
    let sender = greedy(&edge).await;
    let answered = Arc::new(AtomicUsize::new(0));
    for _ in 0..60 {
        let (mut sender, answered) = (sender.clone(), Arc::clone(&answered));
        tokio::spawn(async move {
            let answer = sender.send_request(get(path)).await;
            answered.fetch_add(usize::from(answer.is_ok()), Ordering::SeqCst);
            // Kept, and not read.
            sleep(PATIENCE).await;
            drop(answer);
        });
    }
    let start = Instant::now();
    while answered.load(Ordering::SeqCst) < 8 {
        assert!(start.elapsed() < PATIENCE);
        sleep(Duration::from_millis(5)).await;
    }
    sleep(Duration::from_millis(300)).await;
    assert_eq!(answered.load(Ordering::SeqCst), 8, "256 KiB and no more");
    drop(sender);
    edge.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_idles_is_told_to_go() {
    let edge = Edge::start(|config| config.redirector.idle_timeout_ms = 500).await;
    let mut stream = TcpStream::connect(edge.address()).await.unwrap();
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let hello = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &settings].concat();
    stream.write_all(&hello).await.unwrap();
    let mut heard = Vec::new();
    let reading = timeout(PATIENCE, stream.read_to_end(&mut heard)).await;
    assert!(reading.is_ok(), "it is still connected");
    let mut kinds = Vec::new();
    let mut rest = &heard[..];
    while let Some((head, after)) = rest.split_first_chunk::<9>() {
        kinds.push(head[3]);
        rest = &after[usize::from(u16::from_be_bytes([head[1], head[2]]))..];
    }
    assert!(kinds.contains(&7), "no GOAWAY among {kinds:?}");
    edge.stop().await;
}
