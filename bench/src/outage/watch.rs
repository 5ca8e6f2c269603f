//! Looks at the processes again and again: what they hold, and how far behind they are.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::task::JoinHandle;

use crate::{edge, http, server};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(250);

/// What is looked at.
pub(super) struct Sources {
    /// The redirector's process.
    pub(super) redirector: u32,
    /// Ingest's process.
    pub(super) ingest: u32,
    /// Where the redirector tells its figures.
    pub(super) redirector_admin: SocketAddr,
}

/// One look.
#[derive(Clone, Copy)]
pub(super) struct Sample {
    /// When.
    pub(super) at: Instant,
    /// The redirector's memory.
    pub(super) redirector: Memory,
    /// Ingest's memory.
    pub(super) ingest: Memory,
    /// Clicks in the journal that have not arrived.
    pub(super) backlog_records: u64,
    /// Bytes in the journal that have not arrived.
    pub(super) backlog_bytes: u64,
    /// How old the oldest of them is, in seconds.
    pub(super) oldest_seconds: f64,
}

/// What a process holds, in bytes.
#[derive(Clone, Copy)]
pub(super) struct Memory {
    /// Its own: not the files that it has mapped, of which the journal is one.
    pub(super) own: u64,
    /// All of it.
    pub(super) resident: u64,
}

/// Looks until it is stopped.
pub(super) struct Watch {
    stop: Arc<AtomicBool>,
    task: JoinHandle<Result<Vec<Sample>>>,
}

impl Watch {
    /// Begins to look.
    pub(super) fn start(sources: Sources) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let task = tokio::spawn(async move {
            let mut samples = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                samples.push(look(&sources).await?);
                tokio::time::sleep(LOOK).await;
            }
            Ok(samples)
        });
        Self { stop, task }
    }

    /// What was seen.
    pub(super) async fn stop(self) -> Result<Vec<Sample>> {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await?
    }
}

async fn look(sources: &Sources) -> Result<Sample> {
    let memory = |process| {
        Ok::<_, anyhow::Error>(Memory {
            own: server::memory_of(process, server::OWN_MEMORY)?,
            resident: server::memory_of(process, server::RESIDENT_MEMORY)?,
        })
    };
    let url = format!("http://{}/metrics", sources.redirector_admin);
    let answer = http::get(&http::client(), &url).await?;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    let figure = |figure: &str| {
        let name = format!("whence_redirector_journal_{figure}");
        edge::metric::<f64>(&text, &name, "").with_context(|| format!("the metrics have no {name}"))
    };
    Ok(Sample {
        at: Instant::now(),
        redirector: memory(sources.redirector)?,
        ingest: memory(sources.ingest)?,
        backlog_records: figure("backlog_records")? as u64,
        backlog_bytes: figure("backlog_bytes")? as u64,
        oldest_seconds: figure("oldest_unshipped_seconds")?,
    })
}
