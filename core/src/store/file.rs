//! The link store of one machine: a file that one process holds.
//!
//! A read costs microseconds and is done where it is asked; a write waits for the disk and is done
//! on a blocking thread. A commit is on the disk before it is acknowledged, and a process killed in
//! the middle of one leaves the state before it. The layout is in [`tables`]; what a write does to
//! it in [`edits`], [`owners`], [`clicks`] and [`salts`]. Caching does not belong here: the file's own page cache is enough.

mod clicks;
mod edits;
mod links;
mod opened;
mod owners;
mod salts;
mod stop;
mod tables;

use std::fmt;
use std::num::NonZeroU64;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use redb::{ReadTransaction, ReadableDatabase, WriteTransaction};
use tokio::sync::broadcast;

use super::{
    CHANGES_KEPT, Change, ChangeError, ClaimError, CreateError, Edit, EditError, LinkStore,
    StoreError, StoredLink, all_unavailable,
};
use crate::domain::Domain;
use crate::id::LinkId;
use crate::key::{ApiKey, KeyHash};
use crate::link::{Host, Label, Link};
use crate::salt::{SaltId, SealedSalt};
use crate::workspace::{Workspace, WorkspaceId};
use opened::Opened;
use stop::Stop;

/// A link store in one file, held by one process.
pub struct FileStore {
    inner: Arc<Inner>,
}

struct Inner {
    /// The file.
    file: Opened,
    /// Tells this process's caches what was committed; there is no other process to tell.
    changes: broadcast::Sender<Change>,
    /// The clicks that wait to be counted.
    clicks: Arc<clicks::Queue>,
}

impl FileStore {
    /// Opens the file, or makes it and the folders above it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let changes = broadcast::channel(CHANGES_KEPT).0;
        let inner = Inner {
            file: Opened::open(path, changes.clone())?,
            changes,
            clicks: Arc::default(),
        };
        inner.write(|transaction| tables::create(transaction).map(|()| ((), Vec::new())))?;
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Commits what `act` does and tells the caches, even when the caller has gone meanwhile.
    async fn write<T, E, F>(&self, act: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&WriteTransaction) -> Result<(T, Vec<Change>), Stop<E>> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        blocking(move || inner.write(act)).await
    }
}

/// Does on a blocking thread what waits for the disk.
async fn blocking<T, E>(act: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    match tokio::task::spawn_blocking(act).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(StoreError::Unavailable("the process is stopping".into()).into()),
        },
    }
}

impl Inner {
    fn read<T>(
        &self,
        act: impl FnOnce(&ReadTransaction) -> Result<T, Stop<StoreError>>,
    ) -> Result<T, StoreError> {
        self.file.with(|database| act(&database.begin_read()?))
    }

    fn write<T, E: From<StoreError>>(
        &self,
        act: impl FnOnce(&WriteTransaction) -> Result<(T, Vec<Change>), Stop<E>>,
    ) -> Result<T, E> {
        let (value, changes) = self.file.with(|database| {
            let mut transaction = database.begin_write()?;
            // Costs half a millisecond, and after a kill the file is there at once: a full repair
            // reads all of it, half a second for a million links that are in the page cache.
            transaction.set_quick_repair(true);
            let done = act(&transaction)?;
            transaction.commit()?;
            Ok(done)
        })?;
        for change in changes {
            // An error means that nobody listens, as in a process without a redirector.
            let _ = self.changes.send(change);
        }
        Ok(value)
    }

    /// Counts every click that waits, or tells each that it could not be counted.
    fn count_clicks(&self, mut taker: clicks::Taker) {
        let mut taken = None;
        let counted: Result<_, StoreError> = self.file.with(|database| {
            let mut transaction = database.begin_write()?;
            transaction.set_quick_repair(true);
            // Only now: whoever came while another's commit was under way is counted along.
            let waiting = taken.insert(taker.take());
            let counted = clicks::count(&transaction, waiting)?;
            transaction.commit()?;
            Ok(counted)
        });
        // Where not even a transaction began, none may stay and be counted after it was refused.
        let waiting = taken.unwrap_or_else(|| taker.take());
        clicks::answer(waiting, counted);
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FileStore")
            .field(&self.inner.file.path())
            .finish()
    }
}

#[async_trait]
impl LinkStore for FileStore {
    async fn link_at(&self, domain: &str, slug: &str) -> Result<Option<Link>, StoreError> {
        self.inner
            .read(|transaction| links::at(transaction, domain, slug))
    }

    async fn domain_at(&self, host: &str) -> Result<Option<(Domain, Workspace)>, StoreError> {
        self.inner
            .read(|transaction| owners::domain_at(transaction, host))
    }

    async fn count_click(&self, link: LinkId, cap: NonZeroU64) -> Result<bool, StoreError> {
        // A link that is used up is the common case and needs no write.
        if self.clicks_counted(link).await? >= cap.get() {
            return Ok(false);
        }
        let place = self.inner.clicks.push(link, cap)?;
        if let Some(taker) = place.taker {
            let inner = Arc::clone(&self.inner);
            // It goes on for the others where this visitor goes away.
            tokio::task::spawn_blocking(move || inner.count_clicks(taker));
        }
        place.answered.await.unwrap_or_else(|_| {
            let reason = "the click could not be counted".to_owned();
            Err(StoreError::Unavailable(reason))
        })
    }

    fn every_link(&self) -> BoxStream<'_, Result<Vec<StoredLink>, StoreError>> {
        let start = Some(None::<String>);
        stream::unfold(start, async |after| {
            let after = after?;
            let inner = Arc::clone(&self.inner);
            let read = move || inner.read(|transaction| links::part(transaction, after.as_deref()));
            Some(match blocking(read).await {
                Ok(part) => {
                    let unreadable = part.unreadable.into_iter().map(Err);
                    let items: Vec<_> = std::iter::once(Ok(part.links)).chain(unreadable).collect();
                    (items, part.after.map(Some))
                }
                Err(error) => (vec![Err(error)], None),
            })
        })
        .flat_map(stream::iter)
        .boxed()
    }

    fn changes(&self) -> broadcast::Receiver<Change> {
        self.inner.changes.subscribe()
    }

    /// Every write goes through this process, which tells of it behind the commit and before the acknowledgement.
    fn tells_every_change(&self) -> bool {
        true
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.inner.read(tables::check)
    }

    async fn create_link(&self, link: &Link) -> Result<(), CreateError> {
        let link = link.clone();
        self.write(move |transaction| edits::create(transaction, &link))
            .await
    }

    async fn link(&self, workspace: &WorkspaceId, id: LinkId) -> Result<Option<Link>, StoreError> {
        self.inner
            .read(|transaction| links::by_id(transaction, workspace, id))
    }

    async fn change_link(&self, link: &Link) -> Result<(), ChangeError> {
        let link = link.clone();
        self.write(move |transaction| edits::change(transaction, &link))
            .await
    }

    async fn delete_link(
        &self,
        workspace: &WorkspaceId,
        id: LinkId,
        revision: Option<u64>,
    ) -> Result<(), ChangeError> {
        let workspace = workspace.clone();
        self.write(move |transaction| edits::delete(transaction, &workspace, id, revision))
            .await
    }

    async fn edit_links(&self, edits: &[Edit]) -> Vec<Result<(), EditError>> {
        let all = edits.to_vec();
        self.write(move |transaction| edits::many(transaction, &all))
            .await
            .unwrap_or_else(|error| all_unavailable(edits, &error))
    }

    async fn link_by_external_id(
        &self,
        workspace: &WorkspaceId,
        external_id: &Label,
    ) -> Result<Option<Link>, StoreError> {
        self.inner
            .read(|transaction| links::by_external_id(transaction, workspace, external_id.as_str()))
    }

    async fn clicks_counted(&self, link: LinkId) -> Result<u64, StoreError> {
        self.inner
            .read(|transaction| clicks::counted(transaction, link))
    }

    async fn set_learned_weights(
        &self,
        workspace: &WorkspaceId,
        id: LinkId,
        revision: u64,
        weights: &[u32],
    ) -> Result<(), ChangeError> {
        let (workspace, weights) = (workspace.clone(), weights.to_vec());
        self.write(move |transaction| {
            edits::set_learned_weights(transaction, &workspace, id, revision, &weights)
        })
        .await
    }

    async fn links(
        &self,
        workspace: &WorkspaceId,
        before: Option<LinkId>,
        limit: usize,
    ) -> Result<Vec<Link>, StoreError> {
        self.inner
            .read(|transaction| links::list(transaction, workspace, before, limit))
    }

    async fn put_workspace(&self, workspace: &Workspace) -> Result<(), StoreError> {
        let workspace = workspace.clone();
        self.write(move |transaction| owners::put_workspace(transaction, &workspace))
            .await
    }

    async fn change_workspace(&self, workspace: &Workspace) -> Result<(), ChangeError> {
        let workspace = workspace.clone();
        self.write(move |transaction| owners::change_workspace(transaction, &workspace))
            .await
    }

    async fn workspaces(&self) -> Result<Vec<WorkspaceId>, StoreError> {
        self.inner.read(owners::workspaces)
    }

    async fn workspace(&self, id: &WorkspaceId) -> Result<Option<Workspace>, StoreError> {
        self.inner
            .read(|transaction| owners::workspace(transaction, id.as_str()))
    }

    async fn claim_domain(&self, host: &Host, workspace: &WorkspaceId) -> Result<(), ClaimError> {
        let (host, workspace) = (host.clone(), workspace.clone());
        self.write(move |transaction| owners::claim_domain(transaction, &host, &workspace))
            .await
    }

    async fn change_domain(&self, domain: &Domain) -> Result<(), ChangeError> {
        let domain = domain.clone();
        self.write(move |transaction| owners::change_domain(transaction, &domain))
            .await
    }

    async fn release_domain(
        &self,
        host: &Host,
        workspace: &WorkspaceId,
    ) -> Result<(), ChangeError> {
        let (host, workspace) = (host.clone(), workspace.clone());
        self.write(move |transaction| owners::release_domain(transaction, &host, &workspace))
            .await
    }

    async fn domains(&self, workspace: &WorkspaceId) -> Result<Vec<Domain>, StoreError> {
        self.inner
            .read(|transaction| owners::domains(transaction, workspace))
    }

    async fn put_key(&self, hash: KeyHash, key: &ApiKey) -> Result<(), StoreError> {
        let key = key.clone();
        self.write(move |transaction| owners::put_key(transaction, hash, &key))
            .await
    }

    async fn key(&self, hash: KeyHash) -> Result<Option<ApiKey>, StoreError> {
        self.inner
            .read(|transaction| owners::key(transaction, hash))
    }

    async fn salt(&self, id: &SaltId, new: &SealedSalt) -> Result<SealedSalt, StoreError> {
        if let Some(stands) = self.inner.read(|transaction| salts::at(transaction, id))? {
            return Ok(stands);
        }
        let (id, new) = (id.clone(), new.clone());
        self.write(move |transaction| salts::at_or(transaction, &id, new))
            .await
    }

    async fn forget_salts(&self, now: i64) -> Result<(), StoreError> {
        // Asked often, and hardly ever is there any: no write for nothing.
        if !self
            .inner
            .read(|transaction| salts::any_over(transaction, now))?
        {
            return Ok(());
        }
        self.write(move |transaction| salts::forget(transaction, now))
            .await
    }
}
