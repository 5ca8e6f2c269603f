//! Warming from a real store file.

use jiff::Timestamp;
use tempfile::TempDir;
use whence_core::id::LinkId;
use whence_core::link::{Link, LinkSpec};
use whence_core::store::{Change, FileStore};
use whence_core::test_support::RedisServer;
use whence_core::workspace::Workspace;

use super::*;
use crate::cache::Cached;

fn link(id: u64, workspace: &str, host: &str, slug: &str) -> Link {
    Link {
        id: LinkId(id),
        workspace: workspace.parse().unwrap(),
        domain: host.parse().unwrap(),
        slug: slug.parse().unwrap(),
        spec: LinkSpec::to("https://shop.example/".parse().unwrap()),
        learned_weights: Vec::new(),
        revision: 1,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    }
}

/// Two workspaces, each with a host, and 2,000 links of the first.
async fn store(folder: &TempDir) -> Arc<dyn LinkStore> {
    let store = FileStore::open(&folder.path().join("links.redb")).unwrap();
    for (id, host) in [("acme", "go.example"), ("other", "other.example")] {
        let workspace = Workspace::new(id.parse().unwrap(), id);
        store.put_workspace(&workspace).await.unwrap();
        let host = host.parse().unwrap();
        store.claim_domain(&host, &workspace.id).await.unwrap();
    }
    let links = (1..=2000).map(|n| link(n, "acme", "go.example", &format!("link-{n}")));
    let edits: Vec<_> = links.map(whence_core::store::Edit::Create).collect();
    assert!(store.edit_links(&edits).await.iter().all(Result::is_ok));
    Arc::new(store)
}

fn settings(megabytes: usize) -> Settings {
    Settings {
        megabytes,
        ..Settings::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_answers_somebody_is_filled_in() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder).await;
    // On a host that another workspace has claimed, and on one that nobody has.
    for left in [
        link(3001, "acme", "other.example", "left-behind"),
        link(3002, "acme", "nobody.example", "x"),
        link(3003, "other", "other.example", "own"),
    ] {
        store.create_link(&left).await.unwrap();
    }
    let resolver = Arc::new(Resolver::new(&store, &settings(16)));
    let mut side = JoinSet::new();
    begin(&mut side, &resolver, &store, &settings(16)).await;
    side.join_all().await;
    assert_eq!(resolver.size().0, 2001);
    assert_eq!(resolver.warmed(), 2001);
    for (host, slug, there) in [
        ("go.example", "link-1", true),
        ("go.example", "link-2000", true),
        ("other.example", "own", true),
        ("other.example", "left-behind", false),
        ("nobody.example", "x", false),
    ] {
        let place = resolver.place(host, slug).await.unwrap();
        assert_eq!(place.target.is_some(), there, "{host}/{slug}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_wanted_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder).await;
    let settings = Settings {
        warm: false,
        ..settings(16)
    };
    let resolver = Arc::new(Resolver::new(&store, &settings));
    let mut side = JoinSet::new();
    begin(&mut side, &resolver, &store, &settings).await;
    assert!(side.is_empty() && resolver.size().0 == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_during_the_filling_win() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder).await;
    let resolver = Arc::new(Resolver::new(&store, &settings(16)));
    let following = tokio::spawn(Arc::clone(&resolver).follow(store.changes()));
    let mut side = JoinSet::new();
    let filled = begin(&mut side, &resolver, &store, &settings(16));
    for n in 1..=200 {
        let mut edited = link(n, "acme", "go.example", &format!("link-{n}"));
        edited.spec.destination = "https://new.example/".parse().unwrap();
        edited.revision = 2;
        store.change_link(&edited).await.unwrap();
    }
    filled.await;
    side.join_all().await;
    for n in 1..=200 {
        let slug = format!("link-{n}");
        let is_new = async || {
            let place = resolver.place("go.example", &slug).await.unwrap();
            place
                .target
                .is_some_and(|target| target.url() == "https://new.example/")
        };
        // The change is heard a moment after the store has answered.
        for _ in 0..1000 {
            if is_new().await {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert!(is_new().await, "{slug}");
    }
    following.abort();
}

#[tokio::test]
async fn where_the_line_to_the_store_broke_it_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder).await;
    let resolver = Arc::new(Resolver::new(&store, &settings(16)));
    // Known before, and not to be believed after.
    let old = resolver.place("go.example", "link-1").await.unwrap();
    let (changes, heard) = tokio::sync::broadcast::channel(1);
    let following = tokio::spawn(Arc::clone(&resolver).follow(heard));
    let mut warming = Box::pin(warm(Arc::clone(&resolver), store));
    // One thread, and nobody else has run on it: the filling has begun, and nothing of it is read yet.
    assert!(futures::poll!(&mut warming).is_pending());
    changes.send(Change::Everything).unwrap();
    warming.await;
    assert_eq!((resolver.warmed(), resolver.size().0), (2000, 2000));
    let new = resolver.place("go.example", "link-1").await.unwrap();
    let stamp = |place: crate::resolve::Place| place.target.unwrap().stamp().era;
    assert!(stamp(old) < stamp(new));
    following.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_cannot_be_looked_up_keeps_no_other_from_being_filled() {
    let mut redis = RedisServer::start();
    let store = whence_core::store::open(&redis.url()).await.unwrap();
    let workspace = Workspace::new("acme".parse().unwrap(), "acme");
    store.put_workspace(&workspace).await.unwrap();
    for host in ["go.example", "other.example"] {
        let host = host.parse().unwrap();
        store.claim_domain(&host, &workspace.id).await.unwrap();
    }
    let resolver = Arc::new(Resolver::new(&store, &settings(16)));
    resolver.place("go.example", "x").await.unwrap();
    for (id, host) in [(1, "other.example"), (2, "go.example")] {
        store
            .create_link(&link(id, "acme", host, "a"))
            .await
            .unwrap();
    }
    let mut stored: Vec<_> = store.every_link().map(Result::unwrap).concat().await;
    stored.sort_by_key(|stored| stored.link().unwrap().id);
    redis.kill();
    let (parts, waiting) = mpsc::channel(1);
    parts.send(stored).await.unwrap();
    drop(parts);
    let (end, unreadable) = file(&resolver, &resolver.filling(), waiting).await;
    assert_eq!((end, unreadable, resolver.warmed()), (End::Complete, 0, 1));
}
