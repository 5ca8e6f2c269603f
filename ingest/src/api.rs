//! The ways in: blocks of clicks from redirectors, conversions and page events from browsers and servers, confirmations
//! from pages; and the script for pages.
//!
//! Here a request becomes what the rooms behind understand, and their answer becomes a response.

mod batch;
mod beacon;
mod blocks;
mod caller;
mod confirm;
mod conversions;
mod lanes;
mod page;
mod page_events;
mod pixel;
mod receive;
mod script;
mod told;

use std::sync::Arc;

use axum::Router;
use axum::http::{Method, StatusCode, Uri};
use axum::routing::{get, post};
use tokio::sync::Semaphore;
use whence_core::id::ClickIdKey;
use whence_core::problem::Problem;
use whence_core::secret::Secret;

use crate::confirmation::desk::ConfirmationDesk;
use crate::conversion::desk::Desk;
use crate::enrich::Enricher;
use crate::insert::Inserts;
use crate::known::Known;
use crate::metrics::Metrics;
use crate::page_event::desk::PageEventDesk;
use crate::page_event::pace::Pace;
use crate::rules::Rules;
use crate::turns::Turns;
use crate::visitors::Visitors;

/// What every request may need.
pub(crate) struct Shared {
    /// Judges clicks.
    pub(crate) enricher: Enricher,
    /// Keeps workspaces' own rules of channels with it.
    pub(crate) rules: Rules,
    /// Brings blocks into ClickHouse.
    pub(crate) inserts: Arc<Inserts>,
    /// Accepts conversions.
    pub(crate) desk: Arc<Desk>,
    /// Takes confirmations.
    pub(crate) confirmations: ConfirmationDesk,
    /// Takes page events.
    pub(crate) page_events: PageEventDesk,
    /// Tells a genuine click id from a forged one.
    pub(crate) key: ClickIdKey,
    /// What redirectors present.
    pub(crate) token: Secret,
    /// Workspaces and API keys.
    pub(crate) known: Known,
    /// Tells visitors without cookies apart, for a day.
    pub(crate) visitors: Arc<Visitors>,
    /// Name of the visitor's cookie.
    pub(crate) visitor_cookie: String,
    /// How long cookies last, in days.
    pub(crate) cookie_days: u32,
    /// How many blocks may be in memory at a time.
    pub(crate) block_turns: Turns,
    /// How many requests with accounts of lanes may be.
    pub(crate) account_turns: Turns,
    /// How many batches of conversions may be.
    pub(crate) batch_turns: Turns,
    /// How many pixels may be worked on.
    pub(crate) pixels: Arc<Semaphore>,
    /// How many confirmations may be.
    pub(crate) confirmation_turns: Semaphore,
    /// How fast those of one person may come from browsers.
    pub(crate) page_event_pace: Pace,
    /// How many page events from browsers may be.
    pub(crate) page_event_turns: Semaphore,
    /// How many requests with page events from servers may be in memory at a time.
    pub(crate) page_event_batch_turns: Turns,
    /// The figures.
    pub(crate) metrics: Metrics,
}

/// All routes.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/blocks", post(blocks::receive))
        .route("/v1/lanes", post(lanes::receive))
        .route("/v1/events", post(beacon::receive).options(page::preflight))
        .route("/v1/conversions", post(conversions::receive))
        .route("/v1/conversions/batch", post(batch::receive))
        .route("/p.gif", get(pixel::receive))
        .route("/w.js", get(script::get))
        .route(
            "/v1/confirm",
            post(confirm::receive).options(page::preflight),
        )
        .route(
            "/v1/page",
            post(page_events::of_page).options(page::preflight),
        )
        .route("/v1/page-events", post(page_events::of_server))
        .fallback(async |uri: Uri| {
            Problem::new(
                StatusCode::NOT_FOUND,
                format!("there is nothing at {}", uri.path()),
            )
        })
        .method_not_allowed_fallback(async |method: Method, uri: Uri| {
            let detail = format!("{} does not answer {method}", uri.path());
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
        })
        .with_state(shared)
}
