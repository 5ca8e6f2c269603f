//! What the workspace says to every link of its: where links may stand, and where they may lead.

use std::sync::Arc;

use whence_core::domain::Domain;
use whence_core::link::{Host, LinkSpec, Slug, SpecError};
use whence_core::problem::Problem;
use whence_core::workspace::{Workspace, WorkspaceId};

use super::slug;
use crate::api::Api;
use crate::fields::Body;
use crate::problems::store_problem;
use crate::workspace;

/// A workspace and its domains, as they were when the request came.
#[derive(Debug)]
pub(super) struct Desk {
    /// The workspace.
    workspace: Workspace,
    /// In alphabetical order.
    domains: Vec<Arc<Domain>>,
}

/// Where a link shall stand.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The domain.
    pub(super) domain: Arc<Domain>,
    /// Whether it was asked for by name.
    pub(super) is_domain_asked: bool,
    /// The slug; a random one where there is none.
    pub(super) slug: Option<Slug>,
}

impl Desk {
    /// Of the caller's workspace.
    pub(super) async fn of(api: &Api, id: &WorkspaceId) -> Result<Self, Problem> {
        let workspace = workspace::find(api, id).await?;
        let domains = api.store.domains(id).await;
        let domains = domains.map_err(|e| store_problem(&e))?;
        Ok(Self {
            workspace,
            domains: domains.into_iter().map(Arc::new).collect(),
        })
    }

    /// The workspace's id.
    pub(super) fn id(&self) -> &WorkspaceId {
        &self.workspace.id
    }

    /// What cannot be of a link here.
    pub(super) fn check(&self, spec: &LinkSpec) -> Vec<SpecError> {
        spec.check(&self.workspace.allowed_schemes)
    }

    /// Reads `domain` and `slug`; the workspace's first domain where none is asked for.
    pub(super) fn place(&self, body: &mut Body) -> Option<Place> {
        let is_sound = body.is_sound();
        let asked: Option<Host> = body.optional("domain");
        let slug: Option<Slug> = body.optional("slug");
        if is_sound && !body.is_sound() {
            return None;
        }
        let found = match &asked {
            Some(asked) => self.domains.iter().find(|domain| domain.host == *asked),
            None => self.domains.first(),
        };
        let Some(domain) = found else {
            body.wrong(
                "domain",
                match &asked {
                    Some(asked) => format!(
                        "{asked} is no domain of this workspace; claim it with POST /api/v1/domains"
                    ),
                    None => "the workspace has no domain yet; claim one with POST /api/v1/domains"
                        .into(),
                },
            );
            return None;
        };
        let slug = match slug.map(|slug| slug::chosen(&domain.spec, &slug)) {
            None => None,
            Some(Ok(slug)) => Some(slug),
            Some(Err(detail)) => {
                body.wrong("slug", detail);
                return None;
            }
        };
        Some(Place {
            domain: Arc::clone(domain),
            is_domain_asked: asked.is_some(),
            slug,
        })
    }
}
