//! KPIs against a count by hand, over small worlds of their own: few customers who refer each other and themselves, share, and
//! buy again, around the time when they are asked, so that some windows are over and some are not.

mod by_hand;
mod world;

use std::collections::BTreeMap;
use std::sync::Arc;

use fastrand::Rng;
use futures::{StreamExt, stream as futures_stream};
use jiff::Timestamp;
use serde_json::{Value, json};
use whence_core::key::Right;
use whence_core::test_support::Engine;

use self::by_hand::{Asked, Told, expected};
use self::world::{Market, PROGRAM, markets};
use super::stream::{DAY, HOUR, shuffled};
use crate::events::insert;
use crate::support::{Service, add_key, add_workspace};

/// Markets, each asked so often.
const MARKETS: u64 = 16;
const ROUNDS: u64 = 2;

#[tokio::test]
async fn kpis_say_what_a_simple_count_says() {
    let engine = Engine::migrated().await;
    let service = Arc::new(
        Service::start_with(|config| {
            config.clickhouse = engine.config();
            config.analytics.key_rate = 0;
        })
        .await,
    );
    let markets = markets(MARKETS, Timestamp::now().as_millisecond());
    let client = engine.client();
    let worlds: Vec<_> = markets.iter().map(|market| &market.world).collect();
    let clicks = shuffled(&worlds, |world| &world.clicks);
    let conversions = shuffled(&worlds, |world| &world.conversions);
    super::store(&client, &clicks, &conversions).await;
    let shares: Vec<_> = markets
        .iter()
        .flat_map(|market| market.shares.clone())
        .collect();
    for block in shares.chunks(200) {
        insert(&client, "page_events", block).await;
    }
    let mut cases = Vec::new();
    for market in markets {
        let workspace = &market.world.workspace;
        add_workspace(&*service.store, workspace, market.world.zone).await;
        let key = add_key(&*service.store, workspace, &[Right::Reports, Right::Links]).await;
        enroll(&service, &key, &market).await;
        cases.push((market, key));
    }
    let asked = futures_stream::iter(cases).map(async |(market, key)| {
        let mut compared = 0;
        for round in 0..ROUNDS {
            compared += one(&service, &key, &market, round).await;
        }
        compared
    });
    let compared: Vec<usize> = asked.buffer_unordered(4).collect().await;
    let compared = compared.iter().sum::<usize>();
    assert!(compared >= 30 * (MARKETS * ROUNDS) as usize, "{compared}");
}

/// Makes the links that the market's advocates have.
async fn enroll(service: &Service, key: &str, market: &Market) {
    let host = format!("{}.example", market.world.workspace);
    let (host, workspace) = (
        host.parse().unwrap(),
        market.world.workspace.parse().unwrap(),
    );
    service.store.claim_domain(&host, &workspace).await.unwrap();
    for (advocate, program) in &market.links {
        let mut link = json!({ "destination": "https://shop.example/", "advocate": advocate });
        if !program.is_empty() {
            link["program"] = json!(program);
        }
        let got = service.ask(key, "POST", "/api/v1/links", link.to_string());
        assert_eq!(got.await.status, 201, "{link}");
    }
}

/// Asks once; answers how many rows were compared.
async fn one(service: &Service, key: &str, market: &Market, round: u64) -> usize {
    let mut rng = Rng::with_seed(market.seed * ROUNDS + round + 5_000_000);
    let around = market.world.around;
    let from = around - rng.i64(0..25) * DAY - rng.i64(0..DAY);
    let to = from + rng.i64(1..40) * DAY + rng.i64(0..DAY);
    let window = [HOUR, 5 * DAY, 12 * DAY, 30 * DAY][rng.usize(..4)];
    let entered = rng.bool();
    let (customer_by, goals) = [
        ("conversion", &["lead", "sale"][..]),
        ("sale", &["sale"]),
        ("lead", &["lead"]),
    ][rng.usize(..3)];
    let mut asked = Asked {
        from,
        to,
        cohort: if entered {
            (from, to)
        } else {
            (from - window, to - window)
        },
        window,
        now: 0,
        goals,
        all_traffic: rng.bool(),
        program: [None, None, Some(PROGRAM)][rng.usize(..3)],
        costs: Vec::new(),
        margin: [1.0, 0.25][rng.usize(..2)],
    };
    for (currency, channel) in [("EUR", None), ("EUR", Some("Email")), ("USD", None)] {
        if rng.bool() {
            let amount = [1, 5_000, 40_000][rng.usize(..3)] + rng.u64(..1000);
            asked.costs.push((currency, channel, amount));
        }
    }
    let instant = |ms: i64| Timestamp::from_millisecond(ms).unwrap().to_string();
    let mut body = json!({
        "from": instant(from), "to": instant(to), "window": format!("{}h", window / HOUR),
        "cohort": if entered { "entered" } else { "closed" }, "customer_by": customer_by,
        "traffic": if asked.all_traffic { "all" } else { "human" },
    });
    if let Some(program) = asked.program {
        body["program"] = json!(program);
    }
    if !asked.costs.is_empty() {
        body["margin"] = json!(asked.margin);
        let cost = |(currency, channel, amount): &(&str, Option<&str>, u64)| json!({ "currency": currency, "channel": channel, "amount_minor": amount });
        body["costs"] = asked.costs.iter().map(cost).collect();
    }
    let got = service
        .ask(key, "POST", "/api/v1/kpis", body.to_string())
        .await;
    assert_eq!(got.status, 200, "{body}: {}", got.body);
    let got: Value = got.json();
    let as_of: Timestamp = got["as_of"].as_str().unwrap().parse().unwrap();
    asked.now = as_of.as_millisecond();
    compare(
        &got,
        &expected(&asked, market),
        &body,
        &market.world.workspace,
    )
}

fn compare(got: &Value, expected: &BTreeMap<String, Told>, body: &Value, workspace: &str) -> usize {
    let mut found = BTreeMap::new();
    for row in got["rows"].as_array().unwrap() {
        let text = |field: &str| row[field].as_str().unwrap_or("-").to_owned();
        let name = [
            text("kpi"),
            text("variant"),
            text("currency"),
            text("channel"),
        ]
        .join(" ");
        let told = Told {
            numerator: row["numerator"]["count"].as_i64().map(i128::from),
            denominator: row["denominator"]["count"].as_i64().map(i128::from),
            open: row["open"].as_u64(),
            value: row["value"].as_f64(),
        };
        assert_eq!(told.value.is_none(), row["reason"].is_string(), "{row}");
        if let (Some(value), Some(low), Some(high)) =
            (told.value, row["low"].as_f64(), row["high"].as_f64())
        {
            assert!(
                row["unit"] == "share" && low <= value && value <= high,
                "{row}"
            );
        }
        assert!(found.insert(name, told).is_none(), "{row}");
    }
    for (name, wanted) in expected {
        let what = format!("{name} of {body} in {workspace}");
        let row = found.get(name).unwrap_or_else(|| panic!("no {what}"));
        assert!(row.is(wanted), "{row:?} and not {wanted:?}: {what}");
    }
    let names: Vec<_> = found.keys().collect();
    assert_eq!(names, expected.keys().collect::<Vec<_>>(), "{body}");
    found.len()
}
