//! The link store of many machines: Redis 6.2 or later, or Valkey; one of them, behind Sentinels, or a
//! cluster.
//!
//! [`keys`] is the layout; [`links`], [`edits`], [`external`], [`bulk`], [`scan`], [`clicks`], [`owners`] and
//! [`salts`] read and write it over [`commands`]. [`topology`] knows the primaries, and [`lines`] brings what
//! anybody changed on any of them. Redis is the truth here, not a cache: [`upkeep`] says where it is not
//! set up so. Caching does not belong here.

mod address;
mod bulk;
mod certificates;
mod clicks;
mod commands;
mod discovery;
mod edits;
mod external;
mod keys;
mod line;
mod lines;
mod links;
mod owners;
mod salts;
mod scan;
mod topology;
mod upkeep;

use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use tokio::sync::broadcast;

use super::{
    CHANGES_KEPT, Change, ChangeError, ClaimError, CreateError, Edit, EditError, LinkStore,
    StoreError, StoredLink,
};
use crate::domain::Domain;
use crate::id::LinkId;
use crate::key::{ApiKey, KeyHash};
use crate::link::{Host, Label, Link};
use crate::salt::{SaltId, SealedSalt};
use crate::workspace::{Workspace, WorkspaceId};
use address::Address;
use commands::Commands;
use lines::Lines;
use topology::{Topology, Watch};

/// A link store in Redis, shared by any number of processes.
///
/// What it does by itself runs on the runtime that called [`RedisStore::connect`]; callers may be on any
/// other.
pub struct RedisStore {
    topology: Arc<Topology>,
    commands: Commands,
    changes: broadcast::Sender<Change>,
    lines: Lines,
    /// Ends with the store.
    _watch: Watch,
}

impl RedisStore {
    /// Connects to a Redis in any of the forms that `docs/operations.md` names, such as
    /// `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]`.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let (topology, watch) = Topology::find(Address::parse(url)?).await?;
        let commands = Commands::connect(Arc::clone(&topology)).await?;
        let changes = broadcast::channel(CHANGES_KEPT).0;
        let lines = Lines::open(Arc::clone(&topology), commands.clone(), changes.clone()).await?;
        Ok(Self {
            topology,
            commands,
            changes,
            lines,
            _watch: watch,
        })
    }
}

/// Refuses a URL that could not be connected to.
pub(super) fn check_url(url: &str) -> Result<(), StoreError> {
    Address::parse(url).map(drop)
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisStore({})", self.topology.address)
    }
}

#[async_trait]
impl LinkStore for RedisStore {
    async fn link_at(&self, domain: &str, slug: &str) -> Result<Option<Link>, StoreError> {
        links::at(&self.commands, domain, slug).await
    }

    async fn domain_at(&self, host: &str) -> Result<Option<(Domain, Workspace)>, StoreError> {
        owners::domain_at(&self.commands, host).await
    }

    async fn count_click(&self, link: LinkId, cap: NonZeroU64) -> Result<bool, StoreError> {
        clicks::count(&self.commands, link, cap).await
    }

    fn every_link(&self) -> BoxStream<'_, Result<Vec<StoredLink>, StoreError>> {
        scan::every_link(&self.commands)
    }

    fn changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    fn hears_changes(&self) -> bool {
        self.lines.are_up()
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.commands.ping().await
    }

    async fn create_link(&self, link: &Link) -> Result<(), CreateError> {
        edits::create(&self.commands, link).await
    }

    async fn link(&self, workspace: &WorkspaceId, id: LinkId) -> Result<Option<Link>, StoreError> {
        links::by_id(&self.commands, workspace, id).await
    }

    async fn change_link(&self, link: &Link) -> Result<(), ChangeError> {
        edits::change(&self.commands, link).await
    }

    async fn delete_link(
        &self,
        workspace: &WorkspaceId,
        id: LinkId,
        revision: Option<u64>,
    ) -> Result<(), ChangeError> {
        edits::delete(&self.commands, workspace, id, revision).await
    }

    async fn edit_links(&self, edits: &[Edit]) -> Vec<Result<(), EditError>> {
        bulk::run(&self.commands, edits).await
    }

    async fn link_by_external_id(
        &self,
        workspace: &WorkspaceId,
        external_id: &Label,
    ) -> Result<Option<Link>, StoreError> {
        links::by_external_id(&self.commands, workspace, external_id).await
    }

    async fn clicks_counted(&self, link: LinkId) -> Result<u64, StoreError> {
        clicks::counted(&self.commands, link).await
    }

    async fn set_learned_weights(
        &self,
        workspace: &WorkspaceId,
        id: LinkId,
        revision: u64,
        weights: &[u32],
    ) -> Result<(), ChangeError> {
        edits::set_learned_weights(&self.commands, workspace, id, revision, weights).await
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

    async fn change_workspace(&self, workspace: &Workspace) -> Result<(), ChangeError> {
        owners::change_workspace(&self.commands, workspace).await
    }

    async fn workspaces(&self) -> Result<Vec<WorkspaceId>, StoreError> {
        owners::workspaces(&self.commands).await
    }

    async fn workspace(&self, id: &WorkspaceId) -> Result<Option<Workspace>, StoreError> {
        owners::workspace(&self.commands, id.as_str()).await
    }

    async fn claim_domain(&self, host: &Host, workspace: &WorkspaceId) -> Result<(), ClaimError> {
        owners::claim_domain(&self.commands, host, workspace).await
    }

    async fn change_domain(&self, domain: &Domain) -> Result<(), ChangeError> {
        owners::change_domain(&self.commands, domain).await
    }

    async fn release_domain(
        &self,
        host: &Host,
        workspace: &WorkspaceId,
    ) -> Result<(), ChangeError> {
        owners::release_domain(&self.commands, host, workspace).await
    }

    async fn domains(&self, workspace: &WorkspaceId) -> Result<Vec<Domain>, StoreError> {
        owners::domains(&self.commands, workspace).await
    }

    async fn put_key(&self, hash: KeyHash, key: &ApiKey) -> Result<(), StoreError> {
        owners::put_key(&self.commands, hash, key).await
    }

    async fn key(&self, hash: KeyHash) -> Result<Option<ApiKey>, StoreError> {
        owners::key(&self.commands, hash).await
    }

    async fn salt(&self, id: &SaltId, new: &SealedSalt) -> Result<SealedSalt, StoreError> {
        salts::at_or(&self.commands, id, new).await
    }

    async fn forget_salts(&self, _now: i64) -> Result<(), StoreError> {
        // They expire.
        Ok(())
    }
}
