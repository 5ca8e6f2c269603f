//! How a click or a conversion lies in the journal: one byte of version, then postcard.
//!
//! The version is of the record's shape. A reader that meets one it does not know says so by name and
//! never guesses: postcard has no field tags, so a changed shape must be a new version.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a record could not be read.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum WireError {
    /// Written by a newer (or much older) Whence.
    #[error("{record} record of version {found}; this process reads version {reads}")]
    Version {
        /// What the record is.
        record: &'static str,
        /// The version it carries.
        found: u8,
        /// The version this build reads.
        reads: u8,
    },
    /// The bytes are not such a record.
    #[error("{record} record cannot be read: {reason}")]
    Malformed {
        /// What the record should have been.
        record: &'static str,
        /// What the decoder says.
        reason: postcard::Error,
    },
    /// Nothing there.
    #[error("{record} record is empty")]
    Empty {
        /// What the record should have been.
        record: &'static str,
    },
}

/// A type with one current wire version.
pub trait Wire {
    /// The record's name in errors.
    const RECORD: &'static str;
    /// The version written, and the only one read.
    const VERSION: u8;
}

/// Appends the record to `buffer`, which keeps its capacity from record to record.
pub fn encode<T: Wire + Serialize>(record: &T, buffer: &mut Vec<u8>) {
    buffer.push(T::VERSION);
    postcard::to_io(record, buffer).expect("writing to memory cannot fail");
}

/// Reads a record; borrowed text points into `bytes`.
pub fn decode<'a, T: Wire + Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, WireError> {
    let (&version, body) = bytes
        .split_first()
        .ok_or(WireError::Empty { record: T::RECORD })?;
    if version != T::VERSION {
        return Err(WireError::Version {
            record: T::RECORD,
            found: version,
            reads: T::VERSION,
        });
    }
    postcard::from_bytes(body).map_err(|reason| WireError::Malformed {
        record: T::RECORD,
        reason,
    })
}
