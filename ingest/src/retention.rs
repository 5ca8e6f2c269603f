//! Notes which numbers retention is about to remove, so that the audit does not take them for lost.
//!
//! What is removed, and when, is ClickHouse's to do and set when the database is migrated.

use std::time::Duration;

use clickhouse::Client;
use tokio_util::sync::CancellationToken;
use whence_core::clickhouse::note_expiring;
use whence_core::config::Retention;

/// How often: a fraction of the time that numbers are noted ahead, of which a day's retention has a quarter.
const PERIOD: Duration = Duration::from_secs(3600);

/// Notes them until `stopped`.
pub(crate) async fn run(client: Client, keep: Retention, stopped: CancellationToken) {
    loop {
        if let Err(error) = note_expiring(&client, &keep).await {
            tracing::warn!(%error, "what retention is about to remove is not noted yet");
        }
        tokio::select! {
            () = tokio::time::sleep(PERIOD) => {}
            () = stopped.cancelled() => return,
        }
    }
}
