//! Weights of variants follow what reports say of them: real clicks and conversions in the real engine,
//! and the weights that the link store then holds.

use std::time::{Duration, Instant};

use clickhouse::Row;
use jiff::{Timestamp, ToSpan};
use serde::Serialize;
use whence_core::id::LinkId;
use whence_core::link::{Destination, Link, LinkSpec, Variant, VariantMode};
use whence_core::test_support::Engine;

use crate::events::{BOT, Conversion, HUMAN, LEAD, insert};
use crate::support::Service;

/// A click as far as the weights of variants depend on it.
#[derive(Clone, Debug, Row, Serialize)]
struct Click {
    workspace: String,
    /// Milliseconds since 1970.
    time: i64,
    click_id: u128,
    seq: u64,
    outcome: i8,
    link_id: u64,
    variant: String,
    verdict: i8,
}

/// Clicks and conversions that are still to be inserted.
struct Traffic {
    clicks: Vec<Click>,
    conversions: Vec<Conversion>,
    /// When the next click happens, in milliseconds since 1970.
    time: i64,
}

impl Traffic {
    fn from(time: Timestamp) -> Self {
        Self {
            clicks: Vec::new(),
            conversions: Vec::new(),
            time: time.as_millisecond(),
        }
    }

    /// `clicks` on a variant, of which the first `converted` lead to something.
    fn on(&mut self, link: LinkId, variant: &str, clicks: u32, converted: u32) -> &mut [Click] {
        let first = self.clicks.len();
        for number in 0..clicks {
            self.time += 1;
            let click = Click {
                workspace: "acme".into(),
                time: self.time,
                click_id: u128::try_from(self.time).unwrap() << 80 | u128::from(number),
                seq: u64::try_from(self.time).unwrap(),
                outcome: 1,
                link_id: link.0,
                variant: variant.into(),
                verdict: HUMAN,
            };
            if number < converted {
                let event = format!("event-{}", click.click_id);
                let conversion =
                    Conversion::new("acme", &event, LEAD, self.time + 5, click.click_id);
                // A second conversion of a click is not a second converted click.
                let again = Conversion {
                    event_id: format!("{event}-again"),
                    ..conversion.clone()
                };
                self.conversions.extend([conversion, again]);
            }
            self.clicks.push(click);
        }
        &mut self.clicks[first..]
    }

    async fn insert(self, engine: &Engine) {
        insert(&engine.client(), "conversions", &self.conversions).await;
        insert(&engine.client(), "clicks", &self.clicks).await;
    }
}

fn link(id: u64, mode: VariantMode, changed: Timestamp) -> Link {
    let destination =
        |path: &str| -> Destination { format!("https://shop.example/{path}").parse().unwrap() };
    let variants = [("a", 1), ("b", 1), ("rested", 0)].map(|(name, weight)| Variant {
        name: name.parse().unwrap(),
        destination: destination(name),
        weight,
    });
    Link {
        id: LinkId(id),
        workspace: "acme".parse().unwrap(),
        domain: "go.example".parse().unwrap(),
        slug: format!("link-{id}").parse().unwrap(),
        spec: LinkSpec {
            variants: variants.to_vec(),
            variant_mode: mode,
            ..LinkSpec::to(destination(""))
        },
        learned_weights: Vec::new(),
        revision: 1,
        created_at: changed,
        updated_at: changed,
    }
}

/// A service that learns each second, with these links.
async fn learning(engine: &Engine, links: &[&Link]) -> Service {
    let service = Service::start_with(|config| {
        config.clickhouse = engine.config();
        config.analytics.bandit_seconds = 1;
    })
    .await;
    for link in links {
        service.store.create_link(link).await.unwrap();
    }
    service
}

/// The link once its weights are as wished.
async fn until(service: &Service, link: &Link, wished: impl Fn(&[u32]) -> bool) -> Link {
    let start = Instant::now();
    loop {
        let stored = service.store.link(&link.workspace, link.id).await;
        let stored = stored.unwrap().unwrap();
        if wished(&stored.learned_weights) {
            return stored;
        }
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "still {:?}",
            stored.learned_weights
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn visitors_go_where_clicks_convert() {
    let engine = Engine::migrated().await;
    let changed = Timestamp::now() - 30.minutes();
    let learns = link(1, VariantMode::Bandit, changed);
    let given = link(2, VariantMode::Weighted, changed);
    let little = link(3, VariantMode::Bandit, changed);
    let service = learning(&engine, &[&learns, &given, &little]).await;

    // What was before the last change is of another link, whatever it says.
    let mut before = Traffic::from(changed - 10.minutes());
    before.on(learns.id, "a", 1000, 1000);
    before.insert(&engine).await;
    let mut traffic = Traffic::from(changed + 1.minute());
    traffic.on(learns.id, "a", 400, 12);
    traffic.on(learns.id, "b", 400, 48);
    // None of these may count for variant a: bots, questions for a password, what a rule decided.
    for click in traffic.on(learns.id, "a", 500, 500) {
        click.verdict = BOT;
    }
    for click in traffic.on(learns.id, "a", 500, 500) {
        click.outcome = 7;
    }
    traffic.on(learns.id, "", 500, 500);
    traffic.on(learns.id, "an earlier name", 500, 500);
    traffic.on(given.id, "a", 400, 100);
    traffic.on(given.id, "b", 400, 200);
    traffic.on(little.id, "a", 400, 100);
    traffic.on(little.id, "b", 49, 20);
    traffic.insert(&engine).await;

    let stored = until(&service, &learns, |weights| !weights.is_empty()).await;
    assert_eq!(
        stored.learned_weights,
        [20, 980, 0],
        "3 % against 12 % leave no doubt"
    );
    assert_eq!(
        (stored.revision, stored.updated_at),
        (1, changed),
        "not its owner's change"
    );
    assert_eq!(stored.spec, learns.spec);

    // The same evidence again changes nothing, so that no cache forgets the link for it.
    let mut changes = service.store.changes();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(changes.is_empty(), "{:?}", changes.try_recv());

    // The tide turns: all together a has 412 of 800 and b has 48 of 400.
    let mut later = Traffic::from(changed + 10.minutes());
    later.on(learns.id, "a", 400, 400);
    later.insert(&engine).await;
    until(&service, &learns, |weights| weights == [980, 20, 0]).await;

    for other in [&given, &little] {
        let stored = service.store.link(&other.workspace, other.id).await;
        assert_eq!(stored.unwrap().as_ref(), Some(other), "left alone");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversion_counts_for_the_click_that_its_customer_came_by() {
    let engine = Engine::migrated().await;
    let changed = Timestamp::now() - 30.minutes();
    let learns = link(1, VariantMode::Bandit, changed);
    let service = learning(&engine, &[&learns]).await;
    let mut traffic = Traffic::from(changed + 1.minute());
    traffic.on(learns.id, "a", 300, 0);
    let clicks = traffic.on(learns.id, "b", 300, 0).to_vec();
    for (number, click) in clicks.iter().take(60).enumerate() {
        // The signing up names the click, before it happened as some clocks have it; the order names
        // only the customer.
        let customer = format!("customer-{number}");
        let of_customer = |kind: &str, time: i64, click_id: u128| Conversion {
            customer: customer.clone(),
            ..Conversion::new("acme", &format!("{kind}-{number}"), LEAD, time, click_id)
        };
        traffic.conversions.extend([
            of_customer("sign-up", click.time - 1, click.click_id),
            of_customer("order", click.time + 1000, 0),
        ]);
    }
    traffic.insert(&engine).await;
    until(&service, &learns, |weights| weights == [20, 980, 0]).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_waited_for() {
    let mut engine = Engine::migrated().await;
    let changed = Timestamp::now() - 30.minutes();
    let learns = link(1, VariantMode::Bandit, changed);
    let service = learning(&engine, &[&learns]).await;
    let mut traffic = Traffic::from(changed + 1.minute());
    traffic.on(learns.id, "a", 100, 5);
    traffic.on(learns.id, "b", 100, 60);
    traffic.insert(&engine).await;
    engine.kill();
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let stored = service.store.link(&learns.workspace, learns.id).await;
    let early = stored.unwrap().unwrap().learned_weights;
    engine.start_again();
    let weights = until(&service, &learns, |weights| !weights.is_empty()).await;
    assert_eq!(
        weights.learned_weights,
        [20, 980, 0],
        "and at first {early:?}"
    );
    let figures = whence_core::test_support::http::ask(service.admin, "GET", "/metrics", &[], "");
    let figures = figures.await.unwrap().body;
    assert!(
        figures.contains("whence_analytics_bandit_pushes_total 1"),
        "{figures}"
    );
    assert!(
        !figures.contains("whence_analytics_bandit_failures_total 0"),
        "{figures}"
    );
    service.stop().await;
}
