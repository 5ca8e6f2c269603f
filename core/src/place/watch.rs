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
pub async fn watch(hangups: Hangups, refresh: impl Fn(Occasion) + Send + Sync + 'static) {
    look_each(LOOKS, hangups, refresh).await;
}

async fn look_each(
    time: Duration,
    mut hangups: Hangups,
    refresh: impl Fn(Occasion) + Send + Sync + 'static,
) {
    let refresh = Arc::new(refresh);
    loop {
        let occasion = tokio::select! {
            () = hangups.next() => Occasion::Asked,
            () = tokio::time::sleep(time) => Occasion::Passing,
        };
        let refresh = Arc::clone(&refresh);
        // A database of cities takes a moment to read.
        let done = tokio::task::spawn_blocking(move || refresh(occasion));
        if let Err(error) = done.await {
            tracing::error!(%error, "files were not read again");
        }
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::{Signal, getpid, kill_process};
    use tokio::sync::mpsc;

    use super::*;
    use crate::process::hangups;

    /// Starts to look, and tells of each occasion.
    fn looking(time: Duration) -> mpsc::UnboundedReceiver<Occasion> {
        let (tell, told) = mpsc::unbounded_channel();
        // Listens before the first signal is sent.
        let hangups = hangups();
        tokio::spawn(look_each(time, hangups, move |occasion| {
            // Nobody listens when the test is over.
            let _ = tell.send(occasion);
        }));
        told
    }

    #[tokio::test]
    async fn files_are_looked_at_as_time_passes() {
        let mut told = looking(Duration::from_millis(1));
        for _ in 0..3 {
            assert_eq!(told.recv().await, Some(Occasion::Passing));
        }
    }

    #[tokio::test]
    async fn files_are_read_when_somebody_asks() {
        let mut told = looking(Duration::from_secs(3600));
        for _ in 0..2 {
            kill_process(getpid(), Signal::HUP).unwrap();
            assert_eq!(told.recv().await, Some(Occasion::Asked));
        }
    }
}
