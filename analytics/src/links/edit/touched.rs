//! Which links the tasks of a batch touch: what was read of one before is out of date for those after it.

use std::collections::HashSet;

use whence_core::id::LinkId;
use whence_core::link::{Label, Link};
use whence_core::problem::Problem;
use whence_core::store::Edit;

use super::{Plan, Target, Task};
use crate::links::draft::Draft;

/// What the tasks of a batch change, for those after them.
#[derive(Default)]
pub(super) struct Touched {
    ids: HashSet<LinkId>,
    external_ids: HashSet<Label>,
    places: HashSet<(String, String)>,
}

impl Touched {
    /// Whether what was read for the task may be out of date.
    pub(super) fn has(&self, task: &Task, found: &Result<Option<Link>, Problem>) -> bool {
        let by_name = match task {
            Task::Change(target, ..) | Task::Delete(target, _) => self.has_target(target, None),
            Task::Put(target, draft, _) => self.has_target(target, Some(draft)),
            Task::Create(_) | Task::Refused(_) => false,
        };
        let by_id = matches!(found, Ok(Some(link)) if self.ids.contains(&link.id));
        by_name || by_id
    }

    fn has_target(&self, target: &Target, draft: Option<&Draft>) -> bool {
        match target {
            Target::Id(id) => self.ids.contains(id),
            Target::External(name) => self.external_ids.contains(name),
            Target::Place => draft.is_some_and(|draft| {
                let host = draft.place.domain.host.to_string();
                let slug = draft.place.slug.as_ref().map(ToString::to_string);
                slug.is_some_and(|slug| self.places.contains(&(host, slug)))
            }),
        }
    }

    pub(super) fn note(&mut self, plan: &Result<Plan, Problem>, before: Option<&Link>) {
        let Ok(Plan::Store(edit)) = plan else { return };
        let after = match edit {
            Edit::Create(link) | Edit::Change(link) => Some(link),
            Edit::Delete { id, .. } => {
                self.ids.insert(*id);
                None
            }
        };
        for link in before.into_iter().chain(after) {
            self.ids.insert(link.id);
            self.external_ids.extend(link.spec.external_id.clone());
            self.places
                .insert((link.domain.to_string(), link.slug.to_string()));
        }
    }
}
