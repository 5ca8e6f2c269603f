//! Visitors: each clicks on links without end, and writes down what it sent and what it was answered.
//!
//! A click carries its number in its query, so that a row in ClickHouse can be held against what was sent even
//! where nobody heard the answer. What is written down is bounded: 48 bytes a click.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fastrand::Rng;
use http_body_util::Full;
use hyper::header::{HOST, LOCATION, USER_AGENT};
use hyper::{Request, StatusCode};
use tokio::time::{Instant, sleep, sleep_until};
use whence_core::id::ClickId;

use super::talk::Talk;
use crate::links::{self, DOMAIN};

/// After a click that was not answered, as a person would wait a moment; no longer, so that a restart meets load.
const PAUSE: Duration = Duration::from_millis(25);
/// How many refusals of the wrong kind are kept for people to read.
const MOST_STRANGE: usize = 20;

/// A click as its visitor knows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Click {
    /// The id that the answer named; none where no answer came.
    pub(super) id: Option<ClickId>,
    /// When it was sent, in milliseconds since 1970.
    pub(super) sent_ms: u64,
    /// How long the answer took, in milliseconds.
    pub(super) took_ms: u32,
    /// The link's number.
    pub(super) link: u16,
    /// The redirector that was asked.
    pub(super) node: u16,
}

/// What all visitors share.
pub(super) struct Visitors {
    /// By visitor, by number.
    pub(super) clicks: Vec<Mutex<Vec<Click>>>,
    /// How many were answered.
    pub(super) answered: AtomicU64,
    /// Answers that no fault explains.
    pub(super) strange: Mutex<Vec<String>>,
    /// One of the last that was answered, for a conversion to refer to.
    pub(super) latest: Mutex<Option<ClickId>>,
    addresses: Vec<SocketAddr>,
    stop: AtomicBool,
}

/// The name of a click in its own query.
pub(super) fn marker(visitor: usize, number: usize) -> String {
    format!("n={visitor}.{number}")
}

/// What a visitor says of its browser.
pub(super) fn agent(visitor: usize) -> String {
    format!("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.{visitor}")
}

/// Milliseconds since 1970.
pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}

impl Visitors {
    /// So many visitors who know these redirectors.
    pub(super) fn new(count: usize, addresses: &[SocketAddr]) -> Arc<Self> {
        Arc::new(Self {
            clicks: (0..count).map(|_| Mutex::default()).collect(),
            answered: AtomicU64::new(0),
            strange: Mutex::default(),
            latest: Mutex::default(),
            addresses: addresses.to_vec(),
            stop: AtomicBool::new(false),
        })
    }

    /// Nobody begins another click.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    /// Clicks until it is told to stop, at most once in `every`.
    pub(super) async fn click_on(self: Arc<Self>, visitor: usize, every: Duration, seed: u64) {
        let mut random = Rng::with_seed(seed);
        let mut talks: Vec<_> = self.addresses.iter().map(|at| Talk::new(*at)).collect();
        let mut node = visitor % talks.len();
        let mut next = Instant::now();
        while !self.stop.load(Ordering::SeqCst) {
            let link = random.u32(..super::fleet::LINKS);
            let is_answered = self.click(visitor, &mut talks[node], node, link).await;
            if is_answered {
                // What was missed while parts were away is not made up for: the load stays what it is.
                next = (next + every).max(Instant::now() - every);
                sleep_until(next).await;
            } else {
                sleep(PAUSE).await;
            }
            if !is_answered || random.u8(..16) == 0 {
                node = (node + 1) % talks.len();
            }
        }
    }

    /// One click; whether it was answered as it should be.
    pub(super) async fn click(
        &self,
        visitor: usize,
        talk: &mut Talk,
        node: usize,
        link: u32,
    ) -> bool {
        let sent_ms = now_ms();
        let number = {
            let mut clicks = self.clicks[visitor].lock().expect("nobody panics with it");
            clicks.push(Click {
                id: None,
                sent_ms,
                took_ms: 0,
                link: link as u16,
                node: node as u16,
            });
            clicks.len() - 1
        };
        let request = Request::get(format!(
            "/{}?{}",
            links::slug_text(link),
            marker(visitor, number)
        ))
        .header(HOST, DOMAIN)
        .header(USER_AGENT, agent(visitor))
        .body(Full::default())
        .expect("the parts are plain");
        let Ok(answer) = talk.say(request).await else {
            return false;
        };
        if answer.status == StatusCode::SERVICE_UNAVAILABLE {
            // The journal is full, or a link is not known and Redis is away.
            return false;
        }
        let location = answer.headers.get(LOCATION).and_then(|l| l.to_str().ok());
        let Some(id) = location.and_then(|location| id_in(location, link)) else {
            self.strange(format!(
                "{:?}: {} {location:?}",
                marker(visitor, number),
                answer.status
            ));
            return false;
        };
        {
            let mut clicks = self.clicks[visitor].lock().expect("nobody panics with it");
            clicks[number].id = Some(id);
            clicks[number].took_ms = now_ms().saturating_sub(sent_ms) as u32;
        }
        self.answered.fetch_add(1, Ordering::Relaxed);
        *self.latest.lock().expect("nobody panics with it") = Some(id);
        true
    }

    fn strange(&self, what: String) {
        let mut strange = self.strange.lock().expect("nobody panics with it");
        if strange.len() < MOST_STRANGE {
            strange.push(what);
        }
    }
}

/// The click's id in where the link leads.
fn id_in(location: &str, link: u32) -> Option<ClickId> {
    let query = location.strip_prefix(&links::destination(link))?;
    let (_, id) = query.split_once("wcid=")?;
    id.split('&').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_read_from_where_the_link_leads_and_from_nowhere_else() {
        let id = ClickId(7 << 80);
        let good = format!("{}&wcid={id}&n=1.2", links::destination(3));
        assert_eq!(id_in(&good, 3), Some(id));
        assert_eq!(id_in(&good, 4), None);
        assert_eq!(id_in(&links::destination(3), 3), None);
    }
}
