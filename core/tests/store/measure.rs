//! What reading a million links costs this process. Run by hand, with optimisation:
//! `cargo nextest run --release -p whence-core --test store --run-ignored only measure --no-capture`.

use std::time::Instant;

use futures::StreamExt;
use whence_core::store::{Edit, LinkStore, open};
use whence_core::test_support::{RedisCluster, RedisServer};

use crate::backend::{link, named, raw};

/// As many as are streamed.
const LINKS: u64 = 1_000_000;

/// CPU seconds of this process so far, in its own code and in the kernel for it.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    let ticks = |field: usize| fields[field].parse::<f64>().unwrap();
    // Linux counts a hundred ticks a second for every program.
    (ticks(11) + ticks(12)) / 100.0
}

async fn stream_all(what: &str, store: &dyn LinkStore) {
    let (cpu, started) = (cpu_seconds(), Instant::now());
    let (mut parts, mut count) = (store.every_link(), 0);
    while let Some(part) = parts.next().await {
        count += part.unwrap().len() as u64;
    }
    let (cpu, took) = (cpu_seconds() - cpu, started.elapsed());
    println!("{what}: {count} links in {took:?}, {cpu:.2} s of CPU");
    assert_eq!(count, LINKS);
}

async fn edit_ten_thousand(what: &str, store: &dyn LinkStore) {
    let edits: Vec<_> = (LINKS..LINKS + 10_000)
        .map(|id| Edit::Create(named(link(id, &format!("s{id}")), &format!("x{id}"))))
        .collect();
    let started = Instant::now();
    let results = store.edit_links(&edits).await;
    println!("{what}: 10,000 edits in {:?}", started.elapsed());
    assert!(results.iter().all(Result::is_ok));
    let deletes: Vec<_> = edits
        .iter()
        .map(|edit| match edit {
            Edit::Create(link) => Edit::Delete {
                workspace: link.workspace.clone(),
                id: link.id,
                revision: Some(1),
            },
            other => other.clone(),
        })
        .collect();
    let started = Instant::now();
    let results = store.edit_links(&deletes).await;
    println!("{what}: 10,000 deletes in {:?}", started.elapsed());
    assert!(results.iter().all(Result::is_ok));
}

#[test]
#[ignore = "a measurement"]
fn reading_one_link() {
    let json = serde_json::to_vec(&link(1, "summer")).unwrap();
    println!("{}", String::from_utf8_lossy(&json));
    let started = Instant::now();
    for _ in 0..LINKS {
        let link: whence_core::link::Link = serde_json::from_slice(&json).unwrap();
        std::hint::black_box(link);
    }
    println!(
        "one link of {} bytes: {:?}",
        json.len(),
        started.elapsed() / LINKS as u32
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn a_million_links_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file:{}/links.redb", folder.path().display());
    let store = open(&url).await.unwrap();
    for part in 0..LINKS / 10_000 {
        let ids = part * 10_000..(part + 1) * 10_000;
        let edits: Vec<_> = ids
            .map(|id| Edit::Create(link(id, &format!("s{id}"))))
            .collect();
        assert!(store.edit_links(&edits).await.iter().all(Result::is_ok));
    }
    stream_all("file", &*store).await;
    edit_ten_thousand("file", &*store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn a_million_links_in_redis() {
    let server = RedisServer::start();
    let mut raw = raw(&server).await;
    for part in 0..LINKS / 250 {
        let mut sets = redis::pipe();
        for id in part * 250..(part + 1) * 250 {
            let link = link(id, &format!("s{id}"));
            sets.set(
                format!("whence:link:go.example.com/s{id}"),
                serde_json::to_vec(&link).unwrap(),
            )
            .ignore();
            sets.set(
                format!("whence:id:{}", link.id),
                format!("go.example.com/s{id}"),
            )
            .ignore();
        }
        let () = sets.query_async(&mut raw).await.unwrap();
    }
    let store = open(&server.url()).await.unwrap();
    stream_all("Redis", &*store).await;
    edit_ten_thousand("Redis", &*store).await;
    drop(server);
    let cluster = RedisCluster::start(3, 0);
    let store = open(&cluster.url()).await.unwrap();
    edit_ten_thousand("a cluster", &*store).await;
}
