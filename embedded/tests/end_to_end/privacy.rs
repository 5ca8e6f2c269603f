//! Who objects is followed less, all the way into ClickHouse; and no log says who anybody was or what they asked for, even
//! where everything is logged.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::time::timeout;

use crate::installation::{Installation, Plan};

/// Where visitors come from: as proxies name it, and as a peer of its own.
const VISITOR: &str = "203.0.113.77";
const PEER: [u8; 4] = [127, 0, 0, 99];
/// A peer whose connections must begin with a PROXY header.
const PROXY: [u8; 4] = [127, 0, 0, 98];
/// What stands in queries, and in nothing else.
const IN_QUERY: &str = "querymarker";
/// What stands in the queries of referrers.
const IN_REFERRER: &str = "referrermarker";

const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

/// What is stored of the clicks that were tagged with this source.
async fn stored(whence: &Installation, source: &str) -> String {
    let query = format!(
        "SELECT concat(toString(privacy), ' ', toString(visitor_id > 0), toString(toUInt8(new_visitor)), ' ',
            replaceOne(toString(address_prefix), '::ffff:', ''), ' ', referrer, ' ', query), count()
         FROM whence.clicks WHERE utm_source = '{source}' GROUP BY 1"
    );
    for _ in 0..200 {
        let rows = whence.select(&query).await;
        if let [(row, _)] = rows.as_slice() {
            return row.clone();
        }
        assert!(rows.is_empty(), "{rows:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no click of {source} was stored");
}

/// Clicks as a visitor who sends this header beside the usual ones.
async fn click(whence: &Installation, source: &str, header: (&str, &str)) {
    let path =
        format!("/hello?utm_source={source}&email=jane.{IN_QUERY}%40a.example&gclid={IN_QUERY}");
    let referrer = format!("https://from.example/page?q={IN_REFERRER}");
    let headers = [
        ("user-agent", AGENT),
        ("x-forwarded-for", VISITOR),
        ("referer", &referrer),
        header,
    ];
    let got = whence.beside_with(&path, &headers).await.unwrap();
    assert_eq!(got.status.as_u16(), 302, "{got:?}");
}

/// Sends bytes that are no request, from an address of its own, and reads what is answered until the line is closed.
async fn garbage(from: [u8; 4], to: SocketAddr, bytes: &[u8]) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((from, 0))).unwrap();
    let mut line = socket.connect(to).await.unwrap();
    // Whatever becomes of the line is an answer.
    let _ = line.write_all(bytes).await;
    let _ = line.shutdown().await;
    let mut answer = Vec::new();
    let _ = timeout(Duration::from_secs(2), line.read_to_end(&mut answer)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_objects_is_followed_less_and_no_log_says_who_anybody_was() {
    let settings = [
        ("log.filter", "trace".to_owned()),
        ("redirector.trusted_proxies", "127.0.0.0/8".to_owned()),
        ("redirector.proxy_protocol", "127.0.0.98/32".to_owned()),
    ];
    let mut whence = Installation::fleet_of(&Plan {
        redirectors: 1,
        ingests: 1,
        settings: &settings,
        engine_path: None,
    })
    .await;
    whence.make_link("hello", "https://shop.example/").await;
    let known = "utm_source=";
    let full = format!("full 11 203.0.113.0 https://from.example/page?q={IN_REFERRER} {known}");
    let cookieless = format!("cookieless 10 203.0.113.0 https://from.example/page {known}");
    for (source, header, expected) in [
        ("asked-nothing", ("dnt", "0"), &full),
        ("gpc", ("sec-gpc", "1"), &cookieless),
        ("dnt", ("dnt", "1"), &cookieless),
    ] {
        click(&whence, source, header).await;
        let row = stored(&whence, source).await;
        assert!(
            row.starts_with(&format!("{expected}{source}&")),
            "{source}: {row}"
        );
        assert_eq!(row.contains(IN_QUERY), source == "asked-nothing", "{row}");
    }
    let change = json!({"privacy": "cookieless"}).to_string();
    let got = whence
        .api("PATCH", "/api/v1/workspace", &change)
        .await
        .unwrap();
    assert_eq!(got.status.as_u16(), 200, "{got:?}");
    // An edit is everywhere within a moment.
    tokio::time::sleep(Duration::from_millis(500)).await;
    click(&whence, "lower", ("sec-gpc", "1")).await;
    let row = stored(&whence, "lower").await;
    assert_eq!(row, format!("count_only 00 ::  {known}lower&gclid=-"));

    let (redirector, ingest) = whence.for_browsers();
    let pixel = format!("/p.gif?ws=nobody&event=lead&event_id=x&url=https://a.example/?{IN_QUERY}");
    whence.ingest("GET", &pixel, "").await.unwrap();
    for body in [format!("{{\"{IN_QUERY}\":"), format!("[\"{IN_QUERY}\"]")] {
        whence.ingest("POST", "/v1/events", &body).await.unwrap();
        let _ = whence.convert(&json!({"url": body})).await;
    }
    let report = format!("/api/v1/reports/clicks?{IN_QUERY}={IN_QUERY}");
    whence.api("GET", &report, "").await.unwrap();
    for to in [redirector, ingest] {
        for request in [
            format!("GARBAGE {VISITOR} {IN_QUERY}\r\n\r\n"),
            format!(
                "GET /hello?{IN_QUERY} HTTP/1.1\r\nx-forwarded-for: {VISITOR}\r\nx y: z\r\n\r\n"
            ),
            format!(
                "PUT /hello?{IN_QUERY} HTTP/1.1\r\nhost: a\r\ncontent-length: {IN_QUERY}\r\n\r\n"
            ),
            format!(
                "GET /nothing?{IN_QUERY} HTTP/1.1\r\nhost: a.example\r\nconnection: close\r\n\r\n"
            ),
            format!("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{IN_QUERY}"),
        ] {
            garbage(PEER, to, request.as_bytes()).await;
        }
    }

    let direct = format!("GET /hello?{IN_QUERY} HTTP/1.1\r\nhost: a.example\r\n\r\n");
    garbage(PROXY, redirector, direct.as_bytes()).await;

    whence.stop().await;
    let [peer, proxy] = [PEER, PROXY].map(|peer| Ipv4Addr::from(peer).to_string());
    let edge = whence.log(whence.places_of("whence-redirector")[0]);
    assert!(edge.contains("not let in"), "{edge}");
    for name in [
        "whence-redirector",
        "whence-ingest",
        "whence-analytics",
        "clickhouse",
    ] {
        for place in whence.places_of(name) {
            let log = whence.log(place);
            assert!(!log.is_empty(), "{name} logs nothing");
            for marker in [VISITOR, &peer, &proxy, IN_QUERY, IN_REFERRER] {
                let line = log.lines().find(|line| line.contains(marker));
                assert_eq!(line, None, "{name} says {marker}");
            }
        }
    }
}
