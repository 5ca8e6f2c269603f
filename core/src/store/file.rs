//! The link store of one machine: a file that one process holds.
//!
//! A read costs microseconds and is done where it is asked; a write waits for the disk and is done
//! on a blocking thread. A commit is on the disk before it is acknowledged, and a process killed in
//! the middle of one leaves the state before it. The layout is in [`tables`]; what a write does to
//! it in [`links`] and [`owners`]. Caching does not belong here: the file's own page cache is enough.

mod links;
mod opened;
mod owners;
mod stop;
mod tables;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use redb::{ReadTransaction, ReadableDatabase, WriteTransaction};
use tokio::sync::broadcast;

use super::{CHANGES_KEPT, Change, ChangeError, ClaimError, CreateError, LinkStore, StoreError};
use crate::domain::Domain;
use crate::id::LinkId;
use crate::key::{ApiKey, KeyHash};
use crate::link::{Host, Link};
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
}

impl FileStore {
    /// Opens the file, or makes it and the folders above it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let inner = Inner {
            file: Opened::open(path)?,
            changes: broadcast::channel(CHANGES_KEPT).0,
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
        match tokio::task::spawn_blocking(move || inner.write(act)).await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(StoreError::Unavailable("the process is stopping".into()).into()),
            },
        }
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

    async fn domain_at(&self, domain: &str) -> Result<Option<(Domain, Workspace)>, StoreError> {
        let found = self
            .inner
            .read(|transaction| owners::workspace_of(transaction, domain))?;
        Ok(found.map(|workspace| {
            (
                Domain::new(domain.parse().expect("claimed"), workspace.id.clone()),
                workspace,
            )
        }))
    }

    fn changes(&self) -> broadcast::Receiver<Change> {
        self.inner.changes.subscribe()
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.inner.read(tables::check)
    }

    async fn create_link(&self, link: &Link) -> Result<(), CreateError> {
        let link = link.clone();
        self.write(move |transaction| links::create(transaction, &link))
            .await
    }

    async fn link(&self, workspace: &WorkspaceId, id: LinkId) -> Result<Option<Link>, StoreError> {
        self.inner
            .read(|transaction| links::by_id(transaction, workspace, id))
    }

    async fn change_link(&self, link: &Link) -> Result<(), ChangeError> {
        let link = link.clone();
        self.write(move |transaction| links::change(transaction, &link))
            .await
    }

    async fn delete_link(
        &self,
        workspace: &WorkspaceId,
        id: LinkId,
        _: Option<u64>,
    ) -> Result<(), ChangeError> {
        let workspace = workspace.clone();
        match self
            .write(move |transaction| links::delete(transaction, &workspace, id))
            .await?
        {
            true => Ok(()),
            false => Err(ChangeError::NotFound),
        }
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

    async fn workspace(&self, id: &WorkspaceId) -> Result<Option<Workspace>, StoreError> {
        self.inner
            .read(|transaction| owners::workspace(transaction, id.as_str()))
    }

    async fn claim_domain(&self, host: &Host, workspace: &WorkspaceId) -> Result<(), ClaimError> {
        let (host, workspace) = (host.clone(), workspace.clone());
        self.write(move |transaction| owners::claim_domain(transaction, &host, &workspace))
            .await
    }

    async fn domains(&self, workspace: &WorkspaceId) -> Result<Vec<Domain>, StoreError> {
        let hosts = self
            .inner
            .read(|transaction| owners::domains(transaction, workspace))?;
        Ok(hosts
            .into_iter()
            .map(|host| Domain::new(host, workspace.clone()))
            .collect())
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
}
