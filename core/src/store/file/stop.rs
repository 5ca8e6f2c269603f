//! What ends a transaction early: the database's own trouble, or the answer that the caller gets.

use std::path::Path;

use crate::store::StoreError;

/// Ends a transaction without a commit.
pub(super) enum Stop<E> {
    /// The database failed.
    Database(redb::Error),
    /// The caller's answer: a refusal, or something unreadable.
    Answer(E),
}

impl<E: From<StoreError>> Stop<E> {
    /// The answer, in which trouble names the file.
    pub(super) fn into_answer(self, path: &Path) -> E {
        match self {
            Self::Answer(answer) => answer,
            Self::Database(redb::Error::Corrupted(reason)) => StoreError::Unreadable {
                key: path.display().to_string(),
                reason,
            }
            .into(),
            Self::Database(error) => {
                StoreError::Unavailable(format!("{}: {error}", path.display())).into()
            }
        }
    }

    /// Whether the database answers nothing more until it is opened anew.
    pub(super) fn is_final(&self) -> bool {
        use redb::Error::{DatabaseClosed, Io, LockPoisoned, PreviousIo};
        matches!(
            self,
            Self::Database(Io(_) | PreviousIo | DatabaseClosed | LockPoisoned(_))
        )
    }

    /// For `map_err` on what could not be read.
    pub(super) fn unreadable(error: StoreError) -> Self {
        Self::Answer(error.into())
    }
}

/// Lets `?` turn each of the database's error types into a stop.
macro_rules! from_database {
    ($($error:ty),*) => {
        $(impl<E> From<$error> for Stop<E> {
            fn from(error: $error) -> Self {
                Self::Database(error.into())
            }
        })*
    };
}

from_database!(
    redb::TransactionError,
    redb::TableError,
    redb::StorageError,
    redb::CommitError
);
