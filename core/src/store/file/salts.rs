//! Daily salts in the file. When they are over is asked by whoever holds the file, ingest's process.

use redb::{ReadTransaction, ReadableTable, WriteTransaction};

use super::stop::Stop;
use super::tables::SALTS;
use crate::salt::{LIFE, SaltId, SealedSalt};
use crate::store::{Change, StoreError};

/// The salt that stands, if one does.
pub(super) fn at(
    transaction: &ReadTransaction,
    id: &SaltId,
) -> Result<Option<SealedSalt>, Stop<StoreError>> {
    let salts = transaction.open_table(SALTS)?;
    let stands = salts.get((id.day, id.workspace.as_str()))?;
    Ok(stands.map(|sealed| SealedSalt(sealed.value().to_vec())))
}

/// The salt that stands, which is `new` where none did.
pub(super) fn at_or(
    transaction: &WriteTransaction,
    id: &SaltId,
    new: SealedSalt,
) -> Result<(SealedSalt, Vec<Change>), Stop<StoreError>> {
    let mut salts = transaction.open_table(SALTS)?;
    let place = (id.day, id.workspace.as_str());
    let stands = salts.get(place)?.map(|sealed| sealed.value().to_vec());
    let stands = match stands {
        Some(sealed) => SealedSalt(sealed),
        None => {
            salts.insert(place, &*new.0)?;
            new
        }
    };
    Ok((stands, Vec::new()))
}

/// Whether there is one whose time is over at `now`.
pub(super) fn any_over(transaction: &ReadTransaction, now: i64) -> Result<bool, Stop<StoreError>> {
    let salts = transaction.open_table(SALTS)?;
    let first = salts.first()?;
    Ok(first.is_some_and(|(place, _)| place.value().0 <= now.saturating_sub(LIFE)))
}

/// Deletes those whose time is over at `now`.
pub(super) fn forget(
    transaction: &WriteTransaction,
    now: i64,
) -> Result<((), Vec<Change>), Stop<StoreError>> {
    let mut salts = transaction.open_table(SALTS)?;
    let last = now.saturating_sub(LIFE);
    salts.retain(|(day, _), _| day > last)?;
    Ok(((), Vec::new()))
}
