//! Workspaces, the domains they have claimed, and API keys in Redis.
//!
//! A workspace or a domain is listed before it is set, so that every one is listed, and a crash between
//! the two leaves one listed that is not there: reads pass over it. A domain that is given up is taken
//! off the list last; who claims it in that moment lists it once more.

use std::future::Future;

use futures::{StreamExt, TryStreamExt, stream};
use redis::cmd;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::commands::Commands;
use super::keys;
use crate::domain::Domain;
use crate::key::{ApiKey, KeyHash};
use crate::link::Host;
use crate::store::{ChangeError, ClaimError, StoreError, from_json, to_json};
use crate::workspace::{Workspace, WorkspaceId};

/// Things asked for at once while listing.
const AT_ONCE: usize = 32;
/// How often a write that others overtake is tried.
const ATTEMPTS: usize = 16;

pub(super) async fn domain_at(
    commands: &Commands,
    host: &str,
) -> Result<Option<(Domain, Workspace)>, StoreError> {
    let Some(domain) = domain(commands, host).await? else {
        return Ok(None);
    };
    let workspace = workspace(commands, domain.workspace.as_str()).await?;
    Ok(workspace.map(|workspace| (domain, workspace)))
}

pub(super) async fn workspace(
    commands: &Commands,
    id: &str,
) -> Result<Option<Workspace>, StoreError> {
    commands.get_json(&keys::workspace(id)).await
}

pub(super) async fn workspaces(commands: &Commands) -> Result<Vec<WorkspaceId>, StoreError> {
    let there = async move |id: String| {
        let key = keys::workspace(&id);
        let is_there: bool = commands.ask(&key, cmd("EXISTS").arg(&key)).await?;
        if is_there {
            id.parse()
                .map(Some)
                .map_err(|error| unreadable(keys::WORKSPACES, &id, error))
        } else {
            Ok(None)
        }
    };
    listed(commands, keys::WORKSPACES, there).await
}

pub(super) async fn put_workspace(
    commands: &Commands,
    workspace: &Workspace,
) -> Result<(), StoreError> {
    list(commands, keys::WORKSPACES, workspace.id.as_str()).await?;
    let key = keys::workspace(workspace.id.as_str());
    commands.set(&key, &to_json(workspace)).await
}

pub(super) async fn change_workspace(
    commands: &Commands,
    workspace: &Workspace,
) -> Result<(), ChangeError> {
    let key = keys::workspace(workspace.id.as_str());
    change(commands, &key, workspace, |stands: &Workspace| {
        follows(stands.revision, workspace.revision)
    })
    .await
}

pub(super) async fn claim_domain(
    commands: &Commands,
    host: &Host,
    workspace: &WorkspaceId,
) -> Result<(), ClaimError> {
    let key = keys::domain(host.as_str());
    let list_key = keys::domains(workspace.as_str());
    let claim = Domain::new(host.clone(), workspace.clone());
    list(commands, &list_key, host.as_str()).await?;
    let mut is_ours = false;
    for _ in 0..ATTEMPTS {
        if commands.set_new(&key, &to_json(&claim)).await? {
            is_ours = true;
            break;
        }
        // None where it was given up in between.
        if let Some(stands) = domain(commands, host.as_str()).await? {
            is_ours = stands.workspace == *workspace;
            break;
        }
    }
    if !is_ours {
        unlist(commands, host, workspace).await?;
        return Err(ClaimError::Taken);
    }
    // Where it was being given up at this moment, it may have been taken off the list since.
    Ok(list(commands, &list_key, host.as_str()).await?)
}

pub(super) async fn change_domain(commands: &Commands, domain: &Domain) -> Result<(), ChangeError> {
    let key = keys::domain(domain.host.as_str());
    change(commands, &key, domain, |stands: &Domain| {
        if stands.workspace == domain.workspace {
            follows(stands.revision, domain.revision)
        } else {
            Err(ChangeError::NotFound)
        }
    })
    .await
}

pub(super) async fn release_domain(
    commands: &Commands,
    host: &Host,
    workspace: &WorkspaceId,
) -> Result<(), ChangeError> {
    let key = keys::domain(host.as_str());
    for _ in 0..ATTEMPTS {
        let json = commands.get(&key).await?.ok_or(ChangeError::NotFound)?;
        let stands: Domain = from_json(&key, &json)?;
        if stands.workspace != *workspace {
            return Err(ChangeError::NotFound);
        }
        if commands.remove(&key, &json).await? {
            // It is given up, whether or not the list can be told.
            let _ = unlist(commands, host, workspace).await;
            return Ok(());
        }
    }
    Err(overtaken(commands))
}

pub(super) async fn domains(
    commands: &Commands,
    workspace: &WorkspaceId,
) -> Result<Vec<Domain>, StoreError> {
    let claimed = async move |host: String| {
        let domain = domain(commands, &host).await?;
        Ok(domain.filter(|domain| domain.workspace == *workspace))
    };
    listed(commands, &keys::domains(workspace.as_str()), claimed).await
}

pub(super) async fn put_key(
    commands: &Commands,
    hash: KeyHash,
    key: &ApiKey,
) -> Result<(), StoreError> {
    commands.set(&keys::key(hash), &to_json(key)).await
}

pub(super) async fn key(commands: &Commands, hash: KeyHash) -> Result<Option<ApiKey>, StoreError> {
    commands.get_json(&keys::key(hash)).await
}

async fn domain(commands: &Commands, host: &str) -> Result<Option<Domain>, StoreError> {
    commands.get_json(&keys::domain(host)).await
}

async fn owns(
    commands: &Commands,
    host: &Host,
    workspace: &WorkspaceId,
) -> Result<bool, StoreError> {
    let domain = domain(commands, host.as_str()).await?;
    Ok(domain.is_some_and(|domain| domain.workspace == *workspace))
}

/// Replaces what stands at a key, if `check` lets it.
async fn change<T: Serialize + DeserializeOwned>(
    commands: &Commands,
    key: &str,
    new: &T,
    check: impl Fn(&T) -> Result<(), ChangeError>,
) -> Result<(), ChangeError> {
    let new = to_json(new);
    for _ in 0..ATTEMPTS {
        let json = commands.get(key).await?.ok_or(ChangeError::NotFound)?;
        check(&from_json(key, &json)?)?;
        if commands.replace(key, &json, &new).await? {
            return Ok(());
        }
    }
    Err(overtaken(commands))
}

/// Refuses a revision that is not the next one.
fn follows(stands: u64, given: u64) -> Result<(), ChangeError> {
    if stands.checked_add(1) == Some(given) {
        Ok(())
    } else {
        Err(ChangeError::Revision { current: stands })
    }
}

async fn list(commands: &Commands, list_key: &str, member: &str) -> Result<(), StoreError> {
    let add = cmd("SADD").arg(list_key).arg(member).to_owned();
    commands.tell::<u64>(list_key, &add).await.map(drop)
}

/// Takes a domain that is not the workspace's off its list.
async fn unlist(
    commands: &Commands,
    host: &Host,
    workspace: &WorkspaceId,
) -> Result<(), StoreError> {
    let list_key = keys::domains(workspace.as_str());
    let remove = cmd("SREM").arg(&list_key).arg(host.as_str()).to_owned();
    commands.tell::<u64>(&list_key, &remove).await?;
    if owns(commands, host, workspace).await? {
        list(commands, &list_key, host.as_str()).await?;
    }
    Ok(())
}

/// What a set lists and `read` finds to be there, in the order of the list's text.
async fn listed<T, F: Future<Output = Result<Option<T>, StoreError>>>(
    commands: &Commands,
    list_key: &str,
    read: impl FnMut(String) -> F,
) -> Result<Vec<T>, StoreError> {
    let mut listed: Vec<String> = commands
        .ask(list_key, cmd("SMEMBERS").arg(list_key))
        .await?;
    listed.sort_unstable();
    let there = stream::iter(listed).map(read).buffered(AT_ONCE);
    there
        .try_filter_map(async |thing| Ok(thing))
        .try_collect()
        .await
}

fn unreadable(list_key: &str, member: &str, reason: impl std::fmt::Display) -> StoreError {
    StoreError::Unreadable {
        key: list_key.to_owned(),
        reason: format!("{member:?} {reason}"),
    }
}

fn overtaken(commands: &Commands) -> ChangeError {
    let reason = "others keep changing this at the same moment";
    commands.unavailable(reason).into()
}
