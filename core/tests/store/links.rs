//! Making and reading links.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::task::JoinSet;
use whence_core::id::LinkId;
use whence_core::store::{ChangeError, CreateError, StoreError};

use crate::backend::{Backend, changed, deleted, link, workspace};

on_all!(
    a_link_is_read_as_it_was_made,
    a_slug_is_never_overwritten,
    of_fifty_creators_one_wins,
    an_id_is_taken_in_every_workspace,
    a_link_is_read_by_id_in_its_own_workspace_only,
    odd_slugs_are_slugs_like_any_other,
    what_no_link_can_have_is_not_found,
    what_cannot_be_read_is_said_to_be_so,
);

async fn a_link_is_read_as_it_was_made(it: Backend) {
    let made = link(1, "summer");
    it.store.ping().await.unwrap();
    assert_eq!(
        it.store.link_at("go.example.com", "summer").await.unwrap(),
        None
    );
    it.store.create_link(&made).await.unwrap();
    let elsewhere = it.elsewhere().await;
    assert_eq!(
        elsewhere.link_at("go.example.com", "summer").await.unwrap(),
        Some(made)
    );
    assert_eq!(
        elsewhere.link_at("go.example.com", "Summer").await.unwrap(),
        None
    );
    assert_eq!(
        elsewhere.link_at("example.com", "summer").await.unwrap(),
        None
    );
}

async fn a_slug_is_never_overwritten(it: Backend) {
    let (first, mut second) = (link(1, "summer"), link(2, "summer"));
    second.workspace = workspace("rival");
    it.store.create_link(&first).await.unwrap();
    let refused = it.store.create_link(&second).await;
    assert!(
        matches!(refused, Err(CreateError::SlugTaken)),
        "{refused:?}"
    );
    assert_eq!(
        it.store.link_at("go.example.com", "summer").await.unwrap(),
        Some(first)
    );
    // The refused one leaves nothing: its id is free, and its workspace's list is empty.
    assert_eq!(
        it.store.links(&second.workspace, None, 10).await.unwrap(),
        []
    );
    it.store.create_link(&link(2, "winter")).await.unwrap();
}

async fn of_fifty_creators_one_wins(it: Backend) {
    let (here, there) = (Arc::clone(&it.store), it.elsewhere().await);
    let mut creators = JoinSet::new();
    for id in 0..50 {
        let store = Arc::clone(if id % 2 == 0 { &here } else { &there });
        creators.spawn(async move {
            match store.create_link(&link(id, "wanted")).await {
                Ok(()) => Some(id),
                Err(CreateError::SlugTaken) => None,
                Err(error) => panic!("{error}"),
            }
        });
    }
    let won: Vec<u64> = creators.join_all().await.into_iter().flatten().collect();
    let [winner] = won[..] else {
        panic!("{} won", won.len())
    };
    assert_eq!(
        there.link_at("go.example.com", "wanted").await.unwrap(),
        Some(link(winner, "wanted"))
    );
    assert_eq!(
        there.links(&workspace("acme"), None, 100).await.unwrap(),
        [link(winner, "wanted")]
    );
    for id in (0..50).filter(|id| *id != winner) {
        assert_eq!(
            there.link(&workspace("acme"), LinkId(id)).await.unwrap(),
            None
        );
    }
}

async fn an_id_is_taken_in_every_workspace(it: Backend) {
    let (first, mut second) = (link(1, "summer"), link(1, "winter"));
    second.workspace = workspace("rival");
    it.store.create_link(&first).await.unwrap();
    for slug in ["winter", "summer"] {
        second.slug = slug.parse().unwrap();
        let refused = it.store.create_link(&second).await;
        assert!(matches!(refused, Err(CreateError::IdTaken)), "{refused:?}");
    }
    assert_eq!(
        it.store.link_at("go.example.com", "winter").await.unwrap(),
        None
    );
    assert_eq!(
        it.store.link(&first.workspace, LinkId(1)).await.unwrap(),
        Some(first)
    );
}

async fn a_link_is_read_by_id_in_its_own_workspace_only(it: Backend) {
    let made = link(u64::MAX, "summer");
    it.store.create_link(&made).await.unwrap();
    assert_eq!(
        it.store.link(&workspace("rival"), made.id).await.unwrap(),
        None
    );
    assert_eq!(
        it.store.link(&made.workspace, LinkId(7)).await.unwrap(),
        None
    );
    assert!(!deleted(&*it.store, &workspace("rival"), made.id).await);
    let stolen = whence_core::link::Link {
        workspace: workspace("rival"),
        ..changed(&made, "https://evil.example/")
    };
    assert!(matches!(
        it.store.change_link(&stolen).await,
        Err(ChangeError::NotFound)
    ));
    assert_eq!(
        it.store.link(&made.workspace, made.id).await.unwrap(),
        Some(made)
    );
}

async fn odd_slugs_are_slugs_like_any_other(it: Backend) {
    let long = "x".repeat(1024);
    let slugs = [
        "",
        "/",
        "/a",
        "a/",
        "a//b",
        "{a}",
        "}{",
        "Grüße aus",
        "日本語",
        "*",
        "a:b",
        "\u{feff}",
        "%2F",
        &long,
    ];
    assert_eq!(HashSet::from(slugs).len(), slugs.len());
    for (id, slug) in (0..).zip(slugs) {
        it.store.create_link(&link(id, slug)).await.unwrap();
    }
    let elsewhere = it.elsewhere().await;
    for (id, slug) in (0..).zip(slugs) {
        let found = elsewhere.link_at("go.example.com", slug).await.unwrap();
        assert_eq!(found, Some(link(id, slug)), "{slug:?}");
        assert_eq!(
            elsewhere
                .link(&workspace("acme"), LinkId(id))
                .await
                .unwrap(),
            found,
            "{slug:?}"
        );
        let change = changed(&link(id, slug), "https://a.example/");
        elsewhere.change_link(&change).await.unwrap();
        assert_eq!(
            it.store.link_at("go.example.com", slug).await.unwrap(),
            Some(change),
            "{slug:?}"
        );
    }
    for (id, slug) in (0..).zip(slugs) {
        assert!(
            deleted(&*it.store, &workspace("acme"), LinkId(id)).await,
            "{slug:?}"
        );
        assert_eq!(
            elsewhere.link_at("go.example.com", slug).await.unwrap(),
            None,
            "{slug:?}"
        );
    }
}

async fn what_no_link_can_have_is_not_found(it: Backend) {
    it.store.create_link(&link(1, "b/c")).await.unwrap();
    let (long_slug, long_host) = ("x".repeat(1025), "x".repeat(100_000));
    for (domain, slug) in [
        ("go.example.com/b", "c"),
        ("", ""),
        ("", "go.example.com/b/c"),
        ("go.example.com", "b/c\0"),
        ("go.example.com", &long_slug),
        (&long_host, "a"),
        ("go.example.com\r\n", "b/c"),
    ] {
        assert_eq!(
            it.store.link_at(domain, slug).await.unwrap(),
            None,
            "{domain:?} {slug:?}"
        );
        if domain != "go.example.com" {
            assert_eq!(
                it.store.domain_at(domain).await.unwrap(),
                None,
                "{domain:?}"
            );
        }
    }
}

async fn what_cannot_be_read_is_said_to_be_so(it: Backend) {
    let (whole, damaged) = (link(1, "winter"), link(2, "summer"));
    it.store.create_link(&damaged).await.unwrap();
    it.store.create_link(&whole).await.unwrap();
    let it = it.with_damage(&damaged, r#"{"id": 7}"#).await;
    let assert_named = |error: StoreError| {
        assert!(matches!(error, StoreError::Unreadable { .. }), "{error:?}");
        assert!(
            error.to_string().contains("go.example.com/summer"),
            "{error}"
        );
    };
    assert_named(
        it.store
            .link_at("go.example.com", "summer")
            .await
            .unwrap_err(),
    );
    assert_named(
        it.store
            .link(&damaged.workspace, damaged.id)
            .await
            .unwrap_err(),
    );
    // It hides nobody else, not even in a page of one.
    for limit in [1, 10] {
        let listed = it.store.links(&damaged.workspace, None, limit).await;
        assert_eq!(listed.unwrap(), std::slice::from_ref(&whole));
    }
    match it
        .store
        .delete_link(&damaged.workspace, damaged.id, None)
        .await
    {
        Err(ChangeError::Store(error)) => assert_named(error),
        other => panic!("{other:?}"),
    }
    match it
        .store
        .change_link(&changed(&damaged, "https://a.example/"))
        .await
    {
        Err(ChangeError::Store(error)) => assert_named(error),
        other => panic!("{other:?}"),
    }
    // It is still taken, and its neighbour is well.
    assert!(matches!(
        it.store.create_link(&link(3, "summer")).await,
        Err(CreateError::SlugTaken)
    ));
    assert_eq!(
        it.store.link_at("go.example.com", "winter").await.unwrap(),
        Some(whole)
    );
}
