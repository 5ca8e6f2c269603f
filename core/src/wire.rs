//! How a click or a conversion lies in the journal: one byte of version, then postcard.
//!
//! The version is of the record's shape. postcard has no field tags, so a changed shape must be a new version, and
//! a reader that meets one it does not know says so by name and never guesses. Fields are only ever added at the
//! end, and variants at the end of an enumeration: so an older record is a newer one cut short, and is read with
//! what stands for the fields that it lacks. `core/tests/wire_versions.rs` holds bytes of every version.

pub(crate) mod write;

use postcard::de_flavors::Flavor;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a record could not be read.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum WireError {
    /// Written by a newer Whence.
    #[error("{record} record of version {found}; this process reads versions {oldest} to {newest}")]
    Version {
        /// What the record is.
        record: &'static str,
        /// The version it carries.
        found: u8,
        /// The oldest version this build reads.
        oldest: u8,
        /// The newest, which it writes.
        newest: u8,
    },
    /// The bytes are not such a record.
    #[error("{record} record cannot be read: {reason}")]
    Malformed {
        /// What the record should have been.
        record: &'static str,
        /// What the decoder says.
        reason: postcard::Error,
    },
    /// More bytes than the record has.
    #[error("{record} record has bytes behind its end")]
    Trailing {
        /// What the record should have been.
        record: &'static str,
    },
    /// Nothing there.
    #[error("{record} record is empty")]
    Empty {
        /// What the record should have been.
        record: &'static str,
    },
}

/// A type with a current wire version, and older ones that are still read.
pub trait Wire {
    /// The record's name in errors.
    const RECORD: &'static str;
    /// The version written.
    const VERSION: u8;
    /// For each older version from 1 on, the encoded fields that it lacks: what is read behind its end.
    const LACKING: &'static [&'static [u8]] = &[];

    /// Appends what follows on the version. Who does it by hand writes the same bytes.
    fn write(&self, buffer: &mut Vec<u8>)
    where
        Self: Serialize,
    {
        postcard::to_io(self, buffer).expect("writing to memory cannot fail");
    }
}

/// Appends the record to `buffer`, which keeps its capacity from record to record.
pub fn encode<T: Wire + Serialize>(record: &T, buffer: &mut Vec<u8>) {
    buffer.push(T::VERSION);
    record.write(buffer);
}

/// Reads a record; borrowed text points into `bytes`.
pub fn decode<'a, T: Wire + Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, WireError> {
    const { assert!(T::LACKING.len() + 1 == T::VERSION as usize) };
    let (&version, body) = bytes
        .split_first()
        .ok_or(WireError::Empty { record: T::RECORD })?;
    let malformed = |reason| WireError::Malformed {
        record: T::RECORD,
        reason,
    };
    if version == T::VERSION {
        let (record, rest) = postcard::take_from_bytes(body).map_err(malformed)?;
        return whole(record, rest);
    }
    let older = usize::from(version).checked_sub(1);
    let lacking = older.and_then(|older| T::LACKING.get(older));
    let lacking = lacking.ok_or(WireError::Version {
        record: T::RECORD,
        found: version,
        oldest: 1,
        newest: T::VERSION,
    })?;
    let parts = TwoParts {
        record: body,
        lacking,
    };
    let mut deserializer = postcard::Deserializer::from_flavor(parts);
    let record = T::deserialize(&mut deserializer).map_err(malformed)?;
    let rest = deserializer.finalize().map_err(malformed)?;
    whole(record, rest)
}

/// The record, if nothing is left of its bytes.
fn whole<T: Wire>(record: T, rest: &[u8]) -> Result<T, WireError> {
    match rest {
        [] => Ok(record),
        _ => Err(WireError::Trailing { record: T::RECORD }),
    }
}

/// A record's bytes, and behind their end those of the fields that it lacks.
struct TwoParts<'de> {
    record: &'de [u8],
    lacking: &'de [u8],
}

impl<'de> TwoParts<'de> {
    /// The part that is read now. No value stands across the border: where one seems to, the bytes are no record.
    fn now(&mut self) -> &mut &'de [u8] {
        if self.record.is_empty() {
            &mut self.lacking
        } else {
            &mut self.record
        }
    }
}

impl<'de> Flavor<'de> for TwoParts<'de> {
    type Remainder = &'de [u8];
    type Source = &'de [u8];

    fn pop(&mut self) -> postcard::Result<u8> {
        let taken = self.now().split_off_first();
        taken
            .copied()
            .ok_or(postcard::Error::DeserializeUnexpectedEnd)
    }

    fn try_take_n(&mut self, count: usize) -> postcard::Result<&'de [u8]> {
        self.now()
            .split_off(..count)
            .ok_or(postcard::Error::DeserializeUnexpectedEnd)
    }

    fn finalize(self) -> postcard::Result<Self::Remainder> {
        Ok(if self.record.is_empty() {
            self.lacking
        } else {
            self.record
        })
    }
}
