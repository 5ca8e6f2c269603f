//! Delivers click blocks to ingest over HTTP.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::{Request, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;
use whence_core::journal::Block;
use whence_core::secret::Secret;
use whence_core::ship::{DeliverError, Sink};

/// Longer than ingest waits for ClickHouse, so that its answer is heard.
const PATIENCE: Duration = Duration::from_secs(60);
/// What is read of an answer that says why not.
const LONGEST_REASON: usize = 4096;

/// Ingest, behind as many addresses as there are.
pub(crate) struct Ingest {
    client: Client<HttpConnector, Full<Bytes>>,
    addresses: Vec<Uri>,
    /// The address that answered last; the next one is tried when it fails.
    current: AtomicUsize,
    authorization: HeaderValue,
}

impl Ingest {
    /// Ingest at these addresses, each the base of a URL.
    pub(crate) fn new(addresses: &[String], token: &Secret) -> Result<Self, String> {
        if addresses.is_empty() {
            return Err("redirector.ingest: must name at least one address".into());
        }
        let addresses = addresses
            .iter()
            .map(|base| {
                let uri = format!("{}/v1/blocks", base.trim_end_matches('/'));
                let parsed = uri
                    .parse::<Uri>()
                    .ok()
                    .filter(|uri| uri.scheme_str() == Some("http"));
                parsed.ok_or_else(|| format!("redirector.ingest: {base:?} must be an http:// URL"))
            })
            .collect::<Result<_, _>>()?;
        let mut authorization = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
            .map_err(|_| "ingest.token: must be printable ASCII".to_owned())?;
        authorization.set_sensitive(true);
        let client = Client::builder(TokioExecutor::new()).build_http();
        Ok(Self {
            client,
            addresses,
            current: AtomicUsize::new(0),
            authorization,
        })
    }

    async fn post(&self, uri: &Uri, block: &Block) -> Result<(), DeliverError> {
        let request = Request::post(uri)
            .header(AUTHORIZATION, &self.authorization)
            .header(CONTENT_TYPE, "application/octet-stream")
            .body(Full::from(block.wire().clone()))
            .expect("the parts are checked");
        let answer = self
            .client
            .request(request)
            .await
            .map_err(|error| DeliverError::Retry(format!("{uri}: {error}")))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let body = Limited::new(answer.into_body(), LONGEST_REASON)
            .collect()
            .await;
        let reason = body.map(|body| String::from_utf8_lossy(&body.to_bytes()).into_owned());
        let reason = format!("{uri}: {status}: {}", reason.unwrap_or_default().trim());
        // 401 and 429 pass when somebody mends the token or the load; what else is said of the block
        // itself will be said again.
        if status.is_server_error() || matches!(status.as_u16(), 401 | 403 | 408 | 429) {
            Err(DeliverError::Retry(reason))
        } else {
            Err(DeliverError::Refused(reason))
        }
    }
}

impl Sink for Ingest {
    async fn deliver(&self, block: &Block) -> Result<(), DeliverError> {
        let current = self.current.load(Ordering::Relaxed);
        let uri = &self.addresses[current % self.addresses.len()];
        let result = timeout(PATIENCE, self.post(uri, block))
            .await
            .unwrap_or_else(|_| {
                Err(DeliverError::Retry(format!(
                    "{uri}: no answer in {} s",
                    PATIENCE.as_secs()
                )))
            });
        // A refusal too: in a rolling upgrade the next address may be the newer one.
        if result.is_err() {
            self.current
                .store(current.wrapping_add(1), Ordering::Relaxed);
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked() {
        let token = Secret::new("t");
        let error = |addresses: &[&str]| {
            let addresses: Vec<_> = addresses.iter().map(|a| (*a).to_owned()).collect();
            Ingest::new(&addresses, &token).err()
        };
        assert_eq!(
            error(&["http://127.0.0.1:8081/", "http://ingest-2:8081"]),
            None
        );
        assert!(error(&[]).unwrap().contains("redirector.ingest"));
        assert!(error(&["ingest:8081"]).unwrap().contains("ingest:8081"));
    }
}
