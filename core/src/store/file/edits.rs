//! Writing links into the file. A link, its id, its external id and its place in the list change in one
//! transaction.
//!
//! Every edit looks before it writes: one that is refused has changed nothing, and so many of them can
//! share a transaction.

use redb::{ReadableTable, WriteTransaction};

use super::links::get;
use super::stop::Stop;
use super::tables::{CLICKS, EXTERNAL_IDS, IDS, LINKS, WORKSPACE_LINKS};
use crate::id::LinkId;
use crate::link::{Label, Link};
use crate::store::{
    Change, ChangeError, CreateError, Edit, EditError, StoreError, link_key, to_json,
};
use crate::workspace::WorkspaceId;

type Write<T, E> = Result<(T, Vec<Change>), Stop<E>>;

pub(super) fn create(transaction: &WriteTransaction, link: &Link) -> Write<(), CreateError> {
    let key = key_of(link);
    let (mut links, mut ids) = (transaction.open_table(LINKS)?, transaction.open_table(IDS)?);
    let mut external_ids = transaction.open_table(EXTERNAL_IDS)?;
    if ids.get(link.id.0)?.is_some() {
        return Err(Stop::Answer(CreateError::IdTaken));
    }
    let workspace = link.workspace.as_str();
    let external_id = link.spec.external_id.as_ref();
    let named = external_id.map(|external_id| (workspace, external_id.as_str()));
    if let Some(named) = named
        && external_ids.get(named)?.is_some()
    {
        return Err(Stop::Answer(CreateError::ExternalIdTaken));
    }
    if links.get(&*key)?.is_some() {
        return Err(Stop::Answer(CreateError::SlugTaken));
    }
    if let Some(named) = named {
        external_ids.insert(named, link.id.0)?;
    }
    links.insert(&*key, &*to_json(link))?;
    ids.insert(link.id.0, &*key)?;
    transaction
        .open_table(WORKSPACE_LINKS)?
        .insert((workspace, link.id.0), ())?;
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
        return Err(at_revision(&stands));
    }
    let (old, new) = (&stands.spec.external_id, &link.spec.external_id);
    if old != new {
        let mut external_ids = transaction.open_table(EXTERNAL_IDS)?;
        let place = |id: &Label| id.as_str().to_owned();
        let workspace = link.workspace.as_str();
        if let Some(new) = new.as_ref().map(place) {
            if external_ids.get((workspace, &*new))?.is_some() {
                return Err(Stop::Answer(ChangeError::ExternalIdTaken));
            }
            external_ids.insert((workspace, &*new), link.id.0)?;
        }
        if let Some(old) = old.as_ref().map(place) {
            external_ids.remove((workspace, &*old))?;
        }
    }
    links.insert(&*key, &*to_json(link))?;
    Ok(((), vec![change_of(link)]))
}

pub(super) fn set_learned_weights(
    transaction: &WriteTransaction,
    workspace: &WorkspaceId,
    id: LinkId,
    revision: u64,
    weights: &[u32],
) -> Write<(), ChangeError> {
    let (key, mut link) = own(transaction, workspace, id)?;
    if link.revision != revision {
        return Err(at_revision(&link));
    }
    if link.learned_weights == weights {
        return Ok(((), Vec::new()));
    }
    link.learned_weights = weights.to_vec();
    transaction
        .open_table(LINKS)?
        .insert(&*key, &*to_json(&link))?;
    Ok(((), vec![change_of(&link)]))
}

pub(super) fn delete(
    transaction: &WriteTransaction,
    workspace: &WorkspaceId,
    id: LinkId,
    revision: Option<u64>,
) -> Write<(), ChangeError> {
    let (key, link) = own(transaction, workspace, id)?;
    if revision.is_some_and(|revision| revision != link.revision) {
        return Err(at_revision(&link));
    }
    transaction.open_table(LINKS)?.remove(&*key)?;
    transaction.open_table(IDS)?.remove(id.0)?;
    transaction.open_table(CLICKS)?.remove(id.0)?;
    transaction
        .open_table(WORKSPACE_LINKS)?
        .remove((workspace.as_str(), id.0))?;
    if let Some(external_id) = &link.spec.external_id {
        transaction
            .open_table(EXTERNAL_IDS)?
            .remove((workspace.as_str(), external_id.as_str()))?;
    }
    Ok(((), vec![change_of(&link)]))
}

/// Every edit in its turn; only trouble with the database itself ends them all.
pub(super) fn many(
    transaction: &WriteTransaction,
    edits: &[Edit],
) -> Write<Vec<Result<(), EditError>>, StoreError> {
    let (mut results, mut changes) = (Vec::with_capacity(edits.len()), Vec::new());
    for edit in edits {
        let result = match edit {
            Edit::Create(link) => create(transaction, link).map_err(answer_of),
            Edit::Change(link) => change(transaction, link).map_err(answer_of),
            Edit::Delete {
                workspace,
                id,
                revision,
            } => delete(transaction, workspace, *id, *revision).map_err(answer_of),
        };
        results.push(match result {
            Ok(((), told)) => {
                changes.extend(told);
                Ok(())
            }
            Err(Ok(refused)) => Err(refused),
            Err(Err(database)) => return Err(Stop::Database(database)),
        });
    }
    Ok((results, changes))
}

/// What one edit is told, or the database's trouble, which ends all of them.
fn answer_of<E: Into<EditError>>(stop: Stop<E>) -> Result<EditError, redb::Error> {
    match stop {
        Stop::Answer(answer) => Ok(answer.into()),
        Stop::Database(error) => Err(error),
    }
}

/// A workspace's link by its id, and where it stands.
fn own(
    transaction: &WriteTransaction,
    workspace: &WorkspaceId,
    id: LinkId,
) -> Result<(String, Link), Stop<ChangeError>> {
    let ids = transaction.open_table(IDS)?;
    let key = ids.get(id.0)?.map(|key| key.value().to_owned());
    let key = key.ok_or(Stop::Answer(ChangeError::NotFound))?;
    let link: Option<Link> = get(&transaction.open_table(LINKS)?, &key)?;
    let link = link.filter(|link| link.workspace == *workspace);
    let link = link.ok_or(Stop::Answer(ChangeError::NotFound))?;
    Ok((key, link))
}

fn at_revision(link: &Link) -> Stop<ChangeError> {
    Stop::Answer(ChangeError::Revision {
        current: link.revision,
    })
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
