//! What browsers need: an image that is always one, and answers that a page on another site may read.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use whence_core::test_support::Engine;

use crate::support::{Collector, number, wait_for};

const GIF_BYTES: usize = 43;

/// Asks for the pixel over a bare connection, since an image is no text: status, error, body.
pub(crate) async fn pixel(
    collector: &Collector,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> (u16, String, Vec<u8>) {
    let mut stream = TcpStream::connect(collector.address).await.unwrap();
    let mut request = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n");
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    stream
        .write_all((request + "\r\n").as_bytes())
        .await
        .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let header = |name: &str| {
        let lines = head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "));
        let found: Vec<&str> = lines
            .filter(|(found, _)| *found == name)
            .map(|(_, value)| value)
            .collect();
        assert!(found.len() < 2, "{name} twice in {head}");
        found
            .first()
            .map(|value| (*value).to_owned())
            .unwrap_or_default()
    };
    assert_eq!(header("content-type"), "image/gif", "{head}");
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("content-length"), GIF_BYTES.to_string());
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, header("whence-error"), answer[end + 4..].to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pixel_is_an_image_whatever_is_asked() {
    let engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    let long = format!("/p.gif?ws=acme&event=lead&event_id={}", "x".repeat(129));
    let table = [
        ("/p.gif?ws=acme&event=lead&event_id=1", 200, ""),
        ("/p.gif", 400, "ws: is required"),
        (
            "/p.gif?ws=nobody&event=lead&event_id=1",
            400,
            "ws: is not a known workspace",
        ),
        ("/p.gif?ws=acme&event=lead", 400, "event_id: is required"),
        (
            "/p.gif?ws=acme&event=view&event_id=2",
            400,
            "event: must be lead or sale",
        ),
        (
            "/p.gif?ws=acme&event=refund&event_id=2&reference=1&amount=1&currency=EUR",
            400,
            "event: must be lead or sale: only a server may take a sale back",
        ),
        (
            "/p.gif?ws=acme&event=lead&event_id=2&wcid=0000000000000000000001",
            400,
            "wcid: was not issued here (its signature does not match)",
        ),
        (
            "/p.gif?ws=acme&event=sale&event_id=2&amount=-1&currency=EUR",
            400,
            "amount: must not be negative",
        ),
        (long.as_str(), 400, "event_id: must be at most 128 bytes"),
        // What a sender writes comes back, but never as a header of its own.
        (
            "/p.gif?ws=acme&event=lead&event_id=2&a%0d%0aset-cookie:%20b=1",
            400,
            "a??set-cookie: b: is not a known field",
        ),
        (
            "/p.gif?%ff%00&ws=acme&event=lead&event_id=2",
            400,
            "??: is not a known field",
        ),
        (
            "/p.gif?ws=acme&event=sale&event_id=1",
            409,
            "event_id: was accepted before with other facts",
        ),
    ];
    for (path, status, error) in table {
        let (found, told, body) = pixel(&collector, "GET", path, &[]).await;
        assert_eq!((found, told.as_str()), (status, error), "{path}");
        assert!(
            body.len() == GIF_BYTES && body.starts_with(b"GIF89a"),
            "{path}"
        );
    }
    // A HEAD is an image without its body, and no conversion.
    let (status, error, body) = pixel(
        &collector,
        "HEAD",
        "/p.gif?ws=acme&event=lead&event_id=3",
        &[],
    )
    .await;
    assert_eq!((status, error.as_str(), body.len()), (200, "", 0));
    let client = engine.client();
    wait_for(&client, "SELECT count() FROM conversions", 1).await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(number(&client, "SELECT count() FROM conversions").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_may_send_and_read() {
    let engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    let shop = "https://shop.example";
    let asked = [
        ("origin", shop),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type"),
    ];
    let got = collector.ask("OPTIONS", "/v1/events", &asked, "").await;
    assert_eq!(got.status, 204, "{got:?}");
    assert_eq!(got.header("access-control-allow-origin"), shop);
    assert_eq!(got.header("access-control-allow-methods"), "POST");
    assert_eq!(got.header("access-control-allow-headers"), "content-type");
    assert_eq!(got.header("access-control-allow-credentials"), "true");
    assert_eq!(got.header("vary"), "Origin");

    let good = r#"{"ws":"acme","event_id":"1","kind":"lead"}"#;
    let table = [
        ("application/json", good, 200),
        ("text/plain", good, 200),
        ("text/plain", "{}", 422),
        ("text/html", good, 415),
    ];
    for (media_type, body, status) in table {
        let headers = [("origin", shop), ("content-type", media_type)];
        let got = collector.ask("POST", "/v1/events", &headers, body).await;
        assert_eq!(got.status, status, "{got:?}");
        assert_eq!(
            got.header("access-control-allow-origin"),
            shop,
            "a page may read errors too"
        );
        assert_eq!(
            got.header("access-control-expose-headers"),
            "Idempotent-Replayed, Retry-After"
        );
    }
    // Only the beacon is for pages.
    let key = format!("Bearer {}", collector.key.expose());
    let headers = [("origin", shop), ("authorization", key.as_str())];
    let got = collector
        .ask(
            "POST",
            "/v1/conversions",
            &headers,
            r#"{"event_id":"2","kind":"lead"}"#,
        )
        .await;
    assert_eq!(
        (
            got.status.as_u16(),
            got.header("access-control-allow-origin")
        ),
        (200, "")
    );
}

/// Whatever is behind the collector hangs or is away: a page has its image soon, and nothing is lost.
#[tokio::test(flavor = "multi_thread")]
async fn the_pixel_does_not_wait_for_what_is_behind_it() {
    let engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    engine.pause();
    for number in 0..5 {
        let started = std::time::Instant::now();
        let path = format!("/p.gif?ws=acme&event=lead&event_id=hung-{number}");
        let (status, error, body) = pixel(&collector, "GET", &path, &[]).await;
        assert!(matches!(status, 200 | 202), "{status} {error}");
        assert_eq!(body.len(), GIF_BYTES);
        let took = started.elapsed();
        assert!(took < std::time::Duration::from_secs(2), "{took:?}");
    }
    engine.resume();
    let stored = "SELECT uniqExact(event_id) FROM conversions WHERE event_id LIKE 'hung-%'";
    wait_for(&engine.client(), stored, 5).await;
}
