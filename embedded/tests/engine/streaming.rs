//! Large results: bounded memory, and errors that come after the response has begun.

use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use crate::support::{Engine, PASSWORD, USER};

/// Reads a response piece by piece; gives its status, its size, its last bytes, and whether it broke.
async fn read(
    engine: &Engine,
    target: &str,
    sql: &'static str,
) -> (u16, String, usize, String, bool) {
    let request = hyper::Request::post(format!("{}{target}", engine.url()))
        .header("x-clickhouse-user", USER)
        .header("x-clickhouse-key", PASSWORD)
        .body(Full::new(bytes::Bytes::from_static(sql.as_bytes())))
        .unwrap();
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = client.request(request).await.unwrap();
    let tag = response
        .headers()
        .get("x-clickhouse-exception-tag")
        .map_or("", |tag| tag.to_str().unwrap())
        .to_owned();
    let (status, mut body) = (response.status().as_u16(), response.into_body());
    let (mut size, mut last) = (0, Vec::new());
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return (
                status,
                tag,
                size,
                String::from_utf8_lossy(&last).into_owned(),
                true,
            );
        };
        let data = frame.into_data().unwrap();
        size += data.len();
        last.extend_from_slice(&data);
        last.drain(..last.len().saturating_sub(2000));
    }
    (
        status,
        tag,
        size,
        String::from_utf8_lossy(&last).into_owned(),
        false,
    )
}

#[tokio::test]
async fn a_large_result_needs_little_memory() {
    let engine = Engine::start();
    read(
        &engine,
        "/",
        "SELECT number, toString(number) FROM numbers(1000000) FORMAT JSON",
    )
    .await;
    let before = engine.resident();
    let (status, _, size, _, broke) = read(
        &engine,
        "/",
        "SELECT number, toString(number) AS s FROM numbers(6000000) FORMAT JSON",
    )
    .await;
    assert!(
        status == 200 && !broke && size > 250 << 20,
        "{status} {size}"
    );
    let grown = engine.resident().saturating_sub(before);
    assert!(
        grown < 100,
        "{grown} MiB more for {} MiB of result",
        size >> 20
    );
}

#[tokio::test]
async fn a_large_result_that_waits_for_its_end_needs_little_memory_too() {
    let engine = Engine::start();
    read(&engine, "/", "SELECT number FROM numbers(1000000)").await;
    let before = engine.resident();
    let (status, _, size, last, _) = read(
        &engine,
        "/?wait_end_of_query=1",
        "SELECT number, toString(number) FROM numbers(8000000)",
    )
    .await;
    assert!(
        status == 200 && size > 100 << 20 && last.ends_with("7999999\t7999999\n"),
        "{status} {size}"
    );
    let grown = engine.resident().saturating_sub(before);
    assert!(
        grown < 80,
        "{grown} MiB more for {} MiB of result",
        size >> 20
    );
}

const FAILS_LATE: &str = "SELECT throwIf(number = 3000000), number FROM numbers(4000000) SETTINGS max_block_size = 10000, max_threads = 1";

#[tokio::test]
async fn an_error_half_way_is_told_in_the_body_and_breaks_the_connection() {
    let engine = Engine::start();
    let (status, tag, _, last, broke) = read(&engine, "/", FAILS_LATE).await;
    assert!(status == 200 && broke && tag.len() == 16, "{status} {tag}");
    let end = format!(" {tag}\r\n__exception__\r\n");
    assert!(last.ends_with(&end), "{last}");
    let block = &last[last.find("\r\n__exception__\r\n").unwrap()..];
    let message = block
        .strip_prefix(&format!("\r\n__exception__\r\n{tag}\r\n"))
        .unwrap()
        .strip_suffix(&end)
        .unwrap();
    let (message, length) = message.rsplit_once('\n').unwrap();
    assert_eq!(length.parse::<usize>().unwrap(), message.len() + 1);
    assert!(
        message.starts_with("Code: 395. DB::Exception: "),
        "{message}"
    );
}

#[tokio::test]
async fn an_error_half_way_has_its_status_when_the_end_was_waited_for() {
    let engine = Engine::start();
    for target in ["/?wait_end_of_query=1", "/?buffer_size=64000000"] {
        let (status, _, _, last, broke) = read(&engine, target, FAILS_LATE).await;
        assert!(
            status == 500 && !broke && last.starts_with("Code: 395."),
            "{target}: {status} {last}"
        );
    }
}
