//! Workspaces, the domains they have claimed, and API keys in the file.

use redb::{ReadTransaction, ReadableTable, WriteTransaction};

use super::stop::Stop;
use super::tables::{DOMAINS, KEYS, WORKSPACE_DOMAINS, WORKSPACES};
use crate::domain::Domain;
use crate::key::{ApiKey, KeyHash};
use crate::link::Host;
use crate::store::{Change, ChangeError, ClaimError, StoreError, from_json, to_json};
use crate::workspace::{Workspace, WorkspaceId};

type Read<T> = Result<T, Stop<StoreError>>;
type Write<E> = Result<((), Vec<Change>), Stop<E>>;

pub(super) fn domain_at(
    transaction: &ReadTransaction,
    host: &str,
) -> Read<Option<(Domain, Workspace)>> {
    let Some(domain) = get::<Domain, _>(&transaction.open_table(DOMAINS)?, host)? else {
        return Ok(None);
    };
    let workspace = workspace(transaction, domain.workspace.as_str())?;
    Ok(workspace.map(|workspace| (domain, workspace)))
}

pub(super) fn workspace(transaction: &ReadTransaction, id: &str) -> Read<Option<Workspace>> {
    get(&transaction.open_table(WORKSPACES)?, id)
}

pub(super) fn workspaces(transaction: &ReadTransaction) -> Read<Vec<WorkspaceId>> {
    let mut ids = Vec::new();
    for entry in transaction.open_table(WORKSPACES)?.iter()? {
        let key = entry?.0;
        let id = key
            .value()
            .parse()
            .map_err(|error| unreadable(key.value(), error));
        ids.push(id.map_err(Stop::unreadable)?);
    }
    Ok(ids)
}

/// What a redirect needs of a workspace is cached by domain, so each of its domains has changed.
pub(super) fn put_workspace<E>(transaction: &WriteTransaction, workspace: &Workspace) -> Write<E> {
    let id = workspace.id.as_str();
    transaction
        .open_table(WORKSPACES)?
        .insert(id, &*to_json(workspace))?;
    let claims = hosts(&transaction.open_table(WORKSPACE_DOMAINS)?, id)?;
    Ok(((), claims.into_iter().map(Change::Domain).collect()))
}

pub(super) fn change_workspace(
    transaction: &WriteTransaction,
    workspace: &Workspace,
) -> Write<ChangeError> {
    let stands: Option<Workspace> =
        get(&transaction.open_table(WORKSPACES)?, workspace.id.as_str())?;
    let stands = stands.ok_or(Stop::Answer(ChangeError::NotFound))?;
    follows(stands.revision, workspace.revision)?;
    put_workspace(transaction, workspace)
}

pub(super) fn claim_domain(
    transaction: &WriteTransaction,
    host: &Host,
    workspace: &WorkspaceId,
) -> Write<ClaimError> {
    let mut domains = transaction.open_table(DOMAINS)?;
    let stands: Option<Domain> = get(&domains, host.as_str())?;
    match stands {
        Some(domain) if domain.workspace == *workspace => Ok(((), Vec::new())),
        Some(_) => Err(Stop::Answer(ClaimError::Taken)),
        None => {
            let domain = Domain::new(host.clone(), workspace.clone());
            domains.insert(host.as_str(), &*to_json(&domain))?;
            transaction
                .open_table(WORKSPACE_DOMAINS)?
                .insert((workspace.as_str(), host.as_str()), ())?;
            Ok(((), vec![Change::Domain(host.to_string())]))
        }
    }
}

pub(super) fn change_domain(transaction: &WriteTransaction, domain: &Domain) -> Write<ChangeError> {
    let mut domains = transaction.open_table(DOMAINS)?;
    let stands: Option<Domain> = get(&domains, domain.host.as_str())?;
    let stands = stands.filter(|it| it.workspace == domain.workspace);
    let stands = stands.ok_or(Stop::Answer(ChangeError::NotFound))?;
    follows(stands.revision, domain.revision)?;
    domains.insert(domain.host.as_str(), &*to_json(domain))?;
    Ok(((), vec![Change::Domain(domain.host.to_string())]))
}

pub(super) fn release_domain(
    transaction: &WriteTransaction,
    host: &Host,
    workspace: &WorkspaceId,
) -> Write<ChangeError> {
    let mut domains = transaction.open_table(DOMAINS)?;
    let stands: Option<Domain> = get(&domains, host.as_str())?;
    if stands.is_none_or(|it| it.workspace != *workspace) {
        return Err(Stop::Answer(ChangeError::NotFound));
    }
    domains.remove(host.as_str())?;
    transaction
        .open_table(WORKSPACE_DOMAINS)?
        .remove((workspace.as_str(), host.as_str()))?;
    Ok(((), vec![Change::Domain(host.to_string())]))
}

pub(super) fn domains(transaction: &ReadTransaction, workspace: &WorkspaceId) -> Read<Vec<Domain>> {
    let claims = transaction.open_table(WORKSPACE_DOMAINS)?;
    let domains = transaction.open_table(DOMAINS)?;
    let mut found = Vec::new();
    for host in hosts(&claims, workspace.as_str())? {
        let domain = get(&domains, &host)?;
        // One commit made both, so that one without the other is damage.
        found.push(domain.ok_or_else(|| {
            Stop::Answer(unreadable(
                &host,
                "it is listed, but there is no such domain",
            ))
        })?);
    }
    Ok(found)
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
    get(&transaction.open_table(KEYS)?, &hash.to_hex())
}

fn get<T: serde::de::DeserializeOwned, E: From<StoreError>>(
    table: &impl ReadableTable<&'static str, &'static [u8]>,
    key: &str,
) -> Result<Option<T>, Stop<E>> {
    match table.get(key)? {
        Some(json) => from_json(key, json.value())
            .map(Some)
            .map_err(Stop::unreadable),
        None => Ok(None),
    }
}

/// Refuses a revision that is not the next one.
fn follows(stands: u64, given: u64) -> Result<(), Stop<ChangeError>> {
    if stands.checked_add(1) == Some(given) {
        Ok(())
    } else {
        Err(Stop::Answer(ChangeError::Revision { current: stands }))
    }
}

fn unreadable(key: &str, reason: impl ToString) -> StoreError {
    StoreError::Unreadable {
        key: key.to_owned(),
        reason: reason.to_string(),
    }
}

/// A workspace's hosts in alphabetical order.
fn hosts<E>(
    claims: &impl ReadableTable<(&'static str, &'static str), ()>,
    workspace: &str,
) -> Result<Vec<String>, Stop<E>> {
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
