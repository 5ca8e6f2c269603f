//! Clicks under a cap, and the weights that reports have learned.

use std::num::NonZeroU64;
use std::sync::Arc;

use tokio::task::JoinSet;
use whence_core::id::LinkId;
use whence_core::link::Link;
use whence_core::store::ChangeError;

use crate::backend::{Backend, assert_quiet, change_of, changed, deleted, link, next, workspace};

on_all!(
    sixteen_counters_let_a_cap_of_a_thousand_through,
    a_count_goes_with_its_link_and_is_told_to_no_cache,
    learned_weights_keep_the_revision,
);

fn cap(clicks: u64) -> NonZeroU64 {
    NonZeroU64::new(clicks).unwrap()
}

async fn sixteen_counters_let_a_cap_of_a_thousand_through(it: Backend) {
    it.store.create_link(&link(1, "summer")).await.unwrap();
    let (here, there) = (Arc::clone(&it.store), it.elsewhere().await);
    let mut counters = JoinSet::new();
    for n in 0..16 {
        let store = Arc::clone(if n % 2 == 0 { &here } else { &there });
        counters.spawn(async move {
            let mut let_through = 0_u64;
            for _ in 0..100 {
                let counted = store.count_click(LinkId(1), cap(1000)).await.unwrap();
                let_through += u64::from(counted);
            }
            let_through
        });
    }
    let let_through: u64 = counters.join_all().await.into_iter().sum();
    assert_eq!(let_through, 1000);
    assert_eq!(there.clicks_counted(LinkId(1)).await.unwrap(), 1000);
    // A higher cap lets more through, a lower one nobody.
    assert!(there.count_click(LinkId(1), cap(1001)).await.unwrap());
    assert!(!there.count_click(LinkId(1), cap(1001)).await.unwrap());
    assert!(!there.count_click(LinkId(1), cap(1)).await.unwrap());
    assert_eq!(here.clicks_counted(LinkId(1)).await.unwrap(), 1001);
}

async fn a_count_goes_with_its_link_and_is_told_to_no_cache(it: Backend) {
    let made = link(1, "summer");
    it.store.create_link(&made).await.unwrap();
    assert_eq!(it.store.clicks_counted(made.id).await.unwrap(), 0);
    let elsewhere = it.elsewhere().await;
    let mut here = it.store.changes();
    for _ in 0..3 {
        assert!(elsewhere.count_click(made.id, cap(3)).await.unwrap());
    }
    elsewhere.create_link(&link(2, "winter")).await.unwrap();
    let mut told = next(&mut here).await;
    if told == change_of(&made) {
        // Its own creation, told late.
        told = next(&mut here).await;
    }
    assert_eq!(told, change_of(&link(2, "winter")));
    assert_quiet(&mut here);
    assert!(deleted(&*elsewhere, &made.workspace, made.id).await);
    assert_eq!(it.store.clicks_counted(made.id).await.unwrap(), 0);
}

async fn learned_weights_keep_the_revision(it: Backend) {
    let (acme, made) = (workspace("acme"), link(1, "summer"));
    let missing = it
        .store
        .set_learned_weights(&acme, made.id, 1, &[1, 3])
        .await;
    assert!(matches!(missing, Err(ChangeError::NotFound)), "{missing:?}");
    it.store.create_link(&made).await.unwrap();
    let elsewhere = it.elsewhere().await;
    let mut here = it.store.changes();
    elsewhere
        .set_learned_weights(&acme, made.id, 1, &[1, 3])
        .await
        .unwrap();
    let weighed = Link {
        learned_weights: vec![1, 3],
        ..made.clone()
    };
    assert_eq!(
        it.store.link(&acme, made.id).await.unwrap(),
        Some(weighed.clone())
    );
    while next(&mut here).await != change_of(&made) {}
    // Weights for what was changed since are refused, and nobody else may set them.
    elsewhere
        .change_link(&changed(&weighed, "https://a.example/"))
        .await
        .unwrap();
    let refused = it
        .store
        .set_learned_weights(&acme, made.id, 1, &[2, 2])
        .await;
    assert!(
        matches!(refused, Err(ChangeError::Revision { current: 2 })),
        "{refused:?}"
    );
    let refused = it
        .store
        .set_learned_weights(&workspace("rival"), made.id, 2, &[2, 2])
        .await;
    assert!(matches!(refused, Err(ChangeError::NotFound)), "{refused:?}");
    let stands = it.store.link(&acme, made.id).await.unwrap().unwrap();
    assert_eq!((stands.revision, stands.learned_weights), (2, vec![1, 3]));
}
