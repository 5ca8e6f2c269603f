//! The reports, asked over HTTP with a key, of the last thirty days that there are.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use http_body_util::Full;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::{Request, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use whence_core::secret::Secret;

use super::data::{FIRST_DAY, LAST_DAY};
use super::timing::{Cost, Name};
use crate::http::{self, Client};

/// The reports of one workspace.
pub(super) struct Reports {
    client: Client,
    base: String,
    authorization: HeaderValue,
}

/// What every report says of its cost, and an overview of where it was counted.
#[derive(Deserialize)]
struct Read {
    rows_read: u64,
    bytes_read: u64,
    #[serde(default)]
    held: bool,
}

/// How long clicks may take to be held.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often somebody looks.
const LOOK: Duration = Duration::from_millis(500);

impl Reports {
    /// Those at this base, for the holder of this key.
    pub(super) fn of(base: &str, key: &Secret) -> Result<Self> {
        let mut authorization = HeaderValue::from_str(&format!("Bearer {}", key.expose()))?;
        authorization.set_sensitive(true);
        Ok(Self {
            client: http::client(),
            base: base.to_owned(),
            authorization,
        })
    }

    /// Asks one of them; says what was read for it.
    pub(super) async fn ask(&self, name: Name) -> Result<Cost> {
        const FIVE: [&str; 5] = ["first", "last", "last_non_direct", "linear", "time_decay"];
        let (path, mut body) = match name {
            Name::Overview => ("overview", json!({})),
            Name::Funnel3 => (
                "funnel",
                json!({ "steps": [{ "event": "click" }, { "event": "lead" }, { "event": "sale" }] }),
            ),
            Name::Attribution5 => ("attribution", json!({ "models": FIVE, "look_back": "90d" })),
            Name::MarkovShapley => {
                let models = [FIVE.as_slice(), &["markov", "shapley"]].concat();
                (
                    "attribution",
                    json!({ "models": models, "look_back": "90d" }),
                )
            }
        };
        body["from"] = json!(FIRST_DAY);
        body["to"] = json!(LAST_DAY);
        let read = self.post(&format!("/api/v1/{path}"), &body).await?;
        Ok(Cost {
            rows: read.rows_read,
            bytes: read.bytes_read,
        })
    }

    /// Asks for an overview until its clicks are held in memory; goes on where they never are.
    pub(super) async fn until_held(&self) -> Result<()> {
        let body = json!({ "from": FIRST_DAY, "to": LAST_DAY });
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            if self.post("/api/v1/overview", &body).await?.held {
                eprintln!("held after {} ms", started.elapsed().as_millis());
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
        eprintln!("clicks are not held: fewer than are worth it, or more than fit");
        Ok(())
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Read> {
        let request = Request::post(format!("{}{path}", self.base))
            .header(AUTHORIZATION, &self.authorization)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(body.to_string()))?;
        let answer = http::send(&self.client, request).await?;
        ensure!(
            answer.status == StatusCode::OK,
            "{path}: {}: {}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
        serde_json::from_slice(&answer.body)
            .with_context(|| format!("{path} does not say what it read"))
    }
}
