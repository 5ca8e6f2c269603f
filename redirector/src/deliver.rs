//! Delivers blocks of clicks, and what their lanes say of themselves, to ingest over HTTP.
//!
//! One delivery asks every address there is, one after another, until one has taken the block: whoever is
//! away costs no pause. Which is asked first is decided in `addresses.rs`, what an answer means in `answer.rs`.

mod addresses;
mod answer;

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::{Request, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;
use whence_core::account::LaneAccount;
use whence_core::journal::Block;
use whence_core::secret::Secret;
use whence_core::ship::{DeliverError, Sink};

use addresses::{Address, Addresses};
use answer::{LONGEST_REASON, Round, Verdict};

/// Longer than ingest waits for ClickHouse, so that its answer is heard.
const PATIENCE: Duration = Duration::from_secs(60);
/// What takes no connection in this time is away.
const CONNECT_PATIENCE: Duration = Duration::from_secs(3);
/// Who has not answered by now may still do so; other lanes ask elsewhere meanwhile.
const SLOW: Duration = Duration::from_secs(5);
/// How long an account may take: the next one comes soon.
const ACCOUNT_PATIENCE: Duration = Duration::from_secs(10);

/// Ingest, behind as many addresses as there are.
pub(crate) struct Ingest {
    client: Client<HttpConnector, Full<Bytes>>,
    addresses: Addresses,
    authorization: HeaderValue,
    patience: Patience,
}

/// How long is waited for answers.
#[derive(Clone, Copy)]
struct Patience {
    answer: Duration,
    slow: Duration,
}

impl Ingest {
    /// Ingest at these addresses, each the base of a URL.
    pub(crate) fn new(addresses: &[String], token: &Secret) -> Result<Self, String> {
        let patience = Patience {
            answer: PATIENCE,
            slow: SLOW,
        };
        Self::with_patience(addresses, token, patience)
    }

    fn with_patience(
        addresses: &[String],
        token: &Secret,
        patience: Patience,
    ) -> Result<Self, String> {
        let addresses = Addresses::parse(addresses)?;
        let mut authorization = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
            .map_err(|_| "ingest.token: must be printable ASCII".to_owned())?;
        authorization.set_sensitive(true);
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_PATIENCE));
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self {
            client,
            addresses,
            authorization,
            patience,
        })
    }

    /// Sends a block to one address, which rests when it does not take it.
    async fn offer(&self, address: &Address, block: &Block) -> Verdict {
        let body = block.wire().clone();
        let mut posting = Box::pin(self.post(&address.blocks, "application/octet-stream", body));
        let Patience { answer, slow } = self.patience;
        let verdict = match timeout(slow, &mut posting).await {
            Ok(verdict) => Some(verdict),
            Err(_) => {
                address.rest();
                timeout(answer.saturating_sub(slow), posting).await.ok()
            }
        };
        let verdict = verdict.unwrap_or_else(|| Verdict::Later(no_answer(&address.blocks, answer)));
        match verdict {
            Verdict::Later(_) => address.rest(),
            Verdict::Taken | Verdict::Never(_) => address.answered(),
        }
        verdict
    }

    async fn post(&self, uri: &Uri, media_type: &'static str, body: Bytes) -> Verdict {
        let request = Request::post(uri)
            .header(AUTHORIZATION, &self.authorization)
            .header(CONTENT_TYPE, media_type)
            .body(Full::from(body))
            .expect("the parts are checked");
        let answer = match self.client.request(request).await {
            Ok(answer) => answer,
            Err(error) => return Verdict::Later(format!("{uri}: {}", with_causes(&error))),
        };
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, LONGEST_REASON).collect().await;
        let text = body.map(|body| String::from_utf8_lossy(&body.to_bytes()).into_owned());
        Verdict::of(uri, &head, &text.unwrap_or_default())
    }
}

impl Sink for Ingest {
    async fn deliver(&self, block: &Block) -> Result<(), DeliverError> {
        let mut round = Round::default();
        for address in self.addresses.order(block.id().lane.get()) {
            match self.offer(address, block).await {
                Verdict::Taken => return Ok(()),
                verdict => round.heard(verdict),
            }
        }
        Err(round.outcome())
    }

    async fn account(&self, accounts: &[LaneAccount]) -> Result<(), DeliverError> {
        let lane = accounts.first().map_or("", |account| &account.lane);
        let lane = u64::from_str_radix(lane, 16).unwrap_or_default();
        let body = serde_json::to_vec(accounts).expect("accounts can be written as JSON");
        let body = Bytes::from(body);
        let mut round = Round::default();
        for address in self.addresses.order(lane) {
            let posting = self.post(&address.lanes, "application/json", body.clone());
            match timeout(ACCOUNT_PATIENCE, posting).await {
                Ok(Verdict::Taken) => return Ok(()),
                Ok(verdict) => round.heard(verdict),
                Err(_) => round.heard(Verdict::Later(no_answer(&address.lanes, ACCOUNT_PATIENCE))),
            }
        }
        Err(round.outcome())
    }
}

fn no_answer(uri: &Uri, patience: Duration) -> String {
    format!("{uri}: no answer in {} s", patience.as_secs())
}

/// An error with what it comes from: the client alone says "client error (Connect)".
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
