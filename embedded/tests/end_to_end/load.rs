//! Clicks and conversions without pause, and a record of each one that was answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;

use crate::installation::{Client, Installation};

/// As many as keep every part busy without starving the parts of two cores.
const CLICKERS: usize = 4;

pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    clickers: JoinSet<Seen>,
    converters: JoinSet<Vec<String>>,
}

/// What was answered.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The ids of the clicks that were redirected.
    pub(crate) clicks: Vec<String>,
    /// What became of the others.
    pub(crate) failed: Vec<String>,
    /// The event ids of the conversions that were accepted.
    pub(crate) conversions: Vec<String>,
}

impl Load {
    pub(crate) fn start(whence: &Installation) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut clickers = JoinSet::new();
        for number in 0..CLICKERS {
            clickers.spawn(click(whence.asking_first(number), Arc::clone(&stop)));
        }
        let mut converters = JoinSet::new();
        let number = Arc::new(AtomicU64::new(0));
        for first in 0..2 {
            converters.spawn(convert(
                whence.asking_first(first),
                Arc::clone(&stop),
                Arc::clone(&number),
            ));
        }
        Self {
            stop,
            clickers,
            converters,
        }
    }

    /// Ends it, and says what was seen.
    pub(crate) async fn stop(self) -> Seen {
        self.stop.store(true, Ordering::SeqCst);
        let mut all = Seen {
            conversions: self.converters.join_all().await.concat(),
            ..Seen::default()
        };
        for seen in self.clickers.join_all().await {
            all.clicks.extend(seen.clicks);
            all.failed.extend(seen.failed);
        }
        all
    }
}

async fn click(whence: Client, stop: Arc<AtomicBool>) -> Seen {
    let mut seen = Seen::default();
    while !stop.load(Ordering::SeqCst) {
        match whence.click("hello").await {
            Ok(id) => seen.clicks.push(id),
            Err(error) => {
                seen.failed.push(error.to_string());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    seen
}

async fn convert(whence: Client, stop: Arc<AtomicBool>, number: Arc<AtomicU64>) -> Vec<String> {
    let mut accepted = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        let event_id = format!("load-{}", number.fetch_add(1, Ordering::SeqCst));
        let body = json!({"event_id": event_id, "kind": "lead", "customer": event_id});
        // Sent again until it is accepted, as a merchant's site does.
        while !stop.load(Ordering::SeqCst) {
            match whence.convert(&body).await {
                Ok(got) if got.status.is_success() => {
                    accepted.push(event_id);
                    break;
                }
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    accepted
}
