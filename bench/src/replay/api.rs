//! The links API and the reports, as far as a replay needs them.

use std::cmp::Reverse;
use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use http_body_util::Full;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::sleep;
use whence_core::link::Slug;
use whence_core::secret::Secret;

use super::totals::Counts;
use crate::http::{self, Answer, Client};

/// The most keys of one report: what the API allows.
pub(super) const MOST_KEYS: usize = 1000;
/// The keys that a person is shown: enough to hold them against `awk`'s.
const SHOWN: usize = 5;
/// How often a request that has come too early is sent again.
const TRIES: usize = 30;

/// An installation's API, with a key to one workspace.
#[derive(Debug)]
pub(super) struct Api {
    client: Client,
    base: String,
    authorization: HeaderValue,
}

/// A breakdown, as far as it is compared.
#[derive(Debug, Default)]
pub(super) struct Breakdown {
    /// All clicks together.
    pub(super) total: u64,
    /// Clicks by key.
    pub(super) counts: Counts,
}

impl fmt::Display for Breakdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut keys: Vec<_> = self.counts.iter().collect();
        keys.sort_by_key(|&(_, count)| Reverse(count));
        write!(f, "{} clicks, {} keys", self.total, keys.len())?;
        for (key, count) in keys.into_iter().take(SHOWN) {
            write!(f, "; {count} {key:?}")?;
        }
        Ok(())
    }
}

impl Api {
    /// The API at `base`, such as `http://127.0.0.1:8082`.
    pub(super) fn new(base: &str, key: &Secret) -> Result<Self> {
        let mut authorization = HeaderValue::from_str(&format!("Bearer {}", key.expose()))
            .context("the API key holds what no key holds")?;
        authorization.set_sensitive(true);
        Ok(Self {
            client: http::client(),
            base: base.trim_end_matches('/').to_owned(),
            authorization,
        })
    }

    /// Claims a short domain for the workspace.
    pub(super) async fn claim_domain(&self, host: &str) -> Result<()> {
        let body = json!({ "host": host });
        self.expect(
            StatusCode::CREATED,
            Method::POST,
            "/api/v1/domains",
            Some(&body),
        )
        .await?;
        Ok(())
    }

    /// Makes a link. Where it leads does not matter: nobody follows it.
    pub(super) async fn make_link(&self, domain: &str, slug: &Slug, channel: &str) -> Result<()> {
        let body = json!({
            "domain": domain,
            "slug": slug.as_str(),
            "destination": "https://shop.example/",
            "channel": channel,
        });
        self.expect(
            StatusCode::CREATED,
            Method::POST,
            "/api/v1/links",
            Some(&body),
        )
        .await?;
        Ok(())
    }

    /// Clicks of a channel, all traffic, by one dimension.
    pub(super) async fn breakdown(
        &self,
        by: &str,
        channel: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Breakdown> {
        #[derive(Deserialize)]
        struct Row {
            key: String,
            clicks: u64,
        }
        #[derive(Deserialize)]
        struct Totals {
            clicks: u64,
        }
        #[derive(Deserialize)]
        struct Report {
            rows: Vec<Row>,
            keys: u64,
            totals: Totals,
        }
        let path = format!(
            "/api/v1/reports/breakdown?by={by}&channel={channel}&traffic=all&from={from}&to={to}&limit={MOST_KEYS}"
        );
        let answer = self
            .expect(StatusCode::OK, Method::GET, &path, None)
            .await?;
        let report: Report = serde_json::from_slice(&answer.body)
            .with_context(|| format!("the answer to GET {path}"))?;
        let counts: Counts = report
            .rows
            .into_iter()
            .map(|row| (row.key, row.clicks))
            .collect();
        ensure!(
            counts.len() as u64 == report.keys,
            "the report by {by} shows {} of {} keys: one path has more than can be compared",
            counts.len(),
            report.keys
        );
        Ok(Breakdown {
            total: report.totals.clicks,
            counts,
        })
    }

    /// Asks until the answer is no more that we ask too often; anything but `status` is an error that says what
    /// the API says.
    async fn expect(
        &self,
        status: StatusCode,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer> {
        for _ in 0..TRIES {
            let request = Request::builder()
                .method(&method)
                .uri(format!("{}{path}", self.base))
                .header(AUTHORIZATION, &self.authorization)
                .header(CONTENT_TYPE, "application/json")
                .body(body.map_or_else(Full::default, |body| Full::from(body.to_string())))
                .with_context(|| format!("--api {}", self.base))?;
            let answer = http::send(&self.client, request).await?;
            if answer.status == status {
                return Ok(answer);
            }
            if !matches!(
                answer.status,
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
            ) {
                let said = String::from_utf8_lossy(&answer.body);
                bail!("{method} {}{path}: {}: {said}", self.base, answer.status);
            }
            sleep(http::retry_after(&answer.headers).unwrap_or(Duration::from_secs(1))).await;
        }
        bail!("{method} {}{path}: told to wait {TRIES} times", self.base)
    }
}
