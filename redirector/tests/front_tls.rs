//! HTTPS: certificates by name, reloading them, sessions, HTTP/2.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says as much as one that expects"
)]

mod support;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustix::process::{Signal, getpid, kill_process};
use support::Edge;
use support::raw::read_one;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, HandshakeKind, RootCertStore};
use whence_core::config::Redirector;

const GET: &[u8] = b"GET /x HTTP/1.1\r\nHost: go.example\r\n\r\n";

/// Writes a new certificate, and gives it.
fn write(folder: &Path, file: &str, names: &[&str]) -> CertificateDer<'static> {
    let names: Vec<String> = names.iter().map(|&name| name.into()).collect();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    std::fs::write(folder.join(format!("{file}.crt")), made.cert.pem()).unwrap();
    std::fs::write(
        folder.join(format!("{file}.key")),
        made.signing_key.serialize_pem(),
    )
    .unwrap();
    CertificateDer::from_pem_slice(made.cert.pem().as_bytes()).unwrap()
}

fn believing(certificates: &[&CertificateDer<'static>], alpn: &[&[u8]]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    for &certificate in certificates {
        roots.add(certificate.clone()).unwrap();
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}

async fn connect(
    edge: &Edge,
    by: &TlsConnector,
    name: &str,
) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(edge.tls()).await?;
    by.connect(ServerName::try_from(name.to_owned()).unwrap(), stream)
        .await
}

/// An edge that serves both, and the folder of its certificates.
async fn edge(folder: &TempDir) -> Edge {
    edge_with(folder, |redirector| redirector.drain_ms = 2_000).await
}

/// As [`edge`], of another kind.
async fn edge_with(folder: &TempDir, adjust: impl FnOnce(&mut Redirector)) -> Edge {
    let edge = Edge::start(|config| {
        config.redirector.tls.listen = Some(([127, 0, 0, 1], 0).into());
        config.redirector.tls.certificates = Some(folder.path().to_owned());
        adjust(&mut config.redirector);
    })
    .await;
    edge.link("x", "https://shop.example/").await;
    edge
}

async fn status(stream: &mut TlsStream<TcpStream>) -> u16 {
    stream.write_all(GET).await.unwrap();
    read_one(stream).await.unwrap().status
}

#[tokio::test(flavor = "multi_thread")]
async fn each_name_has_its_certificate_and_sessions_are_resumed_on_any_thread() {
    let folder = tempfile::tempdir().unwrap();
    let exact = write(folder.path(), "a", &["go.example"]);
    let wild = write(folder.path(), "b", &["*.shop.example"]);
    let edge = edge(&folder).await;
    let connector = believing(&[&exact, &wild], &[]);
    for (name, shown) in [("go.example", &exact), ("x.shop.example", &wild)] {
        let mut stream = connect(&edge, &connector, name).await.unwrap();
        assert_eq!(stream.get_ref().1.peer_certificates().unwrap()[0], *shown);
        assert_eq!(status(&mut stream).await, 302);
        assert_eq!(status(&mut stream).await, 302);
    }
    assert!(
        connect(&edge, &connector, "elsewhere.example")
            .await
            .is_err()
    );
    // Whichever thread takes it, it knows the ticket of the other.
    for _ in 0..8 {
        let mut stream = connect(&edge, &connector, "go.example").await.unwrap();
        let kind = stream.get_ref().1.handshake_kind();
        assert_eq!(kind, Some(HandshakeKind::Resumed));
        assert_eq!(status(&mut stream).await, 302);
    }
    // Plain HTTP is served beside.
    assert_eq!(edge.get("/x", &[]).await.status, 302);
    edge.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_read_again_without_dropping_a_connection() {
    let folder = tempfile::tempdir().unwrap();
    let old = write(folder.path(), "a", &["go.example"]);
    let edge = edge(&folder).await;
    let mut open = connect(&edge, &believing(&[&old], &[]), "go.example")
        .await
        .unwrap();
    assert_eq!(status(&mut open).await, 302);

    // What cannot be used changes nothing, and neither does a half of it.
    let hang_up = || kill_process(getpid(), Signal::HUP).unwrap();
    let new = write(folder.path(), "a", &["go.example"]);
    std::fs::write(folder.path().join("b.crt"), "no certificate").unwrap();
    hang_up();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert!(
        connect(&edge, &believing(&[&old], &[]), "go.example")
            .await
            .is_ok()
    );
    assert!(
        connect(&edge, &believing(&[&new], &[]), "go.example")
            .await
            .is_err()
    );

    std::fs::remove_file(folder.path().join("b.crt")).unwrap();
    hang_up();
    let start = std::time::Instant::now();
    while connect(&edge, &believing(&[&new], &[]), "go.example")
        .await
        .is_err()
    {
        assert!(start.elapsed() < support::raw::PATIENCE, "it is not shown");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(
        connect(&edge, &believing(&[&old], &[]), "go.example")
            .await
            .is_err()
    );
    assert_eq!(
        status(&mut open).await,
        302,
        "who was there does not notice"
    );
    edge.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_served_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let somewhere = Some(([127, 0, 0, 1], 0).into());
    for (listen, certificates, only, key) in [
        (
            somewhere,
            Some(folder.path().to_owned()),
            false,
            "certificates",
        ),
        (somewhere, None, false, "certificates"),
        (None, None, true, "only"),
    ] {
        let started = Edge::try_start(|config| {
            config.redirector.tls.listen = listen;
            config.redirector.tls.certificates = certificates;
            config.redirector.tls.only = only;
        });
        let error = started.await.err().expect("it is refused");
        assert!(error.contains(&format!("redirector.tls.{key}")), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn https_alone() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = write(folder.path(), "a", &["go.example"]);
    let edge = edge_with(&folder, |redirector| redirector.tls.only = true).await;
    assert_eq!(edge.address(), edge.tls());
    let connector = believing(&[&certificate], &[b"http/1.1"]);
    let mut stream = connect(&edge, &connector, "go.example").await.unwrap();
    assert_eq!(status(&mut stream).await, 302);
    edge.stop().await;
}

/// Speaks HTTP/2.
async fn http2(edge: &Edge, certificate: &CertificateDer<'static>) -> SendRequest<Full<Bytes>> {
    let connector = believing(&[certificate], &[b"h2", b"http/1.1"]);
    let stream = connect(edge, &connector, "go.example").await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (sender, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .max_header_list_size(1 << 20)
        .handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    sender
}

fn request(method: &str, path: &str) -> hyper::http::request::Builder {
    Request::builder()
        .method(method)
        .uri(format!("https://go.example{path}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_answers_as_http1_does() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = write(folder.path(), "a", &["go.example"]);
    let edge = edge(&folder).await;
    let mut sender = http2(&edge, &certificate).await;
    // More at once than a connection may have open.
    let asked: Vec<_> = (0..200)
        .map(|number| {
            let slug = if number % 2 == 0 { "/x" } else { "/y" };
            let request = request("GET", slug).body(Full::default()).unwrap();
            tokio::spawn(sender.send_request(request))
        })
        .collect();
    for (number, answer) in asked.into_iter().enumerate() {
        let expected = if number % 2 == 0 { 302 } else { 404 };
        assert_eq!(answer.await.unwrap().unwrap().status(), expected);
    }
    for (method, path, body, expected) in [
        ("HEAD", "/x", 0, 302),
        ("PUT", "/x", 0, 405),
        ("POST", "/x", 4096, 302),
        ("POST", "/x", 4097, 302),
        ("POST", "/x", 100_000, 302),
    ] {
        let form = "application/x-www-form-urlencoded";
        let body = Full::from(vec![b'a'; body]);
        let asked = request(method, path)
            .header("content-type", form)
            .body(body);
        let answer = sender.send_request(asked.unwrap()).await.unwrap();
        assert_eq!(answer.status(), expected, "{method} {path}");
        let _ = answer.into_body().collect().await;
    }
    let long = "a".repeat(20 << 10);
    let asked = request("GET", "/x")
        .header("x-long", &long)
        .body(Full::default());
    let answer = sender.send_request(asked.unwrap()).await.unwrap();
    assert_eq!(answer.status(), 431);
    drop(sender);
    let clicks = edge.stop().await;
    assert_eq!(clicks.len(), 204);
    assert!(clicks.iter().all(|click| click.domain == "go.example"));
}

#[tokio::test(flavor = "multi_thread")]
async fn draining_fails_nobody_on_http2() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = write(folder.path(), "a", &["go.example"]);
    let edge = edge(&folder).await;
    let mut sender = http2(&edge, &certificate).await;
    let asking = tokio::spawn(async move {
        let mut answered = 0;
        // A request that was not sent, since the connection is to end, may be sent on another one.
        while sender.ready().await.is_ok() {
            let asked = request("GET", "/x").body(Full::default()).unwrap();
            match sender.send_request(asked).await {
                Ok(answer) => assert_eq!(answer.status(), 302),
                Err(error) => {
                    let told = std::error::Error::source(&error).map(ToString::to_string);
                    let told = told.unwrap_or_else(|| error.to_string());
                    assert!(
                        error.is_canceled() || told.contains("NO_ERROR"),
                        "{error:?}"
                    );
                    break;
                }
            }
            answered += 1;
        }
        answered
    });
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let clicks = edge.stop().await;
    let answered = asking.await.unwrap();
    assert!(answered > 10, "{answered}");
    assert_eq!(clicks.len(), answered);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_begins_tls_too_often_is_turned_away() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = write(folder.path(), "a", &["go.example"]);
    let edge = edge_with(&folder, |redirector| {
        (
            redirector.tls.handshake_rate,
            redirector.tls.handshake_burst,
        ) = (1, 3);
    })
    .await;
    let connector = believing(&[&certificate], &[]);
    let mut let_in = 0;
    for _ in 0..30 {
        let_in += usize::from(connect(&edge, &connector, "go.example").await.is_ok());
    }
    // At one a second there is room for a slow machine.
    assert!((3..30).contains(&let_in), "{let_in}");
    assert_eq!(edge.get("/x", &[]).await.status, 302);
    edge.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_port_does_not_wait_for_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = write(folder.path(), "a", &["go.example"]);
    let edge = edge_with(&folder, |redirector| {
        redirector.threads = 1;
        redirector.max_connections = 1;
    })
    .await;
    let connector = believing(&[&certificate], &[]);
    let asking = async {
        for _ in 0..3 {
            assert_eq!(edge.get("/x", &[]).await.status, 302);
            let mut stream = connect(&edge, &connector, "go.example").await.unwrap();
            assert_eq!(status(&mut stream).await, 302);
        }
    };
    let asked = tokio::time::timeout(support::raw::PATIENCE, asking).await;
    assert!(asked.is_ok(), "a port is not served");
    edge.stop().await;
}
