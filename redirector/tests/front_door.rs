//! The door: who is let in, for how long, and how everybody is let out.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says as much as one that expects"
)]

mod support;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use support::Edge;
use support::raw::{PATIENCE, exchange, read_one, read_to_end};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

const GET: &[u8] = b"GET /x HTTP/1.1\r\nHost: go.example\r\n\r\n";
/// What a PROXY header of version 2 begins with.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// A PROXY header that passes on for 203.0.113.7.
fn proxied() -> Vec<u8> {
    let mut header = SIGNATURE.to_vec();
    header.extend_from_slice(&[0x21, 0x11, 0, 12]);
    header.extend_from_slice(&[203, 0, 113, 7, 192, 0, 2, 1, 0x12, 0x34, 0, 80]);
    header
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_says_whose_bytes_it_passes_on() {
    let edge = Edge::start(|config| {
        config.redirector.proxy_protocol = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    edge.link("x", "https://shop.example/").await;
    let answers = exchange(edge.address(), &[proxied().as_slice(), GET].concat()).await;
    assert_eq!(answers[0].status, 302);
    // In pieces, and by a proxy that asks for itself.
    let local = [SIGNATURE, &[0x20, 0, 0, 0], GET].concat();
    let mut stream = TcpStream::connect(edge.address()).await.unwrap();
    for piece in local.chunks(5) {
        stream.write_all(piece).await.unwrap();
        sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(read_one(&mut stream).await.unwrap().status, 302);
    // Without the header there is no answer at all.
    let mut stream = TcpStream::connect(edge.address()).await.unwrap();
    stream.write_all(GET).await.unwrap();
    assert_eq!(read_to_end(stream).await, "");
    let mut clients: Vec<_> = edge
        .stop()
        .await
        .iter()
        .map(|c| c.address.to_string())
        .collect();
    clients.sort();
    assert_eq!(clients, ["127.0.0.1", "203.0.113.7"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_may_say_so() {
    let edge = Edge::start(|config| {
        config.redirector.proxy_protocol = vec!["192.0.2.0/24".parse().unwrap()];
    })
    .await;
    edge.link("x", "https://shop.example/").await;
    let answers = exchange(edge.address(), &[proxied().as_slice(), GET].concat()).await;
    assert_eq!(answers.iter().map(|a| a.status).collect::<Vec<_>>(), [400]);
    assert_eq!(edge.stop().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_holds_so_many_connections_and_no_more() {
    let edge = Edge::start(|config| config.redirector.max_connections_per_client = 3).await;
    edge.link("x", "https://shop.example/").await;
    // The probe of the support code may still be on its way out.
    let mut held = Vec::new();
    while held.len() < 3 {
        if let Some(stream) = try_hold(edge.address()).await {
            held.push(stream);
        }
    }
    assert!(try_hold(edge.address()).await.is_none());
    held.pop();
    let mut stream = None;
    while stream.is_none() {
        stream = try_hold(edge.address()).await;
    }
    edge.stop().await;
}

/// A connection that was answered and stays.
async fn try_hold(address: SocketAddr) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(GET).await.ok()?;
    read_one(&mut stream).await?;
    Some(stream)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_dawdles_is_hung_up_on() {
    let edge = Edge::start(|config| {
        config.redirector.head_timeout_ms = 500;
        config.redirector.idle_timeout_ms = 1500;
    })
    .await;
    edge.link("x", "https://shop.example/").await;
    let until_closed = async |bytes: &[u8]| {
        let mut stream = TcpStream::connect(edge.address()).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let start = Instant::now();
        let text = read_to_end(stream).await;
        (text.matches("HTTP/1.1 302").count(), start.elapsed())
    };
    let begun = [GET, b"GET /x HT"].concat();
    let for_hyper = b"POST /x HTTP/1.1\r\nHost: go.example\r\nContent-Length: 9\r\n\
        Content-Type: application/x-www-form-urlencoded\r\n\r\nhalf";
    let (half, second_half, idle, body) = tokio::join!(
        until_closed(b"GET /x HTTP/1.1\r\nHost"),
        until_closed(&begun),
        until_closed(GET),
        until_closed(for_hyper),
    );
    assert_eq!((half.0, second_half.0, idle.0, body.0), (0, 1, 1, 0));
    let (head, idled) = (Duration::from_millis(500), Duration::from_millis(1500));
    assert!(half.1 >= head && second_half.1 >= head && body.1 >= head);
    assert!(idle.1 >= idled);
    edge.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_trickles_a_head_is_hung_up_on() {
    let edge = Edge::start(|config| config.redirector.head_timeout_ms = 500).await;
    let mut stream = TcpStream::connect(edge.address()).await.unwrap();
    let start = Instant::now();
    // Each byte is in time; the head is not.
    while stream.write_all(b"A").await.is_ok() {
        assert!(start.elapsed() < PATIENCE);
        sleep(Duration::from_millis(50)).await;
    }
    assert!(start.elapsed() >= Duration::from_millis(500));
    edge.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_reads_is_hung_up_on() {
    let edge = Edge::start(|config| {
        config.redirector.write_timeout_ms = 500;
        config.redirector.client_rate = 0;
    })
    .await;
    edge.link("x", "https://shop.example/").await;
    let mut stream = TcpStream::connect(edge.address()).await.unwrap();
    let requests = GET.repeat(1000);
    let sending = async { while stream.write_all(&requests).await.is_ok() {} };
    assert!(
        timeout(PATIENCE, sending).await.is_ok(),
        "it is still connected"
    );
    // Others are answered as ever.
    let answers = exchange(edge.address(), GET).await;
    assert_eq!(answers[0].status, 302);
    edge.stop().await;
}

#[derive(Default)]
struct Load {
    answered: usize,
    failed: Vec<String>,
}

/// Asks on one connection for as long as that is open, then on the next, until none can be opened.
async fn ask_until_gone(address: SocketAddr, stays: bool) -> Load {
    let mut load = Load::default();
    let request = match stays {
        true => GET.to_vec(),
        false => b"GET /x HTTP/1.1\r\nHost: go.example\r\nConnection: close\r\n\r\n".to_vec(),
    };
    // What is not accepted any more was never a request.
    while let Ok(Ok(mut stream)) = timeout(PATIENCE, TcpStream::connect(address)).await {
        loop {
            let sent = stream.write_all(&request).await;
            match read_one(&mut stream).await {
                Some(answer) if answer.status == 302 => {
                    load.answered += 1;
                    if answer.says("connection: close") {
                        break;
                    }
                }
                other => {
                    load.failed.push(format!("{sent:?} {other:?}"));
                    break;
                }
            }
        }
    }
    load
}

#[tokio::test(flavor = "multi_thread")]
async fn draining_fails_nobody_under_load() {
    let edge = Edge::start(|config| {
        config.redirector.drain_ms = 6_000;
        config.redirector.client_rate = 0;
    })
    .await;
    edge.link("x", "https://shop.example/").await;
    let address = edge.address();
    // Open, and asking nothing: it must not keep the others waiting.
    let mut idle = Vec::new();
    for _ in 0..10 {
        idle.push(TcpStream::connect(address).await.unwrap());
    }
    let clients: Vec<_> = (0..24)
        .map(|number| tokio::spawn(ask_until_gone(address, number % 2 == 0)))
        .collect();
    sleep(Duration::from_millis(500)).await;
    let start = Instant::now();
    let stopping = tokio::spawn(edge.stop());
    let mut answered = 0;
    for client in clients {
        let load = client.await.unwrap();
        assert_eq!(load.failed, Vec::<String>::new());
        answered += load.answered;
    }
    for stream in idle {
        assert_eq!(read_to_end(stream).await, "");
    }
    // Well before the deadline, by which they would have been cut off.
    assert!(start.elapsed() < Duration::from_secs(5));
    let clicks = stopping.await.unwrap();
    assert!(answered > 24, "there was load: {answered}");
    assert_eq!(clicks.len(), answered);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_last_request_is_answered_on_an_open_connection() {
    let edge = Edge::start(|config| config.redirector.drain_ms = 4_000).await;
    edge.link("x", "https://shop.example/").await;
    let mut stream = TcpStream::connect(edge.address()).await.unwrap();
    stream.write_all(GET).await.unwrap();
    assert!(
        !read_one(&mut stream)
            .await
            .unwrap()
            .says("connection: close")
    );
    let stopping = tokio::spawn(edge.stop());
    sleep(Duration::from_millis(200)).await;
    stream.write_all(GET).await.unwrap();
    let last = read_one(&mut stream).await.unwrap();
    assert_eq!(last.status, 302);
    assert!(last.says("connection: close"));
    assert_eq!(stopping.await.unwrap().len(), 2);
}
