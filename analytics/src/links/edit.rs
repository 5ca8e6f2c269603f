//! Edits of links, one or ten thousand, by one way: what stands there is read, what shall stand there is
//! planned, and the store makes it so. Where somebody else came first, and the caller does not mind, it
//! is planned again.
//!
//! How an edit was asked for, and how it is answered, does not belong here.

mod conflict;
mod plan;
mod touched;

use futures::{FutureExt, StreamExt, stream};
use whence_core::id::LinkId;
use whence_core::link::{Label, Link};
use whence_core::problem::Problem;
use whence_core::store::{Edit, EditError};

use super::desk::Desk;
use super::draft::{Draft, Patch};
use crate::api::Api;
use crate::problems::store_problem;
use crate::revision::Wanted;
use touched::Touched;

/// How often an edit is planned. Of random slugs each try has more to choose from, so that all are taken
/// never; and who loses to others eight times in a row is better told so.
const TRIES: usize = 8;
/// The most edits that are planned on what was read before the first of them.
pub(super) const WINDOW: usize = 1_000;
/// How much of links is read before it is planned upon, in bytes of their JSON.
const READ_BYTES: usize = 4 << 20;
/// How many links are read at a time.
const READS: usize = 64;

/// One edit.
#[derive(Debug)]
pub(super) enum Task {
    /// Makes a link, never over another.
    Create(Draft),
    /// Changes what is named.
    Change(Target, Patch, Wanted),
    /// Makes a link, or replaces all that the one there says.
    Put(Target, Draft, Wanted),
    /// Deletes a link.
    Delete(Target, Wanted),
    /// Cannot be, whatever stands there.
    Refused(Problem),
}

/// Which link is meant.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// The one with this id.
    Id(LinkId),
    /// The one with this external id.
    External(Label),
    /// The one that stands where the draft shall stand.
    Place,
}

/// What was done.
#[derive(Debug)]
pub(super) enum Done {
    /// There is a new link.
    Made(Link),
    /// A link says something else.
    Changed(Link),
    /// A link says what it shall say already.
    Same(Link),
    /// A link is gone.
    Deleted,
}

/// What the store is to do.
enum Plan {
    Store(Edit),
    Nothing(Link),
}

/// Does one edit.
pub(super) async fn one(api: &Api, desk: &Desk, task: Task) -> Result<Done, Problem> {
    let mut done = many(api, desk, vec![task]).await;
    done.pop().expect("one answer for each task")
}

/// Does many edits, each by itself, in their order: one answer for each.
pub(super) async fn many(
    api: &Api,
    desk: &Desk,
    mut tasks: Vec<Task>,
) -> Vec<Result<Done, Problem>> {
    let mut answers = Vec::with_capacity(tasks.len());
    let mut window = WINDOW;
    while answers.len() < tasks.len() {
        let start = answers.len();
        let end = tasks.len().min(start + window);
        let done = batch(api, desk, &mut tasks[start..end]).await;
        // Where edits of the same links follow each other, little can be read ahead.
        window = match done.len() < end - start {
            true => done.len(),
            false => (window * 2).min(WINDOW),
        };
        answers.extend(done);
    }
    answers
}

/// Does the first of the tasks, at least one, up to the first whose link another of them may have touched,
/// or as many as have been read by then.
async fn batch(api: &Api, desk: &Desk, tasks: &mut [Task]) -> Vec<Result<Done, Problem>> {
    // Boxed one by one: of a lazy map over borrowed tasks the compiler cannot see that it may be sent.
    let mut reads = Vec::with_capacity(tasks.len());
    for task in &*tasks {
        reads.push(task.current(api, desk).boxed());
    }
    let mut reads = stream::iter(reads).buffered(READS);
    let (mut found, mut bytes) = (Vec::with_capacity(tasks.len()), 0);
    while bytes < READ_BYTES
        && let Some(read) = reads.next().await
    {
        if let Ok(Some(link)) = &read {
            bytes += link.spec.json_bytes();
        }
        found.push(read);
    }
    drop(reads);
    let mut touched = Touched::default();
    let mut plans = Vec::with_capacity(tasks.len());
    for (task, found) in tasks.iter_mut().zip(found) {
        if touched.has(task, &found) {
            break;
        }
        let before = found.as_ref().ok().cloned().flatten();
        let plan = match found {
            Ok(found) => task.plan(desk, found, 0).await,
            Err(problem) => Err(problem),
        };
        touched.note(&plan, before.as_ref());
        plans.push(plan);
    }
    let edits = plans.iter().filter_map(|plan| match plan {
        Ok(Plan::Store(edit)) => Some(edit.clone()),
        Ok(Plan::Nothing(_)) | Err(_) => None,
    });
    let edits: Vec<Edit> = edits.collect();
    let stored = match edits.is_empty() {
        true => Vec::new(),
        false => api.store.edit_links(&edits).await,
    };
    let mut stored = stored.into_iter();
    let mut answers = Vec::with_capacity(plans.len());
    for (task, plan) in tasks.iter_mut().zip(plans) {
        let answer = match plan {
            Err(problem) => Err(problem),
            Ok(Plan::Nothing(link)) => Ok(Done::Same(link)),
            Ok(Plan::Store(edit)) => {
                let result = stored.next().expect("the store answers each edit");
                match result {
                    Ok(()) => Ok(Done::from(edit)),
                    Err(error) if task.may_try_again(&error) => again(api, desk, task, error).await,
                    Err(error) => Err(task.refusal(error)),
                }
            }
        };
        answers.push(answer);
    }
    answers
}

/// Tries an edit again to which somebody else came first.
async fn again(
    api: &Api,
    desk: &Desk,
    task: &mut Task,
    mut error: EditError,
) -> Result<Done, Problem> {
    for tried in 1..TRIES {
        let found = task.current(api, desk).await?;
        let edit = match task.plan(desk, found, tried).await? {
            Plan::Nothing(link) => return Ok(Done::Same(link)),
            Plan::Store(edit) => edit,
        };
        let stored = api.store.edit_links(std::slice::from_ref(&edit)).await;
        error = match stored.into_iter().next() {
            Some(Ok(())) => return Ok(edit.into()),
            Some(Err(error)) if task.may_try_again(&error) => error,
            Some(Err(error)) => return Err(task.refusal(error)),
            None => unreachable!("the store answers each edit"),
        };
    }
    Err(task.refusal(error))
}

impl Task {
    /// The link that it is about, as it is now; none where it needs none.
    async fn current(&self, api: &Api, desk: &Desk) -> Result<Option<Link>, Problem> {
        let (target, draft) = match self {
            Self::Change(target, ..) => (target, None),
            Self::Put(target, draft, _) => (target, Some(draft)),
            // Whether it is there, the store says.
            Self::Delete(Target::Id(_), wanted) if wanted.is_any() => return Ok(None),
            Self::Delete(target, _) => (target, None),
            Self::Create(_) | Self::Refused(_) => return Ok(None),
        };
        let workspace = desk.id();
        let found = match target {
            Target::Id(id) => api.store.link(workspace, *id).await,
            Target::External(name) => api.store.link_by_external_id(workspace, name).await,
            Target::Place => {
                let Some(place) = draft.map(|draft| &draft.place) else {
                    return Ok(None);
                };
                let Some(slug) = &place.slug else {
                    return Ok(None);
                };
                let at = api.store.link_at(place.domain.host.as_str(), slug.as_str());
                // Whoever had the domain before may have left links on it.
                at.await
                    .map(|found| found.filter(|link| link.workspace == *workspace))
            }
        };
        found.map_err(|error| store_problem(&error))
    }
}

impl From<Edit> for Done {
    fn from(edit: Edit) -> Self {
        match edit {
            Edit::Create(link) => Self::Made(link),
            Edit::Change(link) => Self::Changed(link),
            Edit::Delete { .. } => Self::Deleted,
        }
    }
}
