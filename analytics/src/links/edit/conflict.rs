//! Edits that the store did not do: which may be tried again, and how the others are answered.

use axum::http::StatusCode;
use whence_core::problem::Problem;
use whence_core::store::{ChangeError, CreateError, EditError};

use super::{Target, Task};
use crate::links::draft::Draft;
use crate::links::no_such_link;
use crate::problems::{field, store_problem};
use crate::revision::{contended, stale};

impl Task {
    /// Whether the same could be wanted of what is there now.
    pub(super) fn may_try_again(&self, error: &EditError) -> bool {
        let is_random = |draft: &Draft| draft.place.slug.is_none();
        match (self, error) {
            (Self::Create(_) | Self::Put(..), EditError::Create(CreateError::IdTaken)) => true,
            (Self::Create(draft), EditError::Create(CreateError::SlugTaken)) => is_random(draft),
            (Self::Put(target, draft, _), EditError::Create(CreateError::SlugTaken)) => {
                is_random(draft) || matches!(target, Target::Place)
            }
            (
                Self::Put(Target::External(_), ..),
                EditError::Create(CreateError::ExternalIdTaken),
            ) => true,
            (Self::Put(_, _, wanted), EditError::Change(ChangeError::NotFound)) => wanted.is_any(),
            (
                Self::Change(Target::External(_), _, wanted)
                | Self::Delete(Target::External(_), wanted),
                EditError::Change(ChangeError::NotFound),
            ) => wanted.is_any(),
            (
                Self::Change(_, _, wanted) | Self::Put(_, _, wanted),
                EditError::Change(ChangeError::Revision { .. }),
            ) => wanted.is_any(),
            _ => false,
        }
    }

    /// How an edit is answered that the store did not do.
    pub(super) fn refusal(&self, error: EditError) -> Problem {
        let taken = |name, detail: String| field(StatusCode::CONFLICT, name, detail);
        let wanted = match self {
            Self::Change(_, _, wanted) | Self::Put(_, _, wanted) | Self::Delete(_, wanted) => {
                Some(wanted)
            }
            Self::Create(_) | Self::Refused(_) => None,
        };
        match error {
            EditError::Create(CreateError::SlugTaken) => match self {
                Self::Create(draft) | Self::Put(_, draft, _) if draft.place.slug.is_some() => {
                    let host = &draft.place.domain.host;
                    taken("slug", format!("is taken: {host} has a link there already"))
                }
                _ => Problem::unavailable("no free slug was found", 1),
            },
            EditError::Create(CreateError::IdTaken) => {
                Problem::unavailable("no free id was found", 1)
            }
            EditError::Create(CreateError::ExternalIdTaken)
            | EditError::Change(ChangeError::ExternalIdTaken) => taken(
                "external_id",
                "is taken: another link of this workspace has it".into(),
            ),
            EditError::Change(ChangeError::NotFound) => no_such_link(),
            EditError::Change(ChangeError::Revision { current }) => match wanted {
                Some(wanted) if !wanted.is_any() => stale(current),
                _ => contended(),
            },
            EditError::Create(CreateError::Store(error))
            | EditError::Change(ChangeError::Store(error)) => store_problem(&error),
        }
    }
}
