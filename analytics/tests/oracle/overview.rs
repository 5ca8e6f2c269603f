//! Random overviews against the count by hand that queries are held against, and against queries themselves.

use fastrand::Rng;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::query::{DIMENSIONS, Dimension, expected, question, round_rates};
use super::reference::label;
use super::stream::World;
use crate::support::Service;

const METRICS: [&str; 7] = [
    "clicks",
    "visitors",
    "leads",
    "sales",
    "converted_clicks",
    "conversion_rate",
    "revenue",
];

/// Compares an overview.
pub(super) async fn one(service: &Service, key: &str, world: &World, round: u64) {
    let seed: u64 = world.workspace[1..].parse().unwrap();
    let mut rng = Rng::with_seed(seed * 2 + round + 3_000_000);
    let (mut query, mut body) = question(world, &mut rng);
    let mut breakdowns: Vec<Dimension> = DIMENSIONS.to_vec();
    rng.shuffle(&mut breakdowns);
    breakdowns.truncate(rng.usize(0..=DIMENSIONS.len()));
    let limit = rng.usize(1..5);
    let interval = query.interval.unwrap_or("day");
    for field in ["metrics", "dimensions"] {
        body.as_object_mut().unwrap().remove(field);
    }
    let names: Vec<_> = breakdowns.iter().map(|(name, _)| name).collect();
    body["breakdowns"] = json!(names);
    body["interval"] = json!(interval);
    body["limit"] = json!(limit);
    let got = service
        .ask(key, "POST", "/api/v1/overview", body.to_string())
        .await;
    assert_eq!(got.status, 200, "{body}: {}", got.body);
    let mut got: Value = got.json();

    query.metrics = METRICS.to_vec();
    let told = |part: &str| format!("{part} of {body} in {} of {}", world.workspace, world.zone);
    // Written and read once, as what came over HTTP was, so that a rate is rounded alike.
    let again = |value: Value| -> Value { serde_json::from_str(&value.to_string()).unwrap() };
    query.dimensions = Vec::new();
    query.interval = Some(interval);
    let mut series = again(expected(&query, world));
    let zone = TimeZone::get(world.zone).unwrap();
    for row in got["rows"].as_array_mut().unwrap() {
        let time: Timestamp = row["time"].as_str().unwrap().parse().unwrap();
        row["time"] = json!(label(time.as_millisecond(), &zone, interval));
    }
    for part in ["rows", "totals"] {
        assert_eq!(
            round_rates(&mut got[part]),
            round_rates(&mut series[part]),
            "{}",
            told(part)
        );
    }
    query.interval = None;
    assert_eq!(
        got["breakdowns"].as_array().unwrap().len(),
        breakdowns.len()
    );
    for (number, dimension) in breakdowns.iter().enumerate() {
        query.dimensions = vec![*dimension];
        let mut by = again(expected(&query, world));
        by["rows"].as_array_mut().unwrap().truncate(limit);
        let got = &mut got["breakdowns"][number];
        assert_eq!(got["dimension"], json!(dimension.0));
        for part in ["rows", "groups"] {
            assert_eq!(
                round_rates(&mut got[part]),
                round_rates(&mut by[part]),
                "{}",
                told(&format!("{part} by {}", dimension.0))
            );
        }
    }
}
