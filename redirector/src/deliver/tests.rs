//! Delivery to real listeners: some take, some refuse, some are away, some never answer.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says as much as one that expects"
)]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri as Path};
use axum::response::IntoResponse;
use tokio::net::TcpListener;
use whence_core::journal::{self, LaneOptions};
use whence_core::problem::Problem;

use super::*;

/// What a collector does with what it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Takes,
    IsAway,
    IsOlder,
    Refuses,
    Hangs,
}

/// A collector on a port of its own, and what it was sent.
struct Collector {
    address: SocketAddr,
    mood: Mutex<Mood>,
    heard: Mutex<Vec<(String, Bytes)>>,
}

impl Collector {
    async fn start(mood: Mood) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let collector = Arc::new(Self {
            address: listener.local_addr().unwrap(),
            mood: Mutex::new(mood),
            heard: Mutex::default(),
        });
        let app = Router::new()
            .fallback(Self::hear)
            .with_state(Arc::clone(&collector));
        tokio::spawn(async move { axum::serve(listener, app).await });
        collector
    }

    async fn hear(
        State(it): State<Arc<Self>>,
        path: Path,
        headers: HeaderMap,
        body: Bytes,
    ) -> axum::response::Response {
        assert_eq!(headers["authorization"], "Bearer token");
        it.heard.lock().unwrap().push((path.to_string(), body));
        let mood = *it.mood.lock().unwrap();
        let problem = |status| Problem::new(status, format!("{mood:?}")).into_response();
        match mood {
            Mood::Takes => StatusCode::OK.into_response(),
            Mood::IsAway => problem(StatusCode::SERVICE_UNAVAILABLE),
            Mood::IsOlder => problem(StatusCode::UPGRADE_REQUIRED),
            Mood::Refuses => problem(StatusCode::UNPROCESSABLE_ENTITY),
            Mood::Hangs => std::future::pending().await,
        }
    }

    fn turns(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn count(&self) -> usize {
        self.heard.lock().unwrap().len()
    }
}

fn ingest(addresses: &[SocketAddr], patience: Patience) -> Ingest {
    let bases: Vec<_> = addresses.iter().map(|it| format!("http://{it}")).collect();
    Ingest::with_patience(&bases, &Secret::new("token"), patience).unwrap()
}

fn quick() -> Patience {
    Patience {
        answer: Duration::from_secs(2),
        slow: Duration::from_millis(100),
    }
}

/// A block of a lane whose first choice is the address at `home`.
fn block(home: u64, of: u64) -> Block {
    let dir = tempfile::tempdir().unwrap();
    for lane in 0.. {
        let path = dir.path().join(format!("lane-{lane}"));
        let options = LaneOptions {
            segment_bytes: 1 << 20,
            ..LaneOptions::default()
        };
        let (mut writer, mut reader) = journal::open(&path, options).unwrap();
        if writer.lane().get() % of == home {
            writer.append(b"a click").unwrap();
            return reader.next_block(1 << 20, 10).unwrap().unwrap();
        }
    }
    unreachable!("lanes have random ids")
}

/// An address that nobody listens at.
async fn nobody() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

#[tokio::test]
async fn who_is_away_costs_no_pause_and_is_asked_again_when_it_is_back() {
    let (first, second) = (
        Collector::start(Mood::IsAway).await,
        Collector::start(Mood::Takes).await,
    );
    let ingest = ingest(&[first.address, second.address, nobody().await], quick());
    let begun = Instant::now();
    for home in [0, 2] {
        ingest.deliver(&block(home, 3)).await.unwrap();
    }
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    let block = block(0, 3);
    ingest.deliver(&block).await.unwrap();
    // While it rests it is not asked while another one takes blocks.
    assert_eq!((first.count(), second.count()), (1, 3));
    // Where nobody else takes them, it is asked although it rests, and is first again from then on.
    first.turns(Mood::Takes);
    second.turns(Mood::IsAway);
    ingest.deliver(&block).await.unwrap();
    ingest.deliver(&block).await.unwrap();
    assert_eq!((first.count(), second.count()), (3, 4));
    let all = [&first, &second].map(|it| it.heard.lock().unwrap().clone());
    let same = all
        .iter()
        .flatten()
        .filter(|(_, body)| body == block.wire());
    assert_eq!(same.count(), 4, "the same bytes each time, to whomever");
}

#[tokio::test]
async fn a_refusal_is_one_only_when_everybody_refuses() {
    let moods = [Mood::Refuses, Mood::Refuses];
    let (first, second) = (
        Collector::start(moods[0]).await,
        Collector::start(moods[1]).await,
    );
    let ingest = ingest(&[first.address, second.address], quick());
    let block = block(0, 2);
    let error = ingest.deliver(&block).await.unwrap_err();
    assert!(matches!(error, DeliverError::Refused(_)), "{error}");
    assert!(error.to_string().contains("422"), "{error}");
    assert_eq!((first.count(), second.count()), (1, 1));
    for mood in [Mood::IsAway, Mood::IsOlder] {
        second.turns(mood);
        let error = ingest.deliver(&block).await.unwrap_err();
        assert!(
            matches!(error, DeliverError::Disputed(_)),
            "{mood:?}: {error}"
        );
    }
    first.turns(Mood::IsOlder);
    let error = ingest.deliver(&block).await.unwrap_err();
    assert!(matches!(error, DeliverError::Retry(_)), "{error}");
    second.turns(Mood::Takes);
    ingest.deliver(&block).await.unwrap();
}

#[tokio::test]
async fn a_lane_that_waits_for_a_slow_ingest_sends_the_others_elsewhere() {
    let (slow, quick_one) = (
        Collector::start(Mood::Hangs).await,
        Collector::start(Mood::Takes).await,
    );
    let patience = Patience {
        answer: Duration::from_secs(30),
        slow: Duration::from_millis(50),
    };
    let ingest = Arc::new(ingest(&[slow.address, quick_one.address], patience));
    let stuck = tokio::spawn({
        let ingest = Arc::clone(&ingest);
        async move { ingest.deliver(&block(0, 2)).await }
    });
    while quick_one.count() < 5 {
        let other = block(0, 2);
        let sent = timeout(Duration::from_millis(500), ingest.deliver(&other)).await;
        // The first ones may have begun before it was known to be slow.
        let _ = sent;
    }
    assert!(!stuck.is_finished());
    let begun = Instant::now();
    ingest.deliver(&block(0, 2)).await.unwrap();
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    stuck.abort();
}

#[tokio::test]
async fn who_never_answers_is_given_up_and_the_block_goes_elsewhere() {
    let (silent, other) = (
        Collector::start(Mood::Hangs).await,
        Collector::start(Mood::Takes).await,
    );
    let patience = Patience {
        answer: Duration::from_millis(200),
        slow: Duration::from_millis(50),
    };
    let ingest = ingest(&[silent.address, other.address], patience);
    ingest.deliver(&block(0, 2)).await.unwrap();
    assert_eq!((silent.count(), other.count()), (1, 1));
}

#[tokio::test]
async fn accounts_go_to_whoever_takes_them() {
    let (away, takes) = (
        Collector::start(Mood::IsAway).await,
        Collector::start(Mood::Takes).await,
    );
    let ingest = ingest(&[away.address, takes.address], quick());
    let account = LaneAccount {
        lane: format!("{:016x}", 4),
        service: "redirector".into(),
        node: "edge-1".into(),
        name: "lane-0".into(),
        taken: 9,
        freed: 7,
        gaps: Vec::new(),
    };
    ingest
        .account(std::slice::from_ref(&account))
        .await
        .unwrap();
    assert_eq!(away.count(), 1);
    let heard = takes.heard.lock().unwrap();
    assert_eq!(heard[0].0, "/v1/lanes");
    let read: Vec<LaneAccount> = serde_json::from_slice(&heard[0].1).unwrap();
    assert_eq!(read, [account]);
}
