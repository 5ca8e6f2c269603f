//! The process: how it ends, and what it says when it cannot start.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Engine, PROGRAM, command, ready, signal};

#[tokio::test]
async fn a_running_query_ends_before_the_process_does() {
    let engine = Engine::start();
    let client = engine.client();
    let query = tokio::spawn(async move {
        client
            .query("SELECT sleep(1.5) + 42")
            .fetch_one::<u16>()
            .await
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (status, took) = tokio::task::spawn_blocking(move || engine.terminate())
        .await
        .unwrap();
    assert!(
        status.success() && took < Duration::from_secs(8),
        "{status} after {took:?}"
    );
    assert_eq!(query.await.unwrap().unwrap(), 42);
}

#[tokio::test]
async fn a_query_that_does_not_end_is_stopped_at_the_deadline() {
    let engine = Engine::start_with(&["--drain-seconds", "1"]);
    let client = engine.client();
    let query = tokio::spawn(async move {
        client
            .query("SELECT max(sipHash64(number)) FROM numbers(1000000000000)")
            .fetch_one::<u64>()
            .await
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (status, took) = tokio::task::spawn_blocking(move || engine.terminate())
        .await
        .unwrap();
    assert!(
        status.success() && took < Duration::from_secs(6),
        "{status} after {took:?}"
    );
    let error = query.await.unwrap().unwrap_err().to_string();
    assert!(error.contains("QUERY_WAS_CANCELLED"), "{error}");
}

#[test]
fn a_child_ends_with_its_parent_and_leaves_the_directory_free() {
    let directory = tempfile::tempdir().unwrap();
    let arguments = [
        "--path",
        directory.path().to_str().unwrap(),
        "--listen",
        "127.0.0.1:0",
        "--exit-with-parent",
    ];
    // The parent holds the other end of standard input, and is killed.
    let mut parent = Command::new("sleep")
        .arg("600")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut child = command(&arguments)
        .stdin(parent.stdout.take().unwrap())
        .spawn()
        .unwrap();
    ready(&mut child);
    assert!(child.try_wait().unwrap().is_none());
    // A second one waits for the first instead of working beside it, and takes over when it is gone.
    let mut second = command(&arguments[..4]).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(1));
    assert!(second.try_wait().unwrap().is_none());
    let since = Instant::now();
    signal(parent.id(), "KILL");
    parent.wait().unwrap();
    assert!(child.wait().unwrap().success());
    assert!(
        since.elapsed() < Duration::from_secs(5),
        "{:?}",
        since.elapsed()
    );
    ready(&mut second);
    signal(second.id(), "TERM");
    assert!(second.wait().unwrap().success());
}

#[test]
fn what_is_wrong_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let no_library = directory.path().join("libchdb.so");
    std::fs::write(&no_library, "not a library").unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    for (arguments, named) in [
        (
            vec!["--path", path, "--library", "/nowhere/libchdb.so"],
            "/nowhere/libchdb.so",
        ),
        (
            vec![
                "--path",
                path,
                "--listen",
                "127.0.0.1:0",
                "--library",
                no_library.to_str().unwrap(),
            ],
            "cannot load ClickHouse's engine",
        ),
        (vec!["--path", path, "--listen", &taken], taken.as_str()),
        (
            vec!["--path", file.to_str().unwrap()],
            "cannot use the data directory",
        ),
        (vec!["--path", path, "--connections", "0"], "--connections"),
        (vec!["--path", path, "--password", "x"], "--password"),
    ] {
        let output = Command::new(PROGRAM)
            .arg("clickhouse")
            .args(&arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && text.contains(named),
            "{arguments:?}: {text}"
        );
    }
}
