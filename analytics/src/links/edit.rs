//! Edits of links, one or ten thousand, by one way: what stands there is read, what shall stand there is
//! planned, and the store makes it so. Where somebody else came first, and the caller does not mind, it
//! is planned again.
//!
//! How an edit was asked for, and how it is answered, does not belong here.

use std::collections::HashSet;

use axum::http::StatusCode;
use futures::{FutureExt, StreamExt, stream};
use jiff::Timestamp;
use whence_core::id::LinkId;
use whence_core::link::{Label, Link, LinkSpec};
use whence_core::problem::Problem;
use whence_core::store::{ChangeError, CreateError, Edit, EditError};

use super::desk::Desk;
use super::draft::{Draft, Patch};
use super::{no_such_link, slug};
use crate::api::Api;
use crate::problems::{field, store_problem};
use crate::revision::{Wanted, contended, stale};

/// How often an edit is planned. Of random slugs each try has more to choose from, so that all are taken
/// never; and who loses to others eight times in a row is better told so.
const TRIES: usize = 8;
/// The most edits that are planned on what was read before the first of them.
const WINDOW: usize = 1_000;
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

/// Does the first of the tasks, at least one, up to the first whose link another of them may have touched.
async fn batch(api: &Api, desk: &Desk, tasks: &mut [Task]) -> Vec<Result<Done, Problem>> {
    // Boxed one by one: of a lazy map over borrowed tasks the compiler cannot see that it may be sent.
    let mut reads = Vec::with_capacity(tasks.len());
    for task in &*tasks {
        reads.push(task.current(api, desk).boxed());
    }
    let found: Vec<_> = stream::iter(reads).buffered(READS).collect().await;
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

    /// What the store is to do, given what is there. `tried` counts the tries before.
    async fn plan(
        &mut self,
        desk: &Desk,
        found: Option<Link>,
        tried: usize,
    ) -> Result<Plan, Problem> {
        match self {
            Self::Refused(problem) => Err(problem.clone()),
            Self::Create(draft) => {
                draft.seal().await?;
                Ok(Plan::Store(Edit::Create(made(desk, draft, tried))))
            }
            Self::Change(_, patch, wanted) => {
                let link = found.ok_or_else(no_such_link)?;
                wanted.check(link.revision)?;
                let spec = patch.over(desk, &link).await?;
                Ok(Plan::Store(Edit::Change(saying(link, spec))))
            }
            Self::Put(_, draft, wanted) => {
                let Some(link) = found else {
                    if !wanted.is_any() {
                        return Err(Problem::new(
                            StatusCode::PRECONDITION_FAILED,
                            "there is no such link, at no revision",
                        ));
                    }
                    draft.seal().await?;
                    return Ok(Plan::Store(Edit::Create(made(desk, draft, tried))));
                };
                wanted.check(link.revision)?;
                stays(draft, &link)?;
                draft.seal_as(link.spec.password_hash.as_ref()).await?;
                if draft.spec == link.spec {
                    return Ok(Plan::Nothing(link));
                }
                Ok(Plan::Store(Edit::Change(saying(link, draft.spec.clone()))))
            }
            Self::Delete(target, wanted) => {
                let (id, revision) = match (found, target) {
                    (Some(link), _) => {
                        wanted.check(link.revision)?;
                        (link.id, (!wanted.is_any()).then_some(link.revision))
                    }
                    (None, Target::Id(id)) if wanted.is_any() => (*id, None),
                    (None, _) => return Err(no_such_link()),
                };
                Ok(Plan::Store(Edit::Delete {
                    workspace: desk.id().clone(),
                    id,
                    revision,
                }))
            }
        }
    }

    /// Whether the same could be wanted of what is there now.
    fn may_try_again(&self, error: &EditError) -> bool {
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
    fn refusal(&self, error: EditError) -> Problem {
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

impl From<Edit> for Done {
    fn from(edit: Edit) -> Self {
        match edit {
            Edit::Create(link) => Self::Made(link),
            Edit::Change(link) => Self::Changed(link),
            Edit::Delete { .. } => Self::Deleted,
        }
    }
}

/// The new link that a draft describes.
fn made(desk: &Desk, draft: &Draft, tried: usize) -> Link {
    let now = Timestamp::now();
    let (place, origin) = (&draft.place, &draft.origin);
    // Seconds fit until 2106.
    let fresh = || LinkId::random(u32::try_from(now.as_second()).unwrap_or(u32::MAX));
    let created_at = origin.created_at.unwrap_or(now);
    Link {
        id: origin.id.filter(|_| tried == 0).unwrap_or_else(fresh),
        workspace: desk.id().clone(),
        domain: place.domain.host.clone(),
        slug: match &place.slug {
            Some(slug) => slug.clone(),
            None => slug::random(&place.domain.spec, tried),
        },
        spec: draft.spec.clone(),
        learned_weights: origin.learned_weights.clone(),
        revision: 1,
        created_at,
        updated_at: origin.updated_at.unwrap_or(created_at),
    }
}

/// The link at its next revision, where it says this.
fn saying(link: Link, spec: LinkSpec) -> Link {
    // What was learned of some variants says nothing of others.
    let as_before =
        spec.variants == link.spec.variants && spec.variant_mode == link.spec.variant_mode;
    Link {
        learned_weights: match as_before {
            true => link.learned_weights,
            false => Vec::new(),
        },
        spec,
        revision: link.revision + 1,
        updated_at: Timestamp::now(),
        ..link
    }
}

/// Refuses to move a link.
fn stays(draft: &Draft, link: &Link) -> Result<(), Problem> {
    let place = &draft.place;
    let moves = |name| {
        let detail = "cannot be changed: people have shared it; make another link";
        Err(field(StatusCode::UNPROCESSABLE_ENTITY, name, detail))
    };
    if place.is_domain_asked && place.domain.host != link.domain {
        return moves("domain");
    }
    match &place.slug {
        Some(slug) if *slug != link.slug => moves("slug"),
        Some(_) | None => Ok(()),
    }
}

/// What the tasks of a batch change, for those after them.
#[derive(Default)]
struct Touched {
    ids: HashSet<LinkId>,
    external_ids: HashSet<Label>,
    places: HashSet<(String, String)>,
}

impl Touched {
    /// Whether what was read for the task may be out of date.
    fn has(&self, task: &Task, found: &Result<Option<Link>, Problem>) -> bool {
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

    fn note(&mut self, plan: &Result<Plan, Problem>, before: Option<&Link>) {
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
