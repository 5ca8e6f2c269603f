//! What only Redis has: leftovers of a crash between two steps, several keys in one push, passwords.

use std::sync::Arc;

use redis::aio::MultiplexedConnection;
use redis::{cmd, pipe};
use tracing::instrument::WithSubscriber;
use whence_core::domain::Domain;
use whence_core::id::LinkId;
use whence_core::store::{
    Change, ClaimError, CreateError, LinkStore, RedisStore, StoreError, open,
};
use whence_core::test_support::RedisServer;
use whence_core::workspace::Workspace;

use crate::backend::{change_of, deleted, link, named, next, raw, workspace};

async fn start() -> (RedisServer, RedisStore, MultiplexedConnection) {
    let server = RedisServer::start();
    let store = RedisStore::connect(&server.url()).await.unwrap();
    let raw = raw(&server).await;
    (server, store, raw)
}

#[tokio::test]
async fn a_page_is_full_though_links_are_missing_behind_the_list() {
    let (_server, store, mut raw) = start().await;
    for id in 0..600 {
        store
            .create_link(&link(id, &format!("s{id}")))
            .await
            .unwrap();
    }
    // Of every three, one crashed while it was deleted and one was made and not finished.
    for id in (0..600).filter(|id| id % 3 != 0) {
        let () = cmd("DEL")
            .arg(format!("whence:link:go.example.com/s{id}"))
            .query_async(&mut raw)
            .await
            .unwrap();
        if id % 3 == 2 {
            let () = cmd("DEL")
                .arg(format!("whence:id:{}", LinkId(id)))
                .query_async(&mut raw)
                .await
                .unwrap();
        }
    }
    let acme = workspace("acme");
    let page: Vec<_> = store
        .links(&acme, None, 50)
        .await
        .unwrap()
        .into_iter()
        .map(|link| link.id.0)
        .collect();
    assert_eq!(
        page,
        (0..600)
            .rev()
            .filter(|id| id % 3 == 0)
            .take(50)
            .collect::<Vec<_>>()
    );
    assert_eq!(store.links(&acme, None, 1000).await.unwrap().len(), 200);
    assert_eq!(
        store
            .links(&acme, Some(LinkId(2)), 1000)
            .await
            .unwrap()
            .len(),
        1
    );
    assert_eq!(store.link(&acme, LinkId(1)).await.unwrap(), None);
    assert!(!deleted(&store, &acme, LinkId(1)).await);
    // The slug of a link that was never finished is free; its id is not.
    assert!(matches!(
        store.create_link(&link(1, "s1")).await,
        Err(CreateError::IdTaken)
    ));
    store.create_link(&link(1000, "s1")).await.unwrap();
    assert_eq!(store.link(&acme, LinkId(1)).await.unwrap(), None);
}

#[tokio::test]
async fn an_unfinished_claim_is_not_listed_and_can_be_finished() {
    let (_server, store, mut raw) = start().await;
    let (acme, rival) = (workspace("acme"), workspace("rival"));
    let () = cmd("SADD")
        .arg("whence:domains:acme")
        .arg("go.example.com")
        .query_async(&mut raw)
        .await
        .unwrap();
    assert_eq!(store.domains(&acme).await.unwrap(), []);
    let host = "go.example.com".parse().unwrap();
    store.claim_domain(&host, &rival).await.unwrap();
    assert_eq!(store.domains(&acme).await.unwrap(), []);
    assert!(matches!(
        store.claim_domain(&host, &acme).await,
        Err(ClaimError::Taken)
    ));
    assert_eq!(
        store.domains(&rival).await.unwrap(),
        [Domain::new(host, rival)]
    );
}

#[tokio::test]
async fn a_claim_without_its_link_frees_the_external_id_after_a_while() {
    let (_server, store, mut raw) = start().await;
    let acme = workspace("acme");
    let external_id = "42".parse().unwrap();
    let mut crash = async |ago: u64| {
        let (now, _): (u64, u64) = cmd("TIME").query_async(&mut raw).await.unwrap();
        let () = cmd("SET")
            .arg("whence:external:acme:42")
            .arg(format!("{} {} 7", LinkId(9), now - ago))
            .query_async(&mut raw)
            .await
            .unwrap();
    };
    // A moment ago: its link may be made at this moment.
    crash(1).await;
    let found = store.link_by_external_id(&acme, &external_id).await;
    assert_eq!(found.unwrap(), None);
    let made = named(link(1, "summer"), "42");
    let refused = store.create_link(&made).await;
    // Not that another link has it, for none has.
    assert!(
        matches!(refused, Err(CreateError::Store(StoreError::Unavailable(_)))),
        "{refused:?}"
    );
    // The one that was refused is gone without a trace.
    assert_eq!(store.links(&acme, None, 9).await.unwrap(), []);
    crash(61).await;
    store.create_link(&made).await.unwrap();
    let found = store.link_by_external_id(&acme, &external_id).await;
    assert_eq!(found.unwrap(), Some(made));
    // A claim whose link is there holds for good.
    let second = named(link(2, "winter"), "42");
    let refused = store.create_link(&second).await;
    assert!(
        matches!(refused, Err(CreateError::ExternalIdTaken)),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_new_link_has_no_clicks_of_an_old_one_with_its_id() {
    let (_server, store, mut raw) = start().await;
    // As a delete leaves it which Redis did not answer to the end.
    let clicks = format!("whence:clicks:{}", LinkId(1));
    let set = cmd("SET").arg(clicks).arg(5).to_owned();
    let () = set.query_async(&mut raw).await.unwrap();
    store.create_link(&link(1, "summer")).await.unwrap();
    assert_eq!(store.clicks_counted(LinkId(1)).await.unwrap(), 0);
}

#[tokio::test]
async fn one_push_may_carry_several_keys() {
    let (_server, store, mut raw) = start().await;
    let mut changes = store.changes();
    let mut all = pipe();
    all.atomic();
    for id in 0..100 {
        all.set(format!("whence:link:go.example.com/s{id}"), "{}")
            .ignore();
    }
    let () = all.query_async(&mut raw).await.unwrap();
    let mut told = Vec::new();
    for _ in 0..100 {
        told.push(next(&mut changes).await);
    }
    for id in 0..100 {
        assert!(
            told.contains(&change_of(&link(id, &format!("s{id}")))),
            "{id}"
        );
    }
}

#[tokio::test]
async fn a_flush_means_everything() {
    let (_server, store, mut raw) = start().await;
    store.create_link(&link(1, "summer")).await.unwrap();
    let mut changes = store.changes();
    let () = cmd("FLUSHALL").query_async(&mut raw).await.unwrap();
    while next(&mut changes).await != Change::Everything {}
    assert_eq!(
        store.link_at("go.example.com", "summer").await.unwrap(),
        None
    );
}

#[tokio::test]
async fn a_workspace_with_very_many_domains_means_everything() {
    let (_server, store, mut raw) = start().await;
    let mut claims = cmd("SADD");
    claims.arg("whence:domains:acme");
    for n in 0..5000 {
        claims.arg(format!("d{n}.example"));
    }
    let () = claims.query_async(&mut raw).await.unwrap();
    let mut changes = store.changes();
    store
        .put_workspace(&Workspace::new(workspace("acme"), "Acme"))
        .await
        .unwrap();
    assert_eq!(next(&mut changes).await, Change::Everything);
}

#[tokio::test]
async fn callers_on_other_runtimes_share_its_connections() {
    let (_server, store, _) = start().await;
    let store = Arc::new(store);
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let store = Arc::clone(&store);
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(async {
                    for n in 0..50 {
                        let made = link(thread * 50 + n, &format!("t{thread}-{n}"));
                        store.create_link(&made).await.unwrap();
                        assert_eq!(
                            store
                                .link_at("go.example.com", made.slug.as_str())
                                .await
                                .unwrap(),
                            Some(made)
                        );
                    }
                });
            })
        })
        .collect();
    tokio::task::spawn_blocking(|| {
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap())
    })
    .await
    .unwrap();
    assert_eq!(
        store
            .links(&workspace("acme"), None, 1000)
            .await
            .unwrap()
            .len(),
        200
    );
}

#[tokio::test]
async fn what_is_of_another_kind_is_unreadable() {
    let (_server, store, mut raw) = start().await;
    let () = cmd("LPUSH")
        .arg("whence:link:go.example.com/list")
        .arg(1)
        .query_async(&mut raw)
        .await
        .unwrap();
    let () = cmd("SET")
        .arg("whence:domain:go.example.com")
        .arg(b"\xff")
        .query_async(&mut raw)
        .await
        .unwrap();
    for error in [
        store.link_at("go.example.com", "list").await.unwrap_err(),
        store.domain_at("go.example.com").await.unwrap_err(),
    ] {
        assert!(
            matches!(&error, StoreError::Unreadable { key, .. } if key.starts_with("whence:")),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_password_is_used_and_never_told() {
    let server = RedisServer::start_with_password("hunter2");
    let store = RedisStore::connect(&server.url()).await.unwrap();
    store.create_link(&link(1, "summer")).await.unwrap();
    assert!(!format!("{store:?}").contains("hunter2"));

    let port = server.port();
    for (url, secret) in [
        (format!("redis://127.0.0.1:{port}"), "hunter2"),
        (format!("redis://:guess1@127.0.0.1:{port}"), "guess1"),
        (
            format!("redis://somebody:guess2@127.0.0.1:{port}/3"),
            "guess2",
        ),
        ("redis://:guess3@127.0.0.1:1".into(), "guess3"),
    ] {
        let error = open(&url).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        let text = format!("{error} {error:?}");
        assert!(text.contains("Redis at 127.0.0.1"), "{text}");
        assert!(!text.contains(secret), "{text}");
    }
}

#[tokio::test]
async fn a_url_that_leads_nowhere_is_explained() {
    for url in ["", "links.redb", "http://localhost", "redis://"] {
        let error = open(url).await.unwrap_err().to_string();
        assert!(
            error.contains("redis://[USER:PASSWORD@]HOST"),
            "{url:?}: {error}"
        );
    }
}

#[tokio::test]
async fn a_redis_that_is_set_up_as_a_cache_is_warned_of() {
    let (server, _, mut raw) = start().await;
    let mut set = async |setting: &[&str; 2]| {
        let () = cmd("CONFIG")
            .arg("SET")
            .arg(setting)
            .query_async(&mut raw)
            .await
            .unwrap();
    };
    let logged = async || {
        let log = tempfile::NamedTempFile::new().unwrap();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(log.reopen().unwrap())
            .finish();
        RedisStore::connect(&server.url())
            .with_subscriber(subscriber)
            .await
            .unwrap();
        std::fs::read_to_string(log.path()).unwrap()
    };
    let warned = logged().await;
    assert!(
        warned.contains("WARN") && warned.contains("appendonly"),
        "{warned}"
    );
    set(&["appendonly", "yes"]).await;
    assert_eq!(logged().await, "");
    set(&["maxmemory-policy", "allkeys-lru"]).await;
    let warned = logged().await;
    assert!(
        warned.contains("maxmemory-policy") && !warned.contains("appendonly"),
        "{warned}"
    );
}
