//! Workspaces, the domains they have claimed, and API keys in the file.

use redb::{ReadTransaction, ReadableTable, WriteTransaction};

use super::stop::Stop;
use super::tables::{DOMAINS, KEYS, WORKSPACE_DOMAINS, WORKSPACES};
use crate::key::{ApiKey, KeyHash};
use crate::link::Host;
use crate::store::{Change, ClaimError, StoreError, from_json, to_json};
use crate::workspace::{Workspace, WorkspaceId};

type Read<T> = Result<T, Stop<StoreError>>;
type Write<E> = Result<((), Vec<Change>), Stop<E>>;

pub(super) fn workspace_of(transaction: &ReadTransaction, domain: &str) -> Read<Option<Workspace>> {
    match transaction.open_table(DOMAINS)?.get(domain)? {
        Some(id) => workspace(transaction, id.value()),
        None => Ok(None),
    }
}

pub(super) fn workspace(transaction: &ReadTransaction, id: &str) -> Read<Option<Workspace>> {
    match transaction.open_table(WORKSPACES)?.get(id)? {
        Some(json) => from_json(id, json.value())
            .map(Some)
            .map_err(Stop::unreadable),
        None => Ok(None),
    }
}

/// What a redirect needs of a workspace is cached by domain, so each of its domains has changed.
pub(super) fn put_workspace(
    transaction: &WriteTransaction,
    workspace: &Workspace,
) -> Write<StoreError> {
    let id = workspace.id.as_str();
    transaction
        .open_table(WORKSPACES)?
        .insert(id, &*to_json(workspace))?;
    let claims = hosts(&transaction.open_table(WORKSPACE_DOMAINS)?, id)?;
    Ok(((), claims.into_iter().map(Change::Domain).collect()))
}

pub(super) fn claim_domain(
    transaction: &WriteTransaction,
    host: &Host,
    workspace: &WorkspaceId,
) -> Write<ClaimError> {
    let mut domains = transaction.open_table(DOMAINS)?;
    let owner = domains
        .get(host.as_str())?
        .map(|owner| owner.value().to_owned());
    match owner {
        Some(owner) if owner == workspace.as_str() => Ok(((), Vec::new())),
        Some(_) => Err(Stop::Answer(ClaimError::Taken)),
        None => {
            domains.insert(host.as_str(), workspace.as_str())?;
            transaction
                .open_table(WORKSPACE_DOMAINS)?
                .insert((workspace.as_str(), host.as_str()), ())?;
            Ok(((), vec![Change::Domain(host.to_string())]))
        }
    }
}

pub(super) fn domains(transaction: &ReadTransaction, workspace: &WorkspaceId) -> Read<Vec<Host>> {
    let hosts = hosts(
        &transaction.open_table(WORKSPACE_DOMAINS)?,
        workspace.as_str(),
    )?;
    let read = |host: String| {
        let key = host.clone();
        Host::try_from(host).map_err(|e| StoreError::Unreadable {
            key,
            reason: e.to_string(),
        })
    };
    hosts
        .into_iter()
        .map(|host| read(host).map_err(Stop::unreadable))
        .collect()
}

pub(super) fn put_key(
    transaction: &WriteTransaction,
    hash: KeyHash,
    key: &ApiKey,
) -> Write<StoreError> {
    transaction
        .open_table(KEYS)?
        .insert(&*hash.to_hex(), &*to_json(key))?;
    Ok(((), Vec::new()))
}

pub(super) fn key(transaction: &ReadTransaction, hash: KeyHash) -> Read<Option<ApiKey>> {
    let hash = hash.to_hex();
    match transaction.open_table(KEYS)?.get(&*hash)? {
        Some(json) => from_json(&hash, json.value())
            .map(Some)
            .map_err(Stop::unreadable),
        None => Ok(None),
    }
}

/// A workspace's hosts in alphabetical order.
fn hosts(
    claims: &impl ReadableTable<(&'static str, &'static str), ()>,
    workspace: &str,
) -> Result<Vec<String>, Stop<StoreError>> {
    let mut hosts = Vec::new();
    for entry in claims.range((workspace, "")..)? {
        let entry = entry?.0;
        let (owner, host) = entry.value();
        if owner != workspace {
            break;
        }
        hosts.push(host.to_owned());
    }
    Ok(hosts)
}
