//! External ids: one link of a workspace for each, and free again when it goes.

use std::sync::Arc;

use tokio::task::JoinSet;
use whence_core::link::Link;
use whence_core::store::{ChangeError, CreateError, LinkStore};

use crate::backend::{Backend, changed, deleted, link, named, workspace};

on_all!(
    a_link_is_found_by_its_external_id,
    an_external_id_is_taken_once_in_a_workspace,
    a_change_moves_an_external_id,
    of_twenty_creators_with_one_external_id_one_wins,
    of_links_that_change_to_one_external_id_one_wins,
    an_external_id_that_goes_to_and_fro_is_never_lost,
);

async fn found(store: &dyn LinkStore, external_id: &str) -> Option<u64> {
    let external_id = external_id.parse().unwrap();
    let link = store
        .link_by_external_id(&workspace("acme"), &external_id)
        .await;
    link.unwrap().map(|link| link.id.0)
}

/// The link one change later, with another external id or none.
fn renamed(link: &Link, external_id: Option<&str>) -> Link {
    let mut changed = changed(link, link.spec.destination.as_str());
    changed.spec.external_id = external_id.map(|id| id.parse().unwrap());
    changed
}

async fn a_link_is_found_by_its_external_id(it: Backend) {
    let made = named(link(1, "summer"), "Auftrag {7}: 50 %");
    it.store.create_link(&made).await.unwrap();
    let elsewhere = it.elsewhere().await;
    let external_id = made.spec.external_id.clone().unwrap();
    assert_eq!(
        elsewhere
            .link_by_external_id(&made.workspace, &external_id)
            .await
            .unwrap(),
        Some(made.clone())
    );
    assert_eq!(found(&*elsewhere, "auftrag {7}: 50 %").await, None);
    assert_eq!(
        elsewhere
            .link_by_external_id(&workspace("rival"), &external_id)
            .await
            .unwrap(),
        None
    );
}

async fn an_external_id_is_taken_once_in_a_workspace(it: Backend) {
    let first = named(link(1, "summer"), "42");
    it.store.create_link(&first).await.unwrap();
    let elsewhere = it.elsewhere().await;
    let second = named(link(2, "winter"), "42");
    let refused = elsewhere.create_link(&second).await;
    assert!(
        matches!(refused, Err(CreateError::ExternalIdTaken)),
        "{refused:?}"
    );
    // The refused one leaves nothing, and another workspace has ids of its own.
    assert_eq!(
        it.store.links(&first.workspace, None, 10).await.unwrap(),
        std::slice::from_ref(&first)
    );
    let rival = Link {
        workspace: workspace("rival"),
        ..second
    };
    elsewhere.create_link(&rival).await.unwrap();
    // A refused slug leaves the external id free.
    let third = named(link(3, "summer"), "43");
    let refused = elsewhere.create_link(&third).await;
    assert!(
        matches!(refused, Err(CreateError::SlugTaken)),
        "{refused:?}"
    );
    elsewhere
        .create_link(&named(link(4, "autumn"), "43"))
        .await
        .unwrap();
    // Gone with its link, and free.
    assert!(deleted(&*it.store, &first.workspace, first.id).await);
    assert_eq!(found(&*elsewhere, "42").await, None);
    elsewhere
        .create_link(&named(link(5, "spring"), "42"))
        .await
        .unwrap();
    assert_eq!(found(&*it.store, "42").await, Some(5));
}

async fn a_change_moves_an_external_id(it: Backend) {
    let (first, other) = (named(link(1, "summer"), "a"), named(link(2, "winter"), "b"));
    it.store.create_link(&first).await.unwrap();
    it.store.create_link(&other).await.unwrap();
    let elsewhere = it.elsewhere().await;
    let refused = elsewhere.change_link(&renamed(&first, Some("b"))).await;
    assert!(
        matches!(refused, Err(ChangeError::ExternalIdTaken)),
        "{refused:?}"
    );
    assert_eq!(found(&*it.store, "a").await, Some(1));
    let second = renamed(&first, Some("c"));
    elsewhere.change_link(&second).await.unwrap();
    assert_eq!(found(&*it.store, "a").await, None);
    assert_eq!(found(&*it.store, "c").await, Some(1));
    // A change that is refused for its revision moves nothing.
    let refused = elsewhere.change_link(&renamed(&first, Some("d"))).await;
    assert!(
        matches!(refused, Err(ChangeError::Revision { current: 2 })),
        "{refused:?}"
    );
    elsewhere
        .create_link(&named(link(3, "autumn"), "d"))
        .await
        .unwrap();
    // Back to one that it had, and then to none.
    let third = renamed(&second, Some("a"));
    elsewhere.change_link(&third).await.unwrap();
    assert_eq!(found(&*it.store, "a").await, Some(1));
    elsewhere.change_link(&renamed(&third, None)).await.unwrap();
    assert_eq!(found(&*it.store, "a").await, None);
    it.store
        .create_link(&named(link(4, "spring"), "a"))
        .await
        .unwrap();
    assert_eq!(found(&*it.store, "b").await, Some(2));
}

async fn of_twenty_creators_with_one_external_id_one_wins(it: Backend) {
    let (here, there) = (Arc::clone(&it.store), it.elsewhere().await);
    let mut creators = JoinSet::new();
    for id in 0..20 {
        let store = Arc::clone(if id % 2 == 0 { &here } else { &there });
        creators.spawn(async move {
            let made = named(link(id, &format!("s{id}")), "wanted");
            match store.create_link(&made).await {
                Ok(()) => Some(id),
                Err(CreateError::ExternalIdTaken) => None,
                Err(error) => panic!("{error}"),
            }
        });
    }
    let won: Vec<u64> = creators.join_all().await.into_iter().flatten().collect();
    let [winner] = won[..] else {
        panic!("{} won", won.len())
    };
    assert_eq!(found(&*there, "wanted").await, Some(winner));
    let all = there.links(&workspace("acme"), None, 100).await.unwrap();
    assert_eq!(all.len(), 1);
}

async fn of_links_that_change_to_one_external_id_one_wins(it: Backend) {
    let (here, there) = (Arc::clone(&it.store), it.elsewhere().await);
    let mut changers = JoinSet::new();
    for id in 0..20 {
        let made = link(id, &format!("s{id}"));
        here.create_link(&made).await.unwrap();
        let store = Arc::clone(if id % 2 == 0 { &here } else { &there });
        changers.spawn(async move {
            match store.change_link(&renamed(&made, Some("wanted"))).await {
                Ok(()) => Some(id),
                Err(ChangeError::ExternalIdTaken) => None,
                Err(error) => panic!("{error}"),
            }
        });
    }
    let won: Vec<u64> = changers.join_all().await.into_iter().flatten().collect();
    let [winner] = won[..] else {
        panic!("{} won", won.len())
    };
    assert_eq!(found(&*there, "wanted").await, Some(winner));
}

async fn an_external_id_that_goes_to_and_fro_is_never_lost(it: Backend) {
    let (here, there) = (Arc::clone(&it.store), it.elsewhere().await);
    here.create_link(&named(link(1, "summer"), "a"))
        .await
        .unwrap();
    let mut changers = JoinSet::new();
    for n in 0..4 {
        let store = Arc::clone(if n % 2 == 0 { &here } else { &there });
        changers.spawn(async move {
            let mut done = 0;
            while done < 10 {
                let stands = store.link_at("go.example.com", "summer").await;
                let stands = stands.unwrap().unwrap();
                let to = if (n + done) % 2 == 0 { "a" } else { "b" };
                match store.change_link(&renamed(&stands, Some(to))).await {
                    Ok(()) => done += 1,
                    Err(ChangeError::Revision { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        });
    }
    changers.join_all().await;
    let stands = there.link_at("go.example.com", "summer").await.unwrap();
    let stands = stands.unwrap();
    // Every change is there, and the link has one external id, by which it is found.
    assert_eq!(stands.revision, 41);
    let has = stands.spec.external_id.unwrap();
    let other = if has.as_str() == "a" { "b" } else { "a" };
    assert_eq!(found(&*there, has.as_str()).await, Some(1));
    assert_eq!(found(&*there, other).await, None);
    there
        .create_link(&named(link(2, "winter"), other))
        .await
        .unwrap();
}
