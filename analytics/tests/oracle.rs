//! The reports against a second opinion: random streams of events go into the real engine, and each
//! report must say what a slow and simple count over the same events says.
//!
//! `stream` makes the events, `reference` counts them, and neither knows any SQL. Each case is a
//! workspace of its own in the same tables, so that what is another's is always close at hand.

mod attribution;
mod cohorts;
mod compare;
mod funnel;
mod kpis;
mod overview;
mod paths;
mod people;
mod query;
mod reference;
mod stream;

use std::sync::Arc;

use clickhouse::Client;
use futures::{StreamExt, stream as futures_stream};
use whence_core::clickhouse::copy_carried;
use whence_core::config::Config;
use whence_core::key::Right;
use whence_core::test_support::Engine;

use crate::events::{Click, Conversion, insert};
use crate::support::{Service, add_key, add_workspace};

/// Workspaces, each asked every report in two ways, four queries and two attributions:
/// 500 comparisons.
const WORKSPACES: u64 = 50;

/// Requests at a time: more than one, so that answers could be mixed up.
const AT_A_TIME: usize = 4;

/// A workspace with all that happened in it, and a key to ask for it.
type Case = (Arc<stream::World>, String);

/// Stores clicks and conversions in several blocks and out of order, as late events come; the clicks that conversions carry are
/// copied in between, so that reports find some of them copied, and some not yet.
async fn store(client: &Client, clicks: &[Click], conversions: &[Conversion]) {
    let (early, late) = clicks.split_at(clicks.len() * 2 / 3);
    let (soon, later) = conversions.split_at(conversions.len() * 3 / 4);
    store_blocks(client, early, soon).await;
    copy_carried(client, 0, false).await.unwrap();
    store_blocks(client, late, later).await;
}

async fn store_blocks(client: &Client, clicks: &[Click], conversions: &[Conversion]) {
    for block in clicks.chunks(2000) {
        insert(client, "clicks", block).await;
    }
    for block in conversions.chunks(500) {
        insert(client, "conversions", block).await;
    }
}

/// Two services over these events, in the real engine: one that holds no clicks in memory, and one that holds what it can.
async fn filled(engine: &Engine) -> ([Arc<Service>; 2], Vec<Case>) {
    let over = |holds: bool| {
        let clickhouse = engine.config();
        move |config: &mut Config| {
            config.clickhouse = clickhouse;
            config.analytics.key_rate = 0;
            config.analytics.held_least_clicks = if holds { 0 } else { u64::MAX };
        }
    };
    let service = Service::start_with(over(false)).await;
    let holding = Service::over(Arc::clone(&service.store), over(true)).await;
    let worlds = stream::worlds(WORKSPACES);
    let client = engine.client();
    let clicks = stream::shuffled(&worlds, |world| &world.clicks);
    let conversions = stream::shuffled(&worlds, |world| &world.conversions);
    store(&client, &clicks, &conversions).await;
    for block in stream::shuffled(&worlds, |world| &world.pages).chunks(500) {
        insert(&client, "page_events", block).await;
    }
    let mut cases = Vec::new();
    for world in worlds {
        add_workspace(&*service.store, &world.workspace, world.zone).await;
        let key = add_key(&*service.store, &world.workspace, &[Right::Reports]).await;
        cases.push((Arc::new(world), key));
    }
    ([Arc::new(service), Arc::new(holding)], cases)
}

#[tokio::test]
async fn reports_say_what_a_simple_count_says() {
    let engine = Engine::migrated().await;
    let (services, cases) = filled(&engine).await;
    let asked = futures_stream::iter(cases).map(async |(world, key)| {
        let mut compared = 0;
        for (round, service) in (0..).zip(&services) {
            compared += compare::all(service, &key, &world, round).await;
            compared += query::some(service, &key, &world, round).await;
            compared += attribution::one(service, &key, &world, round).await;
        }
        compared
    });
    let compared: Vec<usize> = asked.buffer_unordered(AT_A_TIME).collect().await;
    assert_eq!(compared.iter().sum::<usize>(), WORKSPACES as usize * 10);
}

#[tokio::test]
async fn overviews_say_what_a_simple_count_says() {
    let engine = Engine::migrated().await;
    let (services, cases) = filled(&engine).await;
    let asked = futures_stream::iter(cases).map(async |(world, key)| {
        for (round, service) in (0..).zip(&services) {
            overview::one(service, &key, &world, round).await;
        }
    });
    let asked: Vec<()> = asked.buffer_unordered(AT_A_TIME).collect().await;
    assert_eq!(asked.len(), WORKSPACES as usize);
}

#[tokio::test]
async fn funnels_say_what_a_simple_count_says() {
    let engine = Engine::migrated().await;
    let (services, cases) = filled(&engine).await;
    let asked = futures_stream::iter(cases).map(async |(world, key)| {
        let mut further = 0;
        for (round, service) in (0..).zip(&services) {
            further += funnel::once(service, &key, &world, round).await;
        }
        further
    });
    let further: Vec<u64> = asked.buffer_unordered(AT_A_TIME).collect().await;
    assert_eq!(further.len(), WORKSPACES as usize);
    assert!(further.iter().sum::<u64>() > 50, "{further:?}");
}

#[tokio::test]
async fn paths_and_cohorts_say_what_a_simple_count_says() {
    let engine = Engine::migrated().await;
    let (services, cases) = filled(&engine).await;
    let asked = futures_stream::iter(cases).map(async |(world, key)| {
        paths::one(&services[0], &key, &world).await;
        cohorts::one(&services[0], &key, &world).await;
        cohorts::referred(&services[0], &key, &world).await
    });
    let compared: Vec<u64> = asked.buffer_unordered(AT_A_TIME).collect().await;
    assert_eq!(compared.len(), WORKSPACES as usize);
    // Customers whose window is over, on both sides.
    assert!(compared.iter().sum::<u64>() > 100, "{compared:?}");
}
