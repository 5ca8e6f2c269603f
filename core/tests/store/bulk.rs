//! Many edits in one call, and all links in one stream.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures::StreamExt;
use whence_core::id::LinkId;
use whence_core::link::Link;
use whence_core::store::{ChangeError, CreateError, Edit, EditError, LinkStore, StoreError};

use crate::backend::{Backend, changed, link, named, workspace};

on_all!(
    each_edit_has_its_own_result_in_order,
    later_edits_see_what_earlier_ones_did,
    thousands_of_edits_take_seconds,
    every_link_is_streamed,
    a_damaged_link_does_not_end_the_stream,
);

/// Enough to tell edits that run side by side from those that wait for each other.
const EDITS: u64 = 2_000;
/// What they may take, on a busy machine and without optimisation.
const SECONDS: Duration = Duration::from_secs(20);

fn delete(id: u64, revision: Option<u64>) -> Edit {
    Edit::Delete {
        workspace: workspace("acme"),
        id: LinkId(id),
        revision,
    }
}

async fn each_edit_has_its_own_result_in_order(it: Backend) {
    it.store.create_link(&link(1, "summer")).await.unwrap();
    it.store
        .create_link(&named(link(2, "winter"), "two"))
        .await
        .unwrap();
    let results = it
        .store
        .edit_links(&[
            Edit::Create(link(3, "summer")),
            Edit::Create(link(1, "spring")),
            Edit::Create(named(link(4, "autumn"), "two")),
            Edit::Create(link(5, "autumn")),
            Edit::Change(changed(&link(1, "summer"), "https://a.example/")),
            Edit::Change(changed(&link(9, "nowhere"), "https://a.example/")),
            delete(2, Some(7)),
            delete(8, None),
            delete(2, Some(1)),
        ])
        .await;
    assert!(
        matches!(
            results[..],
            [
                Err(EditError::Create(CreateError::SlugTaken)),
                Err(EditError::Create(CreateError::IdTaken)),
                Err(EditError::Create(CreateError::ExternalIdTaken)),
                Ok(()),
                Ok(()),
                Err(EditError::Change(ChangeError::NotFound)),
                Err(EditError::Change(ChangeError::Revision { current: 1 })),
                Err(EditError::Change(ChangeError::NotFound)),
                Ok(()),
            ]
        ),
        "{results:?}"
    );
    let all = it.elsewhere().await;
    let all = all.links(&workspace("acme"), None, 10).await.unwrap();
    assert_eq!(
        all,
        [
            link(5, "autumn"),
            changed(&link(1, "summer"), "https://a.example/")
        ]
    );
    assert!(it.store.edit_links(&[]).await.is_empty());
}

async fn later_edits_see_what_earlier_ones_did(it: Backend) {
    it.store
        .create_link(&named(link(1, "summer"), "one"))
        .await
        .unwrap();
    let first = link(2, "winter");
    let second = changed(&first, "https://a.example/2");
    let third = changed(&second, "https://a.example/3");
    // Nothing in the second edit names what the first one frees.
    let mut edits = vec![
        delete(1, None),
        Edit::Create(named(link(3, "spring"), "one")),
        Edit::Create(link(4, "summer")),
        Edit::Create(first),
        Edit::Change(second),
        Edit::Change(third.clone()),
    ];
    // One slug changes hands a hundred times.
    for id in 10..110 {
        edits.push(Edit::Create(link(id, "hot")));
        edits.push(delete(id, Some(1)));
    }
    edits.push(Edit::Create(link(200, "hot")));
    for (n, result) in it.store.edit_links(&edits).await.iter().enumerate() {
        assert!(result.is_ok(), "{n}: {result:?}");
    }
    let at = async |slug: &str| it.store.link_at("go.example.com", slug).await.unwrap();
    assert_eq!(at("winter").await, Some(third));
    assert_eq!(at("summer").await, Some(link(4, "summer")));
    assert_eq!(at("hot").await, Some(link(200, "hot")));
}

async fn thousands_of_edits_take_seconds(it: Backend) {
    let made = |id: u64| named(link(id, &format!("s{id}")), &format!("x{id}"));
    let creates: Vec<_> = (0..EDITS).map(|id| Edit::Create(made(id))).collect();
    let started = Instant::now();
    let results = it.store.edit_links(&creates).await;
    assert!(results.iter().all(Result::is_ok));
    let took_creates = started.elapsed();
    // Each deleted and made anew in its turn: as many groups of two.
    let turns: Vec<_> = (0..EDITS / 2)
        .flat_map(|id| {
            let again = Link {
                id: LinkId(id + 2 * EDITS),
                ..made(id)
            };
            [delete(id, Some(1)), Edit::Create(again)]
        })
        .collect();
    let results = it.store.edit_links(&turns).await;
    assert!(results.iter().all(Result::is_ok));
    let took = started.elapsed();
    println!(
        "{EDITS} creates: {took_creates:?}, then as many deletes and creates in turn: {took:?}"
    );
    assert!(took < SECONDS, "{took:?}");
    let all = it.store.links(&workspace("acme"), None, 20_000).await;
    assert_eq!(all.unwrap().len() as u64, EDITS);
}

async fn collect(store: &dyn LinkStore) -> (Vec<Link>, Vec<StoreError>) {
    let (mut links, mut errors) = (Vec::new(), Vec::new());
    let mut parts = store.every_link();
    while let Some(part) = parts.next().await {
        match part {
            Ok(part) => {
                assert!(part.len() <= 512, "{}", part.len());
                for stored in part {
                    match stored.link() {
                        Ok(link) => links.push(link),
                        Err(error) => errors.push(error),
                    }
                }
            }
            Err(error) => errors.push(error),
        }
    }
    (links, errors)
}

async fn every_link_is_streamed(it: Backend) {
    assert!(collect(&*it.store).await.0.is_empty());
    let edits: Vec<_> = (0..1500)
        .map(|id| {
            let mut made = named(link(id, &format!("s{id}")), &format!("x{id}"));
            made.workspace = workspace(&format!("w{}", id % 3));
            Edit::Create(made)
        })
        .collect();
    assert!(it.store.edit_links(&edits).await.iter().all(Result::is_ok));
    let (links, errors) = collect(&*it.elsewhere().await).await;
    assert!(errors.is_empty(), "{errors:?}");
    let ids: BTreeSet<u64> = links.iter().map(|link| link.id.0).collect();
    assert_eq!(ids, (0..1500).collect());
    for link in links {
        let Edit::Create(made) = &edits[link.id.0 as usize] else {
            unreachable!()
        };
        assert_eq!(&link, made);
    }
}

async fn a_damaged_link_does_not_end_the_stream(it: Backend) {
    for id in 0..10 {
        let made = link(id, &format!("s{id}"));
        it.store.create_link(&made).await.unwrap();
    }
    let it = it.with_damage(&link(3, "s3"), r#"{"id": 7}"#).await;
    let (links, errors) = collect(&*it.store).await;
    assert_eq!(links.len(), 9);
    let [error @ StoreError::Unreadable { .. }] = &errors[..] else {
        panic!("{errors:?}")
    };
    assert!(error.to_string().contains("go.example.com/s3"), "{error}");
}
