//! The little of HTTP that benches ask with, where speed does not matter.

use std::time::Duration;

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::RETRY_AFTER;
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// A client with a pool of connections.
pub(crate) type Client = hyper_util::client::legacy::Client<HttpConnector, Full<Bytes>>;

/// Longer than the slowest report may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The largest answer that is read: a report of every path there is.
const LARGEST: usize = 64 << 20;

/// The longest that a `Retry-After` is believed, in seconds.
const LONGEST_WAIT: u64 = 60;

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A client.
pub(crate) fn client() -> Client {
    hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http()
}

/// Sends a request and reads the whole answer.
pub(crate) async fn send(client: &Client, request: Request<Full<Bytes>>) -> Result<Answer> {
    send_within(client, request, PATIENCE).await
}

/// The same, where it may take so long.
pub(crate) async fn send_within(
    client: &Client,
    request: Request<Full<Bytes>>,
    patience: Duration,
) -> Result<Answer> {
    let what = format!("{} {}", request.method(), request.uri());
    let exchange = async {
        let (head, body) = client.request(request).await?.into_parts();
        let body = Limited::new(body, LARGEST)
            .collect()
            .await
            .map_err(anyhow::Error::from_boxed)?;
        Ok::<_, anyhow::Error>(Answer {
            status: head.status,
            headers: head.headers,
            body: body.to_bytes(),
        })
    };
    tokio::time::timeout(patience, exchange)
        .await
        .unwrap_or_else(|_| Err(anyhow::anyhow!("no answer within {} s", PATIENCE.as_secs())))
        .context(what)
}

/// Sends a `GET`.
pub(crate) async fn get(client: &Client, url: &str) -> Result<Answer> {
    let request = Request::get(url)
        .body(Full::default())
        .with_context(|| url.to_owned())?;
    send(client, request).await
}

/// How long the other side asks to wait, where it says so in seconds.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds.min(LONGEST_WAIT)))
}
