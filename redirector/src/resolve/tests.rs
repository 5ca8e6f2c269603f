//! Places on a real store file.

mod cost;

use jiff::Timestamp;
use tempfile::TempDir;
use whence_core::domain::Domain;
use whence_core::id::LinkId;
use whence_core::link::{Link, LinkSpec};
use whence_core::store::FileStore;
use whence_core::workspace::Workspace;

use super::*;
use crate::cache::Cached;

const HOST: &str = "go.example";

/// A store file, a resolver on it, and the line between them.
struct Room {
    _folder: TempDir,
    store: Arc<dyn LinkStore>,
    resolver: Arc<Resolver>,
}

impl Room {
    async fn open() -> Self {
        Self::open_with(&Settings::default()).await
    }

    async fn open_with(settings: &Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("links.redb");
        let store: Arc<dyn LinkStore> = Arc::new(FileStore::open(&file).unwrap());
        for id in ["acme", "other"] {
            let workspace = Workspace::new(id.parse().unwrap(), id);
            store.put_workspace(&workspace).await.unwrap();
        }
        let resolver = Arc::new(Resolver::new(&store, settings));
        tokio::spawn(Arc::clone(&resolver).follow(store.changes()));
        let room = Self {
            _folder: folder,
            store,
            resolver,
        };
        room.claim("acme").await;
        room
    }

    async fn claim(&self, workspace: &str) {
        let (host, workspace) = (HOST.parse().unwrap(), workspace.parse().unwrap());
        self.store.claim_domain(&host, &workspace).await.unwrap();
    }

    /// The domain as it stands in the store.
    async fn domain(&self) -> Domain {
        self.store.domain_at(HOST).await.unwrap().unwrap().0
    }

    async fn link(&self, id: u64, slug: &str, forward_path: bool) -> Link {
        let destination = format!("https://shop.example/{id}").parse().unwrap();
        let link = Link {
            id: LinkId(id),
            workspace: "acme".parse().unwrap(),
            domain: HOST.parse().unwrap(),
            slug: slug.parse().unwrap(),
            spec: LinkSpec {
                forward_path,
                ..LinkSpec::to(destination)
            },
            learned_weights: Vec::new(),
            revision: 1,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        };
        self.store.create_link(&link).await.unwrap();
        link
    }

    async fn place(&self, slug: &str) -> Place {
        self.resolver.place(HOST, slug).await.unwrap()
    }

    /// The link that answers, and what follows its slug.
    async fn found(&self, slug: &str) -> Option<(u64, Option<String>)> {
        let place = self.place(slug).await;
        let rest = place.rest(&format!("/{slug}"), slug).map(str::to_owned);
        place.target.map(|target| (target.id().0, rest))
    }

    /// Lets the resolver hear what has changed.
    async fn heard(&self, is_so: impl AsyncFn() -> bool) {
        for _ in 0..2000 {
            if is_so().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("it was never heard");
    }
}

#[tokio::test]
async fn case_tells_slugs_apart_unless_the_domain_says_not() {
    let room = Room::open().await;
    room.link(1, "sale", false).await;
    room.link(2, "grüße", true).await;
    assert_eq!(room.found("Sale").await, None);
    let mut domain = room.domain().await;
    domain.spec.case = SlugCase::Insensitive;
    domain.revision += 1;
    room.store.change_domain(&domain).await.unwrap();
    room.heard(async || room.found("Sale").await.is_some())
        .await;
    assert_eq!(room.found("SALE").await, Some((1, None)));
    assert_eq!(room.found("sale").await, Some((1, None)));
    assert_eq!(room.found("GRÜSSE").await, None, "another word");
    let found = room.found("GRÜßE/Und/MEHR").await;
    assert_eq!(
        found,
        Some((2, Some("Und/MEHR".into()))),
        "the rest keeps its case"
    );
}

#[tokio::test]
async fn a_store_that_tells_every_change_is_not_asked_again() {
    let room = Room::open_with(&Settings {
        ttl_ms: 1_000,
        ..Settings::default()
    })
    .await;
    assert_eq!(room.found("sale").await, None);
    let made = room.link(1, "sale", false).await;
    room.heard(async || room.found("sale").await.is_some())
        .await;
    let stamp = async || room.place("sale").await.target.unwrap().stamp();
    let learnt = stamp().await;
    room.resolver.clock.skip(Duration::from_secs(3600));
    assert_eq!(stamp().await, learnt);
    // Nor is it being asked about behind that answer.
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(stamp().await, learnt);
    // It is told all the same.
    room.store
        .delete_link(&made.workspace, made.id, None)
        .await
        .unwrap();
    room.heard(async || room.found("sale").await.is_none())
        .await;
}

#[tokio::test]
async fn a_link_that_forwards_answers_below_its_slug_where_nothing_nearer_does() {
    let room = Room::open().await;
    room.link(1, "docs", true).await;
    room.link(2, "docs/new", true).await;
    room.link(3, "docs/new/exact", false).await;
    room.link(4, "plain", false).await;
    let rest = |rest: &str| Some(rest.to_owned());
    for (slug, found) in [
        ("docs", Some((1, None))),
        ("docs/", Some((1, rest("")))),
        ("docs/a", Some((1, rest("a")))),
        ("docs/a/b/c", Some((1, rest("a/b/c")))),
        ("docs/new", Some((2, None))),
        ("docs/new/x", Some((2, rest("x")))),
        ("docs/new/exact", Some((3, None))),
        ("docs/new/exact/x", Some((2, rest("exact/x")))),
        ("docsa", None),
        ("plain/a", None),
        ("", None),
    ] {
        assert_eq!(room.found(slug).await, found, "{slug}");
    }
    room.link(5, "", true).await;
    room.heard(async || room.found("plain/a").await.is_some())
        .await;
    assert_eq!(room.found("plain/a").await, Some((5, rest("plain/a"))));
    assert_eq!(room.found("").await, Some((5, None)));
    assert_eq!(
        room.found("docs/a").await,
        Some((1, rest("a"))),
        "the nearer one"
    );
    let beyond = format!("docs/{}", "x".repeat(bounds::SLUG));
    assert_eq!(
        room.found(&beyond).await.unwrap().0,
        1,
        "longer than any slug"
    );
}

#[tokio::test]
async fn a_deep_path_costs_few_look_ups() {
    let room = Room::open().await;
    assert_eq!(room.found(&"x/".repeat(400)).await, None);
    let (_, unknown, _) = room.resolver.size();
    assert_eq!(unknown, 10, "itself, eight above it, and the bare domain");
    assert_eq!(room.found("y").await, None);
    assert_eq!(
        room.resolver.size().1,
        11,
        "the bare domain is known not to have one"
    );
}

#[tokio::test]
async fn what_is_left_behind_on_a_domain_is_not_there() {
    let room = Room::open().await;
    room.link(1, "x", false).await;
    assert!(room.found("x").await.is_some());
    let acme = "acme".parse().unwrap();
    let host = HOST.parse().unwrap();
    room.store.release_domain(&host, &acme).await.unwrap();
    room.heard(async || room.place("x").await.site.is_none())
        .await;
    room.claim("other").await;
    room.heard(async || room.place("x").await.site.is_some())
        .await;
    assert_eq!(room.found("x").await, None);
    room.store
        .release_domain(&host, &"other".parse().unwrap())
        .await
        .unwrap();
    room.heard(async || room.place("x").await.site.is_none())
        .await;
    room.claim("acme").await;
    room.heard(async || room.found("x").await.is_some()).await;
}

#[tokio::test]
async fn what_a_thread_remembers_of_a_host_goes_with_its_change() {
    let room = Room::open().await;
    room.link(1, "x", false).await;
    for n in 1..=20 {
        // Remembered by this thread from the second time on.
        assert!(room.found("x").await.is_some() && room.found("x").await.is_some());
        let mut domain = room.domain().await;
        domain.revision += 1;
        domain.spec.root_url = Some(format!("https://root.example/{n}").parse().unwrap());
        room.store.change_domain(&domain).await.unwrap();
        let seen = async || {
            let site = room.place("x").await.site.unwrap();
            site.domain.spec.root_url == domain.spec.root_url
        };
        room.heard(seen).await;
    }
}

#[tokio::test]
async fn two_resolvers_on_a_thread_share_no_memory_of_hosts() {
    let (one, two) = (Room::open().await, Room::open().await);
    one.link(1, "x", false).await;
    two.link(2, "x", false).await;
    for _ in 0..3 {
        assert_eq!(one.found("x").await, Some((1, None)));
        assert_eq!(two.found("x").await, Some((2, None)));
    }
}

#[tokio::test]
async fn more_hosts_than_a_thread_remembers_are_told_apart() {
    let room = Room::open().await;
    let hosts: Vec<_> = (0..9).map(|n| format!("h{n}.example")).collect();
    for (n, host) in hosts.iter().enumerate() {
        let owner = if n % 2 == 0 { "acme" } else { "other" };
        let (host, owner) = (host.parse().unwrap(), owner.parse().unwrap());
        room.store.claim_domain(&host, &owner).await.unwrap();
    }
    for n in (0..200).map(|n| n * 7 % hosts.len()) {
        let site = room
            .resolver
            .place(&hosts[n], "x")
            .await
            .unwrap()
            .site
            .unwrap();
        assert_eq!(site.domain.host.as_str(), hosts[n]);
    }
}

#[test]
fn a_host_is_weighed_by_its_texts_and_without_what_it_shows() {
    let workspace = Workspace::new("acme".parse().unwrap(), "Acme");
    let plain = Domain::new(HOST.parse().unwrap(), workspace.id.clone());
    let weigh = |domain: &Domain| {
        let site = Site::new(domain.clone(), workspace.clone());
        crate::cache::Weight::bytes(&Numbered::new(site, 1))
    };
    let mut shown = plain.clone();
    shown.spec.logo = Some("A".repeat(80_000));
    shown.spec.asset_links = Some(serde_json::json!(["x".repeat(100_000)]));
    shown.spec.robots_txt = Some("x".repeat(4_000).parse().unwrap());
    shown.spec.reserved = vec!["x".parse().unwrap(); 1_000];
    assert!(weigh(&plain) < 2_000, "{}", weigh(&plain));
    assert_eq!(weigh(&shown), weigh(&plain));
    let mut wordy = plain.clone();
    wordy.spec.not_found_text = Some("x".repeat(4_000).parse().unwrap());
    assert!(weigh(&wordy) >= weigh(&plain) + 4_000);
}

#[tokio::test]
async fn what_a_host_shows_is_held_once_and_goes_with_its_change() {
    let room = Room::open().await;
    let shown = async || room.resolver.documents(HOST).await.unwrap();
    assert!(shown().await.logo.is_none());
    let mut domain = room.domain().await;
    // "png" in base64.
    domain.spec.logo = Some("cG5n".into());
    domain.revision += 1;
    room.store.change_domain(&domain).await.unwrap();
    room.heard(async || shown().await.logo.is_some()).await;
    let (one, two) = (shown().await.logo.unwrap(), shown().await.logo.unwrap());
    assert_eq!(&*one, b"png");
    assert_eq!(one.as_ptr(), two.as_ptr(), "one piece of memory");
}
