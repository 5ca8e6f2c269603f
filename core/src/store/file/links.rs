//! Reading links from the file.

use std::ops::Bound;

use redb::{ReadTransaction, ReadableTable};

use super::stop::Stop;
use super::tables::{EXTERNAL_IDS, IDS, LINKS, WORKSPACE_LINKS};
use crate::id::LinkId;
use crate::link::Link;
use crate::store::{StoreError, StoredLink, from_json, passed_over, raw_link_key};
use crate::workspace::WorkspaceId;

type Read<T> = Result<T, Stop<StoreError>>;

/// Links read in one transaction while all are read: enough that a transaction costs nothing, and few
/// enough that none keeps old pages of the file from being used again.
const PART: usize = 256;

/// A stretch of all links, in the order of the file.
pub(super) struct Part {
    /// What could be read.
    pub(super) links: Vec<StoredLink>,
    /// What could not.
    pub(super) unreadable: Vec<StoreError>,
    /// Where the next stretch begins; none after the last.
    pub(super) after: Option<String>,
}

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

pub(super) fn by_external_id(
    transaction: &ReadTransaction,
    workspace: &WorkspaceId,
    external_id: &str,
) -> Read<Option<Link>> {
    let external_ids = transaction.open_table(EXTERNAL_IDS)?;
    match external_ids.get((workspace.as_str(), external_id))? {
        Some(id) => by_id(transaction, workspace, LinkId(id.value())),
        None => Ok(None),
    }
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
    for entry in range.rev() {
        if found.len() == limit {
            break;
        }
        let (_, id) = entry?.0.value();
        let link = match ids.get(id)? {
            Some(key) => get(&links, key.value()),
            None => Ok(None),
        };
        let error = match link {
            Ok(Some(link)) => {
                found.push(link);
                continue;
            }
            // One commit made all three, so that one without the others is damage.
            Ok(None) => StoreError::Unreadable {
                key: LinkId(id).to_string(),
                reason: "it is listed, but there is no such link".into(),
            },
            Err(Stop::Answer(error)) => error,
            Err(database) => return Err(database),
        };
        passed_over(&error);
    }
    Ok(found)
}

/// The links behind `after`, or the first ones.
pub(super) fn part(transaction: &ReadTransaction, after: Option<&str>) -> Read<Part> {
    let table = transaction.open_table(LINKS)?;
    let start = after.map_or(Bound::Unbounded, Bound::Excluded);
    let mut part = Part {
        links: Vec::with_capacity(PART),
        unreadable: Vec::new(),
        after: None,
    };
    let mut last = None;
    for (count, entry) in table.range::<&str>((start, Bound::Unbounded))?.enumerate() {
        if count == PART {
            part.after = last;
            break;
        }
        let (key, json) = entry?;
        match StoredLink::new(key.value(), json.value()) {
            Ok(link) => part.links.push(link),
            Err(error) => part.unreadable.push(error),
        }
        if count + 1 == PART {
            last = Some(key.value().to_owned());
        }
    }
    Ok(part)
}

pub(super) fn get<E: From<StoreError>>(
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
