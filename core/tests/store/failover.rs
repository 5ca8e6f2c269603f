//! A primary dies or hangs, and its replica takes over: by Sentinels, and in a cluster.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::broadcast::Receiver;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use whence_core::link::Link;
use whence_core::store::{Change, ChangeError, CreateError, LinkStore, RedisStore};
use whence_core::test_support::{RedisCluster, RedisSentinels};

use crate::backend::{change_of, changed, link, next};

/// What a failover may take: noticing and electing are set to some two seconds, and the machine is busy.
const TAKEN_OVER: Duration = Duration::from_secs(20);
/// What a command may take at the longest while nobody answers.
const BOUND: Duration = Duration::from_millis(3500);

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !is_so().await {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(TAKEN_OVER, wait)
        .await
        .unwrap_or_else(|_| panic!("never: {what}"));
}

/// Waits for one change among others.
async fn told(changes: &mut Receiver<Change>, wanted: &Change) {
    while next(changes).await != *wanted {}
}

/// A slug's link for each of 30 slugs: in a cluster every primary has some.
async fn fill(store: &RedisStore, from: u64) -> Vec<Link> {
    let mut made = Vec::new();
    for id in from..from + 30 {
        let link = link(id, &format!("s{id}"));
        store.create_link(&link).await.unwrap();
        made.push(link);
    }
    made
}

/// Waits until all of these can be read and the lines stand, and says what it took.
async fn recovered(store: &RedisStore, links: &[Link]) -> Duration {
    let started = Instant::now();
    until("all is read again", async || {
        for link in links {
            let asked = Instant::now();
            let found = store.link_at("go.example.com", link.slug.as_str()).await;
            assert!(asked.elapsed() < BOUND, "{:?}", asked.elapsed());
            match found {
                Ok(found) => assert_eq!(found.as_ref(), Some(link)),
                Err(_) => return false,
            }
        }
        true
    })
    .await;
    until("the lines stand", async || store.hears_changes()).await;
    started.elapsed()
}

/// Edits made over one store are told to the other, on every primary.
async fn assert_edits_go_on(here: &RedisStore, there: &RedisStore, from: u64) {
    let mut changes = here.changes();
    for link in fill(there, from).await {
        told(&mut changes, &change_of(&link)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sentinel_failover_is_followed() {
    let mut sentinels = RedisSentinels::start(2, 3);
    let here = RedisStore::connect(&sentinels.url()).await.unwrap();
    let there = RedisStore::connect(&sentinels.url()).await.unwrap();
    let mut changes = here.changes();
    let made = fill(&there, 0).await;
    told(&mut changes, &change_of(&made[29])).await;
    // Replicas that have not heard of the last edits could not give them back.
    sentinels.wait_until_replicated();
    sentinels.first().kill();
    told(&mut changes, &Change::Everything).await;
    assert!(!here.hears_changes());
    let took = recovered(&here, &made).await;
    recovered(&there, &made).await;
    println!("a Sentinel failover took {took:?}");
    assert_edits_go_on(&here, &there, 100).await;

    // The old primary comes back empty and as a replica: nobody takes it for the truth.
    sentinels.first().start_again();
    sleep(Duration::from_secs(2)).await;
    recovered(&here, &made).await;
    assert_edits_go_on(&here, &there, 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_primary_is_replaced() {
    let mut cluster = RedisCluster::start(3, 1);
    let here = RedisStore::connect(&cluster.url()).await.unwrap();
    let there = RedisStore::connect(&cluster.url()).await.unwrap();
    let mut changes = here.changes();
    let made = fill(&there, 0).await;
    told(&mut changes, &change_of(&made[29])).await;
    cluster.wait_until_replicated();

    // Killed: its connections break at once.
    cluster.node(0).kill();
    told(&mut changes, &Change::Everything).await;
    assert!(!here.hears_changes());
    let took = recovered(&here, &made).await;
    recovered(&there, &made).await;
    println!("a killed primary was replaced in {took:?}");
    assert_edits_go_on(&here, &there, 100).await;

    // Hung: nothing breaks, and only asking shows it.
    let mut changes = here.changes();
    cluster.node(1).hang();
    let hung = Instant::now();
    told(&mut changes, &Change::Everything).await;
    println!("a hung primary was noticed in {:?}", hung.elapsed());
    let took = recovered(&here, &made).await;
    recovered(&there, &made).await;
    println!("a hung primary was replaced in {took:?}");
    assert_edits_go_on(&here, &there, 200).await;

    // It goes on as a replica of the one that has replaced it.
    cluster.node(1).go_on();
    sleep(Duration::from_secs(2)).await;
    recovered(&here, &made).await;
    assert_edits_go_on(&here, &there, 300).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slots_that_move_are_followed() {
    let cluster = RedisCluster::start(3, 0);
    let here = RedisStore::connect(&cluster.url()).await.unwrap();
    let made = fill(&here, 0).await;
    // One slot after the other, under edits: some are asked for while half of their keys have moved.
    let moving = tokio::task::spawn_blocking(move || {
        cluster.move_slots(0, 1, "whence:link:go.example.com/s", 30);
        cluster
    });
    let mut stands = made;
    while !moving.is_finished() {
        for link in &mut stands {
            let next = changed(link, &format!("https://a.example/{}", link.revision));
            here.change_link(&next).await.unwrap();
            *link = next;
        }
    }
    let cluster = moving.await.unwrap();
    assert!(stands[0].revision > 1);
    recovered(&here, &stands).await;
    drop(cluster);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_edit_is_lost_between_two_stores_over_a_failover() {
    let mut cluster = RedisCluster::start(3, 1);
    let stores = [
        Arc::new(RedisStore::connect(&cluster.url()).await.unwrap()),
        Arc::new(RedisStore::connect(&cluster.url()).await.unwrap()),
    ];
    stores[0].create_link(&link(1, "summer")).await.unwrap();
    let mut editors = JoinSet::new();
    for n in 0..4 {
        let store = Arc::clone(&stores[n % 2]);
        editors.spawn(async move { edit_hundred_times(&store).await });
    }
    // A primary that has none of it: its death must lose no edit, and stop none for good.
    let other = cluster.primary_without("whence:link:go.example.com/summer");
    sleep(Duration::from_millis(50)).await;
    cluster.node(other).kill();
    let counted = editors.join_all().await;
    let stands = stores[0].link_at("go.example.com", "summer").await.unwrap();
    // Each acknowledged edit raised the revision by one, and an unacknowledged one by at most one.
    let acknowledged: u64 = counted.iter().map(|count| count.0).sum();
    let unknown: u64 = counted.iter().map(|count| count.1).sum();
    let raised = stands.unwrap().revision - 1;
    assert_eq!(acknowledged, 400);
    assert!(
        (acknowledged..=acknowledged + unknown).contains(&raised),
        "{raised} of {acknowledged} and {unknown}"
    );
    // Creations meet the dead primary's slots, and go on once it is replaced.
    for id in 10..40 {
        let made = link(id, &format!("s{id}"));
        until("the link is there", async || {
            match stores[1].create_link(&made).await {
                Ok(()) | Err(CreateError::IdTaken) => true,
                Err(CreateError::SlugTaken | CreateError::ExternalIdTaken) => panic!("{id}"),
                Err(CreateError::Store(_)) => false,
            }
        })
        .await;
    }
}

/// Raises the revision a hundred times against all others. Counts what was acknowledged, and what may
/// have been done without.
async fn edit_hundred_times(store: &RedisStore) -> (u64, u64) {
    let (mut acknowledged, mut unknown) = (0, 0);
    while acknowledged < 100 {
        // Its id may be with the primary that died.
        let Ok(Some(stands)) = store.link_at("go.example.com", "summer").await else {
            continue;
        };
        let next = changed(&stands, &format!("https://a.example/{}", stands.revision));
        match store.change_link(&next).await {
            Ok(()) => acknowledged += 1,
            Err(ChangeError::Revision { .. }) => {}
            Err(ChangeError::Store(_)) => unknown += 1,
            Err(error) => panic!("{error}"),
        }
    }
    (acknowledged, unknown)
}
