//! Redis killed, hung and started again while clients are being redirected.

mod fleet;

use std::time::{Duration, Instant};

use fleet::{Fleet, Load, Node, within};
use hyper::StatusCode;
use whence_core::link::{Link, LinkSpec};

const LINKS: u64 = 50;
/// A path below a link that forwards what follows.
const BELOW: &str = "docs/a/b";
/// How long an outage lasts: longer than it takes to be noticed, and than what is known is believed.
const OUTAGE: Duration = Duration::from_secs(4);
/// The longest that anything here may take on a machine that is busy with other tests.
const LONG: Duration = Duration::from_secs(20);

/// A fleet with its links, and redirectors that ask anew after a second.
async fn start() -> (Fleet, Vec<Link>, [Node; 2]) {
    let fleet = Fleet::start().await;
    let links = fleet.links(LINKS).await;
    let forwarding = LinkSpec {
        forward_path: true,
        ..LinkSpec::to("https://docs.example/".parse().expect("a URL"))
    };
    fleet.put(LINKS + 1, "docs", forwarding).await;
    let nodes = [
        fleet
            .redirector(|config| config.redirector.cache.ttl_ms = 1_000)
            .await,
        fleet
            .redirector(|config| config.redirector.cache.ttl_ms = 1_000)
            .await,
    ];
    (fleet, links, nodes)
}

/// Nobody knows whether there is such a link: it must never be "not found".
async fn unknown_ones_are_503(nodes: &[Node], slug: &str) {
    for (n, node) in nodes.iter().enumerate() {
        let start = Instant::now();
        let got = node.get(&format!("/{slug}-{n}")).await;
        assert_eq!(got.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_ne!(got.header("retry-after"), "");
        assert!(start.elapsed() < LONG / 2, "{:?}", start.elapsed());
    }
}

async fn edits_are_seen(fleet: &Fleet, nodes: &[Node], link: &mut Link) {
    fleet.edit(link, "https://new.example/").await;
    for node in nodes {
        within(LONG, async || {
            let got = node.get(&format!("/{}", link.slug)).await;
            assert_eq!(got.status, StatusCode::FOUND);
            got.header("location").starts_with("https://new.example/")
        })
        .await;
    }
}

fn slugs(links: &[Link]) -> Vec<String> {
    links.iter().map(|link| link.slug.to_string()).collect()
}

/// As [`slugs`], and one below a link that forwards what follows.
fn known(links: &[Link]) -> Vec<String> {
    [slugs(links), vec![BELOW.into()]].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_killed_and_started_again_fails_no_known_link() {
    let (mut fleet, links, nodes) = start().await;
    let load = Load::on(&[&nodes[0], &nodes[1]], &known(&links));
    tokio::time::sleep(Duration::from_millis(300)).await;
    fleet.redis.kill();
    unknown_ones_are_503(&nodes, "early").await;
    tokio::time::sleep(OUTAGE).await;
    unknown_ones_are_503(&nodes, "late").await;
    for node in &nodes {
        assert!(node.metric("whence_redirector_stale_redirects_total").await > 0);
    }
    let asked = load.stop().await;
    assert_eq!(asked.failed, Vec::<String>::new());
    assert!(
        asked.redirected > 100 && asked.longest < LONG / 2,
        "{asked:?}"
    );

    // This Redis keeps nothing on disk: it comes back empty, and is filled again as from a backup.
    fleet.redis.start_again();
    within(LONG, async || fleet.store.ping().await.is_ok()).await;
    fleet.found().await;
    let mut links = fleet.links(LINKS).await;
    let heard = "whence_redirector_changes_heard";
    within(LONG, async || {
        nodes[0].metric(heard).await == 1 && nodes[1].metric(heard).await == 1
    })
    .await;
    within(LONG, async || {
        nodes[0].get("/x1").await.status == StatusCode::FOUND
    })
    .await;
    within(LONG, async || {
        nodes[1].get("/x1").await.status == StatusCode::FOUND
    })
    .await;
    edits_are_seen(&fleet, &nodes, &mut links[0]).await;
    for node in nodes {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_that_hangs_fails_no_known_link() {
    let (fleet, mut links, nodes) = start().await;
    let load = Load::on(&[&nodes[0], &nodes[1]], &known(&links));
    tokio::time::sleep(Duration::from_millis(300)).await;
    fleet.redis.hang();
    unknown_ones_are_503(&nodes, "early").await;
    tokio::time::sleep(OUTAGE).await;
    unknown_ones_are_503(&nodes, "late").await;
    fleet.redis.go_on();
    within(LONG, async || fleet.store.ping().await.is_ok()).await;
    edits_are_seen(&fleet, &nodes, &mut links[0]).await;
    for (n, node) in nodes.iter().enumerate() {
        let unknown = format!("/late-{n}");
        within(LONG, async || {
            node.get(&unknown).await.status == StatusCode::NOT_FOUND
        })
        .await;
    }
    let asked = load.stop().await;
    assert_eq!(asked.failed, Vec::<String>::new());
    assert!(
        asked.redirected > 100 && asked.longest < LONG / 2,
        "{asked:?}"
    );
    for node in nodes {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_filled_in_at_the_start_needs_no_redis() {
    let mut fleet = Fleet::start().await;
    let links = fleet.links(LINKS).await;
    let node = fleet.redirector(|_| ()).await;
    assert_eq!(
        node.metric("whence_redirector_cache_warmed_links").await,
        LINKS
    );
    assert_eq!(node.metric("whence_redirector_cache_links").await, LINKS);
    fleet.redis.kill();
    for slug in slugs(&links) {
        assert_eq!(
            node.get(&format!("/{slug}")).await.status,
            StatusCode::FOUND,
            "{slug}"
        );
    }
    node.stop().await;
}
