//! What the store is to do for a task, given what stands there.

use axum::http::StatusCode;
use jiff::Timestamp;
use whence_core::id::LinkId;
use whence_core::link::{Link, LinkSpec};
use whence_core::problem::Problem;
use whence_core::store::Edit;

use super::{Plan, Target, Task};
use crate::links::desk::Desk;
use crate::links::draft::Draft;
use crate::links::{no_such_link, slug};
use crate::problems::field;

impl Task {
    /// What the store is to do, given what is there. `tried` counts the tries before.
    pub(super) async fn plan(
        &mut self,
        desk: &Desk,
        found: Option<Link>,
        tried: usize,
    ) -> Result<Plan, Problem> {
        match self {
            Self::Refused(problem) => Err(problem.clone()),
            Self::Create(draft) => {
                draft.seal().await?;
                let link = reachable(made(desk, draft, tried))?;
                Ok(Plan::Store(Edit::Create(link)))
            }
            Self::Change(_, patch, wanted) => {
                let link = found.ok_or_else(no_such_link)?;
                wanted.check(link.revision)?;
                let spec = patch.over(desk, &link).await?;
                if spec == link.spec {
                    return Ok(Plan::Nothing(link));
                }
                Ok(Plan::Store(Edit::Change(reachable(saying(link, spec))?)))
            }
            Self::Put(_, draft, wanted) => {
                let Some(link) = found else {
                    if !wanted.may_be_new() {
                        return Err(Problem::new(
                            StatusCode::PRECONDITION_FAILED,
                            "there is no such link, at no revision",
                        ));
                    }
                    draft.seal().await?;
                    let link = reachable(made(desk, draft, tried))?;
                    return Ok(Plan::Store(Edit::Create(link)));
                };
                wanted.check(link.revision)?;
                stays(draft, &link)?;
                draft.seal_as(link.spec.password_hash.as_ref()).await?;
                if draft.spec == link.spec {
                    return Ok(Plan::Nothing(link));
                }
                let link = reachable(saying(link, draft.spec.clone()))?;
                Ok(Plan::Store(Edit::Change(link)))
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

/// Refuses a link that is to answer below its slug where nothing is ever looked for.
fn reachable(link: Link) -> Result<Link, Problem> {
    if link.spec.forward_path && link.slug.as_str().ends_with('/') {
        let detail = "needs a slug that does not end in /: nothing is below such a one";
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return Err(field(status, "forward_path", detail));
    }
    Ok(link)
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
