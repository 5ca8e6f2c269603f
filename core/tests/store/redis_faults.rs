//! Redis dies, hangs, forgets its clients, and comes back.

use std::time::{Duration, Instant};

use redis::cmd;
use tokio::sync::broadcast::Receiver;
use tokio::time::{sleep, timeout};
use whence_core::store::{
    Change, ChangeError, CreateError, Edit, EditError, LinkStore, RedisStore, StoreError,
};
use whence_core::test_support::RedisServer;

use crate::backend::{assert_quiet, change_of, link, next, raw};

/// What an error may take at the longest.
const BOUND: Duration = Duration::from_millis(3500);

async fn start() -> (RedisServer, RedisStore, Receiver<Change>) {
    let server = RedisServer::start();
    let store = RedisStore::connect(&server.url()).await.unwrap();
    let changes = store.changes();
    (server, store, changes)
}

/// Asks, and expects to be told in time that nobody answers.
async fn assert_unavailable(store: &RedisStore, within: Duration) {
    let asked = Instant::now();
    let error = store.link_at("go.example.com", "summer").await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(asked.elapsed() < within, "{:?}", asked.elapsed());
}

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !is_so().await {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(10), wait)
        .await
        .unwrap_or_else(|_| panic!("never: {what}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_is_missed_at_once_and_found_again() {
    let (mut server, store, mut changes) = start().await;
    store.create_link(&link(1, "summer")).await.unwrap();
    next(&mut changes).await;

    server.kill();
    assert_eq!(next(&mut changes).await, Change::Everything);
    assert!(!store.hears_changes());
    // Nothing listens on the port, which shows at once, every time.
    for _ in 0..20 {
        assert_unavailable(&store, Duration::from_secs(1)).await;
    }
    assert!(store.create_link(&link(2, "winter")).await.is_err());
    assert!(store.ping().await.is_err());
    assert_quiet(&mut changes);

    server.start_again();
    // The first command finds it again, a read or a write; no earlier failure is repeated.
    store.create_link(&link(3, "autumn")).await.unwrap();
    assert_eq!(
        store.link_at("go.example.com", "summer").await.unwrap(),
        None
    );
    assert_eq!(next(&mut changes).await, Change::Everything);
    until("the line stands", async || store.hears_changes()).await;
    store.create_link(&link(4, "spring")).await.unwrap();
    while next(&mut changes).await != change_of(&link(4, "spring")) {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_restarted_unnoticed_is_found_by_the_first_read() {
    let (mut server, store, _) = start().await;
    store.ping().await.unwrap();
    server.start_again();
    assert_eq!(
        store.link_at("go.example.com", "summer").await.unwrap(),
        None
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hung_server_is_given_up_and_found_again() {
    let (server, store, mut changes) = start().await;
    store.create_link(&link(1, "summer")).await.unwrap();
    next(&mut changes).await;

    server.hang();
    assert_unavailable(&store, BOUND).await;
    // Nothing is closed, so that only asking the line shows that it is dead.
    assert_eq!(next(&mut changes).await, Change::Everything);
    assert!(!store.hears_changes());
    assert_unavailable(&store, BOUND).await;

    server.go_on();
    until("it answers", async || {
        store.link_at("go.example.com", "summer").await.is_ok()
    })
    .await;
    assert_eq!(next(&mut changes).await, Change::Everything);
    until("the line stands", async || store.hears_changes()).await;
    assert_eq!(
        store.link_at("go.example.com", "summer").await.unwrap(),
        Some(link(1, "summer"))
    );
    store.create_link(&link(2, "winter")).await.unwrap();
    while next(&mut changes).await != change_of(&link(2, "winter")) {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hung_server_is_given_up_once_for_all_edits_of_a_call() {
    let (server, store, _) = start().await;
    server.hang();
    let link = |id| link(id, &format!("s{id}"));
    let creates = (0..2000).map(|id| Edit::Create(link(id)));
    let changes = (0..2000).map(|id| Edit::Change(link(id)));
    let asked = Instant::now();
    let results = store
        .edit_links(&creates.chain(changes).collect::<Vec<_>>())
        .await;
    // One after the other, 64 at once, they would take a minute.
    assert!(asked.elapsed() < 4 * BOUND, "{:?}", asked.elapsed());
    assert_eq!(results.len(), 4000);
    for result in results {
        assert!(
            matches!(
                result,
                Err(
                    EditError::Create(CreateError::Store(StoreError::Unavailable(_)))
                        | EditError::Change(ChangeError::Store(StoreError::Unavailable(_)))
                )
            ),
            "{result:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_closed_by_the_server_are_made_again() {
    let (server, store, mut changes) = start().await;
    let mut raw = raw(&server).await;
    for id in 0..5 {
        let closed: u64 = cmd("CLIENT")
            .arg(&["KILL", "TYPE", "normal", "SKIPME", "yes"])
            .query_async(&mut raw)
            .await
            .unwrap();
        assert!(closed >= 2, "{closed} closed");
        // Once when it breaks, and once for what was missed until it stood again.
        assert_eq!(next(&mut changes).await, Change::Everything);
        assert_eq!(next(&mut changes).await, Change::Everything);
        // A read finds the broken connection and is asked again; a write would be an error, since
        // nobody knows whether it was done.
        store.ping().await.unwrap();
        let made = link(id, &format!("s{id}"));
        store.create_link(&made).await.unwrap();
        assert_eq!(next(&mut changes).await, change_of(&made));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_there_is_an_error_and_no_wait() {
    let mut server = RedisServer::start();
    server.kill();
    let asked = Instant::now();
    let error = RedisStore::connect(&server.url()).await.unwrap_err();
    assert!(asked.elapsed() < BOUND, "{:?}", asked.elapsed());
    assert!(
        error.to_string().contains(&server.port().to_string()),
        "{error}"
    );

    let server = RedisServer::start();
    server.hang();
    let asked = Instant::now();
    assert!(matches!(
        RedisStore::connect(&server.url()).await,
        Err(StoreError::Unavailable(_))
    ));
    assert!(asked.elapsed() < BOUND, "{:?}", asked.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_store_leaves_no_connection() {
    let (server, store, _) = start().await;
    let mut raw = raw(&server).await;
    drop(store);
    until("only this test is connected", async || {
        let clients: String = cmd("CLIENT")
            .arg("LIST")
            .query_async(&mut raw)
            .await
            .unwrap();
        clients.lines().count() == 1
    })
    .await;
}
