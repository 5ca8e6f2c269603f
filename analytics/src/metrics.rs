//! The service's figures: which there are, and what they count.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::api::Api;

/// A link is read in a millisecond, a report over a year takes seconds.
const BUCKETS: [f64; 11] = [
    0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0,
];

/// The route of a request, by its pattern and never by its path, so that there are few.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    method: &'static str,
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Query {
    query: &'static str,
}

/// What is counted.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    /// Requests refused because their key asks too often.
    pub(crate) limited: Counter,
    /// Links whose variants got new weights.
    pub(crate) bandit_pushes: Counter,
    /// Times that some weights could not be brought up to date.
    pub(crate) bandit_failures: Counter,
    /// Bytes of the clicks that are held in memory, about.
    pub(crate) held_bytes: Gauge,
    requests: Family<Answer, Counter>,
    seconds: Family<Route, Histogram, fn() -> Histogram>,
    query_seconds: Family<Query, Histogram, fn() -> Histogram>,
    query_failures: Family<Query, Counter>,
}

fn histogram() -> Histogram {
    Histogram::new(BUCKETS)
}

impl Metrics {
    /// Makes the figures and lets them be scraped.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            limited: Counter::default(),
            bandit_pushes: Counter::default(),
            bandit_failures: Counter::default(),
            held_bytes: Gauge::default(),
            requests: Family::default(),
            seconds: Family::new_with_constructor(histogram),
            query_seconds: Family::new_with_constructor(histogram),
            query_failures: Family::default(),
        };
        registry.register(
            "held_bytes",
            "Bytes of the clicks that are held in memory, about",
            metrics.held_bytes.clone(),
        );
        registry.register(
            "limited",
            "Requests refused because their key asks too often",
            metrics.limited.clone(),
        );
        registry.register(
            "bandit_pushes",
            "Links whose variants got new weights from reports",
            metrics.bandit_pushes.clone(),
        );
        registry.register(
            "bandit_failures",
            "Times that weights could not be brought up to date",
            metrics.bandit_failures.clone(),
        );
        registry.register(
            "requests",
            "Requests by route and status",
            metrics.requests.clone(),
        );
        registry.register_with_unit(
            "request",
            "How long requests took",
            Unit::Seconds,
            metrics.seconds.clone(),
        );
        registry.register_with_unit(
            "query",
            "How long ClickHouse took to answer",
            Unit::Seconds,
            metrics.query_seconds.clone(),
        );
        registry.register(
            "query_failures",
            "Queries that ClickHouse did not answer",
            metrics.query_failures.clone(),
        );
        metrics
    }

    /// Counts a query of this name.
    pub(crate) fn query(&self, query: &'static str, took: Duration, answered: bool) {
        let label = Query { query };
        self.query_seconds
            .get_or_create(&label)
            .observe(took.as_secs_f64());
        if !answered {
            self.query_failures.get_or_create(&label).inc();
        }
    }
}

/// Stands around every handler and counts its answers.
pub(crate) async fn count(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let method = match *request.method() {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    };
    let matched = request.extensions().get::<MatchedPath>();
    let route = matched.map_or("none", MatchedPath::as_str).to_owned();
    let started = Instant::now();
    let response = next.run(request).await;
    let answer = Answer {
        method,
        route: route.clone(),
        status: response.status().as_u16(),
    };
    api.metrics.requests.get_or_create(&answer).inc();
    let took = started.elapsed().as_secs_f64();
    api.metrics
        .seconds
        .get_or_create(&Route { method, route })
        .observe(took);
    response
}
