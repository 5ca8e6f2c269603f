//! Workspaces, the domains they have claimed, and API keys in Redis.
//!
//! A domain is listed before it is claimed, so that every claimed one is listed, and a crash between
//! the two leaves one listed that is not claimed: reads pass over it.

use futures::{StreamExt, TryStreamExt, stream};
use redis::cmd;

use super::commands::Commands;
use super::keys;
use crate::key::{ApiKey, KeyHash};
use crate::link::Host;
use crate::store::{ClaimError, StoreError, to_json};
use crate::workspace::{Workspace, WorkspaceId};

/// Claims checked at once while listing.
const AT_ONCE: usize = 32;

pub(super) async fn workspace_of(
    commands: &Commands,
    domain: &str,
) -> Result<Option<Workspace>, StoreError> {
    match commands.get_text(&keys::domain(domain)).await? {
        Some(id) => workspace(commands, &id).await,
        None => Ok(None),
    }
}

pub(super) async fn workspace(
    commands: &Commands,
    id: &str,
) -> Result<Option<Workspace>, StoreError> {
    commands.get_json(&keys::workspace(id)).await
}

pub(super) async fn put_workspace(
    commands: &Commands,
    workspace: &Workspace,
) -> Result<(), StoreError> {
    set(
        commands,
        &keys::workspace(workspace.id.as_str()),
        &to_json(workspace),
    )
    .await
}

pub(super) async fn claim_domain(
    commands: &Commands,
    host: &Host,
    workspace: &WorkspaceId,
) -> Result<(), ClaimError> {
    let (domain_key, list_key) = (
        keys::domain(host.as_str()),
        keys::domains(workspace.as_str()),
    );
    let _: u64 = commands
        .tell(cmd("SADD").arg(&list_key).arg(host.as_str()))
        .await?;
    if commands
        .set_new(&domain_key, workspace.as_str().as_bytes())
        .await?
    {
        return Ok(());
    }
    if commands.get_text(&domain_key).await?.as_deref() == Some(workspace.as_str()) {
        return Ok(());
    }
    let _: u64 = commands
        .tell(cmd("SREM").arg(&list_key).arg(host.as_str()))
        .await?;
    Err(ClaimError::Taken)
}

pub(super) async fn domains(
    commands: &Commands,
    workspace: &WorkspaceId,
) -> Result<Vec<Host>, StoreError> {
    let list_key = keys::domains(workspace.as_str());
    let mut listed: Vec<String> = commands.ask(cmd("SMEMBERS").arg(&list_key)).await?;
    listed.sort_unstable();
    let claimed = async |host: String| {
        let owner = commands.get_text(&keys::domain(&host)).await?;
        if owner.as_deref() != Some(workspace.as_str()) {
            return Ok(None);
        }
        let unreadable = |e| StoreError::Unreadable {
            key: list_key.clone(),
            reason: format!("{host:?} {e}"),
        };
        host.parse().map(Some).map_err(unreadable)
    };
    let hosts = stream::iter(listed).map(claimed).buffered(AT_ONCE);
    hosts
        .try_filter_map(async |host| Ok(host))
        .try_collect()
        .await
}

pub(super) async fn put_key(
    commands: &Commands,
    hash: KeyHash,
    key: &ApiKey,
) -> Result<(), StoreError> {
    set(commands, &keys::key(hash), &to_json(key)).await
}

pub(super) async fn key(commands: &Commands, hash: KeyHash) -> Result<Option<ApiKey>, StoreError> {
    commands.get_json(&keys::key(hash)).await
}

async fn set(commands: &Commands, key: &str, value: &[u8]) -> Result<(), StoreError> {
    commands.tell(cmd("SET").arg(key).arg(value)).await
}
