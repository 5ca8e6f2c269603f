//! Links in the file. A link, its id and its place in the list change in one transaction.

use redb::{ReadTransaction, ReadableTable, WriteTransaction};

use super::stop::Stop;
use super::tables::{IDS, LINKS, WORKSPACE_LINKS};
use crate::id::LinkId;
use crate::link::Link;
use crate::store::{
    Change, ChangeError, CreateError, StoreError, from_json, link_key, raw_link_key, to_json,
};
use crate::workspace::WorkspaceId;

type Read<T> = Result<T, Stop<StoreError>>;
type Write<T, E> = Result<(T, Vec<Change>), Stop<E>>;

pub(super) fn at(transaction: &ReadTransaction, domain: &str, slug: &str) -> Read<Option<Link>> {
    match raw_link_key(domain, slug) {
        Some(key) => get(&transaction.open_table(LINKS)?, &key),
        None => Ok(None),
    }
}

pub(super) fn by_id(
    transaction: &ReadTransaction,
    workspace: &WorkspaceId,
    id: LinkId,
) -> Read<Option<Link>> {
    let ids = transaction.open_table(IDS)?;
    let Some(key) = ids.get(id.0)? else {
        return Ok(None);
    };
    let link: Option<Link> = get(&transaction.open_table(LINKS)?, key.value())?;
    Ok(link.filter(|link| link.workspace == *workspace))
}

pub(super) fn list(
    transaction: &ReadTransaction,
    workspace: &WorkspaceId,
    before: Option<LinkId>,
    limit: usize,
) -> Read<Vec<Link>> {
    let workspace = workspace.as_str();
    let (listed, ids) = (
        transaction.open_table(WORKSPACE_LINKS)?,
        transaction.open_table(IDS)?,
    );
    let links = transaction.open_table(LINKS)?;
    let range = match before {
        Some(before) => listed.range((workspace, 0)..(workspace, before.0))?,
        None => listed.range((workspace, 0)..=(workspace, u64::MAX))?,
    };
    let mut found = Vec::new();
    for entry in range.rev().take(limit) {
        let (_, id) = entry?.0.value();
        let link = match ids.get(id)? {
            Some(key) => get(&links, key.value())?,
            None => None,
        };
        // One commit made all three, so that one without the others is damage.
        found.push(link.ok_or_else(|| {
            Stop::Answer(StoreError::Unreadable {
                key: LinkId(id).to_string(),
                reason: "it is listed, but there is no such link".into(),
            })
        })?);
    }
    Ok(found)
}

pub(super) fn create(transaction: &WriteTransaction, link: &Link) -> Write<(), CreateError> {
    let key = key_of(link);
    let (mut links, mut ids) = (transaction.open_table(LINKS)?, transaction.open_table(IDS)?);
    if ids.get(link.id.0)?.is_some() {
        return Err(Stop::Answer(CreateError::IdTaken));
    }
    if links.get(&*key)?.is_some() {
        return Err(Stop::Answer(CreateError::SlugTaken));
    }
    links.insert(&*key, &*to_json(link))?;
    ids.insert(link.id.0, &*key)?;
    transaction
        .open_table(WORKSPACE_LINKS)?
        .insert((link.workspace.as_str(), link.id.0), ())?;
    Ok(((), vec![change_of(link)]))
}

pub(super) fn change(transaction: &WriteTransaction, link: &Link) -> Write<(), ChangeError> {
    let key = key_of(link);
    let mut links = transaction.open_table(LINKS)?;
    let stands: Option<Link> = get(&links, &key)?;
    let Some(stands) = stands.filter(|it| it.id == link.id && it.workspace == link.workspace)
    else {
        return Err(Stop::Answer(ChangeError::NotFound));
    };
    if stands.revision.checked_add(1) != Some(link.revision) {
        return Err(Stop::Answer(ChangeError::Revision {
            current: stands.revision,
        }));
    }
    links.insert(&*key, &*to_json(link))?;
    Ok(((), vec![change_of(link)]))
}

pub(super) fn delete(
    transaction: &WriteTransaction,
    workspace: &WorkspaceId,
    id: LinkId,
) -> Write<bool, StoreError> {
    let (mut links, mut ids) = (transaction.open_table(LINKS)?, transaction.open_table(IDS)?);
    let Some(key) = ids.get(id.0)?.map(|key| key.value().to_owned()) else {
        return Ok((false, Vec::new()));
    };
    let link: Option<Link> = get(&links, &key)?;
    let Some(link) = link.filter(|link| link.workspace == *workspace) else {
        return Ok((false, Vec::new()));
    };
    links.remove(&*key)?;
    ids.remove(id.0)?;
    transaction
        .open_table(WORKSPACE_LINKS)?
        .remove((workspace.as_str(), id.0))?;
    Ok((true, vec![change_of(&link)]))
}

fn get<E: From<StoreError>>(
    links: &impl ReadableTable<&'static str, &'static [u8]>,
    key: &str,
) -> Result<Option<Link>, Stop<E>> {
    let Some(json) = links.get(key)? else {
        return Ok(None);
    };
    from_json(key, json.value())
        .map(Some)
        .map_err(Stop::unreadable)
}

fn key_of(link: &Link) -> String {
    link_key(link.domain.as_str(), link.slug.as_str())
}

fn change_of(link: &Link) -> Change {
    Change::Link {
        domain: link.domain.to_string(),
        slug: link.slug.to_string(),
    }
}
