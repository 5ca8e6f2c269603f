//! Merchants: each sends conversions until they are accepted, says some twice, contradicts some, and writes down
//! which were acknowledged.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode};
use serde_json::{Value, json};
use tokio::time::sleep;
use whence_core::id::ClickId;

use super::clicks::Visitors;
use super::talk::Talk;

/// After one that was not accepted.
const PAUSE: Duration = Duration::from_millis(50);
/// How many wrong answers are kept for people to read.
const MOST_STRANGE: usize = 20;

/// A conversion as its merchant knows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said {
    /// Whether it was acknowledged.
    pub(super) is_acknowledged: bool,
    /// The click that it names.
    pub(super) click: Option<ClickId>,
}

/// What all merchants share.
pub(super) struct Merchants {
    /// By merchant, by number.
    pub(super) said: Vec<Mutex<Vec<Said>>>,
    /// How many were acknowledged.
    pub(super) acknowledged: AtomicU64,
    /// How many were said again, and acknowledged again.
    pub(super) repeated: AtomicU64,
    /// How many were contradicted, and refused.
    pub(super) contradicted: AtomicU64,
    /// Answers that no fault explains.
    pub(super) strange: Mutex<Vec<String>>,
    addresses: Vec<SocketAddr>,
    authorization: String,
    visitors: Arc<Visitors>,
    stop: AtomicBool,
}

/// The name of a conversion.
pub(super) fn event_id(merchant: usize, number: usize) -> String {
    format!("e{merchant}.{number}")
}

/// What a sale is worth, in cents; nothing where it is a lead.
pub(super) fn amount(number: usize) -> Option<i64> {
    (number % 2 == 1).then_some(number as i64 * 7 % 10_000 + 1)
}

fn body(merchant: usize, number: usize, click: Option<ClickId>) -> Value {
    let mut body = json!({
        "event_id": event_id(merchant, number),
        "kind": "lead",
        "customer": format!("customer-{merchant}-{number}"),
    });
    if let Some(amount) = amount(number) {
        body["kind"] = "sale".into();
        body["amount"] = amount.into();
        body["currency"] = "EUR".into();
    }
    if let Some(click) = click {
        body["click_id"] = click.to_string().into();
    }
    body
}

impl Merchants {
    /// So many merchants with one key, who know these ingests and these visitors' clicks.
    pub(super) fn new(
        count: usize,
        addresses: &[SocketAddr],
        key: &str,
        visitors: Arc<Visitors>,
    ) -> Arc<Self> {
        Arc::new(Self {
            said: (0..count).map(|_| Mutex::default()).collect(),
            acknowledged: AtomicU64::new(0),
            repeated: AtomicU64::new(0),
            contradicted: AtomicU64::new(0),
            strange: Mutex::default(),
            addresses: addresses.to_vec(),
            authorization: format!("Bearer {key}"),
            visitors,
            stop: AtomicBool::new(false),
        })
    }

    /// Nobody begins another conversion, nor says one again.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    /// Converts until it is told to stop, once in `every` at most.
    pub(super) async fn convert(self: Arc<Self>, merchant: usize, every: Duration, seed: u64) {
        let mut random = Rng::with_seed(seed);
        let mut talks: Vec<_> = self.addresses.iter().map(|at| Talk::new(*at)).collect();
        let mut node = merchant % talks.len();
        let mut number = 0;
        while !self.stop.load(Ordering::SeqCst) {
            let click = *self.visitors.latest.lock().expect("nobody panics with it");
            self.said[merchant]
                .lock()
                .expect("nobody panics with it")
                .push(Said {
                    is_acknowledged: false,
                    click,
                });
            let body = body(merchant, number, click);
            while !self.stop.load(Ordering::SeqCst) {
                if self.is_acknowledged(&mut talks[node], &body).await {
                    self.said[merchant].lock().expect("nobody panics with it")[number]
                        .is_acknowledged = true;
                    self.acknowledged.fetch_add(1, Ordering::Relaxed);
                    match random.u8(..8) {
                        // To another as well, as a merchant's queue does that has lost its place.
                        0 => {
                            let other = (node + random.usize(..2)) % talks.len();
                            if self.is_acknowledged(&mut talks[other], &body).await {
                                self.repeated.fetch_add(1, Ordering::Relaxed);
                            }
                        }
                        1 => self.contradict(&mut talks[node], body).await,
                        _ => {}
                    }
                    break;
                }
                node = (node + 1) % talks.len();
                sleep(PAUSE).await;
            }
            number += 1;
            sleep(every).await;
        }
    }

    async fn is_acknowledged(&self, talk: &mut Talk, body: &Value) -> bool {
        match self.send(talk, body).await {
            Some((status, _)) if status.is_success() => true,
            Some((status, said)) => {
                if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS {
                    self.strange(format!("{body}: {status} {said}"));
                }
                false
            }
            None => false,
        }
    }

    /// Says something else of an event that this ingest has just acknowledged.
    async fn contradict(&self, talk: &mut Talk, mut body: Value) {
        body["customer"] = "somebody else".into();
        if let Some((status, said)) = self.send(talk, &body).await {
            if status == StatusCode::CONFLICT {
                self.contradicted.fetch_add(1, Ordering::Relaxed);
            } else if !status.is_server_error() {
                self.strange(format!("contradicted {body}: {status} {said}"));
            }
        }
    }

    async fn send(&self, talk: &mut Talk, body: &Value) -> Option<(StatusCode, String)> {
        let request = Request::post("/v1/conversions")
            .header(HOST, "ingest.example")
            .header(AUTHORIZATION, &self.authorization)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body.to_string())))
            .expect("the parts are plain");
        let answer = talk.say(request).await.ok()?;
        let said = String::from_utf8_lossy(&answer.body).into_owned();
        Some((answer.status, said))
    }

    fn strange(&self, what: String) {
        let mut strange = self.strange.lock().expect("nobody panics with it");
        if strange.len() < MOST_STRANGE {
            strange.push(what);
        }
    }
}
