//! Changing and deleting links.

use std::sync::Arc;

use tokio::task::JoinSet;
use whence_core::id::LinkId;
use whence_core::store::ChangeError;

use crate::backend::{Backend, changed, deleted, link, workspace};

on_all!(
    a_change_needs_the_revision_before_it,
    a_change_cannot_move_a_link,
    of_twenty_changes_at_once_one_wins,
    a_deleted_link_is_gone_and_its_slug_free,
    of_ten_deleters_one_is_told_so,
    changes_and_a_delete_at_once_leave_no_link,
);

async fn a_change_needs_the_revision_before_it(it: Backend) {
    let first = link(1, "summer");
    assert!(matches!(
        it.store
            .change_link(&changed(&first, "https://a.example/"))
            .await,
        Err(ChangeError::NotFound)
    ));
    it.store.create_link(&first).await.unwrap();
    let second = changed(&first, "https://a.example/");
    it.store.change_link(&second).await.unwrap();
    assert_eq!(
        it.elsewhere()
            .await
            .link_at("go.example.com", "summer")
            .await
            .unwrap(),
        Some(second.clone())
    );
    for wrong in [0, 1, 2, 4, u64::MAX] {
        let mut late = changed(&second, "https://b.example/");
        late.revision = wrong;
        let refused = it.store.change_link(&late).await;
        assert!(
            matches!(refused, Err(ChangeError::Revision { current: 2 })),
            "{wrong}: {refused:?}"
        );
    }
    assert_eq!(
        it.store.link(&first.workspace, first.id).await.unwrap(),
        Some(second)
    );
}

async fn a_change_cannot_move_a_link(it: Backend) {
    let (first, other) = (link(1, "summer"), link(2, "winter"));
    it.store.create_link(&first).await.unwrap();
    it.store.create_link(&other).await.unwrap();
    for slug in ["winter", "elsewhere"] {
        let mut moved = changed(&first, "https://a.example/");
        moved.slug = slug.parse().unwrap();
        assert!(matches!(
            it.store.change_link(&moved).await,
            Err(ChangeError::NotFound)
        ));
    }
    assert_eq!(
        it.store.link(&first.workspace, first.id).await.unwrap(),
        Some(first)
    );
    assert_eq!(
        it.store.link(&other.workspace, other.id).await.unwrap(),
        Some(other)
    );
}

async fn of_twenty_changes_at_once_one_wins(it: Backend) {
    let first = link(1, "summer");
    it.store.create_link(&first).await.unwrap();
    let (here, there) = (Arc::clone(&it.store), it.elsewhere().await);
    let mut changers = JoinSet::new();
    for n in 0..20 {
        let store = Arc::clone(if n % 2 == 0 { &here } else { &there });
        let change = changed(&first, &format!("https://example.com/change/{n}"));
        changers.spawn(async move {
            match store.change_link(&change).await {
                Ok(()) => Some(change),
                Err(ChangeError::Revision { current: 2 }) => None,
                Err(error) => panic!("{error}"),
            }
        });
    }
    let won: Vec<_> = changers.join_all().await.into_iter().flatten().collect();
    let [winner] = &won[..] else {
        panic!("{} won", won.len())
    };
    assert_eq!(
        there
            .link_at("go.example.com", "summer")
            .await
            .unwrap()
            .as_ref(),
        Some(winner)
    );
}

async fn a_deleted_link_is_gone_and_its_slug_free(it: Backend) {
    let (first, second) = (link(1, "summer"), link(2, "summer"));
    it.store.create_link(&first).await.unwrap();
    assert!(deleted(&*it.store, &first.workspace, first.id).await);
    assert!(!deleted(&*it.store, &first.workspace, first.id).await);
    assert_eq!(
        it.store.link_at("go.example.com", "summer").await.unwrap(),
        None
    );
    assert_eq!(
        it.store.link(&first.workspace, first.id).await.unwrap(),
        None
    );
    assert_eq!(
        it.store.links(&first.workspace, None, 10).await.unwrap(),
        []
    );
    assert!(matches!(
        it.store
            .change_link(&changed(&first, "https://a.example/"))
            .await,
        Err(ChangeError::NotFound)
    ));
    it.store.create_link(&second).await.unwrap();
    // The old id does not reach what stands there now.
    assert_eq!(
        it.store.link(&first.workspace, first.id).await.unwrap(),
        None
    );
    assert!(!deleted(&*it.store, &first.workspace, first.id).await);
    assert_eq!(
        it.store.link_at("go.example.com", "summer").await.unwrap(),
        Some(second)
    );
}

async fn of_ten_deleters_one_is_told_so(it: Backend) {
    it.store.create_link(&link(1, "summer")).await.unwrap();
    let (here, there) = (Arc::clone(&it.store), it.elsewhere().await);
    let mut deleters = JoinSet::new();
    for n in 0..10 {
        let store = Arc::clone(if n % 2 == 0 { &here } else { &there });
        deleters.spawn(async move { deleted(&*store, &workspace("acme"), LinkId(1)).await });
    }
    assert_eq!(
        deleters
            .join_all()
            .await
            .into_iter()
            .filter(|deleted| *deleted)
            .count(),
        1
    );
}

async fn changes_and_a_delete_at_once_leave_no_link(it: Backend) {
    let first = link(1, "summer");
    it.store.create_link(&first).await.unwrap();
    let (here, there) = (Arc::clone(&it.store), it.elsewhere().await);
    let changer = tokio::spawn(async move {
        let mut stands = first;
        loop {
            let next = changed(&stands, &format!("https://example.com/{}", stands.revision));
            match here.change_link(&next).await {
                Ok(()) if next.revision > 10_000 => panic!("the delete never takes"),
                Ok(()) => stands = next,
                Err(ChangeError::NotFound) => return stands.revision,
                Err(error) => panic!("{error}"),
            }
        }
    });
    assert!(deleted(&*there, &workspace("acme"), LinkId(1)).await);
    assert!(changer.await.unwrap() >= 1);
    assert_eq!(
        there.link_at("go.example.com", "summer").await.unwrap(),
        None
    );
}
