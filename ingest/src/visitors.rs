//! Who a visitor without a cookie is: the same one for a day of their workspace, and nobody afterwards.
//!
//! Done before a block's clicks are judged, so that a rule on repeats knows them too, and here rather than at the edge, so
//! that a redirect pays nothing for it. A day's salt is asked of the link store once and then remembered until its
//! time is over. While the store is away, blocks whose salts are not remembered wait in their journals: a click that waited
//! is late, one whose visitor is unknown stays so. A click that comes when its day's salt is gone has no visitor.

mod days;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use thiserror::Error;
use tokio_util::sync::CancellationToken;
use whence_core::click::Click;
use whence_core::journal::Seq;
use whence_core::salt::{Salt, SaltError, SaltId, SaltKey};
use whence_core::store::{LinkStore, StoreError};
use whence_core::workspace::{PrivacyMode, WorkspaceId};

use crate::known::Known;
use days::Days;

/// How often salts that are over are looked for, so that none outlives its time by more than that.
const SWEEP: Duration = Duration::from_secs(60);
/// How far ahead of this machine's clock an edge's may be: no salt is made for a day that begins later, or it would be there
/// for longer than it may.
const AHEAD_SECONDS: i64 = 600;

/// Visitors cannot be told apart now.
#[derive(Debug, Error)]
pub(crate) enum VisitorsError {
    /// The link store did not answer.
    #[error("the day's salt: {0}")]
    Store(#[from] StoreError),
    /// A salt cannot be opened.
    #[error(transparent)]
    Salt(#[from] SaltError),
}

/// The salts of today and yesterday.
pub(crate) struct Visitors {
    store: Arc<dyn LinkStore>,
    key: SaltKey,
    /// At most three for each workspace that has visitors without cookies: some 400 bytes each.
    remembered: Mutex<HashMap<SaltId, Arc<Salt>>>,
}

/// A workspace's clicks of one day.
struct Day {
    /// Which milliseconds belong to it.
    range: std::ops::Range<i64>,
    /// None where it is over, or not yet to be made.
    salt: Option<Arc<Salt>>,
}

impl Visitors {
    /// With the salts of `store`, sealed by `key`.
    pub(crate) fn new(store: Arc<dyn LinkStore>, key: SaltKey) -> Self {
        Self {
            store,
            key,
            remembered: Mutex::default(),
        }
    }

    /// Says of each click that has no cookie, and may have a visitor, whose it is.
    pub(crate) async fn name(
        &self,
        known: &Known,
        clicks: &mut [(Seq, Click<'_>)],
    ) -> Result<(), VisitorsError> {
        self.name_at(known, clicks, now_seconds()).await
    }

    async fn name_at(
        &self,
        known: &Known,
        clicks: &mut [(Seq, Click<'_>)],
        now: i64,
    ) -> Result<(), VisitorsError> {
        let mut workspaces: HashMap<String, Option<(WorkspaceId, Days)>> = HashMap::new();
        let mut met: HashMap<String, Vec<Day>> = HashMap::new();
        for (_, click) in clicks {
            if click.privacy != PrivacyMode::Cookieless {
                continue;
            }
            click.visitor = None;
            click.new_visitor = false;
            let Ok(time) = i64::try_from(click.unix_ms) else {
                continue;
            };
            let day = met
                .get(&*click.workspace)
                .and_then(|days| days.iter().find(|day| day.range.contains(&time)));
            let salt = match day {
                Some(day) => &day.salt,
                None => {
                    if !workspaces.contains_key(&*click.workspace) {
                        let found = days_of(known, &click.workspace).await?;
                        workspaces.insert(click.workspace.to_string(), found);
                    }
                    let Some(Some((id, days))) = workspaces.get(&*click.workspace) else {
                        continue;
                    };
                    let Some(range) = days.around(time) else {
                        continue;
                    };
                    let salt = SaltId {
                        workspace: id.clone(),
                        day: range.start.div_euclid(1000),
                    };
                    let salt = self.salt(salt, now).await?;
                    let days = met.entry(click.workspace.to_string()).or_default();
                    days.push(Day { range, salt });
                    &days[days.len() - 1].salt
                }
            };
            let visitor = |salt: &Arc<Salt>| salt.visitor(click.address, &click.user_agent);
            click.visitor = salt.as_ref().map(visitor);
        }
        Ok(())
    }

    /// The salt of a day, unless its time is over or is yet to come.
    async fn salt(&self, id: SaltId, now: i64) -> Result<Option<Arc<Salt>>, VisitorsError> {
        if id.over_at() <= now || id.day > now + AHEAD_SECONDS {
            return Ok(None);
        }
        if let Some(salt) = self.lock().get(&id) {
            return Ok(Some(Arc::clone(salt)));
        }
        let sealed = self.store.salt(&id, &self.key.generate(&id)).await?;
        let salt = Arc::new(self.key.open(&id, &sealed)?);
        self.lock().insert(id, Arc::clone(&salt));
        Ok(Some(salt))
    }

    /// Forgets the salts whose time is over, in memory and where the store does not do so by itself, until `stopped`.
    pub(crate) async fn forget(&self, stopped: CancellationToken) {
        loop {
            let now = now_seconds();
            self.lock().retain(|id, _| id.over_at() > now);
            if let Err(error) = self.store.forget_salts(now).await {
                tracing::warn!(%error, "salts of days that are over cannot be deleted yet");
            }
            tokio::select! {
                () = tokio::time::sleep(SWEEP) => {}
                () = stopped.cancelled() => return,
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<SaltId, Arc<Salt>>> {
        // What a panic could leave there is whole.
        self.remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A workspace's days; none where there is no such workspace any more.
async fn days_of(known: &Known, id: &str) -> Result<Option<(WorkspaceId, Days)>, VisitorsError> {
    let Ok(id) = id.parse::<WorkspaceId>() else {
        return Ok(None);
    };
    match known.workspace(&id).await {
        Ok(workspace) => Ok(workspace.map(|found| (id, Days::of(&found.time_zone)))),
        Err(StoreError::Unreadable { key, reason }) => {
            // It will not be better tomorrow, and must not keep the others' clicks back.
            tracing::error!(%key, %reason, "the clicks of a workspace have no visitors: it cannot be read");
            Ok(None)
        }
        Err(error @ StoreError::Unavailable(_)) => Err(error.into()),
    }
}

fn now_seconds() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}

#[cfg(test)]
mod tests;
