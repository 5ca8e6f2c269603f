//! Keeps the copies of clicks that conversions carry up to date, some seconds behind the conversions.
//!
//! Nothing hangs on it: reports look among all clicks for what is not copied yet, which only takes longer. So what fails here is
//! tried again, and nobody waits for it.

use std::time::Duration;

use clickhouse::Client;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use whence_core::clickhouse::copy_carried;

/// How long is waited for more conversions before their clicks are copied.
const GATHER: Duration = Duration::from_secs(5);
/// How long is waited where it failed.
const AGAIN: Duration = Duration::from_secs(30);
/// How far back conversions are looked at whose clicks were not there yet: what comes later waits for the whole.
const RECENT_MS: i64 = 24 * 3600 * 1000;
/// How often everything is copied again: what a change that was broken off has left behind is right then.
const WHOLE: Duration = Duration::from_secs(24 * 3600);
/// When that is first done: not while everything starts.
const FIRST_WHOLE: Duration = Duration::from_secs(3600);

/// Copies what is missing at the start and whenever conversions have come, and everything once a day, until `stopped`.
pub(crate) async fn run(client: Client, mut come: watch::Receiver<()>, stopped: CancellationToken) {
    let copying = async {
        let mut whole = Instant::now() + FIRST_WHOLE;
        // At first of all times: it may be a database from before there were copies.
        let mut since_ms = 0;
        loop {
            let is_whole = whole <= Instant::now();
            let result = match is_whole {
                true => copy_carried(&client, 0, true).await,
                false => copy_carried(&client, since_ms, false).await,
            };
            if let Err(error) = result {
                tracing::warn!(%error, "the clicks that conversions carry are not copied yet");
                sleep(AGAIN).await;
                continue;
            }
            if is_whole {
                whole = Instant::now() + WHOLE;
            }
            tokio::select! {
                come = come.changed() => if come.is_err() { return },
                () = sleep_until(whole) => {}
            }
            sleep(GATHER).await;
            since_ms = Timestamp::now().as_millisecond() - RECENT_MS;
        }
    };
    tokio::select! {
        () = copying => {}
        () = stopped.cancelled() => {}
    }
}
