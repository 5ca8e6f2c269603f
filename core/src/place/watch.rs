//! When databases are read again: when the process is told to, and when a file has changed, as those who bring new ones
//! (`geoipupdate`) do not tell anybody.

use std::sync::Arc;
use std::time::Duration;

use crate::process::Hangups;

/// How often files are looked at. New ones come twice a week at most; a minute is sooner than anybody looks whether it worked.
const LOOKS: Duration = Duration::from_secs(60);

/// Why a file is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// Somebody asks for it (SIGHUP): it is read whether or not it looks changed.
    Asked,
    /// Time has passed: it is read if it looks changed.
    Passing,
}

/// Calls `refresh`, which may block, on each occasion; for ever.
pub async fn watch(mut hangups: Hangups, refresh: impl Fn(Occasion) + Send + Sync + 'static) {
    let refresh = Arc::new(refresh);
    loop {
        let occasion = tokio::select! {
            () = hangups.next() => Occasion::Asked,
            () = tokio::time::sleep(LOOKS) => Occasion::Passing,
        };
        let refresh = Arc::clone(&refresh);
        // A database of cities takes a moment to read.
        let done = tokio::task::spawn_blocking(move || refresh(occasion));
        if let Err(error) = done.await {
            tracing::error!(%error, "files were not read again");
        }
    }
}
