//! Daily salts: one for all who ask, until their time is over.

use std::time::Duration;

use tokio::task::JoinSet;
use whence_core::salt::{LIFE, SaltId, SaltKey, SealedSalt};

use crate::backend::{Backend, assert_quiet, workspace};

on_all!(
    whoever_asks_first_all_are_told_the_same,
    a_salt_is_gone_48_hours_after_its_day_began,
);

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.unwrap().as_secs()).unwrap()
}

fn salt_of(name: &str, day: i64) -> (SaltId, SealedSalt) {
    let id = SaltId {
        workspace: workspace(name),
        day,
    };
    let sealed = SaltKey::derived_from(b"test").generate(&id);
    (id, sealed)
}

async fn whoever_asks_first_all_are_told_the_same(it: Backend) {
    let today = now();
    let mut asking = JoinSet::new();
    let mut here = it.store.changes();
    for n in 0..16 {
        let store = if n % 2 == 0 {
            std::sync::Arc::clone(&it.store)
        } else {
            it.elsewhere().await
        };
        asking.spawn(async move {
            let (id, mine) = salt_of("acme", today);
            store.salt(&id, &mine).await.unwrap()
        });
    }
    let told = asking.join_all().await;
    assert!(told.iter().all(|salt| *salt == told[0]));
    assert_quiet(&mut here);
    // Each workspace and each day has its own.
    for (name, day) in [("acme", today - 86_400), ("other", today)] {
        let (id, mine) = salt_of(name, day);
        assert_eq!(it.store.salt(&id, &mine).await.unwrap(), mine);
        let (_, other) = salt_of(name, day);
        assert_eq!(it.elsewhere().await.salt(&id, &other).await.unwrap(), mine);
    }
}

async fn a_salt_is_gone_48_hours_after_its_day_began(it: Backend) {
    let start = now();
    let (ending, ends) = salt_of("acme", start - LIFE + 2);
    let (staying, stays) = salt_of("acme", start - LIFE + 600);
    assert_eq!(it.store.salt(&ending, &ends).await.unwrap(), ends);
    assert_eq!(it.store.salt(&staying, &stays).await.unwrap(), stays);
    it.store.forget_salts(start).await.unwrap();
    let (_, other) = salt_of("acme", ending.day);
    assert_eq!(
        it.store.salt(&ending, &other).await.unwrap(),
        ends,
        "before its time"
    );
    while now() < ending.over_at() + 1 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    it.store.forget_salts(now()).await.unwrap();
    assert_ne!(
        it.store.salt(&ending, &other).await.unwrap(),
        ends,
        "after its time"
    );
    assert_eq!(it.store.salt(&staying, &other).await.unwrap(), stays);
}
