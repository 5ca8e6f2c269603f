//! The link store of many machines: Redis 6.2 or later, or Valkey.
//!
//! [`keys`] is the layout, [`links`] and [`owners`] read and write it over [`commands`], and [`line`]
//! brings what anybody changed. Redis is the truth here, not a cache: [`upkeep`] says where it is not
//! set up so. Caching does not belong here.

mod address;
mod commands;
mod keys;
mod line;
mod links;
mod owners;
mod upkeep;

use std::fmt;

use async_trait::async_trait;
use redis::cmd;
use tokio::sync::broadcast;

use super::{CHANGES_KEPT, Change, ChangeError, ClaimError, CreateError, LinkStore, StoreError};
use crate::domain::Domain;
use crate::id::LinkId;
use crate::key::{ApiKey, KeyHash};
use crate::link::{Host, Link};
use crate::workspace::{Workspace, WorkspaceId};
use address::Address;
use commands::Commands;
use line::Line;

/// A link store in Redis, shared by any number of processes.
///
/// Its two connections live on the runtime that called [`RedisStore::connect`], and answer callers
/// on any other.
pub struct RedisStore {
    address: Address,
    commands: Commands,
    changes: broadcast::Sender<Change>,
    line: Line,
}

impl RedisStore {
    /// Connects to `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]`.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let address = Address::parse(url)?;
        let commands = Commands::connect(&address).await?;
        upkeep::warn_of_loss(&address, &commands).await;
        let changes = broadcast::channel(CHANGES_KEPT).0;
        let line = Line::open(address.clone(), commands.clone(), changes.clone()).await?;
        Ok(Self {
            address,
            commands,
            changes,
            line,
        })
    }
}

/// Refuses a URL that could not be connected to.
pub(super) fn check_url(url: &str) -> Result<(), StoreError> {
    Address::parse(url).map(drop)
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisStore({})", self.address)
    }
}

#[async_trait]
impl LinkStore for RedisStore {
    async fn link_at(&self, domain: &str, slug: &str) -> Result<Option<Link>, StoreError> {
        links::at(&self.commands, domain, slug).await
    }

    async fn domain_at(&self, domain: &str) -> Result<Option<(Domain, Workspace)>, StoreError> {
        let Some(workspace) = owners::workspace_of(&self.commands, domain).await? else {
            return Ok(None);
        };
        let host = domain.parse().expect("claimed");
        Ok(Some((Domain::new(host, workspace.id.clone()), workspace)))
    }

    fn changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    fn hears_changes(&self) -> bool {
        self.line.is_up()
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.commands.ask(&cmd("PING")).await
    }

    async fn create_link(&self, link: &Link) -> Result<(), CreateError> {
        links::create(&self.commands, link).await
    }

    async fn link(&self, workspace: &WorkspaceId, id: LinkId) -> Result<Option<Link>, StoreError> {
        links::by_id(&self.commands, workspace, id).await
    }

    async fn change_link(&self, link: &Link) -> Result<(), ChangeError> {
        links::change(&self.commands, link).await
    }

    async fn delete_link(
        &self,
        workspace: &WorkspaceId,
        id: LinkId,
        _: Option<u64>,
    ) -> Result<(), ChangeError> {
        match links::delete(&self.commands, workspace, id).await? {
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
        links::list(&self.commands, workspace, before, limit).await
    }

    async fn put_workspace(&self, workspace: &Workspace) -> Result<(), StoreError> {
        owners::put_workspace(&self.commands, workspace).await
    }

    async fn workspace(&self, id: &WorkspaceId) -> Result<Option<Workspace>, StoreError> {
        owners::workspace(&self.commands, id.as_str()).await
    }

    async fn claim_domain(&self, host: &Host, workspace: &WorkspaceId) -> Result<(), ClaimError> {
        owners::claim_domain(&self.commands, host, workspace).await
    }

    async fn domains(&self, workspace: &WorkspaceId) -> Result<Vec<Domain>, StoreError> {
        let hosts = owners::domains(&self.commands, workspace).await?;
        Ok(hosts
            .into_iter()
            .map(|host| Domain::new(host, workspace.clone()))
            .collect())
    }

    async fn put_key(&self, hash: KeyHash, key: &ApiKey) -> Result<(), StoreError> {
        owners::put_key(&self.commands, hash, key).await
    }

    async fn key(&self, hash: KeyHash) -> Result<Option<ApiKey>, StoreError> {
        owners::key(&self.commands, hash).await
    }
}
