//! Many at once, too many at once, and clients that go away.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Engine, PASSWORD, USER, escape};

/// A statement that would run for minutes.
const ENDLESS: &str = "SELECT max(sipHash64(number)) FROM numbers(1000000000000)";

/// Sends a request by hand and leaves the connection open.
async fn open(engine: &Engine, target: &str, headers: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(engine.address()).await.unwrap();
    let request = format!(
        "POST {target} HTTP/1.1\r\nhost: x\r\nx-clickhouse-user: {USER}\r\nx-clickhouse-key: {PASSWORD}\r\n{headers}\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

async fn wait_running(engine: &Engine, count: u32) {
    let started = Instant::now();
    while engine.ask("SELECT count() FROM system.processes").await != (count + 1).to_string() {
        assert!(started.elapsed() < Duration::from_secs(10), "never started");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn queries_run_beside_each_other() {
    let engine = Engine::start();
    let ask = async |n: u8| engine.ask(&format!("SELECT {n}, sleep(0.05)")).await;
    let answers = futures::future::join_all((0..40).map(ask)).await;
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!(*answer, format!("{n}\t0"));
    }
}

#[tokio::test]
async fn more_than_the_queue_holds_is_told_to_come_back() {
    let engine = Engine::start_with(&["--connections", "1", "--queue", "1"]);
    let (first, second, third) = tokio::join!(
        engine.run("SELECT sleep(1)"),
        engine.run("SELECT sleep(1)"),
        engine.run("SELECT sleep(1)")
    );
    let mut statuses = [first.status, second.status, third.status].map(|status| status.as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 503]);
    let refused = [first, second, third]
        .into_iter()
        .find(|answer| answer.status == 503)
        .unwrap();
    refused.is_exception(503, 202, "TOO_MANY_SIMULTANEOUS_QUERIES");
}

#[tokio::test]
async fn a_query_ends_with_its_client_before_the_first_byte() {
    let engine = Engine::start();
    let length = format!("content-length: {}\r\n", ENDLESS.len());
    let stream = open(&engine, "/", &length, ENDLESS).await;
    let create =
        "CREATE TABLE t ENGINE = Null AS SELECT sipHash64(number) AS a FROM numbers(1000000000000)";
    let other = open(
        &engine,
        "/?log_comment=mine",
        &format!("content-length: {}\r\n", create.len()),
        create,
    )
    .await;
    wait_running(&engine, 2).await;
    drop((stream, other));
    engine.wait_idle().await;
}

#[tokio::test]
async fn a_query_ends_with_its_client_while_it_streams() {
    let engine = Engine::start();
    let sql = "SELECT number FROM numbers(1000000000000)";
    let mut stream = open(
        &engine,
        "/",
        &format!("content-length: {}\r\n", sql.len()),
        sql,
    )
    .await;
    let mut some = vec![0; 100_000];
    stream.read_exact(&mut some).await.unwrap();
    wait_running(&engine, 1).await;
    drop(stream);
    engine.wait_idle().await;
}

#[tokio::test]
async fn an_insert_that_breaks_off_leaves_nothing() {
    let engine = Engine::start();
    engine
        .ask("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
        .await;
    let target = format!("/?query={}", escape("INSERT INTO t FORMAT CSV"));
    for headers in ["content-length: 1000\r\n", "transfer-encoding: chunked\r\n"] {
        let body = if headers.starts_with('t') {
            "8\r\n1\n2\n3\n4\n\r\n"
        } else {
            "1\n2\n3\n4\n"
        };
        let stream = open(&engine, &target, headers, body).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        drop(stream);
    }
    engine.wait_idle().await;
    assert_eq!(engine.ask("SELECT count() FROM t").await, "0");
}
