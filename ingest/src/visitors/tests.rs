//! Who a visitor without a cookie is: at midnight, over a restart, beside another ingest, and once the salt is gone.

use std::path::Path;

use whence_core::id::VisitorId;
use whence_core::salt::LIFE;
use whence_core::store::FileStore;
use whence_core::test_support::click;
use whence_core::workspace::Workspace;

use super::*;

/// 2026-10-24T22:00:00Z: midnight in Berlin, at the beginning of a day of 25 hours.
const MIDNIGHT: i64 = 1_792_879_200;
const HOUR: i64 = 3600;

fn file(folder: &Path) -> Arc<dyn LinkStore> {
    Arc::new(FileStore::open(&folder.join("links.redb")).unwrap())
}

/// A store with workspaces in several zones.
async fn store(folder: &Path) -> Arc<dyn LinkStore> {
    let store = file(folder);
    for (id, zone) in [("acme", "Europe/Berlin"), ("rival", "America/New_York")] {
        let workspace = Workspace {
            time_zone: zone.into(),
            ..Workspace::new(id.parse().unwrap(), id)
        };
        store.put_workspace(&workspace).await.unwrap();
    }
    store
}

fn ingest(store: &Arc<dyn LinkStore>, key: &[u8]) -> (Visitors, Known) {
    let visitors = Visitors::new(Arc::clone(store), SaltKey::derived_from(key));
    (visitors, Known::new(Arc::clone(store)))
}

fn at(workspace: &'static str, second: i64) -> Click<'static> {
    Click {
        workspace: workspace.into(),
        unix_ms: u64::try_from(second * 1000).unwrap(),
        privacy: PrivacyMode::Cookieless,
        visitor: None,
        ..click()
    }
}

/// Whose these clicks are for an ingest at a time.
async fn named(
    (visitors, known): &(Visitors, Known),
    clicks: &[Click<'static>],
    now: i64,
) -> Vec<Option<VisitorId>> {
    let mut clicks: Vec<(Seq, Click<'_>)> = (1..).zip(clicks.iter().cloned()).collect();
    visitors.name_at(known, &mut clicks, now).await.unwrap();
    clicks.into_iter().map(|(_, click)| click.visitor).collect()
}

#[tokio::test]
async fn a_visitor_is_one_from_midnight_to_midnight_of_the_workspace() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    let it = ingest(&store, b"key");
    let clicks = [
        at("acme", MIDNIGHT - 1),
        at("acme", MIDNIGHT),
        // The clocks have gone back in between.
        at("acme", MIDNIGHT + 25 * HOUR - 1),
        at("acme", MIDNIGHT + 25 * HOUR),
        // New York's midnight is six hours later.
        at("rival", MIDNIGHT - 1),
        at("rival", MIDNIGHT),
        at("rival", MIDNIGHT + 6 * HOUR - 1),
        at("rival", MIDNIGHT + 6 * HOUR),
    ];
    let mut who = Vec::new();
    for click in clicks {
        let now = i64::try_from(click.unix_ms).unwrap() / 1000;
        who.extend(named(&it, &[click], now).await);
    }
    assert!(who.iter().all(Option::is_some));
    assert_ne!(who[0], who[1]);
    assert_eq!(who[1], who[2]);
    assert_ne!(who[2], who[3]);
    assert_eq!(who[4], who[5]);
    assert_eq!(who[5], who[6]);
    assert_ne!(who[6], who[7]);
    let different: std::collections::HashSet<_> = who.iter().collect();
    assert_eq!(different.len(), 5, "no visitor is known to two workspaces");
}

#[tokio::test]
async fn neither_a_restart_nor_a_second_ingest_splits_visitors() {
    let folder = tempfile::tempdir().unwrap();
    let opened = store(folder.path()).await;
    let clicks = [at("acme", MIDNIGHT + HOUR), at("rival", MIDNIGHT + HOUR)];
    let now = MIDNIGHT + 2 * HOUR;
    let here = named(&ingest(&opened, b"key"), &clicks, now).await;
    let there = named(&ingest(&opened, b"key"), &clicks, now).await;
    assert_eq!(here, there);
    drop(opened);
    let again = file(folder.path());
    assert_eq!(named(&ingest(&again, b"key"), &clicks, now).await, here);
    // Another visitor is another.
    let other = Click {
        user_agent: "another".into(),
        ..at("acme", MIDNIGHT + HOUR)
    };
    assert_ne!(
        named(&ingest(&again, b"key"), &[other], now).await[0],
        here[0]
    );
}

#[tokio::test]
async fn after_48_hours_nobody_is_anybody() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    let it = ingest(&store, b"key");
    let clicks = [at("acme", MIDNIGHT + HOUR)];
    let last = named(&it, &clicks, MIDNIGHT + LIFE - 1).await;
    assert!(last[0].is_some());
    assert_eq!(named(&it, &clicks, MIDNIGHT + LIFE).await, [None]);
    // A day that has not begun has no salt yet: it would be there for too long.
    assert_eq!(named(&it, &clicks, MIDNIGHT - HOUR).await, [None]);
    assert!(named(&it, &clicks, MIDNIGHT - 60).await[0].is_some());
    // Nor does the store tell.
    store.forget_salts(MIDNIGHT + LIFE).await.unwrap();
    let afresh = ingest(&store, b"key");
    assert_ne!(named(&afresh, &clicks, MIDNIGHT + LIFE - 1).await, last);
}

#[tokio::test]
async fn a_wrong_key_is_said_and_keeps_the_block_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    let mut clicks = [(1, at("acme", MIDNIGHT + HOUR))];
    let (visitors, known) = ingest(&store, b"key");
    visitors
        .name_at(&known, &mut clicks, MIDNIGHT + HOUR)
        .await
        .unwrap();
    let (visitors, known) = ingest(&store, b"another key");
    let refused = visitors.name_at(&known, &mut clicks, MIDNIGHT + HOUR).await;
    let said = refused.unwrap_err().to_string();
    assert!(said.contains("acme") && said.contains("salt_key"), "{said}");
}

#[tokio::test]
async fn who_has_a_cookie_or_is_only_counted_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    let it = ingest(&store, b"key");
    let with = |privacy, visitor| Click {
        privacy,
        visitor,
        ..at("acme", MIDNIGHT + HOUR)
    };
    let clicks = [
        with(PrivacyMode::Full, Some(VisitorId(3))),
        with(PrivacyMode::Full, None),
        with(PrivacyMode::CountOnly, None),
        // What nobody may know is not taken over from anywhere.
        with(PrivacyMode::Cookieless, Some(VisitorId(3))),
        at("gone", MIDNIGHT + HOUR),
        at("no workspace", MIDNIGHT + HOUR),
    ];
    let who = named(&it, &clicks, MIDNIGHT + HOUR).await;
    assert_eq!(who[..3], [Some(VisitorId(3)), None, None]);
    assert!(who[3].is_some() && who[3] != Some(VisitorId(3)));
    assert_eq!(who[4..], [None, None]);
}
