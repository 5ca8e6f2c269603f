//! `whence audit` as whoever runs Whence calls it: what it prints, and the exit code that a script goes by.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says as much as one that expects"
)]

use std::process::{Command, Output};

use clickhouse::Client;
use serde_json::{Value, json};
use whence_core::config;
use whence_core::test_support::Engine;

fn audit(config: &config::ClickHouse, args: &[&str]) -> Output {
    let empty = tempfile::tempdir().unwrap();
    Command::new(env!("CARGO_BIN_EXE_whence"))
        .arg("audit")
        .args(["--set", &format!("clickhouse.url={}", config.url)])
        .args(args)
        .env("WHENCE_CLICKHOUSE__PASSWORD", config.password.expose())
        // Not where somebody keeps a configuration or secrets.
        .current_dir(empty.path())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

async fn run(client: &Client, statement: &str) {
    let done = client.query(statement).execute().await;
    done.unwrap_or_else(|error| panic!("{error}: {statement}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_code_says_whether_everything_is_there() {
    let mut engine = Engine::migrated().await;
    let (client, config) = (engine.client(), engine.config());
    let clicks = "INSERT INTO clicks (workspace, time, lane, seq, outcome, method, verdict)
        SELECT 'acme', '2026-11-01 00:00:00', 255, number + 1, 'redirected', 'GET', 'human' FROM numbers(20)";
    run(&client, clicks).await;
    let account = "INSERT INTO lanes SELECT 255, 'redirector', 'edge-1', '0', 22, 20, now64(3)";
    run(&client, account).await;

    let clean = audit(&config, &[]);
    assert_eq!(clean.status.code(), Some(0), "{clean:?}");
    let told = text(&clean.stdout);
    assert!(told.contains("20 stored, 2 waiting, 0 missing"), "{told}");
    assert!(told.contains("00000000000000ff"), "it waits: {told}");

    let delete = "ALTER TABLE clicks DELETE WHERE seq = 7 SETTINGS mutations_sync = 1";
    run(&client, delete).await;
    let found = audit(&config, &[]);
    assert_eq!(found.status.code(), Some(1), "{found:?}");
    let told = text(&found.stdout);
    assert!(told.contains("missing 7: unknown"), "{told}");
    assert!(told.contains("NOT CLEAN"), "{told}");

    let found = audit(&config, &["--json", "--lane", "00000000000000ff"]);
    assert_eq!(found.status.code(), Some(1), "{found:?}");
    let told: Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!(told["clean"], json!(false));
    let missing = &told["clicks"]["lanes"][0]["missing"];
    let ranges = json!([{"first": 7, "last": 7, "reason": "unknown", "detail": ""}]);
    assert_eq!(missing["ranges"], ranges);

    // Another lane misses nothing.
    let other = audit(&config, &["--lane", "0000000000000001"]);
    assert_eq!(other.status.code(), Some(0), "{other:?}");
    // Not asked at all is not clean.
    let unreadable = audit(&config, &["--lane", "1"]);
    assert_eq!(unreadable.status.code(), Some(2), "{unreadable:?}");
    let misconfigured = audit(&config, &["--set", "clickhouse.nonsense=1"]);
    assert_eq!(misconfigured.status.code(), Some(64), "{misconfigured:?}");
    engine.kill();
    let away = audit(&config, &[]);
    assert_eq!(away.status.code(), Some(70), "{away:?}");
    assert!(text(&away.stderr).contains("the audit was not made"));
    assert!(away.stdout.is_empty());
}
