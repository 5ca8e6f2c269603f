//! Every kind of link over real HTTP: what only shows between a client, the store and the journal. What a
//! decision alone can show stands beside the code.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says as much as one that expects"
)]

mod beside;
mod caps;
mod kinds;
mod passwords;
#[path = "../support/mod.rs"]
mod support;

use support::Edge;
use whence_core::click::{Click, Outcome};
use whence_core::link::{Link, LinkSpec};
use whence_core::test_support::http::{Got, ask};

const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36";
const ANDROID: &str = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36";

fn spec(mut json: serde_json::Value) -> LinkSpec {
    if json.get("destination").is_none() {
        json["destination"] = "https://shop.example/".into();
    }
    serde_json::from_value(json).unwrap()
}

/// A link with the password "password", hashed cheaply: from the test vectors of argon2's reference.
async fn locked(edge: &Edge, slug: &str, more: serde_json::Value) -> Link {
    let mut spec = spec(more);
    let hash =
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    spec.password_hash = Some(hash.parse().unwrap());
    edge.link_with(slug, spec).await
}

async fn submit(edge: &Edge, path: &str, form: &'static str) -> Got {
    let headers = [
        ("host", "go.example"),
        ("user-agent", CHROME),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    ask(edge.address(), "POST", path, &headers, form)
        .await
        .unwrap()
}

fn outcomes(clicks: &[Click<'_>], outcome: Outcome) -> usize {
    clicks
        .iter()
        .filter(|click| click.outcome == outcome)
        .count()
}
