//! The file's layout: one table for each kind of thing, and the indexes that a commit keeps true.

use redb::{ReadTransaction, TableDefinition, WriteTransaction};

use super::stop::Stop;

/// `domain/slug` to the link's JSON: the truth about a link.
pub(super) const LINKS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("links");
/// Every link's id to its `domain/slug`: an id is taken in the whole installation.
pub(super) const IDS: TableDefinition<'_, u64, &str> = TableDefinition::new("ids");
/// Workspace and id of every link, in the order of listing.
pub(super) const WORKSPACE_LINKS: TableDefinition<'_, (&str, u64), ()> =
    TableDefinition::new("workspace_links");
/// Workspace and external id of the links that have one, to the link's id.
pub(super) const EXTERNAL_IDS: TableDefinition<'_, (&str, &str), u64> =
    TableDefinition::new("external_ids");
/// Link id to the clicks that were let through under its cap.
pub(super) const CLICKS: TableDefinition<'_, u64, u64> = TableDefinition::new("clicks");
/// Workspace id to the workspace's JSON.
pub(super) const WORKSPACES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("workspaces");
/// Host to the JSON of the domain, which names the workspace that has claimed it.
pub(super) const DOMAINS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("domains");
/// Workspace and host of every claim, in the order of listing.
pub(super) const WORKSPACE_DOMAINS: TableDefinition<'_, (&str, &str), ()> =
    TableDefinition::new("workspace_domains");
/// Hexadecimal hash of an API key to the key's JSON.
pub(super) const KEYS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("keys");

/// Where a salt's day began and its workspace, to the sealed salt: those that are over stand first.
pub(super) const SALTS: TableDefinition<'_, (i64, &str), &[u8]> = TableDefinition::new("salts");

/// Makes every table, so that a read of a new store finds them empty rather than missing.
pub(super) fn create<E>(transaction: &WriteTransaction) -> Result<(), Stop<E>> {
    transaction.open_table(LINKS)?;
    transaction.open_table(IDS)?;
    transaction.open_table(WORKSPACE_LINKS)?;
    transaction.open_table(EXTERNAL_IDS)?;
    transaction.open_table(CLICKS)?;
    transaction.open_table(WORKSPACES)?;
    transaction.open_table(DOMAINS)?;
    transaction.open_table(WORKSPACE_DOMAINS)?;
    transaction.open_table(KEYS)?;
    transaction.open_table(SALTS)?;
    Ok(())
}

/// Reads something, to see that the file answers.
pub(super) fn check<E>(transaction: &ReadTransaction) -> Result<(), Stop<E>> {
    transaction.open_table(LINKS)?;
    Ok(())
}
